/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE
#include "torch_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "torch_pickle.h"

enum { ALIGNMENT = 64, LOCAL = 30, FLAGS = 0x0808, MAX_RECORDS = TORCH_FILE_MAX + 2 };

typedef struct record {
    char name[160];
    uint32_t crc;
    uint64_t size, offset;
} record;

typedef struct writer {
    FILE *f;
    char top[96]; /* the folder that all records are in: the file's name without its extension */
    record records[MAX_RECORDS];
    int count;
} writer;

static void little(FILE *f, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        putc(i < 8 ? (int)(value >> 8 * i & 0xff) : 0, f);
    }
}

static uint64_t position(const writer *w)
{
    return (uint64_t)ftello(w->f);
}

/* Begins a record; the next byte written is its first, on a multiple of the alignment. */
static record *begin(writer *w, const char *name, uint64_t size)
{
    record *r = &w->records[w->count++];
    (void)snprintf(r->name, sizeof(r->name), "%s/%s", w->top, name);
    r->size = size;
    r->offset = position(w);
    const uint64_t length = strlen(r->name);
    const uint64_t pad = -(r->offset + LOCAL + length + 4) % ALIGNMENT;
    little(w->f, 0x04034b50, 4);
    little(w->f, 0, 2);
    little(w->f, FLAGS, 2);
    little(w->f, 0, 18); /* stored; no time; sizes and CRC follow the data */
    little(w->f, length, 2);
    little(w->f, pad + 4, 2);
    fputs(r->name, w->f);
    fputs("FB", w->f);
    little(w->f, pad, 2);
    for (uint64_t i = 0; i < pad; i++) {
        putc('Z', w->f);
    }
    return r;
}

static void end(writer *w, const record *r)
{
    little(w->f, 0x08074b50, 4);
    little(w->f, r->crc, 4);
    little(w->f, r->size, 4);
    little(w->f, r->size, 4);
}

static void add_bytes(writer *w, const char *name, const void *bytes, size_t size)
{
    record *r = begin(w, name, size);
    r->crc = (uint32_t)crc32_z(0, bytes, size);
    fwrite(bytes, 1, size, w->f);
    end(w, r);
}

static void add_hole(writer *w, const char *name, uint64_t size)
{
    record *r = begin(w, name, size);
    fseeko(w->f, (off_t)size, SEEK_CUR);
    end(w, r);
}

static void directory(writer *w)
{
    const uint64_t start = position(w);
    for (int i = 0; i < w->count; i++) {
        const record *r = &w->records[i];
        little(w->f, 0x02014b50, 4);
        little(w->f, 0, 4);
        little(w->f, FLAGS, 2);
        little(w->f, 0, 6);
        little(w->f, r->crc, 4);
        little(w->f, r->size, 4);
        little(w->f, r->size, 4);
        little(w->f, strlen(r->name), 2);
        little(w->f, 0, 8); /* extra, comment, disk, attributes */
        little(w->f, 0, 4);
        little(w->f, r->offset, 4);
        fputs(r->name, w->f);
    }
    const uint64_t size = position(w) - start;
    const uint64_t end64 = position(w);
    little(w->f, 0x06064b50, 4);
    little(w->f, 44, 8);
    little(w->f, 0x031e, 2);
    little(w->f, 45, 2);
    little(w->f, 0, 8);
    little(w->f, (uint64_t)w->count, 8);
    little(w->f, (uint64_t)w->count, 8);
    little(w->f, size, 8);
    little(w->f, start, 8);
    little(w->f, 0x07064b50, 4);
    little(w->f, 0, 4);
    little(w->f, end64, 8);
    little(w->f, 1, 4);
    little(w->f, 0x06054b50, 4);
    little(w->f, 0, 4);
    little(w->f, (uint64_t)w->count, 2);
    little(w->f, (uint64_t)w->count, 2);
    little(w->f, size, 4);
    little(w->f, start, 4);
    little(w->f, 0, 2);
}

/* PyTorch 1.13 writes storages in the order of their numbers as text: 0, 1, 10, 11, 2 ... */
static int as_text(const void *a, const void *b)
{
    char x[16], y[16];
    (void)snprintf(x, sizeof(x), "%d", *(const int *)a);
    (void)snprintf(y, sizeof(y), "%d", *(const int *)b);
    return strcmp(x, y);
}

static int add_tensors(writer *w, const torch_tensor *tensors, int count, torch_fill fill, void *user)
{
    int order[TORCH_FILE_MAX];
    for (int i = 0; i < count; i++) {
        order[i] = i;
    }
    qsort(order, (size_t)count, sizeof(order[0]), as_text);
    for (int i = 0; i < count; i++) {
        const torch_tensor *t = &tensors[order[i]];
        const size_t size = (size_t)t->rows * (size_t)t->cols * sizeof(float);
        char name[32];
        (void)snprintf(name, sizeof(name), "data/%d", order[i]);
        if (fill == NULL) {
            add_hole(w, name, size);
            continue;
        }
        float *data = malloc(size);
        if (data == NULL) {
            return -1;
        }
        fill(user, order[i], t, data);
        add_bytes(w, name, data, size);
        free(data);
    }
    return 0;
}

static int write_all(writer *w, const torch_tensor *tensors, int count, torch_fill fill, void *user)
{
    size_t length = 0;
    char *pickle = torch_pickle(tensors, count, &length);
    if (pickle == NULL) {
        return -1;
    }
    add_bytes(w, "data.pkl", pickle, length);
    free(pickle);
    const int bad = add_tensors(w, tensors, count, fill, user);
    add_bytes(w, "version", "3\n", 2);
    directory(w);
    return bad;
}

static int fits(const torch_tensor *tensors, int count)
{
    uint64_t bytes = 1 << 20;
    for (int i = 0; i < count; i++) {
        bytes += (uint64_t)tensors[i].rows * (uint64_t)tensors[i].cols * sizeof(float);
    }
    return count >= 1 && count <= TORCH_FILE_MAX && bytes < UINT32_MAX;
}

int torch_file_write(const char *path, const torch_tensor *tensors, int count, torch_fill fill, void *user)
{
    if (!fits(tensors, count)) {
        fprintf(stderr, "%s: too many tensors, or 4 GiB and more\n", path);
        return -1;
    }
    writer *w = calloc(1, sizeof(*w));
    int bad = -1;
    if (w != NULL && (w->f = fopen(path, "wb")) != NULL) {
        const char *slash = strrchr(path, '/');
        (void)snprintf(w->top, sizeof(w->top), "%s", slash != NULL ? slash + 1 : path);
        char *dot = strrchr(w->top, '.');
        if (dot != NULL) {
            *dot = '\0';
        }
        bad = write_all(w, tensors, count, fill, user);
        bad |= ferror(w->f);
        bad |= fclose(w->f);
    }
    free(w);
    if (bad != 0) {
        perror(path);
    }
    return bad != 0 ? -1 : 0;
}
