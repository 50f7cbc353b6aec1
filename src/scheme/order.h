/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders: what the bank signs for one card. Every body starts with
 *
 *   card 8 | start 4 | end 4 | number 4
 *
 * and goes on, by kind:
 *
 *   load             order counter 4 | amount 4 | currency 2                               (30)
 *   refund           order counter 4 | amount 4 | currency 2 | original card counter 4 |
 *                    refunded before 4 | points taken 4                                    (42)
 *   policy           currency 2 | payment limit 4 | balance limit 4 | PIN above 4 |
 *                    PIN count 4 | PIN total 4 | online above 4 | points per 4             (50)
 *   acknowledgement  up to 4 | map 8                                                       (32)
 *   time             new time 4          signed by the root                                (24)
 *   floor            generation floor 4  signed by the root; card may be all zero: any card (24)
 *
 * Load, refund, policy and acknowledgement are signed by a working key, whose certificate (signed
 * by the root) travels behind the document: message = document | certificate.
 */
#ifndef SCHEME_ORDER_H
#define SCHEME_ORDER_H

#include "scheme/certificate.h"

#define ORDER_BODY_BYTES_MAX 50u
#define ORDER_BYTES_MAX (DOCUMENT_HEADER_BYTES + ORDER_BODY_BYTES_MAX + SIGNATURE_BYTES)
/* A document and its working key's certificate. */
#define ORDER_MESSAGE_BYTES_MAX (ORDER_BYTES_MAX + CERTIFICATE_BYTES_MAX)

/* The rules that a purse keeps; amounts in minor units of its currency. */
struct policy {
    uint16_t currency;
    uint32_t payment_limit; /* largest single payment */
    uint32_t balance_limit; /* largest balance: a load beyond it is refused */
    uint32_t pin_above;     /* a payment above this needs the PIN; UINT32_MAX: never */
    uint32_t pin_count;     /* payments in a row without PIN; 0: no such rule */
    uint32_t pin_total;     /* their sum; 0: no such rule */
    uint32_t online_above;  /* a payment above this needs the bank's answer; UINT32_MAX: never */
    uint32_t points_per;    /* minor units that give one point; 0: no points */
};
#define POLICY_BYTES 30u

/* The bank has every receipt up to up_to, and up_to + 1 + i for each set bit i of map (bit 0 is the
 * lowest). */
struct acknowledgement {
    uint32_t up_to;
    uint64_t map;
};

struct order {
    enum document_kind kind;
    uint32_t scheme;
    uint8_t card[CARD_NUMBER_BYTES];
    uint32_t start, end;
    uint32_t number;
    uint32_t counter;    /* load, refund */
    struct money amount; /* load, refund; zero amount undoes the order of this counter */
    uint32_t original_counter, refunded_before, points_taken; /* refund */
    struct policy policy;
    struct acknowledgement acknowledgement;
    uint32_t new_time;         /* time order */
    uint32_t generation_floor; /* floor order */
};

/* All but the signature; 0 if it does not fit or the kind is none of an order. */
size_t order_encode(const struct order *order, uint8_t *out, size_t capacity) SCHEME_CHECKED;
/* A whole order document; the signature is not verified. */
enum document_status order_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                  struct order *order) SCHEME_CHECKED;
/* Bytes of a whole order document of this kind, 0 for other kinds. */
size_t order_bytes(uint8_t kind) SCHEME_CHECKED;
/* The working_kind bit that a key must have to sign this kind of document, 0 for none. */
uint16_t order_working_kind(enum document_kind kind);

/* A message (document | working key's certificate), whole: both decoded, certificate under the
 * root, signature under the certificate, the kind permitted to the key, the amount within the key's
 * largest, start within the key's days, start <= end. What depends on a card's own state (number,
 * counter, its time, its generation floor) is the card's. *working is the key's certificate. */
enum document_status order_check(const struct primitives *p, const uint8_t *message, size_t length,
                                 uint32_t scheme, const struct certificate_authority *root,
                                 struct order *order, struct certificate *working) SCHEME_CHECKED;
/* A root-signed document (time, floor): decoded and verified. */
enum document_status root_order_check(const struct primitives *p, const uint8_t *document,
                                      size_t length, uint32_t scheme,
                                      const uint8_t root_key[PUBLIC_KEY_BYTES],
                                      struct order *order) SCHEME_CHECKED;

void policy_encode(const struct policy *policy, struct writer *w);
void policy_decode(struct reader *r, struct policy *policy);

#endif
