/* SPDX-License-Identifier: Apache-2.0 */
/* Files of make_hostile.py: each is refused with the error that its maker names, in bounded memory, and runs nothing. */
#include "base/alloc.h"
#include "checkpoint/archive.h"
#include "pa_test_files.h"

/* The largest pickle that is read (64 MiB) and what it is parsed into, twice over. */
enum { MAX_BYTES = 192 << 20, HEAD = 32 };

/* malloc() with a limit; each block begins with its size. */
typedef struct limited {
    size_t live;
    size_t peak;
} limited;

static void *limited_alloc(void *user, size_t bytes)
{
    limited *heap = user;
    if (bytes > MAX_BYTES - heap->live) {
        return NULL;
    }
    unsigned char *block = malloc(bytes + HEAD);
    assert_non_null(block);
    memcpy(block, &bytes, sizeof(bytes));
    heap->live += bytes;
    heap->peak = heap->live > heap->peak ? heap->live : heap->peak;
    return block + HEAD;
}

static void limited_free(void *user, void *memory)
{
    limited *heap = user;
    size_t bytes = 0;
    memcpy(&bytes, (unsigned char *)memory - HEAD, sizeof(bytes));
    heap->live -= bytes;
    free((unsigned char *)memory - HEAD);
}

static pa_status read_tensor(const pa_allocator *mem, const pa_tensor *tensor, pa_error *err)
{
    int64_t nonfinite = 0;
    double *values = pa_alloc_raw(mem, pa_tensor_count(tensor), sizeof(*values));
    const pa_status status =
        values != NULL ? pa_tensor_read(tensor, mem, values, &nonfinite, err) : pa_fail_nomem(err, "a tensor");
    pa_free(mem, values);
    return status;
}

static pa_status open_tensors(pa_context *ctx, const pa_allocator *mem, const char *path, pa_error *err)
{
    pa_archive *archive = NULL;
    pa_status status = pa_archive_open(ctx, path, &archive, err);
    for (int64_t i = 0; status == PA_OK && i < archive->count; i++) {
        status = read_tensor(mem, &archive->entries[i].tensor, err);
    }
    pa_archive_destroy(archive);
    return status;
}

static pa_status open_configuration(pa_context *ctx, const char *path, pa_error *err)
{
    pa_config *config = NULL;
    const pa_status status = pa_config_load(ctx, path, &config, err);
    pa_config_destroy(config);
    return status;
}

/* Whether that name is one of those between bars. */
static int is_among(const char *name, const char *names)
{
    const char *at = strstr(names, name);
    const char end = at != NULL ? at[strlen(name)] : 'x';
    return end == '\0' || end == '|';
}

/* 1 when the file is refused as it must be. */
static int check_file(const char *directory, const char *file, const char *statuses, const char *part)
{
    char path[4096];
    pa_error err;
    pa_context *ctx = NULL;
    limited heap = {0, 0};
    const pa_allocator mem = {limited_alloc, limited_free, &heap};
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = &mem};
    memset(&err, 0, sizeof(err));
    pa_test_format(path, sizeof(path), "%s/%s", directory, file);
    assert_ok(pa_context_create(&options, &ctx, &err));
    const int yaml = strncmp(file, "yaml/", 5) == 0;
    const pa_status status = yaml ? open_configuration(ctx, path, &err) : open_tensors(ctx, &mem, path, &err);
    pa_context_destroy(ctx);
    const int named = status == PA_OK || status == PA_ERR_NOMEM || strstr(err.message, directory) == err.message;
    if (!is_among(pa_status_name(status), statuses) || strstr(err.message, part) == NULL || !named || heap.live != 0) {
        print_error("%s: %s '%s', expected %s '%s'; %zu bytes leaked\n", file, pa_status_name(status), err.message,
                    statuses, part, heap.live);
        return 0;
    }
    return 1;
}

static void test_each_is_refused_as_its_maker_says(void **state)
{
    (void)state;
    char line[1024];
    char path[4096];
    int files = 0;
    int wrong = 0;
    const char *directory = getenv("PA_HOSTILE");
    assert_non_null(directory);
    pa_test_format(path, sizeof(path), "%s/../manifest.txt", directory);
    FILE *manifest = fopen(path, "r");
    assert_non_null(manifest);
    while (fgets(line, sizeof(line), manifest) != NULL) {
        char *statuses = strchr(line, '\t');
        char *part = statuses != NULL ? strchr(statuses + 1, '\t') : NULL;
        assert_non_null(part);
        *statuses++ = '\0';
        *part++ = '\0';
        part[strcspn(part, "\n")] = '\0';
        wrong += !check_file(directory, line, statuses, part);
        files++;
    }
    fclose(manifest);
    assert_int_equal(wrong, 0);
    assert_true(files >= 400);
}

static void test_nothing_was_run(void **state)
{
    (void)state;
    assert_int_not_equal(access("hostile-file-was-run-x", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_refused_as_its_maker_says),
        cmocka_unit_test(test_nothing_was_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
