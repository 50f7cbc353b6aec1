/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bank in a temporary directory with real SQLite, and what it has to do with: terminals that
 * speak the link, cards that sign. Whatever must work and does not fails the test at its own line.
 * world_close() holds the books together and lets the audit agree, after every test.
 */
#ifndef TESTS_BANK_HARNESS_H
#define TESTS_BANK_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stiver/bank.h>

#include "bank/evp.h"
#include "scheme/link.h"
#include "scheme/list.h"

#define WORLD_SCHEME 0x54455354u
#define WORLD_NOW 1795262400u /* 2026-11-21T12:00:00Z */
#define WORLD_EUR 978u
#define WORLD_DAY 86400u

struct world {
    char parent[64], directory[80];
    uint32_t now;
    struct stiver_bank *bank;
};

struct terminal {
    EVP_PKEY *pair;
    uint8_t number[8];
    uint8_t link_key[64];
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    size_t certificate_bytes;
    uint8_t fingerprint[16];
    uint32_t merchant, counter;
};

struct card {
    EVP_PKEY *channel, *receipt;
    uint8_t serial[8], transport_key[16], number[8];
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    size_t certificate_bytes;
    uint32_t counter, balance, load_counter, refund_counter;
};

struct reply {
    enum stiver_bank_status status;
    enum link_result result;
    struct stiver_bank_bytes whole; /* owned */
    struct reader body;
};

struct stiver_bank_environment world_environment(struct world *w);
struct stiver_bank_founding world_founding(void);
struct stiver_bank_secret world_passphrase(void);
void world_open(struct world *w);
/* Fails if the books do not balance or the audit finds anything. */
void world_close(struct world *w);
/* For tests that damage something: only removes. */
void world_remove(struct world *w);
void world_reopen(struct world *w);
/* Runs SQL on the bank's file, from outside. */
void world_sql(struct world *w, const char *sql);
int64_t world_balance(struct world *w, const char *account);
uint64_t world_alarms(struct world *w);
struct stiver_bank_card world_card(struct world *w, const struct card *card);

void terminal_enrol(struct world *w, struct terminal *t, enum terminal_role role, uint32_t merchant,
                    uint32_t credit);
void terminal_free(struct terminal *t);
/* One request with a fresh id, or this one. The reply's tag is checked. */
struct reply link_call(struct world *w, const struct terminal *t, enum link_type type,
                       const uint8_t *body, size_t bytes, const uint8_t *id);
void reply_free(struct reply *r);

/* A virtual card, from stock to certificate. */
void card_make(struct world *w, struct terminal *station, struct card *card);
void card_free(struct card *card);
/* The card's answer to INITIALIZE; reply is LINK_STOCK's. */
void card_state_keys(const struct card *card, struct reader stock_reply,
                     uint8_t out[STATEMENT_ANSWER_BYTES]);

/* The card signs: fields that are not given follow from card and terminal. */
struct receipt card_receipt(struct card *card, struct terminal *t, enum document_kind kind,
                            uint32_t amount);
void card_sign(const struct card *card, const struct receipt *receipt, uint8_t out[RECEIPT_BYTES]);
/* card_receipt and card_sign for a payment. */
void card_pay(struct card *card, struct terminal *t, uint32_t amount, uint8_t out[RECEIPT_BYTES]);
/* Load order over the link. */
struct reply ask_load(struct world *w, const struct terminal *kiosk, const struct card *card,
                      uint32_t counter, uint32_t amount);
/* Takes an order message: the receipt of it. */
void card_take(struct card *card, struct terminal *t, const uint8_t *message, size_t bytes,
               uint8_t out[RECEIPT_BYTES]);
/* Ask, take, upload: the card has amount more. */
void card_load(struct world *w, struct terminal *kiosk, struct card *card, uint32_t amount);

struct parcel {
    uint8_t *bytes;
    size_t used, capacity;
    uint32_t count;
};
void parcel_receipt(struct parcel *p, const uint8_t receipt[RECEIPT_BYTES],
                    const struct card *card);
void parcel_abandoned(struct parcel *p, const struct card *card, uint32_t terminal_counter);
/* Uploads and frees the parcel; results holds count bytes. Gives the reply behind the results. */
struct reply parcel_upload(struct world *w, const struct terminal *t, struct parcel *p,
                           uint8_t *results, struct reader *rest);
enum upload_result upload_one(struct world *w, const struct terminal *t,
                              const uint8_t receipt[RECEIPT_BYTES], const struct card *card);

#endif
