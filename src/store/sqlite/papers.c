/* SPDX-License-Identifier: Apache-2.0 */
/* Documents, orders, receipts, conflicts and given-up sales. */
#include "store/sqlite/inside.h"

#include <string.h>

static enum store_status document_add(struct store *store, struct document_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_DOCUMENT_ADD, 1, r->type);
    db_bind_blob(db, SQL_DOCUMENT_ADD, 2, r->terminal, sizeof r->terminal);
    db_bind_int(db, SQL_DOCUMENT_ADD, 3, r->time);
    db_bind_blob(db, SQL_DOCUMENT_ADD, 4, r->hash, sizeof r->hash);
    db_bind_blob(db, SQL_DOCUMENT_ADD, 5, r->bytes ? r->bytes : r->hash, r->length);
    enum store_status status = store_run(store, SQL_DOCUMENT_ADD);
    r->id = db_last_row(db);
    return status;
}

static enum store_status documents(struct store *store, document_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_DOCUMENTS;
    enum store_status status;
    while ((status = store_first(store, s)) == STORE_OK) {
        struct document_record r = {
            .id = db_column_int(db, s, 0),
            .type = (enum document_type)db_column_int(db, s, 1),
            .time = (uint32_t)db_column_int(db, s, 3),
        };
        bool whole = db_column_fixed(db, s, 2, r.terminal, sizeof r.terminal) &&
                     db_column_fixed(db, s, 4, r.hash, sizeof r.hash);
        bool is_given = db_column_blob(db, s, 5, &r.bytes, &r.length);
        status = !is_given ? STORE_MEMORY : whole ? visit(context, &r) : STORE_DAMAGED;
        if (status != STORE_OK)
            break;
    }
    db_reset(db, s);
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status document_find(struct store *store, enum document_type type,
                                       const uint8_t hash[SHA256_BYTES], int64_t *id,
                                       struct store_blob *blob)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_DOCUMENT_FIND, 1, hash, SHA256_BYTES);
    db_bind_int(db, SQL_DOCUMENT_FIND, 2, type);
    enum store_status status = store_first(store, SQL_DOCUMENT_FIND);
    if (status != STORE_OK)
        return status;
    *id = db_column_int(db, SQL_DOCUMENT_FIND, 0);
    status = store_column_blob(db, SQL_DOCUMENT_FIND, 1, blob);
    db_reset(db, SQL_DOCUMENT_FIND);
    return status;
}

static enum store_status order_add(struct store *store, const struct order_record *r)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_ORDER_ADD;
    db_bind_int(db, s, 1, r->kind);
    db_bind_blob(db, s, 2, r->card, sizeof r->card);
    db_bind_int(db, s, 3, r->counter);
    db_bind_int(db, s, 4, r->number);
    db_bind_int(db, s, 5, r->amount);
    db_bind_int(db, s, 6, r->state);
    db_bind_int(db, s, 7, r->source.kind);
    db_bind_int(db, s, 8, (int64_t)r->source.owner);
    db_bind_int(db, s, 9, r->payment_counter);
    db_bind_blob(db, s, 10, r->message, r->message_bytes);
    db_bind_int(db, s, 11, r->undo_number);
    db_bind_blob(db, s, 12, r->undo, r->undo_bytes);
    return store_run(store, s);
}

static enum store_status order_update(struct store *store, const struct order_record *r)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_ORDER_UPDATE;
    db_bind_int(db, s, 1, r->kind);
    db_bind_blob(db, s, 2, r->card, sizeof r->card);
    db_bind_int(db, s, 3, r->counter);
    db_bind_int(db, s, 4, r->state);
    db_bind_int(db, s, 5, r->undo_number);
    db_bind_blob(db, s, 6, r->undo, r->undo_bytes);
    return store_run(store, s);
}

static enum store_status order_read(struct store *store, enum bank_statement s,
                                    struct order_record *r)
{
    struct db *db = db_of(store);
    enum store_status status = store_first(store, s);
    if (status != STORE_OK)
        return status;
    *r = (struct order_record){
        .kind = (enum document_kind)db_column_int(db, s, 0),
        .counter = (uint32_t)db_column_int(db, s, 2),
        .number = (uint32_t)db_column_int(db, s, 3),
        .amount = (uint32_t)db_column_int(db, s, 4),
        .state = (enum order_state)db_column_int(db, s, 5),
        .source = {(enum account_kind)db_column_int(db, s, 6), (uint64_t)db_column_int(db, s, 7)},
        .payment_counter = (uint32_t)db_column_int(db, s, 8),
        .undo_number = (uint32_t)db_column_int(db, s, 10),
    };
    bool whole = db_column_fixed(db, s, 1, r->card, sizeof r->card) &&
                 store_column(db, s, 9, r->message, sizeof r->message, &r->message_bytes) &&
                 store_column(db, s, 11, r->undo, sizeof r->undo, &r->undo_bytes);
    return store_done(store, s, whole);
}

static enum store_status order_find(struct store *store, enum document_kind kind,
                                    const uint8_t card[CARD_NUMBER_BYTES], uint32_t counter,
                                    struct order_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_ORDER_FIND, 1, kind);
    db_bind_blob(db, SQL_ORDER_FIND, 2, card, CARD_NUMBER_BYTES);
    db_bind_int(db, SQL_ORDER_FIND, 3, counter);
    return order_read(store, SQL_ORDER_FIND, r);
}

static enum store_status order_open(struct store *store, enum document_kind kind,
                                    const uint8_t card[CARD_NUMBER_BYTES], struct order_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_ORDER_OPEN, 1, kind);
    db_bind_blob(db, SQL_ORDER_OPEN, 2, card, CARD_NUMBER_BYTES);
    return order_read(store, SQL_ORDER_OPEN, r);
}

static enum store_status refunded(struct store *store, const uint8_t card[CARD_NUMBER_BYTES],
                                  uint32_t payment_counter, int64_t *sum)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_REFUNDED, 1, card, CARD_NUMBER_BYTES);
    db_bind_int(db, SQL_REFUNDED, 2, payment_counter);
    enum store_status status = store_first(store, SQL_REFUNDED);
    if (status != STORE_OK)
        return status;
    *sum = db_column_int(db, SQL_REFUNDED, 0);
    return store_done(store, SQL_REFUNDED, true);
}

static enum store_status receipt_add(struct store *store, const struct receipt_record *r)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_RECEIPT_ADD;
    db_bind_blob(db, s, 1, r->card, sizeof r->card);
    db_bind_int(db, s, 2, r->counter);
    db_bind_int(db, s, 3, r->kind);
    db_bind_int(db, s, 4, r->state);
    db_bind_blob(db, s, 5, r->hash, sizeof r->hash);
    db_bind_int(db, s, 6, r->document);
    db_bind_blob(db, s, 7, r->terminal, sizeof r->terminal);
    db_bind_int(db, s, 8, r->terminal_counter);
    db_bind_int(db, s, 9, r->merchant);
    db_bind_int(db, s, 10, r->amount);
    db_bind_int(db, s, 11, r->balance_after);
    return store_run(store, s);
}

static enum store_status receipt_update(struct store *store, const struct receipt_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_RECEIPT_UPDATE, 1, r->card, sizeof r->card);
    db_bind_int(db, SQL_RECEIPT_UPDATE, 2, r->counter);
    db_bind_int(db, SQL_RECEIPT_UPDATE, 3, r->state);
    return store_run(store, SQL_RECEIPT_UPDATE);
}

static bool receipt_read(struct db *db, enum bank_statement s, struct receipt_record *r)
{
    *r = (struct receipt_record){
        .counter = (uint32_t)db_column_int(db, s, 1),
        .kind = (enum document_kind)db_column_int(db, s, 2),
        .state = (enum receipt_state)db_column_int(db, s, 3),
        .document = db_column_int(db, s, 5),
        .terminal_counter = (uint32_t)db_column_int(db, s, 7),
        .merchant = (uint32_t)db_column_int(db, s, 8),
        .amount = (uint32_t)db_column_int(db, s, 9),
        .balance_after = (uint32_t)db_column_int(db, s, 10),
    };
    return db_column_fixed(db, s, 0, r->card, sizeof r->card) &&
           db_column_fixed(db, s, 4, r->hash, sizeof r->hash) &&
           db_column_fixed(db, s, 6, r->terminal, sizeof r->terminal);
}

static enum store_status receipt_first(struct store *store, enum bank_statement s,
                                       struct receipt_record *r)
{
    enum store_status status = store_first(store, s);
    if (status != STORE_OK)
        return status;
    return store_done(store, s, receipt_read(db_of(store), s, r));
}

static enum store_status receipt_find(struct store *store, const uint8_t card[CARD_NUMBER_BYTES],
                                      uint32_t counter, struct receipt_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_RECEIPT_FIND, 1, card, CARD_NUMBER_BYTES);
    db_bind_int(db, SQL_RECEIPT_FIND, 2, counter);
    return receipt_first(store, SQL_RECEIPT_FIND, r);
}

static enum store_status receipt_of_terminal(struct store *store,
                                             const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                             uint32_t terminal_counter, struct receipt_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_RECEIPT_OF_TERMINAL, 1, terminal, TERMINAL_NUMBER_BYTES);
    db_bind_int(db, SQL_RECEIPT_OF_TERMINAL, 2, terminal_counter);
    return receipt_first(store, SQL_RECEIPT_OF_TERMINAL, r);
}

static enum store_status receipts_each(struct store *store, enum bank_statement s,
                                       receipt_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum store_status status;
    while ((status = store_first(store, s)) == STORE_OK) {
        struct receipt_record r;
        status = receipt_read(db, s, &r) ? visit(context, &r) : STORE_DAMAGED;
        if (status != STORE_OK)
            break;
    }
    db_reset(db, s);
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status receipts_above(struct store *store, const uint8_t card[CARD_NUMBER_BYTES],
                                        uint32_t counter, receipt_visit *visit, void *context)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_RECEIPTS_ABOVE, 1, card, CARD_NUMBER_BYTES);
    db_bind_int(db, SQL_RECEIPTS_ABOVE, 2, counter);
    return receipts_each(store, SQL_RECEIPTS_ABOVE, visit, context);
}

static enum store_status receipts(struct store *store, receipt_visit *visit, void *context)
{
    return receipts_each(store, SQL_RECEIPTS, visit, context);
}

static enum store_status conflict_add(struct store *store, const struct conflict_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_CONFLICT_ADD, 1, r->hash, sizeof r->hash);
    db_bind_blob(db, SQL_CONFLICT_ADD, 2, r->card, sizeof r->card);
    db_bind_int(db, SQL_CONFLICT_ADD, 3, r->counter);
    db_bind_blob(db, SQL_CONFLICT_ADD, 4, r->fingerprint, sizeof r->fingerprint);
    db_bind_int(db, SQL_CONFLICT_ADD, 5, r->document);
    db_bind_int(db, SQL_CONFLICT_ADD, 6, r->paid);
    return store_run(store, SQL_CONFLICT_ADD);
}

static enum store_status conflict_find(struct store *store, const uint8_t hash[SHA256_BYTES],
                                       struct conflict_record *r)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_CONFLICT_FIND;
    db_bind_blob(db, s, 1, hash, SHA256_BYTES);
    enum store_status status = store_first(store, s);
    if (status != STORE_OK)
        return status;
    *r = (struct conflict_record){
        .counter = (uint32_t)db_column_int(db, s, 2),
        .document = db_column_int(db, s, 4),
        .paid = (uint32_t)db_column_int(db, s, 5),
    };
    bool whole = db_column_fixed(db, s, 0, r->hash, sizeof r->hash) &&
                 db_column_fixed(db, s, 1, r->card, sizeof r->card) &&
                 db_column_fixed(db, s, 3, r->fingerprint, sizeof r->fingerprint);
    return store_done(store, s, whole);
}

static enum store_status conflict_update(struct store *store, const struct conflict_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_CONFLICT_UPDATE, 1, r->hash, sizeof r->hash);
    db_bind_int(db, SQL_CONFLICT_UPDATE, 2, r->paid);
    return store_run(store, SQL_CONFLICT_UPDATE);
}

static enum store_status conflict_paid(struct store *store,
                                       const uint8_t fingerprint[HOST_ID_BYTES], bool *paid)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_CONFLICT_PAID, 1, fingerprint, HOST_ID_BYTES);
    enum store_status status = store_first(store, SQL_CONFLICT_PAID);
    if (status != STORE_OK)
        return status;
    *paid = db_column_int(db, SQL_CONFLICT_PAID, 0) > 0;
    return store_done(store, SQL_CONFLICT_PAID, true);
}

static enum store_status abandoned_add(struct store *store,
                                       const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                       uint32_t terminal_counter,
                                       const uint8_t card[CARD_NUMBER_BYTES])
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_ABANDONED_ADD, 1, terminal, TERMINAL_NUMBER_BYTES);
    db_bind_int(db, SQL_ABANDONED_ADD, 2, terminal_counter);
    db_bind_blob(db, SQL_ABANDONED_ADD, 3, card, CARD_NUMBER_BYTES);
    return store_run(store, SQL_ABANDONED_ADD);
}

static enum store_status abandoned_find(struct store *store,
                                        const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                        uint32_t terminal_counter, uint8_t card[CARD_NUMBER_BYTES])
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_ABANDONED_FIND, 1, terminal, TERMINAL_NUMBER_BYTES);
    db_bind_int(db, SQL_ABANDONED_FIND, 2, terminal_counter);
    enum store_status status = store_first(store, SQL_ABANDONED_FIND);
    if (status != STORE_OK)
        return status;
    bool whole = db_column_fixed(db, SQL_ABANDONED_FIND, 0, card, CARD_NUMBER_BYTES);
    return store_done(store, SQL_ABANDONED_FIND, whole);
}

void verbs_of_papers(struct store_verbs *verbs)
{
    verbs->document_add = document_add;
    verbs->documents = documents;
    verbs->document_find = document_find;
    verbs->order_add = order_add;
    verbs->order_update = order_update;
    verbs->order_find = order_find;
    verbs->order_open = order_open;
    verbs->refunded = refunded;
    verbs->receipt_add = receipt_add;
    verbs->receipt_update = receipt_update;
    verbs->receipt_find = receipt_find;
    verbs->receipt_of_terminal = receipt_of_terminal;
    verbs->receipts_above = receipts_above;
    verbs->receipts = receipts;
    verbs->conflict_add = conflict_add;
    verbs->conflict_find = conflict_find;
    verbs->conflict_update = conflict_update;
    verbs->conflict_paid = conflict_paid;
    verbs->abandoned_add = abandoned_add;
    verbs->abandoned_find = abandoned_find;
}
