/* SPDX-License-Identifier: Apache-2.0 */
#include "reference_values.h"
#include "pa_test.h"

#include <dirent.h>

/* "a/b" */
static void join(char *path, size_t size, const char *a, const char *b)
{
    assert_true(snprintf(path, size, "%s/%s", a, b) < (int)size);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s: cannot be opened", path);
    }
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    const size_t length = fread(text, 1, (1 << 20) - 1, file);
    assert_true(length > 0 && length < (1 << 20) - 1);
    fclose(file);
    return text;
}

static void append(reference_values *values, reference_value item)
{
    reference_value *larger = realloc(values->items, (values->count + 1) * sizeof(*larger));
    assert_non_null(larger);
    values->items = larger;
    values->items[values->count++] = item;
}

/* The format that reference.py writes and no other: {"key": number-or-null, ...} without escapes. */
static void read_values(reference_values *values, const char *path, int64_t step, const char *name)
{
    char *text = read_file(path);
    for (char *at = strchr(text, '"'); at != NULL; at = strchr(at, '"')) {
        reference_value item = {.step = step};
        char *end = strchr(at + 1, '"');
        if (end == NULL || end[1] != ':' || (size_t)(end - at) > sizeof(item.key)) {
            fail_msg("%s: byte %ld: not a key", path, (long)(at - text));
        }
        memcpy(item.key, at + 1, (size_t)(end - at) - 1);
        assert_true(snprintf(item.file, sizeof(item.file), "%s", name) < (int)sizeof(item.file));
        at = end + 2 + strspn(end + 2, " ");
        if (strncmp(at, "null", 4) == 0) {
            item.value = NAN;
            at += 4;
        } else {
            item.value = strtod(at, &end);
            if (end == at || !isfinite(item.value)) {
                fail_msg("%s: %s is neither a number nor null", path, item.key);
            }
            at = end;
        }
        append(values, item);
    }
    free(text);
}

static void read_step(reference_values *values, const char *directory, int64_t step)
{
    DIR *files = opendir(directory);
    assert_non_null(files);
    for (const struct dirent *entry = readdir(files); entry != NULL; entry = readdir(files)) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || strcmp(dot, ".json") != 0) {
            continue;
        }
        char path[4096], name[96];
        join(path, sizeof(path), directory, entry->d_name);
        assert_true(snprintf(name, sizeof(name), "%.*s", (int)(dot - entry->d_name), entry->d_name) <
                    (int)sizeof(name));
        read_values(values, path, step, name);
    }
    closedir(files);
}

reference_values reference_values_load(const char *directory)
{
    reference_values values = {NULL, 0};
    DIR *steps = opendir(directory);
    if (steps == NULL) {
        fail_msg("%s: cannot be opened", directory);
    }
    for (const struct dirent *entry = readdir(steps); entry != NULL; entry = readdir(steps)) {
        long long step = 0;
        if (sscanf(entry->d_name, "step_%lld", &step) == 1) {
            char path[4096];
            join(path, sizeof(path), directory, entry->d_name);
            read_step(&values, path, step);
        }
    }
    closedir(steps);
    assert_true(values.count > 0);
    return values;
}

reference_value *reference_values_find(reference_values *values, int64_t step, const char *file, const char *key)
{
    for (size_t i = 0; i < values->count; i++) {
        reference_value *item = &values->items[i];
        if (item->step == step && strcmp(item->file, file) == 0 && strcmp(item->key, key) == 0) {
            return item;
        }
    }
    return NULL;
}

void reference_values_free(reference_values *values)
{
    free(values->items);
    values->items = NULL;
    values->count = 0;
}
