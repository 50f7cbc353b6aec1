/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of the cryptographic operations that rooms without a crypto library are handed by
 * their callers: a card and a terminal pass PSA's (src/crypto), the bank passes OpenSSL's.
 */
#ifndef BASE_PRIMITIVES_H
#define BASE_PRIMITIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32u
/* A point of P-256 (SEC 1, secp256r1) as X and Y, 32 bytes each; where a TLV wants 04 | X | Y the
 * 04 is added on the way out. */
#define PUBLIC_KEY_BYTES 64u
#define PRIVATE_KEY_BYTES 32u
/* ECDSA with SHA-256: r and s, 32 bytes each. */
#define SIGNATURE_BYTES 64u
#define SHARED_SECRET_BYTES 32u
#define AES_KEY_BYTES 16u
#define CMAC_BYTES 16u

/* One piece of a message that is hashed or signed without being copied together. */
struct piece {
    const uint8_t *data; /* borrowed */
    size_t bytes;
};

/* What looking at a signature found. Only VALID may be acted on; UNKNOWN must never be taken for
 * FORGED where that would reject something for good. */
enum verdict {
    VERDICT_UNKNOWN = 0, /* the library failed: it says nothing about the signature */
    VERDICT_FORGED,
    VERDICT_VALID,
};

struct primitives {
    /* Hash of the pieces in a row; false if the library failed. */
    bool (*sha256)(const struct piece *pieces, size_t count, uint8_t hash[SHA256_BYTES]);
    /* VALID only if the signature over this hash is valid under this key. */
    enum verdict (*verify)(const uint8_t key[PUBLIC_KEY_BYTES], const uint8_t hash[SHA256_BYTES],
                           const uint8_t signature[SIGNATURE_BYTES]);
};

#endif
