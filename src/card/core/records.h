/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's records in the tear-safe memory, and what each holds. All numbers big-endian. Secrets
 * have records of their own, so that loading a card at power-up, or signing, reads no other secret.
 */
#ifndef CARD_CORE_RECORDS_H
#define CARD_CORE_RECORDS_H

#include "card/core/card.h"

#define CORE_RECORD_VERSION 1u

enum core_record {
    RECORD_FACTORY = 1,         /* serial 8 | is hardware 1 */
    RECORD_TRANSPORT_KEY = 2,   /* AES key 16 */
    RECORD_NUMBER = 3,          /* card number 8 */
    RECORD_CHANNEL_PRIVATE = 4, /* 32 */
    RECORD_RECEIPT_PRIVATE = 5, /* 32 */
    RECORD_PUBLIC_KEYS = 6,     /* channel 64 | receipt 64 */
    RECORD_HANDLE_SECRET = 7,   /* AES key 16 */
    RECORD_ANCHORS = 8,         /* personalise.c */
    RECORD_LOCK = 9,            /* class 1 | card authority's flags 1; there once locked */
    RECORD_CERTIFICATE = 10,    /* the card's, as it came */
    RECORD_CLOCK = 11,          /* highest time 4 | generation floor 4 | root order number 4 */
    RECORD_PEER_NEXT = 12,      /* slot that the next remembered peer takes 1 */
    RECORD_OFFERED = 13,        /* optional applications, bit 1 << owner 1; none without it */
    RECORD_PEER = 16,           /* and PEER_SLOTS - 1 more; peer.c */
};

#define PEER_SLOTS 8u
#define FACTORY_RECORD_BYTES (SERIAL_BYTES + 1u)

/* Reads a core record that must be there, be of this version, and be exactly bytes long. */
enum status record_read(struct card *card, enum core_record id, uint8_t *out,
                        size_t bytes) SCHEME_CHECKED;
/* The same for a record that may be missing; then *is_there is false and out zero. */
enum status record_read_optional(struct card *card, enum core_record id, uint8_t *out, size_t bytes,
                                 bool *is_there) SCHEME_CHECKED;
/* Puts a core record into the open transaction. */
enum status record_put(struct card *card, enum core_record id, const uint8_t *data,
                       size_t bytes) SCHEME_CHECKED;

#endif
