/* SPDX-License-Identifier: Apache-2.0 */
#include "hub.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATH_ROOM = 4096, TOKEN_ROOM = 4096 };

/* NULL when not set or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The first that is set, else the last. */
static const char *first_set(const char *const *names)
{
    while (variable(names[0]) == NULL && names[1] != NULL) {
        names++;
    }
    return names[0];
}

static const char *first_of(const char *const *names)
{
    return variable(first_set(names));
}

static int is_true(const char *name)
{
    static const char *const words[] = {"1", "ON", "YES", "TRUE"};
    const char *value = variable(name);
    for (int i = 0; value != NULL && i < 4; i++) {
        if (strcasecmp(value, words[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* "~/x" as the shell would have it, and what follows. */
static void expand(char *out, const char *path, const char *below)
{
    const char *home = variable("HOME");
    const int tilde = path[0] == '~' && (path[1] == '/' || path[1] == '\0') && home != NULL;
    const int written = snprintf(out, PATH_ROOM, "%s%s%s", tilde ? home : "", tilde ? path + 1 : path, below);
    if (written < 0 || written >= PATH_ROOM) { /* no system has such a path */
        out[0] = '\0';
    }
}

static void find_home(char *out)
{
    const char *home = variable("HF_HOME");
    const char *cache = variable("XDG_CACHE_HOME");
    expand(out, home != NULL ? home : cache != NULL ? cache : "~/.cache", home != NULL ? "" : "/huggingface");
}

static void find_cache(char *out, const char *home)
{
    static const char *const names[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", NULL};
    const char *cache = first_of(names);
    expand(out, cache != NULL ? cache : home, cache != NULL ? "" : "/hub");
}

/* What `hf auth login` writes. */
static void read_token(char *out, const char *home)
{
    char path[PATH_ROOM];
    const char *named = variable("HF_TOKEN_PATH");
    expand(path, named != NULL ? named : home, named != NULL ? "" : "/token");
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        out[fread(out, 1, TOKEN_ROOM - 1, file)] = '\0';
        (void)fclose(file);
    }
}

static void find_token(char *out, const char *home)
{
    static const char *const names[] = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", NULL};
    const char *token = first_of(names);
    out[0] = '\0';
    if (token != NULL) {
        (void)snprintf(out, TOKEN_ROOM, "%s", token);
    } else if (!is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
        read_token(out, home);
    }
    const size_t begin = strspn(out, " \t\r\n");
    memmove(out, out + begin, strlen(out + begin) + 1);
    out[strcspn(out, " \t\r\n")] = '\0';
}

int cli_hub_open(pa_context *ctx, cli_progress *progress, pa_hub **out)
{
    static const char *const proxies[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const authorities[] = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", NULL};
    static const char *const excepted[] = {"no_proxy", "NO_PROXY", NULL};
    char home[PATH_ROOM];
    char cache[PATH_ROOM];
    char token[TOKEN_ROOM];
    pa_error err = {0};
    find_home(home);
    find_cache(cache, home);
    find_token(token, home);
    const pa_hub_options options = {.struct_size = sizeof(options),
                                    .cache_dir = cache,
                                    .endpoint = variable("HF_ENDPOINT"),
                                    .token = token,
                                    .proxy = first_of(proxies),
                                    .no_proxy = first_of(excepted),
                                    .progress = cli_progress_fetch,
                                    .progress_user = progress,
                                    .offline = is_true("HF_HUB_OFFLINE") || is_true("TRANSFORMERS_OFFLINE"),
                                    .ca_file = first_of(authorities),
                                    .ca_file_from = first_set(authorities)};
    return pa_hub_open(ctx, &options, out, &err) == PA_OK ? CLI_OK : cli_fail("%s", err.message);
}
