/* SPDX-License-Identifier: Apache-2.0 */
/* Orders that the root signs, in the clear: a card's time, and the floor of generations. */
#include <string.h>

#include "bank/inside.h"
#include "base/date.h"

#define ROOT_ORDER_SECONDS (30u * DAY_SECONDS)

struct root_wish {
    const struct signer *root;
    struct order order;
    uint8_t document[ORDER_BYTES_MAX];
    size_t length;
};

static enum stiver_bank_status root_work(struct stiver_bank *bank, void *context)
{
    struct root_wish *wish = context;
    uint8_t hash[SHA256_BYTES];
    struct card_record card;
    if (!bytes_are_zero(wish->order.card, CARD_NUMBER_BYTES)) {
        enum store_status found = STORE(bank, card_find, wish->order.card, &card);
        if (found != STORE_OK)
            return found == STORE_NONE ? STIVER_BANK_UNKNOWN_CARD : bank_status_of_store(found);
    }
    enum store_status stored = STORE(bank, sequence_next, SEQUENCE_ROOT_ORDER, &wish->order.number);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    size_t bytes = order_encode(&wish->order, wish->document, sizeof wish->document);
    if (!bytes || bytes + SIGNATURE_BYTES > sizeof wish->document)
        return STIVER_BANK_ARGUMENT;
    if (document_hash(&bank_primitives, wish->document, bytes, hash) != DOCUMENT_OK ||
        !wish->root->sign(wish->root->context, hash, wish->document + bytes))
        return STIVER_BANK_CRYPTO;
    wish->length = bytes + SIGNATURE_BYTES;
    return bank_keep(bank, RECORD_ORDER, NULL, wish->document, wish->length, NULL);
}

static enum stiver_bank_status root_order(struct stiver_bank *bank, struct order *order,
                                          struct stiver_bank_secret passphrase,
                                          struct stiver_bank_bytes *out)
{
    struct signer root = {0};
    enum stiver_bank_status status = keyring_open_root(&bank->keys, passphrase, &root);
    if (status != STIVER_BANK_OK)
        return bank_say(bank, status, NULL);
    order->scheme = bank->settings.scheme;
    order->start = bank_now(bank);
    order->end = order->start + ROOT_ORDER_SECONDS;
    struct root_wish wish = {.root = &root, .order = *order};
    status = bank_transact(bank, root_work, &wish);
    signer_close(&root);
    return status == STIVER_BANK_OK ? bank_hand_over(out, wish.document, wish.length) : status;
}

enum stiver_bank_status stiver_bank_time_order(struct stiver_bank *bank, const uint8_t card[8],
                                               uint32_t new_time,
                                               struct stiver_bank_secret root_passphrase,
                                               struct stiver_bank_bytes *out)
{
    struct order order = {.kind = DOCUMENT_TIME_ORDER, .new_time = new_time};
    if (bytes_are_zero(card, CARD_NUMBER_BYTES))
        return bank_say(bank, STIVER_BANK_ARGUMENT, "a time order is for one card");
    memcpy(order.card, card, sizeof order.card);
    return root_order(bank, &order, root_passphrase, out);
}

enum stiver_bank_status stiver_bank_floor_order(struct stiver_bank *bank, const uint8_t *card,
                                                uint32_t generation_floor,
                                                struct stiver_bank_secret root_passphrase,
                                                struct stiver_bank_bytes *out)
{
    struct order order = {.kind = DOCUMENT_FLOOR_ORDER, .generation_floor = generation_floor};
    if (card)
        memcpy(order.card, card, sizeof order.card);
    return root_order(bank, &order, root_passphrase, out);
}
