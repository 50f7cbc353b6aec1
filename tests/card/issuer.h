/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bank small enough for the card's tests: root, both authorities, one working key that may sign
 * everything, terminals, and the card's own certificates. Keys are made anew in each run.
 */
#ifndef TESTS_CARD_ISSUER_H
#define TESTS_CARD_ISSUER_H

#include "crypto/crypto.h"
#include "scheme/certificate.h"
#include "scheme/list.h"
#include "scheme/order.h"
#include "scheme/statement.h"

#define ISSUER_SCHEME 0x57495645u
#define ISSUER_CURRENCY 978u
#define ISSUER_ROOT_ID 0x52000001u
#define ISSUER_CARD_AUTHORITY_ID 0x43000001u
#define ISSUER_TERMINAL_AUTHORITY_ID 0x54000001u
#define ISSUER_WORKING_ID 0x57000001u
#define ISSUER_ROOT_VERSION 0x01u
#define ISSUER_AUTHORITY_VERSION 0x02u
#define ISSUER_GENERATION 3u
/* 2026-03-02T00:00:00Z: the authorities' first day, and the day the tests play on is ten later. */
#define ISSUER_START 1772409600u
#define ISSUER_TODAY (ISSUER_START + 10u * 86400u)

struct key_pair {
    uint8_t private_key[PRIVATE_KEY_BYTES];
    uint8_t public_key[PUBLIC_KEY_BYTES];
};

struct signed_certificate {
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    size_t length;
};

struct issuer {
    struct key_pair root, card_authority, terminal_authority, working;
    struct signed_certificate card_authority_certificate, terminal_authority_certificate,
        working_certificate;
    uint8_t anchors[ANCHORS_BYTES_MAX];
    size_t anchors_bytes;
};

struct test_terminal {
    struct key_pair key;
    struct signed_certificate certificate;
    uint8_t host_id[HOST_ID_BYTES];
    uint8_t number[TERMINAL_NUMBER_BYTES];
};

/* Every function here fails the test that calls it if the crypto library or an encoder refuses. */

void key_pair_make(struct key_pair *pair);
/* flags: AUTHORITY_FLAG_TEST_SCHEME or 0, for the card authority. */
void issuer_found(struct issuer *issuer, uint8_t flags);
/* Signs what c says under that key; nothing of c is checked beyond what can be encoded. */
void issuer_certify(const struct certificate *c, const struct key_pair *authority,
                    struct signed_certificate *out);
/* A terminal's certificate of seven days around today with all that its role may; the caller may
 * change fields before terminal_certify. */
struct certificate issuer_terminal_fields(enum terminal_role role, uint8_t number);
void issuer_terminal(const struct issuer *issuer, const struct certificate *fields,
                     struct test_terminal *terminal);
/* The card's certificate: what its statement says, for a year. */
struct certificate issuer_card_fields(const struct statement *statement);
/* Appends the signature; returns the whole document's bytes. */
size_t issuer_sign(const struct key_pair *key, uint8_t *document, size_t unsigned_bytes);
/* A message: order, signature, working key's certificate. Root orders have no certificate. */
size_t issuer_order(const struct issuer *issuer, const struct order *order,
                    uint8_t out[ORDER_MESSAGE_BYTES_MAX]);
/* An order of this kind and number for a card (NULL: any), good from today for ten days. */
struct order issuer_order_fields(enum document_kind kind, const uint8_t *card, uint32_t number);

#endif
