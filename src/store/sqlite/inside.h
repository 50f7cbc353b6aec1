/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this engine share: the handle, the statements' names, errors, the verbs. */
#ifndef STORE_SQLITE_INSIDE_H
#define STORE_SQLITE_INSIDE_H

#include "bank/campus_store.h"
#include "sqlite/db.h"

enum bank_statement {
#define X(name, sql) SQL_##name,
#include "store/sqlite/statements.def"
#undef X
    SQL_COUNT
};

extern const struct db_schema bank_schema;

struct sqlite_store {
    struct store store; /* first: a struct store * of this engine points here */
    struct db *db;
};

struct db *db_of(struct store *store);
enum store_status store_status_of(enum db_status status);

/* Runs a statement that changes something. */
enum store_status store_run(struct store *store, enum bank_statement statement);
/* Steps to the first row: STORE_OK (the caller reads and resets), STORE_NONE, or an error. */
enum store_status store_first(struct store *store, enum bank_statement statement);
/* Answers STORE_OK, or STORE_DAMAGED if a row did not hold what it must; resets. */
enum store_status store_done(struct store *store, enum bank_statement statement, bool is_whole);
/* Copies a blob column of up to capacity bytes; false if it is longer. */
bool store_column(struct db *db, enum bank_statement statement, int column, uint8_t *out,
                  size_t capacity, size_t *bytes);
/* Hands a blob column over. */
enum store_status store_column_blob(struct db *db, enum bank_statement statement, int column,
                                    struct store_blob *blob);

/* The verbs, by the file that holds them. */
void verbs_of_register(struct store_verbs *verbs);
void verbs_of_terminals(struct store_verbs *verbs);
void verbs_of_papers(struct store_verbs *verbs);
void verbs_of_books(struct store_verbs *verbs);
void verbs_of_campus(struct campus_verbs *verbs);

#endif
