/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages between a virtual reader (vsmartcard's vpcd) and a card program: two bytes of
 * length, big-endian, then that many bytes. From the reader one byte is a control code, more are a
 * command APDU; from the card every message answers the reader's last one. No sockets here: bytes
 * go in as they arrive, in any pieces, and messages come out.
 */
#ifndef PORT_HOST_VPCD_FRAME_H
#define PORT_HOST_VPCD_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VPCD_LENGTH_BYTES 2u
#define VPCD_MESSAGE_MAX 65535u

enum vpcd_kind {
    VPCD_POWER_OFF, /* no answer */
    VPCD_POWER_ON,  /* no answer */
    VPCD_RESET,     /* no answer */
    VPCD_ATR,       /* answer: the answer to reset; changes nothing */
    VPCD_COMMAND,   /* answer: the response APDU */
    VPCD_NOTHING,   /* empty, or a control code not known: to be ignored, no answer */
};

struct vpcd_message {
    enum vpcd_kind kind;
    const uint8_t *bytes; /* of a command; valid until the decoder is used again */
    size_t count;
};

/* Holds what arrived and is not yet taken. Zero it before the first use. */
struct vpcd_decoder {
    size_t start, end;
    uint8_t bytes[VPCD_LENGTH_BYTES + VPCD_MESSAGE_MAX];
};

/* Takes the next whole message; false if more must arrive first. */
bool vpcd_decoder_next(struct vpcd_decoder *decoder, struct vpcd_message *message)
    __attribute__((warn_unused_result));

/* After next said false: where to put what arrives, *capacity bytes and never 0 of them. */
uint8_t *vpcd_decoder_room(struct vpcd_decoder *decoder, size_t *capacity);

/* So many bytes were put there; at most the capacity that room gave. */
void vpcd_decoder_arrived(struct vpcd_decoder *decoder, size_t bytes);

/* The length in front of a message of count bytes, at most VPCD_MESSAGE_MAX. */
void vpcd_frame_length(uint8_t length[VPCD_LENGTH_BYTES], size_t count);

#endif
