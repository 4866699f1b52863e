/* SPDX-License-Identifier: Apache-2.0 */
/* Formats that are recognised to say what they are, and not read. */
#include <string.h>

#include "checkpoint/formats/format_impl.h"

static int probe_preview(const unsigned char *head, int64_t n, int64_t size)
{
    (void)size;
    return n >= 8 && memcmp(head, "PYTORCH1", 8) == 0;
}

static pa_status refuse_preview(pa_archive *archive, pa_error *err)
{
    (void)archive;
    return pa_fail(err, PA_ERR_UNSUPPORTED, "a preview format of torch before 1.6, which torch does not read either");
}

static int probe_tar(const unsigned char *head, int64_t n, int64_t size)
{
    (void)size;
    return n >= 262 && memcmp(head + 257, "ustar", 5) == 0;
}

static pa_status refuse_tar(pa_archive *archive, pa_error *err)
{
    (void)archive;
    return pa_fail(err, PA_ERR_UNSUPPORTED, "a tar archive; those of torch before 0.1.10 are not read");
}

const pa_format pa_format_torch_preview = {"torch preview", probe_preview, refuse_preview};
const pa_format pa_format_torch_tar = {"torch tar", probe_tar, refuse_tar};
