/* SPDX-License-Identifier: Apache-2.0 */
/* The journal by itself: numbers that never come twice, the sum that a card has paid, and journals
 * that were written before that sum was kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "terminal/journal.h"

static const uint8_t own_key[PUBLIC_KEY_BYTES] = {1};
static const uint8_t card[CARD_NUMBER_BYTES] = {2}, other_card[CARD_NUMBER_BYTES] = {3};
static const uint8_t host_id[HOST_ID_BYTES] = {4}, older_id[HOST_ID_BYTES] = {5};
static const uint8_t document[RECEIPT_BYTES] = {6};
static const struct piece certificate = {document, 40}, none = {NULL, 0};

static struct db *open_journal(const char *path)
{
    struct db *db = NULL;
    assert_int_equal(journal_open(path, true, own_key, &db), STIVER_TERMINAL_OK);
    return db;
}

static uint32_t begin(struct db *db, enum document_kind kind, const uint8_t *of,
                      const uint8_t *under, uint32_t minor)
{
    struct intent intent = {.kind = kind, .amount = {minor, 978}};
    memcpy(intent.card, of, sizeof intent.card);
    memcpy(intent.host_id, under, sizeof intent.host_id);
    assert_int_equal(journal_begin(db, &intent), STIVER_TERMINAL_OK);
    return intent.number;
}

static void check_paid(struct db *db, const uint8_t *of, const uint8_t *under, uint64_t expected)
{
    uint64_t sum = UINT64_MAX;
    assert_int_equal(journal_paid(db, of, under, &sum), STIVER_TERMINAL_OK);
    assert_int_equal(sum, expected);
}

static void what_a_card_paid_is_open_and_finished_payments_alone(void **state)
{
    (void)state;
    struct db *db = open_journal(NULL);
    check_paid(db, card, host_id, 0);
    uint32_t kept = begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 100);
    uint32_t rejected = begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 20);
    uint32_t abandoned = begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 3);
    uint32_t load = begin(db, DOCUMENT_LOAD_RECEIPT, card, host_id, 5000);
    (void)begin(db, DOCUMENT_PAYMENT_RECEIPT, other_card, host_id, 7);
    (void)begin(db, DOCUMENT_PAYMENT_RECEIPT, card, older_id, 9);
    check_paid(db, card, host_id, 123);
    assert_int_equal(journal_finish(db, kept, document, false, card, certificate, NULL),
                     STIVER_TERMINAL_OK);
    check_paid(db, card, host_id, 123);
    assert_int_equal(journal_reject(db, rejected), STIVER_TERMINAL_OK);
    check_paid(db, card, host_id, 103);
    assert_int_equal(journal_abandon(db, abandoned, true), STIVER_TERMINAL_OK);
    assert_int_equal(journal_reject(db, load), STIVER_TERMINAL_OK);
    check_paid(db, card, host_id, 100);
    check_paid(db, other_card, host_id, 7);
    check_paid(db, card, older_id, 9);
    db_close(db);
}

static void business_ends_once(void **state)
{
    (void)state;
    struct db *db = open_journal(NULL);
    uint32_t number = begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 100);
    assert_int_equal(journal_finish(db, number, document, false, card, certificate, NULL),
                     STIVER_TERMINAL_OK);
    assert_int_equal(journal_finish(db, number, document, false, card, none, NULL),
                     STIVER_TERMINAL_UNKNOWN_NUMBER);
    assert_int_equal(journal_reject(db, number), STIVER_TERMINAL_UNKNOWN_NUMBER);
    assert_int_equal(journal_abandon(db, number, true), STIVER_TERMINAL_UNKNOWN_NUMBER);
    assert_int_equal(journal_abandon(db, number + 1, true), STIVER_TERMINAL_UNKNOWN_NUMBER);
    check_paid(db, card, host_id, 100);
    db_close(db);
}

/* A known card's receipt comes without a certificate; the one that is there stays. */
static void certificate_that_is_there_stays(void **state)
{
    uint8_t found[CERTIFICATE_BYTES_MAX];
    static const uint8_t handle[HANDLE_BYTES] = {8};
    size_t bytes = 0;
    (void)state;
    struct db *db = open_journal(NULL);
    uint32_t first = begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 1);
    assert_int_equal(journal_finish(db, first, document, false, card, certificate, handle),
                     STIVER_TERMINAL_OK);
    uint32_t second = begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 1);
    assert_int_equal(journal_finish(db, second, document, false, card, none, NULL),
                     STIVER_TERMINAL_OK);
    assert_int_equal(journal_find_handle(db, handle, found, &bytes), STIVER_TERMINAL_OK);
    assert_int_equal(bytes, certificate.bytes);
    assert_memory_equal(found, certificate.data, bytes);
    db_close(db);
}

static void numbers_go_on_above_the_highest_ever_named(void **state)
{
    struct stiver_terminal_info info;
    (void)state;
    struct db *db = open_journal(NULL);
    assert_int_equal(begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 1), 1);
    assert_int_equal(begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 1), 2);
    assert_int_equal(journal_put_back(db, 1), STIVER_TERMINAL_OK);
    assert_int_equal(begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 1), 3);
    assert_int_equal(journal_put_back(db, 40), STIVER_TERMINAL_OK);
    assert_int_equal(journal_counts(db, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.counter, 40);
    assert_int_equal(begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 1), 41);
    assert_int_equal(journal_counts(db, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.counter, 41);
    db_close(db);
}

static void numbers_end_and_the_last_attempt_leaves_nothing(void **state)
{
    struct stiver_terminal_info info;
    (void)state;
    struct db *db = open_journal(NULL);
    assert_int_equal(journal_put_back(db, COUNTER_MAX - 1), STIVER_TERMINAL_OK);
    assert_int_equal(begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 1), COUNTER_MAX);
    struct intent intent = {.kind = DOCUMENT_PAYMENT_RECEIPT, .amount = {1, 978}};
    memcpy(intent.card, card, sizeof intent.card);
    memcpy(intent.host_id, host_id, sizeof intent.host_id);
    for (int i = 0; i < 2; i++)
        assert_int_equal(journal_begin(db, &intent), STIVER_TERMINAL_NUMBERS_USED_UP);
    assert_int_equal(journal_counts(db, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.counter, COUNTER_MAX);
    assert_int_equal(info.open_intents, 1);
    check_paid(db, card, host_id, 1);
    db_close(db);
}

/* As version 2 left it: no sums, an index instead, and a counter that was written each time. */
static const char to_version_2[] =
    "DROP TABLE paid; DROP INDEX entry_other;"
    "CREATE INDEX entry_paid ON entry (card, kind, host_id, state, minor);"
    "UPDATE terminal SET counter = (SELECT max(number) FROM entry); PRAGMA user_version = 2;";

static void older_journal_is_taken_over_with_its_sums(void **state)
{
    char path[] = "/tmp/stiver-journal-XXXXXX", name[64];
    sqlite3 *old = NULL;
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    struct db *db = open_journal(path);
    (void)begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 100);
    uint32_t rejected = begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 20);
    (void)begin(db, DOCUMENT_LOAD_RECEIPT, card, host_id, 5000);
    (void)begin(db, DOCUMENT_PAYMENT_RECEIPT, other_card, host_id, 7);
    assert_int_equal(journal_reject(db, rejected), STIVER_TERMINAL_OK);
    db_close(db);
    assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
    assert_int_equal(sqlite3_exec(old, to_version_2, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(old), SQLITE_OK);
    db = open_journal(path);
    check_paid(db, card, host_id, 100);
    check_paid(db, other_card, host_id, 7);
    assert_int_equal(begin(db, DOCUMENT_PAYMENT_RECEIPT, card, host_id, 1), 5);
    check_paid(db, card, host_id, 101);
    db_close(db);
    for (size_t i = 0; i < 3; i++) {
        static const char *const endings[] = {"", "-wal", "-shm"};
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_card_paid_is_open_and_finished_payments_alone),
        cmocka_unit_test(business_ends_once),
        cmocka_unit_test(certificate_that_is_there_stays),
        cmocka_unit_test(numbers_go_on_above_the_highest_ever_named),
        cmocka_unit_test(numbers_end_and_the_last_attempt_leaves_nothing),
        cmocka_unit_test(older_journal_is_taken_over_with_its_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
