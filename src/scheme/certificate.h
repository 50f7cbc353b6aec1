/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates in GlobalPlatform's layout (Amendment F, as docs/protocol.md spells it out):
 *
 *   7F21 L { 93 04 serial | 42 04 authority | 5F20 L subject | 95 L usage | 5F25 04 start |
 *            5F24 04 end | 53 L discretionary | 7F49 46 { B0 41 04 X Y | F0 01 00 } | 5F37 40 r s }
 *
 * in exactly this order, each once. The signature covers the TLVs 93 to 7F49. Tag 53 says what the
 * certificate is for; its content is fixed-width and starts with the type and the scheme.
 *
 *   authority: type 01 card, 02 terminal | scheme 4 | flags 1 (01: test scheme, card authority
 * only) card:      type 03 | scheme 4 | class 1 | receipt key 64 terminal:  type 04 | scheme 4 |
 * role 1 | classes 2 | merchant 4 | limit 4 | currency 2 | generation 4 working:   type 05 | scheme
 * 4 | kinds 2 | largest 4 | currency 2 | generation 4
 */
#ifndef SCHEME_CERTIFICATE_H
#define SCHEME_CERTIFICATE_H

#include "base/money.h"
#include "scheme/document.h"

enum certificate_type {
    CERTIFICATE_CARD_AUTHORITY = 1,
    CERTIFICATE_TERMINAL_AUTHORITY = 2,
    CERTIFICATE_CARD = 3,
    CERTIFICATE_TERMINAL = 4,
    CERTIFICATE_WORKING_KEY = 5,
};

enum card_class { CARD_HARDWARE = 1, CARD_VIRTUAL = 2 };

enum terminal_role {
    ROLE_POINT_OF_SALE = 1,
    ROLE_KIOSK = 2,
    ROLE_DESK = 3,
    ROLE_STATION = 4,
    ROLE_VENDING = 5,
    ROLE_BANK = 6,
};
#define ROLE_LAST ROLE_BANK

/* Command classes that a terminal's certificate permits; any other bit makes it invalid. */
enum command_class {
    CLASS_PAY = 0x0001,
    CLASS_LOAD = 0x0002,
    CLASS_REFUND = 0x0004,
    CLASS_UNLOAD = 0x0008,
    CLASS_PERSONALISE = 0x0010,
    CLASS_LOG = 0x0020,   /* read log entries and foreign receipts */
    CLASS_CARRY = 0x0040, /* policy, acknowledgement, list */
    CLASS_PIN = 0x0080,
};
#define CLASSES_KNOWN 0x00FFu

/* What a working key may sign. */
enum working_kind {
    WORKING_LOAD = 0x0001,
    WORKING_REFUND = 0x0002,
    WORKING_POLICY = 0x0004,
    WORKING_ACKNOWLEDGEMENT = 0x0008,
    WORKING_ANSWER = 0x0010,
    WORKING_LIST = 0x0020,
};
#define WORKING_KNOWN 0x003Fu

#define AUTHORITY_FLAG_TEST_SCHEME 0x01u

#define CERTIFICATE_DAYS_TERMINAL 7u
#define CERTIFICATE_DAYS_WORKING 90u
#define CERTIFICATE_DAYS_AUTHORITY 366u

#define SUBJECT_BYTES_MAX 8u
/* Longest certificate of the scheme: a card's. */
#define CERTIFICATE_BYTES_MAX 257u

struct certificate {
    enum certificate_type type;
    uint32_t scheme;
    uint32_t serial, authority;
    /* Card and terminal: 8 bytes. Authority and working key: 4 bytes, its id, in id. */
    uint8_t subject[SUBJECT_BYTES_MAX];
    uint32_t id;
    uint32_t start, end; /* seconds: 00:00:00 of the first day, 23:59:59 of the last */
    uint8_t key[PUBLIC_KEY_BYTES];
    uint8_t authority_flags;
    enum card_class card_class;
    uint8_t receipt_key[PUBLIC_KEY_BYTES];
    enum terminal_role role;
    uint16_t classes;
    uint32_t merchant;
    struct money limit;  /* terminal: offline limit a card; working key: largest amount it signs */
    uint16_t kinds;      /* working key */
    uint32_t generation; /* terminal and working key */
};

/* Encodes all but the signature TLV into out (without the 7F21 header): the bytes to be signed.
 * start and end are cut down to their days. 0 if it does not fit or a field is out of range. */
size_t certificate_body(const struct certificate *c, uint8_t *out, size_t capacity) SCHEME_CHECKED;
/* Body and signature under 7F21. */
size_t certificate_seal(const uint8_t *body, size_t body_bytes,
                        const uint8_t signature[SIGNATURE_BYTES], uint8_t *out,
                        size_t capacity) SCHEME_CHECKED;

/* Decodes one certificate that fills bytes exactly. Checks everything that needs no key: order and
 * presence of tags, ranges, known role, classes and kinds, usage, the longest term of each type. */
enum document_status certificate_decode(const uint8_t *bytes, size_t length,
                                        struct certificate *c) SCHEME_CHECKED;
/* Bytes of the certificate that stands first in a longer text, 0 if none does. */
size_t certificate_length(const uint8_t *bytes, size_t length) SCHEME_CHECKED;

/* Signature of a decoded certificate's bytes under its authority's key. */
enum document_status certificate_verify(const struct primitives *p, const uint8_t *bytes,
                                        size_t length,
                                        const uint8_t key[PUBLIC_KEY_BYTES]) SCHEME_CHECKED;

/* One link of a chain, all of it: decode, wanted type and scheme, authority id, signature, and that
 * the certificate started within its authority's days. The root is no certificate: its term is
 * unlimited (start 0, end UINT32_MAX). */
struct certificate_authority {
    uint32_t id;
    uint32_t start, end;
    uint8_t key[PUBLIC_KEY_BYTES];
};
enum document_status certificate_check(const struct primitives *p, const uint8_t *bytes,
                                       size_t length, enum certificate_type type, uint32_t scheme,
                                       const struct certificate_authority *authority,
                                       struct certificate *c) SCHEME_CHECKED;
/* The authority that a checked authority's certificate speaks of. */
struct certificate_authority certificate_as_authority(const struct certificate *c);

/* First 16 bytes of SHA-256 over the whole certificate: HostID, and the fingerprint in receipts. */
enum document_status certificate_host_id(const struct primitives *p, const uint8_t *bytes,
                                         size_t length,
                                         uint8_t host_id[HOST_ID_BYTES]) SCHEME_CHECKED;

/* What a role may be permitted at most; a certificate that permits more is refused. */
uint16_t role_classes(enum terminal_role role);
const char *role_name(enum terminal_role role); /* "point of sale", ... */

#endif
