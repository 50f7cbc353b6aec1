/* SPDX-License-Identifier: Apache-2.0 */
/* LOAD, REFUND, and policy orders: only the bank's next order for this card changes anything. */
#include "purse_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DAY 86400u
#define SHOP 2
#define KIOSK 4
#define DESK 5
#define OTHER_DESK 6

static struct order load_order(uint32_t counter, uint32_t amount)
{
    return purse_order(DOCUMENT_LOAD_ORDER, counter, amount);
}

/* The sale that fits the order. */
static enum status carry(const struct order *order)
{
    struct sale sale = purse_sale(order->amount.minor);
    return purse_carry(&sale, order);
}

static void load_adds_its_amount_and_is_signed(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = load_order(1, 2000);
    assert_int_equal(carry(&order), STATUS_OK);
    assert_int_equal(purse_receipt.card_counter, 1);
    assert_int_equal(purse_receipt.balance_after, 2000);
    assert_memory_equal(purse_receipt.terminal_certificate, purse_card.terminal.host_id,
                        HOST_ID_BYTES);
    assert_int_equal(purse_receipt.merchant, 7000 + KIOSK);
    assert_int_equal(purse_status_now().load_counter, 1);
    purse_books();
}

static void loads_are_not_payments_of_the_power_up(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(500);
    purse_load_amount(500);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    assert_int_equal(purse_pay_amount(100), STATUS_OK);
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(500);
    purse_books();
}

static void repeat_gives_the_same_receipt_at_any_terminal(void **state)
{
    (void)state;
    uint8_t first[RECEIPT_BYTES];
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = load_order(1, 2000);
    assert_int_equal(carry(&order), STATUS_OK);
    memcpy(first, purse_card.answer, sizeof first);
    assert_refused(STATUS_OK, carry(&order));
    purse_at(ROLE_DESK, DESK);
    assert_refused(STATUS_OK, carry(&order));
    assert_int_equal(carry(&order), STATUS_OK);
    assert_memory_equal(purse_card.answer, first, sizeof first);
    purse_books();
}

/* "Not there" would prove to a terminal that nothing was loaded; it was, and the bank knows. */
static void repeat_whose_receipt_left_the_log_is_not_told_as_not_there(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = load_order(1, 2000);
    assert_int_equal(carry(&order), STATUS_OK);
    purse_at(ROLE_POINT_OF_SALE, KIOSK + 1);
    struct order acknowledgement = purse_acknowledgement(1, 0);
    assert_int_equal(purse_apply(&acknowledgement), STATUS_OK);
    for (unsigned i = 0; i < LOG_SLOTS; i++) {
        purse_tap();
        assert_int_equal(purse_pay_amount(1), STATUS_OK);
    }
    purse_at(ROLE_KIOSK, KIOSK);
    assert_refused(STATUS_COUNTER, carry(&order));
    purse_books();
}

static void counters_other_than_the_next_are_refused(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = load_order(0, 100);
    assert_refused(STATUS_COUNTER, carry(&order));
    order = load_order(2, 100);
    assert_refused(STATUS_COUNTER, carry(&order));
    purse_load_amount(100);
    order = load_order(1, 100); /* the same counter, another order */
    assert_refused(STATUS_COUNTER, carry(&order));
    purse_load_amount(100);
    order = load_order(1, 100);
    assert_refused(STATUS_COUNTER, carry(&order));
    order = load_order(UINT32_MAX, 100);
    assert_refused(STATUS_COUNTER, carry(&order));
    purse_books();
}

static void zero_load_takes_the_counter_and_moves_nothing(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = load_order(1, 2000), undo = load_order(1, 0);
    assert_int_equal(carry(&undo), STATUS_OK);
    assert_int_equal(purse_receipt.balance_after, 0);
    assert_refused(STATUS_COUNTER, carry(&order)); /* the undone order comes too late */
    assert_int_equal(purse_status_now().load_counter, 1);
    purse_books();
}

static void zero_load_comes_too_late_for_a_taken_order(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = load_order(1, 2000), undo = load_order(1, 0);
    assert_int_equal(carry(&order), STATUS_OK);
    assert_refused(STATUS_COUNTER, carry(&undo));
    purse_books();
}

static void balance_limit_holds_for_loads_but_not_for_an_undo(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order policy = purse_policy();
    policy.policy.balance_limit = 1000;
    assert_int_equal(purse_apply(&policy), STATUS_OK);
    purse_load_amount(400);
    struct order order = load_order(2, 601);
    assert_refused(STATUS_BALANCE_LIMIT, carry(&order));
    purse_load_amount(600);
    policy = purse_policy();
    policy.policy.balance_limit = 10; /* now the purse is above it */
    assert_int_equal(purse_apply(&policy), STATUS_OK);
    order = load_order(3, 1);
    assert_refused(STATUS_BALANCE_LIMIT, carry(&order));
    order = load_order(3, 0);
    assert_int_equal(carry(&order), STATUS_OK);
    purse_books();
}

static void balance_never_wraps(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct certificate c;
    struct signed_certificate *working = &purse_card.issuer.working_certificate;
    assert_int_equal(certificate_decode(working->bytes, working->length, &c), DOCUMENT_OK);
    c.limit.minor = UINT32_MAX;
    issuer_certify(&c, &purse_card.issuer.root, working);
    purse_load_amount(UINT32_MAX);
    struct order order = load_order(2, 1);
    assert_refused(STATUS_BALANCE_LIMIT, carry(&order));
    purse_books();
}

static void sale_and_order_must_agree(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = load_order(1, 2000);
    struct sale sale = purse_sale(2001);
    assert_refused(STATUS_AMOUNT, purse_carry(&sale, &order));
    sale = purse_sale(2000);
    sale.amount.currency = 840;
    assert_refused(STATUS_CURRENCY, purse_carry(&sale, &order));
    sale = purse_sale(2000);
    sale.flags = RECEIPT_ONLINE;
    assert_refused(STATUS_DATA, purse_carry(&sale, &order));
    purse_books();
}

static void orders_for_another_card_are_refused(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = load_order(1, 2000);
    order.card[0] ^= 1;
    assert_refused(STATUS_OTHER_CARD, carry(&order));
    order = purse_policy();
    order.card[7] ^= 1;
    assert_refused(STATUS_OTHER_CARD, purse_apply(&order));
    order = purse_acknowledgement(0, 0);
    order.card[7] ^= 1;
    assert_refused(STATUS_OTHER_CARD, purse_apply(&order));
    purse_books();
}

static void orders_of_another_kind_are_refused(void **state)
{
    (void)state;
    uint8_t data[SALE_BYTES + ORDER_MESSAGE_BYTES_MAX];
    struct writer w = writer_of(data, sizeof data);
    struct sale sale = purse_sale(2000);
    purse_at(ROLE_DESK, DESK);
    /* A refund order in LOAD, a load order in REFUND. */
    struct order order = purse_order(DOCUMENT_REFUND_ORDER, 1, 2000);
    sale_encode(&sale, &w);
    size_t bytes = SALE_BYTES + issuer_order(&purse_card.issuer, &order, data + SALE_BYTES);
    assert_refused(STATUS_DATA, purse_send(COMMAND_LOAD, data, bytes));
    order = load_order(1, 2000);
    bytes = SALE_BYTES + issuer_order(&purse_card.issuer, &order, data + SALE_BYTES);
    assert_refused(STATUS_DATA, purse_send(COMMAND_REFUND, data, bytes));
    /* Orders that move money are none for APPLY ORDER. */
    assert_refused(STATUS_DATA, purse_apply(&order));
    purse_books();
}

static void every_flipped_byte_of_an_order_is_refused(void **state)
{
    (void)state;
    uint8_t data[SALE_BYTES + ORDER_MESSAGE_BYTES_MAX];
    struct writer w = writer_of(data, sizeof data);
    struct sale sale = purse_sale(2000);
    struct order order = load_order(1, 2000);
    purse_at(ROLE_KIOSK, KIOSK);
    sale_encode(&sale, &w);
    size_t bytes = SALE_BYTES + issuer_order(&purse_card.issuer, &order, data + SALE_BYTES);
    for (size_t i = SALE_BYTES; i < bytes; i++) {
        data[i] ^= 0x10;
        assert_int_not_equal(purse_send(COMMAND_LOAD, data, bytes), STATUS_OK);
        data[i] ^= 0x10;
    }
    assert_refused(STATUS_FORGED,
                   (data[SALE_BYTES + 20] ^= 1, purse_send(COMMAND_LOAD, data, bytes)));
    data[SALE_BYTES + 20] ^= 1;
    assert_int_equal(purse_status_now().load_counter, 0);
    assert_int_equal(purse_send(COMMAND_LOAD, data, bytes), STATUS_OK);
    purse_take_document(purse_card.answer, purse_card.answer_bytes);
    purse_books();
}

static void keys_sign_only_what_they_may(void **state)
{
    (void)state;
    struct certificate c;
    struct signed_certificate *working = &purse_card.issuer.working_certificate;
    purse_at(ROLE_KIOSK, KIOSK);
    assert_int_equal(certificate_decode(working->bytes, working->length, &c), DOCUMENT_OK);
    c.kinds = WORKING_POLICY;
    issuer_certify(&c, &purse_card.issuer.root, working);
    struct order order = load_order(1, 2000);
    assert_refused(STATUS_FORGED, carry(&order));
    c.kinds = WORKING_LOAD;
    c.limit.minor = 1999;
    issuer_certify(&c, &purse_card.issuer.root, working);
    assert_refused(STATUS_FORGED, carry(&order));
    struct order policy = purse_policy();
    assert_refused(STATUS_FORGED, purse_apply(&policy));
    c.limit.minor = 2000;
    issuer_certify(&c, &purse_card.issuer.terminal_authority, working); /* not the root */
    assert_refused(STATUS_FORGED, carry(&order));
    issuer_certify(&c, &purse_card.issuer.root, working);
    assert_int_equal(carry(&order), STATUS_OK);
    purse_books();
}

static void documents_that_ended_are_refused_and_starts_move_the_time(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order first = load_order(1, 100), late = load_order(2, 100);
    first.start = ISSUER_TODAY + 3 * DAY;
    assert_int_equal(carry(&first), STATUS_OK);
    assert_int_equal(purse_status_now().highest_time, ISSUER_TODAY + 3 * DAY);
    late.end = ISSUER_TODAY + 3 * DAY - 1;
    assert_refused(STATUS_EXPIRED, carry(&late));
    struct order policy = purse_policy();
    policy.end = late.end;
    assert_refused(STATUS_EXPIRED, purse_apply(&policy));
    late.end++;
    assert_int_equal(carry(&late), STATUS_OK);
    purse_books();
}

static void taken_load_is_answered_again_after_its_end(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = load_order(1, 100), policy = purse_policy();
    order.end = ISSUER_TODAY + DAY;
    assert_int_equal(carry(&order), STATUS_OK);
    policy.start = ISSUER_TODAY + 2 * DAY; /* the card's time passes the order's end */
    assert_int_equal(purse_apply(&policy), STATUS_OK);
    assert_refused(STATUS_OK, carry(&order));
    purse_books();
}

static void keys_below_the_generation_floor_sign_nothing(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order raise = issuer_order_fields(DOCUMENT_FLOOR_ORDER, NULL, 1);
    uint8_t document[ORDER_MESSAGE_BYTES_MAX];
    struct order order = load_order(1, 100), policy = purse_policy();
    raise.generation_floor = ISSUER_GENERATION + 1;
    size_t bytes = issuer_order(&purse_card.issuer, &raise, document);
    card_harness_power_cycle(&purse_card);
    assert_int_equal(card_harness_command(&purse_card, COMMAND_ROOT_ORDER, document, bytes),
                     0x9000);
    /* A terminal of the new generation carries orders of the old one. */
    struct certificate fields = issuer_terminal_fields(ROLE_KIOSK, KIOSK);
    fields.generation = ISSUER_GENERATION + 1;
    issuer_terminal(&purse_card.issuer, &fields, &purse_card.terminal);
    card_harness_connect_again(&purse_card);
    assert_refused(STATUS_OLD, carry(&order));
    assert_refused(STATUS_OLD, purse_apply(&policy));
    struct certificate c;
    struct signed_certificate *working = &purse_card.issuer.working_certificate;
    assert_int_equal(certificate_decode(working->bytes, working->length, &c), DOCUMENT_OK);
    c.generation++;
    issuer_certify(&c, &purse_card.issuer.root, working);
    assert_int_equal(carry(&order), STATUS_OK);
    purse_books();
}

static void terminal_number_is_used_once(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct sale sale = purse_sale(100);
    struct order first = load_order(1, 100), second = load_order(2, 100);
    assert_int_equal(purse_carry(&sale, &first), STATUS_OK);
    assert_refused(STATUS_NUMBER_USED, purse_carry(&sale, &second));
    purse_books();
}

/* ---- refunds ---- */

static void refund_adds_money_and_takes_points_back(void **state)
{
    (void)state;
    struct order policy = purse_policy();
    policy.policy.points_per = 100;
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(2000);
    assert_int_equal(purse_apply(&policy), STATUS_OK);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    assert_int_equal(purse_pay_amount(1000), STATUS_OK);
    purse_at(ROLE_DESK, DESK);
    struct order order = purse_order(DOCUMENT_REFUND_ORDER, 1, 300);
    order.original_counter = 2;
    order.points_taken = 3;
    assert_int_equal(carry(&order), STATUS_OK);
    assert_int_equal(purse_receipt.points_change, 3);
    assert_int_equal(purse_receipt.points_after, 7);
    assert_int_equal(purse_receipt.balance_after, 1300);
    struct purse_status status = purse_status_now();
    assert_int_equal(status.refund_counter, 1);
    assert_int_equal(status.load_counter, 1);
    order = purse_order(DOCUMENT_REFUND_ORDER, 2, 1);
    order.points_taken = 50; /* more than there are */
    assert_int_equal(carry(&order), STATUS_OK);
    assert_int_equal(purse_receipt.points_change, 7);
    assert_int_equal(purse_receipt.points_after, 0);
    purse_books();
}

static void refunds_count_by_themselves_and_repeat(void **state)
{
    (void)state;
    purse_at(ROLE_DESK, DESK);
    purse_load_amount(100);
    purse_load_amount(100);
    struct order order = purse_order(DOCUMENT_REFUND_ORDER, 3, 50);
    assert_refused(STATUS_COUNTER, carry(&order));
    order = purse_order(DOCUMENT_REFUND_ORDER, 1, 50);
    assert_int_equal(carry(&order), STATUS_OK);
    assert_refused(STATUS_OK, carry(&order));
    purse_at(ROLE_DESK, OTHER_DESK);
    assert_refused(STATUS_OK, carry(&order));
    struct order other = purse_order(DOCUMENT_REFUND_ORDER, 1, 50);
    assert_refused(STATUS_COUNTER, carry(&other));
    purse_books();
}

static void kiosk_does_not_refund(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = purse_order(DOCUMENT_REFUND_ORDER, 1, 50);
    assert_refused(STATUS_ROLE, carry(&order));
    purse_books();
}

/* ---- policy ---- */

static void policy_is_taken_if_its_number_or_generation_is_higher(void **state)
{
    (void)state;
    struct certificate c;
    struct signed_certificate *working = &purse_card.issuer.working_certificate;
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    struct order old = purse_policy(), policy = purse_policy();
    assert_int_equal(purse_apply(&policy), STATUS_OK);
    assert_int_equal(purse_status_now().policy_number, policy.number);
    assert_int_equal(purse_status_now().policy_generation, ISSUER_GENERATION);
    assert_refused(STATUS_OLD, purse_apply(&old));
    assert_refused(STATUS_OK, purse_apply(&policy)); /* the same again */
    policy.policy.payment_limit = 5;                 /* the same number, another content */
    assert_refused(STATUS_OLD, purse_apply(&policy));
    assert_int_equal(certificate_decode(working->bytes, working->length, &c), DOCUMENT_OK);
    c.generation++;
    issuer_certify(&c, &purse_card.issuer.root, working);
    assert_int_equal(purse_apply(&old), STATUS_OK); /* a lower number of a higher generation */
    assert_int_equal(purse_status_now().policy_number, old.number);
    c.generation--;
    issuer_certify(&c, &purse_card.issuer.root, working);
    struct order higher = purse_policy();
    assert_refused(STATUS_OLD, purse_apply(&higher));
    purse_books();
}

static void policy_of_another_currency_is_refused(void **state)
{
    (void)state;
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    struct order policy = purse_policy();
    policy.policy.currency = 840;
    assert_refused(STATUS_CURRENCY, purse_apply(&policy));
    purse_books();
}

static void policy_survives_the_power(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(1000);
    struct order policy = purse_policy();
    policy.policy.payment_limit = 70;
    assert_int_equal(purse_apply(&policy), STATUS_OK);
    card_harness_power_cycle(&purse_card);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    assert_refused(STATUS_LIMIT, purse_pay_amount(71));
    assert_int_equal(purse_pay_amount(70), STATUS_OK);
    purse_books();
}

static void torn_load_is_finished_by_repeating_it(void **state)
{
    (void)state;
    uint8_t data[SALE_BYTES + ORDER_MESSAGE_BYTES_MAX];
    purse_at(ROLE_KIOSK, KIOSK);
    bool did = false;
    uint32_t counter = 0;
    for (int32_t cut = 1; !did; cut++) {
        struct sale sale = purse_sale(100);
        struct order order = load_order(++counter, 100);
        struct writer w = writer_of(data, sizeof data);
        sale_encode(&sale, &w);
        size_t bytes = SALE_BYTES + issuer_order(&purse_card.issuer, &order, data + SALE_BYTES);
        purse_card.flash.changes_left = cut;
        did = card_harness_command(&purse_card, COMMAND_LOAD, data, bytes) != 0;
        purse_card.flash.changes_left = -1;
        purse_tap();
        assert_int_equal(purse_carry(&sale, &order), STATUS_OK);
        assert_int_equal(purse_expected_balance(), counter * 100);
        purse_books();
        assert_true(cut < 100);
    }
    assert_true(counter > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(load_adds_its_amount_and_is_signed, purse_fresh),
        cmocka_unit_test_setup(loads_are_not_payments_of_the_power_up, purse_fresh),
        cmocka_unit_test_setup(repeat_gives_the_same_receipt_at_any_terminal, purse_fresh),
        cmocka_unit_test_setup(repeat_whose_receipt_left_the_log_is_not_told_as_not_there,
                               purse_fresh),
        cmocka_unit_test_setup(counters_other_than_the_next_are_refused, purse_fresh),
        cmocka_unit_test_setup(zero_load_takes_the_counter_and_moves_nothing, purse_fresh),
        cmocka_unit_test_setup(zero_load_comes_too_late_for_a_taken_order, purse_fresh),
        cmocka_unit_test_setup(balance_limit_holds_for_loads_but_not_for_an_undo, purse_fresh),
        cmocka_unit_test_setup(balance_never_wraps, purse_fresh),
        cmocka_unit_test_setup(sale_and_order_must_agree, purse_fresh),
        cmocka_unit_test_setup(orders_for_another_card_are_refused, purse_fresh),
        cmocka_unit_test_setup(orders_of_another_kind_are_refused, purse_fresh),
        cmocka_unit_test_setup(every_flipped_byte_of_an_order_is_refused, purse_fresh),
        cmocka_unit_test_setup(keys_sign_only_what_they_may, purse_fresh),
        cmocka_unit_test_setup(documents_that_ended_are_refused_and_starts_move_the_time,
                               purse_fresh),
        cmocka_unit_test_setup(taken_load_is_answered_again_after_its_end, purse_fresh),
        cmocka_unit_test_setup(keys_below_the_generation_floor_sign_nothing, purse_fresh),
        cmocka_unit_test_setup(terminal_number_is_used_once, purse_fresh),
        cmocka_unit_test_setup(refund_adds_money_and_takes_points_back, purse_fresh),
        cmocka_unit_test_setup(refunds_count_by_themselves_and_repeat, purse_fresh),
        cmocka_unit_test_setup(kiosk_does_not_refund, purse_fresh),
        cmocka_unit_test_setup(policy_is_taken_if_its_number_or_generation_is_higher, purse_fresh),
        cmocka_unit_test_setup(policy_of_another_currency_is_refused, purse_fresh),
        cmocka_unit_test_setup(policy_survives_the_power, purse_fresh),
        cmocka_unit_test_setup(torn_load_is_finished_by_repeating_it, purse_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
