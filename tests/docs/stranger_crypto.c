/* SPDX-License-Identifier: Apache-2.0 */
#include "stranger_crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rand.h>

EVP_PKEY *stranger_pair(uint8_t public_key[64])
{
    uint8_t point[65];
    size_t bytes = 0;
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    assert_non_null(pair);
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &bytes),
        1);
    assert_int_equal(bytes, sizeof point);
    memcpy(public_key, point + 1, 64);
    return pair;
}

/* Off the curve: OpenSSL refuses it here. */
static EVP_PKEY *public_of(const uint8_t public_key[64])
{
    uint8_t point[65] = {0x04};
    char group[] = "P-256";
    EVP_PKEY *key = NULL;
    memcpy(point + 1, public_key, 64);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

void stranger_agree(EVP_PKEY *own, const uint8_t public_key[64], uint8_t x[32])
{
    static const uint8_t zeros[32];
    size_t bytes = 32;
    EVP_PKEY *peer = public_of(public_key);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
    assert_int_equal(EVP_PKEY_derive_init(context), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(context, peer), 1);
    assert_int_equal(EVP_PKEY_derive(context, x, &bytes), 1);
    assert_int_equal(bytes, 32);
    assert_memory_not_equal(x, zeros, 32);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
}

bool stranger_verify(const uint8_t public_key[64], const uint8_t *data, size_t bytes,
                     const uint8_t signature[64])
{
    uint8_t *der = NULL;
    ECDSA_SIG *both = ECDSA_SIG_new();
    EVP_PKEY *key = public_of(public_key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(
        ECDSA_SIG_set0(both, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL)),
        1);
    int der_bytes = i2d_ECDSA_SIG(both, &der);
    assert_true(der_bytes > 0);
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    bool good = EVP_DigestVerify(context, der, (size_t)der_bytes, data, bytes) == 1;
    OPENSSL_free(der);
    ECDSA_SIG_free(both);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}

void stranger_sha256(const uint8_t *data, size_t bytes, uint8_t hash[32])
{
    assert_int_equal(EVP_Digest(data, bytes, hash, NULL, EVP_sha256(), NULL), 1);
}

void stranger_kdf(const uint8_t *secret, size_t secret_bytes, const uint8_t *info,
                  size_t info_bytes, uint8_t *key, size_t key_bytes)
{
    uint8_t input[256], hash[32];
    assert_true(secret_bytes + 4 + info_bytes <= sizeof input);
    memcpy(input, secret, secret_bytes);
    memcpy(input + secret_bytes + 4, info, info_bytes);
    for (uint32_t counter = 1; key_bytes > 0; counter++) {
        size_t now = key_bytes < 32 ? key_bytes : 32;
        memset(input + secret_bytes, 0, 3);
        input[secret_bytes + 3] = (uint8_t)counter;
        stranger_sha256(input, secret_bytes + 4 + info_bytes, hash);
        memcpy(key, hash, now);
        key += now;
        key_bytes -= now;
    }
}

void stranger_cmac(const uint8_t key[16], const uint8_t *data, size_t bytes, uint8_t mac[16])
{
    char cipher[] = "AES-128-CBC";
    size_t made = 0;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(algorithm);
    assert_int_equal(EVP_MAC_init(context, key, 16, parameters), 1);
    assert_int_equal(EVP_MAC_update(context, data, bytes), 1);
    assert_int_equal(EVP_MAC_final(context, mac, &made, 16), 1);
    assert_int_equal(made, 16);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(algorithm);
}

static void cipher(const EVP_CIPHER *algorithm, bool encrypt, const uint8_t *key, const uint8_t *iv,
                   const uint8_t *in, size_t bytes, uint8_t *out)
{
    int made = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_CipherInit_ex(context, algorithm, NULL, key, iv, encrypt), 1);
    assert_int_equal(EVP_CIPHER_CTX_set_padding(context, 0), 1);
    assert_int_equal(EVP_CipherUpdate(context, out, &made, in, (int)bytes), 1);
    assert_int_equal(made, bytes);
    EVP_CIPHER_CTX_free(context);
}

void stranger_block(const uint8_t key[16], const uint8_t in[16], uint8_t out[16])
{
    cipher(EVP_aes_128_ecb(), true, key, NULL, in, 16, out);
}

void stranger_cbc(bool encrypt, const uint8_t key[16], const uint8_t iv[16], const uint8_t *in,
                  size_t bytes, uint8_t *out)
{
    cipher(EVP_aes_128_cbc(), encrypt, key, iv, in, bytes, out);
}

void stranger_random(uint8_t *out, size_t bytes)
{
    assert_int_equal(RAND_bytes(out, (int)bytes), 1);
}
