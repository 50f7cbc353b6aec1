/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA-2048 for the campus purse: RSASSA-PKCS1-v1_5 (RFC 8017, 8.2) with the public exponent 65537.
 * SHA-1 is the published protocol's; the link to our own terminals has SHA-256. A private key is
 * something that signs a digest; nothing else in the bank ever holds it.
 */
#ifndef BANK_EVP_RSA_H
#define BANK_EVP_RSA_H

#include <stiver/bank.h>

#include "bank/evp.h"
#include "scheme/campus.h"

enum rsa_hash { RSA_SHA1, RSA_SHA256 };
#define RSA_DIGEST_BYTES_MAX 32u

/* What a file stands behind today, and a PKCS#11 token may (CKM_RSA_PKCS over a DigestInfo). */
struct rsa_signer {
    void *context; /* owned; NULL: the signer is not open */
    bool (*sign)(void *context, enum rsa_hash hash, const uint8_t *digest,
                 uint8_t signature[CAMPUS_RSA_BYTES]);
    void (*close)(void *context);
};
/* Harmless on one that is not open. */
void evp_rsa_close(struct rsa_signer *signer);

/* 2,048 bits and odd: all that can be seen of a modulus. */
bool evp_rsa_is_modulus(const uint8_t modulus[CAMPUS_RSA_BYTES]) EVP_CHECKED;
size_t evp_rsa_digest_bytes(enum rsa_hash hash) EVP_CHECKED;
bool evp_rsa_digest(enum rsa_hash hash, const uint8_t *data, size_t bytes,
                    uint8_t digest[RSA_DIGEST_BYTES_MAX]) EVP_CHECKED;
/* VALID only for a signature of these bytes under this key. */
enum verdict evp_rsa_verify(const uint8_t modulus[CAMPUS_RSA_BYTES], enum rsa_hash hash,
                            const uint8_t *data, size_t bytes,
                            const uint8_t signature[CAMPUS_RSA_BYTES]) EVP_CHECKED;

/* Keys; NULL on failure, else EVP_PKEY_free them. */
EVP_PKEY *evp_rsa_generate(void) EVP_CHECKED;
/* Takes a PKCS#1 RSAPrivateKey; NULL if it is not whole, not of 2,048 bits, or has another
 * exponent. */
EVP_PKEY *evp_rsa_private(const uint8_t *der, size_t bytes) EVP_CHECKED;
bool evp_rsa_modulus_of(EVP_PKEY *pair, uint8_t modulus[CAMPUS_RSA_BYTES]) EVP_CHECKED;
bool evp_rsa_sign(EVP_PKEY *pair, enum rsa_hash hash, const uint8_t *digest,
                  uint8_t signature[CAMPUS_RSA_BYTES]) EVP_CHECKED;

/* Opens an encrypted file (bank/key_file.h) as a signer; KEY_MISSING, PASSPHRASE, DAMAGED (also if
 * it is not the key that is expected). */
enum stiver_bank_status evp_rsa_file_open(const char *directory, const char *name,
                                          struct stiver_bank_secret passphrase,
                                          const uint8_t expected[CAMPUS_RSA_BYTES],
                                          struct rsa_signer *signer) EVP_CHECKED;

#endif
