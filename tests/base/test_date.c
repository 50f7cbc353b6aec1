/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/date.h"

#define LAST_WHOLE_DAY 4294857600u /* 2106-02-06T00:00:00Z */

/* Every day that 32 bits hold, counted on the fingers. */
static void every_day_has_its_date(void **state)
{
    (void)state;
    static const unsigned lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year = 1970, month = 1, day = 1;
    for (uint32_t seconds = 0;; seconds += DAY_SECONDS) {
        struct civil_date date = date_of_time(seconds);
        assert_true(date.year == year && date.month == month && date.day == day);
        date = date_of_time(seconds + (DAY_SECONDS - 1));
        assert_true(date.year == year && date.month == month && date.day == day);
        uint32_t back = 1;
        assert_true(date_to_time(date, &back));
        assert_int_equal(back, seconds);
        if (seconds == LAST_WHOLE_DAY)
            break;
        bool is_leap = year % 4 == 0 && year != 2100;
        day++;
        if (day > lengths[month - 1] + (month == 2 && is_leap ? 1u : 0u)) {
            day = 1;
            month = month % 12 + 1;
            year += month == 1;
        }
    }
    assert_true(year == 2106 && month == 2 && day == 6);
}

static void known_instants_print_as_rfc_3339(void **state)
{
    (void)state;
    static const struct {
        uint32_t seconds;
        const char *text;
    } rows[] = {{0, "1970-01-01T00:00:00Z"},          {951782400, "2000-02-29T00:00:00Z"},
                {1234567890, "2009-02-13T23:31:30Z"}, {2147483647, "2038-01-19T03:14:07Z"},
                {4107542399, "2100-02-28T23:59:59Z"}, {4107542400, "2100-03-01T00:00:00Z"},
                {UINT32_MAX, "2106-02-07T06:28:15Z"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[DATE_TEXT_BYTES];
        date_format(rows[i].seconds, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void days_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static const struct civil_date bad[] = {
        {2023, 2, 29}, {2100, 2, 29}, {2024, 2, 30},  {2024, 4, 31},  {2024, 0, 1},
        {2024, 13, 1}, {2024, 1, 0},  {2024, 1, 32},  {1969, 12, 31}, {2107, 1, 1},
        {2106, 2, 7},  {2106, 2, 8},  {2106, 12, 31}, {0, 1, 1},      {65535, 1, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t seconds = 0xABCDEF;
        assert_false(date_to_time(bad[i], &seconds));
        assert_int_equal(seconds, 0xABCDEF);
    }
    uint32_t seconds;
    assert_true(date_to_time((struct civil_date){2000, 2, 29}, &seconds));
    assert_true(date_to_time((struct civil_date){2096, 2, 29}, &seconds));
    assert_true(date_to_time((struct civil_date){2106, 2, 6}, &seconds));
    assert_int_equal(seconds, LAST_WHOLE_DAY);
}

static void days_survive_as_bcd(void **state)
{
    (void)state;
    uint8_t bcd[4];
    struct civil_date date;
    date_to_bcd((struct civil_date){2026, 11, 21}, bcd);
    assert_memory_equal(bcd, "\x20\x26\x11\x21", 4);
    assert_true(date_from_bcd(bcd, &date));
    assert_true(date.year == 2026 && date.month == 11 && date.day == 21);
}

static void bcd_is_eight_digits_of_an_existing_day(void **state)
{
    (void)state;
    struct civil_date date;
    for (size_t at = 0; at < 4; at++)
        for (unsigned value = 0; value < 256; value++) {
            uint8_t bcd[4] = {0x20, 0x28, 0x02, 0x11};
            bcd[at] = (uint8_t)value;
            unsigned number = (value >> 4) * 10 + (value & 0x0F);
            bool exists = value >> 4 < 10 && (value & 0x0F) < 10;
            if (at == 0)
                exists = exists && number == 20; /* 1928 and 2128 lie outside */
            if (at == 2)
                exists = exists && number >= 1 && number <= 12;
            if (at == 3)
                exists = exists && number >= 1 && number <= 29;
            assert_int_equal(date_from_bcd(bcd, &date), exists);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_has_its_date),
        cmocka_unit_test(known_instants_print_as_rfc_3339),
        cmocka_unit_test(days_that_do_not_exist_are_refused),
        cmocka_unit_test(days_survive_as_bcd),
        cmocka_unit_test(bcd_is_eight_digits_of_an_existing_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
