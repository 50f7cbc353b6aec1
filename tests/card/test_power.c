/* SPDX-License-Identifier: Apache-2.0 */
/* The card at its port: manufacture, power-up, power lost inside a command, flash at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "card/core/nvm.h"
#include "harness.h"

static struct card_harness h;

static void expect_mute(void)
{
    static const uint8_t get_state[] = {0x80, 0xCA, 0xDF, 0x01, 0x00};
    assert_int_equal(card_harness_raw(&h, get_state, sizeof get_state), 0);
}

static struct card_state get_state(void)
{
    struct card_state card;
    assert_int_equal(card_harness_command(&h, COMMAND_GET_STATE, NULL, 0), 0x9000);
    assert_true(card_state_decode(h.answer, h.answer_bytes, &card));
    return card;
}

static void the_answer_to_reset_offers_t1(void **state)
{
    size_t bytes = 0;
    uint8_t check = 0;
    (void)state;
    const uint8_t *atr = stiver_card_atr(&bytes);
    assert_in_range(bytes, 2, 33);
    assert_int_equal(atr[0], 0x3B);
    assert_int_equal(atr[1] & 0xF0, 0x80);
    assert_int_equal(atr[1] & 0x0F, bytes - 5);
    assert_int_equal(atr[2], 0x80);
    assert_int_equal(atr[3], 0x01);
    for (size_t i = 1; i < bytes; i++)
        check ^= atr[i];
    assert_int_equal(check, 0);
}

static void flash_without_a_card_says_nothing(void **state)
{
    (void)state;
    card_harness_blank(&h);
    stiver_card_power_off(&h.card);
    memset(h.flash.memory, 0xFF, sizeof h.flash.memory);
    assert_int_equal(stiver_card_power_on(&h.card, &h.port), STIVER_CARD_BLANK_FLASH);
    expect_mute();
}

static void overwritten_flash_says_nothing(void **state)
{
    (void)state;
    card_harness_blank(&h);
    stiver_card_power_off(&h.card);
    memset(h.flash.memory, 0, sizeof h.flash.memory);
    assert_int_not_equal(stiver_card_power_on(&h.card, &h.port), STIVER_CARD_OK);
    expect_mute();
}

static void a_memory_without_factory_records_is_no_card(void **state)
{
    static const uint8_t salt[NVM_SALT_BYTES] = {1};
    (void)state;
    card_harness_blank(&h);
    stiver_card_power_off(&h.card);
    assert_int_equal(nvm_format(&h.port, salt), NVM_OK);
    assert_int_equal(stiver_card_power_on(&h.card, &h.port), STIVER_CARD_BLANK_FLASH);
    expect_mute();
}

static void flash_of_another_shape_is_refused(void **state)
{
    (void)state;
    card_harness_blank(&h);
    struct stiver_flash port = h.port;
    port.page_bytes = 1024;
    assert_int_equal(stiver_card_power_on(&h.card, &port), STIVER_CARD_GEOMETRY);
    expect_mute();
    assert_int_equal(stiver_card_manufacture(&port, &h.factory), STIVER_CARD_GEOMETRY);
}

static void a_card_that_is_off_says_nothing(void **state)
{
    (void)state;
    card_harness_blank(&h);
    stiver_card_power_off(&h.card);
    expect_mute();
}

static void manufacture_makes_another_card(void **state)
{
    (void)state;
    card_harness_blank(&h);
    card_harness_personalise(&h);
    struct statement first = h.statement;
    h.factory.serial[0] ^= 1;
    assert_int_equal(stiver_card_manufacture(&h.port, &h.factory), STIVER_CARD_OK);
    card_harness_power_cycle(&h);
    assert_int_equal(get_state().state, PURSE_BLANK);
    card_harness_personalise(&h);
    assert_int_not_equal(memcmp(first.card, h.statement.card, CARD_NUMBER_BYTES), 0);
}

static void a_torn_manufacture_leaves_no_card(void **state)
{
    (void)state;
    card_harness_blank(&h);
    int32_t cut = 1;
    enum stiver_card_status status = STIVER_CARD_POWER_LOST;
    for (; status != STIVER_CARD_OK; cut++) {
        stiver_card_power_off(&h.card);
        h.flash.changes_left = cut;
        status = stiver_card_manufacture(&h.port, &h.factory);
        h.flash.changes_left = -1;
        assert_true(status == STIVER_CARD_OK || status == STIVER_CARD_POWER_LOST);
        enum stiver_card_status on = stiver_card_power_on(&h.card, &h.port);
        /* The very last change may have been the one that made it whole. */
        if (on == STIVER_CARD_OK) {
            assert_int_equal(card_harness_select(&h), 0x9000);
            assert_memory_equal(get_state().serial, h.factory.serial, SERIAL_BYTES);
        } else {
            assert_int_not_equal(status, STIVER_CARD_OK);
            expect_mute();
        }
    }
    assert_true(cut > 3);
}

/* Cuts a step at every change of the flash it makes until it comes to its end; says how often. */
static int32_t cut_everywhere(uint16_t (*step)(void), void (*before)(void), void (*after)(void))
{
    for (int32_t cut = 1;; cut++) {
        before();
        h.flash.changes_left = cut;
        uint16_t word = step();
        if (word != 0) {
            assert_int_equal(word, 0x9000);
            h.flash.changes_left = -1;
            return cut - 1;
        }
        assert_int_equal(h.flash.changes_left, 0);
        expect_mute(); /* and stays so until the power is back */
        h.flash.changes_left = -1;
        card_harness_power_cycle(&h);
        after();
    }
}

static uint16_t initialize(void)
{
    return card_harness_initialize(&h, h.issuer.anchors, h.issuer.anchors_bytes);
}

static void make_blank(void)
{
    card_harness_blank(&h);
}

static void expect_keys_made_once(void)
{
    assert_int_equal(get_state().state, PURSE_BLANK);
    assert_int_equal(initialize(), 0x9000);
    struct statement first = h.statement;
    assert_int_equal(initialize(), 0x9000);
    assert_memory_equal(first.card, h.statement.card, CARD_NUMBER_BYTES);
    assert_memory_equal(first.channel_key, h.statement.channel_key, PUBLIC_KEY_BYTES);
    assert_memory_equal(first.receipt_key, h.statement.receipt_key, PUBLIC_KEY_BYTES);
}

static void keys_are_made_once_wherever_the_power_fails(void **state)
{
    (void)state;
    assert_true(cut_everywhere(initialize, make_blank, expect_keys_made_once) > 3);
}

static uint16_t lock(void)
{
    struct certificate fields = issuer_card_fields(&h.statement);
    return card_harness_store_certificates(&h, &fields);
}

static void make_initialized(void)
{
    card_harness_blank(&h);
    assert_int_equal(initialize(), 0x9000);
}

/* Blank and ready to be locked again, or locked and whole: nothing in between. */
static void expect_locked_or_not(void)
{
    if (get_state().state == PURSE_BLANK)
        assert_int_equal(lock(), 0x9000);
    assert_int_equal(get_state().state, PURSE_PERSONALISED);
    assert_int_equal(lock(), 0x6985);
    card_harness_connect(&h, ROLE_STATION);
    assert_int_equal(card_harness_command(&h, COMMAND_READ_PIN, NULL, 0), 0x9000);
    assert_int_equal(h.channel_status, CHANNEL_OK);
}

static void the_lock_is_whole_wherever_the_power_fails(void **state)
{
    (void)state;
    assert_true(cut_everywhere(lock, make_initialized, expect_locked_or_not) > 3);
}

static void worn_flash_refuses_changes_and_still_answers(void **state)
{
    (void)state;
    card_harness_blank(&h);
    h.flash.is_worn = true;
    assert_int_equal(initialize(), 0x6581);
    assert_int_equal(get_state().state, PURSE_BLANK);
    assert_int_equal(get_state().scheme, 0);
    h.flash.is_worn = false;
    card_harness_power_cycle(&h);
    card_harness_personalise(&h);
    card_harness_issue(&h);
    card_harness_load(&h, 0x71, 1000, 1);
    h.flash.is_worn = true;
    uint8_t data[STIVER_APDU_MAX];
    size_t bytes = card_harness_load_data(&h, 100, 2, 2, data, sizeof data);
    assert_int_equal(card_harness_command(&h, COMMAND_LOAD, data, bytes),
                     status_word(STATUS_MEMORY, true));
    assert_int_equal(h.channel_status, CHANNEL_OK);
    struct purse_status status;
    assert_int_equal(card_harness_command(&h, COMMAND_READ_STATUS, NULL, 0), 0x9000);
    assert_true(purse_status_decode(h.answer, h.answer_bytes, &status));
    assert_int_equal(status.balance.minor, 1000);
    assert_int_equal(status.load_counter, 1);
}

/* Flash at its end: this program call takes and is reported as refused, all later ones are. */
static int32_t programs_left;
static enum stiver_flash_status (*healthy_program)(void *, uint32_t, const uint8_t *, size_t);

static enum stiver_flash_status failing_program(void *context, uint32_t address,
                                                const uint8_t *data, size_t bytes)
{
    if (programs_left < 0)
        return STIVER_FLASH_WORN;
    enum stiver_flash_status status = healthy_program(context, address, data, bytes);
    return programs_left-- == 0 && status == STIVER_FLASH_OK ? STIVER_FLASH_WORN : status;
}

static uint32_t balance_now(void)
{
    struct purse_status status;
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    assert_int_equal(card_harness_command(&h, COMMAND_READ_STATUS, NULL, 0), 0x9000);
    assert_true(purse_status_decode(h.answer, h.answer_bytes, &status));
    return status.balance.minor;
}

/* A refusal inside the channel ends a sale: it must never be said of a payment that may stand. */
static void a_refusal_is_true_wherever_the_flash_gives_up(void **state)
{
    static struct harness_flash issued;
    uint8_t sale[SALE_BYTES];
    unsigned refused = 0, silent = 0;
    bool is_done = false;
    (void)state;
    card_harness_blank(&h);
    card_harness_personalise(&h);
    card_harness_issue(&h);
    card_harness_load(&h, 0x71, 1000, 1);
    issued = h.flash;
    healthy_program = h.port.program;
    for (int32_t programs = 0; !is_done; programs++) {
        h.port.program = failing_program;
        programs_left = INT32_MAX;
        card_harness_power_cycle(&h);
        card_harness_connect(&h, ROLE_POINT_OF_SALE);
        programs_left = programs;
        card_harness_pay_data(250, 7, sale);
        uint16_t word = card_harness_command(&h, COMMAND_PAY, sale, sizeof sale);
        bool is_refused = word >> 8 == 0x62 && h.channel_status == CHANNEL_OK;
        is_done = programs_left >= 0;
        h.port.program = healthy_program;
        card_harness_power_cycle(&h);
        uint32_t balance = balance_now();
        assert_true(balance == 1000 || balance == 750);
        if (word == 0x9000)
            assert_int_equal(balance, 750);
        if (is_refused)
            assert_int_equal(balance, 1000);
        refused += is_refused;
        silent += word == 0;
        h.flash = issued;
    }
    assert_true(refused > 0);
    assert_true(silent > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_to_reset_offers_t1),
        cmocka_unit_test(flash_without_a_card_says_nothing),
        cmocka_unit_test(overwritten_flash_says_nothing),
        cmocka_unit_test(a_memory_without_factory_records_is_no_card),
        cmocka_unit_test(flash_of_another_shape_is_refused),
        cmocka_unit_test(a_card_that_is_off_says_nothing),
        cmocka_unit_test(manufacture_makes_another_card),
        cmocka_unit_test(a_torn_manufacture_leaves_no_card),
        cmocka_unit_test(keys_are_made_once_wherever_the_power_fails),
        cmocka_unit_test(the_lock_is_whole_wherever_the_power_fails),
        cmocka_unit_test(worn_flash_refuses_changes_and_still_answers),
        cmocka_unit_test(a_refusal_is_true_wherever_the_flash_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
