/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What the ranks of a team say to each other. */
#ifndef PA_ANALYSIS_TEAM_MESSAGE_H
#define PA_ANALYSIS_TEAM_MESSAGE_H
#include <picoanalyze/team.h>

#include "base/error.h"

/** Kinds of messages, and what `number`, `more` and the bytes are. */
typedef enum pa_message_kind {
    PA_SAY_BEGIN = 1, /**< 0 to all: number of the execution, hash of the plan. */
    PA_SAY_UNIT = 2,  /**< 0 to one that asked: the unit to compute, one of PA_UNIT_*. */
    PA_SAY_STOP = 3,  /**< 0 to one: what you compute is not wanted any more. */
    PA_SAY_END = 4,   /**< 0 to all, its last one: final status, -, text of the error. */
    PA_SAY_ASK = 5,   /**< To 0: -, -: a unit, please. */
    PA_SAY_ROWS = 6,  /**< To 0: -, -, the rows of a unit (unit_rows.h). */
    PA_SAY_ENDED = 7  /**< To 0, the last one: status, bytes of files read, text of the error. */
} pa_message_kind;

typedef struct pa_message {
    int32_t rank; /**< Who sent it, or who is to get it. */
    pa_message_kind kind;
    int64_t execution; /**< As rank 0 numbered it. Rank 0 may leave before all it has asked for has come: see below. */
    int64_t number;
    int64_t more;
    const char *bytes; /**< When received: in `memory`. */
    int64_t length;
    char *memory; /**< Received: free with pa_message_free(). */
} pa_message;

/** Errors begin with who is concerned: "rank 2: ...". */
pa_status pa_message_send(const pa_team *team, const pa_allocator *mem, const pa_message *message, pa_error *err);

/** The next message: `kind` is 0 when there is none. PA_ERR_FORMAT: it is none of the above. */
pa_status pa_message_receive(const pa_team *team, const pa_allocator *mem, pa_message *out, pa_error *err);
void pa_message_free(const pa_allocator *mem, pa_message *message);

/** The bytes of a message are the text of an error with that status. */
pa_status pa_message_error(const pa_message *message, pa_status status, pa_error *err);

/** Wait a little before looking again: longer each time, from `*nanoseconds` = 0 on. */
void pa_team_pause(int64_t *nanoseconds);
#endif
