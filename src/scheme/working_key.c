/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/working_key.h"

static bool key_permits(const struct certificate *working, const struct working_claim *claim)
{
    return (working->kinds & claim->kind) != 0 && claim->start >= working->start &&
           claim->start <= working->end &&
           (!claim->moves_money || money_at_most(claim->amount, working->limit));
}

enum document_status working_key_check(const struct primitives *p, const uint8_t *message,
                                       size_t length, const struct working_claim *claim,
                                       const struct certificate_authority *root,
                                       struct certificate *working)
{
    if (length < claim->document_bytes)
        return DOCUMENT_MALFORMED;
    const uint8_t *certificate = message + claim->document_bytes;
    enum document_status status =
        certificate_check(p, certificate, length - claim->document_bytes, CERTIFICATE_WORKING_KEY,
                          claim->scheme, root, working);
    if (status != DOCUMENT_OK)
        return status;
    if (!key_permits(working, claim))
        return DOCUMENT_FORGED;
    return document_verify(p, message, claim->document_bytes, working->key);
}
