/* SPDX-License-Identifier: Apache-2.0 */
/* What a terminal, or a card whose keys were taken out, may try at the bank with signed papers. */
#include "harness.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#define MERCHANT 7u

struct town {
    struct world w;
    struct terminal station, kiosk, shop, other;
    struct card card;
};

static void town_open(struct town *t)
{
    world_open(&t->w);
    terminal_enrol(&t->w, &t->station, ROLE_STATION, 0, 0);
    terminal_enrol(&t->w, &t->kiosk, ROLE_KIOSK, 1, 20000);
    terminal_enrol(&t->w, &t->shop, ROLE_POINT_OF_SALE, MERCHANT, 0);
    terminal_enrol(&t->w, &t->other, ROLE_POINT_OF_SALE, 8, 0);
    card_make(&t->w, &t->station, &t->card);
    card_load(&t->w, &t->kiosk, &t->card, 5000);
}

static void town_close(struct town *t)
{
    world_close(&t->w);
    terminal_free(&t->station);
    terminal_free(&t->kiosk);
    terminal_free(&t->shop);
    terminal_free(&t->other);
    card_free(&t->card);
}

struct shown {
    const struct terminal *wanted;
    struct stiver_bank_terminal found;
};

static void note_terminal(void *context, const struct stiver_bank_terminal *terminal)
{
    struct shown *shown = context;
    if (memcmp(terminal->terminal, shown->wanted->number, 8) == 0)
        shown->found = *terminal;
}

static struct stiver_bank_terminal world_terminal(struct world *w, const struct terminal *t)
{
    struct shown shown = {.wanted = t};
    assert_int_equal(stiver_bank_terminals(w->bank, note_terminal, &shown), STIVER_BANK_OK);
    return shown.found;
}

/* The second way to write a signature: s becomes n - s, and no key is needed for it. */
static void write_otherwise(const uint8_t receipt[RECEIPT_BYTES], uint8_t out[RECEIPT_BYTES])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    memcpy(out, receipt, RECEIPT_BYTES);
    uint8_t *end = out + RECEIPT_BYTES - 32;
    BIGNUM *s = BN_bin2bn(end, 32, NULL);
    assert_non_null(group);
    assert_non_null(s);
    assert_int_equal(BN_sub(s, EC_GROUP_get0_order(group), s), 1);
    assert_int_equal(BN_bn2binpad(s, end, 32), 32);
    assert_memory_not_equal(out, receipt, RECEIPT_BYTES);
    BN_free(s);
    EC_GROUP_free(group);
}

static void signature_written_otherwise_makes_no_clone(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES], twin[RECEIPT_BYTES];
    town_open(&t);
    card_pay(&t.card, &t.shop, 250, receipt);
    write_otherwise(receipt, twin);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(upload_one(&t.w, &t.shop, twin, &t.card), UPLOAD_ALREADY);
    assert_int_equal(world_balance(&t.w, "merchant:7"), 250);
    assert_int_equal(world_balance(&t.w, "loss"), 0);
    assert_int_equal(world_card(&t.w, &t.card).reason, 0);
    assert_int_equal(world_alarms(&t.w), 0);
    town_close(&t);
}

/* Another hand brings the twin first: the terminal that kept the receipt is paid all the same. */
static void twin_by_another_hand_does_not_cost_the_merchant(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES], twin[RECEIPT_BYTES];
    town_open(&t);
    card_pay(&t.card, &t.shop, 250, receipt);
    write_otherwise(receipt, twin);
    assert_int_equal(upload_one(&t.w, &t.other, twin, &t.card), UPLOAD_SUSPENSE);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "merchant:7"), 250);
    assert_int_equal(world_balance(&t.w, "suspense"), 0);
    assert_int_equal(world_card(&t.w, &t.card).reason, 0);
    town_close(&t);
}

static void twin_of_a_clone_is_no_third_card(void **state)
{
    (void)state;
    struct town t;
    uint8_t first[RECEIPT_BYTES], second[RECEIPT_BYTES], twin[RECEIPT_BYTES];
    town_open(&t);
    struct card clone = t.card;
    card_pay(&t.card, &t.shop, 250, first);
    card_pay(&clone, &t.other, 300, second);
    write_otherwise(second, twin);
    assert_int_equal(upload_one(&t.w, &t.shop, first, &t.card), UPLOAD_BOOKED);
    assert_int_equal(upload_one(&t.w, &t.other, second, &t.card), UPLOAD_BOOKED);
    uint64_t alarms = world_alarms(&t.w);
    assert_int_equal(upload_one(&t.w, &t.other, twin, &t.card), UPLOAD_ALREADY);
    assert_int_equal(world_alarms(&t.w), alarms);
    assert_int_equal(world_balance(&t.w, "loss"), -300);
    town_close(&t);
}

/* A terminal takes over what the bank names as its highest number: no card may drive it up. */
static void card_does_not_use_up_a_terminals_numbers(void **state)
{
    (void)state;
    struct town t;
    uint8_t document[RECEIPT_BYTES];
    struct stiver_bank_terminal shop;
    town_open(&t);
    struct receipt r = card_receipt(&t.card, &t.shop, DOCUMENT_BLOCK_RECEIPT, 0);
    const uint32_t numbers[] = {UINT32_MAX, COUNTER_MAX, 100000};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        r.terminal_counter = numbers[i];
        r.card_counter += 2;
        card_sign(&t.card, &r, document);
        const struct terminal *carrier = i % 2 == 0 ? &t.other : &t.shop;
        assert_int_equal(upload_one(&t.w, carrier, document, &t.card), UPLOAD_BOOKED);
        shop = world_terminal(&t.w, &t.shop);
        assert_int_equal(shop.counter, 0);
    }
    assert_true(world_alarms(&t.w) >= 3);
    t.shop.counter = 70000; /* its own business counts, however far */
    card_pay(&t.card, &t.shop, 100, document);
    (void)upload_one(&t.w, &t.shop, document, &t.card);
    assert_int_equal(world_terminal(&t.w, &t.shop).counter, 70001);
    town_close(&t);
}

/* Keys that were taken out sign every other counter: no two receipts meet, no balance follows. */
static void spending_more_than_was_loaded_rings_and_lists(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    for (unsigned i = 0; i < 3; i++) {
        t.card.counter++; /* a gap */
        t.card.balance = 5000;
        card_pay(&t.card, &t.shop, 2000, receipt);
        assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
        assert_int_equal(world_card(&t.w, &t.card).reason, i < 2 ? 0 : STIVER_BANK_CLONE);
    }
    assert_int_equal(world_alarms(&t.w), 1);
    town_close(&t);
}

/* The load's receipt is late, its money is not: an honest card is left alone. */
static void payment_before_its_loads_receipt_is_covered(void **state)
{
    (void)state;
    struct town t;
    uint8_t load[RECEIPT_BYTES], receipt[RECEIPT_BYTES];
    town_open(&t);
    struct reply order = ask_load(&t.w, &t.kiosk, &t.card, 2, 3000);
    card_take(&t.card, &t.kiosk, order.body.at, order.body.left, load);
    reply_free(&order);
    card_pay(&t.card, &t.shop, 8000, receipt);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_card(&t.w, &t.card).reason, 0);
    assert_int_equal(upload_one(&t.w, &t.kiosk, load, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_alarms(&t.w), 0);
    town_close(&t);
}

static void kiosk_cannot_end_a_cards_loads(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    static const uint32_t counters[] = {3, 1000, COUNTER_MAX};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        struct reply far = ask_load(&t.w, &t.kiosk, &t.card, counters[i], 100);
        assert_int_equal(far.result, LINK_REFUSED);
        reply_free(&far);
    }
    assert_int_equal(world_balance(&t.w, "in flight"), 0);
    card_load(&t.w, &t.kiosk, &t.card, 100);
    town_close(&t);
}

/* The card comes back when order and undo have both ended; it must still have a way on. */
static void undo_that_ended_is_signed_anew(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    struct order first, second;
    town_open(&t);
    struct reply order = ask_load(&t.w, &t.kiosk, &t.card, 2, 2000);
    struct reply early = ask_load(&t.w, &t.kiosk, &t.card, 2, 0);
    assert_int_equal(early.result, LINK_OK);
    t.w.now += 3 * WORLD_DAY;
    struct reply late = ask_load(&t.w, &t.kiosk, &t.card, 2, 0);
    assert_int_equal(late.result, LINK_OK);
    size_t bytes = order_bytes(DOCUMENT_LOAD_ORDER);
    assert_int_equal(order_decode(early.body.at, bytes, WORLD_SCHEME, &first), DOCUMENT_OK);
    assert_int_equal(order_decode(late.body.at, bytes, WORLD_SCHEME, &second), DOCUMENT_OK);
    assert_true(first.end < t.w.now);
    assert_true(second.end >= t.w.now);
    assert_int_equal(second.number, first.number);
    assert_int_equal(second.amount.minor, 0);
    card_take(&t.card, &t.kiosk, late.body.at, late.body.left, receipt);
    assert_int_equal(upload_one(&t.w, &t.kiosk, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "in flight"), 0);
    reply_free(&order);
    reply_free(&early);
    reply_free(&late);
    card_load(&t.w, &t.kiosk, &t.card, 100);
    town_close(&t);
}

/* The order never reached the card in its days: the same wish must not get it dead for ever. */
static void order_that_ended_is_signed_anew_and_booked_once(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    struct order first, second;
    town_open(&t);
    struct reply early = ask_load(&t.w, &t.kiosk, &t.card, 2, 2000);
    int64_t in_flight = world_balance(&t.w, "in flight");
    t.w.now += 3 * WORLD_DAY;
    struct reply late = ask_load(&t.w, &t.kiosk, &t.card, 2, 2000);
    assert_int_equal(late.result, LINK_OK);
    size_t bytes = order_bytes(DOCUMENT_LOAD_ORDER);
    assert_int_equal(order_decode(early.body.at, bytes, WORLD_SCHEME, &first), DOCUMENT_OK);
    assert_int_equal(order_decode(late.body.at, bytes, WORLD_SCHEME, &second), DOCUMENT_OK);
    assert_true(first.end < t.w.now);
    assert_true(second.end >= t.w.now);
    assert_int_equal(second.number, first.number);
    assert_int_equal(second.amount.minor, 2000);
    assert_int_equal(world_balance(&t.w, "in flight"), in_flight);
    card_take(&t.card, &t.kiosk, late.body.at, late.body.left, receipt);
    assert_int_equal(upload_one(&t.w, &t.kiosk, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "in flight"), 0);
    assert_int_equal(world_card(&t.w, &t.card).balance, 7000);
    reply_free(&early);
    reply_free(&late);
    town_close(&t);
}

/* Later dates are a gain, too: a listed card gets none. */
static void order_of_a_listed_card_is_not_signed_anew(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    struct reply early = ask_load(&t.w, &t.kiosk, &t.card, 2, 2000);
    assert_int_equal(stiver_bank_list_card(t.w.bank, t.card.number, STIVER_BANK_STOLEN),
                     STIVER_BANK_OK);
    t.w.now += 3 * WORLD_DAY;
    struct reply late = ask_load(&t.w, &t.kiosk, &t.card, 2, 2000);
    assert_int_equal(late.result, LINK_REFUSED);
    reply_free(&early);
    reply_free(&late);
    town_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_written_otherwise_makes_no_clone),
        cmocka_unit_test(twin_by_another_hand_does_not_cost_the_merchant),
        cmocka_unit_test(twin_of_a_clone_is_no_third_card),
        cmocka_unit_test(card_does_not_use_up_a_terminals_numbers),
        cmocka_unit_test(spending_more_than_was_loaded_rings_and_lists),
        cmocka_unit_test(payment_before_its_loads_receipt_is_covered),
        cmocka_unit_test(kiosk_cannot_end_a_cards_loads),
        cmocka_unit_test(undo_that_ended_is_signed_anew),
        cmocka_unit_test(order_that_ended_is_signed_anew_and_booked_once),
        cmocka_unit_test(order_of_a_listed_card_is_not_signed_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
