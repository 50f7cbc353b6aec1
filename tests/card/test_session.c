/* SPDX-License-Identifier: Apache-2.0 */
/* An open channel under attack: whatever is wrong with a command, the answer is one bare word, the
 * channel is gone, and nothing has changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "harness.h"

#define SECURED_MAX 256u

static struct card_harness h;

static void open_session(void)
{
    card_harness_blank(&h);
    card_harness_personalise(&h);
    card_harness_issue(&h);
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
}

/* READ RECEIPT protected for the open channel, not sent: a command with data. */
static size_t secured(uint8_t bytes[SECURED_MAX])
{
    static const uint8_t data[12] = {1, 2, 3};
    size_t length = 0;
    struct apdu_command apdu = card_harness_apdu(COMMAND_READ_RECEIPT, data, sizeof data);
    assert_int_equal(secure_wrap_command(&h.channel, &apdu, bytes, SECURED_MAX, &length),
                     CHANNEL_OK);
    return length;
}

/* Bare 6982; afterwards the card is out of the channel: commands in the clear are served again. */
static void expect_broken(const uint8_t *bytes, size_t length)
{
    uint32_t changes = h.flash.changes;
    assert_int_equal(card_harness_raw(&h, bytes, length), 0x6982);
    assert_int_equal(h.response_bytes, 2);
    assert_int_equal(card_harness_command(&h, COMMAND_READ_STATUS, NULL, 0), 0x6982);
    assert_int_equal(card_harness_command(&h, COMMAND_GET_STATE, NULL, 0), 0x9000);
    assert_int_equal(h.flash.changes, changes);
}

static void a_sound_command_is_answered_with_a_mac(void **state)
{
    uint8_t bytes[SECURED_MAX];
    (void)state;
    open_session();
    size_t length = secured(bytes);
    assert_int_equal(card_harness_raw(&h, bytes, length), status_word(STATUS_NOT_THERE, true));
    assert_int_equal(h.response_bytes, SECURE_MAC_BYTES + 2);
}

/* Class byte, header, lengths, ciphertext, MAC; Le alone is not protected. */
static void every_changed_byte_breaks_the_channel(void **state)
{
    uint8_t bytes[SECURED_MAX];
    (void)state;
    open_session();
    size_t length = secured(bytes);
    const size_t le_bytes = 2;
    for (size_t i = 1; i < length - le_bytes; i++) {
        if (i >= 4 && i < 7)
            continue; /* lengths that contradict each other: another test */
        card_harness_connect_again(&h);
        length = secured(bytes);
        bytes[i] ^= 0x01;
        expect_broken(bytes, length);
    }
}

static void a_wrong_length_breaks_the_channel(void **state)
{
    uint8_t bytes[SECURED_MAX];
    (void)state;
    open_session();
    for (uint8_t lc = 0; lc < 24; lc++) { /* 16 of data, 8 of MAC are right */
        card_harness_connect_again(&h);
        (void)secured(bytes);
        const struct apdu_command cut = {.cla = 0x84,
                                         .ins = bytes[1],
                                         .p1 = bytes[2],
                                         .p2 = bytes[3],
                                         .data = lc == 0 ? NULL : bytes + 7,
                                         .lc = lc,
                                         .le = 65536,
                                         .extended = true};
        uint8_t out[SECURED_MAX];
        size_t length = apdu_encode(&cut, out, sizeof out);
        expect_broken(out, length);
    }
}

static void other_secure_classes_break_the_channel(void **state)
{
    static const uint8_t classes[] = {0x88, 0x8C, 0x04, 0x08, 0x0C};
    uint8_t bytes[SECURED_MAX];
    (void)state;
    open_session();
    for (size_t i = 0; i < sizeof classes; i++) {
        card_harness_connect_again(&h);
        size_t length = secured(bytes);
        bytes[0] = classes[i];
        expect_broken(bytes, length);
    }
}

static void a_replayed_command_breaks_the_channel(void **state)
{
    uint8_t bytes[SECURED_MAX];
    (void)state;
    open_session();
    size_t length = secured(bytes);
    assert_int_equal(card_harness_raw(&h, bytes, length), status_word(STATUS_NOT_THERE, true));
    expect_broken(bytes, length);
}

static void a_command_of_an_older_session_breaks_the_channel(void **state)
{
    uint8_t bytes[SECURED_MAX];
    (void)state;
    open_session();
    size_t length = secured(bytes);
    card_harness_connect_again(&h);
    expect_broken(bytes, length);
}

static void a_command_left_out_breaks_the_channel(void **state)
{
    uint8_t dropped[SECURED_MAX], bytes[SECURED_MAX];
    (void)state;
    open_session();
    (void)secured(dropped);
    size_t length = secured(bytes);
    expect_broken(bytes, length);
}

/* A block of plain text that no padding ends, encrypted and MACed as a terminal that holds the keys
 * would: the word must be the one of a wrong MAC. */
static size_t secured_plain(const uint8_t plain[SECURE_BLOCK_BYTES], uint8_t bytes[SECURED_MAX])
{
    uint8_t counter[16] = {0}, sealed[SECURE_BLOCK_BYTES], mac[CMAC_BYTES];
    const uint8_t header[5] = {0x84, 0x48, 0, 0, SECURE_BLOCK_BYTES + SECURE_MAC_BYTES};
    counter[15] = (uint8_t)(h.channel.counter + 1);
    assert_int_equal(crypto_cbc_encrypt(h.channel.enc, counter, plain, sizeof sealed, sealed),
                     CRYPTO_OK);
    const struct piece pieces[] = {
        {h.channel.chain, CMAC_BYTES}, {header, sizeof header}, {sealed, sizeof sealed}};
    assert_int_equal(crypto_cmac(h.channel.mac, pieces, 3, mac), CRYPTO_OK);
    struct writer w = writer_of(bytes, SECURED_MAX);
    writer_bytes(&w, header, sizeof header);
    writer_bytes(&w, sealed, sizeof sealed);
    writer_bytes(&w, mac, SECURE_MAC_BYTES);
    writer_u8(&w, 0); /* Le */
    return w.used;
}

static void wrong_padding_is_told_like_a_wrong_mac(void **state)
{
    static const uint8_t plains[][SECURE_BLOCK_BYTES] = {
        {0},                                              /* no end */
        {[15] = 0x01},                                    /* another end */
        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x80, 1}, /* something behind the end */
        {0x80},                                           /* nothing but padding */
        {[0] = 0x80, [15] = 0x40},
    };
    uint8_t bytes[SECURED_MAX];
    (void)state;
    open_session();
    /* The same way with sound padding is served: it is the padding that is refused. */
    static const uint8_t sound[SECURE_BLOCK_BYTES] = {1, 2, 3, [12] = 0x80};
    size_t length = secured_plain(sound, bytes);
    assert_int_equal(card_harness_raw(&h, bytes, length), status_word(STATUS_NOT_THERE, true));
    for (size_t i = 0; i < sizeof plains / sizeof plains[0]; i++) {
        card_harness_connect_again(&h);
        length = secured_plain(plains[i], bytes);
        expect_broken(bytes, length);
    }
}

/* Le is not under the MAC; taking it away is refused truthfully, with a MAC. */
static void le_taken_away_changes_nothing(void **state)
{
    uint8_t bytes[SECURED_MAX];
    (void)state;
    open_session();
    size_t length = secured(bytes);
    assert_int_equal(card_harness_raw(&h, bytes, length - 2), status_word(STATUS_LENGTH, true));
    assert_int_equal(h.response_bytes, SECURE_MAC_BYTES + 2);
}

/* ---- what stays in RAM ---- */

static bool card_holds(const uint8_t *secret, size_t bytes)
{
    for (size_t at = 0; at + bytes <= sizeof h.card.memory; at++)
        if (memcmp(h.card.memory + at, secret, bytes) == 0)
            return true;
    return false;
}

static void no_key_outlives_the_channel(void **state)
{
    uint8_t fixed[SHARED_SECRET_BYTES], enc[AES_KEY_BYTES], mac[AES_KEY_BYTES];
    (void)state;
    open_session();
    assert_int_equal(crypto_agree(h.terminal.key.private_key, h.statement.channel_key, fixed),
                     CRYPTO_OK);
    for (int way = 0; way < 4; way++) {
        card_harness_connect_again(&h);
        memcpy(enc, h.channel.enc, sizeof enc);
        memcpy(mac, h.channel.mac, sizeof mac);
        assert_true(card_holds(fixed, sizeof fixed));
        assert_true(card_holds(enc, sizeof enc));
        uint8_t garbage[16] = {0x84};
        if (way == 0)
            assert_int_equal(card_harness_select(&h), 0x9000);
        else if (way == 1)
            assert_int_equal(card_harness_command(&h, COMMAND_GET_STATE, NULL, 0), 0x6982);
        else if (way == 2)
            assert_int_equal(card_harness_raw(&h, garbage, 5), 0x6982);
        else
            stiver_card_power_off(&h.card);
        assert_false(card_holds(fixed, sizeof fixed));
        assert_false(card_holds(enc, sizeof enc));
        assert_false(card_holds(mac, sizeof mac));
    }
    for (size_t i = 0; i < sizeof h.card.memory; i++)
        assert_int_equal(h.card.memory[i], 0);
}

/* The command buffer held plain data; after the answer it holds nothing. */
static void no_plain_data_outlive_the_command(void **state)
{
    static const uint8_t pin[PIN_BYTES] = {'9', '1', '8', '2', '7', '3', 0xFF, 0xFF};
    (void)state;
    open_session();
    uint16_t word = card_harness_command(&h, COMMAND_VERIFY_PIN, pin, sizeof pin);
    assert_true(word == 0x9000 || (word & 0xFFF0u) == 0x63C0u);
    assert_false(card_holds(pin, sizeof pin));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_command_is_answered_with_a_mac),
        cmocka_unit_test(every_changed_byte_breaks_the_channel),
        cmocka_unit_test(a_wrong_length_breaks_the_channel),
        cmocka_unit_test(other_secure_classes_break_the_channel),
        cmocka_unit_test(a_replayed_command_breaks_the_channel),
        cmocka_unit_test(a_command_of_an_older_session_breaks_the_channel),
        cmocka_unit_test(a_command_left_out_breaks_the_channel),
        cmocka_unit_test(wrong_padding_is_told_like_a_wrong_mac),
        cmocka_unit_test(le_taken_away_changes_nothing),
        cmocka_unit_test(no_key_outlives_the_channel),
        cmocka_unit_test(no_plain_data_outlive_the_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
