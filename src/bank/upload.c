/* SPDX-License-Identifier: Apache-2.0 */
#include "bank/upload.h"

#include <stdlib.h>
#include <string.h>

#include "bank/list.h"
#include "bank/order.h"
#include "bank/terminal.h"
#include "base/date.h"

/* A terminal gets its next certificate when less than this is left of the one it has. */
#define RENEW_SECONDS (2u * DAY_SECONDS)
/* A terminal that was off for a week comes back by itself. One that was off for longer may have
 * been taken out of a drawer by somebody else: a person decides (recertify). As long as a
 * certificate lasts at most. */
#define RENEW_LATE_SECONDS (7u * DAY_SECONDS)

/* ---- what came ---- */

static bool read_entry(struct reader *body, struct entry *entry)
{
    *entry = (struct entry){.kind = (enum upload_kind)reader_u8(body)};
    struct reader field;
    switch (entry->kind) {
    case UPLOAD_RECEIPT:
        field = link_field_read(body);
        entry->bytes = field.at;
        entry->length = field.left;
        /* The card's certificate comes along; the register's is the one that counts. */
        field = link_field_read(body);
        return !body->failed && entry->length <= RECEIPT_BYTES &&
               field.left <= CERTIFICATE_BYTES_MAX;
    case UPLOAD_ABANDONED:
        reader_bytes(body, entry->card, CARD_NUMBER_BYTES);
        entry->terminal_counter = reader_u32(body);
        entry->document_kind = reader_u8(body);
        return !body->failed;
    case UPLOAD_CERTIFICATE:
        field = link_field_read(body);
        entry->bytes = field.at;
        entry->length = field.left;
        return !body->failed && entry->length <= CERTIFICATE_BYTES_MAX;
    }
    return false;
}

enum stiver_bank_status upload_open(struct stiver_bank *bank,
                                    const struct terminal_record *uploader, struct reader *body,
                                    struct upload *upload)
{
    *upload = (struct upload){.uploader = *uploader};
    upload->list_sequence = reader_u32(body);
    uint32_t count = reader_u32(body);
    if (body->failed || count > LINK_UPLOAD_MAX || count > body->left)
        return STIVER_BANK_MALFORMED;
    struct entry *entries = calloc(count + 1u, sizeof *entries);
    if (!entries)
        return STIVER_BANK_MEMORY;
    upload->batch = (struct batch){.entries = entries, .count = count};
    for (uint32_t i = 0; i < count; i++)
        if (!read_entry(body, &entries[i]))
            return STIVER_BANK_MALFORMED;
    if (!reader_done(body))
        return STIVER_BANK_MALFORMED;
    enum stiver_bank_status status = STIVER_BANK_OK;
    for (uint32_t i = 0; status == STIVER_BANK_OK && i < count; i++)
        if (entries[i].kind == UPLOAD_RECEIPT)
            status = settle_verify(bank, &entries[i]);
    return status;
}

void upload_free(struct upload *upload)
{
    free(upload->batch.entries);
    upload->batch = (struct batch){0};
}

/* ---- the answer ---- */

static int compare_cards(const void *a, const void *b)
{
    return memcmp(a, b, CARD_NUMBER_BYTES);
}

/* The cards whose receipts came, each once, in order. */
static size_t cards_of(const struct batch *batch, uint8_t *cards)
{
    size_t found = 0, kept = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->entries[i].kind == UPLOAD_RECEIPT && batch->entries[i].is_valid)
            memcpy(cards + CARD_NUMBER_BYTES * found++, batch->entries[i].receipt.card,
                   CARD_NUMBER_BYTES);
    qsort(cards, found, CARD_NUMBER_BYTES, compare_cards);
    for (size_t i = 0; i < found; i++)
        if (kept == 0 || compare_cards(cards + CARD_NUMBER_BYTES * (kept - 1),
                                       cards + CARD_NUMBER_BYTES * i) != 0)
            memmove(cards + CARD_NUMBER_BYTES * kept++, cards + CARD_NUMBER_BYTES * i,
                    CARD_NUMBER_BYTES);
    return kept;
}

static enum stiver_bank_status write_acknowledgements(struct stiver_bank *bank,
                                                      const uint8_t *cards, size_t count,
                                                      struct writer *w)
{
    writer_u32(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        struct card_record card;
        struct order_message message;
        enum stiver_bank_status status =
            bank_status_of_store(STORE(bank, card_find, cards + CARD_NUMBER_BYTES * i, &card));
        if (status == STIVER_BANK_OK)
            status = order_acknowledge(bank, &card, &message);
        if (status != STIVER_BANK_OK)
            return status;
        writer_bytes(w, card.card, CARD_NUMBER_BYTES);
        link_field(w, message.bytes, message.length);
    }
    return STIVER_BANK_OK;
}

static enum stiver_bank_status write_certificate(struct stiver_bank *bank,
                                                 const struct terminal_record *terminal,
                                                 struct writer *w)
{
    struct terminal_certificate_record newest;
    enum stiver_bank_status status =
        bank_status_of_store(STORE(bank, terminal_certificate_newest, terminal->terminal, &newest));
    if (status != STIVER_BANK_OK)
        return status;
    uint32_t now = bank_now(bank);
    bool is_near_end = newest.end <= now + RENEW_SECONDS;
    bool is_forgotten = newest.end < now && now - newest.end > RENEW_LATE_SECONDS;
    if (terminal->listed || !is_near_end || is_forgotten) {
        link_field(w, NULL, 0);
        return STIVER_BANK_OK;
    }
    unsigned days = (newest.end - newest.start + 1) / DAY_SECONDS;
    status = terminal_certify(bank, terminal, days, &newest);
    link_field(w, newest.certificate, newest.certificate_bytes);
    return status;
}

static enum stiver_bank_status write_answer(struct stiver_bank *bank, const struct upload *upload,
                                            const uint8_t *cards, size_t card_count,
                                            const struct list_record *list,
                                            const struct store_blob *file, struct writer *w)
{
    const struct batch *batch = &upload->batch;
    writer_u32(w, upload->uploader.counter);
    writer_u32(w, (uint32_t)batch->count);
    for (size_t i = 0; i < batch->count; i++)
        writer_u8(w, (uint8_t)batch->entries[i].result);
    enum stiver_bank_status status = write_acknowledgements(bank, cards, card_count, w);
    if (status != STIVER_BANK_OK)
        return status;
    bool is_newer = list->sequence > upload->list_sequence;
    link_field(w, is_newer ? file->data : NULL, is_newer ? file->bytes : 0);
    status = write_certificate(bank, &upload->uploader, w);
    return status == STIVER_BANK_OK && w->failed ? STIVER_BANK_INTERNAL : status;
}

static enum stiver_bank_status answer_of(struct stiver_bank *bank, const struct upload *upload,
                                         struct store_blob *answer)
{
    const struct batch *batch = &upload->batch;
    struct list_record list;
    struct store_blob file = {0};
    enum stiver_bank_status status = list_newest(bank, &list, &file);
    if (status != STIVER_BANK_OK)
        return status;
    uint8_t *cards = malloc(CARD_NUMBER_BYTES * (batch->count + 1));
    size_t count = cards ? cards_of(batch, cards) : 0;
    size_t capacity = 32 + batch->count +
                      count * (CARD_NUMBER_BYTES + 4 + ORDER_MESSAGE_BYTES_MAX) + file.bytes +
                      CERTIFICATE_BYTES_MAX;
    uint8_t *memory = cards ? malloc(capacity) : NULL;
    struct writer w = writer_of(memory, capacity);
    status =
        memory ? write_answer(bank, upload, cards, count, &list, &file, &w) : STIVER_BANK_MEMORY;
    free(cards);
    free(file.data);
    if (status != STIVER_BANK_OK) {
        free(memory);
        return status;
    }
    *answer = (struct store_blob){memory, w.used};
    return STIVER_BANK_OK;
}

enum stiver_bank_status upload_book(struct stiver_bank *bank, struct upload *upload,
                                    struct store_blob *answer)
{
    struct batch *batch = &upload->batch;
    batch->uploader = &upload->uploader;
    batch->has_listed = false;
    /* Read again: the transaction may run a second time. */
    enum stiver_bank_status status = bank_status_of_store(
        STORE(bank, terminal_find, upload->uploader.terminal, &upload->uploader));
    uint32_t counter = upload->uploader.counter;
    for (size_t i = 0; status == STIVER_BANK_OK && i < batch->count; i++)
        status = settle_entry(bank, batch, &batch->entries[i]);
    if (status == STIVER_BANK_OK && upload->uploader.counter != counter)
        status = bank_status_of_store(STORE(bank, terminal_update, &upload->uploader));
    if (status == STIVER_BANK_OK)
        status = batch->has_listed ? list_publish(bank) : list_refresh(bank);
    return status == STIVER_BANK_OK ? answer_of(bank, upload, answer) : status;
}
