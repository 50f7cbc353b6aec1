/* SPDX-License-Identifier: Apache-2.0 */
#include "bank/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

#define PATH_BYTES 4096
#define PEM_BYTES_MAX 4096

enum stiver_bank_status status_of_errno(void)
{
    switch (errno) {
    case EACCES:
    case EPERM:
    case EROFS:
        return STIVER_BANK_PERMISSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STIVER_BANK_DISK_FULL;
    case ENOENT:
    case ENOTDIR:
        return STIVER_BANK_KEY_MISSING;
    case ENOMEM:
        return STIVER_BANK_MEMORY;
    default:
        return STIVER_BANK_IO;
    }
}

static bool path_of(const char *directory, const char *name, const char *suffix,
                    char path[PATH_BYTES])
{
    int length = snprintf(path, PATH_BYTES, "%s/%s%s", directory, name, suffix);
    return length > 0 && length < PATH_BYTES;
}

static bool write_all(int file, const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(file, data, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        bytes -= (size_t)written;
    }
    return fsync(file) == 0;
}

/* A rename lasts only once its directory is on the disk. */
static bool sync_folder_of(const char *path)
{
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return false;
    *slash = 0;
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool done = fsync(file) == 0;
    close(file);
    return done;
}

enum stiver_bank_status file_write(const char *directory, const char *name, const uint8_t *data,
                                   size_t bytes)
{
    char path[PATH_BYTES], draft[PATH_BYTES];
    if (!path_of(directory, name, "", path) || !path_of(directory, name, ".new", draft))
        return STIVER_BANK_ARGUMENT;
    /* What an earlier run, or somebody else, left there is not written into: it may be a link, or
     * open to others. */
    if (unlink(draft) != 0 && errno != ENOENT)
        return status_of_errno();
    int file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return status_of_errno();
    bool done = write_all(file, data, bytes);
    enum stiver_bank_status status = done ? STIVER_BANK_OK : status_of_errno();
    close(file);
    if (done && (rename(draft, path) != 0 || !sync_folder_of(path)))
        status = status_of_errno();
    if (status != STIVER_BANK_OK)
        unlink(draft);
    return status;
}

enum stiver_bank_status file_read(const char *directory, const char *name, uint8_t *out,
                                  size_t capacity, size_t *bytes)
{
    char path[PATH_BYTES];
    *bytes = 0;
    if (!path_of(directory, name, "", path))
        return STIVER_BANK_ARGUMENT;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return status_of_errno();
    ssize_t got = 0;
    while (*bytes < capacity && (got = read(file, out + *bytes, capacity - *bytes)) > 0)
        *bytes += (size_t)got;
    uint8_t more;
    enum stiver_bank_status status = got < 0                     ? status_of_errno()
                                     : read(file, &more, 1) == 1 ? STIVER_BANK_DAMAGED
                                                                 : STIVER_BANK_OK;
    close(file);
    return status;
}

bool file_is_there(const char *directory, const char *name)
{
    char path[PATH_BYTES];
    return path_of(directory, name, "", path) && access(path, R_OK) == 0;
}

/* PKCS#8 under PBES2 with scrypt of this cost; NULL on failure. */
static X509_SIG *encrypt_pair(EVP_PKEY *pair, struct stiver_bank_secret passphrase, unsigned cost)
{
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(pair);
    X509_ALGOR *method =
        PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, UINT64_C(1) << cost, 8, 1);
    X509_SIG *sealed = plain && method ? PKCS8_set0_pbe((const char *)passphrase.bytes,
                                                        (int)passphrase.length, plain, method)
                                       : NULL;
    if (!sealed)
        X509_ALGOR_free(method);
    PKCS8_PRIV_KEY_INFO_free(plain);
    return sealed;
}

enum stiver_bank_status key_file_put(const char *directory, const char *name,
                                     struct stiver_bank_secret passphrase, unsigned cost,
                                     EVP_PKEY *pair)
{
    enum stiver_bank_status status = STIVER_BANK_CRYPTO;
    X509_SIG *sealed = encrypt_pair(pair, passphrase, cost);
    BIO *memory = sealed ? BIO_new(BIO_s_mem()) : NULL;
    char *text = NULL;
    if (memory && PEM_write_bio_PKCS8(memory, sealed) == 1) {
        long bytes = BIO_get_mem_data(memory, &text);
        status = file_write(directory, name, (const uint8_t *)text, (size_t)bytes);
    }
    BIO_free(memory);
    X509_SIG_free(sealed);
    return status;
}

enum stiver_bank_status key_file_make(const char *directory, const char *name,
                                      struct stiver_bank_secret passphrase, unsigned cost,
                                      uint8_t public_key[PUBLIC_KEY_BYTES])
{
    EVP_PKEY *pair = evp_key_generate();
    enum stiver_bank_status status = pair && evp_public_of(pair, public_key)
                                         ? key_file_put(directory, name, passphrase, cost, pair)
                                         : STIVER_BANK_CRYPTO;
    EVP_PKEY_free(pair);
    return status;
}

static bool file_sign(void *context, const uint8_t hash[SHA256_BYTES],
                      uint8_t signature[SIGNATURE_BYTES])
{
    return evp_sign(context, hash, signature);
}

static bool file_agree(void *context, const uint8_t peer[PUBLIC_KEY_BYTES],
                       uint8_t secret[SHARED_SECRET_BYTES])
{
    return evp_agree(context, peer, secret);
}

static void file_close(void *context)
{
    EVP_PKEY_free(context);
}

void signer_close(struct signer *signer)
{
    if (signer->context)
        signer->close(signer->context);
    signer->context = NULL;
}

static enum stiver_bank_status decrypt_pair(const uint8_t *pem, size_t bytes,
                                            struct stiver_bank_secret passphrase, EVP_PKEY **pair)
{
    BIO *memory = BIO_new_mem_buf(pem, (int)bytes);
    X509_SIG *sealed = memory ? PEM_read_bio_PKCS8(memory, NULL, NULL, NULL) : NULL;
    PKCS8_PRIV_KEY_INFO *plain =
        sealed ? PKCS8_decrypt(sealed, (const char *)passphrase.bytes, (int)passphrase.length)
               : NULL;
    *pair = plain ? EVP_PKCS82PKEY(plain) : NULL;
    enum stiver_bank_status status = !sealed  ? STIVER_BANK_DAMAGED
                                     : !plain ? STIVER_BANK_PASSPHRASE
                                     : !*pair ? STIVER_BANK_DAMAGED
                                              : STIVER_BANK_OK;
    PKCS8_PRIV_KEY_INFO_free(plain);
    X509_SIG_free(sealed);
    BIO_free(memory);
    return status;
}

enum stiver_bank_status key_file_load(const char *directory, const char *name,
                                      struct stiver_bank_secret passphrase, EVP_PKEY **pair)
{
    uint8_t pem[PEM_BYTES_MAX];
    size_t bytes;
    *pair = NULL;
    enum stiver_bank_status status = file_read(directory, name, pem, sizeof pem, &bytes);
    return status == STIVER_BANK_OK ? decrypt_pair(pem, bytes, passphrase, pair) : status;
}

enum stiver_bank_status key_file_open(const char *directory, const char *name,
                                      struct stiver_bank_secret passphrase,
                                      const uint8_t expected[PUBLIC_KEY_BYTES],
                                      struct signer *signer)
{
    uint8_t found[PUBLIC_KEY_BYTES];
    EVP_PKEY *pair;
    enum stiver_bank_status status = key_file_load(directory, name, passphrase, &pair);
    if (status == STIVER_BANK_OK &&
        (!evp_public_of(pair, found) || !bytes_equal(found, expected, PUBLIC_KEY_BYTES))) {
        EVP_PKEY_free(pair);
        status = STIVER_BANK_DAMAGED;
    }
    if (status == STIVER_BANK_OK)
        *signer = (struct signer){pair, file_sign, file_agree, file_close};
    return status;
}
