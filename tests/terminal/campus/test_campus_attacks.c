/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attacks of docs/campus.md that are a terminal's to stop, each under its number, and cards and
 * people between that lie in every other way there is room for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "yard.h"

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

static void answer_with(uint8_t *answer, size_t *bytes, const uint8_t *data, size_t length)
{
    memcpy(answer, data, length);
    answer[length] = 0x90;
    answer[length + 1] = 0x00;
    *bytes = length + 2;
}

/* ---- W2: the terminal as an oracle ---- */

/* counter + 1 | amount | victim's ID, presented as ID | end | counter: S1 over it would be an S3.
 */
static bool oracle(struct between *b, uint8_t *command, size_t *bytes, uint8_t *answer,
                   size_t *answer_bytes)
{
    const uint32_t *numbers = b->context;
    uint8_t data[12];
    struct writer w = writer_of(data, sizeof data);
    (void)bytes;
    for (int i = 0; i < 3; i++)
        writer_u32(&w, numbers[i]);
    if (command[1] == 0x20)
        answer_with(answer, answer_bytes, data, 12);
    else if (command[1] == 0x24)
        answer_with(answer, answer_bytes, published.certificate, 256);
    else if (command[1] == 0x22)
        answer_with(answer, answer_bytes, published.key.modulus, 256);
    else
        return false;
    return true;
}

static void w2_a_fake_card_gets_no_signature_over_numbers_of_its_choice(void **state)
{
    (void)state;
    /* An authorisation for card 123: counter 2, amount 50.00; and others that look like dates. */
    const uint32_t tries[][3] = {{2, 5000, CARD_ID},         {2, 0x40000000u, CARD_ID},
                                 {2, CARD_END, CARD_ID},     {CARD_ID, CARD_END, 0x80000001u},
                                 {CARD_ID, CARD_END + 1, 2}, {CARD_ID + 1, CARD_END, 2}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        uint32_t numbers[3];
        memcpy(numbers, tries[i], sizeof numbers);
        between_put(&between, &published.reader);
        between.on_command = oracle;
        between.context = numbers;
        assert_int_not_equal(stiver_campus_load(reload, &between.reader, 100, &result),
                             STIVER_TERMINAL_OK);
        assert_int_equal(between.sent[0x26], 0); /* no S1 left the terminal */
        assert_false(result.has_card);
    }
}

/* A genuine certificate, but of another kind, or of another back end: no card. */
static void w2_only_a_card_s_certificate_of_our_back_end_is_signed_for(void **state)
{
    (void)state;
    const struct yard_key stranger = yard_key(test_key_stranger);
    struct campus_certificate c = {.id = CARD_ID, .end = CARD_END, .usage = CAMPUS_USAGE_CARD};
    memcpy(c.modulus, published.key.modulus, 256);
    yard_certify(&stranger, &c);
    memcpy(published.certificate, c.signature, 256);
    between_put(&between, &published.reader);
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_UNPROVEN);
    c.usage = CAMPUS_USAGE_POS;
    yard_certify(&yard.back_end, &c);
    memcpy(published.certificate, c.signature, 256);
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_UNPROVEN);
    assert_int_equal(between.sent[0x26], 0);
    /* A certificate that is over. */
    c.usage = CAMPUS_USAGE_CARD;
    c.end = YARD_NOW - 1;
    yard_certify(&yard.back_end, &c);
    memcpy(published.certificate, c.signature, 256);
    published.end = YARD_NOW - 1;
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_EXPIRED);
    assert_int_equal(result.date, YARD_NOW - 1);
    assert_int_equal(between.sent[0x26], 0);
    c.end = YARD_NOW; /* good to the second */
    yard_certify(&yard.back_end, &c);
    memcpy(published.certificate, c.signature, 256);
    published.end = YARD_NOW;
    assert_int_equal(pay(100), STIVER_TERMINAL_OK);
}

/* Even a genuine certificate with a date that could be a counter is signed for by nobody. */
static void w2_a_date_that_could_be_a_counter_is_not_signed(void **state)
{
    (void)state;
    struct campus_certificate c = {.id = CARD_ID, .end = 0x3FFFFFFFu, .usage = CAMPUS_USAGE_CARD};
    memcpy(c.modulus, published.key.modulus, 256);
    yard_certify(&yard.back_end, &c);
    memcpy(published.certificate, c.signature, 256);
    published.end = c.end;
    between_put(&between, &published.reader);
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_ANSWER);
    assert_int_equal(between.sent[0x26], 0);
}

/* ---- W5: whatever is not right is not paid ---- */

struct lie {
    int ins;
    size_t bytes;
    uint8_t data[300];
    uint16_t word;
};

static void lie(struct between *b, const uint8_t *command, uint8_t *answer, size_t *bytes)
{
    const struct lie *said = b->context;
    if (command[1] != said->ins)
        return;
    memcpy(answer, said->data, said->bytes);
    answer[said->bytes] = (uint8_t)(said->word >> 8);
    answer[said->bytes + 1] = (uint8_t)said->word;
    *bytes = said->bytes + 2;
}

static void assert_unpaid(struct lie *said, const char *what)
{
    published_make(&published, 100000);
    between_put(&between, &published.reader);
    between.on_answer = lie;
    between.context = said;
    enum stiver_terminal_status status = pay(100);
    if (status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_FINISHED_EARLIER ||
        result.has_receipt)
        fail_msg("INS %02X, %s: called paid", (unsigned)said->ins, what);
}

static void w5_zero_bytes_wrong_lengths_and_wrong_words_are_never_a_payment(void **state)
{
    (void)state;
    static const int ins[] = {0xA4, 0x20, 0x22, 0x24, 0x26, 0x28, 0x42};
    static const size_t right[] = {0, 12, 256, 256, 256, 0, 256};
    static const uint16_t words[] = {0x6985, 0x6982, 0x6986, 0x6D00, 0x6F00, 0x6581,
                                     0x0000, 0x9001, 0x6100, 0x6C00, 0x63C0, 0xFFFF};
    struct lie said;
    for (size_t i = 0; i < sizeof ins / sizeof ins[0]; i++) {
        memset(&said, 0, sizeof said);
        said.ins = ins[i];
        said.word = 0x9000;
        for (said.bytes = 0; said.bytes <= 256; said.bytes += said.bytes < 14 ? 1 : 121)
            if (said.bytes != right[i] || right[i] == 12 || right[i] == 256)
                assert_unpaid(&said, "zeros");
        said.bytes = 256;
        if (right[i] != 0)
            assert_unpaid(&said, "256 zeros");
        memset(said.data, 0xFF, sizeof said.data);
        assert_unpaid(&said, "256 times FF");
        said.bytes = 0;
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            said.word = words[k];
            assert_unpaid(&said, "a word");
        }
    }
}

/* One changed bit anywhere in what the card signs. */
static void flip(struct between *b, const uint8_t *command, uint8_t *answer, size_t *bytes)
{
    const unsigned *what = b->context;
    if (command[1] == what[0] && *bytes > 2)
        answer[what[1] % (*bytes - 2)] ^= (uint8_t)(1u << what[1] % 8);
}

static void w5_a_changed_bit_in_any_answer_is_never_a_payment(void **state)
{
    (void)state;
    static const uint8_t ins[] = {0x20, 0x22, 0x24, 0x26, 0x42};
    for (size_t i = 0; i < sizeof ins; i++)
        for (unsigned at = 0; at < 256; at += ins[i] == 0x20 ? 1 : 37) {
            unsigned what[2] = {ins[i], at};
            if (ins[i] == 0x20 && at >= 12)
                break;
            published_make(&published, 100000);
            between_put(&between, &published.reader);
            between.on_answer = flip;
            between.context = what;
            assert_int_not_equal(pay(100), STIVER_TERMINAL_OK);
            assert_false(result.has_receipt);
        }
}

/* S4 under the card's own key, but of another amount, counter, time, terminal or card. */
static uint32_t said_instead[5];
static void other_receipt(struct between *b, const uint8_t *command, uint8_t *answer, size_t *bytes)
{
    (void)b;
    if (command[1] != 0x42 && command[1] != 0x30)
        return;
    const uint32_t numbers[] = {published.terminal + said_instead[0],
                                published.counter + said_instead[1],
                                published.amount + said_instead[2], published.id + said_instead[3],
                                published.time + said_instead[4]};
    yard_sign_numbers(&published.key, numbers, 5, answer);
    assert_int_equal(*bytes, 258);
}

static void w5_a_receipt_over_other_numbers_is_none(void **state)
{
    (void)state;
    for (int which = 0; which < 5; which++)
        for (int is_load = 0; is_load <= 1; is_load++) {
            memset(said_instead, 0, sizeof said_instead);
            said_instead[which] = which == 1 ? UINT32_MAX : 1;
            published_make(&published, 100000);
            between_put(&between, &published.reader);
            between.on_answer = other_receipt;
            if (is_load) {
                assert_int_equal(stiver_campus_load(reload, &between.reader, 100, &result),
                                 STIVER_TERMINAL_CARD_UNPROVEN);
                assert_int_equal(between.sent[0x32], 0); /* no S5 */
                assert_int_equal(published.balance, 100000);
                assert_int_equal(yard_last(reload).state, STIVER_TERMINAL_ABANDONED);
            } else {
                assert_int_equal(pay(100), STIVER_TERMINAL_UNFINISHED);
                assert_false(result.has_receipt);
                assert_int_equal(yard_last(pos).state, STIVER_TERMINAL_OPEN);
            }
        }
}

/* W1a, played at the terminal's side: PAY turned into LOAD at a published card gives a receipt that
 * verifies, and the balance stays. Nothing on this wire shows it: what does is the bank. */
static bool turn_into_load(struct between *b, uint8_t *command, size_t *bytes, uint8_t *answer,
                           size_t *answer_bytes)
{
    (void)b;
    (void)bytes;
    (void)answer;
    (void)answer_bytes;
    if (command[1] == 0x42)
        command[1] = 0x30;
    return false;
}

static void w1_a_payment_turned_into_a_load_fails_at_our_card(void **state)
{
    (void)state;
    own_make(&own);
    assert_int_equal(stiver_campus_load(reload, &own.reader, 500, &result), STIVER_TERMINAL_OK);
    between_put(&between, &own.reader);
    between.on_command = turn_into_load;
    assert_int_not_equal(pay(100), STIVER_TERMINAL_OK);
    assert_false(result.has_receipt);
}

/* After S5 has left, a refusal that somebody put in the answer's place gives no cash back. */
static void w5_a_forged_refusal_of_the_last_command_gives_no_cash_back(void **state)
{
    (void)state;
    static const uint16_t words[] = {0x6985, 0x6982, 0x6986, 0x6D00, 0x6700};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct lie said = {.ins = 0x32, .word = words[i]};
        between_put(&between, &published.reader);
        between.on_answer = lie;
        between.context = &said;
        assert_int_equal(stiver_campus_load(reload, &between.reader, 100, &result),
                         STIVER_TERMINAL_UNFINISHED);
        assert_int_equal(yard_last(reload).state, STIVER_TERMINAL_OPEN);
        assert_int_equal(stiver_campus_give_up(reload, yard_last(reload).number),
                         STIVER_TERMINAL_OK);
    }
}

/* The log says "not done" where the counter says that FINISH LOAD came: no cash for that. */
static void deny_load(struct between *b, const uint8_t *command, uint8_t *answer, size_t *bytes)
{
    (void)b;
    if (command[1] == 0x56 && *bytes > 2)
        answer[1] = 0;
}

static void w5_a_log_that_denies_a_load_gives_no_cash_back(void **state)
{
    (void)state;
    own_make(&own);
    between_tear(&between, &own.reader, 0x32, true);
    assert_int_equal(stiver_campus_load(reload, &between.reader, 700, &result),
                     STIVER_TERMINAL_UNFINISHED);
    const uint32_t number = yard_last(reload).number;
    struct stiver_campus_purse purse;
    between_put(&between, &own.reader);
    between.on_answer = deny_load;
    assert_int_equal(stiver_campus_read(reload, &between.reader, &purse, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(yard_entry(reload, number).state, STIVER_TERMINAL_OPEN);
}

/* ---- W10: answers of earlier talks ---- */

static uint8_t recorded[2][256];
static void record(struct between *b, const uint8_t *command, uint8_t *answer, size_t *bytes)
{
    (void)b;
    if (command[1] == 0x26 && *bytes == 258)
        memcpy(recorded[0], answer, 256);
    if (command[1] == 0x42 && *bytes == 258)
        memcpy(recorded[1], answer, 256);
}

static void replay_s2(struct between *b, const uint8_t *command, uint8_t *answer, size_t *bytes)
{
    (void)b;
    if (command[1] == 0x26)
        answer_with(answer, bytes, recorded[0], 256);
}

static void replay_s4(struct between *b, const uint8_t *command, uint8_t *answer, size_t *bytes)
{
    (void)b;
    if (command[1] == 0x42)
        answer_with(answer, bytes, recorded[1], 256);
}

static void w10_recorded_answers_of_a_card_are_worth_nothing_in_a_later_talk(void **state)
{
    (void)state;
    between_put(&between, &published.reader);
    between.on_answer = record;
    assert_int_equal(pay(100), STIVER_TERMINAL_OK);
    for (int restart = 0; restart <= 1; restart++) {
        if (restart)
            yard_again(&pos, "pos");
        between_put(&between, &published.reader);
        between.on_answer = replay_s2;
        assert_int_equal(pay(100), STIVER_TERMINAL_CARD_UNPROVEN);
        assert_int_equal(between.sent[0x26], 1);
        assert_int_equal(between.sent[0x28], 0);
    }
    between_put(&between, &published.reader);
    between.on_answer = replay_s4;
    assert_int_equal(pay(100), STIVER_TERMINAL_UNFINISHED);
}

static uint32_t counter_sent(void)
{
    struct reader r = reader_of(between.last[0x20] + 13, 4);
    return reader_u32(&r);
}

static void w10_the_terminal_s_counter_begins_at_random_and_never_comes_again(void **state)
{
    (void)state;
    struct stiver_campus_info info;
    assert_int_equal(stiver_campus_terminal_info(pos, &info), STIVER_TERMINAL_OK);
    uint32_t last = info.counter;
    assert_true(last != 0 && last < 0x20000000u);
    struct stiver_campus_info other;
    assert_int_equal(stiver_campus_terminal_info(reload, &other), STIVER_TERMINAL_OK);
    assert_int_not_equal(last, other.counter);
    for (int i = 0; i < 6; i++) {
        if (i % 2)
            yard_again(&pos, "pos");
        if (i % 3 == 2) /* a talk that breaks off has used its counter too */
            between_tear(&between, &published.reader, 0x20, false);
        else
            between_put(&between, &published.reader);
        (void)!pay(1);
        assert_int_equal(counter_sent(), last + 1);
        last = counter_sent();
    }
    /* A later certificate does not begin anew. */
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES], package[4096];
    stiver_campus_terminal_request(pos, request);
    size_t bytes =
        yard_package(CAMPUS_ROLE_POS, POS_ID, YARD_END + 600000, request, package, sizeof package);
    assert_int_equal(stiver_campus_terminal_adopt(pos, package, bytes, NULL), STIVER_TERMINAL_OK);
    between_put(&between, &published.reader);
    assert_int_equal(pay(1), STIVER_TERMINAL_OK);
    assert_int_equal(counter_sent(), last + 1);
}

static void w10_a_journal_put_back_from_a_copy_does_not_use_counters_again(void **state)
{
    (void)state;
    static uint8_t copy[1 << 20];
    stiver_campus_terminal_close(pos);
    size_t bytes = yard_read("pos", "campus.db", copy, sizeof copy);
    assert_int_equal(yard_try_open("pos", &pos), STIVER_TERMINAL_OK);
    between_put(&between, &published.reader);
    for (int i = 0; i < 5; i++)
        assert_int_equal(pay(1), STIVER_TERMINAL_OK);
    uint32_t last = counter_sent();
    stiver_campus_terminal_close(pos);
    yard_write("pos", "campus.db", copy, bytes);
    assert_int_equal(yard_try_open("pos", &pos), STIVER_TERMINAL_OK);
    assert_int_equal(pay(1), STIVER_TERMINAL_OK);
    assert_int_equal(counter_sent(), last + 1);
    /* With the mark gone too, a leap. */
    stiver_campus_terminal_close(pos);
    yard_write("pos", "campus.db", copy, bytes);
    yard_write("pos", "campus.mark", "", 0);
    assert_int_equal(yard_try_open("pos", &pos), STIVER_TERMINAL_OK);
    assert_int_equal(pay(1), STIVER_TERMINAL_OK);
    assert_true(counter_sent() > last + 1000);
}

/* ---- W13: the proof of a block ---- */

static void list_card(uint32_t id)
{
    yard_list(yard.list_end_ms + 1000, &id, 1);
    assert_int_equal(stiver_campus_terminal_take_list(pos, yard.list, yard.list_bytes),
                     STIVER_TERMINAL_OK);
}

static void w13_the_proof_of_a_block_is_verified_and_kept_with_whose_it_is(void **state)
{
    (void)state;
    struct stiver_terminal_sync sync;
    list_card(CARD_ID);
    between_put(&between, &published.reader);
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_BLOCKED);
    assert_true(published.is_blocked);
    assert_int_equal(published.balance, 100000);
    assert_true(yard_last(pos).is_block);
    assert_int_equal(yard_last(pos).card, CARD_ID);
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_BLOCKED); /* by its own word now */
    assert_int_equal(yard_count(pos), 1);
    memset(&yard_bank, 0, sizeof yard_bank);
    assert_int_equal(stiver_campus_synchronise(pos, &yard_link, &sync, NULL), STIVER_TERMINAL_OK);
    assert_int_equal(yard_bank.count, 1);
    assert_int_equal(yard_bank.uploads[0].kind, CAMPUS_UPLOAD_BLOCK);
    const struct campus_upload_block *block = &yard_bank.uploads[0].is.block;
    uint8_t text[CAMPUS_TEXT_BYTES];
    const struct piece piece = {text, sizeof text};
    campus_text(POS_ID, block->terminal_counter, block->terminal_end, text);
    assert_int_equal(rsa_verify_sha1(block->card.modulus, &piece, 1, block->proof), CRYPTO_OK);
    assert_int_equal(block->card.id, CARD_ID);
    assert_memory_equal(block->card.signature, published.certificate, 256);
}

/* A terminal counter that is a date makes S2 a proof: ours never is one. Nor is S2 taken for it. */
static void s2_as_proof(struct between *b, const uint8_t *command, uint8_t *answer, size_t *bytes)
{
    record(b, command, answer, bytes);
    if (command[1] == 0x50)
        answer_with(answer, bytes, recorded[0], 256);
}

static void w13_a_forged_proof_of_a_block_is_not_kept(void **state)
{
    (void)state;
    list_card(CARD_ID);
    between_put(&between, &published.reader);
    between.on_answer = s2_as_proof;
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_UNPROVEN);
    assert_int_equal(yard_count(pos), 0);
    published_make(&published, 1000);
    struct lie said = {.ins = 0x50, .bytes = 256, .word = 0x9000};
    between_put(&between, &published.reader);
    between.on_answer = lie;
    between.context = &said;
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_UNPROVEN);
    assert_int_equal(yard_count(pos), 0);
}

static void a_listed_card_tells_what_is_open_before_it_is_blocked(void **state)
{
    (void)state;
    own_make(&own);
    assert_int_equal(stiver_campus_load(reload, &own.reader, 500, &result), STIVER_TERMINAL_OK);
    between_tear(&between, &own.reader, 0x42, true);
    assert_int_equal(pay(100), STIVER_TERMINAL_UNFINISHED);
    const uint32_t number = yard_last(pos).number;
    list_card(OWN_CARD_ID);
    between_put(&between, &own.reader);
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_BLOCKED);
    assert_int_equal(yard_entry(pos, number).state, STIVER_TERMINAL_FINISHED);
    assert_true(yard_last(pos).is_block);
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_BLOCKED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, over)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(w1_a_payment_turned_into_a_load_fails_at_our_card),
        TEST(w2_a_fake_card_gets_no_signature_over_numbers_of_its_choice),
        TEST(w2_only_a_card_s_certificate_of_our_back_end_is_signed_for),
        TEST(w2_a_date_that_could_be_a_counter_is_not_signed),
        TEST(w5_zero_bytes_wrong_lengths_and_wrong_words_are_never_a_payment),
        TEST(w5_a_changed_bit_in_any_answer_is_never_a_payment),
        TEST(w5_a_receipt_over_other_numbers_is_none),
        TEST(w5_a_forged_refusal_of_the_last_command_gives_no_cash_back),
        TEST(w5_a_log_that_denies_a_load_gives_no_cash_back),
        TEST(w10_recorded_answers_of_a_card_are_worth_nothing_in_a_later_talk),
        TEST(w10_the_terminal_s_counter_begins_at_random_and_never_comes_again),
        TEST(w10_a_journal_put_back_from_a_copy_does_not_use_counters_again),
        TEST(w13_the_proof_of_a_block_is_verified_and_kept_with_whose_it_is),
        TEST(w13_a_forged_proof_of_a_block_is_not_kept),
        TEST(a_listed_card_tells_what_is_open_before_it_is_blocked),
    };
    return cmocka_run_group_tests(tests, yard_open, yard_close);
}
