/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_MS 5000u
#define TRIES 5

struct db *db_of(struct store *store)
{
    return ((struct sqlite_store *)store)->db;
}

enum store_status store_status_of(enum db_status status)
{
    switch (status) {
    case DB_OK:
    case DB_ROW:
        return STORE_OK;
    case DB_BUSY:
        return STORE_RETRY;
    case DB_FULL:
        return STORE_FULL;
    case DB_CORRUPT:
        return STORE_DAMAGED;
    case DB_NOT_A_DATABASE:
    case DB_FOREIGN:
        return STORE_DAMAGED;
    case DB_MISSING:
        return STORE_NOT_A_STORE;
    case DB_NEWER:
        return STORE_NEWER;
    case DB_IO:
        return STORE_IO;
    case DB_PERMISSION:
        return STORE_PERMISSION;
    case DB_CONSTRAINT:
        return STORE_DUPLICATE;
    case DB_MEMORY:
        return STORE_MEMORY;
    case DB_INTERNAL:
    case DB_STATUS_COUNT:
        break;
    }
    return STORE_INTERNAL;
}

enum store_status store_run(struct store *store, enum bank_statement statement)
{
    return store_status_of(db_run(db_of(store), statement));
}

enum store_status store_first(struct store *store, enum bank_statement statement)
{
    enum db_status status = db_step(db_of(store), statement);
    return status == DB_OK ? STORE_NONE : store_status_of(status);
}

enum store_status store_done(struct store *store, enum bank_statement statement, bool is_whole)
{
    db_reset(db_of(store), statement);
    return is_whole ? STORE_OK : STORE_DAMAGED;
}

bool store_column(struct db *db, enum bank_statement statement, int column, uint8_t *out,
                  size_t capacity, size_t *bytes)
{
    const uint8_t *data;
    if (!db_column_blob(db, statement, column, &data, bytes) || *bytes > capacity) {
        *bytes = 0;
        return false;
    }
    if (*bytes)
        memcpy(out, data, *bytes);
    return true;
}

enum store_status store_column_blob(struct db *db, enum bank_statement statement, int column,
                                    struct store_blob *blob)
{
    const uint8_t *data;
    bool is_given = db_column_blob(db, statement, column, &data, &blob->bytes);
    blob->data = is_given ? malloc(blob->bytes + 1) : NULL;
    if (!blob->data) {
        blob->bytes = 0;
        return STORE_MEMORY;
    }
    if (blob->bytes)
        memcpy(blob->data, data, blob->bytes);
    return STORE_OK;
}

static void store_close(struct store *store)
{
    db_close(db_of(store));
    free(store);
}

static enum store_status transact_once(struct db *db, store_work *work, void *context)
{
    enum store_status status = store_status_of(db_begin(db));
    if (status != STORE_OK)
        return status;
    status = work(context);
    if (status == STORE_OK)
        return store_status_of(db_commit(db));
    db_rollback(db);
    return status;
}

static enum store_status store_transact(struct store *store, store_work *work, void *context)
{
    enum store_status status = STORE_RETRY;
    for (int i = 0; i < TRIES && status == STORE_RETRY; i++)
        status = transact_once(db_of(store), work, context);
    return status;
}

static enum store_status store_check(struct store *store)
{
    return store_status_of(db_check(db_of(store)));
}

/* The table is filled once a handle, so that nothing mutable is shared. */
struct handle {
    struct sqlite_store inner; /* first */
    struct store_verbs verbs;
    struct campus_verbs campus;
};

static enum store_status sqlite_open(const char *directory, bool is_new, struct store **store)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/bank.db", directory);
    if (length < 0 || (size_t)length >= sizeof path)
        return STORE_NOT_A_STORE;
    struct handle *handle = calloc(1, sizeof *handle);
    if (!handle)
        return STORE_MEMORY;
    enum db_status status =
        db_open(path, is_new ? DB_CREATE : DB_EXISTING, BUSY_MS, &bank_schema, &handle->inner.db);
    if (status != DB_OK) {
        free(handle);
        return store_status_of(status);
    }
    handle->verbs = (struct store_verbs){
        .close = store_close, .transact = store_transact, .check = store_check};
    verbs_of_register(&handle->verbs);
    verbs_of_terminals(&handle->verbs);
    verbs_of_papers(&handle->verbs);
    verbs_of_books(&handle->verbs);
    verbs_of_campus(&handle->campus);
    handle->inner.store.verbs = &handle->verbs;
    handle->inner.store.campus = &handle->campus;
    *store = &handle->inner.store;
    return STORE_OK;
}

const struct stiver_store_engine stiver_store_sqlite = {.open = sqlite_open};
