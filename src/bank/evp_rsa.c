/* SPDX-License-Identifier: Apache-2.0 */
#include "bank/evp_rsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "bank/key_file.h"

#define EXPONENT 65537u
#define RSA_BITS 2048

static const EVP_MD *md_of(enum rsa_hash hash)
{
    return hash == RSA_SHA1 ? EVP_sha1() : EVP_sha256();
}

size_t evp_rsa_digest_bytes(enum rsa_hash hash)
{
    return hash == RSA_SHA1 ? 20 : 32;
}

bool evp_rsa_digest(enum rsa_hash hash, const uint8_t *data, size_t bytes,
                    uint8_t digest[RSA_DIGEST_BYTES_MAX])
{
    return EVP_Digest(data, bytes, digest, NULL, md_of(hash), NULL) == 1;
}

bool evp_rsa_is_modulus(const uint8_t modulus[CAMPUS_RSA_BYTES])
{
    return (modulus[0] & 0x80) != 0 && (modulus[CAMPUS_RSA_BYTES - 1] & 1) != 0;
}

static EVP_PKEY *public_from(OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    bool done = parameters && context && EVP_PKEY_fromdata_init(context) == 1 &&
                EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) == 1;
    OSSL_PARAM_free(parameters);
    EVP_PKEY_CTX_free(context);
    return done ? key : NULL;
}

static EVP_PKEY *public_key(const uint8_t modulus[CAMPUS_RSA_BYTES])
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus, (int)CAMPUS_RSA_BYTES, NULL);
    bool done = builder && n && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
                OSSL_PARAM_BLD_push_uint(builder, OSSL_PKEY_PARAM_RSA_E, EXPONENT) == 1;
    EVP_PKEY *key = done ? public_from(builder) : NULL;
    BN_free(n);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* PKCS #1 v1.5 around a digest of this kind. */
static bool set_form(EVP_PKEY_CTX *context, enum rsa_hash hash)
{
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context, md_of(hash)) == 1;
}

/* OpenSSL answers the same to a wrong signature and to short memory; its error queue tells. */
static enum verdict verdict_on_refusal(void)
{
    enum verdict verdict = VERDICT_FORGED;
    for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error())
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
            verdict = VERDICT_UNKNOWN;
    return verdict;
}

enum verdict evp_rsa_verify(const uint8_t modulus[CAMPUS_RSA_BYTES], enum rsa_hash hash,
                            const uint8_t *data, size_t bytes,
                            const uint8_t signature[CAMPUS_RSA_BYTES])
{
    uint8_t digest[RSA_DIGEST_BYTES_MAX];
    enum verdict verdict = VERDICT_UNKNOWN;
    if (!evp_rsa_is_modulus(modulus))
        return VERDICT_FORGED;
    if (!evp_rsa_digest(hash, data, bytes, digest))
        return VERDICT_UNKNOWN;
    EVP_PKEY *key = public_key(modulus);
    EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    if (context && EVP_PKEY_verify_init(context) == 1 && set_form(context, hash)) {
        ERR_clear_error();
        int answer = EVP_PKEY_verify(context, signature, CAMPUS_RSA_BYTES, digest,
                                     evp_rsa_digest_bytes(hash));
        if (answer >= 0) /* below: it was not looked at */
            verdict = answer == 1 ? VERDICT_VALID : verdict_on_refusal();
    }
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return verdict;
}

EVP_PKEY *evp_rsa_generate(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
}

bool evp_rsa_modulus_of(EVP_PKEY *pair, uint8_t modulus[CAMPUS_RSA_BYTES])
{
    BIGNUM *n = NULL;
    bool done = EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
                BN_bn2binpad(n, modulus, (int)CAMPUS_RSA_BYTES) == (int)CAMPUS_RSA_BYTES;
    BN_free(n);
    return done;
}

/* A key whose parts do not belong together would sign what nobody can verify. */
static bool is_sound(EVP_PKEY *pair)
{
    BIGNUM *e = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
    bool sound = EVP_PKEY_get_bits(pair) == RSA_BITS &&
                 EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
                 BN_is_word(e, EXPONENT) && context && EVP_PKEY_pairwise_check(context) == 1;
    BN_free(e);
    EVP_PKEY_CTX_free(context);
    return sound;
}

EVP_PKEY *evp_rsa_private(const uint8_t *der, size_t bytes)
{
    const unsigned char *at = der;
    EVP_PKEY *pair = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)bytes);
    if (pair && at == der + bytes && is_sound(pair))
        return pair;
    EVP_PKEY_free(pair);
    return NULL;
}

bool evp_rsa_sign(EVP_PKEY *pair, enum rsa_hash hash, const uint8_t *digest,
                  uint8_t signature[CAMPUS_RSA_BYTES])
{
    size_t bytes = CAMPUS_RSA_BYTES;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
    bool done =
        context && EVP_PKEY_sign_init(context) == 1 && set_form(context, hash) &&
        EVP_PKEY_sign(context, signature, &bytes, digest, evp_rsa_digest_bytes(hash)) == 1 &&
        bytes == CAMPUS_RSA_BYTES;
    EVP_PKEY_CTX_free(context);
    return done;
}

/* ---- a file as a signer ---- */

static bool file_sign(void *context, enum rsa_hash hash, const uint8_t *digest,
                      uint8_t signature[CAMPUS_RSA_BYTES])
{
    return evp_rsa_sign(context, hash, digest, signature);
}

static void file_close(void *context)
{
    EVP_PKEY_free(context);
}

void evp_rsa_close(struct rsa_signer *signer)
{
    if (signer->context)
        signer->close(signer->context);
    signer->context = NULL;
}

enum stiver_bank_status evp_rsa_file_open(const char *directory, const char *name,
                                          struct stiver_bank_secret passphrase,
                                          const uint8_t expected[CAMPUS_RSA_BYTES],
                                          struct rsa_signer *signer)
{
    uint8_t found[CAMPUS_RSA_BYTES];
    EVP_PKEY *pair = NULL;
    enum stiver_bank_status status = key_file_load(directory, name, passphrase, &pair);
    if (status != STIVER_BANK_OK)
        return status;
    if (!EVP_PKEY_is_a(pair, "RSA") || !evp_rsa_modulus_of(pair, found) ||
        !bytes_equal(found, expected, sizeof found)) {
        EVP_PKEY_free(pair);
        return STIVER_BANK_DAMAGED;
    }
    *signer = (struct rsa_signer){pair, file_sign, file_close};
    return STIVER_BANK_OK;
}
