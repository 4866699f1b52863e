/* SPDX-License-Identifier: Apache-2.0 */
/* From titles of commits to steps. */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/sort.h"
#include "hub/names.h"
#include "hub/repo.h"

enum { MAX_STEPS = 1000000, COMMIT_DIGITS = PA_COMMIT - 1 };

/* As pico-train writes them. */
static const char *const titles[PA_HUB_N_PARTS] = {"Saving Learning Dynamics Data (train) -- Step ",
                                                   "Saving Learning Dynamics Data (val) -- Step ",
                                                   "Saving HF Model -- Step "};

pa_status pa_hub_commit_read(const char *text, int64_t length, char out[PA_COMMIT], pa_error *err)
{
    pa_status status = PA_OK;
    json_t *root = NULL;
    PA_TRY(pa_json_read(text, length, &root, err));
    const char *sha = json_string_value(json_object_get(root, "sha"));
    PA_REQUIRE(pa_hub_is_hex(sha, COMMIT_DIGITS), err, PA_ERR_FORMAT, "there is no commit in the answer");
    memcpy(out, sha, PA_COMMIT);

cleanup:
    json_decref(root);
    return status;
}

/* The step that follows; -1 when none does. */
static int64_t parse_step(const char *text)
{
    int64_t step = 0;
    if (*text < '0' || *text > '9') {
        return -1;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        if (step > (INT64_MAX - 9) / 10) {
            return -1;
        }
        step = 10 * step + (*text - '0');
    }
    return step;
}

static pa_status add(pa_hub_steps *steps, int64_t number, int part, const char *commit, pa_error *err)
{
    pa_status status = PA_OK;
    if (steps->count == 0 || steps->items[steps->count - 1].step != number) {
        PA_REQUIRE(steps->count < MAX_STEPS, err, PA_ERR_LIMIT, "more than %d commits of steps", MAX_STEPS);
        PA_GROW(steps->mem, steps->items, steps->capacity, steps->count + 1, err, "the steps of a run");
        steps->items[steps->count++] = (pa_hub_step){.step = number};
    }
    memcpy(steps->items[steps->count - 1].commits[part], commit, PA_COMMIT);

cleanup:
    return status;
}

pa_status pa_hub_steps_read(pa_hub_steps *steps, const char *text, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *root = NULL;
    size_t i = 0;
    json_t *item = NULL;
    PA_TRY(pa_json_read_array(text, length, &root, err));
    json_array_foreach(root, i, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));
        const char *title = json_string_value(json_object_get(item, "title"));
        PA_REQUIRE(pa_hub_is_hex(id, COMMIT_DIGITS) && title != NULL, err, PA_ERR_FORMAT,
                   "commit number %zu has no id or no title", i);
        for (int part = 0; part < PA_HUB_N_PARTS; part++) {
            const char *found = strstr(title, titles[part]);
            const int64_t step = found != NULL ? parse_step(found + strlen(titles[part])) : -1;
            if (step >= 0) {
                PA_TRY(add(steps, step, part, id, err));
            }
        }
    }

cleanup:
    json_decref(root);
    return status;
}

static int compare(const void *items, int64_t a, int64_t b)
{
    const pa_hub_step *steps = items;
    const int by_step = (steps[a].step > steps[b].step) - (steps[a].step < steps[b].step);
    return by_step != 0 ? by_step : (a > b) - (a < b);
}

pa_status pa_hub_steps_end(pa_hub_steps *steps, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t count = 0;
    pa_hub_step *merged = pa_alloc(steps->mem, steps->count, sizeof(*merged));
    int64_t *order = pa_alloc(steps->mem, steps->count, sizeof(*order));
    PA_REQUIRE_MEMORY(merged, err, "the steps of a run");
    PA_REQUIRE_MEMORY(order, err, "the steps of a run");
    pa_sort_numbers(order, steps->count, compare, steps->items);
    for (int64_t i = 0; i < steps->count; i++) {
        const pa_hub_step *from = &steps->items[order[i]];
        if (count == 0 || merged[count - 1].step != from->step) {
            merged[count++] = (pa_hub_step){.step = from->step};
        }
        for (int part = 0; part < PA_HUB_N_PARTS; part++) {
            if (from->commits[part][0] != '\0') {
                memcpy(merged[count - 1].commits[part], from->commits[part], PA_COMMIT);
            }
        }
    }
    pa_free(steps->mem, steps->items);
    steps->capacity = steps->count;
    steps->items = merged;
    steps->count = count;
    merged = NULL;

cleanup:
    pa_free(steps->mem, merged);
    pa_free(steps->mem, order);
    return status;
}

pa_status pa_hub_steps_write(const pa_hub_steps *steps, pa_text *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_text_append(out, "[", err));
    for (int64_t i = steps->count - 1; i >= 0; i--) {
        const pa_hub_step *step = &steps->items[i];
        for (int part = PA_HUB_N_PARTS - 1; part >= 0; part--) {
            if (step->commits[part][0] != '\0') {
                PA_TRY(pa_text_printf(out, err, "%s\n{\"id\": \"%s\", \"title\": \"%s%lld\"}",
                                      out->length > 1 ? "," : "", step->commits[part], titles[part],
                                      (long long)step->step));
            }
        }
    }
    PA_TRY(pa_text_append(out, "\n]\n", err));

cleanup:
    return status;
}

void pa_hub_steps_free(pa_hub_steps *steps)
{
    pa_free(steps->mem, steps->items);
}
