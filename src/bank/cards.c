/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at cards and alarms, and the rules that new cards are given. */
#include <string.h>

#include "bank/list.h"

struct card_tour {
    stiver_bank_card_visit *visit;
    void *context;
    uint32_t now;
};

static enum store_status show_card(void *context, const struct card_record *record)
{
    const struct card_tour *tour = context;
    struct stiver_bank_card shown = {
        .card_class = (uint8_t)record->card_class,
        .certified = record->certified,
        .end = record->end,
        .counter = record->counter,
        .balance = record->balance < 0            ? 0
                   : record->balance > UINT32_MAX ? UINT32_MAX
                                                  : (uint32_t)record->balance,
        .shadow_minor = record->balance,
        .missing = record->counter - record->received,
        .reason = (enum stiver_bank_reason)record->reason,
        .is_listed = list_holds(record, tour->now),
        .is_blocked = record->block_counter != 0,
        .loads_stopped = record->loads_stopped,
    };
    memcpy(shown.card, record->card, sizeof shown.card);
    memcpy(shown.serial, record->serial, sizeof shown.serial);
    tour->visit(tour->context, &shown);
    return STORE_OK;
}

enum stiver_bank_status stiver_bank_cards(struct stiver_bank *bank, stiver_bank_card_visit *visit,
                                          void *context)
{
    struct card_tour tour = {visit, context, bank_now(bank)};
    enum store_status status = STORE(bank, cards, show_card, &tour);
    return status == STORE_OK ? STIVER_BANK_OK : bank_say(bank, bank_status_of_store(status), NULL);
}

struct alarm_tour {
    stiver_bank_alarm_visit *visit;
    void *context;
};

static enum store_status show_alarm(void *context, const struct alarm_record *record)
{
    const struct alarm_tour *tour = context;
    struct stiver_bank_alarm shown = {.time = record->time, .text = record->text};
    memcpy(shown.card, record->card, sizeof shown.card);
    memcpy(shown.terminal, record->terminal, sizeof shown.terminal);
    tour->visit(tour->context, &shown);
    return STORE_OK;
}

enum stiver_bank_status stiver_bank_alarms(struct stiver_bank *bank, stiver_bank_alarm_visit *visit,
                                           void *context)
{
    struct alarm_tour tour = {visit, context};
    enum store_status status = STORE(bank, alarms, show_alarm, &tour);
    return status == STORE_OK ? STIVER_BANK_OK : bank_say(bank, bank_status_of_store(status), NULL);
}

static enum stiver_bank_status policy_work(struct stiver_bank *bank, void *context)
{
    struct settings_record settings;
    enum store_status stored = STORE(bank, settings_get, &settings);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    settings.policy = *(const struct policy *)context;
    settings.policy_number++;
    stored = STORE(bank, settings_put, &settings);
    if (stored == STORE_OK)
        bank->settings = settings;
    return bank_status_of_store(stored);
}

enum stiver_bank_status stiver_bank_set_policy(struct stiver_bank *bank,
                                               const struct stiver_bank_policy *p)
{
    struct policy policy = {bank->settings.currency,
                            p->payment_limit,
                            p->balance_limit,
                            p->pin_above,
                            p->pin_count,
                            p->pin_total,
                            p->online_above,
                            p->points_per};
    if (!p->payment_limit || !p->balance_limit)
        return bank_say(bank, STIVER_BANK_ARGUMENT,
                        "a policy permits some payment and some balance");
    return bank_transact(bank, policy_work, &policy);
}
