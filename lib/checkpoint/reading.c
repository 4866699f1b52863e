/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/reading.h"

#include <string.h>

#include "base/alloc.h"
#include "checkpoint/model_config.h"

static pa_status copy_text(pa_reading *reading, const char *text, const char **out, pa_error *err)
{
    *out = pa_arena_strdup(&reading->arena, text);
    return *out != NULL ? PA_OK : pa_fail_nomem(err, "the options of a run");
}

/* Written anew, so that the same naming is the same text. */
static pa_status read_naming(pa_reading *reading, const char *given, pa_error *err)
{
    pa_status status = PA_OK;
    pa_yaml *yaml = NULL;
    const pa_allocator *mem = reading->arena.mem;
    pa_text text = {.mem = mem};
    if (given != NULL) {
        PA_TRY(pa_yaml_parse(mem, given, (int64_t)strlen(given), "naming", &yaml, err));
        PA_TRY(pa_naming_read(&reading->arena, yaml, pa_yaml_root(yaml), &reading->naming, err));
    }
    PA_TRY(pa_naming_write(reading->naming, &text, err));
    PA_TRY(copy_text(reading, text.data, &reading->options.naming, err));

cleanup:
    pa_text_free(&text);
    pa_yaml_destroy(yaml);
    return status;
}

static int has_sizes(const pa_model *model)
{
    return model->d_model > 0 || model->n_layers > 0 || model->n_heads > 0 || model->n_kv_heads > 0 ||
           model->rope_theta >= 1.0 || model->rope_share > 0.0;
}

pa_status pa_reading_create(pa_context *ctx, const pa_run_options *options, pa_reading **out, pa_error *err)
{
    static const pa_run_options none = {.struct_size = sizeof(none)};
    pa_status status = PA_OK;
    pa_reading *reading = NULL;
    *out = NULL;
    options = options != NULL ? options : &none;
    PA_REQUIRE(options->struct_size >= sizeof(*options), err, PA_ERR_INVALID,
               "pa_run_options: struct_size %zu, at least %zu", options->struct_size, sizeof(*options));
    reading = pa_alloc(&ctx->mem, 1, sizeof(*reading));
    PA_REQUIRE_MEMORY(reading, err, "the options of a run");
    atomic_init(&reading->references, 1);
    reading->arena.mem = &ctx->mem;
    reading->options.struct_size = sizeof(reading->options);
    reading->model.struct_size = sizeof(reading->model);
    PA_TRY(copy_text(reading, options->layout, &reading->options.layout, err));
    PA_REQUIRE(options->unscramble == 0 || reading->options.layout[0] == '\0', err, PA_ERR_CONFIG,
               "unscramble is about activations of pico-train: there are none in a run by the layout '%s'",
               reading->options.layout);
    reading->options.unscramble = options->unscramble != 0;
    PA_TRY(read_naming(reading, options->naming, err));
    if (options->model != NULL) {
        PA_TRY(pa_model_check(options->model, err));
        pa_model_fill(&reading->model, options->model);
        reading->options.model = has_sizes(&reading->model) ? &reading->model : NULL;
    }
    *out = reading;
    reading = NULL;

cleanup:
    pa_reading_release(reading);
    return status;
}

pa_reading *pa_reading_retain(pa_reading *reading)
{
    if (reading != NULL) {
        atomic_fetch_add_explicit(&reading->references, 1, memory_order_relaxed);
    }
    return reading;
}

void pa_reading_release(pa_reading *reading)
{
    if (reading != NULL && atomic_fetch_sub_explicit(&reading->references, 1, memory_order_acq_rel) == 1) {
        const pa_allocator *mem = reading->arena.mem;
        pa_arena_free(&reading->arena);
        pa_free(mem, reading);
    }
}
