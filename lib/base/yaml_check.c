/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Errors about words that nobody knows. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/yaml.h"

/* "a, b, c", cut short where the room ends. */
static void list_words(char *out, size_t room, const char *const *words, int64_t n)
{
    size_t used = 0;
    out[0] = '\0';
    for (int64_t i = 0; i < n; i++) {
        const int written = snprintf(out + used, room - used, "%s%s", i > 0 ? ", " : "", words[i]);
        if (written < 0 || (size_t)written >= room - used) {
            (void)snprintf(out + used, room - used, "...");
            return;
        }
        used += (size_t)written;
    }
}

pa_status pa_yaml_fail_unknown(const pa_yaml *yaml, const pa_yaml_node *node, pa_error *err, const char *what,
                               const char *const *known, int64_t n_known)
{
    char list[400];
    const char *word = node->text != NULL ? node->text : "";
    const char *nearest = pa_nearest(word, known, n_known);
    if (nearest != NULL) {
        return pa_yaml_fail(yaml, node, err, "unknown %s '%.100s'; did you mean '%s'?", what, word, nearest);
    }
    list_words(list, sizeof(list), known, n_known);
    return pa_yaml_fail(yaml, node, err, "unknown %s '%.100s'; known: %s", what, word, list);
}
