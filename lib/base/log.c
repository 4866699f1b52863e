/* SPDX-License-Identifier: Apache-2.0 */
#include "base/context_impl.h"

#include <stdarg.h>
#include <stdio.h>

void pa_log(pa_context *ctx, pa_log_level level, const char *fmt, ...)
{
    if (ctx->log != NULL) {
        char message[1024];
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(message, sizeof(message), fmt, args);
        va_end(args);
        pthread_mutex_lock(&ctx->log_lock);
        ctx->log(ctx->log_user, level, message);
        pthread_mutex_unlock(&ctx->log_lock);
    }
}
