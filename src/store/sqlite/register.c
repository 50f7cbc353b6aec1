/* SPDX-License-Identifier: Apache-2.0 */
/* Settings, sequences, keys, stock and cards. */
#include "store/sqlite/inside.h"

#include <stdio.h>

static enum store_status settings_put(struct store *store, const struct settings_record *r)
{
    struct db *db = db_of(store);
    uint8_t policy[POLICY_BYTES];
    struct writer w = writer_of(policy, sizeof policy);
    policy_encode(&r->policy, &w);
    db_bind_text(db, SQL_SETTINGS_PUT, 1, r->name);
    db_bind_int(db, SQL_SETTINGS_PUT, 2, r->scheme);
    db_bind_int(db, SQL_SETTINGS_PUT, 3, r->currency);
    db_bind_int(db, SQL_SETTINGS_PUT, 4, r->is_test);
    db_bind_int(db, SQL_SETTINGS_PUT, 5, r->largest);
    db_bind_blob(db, SQL_SETTINGS_PUT, 6, r->root_key, sizeof r->root_key);
    db_bind_blob(db, SQL_SETTINGS_PUT, 7, r->link_key, sizeof r->link_key);
    db_bind_blob(db, SQL_SETTINGS_PUT, 8, policy, w.used);
    db_bind_int(db, SQL_SETTINGS_PUT, 9, r->policy_number);
    return store_run(store, SQL_SETTINGS_PUT);
}

static enum store_status settings_get(struct store *store, struct settings_record *r)
{
    struct db *db = db_of(store);
    enum store_status status = store_first(store, SQL_SETTINGS_GET);
    if (status != STORE_OK)
        return status;
    *r = (struct settings_record){0};
    const char *name = db_column_text(db, SQL_SETTINGS_GET, 0);
    snprintf(r->name, sizeof r->name, "%s", name ? name : "");
    r->scheme = (uint32_t)db_column_int(db, SQL_SETTINGS_GET, 1);
    r->currency = (uint16_t)db_column_int(db, SQL_SETTINGS_GET, 2);
    r->is_test = db_column_int(db, SQL_SETTINGS_GET, 3) != 0;
    r->largest = (uint32_t)db_column_int(db, SQL_SETTINGS_GET, 4);
    bool whole = db_column_fixed(db, SQL_SETTINGS_GET, 5, r->root_key, sizeof r->root_key) &&
                 db_column_fixed(db, SQL_SETTINGS_GET, 6, r->link_key, sizeof r->link_key);
    uint8_t policy[POLICY_BYTES];
    whole = db_column_fixed(db, SQL_SETTINGS_GET, 7, policy, sizeof policy) && whole;
    struct reader reader = reader_of(policy, sizeof policy);
    policy_decode(&reader, &r->policy);
    r->policy_number = (uint32_t)db_column_int(db, SQL_SETTINGS_GET, 8);
    return store_done(store, SQL_SETTINGS_GET, whole && reader_done(&reader));
}

static enum store_status sequence_next(struct store *store, enum sequence sequence, uint32_t *value)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_SEQUENCE_NEXT, 1, sequence);
    enum store_status status = store_first(store, SQL_SEQUENCE_NEXT);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_DAMAGED : status;
    int64_t next = db_column_int(db, SQL_SEQUENCE_NEXT, 0);
    *value = (uint32_t)next;
    return store_done(store, SQL_SEQUENCE_NEXT, next > 0 && next < UINT32_MAX);
}

static enum store_status key_add(struct store *store, const struct key_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_KEY_ADD, 1, r->key);
    db_bind_int(db, SQL_KEY_ADD, 2, r->generation);
    db_bind_int(db, SQL_KEY_ADD, 3, r->id);
    db_bind_int(db, SQL_KEY_ADD, 4, r->start);
    db_bind_int(db, SQL_KEY_ADD, 5, r->end);
    db_bind_blob(db, SQL_KEY_ADD, 6, r->public_key, sizeof r->public_key);
    db_bind_blob(db, SQL_KEY_ADD, 7, r->certificate, r->certificate_bytes);
    return store_run(store, SQL_KEY_ADD);
}

static enum store_status keys(struct store *store, key_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum store_status status;
    while ((status = store_first(store, SQL_KEYS)) == STORE_OK) {
        struct key_record r = {
            .key = (enum stiver_bank_key)db_column_int(db, SQL_KEYS, 0),
            .generation = (uint32_t)db_column_int(db, SQL_KEYS, 1),
            .id = (uint32_t)db_column_int(db, SQL_KEYS, 2),
            .start = (uint32_t)db_column_int(db, SQL_KEYS, 3),
            .end = (uint32_t)db_column_int(db, SQL_KEYS, 4),
        };
        bool whole = db_column_fixed(db, SQL_KEYS, 5, r.public_key, sizeof r.public_key) &&
                     store_column(db, SQL_KEYS, 6, r.certificate, sizeof r.certificate,
                                  &r.certificate_bytes);
        status = whole ? visit(context, &r) : STORE_DAMAGED;
        if (status != STORE_OK)
            break;
    }
    db_reset(db, SQL_KEYS);
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status stock_write(struct store *store, enum bank_statement statement,
                                     const struct stock_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, statement, 1, r->serial, sizeof r->serial);
    db_bind_int(db, statement, 2, r->card_class);
    db_bind_blob(db, statement, 3, r->sealed_key, sizeof r->sealed_key);
    if (r->is_pending) {
        db_bind_blob(db, statement, 4, r->nonce, sizeof r->nonce);
        db_bind_blob(db, statement, 5, r->ephemeral_key, sizeof r->ephemeral_key);
        db_bind_blob(db, statement, 6, r->sealed_ephemeral, sizeof r->sealed_ephemeral);
        db_bind_blob(db, statement, 7, r->anchors_hash, sizeof r->anchors_hash);
    }
    return store_run(store, statement);
}

static enum store_status stock_add(struct store *store, const struct stock_record *r)
{
    return stock_write(store, SQL_STOCK_ADD, r);
}

static enum store_status stock_update(struct store *store, const struct stock_record *r)
{
    return stock_write(store, SQL_STOCK_UPDATE, r);
}

static enum store_status stock_find(struct store *store, const uint8_t serial[SERIAL_BYTES],
                                    struct stock_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_STOCK_FIND, 1, serial, SERIAL_BYTES);
    enum store_status status = store_first(store, SQL_STOCK_FIND);
    if (status != STORE_OK)
        return status;
    *r = (struct stock_record){0};
    bool whole = db_column_fixed(db, SQL_STOCK_FIND, 0, r->serial, sizeof r->serial) &&
                 db_column_fixed(db, SQL_STOCK_FIND, 2, r->sealed_key, sizeof r->sealed_key);
    r->card_class = (enum card_class)db_column_int(db, SQL_STOCK_FIND, 1);
    r->is_pending = !db_column_is_null(db, SQL_STOCK_FIND, 3);
    if (r->is_pending)
        whole = db_column_fixed(db, SQL_STOCK_FIND, 3, r->nonce, sizeof r->nonce) &&
                db_column_fixed(db, SQL_STOCK_FIND, 4, r->ephemeral_key, sizeof r->ephemeral_key) &&
                db_column_fixed(db, SQL_STOCK_FIND, 5, r->sealed_ephemeral,
                                sizeof r->sealed_ephemeral) &&
                db_column_fixed(db, SQL_STOCK_FIND, 6, r->anchors_hash, sizeof r->anchors_hash) &&
                whole;
    return store_done(store, SQL_STOCK_FIND, whole);
}

static enum store_status card_add(struct store *store, const struct card_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_CARD_ADD, 1, r->card, sizeof r->card);
    db_bind_blob(db, SQL_CARD_ADD, 2, r->serial, sizeof r->serial);
    db_bind_int(db, SQL_CARD_ADD, 3, r->card_class);
    db_bind_blob(db, SQL_CARD_ADD, 4, r->channel_key, sizeof r->channel_key);
    db_bind_blob(db, SQL_CARD_ADD, 5, r->receipt_key, sizeof r->receipt_key);
    db_bind_blob(db, SQL_CARD_ADD, 6, r->certificate, r->certificate_bytes);
    db_bind_int(db, SQL_CARD_ADD, 7, r->certified);
    db_bind_int(db, SQL_CARD_ADD, 8, r->end);
    db_bind_int(db, SQL_CARD_ADD, 9, r->counter);
    db_bind_int(db, SQL_CARD_ADD, 10, r->received);
    db_bind_int(db, SQL_CARD_ADD, 11, r->balance);
    db_bind_int(db, SQL_CARD_ADD, 12, r->reason);
    db_bind_int(db, SQL_CARD_ADD, 13, r->listed);
    db_bind_int(db, SQL_CARD_ADD, 14, r->block_counter);
    db_bind_int(db, SQL_CARD_ADD, 15, r->loads_stopped);
    db_bind_int(db, SQL_CARD_ADD, 16, r->order_number);
    db_bind_int(db, SQL_CARD_ADD, 17, r->up_to);
    return store_run(store, SQL_CARD_ADD);
}

static enum store_status card_update(struct store *store, const struct card_record *r)
{
    struct db *db = db_of(store);
    db_bind_blob(db, SQL_CARD_UPDATE, 1, r->card, sizeof r->card);
    db_bind_int(db, SQL_CARD_UPDATE, 2, r->counter);
    db_bind_int(db, SQL_CARD_UPDATE, 3, r->received);
    db_bind_int(db, SQL_CARD_UPDATE, 4, r->balance);
    db_bind_int(db, SQL_CARD_UPDATE, 5, r->reason);
    db_bind_int(db, SQL_CARD_UPDATE, 6, r->listed);
    db_bind_int(db, SQL_CARD_UPDATE, 7, r->block_counter);
    db_bind_int(db, SQL_CARD_UPDATE, 8, r->loads_stopped);
    db_bind_int(db, SQL_CARD_UPDATE, 9, r->order_number);
    db_bind_int(db, SQL_CARD_UPDATE, 10, r->up_to);
    return store_run(store, SQL_CARD_UPDATE);
}

static bool card_read(struct db *db, enum bank_statement s, struct card_record *r)
{
    *r = (struct card_record){
        .card_class = (enum card_class)db_column_int(db, s, 2),
        .certified = (uint32_t)db_column_int(db, s, 6),
        .end = (uint32_t)db_column_int(db, s, 7),
        .counter = (uint32_t)db_column_int(db, s, 8),
        .received = (uint32_t)db_column_int(db, s, 9),
        .balance = db_column_int(db, s, 10),
        .reason = (uint32_t)db_column_int(db, s, 11),
        .listed = (uint32_t)db_column_int(db, s, 12),
        .block_counter = (uint32_t)db_column_int(db, s, 13),
        .loads_stopped = db_column_int(db, s, 14) != 0,
        .order_number = (uint32_t)db_column_int(db, s, 15),
        .up_to = (uint32_t)db_column_int(db, s, 16),
    };
    return db_column_fixed(db, s, 0, r->card, sizeof r->card) &&
           db_column_fixed(db, s, 1, r->serial, sizeof r->serial) &&
           db_column_fixed(db, s, 3, r->channel_key, sizeof r->channel_key) &&
           db_column_fixed(db, s, 4, r->receipt_key, sizeof r->receipt_key) &&
           store_column(db, s, 5, r->certificate, sizeof r->certificate, &r->certificate_bytes);
}

static enum store_status card_by(struct store *store, enum bank_statement statement,
                                 const uint8_t *key, size_t bytes, struct card_record *r)
{
    db_bind_blob(db_of(store), statement, 1, key, bytes);
    enum store_status status = store_first(store, statement);
    if (status != STORE_OK)
        return status;
    return store_done(store, statement, card_read(db_of(store), statement, r));
}

static enum store_status card_find(struct store *store, const uint8_t card[CARD_NUMBER_BYTES],
                                   struct card_record *r)
{
    return card_by(store, SQL_CARD_FIND, card, CARD_NUMBER_BYTES, r);
}

static enum store_status card_of_serial(struct store *store, const uint8_t serial[SERIAL_BYTES],
                                        struct card_record *r)
{
    return card_by(store, SQL_CARD_OF_SERIAL, serial, SERIAL_BYTES, r);
}

static enum store_status cards(struct store *store, card_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum store_status status;
    while ((status = store_first(store, SQL_CARDS)) == STORE_OK) {
        struct card_record r;
        status = card_read(db, SQL_CARDS, &r) ? visit(context, &r) : STORE_DAMAGED;
        if (status != STORE_OK)
            break;
    }
    db_reset(db, SQL_CARDS);
    return status == STORE_NONE ? STORE_OK : status;
}

void verbs_of_register(struct store_verbs *verbs)
{
    verbs->settings_put = settings_put;
    verbs->settings_get = settings_get;
    verbs->sequence_next = sequence_next;
    verbs->key_add = key_add;
    verbs->keys = keys;
    verbs->stock_add = stock_add;
    verbs->stock_update = stock_update;
    verbs->stock_find = stock_find;
    verbs->card_add = card_add;
    verbs->card_update = card_update;
    verbs->card_find = card_find;
    verbs->card_of_serial = card_of_serial;
    verbs->cards = cards;
}
