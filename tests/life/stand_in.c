/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_API_COMPAT 0x10100000L
#include "stand_in.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <string.h>

#include <psa/crypto.h>

#include "bank/evp.h"
#include "base/bytes.h"

#define HALF 32u
#define POINT_BYTES (1u + PUBLIC_KEY_BYTES)
#define KEYS 16u
#define FIRST_ID 0x2E000000u /* of a volatile key that PSA never gives */

/* Made by the linker out of --wrap. */
#define WRAPPED(type, name, ...)     \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

struct pair {
    bool is_private;
    uint8_t scalar[PRIVATE_KEY_BYTES], public_key[PUBLIC_KEY_BYTES];
};

static struct {
    psa_key_id_t id; /* 0: free */
    struct pair pair;
} keys[KEYS];
static psa_key_id_t next_id = FIRST_ID;
static uint8_t secret[SHA256_BYTES];

const char stand_in_name[] = "_volume";

void stand_in_secret(uint64_t seed)
{
    SHA256((const uint8_t *)&seed, sizeof seed, secret);
}

/* ---- the arithmetic ---- */

static void keyed(char label, const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes,
                  uint8_t out[SHA256_BYTES])
{
    SHA256_CTX hash;
    SHA256_Init(&hash);
    SHA256_Update(&hash, secret, sizeof secret);
    SHA256_Update(&hash, &label, 1);
    SHA256_Update(&hash, a, a_bytes);
    SHA256_Update(&hash, b, b_bytes);
    SHA256_Final(out, &hash);
}

/* From 1 to the order of the curve less 1 (SEC 2, 2.4.2). */
static bool is_scalar(const uint8_t scalar[PRIVATE_KEY_BYTES])
{
    static const uint8_t order[PRIVATE_KEY_BYTES] = {
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17,
        0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51};
    static const uint8_t zero[PRIVATE_KEY_BYTES];
    return memcmp(scalar, zero, sizeof zero) != 0 && memcmp(scalar, order, sizeof order) < 0;
}

static void public_of(const uint8_t scalar[PRIVATE_KEY_BYTES], uint8_t key[PUBLIC_KEY_BYTES])
{
    keyed('x', scalar, PRIVATE_KEY_BYTES, NULL, 0, key);
    keyed('y', key, HALF, NULL, 0, key + HALF);
}

static bool is_point(const uint8_t key[PUBLIC_KEY_BYTES])
{
    uint8_t y[HALF];
    keyed('y', key, HALF, NULL, 0, y);
    return memcmp(y, key + HALF, HALF) == 0;
}

static bool is_encoded_point(const uint8_t *point, size_t bytes)
{
    return bytes == POINT_BYTES && point[0] == 0x04 && is_point(point + 1);
}

static void sign(const uint8_t key[PUBLIC_KEY_BYTES], const uint8_t hash[SHA256_BYTES],
                 uint8_t signature[SIGNATURE_BYTES])
{
    keyed('r', key, PUBLIC_KEY_BYTES, hash, SHA256_BYTES, signature);
    keyed('s', signature, HALF, NULL, 0, signature + HALF);
}

static bool verify(const uint8_t key[PUBLIC_KEY_BYTES], const uint8_t hash[SHA256_BYTES],
                   const uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t expected[SIGNATURE_BYTES];
    sign(key, hash, expected);
    return is_point(key) && memcmp(expected, signature, sizeof expected) == 0;
}

static void agree(const uint8_t own[PUBLIC_KEY_BYTES], const uint8_t peer[PUBLIC_KEY_BYTES],
                  uint8_t shared[SHARED_SECRET_BYTES])
{
    bool is_first = memcmp(own, peer, PUBLIC_KEY_BYTES) < 0;
    keyed('a', is_first ? own : peer, PUBLIC_KEY_BYTES, is_first ? peer : own, PUBLIC_KEY_BYTES,
          shared);
}

/* ---- cards and terminals: PSA ---- */

static struct pair *find(psa_key_id_t id)
{
    for (size_t i = 0; i < KEYS; i++)
        if (id != 0 && keys[i].id == id)
            return &keys[i].pair;
    return NULL;
}

WRAPPED(psa_status_t, psa_import_key, const psa_key_attributes_t *attributes, const uint8_t *data,
        size_t bytes, psa_key_id_t *id)
{
    psa_key_type_t type = psa_get_key_type(attributes);
    size_t place = 0;
    if (!PSA_KEY_TYPE_IS_ECC(type))
        return __real_psa_import_key(attributes, data, bytes, id);
    while (place < KEYS && keys[place].id != 0)
        place++;
    if (place == KEYS)
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    struct pair *pair = &keys[place].pair;
    pair->is_private = !PSA_KEY_TYPE_IS_PUBLIC_KEY(type);
    if (pair->is_private ? bytes != sizeof pair->scalar || !is_scalar(data)
                         : !is_encoded_point(data, bytes))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (pair->is_private) {
        memcpy(pair->scalar, data, bytes);
        public_of(data, pair->public_key);
    } else {
        memcpy(pair->public_key, data + 1, PUBLIC_KEY_BYTES);
    }
    keys[place].id = *id = next_id++;
    return PSA_SUCCESS;
}

WRAPPED(psa_status_t, psa_destroy_key, psa_key_id_t id)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (id == 0 || keys[i].id != id)
            continue;
        memset(&keys[i], 0, sizeof keys[i]);
        return PSA_SUCCESS;
    }
    return __real_psa_destroy_key(id);
}

WRAPPED(psa_status_t, psa_export_key, psa_key_id_t id, uint8_t *data, size_t capacity,
        size_t *bytes)
{
    const struct pair *pair = find(id);
    if (pair == NULL)
        return __real_psa_export_key(id, data, capacity, bytes);
    if (!pair->is_private || capacity < sizeof pair->scalar)
        return PSA_ERROR_GENERIC_ERROR;
    memcpy(data, pair->scalar, *bytes = sizeof pair->scalar);
    return PSA_SUCCESS;
}

WRAPPED(psa_status_t, psa_export_public_key, psa_key_id_t id, uint8_t *data, size_t capacity,
        size_t *bytes)
{
    const struct pair *pair = find(id);
    if (pair == NULL)
        return __real_psa_export_public_key(id, data, capacity, bytes);
    if (capacity < POINT_BYTES)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    data[0] = 0x04;
    memcpy(data + 1, pair->public_key, PUBLIC_KEY_BYTES);
    *bytes = POINT_BYTES;
    return PSA_SUCCESS;
}

WRAPPED(psa_status_t, psa_sign_hash, psa_key_id_t id, psa_algorithm_t algorithm,
        const uint8_t *hash, size_t hash_bytes, uint8_t *signature, size_t capacity, size_t *bytes)
{
    const struct pair *pair = find(id);
    if (pair == NULL)
        return __real_psa_sign_hash(id, algorithm, hash, hash_bytes, signature, capacity, bytes);
    if (!pair->is_private || hash_bytes != SHA256_BYTES || capacity < SIGNATURE_BYTES)
        return PSA_ERROR_INVALID_ARGUMENT;
    sign(pair->public_key, hash, signature);
    *bytes = SIGNATURE_BYTES;
    return PSA_SUCCESS;
}

WRAPPED(psa_status_t, psa_verify_hash, psa_key_id_t id, psa_algorithm_t algorithm,
        const uint8_t *hash, size_t hash_bytes, const uint8_t *signature, size_t signature_bytes)
{
    const struct pair *pair = find(id);
    if (pair == NULL)
        return __real_psa_verify_hash(id, algorithm, hash, hash_bytes, signature, signature_bytes);
    return hash_bytes == SHA256_BYTES && signature_bytes == SIGNATURE_BYTES &&
                   verify(pair->public_key, hash, signature)
               ? PSA_SUCCESS
               : PSA_ERROR_INVALID_SIGNATURE;
}

WRAPPED(psa_status_t, psa_raw_key_agreement, psa_algorithm_t algorithm, psa_key_id_t id,
        const uint8_t *peer, size_t peer_bytes, uint8_t *shared, size_t capacity, size_t *bytes)
{
    const struct pair *pair = find(id);
    if (pair == NULL)
        return __real_psa_raw_key_agreement(algorithm, id, peer, peer_bytes, shared, capacity,
                                            bytes);
    if (!pair->is_private || capacity < SHARED_SECRET_BYTES || !is_encoded_point(peer, peer_bytes))
        return PSA_ERROR_INVALID_ARGUMENT;
    agree(pair->public_key, peer + 1, shared);
    *bytes = SHARED_SECRET_BYTES;
    return PSA_SUCCESS;
}

/* ---- the bank: evp.h. Its pairs are real ones, since they are sealed into key files; only their
 * scalar is used. ---- */

EVP_PKEY *__real_evp_key_private(const uint8_t scalar[PRIVATE_KEY_BYTES],
                                 const uint8_t key[PUBLIC_KEY_BYTES]);

static EVP_PKEY *real_pair(const uint8_t scalar[PRIVATE_KEY_BYTES])
{
    uint8_t point[POINT_BYTES];
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    BIGNUM *number = BN_bin2bn(scalar, PRIVATE_KEY_BYTES, NULL);
    EC_POINT *made = EC_POINT_new(group);
    bool done = EC_POINT_mul(group, made, number, NULL, NULL, NULL) == 1 &&
                EC_POINT_point2oct(group, made, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point,
                                   NULL) == sizeof point;
    EC_POINT_free(made);
    BN_free(number);
    EC_GROUP_free(group);
    return done ? __real_evp_key_private(scalar, point + 1) : NULL;
}

WRAPPED(EVP_PKEY *, evp_key_generate, void)
{
    uint8_t scalar[PRIVATE_KEY_BYTES];
    if (!evp_random(scalar, sizeof scalar))
        return NULL;
    scalar[0] &= 0x7F;
    scalar[sizeof scalar - 1] |= 1;
    return real_pair(scalar);
}

EVP_PKEY *__wrap_evp_key_private(const uint8_t scalar[PRIVATE_KEY_BYTES],
                                 const uint8_t key[PUBLIC_KEY_BYTES]);
EVP_PKEY *__wrap_evp_key_private(const uint8_t scalar[PRIVATE_KEY_BYTES],
                                 const uint8_t key[PUBLIC_KEY_BYTES])
{
    uint8_t expected[PUBLIC_KEY_BYTES];
    public_of(scalar, expected);
    return is_scalar(scalar) && memcmp(expected, key, sizeof expected) == 0 ? real_pair(scalar)
                                                                            : NULL;
}

WRAPPED(EVP_PKEY *, evp_key_public, const uint8_t key[PUBLIC_KEY_BYTES])
{
    return is_point(key) ? EVP_PKEY_new() : NULL;
}

WRAPPED(enum verdict, evp_point, const uint8_t key[PUBLIC_KEY_BYTES])
{
    return is_point(key) ? VERDICT_VALID : VERDICT_FORGED;
}

WRAPPED(bool, evp_public_of, EVP_PKEY *pair, uint8_t key[PUBLIC_KEY_BYTES])
{
    uint8_t scalar[PRIVATE_KEY_BYTES];
    if (!evp_scalar_of(pair, scalar))
        return false;
    public_of(scalar, key);
    return true;
}

WRAPPED(bool, evp_sign, EVP_PKEY *pair, const uint8_t hash[SHA256_BYTES],
        uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t key[PUBLIC_KEY_BYTES];
    if (!__wrap_evp_public_of(pair, key))
        return false;
    sign(key, hash, signature);
    return true;
}

WRAPPED(bool, evp_agree, EVP_PKEY *pair, const uint8_t peer[PUBLIC_KEY_BYTES],
        uint8_t shared[SHARED_SECRET_BYTES])
{
    uint8_t key[PUBLIC_KEY_BYTES];
    if (!is_point(peer) || !__wrap_evp_public_of(pair, key))
        return false;
    agree(key, peer, shared);
    return true;
}

extern const struct primitives __real_bank_primitives, __wrap_bank_primitives;

static bool hash_pieces(const struct piece *pieces, size_t count, uint8_t hash[SHA256_BYTES])
{
    return __real_bank_primitives.sha256(pieces, count, hash);
}

static enum verdict verdict(const uint8_t key[PUBLIC_KEY_BYTES], const uint8_t hash[SHA256_BYTES],
                            const uint8_t signature[SIGNATURE_BYTES])
{
    return verify(key, hash, signature) ? VERDICT_VALID : VERDICT_FORGED;
}

const struct primitives __wrap_bank_primitives = {.sha256 = hash_pieces, .verify = verdict};
