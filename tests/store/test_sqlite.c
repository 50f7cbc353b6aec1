/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of an engine, straight: what is added is found, taken keys are said to be taken, and
 * work that fails leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "bank/campus_store.h"
#include "version_2.h"

struct shelf {
    char directory[48];
    struct store *store;
};

static int shelf_open(void **state)
{
    static const char template[] = "/tmp/stiver-store-test-XXXXXX";
    struct shelf *shelf = calloc(1, sizeof *shelf);
    assert_non_null(shelf);
    memcpy(shelf->directory, template, sizeof template);
    assert_non_null(mkdtemp(shelf->directory));
    assert_int_equal(stiver_store_sqlite.open(shelf->directory, true, &shelf->store), STORE_OK);
    *state = shelf;
    return 0;
}

static int shelf_close(void **state)
{
    static const char *const names[] = {"bank.db", "bank.db-wal", "bank.db-shm"};
    struct shelf *shelf = *state;
    char path[80];
    shelf->store->verbs->close(shelf->store);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", shelf->directory, names[i]);
        unlink(path);
    }
    rmdir(shelf->directory);
    free(shelf);
    return 0;
}

#define VERB(shelf, verb, ...) ((shelf)->store->verbs->verb((shelf)->store, __VA_ARGS__))

static struct terminal_record terminal_of(uint8_t number)
{
    return (struct terminal_record){.terminal = {number},
                                    .key = {number},
                                    .role = ROLE_KIOSK,
                                    .classes = CLASS_LOAD,
                                    .merchant = 7,
                                    .limit = UINT32_MAX,
                                    .credit = 3,
                                    .counter = 4,
                                    .listed = 5};
}

static void terminal_comes_back_as_it_went(void **state)
{
    struct shelf *shelf = *state;
    struct terminal_record went = terminal_of(1), back;
    const uint8_t unknown[8] = {9};
    assert_int_equal(VERB(shelf, terminal_add, &went), STORE_OK);
    assert_int_equal(VERB(shelf, terminal_add, &went), STORE_DUPLICATE);
    assert_int_equal(VERB(shelf, terminal_find, went.terminal, &back), STORE_OK);
    assert_memory_equal(back.terminal, went.terminal, 8);
    assert_memory_equal(back.key, went.key, 64);
    assert_int_equal(back.role, went.role);
    assert_int_equal(back.classes, went.classes);
    assert_int_equal(back.merchant, went.merchant);
    assert_true(back.limit == went.limit);
    assert_int_equal(back.credit, went.credit);
    assert_int_equal(back.counter, went.counter);
    assert_int_equal(back.listed, went.listed);
    assert_int_equal(VERB(shelf, terminal_find, unknown, &back), STORE_NONE);
}

static void order_comes_back_as_it_went(void **state)
{
    struct shelf *shelf = *state;
    struct stock_record stock = {.serial = {1}, .card_class = CARD_VIRTUAL};
    struct card_record card = {.card = {2}, .serial = {1}, .balance = -5};
    struct order_record went = {.kind = DOCUMENT_LOAD_ORDER,
                                .card = {2},
                                .counter = 1,
                                .number = 2,
                                .amount = UINT32_MAX,
                                .state = ORDER_OPEN,
                                .source = {ACCOUNT_TILL, UINT64_MAX},
                                .message = {1, 2, 3},
                                .message_bytes = 3},
                        back;
    struct card_record card_back;
    assert_int_equal(VERB(shelf, stock_add, &stock), STORE_OK);
    assert_int_equal(VERB(shelf, card_add, &card), STORE_OK);
    assert_int_equal(VERB(shelf, card_of_serial, stock.serial, &card_back), STORE_OK);
    assert_true(card_back.balance == -5);
    assert_int_equal(VERB(shelf, order_add, &went), STORE_OK);
    assert_int_equal(VERB(shelf, order_add, &went), STORE_DUPLICATE);
    assert_int_equal(VERB(shelf, order_find, went.kind, went.card, 1, &back), STORE_OK);
    assert_true(back.amount == UINT32_MAX);
    assert_true(back.source.owner == UINT64_MAX);
    assert_int_equal(back.message_bytes, 3);
    assert_int_equal(VERB(shelf, order_open, went.kind, went.card, &back), STORE_OK);
    went.state = ORDER_TAKEN;
    assert_int_equal(VERB(shelf, order_update, &went), STORE_OK);
    assert_int_equal(VERB(shelf, order_open, went.kind, went.card, &back), STORE_NONE);
}

static struct posting_record posting_of(int64_t document, int64_t amount)
{
    return (struct posting_record){.document = document,
                                   .from = {ACCOUNT_FLOAT, 0},
                                   .to = {ACCOUNT_MERCHANT, 7},
                                   .amount = amount,
                                   .time = 1};
}

static int64_t document_of(struct shelf *shelf)
{
    struct document_record document = {
        .type = RECORD_RECEIPT, .time = 1, .bytes = (const uint8_t *)"x", .length = 1};
    assert_int_equal(VERB(shelf, document_add, &document), STORE_OK);
    return document.id;
}

static void impossible_postings_are_refused(void **state)
{
    struct shelf *shelf = *state;
    int64_t document = document_of(shelf), sum;
    const struct account merchant = {ACCOUNT_MERCHANT, 7}, purse = {ACCOUNT_FLOAT, 0};
    struct posting_record posting = posting_of(document, 0);
    assert_int_equal(VERB(shelf, posting_add, &posting), STORE_DUPLICATE);
    posting = posting_of(document, -1);
    assert_int_equal(VERB(shelf, posting_add, &posting), STORE_DUPLICATE);
    posting = posting_of(document + 1, 5); /* no such document */
    assert_int_equal(VERB(shelf, posting_add, &posting), STORE_DUPLICATE);
    posting = posting_of(document, 5);
    posting.to = posting.from;
    assert_int_equal(VERB(shelf, posting_add, &posting), STORE_DUPLICATE);
    posting = posting_of(document, 5);
    assert_int_equal(VERB(shelf, posting_add, &posting), STORE_OK);
    assert_int_equal(VERB(shelf, balance, &merchant, &sum), STORE_OK);
    assert_true(sum == 5);
    assert_int_equal(VERB(shelf, balance, &purse, &sum), STORE_OK);
    assert_true(sum == -5);
}

struct attempt {
    struct shelf *shelf;
    enum store_status answer;
    unsigned runs;
};

static enum store_status add_and_answer(void *context)
{
    struct attempt *attempt = context;
    struct terminal_record terminal = terminal_of(1);
    attempt->runs++;
    assert_int_equal(VERB(attempt->shelf, terminal_add, &terminal), STORE_OK);
    return attempt->answer;
}

static void aborted_work_leaves_nothing(void **state)
{
    struct shelf *shelf = *state;
    struct terminal_record found;
    const uint8_t number[8] = {1};
    struct attempt attempt = {shelf, STORE_ABORTED, 0};
    assert_int_equal(VERB(shelf, transact, add_and_answer, &attempt), STORE_ABORTED);
    assert_int_equal(attempt.runs, 1);
    assert_int_equal(VERB(shelf, terminal_find, number, &found), STORE_NONE);
    attempt = (struct attempt){shelf, STORE_RETRY, 0};
    assert_int_equal(VERB(shelf, transact, add_and_answer, &attempt), STORE_RETRY);
    assert_true(attempt.runs > 1);
    attempt = (struct attempt){shelf, STORE_OK, 0};
    assert_int_equal(VERB(shelf, transact, add_and_answer, &attempt), STORE_OK);
    assert_int_equal(VERB(shelf, terminal_find, number, &found), STORE_OK);
}

static void sequences_count_from_one(void **state)
{
    struct shelf *shelf = *state;
    uint32_t value;
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(VERB(shelf, sequence_next, SEQUENCE_LIST, &value), STORE_OK);
        assert_int_equal(value, i);
    }
    assert_int_equal(VERB(shelf, sequence_next, SEQUENCE_SERIAL, &value), STORE_OK);
    assert_int_equal(value, 1);
}

static void engine_opens_only_what_is_there(void **state)
{
    struct shelf *shelf = *state;
    struct store *second = NULL, *none = NULL;
    assert_int_equal(stiver_store_sqlite.open(shelf->directory, false, &second), STORE_OK);
    second->verbs->close(second);
    assert_int_equal(stiver_store_sqlite.open("/no/such/place", false, &none), STORE_NOT_A_STORE);
    assert_null(none);
}

/* ---- the campus purse ---- */

#define CAMPUS_VERB(shelf, verb, ...) ((shelf)->store->campus->verb((shelf)->store, __VA_ARGS__))

static void campus_records_come_back_as_they_went(void **state)
{
    struct shelf *shelf = *state;
    struct campus_card_record card = {.id = UINT32_MAX,
                                      .end = UINT32_MAX - 1,
                                      .is_certified = true,
                                      .modulus = {1},
                                      .signature = {2},
                                      .counter = 3,
                                      .shadow = -5},
                              back;
    struct campus_card_record drawn = {.id = 7, .end = 8, .station = 9}, twin = card;
    struct campus_terminal_record terminal = {.id = 11, .role = CAMPUS_ROLE_POS, .modulus = {3}};
    struct campus_receipt_record went = {.card = UINT32_MAX,
                                         .counter = 1,
                                         .terminal = 11,
                                         .amount = UINT32_MAX,
                                         .time = UINT32_MAX,
                                         .is_load = true,
                                         .is_suspect = true,
                                         .state = CAMPUS_RECEIPT_OPEN,
                                         .document = document_of(shelf)},
                                 found;
    assert_int_equal(CAMPUS_VERB(shelf, card_add, &card), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, card_add, &drawn), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, card_add, &drawn), STORE_DUPLICATE);
    twin.id = 12; /* one key, two IDs */
    assert_int_equal(CAMPUS_VERB(shelf, card_add, &twin), STORE_DUPLICATE);
    assert_int_equal(CAMPUS_VERB(shelf, card_find, UINT32_MAX, &back), STORE_OK);
    assert_memory_equal(&back, &card, sizeof back);
    assert_int_equal(CAMPUS_VERB(shelf, card_of_modulus, card.modulus, &back), STORE_OK);
    assert_true(back.id == UINT32_MAX && back.shadow == -5);
    assert_int_equal(CAMPUS_VERB(shelf, card_find, 7, &back), STORE_OK);
    assert_false(back.is_certified);
    assert_int_equal(CAMPUS_VERB(shelf, card_find, 6, &back), STORE_NONE);
    assert_int_equal(CAMPUS_VERB(shelf, receipt_add, &went), STORE_DUPLICATE); /* no terminal */
    assert_int_equal(CAMPUS_VERB(shelf, terminal_add, &terminal), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, receipt_add, &went), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, receipt_add, &went), STORE_DUPLICATE);
    went.state = CAMPUS_RECEIPT_OWED;
    went.is_decided = true;
    assert_int_equal(CAMPUS_VERB(shelf, receipt_update, &went), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, receipt_find, UINT32_MAX, 1, &found), STORE_OK);
    assert_int_equal(found.state, CAMPUS_RECEIPT_OWED);
    assert_true(found.is_load && found.is_suspect && found.is_decided);
    assert_true(found.amount == UINT32_MAX && found.time == UINT32_MAX);
}

static void terms_are_found_by_a_moment(void **state)
{
    struct shelf *shelf = *state;
    struct campus_terminal_record terminal = {.id = 11, .role = CAMPUS_ROLE_POS};
    struct campus_term_record first = {11, 100, 200, {0}}, second = {11, 150, UINT32_MAX, {1}};
    struct campus_term_record found;
    assert_int_equal(CAMPUS_VERB(shelf, terminal_add, &terminal), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, term_add, &first), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, term_add, &second), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, term_find, 11, 99, 99, &found), STORE_NONE);
    assert_int_equal(CAMPUS_VERB(shelf, term_find, 11, 100, 100, &found), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, term_find, 11, UINT32_MAX, 201, &found), STORE_OK);
    assert_true(found.end == UINT32_MAX);
    assert_int_equal(CAMPUS_VERB(shelf, term_find, 12, 100, 100, &found), STORE_NONE);
    assert_int_equal(CAMPUS_VERB(shelf, term_of_end, 11, 200, &found), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, term_of_end, 11, 199, &found), STORE_NONE);
}

static enum store_status count_document(void *context, const struct document_record *document)
{
    *(int64_t *)context += document->id;
    return STORE_OK;
}

static void records_of_the_second_version_are_upgraded(void **state)
{
    struct shelf *shelf = *state;
    char path[80];
    sqlite3 *db;
    uint8_t modulus[CAMPUS_RSA_BYTES] = {5};
    int64_t ids = 0;
    shelf->store->verbs->close(shelf->store);
    shelf->store = NULL;
    snprintf(path, sizeof path, "%s/bank.db", shelf->directory);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof version_2 / sizeof version_2[0]; i++)
        assert_int_equal(sqlite3_exec(db, version_2[i], NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA application_id = 1398030934; PRAGMA user_version = 2;"
                                  "INSERT INTO documents (type, terminal, time, hash, bytes)"
                                  " VALUES (1, zeroblob(8), 1, zeroblob(32), x'00')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(stiver_store_sqlite.open(shelf->directory, false, &shelf->store), STORE_OK);
    assert_int_equal(VERB(shelf, documents, count_document, &ids), STORE_OK);
    assert_int_equal(ids, 1);
    assert_int_equal(CAMPUS_VERB(shelf, key_get, modulus), STORE_NONE);
    assert_int_equal(CAMPUS_VERB(shelf, key_add, modulus), STORE_OK);
    assert_int_equal(CAMPUS_VERB(shelf, key_add, modulus), STORE_DUPLICATE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shelf_open, shelf_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(terminal_comes_back_as_it_went),
        TEST(order_comes_back_as_it_went),
        TEST(impossible_postings_are_refused),
        TEST(aborted_work_leaves_nothing),
        TEST(sequences_count_from_one),
        TEST(engine_opens_only_what_is_there),
        TEST(campus_records_come_back_as_they_went),
        TEST(terms_are_found_by_a_moment),
        TEST(records_of_the_second_version_are_upgraded),
    };
    return cmocka_run_group_tests_name("store/sqlite", tests, NULL, NULL);
}
