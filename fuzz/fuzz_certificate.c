/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate has one encoding: what is decoded encodes to the same bytes. */
#include "permissive.h"

static void encode_again(const struct certificate *c, const uint8_t *data, size_t bytes)
{
    uint8_t body[CERTIFICATE_BYTES_MAX], whole[CERTIFICATE_BYTES_MAX];
    size_t body_bytes = certificate_body(c, body, sizeof body);
    fuzz_need(body_bytes != 0);
    size_t length =
        certificate_seal(body, body_bytes, data + bytes - SIGNATURE_BYTES, whole, sizeof whole);
    fuzz_need(length == bytes && memcmp(whole, data, bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct certificate c, again;
    size_t first = certificate_length(data, bytes);
    fuzz_need(first <= bytes);
    if (certificate_decode(data, bytes, &c) != DOCUMENT_OK) {
        (void)!certificate_verify(&permissive, data, bytes, data);
        return 0;
    }
    fuzz_need(first == bytes);
    encode_again(&c, data, bytes);
    struct certificate_authority authority = {.id = c.authority, .start = c.start, .end = c.start};
    fuzz_need(certificate_check(&permissive, data, bytes, c.type, c.scheme, &authority, &again) ==
              DOCUMENT_OK);
    authority.id++;
    fuzz_need(certificate_check(&permissive, data, bytes, c.type, c.scheme, &authority, &again) ==
              DOCUMENT_FORGED);
    return 0;
}
