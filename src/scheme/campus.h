/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of the campus purse, as its source published them (docs/campus.md): what is signed,
 * the list of blocked cards, the log's lines, the key files. All of it is encoding alone: who calls
 * signs and verifies (RSASSA-PKCS1-v1_5 with SHA-1, RFC 8017, 8.2), and reads and writes the files.
 *
 * Numbers are unsigned 32-bit big-endian, in text as signed decimals (the published programs are in
 * Java); times are seconds since 1970 UTC; amounts are cents without a currency. Public keys are
 * moduli of 2,048 bits, the exponent is 65537.
 */
#ifndef SCHEME_CAMPUS_H
#define SCHEME_CAMPUS_H

#include "base/bytes.h"
#include "scheme/document.h"

#define CAMPUS_RSA_BYTES 256u

/* The last byte of what a certificate signs. */
enum campus_usage { CAMPUS_USAGE_CARD = 1, CAMPUS_USAGE_POS = 2, CAMPUS_USAGE_RELOAD = 3 };

/* Counters end here, because signed strings of different meaning have one shape: as long as no
 * counter looks like a date, and no date like a counter, one does not pass for the other. */
#define CAMPUS_COUNTER_MAX 0x3FFFFFFFu
#define CAMPUS_AMOUNT_MAX 0x7FFFFFFFu

/* ---- what is signed ---- */

/* ID 4 | end 4 | modulus 256 | usage 1 */
#define CAMPUS_CERTIFICATE_TEXT_BYTES 265u
struct campus_certificate {
    uint32_t id, end;
    uint8_t modulus[CAMPUS_RSA_BYTES];
    enum campus_usage usage;
    uint8_t signature[CAMPUS_RSA_BYTES]; /* by the back end */
};
void campus_certificate_text(const struct campus_certificate *certificate,
                             uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES]);

/* Three numbers in a row. S1: card's ID, end, C. S2: terminal's ID, end, counter. S3: C + 1,
 * amount, card's ID. S5: C + 2, amount, card's ID. Proof of a block: terminal's ID, counter, end.
 */
#define CAMPUS_TEXT_BYTES 12u
void campus_text(uint32_t first, uint32_t second, uint32_t third, uint8_t text[CAMPUS_TEXT_BYTES]);
/* Card's ID | C + 1: what a terminal signs to block a card. */
#define CAMPUS_BLOCK_TEXT_BYTES 8u
void campus_block_text(uint32_t card, uint32_t counter, uint8_t text[CAMPUS_BLOCK_TEXT_BYTES]);

/* S4, the receipt: terminal 4 | counter 4 | amount 4 | card 4 | time 4. */
#define CAMPUS_RECEIPT_TEXT_BYTES 20u
struct campus_receipt {
    uint32_t terminal, counter, amount, card, time;
    uint8_t signature[CAMPUS_RSA_BYTES]; /* by the card */
};
void campus_receipt_text(const struct campus_receipt *receipt,
                         uint8_t text[CAMPUS_RECEIPT_TEXT_BYTES]);

/* A line of a card's own log, as READ RECEIPT and READ LOG answer it (ours, not the source's). All
 * but balance is in the card's signature, or follows from the terminal. */
struct campus_entry {
    uint8_t kind; /* CAMPUS_USAGE_POS: paid; CAMPUS_USAGE_RELOAD: loaded */
    bool is_done; /* false: a load that was signed for, but never finished: no money moved */
    uint32_t terminal, counter, amount, time;
    uint32_t balance; /* afterwards */
};
/* kind 1 | is done 1 | terminal 4 | counter 4 | amount 4 | time 4 | balance 4 */
#define CAMPUS_ENTRY_BYTES 22u
#define CAMPUS_LOG_ENTRIES 10u
void campus_entry_encode(const struct campus_entry *entry, uint8_t out[CAMPUS_ENTRY_BYTES]);
bool campus_entry_decode(const uint8_t bytes[CAMPUS_ENTRY_BYTES],
                         struct campus_entry *entry) SCHEME_CHECKED;

/* ---- the list of blocked cards: the file CRL ---- */

/* ASCII: end date and time | for each card: LF, its ID | LF | 344 characters of base64: the back
 * end's signature over all before the last LF. The date is RFC 3339 as Java's OffsetDateTime prints
 * and reads it: seconds and fraction may be missing, Z or an offset. Written here, it always has
 * 24 characters (2026-12-01T10:20:30.123Z), and each list ends later than the one before: its end
 * is its number. */
#define CAMPUS_LIST_IDS_MAX 100000u
struct campus_list {
    uint64_t end_ms;     /* milliseconds since 1970 UTC */
    const uint8_t *text; /* what is signed; borrowed from the file */
    size_t text_bytes;
    const uint8_t *ids; /* the lines of IDs, inside text */
    size_t ids_bytes;
    uint32_t count;
    uint8_t signature[CAMPUS_RSA_BYTES];
};
/* False for anything that is not such a file to its last byte (IDs twice are allowed, numbers
 * outside 32 bits are not). The signature is not verified. */
bool campus_list_read(const uint8_t *file, size_t bytes, struct campus_list *list) SCHEME_CHECKED;
bool campus_list_has(const struct campus_list *list, uint32_t card) SCHEME_CHECKED;
/* What is to be signed; then the signature behind it. The writer remembers a lack of room;
 * campus_list_bytes_max(count) is room enough for both. */
void campus_list_write(struct writer *w, uint64_t end_ms, const uint32_t *ids, uint32_t count);
void campus_list_sign(struct writer *w, const uint8_t signature[CAMPUS_RSA_BYTES]);
size_t campus_list_bytes_max(uint32_t count);

/* ---- the log: payment_log.csv, reload_log.csv ---- */

/* The header line and its LF. */
extern const char campus_log_header[];
/* A line knows neither the terminal's ID nor the end of the card's certificate: who verifies it has
 * to know both (the bank does). */
struct campus_log_line {
    uint32_t time, card, counter, amount;
    enum campus_usage terminal_usage; /* POS ("Pos") or RELOAD ("Reload") */
    uint8_t card_modulus[CAMPUS_RSA_BYTES];
    uint8_t card_certificate[CAMPUS_RSA_BYTES]; /* the back end's signature */
    uint8_t receipt[CAMPUS_RSA_BYTES];          /* S4 */
};
#define CAMPUS_LOG_LINE_BYTES_MAX 1200u
/* One line and its LF. */
void campus_log_line_write(struct writer *w, const struct campus_log_line *line);
/* The next line of a file that begins behind its header (campus_log_open); false at a line that is
 * none (r->failed) or at the end (r->left is 0). A last line without LF is none. */
bool campus_log_open(struct reader *r) SCHEME_CHECKED;
bool campus_log_line_read(struct reader *r, struct campus_log_line *line) SCHEME_CHECKED;

/* ---- key files: {backend,pos,reload}_{public,private}.pem ---- */

/* X.509 SubjectPublicKeyInfo of an RSA-2048 key with exponent 65537. */
#define CAMPUS_PUBLIC_DER_BYTES 294u
void campus_public_der(const uint8_t modulus[CAMPUS_RSA_BYTES],
                       uint8_t der[CAMPUS_PUBLIC_DER_BYTES]);
/* Exactly that form, or false. */
bool campus_public_der_read(const uint8_t *der, size_t bytes,
                            uint8_t modulus[CAMPUS_RSA_BYTES]) SCHEME_CHECKED;
/* PKCS#8 PrivateKeyInfo (RFC 5208) around an RSAPrivateKey (RFC 8017, A.1.2), and what is inside
 * one (borrowed). */
#define CAMPUS_PRIVATE_DER_BYTES_MAX 1250u
void campus_private_der(struct writer *w, const uint8_t *rsa_private_key, size_t bytes);
bool campus_private_der_read(const uint8_t *der, size_t bytes, const uint8_t **rsa_private_key,
                             size_t *inside_bytes) SCHEME_CHECKED;
/* A PEM file as the published programs read it: the base64 between two lines of dashes, whatever
 * the label and the breaks between lines. */
bool campus_pem_read(const uint8_t *file, size_t bytes, struct writer *der) SCHEME_CHECKED;
/* As they write it: the labels "RSA PUBLIC KEY" or "RSA PRIVATE KEY" (which are wrong), the body
 * on one line. */
#define CAMPUS_PEM_BYTES_MAX 1800u
void campus_pem_write(struct writer *w, bool is_private, const uint8_t *der, size_t bytes);

#endif
