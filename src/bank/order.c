/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders. Money leaves its source before an order is signed, and the order is on the disk before it
 * leaves. An end date frees no money: an order that is out ends by the card's receipt for it, or by
 * the receipt for the zero-amount order of the same counter.
 */
#include "bank/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/date.h"

#define LOAD_SECONDS DAY_SECONDS
#define POLICY_SECONDS (30u * DAY_SECONDS)

static enum stiver_bank_status sign_order(struct stiver_bank *bank, enum stiver_bank_key key,
                                          struct order *order, struct order_message *message)
{
    uint8_t hash[SHA256_BYTES];
    order->scheme = bank->settings.scheme;
    order->start = bank_now(bank);
    size_t bytes = order_encode(order, message->bytes, sizeof message->bytes);
    const struct key_record *signing = &bank->keys.current[key];
    if (!bytes || bytes + SIGNATURE_BYTES + signing->certificate_bytes > sizeof message->bytes)
        return STIVER_BANK_INTERNAL;
    if (document_hash(&bank_primitives, message->bytes, bytes, hash) != DOCUMENT_OK)
        return STIVER_BANK_CRYPTO;
    enum stiver_bank_status status =
        keyring_sign(&bank->keys, key, order->start, hash, message->bytes + bytes);
    if (status != STIVER_BANK_OK)
        return status;
    message->length = bytes + SIGNATURE_BYTES;
    memcpy(message->bytes + message->length, signing->certificate, signing->certificate_bytes);
    message->length += signing->certificate_bytes;
    return STIVER_BANK_OK;
}

/* The card's next order number; written with the card. */
static enum stiver_bank_status next_number(struct stiver_bank *bank, struct card_record *card,
                                           uint32_t *number)
{
    if (card->order_number >= COUNTER_MAX)
        return bank_say(bank, STIVER_BANK_REFUSED, "the card's order numbers have come to an end");
    *number = ++card->order_number;
    return bank_status_of_store(STORE(bank, card_update, card));
}

static enum stiver_bank_status find_card(struct stiver_bank *bank,
                                         const uint8_t number[CARD_NUMBER_BYTES],
                                         struct card_record *card)
{
    enum store_status status = STORE(bank, card_find, number, card);
    return status == STORE_NONE ? STIVER_BANK_UNKNOWN_CARD : bank_status_of_store(status);
}

static void give(struct order_message *message, const uint8_t *bytes, size_t length)
{
    memcpy(message->bytes, bytes, length);
    message->length = length;
}

/* ---- orders that ended before a card saw them ---- */

static bool has_ended(struct stiver_bank *bank, enum document_kind kind, const uint8_t *message,
                      size_t length, struct order *order)
{
    size_t bytes = order_bytes((uint8_t)kind);
    return bytes != 0 && length >= bytes &&
           order_decode(message, bytes, bank->settings.scheme, order) == DOCUMENT_OK &&
           order->end < bank_now(bank);
}

/* The same order with later dates: number and counter are the old ones, so a card takes the two as
 * one, and no money is booked again. Without it a card that stays away for some days could take
 * neither its order nor the undo, nor ever another one. */
static enum stiver_bank_status sign_anew(struct stiver_bank *bank, struct order *order,
                                         const uint8_t *terminal, struct order_message *message)
{
    order->end = bank_now(bank) + LOAD_SECONDS;
    enum stiver_bank_status status = sign_order(bank, STIVER_BANK_KEY_ORDERS, order, message);
    return status == STIVER_BANK_OK
               ? bank_keep(bank, RECORD_ORDER, terminal, message->bytes, message->length, NULL)
               : status;
}

/* ---- load and refund ---- */

static enum stiver_bank_status card_may_gain(struct stiver_bank *bank,
                                             const struct card_record *card, uint32_t counter,
                                             struct money amount)
{
    if (card->reason || card->block_counter)
        return bank_say(bank, STIVER_BANK_LISTED, "the card is listed or blocked");
    if (card->loads_stopped)
        return bank_say(bank, STIVER_BANK_REFUSED, "loads are stopped for this card");
    if (card->end < bank_now(bank))
        return bank_say(bank, STIVER_BANK_REFUSED, "the card's certificate has ended");
    if (counter == 0 || counter > COUNTER_MAX)
        return bank_say(bank, STIVER_BANK_ARGUMENT, "no card takes an order with this counter");
    if (amount.currency != bank->settings.currency)
        return STIVER_BANK_CURRENCY;
    return amount.minor <= bank->settings.largest ? STIVER_BANK_OK : STIVER_BANK_LIMIT;
}

/* A card takes the next counter only. An order further on would be one that no card ever takes and
 * no receipt ever undoes: it would end that card's loads for good. */
static enum stiver_bank_status counter_is_next(struct stiver_bank *bank,
                                               const struct order_record *wish)
{
    struct order_record before;
    if (wish->counter <= 1)
        return STIVER_BANK_OK;
    enum store_status status =
        STORE(bank, order_find, wish->kind, wish->card, wish->counter - 1, &before);
    if (status == STORE_NONE)
        return bank_say(bank, STIVER_BANK_REFUSED,
                        "this is not the counter that the card takes next");
    return bank_status_of_store(status);
}

/* ALREADY: *message is the held order, with later dates if the card may still gain by it. */
static enum stiver_bank_status give_again(struct stiver_bank *bank, const struct order_record *held,
                                          struct order_message *message)
{
    struct order order;
    struct card_record card;
    if (held->state != ORDER_OPEN ||
        !has_ended(bank, held->kind, held->message, held->message_bytes, &order)) {
        give(message, held->message, held->message_bytes);
        return STIVER_BANK_ALREADY;
    }
    enum stiver_bank_status status = find_card(bank, held->card, &card);
    if (status == STIVER_BANK_OK)
        status = card_may_gain(bank, &card, held->counter, order.amount);
    if (status == STIVER_BANK_OK)
        status = sign_anew(bank, &order, NULL, message);
    return status == STIVER_BANK_OK ? STIVER_BANK_ALREADY : status;
}

/* What an order of that counter, or another one that is out, means for the wish. ALREADY: *message
 * is the answer. */
static enum stiver_bank_status earlier_order(struct stiver_bank *bank,
                                             const struct order_record *wish,
                                             struct order_message *message)
{
    struct order_record held;
    enum store_status status =
        STORE(bank, order_find, wish->kind, wish->card, wish->counter, &held);
    if (status == STORE_OK) {
        bool same = held.amount == wish->amount && held.source.kind == wish->source.kind &&
                    held.source.owner == wish->source.owner &&
                    held.payment_counter == wish->payment_counter && held.undo_number == 0;
        if (!same)
            return bank_say(bank, STIVER_BANK_CONFLICT,
                            "an order for that counter is out: ask for its amount again");
        return give_again(bank, &held, message);
    }
    if (status == STORE_NONE)
        status = STORE(bank, order_open, wish->kind, wish->card, &held);
    if (status == STORE_OK)
        return bank_say(bank, STIVER_BANK_CONFLICT,
                        "an earlier order for that card is out: bring its receipt, or undo it");
    return status == STORE_NONE ? counter_is_next(bank, wish) : bank_status_of_store(status);
}

/* Signs, keeps and books a new order. terminal may be NULL. */
static enum stiver_bank_status issue(struct stiver_bank *bank, struct card_record *card,
                                     struct order_record *record, struct order *order,
                                     const uint8_t *terminal, struct order_message *message)
{
    enum stiver_bank_status status = next_number(bank, card, &record->number);
    if (status != STIVER_BANK_OK)
        return status;
    order->kind = record->kind;
    memcpy(order->card, record->card, sizeof order->card);
    order->number = record->number;
    order->counter = record->counter;
    order->amount = money_of(record->amount, bank->settings.currency);
    order->end = bank_now(bank) + LOAD_SECONDS;
    status = sign_order(bank, STIVER_BANK_KEY_ORDERS, order, message);
    if (status != STIVER_BANK_OK)
        return status;
    memcpy(record->message, message->bytes, message->length);
    record->message_bytes = message->length;
    record->state = ORDER_OPEN;
    int64_t document;
    status = bank_keep(bank, RECORD_ORDER, terminal, message->bytes, message->length, &document);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(STORE(bank, order_add, record));
    if (status == STIVER_BANK_OK)
        status = bank_post(bank, document, record->source, account_of(ACCOUNT_IN_FLIGHT),
                           record->card, record->amount);
    return status;
}

static enum stiver_bank_status undo_record(struct stiver_bank *bank, struct order_record *record,
                                           const uint8_t *terminal, struct order_message *message)
{
    struct order order;
    if (record->undo_number) {
        if (record->state == ORDER_OPEN &&
            has_ended(bank, record->kind, record->undo, record->undo_bytes, &order))
            return sign_anew(bank, &order, terminal, message);
        give(message, record->undo, record->undo_bytes);
        return STIVER_BANK_OK;
    }
    if (record->state != ORDER_OPEN)
        return bank_say(bank, STIVER_BANK_CONFLICT, "the card has taken that order");
    struct card_record card;
    enum stiver_bank_status status = find_card(bank, record->card, &card);
    if (status == STIVER_BANK_OK)
        status = next_number(bank, &card, &record->undo_number);
    if (status != STIVER_BANK_OK)
        return status;
    order = (struct order){
        .kind = record->kind,
        .number = record->undo_number,
        .counter = record->counter,
        .amount = {0, bank->settings.currency},
        .original_counter = record->payment_counter,
        .end = bank_now(bank) + LOAD_SECONDS,
    };
    memcpy(order.card, record->card, sizeof order.card);
    status = sign_order(bank, STIVER_BANK_KEY_ORDERS, &order, message);
    if (status != STIVER_BANK_OK)
        return status;
    memcpy(record->undo, message->bytes, message->length);
    record->undo_bytes = message->length;
    status = bank_keep(bank, RECORD_ORDER, terminal, message->bytes, message->length, NULL);
    return status == STIVER_BANK_OK ? bank_status_of_store(STORE(bank, order_update, record))
                                    : status;
}

static enum stiver_bank_status undo_by_till(struct stiver_bank *bank,
                                            const struct terminal_record *terminal,
                                            const uint8_t card[CARD_NUMBER_BYTES], uint32_t counter,
                                            struct order_message *message)
{
    struct order_record record;
    enum store_status stored = STORE(bank, order_find, DOCUMENT_LOAD_ORDER, card, counter, &record);
    if (stored == STORE_NONE)
        return bank_say(bank, STIVER_BANK_REFUSED, "no order for that counter is out");
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    struct account till = account_till(terminal->terminal);
    if (record.source.kind != till.kind || record.source.owner != till.owner)
        return bank_say(bank, STIVER_BANK_CONFLICT, "another terminal's till paid for that order");
    return undo_record(bank, &record, terminal->terminal, message);
}

enum stiver_bank_status order_load(struct stiver_bank *bank, const struct terminal_record *terminal,
                                   const uint8_t card[CARD_NUMBER_BYTES], uint32_t counter,
                                   struct money amount, struct order_message *message)
{
    struct card_record holder;
    enum stiver_bank_status status = find_card(bank, card, &holder);
    if (status != STIVER_BANK_OK)
        return status;
    if (amount.minor == 0)
        return undo_by_till(bank, terminal, card, counter, message);
    struct order_record record = {.kind = DOCUMENT_LOAD_ORDER,
                                  .counter = counter,
                                  .amount = amount.minor,
                                  .source = account_till(terminal->terminal)};
    memcpy(record.card, card, sizeof record.card);
    status = earlier_order(bank, &record, message);
    if (status != STIVER_BANK_OK)
        return status == STIVER_BANK_ALREADY ? STIVER_BANK_OK : status;
    status = card_may_gain(bank, &holder, counter, amount);
    if (status != STIVER_BANK_OK)
        return status;
    int64_t till;
    enum store_status stored = STORE(bank, balance, &record.source, &till);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    if (till + (int64_t)terminal->credit < (int64_t)amount.minor)
        return STIVER_BANK_CREDIT;
    struct order order = {0};
    return issue(bank, &holder, &record, &order, terminal->terminal, message);
}

struct refund_wish {
    const uint8_t *card;
    uint32_t counter, payment_counter;
    struct money amount;
    struct order_message message;
};

/* Points that went with the refunded part of a payment. */
static enum stiver_bank_status points_of(struct stiver_bank *bank,
                                         const struct receipt_record *payment, uint32_t amount,
                                         uint32_t *points)
{
    struct store_blob blob = {0};
    struct receipt receipt;
    int64_t id;
    enum store_status stored =
        STORE(bank, document_find, RECORD_RECEIPT, payment->hash, &id, &blob);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    enum document_status status =
        receipt_decode(blob.data, blob.bytes, bank->settings.scheme, &receipt);
    free(blob.data);
    if (status != DOCUMENT_OK)
        return STIVER_BANK_DAMAGED;
    *points = (uint32_t)((uint64_t)receipt.points_change * amount / payment->amount);
    return STIVER_BANK_OK;
}

static enum stiver_bank_status refundable(struct stiver_bank *bank, const struct refund_wish *wish,
                                          struct receipt_record *payment, int64_t *before)
{
    enum store_status stored =
        STORE(bank, receipt_find, wish->card, wish->payment_counter, payment);
    if (stored == STORE_NONE)
        return STIVER_BANK_UNKNOWN_RECEIPT;
    if (stored == STORE_OK)
        stored = STORE(bank, refunded, wish->card, wish->payment_counter, before);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    if (payment->kind != DOCUMENT_PAYMENT_RECEIPT || payment->state != RECEIPT_BOOKED)
        return bank_say(bank, STIVER_BANK_REFUSED, "that receipt is no payment that was booked");
    return STIVER_BANK_OK;
}

static enum stiver_bank_status refund_work(struct stiver_bank *bank, void *context)
{
    struct refund_wish *wish = context;
    struct card_record card;
    struct receipt_record payment;
    int64_t before, merchant;
    enum stiver_bank_status status = find_card(bank, wish->card, &card);
    if (status == STIVER_BANK_OK)
        status = refundable(bank, wish, &payment, &before);
    if (status != STIVER_BANK_OK)
        return status;
    struct order_record record = {.kind = DOCUMENT_REFUND_ORDER,
                                  .counter = wish->counter,
                                  .amount = wish->amount.minor,
                                  .source = account_merchant(payment.merchant),
                                  .payment_counter = wish->payment_counter};
    memcpy(record.card, wish->card, sizeof record.card);
    status = earlier_order(bank, &record, &wish->message);
    if (status != STIVER_BANK_OK)
        return status == STIVER_BANK_ALREADY ? STIVER_BANK_OK : status;
    status = card_may_gain(bank, &card, wish->counter, wish->amount);
    if (status != STIVER_BANK_OK)
        return status;
    if (wish->amount.minor == 0 || before + (int64_t)wish->amount.minor > (int64_t)payment.amount)
        return bank_say(bank, STIVER_BANK_REFUSED,
                        "a refund is at most what is left of the payment");
    enum store_status stored = STORE(bank, balance, &record.source, &merchant);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    if (merchant < (int64_t)wish->amount.minor)
        return bank_say(bank, STIVER_BANK_REFUSED, "the merchant's account does not cover this");
    struct order order = {.original_counter = wish->payment_counter,
                          .refunded_before = (uint32_t)before};
    status = points_of(bank, &payment, wish->amount.minor, &order.points_taken);
    if (status != STIVER_BANK_OK)
        return status;
    return issue(bank, &card, &record, &order, NULL, &wish->message);
}

enum stiver_bank_status stiver_bank_refund(struct stiver_bank *bank, const uint8_t card[8],
                                           uint32_t counter, uint32_t payment_counter,
                                           struct stiver_bank_money amount,
                                           struct stiver_bank_bytes *order)
{
    struct refund_wish wish = {.card = card,
                               .counter = counter,
                               .payment_counter = payment_counter,
                               .amount = {amount.minor, amount.currency}};
    enum stiver_bank_status status = bank_transact(bank, refund_work, &wish);
    return status == STIVER_BANK_OK ? bank_hand_over(order, wish.message.bytes, wish.message.length)
                                    : status;
}

struct undo_wish {
    enum document_kind kind;
    const uint8_t *card;
    uint32_t counter;
    struct order_message message;
};

static enum stiver_bank_status undo_work(struct stiver_bank *bank, void *context)
{
    struct undo_wish *wish = context;
    struct order_record record;
    enum store_status stored =
        STORE(bank, order_find, wish->kind, wish->card, wish->counter, &record);
    if (stored == STORE_NONE)
        return bank_say(bank, STIVER_BANK_REFUSED, "no order for that counter is out");
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    return undo_record(bank, &record, NULL, &wish->message);
}

enum stiver_bank_status stiver_bank_undo(struct stiver_bank *bank, const uint8_t card[8],
                                         bool refund, uint32_t counter,
                                         struct stiver_bank_bytes *order)
{
    struct undo_wish wish = {.kind = refund ? DOCUMENT_REFUND_ORDER : DOCUMENT_LOAD_ORDER,
                             .card = card,
                             .counter = counter};
    enum stiver_bank_status status = bank_transact(bank, undo_work, &wish);
    return status == STIVER_BANK_OK ? bank_hand_over(order, wish.message.bytes, wish.message.length)
                                    : status;
}

/* ---- policy and acknowledgement ---- */

static enum stiver_bank_status word_order(struct stiver_bank *bank, struct card_record *card,
                                          struct order *order, struct order_message *message)
{
    memcpy(order->card, card->card, sizeof order->card);
    order->end = bank_now(bank) + POLICY_SECONDS;
    enum stiver_bank_status status = next_number(bank, card, &order->number);
    return status == STIVER_BANK_OK ? sign_order(bank, STIVER_BANK_KEY_POLICY, order, message)
                                    : status;
}

enum stiver_bank_status order_policy(struct stiver_bank *bank, struct card_record *card,
                                     struct order_message *message)
{
    struct order order = {.kind = DOCUMENT_POLICY_ORDER, .policy = bank->settings.policy};
    return word_order(bank, card, &order, message);
}

struct map_maker {
    uint32_t up_to;
    uint64_t map;
};

static enum store_status into_map(void *context, const struct receipt_record *receipt)
{
    struct map_maker *maker = context;
    uint32_t bit = receipt->counter - maker->up_to - 1;
    if (bit < 64)
        maker->map |= UINT64_C(1) << bit;
    return STORE_OK;
}

enum stiver_bank_status order_acknowledge(struct stiver_bank *bank, struct card_record *card,
                                          struct order_message *message)
{
    struct map_maker maker = {.up_to = card->up_to};
    if (card->counter > card->up_to) {
        enum store_status stored =
            STORE(bank, receipts_above, card->card, card->up_to, into_map, &maker);
        if (stored != STORE_OK)
            return bank_status_of_store(stored);
    }
    struct order order = {.kind = DOCUMENT_ACKNOWLEDGEMENT,
                          .acknowledgement = {maker.up_to, maker.map}};
    return word_order(bank, card, &order, message);
}

typedef enum stiver_bank_status word_maker(struct stiver_bank *, struct card_record *,
                                           struct order_message *);
struct word_wish {
    const uint8_t *card;
    word_maker *make;
    struct order_message message;
};

static enum stiver_bank_status word_work(struct stiver_bank *bank, void *context)
{
    struct word_wish *wish = context;
    struct card_record card;
    enum stiver_bank_status status = find_card(bank, wish->card, &card);
    return status == STIVER_BANK_OK ? wish->make(bank, &card, &wish->message) : status;
}

static enum stiver_bank_status word(struct stiver_bank *bank, const uint8_t card[8],
                                    word_maker *make, struct stiver_bank_bytes *order)
{
    struct word_wish wish = {.card = card, .make = make};
    enum stiver_bank_status status = bank_transact(bank, word_work, &wish);
    return status == STIVER_BANK_OK ? bank_hand_over(order, wish.message.bytes, wish.message.length)
                                    : status;
}

enum stiver_bank_status stiver_bank_policy_order(struct stiver_bank *bank, const uint8_t card[8],
                                                 struct stiver_bank_bytes *order)
{
    return word(bank, card, order_policy, order);
}

enum stiver_bank_status stiver_bank_acknowledgement(struct stiver_bank *bank, const uint8_t card[8],
                                                    struct stiver_bank_bytes *order)
{
    return word(bank, card, order_acknowledge, order);
}
