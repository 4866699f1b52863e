/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief libcurl, loaded when a hub is opened: it brings some thirty libraries, which a program that never asks the
 * Hub would wait for at each start. */
#ifndef PA_HUB_CURL_H
#define PA_HUB_CURL_H
#include <curl/curl.h>

#include "base/error.h"

/** What is used of it. Zero-initialise. */
typedef struct pa_curl {
    void *library;
    CURLcode (*global_init)(long flags);
    void (*global_cleanup)(void);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *curl);
    CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
    CURLcode (*easy_perform)(CURL *curl);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
    CURLU *(*url)(void);
    void (*url_cleanup)(CURLU *url);
    CURLUcode (*url_get)(const CURLU *url, CURLUPart part, char **text, unsigned flags);
    CURLUcode (*url_set)(CURLU *url, CURLUPart part, const char *text, unsigned flags);
    void (*free_text)(void *text);
} pa_curl;

/** PA_ERR_UNSUPPORTED when it is not installed, PA_ERR_NOMEM when it cannot be started. */
pa_status pa_curl_open(pa_curl *curl, pa_error *err);
/** After all of its handles have ended. */
void pa_curl_close(pa_curl *curl);
#endif
