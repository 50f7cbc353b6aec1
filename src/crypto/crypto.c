/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <psa/crypto.h>
#include <string.h>

#include "base/bytes.h"

#define POINT_BYTES (1u + PUBLIC_KEY_BYTES)
#define POINT_UNCOMPRESSED 0x04u
#define CURVE_BITS 256u
#define BLOCK_BYTES 16u

enum crypto_status crypto_start(void)
{
    return psa_crypto_init() == PSA_SUCCESS ? CRYPTO_OK : CRYPTO_FAILED;
}

/* What a PSA status says to callers; the three that speak of the input are CRYPTO_INVALID. */
static enum crypto_status status_of(psa_status_t status)
{
    if (status == PSA_SUCCESS)
        return CRYPTO_OK;
    if (status == PSA_ERROR_INVALID_SIGNATURE || status == PSA_ERROR_INVALID_ARGUMENT)
        return CRYPTO_INVALID;
    return CRYPTO_FAILED;
}

/* The library's outputs are kept only if all went well. */
static enum crypto_status finish(psa_status_t status, uint8_t *out, size_t bytes)
{
    enum crypto_status result = status_of(status);
    if (result != CRYPTO_OK)
        bytes_wipe(out, bytes);
    return result;
}

static psa_status_t import_key(psa_key_type_t type, psa_algorithm_t algorithm,
                               psa_key_usage_t usage, const uint8_t *key, size_t bytes,
                               psa_key_id_t *id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, type);
    psa_set_key_algorithm(&attributes, algorithm);
    psa_set_key_usage_flags(&attributes, usage);
    return psa_import_key(&attributes, key, bytes, id);
}

static psa_status_t import_private(psa_algorithm_t algorithm, psa_key_usage_t usage,
                                   const uint8_t key[PRIVATE_KEY_BYTES], psa_key_id_t *id)
{
    return import_key(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), algorithm, usage, key,
                      PRIVATE_KEY_BYTES, id);
}

static void point_of(const uint8_t key[PUBLIC_KEY_BYTES], uint8_t point[POINT_BYTES])
{
    point[0] = POINT_UNCOMPRESSED;
    memcpy(point + 1, key, PUBLIC_KEY_BYTES);
}

enum crypto_status crypto_random(uint8_t *out, size_t bytes)
{
    return finish(psa_generate_random(out, bytes), out, bytes);
}

static psa_status_t export_pair(psa_key_id_t id, uint8_t private_key[PRIVATE_KEY_BYTES],
                                uint8_t public_key[PUBLIC_KEY_BYTES])
{
    uint8_t point[POINT_BYTES];
    size_t bytes = 0;
    psa_status_t status = psa_export_key(id, private_key, PRIVATE_KEY_BYTES, &bytes);
    if (status == PSA_SUCCESS && bytes != PRIVATE_KEY_BYTES)
        status = PSA_ERROR_GENERIC_ERROR;
    if (status == PSA_SUCCESS)
        status = psa_export_public_key(id, point, sizeof point, &bytes);
    if (status == PSA_SUCCESS && bytes != sizeof point)
        status = PSA_ERROR_GENERIC_ERROR;
    if (status == PSA_SUCCESS)
        memcpy(public_key, point + 1, PUBLIC_KEY_BYTES);
    return status;
}

enum crypto_status crypto_generate(uint8_t private_key[PRIVATE_KEY_BYTES],
                                   uint8_t public_key[PUBLIC_KEY_BYTES])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, CURVE_BITS);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT);
    psa_status_t status = psa_generate_key(&attributes, &id);
    if (status == PSA_SUCCESS) {
        status = export_pair(id, private_key, public_key);
        (void)psa_destroy_key(id);
    }
    if (status != PSA_SUCCESS)
        bytes_wipe(public_key, PUBLIC_KEY_BYTES);
    return finish(status, private_key, PRIVATE_KEY_BYTES);
}

enum crypto_status crypto_agree(const uint8_t private_key[PRIVATE_KEY_BYTES],
                                const uint8_t peer[PUBLIC_KEY_BYTES],
                                uint8_t secret[SHARED_SECRET_BYTES])
{
    uint8_t point[POINT_BYTES];
    size_t bytes = 0;
    psa_key_id_t id = 0;
    point_of(peer, point);
    psa_status_t status = import_private(PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE, private_key, &id);
    if (status == PSA_SUCCESS) {
        status = psa_raw_key_agreement(PSA_ALG_ECDH, id, point, sizeof point, secret,
                                       SHARED_SECRET_BYTES, &bytes);
        (void)psa_destroy_key(id);
    }
    if (status == PSA_SUCCESS &&
        (bytes != SHARED_SECRET_BYTES || bytes_are_zero(secret, SHARED_SECRET_BYTES)))
        status = PSA_ERROR_INVALID_ARGUMENT;
    return finish(status, secret, SHARED_SECRET_BYTES);
}

enum crypto_status crypto_sign(const uint8_t private_key[PRIVATE_KEY_BYTES],
                               const uint8_t hash[SHA256_BYTES], uint8_t signature[SIGNATURE_BYTES])
{
    const psa_algorithm_t algorithm = PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256);
    size_t bytes = 0;
    psa_key_id_t id = 0;
    psa_status_t status = import_private(algorithm, PSA_KEY_USAGE_SIGN_HASH, private_key, &id);
    if (status == PSA_SUCCESS) {
        status =
            psa_sign_hash(id, algorithm, hash, SHA256_BYTES, signature, SIGNATURE_BYTES, &bytes);
        (void)psa_destroy_key(id);
    }
    if (status == PSA_SUCCESS && bytes != SIGNATURE_BYTES)
        status = PSA_ERROR_GENERIC_ERROR;
    return finish(status, signature, SIGNATURE_BYTES);
}

enum crypto_status crypto_verify(const uint8_t public_key[PUBLIC_KEY_BYTES],
                                 const uint8_t hash[SHA256_BYTES],
                                 const uint8_t signature[SIGNATURE_BYTES])
{
    const psa_algorithm_t algorithm = PSA_ALG_ECDSA(PSA_ALG_SHA_256);
    uint8_t point[POINT_BYTES];
    psa_key_id_t id = 0;
    point_of(public_key, point);
    psa_status_t status = import_key(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1), algorithm,
                                     PSA_KEY_USAGE_VERIFY_HASH, point, sizeof point, &id);
    if (status == PSA_SUCCESS) {
        status = psa_verify_hash(id, algorithm, hash, SHA256_BYTES, signature, SIGNATURE_BYTES);
        (void)psa_destroy_key(id);
    }
    return status_of(status);
}

enum crypto_status crypto_sha256(const struct piece *pieces, size_t count,
                                 uint8_t hash[SHA256_BYTES])
{
    psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
    size_t bytes = 0;
    psa_status_t status = psa_hash_setup(&operation, PSA_ALG_SHA_256);
    for (size_t i = 0; status == PSA_SUCCESS && i < count; i++)
        status = psa_hash_update(&operation, pieces[i].data, pieces[i].bytes);
    if (status == PSA_SUCCESS)
        status = psa_hash_finish(&operation, hash, SHA256_BYTES, &bytes);
    if (status != PSA_SUCCESS)
        (void)psa_hash_abort(&operation);
    return finish(status, hash, SHA256_BYTES);
}

enum crypto_status crypto_kdf_x963(const uint8_t *secret, size_t secret_bytes,
                                   const uint8_t *shared_info, size_t shared_info_bytes,
                                   uint8_t *key, size_t key_bytes)
{
    uint8_t counter[4] = {0, 0, 0, 0};
    uint8_t hash[SHA256_BYTES];
    const struct piece pieces[3] = {
        {secret, secret_bytes}, {counter, sizeof counter}, {shared_info, shared_info_bytes}};
    enum crypto_status status = CRYPTO_OK;
    for (size_t done = 0; status == CRYPTO_OK && done < key_bytes; done += SHA256_BYTES) {
        counter[3]++;
        if (counter[3] == 0) { /* far more than any caller asks for */
            status = CRYPTO_FAILED;
            break;
        }
        size_t left = key_bytes - done;
        status = crypto_sha256(pieces, 3, hash);
        memcpy(key + done, hash, left < SHA256_BYTES ? left : SHA256_BYTES);
    }
    bytes_wipe(hash, sizeof hash);
    if (status != CRYPTO_OK)
        bytes_wipe(key, key_bytes);
    return status;
}

enum crypto_status crypto_cmac(const uint8_t key[AES_KEY_BYTES], const struct piece *pieces,
                               size_t count, uint8_t mac[CMAC_BYTES])
{
    psa_mac_operation_t operation = PSA_MAC_OPERATION_INIT;
    size_t bytes = 0;
    psa_key_id_t id = 0;
    psa_status_t status = import_key(PSA_KEY_TYPE_AES, PSA_ALG_CMAC, PSA_KEY_USAGE_SIGN_MESSAGE,
                                     key, AES_KEY_BYTES, &id);
    if (status != PSA_SUCCESS)
        return finish(status, mac, CMAC_BYTES);
    status = psa_mac_sign_setup(&operation, id, PSA_ALG_CMAC);
    for (size_t i = 0; status == PSA_SUCCESS && i < count; i++)
        status = psa_mac_update(&operation, pieces[i].data, pieces[i].bytes);
    if (status == PSA_SUCCESS)
        status = psa_mac_sign_finish(&operation, mac, CMAC_BYTES, &bytes);
    if (status != PSA_SUCCESS)
        (void)psa_mac_abort(&operation);
    (void)psa_destroy_key(id);
    return finish(status, mac, CMAC_BYTES);
}

/* One pass of a block cipher without padding, in whichever direction setup prepared. */
static psa_status_t cipher_pass(psa_cipher_operation_t *operation, psa_status_t status,
                                const uint8_t *iv, const uint8_t *in, size_t bytes, uint8_t *out)
{
    size_t written = 0, last = 0;
    if (status == PSA_SUCCESS && iv != NULL)
        status = psa_cipher_set_iv(operation, iv, BLOCK_BYTES);
    if (status == PSA_SUCCESS)
        status = psa_cipher_update(operation, in, bytes, out, bytes, &written);
    if (status == PSA_SUCCESS)
        status = psa_cipher_finish(operation, out + written, bytes - written, &last);
    if (status == PSA_SUCCESS && written + last != bytes)
        status = PSA_ERROR_GENERIC_ERROR;
    if (status != PSA_SUCCESS)
        (void)psa_cipher_abort(operation);
    return status;
}

static enum crypto_status cipher(psa_algorithm_t algorithm, psa_key_usage_t usage,
                                 const uint8_t key[AES_KEY_BYTES], const uint8_t *iv,
                                 const uint8_t *in, size_t bytes, uint8_t *out)
{
    psa_cipher_operation_t operation = PSA_CIPHER_OPERATION_INIT;
    psa_key_id_t id = 0;
    psa_status_t status = import_key(PSA_KEY_TYPE_AES, algorithm, usage, key, AES_KEY_BYTES, &id);
    if (status != PSA_SUCCESS)
        return finish(status, out, bytes);
    if (usage == PSA_KEY_USAGE_ENCRYPT)
        status = psa_cipher_encrypt_setup(&operation, id, algorithm);
    else
        status = psa_cipher_decrypt_setup(&operation, id, algorithm);
    status = cipher_pass(&operation, status, iv, in, bytes, out);
    (void)psa_destroy_key(id);
    return finish(status, out, bytes);
}

enum crypto_status crypto_cbc_encrypt(const uint8_t key[AES_KEY_BYTES], const uint8_t iv[16],
                                      const uint8_t *in, size_t bytes, uint8_t *out)
{
    return cipher(PSA_ALG_CBC_NO_PADDING, PSA_KEY_USAGE_ENCRYPT, key, iv, in, bytes, out);
}

enum crypto_status crypto_cbc_decrypt(const uint8_t key[AES_KEY_BYTES], const uint8_t iv[16],
                                      const uint8_t *in, size_t bytes, uint8_t *out)
{
    return cipher(PSA_ALG_CBC_NO_PADDING, PSA_KEY_USAGE_DECRYPT, key, iv, in, bytes, out);
}

enum crypto_status crypto_block(const uint8_t key[AES_KEY_BYTES], const uint8_t in[16],
                                uint8_t out[16])
{
    return cipher(PSA_ALG_ECB_NO_PADDING, PSA_KEY_USAGE_ENCRYPT, key, NULL, in, BLOCK_BYTES, out);
}

static bool primitive_sha256(const struct piece *pieces, size_t count, uint8_t hash[SHA256_BYTES])
{
    return crypto_sha256(pieces, count, hash) == CRYPTO_OK;
}

static enum verdict primitive_verify(const uint8_t key[PUBLIC_KEY_BYTES],
                                     const uint8_t hash[SHA256_BYTES],
                                     const uint8_t signature[SIGNATURE_BYTES])
{
    enum crypto_status status = crypto_verify(key, hash, signature);
    if (status == CRYPTO_FAILED)
        return VERDICT_UNKNOWN;
    return status == CRYPTO_OK ? VERDICT_VALID : VERDICT_FORGED;
}

const struct primitives crypto_primitives = {
    .sha256 = primitive_sha256,
    .verify = primitive_verify,
};
