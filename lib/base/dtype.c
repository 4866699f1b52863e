/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dtype.h"

#include <math.h>
#include <string.h>

#include "base/float8.h"

typedef struct dtype_info {
    const char *name;
    int64_t size;
    double roundoff; /* half the spacing of 1.0; 0: exact */
} dtype_info;

static const dtype_info infos[] = {
    [PA_F32] = {"f32", 4, 0x1p-24},
    [PA_F64] = {"f64", 8, 0x1p-53},
    [PA_F16] = {"f16", 2, 0x1p-11},
    [PA_BF16] = {"bf16", 2, 0x1p-8},
    [PA_I8] = {"i8", 1, 0.0},
    [PA_I16] = {"i16", 2, 0.0},
    [PA_I32] = {"i32", 4, 0.0},
    [PA_I64] = {"i64", 8, 0.0},
    [PA_U8] = {"u8", 1, 0.0},
    [PA_U16] = {"u16", 2, 0.0},
    [PA_U32] = {"u32", 4, 0.0},
    [PA_U64] = {"u64", 8, 0.0},
    [PA_BOOL] = {"bool", 1, 0.0},
    [PA_F8_E4M3FN] = {"f8_e4m3fn", 1, 0x1p-4},
    [PA_F8_E5M2] = {"f8_e5m2", 1, 0x1p-3},
    [PA_F8_E4M3FNUZ] = {"f8_e4m3fnuz", 1, 0x1p-4},
    [PA_F8_E5M2FNUZ] = {"f8_e5m2fnuz", 1, 0x1p-3},
    [PA_F8_E8M0FNU] = {"f8_e8m0fnu", 1, 0x1p-1},
};

static const dtype_info *info_of(pa_dtype dtype)
{
    return dtype >= PA_F32 && dtype <= PA_F8_E8M0FNU ? &infos[dtype] : NULL;
}

const char *pa_dtype_name(pa_dtype dtype)
{
    const dtype_info *info = info_of(dtype);
    return info != NULL ? info->name : "?";
}

int64_t pa_dtype_size(pa_dtype dtype)
{
    const dtype_info *info = info_of(dtype);
    return info != NULL ? info->size : 0;
}

double pa_dtype_roundoff(pa_dtype dtype)
{
    const dtype_info *info = info_of(dtype);
    return info != NULL ? info->roundoff : 0.0;
}

double pa_dtype_rank_epsilon(pa_dtype dtype)
{
    return pa_dtype_roundoff(dtype) > 0x1p-53 ? 0x1p-23 : 0x1p-52;
}

pa_dtype pa_dtype_coarser(pa_dtype a, pa_dtype b)
{
    return pa_dtype_roundoff(b) > pa_dtype_roundoff(a) ? b : a;
}

static uint16_t load_u16(const unsigned char *p, int32_t swapped)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return swapped ? __builtin_bswap16(v) : v;
}

static uint32_t load_u32(const unsigned char *p, int32_t swapped)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return swapped ? __builtin_bswap32(v) : v;
}

static uint64_t load_u64(const unsigned char *p, int32_t swapped)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return swapped ? __builtin_bswap64(v) : v;
}

static double f32_from_bits(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof(v));
    return (double)v;
}

static double f64_from_bits(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static double f16_from_bits(uint16_t bits)
{
    const int exponent = (bits >> 10) & 0x1f;
    const int mantissa = bits & 0x3ff;
    double v;
    if (exponent == 0x1f) {
        v = mantissa != 0 ? (double)NAN : (double)INFINITY;
    } else if (exponent == 0) {
        v = mantissa * 0x1p-24;
    } else {
        v = ldexp(1.0 + mantissa * 0x1p-10, exponent - 15);
    }
    return bits & 0x8000 ? -v : v;
}

/* One loop a type, so that the compiler can vectorise the common strides. */
#define CONVERT(expression)                                                                                            \
    for (int64_t i = 0; i < count; i++, p += step) {                                                                   \
        dst[i] = (expression);                                                                                         \
    }                                                                                                                  \
    break

int64_t pa_dtype_to_f64(pa_dtype dtype, int32_t swapped, const void *src, int64_t stride, int64_t count, double *dst)
{
    const unsigned char *p = src;
    const int64_t step = stride * pa_dtype_size(dtype);
    switch (dtype) {
    case PA_F32:
        CONVERT(f32_from_bits(load_u32(p, swapped)));
    case PA_F64:
        CONVERT(f64_from_bits(load_u64(p, swapped)));
    case PA_F16:
        CONVERT(f16_from_bits(load_u16(p, swapped)));
    case PA_BF16:
        CONVERT(f32_from_bits((uint32_t)load_u16(p, swapped) << 16));
    case PA_I8:
        CONVERT((double)(int8_t)*p);
    case PA_I16:
        CONVERT((double)(int16_t)load_u16(p, swapped));
    case PA_I32:
        CONVERT((double)(int32_t)load_u32(p, swapped));
    case PA_I64:
        CONVERT((double)(int64_t)load_u64(p, swapped));
    case PA_U8:
        CONVERT((double)*p);
    case PA_U16:
        CONVERT((double)load_u16(p, swapped));
    case PA_U32:
        CONVERT((double)load_u32(p, swapped));
    case PA_U64:
        CONVERT((double)load_u64(p, swapped));
    case PA_BOOL:
        CONVERT(*p != 0 ? 1.0 : 0.0);
    case PA_F8_E4M3FN:
    case PA_F8_E5M2:
    case PA_F8_E4M3FNUZ:
    case PA_F8_E5M2FNUZ:
    case PA_F8_E8M0FNU:
        CONVERT(pa_float8_to_f64(dtype, *p));
    default:
        return 0;
    }
    int64_t nonfinite = 0;
    for (int64_t i = 0; i < count; i++) {
        nonfinite += !isfinite(dst[i]);
    }
    return nonfinite;
}
