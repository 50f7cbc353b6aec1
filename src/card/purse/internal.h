/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the purse share: its state, its records, and the way to a receipt. */
#ifndef CARD_PURSE_INTERNAL_H
#define CARD_PURSE_INTERNAL_H

#include "card/purse/purse.h"
#include "scheme/list.h"
#include "scheme/order.h"
#include "scheme/receipt.h"

/* ---- records of OWNER_PURSE in the tear-safe memory ---- */

enum purse_record {
    PURSE_RECORD_LEDGER = 0x01,
    /* Alone, so that spending a try rewrites few bytes:
     * tries left 1 | terminal of the last wrong try 8 (zero: none yet) */
    PURSE_RECORD_TRIES = 0x02,
    PURSE_RECORD_PIN = 0x03,           /* digits in ASCII, padded with FF to PIN_BYTES */
    PURSE_RECORD_BLOCK_RECEIPT = 0x04, /* the whole document */
    PURSE_RECORD_LOG = 0x40,           /* and LOG_SLOTS - 1 more: whole receipt documents */
};
#define PURSE_RECORD_VERSION 1u

/* The last order of a kind that the card took: its counter and number, and the card counter of the
 * receipt that says so, for a repeat. All zero before the first. */
struct order_track {
    uint32_t counter, number, card_counter;
};

/* All that the purse must not forget, PIN and receipts apart. */
struct ledger {
    enum purse_state state;
    struct money balance;
    uint32_t points;
    uint32_t card_counter; /* of the last receipt; 0 before the first */
    struct order_track load, refund;
    struct acknowledgement acknowledged;
    struct policy policy;
    uint32_t policy_generation, policy_number; /* of the policy order; 0, 0: none was taken */
    uint32_t pinless_count, pinless_total;     /* payments since the last one with the PIN */
    uint32_t list_sequence;                    /* highest list that named this card */
};
#define LEDGER_BYTES 101u

/* What an order's or a list's signing key allows, kept without its certificate. */
struct signer {
    uint32_t end, generation;
};

/* BLOCK's path between its parts. */
struct block_run {
    bool is_running;
    struct list_path path;
    uint8_t root[SHA256_BYTES];
    uint32_t sequence, start, end; /* of the list */
    struct signer signer;
    uint32_t terminal_counter, time;
    uint8_t reference[REFERENCE_BYTES];
};

/* In card->application_memory: the committed ledger and what lives no longer than the power. */
struct purse {
    struct ledger ledger;
    bool has_paid;          /* a payment committed since power-up */
    bool is_pin_verified;   /* in this channel, and not used yet */
    struct block_run block; /* of this channel */
};

_Static_assert(sizeof(struct purse) <= APPLICATION_MEMORY_BYTES, "struct purse is too large");

struct purse *purse_of(struct card *card);
const struct purse *purse_view(const struct card *card);

/* ---- ledger.c ---- */

void ledger_encode(const struct ledger *ledger, uint8_t out[LEDGER_BYTES]);
bool ledger_decode(const uint8_t *bytes, size_t length, struct ledger *ledger) SCHEME_CHECKED;
/* Reads a record of exactly bytes. NOT_THERE, or MEMORY (also for another length). */
enum status purse_read(struct card *card, uint8_t record, uint8_t *out,
                       size_t bytes) SCHEME_CHECKED;
/* Puts the encoded ledger into the transaction that is open. */
enum status ledger_put(struct card *card, const struct ledger *next) SCHEME_CHECKED;
/* One transaction of the ledger alone; afterwards *next is what the purse holds. */
enum status ledger_commit(struct card *card, const struct ledger *next) SCHEME_CHECKED;

/* ---- log.c ---- */

/* OK if one more receipt may be kept, LOG_FULL if not. */
enum status log_has_room(const struct ledger *ledger) SCHEME_CHECKED;
/* OK if one more card counter may be taken, EXHAUSTED if not. */
enum status log_has_counter(const struct ledger *ledger) SCHEME_CHECKED;
uint8_t log_free_slots(const struct ledger *ledger);
/* The receipt of a card counter. NOT_THERE, MEMORY. */
enum status log_read(struct card *card, uint32_t card_counter,
                     uint8_t document[RECEIPT_BYTES]) SCHEME_CHECKED;
/* The receipt that a terminal got under a number of its own. NOT_THERE, MEMORY. */
enum status log_find(struct card *card, const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                     uint32_t terminal_counter, struct receipt *receipt,
                     uint8_t document[RECEIPT_BYTES]) SCHEME_CHECKED;
/* The same for the terminal at the other end, before it gets a new one: quick when the number is
 * new, and then no word to anybody else. */
enum status log_find_own(struct card *card, uint32_t terminal_counter, struct receipt *receipt,
                         uint8_t document[RECEIPT_BYTES]) SCHEME_CHECKED;
/* A receipt of this kind for the terminal at the other end, zero where the kind decides. */
void receipt_begin(const struct card *card, enum document_kind kind, const struct sale *sale,
                   struct receipt *receipt);
/* The one way in which money moves. Gives *receipt the next card counter, the balance of *next and
 * random bytes, signs it into document, and commits it with *next; afterwards *next is what the
 * purse holds. order_track, inside *next or NULL, learns the card counter. */
enum status receipt_commit(struct card *card, struct receipt *receipt, struct ledger *next,
                           struct order_track *track,
                           uint8_t document[RECEIPT_BYTES]) SCHEME_CHECKED;
/* What both together name. */
struct acknowledgement acknowledgement_merge(struct acknowledgement a, struct acknowledgement b);

/* ---- order.c ---- */

/* What the scheme room's decoders said, as the card's answer. OK for DOCUMENT_OK. */
enum status purse_document_status(enum document_status status) SCHEME_CHECKED;
/* OK if a document with that end, under that signer, is still good: OLD below the generation floor,
 * EXPIRED if either ended before the card's time. */
enum status document_is_current(const struct card *card, uint32_t end,
                                const struct signer *signer) SCHEME_CHECKED;

/* ---- pin.c ---- */

#define PIN_TRIES 5u
#define PIN_DRAWN_DIGITS 4u
#define TRIES_BYTES (1u + TERMINAL_NUMBER_BYTES)

/* Draws a PIN. FAILED. */
enum status pin_draw(uint8_t pin[PIN_BYTES]) SCHEME_CHECKED;
/* Puts a PIN with all its tries into the open transaction. */
enum status pin_put_first(struct card *card, const uint8_t pin[PIN_BYTES]) SCHEME_CHECKED;
/* Tries left. MEMORY. */
enum status pin_tries(struct card *card, uint8_t *left) SCHEME_CHECKED;

/* ---- handlers (scheme/commands.def) ---- */

enum status purse_get_state(struct card *, const struct apdu_command *, struct writer *);
enum status purse_read_status(struct card *, const struct apdu_command *, struct writer *);
enum status purse_store_certificates(struct card *, const struct apdu_command *, struct writer *);
enum status purse_issue(struct card *, const struct apdu_command *, struct writer *);
enum status purse_pay(struct card *, const struct apdu_command *, struct writer *);
enum status purse_load(struct card *, const struct apdu_command *, struct writer *);
enum status purse_refund(struct card *, const struct apdu_command *, struct writer *);
enum status purse_apply_order(struct card *, const struct apdu_command *, struct writer *);
enum status purse_read_receipt(struct card *, const struct apdu_command *, struct writer *);
enum status purse_read_log(struct card *, const struct apdu_command *, struct writer *);
enum status purse_block(struct card *, const struct apdu_command *, struct writer *);
enum status purse_get_block_receipt(struct card *, const struct apdu_command *, struct writer *);
enum status purse_read_pin(struct card *, const struct apdu_command *, struct writer *);
enum status purse_verify_pin(struct card *, const struct apdu_command *, struct writer *);
enum status purse_change_pin(struct card *, const struct apdu_command *, struct writer *);

#endif
