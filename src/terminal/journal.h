/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: what a terminal must not forget. Each function is one step that is on the disk when
 * it says OK, or did not happen. Numbers of business (entries) grow by one and never come again.
 */
#ifndef TERMINAL_JOURNAL_H
#define TERMINAL_JOURNAL_H

#include "terminal/internal.h"

terminal_status journal_status(enum db_status status);

/* ---- journal.c: the file, the terminal itself ---- */

/* path NULL: in memory. own_key: whose journal it is; KEY_DAMAGED if it is another's. */
terminal_status journal_open(const char *path, bool may_create,
                             const uint8_t own_key[PUBLIC_KEY_BYTES],
                             struct db **journal) TERMINAL_CHECKED;
/* What was adopted; pieces are borrowed until journal_identity_done. package.data NULL: nothing. */
struct journal_identity {
    struct piece package, certificate, list;
    bool is_in_doubt;
};
terminal_status journal_identity(struct db *journal,
                                 struct journal_identity *identity) TERMINAL_CHECKED;
void journal_identity_done(struct db *journal);
/* A package replaces what was there; handles of an older certificate are forgotten. */
terminal_status journal_adopt(struct db *journal, struct piece package, struct piece certificate,
                              const uint8_t host_id[HOST_ID_BYTES]) TERMINAL_CHECKED;
terminal_status journal_set_doubt(struct db *journal) TERMINAL_CHECKED;
/* The same, and numbers go on above counter. */
terminal_status journal_put_back(struct db *journal, uint32_t counter) TERMINAL_CHECKED;
terminal_status journal_counts(struct db *journal,
                               struct stiver_terminal_info *info) TERMINAL_CHECKED;

/* ---- journal_entry.c: business ---- */

/* Draws intent->number and stores the intent as open. */
terminal_status journal_begin(struct db *journal, struct intent *intent) TERMINAL_CHECKED;
terminal_status journal_reject(struct db *journal, uint32_t number) TERMINAL_CHECKED;
terminal_status journal_abandon(struct db *journal, uint32_t number,
                                bool is_recovered) TERMINAL_CHECKED;
/* The receipt, the card's certificate (data NULL: the one that is here already), and, unless NULL,
 * the handle by which the card is met again. A number that is not open: UNKNOWN_NUMBER, and nothing
 * is kept. */
terminal_status journal_finish(struct db *journal, uint32_t number,
                               const uint8_t document[RECEIPT_BYTES], bool is_recovered,
                               const uint8_t card[CARD_NUMBER_BYTES], struct piece certificate,
                               const uint8_t *handle) TERMINAL_CHECKED;
/* The lowest open intent of this card above a number. *found false: none. */
terminal_status journal_next_open(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                  uint32_t above, struct intent *intent,
                                  bool *found) TERMINAL_CHECKED;
/* Sum of this card's payments under this certificate of ours, open ones counted. */
terminal_status journal_paid(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                             const uint8_t host_id[HOST_ID_BYTES], uint64_t *sum) TERMINAL_CHECKED;
/* The youngest recovered, unclaimed receipt of this kind, card, amount, not older than since; it is
 * claimed from now on. */
terminal_status journal_claim(struct db *journal, enum document_kind kind,
                              const uint8_t card[CARD_NUMBER_BYTES], struct money amount,
                              uint32_t since, uint8_t document[RECEIPT_BYTES],
                              bool *found) TERMINAL_CHECKED;
/* True if a load receipt of this card has not reached the bank. */
terminal_status journal_has_load(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                 bool *has_load) TERMINAL_CHECKED;
/* True if this card's block receipt is here. */
terminal_status journal_is_blocked(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                   bool *is_blocked) TERMINAL_CHECKED;
/* A receipt that is not of this terminal's business (another's block receipt). */
terminal_status journal_keep_foreign(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                     uint32_t card_counter, const uint8_t document[RECEIPT_BYTES],
                                     struct piece certificate) TERMINAL_CHECKED;
/* untold: only what was recovered and not told; what was visited counts as told, and with claim as
 * claimed. */
terminal_status journal_entries(struct db *journal, uint32_t scheme, uint32_t first, bool untold,
                                bool claim, stiver_terminal_entry_visit *visit,
                                void *context) TERMINAL_CHECKED;

/* ---- journal_card.c: known cards, orders to carry ---- */

/* The certificate of the card that a handle names; 0 bytes: unknown. */
terminal_status journal_find_handle(struct db *journal, const uint8_t handle[HANDLE_BYTES],
                                    uint8_t certificate[CERTIFICATE_BYTES_MAX],
                                    size_t *bytes) TERMINAL_CHECKED;
terminal_status journal_forget_handle(struct db *journal,
                                      const uint8_t handle[HANDLE_BYTES]) TERMINAL_CHECKED;
/* Orders wait for their card, one a kind. *bytes 0: none. */
terminal_status journal_carried(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                enum document_kind kind, uint8_t message[ORDER_MESSAGE_BYTES_MAX],
                                size_t *bytes) TERMINAL_CHECKED;
terminal_status journal_carry(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                              enum document_kind kind, struct piece message) TERMINAL_CHECKED;
terminal_status journal_carried_done(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                     enum document_kind kind) TERMINAL_CHECKED;

/* ---- journal_upload.c: what goes to the bank ---- */

struct journal_upload {
    uint8_t id[LINK_ID_BYTES];
    uint32_t count;
};
/* The request that waits for its answer; request->data NULL: none. */
terminal_status journal_upload_pending(struct db *journal, struct journal_upload *upload,
                                       struct stiver_terminal_bytes *request) TERMINAL_CHECKED;
/* Writes the entries that the bank has not answered, at most LINK_UPLOAD_MAX, and remembers their
 * order in this upload; journal_upload_keep makes it durable with the request. A transaction is
 * open in between. *memory is fresh. */
terminal_status journal_upload_collect(struct db *journal, uint8_t **memory, size_t *bytes,
                                       uint32_t *count) TERMINAL_CHECKED;
terminal_status journal_upload_keep(struct db *journal, const struct journal_upload *upload,
                                    const struct stiver_terminal_bytes *request) TERMINAL_CHECKED;

/* An answer, verified, to be taken in one step. */
struct journal_answer {
    uint32_t highest;
    const uint8_t *results;         /* upload's count of them */
    struct reader acknowledgements; /* as in the answer; checked */
    uint32_t acknowledgements_count;
    struct piece list, certificate; /* 0 bytes: none */
    const uint8_t *host_id;         /* of certificate */
};
terminal_status journal_upload_take(struct db *journal, const struct journal_upload *upload,
                                    const struct journal_answer *answer) TERMINAL_CHECKED;

/* ---- statements, in the order of journal.c's table ---- */

enum journal_statement {
#define X(name, sql) JOURNAL_##name,
#include "terminal/journal.def"
#undef X
    JOURNAL_STATEMENT_COUNT
};

#endif
