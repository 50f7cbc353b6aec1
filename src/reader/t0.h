/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command APDU over the character protocol T=0 (ISO/IEC 7816-3, 12.2), so that an ordinary card
 * of another kind is understood too: T=0 carries data in one direction a command, the card asks by
 * 61xx to be read with GET RESPONSE and by 6Cxx to be asked again with the right length.
 */
#ifndef READER_T0_H
#define READER_T0_H

#include "reader/reader.h"

/* One exchange as the card sees it. */
typedef enum reader_status t0_exchange(void *context, const uint8_t *command, size_t command_bytes,
                                       uint8_t *response, size_t capacity, size_t *response_bytes);

/* As card_reader_transmit. Short commands only: an extended one is READER_PROTOCOL and the card is
 * not asked. So is a card that announces data without end. */
enum reader_status t0_transmit(t0_exchange *exchange, void *context, const uint8_t *command,
                               size_t command_bytes, uint8_t *response, size_t capacity,
                               size_t *response_bytes) __attribute__((warn_unused_result));

#endif
