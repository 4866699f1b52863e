/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Numbers of 8 bits: OCP 8-bit floating point (E4M3, E5M2), its "fnuz" variants, OCP MX scales (E8M0). */
#ifndef PA_BASE_FLOAT8_H
#define PA_BASE_FLOAT8_H
#include <picoanalyze/types.h>

/** The number that a code means, exactly; `dtype` is one of the PA_F8 types. */
double pa_float8_to_f64(pa_dtype dtype, unsigned char code);
#endif
