/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/money.h"

#define EUR 978
#define JPY 392
#define KWD 414

static void sums_stop_at_the_end(void **state)
{
    (void)state;
    struct money sum = money_of(7, EUR);
    assert_true(money_add(money_of(1, EUR), money_of(2, EUR), &sum));
    assert_int_equal(sum.minor, 3);
    assert_int_equal(sum.currency, EUR);
    assert_true(money_add(money_of(UINT32_MAX, EUR), money_of(0, EUR), &sum));
    assert_int_equal(sum.minor, UINT32_MAX);
    sum = money_of(7, EUR);
    assert_false(money_add(money_of(UINT32_MAX, EUR), money_of(1, EUR), &sum));
    assert_false(money_add(money_of(1, EUR), money_of(UINT32_MAX, EUR), &sum));
    assert_false(money_add(money_of(1, EUR), money_of(1, JPY), &sum));
    assert_int_equal(sum.minor, 7);
}

static void differences_never_fall_below_zero(void **state)
{
    (void)state;
    struct money d = money_of(7, EUR);
    assert_true(money_subtract(money_of(5, EUR), money_of(5, EUR), &d));
    assert_int_equal(d.minor, 0);
    d = money_of(7, EUR);
    assert_false(money_subtract(money_of(4, EUR), money_of(5, EUR), &d));
    assert_false(money_subtract(money_of(5, EUR), money_of(4, JPY), &d));
    assert_int_equal(d.minor, 7);
}

static void currencies_do_not_compare(void **state)
{
    (void)state;
    assert_true(money_at_most(money_of(5, EUR), money_of(5, EUR)));
    assert_false(money_at_most(money_of(6, EUR), money_of(5, EUR)));
    assert_false(money_at_most(money_of(1, EUR), money_of(5, JPY)));
}

static void currencies_are_found_both_ways(void **state)
{
    (void)state;
    assert_string_equal(currency_letters(EUR), "EUR");
    assert_null(currency_letters(999));
    assert_int_equal(currency_code("KWD"), KWD);
    assert_int_equal(currency_code("eur"), 0);
    assert_int_equal(currency_code(""), 0);
    assert_int_equal(currency_exponent(JPY), 0);
    assert_int_equal(currency_exponent(EUR), 2);
    assert_int_equal(currency_exponent(KWD), 3);
    assert_int_equal(currency_exponent(999), 0);
}

static void amounts_print_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        uint32_t minor;
        uint16_t currency;
        const char *text;
    } rows[] = {{250, EUR, "2.50 EUR"},   {5, EUR, "0.05 EUR"},
                {0, EUR, "0.00 EUR"},     {UINT32_MAX, EUR, "42949672.95 EUR"},
                {250, JPY, "250 JPY"},    {0, JPY, "0 JPY"},
                {1005, KWD, "1.005 KWD"}, {UINT32_MAX, KWD, "4294967.295 KWD"},
                {250, 999, "250 (999)"},  {UINT32_MAX, 65535, "4294967295 (65535)"},
                {0, 0, "0 (0)"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[MONEY_TEXT_BYTES];
        money_format(money_of(rows[i].minor, rows[i].currency), text);
        assert_string_equal(text, rows[i].text);
    }
}

static void amounts_are_read_or_refused_for_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint16_t currency;
        enum money_parse result;
        uint32_t minor;
    } rows[] = {
        {"2", EUR, MONEY_PARSE_OK, 200},
        {"2.5", EUR, MONEY_PARSE_OK, 250},
        {"2.50", EUR, MONEY_PARSE_OK, 250},
        {"0", EUR, MONEY_PARSE_OK, 0},
        {"007.10", EUR, MONEY_PARSE_OK, 710},
        {"42949672.95", EUR, MONEY_PARSE_OK, UINT32_MAX},
        {"42949672.96", EUR, MONEY_PARSE_RANGE, 0},
        {"42949673", EUR, MONEY_PARSE_RANGE, 0},
        {"99999999999999999999999999", EUR, MONEY_PARSE_RANGE, 0},
        {"18446744073709551616", JPY, MONEY_PARSE_RANGE, 0},
        {"4294967295", JPY, MONEY_PARSE_OK, UINT32_MAX},
        {"4294967296", JPY, MONEY_PARSE_RANGE, 0},
        {"1.005", EUR, MONEY_PARSE_PRECISION, 0},
        {"1.005", KWD, MONEY_PARSE_OK, 1005},
        {"1.000", EUR, MONEY_PARSE_PRECISION, 0},
        {"1.0", JPY, MONEY_PARSE_PRECISION, 0},
        {"-1", EUR, MONEY_PARSE_NEGATIVE, 0},
        {"-", EUR, MONEY_PARSE_NEGATIVE, 0},
        {"", EUR, MONEY_PARSE_SYNTAX, 0},
        {".", EUR, MONEY_PARSE_SYNTAX, 0},
        {".5", EUR, MONEY_PARSE_SYNTAX, 0},
        {"5.", EUR, MONEY_PARSE_SYNTAX, 0},
        {"5.", JPY, MONEY_PARSE_SYNTAX, 0},
        {"1.2.3", EUR, MONEY_PARSE_SYNTAX, 0},
        {"1,50", EUR, MONEY_PARSE_SYNTAX, 0},
        {"1e2", EUR, MONEY_PARSE_SYNTAX, 0},
        {"+1", EUR, MONEY_PARSE_SYNTAX, 0},
        {" 1", EUR, MONEY_PARSE_SYNTAX, 0},
        {"1 ", EUR, MONEY_PARSE_SYNTAX, 0},
        {"0x10", EUR, MONEY_PARSE_SYNTAX, 0},
        {"1-1", EUR, MONEY_PARSE_SYNTAX, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct money amount = money_of(0xABCDEF, 1);
        assert_int_equal(money_parse(rows[i].text, rows[i].currency, &amount), rows[i].result);
        bool taken = rows[i].result == MONEY_PARSE_OK;
        assert_int_equal(amount.minor, taken ? rows[i].minor : 0xABCDEF);
        assert_int_equal(amount.currency, taken ? rows[i].currency : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_stop_at_the_end),
        cmocka_unit_test(differences_never_fall_below_zero),
        cmocka_unit_test(currencies_do_not_compare),
        cmocka_unit_test(currencies_are_found_both_ways),
        cmocka_unit_test(amounts_print_as_people_write_them),
        cmocka_unit_test(amounts_are_read_or_refused_for_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
