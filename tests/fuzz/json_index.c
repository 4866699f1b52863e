/* SPDX-License-Identifier: Apache-2.0 */
/* Indices of sharded checkpoints, beside the shards of tests/data. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* realpath() */
#endif
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static char folder[] = "/tmp/fuzz-index-XXXXXX";
static char path[64];
static const char *const shards[] = {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                                     "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"};
enum { N_SHARDS = sizeof(shards) / sizeof(shards[0]) };

static void remove_folder(void)
{
    for (int i = 0; i < N_SHARDS; i++) {
        char link[128];
        (void)snprintf(link, sizeof(link), "%s/%s", folder, shards[i]);
        (void)unlink(link);
    }
    (void)unlink(path);
    (void)rmdir(folder);
}

/* A folder with links to the shards and to the input. */
static void make_folder(const uint8_t *data, size_t n)
{
    fuzz_require(mkdtemp(folder) != NULL, "there is a folder");
    for (int i = 0; i < N_SHARDS; i++) {
        char name[64];
        char link[128];
        char real[PATH_MAX];
        (void)snprintf(name, sizeof(name), "safetensors/%s", shards[i]);
        (void)snprintf(link, sizeof(link), "%s/%s", folder, shards[i]);
        fuzz_require(realpath(fuzz_data_path(name), real) != NULL && symlink(real, link) == 0, "a shard is there");
    }
    (void)snprintf(path, sizeof(path), "%s/index", folder);
    fuzz_require(symlink(fuzz_file(data, n), path) == 0, "the index is there");
    (void)atexit(remove_folder);
}

static pa_status body(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err)
{
    pa_archive *archive = NULL;
    (void)fuzz_file(data, n);
    pa_status status = pa_archive_open(ctx, path, &archive, err);
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
    if (path[0] == '\0') {
        make_folder(data, n);
    }
    fuzz_run(body, data, n);
    return 0;
}
