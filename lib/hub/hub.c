/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/hub_impl.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"

enum { DEFAULT_CONNECTIONS = 4, MAX_CONNECTIONS = 64, MAX_TOKEN = 4096 };

static int is_token(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) { /* a line end would add headers of its own */
        if (*c <= 0x20 || *c >= 0x7f) {
            return 0;
        }
    }
    return strlen(text) <= MAX_TOKEN;
}

static pa_status check_options(const pa_hub_options *options, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(options != NULL && options->struct_size >= sizeof(*options), err, PA_ERR_INVALID,
               "pa_hub_options: NULL or of another version");
    PA_REQUIRE(options->cache_dir != NULL && options->cache_dir[0] != '\0', err, PA_ERR_INVALID,
               "pa_hub_options: no cache_dir");
    const char *endpoint = options->endpoint;
    PA_REQUIRE(endpoint == NULL || strncmp(endpoint, "https://", 8) == 0 || strncmp(endpoint, "http://", 7) == 0, err,
               PA_ERR_INVALID, "endpoint '%.200s': neither https:// nor http://", endpoint);
    PA_REQUIRE(options->token == NULL || is_token(options->token), err, PA_ERR_INVALID,
               "the token is not one word of printable ASCII");
    PA_REQUIRE(options->connections >= 0 && options->connections <= MAX_CONNECTIONS, err, PA_ERR_INVALID,
               "connections %d, from 1 to %d", (int)options->connections, MAX_CONNECTIONS);

cleanup:
    return status;
}

static pa_status copy(const pa_allocator *mem, const char *text, char **out, pa_error *err)
{
    *out = pa_strdup(mem, text);
    return *out != NULL ? PA_OK : pa_fail_nomem(err, "a hub");
}

pa_status pa_hub_open(pa_context *ctx, const pa_hub_options *options, pa_hub **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_hub *hub = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_hub_open: out is NULL");
    *out = NULL;
    PA_REQUIRE(ctx != NULL, err, PA_ERR_INVALID, "pa_hub_open: ctx is NULL");
    PA_TRY(check_options(options, err));
    hub = pa_alloc(&ctx->mem, 1, sizeof(*hub));
    PA_REQUIRE_MEMORY(hub, err, "a hub");
    hub->ctx = ctx;
    if (pthread_mutex_init(&hub->lock, NULL) != 0) {
        pa_free(&ctx->mem, hub);
        hub = NULL;
        PA_REQUIRE(0, err, PA_ERR_NOMEM, "out of memory for a lock");
    }
    PA_TRY(pa_curl_open(&hub->curl, err));
    hub->state.struct_size = sizeof(hub->state);
    hub->progress = options->progress;
    hub->progress_user = options->progress_user;
    hub->offline = options->offline;
    hub->connections = options->connections > 0 ? options->connections : DEFAULT_CONNECTIONS;
    PA_TRY(copy(&ctx->mem, options->cache_dir, &hub->cache, err));
    PA_TRY(
        copy(&ctx->mem, options->endpoint != NULL ? options->endpoint : "https://huggingface.co", &hub->endpoint, err));
    for (size_t n = strlen(hub->endpoint); n > 0 && hub->endpoint[n - 1] == '/'; n--) {
        hub->endpoint[n - 1] = '\0';
    }
    PA_TRY(copy(&ctx->mem, options->proxy != NULL ? options->proxy : "", &hub->proxy, err));
    PA_TRY(copy(&ctx->mem, options->no_proxy != NULL ? options->no_proxy : "", &hub->no_proxy, err));
    if (options->token != NULL && options->token[0] != '\0') {
        PA_TRY(copy(&ctx->mem, options->token, &hub->token, err));
    }
    if (options->ca_file != NULL && options->ca_file[0] != '\0') {
        PA_TRY(copy(&ctx->mem, options->ca_file, &hub->ca_file, err));
    }
    PA_TRY(copy(&ctx->mem, options->ca_file_from != NULL ? options->ca_file_from : "pa_hub_options.ca_file",
                &hub->ca_file_from, err));
    *out = hub;
    hub = NULL;

cleanup:
    pa_hub_destroy(hub);
    return status;
}

void pa_hub_destroy(pa_hub *hub)
{
    if (hub != NULL) {
        const pa_allocator *mem = &hub->ctx->mem;
        pa_curl_close(&hub->curl);
        (void)pthread_mutex_destroy(&hub->lock);
        pa_free(mem, hub->cache);
        pa_free(mem, hub->endpoint);
        pa_free(mem, hub->token);
        pa_free(mem, hub->proxy);
        pa_free(mem, hub->no_proxy);
        pa_free(mem, hub->ca_file);
        pa_free(mem, hub->ca_file_from);
        pa_free(mem, hub);
    }
}

void pa_hub_enter(pa_hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    hub->working++;
    (void)pthread_mutex_unlock(&hub->lock);
}

void pa_hub_leave(pa_hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    hub->working--;
    hub->cancelled = hub->cancelled && hub->working > 0;
    (void)pthread_mutex_unlock(&hub->lock);
}

int pa_hub_tick(pa_hub *hub, int64_t bytes)
{
    (void)pthread_mutex_lock(&hub->lock);
    hub->state.bytes_done += bytes;
    if (!hub->cancelled && hub->progress != NULL && hub->progress(hub->progress_user, &hub->state) != 1) {
        hub->cancelled = 1;
    }
    const int go_on = !hub->cancelled;
    (void)pthread_mutex_unlock(&hub->lock);
    return go_on;
}

pa_status pa_hub_fail_cancelled(pa_error *err)
{
    return pa_fail(err, PA_ERR_CANCELLED, "the download was stopped; what has come is kept and will be resumed");
}

pa_status pa_hub_wait(pa_hub *hub, double seconds, pa_error *err)
{
    const struct timespec moment = {0, 100000000};
    for (double waited = 0.0; waited < seconds; waited += 0.1) {
        if (!pa_hub_tick(hub, 0)) {
            return pa_hub_fail_cancelled(err);
        }
        (void)nanosleep(&moment, NULL);
    }
    return PA_OK;
}
