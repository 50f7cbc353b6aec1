/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's file and what the bank gave the terminal. */
#include "terminal/journal.h"

#include <string.h>
#include <sys/stat.h>

#define APPLICATION_ID 0x53544A31u /* "STJ1" */
#define BUSY_MS 2000u

static const char *const upgrades[] = {
    /* file: the number that the file system gave to the journal; a copy has another. */
    "CREATE TABLE terminal (id INTEGER PRIMARY KEY CHECK (id = 1), public_key BLOB NOT NULL,"
    "  counter INTEGER NOT NULL, doubt INTEGER NOT NULL, file INTEGER NOT NULL, package BLOB,"
    "  certificate BLOB, list BLOB) STRICT;"
    "CREATE TABLE own_certificate (host_id BLOB NOT NULL UNIQUE, certificate BLOB NOT NULL,"
    "  upload_result INTEGER) STRICT;"
    "CREATE TABLE card (number BLOB PRIMARY KEY, certificate BLOB NOT NULL) STRICT;"
    "CREATE TABLE handle (handle BLOB PRIMARY KEY, card BLOB NOT NULL REFERENCES card) STRICT;"
    "CREATE TABLE entry (number INTEGER PRIMARY KEY, kind INTEGER NOT NULL, state INTEGER NOT NULL"
    "  CHECK (state BETWEEN 0 AND 3), card BLOB NOT NULL, minor INTEGER NOT NULL,"
    "  currency INTEGER NOT NULL, time INTEGER NOT NULL, reference BLOB NOT NULL,"
    "  host_id BLOB NOT NULL, merchant INTEGER NOT NULL, order_number INTEGER NOT NULL,"
    "  order_counter INTEGER NOT NULL, flags INTEGER NOT NULL, receipt BLOB,"
    "  recovered INTEGER NOT NULL, told INTEGER NOT NULL, claimed INTEGER NOT NULL,"
    "  upload_result INTEGER, CHECK ((state = 1) = (receipt IS NOT NULL))) STRICT;"
    "CREATE INDEX entry_card ON entry (card, host_id);"
    "CREATE INDEX entry_open ON entry (card, number) WHERE state = 0;"
    "CREATE INDEX entry_upload ON entry (number) WHERE state IN (1, 3) AND upload_result IS NULL;"
    "CREATE INDEX entry_untold ON entry (number) WHERE recovered = 1 AND told = 0;"
    "CREATE TABLE foreign_receipt (card BLOB NOT NULL, card_counter INTEGER NOT NULL,"
    "  receipt BLOB NOT NULL, certificate BLOB NOT NULL, upload_result INTEGER,"
    "  UNIQUE (card, card_counter)) STRICT;"
    "CREATE TABLE carried (card BLOB NOT NULL, kind INTEGER NOT NULL, message BLOB NOT NULL,"
    "  PRIMARY KEY (card, kind)) STRICT;"
    "CREATE TABLE upload (only INTEGER PRIMARY KEY CHECK (only = 1), id BLOB NOT NULL,"
    "  count INTEGER NOT NULL, request BLOB NOT NULL) STRICT;"
    "CREATE TABLE upload_item (place INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    "  reference INTEGER NOT NULL) STRICT;",
    /* Every payment asks for both: what this card paid under this certificate, read from the index
     * alone, and business found finished that nobody was told of, of which there is next to none.
     */
    "DROP INDEX entry_card;"
    "CREATE INDEX entry_paid ON entry (card, kind, host_id, state, minor);"
    "CREATE INDEX entry_claimable ON entry (card, kind, number)"
    "  WHERE state = 1 AND recovered = 1 AND claimed = 0;",
    /* What a card paid under a certificate of ours, payments that are not finished counted, those
     * that came to nothing not: a sum that a payment reads and adds to, however many there were. */
    "DROP INDEX entry_paid;"
    "CREATE INDEX entry_other ON entry (card, kind) WHERE kind <> 1;"
    "CREATE TABLE paid (card BLOB NOT NULL, host_id BLOB NOT NULL, minor INTEGER NOT NULL,"
    "  PRIMARY KEY (card, host_id)) STRICT, WITHOUT ROWID;"
    "INSERT INTO paid SELECT card, host_id, sum(minor) FROM entry"
    "  WHERE kind = 1 AND state <= 1 GROUP BY card, host_id;",
};

static const char *const statements[] = {
#define X(name, sql) sql,
#include "terminal/journal.def"
#undef X
};

static const struct db_schema schema = {
    .application_id = APPLICATION_ID,
    .upgrades = upgrades,
    .upgrade_count = sizeof upgrades / sizeof upgrades[0],
    .statements = statements,
    .statement_count = sizeof statements / sizeof statements[0],
};

terminal_status journal_status(enum db_status status)
{
    static const terminal_status of[DB_STATUS_COUNT] = {
        [DB_OK] = STIVER_TERMINAL_OK,
        [DB_ROW] = STIVER_TERMINAL_OK,
        [DB_BUSY] = STIVER_TERMINAL_JOURNAL_BUSY,
        [DB_FULL] = STIVER_TERMINAL_JOURNAL_FULL,
        [DB_CORRUPT] = STIVER_TERMINAL_JOURNAL_DAMAGED,
        [DB_NOT_A_DATABASE] = STIVER_TERMINAL_JOURNAL_FOREIGN,
        [DB_FOREIGN] = STIVER_TERMINAL_JOURNAL_FOREIGN,
        [DB_NEWER] = STIVER_TERMINAL_JOURNAL_NEWER,
        [DB_MISSING] = STIVER_TERMINAL_MISSING,
        [DB_IO] = STIVER_TERMINAL_JOURNAL_IO,
        [DB_PERMISSION] = STIVER_TERMINAL_PERMISSION,
        [DB_CONSTRAINT] = STIVER_TERMINAL_JOURNAL_DAMAGED,
        [DB_MEMORY] = STIVER_TERMINAL_MEMORY,
        [DB_INTERNAL] = STIVER_TERMINAL_INTERNAL,
    };
    return (unsigned)status < DB_STATUS_COUNT ? of[status] : STIVER_TERMINAL_INTERNAL;
}

/* ---- whose journal ---- */

/* What tells a journal from its copy; 0 in memory. */
static int64_t file_mark(const char *path)
{
    struct stat about;
    if (path == NULL || stat(path, &about) != 0)
        return 0;
    return (int64_t)((uint64_t)about.st_ino & INT64_MAX);
}

static enum db_status owner_make(struct db *db, const uint8_t *own_key, int64_t mark)
{
    db_bind_blob(db, JOURNAL_OWNER_MAKE, 1, own_key, PUBLIC_KEY_BYTES);
    db_bind_int(db, JOURNAL_OWNER_MAKE, 2, mark);
    return db_run(db, JOURNAL_OWNER_MAKE);
}

/* A journal in another file than the one it was made in was copied, and may be behind. */
static enum db_status note_copy(struct db *db, int64_t mark)
{
    db_bind_int(db, JOURNAL_OWNER_FILE, 1, mark);
    enum db_status status = db_run(db, JOURNAL_OWNER_FILE);
    return status == DB_OK ? db_run(db, JOURNAL_PENDING_DROP) : status;
}

static terminal_status check_owner(struct db *db, const char *path, const uint8_t *own_key)
{
    uint8_t owner[PUBLIC_KEY_BYTES];
    int64_t mark = file_mark(path), made = 0;
    bool is_ours = false;
    enum db_status status = db_step(db, JOURNAL_OWNER);
    if (status == DB_OK)
        return journal_status(owner_make(db, own_key, mark));
    if (status != DB_ROW)
        return journal_status(status);
    is_ours = db_column_fixed(db, JOURNAL_OWNER, 0, owner, sizeof owner) &&
              bytes_equal(owner, own_key, sizeof owner);
    made = db_column_int(db, JOURNAL_OWNER, 1);
    db_reset(db, JOURNAL_OWNER);
    if (!is_ours)
        return STIVER_TERMINAL_KEY_DAMAGED;
    return made == mark ? STIVER_TERMINAL_OK : journal_status(note_copy(db, mark));
}

terminal_status journal_open(const char *path, bool may_create,
                             const uint8_t own_key[PUBLIC_KEY_BYTES], struct db **journal)
{
    struct db *db = NULL;
    terminal_status status = journal_status(
        db_open(path == NULL ? ":memory:" : path,
                may_create || path == NULL ? DB_CREATE : DB_EXISTING, BUSY_MS, &schema, &db));
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = check_owner(db, path, own_key);
    if (status != STIVER_TERMINAL_OK)
        db_close(db);
    else
        *journal = db;
    return status;
}

/* ---- identity ---- */

static bool column_piece(struct db *db, size_t statement, int column, struct piece *piece)
{
    return db_column_blob(db, statement, column, &piece->data, &piece->bytes);
}

terminal_status journal_identity(struct db *journal, struct journal_identity *identity)
{
    memset(identity, 0, sizeof *identity);
    enum db_status status = db_step(journal, JOURNAL_IDENTITY);
    if (status != DB_ROW)
        return status == DB_OK ? STIVER_TERMINAL_JOURNAL_DAMAGED : journal_status(status);
    /* What cannot be shown is not what is not there: an older list would do in its place. */
    bool is_given = column_piece(journal, JOURNAL_IDENTITY, 0, &identity->package) &&
                    column_piece(journal, JOURNAL_IDENTITY, 1, &identity->certificate) &&
                    column_piece(journal, JOURNAL_IDENTITY, 2, &identity->list);
    identity->is_in_doubt = db_column_int(journal, JOURNAL_IDENTITY, 3) != 0;
    if (!is_given)
        db_reset(journal, JOURNAL_IDENTITY);
    return is_given ? STIVER_TERMINAL_OK : STIVER_TERMINAL_MEMORY;
}

void journal_identity_done(struct db *journal)
{
    db_reset(journal, JOURNAL_IDENTITY);
}

static enum db_status adopt(struct db *db, struct piece package, struct piece certificate,
                            const uint8_t *host_id)
{
    db_bind_blob(db, JOURNAL_ADOPT, 1, package.data, package.bytes);
    enum db_status status = db_run(db, JOURNAL_ADOPT);
    if (status == DB_OK) {
        db_bind_blob(db, JOURNAL_OWN_CERTIFICATE, 1, host_id, HOST_ID_BYTES);
        db_bind_blob(db, JOURNAL_OWN_CERTIFICATE, 2, certificate.data, certificate.bytes);
        status = db_run(db, JOURNAL_OWN_CERTIFICATE);
    }
    /* A card's handle is made of our certificate: under a new one it calls itself otherwise. */
    return status == DB_OK ? db_run(db, JOURNAL_HANDLES_FORGET) : status;
}

terminal_status journal_adopt(struct db *journal, struct piece package, struct piece certificate,
                              const uint8_t host_id[HOST_ID_BYTES])
{
    enum db_status status = db_begin(journal);
    if (status == DB_OK)
        status = adopt(journal, package, certificate, host_id);
    if (status == DB_OK)
        status = db_commit(journal);
    db_rollback(journal);
    return journal_status(status);
}

/* The upload that waits goes too: its answer may be older than the doubt. */
static enum db_status set_doubt(struct db *db)
{
    enum db_status status = db_run(db, JOURNAL_SET_DOUBT);
    if (status == DB_OK)
        status = db_run(db, JOURNAL_PENDING_DROP);
    return status == DB_OK ? db_run(db, JOURNAL_ITEMS_DROP) : status;
}

terminal_status journal_set_doubt(struct db *journal)
{
    enum db_status status = db_begin(journal);
    if (status == DB_OK)
        status = set_doubt(journal);
    if (status == DB_OK)
        status = db_commit(journal);
    db_rollback(journal);
    return journal_status(status);
}

terminal_status journal_put_back(struct db *journal, uint32_t counter)
{
    enum db_status status = db_begin(journal);
    if (status == DB_OK) {
        db_bind_int(journal, JOURNAL_COUNTER_SET, 1, counter);
        status = db_run(journal, JOURNAL_COUNTER_SET);
    }
    if (status == DB_OK)
        status = set_doubt(journal);
    if (status == DB_OK)
        status = db_commit(journal);
    db_rollback(journal);
    return journal_status(status);
}

terminal_status journal_counts(struct db *journal, struct stiver_terminal_info *info)
{
    enum db_status status = db_step(journal, JOURNAL_COUNTS);
    if (status != DB_ROW)
        return journal_status(status);
    info->counter = (uint32_t)db_column_int(journal, JOURNAL_COUNTS, 0);
    info->open_intents = (uint32_t)db_column_int(journal, JOURNAL_COUNTS, 1);
    info->to_upload = (uint32_t)db_column_int(journal, JOURNAL_COUNTS, 2);
    info->known_cards = (uint32_t)db_column_int(journal, JOURNAL_COUNTS, 3);
    info->acknowledgements = (uint32_t)db_column_int(journal, JOURNAL_COUNTS, 4);
    db_reset(journal, JOURNAL_COUNTS);
    return STIVER_TERMINAL_OK;
}
