/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receipt: what the card signs when money moves or when it blocks itself. One layout for all
 * kinds, 91 bytes of body:
 *
 *   card 8 | card counter 4 | terminal 8 | terminal counter 4 | terminal certificate 16 |
 *   merchant 4 | amount 4 | currency 2 | balance after 4 | points change 4 | points after 4 |
 *   time 4 | reference 8 | order number 4 | order counter 4 | flags 1 | random 8
 *
 * Payment: points change is what was given; order fields are 0. Load and refund: the order's number
 * and counter; refund's points change is what was taken back. Block: amount 0, order number is the
 * sequence of the list that named the card, order counter 0.
 */
#ifndef SCHEME_RECEIPT_H
#define SCHEME_RECEIPT_H

#include "base/money.h"
#include "scheme/document.h"

#define RECEIPT_BODY_BYTES 91u
#define RECEIPT_BYTES (DOCUMENT_HEADER_BYTES + RECEIPT_BODY_BYTES + SIGNATURE_BYTES) /* 161 */

enum receipt_flag {
    RECEIPT_PIN = 0x01,    /* the holder's PIN was verified for it */
    RECEIPT_ONLINE = 0x02, /* the bank's answer stood behind it */
};
#define RECEIPT_FLAGS_KNOWN 0x03u

struct receipt {
    enum document_kind kind;
    uint32_t scheme;
    uint8_t card[CARD_NUMBER_BYTES];
    uint32_t card_counter;
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint32_t terminal_counter;
    uint8_t terminal_certificate[HOST_ID_BYTES];
    uint32_t merchant;
    struct money amount;
    uint32_t balance_after; /* minor units of amount's currency */
    uint32_t points_change, points_after;
    uint32_t time; /* the terminal's clock */
    uint8_t reference[REFERENCE_BYTES];
    uint32_t order_number, order_counter;
    uint8_t flags;
    uint8_t random[RANDOM_BYTES];
};

/* True for the five receipt kinds. */
bool receipt_is_kind(uint8_t kind) SCHEME_CHECKED;

/* Everything but the signature: RECEIPT_BYTES - SIGNATURE_BYTES. */
void receipt_encode(const struct receipt *receipt, uint8_t out[RECEIPT_BYTES - SIGNATURE_BYTES]);
/* A whole receipt document of any receipt kind in this scheme; the signature is not verified. */
enum document_status receipt_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                    struct receipt *receipt) SCHEME_CHECKED;

/* What PAY answers: the fields that the terminal does not know, and the signature (89 bytes):
 * card counter 4 | balance after 4 | points change 4 | points after 4 | random 8 | flags 1 |
 * signature 64 */
#define PAY_ANSWER_BYTES 89u
/* Cuts it out of a whole receipt document. */
void receipt_to_pay_answer(const uint8_t document[RECEIPT_BYTES], uint8_t answer[PAY_ANSWER_BYTES]);
/* Fills the missing fields of *receipt and rebuilds the whole document; false if malformed. */
bool receipt_from_pay_answer(const uint8_t *answer, size_t bytes, struct receipt *receipt,
                             uint8_t document[RECEIPT_BYTES]) SCHEME_CHECKED;

#endif
