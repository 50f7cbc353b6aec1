/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a receipt means for the books. The first valid receipt of a card counter moves the card's
 * money out of the float (or into it); where to, its circumstances decide. A receipt is booked
 * once; a copy changes nothing, unless its own terminal brings what another hand had brought.
 */
#include "bank/settle.h"

#include <stdlib.h>
#include <string.h>

#include "bank/list.h"
#include "base/date.h"

#define TIME_TOLERANCE DAY_SECONDS
/* How far a number may be ahead of its terminal's last one without its terminal's word. */
#define NUMBER_LEAP LINK_UPLOAD_MAX

enum stiver_bank_status settle_verify(struct stiver_bank *bank, struct entry *entry)
{
    struct card_record card;
    entry->is_valid = false;
    if (receipt_decode(entry->bytes, entry->length, bank->settings.scheme, &entry->receipt) !=
        DOCUMENT_OK)
        return STIVER_BANK_OK;
    enum store_status stored = STORE(bank, card_find, entry->receipt.card, &card);
    if (stored == STORE_NONE)
        return STIVER_BANK_OK;
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    const size_t body_bytes = RECEIPT_BYTES - SIGNATURE_BYTES;
    if (!evp_sha256(entry->bytes, entry->length, entry->hash) ||
        document_hash(&bank_primitives, entry->bytes, body_bytes, entry->content) != DOCUMENT_OK)
        return STIVER_BANK_CRYPTO;
    enum verdict verdict =
        bank_primitives.verify(card.receipt_key, entry->content, entry->bytes + body_bytes);
    entry->is_valid = verdict == VERDICT_VALID;
    /* Rejected is for good, and costs the merchant the money: nobody's fault must not lead there.
     */
    return verdict == VERDICT_UNKNOWN ? STIVER_BANK_CRYPTO : STIVER_BANK_OK;
}

enum store_status settle_certificate(struct stiver_bank *bank, const struct receipt *receipt,
                                     struct terminal_certificate_record *certificate)
{
    struct terminal_record terminal;
    enum store_status status =
        STORE(bank, terminal_certificate_find, receipt->terminal_certificate, certificate);
    if (status == STORE_OK)
        status = STORE(bank, terminal_find, receipt->terminal, &terminal);
    if (status != STORE_OK)
        return status;
    uint64_t time = receipt->time;
    bool sound = bytes_equal(certificate->terminal, receipt->terminal, TERMINAL_NUMBER_BYTES) &&
                 certificate->merchant == receipt->merchant && terminal.listed == 0 &&
                 time + TIME_TOLERANCE >= certificate->start &&
                 time <= (uint64_t)certificate->end + TIME_TOLERANCE;
    return sound ? STORE_OK : STORE_NONE;
}

/* What the card says the receipt did to its balance. */
static int64_t effect_of(enum document_kind kind, uint32_t amount)
{
    switch ((unsigned)kind) {
    case DOCUMENT_LOAD_RECEIPT:
    case DOCUMENT_REFUND_RECEIPT:
        return (int64_t)amount;
    case DOCUMENT_PAYMENT_RECEIPT:
    case DOCUMENT_UNLOAD_RECEIPT:
        return -(int64_t)amount;
    default:
        return 0;
    }
}

static bool is_credit(enum document_kind kind)
{
    return kind == DOCUMENT_LOAD_RECEIPT || kind == DOCUMENT_REFUND_RECEIPT;
}

/* Who is owed what a payment or an unload took from the card. */
static struct account beneficiary(const struct receipt *receipt)
{
    return receipt->kind == DOCUMENT_UNLOAD_RECEIPT ? account_till(receipt->terminal)
                                                    : account_merchant(receipt->merchant);
}

static bool is_own(const struct batch *batch, const uint8_t terminal[TERMINAL_NUMBER_BYTES])
{
    return bytes_equal(batch->uploader->terminal, terminal, TERMINAL_NUMBER_BYTES);
}

/* ---- money that leaves a card ---- */

static enum stiver_bank_status judge_debit(struct stiver_bank *bank, const struct batch *batch,
                                           const struct receipt *receipt, enum receipt_state *state)
{
    struct terminal_certificate_record certificate;
    uint8_t card[CARD_NUMBER_BYTES];
    enum store_status given_up =
        STORE(bank, abandoned_find, receipt->terminal, receipt->terminal_counter, card);
    if (given_up != STORE_OK && given_up != STORE_NONE)
        return bank_status_of_store(given_up);
    enum store_status sound = settle_certificate(bank, receipt, &certificate);
    if (sound != STORE_OK && sound != STORE_NONE)
        return bank_status_of_store(sound);
    if (given_up == STORE_OK && bytes_equal(card, receipt->card, CARD_NUMBER_BYTES))
        *state = RECEIPT_OWED;
    else if (sound != STORE_OK)
        *state = RECEIPT_SUSPENSE;
    else
        *state = is_own(batch, receipt->terminal) ? RECEIPT_BOOKED : RECEIPT_FOREIGN;
    return STIVER_BANK_OK;
}

static struct account debit_goes_to(const struct receipt *receipt, enum receipt_state state)
{
    if (state == RECEIPT_BOOKED)
        return beneficiary(receipt);
    return account_of(state == RECEIPT_OWED ? ACCOUNT_OWED : ACCOUNT_SUSPENSE);
}

/* ---- money that enters a card ---- */

static enum stiver_bank_status stop_loads(struct stiver_bank *bank, struct card_record *card,
                                          const struct receipt *receipt)
{
    card->loads_stopped = true;
    return bank_ring(bank, receipt->card, receipt->terminal,
                     "a card was credited without an order of the bank; its loads are stopped");
}

/* Matches a load or refund receipt with its order and says what it books. */
static enum stiver_bank_status take_order(struct stiver_bank *bank, struct card_record *card,
                                          const struct receipt *receipt, int64_t document,
                                          enum receipt_state *state)
{
    struct order_record order;
    enum document_kind kind =
        receipt->kind == DOCUMENT_LOAD_RECEIPT ? DOCUMENT_LOAD_ORDER : DOCUMENT_REFUND_ORDER;
    enum store_status stored =
        STORE(bank, order_find, kind, receipt->card, receipt->order_counter, &order);
    if (stored != STORE_OK && stored != STORE_NONE)
        return bank_status_of_store(stored);
    bool is_open = stored == STORE_OK && order.state == ORDER_OPEN;
    bool took =
        is_open && receipt->order_number == order.number && receipt->amount.minor == order.amount;
    bool undid = is_open && order.undo_number != 0 && receipt->order_number == order.undo_number &&
                 receipt->amount.minor == 0;
    *state = took || undid ? RECEIPT_BOOKED : RECEIPT_UNBOOKED;
    if (!took && !undid)
        return stop_loads(bank, card, receipt);
    order.state = took ? ORDER_TAKEN : ORDER_UNDONE;
    stored = STORE(bank, order_update, &order);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    return bank_post(bank, document, account_of(ACCOUNT_IN_FLIGHT),
                     took ? account_of(ACCOUNT_FLOAT) : order.source, receipt->card, order.amount);
}

/* ---- the card's own story ---- */

static enum stiver_bank_status suspect(struct stiver_bank *bank, struct batch *batch,
                                       struct card_record *card, const struct receipt *receipt,
                                       const char *text)
{
    batch->has_listed = true;
    enum stiver_bank_status status = bank_ring(bank, receipt->card, receipt->terminal, text);
    return status == STIVER_BANK_OK ? list_enter(bank, card, STIVER_BANK_CLONE) : status;
}

/* A balance must follow from the one before it, where the neighbour is there. */
static enum stiver_bank_status check_chain(struct stiver_bank *bank, struct batch *batch,
                                           struct card_record *card, const struct receipt *receipt)
{
    struct receipt_record before = {0}, after;
    enum store_status has_before = STORE_OK;
    if (receipt->card_counter > 1)
        has_before = STORE(bank, receipt_find, receipt->card, receipt->card_counter - 1, &before);
    enum store_status has_after =
        STORE(bank, receipt_find, receipt->card, receipt->card_counter + 1, &after);
    if (has_before != STORE_OK && has_before != STORE_NONE)
        return bank_status_of_store(has_before);
    if (has_after != STORE_OK && has_after != STORE_NONE)
        return bank_status_of_store(has_after);
    int64_t balance = (int64_t)receipt->balance_after;
    bool follows =
        has_before != STORE_OK ||
        balance == (int64_t)before.balance_after + effect_of(receipt->kind, receipt->amount.minor);
    bool leads = has_after != STORE_OK ||
                 (int64_t)after.balance_after == balance + effect_of(after.kind, after.amount);
    if (follows && leads)
        return STIVER_BANK_OK;
    return suspect(bank, batch, card, receipt,
                   "a card's balance does not follow from its receipts");
}

/* What was ordered for the card and not seen taken yet: its receipts may come in any order. */
static enum stiver_bank_status in_flight_to(struct stiver_bank *bank,
                                            const struct card_record *card, int64_t *amount)
{
    static const enum document_kind kinds[] = {DOCUMENT_LOAD_ORDER, DOCUMENT_REFUND_ORDER};
    *amount = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct order_record order;
        enum store_status stored = STORE(bank, order_open, kinds[i], card->card, &order);
        if (stored == STORE_OK)
            *amount += (int64_t)order.amount;
        else if (stored != STORE_NONE)
            return bank_status_of_store(stored);
    }
    return STIVER_BANK_OK;
}

/* Keys that were taken out of a card can leave gaps between the counters that they sign, so that
 * no two receipts meet and no balance has a neighbour. What they cannot do is spend no more than
 * was ever put on the card. */
static enum stiver_bank_status check_covered(struct stiver_bank *bank, struct batch *batch,
                                             struct card_record *card,
                                             const struct receipt *receipt)
{
    int64_t amount;
    if (card->balance >= 0 || effect_of(receipt->kind, receipt->amount.minor) >= 0)
        return STIVER_BANK_OK;
    enum stiver_bank_status status = in_flight_to(bank, card, &amount);
    if (status != STIVER_BANK_OK || card->balance + amount >= 0)
        return status;
    return suspect(bank, batch, card, receipt, "a card spent more than was ever put on it");
}

static enum stiver_bank_status check_block(struct stiver_bank *bank, struct batch *batch,
                                           struct card_record *card, const struct receipt *receipt)
{
    if (receipt->kind == DOCUMENT_BLOCK_RECEIPT && card->block_counter == 0) {
        card->block_counter = receipt->card_counter;
        batch->has_listed = true; /* it may leave the list */
    }
    if (card->block_counter == 0 || card->counter <= card->block_counter)
        return STIVER_BANK_OK;
    return suspect(bank, batch, card, receipt, "a card went on after it had blocked itself");
}

struct walk {
    uint32_t up_to;
};

static enum store_status walk_on(void *context, const struct receipt_record *receipt)
{
    struct walk *walk = context;
    if (receipt->counter != walk->up_to + 1)
        return STORE_NONE; /* a gap: the walk ends */
    walk->up_to++;
    return STORE_OK;
}

static enum stiver_bank_status count_receipt(struct stiver_bank *bank, struct card_record *card,
                                             uint32_t counter)
{
    card->received++;
    if (counter > card->counter)
        card->counter = counter;
    if (counter != card->up_to + 1)
        return STIVER_BANK_OK;
    struct walk walk = {card->up_to};
    if (card->counter == counter)
        walk.up_to = counter;
    else {
        enum store_status stored =
            STORE(bank, receipts_above, card->card, card->up_to, walk_on, &walk);
        if (stored != STORE_OK && stored != STORE_NONE)
            return bank_status_of_store(stored);
    }
    card->up_to = walk.up_to;
    return STIVER_BANK_OK;
}

/* ---- terminals' numbers ---- */

static enum stiver_bank_status check_number(struct stiver_bank *bank, const struct receipt *receipt)
{
    struct receipt_record other;
    enum store_status stored =
        STORE(bank, receipt_of_terminal, receipt->terminal, receipt->terminal_counter, &other);
    if (stored == STORE_NONE)
        return STIVER_BANK_OK;
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    return bank_ring(bank, receipt->card, receipt->terminal,
                     "a terminal used one number for two receipts");
}

/* A terminal vouches for the numbers of its own business. Any other number is the card's word alone
 * (a block receipt is handed on as it was read): it may not use up a terminal's numbers, which a
 * terminal takes over from us as the highest that it ever gave. */
static bool may_count(const struct batch *batch, const struct receipt *receipt, uint32_t known)
{
    bool is_vouched = is_own(batch, receipt->terminal) && receipt->kind != DOCUMENT_BLOCK_RECEIPT;
    return receipt->terminal_counter <= COUNTER_MAX &&
           (is_vouched || receipt->terminal_counter - known <= NUMBER_LEAP);
}

static enum stiver_bank_status count_number(struct stiver_bank *bank, struct batch *batch,
                                            const struct receipt *receipt)
{
    struct terminal_record other, *terminal = batch->uploader;
    if (!is_own(batch, receipt->terminal)) {
        enum store_status stored = STORE(bank, terminal_find, receipt->terminal, &other);
        if (stored != STORE_OK)
            return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
        terminal = &other;
    }
    if (receipt->terminal_counter <= terminal->counter)
        return STIVER_BANK_OK;
    if (!may_count(batch, receipt, terminal->counter))
        return bank_ring(bank, receipt->card, receipt->terminal,
                         "a card names a number that its terminal is far from");
    terminal->counter = receipt->terminal_counter;
    /* The uploader's record is written once, when its whole batch was booked. */
    return terminal == &other ? bank_status_of_store(STORE(bank, terminal_update, terminal))
                              : STIVER_BANK_OK;
}

/* ---- a receipt ---- */

static struct receipt_record record_of(const struct entry *entry, enum receipt_state state,
                                       int64_t document)
{
    const struct receipt *receipt = &entry->receipt;
    struct receipt_record record = {
        .counter = receipt->card_counter,
        .kind = receipt->kind,
        .state = state,
        .document = document,
        .terminal_counter = receipt->terminal_counter,
        .merchant = receipt->merchant,
        .amount = receipt->amount.minor,
        .balance_after = receipt->balance_after,
    };
    memcpy(record.card, receipt->card, sizeof record.card);
    memcpy(record.hash, entry->hash, sizeof record.hash);
    memcpy(record.terminal, receipt->terminal, sizeof record.terminal);
    return record;
}

static enum stiver_bank_status book(struct stiver_bank *bank, const struct batch *batch,
                                    struct card_record *card, const struct receipt *receipt,
                                    int64_t document, enum receipt_state *state)
{
    if (receipt->amount.currency != bank->settings.currency) {
        *state = RECEIPT_UNBOOKED;
        return bank_ring(bank, receipt->card, receipt->terminal,
                         "a card signed a receipt in another currency");
    }
    if (is_credit(receipt->kind))
        return take_order(bank, card, receipt, document, state);
    *state = RECEIPT_BOOKED;
    if (receipt->kind == DOCUMENT_BLOCK_RECEIPT)
        return STIVER_BANK_OK;
    enum stiver_bank_status status = judge_debit(bank, batch, receipt, state);
    if (status != STIVER_BANK_OK)
        return status;
    return bank_post(bank, document, account_of(ACCOUNT_FLOAT), debit_goes_to(receipt, *state),
                     receipt->card, receipt->amount.minor);
}

static enum stiver_bank_status first_receipt(struct stiver_bank *bank, struct batch *batch,
                                             struct card_record *card, struct entry *entry)
{
    const struct receipt *receipt = &entry->receipt;
    int64_t document;
    enum receipt_state state = RECEIPT_UNBOOKED;
    enum stiver_bank_status status = bank_keep(bank, RECORD_RECEIPT, batch->uploader->terminal,
                                               entry->bytes, entry->length, &document);
    if (status == STIVER_BANK_OK)
        status = check_number(bank, receipt);
    if (status == STIVER_BANK_OK)
        status = book(bank, batch, card, receipt, document, &state);
    if (status != STIVER_BANK_OK)
        return status;
    if (state != RECEIPT_UNBOOKED)
        card->balance += effect_of(receipt->kind, receipt->amount.minor);
    struct receipt_record record = record_of(entry, state, document);
    status = bank_status_of_store(STORE(bank, receipt_add, &record));
    if (status == STIVER_BANK_OK)
        status = count_receipt(bank, card, receipt->card_counter);
    if (status == STIVER_BANK_OK)
        status = check_chain(bank, batch, card, receipt);
    if (status == STIVER_BANK_OK)
        status = check_covered(bank, batch, card, receipt);
    if (status == STIVER_BANK_OK)
        status = check_block(bank, batch, card, receipt);
    if (status == STIVER_BANK_OK)
        status = count_number(bank, batch, receipt);
    entry->result =
        state == RECEIPT_BOOKED || state == RECEIPT_OWED ? UPLOAD_BOOKED : UPLOAD_SUSPENSE;
    return status == STIVER_BANK_OK ? bank_status_of_store(STORE(bank, card_update, card)) : status;
}

/* The same receipt again. Its own terminal's word ends the suspense in which another's left it. */
static enum stiver_bank_status copy_of(struct stiver_bank *bank, struct batch *batch,
                                       struct receipt_record *held, struct entry *entry)
{
    entry->result = UPLOAD_ALREADY;
    struct terminal_certificate_record certificate;
    if (held->state != RECEIPT_FOREIGN || !is_own(batch, held->terminal))
        return STIVER_BANK_OK;
    enum store_status sound = settle_certificate(bank, &entry->receipt, &certificate);
    if (sound != STORE_OK) /* listed meanwhile: it stays where it is */
        return sound == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(sound);
    int64_t document;
    enum stiver_bank_status status = bank_keep(bank, RECORD_KEPT, batch->uploader->terminal,
                                               held->hash, sizeof held->hash, &document);
    held->state = RECEIPT_BOOKED;
    if (status == STIVER_BANK_OK)
        status = bank_post(bank, document, account_of(ACCOUNT_SUSPENSE),
                           beneficiary(&entry->receipt), held->card, held->amount);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(STORE(bank, receipt_update, held));
    if (status == STIVER_BANK_OK)
        status = count_number(bank, batch, &entry->receipt);
    entry->result = UPLOAD_BOOKED;
    return status;
}

/* Whether a receipt says what the held one says. Not the signature decides: whoever has a valid one
 * can write it in a second way (s as n - s), and that must make no clone of an honest card. */
static enum stiver_bank_status is_same(struct stiver_bank *bank, const struct receipt_record *held,
                                       const struct entry *entry, bool *same)
{
    struct store_blob blob = {0};
    int64_t id;
    *same = bytes_equal(held->hash, entry->hash, sizeof held->hash);
    if (*same)
        return STIVER_BANK_OK;
    enum store_status stored = STORE(bank, document_find, RECORD_RECEIPT, held->hash, &id, &blob);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_DAMAGED : bank_status_of_store(stored);
    *same = blob.bytes == RECEIPT_BYTES &&
            bytes_equal(blob.data, entry->bytes, RECEIPT_BYTES - SIGNATURE_BYTES);
    free(blob.data);
    return STIVER_BANK_OK;
}

static enum stiver_bank_status settle_receipt(struct stiver_bank *bank, struct batch *batch,
                                              struct entry *entry)
{
    struct card_record card;
    struct receipt_record held;
    entry->result = UPLOAD_REJECTED;
    if (!entry->is_valid)
        return STIVER_BANK_OK;
    enum store_status stored = STORE(bank, card_find, entry->receipt.card, &card);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    stored = STORE(bank, receipt_find, card.card, entry->receipt.card_counter, &held);
    if (stored == STORE_NONE)
        return first_receipt(bank, batch, &card, entry);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    bool same;
    enum stiver_bank_status status = is_same(bank, &held, entry, &same);
    if (status != STIVER_BANK_OK)
        return status;
    return same ? copy_of(bank, batch, &held, entry) : conflict_settle(bank, batch, &card, entry);
}

static enum stiver_bank_status settle_known_certificate(struct stiver_bank *bank,
                                                        struct batch *batch, struct entry *entry)
{
    uint8_t fingerprint[HOST_ID_BYTES];
    struct terminal_certificate_record certificate;
    entry->result = UPLOAD_REJECTED;
    if (certificate_host_id(&bank_primitives, entry->bytes, entry->length, fingerprint) !=
        DOCUMENT_OK)
        return STIVER_BANK_CRYPTO;
    enum store_status stored = STORE(bank, terminal_certificate_find, fingerprint, &certificate);
    if (stored == STORE_OK && is_own(batch, certificate.terminal))
        entry->result = UPLOAD_ALREADY;
    return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
}

enum stiver_bank_status settle_entry(struct stiver_bank *bank, struct batch *batch,
                                     struct entry *entry)
{
    switch (entry->kind) {
    case UPLOAD_RECEIPT:
        return settle_receipt(bank, batch, entry);
    case UPLOAD_ABANDONED:
        return abandoned_settle(bank, batch, entry);
    case UPLOAD_CERTIFICATE:
        return settle_known_certificate(bank, batch, entry);
    }
    return STIVER_BANK_INTERNAL;
}
