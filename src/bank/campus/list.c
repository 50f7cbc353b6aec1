/* SPDX-License-Identifier: Apache-2.0 */
/* The list of blocked cards: the file CRL. Its end is its number. */
#include <stdlib.h>
#include <string.h>

#include "bank/campus/inside.h"

#define LIST_SECONDS (10u * DAY_SECONDS)

struct ids {
    uint32_t now;
    uint32_t *data; /* owned */
    uint32_t count, capacity;
};

/* A card leaves the list when no terminal takes its certificate any more. */
static enum store_status collect(void *context, const struct campus_card_record *card)
{
    struct ids *ids = context;
    if (!card->listed || card->end < ids->now)
        return STORE_OK;
    if (ids->count == ids->capacity) {
        uint32_t capacity = ids->capacity ? 2 * ids->capacity : 64;
        uint32_t *grown = realloc(ids->data, capacity * sizeof *grown);
        if (!grown)
            return STORE_MEMORY;
        ids->data = grown;
        ids->capacity = capacity;
    }
    ids->data[ids->count++] = card->id;
    return STORE_OK;
}

/* Strictly later than each before, whatever the clock does. */
static enum stiver_bank_status next_end(struct stiver_bank *bank, uint32_t now, uint64_t *end_ms)
{
    struct campus_list_record newest;
    struct store_blob file = {0};
    *end_ms = ((uint64_t)now + LIST_SECONDS) * 1000;
    enum store_status stored = CAMPUS(bank, list_newest, &newest, &file);
    free(file.data);
    if (stored == STORE_OK && newest.end_ms >= *end_ms)
        *end_ms = newest.end_ms + 1;
    return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
}

static enum stiver_bank_status sign_list(struct stiver_bank *bank, struct writer *w)
{
    uint8_t signature[CAMPUS_RSA_BYTES];
    enum stiver_bank_status status = bank_campus_sign(bank, RSA_SHA1, w->start, w->used, signature);
    if (status != STIVER_BANK_OK)
        return status;
    campus_list_sign(w, signature);
    return w->failed ? STIVER_BANK_INTERNAL : STIVER_BANK_OK;
}

static enum stiver_bank_status write_list(struct stiver_bank *bank, const struct ids *ids)
{
    struct campus_list_record record = {.time = ids->now, .count = ids->count};
    size_t capacity = campus_list_bytes_max(ids->count);
    if (ids->count > CAMPUS_LIST_IDS_MAX)
        return bank_say(bank, STIVER_BANK_REFUSED, "no list holds more cards");
    enum stiver_bank_status status = next_end(bank, ids->now, &record.end_ms);
    uint8_t *file = malloc(capacity);
    struct writer w = writer_of(file, file ? capacity : 0);
    if (status == STIVER_BANK_OK && !file)
        status = STIVER_BANK_MEMORY;
    if (status == STIVER_BANK_OK) {
        campus_list_write(&w, record.end_ms, ids->data, ids->count);
        status = w.failed ? STIVER_BANK_INTERNAL : sign_list(bank, &w);
    }
    if (status == STIVER_BANK_OK)
        status = bank_campus_keep(bank, RECORD_CAMPUS_LIST, 0, file, w.used, NULL);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(CAMPUS(bank, list_add, &record, file, w.used));
    free(file);
    return status;
}

enum stiver_bank_status bank_campus_publish(struct stiver_bank *bank)
{
    struct ids ids = {.now = bank_now(bank)};
    enum stiver_bank_status status = bank_status_of_store(CAMPUS(bank, cards, collect, &ids));
    if (status == STIVER_BANK_OK)
        status = write_list(bank, &ids);
    free(ids.data);
    return status;
}

enum stiver_bank_status bank_campus_refresh(struct stiver_bank *bank)
{
    struct campus_list_record newest;
    struct store_blob file = {0};
    enum store_status stored = CAMPUS(bank, list_newest, &newest, &file);
    free(file.data);
    if (stored != STORE_OK && stored != STORE_NONE)
        return bank_status_of_store(stored);
    uint64_t half_ms = ((uint64_t)bank_now(bank) + LIST_SECONDS / 2) * 1000;
    return stored == STORE_OK && newest.end_ms > half_ms ? STIVER_BANK_OK
                                                         : bank_campus_publish(bank);
}

enum stiver_bank_status bank_campus_list_enter(struct stiver_bank *bank,
                                               struct campus_card_record *card)
{
    if (card->listed)
        return STIVER_BANK_OK;
    uint8_t record[8];
    struct writer w = writer_of(record, sizeof record);
    card->listed = bank_now(bank);
    writer_u32(&w, card->id);
    writer_u32(&w, card->listed);
    enum stiver_bank_status status =
        bank_campus_keep(bank, RECORD_CAMPUS_CARD_LISTED, 0, record, sizeof record, NULL);
    return status == STIVER_BANK_OK ? bank_status_of_store(CAMPUS(bank, card_update, card))
                                    : status;
}

/* ---- for the operator ---- */

static enum stiver_bank_status list_work(struct stiver_bank *bank, void *context)
{
    struct campus_card_record card;
    enum store_status stored = CAMPUS(bank, card_find, *(const uint32_t *)context, &card);
    if (stored == STORE_NONE || (stored == STORE_OK && !card.is_certified))
        return STIVER_BANK_UNKNOWN_CARD;
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    if (card.listed)
        return STIVER_BANK_ALREADY;
    enum stiver_bank_status status = bank_campus_list_enter(bank, &card);
    return status == STIVER_BANK_OK ? bank_campus_publish(bank) : status;
}

enum stiver_bank_status stiver_campus_list_card(struct stiver_bank *bank, uint32_t id)
{
    enum stiver_bank_status status = bank_campus_open(bank);
    return status == STIVER_BANK_OK ? bank_transact(bank, list_work, &id) : status;
}

static enum stiver_bank_status refresh_work(struct stiver_bank *bank, void *context)
{
    struct campus_list_record newest;
    struct store_blob *file = context;
    free(file->data);
    *file = (struct store_blob){0};
    enum stiver_bank_status status = bank_campus_refresh(bank);
    return status == STIVER_BANK_OK ? bank_status_of_store(CAMPUS(bank, list_newest, &newest, file))
                                    : status;
}

enum stiver_bank_status stiver_campus_list_file(struct stiver_bank *bank,
                                                struct stiver_bank_bytes *file)
{
    struct store_blob blob = {0};
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status == STIVER_BANK_OK)
        status = bank_transact(bank, refresh_work, &blob);
    if (status == STIVER_BANK_OK)
        status = bank_hand_over(file, blob.data, blob.bytes);
    free(blob.data);
    return status;
}
