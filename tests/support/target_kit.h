/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Metrics and components of comparisons whose values tell what was compared, over swiglu.w_2 of the tiny run. */
#ifndef TARGET_KIT_H
#define TARGET_KIT_H
#include <stdatomic.h>

#include "tiny_run.h"

/** Where a matrix of the tiny run is; `split` is 0 for train and 1 for val. */
typedef struct kit_place {
    int64_t step;
    int split;
    int64_t layer;
} kit_place;

/** <A, B> of the weights at two places. */
static inline double kit_inner_of(kit_place a, kit_place b)
{
    double sum = 0.0;
    for (int64_t i = 0; i < 8; i++) {
        for (int64_t j = 0; j < 16; j++) {
            sum += tiny_entry(a.step, a.split, PA_WEIGHTS, a.layer, TINY_W2, i, j) *
                   tiny_entry(b.step, b.split, PA_WEIGHTS, b.layer, TINY_W2, i, j);
        }
    }
    return sum;
}

/** ||A|| - 1000 ||B|| */
static inline double kit_ordered_of(kit_place a, kit_place b)
{
    return sqrt(kit_inner_of(a, a)) - 1000.0 * sqrt(kit_inner_of(b, b));
}

/** @name Metrics
 * @{ */

static inline pa_status kit_inner(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                                  pa_error *err)
{
    double inner = 0.0;
    (void)user_data;
    (void)options;
    const pa_status status = pa_matrix_inner(in[0], in[1], &inner, err);
    if (status == PA_OK) {
        pa_value_set(out, inner);
    }
    return status;
}

static inline pa_status kit_ordered(void *user_data, const pa_options *options, const pa_matrix *const *in,
                                    pa_value *out, pa_error *err)
{
    double a = 0.0;
    double b = 0.0;
    (void)user_data;
    (void)options;
    pa_status status = pa_matrix_frobenius(in[0], &a, err);
    if (status == PA_OK) {
        status = pa_matrix_frobenius(in[1], &b, err);
    }
    if (status == PA_OK) {
        pa_value_set(out, a - 1000.0 * b);
    }
    return status;
}

/* ||A||^2 ... */
static inline pa_status kit_square(void *user_data, const pa_options *options, const pa_matrix *const *in,
                                   pa_value *out, pa_error *err)
{
    double norm = 0.0;
    (void)user_data;
    (void)options;
    const pa_status status = pa_matrix_frobenius(in[0], &norm, err);
    if (status == PA_OK) {
        pa_value_set(out, norm * norm);
    }
    return status;
}

/* ... and its sum along the run, with how many steps that are. */
static inline pa_status kit_follow(void *user_data, const pa_options *options, const pa_value *before, pa_value *value,
                                   pa_error *err)
{
    pa_output steps = {.struct_size = sizeof(steps)};
    (void)user_data;
    (void)options;
    if (before != NULL) {
        const pa_status status = pa_value_find_output(before, "steps", &steps, err);
        if (status != PA_OK) {
            return status;
        }
        pa_value_set(value, before->value + value->value);
    }
    return pa_value_add_number(value, "steps", steps.number + 1.0, err);
}

/* Sum of all, and their number. */
static inline pa_status kit_pool(void *user_data, const pa_options *options, const pa_value *const *values,
                                 int64_t n_values, pa_value *out, pa_error *err)
{
    double sum = 0.0;
    (void)user_data;
    (void)options;
    for (int64_t i = 0; i < n_values; i++) {
        sum += values[i]->value;
    }
    pa_value_set(out, sum);
    return pa_value_add_number(out, "values", (double)n_values, err);
}
/** @} */

/** @name Components over one tensor; each counts how often it is built if there is something to count with
 * @{ */

static inline void kit_count(void *user_data)
{
    if (user_data != NULL) {
        atomic_fetch_add((atomic_int *)user_data, 1);
    }
}

/* The tensor, and its rows 0 and 1 as heads. */
static inline pa_status kit_counted(void *user_data, pa_site *site, pa_error *err)
{
    pa_matrix *matrix = NULL;
    kit_count(user_data);
    pa_status status = pa_site_tensor(site, "", pa_site_kind(site), &matrix, err);
    for (int64_t h = 0; status == PA_OK && h < 2; h++) {
        pa_matrix *row = NULL;
        status = pa_matrix_slice(matrix, h, 1, 0, pa_matrix_cols(matrix), &row, err);
        if (status == PA_OK) {
            status = pa_site_emit(site, "counted", h, row, err);
        }
        pa_matrix_destroy(row);
    }
    if (status == PA_OK) {
        status = pa_site_emit(site, "counted", -1, matrix, err);
    }
    pa_matrix_destroy(matrix);
    return status;
}

/* The tensor here and at layer 0. */
static inline pa_status kit_pairs(void *user_data, pa_site *site, pa_error *err)
{
    pa_matrix *matrix = NULL;
    pa_matrix *first = NULL;
    kit_count(user_data);
    pa_status status = pa_site_tensor(site, "", pa_site_kind(site), &matrix, err);
    if (status == PA_OK) {
        status = pa_site_tensor_at(site, 0, "", pa_site_kind(site), &first, err);
    }
    if (status == PA_OK) {
        status = pa_site_emit_pair(site, "pairs", -1, matrix, first, err);
    }
    pa_matrix_destroy(first);
    pa_matrix_destroy(matrix);
    return status;
}

/* The tensor minus that of the reference. */
static inline pa_status kit_delta(void *user_data, pa_site *site, pa_error *err)
{
    pa_matrix *matrix = NULL;
    pa_matrix *other = NULL;
    pa_matrix *negative = NULL;
    pa_matrix *delta = NULL;
    kit_count(user_data);
    pa_status status = pa_site_tensor(site, "", pa_site_kind(site), &matrix, err);
    if (status == PA_OK) {
        status = pa_checkpoint_matrix(pa_site_reference(site), pa_site_split(site), pa_site_kind(site),
                                      pa_site_layer(site), pa_site_suffix(site, ""), &other, err);
    }
    if (status == PA_OK) {
        status = pa_matrix_scale(other, -1.0, &negative, err);
    }
    if (status == PA_OK) {
        status = pa_matrix_sum(matrix, negative, &delta, err);
    }
    if (status == PA_OK) {
        status = pa_site_emit(site, "delta", -1, delta, err);
    }
    pa_matrix_destroy(delta);
    pa_matrix_destroy(negative);
    pa_matrix_destroy(other);
    pa_matrix_destroy(matrix);
    return status;
}
/** @} */

/** Metrics `inner` (symmetric), `ordered` (not), `trail` (followed and pooled); components `counted`, `pairs`, `delta`. */
static inline pa_status kit_register(pa_context *ctx, atomic_int *builds, pa_error *err)
{
    static const pa_role_spec role = {.name = "", .fallback = "swiglu.w_2"};
    static const pa_metric_ops metrics[] = {
        {.struct_size = sizeof(pa_metric_ops),
         .name = "inner",
         .n_inputs = 2,
         .flags = PA_METRIC_SYMMETRIC,
         .compute = kit_inner},
        {.struct_size = sizeof(pa_metric_ops), .name = "ordered", .n_inputs = 2, .compute = kit_ordered},
        {.struct_size = sizeof(pa_metric_ops), .name = "pooled", .n_inputs = 2, .compute = kit_inner, .pool = kit_pool},
        {.struct_size = sizeof(pa_metric_ops),
         .name = "trail",
         .n_inputs = 1,
         .compute = kit_square,
         .follow = kit_follow,
         .pool = kit_pool}};
    static const pa_component_ops components[] = {{.struct_size = sizeof(pa_component_ops),
                                                   .name = "counted",
                                                   .roles = &role,
                                                   .n_roles = 1,
                                                   .build = kit_counted},
                                                  {.struct_size = sizeof(pa_component_ops),
                                                   .name = "pairs",
                                                   .roles = &role,
                                                   .n_roles = 1,
                                                   .build = kit_pairs,
                                                   .flags = PA_COMPONENT_PAIRS,
                                                   .kinds = 1 << PA_WEIGHTS},
                                                  {.struct_size = sizeof(pa_component_ops),
                                                   .name = "delta",
                                                   .roles = &role,
                                                   .n_roles = 1,
                                                   .build = kit_delta,
                                                   .flags = PA_COMPONENT_REFERENCE}};
    pa_status status = PA_OK;
    for (int i = 0; status == PA_OK && i < 4; i++) {
        status = pa_metric_register(ctx, &metrics[i], NULL, err);
    }
    for (int i = 0; status == PA_OK && i < 3; i++) {
        status = pa_component_register(ctx, &components[i], builds, err);
    }
    return status;
}

/** A context with the kit. */
static inline void kit_start(tiny *t, int32_t threads, atomic_int *builds)
{
    pa_error err;
    assert_ok(tiny_start(t, NULL, threads));
    assert_ok(kit_register(t->ctx, builds, &err));
}

/** Components as an entry of `metrics` has them. */
#define KIT_COUNTED "components: [{component_name: counted, data_type: weights}]}\n"
#define KIT_PAIRS "components: [{component_name: pairs}]}\n"
#define KIT_DELTA(reference) "components: [{component_name: delta, data_type: weights, reference: " reference "}]}\n"

static inline kit_place kit_at(int64_t step, int split, int64_t layer)
{
    return (kit_place){step, split, layer};
}

/** The row of a whole, or fails. */
static inline pa_result_row kit_row(const tiny *t, int64_t step, const char *key)
{
    for (int64_t i = 0; i < pa_results_count(t->results); i++) {
        const pa_result_row row = tiny_row(t, i);
        if (row.step == step && strcmp(row.key, key) == 0) {
            return row;
        }
    }
    fail_msg("there is no row of %s at step %d", key, (int)step);
    return (pa_result_row){.step = -1};
}
#endif
