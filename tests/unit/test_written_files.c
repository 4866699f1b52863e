/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as torch, safetensors, NumPy and transformers write them today (make_written_files.py and
 * make_transformers_files.py in tests/data): every tensor is what these
 * packages say it is, what cannot be read is told by name, and a conversion gives the bytes that safetensors writes.
 */
#include "pa_test_archive.h"

enum { MAX_LINE = 4096, MAX_FIELDS = 6, MAX_VALUES = 4096 };

static pa_context *ctx;
static char directory[256];
static char out_path[300];

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(out_path, sizeof(out_path), "%s/out.safetensors", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    pa_context_destroy(ctx);
    return 0;
}

/* The file that lines of expected.txt are about. */
typedef struct subject {
    char path[4096];
    pa_archive *archive; /* NULL: it could not be opened, `err` says why */
    pa_error err;
    int64_t tensors; /* lines so far */
    int64_t omitted;
    int refused;
} subject;

/* All that is in the file has been expected. */
static void end_subject(subject *s)
{
    if (s->archive != NULL && (s->archive->count != s->tensors || s->archive->n_omissions != s->omitted)) {
        fail_msg("%s: %lld tensors and %lld omitted, expected %lld and %lld", s->path, (long long)s->archive->count,
                 (long long)s->archive->n_omissions, (long long)s->tensors, (long long)s->omitted);
    }
    assert_true(s->archive != NULL || s->refused || s->path[0] == '\0');
    pa_archive_destroy(s->archive);
    memset(s, 0, sizeof(*s));
}

static void begin_subject(subject *s, const char *folder, const char *name)
{
    char below[512];
    end_subject(s);
    pa_test_format(below, sizeof(below), "%s/%s", folder, name);
    pa_test_format(s->path, sizeof(s->path), "%s", pa_test_data(below));
    (void)!pa_archive_open(ctx, s->path, &s->archive, &s->err);
}

static const pa_archive *opened(const subject *s)
{
    if (s->archive == NULL) {
        fail_msg("%s is refused: %s", s->path, s->err.message);
    }
    return s->archive;
}

/* CRC-32 of doubles in little-endian order, every NaN as one. */
static uint32_t crc_of(const double *values, int64_t count)
{
    uint32_t crc = 0;
    for (int64_t i = 0; i < count; i++) {
        unsigned char bytes[8];
        uint64_t bits = 0x7ff8000000000000U;
        if (values[i] == values[i]) {
            memcpy(&bits, &values[i], sizeof(bits));
        }
        for (int k = 0; k < 8; k++) {
            bytes[k] = (unsigned char)(bits >> (8 * k));
        }
        crc = (uint32_t)crc32(crc, bytes, sizeof(bytes));
    }
    return crc;
}

static void check_shape(const subject *s, const char *name, const pa_tensor *t, char *shape)
{
    int32_t ndim = 0;
    for (char *at = strcmp(shape, "-") != 0 ? shape : NULL; at != NULL; at = *at == ',' ? at + 1 : NULL) {
        const int64_t size = strtoll(at, &at, 10);
        if (ndim >= t->ndim || t->shape[ndim] != size) {
            fail_msg("%s: '%s': size %d is not %lld", s->path, name, (int)ndim, (long long)size);
        }
        ndim++;
    }
    assert_int_equal(t->ndim, ndim);
}

/* name, type, shape, CRC of the elements, the first of them */
static void check_tensor(const subject *s, char **fields)
{
    static double values[MAX_VALUES];
    pa_error err;
    int64_t nonfinite = 0;
    const pa_tensor *t = pa_test_tensor(opened(s), fields[1]);
    const int64_t count = pa_tensor_count(t);
    assert_string_equal(pa_dtype_name(t->dtype), fields[2]);
    check_shape(s, fields[1], t, fields[3]);
    assert_in_range(count, 0, MAX_VALUES);
    assert_ok(pa_tensor_read(t, &pa_allocator_default, values, &nonfinite, &err));
    char *at = fields[5];
    for (int64_t i = 0; i < count && i < 4; i++) {
        const double expected = strtod(at, &at);
        if (values[i] != expected && (values[i] == values[i] || expected == expected)) {
            fail_msg("%s: '%s'[%lld] is %a, not %a", s->path, fields[1], (long long)i, values[i], expected);
        }
    }
    if (crc_of(values, count) != strtoul(fields[4], NULL, 16)) {
        fail_msg("%s: '%s': other elements than %s ...", s->path, fields[1], fields[5]);
    }
}

/* In the order of the file. */
static void check_omitted(const subject *s, char **fields)
{
    const pa_archive *a = opened(s);
    assert_true(s->omitted < a->n_omissions);
    assert_string_equal(a->omissions[s->omitted].name, fields[1]);
    assert_string_equal(a->omissions[s->omitted].what, fields[2]);
}

static void check_converted(const subject *s, char **fields)
{
    pa_error err;
    pa_checkpoint *c = NULL;
    const pa_convert_options again = {.struct_size = sizeof(again), .overwrite = 1};
    assert_ok(pa_checkpoint_open(ctx, s->path, &c, &err));
    assert_ok(pa_checkpoint_convert(c, out_path, &again, &err));
    pa_checkpoint_destroy(c);
    pa_test_bytes bytes = pa_test_read(out_path);
    if (bytes.n != strtoul(fields[1], NULL, 10) || crc32_z(0, bytes.data, bytes.n) != strtoul(fields[2], NULL, 16)) {
        fail_msg("%s: converted to %zu other bytes than safetensors writes (%s)", s->path, bytes.n, fields[1]);
    }
    pa_test_free(&bytes);
}

static void check_refused(subject *s, char **fields)
{
    assert_null(s->archive);
    s->refused = 1;
    assert_int_equal(s->err.status, PA_ERR_UNSUPPORTED);
    if (strstr(s->err.message, fields[1]) == NULL) {
        fail_msg("'%s', expected '%s'", s->err.message, fields[1]);
    }
}

static void check_line(subject *s, const char *folder, char **fields)
{
    if (strcmp(fields[0], "file") == 0) {
        begin_subject(s, folder, fields[1]);
    } else if (strcmp(fields[0], "tensor") == 0) {
        check_tensor(s, fields);
        s->tensors++;
    } else if (strcmp(fields[0], "omitted") == 0) {
        check_omitted(s, fields);
        s->omitted++;
    } else if (strcmp(fields[0], "converted") == 0) {
        check_converted(s, fields);
    } else {
        assert_string_equal(fields[0], "refused");
        check_refused(s, fields);
    }
}

static void check_folder(const char *folder, const char *list)
{
    char line[MAX_LINE];
    char name[512];
    int lines = 0;
    subject s = {.archive = NULL};
    pa_test_format(name, sizeof(name), "%s/%s", folder, list);
    FILE *f = fopen(pa_test_data(name), "r");
    assert_non_null(f);
    for (; fgets(line, sizeof(line), f) != NULL; lines++) {
        char *fields[MAX_FIELDS] = {NULL};
        line[strcspn(line, "\n")] = '\0';
        fields[0] = line;
        for (int i = 1; i < MAX_FIELDS && (fields[i] = strchr(fields[i - 1], '\t')) != NULL; i++) {
            *fields[i]++ = '\0';
        }
        check_line(&s, folder, fields);
    }
    end_subject(&s);
    fclose(f);
    assert_true(lines > 100);
}

static void test_files_of_torch_2_1_and_numpy_1_26(void **state)
{
    (void)state;
    check_folder("written/2.1", "expected.txt");
}

static void test_files_of_torch_2_15_and_numpy_2_4(void **state)
{
    (void)state;
    check_folder("written/2.15", "expected.txt");
}

static void test_models_of_transformers_in_each_layout(void **state)
{
    (void)state;
    check_folder("transformers", "old.txt");
    check_folder("transformers", "new.txt");
}

/* Transformers 5 has it in a mapping of its own. */
static void test_positions_are_those_of_the_models_configuration(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        double theta;
        double share;
        int64_t n_kv_heads;
    } models[] = {{"llama", 500000.0, 0.0, 2}, {"gpt_neox", 10000.0, 0.25, 4}};
    for (int i = 0; i < 4; i++) {
        pa_error err;
        pa_checkpoint *c = NULL;
        char name[64];
        pa_test_format(name, sizeof(name), "transformers/%s/checkpoint-%d/model.safetensors", models[i / 2].model,
                       i % 2 == 0 ? 1 : 5);
        assert_ok(pa_checkpoint_open(ctx, pa_test_data(name), &c, &err));
        assert_close(pa_checkpoint_model(c)->rope_theta, models[i / 2].theta, 0);
        assert_close(pa_checkpoint_model(c)->rope_share, models[i / 2].share, 0);
        assert_int_equal(pa_checkpoint_model(c)->rope_other, 0);
        assert_int_equal(pa_checkpoint_model(c)->n_kv_heads, models[i / 2].n_kv_heads);
        pa_checkpoint_destroy(c);
    }
}

static void test_what_cannot_be_read_is_told_beside_what_can(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    pa_omitted_info info = {.struct_size = sizeof(info)};
    assert_ok(pa_checkpoint_open(ctx, pa_test_data("written/2.15/unsupported.safetensors"), &c, &err));
    assert_int_equal(pa_checkpoint_count(c), 2);
    assert_int_equal(pa_checkpoint_omitted_count(c), 2);
    assert_ok(pa_checkpoint_omitted(c, 1, &info, &err));
    assert_string_equal(info.split, "");
    assert_int_equal(info.kind, PA_WEIGHTS);
    assert_int_equal(info.reserved, 0);
    assert_string_equal(info.name, "four");
    assert_string_equal(info.what, "F4");
    assert_ok(pa_checkpoint_matrix(c, "", PA_WEIGHTS, -1, "last", &m, &err));
    pa_matrix_destroy(m);
    assert_fails(pa_checkpoint_matrix(c, "", PA_WEIGHTS, -1, "complex", &m, &err), PA_ERR_UNSUPPORTED,
                 "'complex' cannot be read: C64");
    assert_fails(pa_checkpoint_matrix(c, "", PA_WEIGHTS, 0, "complex", &m, &err), PA_ERR_NOT_FOUND,
                 "there is no 'complex'");
    assert_fails(pa_checkpoint_matrix(c, "", PA_WEIGHTS, -1, "comp", &m, &err), PA_ERR_NOT_FOUND, "'comp'");
    assert_fails(pa_checkpoint_omitted(c, 2, &info, &err), PA_ERR_INVALID, "there are 2");
    assert_fails(pa_checkpoint_omitted(c, -1, &info, &err), PA_ERR_INVALID, "there are 2");
    assert_fails(pa_checkpoint_omitted(c, 0, NULL, &err), PA_ERR_INVALID, "NULL");
    assert_fails(pa_checkpoint_omitted(NULL, 0, &info, &err), PA_ERR_INVALID, "NULL");
    info.struct_size = 8;
    assert_fails(pa_checkpoint_omitted(c, 0, &info, &err), PA_ERR_INVALID, "struct_size 8");
    pa_checkpoint_destroy(c);
}

static pa_status open_and_convert(const pa_allocator *mem, void *user)
{
    pa_context *own = NULL;
    pa_checkpoint *c = NULL;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    const pa_convert_options again = {.struct_size = sizeof(again), .overwrite = 1};
    pa_status status = pa_context_create(&options, &own, NULL);
    status = status == PA_OK ? pa_checkpoint_open(own, user, &c, NULL) : status;
    status = status == PA_OK ? pa_checkpoint_convert(c, out_path, &again, NULL) : status;
    pa_checkpoint_destroy(c);
    pa_context_destroy(own);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const files[] = {"unsupported.pt", "unsupported.safetensors", "arrays.npz", "list.pt",
                                        "tensor.pt"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char name[64];
        char path[4096];
        pa_test_format(name, sizeof(name), "written/2.15/%s", files[i]);
        pa_test_format(path, sizeof(path), "%s", pa_test_data(name));
        pa_test_oom_sweep(open_and_convert, path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_of_torch_2_1_and_numpy_1_26),
        cmocka_unit_test(test_files_of_torch_2_15_and_numpy_2_4),
        cmocka_unit_test(test_models_of_transformers_in_each_layout),
        cmocka_unit_test(test_positions_are_those_of_the_models_configuration),
        cmocka_unit_test(test_what_cannot_be_read_is_told_beside_what_can),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
