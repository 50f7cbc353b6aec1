/* SPDX-License-Identifier: Apache-2.0 */
/* The file campus.db, and what the terminal knows of itself. */
#include "terminal/campus/journal.h"

#include <string.h>

#define APPLICATION_ID 0x53544331u /* "STC1" */
#define BUSY_MS 2000u

static const char *const upgrades[] = {
    "CREATE TABLE terminal (only INTEGER PRIMARY KEY CHECK (only = 1), role INTEGER NOT NULL,"
    "  modulus BLOB NOT NULL, counter INTEGER NOT NULL, back_end BLOB, id INTEGER, end INTEGER,"
    "  certificate BLOB, list_end INTEGER NOT NULL,"
    "  CHECK ((back_end IS NULL) = (certificate IS NULL))) STRICT;"
    "CREATE TABLE card (held INTEGER PRIMARY KEY, id INTEGER NOT NULL, end INTEGER NOT NULL,"
    "  modulus BLOB NOT NULL, signature BLOB NOT NULL, UNIQUE (id, end, modulus)) STRICT;"
    /* receipt: S4, or the proof of a block. settled: the card need not be asked again. lost: the
     * card took the money, and its signature is gone. */
    "CREATE TABLE entry (number INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),"
    "  held INTEGER NOT NULL REFERENCES card, counter INTEGER NOT NULL, amount INTEGER NOT NULL,"
    "  time INTEGER NOT NULL, terminal_end INTEGER, receipt BLOB, outcome INTEGER,"
    "  recovered INTEGER NOT NULL, lost INTEGER NOT NULL, settled INTEGER NOT NULL,"
    "  claimed INTEGER NOT NULL, in_file INTEGER NOT NULL, upload_result INTEGER, sent INTEGER,"
    "  CHECK (state <> 1 OR receipt IS NOT NULL),"
    "  CHECK ((receipt IS NULL) = (outcome IS NULL))) STRICT;"
    "CREATE INDEX entry_unsettled ON entry (held, number) WHERE settled = 0;"
    "CREATE TABLE upload (only INTEGER PRIMARY KEY CHECK (only = 1), count INTEGER NOT NULL,"
    "  request BLOB NOT NULL) STRICT;"
    "CREATE TABLE upload_item (place INTEGER PRIMARY KEY, number INTEGER NOT NULL,"
    "  outcome INTEGER NOT NULL) STRICT;"
    "CREATE TABLE making (id INTEGER PRIMARY KEY, end INTEGER NOT NULL, modulus BLOB UNIQUE,"
    "  signature BLOB) STRICT;",
    /* asked: the highest counter that was ever signed for the card (S1). Payments and loads are
     * found by their card, and by what the log of the source lacks. */
    "ALTER TABLE card ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX entry_signed ON entry (held, counter) WHERE receipt IS NOT NULL AND kind < 5;"
    "CREATE INDEX entry_unsigned ON entry (held, counter) WHERE receipt IS NULL AND kind = 3;"
    "CREATE INDEX entry_claimable ON entry (held, number)"
    "  WHERE state = 1 AND recovered = 1 AND claimed = 0;"
    "CREATE INDEX entry_to_log ON entry (number)"
    "  WHERE in_file = 0 AND receipt IS NOT NULL AND kind < 5;",
};

static const char *const statements[] = {
#define X(name, sql) sql,
#include "terminal/campus/journal.def"
#undef X
};

static const struct db_schema schema = {
    .application_id = APPLICATION_ID,
    .upgrades = upgrades,
    .upgrade_count = sizeof upgrades / sizeof upgrades[0],
    .statements = statements,
    .statement_count = sizeof statements / sizeof statements[0],
};

terminal_status campus_journal_open(const char *path, bool may_create, struct db **journal)
{
    return journal_status(
        db_open(path, may_create ? DB_CREATE : DB_EXISTING, BUSY_MS, &schema, journal));
}

terminal_status campus_journal_run(struct db *journal, size_t statement)
{
    enum db_status status = db_begin(journal);
    if (status == DB_OK)
        status = db_run(journal, statement);
    else
        db_reset(journal, statement);
    if (status == DB_OK)
        status = db_commit(journal);
    db_rollback(journal);
    return journal_status(status);
}

/* ---- the terminal ---- */

static void bind_certificate(struct db *db, size_t s, int at, const struct campus_certificate *c,
                             const uint8_t *back_end)
{
    db_bind_blob(db, s, at, back_end, RSA_BYTES);
    db_bind_int(db, s, at + 1, c->id);
    db_bind_int(db, s, at + 2, c->end);
    db_bind_blob(db, s, at + 3, c->signature, RSA_BYTES);
}

terminal_status campus_journal_make(struct db *journal, enum campus_role role,
                                    const uint8_t modulus[RSA_BYTES], uint32_t counter,
                                    const struct campus_certificate *certificate,
                                    const uint8_t *back_end)
{
    db_bind_int(journal, CAMPUS_DB_MAKE, 1, (int64_t)role);
    db_bind_blob(journal, CAMPUS_DB_MAKE, 2, modulus, RSA_BYTES);
    db_bind_int(journal, CAMPUS_DB_MAKE, 3, counter);
    if (certificate != NULL)
        bind_certificate(journal, CAMPUS_DB_MAKE, 4, certificate, back_end);
    return campus_journal_run(journal, CAMPUS_DB_MAKE);
}

static terminal_status read_row(struct stiver_campus_terminal *terminal, uint32_t *counter)
{
    const size_t s = CAMPUS_DB_TERMINAL;
    struct db *db = terminal->journal;
    struct campus_certificate *own = &terminal->certificate;
    int64_t role = db_column_int(db, s, 0);
    bool is_whole = role >= CAMPUS_ROLE_STATION && role <= CAMPUS_ROLE_RELOAD &&
                    db_column_fixed(db, s, 1, terminal->modulus, RSA_BYTES);
    terminal->role = (enum campus_role)role;
    *counter = (uint32_t)db_column_int(db, s, 2);
    terminal->is_enrolled = !db_column_is_null(db, s, 3);
    if (terminal->is_enrolled) {
        is_whole = is_whole && db_column_fixed(db, s, 3, terminal->back_end, RSA_BYTES) &&
                   db_column_fixed(db, s, 6, own->signature, RSA_BYTES);
        own->id = (uint32_t)db_column_int(db, s, 4);
        own->end = (uint32_t)db_column_int(db, s, 5);
    }
    memcpy(own->modulus, terminal->modulus, RSA_BYTES);
    own->usage = (enum campus_usage)role;
    terminal->list_floor_ms = (uint64_t)db_column_int(db, s, 7);
    return is_whole ? STIVER_TERMINAL_OK : STIVER_TERMINAL_JOURNAL_DAMAGED;
}

/* A journal without a terminal is what a creation left that was cut off. */
terminal_status campus_journal_terminal(struct stiver_campus_terminal *terminal, uint32_t *counter)
{
    enum db_status status = db_step(terminal->journal, CAMPUS_DB_TERMINAL);
    if (status != DB_ROW)
        return status == DB_OK ? STIVER_TERMINAL_MISSING : journal_status(status);
    terminal_status result = read_row(terminal, counter);
    db_reset(terminal->journal, CAMPUS_DB_TERMINAL);
    return result;
}

terminal_status campus_journal_adopt(struct db *journal,
                                     const struct campus_certificate *certificate,
                                     const uint8_t back_end[RSA_BYTES])
{
    bind_certificate(journal, CAMPUS_DB_ADOPT, 1, certificate, back_end);
    return campus_journal_run(journal, CAMPUS_DB_ADOPT);
}

terminal_status campus_journal_list(struct db *journal, uint64_t end_ms)
{
    db_bind_int(journal, CAMPUS_DB_LIST, 1, (int64_t)end_ms);
    return campus_journal_run(journal, CAMPUS_DB_LIST);
}

terminal_status campus_journal_number(struct db *journal, uint32_t *number)
{
    enum db_status status = db_begin(journal);
    if (status != DB_OK)
        return journal_status(status);
    db_bind_int(journal, CAMPUS_DB_NUMBER, 1, CAMPUS_COUNTER_MAX);
    status = db_step(journal, CAMPUS_DB_NUMBER);
    bool is_there = status == DB_ROW;
    if (is_there)
        *number = (uint32_t)db_column_int(journal, CAMPUS_DB_NUMBER, 0);
    db_reset(journal, CAMPUS_DB_NUMBER);
    if (is_there)
        status = db_commit(journal);
    db_rollback(journal);
    if (status == DB_OK && !is_there)
        return STIVER_TERMINAL_NUMBERS_USED_UP;
    return journal_status(status);
}

terminal_status campus_journal_raise(struct db *journal, uint32_t counter)
{
    db_bind_int(journal, CAMPUS_DB_RAISE, 1, counter);
    return campus_journal_run(journal, CAMPUS_DB_RAISE);
}

terminal_status campus_journal_counts(struct db *journal, struct stiver_campus_info *info)
{
    enum db_status status = db_step(journal, CAMPUS_DB_COUNTS);
    if (status != DB_ROW)
        return journal_status(status);
    info->counter = (uint32_t)db_column_int(journal, CAMPUS_DB_COUNTS, 0);
    info->open = (uint32_t)db_column_int(journal, CAMPUS_DB_COUNTS, 1);
    info->to_upload = (uint32_t)db_column_int(journal, CAMPUS_DB_COUNTS, 2);
    db_reset(journal, CAMPUS_DB_COUNTS);
    return STIVER_TERMINAL_OK;
}
