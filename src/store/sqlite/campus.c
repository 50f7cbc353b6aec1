/* SPDX-License-Identifier: Apache-2.0 */
/* The campus purse: its key, terminals, cards, receipts, funds, answers and lists. */
#include "store/sqlite/inside.h"

/* ---- the key ---- */

static enum store_status key_add(struct store *store, const uint8_t modulus[CAMPUS_RSA_BYTES])
{
    db_bind_blob(db_of(store), SQL_CAMPUS_KEY_ADD, 1, modulus, CAMPUS_RSA_BYTES);
    return store_run(store, SQL_CAMPUS_KEY_ADD);
}

static enum store_status key_get(struct store *store, uint8_t modulus[CAMPUS_RSA_BYTES])
{
    enum store_status status = store_first(store, SQL_CAMPUS_KEY_GET);
    if (status != STORE_OK)
        return status;
    bool whole = db_column_fixed(db_of(store), SQL_CAMPUS_KEY_GET, 0, modulus, CAMPUS_RSA_BYTES);
    return store_done(store, SQL_CAMPUS_KEY_GET, whole);
}

/* ---- terminals ---- */

static enum store_status terminal_add(struct store *store, const struct campus_terminal_record *r)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_CAMPUS_TERMINAL_ADD;
    db_bind_int(db, s, 1, r->id);
    db_bind_int(db, s, 2, r->role);
    db_bind_blob(db, s, 3, r->modulus, sizeof r->modulus);
    db_bind_int(db, s, 4, r->merchant);
    db_bind_int(db, s, 5, r->credit);
    db_bind_int(db, s, 6, r->end);
    db_bind_int(db, s, 7, r->listed);
    return store_run(store, s);
}

static enum store_status terminal_update(struct store *store,
                                         const struct campus_terminal_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_CAMPUS_TERMINAL_UPDATE, 1, r->id);
    db_bind_int(db, SQL_CAMPUS_TERMINAL_UPDATE, 2, r->end);
    db_bind_int(db, SQL_CAMPUS_TERMINAL_UPDATE, 3, r->listed);
    return store_run(store, SQL_CAMPUS_TERMINAL_UPDATE);
}

static bool terminal_read(struct db *db, enum bank_statement s, struct campus_terminal_record *r)
{
    *r = (struct campus_terminal_record){
        .id = (uint32_t)db_column_int(db, s, 0),
        .role = (enum campus_role)db_column_int(db, s, 1),
        .merchant = (uint32_t)db_column_int(db, s, 3),
        .credit = (uint32_t)db_column_int(db, s, 4),
        .end = (uint32_t)db_column_int(db, s, 5),
        .listed = (uint32_t)db_column_int(db, s, 6),
    };
    return db_column_fixed(db, s, 2, r->modulus, sizeof r->modulus);
}

static enum store_status terminal_find(struct store *store, uint32_t id,
                                       struct campus_terminal_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_CAMPUS_TERMINAL_FIND, 1, id);
    enum store_status status = store_first(store, SQL_CAMPUS_TERMINAL_FIND);
    if (status != STORE_OK)
        return status;
    return store_done(store, SQL_CAMPUS_TERMINAL_FIND,
                      terminal_read(db, SQL_CAMPUS_TERMINAL_FIND, r));
}

static enum store_status terminals(struct store *store, campus_terminal_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum store_status status;
    while ((status = store_first(store, SQL_CAMPUS_TERMINALS)) == STORE_OK) {
        struct campus_terminal_record r;
        status = terminal_read(db, SQL_CAMPUS_TERMINALS, &r) ? visit(context, &r) : STORE_DAMAGED;
        if (status != STORE_OK)
            break;
    }
    db_reset(db, SQL_CAMPUS_TERMINALS);
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status term_add(struct store *store, const struct campus_term_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_CAMPUS_TERM_ADD, 1, r->terminal);
    db_bind_int(db, SQL_CAMPUS_TERM_ADD, 2, r->end);
    db_bind_int(db, SQL_CAMPUS_TERM_ADD, 3, r->start);
    db_bind_blob(db, SQL_CAMPUS_TERM_ADD, 4, r->signature, sizeof r->signature);
    return store_run(store, SQL_CAMPUS_TERM_ADD);
}

static enum store_status term_read(struct store *store, enum bank_statement s,
                                   struct campus_term_record *r)
{
    struct db *db = db_of(store);
    enum store_status status = store_first(store, s);
    if (status != STORE_OK)
        return status;
    *r = (struct campus_term_record){
        .terminal = (uint32_t)db_column_int(db, s, 0),
        .end = (uint32_t)db_column_int(db, s, 1),
        .start = (uint32_t)db_column_int(db, s, 2),
    };
    return store_done(store, s, db_column_fixed(db, s, 3, r->signature, sizeof r->signature));
}

static enum store_status term_find(struct store *store, uint32_t terminal, uint32_t from,
                                   uint32_t to, struct campus_term_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_CAMPUS_TERM_FIND, 1, terminal);
    db_bind_int(db, SQL_CAMPUS_TERM_FIND, 2, from);
    db_bind_int(db, SQL_CAMPUS_TERM_FIND, 3, to);
    return term_read(store, SQL_CAMPUS_TERM_FIND, r);
}

static enum store_status term_of_end(struct store *store, uint32_t terminal, uint32_t end,
                                     struct campus_term_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_CAMPUS_TERM_OF_END, 1, terminal);
    db_bind_int(db, SQL_CAMPUS_TERM_OF_END, 2, end);
    return term_read(store, SQL_CAMPUS_TERM_OF_END, r);
}

/* ---- cards ---- */

static enum store_status card_write(struct store *store, enum bank_statement s,
                                    const struct campus_card_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, s, 1, r->id);
    db_bind_int(db, s, 2, r->end);
    db_bind_int(db, s, 3, r->station);
    db_bind_blob(db, s, 4, r->is_certified ? r->modulus : NULL, sizeof r->modulus);
    db_bind_blob(db, s, 5, r->is_certified ? r->signature : NULL, sizeof r->signature);
    db_bind_int(db, s, 6, r->counter);
    db_bind_int(db, s, 7, r->shadow);
    db_bind_int(db, s, 8, r->listed);
    db_bind_int(db, s, 9, r->blocked);
    return store_run(store, s);
}

static enum store_status card_add(struct store *store, const struct campus_card_record *r)
{
    return card_write(store, SQL_CAMPUS_CARD_ADD, r);
}

static enum store_status card_update(struct store *store, const struct campus_card_record *r)
{
    return card_write(store, SQL_CAMPUS_CARD_UPDATE, r);
}

static bool card_read(struct db *db, enum bank_statement s, struct campus_card_record *r)
{
    *r = (struct campus_card_record){
        .id = (uint32_t)db_column_int(db, s, 0),
        .end = (uint32_t)db_column_int(db, s, 1),
        .station = (uint32_t)db_column_int(db, s, 2),
        .is_certified = !db_column_is_null(db, s, 3),
        .counter = (uint32_t)db_column_int(db, s, 5),
        .shadow = db_column_int(db, s, 6),
        .listed = (uint32_t)db_column_int(db, s, 7),
        .blocked = (uint32_t)db_column_int(db, s, 8),
    };
    return !r->is_certified || (db_column_fixed(db, s, 3, r->modulus, sizeof r->modulus) &&
                                db_column_fixed(db, s, 4, r->signature, sizeof r->signature));
}

static enum store_status card_by(struct store *store, enum bank_statement s,
                                 struct campus_card_record *r)
{
    enum store_status status = store_first(store, s);
    return status == STORE_OK ? store_done(store, s, card_read(db_of(store), s, r)) : status;
}

static enum store_status card_find(struct store *store, uint32_t id, struct campus_card_record *r)
{
    db_bind_int(db_of(store), SQL_CAMPUS_CARD_FIND, 1, id);
    return card_by(store, SQL_CAMPUS_CARD_FIND, r);
}

static enum store_status card_of_modulus(struct store *store,
                                         const uint8_t modulus[CAMPUS_RSA_BYTES],
                                         struct campus_card_record *r)
{
    db_bind_blob(db_of(store), SQL_CAMPUS_CARD_OF_MODULUS, 1, modulus, CAMPUS_RSA_BYTES);
    return card_by(store, SQL_CAMPUS_CARD_OF_MODULUS, r);
}

static enum store_status cards(struct store *store, campus_card_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum store_status status;
    while ((status = store_first(store, SQL_CAMPUS_CARDS)) == STORE_OK) {
        struct campus_card_record r;
        status = card_read(db, SQL_CAMPUS_CARDS, &r) ? visit(context, &r) : STORE_DAMAGED;
        if (status != STORE_OK)
            break;
    }
    db_reset(db, SQL_CAMPUS_CARDS);
    return status == STORE_NONE ? STORE_OK : status;
}

/* ---- receipts ---- */

static enum store_status receipt_add(struct store *store, const struct campus_receipt_record *r)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_CAMPUS_RECEIPT_ADD;
    db_bind_int(db, s, 1, r->card);
    db_bind_int(db, s, 2, r->counter);
    db_bind_int(db, s, 3, r->terminal);
    db_bind_int(db, s, 4, r->amount);
    db_bind_int(db, s, 5, r->time);
    db_bind_int(db, s, 6, r->is_load);
    db_bind_int(db, s, 7, r->is_suspect);
    db_bind_int(db, s, 8, r->is_decided);
    db_bind_int(db, s, 9, r->state);
    db_bind_int(db, s, 10, r->document);
    return store_run(store, s);
}

static enum store_status receipt_update(struct store *store, const struct campus_receipt_record *r)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_CAMPUS_RECEIPT_UPDATE;
    db_bind_int(db, s, 1, r->card);
    db_bind_int(db, s, 2, r->counter);
    db_bind_int(db, s, 3, r->is_decided);
    db_bind_int(db, s, 4, r->state);
    return store_run(store, s);
}

static void receipt_read(struct db *db, enum bank_statement s, struct campus_receipt_record *r)
{
    *r = (struct campus_receipt_record){
        .card = (uint32_t)db_column_int(db, s, 0),
        .counter = (uint32_t)db_column_int(db, s, 1),
        .terminal = (uint32_t)db_column_int(db, s, 2),
        .amount = (uint32_t)db_column_int(db, s, 3),
        .time = (uint32_t)db_column_int(db, s, 4),
        .is_load = db_column_int(db, s, 5) != 0,
        .is_suspect = db_column_int(db, s, 6) != 0,
        .is_decided = db_column_int(db, s, 7) != 0,
        .state = (enum campus_receipt_state)db_column_int(db, s, 8),
        .document = db_column_int(db, s, 9),
    };
}

static enum store_status receipt_find(struct store *store, uint32_t card, uint32_t counter,
                                      struct campus_receipt_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_CAMPUS_RECEIPT_FIND, 1, card);
    db_bind_int(db, SQL_CAMPUS_RECEIPT_FIND, 2, counter);
    enum store_status status = store_first(store, SQL_CAMPUS_RECEIPT_FIND);
    if (status != STORE_OK)
        return status;
    receipt_read(db, SQL_CAMPUS_RECEIPT_FIND, r);
    return store_done(store, SQL_CAMPUS_RECEIPT_FIND, true);
}

static enum store_status receipts(struct store *store, campus_receipt_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum store_status status;
    while ((status = store_first(store, SQL_CAMPUS_RECEIPTS)) == STORE_OK) {
        struct campus_receipt_record r;
        receipt_read(db, SQL_CAMPUS_RECEIPTS, &r);
        status = visit(context, &r);
        if (status != STORE_OK)
            break;
    }
    db_reset(db, SQL_CAMPUS_RECEIPTS);
    return status == STORE_NONE ? STORE_OK : status;
}

/* ---- funds, answers, lists ---- */

static enum store_status fund_add(struct store *store, const char *reference, uint32_t terminal,
                                  uint32_t amount)
{
    struct db *db = db_of(store);
    db_bind_text(db, SQL_CAMPUS_FUND_ADD, 1, reference);
    db_bind_int(db, SQL_CAMPUS_FUND_ADD, 2, terminal);
    db_bind_int(db, SQL_CAMPUS_FUND_ADD, 3, amount);
    return store_run(store, SQL_CAMPUS_FUND_ADD);
}

static enum store_status fund_find(struct store *store, const char *reference, uint32_t *terminal,
                                   uint32_t *amount)
{
    struct db *db = db_of(store);
    db_bind_text(db, SQL_CAMPUS_FUND_FIND, 1, reference);
    enum store_status status = store_first(store, SQL_CAMPUS_FUND_FIND);
    if (status != STORE_OK)
        return status;
    *terminal = (uint32_t)db_column_int(db, SQL_CAMPUS_FUND_FIND, 0);
    *amount = (uint32_t)db_column_int(db, SQL_CAMPUS_FUND_FIND, 1);
    return store_done(store, SQL_CAMPUS_FUND_FIND, true);
}

static enum store_status answer_add(struct store *store, uint32_t terminal,
                                    const uint8_t id[LINK_ID_BYTES],
                                    const uint8_t request_hash[SHA256_BYTES], uint32_t time,
                                    const uint8_t *answer, size_t bytes)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_CAMPUS_ANSWER_ADD, 1, terminal);
    db_bind_blob(db, SQL_CAMPUS_ANSWER_ADD, 2, id, LINK_ID_BYTES);
    db_bind_blob(db, SQL_CAMPUS_ANSWER_ADD, 3, request_hash, SHA256_BYTES);
    db_bind_int(db, SQL_CAMPUS_ANSWER_ADD, 4, time);
    db_bind_blob(db, SQL_CAMPUS_ANSWER_ADD, 5, answer, bytes);
    return store_run(store, SQL_CAMPUS_ANSWER_ADD);
}

static enum store_status answer_find(struct store *store, uint32_t terminal,
                                     const uint8_t id[LINK_ID_BYTES],
                                     uint8_t request_hash[SHA256_BYTES], struct store_blob *answer)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_CAMPUS_ANSWER_FIND;
    db_bind_int(db, s, 1, terminal);
    db_bind_blob(db, s, 2, id, LINK_ID_BYTES);
    enum store_status status = store_first(store, s);
    if (status != STORE_OK)
        return status;
    if (!db_column_fixed(db, s, 0, request_hash, SHA256_BYTES))
        return store_done(store, s, false);
    status = store_column_blob(db, s, 1, answer);
    db_reset(db, s);
    return status;
}

static enum store_status list_add(struct store *store, const struct campus_list_record *r,
                                  const uint8_t *file, size_t bytes)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_CAMPUS_LIST_ADD, 1, (int64_t)r->end_ms);
    db_bind_int(db, SQL_CAMPUS_LIST_ADD, 2, r->time);
    db_bind_int(db, SQL_CAMPUS_LIST_ADD, 3, r->count);
    db_bind_blob(db, SQL_CAMPUS_LIST_ADD, 4, file, bytes);
    return store_run(store, SQL_CAMPUS_LIST_ADD);
}

static enum store_status list_newest(struct store *store, struct campus_list_record *r,
                                     struct store_blob *file)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_CAMPUS_LIST_NEWEST;
    enum store_status status = store_first(store, s);
    if (status != STORE_OK)
        return status;
    *r = (struct campus_list_record){.end_ms = (uint64_t)db_column_int(db, s, 0),
                                     .time = (uint32_t)db_column_int(db, s, 1),
                                     .count = (uint32_t)db_column_int(db, s, 2)};
    status = store_column_blob(db, s, 3, file);
    db_reset(db, s);
    return status;
}

void verbs_of_campus(struct campus_verbs *verbs)
{
    *verbs = (struct campus_verbs){
        .key_add = key_add,
        .key_get = key_get,
        .terminal_add = terminal_add,
        .terminal_update = terminal_update,
        .terminal_find = terminal_find,
        .terminals = terminals,
        .term_add = term_add,
        .term_find = term_find,
        .term_of_end = term_of_end,
        .card_add = card_add,
        .card_update = card_update,
        .card_find = card_find,
        .card_of_modulus = card_of_modulus,
        .cards = cards,
        .receipt_add = receipt_add,
        .receipt_update = receipt_update,
        .receipt_find = receipt_find,
        .receipts = receipts,
        .fund_add = fund_add,
        .fund_find = fund_find,
        .answer_add = answer_add,
        .answer_find = answer_find,
        .list_add = list_add,
        .list_newest = list_newest,
    };
}
