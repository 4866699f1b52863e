/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A team in one process: a thread a rank, mailboxes for messages, and faults on demand. */
#ifndef TEAM_HUB_H
#define TEAM_HUB_H
#include "tiny_run.h"

enum { HUB_RANKS = 8, HUB_HEADER = 32 };

typedef struct hub_letter {
    struct hub_letter *next;
    int32_t from;
    int64_t length;
    char bytes[];
} hub_letter;

typedef struct hub {
    pthread_mutex_t lock;
    hub_letter *boxes[HUB_RANKS]; /**< By receiver, the oldest first. */
    int64_t sent[HUB_RANKS];      /**< Messages, by sender. */
    int64_t rows[HUB_RANKS];      /**< Messages with rows, by sender. */
    int32_t lost;                 /**< From now on each call fails. */
    int32_t faults;               /**< That `fault` has done. */
    /** May be NULL. Changes a message, or its length: negative is not to be delivered at all. Called with the lock. */
    int64_t (*fault)(struct hub *hub, int32_t from, char *bytes, int64_t length);
} hub;

typedef struct hub_seat {
    hub *at;
    int32_t rank;
} hub_seat;

static inline pa_status hub_check(const hub *h, pa_error *err)
{
    if (h->lost) {
        (void)snprintf(err->message, sizeof(err->message), "the line is dead");
        return PA_ERR_IO;
    }
    return PA_OK;
}

static inline void hub_post(hub *h, int32_t from, int32_t to, const void *bytes, int64_t length)
{
    hub_letter *letter = malloc(sizeof(*letter) + (size_t)length + 1);
    hub_letter **link = &h->boxes[to];
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = letter;
    *letter = (hub_letter){.from = from, .length = length};
    memcpy(letter->bytes, bytes, (size_t)length);
    h->rows[from] += letter->bytes[4] == 6;
    h->sent[from]++;
    const int64_t wanted = h->fault != NULL ? h->fault(h, from, letter->bytes, length) : length;
    letter->length = wanted;
    if (wanted < 0) {
        *link = NULL;
        free(letter);
    }
}

static inline pa_status hub_send(void *user, int32_t to, const void *bytes, int64_t length, pa_error *err)
{
    const hub_seat *seat = user;
    pthread_mutex_lock(&seat->at->lock);
    const pa_status status = hub_check(seat->at, err);
    if (status == PA_OK) {
        hub_post(seat->at, seat->rank, to, bytes, length);
    }
    pthread_mutex_unlock(&seat->at->lock);
    return status;
}

static inline pa_status hub_probe(void *user, int32_t *from, int64_t *length, pa_error *err)
{
    const hub_seat *seat = user;
    pthread_mutex_lock(&seat->at->lock);
    const pa_status status = hub_check(seat->at, err);
    const hub_letter *letter = seat->at->boxes[seat->rank];
    *length = -1;
    if (status == PA_OK && letter != NULL) {
        *from = letter->from;
        *length = letter->length;
    }
    pthread_mutex_unlock(&seat->at->lock);
    return status;
}

static inline pa_status hub_receive(void *user, int32_t from, void *bytes, int64_t length, pa_error *err)
{
    const hub_seat *seat = user;
    pthread_mutex_lock(&seat->at->lock);
    const pa_status status = hub_check(seat->at, err);
    hub_letter *letter = seat->at->boxes[seat->rank];
    if (status == PA_OK) {
        if (letter == NULL || letter->from != from || letter->length != length) {
            abort(); /* not what the last probe told of */
        }
        memcpy(bytes, letter->bytes, (size_t)length);
        seat->at->boxes[seat->rank] = letter->next;
        free(letter);
    }
    pthread_mutex_unlock(&seat->at->lock);
    return status;
}

static inline int64_t hub_clear(hub *h)
{
    int64_t n = 0;
    for (int i = 0; i < HUB_RANKS; i++) {
        while (h->boxes[i] != NULL) {
            hub_letter *letter = h->boxes[i];
            h->boxes[i] = letter->next;
            free(letter);
            n++;
        }
    }
    return n;
}

/** One rank: what it is to do, and what came of it. */
typedef struct member {
    hub_seat seat;
    int32_t size;
    int32_t threads;
    const char *yaml;
    const pa_allocator *mem;
    void (*prepare)(struct member *m); /**< Registers what the test needs; may be NULL. */
    pa_progress_fn progress;
    void *user;
    const char *journal;
    pa_journal_mode mode;
    tiny t;
    pa_status status;
    pthread_t thread;
} member;

static inline void *member_run(void *argument)
{
    member *m = argument;
    const pa_team team = {.struct_size = sizeof(team),
                          .user = &m->seat,
                          .rank = m->seat.rank,
                          .size = m->size,
                          .send = hub_send,
                          .probe = hub_probe,
                          .receive = hub_receive};
    m->status = pa_analysis_set_team(m->t.analysis, &team, &m->t.err);
    if (m->status == PA_OK) {
        m->status = pa_analysis_set_journal(m->t.analysis, m->journal, m->mode, &m->t.err);
    }
    if (m->status == PA_OK) {
        m->status = pa_analysis_execute(m->t.analysis, m->progress, m->user, &m->t.results, &m->t.err);
    }
    return NULL;
}

/** Fill in what all ranks have in common. */
static inline void team_seat(member *members, int32_t n, hub *h, const char *yaml)
{
    memset(members, 0, (size_t)n * sizeof(*members));
    for (int32_t i = 0; i < n; i++) {
        members[i] = (member){.seat = {h, i}, .size = n, .threads = 1 + i % 2, .yaml = yaml};
    }
}

/** Context and plan of each rank. */
static inline void team_plan(member *members, int32_t n)
{
    pa_error err = {0};
    for (int32_t i = 0; i < n; i++) {
        member *m = &members[i];
        assert_ok(tiny_start(&m->t, m->mem, m->threads));
        if (m->prepare != NULL) {
            m->prepare(m);
        }
        assert_ok(tiny_plan(&m->t, m->yaml));
    }
}

/** Execute: rank 0 on this thread. May be called again. */
static inline void team_run(member *members, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        pa_results_destroy(members[i].t.results);
        members[i].t.results = NULL;
        memset(&members[i].t.err, 0, sizeof(members[i].t.err));
    }
    for (int32_t i = 1; i < n; i++) {
        if (pthread_create(&members[i].thread, NULL, member_run, &members[i]) != 0) {
            abort();
        }
    }
    (void)member_run(&members[0]);
    for (int32_t i = 1; i < n; i++) {
        pthread_join(members[i].thread, NULL);
    }
}

static inline void team_end(member *members, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        tiny_end(&members[i].t);
    }
}
#endif
