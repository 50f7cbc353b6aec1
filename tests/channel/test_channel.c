/* SPDX-License-Identifier: Apache-2.0 */
/* SCP11a and secure messaging: published vectors at the terminal's end, both ends against each
 * other, and everything that must not pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "channel/scp11.h"
#include "vectors.h"

static const char scp11_file[] = "scp11a.txt", scp03_file[] = "scp03-level33.txt";

/* ---- vectors ---- */

static void host_end_matches_the_published_session(void **state)
{
    (void)state;
    struct scp11_host host;
    struct secure_channel channel = {.open = false};
    uint8_t out[APDU_BYTES_MAX], data[APDU_BYTES_MAX];
    struct apdu_command plain;
    size_t bytes = 0;
    uint16_t sw = 0;
    struct vector secret = vector_read(scp11_file, "oce.ephemeral.private");
    struct vector point = vector_read(scp11_file, "oce.ephemeral.public");
    struct vector expected = vector_read(scp11_file, "mutual.command");
    struct vector answer = vector_read(scp11_file, "mutual.answer");
    struct vector fixed = vector_read(scp11_file, "oce.private");
    struct vector card = vector_read(scp11_file, "sd.public");
    struct vector keys = vector_read(scp11_file, "keys");
    assert_int_equal(scp11_host_begin_with(&host, NULL, secret.data, point.data), CHANNEL_OK);
    assert_int_equal(host.request_bytes, expected.bytes);
    assert_memory_equal(host.request, expected.data, expected.bytes);
    assert_int_equal(
        scp11_host_finish(&host, &channel, NULL, fixed.data, card.data, answer.data, answer.bytes),
        CHANNEL_OK);
    assert_memory_equal(channel.enc, keys.data + 16, 16);
    assert_memory_equal(channel.mac, keys.data + 32, 16);
    assert_memory_equal(channel.rmac, keys.data + 48, 16);
    assert_memory_equal(channel.chain, vector_read(scp11_file, "receipt").data, 16);

    struct vector command = vector_read(scp11_file, "command.plain");
    struct vector wrapped = vector_read(scp11_file, "command.wrapped");
    struct vector response = vector_read(scp11_file, "response.wrapped");
    assert_true(apdu_parse(command.data, command.bytes, &plain));
    assert_int_equal(secure_wrap_command(&channel, &plain, out, sizeof out, &bytes), CHANNEL_OK);
    assert_int_equal(bytes, wrapped.bytes);
    assert_memory_equal(out, wrapped.data, bytes);
    assert_int_equal(secure_unwrap_response(&channel, response.data, response.bytes, data,
                                            sizeof data, &bytes, &sw),
                     CHANNEL_OK);
    assert_int_equal(sw, 0x9000);
    struct vector answered = vector_read(scp11_file, "response.data");
    assert_int_equal(bytes, answered.bytes);
    assert_memory_equal(data, answered.data, bytes);
    scp11_host_end(&host);
    assert_true(bytes_are_zero((const uint8_t *)&host, sizeof host));
}

static void derivation_matches_the_published_keys(void **state)
{
    (void)state;
    uint8_t keys[5 * AES_KEY_BYTES];
    struct vector a = vector_read(scp11_file, "shared.ephemeral");
    struct vector b = vector_read(scp11_file, "shared.static");
    struct vector info = vector_read(scp11_file, "shared.info");
    assert_int_equal(scp11_derive(a.data, b.data, info.data, info.bytes, keys, sizeof keys),
                     CHANNEL_OK);
    assert_memory_equal(keys, vector_read(scp11_file, "keys").data, sizeof keys);
}

static void messaging_matches_a_card_of_the_field(void **state)
{
    (void)state;
    struct secure_channel channel = {.counter = 0, .open = true};
    uint8_t out[APDU_BYTES_MAX], data[APDU_BYTES_MAX];
    static const uint8_t zeros[CMAC_BYTES];
    struct apdu_command plain;
    size_t bytes = 0;
    uint16_t sw = 0;
    memcpy(channel.enc, vector_read(scp03_file, "enc").data, 16);
    memcpy(channel.mac, vector_read(scp03_file, "mac").data, 16);
    memcpy(channel.rmac, vector_read(scp03_file, "rmac").data, 16);
    /* SCP03's chain starts with the MAC of EXTERNAL AUTHENTICATE. */
    struct vector start = vector_read(scp03_file, "external.authenticate");
    const struct piece pieces[2] = {{zeros, sizeof zeros}, {start.data, start.bytes}};
    assert_int_equal(crypto_cmac(channel.mac, pieces, 2, channel.chain), CRYPTO_OK);

    struct vector command = vector_read(scp03_file, "plain.0");
    struct vector wrapped = vector_read(scp03_file, "wrapped.0");
    struct vector response = vector_read(scp03_file, "response.0");
    struct vector expected = vector_read(scp03_file, "data.0");
    assert_true(apdu_parse(command.data, command.bytes, &plain));
    assert_int_equal(secure_wrap_command(&channel, &plain, out, sizeof out, &bytes), CHANNEL_OK);
    assert_int_equal(bytes, wrapped.bytes);
    assert_memory_equal(out, wrapped.data, bytes);
    assert_int_equal(secure_unwrap_response(&channel, response.data, response.bytes, data,
                                            sizeof data, &bytes, &sw),
                     CHANNEL_OK);
    assert_int_equal(bytes, expected.bytes);
    assert_memory_equal(data, expected.data, bytes);
}

/* ---- both ends ---- */

struct pair {
    struct secure_channel host, card;
    struct scp11_ids ids;
    uint8_t terminal_private[PRIVATE_KEY_BYTES], terminal_public[PUBLIC_KEY_BYTES];
    uint8_t card_private[PRIVATE_KEY_BYTES], card_public[PUBLIC_KEY_BYTES];
    uint8_t answer[SCP11_ANSWER_BYTES];
    struct scp11_host attempt;
};

static const uint8_t test_handle[HANDLE_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static void pair_answer(struct pair *pair)
{
    uint8_t host_id[HOST_ID_BYTES], ephemeral[PUBLIC_KEY_BYTES], fixed[SHARED_SECRET_BYTES];
    assert_int_equal(scp11_host_begin(&pair->attempt, pair->ids.host_id), CHANNEL_OK);
    assert_int_equal(pair->attempt.request_bytes, SCP11_REQUEST_BYTES);
    assert_int_equal(
        scp11_card_read(pair->attempt.request, SCP11_REQUEST_BYTES, host_id, ephemeral),
        CHANNEL_OK);
    assert_memory_equal(host_id, pair->ids.host_id, HOST_ID_BYTES);
    assert_int_equal(crypto_agree(pair->card_private, pair->terminal_public, fixed), CRYPTO_OK);
    assert_int_equal(scp11_card_answer(&pair->card, &pair->ids, fixed, pair->attempt.request,
                                       SCP11_REQUEST_BYTES, ephemeral, test_handle, pair->answer),
                     CHANNEL_OK);
}

static enum channel_status pair_finish(struct pair *pair, const struct scp11_ids *ids)
{
    return scp11_host_finish(&pair->attempt, &pair->host, ids, pair->terminal_private,
                             pair->card_public, pair->answer, sizeof pair->answer);
}

static void pair_open(struct pair *pair)
{
    memset(pair, 0, sizeof *pair);
    pair->ids = (struct scp11_ids){.host_id = {9, 9, 9}, .scheme = 0x01020304, .card = {7, 7}};
    assert_int_equal(crypto_generate(pair->terminal_private, pair->terminal_public), CRYPTO_OK);
    assert_int_equal(crypto_generate(pair->card_private, pair->card_public), CRYPTO_OK);
    pair_answer(pair);
    assert_int_equal(pair_finish(pair, &pair->ids), CHANNEL_OK);
}

static void both_ends_agree_on_every_length(void **state)
{
    (void)state;
    struct pair pair;
    uint8_t data[960], wire[APDU_BYTES_MAX], back[APDU_BYTES_MAX];
    pair_open(&pair);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    for (size_t length = 0; length <= sizeof data; length += length < 40 ? 1 : 23) {
        struct apdu_command plain = {
            .cla = 0x80, .ins = 0x40, .data = data, .lc = length, .le = 256};
        struct apdu_command seen;
        size_t bytes = 0;
        uint16_t sw = 0;
        assert_int_equal(secure_wrap_command(&pair.host, &plain, wire, sizeof wire, &bytes),
                         CHANNEL_OK);
        assert_true(apdu_parse(wire, bytes, &seen));
        assert_int_equal(secure_unwrap_command(&pair.card, &seen, wire + apdu_data_offset(&seen)),
                         CHANNEL_OK);
        assert_int_equal(seen.lc, length);
        if (length != 0)
            assert_memory_equal(seen.data, data, length);
        memcpy(wire, data, length);
        assert_int_equal(secure_wrap_response(&pair.card, wire, length, sizeof wire,
                                              length % 2 == 0 ? 0x9000 : 0x6201, &bytes),
                         CHANNEL_OK);
        size_t answered = 0;
        assert_int_equal(
            secure_unwrap_response(&pair.host, wire, bytes, back, sizeof back, &answered, &sw),
            CHANNEL_OK);
        assert_int_equal(answered, length);
        assert_int_equal(sw, length % 2 == 0 ? 0x9000 : 0x6201);
        if (length != 0)
            assert_memory_equal(back, data, length);
    }
}

static size_t wrap_sample(struct pair *pair, uint8_t wire[APDU_BYTES_MAX])
{
    static const uint8_t data[20] = {1, 2, 3};
    struct apdu_command plain = {.cla = 0x80, .ins = 0x40, .data = data, .lc = 20, .le = 256};
    size_t bytes = 0;
    assert_int_equal(secure_wrap_command(&pair->host, &plain, wire, APDU_BYTES_MAX, &bytes),
                     CHANNEL_OK);
    return bytes;
}

static void every_flipped_bit_of_a_command_closes_the_card_end(void **state)
{
    (void)state;
    struct pair pair, saved;
    uint8_t wire[APDU_BYTES_MAX], changed[APDU_BYTES_MAX];
    pair_open(&pair);
    size_t bytes = wrap_sample(&pair, wire);
    saved = pair;
    for (size_t bit = 0; bit < 8 * (bytes - 1); bit++) { /* Le, the last byte, is not covered */
        struct apdu_command seen;
        pair = saved;
        memcpy(changed, wire, bytes);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (!apdu_parse(changed, bytes, &seen))
            continue;
        assert_int_equal(
            secure_unwrap_command(&pair.card, &seen, changed + apdu_data_offset(&seen)),
            CHANNEL_REJECTED);
        assert_false(pair.card.open);
        assert_true(bytes_are_zero(pair.card.mac, AES_KEY_BYTES));
    }
}

static void every_flipped_bit_of_an_answer_is_noticed(void **state)
{
    (void)state;
    struct pair pair, saved;
    struct apdu_command seen;
    uint8_t wire[APDU_BYTES_MAX], changed[APDU_BYTES_MAX], back[APDU_BYTES_MAX];
    size_t bytes = 0, answered = 0;
    uint16_t sw = 0;
    pair_open(&pair);
    bytes = wrap_sample(&pair, wire);
    assert_true(apdu_parse(wire, bytes, &seen));
    assert_int_equal(secure_unwrap_command(&pair.card, &seen, wire + apdu_data_offset(&seen)),
                     CHANNEL_OK);
    memset(wire, 5, 30);
    assert_int_equal(secure_wrap_response(&pair.card, wire, 30, sizeof wire, 0x9000, &bytes),
                     CHANNEL_OK);
    saved = pair;
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        pair = saved;
        memcpy(changed, wire, bytes);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum channel_status status =
            secure_unwrap_response(&pair.host, changed, bytes, back, sizeof back, &answered, &sw);
        assert_true(status == CHANNEL_REJECTED || status == CHANNEL_MALFORMED);
        assert_false(pair.host.open);
    }
}

static void a_replayed_and_a_reordered_command_are_rejected(void **state)
{
    (void)state;
    struct pair pair;
    struct apdu_command seen;
    uint8_t first[APDU_BYTES_MAX], copy[APDU_BYTES_MAX], second[APDU_BYTES_MAX];
    pair_open(&pair);
    size_t bytes = wrap_sample(&pair, first);
    memcpy(copy, first, bytes);
    assert_true(apdu_parse(first, bytes, &seen));
    assert_int_equal(secure_unwrap_command(&pair.card, &seen, first + apdu_data_offset(&seen)),
                     CHANNEL_OK);
    assert_true(apdu_parse(copy, bytes, &seen));
    assert_int_equal(secure_unwrap_command(&pair.card, &seen, copy + apdu_data_offset(&seen)),
                     CHANNEL_REJECTED);
    pair_open(&pair);
    (void)wrap_sample(&pair, first);
    bytes = wrap_sample(&pair, second);
    assert_true(apdu_parse(second, bytes, &seen));
    assert_int_equal(secure_unwrap_command(&pair.card, &seen, second + apdu_data_offset(&seen)),
                     CHANNEL_REJECTED);
}

static void bare_words_prove_nothing(void **state)
{
    (void)state;
    static const uint8_t words[][2] = {{0x90, 0x00}, {0x62, 0x0E}, {0x63, 0xC2}, {0x69, 0x82}};
    for (size_t i = 0; i < 4; i++) {
        struct pair pair;
        uint8_t wire[APDU_BYTES_MAX];
        size_t bytes = 0;
        uint16_t sw = 0;
        pair_open(&pair);
        (void)wrap_sample(&pair, wire);
        assert_int_equal(
            secure_unwrap_response(&pair.host, words[i], 2, wire, sizeof wire, &bytes, &sw),
            CHANNEL_BARE);
        assert_false(pair.host.open);
    }
}

/* Whatever stands in the last block: wrong padding looks like a wrong MAC. */
static void wrong_padding_is_rejected_like_a_wrong_mac(void **state)
{
    (void)state;
    static const uint8_t last[][16] = {
        {0}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, {0x80, 0, 0, 1}, {0x81}};
    for (size_t i = 0; i < 4; i++) {
        struct pair pair;
        struct apdu_command seen;
        uint8_t wire[64] = {0x84, 0x40, 0, 0, 24}, block[16] = {0}, mac[CMAC_BYTES];
        pair_open(&pair);
        block[15] = 1;
        assert_int_equal(crypto_cbc_encrypt(pair.card.enc, block, last[i], 16, wire + 5),
                         CRYPTO_OK);
        const struct piece pieces[2] = {{pair.card.chain, CMAC_BYTES}, {wire, 21}};
        assert_int_equal(crypto_cmac(pair.card.mac, pieces, 2, mac), CRYPTO_OK);
        memcpy(wire + 21, mac, SECURE_MAC_BYTES);
        assert_true(apdu_parse(wire, 29, &seen));
        assert_int_equal(secure_unwrap_command(&pair.card, &seen, wire + 5), CHANNEL_REJECTED);
        assert_false(pair.card.open);
    }
}

static void a_session_is_bound_to_host_scheme_and_card(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        struct pair pair;
        pair_open(&pair);
        struct scp11_ids other = pair.ids;
        if (which == 0)
            other.host_id[15] ^= 1;
        else if (which == 1)
            other.scheme ^= 1;
        else
            other.card[7] ^= 1;
        assert_int_equal(pair_finish(&pair, &other), CHANNEL_REJECTED);
        assert_false(pair.host.open);
        assert_int_equal(pair_finish(&pair, &pair.ids), CHANNEL_OK);
    }
}

static void an_answer_is_verified_but_for_its_handle(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair);
    for (size_t i = 0; i < SCP11_ANSWER_BYTES; i++) {
        pair.answer[i] ^= 1;
        enum channel_status status = pair_finish(&pair, &pair.ids);
        bool in_handle = i >= SCP11_ANSWER_BYTES - HANDLE_BYTES;
        assert_true((status == CHANNEL_OK) == in_handle);
        pair.answer[i] ^= 1;
    }
    for (size_t cut = 0; cut < SCP11_ANSWER_BYTES; cut++)
        assert_int_not_equal(
            scp11_host_finish(&pair.attempt, &pair.host, &pair.ids, pair.terminal_private,
                              pair.card_public, pair.answer, cut),
            cut == SCP11_ANSWER_BYTES - 2 - HANDLE_BYTES ? CHANNEL_MALFORMED : CHANNEL_OK);
}

static void other_parameters_and_bad_points_are_refused(void **state)
{
    (void)state;
    struct pair pair;
    uint8_t host_id[HOST_ID_BYTES], ephemeral[PUBLIC_KEY_BYTES], request[SCP11_REQUEST_BYTES + 1];
    pair_open(&pair);
    memcpy(request, pair.attempt.request, SCP11_REQUEST_BYTES);
    request[SCP11_REQUEST_BYTES] = 0;
    for (size_t bytes = 0; bytes < SCP11_REQUEST_BYTES; bytes++)
        assert_int_equal(scp11_card_read(request, bytes, host_id, ephemeral), CHANNEL_MALFORMED);
    assert_int_equal(scp11_card_read(request, sizeof request, host_id, ephemeral),
                     CHANNEL_MALFORMED);
    for (size_t i = 0; i < 17; i++) { /* the template up to the HostID's value */
        request[i] ^= 1;
        assert_int_equal(scp11_card_read(request, SCP11_REQUEST_BYTES, host_id, ephemeral),
                         CHANNEL_MALFORMED);
        request[i] ^= 1;
    }
    static const uint8_t fixed[SHARED_SECRET_BYTES] = {1};
    memset(ephemeral, 0, sizeof ephemeral);
    assert_int_equal(scp11_card_answer(&pair.card, &pair.ids, fixed, request, SCP11_REQUEST_BYTES,
                                       ephemeral, test_handle, pair.answer),
                     CHANNEL_REJECTED);
    assert_false(pair.card.open);
}

static int start(void **state)
{
    (void)state;
    return crypto_start() == CRYPTO_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_end_matches_the_published_session),
        cmocka_unit_test(derivation_matches_the_published_keys),
        cmocka_unit_test(messaging_matches_a_card_of_the_field),
        cmocka_unit_test(both_ends_agree_on_every_length),
        cmocka_unit_test(every_flipped_bit_of_a_command_closes_the_card_end),
        cmocka_unit_test(every_flipped_bit_of_an_answer_is_noticed),
        cmocka_unit_test(a_replayed_and_a_reordered_command_are_rejected),
        cmocka_unit_test(bare_words_prove_nothing),
        cmocka_unit_test(wrong_padding_is_rejected_like_a_wrong_mac),
        cmocka_unit_test(a_session_is_bound_to_host_scheme_and_card),
        cmocka_unit_test(an_answer_is_verified_but_for_its_handle),
        cmocka_unit_test(other_parameters_and_bad_points_are_refused),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
