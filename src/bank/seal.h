/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bank must keep secret in its records (transport keys, ephemeral scalars) is sealed with
 * AES-256-GCM under one storage key, which lies in keys/storage.key under the passphrase:
 *
 *   "stiverk1" | log2 N 1 | salt 16 | nonce 12 | ciphertext 32 | tag 16      (85 bytes)
 *
 * sealed value = nonce 12 | ciphertext | tag 16. What a value is for goes in as associated data, so
 * that no sealed value passes for another.
 */
#ifndef BANK_SEAL_H
#define BANK_SEAL_H

#include <stiver/bank.h>

#include "bank/evp.h"

#define STORAGE_KEY_BYTES 32u
#define KEY_COST_LEAST 10u
#define KEY_COST_MOST 14u /* what OpenSSL opens in PKCS#8: 32 MiB at most */
#define KEY_COST_USUAL 14u

/* out holds bytes + SEAL_OVERHEAD_BYTES. */
bool seal_close(const uint8_t key[STORAGE_KEY_BYTES], const uint8_t *purpose, size_t purpose_bytes,
                const uint8_t *data, size_t bytes, uint8_t *out) EVP_CHECKED;
/* sealed holds bytes + SEAL_OVERHEAD_BYTES. False if it was changed, or sealed for another purpose
 * or under another key; out is wiped then. */
bool seal_open(const uint8_t key[STORAGE_KEY_BYTES], const uint8_t *purpose, size_t purpose_bytes,
               const uint8_t *sealed, uint8_t *out, size_t bytes) EVP_CHECKED;

/* Draws a storage key and writes its file. */
enum stiver_bank_status storage_key_make(const char *directory,
                                         struct stiver_bank_secret passphrase, unsigned cost,
                                         uint8_t key[STORAGE_KEY_BYTES]) EVP_CHECKED;
/* PASSPHRASE if the passphrase does not open it, KEY_MISSING, DAMAGED. */
enum stiver_bank_status storage_key_load(const char *directory,
                                         struct stiver_bank_secret passphrase,
                                         uint8_t key[STORAGE_KEY_BYTES]) EVP_CHECKED;

#endif
