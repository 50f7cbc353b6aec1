/* SPDX-License-Identifier: Apache-2.0 */
/* The purse's life before its first payment: what it says of itself, and its record. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "purse_test.h"

#include <cmocka.h>

#define SHOP 2
#define STATION 1

static struct card_state state_now(void)
{
    struct card_state state;
    assert_int_equal(card_harness_command(&purse_card, COMMAND_GET_STATE, NULL, 0), 0x9000);
    assert_true(card_state_decode(purse_card.answer, purse_card.answer_bytes, &state));
    return state;
}

static void blank_card_names_itself_and_no_scheme(void **state)
{
    (void)state;
    card_harness_blank(&purse_card);
    struct card_state now = state_now();
    assert_int_equal(now.state, PURSE_BLANK);
    assert_int_equal(now.protocol_version, 1);
    assert_int_equal(now.firmware, CARD_FIRMWARE);
    assert_int_equal(now.apdu_bytes_max, STIVER_APDU_MAX);
    assert_memory_equal(now.serial, purse_card.factory.serial, SERIAL_BYTES);
    /* With anchors, but not locked, it still is nobody's. */
    assert_int_equal(card_harness_initialize(&purse_card, purse_card.issuer.anchors,
                                             purse_card.issuer.anchors_bytes),
                     0x9000);
    now = state_now();
    assert_int_equal(now.state, PURSE_BLANK);
    assert_int_equal(now.scheme, 0);
    assert_int_equal(now.root_version, 0);
    assert_int_equal(now.authority_version, 0);
}

static void personalised_card_names_its_scheme_and_not_itself(void **state)
{
    (void)state;
    card_harness_blank(&purse_card);
    card_harness_personalise(&purse_card);
    for (int power_up = 0; power_up < 2; power_up++) {
        struct card_state now = state_now();
        assert_int_equal(now.state, PURSE_PERSONALISED);
        assert_int_equal(now.scheme, ISSUER_SCHEME);
        assert_int_equal(now.root_version, ISSUER_ROOT_VERSION);
        assert_int_equal(now.authority_version, ISSUER_AUTHORITY_VERSION);
        assert_true(bytes_are_zero(now.serial, SERIAL_BYTES));
        card_harness_power_cycle(&purse_card);
    }
}

static void personalised_card_moves_no_money_and_gives_its_pin_to_a_station_alone(void **state)
{
    (void)state;
    uint8_t pin[PIN_BYTES];
    purse_fresh_as(true, 0);
    card_harness_blank(&purse_card);
    card_harness_personalise(&purse_card);
    card_harness_connect(&purse_card, ROLE_DESK);
    assert_int_equal(purse_send(COMMAND_READ_PIN, NULL, 0), STATUS_ROLE);
    assert_int_equal(purse_send(COMMAND_ISSUE, NULL, 0), STATUS_ROLE);
    struct sale sale = purse_sale(10);
    struct order order = purse_order(DOCUMENT_LOAD_ORDER, 1, 10);
    assert_refused(STATUS_STATE, purse_carry(&sale, &order));
    card_harness_connect(&purse_card, ROLE_POINT_OF_SALE);
    assert_refused(STATUS_STATE, purse_pay_amount(1));
    card_harness_connect(&purse_card, ROLE_STATION);
    assert_int_equal(purse_send(COMMAND_READ_PIN, NULL, 0), STATUS_OK);
    memcpy(pin, purse_card.answer, sizeof pin);
    card_harness_power_cycle(&purse_card);
    card_harness_connect(&purse_card, ROLE_STATION);
    assert_int_equal(purse_send(COMMAND_READ_PIN, NULL, 0), STATUS_OK); /* repeatably */
    assert_memory_equal(purse_card.answer, pin, sizeof pin);
    assert_int_equal(purse_send(COMMAND_ISSUE, NULL, 0), STATUS_OK);
    assert_int_equal(purse_send(COMMAND_READ_PIN, NULL, 0), STATUS_STATE);
    card_harness_power_cycle(&purse_card);
    assert_int_equal(state_now().state, PURSE_ISSUED);
}

static void new_purse_is_empty(void **state)
{
    (void)state;
    purse_fresh_as(true, 0);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    struct purse_status status = purse_status_now();
    assert_int_equal(status.state, PURSE_ISSUED);
    assert_int_equal(status.balance.minor, 0);
    assert_int_equal(status.balance.currency, ISSUER_CURRENCY);
    assert_int_equal(status.points, 0);
    assert_int_equal(status.card_counter, 0);
    assert_int_equal(status.load_counter, 0);
    assert_int_equal(status.refund_counter, 0);
    assert_int_equal(status.acknowledged_up_to, 0);
    assert_int_equal(status.policy_generation, 0);
    assert_int_equal(status.policy_number, 0);
    assert_int_equal(status.pin_tries, PIN_TRIES);
    assert_int_equal(status.free_slots, LOG_SLOTS);
    assert_refused(STATUS_NOT_THERE, purse_read_terminal(purse_card.terminal.number, 1));
    purse_books();
}

static void policy_reaches_a_personalised_card(void **state)
{
    (void)state;
    purse_fresh_as(true, 0);
    card_harness_blank(&purse_card);
    card_harness_personalise(&purse_card);
    card_harness_connect(&purse_card, ROLE_STATION);
    struct order policy = purse_policy();
    assert_int_equal(purse_apply(&policy), STATUS_OK);
    assert_int_equal(purse_status_now().policy_number, policy.number);
}

/* Power is lost at every change of STORE CERTIFICATES: the card is blank, and can be personalised,
 * or it is personalised with a PIN. */
static void torn_lock_leaves_a_blank_or_a_personalised_card(void **state)
{
    (void)state;
    bool was_blank = false;
    enum purse_state now = PURSE_BLANK;
    card_harness_blank(&purse_card);
    assert_int_equal(card_harness_initialize(&purse_card, purse_card.issuer.anchors,
                                             purse_card.issuer.anchors_bytes),
                     0x9000);
    for (int32_t cut = 1; now == PURSE_BLANK; cut++) {
        struct certificate fields = issuer_card_fields(&purse_card.statement);
        purse_card.flash.changes_left = cut;
        (void)card_harness_store_certificates(&purse_card, &fields);
        purse_card.flash.changes_left = -1;
        card_harness_power_cycle(&purse_card);
        now = state_now().state;
        was_blank = was_blank || now == PURSE_BLANK;
        assert_true(cut < 100);
    }
    assert_true(was_blank);
    card_harness_connect(&purse_card, ROLE_STATION);
    assert_int_equal(purse_send(COMMAND_READ_PIN, NULL, 0), STATUS_OK);
    assert_int_equal(purse_status_now().pin_tries, PIN_TRIES);
}

static void record_holds_every_field(void **state)
{
    (void)state;
    uint8_t record[LEDGER_BYTES], again[LEDGER_BYTES];
    struct ledger ledger;
    for (size_t i = 0; i < sizeof record; i++)
        record[i] = (uint8_t)(i + 1);
    record[0] = PURSE_ISSUED;
    assert_true(ledger_decode(record, sizeof record, &ledger));
    ledger_encode(&ledger, again);
    assert_memory_equal(again, record, sizeof record);
    assert_false(ledger_decode(record, sizeof record - 1, &ledger));
    record[0] = PURSE_BLANK; /* a purse with a record is not blank */
    assert_false(ledger_decode(record, sizeof record, &ledger));
    record[0] = PURSE_ENDED + 1;
    assert_false(ledger_decode(record, sizeof record, &ledger));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blank_card_names_itself_and_no_scheme),
        cmocka_unit_test(personalised_card_names_its_scheme_and_not_itself),
        cmocka_unit_test(personalised_card_moves_no_money_and_gives_its_pin_to_a_station_alone),
        cmocka_unit_test(new_purse_is_empty),
        cmocka_unit_test(policy_reaches_a_personalised_card),
        cmocka_unit_test(torn_lock_leaves_a_blank_or_a_personalised_card),
        cmocka_unit_test(record_holds_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
