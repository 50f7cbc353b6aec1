/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each string that the published programs signed, as this house writes it: with the keys of the
 * capture our text gives their signature, byte for byte, and their command around it; and one
 * changed byte gives none.
 */
#include "published.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/apdu.h"
#include "base/bytes.h"

static uint8_t back_end[RSA_BYTES], card_key[RSA_BYTES];

static const char *const private_files[] = {
    [PUBLISHED_STATION] = "test-keys/backend_private.pem",
    [PUBLISHED_RELOAD] = "test-keys/reload_private.pem",
    [PUBLISHED_POS] = "test-keys/pos_private.pem",
};
static const char *const public_files[] = {
    [PUBLISHED_STATION] = "backend_public.pem",
    [PUBLISHED_RELOAD] = "reload_public.pem",
    [PUBLISHED_POS] = "pos_public.pem",
};

static int read_keys(void **state)
{
    (void)state;
    published_public("backend_public.pem", back_end);
    published_answered(&published_talks[0], 0x02, card_key);
    return crypto_start() == CRYPTO_OK ? 0 : -1;
}

/* ---- what must hold of one signature ---- */

static void assert_signed(const uint8_t modulus[RSA_BYTES], const uint8_t *text, size_t bytes,
                          const uint8_t signature[RSA_BYTES])
{
    uint8_t other[CAMPUS_CERTIFICATE_TEXT_BYTES];
    const struct piece piece = {text, bytes}, changed = {other, bytes};
    assert_int_equal(rsa_verify_sha1(modulus, &piece, 1, signature), CRYPTO_OK);
    for (size_t i = 0; i<bytes; i += bytes> 20 ? 44 : 1) {
        memcpy(other, text, bytes);
        other[i] ^= 0x01;
        assert_int_equal(rsa_verify_sha1(modulus, &changed, 1, signature), CRYPTO_INVALID);
    }
}

/* The terminal's command of this INS is what we make of that text with that key. */
static void assert_sent(const struct published_talk *talk, uint8_t ins, bool has_le,
                        const uint8_t *text, size_t bytes)
{
    uint8_t der[RSA_PRIVATE_BYTES_MAX], modulus[RSA_BYTES], signature[RSA_BYTES], value[RSA_BYTES];
    uint8_t ours[300];
    struct vector theirs = published_command(talk, published_find(talk, ins));
    const struct piece piece = {text, bytes};
    published_public(public_files[talk->party], modulus);
    published_value(talk, ins, value);
    assert_signed(modulus, text, bytes, value);
    size_t der_bytes = published_private(private_files[talk->party], der);
    assert_int_equal(rsa_sign_sha1(der, der_bytes, &piece, 1, signature), CRYPTO_OK);
    assert_memory_equal(signature, value, RSA_BYTES);
    const struct apdu_command command = {.ins = ins,
                                         .p1 = signature[0],
                                         .data = signature + 1,
                                         .lc = RSA_BYTES - 1,
                                         .le = has_le ? 256 : 0};
    size_t length = apdu_encode(&command, ours, sizeof ours);
    assert_int_equal(length, theirs.bytes);
    assert_memory_equal(ours, theirs.data, length);
}

static void assert_answered(const struct published_talk *talk, uint8_t ins, const uint8_t *text,
                            size_t bytes)
{
    uint8_t signature[RSA_BYTES];
    published_answered(talk, ins, signature);
    assert_signed(card_key, text, bytes, signature);
}

/* ---- texts ---- */

static void the_card_s_certificate(void **state)
{
    const struct published_talk *talk = &published_talks[0];
    struct vector identity = published_command(talk, published_find(talk, 0x04));
    struct reader r = reader_of(identity.data + 5, identity.bytes - 5);
    struct campus_certificate certificate = {.usage = CAMPUS_USAGE_CARD};
    uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES];
    (void)state;
    certificate.id = reader_u32(&r);
    certificate.end = reader_u32(&r);
    assert_true(reader_done(&r));
    assert_int_equal(certificate.id, 123);
    assert_int_equal(certificate.end, 0x77F48B80);
    memcpy(certificate.modulus, card_key, RSA_BYTES);
    campus_certificate_text(&certificate, text);
    assert_sent(talk, 0x06, false, text, sizeof text);
    /* and that is what the card shows ever after */
    published_value(talk, 0x06, certificate.signature);
    for (unsigned i = 1; i <= 5; i++) {
        uint8_t shown[RSA_BYTES];
        published_answered(&published_talks[i], 0x24, shown);
        assert_memory_equal(shown, certificate.signature, RSA_BYTES);
    }
}

static void the_back_end_s_key_and_the_card_s(void **state)
{
    uint8_t value[RSA_BYTES];
    (void)state;
    published_value(&published_talks[0], 0x02, value);
    assert_memory_equal(value, back_end, RSA_BYTES);
    for (unsigned i = 1; i <= 5; i++) {
        published_answered(&published_talks[i], 0x22, value);
        assert_memory_equal(value, card_key, RSA_BYTES);
        uint8_t modulus[RSA_BYTES];
        published_value(&published_talks[i], 0x22, value);
        published_public(public_files[published_talks[i].party], modulus);
        assert_memory_equal(value, modulus, RSA_BYTES);
    }
}

static void the_terminals_certificates(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 5; i++) {
        const struct published_talk *talk = &published_talks[i];
        const struct published_facts facts = published_facts(talk);
        struct campus_certificate certificate = {.id = facts.terminal, .end = facts.terminal_end};
        uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES], signature[RSA_BYTES];
        struct vector command = published_command(talk, published_find(talk, 0x24));
        certificate.usage = talk->party == PUBLISHED_POS ? CAMPUS_USAGE_POS : CAMPUS_USAGE_RELOAD;
        assert_int_equal(command.data[3], certificate.usage);
        published_public(public_files[talk->party], certificate.modulus);
        published_value(talk, 0x24, signature);
        campus_certificate_text(&certificate, text);
        assert_signed(back_end, text, sizeof text, signature);
    }
}

static void s1_and_s2(void **state)
{
    uint8_t text[CAMPUS_TEXT_BYTES];
    (void)state;
    for (unsigned i = 1; i <= 5; i++) {
        const struct published_talk *talk = &published_talks[i];
        const struct published_facts facts = published_facts(talk);
        campus_text(facts.card, facts.card_end, facts.counter, text);
        assert_sent(talk, 0x26, true, text, sizeof text);
        campus_text(facts.terminal, facts.terminal_end, facts.terminal_counter, text);
        assert_answered(talk, 0x26, text, sizeof text);
    }
}

static void s3_s4_and_s5(void **state)
{
    uint8_t text[CAMPUS_TEXT_BYTES], receipt_text[CAMPUS_RECEIPT_TEXT_BYTES];
    (void)state;
    for (unsigned i = 1; i <= 4; i++) {
        const struct published_talk *talk = &published_talks[i];
        const struct published_facts facts = published_facts(talk);
        const uint8_t ins = talk->party == PUBLISHED_POS ? 0x42 : 0x30;
        const struct campus_receipt receipt = {.terminal = facts.terminal,
                                               .counter = facts.counter + 1,
                                               .amount = facts.amount,
                                               .card = facts.card,
                                               .time = facts.time};
        campus_text(facts.counter + 1, facts.amount, facts.card, text);
        assert_sent(talk, ins, true, text, sizeof text);
        campus_receipt_text(&receipt, receipt_text);
        assert_answered(talk, ins, receipt_text, sizeof receipt_text);
        if (talk->party == PUBLISHED_POS)
            continue;
        campus_text(facts.counter + 2, facts.amount, facts.card, text);
        assert_sent(talk, 0x32, false, text, sizeof text);
    }
}

static void a_block_and_its_proof(void **state)
{
    const struct published_talk *talk = &published_talks[5];
    const struct published_facts facts = published_facts(talk);
    uint8_t order[CAMPUS_BLOCK_TEXT_BYTES], proof[CAMPUS_TEXT_BYTES];
    (void)state;
    campus_block_text(facts.card, facts.counter + 1, order);
    assert_sent(talk, 0x50, true, order, sizeof order);
    campus_text(facts.terminal, facts.terminal_counter, facts.terminal_end, proof);
    assert_answered(talk, 0x50, proof, sizeof proof);
}

/* The first talk of a card has counter 1; a load takes three, a payment two. */
static void counters_go_on_from_talk_to_talk(void **state)
{
    static const uint32_t counters[] = {1, 4, 7, 9, 11};
    (void)state;
    for (unsigned i = 1; i <= 5; i++)
        assert_int_equal(published_facts(&published_talks[i]).counter, counters[i - 1]);
}

/* EXCHANGE METADATA is sent without Le, and SELECT and AMOUNT; all that ask for 256 bytes have 00.
 */
static void lengths_are_as_the_command_table_says(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PUBLISHED_TALKS; i++)
        for (unsigned number = 1; number <= published_talks[i].commands; number++) {
            struct apdu_command command;
            struct vector sent = published_command(&published_talks[i], number);
            const uint8_t ins = sent.data[1];
            assert_true(apdu_parse(sent.data, sent.bytes, &command));
            assert_int_equal(command.cla, 0);
            const bool asks = ins != 0xA4 && ins != 0x04 && ins != 0x06 && ins != 0x20 &&
                              ins != 0x28 && ins != 0x32;
            assert_int_equal(command.le, asks ? 256 : 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_as_the_command_table_says),
        cmocka_unit_test(the_back_end_s_key_and_the_card_s),
        cmocka_unit_test(the_card_s_certificate),
        cmocka_unit_test(the_terminals_certificates),
        cmocka_unit_test(counters_go_on_from_talk_to_talk),
        cmocka_unit_test(s1_and_s2),
        cmocka_unit_test(s3_s4_and_s5),
        cmocka_unit_test(a_block_and_its_proof),
    };
    return cmocka_run_group_tests(tests, read_keys, NULL);
}
