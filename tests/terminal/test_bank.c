/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals, real cards and the real bank, meeting over nothing but the link's bytes: a whole life
 * with its tears, after which the bank's books balance and its audit finds nothing.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <stiver/bank.h>

#include "town.h"

static const struct stiver_bank_secret passphrase = {(const uint8_t *)"correct horse", 13};
static char place[64], directory[80];
static struct stiver_bank *bank;
static struct town_card card;

struct member {
    struct stiver_terminal *terminal;
    struct stiver_terminal_link link;
    uint8_t number[8];
};
static struct member station, kiosk, shop;

static uint32_t now(void *context)
{
    (void)context;
    return FIXTURE_NOW;
}

static bool ask_bank(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                     size_t *answer_bytes)
{
    struct stiver_bank_bytes given;
    (void)context;
    if (stiver_bank_link(bank, request, bytes, &given) != STIVER_BANK_OK)
        return false;
    *answer = given.data;
    *answer_bytes = given.length;
    return true;
}

static void release(void *context, uint8_t *answer)
{
    struct stiver_bank_bytes given = {answer, 0};
    (void)context;
    stiver_bank_bytes_free(&given);
}

static void join(struct member *member, enum terminal_role role)
{
    const struct stiver_terminal_environment environment = {.now = now, .journal_in_memory = true};
    const struct stiver_bank_enrolment enrolment = {
        .role = (uint8_t)role, .merchant = 7, .limit = 5000, .credit = 100000, .days = 7};
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    struct stiver_bank_bytes package;
    member->link = (struct stiver_terminal_link){NULL, ask_bank, release};
    assert_int_equal(stiver_terminal_open(NULL, &environment, &member->terminal),
                     STIVER_TERMINAL_OK);
    stiver_terminal_request(member->terminal, request);
    assert_int_equal(
        stiver_bank_enrol(bank, request, sizeof request, &enrolment, member->number, &package),
        STIVER_BANK_OK);
    assert_int_equal(stiver_terminal_adopt(member->terminal, package.data, package.length, NULL),
                     STIVER_TERMINAL_OK);
    stiver_bank_bytes_free(&package);
}

static void found(void)
{
    const struct stiver_bank_environment environment = {
        .engine = &stiver_store_sqlite, .now = now, .key_cost = 10};
    const struct stiver_bank_founding founding = {
        .name = "Campus",
        .currency = FIXTURE_CURRENCY,
        .is_test = true,
        .largest = 10000,
        .policy = {.payment_limit = 5000,
                   .balance_limit = 20000,
                   .pin_above = UINT32_MAX,
                   .online_above = UINT32_MAX},
        .passphrase = passphrase,
    };
    assert_int_equal(stiver_bank_found(directory, &founding, &environment), STIVER_BANK_OK);
    assert_int_equal(stiver_bank_open(directory, passphrase, &environment, &bank), STIVER_BANK_OK);
}

static int set_up(void **state)
{
    struct stiver_terminal_result result;
    uint8_t transport_key[16] = {0x55};
    (void)state;
    strcpy(place, "/tmp/stiver-terminal-XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(directory, sizeof directory, "%s/bank", place);
    found();
    join(&station, ROLE_STATION);
    join(&kiosk, ROLE_KIOSK);
    join(&shop, ROLE_POINT_OF_SALE);
    town_card_blank(&card, 1);
    assert_int_equal(stiver_bank_stock(bank, card.serial, transport_key, CARD_VIRTUAL),
                     STIVER_BANK_OK);
    const struct stiver_terminal_personalisation with = {.link = &station.link};
    assert_int_equal(stiver_terminal_personalise(station.terminal, &card.reader, &with, &result),
                     STIVER_TERMINAL_OK);
    memcpy(card.number, result.card, sizeof card.number);
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
    town_card_remove(&card);
    stiver_terminal_close(station.terminal);
    stiver_terminal_close(kiosk.terminal);
    stiver_terminal_close(shop.terminal);
    stiver_bank_close(bank);
    return nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- touches ---- */

static enum stiver_terminal_status act(struct member *member, uint32_t minor, bool is_load,
                                       enum pull at, struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(minor)};
    town_card_touch(&card, at, is_load ? COMMAND_LOAD : COMMAND_PAY);
    enum stiver_terminal_status status =
        stiver_terminal_begin(member->terminal, &card.reader, &session, result);
    if (status == STIVER_TERMINAL_OK)
        status = is_load ? stiver_terminal_load(session, sale.amount, &member->link, result)
                         : stiver_terminal_pay(session, &sale, result);
    stiver_terminal_end(session);
    if (status == STIVER_TERMINAL_BANK_REFUSED)
        print_message("# %u: %s\n", minor, result->detail);
    return status;
}

static void bring_home(struct member *member)
{
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    assert_int_equal(stiver_terminal_synchronise(member->terminal, &member->link, &sync, detail),
                     STIVER_TERMINAL_OK);
    assert_int_equal(sync.rejected, 0);
    assert_int_equal(sync.suspense, 0);
    assert_int_equal(sync.left, 0);
}

static void print_finding(void *context, const char *text)
{
    (void)context;
    print_message("# audit: %s\n", text);
}

static void check_books(uint32_t float_minor)
{
    struct stiver_bank_books books;
    struct stiver_bank_audit audit;
    bring_home(&kiosk);
    bring_home(&shop);
    assert_int_equal(stiver_bank_books(bank, NULL, NULL, &books), STIVER_BANK_OK);
    assert_true(books.balanced);
    assert_int_equal(books.sum_minor, 0);
    assert_int_equal(books.float_minor, float_minor);
    assert_int_equal(books.shadow_minor, float_minor);
    assert_int_equal(stiver_bank_audit(bank, print_finding, NULL, &audit), STIVER_BANK_OK);
    assert_int_equal(audit.findings, 0);
}

static void a_whole_life_with_its_tears_balances(void **state)
{
    struct stiver_terminal_result result;
    (void)state;
    assert_int_equal(act(&kiosk, 2000, true, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    assert_int_equal(act(&shop, 250, false, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    assert_int_equal(act(&shop, 300, false, PULL_BEFORE_ANSWER, &result),
                     STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(act(&shop, 300, false, PULL_NEVER, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    assert_int_equal(act(&shop, 100, false, PULL_BEFORE_COMMIT, &result),
                     STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(act(&shop, 100, false, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    assert_int_equal(act(&shop, 4000, false, PULL_NEVER, &result), STIVER_TERMINAL_BALANCE);
    check_books(2000 - 650);
    assert_int_equal(act(&kiosk, 500, true, PULL_BEFORE_COMMIT, &result),
                     STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(act(&kiosk, 500, true, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    assert_int_equal(act(&kiosk, 700, true, PULL_BEFORE_ANSWER, &result),
                     STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(act(&kiosk, 700, true, PULL_NEVER, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    assert_int_equal(result.balance.minor, 2000 - 650 + 1200);
    check_books(2000 - 650 + 1200);
}

static void acknowledgements_come_back_to_the_card(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    struct stiver_terminal_purse purse;
    (void)state;
    assert_int_equal(act(&kiosk, 2000, true, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    assert_int_equal(act(&shop, 250, false, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    check_books(1750);
    town_card_insert(&card);
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_read(session, &purse, &result), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_read(session, &purse, &result), STIVER_TERMINAL_OK);
    stiver_terminal_end(session);
    assert_int_equal(purse.free_slots, LOG_SLOTS);
    check_books(1750);
}

static void a_lost_card_blocks_itself_and_the_books_still_balance(void **state)
{
    struct stiver_terminal_result result;
    (void)state;
    assert_int_equal(act(&kiosk, 2000, true, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_bank_list_card(bank, card.number, STIVER_BANK_LOST), STIVER_BANK_OK);
    bring_home(&shop);
    assert_int_equal(act(&shop, 250, false, PULL_NEVER, &result), STIVER_TERMINAL_CARD_BLOCKED);
    check_books(2000);
}

static void a_load_that_the_card_refuses_keeps_no_later_one_back(void **state)
{
    struct stiver_terminal_result result;
    (void)state;
    assert_int_equal(act(&kiosk, 10000, true, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    assert_int_equal(act(&kiosk, 9000, true, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    assert_int_equal(act(&kiosk, 5000, true, PULL_NEVER, &result), STIVER_TERMINAL_BALANCE_LIMIT);
    assert_int_equal(act(&kiosk, 1000, true, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    assert_int_equal(result.balance.minor, 20000);
    check_books(20000);
}

static void a_load_torn_before_the_commit_may_be_of_another_amount_next(void **state)
{
    struct stiver_terminal_result result;
    (void)state;
    assert_int_equal(act(&kiosk, 2000, true, PULL_BEFORE_COMMIT, &result),
                     STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(act(&kiosk, 700, true, PULL_NEVER, &result), STIVER_TERMINAL_OK);
    assert_int_equal(result.balance.minor, 700);
    check_books(700);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_whole_life_with_its_tears_balances),
        TEST(acknowledgements_come_back_to_the_card),
        TEST(a_lost_card_blocks_itself_and_the_books_still_balance),
        TEST(a_load_that_the_card_refuses_keeps_no_later_one_back),
        TEST(a_load_torn_before_the_commit_may_be_of_another_amount_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
