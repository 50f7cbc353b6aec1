/* SPDX-License-Identifier: Apache-2.0 */
/* Payments and loads with our card and with a published one; each torn at each message, and what
 * the next talk finds out. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "yard.h"

static struct stiver_campus_terminal *pos, *reload;
static struct published_card published;
static struct own_card own;
static struct between between;
static struct stiver_campus_result result;

/* Terminals and cards of its own for each test. */
static int fresh(void **state)
{
    (void)state;
    yard.now = YARD_NOW;
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

/* Who plays the card. */
static struct card_reader *reader_of_kind(bool is_own)
{
    return is_own ? &own.reader : &published.reader;
}

static enum stiver_terminal_status pay(bool is_own, uint32_t amount)
{
    between_put(&between, reader_of_kind(is_own));
    return stiver_campus_pay(pos, &between.reader, amount, &result);
}

static enum stiver_terminal_status load(bool is_own, uint32_t amount)
{
    between_put(&between, reader_of_kind(is_own));
    return stiver_campus_load(reload, &between.reader, amount, &result);
}

static uint32_t balance_of(bool is_own)
{
    struct stiver_campus_purse purse;
    if (!is_own)
        return published.balance;
    assert_int_equal(stiver_campus_read(pos, &own.reader, &purse, &result), STIVER_TERMINAL_OK);
    assert_true(purse.has_balance);
    return purse.balance;
}

static void assert_sentence(const char *part)
{
    char text[256];
    stiver_campus_sentence(&result, text, sizeof text);
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* ---- honest ---- */

static void a_load_and_a_payment_move_the_money(void **state)
{
    (void)state;
    for (int is_own = 0; is_own <= 1; is_own++) {
        uint32_t before = is_own ? 0 : 100000;
        assert_int_equal(load(is_own, 2000), STIVER_TERMINAL_OK);
        assert_true(result.has_receipt && result.has_card);
        assert_int_equal(result.card, is_own ? OWN_CARD_ID : CARD_ID);
        assert_int_equal(yard_last(reload).state, STIVER_TERMINAL_FINISHED);
        assert_true(yard_last(reload).is_load);
        assert_int_equal(balance_of(is_own), before + 2000);
        assert_int_equal(pay(is_own, 250), STIVER_TERMINAL_OK);
        assert_sentence("Done.");
        const uint32_t counter = result.counter;
        assert_int_equal(balance_of(is_own), before + 1750);
        const struct stiver_campus_entry entry = yard_last(pos);
        assert_int_equal(entry.state, STIVER_TERMINAL_FINISHED);
        assert_int_equal(entry.amount, 250);
        assert_int_equal(entry.time, YARD_NOW);
        assert_int_equal(entry.counter, counter);
    }
}

static void a_payment_sends_seven_commands_and_no_more(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0xA4, 0x20, 0x22, 0x24, 0x26, 0x28, 0x42};
    unsigned all = 0;
    assert_int_equal(pay(false, 250), STIVER_TERMINAL_OK);
    for (size_t i = 0; i < sizeof expected; i++)
        assert_int_equal(between.sent[expected[i]], 1);
    for (size_t i = 0; i < 256; i++)
        all += between.sent[i];
    assert_int_equal(all, 7);
    /* EXCHANGE METADATA is 21 bytes, without Le, and says our clock and a new counter. */
    assert_memory_equal(between.last[0x20], "\x00\x20\x00\x00\x10\x00\x00\x09\x29\x64\x9F\x6C\x80",
                        13);
    assert_memory_equal(between.last[0x20] + 17, "\x64\x98\x00\x00", 4);
}

static void the_log_of_the_source_is_written(void **state)
{
    (void)state;
    static uint8_t file[65536];
    struct campus_log_line line = {0};
    assert_int_equal(pay(false, 333), STIVER_TERMINAL_OK);
    struct reader r = reader_of(file, yard_read("pos", "payment_log.csv", file, sizeof file));
    assert_true(campus_log_open(&r));
    while (campus_log_line_read(&r, &line))
        continue;
    assert_true(reader_done(&r));
    assert_int_equal(line.amount, 333);
    assert_int_equal(line.card, CARD_ID);
    assert_int_equal(line.counter, result.counter);
    assert_int_equal(line.terminal_usage, CAMPUS_USAGE_POS);
    assert_memory_equal(line.receipt, result.receipt, 256);
    assert_memory_equal(line.card_modulus, published.key.modulus, 256);
    assert_memory_equal(line.card_certificate, published.certificate, 256);
}

static void our_card_tells_its_log_and_a_published_one_does_not(void **state)
{
    (void)state;
    struct stiver_campus_purse purse;
    assert_int_equal(load(true, 500), STIVER_TERMINAL_OK);
    assert_int_equal(pay(true, 200), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_read(reload, &own.reader, &purse, &result), STIVER_TERMINAL_OK);
    assert_int_equal(purse.count, 2);
    assert_int_equal(purse.balance, 300);
    assert_int_equal(purse.card, OWN_CARD_ID);
    assert_false(purse.log[0].is_load);
    assert_true(purse.log[1].is_load && purse.log[1].is_done);
    assert_int_equal(purse.log[1].terminal, RELOAD_ID);
    assert_int_equal(stiver_campus_read(pos, &published.reader, &purse, &result),
                     STIVER_TERMINAL_OK);
    assert_false(purse.has_balance);
    assert_int_equal(purse.count, 0);
    assert_int_equal(purse.card_end, CARD_END);
}

/* ---- amounts ---- */

static void amounts_at_their_ends(void **state)
{
    (void)state;
    unsigned count = yard_count(pos);
    assert_int_equal(pay(false, 0), STIVER_TERMINAL_AMOUNT_ZERO);
    assert_int_equal(load(true, 0), STIVER_TERMINAL_AMOUNT_ZERO);
    assert_int_equal(pay(false, 0x80000000u), STIVER_TERMINAL_AMOUNT_LIMIT);
    assert_int_equal(pay(false, UINT32_MAX), STIVER_TERMINAL_AMOUNT_LIMIT);
    assert_int_equal(between.sent[0xA4], 0);
    /* From 2^30 on an amount could be the date of another card's S1. */
    assert_int_equal(pay(false, 0x40000000u), STIVER_TERMINAL_AMOUNT_LIMIT);
    assert_int_equal(between.sent[0x26], 0); /* nothing was signed */
    assert_int_equal(yard_count(pos), count);
    assert_int_equal(load(true, 0x40000000u), STIVER_TERMINAL_OK);
    assert_int_equal(load(true, 0x7FFFFFFFu), STIVER_TERMINAL_OK);
    assert_int_equal(pay(true, 0x7FFFFFFFu), STIVER_TERMINAL_OK);
    assert_int_equal(balance_of(true), 0x40000000u);
}

static void amounts_around_each_16_bit_boundary(void **state)
{
    (void)state;
    static const uint32_t amounts[] = {1, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x10000, 0x18000};
    for (int is_own = 0; is_own <= 1; is_own++) {
        assert_int_equal(load(is_own, 0x800000), STIVER_TERMINAL_OK);
        uint32_t expected = balance_of(is_own);
        for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
            assert_int_equal(pay(is_own, amounts[i]), STIVER_TERMINAL_OK);
            expected -= amounts[i];
            assert_int_equal(balance_of(is_own), expected);
        }
    }
}

static void not_enough_money_is_said_as_truly_as_the_card_allows(void **state)
{
    (void)state;
    assert_int_equal(load(true, 120), STIVER_TERMINAL_OK);
    assert_int_equal(pay(true, 121), STIVER_TERMINAL_BALANCE);
    assert_true(result.has_balance);
    assert_sentence("not enough money, 1.20 left");
    assert_int_equal(result.word, 0x6985);
    assert_string_equal(result.command, "PAY");
    assert_int_equal(yard_last(pos).state, STIVER_TERMINAL_REJECTED);
    assert_int_equal(pay(false, 100001), STIVER_TERMINAL_BALANCE);
    assert_false(result.has_balance);
    assert_sentence("not enough money, or it has come to its end");
    assert_int_equal(published.balance, 100000);
}

static void a_load_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_int_equal(load(true, 0x7FFFFFFFu), STIVER_TERMINAL_OK);
    assert_int_equal(load(true, 0x7FFFFFFFu), STIVER_TERMINAL_OK);
    assert_int_equal(load(true, 2), STIVER_TERMINAL_BALANCE_LIMIT);
    assert_int_equal(balance_of(true), 0xFFFFFFFEu);
    assert_int_equal(yard_last(reload).state, STIVER_TERMINAL_REJECTED);
}

/* ---- tears ---- */

/* Before the money command: nothing is in the journal, and the next payment is an ordinary one. */
static void a_tear_before_the_money_moves_nothing(void **state)
{
    (void)state;
    static const int ins[] = {0xA4, 0x20, 0x22, 0x24, 0x26, 0x28};
    for (int is_own = 0; is_own <= 1; is_own++) {
        assert_int_equal(load(is_own, 10000), STIVER_TERMINAL_OK);
        uint32_t before = balance_of(is_own);
        for (size_t i = 0; i < sizeof ins / sizeof ins[0]; i++)
            for (int loses_answer = 0; loses_answer <= 1; loses_answer++) {
                unsigned count = yard_count(pos);
                between_tear(&between, reader_of_kind(is_own), ins[i], loses_answer);
                assert_int_equal(stiver_campus_pay(pos, &between.reader, 100, &result),
                                 STIVER_TERMINAL_READER);
                assert_int_equal(yard_count(pos), count);
                assert_int_equal(balance_of(is_own), before);
            }
        assert_int_equal(pay(is_own, 100), STIVER_TERMINAL_OK);
        assert_string_equal(result.detail, "");
    }
}

static void a_lost_pay_command_was_not_paid_with_either_card(void **state)
{
    (void)state;
    for (int is_own = 0; is_own <= 1; is_own++) {
        assert_int_equal(load(is_own, 1000), STIVER_TERMINAL_OK);
        uint32_t before = balance_of(is_own);
        between_tear(&between, reader_of_kind(is_own), 0x42, false);
        assert_int_equal(stiver_campus_pay(pos, &between.reader, 400, &result),
                         STIVER_TERMINAL_UNFINISHED);
        const uint32_t number = yard_last(pos).number;
        assert_int_equal(yard_entry(pos, number).state, STIVER_TERMINAL_OPEN);
        assert_int_equal(pay(is_own, 400), STIVER_TERMINAL_OK);
        assert_int_equal(between.sent[0x52], 0); /* the counter said it */
        assert_int_equal(yard_entry(pos, number).state, STIVER_TERMINAL_ABANDONED);
        assert_int_equal(balance_of(is_own), before - 400);
    }
}

static void a_lost_pay_answer_is_found_paid_and_claimed_once(void **state)
{
    (void)state;
    assert_int_equal(load(true, 1000), STIVER_TERMINAL_OK);
    between_tear(&between, &own.reader, 0x42, true);
    assert_int_equal(stiver_campus_pay(pos, &between.reader, 400, &result),
                     STIVER_TERMINAL_UNFINISHED);
    const uint32_t number = yard_last(pos).number;
    yard_again(&pos, "pos");
    yard.now += 60;
    assert_int_equal(pay(true, 400), STIVER_TERMINAL_FINISHED_EARLIER);
    assert_sentence("4.00 is done");
    assert_true(result.has_receipt);
    assert_int_equal(result.time, YARD_NOW);
    assert_int_equal(between.sent[0x42], 0);
    assert_int_equal(yard_entry(pos, number).state, STIVER_TERMINAL_FINISHED);
    assert_true(yard_entry(pos, number).is_recovered);
    assert_int_equal(balance_of(true), 600);
    assert_int_equal(pay(true, 400), STIVER_TERMINAL_OK); /* another one */
    assert_int_equal(balance_of(true), 200);
}

static void an_earlier_payment_of_another_amount_or_long_ago_is_not_this_one(void **state)
{
    (void)state;
    assert_int_equal(load(true, 1000), STIVER_TERMINAL_OK);
    between_tear(&between, &own.reader, 0x42, true);
    assert_int_equal(stiver_campus_pay(pos, &between.reader, 400, &result),
                     STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(pay(true, 100), STIVER_TERMINAL_OK);
    assert_sentence("An earlier payment of 4.00");
    assert_sentence("turned out paid");
    yard.now += 901;
    assert_int_equal(pay(true, 400), STIVER_TERMINAL_OK);
    assert_int_equal(balance_of(true), 100);
}

static void a_published_card_cannot_tell_so_the_payment_stays_open_and_is_told(void **state)
{
    (void)state;
    between_tear(&between, &published.reader, 0x42, true);
    assert_int_equal(stiver_campus_pay(pos, &between.reader, 400, &result),
                     STIVER_TERMINAL_UNFINISHED);
    const uint32_t number = yard_last(pos).number;
    assert_int_equal(published.balance, 99600);
    assert_int_equal(pay(false, 300), STIVER_TERMINAL_OK);
    assert_int_equal(between.sent[0x52], 1); /* 6D00 */
    assert_sentence("this card cannot tell");
    assert_int_equal(yard_entry(pos, number).state, STIVER_TERMINAL_OPEN);
    assert_int_equal(stiver_campus_give_up(pos, number), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_give_up(pos, number), STIVER_TERMINAL_UNKNOWN_NUMBER);
    assert_int_equal(yard_entry(pos, number).state, STIVER_TERMINAL_ABANDONED);
    assert_int_equal(pay(false, 300), STIVER_TERMINAL_OK);
    assert_int_equal(pay(false, 300), STIVER_TERMINAL_OK);
    assert_string_equal(result.detail, "");
}

/* Another terminal's payment took the place of the signature. */
static void a_payment_whose_signature_is_gone_is_owed_to_the_holder(void **state)
{
    (void)state;
    assert_int_equal(load(true, 1000), STIVER_TERMINAL_OK);
    between_tear(&between, &own.reader, 0x42, true);
    assert_int_equal(stiver_campus_pay(pos, &between.reader, 400, &result),
                     STIVER_TERMINAL_UNFINISHED);
    const uint32_t number = yard_last(pos).number;
    assert_int_equal(load(true, 50), STIVER_TERMINAL_OK);
    assert_int_equal(pay(true, 100), STIVER_TERMINAL_OK);
    assert_sentence("its receipt is gone");
    const struct stiver_campus_entry entry = yard_entry(pos, number);
    assert_int_equal(entry.state, STIVER_TERMINAL_ABANDONED);
    assert_true(entry.is_lost);
}

static void a_given_up_payment_that_turns_up_is_kept_for_the_holder(void **state)
{
    (void)state;
    struct stiver_terminal_sync sync;
    assert_int_equal(load(true, 1000), STIVER_TERMINAL_OK);
    between_tear(&between, &own.reader, 0x42, true);
    assert_int_equal(stiver_campus_pay(pos, &between.reader, 401, &result),
                     STIVER_TERMINAL_UNFINISHED);
    const uint32_t number = yard_last(pos).number;
    assert_int_equal(stiver_campus_give_up(pos, number), STIVER_TERMINAL_OK);
    assert_int_equal(pay(true, 100), STIVER_TERMINAL_OK);
    assert_sentence("owed back");
    assert_int_equal(yard_entry(pos, number).state, STIVER_TERMINAL_ABANDONED);
    memset(&yard_bank, 0, sizeof yard_bank);
    assert_int_equal(stiver_campus_synchronise(pos, &yard_link, &sync, NULL), STIVER_TERMINAL_OK);
    bool is_told = false;
    for (size_t i = 0; i < yard_bank.count; i++)
        if (yard_bank.uploads[i].is.receipt.receipt.amount == 401) {
            is_told = true;
            assert_int_equal(yard_bank.uploads[i].is.receipt.outcome, CAMPUS_OUTCOME_NOT_DONE);
        }
    assert_true(is_told);
}

/* ---- torn loads ---- */

static void a_load_torn_before_its_last_command_is_not_loaded(void **state)
{
    (void)state;
    static const int ins[] = {0x28, 0x30};
    for (int is_own = 0; is_own <= 1; is_own++)
        for (size_t i = 0; i < 2; i++)
            for (int loses_answer = 0; loses_answer <= 1; loses_answer++) {
                uint32_t before = balance_of(is_own);
                between_tear(&between, reader_of_kind(is_own), ins[i], loses_answer);
                assert_int_equal(stiver_campus_load(reload, &between.reader, 700, &result),
                                 STIVER_TERMINAL_READER);
                assert_int_equal(balance_of(is_own), before);
                assert_int_not_equal(yard_count(reload) == 0 ? STIVER_TERMINAL_ABANDONED
                                                             : yard_last(reload).state,
                                     STIVER_TERMINAL_OPEN);
            }
}

static void a_lost_finish_command_was_not_credited_with_either_card(void **state)
{
    (void)state;
    for (int is_own = 0; is_own <= 1; is_own++) {
        uint32_t before = balance_of(is_own);
        between_tear(&between, reader_of_kind(is_own), 0x32, false);
        assert_int_equal(stiver_campus_load(reload, &between.reader, 700, &result),
                         STIVER_TERMINAL_UNFINISHED);
        const uint32_t number = yard_last(reload).number;
        assert_int_equal(load(is_own, 200), STIVER_TERMINAL_OK);
        assert_sentence("was not credited");
        assert_int_equal(yard_entry(reload, number).state, STIVER_TERMINAL_ABANDONED);
        assert_int_equal(balance_of(is_own), before + 200);
    }
}

static void a_lost_finish_answer_is_found_credited(void **state)
{
    (void)state;
    between_tear(&between, &own.reader, 0x32, true);
    assert_int_equal(stiver_campus_load(reload, &between.reader, 700, &result),
                     STIVER_TERMINAL_UNFINISHED);
    const uint32_t number = yard_last(reload).number;
    yard_again(&reload, "reload");
    assert_int_equal(load(true, 700), STIVER_TERMINAL_FINISHED_EARLIER);
    assert_int_equal(yard_entry(reload, number).state, STIVER_TERMINAL_FINISHED);
    assert_int_equal(balance_of(true), 700);
    /* A published card cannot tell. */
    between_tear(&between, &published.reader, 0x32, true);
    assert_int_equal(stiver_campus_load(reload, &between.reader, 700, &result),
                     STIVER_TERMINAL_UNFINISHED);
    const uint32_t open = yard_last(reload).number;
    assert_int_equal(load(false, 200), STIVER_TERMINAL_OK);
    assert_sentence("may have been credited");
    assert_int_equal(yard_entry(reload, open).state, STIVER_TERMINAL_OPEN);
    assert_int_equal(stiver_campus_give_up(reload, open), STIVER_TERMINAL_OK);
}

/* The card's log alone says that the load did not happen, after its counter went on: cash does not
 * go back for an unsigned word. */
static void that_a_load_was_not_made_is_believed_on_the_counter_s_word_alone(void **state)
{
    (void)state;
    between_tear(&between, &own.reader, 0x32, false);
    assert_int_equal(stiver_campus_load(reload, &between.reader, 700, &result),
                     STIVER_TERMINAL_UNFINISHED);
    const uint32_t number = yard_last(reload).number;
    assert_int_equal(balance_of(true), 0); /* a talk with another terminal: the counter goes on */
    assert_int_equal(load(true, 200), STIVER_TERMINAL_OK);
    assert_sentence("proves it not");
    assert_int_equal(yard_entry(reload, number).state, STIVER_TERMINAL_OPEN);
}

static void a_tear_while_finding_out_leaves_it_open(void **state)
{
    (void)state;
    static const int ins[] = {0x52, 0x56};
    assert_int_equal(load(true, 1000), STIVER_TERMINAL_OK);
    between_tear(&between, &own.reader, 0x42, true);
    assert_int_equal(stiver_campus_pay(pos, &between.reader, 400, &result),
                     STIVER_TERMINAL_UNFINISHED);
    const uint32_t number = yard_last(pos).number;
    for (size_t i = 0; i < 2; i++)
        for (int loses_answer = 0; loses_answer <= 1; loses_answer++) {
            between_tear(&between, &own.reader, ins[i], loses_answer);
            assert_int_equal(stiver_campus_pay(pos, &between.reader, 400, &result),
                             STIVER_TERMINAL_READER);
            assert_int_equal(yard_entry(pos, number).state, STIVER_TERMINAL_OPEN);
        }
    assert_int_equal(pay(true, 400), STIVER_TERMINAL_FINISHED_EARLIER);
}

/* ---- the card's ends ---- */

static void a_card_over_blocked_or_of_another_kind_is_told_apart(void **state)
{
    (void)state;
    published.is_blocked = true;
    assert_int_equal(pay(false, 100), STIVER_TERMINAL_CARD_BLOCKED);
    published_make(&published, 1000);
    own_blank(&own, false); /* a purse alone */
    assert_int_equal(pay(true, 100), STIVER_TERMINAL_NOT_THIS_KIND);
    own_blank(&own, true); /* not personalised */
    assert_int_equal(pay(true, 100), STIVER_TERMINAL_TERMINAL_REFUSED);
    assert_sentence("not personalised");
}

static void counters_at_their_ends(void **state)
{
    (void)state;
    published.counter = CAMPUS_COUNTER_MAX - 2; /* answers one more */
    assert_int_equal(pay(false, 100), STIVER_TERMINAL_OK);
    published.counter = CAMPUS_COUNTER_MAX - 1;
    assert_int_equal(pay(false, 100), STIVER_TERMINAL_EXHAUSTED);
    published.counter = CAMPUS_COUNTER_MAX - 2;
    assert_int_equal(load(false, 100), STIVER_TERMINAL_EXHAUSTED);
    published.counter = 0x80000000u;
    assert_int_equal(pay(false, 100), STIVER_TERMINAL_EXHAUSTED);
    published.counter = UINT32_MAX;
    assert_int_equal(pay(false, 100), STIVER_TERMINAL_CARD_ANSWER);
    assert_int_equal(between.sent[0x26], 0);
}

static void terminals_of_the_other_kind_do_the_other_thing(void **state)
{
    (void)state;
    between_put(&between, &published.reader);
    assert_int_equal(stiver_campus_pay(reload, &between.reader, 100, &result),
                     STIVER_TERMINAL_ROLE);
    assert_int_equal(stiver_campus_load(pos, &between.reader, 100, &result), STIVER_TERMINAL_ROLE);
    assert_int_equal(between.sent[0xA4], 0);
}

/* Complete, terminated, nothing left to fill in, and no status word. */
static void each_status_has_a_sentence_for_a_person(void **state)
{
    (void)state;
    for (int status = 0; status < STIVER_TERMINAL_STATUS_COUNT; status++) {
        const struct stiver_campus_result told = {.status = (enum stiver_terminal_status)status,
                                                  .word = 0x6985,
                                                  .amount = UINT32_MAX,
                                                  .has_balance = true,
                                                  .balance = UINT32_MAX,
                                                  .date = UINT32_MAX,
                                                  .detail = "What the bank said."};
        char text[256], shorter[20];
        stiver_campus_sentence(&told, text, sizeof text);
        assert_in_range(strlen(text), 5, 254);
        assert_non_null(strchr(".?", text[strlen(text) - 1]));
        assert_null(strchr(text, '{'));
        assert_null(strstr(text, "6985"));
        stiver_campus_sentence(&told, shorter, sizeof shorter);
        assert_true(strlen(shorter) < sizeof shorter);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, over)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_load_and_a_payment_move_the_money),
        TEST(a_payment_sends_seven_commands_and_no_more),
        TEST(the_log_of_the_source_is_written),
        TEST(our_card_tells_its_log_and_a_published_one_does_not),
        TEST(amounts_at_their_ends),
        TEST(amounts_around_each_16_bit_boundary),
        TEST(not_enough_money_is_said_as_truly_as_the_card_allows),
        TEST(a_load_that_does_not_fit_is_refused),
        TEST(a_tear_before_the_money_moves_nothing),
        TEST(a_lost_pay_command_was_not_paid_with_either_card),
        TEST(a_lost_pay_answer_is_found_paid_and_claimed_once),
        TEST(an_earlier_payment_of_another_amount_or_long_ago_is_not_this_one),
        TEST(a_published_card_cannot_tell_so_the_payment_stays_open_and_is_told),
        TEST(a_payment_whose_signature_is_gone_is_owed_to_the_holder),
        TEST(a_given_up_payment_that_turns_up_is_kept_for_the_holder),
        TEST(a_load_torn_before_its_last_command_is_not_loaded),
        TEST(a_lost_finish_command_was_not_credited_with_either_card),
        TEST(a_lost_finish_answer_is_found_credited),
        TEST(that_a_load_was_not_made_is_believed_on_the_counter_s_word_alone),
        TEST(a_tear_while_finding_out_leaves_it_open),
        TEST(a_card_over_blocked_or_of_another_kind_is_told_apart),
        TEST(counters_at_their_ends),
        TEST(terminals_of_the_other_kind_do_the_other_thing),
        cmocka_unit_test(each_status_has_a_sentence_for_a_person),
    };
    return cmocka_run_group_tests(tests, yard_open, yard_close);
}
