/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in files: encrypted PKCS#8 (PBES2, scrypt, AES-256-CBC) as PEM, mode 0600, written to a
 * temporary name, synced and renamed. Names are relative to the bank's directory.
 */
#ifndef BANK_KEY_FILE_H
#define BANK_KEY_FILE_H

#include <stiver/bank.h>

#include "bank/evp.h"
#include "bank/signer.h"

/* Whole or not at all. */
enum stiver_bank_status file_write(const char *directory, const char *name, const uint8_t *data,
                                   size_t bytes) EVP_CHECKED;
/* KEY_MISSING if there is no such file; DAMAGED if it is longer than capacity. */
enum stiver_bank_status file_read(const char *directory, const char *name, uint8_t *out,
                                  size_t capacity, size_t *bytes) EVP_CHECKED;
bool file_is_there(const char *directory, const char *name) EVP_CHECKED;
/* The status that errno means. */
enum stiver_bank_status status_of_errno(void) EVP_CHECKED;

/* Writes a pair of any kind into its file. */
enum stiver_bank_status key_file_put(const char *directory, const char *name,
                                     struct stiver_bank_secret passphrase, unsigned cost,
                                     EVP_PKEY *pair) EVP_CHECKED;
/* Reads one; KEY_MISSING, PASSPHRASE, DAMAGED. EVP_PKEY_free it. */
enum stiver_bank_status key_file_load(const char *directory, const char *name,
                                      struct stiver_bank_secret passphrase,
                                      EVP_PKEY **pair) EVP_CHECKED;

/* Makes a P-256 pair and its file. */
enum stiver_bank_status key_file_make(const char *directory, const char *name,
                                      struct stiver_bank_secret passphrase, unsigned cost,
                                      uint8_t public_key[PUBLIC_KEY_BYTES]) EVP_CHECKED;
/* Opens one as a signer; KEY_MISSING, PASSPHRASE, DAMAGED (also if it is not the key that is
 * expected). signer_close it. */
enum stiver_bank_status key_file_open(const char *directory, const char *name,
                                      struct stiver_bank_secret passphrase,
                                      const uint8_t expected[PUBLIC_KEY_BYTES],
                                      struct signer *signer) EVP_CHECKED;

#endif
