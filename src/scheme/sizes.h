/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and numbers that all documents share (docs/protocol.md, "Sizes"). */
#ifndef SCHEME_SIZES_H
#define SCHEME_SIZES_H

#include "base/primitives.h"

#define CARD_NUMBER_BYTES 8u
#define TERMINAL_NUMBER_BYTES 8u
#define SERIAL_BYTES 8u
#define HOST_ID_BYTES \
    16u /* first bytes of SHA-256 over a terminal's whole certificate, 7F21 included */
#define HANDLE_BYTES 8u
#define REFERENCE_BYTES 8u
#define RANDOM_BYTES 8u
#define NONCE_BYTES 16u
#define PIN_BYTES 8u

/* A card takes no counter beyond this one; it stops well short of the end of 32 bits. */
#define COUNTER_MAX 0xFFFF0000u
/* Receipts a card holds until the bank has acknowledged them. */
#define LOG_SLOTS 64u

/* Key versions and ids as the channel's commands name them (GlobalPlatform Amendment F). */
#define KID_CARD_AGREEMENT 0x11u     /* SCP11a, SK.SD.ECKA */
#define KID_TERMINAL_AUTHORITY 0x10u /* PK.CA-KLOC */
#define KVN_CARD_AGREEMENT 0x01u

/* The purse's application identifier: F0 (proprietary, ISO/IEC 7816-5), "STIVER", 01. */
#define PURSE_AID_BYTES 8u
extern const uint8_t purse_aid[PURSE_AID_BYTES];

#endif
