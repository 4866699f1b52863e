/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A pa_team over MPI. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "mpi_team.h"

#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG = 1 };

/** A message that MPI has not passed on completely. */
typedef struct letter {
    struct letter *next;
    MPI_Request request;
    char bytes[];
} letter;

struct cli_mpi {
    pa_team team;
    MPI_Comm all;
    int32_t threads;
    letter *under_way;
};

static pa_status check(int code, const char *what, pa_error *err)
{
    char reason[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (code == MPI_SUCCESS) {
        return PA_OK;
    }
    (void)MPI_Error_string(code, reason, &length);
    (void)snprintf(err->message, sizeof(err->message), "%s: %s", what, reason);
    err->status = PA_ERR_IO;
    return PA_ERR_IO;
}

/** @name The team's functions
 * @{ */

/* Let go of what has been passed on. */
static pa_status tidy(cli_mpi *mpi, pa_error *err)
{
    pa_status status = PA_OK;
    letter **link = &mpi->under_way;
    while (*link != NULL && status == PA_OK) {
        letter *at = *link;
        int passed = 0;
        status = check(MPI_Test(&at->request, &passed, MPI_STATUS_IGNORE), "MPI_Test", err);
        if (passed || status != PA_OK) {
            *link = at->next;
            free(at);
        } else {
            link = &at->next;
        }
    }
    return status;
}

static pa_status team_send(void *user, int32_t to, const void *bytes, int64_t length, pa_error *err)
{
    cli_mpi *mpi = user;
    letter *made = length <= INT32_MAX ? malloc(sizeof(*made) + (size_t)length) : NULL;
    if (made == NULL) {
        (void)snprintf(err->message, sizeof(err->message), "out of memory for a message");
        return PA_ERR_NOMEM;
    }
    memcpy(made->bytes, bytes, (size_t)length);
    const int code = MPI_Isend(made->bytes, (int)length, MPI_BYTE, to, TAG, mpi->all, &made->request);
    if (code != MPI_SUCCESS) {
        free(made);
        return check(code, "MPI_Isend", err);
    }
    made->next = mpi->under_way;
    mpi->under_way = made;
    return tidy(mpi, err);
}

static pa_status team_probe(void *user, int32_t *from, int64_t *length, pa_error *err)
{
    cli_mpi *mpi = user;
    MPI_Status what;
    int there = 0;
    int count = 0;
    pa_status status = tidy(mpi, err);
    *length = -1;
    if (status == PA_OK) {
        status = check(MPI_Iprobe(MPI_ANY_SOURCE, TAG, mpi->all, &there, &what), "MPI_Iprobe", err);
    }
    if (status == PA_OK && there) {
        status = check(MPI_Get_count(&what, MPI_BYTE, &count), "MPI_Get_count", err);
        *from = what.MPI_SOURCE;
        *length = count;
    }
    return status;
}

static pa_status team_receive(void *user, int32_t from, void *bytes, int64_t length, pa_error *err)
{
    const cli_mpi *mpi = user;
    return check(MPI_Recv(bytes, (int)length, MPI_BYTE, from, TAG, mpi->all, MPI_STATUS_IGNORE), "MPI_Recv", err);
}
/** @} */

/** @name Begin and end
 * @{ */

/* Processors that the processes of this machine may use, shared evenly: mpirun may or may not have bound each to some. */
static int32_t share_processors(MPI_Comm all)
{
    MPI_Comm here;
    cpu_set_t own[8]; /* 8192 processors */
    cpu_set_t any[8];
    int processes = 1;
    memset(own, 0, sizeof(own));
    (void)sched_getaffinity(0, sizeof(own), own);
    MPI_Comm_split_type(all, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &processes);
    MPI_Allreduce(own, any, (int)sizeof(own), MPI_BYTE, MPI_BOR, here);
    MPI_Comm_free(&here);
    const int share = CPU_COUNT_S(sizeof(any), any) / processes;
    return share > 1 ? share : 1;
}

/* What the launchers of Open MPI, Slurm and others set. Without one of them MPI would have to start its own daemon. */
static int was_launched(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") != NULL || getenv("PMIX_RANK") != NULL || getenv("PMI_RANK") != NULL;
}

static int join(cli_mpi *mpi)
{
    int provided = MPI_THREAD_SINGLE;
    int rank = 0;
    int size = 0;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS) {
        return cli_fail("MPI does not start");
    }
    if (provided < MPI_THREAD_SERIALIZED) {
        return cli_fail("this MPI is built without threads");
    }
    MPI_Comm_dup(MPI_COMM_WORLD, &mpi->all);
    MPI_Comm_set_errhandler(mpi->all, MPI_ERRORS_RETURN);
    MPI_Comm_rank(mpi->all, &rank);
    MPI_Comm_size(mpi->all, &size);
    cli_speak_as(rank);
    mpi->threads = share_processors(mpi->all);
    mpi->team = (pa_team){.struct_size = sizeof(mpi->team),
                          .user = mpi,
                          .rank = rank,
                          .size = size,
                          .send = team_send,
                          .probe = team_probe,
                          .receive = team_receive};
    return CLI_OK;
}

int cli_mpi_begin(cli_mpi **out)
{
    *out = NULL;
    if (!was_launched()) {
        return CLI_OK;
    }
    cli_mpi *mpi = calloc(1, sizeof(*mpi));
    if (mpi == NULL) {
        return cli_fail("out of memory for MPI");
    }
    const int code = join(mpi);
    if (code != CLI_OK) {
        free(mpi);
        return code;
    }
    *out = mpi;
    return CLI_OK;
}

/* Take a message and drop it: 1 when there was one. */
static int drop_one(cli_mpi *mpi)
{
    pa_error err = {0};
    int32_t from = 0;
    int64_t length = -1;
    if (team_probe(mpi, &from, &length, &err) != PA_OK || length < 0) {
        return 0;
    }
    char *bytes = malloc((size_t)length + 1);
    const int dropped = bytes != NULL && team_receive(mpi, from, bytes, length, &err) == PA_OK;
    free(bytes);
    return dropped;
}

/*
 * Messages that nobody waits for any more must be taken all the same, or their senders would wait for ever. When all
 * of a rank's own are passed on it enters a barrier, and takes messages until all are there.
 */
void cli_mpi_end(cli_mpi *mpi)
{
    if (mpi != NULL) {
        const struct timespec pause = {.tv_nsec = 1000000};
        MPI_Request barrier = MPI_REQUEST_NULL;
        int entered = 0;
        int over = 0;
        while (!over) {
            if (!drop_one(mpi)) {
                (void)nanosleep(&pause, NULL);
            }
            if (!entered && mpi->under_way == NULL) {
                entered = 1;
                over = MPI_Ibarrier(mpi->all, &barrier) != MPI_SUCCESS;
            } else if (entered && MPI_Test(&barrier, &over, MPI_STATUS_IGNORE) != MPI_SUCCESS) {
                over = 1;
            }
        }
        MPI_Comm_free(&mpi->all);
        MPI_Finalize();
        free(mpi);
    }
}
/** @} */

int32_t cli_mpi_rank(const cli_mpi *mpi)
{
    return mpi != NULL ? mpi->team.rank : 0;
}

const pa_team *cli_mpi_team(const cli_mpi *mpi)
{
    return mpi != NULL ? &mpi->team : NULL;
}

int32_t cli_mpi_threads(const cli_mpi *mpi)
{
    return mpi != NULL ? mpi->threads : 0;
}

int cli_mpi_first(const cli_mpi *mpi, int code)
{
    if (mpi != NULL) {
        MPI_Bcast(&code, 1, MPI_INT, 0, mpi->all);
    }
    return code;
}

int cli_mpi_worst(const cli_mpi *mpi, int code)
{
    int worst = code;
    if (mpi != NULL) {
        MPI_Allreduce(&code, &worst, 1, MPI_INT, MPI_MAX, mpi->all);
    }
    return worst;
}
