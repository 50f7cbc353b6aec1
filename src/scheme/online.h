/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Online authorisation: the card's request, signed with its receipt key, and the bank's answer to
 * exactly that request.
 *
 *   request  card 8 | card counter 4 | terminal 8 | terminal counter 4 | terminal certificate 16 |
 *            merchant 4 | amount 4 | currency 2 | balance 4 | time 4 | reference 8 | flags 1 |
 *            nonce 8                                                                         (75)
 *   answer   SHA-256 over the whole request document 32 | start 4 | end 4 | decision 1 |
 *            reason 1                                                                        (42)
 */
#ifndef SCHEME_ONLINE_H
#define SCHEME_ONLINE_H

#include "scheme/certificate.h"

#define REQUEST_BYTES (DOCUMENT_HEADER_BYTES + 75u + SIGNATURE_BYTES)
#define ANSWER_BYTES (DOCUMENT_HEADER_BYTES + 42u + SIGNATURE_BYTES)

struct request {
    uint32_t scheme;
    uint8_t card[CARD_NUMBER_BYTES];
    uint32_t card_counter; /* the counter that the payment would take */
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint32_t terminal_counter;
    uint8_t terminal_certificate[HOST_ID_BYTES];
    uint32_t merchant;
    struct money amount;
    uint32_t balance; /* before the payment */
    uint32_t time;
    uint8_t reference[REFERENCE_BYTES];
    uint8_t flags; /* receipt_flag */
    uint8_t nonce[RANDOM_BYTES];
};

enum decision { DECISION_REFUSED = 0, DECISION_APPROVED = 1 };

struct answer {
    uint32_t scheme;
    uint8_t request_hash[SHA256_BYTES];
    uint32_t start, end;
    enum decision decision;
    uint8_t reason; /* 0 when approved */
};

void request_encode(const struct request *request, uint8_t out[REQUEST_BYTES - SIGNATURE_BYTES]);
enum document_status request_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                    struct request *request) SCHEME_CHECKED;
void answer_encode(const struct answer *answer, uint8_t out[ANSWER_BYTES - SIGNATURE_BYTES]);
enum document_status answer_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                   struct answer *answer) SCHEME_CHECKED;
/* Answer message (document | working key's certificate): everything under the root's key, and that
 * it answers this request document. */
enum document_status answer_check(const struct primitives *p, const uint8_t *message, size_t length,
                                  uint32_t scheme, const struct certificate_authority *root,
                                  const uint8_t request[REQUEST_BYTES],
                                  struct answer *answer) SCHEME_CHECKED;

#endif
