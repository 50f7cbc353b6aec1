/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit's own reading of the documents: every signature verified again, and what the books must
 * hold computed from nothing else. It shares no code and no record with settlement, so that an
 * error there does not repeat itself here.
 */
#ifndef BANK_REPLAY_H
#define BANK_REPLAY_H

#include "bank/campus/replay.h"
#include "bank/store.h"
#include "bank/table.h"

struct replay_authority {
    enum certificate_type type;
    struct certificate_authority authority;
};

struct replay_card {
    uint8_t receipt_key[PUBLIC_KEY_BYTES];
    int64_t balance;
    uint32_t listed, received, highest;
};

struct replay_terminal_certificate {
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint32_t merchant, limit, start, end;
    bool paid_conflict;
};

struct replay_order {
    uint32_t number, undo_number, amount;
    struct account source;
    enum order_state state;
};

struct replay_receipt {
    uint8_t hash[SHA256_BYTES];
    uint8_t card[CARD_NUMBER_BYTES];
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint32_t terminal_counter, merchant, amount;
    enum document_kind kind;
    enum receipt_state state;
};

/* A receipt that met another's card counter. */
struct replay_conflict {
    struct receipt receipt;
    bool was_paid;
};

struct replay {
    uint32_t scheme;
    uint16_t currency;
    struct certificate_authority root;
    struct table authorities;  /* id 4 */
    struct table cards;        /* number 8 */
    struct table fingerprints; /* 16 */
    struct table listed;       /* terminal 8: time */
    struct table orders;       /* kind 4 | counter 4 | card 8 */
    struct table receipts;     /* counter 4 | card 8 */
    struct table by_hash;      /* 32: key of receipts */
    struct table by_number;    /* terminal counter 4 | terminal 8: key of receipts, the first */
    struct table conflicts;    /* 32, of what is signed */
    struct table abandoned;    /* terminal counter 4 | terminal 8: card */
    struct campus_replay campus;
    struct posting_record *expected; /* owned */
    size_t expected_count, expected_capacity;
    struct stiver_bank_audit *audit;
    stiver_bank_finding_visit *visit;
    void *context;
};

void replay_init(struct replay *replay);
void replay_free(struct replay *replay);
/* One document, in the order of their numbers. */
enum store_status replay_document(void *replay, const struct document_record *document);
/* Names a finding. */
void replay_find(struct replay *replay, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Names a document, and goes on. */
enum store_status replay_bad(struct replay *replay, const struct document_record *document,
                             const char *why);
/* The document asks for this posting; card may be NULL, an amount of 0 asks for none. */
enum store_status replay_expect(struct replay *replay, int64_t document, struct account from,
                                struct account to, const uint8_t *card, uint32_t amount);

/* Keys of the tables above. */
struct replay_order_key {
    uint32_t kind, counter;
    uint8_t card[CARD_NUMBER_BYTES];
};
struct replay_number_key {
    uint32_t counter;
    uint8_t owner[8]; /* card or terminal */
};
struct replay_number_key replay_key(uint32_t counter, const uint8_t owner[8]);

#endif
