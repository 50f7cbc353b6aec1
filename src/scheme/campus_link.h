/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What terminals of the campus purse and the bank tell each other. The source carries files by hand
 * and leaves the rest open; these messages are ours. They are signed with the keys that the two
 * have, RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2): no signature of the published protocol,
 * which has SHA-1 inside, passes for one of these, nor one of these for a published one.
 *
 *   request = "stiver campus" 13 | version 1 | type 1 | terminal 4 | request id 16 | body |
 *             signature 256 by the terminal
 *   answer  = "stiver campus" 13 | version 1 | type + 80 1 | terminal 4 | request id 16 |
 *             SHA-256 of the request 32 | result 1 (link_result) | body | signature 256 by the back
 *             end
 *
 * The same request gets the same answer. A refusal's body is a sentence in UTF-8.
 */
#ifndef SCHEME_CAMPUS_LINK_H
#define SCHEME_CAMPUS_LINK_H

#include "scheme/campus.h"
#include "scheme/link.h"

#define CAMPUS_LINK_TAG "stiver campus"
#define CAMPUS_LINK_VERSION 1u
#define CAMPUS_LINK_HEADER_BYTES 35u
#define CAMPUS_LINK_BYTES_MAX (4u << 20)
#define CAMPUS_UPLOAD_MAX 2048u

/* A terminal's business here. POS and RELOAD are the usage of its certificate; a station has none,
 * for it never talks to a card with one. */
enum campus_role { CAMPUS_ROLE_STATION = 1, CAMPUS_ROLE_POS = 2, CAMPUS_ROLE_RELOAD = 3 };

enum campus_link_type {
    CAMPUS_LINK_CARD = 0x01,    /* station: nothing -> card's ID 4 | end 4 */
    CAMPUS_LINK_CERTIFY = 0x02, /* station: ID 4 | end 4 | card's modulus 256 -> signature 256. The
                                 * same again gets the same; another modulus for one ID: CONFLICT */
    CAMPUS_LINK_UPLOAD = 0x03,  /* any: end of the list held 8 (ms, 0: none) | end of the own
                                 * certificate 4 | count 4 | entries -> count 4 | one result byte an
                                 * entry (upload_result) | length 4 | list file if the bank has a
                                 * later one, else 0 | end 4 of a newer certificate for the same
                                 * key, else 0 | its signature 256 (a station's: zeros), only if
                                 * that end is not 0 */
    CAMPUS_LINK_ENROL = 0x7F,   /* the package; never sent as a request */
};

struct campus_link_header {
    enum campus_link_type type;
    uint32_t terminal;
    uint8_t id[LINK_ID_BYTES];
};
void campus_link_header_encode(const struct campus_link_header *header, bool is_answer,
                               struct writer *w);
bool campus_link_header_decode(struct reader *r, bool is_answer,
                               struct campus_link_header *header) SCHEME_CHECKED;

/* What became of a load whose receipt is there: a receipt alone does not say that it was credited.
 */
enum campus_outcome {
    CAMPUS_OUTCOME_DONE = 0,     /* a payment; a load that the card confirmed */
    CAMPUS_OUTCOME_NOT_DONE = 1, /* a load: FINISH LOAD never left, or the card says that it never
                                  * came, and the cash was given back. A payment: the sale had been
                                  * given up before its receipt was found: owed to the holder */
    CAMPUS_OUTCOME_UNKNOWN = 2,  /* a load: FINISH LOAD was sent, and no answer came */
};

enum campus_upload_kind {
    CAMPUS_UPLOAD_RECEIPT = 1, /* outcome 1 | receipt below */
    CAMPUS_UPLOAD_OUTCOME = 2, /* card 4 | counter 4 | outcome 1: of a load uploaded as unknown */
    CAMPUS_UPLOAD_BLOCK = 3,   /* block below */
};
/* counter 4 | amount 4 | time 4 | signature 256 | card 4 | card's end 4 | card's modulus 256 |
 * card's certificate signature 256. The terminal is the request's. */
struct campus_upload_receipt {
    enum campus_outcome outcome;
    struct campus_receipt receipt;
    struct campus_certificate card;
};
/* terminal's counter 4 | terminal's end 4 | proof 256 | card 4 | card's end 4 | modulus 256 |
 * certificate signature 256 */
struct campus_upload_block {
    uint32_t terminal_counter, terminal_end;
    uint8_t proof[CAMPUS_RSA_BYTES];
    struct campus_certificate card;
};
struct campus_upload {
    enum campus_upload_kind kind;
    union {
        struct campus_upload_receipt receipt;
        struct {
            uint32_t card, counter;
            enum campus_outcome outcome;
        } outcome;
        struct campus_upload_block block;
    } is;
};
#define CAMPUS_UPLOAD_BYTES_MAX 790u
void campus_upload_write(struct writer *w, const struct campus_upload *upload);
/* terminal: whose request it is in; it is entered into the receipt. */
bool campus_upload_read(struct reader *r, uint32_t terminal,
                        struct campus_upload *upload) SCHEME_CHECKED;

/* ---- enrolment, carried by hand ---- */

/* version 1 | role 1 | modulus 256 */
#define CAMPUS_ENROL_BYTES 258u
struct campus_enrol {
    enum campus_role role;
    uint8_t modulus[CAMPUS_RSA_BYTES];
};
void campus_enrol_encode(const struct campus_enrol *enrol, uint8_t out[CAMPUS_ENROL_BYTES]);
bool campus_enrol_decode(const uint8_t *bytes, size_t length,
                         struct campus_enrol *enrol) SCHEME_CHECKED;

/* "stiver campus" 13 | version 1 | 7F 1 | terminal 4 | end 4 | role 1 | its modulus 256 | back
 * end's modulus 256 | certificate's signature 256 (station: zeros) | length 4 | list file |
 * signature 256 by the back end (SHA-256). Who takes it the first time compares the back end's
 * fingerprint, SHA-256 over its modulus, with what the bank printed. */
struct campus_package {
    struct campus_certificate terminal; /* usage: its role; a station's signature is zeros */
    enum campus_role role;
    uint8_t back_end[CAMPUS_RSA_BYTES];
    const uint8_t *list; /* borrowed */
    size_t list_bytes;
};
/* All but the signature. */
void campus_package_encode(const struct campus_package *package, struct writer *w);
/* bytes is all but the signature. */
bool campus_package_decode(const uint8_t *bytes, size_t length,
                           struct campus_package *package) SCHEME_CHECKED;

#endif
