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

/* One block of the derivation: what was hashed already, the counter, the shared info. */
static psa_status_t kdf_block(const psa_hash_operation_t *begun, uint8_t counter,
                              const uint8_t *shared_info, size_t shared_info_bytes,
                              uint8_t hash[SHA256_BYTES])
{
    const uint8_t number[4] = {0, 0, 0, counter};
    psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
    size_t bytes = 0;
    psa_status_t status = psa_hash_clone(begun, &operation);
    if (status == PSA_SUCCESS)
        status = psa_hash_update(&operation, number, sizeof number);
    if (status == PSA_SUCCESS)
        status = psa_hash_update(&operation, shared_info, shared_info_bytes);
    if (status == PSA_SUCCESS)
        status = psa_hash_finish(&operation, hash, SHA256_BYTES, &bytes);
    if (status != PSA_SUCCESS)
        (void)psa_hash_abort(&operation);
    return status;
}

enum crypto_status crypto_kdf_x963(const uint8_t *secret, size_t secret_bytes,
                                   const uint8_t *shared_info, size_t shared_info_bytes,
                                   uint8_t *key, size_t key_bytes)
{
    psa_hash_operation_t begun = PSA_HASH_OPERATION_INIT;
    uint8_t hash[SHA256_BYTES], counter = 0;
    psa_status_t status = psa_hash_setup(&begun, PSA_ALG_SHA_256);
    if (status == PSA_SUCCESS)
        status = psa_hash_update(&begun, secret, secret_bytes);
    for (size_t done = 0; status == PSA_SUCCESS && done < key_bytes; done += SHA256_BYTES) {
        size_t left = key_bytes - done;
        if (++counter == 0) { /* far more than any caller asks for */
            status = PSA_ERROR_INSUFFICIENT_DATA;
            break;
        }
        status = kdf_block(&begun, counter, shared_info, shared_info_bytes, hash);
        if (status == PSA_SUCCESS)
            memcpy(key + done, hash, left < SHA256_BYTES ? left : SHA256_BYTES);
    }
    (void)psa_hash_abort(&begun); /* wipes it: the secret stands there */
    bytes_wipe(hash, sizeof hash);
    return finish(status, key, key_bytes);
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

/* bytes more through a cipher; whole blocks come out at once. */
static psa_status_t cipher_blocks(psa_cipher_operation_t *operation, const uint8_t *in,
                                  size_t bytes, uint8_t *out)
{
    size_t written = 0;
    psa_status_t status = psa_cipher_update(operation, in, bytes, out, bytes, &written);
    return status == PSA_SUCCESS && written != bytes ? PSA_ERROR_GENERIC_ERROR : status;
}

static psa_status_t cipher_end(psa_cipher_operation_t *operation, psa_status_t status)
{
    size_t written = 0;
    if (status == PSA_SUCCESS)
        status = psa_cipher_finish(operation, NULL, 0, &written);
    if (status != PSA_SUCCESS)
        (void)psa_cipher_abort(operation);
    return status;
}

/* From an initial vector of zeros the first block comes out as if alone, and is the initial vector
 * of what follows it. bytes may be 0: the vector alone. */
static psa_status_t encrypt_behind(psa_key_id_t id, const uint8_t block[BLOCK_BYTES],
                                   uint8_t vector[BLOCK_BYTES], const uint8_t *in, size_t bytes,
                                   uint8_t *out)
{
    static const uint8_t zeros[BLOCK_BYTES];
    psa_cipher_operation_t operation = PSA_CIPHER_OPERATION_INIT;
    psa_status_t status = psa_cipher_encrypt_setup(&operation, id, PSA_ALG_CBC_NO_PADDING);
    if (status == PSA_SUCCESS)
        status = psa_cipher_set_iv(&operation, zeros, sizeof zeros);
    if (status == PSA_SUCCESS)
        status = cipher_blocks(&operation, block, BLOCK_BYTES, vector);
    if (status == PSA_SUCCESS && bytes != 0)
        status = cipher_blocks(&operation, in, bytes, out);
    return cipher_end(&operation, status);
}

static psa_status_t decrypt(psa_key_id_t id, const uint8_t vector[BLOCK_BYTES], const uint8_t *in,
                            size_t bytes, uint8_t *out)
{
    psa_cipher_operation_t operation = PSA_CIPHER_OPERATION_INIT;
    psa_status_t status = psa_cipher_decrypt_setup(&operation, id, PSA_ALG_CBC_NO_PADDING);
    if (status == PSA_SUCCESS)
        status = psa_cipher_set_iv(&operation, vector, BLOCK_BYTES);
    if (status == PSA_SUCCESS)
        status = cipher_blocks(&operation, in, bytes, out);
    return cipher_end(&operation, status);
}

enum crypto_status crypto_cbc_encrypt(const uint8_t key[AES_KEY_BYTES], const uint8_t block[16],
                                      const uint8_t *in, size_t bytes, uint8_t *out)
{
    uint8_t vector[BLOCK_BYTES];
    psa_key_id_t id = 0;
    psa_status_t status = import_key(PSA_KEY_TYPE_AES, PSA_ALG_CBC_NO_PADDING,
                                     PSA_KEY_USAGE_ENCRYPT, key, AES_KEY_BYTES, &id);
    if (status == PSA_SUCCESS) {
        status = encrypt_behind(id, block, vector, in, bytes, out);
        (void)psa_destroy_key(id);
    }
    return finish(status, out, bytes);
}

enum crypto_status crypto_cbc_decrypt(const uint8_t key[AES_KEY_BYTES], const uint8_t block[16],
                                      const uint8_t *in, size_t bytes, uint8_t *out)
{
    uint8_t vector[BLOCK_BYTES];
    psa_key_id_t id = 0;
    psa_status_t status =
        import_key(PSA_KEY_TYPE_AES, PSA_ALG_CBC_NO_PADDING,
                   PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT, key, AES_KEY_BYTES, &id);
    if (status == PSA_SUCCESS) {
        status = encrypt_behind(id, block, vector, NULL, 0, NULL);
        if (status == PSA_SUCCESS)
            status = decrypt(id, vector, in, bytes, out);
        (void)psa_destroy_key(id);
    }
    return finish(status, out, bytes);
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
