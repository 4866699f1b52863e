/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Which sanitizer the test is built with: some forbid what some tests do. */
#ifndef PA_SANITIZERS_H
#define PA_SANITIZERS_H

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

/** Nonzero under valgrind, as far as its header was there: a hundred times slower, and one thread at a time. */
#ifdef RUNNING_ON_VALGRIND
#define PA_UNDER_VALGRIND ((int)RUNNING_ON_VALGRIND)
#else
#define PA_UNDER_VALGRIND 0
#endif

#if defined(__has_feature)
#define PA_HAS_FEATURE(name) __has_feature(name)
#else
#define PA_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || PA_HAS_FEATURE(address_sanitizer)
enum { PA_UNDER_ASAN = 1 };
#else
enum { PA_UNDER_ASAN = 0 };
#endif

#if defined(__SANITIZE_THREAD__) || PA_HAS_FEATURE(thread_sanitizer)
enum { PA_UNDER_TSAN = 1 };
#else
enum { PA_UNDER_TSAN = 0 };
#endif
#endif
