/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Asking the server: redirects, who is told the token, and asking again. */
#ifndef PA_HUB_HTTP_H
#define PA_HUB_HTTP_H
#include "base/text.h"
#include "hub/hub_impl.h"

enum { PA_HTTP_URL = 8192 };

/** What an answer says of itself. */
typedef struct pa_http_answer {
    long code;
    int64_t range_start; /**< Of a partial answer; -1 when it does not say. */
    double retry_after;  /**< Seconds; -1 when it does not say. */
    int32_t lasting;     /**< It failed in a way that stays as it is. */
    char error_code[64]; /**< X-Error-Code and X-Error-Message; "" when absent. */
    char error_message[256];
    char location[PA_HTTP_URL]; /**< "" when absent. */
    char next[PA_HTTP_URL];     /**< The next page; "" when absent. */
} pa_http_answer;

/** answer.c: one header line, in any order of them; what is not understood is passed over. */
void pa_http_answer_read(pa_http_answer *answer, const char *line, size_t length);

/** Where the body goes. */
typedef struct pa_http_sink {
    void *user;
    int64_t have;     /**< Bytes that are there: the next request asks for what follows. */
    int64_t expected; /**< Bytes when all are there; -1: unknown. */
    int64_t limit;    /**< Most bytes. */
    pa_status (*write)(void *user, const char *bytes, size_t n, pa_error *err);
    pa_status (*restart)(void *user, pa_error *err); /**< The body comes from its beginning: forget what is there. */
} pa_http_sink;

/**
 * GET with redirects, again after failures that may pass. `what` and `repo` are named in errors.
 * PA_ERR_NETWORK, PA_ERR_NOT_FOUND, PA_ERR_DENIED, PA_ERR_LIMIT, PA_ERR_CANCELLED, and the sink's own.
 */
pa_status pa_http_get(pa_hub *hub, const char *url, const char *repo, const char *what, pa_http_sink *sink,
                      pa_http_answer *answer, pa_error *err);

/** The same into a text, of at most some megabytes. */
pa_status pa_http_get_text(pa_hub *hub, const char *url, const char *repo, const char *what, pa_text *out,
                           pa_http_answer *answer, pa_error *err);

/** url.c: `location` as seen from `base`: an http(s) URL, not weaker than the endpoint. PA_ERR_NETWORK when it is none. */
pa_status pa_http_resolve(pa_hub *hub, const char *base, const char *location, char out[PA_HTTP_URL], pa_error *err);
/** url.c: whether a URL is at the endpoint's scheme, host and port. */
int pa_http_is_endpoint(const pa_hub *hub, const char *url);

/** refusal.c: what an answer that is not a success means, with the remedy. */
pa_status pa_hub_refusal(const pa_hub *hub, const pa_http_answer *answer, const char *repo, const char *what,
                         pa_error *err);
/** refusal.c: whether asking again may help. */
int pa_hub_may_pass(long code);
#endif
