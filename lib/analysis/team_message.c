/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/team_message.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"

/* magic (with the version of all this), kind, execution, number, more, then the bytes; little-endian. */
static const char magic[4] = {'P', 'A', 't', '2'};
enum { HEADER_BYTES = 32, MAX_BYTES = 1 << 30 };
enum { FIRST_PAUSE = 20000, LONGEST_PAUSE = 1000000 }; /* nanoseconds */

static void put(char *to, int n, uint64_t number)
{
    for (int i = 0; i < n; i++) {
        to[i] = (char)(unsigned char)(number >> (8 * i));
    }
}

static uint64_t get(const char *from, int n)
{
    uint64_t number = 0;
    for (int i = 0; i < n; i++) {
        number |= (uint64_t)(unsigned char)from[i] << (8 * i);
    }
    return number;
}

/* A function of the host's that fails without a text gets one. */
static pa_status judge(pa_status status, const char *what, pa_error *err)
{
    if (status != PA_OK && err != NULL && err->message[0] == '\0') {
        return pa_fail(err, status, "the team: %s returned %s", what, pa_status_name(status));
    }
    return status;
}

pa_status pa_message_send(const pa_team *team, const pa_allocator *mem, const pa_message *message, pa_error *err)
{
    pa_status status = PA_OK;
    char small[HEADER_BYTES + sizeof(err->message)]; /* telling of an error must not need memory */
    char *large = NULL;
    char *bytes = small;
    if (message->length > (int64_t)sizeof(small) - HEADER_BYTES) {
        PA_REQUIRE(message->length <= MAX_BYTES - HEADER_BYTES, err, PA_ERR_LIMIT, "a message of %lld bytes",
                   (long long)message->length);
        PA_REQUIRE_MEMORY(large = pa_alloc_raw(mem, HEADER_BYTES + message->length, 1), err, "a message");
        bytes = large;
    }
    memcpy(bytes, magic, sizeof(magic));
    put(bytes + 4, 4, (uint64_t)message->kind);
    put(bytes + 8, 8, (uint64_t)message->execution);
    put(bytes + 16, 8, (uint64_t)message->number);
    put(bytes + 24, 8, (uint64_t)message->more);
    if (message->length > 0) {
        memcpy(bytes + HEADER_BYTES, message->bytes, (size_t)message->length);
    }
    pa_error_clear(err);
    PA_TRY(judge(team->send(team->user, message->rank, bytes, HEADER_BYTES + message->length, err), "send", err));

cleanup:
    pa_free(mem, large);
    return status;
}

/* For rank 0 what the others say, for the others what rank 0 says. */
static int may_say(const pa_team *team, const pa_message *message)
{
    if (team->rank != 0) {
        return message->rank == 0 && message->kind >= PA_SAY_BEGIN && message->kind <= PA_SAY_END;
    }
    return message->kind >= PA_SAY_ASK && message->kind <= PA_SAY_ENDED;
}

static pa_status decode(const pa_team *team, pa_message *message, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    const char *bytes = message->memory;
    PA_REQUIRE(memcmp(bytes, magic, sizeof(magic)) == 0, err, PA_ERR_FORMAT,
               "rank %d: sent a message that is not from this version of the library", (int)message->rank);
    message->kind = (pa_message_kind)get(bytes + 4, 4);
    message->execution = (int64_t)get(bytes + 8, 8);
    message->number = (int64_t)get(bytes + 16, 8);
    message->more = (int64_t)get(bytes + 24, 8);
    message->bytes = bytes + HEADER_BYTES;
    message->length = length - HEADER_BYTES;
    PA_REQUIRE(may_say(team, message), err, PA_ERR_FORMAT, "rank %d: sent a message of kind %d to rank %d",
               (int)message->rank, (int)message->kind, (int)team->rank);

cleanup:
    return status;
}

pa_status pa_message_receive(const pa_team *team, const pa_allocator *mem, pa_message *out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_message message = {.rank = -1};
    int64_t length = -1;
    memset(out, 0, sizeof(*out));
    pa_error_clear(err);
    PA_TRY(judge(team->probe(team->user, &message.rank, &length, err), "probe", err));
    if (length < 0) {
        goto cleanup;
    }
    PA_REQUIRE(message.rank >= 0 && message.rank < team->size && message.rank != team->rank, err, PA_ERR_FORMAT,
               "rank %d: got a message from rank %d of %d", (int)team->rank, (int)message.rank, (int)team->size);
    PA_REQUIRE(length >= HEADER_BYTES && length <= MAX_BYTES, err, PA_ERR_FORMAT,
               "rank %d: sent a message of %lld bytes", (int)message.rank, (long long)length);
    PA_REQUIRE_MEMORY(message.memory = pa_alloc_raw(mem, length, 1), err, "a message");
    PA_TRY(judge(team->receive(team->user, message.rank, message.memory, length, err), "receive", err));
    PA_TRY(decode(team, &message, length, err));
    *out = message;
    message.memory = NULL;

cleanup:
    pa_message_free(mem, &message);
    return status;
}

void pa_message_free(const pa_allocator *mem, pa_message *message)
{
    pa_free(mem, message->memory);
    message->memory = NULL;
}

pa_status pa_message_error(const pa_message *message, pa_status status, pa_error *err)
{
    return status == PA_OK ? PA_OK : pa_fail(err, status, "%.*s", (int)message->length, message->bytes);
}

void pa_team_pause(int64_t *nanoseconds)
{
    const struct timespec pause = {.tv_nsec = (long)*nanoseconds};
    if (*nanoseconds > 0) {
        (void)nanosleep(&pause, NULL);
    }
    *nanoseconds = *nanoseconds == 0 ? FIRST_PAUSE : 2 * *nanoseconds;
    *nanoseconds = *nanoseconds < LONGEST_PAUSE ? *nanoseconds : LONGEST_PAUSE;
}
