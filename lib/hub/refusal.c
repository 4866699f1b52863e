/* SPDX-License-Identifier: Apache-2.0 */
/* What the Hub means when it does not answer as asked. */
#include <string.h>

#include "base/printable.h"
#include "hub/http.h"

int pa_hub_may_pass(long code)
{
    return code == 408 || code == 429 || code == 500 || code == 502 || code == 503 || code == 504;
}

pa_status pa_hub_refusal(const pa_hub *hub, const pa_http_answer *answer, const char *repo, const char *what,
                         pa_error *err)
{
    char said[PA_PRINTABLE_SIZE];
    const char *code = answer->error_code;
    const char *message = pa_printable(said, answer->error_message, (int64_t)strlen(answer->error_message));
    if (strcmp(code, "GatedRepo") == 0) {
        return pa_fail(err, PA_ERR_DENIED,
                       "%s: access is given on request: ask for it at %s/%s and set HF_TOKEN to a token of yours", repo,
                       hub->endpoint, repo);
    }
    if (strcmp(code, "RevisionNotFound") == 0) {
        return pa_fail(err, PA_ERR_NOT_FOUND, "%s: there is no such revision for %s; its branches are listed at %s/%s",
                       repo, what, hub->endpoint, repo);
    }
    if (strcmp(code, "EntryNotFound") == 0) {
        return pa_fail(err, PA_ERR_NOT_FOUND, "%s: there is no %s", repo, what);
    }
    if (strstr(message, "Access to this resource is disabled") != NULL) {
        return pa_fail(err, PA_ERR_DENIED, "%s: the repository is disabled", repo);
    }
    if (answer->code == 401 && strstr(message, "Invalid credentials") != NULL) {
        return pa_fail(err, PA_ERR_DENIED, "%s: the server does not know the token; see HF_TOKEN", repo);
    }
    if (strcmp(code, "RepoNotFound") == 0 || answer->code == 401) {
        return pa_fail(err, PA_ERR_NOT_FOUND,
                       "%s: there is no such repository at %s; if it is a private one, set HF_TOKEN to a token that "
                       "may read it",
                       repo, hub->endpoint);
    }
    if (answer->code == 403) {
        return pa_fail(err, PA_ERR_DENIED, "%s: %s: the token may not read it (%s)", repo, what, message);
    }
    if (answer->code == 404) {
        return pa_fail(err, PA_ERR_NOT_FOUND, "%s: there is no %s", repo, what);
    }
    if (answer->code == 429) {
        return pa_fail(err, PA_ERR_NETWORK,
                       "%s: %s: the server has had too many requests; wait some minutes, or set HF_TOKEN to be allowed "
                       "more",
                       repo, what);
    }
    return pa_fail(err, PA_ERR_NETWORK, "%s: %s: %s answered %ld %s", repo, what, hub->endpoint, answer->code, message);
}
