/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "checkpoint/checkpoint_impl.h"

/* Digits and a dot and at least one more character; NULL otherwise. */
static const char *parse_layer(const char *text, int64_t *layer)
{
    int64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (value > (INT64_MAX - 9) / 10) {
            return NULL;
        }
        value = 10 * value + (*c - '0');
    }
    if (c == text || c[0] != '.' || c[1] == '\0') {
        return NULL;
    }
    *layer = value;
    return c + 1;
}

/* The last "layers.<n>." counts, as with the greedy pattern ^(.*layers\.)(\d+)\.(.+)$. */
const char *pa_tensor_name_suffix(const char *name, int64_t *layer)
{
    static const char word[] = "layers.";
    const char *suffix = name;
    *layer = -1;
    for (const char *at = strstr(name, word); at != NULL; at = strstr(at + 1, word)) {
        const char *rest = parse_layer(at + sizeof(word) - 1, layer);
        suffix = rest != NULL ? rest : suffix;
    }
    return suffix;
}

/* "val_attention.pt", but not "attention.v_proj.npy". */
static int is_attention(const char *name)
{
    static const char word[] = "attention";
    const char *dot = strrchr(name, '.');
    const size_t stem = dot != NULL ? (size_t)(dot - name) : strlen(name);
    const size_t length = sizeof(word) - 1;
    return stem >= length && memcmp(name + stem - length, word, length) == 0;
}

pa_kind pa_kind_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    if (strstr(name, "activations") != NULL) {
        return PA_ACTIVATIONS;
    }
    if (strstr(name, "gradients") != NULL) {
        return PA_GRADIENTS;
    }
    return is_attention(name) ? PA_ATTENTION : PA_WEIGHTS;
}
