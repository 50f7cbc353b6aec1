/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card, as a port sees it: one caller-allocated struct that takes a command APDU and gives a
 * response APDU (ISO/IEC 7816-4). No heap, no global, no operating system.
 *
 *     static struct stiver_card card;
 *     stiver_card_power_on(&card, &flash);
 *     for each command: response_bytes = stiver_card_transmit(&card, ...);
 *     stiver_card_power_off(&card);
 *
 * psa_crypto_init() must have succeeded before the first power-up.
 */
#ifndef STIVER_CARD_H
#define STIVER_CARD_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include <stiver/port.h>

/* Longest command and longest response, headers and status word included. */
#define STIVER_APDU_MAX 1024u
/* RAM of an application beside the purse (the campus purse). Firmware that carries none defines
 * this as 0 for all that it compiles. */
#ifndef STIVER_SECOND_BYTES
#define STIVER_SECOND_BYTES 384u
#endif
/* RAM of one card: its state while powered. The one APDU buffer is the caller's. */
#define STIVER_CARD_BYTES (1424u + 8u * sizeof(void *) + STIVER_SECOND_BYTES)
#define STIVER_SERIAL_BYTES 8u
#define STIVER_TRANSPORT_KEY_BYTES 16u

struct stiver_card {
    alignas(8) uint8_t memory[STIVER_CARD_BYTES];
};

enum stiver_card_status {
    STIVER_CARD_OK = 0,
    STIVER_CARD_BLANK_FLASH, /* the flash holds no card: manufacture one first */
    STIVER_CARD_DAMAGED,     /* the flash holds something, but not a whole card of this version */
    STIVER_CARD_WORN,        /* the flash is at the end of its life and a tear is left undecided */
    STIVER_CARD_POWER_LOST,  /* the port said so; power_on again */
    STIVER_CARD_GEOMETRY,    /* the port's geometry is outside what port.h allows */
};

/* What is written at the factory. hardware: the card's certificate may say class hardware (a secure
 * element); a card whose memory is a file is class virtual. */
struct stiver_card_factory {
    uint8_t serial[STIVER_SERIAL_BYTES];
    uint8_t transport_key[STIVER_TRANSPORT_KEY_BYTES];
    uint8_t is_hardware; /* 0 or 1 */
    /* 1: the campus purse beside the purse, for ever (docs/campus.md); a card built without it
     * remembers that, and offers the purse alone. */
    uint8_t has_campus;
};

/* Formats the flash, whatever it held, and makes it a blank card. */
enum stiver_card_status stiver_card_manufacture(const struct stiver_flash *flash,
                                                const struct stiver_card_factory *factory);

/* Power-up or reset. flash is copied, its context borrowed until power_off. Finishes or undoes what
 * a tear left. On anything but OK the card answers no command. A flash that wears out later lets
 * the card start and read; commands that change something answer 6581 (621C in a channel). */
enum stiver_card_status stiver_card_power_on(struct stiver_card *card,
                                             const struct stiver_flash *flash);

/* Forgets everything that lives in RAM. */
void stiver_card_power_off(struct stiver_card *card);

/* Handles one command APDU of up to STIVER_APDU_MAX bytes, any bytes at all; longer ones get 6700.
 * response must have room for STIVER_APDU_MAX bytes, is worked in, and holds nothing but the
 * response afterwards; it may be where the command is. Returns the bytes of the response (at least
 * the two of the status word), or 0 when the port reported power lost: a card without power says
 * nothing, and says nothing again until power_on. */
size_t stiver_card_transmit(struct stiver_card *card, const uint8_t *command, size_t command_bytes,
                            uint8_t response[STIVER_APDU_MAX]);

/* Answer to reset (T=1 offered); *bytes is at most 33. Touches no state. */
const uint8_t *stiver_card_atr(size_t *bytes);

#endif
