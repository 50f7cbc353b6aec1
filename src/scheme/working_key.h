/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the scheme that a working key signed: document | working key's certificate. */
#ifndef SCHEME_WORKING_KEY_H
#define SCHEME_WORKING_KEY_H

#include "scheme/certificate.h"

/* What the decoded document asks of its key. */
struct working_claim {
    size_t document_bytes; /* of the document that stands first in the message */
    uint32_t scheme;
    uint32_t start;   /* must lie within the key's days */
    uint16_t kind;    /* the working_kind bit that the key must have; 0 is refused */
    bool moves_money; /* then amount is at most the key's largest, in its currency */
    struct money amount;
};

/* Checks certificate and signature of a message; *working is the key's certificate. FORGED as well
 * for a key that may not sign this. */
enum document_status working_key_check(const struct primitives *p, const uint8_t *message,
                                       size_t length, const struct working_claim *claim,
                                       const struct certificate_authority *root,
                                       struct certificate *working) SCHEME_CHECKED;

#endif
