/* SPDX-License-Identifier: Apache-2.0 */
#include "life_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/host/card_image.h"
#include "scheme/certificate.h"
#include <stiver/card.h>

#define MERCHANT 7u

static const enum terminal_role roles[LIFE_MEMBERS] = {ROLE_STATION, ROLE_KIOSK, ROLE_POINT_OF_SALE,
                                                       ROLE_DESK};

/* ---- bank and terminals ---- */

enum life_end step_found(const struct life_step *step)
{
    const struct stiver_bank_founding founding = {
        .name = "Campus",
        .currency = LIFE_CURRENCY,
        .is_test = true,
        .largest = 100000,
        .policy = {.payment_limit = 5000,
                   .balance_limit = 100000,
                   .pin_above = 1000,
                   .online_above = UINT32_MAX},
        .passphrase = life_passphrase,
    };
    char path[LIFE_PATH_BYTES];
    struct stiver_bank *bank = NULL;
    (void)step;
    enum stiver_bank_status status =
        stiver_bank_found(life_path("bank", path), &founding, &life_bank_environment);
    if (status == STIVER_BANK_EXISTS) /* it was founded before: then it must be whole */
        status = STIVER_BANK_OK;
    if (status == STIVER_BANK_OK)
        status = life_open_bank(&bank);
    stiver_bank_close(bank);
    return life_bank_said(status);
}

struct search {
    uint8_t role;
    uint8_t *number;
    bool found;
};

static void find_role(void *context, const struct stiver_bank_terminal *terminal)
{
    struct search *search = context;
    if (terminal->role != search->role)
        return;
    memcpy(search->number, terminal->terminal, 8);
    search->found = true;
}

/* The package; where the key is enrolled already, the package once more. */
static enum stiver_bank_status enrol(unsigned member, const uint8_t *request,
                                     struct stiver_bank_bytes *package)
{
    const struct stiver_bank_enrolment enrolment = {.role = (uint8_t)roles[member],
                                                    .merchant = MERCHANT,
                                                    .limit = 1000000,
                                                    .credit = 1000000000,
                                                    .days = 7};
    struct search search = {(uint8_t)roles[member], life.numbers[member], false};
    struct stiver_bank *bank = NULL;
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_enrol(bank, request, STIVER_TERMINAL_REQUEST_BYTES, &enrolment,
                                   life.numbers[member], package);
    if (status == STIVER_BANK_CONFLICT) {
        status = stiver_bank_terminals(bank, find_role, &search);
        if (status == STIVER_BANK_OK && search.found)
            status = stiver_bank_recertify(bank, search.number, 7, package);
    }
    stiver_bank_close(bank);
    return status;
}

enum life_end step_enrol(const struct life_step *step)
{
    char path[LIFE_PATH_BYTES];
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    struct stiver_bank_bytes package = {NULL, 0};
    struct stiver_terminal *terminal = NULL;
    enum stiver_terminal_status status =
        stiver_terminal_create(life_path(life_member_names[step->member], path), request);
    if (status != STIVER_TERMINAL_OK && status != STIVER_TERMINAL_EXISTS)
        return life_terminal_said(status);
    status = life_open_terminal(step->member, &terminal);
    if (status != STIVER_TERMINAL_OK)
        return life_terminal_said(status);
    stiver_terminal_request(terminal, request);
    enum life_end end = life_bank_said(enrol(step->member, request, &package));
    if (end == LIFE_DONE)
        end =
            life_terminal_said(stiver_terminal_adopt(terminal, package.data, package.length, NULL));
    stiver_bank_bytes_free(&package);
    stiver_terminal_close(terminal);
    return end;
}

/* A card as the factory makes it, and its record for the bank. A card that was not finished is
 * thrown away. */
enum life_end step_stock(const struct life_step *step)
{
    const struct stiver_card_factory factory = {
        .serial = {0, 0, 0, 0, 0, 0, 4, 2},
        .transport_key = {0x55, 0x66, 0x77, 0x81, 0x92, 0xA3, 0xB4, 0xC5, 0xD6, 0xE7, 0xF8, 0x19,
                          0x2A, 0x3B, 0x4C, 0x5D}};
    struct card_image *image = NULL;
    struct stiver_bank *bank = NULL;
    char path[LIFE_PATH_BYTES];
    (void)step;
    if (life.has_card) /* the card is whole, the bank lacks its record */
        goto stock;
    remove(life_path("card", path));
    enum card_image_status made = card_image_create(life_path("card", path), &image);
    if (made != CARD_IMAGE_OK)
        return life_said(card_image_status_name(made));
    struct stiver_flash flash = card_image_flash(image);
    enum stiver_card_status status = stiver_card_manufacture(&flash, &factory);
    bool is_safe = card_image_sync(image) == CARD_IMAGE_OK;
    card_image_close(image);
    if (status != STIVER_CARD_OK || !is_safe)
        return life_said("the card was not made");
    memcpy(life.serial, factory.serial, sizeof life.serial);
    life.has_card = true;
stock:;
    enum stiver_bank_status stocked = life_open_bank(&bank);
    if (stocked == STIVER_BANK_OK)
        stocked = stiver_bank_stock(bank, factory.serial, factory.transport_key, CARD_VIRTUAL);
    stiver_bank_close(bank);
    return life_bank_said(stocked);
}

enum life_end step_synchronise(const struct life_step *step)
{
    struct stiver_terminal *terminal = NULL;
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    enum stiver_terminal_status status = life_open_terminal(step->member, &terminal);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_synchronise(terminal, &life_to_bank, &sync, detail);
    stiver_terminal_close(terminal);
    enum life_end end = life_terminal_said(status);
    if (end == LIFE_DONE && (sync.rejected != 0 || sync.suspense != 0 || sync.left != 0)) {
        snprintf(life.said, sizeof life.said, "%u rejected, %u in suspense, %u left", sync.rejected,
                 sync.suspense, sync.left);
        life.paid = -1; /* found by the next settling */
    }
    return end;
}

enum life_end step_list(const struct life_step *step)
{
    struct stiver_bank *bank = NULL;
    (void)step;
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_list_card(bank, life.card, STIVER_BANK_LOST);
    stiver_bank_close(bank);
    return life_bank_said(status);
}

enum life_end step_fund(const struct life_step *step)
{
    struct stiver_bank *bank = NULL;
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_fund(bank, life.numbers[step->member],
                                  (struct stiver_bank_money){step->minor, LIFE_CURRENCY}, "bag 1");
    stiver_bank_close(bank);
    return life_bank_said(status);
}

/* A key, a rule, a certificate anew; the terminal gets it as a package. */
enum life_end step_renew(const struct life_step *step)
{
    const struct stiver_bank_policy policy = {.payment_limit = 4000,
                                              .balance_limit = 100000,
                                              .pin_above = 1000,
                                              .online_above = UINT32_MAX};
    struct stiver_bank *bank = NULL;
    struct stiver_terminal *terminal = NULL;
    struct stiver_bank_bytes package = {NULL, 0};
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_renew(bank, STIVER_BANK_KEY_ORDERS, life_passphrase);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_set_policy(bank, &policy);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_recertify(bank, life.numbers[step->member], 7, &package);
    stiver_bank_close(bank);
    enum life_end end = life_bank_said(status);
    if (end == LIFE_DONE) {
        end = life_terminal_said(life_open_terminal(step->member, &terminal));
        if (end == LIFE_DONE)
            end = life_terminal_said(
                stiver_terminal_adopt(terminal, package.data, package.length, NULL));
        stiver_terminal_close(terminal);
    }
    stiver_bank_bytes_free(&package);
    return end;
}
