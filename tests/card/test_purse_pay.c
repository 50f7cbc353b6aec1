/* SPDX-License-Identifier: Apache-2.0 */
/* PAY: what is taken, what is refused and in which order, repeats, once a power-up, points, PIN. */
#include "purse_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DAY 86400u
#define SHOP 2
#define OTHER_SHOP 3
#define KIOSK 4
#define LIMIT 5000u /* of the terminals' certificates */

/* A card with money in it, at a point of sale, nothing paid in this power-up. */
static void at_shop_with(uint32_t amount)
{
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(amount);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
}

static void take_policy(const struct order *order)
{
    assert_int_equal(purse_apply(order), STATUS_OK);
}

static void payment_moves_its_amount_and_is_signed(void **state)
{
    (void)state;
    at_shop_with(2000);
    struct sale sale = purse_sale(250);
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    assert_int_equal(purse_receipt.kind, DOCUMENT_PAYMENT_RECEIPT);
    assert_int_equal(purse_receipt.card_counter, 2);
    assert_int_equal(purse_receipt.balance_after, 1750);
    assert_int_equal(purse_receipt.points_change, 0);
    assert_int_equal(purse_receipt.flags, 0);
    assert_int_equal(purse_receipt.order_counter, 0);
    assert_int_equal(purse_receipt.order_number, 0);
    purse_books();
}

static void whole_balance_can_be_paid_and_not_a_cent_more(void **state)
{
    (void)state;
    at_shop_with(300);
    assert_refused(STATUS_BALANCE, purse_pay_amount(301));
    assert_int_equal(purse_pay_amount(300), STATUS_OK);
    assert_int_equal(purse_receipt.balance_after, 0);
    purse_tap();
    assert_refused(STATUS_BALANCE, purse_pay_amount(1));
    purse_books();
}

static void other_currencies_are_refused(void **state)
{
    (void)state;
    at_shop_with(2000);
    struct sale sale = purse_sale(100);
    sale.amount.currency = 840;
    assert_refused(STATUS_CURRENCY, purse_pay_sale(&sale));
    purse_books();
}

static void amount_zero_is_refused(void **state)
{
    (void)state;
    at_shop_with(2000);
    assert_refused(STATUS_AMOUNT, purse_pay_amount(0));
    purse_books();
}

static void times_outside_the_terminals_days_are_refused(void **state)
{
    (void)state;
    at_shop_with(2000);
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, SHOP);
    struct sale sale = purse_sale(100);
    sale.time = fields.end + 1;
    assert_refused(STATUS_TIME, purse_pay_sale(&sale));
    sale.time = fields.start - 1;
    assert_refused(STATUS_TIME, purse_pay_sale(&sale));
    sale.time = 0;
    assert_refused(STATUS_TIME, purse_pay_sale(&sale));
    sale.time = fields.end;
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    purse_books();
}

static void time_more_than_a_day_below_the_cards_is_refused(void **state)
{
    (void)state;
    at_shop_with(2000); /* the load's order started today: so late it is for the card */
    struct sale sale = purse_sale(100);
    assert_int_equal(purse_status_now().highest_time, ISSUER_TODAY);
    sale.time = ISSUER_TODAY - DAY - 1;
    assert_refused(STATUS_TIME, purse_pay_sale(&sale));
    sale.time = ISSUER_TODAY - DAY;
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    purse_books();
}

static void limit_of_the_terminals_certificate_holds(void **state)
{
    (void)state;
    at_shop_with(2 * LIMIT);
    assert_refused(STATUS_LIMIT, purse_pay_amount(LIMIT + 1));
    assert_int_equal(purse_pay_amount(LIMIT), STATUS_OK);
    purse_books();
}

static void limit_of_the_policy_holds(void **state)
{
    (void)state;
    at_shop_with(2000);
    struct order policy = purse_policy();
    policy.policy.payment_limit = 400;
    take_policy(&policy);
    assert_refused(STATUS_LIMIT, purse_pay_amount(401));
    assert_int_equal(purse_pay_amount(400), STATUS_OK);
    purse_books();
}

static void payments_that_need_the_bank_are_refused(void **state)
{
    (void)state;
    at_shop_with(2000);
    struct sale sale = purse_sale(100);
    sale.flags = RECEIPT_ONLINE;
    assert_refused(STATUS_ONLINE_REQUIRED, purse_pay_sale(&sale));
    struct order policy = purse_policy();
    policy.policy.online_above = 300;
    take_policy(&policy);
    assert_refused(STATUS_ONLINE_REQUIRED, purse_pay_amount(301));
    assert_int_equal(purse_pay_amount(300), STATUS_OK);
    purse_books();
}

static void flags_that_a_terminal_may_not_set_are_refused(void **state)
{
    (void)state;
    at_shop_with(2000);
    struct sale sale = purse_sale(100);
    sale.flags = RECEIPT_PIN;
    assert_refused(STATUS_DATA, purse_pay_sale(&sale));
    sale.flags = 0x80;
    assert_refused(STATUS_DATA, purse_pay_sale(&sale));
    purse_books();
}

static void virtual_card_pays_offline_in_a_test_scheme_alone(void **state)
{
    (void)state;
    purse_fresh_as(false, 0);
    at_shop_with(2000);
    assert_refused(STATUS_ONLINE_REQUIRED, purse_pay_amount(100));
    purse_books();
    purse_fresh_as(false, AUTHORITY_FLAG_TEST_SCHEME);
    at_shop_with(2000);
    assert_int_equal(purse_pay_amount(100), STATUS_OK);
    purse_books();
}

static void second_payment_of_a_power_up_is_refused(void **state)
{
    (void)state;
    at_shop_with(2000);
    assert_refused(STATUS_BALANCE, purse_pay_amount(2001)); /* a refusal does not count */
    assert_int_equal(purse_pay_amount(100), STATUS_OK);
    assert_refused(STATUS_ONCE, purse_pay_amount(100));
    /* A new channel, of another terminal too, is the same power-up. */
    purse_at(ROLE_VENDING, OTHER_SHOP);
    assert_refused(STATUS_ONCE, purse_pay_amount(100));
    purse_tap();
    assert_int_equal(purse_pay_amount(100), STATUS_OK);
    purse_books();
}

static void repeat_gets_the_same_receipt_and_no_second_debit(void **state)
{
    (void)state;
    uint8_t first[PAY_ANSWER_BYTES];
    at_shop_with(2000);
    struct sale sale = purse_sale(100);
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    memcpy(first, purse_card.answer, sizeof first);
    assert_refused(STATUS_OK, purse_pay_sale(&sale));
    purse_tap();
    assert_refused(STATUS_OK, purse_pay_sale(&sale));
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    assert_memory_equal(purse_card.answer, first, sizeof first);
    /* The repeat was no payment of this power-up: another one is. */
    assert_int_equal(purse_pay_amount(50), STATUS_OK);
    /* And the old one is still known after it. */
    assert_refused(STATUS_OK, purse_pay_sale(&sale));
    purse_books();
}

static void repeat_is_answered_though_a_new_payment_would_be_refused(void **state)
{
    (void)state;
    at_shop_with(100);
    struct sale sale = purse_sale(100);
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    struct order policy = purse_policy();
    policy.policy.payment_limit = 1;
    take_policy(&policy);
    assert_refused(STATUS_OK, purse_pay_sale(&sale)); /* balance 0, limit 1, paid already */
    purse_books();
}

static void used_number_with_any_other_field_is_refused(void **state)
{
    (void)state;
    at_shop_with(2000);
    const struct sale paid = purse_sale(100);
    assert_int_equal(purse_pay_sale(&paid), STATUS_OK);
    purse_tap();
    struct sale sale = paid;
    sale.amount.minor++;
    assert_refused(STATUS_NUMBER_USED, purse_pay_sale(&sale));
    sale = paid;
    sale.amount.currency = 840;
    assert_refused(STATUS_NUMBER_USED, purse_pay_sale(&sale));
    sale = paid;
    sale.time++;
    assert_refused(STATUS_NUMBER_USED, purse_pay_sale(&sale));
    sale = paid;
    sale.reference[7] ^= 1;
    assert_refused(STATUS_NUMBER_USED, purse_pay_sale(&sale));
    sale = paid;
    sale.flags = RECEIPT_ONLINE;
    assert_refused(STATUS_NUMBER_USED, purse_pay_sale(&sale));
    purse_books();
}

static void used_number_under_another_certificate_is_refused(void **state)
{
    (void)state;
    at_shop_with(2000);
    const struct sale paid = purse_sale(100);
    assert_int_equal(purse_pay_sale(&paid), STATUS_OK);
    /* The same terminal, certified anew. */
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, SHOP);
    fields.serial++;
    issuer_terminal(&purse_card.issuer, &fields, &purse_card.terminal);
    purse_tap();
    assert_refused(STATUS_NUMBER_USED, purse_pay_sale(&paid));
    purse_books();
}

static void number_of_a_load_cannot_be_paid(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, SHOP);
    struct sale load = purse_sale(1000);
    struct order order = purse_order(DOCUMENT_LOAD_ORDER, 1, 1000);
    assert_int_equal(purse_carry(&load, &order), STATUS_OK);
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, SHOP);
    issuer_terminal(&purse_card.issuer, &fields, &purse_card.terminal);
    purse_tap();
    assert_refused(STATUS_NUMBER_USED, purse_pay_sale(&load));
    purse_books();
}

static void other_terminals_number_is_its_own(void **state)
{
    (void)state;
    at_shop_with(2000);
    struct sale sale = purse_sale(100);
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    purse_at(ROLE_POINT_OF_SALE, OTHER_SHOP);
    purse_tap();
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    assert_int_equal(purse_receipt.card_counter, 3);
    purse_books();
}

static void kiosks_and_terminals_without_the_class_do_not_pay(void **state)
{
    (void)state;
    at_shop_with(2000);
    purse_at(ROLE_KIOSK, KIOSK);
    assert_refused(STATUS_ROLE, purse_pay_amount(100));
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 5);
    fields.classes = CLASS_CARRY;
    issuer_terminal(&purse_card.issuer, &fields, &purse_card.terminal);
    purse_tap();
    assert_refused(STATUS_ROLE, purse_pay_amount(100));
    purse_books();
}

static void points_are_the_policys_and_stand_in_the_receipt(void **state)
{
    (void)state;
    at_shop_with(3000);
    struct order policy = purse_policy();
    policy.policy.points_per = 100;
    take_policy(&policy);
    assert_int_equal(purse_pay_amount(250), STATUS_OK);
    assert_int_equal(purse_receipt.points_change, 2);
    assert_int_equal(purse_receipt.points_after, 2);
    purse_tap();
    assert_int_equal(purse_pay_amount(99), STATUS_OK);
    assert_int_equal(purse_receipt.points_change, 0);
    assert_int_equal(purse_receipt.points_after, 2);
    purse_tap();
    assert_int_equal(purse_pay_amount(1000), STATUS_OK);
    assert_int_equal(purse_receipt.points_after, 12);
    assert_int_equal(purse_status_now().points, 12);
    purse_books();
}

static void amounts_above_the_policys_need_the_pin(void **state)
{
    (void)state;
    at_shop_with(3000);
    struct order policy = purse_policy();
    policy.policy.pin_above = 500;
    take_policy(&policy);
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(501));
    assert_int_equal(purse_pay_amount(500), STATUS_OK);
    purse_tap();
    assert_int_equal(purse_send(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES), STATUS_OK);
    assert_int_equal(purse_pay_amount(501), STATUS_OK);
    assert_int_equal(purse_receipt.flags, RECEIPT_PIN);
    purse_books();
}

static void pin_serves_one_payment_in_its_channel(void **state)
{
    (void)state;
    at_shop_with(3000);
    struct order policy = purse_policy();
    policy.policy.pin_above = 0;
    take_policy(&policy);
    /* Verified in one channel, asked in the next of the same power-up. */
    assert_int_equal(purse_send(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES), STATUS_OK);
    card_harness_connect_again(&purse_card);
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(100));
    /* A refused payment leaves it, a payment takes it. */
    assert_int_equal(purse_send(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES), STATUS_OK);
    assert_refused(STATUS_BALANCE, purse_pay_amount(3001));
    assert_int_equal(purse_pay_amount(100), STATUS_OK);
    /* Not even without the rule of one payment a power-up. */
    purse_inside()->has_paid = false;
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(100));
    purse_tap();
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(100));
    purse_books();
}

static void count_of_payments_without_pin_ends_and_starts_again(void **state)
{
    (void)state;
    at_shop_with(3000);
    struct order policy = purse_policy();
    policy.policy.pin_count = 2;
    take_policy(&policy);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(purse_pay_amount(10), STATUS_OK);
        purse_tap();
        assert_int_equal(purse_pay_amount(10), STATUS_OK);
        purse_tap();
        assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(10));
        assert_int_equal(purse_send(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES), STATUS_OK);
        assert_int_equal(purse_pay_amount(10), STATUS_OK);
        purse_tap();
    }
    purse_books();
}

static void sum_of_payments_without_pin_ends_and_starts_again(void **state)
{
    (void)state;
    at_shop_with(3000);
    struct order policy = purse_policy();
    policy.policy.pin_total = 100;
    take_policy(&policy);
    assert_int_equal(purse_pay_amount(60), STATUS_OK);
    purse_tap();
    assert_refused(STATUS_PIN_REQUIRED, purse_pay_amount(41));
    assert_int_equal(purse_pay_amount(40), STATUS_OK);
    purse_tap();
    assert_int_equal(purse_send(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES), STATUS_OK);
    assert_int_equal(purse_pay_amount(1), STATUS_OK);
    purse_tap();
    assert_int_equal(purse_pay_amount(100), STATUS_OK);
    purse_books();
}

/* What a glitched check would let through is stopped at the last moment, before it is committed. */
static void state_that_its_receipt_does_not_explain_is_not_committed(void **state)
{
    (void)state;
    struct card *card = (struct card *)(void *)purse_card.card.memory;
    uint8_t document[RECEIPT_BYTES];
    struct receipt receipt;
    at_shop_with(2000);
    struct sale sale = purse_sale(100);
    const uint32_t wrong[] = {2000, 1901, 1899, 2100, 0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ledger next = purse_inside()->ledger;
        next.balance.minor = wrong[i];
        receipt_begin(card, DOCUMENT_PAYMENT_RECEIPT, &sale, &receipt);
        assert_refused(STATUS_FAILED, receipt_commit(card, &receipt, &next, NULL, document));
    }
    purse_books();
}

/* Power is lost at every change of memory that a payment makes: it happened or it did not, and the
 * same terminal learns which. */
static void torn_payment_happened_or_did_not(void **state)
{
    (void)state;
    at_shop_with(3000);
    bool did_not = false, did = false;
    for (int32_t cut = 1; !did; cut++) {
        uint8_t data[SALE_BYTES];
        struct sale sale = purse_sale(100);
        struct writer w = writer_of(data, sizeof data);
        uint32_t before = purse_expected_balance();
        sale_encode(&sale, &w);
        purse_card.flash.changes_left = cut;
        uint16_t word = card_harness_command(&purse_card, COMMAND_PAY, data, sizeof data);
        did = word != 0; /* the cut lay behind the payment's last change */
        if (!did)
            did_not = true;
        purse_card.flash.changes_left = -1;
        purse_tap();
        enum status found = purse_read_terminal(purse_card.terminal.number, sale.terminal_counter);
        assert_true(found == STATUS_OK || (!did && found == STATUS_NOT_THERE));
        assert_int_equal(purse_expected_balance(), before - (found == STATUS_OK ? 100 : 0));
        purse_books();
        assert_true(cut < 100);
    }
    assert_true(did_not);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(payment_moves_its_amount_and_is_signed, purse_fresh),
        cmocka_unit_test_setup(whole_balance_can_be_paid_and_not_a_cent_more, purse_fresh),
        cmocka_unit_test_setup(other_currencies_are_refused, purse_fresh),
        cmocka_unit_test_setup(amount_zero_is_refused, purse_fresh),
        cmocka_unit_test_setup(times_outside_the_terminals_days_are_refused, purse_fresh),
        cmocka_unit_test_setup(time_more_than_a_day_below_the_cards_is_refused, purse_fresh),
        cmocka_unit_test_setup(limit_of_the_terminals_certificate_holds, purse_fresh),
        cmocka_unit_test_setup(limit_of_the_policy_holds, purse_fresh),
        cmocka_unit_test_setup(payments_that_need_the_bank_are_refused, purse_fresh),
        cmocka_unit_test_setup(flags_that_a_terminal_may_not_set_are_refused, purse_fresh),
        cmocka_unit_test(virtual_card_pays_offline_in_a_test_scheme_alone),
        cmocka_unit_test_setup(second_payment_of_a_power_up_is_refused, purse_fresh),
        cmocka_unit_test_setup(repeat_gets_the_same_receipt_and_no_second_debit, purse_fresh),
        cmocka_unit_test_setup(repeat_is_answered_though_a_new_payment_would_be_refused,
                               purse_fresh),
        cmocka_unit_test_setup(used_number_with_any_other_field_is_refused, purse_fresh),
        cmocka_unit_test_setup(used_number_under_another_certificate_is_refused, purse_fresh),
        cmocka_unit_test_setup(number_of_a_load_cannot_be_paid, purse_fresh),
        cmocka_unit_test_setup(other_terminals_number_is_its_own, purse_fresh),
        cmocka_unit_test_setup(kiosks_and_terminals_without_the_class_do_not_pay, purse_fresh),
        cmocka_unit_test_setup(points_are_the_policys_and_stand_in_the_receipt, purse_fresh),
        cmocka_unit_test_setup(amounts_above_the_policys_need_the_pin, purse_fresh),
        cmocka_unit_test_setup(pin_serves_one_payment_in_its_channel, purse_fresh),
        cmocka_unit_test_setup(count_of_payments_without_pin_ends_and_starts_again, purse_fresh),
        cmocka_unit_test_setup(sum_of_payments_without_pin_ends_and_starts_again, purse_fresh),
        cmocka_unit_test_setup(state_that_its_receipt_does_not_explain_is_not_committed,
                               purse_fresh),
        cmocka_unit_test_setup(torn_payment_happened_or_did_not, purse_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
