/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal's directory: what is made, what survives, what is left alone. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "terminal/journal.h"
#include "town.h"

static struct town town;
static struct town_card card;
static struct town_terminal kiosk, shop;
static char place[64], home[80], journal[96], key[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(place, "/tmp/stiver-terminal-XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(home, sizeof home, "%s/shop", place);
    snprintf(journal, sizeof journal, "%s/journal.db", home);
    snprintf(key, sizeof key, "%s/terminal.key", home);
    town_found(&town);
    return 0;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static uint32_t town_clock(void *context)
{
    return ((const struct town *)context)->now;
}

static enum stiver_terminal_status open_again(struct stiver_terminal **terminal)
{
    const struct stiver_terminal_environment environment = {.now = town_clock,
                                                            .clock_context = &town};
    return stiver_terminal_open(home, &environment, terminal);
}

/* Whole files, so that "nothing was changed" can be compared. */
static size_t slurp(const char *path, uint8_t *bytes, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t count = fread(bytes, 1, capacity, file);
    assert_true(count < capacity);
    fclose(file);
    return count;
}

static void spill(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static void a_new_terminal_has_a_private_key_and_asks_for_enrolment(void **state)
{
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES], again[STIVER_TERMINAL_REQUEST_BYTES];
    struct stiver_terminal *terminal;
    struct stiver_terminal_info info;
    struct stiver_terminal_bytes upload;
    struct stat about;
    (void)state;
    assert_int_equal(stiver_terminal_create(home, request), STIVER_TERMINAL_OK);
    assert_int_equal(request[0], 1);
    assert_int_equal(stat(key, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(stat(journal, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(stat(home, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(stiver_terminal_create(home, again), STIVER_TERMINAL_EXISTS);
    assert_int_equal(open_again(&terminal), STIVER_TERMINAL_OK);
    stiver_terminal_request(terminal, again);
    assert_memory_equal(request, again, sizeof request);
    assert_int_equal(stiver_terminal_info(terminal, &info), STIVER_TERMINAL_OK);
    assert_false(info.is_enrolled);
    assert_int_equal(stiver_terminal_upload_make(terminal, &upload), STIVER_TERMINAL_NOT_ENROLLED);
    stiver_terminal_close(terminal);
}

static void a_creation_that_was_cut_goes_on_with_the_same_key(void **state)
{
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES], again[STIVER_TERMINAL_REQUEST_BYTES];
    struct stiver_terminal *terminal;
    (void)state;
    assert_int_equal(stiver_terminal_create(home, request), STIVER_TERMINAL_OK);
    assert_int_equal(unlink(journal), 0);
    assert_int_equal(open_again(&terminal), STIVER_TERMINAL_MISSING);
    assert_int_equal(stiver_terminal_create(home, again), STIVER_TERMINAL_OK);
    assert_memory_equal(request, again, sizeof request);
}

static void a_terminal_that_is_not_enrolled_touches_no_card(void **state)
{
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    struct stiver_terminal *terminal;
    (void)state;
    town_card_blank(&card, 1);
    assert_int_equal(stiver_terminal_create(home, request), STIVER_TERMINAL_OK);
    assert_int_equal(open_again(&terminal), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_begin(terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_NOT_ENROLLED);
    stiver_terminal_close(terminal);
    town_card_remove(&card);
}

/* The link key above all: with one of his own, a carrier could answer in the bank's place, and say
 * of receipts that they were booked. */
static void every_bit_of_a_package_is_looked_at(void **state)
{
    static uint8_t package[8192];
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES], root[SHA256_BYTES];
    struct fixture_certificate certificate;
    struct stiver_terminal *terminal;
    struct stiver_terminal_info info;
    (void)state;
    assert_int_equal(stiver_terminal_create(home, request), STIVER_TERMINAL_OK);
    assert_int_equal(open_again(&terminal), STIVER_TERMINAL_OK);
    size_t bytes =
        town_package(&town, ROLE_POINT_OF_SALE, 2, request, &certificate, package, sizeof package);
    const struct piece piece = {town.scheme.root_keys.public_key, PUBLIC_KEY_BYTES};
    assert_int_equal(crypto_sha256(&piece, 1, root), CRYPTO_OK);
    for (size_t i = 0; i < bytes; i++) {
        package[i] ^= 0x10;
        assert_int_not_equal(stiver_terminal_adopt(terminal, package, bytes, root),
                             STIVER_TERMINAL_OK);
        package[i] ^= 0x10;
        if (i % 7 == 0)
            assert_int_not_equal(stiver_terminal_adopt(terminal, package, i, root),
                                 STIVER_TERMINAL_OK);
    }
    root[0] ^= 1;
    assert_int_equal(stiver_terminal_adopt(terminal, package, bytes, root),
                     STIVER_TERMINAL_ROOT_DIFFERS);
    root[0] ^= 1;
    assert_int_equal(stiver_terminal_info(terminal, &info), STIVER_TERMINAL_OK);
    assert_false(info.is_enrolled);
    assert_int_equal(stiver_terminal_adopt(terminal, package, bytes, root), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_info(terminal, &info), STIVER_TERMINAL_OK);
    assert_true(info.is_enrolled);
    assert_memory_equal(info.root_fingerprint, root, sizeof root);
    stiver_terminal_close(terminal);
}

static void a_package_for_another_terminal_is_not_taken(void **state)
{
    static uint8_t package[8192];
    static struct town elsewhere;
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES], other[STIVER_TERMINAL_REQUEST_BYTES];
    struct fixture_certificate certificate;
    struct fixture_pair pair = fixture_pair_make();
    struct stiver_terminal *terminal;
    (void)state;
    assert_int_equal(stiver_terminal_create(home, request), STIVER_TERMINAL_OK);
    assert_int_equal(open_again(&terminal), STIVER_TERMINAL_OK);
    other[0] = 1;
    memcpy(other + 1, pair.public_key, PUBLIC_KEY_BYTES);
    size_t bytes =
        town_package(&town, ROLE_POINT_OF_SALE, 2, other, &certificate, package, sizeof package);
    assert_int_equal(stiver_terminal_adopt(terminal, package, bytes, NULL),
                     STIVER_TERMINAL_PACKAGE);
    bytes =
        town_package(&town, ROLE_POINT_OF_SALE, 2, request, &certificate, package, sizeof package);
    assert_int_equal(stiver_terminal_adopt(terminal, package, bytes, NULL), STIVER_TERMINAL_OK);
    /* Once enrolled it keeps to its bank. */
    town_found(&elsewhere);
    bytes = town_package(&elsewhere, ROLE_POINT_OF_SALE, 2, request, &certificate, package,
                         sizeof package);
    assert_int_equal(stiver_terminal_adopt(terminal, package, bytes, NULL),
                     STIVER_TERMINAL_ROOT_DIFFERS);
    stiver_terminal_close(terminal);
}

/* ---- with business in the journal ---- */

static void open_shop(void)
{
    town_terminal(&town, ROLE_KIOSK, 1, NULL, &kiosk);
    town_terminal(&town, ROLE_POINT_OF_SALE, 2, home, &shop);
    town_card_issue(&town, &card, 1);
    town_load(&kiosk, &card, 2000);
}

static void close_shop(void)
{
    town_card_remove(&card);
    town_terminal_close(&kiosk);
    town_terminal_close(&shop);
}

static void an_open_sale_survives_the_terminal(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(250)};
    (void)state;
    open_shop();
    town_card_touch(&card, PULL_BEFORE_ANSWER, COMMAND_PAY);
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_pay(session, &sale, &result), STIVER_TERMINAL_UNFINISHED);
    stiver_terminal_end(session);
    stiver_terminal_close(shop.terminal);
    assert_int_equal(open_again(&shop.terminal), STIVER_TERMINAL_OK);
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_OK);
    assert_int_equal(result.number, 2);
    struct town_terminal *all[] = {&kiosk, &shop};
    town_check_money(&town, &card, all, 2);
    assert_int_equal(town.paid, 350);
    close_shop();
}

static void a_full_disk_refuses_before_the_card_is_asked(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(1)};
    enum stiver_terminal_status status = STIVER_TERMINAL_OK;
    unsigned before = 0, after, paid = 0;
    size_t bytes;
    char text[256];
    (void)state;
    open_shop();
    assert_int_equal(db_execute(shop.terminal->journal, "PRAGMA max_page_count = 1"), DB_OK);
    while (status == STIVER_TERMINAL_OK && paid < 2000) {
        town_card_insert(&card);
        assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                         STIVER_TERMINAL_OK);
        stiver_terminal_count(session, &before, &bytes);
        status = stiver_terminal_pay(session, &sale, &result);
        paid += status == STIVER_TERMINAL_OK;
        stiver_terminal_count(session, &after, &bytes);
        stiver_terminal_end(session);
    }
    /* Where only the receipt no longer fits the sale is open, never "done"; then the disk is full
     * for its recovery too. */
    if (status == STIVER_TERMINAL_UNFINISHED) {
        paid++;
        status = town_pay(&shop, &card, 1, &result);
        before = after = 0;
    }
    assert_int_equal(status, STIVER_TERMINAL_JOURNAL_FULL);
    assert_int_equal(before, after);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "The terminal's disk is full: nothing was begun.");
    assert_int_equal(db_execute(shop.terminal->journal, "PRAGMA max_page_count = 1000000"), DB_OK);
    assert_int_equal(town_balance(&shop, &card), 2000 - paid);
    struct town_terminal *all[] = {&kiosk, &shop};
    town_check_money(&town, &card, all, 2);
    assert_int_equal(town.paid, paid);
    close_shop();
}

static void one_program_at_a_time_has_the_terminal(void **state)
{
    (void)state;
    open_shop();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct stiver_terminal *terminal = NULL;
        _exit(open_again(&terminal) == STIVER_TERMINAL_JOURNAL_BUSY ? 0 : 1);
    }
    int how = 1;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    close_shop();
}

static void a_copied_journal_is_in_doubt(void **state)
{
    static uint8_t bytes[1u << 20];
    struct stiver_terminal_result result;
    struct stiver_terminal_info info;
    struct stiver_terminal_sync sync;
    char copy[112];
    (void)state;
    open_shop();
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_OK);
    stiver_terminal_close(shop.terminal);
    size_t count = slurp(journal, bytes, sizeof bytes);
    snprintf(copy, sizeof copy, "%s.copy", journal);
    spill(copy, bytes, count);
    assert_int_equal(rename(copy, journal), 0);
    assert_int_equal(open_again(&shop.terminal), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    assert_true(info.is_in_doubt);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_IN_DOUBT);
    assert_int_equal(stiver_terminal_synchronise(shop.terminal, &shop.link, &sync, NULL),
                     STIVER_TERMINAL_OK);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_OK);
    struct town_terminal *all[] = {&kiosk, &shop};
    town_check_money(&town, &card, all, 2);
    close_shop();
}

/* A copy written over the journal keeps its place in the file system; its mark tells. */
static void a_journal_that_is_put_back_in_place_is_in_doubt(void **state)
{
    static uint8_t bytes[1u << 20];
    struct stiver_terminal_result result;
    struct stiver_terminal_info info;
    struct stiver_terminal_sync sync;
    (void)state;
    open_shop();
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_OK);
    stiver_terminal_close(shop.terminal);
    size_t count = slurp(journal, bytes, sizeof bytes);
    assert_int_equal(open_again(&shop.terminal), STIVER_TERMINAL_OK);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_OK);
    uint32_t number = result.number;
    assert_int_equal(stiver_terminal_synchronise(shop.terminal, &shop.link, &sync, NULL),
                     STIVER_TERMINAL_OK);
    assert_int_equal(town_pay(&shop, &card, 1000000, &result), STIVER_TERMINAL_AMOUNT_LIMIT);
    stiver_terminal_close(shop.terminal);
    spill(journal, bytes, count);
    for (int i = 0; i < 2; i++) { /* the doubt lasts */
        assert_int_equal(open_again(&shop.terminal), STIVER_TERMINAL_OK);
        assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
        assert_true(info.is_in_doubt);
        assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_IN_DOUBT);
        stiver_terminal_close(shop.terminal);
    }
    assert_int_equal(open_again(&shop.terminal), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_synchronise(shop.terminal, &shop.link, &sync, NULL),
                     STIVER_TERMINAL_OK);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_OK);
    assert_true(result.number > number);
    stiver_terminal_close(shop.terminal);
    assert_int_equal(open_again(&shop.terminal), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    assert_false(info.is_in_doubt);
    close_shop();
}

/* Opens what lies there and sees that it was refused and left as it was. */
static void refused_and_untouched(const char *path, enum stiver_terminal_status expected)
{
    static uint8_t before[1u << 20], after[1u << 20];
    struct stiver_terminal *terminal = NULL;
    size_t bytes = slurp(path, before, sizeof before);
    assert_int_equal(open_again(&terminal), expected);
    assert_null(terminal);
    assert_int_equal(slurp(path, after, sizeof after), bytes);
    assert_memory_equal(before, after, bytes);
}

static void damaged_foreign_and_newer_files_are_refused_and_left_alone(void **state)
{
    static uint8_t whole_journal[1u << 20];
    static uint8_t whole_key[4096];
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    (void)state;
    assert_int_equal(stiver_terminal_create(home, request), STIVER_TERMINAL_OK);
    size_t journal_bytes = slurp(journal, whole_journal, sizeof whole_journal);
    size_t key_bytes = slurp(key, whole_key, sizeof whole_key);

    spill(journal, "not a journal at all, but long enough to be looked at", 53);
    refused_and_untouched(journal, STIVER_TERMINAL_JOURNAL_FOREIGN);

    /* SQLite's header: application id at 68, user version at 60 (file format, 1.3). */
    static uint8_t changed[1u << 20];
    memcpy(changed, whole_journal, journal_bytes);
    changed[68] ^= 0xFF;
    spill(journal, changed, journal_bytes);
    refused_and_untouched(journal, STIVER_TERMINAL_JOURNAL_FOREIGN);
    memcpy(changed, whole_journal, journal_bytes);
    changed[60] = 0x7F;
    spill(journal, changed, journal_bytes);
    refused_and_untouched(journal, STIVER_TERMINAL_JOURNAL_NEWER);
    spill(journal, whole_journal, journal_bytes);

    whole_key[key_bytes / 2] ^= 1;
    spill(key, whole_key, key_bytes);
    refused_and_untouched(key, STIVER_TERMINAL_KEY_DAMAGED);
    whole_key[key_bytes / 2] ^= 1;
    spill(key, whole_key, key_bytes - 1);
    refused_and_untouched(key, STIVER_TERMINAL_KEY_DAMAGED);
    spill(key, whole_key, key_bytes);
    struct stiver_terminal *terminal;
    assert_int_equal(open_again(&terminal), STIVER_TERMINAL_OK);
    stiver_terminal_close(terminal);
    assert_int_equal(unlink(key), 0);
    assert_int_equal(open_again(&terminal), STIVER_TERMINAL_MISSING);
}

static void change_journal(const uint8_t *own_key, const char *sql)
{
    struct db *db = NULL;
    assert_int_equal(journal_open(journal, false, own_key, &db), STIVER_TERMINAL_OK);
    assert_int_equal(db_execute(db, sql), DB_OK);
    db_close(db);
}

/* As the first version wrote it: one byte in place of the document's head, and no signature. */
static void a_package_of_the_earlier_format_asks_for_a_new_one(void **state)
{
    static uint8_t package[8192];
    static char sql[20000];
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    struct fixture_certificate certificate;
    struct stiver_terminal *terminal;
    struct stiver_terminal_info info;
    struct stiver_terminal_bytes upload;
    (void)state;
    assert_int_equal(stiver_terminal_create(home, request), STIVER_TERMINAL_OK);
    size_t bytes =
        town_package(&town, ROLE_POINT_OF_SALE, 2, request, &certificate, package, sizeof package);
    static uint8_t older[8192];
    const size_t head = 6, older_bytes = bytes - head - SIGNATURE_BYTES + 1;
    older[0] = 1;
    memcpy(older + 1, package + head, older_bytes - 1);
    size_t at = (size_t)snprintf(sql, sizeof sql, "UPDATE terminal SET package = x'");
    for (size_t i = 0; i < older_bytes; i++)
        at += (size_t)snprintf(sql + at, sizeof sql - at, "%02x", older[i]);
    snprintf(sql + at, sizeof sql - at, "'");
    change_journal(request + 1, sql);

    assert_int_equal(open_again(&terminal), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_info(terminal, &info), STIVER_TERMINAL_OK);
    assert_true(info.is_of_earlier_format && !info.is_enrolled);
    assert_int_equal(stiver_terminal_upload_make(terminal, &upload), STIVER_TERMINAL_PACKAGE_OLDER);
    assert_int_equal(stiver_terminal_adopt(terminal, older, older_bytes, NULL),
                     STIVER_TERMINAL_PACKAGE_OLDER);
    /* Another number is another terminal; its own comes back as it was. */
    static uint8_t other[8192];
    size_t other_bytes =
        town_package(&town, ROLE_POINT_OF_SALE, 3, request, &certificate, other, sizeof other);
    assert_int_equal(stiver_terminal_adopt(terminal, other, other_bytes, NULL),
                     STIVER_TERMINAL_PACKAGE);
    assert_int_equal(stiver_terminal_adopt(terminal, package, bytes, NULL), STIVER_TERMINAL_OK);
    stiver_terminal_close(terminal);
    assert_int_equal(open_again(&terminal), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_info(terminal, &info), STIVER_TERMINAL_OK);
    assert_true(info.is_enrolled && !info.is_of_earlier_format);
    stiver_terminal_close(terminal);
    /* What is nearly of the earlier format is damage. */
    change_journal(request + 1, "UPDATE terminal SET package = substr(package, 2)");
    refused_and_untouched(journal, STIVER_TERMINAL_JOURNAL_DAMAGED);
}

static void a_journal_of_another_key_is_refused(void **state)
{
    static uint8_t bytes[1u << 20];
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    char other[80], other_key[96];
    (void)state;
    snprintf(other, sizeof other, "%s/other", place);
    snprintf(other_key, sizeof other_key, "%s/terminal.key", other);
    assert_int_equal(stiver_terminal_create(home, request), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_create(other, request), STIVER_TERMINAL_OK);
    spill(key, bytes, slurp(other_key, bytes, sizeof bytes));
    refused_and_untouched(journal, STIVER_TERMINAL_KEY_DAMAGED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_new_terminal_has_a_private_key_and_asks_for_enrolment),
        TEST(a_creation_that_was_cut_goes_on_with_the_same_key),
        TEST(a_terminal_that_is_not_enrolled_touches_no_card),
        TEST(every_bit_of_a_package_is_looked_at),
        TEST(a_package_for_another_terminal_is_not_taken),
        TEST(an_open_sale_survives_the_terminal),
        TEST(a_full_disk_refuses_before_the_card_is_asked),
        TEST(one_program_at_a_time_has_the_terminal),
        TEST(a_copied_journal_is_in_doubt),
        TEST(a_journal_that_is_put_back_in_place_is_in_doubt),
        TEST(damaged_foreign_and_newer_files_are_refused_and_left_alone),
        TEST(a_journal_of_another_key_is_refused),
        TEST(a_package_of_the_earlier_format_asks_for_a_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
