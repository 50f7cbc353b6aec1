/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"

static void bytes_survive_as_text(void **state)
{
    (void)state;
    uint8_t all[256], back[256];
    char text[513];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    hex_encode(all, sizeof all, text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 506, "FDFEFF");
    assert_true(hex_decode(text, back, sizeof back));
    assert_memory_equal(back, all, sizeof all);
    hex_encode(all, 0, text);
    assert_string_equal(text, "");
    assert_true(hex_decode("", back, 0));
}

static void both_cases_are_read(void **state)
{
    (void)state;
    uint8_t out[3];
    assert_true(hex_decode("aBCdEf", out, 3));
    assert_memory_equal(out, "\xAB\xCD\xEF", 3);
}

static void other_lengths_and_signs_are_refused(void **state)
{
    (void)state;
    uint8_t out[4];
    assert_false(hex_decode("0102", out, 1));
    assert_false(hex_decode("0102", out, 3));
    assert_false(hex_decode("010", out, 2));
    assert_false(hex_decode("", out, 1));
    for (int sign = 1; sign < 128; sign++) {
        char text[3] = {'0', (char)sign, '\0'};
        bool digit = (sign >= '0' && sign <= '9') || (sign >= 'A' && sign <= 'F') ||
                     (sign >= 'a' && sign <= 'f');
        assert_int_equal(hex_decode(text, out, 1), digit);
        text[0] = (char)sign;
        text[1] = '0';
        assert_int_equal(hex_decode(text, out, 1), digit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_survive_as_text),
        cmocka_unit_test(both_cases_are_read),
        cmocka_unit_test(other_lengths_and_signs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
