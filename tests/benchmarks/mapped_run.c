/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE
#include "mapped_run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { END = 22, ENTRY = 46, LOCAL = 30 };

static _Noreturn void fail(const char *path)
{
    fprintf(stderr, "floor: %s is not as make_run writes it\n", path);
    exit(1);
}

static uint32_t little(const unsigned char *p, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint32_t)p[i] << 8 * i;
    }
    return value;
}

static const unsigned char *map(const char *path, size_t *size)
{
    struct stat s;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &s) != 0 || s.st_size < END) {
        fail(path);
    }
    *size = (size_t)s.st_size;
    void *bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        fail(path);
    }
    close(fd);
    return bytes;
}

/* Is the entry's name "<anything>/data/<index>"? */
static int names(const unsigned char *entry, int index)
{
    char wanted[32];
    const int length = snprintf(wanted, sizeof(wanted), "/data/%d", index);
    const uint32_t name = little(entry + 28, 2);
    return name > (uint32_t)length && memcmp(entry + ENTRY + name - (uint32_t)length, wanted, (size_t)length) == 0;
}

mapped_tensor mapped_run_tensor(const char *run, int step, const char *kind, int layer, int suffix)
{
    char path[4096];
    size_t size = 0;
    (void)snprintf(path, sizeof(path), "%s/checkpoints/step_%d/learning_dynamics/val_%s.pt", run, step, kind);
    const unsigned char *file = map(path, &size);
    const unsigned char *end = file + size - END;
    const unsigned char *entry = file + little(end + 16, 4);
    for (uint32_t i = little(end + 10, 2); i > 0; i--) {
        if (names(entry, layer * MAPPED_SUFFIXES + suffix)) {
            const unsigned char *local = file + little(entry + 42, 4);
            const unsigned char *data = local + LOCAL + little(local + 26, 2) + little(local + 28, 2);
            return (mapped_tensor){(const void *)data, little(entry + 20, 4) / sizeof(float)};
        }
        entry += ENTRY + little(entry + 28, 2);
    }
    fail(path);
}

int64_t mapped_run_setting(const char *run, const char *name)
{
    char path[4096], line[256];
    (void)snprintf(path, sizeof(path), "%s/training_config.yaml", run);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        const char *key = line + strspn(line, " ");
        const size_t length = strlen(name);
        if (strncmp(key, name, length) == 0 && key[length] == ':') {
            fclose(f);
            return strtoll(key + length + 1, NULL, 10);
        }
    }
    fail(path);
}
