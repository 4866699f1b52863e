/* SPDX-License-Identifier: Apache-2.0 */
/* in_terminal PROGRAM [ARG...]: runs a program on a terminal of 100 columns and copies what it shows to stdout. */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE /* struct winsize */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const char *terminal, char **argv)
{
    const struct winsize size = {.ws_row = 40, .ws_col = 100};
    (void)setsid();
    const int fd = open(terminal, O_RDWR);
    if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) {
        _exit(126);
    }
    (void)ioctl(fd, TIOCSWINSZ, &size);
    (void)execv(argv[0], argv);
    _exit(127);
}

int main(int argc, char **argv)
{
    const int host = posix_openpt(O_RDWR | O_NOCTTY);
    if (argc < 2 || host < 0 || grantpt(host) != 0 || unlockpt(host) != 0) {
        return 2;
    }
    const char *terminal = ptsname(host);
    const pid_t child = fork();
    if (child == 0) {
        become(terminal, argv + 1);
    }
    char buffer[4096];
    for (;;) { /* ends with EIO once nobody has the terminal open any more */
        const ssize_t n = read(host, buffer, sizeof(buffer));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        (void)fwrite(buffer, 1, (size_t)n, stdout);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
