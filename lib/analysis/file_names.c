/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Names of result files, so that a metric listed several times loses nothing. */
#include <string.h>

#include "analysis/plan.h"
#include "base/options_impl.h"
#include "metrics/metric_impl.h"

/** Longest text in a file name; names of files end at 255 bytes. */
enum { MAX_TEXT = 150 };

pa_status pa_file_name_append(pa_text *name, const char *text, pa_error *err)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-,=";
    pa_status status = PA_OK;
    const int64_t start = name->length;
    int exact = 1;
    for (const char *c = text; *c != '\0'; c++) {
        const int separator = (*c == ':' || *c == ',') && c[1] == ' ';
        const int plain = strchr(safe, *c) != NULL;
        if (name->length - start >= MAX_TEXT) {
            exact = 0;
            break;
        }
        exact &= separator || plain;
        PA_TRY(pa_text_append_bytes(name, separator && *c == ':' ? "=" : separator || plain ? c : "_", 1, err));
        c += separator;
    }
    if (!exact) { /* two texts that differ must not meet in one name */
        PA_TRY(pa_text_printf(name, err, "-%08x", (unsigned)(pa_hash_text(text) & 0xFFFFFFFFu)));
    }

cleanup:
    return status;
}

static pa_status append_part(pa_text *text, pa_error *err, const char *key, const char *value)
{
    return pa_text_printf(text, err, "%s%s: %s", text->length > 0 ? ", " : "", key, value);
}

static pa_status append_difference(pa_text *text, pa_error *err, const char *key, const char *value, const char *other)
{
    return strcmp(value, other) != 0 ? append_part(text, err, key, value) : PA_OK;
}

static const char *matrix_of(const pa_config_metric *metric)
{
    const pa_config_compare compare = metric->target.compare;
    return compare == PA_COMPARE_STEPS ? "steps" : compare == PA_COMPARE_LAYERS ? "layers" : "none";
}

static const char *split_of(const pa_config_metric *metric)
{
    return metric->target.split[0] != '\0' ? metric->target.split : metric->split;
}

static const char *run_of(const pa_config_metric *metric)
{
    return metric->target.run[0] != '\0' ? metric->target.run : "own";
}

static pa_status describe_target(const pa_config_metric *metric, const pa_config_metric *first, pa_text *text,
                                 pa_error *err)
{
    pa_status status = PA_OK;
    char step[PA_CONFIG_STEP_SIZE];
    char other[PA_CONFIG_STEP_SIZE];
    pa_config_step_text(step, &metric->target.checkpoint);
    pa_config_step_text(other, &first->target.checkpoint);
    PA_TRY(append_difference(text, err, "target", step, other));
    PA_TRY(append_difference(text, err, "target_split", split_of(metric), split_of(first)));
    PA_TRY(append_difference(text, err, "target_run", run_of(metric), run_of(first)));
    PA_TRY(append_difference(text, err, "matrix", matrix_of(metric), matrix_of(first)));

cleanup:
    return status;
}

/* What tells a metric from the first one listed under the same name and split; empty when nothing does. */
static pa_status describe_difference(const pa_config_metric *metric, const pa_config_metric *first, pa_text *text,
                                     pa_error *err)
{
    pa_status status = PA_OK;
    const pa_options *options = pa_metric_options(metric->metric);
    const pa_options *others = pa_metric_options(first->metric);
    const pa_compat compat = pa_options_compat(options);
    PA_TRY(pa_options_difference(options, others, text, err));
    PA_TRY(describe_target(metric, first, text, err));
    if (compat != pa_options_compat(others)) {
        PA_TRY(append_part(text, err, "compat", compat == PA_COMPAT_PICO ? "pico" : "literature"));
    }

cleanup:
    return status;
}

static pa_status name_one(const pa_config_metric *metric, const pa_config_metric *first, pa_arena *arena,
                          const char **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text name = {.mem = arena->mem};
    pa_text difference = {.mem = arena->mem};
    PA_TRY(pa_text_printf(&name, err, "%s_%s", metric->name, metric->split));
    PA_TRY(describe_difference(metric, first, &difference, err));
    if (difference.length > 0) {
        PA_TRY(pa_text_append(&name, ".", err));
        PA_TRY(pa_file_name_append(&name, difference.data, err));
    }
    *out = pa_arena_strndup(arena, name.data, name.length);
    PA_REQUIRE_MEMORY(*out, err, "file names");

cleanup:
    pa_text_free(&difference);
    pa_text_free(&name);
    return status;
}

pa_status pa_plan_file_names(const pa_config *config, pa_arena *arena, const char ***out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_index groups = {.arena = {.mem = arena->mem}};
    pa_text group = {.mem = arena->mem};
    const char **names = pa_arena_alloc(arena, config->n_metrics, sizeof(*names));
    int64_t *first = pa_arena_alloc(arena, config->n_metrics, sizeof(*first));
    PA_REQUIRE_MEMORY(names, err, "file names");
    PA_REQUIRE_MEMORY(first, err, "file names");
    for (int64_t m = 0; m < config->n_metrics; m++) {
        const pa_config_metric *metric = &config->metrics[m];
        const int64_t known = groups.count;
        int64_t number = 0;
        group.length = 0;
        PA_TRY(pa_text_printf(&group, err, "%s %s", metric->name, metric->split));
        PA_TRY(pa_index_add(&groups, group.data, &number, err));
        if (number == known) {
            first[number] = m;
        }
        PA_TRY(name_one(metric, &config->metrics[first[number]], arena, &names[m], err));
    }
    *out = names;

cleanup:
    pa_text_free(&group);
    pa_index_free(&groups);
    return status;
}
