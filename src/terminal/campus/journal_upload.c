/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to the bank, in a request that stays the same until its answer was taken. */
#include <stdlib.h>
#include <string.h>

#include "terminal/campus/journal.h"

/* ---- up ---- */

struct collection {
    struct db *db;
    struct writer w;
    uint32_t count;
};

static enum db_status add_item(struct collection *c, int64_t number, int64_t outcome)
{
    db_bind_int(c->db, CAMPUS_DB_ITEM, 1, c->count++);
    db_bind_int(c->db, CAMPUS_DB_ITEM, 2, number);
    db_bind_int(c->db, CAMPUS_DB_ITEM, 3, outcome);
    return db_run(c->db, CAMPUS_DB_ITEM);
}

static bool read_card(struct db *db, struct campus_certificate *card)
{
    const size_t s = CAMPUS_DB_TO_UPLOAD;
    card->id = (uint32_t)db_column_int(db, s, 9);
    card->end = (uint32_t)db_column_int(db, s, 10);
    card->usage = CAMPUS_USAGE_CARD;
    return db_column_fixed(db, s, 11, card->modulus, RSA_BYTES) &&
           db_column_fixed(db, s, 12, card->signature, RSA_BYTES);
}

static bool read_receipt(struct db *db, struct campus_upload_receipt *upload)
{
    const size_t s = CAMPUS_DB_TO_UPLOAD;
    upload->outcome = (enum campus_outcome)db_column_int(db, s, 7);
    upload->receipt.counter = (uint32_t)db_column_int(db, s, 2);
    upload->receipt.amount = (uint32_t)db_column_int(db, s, 3);
    upload->receipt.time = (uint32_t)db_column_int(db, s, 4);
    return db_column_fixed(db, s, 6, upload->receipt.signature, RSA_BYTES) &&
           read_card(db, &upload->card);
}

static bool read_block(struct db *db, struct campus_upload_block *upload)
{
    const size_t s = CAMPUS_DB_TO_UPLOAD;
    upload->terminal_counter = (uint32_t)db_column_int(db, s, 0);
    upload->terminal_end = (uint32_t)db_column_int(db, s, 5);
    return db_column_fixed(db, s, 6, upload->proof, RSA_BYTES) && read_card(db, &upload->card);
}

/* A load that went up as unknown goes up again as an outcome alone. */
static bool read_upload(struct db *db, struct campus_upload *upload)
{
    const size_t s = CAMPUS_DB_TO_UPLOAD;
    memset(upload, 0, sizeof *upload);
    if (db_column_int(db, s, 1) == (int64_t)CAMPUS_KIND_BLOCK) {
        upload->kind = CAMPUS_UPLOAD_BLOCK;
        return read_block(db, &upload->is.block);
    }
    if (db_column_is_null(db, s, 8)) {
        upload->kind = CAMPUS_UPLOAD_RECEIPT;
        return read_receipt(db, &upload->is.receipt);
    }
    upload->kind = CAMPUS_UPLOAD_OUTCOME;
    upload->is.outcome.card = (uint32_t)db_column_int(db, s, 9);
    upload->is.outcome.counter = (uint32_t)db_column_int(db, s, 2);
    upload->is.outcome.outcome = (enum campus_outcome)db_column_int(db, s, 7);
    return true;
}

static enum db_status collect(struct collection *c)
{
    const size_t s = CAMPUS_DB_TO_UPLOAD;
    struct campus_upload upload;
    enum db_status status = db_run(c->db, CAMPUS_DB_ITEMS_DROP);
    db_bind_int(c->db, s, 1, CAMPUS_UPLOAD_MAX);
    while (status == DB_OK && (status = db_step(c->db, s)) == DB_ROW) {
        if (!read_upload(c->db, &upload)) {
            status = DB_CORRUPT;
            break;
        }
        campus_upload_write(&c->w, &upload);
        status = add_item(c, db_column_int(c->db, s, 0), db_column_int(c->db, s, 7));
    }
    db_reset(c->db, s);
    return status == DB_OK && c->w.failed ? DB_CORRUPT : status;
}

terminal_status campus_journal_collect(struct db *journal, uint8_t **memory, size_t *bytes,
                                       uint32_t *count)
{
    const size_t capacity = (size_t)CAMPUS_UPLOAD_MAX * CAMPUS_UPLOAD_BYTES_MAX;
    uint8_t *entries = malloc(capacity);
    if (entries == NULL)
        return STIVER_TERMINAL_MEMORY;
    struct collection c = {journal, writer_of(entries, capacity), 0};
    enum db_status status = db_begin(journal);
    if (status == DB_OK)
        status = collect(&c);
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

terminal_status campus_journal_keep(struct db *journal, uint32_t count,
                                    const struct stiver_terminal_bytes *request)
{
    db_bind_int(journal, CAMPUS_DB_PENDING_KEEP, 1, count);
    db_bind_blob(journal, CAMPUS_DB_PENDING_KEEP, 2, request->data, request->length);
    enum db_status status = db_run(journal, CAMPUS_DB_PENDING_KEEP);
    if (status == DB_OK)
        status = db_commit(journal);
    db_rollback(journal);
    return journal_status(status);
}

terminal_status campus_journal_pending(struct db *journal, uint32_t *count,
                                       struct stiver_terminal_bytes *request)
{
    const size_t s = CAMPUS_DB_PENDING;
    size_t bytes = 0;
    *request = (struct stiver_terminal_bytes){NULL, 0};
    enum db_status status = db_step(journal, s);
    if (status != DB_ROW)
        return journal_status(status);
    *count = (uint32_t)db_column_int(journal, s, 0);
    const uint8_t *data = NULL;
    terminal_status result = STIVER_TERMINAL_JOURNAL_DAMAGED;
    if (!db_column_blob(journal, s, 1, &data, &bytes))
        result = STIVER_TERMINAL_MEMORY;
    if (data != NULL && bytes > 0) {
        request->data = malloc(bytes);
        result = request->data == NULL ? STIVER_TERMINAL_MEMORY : STIVER_TERMINAL_OK;
    }
    if (request->data != NULL) {
        memcpy(request->data, data, bytes);
        request->length = bytes;
    }
    db_reset(journal, s);
    return result;
}

/* ---- down ---- */

static enum db_status take_results(struct db *db, const uint8_t *results, uint32_t count)
{
    enum db_status status = DB_OK;
    uint32_t place = 0;
    while (status == DB_OK && (status = db_step(db, CAMPUS_DB_ITEMS)) == DB_ROW) {
        if (place >= count) {
            status = DB_CORRUPT;
            break;
        }
        db_bind_int(db, CAMPUS_DB_ANSWERED, 1, db_column_int(db, CAMPUS_DB_ITEMS, 0));
        db_bind_int(db, CAMPUS_DB_ANSWERED, 2, results[place++]);
        db_bind_int(db, CAMPUS_DB_ANSWERED, 3, db_column_int(db, CAMPUS_DB_ITEMS, 1));
        status = db_run(db, CAMPUS_DB_ANSWERED);
    }
    db_reset(db, CAMPUS_DB_ITEMS);
    return status == DB_OK && place != count ? DB_CORRUPT : status;
}

static enum db_status take(struct db *db, const uint8_t *results, uint32_t count,
                           const struct campus_certificate *certificate)
{
    enum db_status status = take_results(db, results, count);
    if (status == DB_OK)
        status = db_run(db, CAMPUS_DB_ITEMS_DROP);
    if (status == DB_OK)
        status = db_run(db, CAMPUS_DB_PENDING_DROP);
    if (status != DB_OK || certificate == NULL)
        return status;
    db_bind_int(db, CAMPUS_DB_RENEW, 1, certificate->end);
    db_bind_blob(db, CAMPUS_DB_RENEW, 2, certificate->signature, RSA_BYTES);
    return db_run(db, CAMPUS_DB_RENEW);
}

terminal_status campus_journal_take(struct db *journal, const uint8_t *results, uint32_t count,
                                    const struct campus_certificate *certificate)
{
    enum db_status status = db_begin(journal);
    if (status == DB_OK)
        status = take(journal, results, count, certificate);
    if (status == DB_OK)
        status = db_commit(journal);
    db_rollback(journal);
    return journal_status(status);
}
