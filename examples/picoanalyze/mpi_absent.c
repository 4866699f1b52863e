/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The program built without MPI. */
#include <stdlib.h>
#include <string.h>

#include "mpi_team.h"

/* Several processes that do not know of each other would all write the same files. */
int cli_mpi_begin(cli_mpi **out)
{
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    *out = NULL;
    if (size != NULL && strcmp(size, "1") != 0) {
        return cli_fail("was started as one of %s processes, but is built without MPI (meson setup -Dmpi=enabled)",
                        size);
    }
    return CLI_OK;
}

void cli_mpi_end(cli_mpi *mpi)
{
    (void)mpi;
}

int32_t cli_mpi_rank(const cli_mpi *mpi)
{
    (void)mpi;
    return 0;
}

const pa_team *cli_mpi_team(const cli_mpi *mpi)
{
    (void)mpi;
    return NULL;
}

int32_t cli_mpi_threads(const cli_mpi *mpi)
{
    (void)mpi;
    return 0;
}

int cli_mpi_first(const cli_mpi *mpi, int code)
{
    (void)mpi;
    return code;
}

int cli_mpi_worst(const cli_mpi *mpi, int code)
{
    (void)mpi;
    return code;
}
