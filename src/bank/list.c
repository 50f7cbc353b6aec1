/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/list.h"

#include <stdlib.h>
#include <string.h>

#include "bank/list.h"
#include "base/date.h"

#define LIST_SECONDS (7u * DAY_SECONDS)

bool list_holds(const struct card_record *card, uint32_t now)
{
    if (card->end < now || card->reason == 0)
        return false;
    return card->reason == STIVER_BANK_CLONE || card->block_counter == 0;
}

enum stiver_bank_status list_enter(struct stiver_bank *bank, struct card_record *card,
                                   enum stiver_bank_reason reason)
{
    if (card->reason >= (uint32_t)reason)
        return STIVER_BANK_OK;
    card->reason = reason;
    if (card->listed == 0)
        card->listed = bank_now(bank);
    uint8_t record[CARD_NUMBER_BYTES + 1];
    memcpy(record, card->card, CARD_NUMBER_BYTES);
    record[CARD_NUMBER_BYTES] = (uint8_t)reason;
    enum stiver_bank_status status =
        bank_keep(bank, RECORD_CARD_LISTED, NULL, record, sizeof record, NULL);
    return status == STIVER_BANK_OK ? bank_status_of_store(STORE(bank, card_update, card)) : status;
}

/* ---- the file ---- */

struct numbers {
    uint32_t now;
    uint8_t *data; /* owned */
    size_t bytes, capacity;
};

static enum store_status collect(void *context, const struct card_record *card)
{
    struct numbers *numbers = context;
    if (!list_holds(card, numbers->now))
        return STORE_OK;
    if (numbers->bytes == numbers->capacity) {
        size_t capacity = numbers->capacity ? 2 * numbers->capacity : 64 * CARD_NUMBER_BYTES;
        uint8_t *grown = realloc(numbers->data, capacity);
        if (!grown)
            return STORE_MEMORY;
        numbers->data = grown;
        numbers->capacity = capacity;
    }
    memcpy(numbers->data + numbers->bytes, card->card, CARD_NUMBER_BYTES);
    numbers->bytes += CARD_NUMBER_BYTES;
    return STORE_OK;
}

static enum stiver_bank_status sign_head(struct stiver_bank *bank, struct list_head *head,
                                         uint8_t document[LIST_HEAD_BYTES])
{
    uint8_t hash[SHA256_BYTES];
    const size_t unsigned_bytes = LIST_HEAD_BYTES - SIGNATURE_BYTES;
    list_head_encode(head, document);
    if (document_hash(&bank_primitives, document, unsigned_bytes, hash) != DOCUMENT_OK)
        return STIVER_BANK_CRYPTO;
    return keyring_sign(&bank->keys, STIVER_BANK_KEY_LISTS, head->start, hash,
                        document + unsigned_bytes);
}

static enum stiver_bank_status root_of(struct stiver_bank *bank, const struct numbers *numbers,
                                       struct list_head *head)
{
    uint8_t *scratch = malloc((size_t)SHA256_BYTES * (head->count + 1));
    if (!scratch)
        return STIVER_BANK_MEMORY;
    enum document_status status = list_root(&bank_primitives, bank->settings.scheme, numbers->data,
                                            head->count, scratch, head->root);
    free(scratch);
    return bank_status_of_document(status);
}

static enum stiver_bank_status write_list(struct stiver_bank *bank, const struct numbers *numbers)
{
    const struct key_record *key = &bank->keys.current[STIVER_BANK_KEY_LISTS];
    struct list_head head = {.scheme = bank->settings.scheme,
                             .start = numbers->now,
                             .end = numbers->now + LIST_SECONDS,
                             .count = (uint32_t)(numbers->bytes / CARD_NUMBER_BYTES)};
    enum stiver_bank_status status =
        bank_status_of_store(STORE(bank, sequence_next, SEQUENCE_LIST, &head.sequence));
    if (status == STIVER_BANK_OK)
        status = root_of(bank, numbers, &head);
    if (status != STIVER_BANK_OK)
        return status;
    size_t message_bytes = LIST_HEAD_BYTES + key->certificate_bytes;
    size_t bytes = message_bytes + numbers->bytes;
    uint8_t *file = malloc(bytes);
    if (!file)
        return STIVER_BANK_MEMORY;
    status = sign_head(bank, &head, file);
    memcpy(file + LIST_HEAD_BYTES, key->certificate, key->certificate_bytes);
    if (numbers->bytes)
        memcpy(file + message_bytes, numbers->data, numbers->bytes);
    struct list_record record = {head.sequence, head.start, head.end, head.count};
    if (status == STIVER_BANK_OK)
        status = bank_keep(bank, RECORD_LIST, NULL, file, message_bytes, NULL);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(STORE(bank, list_add, &record, file, bytes));
    free(file);
    return status;
}

static bool is_fresh(const struct list_record *record, uint32_t now)
{
    return now >= record->start && now - record->start < LIST_SECONDS / 2;
}

enum stiver_bank_status list_publish(struct stiver_bank *bank)
{
    struct numbers numbers = {.now = bank_now(bank)};
    struct list_record record;
    struct store_blob file = {0};
    enum store_status stored = STORE(bank, cards, collect, &numbers);
    bool is_same = false;
    if (stored == STORE_OK) {
        stored = STORE(bank, list_newest, &record, &file);
        is_same = stored == STORE_OK && is_fresh(&record, numbers.now) &&
                  (size_t)record.count * CARD_NUMBER_BYTES == numbers.bytes &&
                  file.bytes >= numbers.bytes &&
                  (numbers.bytes == 0 || memcmp(file.data + file.bytes - numbers.bytes,
                                                numbers.data, numbers.bytes) == 0);
    }
    enum stiver_bank_status status = STIVER_BANK_OK;
    if (stored != STORE_OK && stored != STORE_NONE)
        status = bank_status_of_store(stored);
    else if (!is_same)
        status = write_list(bank, &numbers);
    free(file.data);
    free(numbers.data);
    return status;
}

enum stiver_bank_status list_newest(struct stiver_bank *bank, struct list_record *record,
                                    struct store_blob *file)
{
    return bank_status_of_store(STORE(bank, list_newest, record, file));
}

enum stiver_bank_status list_refresh(struct stiver_bank *bank)
{
    struct list_record record;
    struct store_blob file = {0};
    enum store_status stored = STORE(bank, list_newest, &record, &file);
    free(file.data);
    if (stored == STORE_OK && is_fresh(&record, bank_now(bank)))
        return STIVER_BANK_OK;
    if (stored != STORE_OK && stored != STORE_NONE)
        return bank_status_of_store(stored);
    return list_publish(bank);
}

/* ---- for the operator ---- */

struct listing {
    const uint8_t *card;
    enum stiver_bank_reason reason;
};

static enum stiver_bank_status list_work(struct stiver_bank *bank, void *context)
{
    const struct listing *listing = context;
    struct card_record card;
    enum store_status stored = STORE(bank, card_find, listing->card, &card);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_UNKNOWN_CARD : bank_status_of_store(stored);
    if (card.reason >= (uint32_t)listing->reason)
        return STIVER_BANK_ALREADY;
    enum stiver_bank_status status = list_enter(bank, &card, listing->reason);
    return status == STIVER_BANK_OK ? list_publish(bank) : status;
}

enum stiver_bank_status stiver_bank_list_card(struct stiver_bank *bank, const uint8_t card[8],
                                              enum stiver_bank_reason reason)
{
    if (reason < STIVER_BANK_LOST || reason > STIVER_BANK_CLONE)
        return bank_say(bank, STIVER_BANK_ARGUMENT, NULL);
    struct listing listing = {card, reason};
    return bank_transact(bank, list_work, &listing);
}

static enum stiver_bank_status refresh_work(struct stiver_bank *bank, void *context)
{
    (void)context;
    return list_publish(bank);
}

enum stiver_bank_status stiver_bank_list_file(struct stiver_bank *bank,
                                              struct stiver_bank_bytes *file)
{
    struct list_record record;
    struct store_blob blob = {0};
    enum stiver_bank_status status = bank_transact(bank, refresh_work, NULL);
    if (status == STIVER_BANK_OK)
        status = list_newest(bank, &record, &blob);
    if (status == STIVER_BANK_OK)
        status = bank_hand_over(file, blob.data, blob.bytes);
    free(blob.data);
    return status;
}
