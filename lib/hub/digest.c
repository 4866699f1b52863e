/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/digest.h"

#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

enum { CHUNK = 1 << 18 };

typedef struct digest {
    int is_sha256;
    struct sha256_ctx sha256;
    struct sha1_ctx sha1;
} digest;

static void update(digest *d, size_t n, const void *bytes)
{
    if (d->is_sha256) {
        sha256_update(&d->sha256, n, bytes);
    } else {
        sha1_update(&d->sha1, n, bytes);
    }
}

static void begin(digest *d, const char *etag, int64_t size)
{
    char header[32];
    d->is_sha256 = strlen(etag) == 2 * (size_t)SHA256_DIGEST_SIZE;
    sha256_init(&d->sha256);
    sha1_init(&d->sha1);
    if (!d->is_sha256) {
        const int n = snprintf(header, sizeof(header), "blob %lld", (long long)size);
        update(d, (size_t)n + 1, header);
    }
}

static void finish(digest *d, char hex[2 * SHA256_DIGEST_SIZE + 1])
{
    unsigned char bytes[SHA256_DIGEST_SIZE];
    const size_t n = d->is_sha256 ? SHA256_DIGEST_SIZE : SHA1_DIGEST_SIZE;
    if (d->is_sha256) {
        sha256_digest(&d->sha256, n, bytes);
    } else {
        sha1_digest(&d->sha1, n, bytes);
    }
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
}

pa_status pa_hub_check_digest(const pa_allocator *mem, const char *path, const char *etag, pa_error *err)
{
    pa_status status = PA_OK;
    pa_file *file = NULL;
    digest d;
    char hex[2 * SHA256_DIGEST_SIZE + 1];
    char *chunk = pa_alloc_raw(mem, CHUNK, 1);
    PA_REQUIRE_MEMORY(chunk, err, "a digest");
    PA_TRY(pa_file_open(mem, path, &file, err));
    const int64_t size = pa_file_size(file);
    begin(&d, etag, size);
    for (int64_t at = 0; at < size; at += CHUNK) {
        const int64_t n = size - at < CHUNK ? size - at : CHUNK;
        PA_TRY(pa_file_read(file, at, n, chunk, err));
        update(&d, (size_t)n, chunk);
    }
    finish(&d, hex);
    PA_REQUIRE(strcmp(hex, etag) == 0, err, PA_ERR_FORMAT, "%s: its digest is %s, not what the server promised", path,
               hex);

cleanup:
    pa_file_release(file);
    pa_free(mem, chunk);
    return status;
}
