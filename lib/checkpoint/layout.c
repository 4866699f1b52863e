/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/layout.h"

#include <string.h>

#include "base/alloc.h"
#include "base/sort.h"
#include "base/system.h"
#include "base/text.h"
#include "checkpoint/checkpoint_impl.h"

static const char word[] = "{step}";

enum { WORD_LENGTH = sizeof(word) - 1 };

int pa_path_is_inside(const char *path)
{
    if (path[0] == '/' || path[0] == '\0') {
        return 0;
    }
    for (const char *at = strstr(path, ".."); at != NULL; at = strstr(at + 2, "..")) {
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0')) {
            return 0;
        }
    }
    return 1;
}

/* A layout taken apart: "<head><before>{step}<after><tail>"; the head ends and the tail starts with a slash, if any. */
typedef struct pattern {
    const char *layout;
    int64_t head;
    int64_t before; /* lengths */
    int64_t after;
} pattern;

typedef struct listing {
    const pa_context *ctx;
    const char *root;
    pattern pattern;
    pa_layout_step *steps;
    int64_t n;
    int64_t capacity;
} listing;

static pa_status parse(const char *layout, pattern *out, pa_error *err)
{
    pa_status status = PA_OK;
    const char *at = strstr(layout, word);
    PA_REQUIRE(pa_path_is_inside(layout), err, PA_ERR_CONFIG,
               "layout '%.200s': must be a path below the run, without '..'", layout);
    PA_REQUIRE(at != NULL, err, PA_ERR_CONFIG, "layout '%.200s': there is no {step} in it", layout);
    PA_REQUIRE(strstr(at + WORD_LENGTH, word) == NULL, err, PA_ERR_CONFIG, "layout '%.200s': more than one {step}",
               layout);
    const char *begin = at;
    while (begin > layout && begin[-1] != '/') {
        begin--;
    }
    *out = (pattern){layout, begin - layout, at - begin, (int64_t)strcspn(at + WORD_LENGTH, "/")};

cleanup:
    return status;
}

/* The number in the name of an entry, or -1. */
static int64_t parse_step(const pattern *p, const char *name)
{
    const char *before = p->layout + p->head;
    int64_t step = 0;
    if (strncmp(name, before, (size_t)p->before) != 0 || name[p->before] < '0' || name[p->before] > '9') {
        return -1;
    }
    const char *c = name + p->before;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (step > (INT64_MAX - 9) / 10) {
            return -1;
        }
        step = 10 * step + (*c - '0');
    }
    const char *after = before + p->before + WORD_LENGTH;
    return (int64_t)strlen(c) == p->after && strncmp(c, after, (size_t)p->after) == 0 ? step : -1;
}

/* An entry whose name fits is a step if there is a state dict under the rest of the layout. */
static pa_status consider(listing *l, const char *name, pa_error *err)
{
    pa_status status = PA_OK;
    char *found = NULL;
    const pattern *p = &l->pattern;
    pa_text path = {.mem = &l->ctx->mem};
    const int64_t step = parse_step(p, name);
    if (step < 0) {
        return PA_OK;
    }
    PA_TRY(pa_text_printf(&path, err, "%s/%.*s%s%s", l->root, (int)p->head, p->layout, name,
                          p->layout + p->head + p->before + WORD_LENGTH + p->after));
    PA_TRY(pa_state_dict_find(&l->ctx->mem, path.data, &found, err));
    if (found != NULL) {
        pa_layout_step *grown = pa_array_grow(&l->ctx->mem, l->steps, &l->capacity, l->n + 1, sizeof(*grown));
        PA_REQUIRE_MEMORY(grown, err, "the steps of a run");
        l->steps = grown;
        l->steps[l->n++] = (pa_layout_step){step, path.data};
        path.data = NULL;
    }

cleanup:
    pa_free(&l->ctx->mem, found);
    pa_text_free(&path);
    return status;
}

static pa_status read_entries(listing *l, pa_error *err)
{
    pa_status status = PA_OK;
    DIR *directory = NULL;
    const char *name = NULL;
    pa_text path = {.mem = &l->ctx->mem};
    PA_TRY(pa_text_printf(&path, err, "%s/%.*s", l->root, (int)l->pattern.head, l->pattern.layout));
    PA_TRY(pa_listing_open(path.data, &directory, err));
    PA_TRY(pa_listing_next(directory, path.data, &name, err));
    while (name != NULL) {
        PA_TRY(consider(l, name, err));
        PA_TRY(pa_listing_next(directory, path.data, &name, err));
    }

cleanup:
    if (directory != NULL) {
        (void)closedir(directory);
    }
    pa_text_free(&path);
    return status;
}

static int compare(const void *items, int64_t a, int64_t b)
{
    const pa_layout_step *left = (const pa_layout_step *)items + a;
    const pa_layout_step *right = (const pa_layout_step *)items + b;
    const int order = (left->step > right->step) - (left->step < right->step);
    return order != 0 ? order : strcmp(left->path, right->path);
}

static pa_status sort_steps(listing *l, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &l->ctx->mem;
    pa_layout_step *sorted = pa_alloc_raw(mem, l->n, sizeof(*sorted));
    int64_t *order = pa_alloc_raw(mem, l->n, sizeof(*order));
    PA_REQUIRE(sorted != NULL && order != NULL, err, PA_ERR_NOMEM, "out of memory for the steps of a run");
    for (int64_t i = 0; i < l->n; i++) {
        order[i] = i;
    }
    pa_sort_order(order, l->n, compare, l->steps);
    for (int64_t i = 0; i < l->n; i++) {
        sorted[i] = l->steps[order[i]];
    }
    pa_free(mem, l->steps);
    l->steps = sorted;
    sorted = NULL;

cleanup:
    pa_free(mem, order);
    pa_free(mem, sorted);
    return status;
}

pa_status pa_layout_list(const pa_context *ctx, const char *root, const char *layout, pa_layout_step **out,
                         int64_t *count, pa_error *err)
{
    pa_status status = PA_OK;
    listing l = {.ctx = ctx, .root = root};
    PA_TRY(parse(layout, &l.pattern, err));
    PA_TRY(read_entries(&l, err));
    PA_REQUIRE(l.n > 0, err, PA_ERR_NOT_FOUND, "%s: nothing in it matches the layout '%.200s'", root, layout);
    PA_TRY(sort_steps(&l, err));
    for (int64_t i = 1; i < l.n; i++) {
        PA_REQUIRE(l.steps[i].step != l.steps[i - 1].step, err, PA_ERR_EXISTS, "%s and %s are both step %lld",
                   l.steps[i - 1].path, l.steps[i].path, (long long)l.steps[i].step);
    }
    *out = l.steps;
    *count = l.n;
    l.steps = NULL;

cleanup:
    pa_layout_free(ctx, l.steps, l.n);
    return status;
}

void pa_layout_free(const pa_context *ctx, pa_layout_step *steps, int64_t count)
{
    for (int64_t i = 0; steps != NULL && i < count; i++) {
        pa_free(&ctx->mem, steps[i].path);
    }
    pa_free(&ctx->mem, steps);
}
