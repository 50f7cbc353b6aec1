/* SPDX-License-Identifier: Apache-2.0 */
#include "bank/seal.h"

#include <openssl/kdf.h>
#include <string.h>

#include "bank/key_file.h"
#include "bank/store.h"
#include "base/bytes.h"

#define NONCE_GCM_BYTES 12u
#define TAG_GCM_BYTES 16u
#define SALT_BYTES 16u
#define MAGIC "stiverk1"
#define MAGIC_BYTES 8u
#define FILE_BYTES (MAGIC_BYTES + 1u + SALT_BYTES + STORAGE_KEY_BYTES + SEAL_OVERHEAD_BYTES)

_Static_assert(SEAL_OVERHEAD_BYTES == NONCE_GCM_BYTES + TAG_GCM_BYTES, "nonce and tag");

bool seal_close(const uint8_t key[STORAGE_KEY_BYTES], const uint8_t *purpose, size_t purpose_bytes,
                const uint8_t *data, size_t bytes, uint8_t *out)
{
    uint8_t *nonce = out, *text = out + NONCE_GCM_BYTES, *tag = text + bytes;
    int length = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context && evp_random(nonce, NONCE_GCM_BYTES) &&
                EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
                EVP_EncryptUpdate(context, NULL, &length, purpose, (int)purpose_bytes) == 1 &&
                EVP_EncryptUpdate(context, text, &length, data, (int)bytes) == 1 &&
                EVP_EncryptFinal_ex(context, tag, &length) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, (int)TAG_GCM_BYTES, tag) == 1;
    EVP_CIPHER_CTX_free(context);
    return done;
}

bool seal_open(const uint8_t key[STORAGE_KEY_BYTES], const uint8_t *purpose, size_t purpose_bytes,
               const uint8_t *sealed, uint8_t *out, size_t bytes)
{
    const uint8_t *text = sealed + NONCE_GCM_BYTES;
    uint8_t tag[TAG_GCM_BYTES], rest[TAG_GCM_BYTES];
    memcpy(tag, text + bytes, sizeof tag);
    int length = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
                EVP_DecryptUpdate(context, NULL, &length, purpose, (int)purpose_bytes) == 1 &&
                EVP_DecryptUpdate(context, out, &length, text, (int)bytes) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, (int)sizeof tag, tag) == 1 &&
                EVP_DecryptFinal_ex(context, rest, &length) == 1;
    EVP_CIPHER_CTX_free(context);
    if (!done)
        bytes_wipe(out, bytes);
    return done;
}

static bool stretch(struct stiver_bank_secret passphrase, unsigned cost,
                    const uint8_t salt[SALT_BYTES], uint8_t key[STORAGE_KEY_BYTES])
{
    /* 128 * r * N bytes, and some for OpenSSL itself. */
    uint64_t n = UINT64_C(1) << cost, memory = 1024 * n + (UINT64_C(1) << 20);
    return EVP_PBE_scrypt((const char *)passphrase.bytes, passphrase.length, salt, SALT_BYTES, n, 8,
                          1, memory, key, STORAGE_KEY_BYTES) == 1;
}

enum stiver_bank_status storage_key_make(const char *directory,
                                         struct stiver_bank_secret passphrase, unsigned cost,
                                         uint8_t key[STORAGE_KEY_BYTES])
{
    uint8_t file[FILE_BYTES], wrapping[STORAGE_KEY_BYTES];
    struct writer w = writer_of(file, sizeof file);
    writer_bytes(&w, (const uint8_t *)MAGIC, MAGIC_BYTES);
    writer_u8(&w, (uint8_t)cost);
    uint8_t *salt = writer_reserve(&w, SALT_BYTES);
    uint8_t *sealed = writer_reserve(&w, STORAGE_KEY_BYTES + SEAL_OVERHEAD_BYTES);
    bool done = salt && sealed && evp_random(salt, SALT_BYTES) &&
                evp_random(key, STORAGE_KEY_BYTES) && stretch(passphrase, cost, salt, wrapping) &&
                seal_close(wrapping, file, MAGIC_BYTES + 1, key, STORAGE_KEY_BYTES, sealed);
    bytes_wipe(wrapping, sizeof wrapping);
    if (!done)
        return STIVER_BANK_CRYPTO;
    return file_write(directory, "keys/storage.key", file, sizeof file);
}

enum stiver_bank_status storage_key_load(const char *directory,
                                         struct stiver_bank_secret passphrase,
                                         uint8_t key[STORAGE_KEY_BYTES])
{
    uint8_t file[FILE_BYTES], wrapping[STORAGE_KEY_BYTES];
    size_t bytes;
    enum stiver_bank_status status =
        file_read(directory, "keys/storage.key", file, sizeof file, &bytes);
    if (status != STIVER_BANK_OK)
        return status;
    unsigned cost = file[MAGIC_BYTES];
    if (bytes != FILE_BYTES || memcmp(file, MAGIC, MAGIC_BYTES) != 0 || cost < KEY_COST_LEAST ||
        cost > KEY_COST_MOST)
        return STIVER_BANK_DAMAGED;
    const uint8_t *salt = file + MAGIC_BYTES + 1;
    bool stretched = stretch(passphrase, cost, salt, wrapping);
    bool opened = stretched && seal_open(wrapping, file, MAGIC_BYTES + 1, salt + SALT_BYTES, key,
                                         STORAGE_KEY_BYTES);
    bytes_wipe(wrapping, sizeof wrapping);
    if (!stretched)
        return STIVER_BANK_CRYPTO;
    return opened ? STIVER_BANK_OK : STIVER_BANK_PASSPHRASE;
}
