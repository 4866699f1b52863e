/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/names.h"

#include <string.h>

#include "base/printable.h"

enum { MAX_REPO = 96, MAX_REVISION = 200, MAX_PATH = 1024 };

static int is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
}

/* One half of "owner/name". */
static int is_name(const char *text, size_t length)
{
    if (length == 0 || text[0] == '-' || text[0] == '.' || text[length - 1] == '-' || text[length - 1] == '.') {
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_plain(text[i])) {
            return 0;
        }
    }
    return 1;
}

pa_status pa_hub_check_repo(const char *repo_id, pa_error *err)
{
    char shown[PA_PRINTABLE_SIZE];
    const size_t length = strlen(repo_id);
    const char *slash = strchr(repo_id, '/');
    const char *name = slash != NULL ? slash + 1 : repo_id;
    const int good = length <= MAX_REPO && (slash == NULL || is_name(repo_id, (size_t)(slash - repo_id))) &&
                     is_name(name, strlen(name)) && strstr(repo_id, "--") == NULL && strstr(repo_id, "..") == NULL &&
                     (length < 4 || strcmp(repo_id + length - 4, ".git") != 0);
    return good ? PA_OK
                : pa_fail(err, PA_ERR_INVALID, "'%s' is no repository's name such as pico-lm/demo",
                          pa_printable(shown, repo_id, (int64_t)length));
}

int pa_hub_is_inside(const char *path)
{
    const size_t length = strlen(path);
    int good = length > 0 && length <= MAX_PATH;
    for (const char *at = path; good; at++) {
        const size_t n = strcspn(at, "/");
        good = n > 0 && !(n == 1 && at[0] == '.') && !(n == 2 && at[0] == '.' && at[1] == '.');
        at += n;
        if (*at == '\0') {
            break;
        }
    }
    for (const char *c = path; good && *c != '\0'; c++) {
        good = (unsigned char)*c >= 0x20 && *c != 0x7f && *c != '\\';
    }
    return good;
}

pa_status pa_hub_check_revision(const char *revision, pa_error *err)
{
    char shown[PA_PRINTABLE_SIZE];
    const int good = pa_hub_is_inside(revision) && strlen(revision) <= MAX_REVISION;
    return good ? PA_OK
                : pa_fail(err, PA_ERR_INVALID, "'%s' is no branch, tag or commit",
                          pa_printable(shown, revision, (int64_t)strlen(revision)));
}

int pa_hub_is_hex(const char *text, size_t digits)
{
    return text != NULL && strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

pa_status pa_hub_encode(pa_text *out, const char *text, const char *keep, pa_error *err)
{
    pa_status status = PA_OK;
    for (const char *c = text; *c != '\0'; c++) {
        if (is_plain(*c) || *c == '~' || strchr(keep, *c) != NULL) {
            PA_TRY(pa_text_append_bytes(out, c, 1, err));
        } else {
            PA_TRY(pa_text_printf(out, err, "%%%02X", (unsigned)(unsigned char)*c));
        }
    }

cleanup:
    return status;
}
