/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campus.db: what the terminal of the campus purse must not forget. Each function is one step that
 * is on the disk when it says OK, or did not happen.
 */
#ifndef TERMINAL_CAMPUS_JOURNAL_H
#define TERMINAL_CAMPUS_JOURNAL_H

#include "terminal/campus/internal.h"
#include "terminal/journal.h"

/* Kinds of entries: CAMPUS_USAGE_POS, CAMPUS_USAGE_RELOAD, and */
#define CAMPUS_KIND_BLOCK 5u
/* No outcome to tell yet. */
#define CAMPUS_NO_OUTCOME (-1)

/* ---- journal.c: the terminal itself ---- */

terminal_status campus_journal_open(const char *path, bool may_create,
                                    struct db **journal) TERMINAL_CHECKED;
/* Enters a new terminal; certificate and back_end NULL: not enrolled. EXISTS. */
terminal_status campus_journal_make(struct db *journal, enum campus_role role,
                                    const uint8_t modulus[RSA_BYTES], uint32_t counter,
                                    const struct campus_certificate *certificate,
                                    const uint8_t *back_end) TERMINAL_CHECKED;
/* Fills role, modulus (to be compared), is_enrolled, certificate, back_end, list_floor_ms. */
terminal_status campus_journal_terminal(struct stiver_campus_terminal *terminal,
                                        uint32_t *counter) TERMINAL_CHECKED;
terminal_status campus_journal_adopt(struct db *journal,
                                     const struct campus_certificate *certificate,
                                     const uint8_t back_end[RSA_BYTES]) TERMINAL_CHECKED;
terminal_status campus_journal_list(struct db *journal, uint64_t end_ms) TERMINAL_CHECKED;
/* The next counter, durable. NUMBERS_USED_UP. */
terminal_status campus_journal_number(struct db *journal, uint32_t *number) TERMINAL_CHECKED;
/* Goes on above this one. */
terminal_status campus_journal_raise(struct db *journal, uint32_t counter) TERMINAL_CHECKED;
terminal_status campus_journal_counts(struct db *journal,
                                      struct stiver_campus_info *info) TERMINAL_CHECKED;

/* ---- journal_entry.c: business ---- */

struct campus_journal_entry {
    uint32_t number;
    uint8_t kind;
    enum stiver_terminal_entry_state state;
    uint32_t counter, amount, time; /* counter: that the receipt must have */
    bool has_receipt;
    bool is_told; /* the bank has heard of it, or may have */
};

struct campus_journal_held {
    int64_t row;
    uint32_t asked;   /* the highest counter for which an S1 was ever made; 0: none */
    uint32_t receipt; /* the highest counter in a receipt of its own; 0: none */
};
/* The card's row, made if it is not there. */
terminal_status campus_journal_card(struct db *journal, const struct campus_certificate *card,
                                    struct campus_journal_held *held) TERMINAL_CHECKED;
/* An S1 over this counter is about to leave. */
terminal_status campus_journal_asked(struct db *journal, int64_t held,
                                     uint32_t counter) TERMINAL_CHECKED;
/* An open entry. */
terminal_status campus_journal_begin(struct db *journal, const struct campus_journal_entry *entry,
                                     int64_t held) TERMINAL_CHECKED;
/* Whether a load of this amount was authorised for the card under the counter before or after this
 * one, and no receipt came: the two would make a load that nobody paid for. */
terminal_status campus_journal_neighbour(struct db *journal, int64_t held, uint32_t counter,
                                         uint32_t amount, bool *has) TERMINAL_CHECKED;
/* A load's receipt, before FINISH LOAD. UNKNOWN_NUMBER: it is open no more. */
terminal_status campus_journal_signed(struct db *journal, uint32_t number,
                                      const uint8_t receipt[RSA_BYTES]) TERMINAL_CHECKED;
struct campus_journal_end {
    uint32_t number;
    enum stiver_terminal_entry_state state;
    int outcome;            /* enum campus_outcome, of an entry with a receipt */
    const uint8_t *receipt; /* NULL: as it is */
    bool is_recovered, is_lost;
    bool is_settled; /* the card need not be asked about it again */
};
terminal_status campus_journal_end(struct db *journal,
                                   const struct campus_journal_end *end) TERMINAL_CHECKED;
/* Loads that a crash cut off before their receipt was there: nothing was credited. */
terminal_status campus_journal_end_unsigned(struct db *journal) TERMINAL_CHECKED;
/* A block, with its proof; finished at once. */
terminal_status campus_journal_block(struct db *journal, uint32_t number, int64_t held,
                                     uint32_t counter, uint32_t time, uint32_t terminal_end,
                                     const uint8_t proof[RSA_BYTES]) TERMINAL_CHECKED;
/* The next entry of this card above number about which it has to be asked; UNKNOWN_NUMBER: none. */
terminal_status campus_journal_unsettled(struct db *journal, int64_t held, uint32_t above,
                                         struct campus_journal_entry *entry) TERMINAL_CHECKED;
/* Business found done that nobody was told of as theirs; marks it. UNKNOWN_NUMBER: none. */
terminal_status campus_journal_claim(struct db *journal, int64_t held, enum campus_role kind,
                                     uint32_t amount, uint32_t since,
                                     struct campus_journal_entry *entry,
                                     uint8_t receipt[RSA_BYTES]) TERMINAL_CHECKED;
/* What was found done is told to a person: nothing to come is it. */
terminal_status campus_journal_heard(struct db *journal, int64_t held) TERMINAL_CHECKED;
terminal_status campus_journal_give_up(struct db *journal, uint32_t number) TERMINAL_CHECKED;

/* ---- for the CSV file ---- */

typedef void campus_line_visit(void *context, uint32_t number, const struct campus_log_line *line);
/* CAMPUS_DB_LINES: the newest that are in the file, so many; CAMPUS_DB_LINES_MISSING: the oldest
 * that are not, so many; CAMPUS_DB_LINE: the one of this number. */
terminal_status campus_journal_lines(struct db *journal, size_t statement, uint32_t which,
                                     campus_line_visit *visit, void *context) TERMINAL_CHECKED;
terminal_status campus_journal_in_file(struct db *journal, uint32_t number) TERMINAL_CHECKED;

/* ---- journal_upload.c ---- */

struct campus_journal_upload {
    uint8_t id[LINK_ID_BYTES];
    uint32_t count;
};
/* request->data NULL: none waits. */
terminal_status campus_journal_pending(struct db *journal, uint32_t *count,
                                       struct stiver_terminal_bytes *request) TERMINAL_CHECKED;
/* Writes what the bank has not answered; a transaction is open until campus_journal_keep or
 * db_rollback. *memory is fresh. */
terminal_status campus_journal_collect(struct db *journal, uint8_t **memory, size_t *bytes,
                                       uint32_t *count) TERMINAL_CHECKED;
terminal_status campus_journal_keep(struct db *journal, uint32_t count,
                                    const struct stiver_terminal_bytes *request) TERMINAL_CHECKED;
/* The answer's results; certificate NULL: none came. */
terminal_status campus_journal_take(struct db *journal, const uint8_t *results, uint32_t count,
                                    const struct campus_certificate *certificate) TERMINAL_CHECKED;

/* ---- journal_station.c: cards being made ---- */

struct campus_journal_card {
    uint32_t id, end;
    bool has_signature;
    uint8_t signature[RSA_BYTES];
};
/* The card with this key, or one whose number is not given away yet. UNKNOWN_NUMBER: neither. */
terminal_status campus_journal_find_card(struct db *journal, const uint8_t modulus[RSA_BYTES],
                                         struct campus_journal_card *card) TERMINAL_CHECKED;
terminal_status campus_journal_new_card(struct db *journal, uint32_t id,
                                        uint32_t end) TERMINAL_CHECKED;
/* The number is this card's from now on. */
terminal_status campus_journal_give_card(struct db *journal, uint32_t id,
                                         const uint8_t modulus[RSA_BYTES]) TERMINAL_CHECKED;
terminal_status campus_journal_certified(struct db *journal, uint32_t id,
                                         const uint8_t signature[RSA_BYTES]) TERMINAL_CHECKED;
terminal_status campus_journal_card_done(struct db *journal, uint32_t id) TERMINAL_CHECKED;

/* ---- statements ---- */

enum campus_journal_statement {
#define X(name, sql) CAMPUS_DB_##name,
#include "terminal/campus/journal.def"
#undef X
    CAMPUS_DB_COUNT
};
/* db_begin, the statement, db_commit. */
terminal_status campus_journal_run(struct db *journal, size_t statement) TERMINAL_CHECKED;

#endif
