/* SPDX-License-Identifier: Apache-2.0 */
#include "life_inside.h"

#include <stdio.h>
#include <string.h>

struct life life;

const struct stiver_bank_secret life_passphrase = {(const uint8_t *)"correct horse", 13};

static uint32_t now(void *context)
{
    (void)context;
    return life.now;
}

const struct stiver_bank_environment life_bank_environment = {
    .engine = &stiver_store_sqlite, .now = now, .key_cost = 10};
static const struct stiver_terminal_environment terminal_environment = {.now = now};

const char *life_path(const char *name, char path[LIFE_PATH_BYTES])
{
    snprintf(path, 96, "%s/%s", life.place, name);
    return path;
}

const char *const life_member_names[LIFE_MEMBERS] = {"station", "kiosk", "shop", "desk"};
/* ---- what was said ---- */

enum life_end life_bank_said(enum stiver_bank_status status)
{
    snprintf(life.said, sizeof life.said, "bank: %s", stiver_bank_status_name(status));
    return status == STIVER_BANK_OK || status == STIVER_BANK_ALREADY ? LIFE_DONE : LIFE_NOT_DONE;
}

enum life_end life_terminal_said(enum stiver_terminal_status status)
{
    snprintf(life.said, sizeof life.said, "terminal: %s", stiver_terminal_status_name(status));
    life.says_nothing_begun =
        status == STIVER_TERMINAL_JOURNAL_FULL || status == STIVER_TERMINAL_JOURNAL_IO;
    if (status == STIVER_TERMINAL_UNFINISHED)
        return LIFE_OPEN;
    return status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_FINISHED_EARLIER
               ? LIFE_DONE
               : LIFE_NOT_DONE;
}

enum life_end life_said(const char *text)
{
    snprintf(life.said, sizeof life.said, "%s", text);
    return LIFE_NOT_DONE;
}

/* ---- the parts ---- */

enum stiver_bank_status life_open_bank(struct stiver_bank **bank)
{
    char path[LIFE_PATH_BYTES];
    return stiver_bank_open(life_path("bank", path), life_passphrase, &life_bank_environment, bank);
}

enum stiver_terminal_status life_open_terminal(unsigned member, struct stiver_terminal **terminal)
{
    char path[LIFE_PATH_BYTES];
    return stiver_terminal_open(life_path(life_member_names[member], path), &terminal_environment,
                                terminal);
}

bool life_ask_bank(life_serve *serve, const uint8_t *request, size_t bytes, uint8_t **answer,
                   size_t *answer_bytes)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_bytes given = {NULL, 0};
    if (life_open_bank(&bank) != STIVER_BANK_OK)
        return false;
    enum stiver_bank_status status = serve(bank, request, bytes, &given);
    stiver_bank_close(bank);
    *answer = given.data;
    *answer_bytes = given.length;
    return status == STIVER_BANK_OK;
}

void life_release(void *context, uint8_t *answer)
{
    struct stiver_bank_bytes given = {answer, 0};
    (void)context;
    stiver_bank_bytes_free(&given);
}

static bool ask_bank(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                     size_t *answer_bytes)
{
    (void)context;
    return life_ask_bank(stiver_bank_link, request, bytes, answer, answer_bytes);
}

const struct stiver_terminal_link life_to_bank = {NULL, ask_bank, life_release};
