/* SPDX-License-Identifier: Apache-2.0 */
#include "campus_life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/host/card_image.h"
#include <stiver/card.h>

#define MERCHANT 7u

const uint32_t campus_ids[CAMPUS_MEMBERS] = {77, 12345, 2345};
static const enum stiver_campus_role roles[CAMPUS_MEMBERS] = {
    STIVER_CAMPUS_STATION, STIVER_CAMPUS_RELOAD, STIVER_CAMPUS_POS};

static uint32_t now(void *context)
{
    (void)context;
    return life.now;
}

enum stiver_terminal_status campus_open_terminal(unsigned member,
                                                 struct stiver_campus_terminal **terminal)
{
    static const struct stiver_terminal_environment environment = {.now = now};
    char path[LIFE_PATH_BYTES];
    return stiver_campus_terminal_open(life_path(life_member_names[member], path), &environment,
                                       terminal);
}

static bool ask_bank(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                     size_t *answer_bytes)
{
    (void)context;
    return life_ask_bank(stiver_campus_link, request, bytes, answer, answer_bytes);
}

const struct stiver_terminal_link campus_to_bank = {NULL, ask_bank, life_release};

/* ---- steps ---- */

enum life_end step_campus_turn_on(const struct life_step *step)
{
    uint8_t pem[CAMPUS_PEM_BYTES_MAX], fingerprint[32];
    struct stiver_bank *bank = NULL;
    (void)step;
    size_t bytes = campus_back_end_pem(pem);
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = stiver_campus_found(bank, pem, bytes, fingerprint);
    stiver_bank_close(bank);
    return life_bank_said(status);
}

/* The package; of a terminal that is known already, the package once more. */
static enum stiver_bank_status enrol(unsigned member, const uint8_t *request,
                                     struct stiver_bank_bytes *package)
{
    const struct stiver_campus_enrolment enrolment = {.id = campus_ids[member],
                                                      .merchant =
                                                          member == LIFE_SHOP ? MERCHANT : 0,
                                                      .credit = member == LIFE_KIOSK ? 1000000 : 0,
                                                      .days = 7};
    struct stiver_bank *bank = NULL;
    uint32_t id = 0;
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = stiver_campus_enrol(bank, request, STIVER_CAMPUS_REQUEST_BYTES, &enrolment, &id,
                                     package);
    if (status == STIVER_BANK_ALREADY)
        status = stiver_campus_recertify(bank, campus_ids[member], 7, package);
    stiver_bank_close(bank);
    return status;
}

static enum life_end adopt(unsigned member, const struct stiver_bank_bytes *package)
{
    struct stiver_campus_terminal *terminal = NULL;
    enum stiver_terminal_status status = campus_open_terminal(member, &terminal);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_campus_terminal_adopt(terminal, package->data, package->length, NULL);
    stiver_campus_terminal_close(terminal);
    return life_terminal_said(status);
}

enum life_end step_campus_enrol(const struct life_step *step)
{
    char path[LIFE_PATH_BYTES];
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES];
    struct stiver_bank_bytes package = {NULL, 0};
    struct stiver_campus_terminal *terminal = NULL;
    campus_keys_of(step->member);
    enum stiver_terminal_status status = stiver_campus_terminal_create(
        life_path(life_member_names[step->member], path), roles[step->member], request);
    if (status != STIVER_TERMINAL_OK && status != STIVER_TERMINAL_EXISTS)
        return life_terminal_said(status);
    status = campus_open_terminal(step->member, &terminal);
    if (status != STIVER_TERMINAL_OK)
        return life_terminal_said(status);
    stiver_campus_terminal_request(terminal, request);
    stiver_campus_terminal_close(terminal);
    enum life_end end = life_bank_said(enrol(step->member, request, &package));
    if (end == LIFE_DONE)
        end = adopt(step->member, &package);
    stiver_bank_bytes_free(&package);
    return end;
}

enum life_end step_campus_recertify(const struct life_step *step)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_bytes package = {NULL, 0};
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = stiver_campus_recertify(bank, campus_ids[step->member], 7, &package);
    stiver_bank_close(bank);
    enum life_end end = life_bank_said(status);
    if (end == LIFE_DONE)
        end = adopt(step->member, &package);
    stiver_bank_bytes_free(&package);
    return end;
}

/* A card as the factory makes it. One that was not finished is thrown away. */
enum life_end step_campus_make_card(const struct life_step *step)
{
    const struct stiver_card_factory factory = {
        .serial = {0, 0, 0, 0, 0, 0, 4, 3}, .transport_key = {1, 2, 3}, .has_campus = 1};
    struct card_image *image = NULL;
    char path[LIFE_PATH_BYTES];
    (void)step;
    remove(life_path("card", path));
    enum card_image_status made = card_image_create(life_path("card", path), &image);
    if (made != CARD_IMAGE_OK)
        return life_said(card_image_status_name(made));
    struct stiver_flash flash = card_image_flash(image);
    enum stiver_card_status status = stiver_card_manufacture(&flash, &factory);
    bool is_safe = card_image_sync(image) == CARD_IMAGE_OK;
    card_image_close(image);
    return status == STIVER_CARD_OK && is_safe ? LIFE_DONE : life_said("the card was not made");
}

enum life_end step_campus_synchronise(const struct life_step *step)
{
    struct stiver_campus_terminal *terminal = NULL;
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    enum stiver_terminal_status status = campus_open_terminal(step->member, &terminal);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_campus_synchronise(terminal, &campus_to_bank, &sync, detail);
    stiver_campus_terminal_close(terminal);
    enum life_end end = life_terminal_said(status);
    if (end == LIFE_DONE && (sync.rejected != 0 || sync.suspense != 0 || sync.left != 0)) {
        snprintf(life.said, sizeof life.said, "%u rejected, %u in suspense, %u left", sync.rejected,
                 sync.suspense, sync.left);
        life.paid = -1; /* found by the next settling */
    }
    return end;
}

/* The shop's own file, brought on a stick. */
enum life_end step_campus_import(const struct life_step *step)
{
    static uint8_t file[65536];
    char path[LIFE_PATH_BYTES];
    struct stiver_bank *bank = NULL;
    struct stiver_campus_import import = {0, 0, 0, 0};
    FILE *in = fopen(life_path("shop/payment_log.csv", path), "rb");
    if (in == NULL)
        return life_said("there is no log");
    size_t bytes = fread(file, 1, sizeof file, in);
    fclose(in);
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = stiver_campus_import_log(bank, campus_ids[step->member], file, bytes, NULL, NULL,
                                          &import);
    stiver_bank_close(bank);
    enum life_end end = life_bank_said(status);
    if (end == LIFE_DONE && (import.rejected != 0 || import.suspense != 0 ||
                             import.booked + import.already != step->minor)) {
        printf("# the log: %u booked, %u already, %u suspense, %u rejected\n", import.booked,
               import.already, import.suspense, import.rejected);
        life.paid = -1;
    }
    return end;
}

enum life_end step_campus_fund(const struct life_step *step)
{
    struct stiver_bank *bank = NULL;
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status =
            stiver_campus_fund(bank, campus_ids[step->member],
                               (struct stiver_bank_money){step->minor, LIFE_CURRENCY}, "bag 1");
    stiver_bank_close(bank);
    return life_bank_said(status);
}

static void note_card(void *context, const struct stiver_campus_card *card)
{
    if (card->counter > 0)
        *(uint32_t *)context = card->id;
}

enum life_end step_campus_list(const struct life_step *step)
{
    struct stiver_bank *bank = NULL;
    uint32_t card = 0;
    (void)step;
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = stiver_campus_cards(bank, note_card, &card);
    if (status == STIVER_BANK_OK)
        status = stiver_campus_list_card(bank, card);
    stiver_bank_close(bank);
    return life_bank_said(status);
}

enum life_end step_campus_take_list(const struct life_step *step)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_bytes file = {NULL, 0};
    struct stiver_campus_terminal *terminal = NULL;
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = stiver_campus_list_file(bank, &file);
    stiver_bank_close(bank);
    enum life_end end = life_bank_said(status);
    if (end == LIFE_DONE) {
        enum stiver_terminal_status taken = campus_open_terminal(step->member, &terminal);
        if (taken == STIVER_TERMINAL_OK)
            taken = stiver_campus_terminal_take_list(terminal, file.data, file.length);
        stiver_campus_terminal_close(terminal);
        end = life_terminal_said(taken);
    }
    stiver_bank_bytes_free(&file);
    return end;
}
