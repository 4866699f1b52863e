/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/matrix_impl.h"

typedef struct query_info {
    pa_status (*compute)(const pa_matrix *m, pa_memo *memo, pa_error *err);
    int32_t needs_finite;
} query_info;

static const query_info queries[PA_N_QUERIES] = {
    [PA_QUERY_NONFINITE] = {pa_compute_nonfinite, 0},
    [PA_QUERY_DENSE] = {pa_compute_dense, 0},
    [PA_QUERY_COLUMNS] = {pa_compute_columns, 0},
    [PA_QUERY_DISTRIBUTION] = {pa_compute_distribution, 0},
    [PA_QUERY_EIGENVALUES] = {pa_compute_eigenvalues, 1},
    [PA_QUERY_NARROW] = {pa_compute_narrow, 1},
    [PA_QUERY_ENTRIES] = {pa_compute_entries, 1},
    [PA_QUERY_SUM_ABS] = {pa_compute_sum_abs, 1},
    [PA_QUERY_SORTED] = {pa_compute_sorted, 1},
    [PA_QUERY_COUNTED] = {pa_compute_counted, 1},
    [PA_QUERY_GROUPS] = {pa_compute_groups, 1},
    [PA_QUERY_FROBENIUS] = {pa_compute_frobenius, 1},
    [PA_QUERY_GRAM_NORM] = {pa_compute_gram_norm, 1},
    [PA_QUERY_ROW_NORMS] = {pa_compute_row_norms, 1},
    [PA_QUERY_SINGULAR_VALUES] = {pa_compute_singular_values, 1},
    [PA_QUERY_LEFT_VECTORS] = {pa_compute_left_vectors, 1},
    [PA_QUERY_COLUMN_MEANS] = {pa_compute_column_means, 1},
    [PA_QUERY_CENTERED] = {pa_compute_centered, 0},
    [PA_QUERY_STANDARDIZED] = {pa_compute_standardized, 1},
};

pa_status pa_memo_create(const pa_allocator *mem, pa_memo **out, pa_error *err)
{
    *out = pa_alloc(mem, 1, sizeof(**out));
    if (*out == NULL) {
        return pa_fail_nomem(err, "a matrix");
    }
    atomic_init(&(*out)->references, 1);
    for (int q = 0; q < PA_N_QUERIES; q++) {
        pthread_mutex_init(&(*out)->slots[q].lock, NULL);
        atomic_init(&(*out)->slots[q].ready, 0);
    }
    return PA_OK;
}

static void free_groups(const pa_allocator *mem, const pa_groups *groups)
{
    pa_free(mem, groups->counts);
    pa_free(mem, groups->means);
}

void pa_memo_free(const pa_allocator *mem, pa_memo *memo)
{
    pa_companion_free(memo->standardized);
    pa_companion_free(memo->centered);
    pa_companion_free(memo->left);
    pa_free(mem, memo->dense);
    pa_free(mem, memo->narrow_values);
    pa_free(mem, memo->row_abs_sums);
    pa_free(mem, memo->sorted);
    free_groups(mem, &memo->distinct);
    free_groups(mem, &memo->counted);
    pa_free(mem, memo->row_norms);
    pa_free(mem, memo->sigma);
    pa_free(mem, memo->eigenvalues);
    pa_free(mem, memo->distribution);
    pa_free(mem, memo->columns.counts);
    pa_free(mem, memo->columns.numbers);
    pa_free(mem, memo->means);
    for (int q = 0; q < PA_N_QUERIES; q++) {
        pthread_mutex_destroy(&memo->slots[q].lock);
    }
    pa_free(mem, memo);
}

static pa_status require_finite(const pa_matrix *m, pa_error *err)
{
    pa_status status = pa_matrix_ask(m, PA_QUERY_NONFINITE, err);
    if (status == PA_OK && m->memo->nonfinite > 0) {
        status =
            pa_fail(err, PA_ERR_NONFINITE, "%lld of the elements are NaN or infinite", (long long)m->memo->nonfinite);
    }
    return status;
}

/* A slot's lock is held while its answer is computed, and computing may ask further queries, of this matrix and of its
 * operands. No query leads back to itself, so no two threads can wait for each other. */
pa_status pa_matrix_ask(const pa_matrix *m, pa_query query, pa_error *err)
{
    pa_slot *slot = &m->memo->slots[query];
    atomic_fetch_add_explicit(&m->ctx->queries, 1, memory_order_relaxed);
    if (atomic_load_explicit(&slot->ready, memory_order_acquire)) {
        return PA_OK;
    }
    pa_status status = queries[query].needs_finite ? require_finite(m, err) : PA_OK;
    if (status == PA_OK) {
        pthread_mutex_lock(&slot->lock);
        if (!atomic_load_explicit(&slot->ready, memory_order_relaxed)) {
            atomic_fetch_add_explicit(&m->ctx->computed, 1, memory_order_relaxed);
            status = queries[query].compute(m, m->memo, err);
            if (status == PA_OK) {
                atomic_store_explicit(&slot->ready, 1, memory_order_release);
            }
        }
        pthread_mutex_unlock(&slot->lock);
    }
    return status;
}
