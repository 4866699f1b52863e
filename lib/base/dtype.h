/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Element types: conversion to double, precision. */
#ifndef PA_BASE_DTYPE_H
#define PA_BASE_DTYPE_H
#include <picoanalyze/types.h>

/**
 * Convert `count` elements, `stride` elements apart, to doubles; `src` may be misaligned. Exact except for 64-bit
 * integers beyond 2^53. Returns how many are NaN or infinite.
 */
int64_t pa_dtype_to_f64(pa_dtype dtype, int32_t swapped, const void *src, int64_t stride, int64_t count, double *dst);

/** Spacing of 1.0 in the precision that ranks are judged by: 2^-52 for f64 (and integers), 2^-23 for narrower floats. */
double pa_dtype_rank_epsilon(pa_dtype dtype);

/** Unit roundoff of the storage type: half the spacing of 1.0; 0 for integers, which are exact. */
double pa_dtype_roundoff(pa_dtype dtype);

/** The coarser of two: the one with the larger roundoff. */
pa_dtype pa_dtype_coarser(pa_dtype a, pa_dtype b);
#endif
