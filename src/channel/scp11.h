/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCP11a (GlobalPlatform Amendment F): mutual authentication of a terminal (the off-card entity)
 * and a card by static and ephemeral P-256 agreement, then secure messaging. Both ends.
 *
 * MUTUAL AUTHENTICATE data:
 *   A6 L { 90 02 11 05 | 95 01 3C | 80 01 88 | 81 01 10 | 84 10 HostID } | 5F49 41 04 X Y
 * (parameter 05: SCP11a with host and card ids; usage 3C: C-MAC, C-ENC, R-MAC, R-ENC; AES; 16-byte
 * keys). Answer:
 *   5F49 41 04 X Y | 86 10 receipt | C0 08 handle
 * receipt = AES-CMAC(receipt key, command data | 5F49 TLV of the answer). The handle is the
 * scheme's addition and is not under the receipt: a wrong one only leads to the long way.
 *
 * Keys: X9.63-SHA-256 over ShSee | ShSss with
 *   SharedInfo = 3C 88 10 | 10 HostID | 04 scheme | 08 card number
 * gives receipt key | S-ENC | S-MAC | S-RMAC | S-DEK, 16 bytes each; the scheme has no use for the
 * last. The receipt is the first MAC chaining value.
 */
#ifndef CHANNEL_SCP11_H
#define CHANNEL_SCP11_H

#include "channel/secure_messaging.h"
#include "scheme/sizes.h"

#define SCP11_REQUEST_BYTES 101u /* A6 ... | 5F49 ... */
#define SCP11_ANSWER_BYTES 96u

/* The ids under the shared info. */
struct scp11_ids {
    uint8_t host_id[HOST_ID_BYTES];
    uint32_t scheme;
    uint8_t card[CARD_NUMBER_BYTES];
};

/* Derivation alone, for vectors: shared_info as it is. keys: receipt, ENC, MAC, RMAC, DEK, as many
 * bytes of them as are wanted. */
enum channel_status scp11_derive(const uint8_t ephemeral[SHARED_SECRET_BYTES],
                                 const uint8_t fixed[SHARED_SECRET_BYTES],
                                 const uint8_t *shared_info, size_t shared_info_bytes,
                                 uint8_t *keys, size_t keys_bytes) CHANNEL_CHECKED;

/* ---- the card's end ---- */

/* Reads the HostID out of MUTUAL AUTHENTICATE data whose parameters are exactly the ones above;
 * anything else is CHANNEL_MALFORMED (the card answers 6A80). */
enum channel_status scp11_card_read(const uint8_t *data, size_t bytes,
                                    uint8_t host_id[HOST_ID_BYTES],
                                    uint8_t host_ephemeral[PUBLIC_KEY_BYTES]) CHANNEL_CHECKED;
/* Authenticates. fixed is ShSss, the agreement of the card's channel key with the terminal's
 * certified key, computed by the caller or remembered from an earlier contact. data, bytes: the
 * command's data, as read by scp11_card_read. Opens *channel and writes the answer. */
enum channel_status scp11_card_answer(struct secure_channel *channel, const struct scp11_ids *ids,
                                      const uint8_t fixed[SHARED_SECRET_BYTES], const uint8_t *data,
                                      size_t bytes, const uint8_t host_ephemeral[PUBLIC_KEY_BYTES],
                                      const uint8_t handle[HANDLE_BYTES],
                                      uint8_t answer[SCP11_ANSWER_BYTES]) CHANNEL_CHECKED;

/* ---- the terminal's end ---- */

struct scp11_host {
    uint8_t ephemeral_private[PRIVATE_KEY_BYTES];
    uint8_t request[SCP11_REQUEST_BYTES]; /* command data, kept for the receipt */
    size_t request_bytes;
};
/* Makes the ephemeral pair and the command data in host->request. */
enum channel_status scp11_host_begin(struct scp11_host *host,
                                     const uint8_t host_id[HOST_ID_BYTES]) CHANNEL_CHECKED;
/* The same with a pair given by the caller. host_id NULL: SCP11a without ids (parameter 01), as
 * GlobalPlatform's issuer security domains take it; then finish is given no ids either. */
enum channel_status scp11_host_begin_with(
    struct scp11_host *host, const uint8_t host_id[HOST_ID_BYTES],
    const uint8_t private_key[PRIVATE_KEY_BYTES],
    const uint8_t public_key[PUBLIC_KEY_BYTES]) CHANNEL_CHECKED;
/* Handle of the card that answered, without verifying anything: it tells which certificate to use.
 */
enum channel_status scp11_host_handle(const uint8_t *answer, size_t bytes,
                                      uint8_t handle[HANDLE_BYTES]) CHANNEL_CHECKED;
/* Verifies the receipt (and takes an answer with or without a handle) and opens *channel.
 * private_key: the terminal's; card_key: the agreement key in the card's certificate. The caller
 * ends the attempt with scp11_host_end, which wipes the ephemeral key; after CHANNEL_REJECTED it
 * may try another certificate first. */
enum channel_status scp11_host_finish(struct scp11_host *host, struct secure_channel *channel,
                                      const struct scp11_ids *ids,
                                      const uint8_t private_key[PRIVATE_KEY_BYTES],
                                      const uint8_t card_key[PUBLIC_KEY_BYTES],
                                      const uint8_t *answer, size_t bytes) CHANNEL_CHECKED;
void scp11_host_end(struct scp11_host *host);

#endif
