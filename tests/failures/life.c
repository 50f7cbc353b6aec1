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

/* The link of a terminal: a bank that is opened for one request. */
static bool ask_bank(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                     size_t *answer_bytes)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_bytes given = {NULL, 0};
    (void)context;
    if (life_open_bank(&bank) != STIVER_BANK_OK)
        return false;
    enum stiver_bank_status status = stiver_bank_link(bank, request, bytes, &given);
    stiver_bank_close(bank);
    *answer = given.data;
    *answer_bytes = given.length;
    return status == STIVER_BANK_OK;
}

static void release(void *context, uint8_t *answer)
{
    struct stiver_bank_bytes given = {answer, 0};
    (void)context;
    stiver_bank_bytes_free(&given);
}

const struct stiver_terminal_link life_to_bank = {NULL, ask_bank, release};

/* ---- the life ---- */

const struct life_step life_steps[] = {
    {.name = "found a bank", .run = step_found},
    {.name = "enrol the station", .run = step_enrol, .member = LIFE_STATION},
    {.name = "enrol the kiosk", .run = step_enrol, .member = LIFE_KIOSK},
    {.name = "enrol the shop", .run = step_enrol, .member = LIFE_SHOP},
    {.name = "enrol the desk", .run = step_enrol, .member = LIFE_DESK},
    {.name = "make a card", .run = step_stock},
    {.name = "personalise", .run = step_personalise, .member = LIFE_STATION},
    {.name = "load",
     .run = step_load,
     .member = LIFE_KIOSK,
     .minor = 6000,
     .change = 6000,
     .has_two_commands = true},
    {.name = "pay, strangers",
     .run = step_pay,
     .member = LIFE_SHOP,
     .minor = 250,
     .change = -250,
     .is_paid = true},
    {.name = "pay, known",
     .run = step_pay,
     .member = LIFE_SHOP,
     .minor = 125,
     .change = -125,
     .is_paid = true},
    {.name = "pay with PIN",
     .has_two_commands = true,
     .run = step_pay,
     .member = LIFE_SHOP,
     .minor = 1500,
     .change = -1500,
     .is_paid = true},
    {.name = "torn payment",
     .has_two_commands = true,
     .run = step_torn,
     .member = LIFE_SHOP,
     .minor = 130,
     .change = -130,
     .is_paid = true},
    {.name = "recovered payment",
     .has_two_commands = true,
     .run = step_recover,
     .member = LIFE_SHOP,
     .minor = 45,
     .change = -45,
     .is_paid = true},
    {.name = "synchronise the shop", .run = step_synchronise, .member = LIFE_SHOP},
    {.name = "change the PIN", .run = step_change_pin, .member = LIFE_DESK},
    {.name = "read the log", .run = step_look, .member = LIFE_DESK},
    {.name = "load again",
     .run = step_load,
     .member = LIFE_KIOSK,
     .minor = 700,
     .change = 700,
     .has_two_commands = true},
    {.name = "torn load",
     .has_two_commands = true,
     .run = step_torn_load,
     .member = LIFE_KIOSK,
     .minor = 300,
     .change = 300},
    {.name = "fund the till", .run = step_fund, .member = LIFE_KIOSK, .minor = 5000},
    {.name = "renew", .run = step_renew, .member = LIFE_SHOP},
    {.name = "apply the policy", .run = step_policy, .member = LIFE_DESK},
    {.name = "pay after all that",
     .run = step_pay,
     .member = LIFE_SHOP,
     .minor = 90,
     .change = -90,
     .is_paid = true},
    {.name = "look at everything", .run = step_books, .member = LIFE_SHOP},
    {.name = "list the card", .run = step_list},
    {.name = "synchronise again", .run = step_synchronise, .member = LIFE_SHOP},
    {.name = "block", .run = step_block, .member = LIFE_SHOP},
    {.name = "bring the block home", .run = step_synchronise, .member = LIFE_SHOP},
};
const unsigned life_steps_count = sizeof life_steps / sizeof life_steps[0];

void life_note(const struct life_step *step)
{
    life.balance += step->change;
    if (step->is_paid)
        life.paid += step->minor;
    life.has_bank |= step->run == step_found;
    if (step->run == step_enrol)
        life.enrolled = step->member + 1;
    life.is_issued |= step->run == step_personalise;
}
