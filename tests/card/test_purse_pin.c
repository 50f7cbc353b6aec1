/* SPDX-License-Identifier: Apache-2.0 */
/* The PIN: five tries, spent before the comparison, whatever happens to the power. */
#include "purse_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SHOP 2
#define KIOSK 4

static enum status verify(const uint8_t pin[PIN_BYTES])
{
    return purse_send(COMMAND_VERIFY_PIN, pin, PIN_BYTES);
}

static enum status change(const uint8_t old[PIN_BYTES], const uint8_t new[PIN_BYTES])
{
    uint8_t data[2 * PIN_BYTES];
    memcpy(data, old, PIN_BYTES);
    memcpy(data + PIN_BYTES, new, PIN_BYTES);
    return purse_send(COMMAND_CHANGE_PIN, data, sizeof data);
}

/* The card's PIN with its last digit changed. */
static void make_wrong(uint8_t pin[PIN_BYTES])
{
    memcpy(pin, purse_pin, PIN_BYTES);
    pin[3] = pin[3] == '9' ? '0' : (uint8_t)(pin[3] + 1);
}

static unsigned tries_left(void)
{
    return purse_status_now().pin_tries;
}

/* A card that pays with the PIN alone, and has something to pay. */
static void at_shop(void)
{
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(1000);
    struct order policy = purse_policy();
    policy.policy.pin_above = 0;
    assert_int_equal(purse_apply(&policy), STATUS_OK);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
}

static void drawn_pin_is_four_digits_and_padding(void **state)
{
    (void)state;
    unsigned seen[10] = {0};
    for (size_t i = 0; i < 4; i++)
        assert_in_range(purse_pin[i], '0', '9');
    for (size_t i = 4; i < PIN_BYTES; i++)
        assert_int_equal(purse_pin[i], 0xFF);
    /* No digit is forgotten or favoured: each is expected 4,000 times, with a deviation of 60. */
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t pin[PIN_BYTES];
        assert_int_equal(pin_draw(pin), STATUS_OK);
        for (size_t j = 0; j < 4; j++)
            seen[pin[j] - '0']++;
    }
    for (unsigned digit = 0; digit < 10; digit++)
        assert_in_range(seen[digit], 3600, 4400);
}

static void wrong_pins_count_down_and_the_right_one_restores(void **state)
{
    (void)state;
    uint8_t wrong[PIN_BYTES];
    at_shop();
    make_wrong(wrong);
    assert_int_equal(tries_left(), PIN_TRIES);
    assert_int_equal(verify(wrong), STATUS_PIN_WRONG + 4);
    assert_int_equal(verify(wrong), STATUS_PIN_WRONG + 3);
    assert_int_equal(tries_left(), 3);
    purse_tap();
    assert_int_equal(tries_left(), 3);
    assert_int_equal(verify(purse_pin), STATUS_OK);
    assert_int_equal(tries_left(), PIN_TRIES);
    assert_int_equal(purse_pay_amount(10), STATUS_OK);
    purse_books();
}

static void five_wrong_pins_block_the_right_one_too(void **state)
{
    (void)state;
    uint8_t wrong[PIN_BYTES];
    at_shop();
    make_wrong(wrong);
    for (unsigned left = PIN_TRIES; left > 0; left--) {
        assert_int_equal(verify(wrong), STATUS_PIN_WRONG + left - 1);
        purse_tap();
    }
    assert_refused(STATUS_PIN_BLOCKED, verify(purse_pin));
    assert_refused(STATUS_PIN_BLOCKED, change(purse_pin, wrong));
    purse_tap();
    assert_refused(STATUS_PIN_BLOCKED, verify(purse_pin));
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(10));
    purse_books();
}

static void wrong_pin_takes_back_the_right_one(void **state)
{
    (void)state;
    uint8_t wrong[PIN_BYTES];
    at_shop();
    make_wrong(wrong);
    assert_int_equal(verify(purse_pin), STATUS_OK);
    assert_int_equal(verify(wrong), STATUS_PIN_WRONG + 4);
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(10));
    purse_books();
}

static void malformed_blocks_cost_no_try(void **state)
{
    (void)state;
    static const uint8_t blocks[][PIN_BYTES] = {
        {'1', '2', '3', 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, /* too short */
        {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
        {'1', '2', '3', '4', 0xFF, '6', 0xFF, 0xFF},  /* a digit behind padding */
        {'1', '2', '3', '4', 0x00, 0x00, 0x00, 0x00}, /* other padding */
        {'1', '2', '3', 'x', 0xFF, 0xFF, 0xFF, 0xFF},
        {'1', '2', '3', '/', 0xFF, 0xFF, 0xFF, 0xFF}, /* below 0 */
        {'1', '2', '3', ':', 0xFF, 0xFF, 0xFF, 0xFF}, /* above 9 */
        {1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0xFF},
    };
    at_shop();
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        assert_refused(STATUS_DATA, verify(blocks[i]));
        assert_refused(STATUS_DATA, change(blocks[i], purse_pin));
        assert_refused(STATUS_DATA, change(purse_pin, blocks[i]));
    }
    assert_int_equal(tries_left(), PIN_TRIES);
    purse_books();
}

static void change_needs_the_old_pin_and_counts(void **state)
{
    (void)state;
    static const uint8_t chosen[PIN_BYTES] = {'1', '2', '3', '4', '5', '6', '7', '8'};
    uint8_t wrong[PIN_BYTES];
    at_shop();
    make_wrong(wrong);
    assert_int_equal(change(wrong, chosen), STATUS_PIN_WRONG + 4);
    assert_int_equal(change(purse_pin, chosen), STATUS_OK);
    assert_int_equal(tries_left(), PIN_TRIES);
    /* The change itself opened nothing. */
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(10));
    purse_tap();
    assert_int_equal(verify(purse_pin), STATUS_PIN_WRONG + 4);
    assert_int_equal(verify(chosen), STATUS_OK);
    assert_int_equal(purse_pay_amount(10), STATUS_OK);
    purse_books();
}

static void verified_pin_ends_with_its_channel_and_with_the_power(void **state)
{
    (void)state;
    at_shop();
    assert_int_equal(verify(purse_pin), STATUS_OK);
    purse_tap();
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(10));
    assert_int_equal(verify(purse_pin), STATUS_OK);
    assert_int_equal(card_harness_select(&purse_card), 0x9000); /* closes the channel */
    card_harness_connect_again(&purse_card);
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(10));
    purse_books();
}

static void pin_cannot_be_read_after_issue(void **state)
{
    (void)state;
    purse_at(ROLE_STATION, 1);
    assert_refused(STATUS_STATE, purse_send(COMMAND_READ_PIN, NULL, 0));
    assert_refused(STATUS_STATE, purse_send(COMMAND_ISSUE, NULL, 0));
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    assert_refused(STATUS_STATE, purse_send(COMMAND_READ_PIN, NULL, 0));
}

static void last_wrong_try_names_its_terminal(void **state)
{
    (void)state;
    struct card *card = (struct card *)(void *)purse_card.card.memory;
    uint8_t wrong[PIN_BYTES], record[TRIES_BYTES];
    at_shop();
    make_wrong(wrong);
    assert_int_equal(verify(purse_pin), STATUS_OK);
    assert_int_equal(purse_read(card, PURSE_RECORD_TRIES, record, sizeof record), STATUS_OK);
    assert_true(bytes_are_zero(record + 1, TERMINAL_NUMBER_BYTES));
    assert_int_equal(verify(wrong), STATUS_PIN_WRONG + 4);
    purse_at(ROLE_KIOSK, KIOSK);
    assert_int_equal(verify(purse_pin), STATUS_OK); /* by another terminal, and right */
    assert_int_equal(purse_read(card, PURSE_RECORD_TRIES, record, sizeof record), STATUS_OK);
    assert_int_equal(record[0], PIN_TRIES);
    assert_int_equal(record[1], SHOP);
    purse_books();
}

/* A guesser cuts the power at each change of memory of a wrong guess: never does the answer or the
 * absence of one come with a try less spent than guesses compared. */
static void power_cut_during_a_wrong_guess_wins_no_try(void **state)
{
    (void)state;
    uint8_t wrong[PIN_BYTES];
    at_shop();
    make_wrong(wrong);
    bool was_silent = false;
    for (int32_t cut = 1; cut < 40; cut++) {
        assert_int_equal(verify(purse_pin), STATUS_OK);
        purse_card.flash.changes_left = cut;
        uint16_t word = card_harness_command(&purse_card, COMMAND_VERIFY_PIN, wrong, sizeof wrong);
        purse_card.flash.changes_left = -1;
        purse_tap();
        if (word == 0)
            was_silent = true;
        else
            assert_int_equal(tries_left(), PIN_TRIES - 1);
        assert_in_range(tries_left(), PIN_TRIES - 1, PIN_TRIES);
    }
    assert_true(was_silent);
    purse_books();
}

/* Cut right after the spend: a right PIN whose try was not given back yet. The spend stands. */
static void power_cut_right_after_the_spend_leaves_it_spent(void **state)
{
    (void)state;
    uint8_t wrong[PIN_BYTES];
    at_shop();
    make_wrong(wrong);
    uint32_t before = purse_card.flash.changes;
    assert_int_equal(verify(wrong), STATUS_PIN_WRONG + 4);
    uint32_t spend = purse_card.flash.changes - before; /* changes that spending takes */
    assert_int_equal(verify(purse_pin), STATUS_OK);
    /* Each cut lies behind the spend and before the end of giving back. */
    purse_card.flash.changes_left = (int32_t)spend + 1;
    assert_int_equal(card_harness_command(&purse_card, COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES),
                     0);
    purse_card.flash.changes_left = -1;
    purse_tap();
    assert_int_equal(tries_left(), PIN_TRIES - 1);
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(10));
    purse_books();
}

/* Flash at its end: after so many programs it takes none any more. */
static int32_t programs_left;
static enum stiver_flash_status (*healthy_program)(void *, uint32_t, const uint8_t *, size_t);

static enum stiver_flash_status failing_program(void *context, uint32_t address,
                                                const uint8_t *data, size_t bytes)
{
    if (programs_left <= 0)
        return STIVER_FLASH_WORN;
    programs_left--;
    return healthy_program(context, address, data, bytes);
}

/* From the next contact on, the flash can be made to fail. */
static void flash_prepare(void)
{
    healthy_program = purse_card.port.program;
    purse_card.port.program = failing_program;
    programs_left = INT32_MAX;
    purse_tap();
}

/* One command with the right PIN; the flash takes so many programs, and after it all again. */
static uint16_t command_on_failing_flash(enum command command, int32_t programs)
{
    uint8_t data[2 * PIN_BYTES];
    memcpy(data, purse_pin, PIN_BYTES);
    memcpy(data + PIN_BYTES, purse_pin, PIN_BYTES);
    programs_left = programs;
    uint16_t word = card_harness_command(&purse_card, command, data,
                                         command == COMMAND_VERIFY_PIN ? PIN_BYTES : sizeof data);
    programs_left = INT32_MAX;
    return word;
}

/* 62xx says that nothing was changed; a try that was spent is a change. */
static void refusal_after_a_spent_try_says_how_many_are_left(void **state)
{
    (void)state;
    static const enum command commands[] = {COMMAND_VERIFY_PIN, COMMAND_CHANGE_PIN};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        unsigned before = 0, after = 0;
        uint16_t word = 0;
        purse_fresh(state);
        at_shop();
        flash_prepare();
        for (int32_t programs = 0; word != 0x9000; programs++) {
            assert_int_equal(verify(purse_pin), STATUS_OK);
            word = command_on_failing_flash(commands[i], programs);
            purse_tap();
            if (word == 0x9000 || word >> 8 == 0x62)
                assert_int_equal(tries_left(), PIN_TRIES);
            if (word >> 4 == 0x63C)
                assert_int_equal(tries_left(), word & 0xF);
            before += word >> 8 == 0x62;
            after += word >> 4 == 0x63C;
        }
        assert_true(before > 0);
        assert_true(after > 0);
        purse_books();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(drawn_pin_is_four_digits_and_padding, purse_fresh),
        cmocka_unit_test_setup(wrong_pins_count_down_and_the_right_one_restores, purse_fresh),
        cmocka_unit_test_setup(five_wrong_pins_block_the_right_one_too, purse_fresh),
        cmocka_unit_test_setup(wrong_pin_takes_back_the_right_one, purse_fresh),
        cmocka_unit_test_setup(malformed_blocks_cost_no_try, purse_fresh),
        cmocka_unit_test_setup(change_needs_the_old_pin_and_counts, purse_fresh),
        cmocka_unit_test_setup(verified_pin_ends_with_its_channel_and_with_the_power, purse_fresh),
        cmocka_unit_test_setup(pin_cannot_be_read_after_issue, purse_fresh),
        cmocka_unit_test_setup(last_wrong_try_names_its_terminal, purse_fresh),
        cmocka_unit_test_setup(power_cut_during_a_wrong_guess_wins_no_try, purse_fresh),
        cmocka_unit_test_setup(power_cut_right_after_the_spend_leaves_it_spent, purse_fresh),
        cmocka_unit_test_setup(refusal_after_a_spent_try_says_how_many_are_left, purse_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
