/* SPDX-License-Identifier: Apache-2.0 */
/* Terminal and bank: receipts go up signed, once and for all; list and certificate come down; a
 * station makes cards, ours and published ones, torn anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "yard.h"

static struct stiver_campus_terminal *pos, *reload, *station;
static struct published_card published;
static struct own_card own;
static struct between between;
static struct stiver_campus_result result;
static struct stiver_terminal_sync sync;

static int fresh(void **state)
{
    (void)state;
    yard.now = YARD_NOW;
    yard_list((YARD_NOW + 864000ull) * 1000, NULL, 0);
    pos = yard_terminal(STIVER_CAMPUS_POS, "pos");
    reload = yard_terminal(STIVER_CAMPUS_RELOAD, "reload");
    station = yard_terminal(STIVER_CAMPUS_STATION, "station");
    published_make(&published, 100000);
    memset(&yard_bank, 0, sizeof yard_bank);
    return 0;
}

static int over(void **state)
{
    (void)state;
    stiver_campus_terminal_close(pos);
    stiver_campus_terminal_close(reload);
    stiver_campus_terminal_close(station);
    return 0;
}

static enum stiver_terminal_status synchronise(struct stiver_campus_terminal *terminal)
{
    return stiver_campus_synchronise(terminal, &yard_link, &sync, NULL);
}

/* ---- up ---- */

/* What goes up is enough for a third party: terminal, the card's end, its key and certificate. */
static void w18_an_upload_convinces_a_third_party(void **state)
{
    (void)state;
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 250, &result), STIVER_TERMINAL_OK);
    assert_int_equal(synchronise(pos), STIVER_TERMINAL_OK); /* the bank verifies the terminal's */
    assert_int_equal(sync.booked, 1);
    assert_int_equal(yard_bank.uploads[0].kind, CAMPUS_UPLOAD_RECEIPT);
    const struct campus_upload_receipt *up = &yard_bank.uploads[0].is.receipt;
    uint8_t receipt[CAMPUS_RECEIPT_TEXT_BYTES], certificate[CAMPUS_CERTIFICATE_TEXT_BYTES];
    const struct piece r = {receipt, sizeof receipt}, c = {certificate, sizeof certificate};
    campus_receipt_text(&up->receipt, receipt);
    campus_certificate_text(&up->card, certificate);
    assert_int_equal(up->outcome, CAMPUS_OUTCOME_DONE);
    assert_int_equal(up->receipt.terminal, POS_ID);
    assert_int_equal(rsa_verify_sha1(up->card.modulus, &r, 1, up->receipt.signature), CRYPTO_OK);
    assert_int_equal(rsa_verify_sha1(yard.back_end.modulus, &c, 1, up->card.signature), CRYPTO_OK);
    assert_true(yard_last(pos).is_uploaded);
    assert_int_equal(synchronise(pos), STIVER_TERMINAL_OK);
    assert_int_equal(yard_bank.count, 0); /* once */
}

static void w18_a_lost_answer_is_asked_for_with_the_same_bytes(void **state)
{
    (void)state;
    struct stiver_terminal_bytes first, again;
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 250, &result), STIVER_TERMINAL_OK);
    yard_bank.mood = BANK_LOSES;
    assert_int_equal(synchronise(pos), STIVER_TERMINAL_NO_LINK);
    assert_int_equal(stiver_campus_upload_make(pos, &first), STIVER_TERMINAL_OK);
    yard_again(&pos, "pos");
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 1, &result), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_upload_make(pos, &again), STIVER_TERMINAL_OK);
    assert_int_equal(first.length, again.length);
    assert_memory_equal(first.data, again.data, first.length);
    stiver_terminal_bytes_free(&first);
    stiver_terminal_bytes_free(&again);
    yard_bank.mood = BANK_ANSWERS;
    assert_int_equal(synchronise(pos), STIVER_TERMINAL_OK);
    assert_int_equal(sync.rounds, 2);
    assert_int_equal(sync.booked, 2);
    assert_int_equal(sync.left, 0);
}

static void forged_refused_and_foreign_answers_change_nothing(void **state)
{
    (void)state;
    struct stiver_terminal_bytes request;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 250, &result), STIVER_TERMINAL_OK);
    yard_bank.mood = BANK_FORGES;
    assert_int_equal(synchronise(pos), STIVER_TERMINAL_BANK_FORGED);
    yard_bank.mood = BANK_DOWN;
    assert_int_equal(synchronise(pos), STIVER_TERMINAL_NO_LINK);
    yard_bank.mood = BANK_REFUSES;
    assert_int_equal(stiver_campus_synchronise(pos, &yard_link, &sync, detail),
                     STIVER_TERMINAL_BANK_REFUSED);
    assert_string_equal(detail, "no");
    /* The bank's answer to another terminal. */
    yard_bank.mood = BANK_ANSWERS;
    assert_int_equal(synchronise(reload), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_upload_make(pos, &request), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_upload_take(pos, yard_bank.last_answer,
                                               yard_bank.last_answer_bytes, &sync, NULL),
                     STIVER_TERMINAL_OTHER_REQUEST);
    stiver_terminal_bytes_free(&request);
    assert_false(yard_last(pos).is_uploaded);
    /* And its own, cut or with a bit changed at each place. */
    yard_bank.mood = BANK_LOSES;
    assert_int_equal(synchronise(pos), STIVER_TERMINAL_NO_LINK);
    for (size_t at = 0; at < yard_bank.last_answer_bytes; at += 7) {
        assert_int_not_equal(stiver_campus_upload_take(pos, yard_bank.last_answer, at, &sync, NULL),
                             STIVER_TERMINAL_OK);
        yard_bank.last_answer[at] ^= 1;
        assert_int_equal(stiver_campus_upload_take(pos, yard_bank.last_answer,
                                                   yard_bank.last_answer_bytes, &sync, NULL),
                         STIVER_TERMINAL_BANK_FORGED);
        yard_bank.last_answer[at] ^= 1;
    }
    assert_false(yard_last(pos).is_uploaded);
    assert_int_equal(stiver_campus_upload_take(pos, yard_bank.last_answer,
                                               yard_bank.last_answer_bytes, &sync, NULL),
                     STIVER_TERMINAL_OK);
    assert_true(yard_last(pos).is_uploaded);
}

static void an_unknown_load_goes_up_as_unknown_and_its_outcome_later(void **state)
{
    (void)state;
    own_make(&own);
    between_tear(&between, &own.reader, 0x32, true);
    assert_int_equal(stiver_campus_load(reload, &between.reader, 700, &result),
                     STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(synchronise(reload), STIVER_TERMINAL_OK);
    assert_int_equal(yard_bank.uploads[0].kind, CAMPUS_UPLOAD_RECEIPT);
    assert_int_equal(yard_bank.uploads[0].is.receipt.outcome, CAMPUS_OUTCOME_UNKNOWN);
    assert_int_equal(stiver_campus_load(reload, &own.reader, 700, &result),
                     STIVER_TERMINAL_FINISHED_EARLIER);
    assert_int_equal(synchronise(reload), STIVER_TERMINAL_OK);
    assert_int_equal(yard_bank.count, 1);
    assert_int_equal(yard_bank.uploads[0].kind, CAMPUS_UPLOAD_OUTCOME);
    assert_int_equal(yard_bank.uploads[0].is.outcome.card, OWN_CARD_ID);
    assert_int_equal(yard_bank.uploads[0].is.outcome.outcome, CAMPUS_OUTCOME_DONE);
    assert_int_equal(synchronise(reload), STIVER_TERMINAL_OK);
    assert_int_equal(yard_bank.count, 0);
}

/* ---- down ---- */

static void list_and_certificate_come_down(void **state)
{
    (void)state;
    struct stiver_campus_info info;
    uint8_t file[2048];
    const uint32_t ids[] = {CARD_ID};
    yard_list(yard.list_end_ms + 1000, ids, 1);
    yard_bank.gives_list = true;
    yard_bank.gives_end = YARD_END + 86400;
    assert_int_equal(synchronise(pos), STIVER_TERMINAL_OK);
    assert_true(sync.new_list && sync.new_certificate);
    yard_again(&pos, "pos");
    assert_int_equal(stiver_campus_terminal_info(pos, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.list_count, 1);
    assert_int_equal(info.certificate_end, YARD_END + 86400);
    assert_int_equal(yard_read("pos", "CRL", file, sizeof file), yard.list_bytes);
    assert_memory_equal(file, yard.list, yard.list_bytes);
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 1, &result),
                     STIVER_TERMINAL_CARD_BLOCKED);
    yard_bank.gives_end = YARD_END; /* an older certificate is left out */
    assert_int_equal(synchronise(pos), STIVER_TERMINAL_OK);
    assert_false(sync.new_certificate);
}

static void a_package_is_taken_whole_for_this_terminal_and_this_back_end(void **state)
{
    (void)state;
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES], package[4096], bad[4096];
    uint8_t fingerprint[32] = {1};
    const struct yard_key real = yard.back_end;
    stiver_campus_terminal_request(pos, request);
    size_t bytes =
        yard_package(CAMPUS_ROLE_POS, POS_ID, YARD_END + 5, request, package, sizeof package);
    for (size_t at = 0; at < bytes; at += 11) {
        memcpy(bad, package, bytes);
        bad[at] ^= 1;
        assert_int_not_equal(stiver_campus_terminal_adopt(pos, bad, bytes, NULL),
                             STIVER_TERMINAL_OK);
        assert_int_not_equal(stiver_campus_terminal_adopt(pos, package, at, NULL),
                             STIVER_TERMINAL_OK);
    }
    assert_int_equal(stiver_campus_terminal_adopt(pos, package, bytes, fingerprint),
                     STIVER_TERMINAL_ROOT_DIFFERS);
    assert_int_equal(stiver_campus_terminal_adopt(reload, package, bytes, NULL),
                     STIVER_TERMINAL_PACKAGE);
    assert_int_equal(stiver_campus_terminal_adopt(pos, package, bytes, NULL), STIVER_TERMINAL_OK);
    bytes = yard_package(CAMPUS_ROLE_POS, POS_ID + 1, YARD_END + 6, request, bad, sizeof bad);
    assert_int_equal(stiver_campus_terminal_adopt(pos, bad, bytes, NULL), STIVER_TERMINAL_PACKAGE);
    bytes = yard_package(CAMPUS_ROLE_POS, POS_ID, YARD_END, request, bad, sizeof bad);
    assert_int_equal(stiver_campus_terminal_adopt(pos, bad, bytes, NULL), STIVER_TERMINAL_PACKAGE);
    yard.back_end = yard_key(test_key_stranger);
    bytes = yard_package(CAMPUS_ROLE_POS, POS_ID, YARD_END + 6, request, bad, sizeof bad);
    yard.back_end = real;
    assert_int_equal(stiver_campus_terminal_adopt(pos, bad, bytes, NULL),
                     STIVER_TERMINAL_ROOT_DIFFERS);
}

/* ---- a station ---- */

static enum stiver_terminal_status personalise(struct card_reader *card)
{
    between_put(&between, card);
    return stiver_campus_personalise(station, &between.reader, &yard_link, &result);
}

static void a_station_makes_published_cards_and_ours(void **state)
{
    (void)state;
    published_blank(&published);
    assert_int_equal(personalise(&published.reader), STIVER_TERMINAL_OK);
    assert_int_equal(result.card, published.id);
    assert_true(published.is_initialised && published.id >= 0x80000000u);
    assert_int_equal(stiver_campus_load(reload, &published.reader, 500, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_pay(pos, &published.reader, 100, &result), STIVER_TERMINAL_OK);
    assert_int_equal(personalise(&published.reader), STIVER_TERMINAL_CARD_ISSUED);
    own_blank(&own, true);
    assert_int_equal(personalise(&own.reader), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_load(reload, &own.reader, 500, &result), STIVER_TERMINAL_OK);
    own_blank(&own, false);
    assert_int_equal(personalise(&own.reader), STIVER_TERMINAL_NOT_THIS_KIND);
    assert_int_equal(stiver_campus_personalise(pos, &published.reader, &yard_link, &result),
                     STIVER_TERMINAL_ROLE);
}

/* A published card makes another key each time: a number that was certified for the first is spent,
 * one that was only drawn is not. */
static void a_torn_personalisation_of_a_published_card_goes_on(void **state)
{
    (void)state;
    static const int ins[] = {0x02, 0x04, 0x06};
    for (size_t i = 0; i < 3; i++)
        for (int loses_answer = 0; loses_answer <= 1; loses_answer++) {
            published_blank(&published);
            between_tear(&between, &published.reader, ins[i], loses_answer);
            assert_int_equal(
                stiver_campus_personalise(station, &between.reader, &yard_link, &result),
                STIVER_TERMINAL_READER);
            yard_again(&station, "station");
            enum stiver_terminal_status again = personalise(&published.reader);
            bool was_done = ins[i] == 0x06 && loses_answer;
            assert_int_equal(again, was_done ? STIVER_TERMINAL_CARD_ISSUED : STIVER_TERMINAL_OK);
            assert_int_equal(stiver_campus_load(reload, &published.reader, 5, &result),
                             STIVER_TERMINAL_OK);
        }
}

static void a_torn_personalisation_of_our_card_goes_on_with_the_same_number(void **state)
{
    (void)state;
    static const struct {
        int ins;
        bool loses_answer;
    } tears[] = {{0x02, false}, {0x02, true}, {0x04, false}, {0x04, true}, {0x06, false}};
    const unsigned given = yard.ids_given;
    own_blank(&own, true);
    for (size_t i = 0; i < sizeof tears / sizeof tears[0]; i++) {
        between_tear(&between, &own.reader, tears[i].ins, tears[i].loses_answer);
        assert_int_equal(stiver_campus_personalise(station, &between.reader, &yard_link, &result),
                         STIVER_TERMINAL_READER);
        yard_again(&station, "station");
    }
    assert_int_equal(personalise(&own.reader), STIVER_TERMINAL_OK);
    assert_int_equal(yard.ids_given, given + 1);
    assert_int_equal(result.card, 0x80000100u + given);
    assert_int_equal(stiver_campus_load(reload, &own.reader, 5, &result), STIVER_TERMINAL_OK);
    /* A signature that does not verify would lock the card for ever: it does not get that far. */
    published_blank(&published);
    yard_bank.certifies_wrongly = true;
    assert_int_equal(personalise(&published.reader), STIVER_TERMINAL_BANK_ANSWER);
    assert_int_equal(between.sent[0x06], 0);
}

static void a_bank_that_is_away_or_forges_leaves_the_card_as_it_was(void **state)
{
    (void)state;
    static const enum yard_mood moods[] = {BANK_DOWN, BANK_LOSES, BANK_FORGES, BANK_REFUSES};
    published_blank(&published);
    for (size_t i = 0; i < 4; i++) {
        yard_bank.mood = moods[i];
        assert_int_not_equal(personalise(&published.reader), STIVER_TERMINAL_OK);
        assert_false(published.is_initialised);
        assert_int_equal(between.sent[0x04], 0);
    }
    yard_bank.mood = BANK_ANSWERS;
    assert_int_equal(personalise(&published.reader), STIVER_TERMINAL_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, over)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(w18_an_upload_convinces_a_third_party),
        TEST(w18_a_lost_answer_is_asked_for_with_the_same_bytes),
        TEST(forged_refused_and_foreign_answers_change_nothing),
        TEST(an_unknown_load_goes_up_as_unknown_and_its_outcome_later),
        TEST(list_and_certificate_come_down),
        TEST(a_package_is_taken_whole_for_this_terminal_and_this_back_end),
        TEST(a_station_makes_published_cards_and_ours),
        TEST(a_torn_personalisation_of_a_published_card_goes_on),
        TEST(a_torn_personalisation_of_our_card_goes_on_with_the_same_number),
        TEST(a_bank_that_is_away_or_forges_leaves_the_card_as_it_was),
    };
    return cmocka_run_group_tests(tests, yard_open, yard_close);
}
