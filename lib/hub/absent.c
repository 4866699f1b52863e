/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the Hub, where the library was built without it. */
#include <picoanalyze/hub.h>

#include "base/error.h"

static const char text[] = "the Hub: not built in; install libcurl, Nettle and Jansson (libcurl4-openssl-dev, "
                           "nettle-dev, libjansson-dev) and build again with meson -Dhub=enabled";

pa_status pa_hub_open(pa_context *ctx, const pa_hub_options *options, pa_hub **out, pa_error *err)
{
    (void)ctx;
    (void)options;
    if (out != NULL) {
        *out = NULL;
    }
    return pa_fail(err, PA_ERR_UNSUPPORTED, "%s", text);
}

void pa_hub_destroy(pa_hub *hub)
{
    (void)hub;
}

pa_status pa_run_open_hub(pa_hub *hub, const char *repo_id, const char *revision, const pa_run_options *options,
                          pa_run **out, pa_error *err)
{
    (void)hub;
    (void)repo_id;
    (void)revision;
    (void)options;
    if (out != NULL) {
        *out = NULL;
    }
    return pa_fail(err, PA_ERR_UNSUPPORTED, "%s", text);
}
