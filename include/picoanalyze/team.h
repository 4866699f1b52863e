/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/team.h
 * @brief One analysis computed by several processes, on one machine or many.
 *
 * The host lends the library a way to pass messages: MPI, sockets, whatever it has. Every process ("rank") makes the
 * same analysis and calls pa_analysis_execute(); rank 0 hands out layers of steps to whoever is free, itself included,
 * and collects the values. They are the same to the last bit as those of one process.
 *
 * Threads: the functions of a ::pa_team are called from several threads, one call at a time.
 */
#ifndef PICOANALYZE_TEAM_H
#define PICOANALYZE_TEAM_H
#include <picoanalyze/analysis.h>

PA_BEGIN_DECLS

/**
 * @brief How the ranks of an analysis reach each other. Zero-initialise it; fields are only ever appended.
 *
 * Messages between two ranks arrive complete and in the order in which they were sent. What was sent and not received
 * when an execution ends with an error stays for the next execution, which recognises and drops it: a team serves one
 * execution at a time, and may serve many, one after the other.
 *
 * A function that fails ends the analysis on this rank with its status and text; its `err` is never NULL. When a member
 * is lost, probing must fail sooner or later, or the process be ended from outside (as mpirun does): nobody is asked
 * whether he is still there.
 */
typedef struct pa_team {
    size_t struct_size; /**< `sizeof(pa_team)` as the caller compiled it. */
    void *user;         /**< Handed to each function; may be NULL. */
    int32_t rank;       /**< Of this process, 0 ... size - 1. */
    int32_t size;       /**< Number of processes, at least 1. */

    /**
     * Send `length` bytes (at least 1) to rank `to`, never to itself. Must not wait for the receiver: what cannot be
     * passed on at once is to be copied, `bytes` is lent for the call.
     */
    pa_status (*send)(void *user, int32_t to, const void *bytes, int64_t length, pa_error *err);

    /** Look for a message without waiting: its sender and length, or `*length` = -1 when there is none. */
    pa_status (*probe)(void *user, int32_t *from, int64_t *length, pa_error *err);

    /** Take the message that the last probe told of: all its bytes, into `bytes`, which has room for them. */
    pa_status (*receive)(void *user, int32_t from, void *bytes, int64_t length, pa_error *err);
} pa_team;

/**
 * @brief Let pa_analysis_execute() share its work with the other ranks of a team.
 *
 * Then each rank must call pa_analysis_execute(), for the same configuration, run and library version. Rank 0 gets the
 * results and keeps the journal, if one is set. On the others pa_analysis_execute() returns when the whole analysis has
 * ended, with results that have no rows, and their journal is not touched. If any rank fails or is asked to stop by its
 * progress callback, all end with its status and text; of several failures the one counts that one process would
 * have found first. The callback of rank 0 is told about the whole, the others' about what they compute themselves.
 *
 * A team of one is as good as none.
 * @param[in,out] analysis  Analysis.
 * @param[in]     team      Copied; what `user` points to must live as long as the analysis. NULL: compute alone.
 * @param[out]    err       Error text, or NULL.
 * @retval PA_OK          Set.
 * @retval PA_ERR_INVALID `analysis` is NULL, `struct_size` is below the first version's, `rank` and `size` do not fit
 *                        together, or a function is NULL.
 */
PA_API PA_NODISCARD pa_status pa_analysis_set_team(pa_analysis *analysis, const pa_team *team, pa_error *err);

PA_END_DECLS
#endif
