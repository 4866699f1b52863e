/* SPDX-License-Identifier: Apache-2.0 */
/* Torch files of very many tensors: opening takes no more memory than 16 MiB and four times pickle and directory. */
#include "pa_test_counted.h"

enum { N = 60000, BATCH = 1000 };

static pa_context *ctx;
static char directory[256];
static char path[300];

static int set_up(void **state)
{
    (void)state;
    pa_error err;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = &pa_test_counted, .threads = 1};
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/file.pt", directory);
    return pa_context_create(&options, &ctx, &err) == PA_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    pa_context_destroy(ctx);
    pa_test_remove(directory);
    return 0;
}

/* What torch.save() writes: nearly everything is remembered, little is asked for again. */
typedef struct writer {
    FILE *file;
    uint32_t memo;
    uint32_t first; /* of the five below */
    int is_legacy;
} writer;

enum { STORAGE, FLOAT, CPU, REBUILD, ORDERED };

static void little(FILE *file, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        putc((int)(value >> (8 * i) & 0xff), file);
    }
}

static void put(writer *w)
{
    putc(w->memo < 256 ? 'q' : 'r', w->file);
    little(w->file, w->memo, w->memo < 256 ? 1 : 4);
    w->memo++;
}

static void text(writer *w, const char *value)
{
    putc('X', w->file);
    little(w->file, strlen(value), 4);
    fputs(value, w->file);
    put(w);
}

static void number_text(writer *w, int number)
{
    char value[16];
    pa_test_format(value, sizeof(value), "%d", number);
    text(w, value);
}

static void global(writer *w, const char *module_and_name)
{
    fprintf(w->file, "c%s\n", module_and_name);
    put(w);
}

static void get(writer *w, int what)
{
    putc('h', w->file);
    little(w->file, w->first + (uint32_t)what, 1);
}

/* A (2, 2) of its own storage of four floats. */
static void tensor(writer *w, int i)
{
    get(w, REBUILD);
    fputs("((", w->file);
    get(w, STORAGE);
    get(w, FLOAT);
    number_text(w, i);
    get(w, CPU);
    fputs(w->is_legacy ? "K\4Nt" : "K\4t", w->file);
    put(w);
    little(w->file, 'Q', 1);
    little(w->file, 'K', 2); /* offset 0 */
    fputs("K\2K\2\x86", w->file);
    put(w);
    fputs("K\2K\1\x86", w->file);
    put(w);
    fputs("\x89", w->file);
    get(w, ORDERED);
    fputs(")R", w->file);
    put(w);
    putc('t', w->file);
    put(w);
    putc('R', w->file);
    put(w);
}

/* {"_": (what is asked for again), "0": tensor, "1": ...}; a tied one at the end. */
static void write_object(FILE *file, int count, int is_legacy)
{
    writer w = {.file = file, .is_legacy = is_legacy};
    fputs("\x80\x02}", file);
    put(&w);
    text(&w, "_");
    putc('(', file);
    w.first = w.memo;
    text(&w, "storage");
    global(&w, "torch\nFloatStorage");
    text(&w, "cpu");
    global(&w, "torch._utils\n_rebuild_tensor_v2");
    global(&w, "collections\nOrderedDict");
    fputs("ts", file);
    for (int i = 0; i < count; i++) {
        fputs(i % BATCH == 0 ? "(" : "", file);
        number_text(&w, i);
        tensor(&w, i);
        fputs(i % BATCH == BATCH - 1 || i == count - 1 ? "u" : "", file);
    }
    const uint32_t last = w.memo - 1;
    text(&w, "tied");
    putc('j', file);
    little(file, last, 4);
    fputs("s.", file);
}

static void zip_header(FILE *file, uint32_t place, const char *name, const void *data, size_t n, int is_entry)
{
    little(file, is_entry ? 0x02014b50 : 0x04034b50, 4);
    little(file, 0, is_entry ? 4 : 2);
    little(file, 0x0800, 2);
    little(file, 0, 6); /* stored; time */
    little(file, crc32(0, data, (uInt)n), 4);
    little(file, n, 4);
    little(file, n, 4);
    little(file, strlen(name), 2);
    little(file, 0, 2);
    if (is_entry) {
        little(file, 0, 8);
        little(file, 0, 2);
        little(file, place, 4);
    }
    fputs(name, file);
}

static void zip_record(FILE *file, FILE *entries, const char *name, const void *data, size_t n)
{
    const uint32_t place = (uint32_t)ftell(file);
    zip_header(file, place, name, data, n, 0);
    assert_int_equal(fwrite(data, 1, n, file), n);
    zip_header(entries, place, name, data, n, 1);
}

/* Pickle and directory, in bytes. */
static int64_t write_zip(int count)
{
    char *pickle = NULL;
    char *entries = NULL;
    char name[32];
    size_t n = 0;
    size_t n_entries = 0;
    const float four[4] = {1, 2, 3, 4};
    FILE *object = open_memstream(&pickle, &n);
    FILE *list = open_memstream(&entries, &n_entries);
    FILE *file = fopen(path, "wb");
    assert_non_null(object);
    assert_non_null(list);
    assert_non_null(file);
    write_object(object, count, 0);
    assert_int_equal(fclose(object), 0);
    zip_record(file, list, "a/data.pkl", pickle, n);
    zip_record(file, list, "a/version", "3\n", 2);
    for (int i = 0; i < count; i++) {
        pa_test_format(name, sizeof(name), "a/data/%d", i);
        zip_record(file, list, name, four, sizeof(four));
    }
    assert_int_equal(fclose(list), 0);
    const long place = ftell(file);
    assert_int_equal(fwrite(entries, 1, n_entries, file), n_entries);
    little(file, 0x06054b50, 8);
    little(file, (uint64_t)count + 2, 2);
    little(file, (uint64_t)count + 2, 2);
    little(file, n_entries, 4);
    little(file, (uint64_t)place, 4);
    little(file, 0, 2);
    assert_int_equal(fclose(file), 0);
    free(pickle);
    free(entries);
    return (int64_t)(n + n_entries);
}

/* The pickles, in bytes. */
static int64_t write_legacy(int count)
{
    static const char head[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"
                               "\x80\x02M\xe9\x03."
                               "\x80\x02}X\x0d\0\0\0little_endian\x88s.";
    const float four[4] = {1, 2, 3, 4};
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(head, 1, sizeof(head) - 1, file), sizeof(head) - 1);
    write_object(file, count, 1);
    writer keys = {.file = file};
    fputs("\x80\x02](", file);
    for (int i = 0; i < count; i++) {
        number_text(&keys, i);
    }
    fputs("e.", file);
    const long n = ftell(file);
    for (int i = 0; i < count; i++) {
        little(file, 4, 8);
        assert_int_equal(fwrite(four, 1, sizeof(four), file), sizeof(four));
    }
    assert_int_equal(fclose(file), 0);
    return (int64_t)n;
}

static void check_opened(const char *format, int64_t header)
{
    static const double numbers[] = {1, 2, 3, 4};
    static const int64_t shape[] = {2, 2};
    pa_error err;
    pa_checkpoint *c = NULL;
    pa_archive *archive = NULL;
    assert_ok(pa_test_open_within(ctx, path, header, &c, &err));
    assert_int_equal(pa_checkpoint_count(c), N + 1);
    pa_checkpoint_destroy(c);
    assert_ok(pa_archive_open(ctx, path, &archive, &err));
    assert_string_equal(archive->format, format);
    for (int i = 0; i < N; i++) { /* none has anything of another one */
        char name[16];
        pa_test_format(name, sizeof(name), "%d", i);
        const pa_archive_entry *entry = &archive->entries[i];
        assert_string_equal(entry->name, name);
        assert_int_equal(entry->tensor.ndim, 2);
        assert_memory_equal(entry->tensor.shape, shape, sizeof(shape));
    }
    assert_ptr_equal(archive->entries[N].tensor.storage, archive->entries[N - 1].tensor.storage);
    pa_test_assert_tensor(archive, "59999", PA_F32, 2, shape, numbers);
    pa_test_assert_tensor(archive, "tied", PA_F32, 2, shape, numbers);
    pa_archive_destroy(archive);
}

static void test_a_zip_archive_of_many_tensors(void **state)
{
    (void)state;
    check_opened("torch zip", write_zip(N));
}

static void test_a_legacy_file_of_many_tensors(void **state)
{
    (void)state;
    check_opened("torch legacy", write_legacy(N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_zip_archive_of_many_tensors),
        cmocka_unit_test(test_a_legacy_file_of_many_tensors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
