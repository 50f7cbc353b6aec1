/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL in the shapes that the scheme asks for. Every bool is true on success. */
#ifndef BANK_CRYPTO_H
#define BANK_CRYPTO_H

#include <openssl/evp.h>

#include "base/primitives.h"

#define CRYPTO_CHECKED __attribute__((warn_unused_result))

/* Hash and verification, for scheme's functions. */
extern const struct primitives bank_primitives;

bool crypto_sha256(const uint8_t *data, size_t bytes, uint8_t hash[SHA256_BYTES]) CRYPTO_CHECKED;
bool crypto_random(uint8_t *out, size_t bytes) CRYPTO_CHECKED;
bool crypto_cmac(const uint8_t key[AES_KEY_BYTES], const uint8_t *data, size_t bytes,
                 uint8_t mac[CMAC_BYTES]) CRYPTO_CHECKED;
/* AES-128 key out of a shared secret: ANSI X9.63 with SHA-256, one block. */
bool crypto_derive(const uint8_t secret[SHARED_SECRET_BYTES], const char *info,
                   uint8_t key[AES_KEY_BYTES]) CRYPTO_CHECKED;

/* P-256 keys; NULL on failure, else EVP_PKEY_free them. */
EVP_PKEY *crypto_key_generate(void) CRYPTO_CHECKED;
EVP_PKEY *crypto_key_public(const uint8_t key[PUBLIC_KEY_BYTES]) CRYPTO_CHECKED;
EVP_PKEY *crypto_key_private(const uint8_t scalar[PRIVATE_KEY_BYTES],
                             const uint8_t key[PUBLIC_KEY_BYTES]) CRYPTO_CHECKED;
bool crypto_public_of(EVP_PKEY *pair, uint8_t key[PUBLIC_KEY_BYTES]) CRYPTO_CHECKED;
bool crypto_scalar_of(EVP_PKEY *pair, uint8_t scalar[PRIVATE_KEY_BYTES]) CRYPTO_CHECKED;
bool crypto_sign(EVP_PKEY *pair, const uint8_t hash[SHA256_BYTES],
                 uint8_t signature[SIGNATURE_BYTES]) CRYPTO_CHECKED;
/* x coordinate of the shared point; false also for a peer that is no point of the curve. */
bool crypto_agree(EVP_PKEY *pair, const uint8_t peer[PUBLIC_KEY_BYTES],
                  uint8_t secret[SHARED_SECRET_BYTES]) CRYPTO_CHECKED;

#endif
