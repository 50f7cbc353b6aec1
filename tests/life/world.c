/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bank/inside.h"
#include "chance.h"
#include "crypto/crypto.h"
#include "prepare.h"

bool world_is_child;
char world_story[256];
const struct stiver_store_engine *world_engine = &stiver_store_sqlite;

static const struct stiver_bank_secret passphrase = {(const uint8_t *)"correct horse", 13};

void world_fail(const char *file, int line, const char *what)
{
    printf("# %s:%d: %s\n#   %s\n", file, line, what, world_story);
    fflush(stdout);
    if (world_is_child)
        _exit(1);
    fail();
    abort();
}

void world_equal(const char *file, int line, const char *what, int64_t is, int64_t should)
{
    if (is == should)
        return;
    printf("# %lld, not %lld:\n", (long long)is, (long long)should);
    world_fail(file, line, what);
}

/* ---- the link ---- */

static uint32_t world_now(void *context)
{
    return ((const struct world *)context)->now;
}

static uint32_t member_now(void *context)
{
    const struct member *member = context;
    return (uint32_t)((int64_t)member->world->now + member->clock_off);
}

static bool ask_bank(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                     size_t *answer_bytes)
{
    const struct member *member = context;
    struct world *world = member->world;
    const struct weather *weather = &world->weather;
    struct stiver_bank_bytes given;
    if (member->is_offline)
        return false;
    if (weather->loses_request > 0 && chance_percent(weather->loses_request)) {
        world->lost++;
        return false;
    }
    CHECK_EQUAL(stiver_bank_link(world->bank, request, bytes, &given), STIVER_BANK_OK);
    if (weather->doubles > 0 && chance_percent(weather->doubles)) {
        stiver_bank_bytes_free(&given);
        CHECK_EQUAL(stiver_bank_link(world->bank, request, bytes, &given), STIVER_BANK_OK);
        world->doubled++;
    }
    if (weather->loses_answer > 0 && chance_percent(weather->loses_answer)) {
        stiver_bank_bytes_free(&given);
        world->lost++;
        return false;
    }
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

/* ---- bank and terminals ---- */

/* A key file is opened when its key is first used; here at once, so that no fork does it again. */
static void open_keys(struct stiver_bank *bank)
{
    const uint8_t hash[SHA256_BYTES] = {0};
    uint8_t signature[SIGNATURE_BYTES];
    for (unsigned key = STIVER_BANK_KEY_ROOT + 1; key <= STIVER_BANK_KEY_LINK; key++)
        CHECK_EQUAL(
            keyring_sign(&bank->keys, (enum stiver_bank_key)key, bank_now(bank), hash, signature),
            STIVER_BANK_OK);
}

/* Nothing of a world has to last: where there is a file system in memory, it lies there. */
static void make_place(char place[64])
{
    static const char *const folders[] = {"/dev/shm", "/tmp"};
    const char *folder = folders[access(folders[0], W_OK) == 0 ? 0 : 1];
    snprintf(place, 64, "%s/stiver-life-XXXXXX", folder);
    CHECK(mkdtemp(place) != NULL);
}

void world_open(struct world *world, const struct stiver_bank_policy *policy)
{
    const struct stiver_bank_environment environment = {
        .engine = world_engine, .now = world_now, .clock_context = world, .key_cost = 10};
    memset(world, 0, sizeof *world);
    world->now = WORLD_START;
    world->policy = *policy;
    const struct stiver_bank_founding founding = {
        .name = "Campus",
        .currency = 978,
        .is_test = true,
        .largest = 100000,
        .policy = *policy,
        .passphrase = passphrase,
    };
    CHECK_EQUAL(crypto_start(), CRYPTO_OK);
    make_place(world->place);
    snprintf(world->directory, sizeof world->directory, "%s/bank", world->place);
    CHECK_EQUAL(stiver_bank_found(world->directory, &founding, &environment), STIVER_BANK_OK);
    CHECK_EQUAL(stiver_bank_open(world->directory, passphrase, &environment, &world->bank),
                STIVER_BANK_OK);
    open_keys(world->bank);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

void world_close(struct world *world)
{
    for (unsigned i = 0; i < world->member_count; i++)
        stiver_terminal_close(world->members[i].terminal);
    stiver_bank_close(world->bank);
    CHECK_EQUAL(nftw(world->place, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void open_terminal(struct member *member)
{
    const struct stiver_terminal_environment environment = {
        .now = member_now, .clock_context = member, .journal_in_memory = member->directory[0] == 0};
    CHECK_EQUAL(stiver_terminal_open(member->directory[0] == 0 ? NULL : member->directory,
                                     &environment, &member->terminal),
                STIVER_TERMINAL_OK);
}

struct member *world_join(struct world *world, enum terminal_role role, uint32_t merchant,
                          uint32_t limit, bool in_memory)
{
    CHECK(world->member_count < WORLD_MEMBERS_MAX);
    struct member *member = &world->members[world->member_count++];
    const struct stiver_bank_enrolment enrolment = {.role = (uint8_t)role,
                                                    .merchant = merchant,
                                                    .limit = limit,
                                                    .credit = 1000000000,
                                                    .days = 7};
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    struct stiver_bank_bytes package;
    *member = (struct member){.world = world, .role = role};
    member->link = (struct stiver_terminal_link){member, ask_bank, release};
    if (!in_memory) {
        strcpy(member->directory, world->place);
        strcat(member->directory, "/terminal-0");
        member->directory[strlen(member->directory) - 1] = (char)('0' + world->member_count);
        CHECK_EQUAL(stiver_terminal_create(member->directory, request), STIVER_TERMINAL_OK);
    }
    open_terminal(member);
    stiver_terminal_request(member->terminal, request);
    CHECK_EQUAL(stiver_bank_enrol(world->bank, request, sizeof request, &enrolment, member->number,
                                  &package),
                STIVER_BANK_OK);
    CHECK_EQUAL(stiver_terminal_adopt(member->terminal, package.data, package.length, NULL),
                STIVER_TERMINAL_OK);
    stiver_bank_bytes_free(&package);
    return member;
}

void world_reopen(struct member *member)
{
    stiver_terminal_close(member->terminal);
    member->terminal = NULL;
    open_terminal(member);
}

void world_prepare(struct world *world)
{
    prepare_bank(world->bank);
    for (unsigned i = 0; i < world->member_count; i++)
        prepare_terminal(world->members[i].terminal);
}

/* ---- cards ---- */

void world_card_make(struct world *world, struct world_card *card, uint32_t page_bytes,
                     uint32_t pages, uint64_t seed)
{
    struct stiver_card_factory factory = {.transport_key = {0x55}};
    memset(card, 0, sizeof *card);
    flash_emulator_open(&card->emulator, page_bytes, pages, 8, seed);
    for (unsigned i = 0; i < sizeof card->serial; i++)
        card->serial[i] = (uint8_t)(seed >> (8 * i));
    memcpy(factory.serial, card->serial, sizeof factory.serial);
    CHECK_EQUAL(stiver_card_manufacture(&card->emulator.flash, &factory), STIVER_CARD_OK);
    CHECK_EQUAL(stiver_bank_stock(world->bank, card->serial, factory.transport_key, CARD_VIRTUAL),
                STIVER_BANK_OK);
}

void world_card_free(struct world_card *card)
{
    world_card_remove(card);
    flash_emulator_close(&card->emulator);
}

void world_card_remove(struct world_card *card)
{
    if (card->is_in)
        card_reader_close(&card->reader);
    card->is_in = false;
}

bool world_card_insert(struct world_card *card, const struct pull_plan *plan)
{
    struct card_slot_options options = {.flash = card->emulator.flash};
    world_card_remove(card);
    if (plan != NULL)
        options.pull = *plan;
    flash_emulator_power_up(&card->emulator);
    card_slot_init(&card->slot, &options);
    card->is_in = inprocess_reader_open(&card->slot, &card->reader) == READER_OK;
    return card->is_in;
}

static bool keep_pin(void *context, const uint8_t number[8], const char *pin)
{
    struct world_card *card = context;
    (void)number;
    snprintf(card->pin, sizeof card->pin, "%s", pin);
    return true;
}

enum stiver_terminal_status world_personalise(struct member *station, struct world_card *card,
                                              struct stiver_terminal_result *result)
{
    const struct stiver_terminal_personalisation with = {
        .link = &station->link, .pin_letter = keep_pin, .pin_context = card};
    enum stiver_terminal_status status =
        stiver_terminal_personalise(station->terminal, &card->reader, &with, result);
    if (result->has_card)
        memcpy(card->number, result->card, sizeof card->number);
    return status;
}

/* ---- books ---- */

static void add_account(void *context, const struct stiver_bank_account *account)
{
    struct world_sums *sums = context;
    const struct {
        const char *name;
        int64_t *sum;
    } kinds[] = {{"float", &sums->card_float},   {"in flight", &sums->in_flight},
                 {"merchant", &sums->merchants}, {"till", &sums->tills},
                 {"loss", &sums->loss},          {"suspense", &sums->suspense},
                 {"owed", &sums->owed},          {"cash", &sums->cash}};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strncmp(account->name, kinds[i].name, strlen(kinds[i].name)) == 0)
            *kinds[i].sum += account->balance_minor;
}

void world_books(struct world *world, struct world_sums *sums)
{
    memset(sums, 0, sizeof *sums);
    CHECK_EQUAL(stiver_bank_books(world->bank, add_account, sums, &sums->books), STIVER_BANK_OK);
    CHECK_EQUAL(sums->books.sum_minor, 0);
    CHECK_EQUAL(sums->books.float_minor, sums->books.shadow_minor);
    CHECK(sums->books.balanced);
    CHECK_EQUAL(sums->card_float, sums->books.float_minor);
}

static void print_finding(void *context, const char *text)
{
    (void)context;
    printf("# audit: %s\n", text);
}

void world_audit(struct world *world)
{
    struct stiver_bank_audit audit;
    CHECK_EQUAL(stiver_bank_audit(world->bank, print_finding, NULL, &audit), STIVER_BANK_OK);
    CHECK_EQUAL(audit.findings, 0);
}

struct alarm_count {
    uint64_t count;
    bool print;
};

static void count_alarm(void *context, const struct stiver_bank_alarm *alarm)
{
    struct alarm_count *alarms = context;
    alarms->count++;
    if (alarms->print)
        printf("# alarm: %s\n", alarm->text);
}

uint64_t world_alarms(struct world *world, bool print)
{
    struct alarm_count alarms = {0, print};
    CHECK_EQUAL(stiver_bank_alarms(world->bank, count_alarm, &alarms), STIVER_BANK_OK);
    return alarms.count;
}
