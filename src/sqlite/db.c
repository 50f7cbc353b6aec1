/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct slot {
    sqlite3_stmt *prepared;
    enum db_status failed; /* the first error since the last reset */
};

struct db {
    sqlite3 *handle;
    const struct db_schema *schema;
    struct slot *slots; /* one a statement */
    sqlite3_stmt *begin, *commit;
};

static const char *const names[] = {
#define X(name, sentence) #name,
#include "sqlite/status.def"
#undef X
};

static const char *const sentences[] = {
#define X(name, sentence) sentence,
#include "sqlite/status.def"
#undef X
};

const char *db_status_name(enum db_status status)
{
    return (unsigned)status < DB_STATUS_COUNT ? names[status] : "UNKNOWN";
}

const char *db_status_sentence(enum db_status status)
{
    return (unsigned)status < DB_STATUS_COUNT ? sentences[status] : "unknown database status";
}

const char *db_detail(const struct db *db)
{
    return sqlite3_errmsg(db->handle);
}

/* A quota and a file size limit are a full disk to whoever writes. */
static enum db_status io_status(sqlite3 *handle)
{
    switch (sqlite3_system_errno(handle)) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return DB_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return DB_PERMISSION;
    default:
        return DB_IO;
    }
}

static const struct {
    int code;
    enum db_status status;
} meanings[] = {
    {SQLITE_OK, DB_OK},           {SQLITE_ROW, DB_ROW},
    {SQLITE_DONE, DB_OK},         {SQLITE_BUSY, DB_BUSY},
    {SQLITE_LOCKED, DB_BUSY},     {SQLITE_FULL, DB_FULL},
    {SQLITE_CORRUPT, DB_CORRUPT}, {SQLITE_NOTADB, DB_NOT_A_DATABASE},
    {SQLITE_PERM, DB_PERMISSION}, {SQLITE_READONLY, DB_PERMISSION},
    {SQLITE_AUTH, DB_PERMISSION}, {SQLITE_CONSTRAINT, DB_CONSTRAINT},
    {SQLITE_NOMEM, DB_MEMORY},
};

static enum db_status status_of(sqlite3 *handle, int code)
{
    int primary = code & 0xFF;
    if (code == SQLITE_IOERR_SHMSIZE) /* the WAL's index could not grow; errno is not kept */
        return DB_FULL;
    if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN)
        return io_status(handle);
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].code == primary)
            return meanings[i].status;
    return DB_INTERNAL;
}

enum db_status db_execute(struct db *db, const char *sql)
{
    return status_of(db->handle, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

static enum db_status pragma_number(struct db *db, const char *sql, int64_t *value)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    enum db_status status = status_of(db->handle, code);
    sqlite3_finalize(statement);
    return status == DB_ROW ? DB_OK : status == DB_OK ? DB_INTERNAL : status;
}

/* Version 0 without a table is a file that was just made; anything else must carry our mark. */
static enum db_status read_version(struct db *db, enum db_mode mode, int64_t *version)
{
    int64_t application = 0, tables = 0;
    enum db_status status = pragma_number(db, "PRAGMA application_id", &application);
    if (status == DB_OK)
        status = pragma_number(db, "PRAGMA user_version", version);
    if (status == DB_OK)
        status = pragma_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (status != DB_OK)
        return status;
    if (application == (int64_t)db->schema->application_id)
        return *version > (int64_t)db->schema->upgrade_count ? DB_NEWER : DB_OK;
    bool is_new = application == 0 && *version == 0 && tables == 0 && mode == DB_CREATE;
    return is_new ? DB_OK : DB_FOREIGN;
}

static enum db_status write_version(struct db *db, int64_t version)
{
    char sql[96];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %ld; PRAGMA user_version = %ld",
             (long)db->schema->application_id, (long)version);
    return db_execute(db, sql);
}

/* All upgrades or none: a power cut leaves the old schema whole. */
static enum db_status upgrade(struct db *db, enum db_mode mode)
{
    int64_t version = 0, wanted = (int64_t)db->schema->upgrade_count;
    enum db_status status = read_version(db, mode, &version);
    if (status != DB_OK || version == wanted)
        return status;
    status = db_begin(db);
    /* Somebody else may have upgraded while we waited for the lock. */
    if (status == DB_OK)
        status = read_version(db, mode, &version);
    for (; status == DB_OK && version < wanted; version++)
        status = db_execute(db, db->schema->upgrades[version]);
    if (status == DB_OK)
        status = write_version(db, wanted);
    if (status == DB_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}

static bool is_in_memory(const char *path)
{
    return strcmp(path, ":memory:") == 0; /* SQLite's name for a database without a file */
}

/* A database in memory keeps a copy of each page that a transaction changes: the smaller the page,
 * the less there is to copy for a row. On a disk pages are the file system's. */
static enum db_status choose_page(struct db *db, const char *path)
{
    return is_in_memory(path) ? db_execute(db, "PRAGMA page_size = 1024") : DB_OK;
}

static enum db_status configure(struct db *db, enum db_mode mode, unsigned busy_ms)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, (int)busy_ms);
    /* Read before the first pragma that writes: a foreign file must stay untouched. */
    int64_t version = 0;
    enum db_status status = read_version(db, mode, &version);
    if (status == DB_OK)
        status = db_execute(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
    if (status == DB_OK)
        status = upgrade(db, mode);
    return status;
}

/* SQLite would make the file under the umask; money's records are their owner's alone. */
static enum db_status prepare_file(const char *path, enum db_mode mode)
{
    if (is_in_memory(path))
        return DB_OK;
    if (mode == DB_CREATE) {
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0)
            return errno == EACCES || errno == EPERM || errno == EROFS ? DB_PERMISSION
                   : errno == ENOSPC || errno == EDQUOT                ? DB_FULL
                   : errno == ENOENT                                   ? DB_MISSING
                                                                       : DB_IO;
        close(file);
        return DB_OK;
    }
    if (access(path, R_OK | W_OK) == 0)
        return DB_OK;
    return errno == ENOENT || errno == ENOTDIR ? DB_MISSING : DB_PERMISSION;
}

enum db_status db_open(const char *path, enum db_mode mode, unsigned busy_ms,
                       const struct db_schema *schema, struct db **db)
{
    enum db_status status = prepare_file(path, mode);
    if (status != DB_OK)
        return status;
    struct db *opened = calloc(1, sizeof *opened);
    struct slot *slots = calloc(schema->statement_count + 1, sizeof *slots);
    if (!opened || !slots) {
        free(opened);
        free(slots);
        return DB_MEMORY;
    }
    opened->schema = schema;
    opened->slots = slots;
    int code =
        sqlite3_open_v2(path, &opened->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    status = opened->handle ? status_of(opened->handle, code) : DB_MEMORY;
    if (status == DB_OK)
        status = choose_page(opened, path);
    if (status == DB_OK)
        status = configure(opened, mode, busy_ms);
    if (status != DB_OK) {
        db_close(opened);
        return status;
    }
    *db = opened;
    return DB_OK;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < db->schema->statement_count; i++)
        sqlite3_finalize(db->slots[i].prepared);
    sqlite3_finalize(db->begin);
    sqlite3_finalize(db->commit);
    sqlite3_close(db->handle);
    free(db->slots);
    free(db);
}

/* Prepared once: parsing it costs more than doing it in memory. */
static enum db_status run_kept(struct db *db, sqlite3_stmt **kept, const char *sql)
{
    int code = SQLITE_OK;
    if (*kept == NULL)
        code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
    if (code != SQLITE_OK)
        return status_of(db->handle, code);
    enum db_status status = status_of(db->handle, sqlite3_step(*kept));
    (void)sqlite3_reset(*kept); /* the error is told already */
    return status;
}

enum db_status db_begin(struct db *db)
{
    return run_kept(db, &db->begin, "BEGIN IMMEDIATE");
}

enum db_status db_commit(struct db *db)
{
    enum db_status status = run_kept(db, &db->commit, "COMMIT");
    if (status != DB_OK)
        db_rollback(db);
    return status;
}

void db_rollback(struct db *db)
{
    for (size_t i = 0; i < db->schema->statement_count; i++)
        db_reset(db, i);
    /* Its own failure changes nothing: what is not committed is gone at the next opening. */
    if (db_in_transaction(db))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool db_in_transaction(const struct db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

/* The statement, prepared; NULL after an error, which the slot remembers. */
static sqlite3_stmt *statement_of(struct db *db, size_t statement)
{
    struct slot *slot = &db->slots[statement];
    if (!slot->prepared && slot->failed == DB_OK) {
        int code = sqlite3_prepare_v3(db->handle, db->schema->statements[statement], -1,
                                      SQLITE_PREPARE_PERSISTENT, &slot->prepared, NULL);
        slot->failed = status_of(db->handle, code);
    }
    return slot->failed == DB_OK ? slot->prepared : NULL;
}

static void remember(struct db *db, size_t statement, int code)
{
    if (code != SQLITE_OK)
        db->slots[statement].failed = status_of(db->handle, code);
}

void db_bind_int(struct db *db, size_t statement, int position, int64_t value)
{
    sqlite3_stmt *s = statement_of(db, statement);
    if (s)
        remember(db, statement, sqlite3_bind_int64(s, position, value));
}

void db_bind_blob(struct db *db, size_t statement, int position, const void *data, size_t bytes)
{
    sqlite3_stmt *s = statement_of(db, statement);
    if (s)
        remember(db, statement, sqlite3_bind_blob64(s, position, data, bytes, SQLITE_TRANSIENT));
}

void db_bind_text(struct db *db, size_t statement, int position, const char *text)
{
    sqlite3_stmt *s = statement_of(db, statement);
    if (s)
        remember(db, statement, sqlite3_bind_text(s, position, text, -1, SQLITE_TRANSIENT));
}

void db_bind_null(struct db *db, size_t statement, int position)
{
    sqlite3_stmt *s = statement_of(db, statement);
    if (s)
        remember(db, statement, sqlite3_bind_null(s, position));
}

enum db_status db_step(struct db *db, size_t statement)
{
    sqlite3_stmt *s = statement_of(db, statement);
    enum db_status status =
        s ? status_of(db->handle, sqlite3_step(s)) : db->slots[statement].failed;
    if (status != DB_ROW)
        db_reset(db, statement);
    return status;
}

void db_reset(struct db *db, size_t statement)
{
    struct slot *slot = &db->slots[statement];
    slot->failed = DB_OK;
    if (!slot->prepared)
        return;
    sqlite3_reset(slot->prepared);
    sqlite3_clear_bindings(slot->prepared);
}

enum db_status db_run(struct db *db, size_t statement)
{
    enum db_status status;
    do
        status = db_step(db, statement);
    while (status == DB_ROW);
    return status;
}

int64_t db_column_int(struct db *db, size_t statement, int column)
{
    return sqlite3_column_int64(db->slots[statement].prepared, column);
}

bool db_column_blob(struct db *db, size_t statement, int column, const uint8_t **data,
                    size_t *bytes)
{
    sqlite3_stmt *s = db->slots[statement].prepared;
    *data = sqlite3_column_blob(s, column);
    *bytes = (size_t)sqlite3_column_bytes(s, column);
    return *data != NULL || *bytes == 0;
}

bool db_column_fixed(struct db *db, size_t statement, int column, void *out, size_t bytes)
{
    size_t held;
    const uint8_t *data;
    bool fits = db_column_blob(db, statement, column, &data, &held) && data && held == bytes;
    if (fits)
        memcpy(out, data, bytes);
    else
        memset(out, 0, bytes);
    return fits;
}

const char *db_column_text(struct db *db, size_t statement, int column)
{
    return (const char *)sqlite3_column_text(db->slots[statement].prepared, column);
}

bool db_column_is_null(struct db *db, size_t statement, int column)
{
    return sqlite3_column_type(db->slots[statement].prepared, column) == SQLITE_NULL;
}

int64_t db_last_row(const struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(const struct db *db)
{
    return sqlite3_changes64(db->handle);
}

enum db_status db_check(struct db *db)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    enum db_status status = status_of(db->handle, code);
    if (status == DB_ROW) {
        const char *verdict = (const char *)sqlite3_column_text(statement, 0);
        status = verdict && strcmp(verdict, "ok") == 0 ? DB_OK : DB_CORRUPT;
    }
    sqlite3_finalize(statement);
    return status;
}
