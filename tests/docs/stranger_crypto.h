/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Section 1 of docs/protocol.md on OpenSSL: P-256, SHA-256, the KDF, AES and CMAC. Private keys are
 * EVP_PKEY, public keys X | Y, signatures r | s. What fails fails the test.
 */
#ifndef TESTS_DOCS_STRANGER_CRYPTO_H
#define TESTS_DOCS_STRANGER_CRYPTO_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

EVP_PKEY *stranger_pair(uint8_t public_key[64]);
/* x coordinate of private * public. */
void stranger_agree(EVP_PKEY *own, const uint8_t public_key[64], uint8_t x[32]);
/* ECDSA with SHA-256 over data. */
bool stranger_verify(const uint8_t public_key[64], const uint8_t *data, size_t bytes,
                     const uint8_t signature[64]);
void stranger_sha256(const uint8_t *data, size_t bytes, uint8_t hash[32]);
void stranger_kdf(const uint8_t *secret, size_t secret_bytes, const uint8_t *info,
                  size_t info_bytes, uint8_t *key, size_t key_bytes);
void stranger_cmac(const uint8_t key[16], const uint8_t *data, size_t bytes, uint8_t mac[16]);
void stranger_block(const uint8_t key[16], const uint8_t in[16], uint8_t out[16]);
/* CBC without padding of its own. */
void stranger_cbc(bool encrypt, const uint8_t key[16], const uint8_t iv[16], const uint8_t *in,
                  size_t bytes, uint8_t *out);
void stranger_random(uint8_t *out, size_t bytes);

#endif
