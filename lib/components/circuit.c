/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Reading the factors of OV and QK circuits, and multiplying them head by head. */
#include "components/circuit.h"

/* What a tensor is called in errors, and where it belongs. */
typedef struct tensor_spec {
    const char *role;
    const char *name;
    pa_kind kind;
} tensor_spec;

static const char *owner_of(const pa_site *site)
{
    return pa_component_ops_of(site->component)->name;
}

static pa_status check_shape(const pa_site *site, const pa_matrix *m, const char *name, int64_t rows, int64_t cols,
                             pa_error *err)
{
    if (m != NULL && ((rows >= 0 && pa_matrix_rows(m) != rows) || (cols >= 0 && pa_matrix_cols(m) != cols))) {
        return pa_fail(err, PA_ERR_SHAPE, "%s: %s is [%lld, %lld], expected [%lld, %lld]", owner_of(site), name,
                       (long long)pa_matrix_rows(m), (long long)pa_matrix_cols(m),
                       (long long)(rows >= 0 ? rows : pa_matrix_rows(m)),
                       (long long)(cols >= 0 ? cols : pa_matrix_cols(m)));
    }
    return PA_OK;
}

pa_status pa_circuit_heads(const pa_site *site, int64_t *n_heads, int64_t *n_kv_heads, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_model *model = pa_site_model(site);
    const int64_t n_kv = model->n_kv_heads > 0 ? model->n_kv_heads : model->n_heads;
    PA_REQUIRE(model->n_heads > 0 && n_kv <= model->n_heads, err, PA_ERR_SHAPE,
               "%s: the model has %lld heads and %lld key/value heads", owner_of(site), (long long)model->n_heads,
               (long long)n_kv);
    *n_heads = model->n_heads;
    *n_kv_heads = n_kv;

cleanup:
    return status;
}

/* `inner` rows or columns belong to the heads, equally many to each. */
static pa_status set_sizes(const pa_site *site, int64_t inner, const char *sides, pa_circuit *c, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_circuit_heads(site, &c->n_heads, &c->n_kv_heads, err));
    PA_REQUIRE(inner % c->n_heads == 0, err, PA_ERR_SHAPE, "%s: %lld %s do not divide into %lld heads", owner_of(site),
               (long long)inner, sides, (long long)c->n_heads);
    c->head_dim = inner / c->n_heads;

cleanup:
    return status;
}

static pa_status check_ov(const pa_site *site, pa_circuit *c, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t inner = pa_matrix_cols(c->left);
    const int64_t d = pa_matrix_rows(c->left);
    PA_TRY(set_sizes(site, inner, "columns", c, err));
    const int64_t kv = c->n_kv_heads * c->head_dim;
    PA_TRY(check_shape(site, c->right, "the value projection", kv, d, err));
    PA_TRY(check_shape(site, c->d_right, "the value gradient", kv, d, err));
    PA_TRY(check_shape(site, c->d_left, "the output gradient", d, inner, err));
    PA_TRY(check_shape(site, c->activations, "the value activations", -1, kv, err));

cleanup:
    return status;
}

pa_status pa_circuit_read_ov(const pa_site *site, int64_t layer, pa_kind kind, pa_circuit *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_site_tensor_at(site, layer, "output_layer", PA_WEIGHTS, &out->left, err));
    if (kind == PA_ACTIVATIONS) {
        PA_TRY(pa_site_tensor_at(site, layer, "value_layer", PA_ACTIVATIONS, &out->activations, err));
    } else {
        PA_TRY(pa_site_tensor_at(site, layer, "value_layer", PA_WEIGHTS, &out->right, err));
    }
    if (kind == PA_GRADIENTS) {
        PA_TRY(pa_site_tensor_at(site, layer, "value_layer", PA_GRADIENTS, &out->d_right, err));
        PA_TRY(pa_site_tensor_at(site, layer, "output_layer", PA_GRADIENTS, &out->d_left, err));
    }
    PA_TRY(check_ov(site, out, err));

cleanup:
    return status;
}

/* The transpose takes the place of the matrix. */
static pa_status turn_over(pa_matrix **m, pa_error *err)
{
    pa_matrix *transposed = NULL;
    const pa_status status = *m != NULL ? pa_matrix_transpose(*m, &transposed, err) : PA_OK;
    if (status == PA_OK) {
        pa_matrix_destroy(*m);
        *m = transposed;
    }
    return status;
}

pa_status pa_circuit_read_qk(const pa_site *site, int64_t layer, pa_kind kind, pa_circuit *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(kind == PA_WEIGHTS || kind == PA_GRADIENTS, err, PA_ERR_CONFIG,
               "%s: a QK circuit is made of weights or gradients, not of %s", owner_of(site), pa_kind_name(kind));
    PA_TRY(pa_site_tensor_at(site, layer, "query_layer", PA_WEIGHTS, &out->left, err));
    PA_TRY(pa_site_tensor_at(site, layer, "key_layer", PA_WEIGHTS, &out->right, err));
    if (kind == PA_GRADIENTS) {
        PA_TRY(pa_site_tensor_at(site, layer, "query_layer", PA_GRADIENTS, &out->d_left, err));
        PA_TRY(pa_site_tensor_at(site, layer, "key_layer", PA_GRADIENTS, &out->d_right, err));
    }
    const int64_t inner = pa_matrix_rows(out->left);
    const int64_t d = pa_matrix_cols(out->left);
    PA_TRY(set_sizes(site, inner, "rows", out, err));
    const int64_t kv = out->n_kv_heads * out->head_dim;
    PA_TRY(check_shape(site, out->right, "the key projection", kv, d, err));
    PA_TRY(check_shape(site, out->d_right, "the key gradient", kv, d, err));
    PA_TRY(check_shape(site, out->d_left, "the query gradient", inner, d, err));
    PA_TRY(turn_over(&out->left, err));
    PA_TRY(turn_over(&out->d_left, err));

cleanup:
    return status;
}

void pa_circuit_free(pa_circuit *c)
{
    pa_matrix_destroy(c->left);
    pa_matrix_destroy(c->right);
    pa_matrix_destroy(c->d_left);
    pa_matrix_destroy(c->d_right);
    pa_matrix_destroy(c->activations);
    pa_matrix_destroy(c->turn);
    const pa_circuit none = {0};
    *c = none;
}

static pa_status head_cols(const pa_circuit *c, const pa_matrix *m, int64_t index, pa_matrix **out, pa_error *err)
{
    return pa_matrix_slice(m, 0, pa_matrix_rows(m), index * c->head_dim, c->head_dim, out, err);
}

/* The head's rows, turned where positions turn them. */
static pa_status head_rows(const pa_circuit *c, const pa_matrix *m, int64_t index, pa_matrix **out, pa_error *err)
{
    pa_matrix *rows = NULL;
    pa_status status = pa_matrix_slice(m, index * c->head_dim, c->head_dim, 0, pa_matrix_cols(m), &rows, err);
    if (status == PA_OK && c->turn != NULL) {
        status = pa_matrix_product(c->turn, rows, out, err);
    } else {
        *out = rows;
        rows = NULL;
    }
    pa_matrix_destroy(rows);
    return status;
}

/* What the heads of one key/value group share: made once, so that what is derived from it is, too. */
typedef struct group {
    pa_matrix *right;
    pa_matrix *changes; /* [dR; R] */
    pa_matrix *activations;
} group;

static pa_status stack_changes(const pa_circuit *c, int64_t kv_head, group *g, pa_error *err)
{
    pa_matrix *d_right = NULL;
    pa_status status = head_rows(c, c->d_right, kv_head, &d_right, err);
    if (status == PA_OK) {
        status = pa_matrix_concat_rows((const pa_matrix *[]){d_right, g->right}, 2, &g->changes, err);
    }
    pa_matrix_destroy(d_right);
    return status;
}

static pa_status make_group(const pa_circuit *c, int64_t kv_head, group *out, pa_error *err)
{
    pa_status status = PA_OK;
    if (c->right != NULL) {
        PA_TRY(head_rows(c, c->right, kv_head, &out->right, err));
    }
    if (c->d_right != NULL) {
        PA_TRY(stack_changes(c, kv_head, out, err));
    }
    if (c->activations != NULL) {
        PA_TRY(head_cols(c, c->activations, kv_head, &out->activations, err));
    }

cleanup:
    return status;
}

static void free_group(group *g)
{
    pa_matrix_destroy(g->right);
    pa_matrix_destroy(g->changes);
    pa_matrix_destroy(g->activations);
    const group none = {0};
    *g = none;
}

static pa_status of_gradients(const pa_circuit *c, const group *g, const pa_matrix *left, int64_t head, pa_matrix **out,
                              pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *d_left = NULL;
    pa_matrix *both = NULL;
    PA_TRY(head_cols(c, c->d_left, head, &d_left, err));
    PA_TRY(pa_matrix_concat_columns((const pa_matrix *[]){left, d_left}, 2, &both, err));
    PA_TRY(pa_matrix_product(both, g->changes, out, err));

cleanup:
    pa_matrix_destroy(both);
    pa_matrix_destroy(d_left);
    return status;
}

static pa_status of_activations(const group *g, const pa_matrix *left, pa_matrix **out, pa_error *err)
{
    pa_matrix *transposed = NULL;
    pa_status status = pa_matrix_transpose(left, &transposed, err);
    if (status == PA_OK) {
        status = pa_matrix_product(g->activations, transposed, out, err);
    }
    pa_matrix_destroy(transposed);
    return status;
}

static pa_status make_one(const pa_circuit *c, pa_kind kind, pa_circuit_order order, const group *g, int64_t head,
                          pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *left = NULL;
    PA_TRY(head_cols(c, c->left, head, &left, err));
    if (kind == PA_ACTIVATIONS) {
        PA_TRY(of_activations(g, left, out, err));
    } else if (kind == PA_GRADIENTS) {
        PA_TRY(of_gradients(c, g, left, head, out, err));
    } else if (order == PA_CIRCUIT_RIGHT_LEFT) {
        PA_TRY(pa_matrix_product(g->right, left, out, err));
    } else {
        PA_TRY(pa_matrix_product(left, g->right, out, err));
    }

cleanup:
    pa_matrix_destroy(left);
    return status;
}

pa_status pa_circuit_make(const pa_circuit *c, pa_kind kind, pa_circuit_order order, const unsigned char *wanted,
                          pa_matrix **heads, pa_error *err)
{
    pa_status status = PA_OK;
    group g = {0};
    int64_t current = -1;
    for (int64_t head = 0; head < c->n_heads; head++) {
        const int64_t kv_head = head * c->n_kv_heads / c->n_heads;
        if (wanted != NULL && !wanted[head]) {
            continue;
        }
        if (kv_head != current) {
            free_group(&g);
            PA_TRY(make_group(c, kv_head, &g, err));
            current = kv_head;
        }
        PA_TRY(make_one(c, kind, order, &g, head, &heads[head], err));
    }

cleanup:
    free_group(&g);
    return status;
}
