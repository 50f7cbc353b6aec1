/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways to money without paying, and to a debit without goods, that were found by looking for them:
 * signatures collected beforehand, log lines that no card wrote, sales that somebody heard of
 * already, lines that the log of the source lacked; and a file that waited for a key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "yard.h"

#define INS_METADATA 0x20
#define INS_AUTHENTICATE 0x26
#define INS_LOAD 0x30
#define INS_FINISH_LOAD 0x32
#define INS_PAY 0x42
#define INS_RECEIPT 0x52
#define INS_LOG 0x56

static struct stiver_campus_terminal *pos, *reload;
static struct published_card published;
static struct own_card own;
static struct between between;
static struct stiver_campus_result result;

static int fresh(void **state)
{
    (void)state;
    yard.now = YARD_NOW;
    yard_list((YARD_NOW + 864000ull) * 1000, NULL, 0);
    pos = yard_terminal(STIVER_CAMPUS_POS, "pos");
    reload = yard_terminal(STIVER_CAMPUS_RELOAD, "reload");
    published_make(&published, 100000);
    own_make(&own);
    return 0;
}

static int over(void **state)
{
    (void)state;
    stiver_campus_terminal_close(pos);
    stiver_campus_terminal_close(reload);
    return 0;
}

static enum stiver_terminal_status pay(uint32_t amount)
{
    return stiver_campus_pay(pos, &between.reader, amount, &result);
}

static enum stiver_terminal_status load(uint32_t amount)
{
    return stiver_campus_load(reload, &between.reader, amount, &result);
}

/* At a terminal of the other kind, so that what is open stays so. */
static uint32_t balance_at(struct stiver_campus_terminal *terminal)
{
    struct stiver_campus_purse purse;
    assert_int_equal(stiver_campus_read(terminal, &own.reader, &purse, &result),
                     STIVER_TERMINAL_OK);
    return purse.balance;
}

static void fill(uint32_t amount)
{
    between_put(&between, &own.reader);
    assert_int_equal(load(amount), STIVER_TERMINAL_OK);
}

static uint32_t torn(struct stiver_campus_terminal *terminal, int ins, bool loses_answer,
                     uint32_t amount)
{
    between_tear(&between, &own.reader, ins, loses_answer);
    assert_int_equal(terminal == pos ? pay(amount) : load(amount), STIVER_TERMINAL_UNFINISHED);
    const uint32_t number = yard_last(terminal).number;
    between_put(&between, &own.reader);
    return number;
}

static bool says(const char *part)
{
    char text[256];
    stiver_campus_sentence(&result, text, sizeof text);
    return strstr(text, part) != NULL;
}

/* ---- W10: an S1 for a counter that is still to come ---- */

struct liar {
    uint32_t shift; /* added to the counter that the card names */
    bool collects, uses, hides_log, replays;
    bool has_receipt;
    uint8_t s1[262], receipt[258];
};

static void shift_counter(struct between *b, const uint8_t *command, uint8_t *answer, size_t *bytes)
{
    struct liar *liar = b->context;
    if (command[1] == INS_METADATA && *bytes == 14) {
        struct reader r = reader_of(answer + 8, 4);
        struct writer w = writer_of(answer + 8, 4);
        writer_u32(&w, reader_u32(&r) + liar->shift);
    }
    if (command[1] == INS_PAY && *bytes == 258) {
        memcpy(liar->receipt, answer, 258);
        liar->has_receipt = true;
    }
}

static bool exchange_s1(struct between *b, uint8_t *command, size_t *bytes, uint8_t *answer,
                        size_t *answer_bytes)
{
    struct liar *liar = b->context;
    if (command[1] == INS_AUTHENTICATE && liar->collects) {
        memcpy(liar->s1, command, *bytes);
        memcpy(answer, "\x69\x82", 2);
        *answer_bytes = 2;
        return true;
    }
    if (command[1] == INS_AUTHENTICATE && liar->uses)
        memcpy(command, liar->s1, *bytes);
    if (command[1] == INS_RECEIPT && liar->hides_log) {
        memcpy(answer, "\x6D\x00", 2);
        *answer_bytes = 2;
        return true;
    }
    if (command[1] == INS_PAY && liar->replays && liar->has_receipt) {
        memcpy(answer, liar->receipt, 258);
        *answer_bytes = 258;
        return true;
    }
    return false;
}

static void lie_between(struct liar *liar, uint32_t shift)
{
    between_put(&between, &own.reader);
    liar->shift = shift;
    between.context = liar;
    between.on_answer = shift_counter;
    between.on_command = exchange_s1;
}

/* The card has the load; a counter from before it, believed by means of the S1, would say that it
 * has not, and bring the cash back as well. */
static void w10_an_s1_collected_beforehand_brings_no_cash_back(void **state)
{
    (void)state;
    for (int hides_log = 0; hides_log <= 1; hides_log++) {
        struct liar liar = {.collects = true};
        struct stiver_campus_purse purse;
        const uint32_t before = balance_at(pos);
        lie_between(&liar, 3);
        assert_int_equal(load(700), STIVER_TERMINAL_TERMINAL_REFUSED);
        const uint32_t number = torn(reload, INS_FINISH_LOAD, true, 700);
        liar.collects = false;
        liar.uses = true;
        liar.hides_log = hides_log;
        lie_between(&liar, (uint32_t)-1);
        assert_int_equal(stiver_campus_read(reload, &between.reader, &purse, &result),
                         STIVER_TERMINAL_OK);
        assert_int_equal(purse.balance, before + 700);
        assert_false(says("the holder's"));
        assert_int_equal(yard_entry(reload, number).state,
                         hides_log ? STIVER_TERMINAL_OPEN : STIVER_TERMINAL_FINISHED);
        if (hides_log)
            assert_true(says("Decide"));
    }
}

/* In the same second, or with a clock that was set back, the old receipt is over all the right
 * numbers; only its counter is spent. */
static void w10_a_receipt_is_not_taken_for_a_second_payment(void **state)
{
    (void)state;
    struct liar liar = {.collects = true};
    fill(1000);
    lie_between(&liar, 2);
    assert_int_equal(pay(400), STIVER_TERMINAL_TERMINAL_REFUSED);
    liar.collects = false;
    lie_between(&liar, 0);
    assert_int_equal(pay(400), STIVER_TERMINAL_OK);
    const unsigned count = yard_count(pos);
    liar.uses = liar.replays = true;
    lie_between(&liar, (uint32_t)-2);
    assert_int_equal(pay(400), STIVER_TERMINAL_CARD_UNPROVEN);
    assert_int_equal(between.sent[INS_AUTHENTICATE], 0);
    assert_int_equal(yard_count(pos), count);
    assert_int_equal(balance_at(reload), 600);
}

/* What authorises a load (S3) and what ends it (S5) are alike but for the counter. Two loads that
 * were begun under counters that the card did not have, and given back, leave both. */
static bool keep_load(struct between *b, uint8_t *command, size_t *bytes, uint8_t *answer,
                      size_t *answer_bytes)
{
    struct liar *liar = b->context;
    if (command[1] == INS_AUTHENTICATE)
        memcpy(command, liar->s1, *bytes);
    if (command[1] != INS_LOAD)
        return false;
    memcpy(answer, "\x69\x85", 2);
    *answer_bytes = 2;
    return true;
}

static void send(uint8_t *command, size_t bytes, uint16_t word)
{
    uint8_t answer[258];
    size_t answered = 0;
    assert_int_equal(
        card_reader_transmit(&own.reader, command, bytes, answer, sizeof answer, &answered),
        READER_OK);
    if (word != 0)
        assert_int_equal(answer[answered - 2] << 8 | answer[answered - 1], word);
}

static void w3_two_loads_that_were_given_back_do_not_make_one(void **state)
{
    (void)state;
    struct liar liar = {.collects = true};
    uint8_t s1[3][262], s3[2][262], metadata[262], keys[262], certificate[262], amount[262];
    for (uint32_t i = 0; i < 2; i++) {
        lie_between(&liar, i);
        assert_int_equal(load(700), STIVER_TERMINAL_TERMINAL_REFUSED);
        memcpy(s1[i], liar.s1, sizeof s1[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        lie_between(&liar, 2);
        between.on_command = keep_load;
        memcpy(liar.s1, s1[i], sizeof liar.s1);
        memset(between.last[INS_LOAD], 0, sizeof between.last[INS_LOAD]);
        assert_int_not_equal(load(700), STIVER_TERMINAL_OK);
        assert_int_not_equal(result.status, STIVER_TERMINAL_UNFINISHED);
        memcpy(s3[i], between.last[INS_LOAD], sizeof s3[i]);
        if (i == 0)
            memcpy(s1[2], between.last[INS_AUTHENTICATE], sizeof s1[2]);
    }
    assert_int_equal(s3[0][1], INS_LOAD);
    memcpy(metadata, between.last[INS_METADATA], sizeof metadata);
    memcpy(keys, between.last[0x22], sizeof keys);
    memcpy(certificate, between.last[0x24], sizeof certificate);
    memcpy(amount, "\x00\x28\x00\x00\x04\x00\x00\x02\xBC", 9);
    assert_int_equal(card_reader_reset(&own.reader), READER_OK);
    uint8_t select[] = {0x00, 0xA4, 0x04, 0x00, 0x06, 0x2D, 0x54, 0x45, 0x53, 0x54, 0x70};
    send(select, sizeof select, 0x9000);
    send(metadata, 21, 0x9000);
    send(keys, 261, 0x9000);
    send(certificate, 261, 0x9000);
    send(s1[2], 261, 0);
    send(amount, 9, 0);
    send(s3[0], 261, 0);
    s3[1][1] = INS_FINISH_LOAD;
    send(s3[1], 260, 0);
    assert_int_equal(balance_at(pos), 0);
}

/* Whose LOAD was torn gets his load at the next touch all the same. */
static void a_torn_load_is_made_at_the_next_touch(void **state)
{
    (void)state;
    for (int is_own = 0; is_own <= 1; is_own++)
        for (int loses_answer = 0; loses_answer <= 1; loses_answer++) {
            struct card_reader *card = is_own ? &own.reader : &published.reader;
            const uint32_t before = is_own ? balance_at(pos) : published.balance;
            between_tear(&between, card, INS_LOAD, loses_answer);
            assert_int_equal(load(700), STIVER_TERMINAL_READER);
            between_put(&between, card);
            assert_int_equal(load(700), STIVER_TERMINAL_OK);
            assert_int_equal(is_own ? balance_at(pos) : published.balance, before + 700);
        }
}

/* The honest card that was talked about goes on as ever. */
static void who_lied_about_a_card_s_counter_hinders_nobody(void **state)
{
    (void)state;
    struct liar liar = {.collects = true};
    fill(1000);
    lie_between(&liar, 1000000);
    assert_int_equal(pay(400), STIVER_TERMINAL_TERMINAL_REFUSED);
    lie_between(&liar, 1000000);
    assert_int_equal(load(400), STIVER_TERMINAL_TERMINAL_REFUSED);
    between_put(&between, &own.reader);
    assert_int_equal(pay(400), STIVER_TERMINAL_OK);
    assert_int_equal(load(400), STIVER_TERMINAL_OK);
    assert_int_equal(balance_at(reload), 1000);
}

/* ---- what nobody signed ---- */

static bool forge_log(struct between *b, uint8_t *command, size_t *bytes, uint8_t *answer,
                      size_t *answer_bytes)
{
    (void)bytes;
    if (command[1] != INS_LOG)
        return false;
    campus_entry_encode(b->context, answer);
    memcpy(answer + CAMPUS_ENTRY_BYTES, "\x90\x00", 2);
    *answer_bytes = CAMPUS_ENTRY_BYTES + 2;
    return true;
}

/* PAY never reached the card. Its counter has gone on elsewhere, and whoever stands between shows
 * a line as if it had. */
static void a_log_line_that_nobody_signed_promises_no_money(void **state)
{
    (void)state;
    fill(1000);
    const uint32_t number = torn(pos, INS_PAY, false, 400);
    assert_int_equal(balance_at(reload), 1000);
    const struct stiver_campus_entry entry = yard_entry(pos, number);
    struct campus_entry line = {.kind = CAMPUS_USAGE_POS,
                                .is_done = true,
                                .terminal = POS_ID,
                                .counter = entry.counter,
                                .amount = entry.amount,
                                .time = entry.time,
                                .balance = 600};
    struct stiver_campus_purse purse;
    between_put(&between, &own.reader);
    between.on_command = forge_log;
    between.context = &line;
    assert_int_equal(stiver_campus_read(pos, &between.reader, &purse, &result), STIVER_TERMINAL_OK);
    assert_true(says("the card says"));
    assert_true(says("Decide"));
    assert_false(says("owed"));
}

/* ---- who was told what ---- */

/* The bank has what the till gave, and owes it: the clerk must not pay it out as well. */
static void a_load_that_the_bank_knows_of_is_not_paid_back_by_the_till(void **state)
{
    (void)state;
    struct stiver_terminal_sync sync;
    for (int is_told = 0; is_told <= 1; is_told++) {
        (void)torn(reload, INS_FINISH_LOAD, false, 700);
        memset(&yard_bank, 0, sizeof yard_bank);
        yard_bank.mood = is_told ? BANK_LOSES : BANK_DOWN;
        if (is_told)
            assert_int_not_equal(stiver_campus_synchronise(reload, &yard_link, &sync, NULL),
                                 STIVER_TERMINAL_OK);
        assert_int_equal(load(100), STIVER_TERMINAL_OK);
        assert_int_equal(says("the bank owes it to the holder"), is_told);
        assert_int_equal(says("the cash is the holder's"), !is_told);
    }
    memset(&yard_bank, 0, sizeof yard_bank);
}

/* Goods were given on the word of the reading; the next ones are paid for. */
static void what_was_heard_while_reading_is_no_later_payment(void **state)
{
    (void)state;
    struct stiver_campus_purse purse;
    fill(1000);
    const uint32_t number = torn(pos, INS_PAY, true, 400);
    assert_int_equal(stiver_campus_read(pos, &between.reader, &purse, &result), STIVER_TERMINAL_OK);
    assert_true(says("turned out paid"));
    assert_int_equal(yard_entry(pos, number).state, STIVER_TERMINAL_FINISHED);
    assert_int_equal(pay(400), STIVER_TERMINAL_OK);
    assert_int_equal(balance_at(reload), 200);
}

/* ---- the log of the source ---- */

static unsigned lines_of(uint32_t amount)
{
    static uint8_t file[65536];
    struct campus_log_line line;
    unsigned count = 0;
    struct reader r = reader_of(file, yard_read("pos", "payment_log.csv", file, sizeof file));
    assert_true(campus_log_open(&r));
    while (campus_log_line_read(&r, &line))
        count += line.amount == amount;
    assert_true(reader_done(&r));
    return count;
}

static void a_payment_that_is_found_out_late_stands_in_the_log(void **state)
{
    (void)state;
    fill(1000);
    (void)torn(pos, INS_PAY, true, 401);
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 111, &result), STIVER_TERMINAL_OK);
    assert_int_equal(lines_of(401), 0);
    assert_int_equal(pay(99), STIVER_TERMINAL_OK);
    assert_true(says("turned out paid"));
    yard_again(&pos, "pos");
    assert_int_equal(lines_of(401), 1);
    assert_int_equal(lines_of(111), 1);
    assert_int_equal(lines_of(99), 1);
}

/* Whoever reads the file takes each line for a sale, and the bank pays the merchant for it. */
static void a_sale_that_was_given_up_does_not_stand_in_the_log(void **state)
{
    (void)state;
    fill(1000);
    const uint32_t number = torn(pos, INS_PAY, true, 401);
    assert_int_equal(stiver_campus_give_up(pos, number), STIVER_TERMINAL_OK);
    assert_int_equal(pay(99), STIVER_TERMINAL_OK);
    assert_true(says("owed back"));
    yard_again(&pos, "pos");
    assert_int_equal(lines_of(401), 0);
    assert_int_equal(lines_of(99), 1);
}

/* ---- two at once ---- */

/* The lock went away with its file, and another one opens the directory while LOAD is under way: it
 * ends what seems to be a crash's rest. */
static bool open_another(struct between *b, uint8_t *command, size_t *bytes, uint8_t *answer,
                         size_t *answer_bytes)
{
    struct stiver_campus_terminal **another = b->context;
    (void)bytes;
    (void)answer;
    (void)answer_bytes;
    if (command[1] == INS_LOAD && *another == NULL)
        assert_int_equal(yard_try_open("reload", another), STIVER_TERMINAL_OK);
    return false;
}

static void no_load_is_finished_whose_receipt_is_not_kept(void **state)
{
    (void)state;
    struct stiver_campus_terminal *another = NULL;
    between_put(&between, &own.reader);
    between.on_command = open_another;
    between.context = &another;
    assert_int_not_equal(load(700), STIVER_TERMINAL_OK);
    assert_int_not_equal(result.status, STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(between.sent[INS_FINISH_LOAD], 0);
    stiver_campus_terminal_close(another);
    assert_int_equal(balance_at(pos), 0);
}

/* ---- files ---- */

/* Somebody left a file of his own where the key is written, before it is there. */
static void no_key_is_written_into_a_file_that_was_there(void **state)
{
    (void)state;
    char path[256], waiting[256];
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES];
    struct stat about;
    yard_remove("loose");
    yard_path(path, "loose", "");
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chmod(path, 0777), 0);
    yard_path(waiting, "loose", "pos_private.pem.new");
    FILE *reader = fopen(waiting, "w+");
    assert_non_null(reader);
    assert_int_equal(chmod(waiting, 0666), 0);
    assert_int_equal(stiver_campus_terminal_create(path, STIVER_CAMPUS_POS, request),
                     STIVER_TERMINAL_OK);
    rewind(reader);
    assert_int_equal(fgetc(reader), EOF);
    assert_int_equal(fclose(reader), 0);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    yard_path(path, "loose", "pos_private.pem");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, over)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(w10_an_s1_collected_beforehand_brings_no_cash_back),
        TEST(w10_a_receipt_is_not_taken_for_a_second_payment),
        TEST(w3_two_loads_that_were_given_back_do_not_make_one),
        TEST(a_torn_load_is_made_at_the_next_touch),
        TEST(who_lied_about_a_card_s_counter_hinders_nobody),
        TEST(a_log_line_that_nobody_signed_promises_no_money),
        TEST(a_load_that_the_bank_knows_of_is_not_paid_back_by_the_till),
        TEST(what_was_heard_while_reading_is_no_later_payment),
        TEST(a_payment_that_is_found_out_late_stands_in_the_log),
        TEST(a_sale_that_was_given_up_does_not_stand_in_the_log),
        TEST(no_load_is_finished_whose_receipt_is_not_kept),
        TEST(no_key_is_written_into_a_file_that_was_there),
    };
    return cmocka_run_group_tests(tests, yard_open, yard_close);
}
