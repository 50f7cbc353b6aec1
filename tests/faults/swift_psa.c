/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same P-256, faster: PSA's elliptic-curve calls, wrapped at link time and answered by OpenSSL,
 * for tests that need thousands of contacts. Keys, points, secrets and signatures are the real
 * ones; everything else of PSA stays what it is. A point off the curve is refused here as there.
 */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/ec.h>
#include <openssl/ecdh.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <string.h>

#include <psa/crypto.h>

#define KEYS 16u
#define FIRST_ID 0x2F000000u /* of a volatile key that PSA never gives */

static struct {
    EC_KEY *key;
    psa_key_id_t id;
} keys[KEYS];
static psa_key_id_t next_id = FIRST_ID;

/* Made by the linker out of --wrap. */
#define WRAPPED(name, ...)                   \
    psa_status_t __real_##name(__VA_ARGS__); \
    psa_status_t __wrap_##name(__VA_ARGS__); \
    psa_status_t __wrap_##name(__VA_ARGS__)

static bool is_curve(const psa_key_attributes_t *attributes)
{
    return PSA_KEY_TYPE_IS_ECC(psa_get_key_type(attributes));
}

static EC_KEY *find(psa_key_id_t id)
{
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].key != NULL && keys[i].id == id)
            return keys[i].key;
    return NULL;
}

static psa_status_t keep(EC_KEY *key, psa_key_id_t *id)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (keys[i].key != NULL)
            continue;
        keys[i].key = key;
        keys[i].id = *id = next_id++;
        return PSA_SUCCESS;
    }
    EC_KEY_free(key);
    return PSA_ERROR_INSUFFICIENT_MEMORY;
}

static int set_private(EC_KEY *key, const uint8_t *data, size_t bytes)
{
    const EC_GROUP *group = EC_KEY_get0_group(key);
    EC_POINT *point = EC_POINT_new(group);
    int done = EC_KEY_oct2priv(key, data, bytes) == 1 &&
               EC_POINT_mul(group, point, EC_KEY_get0_private_key(key), NULL, NULL, NULL) == 1 &&
               EC_KEY_set_public_key(key, point) == 1;
    EC_POINT_free(point);
    return done;
}

WRAPPED(psa_import_key, const psa_key_attributes_t *attributes, const uint8_t *data, size_t bytes,
        psa_key_id_t *id)
{
    if (!is_curve(attributes))
        return __real_psa_import_key(attributes, data, bytes, id);
    EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    int done = PSA_KEY_TYPE_IS_PUBLIC_KEY(psa_get_key_type(attributes))
                   ? EC_KEY_oct2key(key, data, bytes, NULL)
                   : set_private(key, data, bytes);
    if (done == 1)
        return keep(key, id);
    EC_KEY_free(key);
    return PSA_ERROR_INVALID_ARGUMENT;
}

/* Weak: a program that draws its keys from a seed brings its own. */
psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id)
    __attribute__((weak));
WRAPPED(psa_generate_key, const psa_key_attributes_t *attributes, psa_key_id_t *id)
{
    if (!is_curve(attributes))
        return __real_psa_generate_key(attributes, id);
    EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    if (EC_KEY_generate_key(key) == 1)
        return keep(key, id);
    EC_KEY_free(key);
    return PSA_ERROR_GENERIC_ERROR;
}

WRAPPED(psa_destroy_key, psa_key_id_t id)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (keys[i].key == NULL || keys[i].id != id)
            continue;
        EC_KEY_free(keys[i].key);
        keys[i].key = NULL;
        return PSA_SUCCESS;
    }
    return __real_psa_destroy_key(id);
}

WRAPPED(psa_export_key, psa_key_id_t id, uint8_t *data, size_t capacity, size_t *bytes)
{
    EC_KEY *key = find(id);
    if (key == NULL)
        return __real_psa_export_key(id, data, capacity, bytes);
    *bytes = EC_KEY_priv2oct(key, data, capacity);
    return *bytes != 0 ? PSA_SUCCESS : PSA_ERROR_GENERIC_ERROR;
}

WRAPPED(psa_export_public_key, psa_key_id_t id, uint8_t *data, size_t capacity, size_t *bytes)
{
    EC_KEY *key = find(id);
    if (key == NULL)
        return __real_psa_export_public_key(id, data, capacity, bytes);
    *bytes = EC_POINT_point2oct(EC_KEY_get0_group(key), EC_KEY_get0_public_key(key),
                                POINT_CONVERSION_UNCOMPRESSED, data, capacity, NULL);
    return *bytes != 0 ? PSA_SUCCESS : PSA_ERROR_GENERIC_ERROR;
}

/* Deterministic, as cards sign, though not with the nonces of RFC 6979: one of this key and hash
 * alone, below the order because its first bit is zero. */
static ECDSA_SIG *sign(EC_KEY *key, const uint8_t *hash, size_t hash_bytes)
{
    uint8_t seed[32 + 64], nonce[SHA256_DIGEST_LENGTH];
    const EC_GROUP *group = EC_KEY_get0_group(key);
    EC_POINT *point = EC_POINT_new(group);
    BN_CTX *context = BN_CTX_new();
    BIGNUM *r = BN_new(), *k = NULL;
    ECDSA_SIG *made = NULL;
    if (hash_bytes <= sizeof seed - 32 && EC_KEY_priv2oct(key, seed, 32) == 32) {
        memcpy(seed + 32, hash, hash_bytes);
        SHA256(seed, 32 + hash_bytes, nonce);
        nonce[0] &= 0x7F;
        k = BN_bin2bn(nonce, sizeof nonce, NULL);
    }
    if (k != NULL && EC_POINT_mul(group, point, k, NULL, NULL, NULL) == 1 &&
        EC_POINT_get_affine_coordinates(group, point, r, NULL, NULL) == 1 &&
        BN_nnmod(r, r, EC_GROUP_get0_order(group), context) == 1 &&
        BN_mod_inverse(k, k, EC_GROUP_get0_order(group), context) != NULL)
        made = ECDSA_do_sign_ex(hash, (int)hash_bytes, k, r, key);
    BN_CTX_free(context);
    EC_POINT_free(point);
    BN_free(r);
    BN_clear_free(k);
    return made;
}

WRAPPED(psa_sign_hash, psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
        size_t hash_bytes, uint8_t *signature, size_t capacity, size_t *bytes)
{
    EC_KEY *key = find(id);
    if (key == NULL)
        return __real_psa_sign_hash(id, algorithm, hash, hash_bytes, signature, capacity, bytes);
    ECDSA_SIG *made = sign(key, hash, hash_bytes);
    int done = capacity >= 64 && made != NULL &&
               BN_bn2binpad(ECDSA_SIG_get0_r(made), signature, 32) == 32 &&
               BN_bn2binpad(ECDSA_SIG_get0_s(made), signature + 32, 32) == 32;
    ECDSA_SIG_free(made);
    *bytes = 64;
    return done ? PSA_SUCCESS : PSA_ERROR_GENERIC_ERROR;
}

WRAPPED(psa_verify_hash, psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
        size_t hash_bytes, const uint8_t *signature, size_t signature_bytes)
{
    EC_KEY *key = find(id);
    if (key == NULL)
        return __real_psa_verify_hash(id, algorithm, hash, hash_bytes, signature, signature_bytes);
    ECDSA_SIG *given = ECDSA_SIG_new();
    int done = signature_bytes == 64 && given != NULL &&
               ECDSA_SIG_set0(given, BN_bin2bn(signature, 32, NULL),
                              BN_bin2bn(signature + 32, 32, NULL)) == 1 &&
               ECDSA_do_verify(hash, (int)hash_bytes, given, key) == 1;
    ECDSA_SIG_free(given);
    return done ? PSA_SUCCESS : PSA_ERROR_INVALID_SIGNATURE;
}

WRAPPED(psa_raw_key_agreement, psa_algorithm_t algorithm, psa_key_id_t id, const uint8_t *peer,
        size_t peer_bytes, uint8_t *secret, size_t capacity, size_t *bytes)
{
    EC_KEY *key = find(id);
    if (key == NULL)
        return __real_psa_raw_key_agreement(algorithm, id, peer, peer_bytes, secret, capacity,
                                            bytes);
    const EC_GROUP *group = EC_KEY_get0_group(key);
    EC_POINT *point = EC_POINT_new(group);
    int made = 0;
    if (EC_POINT_oct2point(group, point, peer, peer_bytes, NULL) == 1)
        made = ECDH_compute_key(secret, capacity, point, key, NULL);
    EC_POINT_free(point);
    *bytes = 32;
    return made == 32 ? PSA_SUCCESS : PSA_ERROR_INVALID_ARGUMENT;
}
