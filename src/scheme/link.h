/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link between a terminal and its bank: one request, one answer, both plain bytes, carried by
 * whatever there is (a file on a stick, a function call, HTTP).
 *
 *   request = version 1 | type 1 | scheme 4 | terminal 8 | request id 16 | body | tag 16
 *   answer  = version 1 | type + 80 1 | scheme 4 | terminal 8 | request id 16 | result 1 | body |
 *             tag 16
 *
 * tag = AES-CMAC(K, all bytes before it), K = X9.63-SHA-256(x(terminal's agreement key * bank's
 * link key), info, 16) with info "stiver link request" or "stiver link answer". The request id is
 * random and makes a request idempotent: the same id gets the same answer. Lengths inside bodies
 * are 4 bytes. ENROL alone, made before a terminal has a certificate, has no tag (it is carried by
 * hand).
 */
#ifndef SCHEME_LINK_H
#define SCHEME_LINK_H

#include "scheme/order.h"
#include "scheme/receipt.h"
#include "scheme/statement.h"

#define LINK_VERSION 1u
#define LINK_ID_BYTES 16u
#define LINK_HEADER_BYTES 30u
#define LINK_INFO_REQUEST "stiver link request"
#define LINK_INFO_ANSWER "stiver link answer"
/* Longest message either way; longer ones are refused before they are read. */
#define LINK_BYTES_MAX (4u << 20)
/* Entries in one upload; the rest goes into the next. */
#define LINK_UPLOAD_MAX 4096u

enum link_type {
    LINK_LOAD_ORDER =
        0x01,            /* kiosk, desk: card 8 | load counter wanted 4 | amount 4 | currency 2 */
                         /* -> order message */
    LINK_UPLOAD = 0x02,  /* any: list sequence held 4 | count 4 | entries */
                         /* -> upload answer, below */
    LINK_STOCK = 0x03,   /* station: serial 8 -> nonce 16 | ephemeral key 64 | anchors */
    LINK_CERTIFY = 0x04, /* station: INITIALIZE's answer 299 */
                         /* -> n1 4 | card authority's and card's certificates | */
                         /*    n2 4 | policy order message */
};

enum link_result {
    LINK_OK = 0,
    LINK_REFUSED = 1,  /* final: the body is a sentence in UTF-8 */
    LINK_CONFLICT = 2, /* final: something else was agreed before; a sentence */
    LINK_RETRY = 3,    /* the bank could not answer now; a sentence */
};

struct link_header {
    enum link_type type;
    uint32_t scheme;
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint8_t id[LINK_ID_BYTES];
};

/* Upload entries: kind 1 and
 *   01 receipt:     length 4 | receipt document | length 4 | card's certificate
 *   02 abandoned:   card 8 | terminal counter 4 | command's document kind 1
 *   03 certificate: length 4 | a terminal certificate of this terminal, for receipts under it
 * Upload answer:
 *   highest terminal counter seen 4 | count 4 | one result byte an entry (upload_result) |
 *   count 4 | each: card 8 | length 4 | acknowledgement message |
 *   length 4 | list file if the bank has a newer one than the terminal, else 0 |
 *   length 4 | a new terminal certificate, else 0 */
enum upload_kind { UPLOAD_RECEIPT = 1, UPLOAD_ABANDONED = 2, UPLOAD_CERTIFICATE = 3 };
enum upload_result {
    UPLOAD_BOOKED = 0,
    UPLOAD_ALREADY = 1,  /* known before: the first answer holds */
    UPLOAD_SUSPENSE = 2, /* kept as evidence, not paid now */
    UPLOAD_REJECTED = 3, /* not a valid document: nothing was booked */
};

/* Enrolment. The request is made by a new terminal: version 1 | agreement key 64. The package comes
 * back, a document whose body is: terminal 8 | link key 64 | card authority count 1 | each: length
 * 4 | certificate | length 4 | terminal's certificate | length 4 | anchors | length 4 | list file.
 * The terminal authority in its anchors signs it, so that who carries it cannot put another link
 * key into it and answer in the bank's place. */
#define ENROL_REQUEST_BYTES 65u

void link_header_encode(const struct link_header *header, bool is_answer, struct writer *w);
bool link_header_decode(struct reader *r, bool is_answer,
                        struct link_header *header) SCHEME_CHECKED;
/* A field with a length of 4 bytes before it. */
void link_field(struct writer *w, const uint8_t *data, size_t bytes);
struct reader link_field_read(struct reader *r);

#endif
