/* SPDX-License-Identifier: Apache-2.0 */
#include "poison.h"

#include <string.h>

#include <psa/crypto.h>
#include <valgrind/memcheck.h>

#include "base/bytes.h"
#include "card/purse/internal.h"
#include "channel/secure_messaging.h"
#include "crypto/crypto.h"
#include "harness.h"

static bool is_on;

void poison(const void *secret, size_t bytes)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(secret, bytes);
}

void publish(const void *known, size_t bytes)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(known, bytes);
}

bool poison_works(void)
{
    char byte = 0, bits = 0;
    poison(&byte, 1);
    bool works = RUNNING_ON_VALGRIND && VALGRIND_GET_VBITS(&byte, &bits, 1) == 1 && bits != 0;
    publish(&byte, 1);
    return works;
}

void poison_from_here(bool is_poisoned)
{
    is_on = is_poisoned;
}

static bool stands_in;

void poison_stand_in(void)
{
    stands_in = true;
}

/* ---- flash: what is programmed is stored as it is; what is read back is as secret as before ----
 */

#define FLASH_BYTES (HARNESS_PAGES * HARNESS_PAGE_BYTES)
#define SECRET_BYTES_MAX 32u
#define SECRETS_MAX 256u

static struct {
    uint8_t bytes[SECRET_BYTES_MAX];
    size_t length;
} secrets[SECRETS_MAX];
static size_t secrets_count;
static bool is_secret[FLASH_BYTES];
static struct stiver_flash below; /* the harness's own port */

void poison_in_flash(const void *secret, size_t bytes)
{
    if (secrets_count == SECRETS_MAX || bytes > SECRET_BYTES_MAX)
        __builtin_trap();
    memcpy(secrets[secrets_count].bytes, secret, bytes);
    secrets[secrets_count].length = bytes;
    publish(&secrets[secrets_count++], sizeof secrets[0]);
}

/* Records cross the borders of programs: so do the places where a secret may stand now. */
static void mark(const uint8_t *memory, size_t from, size_t end)
{
    from = from < SECRET_BYTES_MAX ? 0 : from - SECRET_BYTES_MAX;
    for (size_t i = 0; i < secrets_count; i++)
        for (size_t at = from; at < end && at + secrets[i].length <= FLASH_BYTES; at++)
            if (memcmp(memory + at, secrets[i].bytes, secrets[i].length) == 0)
                memset(is_secret + at, true, secrets[i].length);
}

static enum stiver_flash_status flash_read(void *context, uint32_t address, uint8_t *out,
                                           size_t bytes)
{
    enum stiver_flash_status status = below.read(context, address, out, bytes);
    for (size_t i = 0; status == STIVER_FLASH_OK && i < bytes; i++)
        if (is_secret[address + i])
            poison(out + i, 1);
    return status;
}

static enum stiver_flash_status flash_program(void *context, uint32_t address, const uint8_t *data,
                                              size_t bytes)
{
    uint8_t copy[HARNESS_PAGE_BYTES];
    if (bytes > sizeof copy)
        return STIVER_FLASH_RANGE;
    memcpy(copy, data, bytes);
    publish(copy, bytes);
    enum stiver_flash_status status = below.program(context, address, copy, bytes);
    mark(((struct harness_flash *)context)->memory, address, address + bytes);
    return status;
}

static enum stiver_flash_status flash_erase(void *context, uint32_t page)
{
    memset(is_secret + (size_t)page * HARNESS_PAGE_BYTES, false, HARNESS_PAGE_BYTES);
    return below.erase(context, page);
}

static struct stiver_flash flash_over(const struct stiver_flash *port)
{
    struct stiver_flash over = *port;
    below = *port;
    over.read = flash_read;
    over.program = flash_program;
    over.erase = flash_erase;
    return over;
}

/* ---- the card: everything inside a call of it is poisoned ---- */

#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

WRAP(enum stiver_card_status, stiver_card_manufacture, const struct stiver_flash *flash,
     const struct stiver_card_factory *factory);
WRAP(enum stiver_card_status, stiver_card_power_on, struct stiver_card *card,
     const struct stiver_flash *flash);
WRAP(size_t, stiver_card_transmit, struct stiver_card *card, const uint8_t *command, size_t bytes,
     uint8_t *response);
WRAP(bool, bytes_equal_ct, const uint8_t *a, const uint8_t *b, size_t bytes);
WRAP(bool, bytes_are_zero, const uint8_t *a, size_t bytes);
WRAP(enum crypto_status, crypto_random, uint8_t *out, size_t bytes);
WRAP(enum crypto_status, crypto_generate, uint8_t *private_key, uint8_t *public_key);
WRAP(enum crypto_status, crypto_agree, const uint8_t *private_key, const uint8_t *peer,
     uint8_t *secret);
WRAP(enum crypto_status, crypto_sign, const uint8_t *private_key, const uint8_t *hash,
     uint8_t *signature);
WRAP(enum channel_status, secure_unwrap_command, struct secure_channel *channel,
     struct apdu_command *command, uint8_t *data);
WRAP(enum status, pin_draw, uint8_t *pin);
WRAP(psa_status_t, psa_sign_hash, psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
     size_t hash_bytes, uint8_t *signature, size_t size, size_t *bytes);
WRAP(psa_status_t, psa_verify_hash, psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
     size_t hash_bytes, const uint8_t *signature, size_t bytes);
WRAP(psa_status_t, psa_import_key, const psa_key_attributes_t *attributes, const uint8_t *key,
     size_t bytes, psa_key_id_t *id);

enum stiver_card_status __wrap_stiver_card_manufacture(const struct stiver_flash *flash,
                                                       const struct stiver_card_factory *factory)
{
    struct stiver_flash over = flash_over(flash);
    struct stiver_card_factory poisoned = *factory;
    secrets_count = 0;
    poison_in_flash(factory->transport_key, sizeof factory->transport_key);
    poison(poisoned.transport_key, sizeof poisoned.transport_key);
    return __real_stiver_card_manufacture(&over, &poisoned);
}

enum stiver_card_status __wrap_stiver_card_power_on(struct stiver_card *card,
                                                    const struct stiver_flash *flash)
{
    struct stiver_flash over = flash_over(flash);
    return __real_stiver_card_power_on(card, &over);
}

size_t __wrap_stiver_card_transmit(struct stiver_card *card, const uint8_t *command, size_t bytes,
                                   uint8_t *response)
{
    is_on = true;
    size_t response_bytes = __real_stiver_card_transmit(card, command, bytes, response);
    is_on = false;
    publish(response, response_bytes);
    return response_bytes;
}

/* ---- what may be known of a secret ---- */

bool __wrap_bytes_equal_ct(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    bool is_equal = __real_bytes_equal_ct(a, b, bytes);
    publish(&is_equal, sizeof is_equal);
    return is_equal;
}

bool __wrap_bytes_are_zero(const uint8_t *a, size_t bytes)
{
    bool is_zero = __real_bytes_are_zero(a, bytes);
    publish(&is_zero, sizeof is_zero);
    return is_zero;
}

enum crypto_status __wrap_crypto_sign(const uint8_t *private_key, const uint8_t *hash,
                                      uint8_t *signature)
{
    enum crypto_status status = __real_crypto_sign(private_key, hash, signature);
    publish(&status, sizeof status);
    publish(signature, SIGNATURE_BYTES);
    return status;
}

/* A command says what it says to whoever holds the channel, but a PIN stays one. Its length is
 * checked against the table of commands. */
enum channel_status __wrap_secure_unwrap_command(struct secure_channel *channel,
                                                 struct apdu_command *command, uint8_t *data)
{
    enum channel_status status = __real_secure_unwrap_command(channel, command, data);
    publish(&command->lc, sizeof command->lc);
    if (status != CHANNEL_OK || command->lc == 0)
        return status;
    const struct command_row *change = &command_rows[COMMAND_CHANGE_PIN];
    if (command->ins == change->ins && command->lc == change->lc_least)
        poison_in_flash(command->data + PIN_BYTES, PIN_BYTES);
    else if (command->ins != command_rows[COMMAND_VERIFY_PIN].ins)
        publish(command->data, command->lc);
    return status;
}

/* ---- where secrets come from ---- */

/* Only keys and the digits of a PIN to be are drawn 16 bytes at a time. */
enum crypto_status __wrap_crypto_random(uint8_t *out, size_t bytes)
{
    enum crypto_status status = __real_crypto_random(out, bytes);
    if (is_on && bytes == AES_KEY_BYTES) {
        poison_in_flash(out, bytes);
        poison(out, bytes);
    }
    return status;
}

/* Stand-ins: a public key that hides nothing, and an agreement that both sides come to. */
static enum crypto_status generate(uint8_t *private_key, uint8_t *public_key)
{
    if (!stands_in)
        return __real_crypto_generate(private_key, public_key);
    memset(public_key, 0x01, PUBLIC_KEY_BYTES);
    if (__real_crypto_random(private_key, PRIVATE_KEY_BYTES) != CRYPTO_OK)
        return CRYPTO_FAILED;
    for (size_t i = 0; i < PRIVATE_KEY_BYTES; i++)
        public_key[i] = private_key[i] ^ 0xA5;
    return CRYPTO_OK;
}

static enum crypto_status agree(const uint8_t *private_key, const uint8_t *peer, uint8_t *secret)
{
    if (!stands_in)
        return __real_crypto_agree(private_key, peer, secret);
    for (size_t i = 0; i < PRIVATE_KEY_BYTES; i++) {
        secret[i] = private_key[i] ^ peer[i];
        if (peer[PRIVATE_KEY_BYTES + i] != 0x01)
            return CRYPTO_INVALID; /* no point of this curve */
    }
    return CRYPTO_OK;
}

enum crypto_status __wrap_crypto_generate(uint8_t *private_key, uint8_t *public_key)
{
    enum crypto_status status = generate(private_key, public_key);
    if (is_on) {
        poison_in_flash(private_key, PRIVATE_KEY_BYTES);
        poison(private_key, PRIVATE_KEY_BYTES);
    }
    return status;
}

enum crypto_status __wrap_crypto_agree(const uint8_t *private_key, const uint8_t *peer,
                                       uint8_t *secret)
{
    enum crypto_status status = agree(private_key, peer, secret);
    publish(&status, sizeof status);
    if (is_on && status == CRYPTO_OK) {
        poison_in_flash(secret, SHARED_SECRET_BYTES);
        poison(secret, SHARED_SECRET_BYTES);
    }
    return status;
}

enum status __wrap_pin_draw(uint8_t *pin)
{
    enum status status = __real_pin_draw(pin);
    publish(&status, sizeof status);
    if (is_on) {
        poison_in_flash(pin, PIN_BYTES);
        poison(pin, PIN_BYTES);
    }
    return status;
}

/* The library's arithmetic on curves branches on blinded numbers all the time: it is its own
 * affair, and under memcheck an endless one. It gets private keys that are known, and what it makes
 * of them is poisoned again above. AES, CMAC and SHA-256 get secret keys and are silent. */
psa_status_t __wrap_psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *key,
                                   size_t bytes, psa_key_id_t *id)
{
    uint8_t known[PUBLIC_KEY_BYTES + 1];
    if (stands_in && psa_get_key_type(attributes) != PSA_KEY_TYPE_AES) {
        *id = 0; /* used by the stand-ins alone */
        return PSA_SUCCESS;
    }
    if (psa_get_key_type(attributes) == PSA_KEY_TYPE_AES || bytes > sizeof known)
        return __real_psa_import_key(attributes, key, bytes, id);
    memcpy(known, key, bytes);
    publish(known, bytes);
    return __real_psa_import_key(attributes, known, bytes, id);
}

psa_status_t __wrap_psa_sign_hash(psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
                                  size_t hash_bytes, uint8_t *signature, size_t size, size_t *bytes)
{
    if (!stands_in)
        return __real_psa_sign_hash(id, algorithm, hash, hash_bytes, signature, size, bytes);
    memset(signature, 0x51, size);
    memcpy(signature, hash, hash_bytes);
    *bytes = size;
    return PSA_SUCCESS;
}

psa_status_t __wrap_psa_verify_hash(psa_key_id_t id, psa_algorithm_t algorithm, const uint8_t *hash,
                                    size_t hash_bytes, const uint8_t *signature, size_t bytes)
{
    if (!stands_in)
        return __real_psa_verify_hash(id, algorithm, hash, hash_bytes, signature, bytes);
    return memcmp(signature, hash, hash_bytes) == 0 ? PSA_SUCCESS : PSA_ERROR_INVALID_SIGNATURE;
}
