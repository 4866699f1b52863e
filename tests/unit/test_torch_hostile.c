/* SPDX-License-Identifier: Apache-2.0 */
/* Files that lie: pickles that want to run, reach beyond their storages or exhaust the machine. */
#include "pa_test_archive.h"

static pa_context *ctx;
static char directory[256];
static char path[300];
static const float four[4] = {1, 2, 3, 4};

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/file.pt", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    pa_context_destroy(ctx);
    return 0;
}

/* A whole file with that pickle and the four floats as storage 0. */
static pa_status try_pickle(const void *pickle, size_t n, pa_archive **out, pa_error *err)
{
    pa_test_zip zip = pa_test_torch_zip(pickle, n, four, sizeof(four));
    pa_test_zip_finish(&zip);
    const pa_status status = pa_test_try_bytes(ctx, path, zip.bytes.data, zip.bytes.n, out, err);
    pa_test_free(&zip.bytes);
    return status;
}

static void check_failure(const void *pickle, size_t n, pa_status code, const char *part)
{
    pa_error err;
    pa_archive *archive = NULL;
    assert_fails(try_pickle(pickle, n, &archive, &err), code, part);
    assert_null(archive);
}
#define assert_pickle_fails(pickle, code, part) check_failure(pickle, sizeof(pickle) - 1, code, part)

#define FOUR PKL_STORAGE("\x04")
#define ZERO "K\0"

static void test_a_tensor_made_by_hand_is_read(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    static const char pickle[] = PKL_DICT(PKL_TENSOR(FOUR, ZERO, "K\2K\2\x86", "K\2K\1\x86"));
    assert_ok(try_pickle(pickle, sizeof(pickle) - 1, &a, &err));
    pa_test_assert_tensor(a, "a", PA_F32, 2, (int64_t[]){2, 2}, (double[]){1, 2, 3, 4});
    pa_archive_destroy(a);
}

static void test_views_beyond_their_storage_are_refused(void **state)
{
    (void)state;
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, "K\1", "K\2K\2\x86", "K\2K\1\x86")), PA_ERR_FORMAT, "element 4");
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, ZERO, "K\5\x85", "K\1\x85")), PA_ERR_FORMAT, "element 4");
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, ZERO, "K\2\x85", "K\4\x85")), PA_ERR_FORMAT, "element 4");
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, "J\xff\xff\xff\xff", "K\1\x85", "K\1\x85")), PA_ERR_FORMAT,
                        "negative offset");
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, ZERO, "J\xff\xff\xff\xff\x85", "K\1\x85")), PA_ERR_FORMAT,
                        "negative size");
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, ZERO, "K\2\x85", "J\xff\xff\xff\xff\x85")), PA_ERR_FORMAT,
                        "negative stride");
    /* 2^62 x 2^62 elements of stride 0, and (2^62 - 1) x 2^62 elements further */
#define HUGE_INT "\x8a\x08\0\0\0\0\0\0\0\x40"
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, ZERO, HUGE_INT HUGE_INT "\x86", "K\0K\0\x86")), PA_ERR_FORMAT,
                        "overflow");
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, ZERO, HUGE_INT "\x85", HUGE_INT "\x85")), PA_ERR_FORMAT, "overflow");
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, HUGE_INT, "K\1\x85", "K\1\x85")), PA_ERR_FORMAT, "element");
    /* an integer that does not fit 64 bits is none */
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, ZERO, "\x8a\x09\0\0\0\0\0\0\0\0\1\x85", "K\1\x85")), PA_ERR_FORMAT,
                        "not an integer");
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, ZERO, "K\2K\2\x86", "K\1\x85")), PA_ERR_FORMAT,
                        "2 sizes but 1 strides");
    assert_pickle_fails(PKL_DICT(PKL_TENSOR(FOUR, ZERO, "K\2", "K\1\x85")), PA_ERR_FORMAT, "tuple");
    assert_pickle_fails(PKL_DICT(PKL_TENSOR("N", ZERO, "K\2\x85", "K\1\x85")), PA_ERR_FORMAT, "needs a storage");
}

static void test_an_empty_view_may_lie_anywhere(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    static const char pickle[] = PKL_DICT(PKL_TENSOR(FOUR, "K\x63", "K\0" HUGE_INT "\x86", "K\1K\1\x86"));
    assert_ok(try_pickle(pickle, sizeof(pickle) - 1, &a, &err));
    assert_int_equal(pa_tensor_count(pa_test_tensor(a, "a")), 0);
    pa_archive_destroy(a);
}

static void test_storages_must_be_what_they_declare(void **state)
{
    (void)state;
    assert_pickle_fails(PKL_DICT(PKL_STORAGE("\x05")), PA_ERR_FORMAT, "5 elements of FloatStorage");
    assert_pickle_fails(PKL_DICT(PKL_STORAGE("\x03")), PA_ERR_FORMAT, "has 16 bytes");
#define STORAGE_OF(class, key, numel)                                                                                  \
    "(X\x07\0\0\0"                                                                                                     \
    "storage"                                                                                                          \
    "ctorch\n" class "\n" key "X\x03\0\0\0"                                                                            \
                     "cpu" numel "tQ"
    assert_pickle_fails(PKL_DICT(STORAGE_OF("FloatStorage",
                                            "X\x01\0\0\0"
                                            "0",
                                            "J\xff\xff\xff\xff")),
                        PA_ERR_FORMAT, "-1 elements");
    assert_pickle_fails(PKL_DICT(STORAGE_OF("FloatStorage",
                                            "X\x01\0\0\0"
                                            "7",
                                            "K\4")),
                        PA_ERR_FORMAT, "'data/7'");
    assert_pickle_fails(PKL_DICT(STORAGE_OF("FloatStorage",
                                            "X\x09\0\0\0"
                                            "../../pw1",
                                            "K\4")),
                        PA_ERR_FORMAT, "no number");
    assert_pickle_fails(PKL_DICT(STORAGE_OF("FloatStorage", "X\0\0\0\0", "K\4")), PA_ERR_FORMAT, "no number");
    assert_pickle_fails(PKL_DICT(STORAGE_OF("FloatStorage",
                                            "X\x15\0\0\0"
                                            "000000000000000000000",
                                            "K\4")),
                        PA_ERR_FORMAT, "no number");
    assert_pickle_fails(PKL_DICT(STORAGE_OF("float32",
                                            "X\x01\0\0\0"
                                            "0",
                                            "K\4")),
                        PA_ERR_FORMAT, "persistent id");
    assert_pickle_fails(PKL_DICT("NQ"), PA_ERR_FORMAT, "persistent id");
    assert_pickle_fails(PKL_DICT(")Q"), PA_ERR_FORMAT, "persistent id");
    /* the same bytes as floats and as integers */
    assert_pickle_fails(PKL_DICT(FOUR "0"), PA_ERR_FORMAT, "opcode 0x30");
    assert_pickle_fails(PKL_DICT("(" FOUR STORAGE_OF("IntStorage",
                                                     "X\x01\0\0\0"
                                                     "0",
                                                     "K\4") "t"),
                        PA_ERR_FORMAT, "IntStorage here and 4 of FloatStorage elsewhere");
}

static void test_names_of_functions_are_never_followed(void **state)
{
    (void)state;
    assert_pickle_fails("\x80\x02"
                        "cposix\nsystem\nX\2\0\0\0"
                        "id"
                        "\x85R.",
                        PA_ERR_UNSUPPORTED, "'posix.system'");
    assert_pickle_fails("\x80\x02"
                        "cbuiltins\neval\nX\2\0\0\0"
                        "id"
                        "\x85R.",
                        PA_ERR_UNSUPPORTED, "'builtins.eval'");
    assert_pickle_fails("\x80\x02"
                        "coperator\nmethodcaller\n.",
                        PA_ERR_UNSUPPORTED, "'operator.methodcaller'");
    assert_pickle_fails("\x80\x02"
                        "ctorch\nFloatStorag\n.",
                        PA_ERR_UNSUPPORTED, "'torch.FloatStorag'");
    assert_pickle_fails("\x80\x02"
                        "ctorch.cuda\nfloat32\n.",
                        PA_ERR_UNSUPPORTED, "'torch.cuda.float32'");
    assert_pickle_fails("\x80\x04"
                        "\x8c\x05"
                        "posix"
                        "\x8c\x06"
                        "system"
                        "\x93.",
                        PA_ERR_UNSUPPORTED, "posix.system");
    assert_pickle_fails("\x80\x02"
                        "c\x01\xff\nb\n.",
                        PA_ERR_UNSUPPORTED, "'??.b'"); /* and no raw bytes in the text */
    assert_pickle_fails("\x80\x02"
                        "ctorch\nFloatStorage\n)R.",
                        PA_ERR_FORMAT, "cannot be called");
    assert_pickle_fails("\x80\x02"
                        "NX\1\0\0\0"
                        "x"
                        "\x85R.",
                        PA_ERR_FORMAT, "None cannot be called");
    assert_pickle_fails("\x80\x02"
                        "ctorch._utils\n_rebuild_tensor_v2\n)R.",
                        PA_ERR_FORMAT, "0 arguments");
    assert_pickle_fails("\x80\x02"
                        "ctorch._utils\n_rebuild_parameter\n)R.",
                        PA_ERR_FORMAT, "needs tensor");
    /* a wrapper around itself would recurse */
    assert_pickle_fails("\x80\x02"
                        "ctorch._tensor\n_rebuild_from_type_v2\nq\0(h\0N)Nt"
                        "R.",
                        PA_ERR_FORMAT, "cannot be called");
}

/* {"b": <module>.<name>(), "a": tensor} */
static pa_status try_class(const char *module, const char *name, pa_archive **out, pa_error *err)
{
    pa_test_bytes pickle = {NULL, 0};
    pa_test_put_text(&pickle, "\x80\x02}(X\1\0\0\0"
                              "b"
                              "c");
    pa_test_put(&pickle, module, strlen(module));
    pa_test_put_text(&pickle, "\n");
    pa_test_put(&pickle, name, strlen(name));
    pa_test_put_text(&pickle, "\n)\x81}bX\1\0\0\0"
                              "a" PKL_TENSOR(FOUR, ZERO, "K\4\x85", "K\1\x85") "u.");
    const pa_status status = try_pickle(pickle.data, pickle.n, out, err);
    pa_test_free(&pickle);
    return status;
}

static void test_classes_of_others_are_passed_over_and_functions_of_the_interpreter_refused(void **state)
{
    (void)state;
    static const char *const others[] = {
        "deepspeed.runtime.zero.config", "argparse", "my_project.options", "__main__", "osmosis",
        "torch.optim.lr_scheduler"};
    static const char *const refused[] = {"os",        "os.path", "posix", "nt",          "subprocess", "builtins",
                                          "importlib", "sys",     "runpy", "__builtin__", "torch",      "torch.hub",
                                          "",          ".os",     "a..b",  "a.",          "1a",         "a b"};
    pa_error err;
    pa_archive *a = NULL;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_ok(try_class(others[i], "Options", &a, &err));
        assert_int_equal(a->count, 1);
        assert_int_equal(a->skipped, 1);
        pa_test_assert_tensor(a, "a", PA_F32, 1, (int64_t[]){4}, (double[]){1, 2, 3, 4});
        pa_archive_destroy(a);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_fails(try_class(refused[i], "Options", &a, &err), PA_ERR_UNSUPPORTED, "it was not looked up");
    }
    assert_fails(try_class("my_project", "a b", &a, &err), PA_ERR_UNSUPPORTED, "'my_project.a b'");
}

/* d1 = {"a": 0}, d2 = {"a": d1, "b": d1}, ...: 2^40 leaves in a kilobyte, which torch reads in no time. */
static void test_a_bomb_of_shared_dicts_reaches_a_limit(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    pa_test_bytes b = {NULL, 0};
    pa_test_put_text(&b, "\x80\x02}q\0(X\1\0\0\0z}q\1X\1\0\0\0aK\0s");
    for (int i = 1; i < 40; i++) {
        const unsigned char old = (unsigned char)i, new = (unsigned char)(i + 1), key = (unsigned char)(0x30 + i);
        pa_test_put_text(&b, "X\1\0\0\0");
        pa_test_put(&b, &key, 1);
        pa_test_put_text(&b, "}q");
        pa_test_put(&b, &new, 1);
        pa_test_put_text(&b, "(X\1\0\0\0ah");
        pa_test_put(&b, &old, 1);
        pa_test_put_text(&b, "X\1\0\0\0bh");
        pa_test_put(&b, &old, 1);
        pa_test_put_text(&b, "u");
    }
    pa_test_put_text(&b, "u.");
    assert_fails(try_pickle(b.data, b.n, &a, &err), PA_ERR_LIMIT, "entries in nested dicts");
    assert_null(strstr(err.message, "1000000")); /* the limit goes by the size of the pickle */
    pa_test_free(&b);
}

static void test_dicts_in_dicts_reach_a_limit(void **state)
{
    (void)state;
    enum { DEPTH = 100000, BEGIN = 7 };
    pa_error err;
    pa_archive *a = NULL;
    pa_test_bytes b = {NULL, 0};
    char *dicts = malloc((size_t)DEPTH * (BEGIN + 1));
    assert_non_null(dicts);
    for (int i = 0; i < DEPTH; i++) {
        memcpy(dicts + (size_t)i * BEGIN, "X\1\0\0\0a}", BEGIN);
    }
    memset(dicts + (size_t)DEPTH * BEGIN, 's', DEPTH);
    pa_test_put_text(&b, "\x80\x02}");
    pa_test_put(&b, dicts, (size_t)DEPTH * (BEGIN + 1));
    pa_test_put_text(&b, ".");
    free(dicts);
    assert_fails(try_pickle(b.data, b.n, &a, &err), PA_ERR_LIMIT, "nested more than 64 deep");
    pa_test_free(&b);
    /* a dict that holds itself is the same */
    assert_pickle_fails("\x80\x02}q\0X\1\0\0\0"
                        "a"
                        "h\0s.",
                        PA_ERR_LIMIT, "nested more than 64 deep");
}

static void test_names_that_repeat_or_are_no_text_are_refused(void **state)
{
    (void)state;
#define TENSOR PKL_TENSOR(FOUR, ZERO, "K\4\x85", "K\1\x85")
    assert_pickle_fails("\x80\x02}(X\1\0\0\0"
                        "a" TENSOR "X\1\0\0\0"
                        "a" TENSOR "u.",
                        PA_ERR_FORMAT, "two tensors 'a'");
    assert_pickle_fails("\x80\x02}(X\3\0\0\0"
                        "a.b" TENSOR "X\1\0\0\0"
                        "a"
                        "}X\1\0\0\0"
                        "b" TENSOR "su.",
                        PA_ERR_FORMAT, "two tensors 'a.b'");
    assert_pickle_fails("\x80\x02}X\2\0\0\0"
                        "a\0" TENSOR "s.",
                        PA_ERR_FORMAT, "not UTF-8");
    assert_pickle_fails("\x80\x02}X\2\0\0\0"
                        "a\xff" TENSOR "s.",
                        PA_ERR_FORMAT, "not UTF-8");
    assert_pickle_fails("\x80\x02}X\0\0\0\0" TENSOR "s.", PA_ERR_FORMAT, "empty");
    assert_pickle_fails("\x80\x02]K\1a.", PA_ERR_UNSUPPORTED, "holds a list, not tensors");
}

/* Deeper ones were never looked into: they are no reason to refuse what lies beside them. */
static void test_lists_are_looked_into_up_to_a_depth(void **state)
{
    (void)state;
    enum { DEEP = 70 };
    pa_error err;
    pa_archive *a = NULL;
    static const char itself[] = "\x80\x02}(X\1\0\0\0"
                                 "a" TENSOR "X\1\0\0\0"
                                 "b"
                                 "]q\0h\0au.";
    assert_ok(try_pickle(itself, sizeof(itself) - 1, &a, &err));
    assert_int_equal(a->count, 1);
    pa_archive_destroy(a);
    for (int depth = 60; depth <= DEEP; depth += 10) {
        pa_test_bytes pickle = {NULL, 0};
        pa_test_put_text(&pickle, "\x80\x02}(X\1\0\0\0"
                                  "a" TENSOR "X\1\0\0\0"
                                  "b");
        for (int i = 0; i < depth; i++) {
            pa_test_put_text(&pickle, "]");
        }
        pa_test_put_text(&pickle, TENSOR);
        for (int i = 0; i < depth; i++) {
            pa_test_put_text(&pickle, "a");
        }
        pa_test_put_text(&pickle, "u.");
        assert_ok(try_pickle((const char *)pickle.data, pickle.n, &a, &err));
        assert_int_equal(a->count, depth < DEEP ? 2 : 1);
        assert_int_equal(a->skipped, depth < DEEP ? 0 : 1);
        pa_archive_destroy(a);
        pa_test_free(&pickle);
    }
}

/* {'conj': True} and {'neg': True} change the elements: not to be ignored. */
static void test_lazily_negated_tensors_are_refused(void **state)
{
    (void)state;
#define WITH_METADATA(metadata)                                                                                        \
    PKL_DICT("ctorch._utils\n_rebuild_tensor_v2\n(" FOUR ZERO "K\4\x85"                                                \
             "K\1\x85"                                                                                                 \
             "\x89"                                                                                                    \
             "N" metadata "tR")
    assert_pickle_fails(WITH_METADATA("}X\3\0\0\0"
                                      "neg"
                                      "\x88s"),
                        PA_ERR_UNSUPPORTED, "negated");
    pa_error err;
    pa_archive *a = NULL;
    static const char harmless[] = WITH_METADATA("}X\3\0\0\0"
                                                 "neg"
                                                 "\x89s");
    assert_ok(try_pickle(harmless, sizeof(harmless) - 1, &a, &err));
    pa_archive_destroy(a);
}

static void test_tensors_of_untyped_storages_take_their_own_type(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
#define UNTYPED(type)                                                                                                  \
    PKL_DICT("ctorch._utils\n_rebuild_tensor_v3\n("                                                                    \
             "(X\x07\0\0\0"                                                                                            \
             "storage"                                                                                                 \
             "ctorch.storage\nUntypedStorage\n"                                                                        \
             "X\x01\0\0\0"                                                                                             \
             "0"                                                                                                       \
             "X\x03\0\0\0"                                                                                             \
             "cpu"                                                                                                     \
             "K\x10"                                                                                                   \
             "tQ" ZERO "K\4\x85"                                                                                       \
             "K\1\x85"                                                                                                 \
             "\x89"                                                                                                    \
             "N"                                                                                                       \
             "ctorch\n" type "\n"                                                                                      \
             "tR")
    static const char u16[] = UNTYPED("uint16");
    assert_ok(try_pickle(u16, sizeof(u16) - 1, &a, &err)); /* the floats 1 and 2: 0x3f800000, 0x40000000 */
    pa_test_assert_tensor(a, "a", PA_U16, 1, (int64_t[]){4}, (double[]){0, 0x3f80, 0, 0x4000});
    pa_archive_destroy(a);
    /* The bytes are 00, 00, 80, 3f. */
    static const char e5m2[] = UNTYPED("float8_e5m2");
    static const char e4m3fn[] = UNTYPED("float8_e4m3fn");
    static const char e5m2fnuz[] = UNTYPED("float8_e5m2fnuz");
    static const char e4m3fnuz[] = UNTYPED("float8_e4m3fnuz");
    static const char e8m0fnu[] = UNTYPED("float8_e8m0fnu");
    assert_ok(try_pickle(e5m2, sizeof(e5m2) - 1, &a, &err));
    pa_test_assert_tensor(a, "a", PA_F8_E5M2, 1, (int64_t[]){4}, (double[]){0, 0, -0.0, 1.75});
    pa_archive_destroy(a);
    assert_ok(try_pickle(e4m3fn, sizeof(e4m3fn) - 1, &a, &err));
    pa_test_assert_tensor(a, "a", PA_F8_E4M3FN, 1, (int64_t[]){4}, (double[]){0, 0, -0.0, 1.875});
    pa_archive_destroy(a);
    assert_ok(try_pickle(e8m0fnu, sizeof(e8m0fnu) - 1, &a, &err));
    pa_test_assert_tensor(a, "a", PA_F8_E8M0FNU, 1, (int64_t[]){4}, (double[]){0x1p-127, 0x1p-127, 2, 0x1p-64});
    pa_archive_destroy(a);
    assert_ok(try_pickle(e5m2fnuz, sizeof(e5m2fnuz) - 1, &a, &err)); /* 80 is NaN */
    assert_int_equal(a->entries[0].tensor.dtype, PA_F8_E5M2FNUZ);
    pa_archive_destroy(a);
    assert_ok(try_pickle(e4m3fnuz, sizeof(e4m3fnuz) - 1, &a, &err));
    assert_int_equal(a->entries[0].tensor.dtype, PA_F8_E4M3FNUZ);
    pa_archive_destroy(a);
    static const char fp4[] = UNTYPED("float4_e2m1fn_x2");
    assert_fails(try_pickle(fp4, sizeof(fp4) - 1, &a, &err), PA_ERR_UNSUPPORTED,
                 "'a' cannot be read (float4_e2m1fn_x2), and there is no other tensor");
    assert_pickle_fails(UNTYPED("float64"), PA_ERR_FORMAT, "element 3 of a storage of 2");
}

/* A file of those bytes, followed by zeros up to 600. */
static void check_head(const char *head, size_t n, size_t at, pa_status code, const char *part)
{
    pa_error err;
    pa_archive *archive = NULL;
    unsigned char bytes[600] = {0};
    memcpy(bytes + at, head, n);
    assert_fails(pa_test_try_bytes(ctx, path, bytes, sizeof(bytes), &archive, &err), code, part);
}

static void test_other_formats_are_told_by_their_first_bytes(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    check_head("ustar", 5, 257, PA_ERR_UNSUPPORTED, "tar archive");
    check_head("PYTORCH1", 8, 0, PA_ERR_UNSUPPORTED, "before 1.6");
    check_head("\x93NUMPZ", 6, 0, PA_ERR_UNSUPPORTED, "begins with 93 4e 55 4d");
    check_head("junk PK\3\4", 9, 0, PA_ERR_UNSUPPORTED, "not a tensor file");
    assert_fails(pa_test_try_bytes(ctx, path, "", 0, &archive, &err), PA_ERR_FORMAT, "is empty");
    assert_fails(pa_test_try_bytes(ctx, path, "P", 1, &archive, &err), PA_ERR_UNSUPPORTED, "begins with 50 00");
}

/* A file with an empty dict, and a record of that name and text besides. */
static void check_record(const char *name, const char *text, pa_status code, const char *part)
{
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_zip zip;
    memset(&zip, 0, sizeof(zip));
    pa_test_zip_add(&zip, "a/data.pkl", "\x80\x02}.", 4);
    if (strcmp(name, "a/version") != 0) {
        pa_test_zip_add(&zip, "a/version", "3\n", 2);
    }
    pa_test_zip_add(&zip, name, text, strlen(text));
    pa_test_zip_finish(&zip);
    if (code == PA_OK) {
        assert_ok(pa_test_try_bytes(ctx, path, zip.bytes.data, zip.bytes.n, &archive, &err));
    } else {
        assert_fails(pa_test_try_bytes(ctx, path, zip.bytes.data, zip.bytes.n, &archive, &err), code, part);
    }
    pa_archive_destroy(archive);
    pa_test_free(&zip.bytes);
}

static void test_records_about_the_file_are_checked(void **state)
{
    (void)state;
    check_record("a/version", "1", PA_OK, "");
    check_record("a/.data/version", "x", PA_OK, ""); /* the other one counts */
    check_record("a/version", "11\n", PA_ERR_UNSUPPORTED, "version 11; 1 to 10");
    check_record("a/version", "0", PA_ERR_UNSUPPORTED, "version 0");
    check_record("a/version", "", PA_ERR_FORMAT, "'version' is no number");
    check_record("a/version", "-3", PA_ERR_FORMAT, "'version' is no number");
    check_record("a/version", "33333333333", PA_ERR_FORMAT, "'version' is no number");
    check_record("a/byteorder", "big", PA_OK, "");
    check_record("a/byteorder", "middle", PA_ERR_FORMAT, "'byteorder'");
    check_record("a/byteorder", "little\n", PA_ERR_FORMAT, "'byteorder'");
    check_record("a/.format_version", "2", PA_ERR_UNSUPPORTED, "'.format_version'");
    check_record("a/constants.pkl", "", PA_ERR_UNSUPPORTED, "TorchScript");
}

static void test_missing_records_are_named(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    for (int i = 0; i < 2; i++) {
        pa_test_zip zip;
        memset(&zip, 0, sizeof(zip));
        pa_test_zip_add(&zip, i == 0 ? "a/data.pkl" : "a/version", i == 0 ? "\x80\x02}." : "3", i == 0 ? 4 : 1);
        pa_test_zip_finish(&zip);
        assert_fails(pa_test_try_bytes(ctx, path, zip.bytes.data, zip.bytes.n, &archive, &err), PA_ERR_FORMAT,
                     i == 0 ? "no record 'version'" : "no record 'data.pkl'");
        pa_test_free(&zip.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tensor_made_by_hand_is_read),
        cmocka_unit_test(test_views_beyond_their_storage_are_refused),
        cmocka_unit_test(test_an_empty_view_may_lie_anywhere),
        cmocka_unit_test(test_storages_must_be_what_they_declare),
        cmocka_unit_test(test_names_of_functions_are_never_followed),
        cmocka_unit_test(test_classes_of_others_are_passed_over_and_functions_of_the_interpreter_refused),
        cmocka_unit_test(test_a_bomb_of_shared_dicts_reaches_a_limit),
        cmocka_unit_test(test_dicts_in_dicts_reach_a_limit),
        cmocka_unit_test(test_names_that_repeat_or_are_no_text_are_refused),
        cmocka_unit_test(test_lists_are_looked_into_up_to_a_depth),
        cmocka_unit_test(test_lazily_negated_tensors_are_refused),
        cmocka_unit_test(test_tensors_of_untyped_storages_take_their_own_type),
        cmocka_unit_test(test_other_formats_are_told_by_their_first_bytes),
        cmocka_unit_test(test_records_about_the_file_are_checked),
        cmocka_unit_test(test_missing_records_are_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
