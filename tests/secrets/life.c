/* SPDX-License-Identifier: Apache-2.0 */
#include "life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "purse_test.h"

#define SHOP 2
#define KIOSK 4
#define BANK 5
/* Each right PIN commits twice; this many write more than the whole flash of the harness. */
#define CHANGES_FOR_ALL_PAGES 700
#define CHANGES_A_TAP 10

static const uint8_t chosen[PIN_BYTES] = {'2', '7', '1', '8', '2', '8', '1', '8'};

/* ---- personalisation ---- */

/* A statement can be repeated: made keys are read again. Certificates of another card are refused.
 */
static void initialize_again(void)
{
    card_harness_blank(&purse_card);
    for (int i = 0; i < 2; i++)
        assert_int_equal(card_harness_initialize(&purse_card, purse_card.issuer.anchors,
                                                 purse_card.issuer.anchors_bytes),
                         0x9000);
    struct certificate fields = issuer_card_fields(&purse_card.statement);
    fields.subject[0] ^= 1;
    assert_int_not_equal(card_harness_store_certificates(&purse_card, &fields), 0x9000);
}

static void load_and_rule(void)
{
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(5000);
    struct order policy = purse_policy();
    policy.policy.pin_above = 500;
    assert_int_equal(purse_apply(&policy), STATUS_OK);
}

/* ---- channels ---- */

/* The short way of a terminal that the card remembers. */
static void tap_known(void)
{
    card_harness_power_cycle(&purse_card);
    assert_int_equal(card_harness_authenticate(&purse_card), 0x9000);
}

/* A channel that a wrong MAC ends, and one that a command in the clear ends. */
static void break_channels(void)
{
    struct apdu_command apdu = card_harness_apdu(COMMAND_READ_STATUS, NULL, 0);
    purse_tap();
    purse_card.channel.mac[0] ^= 1;
    assert_int_equal(card_harness_secure(&purse_card, &apdu), 0x6982);
    purse_tap();
    assert_int_equal(card_harness_command(&purse_card, COMMAND_GET_STATE, NULL, 0), 0x6982);
}

/* An ephemeral key that is no point: the card has made its own pair by then. */
static void offer_no_point(void)
{
    struct scp11_host host;
    purse_tap();
    assert_int_equal(card_harness_select(&purse_card), 0x9000);
    assert_int_equal(scp11_host_begin(&host, purse_card.terminal.host_id), CHANNEL_OK);
    host.request[sizeof host.request - 1] ^= 1;
    assert_int_not_equal(card_harness_command(&purse_card, COMMAND_MUTUAL_AUTHENTICATE,
                                              host.request, sizeof host.request),
                         0x9000);
    scp11_host_end(&host);
}

/* ---- the holder ---- */

static enum status change_pin(const uint8_t old[PIN_BYTES], const uint8_t new[PIN_BYTES])
{
    uint8_t data[2 * PIN_BYTES];
    memcpy(data, old, PIN_BYTES);
    memcpy(data + PIN_BYTES, new, PIN_BYTES);
    return purse_send(COMMAND_CHANGE_PIN, data, sizeof data);
}

static void pay_with_pin(void)
{
    static const uint8_t malformed[PIN_BYTES] = {'1', '2', '3', 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    uint8_t wrong[PIN_BYTES];
    memcpy(wrong, purse_pin, PIN_BYTES);
    wrong[0] = wrong[0] == '9' ? '0' : (uint8_t)(wrong[0] + 1);
    purse_tap();
    assert_int_equal(purse_send(COMMAND_VERIFY_PIN, malformed, PIN_BYTES), STATUS_DATA);
    assert_int_equal(purse_send(COMMAND_VERIFY_PIN, wrong, PIN_BYTES), STATUS_PIN_WRONG + 4);
    assert_int_equal(purse_pay_amount(501), STATUS_PIN_REQUIRED);
    assert_int_equal(purse_send(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES), STATUS_OK);
    assert_int_equal(purse_pay_amount(501), STATUS_OK);
    assert_int_equal(change_pin(purse_pin, malformed), STATUS_DATA);
    assert_int_equal(change_pin(wrong, chosen), STATUS_PIN_WRONG + 4);
    assert_int_equal(change_pin(purse_pin, chosen), STATUS_OK);
    memcpy(purse_pin, chosen, PIN_BYTES);
    assert_int_equal(purse_send(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES), STATUS_OK);
}

static void pay_and_read(void)
{
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    assert_int_equal(purse_pay_amount(100), STATUS_OK);
    tap_known();
    assert_int_equal(purse_pay_amount(200), STATUS_OK);
    assert_int_equal(purse_pay_amount(200), STATUS_ONCE);
    assert_int_equal(
        purse_read_terminal(purse_card.terminal.number, purse_receipt.terminal_counter), STATUS_OK);
    assert_int_equal(purse_send(COMMAND_READ_PIN, NULL, 0), STATUS_STATE);
}

static void end(void)
{
    purse_at(ROLE_BANK, BANK);
    assert_int_equal(purse_read_counter(1), STATUS_OK);
    struct order acknowledgement = purse_acknowledgement(1, 0);
    assert_int_equal(purse_apply(&acknowledgement), STATUS_OK);
    purse_books();
    assert_int_equal(purse_block_alone(1), STATUS_OK);
    card_harness_power_cycle(&purse_card);
    assert_int_equal(card_harness_command(&purse_card, COMMAND_GET_BLOCK_RECEIPT, NULL, 0), 0x9000);
    assert_int_equal(card_harness_command(&purse_card, COMMAND_GET_CERTIFICATE, NULL, 0), 0x9000);
    stiver_card_power_off(&purse_card.card);
}

void life_run(void)
{
    initialize_again();
    assert_int_equal(purse_fresh(NULL), 0);
    load_and_rule();
    pay_and_read();
    pay_with_pin();
    break_channels();
    offer_no_point();
    end();
}

/* ---- memory ---- */

void life_turn_pages(void)
{
    assert_int_equal(purse_fresh(NULL), 0);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    for (int i = 0; i < CHANGES_FOR_ALL_PAGES; i++) {
        if (i % CHANGES_A_TAP == 0) /* a power-up reads what the turns wrote */
            purse_tap();
        assert_int_equal(purse_send(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES), STATUS_OK);
    }
}

/* Sends it with the power lost at one change after the other, until it comes through. */
static void tear_each(enum command command, const uint8_t *data, size_t bytes)
{
    uint16_t word = 0;
    for (int32_t cut = 1; word == 0; cut++) {
        purse_tap();
        if (command == COMMAND_PAY)
            assert_int_equal(purse_send(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES), STATUS_OK);
        purse_card.flash.changes_left = cut;
        word = card_harness_command(&purse_card, command, data, bytes);
        purse_card.flash.changes_left = -1;
        assert_true(cut < 100);
    }
}

void life_torn(void)
{
    uint8_t sale[SALE_BYTES], change[2 * PIN_BYTES];
    assert_int_equal(purse_fresh(NULL), 0);
    load_and_rule();
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    card_harness_pay_data(501, 1, sale);
    tear_each(COMMAND_PAY, sale, sizeof sale);
    tear_each(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES);
    memcpy(change, purse_pin, PIN_BYTES);
    memcpy(change + PIN_BYTES, purse_pin, PIN_BYTES); /* to itself: it stays right when torn */
    tear_each(COMMAND_CHANGE_PIN, change, sizeof change);
}
