/* SPDX-License-Identifier: Apache-2.0 */
/* PAY: one command, from the terminal's wish to the card's signed receipt. */
#include "base/date.h"
#include "card/purse/internal.h"

/* One reason to refuse. It looks at the committed state and changes nothing. */
typedef enum status (*payment_check)(const struct card *card, const struct purse *purse,
                                     const struct sale *sale);

/* A terminal that pays again and again while the card lies on it gets one payment; the holder has
 * to lift the card for the next. */
static enum status check_once(const struct card *card, const struct purse *purse,
                              const struct sale *sale)
{
    (void)card;
    (void)sale;
    return purse->has_paid ? STATUS_ONCE : STATUS_OK;
}

static enum status check_amount(const struct card *card, const struct purse *purse,
                                const struct sale *sale)
{
    (void)card;
    if (sale->amount.currency != purse->ledger.balance.currency)
        return STATUS_CURRENCY;
    return sale->amount.minor == 0 ? STATUS_AMOUNT : STATUS_OK;
}

static enum status check_time(const struct card *card, const struct purse *purse,
                              const struct sale *sale)
{
    (void)purse;
    uint32_t now = card_clock_now(card);
    if (sale->time < card->peer.start || sale->time > card->peer.end)
        return STATUS_TIME;
    /* A slow clock of a day is forgiven; the card's own time is only the newest date it saw. */
    if (now > DAY_SECONDS && sale->time < now - DAY_SECONDS)
        return STATUS_TIME;
    return STATUS_OK;
}

static enum status check_limits(const struct card *card, const struct purse *purse,
                                const struct sale *sale)
{
    if (!money_at_most(sale->amount, card->peer.limit) ||
        sale->amount.minor > purse->ledger.policy.payment_limit)
        return STATUS_LIMIT;
    return STATUS_OK;
}

static enum status check_online(const struct card *card, const struct purse *purse,
                                const struct sale *sale)
{
    /* The file behind a virtual card can be put back and the money spent again: only the bank can
     * tell. Play money has no such worry. */
    bool can_be_put_back =
        card->identity.card_class == CARD_VIRTUAL && !card->identity.is_test_scheme;
    bool is_large = sale->amount.minor > purse->ledger.policy.online_above;
    bool is_asked = (sale->flags & RECEIPT_ONLINE) != 0;
    return can_be_put_back || is_large || is_asked ? STATUS_ONLINE_REQUIRED : STATUS_OK;
}

static enum status check_pin(const struct card *card, const struct purse *purse,
                             const struct sale *sale)
{
    (void)card;
    const struct ledger *ledger = &purse->ledger;
    const struct policy *policy = &ledger->policy;
    uint64_t total = (uint64_t)ledger->pinless_total + sale->amount.minor;
    if (purse->is_pin_verified)
        return STATUS_OK;
    if (sale->amount.minor > policy->pin_above)
        return STATUS_PIN_REQUIRED;
    if (policy->pin_count != 0 && ledger->pinless_count >= policy->pin_count)
        return STATUS_PIN_REQUIRED;
    if (policy->pin_total != 0 && total > policy->pin_total)
        return STATUS_PIN_REQUIRED;
    return STATUS_OK;
}

static enum status check_log(const struct card *card, const struct purse *purse,
                             const struct sale *sale)
{
    (void)card;
    (void)sale;
    return log_has_room(&purse->ledger);
}

static enum status check_balance(const struct card *card, const struct purse *purse,
                                 const struct sale *sale)
{
    (void)card;
    return money_at_most(sale->amount, purse->ledger.balance) ? STATUS_OK : STATUS_BALANCE;
}

static enum status check_counter(const struct card *card, const struct purse *purse,
                                 const struct sale *sale)
{
    (void)card;
    (void)sale;
    return log_has_counter(&purse->ledger);
}

/* In the order of docs/protocol.md, section 14; the first that refuses is what the terminal hears.
 */
static const payment_check payment_checks[] = {
    check_once, check_amount, check_time,    check_limits,  check_online,
    check_pin,  check_log,    check_balance, check_counter,
};

static enum status may_pay(const struct card *card, const struct purse *purse,
                           const struct sale *sale)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof payment_checks / sizeof payment_checks[0];
         i++)
        status = payment_checks[i](card, purse, sale);
    return status;
}

/* True if the stored receipt is the answer to this very command of this very terminal. */
static bool is_repeat(const struct card *card, const struct receipt *stored,
                      const struct sale *sale)
{
    return stored->kind == DOCUMENT_PAYMENT_RECEIPT && stored->amount.minor == sale->amount.minor &&
           stored->amount.currency == sale->amount.currency && stored->time == sale->time &&
           (stored->flags & RECEIPT_ONLINE) == sale->flags &&
           bytes_equal(stored->reference, sale->reference, sizeof sale->reference) &&
           bytes_equal(stored->terminal_certificate, card->peer.host_id, HOST_ID_BYTES);
}

/* NOT_THERE: the number is new. OK: it was paid before and the same answer is given. */
static enum status answer_again(struct card *card, const struct sale *sale,
                                uint8_t answer[PAY_ANSWER_BYTES])
{
    uint8_t document[RECEIPT_BYTES];
    struct receipt stored;
    enum status status = log_find_own(card, sale->terminal_counter, &stored, document);
    if (status != STATUS_OK)
        return status;
    if (!is_repeat(card, &stored, sale))
        return STATUS_NUMBER_USED;
    receipt_to_pay_answer(document, answer);
    return STATUS_OK;
}

static uint32_t points_for(const struct ledger *ledger, struct money amount)
{
    if (ledger->policy.points_per == 0)
        return 0;
    uint32_t earned = amount.minor / ledger->policy.points_per;
    uint32_t room = UINT32_MAX - ledger->points;
    return earned < room ? earned : room;
}

static void count_without_pin(struct ledger *next, struct money amount)
{
    uint32_t room = UINT32_MAX - next->pinless_total;
    next->pinless_total += amount.minor < room ? amount.minor : room;
    if (next->pinless_count < UINT32_MAX)
        next->pinless_count++;
}

static enum status pay(struct card *card, const struct sale *sale, uint8_t answer[PAY_ANSWER_BYTES])
{
    struct purse *purse = purse_of(card);
    struct ledger next = purse->ledger;
    struct receipt receipt;
    uint8_t document[RECEIPT_BYTES];
    receipt_begin(card, DOCUMENT_PAYMENT_RECEIPT, sale, &receipt);
    if (!money_subtract(purse->ledger.balance, sale->amount, &next.balance))
        return STATUS_BALANCE;
    receipt.points_change = points_for(&purse->ledger, sale->amount);
    next.points += receipt.points_change;
    if (purse->is_pin_verified) {
        receipt.flags |= RECEIPT_PIN;
        next.pinless_count = 0;
        next.pinless_total = 0;
    } else {
        count_without_pin(&next, sale->amount);
    }
    /* Used up by the attempt, so that nothing that goes wrong below leaves it for a second one. */
    purse->is_pin_verified = false;
    enum status status = receipt_commit(card, &receipt, &next, NULL, document);
    if (status != STATUS_OK)
        return status;
    purse->has_paid = true;
    receipt_to_pay_answer(document, answer);
    return STATUS_OK;
}

enum status purse_pay(struct card *card, const struct apdu_command *command, struct writer *answer)
{
    struct sale sale;
    struct purse *purse = purse_of(card);
    struct reader r = reader_of(command->data, command->lc);
    if (!sale_decode(&r, &sale) || !reader_done(&r) || (sale.flags & ~RECEIPT_ONLINE) != 0)
        return STATUS_DATA;
    uint8_t *out = writer_reserve(answer, PAY_ANSWER_BYTES);
    if (out == NULL)
        return STATUS_FAILED;
    /* Before all that may have changed since: a payment that was made is never refused. */
    enum status status = answer_again(card, &sale, out);
    if (status != STATUS_NOT_THERE)
        return status;
    status = may_pay(card, purse, &sale);
    return status == STATUS_OK ? pay(card, &sale, out) : status;
}
