/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE
#include "torch_pickle.h"

#include <stdio.h>
#include <string.h>

/* Numbers of what a pickler remembers, as in the file that PyTorch writes: 0 is the dictionary, 1 the first key. */
enum { MEMO_REBUILD = 2, MEMO_STORAGE, MEMO_FLOAT, MEMO_FIRST_KEY, MEMO_CPU };

typedef struct pickler {
    FILE *f;
    int memo;    /* next number */
    int ordered; /* the number of collections.OrderedDict */
} pickler;

static void little(pickler *p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        putc((int)(value >> 8 * i & 0xff), p->f);
    }
}

static void put(pickler *p)
{
    const int number = p->memo++;
    putc(number < 256 ? 'q' : 'r', p->f);
    little(p, (uint64_t)number, number < 256 ? 1 : 4);
}

static void get(pickler *p, int number)
{
    putc(number < 256 ? 'h' : 'j', p->f);
    little(p, (uint64_t)number, number < 256 ? 1 : 4);
}

static void text(pickler *p, const char *s)
{
    putc('X', p->f);
    little(p, strlen(s), 4);
    fputs(s, p->f);
    put(p);
}

static void global(pickler *p, const char *module_and_name)
{
    fprintf(p->f, "c%s\n", module_and_name);
    put(p);
}

static void integer(pickler *p, int64_t value)
{
    const int bytes = value < 256 ? 1 : value < 65536 ? 2 : 4;
    putc("KM?J"[bytes - 1], p -> f);
    little(p, (uint64_t)value, bytes);
}

static void pair(pickler *p, int64_t a, int64_t b)
{
    integer(p, a);
    integer(p, b);
    putc('\x86', p->f);
    put(p);
}

/* ("storage", torch.FloatStorage, "<index>", "cpu", numel), then BINPERSID: the storage itself. */
static void storage(pickler *p, int index, int64_t numel)
{
    char key[16];
    (void)snprintf(key, sizeof(key), "%d", index);
    putc('(', p->f);
    if (index == 0) {
        text(p, "storage");
        global(p, "torch\nFloatStorage");
        text(p, key);
        text(p, "cpu");
    } else {
        get(p, MEMO_STORAGE);
        get(p, MEMO_FLOAT);
        text(p, key);
        get(p, MEMO_CPU);
    }
    integer(p, numel);
    putc('t', p->f);
    put(p);
    putc('Q', p->f);
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, OrderedDict()). */
static void tensor(pickler *p, int index, const torch_tensor *t)
{
    text(p, t->name);
    if (index == 0) {
        global(p, "torch._utils\n_rebuild_tensor_v2");
    } else {
        get(p, MEMO_REBUILD);
    }
    putc('(', p->f);
    storage(p, index, t->rows * t->cols);
    integer(p, 0);
    pair(p, t->rows, t->cols);
    pair(p, t->cols, 1);
    putc('\x89', p->f);
    if (index == 0) {
        p->ordered = p->memo;
        global(p, "collections\nOrderedDict");
    } else {
        get(p, p->ordered);
    }
    fputs(")R", p->f);
    put(p);
    putc('t', p->f);
    put(p);
    putc('R', p->f);
    put(p);
}

char *torch_pickle(const torch_tensor *tensors, int count, size_t *length)
{
    enum { BATCH = 1000 }; /* pairs that a pickler writes at once */
    char *bytes = NULL;
    pickler p = {.f = open_memstream(&bytes, length)};
    if (p.f == NULL) {
        return NULL;
    }
    fputs("\x80\x02}", p.f);
    put(&p);
    for (int i = 0; i < count; i++) {
        fputs(i % BATCH == 0 ? "(" : "", p.f);
        tensor(&p, i, &tensors[i]);
        fputs(i % BATCH == BATCH - 1 || i == count - 1 ? "u" : "", p.f);
    }
    putc('.', p.f);
    return fclose(p.f) == 0 ? bytes : NULL;
}
