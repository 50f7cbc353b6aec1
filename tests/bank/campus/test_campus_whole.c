/* SPDX-License-Identifier: Apache-2.0 */
/* The campus purse as a whole: our card, our terminals, and the bank behind them, over the link's
 * bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stiver/campus_bank.h>

#include "yard.h"

/* The bank's harness and a card's code do not go into one program: a small one instead. */
#define NOW 1795262400u /* 2026-11-21T12:00:00Z */
struct world {
    char parent[64], directory[80];
    uint32_t now;
    struct stiver_bank *bank;
};

static uint32_t clock_of(void *context)
{
    return ((struct world *)context)->now;
}

static void world_open(struct world *w)
{
    *w = (struct world){.now = NOW, .parent = "/tmp/stiver-campus-test-XXXXXX"};
    assert_non_null(mkdtemp(w->parent));
    snprintf(w->directory, sizeof w->directory, "%s/bank", w->parent);
    struct stiver_bank_environment environment = {
        .engine = &stiver_store_sqlite, .now = clock_of, .clock_context = w, .key_cost = 10};
    struct stiver_bank_secret passphrase = {(const uint8_t *)"correct horse", 13};
    struct stiver_bank_founding founding = {
        .name = "Test campus",
        .currency = 978,
        .is_test = true,
        .largest = 10000,
        .policy = {.payment_limit = 5000,
                   .balance_limit = 20000,
                   .pin_above = UINT32_MAX,
                   .online_above = UINT32_MAX},
        .passphrase = passphrase,
    };
    assert_int_equal(stiver_bank_found(w->directory, &founding, &environment), STIVER_BANK_OK);
    assert_int_equal(stiver_bank_open(w->directory, passphrase, &environment, &w->bank),
                     STIVER_BANK_OK);
}

/* The books are whole, and the audit finds nothing. */
static void world_close(struct world *w)
{
    struct stiver_bank_books books;
    struct stiver_bank_audit audit;
    char command[96];
    assert_int_equal(stiver_bank_books(w->bank, NULL, NULL, &books), STIVER_BANK_OK);
    assert_true(books.balanced);
    assert_int_equal(stiver_bank_audit(w->bank, NULL, NULL, &audit), STIVER_BANK_OK);
    assert_int_equal(audit.findings, 0);
    assert_int_equal(audit.postings, books.postings);
    stiver_bank_close(w->bank);
    snprintf(command, sizeof command, "rm -r '%s'", w->parent);
    assert_int_equal(system(command), 0);
}

struct wanted {
    const char *name;
    int64_t balance;
};

static void pick_account(void *context, const struct stiver_bank_account *account)
{
    struct wanted *wanted = context;
    if (strcmp(account->name, wanted->name) == 0)
        wanted->balance = account->balance_minor;
}

static int64_t world_balance(struct world *w, const char *account)
{
    struct wanted wanted = {account, 0};
    struct stiver_bank_books books;
    assert_int_equal(stiver_bank_books(w->bank, pick_account, &wanted, &books), STIVER_BANK_OK);
    return wanted.balance;
}

static bool ask(void *context, const uint8_t *request, size_t request_bytes, uint8_t **answer,
                size_t *answer_bytes)
{
    struct stiver_bank_bytes given;
    if (stiver_campus_link(context, request, request_bytes, &given) != STIVER_BANK_OK)
        return false;
    *answer = given.data;
    *answer_bytes = given.length;
    return true;
}

static void release(void *context, uint8_t *answer)
{
    (void)context;
    free(answer);
}

static struct stiver_campus_terminal *enrol(struct world *w, const char *name,
                                            enum stiver_campus_role role, uint32_t *id)
{
    char path[160];
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES], fingerprint[32];
    struct stiver_campus_enrolment e = {.merchant = 7, .credit = 5000, .days = 7};
    struct stiver_terminal_environment environment = {.now = clock_of, .clock_context = w};
    struct stiver_bank_bytes package;
    struct stiver_campus_terminal *terminal;
    struct stiver_campus_settings settings;
    snprintf(path, sizeof path, "%s/%s", w->parent, name);
    assert_int_equal(stiver_campus_terminal_create(path, role, request), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_terminal_open(path, &environment, &terminal),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_enrol(w->bank, request, sizeof request, &e, id, &package),
                     STIVER_BANK_OK);
    assert_int_equal(stiver_campus_settings(w->bank, &settings), STIVER_BANK_OK);
    memcpy(fingerprint, settings.fingerprint, sizeof fingerprint);
    assert_int_equal(
        stiver_campus_terminal_adopt(terminal, package.data, package.length, fingerprint),
        STIVER_TERMINAL_OK);
    stiver_bank_bytes_free(&package);
    return terminal;
}

static void bring(struct world *w, struct stiver_campus_terminal *terminal, unsigned booked)
{
    struct stiver_terminal_link link = {w->bank, ask, release};
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES];
    assert_int_equal(stiver_campus_synchronise(terminal, &link, &sync, detail), STIVER_TERMINAL_OK);
    assert_int_equal(sync.booked, booked);
    assert_int_equal(sync.rejected + sync.suspense + sync.left, 0);
}

static void note_card(void *context, const struct stiver_campus_card *card)
{
    *(struct stiver_campus_card *)context = *card;
}

static void a_card_lives_from_its_making_to_its_block(void **state)
{
    (void)state;
    static struct own_card card; /* its flash is large */
    struct world w;
    struct stiver_campus_result result;
    struct stiver_campus_card known = {0};
    uint32_t id;
    world_open(&w);
    assert_int_equal(stiver_campus_found(w.bank, NULL, 0, NULL), STIVER_BANK_OK);
    struct stiver_terminal_link link = {w.bank, ask, release};
    struct stiver_campus_terminal *station = enrol(&w, "station", STIVER_CAMPUS_STATION, &id);
    struct stiver_campus_terminal *reload = enrol(&w, "reload", STIVER_CAMPUS_RELOAD, &id);
    char till[40];
    snprintf(till, sizeof till, "campus till:%u", id);
    struct stiver_campus_terminal *pos = enrol(&w, "pos", STIVER_CAMPUS_POS, &id);
    own_blank(&card, true);
    assert_int_equal(stiver_campus_personalise(station, &card.reader, &link, &result),
                     STIVER_TERMINAL_OK);
    assert_true(result.card >= 0x80000000u);
    assert_int_equal(stiver_campus_load(reload, &card.reader, 2000, &result), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_pay(pos, &card.reader, 250, &result), STIVER_TERMINAL_OK);
    bring(&w, pos, 1); /* before the load is known */
    bring(&w, reload, 1);
    bring(&w, pos, 0);
    assert_int_equal(world_balance(&w, "campus float"), 1750);
    assert_int_equal(world_balance(&w, "campus merchant:7"), 250);
    assert_int_equal(world_balance(&w, till), -2000);
    assert_int_equal(stiver_campus_list_card(w.bank, result.card), STIVER_BANK_OK);
    bring(&w, pos, 0); /* the list */
    assert_int_not_equal(stiver_campus_pay(pos, &card.reader, 250, &result), STIVER_TERMINAL_OK);
    bring(&w, pos, 1); /* the proof of its block */
    assert_int_equal(stiver_campus_cards(w.bank, note_card, &known), STIVER_BANK_OK);
    assert_true(known.is_listed && known.is_blocked);
    assert_int_equal(known.shadow_minor, 1750);
    stiver_campus_terminal_close(station);
    stiver_campus_terminal_close(reload);
    stiver_campus_terminal_close(pos);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_lives_from_its_making_to_its_block),
    };
    return cmocka_run_group_tests_name("campus whole", tests, NULL, NULL);
}
