/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole TEST scheme for the tests of every room: root, authorities, working keys, and terminals
 * and cards under them. All keys are made anew in each run and are worth nothing. Whatever cannot
 * be made ends the program with a sentence; nothing here returns an error.
 */
#ifndef TESTS_SCHEME_FIXTURES_H
#define TESTS_SCHEME_FIXTURES_H

#include "scheme/certificate.h"
#include "scheme/list.h"
#include "scheme/order.h"

#define FIXTURE_SCHEME 0x54455354u /* "TEST" */
#define FIXTURE_CURRENCY 978u
#define FIXTURE_MERCHANT 0x4D455243u
#define FIXTURE_ROOT_ID 1u
/* 2026-11-21T12:00:00Z; every certificate holds then. */
#define FIXTURE_NOW 1795262400u
#define FIXTURE_DAY 86400u

struct fixture_pair {
    uint8_t private_key[PRIVATE_KEY_BYTES];
    uint8_t public_key[PUBLIC_KEY_BYTES];
};

/* A certificate and the private half of the key in its 7F49. */
struct fixture_certificate {
    struct certificate fields;
    struct fixture_pair keys;
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    size_t length;
};

struct fixture_scheme {
    struct fixture_pair root_keys;
    struct certificate_authority root;
    struct fixture_certificate card_authority; /* of a test scheme */
    struct fixture_certificate terminal_authority;
    struct fixture_certificate orders;   /* load, refund; up to 100.00 EUR */
    struct fixture_certificate policies; /* policy, acknowledgement */
    struct fixture_certificate answers;
    struct fixture_certificate lists;
};

struct fixture_pair fixture_pair_make(void);
void fixture_scheme_make(struct fixture_scheme *s);

/* A terminal with all classes of its role, seven days from the day before FIXTURE_NOW, 50.00 EUR
 * offline. number: last bytes of its terminal number. */
void fixture_terminal_make(const struct fixture_scheme *s, enum terminal_role role, uint32_t number,
                           struct fixture_certificate *terminal);
/* A virtual card for five years; *receipt_keys is its second pair. */
void fixture_card_make(const struct fixture_scheme *s, uint32_t number,
                       struct fixture_certificate *card, struct fixture_pair *receipt_keys);

/* Encodes c->fields (its key included) and signs them: c->bytes and c->length are made anew. For
 * tests that change a field of a certificate made above. */
void fixture_certificate_seal(struct fixture_certificate *c, const struct fixture_pair *issuer);

/* Appends the signature to a document of unsigned_bytes; document holds SIGNATURE_BYTES more. */
void fixture_sign(uint8_t *document, size_t unsigned_bytes, const struct fixture_pair *signer);

/* Order message (document | certificate), or the document alone of a root order. */
size_t fixture_order(const struct fixture_scheme *s, const struct order *order, uint8_t *out,
                     size_t capacity);
/* An order of this kind for this card, sound in every field: amount 20.00 EUR, counter 1, number 1,
 * one day from FIXTURE_NOW. */
struct order fixture_order_fields(enum document_kind kind, const uint8_t card[CARD_NUMBER_BYTES]);
/* List message (head | certificate) over count ascending numbers (at most 1000). */
size_t fixture_list(const struct fixture_scheme *s, uint32_t sequence, const uint8_t *numbers,
                    uint32_t count, uint8_t *out, size_t capacity);
/* Anchors of the scheme with root KVN and authority KVN 1. */
size_t fixture_anchors(const struct fixture_scheme *s, uint8_t *out, size_t capacity);

#endif
