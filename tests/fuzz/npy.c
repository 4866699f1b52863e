/* SPDX-License-Identifier: Apache-2.0 */
/* .npy arrays and .npz archives of them. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_run(fuzz_archive, data, n);
    return 0;
}
