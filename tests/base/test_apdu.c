/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/apdu.h"

static uint8_t data[0x10000], bytes[0x10010];

/* ISO/IEC 7816-3, 12.1: the cases of a command, lengths from the ends of their ranges. */
static const struct {
    const char *name;
    size_t lc;
    uint32_t le;
    bool extended;
    size_t length;
} cases[] = {
    {"1", 0, 0, false, 4},
    {"2 short", 0, 1, false, 5},
    {"2 short, 256", 0, 256, false, 5},
    {"3 short", 1, 0, false, 6},
    {"3 short, longest", 255, 0, false, 260},
    {"4 short", 1, 255, false, 7},
    {"4 short, longest", 255, 256, false, 261},
    {"2 extended", 0, 1, true, 7},
    {"2 extended, 65536", 0, 65536, true, 7},
    {"3 extended", 1, 0, true, 8},
    {"3 extended, needed", 256, 0, true, 263},
    {"3 extended, longest", 65535, 0, true, 65542},
    {"4 extended", 1, 1, true, 10},
    {"4 extended, longest", 65535, 65536, true, 65544},
};
#define CASES (sizeof cases / sizeof cases[0])

static size_t encode(size_t i)
{
    memset(data, 0x5A, sizeof data);
    const struct apdu_command command = {.cla = 0x80,
                                         .ins = 0x40,
                                         .p1 = 0x01,
                                         .p2 = 0x02,
                                         .data = cases[i].lc == 0 ? NULL : data,
                                         .lc = cases[i].lc,
                                         .le = cases[i].le,
                                         .extended = cases[i].extended};
    return apdu_encode(&command, bytes, sizeof bytes);
}

static void all_seven_cases_survive_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct apdu_command c;
        assert_int_equal(encode(i), cases[i].length);
        assert_true(apdu_parse(bytes, cases[i].length, &c));
        assert_true(c.cla == 0x80 && c.ins == 0x40 && c.p1 == 0x01 && c.p2 == 0x02);
        assert_int_equal(c.lc, cases[i].lc);
        assert_int_equal(c.le, cases[i].le);
        assert_int_equal(c.extended, cases[i].extended);
        if (cases[i].lc == 0)
            assert_null(c.data);
        else
            assert_memory_equal(c.data, data, c.lc);
    }
}

static void encodings_are_those_of_the_standard(void **state)
{
    (void)state;
    static const struct {
        size_t index, bytes;
        uint8_t text[10];
    } wanted[] = {{2, 5, {0x80, 0x40, 1, 2, 0}},
                  {5, 7, {0x80, 0x40, 1, 2, 1, 0x5A, 0xFF}},
                  {7, 7, {0x80, 0x40, 1, 2, 0, 0, 1}},
                  {8, 7, {0x80, 0x40, 1, 2, 0, 0, 0}},
                  {9, 8, {0x80, 0x40, 1, 2, 0, 0, 1, 0x5A}},
                  {12, 10, {0x80, 0x40, 1, 2, 0, 0, 1, 0x5A, 0, 1}}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_int_equal(encode(wanted[i].index), wanted[i].bytes);
        assert_memory_equal(bytes, wanted[i].text, wanted[i].bytes);
    }
}

/* A length that contradicts the bytes is refused; what a shorter command may mean stays sound. */
static void contradicting_lengths_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t text[12];
        size_t bytes;
    } bad[] = {
        {{0}, 0},
        {{0x80, 0x40, 0}, 3},
        {{0x80, 0x40, 0, 0, 2, 0xAA}, 6},                 /* one byte too few */
        {{0x80, 0x40, 0, 0, 1, 0xAA, 0, 0}, 8},           /* one byte after Le */
        {{0x80, 0x40, 0, 0, 0, 0}, 6},                    /* half an extended length */
        {{0x80, 0x40, 0, 0, 0, 0, 2, 0xAA}, 8},           /* one byte too few */
        {{0x80, 0x40, 0, 0, 0, 0, 1, 0xAA, 0}, 9},        /* half an extended Le */
        {{0x80, 0x40, 0, 0, 0, 0, 1, 0xAA, 0, 0, 0}, 11}, /* one byte after Le */
        {{0x80, 0x40, 0, 0, 0, 0, 0, 0}, 8},              /* Lc 0 before something */
        {{0x80, 0x40, 0, 0, 0, 0, 0, 0, 0}, 9},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct apdu_command c;
        assert_false(apdu_parse(bad[i].text, bad[i].bytes, &c));
    }
}

static void a_cut_command_never_reads_beyond_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        size_t length = encode(i);
        for (size_t shorter = 0; shorter < length && shorter < 300; shorter++) {
            struct apdu_command c;
            if (apdu_parse(bytes, shorter, &c) && c.lc != 0)
                assert_true(c.data >= bytes && c.data + c.lc <= bytes + shorter);
        }
    }
}

static void commands_do_not_fit_into_too_little(void **state)
{
    (void)state;
    struct apdu_command c = {.cla = 0x80, .data = data, .lc = 3, .le = 5};
    for (size_t capacity = 0; capacity < 9; capacity++)
        assert_int_equal(apdu_encode(&c, bytes, capacity), 0);
    assert_int_equal(apdu_encode(&c, bytes, 9), 9);
    c.le = 65537;
    assert_int_equal(apdu_encode(&c, bytes, sizeof bytes), 0);
    c.le = 0;
    c.lc = 65536;
    assert_int_equal(apdu_encode(&c, bytes, sizeof bytes), 0);
}

static void long_commands_become_extended_by_themselves(void **state)
{
    (void)state;
    struct apdu_command c = {.cla = 0x80, .data = data, .lc = 256}, parsed;
    size_t length = apdu_encode(&c, bytes, sizeof bytes);
    assert_int_equal(length, 263);
    assert_true(apdu_parse(bytes, length, &parsed));
    assert_true(parsed.extended && parsed.lc == 256);
    c = (struct apdu_command){.cla = 0x80, .le = 257};
    length = apdu_encode(&c, bytes, sizeof bytes);
    assert_int_equal(length, 7);
    assert_true(apdu_parse(bytes, length, &parsed));
    assert_true(parsed.extended && parsed.le == 257);
}

/* ISO/IEC 7816-4, 5.4.1, and GlobalPlatform's class bytes. */
static void class_bytes_say_channel_and_protection(void **state)
{
    (void)state;
    static const struct {
        uint8_t cla, channel;
        bool secure;
        uint8_t plain;
    } rows[] = {{0x00, 0, false, 0x00}, {0x03, 3, false, 0x00},  {0x04, 0, true, 0x00},
                {0x0C, 0, true, 0x00},  {0x40, 4, false, 0x00},  {0x4F, 19, false, 0x00},
                {0x60, 4, true, 0x00},  {0x80, 0, false, 0x80},  {0x83, 3, false, 0x80},
                {0x84, 0, true, 0x80},  {0x87, 3, true, 0x80},   {0x90, 0, false, 0x80},
                {0xC0, 4, false, 0x80}, {0xCF, 19, false, 0x80}, {0xE0, 4, true, 0x80},
                {0xEF, 19, true, 0x80}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(apdu_channel(rows[i].cla), rows[i].channel);
        assert_int_equal(apdu_is_secure(rows[i].cla), rows[i].secure);
        assert_int_equal(apdu_plain_class(rows[i].cla), rows[i].plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_seven_cases_survive_encoding),
        cmocka_unit_test(encodings_are_those_of_the_standard),
        cmocka_unit_test(contradicting_lengths_are_refused),
        cmocka_unit_test(a_cut_command_never_reads_beyond_its_end),
        cmocka_unit_test(commands_do_not_fit_into_too_little),
        cmocka_unit_test(long_commands_become_extended_by_themselves),
        cmocka_unit_test(class_bytes_say_channel_and_protection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
