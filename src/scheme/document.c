/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/document.h"

/* Nothing else that these keys ever sign starts with it; its terminating 0 is part of it. */
static const uint8_t domain[7] = {'s', 't', 'i', 'v', 'e', 'r', 0};

void document_header(struct writer *w, enum document_kind kind, uint32_t scheme)
{
    writer_u8(w, (uint8_t)kind);
    writer_u8(w, DOCUMENT_VERSION);
    writer_u32(w, scheme);
}

enum document_status document_open(struct reader *r, enum document_kind kind, uint32_t scheme)
{
    uint8_t kind_read = reader_u8(r);
    uint8_t version = reader_u8(r);
    uint32_t scheme_read = reader_u32(r);
    if (r->failed)
        return DOCUMENT_MALFORMED;
    if (kind_read != (uint8_t)kind)
        return DOCUMENT_OTHER_KIND;
    if (version != DOCUMENT_VERSION)
        return DOCUMENT_MALFORMED;
    return scheme_read == scheme ? DOCUMENT_OK : DOCUMENT_OTHER_SCHEME;
}

enum document_status document_hash(const struct primitives *p, const uint8_t *unsigned_bytes,
                                   size_t bytes, uint8_t hash[SHA256_BYTES])
{
    const struct piece pieces[] = {{domain, sizeof domain}, {unsigned_bytes, bytes}};
    return p->sha256(pieces, 2, hash) ? DOCUMENT_OK : DOCUMENT_FAILED;
}

enum document_status document_of_verdict(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_VALID:
        return DOCUMENT_OK;
    case VERDICT_FORGED:
        return DOCUMENT_FORGED;
    case VERDICT_UNKNOWN:
        break;
    }
    return DOCUMENT_FAILED;
}

enum document_status document_verify(const struct primitives *p, const uint8_t *document,
                                     size_t bytes, const uint8_t key[PUBLIC_KEY_BYTES])
{
    if (bytes < DOCUMENT_HEADER_BYTES + SIGNATURE_BYTES)
        return DOCUMENT_MALFORMED;
    size_t unsigned_bytes = bytes - SIGNATURE_BYTES;
    uint8_t hash[SHA256_BYTES];
    enum document_status status = document_hash(p, document, unsigned_bytes, hash);
    if (status != DOCUMENT_OK)
        return status;
    return document_of_verdict(p->verify(key, hash, document + unsigned_bytes));
}
