/* SPDX-License-Identifier: Apache-2.0 */
/* What pa_results_export() writes, byte for byte, and what it leaves alone when it cannot. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "pa_test.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/results_impl.h"
#include "base/alloc.h"

/** A directory of its own for each test. */
typedef struct place {
    char root[64];
} place;

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static int make_place(void **state)
{
    place *p = calloc(1, sizeof(*p));
    (void)snprintf(p->root, sizeof(p->root), "/tmp/pa_test_export_XXXXXX");
    *state = p;
    return mkdtemp(p->root) == NULL;
}

static int remove_place(void **state)
{
    place *p = *state;
    (void)chmod(p->root, 0700);
    (void)nftw(p->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static char *read_file(const place *p, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", p->root, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = calloc(1, 65536);
    const size_t n = fread(text, 1, 65535, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

static void check_file(const place *p, const char *name, const char *expected)
{
    char *text = read_file(p, name);
    if (text == NULL) {
        fail_msg("%s is not there", name);
    }
    assert_string_equal(text, expected);
    free(text);
}

static int count_entries(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return -1;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        n += entry->d_name[0] != '.';
    }
    closedir(dir);
    return n;
}

static pa_result_row make_row(int64_t step, const char *file, const char *key, double value)
{
    pa_result_row row = {.struct_size = sizeof(row),
                         .run = "run",
                         .split = "val",
                         .metric = "norm",
                         .options = "",
                         .component = "simple",
                         .key = key,
                         .file = file,
                         .step = step,
                         .target_step = -1,
                         .target_layer = -1,
                         .layer = 0,
                         .head = -1,
                         .kind = PA_WEIGHTS,
                         .value = PA_VALUE_INIT};
    pa_value_set(&row.value, value);
    row.value.n = 3;
    row.value.p = 2;
    row.value.dtype = PA_F32;
    return row;
}

static pa_result_row make_odd_row(void)
{
    pa_result_row row = make_row(50, "cka_val", "layers.2.ov_circuit.activations.heads.10", 0.0);
    row.metric = "cka";
    row.options = "debiased: true, name: \"a,b\"";
    row.component = "ov_circuit";
    row.target_step = 100;
    row.layer = 2;
    row.head = 10;
    row.kind = PA_ACTIVATIONS;
    row.compat = PA_COMPAT_PICO;
    pa_value_set_undefined(&row.value, PA_STATE_NONFINITE, "2 elements\nare NaN");
    row.value.dtype = PA_BF16;
    row.value.rank = 0;
    row.value.rank_storage = 7;
    row.value.nonfinite = 2;
    pa_value_set_definition(&row.value, "kornblith2019", "debiased");
    return row;
}

/* An undefined value whose outputs are of every kind. */
static pa_result_row make_row_with_outputs(void)
{
    pa_error err;
    pa_result_row row = make_row(60, "stats_val", "layers.0.a", 1.0);
    const int64_t bins = 2;
    const int64_t pairs[2] = {2, 3};
    const int64_t none[2] = {0, INT64_MAX};
    const double numbers[6] = {0.5, -0.0, 1e-7, 1e300, 5.0, 6.0};
    row.metric = "stats";
    pa_value_set_undefined(&row.value, PA_STATE_SINGULAR, "why");
    assert_ok(pa_value_add_number(&row.value, "mean", 0.1, &err));
    assert_ok(pa_value_add_array(&row.value, "counts", "bin", &bins, 1, numbers, &err));
    assert_ok(pa_value_add_undefined(&row.value, "skew", PA_STATE_DEGENERATE, &err));
    assert_ok(pa_value_add_array(&row.value, "pairs", "row,column", pairs, 2, numbers, &err));
    assert_ok(pa_value_add_array(&row.value, "none", "i,j", none, 2, NULL, &err));
    assert_ok(pa_value_add_number(&row.value, "q50", -2.5, &err));
    return row;
}

static pa_status fill(pa_results *results, pa_error *err)
{
    const pa_result_row rows[] = {
        make_row(0, "norm_val", "layers.0.w.weights", 0.1),
        make_row(0, "cka_val", "layers.0.w.weights", 1.0),
        make_row(0, "norm_val", "layers.10.w.weights", 1e-7), /* interleaved with another file */
        make_row(0, "norm_val", "layers.2.w.weights", -1.5e300),
        make_odd_row(),
        make_row(50, "norm_val", "layers.0.\"w\".weights", 1.0 / 3.0),
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const pa_status status = pa_results_append(results, &rows[i], err);
        if (status != PA_OK) {
            return status;
        }
    }
    pa_result_row row = make_row_with_outputs();
    const pa_status status = pa_results_append(results, &row, err);
    pa_value_clear(&row.value);
    return status;
}

/* Make results, export them to `<root>/<below>`, destroy them. */
static pa_status export_with(const pa_allocator *mem, const place *p, const char *below, const char *format,
                             pa_error *err)
{
    pa_context ctx = {.mem = *mem};
    pa_results *results = NULL;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", p->root, below);
    pa_status status = pa_results_create(&ctx, &results, err);
    if (status == PA_OK) {
        status = fill(results, err);
    }
    if (status == PA_OK) {
        status = pa_results_export(results, format, path, err);
    }
    pa_results_destroy(results);
    return status;
}

static void test_json_is_one_flat_object_a_file_in_the_order_of_rows(void **state)
{
    pa_error err;
    assert_ok(export_with(&pa_allocator_default, *state, "new/out", "json", &err));
    check_file(*state, "new/out/step_0/norm_val.json",
               "{\n    \"layers.0.w.weights\": 0.1,\n    \"layers.10.w.weights\": 1e-07,\n"
               "    \"layers.2.w.weights\": -1.5e+300\n}\n");
    check_file(*state, "new/out/step_0/cka_val.json", "{\n    \"layers.0.w.weights\": 1.0\n}\n");
    check_file(*state, "new/out/step_50/cka_val.json",
               "{\n    \"layers.2.ov_circuit.activations.heads.10\": null\n}\n");
    check_file(*state, "new/out/step_50/norm_val.json",
               "{\n    \"layers.0.\\\"w\\\".weights\": 0.3333333333333333\n}\n");
}

static void test_json_has_a_key_for_each_named_number(void **state)
{
    pa_error err;
    assert_ok(export_with(&pa_allocator_default, *state, "out", "json", &err));
    check_file(*state, "out/step_60/stats_val.json",
               "{\n    \"layers.0.a\": null,\n    \"layers.0.a.mean\": 0.1,\n    \"layers.0.a.skew\": null,\n"
               "    \"layers.0.a.q50\": -2.5\n}\n");
}

static void check_line(const char *text, int number, const char *expected, const char *separator)
{
    for (; number > 0; number--) {
        text = strstr(text, separator);
        assert_non_null(text);
        text += strlen(separator);
    }
    if (strncmp(text, expected, strlen(expected)) != 0 ||
        strncmp(text + strlen(expected), separator, strlen(separator)) != 0) {
        fail_msg("line is\n%s\nexpected\n%s", text, expected);
    }
}

static void test_jsonl_has_every_field_of_every_row(void **state)
{
    pa_error err;
    assert_ok(export_with(&pa_allocator_default, *state, "out", "jsonl", &err));
    char *text = read_file(*state, "out/results.jsonl");
    assert_non_null(text);
    check_line(text, 0,
               "{\"run\": \"run\", \"step\": 0, \"split\": \"val\", \"metric\": \"norm\", \"options\": \"\", "
               "\"target_step\": null, \"component\": \"simple\", \"kind\": \"weights\", \"layer\": 0, "
               "\"head\": null, \"key\": \"layers.0.w.weights\", \"value\": 0.1, \"state\": \"ok\", \"note\": \"\", "
               "\"n\": 3, \"p\": 2, \"rank\": null, \"rank_storage\": null, \"nonfinite\": 0, \"dtype\": \"f32\", "
               "\"definition\": \"\", \"estimator\": \"\", \"compat\": \"literature\", \"file\": \"norm_val\", "
               "\"target_split\": \"\", \"target_run\": \"\", "
               "\"target_layer\": null, \"unscrambled\": 0}",
               "\n");
    check_line(text, 4,
               "{\"run\": \"run\", \"step\": 50, \"split\": \"val\", \"metric\": \"cka\", "
               "\"options\": \"debiased: true, name: \\\"a,b\\\"\", \"target_step\": 100, "
               "\"component\": \"ov_circuit\", \"kind\": \"activations\", \"layer\": 2, \"head\": 10, "
               "\"key\": \"layers.2.ov_circuit.activations.heads.10\", \"value\": null, \"state\": \"nonfinite\", "
               "\"note\": \"2 elements\\nare NaN\", \"n\": 3, \"p\": 2, \"rank\": 0, \"rank_storage\": 7, "
               "\"nonfinite\": 2, \"dtype\": \"bf16\", \"definition\": \"kornblith2019\", "
               "\"estimator\": \"debiased\", \"compat\": \"pico\", \"file\": \"cka_val\", "
               "\"target_split\": \"\", \"target_run\": \"\", "
               "\"target_layer\": null, \"unscrambled\": 0}",
               "\n");
    free(text);
}

static void test_jsonl_has_all_named_outputs(void **state)
{
    pa_error err;
    assert_ok(export_with(&pa_allocator_default, *state, "out", "jsonl", &err));
    char *text = read_file(*state, "out/results.jsonl");
    assert_non_null(text);
    const char *end = strstr(text, "\"file\": \"stats_val\"");
    assert_non_null(end);
    assert_string_equal(end, "\"file\": \"stats_val\", \"target_split\": \"\", \"target_run\": \"\", "
                             "\"target_layer\": null, \"unscrambled\": 0, \"outputs\": {\"mean\": 0.1, "
                             "\"counts\": {\"axes\": [\"bin\"], \"shape\": [2], \"values\": [0.5, -0.0]}, "
                             "\"skew\": null, \"pairs\": {\"axes\": [\"row\", \"column\"], \"shape\": [2, 3], "
                             "\"values\": [0.5, -0.0, 1e-07, 1e+300, 5.0, 6.0]}, "
                             "\"none\": {\"axes\": [\"i\", \"j\"], \"shape\": [0, 9223372036854775807], "
                             "\"values\": []}, \"q50\": -2.5}, \"output_states\": {\"skew\": \"degenerate\"}}\n");
    free(text);
}

static void test_csv_has_a_line_for_each_named_number(void **state)
{
    pa_error err;
    assert_ok(export_with(&pa_allocator_default, *state, "out", "csv", &err));
    char *text = read_file(*state, "out/results.csv");
    assert_non_null(text);
    const char *begin = strstr(text, "run,60,");
    assert_non_null(begin);
    assert_string_equal(
        begin,
        "run,60,val,stats,,,,simple,weights,0,,layers.0.a,,singular,why,3,2,,,0,f32,,,literature,stats_val,,,,0\r\n"
        "run,60,val,stats,mean,,,simple,weights,0,,layers.0.a,0.1,ok,,3,2,,,0,f32,,,literature,stats_val,,,,0\r\n"
        "run,60,val,stats,skew,,,simple,weights,0,,layers.0.a,,degenerate,,3,2,,,0,f32,,,literature,stats_val,,,,0\r\n"
        "run,60,val,stats,q50,,,simple,weights,0,,layers.0.a,-2.5,ok,,3,2,,,0,f32,,,literature,stats_val,,,,0\r\n");
    free(text);
}

static void test_csv_quotes_what_needs_it(void **state)
{
    pa_error err;
    assert_ok(export_with(&pa_allocator_default, *state, "out", "csv", &err));
    char *text = read_file(*state, "out/results.csv");
    assert_non_null(text);
    check_line(
        text, 0,
        "run,step,split,metric,output,options,target_step,component,kind,layer,head,key,value,state,note,n,p,rank,"
        "rank_storage,nonfinite,dtype,definition,estimator,compat,file,target_split,"
        "target_run,target_layer,unscrambled",
        "\r\n");
    check_line(text, 1,
               "run,0,val,norm,,,,simple,weights,0,,layers.0.w.weights,0.1,ok,,3,2,,,0,f32,,,literature,norm_val,,,,0",
               "\r\n");
    check_line(text, 5,
               "run,50,val,cka,,\"debiased: true, name: \"\"a,b\"\"\",100,ov_circuit,activations,2,10,"
               "layers.2.ov_circuit.activations.heads.10,,nonfinite,\"2 elements\nare NaN\",3,2,0,7,2,bf16,"
               "kornblith2019,debiased,pico,cka_val,,,,0",
               "\r\n");
    check_line(text, 6,
               "run,50,val,norm,,,,simple,weights,0,,\"layers.0.\"\"w\"\".weights\",0.3333333333333333,ok,,3,2,,,0,"
               "f32,,,literature,norm_val,,,,0",
               "\r\n");
    free(text);
}

static void test_several_formats_appear_together(void **state)
{
    pa_error err;
    const place *p = *state;
    char path[128];
    assert_ok(export_with(&pa_allocator_default, p, "out", "json,jsonl,csv", &err));
    (void)snprintf(path, sizeof(path), "%s/out", p->root);
    assert_int_equal(count_entries(path), 5); /* step_0, step_50, step_60, results.jsonl, results.csv */
}

static void test_unknown_formats_are_named_and_nothing_is_written(void **state)
{
    pa_error err;
    const place *p = *state;
    assert_fails(export_with(&pa_allocator_default, p, "out", "jsn", &err), PA_ERR_NOT_FOUND, "did you mean 'json'");
    assert_fails(export_with(&pa_allocator_default, p, "out", "", &err), PA_ERR_NOT_FOUND, "''");
    assert_fails(export_with(&pa_allocator_default, p, "out", "json,spreadsheet", &err), PA_ERR_NOT_FOUND,
                 "'spreadsheet'");
    assert_int_equal(count_entries(p->root), 0);
}

static void test_null_arguments_are_refused(void **state)
{
    (void)state;
    pa_error err;
    assert_fails(pa_results_export(NULL, "json", "/tmp", &err), PA_ERR_INVALID, "NULL");
}

static void write_file(const place *p, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", p->root, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    fclose(file);
}

static void test_a_failed_export_leaves_the_earlier_result(void **state)
{
    pa_error err;
    const place *p = *state;
    char path[128];
    /* A file where a directory must go fails the last step after the first was written beside; for root as well. */
    write_file(p, "step_50", "in the way");
    (void)snprintf(path, sizeof(path), "%s/step_0", p->root);
    assert_int_equal(mkdir(path, 0777), 0);
    write_file(p, "step_0/norm_val.json", "earlier");
    write_file(p, "results.jsonl", "earlier");
    assert_fails(export_with(&pa_allocator_default, p, ".", "jsonl,json", &err), PA_ERR_IO, "step_50");
    check_file(p, "step_0/norm_val.json", "earlier");
    check_file(p, "results.jsonl", "earlier");
    assert_int_equal(count_entries(path), 1);
    assert_int_equal(count_entries(p->root), 3);
}

static void test_an_unwritable_directory_is_named(void **state)
{
    pa_error err;
    const place *p = *state;
    const int is_root = geteuid() == 0; /* nothing is unwritable for root: act as somebody else */
    assert_int_equal(chmod(p->root, 0500), 0);
    assert_int_equal(is_root ? seteuid(65534) : 0, 0);
    const pa_status status = export_with(&pa_allocator_default, p, "out", "csv", &err);
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    assert_int_equal(status, PA_ERR_IO);
    assert_non_null(strstr(err.message, p->root));
}

static void test_a_file_name_stays_inside_the_directory(void **state)
{
    pa_error err;
    const place *p = *state;
    pa_context ctx = {.mem = pa_allocator_default};
    pa_results *results = NULL;
    const pa_result_row row = make_row(0, "../../norm_val", "k", 1.0);
    assert_ok(pa_results_create(&ctx, &results, &err));
    assert_ok(pa_results_append(results, &row, &err));
    assert_fails(pa_results_export(results, "json", p->root, &err), PA_ERR_INVALID, "../../norm_val");
    pa_results_destroy(results);
    assert_int_equal(count_entries(p->root), 0);
}

typedef struct sweep {
    const place *p;
    const char *format;
} sweep;

static pa_status export_once(const pa_allocator *mem, void *user)
{
    const sweep *s = user;
    pa_error err;
    return export_with(mem, s->p, "out", s->format, &err);
}

static void test_every_allocation_may_fail(void **state)
{
    static const char *const formats[] = {"json", "jsonl", "csv"};
    for (int i = 0; i < 3; i++) {
        sweep s = {.p = *state, .format = formats[i]};
        pa_test_oom_sweep(export_once, &s);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_json_is_one_flat_object_a_file_in_the_order_of_rows),
        TEST(test_json_has_a_key_for_each_named_number),
        TEST(test_jsonl_has_every_field_of_every_row),
        TEST(test_jsonl_has_all_named_outputs),
        TEST(test_csv_quotes_what_needs_it),
        TEST(test_csv_has_a_line_for_each_named_number),
        TEST(test_several_formats_appear_together),
        TEST(test_unknown_formats_are_named_and_nothing_is_written),
        TEST(test_null_arguments_are_refused),
        TEST(test_a_failed_export_leaves_the_earlier_result),
        TEST(test_an_unwritable_directory_is_named),
        TEST(test_a_file_name_stays_inside_the_directory),
        TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
