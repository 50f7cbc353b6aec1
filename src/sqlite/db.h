/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite in one thin room: opening with the pragmas that make a commit durable, a table of
 * statements that are prepared when first used, transactions, ordered upgrades of the schema, and
 * every error as one enum with a sentence.
 *
 * A statement is named by its place in the schema's table. Its use is always
 *
 *     db_bind_int(db, FIND_CARD, 1, number);
 *     enum db_status status = db_step(db, FIND_CARD);      // DB_ROW, DB_OK (no more), or an error
 *     if (status == DB_ROW) value = db_column_int(db, FIND_CARD, 0);
 *     db_reset(db, FIND_CARD);
 *
 * or db_run() where no row is expected. A failed preparation or binding is remembered and returned
 * by the next db_step of that statement. One handle serves one thread.
 */
#ifndef SQLITE_DB_H
#define SQLITE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum db_status {
#define X(name, sentence) DB_##name,
#include "sqlite/status.def"
#undef X
    DB_STATUS_COUNT
};

#define DB_CHECKED __attribute__((warn_unused_result))

struct db;

/* What a program's database is. All of it is borrowed and must outlive the handle. */
struct db_schema {
    uint32_t application_id;     /* tells this program's files from others'; not 0 */
    const char *const *upgrades; /* upgrades[i] is SQL that leads from version i to i + 1 */
    size_t upgrade_count;        /* the version that this program writes */
    const char *const *statements;
    size_t statement_count;
};

enum db_mode {
    DB_EXISTING, /* a missing file is DB_MISSING, and no file is made */
    DB_CREATE,   /* makes the file (mode 0600) if it is not there */
};

/* path ":memory:" is a database without a file, empty at first: use DB_CREATE. Opens with WAL,
 * synchronous FULL, foreign keys on and a wait of busy_ms before DB_BUSY; upgrades an older schema
 * in one transaction. *db is set only on DB_OK and owned by the caller. */
enum db_status db_open(const char *path, enum db_mode mode, unsigned busy_ms,
                       const struct db_schema *schema, struct db **db) DB_CHECKED;
/* NULL is allowed. An open transaction is rolled back. */
void db_close(struct db *db);

/* Takes the write lock at once, so that a transaction meets DB_BUSY here and not half way. */
enum db_status db_begin(struct db *db) DB_CHECKED;
/* DB_OK is said only after the data are on the disk. On an error the transaction is rolled back. */
enum db_status db_commit(struct db *db) DB_CHECKED;
/* Harmless without a transaction. */
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db) DB_CHECKED;

/* position starts at 1, as in SQL. Blobs and texts are copied. NULL data binds NULL. */
void db_bind_int(struct db *db, size_t statement, int position, int64_t value);
void db_bind_blob(struct db *db, size_t statement, int position, const void *data, size_t bytes);
void db_bind_text(struct db *db, size_t statement, int position, const char *text);
void db_bind_null(struct db *db, size_t statement, int position);

/* DB_ROW: columns can be read until the next step or reset. DB_OK: there is no (further) row, and
 * the statement is reset already. On an error it is reset too. */
enum db_status db_step(struct db *db, size_t statement) DB_CHECKED;
/* Ends a statement early and forgets its bindings. */
void db_reset(struct db *db, size_t statement);
/* Steps to the end, whatever rows there are. */
enum db_status db_run(struct db *db, size_t statement) DB_CHECKED;

/* column starts at 0. Pointers are borrowed until the next step or reset of the statement. */
int64_t db_column_int(struct db *db, size_t statement, int column);
/* False if SQLite has a blob there and no memory to show it: that is not an empty one. */
bool db_column_blob(struct db *db, size_t statement, int column, const uint8_t **data,
                    size_t *bytes) DB_CHECKED;
/* Copies a blob of exactly this size; false (and zeros) if the column holds anything else. */
bool db_column_fixed(struct db *db, size_t statement, int column, void *out,
                     size_t bytes) DB_CHECKED;
const char *db_column_text(struct db *db, size_t statement, int column);
bool db_column_is_null(struct db *db, size_t statement, int column);

int64_t db_last_row(const struct db *db); /* rowid of the last INSERT */
int64_t db_changes(const struct db *db);  /* rows of the last INSERT, UPDATE or DELETE */

/* Runs SQL text that returns nothing of interest: for upgrades and maintenance. */
enum db_status db_execute(struct db *db, const char *sql) DB_CHECKED;
/* SQLite's own check of the file's structure; DB_CORRUPT if it finds anything. */
enum db_status db_check(struct db *db) DB_CHECKED;

/* SQLite's words for the last error, for logs; borrowed until the next call. */
const char *db_detail(const struct db *db);
const char *db_status_name(enum db_status status);
const char *db_status_sentence(enum db_status status);

#endif
