/* SPDX-License-Identifier: Apache-2.0 */
/* Formats that are recognised to say what they are, and not read. */
#include <string.h>

#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/format_impl.h"

enum { MAX_SAFETENSORS_HEADER = 100000000 };

static int probe_legacy(const unsigned char *head, int64_t n, int64_t size)
{
    (void)size;
    static const unsigned char magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                          0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};
    return (n >= (int64_t)sizeof(magic) && memcmp(head, magic, sizeof(magic)) == 0) ||
           (n >= 8 && memcmp(head, "PYTORCH1", 8) == 0);
}

static pa_status refuse_legacy(pa_archive *archive, pa_error *err)
{
    (void)archive;
    return pa_fail(err, PA_ERR_UNSUPPORTED,
                   "the format of torch before 1.6 cannot be read; load it with torch and torch.save() it again");
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

static int probe_safetensors(const unsigned char *head, int64_t n, int64_t size)
{
    return n >= 9 && head[8] == '{' && pa_le64(head) <= MAX_SAFETENSORS_HEADER && (int64_t)pa_le64(head) <= size - 8;
}

static pa_status refuse_safetensors(pa_archive *archive, pa_error *err)
{
    (void)archive;
    return pa_fail(err, PA_ERR_UNSUPPORTED, "safetensors files cannot be read yet");
}

const pa_format pa_format_torch_legacy = {"torch legacy", probe_legacy, refuse_legacy};
const pa_format pa_format_torch_tar = {"torch tar", probe_tar, refuse_tar};
const pa_format pa_format_safetensors = {"safetensors", probe_safetensors, refuse_safetensors};
