/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/curl.h"

#include <dlfcn.h>
#include <string.h>

#ifdef __APPLE__
#define PA_CURL_LIBRARY "libcurl.4.dylib"
#else
#define PA_CURL_LIBRARY "libcurl.so.4"
#endif

/* The address of a function is not a pointer to an object, but dlsym() gives one. */
static int find(void *library, const char *name, void *function, size_t size)
{
    void *address = dlsym(library, name);
    memcpy(function, &address, size);
    return address != NULL;
}

static int find_all(pa_curl *curl)
{
#define FIND(field, name) find(curl->library, name, &curl->field, sizeof(curl->field))
    return FIND(global_init, "curl_global_init") && FIND(global_cleanup, "curl_global_cleanup") &&
           FIND(easy_init, "curl_easy_init") && FIND(easy_cleanup, "curl_easy_cleanup") &&
           FIND(easy_setopt, "curl_easy_setopt") && FIND(easy_getinfo, "curl_easy_getinfo") &&
           FIND(easy_perform, "curl_easy_perform") && FIND(easy_strerror, "curl_easy_strerror") &&
           FIND(slist_append, "curl_slist_append") && FIND(slist_free_all, "curl_slist_free_all") &&
           FIND(url, "curl_url") && FIND(url_cleanup, "curl_url_cleanup") && FIND(url_get, "curl_url_get") &&
           FIND(url_set, "curl_url_set") && FIND(free_text, "curl_free");
#undef FIND
}

pa_status pa_curl_open(pa_curl *curl, pa_error *err)
{
    pa_status status = PA_OK;
    /* Its own libraries register handlers for the end of the process: none of them may be unloaded. */
    curl->library = dlopen(PA_CURL_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (curl->library == NULL) {
        const char *why = dlerror();
        return pa_fail(err, PA_ERR_UNSUPPORTED, "the Hub needs libcurl: %s", why != NULL ? why : PA_CURL_LIBRARY);
    }
    PA_REQUIRE(find_all(curl), err, PA_ERR_UNSUPPORTED, "the Hub needs libcurl 7.62: %s is older", PA_CURL_LIBRARY);
    PA_REQUIRE(curl->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, err, PA_ERR_NOMEM, "libcurl cannot be started");
    return PA_OK;

cleanup:
    (void)dlclose(curl->library);
    curl->library = NULL;
    return status;
}

void pa_curl_close(pa_curl *curl)
{
    if (curl->library != NULL) {
        curl->global_cleanup();
        (void)dlclose(curl->library);
        curl->library = NULL;
    }
}
