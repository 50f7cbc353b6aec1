/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/scp11.h"

#include <string.h>

#include "base/bytes.h"
#include "base/tlv.h"

/* Control reference template of MUTUAL AUTHENTICATE (Amendment F, table 6-11). */
#define TAG_CONTROL 0xA6u
#define TAG_SCP 0x90u
#define TAG_USAGE 0x95u
#define TAG_KEY_TYPE 0x80u
#define TAG_KEY_LENGTH 0x81u
#define TAG_HOST_ID 0x84u
#define TAG_EPHEMERAL 0x5F49u
#define TAG_RECEIPT 0x86u
#define TAG_HANDLE 0xC0u

#define SCP_ID 0x11u
#define SCP11A 0x01u
#define SCP11A_WITH_IDS 0x05u
#define USAGE_FULL 0x3Cu /* C-MAC, C-ENC, R-MAC, R-ENC */
#define KEY_TYPE_AES 0x88u

#define POINT_BYTES (1u + PUBLIC_KEY_BYTES)
#define POINT_UNCOMPRESSED 0x04u
#define EPHEMERAL_TLV_BYTES (3u + POINT_BYTES)
#define CONTROL_BYTES 31u /* value of A6, HostID included */
#define HOST_ID_TLV_BYTES (2u + HOST_ID_BYTES)
#define SHARED_INFO_BYTES (3u + 1u + HOST_ID_BYTES + 1u + 4u + 1u + CARD_NUMBER_BYTES)
#define KEYS_BYTES (4u * AES_KEY_BYTES) /* of receipt, S-ENC, S-MAC, S-RMAC; S-DEK is not used */

_Static_assert(SCP11_REQUEST_BYTES == 2 + CONTROL_BYTES + EPHEMERAL_TLV_BYTES, "request");
_Static_assert(SCP11_ANSWER_BYTES == EPHEMERAL_TLV_BYTES + 2 + CMAC_BYTES + 2 + HANDLE_BYTES,
               "answer");

static void write_ephemeral(struct writer *w, const uint8_t key[PUBLIC_KEY_BYTES])
{
    tlv_header(w, TAG_EPHEMERAL, POINT_BYTES);
    writer_u8(w, POINT_UNCOMPRESSED);
    writer_bytes(w, key, PUBLIC_KEY_BYTES);
}

static void read_ephemeral(struct reader *r, uint8_t key[PUBLIC_KEY_BYTES])
{
    struct reader value = tlv_expect(r, TAG_EPHEMERAL);
    if (reader_u8(&value) != POINT_UNCOMPRESSED)
        r->failed = true;
    reader_bytes(&value, key, PUBLIC_KEY_BYTES);
    if (!reader_done(&value))
        r->failed = true;
}

/* host_id NULL: the form without ids. */
static void write_control(struct writer *w, const uint8_t *host_id)
{
    const uint8_t scp[2] = {SCP_ID, host_id == NULL ? SCP11A : SCP11A_WITH_IDS};
    static const uint8_t usage = USAGE_FULL, type = KEY_TYPE_AES, length = AES_KEY_BYTES;
    tlv_header(w, TAG_CONTROL, CONTROL_BYTES - (host_id == NULL ? HOST_ID_TLV_BYTES : 0));
    tlv_bytes(w, TAG_SCP, scp, sizeof scp);
    tlv_bytes(w, TAG_USAGE, &usage, 1);
    tlv_bytes(w, TAG_KEY_TYPE, &type, 1);
    tlv_bytes(w, TAG_KEY_LENGTH, &length, 1);
    if (host_id != NULL)
        tlv_bytes(w, TAG_HOST_ID, host_id, HOST_ID_BYTES);
}

enum channel_status scp11_derive(const uint8_t ephemeral[SHARED_SECRET_BYTES],
                                 const uint8_t fixed[SHARED_SECRET_BYTES],
                                 const uint8_t *shared_info, size_t shared_info_bytes,
                                 uint8_t *keys, size_t keys_bytes)
{
    uint8_t secret[2 * SHARED_SECRET_BYTES];
    memcpy(secret, ephemeral, SHARED_SECRET_BYTES);
    memcpy(secret + SHARED_SECRET_BYTES, fixed, SHARED_SECRET_BYTES);
    enum crypto_status status =
        crypto_kdf_x963(secret, sizeof secret, shared_info, shared_info_bytes, keys, keys_bytes);
    bytes_wipe(secret, sizeof secret);
    return status == CRYPTO_OK ? CHANNEL_OK : CHANNEL_FAILED;
}

static size_t write_shared_info(const struct scp11_ids *ids, uint8_t info[SHARED_INFO_BYTES])
{
    struct writer w = writer_of(info, SHARED_INFO_BYTES);
    writer_u8(&w, USAGE_FULL);
    writer_u8(&w, KEY_TYPE_AES);
    writer_u8(&w, AES_KEY_BYTES);
    if (ids == NULL)
        return w.used;
    writer_u8(&w, HOST_ID_BYTES);
    writer_bytes(&w, ids->host_id, HOST_ID_BYTES);
    writer_u8(&w, 4);
    writer_u32(&w, ids->scheme);
    writer_u8(&w, CARD_NUMBER_BYTES);
    writer_bytes(&w, ids->card, CARD_NUMBER_BYTES);
    return w.used;
}

/* Session keys and receipt from both secrets; the receipt starts the MAC chain, and its key is
 * dropped. */
static enum channel_status open_session(struct secure_channel *channel, const struct scp11_ids *ids,
                                        const uint8_t ephemeral[SHARED_SECRET_BYTES],
                                        const uint8_t fixed[SHARED_SECRET_BYTES],
                                        const struct piece transcript[2])
{
    uint8_t info[SHARED_INFO_BYTES], keys[KEYS_BYTES];
    secure_close(channel);
    size_t info_bytes = write_shared_info(ids, info);
    enum channel_status status =
        scp11_derive(ephemeral, fixed, info, info_bytes, keys, sizeof keys);
    if (status == CHANNEL_OK && crypto_cmac(keys, transcript, 2, channel->chain) != CRYPTO_OK)
        status = CHANNEL_FAILED;
    if (status == CHANNEL_OK) {
        memcpy(channel->enc, keys + AES_KEY_BYTES, AES_KEY_BYTES);
        memcpy(channel->mac, keys + 2 * AES_KEY_BYTES, AES_KEY_BYTES);
        memcpy(channel->rmac, keys + 3 * AES_KEY_BYTES, AES_KEY_BYTES);
        channel->open = true;
    }
    bytes_wipe(keys, sizeof keys);
    return status;
}

/* ---- the card's end ---- */

enum channel_status scp11_card_read(const uint8_t *data, size_t bytes,
                                    uint8_t host_id[HOST_ID_BYTES],
                                    uint8_t host_ephemeral[PUBLIC_KEY_BYTES])
{
    uint8_t expected[2 + CONTROL_BYTES];
    struct reader r = reader_of(data, bytes);
    struct reader control = r;
    (void)reader_take(&control, 2 + CONTROL_BYTES - HOST_ID_BYTES);
    reader_bytes(&control, host_id, HOST_ID_BYTES);
    struct writer w = writer_of(expected, sizeof expected);
    write_control(&w, host_id);
    const uint8_t *found = reader_take(&r, sizeof expected);
    read_ephemeral(&r, host_ephemeral);
    if (!reader_done(&r) || !bytes_equal(found, expected, sizeof expected))
        return CHANNEL_MALFORMED;
    return CHANNEL_OK;
}

static enum channel_status agreement_status(enum crypto_status status)
{
    if (status == CRYPTO_OK)
        return CHANNEL_OK;
    return status == CRYPTO_INVALID ? CHANNEL_REJECTED : CHANNEL_FAILED;
}

enum channel_status scp11_card_answer(struct secure_channel *channel, const struct scp11_ids *ids,
                                      const uint8_t fixed[SHARED_SECRET_BYTES], const uint8_t *data,
                                      size_t bytes, const uint8_t host_ephemeral[PUBLIC_KEY_BYTES],
                                      const uint8_t handle[HANDLE_BYTES],
                                      uint8_t answer[SCP11_ANSWER_BYTES])
{
    uint8_t private_key[PRIVATE_KEY_BYTES], public_key[PUBLIC_KEY_BYTES];
    uint8_t secret[SHARED_SECRET_BYTES];
    secure_close(channel);
    enum channel_status status = agreement_status(crypto_generate(private_key, public_key));
    if (status == CHANNEL_OK)
        status = agreement_status(crypto_agree(private_key, host_ephemeral, secret));
    bytes_wipe(private_key, sizeof private_key);
    if (status != CHANNEL_OK)
        return status;
    struct writer w = writer_of(answer, SCP11_ANSWER_BYTES);
    write_ephemeral(&w, public_key);
    const struct piece transcript[2] = {{data, bytes}, {answer, w.used}};
    status = open_session(channel, ids, secret, fixed, transcript);
    bytes_wipe(secret, sizeof secret);
    tlv_bytes(&w, TAG_RECEIPT, channel->chain, CMAC_BYTES);
    tlv_bytes(&w, TAG_HANDLE, handle, HANDLE_BYTES);
    return status;
}

/* ---- the terminal's end ---- */

enum channel_status scp11_host_begin_with(struct scp11_host *host,
                                          const uint8_t host_id[HOST_ID_BYTES],
                                          const uint8_t private_key[PRIVATE_KEY_BYTES],
                                          const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    struct writer w = writer_of(host->request, sizeof host->request);
    memcpy(host->ephemeral_private, private_key, PRIVATE_KEY_BYTES);
    write_control(&w, host_id);
    write_ephemeral(&w, public_key);
    host->request_bytes = w.used;
    return w.failed ? CHANNEL_SIZE : CHANNEL_OK;
}

enum channel_status scp11_host_begin(struct scp11_host *host, const uint8_t host_id[HOST_ID_BYTES])
{
    uint8_t private_key[PRIVATE_KEY_BYTES], public_key[PUBLIC_KEY_BYTES];
    enum channel_status status = agreement_status(crypto_generate(private_key, public_key));
    if (status == CHANNEL_OK)
        status = scp11_host_begin_with(host, host_id, private_key, public_key);
    bytes_wipe(private_key, sizeof private_key);
    return status;
}

struct scp11_answer {
    uint8_t card_ephemeral[PUBLIC_KEY_BYTES];
    uint8_t receipt[CMAC_BYTES];
    bool has_handle;
    uint8_t handle[HANDLE_BYTES];
};

static void read_value(struct reader *r, uint16_t tag, uint8_t *out, size_t bytes)
{
    struct reader value = tlv_expect(r, tag);
    reader_bytes(&value, out, bytes);
    if (!reader_done(&value))
        r->failed = true;
}

static bool read_answer(const uint8_t *bytes, size_t length, struct scp11_answer *answer)
{
    struct reader r = reader_of(bytes, length);
    read_ephemeral(&r, answer->card_ephemeral);
    read_value(&r, TAG_RECEIPT, answer->receipt, CMAC_BYTES);
    answer->has_handle = r.left != 0;
    if (answer->has_handle)
        read_value(&r, TAG_HANDLE, answer->handle, HANDLE_BYTES);
    return reader_done(&r);
}

enum channel_status scp11_host_handle(const uint8_t *answer, size_t bytes,
                                      uint8_t handle[HANDLE_BYTES])
{
    struct scp11_answer parsed;
    if (!read_answer(answer, bytes, &parsed) || !parsed.has_handle)
        return CHANNEL_MALFORMED;
    memcpy(handle, parsed.handle, HANDLE_BYTES);
    return CHANNEL_OK;
}

/* Both agreements of the terminal: its ephemeral key with the card's, its own with the card's. */
static enum channel_status host_secrets(const struct scp11_host *host,
                                        const uint8_t private_key[PRIVATE_KEY_BYTES],
                                        const uint8_t card_ephemeral[PUBLIC_KEY_BYTES],
                                        const uint8_t card_key[PUBLIC_KEY_BYTES],
                                        uint8_t ephemeral[SHARED_SECRET_BYTES],
                                        uint8_t fixed[SHARED_SECRET_BYTES])
{
    enum channel_status status =
        agreement_status(crypto_agree(host->ephemeral_private, card_ephemeral, ephemeral));
    if (status == CHANNEL_OK)
        status = agreement_status(crypto_agree(private_key, card_key, fixed));
    return status;
}

enum channel_status scp11_host_finish(struct scp11_host *host, struct secure_channel *channel,
                                      const struct scp11_ids *ids,
                                      const uint8_t private_key[PRIVATE_KEY_BYTES],
                                      const uint8_t card_key[PUBLIC_KEY_BYTES],
                                      const uint8_t *answer, size_t bytes)
{
    uint8_t ephemeral[SHARED_SECRET_BYTES], fixed[SHARED_SECRET_BYTES];
    struct scp11_answer parsed;
    secure_close(channel);
    if (!read_answer(answer, bytes, &parsed))
        return CHANNEL_MALFORMED;
    enum channel_status status =
        host_secrets(host, private_key, parsed.card_ephemeral, card_key, ephemeral, fixed);
    if (status == CHANNEL_OK) {
        const struct piece transcript[2] = {{host->request, host->request_bytes},
                                            {answer, EPHEMERAL_TLV_BYTES}};
        status = open_session(channel, ids, ephemeral, fixed, transcript);
    }
    bytes_wipe(ephemeral, sizeof ephemeral);
    bytes_wipe(fixed, sizeof fixed);
    if (status == CHANNEL_OK && !bytes_equal_ct(channel->chain, parsed.receipt, CMAC_BYTES)) {
        secure_close(channel);
        return CHANNEL_REJECTED;
    }
    return status;
}

void scp11_host_end(struct scp11_host *host)
{
    bytes_wipe(host, sizeof *host);
}
