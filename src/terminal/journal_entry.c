/* SPDX-License-Identifier: Apache-2.0 */
/* Business: begun with a number, ended once. */
#include <string.h>

#include "terminal/journal.h"

/* A transaction's end, whatever came of it. */
static terminal_status settle(struct db *db, enum db_status status)
{
    if (status == DB_OK)
        status = db_commit(db);
    else
        db_rollback(db);
    return journal_status(status);
}

/* ---- begin ---- */

/* The entry draws its own number: the highest so far and one. */
static enum db_status insert(struct db *db, struct intent *intent)
{
    const size_t s = JOURNAL_BEGIN;
    db_bind_int(db, s, 1, intent->kind);
    db_bind_blob(db, s, 2, intent->card, sizeof intent->card);
    db_bind_int(db, s, 3, intent->amount.minor);
    db_bind_int(db, s, 4, intent->amount.currency);
    db_bind_int(db, s, 5, intent->time);
    db_bind_blob(db, s, 6, intent->reference, sizeof intent->reference);
    db_bind_blob(db, s, 7, intent->host_id, sizeof intent->host_id);
    db_bind_int(db, s, 8, intent->merchant);
    db_bind_int(db, s, 9, intent->order_number);
    db_bind_int(db, s, 10, intent->order_counter);
    db_bind_int(db, s, 11, intent->flags);
    enum db_status status = db_run(db, s);
    if (status == DB_OK)
        intent->number = (uint32_t)db_last_row(db);
    return status;
}

static enum db_status add_paid(struct db *db, const struct intent *intent)
{
    if (intent->kind != DOCUMENT_PAYMENT_RECEIPT)
        return DB_OK;
    db_bind_blob(db, JOURNAL_PAID_MORE, 1, intent->card, sizeof intent->card);
    db_bind_blob(db, JOURNAL_PAID_MORE, 2, intent->host_id, sizeof intent->host_id);
    db_bind_int(db, JOURNAL_PAID_MORE, 3, intent->amount.minor);
    return db_run(db, JOURNAL_PAID_MORE);
}

terminal_status journal_begin(struct db *journal, struct intent *intent)
{
    enum db_status status = db_begin(journal);
    if (status == DB_OK)
        status = insert(journal, intent);
    if (status == DB_OK && intent->number > COUNTER_MAX) {
        db_rollback(journal);
        return STIVER_TERMINAL_NUMBERS_USED_UP;
    }
    if (status == DB_OK)
        status = add_paid(journal, intent);
    return settle(journal, status);
}

/* ---- end ---- */

static enum db_status end(struct db *db, uint32_t number, enum stiver_terminal_entry_state state,
                          const uint8_t *document, bool is_recovered)
{
    db_bind_int(db, JOURNAL_END, 1, number);
    db_bind_int(db, JOURNAL_END, 2, state);
    db_bind_blob(db, JOURNAL_END, 3, document, document == NULL ? 0 : RECEIPT_BYTES);
    db_bind_int(db, JOURNAL_END, 4, is_recovered);
    return db_run(db, JOURNAL_END);
}

/* Without a receipt: if it was a payment, it no longer counts as paid. */
static terminal_status end_in_vain(struct db *db, uint32_t number,
                                   enum stiver_terminal_entry_state state, bool is_recovered)
{
    enum db_status status = db_begin(db);
    if (status == DB_OK)
        status = end(db, number, state, NULL, is_recovered);
    if (status == DB_OK && db_changes(db) != 1) {
        db_rollback(db);
        return STIVER_TERMINAL_UNKNOWN_NUMBER;
    }
    if (status == DB_OK) {
        db_bind_int(db, JOURNAL_PAID_LESS, 1, number);
        status = db_run(db, JOURNAL_PAID_LESS);
    }
    return settle(db, status);
}

terminal_status journal_reject(struct db *journal, uint32_t number)
{
    return end_in_vain(journal, number, STIVER_TERMINAL_REJECTED, false);
}

terminal_status journal_abandon(struct db *journal, uint32_t number, bool is_recovered)
{
    return end_in_vain(journal, number, STIVER_TERMINAL_ABANDONED, is_recovered);
}

static enum db_status remember(struct db *db, const uint8_t *card, struct piece certificate,
                               const uint8_t *handle)
{
    db_bind_blob(db, JOURNAL_CARD, 1, card, CARD_NUMBER_BYTES);
    db_bind_blob(db, JOURNAL_CARD, 2, certificate.data, certificate.bytes);
    enum db_status status = db_run(db, JOURNAL_CARD);
    if (status != DB_OK || handle == NULL)
        return status;
    db_bind_blob(db, JOURNAL_HANDLE, 1, handle, HANDLE_BYTES);
    db_bind_blob(db, JOURNAL_HANDLE, 2, card, CARD_NUMBER_BYTES);
    return db_run(db, JOURNAL_HANDLE);
}

terminal_status journal_finish(struct db *journal, uint32_t number,
                               const uint8_t document[RECEIPT_BYTES], bool is_recovered,
                               const uint8_t card[CARD_NUMBER_BYTES], struct piece certificate,
                               const uint8_t *handle)
{
    enum db_status status = db_begin(journal);
    if (status == DB_OK)
        status = end(journal, number, STIVER_TERMINAL_FINISHED, document, is_recovered);
    if (status == DB_OK && db_changes(journal) != 1) {
        db_rollback(journal);
        return STIVER_TERMINAL_UNKNOWN_NUMBER;
    }
    if (status == DB_OK && certificate.data != NULL)
        status = remember(journal, card, certificate, handle);
    return settle(journal, status);
}

terminal_status journal_keep_foreign(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                     uint32_t card_counter, const uint8_t document[RECEIPT_BYTES],
                                     struct piece certificate)
{
    db_bind_blob(journal, JOURNAL_FOREIGN, 1, card, CARD_NUMBER_BYTES);
    db_bind_int(journal, JOURNAL_FOREIGN, 2, card_counter);
    db_bind_blob(journal, JOURNAL_FOREIGN, 3, document, RECEIPT_BYTES);
    db_bind_blob(journal, JOURNAL_FOREIGN, 4, certificate.data, certificate.bytes);
    return journal_status(db_run(journal, JOURNAL_FOREIGN));
}

/* ---- looking ---- */

static bool read_intent(struct db *db, struct intent *intent)
{
    const size_t s = JOURNAL_NEXT_OPEN;
    intent->number = (uint32_t)db_column_int(db, s, 0);
    intent->kind = (enum document_kind)db_column_int(db, s, 1);
    intent->amount.minor = (uint32_t)db_column_int(db, s, 3);
    intent->amount.currency = (uint16_t)db_column_int(db, s, 4);
    intent->time = (uint32_t)db_column_int(db, s, 5);
    intent->merchant = (uint32_t)db_column_int(db, s, 8);
    intent->order_number = (uint32_t)db_column_int(db, s, 9);
    intent->order_counter = (uint32_t)db_column_int(db, s, 10);
    intent->flags = (uint8_t)db_column_int(db, s, 11);
    return db_column_fixed(db, s, 2, intent->card, sizeof intent->card) &&
           db_column_fixed(db, s, 6, intent->reference, sizeof intent->reference) &&
           db_column_fixed(db, s, 7, intent->host_id, sizeof intent->host_id);
}

terminal_status journal_next_open(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                  uint32_t above, struct intent *intent, bool *found)
{
    db_bind_blob(journal, JOURNAL_NEXT_OPEN, 1, card, CARD_NUMBER_BYTES);
    db_bind_int(journal, JOURNAL_NEXT_OPEN, 2, above);
    enum db_status status = db_step(journal, JOURNAL_NEXT_OPEN);
    *found = status == DB_ROW;
    if (status != DB_ROW)
        return journal_status(status);
    bool is_whole = read_intent(journal, intent);
    db_reset(journal, JOURNAL_NEXT_OPEN);
    return is_whole ? STIVER_TERMINAL_OK : STIVER_TERMINAL_JOURNAL_DAMAGED;
}

terminal_status journal_paid(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                             const uint8_t host_id[HOST_ID_BYTES], uint64_t *sum)
{
    db_bind_blob(journal, JOURNAL_PAID, 1, card, CARD_NUMBER_BYTES);
    db_bind_blob(journal, JOURNAL_PAID, 2, host_id, HOST_ID_BYTES);
    enum db_status status = db_step(journal, JOURNAL_PAID);
    *sum = status == DB_ROW ? (uint64_t)db_column_int(journal, JOURNAL_PAID, 0) : 0;
    db_reset(journal, JOURNAL_PAID);
    return journal_status(status);
}

struct wish {
    enum document_kind kind;
    const uint8_t *card;
    struct money amount;
    uint32_t since;
};

/* DB_ROW: there is one. */
static enum db_status find_claimable(struct db *db, const struct wish *wish, int64_t *number,
                                     uint8_t document[RECEIPT_BYTES])
{
    const size_t s = JOURNAL_CLAIMABLE;
    db_bind_blob(db, s, 1, wish->card, CARD_NUMBER_BYTES);
    db_bind_int(db, s, 2, wish->kind);
    db_bind_int(db, s, 3, wish->amount.minor);
    db_bind_int(db, s, 4, wish->amount.currency);
    db_bind_int(db, s, 5, wish->since);
    enum db_status status = db_step(db, s);
    if (status != DB_ROW)
        return status;
    *number = db_column_int(db, s, 0);
    bool is_whole = db_column_fixed(db, s, 1, document, RECEIPT_BYTES);
    db_reset(db, s);
    return is_whole ? DB_ROW : DB_CORRUPT;
}

terminal_status journal_claim(struct db *journal, enum document_kind kind,
                              const uint8_t card[CARD_NUMBER_BYTES], struct money amount,
                              uint32_t since, uint8_t document[RECEIPT_BYTES], bool *found)
{
    const struct wish wish = {kind, card, amount, since};
    int64_t number;
    *found = false;
    enum db_status status = find_claimable(journal, &wish, &number, document);
    if (status != DB_ROW)
        return journal_status(status);
    /* Looked for again inside: another program may have claimed it meanwhile. There is next to
     * never one, so that no sale pays for the transaction. */
    status = db_begin(journal);
    if (status == DB_OK)
        status = find_claimable(journal, &wish, &number, document);
    bool is_there = status == DB_ROW;
    if (is_there) {
        db_bind_int(journal, JOURNAL_CLAIM, 1, number);
        status = db_run(journal, JOURNAL_CLAIM);
    }
    terminal_status result = settle(journal, status);
    *found = is_there && result == STIVER_TERMINAL_OK;
    return result;
}

static terminal_status has_row(struct db *journal, size_t statement, const uint8_t *card, bool *has)
{
    db_bind_blob(journal, statement, 1, card, CARD_NUMBER_BYTES);
    enum db_status status = db_step(journal, statement);
    *has = status == DB_ROW;
    db_reset(journal, statement);
    return journal_status(status);
}

terminal_status journal_has_load(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                 bool *has_load)
{
    return has_row(journal, JOURNAL_HAS_LOAD, card, has_load);
}

terminal_status journal_is_blocked(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                   bool *is_blocked)
{
    return has_row(journal, JOURNAL_IS_BLOCKED, card, is_blocked);
}

/* ---- telling ---- */

static bool read_entry(struct db *db, size_t s, uint32_t scheme,
                       struct stiver_terminal_entry *entry)
{
    uint8_t document[RECEIPT_BYTES];
    memset(entry, 0, sizeof *entry);
    entry->number = (uint32_t)db_column_int(db, s, 0);
    entry->kind = (enum stiver_terminal_kind)db_column_int(db, s, 1);
    entry->state = (enum stiver_terminal_entry_state)db_column_int(db, s, 2);
    entry->amount.minor = (uint32_t)db_column_int(db, s, 4);
    entry->amount.currency = (uint16_t)db_column_int(db, s, 5);
    entry->time = (uint32_t)db_column_int(db, s, 6);
    entry->is_recovered = db_column_int(db, s, 7) != 0;
    entry->is_uploaded = !db_column_is_null(db, s, 8);
    entry->upload_result = (uint8_t)db_column_int(db, s, 8);
    entry->has_receipt = !db_column_is_null(db, s, 9);
    if (!db_column_fixed(db, s, 3, entry->card, sizeof entry->card))
        return false;
    if (!entry->has_receipt)
        return true;
    return db_column_fixed(db, s, 9, document, sizeof document) &&
           intent_tell(scheme, document, &entry->receipt);
}

/* *last: the number of the last one that was shown, 0 if none was. */
static terminal_status visit_rows(struct db *db, size_t s, uint32_t scheme,
                                  stiver_terminal_entry_visit *visit, void *context, uint32_t *last)
{
    enum db_status status;
    struct stiver_terminal_entry entry;
    while ((status = db_step(db, s)) == DB_ROW) {
        if (!read_entry(db, s, scheme, &entry)) {
            db_reset(db, s);
            return STIVER_TERMINAL_JOURNAL_DAMAGED;
        }
        *last = entry.number;
        if (visit != NULL && !visit(context, &entry))
            break;
    }
    db_reset(db, s);
    return journal_status(status);
}

terminal_status journal_entries(struct db *journal, uint32_t scheme, uint32_t first, bool untold,
                                bool claim, stiver_terminal_entry_visit *visit, void *context)
{
    const size_t s = untold ? JOURNAL_UNTOLD : JOURNAL_ENTRIES;
    db_bind_int(journal, s, 1, first);
    uint32_t last = 0;
    terminal_status status = visit_rows(journal, s, scheme, visit, context, &last);
    if (status != STIVER_TERMINAL_OK || !untold)
        return status;
    db_bind_int(journal, JOURNAL_TOLD, 1, claim);
    db_bind_int(journal, JOURNAL_TOLD, 2, first);
    db_bind_int(journal, JOURNAL_TOLD, 3, last);
    return journal_status(db_run(journal, JOURNAL_TOLD));
}
