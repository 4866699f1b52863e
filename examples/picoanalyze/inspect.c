/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `picoanalyze inspect`: the tensors of a file or a run. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "args.h"
#include "format.h"

/** What is printed of a name. */
enum { MAX_NAME = 512, MIN_NAME = 4 };

/** Sums for the last line. */
typedef struct totals {
    int64_t tensors;
    int64_t steps;
    double bytes;
    const char *naming; /**< Whose names there are besides pico-train's; NULL: none. */
} totals;

static void format_shape(char *out, size_t size, const pa_tensor_info *info)
{
    size_t used = 0;
    out[0] = '\0';
    for (int32_t i = 0; i < info->ndim && used < size; i++) {
        const int n = snprintf(out + used, size - used, "%s%" PRId64, i > 0 ? ", " : "", info->shape[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

static double tensor_bytes(const pa_tensor_info *info)
{
    double bytes = (double)pa_dtype_size(info->dtype);
    for (int32_t i = 0; i < info->ndim; i++) {
        bytes *= (double)info->shape[i];
    }
    return bytes;
}

/* Names come from files: nothing in them may steer the terminal. Cut when longer than any name that makes sense. */
static const char *printable(char *out, size_t size, const char *name)
{
    size_t n = 0;
    for (; name[n] != '\0' && n + 1 < size; n++) {
        const unsigned char c = (unsigned char)name[n];
        out[n] = c < 0x20 || c == 0x7f ? '?' : name[n];
    }
    out[n] = '\0';
    return out;
}

static int longest_name(const pa_checkpoint *checkpoint, int longest)
{
    for (int64_t i = 0; i < pa_checkpoint_count(checkpoint); i++) {
        pa_tensor_info info = {.struct_size = sizeof(info)};
        if (pa_checkpoint_tensor(checkpoint, i, &info, NULL) == PA_OK) {
            const int length = (int)strnlen(info.name, MAX_NAME - 1);
            longest = length > longest ? length : longest;
        }
    }
    for (int64_t i = 0; i < pa_checkpoint_omitted_count(checkpoint); i++) {
        pa_omitted_info info = {.struct_size = sizeof(info)};
        if (pa_checkpoint_omitted(checkpoint, i, &info, NULL) == PA_OK) {
            const int length = (int)strnlen(info.name, MAX_NAME - 1);
            longest = length > longest ? length : longest;
        }
    }
    return longest;
}

static void print_header(int name_width)
{
    const cli_style style = cli_stdout_style();
    printf("%s%8s  %-5s  %-11s  %-*s  %-5s  %s%s\n", style.bold, "step", "split", "kind", name_width, "name", "dtype",
           "shape", style.reset);
}

/* Tensors that are there and cannot be read, below those that can. */
static int print_omitted(const pa_checkpoint *checkpoint, const char *step, int name_width)
{
    for (int64_t i = 0; i < pa_checkpoint_omitted_count(checkpoint); i++) {
        pa_error err = {0};
        pa_omitted_info info = {.struct_size = sizeof(info)};
        char name[MAX_NAME];
        char what[MAX_NAME];
        if (pa_checkpoint_omitted(checkpoint, i, &info, &err) != PA_OK) {
            return cli_fail("%s", err.message);
        }
        printf("%8s  %-5s  %-11s  %-*s  cannot be read: %s\n", step, info.split[0] != '\0' ? info.split : "-",
               pa_kind_name(info.kind), name_width, printable(name, sizeof(name), info.name),
               printable(what, sizeof(what), info.what));
    }
    return CLI_OK;
}

static int print_tensors(const pa_checkpoint *checkpoint, int name_width, totals *sums)
{
    sums->naming = pa_checkpoint_naming(checkpoint) != NULL ? pa_checkpoint_naming(checkpoint) : sums->naming;
    char step[24] = "-";
    if (pa_checkpoint_step(checkpoint) >= 0) {
        (void)snprintf(step, sizeof(step), "%" PRId64, pa_checkpoint_step(checkpoint));
    }
    for (int64_t i = 0; i < pa_checkpoint_count(checkpoint); i++) {
        pa_error err = {0};
        pa_tensor_info info = {.struct_size = sizeof(info)};
        char shape[256];
        char name[MAX_NAME];
        if (pa_checkpoint_tensor(checkpoint, i, &info, &err) != PA_OK) {
            return cli_fail("%s", err.message);
        }
        format_shape(shape, sizeof(shape), &info);
        printf("%8s  %-5s  %-11s  %-*s  %-5s  [%s]\n", step, info.split[0] != '\0' ? info.split : "-",
               pa_kind_name(info.kind), name_width, printable(name, sizeof(name), info.name), pa_dtype_name(info.dtype),
               shape);
        sums->tensors++;
        sums->bytes += tensor_bytes(&info);
    }
    return print_omitted(checkpoint, step, name_width);
}

/* A step: the files of its learning dynamics, then its state dict. The first one decides how wide names are. */
static int print_step(const pa_checkpoint *checkpoint, int *name_width, totals *sums)
{
    pa_error err = {0};
    const pa_checkpoint *dict = NULL;
    if (pa_checkpoint_state_dict(checkpoint, &dict, &err) != PA_OK) {
        return cli_fail("%s", err.message);
    }
    if (*name_width == 0) {
        *name_width = longest_name(checkpoint, MIN_NAME);
        *name_width = dict != NULL ? longest_name(dict, *name_width) : *name_width;
        print_header(*name_width);
    }
    int code = print_tensors(checkpoint, *name_width, sums);
    if (code == CLI_OK && dict != NULL) {
        code = print_tensors(dict, *name_width, sums);
    }
    sums->steps++;
    return code;
}

static void print_run(const pa_run *run)
{
    const pa_model *model = pa_run_model(run);
    printf("run %s: %" PRId64 " layers, d_model %" PRId64 ", %" PRId64 " heads, %" PRId64 " key/value heads\n",
           pa_run_name(run), model->n_layers, model->d_model, model->n_heads, model->n_kv_heads);
}

static int inspect_run(const pa_run *run, int64_t only_step, totals *sums)
{
    pa_error err = {0};
    int64_t n_steps = 0;
    int name_width = 0;
    print_run(run);
    const int64_t *steps = pa_run_steps(run, &n_steps);
    const int64_t *wanted = only_step >= 0 ? &only_step : steps;
    int code = CLI_OK;
    for (int64_t i = 0; i < (only_step >= 0 ? 1 : n_steps) && code == CLI_OK; i++) {
        pa_checkpoint *checkpoint = NULL;
        if (pa_run_checkpoint(run, wanted[i], &checkpoint, &err) != PA_OK) {
            code = cli_fail("%s", err.message);
            break;
        }
        code = print_step(checkpoint, &name_width, sums);
        pa_checkpoint_destroy(checkpoint);
    }
    return code;
}

static int inspect_checkpoint(const pa_checkpoint *checkpoint, totals *sums)
{
    const int name_width = longest_name(checkpoint, MIN_NAME);
    print_header(name_width);
    return print_tensors(checkpoint, name_width, sums);
}

/* A directory is a run, or that of a model. */
static int inspect_directory(pa_context *ctx, const char *path, const char *layout, int64_t only_step, totals *sums)
{
    pa_error err = {0};
    pa_run *run = NULL;
    pa_checkpoint *model = NULL;
    int code = CLI_OK;
    const pa_run_options options = {.struct_size = sizeof(options), .layout = layout};
    const pa_status status = pa_run_open_with(ctx, path, &options, &run, &err);
    if (status == PA_OK) {
        code = inspect_run(run, only_step, sums);
    } else if (status == PA_ERR_NOT_FOUND && layout == NULL && only_step < 0 &&
               pa_checkpoint_open(ctx, path, &model, NULL) == PA_OK) {
        code = inspect_checkpoint(model, sums);
    } else {
        code = cli_fail("%s", err.message);
    }
    pa_checkpoint_destroy(model);
    pa_run_destroy(run);
    return code;
}

static int inspect_file(pa_context *ctx, const char *path, totals *sums)
{
    pa_error err = {0};
    pa_checkpoint *checkpoint = NULL;
    if (pa_checkpoint_open(ctx, path, &checkpoint, &err) != PA_OK) {
        return cli_fail("%s", err.message);
    }
    const int code = inspect_checkpoint(checkpoint, sums);
    pa_checkpoint_destroy(checkpoint);
    return code;
}

static int inspect(const char *path, const char *layout, int64_t only_step)
{
    pa_error err = {0};
    pa_context *ctx = NULL;
    struct stat info;
    totals sums = {.tensors = 0};
    const pa_context_options options = {.struct_size = sizeof(options), .log = cli_log, .threads = 1};
    if (pa_context_create(&options, &ctx, &err) != PA_OK) {
        return cli_fail("%s", err.message);
    }
    const int there = stat(path, &info) == 0;
    if (!there && errno != ENOENT && errno != ENOTDIR) {
        pa_context_destroy(ctx);
        return cli_fail("%s: %s", path, strerror(errno));
    }
    const int is_directory = there && S_ISDIR(info.st_mode);
    const int code =
        is_directory ? inspect_directory(ctx, path, layout, only_step, &sums) : inspect_file(ctx, path, &sums);
    if (code == CLI_OK) {
        char bytes[CLI_NUMBER_SIZE];
        cli_format_bytes(bytes, sums.bytes);
        printf("%" PRId64 " tensors", sums.tensors);
        if (sums.steps > 0) {
            printf(" in %" PRId64 " step%s", sums.steps, sums.steps == 1 ? "" : "s");
        }
        printf(", %s of elements\n", bytes);
        if (sums.naming != NULL) {
            printf("names are those of %s; components find them under pico-train's\n", sums.naming);
        }
    }
    pa_context_destroy(ctx);
    return code;
}

int cli_inspect(int argc, char **argv)
{
    const char *path = NULL;
    const char *layout = NULL;
    const char *step_text = NULL;
    int64_t step = -1;
    const cli_option options[] = {
        {.name = "step", .value = "N", .help = "of a run, only this step", .text = &step_text},
        {.name = "layout",
         .value = "PATTERN",
         .help = "where steps are in a directory that is no run of pico-train, e.g. {step}/model.safetensors",
         .text = &layout},
    };
    const cli_command command = {
        .name = "inspect",
        .summary = "List the tensors of a file, a model's directory or a run: name, kind, type, shape.",
        .options = options,
        .n_options = 2,
        .operand_name = "FILE|MODEL|RUN",
        .operand = &path};
    cli_verdict verdict = cli_parse(&command, argc, argv);
    if (verdict == CLI_GO_ON && step_text != NULL && !cli_parse_integer(step_text, 0, INT64_MAX, &step)) {
        verdict = cli_bad_usage("inspect", "--step %s: not a step number", step_text);
    }
    if (verdict != CLI_GO_ON) {
        return verdict == CLI_HELP_SHOWN ? CLI_OK : CLI_USAGE;
    }
    return inspect(path, layout, step);
}
