/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settlement: a batch of what one terminal brought. Signatures are verified first, without a
 * transaction and entry by entry independently; then the whole batch is booked in one.
 */
#ifndef BANK_SETTLE_H
#define BANK_SETTLE_H

#include "bank/inside.h"

struct entry {
    enum upload_kind kind;
    const uint8_t *bytes; /* borrowed: a receipt document or a certificate */
    size_t length;
    struct receipt receipt;          /* of a receipt that decoded */
    uint8_t hash[SHA256_BYTES];      /* of the whole document */
    uint8_t content[SHA256_BYTES];   /* what is signed, without the signature */
    bool is_valid;                   /* a receipt under the registered card's key */
    uint8_t card[CARD_NUMBER_BYTES]; /* abandoned */
    uint32_t terminal_counter;
    uint8_t document_kind;
    enum upload_result result;
};

struct batch {
    struct terminal_record *uploader; /* its counter grows with what it reports */
    struct entry *entries;
    size_t count;
    bool has_listed; /* a card was listed on the way */
};

/* Decodes a receipt and verifies it under the registered card's key; fills its hashes and
 * is_valid. */
enum stiver_bank_status settle_verify(struct stiver_bank *bank, struct entry *entry) BANK_CHECKED;
/* Books one verified entry inside a transaction; fills result. */
enum stiver_bank_status settle_entry(struct stiver_bank *bank, struct batch *batch,
                                     struct entry *entry) BANK_CHECKED;

/* ---- between settle.c and conflict.c ---- */

/* The certificate that a receipt names, if everything that it says of it holds; STORE_NONE if not.
 */
enum store_status settle_certificate(struct stiver_bank *bank, const struct receipt *receipt,
                                     struct terminal_certificate_record *certificate) BANK_CHECKED;
/* Another receipt has this card counter. */
enum stiver_bank_status conflict_settle(struct stiver_bank *bank, struct batch *batch,
                                        struct card_record *card, struct entry *entry) BANK_CHECKED;
/* A sale that its terminal gave up. */
enum stiver_bank_status abandoned_settle(struct stiver_bank *bank, struct batch *batch,
                                         struct entry *entry) BANK_CHECKED;

#endif
