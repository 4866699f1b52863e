/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Rows of values. */
#include "analysis/results_impl.h"

#include <string.h>

#include "base/alloc.h"
#include "base/index.h"
#include "base/outputs.h"

/* Rows stay where they are: copying millions of them whenever there are half as many more takes longer than making them. */
enum { BLOCK_ROWS = 256 };

struct pa_results {
    pa_context *ctx;
    pa_index strings;
    pa_result_row **blocks;
    int64_t n_blocks;
    int64_t blocks_capacity;
    int64_t count; /* of rows */
    int64_t undefined;
    pa_results_cost cost;
};

pa_status pa_results_create(pa_context *ctx, pa_results **out, pa_error *err)
{
    *out = pa_alloc(&ctx->mem, 1, sizeof(**out));
    if (*out == NULL) {
        return pa_fail_nomem(err, "results");
    }
    (*out)->ctx = ctx;
    (*out)->strings.arena.mem = &ctx->mem;
    return PA_OK;
}

static pa_result_row *row_at(const pa_results *results, int64_t index)
{
    return &results->blocks[index / BLOCK_ROWS][index % BLOCK_ROWS];
}

/* Room for one more. */
static pa_status make_room(pa_results *results, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &results->ctx->mem;
    if (results->count == results->n_blocks * BLOCK_ROWS) {
        pa_result_row *block = NULL;
        PA_GROW(mem, results->blocks, results->blocks_capacity, results->n_blocks + 1, err, "results");
        PA_REQUIRE_MEMORY(block = pa_alloc_raw(mem, BLOCK_ROWS, sizeof(*block)), err, "results");
        results->blocks[results->n_blocks++] = block;
    }

cleanup:
    return status;
}

void pa_results_destroy(pa_results *results)
{
    if (results != NULL) {
        const pa_allocator *mem = &results->ctx->mem;
        pa_index_free(&results->strings);
        for (int64_t i = 0; i < results->count; i++) {
            pa_outputs_destroy(row_at(results, i)->value.outputs);
        }
        for (int64_t i = 0; i < results->n_blocks; i++) {
            pa_free(mem, results->blocks[i]);
        }
        pa_free(mem, results->blocks);
        pa_free(mem, results);
    }
}

pa_context *pa_results_context(const pa_results *results)
{
    return results->ctx;
}

/* Most texts are those of the row before. */
static pa_status share(pa_results *results, const char *before, const char **text, pa_error *err)
{
    int64_t number = 0;
    *text = *text != NULL ? *text : "";
    if (before != NULL && strcmp(before, *text) == 0) {
        *text = before;
        return PA_OK;
    }
    const pa_status status = pa_index_add(&results->strings, *text, &number, err);
    if (status == PA_OK) {
        *text = results->strings.texts[number];
    }
    return status;
}

pa_status pa_results_append(pa_results *results, const pa_result_row *row, pa_error *err)
{
    pa_status status = PA_OK;
    pa_result_row copy = *row;
    copy.struct_size = sizeof(copy);
    copy.value.outputs = NULL;
    static const pa_result_row none = {.run = NULL};
    const pa_result_row *before = results->count > 0 ? row_at(results, results->count - 1) : &none;
    PA_TRY(share(results, before->run, &copy.run, err));
    PA_TRY(share(results, before->split, &copy.split, err));
    PA_TRY(share(results, before->metric, &copy.metric, err));
    PA_TRY(share(results, before->options, &copy.options, err));
    PA_TRY(share(results, before->component, &copy.component, err));
    PA_TRY(share(results, before->key, &copy.key, err));
    PA_TRY(share(results, before->file, &copy.file, err));
    PA_TRY(share(results, before->target_split, &copy.target_split, err));
    PA_TRY(share(results, before->target_run, &copy.target_run, err));
    PA_TRY(make_room(results, err));
    PA_TRY(pa_outputs_copy(&results->ctx->mem, row->value.outputs, &copy.value.outputs, err));
    *row_at(results, results->count++) = copy;
    results->undefined += copy.value.state != PA_STATE_OK;

cleanup:
    return status;
}

void pa_results_set_cost(pa_results *results, const pa_results_cost *cost)
{
    results->cost = *cost;
}

int64_t pa_results_count(const pa_results *results)
{
    return results != NULL ? results->count : 0;
}

pa_status pa_results_row(const pa_results *results, int64_t index, pa_result_row *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(results != NULL && out != NULL, err, PA_ERR_INVALID, "pa_results_row: an argument is NULL");
    PA_REQUIRE(index >= 0 && index < results->count, err, PA_ERR_INVALID, "row %lld of %lld", (long long)index,
               (long long)results->count);
    const size_t size = out->struct_size;
    PA_REQUIRE(size >= sizeof(*out), err, PA_ERR_INVALID, "pa_result_row: struct_size %zu is less than %zu", size,
               sizeof(*out));
    *out = *row_at(results, index);
    out->struct_size = size;

cleanup:
    return status;
}

pa_status pa_results_summary(const pa_results *results, pa_summary *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(results != NULL && out != NULL, err, PA_ERR_INVALID, "pa_results_summary: an argument is NULL");
    const size_t size = out->struct_size;
    PA_REQUIRE(size >= sizeof(*out), err, PA_ERR_INVALID, "pa_summary: struct_size %zu is less than %zu", size,
               sizeof(*out));
    *out = (pa_summary){.struct_size = size,
                        .values = results->count,
                        .undefined = results->undefined,
                        .bytes_read = results->cost.bytes_read,
                        .seconds = results->cost.seconds,
                        .queries = results->cost.queries,
                        .computed = results->cost.computed};

cleanup:
    return status;
}
