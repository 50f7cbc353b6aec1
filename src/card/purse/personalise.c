/* SPDX-License-Identifier: Apache-2.0 */
/* The two steps that make a blank card a holder's: STORE CERTIFICATES and ISSUE. */
#include "card/purse/internal.h"

#include <string.h>

/* Until the bank's first policy a purse has no rules of its own: the limits in the terminals'
 * certificates hold alone. */
static void ledger_first(struct ledger *ledger, uint16_t currency)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->state = PURSE_PERSONALISED;
    ledger->balance = money_of(0, currency);
    ledger->policy = (struct policy){
        .currency = currency,
        .payment_limit = UINT32_MAX,
        .balance_limit = UINT32_MAX,
        .pin_above = UINT32_MAX,
        .online_above = UINT32_MAX,
    };
}

/* The first records of the purse, into the transaction that card_lock opened. */
static enum status store_first(struct card *card, const struct ledger *first,
                               const uint8_t pin[PIN_BYTES])
{
    enum status status = ledger_put(card, first);
    if (status == STATUS_OK)
        status = pin_put_first(card, pin);
    if (status == STATUS_OK)
        status = card_commit(card, false);
    if (status == STATUS_OK)
        purse_of(card)->ledger = *first;
    return status;
}

enum status purse_store_certificates(struct card *card, const struct apdu_command *command,
                                     struct writer *answer)
{
    uint8_t pin[PIN_BYTES];
    struct ledger first;
    (void)answer;
    enum status status = pin_draw(pin);
    if (status == STATUS_OK)
        status =
            card_lock(card, command->data, command->lc, LEDGER_BYTES + TRIES_BYTES + PIN_BYTES, 3);
    if (status == STATUS_OK) {
        ledger_first(&first, card->identity.currency);
        status = store_first(card, &first, pin);
    }
    bytes_wipe(pin, sizeof pin);
    return status;
}

enum status purse_issue(struct card *card, const struct apdu_command *command,
                        struct writer *answer)
{
    struct ledger next = purse_of(card)->ledger;
    (void)command;
    (void)answer;
    next.state = PURSE_ISSUED;
    return ledger_commit(card, &next);
}
