/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the formats that are read with Jansson, where the library was built without it. */
#include "checkpoint/formats/format_impl.h"
#include "checkpoint/formats/json_probes.h"

static pa_status refuse(pa_archive *archive, pa_error *err)
{
    (void)archive;
    return pa_fail(err, PA_ERR_UNSUPPORTED,
                   "safetensors: this build reads none; install Jansson (libjansson-dev) and build again with "
                   "meson -Dsafetensors=enabled");
}

const pa_format pa_format_safetensors = {"safetensors", pa_safetensors_probe, refuse};
const pa_format pa_format_shards = {"shard index", pa_shards_probe, refuse};
