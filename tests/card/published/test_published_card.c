/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published terminals' commands, as they were captured, given to this card: with the key that
 * the published applet had made for itself, this card's answers must be the applet's, byte for
 * byte. These signatures have no randomness in them, so nothing excuses a difference.
 */
#include "published.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include <stiver/card.h>

#include "flash_emulator.h"

static struct flash_emulator flash;
static struct stiver_card card;

psa_status_t __real_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id);
psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id);

/* The card makes the key that the applet had made. */
psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id)
{
    uint8_t der[RSA_PRIVATE_BYTES_MAX];
    if (psa_get_key_type(attributes) != PSA_KEY_TYPE_RSA_KEY_PAIR)
        return __real_psa_generate_key(attributes, id);
    size_t bytes = published_private("test-keys/card_private.pem", der);
    return psa_import_key(attributes, der, bytes, id);
}

static void power_cycle(void)
{
    stiver_card_power_off(&card);
    flash_emulator_power_up(&flash);
    assert_int_equal(stiver_card_power_on(&card, &flash.flash), STIVER_CARD_OK);
}

static void converse(const struct published_talk *talk)
{
    power_cycle();
    for (unsigned number = 1; number <= talk->commands; number++) {
        uint8_t response[STIVER_APDU_MAX];
        struct vector command = published_command(talk, number);
        struct vector answer = published_answer(talk, number);
        size_t bytes = stiver_card_transmit(&card, command.data, command.bytes, response);
        assert_int_equal(bytes, answer.bytes);
        assert_memory_equal(response, answer.data, bytes);
    }
}

static void a_life_at_published_terminals_is_answered_as_the_published_applet_did(void **state)
{
    const struct stiver_card_factory factory = {
        .serial = "replayed", .is_hardware = 1, .has_campus = 1};
    (void)state;
    flash_emulator_open(&flash, 4096, 10, 8, 42);
    flash_emulator_power_up(&flash);
    assert_int_equal(stiver_card_manufacture(&flash.flash, &factory), STIVER_CARD_OK);
    for (unsigned i = 0; i < PUBLISHED_TALKS; i++)
        converse(&published_talks[i]);
    stiver_card_power_off(&card);
    flash_emulator_close(&flash);
}

static void a_payment_was_7_commands_and_2135_bytes_and_a_load_8_and_2397(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PUBLISHED_TALKS; i++) {
        const struct published_talk *talk = &published_talks[i];
        size_t bytes = 0;
        for (unsigned number = 1; number <= talk->commands; number++)
            bytes += published_command(talk, number).bytes + published_answer(talk, number).bytes;
        assert_int_equal(bytes, talk->wire_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payment_was_7_commands_and_2135_bytes_and_a_load_8_and_2397),
        cmocka_unit_test(a_life_at_published_terminals_is_answered_as_the_published_applet_did),
    };
    return psa_crypto_init() != PSA_SUCCESS ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
