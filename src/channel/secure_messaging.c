/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/secure_messaging.h"

#include <string.h>

#include "base/bytes.h"

#define CLA_SECURE 0x84u
#define PADDING_FIRST 0x80u
/* GlobalPlatform Amendment D, 6.2.7: answers use the command's counter block with this first byte.
 */
#define COUNTER_ANSWER 0x80u

void secure_close(struct secure_channel *channel)
{
    bytes_wipe(channel, sizeof *channel);
}

static enum channel_status reject(struct secure_channel *channel)
{
    secure_close(channel);
    return CHANNEL_REJECTED;
}

static enum channel_status fail(struct secure_channel *channel)
{
    secure_close(channel);
    return CHANNEL_FAILED;
}

static size_t padded_bytes(size_t bytes)
{
    return (bytes / SECURE_BLOCK_BYTES + 1) * SECURE_BLOCK_BYTES;
}

static void pad(uint8_t *data, size_t bytes)
{
    memset(data + bytes, 0, padded_bytes(bytes) - bytes);
    data[bytes] = PADDING_FIRST;
}

/* Bytes in front of the padding, or SIZE_MAX where there is none. The time depends on bytes alone:
 * every byte of the last block is looked at, and nothing branches on what it says. */
static size_t unpadded_bytes(const uint8_t *data, size_t bytes)
{
    uint32_t seen = 0, valid = 1, at = 0;
    for (uint32_t i = 0; i < SECURE_BLOCK_BYTES; i++) {
        uint32_t byte = data[bytes - 1 - i];
        uint32_t is_first = (((byte ^ PADDING_FIRST) - 1u) >> 31) & 1u;
        uint32_t is_zero = ((byte - 1u) >> 31) & 1u;
        uint32_t here = is_first & (seen ^ 1u);
        at |= (uint32_t)(0u - here) & i;
        valid &= seen | is_zero | is_first;
        seen |= here;
    }
    uint32_t good = valid & seen;
    size_t plain = bytes - 1 - at;
    size_t mask = (size_t)0 - (size_t)good;
    return (plain & mask) | ~mask;
}

/* What initial vectors are made from: the number of the command, and whose turn it is. */
static void counter_block(const struct secure_channel *channel, uint8_t first,
                          uint8_t block[SECURE_BLOCK_BYTES])
{
    memset(block, 0, SECURE_BLOCK_BYTES);
    struct writer w = writer_of(block + SECURE_BLOCK_BYTES - 4, 4);
    block[0] = first;
    writer_u32(&w, channel->counter);
}

static enum crypto_status encrypt(const struct secure_channel *channel, uint8_t first,
                                  uint8_t *data, size_t bytes)
{
    uint8_t block[SECURE_BLOCK_BYTES];
    counter_block(channel, first, block);
    return crypto_cbc_encrypt(channel->enc, block, data, bytes, data);
}

static enum crypto_status decrypt(const struct secure_channel *channel, uint8_t first,
                                  const uint8_t *sealed, size_t bytes, uint8_t *data)
{
    uint8_t block[SECURE_BLOCK_BYTES];
    counter_block(channel, first, block);
    return crypto_cbc_decrypt(channel->enc, block, sealed, bytes, data);
}

/* C-MAC over chaining value, header and ciphertext; the whole MAC is the next chaining value. */
static enum crypto_status command_mac(const struct secure_channel *channel,
                                      const struct apdu_command *command, const uint8_t *sealed,
                                      size_t sealed_bytes, uint8_t mac[CMAC_BYTES])
{
    uint8_t header[APDU_HEADER_BYTES + 3];
    struct writer w = writer_of(header, sizeof header);
    size_t lc = sealed_bytes + SECURE_MAC_BYTES;
    writer_u8(&w, CLA_SECURE);
    writer_u8(&w, command->ins);
    writer_u8(&w, command->p1);
    writer_u8(&w, command->p2);
    if (lc > 255) {
        writer_u8(&w, 0);
        writer_u16(&w, (uint16_t)lc);
    } else {
        writer_u8(&w, (uint8_t)lc);
    }
    const struct piece pieces[3] = {
        {channel->chain, CMAC_BYTES}, {header, w.used}, {sealed, sealed_bytes}};
    return crypto_cmac(channel->mac, pieces, 3, mac);
}

static enum crypto_status response_mac(const struct secure_channel *channel, const uint8_t *sealed,
                                       size_t sealed_bytes, uint16_t sw, uint8_t mac[CMAC_BYTES])
{
    const uint8_t word[APDU_SW_BYTES] = {(uint8_t)(sw >> 8), (uint8_t)sw};
    const struct piece pieces[3] = {
        {channel->chain, CMAC_BYTES}, {sealed, sealed_bytes}, {word, sizeof word}};
    return crypto_cmac(channel->rmac, pieces, 3, mac);
}

/* ---- the terminal's end ---- */

/* Fills sealed, which has room for the padded data and the MAC. */
static enum channel_status seal_command(struct secure_channel *channel,
                                        const struct apdu_command *plain, uint8_t *sealed)
{
    size_t sealed_bytes = plain->lc == 0 ? 0 : padded_bytes(plain->lc);
    if (plain->lc != 0) {
        memcpy(sealed, plain->data, plain->lc);
        pad(sealed, plain->lc);
        if (encrypt(channel, 0, sealed, sealed_bytes) != CRYPTO_OK)
            return fail(channel);
    }
    if (command_mac(channel, plain, sealed, sealed_bytes, channel->chain) != CRYPTO_OK)
        return fail(channel);
    memcpy(sealed + sealed_bytes, channel->chain, SECURE_MAC_BYTES);
    return CHANNEL_OK;
}

enum channel_status secure_wrap_command(struct secure_channel *channel,
                                        const struct apdu_command *plain, uint8_t *out,
                                        size_t capacity, size_t *bytes)
{
    *bytes = 0;
    if (!channel->open)
        return CHANNEL_CLOSED;
    if (plain->lc > APDU_BYTES_MAX || plain->le > 0x10000u || channel->counter == UINT32_MAX)
        return CHANNEL_SIZE;
    /* The frame is laid out around room for the sealed data, which are then made in place. */
    struct apdu_command secured = *plain;
    secured.cla = CLA_SECURE;
    secured.lc = (plain->lc == 0 ? 0 : padded_bytes(plain->lc)) + SECURE_MAC_BYTES;
    secured.data = NULL;
    size_t frame = apdu_encode(&secured, out, capacity);
    if (frame == 0)
        return CHANNEL_SIZE;
    channel->counter++;
    enum channel_status status = seal_command(channel, plain, out + apdu_data_offset(&secured));
    if (status == CHANNEL_OK)
        *bytes = frame;
    return status;
}

static bool word_is_protected(uint16_t sw)
{
    return sw == 0x9000 || sw >> 8 == 0x62 || sw >> 8 == 0x63;
}

/* Decrypts an answer whose MAC was verified. */
static enum channel_status open_response(struct secure_channel *channel, const uint8_t *sealed,
                                         size_t sealed_bytes, uint8_t *data, size_t capacity,
                                         size_t *bytes)
{
    if (sealed_bytes == 0)
        return CHANNEL_OK;
    if (sealed_bytes > capacity)
        return CHANNEL_SIZE;
    if (decrypt(channel, COUNTER_ANSWER, sealed, sealed_bytes, data) != CRYPTO_OK)
        return fail(channel);
    size_t plain = unpadded_bytes(data, sealed_bytes);
    if (plain == SIZE_MAX)
        return reject(channel);
    *bytes = plain;
    return CHANNEL_OK;
}

enum channel_status secure_unwrap_response(struct secure_channel *channel, const uint8_t *response,
                                           size_t length, uint8_t *data, size_t capacity,
                                           size_t *bytes, uint16_t *sw)
{
    uint8_t mac[CMAC_BYTES];
    *bytes = 0;
    *sw = 0;
    if (!channel->open)
        return CHANNEL_CLOSED;
    if (length < APDU_SW_BYTES) {
        secure_close(channel);
        return CHANNEL_MALFORMED;
    }
    size_t body = length - APDU_SW_BYTES;
    *sw = (uint16_t)(response[body] << 8 | response[body + 1]);
    if (body == 0 || !word_is_protected(*sw)) {
        secure_close(channel);
        return body == 0 ? CHANNEL_BARE : CHANNEL_MALFORMED;
    }
    size_t sealed_bytes = body - SECURE_MAC_BYTES;
    if (body < SECURE_MAC_BYTES || sealed_bytes % SECURE_BLOCK_BYTES != 0)
        return reject(channel);
    if (response_mac(channel, response, sealed_bytes, *sw, mac) != CRYPTO_OK)
        return fail(channel);
    if (!bytes_equal_ct(mac, response + sealed_bytes, SECURE_MAC_BYTES))
        return reject(channel);
    return open_response(channel, response, sealed_bytes, data, capacity, bytes);
}

/* ---- the card's end ---- */

static enum channel_status open_command(struct secure_channel *channel,
                                        struct apdu_command *command, uint8_t *data,
                                        size_t sealed_bytes)
{
    command->lc = 0;
    command->data = NULL;
    if (sealed_bytes == 0)
        return CHANNEL_OK;
    if (decrypt(channel, 0, data, sealed_bytes, data) != CRYPTO_OK)
        return fail(channel);
    size_t plain = unpadded_bytes(data, sealed_bytes);
    /* Data that are nothing but padding are never sent: an empty command is not encrypted. */
    if (plain == SIZE_MAX || plain == 0)
        return reject(channel);
    command->lc = plain;
    command->data = data;
    return CHANNEL_OK;
}

enum channel_status secure_unwrap_command(struct secure_channel *channel,
                                          struct apdu_command *command, uint8_t *data)
{
    uint8_t mac[CMAC_BYTES];
    if (!channel->open)
        return CHANNEL_CLOSED;
    if (command->cla != CLA_SECURE || command->lc < SECURE_MAC_BYTES ||
        channel->counter == UINT32_MAX)
        return reject(channel);
    size_t sealed_bytes = command->lc - SECURE_MAC_BYTES;
    if (sealed_bytes % SECURE_BLOCK_BYTES != 0)
        return reject(channel);
    channel->counter++;
    if (command_mac(channel, command, data, sealed_bytes, mac) != CRYPTO_OK)
        return fail(channel);
    if (!bytes_equal_ct(mac, data + sealed_bytes, SECURE_MAC_BYTES))
        return reject(channel);
    memcpy(channel->chain, mac, CMAC_BYTES);
    return open_command(channel, command, data, sealed_bytes);
}

enum channel_status secure_wrap_response(struct secure_channel *channel, uint8_t *out,
                                         size_t data_bytes, size_t capacity, uint16_t sw,
                                         size_t *bytes)
{
    uint8_t mac[CMAC_BYTES];
    size_t sealed_bytes = data_bytes == 0 ? 0 : padded_bytes(data_bytes);
    *bytes = 0;
    if (!channel->open)
        return CHANNEL_CLOSED;
    if (!word_is_protected(sw) || sealed_bytes + SECURE_MAC_BYTES + APDU_SW_BYTES > capacity)
        return CHANNEL_SIZE;
    if (data_bytes != 0) {
        pad(out, data_bytes);
        if (encrypt(channel, COUNTER_ANSWER, out, sealed_bytes) != CRYPTO_OK)
            return fail(channel);
    }
    if (response_mac(channel, out, sealed_bytes, sw, mac) != CRYPTO_OK)
        return fail(channel);
    memcpy(out + sealed_bytes, mac, SECURE_MAC_BYTES);
    out[sealed_bytes + SECURE_MAC_BYTES] = (uint8_t)(sw >> 8);
    out[sealed_bytes + SECURE_MAC_BYTES + 1] = (uint8_t)sw;
    *bytes = sealed_bytes + SECURE_MAC_BYTES + APDU_SW_BYTES;
    return CHANNEL_OK;
}
