/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a blank card is given and what it states.
 *
 *   anchors        = scheme 4 | currency 2 | root KVN 1 | root key 64 | authority KVN 1 |
 *                    terminal authority's certificate (7F21, signed by the root)
 *   INITIALIZE     = nonce 16 | bank's ephemeral key 64 | anchors
 *   key statement  = document of kind 20 with body
 *                    serial 8 | card 8 | channel key 64 | receipt key 64 | SHA-256(anchors) 32 |
 *                    firmware 4 | class 1 | nonce 16                                       (197)
 *   INITIALIZE's answer = key statement | tag 16 | MAC 16                                  (299)
 *
 * The statement is signed with the receipt key. tag = AES-CMAC(K, statement with its signature),
 * K = X9.63-SHA-256(x(channel key * ephemeral key), "stiver key proof", 16): it proves the channel
 * key. MAC = AES-CMAC(transport key, statement | tag): it proves the card from stock.
 */
#ifndef SCHEME_STATEMENT_H
#define SCHEME_STATEMENT_H

#include "scheme/certificate.h"

#define STATEMENT_BODY_BYTES 197u
#define STATEMENT_BYTES (DOCUMENT_HEADER_BYTES + STATEMENT_BODY_BYTES + SIGNATURE_BYTES) /* 267 */
#define STATEMENT_ANSWER_BYTES (STATEMENT_BYTES + CMAC_BYTES + CMAC_BYTES)               /* 299 */
#define ANCHORS_BYTES_MAX (72u + CERTIFICATE_BYTES_MAX)
#define KEY_PROOF_INFO "stiver key proof" /* 16 bytes, without a terminating 0 */

struct anchors {
    uint32_t scheme;
    uint16_t currency;
    uint8_t root_version;
    uint8_t root_key[PUBLIC_KEY_BYTES];
    uint8_t authority_version;
    const uint8_t *authority_certificate; /* borrowed */
    size_t authority_certificate_bytes;
};

struct statement {
    uint32_t scheme;
    uint8_t serial[SERIAL_BYTES];
    uint8_t card[CARD_NUMBER_BYTES];
    uint8_t channel_key[PUBLIC_KEY_BYTES];
    uint8_t receipt_key[PUBLIC_KEY_BYTES];
    uint8_t anchors_hash[SHA256_BYTES];
    uint32_t firmware; /* major 1 | minor 1 | patch 2 */
    enum card_class card_class;
    uint8_t nonce[NONCE_BYTES];
};

size_t anchors_encode(const struct anchors *anchors, uint8_t *out, size_t capacity) SCHEME_CHECKED;
/* The certificate is only delimited here; certificate_check it under the root key. */
enum document_status anchors_decode(const uint8_t *bytes, size_t length,
                                    struct anchors *anchors) SCHEME_CHECKED;

void statement_encode(const struct statement *statement,
                      uint8_t out[STATEMENT_BYTES - SIGNATURE_BYTES]);
enum document_status statement_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                      struct statement *statement) SCHEME_CHECKED;

#endif
