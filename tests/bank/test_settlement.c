/* SPDX-License-Identifier: Apache-2.0 */
/* A receipt is paid once, to whom it is due, whatever order and by whatever hand it comes. */
#include "harness.h"

#include <string.h>

#define MERCHANT 7u

/* One shop, one kiosk with credit, one station, one card with 50.00 EUR. */
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

static void payment_is_booked_to_its_merchant(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    card_pay(&t.card, &t.shop, 250, receipt);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "merchant:7"), 250);
    assert_int_equal(world_balance(&t.w, "float"), 4750);
    assert_int_equal(world_card(&t.w, &t.card).balance, 4750);
    assert_int_equal(world_alarms(&t.w), 0);
    town_close(&t);
}

static void receipt_sent_twice_is_paid_once(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES], results[3];
    struct parcel p = {0};
    town_open(&t);
    card_pay(&t.card, &t.shop, 250, receipt);
    parcel_receipt(&p, receipt, &t.card);
    parcel_receipt(&p, receipt, &t.card);
    struct reply reply = parcel_upload(&t.w, &t.shop, &p, results, NULL);
    reply_free(&reply);
    assert_int_equal(results[0], UPLOAD_BOOKED);
    assert_int_equal(results[1], UPLOAD_ALREADY);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_ALREADY);
    assert_int_equal(world_balance(&t.w, "merchant:7"), 250);
    town_close(&t);
}

static void same_request_gets_the_same_answer(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES], body[600];
    const uint8_t id[16] = {42};
    town_open(&t);
    card_pay(&t.card, &t.shop, 250, receipt);
    struct writer w = writer_of(body, sizeof body);
    writer_u32(&w, 0);
    writer_u32(&w, 1);
    writer_u8(&w, UPLOAD_RECEIPT);
    link_field(&w, receipt, sizeof receipt);
    link_field(&w, t.card.certificate, t.card.certificate_bytes);
    struct reply first = link_call(&t.w, &t.shop, LINK_UPLOAD, body, w.used, id);
    struct reply again = link_call(&t.w, &t.shop, LINK_UPLOAD, body, w.used, id);
    assert_int_equal(first.whole.length, again.whole.length);
    assert_memory_equal(first.whole.data, again.whole.data, first.whole.length);
    body[3] ^= 1; /* another request under the id */
    struct reply other = link_call(&t.w, &t.shop, LINK_UPLOAD, body, w.used, id);
    assert_int_equal(other.result, LINK_CONFLICT);
    reply_free(&first);
    reply_free(&again);
    reply_free(&other);
    town_close(&t);
}

static void order_of_arrival_does_not_matter(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipts[4][RECEIPT_BYTES], results[4];
    struct parcel p = {0};
    struct reader rest;
    town_open(&t);
    for (int i = 0; i < 4; i++)
        card_pay(&t.card, &t.shop, 100, receipts[i]);
    parcel_receipt(&p, receipts[3], &t.card);
    parcel_receipt(&p, receipts[1], &t.card);
    struct reply reply = parcel_upload(&t.w, &t.shop, &p, results, &rest);
    assert_int_equal(reader_u32(&rest), 1); /* one acknowledgement: 1, and 3 and 5 above it */
    (void)reader_take(&rest, 8);
    struct reader message = link_field_read(&rest);
    struct order order;
    assert_int_equal(order_decode(message.at, order_bytes(message.at[0]), WORLD_SCHEME, &order),
                     DOCUMENT_OK);
    assert_int_equal(order.acknowledgement.up_to, 1);
    assert_int_equal(order.acknowledgement.map, 0xA);
    reply_free(&reply);
    assert_int_equal(world_card(&t.w, &t.card).missing, 2);
    assert_int_equal(upload_one(&t.w, &t.shop, receipts[0], &t.card), UPLOAD_BOOKED);
    assert_int_equal(upload_one(&t.w, &t.shop, receipts[2], &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_card(&t.w, &t.card).missing, 0);
    assert_int_equal(world_alarms(&t.w), 0);
    assert_int_equal(world_balance(&t.w, "merchant:7"), 400);
    town_close(&t);
}

static void forged_receipts_are_rejected(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    card_pay(&t.card, &t.shop, 250, receipt);
    for (size_t i = 0; i < RECEIPT_BYTES; i += 5) {
        receipt[i] ^= 0x10;
        assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_REJECTED);
        receipt[i] ^= 0x10;
    }
    assert_int_equal(world_balance(&t.w, "merchant:7"), 0);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    town_close(&t);
}

/* A load's and a refund's receipt have one form; a payment's differs in two fields. What a card
 * signed as the one is never the other. */
static void receipt_of_one_kind_does_not_pass_for_another(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    struct receipt r = card_receipt(&t.card, &t.shop, DOCUMENT_REFUND_RECEIPT, 250);
    r.order_number = r.order_counter = 1;
    for (unsigned signed_as = 1; signed_as <= 5; signed_as++) {
        r.kind = (enum document_kind)signed_as;
        card_sign(&t.card, &r, receipt);
        for (unsigned shown_as = 1; shown_as <= 5; shown_as++) {
            receipt[0] = (uint8_t)shown_as;
            if (shown_as != signed_as)
                assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_REJECTED);
        }
    }
    assert_int_equal(world_balance(&t.w, "merchant:7"), 0);
    assert_int_equal(world_alarms(&t.w), 0);
    town_close(&t);
}

static void receipt_of_another_merchant_waits_in_suspense(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    struct receipt r = card_receipt(&t.card, &t.shop, DOCUMENT_PAYMENT_RECEIPT, 250);
    r.merchant = 99;
    card_sign(&t.card, &r, receipt);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_SUSPENSE);
    r = card_receipt(&t.card, &t.shop, DOCUMENT_PAYMENT_RECEIPT, 100);
    r.time = WORLD_NOW + 9 * WORLD_DAY; /* outside the certificate's days */
    card_sign(&t.card, &r, receipt);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_SUSPENSE);
    assert_int_equal(world_balance(&t.w, "suspense"), 350);
    assert_int_equal(world_balance(&t.w, "merchant:99"), 0);
    town_close(&t);
}

static void foreign_receipt_waits_until_its_terminal_keeps_it(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    card_pay(&t.card, &t.shop, 250, receipt);
    assert_int_equal(upload_one(&t.w, &t.other, receipt, &t.card), UPLOAD_SUSPENSE);
    assert_int_equal(world_balance(&t.w, "suspense"), 250);
    assert_int_equal(upload_one(&t.w, &t.other, receipt, &t.card), UPLOAD_ALREADY);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "suspense"), 0);
    assert_int_equal(world_balance(&t.w, "merchant:7"), 250);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_ALREADY);
    town_close(&t);
}

static void given_up_sale_is_owed_to_the_holder(void **state)
{
    (void)state;
    struct town t;
    uint8_t early[RECEIPT_BYTES], late[RECEIPT_BYTES], results[2];
    struct parcel p = {0};
    town_open(&t);
    card_pay(&t.card, &t.shop, 250, early);
    card_pay(&t.card, &t.shop, 100, late);
    assert_int_equal(upload_one(&t.w, &t.other, early, &t.card), UPLOAD_SUSPENSE);
    parcel_abandoned(&p, &t.card, t.shop.counter - 1);
    parcel_abandoned(&p, &t.card, t.shop.counter);
    struct reply reply = parcel_upload(&t.w, &t.shop, &p, results, NULL);
    reply_free(&reply);
    assert_int_equal(results[0], UPLOAD_BOOKED);
    assert_int_equal(upload_one(&t.w, &t.other, late, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "owed to holders"), 350);
    assert_int_equal(world_balance(&t.w, "suspense"), 0);
    assert_int_equal(world_balance(&t.w, "merchant:7"), 0);
    parcel_abandoned(&p, &t.card, t.shop.counter);
    reply = parcel_upload(&t.w, &t.shop, &p, results, NULL);
    reply_free(&reply);
    assert_int_equal(results[0], UPLOAD_ALREADY);
    town_close(&t);
}

static void listed_terminal_is_not_paid_any_more(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    card_pay(&t.card, &t.shop, 250, receipt);
    assert_int_equal(stiver_bank_list_terminal(t.w.bank, t.shop.number), STIVER_BANK_OK);
    assert_int_equal(stiver_bank_list_terminal(t.w.bank, t.shop.number), STIVER_BANK_ALREADY);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_SUSPENSE);
    assert_int_equal(world_balance(&t.w, "merchant:7"), 0);
    town_close(&t);
}

static void clone_is_paid_once_from_the_loss_and_listed(void **state)
{
    (void)state;
    struct town t;
    uint8_t first[RECEIPT_BYTES], second[RECEIPT_BYTES], third[RECEIPT_BYTES];
    town_open(&t);
    struct card clone = t.card; /* the same keys, the same counter */
    struct card twin = t.card;
    card_pay(&t.card, &t.shop, 250, first);
    card_pay(&clone, &t.other, 3000, second); /* above the limit of 20.00 */
    card_pay(&twin, &t.other, 100, third);
    assert_int_equal(upload_one(&t.w, &t.shop, first, &t.card), UPLOAD_BOOKED);
    assert_int_equal(upload_one(&t.w, &t.other, second, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "loss"), -2000);
    assert_int_equal(world_balance(&t.w, "merchant:8"), 2000);
    assert_int_equal(upload_one(&t.w, &t.other, third, &t.card), UPLOAD_SUSPENSE);
    assert_int_equal(upload_one(&t.w, &t.other, second, &t.card), UPLOAD_ALREADY);
    assert_int_equal(world_balance(&t.w, "loss"), -2000);
    assert_int_equal(world_card(&t.w, &t.card).reason, STIVER_BANK_CLONE);
    assert_int_equal(world_card(&t.w, &t.card).balance, 4750);
    assert_true(world_alarms(&t.w) >= 2);
    struct reply order = ask_load(&t.w, &t.kiosk, &t.card, 2, 1000);
    assert_int_equal(order.result, LINK_REFUSED);
    reply_free(&order);
    town_close(&t);
}

/* Whoever has read a clone's receipt may bring it first; that must not cost the shop that kept it.
 */
static void conflict_by_another_hand_is_paid_when_its_terminal_brings_it(void **state)
{
    (void)state;
    struct town t;
    uint8_t first[RECEIPT_BYTES], second[RECEIPT_BYTES], third[RECEIPT_BYTES];
    town_open(&t);
    struct card clone = t.card, twin = t.card;
    card_pay(&t.card, &t.shop, 250, first);
    card_pay(&clone, &t.other, 300, second);
    card_pay(&twin, &t.other, 100, third);
    assert_int_equal(upload_one(&t.w, &t.shop, first, &t.card), UPLOAD_BOOKED);
    assert_int_equal(upload_one(&t.w, &t.shop, second, &t.card), UPLOAD_SUSPENSE);
    assert_int_equal(upload_one(&t.w, &t.shop, third, &t.card), UPLOAD_SUSPENSE);
    assert_int_equal(upload_one(&t.w, &t.shop, second, &t.card), UPLOAD_ALREADY);
    assert_int_equal(world_balance(&t.w, "loss"), 0);
    uint64_t alarms = world_alarms(&t.w);
    assert_int_equal(upload_one(&t.w, &t.other, second, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&t.w, "loss"), -300);
    assert_int_equal(world_balance(&t.w, "merchant:8"), 300);
    assert_int_equal(upload_one(&t.w, &t.other, second, &t.card), UPLOAD_ALREADY);
    assert_int_equal(upload_one(&t.w, &t.other, third, &t.card), UPLOAD_ALREADY);
    assert_int_equal(world_balance(&t.w, "loss"), -300);
    assert_int_equal(world_alarms(&t.w), alarms);
    town_close(&t);
}

static void conflict_that_was_given_up_is_not_paid_later(void **state)
{
    (void)state;
    struct town t;
    uint8_t first[RECEIPT_BYTES], second[RECEIPT_BYTES], results[1];
    struct parcel p = {0};
    town_open(&t);
    struct card clone = t.card;
    card_pay(&t.card, &t.shop, 250, first);
    card_pay(&clone, &t.other, 300, second);
    assert_int_equal(upload_one(&t.w, &t.shop, first, &t.card), UPLOAD_BOOKED);
    assert_int_equal(upload_one(&t.w, &t.shop, second, &t.card), UPLOAD_SUSPENSE);
    parcel_abandoned(&p, &t.card, t.other.counter);
    struct reply reply = parcel_upload(&t.w, &t.other, &p, results, NULL);
    reply_free(&reply);
    assert_int_equal(upload_one(&t.w, &t.other, second, &t.card), UPLOAD_ALREADY);
    assert_int_equal(world_balance(&t.w, "loss"), 0);
    town_close(&t);
}

static void clone_after_listing_is_not_paid(void **state)
{
    (void)state;
    struct town t;
    struct terminal late;
    uint8_t first[RECEIPT_BYTES], second[RECEIPT_BYTES];
    town_open(&t);
    struct card clone = t.card;
    card_pay(&t.card, &t.shop, 250, first);
    assert_int_equal(upload_one(&t.w, &t.shop, first, &t.card), UPLOAD_BOOKED);
    assert_int_equal(stiver_bank_list_card(t.w.bank, t.card.number, STIVER_BANK_LOST),
                     STIVER_BANK_OK);
    t.w.now += WORLD_DAY;
    terminal_enrol(&t.w, &late, ROLE_POINT_OF_SALE, 9, 0);
    card_pay(&clone, &late, 100, second);
    assert_int_equal(upload_one(&t.w, &late, second, &t.card), UPLOAD_SUSPENSE);
    assert_int_equal(world_balance(&t.w, "loss"), 0);
    terminal_free(&late);
    town_close(&t);
}

static void broken_chain_rings_and_lists(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    t.card.balance += 1000; /* money that nobody loaded */
    card_pay(&t.card, &t.shop, 250, receipt);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_alarms(&t.w), 1);
    assert_int_equal(world_card(&t.w, &t.card).reason, STIVER_BANK_CLONE);
    town_close(&t);
}

static void lost_card_leaves_the_list_when_it_has_blocked_itself(void **state)
{
    (void)state;
    struct town t;
    struct stiver_bank_bytes file;
    struct list_head head;
    uint8_t receipt[RECEIPT_BYTES], later[RECEIPT_BYTES];
    town_open(&t);
    assert_int_equal(stiver_bank_list_card(t.w.bank, t.card.number, STIVER_BANK_LOST),
                     STIVER_BANK_OK);
    assert_int_equal(stiver_bank_list_file(t.w.bank, &file), STIVER_BANK_OK);
    assert_int_equal(list_head_decode(file.data, LIST_HEAD_BYTES, WORLD_SCHEME, &head),
                     DOCUMENT_OK);
    assert_int_equal(head.count, 1);
    stiver_bank_bytes_free(&file);
    struct receipt r = card_receipt(&t.card, &t.shop, DOCUMENT_BLOCK_RECEIPT, 0);
    r.order_number = head.sequence;
    card_sign(&t.card, &r, receipt);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    assert_true(world_card(&t.w, &t.card).is_blocked);
    assert_int_equal(stiver_bank_list_file(t.w.bank, &file), STIVER_BANK_OK);
    assert_int_equal(list_head_decode(file.data, LIST_HEAD_BYTES, WORLD_SCHEME, &head),
                     DOCUMENT_OK);
    assert_int_equal(head.count, 0);
    stiver_bank_bytes_free(&file);
    /* A counter beyond the block: listed again, for good. */
    card_pay(&t.card, &t.shop, 100, later);
    assert_int_equal(upload_one(&t.w, &t.shop, later, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_card(&t.w, &t.card).reason, STIVER_BANK_CLONE);
    town_close(&t);
}

static void one_number_for_two_receipts_rings(void **state)
{
    (void)state;
    struct town t;
    uint8_t receipt[RECEIPT_BYTES];
    town_open(&t);
    card_pay(&t.card, &t.shop, 100, receipt);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    t.shop.counter--;
    card_pay(&t.card, &t.shop, 100, receipt);
    assert_int_equal(upload_one(&t.w, &t.shop, receipt, &t.card), UPLOAD_BOOKED);
    assert_int_equal(world_alarms(&t.w), 1);
    town_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payment_is_booked_to_its_merchant),
        cmocka_unit_test(receipt_sent_twice_is_paid_once),
        cmocka_unit_test(same_request_gets_the_same_answer),
        cmocka_unit_test(order_of_arrival_does_not_matter),
        cmocka_unit_test(forged_receipts_are_rejected),
        cmocka_unit_test(receipt_of_one_kind_does_not_pass_for_another),
        cmocka_unit_test(receipt_of_another_merchant_waits_in_suspense),
        cmocka_unit_test(foreign_receipt_waits_until_its_terminal_keeps_it),
        cmocka_unit_test(given_up_sale_is_owed_to_the_holder),
        cmocka_unit_test(listed_terminal_is_not_paid_any_more),
        cmocka_unit_test(clone_is_paid_once_from_the_loss_and_listed),
        cmocka_unit_test(conflict_by_another_hand_is_paid_when_its_terminal_brings_it),
        cmocka_unit_test(conflict_that_was_given_up_is_not_paid_later),
        cmocka_unit_test(clone_after_listing_is_not_paid),
        cmocka_unit_test(broken_chain_rings_and_lists),
        cmocka_unit_test(lost_card_leaves_the_list_when_it_has_blocked_itself),
        cmocka_unit_test(one_number_for_two_receipts_rings),
    };
    return cmocka_run_group_tests_name("settlement", tests, NULL, NULL);
}
