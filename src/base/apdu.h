/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command and response APDUs, short and extended (ISO/IEC 7816-3 section 12.1, 7816-4 section 5).
 */
#ifndef BASE_APDU_H
#define BASE_APDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest APDU either way that a card of the scheme takes and gives. */
#define APDU_BYTES_MAX 1024u
#define APDU_HEADER_BYTES 4u
#define APDU_SW_BYTES 2u

struct apdu_command {
    uint8_t cla, ins, p1, p2;
    const uint8_t *data; /* borrowed; NULL without data */
    size_t lc;           /* 0 to 65535 */
    uint32_t le;         /* expected bytes: 0 none, 256 for short 00, 65536 for extended 0000 */
    bool extended;       /* lengths were, or shall be, coded in the extended form */
};

/* Takes a command apart; false if its lengths contradict each other. */
bool apdu_parse(const uint8_t *bytes, size_t length, struct apdu_command *command)
    __attribute__((warn_unused_result));

/* Puts a command together, extended if asked or if lc or le need it. Returns its bytes, or 0 if it
 * does not fit into capacity. With data NULL and lc above 0 the data's place is left for the caller
 * to fill, from apdu_data_offset on. */
size_t apdu_encode(const struct apdu_command *command, uint8_t *out, size_t capacity)
    __attribute__((warn_unused_result));

/* Where the data of a command with data stand in its encoded form. */
size_t apdu_data_offset(const struct apdu_command *command);

/* Logical channel of a class byte, 0 to 19 (ISO/IEC 7816-4 section 5.4.1). */
uint8_t apdu_channel(uint8_t cla);
/* True if the class byte says secure messaging (GlobalPlatform: 84 to 87, E0 to EF). */
bool apdu_is_secure(uint8_t cla);
/* The class byte with channel, chaining and secure messaging bits cleared: 00 or 80. */
uint8_t apdu_plain_class(uint8_t cla);

#endif
