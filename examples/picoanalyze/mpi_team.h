/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Several processes started by mpirun as one team. Where the program was built without MPI it is always alone. */
#ifndef PICOANALYZE_MPI_TEAM_H
#define PICOANALYZE_MPI_TEAM_H
#include "cli.h"

/** Opaque. NULL everywhere below: this process is alone. */
typedef struct cli_mpi cli_mpi;

/** Join the others, if the program was started with others: CLI_OK, or CLI_ERROR with the reason on stderr. */
int cli_mpi_begin(cli_mpi **out);

/** Part from them, once all have got as far: what is still under way is dropped. */
void cli_mpi_end(cli_mpi *mpi);

/** 0 ... size - 1; 0 when alone. */
int32_t cli_mpi_rank(const cli_mpi *mpi);

/** For pa_analysis_set_team(): NULL when alone. Lives until cli_mpi_end(). */
const pa_team *cli_mpi_team(const cli_mpi *mpi);

/** This process' share of the processors of its machine; 0 when alone: as many as there are. */
int32_t cli_mpi_threads(const cli_mpi *mpi);

/** All get the code that rank 0 gives. Every rank must call it. */
int cli_mpi_first(const cli_mpi *mpi, int code);

/** All get the highest code that any gives. Every rank must call it. */
int cli_mpi_worst(const cli_mpi *mpi, int code);
#endif
