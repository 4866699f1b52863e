/* SPDX-License-Identifier: Apache-2.0 */
/* Where a server sends us, and who may be told the token. */
#include <string.h>
#include <strings.h>

#include "hub/http.h"

static int part(const pa_curl *curl, const CURLU *url, CURLUPart which, char *out, size_t room)
{
    char *text = NULL;
    out[0] = '\0';
    if (curl->url_get(url, which, &text, which == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) == CURLUE_OK &&
        text != NULL && strlen(text) < room) {
        memcpy(out, text, strlen(text) + 1);
    }
    curl->free_text(text);
    return out[0] != '\0';
}

pa_status pa_http_resolve(pa_hub *hub, const char *base, const char *location, char out[PA_HTTP_URL], pa_error *err)
{
    const pa_curl *curl = &hub->curl;
    char scheme[16];
    CURLU *url = curl->url();
    const int good = url != NULL && curl->url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK &&
                     curl->url_set(url, CURLUPART_URL, location, 0) == CURLUE_OK &&
                     part(curl, url, CURLUPART_URL, out, PA_HTTP_URL) &&
                     part(curl, url, CURLUPART_SCHEME, scheme, sizeof(scheme));
    curl->url_cleanup(url);
    const int secure = strncmp(hub->endpoint, "https:", 6) == 0;
    if (!good || (strcmp(scheme, "https") != 0 && (secure || strcmp(scheme, "http") != 0))) {
        return pa_fail(err, PA_ERR_NETWORK, "the server sends on to what is no %s URL", secure ? "https" : "http");
    }
    return PA_OK;
}

int pa_http_is_endpoint(const pa_hub *hub, const char *url)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    const pa_curl *curl = &hub->curl;
    char a[512];
    char b[512];
    CURLU *ours = curl->url();
    CURLU *other = curl->url();
    int same = ours != NULL && other != NULL && curl->url_set(ours, CURLUPART_URL, hub->endpoint, 0) == CURLUE_OK &&
               curl->url_set(other, CURLUPART_URL, url, 0) == CURLUE_OK;
    for (size_t i = 0; same && i < sizeof(parts) / sizeof(parts[0]); i++) {
        same = part(curl, ours, parts[i], a, sizeof(a)) && part(curl, other, parts[i], b, sizeof(b)) &&
               strcasecmp(a, b) == 0;
    }
    curl->url_cleanup(ours);
    curl->url_cleanup(other);
    return same;
}
