/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The tensors of an archive as one safetensors file. */
#ifndef PA_FORMATS_SAFETENSORS_WRITE_H
#define PA_FORMATS_SAFETENSORS_WRITE_H
#include <picoanalyze/convert.h>

#include "checkpoint/archive.h"

/**
 * Append the file to an output that has been begun: byte for byte what the reference implementation writes of the same
 * tensors. PA_ERR_UNSUPPORTED for what such a file cannot hold, PA_ERR_LIMIT, PA_ERR_CANCELLED, PA_ERR_NOMEM, and what
 * reading and writing may return.
 */
pa_status pa_safetensors_write(const pa_archive *archive, const pa_convert_options *options, pa_output *output,
                               pa_error *err);
#endif
