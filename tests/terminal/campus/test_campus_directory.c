/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal's directory: made, taken up from the source, enrolled, and each of its files damaged,
 * cut, missing, or another's. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "yard.h"

static struct stiver_campus_terminal *pos;
static struct published_card published;
static struct stiver_campus_result result;

static int fresh(void **state)
{
    (void)state;
    yard.now = YARD_NOW;
    yard_list((YARD_NOW + 864000ull) * 1000, NULL, 0);
    pos = yard_terminal(STIVER_CAMPUS_POS, "pos");
    published_make(&published, 100000);
    return 0;
}

static int over(void **state)
{
    (void)state;
    stiver_campus_terminal_close(pos);
    pos = NULL;
    return 0;
}

static void close_pos(void)
{
    stiver_campus_terminal_close(pos);
    pos = NULL;
}

static void assert_opens(enum stiver_terminal_status expected)
{
    struct stiver_campus_terminal *terminal = NULL;
    assert_int_equal(yard_try_open("pos", &terminal), expected);
    stiver_campus_terminal_close(terminal);
}

static void delete_file(const char *file)
{
    char path[256];
    yard_path(path, "pos", file);
    assert_int_equal(remove(path), 0);
}

/* Where the private exponent stands in a private key's file: a key signs by its parts. */
static bool is_exponent(size_t at)
{
    return at >= 425 && at < 785;
}

/* ---- made ---- */

static void files_are_for_their_owner_alone(void **state)
{
    (void)state;
    static const char *const files[] = {
        "pos_private.pem", "pos_public.pem", "backend_public.pem", "pos_signature", "CRL",
        "campus.db",       "campus.mark",    "payment_log.csv"};
    struct stat about;
    char path[256];
    yard_again(&pos, "pos");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        yard_path(path, "pos", files[i]);
        if (stat(path, &about) != 0)
            fail_msg("%s is missing", files[i]);
        if (i != 0 && (about.st_mode & 0777) != 0600)
            fail_msg("%s has mode %o", files[i], (unsigned)about.st_mode & 0777);
    }
    yard_path(path, "pos", "pos_signature");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 256);
}

static void a_new_terminal_makes_a_key_of_its_own(void **state)
{
    (void)state;
    char path[256];
    struct stat about;
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES], again[STIVER_CAMPUS_REQUEST_BYTES];
    struct stiver_campus_terminal *terminal = NULL;
    struct stiver_campus_info info;
    yard_remove("new");
    yard_path(path, "new", "");
    assert_int_equal(stiver_campus_terminal_create(path, STIVER_CAMPUS_RELOAD, request),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(stiver_campus_terminal_create(path, STIVER_CAMPUS_RELOAD, again),
                     STIVER_TERMINAL_EXISTS);
    assert_int_equal(yard_try_open("new", &terminal), STIVER_TERMINAL_OK);
    stiver_campus_terminal_request(terminal, again);
    assert_memory_equal(request, again, sizeof again);
    assert_int_equal(stiver_campus_terminal_info(terminal, &info), STIVER_TERMINAL_OK);
    assert_false(info.is_enrolled);
    assert_int_equal(info.role, STIVER_CAMPUS_RELOAD);
    assert_int_equal(stiver_campus_load(terminal, &published.reader, 100, &result),
                     STIVER_TERMINAL_NOT_ENROLLED);
    stiver_campus_terminal_close(terminal);
    yard_path(path, "new", "reload_private.pem");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

static void a_directory_that_is_none_is_missing(void **state)
{
    (void)state;
    struct stiver_campus_terminal *terminal = NULL;
    assert_int_equal(yard_try_open("nowhere", &terminal), STIVER_TERMINAL_MISSING);
    assert_null(terminal);
}

/* ---- taken up ---- */

/* As the published programs leave it: no journal. */
static void make_source(void)
{
    close_pos();
    delete_file("campus.db");
    delete_file("campus.mark");
    yard_write("pos", "payment_log.csv", campus_log_header, strlen(campus_log_header));
}

static enum stiver_terminal_status take_up(uint32_t id, uint32_t end)
{
    char path[256];
    yard_path(path, "pos", "");
    return stiver_campus_terminal_take_up(path, STIVER_CAMPUS_POS, id, end);
}

static void a_directory_of_the_source_is_taken_up_as_it_is(void **state)
{
    (void)state;
    struct stiver_campus_info info;
    make_source();
    assert_int_equal(take_up(POS_ID + 1, YARD_END), STIVER_TERMINAL_KEY_DAMAGED);
    assert_int_equal(take_up(POS_ID, YARD_END + 1), STIVER_TERMINAL_KEY_DAMAGED);
    assert_int_equal(take_up(POS_ID, YARD_END), STIVER_TERMINAL_OK);
    assert_int_equal(take_up(POS_ID, YARD_END), STIVER_TERMINAL_EXISTS);
    assert_int_equal(yard_try_open("pos", &pos), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_terminal_info(pos, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.id, POS_ID);
    assert_int_equal(info.certificate_end, YARD_END);
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 100, &result), STIVER_TERMINAL_OK);
}

static void nothing_is_taken_up_that_does_not_belong_together(void **state)
{
    (void)state;
    static const char *const files[] = {"pos_private.pem", "pos_public.pem", "backend_public.pem",
                                        "pos_signature", "CRL"};
    uint8_t good[4096], bad[4096];
    make_source();
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        size_t bytes = yard_read("pos", files[i], good, sizeof good);
        for (size_t at = 0; at < bytes; at += 97) {
            memcpy(bad, good, bytes);
            bad[at] ^= 0x02;
            yard_write("pos", files[i], bad, bytes);
            /* Neither the label is looked at nor the private exponent: what signs are its parts. */
            bool is_label = bytes > 1000 && (at < 32 || is_exponent(at));
            if (!is_label && take_up(POS_ID, YARD_END) == STIVER_TERMINAL_OK)
                fail_msg("%s with byte %zu changed was taken up", files[i], at);
            if (is_label)
                continue;
            yard_write("pos", files[i], good, at);
            if (take_up(POS_ID, YARD_END) == STIVER_TERMINAL_OK)
                fail_msg("%zu bytes of %s were taken up", at, files[i]);
        }
        delete_file(files[i]);
        if (i < 4) /* without a list it is taken up, and meets no card */
            assert_int_equal(take_up(POS_ID, YARD_END), STIVER_TERMINAL_MISSING);
        yard_write("pos", files[i], good, bytes);
    }
    assert_int_equal(take_up(POS_ID, YARD_END), STIVER_TERMINAL_OK);
}

/* ---- opened ---- */

static void a_private_key_that_is_damaged_missing_or_another_s_opens_nothing(void **state)
{
    (void)state;
    uint8_t good[4096], bad[4096];
    size_t bytes = yard_read("pos", "pos_private.pem", good, sizeof good);
    close_pos();
    for (size_t at = 40; at < bytes; at += 61) {
        memcpy(bad, good, bytes);
        bad[at] ^= 0x01;
        yard_write("pos", "pos_private.pem", bad, bytes);
        if (!is_exponent(at))
            assert_opens(STIVER_TERMINAL_KEY_DAMAGED);
        yard_write("pos", "pos_private.pem", good, at);
        assert_opens(STIVER_TERMINAL_KEY_DAMAGED);
    }
    delete_file("pos_private.pem");
    assert_opens(STIVER_TERMINAL_KEY_DAMAGED);
    struct stiver_campus_terminal *reload = yard_terminal(STIVER_CAMPUS_RELOAD, "reload");
    stiver_campus_terminal_close(reload);
    size_t other = yard_read("reload", "reload_private.pem", bad, sizeof bad);
    yard_write("pos", "pos_private.pem", bad, other);
    assert_opens(STIVER_TERMINAL_KEY_DAMAGED);
    yard_write("pos", "pos_private.pem", good, bytes);
    assert_opens(STIVER_TERMINAL_OK);
}

static void public_files_come_back_from_the_journal_and_foreign_ones_stop_it(void **state)
{
    (void)state;
    static const char *const files[] = {"pos_public.pem", "backend_public.pem", "pos_signature"};
    uint8_t good[4096], back[4096];
    close_pos();
    for (size_t i = 0; i < 3; i++) {
        size_t bytes = yard_read("pos", files[i], good, sizeof good);
        delete_file(files[i]);
        assert_opens(STIVER_TERMINAL_OK);
        assert_int_equal(yard_read("pos", files[i], back, sizeof back), bytes);
        assert_memory_equal(back, good, bytes);
        memcpy(back, good, bytes);
        back[bytes / 2] ^= 1;
        yard_write("pos", files[i], back, bytes);
        assert_opens(i == 2 ? STIVER_TERMINAL_OK : STIVER_TERMINAL_KEY_DAMAGED);
        yard_write("pos", files[i], good, bytes);
    }
}

static void a_list_that_is_damaged_is_told_at_opening(void **state)
{
    (void)state;
    close_pos();
    yard.list[3] ^= 1;
    yard_write("pos", "CRL", yard.list, yard.list_bytes);
    assert_opens(STIVER_TERMINAL_LIST_FORGED);
    yard_write("pos", "CRL", yard.list, 100);
    assert_opens(STIVER_TERMINAL_LIST_FORGED);
    delete_file("CRL"); /* then the bank can give one */
    assert_opens(STIVER_TERMINAL_OK);
}

static void a_journal_that_is_damaged_cut_or_foreign_opens_nothing(void **state)
{
    (void)state;
    static uint8_t good[1 << 20];
    close_pos();
    size_t bytes = yard_read("pos", "campus.db", good, sizeof good);
    yard_write("pos", "campus.db", "not a database, but long enough to look at as one", 49);
    assert_opens(STIVER_TERMINAL_JOURNAL_FOREIGN);
    yard_write("pos", "campus.db", good, bytes / 2);
    struct stiver_campus_terminal *terminal = NULL;
    assert_int_not_equal(yard_try_open("pos", &terminal), STIVER_TERMINAL_OK);
    delete_file("campus.db");
    assert_opens(STIVER_TERMINAL_MISSING);
    yard_write("pos", "campus.db", good, bytes);
    assert_opens(STIVER_TERMINAL_OK);
}

/* Made, marked, and cut before anything was written: SQLite's file is empty. */
static void a_creation_that_was_cut_can_be_begun_again(void **state)
{
    (void)state;
    char path[256];
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES];
    struct stiver_campus_terminal *terminal = NULL;
    close_pos();
    yard_path(path, "pos", "");
    yard_write("pos", "campus.db", "", 0);
    assert_opens(STIVER_TERMINAL_JOURNAL_FOREIGN);
    assert_int_equal(stiver_campus_terminal_create(path, STIVER_CAMPUS_POS, request),
                     STIVER_TERMINAL_OK);
    assert_int_equal(yard_try_open("pos", &terminal), STIVER_TERMINAL_OK);
    stiver_campus_terminal_close(terminal);
    yard_write("pos", "campus.db", "not a database, but long enough to look at as one", 49);
    assert_int_equal(stiver_campus_terminal_create(path, STIVER_CAMPUS_POS, request),
                     STIVER_TERMINAL_JOURNAL_FOREIGN);
}

static void another_program_cannot_use_the_same_counter(void **state)
{
    (void)state;
    int ended = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct stiver_campus_terminal *terminal = NULL;
        _exit(yard_try_open("pos", &terminal) == STIVER_TERMINAL_JOURNAL_BUSY ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
}

/* A counter from 2^30 on could be a date: the terminal ends before. The mark is put where years of
 * talks would have brought it; the last one is more than a mark may say. */
static void a_terminal_whose_counter_is_used_up_meets_no_card(void **state)
{
    (void)state;
    static const char *const marks[] = {"1073741822\n", "1073741823\n", "4294967295\n"};
    struct stiver_campus_info info;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        close_pos();
        yard_write("pos", "campus.mark", (const uint8_t *)marks[i], strlen(marks[i]));
        assert_int_equal(yard_try_open("pos", &pos), STIVER_TERMINAL_OK);
        if (i == 0) /* one is left */
            assert_int_equal(stiver_campus_pay(pos, &published.reader, 100, &result),
                             STIVER_TERMINAL_OK);
        const uint32_t held = published.balance;
        for (int again = 0; again < 2; again++)
            assert_int_equal(stiver_campus_pay(pos, &published.reader, 100, &result),
                             STIVER_TERMINAL_NUMBERS_USED_UP);
        assert_int_equal(published.balance, held);
        assert_int_equal(stiver_campus_terminal_info(pos, &info), STIVER_TERMINAL_OK);
        assert_int_equal(info.counter, CAMPUS_COUNTER_MAX);
        assert_int_equal(yard_count(pos), 1);
    }
}

/* ---- the log of the source ---- */

static unsigned lines(uint32_t *last_amount)
{
    static uint8_t file[65536];
    struct campus_log_line line;
    unsigned count = 0;
    struct reader r = reader_of(file, yard_read("pos", "payment_log.csv", file, sizeof file));
    assert_true(campus_log_open(&r));
    while (campus_log_line_read(&r, &line)) {
        count++;
        *last_amount = line.amount;
    }
    assert_true(reader_done(&r));
    return count;
}

static void a_torn_log_is_mended_from_the_journal(void **state)
{
    (void)state;
    static uint8_t file[65536];
    uint32_t amount = 0;
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(stiver_campus_pay(pos, &published.reader, i, &result), STIVER_TERMINAL_OK);
    assert_int_equal(lines(&amount), 3);
    size_t bytes = yard_read("pos", "payment_log.csv", file, sizeof file);
    const size_t second = bytes - 1100; /* inside the last line but its end */
    for (size_t cut = second; cut < bytes; cut += 53) {
        close_pos();
        yard_write("pos", "payment_log.csv", file, cut);
        assert_int_equal(yard_try_open("pos", &pos), STIVER_TERMINAL_OK);
        assert_int_equal(lines(&amount), 3);
        assert_int_equal(amount, 3);
    }
    for (size_t cut = 0; cut < strlen(campus_log_header); cut += 13) {
        close_pos();
        yard_write("pos", "payment_log.csv", file, cut);
        assert_int_equal(yard_try_open("pos", &pos), STIVER_TERMINAL_OK);
        (void)lines(&amount);
    }
}

static void a_log_that_was_carried_away_begins_anew(void **state)
{
    (void)state;
    uint32_t amount = 0;
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 1, &result), STIVER_TERMINAL_OK);
    delete_file("payment_log.csv");
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 2, &result), STIVER_TERMINAL_OK);
    assert_int_equal(lines(&amount), 1);
    assert_int_equal(amount, 2);
}

static void a_file_that_is_not_the_source_s_log_is_left_alone(void **state)
{
    (void)state;
    uint8_t back[64];
    close_pos();
    yard_write("pos", "payment_log.csv", "shopping list\nmilk\n", 19);
    assert_opens(STIVER_TERMINAL_JOURNAL_FOREIGN);
    assert_int_equal(yard_read("pos", "payment_log.csv", back, sizeof back), 19);
    assert_memory_equal(back, "shopping list\nmilk\n", 19);
}

static void a_log_that_cannot_be_written_does_not_undo_a_payment(void **state)
{
    (void)state;
    char path[256];
    uint32_t amount = 0;
    delete_file("payment_log.csv");
    yard_path(path, "pos", "payment_log.csv");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 5, &result), STIVER_TERMINAL_OK);
    assert_int_equal(rmdir(path), 0);
    yard_again(&pos, "pos");
    assert_int_equal(lines(&amount), 1);
    assert_int_equal(amount, 5);
}

/* A file that may not grow is what a full disk is to the journal. */
static void a_full_disk_is_noticed_before_the_card_is_asked(void **state)
{
    (void)state;
    struct between between;
    struct rlimit before, none;
    between_put(&between, &published.reader);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    enum stiver_terminal_status status = stiver_campus_pay(pos, &between.reader, 100, &result);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(status == STIVER_TERMINAL_JOURNAL_FULL || status == STIVER_TERMINAL_JOURNAL_IO);
    assert_int_equal(between.sent[0xA4], 0);
    assert_int_equal(stiver_campus_pay(pos, &between.reader, 100, &result), STIVER_TERMINAL_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, over)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_for_their_owner_alone),
        TEST(a_new_terminal_makes_a_key_of_its_own),
        TEST(a_directory_that_is_none_is_missing),
        TEST(a_directory_of_the_source_is_taken_up_as_it_is),
        TEST(nothing_is_taken_up_that_does_not_belong_together),
        TEST(a_private_key_that_is_damaged_missing_or_another_s_opens_nothing),
        TEST(public_files_come_back_from_the_journal_and_foreign_ones_stop_it),
        TEST(a_list_that_is_damaged_is_told_at_opening),
        TEST(a_journal_that_is_damaged_cut_or_foreign_opens_nothing),
        TEST(a_creation_that_was_cut_can_be_begun_again),
        TEST(another_program_cannot_use_the_same_counter),
        TEST(a_terminal_whose_counter_is_used_up_meets_no_card),
        TEST(a_torn_log_is_mended_from_the_journal),
        TEST(a_log_that_was_carried_away_begins_anew),
        TEST(a_file_that_is_not_the_source_s_log_is_left_alone),
        TEST(a_full_disk_is_noticed_before_the_card_is_asked),
        TEST(a_log_that_cannot_be_written_does_not_undo_a_payment),
    };
    return cmocka_run_group_tests(tests, yard_open, yard_close);
}
