/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bank with the campus purse turned on, in a temporary directory with real SQLite: a station, a
 * point of sale, a reload terminal, and cards that sign as real ones do. All keys are test keys.
 * field_close() holds the books together and lets the audit agree, after every test.
 */
#ifndef TESTS_BANK_CAMPUS_FIELD_H
#define TESTS_BANK_CAMPUS_FIELD_H

#include "harness.h"

#include <stiver/campus_bank.h>

#include "bank/evp_rsa.h"
#include "keys.h"
#include "scheme/campus_link.h"

#define FIELD_MERCHANT 7u
#define FIELD_CREDIT 5000u

struct party {
    EVP_PKEY *pair;
    uint8_t modulus[CAMPUS_RSA_BYTES];
    uint32_t id, end, counter;
    uint8_t certificate[CAMPUS_RSA_BYTES]; /* signature */
};

struct field {
    struct world w;
    struct party back_end, station, pos, reload, card;
};

/* Without id and certificate. */
struct party party_of(enum test_key key);
void party_sign(const struct party *by, enum rsa_hash hash, const uint8_t *text, size_t bytes,
                uint8_t signature[CAMPUS_RSA_BYTES]);
/* Signs a certificate into party->certificate. */
void party_certify(const struct party *back_end, struct party *party, uint32_t usage);

void field_open(struct field *f);
void field_close(struct field *f);
/* For tests that damage something. */
void field_remove(struct field *f);
/* The source's file of a back end's private key. */
size_t field_pem(enum test_key key, uint8_t out[CAMPUS_PEM_BYTES_MAX]);
size_t field_public_pem(const struct party *party, uint8_t out[CAMPUS_PEM_BYTES_MAX]);
void field_enrol(struct field *f, struct party *party, enum campus_role role);
/* Over the link: ID, end, certificate. */
void field_personalise(struct field *f, struct party *card);

/* One request with this id, or a fresh one; the answer's signature is checked. */
struct reply field_call(struct field *f, const struct party *terminal, enum campus_link_type type,
                        const uint8_t *body, size_t bytes, const uint8_t *id);
/* The request alone, allocated. */
uint8_t *field_request(const struct party *terminal, enum campus_link_type type,
                       const uint8_t *body, size_t body_bytes, const uint8_t *id, size_t *bytes);

/* The card's next receipt, for this terminal; time 0: now. */
struct campus_upload field_receipt(struct field *f, struct party *card,
                                   const struct party *terminal, uint32_t amount, uint32_t time,
                                   enum campus_outcome outcome);
/* Signs what stands in the upload. */
void field_sign(const struct party *card, struct campus_upload *upload);
/* Uploads one; gives its result. */
enum upload_result field_upload(struct field *f, const struct party *terminal,
                                const struct campus_upload *upload);
enum upload_result field_outcome(struct field *f, const struct party *terminal, uint32_t card,
                                 uint32_t counter, enum campus_outcome outcome);
/* A load, done and uploaded: the card holds amount more. */
void field_load(struct field *f, struct party *card, uint32_t amount);
struct stiver_campus_card field_card(struct field *f, uint32_t id);

#endif
