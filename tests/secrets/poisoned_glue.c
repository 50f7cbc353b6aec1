/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that secrets pass through, each called alone with poisoned ones: comparison, the
 * calls of the crypto library, both ends of the channel, unpadding. */
#include "poison.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "channel/scp11.h"

static void comparison(void **state)
{
    (void)state;
    uint8_t a[CMAC_BYTES], b[CMAC_BYTES];
    assert_true(poison_works());
    memset(a, 0x5A, sizeof a);
    for (size_t difference = 0; difference <= sizeof a; difference++) {
        memcpy(b, a, sizeof b);
        if (difference < sizeof b)
            b[difference] ^= 0x80;
        poison(b, sizeof b);
        assert_int_equal(bytes_equal_ct(a, b, sizeof a), difference == sizeof a);
        assert_false(bytes_are_zero(b, sizeof b));
        publish(b, sizeof b);
    }
}

static void calls_of_the_crypto_library(void **state)
{
    (void)state;
    uint8_t private_key[PRIVATE_KEY_BYTES], public_key[PUBLIC_KEY_BYTES];
    uint8_t secret[SHARED_SECRET_BYTES], signature[SIGNATURE_BYTES];
    uint8_t key[AES_KEY_BYTES], text[48], mac[CMAC_BYTES], none[PUBLIC_KEY_BYTES] = {0};
    const struct piece piece = {text, sizeof text};
    static const uint8_t iv[16], hash[SHA256_BYTES] = {1};
    assert_int_equal(crypto_start(), CRYPTO_OK);
    poison_from_here(true);
    memset(text, 0x11, sizeof text);
    poison(text, sizeof text);
    assert_int_equal(crypto_generate(private_key, public_key), CRYPTO_OK);
    assert_int_equal(crypto_sign(private_key, hash, signature), CRYPTO_OK);
    assert_int_equal(crypto_verify(public_key, hash, signature), CRYPTO_OK);
    assert_int_equal(crypto_agree(private_key, public_key, secret), CRYPTO_OK);
    assert_int_equal(crypto_kdf_x963(secret, sizeof secret, iv, 3, key, sizeof key), CRYPTO_OK);
    assert_int_equal(crypto_cmac(key, &piece, 1, mac), CRYPTO_OK);
    assert_int_equal(crypto_cbc_encrypt(key, iv, text, sizeof text, text), CRYPTO_OK);
    assert_int_equal(crypto_cbc_decrypt(key, iv, text, sizeof text, text), CRYPTO_OK);
    assert_int_equal(crypto_agree(private_key, none, secret), CRYPTO_INVALID);
    poison_from_here(false);
}

/* ---- the channel ---- */

struct ends {
    struct secure_channel host, card;
};

static void open_both(struct ends *ends)
{
    uint8_t host_private[PRIVATE_KEY_BYTES], host_public[PUBLIC_KEY_BYTES];
    uint8_t card_private[PRIVATE_KEY_BYTES], card_public[PUBLIC_KEY_BYTES];
    uint8_t fixed[SHARED_SECRET_BYTES], ephemeral[PUBLIC_KEY_BYTES], answer[SCP11_ANSWER_BYTES];
    static const uint8_t handle[HANDLE_BYTES];
    struct scp11_ids ids = {.scheme = 7};
    struct scp11_host host;
    poison_from_here(true);
    assert_int_equal(crypto_generate(host_private, host_public), CRYPTO_OK);
    assert_int_equal(crypto_generate(card_private, card_public), CRYPTO_OK);
    assert_int_equal(crypto_agree(card_private, host_public, fixed), CRYPTO_OK);
    assert_int_equal(scp11_host_begin(&host, ids.host_id), CHANNEL_OK);
    assert_int_equal(scp11_card_read(host.request, sizeof host.request, ids.host_id, ephemeral),
                     CHANNEL_OK);
    assert_int_equal(scp11_card_answer(&ends->card, &ids, fixed, host.request, sizeof host.request,
                                       ephemeral, handle, answer),
                     CHANNEL_OK);
    publish(answer, sizeof answer); /* it is on the link now */
    assert_int_equal(scp11_host_finish(&host, &ends->host, &ids, host_private, card_public, answer,
                                       sizeof answer),
                     CHANNEL_OK);
    scp11_host_end(&host);
    poison_from_here(false);
}

/* One command with so many poisoned bytes there, and as many back. */
static void talk(struct ends *ends, size_t data_bytes)
{
    uint8_t data[64], link[256];
    size_t bytes = 0;
    uint16_t word = 0;
    struct apdu_command command = {
        .cla = 0x80, .ins = 0x20, .data = data, .lc = data_bytes, .le = 256};
    memset(data, 0x33, sizeof data);
    poison(data, sizeof data);
    assert_int_equal(secure_wrap_command(&ends->host, &command, link, sizeof link, &bytes),
                     CHANNEL_OK);
    publish(link, bytes);
    struct apdu_command received;
    assert_true(apdu_parse(link, bytes, &received));
    uint8_t *sealed = link + (received.data - link);
    assert_int_equal(secure_unwrap_command(&ends->card, &received, sealed), CHANNEL_OK);
    assert_int_equal(received.lc, data_bytes);
    memcpy(link, data, data_bytes);
    assert_int_equal(
        secure_wrap_response(&ends->card, link, data_bytes, sizeof link, 0x9000, &bytes),
        CHANNEL_OK);
    publish(link, bytes);
    assert_int_equal(
        secure_unwrap_response(&ends->host, link, bytes, data, sizeof data, &bytes, &word),
        CHANNEL_OK);
    publish(&bytes, sizeof bytes);
    assert_int_equal(bytes, data_bytes);
}

static void channel(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 8, 15, 16, 17, 31, 48};
    struct ends ends;
    open_both(&ends);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        talk(&ends, lengths[i]);
}

/* A command with a right MAC and this last block, whatever its padding. */
static enum channel_status unwrap_padding(struct ends ends,
                                          const uint8_t padding[SECURE_BLOCK_BYTES])
{
    uint8_t counter[SECURE_BLOCK_BYTES] = {0}, mac[CMAC_BYTES];
    uint8_t header[5] = {0x84, 0x20, 0, 0, SECURE_BLOCK_BYTES + SECURE_MAC_BYTES};
    uint8_t data[SECURE_BLOCK_BYTES + SECURE_MAC_BYTES];
    counter[SECURE_BLOCK_BYTES - 1] = 1;
    assert_int_equal(crypto_cbc_encrypt(ends.host.enc, counter, padding, SECURE_BLOCK_BYTES, data),
                     CRYPTO_OK);
    const struct piece pieces[3] = {
        {ends.host.chain, CMAC_BYTES}, {header, sizeof header}, {data, SECURE_BLOCK_BYTES}};
    assert_int_equal(crypto_cmac(ends.host.mac, pieces, 3, mac), CRYPTO_OK);
    memcpy(data + SECURE_BLOCK_BYTES, mac, SECURE_MAC_BYTES);
    publish(data, sizeof data);
    struct apdu_command command = {
        .cla = 0x84, .ins = 0x20, .data = data, .lc = sizeof data, .le = 0};
    return secure_unwrap_command(&ends.card, &command, data);
}

static void unpadding(void **state)
{
    (void)state;
    uint8_t block[SECURE_BLOCK_BYTES] = {0};
    struct ends ends;
    open_both(&ends);
    assert_int_equal(unwrap_padding(ends, block), CHANNEL_REJECTED); /* nothing but zeros */
    block[0] = 0x80;
    assert_int_equal(unwrap_padding(ends, block), CHANNEL_REJECTED); /* nothing in front of it */
    block[5] = 0x80;
    assert_int_equal(unwrap_padding(ends, block), CHANNEL_OK);
    block[9] = 0x01;
    assert_int_equal(unwrap_padding(ends, block), CHANNEL_REJECTED);
}

/* Everything right but a bit of the MAC, wherever it is. */
static void wrong_mac(void **state)
{
    (void)state;
    struct ends fresh;
    open_both(&fresh);
    for (size_t i = 0; i < SECURE_MAC_BYTES; i++) {
        uint8_t link[64];
        size_t bytes = 0;
        struct apdu_command command = {.cla = 0x80, .ins = 0x52}, received;
        struct ends ends = fresh;
        assert_int_equal(secure_wrap_command(&ends.host, &command, link, sizeof link, &bytes),
                         CHANNEL_OK);
        publish(link, bytes);
        link[5 + i] ^= 1;
        assert_true(apdu_parse(link, bytes, &received));
        assert_int_equal(secure_unwrap_command(&ends.card, &received, link + 5), CHANNEL_REJECTED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparison), cmocka_unit_test(calls_of_the_crypto_library),
        cmocka_unit_test(channel),    cmocka_unit_test(unpadding),
        cmocka_unit_test(wrong_mac),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
