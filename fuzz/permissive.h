/* SPDX-License-Identifier: Apache-2.0 */
/* Primitives that take every signature, so that a fuzzer reaches what lies behind the check, and
 * the scheme and root of the seeds. Here, and nowhere else. */
#ifndef FUZZ_PERMISSIVE_H
#define FUZZ_PERMISSIVE_H

#include <stdlib.h>
#include <string.h>

#include "scheme/certificate.h"

#define FUZZ_SCHEME 0x54455354u /* "TEST" */
#define FUZZ_ROOT_ID 1u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* A finding. */
static inline void fuzz_need(bool holds)
{
    if (!holds)
        abort();
}

/* No hash to rely on, but other inputs give other outputs. */
static inline bool fuzz_sha256(const struct piece *pieces, size_t count, uint8_t hash[SHA256_BYTES])
{
    uint64_t sum = 0xCBF29CE484222325u;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < pieces[i].bytes; k++)
            sum = (sum ^ pieces[i].data[k]) * 0x100000001B3u;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        sum = (sum ^ i) * 0x100000001B3u;
        hash[i] = (uint8_t)(sum >> 32);
    }
    return true;
}

static inline enum verdict fuzz_verify(const uint8_t key[PUBLIC_KEY_BYTES],
                                       const uint8_t hash[SHA256_BYTES],
                                       const uint8_t signature[SIGNATURE_BYTES])
{
    (void)key;
    (void)hash;
    (void)signature;
    return VERDICT_VALID;
}

static const struct primitives permissive = {.sha256 = fuzz_sha256, .verify = fuzz_verify};

static inline struct certificate_authority fuzz_root(void)
{
    return (struct certificate_authority){.id = FUZZ_ROOT_ID, .start = 0, .end = UINT32_MAX};
}

#endif
