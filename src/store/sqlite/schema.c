/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank's tables, as a row of upgrades that are never edited once released: a change is a new
 * one behind them. Documents and postings refuse UPDATE and DELETE.
 */
#include "store/sqlite/inside.h"

static const char registers[] =
    "CREATE TABLE settings (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL,"
    " scheme INTEGER NOT NULL, currency INTEGER NOT NULL, is_test INTEGER NOT NULL,"
    " largest INTEGER NOT NULL, root_key BLOB NOT NULL, link_key BLOB NOT NULL,"
    " policy BLOB NOT NULL, policy_number INTEGER NOT NULL);"
    "CREATE TABLE sequences (sequence INTEGER PRIMARY KEY, last INTEGER NOT NULL);"
    "CREATE TABLE keys (key INTEGER NOT NULL, generation INTEGER NOT NULL, id INTEGER NOT NULL,"
    " starts INTEGER NOT NULL, ends INTEGER NOT NULL, public_key BLOB NOT NULL,"
    " certificate BLOB NOT NULL, PRIMARY KEY (key, generation)) WITHOUT ROWID;"
    "CREATE TABLE documents (id INTEGER PRIMARY KEY AUTOINCREMENT, type INTEGER NOT NULL,"
    " terminal BLOB NOT NULL, time INTEGER NOT NULL, hash BLOB NOT NULL, bytes BLOB NOT NULL);"
    "CREATE INDEX documents_by_hash ON documents (hash);"
    "CREATE TABLE stock (serial BLOB PRIMARY KEY, class INTEGER NOT NULL, sealed_key BLOB NOT NULL,"
    " nonce BLOB, ephemeral_key BLOB, sealed_ephemeral BLOB, anchors_hash BLOB) WITHOUT ROWID;"
    "CREATE TABLE cards (card BLOB PRIMARY KEY,"
    " serial BLOB NOT NULL UNIQUE REFERENCES stock (serial), class INTEGER NOT NULL,"
    " channel_key BLOB NOT NULL, receipt_key BLOB NOT NULL, certificate BLOB NOT NULL,"
    " certified INTEGER NOT NULL, ends INTEGER NOT NULL, counter INTEGER NOT NULL,"
    " received INTEGER NOT NULL, balance INTEGER NOT NULL, reason INTEGER NOT NULL,"
    " listed INTEGER NOT NULL, block_counter INTEGER NOT NULL, loads_stopped INTEGER NOT NULL,"
    " order_number INTEGER NOT NULL, up_to INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE terminals (terminal BLOB PRIMARY KEY, key BLOB NOT NULL UNIQUE,"
    " role INTEGER NOT NULL, classes INTEGER NOT NULL, merchant INTEGER NOT NULL,"
    " max_offline INTEGER NOT NULL, credit INTEGER NOT NULL, counter INTEGER NOT NULL,"
    " listed INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE terminal_certificates (fingerprint BLOB PRIMARY KEY,"
    " terminal BLOB NOT NULL REFERENCES terminals (terminal), starts INTEGER NOT NULL,"
    " ends INTEGER NOT NULL, merchant INTEGER NOT NULL, max_offline INTEGER NOT NULL,"
    " certificate BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX terminal_certificates_by_terminal ON terminal_certificates (terminal, ends);";

static const char papers_and_books[] =
    "CREATE TABLE orders (kind INTEGER NOT NULL, card BLOB NOT NULL REFERENCES cards (card),"
    " counter INTEGER NOT NULL, number INTEGER NOT NULL, amount INTEGER NOT NULL,"
    " state INTEGER NOT NULL, source_kind INTEGER NOT NULL, source_owner INTEGER NOT NULL,"
    " payment_counter INTEGER NOT NULL, message BLOB NOT NULL, undo_number INTEGER NOT NULL,"
    " undo BLOB NOT NULL, PRIMARY KEY (card, kind, counter)) WITHOUT ROWID;"
    "CREATE TABLE receipts (card BLOB NOT NULL REFERENCES cards (card), counter INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, state INTEGER NOT NULL, hash BLOB NOT NULL,"
    " document INTEGER NOT NULL REFERENCES documents (id), terminal BLOB NOT NULL,"
    " terminal_counter INTEGER NOT NULL, merchant INTEGER NOT NULL, amount INTEGER NOT NULL,"
    " balance_after INTEGER NOT NULL, PRIMARY KEY (card, counter)) WITHOUT ROWID;"
    "CREATE INDEX receipts_by_terminal ON receipts (terminal, terminal_counter);"
    "CREATE TABLE conflicts (hash BLOB PRIMARY KEY, card BLOB NOT NULL REFERENCES cards (card),"
    " counter INTEGER NOT NULL, fingerprint BLOB NOT NULL,"
    " document INTEGER NOT NULL REFERENCES documents (id), paid INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE abandoned (terminal BLOB NOT NULL, terminal_counter INTEGER NOT NULL,"
    " card BLOB NOT NULL, PRIMARY KEY (terminal, terminal_counter)) WITHOUT ROWID;"
    "CREATE TABLE postings (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " document INTEGER NOT NULL REFERENCES documents (id),"
    " from_kind INTEGER NOT NULL, from_owner INTEGER NOT NULL,"
    " to_kind INTEGER NOT NULL, to_owner INTEGER NOT NULL, card BLOB NOT NULL,"
    " amount INTEGER NOT NULL CHECK (typeof(amount) = 'integer' AND amount > 0),"
    " time INTEGER NOT NULL, CHECK (from_kind <> to_kind OR from_owner <> to_owner));"
    "CREATE INDEX postings_from ON postings (from_kind, from_owner, amount);"
    "CREATE INDEX postings_to ON postings (to_kind, to_owner, amount);"
    "CREATE TABLE funds (reference TEXT PRIMARY KEY, terminal BLOB NOT NULL,"
    " amount INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE alarms (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,"
    " card BLOB NOT NULL, terminal BLOB NOT NULL, text TEXT NOT NULL);"
    "CREATE TABLE answers (terminal BLOB NOT NULL, id BLOB NOT NULL, request_hash BLOB NOT NULL,"
    " time INTEGER NOT NULL, answer BLOB NOT NULL, PRIMARY KEY (terminal, id)) WITHOUT ROWID;"
    "CREATE TABLE lists (sequence INTEGER PRIMARY KEY, starts INTEGER NOT NULL,"
    " ends INTEGER NOT NULL, count INTEGER NOT NULL, file BLOB NOT NULL);"
    "CREATE TRIGGER documents_stay BEFORE UPDATE ON documents"
    " BEGIN SELECT raise(ABORT, 'documents are never changed'); END;"
    "CREATE TRIGGER documents_remain BEFORE DELETE ON documents"
    " BEGIN SELECT raise(ABORT, 'documents are never removed'); END;"
    "CREATE TRIGGER postings_stay BEFORE UPDATE ON postings"
    " BEGIN SELECT raise(ABORT, 'postings are never changed'); END;"
    "CREATE TRIGGER postings_remain BEFORE DELETE ON postings"
    " BEGIN SELECT raise(ABORT, 'postings are never removed'); END;";

static const char campus[] =
    "CREATE TABLE campus_key (one INTEGER PRIMARY KEY CHECK (one = 1), modulus BLOB NOT NULL);"
    "CREATE TABLE campus_terminals (id INTEGER PRIMARY KEY, role INTEGER NOT NULL,"
    " modulus BLOB NOT NULL UNIQUE, merchant INTEGER NOT NULL, credit INTEGER NOT NULL,"
    " ends INTEGER NOT NULL, listed INTEGER NOT NULL);"
    "CREATE TABLE campus_terms (terminal INTEGER NOT NULL REFERENCES campus_terminals (id),"
    " ends INTEGER NOT NULL, starts INTEGER NOT NULL, signature BLOB NOT NULL,"
    " PRIMARY KEY (terminal, ends)) WITHOUT ROWID;"
    "CREATE TABLE campus_cards (id INTEGER PRIMARY KEY, ends INTEGER NOT NULL,"
    " station INTEGER NOT NULL, modulus BLOB UNIQUE, signature BLOB, counter INTEGER NOT NULL,"
    " shadow INTEGER NOT NULL, listed INTEGER NOT NULL, blocked INTEGER NOT NULL);"
    "CREATE TABLE campus_receipts (card INTEGER NOT NULL REFERENCES campus_cards (id),"
    " counter INTEGER NOT NULL, terminal INTEGER NOT NULL REFERENCES campus_terminals (id),"
    " amount INTEGER NOT NULL, time INTEGER NOT NULL, is_load INTEGER NOT NULL,"
    " is_suspect INTEGER NOT NULL, is_decided INTEGER NOT NULL, state INTEGER NOT NULL,"
    " document INTEGER NOT NULL REFERENCES documents (id), PRIMARY KEY (card, counter))"
    " WITHOUT ROWID;"
    "CREATE TABLE campus_funds (reference TEXT PRIMARY KEY, terminal INTEGER NOT NULL,"
    " amount INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE campus_answers (terminal INTEGER NOT NULL, id BLOB NOT NULL,"
    " request_hash BLOB NOT NULL, time INTEGER NOT NULL, answer BLOB NOT NULL,"
    " PRIMARY KEY (terminal, id)) WITHOUT ROWID;"
    "CREATE TABLE campus_lists (end_ms INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
    " count INTEGER NOT NULL, file BLOB NOT NULL);";

static const char *const upgrades[] = {registers, papers_and_books, campus};

static const char *const statements[] = {
#define X(name, sql) sql,
#include "store/sqlite/statements.def"
#undef X
};

const struct db_schema bank_schema = {
    .application_id = 0x53544256, /* "STBV" */
    .upgrades = upgrades,
    .upgrade_count = sizeof upgrades / sizeof upgrades[0],
    .statements = statements,
    .statement_count = sizeof statements / sizeof statements[0],
};
