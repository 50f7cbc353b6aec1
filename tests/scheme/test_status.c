/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scheme/status.h"

static void words_inside_a_channel_say_one_status_each(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        enum status found = STATUS_COUNT;
        assert_true(status_of_word(status_word((enum status)i, true), true, &found));
        assert_int_equal(found, i);
    }
}

/* Only warnings are MACed; 6283, 6300 and 6310 mean something else already. */
static void refusals_inside_a_channel_are_warnings(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        uint16_t word = status_word((enum status)i, true);
        if (i == STATUS_OK || i == STATUS_SECURITY)
            continue;
        assert_true(word >> 8 == 0x62 || word >> 8 == 0x63);
        assert_true(word != 0x6283 && word != 0x6300 && word != 0x6310);
    }
    assert_int_equal(status_word(STATUS_OK, true), 0x9000);
    assert_int_equal(status_word(STATUS_SECURITY, true), 0x6982);
    assert_int_equal(status_word(STATUS_SECURITY, false), 0x6982);
}

static void a_word_in_the_clear_says_a_status_of_that_word(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        uint16_t word = status_word((enum status)i, false);
        enum status found = STATUS_COUNT;
        assert_true(status_of_word(word, false, &found));
        assert_int_equal(status_word(found, false), word);
    }
    static const struct {
        uint16_t word;
        enum status status;
    } shared[] = {{0x6985, STATUS_STATE},
                  {0x6A80, STATUS_DATA},
                  {0x6982, STATUS_SECURITY},
                  {0x6A88, STATUS_REFERENCE}};
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        enum status found = STATUS_COUNT;
        assert_true(status_of_word(shared[i].word, false, &found));
        assert_int_equal(found, shared[i].status);
    }
}

static void a_wrong_pin_carries_the_tries_left(void **state)
{
    (void)state;
    for (unsigned tries = 0; tries < 16; tries++)
        for (int in_channel = 0; in_channel < 2; in_channel++) {
            enum status status = (enum status)(STATUS_PIN_WRONG + tries), found = STATUS_OK;
            assert_int_equal(status_word(status, in_channel != 0), 0x63C0 + tries);
            assert_true(status_of_word((uint16_t)(0x63C0 + tries), in_channel != 0, &found));
            assert_int_equal(found, status);
            assert_string_equal(status_name(status), "PIN_WRONG");
            assert_string_equal(status_sentence(status), "the PIN is wrong");
        }
}

static void words_of_no_row_leave_the_status_alone(void **state)
{
    (void)state;
    static const uint16_t words[] = {0x0000, 0x6283, 0x6300, 0x6310, 0x63BF, 0x63D0, 0x9001};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int in_channel = 0; in_channel < 2; in_channel++) {
            enum status found = STATUS_LIMIT;
            assert_false(status_of_word(words[i], in_channel != 0, &found));
            assert_int_equal(found, STATUS_LIMIT);
        }
    enum status found = STATUS_LIMIT;
    assert_false(status_of_word(0x6985, true, &found)); /* bare: proves nothing in a channel */
    assert_false(status_of_word(0x6201, false, &found));
    assert_int_equal(found, STATUS_LIMIT);
}

static void names_and_sentences_are_the_table_s(void **state)
{
    (void)state;
    assert_string_equal(status_name(STATUS_BALANCE), "BALANCE");
    assert_string_equal(status_sentence(STATUS_BALANCE), "not enough money on the card");
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        assert_true(strlen(status_name((enum status)i)) > 0);
        assert_true(strlen(status_sentence((enum status)i)) > 0);
    }
    static const unsigned unknown[] = {STATUS_COUNT, 0xFF, 0x110, 0x1000};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_string_equal(status_name((enum status)unknown[i]), "UNKNOWN");
        assert_int_equal(status_word((enum status)unknown[i], false), 0x6F00);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_inside_a_channel_say_one_status_each),
        cmocka_unit_test(refusals_inside_a_channel_are_warnings),
        cmocka_unit_test(a_word_in_the_clear_says_a_status_of_that_word),
        cmocka_unit_test(a_wrong_pin_carries_the_tries_left),
        cmocka_unit_test(words_of_no_row_leave_the_status_alone),
        cmocka_unit_test(names_and_sentences_are_the_table_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
