/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <picoanalyze/plugin.h>

typedef pa_status (*register_fn)(pa_context *ctx, pa_error *err);

/* ISO C has no cast from an object pointer to a function pointer; POSIX promises that the bytes are the same. */
static register_fn find_register(void *handle)
{
    register_fn function = NULL;
    void *symbol = dlsym(handle, "pa_plugin_register");
    memcpy(&function, &symbol, sizeof(function));
    return function;
}

/* dlopen() looks for a name without '/' in the system's directories; a user means the file. */
static void *open_file(const char *path)
{
    if (strchr(path, '/') != NULL) {
        return dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    const size_t size = strlen(path) + 3;
    char *here = malloc(size);
    void *handle = NULL;
    if (here != NULL) {
        (void)snprintf(here, size, "./%s", path);
        handle = dlopen(here, RTLD_NOW | RTLD_LOCAL);
        free(here);
    }
    return handle;
}

static int load(cli_plugins *plugins, const char *path, pa_context *ctx)
{
    void *handle = open_file(path);
    if (handle == NULL) {
        const char *reason = dlerror();
        return cli_fail("plugin %s: %s", path, reason != NULL ? reason : "out of memory");
    }
    plugins->handles[plugins->count++] = handle; /* what it registers before it fails refers to it */
    register_fn function = find_register(handle);
    if (function == NULL) {
        return cli_fail("plugin %s: it exports no function pa_plugin_register", path);
    }
    pa_error err = {0};
    const pa_status status = function(ctx, &err);
    if (status != PA_OK) {
        return cli_fail("plugin %s: %s", path, err.message[0] != '\0' ? err.message : pa_status_name(status));
    }
    return CLI_OK;
}

int cli_plugins_load(cli_plugins *plugins, const cli_values *paths, pa_context *ctx)
{
    for (int i = 0; i < paths->count; i++) {
        if (load(plugins, paths->items[i], ctx) != CLI_OK) {
            return CLI_ERROR;
        }
    }
    return CLI_OK;
}

void cli_plugins_unload(cli_plugins *plugins)
{
    while (plugins->count > 0) {
        (void)dlclose(plugins->handles[--plugins->count]);
    }
}
