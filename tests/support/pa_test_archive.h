/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief For tests of file formats: open files and bytes as archives, read their tensors. */
#ifndef PA_TEST_ARCHIVE_H
#define PA_TEST_ARCHIVE_H
#include "base/alloc.h"
#include "checkpoint/archive.h"
#include "pa_test_files.h"

/** The tensor of that name; the test fails when there is none. */
static inline const pa_tensor *pa_test_tensor(const pa_archive *archive, const char *name)
{
    for (int64_t i = 0; i < archive->count; i++) {
        if (strcmp(archive->entries[i].name, name) == 0) {
            return &archive->entries[i].tensor;
        }
    }
    fail_msg("no tensor '%s'", name);
    return NULL;
}

/** Shape and all elements, row after row, exactly. */
static inline void pa_test_assert_tensor(const pa_archive *archive, const char *name, pa_dtype dtype, int ndim,
                                         const int64_t *shape, const double *expected)
{
    pa_error err;
    double values[64] = {0};
    int64_t nonfinite = -1;
    const pa_tensor *t = pa_test_tensor(archive, name);
    if (t == NULL) {
        return;
    }
    assert_int_equal(t->dtype, dtype);
    assert_int_equal(t->ndim, ndim);
    for (int i = 0; i < ndim; i++) {
        assert_int_equal(t->shape[i], shape[i]);
    }
    assert_true(pa_tensor_count(t) <= 64);
    assert_ok(pa_tensor_read(t, &pa_allocator_default, values, &nonfinite, &err));
    assert_int_equal(nonfinite, 0);
    for (int64_t i = 0; i < pa_tensor_count(t); i++) {
        if (!(values[i] == expected[i])) {
            fail_msg("%s[%lld] = %.17g, expected %.17g", name, (long long)i, values[i], expected[i]);
        }
    }
}

/** Write bytes to a file, open it, read every tensor. A failure leaves its text in `err`; it must have one. */
static inline pa_status pa_test_try_bytes(pa_context *ctx, const char *path, const void *data, size_t n,
                                          pa_archive **out, pa_error *err)
{
    memset(err, 0, sizeof(*err));
    pa_test_write(path, data, n);
    pa_archive *archive = NULL;
    pa_status status = pa_archive_open(ctx, path, &archive, err);
    for (int64_t i = 0; status == PA_OK && i < archive->count; i++) {
        const pa_tensor *t = &archive->entries[i].tensor;
        int64_t nonfinite = 0;
        double *values = calloc((size_t)pa_tensor_count(t) + 1, sizeof(*values));
        assert_non_null(values);
        status = pa_tensor_read(t, &pa_allocator_default, values, &nonfinite, err);
        free(values);
    }
    if (status != PA_OK) {
        assert_int_equal(err->status, status);
        assert_true(strncmp(err->message, path, strlen(path)) == 0); /* names the file ... */
        assert_true(strlen(err->message) > strlen(path) + 5);        /* ... and the reason */
        assert_null(strchr(err->message, '\n'));
        pa_archive_destroy(archive);
        archive = NULL;
    }
    *out = archive;
    return status;
}
#endif
