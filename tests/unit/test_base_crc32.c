/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 against its published check value and zlib's. */
#include <string.h>
#include <zlib.h>

#include "base/crc32.h"
#include "pa_test.h"

static void test_the_check_value_of_the_standard(void **state)
{
    (void)state;
    assert_int_equal(pa_crc32(0, "123456789", 9), 0xCBF43926);
}

static void test_no_bytes_change_nothing(void **state)
{
    (void)state;
    assert_int_equal(pa_crc32(0xCBF43926, NULL, 0), 0xCBF43926);
    assert_int_equal(pa_crc32(0xCBF43926, "", 0), 0xCBF43926);
}

static void test_every_length_place_and_start_gives_what_zlib_gives(void **state)
{
    (void)state;
    unsigned char bytes[1200];
    uint32_t x = 7;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        x = x * 1664525U + 1013904223U;
        bytes[i] = (unsigned char)(x >> 24);
    }
    for (int64_t at = 0; at < 70; at++) {
        for (int64_t n = 0; n <= 1100; n += n < 300 ? 1 : 37) {
            const uint32_t start = (uint32_t)(at * 2654435761U);
            const uint32_t expected = n > 0 ? (uint32_t)crc32_z(start, bytes + at, (size_t)n) : start;
            if (pa_crc32(start, bytes + at, n) != expected) {
                fail_msg("%d bytes at %d", (int)n, (int)at);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_check_value_of_the_standard),
        cmocka_unit_test(test_no_bytes_change_nothing),
        cmocka_unit_test(test_every_length_place_and_start_gives_what_zlib_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
