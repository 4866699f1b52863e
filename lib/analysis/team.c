/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What a host lends, checked. */
#include "analysis/team.h"

#include <string.h>

#include "analysis/team_message.h"

pa_status pa_analysis_set_team(pa_analysis *analysis, const pa_team *team, pa_error *err)
{
    pa_status status = PA_OK;
    pa_team own = {.struct_size = sizeof(own)};
    PA_REQUIRE(analysis != NULL, err, PA_ERR_INVALID, "pa_analysis_set_team: analysis is NULL");
    if (team != NULL) {
        PA_REQUIRE(team->struct_size >= sizeof(own), err, PA_ERR_INVALID, "pa_team: struct_size %zu, at least %zu",
                   team->struct_size, sizeof(own));
        memcpy(&own, team, sizeof(own));
        PA_REQUIRE(own.size >= 1 && own.rank >= 0 && own.rank < own.size, err, PA_ERR_INVALID, "pa_team: rank %d of %d",
                   (int)own.rank, (int)own.size);
        PA_REQUIRE(own.send != NULL && own.probe != NULL && own.receive != NULL, err, PA_ERR_INVALID,
                   "pa_team: send, probe and receive are needed");
    }
    analysis->team = own;

cleanup:
    return status;
}

int pa_team_is_shared(const pa_analysis *analysis)
{
    return analysis->team.size > 1;
}

void pa_team_dismiss(const pa_analysis *analysis, pa_status status, const pa_error *error)
{
    pa_error unheard = {0};
    const char *text = status != PA_OK && error != NULL ? error->message : "";
    for (int32_t rank = 1; rank < analysis->team.size; rank++) {
        const pa_message end = {
            .rank = rank, .kind = PA_SAY_END, .number = status, .bytes = text, .length = (int64_t)strlen(text)};
        const pa_status sent = pa_message_send(&analysis->team, analysis->plan.mem, &end, &unheard);
        (void)sent; /* who cannot be reached will hear it from the host's transport */
    }
}
