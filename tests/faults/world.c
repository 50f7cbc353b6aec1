/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "card/core/records.h"
#include "card/purse/internal.h"

static const struct stiver_bank_secret passphrase = {(const uint8_t *)"correct horse", 13};

static uint32_t now(void *context)
{
    (void)context;
    return FIXTURE_NOW;
}

/* ---- the bank and its terminals ---- */

static bool ask_bank(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                     size_t *answer_bytes)
{
    struct stiver_bank_bytes given;
    struct world *world = context;
    if (stiver_bank_link(world->bank, request, bytes, &given) != STIVER_BANK_OK)
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

static void join(struct world *world, struct member *member, enum terminal_role role)
{
    const struct stiver_terminal_environment environment = {.now = now, .journal_in_memory = true};
    const struct stiver_bank_enrolment enrolment = {
        .role = (uint8_t)role, .merchant = 7, .limit = 5000, .credit = 1000000, .days = 7};
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    struct stiver_bank_bytes package;
    member->link = (struct stiver_terminal_link){world, ask_bank, release};
    assert_int_equal(stiver_terminal_open(NULL, &environment, &member->terminal),
                     STIVER_TERMINAL_OK);
    stiver_terminal_request(member->terminal, request);
    assert_int_equal(stiver_bank_enrol(world->bank, request, sizeof request, &enrolment,
                                       member->number, &package),
                     STIVER_BANK_OK);
    assert_int_equal(stiver_terminal_adopt(member->terminal, package.data, package.length, NULL),
                     STIVER_TERMINAL_OK);
    stiver_bank_bytes_free(&package);
}

static void found_bank(struct world *world)
{
    char directory[80];
    const struct stiver_bank_environment environment = {
        .engine = &stiver_store_sqlite, .now = now, .key_cost = 10};
    const struct stiver_bank_founding founding = {
        .name = "Campus",
        .currency = FIXTURE_CURRENCY,
        .is_test = true,
        .largest = 10000,
        .policy = {.payment_limit = 5000,
                   .balance_limit = 1000000,
                   .pin_above = UINT32_MAX,
                   .online_above = UINT32_MAX},
        .passphrase = passphrase,
    };
    strcpy(world->place, "/tmp/stiver-faults-XXXXXX");
    assert_non_null(mkdtemp(world->place));
    snprintf(directory, sizeof directory, "%s/bank", world->place);
    assert_int_equal(stiver_bank_found(directory, &founding, &environment), STIVER_BANK_OK);
    assert_int_equal(stiver_bank_open(directory, passphrase, &environment, &world->bank),
                     STIVER_BANK_OK);
}

void world_found(struct world *world)
{
    memset(world, 0, sizeof *world);
    found_bank(world);
    join(world, &world->station, ROLE_STATION);
    join(world, &world->kiosk, ROLE_KIOSK);
    join(world, &world->desk, ROLE_DESK);
    join(world, &world->bank_desk, ROLE_BANK);
    for (unsigned i = 0; i < WORLD_SHOPS; i++)
        join(world, &world->shops[i], ROLE_POINT_OF_SALE);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

void world_end(struct world *world)
{
    town_card_remove(&world->card);
    stiver_terminal_close(world->station.terminal);
    stiver_terminal_close(world->kiosk.terminal);
    stiver_terminal_close(world->desk.terminal);
    stiver_terminal_close(world->bank_desk.terminal);
    for (unsigned i = 0; i < WORLD_SHOPS; i++)
        stiver_terminal_close(world->shops[i].terminal);
    stiver_bank_close(world->bank);
    assert_int_equal(nftw(world->place, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void world_bring_home(struct member *member)
{
    struct stiver_terminal_info info;
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    assert_int_equal(stiver_terminal_synchronise(member->terminal, &member->link, &sync, detail),
                     STIVER_TERMINAL_OK);
    assert_int_equal(sync.rejected, 0);
    assert_int_equal(sync.suspense, 0);
    assert_int_equal(sync.left, 0);
    assert_int_equal(stiver_terminal_info(member->terminal, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.open_intents, 0);
}

static void read_books(struct world *world, struct stiver_bank_books *books)
{
    assert_int_equal(stiver_bank_books(world->bank, NULL, NULL, books), STIVER_BANK_OK);
}

uint64_t world_receipts(struct world *world)
{
    struct stiver_bank_books books;
    read_books(world, &books);
    return books.receipts;
}

void world_check_books(struct world *world, uint32_t float_minor)
{
    struct stiver_bank_books books;
    read_books(world, &books);
    assert_true(books.balanced);
    assert_int_equal(books.sum_minor, 0);
    assert_int_equal(books.float_minor, float_minor);
    assert_int_equal(books.shadow_minor, float_minor);
    assert_int_equal(books.alarms, 0);
}

static void print_finding(void *context, const char *text)
{
    (void)context;
    print_message("# audit: %s\n", text);
}

void world_audit(struct world *world, uint32_t float_minor)
{
    struct stiver_bank_audit audit;
    world_check_books(world, float_minor);
    assert_int_equal(stiver_bank_audit(world->bank, print_finding, NULL, &audit), STIVER_BANK_OK);
    assert_int_equal(audit.findings, 0);
}

/* ---- the card ---- */

void world_card_blank(struct world *world)
{
    struct stiver_card_factory factory = {.transport_key = {0x55}};
    struct town_card *card = &world->card;
    town_card_remove(card);
    town_card_blank(card, 1);
    town_card_remove(card);
    /* A serial of its own: the bank never forgets one. */
    world->cards++;
    card->serial[6] = (uint8_t)(world->cards >> 8);
    card->serial[7] = (uint8_t)world->cards;
    memcpy(factory.serial, card->serial, sizeof factory.serial);
    assert_int_equal(stiver_card_manufacture(&card->port, &factory), STIVER_CARD_OK);
    assert_int_equal(
        stiver_bank_stock(world->bank, card->serial, factory.transport_key, CARD_VIRTUAL),
        STIVER_BANK_OK);
    world_touch(world, NULL);
}

void world_card_issue(struct world *world)
{
    struct stiver_terminal_result result;
    const struct stiver_terminal_personalisation with = {.link = &world->station.link};
    world_card_blank(world);
    assert_int_equal(
        stiver_terminal_personalise(world->station.terminal, &world->reader.reader, &with, &result),
        STIVER_TERMINAL_OK);
    memcpy(world->card.number, result.card, sizeof world->card.number);
}

void world_touch(struct world *world, const struct fault_plan *plan)
{
    town_card_insert(&world->card);
    fault_reader_open(&world->reader, &world->card.reader);
    fault_proxy_plan(&world->reader.proxy, plan);
}

void world_look(const struct world *world, struct held *held)
{
    static struct town_card copy;
    static struct stiver_card memory;
    uint8_t keys[2 * PUBLIC_KEY_BYTES];
    bool is_there = false;
    memset(held, 0, sizeof *held);
    copy = world->card;
    copy.port.context = copy.flash;
    assert_int_equal(stiver_card_power_on(&memory, &copy.port), STIVER_CARD_OK);
    struct card *card = (struct card *)(void *)memory.memory;
    const struct ledger *ledger = &purse_view(card)->ledger;
    held->state = (uint8_t)ledger->state;
    held->balance = ledger->balance.minor;
    held->counter = ledger->card_counter;
    held->refund_counter = ledger->refund.counter;
    held->policy_number = ledger->policy_number;
    held->acknowledged = ledger->acknowledged.up_to;
    assert_int_equal(record_read_optional(card, RECORD_PUBLIC_KEYS, keys, sizeof keys, &is_there),
                     STATUS_OK);
    memcpy(held->receipt_key, keys + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES);
    if (held->state != PURSE_BLANK) {
        assert_int_equal(purse_read(card, PURSE_RECORD_PIN, held->pin, sizeof held->pin),
                         STATUS_OK);
        assert_int_equal(pin_tries(card, &held->tries), STATUS_OK);
    }
    stiver_card_power_off(&memory);
}
