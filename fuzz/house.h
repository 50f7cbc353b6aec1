/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bank whose database lies in memory, its terminals, and a card that loaded and paid: made once,
 * with new keys each time, so that an input names no key but changes what the real parties said.
 * Each input meets the bank as it was made (house_restore).
 */
#ifndef FUZZ_HOUSE_H
#define FUZZ_HOUSE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>
#include <stiver/bank.h>

#include "card.h"
#include "port/host/inprocess_reader.h"
#include "terminal/internal.h"

#define HOUSE_NOW (1772409600u + 86400u)
#define HOUSE_SCHEME 0x54455354u

enum house_member { HOUSE_STATION, HOUSE_KIOSK, HOUSE_SHOP, HOUSE_DESK, HOUSE_MEMBERS };

struct house_terminal {
    struct stiver_terminal *terminal;
    uint8_t number[TERMINAL_NUMBER_BYTES];
    struct stiver_bank_bytes package;
};

static struct house {
    char place[64];
    struct stiver_bank *bank;
    struct house_terminal members[HOUSE_MEMBERS];
    struct ram_flash flash;
    sqlite3 *live, *kept;
    /* The last request and answer of each type as they went over the link. */
    struct stiver_terminal_bytes request[5], answer[5];
} house;

/* ---- the bank's database lies in memory: link with --wrap=sqlite3_open_v2 ---- */

int __real_sqlite3_open_v2(const char *path, sqlite3 **handle, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **handle, int flags, const char *vfs);

static int house_open(sqlite3 **handle)
{
    return __real_sqlite3_open_v2("file:/house?vfs=memdb", handle,
                                  SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI,
                                  NULL);
}

/* A database in memory ends with its last connection: house.live is one more. */
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **handle, int flags, const char *vfs)
{
    static const char name[] = "/bank.db";
    size_t length = strlen(path);
    if (length < sizeof name || strcmp(path + length - (sizeof name - 1), name) != 0)
        return __real_sqlite3_open_v2(path, handle, flags, vfs);
    require(house.live != NULL || house_open(&house.live) == SQLITE_OK);
    return house_open(handle);
}

static uint32_t house_clock(void *context)
{
    (void)context;
    return HOUSE_NOW;
}

static void house_keep(struct stiver_terminal_bytes *kept, const uint8_t *data, size_t bytes)
{
    free(kept->data);
    kept->data = malloc(bytes);
    require(kept->data != NULL);
    memcpy(kept->data, data, bytes);
    kept->length = bytes;
}

static bool house_ask(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                      size_t *answer_bytes)
{
    struct stiver_bank_bytes given;
    (void)context;
    if (stiver_bank_link(house.bank, request, bytes, &given) != STIVER_BANK_OK)
        return false;
    require(request[1] < 5);
    house_keep(&house.request[request[1]], request, bytes);
    house_keep(&house.answer[request[1]], given.data, given.length);
    *answer = given.data;
    *answer_bytes = given.length;
    return true;
}

static void house_release(void *context, uint8_t *answer)
{
    struct stiver_bank_bytes given = {answer, 0};
    (void)context;
    stiver_bank_bytes_free(&given);
}

static const struct stiver_terminal_link house_link = {NULL, house_ask, house_release};
static const struct stiver_terminal_environment house_environment = {.now = house_clock,
                                                                     .journal_in_memory = true};

static void house_join(struct house_terminal *member, enum terminal_role role)
{
    const struct stiver_bank_enrolment enrolment = {
        .role = (uint8_t)role, .merchant = 7, .limit = 5000, .credit = 1000000, .days = 7};
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    require(stiver_terminal_open(NULL, &house_environment, &member->terminal) ==
            STIVER_TERMINAL_OK);
    stiver_terminal_request(member->terminal, request);
    require(stiver_bank_enrol(house.bank, request, sizeof request, &enrolment, member->number,
                              &member->package) == STIVER_BANK_OK);
    require(stiver_terminal_adopt(member->terminal, member->package.data, member->package.length,
                                  NULL) == STIVER_TERMINAL_OK);
}

static int house_remove(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void house_end(void)
{
    (void)nftw(house.place, house_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void house_found(void)
{
    char directory[80];
    const struct stiver_bank_secret passphrase = {(const uint8_t *)"correct horse", 13};
    const struct stiver_bank_environment environment = {
        .engine = &stiver_store_sqlite, .now = house_clock, .key_cost = 10};
    const struct stiver_bank_founding founding = {
        .name = "Campus",
        .currency = 978,
        .is_test = true,
        .scheme = HOUSE_SCHEME,
        .largest = 10000,
        .policy = {.payment_limit = 5000,
                   .balance_limit = 1000000,
                   .pin_above = UINT32_MAX,
                   .online_above = UINT32_MAX},
        .passphrase = passphrase,
    };
    strcpy(house.place, "/tmp/stiver-fuzz-XXXXXX");
    require(mkdtemp(house.place) != NULL && atexit(house_end) == 0);
    snprintf(directory, sizeof directory, "%s/bank", house.place);
    require(stiver_bank_found(directory, &founding, &environment) == STIVER_BANK_OK);
    require(stiver_bank_open(directory, passphrase, &environment, &house.bank) == STIVER_BANK_OK);
    house_join(&house.members[HOUSE_STATION], ROLE_STATION);
    house_join(&house.members[HOUSE_KIOSK], ROLE_KIOSK);
    house_join(&house.members[HOUSE_SHOP], ROLE_POINT_OF_SALE);
    house_join(&house.members[HOUSE_DESK], ROLE_DESK);
}

/* ---- a card's life ---- */

static bool house_letter(void *context, const uint8_t card[8], const char *pin)
{
    (void)context;
    (void)card;
    return pin[0] != '\0';
}

static void house_touch(struct card_slot *slot, struct card_reader *reader)
{
    const struct card_slot_options options = {.flash = port_of(&house.flash)};
    card_reader_close(reader);
    card_slot_init(slot, &options);
    require(inprocess_reader_open(slot, reader) == READER_OK);
}

static struct stiver_terminal_session *house_begin(enum house_member member,
                                                   struct card_reader *reader)
{
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    require(stiver_terminal_begin(house.members[member].terminal, reader, &session, &result) ==
            STIVER_TERMINAL_OK);
    return session;
}

static void house_bring_home(enum house_member member)
{
    struct stiver_terminal_sync sync;
    require(stiver_terminal_synchronise(house.members[member].terminal, &house_link, &sync, NULL) ==
            STIVER_TERMINAL_OK);
}

/* Personalised, loaded, paid; the load is booked, the payment waits at the shop. */
static void house_card(void)
{
    static struct card_slot slot;
    static struct card_reader reader;
    struct stiver_terminal_result result;
    struct stiver_terminal_session *session;
    struct stiver_flash port = port_of(&house.flash);
    const struct stiver_card_factory factory = {.serial = "fuzzcard", .transport_key = {0x55}};
    const struct stiver_terminal_personalisation with = {.link = &house_link,
                                                         .pin_letter = house_letter};
    const struct stiver_terminal_sale sale = {.amount = {250, 978}, .is_new = true};
    house.flash.changes_left = UINT32_MAX;
    require(stiver_card_manufacture(&port, &factory) == STIVER_CARD_OK);
    require(stiver_bank_stock(house.bank, factory.serial, factory.transport_key, 2) ==
            STIVER_BANK_OK);
    house_touch(&slot, &reader);
    require(stiver_terminal_personalise(house.members[HOUSE_STATION].terminal, &reader, &with,
                                        &result) == STIVER_TERMINAL_OK);
    house_touch(&slot, &reader);
    session = house_begin(HOUSE_KIOSK, &reader);
    require(stiver_terminal_load(session, (struct stiver_terminal_money){5000, 978}, &house_link,
                                 &result) == STIVER_TERMINAL_OK);
    stiver_terminal_end(session);
    house_bring_home(HOUSE_KIOSK);
    house_touch(&slot, &reader);
    session = house_begin(HOUSE_SHOP, &reader);
    require(stiver_terminal_pay(session, &sale, &result) == STIVER_TERMINAL_OK);
    stiver_terminal_end(session);
    card_reader_close(&reader);
}

/* ---- the bank's memory ---- */

static void house_copy(sqlite3 *to, sqlite3 *from)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    require(backup != NULL && sqlite3_backup_step(backup, -1) == SQLITE_DONE);
    require(sqlite3_backup_finish(backup) == SQLITE_OK);
}

static inline void house_restore(void)
{
    house_copy(house.live, house.kept);
}

static void house_make(void)
{
    require(crypto_start() == CRYPTO_OK);
    house_found();
    house_card();
    require(sqlite3_open_v2(":memory:", &house.kept, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
    house_copy(house.kept, house.live);
}

/* ---- changes ---- */

/* Each change: at 2, how many bytes of the original go 1, how many come 1, these. Returns the
 * length of what is in out then. */
static inline size_t house_change(struct reader *r, const uint8_t *from, size_t bytes, uint8_t *out,
                                  size_t capacity)
{
    bytes = bytes < capacity ? bytes : capacity;
    if (bytes != 0)
        memcpy(out, from, bytes);
    while (r->left >= 4) {
        size_t at = reader_u16(r), gone = reader_u8(r), come = reader_u8(r);
        at = bytes == 0 ? 0 : at % (bytes + 1);
        gone = gone < bytes - at ? gone : bytes - at;
        come = come < r->left ? come : r->left;
        come = come < capacity - (bytes - gone) ? come : capacity - (bytes - gone);
        memmove(out + at + come, out + at + gone, bytes - at - gone);
        const uint8_t *given = reader_take(r, come);
        if (come != 0)
            memcpy(out + at, given, come);
        bytes = bytes - gone + come;
    }
    return bytes;
}

#endif
