/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the bank's campus part share. */
#ifndef BANK_CAMPUS_INSIDE_H
#define BANK_CAMPUS_INSIDE_H

#include <stiver/campus_bank.h>

#include "bank/inside.h"
#include "base/date.h"

/* No end of a certificate lies below: a counter never looks like one (scheme/campus.h). */
#define CAMPUS_END_MIN (CAMPUS_COUNTER_MAX + 1u)
/* Cards' IDs have this bit, and no counter, amount or terminal's ID has it. */
#define CAMPUS_CARD_BIT 0x80000000u
/* A terminal's clock may be behind the bank's by so much. */
#define CAMPUS_TOLERANCE DAY_SECONDS

/* ---- key.c ---- */

/* Reads the key of the back end into the keyring; REFUSED with a sentence if the campus purse is
 * off. Every call begins with it. */
enum stiver_bank_status bank_campus_open(struct stiver_bank *bank) BANK_CHECKED;
/* By the back end. KEY_MISSING, PASSPHRASE, DAMAGED, CRYPTO. */
enum stiver_bank_status bank_campus_sign(struct stiver_bank *bank, enum rsa_hash hash,
                                         const uint8_t *data, size_t bytes,
                                         uint8_t signature[CAMPUS_RSA_BYTES]) BANK_CHECKED;
/* Fills in the signature. */
enum stiver_bank_status bank_campus_certify(struct stiver_bank *bank,
                                            struct campus_certificate *certificate) BANK_CHECKED;
/* Whether the back end signed it. */
enum verdict bank_campus_is_ours(const struct stiver_bank *bank,
                                 const struct campus_certificate *certificate) BANK_CHECKED;

/* IDs as the records of the whole bank hold them: in the last four of eight bytes. */
struct campus_number {
    uint8_t bytes[8];
};
struct campus_number bank_campus_number(uint32_t id);
/* 0: none. */
enum stiver_bank_status bank_campus_ring(struct stiver_bank *bank, uint32_t card, uint32_t terminal,
                                         const char *text) BANK_CHECKED;
enum stiver_bank_status bank_campus_keep(struct stiver_bank *bank, enum document_type type,
                                         uint32_t terminal, const uint8_t *bytes, size_t length,
                                         int64_t *id) BANK_CHECKED;
/* start: of the term; 0 for a card, and for a terminal that was certified elsewhere. */
enum stiver_bank_status bank_campus_keep_certificate(
    struct stiver_bank *bank, uint32_t terminal, uint32_t start,
    const struct campus_certificate *certificate) BANK_CHECKED;
enum stiver_bank_status bank_campus_post(struct stiver_bank *bank, int64_t document,
                                         struct account from, struct account to, uint32_t card,
                                         uint32_t amount) BANK_CHECKED;
static inline struct account bank_campus_till(uint32_t terminal)
{
    return (struct account){ACCOUNT_CAMPUS_TILL, terminal};
}
/* Last second of the day, days from now (today is the first); 0 if it lies beyond 32 bits, or
 * before any end may lie. */
uint32_t bank_campus_end_after(uint32_t now, unsigned days);

/* ---- list.c ---- */

/* Puts a card on the list and writes its record, unless it is on it; the list itself is signed by
 * bank_campus_publish. */
enum stiver_bank_status bank_campus_list_enter(struct stiver_bank *bank,
                                               struct campus_card_record *card) BANK_CHECKED;
/* Signs a new list. */
enum stiver_bank_status bank_campus_publish(struct stiver_bank *bank) BANK_CHECKED;
/* Signs a new one if half of the newest one's term is over, or if there is none. */
enum stiver_bank_status bank_campus_refresh(struct stiver_bank *bank) BANK_CHECKED;

/* ---- terminal.c ---- */

/* Certifies a terminal for so many days and takes down its term; a station is certified by nobody,
 * its term is kept all the same. */
enum stiver_bank_status bank_campus_terminal_certify(struct stiver_bank *bank,
                                                     struct campus_terminal_record *terminal,
                                                     unsigned days,
                                                     struct campus_term_record *term) BANK_CHECKED;

/* ---- card.c ---- */

/* Draws an ID for a station. */
enum stiver_bank_status bank_campus_card_draw(struct stiver_bank *bank, uint32_t station,
                                              struct campus_card_record *card) BANK_CHECKED;
/* Certifies a card under the ID and the end that were drawn for this station. CONFLICT. */
enum stiver_bank_status bank_campus_card_certify(struct stiver_bank *bank, uint32_t station,
                                                 const struct campus_certificate *wanted,
                                                 uint8_t signature[CAMPUS_RSA_BYTES]) BANK_CHECKED;

/* ---- settle.c ---- */

struct campus_item {
    struct campus_upload upload;
    const char *why;  /* it is no valid document; NULL: it is one. Static */
    bool is_stranger; /* certified by us, but in no register of ours */
    bool is_of_file;  /* from a log of the source, which says nothing of how business ended */
    enum upload_result result;
};

struct campus_batch {
    struct campus_terminal_record terminal; /* who brings it */
    struct campus_item *items;
    size_t count;
    bool has_listed;
};

/* Verifies what is signed, against the register; needs no transaction. CRYPTO: nothing is known. */
enum stiver_bank_status bank_campus_item_verify(struct stiver_bank *bank, uint32_t terminal,
                                                struct campus_item *item) BANK_CHECKED;
/* Books one item, inside a transaction. */
enum stiver_bank_status bank_campus_item_settle(struct stiver_bank *bank,
                                                struct campus_batch *batch,
                                                struct campus_item *item) BANK_CHECKED;
/* The list, where the batch needs a new one. */
enum stiver_bank_status bank_campus_batch_end(struct stiver_bank *bank,
                                              const struct campus_batch *batch) BANK_CHECKED;

/* ---- outcome.c ---- */

/* What an item says of a receipt that is held: the same again, the end of what was open, or the
 * contrary of what was said before. */
enum stiver_bank_status bank_campus_say_again(struct stiver_bank *bank,
                                              struct campus_receipt_record *held,
                                              enum campus_outcome outcome,
                                              enum upload_result *result) BANK_CHECKED;
/* Adds to a card's shadow; an alarm rings where it falls below zero. Writes the card. */
enum stiver_bank_status bank_campus_shade(struct stiver_bank *bank, struct campus_card_record *card,
                                          uint32_t terminal, int64_t change) BANK_CHECKED;

/* ---- upload.c ---- */

struct campus_request {
    uint64_t list_end_ms;
    uint32_t own_end;
    struct campus_batch batch; /* items are owned */
};
/* Takes the body apart and verifies; nothing is booked. bank_campus_upload_free afterwards,
 * whatever it answers. */
enum stiver_bank_status bank_campus_upload_open(struct stiver_bank *bank, uint32_t terminal,
                                                struct reader *body,
                                                struct campus_request *request) BANK_CHECKED;
/* Books it inside a transaction and writes the answer's body; *answer is allocated. */
enum stiver_bank_status bank_campus_upload_book(struct stiver_bank *bank,
                                                struct campus_request *request,
                                                struct store_blob *answer) BANK_CHECKED;
void bank_campus_upload_free(struct campus_request *request);

#endif
