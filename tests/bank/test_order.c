/* SPDX-License-Identifier: Apache-2.0 */
/* Orders: paid for before they are signed, one out for a card and counter, undone only by receipt.
 */
#include "harness.h"

#include <string.h>

struct town {
    struct world w;
    struct terminal station, kiosk, shop;
    struct card card;
};

static void town_open(struct town *t)
{
    world_open(&t->w);
    terminal_enrol(&t->w, &t->station, ROLE_STATION, 0, 0);
    terminal_enrol(&t->w, &t->kiosk, ROLE_KIOSK, 1, 5000);
    terminal_enrol(&t->w, &t->shop, ROLE_POINT_OF_SALE, 7, 0);
    card_make(&t->w, &t->station, &t->card);
}

static void town_close(struct town *t)
{
    world_close(&t->w);
    terminal_free(&t->station);
    terminal_free(&t->kiosk);
    terminal_free(&t->shop);
    card_free(&t->card);
}

static struct order order_of(const struct reply *reply, struct town *t)
{
    struct order order;
    struct certificate working;
    struct stiver_bank_settings settings;
    assert_int_equal(stiver_bank_settings(t->w.bank, &settings), STIVER_BANK_OK);
    struct certificate_authority root = {.id = 1, .end = UINT32_MAX};
    memcpy(root.key, settings.root_key, sizeof root.key);
    assert_int_equal(order_check(&bank_primitives, reply->body.at, reply->body.left, WORLD_SCHEME,
                                 &root, &order, &working),
                     DOCUMENT_OK);
    return order;
}

static void load_is_signed_and_in_flight_until_its_receipt(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    struct reply reply = ask_load(&t.w, &t.kiosk, &t.card, 1, 2000);
    assert_int_equal(reply.result, LINK_OK);
    struct order order = order_of(&reply, &t);
    assert_int_equal(order.kind, DOCUMENT_LOAD_ORDER);
    assert_int_equal(order.amount.minor, 2000);
    assert_int_equal(order.start, WORLD_NOW);
    assert_int_equal(order.end, WORLD_NOW + WORLD_DAY);
    assert_int_equal(world_balance(&t.w, "in flight"), 2000);
    assert_int_equal(world_balance(&t.w, "float"), 0);
    card_take(&t.card, &t.kiosk, reply.body.at, reply.body.left, receipt);
    reply_free(&reply);
    assert_int_equal(upload_one(&t.w, &t.kiosk, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "in flight"), 0);
    assert_int_equal(world_balance(&t.w, "float"), 2000);
    town_close(&t);
}

static void same_wish_gets_the_same_order(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    struct reply first = ask_load(&t.w, &t.kiosk, &t.card, 1, 2000);
    struct reply again = ask_load(&t.w, &t.kiosk, &t.card, 1, 2000);
    assert_int_equal(first.body.left, again.body.left);
    assert_memory_equal(first.body.at, again.body.at, first.body.left);
    assert_int_equal(world_balance(&t.w, "in flight"), 2000);
    struct reply other = ask_load(&t.w, &t.kiosk, &t.card, 1, 1000);
    assert_int_equal(other.result, LINK_CONFLICT);
    struct reply next = ask_load(&t.w, &t.kiosk, &t.card, 2, 1000);
    assert_int_equal(next.result, LINK_CONFLICT);
    reply_free(&first);
    reply_free(&again);
    reply_free(&other);
    reply_free(&next);
    town_close(&t);
}

static void till_pays_only_up_to_its_credit(void **state)
{
    (void)state;
    struct town t;
    const struct stiver_bank_money fifty = {5000, WORLD_EUR};
    town_open(&t);
    card_load(&t.w, &t.kiosk, &t.card, 5000);
    struct reply reply = ask_load(&t.w, &t.kiosk, &t.card, 2, 1);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    assert_int_equal(stiver_bank_fund(t.w.bank, t.kiosk.number, fifty, "slip 1"), STIVER_BANK_OK);
    assert_int_equal(stiver_bank_fund(t.w.bank, t.kiosk.number, fifty, "slip 1"),
                     STIVER_BANK_ALREADY);
    const struct stiver_bank_money more = {6000, WORLD_EUR};
    assert_int_equal(stiver_bank_fund(t.w.bank, t.kiosk.number, more, "slip 1"),
                     STIVER_BANK_CONFLICT);
    assert_int_equal(world_balance(&t.w, "cash"), -5000);
    card_load(&t.w, &t.kiosk, &t.card, 5000);
    assert_int_equal(world_balance(&t.w, "float"), 10000);
    town_close(&t);
}

static void what_may_not_be_loaded_is_refused(void **state)
{
    (void)state;
    struct town t;
    struct card stranger = {.number = {1}};
    town_open(&t);
    struct reply reply = ask_load(&t.w, &t.kiosk, &stranger, 1, 100);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    reply = ask_load(&t.w, &t.shop, &t.card, 1, 100); /* no kiosk */
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    reply = ask_load(&t.w, &t.kiosk, &t.card, 1, 10001); /* above the orders key's largest */
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    reply = ask_load(&t.w, &t.kiosk, &t.card, 0, 100);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    assert_int_equal(stiver_bank_list_card(t.w.bank, t.card.number, STIVER_BANK_LOST),
                     STIVER_BANK_OK);
    reply = ask_load(&t.w, &t.kiosk, &t.card, 1, 100);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    assert_int_equal(world_balance(&t.w, "in flight"), 0);
    town_close(&t);
}

static void undo_gives_the_money_back_when_its_receipt_came(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    struct reply order = ask_load(&t.w, &t.kiosk, &t.card, 1, 2000);
    struct reply undo = ask_load(&t.w, &t.kiosk, &t.card, 1, 0);
    assert_int_equal(undo.result, LINK_OK);
    assert_int_equal(order_of(&undo, &t).amount.minor, 0);
    t.w.now += 30 * WORLD_DAY; /* an end date frees no money */
    assert_int_equal(world_balance(&t.w, "in flight"), 2000);
    t.w.now = WORLD_NOW;
    card_take(&t.card, &t.kiosk, undo.body.at, undo.body.left, receipt);
    assert_int_equal(upload_one(&t.w, &t.kiosk, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "in flight"), 0);
    assert_int_equal(world_balance(&t.w, "float"), 0);
    reply_free(&order);
    reply_free(&undo);
    card_load(&t.w, &t.kiosk, &t.card, 5000); /* the whole credit is there again */
    town_close(&t);
}

static void raced_undo_leaves_the_load_where_the_card_took_it(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    struct reply order = ask_load(&t.w, &t.kiosk, &t.card, 1, 2000);
    struct reply undo = ask_load(&t.w, &t.kiosk, &t.card, 1, 0);
    card_take(&t.card, &t.kiosk, order.body.at, order.body.left, receipt);
    assert_int_equal(upload_one(&t.w, &t.kiosk, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "float"), 2000);
    assert_int_equal(world_balance(&t.w, "in flight"), 0);
    assert_int_equal(world_alarms(&t.w), 0);
    reply_free(&order);
    reply_free(&undo);
    town_close(&t);
}

static void load_that_nobody_ordered_rings_and_stops_loads(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    struct receipt r = card_receipt(&t.card, &t.kiosk, DOCUMENT_LOAD_RECEIPT, 9000);
    r.order_number = 77;
    r.order_counter = 1;
    card_sign(&t.card, &r, receipt);
    assert_int_equal(upload_one(&t.w, &t.kiosk, receipt, &t.card), UPLOAD_SUSPENSE);
    assert_int_equal(world_balance(&t.w, "float"), 0);
    assert_int_equal(world_alarms(&t.w), 1);
    assert_true(world_card(&t.w, &t.card).loads_stopped);
    struct reply reply = ask_load(&t.w, &t.kiosk, &t.card, 2, 100);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    town_close(&t);
}

static void refund_takes_from_its_merchant_and_no_more_than_was_paid(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    struct stiver_bank_bytes order;
    const struct stiver_bank_money two = {200, WORLD_EUR}, one = {100, WORLD_EUR};
    town_open(&t);
    card_load(&t.w, &t.kiosk, &t.card, 1000);
    card_pay(&t.card, &t.shop, 250, receipt);
    assert_int_equal(stiver_bank_refund(t.w.bank, t.card.number, 1, 2, two, &order),
                     STIVER_BANK_UNKNOWN_RECEIPT);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(stiver_bank_refund(t.w.bank, t.card.number, 1, 1, two, &order),
                     STIVER_BANK_REFUSED); /* a load is no payment */
    assert_int_equal(stiver_bank_refund(t.w.bank, t.card.number, 1, 2, two, &order),
                     STIVER_BANK_OK);
    assert_int_equal(world_balance(&t.w, "merchant:7"), 50);
    assert_int_equal(world_balance(&t.w, "in flight"), 200);
    card_take(&t.card, &t.kiosk, order.data, order.length, receipt);
    stiver_bank_bytes_free(&order);
    assert_int_equal(upload_one(&t.w, &t.kiosk, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "float"), 950);
    assert_int_equal(stiver_bank_refund(t.w.bank, t.card.number, 2, 2, one, &order),
                     STIVER_BANK_REFUSED);
    assert_string_equal(stiver_bank_message(t.w.bank),
                        "a refund is at most what is left of the payment");
    town_close(&t);
}

static void orders_outlive_a_restart(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    struct reply first = ask_load(&t.w, &t.kiosk, &t.card, 1, 2000);
    world_reopen(&t.w);
    struct reply again = ask_load(&t.w, &t.kiosk, &t.card, 1, 2000);
    assert_int_equal(first.body.left, again.body.left);
    assert_memory_equal(first.body.at, again.body.at, first.body.left);
    reply_free(&first);
    reply_free(&again);
    town_close(&t);
}

static void root_orders_need_the_root_alone(void **state)
{
    (void)state;
    struct town t;
    struct stiver_bank_bytes out;
    struct stiver_bank_settings settings;
    struct order order;
    town_open(&t);
    assert_int_equal(stiver_bank_settings(t.w.bank, &settings), STIVER_BANK_OK);
    assert_int_equal(
        stiver_bank_time_order(t.w.bank, t.card.number, 1000, world_passphrase(), &out),
        STIVER_BANK_OK);
    assert_int_equal(root_order_check(&bank_primitives, out.data, out.length, WORLD_SCHEME,
                                      settings.root_key, &order),
                     DOCUMENT_OK);
    assert_int_equal(order.new_time, 1000);
    stiver_bank_bytes_free(&out);
    assert_int_equal(stiver_bank_floor_order(t.w.bank, NULL, 2, world_passphrase(), &out),
                     STIVER_BANK_OK);
    stiver_bank_bytes_free(&out);
    struct stiver_bank_secret wrong = {(const uint8_t *)"wrong", 5};
    assert_int_equal(stiver_bank_floor_order(t.w.bank, NULL, 2, wrong, &out),
                     STIVER_BANK_PASSPHRASE);
    town_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load_is_signed_and_in_flight_until_its_receipt),
        cmocka_unit_test(same_wish_gets_the_same_order),
        cmocka_unit_test(till_pays_only_up_to_its_credit),
        cmocka_unit_test(what_may_not_be_loaded_is_refused),
        cmocka_unit_test(undo_gives_the_money_back_when_its_receipt_came),
        cmocka_unit_test(raced_undo_leaves_the_load_where_the_card_took_it),
        cmocka_unit_test(load_that_nobody_ordered_rings_and_stops_loads),
        cmocka_unit_test(refund_takes_from_its_merchant_and_no_more_than_was_paid),
        cmocka_unit_test(orders_outlive_a_restart),
        cmocka_unit_test(root_orders_need_the_root_alone),
    };
    return cmocka_run_group_tests_name("orders", tests, NULL, NULL);
}
