/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Making and ending a context: the one place that knows all layers, because it registers the built-ins, through the
 * same functions as a user would.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/context_impl.h"
#include "base/cpus.h"
#include "components/component_impl.h"
#include "linalg/blas_threads.h"
#include "metrics/metric_impl.h"

enum { MAX_THREADS = 1024 };

static pa_status check_options(const pa_context_options *given, pa_context_options *options, pa_error *err)
{
    pa_status status = PA_OK;
    memset(options, 0, sizeof(*options));
    if (given != NULL) {
        const size_t first_version = offsetof(pa_context_options, max_memory);
        const size_t size = given->struct_size;
        PA_REQUIRE(size >= first_version, err, PA_ERR_INVALID, "struct_size %zu, at least %zu", size, first_version);
        memcpy(options, given, size < sizeof(*options) ? size : sizeof(*options));
    }
    if (options->allocator == NULL) {
        options->allocator = &pa_allocator_default;
    }
    PA_REQUIRE(options->allocator->alloc != NULL && options->allocator->dealloc != NULL, err, PA_ERR_INVALID,
               "an allocator needs both functions");
    PA_REQUIRE(options->threads >= 0 && options->threads <= MAX_THREADS, err, PA_ERR_INVALID, "%d threads, 0 ... %d",
               (int)options->threads, MAX_THREADS);
    PA_REQUIRE(options->max_memory >= 0, err, PA_ERR_INVALID, "max_memory is %lld, at least 0",
               (long long)options->max_memory);

cleanup:
    return status;
}

pa_status pa_context_create(const pa_context_options *given, pa_context **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_context *ctx = NULL;
    pa_context_options options;
    *out = NULL;
    PA_TRY(check_options(given, &options, err));
    PA_REQUIRE_MEMORY(ctx = pa_alloc(options.allocator, 1, sizeof(*ctx)), err, "a context");
    ctx->mem = *options.allocator;
    ctx->log = options.log;
    ctx->log_user = options.log_user;
    ctx->threads = options.threads > 0 ? options.threads : pa_cpus_available();
    ctx->max_memory = options.max_memory;
    ctx->metrics.what = "metric";
    ctx->components.what = "component";
    atomic_init(&ctx->queries, 0);
    atomic_init(&ctx->computed, 0);
    pthread_mutex_init(&ctx->log_lock, NULL);
    PA_TRY(pa_metrics_register_builtin(ctx, err));
    PA_TRY(pa_components_register_builtin(ctx, err));
    pa_blas_prepare();
    *out = ctx;
    ctx = NULL;

cleanup:
    pa_context_destroy(ctx);
    return status;
}

void pa_context_destroy(pa_context *ctx)
{
    if (ctx != NULL) {
        pa_metrics_unregister(ctx);
        pa_components_unregister(ctx);
        pthread_mutex_destroy(&ctx->log_lock);
        const pa_allocator mem = ctx->mem;
        pa_free(&mem, ctx);
    }
}

int32_t pa_context_threads(const pa_context *ctx)
{
    return ctx->threads;
}
