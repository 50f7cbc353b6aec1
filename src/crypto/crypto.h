/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PSA Crypto API calls that cards and terminals need, in one place. Keys are bytes: they are
 * imported as volatile PSA keys for one call and destroyed before it returns, so that nothing is
 * kept between two commands and a port with a key vault replaces this file alone.
 *
 * Every function returns CRYPTO_OK or an error and leaves its output wiped on error. Mbed TLS 2.28
 * is not thread-safe here: one thread a process may call this room.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/primitives.h"

enum crypto_status {
    CRYPTO_OK = 0,
    CRYPTO_INVALID, /* a signature that does not verify, a point off the curve, a zero secret */
    CRYPTO_FAILED,  /* the library failed: out of slots, of entropy, of memory */
};

#define CRYPTO_CHECKED __attribute__((warn_unused_result))

/* psa_crypto_init; may be called again. */
enum crypto_status crypto_start(void) CRYPTO_CHECKED;

enum crypto_status crypto_random(uint8_t *out, size_t bytes) CRYPTO_CHECKED;

/* A P-256 pair. */
enum crypto_status crypto_generate(uint8_t private_key[PRIVATE_KEY_BYTES],
                                   uint8_t public_key[PUBLIC_KEY_BYTES]) CRYPTO_CHECKED;

/* ECDH (SEC 1, 3.3.1): x coordinate of private * peer. CRYPTO_INVALID for a point that is not on
 * the curve and for an all-zero result. */
enum crypto_status crypto_agree(const uint8_t private_key[PRIVATE_KEY_BYTES],
                                const uint8_t peer[PUBLIC_KEY_BYTES],
                                uint8_t secret[SHARED_SECRET_BYTES]) CRYPTO_CHECKED;

/* Deterministic ECDSA (RFC 6979) over a SHA-256 hash. */
enum crypto_status crypto_sign(const uint8_t private_key[PRIVATE_KEY_BYTES],
                               const uint8_t hash[SHA256_BYTES],
                               uint8_t signature[SIGNATURE_BYTES]) CRYPTO_CHECKED;

enum crypto_status crypto_verify(const uint8_t public_key[PUBLIC_KEY_BYTES],
                                 const uint8_t hash[SHA256_BYTES],
                                 const uint8_t signature[SIGNATURE_BYTES]) CRYPTO_CHECKED;

enum crypto_status crypto_sha256(const struct piece *pieces, size_t count,
                                 uint8_t hash[SHA256_BYTES]) CRYPTO_CHECKED;

/* X9.63 KDF with SHA-256 (SEC 1, 3.6.1): fills key_bytes from secret and shared info. */
enum crypto_status crypto_kdf_x963(const uint8_t *secret, size_t secret_bytes,
                                   const uint8_t *shared_info, size_t shared_info_bytes,
                                   uint8_t *key, size_t key_bytes) CRYPTO_CHECKED;

/* AES-128-CMAC (NIST SP 800-38B) of the pieces in a row. */
enum crypto_status crypto_cmac(const uint8_t key[AES_KEY_BYTES], const struct piece *pieces,
                               size_t count, uint8_t mac[CMAC_BYTES]) CRYPTO_CHECKED;

/* AES-128-CBC without padding, bytes a multiple of 16 and not 0; in and out may be the same memory.
 * The initial vector is this block, encrypted under the same key: made from a counter it is as
 * secret as random (GlobalPlatform Amendment D, 6.2.6). */
enum crypto_status crypto_cbc_encrypt(const uint8_t key[AES_KEY_BYTES], const uint8_t block[16],
                                      const uint8_t *in, size_t bytes, uint8_t *out) CRYPTO_CHECKED;
enum crypto_status crypto_cbc_decrypt(const uint8_t key[AES_KEY_BYTES], const uint8_t block[16],
                                      const uint8_t *in, size_t bytes, uint8_t *out) CRYPTO_CHECKED;

/* The operations above in the shape that the scheme room takes. */
extern const struct primitives crypto_primitives;

#endif
