/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations: the YAML by itself, the schema, and the plan of what is valid over a small run. */
#include <string.h>

#include "base/yaml.h"
#include "fuzz.h"

static const pa_run *tiny_run(pa_context *ctx)
{
    static pa_run *run;
    if (run == NULL) {
        fuzz_require(pa_run_open(ctx, fuzz_data_path("tiny_run"), &run, NULL) == PA_OK, "there is a run");
    }
    return run;
}

static pa_status body(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err)
{
    pa_status status = PA_OK;
    pa_yaml *tree = NULL;
    pa_config *config = NULL;
    pa_analysis *analysis = NULL;
    PA_TRY(pa_yaml_parse(fuzz_memory(), (const char *)data, (int64_t)n, "input", &tree, err));
    fuzz_require(pa_yaml_root(tree) != NULL, "a tree has a root");
    PA_TRY(pa_config_parse(ctx, (const char *)data, (int64_t)n, "input.yaml", &config, err));
    fuzz_require(pa_config_name(config)[0] != '\0', "a valid configuration has a name");
    status = pa_analysis_create(ctx, config, tiny_run(ctx), &analysis, err);
    /* Of what a user may ask, other runs are opened too: whether they are there is not ours to say. */
    fuzz_require((analysis != NULL) == (status == PA_OK), "there is a plan when and only when it was made");

cleanup:
    pa_analysis_destroy(analysis);
    pa_config_destroy(config);
    pa_yaml_destroy(tree);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int started;
    if (!started) { /* outside of what counts memory */
        pa_context *ctx = NULL;
        const pa_context_options options = {.struct_size = sizeof(options), .allocator = fuzz_memory(), .threads = 1};
        fuzz_require(pa_context_create(&options, &ctx, NULL) == PA_OK && tiny_run(ctx) != NULL, "there is a run");
        started = 1;
    }
    fuzz_run(body, data, n);
    return 0;
}
