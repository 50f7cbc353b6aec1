/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal's end of the channel. Input: a byte that chooses, then what a card answers: to
 * MUTUAL AUTHENTICATE; to a protected command, as it is; or the same under a good MAC, so that
 * what lies behind it (decryption, padding) is reached.
 */
#include "channel/scp11.h"
#include "permissive.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static uint8_t own[PRIVATE_KEY_BYTES], card_key[PUBLIC_KEY_BYTES];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    uint8_t unused[PUBLIC_KEY_BYTES], unused_private[PRIVATE_KEY_BYTES];
    (void)argc;
    (void)argv;
    fuzz_need(crypto_start() == CRYPTO_OK);
    fuzz_need(crypto_generate(own, unused) == CRYPTO_OK);
    fuzz_need(crypto_generate(unused_private, card_key) == CRYPTO_OK);
    return 0;
}

static void authenticate(const uint8_t *data, size_t bytes)
{
    static const struct scp11_ids ids = {.host_id = {1}, .scheme = FUZZ_SCHEME, .card = {2}};
    struct scp11_host host;
    struct secure_channel channel = {.open = false};
    uint8_t handle[HANDLE_BYTES];
    if (scp11_host_handle(data, bytes, handle) != CHANNEL_OK && bytes % 4 != 0)
        return;
    fuzz_need(scp11_host_begin(&host, ids.host_id) == CHANNEL_OK);
    /* The ephemeral key is new each time: no receipt fits. */
    fuzz_need(scp11_host_finish(&host, &channel, &ids, own, card_key, data, bytes) != CHANNEL_OK);
    fuzz_need(!channel.open);
    scp11_host_end(&host);
}

static void unwrap(const uint8_t *response, size_t bytes)
{
    struct secure_channel channel = {
        .enc = {1}, .mac = {2}, .rmac = {3}, .chain = {4}, .counter = 1, .open = true};
    uint8_t data[1024];
    size_t length = 0;
    uint16_t word = 0;
    enum channel_status status =
        secure_unwrap_response(&channel, response, bytes, data, sizeof data, &length, &word);
    fuzz_need(length <= sizeof data && length <= bytes);
    fuzz_need(status == CHANNEL_OK ? channel.open : !channel.open || status == CHANNEL_SIZE);
}

/* R-MAC = first 8 bytes of CMAC(R-MAC key, chaining value | data | status word). */
static void unwrap_under_good_mac(const uint8_t *data, size_t bytes)
{
    static const uint8_t rmac[AES_KEY_BYTES] = {3}, chain[CMAC_BYTES] = {4};
    uint8_t response[1024], mac[CMAC_BYTES];
    if (bytes < 2 || bytes + SECURE_MAC_BYTES > sizeof response)
        return;
    const struct piece pieces[] = {{chain, sizeof chain}, {data + 2, bytes - 2}, {data, 2}};
    fuzz_need(crypto_cmac(rmac, pieces, 3, mac) == CRYPTO_OK);
    memcpy(response, data + 2, bytes - 2);
    memcpy(response + bytes - 2, mac, SECURE_MAC_BYTES);
    memcpy(response + bytes - 2 + SECURE_MAC_BYTES, data, 2);
    unwrap(response, bytes + SECURE_MAC_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0)
        return 0;
    if (data[0] % 3 == 0)
        authenticate(data + 1, bytes - 1);
    else if (data[0] % 3 == 1)
        unwrap(data + 1, bytes - 1);
    else
        unwrap_under_good_mac(data + 1, bytes - 1);
    return 0;
}
