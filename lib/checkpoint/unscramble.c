/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With several processes, pico-train gathers the activations of a micro-batch, [processes, batch, features], and brings
 * them into order by transpose(0, 1) and reshape(-1, features). With one process there is no first dimension: the same
 * two calls turn a batch A of B samples and D features over and cut it into rows of D elements, wherever samples end.
 * A(b, j) is then element j B + b of its block of B D elements. That is a stride, so no element has to be moved.
 */
#include "checkpoint/unscramble.h"

#include "base/dtype.h"

pa_status pa_unscramble(pa_context *ctx, const char *name, const pa_tensor *stored, int64_t batch, pa_matrix **out,
                        pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    PA_REQUIRE(stored->ndim == 2, err, PA_ERR_SHAPE, "unscramble: '%s' has %d dimensions, not samples and features",
               name, (int)stored->ndim);
    PA_REQUIRE(pa_tensor_is_packed(stored), err, PA_ERR_UNSUPPORTED,
               "unscramble: the rows of '%s' are not stored one after the other", name);
    const int64_t rows = stored->shape[0];
    const int64_t cols = stored->shape[1];
    const int64_t behind = stored->storage->bytes / pa_dtype_size(stored->dtype) - stored->offset - rows * cols;
    /* Whether samples were cut off afterwards, or others follow, the file does not say; it matters to the last batch. */
    PA_REQUIRE(rows % batch == 0 || behind == 0, err, PA_ERR_UNSUPPORTED,
               "unscramble: '%s' has %lld rows of a longer storage: how many of %lld samples its last batch had is not "
               "known",
               name, (long long)rows, (long long)batch);
    const int64_t size = batch < rows ? batch : rows; /* of a full block; what follows is bounded by the storage */
    const int64_t n_full = size > 0 ? rows / size : 0;
    const int64_t rest = rows - n_full * size;
    const int64_t full_shape[] = {n_full, size, cols};
    const int64_t full_strides[] = {size * cols, 1, size};
    const int64_t rest_shape[] = {rest, cols};
    const int64_t rest_strides[] = {1, rest};
    pa_tensor blocks[2] = {*stored, *stored};
    blocks[0].ndim = 3;
    blocks[0].shape = full_shape;
    blocks[0].strides = full_strides;
    blocks[1].offset += n_full * size * cols;
    blocks[1].shape = rest_shape;
    blocks[1].strides = rest_strides;
    PA_TRY(pa_matrix_from_tensors(ctx, blocks, rest > 0 ? 2 : 1, out, err));

cleanup:
    return status;
}
