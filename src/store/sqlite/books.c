/* SPDX-License-Identifier: Apache-2.0 */
/* Postings, accounts, alarms and lists. */
#include "store/sqlite/inside.h"

#include <stdio.h>
#include <string.h>

static enum store_status posting_add(struct store *store, const struct posting_record *r)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_POSTING_ADD;
    db_bind_int(db, s, 1, r->document);
    db_bind_int(db, s, 2, r->from.kind);
    db_bind_int(db, s, 3, (int64_t)r->from.owner);
    db_bind_int(db, s, 4, r->to.kind);
    db_bind_int(db, s, 5, (int64_t)r->to.owner);
    db_bind_blob(db, s, 6, r->card, sizeof r->card);
    db_bind_int(db, s, 7, r->amount);
    db_bind_int(db, s, 8, r->time);
    return store_run(store, s);
}

static enum store_status postings(struct store *store, posting_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum bank_statement s = SQL_POSTINGS;
    enum store_status status;
    while ((status = store_first(store, s)) == STORE_OK) {
        struct posting_record r = {
            .id = db_column_int(db, s, 0),
            .document = db_column_int(db, s, 1),
            .from = {(enum account_kind)db_column_int(db, s, 2), (uint64_t)db_column_int(db, s, 3)},
            .to = {(enum account_kind)db_column_int(db, s, 4), (uint64_t)db_column_int(db, s, 5)},
            .amount = db_column_int(db, s, 7),
            .time = (uint32_t)db_column_int(db, s, 8),
        };
        bool whole = db_column_fixed(db, s, 6, r.card, sizeof r.card);
        status = whole ? visit(context, &r) : STORE_DAMAGED;
        if (status != STORE_OK)
            break;
    }
    db_reset(db, s);
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status balance(struct store *store, const struct account *account, int64_t *sum)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_BALANCE, 1, account->kind);
    db_bind_int(db, SQL_BALANCE, 2, (int64_t)account->owner);
    enum store_status status = store_first(store, SQL_BALANCE);
    if (status != STORE_OK)
        return status;
    *sum = db_column_int(db, SQL_BALANCE, 0);
    return store_done(store, SQL_BALANCE, true);
}

static enum store_status accounts(struct store *store, account_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum store_status status;
    while ((status = store_first(store, SQL_ACCOUNTS)) == STORE_OK) {
        struct account account = {(enum account_kind)db_column_int(db, SQL_ACCOUNTS, 0),
                                  (uint64_t)db_column_int(db, SQL_ACCOUNTS, 1)};
        status = visit(context, &account, db_column_int(db, SQL_ACCOUNTS, 2));
        if (status != STORE_OK)
            break;
    }
    db_reset(db, SQL_ACCOUNTS);
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status fund_add(struct store *store, const char *reference,
                                  const uint8_t terminal[TERMINAL_NUMBER_BYTES], uint32_t amount)
{
    struct db *db = db_of(store);
    db_bind_text(db, SQL_FUND_ADD, 1, reference);
    db_bind_blob(db, SQL_FUND_ADD, 2, terminal, TERMINAL_NUMBER_BYTES);
    db_bind_int(db, SQL_FUND_ADD, 3, amount);
    return store_run(store, SQL_FUND_ADD);
}

static enum store_status fund_find(struct store *store, const char *reference,
                                   uint8_t terminal[TERMINAL_NUMBER_BYTES], uint32_t *amount)
{
    struct db *db = db_of(store);
    db_bind_text(db, SQL_FUND_FIND, 1, reference);
    enum store_status status = store_first(store, SQL_FUND_FIND);
    if (status != STORE_OK)
        return status;
    bool whole = db_column_fixed(db, SQL_FUND_FIND, 0, terminal, TERMINAL_NUMBER_BYTES);
    *amount = (uint32_t)db_column_int(db, SQL_FUND_FIND, 1);
    return store_done(store, SQL_FUND_FIND, whole);
}

static enum store_status alarm_add(struct store *store, const struct alarm_record *r)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_ALARM_ADD, 1, r->time);
    db_bind_blob(db, SQL_ALARM_ADD, 2, r->card, sizeof r->card);
    db_bind_blob(db, SQL_ALARM_ADD, 3, r->terminal, sizeof r->terminal);
    db_bind_text(db, SQL_ALARM_ADD, 4, r->text);
    return store_run(store, SQL_ALARM_ADD);
}

static enum store_status alarms(struct store *store, alarm_visit *visit, void *context)
{
    struct db *db = db_of(store);
    enum store_status status;
    while ((status = store_first(store, SQL_ALARMS)) == STORE_OK) {
        struct alarm_record r = {.time = (uint32_t)db_column_int(db, SQL_ALARMS, 0)};
        bool whole = db_column_fixed(db, SQL_ALARMS, 1, r.card, sizeof r.card) &&
                     db_column_fixed(db, SQL_ALARMS, 2, r.terminal, sizeof r.terminal);
        const char *text = db_column_text(db, SQL_ALARMS, 3);
        snprintf(r.text, sizeof r.text, "%s", text ? text : "");
        status = whole ? visit(context, &r) : STORE_DAMAGED;
        if (status != STORE_OK)
            break;
    }
    db_reset(db, SQL_ALARMS);
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status list_add(struct store *store, const struct list_record *r,
                                  const uint8_t *file, size_t bytes)
{
    struct db *db = db_of(store);
    db_bind_int(db, SQL_LIST_ADD, 1, r->sequence);
    db_bind_int(db, SQL_LIST_ADD, 2, r->start);
    db_bind_int(db, SQL_LIST_ADD, 3, r->end);
    db_bind_int(db, SQL_LIST_ADD, 4, r->count);
    db_bind_blob(db, SQL_LIST_ADD, 5, file, bytes);
    return store_run(store, SQL_LIST_ADD);
}

static enum store_status list_newest(struct store *store, struct list_record *r,
                                     struct store_blob *file)
{
    struct db *db = db_of(store);
    enum store_status status = store_first(store, SQL_LIST_NEWEST);
    if (status != STORE_OK)
        return status;
    r->sequence = (uint32_t)db_column_int(db, SQL_LIST_NEWEST, 0);
    r->start = (uint32_t)db_column_int(db, SQL_LIST_NEWEST, 1);
    r->end = (uint32_t)db_column_int(db, SQL_LIST_NEWEST, 2);
    r->count = (uint32_t)db_column_int(db, SQL_LIST_NEWEST, 3);
    status = store_column_blob(db, SQL_LIST_NEWEST, 4, file);
    db_reset(db, SQL_LIST_NEWEST);
    return status;
}

void verbs_of_books(struct store_verbs *verbs)
{
    verbs->posting_add = posting_add;
    verbs->postings = postings;
    verbs->balance = balance;
    verbs->accounts = accounts;
    verbs->fund_add = fund_add;
    verbs->fund_find = fund_find;
    verbs->alarm_add = alarm_add;
    verbs->alarms = alarms;
    verbs->list_add = list_add;
    verbs->list_newest = list_newest;
}
