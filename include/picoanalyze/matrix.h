/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/matrix.h
 * @brief Matrices as expressions that remember what has been derived from them.
 *
 * A matrix is a leaf (an array or a tensor of a checkpoint) or an expression over other matrices: a product, a sum,
 * a concatenation ... Making one does no arithmetic and copies nothing. A query does the work, by the cheapest exact
 * route that the structure allows, and keeps the answer: asked again, it costs nothing. All arithmetic is in double.
 *
 * Ownership: matrices are counted. Each constructor returns a reference that is yours; an expression holds its own
 * references to its operands, so operands may be destroyed right after. Pointers that a query returns are borrowed
 * and live as long as the matrix asked.
 *
 * Errors common to all queries: ::PA_ERR_NOMEM; ::PA_ERR_IO and ::PA_ERR_FORMAT when a tensor must be read from its
 * file first; ::PA_ERR_NONFINITE where the query needs finite elements; ::PA_ERR_NOCONV from a factorization.
 *
 * Threads: a matrix never changes; any thread may query, retain and destroy it, several at once.
 */
#ifndef PICOANALYZE_MATRIX_H
#define PICOANALYZE_MATRIX_H
#include <picoanalyze/context.h>

PA_BEGIN_DECLS

/** Opaque, immutable, counted. */
typedef struct pa_matrix pa_matrix;

/** @name Leaves
 * @{ */

/**
 * @brief A matrix of an array, which is copied.
 * @param[in]  ctx    Context; outlives the matrix.
 * @param[in]  data   rows x cols elements of `dtype`, row after row; may be NULL when there are none.
 * @param[in]  dtype  Element type of `data`.
 * @param[in]  rows   Number of rows (samples), >= 0.
 * @param[in]  cols   Number of columns (features), >= 0.
 * @param[out] out    The matrix; yours.
 * @param[out] err    Error text, or NULL.
 * @retval PA_OK          Made.
 * @retval PA_ERR_INVALID NULL `data`, unknown `dtype` or a negative size.
 * @retval PA_ERR_LIMIT   rows x cols elements do not fit into memory that could exist.
 * @retval PA_ERR_NOMEM   Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_matrix_from_memory(pa_context *ctx, const void *data, pa_dtype dtype, int64_t rows,
                                                    int64_t cols, pa_matrix **out, pa_error *err);

/**
 * @brief A matrix of an array that stays the caller's and must not change or end before the matrix does.
 * @param[in]  ctx         Context; outlives the matrix.
 * @param[in]  data        Element (0, 0); borrowed until the last reference to the matrix is gone.
 * @param[in]  dtype       Element type of `data`.
 * @param[in]  rows        Number of rows, >= 0.
 * @param[in]  cols        Number of columns, >= 0.
 * @param[in]  row_stride  Distance from one row to the next, in elements (not bytes), >= 0.
 * @param[in]  col_stride  Distance from one column to the next, in elements, >= 0.
 * @param[out] out         The matrix; yours.
 * @param[out] err         Error text, or NULL.
 * @retval PA_OK          Made.
 * @retval PA_ERR_INVALID As for pa_matrix_from_memory(), or a negative stride.
 * @retval PA_ERR_LIMIT   As for pa_matrix_from_memory().
 * @retval PA_ERR_NOMEM   Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_matrix_borrow(pa_context *ctx, const void *data, pa_dtype dtype, int64_t rows,
                                               int64_t cols, int64_t row_stride, int64_t col_stride, pa_matrix **out,
                                               pa_error *err);
/** @} */

/** @name Expressions
 * None computes anything. All may fail with ::PA_ERR_NOMEM, and with ::PA_ERR_INVALID for a NULL operand or operands
 * of different contexts.
 * @{ */

/**
 * @brief Rows `row` ... `row + rows - 1` and columns `col` ... `col + cols - 1` of a matrix.
 * @param[in]  m     Operand.
 * @param[in]  row   First row, >= 0.
 * @param[in]  rows  Number of rows, >= 0.
 * @param[in]  col   First column, >= 0.
 * @param[in]  cols  Number of columns, >= 0.
 * @param[out] out   The slice; yours.
 * @param[out] err   Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_SHAPE when the range leaves the matrix.
 */
PA_API PA_NODISCARD pa_status pa_matrix_slice(const pa_matrix *m, int64_t row, int64_t rows, int64_t col, int64_t cols,
                                              pa_matrix **out, pa_error *err);

/**
 * @brief The transpose.
 * @param[in]  m    Operand.
 * @param[out] out  The transpose; yours.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all expressions.
 */
PA_API PA_NODISCARD pa_status pa_matrix_transpose(const pa_matrix *m, pa_matrix **out, pa_error *err);

/**
 * @brief The product A B.
 * @param[in]  a    [n, k].
 * @param[in]  b    [k, p].
 * @param[out] out  [n, p]; yours.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_SHAPE when the inner sizes differ.
 */
PA_API PA_NODISCARD pa_status pa_matrix_product(const pa_matrix *a, const pa_matrix *b, pa_matrix **out, pa_error *err);

/**
 * @brief The sum A + B.
 * @param[in]  a    [n, p].
 * @param[in]  b    [n, p].
 * @param[out] out  [n, p]; yours.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_SHAPE when the shapes differ.
 */
PA_API PA_NODISCARD pa_status pa_matrix_sum(const pa_matrix *a, const pa_matrix *b, pa_matrix **out, pa_error *err);

/**
 * @brief A matrix times a number.
 * @param[in]  m       Operand.
 * @param[in]  factor  Finite.
 * @param[out] out     The scaled matrix; yours.
 * @param[out] err     Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_INVALID when `factor` is not finite.
 */
PA_API PA_NODISCARD pa_status pa_matrix_scale(const pa_matrix *m, double factor, pa_matrix **out, pa_error *err);

/**
 * @brief Matrices side by side: [A B C ...].
 * @param[in]  parts    `n_parts` matrices with equally many rows.
 * @param[in]  n_parts  At least 1.
 * @param[out] out      The concatenation; yours.
 * @param[out] err      Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_SHAPE when the numbers of rows differ.
 */
PA_API PA_NODISCARD pa_status pa_matrix_concat_columns(const pa_matrix *const *parts, int64_t n_parts, pa_matrix **out,
                                                       pa_error *err);

/**
 * @brief Matrices one above the other.
 * @param[in]  parts    `n_parts` matrices with equally many columns.
 * @param[in]  n_parts  At least 1.
 * @param[out] out      The concatenation; yours.
 * @param[out] err      Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_SHAPE when the numbers of columns differ.
 */
PA_API PA_NODISCARD pa_status pa_matrix_concat_rows(const pa_matrix *const *parts, int64_t n_parts, pa_matrix **out,
                                                    pa_error *err);

/**
 * @brief Another reference to the same matrix; end it with pa_matrix_destroy().
 * @param[in] m  May be NULL.
 * @return `m`.
 */
PA_API pa_matrix *pa_matrix_retain(const pa_matrix *m);

/**
 * @brief Give up one reference; the last one frees the matrix and all that was derived from it.
 * @param[in] m  May be NULL.
 */
PA_API void pa_matrix_destroy(pa_matrix *m);
/** @} */

/** @name Queries
 * @{ */

/**
 * @brief Number of rows.
 * @param[in] m  Matrix.
 * @return At least 0.
 */
PA_API int64_t pa_matrix_rows(const pa_matrix *m);

/**
 * @brief Number of columns.
 * @param[in] m  Matrix.
 * @return At least 0.
 */
PA_API int64_t pa_matrix_cols(const pa_matrix *m);

/**
 * @brief Storage type: the coarsest among the tensors that the matrix is made of.
 * @param[in] m  Matrix.
 * @return A ::pa_dtype.
 */
PA_API pa_dtype pa_matrix_dtype(const pa_matrix *m);

/**
 * @brief How many elements of the underlying arrays are NaN or infinite.
 * @param[in]  m    Matrix.
 * @param[out] out  The count; 0 means that every other query may be asked.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_nonfinite(const pa_matrix *m, int64_t *out, pa_error *err);

/**
 * @brief All elements, row after row. Dense: prefer a query that keeps the structure.
 * @param[in]  m    Matrix.
 * @param[out] out  rows x cols doubles; borrowed.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries. Elements may be NaN or infinite.
 */
PA_API PA_NODISCARD pa_status pa_matrix_values(const pa_matrix *m, const double **out, pa_error *err);

/** Sums and extremes over all elements, of one pass. Zero for a matrix without elements. */
typedef struct pa_entry_stats {
    double sum_abs;     /**< Sum of magnitudes (entrywise L1 norm). */
    double max_abs;     /**< Largest magnitude. */
    double max_row_sum; /**< Largest sum of magnitudes of one row (operator infinity norm). */
    double max_col_sum; /**< Largest sum of magnitudes of one column (operator 1-norm). */
} pa_entry_stats;

/**
 * @brief Sums and extremes over all elements.
 * @param[in]  m    Matrix.
 * @param[out] out  Filled in.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_entry_stats(const pa_matrix *m, pa_entry_stats *out, pa_error *err);

/**
 * @brief Sum of magnitudes of all elements (entrywise L1 norm), where that is all that is asked: many numbers in single
 *        precision are read once, for this and for the Frobenius norm.
 * @param[in]  m    Matrix.
 * @param[out] out  At least 0.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_sum_abs(const pa_matrix *m, double *out, pa_error *err);

/**
 * @brief Sum of magnitudes of each row.
 * @param[in]  m    Matrix.
 * @param[out] out  `rows` doubles; borrowed.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_row_abs_sums(const pa_matrix *m, const double **out, pa_error *err);

/**
 * @brief Magnitudes of all elements in ascending order.
 * @param[in]  m    Matrix.
 * @param[out] out  rows x cols doubles; borrowed.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_sorted_magnitudes(const pa_matrix *m, const double **out, pa_error *err);

/** Magnitudes of all elements in ascending groups: what sorting tells, at a fraction of its cost. */
typedef struct pa_magnitude_groups {
    const int64_t *counts; /**< Elements in each group. */
    const double *means;   /**< Mean magnitude of each group. */
    int64_t n_groups;      /**< Number of groups; every magnitude of one is at most those of the next. */
    double width;          /**< Largest relative difference of two magnitudes in a group; 0: all are equal, exactly. */
} pa_magnitude_groups;

/**
 * @brief Magnitudes of all elements in ascending groups.
 *
 * Exact for matrices stored in doubles, for small ones, and wherever groups would be too coarse to tell the Gini
 * coefficient to 1e-7; otherwise the groups have a relative width of 2^-11.
 * @param[in]  m    Matrix.
 * @param[out] out  Filled in; its arrays are borrowed.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_magnitude_groups(const pa_matrix *m, pa_magnitude_groups *out, pa_error *err);

/**
 * @brief Frobenius norm: the root of the sum of squared elements.
 * @param[in]  m    Matrix.
 * @param[out] out  The norm; neither overflows nor underflows before the norm itself does.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_frobenius(const pa_matrix *m, double *out, pa_error *err);

/**
 * @brief Inner product of two matrices: the sum of products of corresponding elements.
 * @param[in]  a    [n, p].
 * @param[in]  b    [n, p].
 * @param[out] out  The inner product.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK, ::PA_ERR_SHAPE when the shapes differ, or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_inner(const pa_matrix *a, const pa_matrix *b, double *out, pa_error *err);

/**
 * @brief Inner product of two row Grams, <A A^T, B B^T> = ||A^T B||_F^2, without forming n x n or p x q matrices
 *        that the structure does not need.
 * @param[in]  a    [n, p].
 * @param[in]  b    [n, q].
 * @param[out] out  The inner product.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK, ::PA_ERR_SHAPE when the numbers of rows differ, or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_gram_inner(const pa_matrix *a, const pa_matrix *b, double *out, pa_error *err);

/**
 * @brief Squared Euclidean norm of each row.
 * @param[in]  m    Matrix.
 * @param[out] out  `rows` doubles; borrowed.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_row_norms_squared(const pa_matrix *m, const double **out, pa_error *err);

/**
 * @brief Singular values in descending order.
 * @param[in]  m    Matrix [n, p].
 * @param[out] out  min(n, p) doubles, those beyond the structural rank exactly 0; borrowed.
 * @param[out] k    min(n, p).
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_singular_values(const pa_matrix *m, const double **out, int64_t *k,
                                                        pa_error *err);

/**
 * @brief Numerical rank: singular values above max(n, p) * eps * sigma_1, eps that of binary64 when the matrix is
 *        stored so and that of binary32 for every narrower type.
 * @param[in]  m    Matrix [n, p].
 * @param[out] out  The rank; 0 for a zero matrix.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_rank(const pa_matrix *m, int64_t *out, pa_error *err);

/**
 * @brief Number of singular values above the rounding noise of the storage type,
 *        u ||A||_F (sqrt(n) + sqrt(p)) / sqrt(n p) with u = 2^-9 for bf16, 2^-12 for f16, 2^-25 for f32, 2^-54 for f64.
 * @param[in]  m    Matrix [n, p].
 * @param[out] out  The count; 0 for a zero matrix.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_rank_storage(const pa_matrix *m, int64_t *out, pa_error *err);

/**
 * @brief Left singular vectors, as columns of another matrix, in the order of the singular values.
 * @param[in]  m    Matrix [n, p].
 * @param[out] out  [n, k], k at most min(n, p) and at least the rank; borrowed.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_left_vectors(const pa_matrix *m, const pa_matrix **out, pa_error *err);

/**
 * @brief Eigenvalues of a square matrix in descending order of magnitude; of a complex pair the one with the positive
 *        imaginary part first.
 *
 * Those of a product A B with few inner columns are had from B A: an OV circuit is never formed.
 * @param[in]  m     Matrix [n, n].
 * @param[out] real  Real parts; borrowed.
 * @param[out] imag  Imaginary parts; borrowed.
 * @param[out] k     How many there are, at most n: the inner columns of a product. The other n - k are 0.
 * @param[out] err   Error text, or NULL.
 * @return ::PA_OK, ::PA_ERR_SHAPE when the matrix is not square, or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_eigenvalues(const pa_matrix *m, const double **real, const double **imag,
                                                    int64_t *k, pa_error *err);

/**
 * @brief Mean of each column.
 * @param[in]  m    Matrix [n, p].
 * @param[out] out  `p` doubles, zero when there are no rows; borrowed.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_column_means(const pa_matrix *m, const double **out, pa_error *err);

/**
 * @brief The matrix with each column's mean subtracted.
 *
 * One such companion belongs to each matrix, so metrics that centre share all that is derived from it.
 * @param[in]  m    Matrix.
 * @param[out] out  Centred matrix; borrowed.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_centered(const pa_matrix *m, const pa_matrix **out, pa_error *err);

/**
 * @brief The matrix with each column's mean subtracted, divided by its Frobenius norm.
 *
 * One such companion belongs to each matrix. A matrix whose columns are constant up to rounding has none.
 * @param[in]  m    Matrix.
 * @param[out] out  Centred matrix of Frobenius norm 1, borrowed; or NULL when every column is constant.
 * @param[out] err  Error text, or NULL.
 * @return ::PA_OK (also when there is none) or an error common to all queries.
 */
PA_API PA_NODISCARD pa_status pa_matrix_standardized(const pa_matrix *m, const pa_matrix **out, pa_error *err);
/** @} */

PA_END_DECLS
#endif
