/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secure messaging of GlobalPlatform's SCP03 (Amendment D) as SCP11 uses it: AES-128, S8 mode (MACs
 * of 8 bytes), security level 33: C-MAC, C-ENC, R-MAC and R-ENC on every message.
 *
 * One struct serves one end of one channel. It is wiped, and the channel closed, by anything that
 * does not verify; nothing tells a wrong MAC from wrong padding.
 */
#ifndef CHANNEL_SECURE_MESSAGING_H
#define CHANNEL_SECURE_MESSAGING_H

#include "base/apdu.h"
#include "crypto/crypto.h"

#define SECURE_MAC_BYTES 8u
#define SECURE_BLOCK_BYTES 16u

enum channel_status {
    CHANNEL_OK = 0,
    CHANNEL_CLOSED,   /* there is no open channel */
    CHANNEL_REJECTED, /* MAC, padding, receipt, point or protection wrong; the channel is closed now
                       */
    CHANNEL_BARE,     /* host: the card answered a bare status word (not an authentic answer) */
    CHANNEL_MALFORMED, /* host: an answer that is none */
    CHANNEL_SIZE,      /* does not fit into the caller's memory or into an APDU */
    CHANNEL_FAILED,    /* the crypto library failed */
};

#define CHANNEL_CHECKED __attribute__((warn_unused_result))

struct secure_channel {
    uint8_t enc[AES_KEY_BYTES], mac[AES_KEY_BYTES], rmac[AES_KEY_BYTES];
    uint8_t chain[CMAC_BYTES]; /* MAC chaining value: the receipt first, then each command's MAC */
    uint32_t counter;          /* of commands, for the initial vectors; the first is 1 */
    bool open;
};

void secure_close(struct secure_channel *channel);

/* Host: protects a command. plain's class is 80; what comes out is 84 with MAC and encrypted data,
 * extended if it must be or if plain says so. */
enum channel_status secure_wrap_command(struct secure_channel *channel,
                                        const struct apdu_command *plain, uint8_t *out,
                                        size_t capacity, size_t *bytes) CHANNEL_CHECKED;
/* Host: takes an answer apart. data may be response's own memory. *sw is the status word; on
 * CHANNEL_BARE it is the unprotected word, which proves nothing. A bare word closes the channel. */
enum channel_status secure_unwrap_response(struct secure_channel *channel, const uint8_t *response,
                                           size_t length, uint8_t *data, size_t capacity,
                                           size_t *bytes, uint16_t *sw) CHANNEL_CHECKED;

/* Card: verifies and decrypts a command in place. In: the command as parsed (class 84) and the
 * memory that its data lie in. Out: the same with plain data, lc without MAC and padding. On
 * CHANNEL_REJECTED answer 6982 bare. */
enum channel_status secure_unwrap_command(struct secure_channel *channel,
                                          struct apdu_command *command,
                                          uint8_t *data) CHANNEL_CHECKED;
/* Card: protects an answer whose data stand at the start of out; appends MAC and status word. Only
 * for 9000, 62xx and 63xx. */
enum channel_status secure_wrap_response(struct secure_channel *channel, uint8_t *out,
                                         size_t data_bytes, size_t capacity, uint16_t sw,
                                         size_t *bytes) CHANNEL_CHECKED;

#endif
