/* SPDX-License-Identifier: Apache-2.0 */
#include "meter.h"

#include <psa/crypto.h>

#include <stiver/card.h>

#include "figure.h"

static struct meter meter;
static enum meter_side side;
static meter_clock *clock_read = figure_now;

void meter_use(meter_clock *clock)
{
    clock_read = clock;
}

struct meter meter_take(void)
{
    struct meter taken = meter;
    meter = (struct meter){0};
    return taken;
}

static psa_status_t end(enum meter_operation operation, uint64_t begun, psa_status_t status)
{
    meter.nanoseconds += clock_read() - begun;
    meter.count[side][operation]++;
    return status;
}

/* ---- the linker puts these in the place of the calls that they are named for ---- */

#define WRAPPED(name, parameters, arguments, operation)        \
    psa_status_t __real_##name parameters;                     \
    psa_status_t __wrap_##name parameters;                     \
    psa_status_t __wrap_##name parameters                      \
    {                                                          \
        uint64_t begun = clock_read();                         \
        return end(operation, begun, __real_##name arguments); \
    }

WRAPPED(psa_generate_key, (const psa_key_attributes_t *attributes, psa_key_id_t *key),
        (attributes, key), METER_GENERATE)
WRAPPED(psa_export_public_key, (psa_key_id_t key, uint8_t *data, size_t size, size_t *length),
        (key, data, size, length), METER_EXPORT)
WRAPPED(psa_raw_key_agreement,
        (psa_algorithm_t algorithm, psa_key_id_t key, const uint8_t *peer, size_t peer_length,
         uint8_t *output, size_t size, size_t *length),
        (algorithm, key, peer, peer_length, output, size, length), METER_AGREE)
WRAPPED(psa_sign_hash,
        (psa_key_id_t key, psa_algorithm_t algorithm, const uint8_t *hash, size_t hash_length,
         uint8_t *signature, size_t size, size_t *length),
        (key, algorithm, hash, hash_length, signature, size, length), METER_SIGN)
WRAPPED(psa_verify_hash,
        (psa_key_id_t key, psa_algorithm_t algorithm, const uint8_t *hash, size_t hash_length,
         const uint8_t *signature, size_t length),
        (key, algorithm, hash, hash_length, signature, length), METER_VERIFY)

size_t __real_stiver_card_transmit(struct stiver_card *card, const uint8_t *command, size_t bytes,
                                   uint8_t response[STIVER_APDU_MAX]);
size_t __wrap_stiver_card_transmit(struct stiver_card *card, const uint8_t *command, size_t bytes,
                                   uint8_t response[STIVER_APDU_MAX]);
size_t __wrap_stiver_card_transmit(struct stiver_card *card, const uint8_t *command, size_t bytes,
                                   uint8_t response[STIVER_APDU_MAX])
{
    side = METER_CARD;
    size_t answered = __real_stiver_card_transmit(card, command, bytes, response);
    side = METER_TERMINAL;
    return answered;
}

enum stiver_card_status __real_stiver_card_power_on(struct stiver_card *card,
                                                    const struct stiver_flash *flash);
enum stiver_card_status __wrap_stiver_card_power_on(struct stiver_card *card,
                                                    const struct stiver_flash *flash);
enum stiver_card_status __wrap_stiver_card_power_on(struct stiver_card *card,
                                                    const struct stiver_flash *flash)
{
    side = METER_CARD;
    enum stiver_card_status status = __real_stiver_card_power_on(card, flash);
    side = METER_TERMINAL;
    return status;
}
