/* SPDX-License-Identifier: Apache-2.0 */
/* The log: 64 receipts, who may read them, and acknowledgements, against a naive model. */
#include "purse_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SHOP 2
#define OTHER_SHOP 3
#define KIOSK 4
#define DESK 5
#define BANK 6

static void load_times(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        purse_load_amount(10);
}

/* ---- reading ---- */

static void receipt_is_read_by_terminal_and_number(void **state)
{
    (void)state;
    uint8_t shop[TERMINAL_NUMBER_BYTES];
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(1000);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    memcpy(shop, purse_card.terminal.number, sizeof shop);
    struct sale sale = purse_sale(100);
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    purse_tap();
    assert_int_equal(purse_read_terminal(shop, sale.terminal_counter), STATUS_OK);
    assert_int_equal(purse_receipt.kind, DOCUMENT_PAYMENT_RECEIPT);
    assert_int_equal(purse_receipt.terminal_counter, sale.terminal_counter);
    assert_memory_equal(purse_receipt.reference, sale.reference, REFERENCE_BYTES);
    assert_refused(STATUS_NOT_THERE, purse_read_terminal(shop, sale.terminal_counter + 1));
    purse_books();
}

static void receipt_is_read_by_its_merchant_and_the_bank_alone(void **state)
{
    (void)state;
    uint8_t shop[TERMINAL_NUMBER_BYTES];
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(1000);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    memcpy(shop, purse_card.terminal.number, sizeof shop);
    struct sale sale = purse_sale(100);
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    purse_at(ROLE_POINT_OF_SALE, OTHER_SHOP);
    assert_refused(STATUS_NOT_THERE, purse_read_terminal(shop, sale.terminal_counter));
    purse_at(ROLE_DESK, DESK);
    assert_refused(STATUS_NOT_THERE, purse_read_terminal(shop, sale.terminal_counter));
    purse_at(ROLE_BANK, BANK);
    assert_int_equal(purse_read_terminal(shop, sale.terminal_counter), STATUS_OK);
    /* Another till of the same merchant. */
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, OTHER_SHOP);
    fields.merchant = 7000 + SHOP;
    issuer_terminal(&purse_card.issuer, &fields, &purse_card.terminal);
    card_harness_connect_again(&purse_card);
    assert_int_equal(purse_read_terminal(shop, sale.terminal_counter), STATUS_OK);
    purse_books();
}

static void log_is_read_by_card_counter(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    load_times(3);
    purse_at(ROLE_BANK, BANK);
    for (uint32_t counter = 1; counter <= 3; counter++) {
        assert_int_equal(purse_read_counter(counter), STATUS_OK);
        assert_int_equal(purse_receipt.card_counter, counter);
    }
    assert_refused(STATUS_NOT_THERE, purse_read_counter(0));
    assert_refused(STATUS_NOT_THERE, purse_read_counter(4));
    assert_refused(STATUS_NOT_THERE, purse_read_counter(UINT32_MAX));
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    assert_refused(STATUS_ROLE, purse_read_counter(1));
    purse_books();
}

/* ---- slots ---- */

static void full_log_takes_nothing_until_the_bank_acknowledged(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    load_times(LOG_SLOTS);
    assert_int_equal(purse_status_now().free_slots, 0);
    struct sale sale = purse_sale(10);
    struct order order = purse_order(DOCUMENT_LOAD_ORDER, LOG_SLOTS + 1, 10);
    assert_refused(STATUS_LOG_FULL, purse_carry(&sale, &order));
    struct order undo = purse_order(DOCUMENT_LOAD_ORDER, LOG_SLOTS + 1, 0);
    struct sale nothing = purse_sale(0);
    assert_refused(STATUS_LOG_FULL, purse_carry(&nothing, &undo));
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    assert_refused(STATUS_LOG_FULL, purse_pay_amount(1));
    /* Acknowledged above a gap: the slot that is needed next is not free. */
    struct order gap = purse_acknowledgement(0, UINT64_MAX - 1);
    assert_int_equal(purse_apply(&gap), STATUS_OK);
    assert_refused(STATUS_LOG_FULL, purse_pay_amount(1));
    struct order first = purse_acknowledgement(1, 0);
    assert_int_equal(purse_apply(&first), STATUS_OK);
    assert_int_equal(purse_status_now().acknowledged_up_to, LOG_SLOTS);
    assert_int_equal(purse_status_now().acknowledged_map, 0);
    assert_int_equal(purse_status_now().free_slots, LOG_SLOTS);
    assert_int_equal(purse_pay_amount(1), STATUS_OK);
    assert_int_equal(purse_status_now().free_slots, LOG_SLOTS - 1);
    purse_books();
}

static void acknowledged_receipts_stay_until_their_slot_is_taken(void **state)
{
    (void)state;
    purse_at(ROLE_DESK, DESK);
    load_times(LOG_SLOTS);
    struct order all = purse_acknowledgement(LOG_SLOTS, 0);
    assert_int_equal(purse_apply(&all), STATUS_OK);
    assert_int_equal(purse_read_counter(1), STATUS_OK);
    load_times(1);
    assert_refused(STATUS_NOT_THERE, purse_read_counter(1));
    assert_int_equal(purse_read_counter(2), STATUS_OK);
    assert_int_equal(purse_receipt.card_counter, 2);
    assert_int_equal(purse_read_counter(LOG_SLOTS + 1), STATUS_OK);
    /* READ RECEIPT does not find what is gone: that was the first sale of this test. */
    assert_refused(STATUS_NOT_THERE, purse_read_terminal(purse_card.terminal.number, 1));
    assert_int_equal(purse_read_terminal(purse_card.terminal.number, 2), STATUS_OK);
    purse_books();
}

/* ---- acknowledgements ---- */

static void acknowledgement_of_a_counter_not_reached_is_refused(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    struct order order = purse_acknowledgement(1, 0);
    assert_refused(STATUS_COUNTER, purse_apply(&order));
    order = purse_acknowledgement(0, 1);
    assert_refused(STATUS_COUNTER, purse_apply(&order));
    load_times(3);
    order = purse_acknowledgement(4, 0);
    assert_refused(STATUS_COUNTER, purse_apply(&order));
    order = purse_acknowledgement(1, 4); /* 1 + 1 + 2 is 4 */
    assert_refused(STATUS_COUNTER, purse_apply(&order));
    order = purse_acknowledgement(0, UINT64_C(1) << 63);
    assert_refused(STATUS_COUNTER, purse_apply(&order));
    order = purse_acknowledgement(UINT32_MAX, 0);
    assert_refused(STATUS_COUNTER, purse_apply(&order));
    order = purse_acknowledgement(1, 2);
    assert_int_equal(purse_apply(&order), STATUS_OK);
    assert_int_equal(purse_status_now().acknowledged_up_to, 1);
    assert_int_equal(purse_status_now().acknowledged_map, 2);
    purse_books();
}

static void repeated_acknowledgement_writes_nothing(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    load_times(4);
    struct order order = purse_acknowledgement(2, 2);
    assert_int_equal(purse_apply(&order), STATUS_OK);
    uint32_t changes = purse_card.flash.changes;
    assert_refused(STATUS_OK, purse_apply(&order));
    struct order older = purse_acknowledgement(1, 1);
    assert_refused(STATUS_OK, purse_apply(&older));
    assert_int_equal(purse_card.flash.changes, changes);
    purse_books();
}

static uint32_t seed = 20260312;

static uint32_t random_u32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

#define MODEL 400u

/* Ticks off each counter that an acknowledgement names. */
static void model_add(bool known[MODEL], struct acknowledgement a)
{
    for (uint32_t counter = 1; counter <= a.up_to; counter++)
        known[counter] = true;
    for (uint32_t bit = 0; bit < 64; bit++)
        if ((a.map >> bit & 1) != 0)
            known[a.up_to + 1 + bit] = true;
}

static struct acknowledgement model_sum(const bool known[MODEL])
{
    struct acknowledgement sum = {0};
    while (known[sum.up_to + 1])
        sum.up_to++;
    for (uint32_t bit = 0; bit < 64; bit++)
        if (known[sum.up_to + 1 + bit])
            sum.map |= UINT64_C(1) << bit;
    return sum;
}

static struct acknowledgement random_acknowledgement(uint32_t most)
{
    struct acknowledgement a = {.up_to = random_u32() % most};
    a.map = (uint64_t)random_u32() << 32 | random_u32();
    for (uint32_t thin = random_u32() % 4; thin > 0; thin--)
        a.map &= (uint64_t)random_u32() << 32 | random_u32();
    return a;
}

static void merging_is_the_union_of_what_was_named(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        bool known[MODEL] = {false};
        struct acknowledgement sum = {0};
        /* Spread over less than a map, over more, and far apart. */
        uint32_t most = 1 + random_u32() % 200;
        for (unsigned i = 0; i < 4; i++) {
            struct acknowledgement a = random_acknowledgement(most);
            model_add(known, a);
            sum = acknowledgement_merge(sum, a);
        }
        struct acknowledgement wanted = model_sum(known);
        assert_int_equal(sum.up_to, wanted.up_to);
        assert_true(sum.map == wanted.map);
    }
}

static void card_merges_as_the_model_does(void **state)
{
    (void)state;
    bool known[MODEL] = {false};
    purse_at(ROLE_KIOSK, KIOSK);
    load_times(50);
    for (unsigned round = 0; round < 40; round++) {
        struct acknowledgement a = random_acknowledgement(round + 1);
        a.map &= (UINT64_C(1) << (50 - a.up_to)) - 1;
        a.map &= random_acknowledgement(1).map;
        struct order order = purse_acknowledgement(a.up_to, a.map);
        model_add(known, a);
        assert_int_equal(purse_apply(&order), STATUS_OK);
        struct purse_status status = purse_status_now();
        struct acknowledgement wanted = model_sum(known);
        assert_int_equal(status.acknowledged_up_to, wanted.up_to);
        assert_true(status.acknowledged_map == wanted.map);
        assert_int_equal(status.free_slots, LOG_SLOTS - (50 - wanted.up_to));
    }
    card_harness_power_cycle(&purse_card);
    purse_at(ROLE_KIOSK, KIOSK);
    assert_int_equal(purse_status_now().acknowledged_up_to, model_sum(known).up_to);
    purse_books();
}

/* ---- the end of the counters ---- */

/* "Not there" ends a sale for good, so a receipt that should be there never earns it. */
static void lost_record_is_not_said_to_be_not_there(void **state)
{
    (void)state;
    purse_at(ROLE_BANK, BANK);
    purse_inside()->ledger.card_counter = 1; /* whose receipt was never stored */
    assert_int_equal(purse_read_terminal(purse_card.terminal.number, 1), STATUS_MEMORY);
    assert_int_equal(purse_read_counter(1), STATUS_MEMORY);
}

/* Flips a bit of each copy of this sale's number in the flash. */
static unsigned spoil_number(const struct sale *sale)
{
    uint8_t number[TERMINAL_NUMBER_BYTES + 4];
    struct writer w = writer_of(number, sizeof number);
    unsigned spoilt = 0;
    writer_bytes(&w, purse_card.terminal.number, TERMINAL_NUMBER_BYTES);
    writer_u32(&w, sale->terminal_counter);
    uint8_t *memory = purse_card.flash.memory;
    for (size_t i = 0; i + sizeof number <= sizeof purse_card.flash.memory; i++) {
        if (memcmp(memory + i, number, sizeof number) == 0) {
            memory[i] ^= 1;
            spoilt++;
        }
    }
    return spoilt;
}

static void damaged_receipt_is_not_said_to_be_not_there_and_pays_for_no_second(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(1000);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    struct sale sale = purse_sale(100);
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    assert_int_not_equal(spoil_number(&sale), 0);
    assert_refused(STATUS_ONCE, purse_pay_sale(&sale));
    assert_refused(STATUS_MEMORY,
                   purse_read_terminal(purse_card.terminal.number, sale.terminal_counter));
    assert_refused(STATUS_MEMORY,
                   purse_read_terminal(purse_card.terminal.number, sale.terminal_counter + 1));
    purse_books();
}

static void last_counter_is_kept_for_the_block_receipt(void **state)
{
    (void)state;
    purse_at(ROLE_KIOSK, KIOSK);
    /* A card with a full log, near the end of its counters; the bank has all of it. */
    load_times(LOG_SLOTS);
    purse_inside()->ledger.card_counter = COUNTER_MAX - 2;
    purse_inside()->ledger.acknowledged.up_to = COUNTER_MAX - 2;
    purse_books_from(COUNTER_MAX - 2);
    load_times(1);
    assert_int_equal(purse_receipt.card_counter, COUNTER_MAX - 1);
    struct sale sale = purse_sale(10);
    struct order order = purse_order(DOCUMENT_LOAD_ORDER, LOG_SLOTS + 2, 10);
    assert_refused(STATUS_EXHAUSTED, purse_carry(&sale, &order));
    purse_at(ROLE_POINT_OF_SALE, SHOP);
    assert_refused(STATUS_EXHAUSTED, purse_pay_amount(10));
    purse_books();
    assert_int_equal(purse_block_alone(1), STATUS_OK);
    assert_int_equal(purse_receipt.card_counter, COUNTER_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(receipt_is_read_by_terminal_and_number, purse_fresh),
        cmocka_unit_test_setup(receipt_is_read_by_its_merchant_and_the_bank_alone, purse_fresh),
        cmocka_unit_test_setup(log_is_read_by_card_counter, purse_fresh),
        cmocka_unit_test_setup(full_log_takes_nothing_until_the_bank_acknowledged, purse_fresh),
        cmocka_unit_test_setup(acknowledged_receipts_stay_until_their_slot_is_taken, purse_fresh),
        cmocka_unit_test_setup(acknowledgement_of_a_counter_not_reached_is_refused, purse_fresh),
        cmocka_unit_test_setup(repeated_acknowledgement_writes_nothing, purse_fresh),
        cmocka_unit_test(merging_is_the_union_of_what_was_named),
        cmocka_unit_test_setup(card_merges_as_the_model_does, purse_fresh),
        cmocka_unit_test_setup(lost_record_is_not_said_to_be_not_there, purse_fresh),
        cmocka_unit_test_setup(damaged_receipt_is_not_said_to_be_not_there_and_pays_for_no_second,
                               purse_fresh),
        cmocka_unit_test_setup(last_counter_is_kept_for_the_block_receipt, purse_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
