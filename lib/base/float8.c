/* SPDX-License-Identifier: Apache-2.0 */
#include "base/float8.h"

#include <math.h>
#include <string.h>

typedef enum float8_specials {
    INFINITE_AND_NAN, /* as in IEEE 754: the highest exponent is infinite, or NaN with a mantissa */
    NAN_AT_THE_TOP,   /* "fn": all bits set but the sign is NaN, nothing is infinite */
    NAN_AT_MINUS_ZERO /* "fnuz": the code of -0 is the only NaN */
} float8_specials;

typedef struct float8_layout {
    int mantissa_bits;
    int bias;
    float8_specials specials;
} float8_layout;

static int is_layout_known(pa_dtype dtype, float8_layout *out)
{
    switch (dtype) {
    case PA_F8_E4M3FN:
        *out = (float8_layout){3, 7, NAN_AT_THE_TOP};
        return 1;
    case PA_F8_E5M2:
        *out = (float8_layout){2, 15, INFINITE_AND_NAN};
        return 1;
    case PA_F8_E4M3FNUZ:
        *out = (float8_layout){3, 8, NAN_AT_MINUS_ZERO};
        return 1;
    case PA_F8_E5M2FNUZ:
        *out = (float8_layout){2, 16, NAN_AT_MINUS_ZERO};
        return 1;
    default:
        return 0;
    }
}

/* 2^exponent, a normal double. */
static double power_of_two(int exponent)
{
    const uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static double decode(const float8_layout *layout, unsigned code)
{
    const unsigned magnitude = code & 0x7f;
    const unsigned mantissa_mask = (1U << layout->mantissa_bits) - 1;
    const unsigned top = 0x7fU >> layout->mantissa_bits;
    const unsigned exponent = magnitude >> layout->mantissa_bits;
    const unsigned mantissa = magnitude & mantissa_mask;
    double value;
    if (layout->specials == NAN_AT_MINUS_ZERO && code == 0x80) {
        return (double)NAN;
    }
    if (layout->specials == NAN_AT_THE_TOP && magnitude == 0x7f) {
        value = (double)NAN;
    } else if (layout->specials == INFINITE_AND_NAN && exponent == top) {
        value = mantissa != 0 ? (double)NAN : (double)INFINITY;
    } else {
        /* Subnormal numbers have the smallest exponent and no leading one. */
        const unsigned significand = exponent > 0 ? mantissa + mantissa_mask + 1 : mantissa;
        const int scale = (exponent > 0 ? (int)exponent : 1) - layout->bias - layout->mantissa_bits;
        value = significand * power_of_two(scale);
    }
    return code & 0x80 ? -value : value;
}

double pa_float8_to_f64(pa_dtype dtype, unsigned char code)
{
    float8_layout layout;
    if (is_layout_known(dtype, &layout)) {
        return decode(&layout, code);
    }
    return code == 0xff ? (double)NAN : power_of_two(code - 127); /* PA_F8_E8M0FNU: an exponent alone */
}
