/* SPDX-License-Identifier: Apache-2.0 */
/* Listed cards block themselves, whatever is pulled, and are told so at every terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "town.h"

static struct town town;
static struct town_card card;
static struct town_terminal kiosk, shop, other;

static void renew_list(struct town_terminal *t)
{
    struct stiver_terminal_sync sync;
    town.give_list = true;
    assert_int_equal(stiver_terminal_synchronise(t->terminal, &t->link, &sync, NULL),
                     STIVER_TERMINAL_OK);
    assert_true(sync.new_list);
}

static int set_up(void **state)
{
    (void)state;
    town_found(&town);
    town_terminal(&town, ROLE_KIOSK, 1, NULL, &kiosk);
    town_terminal(&town, ROLE_POINT_OF_SALE, 2, NULL, &shop);
    town_terminal(&town, ROLE_POINT_OF_SALE, 3, NULL, &other);
    town_card_issue(&town, &card, 1);
    town_load(&kiosk, &card, 2000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    town_card_remove(&card);
    town_terminal_close(&kiosk);
    town_terminal_close(&shop);
    town_terminal_close(&other);
    return 0;
}

static uint8_t card_state(void)
{
    struct stiver_terminal_card_state said;
    struct stiver_terminal_result result;
    town_card_insert(&card);
    assert_int_equal(stiver_terminal_card_state(shop.terminal, &card.reader, &said, &result),
                     STIVER_TERMINAL_OK);
    return said.state;
}

static enum stiver_terminal_status begin(struct town_terminal *t,
                                         struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    enum stiver_terminal_status status =
        stiver_terminal_begin(t->terminal, &card.reader, &session, result);
    stiver_terminal_end(session);
    return status;
}

/* Block receipts that the bank has by now. */
static unsigned block_receipts(void)
{
    unsigned count = 0;
    struct receipt receipt;
    for (size_t i = 0; i < town.receipts_count; i++) {
        assert_int_equal(receipt_decode(town.receipts[i], RECEIPT_BYTES, FIXTURE_SCHEME, &receipt),
                         DOCUMENT_OK);
        count += receipt.kind == DOCUMENT_BLOCK_RECEIPT;
    }
    return count;
}

static void bring_home(struct town_terminal *t)
{
    struct stiver_terminal_sync sync;
    assert_int_equal(stiver_terminal_synchronise(t->terminal, &t->link, &sync, NULL),
                     STIVER_TERMINAL_OK);
    assert_int_equal(sync.rejected, 0);
    assert_int_equal(sync.left, 0);
}

static void a_listed_card_blocks_itself_and_the_bank_gets_its_receipt(void **state)
{
    struct stiver_terminal_result result;
    char text[256];
    (void)state;
    town_list(&town, 2, card.number, 1);
    renew_list(&shop);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_CARD_BLOCKED);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "This card is blocked: ask its issuer for a new one.");
    assert_int_equal(card_state(), PURSE_BLOCKED);
    bring_home(&shop);
    assert_int_equal(block_receipts(), 1);
    /* Again: said without asking the card for more. */
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_CARD_BLOCKED);
    bring_home(&shop);
    assert_int_equal(block_receipts(), 1);
}

static void a_terminal_without_the_new_list_hears_it_from_the_card(void **state)
{
    struct stiver_terminal_result result;
    (void)state;
    town_list(&town, 2, card.number, 1);
    renew_list(&shop);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_CARD_BLOCKED);
    assert_int_equal(town_pay(&other, &card, 100, &result), STIVER_TERMINAL_CARD_BLOCKED);
    /* It carries the block receipt home although it is not its own. */
    bring_home(&other);
    assert_int_equal(block_receipts(), 1);
    bring_home(&shop);
    assert_int_equal(block_receipts(), 1);
}

static void a_listed_card_that_is_blocked_already_gives_its_receipt_too(void **state)
{
    struct stiver_terminal_result result;
    (void)state;
    town_list(&town, 2, card.number, 1);
    renew_list(&shop);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_CARD_BLOCKED);
    renew_list(&other);
    assert_int_equal(town_pay(&other, &card, 100, &result), STIVER_TERMINAL_CARD_BLOCKED);
    bring_home(&other);
    assert_int_equal(block_receipts(), 1);
}

static void a_block_torn_is_finished_at_the_next_touch(void **state)
{
    static const enum pull pulls[] = {PULL_BEFORE_COMMIT, PULL_BEFORE_ANSWER};
    struct stiver_terminal_result result;
    (void)state;
    town_list(&town, 2, card.number, 1);
    renew_list(&shop);
    for (size_t i = 0; i < 2; i++) {
        town_card_touch(&card, pulls[i], COMMAND_BLOCK);
        assert_int_equal(begin(&shop, &result), STIVER_TERMINAL_CARD_BLOCKED);
        assert_int_equal(card_state(), i == 0 ? PURSE_ISSUED : PURSE_BLOCKED);
    }
    town_card_insert(&card);
    assert_int_equal(begin(&shop, &result), STIVER_TERMINAL_CARD_BLOCKED);
    bring_home(&shop);
    assert_int_equal(block_receipts(), 1);
}

static void an_open_payment_is_settled_before_the_card_is_blocked(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(250)};
    (void)state;
    town_card_touch(&card, PULL_BEFORE_ANSWER, COMMAND_PAY);
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_pay(session, &sale, &result), STIVER_TERMINAL_UNFINISHED);
    stiver_terminal_end(session);
    town_list(&town, 2, card.number, 1);
    renew_list(&shop);
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_CARD_BLOCKED);
    bring_home(&shop);
    assert_int_equal(town.paid, 250);
    assert_int_equal(block_receipts(), 1);
}

static void an_open_payment_of_a_card_blocked_elsewhere_is_settled_too(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(250)};
    (void)state;
    town_card_touch(&card, PULL_BEFORE_ANSWER, COMMAND_PAY);
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_pay(session, &sale, &result), STIVER_TERMINAL_UNFINISHED);
    stiver_terminal_end(session);
    town_list(&town, 2, card.number, 1);
    renew_list(&other);
    assert_int_equal(town_pay(&other, &card, 1, &result), STIVER_TERMINAL_CARD_BLOCKED);
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    bring_home(&shop);
    assert_int_equal(town.paid, 250);
}

static void a_list_past_its_end_stops_payments(void **state)
{
    struct stiver_terminal_result result;
    struct stiver_terminal_info info;
    struct fixture_certificate later = shop.certificate;
    struct stiver_terminal_sync sync;
    char text[256];
    (void)state;
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    town.now = info.list_end + 1;
    later.fields.start = town.now - FIXTURE_DAY;
    later.fields.end = later.fields.start + 6 * FIXTURE_DAY;
    fixture_certificate_seal(&later, &town.scheme.terminal_authority.keys);
    town.give_certificate = &later;
    assert_int_equal(stiver_terminal_synchronise(shop.terminal, &shop.link, &sync, NULL),
                     STIVER_TERMINAL_OK);
    assert_true(sync.new_certificate);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_LIST_OLD);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "The revocation list ended on 2026-12-21: synchronise the terminal.");
    assert_int_equal(town_balance(&shop, &card), 2000);
}

/* ---- the log of a blocked card ---- */

struct told {
    unsigned count;
    struct stiver_terminal_receipt receipts[4];
};

static bool note(void *context, const struct stiver_terminal_receipt *receipt)
{
    struct told *told = context;
    assert_in_range(told->count, 0, 3);
    told->receipts[told->count++] = *receipt;
    return true;
}

static enum stiver_terminal_status read_log(struct town_terminal *t, struct told *told)
{
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    memset(told, 0, sizeof *told);
    town_card_insert(&card);
    enum stiver_terminal_status status =
        stiver_terminal_begin(t->terminal, &card.reader, &session, &result);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_log(session, 10, note, told, &result);
    stiver_terminal_end(session);
    return status;
}

static void the_bank_alone_reads_the_log_of_a_blocked_card(void **state)
{
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    struct stiver_terminal_purse purse;
    struct town_terminal bank, desk, unaware;
    struct told told;
    (void)state;
    town_terminal(&town, ROLE_BANK, 8, NULL, &unaware);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_OK);
    town_list(&town, 2, card.number, 1);
    town_terminal(&town, ROLE_BANK, 9, NULL, &bank);
    town_terminal(&town, ROLE_DESK, 10, NULL, &desk);
    renew_list(&shop);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_CARD_BLOCKED);
    struct town_terminal *const banks[] = {&bank, &unaware}; /* with the list, and without */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_log(banks[i], &told), STIVER_TERMINAL_OK);
        assert_int_equal(told.count, 3);
        assert_int_equal(told.receipts[0].kind, STIVER_TERMINAL_BLOCK);
        assert_int_equal(told.receipts[1].kind, STIVER_TERMINAL_PAYMENT);
        assert_int_equal(told.receipts[1].amount.minor, 100);
        assert_int_equal(told.receipts[2].kind, STIVER_TERMINAL_LOAD);
    }
    assert_int_equal(read_log(&desk, &told), STIVER_TERMINAL_CARD_BLOCKED);
    assert_int_equal(told.count, 0);
    /* To the bank, too, it is blocked for everything else. */
    town_card_insert(&card);
    assert_int_equal(stiver_terminal_begin(bank.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_read(session, &purse, &result), STIVER_TERMINAL_CARD_BLOCKED);
    stiver_terminal_end(session);
    town_terminal_close(&bank);
    town_terminal_close(&desk);
    town_terminal_close(&unaware);
}

/* ---- a list so long that the path does not fit into one command ---- */

#define LONG_COUNT ((1u << 19) + 1u)

static void number_at(uint8_t *numbers, uint32_t place, uint64_t value)
{
    struct writer w = writer_of(numbers + (size_t)place * CARD_NUMBER_BYTES, CARD_NUMBER_BYTES);
    writer_u64(&w, value);
}

/* The card's number among many, in order. */
static void fill_numbers(uint8_t *numbers, uint64_t own)
{
    uint32_t below = own > LONG_COUNT / 2 ? LONG_COUNT / 2 : (uint32_t)own;
    for (uint32_t i = 0; i < LONG_COUNT; i++)
        number_at(numbers, i, own - below + i);
}

static size_t long_list(uint8_t **file)
{
    const struct fixture_certificate *signer = &town.scheme.lists;
    size_t message = LIST_HEAD_BYTES + signer->length;
    size_t bytes = message + (size_t)LONG_COUNT * CARD_NUMBER_BYTES;
    struct list_head head = {.scheme = FIXTURE_SCHEME,
                             .sequence = 9,
                             .start = FIXTURE_NOW,
                             .end = FIXTURE_NOW + 30 * FIXTURE_DAY,
                             .count = LONG_COUNT};
    struct reader own = reader_of(card.number, sizeof card.number);
    uint8_t *scratch = malloc((size_t)LONG_COUNT * SHA256_BYTES);
    *file = malloc(bytes);
    assert_non_null(*file);
    assert_non_null(scratch);
    fill_numbers(*file + message, reader_u64(&own));
    assert_int_equal(list_root(&crypto_primitives, FIXTURE_SCHEME, *file + message, LONG_COUNT,
                               scratch, head.root),
                     DOCUMENT_OK);
    free(scratch);
    list_head_encode(&head, *file);
    fixture_sign(*file, LIST_HEAD_BYTES - SIGNATURE_BYTES, &signer->keys);
    memcpy(*file + LIST_HEAD_BYTES, signer->bytes, signer->length);
    return bytes;
}

/* The terminal takes it in a package of its own: it is longer than a message of the link. */
static void adopt_long_list(struct town_terminal *t)
{
    static uint8_t head[4096];
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES], *file;
    struct fixture_certificate certificate;
    size_t file_bytes = long_list(&file);
    stiver_terminal_request(t->terminal, request);
    town.list_bytes = 0;
    size_t bytes =
        town_package(&town, ROLE_POINT_OF_SALE, 77, request, &certificate, head, sizeof head);
    uint8_t *package = malloc(bytes + file_bytes);
    assert_non_null(package);
    size_t before = bytes - SIGNATURE_BYTES - 4; /* without the length of the empty list */
    memcpy(package, head, before);
    struct writer w = writer_of(package + before, 4 + file_bytes);
    link_field(&w, file, file_bytes);
    assert_false(w.failed);
    fixture_sign(package, before + 4 + file_bytes, &town.scheme.terminal_authority.keys);
    assert_int_equal(stiver_terminal_adopt(t->terminal, package, bytes + file_bytes, NULL),
                     STIVER_TERMINAL_OK);
    free(package);
    free(file);
}

static void a_long_path_streams_in_commands_that_the_card_can_take(void **state)
{
    struct town_terminal t;
    struct stiver_terminal_result result;
    (void)state;
    town_terminal(&town, ROLE_POINT_OF_SALE, 77, NULL, &t);
    adopt_long_list(&t);
    t.watched = "BLOCK";
    assert_int_equal(town_pay(&t, &card, 100, &result), STIVER_TERMINAL_CARD_BLOCKED);
    assert_int_equal(t.watched_count, 2);
    assert_true(t.watched_longest <= STIVER_APDU_MAX);
    assert_int_equal(card_state(), PURSE_BLOCKED);
    bring_home(&t);
    assert_int_equal(block_receipts(), 1);
    town_terminal_close(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_listed_card_blocks_itself_and_the_bank_gets_its_receipt),
        TEST(a_terminal_without_the_new_list_hears_it_from_the_card),
        TEST(a_listed_card_that_is_blocked_already_gives_its_receipt_too),
        TEST(a_block_torn_is_finished_at_the_next_touch),
        TEST(an_open_payment_is_settled_before_the_card_is_blocked),
        TEST(an_open_payment_of_a_card_blocked_elsewhere_is_settled_too),
        TEST(a_list_past_its_end_stops_payments),
        TEST(the_bank_alone_reads_the_log_of_a_blocked_card),
        TEST(a_long_path_streams_in_commands_that_the_card_can_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
