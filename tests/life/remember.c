/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public-key operations that were done before are not done again: same key, same input, same
 * result. Nothing is made up; a signature that was never verified is verified. Key pairs that are
 * drawn once chance_pool() was called come from a small pool, so that agreements repeat too.
 *
 * With -Wl,--wrap of psa_import_key, psa_destroy_key, psa_verify_hash, psa_raw_key_agreement and
 * psa_export_public_key, psa_sign_hash (the deterministic one) and the bank's evp_sign. A fork
 * inherits what was remembered.
 */
#include <stdbool.h>
#include <string.h>

#include <psa/crypto.h>
#include <sys/mman.h>

#include "bank/evp.h"
#include "remember.h"

#define IDS 64u
#define PLACES 65536u /* a power of two */
#define KEY_MAX 65u
#define INPUT_MAX (KEY_MAX + 96u)
#define OUTPUT_MAX 65u

struct held {
    psa_key_id_t id;
    size_t bytes;
    uint8_t key[KEY_MAX];
};

struct memory {
    uint8_t input[INPUT_MAX + 1];
    uint8_t output[OUTPUT_MAX];
    size_t input_bytes, output_bytes;
    psa_status_t status;
};

static struct held keys[IDS];
static struct memory own[PLACES];
static struct memory *all; /* PLACES of them, shared with forks */
static bool is_for_all;

bool __real_evp_sign(EVP_PKEY *pair, const uint8_t hash[32], uint8_t signature[64]);
bool __wrap_evp_sign(EVP_PKEY *pair, const uint8_t hash[32], uint8_t signature[64]);
psa_status_t __real_psa_sign_hash(psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
                                  size_t hash_bytes, uint8_t *signature, size_t capacity,
                                  size_t *bytes);
psa_status_t __wrap_psa_sign_hash(psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
                                  size_t hash_bytes, uint8_t *signature, size_t capacity,
                                  size_t *bytes);

psa_status_t __real_psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                                   size_t bytes, psa_key_id_t *id);
psa_status_t __wrap_psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                                   size_t bytes, psa_key_id_t *id);
psa_status_t __real_psa_destroy_key(psa_key_id_t id);
psa_status_t __wrap_psa_destroy_key(psa_key_id_t id);
psa_status_t __real_psa_verify_hash(psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
                                    size_t hash_bytes, const uint8_t *signature,
                                    size_t signature_bytes);
psa_status_t __wrap_psa_verify_hash(psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
                                    size_t hash_bytes, const uint8_t *signature,
                                    size_t signature_bytes);
psa_status_t __real_psa_raw_key_agreement(psa_algorithm_t algorithm, psa_key_id_t id,
                                          const uint8_t *peer, size_t peer_bytes, uint8_t *out,
                                          size_t capacity, size_t *bytes);
psa_status_t __wrap_psa_raw_key_agreement(psa_algorithm_t algorithm, psa_key_id_t id,
                                          const uint8_t *peer, size_t peer_bytes, uint8_t *out,
                                          size_t capacity, size_t *bytes);
psa_status_t __real_psa_export_public_key(psa_key_id_t id, uint8_t *out, size_t capacity,
                                          size_t *bytes);
psa_status_t __wrap_psa_export_public_key(psa_key_id_t id, uint8_t *out, size_t capacity,
                                          size_t *bytes);

/* ---- keys by their ids ---- */

psa_status_t __wrap_psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                                   size_t bytes, psa_key_id_t *id)
{
    psa_status_t status = __real_psa_import_key(attributes, data, bytes, id);
    if (status != PSA_SUCCESS || bytes > KEY_MAX)
        return status;
    for (size_t i = 0; i < IDS; i++) {
        if (keys[i].id != 0)
            continue;
        keys[i].id = *id;
        keys[i].bytes = bytes;
        memcpy(keys[i].key, data, bytes);
        break;
    }
    return status;
}

psa_status_t __wrap_psa_destroy_key(psa_key_id_t id)
{
    for (size_t i = 0; i < IDS; i++)
        if (keys[i].id == id)
            keys[i].id = 0;
    return __real_psa_destroy_key(id);
}

/* ---- what was done ---- */

void remember_for_all(bool is_on)
{
    if (all == NULL) {
        all = mmap(NULL, PLACES * sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);
        all = all == MAP_FAILED ? NULL : all;
    }
    is_for_all = is_on && all != NULL;
}

static struct memory *find(const uint8_t *input, size_t bytes, bool *is_known)
{
    uint32_t place = 2166136261u;
    for (size_t i = 0; i < bytes; i++)
        place = (place ^ input[i]) * 16777619u;
    place = (place ^ place >> 16) & (PLACES - 1);
    struct memory *tables[] = {own, all};
    for (size_t i = 0; i < 2 && tables[i] != NULL; i++) {
        struct memory *memory = &tables[i][place];
        *is_known = memory->input_bytes == bytes && memcmp(memory->input, input, bytes) == 0;
        if (*is_known)
            return memory;
    }
    struct memory *memory = is_for_all ? &all[place] : &own[place];
    memcpy(memory->input, input, bytes);
    memory->input_bytes = bytes;
    memory->output_bytes = 0;
    return memory;
}

/* What these inputs gave, or the place for it; NULL if the key is not known. */
static struct memory *recall(uint8_t operation, psa_key_id_t id, const uint8_t *a, size_t a_bytes,
                             const uint8_t *b, size_t b_bytes, bool *is_known)
{
    uint8_t input[INPUT_MAX + 1] = {operation};
    size_t bytes = 1;
    const struct held *held = NULL;
    *is_known = false;
    for (size_t i = 0; i < IDS && held == NULL; i++)
        held = keys[i].id == id ? &keys[i] : NULL;
    if (id == 0 || held == NULL || 1 + held->bytes + a_bytes + b_bytes > sizeof input)
        return NULL;
    memcpy(input + bytes, held->key, held->bytes);
    bytes += held->bytes;
    if (a_bytes > 0)
        memcpy(input + bytes, a, a_bytes);
    bytes += a_bytes;
    if (b_bytes > 0)
        memcpy(input + bytes, b, b_bytes);
    return find(input, bytes + b_bytes, is_known);
}

static psa_status_t give(const struct memory *memory, uint8_t *out, size_t capacity, size_t *bytes)
{
    if (memory->output_bytes > capacity)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    memcpy(out, memory->output, memory->output_bytes);
    *bytes = memory->output_bytes;
    return memory->status;
}

static psa_status_t keep(struct memory *memory, psa_status_t status, const uint8_t *out,
                         size_t bytes)
{
    if (memory == NULL)
        return status;
    memory->status = status;
    if (status == PSA_SUCCESS && bytes <= OUTPUT_MAX) {
        memcpy(memory->output, out, bytes);
        memory->output_bytes = bytes;
    } else {
        memory->input_bytes = 0; /* not worth keeping */
    }
    return status;
}

psa_status_t __wrap_psa_verify_hash(psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
                                    size_t hash_bytes, const uint8_t *signature,
                                    size_t signature_bytes)
{
    bool is_known;
    struct memory *memory = recall(1, id, hash, hash_bytes, signature, signature_bytes, &is_known);
    if (is_known)
        return memory->status;
    return keep(memory,
                __real_psa_verify_hash(id, algorithm, hash, hash_bytes, signature, signature_bytes),
                hash, 0);
}

psa_status_t __wrap_psa_raw_key_agreement(psa_algorithm_t algorithm, psa_key_id_t id,
                                          const uint8_t *peer, size_t peer_bytes, uint8_t *out,
                                          size_t capacity, size_t *bytes)
{
    bool is_known;
    struct memory *memory = recall(2, id, peer, peer_bytes, NULL, 0, &is_known);
    if (is_known)
        return give(memory, out, capacity, bytes);
    psa_status_t status =
        __real_psa_raw_key_agreement(algorithm, id, peer, peer_bytes, out, capacity, bytes);
    return keep(memory, status, out, *bytes);
}

psa_status_t __wrap_psa_export_public_key(psa_key_id_t id, uint8_t *out, size_t capacity,
                                          size_t *bytes)
{
    bool is_known;
    struct memory *memory = recall(3, id, NULL, 0, NULL, 0, &is_known);
    if (is_known)
        return give(memory, out, capacity, bytes);
    psa_status_t status = __real_psa_export_public_key(id, out, capacity, bytes);
    return keep(memory, status, out, *bytes);
}

psa_status_t __wrap_psa_sign_hash(psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
                                  size_t hash_bytes, uint8_t *signature, size_t capacity,
                                  size_t *bytes)
{
    bool is_known;
    struct memory *memory = recall(4, id, hash, hash_bytes, NULL, 0, &is_known);
    if (is_known)
        return give(memory, signature, capacity, bytes);
    psa_status_t status =
        __real_psa_sign_hash(id, algorithm, hash, hash_bytes, signature, capacity, bytes);
    return keep(memory, status, signature, *bytes);
}

bool __wrap_evp_sign(EVP_PKEY *pair, const uint8_t hash[32], uint8_t signature[64])
{
    uint8_t input[1 + 64 + 32] = {5};
    bool is_known;
    if (!evp_public_of(pair, input + 1))
        return false;
    memcpy(input + 1 + 64, hash, 32);
    struct memory *memory = find(input, sizeof input, &is_known);
    if (!is_known) {
        if (!__real_evp_sign(pair, hash, memory->output)) {
            memory->input_bytes = 0;
            return false;
        }
        memory->output_bytes = 64;
    }
    memcpy(signature, memory->output, 64);
    return true;
}
