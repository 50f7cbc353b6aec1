/* SPDX-License-Identifier: Apache-2.0 */
#include "campus_fair.h"

#include <stdio.h>
#include <string.h>

#include "figure.h"

static uint32_t fair_clock(void *context)
{
    (void)context;
    return FAIR_NOW;
}

static bool answer(void *context, const uint8_t *request, size_t request_bytes, uint8_t **out,
                   size_t *out_bytes)
{
    struct campus_fair *campus = context;
    struct stiver_bank_bytes bytes = {NULL, 0};
    if (stiver_campus_link(campus->fair->bank, request, request_bytes, &bytes) != STIVER_BANK_OK)
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

static struct stiver_campus_terminal *open_terminal(struct campus_fair *campus,
                                                    enum stiver_campus_role role, const char *name)
{
    const struct stiver_terminal_environment environment = {.now = fair_clock};
    const struct stiver_campus_enrolment enrolment = {.merchant = 7, .credit = 1000000u, .days = 7};
    struct stiver_campus_terminal *terminal = NULL;
    struct stiver_bank_bytes package = {NULL, 0};
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES];
    char path[sizeof campus->fair->directory + 16];
    uint32_t id = 0;
    (void)snprintf(path, sizeof path, "%s/%s", campus->fair->directory, name);
    figure_need(stiver_campus_terminal_create(path, role, request) == STIVER_TERMINAL_OK &&
                    stiver_campus_terminal_open(path, &environment, &terminal) ==
                        STIVER_TERMINAL_OK,
                "the campus terminal could not be made");
    figure_need(stiver_campus_enrol(campus->fair->bank, request, sizeof request, &enrolment, &id,
                                    &package) == STIVER_BANK_OK &&
                    stiver_campus_terminal_adopt(terminal, package.data, package.length, NULL) ==
                        STIVER_TERMINAL_OK,
                "the campus terminal could not be enrolled");
    stiver_bank_bytes_free(&package);
    return terminal;
}

void campus_fair_open(struct campus_fair *campus, struct fair *fair)
{
    *campus = (struct campus_fair){.fair = fair, .link = {campus, answer, release}};
    figure_need(stiver_campus_found(fair->bank, NULL, 0, NULL) == STIVER_BANK_OK,
                "the bank does not keep the campus purse");
    campus->station = open_terminal(campus, STIVER_CAMPUS_STATION, "campus-station");
    campus->reload = open_terminal(campus, STIVER_CAMPUS_RELOAD, "campus-reload");
    campus->pos = open_terminal(campus, STIVER_CAMPUS_POS, "campus-pos");
}

void campus_fair_close(struct campus_fair *campus)
{
    stiver_campus_terminal_close(campus->station);
    stiver_campus_terminal_close(campus->reload);
    stiver_campus_terminal_close(campus->pos);
}

struct stiver_flash campus_fair_card_make(struct fair_flash *flash, uint8_t number)
{
    struct stiver_flash port = fair_card_make(flash, number);
    struct stiver_card_factory factory = {.is_hardware = 1, .has_campus = 1};
    memset(flash->bytes, 0xFF, sizeof flash->bytes);
    memset(factory.serial, number, sizeof factory.serial);
    memset(factory.transport_key, FAIR_TRANSPORT_KEY_BYTE, sizeof factory.transport_key);
    figure_need(stiver_card_manufacture(&port, &factory) == STIVER_CARD_OK,
                "the card could not be made");
    return port;
}

static void need(enum stiver_terminal_status status, enum stiver_terminal_status wanted,
                 const struct stiver_campus_result *result)
{
    char text[256];
    if (status == wanted)
        return;
    stiver_campus_sentence(result, text, sizeof text);
    figure_need(0, text);
}

uint32_t campus_fair_personalise(struct campus_fair *campus, struct card_reader *reader)
{
    struct stiver_campus_result result;
    need(stiver_campus_personalise(campus->station, reader, &campus->link, &result),
         STIVER_TERMINAL_OK, &result);
    return result.card;
}

void campus_fair_load(struct campus_fair *campus, struct card_reader *reader)
{
    struct stiver_campus_result result;
    need(stiver_campus_load(campus->reload, reader, CAMPUS_FAIR_LOADED, &result),
         STIVER_TERMINAL_OK, &result);
}

void campus_fair_pay(struct campus_fair *campus, struct card_reader *reader)
{
    struct stiver_campus_result result;
    need(stiver_campus_pay(campus->pos, reader, 1, &result), STIVER_TERMINAL_OK, &result);
}

void campus_fair_list(struct campus_fair *campus, uint32_t card)
{
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES];
    figure_need(stiver_campus_list_card(campus->fair->bank, card) == STIVER_BANK_OK &&
                    stiver_campus_synchronise(campus->pos, &campus->link, &sync, detail) ==
                        STIVER_TERMINAL_OK,
                "the campus card could not be listed");
}

void campus_fair_block(struct campus_fair *campus, struct card_reader *reader)
{
    struct stiver_campus_result result;
    need(stiver_campus_pay(campus->pos, reader, 1, &result), STIVER_TERMINAL_CARD_BLOCKED, &result);
}

/* ---- what goes over a reader ---- */

static void see(void *context, enum reader_status status, const uint8_t *command,
                size_t command_bytes, const uint8_t *response, size_t response_bytes,
                uint64_t microseconds)
{
    struct traffic *traffic = context;
    (void)status;
    (void)command;
    (void)response;
    (void)microseconds;
    traffic->apdus++;
    traffic->bytes += command_bytes + response_bytes;
}

void traffic_watch(struct traffic *traffic, struct card_reader *reader)
{
    *traffic = (struct traffic){.apdus = 0};
    reader->trace = see;
    reader->trace_context = traffic;
}

struct traffic traffic_take(struct traffic *traffic)
{
    const struct traffic taken = *traffic;
    *traffic = (struct traffic){.apdus = 0};
    return taken;
}
