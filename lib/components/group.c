/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Tensors of a layer that the configuration lists, side by side or stacked, as one matrix with a name.
 *
 * `members: [attention.v_proj, attention.o_proj]` are layer suffixes; those in `transpose` are turned over first.
 * `combine: columns` puts them side by side, for which they need equally many rows, `rows` one above the other.
 *
 * Key: `layers.<layer>.group.<name>.<kind>`; without a `name` the members with '+' between.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "components/component_impl.h"

/* A list option while it is gone through: `item` is the current one, NUL-terminated. */
typedef struct list_reader {
    const char *rest;
    pa_text item;
} list_reader;

/* 1 and the next item, 0 at the end, or a negative status. */
static int32_t next_item(list_reader *list, pa_error *err)
{
    const size_t length = strcspn(list->rest, ",");
    list->item.length = 0;
    if (length == 0) {
        return 0;
    }
    const pa_status status = pa_text_append_bytes(&list->item, list->rest, (int64_t)length, err);
    list->rest += length + (list->rest[length] == ',');
    return status == PA_OK ? 1 : status;
}

static int is_in_list(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += at[0] == ',';
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0')) {
            return 1;
        }
    }
    return 0;
}

static int64_t count_items(const char *list)
{
    int64_t n = list[0] != '\0';
    for (const char *c = list; *c != '\0'; c++) {
        n += *c == ',';
    }
    return n;
}

/* What is turned over must be there. */
static pa_status check_transposed(const pa_site *site, const char *members, pa_error *err)
{
    pa_status status = PA_OK;
    list_reader list = {pa_options_string(pa_site_options(site), "transpose"), {.mem = &site->component->ctx->mem}};
    int32_t more = next_item(&list, err);
    for (; more == 1; more = next_item(&list, err)) {
        PA_REQUIRE(is_in_list(members, list.item.data), err, PA_ERR_CONFIG,
                   "group: '%s' in 'transpose' is none of the members", list.item.data);
    }
    status = more;

cleanup:
    pa_text_free(&list.item);
    return status;
}

static pa_status read_member(const pa_site *site, const char *suffix, pa_matrix **out, pa_error *err)
{
    pa_matrix *tensor = NULL;
    pa_status status = pa_checkpoint_matrix(pa_site_checkpoint(site), pa_site_split(site), pa_site_kind(site),
                                            pa_site_layer(site), suffix, &tensor, err);
    if (status == PA_OK && is_in_list(pa_options_string(pa_site_options(site), "transpose"), suffix)) {
        status = pa_matrix_transpose(tensor, out, err);
    } else {
        *out = tensor;
        tensor = NULL;
    }
    pa_matrix_destroy(tensor);
    return status;
}

static pa_status check_member(const pa_matrix *first, const pa_matrix *m, const char *suffix, int by_columns,
                              pa_error *err)
{
    const int64_t expected = by_columns ? pa_matrix_rows(first) : pa_matrix_cols(first);
    const int64_t found = by_columns ? pa_matrix_rows(m) : pa_matrix_cols(m);
    if (found != expected) {
        return pa_fail(err, PA_ERR_SHAPE,
                       "group: '%s' is [%lld, %lld], its first member [%lld, %lld]: 'combine: %s' needs equally many "
                       "%s",
                       suffix, (long long)pa_matrix_rows(m), (long long)pa_matrix_cols(m),
                       (long long)pa_matrix_rows(first), (long long)pa_matrix_cols(first),
                       by_columns ? "columns" : "rows", by_columns ? "rows" : "columns");
    }
    return PA_OK;
}

static pa_status read_members(const pa_site *site, const char *members, int by_columns, pa_matrix **tensors,
                              pa_error *err)
{
    pa_status status = PA_OK;
    int64_t n = 0;
    list_reader list = {members, {.mem = &site->component->ctx->mem}};
    int32_t more = next_item(&list, err);
    for (; more == 1; more = next_item(&list, err)) {
        PA_TRY(read_member(site, list.item.data, &tensors[n], err));
        PA_TRY(check_member(tensors[0], tensors[n], list.item.data, by_columns, err));
        n++;
    }
    status = more;

cleanup:
    pa_text_free(&list.item);
    return status;
}

static pa_status write_name(const pa_site *site, const char *members, pa_text *text, pa_error *err)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-";
    pa_status status = PA_OK;
    const char *name = pa_options_string(pa_site_options(site), "name");
    PA_REQUIRE(name[strspn(name, safe)] == '\0', err, PA_ERR_CONFIG,
               "group: 'name' is made of letters, digits and _ . + -, not '%.60s'", name);
    PA_TRY(pa_text_append(text, "group.", err));
    const int64_t at = text->length;
    PA_TRY(pa_text_append(text, name[0] != '\0' ? name : members, err));
    for (char *c = text->data + at; *c != '\0'; c++) {
        *c = (char)(*c == ',' ? '+' : *c);
    }
    PA_TRY(pa_text_printf(text, err, ".%s", pa_kind_name(pa_site_kind(site))));

cleanup:
    return status;
}

static pa_status build(void *user_data, pa_site *site, pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const pa_allocator *mem = &site->component->ctx->mem;
    const char *members = pa_options_string(pa_site_options(site), "members");
    const int by_columns = strcmp(pa_options_string(pa_site_options(site), "combine"), "columns") == 0;
    const int64_t n = count_items(members);
    pa_matrix **tensors = NULL;
    pa_matrix *all = NULL;
    pa_text name = {.mem = mem};
    PA_REQUIRE(n > 0, err, PA_ERR_CONFIG, "group: 'members' is an empty list");
    PA_TRY(write_name(site, members, &name, err));
    PA_TRY(check_transposed(site, members, err));
    PA_REQUIRE_MEMORY(tensors = pa_alloc(mem, n, sizeof(pa_matrix *)), err, "a group");
    PA_TRY(read_members(site, members, by_columns, tensors, err));
    PA_TRY(by_columns ? pa_matrix_concat_columns((const pa_matrix *const *)tensors, n, &all, err)
                      : pa_matrix_concat_rows((const pa_matrix *const *)tensors, n, &all, err));
    PA_TRY(pa_site_emit(site, name.data, -1, all, err));

cleanup:
    pa_matrix_destroy(all);
    for (int64_t i = 0; tensors != NULL && i < n; i++) {
        pa_matrix_destroy(tensors[i]);
    }
    pa_free(mem, tensors);
    pa_text_free(&name);
    return status;
}

static const pa_option_spec options[] = {
    {.name = "members", .type = PA_OPTION_LIST, .help = "Layer suffixes, as [attention.v_proj, attention.o_proj]."},
    {.name = "combine",
     .type = PA_OPTION_CHOICE,
     .fallback = "columns",
     .choices = "columns|rows",
     .help = "Side by side, or one above the other."},
    {.name = "transpose", .type = PA_OPTION_LIST, .fallback = "", .help = "Members that are turned over first."},
    {.name = "name",
     .type = PA_OPTION_STRING,
     .fallback = "",
     .help = "What the group is called in keys; without it the members with + between."},
};

/** @brief Built-in component `group`; see @ref group.c. */
const pa_component_ops pa_component_group = {
    .struct_size = sizeof(pa_component_ops),
    .name = "group",
    .description = "Listed tensors of a layer as one matrix, side by side or stacked.",
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .build = build,
    .kinds = 1 << PA_WEIGHTS | 1 << PA_GRADIENTS | 1 << PA_ACTIVATIONS,
    .formula = "columns: [A B ...]; rows: [A; B; ...]",
    .shape = "columns: [n, p_1 + p_2 + ...]; rows: [n_1 + n_2 + ..., p]",
};
