/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner.c TARGET.c: fuzz_TARGET FILE|DIRECTORY...: give files to a fuzz target without libFuzzer. Whatever the target
 * objects to ends the process. Directories that are absent are empty; without any file at all something is wrong.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

static int64_t inputs;

static void try_file(const char *path)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    fuzz_require(file != NULL && fstat(fileno(file), &info) == 0, path);
    const size_t n = (size_t)info.st_size;
    uint8_t *data = malloc(n > 0 ? n : 1); /* exactly that much, so that sanitizers see reads beyond it */
    fuzz_require(data != NULL && fread(data, 1, n, file) == n, path);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(data, n);
    free(data);
    inputs++;
}

static void try_path(const char *path)
{
    DIR *directory = opendir(path);
    struct stat info;
    if (directory == NULL) {
        if (stat(path, &info) == 0) {
            try_file(path);
        }
        return;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        char file[4096];
        const int length = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        fuzz_require(length > 0 && (size_t)length < sizeof(file), "the path is short enough");
        if (entry->d_name[0] != '.') {
            try_file(file);
        }
    }
    (void)closedir(directory);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        try_path(argv[i]);
    }
    (void)printf("%lld inputs\n", (long long)inputs);
    return inputs > 0 ? 0 : 1;
}
