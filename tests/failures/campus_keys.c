/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys are drawn from a list: making one takes most of a second. Whoever makes a second one
 * gets another. */
#include "campus_life.h"

#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>

#include "base/hex.h"
#include "crypto/rsa.h"

/* TEST KEYS of tests/terminal/campus/test_keys.c */
extern const char test_key_back_end[], test_key_pos[], test_key_reload[], test_key_station[],
    test_key_card[], test_key_stranger[];

static unsigned who, made[CAMPUS_MEMBERS + 1];

void campus_keys_of(unsigned next)
{
    who = next;
}

static size_t key_of(const char *hex, uint8_t der[RSA_PRIVATE_BYTES_MAX])
{
    size_t bytes = strlen(hex) / 2;
    if (bytes > RSA_PRIVATE_BYTES_MAX || !hex_decode(hex, der, bytes))
        abort();
    return bytes;
}

size_t campus_back_end_pem(uint8_t pem[CAMPUS_PEM_BYTES_MAX])
{
    uint8_t key[RSA_PRIVATE_BYTES_MAX], der[CAMPUS_PRIVATE_DER_BYTES_MAX];
    size_t bytes = key_of(test_key_back_end, key);
    struct writer d = writer_of(der, sizeof der), p = writer_of(pem, CAMPUS_PEM_BYTES_MAX);
    campus_private_der(&d, key, bytes);
    campus_pem_write(&p, true, der, d.used);
    if (d.failed || p.failed)
        abort();
    return p.used;
}

psa_status_t __real_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id);
psa_status_t __real_psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                                   size_t bytes, psa_key_id_t *id);
psa_status_t swift_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id);

/* Takes the place of the weak one in swift_psa.c. */
psa_status_t swift_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id)
{
    static const char *const keys[] = {test_key_station, test_key_reload, test_key_pos,
                                       test_key_card};
    uint8_t der[RSA_PRIVATE_BYTES_MAX];
    if (psa_get_key_type(attributes) != PSA_KEY_TYPE_RSA_KEY_PAIR)
        return __real_psa_generate_key(attributes, id);
    size_t bytes = key_of(made[who]++ % 2 == 0 ? keys[who] : test_key_stranger, der);
    return __real_psa_import_key(attributes, der, bytes, id);
}
