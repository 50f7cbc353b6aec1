/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32.h"

/* Bit by bit, as the polynomial says. */
static uint32_t slow_crc(const uint8_t *data, size_t bytes)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < bytes * 8; i++) {
        uint32_t bit = (uint32_t)(data[i / 8] >> i % 8 & 1);
        crc = crc >> 1 ^ ((crc ^ bit) & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

static void the_check_value_is_the_standard_s(void **state)
{
    (void)state;
    const uint8_t *digits = (const uint8_t *)"123456789";
    assert_int_equal(crc32_end(crc32_update(crc32_begin(), digits, 9)), 0xCBF43926u);
    assert_int_equal(crc32_end(crc32_update(crc32_begin(), NULL, 0)), 0);
}

/* Any length, any alignment, any cut into two: as bit by bit. */
static void pieces_add_up_to_the_whole(void **state)
{
    (void)state;
    uint8_t data[80];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 37 + 11);
    for (size_t from = 0; from < 9; from++)
        for (size_t bytes = 0; from + bytes <= sizeof data; bytes++)
            for (size_t cut = 0; cut <= bytes; cut += 5) {
                uint32_t crc = crc32_update(crc32_begin(), data + from, cut);
                crc = crc32_update(crc, data + from + cut, bytes - cut);
                assert_int_equal(crc32_end(crc), slow_crc(data + from, bytes));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_value_is_the_standard_s),
        cmocka_unit_test(pieces_add_up_to_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
