/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/rsa.h"

#include <psa/crypto.h>
#include <string.h>

#include "base/bytes.h"

#define RSA_BITS 2048u
#define HASH_BYTES_MAX 32u

/* RSAPublicKey in DER (RFC 8017, A.1.1): SEQUENCE of INTEGER modulus, with a leading zero because
 * its first bit is set, and INTEGER 65537. */
static const uint8_t public_head[] = {0x30, 0x82, 0x01, 0x0A, 0x02, 0x82, 0x01, 0x01, 0x00};
static const uint8_t public_tail[] = {0x02, 0x03, 0x01, 0x00, 0x01};
#define PUBLIC_DER_BYTES (sizeof public_head + RSA_BYTES + sizeof public_tail)

_Static_assert(RSA_PRIVATE_BYTES_MAX >= PSA_KEY_EXPORT_RSA_KEY_PAIR_MAX_SIZE(RSA_BITS),
               "any private key fits");

static enum crypto_status status_of(psa_status_t status)
{
    if (status == PSA_SUCCESS)
        return CRYPTO_OK;
    if (status == PSA_ERROR_INVALID_SIGNATURE || status == PSA_ERROR_INVALID_ARGUMENT)
        return CRYPTO_INVALID;
    return CRYPTO_FAILED;
}

static psa_status_t hash_pieces(psa_algorithm_t algorithm, const struct piece *pieces, size_t count,
                                uint8_t hash[HASH_BYTES_MAX], size_t *bytes)
{
    psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
    psa_status_t status = psa_hash_setup(&operation, algorithm);
    for (size_t i = 0; status == PSA_SUCCESS && i < count; i++)
        status = psa_hash_update(&operation, pieces[i].data, pieces[i].bytes);
    if (status == PSA_SUCCESS)
        status = psa_hash_finish(&operation, hash, HASH_BYTES_MAX, bytes);
    if (status != PSA_SUCCESS)
        (void)psa_hash_abort(&operation);
    return status;
}

/* One key, one algorithm: the hash is in it. */
static psa_status_t import_key(psa_key_type_t type, psa_key_usage_t usage, psa_algorithm_t hash,
                               const uint8_t *der, size_t bytes, psa_key_id_t *id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, type);
    psa_set_key_algorithm(&attributes, PSA_ALG_RSA_PKCS1V15_SIGN(hash));
    psa_set_key_usage_flags(&attributes, usage);
    return psa_import_key(&attributes, der, bytes, id);
}

/* ---- generation ---- */

static psa_status_t export_modulus(psa_key_id_t id, uint8_t modulus[RSA_BYTES])
{
    uint8_t der[PUBLIC_DER_BYTES];
    const uint8_t *tail = der + sizeof public_head + RSA_BYTES;
    size_t bytes = 0;
    psa_status_t status = psa_export_public_key(id, der, sizeof der, &bytes);
    if (status != PSA_SUCCESS)
        return status;
    if (bytes != sizeof der || !bytes_equal(der, public_head, sizeof public_head) ||
        !bytes_equal(tail, public_tail, sizeof public_tail))
        return PSA_ERROR_GENERIC_ERROR; /* the wire has no place for another exponent */
    memcpy(modulus, der + sizeof public_head, RSA_BYTES);
    return PSA_SUCCESS;
}

enum crypto_status rsa_generate(uint8_t der[RSA_PRIVATE_BYTES_MAX], size_t *bytes,
                                uint8_t modulus[RSA_BYTES])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;
    *bytes = 0;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_RSA_KEY_PAIR);
    psa_set_key_bits(&attributes, RSA_BITS);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT);
    psa_status_t status = psa_generate_key(&attributes, &id);
    if (status == PSA_SUCCESS) {
        status = psa_export_key(id, der, RSA_PRIVATE_BYTES_MAX, bytes);
        if (status == PSA_SUCCESS)
            status = export_modulus(id, modulus);
        (void)psa_destroy_key(id);
    }
    if (status != PSA_SUCCESS) {
        bytes_wipe(der, RSA_PRIVATE_BYTES_MAX);
        bytes_wipe(modulus, RSA_BYTES);
        *bytes = 0;
    }
    return status_of(status);
}

bool rsa_is_modulus(const uint8_t modulus[RSA_BYTES])
{
    return (modulus[0] & 0x80) != 0 && (modulus[RSA_BYTES - 1] & 0x01) != 0;
}

/* ---- signatures ---- */

static enum crypto_status sign(psa_algorithm_t algorithm, const uint8_t *der, size_t bytes,
                               const struct piece *pieces, size_t count,
                               uint8_t signature[RSA_BYTES])
{
    uint8_t hash[HASH_BYTES_MAX];
    psa_key_id_t id = 0;
    size_t hash_bytes = 0, written = 0;
    psa_status_t status = hash_pieces(algorithm, pieces, count, hash, &hash_bytes);
    if (status == PSA_SUCCESS)
        status = import_key(PSA_KEY_TYPE_RSA_KEY_PAIR, PSA_KEY_USAGE_SIGN_HASH, algorithm, der,
                            bytes, &id);
    if (status == PSA_SUCCESS) {
        status = psa_sign_hash(id, PSA_ALG_RSA_PKCS1V15_SIGN(algorithm), hash, hash_bytes,
                               signature, RSA_BYTES, &written);
        (void)psa_destroy_key(id);
    }
    if (status == PSA_SUCCESS && written != RSA_BYTES)
        status = PSA_ERROR_INVALID_ARGUMENT; /* a key of another size */
    if (status != PSA_SUCCESS)
        bytes_wipe(signature, RSA_BYTES);
    return status_of(status);
}

static enum crypto_status verify(psa_algorithm_t algorithm, const uint8_t modulus[RSA_BYTES],
                                 const struct piece *pieces, size_t count,
                                 const uint8_t signature[RSA_BYTES])
{
    uint8_t der[PUBLIC_DER_BYTES];
    uint8_t hash[HASH_BYTES_MAX];
    psa_key_id_t id = 0;
    size_t hash_bytes = 0;
    if (!rsa_is_modulus(modulus))
        return CRYPTO_INVALID;
    memcpy(der, public_head, sizeof public_head);
    memcpy(der + sizeof public_head, modulus, RSA_BYTES);
    memcpy(der + sizeof public_head + RSA_BYTES, public_tail, sizeof public_tail);
    psa_status_t status = hash_pieces(algorithm, pieces, count, hash, &hash_bytes);
    if (status == PSA_SUCCESS)
        status = import_key(PSA_KEY_TYPE_RSA_PUBLIC_KEY, PSA_KEY_USAGE_VERIFY_HASH, algorithm, der,
                            sizeof der, &id);
    if (status == PSA_SUCCESS) {
        /* A number above the modulus, or wrong padding, has words of its own in the library:
         * whatever it says, this is no signature. */
        if (psa_verify_hash(id, PSA_ALG_RSA_PKCS1V15_SIGN(algorithm), hash, hash_bytes, signature,
                            RSA_BYTES) != PSA_SUCCESS)
            status = PSA_ERROR_INVALID_SIGNATURE;
        (void)psa_destroy_key(id);
    }
    return status_of(status);
}

enum crypto_status rsa_sign_sha1(const uint8_t *der, size_t bytes, const struct piece *pieces,
                                 size_t count, uint8_t signature[RSA_BYTES])
{
    return sign(PSA_ALG_SHA_1, der, bytes, pieces, count, signature);
}

enum crypto_status rsa_verify_sha1(const uint8_t modulus[RSA_BYTES], const struct piece *pieces,
                                   size_t count, const uint8_t signature[RSA_BYTES])
{
    return verify(PSA_ALG_SHA_1, modulus, pieces, count, signature);
}

enum crypto_status rsa_sign_sha256(const uint8_t *der, size_t bytes, const struct piece *pieces,
                                   size_t count, uint8_t signature[RSA_BYTES])
{
    return sign(PSA_ALG_SHA_256, der, bytes, pieces, count, signature);
}

enum crypto_status rsa_verify_sha256(const uint8_t modulus[RSA_BYTES], const struct piece *pieces,
                                     size_t count, const uint8_t signature[RSA_BYTES])
{
    return verify(PSA_ALG_SHA_256, modulus, pieces, count, signature);
}
