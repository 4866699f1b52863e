/* SPDX-License-Identifier: Apache-2.0 */
/* Indices of sharded checkpoints, beside the shards of tests/data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static const char folder[] = "folder/";
static const char *const shards[] = {
    "folder/model-00001-of-00002.safetensors", "folder/model-00002-of-00002.safetensors",
    "folder/pytorch_model-00001-of-00002.bin", "folder/pytorch_model-00002-of-00002.bin"};
enum { N_SHARDS = sizeof(shards) / sizeof(shards[0]), MAX_SHARD = 1 << 16 };

/* The shards stay in memory for as long as the process lives. */
static void load_shards(void)
{
    for (int i = 0; i < N_SHARDS; i++) {
        char name[64];
        uint8_t *bytes = malloc(MAX_SHARD);
        (void)snprintf(name, sizeof(name), "safetensors/%s", shards[i] + sizeof(folder) - 1);
        FILE *file = fopen(fuzz_data_path(name), "rb");
        fuzz_require(file != NULL && bytes != NULL, "a shard is there");
        const size_t n = fread(bytes, 1, MAX_SHARD, file);
        fuzz_require(n > 0 && n < MAX_SHARD, "a shard is short");
        (void)fuzz_memory_file(shards[i], bytes, n);
        (void)fclose(file);
    }
}

static pa_status body(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err)
{
    pa_archive *archive = NULL;
    pa_status status = pa_archive_open(ctx, fuzz_memory_file("folder/index", data, n), &archive, err);
    if (status == PA_OK) {
        status = fuzz_read_tensors(archive, err);
        fuzz_require(status != PA_ERR_FORMAT, "the tensors of sound shards can be read");
    } else {
        fuzz_require(status == PA_ERR_NOMEM || strncmp(err->message, folder, strlen(folder)) == 0,
                     "errors name the file");
    }
    pa_archive_destroy(archive);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int started;
    if (!started) {
        load_shards();
        started = 1;
    }
    fuzz_run(body, data, n);
    return 0;
}
