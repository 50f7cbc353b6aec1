/* SPDX-License-Identifier: Apache-2.0 */
#include "campus_life.h"

#include <stdio.h>
#include <string.h>

#include "card/campus/internal.h"
#include "port/host/card_image.h"

/* ---- looking ---- */

static unsigned seen;

static void see_terminal(void *context, const struct stiver_campus_bank_terminal *terminal)
{
    (void)context;
    seen += terminal->id > 0;
}
static void see_card(void *context, const struct stiver_campus_card *card)
{
    (void)context;
    seen += card->counter > 0;
}
static void see_account(void *context, const struct stiver_bank_account *account)
{
    (void)context;
    seen += strncmp(account->name, "campus", 6) == 0;
}
static bool see_entry(void *context, const struct stiver_campus_entry *entry)
{
    *(unsigned *)context += entry->state == STIVER_TERMINAL_FINISHED;
    return true;
}

static enum stiver_bank_status look_at_bank(struct stiver_bank *bank, bool *is_wrong)
{
    struct stiver_campus_settings settings = {.is_on = false};
    struct stiver_bank_bytes file = {NULL, 0};
    struct stiver_bank_books books = {.balanced = false};
    struct stiver_bank_audit audit = {.findings = 0};
    seen = 0;
    enum stiver_bank_status status = stiver_campus_settings(bank, &settings);
    if (status == STIVER_BANK_OK)
        status = stiver_campus_terminals(bank, see_terminal, NULL);
    if (status == STIVER_BANK_OK)
        status = stiver_campus_cards(bank, see_card, NULL);
    if (status == STIVER_BANK_OK)
        status = stiver_campus_list_file(bank, &file);
    stiver_bank_bytes_free(&file);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_books(bank, see_account, NULL, &books);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_audit(bank, life_see_finding, NULL, &audit);
    *is_wrong = status == STIVER_BANK_OK &&
                (audit.findings != 0 || !books.balanced || books.alarms != 0 || !settings.is_on);
    return status;
}

/* What a person looks at: whatever they are shown must be true and whole. */
enum life_end step_campus_look(const struct life_step *step)
{
    struct stiver_bank *bank = NULL;
    struct stiver_campus_terminal *terminal = NULL;
    struct stiver_campus_info info;
    unsigned entries = 0;
    bool is_wrong = false;
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = look_at_bank(bank, &is_wrong);
    stiver_bank_close(bank);
    enum life_end end = life_bank_said(status);
    if (end != LIFE_DONE)
        return end;
    enum stiver_terminal_status asked = campus_open_terminal(step->member, &terminal);
    if (asked == STIVER_TERMINAL_OK)
        asked = stiver_campus_terminal_info(terminal, &info);
    if (asked == STIVER_TERMINAL_OK)
        asked = stiver_campus_entries(terminal, see_entry, &entries);
    stiver_campus_terminal_close(terminal);
    end = life_terminal_said(asked);
    /* Three terminals, a card, and at least float, merchant and till. */
    if (end == LIFE_DONE && (is_wrong || seen < 7 || entries != step->minor || !info.is_enrolled ||
                             info.id != campus_ids[step->member])) {
        printf("# something untrue was shown: seen %u, entries %u, findings or books wrong: %d\n",
               seen, entries, is_wrong);
        life.paid = -1;
    }
    return end;
}

/* ---- the end ---- */

int64_t life_card_balance(void)
{
    static struct stiver_card memory;
    char path[LIFE_PATH_BYTES];
    struct card_image *image = NULL;
    int64_t balance = -1;
    if (!life.is_issued || card_image_open(life_path("card", path), &image) != CARD_IMAGE_OK)
        return -1;
    struct stiver_flash flash = card_image_flash(image);
    if (stiver_card_power_on(&memory, &flash) == STIVER_CARD_OK)
        balance = campus_view((struct card *)(void *)memory.memory)->ledger.balance.minor;
    stiver_card_power_off(&memory);
    card_image_close(image);
    return balance;
}

void life_sum(void *context, const struct stiver_bank_account *account)
{
    struct life_sums *sums = context;
    if (strcmp(account->name, "campus float") == 0)
        sums->card_float = account->balance_minor;
    else if (strncmp(account->name, "campus merchant", 15) == 0)
        sums->merchants += account->balance_minor;
    else if (strncmp(account->name, "campus till", 11) != 0 &&
             strcmp(account->name, "campus cash") != 0)
        sums->others |=
            account->balance_minor; /* in flight, suspense, owed, the purse's: nothing */
}

const char *life_settle_terminal(unsigned member, bool was_touched)
{
    const struct life_step step = {.member = member};
    struct stiver_campus_info info;
    struct stiver_campus_terminal *terminal = NULL;
    if (step_campus_synchronise(&step) != LIFE_DONE)
        return "a terminal does not synchronise";
    if (campus_open_terminal(member, &terminal) != STIVER_TERMINAL_OK)
        return "a terminal does not open";
    enum stiver_terminal_status asked = stiver_campus_terminal_info(terminal, &info);
    stiver_campus_terminal_close(terminal);
    if (asked != STIVER_TERMINAL_OK)
        return "a terminal does not tell its state";
    /* A refusal that did not reach the disk is found out when the card comes by. */
    if (info.open != 0 && !was_touched) {
        (void)step_campus_touch(&step);
        return life_settle_terminal(member, true);
    }
    return info.open != 0        ? "business stays open"
           : info.to_upload != 0 ? "something is left to upload"
           : !info.is_enrolled   ? "a terminal is not enrolled"
                                 : NULL;
}

/* ---- the life ---- */

#define STEP(what, does, who) .name = (what), .run = (does), .member = (who)
#define PAYS(amount) .minor = (amount), .change = -(amount), .is_paid = true
#define LOADS(amount) .minor = (amount), .change = (amount)

const struct life_step life_steps[] = {
    {STEP("found a bank", step_found, 0)},
    {STEP("turn the campus purse on", step_campus_turn_on, 0)},
    {STEP("enrol the station", step_campus_enrol, LIFE_STATION)},
    {STEP("enrol the kiosk", step_campus_enrol, LIFE_KIOSK)},
    {STEP("enrol the shop", step_campus_enrol, LIFE_SHOP)},
    {STEP("make a card", step_campus_make_card, 0)},
    {STEP("personalise", step_campus_personalise, LIFE_STATION)},
    {STEP("load", step_campus_load, LIFE_KIOSK), LOADS(6000)},
    {STEP("pay", step_campus_pay, LIFE_SHOP), PAYS(250)},
    {STEP("torn payment", step_campus_torn, LIFE_SHOP), PAYS(130), .has_two_commands = true},
    {STEP("recovered payment", step_campus_recover, LIFE_SHOP), PAYS(45), .has_two_commands = true},
    {STEP("read", step_campus_read, LIFE_SHOP)},
    {STEP("synchronise the kiosk", step_campus_synchronise, LIFE_KIOSK)},
    {STEP("import the shop's log", step_campus_import, LIFE_SHOP), .minor = 3},
    {STEP("synchronise the shop", step_campus_synchronise, LIFE_SHOP)},
    {STEP("torn load", step_campus_torn_load, LIFE_KIOSK), LOADS(300), .has_two_commands = true},
    {STEP("recertify the shop", step_campus_recertify, LIFE_SHOP)},
    {STEP("fund the till", step_campus_fund, LIFE_KIOSK), .minor = 5000},
    {STEP("pay after all that", step_campus_pay, LIFE_SHOP), PAYS(90)},
    {STEP("synchronise the kiosk again", step_campus_synchronise, LIFE_KIOSK)},
    {STEP("look at everything", step_campus_look, LIFE_SHOP), .minor = 4},
    {STEP("list the card", step_campus_list, 0)},
    {STEP("take the list", step_campus_take_list, LIFE_SHOP)},
    {STEP("block", step_campus_block, LIFE_SHOP), .minor = 10},
    {STEP("bring the block home", step_campus_synchronise, LIFE_SHOP)},
};
const unsigned life_steps_count = sizeof life_steps / sizeof life_steps[0];

void life_note(const struct life_step *step)
{
    life.balance += step->change;
    if (step->is_paid)
        life.paid += step->minor;
    life.has_bank |= step->run == step_found;
    if (step->run == step_campus_enrol)
        life.enrolled = step->member + 1;
    life.is_issued |= step->run == step_campus_personalise;
}
