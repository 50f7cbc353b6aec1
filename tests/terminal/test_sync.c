/* SPDX-License-Identifier: Apache-2.0 */
/* Everything comes home at least once and is booked once, whatever happens to requests and answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "town.h"

static struct town town;
static struct town_card card;
static struct town_terminal kiosk, shop;

static int set_up(void **state)
{
    (void)state;
    town_found(&town);
    town_terminal(&town, ROLE_KIOSK, 1, NULL, &kiosk);
    town_terminal(&town, ROLE_POINT_OF_SALE, 2, NULL, &shop);
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
    return 0;
}

static void check_money(void)
{
    struct town_terminal *all[] = {&kiosk, &shop};
    town_check_money(&town, &card, all, 2);
}

static void pay(uint32_t minor)
{
    struct stiver_terminal_result result;
    assert_int_equal(town_pay(&shop, &card, minor, &result), STIVER_TERMINAL_OK);
}

static enum stiver_terminal_status synchronise(struct stiver_terminal_sync *sync)
{
    char detail[STIVER_TERMINAL_DETAIL_BYTES];
    return stiver_terminal_synchronise(shop.terminal, &shop.link, sync, detail);
}

static void receipts_and_abandoned_numbers_are_answered_one_by_one(void **state)
{
    struct stiver_terminal_sync sync;
    struct stiver_terminal_result result;
    (void)state;
    pay(100);
    pay(200);
    assert_int_equal(town_pay(&shop, &card, 4000, &result), STIVER_TERMINAL_BALANCE);
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    /* Two receipts and the terminal's own certificate; a refusal is nobody's business. */
    assert_int_equal(sync.booked, 3);
    assert_int_equal(sync.left, 0);
    assert_int_equal(town.paid, 300);
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_int_equal(sync.booked, 0);
    check_money();
}

static void a_request_stays_the_same_until_its_answer_was_taken(void **state)
{
    struct stiver_terminal_bytes first, second;
    struct stiver_terminal_sync sync;
    (void)state;
    pay(100);
    assert_int_equal(stiver_terminal_upload_make(shop.terminal, &first), STIVER_TERMINAL_OK);
    pay(200);
    assert_int_equal(stiver_terminal_upload_make(shop.terminal, &second), STIVER_TERMINAL_OK);
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.data, second.data, first.length);
    stiver_terminal_bytes_free(&first);
    stiver_terminal_bytes_free(&second);
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_int_equal(sync.rounds, 2);
    assert_int_equal(town.paid, 300);
    check_money();
}

static void a_lost_answer_costs_nothing(void **state)
{
    struct stiver_terminal_sync sync;
    (void)state;
    pay(100);
    town.mood = BANK_LOSES_ANSWER;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_NO_LINK);
    assert_int_equal(town.paid, 100);
    town.mood = BANK_IS_DOWN;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_NO_LINK);
    town.mood = BANK_ANSWERS;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_int_equal(sync.booked, 2);
    assert_int_equal(town.uploads, 1);
    check_money();
    assert_int_equal(town.paid, 100);
}

static void a_forged_answer_changes_nothing(void **state)
{
    struct stiver_terminal_bytes request;
    struct stiver_terminal_info before, after;
    struct stiver_terminal_sync sync = {0};
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    (void)state;
    pay(100);
    assert_int_equal(stiver_terminal_upload_make(shop.terminal, &request), STIVER_TERMINAL_OK);
    stiver_terminal_bytes_free(&request);
    assert_int_equal(stiver_terminal_info(shop.terminal, &before), STIVER_TERMINAL_OK);
    town.mood = BANK_FORGES;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_BANK_FORGED);
    town.mood = BANK_ANSWERS;
    /* Each byte of a good answer, flipped; then cut short at each length. */
    for (size_t i = 0; i < town.last_answer_bytes; i++) {
        town.last_answer[i] ^= 0x40;
        assert_int_not_equal(stiver_terminal_upload_take(shop.terminal, town.last_answer,
                                                         town.last_answer_bytes, &sync, detail),
                             STIVER_TERMINAL_OK);
        town.last_answer[i] ^= 0x40;
        assert_int_not_equal(
            stiver_terminal_upload_take(shop.terminal, town.last_answer, i, &sync, detail),
            STIVER_TERMINAL_OK);
    }
    assert_int_equal(stiver_terminal_info(shop.terminal, &after), STIVER_TERMINAL_OK);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(sync.rounds, 0);
    assert_int_equal(stiver_terminal_upload_take(shop.terminal, town.last_answer,
                                                 town.last_answer_bytes, &sync, detail),
                     STIVER_TERMINAL_OK);
    /* Taken, it is over: the same answer belongs to no request. */
    assert_int_equal(stiver_terminal_upload_take(shop.terminal, town.last_answer,
                                                 town.last_answer_bytes, &sync, detail),
                     STIVER_TERMINAL_OTHER_REQUEST);
    check_money();
}

static void what_the_bank_says_reaches_the_person(void **state)
{
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES];
    (void)state;
    town.mood = BANK_REFUSES;
    assert_int_equal(stiver_terminal_synchronise(shop.terminal, &shop.link, &sync, detail),
                     STIVER_TERMINAL_BANK_REFUSED);
    assert_string_equal(detail, "not today");
}

static void an_acknowledgement_is_carried_and_frees_the_cards_log(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    struct stiver_terminal_purse purse;
    struct stiver_terminal_info info;
    struct stiver_terminal_sync sync;
    (void)state;
    pay(100);
    town.acknowledge = 2;
    memcpy(town.acknowledge_card, card.number, sizeof card.number);
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_int_equal(sync.acknowledgements, 1);
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.acknowledgements, 1);
    pay(100);
    town_card_insert(&card);
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_read(session, &purse, &result), STIVER_TERMINAL_OK);
    stiver_terminal_end(session);
    /* Load, payment, payment: two of three are acknowledged. */
    assert_int_equal(purse.card_counter, 3);
    assert_int_equal(purse.free_slots, LOG_SLOTS - 1);
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.acknowledgements, 0);
    check_money();
}

static void an_acknowledgement_that_is_torn_never_spoils_the_sale(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    struct stiver_terminal_info info;
    struct stiver_terminal_sync sync;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(100)};
    (void)state;
    pay(100);
    town.acknowledge = 2;
    memcpy(town.acknowledge_card, card.number, sizeof card.number);
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    town_card_touch(&card, PULL_BEFORE_COMMIT, COMMAND_APPLY_ORDER);
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_pay(session, &sale, &result), STIVER_TERMINAL_OK);
    assert_true(result.has_receipt);
    assert_string_equal(result.command, "PAY");
    stiver_terminal_end(session);
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.acknowledgements, 1);
    check_money();
}

static void a_new_certificate_is_used_from_then_on(void **state)
{
    struct stiver_terminal_result result;
    struct stiver_terminal_info info;
    struct stiver_terminal_sync sync;
    struct fixture_certificate next = shop.certificate;
    unsigned apdus;
    size_t bytes;
    (void)state;
    pay(100);
    next.fields.start += 2 * FIXTURE_DAY;
    next.fields.end += 2 * FIXTURE_DAY;
    next.fields.serial++;
    fixture_certificate_seal(&next, &town.scheme.terminal_authority.keys);
    town.give_certificate = &next;
    town.now += 2 * FIXTURE_DAY;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_true(sync.new_certificate);
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    assert_true(info.certificate_end > town.now + 4 * FIXTURE_DAY);
    assert_int_equal(info.known_cards, 0);
    pay(100);
    stiver_terminal_last_count(shop.terminal, &apdus, &bytes);
    assert_int_equal(apdus, 6); /* to the card it is a stranger again */
    assert_int_equal(town_pay(&shop, &card, 1, &result), STIVER_TERMINAL_OK);
    stiver_terminal_last_count(shop.terminal, &apdus, &bytes);
    assert_int_equal(apdus, 3);
    check_money();
}

/* The bank's terminal authority was renewed; the terminal learns of it by a package alone. */
static void a_certificate_of_an_authority_unknown_here_is_left_out(void **state)
{
    struct stiver_terminal_sync sync;
    struct stiver_terminal_info before, after;
    struct fixture_certificate next = shop.certificate;
    (void)state;
    pay(100);
    assert_int_equal(stiver_terminal_info(shop.terminal, &before), STIVER_TERMINAL_OK);
    next.fields.authority += 100;
    next.fields.generation++;
    next.fields.start += FIXTURE_DAY;
    next.fields.end += FIXTURE_DAY;
    fixture_certificate_seal(&next, &town.scheme.card_authority.keys);
    town.give_certificate = &next;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_false(sync.new_certificate);
    assert_int_equal(sync.booked, 2);
    assert_int_equal(sync.left, 0);
    assert_int_equal(stiver_terminal_info(shop.terminal, &after), STIVER_TERMINAL_OK);
    assert_int_equal(after.certificate_end, before.certificate_end);
    assert_int_equal(after.to_upload, 0);
    pay(100);
    check_money();
}

static void a_certificate_for_another_key_is_not_taken(void **state)
{
    struct stiver_terminal_sync sync;
    struct stiver_terminal_info info;
    struct fixture_certificate other;
    (void)state;
    pay(100);
    fixture_terminal_make(&town.scheme, ROLE_POINT_OF_SALE, 2, &other);
    town.give_certificate = &other;
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    uint32_t end = info.certificate_end;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_false(sync.new_certificate);
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.certificate_end, end);
    assert_int_equal(info.to_upload, 0);
    pay(100);
    check_money();
}

static void an_older_list_does_not_replace_a_newer_one(void **state)
{
    struct stiver_terminal_sync sync;
    struct stiver_terminal_info info;
    (void)state;
    town_list(&town, 5, card.number, 1);
    town.give_list = true;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_true(sync.new_list);
    town_list(&town, 4, NULL, 0);
    town.give_list = true;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_false(sync.new_list);
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.list_sequence, 5);
    assert_int_equal(info.list_count, 1);
    town_list(&town, 6, card.number, 1);
    town.list[town.list_bytes - 1] ^= 1;
    town.give_list = true;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_LIST_FORGED);
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.list_sequence, 5);
}

static void a_terminal_in_doubt_stays_closed_until_the_bank_has_named_its_number(void **state)
{
    struct stiver_terminal_result result;
    struct stiver_terminal_sync sync;
    struct stiver_terminal_bytes old;
    (void)state;
    pay(100);
    assert_int_equal(stiver_terminal_upload_make(shop.terminal, &old), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_doubt(shop.terminal), STIVER_TERMINAL_OK);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_IN_DOUBT);
    assert_int_equal(result.number, 0);
    town.highest_claimed = 4711;
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_memory_not_equal(town.last_id, old.data + LINK_HEADER_BYTES - LINK_ID_BYTES,
                            LINK_ID_BYTES);
    stiver_terminal_bytes_free(&old);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_OK);
    assert_int_equal(result.number, 4712);
    check_money();
}

static void more_than_fits_into_one_request_goes_in_several(void **state)
{
    struct stiver_terminal_sync sync;
    (void)state;
    for (unsigned i = 0; i < 40; i++)
        pay(1);
    assert_int_equal(synchronise(&sync), STIVER_TERMINAL_OK);
    assert_int_equal(sync.booked, 41);
    check_money();
    assert_int_equal(town.paid, 40);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(receipts_and_abandoned_numbers_are_answered_one_by_one),
        TEST(a_request_stays_the_same_until_its_answer_was_taken),
        TEST(a_lost_answer_costs_nothing),
        TEST(a_forged_answer_changes_nothing),
        TEST(what_the_bank_says_reaches_the_person),
        TEST(an_acknowledgement_is_carried_and_frees_the_cards_log),
        TEST(an_acknowledgement_that_is_torn_never_spoils_the_sale),
        TEST(a_new_certificate_is_used_from_then_on),
        TEST(a_certificate_of_an_authority_unknown_here_is_left_out),
        TEST(a_certificate_for_another_key_is_not_taken),
        TEST(an_older_list_does_not_replace_a_newer_one),
        TEST(a_terminal_in_doubt_stays_closed_until_the_bank_has_named_its_number),
        TEST(more_than_fits_into_one_request_goes_in_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
