/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/http.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/printable.h"

/* A server that sends less than this for so long has stopped. */
enum { CONNECT_SECONDS = 10, STALL_SECONDS = 30, STALL_BYTES = 64 };
/* What must come for failures to be counted anew. */
enum { WORTH_BYTES = 1 << 20 };
enum { MAX_REDIRECTS = 5, MAX_RETRIES = 5, MAX_WAIT_SECONDS = 300, MAX_TEXT = 64 << 20 };

/* One request and what came of it. */
typedef struct exchange {
    pa_hub *hub;
    pa_http_sink *sink;
    pa_http_answer *answer;
    int begun;        /**< The body has been looked at. */
    int ours;         /**< It is a success: for the sink. */
    pa_status status; /**< Of the sink. */
    pa_error *err;
    char reason[CURL_ERROR_SIZE];
} exchange;

/** @name Answer
 * @{ */

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    pa_http_answer_read(((exchange *)user)->answer, line, size * n);
    return size * n;
}

/* A server may send all although a part was asked for. */
static pa_status begin_body(exchange *x)
{
    pa_http_sink *sink = x->sink;
    x->begun = 1;
    x->ours = x->answer->code == 200 || x->answer->code == 206;
    if (x->answer->code == 206 && x->answer->range_start != sink->have) {
        return pa_fail(x->err, PA_ERR_NETWORK, "the server sent bytes from %lld, asked for were those from %lld",
                       (long long)x->answer->range_start, (long long)sink->have);
    }
    if (x->answer->code == 200 && sink->have > 0) {
        sink->have = 0;
        return sink->restart(sink->user, x->err);
    }
    return PA_OK;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    exchange *x = user;
    pa_http_sink *sink = x->sink;
    const size_t length = size * n;
    if (!x->begun) {
        x->status = begin_body(x);
    }
    if (x->status == PA_OK && x->ours && (int64_t)length > sink->limit - sink->have) {
        x->status = pa_fail(x->err, PA_ERR_LIMIT, "the server sends more than the %lld bytes there should be at most",
                            (long long)sink->limit);
    }
    if (x->status == PA_OK && x->ours) {
        x->status = sink->write(sink->user, bytes, length, x->err);
        sink->have += x->status == PA_OK ? (int64_t)length : 0;
    }
    return x->status == PA_OK ? length : 0;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    (void)total;
    (void)now;
    (void)up_total;
    (void)up_now;
    return !pa_hub_tick(((exchange *)user)->hub, 0);
}
/** @} */

/** @name Requests
 * @{ */

static pa_status make_headers(const pa_hub *hub, const char *url, struct curl_slist **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text line = {.mem = &hub->ctx->mem};
    *out = NULL;
    if (hub->token != NULL && pa_http_is_endpoint(hub, url)) {
        PA_TRY(pa_text_printf(&line, err, "Authorization: Bearer %s", hub->token));
        *out = hub->curl.slist_append(NULL, line.data);
        PA_REQUIRE_MEMORY(*out, err, "a request");
    }

cleanup:
    pa_text_free(&line);
    return status;
}

static void set_options(CURL *curl, exchange *x, const char *url)
{
    const pa_hub *hub = x->hub;
    const pa_curl *with = &hub->curl;
    (void)with->easy_setopt(curl, CURLOPT_URL, url);
    (void)with->easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)with->easy_setopt(curl, CURLOPT_USERAGENT, "picoanalyze/" PA_VERSION);
#if LIBCURL_VERSION_NUM >= 0x075500
    (void)with->easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    (void)with->easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    (void)with->easy_setopt(curl, CURLOPT_PROXY, hub->proxy); /* "" also keeps libcurl from the environment */
    (void)with->easy_setopt(curl, CURLOPT_NOPROXY, hub->no_proxy);
    (void)with->easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    (void)with->easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
    (void)with->easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
    (void)with->easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* a proxy's own are no answer */
    (void)with->easy_setopt(curl, CURLOPT_ERRORBUFFER, x->reason);
    (void)with->easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)with->easy_setopt(curl, CURLOPT_HEADERDATA, x);
    (void)with->easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)with->easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)with->easy_setopt(curl, CURLOPT_XFERINFODATA, x);
    if (hub->ca_file != NULL) {
        (void)with->easy_setopt(curl, CURLOPT_CAINFO, hub->ca_file);
        (void)with->easy_setopt(curl, CURLOPT_CAPATH, NULL);
        (void)with->easy_setopt(curl, CURLOPT_PROXY_CAINFO, hub->ca_file);
        (void)with->easy_setopt(curl, CURLOPT_PROXY_CAPATH, NULL);
    }
    if (x->sink->have > 0) { /* not CURLOPT_RESUME_FROM: libcurl would refuse all of it in place of a part */
        char range[32];
        (void)snprintf(range, sizeof(range), "%lld-", (long long)x->sink->have);
        (void)with->easy_setopt(curl, CURLOPT_RANGE, range);
    }
}

/* Retry-After may be a number or a date. */
static void note_retry(exchange *x, CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x074200
    curl_off_t seconds = 0;
    if (x->answer->retry_after < 0.0 && x->hub->curl.easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK &&
        seconds > 0) {
        x->answer->retry_after = (double)seconds;
    }
#else
    (void)x;
    (void)curl;
#endif
}

static int note_code(exchange *x, CURL *curl)
{
    return x->hub->curl.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &x->answer->code) == CURLE_OK;
}

/* The code is needed before the body comes. */
typedef struct body_user {
    exchange *x;
    CURL *curl;
} body_user;

static size_t on_body_of(char *bytes, size_t size, size_t n, void *user)
{
    const body_user *b = user;
    return note_code(b->x, b->curl) ? on_body(bytes, size, n, b->x) : 0;
}

/* There is no answer. */
static pa_status fail_exchange(const exchange *x, CURLcode code, const char *what)
{
    char reason[PA_PRINTABLE_SIZE];
    const pa_hub *hub = x->hub;
    const char *text = x->reason[0] != '\0' ? x->reason : hub->curl.easy_strerror(code);
    (void)pa_printable(reason, text, (int64_t)strlen(text));
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        x->answer->lasting = 1;
        return pa_fail(x->err, PA_ERR_NETWORK,
                       "%s from %s: the certificate of the server is not trusted (%s); name the file with the "
                       "certificate of the authority that made it in %s%s%s",
                       what, hub->endpoint, reason, hub->ca_file_from, hub->ca_file != NULL ? ", which is now " : "",
                       hub->ca_file != NULL ? hub->ca_file : "");
    }
    if (code == CURLE_SSL_CACERT_BADFILE) {
        x->answer->lasting = 1;
        return pa_fail(x->err, PA_ERR_NETWORK,
                       "%s: no certificates of authorities can be read from it (%s); it is %s %s",
                       hub->ca_file != NULL ? hub->ca_file : "the system's file", reason,
                       hub->ca_file != NULL ? "named by" : "not named by", hub->ca_file_from);
    }
    return pa_fail(x->err, PA_ERR_NETWORK, "%s from %s: %s", what, hub->endpoint, reason);
}

/* Once, without following. PA_OK whatever the code is. */
static pa_status ask(pa_hub *hub, const char *url, const char *what, pa_http_sink *sink, pa_http_answer *answer,
                     pa_error *err)
{
    pa_status status = PA_OK;
    const pa_curl *with = &hub->curl;
    struct curl_slist *headers = NULL;
    pa_error own = {0};
    exchange x = {.hub = hub, .sink = sink, .answer = answer, .err = err != NULL ? err : &own};
    body_user body = {&x, with->easy_init()};
    *answer = (pa_http_answer){.range_start = -1, .retry_after = -1.0};
    PA_REQUIRE_MEMORY(body.curl, err, "a request");
    PA_TRY(make_headers(hub, url, &headers, err));
    set_options(body.curl, &x, url);
    (void)with->easy_setopt(body.curl, CURLOPT_HTTPHEADER, headers);
    (void)with->easy_setopt(body.curl, CURLOPT_WRITEFUNCTION, on_body_of);
    (void)with->easy_setopt(body.curl, CURLOPT_WRITEDATA, &body);
    const CURLcode code = with->easy_perform(body.curl);
    (void)note_code(&x, body.curl);
    note_retry(&x, body.curl);
    PA_TRY(x.status);
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        PA_TRY(pa_hub_fail_cancelled(err));
    }
    PA_REQUIRE(code != CURLE_OUT_OF_MEMORY, err, PA_ERR_NOMEM, "out of memory for a request");
    PA_TRY(code == CURLE_OK || answer->code >= 300 ? PA_OK : fail_exchange(&x, code, what));

cleanup:
    with->slist_free_all(headers);
    with->easy_cleanup(body.curl);
    return status;
}

/* Once, to where it leads. */
static pa_status follow(pa_hub *hub, const char *url, const char *what, pa_http_sink *sink, pa_http_answer *answer,
                        pa_error *err)
{
    pa_status status = PA_OK;
    char next[PA_HTTP_URL];
    char *here = pa_strdup(&hub->ctx->mem, url);
    PA_REQUIRE_MEMORY(here, err, "a URL");
    for (int hops = 0;; hops++) {
        PA_TRY(ask(hub, here, what, sink, answer, err));
        const long code = answer->code;
        if ((code != 301 && code != 302 && code != 303 && code != 307 && code != 308) || answer->location[0] == '\0') {
            break;
        }
        answer->lasting = 1;
        PA_REQUIRE(hops < MAX_REDIRECTS, err, PA_ERR_NETWORK, "%s: %s sends on more than %d times", what, hub->endpoint,
                   MAX_REDIRECTS);
        PA_TRY(pa_http_resolve(hub, here, answer->location, next, err));
        pa_free(&hub->ctx->mem, here);
        PA_REQUIRE_MEMORY(here = pa_strdup(&hub->ctx->mem, next), err, "a URL");
    }

cleanup:
    pa_free(&hub->ctx->mem, here);
    return status;
}

/* What came of one attempt, as an error if need be. */
static pa_status judge(pa_hub *hub, const char *repo, const char *what, pa_http_sink *sink,
                       const pa_http_answer *answer, pa_error *err)
{
    if (answer->code == 416) { /* what is there cannot be continued */
        sink->have = 0;
        const pa_status status = sink->restart(sink->user, err);
        return status != PA_OK ? status : pa_fail(err, PA_ERR_NETWORK, "%s: cannot be resumed", what);
    }
    if (answer->code != 200 && answer->code != 206) {
        return pa_hub_refusal(hub, answer, repo, what, err);
    }
    if (sink->expected >= 0 && sink->have < sink->expected) {
        return pa_fail(err, PA_ERR_NETWORK, "%s: ended after %lld of %lld bytes", what, (long long)sink->have,
                       (long long)sink->expected);
    }
    return PA_OK;
}

pa_status pa_http_get(pa_hub *hub, const char *url, const char *repo, const char *what, pa_http_sink *sink,
                      pa_http_answer *answer, pa_error *err)
{
    double delay = 1.0;
    int64_t most = sink->have;
    for (int attempt = 0;; attempt++) {
        if (sink->expected < 0 && sink->have > 0) { /* not a file: what came before may have changed */
            sink->have = 0;
            (void)sink->restart(sink->user, err);
        }
        pa_status status = follow(hub, url, what, sink, answer, err);
        const int answered = status == PA_OK;
        if (answered) {
            status = judge(hub, repo, what, sink, answer, err);
        }
        if (sink->have - most >= WORTH_BYTES) { /* more than ever: it may have begun anew, and does not always end */
            most = sink->have;
            attempt = 0;
        }
        const int again = status == PA_ERR_NETWORK && attempt < MAX_RETRIES && !answer->lasting &&
                          (!answered || answer->code < 300 || answer->code == 416 || pa_hub_may_pass(answer->code)) &&
                          answer->retry_after <= MAX_WAIT_SECONDS;
        if (!again) {
            return status;
        }
        const pa_status waited = pa_hub_wait(hub, answer->retry_after >= 0.0 ? answer->retry_after + 1.0 : delay, err);
        if (waited != PA_OK) {
            return waited;
        }
        pa_error_clear(err);
        delay = delay < 8.0 ? 2.0 * delay : delay;
    }
}
/** @} */

/** @name Texts
 * @{ */

static pa_status append(void *user, const char *bytes, size_t n, pa_error *err)
{
    return pa_text_append_bytes(user, bytes, (int64_t)n, err);
}

static pa_status forget(void *user, pa_error *err)
{
    (void)err;
    ((pa_text *)user)->length = 0;
    return PA_OK;
}

pa_status pa_http_get_text(pa_hub *hub, const char *url, const char *repo, const char *what, pa_text *out,
                           pa_http_answer *answer, pa_error *err)
{
    pa_http_sink sink = {.user = out, .expected = -1, .limit = MAX_TEXT, .write = append, .restart = forget};
    out->length = 0;
    return pa_http_get(hub, url, repo, what, &sink, answer, err);
}
/** @} */
