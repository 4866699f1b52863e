/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The formats there are: `pa_format_<name>` for every line of format_list.h. */
#ifndef PA_FORMATS_FORMAT_IMPL_H
#define PA_FORMATS_FORMAT_IMPL_H
#include "checkpoint/archive.h"

#define PA_FORMAT(name) extern const pa_format pa_format_##name;
#include "checkpoint/formats/format_list.h"
#undef PA_FORMAT
#endif
