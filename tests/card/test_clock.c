/* SPDX-License-Identifier: Apache-2.0 */
/* The card's time and generation floor: what raises them, what alone lowers them, what they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/date.h"
#include "card/core/card.h"
#include "harness.h"

static struct card_harness h;

static void issued_card(void)
{
    card_harness_blank(&h);
    card_harness_personalise(&h);
    card_harness_issue(&h);
}

/* As a point of sale sees it; its own certificate's start counts already. */
static struct purse_status purse_status(void)
{
    struct purse_status status;
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    assert_int_equal(card_harness_command(&h, COMMAND_READ_STATUS, NULL, 0), 0x9000);
    assert_true(purse_status_decode(h.answer, h.answer_bytes, &status));
    assert_int_equal(card_harness_select(&h), 0x9000);
    return status;
}

static uint16_t verify_starting(uint32_t start)
{
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x60);
    fields.start = start;
    fields.end = start + 7 * DAY_SECONDS - 1;
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    return card_harness_verify(&h);
}

static uint16_t send_order(const struct order *order)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    size_t bytes = issuer_order(&h.issuer, order, message);
    return card_harness_command(&h, COMMAND_ROOT_ORDER, message, bytes);
}

static struct order time_order(uint32_t number, uint32_t new_time)
{
    struct order order = issuer_order_fields(DOCUMENT_TIME_ORDER, h.statement.card, number);
    order.new_time = new_time;
    return order;
}

static struct order floor_order(uint32_t number, uint32_t floor)
{
    struct order order = issuer_order_fields(DOCUMENT_FLOOR_ORDER, h.statement.card, number);
    order.generation_floor = floor;
    return order;
}

static void a_certificates_start_raises_the_time(void **state)
{
    (void)state;
    issued_card();
    assert_int_equal(purse_status().highest_time, ISSUER_TODAY - 2 * DAY_SECONDS);
    assert_int_equal(verify_starting(ISSUER_TODAY), 0x9000);
    assert_int_equal(purse_status().highest_time, ISSUER_TODAY);
    assert_int_equal(verify_starting(ISSUER_TODAY - DAY_SECONDS), 0x9000);
    assert_int_equal(purse_status().highest_time, ISSUER_TODAY);
}

/* A bare verification writes nothing: it could wear the memory out, or freeze a wrong date. */
static void the_time_commits_with_the_next_command_that_commits(void **state)
{
    (void)state;
    issued_card();
    uint32_t changes = h.flash.changes;
    assert_int_equal(verify_starting(ISSUER_TODAY), 0x9000);
    assert_int_equal(h.flash.changes, changes);
    card_harness_power_cycle(&h);
    assert_true(purse_status().highest_time < ISSUER_TODAY);
    card_harness_power_cycle(&h);
    assert_int_equal(verify_starting(ISSUER_TODAY), 0x9000);
    card_harness_load(&h, 0x61, 100, 1);
    card_harness_power_cycle(&h);
    assert_int_equal(purse_status().highest_time, ISSUER_TODAY);
}

static void what_ended_before_the_cards_time_is_refused(void **state)
{
    (void)state;
    issued_card();
    assert_int_equal(verify_starting(ISSUER_TODAY), 0x9000);
    /* Ends in the very second before, and in that second's day. */
    assert_int_equal(verify_starting(ISSUER_TODAY - 7 * DAY_SECONDS), 0x6600);
    assert_int_equal(verify_starting(ISSUER_TODAY - 6 * DAY_SECONDS), 0x9000);
}

static void no_certificate_moves_the_time_beyond_its_authority(void **state)
{
    const uint32_t authority_end = ISSUER_START + 365 * DAY_SECONDS - 1;
    (void)state;
    issued_card();
    assert_int_equal(verify_starting(authority_end + 1), 0x6600);
    assert_true(purse_status().highest_time < ISSUER_TODAY);
    assert_int_equal(verify_starting(authority_end + 1 - DAY_SECONDS), 0x9000);
}

/* The rule itself, for documents whose signer's days were not compared with their start before. */
static void what_was_seen_counts_no_further_than_the_authoritys_end(void **state)
{
    static struct card card;
    (void)state;
    card_clock_saw(&card, 1000, 2000);
    assert_int_equal(card_clock_now(&card), 1000);
    card_clock_saw(&card, 5000, 2000);
    assert_int_equal(card_clock_now(&card), 2000);
    card_clock_saw(&card, 1500, 9000);
    assert_int_equal(card_clock_now(&card), 2000);
    assert_int_equal(card.clock.highest, 0);
    assert_true(card_clock_permits(&card, 2000));
    assert_false(card_clock_permits(&card, 1999));
}

static void a_time_order_lowers_the_time_for_good(void **state)
{
    const uint32_t far = ISSUER_TODAY + 200 * DAY_SECONDS;
    (void)state;
    issued_card();
    assert_int_equal(verify_starting(far), 0x9000);
    /* Its own end lies long before the card's time: it is exempt from that rule. */
    struct order order = time_order(1, ISSUER_TODAY - 5 * DAY_SECONDS);
    assert_true(order.end < far);
    assert_int_equal(send_order(&order), 0x9000);
    assert_int_equal(purse_status().highest_time, ISSUER_TODAY - 2 * DAY_SECONDS);
    card_harness_power_cycle(&h);
    assert_int_equal(purse_status().highest_time, ISSUER_TODAY - 2 * DAY_SECONDS);
}

static void a_root_order_counts_once(void **state)
{
    (void)state;
    issued_card();
    struct order order = time_order(5, ISSUER_TODAY + DAY_SECONDS);
    assert_int_equal(send_order(&order), 0x9000);
    assert_int_equal(send_order(&order), 0x6985);
    card_harness_power_cycle(&h);
    assert_int_equal(send_order(&order), 0x6985);
    order.number = 4;
    assert_int_equal(send_order(&order), 0x6985);
    order.number = 0;
    assert_int_equal(send_order(&order), 0x6985);
    /* One number for both kinds. */
    struct order floor = floor_order(5, 1);
    assert_int_equal(send_order(&floor), 0x6985);
    order.number = 6;
    assert_int_equal(send_order(&order), 0x9000);
    order.number = COUNTER_MAX + 1u;
    assert_int_equal(send_order(&order), 0x6985);
    order.number = COUNTER_MAX;
    assert_int_equal(send_order(&order), 0x9000);
}

static void a_time_order_names_its_card(void **state)
{
    (void)state;
    issued_card();
    struct order order = time_order(1, ISSUER_TODAY);
    order.card[0] ^= 1;
    assert_int_equal(send_order(&order), 0x6A80);
    memset(order.card, 0, CARD_NUMBER_BYTES);
    assert_int_equal(send_order(&order), 0x6A80);
    struct order floor = floor_order(1, 1);
    floor.card[7] ^= 1;
    assert_int_equal(send_order(&floor), 0x6A80);
    memset(floor.card, 0, CARD_NUMBER_BYTES);
    assert_int_equal(send_order(&floor), 0x9000);
}

static void only_the_root_signs_them(void **state)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    (void)state;
    issued_card();
    struct order order = time_order(1, ISSUER_TODAY + DAY_SECONDS);
    const struct key_pair *others[] = {&h.issuer.working, &h.issuer.terminal_authority,
                                       &h.issuer.card_authority};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        size_t bytes = order_encode(&order, message, sizeof message);
        bytes = issuer_sign(others[i], message, bytes);
        assert_int_equal(card_harness_command(&h, COMMAND_ROOT_ORDER, message, bytes), 0x6A80);
    }
    size_t bytes = issuer_order(&h.issuer, &order, message);
    for (size_t i = 0; i < bytes; i++) {
        message[i] ^= 0x10;
        assert_int_equal(card_harness_command(&h, COMMAND_ROOT_ORDER, message, bytes), 0x6A80);
        message[i] ^= 0x10;
    }
    message[bytes] = 0;
    assert_int_equal(card_harness_command(&h, COMMAND_ROOT_ORDER, message, bytes + 1), 0x6A80);
    assert_int_equal(card_harness_command(&h, COMMAND_ROOT_ORDER, message, bytes - 1), 0x6A80);
    assert_int_equal(card_harness_command(&h, COMMAND_ROOT_ORDER, message, bytes), 0x9000);
}

/* A load order is genuine, but no root order. */
static void orders_of_a_working_key_are_no_root_orders(void **state)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    (void)state;
    issued_card();
    struct order order = issuer_order_fields(DOCUMENT_LOAD_ORDER, h.statement.card, 1);
    order.counter = 1;
    order.amount = money_of(100, ISSUER_CURRENCY);
    size_t bytes = order_encode(&order, message, sizeof message);
    bytes = issuer_sign(&h.issuer.root, message, bytes);
    assert_int_equal(card_harness_command(&h, COMMAND_ROOT_ORDER, message, bytes), 0x6A80);
}

static void the_floor_rises_by_sixteen_at_most_and_never_falls(void **state)
{
    (void)state;
    issued_card();
    struct order order = floor_order(1, 17);
    assert_int_equal(send_order(&order), 0x6985);
    order.generation_floor = UINT32_MAX;
    assert_int_equal(send_order(&order), 0x6985);
    order.generation_floor = 2;
    assert_int_equal(send_order(&order), 0x9000);
    order.number = 2;
    assert_int_equal(send_order(&order), 0x6985); /* not higher */
    order.generation_floor = 1;
    assert_int_equal(send_order(&order), 0x6985);
    order.generation_floor = 19;
    assert_int_equal(send_order(&order), 0x6985);
    assert_int_equal(purse_status().generation_floor, 2);
    order.generation_floor = 18;
    assert_int_equal(send_order(&order), 0x9000);
    card_harness_power_cycle(&h);
    /* Nobody of generation 3 is let in any more. */
    assert_int_equal(verify_starting(ISSUER_TODAY), 0x6600);
}

static void an_ended_floor_order_is_refused(void **state)
{
    (void)state;
    issued_card();
    assert_int_equal(verify_starting(ISSUER_TODAY + 20 * DAY_SECONDS), 0x9000);
    struct order order = floor_order(1, 1);
    order.end = ISSUER_TODAY + 20 * DAY_SECONDS - 1;
    assert_int_equal(send_order(&order), 0x6985);
    order.end++;
    assert_int_equal(send_order(&order), 0x9000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificates_start_raises_the_time),
        cmocka_unit_test(the_time_commits_with_the_next_command_that_commits),
        cmocka_unit_test(what_ended_before_the_cards_time_is_refused),
        cmocka_unit_test(no_certificate_moves_the_time_beyond_its_authority),
        cmocka_unit_test(what_was_seen_counts_no_further_than_the_authoritys_end),
        cmocka_unit_test(a_time_order_lowers_the_time_for_good),
        cmocka_unit_test(a_root_order_counts_once),
        cmocka_unit_test(a_time_order_names_its_card),
        cmocka_unit_test(only_the_root_signs_them),
        cmocka_unit_test(orders_of_a_working_key_are_no_root_orders),
        cmocka_unit_test(the_floor_rises_by_sixteen_at_most_and_never_falls),
        cmocka_unit_test(an_ended_floor_order_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
