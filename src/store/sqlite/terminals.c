/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals, their certificates, and the answers that they were given. */
#include "store/sqlite/inside.h"

static enum store_status terminal_write(struct store *store, enum bank_statement s,
                                        const struct terminal_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, s, 1, r->terminal, sizeof r->terminal);
    db_bind_blob(db, s, 2, r->key, sizeof r->key);
    db_bind_int(db, s, 3, r->role);
    db_bind_int(db, s, 4, r->classes);
    db_bind_int(db, s, 5, r->merchant);
    db_bind_int(db, s, 6, r->limit);
    db_bind_int(db, s, 7, r->credit);
    db_bind_int(db, s, 8, r->counter);
    db_bind_int(db, s, 9, r->listed);
    return store_run(store, s);
}

static enum store_status terminal_add(struct store *store, const struct terminal_record *r)
{
    return terminal_write(store, SQL_TERMINAL_ADD, r);
}

static enum store_status terminal_update(struct store *store, const struct terminal_record *r)
{
    return terminal_write(store, SQL_TERMINAL_UPDATE, r);
}

static bool terminal_read(struct db *db, enum bank_statement s, struct terminal_record *r)
{
    *r = (struct terminal_record){
        .role = (enum terminal_role)db_column_int(db, s, 2),
        .classes = (uint16_t)db_column_int(db, s, 3),
        .merchant = (uint32_t)db_column_int(db, s, 4),
        .limit = (uint32_t)db_column_int(db, s, 5),
        .credit = (uint32_t)db_column_int(db, s, 6),
        .counter = (uint32_t)db_column_int(db, s, 7),
        .listed = (uint32_t)db_column_int(db, s, 8),
    };
    return db_column_fixed(db, s, 0, r->terminal, sizeof r->terminal) &&
           db_column_fixed(db, s, 1, r->key, sizeof r->key);
}

static enum store_status terminal_find(struct store *store,
                                       const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                       struct terminal_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_TERMINAL_FIND, 1, terminal, TERMINAL_NUMBER_BYTES);
    enum store_status status = store_first(store, SQL_TERMINAL_FIND);
    if (status != STORE_OK)
        return status;
    return store_done(store, SQL_TERMINAL_FIND, terminal_read(db, SQL_TERMINAL_FIND, r));
}

static enum store_status terminals(struct store *store, terminal_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum store_status status;
    while ((status = store_first(store, SQL_TERMINALS)) == STORE_OK) {
        struct terminal_record r;
        status = terminal_read(db, SQL_TERMINALS, &r) ? visit(context, &r) : STORE_DAMAGED;
        if (status != STORE_OK)
            break;
    }
    db_reset(db, SQL_TERMINALS);
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status terminal_certificate_add(struct store *store,
                                                  const struct terminal_certificate_record *r)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_TERMINAL_CERTIFICATE_ADD;
    db_bind_blob(db, s, 1, r->fingerprint, sizeof r->fingerprint);
    db_bind_blob(db, s, 2, r->terminal, sizeof r->terminal);
    db_bind_int(db, s, 3, r->start);
    db_bind_int(db, s, 4, r->end);
    db_bind_int(db, s, 5, r->merchant);
    db_bind_int(db, s, 6, r->limit);
    db_bind_blob(db, s, 7, r->certificate, r->certificate_bytes);
    return store_run(store, s);
}

static enum store_status certificate_by(struct store *store, enum bank_statement s,
                                        const uint8_t *key, size_t bytes,
                                        struct terminal_certificate_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, s, 1, key, bytes);
    enum store_status status = store_first(store, s);
    if (status != STORE_OK)
        return status;
    *r = (struct terminal_certificate_record){
        .start = (uint32_t)db_column_int(db, s, 2),
        .end = (uint32_t)db_column_int(db, s, 3),
        .merchant = (uint32_t)db_column_int(db, s, 4),
        .limit = (uint32_t)db_column_int(db, s, 5),
    };
    bool whole =
        db_column_fixed(db, s, 0, r->fingerprint, sizeof r->fingerprint) &&
        db_column_fixed(db, s, 1, r->terminal, sizeof r->terminal) &&
        store_column(db, s, 6, r->certificate, sizeof r->certificate, &r->certificate_bytes);
    return store_done(store, s, whole);
}

static enum store_status terminal_certificate_find(struct store *store,
                                                   const uint8_t fingerprint[HOST_ID_BYTES],
                                                   struct terminal_certificate_record *r)
{
    return certificate_by(store, SQL_TERMINAL_CERTIFICATE_FIND, fingerprint, HOST_ID_BYTES, r);
}

static enum store_status terminal_certificate_newest(struct store *store,
                                                     const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                                     struct terminal_certificate_record *r)
{
    return certificate_by(store, SQL_TERMINAL_CERTIFICATE_NEWEST, terminal, TERMINAL_NUMBER_BYTES,
                          r);
}

static enum store_status answer_add(struct store *store, const struct answer_record *r,
                                    const uint8_t *answer, size_t bytes)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_ANSWER_ADD, 1, r->terminal, sizeof r->terminal);
    db_bind_blob(db, SQL_ANSWER_ADD, 2, r->id, sizeof r->id);
    db_bind_blob(db, SQL_ANSWER_ADD, 3, r->request_hash, sizeof r->request_hash);
    db_bind_int(db, SQL_ANSWER_ADD, 4, r->time);
    db_bind_blob(db, SQL_ANSWER_ADD, 5, answer, bytes);
    return store_run(store, SQL_ANSWER_ADD);
}

static enum store_status answer_find(struct store *store,
                                     const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                     const uint8_t id[LINK_ID_BYTES], struct answer_record *r,
                                     struct store_blob *answer)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_ANSWER_FIND, 1, terminal, TERMINAL_NUMBER_BYTES);
    db_bind_blob(db, SQL_ANSWER_FIND, 2, id, LINK_ID_BYTES);
    enum store_status status = store_first(store, SQL_ANSWER_FIND);
    if (status != STORE_OK)
        return status;
    bool whole = db_column_fixed(db, SQL_ANSWER_FIND, 0, r->request_hash, sizeof r->request_hash);
    r->time = (uint32_t)db_column_int(db, SQL_ANSWER_FIND, 1);
    status = whole ? store_column_blob(db, SQL_ANSWER_FIND, 2, answer) : STORE_DAMAGED;
    db_reset(db, SQL_ANSWER_FIND);
    return status;
}

void verbs_of_terminals(struct store_verbs *verbs)
{
    verbs->terminal_add = terminal_add;
    verbs->terminal_update = terminal_update;
    verbs->terminal_find = terminal_find;
    verbs->terminals = terminals;
    verbs->terminal_certificate_add = terminal_certificate_add;
    verbs->terminal_certificate_find = terminal_certificate_find;
    verbs->terminal_certificate_newest = terminal_certificate_newest;
    verbs->answer_add = answer_add;
    verbs->answer_find = answer_find;
}
