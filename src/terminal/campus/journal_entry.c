/* SPDX-License-Identifier: Apache-2.0 */
/* Business in campus.db: begun before the card is asked for money, ended when its end is known. */
#include <string.h>

#include "terminal/campus/journal.h"

terminal_status campus_journal_card(struct db *journal, const struct campus_certificate *card,
                                    struct campus_journal_held *held)
{
    db_bind_int(journal, CAMPUS_DB_CARD, 1, card->id);
    db_bind_int(journal, CAMPUS_DB_CARD, 2, card->end);
    db_bind_blob(journal, CAMPUS_DB_CARD, 3, card->modulus, RSA_BYTES);
    db_bind_blob(journal, CAMPUS_DB_CARD, 4, card->signature, RSA_BYTES);
    enum db_status status = db_run(journal, CAMPUS_DB_CARD);
    if (status != DB_OK)
        return journal_status(status);
    db_bind_int(journal, CAMPUS_DB_CARD_ROW, 1, card->id);
    db_bind_int(journal, CAMPUS_DB_CARD_ROW, 2, card->end);
    db_bind_blob(journal, CAMPUS_DB_CARD_ROW, 3, card->modulus, RSA_BYTES);
    status = db_step(journal, CAMPUS_DB_CARD_ROW);
    if (status != DB_ROW)
        return status == DB_OK ? STIVER_TERMINAL_JOURNAL_DAMAGED : journal_status(status);
    held->row = db_column_int(journal, CAMPUS_DB_CARD_ROW, 0);
    held->asked = (uint32_t)db_column_int(journal, CAMPUS_DB_CARD_ROW, 1);
    held->receipt = (uint32_t)db_column_int(journal, CAMPUS_DB_CARD_ROW, 2);
    db_reset(journal, CAMPUS_DB_CARD_ROW);
    return STIVER_TERMINAL_OK;
}

terminal_status campus_journal_asked(struct db *journal, int64_t held, uint32_t counter)
{
    db_bind_int(journal, CAMPUS_DB_ASKED, 1, held);
    db_bind_int(journal, CAMPUS_DB_ASKED, 2, counter);
    return campus_journal_run(journal, CAMPUS_DB_ASKED);
}

terminal_status campus_journal_begin(struct db *journal, const struct campus_journal_entry *entry,
                                     int64_t held)
{
    db_bind_int(journal, CAMPUS_DB_BEGIN, 1, entry->number);
    db_bind_int(journal, CAMPUS_DB_BEGIN, 2, entry->kind);
    db_bind_int(journal, CAMPUS_DB_BEGIN, 3, held);
    db_bind_int(journal, CAMPUS_DB_BEGIN, 4, entry->counter);
    db_bind_int(journal, CAMPUS_DB_BEGIN, 5, entry->amount);
    db_bind_int(journal, CAMPUS_DB_BEGIN, 6, entry->time);
    return campus_journal_run(journal, CAMPUS_DB_BEGIN);
}

terminal_status campus_journal_neighbour(struct db *journal, int64_t held, uint32_t counter,
                                         uint32_t amount, bool *has)
{
    const size_t s = CAMPUS_DB_NEIGHBOUR;
    db_bind_int(journal, s, 1, held);
    db_bind_int(journal, s, 2, counter);
    db_bind_int(journal, s, 3, amount);
    enum db_status status = db_step(journal, s);
    *has = status == DB_ROW;
    db_reset(journal, s);
    return *has ? STIVER_TERMINAL_OK : journal_status(status);
}

terminal_status campus_journal_signed(struct db *journal, uint32_t number,
                                      const uint8_t receipt[RSA_BYTES])
{
    enum db_status status = db_begin(journal);
    db_bind_int(journal, CAMPUS_DB_SIGNED, 1, number);
    db_bind_blob(journal, CAMPUS_DB_SIGNED, 2, receipt, RSA_BYTES);
    if (status == DB_OK)
        status = db_run(journal, CAMPUS_DB_SIGNED);
    bool is_there = status == DB_OK && db_changes(journal) == 1;
    if (is_there)
        status = db_commit(journal);
    db_reset(journal, CAMPUS_DB_SIGNED);
    db_rollback(journal);
    return status == DB_OK && !is_there ? STIVER_TERMINAL_UNKNOWN_NUMBER : journal_status(status);
}

terminal_status campus_journal_end(struct db *journal, const struct campus_journal_end *end)
{
    const size_t s = CAMPUS_DB_END;
    db_bind_int(journal, s, 1, end->number);
    db_bind_int(journal, s, 2, (int64_t)end->state);
    if (end->outcome != CAMPUS_NO_OUTCOME)
        db_bind_int(journal, s, 3, end->outcome);
    if (end->receipt != NULL)
        db_bind_blob(journal, s, 4, end->receipt, RSA_BYTES);
    db_bind_int(journal, s, 5, end->is_recovered);
    db_bind_int(journal, s, 6, end->is_lost);
    db_bind_int(journal, s, 7, end->is_settled);
    return campus_journal_run(journal, s);
}

terminal_status campus_journal_end_unsigned(struct db *journal)
{
    return campus_journal_run(journal, CAMPUS_DB_END_UNSIGNED);
}

terminal_status campus_journal_block(struct db *journal, uint32_t number, int64_t held,
                                     uint32_t counter, uint32_t time, uint32_t terminal_end,
                                     const uint8_t proof[RSA_BYTES])
{
    const size_t s = CAMPUS_DB_BLOCK;
    db_bind_int(journal, s, 1, number);
    db_bind_int(journal, s, 2, held);
    db_bind_int(journal, s, 3, counter);
    db_bind_int(journal, s, 4, time);
    db_bind_int(journal, s, 5, terminal_end);
    db_bind_blob(journal, s, 6, proof, RSA_BYTES);
    return campus_journal_run(journal, s);
}

static void read_entry(struct db *db, size_t s, struct campus_journal_entry *entry)
{
    *entry = (struct campus_journal_entry){
        .number = (uint32_t)db_column_int(db, s, 0),
        .kind = (uint8_t)db_column_int(db, s, 1),
        .state = (enum stiver_terminal_entry_state)db_column_int(db, s, 2),
        .counter = (uint32_t)db_column_int(db, s, 3),
        .amount = (uint32_t)db_column_int(db, s, 4),
        .time = (uint32_t)db_column_int(db, s, 5),
        .has_receipt = db_column_int(db, s, 6) != 0,
    };
}

terminal_status campus_journal_unsettled(struct db *journal, int64_t held, uint32_t above,
                                         struct campus_journal_entry *entry)
{
    const size_t s = CAMPUS_DB_UNSETTLED;
    db_bind_int(journal, s, 1, held);
    db_bind_int(journal, s, 2, above);
    enum db_status status = db_step(journal, s);
    if (status != DB_ROW)
        return status == DB_OK ? STIVER_TERMINAL_UNKNOWN_NUMBER : journal_status(status);
    read_entry(journal, s, entry);
    entry->is_told = db_column_int(journal, s, 7) != 0;
    db_reset(journal, s);
    return STIVER_TERMINAL_OK;
}

terminal_status campus_journal_claim(struct db *journal, int64_t held, enum campus_role kind,
                                     uint32_t amount, uint32_t since,
                                     struct campus_journal_entry *entry, uint8_t receipt[RSA_BYTES])
{
    const size_t s = CAMPUS_DB_CLAIMABLE;
    db_bind_int(journal, s, 1, held);
    db_bind_int(journal, s, 2, amount);
    db_bind_int(journal, s, 3, since);
    db_bind_int(journal, s, 4, (int64_t)kind);
    enum db_status status = db_step(journal, s);
    if (status != DB_ROW)
        return status == DB_OK ? STIVER_TERMINAL_UNKNOWN_NUMBER : journal_status(status);
    read_entry(journal, s, entry);
    bool is_whole = db_column_fixed(journal, s, 7, receipt, RSA_BYTES);
    db_reset(journal, s);
    if (!is_whole)
        return STIVER_TERMINAL_JOURNAL_DAMAGED;
    db_bind_int(journal, CAMPUS_DB_CLAIM, 1, entry->number);
    return campus_journal_run(journal, CAMPUS_DB_CLAIM);
}

terminal_status campus_journal_heard(struct db *journal, int64_t held)
{
    db_bind_int(journal, CAMPUS_DB_HEARD, 1, held);
    return journal_status(db_run(journal, CAMPUS_DB_HEARD));
}

terminal_status campus_journal_give_up(struct db *journal, uint32_t number)
{
    enum db_status status = db_begin(journal);
    db_bind_int(journal, CAMPUS_DB_GIVE_UP, 1, number);
    if (status == DB_OK)
        status = db_run(journal, CAMPUS_DB_GIVE_UP);
    bool is_there = status == DB_OK && db_changes(journal) == 1;
    if (is_there)
        status = db_commit(journal);
    db_reset(journal, CAMPUS_DB_GIVE_UP);
    db_rollback(journal);
    return status == DB_OK && !is_there ? STIVER_TERMINAL_UNKNOWN_NUMBER : journal_status(status);
}

/* ---- what is told ---- */

static void tell_entry(struct db *db, struct stiver_campus_entry *entry)
{
    const size_t s = CAMPUS_DB_ENTRIES;
    const int64_t kind = db_column_int(db, s, 1);
    *entry = (struct stiver_campus_entry){
        .number = (uint32_t)db_column_int(db, s, 0),
        .is_load = kind == CAMPUS_USAGE_RELOAD,
        .is_block = kind == (int64_t)CAMPUS_KIND_BLOCK,
        .state = (enum stiver_terminal_entry_state)db_column_int(db, s, 2),
        .card = (uint32_t)db_column_int(db, s, 3),
        .counter = (uint32_t)db_column_int(db, s, 4),
        .amount = (uint32_t)db_column_int(db, s, 5),
        .time = (uint32_t)db_column_int(db, s, 6),
        .is_recovered = db_column_int(db, s, 7) != 0,
        .is_lost = db_column_int(db, s, 8) != 0,
        .is_uploaded = !db_column_is_null(db, s, 9),
        .upload_result = (uint8_t)db_column_int(db, s, 9),
    };
}

enum stiver_terminal_status stiver_campus_entries(struct stiver_campus_terminal *terminal,
                                                  stiver_campus_entry_visit *visit, void *context)
{
    struct stiver_campus_entry entry;
    enum db_status status = DB_OK;
    while ((status = db_step(terminal->journal, CAMPUS_DB_ENTRIES)) == DB_ROW) {
        tell_entry(terminal->journal, &entry);
        if (!visit(context, &entry))
            break;
    }
    db_reset(terminal->journal, CAMPUS_DB_ENTRIES);
    return journal_status(status);
}

enum stiver_terminal_status stiver_campus_give_up(struct stiver_campus_terminal *terminal,
                                                  uint32_t number)
{
    return campus_journal_give_up(terminal->journal, number);
}

/* ---- lines of the source's log ---- */

terminal_status campus_journal_lines(struct db *journal, size_t statement, uint32_t which,
                                     campus_line_visit *visit, void *context)
{
    const size_t s = statement;
    enum db_status status = DB_OK;
    db_bind_int(journal, s, 1, which);
    while ((status = db_step(journal, s)) == DB_ROW) {
        struct campus_log_line line = {
            .time = (uint32_t)db_column_int(journal, s, 2),
            .card = (uint32_t)db_column_int(journal, s, 3),
            .counter = (uint32_t)db_column_int(journal, s, 4),
            .amount = (uint32_t)db_column_int(journal, s, 5),
            .terminal_usage = (enum campus_usage)db_column_int(journal, s, 6),
        };
        if (!db_column_fixed(journal, s, 7, line.card_modulus, RSA_BYTES) ||
            !db_column_fixed(journal, s, 8, line.card_certificate, RSA_BYTES) ||
            !db_column_fixed(journal, s, 9, line.receipt, RSA_BYTES)) {
            status = DB_CORRUPT;
            break;
        }
        visit(context, (uint32_t)db_column_int(journal, s, 0), &line);
    }
    db_reset(journal, s);
    return journal_status(status);
}

terminal_status campus_journal_in_file(struct db *journal, uint32_t number)
{
    db_bind_int(journal, CAMPUS_DB_IN_FILE, 1, number);
    return campus_journal_run(journal, CAMPUS_DB_IN_FILE);
}
