/* SPDX-License-Identifier: Apache-2.0 */
#include "life_inside.h"

#include <stdio.h>
#include <string.h>

#include "card/core/card.h"
#include "card/purse/internal.h"
#include "port/host/card_image.h"

/* ---- looking ---- */

static unsigned seen;

static void see_key(void *context, const struct stiver_bank_key_state *state)
{
    (void)context;
    seen += state->is_file_there;
}
static void see_card(void *context, const struct stiver_bank_card *card)
{
    (void)context;
    seen += card->counter > 0;
}
static void see_terminal(void *context, const struct stiver_bank_terminal *terminal)
{
    (void)context;
    seen += terminal->role > 0;
}
static void see_account(void *context, const struct stiver_bank_account *account)
{
    (void)context;
    seen += account->name[0] != 0;
}
static void see_alarm(void *context, const struct stiver_bank_alarm *alarm)
{
    (void)context;
    (void)alarm;
    seen += 1000;
}
static enum stiver_bank_status look_at_bank(struct stiver_bank *bank, bool *is_wrong)
{
    struct stiver_bank_settings settings;
    struct stiver_bank_bytes file = {NULL, 0};
    struct stiver_bank_books books;
    struct stiver_bank_audit audit = {.findings = 0};
    seen = 0;
    enum stiver_bank_status status = stiver_bank_settings(bank, &settings);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_keys(bank, see_key, NULL);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_cards(bank, see_card, NULL);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_terminals(bank, see_terminal, NULL);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_list_file(bank, &file);
    stiver_bank_bytes_free(&file);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_books(bank, see_account, NULL, &books);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_alarms(bank, see_alarm, NULL);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_audit(bank, life_see_finding, NULL, &audit);
    *is_wrong = audit.findings != 0 || (status == STIVER_BANK_OK && !books.balanced);
    return status;
}

static bool see_entry(void *context, const struct stiver_terminal_entry *entry)
{
    (void)entry;
    ++*(unsigned *)context;
    return true;
}

/* What a person looks at: whatever they are shown must be true and whole. */
enum life_end step_books(const struct life_step *step)
{
    struct stiver_bank *bank = NULL;
    struct stiver_terminal *terminal = NULL;
    struct stiver_terminal_info info;
    unsigned entries = 0;
    bool is_wrong = false;
    enum stiver_bank_status status = life_open_bank(&bank);
    if (status == STIVER_BANK_OK)
        status = look_at_bank(bank, &is_wrong);
    stiver_bank_close(bank);
    enum life_end end = life_bank_said(status);
    if (end != LIFE_DONE)
        return end;
    enum stiver_terminal_status asked = life_open_terminal(step->member, &terminal);
    if (asked == STIVER_TERMINAL_OK)
        asked = stiver_terminal_info(terminal, &info);
    if (asked == STIVER_TERMINAL_OK)
        asked = stiver_terminal_entries(terminal, 0, see_entry, &entries);
    stiver_terminal_close(terminal);
    end = life_terminal_said(asked);
    /* A key or two may be lost from sight: they are files that were not found. */
    if (end == LIFE_DONE && (is_wrong || seen < 16 || seen >= 1000 || entries < 5 ||
                             !info.is_enrolled || info.counter < 5)) {
        printf("# %s: seen %u, entries %u, counter %u, findings or books wrong: %d\n",
               "something untrue was shown", seen, entries, info.counter, is_wrong);
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
        balance = purse_view((struct card *)(void *)memory.memory)->ledger.balance.minor;
    stiver_card_power_off(&memory);
    card_image_close(image);
    return balance;
}

void life_sum(void *context, const struct stiver_bank_account *account)
{
    struct life_sums *sums = context;
    if (strcmp(account->name, "float") == 0)
        sums->card_float = account->balance_minor;
    else if (strncmp(account->name, "merchant", 8) == 0)
        sums->merchants += account->balance_minor;
    else if (strncmp(account->name, "till", 4) != 0 && strncmp(account->name, "cash", 4) != 0)
        sums->others |= account->balance_minor; /* in flight, suspense, loss, owed: nothing */
}

const char *life_settle_terminal(unsigned member, bool was_touched)
{
    const struct life_step step = {.member = member};
    struct stiver_terminal_info info;
    struct stiver_terminal *terminal = NULL;
    if (step_synchronise(&step) != LIFE_DONE)
        return "a terminal does not synchronise";
    if (life_open_terminal(member, &terminal) != STIVER_TERMINAL_OK ||
        stiver_terminal_info(terminal, &info) != STIVER_TERMINAL_OK)
        return "a terminal does not open";
    stiver_terminal_close(terminal);
    /* A refusal that did not reach the disk is asked for again when the card comes by. */
    if (info.open_intents != 0 && !was_touched) {
        (void)step_touch(&step);
        return life_settle_terminal(member, true);
    }
    return info.open_intents != 0 ? "business stays open"
           : info.to_upload != 0  ? "something is left to upload"
           : info.is_in_doubt     ? "a terminal is in doubt"
           : !info.is_enrolled    ? "a terminal is not enrolled"
                                  : NULL;
}
