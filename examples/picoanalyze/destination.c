/* SPDX-License-Identifier: Apache-2.0 */
#include "destination.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* "a/b" becomes "a", "/a" becomes "/", "a" becomes ".". */
static void to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    while (slash != NULL && slash > path && slash[1] == '\0') { /* "a/" is "a" */
        *slash = '\0';
        slash = strrchr(path, '/');
    }
    if (slash == NULL) {
        (void)memcpy(path, ".", 2);
    } else {
        slash[slash == path] = '\0';
    }
}

int cli_destination_check(const char *directory)
{
    struct stat info;
    int code = CLI_OK;
    char *path = strdup(directory);
    int exists = path != NULL && *path != '\0' && stat(path, &info) == 0;
    if (path == NULL || *path == '\0') {
        free(path);
        return path == NULL ? cli_fail("out of memory for a path") : CLI_OK; /* exporting tells about no name at all */
    }
    while (!exists && errno == ENOENT && strcmp(path, ".") != 0 && strcmp(path, "/") != 0) {
        to_parent(path);
        exists = stat(path, &info) == 0;
    }
    if (!exists) {
        code = cli_fail("%s: cannot be written: %s: %s", directory, path, strerror(errno));
    } else if (!S_ISDIR(info.st_mode)) {
        code = cli_fail("%s: cannot be written: %s is not a directory", directory, path);
    } else if (access(path, W_OK | X_OK) != 0) {
        code = cli_fail("%s: cannot be written: %s: %s", directory, path, strerror(errno));
    }
    free(path);
    return code;
}
