/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/layout.h"

#include <string.h>

#include "base/alloc.h"
#include "base/sort.h"
#include "base/system.h"
#include "base/text.h"
#include "checkpoint/checkpoint_impl.h"

static const char word[] = "{step}";

enum { WORD_LENGTH = sizeof(word) - 1 };

int pa_path_is_inside(const char *path)
{
    if (path[0] == '/' || path[0] == '\0') {
        return 0;
    }
    for (const char *at = strstr(path, ".."); at != NULL; at = strstr(at + 2, "..")) {
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0')) {
            return 0;
        }
    }
    return 1;
}

/* A layout taken apart: "<head><before>{step}<after><tail>"; the head ends and the tail starts with a slash, if any. */
typedef struct pattern {
    const char *layout;
    int64_t head;
    int64_t before; /* lengths */
    int64_t after;
} pattern;

typedef struct place {
    int64_t step;
    const char *path;
} place;

/* Whether an entry whose name fits is a step. */
typedef pa_status (*accept_fn)(const pa_allocator *mem, const place *at, int *is_step, pa_error *err);

typedef struct listing {
    const pa_allocator *mem;
    const char *root;
    pattern pattern;
    accept_fn accept;
    pa_directory *directory; /* whose arena has the paths */
    pa_text path;            /* of the entry that is looked at */
    place *places;
    int64_t n;
    int64_t capacity;
} listing;

static pa_status parse(const char *layout, pattern *out, pa_error *err)
{
    pa_status status = PA_OK;
    const char *at = strstr(layout, word);
    PA_REQUIRE(pa_path_is_inside(layout), err, PA_ERR_CONFIG,
               "layout '%.200s': must be a path below the run, without '..'", layout);
    PA_REQUIRE(at != NULL, err, PA_ERR_CONFIG, "layout '%.200s': there is no {step} in it", layout);
    PA_REQUIRE(strstr(at + WORD_LENGTH, word) == NULL, err, PA_ERR_CONFIG, "layout '%.200s': more than one {step}",
               layout);
    const char *begin = at;
    while (begin > layout && begin[-1] != '/') {
        begin--;
    }
    *out = (pattern){layout, begin - layout, at - begin, (int64_t)strcspn(at + WORD_LENGTH, "/")};

cleanup:
    return status;
}

/* The number in the name of an entry, or -1. */
static int64_t parse_step(const pattern *p, const char *name)
{
    const char *before = p->layout + p->head;
    int64_t step = 0;
    if (strncmp(name, before, (size_t)p->before) != 0 || name[p->before] < '0' || name[p->before] > '9') {
        return -1;
    }
    const char *c = name + p->before;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (step > (INT64_MAX - 9) / 10) {
            return -1;
        }
        step = 10 * step + (*c - '0');
    }
    const char *after = before + p->before + WORD_LENGTH;
    return (int64_t)strlen(c) == p->after && strncmp(c, after, (size_t)p->after) == 0 ? step : -1;
}

static pa_status consider(listing *l, const char *name, pa_error *err)
{
    pa_status status = PA_OK;
    int is_step = 0;
    const pattern *p = &l->pattern;
    const int64_t step = parse_step(p, name);
    if (step < 0) {
        return PA_OK;
    }
    l->path.length = 0;
    PA_TRY(pa_text_printf(&l->path, err, "%s/%.*s%s%s", l->root, (int)p->head, p->layout, name,
                          p->layout + p->head + p->before + WORD_LENGTH + p->after));
    place at = {step, l->path.data};
    PA_TRY(l->accept(l->mem, &at, &is_step, err));
    if (is_step) {
        PA_GROW(l->mem, l->places, l->capacity, l->n + 1, err, "the steps of a run");
        at.path = pa_arena_strdup(&l->directory->arena, at.path);
        PA_REQUIRE_MEMORY(at.path, err, "the steps of a run");
        l->places[l->n++] = at;
    }

cleanup:
    return status;
}

static pa_status read_entries(listing *l, pa_error *err)
{
    pa_status status = PA_OK;
    DIR *directory = NULL;
    const char *name = NULL;
    pa_text path = {.mem = l->mem};
    const int head = (int)l->pattern.head;
    PA_TRY(pa_text_printf(&path, err, "%s%s%.*s", l->root, head > 0 ? "/" : "", head > 0 ? head - 1 : 0,
                          l->pattern.layout));
    PA_TRY(pa_listing_open(path.data, &directory, err));
    PA_TRY(pa_listing_next(directory, path.data, &name, err));
    while (name != NULL) {
        PA_TRY(consider(l, name, err));
        PA_TRY(pa_listing_next(directory, path.data, &name, err));
    }

cleanup:
    if (directory != NULL) {
        (void)closedir(directory);
    }
    pa_text_free(&path);
    return status;
}

static int compare(const void *items, int64_t a, int64_t b)
{
    const place *left = (const place *)items + a;
    const place *right = (const place *)items + b;
    const int order = (left->step > right->step) - (left->step < right->step);
    return order != 0 ? order : strcmp(left->path, right->path);
}

/* In order, one path a step. */
static pa_status settle(listing *l, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t *order = pa_alloc_raw(l->mem, l->n, sizeof(*order));
    int64_t *steps = pa_arena_alloc(&l->directory->arena, l->n, sizeof(*steps));
    const char **paths = pa_arena_alloc(&l->directory->arena, l->n, sizeof(*paths));
    PA_REQUIRE(order != NULL && steps != NULL && paths != NULL, err, PA_ERR_NOMEM,
               "out of memory for the steps of a run");
    pa_sort_numbers(order, l->n, compare, l->places);
    for (int64_t i = 0; i < l->n; i++) {
        steps[i] = l->places[order[i]].step;
        paths[i] = l->places[order[i]].path;
        PA_REQUIRE(i == 0 || steps[i] != steps[i - 1], err, PA_ERR_EXISTS, "%s and %s are both step %lld", paths[i - 1],
                   paths[i], (long long)steps[i]);
    }
    l->directory->paths = paths;
    l->directory->origin.steps = steps;
    l->directory->origin.n_steps = l->n;

cleanup:
    pa_free(l->mem, order);
    return status;
}

static pa_status list(const pa_allocator *mem, const char *root, const char *layout, accept_fn accept, pa_origin **out,
                      pa_error *err)
{
    pa_status status = PA_OK;
    listing l = {.mem = mem, .root = root, .accept = accept, .path = {.mem = mem}};
    PA_TRY(parse(layout, &l.pattern, err));
    l.directory = pa_alloc(mem, 1, sizeof(*l.directory));
    PA_REQUIRE_MEMORY(l.directory, err, "the steps of a run");
    pa_directory_init(l.directory, mem);
    PA_TRY(read_entries(&l, err));
    PA_TRY(settle(&l, err));
    *out = &l.directory->origin;
    l.directory = NULL;

cleanup:
    pa_text_free(&l.path);
    pa_free(mem, l.places);
    pa_origin_release(l.directory != NULL ? &l.directory->origin : NULL);
    return status;
}

static pa_status has_weights(const pa_allocator *mem, const place *at, int *is_step, pa_error *err)
{
    const char *name = NULL;
    pa_directory here;
    pa_directory_init(&here, mem);
    here.paths = &at->path;
    const pa_status status = pa_state_dict_find(&here.origin, at->step, &name, err);
    *is_step = name != NULL;
    return status;
}

pa_status pa_layout_list(const pa_allocator *mem, const char *root, const char *layout, pa_origin **out, pa_error *err)
{
    return list(mem, root, layout, has_weights, out, err);
}

/* And named as the number is printed: 007 is none of pico-train's. */
static pa_status is_directory(const pa_allocator *mem, const place *at, int *is_step, pa_error *err)
{
    pa_path_kind kind = PA_PATH_NONE;
    const char *digits = strrchr(at->path, '_') + 1;
    const pa_status status = pa_path_look(at->path, &kind, err);
    (void)mem;
    *is_step = kind == PA_PATH_DIRECTORY && (digits[0] != '0' || digits[1] == '\0');
    return status;
}

pa_status pa_pico_list(const pa_allocator *mem, const char *root, pa_origin **out, pa_error *err)
{
    return list(mem, root, "step_{step}", is_directory, out, err);
}
