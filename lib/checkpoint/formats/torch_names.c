/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/formats/torch_names.h"

#include <string.h>

/* clang-format off */
static const pa_torch_name names[] = {
    {"torch", "FloatStorage", PA_TORCH_STORAGE, PA_F32},
    {"torch", "BFloat16Storage", PA_TORCH_STORAGE, PA_BF16},
    {"torch", "DoubleStorage", PA_TORCH_STORAGE, PA_F64},
    {"torch", "HalfStorage", PA_TORCH_STORAGE, PA_F16},
    {"torch", "LongStorage", PA_TORCH_STORAGE, PA_I64},
    {"torch", "IntStorage", PA_TORCH_STORAGE, PA_I32},
    {"torch", "ShortStorage", PA_TORCH_STORAGE, PA_I16},
    {"torch", "CharStorage", PA_TORCH_STORAGE, PA_I8},
    {"torch", "ByteStorage", PA_TORCH_STORAGE, PA_U8},
    {"torch", "BoolStorage", PA_TORCH_STORAGE, PA_BOOL},
    {"torch", "ComplexFloatStorage", PA_TORCH_STORAGE, 0},
    {"torch", "ComplexDoubleStorage", PA_TORCH_STORAGE, 0},
    {"torch", "QInt8Storage", PA_TORCH_STORAGE, 0},
    {"torch", "QUInt8Storage", PA_TORCH_STORAGE, 0},
    {"torch", "QInt32Storage", PA_TORCH_STORAGE, 0},
    {"torch", "QUInt4x2Storage", PA_TORCH_STORAGE, 0},
    {"torch", "QUInt2x4Storage", PA_TORCH_STORAGE, 0},
    {"torch.storage", "UntypedStorage", PA_TORCH_STORAGE, PA_U8},
    {"torch.storage", "_UntypedStorage", PA_TORCH_STORAGE, PA_U8},
    {"torch", "UntypedStorage", PA_TORCH_STORAGE, PA_U8},
    {"torch", "_UntypedStorage", PA_TORCH_STORAGE, PA_U8},

    {"torch", "float32", PA_TORCH_DTYPE, PA_F32},
    {"torch", "bfloat16", PA_TORCH_DTYPE, PA_BF16},
    {"torch", "float64", PA_TORCH_DTYPE, PA_F64},
    {"torch", "float16", PA_TORCH_DTYPE, PA_F16},
    {"torch", "int64", PA_TORCH_DTYPE, PA_I64},
    {"torch", "int32", PA_TORCH_DTYPE, PA_I32},
    {"torch", "int16", PA_TORCH_DTYPE, PA_I16},
    {"torch", "int8", PA_TORCH_DTYPE, PA_I8},
    {"torch", "uint8", PA_TORCH_DTYPE, PA_U8},
    {"torch", "uint16", PA_TORCH_DTYPE, PA_U16},
    {"torch", "uint32", PA_TORCH_DTYPE, PA_U32},
    {"torch", "uint64", PA_TORCH_DTYPE, PA_U64},
    {"torch", "bool", PA_TORCH_DTYPE, PA_BOOL},
    {"torch", "complex32", PA_TORCH_DTYPE, 0},
    {"torch", "complex64", PA_TORCH_DTYPE, 0},
    {"torch", "complex128", PA_TORCH_DTYPE, 0},
    {"torch", "float8_e5m2", PA_TORCH_DTYPE, PA_F8_E5M2},
    {"torch", "float8_e4m3fn", PA_TORCH_DTYPE, PA_F8_E4M3FN},
    {"torch", "float8_e5m2fnuz", PA_TORCH_DTYPE, PA_F8_E5M2FNUZ},
    {"torch", "float8_e4m3fnuz", PA_TORCH_DTYPE, PA_F8_E4M3FNUZ},
    {"torch", "float8_e8m0fnu", PA_TORCH_DTYPE, PA_F8_E8M0FNU},
    {"torch", "float4_e2m1fn_x2", PA_TORCH_DTYPE, 0},
    {"torch", "bits8", PA_TORCH_DTYPE, 0},
    {"torch", "bits16", PA_TORCH_DTYPE, 0},
    {"torch", "bits1x8", PA_TORCH_DTYPE, 0},
    {"torch", "bits2x4", PA_TORCH_DTYPE, 0},
    {"torch", "bits4x2", PA_TORCH_DTYPE, 0},
    {"torch", "qint8", PA_TORCH_DTYPE, 0},
    {"torch", "quint8", PA_TORCH_DTYPE, 0},
    {"torch", "qint32", PA_TORCH_DTYPE, 0},

    {"torch._utils", "_rebuild_tensor_v2", PA_TORCH_TENSOR, 0},
    {"torch._utils", "_rebuild_tensor", PA_TORCH_TENSOR, 0},
    {"torch._utils", "_rebuild_tensor_v3", PA_TORCH_TENSOR_OF_TYPE, 0},
    {"torch._utils", "_rebuild_parameter", PA_TORCH_PARAMETER, 0},
    {"torch._utils", "_rebuild_parameter_with_state", PA_TORCH_PARAMETER, 0},
    {"torch._tensor", "_rebuild_from_type_v2", PA_TORCH_FROM_TYPE, 0},
    {"collections", "OrderedDict", PA_TORCH_DICT, 0},
    {"collections", "Counter", PA_TORCH_DICT, 0},
    {"torch", "Size", PA_TORCH_SIZE, 0},

    {"torch._utils", "_rebuild_sparse_tensor", PA_TORCH_OTHER, 0},
    {"torch._utils", "_rebuild_sparse_csr_tensor", PA_TORCH_OTHER, 0},
    {"torch._utils", "_rebuild_qtensor", PA_TORCH_OTHER, 0},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", PA_TORCH_OTHER, 0},
    {"torch._utils", "_rebuild_wrapper_subclass", PA_TORCH_OTHER, 0},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", PA_TORCH_OTHER, 0},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", PA_TORCH_OTHER, 0},
    {"torch.serialization", "_get_layout", PA_TORCH_OTHER, 0},
    {"torch", "device", PA_TORCH_OTHER, 0},
    {"torch", "per_tensor_affine", PA_TORCH_OTHER, 0},
    {"torch", "per_channel_affine", PA_TORCH_OTHER, 0},
    {"torch", "Tensor", PA_TORCH_OTHER, 0},
    {"torch.nn.parameter", "Parameter", PA_TORCH_OTHER, 0},
    {"torch.nn.parameter", "Buffer", PA_TORCH_OTHER, 0},
    {"_codecs", "encode", PA_TORCH_OTHER, 0},
    {"__builtin__", "set", PA_TORCH_OTHER, 0},
    {"__builtin__", "frozenset", PA_TORCH_OTHER, 0},
    {"__builtin__", "bytearray", PA_TORCH_OTHER, 0},
    {"__builtin__", "complex", PA_TORCH_OTHER, 0},
    {"builtins", "set", PA_TORCH_OTHER, 0},
    {"builtins", "frozenset", PA_TORCH_OTHER, 0},
    {"builtins", "bytearray", PA_TORCH_OTHER, 0},
    {"builtins", "complex", PA_TORCH_OTHER, 0},
    {"numpy.core.multiarray", "scalar", PA_TORCH_OTHER, 0},
    {"numpy.core.multiarray", "_reconstruct", PA_TORCH_OTHER, 0},
    {"numpy._core.multiarray", "scalar", PA_TORCH_OTHER, 0},
    {"numpy._core.multiarray", "_reconstruct", PA_TORCH_OTHER, 0},
    {"numpy", "dtype", PA_TORCH_OTHER, 0},
    {"numpy", "ndarray", PA_TORCH_OTHER, 0},
};
/* clang-format on */

const pa_torch_name *pa_torch_find_name(const pa_pickle_node *module, const pa_pickle_node *name)
{
    const int cuda = pa_pickle_is(module, "torch.cuda"); /* storage classes of old files have twins there */
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const int same_module = cuda ? names[i].role == PA_TORCH_STORAGE && strcmp(names[i].module, "torch") == 0
                                     : pa_pickle_is(module, names[i].module);
        if (same_module && pa_pickle_is(name, names[i].name)) {
            return &names[i];
        }
    }
    return NULL;
}
