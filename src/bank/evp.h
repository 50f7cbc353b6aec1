/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL in the shapes that the scheme asks for. Every bool is true on success. */
#ifndef BANK_EVP_H
#define BANK_EVP_H

#include <openssl/evp.h>

#include "base/primitives.h"

#define EVP_CHECKED __attribute__((warn_unused_result))

/* Hash and verification, for scheme's functions. */
extern const struct primitives bank_primitives;

bool evp_sha256(const uint8_t *data, size_t bytes, uint8_t hash[SHA256_BYTES]) EVP_CHECKED;
bool evp_random(uint8_t *out, size_t bytes) EVP_CHECKED;
bool evp_cmac(const uint8_t key[AES_KEY_BYTES], const uint8_t *data, size_t bytes,
              uint8_t mac[CMAC_BYTES]) EVP_CHECKED;
/* AES-128 key out of a shared secret: ANSI X9.63 with SHA-256, one block. */
bool evp_derive(const uint8_t secret[SHARED_SECRET_BYTES], const char *info,
                uint8_t key[AES_KEY_BYTES]) EVP_CHECKED;

/* P-256 keys; NULL on failure, else EVP_PKEY_free them. */
EVP_PKEY *evp_key_generate(void) EVP_CHECKED;
EVP_PKEY *evp_key_public(const uint8_t key[PUBLIC_KEY_BYTES]) EVP_CHECKED;
EVP_PKEY *evp_key_private(const uint8_t scalar[PRIVATE_KEY_BYTES],
                          const uint8_t key[PUBLIC_KEY_BYTES]) EVP_CHECKED;
/* VALID if the key is a point of the curve, FORGED if it is none. */
enum verdict evp_point(const uint8_t key[PUBLIC_KEY_BYTES]) EVP_CHECKED;
bool evp_public_of(EVP_PKEY *pair, uint8_t key[PUBLIC_KEY_BYTES]) EVP_CHECKED;
bool evp_scalar_of(EVP_PKEY *pair, uint8_t scalar[PRIVATE_KEY_BYTES]) EVP_CHECKED;
bool evp_sign(EVP_PKEY *pair, const uint8_t hash[SHA256_BYTES],
              uint8_t signature[SIGNATURE_BYTES]) EVP_CHECKED;
/* x coordinate of the shared point; false also for a peer that is no point of the curve. */
bool evp_agree(EVP_PKEY *pair, const uint8_t peer[PUBLIC_KEY_BYTES],
               uint8_t secret[SHARED_SECRET_BYTES]) EVP_CHECKED;

#endif
