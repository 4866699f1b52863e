/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/skips.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

struct pa_skip {
    pa_skip_cause cause;
    pa_index steps;
    pa_index metrics;
};

static int is_same(const pa_skip_cause *a, const pa_skip_cause *b)
{
    if ((a->reference == NULL) != (b->reference == NULL)) {
        return 0;
    }
    if (a->reference != NULL) {
        return strcmp(a->reference, b->reference) == 0;
    }
    return a->kind == b->kind && strcmp(a->split, b->split) == 0 && strcmp(a->run, b->run) == 0;
}

static pa_status find(pa_skips *skips, const pa_skip_cause *cause, pa_skip **out, pa_error *err)
{
    const pa_allocator *mem = &skips->ctx->mem;
    for (int64_t i = 0; i < skips->count; i++) {
        if (is_same(&skips->entries[i].cause, cause)) {
            *out = &skips->entries[i];
            return PA_OK;
        }
    }
    pa_skip *entries = pa_array_grow(mem, skips->entries, &skips->capacity, skips->count + 1, sizeof(*entries));
    if (entries == NULL) {
        return pa_fail_nomem(err, "warnings");
    }
    skips->entries = entries;
    *out = &entries[skips->count++];
    **out = (pa_skip){.cause = *cause, .steps = {.arena = {.mem = mem}}, .metrics = {.arena = {.mem = mem}}};
    return PA_OK;
}

pa_status pa_skips_add(pa_skips *skips, const pa_skip_cause *cause, int64_t step, const char *metric, pa_error *err)
{
    pa_status status = PA_OK;
    pa_skip *skip = NULL;
    int64_t number = 0;
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", (long long)step);
    PA_TRY(find(skips, cause, &skip, err));
    PA_TRY(pa_index_add(&skip->steps, text, &number, err));
    PA_TRY(pa_index_add(&skip->metrics, metric, &number, err));

cleanup:
    return status;
}

/* "0, 50, 100 ... 5000" */
static void list(char *out, size_t room, const pa_index *index)
{
    enum { SHOWN = 8 };
    size_t used = 0;
    for (int64_t i = 0; i < index->count; i++) {
        const char *separator = i == 0 ? "" : i == SHOWN ? " ... " : ", ";
        i = i == SHOWN ? index->count - 1 : i;
        const int written = snprintf(out + used, room - used, "%s%s", separator, index->texts[i]);
        if (written < 0 || (size_t)written >= room - used) {
            return;
        }
        used += (size_t)written;
    }
}

void pa_skips_tell(const pa_skips *skips)
{
    for (int64_t i = 0; i < skips->count; i++) {
        const pa_skip *skip = &skips->entries[i];
        char steps[256] = "";
        char metrics[600] = "";
        list(steps, sizeof(steps), &skip->steps);
        list(metrics, sizeof(metrics), &skip->metrics);
        const pa_skip_cause *cause = &skip->cause;
        if (cause->reference != NULL) {
            pa_log(skips->ctx, PA_LOG_WARNING, "no step before step %s for '%s': %s skipped there", steps,
                   cause->reference, metrics);
            continue;
        }
        pa_log(skips->ctx, PA_LOG_WARNING, "no %s %s at step %s%s%.200s%s: %s skipped there", cause->split,
               pa_kind_name(cause->kind), steps, cause->run[0] != '\0' ? " of run '" : "", cause->run,
               cause->run[0] != '\0' ? "'" : "", metrics);
    }
}

void pa_skips_free(pa_skips *skips)
{
    for (int64_t i = 0; i < skips->count; i++) {
        pa_index_free(&skips->entries[i].steps);
        pa_index_free(&skips->entries[i].metrics);
    }
    pa_free(&skips->ctx->mem, skips->entries);
}
