/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small card program that stands in for the real one where only the way to it is tested. It
 * implements <stiver/card.h>:
 *   INS 10  echo: the data comes back
 *   INS 12  write: programs one unit with the next number; answers that number, 4 bytes
 *   INS 14  read: the highest number in the flash, 4 bytes, then how many units are half written
 *   INS 16  count: how many commands since power-up, 4 bytes
 *   INS 18  long: P1-P2 bytes of data, counting up
 *   INS 1A  dies: answers nothing, as a card that lost its power
 *   INS A4  select: 6A82
 * Numbers are big-endian. Anything else: 6D00, 6700.
 */
#ifndef TESTS_PORT_ECHO_CARD_H
#define TESTS_PORT_ECHO_CARD_H

#include <stdbool.h>

#define ECHO_INS_ECHO 0x10
#define ECHO_INS_WRITE 0x12
#define ECHO_INS_READ 0x14
#define ECHO_INS_COUNT 0x16
#define ECHO_INS_LONG 0x18
#define ECHO_INS_DIE 0x1A

/* Speak as a card that offers T=0 alone: 61xx and GET RESPONSE, 6Cxx. */
extern bool echo_card_is_t0;
extern bool echo_card_is_senseless; /* the answer to reset is garbage */

#endif
