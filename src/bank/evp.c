/* SPDX-License-Identifier: Apache-2.0 */
#include "bank/evp.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/bytes.h"

#define POINT_BYTES (1u + PUBLIC_KEY_BYTES)
#define DER_SIGNATURE_MAX 72u
static char curve[] = "prime256v1";

static bool hash_pieces(const struct piece *pieces, size_t count, uint8_t hash[SHA256_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; done && i < count; i++)
        done = EVP_DigestUpdate(context, pieces[i].data, pieces[i].bytes) == 1;
    done = done && EVP_DigestFinal_ex(context, hash, NULL) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

bool evp_sha256(const uint8_t *data, size_t bytes, uint8_t hash[SHA256_BYTES])
{
    struct piece piece = {data, bytes};
    return hash_pieces(&piece, 1, hash);
}

bool evp_random(uint8_t *out, size_t bytes)
{
    return RAND_bytes(out, (int)bytes) == 1;
}

bool evp_cmac(const uint8_t key[AES_KEY_BYTES], const uint8_t *data, size_t bytes,
              uint8_t mac[CMAC_BYTES])
{
    char cipher[] = "AES-128-CBC";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *context = cmac ? EVP_MAC_CTX_new(cmac) : NULL;
    size_t written = 0;
    bool done = context && EVP_MAC_init(context, key, AES_KEY_BYTES, parameters) == 1 &&
                EVP_MAC_update(context, data, bytes) == 1 &&
                EVP_MAC_final(context, mac, &written, CMAC_BYTES) == 1 && written == CMAC_BYTES;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(cmac);
    return done;
}

bool evp_derive(const uint8_t secret[SHARED_SECRET_BYTES], const char *info,
                uint8_t key[AES_KEY_BYTES])
{
    static const uint8_t one[4] = {0, 0, 0, 1};
    uint8_t hash[SHA256_BYTES];
    struct piece pieces[] = {
        {secret, SHARED_SECRET_BYTES}, {one, sizeof one}, {(const uint8_t *)info, strlen(info)}};
    bool done = hash_pieces(pieces, 3, hash);
    memcpy(key, hash, AES_KEY_BYTES);
    bytes_wipe(hash, sizeof hash);
    return done;
}

EVP_PKEY *evp_key_generate(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

static EVP_PKEY *key_from(OSSL_PARAM_BLD *builder, int selection)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    bool done = parameters && context && EVP_PKEY_fromdata_init(context) == 1 &&
                EVP_PKEY_fromdata(context, &key, selection, parameters) == 1;
    OSSL_PARAM_free(parameters);
    EVP_PKEY_CTX_free(context);
    return done ? key : NULL;
}

static bool push_point(OSSL_PARAM_BLD *builder, const uint8_t key[PUBLIC_KEY_BYTES],
                       uint8_t point[POINT_BYTES])
{
    point[0] = 0x04;
    memcpy(point + 1, key, PUBLIC_KEY_BYTES);
    return OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_BYTES) ==
               1;
}

EVP_PKEY *evp_key_public(const uint8_t key[PUBLIC_KEY_BYTES])
{
    uint8_t point[POINT_BYTES];
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *made =
        builder && push_point(builder, key, point) ? key_from(builder, EVP_PKEY_PUBLIC_KEY) : NULL;
    OSSL_PARAM_BLD_free(builder);
    return made;
}

EVP_PKEY *evp_key_private(const uint8_t scalar[PRIVATE_KEY_BYTES],
                          const uint8_t key[PUBLIC_KEY_BYTES])
{
    uint8_t point[POINT_BYTES];
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *number = BN_secure_new();
    bool done = builder && number && BN_bin2bn(scalar, PRIVATE_KEY_BYTES, number) &&
                push_point(builder, key, point) &&
                OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1;
    EVP_PKEY *made = done ? key_from(builder, EVP_PKEY_KEYPAIR) : NULL;
    BN_clear_free(number);
    OSSL_PARAM_BLD_free(builder);
    return made;
}

bool evp_public_of(EVP_PKEY *pair, uint8_t key[PUBLIC_KEY_BYTES])
{
    uint8_t point[POINT_BYTES];
    size_t bytes = 0;
    bool done = EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                                                &bytes) == 1 &&
                bytes == POINT_BYTES && point[0] == 0x04;
    if (done)
        memcpy(key, point + 1, PUBLIC_KEY_BYTES);
    return done;
}

bool evp_scalar_of(EVP_PKEY *pair, uint8_t scalar[PRIVATE_KEY_BYTES])
{
    BIGNUM *number = NULL;
    bool done = EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
                BN_bn2binpad(number, scalar, PRIVATE_KEY_BYTES) == (int)PRIVATE_KEY_BYTES;
    BN_clear_free(number);
    return done;
}

static bool signature_from_der(const uint8_t *der, size_t bytes, uint8_t signature[SIGNATURE_BYTES])
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)bytes);
    if (!pair)
        return false;
    int half = (int)(SIGNATURE_BYTES / 2);
    bool done = BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, half) == half &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + half, half) == half;
    ECDSA_SIG_free(pair);
    return done;
}

/* 0 on failure. */
static size_t signature_to_der(const uint8_t signature[SIGNATURE_BYTES],
                               uint8_t der[DER_SIGNATURE_MAX])
{
    int half = (int)(SIGNATURE_BYTES / 2), length = 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, half, NULL), *s = BN_bin2bn(signature + half, half, NULL);
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* pair owns them now */
        length = i2d_ECDSA_SIG(pair, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return length > 0 ? (size_t)length : 0;
}

bool evp_sign(EVP_PKEY *pair, const uint8_t hash[SHA256_BYTES], uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t der[DER_SIGNATURE_MAX];
    size_t bytes = sizeof der;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
    bool done = context && EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_sign(context, der, &bytes, hash, SHA256_BYTES) == 1 &&
                signature_from_der(der, bytes, signature);
    EVP_PKEY_CTX_free(context);
    return done;
}

/* Of a key that OpenSSL does not take: its error queue tells a point off the curve from short
 * memory. */
static enum verdict verdict_on_point(void)
{
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_EC && ERR_GET_REASON(error) != ERR_R_MALLOC_FAILURE
               ? VERDICT_FORGED
               : VERDICT_UNKNOWN;
}

static enum verdict open_point(const uint8_t key[PUBLIC_KEY_BYTES], EVP_PKEY **made)
{
    ERR_clear_error();
    *made = evp_key_public(key);
    enum verdict verdict = *made ? VERDICT_VALID : verdict_on_point();
    ERR_clear_error();
    return verdict;
}

enum verdict evp_point(const uint8_t key[PUBLIC_KEY_BYTES])
{
    EVP_PKEY *made = NULL;
    enum verdict verdict = open_point(key, &made);
    EVP_PKEY_free(made);
    return verdict;
}

static enum verdict verify_hash(const uint8_t key[PUBLIC_KEY_BYTES],
                                const uint8_t hash[SHA256_BYTES],
                                const uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t der[DER_SIGNATURE_MAX];
    size_t bytes = signature_to_der(signature, der);
    EVP_PKEY *public_key = NULL;
    enum verdict verdict = open_point(key, &public_key);
    EVP_PKEY_CTX *context = public_key ? EVP_PKEY_CTX_new(public_key, NULL) : NULL;
    if (verdict == VERDICT_VALID) {
        /* 0: the signature is wrong; below 0: it was not looked at. */
        int said = bytes && context && EVP_PKEY_verify_init(context) == 1
                       ? EVP_PKEY_verify(context, der, bytes, hash, SHA256_BYTES)
                       : -1;
        verdict = said == 1 ? VERDICT_VALID : said == 0 ? VERDICT_FORGED : VERDICT_UNKNOWN;
    }
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(public_key);
    return verdict;
}

bool evp_agree(EVP_PKEY *pair, const uint8_t peer[PUBLIC_KEY_BYTES],
               uint8_t secret[SHARED_SECRET_BYTES])
{
    size_t bytes = SHARED_SECRET_BYTES;
    EVP_PKEY *other = evp_key_public(peer);
    EVP_PKEY_CTX *context = other ? EVP_PKEY_CTX_new(pair, NULL) : NULL;
    bool done = context && EVP_PKEY_derive_init(context) == 1 &&
                EVP_PKEY_derive_set_peer(context, other) == 1 &&
                EVP_PKEY_derive(context, secret, &bytes) == 1 && bytes == SHARED_SECRET_BYTES;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(other);
    return done;
}

const struct primitives bank_primitives = {.sha256 = hash_pieces, .verify = verify_hash};
