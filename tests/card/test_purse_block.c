/* SPDX-License-Identifier: Apache-2.0 */
/* BLOCK: a card ends its own life if the bank's list names it, and not otherwise. */
#include "purse_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DAY 86400u
#define SHOP 2
#define OTHER_SHOP 3
#define KIOSK 4
#define DESK 5
#define BANK 6

static void at_shop(void)
{
    purse_at(ROLE_KIOSK, KIOSK);
    purse_load_amount(700);
    purse_at(ROLE_POINT_OF_SALE, SHOP);
}

static enum purse_state state_now(void)
{
    struct card_state state;
    assert_int_equal(card_harness_select(&purse_card), 0x9000);
    assert_int_equal(card_harness_command(&purse_card, COMMAND_GET_STATE, NULL, 0), 0x9000);
    assert_true(card_state_decode(purse_card.answer, purse_card.answer_bytes, &state));
    return state.state;
}

/* The whole path in one part. */
static enum status block_by(const struct purse_list *list)
{
    return purse_block_first(list, list->depth);
}

static void listed_card_blocks_itself_and_signs_it(void **state)
{
    (void)state;
    struct purse_list list;
    at_shop();
    purse_list_make(&list, 1, 0, 9);
    assert_int_equal(list.depth, 0);
    assert_int_equal(block_by(&list), STATUS_OK);
    assert_int_equal(purse_receipt.kind, DOCUMENT_BLOCK_RECEIPT);
    assert_int_equal(purse_receipt.card_counter, 2);
    assert_int_equal(purse_receipt.amount.minor, 0);
    assert_int_equal(purse_receipt.amount.currency, ISSUER_CURRENCY);
    assert_int_equal(purse_receipt.balance_after, 700);
    assert_int_equal(purse_receipt.order_number, 9);
    assert_int_equal(purse_receipt.order_counter, 0);
    assert_int_equal(purse_receipt.merchant, 7000 + SHOP);
    assert_int_equal(state_now(), PURSE_BLOCKED);
}

static void every_place_in_lists_of_any_size_leads_to_the_root(void **state)
{
    static const uint32_t counts[][2] = {{2, 0},    {2, 1},      {3, 0},     {3, 2},
                                         {1000, 0}, {1000, 511}, {1000, 999}};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        static struct purse_list list;
        purse_fresh_as(true, 0);
        at_shop();
        purse_list_make(&list, counts[i][0], counts[i][1], 1);
        assert_int_equal(block_by(&list), STATUS_OK);
        assert_int_equal(purse_card.answer_bytes, RECEIPT_BYTES);
        assert_int_equal(state_now(), PURSE_BLOCKED);
    }
}

static void path_may_come_in_parts(void **state)
{
    (void)state;
    static struct purse_list list;
    at_shop();
    purse_list_make(&list, 1000, 400, 1);
    assert_int_equal(list.depth, 10);
    assert_refused(STATUS_OK, purse_block_first(&list, 0));
    assert_int_equal(purse_card.answer_bytes, PURSE_STATUS_BYTES);
    assert_refused(STATUS_OK, purse_block_more(&list, 0, 1));
    assert_refused(STATUS_OK, purse_block_more(&list, 1, 9));
    assert_int_equal(purse_block_more(&list, 9, 10), STATUS_OK);
    assert_int_equal(purse_card.answer_bytes, RECEIPT_BYTES);
    assert_int_equal(state_now(), PURSE_BLOCKED);
}

/* The deepest path that one later part can bring, with the receipt behind it in the same buffer. */
static void longest_part_leaves_room_for_its_answer(void **state)
{
    (void)state;
    static struct purse_list list;
    struct list_path path;
    at_shop();
    purse_list_make(&list, 2, 0, 1);
    list.depth = command_rows[COMMAND_BLOCK].lc_most / SHA256_BYTES;
    list.head.count = UINT32_C(1) << list.depth;
    list.index = 12345;
    assert_int_equal(list_path_begin(&crypto_primitives, &path, list.head.scheme,
                                     purse_card.statement.card, list.index, list.head.count),
                     DOCUMENT_OK);
    for (unsigned i = 0; i < list.depth; i++) {
        memset(list.siblings[i], (int)i, SHA256_BYTES);
        assert_int_equal(list_path_step(&crypto_primitives, &path, list.siblings[i]), DOCUMENT_OK);
    }
    memcpy(list.head.root, path.node, SHA256_BYTES);
    purse_list_sign(&list);
    assert_refused(STATUS_OK, purse_block_first(&list, 0));
    assert_int_equal(purse_block_more(&list, 0, list.depth), STATUS_OK);
    assert_int_equal(purse_card.answer_bytes, RECEIPT_BYTES);
    assert_int_equal(state_now(), PURSE_BLOCKED);
}

static void paths_that_lead_elsewhere_do_not_block(void **state)
{
    (void)state;
    static struct purse_list list;
    at_shop();
    purse_list_make(&list, 1000, 1000, 1); /* the neighbours are listed, this card is not */
    assert_refused(STATUS_NOT_LISTED, block_by(&list));
    purse_list_make(&list, 1000, 400, 1);
    list.siblings[4][0] ^= 1;
    assert_refused(STATUS_NOT_LISTED, block_by(&list));
    list.siblings[4][0] ^= 1;
    list.index++; /* another place */
    assert_refused(STATUS_NOT_LISTED, block_by(&list));
    list.index = 1000; /* no place at all */
    assert_refused(STATUS_NOT_LISTED, purse_block_first(&list, 0));
    purse_list_make(&list, 0, 0, 1); /* an empty list names nobody */
    assert_refused(STATUS_NOT_LISTED, purse_block_first(&list, 0));
    purse_books();
}

static void more_siblings_than_the_path_has_are_refused(void **state)
{
    (void)state;
    static struct purse_list list;
    at_shop();
    purse_list_make(&list, 3, 0, 1);
    assert_int_equal(list.depth, 2);
    assert_refused(STATUS_NOT_LISTED, purse_block_first(&list, 3));
    purse_list_make(&list, 3, 2, 1); /* its node moves up alone once */
    assert_int_equal(list.depth, 1);
    assert_refused(STATUS_NOT_LISTED, purse_block_first(&list, 2));
    assert_int_equal(purse_block_first(&list, 1), STATUS_OK);
}

static void path_goes_on_only_where_it_began(void **state)
{
    (void)state;
    static struct purse_list list;
    at_shop();
    purse_list_make(&list, 1000, 400, 1);
    assert_refused(STATUS_REFERENCE, purse_block_more(&list, 0, 1)); /* none began */
    /* A wrong part ends it. */
    assert_refused(STATUS_OK, purse_block_first(&list, 9));
    list.siblings[9][0] ^= 1;
    assert_refused(STATUS_NOT_LISTED, purse_block_more(&list, 9, 10));
    list.siblings[9][0] ^= 1;
    assert_refused(STATUS_REFERENCE, purse_block_more(&list, 9, 10));
    /* So do another channel and another power-up. */
    assert_refused(STATUS_OK, purse_block_first(&list, 9));
    card_harness_connect_again(&purse_card);
    assert_refused(STATUS_REFERENCE, purse_block_more(&list, 9, 10));
    assert_refused(STATUS_OK, purse_block_first(&list, 9));
    purse_tap();
    assert_refused(STATUS_REFERENCE, purse_block_more(&list, 9, 10));
    purse_books();
}

static void broken_siblings_are_malformed(void **state)
{
    (void)state;
    static struct purse_list list;
    uint8_t half[48] = {0};
    at_shop();
    purse_list_make(&list, 1000, 400, 1);
    assert_refused(STATUS_OK, purse_block_first(&list, 8));
    struct apdu_command apdu = card_harness_apdu(COMMAND_BLOCK, half, sizeof half);
    apdu.p1 = 1;
    assert_int_equal(card_harness_secure(&purse_card, &apdu), status_word(STATUS_DATA, true));
    apdu.p1 = 0; /* a first part that ends inside the head */
    assert_int_equal(card_harness_secure(&purse_card, &apdu), status_word(STATUS_DATA, true));
    purse_books();
}

static void forged_and_ended_lists_do_not_block(void **state)
{
    (void)state;
    struct purse_list list;
    at_shop();
    purse_list_make(&list, 1, 0, 1);
    list.message[10] ^= 1; /* under the signature */
    assert_refused(STATUS_FORGED, block_by(&list));
    list.head.scheme++;
    purse_list_sign(&list);
    assert_refused(STATUS_FORGED, block_by(&list));
    list.head.scheme--;
    list.head.start = ISSUER_TODAY - 2 * DAY;
    list.head.end = ISSUER_TODAY - 1;
    purse_list_sign(&list);
    assert_refused(STATUS_EXPIRED, block_by(&list));
    list.head.end++;
    purse_list_sign(&list);
    assert_int_equal(block_by(&list), STATUS_OK);
}

static void list_older_than_one_seen_does_not_block(void **state)
{
    (void)state;
    at_shop();
    purse_inside()->ledger.list_sequence = 5;
    assert_refused(STATUS_OLD, purse_block_alone(4));
    assert_int_equal(purse_block_alone(5), STATUS_OK);
    assert_int_equal(purse_inside()->ledger.list_sequence, 5);
}

static void key_that_may_not_sign_lists_does_not_block(void **state)
{
    (void)state;
    struct certificate c;
    struct purse_list list;
    struct signed_certificate *working = &purse_card.issuer.working_certificate;
    at_shop();
    assert_int_equal(certificate_decode(working->bytes, working->length, &c), DOCUMENT_OK);
    c.kinds = (uint16_t)(WORKING_KNOWN ^ WORKING_LIST);
    issuer_certify(&c, &purse_card.issuer.root, working);
    purse_list_make(&list, 1, 0, 1);
    assert_refused(STATUS_FORGED, block_by(&list));
    purse_books();
}

static void blocked_card_moves_no_money_ever(void **state)
{
    (void)state;
    at_shop();
    assert_int_equal(purse_block_alone(1), STATUS_OK);
    for (int power_up = 0; power_up < 2; power_up++) {
        purse_at(ROLE_POINT_OF_SALE, SHOP);
        assert_int_equal(purse_pay_amount(1), STATUS_STATE);
        assert_int_equal(purse_send(COMMAND_READ_STATUS, NULL, 0), STATUS_STATE);
        assert_int_equal(purse_send(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES), STATUS_STATE);
        assert_int_equal(purse_block_alone(2), STATUS_STATE);
        purse_at(ROLE_DESK, DESK);
        struct sale sale = purse_sale(10);
        struct order order = purse_order(DOCUMENT_LOAD_ORDER, 2, 10);
        assert_int_equal(purse_carry(&sale, &order), STATUS_STATE);
        order = purse_order(DOCUMENT_REFUND_ORDER, 1, 10);
        assert_int_equal(purse_carry(&sale, &order), STATUS_STATE);
        order = purse_policy();
        assert_int_equal(purse_apply(&order), STATUS_STATE);
        card_harness_power_cycle(&purse_card);
    }
    purse_at(ROLE_BANK, BANK);
    assert_int_equal(purse_read_counter(2), STATUS_OK);
    assert_int_equal(purse_receipt.balance_after, 700);
    assert_int_equal(purse_expected_balance(), 700);
}

static void blocked_card_says_so_in_the_clear(void **state)
{
    (void)state;
    uint8_t first[RECEIPT_BYTES];
    at_shop();
    assert_int_equal(card_harness_select(&purse_card), 0x9000);
    assert_int_equal(card_harness_command(&purse_card, COMMAND_GET_BLOCK_RECEIPT, NULL, 0),
                     status_word(STATUS_STATE, false));
    card_harness_connect_again(&purse_card);
    assert_int_equal(purse_block_alone(1), STATUS_OK);
    memcpy(first, purse_card.answer, sizeof first);
    card_harness_power_cycle(&purse_card);
    assert_int_equal(card_harness_command(&purse_card, COMMAND_GET_BLOCK_RECEIPT, NULL, 0), 0x9000);
    assert_int_equal(purse_card.answer_bytes, sizeof first);
    assert_memory_equal(purse_card.answer, first, sizeof first);
    assert_int_equal(card_harness_command(&purse_card, COMMAND_GET_CERTIFICATE, NULL, 0), 0x9000);
    assert_int_equal(purse_card.answer_bytes, purse_card.certificate.length);
}

static void blocked_card_gives_receipts_to_merchant_and_bank_alone(void **state)
{
    (void)state;
    uint8_t shop[TERMINAL_NUMBER_BYTES];
    at_shop();
    memcpy(shop, purse_card.terminal.number, sizeof shop);
    struct sale sale = purse_sale(100);
    assert_int_equal(purse_pay_sale(&sale), STATUS_OK);
    assert_int_equal(purse_block_alone(1), STATUS_OK);
    uint32_t block_number = purse_receipt.terminal_counter;
    purse_tap();
    assert_int_equal(purse_read_terminal(shop, sale.terminal_counter), STATUS_OK);
    assert_int_equal(purse_receipt.kind, DOCUMENT_PAYMENT_RECEIPT);
    assert_int_equal(purse_read_terminal(shop, block_number), STATUS_OK);
    assert_int_equal(purse_receipt.kind, DOCUMENT_BLOCK_RECEIPT);
    purse_at(ROLE_POINT_OF_SALE, OTHER_SHOP);
    assert_int_equal(purse_read_terminal(shop, sale.terminal_counter), STATUS_NOT_THERE);
    purse_at(ROLE_DESK, DESK); /* reads a living card's log, not a blocked one's */
    assert_int_equal(purse_read_counter(1), STATUS_ROLE);
    purse_at(ROLE_BANK, BANK);
    for (uint32_t counter = 1; counter <= 3; counter++) {
        assert_int_equal(purse_read_counter(counter), STATUS_OK);
        assert_int_equal(purse_receipt.card_counter, counter);
    }
    assert_int_equal(purse_read_counter(4), STATUS_NOT_THERE);
}

static void full_log_does_not_keep_a_card_from_blocking(void **state)
{
    (void)state;
    purse_at(ROLE_DESK, DESK);
    for (unsigned i = 0; i < LOG_SLOTS; i++)
        purse_load_amount(1);
    assert_int_equal(purse_status_now().free_slots, 0);
    assert_int_equal(purse_block_alone(1), STATUS_OK);
    assert_int_equal(purse_receipt.card_counter, LOG_SLOTS + 1);
    purse_at(ROLE_BANK, BANK);
    for (uint32_t counter = 1; counter <= LOG_SLOTS + 1; counter++)
        assert_int_equal(purse_read_counter(counter), STATUS_OK);
    assert_int_equal(purse_receipt.kind, DOCUMENT_BLOCK_RECEIPT);
}

static void torn_block_happened_or_did_not(void **state)
{
    (void)state;
    at_shop();
    struct purse_list list;
    purse_list_make(&list, 1, 0, 1);
    bool did_not = false;
    enum purse_state now = PURSE_ISSUED;
    for (int32_t cut = 1; now != PURSE_BLOCKED; cut++) {
        uint8_t data[STIVER_APDU_MAX];
        struct writer w = writer_of(data, sizeof data);
        writer_u32(&w, (uint32_t)cut + 100);
        writer_u32(&w, ISSUER_TODAY);
        writer_u64(&w, 5);
        writer_u32(&w, 0);
        writer_bytes(&w, list.message, list.message_bytes);
        purse_card.flash.changes_left = cut;
        uint16_t word = card_harness_command(&purse_card, COMMAND_BLOCK, data, w.used);
        purse_card.flash.changes_left = -1;
        card_harness_power_cycle(&purse_card);
        now = state_now();
        did_not = did_not || now == PURSE_ISSUED;
        assert_true(now == PURSE_BLOCKED || word == 0);
        if (now == PURSE_ISSUED) {
            card_harness_connect_again(&purse_card);
            purse_books();
        }
        assert_true(cut < 100);
    }
    assert_true(did_not);
    assert_int_equal(card_harness_command(&purse_card, COMMAND_GET_BLOCK_RECEIPT, NULL, 0), 0x9000);
    purse_take_document(purse_card.answer, purse_card.answer_bytes);
    assert_int_equal(purse_receipt.balance_after, 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(listed_card_blocks_itself_and_signs_it, purse_fresh),
        cmocka_unit_test(every_place_in_lists_of_any_size_leads_to_the_root),
        cmocka_unit_test_setup(path_may_come_in_parts, purse_fresh),
        cmocka_unit_test_setup(longest_part_leaves_room_for_its_answer, purse_fresh),
        cmocka_unit_test_setup(paths_that_lead_elsewhere_do_not_block, purse_fresh),
        cmocka_unit_test_setup(more_siblings_than_the_path_has_are_refused, purse_fresh),
        cmocka_unit_test_setup(path_goes_on_only_where_it_began, purse_fresh),
        cmocka_unit_test_setup(broken_siblings_are_malformed, purse_fresh),
        cmocka_unit_test_setup(forged_and_ended_lists_do_not_block, purse_fresh),
        cmocka_unit_test_setup(list_older_than_one_seen_does_not_block, purse_fresh),
        cmocka_unit_test_setup(key_that_may_not_sign_lists_does_not_block, purse_fresh),
        cmocka_unit_test_setup(blocked_card_moves_no_money_ever, purse_fresh),
        cmocka_unit_test_setup(blocked_card_says_so_in_the_clear, purse_fresh),
        cmocka_unit_test_setup(blocked_card_gives_receipts_to_merchant_and_bank_alone, purse_fresh),
        cmocka_unit_test_setup(full_log_does_not_keep_a_card_from_blocking, purse_fresh),
        cmocka_unit_test_setup(torn_block_happened_or_did_not, purse_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
