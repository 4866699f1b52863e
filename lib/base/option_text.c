/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Options as text: lists joined and split, texts written so that YAML reads them back. */
#include <string.h>

#include "base/options_impl.h"

static const char plain_list[] = "a list of words or numbers";
static const char plain_items[] = "a list whose items are words or numbers without commas";

/* One item; commas stand between items, so none may be in one. */
static pa_status append_item(pa_text *list, const char *text, size_t length, const char **wanted, pa_error *err)
{
    pa_status status = PA_OK;
    const char *first = text + strspn(text, " ");
    const char *end = text + length;
    while (end > first && end[-1] == ' ') {
        end--;
    }
    if (first >= end || memchr(first, ',', (size_t)(end - first)) != NULL) {
        *wanted = plain_items;
        return PA_OK;
    }
    PA_TRY(pa_text_append(list, list->length > 0 ? "," : "", err));
    PA_TRY(pa_text_append_bytes(list, first, end - first, err));

cleanup:
    return status;
}

/* "0, 3": what YAML takes for one text, and what a fallback is written as. */
static pa_status split_items(pa_text *list, const char *text, const char **wanted, pa_error *err)
{
    pa_status status = PA_OK;
    const char *item = text[0] != '\0' ? text : NULL;
    while (item != NULL) {
        const char *comma = strchr(item, ',');
        PA_TRY(append_item(list, item, comma != NULL ? (size_t)(comma - item) : strlen(item), wanted, err));
        item = comma != NULL ? comma + 1 : NULL;
    }

cleanup:
    return status;
}

pa_status pa_option_list_join(const pa_yaml_node *node, pa_text *out, const char **wanted, pa_error *err)
{
    pa_status status = PA_OK;
    *wanted = NULL;
    if (node->text != NULL) {
        return split_items(out, node->text, wanted, err);
    }
    if (node->type != PA_YAML_SEQUENCE) {
        *wanted = plain_list;
    }
    for (int64_t i = 0; i < node->count && *wanted == NULL; i++) {
        const char *text = node->items[i].text;
        if (text == NULL) {
            *wanted = plain_list;
        } else {
            PA_TRY(append_item(out, text, strlen(text), wanted, err));
        }
    }

cleanup:
    return status;
}

/* Plain where YAML reads it back as the same text, else in double quotes. */
pa_status pa_option_write_string(pa_text *text, const char *string, pa_error *err)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
    pa_status status = PA_OK;
    pa_yaml_node node = {.text = string};
    pa_yaml_resolve(&node);
    if (node.type == PA_YAML_STRING && string[strspn(string, safe)] == '\0' && strchr("+-.", string[0]) == NULL) {
        return pa_text_append(text, string, err);
    }
    PA_TRY(pa_text_append(text, "\"", err));
    for (const char *c = string; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20) {
            PA_TRY(pa_text_printf(text, err, "\\x%02x", (unsigned)*c));
        } else {
            PA_TRY(pa_text_append(text, *c == '"' || *c == '\\' ? "\\" : "", err));
            PA_TRY(pa_text_append_bytes(text, c, 1, err));
        }
    }
    PA_TRY(pa_text_append(text, "\"", err));

cleanup:
    return status;
}

/* Items are read by their text, so numbers need no quotes. */
static pa_status write_item(pa_text *text, const char *item, pa_error *err)
{
    pa_yaml_node node = {.text = item};
    pa_yaml_resolve(&node);
    const int is_number = node.type == PA_YAML_INT || node.type == PA_YAML_REAL;
    return is_number && item[strspn(item, "+-.0123456789")] == '\0' ? pa_text_append(text, item, err)
                                                                    : pa_option_write_string(text, item, err);
}

pa_status pa_option_write_list(pa_text *text, const char *list, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text item = {.mem = text->mem};
    PA_TRY(pa_text_append(text, "[", err));
    for (const char *at = list; at[0] != '\0';) {
        const size_t length = strcspn(at, ",");
        item.length = 0;
        PA_TRY(pa_text_append_bytes(&item, at, (int64_t)length, err));
        PA_TRY(pa_text_append(text, at > list ? ", " : "", err));
        PA_TRY(write_item(text, item.data, err));
        at += length + (at[length] == ',');
    }
    PA_TRY(pa_text_append(text, "]", err));

cleanup:
    pa_text_free(&item);
    return status;
}
