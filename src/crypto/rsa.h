/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA-2048, RSASSA-PKCS1-v1_5 (RFC 8017, 8.2), exponent 65537: what the campus purse speaks, and
 * nothing else of this house. SHA-1 is for its published wire alone, for it no longer resists
 * chosen-prefix collisions; SHA-256 is for what we added, and as the hash's name is inside the
 * signature, one of either never passes for one of the other. New work uses crypto/crypto.h.
 *
 * A public key is its modulus alone; a private key is an RSAPrivateKey in DER (RFC 8017, A.1.2).
 * Keys are imported as volatile PSA keys for one call and destroyed before it returns. Outputs are
 * wiped on error. One thread a process may call this room.
 */
#ifndef CRYPTO_RSA_H
#define CRYPTO_RSA_H

#include "crypto/crypto.h"

#define RSA_BYTES 256u
/* No private key of this size is longer in DER: nine numbers, each with its header, in a list. */
#define RSA_PRIVATE_BYTES_MAX 1216u

/* A new pair. *bytes is the length of its DER. CRYPTO_FAILED. */
enum crypto_status rsa_generate(uint8_t der[RSA_PRIVATE_BYTES_MAX], size_t *bytes,
                                uint8_t modulus[RSA_BYTES]) CRYPTO_CHECKED;

/* True if these bytes can be a modulus: odd, and 2048 bits long. Says nothing of who made it. */
bool rsa_is_modulus(const uint8_t modulus[RSA_BYTES]) CRYPTO_CHECKED;

/* Signs the pieces in a row. CRYPTO_INVALID: der is no such key. */
enum crypto_status rsa_sign_sha1(const uint8_t *der, size_t bytes, const struct piece *pieces,
                                 size_t count, uint8_t signature[RSA_BYTES]) CRYPTO_CHECKED;

/* CRYPTO_INVALID: not signed by this key, or no key at all. */
enum crypto_status rsa_verify_sha1(const uint8_t modulus[RSA_BYTES], const struct piece *pieces,
                                   size_t count, const uint8_t signature[RSA_BYTES]) CRYPTO_CHECKED;

/* The same with SHA-256. */
enum crypto_status rsa_sign_sha256(const uint8_t *der, size_t bytes, const struct piece *pieces,
                                   size_t count, uint8_t signature[RSA_BYTES]) CRYPTO_CHECKED;
enum crypto_status rsa_verify_sha256(const uint8_t modulus[RSA_BYTES], const struct piece *pieces,
                                     size_t count,
                                     const uint8_t signature[RSA_BYTES]) CRYPTO_CHECKED;

#endif
