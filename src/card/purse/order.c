/* SPDX-License-Identifier: Apache-2.0 */
/* Orders of the bank: LOAD and REFUND, which move money, and APPLY ORDER, which does not. */
#include "card/purse/internal.h"

#include <string.h>

enum status purse_document_status(enum document_status status)
{
    switch (status) {
    case DOCUMENT_OK:
        return STATUS_OK;
    case DOCUMENT_FAILED:
        return STATUS_FAILED;
    case DOCUMENT_FORGED:
    case DOCUMENT_OTHER_SCHEME:
        return STATUS_FORGED;
    case DOCUMENT_MALFORMED:
    case DOCUMENT_OTHER_KIND:
        break;
    }
    return STATUS_DATA;
}

enum status document_is_current(const struct card *card, uint32_t end, const struct signer *signer)
{
    if (signer->generation < card->clock.generation_floor)
        return STATUS_OLD;
    if (!card_clock_permits(card, end) || !card_clock_permits(card, signer->end))
        return STATUS_EXPIRED;
    return STATUS_OK;
}

/* Whole, signed by a key of the bank, and for this card. */
OWN_FRAME static enum status order_admit(const struct card *card, struct reader message,
                                         struct order *order, struct signer *signer)
{
    struct certificate working;
    enum status status = purse_document_status(order_check(&crypto_primitives, message.at,
                                                           message.left, card->identity.scheme,
                                                           &card->identity.root, order, &working));
    if (status != STATUS_OK)
        return status;
    signer->end = working.end;
    signer->generation = working.generation;
    return bytes_equal(order->card, card->identity.number, CARD_NUMBER_BYTES) ? STATUS_OK
                                                                              : STATUS_OTHER_CARD;
}

/* ---- orders that move money ---- */

static struct order_track *track_of(struct ledger *ledger, enum document_kind kind)
{
    return kind == DOCUMENT_LOAD_ORDER ? &ledger->load : &ledger->refund;
}

/* The sale that the terminal booked and the order that the bank signed must be one. */
static enum status order_matches(const struct ledger *ledger, const struct sale *sale,
                                 const struct order *order)
{
    if (order->amount.currency != ledger->balance.currency ||
        sale->amount.currency != ledger->balance.currency)
        return STATUS_CURRENCY;
    return sale->amount.minor == order->amount.minor ? STATUS_OK : STATUS_AMOUNT;
}

/* The next counter only; a repeat of the last order is not asked here. */
static enum status counter_is_next(const struct order_track *track, const struct order *order)
{
    if (track->counter >= COUNTER_MAX)
        return STATUS_EXHAUSTED;
    return order->counter == track->counter + 1 ? STATUS_OK : STATUS_COUNTER;
}

static bool is_last_taken(const struct order_track *track, const struct order *order)
{
    return track->counter != 0 && order->counter == track->counter &&
           order->number == track->number;
}

/* The receipt may have left the log, once the bank had acknowledged it. That is no "not there",
 * which says that nothing was taken: the order is only no next one any more. */
static enum status repeat_of_taken(struct card *card, const struct order_track *track,
                                   uint8_t document[RECEIPT_BYTES])
{
    enum status status = log_read(card, track->card_counter, document);
    return status == STATUS_NOT_THERE ? STATUS_COUNTER : status;
}

/* An order of zero undoes the one it stands for, and a purse above its limit must still take it. */
static enum status balance_fits(const struct ledger *ledger, struct money amount)
{
    struct money limit = money_of(ledger->policy.balance_limit, ledger->balance.currency);
    struct money after;
    if (amount.minor == 0)
        return STATUS_OK;
    if (!money_add(ledger->balance, amount, &after) || !money_at_most(after, limit))
        return STATUS_BALANCE_LIMIT;
    return STATUS_OK;
}

/* A receipt is found again by its terminal's number, so one number stands for one receipt. */
static enum status number_is_free(struct card *card, uint32_t terminal_counter,
                                  uint8_t scratch[RECEIPT_BYTES])
{
    struct receipt stored;
    enum status status = log_find_own(card, terminal_counter, &stored, scratch);
    if (status == STATUS_NOT_THERE)
        return STATUS_OK;
    return status == STATUS_OK ? STATUS_NUMBER_USED : status;
}

static enum status may_take(struct card *card, const struct sale *sale, const struct order *order,
                            const struct signer *signer, uint8_t scratch[RECEIPT_BYTES])
{
    struct ledger *ledger = &purse_of(card)->ledger;
    enum status status = document_is_current(card, order->end, signer);
    if (status == STATUS_OK)
        status = counter_is_next(track_of(ledger, order->kind), order);
    if (status == STATUS_OK)
        status = number_is_free(card, sale->terminal_counter, scratch);
    if (status == STATUS_OK)
        status = balance_fits(ledger, order->amount);
    if (status == STATUS_OK)
        status = log_has_room(ledger);
    if (status == STATUS_OK)
        status = log_has_counter(ledger);
    return status;
}

OWN_FRAME static enum status take(struct card *card, const struct sale *sale,
                                  const struct order *order, uint8_t document[RECEIPT_BYTES])
{
    struct ledger next = purse_of(card)->ledger;
    struct order_track *track = track_of(&next, order->kind);
    struct receipt receipt;
    bool is_load = order->kind == DOCUMENT_LOAD_ORDER;
    receipt_begin(card, is_load ? DOCUMENT_LOAD_RECEIPT : DOCUMENT_REFUND_RECEIPT, sale, &receipt);
    if (!money_add(next.balance, order->amount, &next.balance))
        return STATUS_BALANCE_LIMIT;
    if (!is_load) {
        /* Points that were spent already cannot be taken back; the receipt says what was. */
        receipt.points_change =
            order->points_taken < next.points ? order->points_taken : next.points;
        next.points -= receipt.points_change;
    }
    track->counter = order->counter;
    track->number = order->number;
    receipt.order_counter = order->counter;
    receipt.order_number = order->number;
    return receipt_commit(card, &receipt, &next, track, document);
}

static enum status load_or_refund(struct card *card, const struct apdu_command *command,
                                  enum document_kind kind, struct writer *answer)
{
    struct ledger *ledger = &purse_of(card)->ledger;
    struct sale sale;
    struct order order;
    struct signer signer;
    struct reader r = reader_of(command->data, command->lc);
    uint8_t *document = writer_reserve(answer, RECEIPT_BYTES);
    if (!sale_decode(&r, &sale) || sale.flags != 0 || document == NULL)
        return STATUS_DATA;
    enum status status = order_admit(card, r, &order, &signer);
    if (status == STATUS_OK && order.kind != kind)
        status = STATUS_DATA;
    if (status == STATUS_OK)
        status = order_matches(ledger, &sale, &order);
    if (status != STATUS_OK)
        return status;
    /* Before all that may have changed since: what was taken was taken, and any terminal may bring
     * the receipt home. */
    if (is_last_taken(track_of(ledger, kind), &order))
        return repeat_of_taken(card, track_of(ledger, kind), document);
    status = may_take(card, &sale, &order, &signer, document);
    if (status != STATUS_OK)
        return status;
    card_clock_saw(card, order.start, signer.end);
    return take(card, &sale, &order, document);
}

enum status purse_load(struct card *card, const struct apdu_command *command, struct writer *answer)
{
    return load_or_refund(card, command, DOCUMENT_LOAD_ORDER, answer);
}

enum status purse_refund(struct card *card, const struct apdu_command *command,
                         struct writer *answer)
{
    return load_or_refund(card, command, DOCUMENT_REFUND_ORDER, answer);
}

/* ---- orders that do not ---- */

static bool policy_equal(const struct policy *a, const struct policy *b)
{
    uint8_t left[POLICY_BYTES], right[POLICY_BYTES];
    struct writer w = writer_of(left, sizeof left);
    policy_encode(a, &w);
    w = writer_of(right, sizeof right);
    policy_encode(b, &w);
    return bytes_equal(left, right, sizeof left);
}

static enum status apply_policy(struct ledger *next, const struct order *order,
                                const struct signer *signer, bool *is_new)
{
    uint64_t held = (uint64_t)next->policy_generation << 32 | next->policy_number;
    uint64_t brought = (uint64_t)signer->generation << 32 | order->number;
    if (order->policy.currency != next->balance.currency)
        return STATUS_CURRENCY;
    *is_new = brought > held;
    if (!*is_new)
        return brought == held && policy_equal(&order->policy, &next->policy) ? STATUS_OK
                                                                              : STATUS_OLD;
    next->policy = order->policy;
    next->policy_generation = signer->generation;
    next->policy_number = order->number;
    return STATUS_OK;
}

/* A counter that the card has not reached cannot be with the bank: such a statement would open
 * slots that are still needed. */
static bool is_within(struct acknowledgement a, uint32_t card_counter)
{
    if (a.up_to > card_counter)
        return false;
    uint32_t above = card_counter - a.up_to;
    return above >= 64 || a.map >> above == 0;
}

static enum status apply_acknowledgement(struct ledger *next, const struct order *order,
                                         bool *is_new)
{
    struct acknowledgement held = next->acknowledged;
    if (!is_within(order->acknowledgement, next->card_counter))
        return STATUS_COUNTER;
    next->acknowledged = acknowledgement_merge(held, order->acknowledgement);
    *is_new = next->acknowledged.up_to != held.up_to || next->acknowledged.map != held.map;
    return STATUS_OK;
}

OWN_FRAME static enum status apply(struct card *card, const struct order *order,
                                   const struct signer *signer)
{
    struct ledger next = purse_of(card)->ledger;
    bool is_new = false;
    enum status status = STATUS_DATA;
    if (order->kind == DOCUMENT_POLICY_ORDER)
        status = apply_policy(&next, order, signer, &is_new);
    if (order->kind == DOCUMENT_ACKNOWLEDGEMENT)
        status = apply_acknowledgement(&next, order, &is_new);
    if (status != STATUS_OK)
        return status;
    card_clock_saw(card, order->start, signer->end);
    return is_new ? ledger_commit(card, &next) : STATUS_OK;
}

enum status purse_apply_order(struct card *card, const struct apdu_command *command,
                              struct writer *answer)
{
    struct order order;
    struct signer signer;
    (void)answer;
    enum status status = order_admit(card, reader_of(command->data, command->lc), &order, &signer);
    if (status == STATUS_OK)
        status = document_is_current(card, order.end, &signer);
    if (status == STATUS_OK)
        status = apply(card, &order, &signer);
    return status;
}
