/* SPDX-License-Identifier: Apache-2.0 */
#include "fair.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figure.h"
#include "scheme/certificate.h"

#define MONEY_MOST 1000000u

static uint32_t fair_clock(void *context)
{
    (void)context;
    return FAIR_NOW;
}

static bool answer(void *context, const uint8_t *request, size_t request_bytes, uint8_t **out,
                   size_t *out_bytes)
{
    struct fair *fair = context;
    struct stiver_bank_bytes bytes = {NULL, 0};
    if (stiver_bank_link(fair->bank, request, request_bytes, &bytes) != STIVER_BANK_OK)
        return false;
    *out = bytes.data;
    *out_bytes = bytes.length;
    return true;
}

static void release(void *context, uint8_t *data)
{
    (void)context;
    struct stiver_bank_bytes bytes = {data, 0};
    stiver_bank_bytes_free(&bytes);
}

/* ---- bank and terminals ---- */

static void open_bank(struct fair *fair)
{
    static const struct stiver_bank_secret passphrase = {(const uint8_t *)"a fair day", 10};
    const struct stiver_bank_environment environment = {
        .engine = &stiver_store_sqlite, .now = fair_clock, .key_cost = 10};
    const struct stiver_bank_founding founding = {
        .name = "Fair",
        .currency = FAIR_CURRENCY,
        .largest = MONEY_MOST,
        .policy = {.payment_limit = MONEY_MOST,
                   .balance_limit = MONEY_MOST,
                   .pin_above = UINT32_MAX,
                   .online_above = UINT32_MAX},
        .passphrase = passphrase,
    };
    char path[sizeof fair->directory + 8];
    (void)snprintf(path, sizeof path, "%s/bank", fair->directory);
    figure_need(stiver_bank_found(path, &founding, &environment) == STIVER_BANK_OK &&
                    stiver_bank_open(path, passphrase, &environment, &fair->bank) == STIVER_BANK_OK,
                "the bank could not be founded");
}

static struct stiver_terminal *open_terminal(struct fair *fair, enum terminal_role role,
                                             const char *directory)
{
    const struct stiver_terminal_environment environment = {.now = fair_clock,
                                                            .journal_in_memory = directory == NULL};
    const struct stiver_bank_enrolment enrolment = {.role = (uint8_t)role,
                                                    .merchant = 7,
                                                    .limit = MONEY_MOST,
                                                    .credit = 100 * MONEY_MOST,
                                                    .days = 7};
    struct stiver_terminal *terminal = NULL;
    struct stiver_bank_bytes package = {NULL, 0};
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES], number[TERMINAL_NUMBER_BYTES];
    figure_need(directory == NULL ||
                    stiver_terminal_create(directory, request) == STIVER_TERMINAL_OK,
                "the terminal's directory could not be made");
    figure_need(stiver_terminal_open(directory, &environment, &terminal) == STIVER_TERMINAL_OK,
                "the terminal could not be opened");
    stiver_terminal_request(terminal, request);
    figure_need(stiver_bank_enrol(fair->bank, request, sizeof request, &enrolment, number,
                                  &package) == STIVER_BANK_OK &&
                    stiver_terminal_adopt(terminal, package.data, package.length, NULL) ==
                        STIVER_TERMINAL_OK,
                "the terminal could not be enrolled");
    stiver_bank_bytes_free(&package);
    return terminal;
}

void fair_open(struct fair *fair, bool shop_is_durable)
{
    char path[sizeof fair->directory + 8];
    *fair = (struct fair){.directory = "fair-XXXXXX", .link = {fair, answer, release}};
    figure_need(mkdtemp(fair->directory) != NULL, "no directory could be made here");
    open_bank(fair);
    (void)snprintf(path, sizeof path, "%s/shop", fair->directory);
    fair->station = open_terminal(fair, ROLE_STATION, NULL);
    fair->kiosk = open_terminal(fair, ROLE_KIOSK, NULL);
    fair->shop = open_terminal(fair, ROLE_POINT_OF_SALE, shop_is_durable ? path : NULL);
}

void fair_renew_shop(struct fair *fair, unsigned number)
{
    char path[sizeof fair->directory + 32];
    (void)snprintf(path, sizeof path, "%s/shop-%u", fair->directory, number);
    stiver_terminal_close(fair->shop);
    fair->shop = open_terminal(fair, ROLE_POINT_OF_SALE, path);
}

/* Folders of folders of files are all there is. */
static void remove_folder(const char *path, int depth)
{
    DIR *folder = opendir(path);
    for (struct dirent *e = folder ? readdir(folder) : NULL; e; e = readdir(folder)) {
        char name[512];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (void)snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (unlink(name) != 0 && depth > 0)
            remove_folder(name, depth - 1);
    }
    if (folder)
        closedir(folder);
    (void)rmdir(path);
}

void fair_close(struct fair *fair)
{
    stiver_terminal_close(fair->station);
    stiver_terminal_close(fair->kiosk);
    stiver_terminal_close(fair->shop);
    stiver_bank_close(fair->bank);
    remove_folder(fair->directory, 3);
}

/* ---- cards ---- */

static enum stiver_flash_status flash_read(void *context, uint32_t address, uint8_t *out,
                                           size_t bytes)
{
    const struct fair_flash *flash = context;
    memcpy(out, flash->bytes + address, bytes);
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status flash_program(void *context, uint32_t address, const uint8_t *data,
                                              size_t bytes)
{
    struct fair_flash *flash = context;
    memcpy(flash->bytes + address, data, bytes);
    flash->programmed += bytes;
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status flash_erase(void *context, uint32_t page)
{
    struct fair_flash *flash = context;
    memset(flash->bytes + (size_t)page * FAIR_PAGE_BYTES, 0xFF, FAIR_PAGE_BYTES);
    flash->erases++;
    return STIVER_FLASH_OK;
}

struct stiver_flash fair_card_make(struct fair_flash *flash, uint8_t number)
{
    const struct stiver_flash port = {.context = flash,
                                      .page_bytes = FAIR_PAGE_BYTES,
                                      .pages = FAIR_PAGES,
                                      .unit_bytes = 16,
                                      .read = flash_read,
                                      .program = flash_program,
                                      .erase = flash_erase};
    struct stiver_card_factory factory = {.is_hardware = 1};
    memset(flash->bytes, 0xFF, sizeof flash->bytes);
    memset(factory.serial, number, sizeof factory.serial);
    memset(factory.transport_key, FAIR_TRANSPORT_KEY_BYTE, sizeof factory.transport_key);
    figure_need(stiver_card_manufacture(&port, &factory) == STIVER_CARD_OK,
                "the card could not be made");
    return port;
}

void fair_touch(struct card_reader *reader)
{
    figure_need(card_reader_reset(reader) == READER_OK, "the card got no power");
}

static void need_done(enum stiver_terminal_status status,
                      const struct stiver_terminal_result *result)
{
    char text[256];
    if (status == STIVER_TERMINAL_OK)
        return;
    stiver_terminal_sentence(result, text, sizeof text);
    figure_need(0, text);
}

static struct stiver_terminal_session *begin(struct stiver_terminal *terminal,
                                             struct card_reader *reader,
                                             struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    need_done(stiver_terminal_begin(terminal, reader, &session, result), result);
    return session;
}

void fair_issue(struct fair *fair, struct card_reader *reader, uint8_t number)
{
    const struct stiver_terminal_personalisation with = {.link = &fair->link};
    struct stiver_terminal_result result;
    uint8_t serial[STIVER_SERIAL_BYTES], key[STIVER_TRANSPORT_KEY_BYTES];
    memset(serial, number, sizeof serial);
    memset(key, FAIR_TRANSPORT_KEY_BYTE, sizeof key);
    figure_need(stiver_bank_stock(fair->bank, serial, key, CARD_HARDWARE) == STIVER_BANK_OK,
                "the bank does not take the card into stock");
    need_done(stiver_terminal_personalise(fair->station, reader, &with, &result), &result);
    fair_touch(reader);
    struct stiver_terminal_session *session = begin(fair->kiosk, reader, &result);
    need_done(stiver_terminal_load(session,
                                   (struct stiver_terminal_money){MONEY_MOST, FAIR_CURRENCY},
                                   &fair->link, &result),
              &result);
    stiver_terminal_end(session);
    fair_touch(reader);
}

void fair_pay(struct fair *fair, struct card_reader *reader, struct stiver_terminal_result *result)
{
    const struct stiver_terminal_sale sale = {.amount = {1, FAIR_CURRENCY}};
    struct stiver_terminal_session *session = begin(fair->shop, reader, result);
    need_done(stiver_terminal_pay(session, &sale, result), result);
    stiver_terminal_end(session);
}

static void synchronise(struct fair *fair, struct stiver_terminal *terminal)
{
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES];
    figure_need(stiver_terminal_synchronise(terminal, &fair->link, &sync, detail) ==
                        STIVER_TERMINAL_OK &&
                    sync.suspense == 0 && sync.rejected == 0,
                "the receipts were not booked");
}

void fair_settle(struct fair *fair, struct card_reader *reader)
{
    struct stiver_terminal_result result;
    synchronise(fair, fair->kiosk);
    synchronise(fair, fair->shop);
    fair_touch(reader);
    struct stiver_terminal_session *session = begin(fair->shop, reader, &result);
    struct stiver_terminal_purse purse;
    /* The first reading is what the acknowledgement follows, the second sees what it did. */
    for (int i = 0; i < 2; i++)
        need_done(stiver_terminal_read(session, &purse, &result), &result);
    stiver_terminal_end(session);
    figure_need(purse.free_slots > FAIR_RECEIPTS_MOST, "the card took no acknowledgement");
}
