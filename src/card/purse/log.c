/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: LOG_SLOTS receipts, each in the slot of its card counter, kept until the bank has
 * acknowledged it and a later receipt needs the slot. Receipts come into being here and nowhere
 * else.
 */
#include "card/purse/internal.h"

#include <string.h>

/* ---- slots ---- */

static uint32_t unacknowledged(const struct ledger *ledger)
{
    return ledger->card_counter - ledger->acknowledged.up_to;
}

uint8_t log_free_slots(const struct ledger *ledger)
{
    uint32_t held = unacknowledged(ledger);
    return (uint8_t)(held < LOG_SLOTS ? LOG_SLOTS - held : 0);
}

enum status log_has_room(const struct ledger *ledger)
{
    /* Counter c takes the slot of c - LOG_SLOTS, so that one must be acknowledged. Gaps below it
     * cannot be: up_to counts without a gap. */
    return unacknowledged(ledger) < LOG_SLOTS ? STATUS_OK : STATUS_LOG_FULL;
}

enum status log_has_counter(const struct ledger *ledger)
{
    /* The last one is kept for the block receipt: a card at its end can still be blocked. */
    return ledger->card_counter < COUNTER_MAX - 1 ? STATUS_OK : STATUS_EXHAUSTED;
}

/* The block receipt is the last of all and has a record of its own: a full log never keeps a card
 * from blocking itself. */
static bool is_block_receipt(const struct ledger *ledger, uint32_t card_counter)
{
    return ledger->state == PURSE_BLOCKED && card_counter == ledger->card_counter;
}

static uint8_t record_of(const struct ledger *ledger, uint32_t card_counter)
{
    if (is_block_receipt(ledger, card_counter))
        return PURSE_RECORD_BLOCK_RECEIPT;
    return (uint8_t)(PURSE_RECORD_LOG + card_counter % LOG_SLOTS);
}

/* Card counters below this one have lost their slots to later ones. */
static uint32_t oldest_kept(const struct ledger *ledger)
{
    uint32_t last = ledger->card_counter;
    if (is_block_receipt(ledger, last))
        last--;
    return last < LOG_SLOTS ? 1 : last - LOG_SLOTS + 1;
}

enum status log_read(struct card *card, uint32_t card_counter, uint8_t document[RECEIPT_BYTES])
{
    const struct ledger *ledger = &purse_of(card)->ledger;
    if (card_counter < oldest_kept(ledger) || card_counter > ledger->card_counter)
        return STATUS_NOT_THERE;
    enum status status = purse_read(card, record_of(ledger, card_counter), document, RECEIPT_BYTES);
    /* "Not there" ends a sale for good: it is never said because a record is missing. */
    return status == STATUS_NOT_THERE ? STATUS_MEMORY : status;
}

/* terminal 8 | terminal counter 4, in a stored receipt */
#define NUMBER_OFFSET (DOCUMENT_HEADER_BYTES + CARD_NUMBER_BYTES + 4u)
#define NUMBER_BYTES (TERMINAL_NUMBER_BYTES + 4u)

static void number_encode(const uint8_t terminal[TERMINAL_NUMBER_BYTES], uint32_t terminal_counter,
                          uint8_t out[NUMBER_BYTES])
{
    struct writer w = writer_of(out, NUMBER_BYTES);
    writer_bytes(&w, terminal, TERMINAL_NUMBER_BYTES);
    writer_u32(&w, terminal_counter);
}

enum status log_find(struct card *card, const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                     uint32_t terminal_counter, struct receipt *receipt,
                     uint8_t document[RECEIPT_BYTES])
{
    const struct ledger *ledger = &purse_of(card)->ledger;
    uint8_t number[NUMBER_BYTES];
    uint32_t oldest = oldest_kept(ledger);
    number_encode(terminal, terminal_counter, number);
    for (uint32_t counter = ledger->card_counter; counter >= oldest; counter--) {
        enum status status = log_read(card, counter, document);
        if (status != STATUS_OK)
            return status;
        if (!bytes_equal(document + NUMBER_OFFSET, number, sizeof number))
            continue;
        enum document_status decoded =
            receipt_decode(document, RECEIPT_BYTES, card->identity.scheme, receipt);
        return decoded == DOCUMENT_OK ? STATUS_OK : STATUS_MEMORY;
    }
    return STATUS_NOT_THERE;
}

/*
 * A number that no slot shows is new; a number that one shows is looked up for certain. Only a
 * receipt that went bad in the flash can hide here, and then nothing is lost that this search was
 * to save: a terminal repeats PAY only in the power-up that began it, where the card pays once in
 * any case (check_once); an order is taken once for its own counter. What ends a sale for good is
 * READ RECEIPT's "not there", and that comes from log_find.
 */
enum status log_find_own(struct card *card, uint32_t terminal_counter, struct receipt *receipt,
                         uint8_t document[RECEIPT_BYTES])
{
    uint8_t number[NUMBER_BYTES];
    number_encode(card->peer.number, terminal_counter, number);
    enum nvm_status status =
        nvm_search(&card->nvm, OWNER_PURSE, PURSE_RECORD_LOG, PURSE_RECORD_LOG + LOG_SLOTS - 1,
                   NUMBER_OFFSET, number, sizeof number);
    if (status == NVM_ABSENT)
        return STATUS_NOT_THERE;
    if (status != NVM_OK)
        return card_memory_status(card, status);
    return log_find(card, card->peer.number, terminal_counter, receipt, document);
}

/* ---- receipts ---- */

void receipt_begin(const struct card *card, enum document_kind kind, const struct sale *sale,
                   struct receipt *receipt)
{
    memset(receipt, 0, sizeof *receipt);
    receipt->kind = kind;
    receipt->scheme = card->identity.scheme;
    memcpy(receipt->card, card->identity.number, CARD_NUMBER_BYTES);
    memcpy(receipt->terminal, card->peer.number, TERMINAL_NUMBER_BYTES);
    receipt->terminal_counter = sale->terminal_counter;
    memcpy(receipt->terminal_certificate, card->peer.host_id, HOST_ID_BYTES);
    receipt->merchant = card->peer.merchant;
    receipt->amount = sale->amount;
    receipt->time = sale->time;
    memcpy(receipt->reference, sale->reference, REFERENCE_BYTES);
}

static enum status receipt_sign(struct card *card, struct receipt *receipt,
                                uint8_t document[RECEIPT_BYTES])
{
    const size_t unsigned_bytes = RECEIPT_BYTES - SIGNATURE_BYTES;
    if (crypto_random(receipt->random, sizeof receipt->random) != CRYPTO_OK)
        return STATUS_FAILED;
    receipt_encode(receipt, document);
    return card_sign(card, document, unsigned_bytes, document + unsigned_bytes);
}

/* The balance to come, worked out a second time from what is committed and what was signed. */
static bool balance_to_come(struct money before, const struct receipt *receipt, struct money *after)
{
    if (receipt->kind == DOCUMENT_PAYMENT_RECEIPT)
        return money_subtract(before, receipt->amount, after);
    if (receipt->kind == DOCUMENT_LOAD_RECEIPT || receipt->kind == DOCUMENT_REFUND_RECEIPT)
        return money_add(before, receipt->amount, after);
    *after = before;
    return receipt->kind == DOCUMENT_BLOCK_RECEIPT && receipt->amount.minor == 0;
}

static bool books_agree(const struct ledger *before, const struct receipt *receipt,
                        const struct ledger *next)
{
    struct money after;
    return balance_to_come(before->balance, receipt, &after) &&
           next->balance.minor == after.minor && next->balance.currency == after.currency &&
           receipt->balance_after == after.minor &&
           receipt->card_counter == before->card_counter + 1 &&
           next->card_counter == receipt->card_counter;
}

static enum status commit_both(struct card *card, const struct ledger *next,
                               const uint8_t document[RECEIPT_BYTES])
{
    bool is_money = next->state != PURSE_BLOCKED;
    enum status status = card_begin(card, LEDGER_BYTES + RECEIPT_BYTES, 2);
    if (status == STATUS_OK)
        status = ledger_put(card, next);
    if (status == STATUS_OK)
        status = card_put(card, OWNER_PURSE, record_of(next, next->card_counter),
                          PURSE_RECORD_VERSION, document, RECEIPT_BYTES);
    if (status == STATUS_OK)
        status = card_commit(card, is_money);
    return status;
}

enum status receipt_commit(struct card *card, struct receipt *receipt, struct ledger *next,
                           struct order_track *track, uint8_t document[RECEIPT_BYTES])
{
    struct ledger *committed = &purse_of(card)->ledger;
    next->card_counter = committed->card_counter + 1;
    if (track != NULL)
        track->card_counter = next->card_counter;
    receipt->card_counter = next->card_counter;
    receipt->balance_after = next->balance.minor;
    receipt->points_after = next->points;
    enum status status = receipt_sign(card, receipt, document);
    if (status != STATUS_OK)
        return status;
    /* Checked again at the last moment: a fault between the first check and here (a glitched
     * comparison, a flipped bit) must not make or lose a cent. */
    if (!books_agree(committed, receipt, next))
        return STATUS_FAILED;
    status = commit_both(card, next, document);
    if (status == STATUS_OK)
        *committed = *next;
    return status;
}

/* ---- acknowledgement ---- */

/* The same statement from a higher up_to: what the map loses is below it. */
static uint64_t map_from(struct acknowledgement a, uint32_t up_to)
{
    uint32_t shift = up_to - a.up_to;
    return shift < 64 ? a.map >> shift : 0;
}

struct acknowledgement acknowledgement_merge(struct acknowledgement a, struct acknowledgement b)
{
    struct acknowledgement merged = {.up_to = a.up_to > b.up_to ? a.up_to : b.up_to};
    merged.map = map_from(a, merged.up_to) | map_from(b, merged.up_to);
    while ((merged.map & 1) != 0) {
        merged.up_to++;
        merged.map >>= 1;
    }
    return merged;
}

/* ---- commands ---- */

enum status purse_read_receipt(struct card *card, const struct apdu_command *command,
                               struct writer *answer)
{
    struct receipt receipt;
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    struct reader r = reader_of(command->data, command->lc);
    reader_bytes(&r, terminal, sizeof terminal);
    uint32_t terminal_counter = reader_u32(&r);
    uint8_t *document = writer_reserve(answer, RECEIPT_BYTES);
    if (!reader_done(&r) || document == NULL)
        return STATUS_DATA;
    enum status status = log_find(card, terminal, terminal_counter, &receipt, document);
    if (status != STATUS_OK)
        return status;
    /* Another merchant's receipt is none of this terminal's business, not even that it exists. */
    bool may_read = card->peer.role == ROLE_BANK || card->peer.merchant == receipt.merchant;
    return may_read ? STATUS_OK : STATUS_NOT_THERE;
}

enum status purse_read_log(struct card *card, const struct apdu_command *command,
                           struct writer *answer)
{
    bool is_closed = (S_CLOSED & 1u << purse_of(card)->ledger.state) != 0;
    struct reader r = reader_of(command->data, command->lc);
    uint32_t card_counter = reader_u32(&r);
    uint8_t *document = writer_reserve(answer, RECEIPT_BYTES);
    if (!reader_done(&r) || document == NULL)
        return STATUS_DATA;
    /* Once closed, the log is the bank's alone. */
    if (is_closed && card->peer.role != ROLE_BANK)
        return STATUS_ROLE;
    return log_read(card, card_counter, document);
}
