/* SPDX-License-Identifier: Apache-2.0 */
/* Journals of interrupted analyses: as they are, with the header mended, and with all checksums mended, so that records get read. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "analysis/journal.h"
#include "analysis/plan.h"
#include "analysis/record.h"
#include "base/alloc.h"
#include "fuzz.h"

enum { HEADER = 24, FRAME = 20 };

static const char yaml[] = "analysis_name: fuzz\n"
                           "steps: {start: 0, end: 20, step: 10}\n"
                           "metrics:\n"
                           "  - {metric_name: norm, data_split: val, components: [{component_name: simple, "
                           "data_type: weights, layer_suffixes: attention.v_proj, layers: [0, 1]}]}\n"
                           "monitoring: {output_dir: out}\n";

static pa_analysis *analysis;
static uint64_t plan;

/* A plan over a small run; it stays. */
static void start(void)
{
    pa_error err;
    pa_context *ctx = NULL;
    pa_config *config = NULL;
    pa_run *run = NULL;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = fuzz_memory(), .threads = 1};
    memset(&err, 0, sizeof(err));
    pa_status status = pa_context_create(&options, &ctx, &err);
    status = status == PA_OK ? pa_config_parse(ctx, yaml, (int64_t)strlen(yaml), "fuzz.yaml", &config, &err) : status;
    status = status == PA_OK ? pa_run_open(ctx, fuzz_data_path("tiny_run"), &run, &err) : status;
    status = status == PA_OK ? pa_analysis_create(ctx, config, run, &analysis, &err) : status;
    status = status == PA_OK ? pa_plan_hash(analysis, &plan, &err) : status;
    fuzz_require(status == PA_OK, err.message);
}

static pa_status accept(void *user, const char *bytes, int64_t length, pa_error *err)
{
    return pa_record_accept(user, bytes, length, err);
}

static pa_status body(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err)
{
    (void)ctx;
    pa_status status = PA_OK;
    pa_record *record = NULL;
    pa_journal *journal = NULL;
    PA_TRY(pa_record_create(analysis, &record, err));
    PA_TRY(pa_journal_open(fuzz_memory(), fuzz_file(data, n), plan, accept, record, &journal, err));
    const pa_record_progress progress = pa_record_progress_now(record);
    fuzz_require(progress.units >= 0 && progress.units <= pa_units_count(&analysis->plan), "no unit is there twice");
    fuzz_require(progress.steps_done <= analysis->plan.n_steps, "no more steps are done than there are");
    PA_TRY(pa_journal_append(journal, "more", 4, err));

cleanup:
    pa_journal_close(journal);
    pa_record_destroy(record);
    return status;
}

static void put_le(uint8_t *to, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(number >> (8 * i));
    }
}

static void mend_header(uint8_t *bytes)
{
    static const uint8_t magic[] = {'P', 'A', 'j', 'r', 'n', 'l', '\r', '\n', 3, 0, 0, 0};
    memcpy(bytes, magic, sizeof(magic));
    put_le(bytes + 12, plan, 8);
    put_le(bytes + 20, crc32(0, bytes, 20), 4);
}

/* What follows is taken for frames, and made such. */
static void mend_frames(uint8_t *bytes, size_t n)
{
    for (size_t at = HEADER; n - at >= FRAME;) {
        const size_t room = n - at - FRAME;
        const size_t asked = bytes[at + 4] + 256U * bytes[at + 5];
        const size_t length = asked < room ? asked : room;
        memcpy(bytes + at, "PAu1", 4);
        put_le(bytes + at + 4, length, 4);
        const uLong first = crc32(0, bytes + at + 4, 12); /* what was flushed stays as it is */
        put_le(bytes + at + 16, crc32(first, bytes + at + FRAME, (uInt)length), 4);
        at += FRAME + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (analysis == NULL) {
        start();
    }
    fuzz_run(body, data, n);
    if (n >= HEADER) {
        uint8_t *mended = malloc(n);
        fuzz_require(mended != NULL, "there is memory");
        memcpy(mended, data, n);
        mend_header(mended);
        fuzz_run(body, mended, n);
        mend_frames(mended, n);
        fuzz_run(body, mended, n);
        free(mended);
    }
    return 0;
}
