/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every truncation and every flipped bit of one good file of each format: a named error, or the same tensors. The bytes
 * for which a format has no check are known, and what may come of them is known too.
 */
#define _GNU_SOURCE /* memmem */
#include <fcntl.h>

#include "base/alloc.h"
#include "checkpoint/archive.h"
#include "pa_test_files.h"

static pa_context *ctx;
static char directory[256];

/* What a flipped bit may do beside being an error or harmless. */
typedef enum freedom {
    NOTHING, /* the format has a check */
    VALUES,  /* elements of tensors differ, and nothing else */
    NAMES,   /* one tensor has another name, and nothing else */
    ANYTHING /* a description of tensors without a check: other tensors, all within the file */
} freedom;

/* Everything about the tensors of a file, as bytes: to be compared. */
typedef struct contents {
    pa_test_bytes names;
    pa_test_bytes shapes; /* types, dimensions */
    pa_test_bytes values;
} contents;

static void free_contents(contents *c)
{
    pa_test_free(&c->names);
    pa_test_free(&c->shapes);
    pa_test_free(&c->values);
}

static int same(const pa_test_bytes *a, const pa_test_bytes *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->data, b->data, a->n) == 0);
}

static pa_status add_tensor(const pa_archive_entry *entry, contents *out, pa_error *err)
{
    const pa_tensor *t = &entry->tensor;
    const size_t bytes = (size_t)pa_tensor_count(t) * sizeof(double);
    int64_t nonfinite = 0;
    if (bytes > 1 << 20) {
        return PA_OK; /* a view of stride 0 may be as large as it likes; others are no larger than these files */
    }
    double *values = malloc(bytes + 1);
    assert_non_null(values);
    const pa_status status = pa_tensor_read(t, &pa_allocator_default, values, &nonfinite, err);
    if (status == PA_OK) {
        pa_test_put(&out->names, entry->name, strlen(entry->name) + 1);
        pa_test_put(&out->shapes, &t->dtype, sizeof(t->dtype));
        pa_test_put(&out->shapes, &t->ndim, sizeof(t->ndim));
        pa_test_put(&out->shapes, t->shape, (size_t)t->ndim * sizeof(*t->shape));
        pa_test_put(&out->values, values, bytes);
    }
    free(values);
    return status;
}

static pa_status read_contents(const char *path, contents *out, pa_error *err)
{
    pa_archive *archive = NULL;
    memset(out, 0, sizeof(*out));
    memset(err, 0, sizeof(*err));
    pa_status status = pa_archive_open(ctx, path, &archive, err);
    for (int64_t i = 0; status == PA_OK && i < archive->count; i++) {
        status = add_tensor(&archive->entries[i], out, err);
    }
    pa_archive_destroy(archive);
    if (status != PA_OK) {
        free_contents(out);
        assert_true(strncmp(err->message, directory, strlen(directory)) == 0);
        assert_true(strlen(err->message) > strlen(path) + 5);
    }
    return status;
}

static int is_named(pa_status status)
{
    return status == PA_ERR_FORMAT || status == PA_ERR_UNSUPPORTED || status == PA_ERR_LIMIT ||
           status == PA_ERR_NOT_FOUND; /* a part of a checkpoint, by another name */
}

static int is_allowed(freedom f, const contents *good, const contents *now)
{
    const int names = same(&good->names, &now->names);
    const int shapes = same(&good->shapes, &now->shapes);
    const int values = same(&good->values, &now->values);
    switch (f) {
    case VALUES:
        return names && shapes && good->values.n == now->values.n;
    case NAMES:
        return shapes && values;
    case ANYTHING:
        return 1;
    default:
        return names && shapes && values;
    }
}

static size_t find(const pa_test_bytes *file, size_t from, const char *text, size_t n)
{
    const unsigned char *at = memmem(file->data + from, file->n - from, text, n);
    assert_non_null(at);
    return (size_t)(at - file->data);
}

static void mark(freedom *of, size_t from, size_t to, freedom f)
{
    for (size_t i = from; i < to; i++) {
        of[i] = f;
    }
}

/* Elements and names: neither has a check. */
static void mark_safetensors(const pa_test_bytes *file, const contents *good, freedom *of)
{
    const size_t header = 8 + (size_t)(file->data[0] | file->data[1] << 8);
    mark(of, header, file->n, VALUES);
    for (const char *name = (const char *)good->names.data; name < (const char *)good->names.data + good->names.n;
         name += strlen(name) + 1) {
        char quoted[128];
        pa_test_format(quoted, sizeof(quoted), "\"%s\":{", name);
        const size_t at = find(file, 8, quoted, strlen(quoted)) + 1;
        mark(of, at, at + strlen(name), NAMES);
    }
}

/* Elements, and '<' beside '>': one bit apart. */
static void mark_npy(const pa_test_bytes *file, const contents *good, freedom *of)
{
    (void)good;
    const size_t begin = file->data[6] == 1 ? 10 : 12;
    const size_t order = find(file, begin, "'descr': '", 10) + 10;
    mark(of, begin + (size_t)(file->data[8] | file->data[9] << 8), file->n, VALUES);
    mark(of, order, order + 1, VALUES);
}

/* The pickle of the object says everything, without a check; so do elements, but not the numbers of them. */
static void mark_legacy(const pa_test_bytes *file, const contents *good, freedom *of)
{
    static const size_t item[8] = {[6] = 4, [4] = 2, [2] = 4}; /* by number of elements, in this file */
    (void)good;
    const size_t machine = find(file, 15, "\x80\2}", 3);
    const size_t object = find(file, machine + 3, "\x80\2", 2);
    const size_t keys = find(file, object + 3, "\x80\2]", 3);
    mark(of, object, keys, ANYTHING);
    for (size_t at = find(file, keys, "e.", 2) + 2; at < file->n;) {
        const size_t count = file->data[at];
        assert_true(count < 8 && item[count] > 0);
        mark(of, at + 8, at + 8 + count * item[count], VALUES);
        at += 8 + count * item[count];
    }
}

static void copy_parts(const char *index, char *path, size_t size)
{
    static const char *const parts[] = {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"};
    char name[128];
    pa_test_format(path, size, "%s/file", directory);
    for (size_t i = 0; strstr(index, "index") != NULL && i < 2; i++) {
        pa_test_format(name, sizeof(name), "safetensors/%s", parts[i]);
        pa_test_bytes part = pa_test_read(pa_test_data(name));
        pa_test_format(name, sizeof(name), "%s/%s", directory, parts[i]);
        pa_test_write(name, part.data, part.n);
        pa_test_free(&part);
    }
}

typedef void (*marker)(const pa_test_bytes *file, const contents *good, freedom *of);

static void check_truncations(const char *fixture, const char *path, const pa_test_bytes *file, const contents *good)
{
    for (size_t n = file->n; n-- > 0;) {
        contents now;
        pa_error err;
        assert_int_equal(truncate(path, (off_t)n), 0);
        const pa_status status = read_contents(path, &now, &err);
        /* Behind the last brace of an index there are spaces. */
        const int harmless = status == PA_OK && is_allowed(NOTHING, good, &now) && file->data[n] == '\n';
        if (!is_named(status) && !harmless) {
            fail_msg("%s: cut to %zu bytes: %s %s", fixture, n, pa_status_name(status), err.message);
        }
        free_contents(&now);
    }
}

static void check_flips(const char *fixture, const char *path, pa_test_bytes *file, const contents *good,
                        const freedom *of)
{
    int64_t counts[2] = {0, 0}; /* errors, other tensors */
    pa_test_write(path, file->data, file->n);
    /* In place: some file systems write a file through that is truncated and written anew. */
    const int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (size_t bit = 0; bit < 8 * file->n; bit++) {
        const unsigned char mask = (unsigned char)(1U << (bit % 8));
        contents now;
        pa_error err;
        const unsigned char damaged = file->data[bit / 8] ^ mask;
        assert_int_equal(pwrite(fd, &damaged, 1, (off_t)(bit / 8)), 1);
        const pa_status status = read_contents(path, &now, &err);
        assert_int_equal(pwrite(fd, &file->data[bit / 8], 1, (off_t)(bit / 8)), 1);
        if (status == PA_OK ? !is_allowed(of[bit / 8], good, &now) : !is_named(status)) {
            fail_msg("%s: bit %zu of byte %zu: %s %s", fixture, bit % 8, bit / 8, pa_status_name(status),
                     status == PA_OK ? "other tensors" : err.message);
        }
        counts[0] += status != PA_OK;
        counts[1] += status == PA_OK && !is_allowed(NOTHING, good, &now);
        free_contents(&now);
    }
    close(fd);
    assert_true(counts[0] > 0);
    int64_t free_bytes = 0;
    for (size_t i = 0; i < file->n; i++) {
        free_bytes += of[i] != NOTHING;
    }
    assert_true((counts[1] > 0) == (free_bytes > 0)); /* what is marked is really free */
}

static void damage(const char *fixture, marker find_free_bytes)
{
    char path[300];
    contents good;
    pa_error err;
    pa_test_bytes file = pa_test_read(pa_test_data(fixture));
    freedom *of = calloc(file.n, sizeof(*of));
    assert_non_null(of);
    copy_parts(fixture, path, sizeof(path));
    pa_test_write(path, file.data, file.n);
    assert_ok(read_contents(path, &good, &err));
    assert_true(good.values.n > 0);
    if (find_free_bytes != NULL) {
        find_free_bytes(&file, &good, of);
    }
    check_truncations(fixture, path, &file, &good);
    check_flips(fixture, path, &file, &good, of);
    free(of);
    free_contents(&good);
    pa_test_free(&file);
}

static void test_torch_zip(void **state)
{
    (void)state;
    damage("torch/newer.pt", NULL);
    damage("torch/deflated.pt", NULL);
    damage("written/2.15/small.pt", NULL); /* with descriptors, padding and a zip64 end */
}

static void test_torch_legacy(void **state)
{
    (void)state;
    damage("torch/legacy.pt", mark_legacy);
}

static void test_npy(void **state)
{
    (void)state;
    damage("npy/layers.0.attention.v_proj.npy", mark_npy);
    damage("npy/big_endian.npy", mark_npy);
    damage("npy/version2.npy", mark_npy);
}

static void test_npz(void **state)
{
    (void)state;
    damage("npy/compressed.npz", NULL);
}

static void test_safetensors(void **state)
{
    (void)state;
    damage("safetensors/small.safetensors", mark_safetensors);
}

static void test_index(void **state)
{
    (void)state;
    damage("safetensors/model.safetensors.index.json", NULL);
}

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    pa_test_directory(directory, sizeof(directory));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    pa_context_destroy(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torch_zip), cmocka_unit_test(test_torch_legacy), cmocka_unit_test(test_npy),
        cmocka_unit_test(test_npz),       cmocka_unit_test(test_safetensors),  cmocka_unit_test(test_index),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
