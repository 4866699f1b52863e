/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `picoanalyze convert`: the tensors of any file that can be read, as one safetensors file. */
#include <inttypes.h>

#include "args.h"
#include "format.h"
#include "progress.h"
#include "signals.h"

typedef struct conversion {
    cli_progress progress;
    int64_t tensors;
    int64_t bytes;
} conversion;

static int32_t on_progress(void *user, const pa_convert_progress *state)
{
    conversion *c = user;
    c->tensors = state->tensors;
    c->bytes = state->bytes;
    cli_progress_draw(&c->progress, (double)state->bytes_done, (double)state->bytes);
    return !cli_signal_pending();
}

static int convert(const char *in, const char *out, int overwrite, int quiet)
{
    pa_error err = {0};
    pa_context *ctx = NULL;
    pa_checkpoint *checkpoint = NULL;
    conversion c = {.tensors = 0};
    cli_progress_begin(&c.progress, quiet);
    const pa_context_options options = {
        .struct_size = sizeof(options), .log = cli_log, .log_user = &c.progress, .threads = 1};
    const pa_convert_options how = {
        .struct_size = sizeof(how), .progress = on_progress, .user = &c, .overwrite = overwrite};
    pa_status status = pa_context_create(&options, &ctx, &err);
    if (status == PA_OK) {
        status = pa_checkpoint_open(ctx, in, &checkpoint, &err);
    }
    if (status == PA_OK) {
        cli_signals_catch();
        status = pa_checkpoint_convert(checkpoint, out, &how, &err);
        cli_progress_clear(&c.progress);
    }
    pa_checkpoint_destroy(checkpoint);
    pa_context_destroy(ctx);
    if (status == PA_ERR_CANCELLED) {
        (void)cli_fail("interrupted; nothing was written");
        cli_signal_reraise();
        return CLI_ERROR;
    }
    if (status != PA_OK) {
        return cli_fail("%s%s", err.message, status == PA_ERR_EXISTS ? "; --force replaces it" : "");
    }
    if (!quiet) {
        char bytes[CLI_NUMBER_SIZE];
        cli_format_bytes(bytes, (double)c.bytes);
        printf("%s: %" PRId64 " tensor%s, %s of elements\n", out, c.tensors, c.tensors == 1 ? "" : "s", bytes);
    }
    return CLI_OK;
}

int cli_convert(int argc, char **argv)
{
    const char *in = NULL;
    const char *out = NULL;
    int force = 0;
    int quiet = 0;
    const cli_option options[] = {
        {.name = "force", .help = "replace OUT if it is there", .flag = &force},
        {.name = "quiet", .help = "print errors and warnings only", .flag = &quiet},
    };
    const cli_command command = {.name = "convert",
                                 .summary = "Write the tensors of a file to a safetensors file, bit for bit.",
                                 .details = "IN is any file that 'inspect' reads, also the index of a checkpoint in "
                                            "several files. Nothing in it is executed.",
                                 .options = options,
                                 .n_options = 2,
                                 .operand_name = "IN",
                                 .operand = &in,
                                 .second_name = "OUT",
                                 .second = &out};
    const cli_verdict verdict = cli_parse(&command, argc, argv);
    if (verdict != CLI_GO_ON) {
        return verdict == CLI_HELP_SHOWN ? CLI_OK : CLI_USAGE;
    }
    return convert(in, out, force, quiet);
}
