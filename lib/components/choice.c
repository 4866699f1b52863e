/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Options that choose heads or layers: `all`, or a list of numbers. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "components/circuit.h"

/* Digits up to a comma or the end, and below `n`; -1 otherwise. */
static int64_t parse_number(const char *text, size_t length, int64_t n)
{
    int64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || value >= n) {
            return -1;
        }
        value = 10 * value + (text[i] - '0');
    }
    return length > 0 && value < n ? value : -1;
}

pa_status pa_choice_read(const pa_site *site, const char *option, const char *what, int64_t n, unsigned char **out,
                         pa_error *err)
{
    pa_status status = PA_OK;
    const char *owner = pa_component_ops_of(site->component)->name;
    const char *list = pa_options_string(pa_site_options(site), option);
    const int all = strcmp(list, "all") == 0;
    unsigned char *chosen = pa_alloc(&site->component->ctx->mem, n, sizeof(*chosen));
    *out = NULL;
    PA_REQUIRE_MEMORY(chosen, err, "a choice");
    PA_REQUIRE(list[0] != '\0', err, PA_ERR_CONFIG, "%s: '%s' is an empty list; leave it out for all", owner, option);
    memset(chosen, all ? 1 : 0, (size_t)n);
    for (const char *at = list; !all && at[0] != '\0';) {
        const size_t length = strcspn(at, ",");
        const int64_t number = parse_number(at, length, n);
        PA_REQUIRE(number >= 0, err, PA_ERR_CONFIG, "%s: '%s' is 'all' or a list of %s from 0 to %lld, not '%.*s'",
                   owner, option, what, (long long)(n - 1), (int)(length < 40 ? length : 40), at);
        chosen[number] = 1;
        at += length + (at[length] == ',');
    }
    *out = chosen;
    chosen = NULL;

cleanup:
    pa_free(&site->component->ctx->mem, chosen);
    return status;
}
