/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's APDU entry, before authentication. Input: a byte that chooses the card (blank or
 * personalised) and how the power behaves, then commands, each behind its length of two bytes.
 * Whatever they are, each gets an answer of at least a status word, no longer than an APDU, and the
 * card lives on; and nothing of it personalises, pays or unlocks anything.
 */
#include "card.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct stiver_card card;
    const struct stiver_card_factory factory = {.serial = "fuzzcard", .is_hardware = 1};
    (void)argc;
    (void)argv;
    require(crypto_start() == CRYPTO_OK);
    blank.changes_left = UINT32_MAX;
    struct stiver_flash port = port_of(&blank);
    require(stiver_card_manufacture(&port, &factory) == STIVER_CARD_OK);
    personalised = blank;
    port = port_of(&personalised);
    require(stiver_card_power_on(&card, &port) == STIVER_CARD_OK);
    personalise(&card);
    stiver_card_power_off(&card);
    return 0;
}

/* The first byte of GET STATE's answer, from a card that has just been powered. */
static uint8_t state_of(struct stiver_card *card)
{
    static const uint8_t get_state[] = {0x80, 0xCA, 0xDF, 0x01, 0x00};
    uint8_t response[STIVER_APDU_MAX];
    send(card, 0xA4, NULL, 0, response);
    size_t bytes = stiver_card_transmit(card, get_state, sizeof get_state, response);
    require(bytes > 2 && response[bytes - 2] == 0x90);
    return response[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct ram_flash flash;
    static struct stiver_card card;
    uint8_t response[STIVER_APDU_MAX];
    struct reader r = reader_of(data, bytes);
    uint8_t choice = reader_u8(&r);
    flash = (choice & 1) != 0 ? personalised : blank;
    struct stiver_flash port = port_of(&flash);
    require(stiver_card_power_on(&card, &port) == STIVER_CARD_OK);
    uint8_t state = state_of(&card);
    if ((choice & 2) != 0)
        flash.changes_left = 1u + (choice >> 2);
    while (r.left > 0) {
        size_t length = reader_u16(&r);
        if (r.failed)
            break;
        length = length < r.left ? length : r.left;
        const uint8_t *command = reader_take(&r, length);
        size_t answered = stiver_card_transmit(&card, command, length, response);
        if (flash.changes_left == 0)
            break;
        require(answered >= 2 && answered <= STIVER_APDU_MAX);
        require(response[answered - 2] >= 0x61);
    }
    flash.changes_left = UINT32_MAX;
    stiver_card_power_off(&card);
    require(stiver_card_power_on(&card, &port) == STIVER_CARD_OK);
    /* Without a key of the bank nobody takes the card a step further. */
    require(state_of(&card) == state);
    stiver_card_power_off(&card);
    return 0;
}
