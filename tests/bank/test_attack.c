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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_written_otherwise_makes_no_clone),
        cmocka_unit_test(twin_by_another_hand_does_not_cost_the_merchant),
        cmocka_unit_test(twin_of_a_clone_is_no_third_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
