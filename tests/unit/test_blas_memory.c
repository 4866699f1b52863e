/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A limit on address space: the BLAS would look for room for its work buffer for ever, the library says that there is
 * none. The program runs itself anew for each case, because what has been mapped stays mapped.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "linalg/blas_buffers.h"
#include "pa_load.h"
#include "pa_sanitizers.h"
#include "pa_test.h"

enum { MAX_CALLERS = 8, PATIENCE = 60 /* seconds */, FITS = 0, NO_MEMORY = 10, OTHER = 11 };

/* --- what is run anew --- */

typedef struct callers {
    pa_context *ctx;
    pthread_barrier_t ready; /* all threads are there */
    pthread_barrier_t go;    /* the limit is set */
    atomic_int fits;
    atomic_int no_memory;
    atomic_int other;
} callers;

static void *query(void *user)
{
    callers *c = user;
    uint64_t digest = 0;
    (void)pthread_barrier_wait(&c->ready);
    (void)pthread_barrier_wait(&c->go);
    pa_status status = c->ctx != NULL ? PA_OK : PA_ERR_NOMEM;
    for (uint64_t seed = 0; seed < 10 && status == PA_OK; seed++) {
        status = pa_load_run(c->ctx, seed, 60, &digest);
    }
    atomic_fetch_add(status == PA_OK ? &c->fits : status == PA_ERR_NOMEM ? &c->no_memory : &c->other, 1);
    return NULL;
}

/* Address space in use, in bytes; 0 when that cannot be told. */
static rlim_t mapped(void)
{
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lld", &pages) != 1) {
        pages = 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int limit_address_space(int headroom_mib)
{
    struct rlimit limit = {0};
    limit.rlim_cur = mapped() + ((rlim_t)headroom_mib << 20);
    limit.rlim_max = limit.rlim_cur;
    return setrlimit(RLIMIT_AS, &limit);
}

static int compute_with(int headroom_mib, int n_callers)
{
    pthread_t threads[MAX_CALLERS];
    callers c = {.ctx = NULL};
    atomic_init(&c.fits, 0);
    atomic_init(&c.no_memory, 0);
    atomic_init(&c.other, 0);
    (void)pthread_barrier_init(&c.ready, NULL, (unsigned)n_callers + 1);
    (void)pthread_barrier_init(&c.go, NULL, (unsigned)n_callers + 1);
    for (int i = 0; i < n_callers; i++) {
        if (pthread_create(&threads[i], NULL, query, &c) != 0) {
            return OTHER;
        }
    }
    (void)pthread_barrier_wait(&c.ready);
    const int limited = limit_address_space(headroom_mib);
    const pa_status made = pa_context_create(NULL, &c.ctx, NULL);
    (void)pthread_barrier_wait(&c.go);
    for (int i = 0; i < n_callers; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    pa_context_destroy(c.ctx);
    if (limited != 0 || (made != PA_OK && made != PA_ERR_NOMEM) || atomic_load(&c.other) > 0) {
        return OTHER;
    }
    return atomic_load(&c.no_memory) > 0 ? NO_MEMORY : FITS;
}

/* A context made under a limit has the first buffer, before threads compete for the room. */
static int make_context_with(int headroom_mib)
{
    pa_context *ctx = NULL;
    const int limited = limit_address_space(headroom_mib);
    const rlim_t before = mapped();
    const pa_status status = pa_context_create(NULL, &ctx, NULL);
    const rlim_t grown = mapped() - before;
    pa_context_destroy(ctx);
    if (limited != 0 || before == 0 || status != PA_OK) {
        return OTHER;
    }
    return grown >= (rlim_t)128 << 20 ? FITS : NO_MEMORY;
}

/* --- the tests --- */

static int await(pid_t child)
{
    const struct timespec while_ = {0, 1000000};
    for (int i = 0; i < 1000 * PATIENCE; i++) {
        int how = 0;
        const pid_t ended = waitpid(child, &how, WNOHANG);
        if (ended == child) {
            return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
        }
        if (ended < 0 && errno != EINTR) {
            return -1;
        }
        (void)nanosleep(&while_, NULL);
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    fail_msg("hangs");
    return -1;
}

static const char *program; /* this one; /proc/self/exe may be a program that runs it */

static int outcome(int headroom_mib, int n_callers)
{
    char headroom[16];
    char callers_text[16];
    (void)snprintf(headroom, sizeof(headroom), "%d", headroom_mib);
    (void)snprintf(callers_text, sizeof(callers_text), "%d", n_callers);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* A thread of the BLAS' own would map its buffer when it starts, whatever the library does. */
        (void)setenv("OPENBLAS_NUM_THREADS", "1", 1);
        (void)execl(program, program, headroom, callers_text, (char *)NULL);
        _exit(127);
    }
    const int code = await(child);
    if (code != FITS && code != NO_MEMORY) {
        fail_msg("%d callers with %d MiB left: ends with %d", n_callers, headroom_mib, code);
    }
    return code;
}

/* Sanitizers keep their books in address space: they end the process themselves. */
static int has_own_memory(void)
{
    return !PA_UNDER_ASAN && !PA_UNDER_TSAN;
}

static void test_one_caller_ends_in_a_value_or_in_no_memory(void **state)
{
    (void)state;
    if (!has_own_memory()) {
        skip();
    }
    assert_int_equal(outcome(8, 1), NO_MEMORY);
    assert_int_equal(outcome(64, 1), NO_MEMORY);
    for (int headroom = 112; headroom <= 288; headroom += 8) {
        (void)outcome(headroom, 1);
    }
    assert_int_equal(outcome(512, 1), FITS);
}

static void test_several_callers_end_too(void **state)
{
    (void)state;
    static const int headrooms[] = {8, 64, 128, 150, 200, 256, 288, 330, 400, 512, 700};
    if (!has_own_memory()) {
        skip();
    }
    for (size_t i = 0; i < sizeof(headrooms) / sizeof(headrooms[0]); i++) {
        (void)outcome(headrooms[i], MAX_CALLERS);
    }
    assert_int_equal(outcome(4096, MAX_CALLERS), FITS);
}

static void test_a_context_made_under_a_limit_has_the_first_buffer(void **state)
{
    (void)state;
    if (!has_own_memory()) {
        skip();
    }
    assert_int_equal(outcome(400, 0), FITS);
    assert_int_equal(outcome(200, 0), NO_MEMORY); /* which is for the callers to say, not for the context */
}

static void test_what_is_counted_is_mapped(void **state)
{
    (void)state;
    pa_blas_buffers buffers = {{NULL}, 0};
    for (int32_t i = 0; i < 4; i++) {
        assert_int_equal(pa_blas_buffers_add(&buffers), 1);
        assert_int_equal(buffers.count, i + 1);
        assert_non_null(buffers.known[i]);
        ((volatile char *)buffers.known[i])[0] = 1;
        for (int32_t j = 0; j < i; j++) {
            assert_ptr_not_equal(buffers.known[i], buffers.known[j]);
        }
    }
    buffers.count = PA_BLAS_MAX_BUFFERS;
    assert_int_equal(pa_blas_buffers_add(&buffers), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_caller_ends_in_a_value_or_in_no_memory),
        cmocka_unit_test(test_several_callers_end_too),
        cmocka_unit_test(test_a_context_made_under_a_limit_has_the_first_buffer),
        cmocka_unit_test(test_what_is_counted_is_mapped),
    };
    if (argc == 3) {
        const int n_callers = atoi(argv[2]);
        return n_callers > 0 ? compute_with(atoi(argv[1]), n_callers) : make_context_with(atoi(argv[1]));
    }
    program = argv[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
