/* SPDX-License-Identifier: Apache-2.0 */
#include "chance.h"

#include <string.h>

#include <psa/crypto.h>

#include "flash_emulator.h"

#define SCALAR_BYTES 32u

static uint64_t stream = 1;

psa_status_t __wrap_psa_generate_random(uint8_t *out, size_t bytes);
psa_status_t __real_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id);
psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id);
bool __wrap_evp_random(uint8_t *out, size_t bytes);

void chance_seed(uint64_t seed)
{
    stream = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15) | 1;
    for (unsigned i = 0; i < 8; i++)
        (void)random_next(&stream);
}

uint32_t chance_below(uint32_t end)
{
    return random_below(&stream, end);
}

int chance_percent(uint32_t percent)
{
    return random_below(&stream, 100) < percent;
}

static void fill(uint8_t *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(random_next(&stream) >> 56);
}

psa_status_t __wrap_psa_generate_random(uint8_t *out, size_t bytes)
{
    fill(out, bytes);
    return PSA_SUCCESS;
}

/* A private key is any number from 1 to the order of the curve less 1; P-256's begins with 32 ones.
 */
psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id)
{
    uint8_t scalar[SCALAR_BYTES];
    if (psa_get_key_type(attributes) != PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1) ||
        psa_get_key_bits(attributes) != 8 * SCALAR_BYTES)
        return __real_psa_generate_key(attributes, id);
    fill(scalar, sizeof scalar);
    scalar[0] &= 0x7F;
    scalar[SCALAR_BYTES - 1] |= 1;
    return psa_import_key(attributes, scalar, sizeof scalar, id);
}

bool __wrap_evp_random(uint8_t *out, size_t bytes)
{
    fill(out, bytes);
    return true;
}
