/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to the bank: own certificates first, then business in the order of its numbers, then
 * receipts of others. Which entry stood at which place is kept with the request until its answer.
 */
#include <stdlib.h>
#include <string.h>

#include "terminal/journal.h"

/* kind 1 | length 4 | receipt | length 4 | certificate */
#define ENTRY_BYTES_MAX (1u + 4u + RECEIPT_BYTES + 4u + CERTIFICATE_BYTES_MAX)

struct collection {
    struct db *db;
    struct writer w;
    uint32_t count;
    bool is_short; /* of memory: a field is missing that must not be */
};

static enum db_status add_item(struct collection *c, enum upload_kind kind, int64_t reference)
{
    db_bind_int(c->db, JOURNAL_ITEM, 1, c->count);
    db_bind_int(c->db, JOURNAL_ITEM, 2, kind);
    db_bind_int(c->db, JOURNAL_ITEM, 3, reference);
    c->count++;
    return db_run(c->db, JOURNAL_ITEM);
}

/* Which table an item is of: its upload kind, and for receipts of others one more. */
#define ITEM_FOREIGN ((enum upload_kind)0x10)

static void put_field(struct collection *c, size_t statement, int column)
{
    size_t bytes = 0;
    const uint8_t *data = NULL;
    if (db_column_blob(c->db, statement, column, &data, &bytes))
        link_field(&c->w, data, bytes);
    else
        c->is_short = true;
}

static enum db_status put_certificate(struct collection *c)
{
    writer_u8(&c->w, UPLOAD_CERTIFICATE);
    put_field(c, JOURNAL_TO_UPLOAD_CERTIFICATES, 1);
    return add_item(c, UPLOAD_CERTIFICATE, db_column_int(c->db, JOURNAL_TO_UPLOAD_CERTIFICATES, 0));
}

static enum db_status put_entry(struct collection *c)
{
    const size_t s = JOURNAL_TO_UPLOAD_ENTRIES;
    int64_t number = db_column_int(c->db, s, 0);
    if (db_column_int(c->db, s, 1) == STIVER_TERMINAL_FINISHED) {
        writer_u8(&c->w, UPLOAD_RECEIPT);
        put_field(c, s, 4);
        put_field(c, s, 5);
        return add_item(c, UPLOAD_RECEIPT, number);
    }
    uint8_t card[CARD_NUMBER_BYTES];
    if (!db_column_fixed(c->db, s, 3, card, sizeof card))
        return DB_CORRUPT;
    writer_u8(&c->w, UPLOAD_ABANDONED);
    writer_bytes(&c->w, card, sizeof card);
    writer_u32(&c->w, (uint32_t)number);
    writer_u8(&c->w, (uint8_t)db_column_int(c->db, s, 2));
    return add_item(c, UPLOAD_ABANDONED, number);
}

static enum db_status put_foreign(struct collection *c)
{
    const size_t s = JOURNAL_TO_UPLOAD_FOREIGN;
    writer_u8(&c->w, UPLOAD_RECEIPT);
    put_field(c, s, 1);
    put_field(c, s, 2);
    return add_item(c, ITEM_FOREIGN, db_column_int(c->db, s, 0));
}

static enum db_status collect(struct collection *c, size_t statement,
                              enum db_status (*put)(struct collection *))
{
    enum db_status status = DB_OK;
    db_bind_int(c->db, statement, 1, (int64_t)LINK_UPLOAD_MAX - c->count);
    while (status == DB_OK && (status = db_step(c->db, statement)) == DB_ROW)
        status = put(c);
    db_reset(c->db, statement);
    if (status == DB_OK && c->is_short)
        status = DB_MEMORY;
    if (status == DB_OK && c->w.failed)
        status = DB_CORRUPT;
    return status;
}

terminal_status journal_upload_collect(struct db *journal, uint8_t **memory, size_t *bytes,
                                       uint32_t *count)
{
    const size_t capacity = (size_t)LINK_UPLOAD_MAX * ENTRY_BYTES_MAX;
    uint8_t *entries = malloc(capacity);
    if (entries == NULL)
        return STIVER_TERMINAL_MEMORY;
    struct collection c = {journal, writer_of(entries, capacity), 0, false};
    enum db_status status = db_begin(journal);
    if (status == DB_OK)
        status = db_run(journal, JOURNAL_ITEMS_DROP);
    if (status == DB_OK)
        status = collect(&c, JOURNAL_TO_UPLOAD_CERTIFICATES, put_certificate);
    if (status == DB_OK)
        status = collect(&c, JOURNAL_TO_UPLOAD_ENTRIES, put_entry);
    if (status == DB_OK)
        status = collect(&c, JOURNAL_TO_UPLOAD_FOREIGN, put_foreign);
    if (status != DB_OK) {
        db_rollback(journal);
        free(entries);
        return journal_status(status);
    }
    *memory = entries;
    *bytes = c.w.used;
    *count = c.count;
    return STIVER_TERMINAL_OK;
}

terminal_status journal_upload_keep(struct db *journal, const struct journal_upload *upload,
                                    const struct stiver_terminal_bytes *request)
{
    db_bind_blob(journal, JOURNAL_PENDING_KEEP, 1, upload->id, sizeof upload->id);
    db_bind_int(journal, JOURNAL_PENDING_KEEP, 2, upload->count);
    db_bind_blob(journal, JOURNAL_PENDING_KEEP, 3, request->data, request->length);
    enum db_status status = db_run(journal, JOURNAL_PENDING_KEEP);
    if (status == DB_OK)
        status = db_commit(journal);
    db_rollback(journal);
    return journal_status(status);
}

terminal_status journal_upload_pending(struct db *journal, struct journal_upload *upload,
                                       struct stiver_terminal_bytes *request)
{
    request->data = NULL;
    request->length = 0;
    enum db_status status = db_step(journal, JOURNAL_PENDING);
    if (status != DB_ROW)
        return journal_status(status);
    size_t bytes = 0;
    bool is_whole = db_column_fixed(journal, JOURNAL_PENDING, 0, upload->id, sizeof upload->id);
    upload->count = (uint32_t)db_column_int(journal, JOURNAL_PENDING, 1);
    const uint8_t *data = NULL;
    terminal_status result = STIVER_TERMINAL_JOURNAL_DAMAGED;
    if (!db_column_blob(journal, JOURNAL_PENDING, 2, &data, &bytes))
        result = STIVER_TERMINAL_MEMORY;
    if (is_whole && data != NULL && bytes > 0) {
        request->data = malloc(bytes);
        result = request->data == NULL ? STIVER_TERMINAL_MEMORY : STIVER_TERMINAL_OK;
    }
    if (request->data != NULL) {
        memcpy(request->data, data, bytes);
        request->length = bytes;
    }
    db_reset(journal, JOURNAL_PENDING);
    return result;
}

/* ---- the answer ---- */

static size_t answered_statement(int64_t kind)
{
    if (kind == UPLOAD_CERTIFICATE)
        return JOURNAL_ANSWERED_CERTIFICATE;
    return kind == (int64_t)ITEM_FOREIGN ? JOURNAL_ANSWERED_FOREIGN : JOURNAL_ANSWERED_ENTRY;
}

static enum db_status take_results(struct db *db, const struct journal_upload *upload,
                                   const uint8_t *results)
{
    enum db_status status = DB_OK;
    uint32_t place = 0;
    while (status == DB_OK && (status = db_step(db, JOURNAL_ITEMS)) == DB_ROW) {
        size_t s = answered_statement(db_column_int(db, JOURNAL_ITEMS, 0));
        if (place >= upload->count) {
            status = DB_CORRUPT;
            break;
        }
        db_bind_int(db, s, 1, db_column_int(db, JOURNAL_ITEMS, 1));
        db_bind_int(db, s, 2, results[place++]);
        status = db_run(db, s);
    }
    db_reset(db, JOURNAL_ITEMS);
    if (status == DB_OK && place != upload->count)
        status = DB_CORRUPT;
    if (status == DB_OK)
        status = db_run(db, JOURNAL_ITEMS_DROP);
    return status == DB_OK ? db_run(db, JOURNAL_PENDING_DROP) : status;
}

static enum db_status take_acknowledgements(struct db *db, struct reader r, uint32_t count)
{
    enum db_status status = DB_OK;
    for (uint32_t i = 0; status == DB_OK && i < count; i++) {
        const uint8_t *card = reader_take(&r, CARD_NUMBER_BYTES);
        struct reader message = link_field_read(&r);
        db_bind_blob(db, JOURNAL_CARRY, 1, card, CARD_NUMBER_BYTES);
        db_bind_int(db, JOURNAL_CARRY, 2, DOCUMENT_ACKNOWLEDGEMENT);
        db_bind_blob(db, JOURNAL_CARRY, 3, message.at, message.left);
        status = db_run(db, JOURNAL_CARRY);
    }
    return status;
}

static enum db_status take_renewal(struct db *db, const struct journal_answer *answer)
{
    enum db_status status = DB_OK;
    if (answer->list.bytes != 0) {
        db_bind_blob(db, JOURNAL_SET_LIST, 1, answer->list.data, answer->list.bytes);
        status = db_run(db, JOURNAL_SET_LIST);
    }
    if (status != DB_OK || answer->certificate.bytes == 0)
        return status;
    db_bind_blob(db, JOURNAL_SET_CERTIFICATE, 1, answer->certificate.data,
                 answer->certificate.bytes);
    status = db_run(db, JOURNAL_SET_CERTIFICATE);
    if (status == DB_OK) {
        db_bind_blob(db, JOURNAL_OWN_CERTIFICATE, 1, answer->host_id, HOST_ID_BYTES);
        db_bind_blob(db, JOURNAL_OWN_CERTIFICATE, 2, answer->certificate.data,
                     answer->certificate.bytes);
        status = db_run(db, JOURNAL_OWN_CERTIFICATE);
    }
    return status == DB_OK ? db_run(db, JOURNAL_HANDLES_FORGET) : status;
}

terminal_status journal_upload_take(struct db *journal, const struct journal_upload *upload,
                                    const struct journal_answer *answer)
{
    enum db_status status = db_begin(journal);
    if (status == DB_OK)
        status = take_results(journal, upload, answer->results);
    if (status == DB_OK)
        status = take_acknowledgements(journal, answer->acknowledgements,
                                       answer->acknowledgements_count);
    if (status == DB_OK)
        status = take_renewal(journal, answer);
    if (status == DB_OK) {
        db_bind_int(journal, JOURNAL_COUNTER_RAISE, 1, answer->highest);
        status = db_run(journal, JOURNAL_COUNTER_RAISE);
    }
    if (status == DB_OK)
        status = db_commit(journal);
    db_rollback(journal);
    return journal_status(status);
}
