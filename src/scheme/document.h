/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every signed document of the scheme has in common, certificates apart.
 *
 *     document  = kind 1 | version 1 | scheme 4 | body | signature 64
 *     signature = ECDSA P-256 over SHA-256("stiver" 00 | kind | version | scheme | body)
 *
 * The kind is under the signature, so that no document ever passes for one of another kind, and the
 * scheme, so that none passes in another scheme.
 */
#ifndef SCHEME_DOCUMENT_H
#define SCHEME_DOCUMENT_H

#include "base/bytes.h"
#include "scheme/sizes.h"

enum document_kind {
    DOCUMENT_PAYMENT_RECEIPT = 0x01,
    DOCUMENT_LOAD_RECEIPT = 0x02,
    DOCUMENT_REFUND_RECEIPT = 0x03,
    DOCUMENT_UNLOAD_RECEIPT = 0x04,
    DOCUMENT_BLOCK_RECEIPT = 0x05,
    DOCUMENT_LOAD_ORDER = 0x10,
    DOCUMENT_REFUND_ORDER = 0x11,
    DOCUMENT_POLICY_ORDER = 0x12,
    DOCUMENT_ACKNOWLEDGEMENT = 0x13,
    DOCUMENT_TIME_ORDER = 0x14,  /* signed by the root */
    DOCUMENT_FLOOR_ORDER = 0x15, /* signed by the root */
    DOCUMENT_KEY_STATEMENT = 0x20,
    DOCUMENT_REQUEST = 0x21,
    DOCUMENT_ANSWER = 0x22,
    DOCUMENT_LIST = 0x30,
    DOCUMENT_PACKAGE = 0x31, /* of enrolment (scheme/link.h), signed by the terminal authority */
};

#define DOCUMENT_VERSION 1u
#define DOCUMENT_HEADER_BYTES 6u

/* Why a document was not taken. */
enum document_status {
    DOCUMENT_OK = 0,
    DOCUMENT_MALFORMED, /* lengths, trailing bytes, field values that no document may have */
    DOCUMENT_OTHER_KIND,
    DOCUMENT_OTHER_SCHEME,
    DOCUMENT_FORGED, /* the signature does not verify */
    DOCUMENT_FAILED, /* the crypto library failed */
};

#define SCHEME_CHECKED __attribute__((warn_unused_result))

/* Writes kind, version and scheme; the body follows. */
void document_header(struct writer *w, enum document_kind kind, uint32_t scheme);
/* Reads them and checks kind, version and scheme. */
enum document_status document_open(struct reader *r, enum document_kind kind,
                                   uint32_t scheme) SCHEME_CHECKED;

/* The hash that is signed: unsigned_bytes is the document without its signature. */
enum document_status document_hash(const struct primitives *p, const uint8_t *unsigned_bytes,
                                   size_t bytes, uint8_t hash[SHA256_BYTES]) SCHEME_CHECKED;
/* FAILED unless something was found out. */
enum document_status document_of_verdict(enum verdict verdict) SCHEME_CHECKED;
/* Verifies the last 64 of a whole document's bytes over the rest. */
enum document_status document_verify(const struct primitives *p, const uint8_t *document,
                                     size_t bytes,
                                     const uint8_t key[PUBLIC_KEY_BYTES]) SCHEME_CHECKED;

#endif
