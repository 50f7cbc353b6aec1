/* SPDX-License-Identifier: Apache-2.0 */
/* The campus purse and the purse on one card: each works as if the other were not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "card/campus/internal.h"
#include "harness.h"

#define CARD_ID 0x80000042u
#define CARD_END 0x77F48B80u
#define TERMINAL_ID 5u
#define TERMINAL_END 0x70000000u
#define NOW 0x68000000u
#define LOADED 500u

/* Put back to where it was taken, the picture's pointers hold. */
static struct card_harness h, picture;

/* The back end, and one machine that it certified as a point of sale and as a reload terminal. */
static struct key {
    uint8_t der[RSA_PRIVATE_BYTES_MAX], modulus[RSA_BYTES];
    size_t bytes;
} back_end, machine;
static uint8_t card_key[RSA_BYTES];
static uint32_t terminal_counter;

/* ---- a campus terminal in short ---- */

static uint16_t campus_select(void)
{
    static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00, 0x06, 0x2D,
                                     0x54, 0x45, 0x53, 0x54, 0x70};
    return card_harness_raw(&h, select, sizeof select);
}

static uint16_t send_numbers(uint8_t ins, const uint32_t *numbers, size_t count)
{
    uint8_t data[16];
    struct writer w = writer_of(data, sizeof data);
    for (size_t i = 0; i < count; i++)
        writer_u32(&w, numbers[i]);
    const struct apdu_command command = {.ins = ins, .data = data, .lc = w.used};
    return card_harness_clear(&h, &command);
}

static uint16_t send_value(uint8_t ins, uint8_t p2, const uint8_t value[RSA_BYTES])
{
    const struct apdu_command command = {.ins = ins,
                                         .p1 = value[0],
                                         .p2 = p2,
                                         .data = value + 1,
                                         .lc = RSA_BYTES - 1,
                                         .le = ins == 0x06 || ins == 0x32 ? 0 : 256};
    return card_harness_clear(&h, &command);
}

static void sign(const struct key *key, const uint32_t *numbers, size_t count,
                 const uint8_t *modulus, uint8_t usage, uint8_t signature[RSA_BYTES])
{
    uint8_t text[20];
    struct writer w = writer_of(text, sizeof text);
    for (size_t i = 0; i < count; i++)
        writer_u32(&w, numbers[i]);
    const struct piece pieces[] = {{text, w.used}, {modulus, RSA_BYTES}, {&usage, 1}};
    assert_int_equal(
        rsa_sign_sha1(key->der, key->bytes, pieces, modulus == NULL ? 1 : 3, signature), CRYPTO_OK);
}

static uint16_t send_signature(uint8_t ins, const uint32_t *numbers, size_t count)
{
    uint8_t signature[RSA_BYTES];
    sign(&machine, numbers, count, NULL, 0, signature);
    return send_value(ins, 0, signature);
}

static void campus_personalise(void)
{
    const uint32_t identity[] = {CARD_ID, CARD_END};
    uint8_t signature[RSA_BYTES];
    assert_int_equal(campus_select(), 0x9000);
    assert_int_equal(send_value(0x02, 0, back_end.modulus), 0x9000);
    memcpy(card_key, h.answer, sizeof card_key);
    assert_int_equal(send_numbers(0x04, identity, 2), 0x9000);
    sign(&back_end, identity, 2, card_key, 1, signature);
    assert_int_equal(send_value(0x06, 0, signature), 0x9000);
}

/* From reset to AUTHENTICATE; returns the card's counter. */
static uint32_t campus_meet(uint8_t kind)
{
    const uint32_t terminal[] = {TERMINAL_ID, TERMINAL_END, ++terminal_counter, NOW};
    uint32_t asked[3];
    uint8_t certificate[RSA_BYTES];
    card_harness_power_cycle(&h);
    assert_int_equal(campus_select(), 0x9000);
    assert_int_equal(send_numbers(0x20, terminal, 4), 0x9000);
    struct reader r = reader_of(h.answer, h.answer_bytes);
    for (size_t i = 0; i < 3; i++)
        asked[i] = reader_u32(&r);
    assert_true(reader_done(&r));
    assert_int_equal(send_value(0x22, 0, machine.modulus), 0x9000);
    sign(&back_end, terminal, 2, machine.modulus, kind, certificate);
    assert_int_equal(send_value(0x24, kind, certificate), 0x9000);
    assert_int_equal(send_signature(0x26, asked, 3), 0x9000);
    return asked[2];
}

static void campus_load_amount(uint32_t amount)
{
    uint32_t counter = campus_meet(CAMPUS_USAGE_RELOAD);
    const uint32_t s3[] = {counter + 1, amount, CARD_ID}, s5[] = {counter + 2, amount, CARD_ID};
    assert_int_equal(send_numbers(0x28, &amount, 1), 0x9000);
    assert_int_equal(send_signature(0x30, s3, 3), 0x9000);
    assert_int_equal(send_signature(0x32, s5, 3), 0x9000);
}

static uint16_t campus_pay_amount(uint32_t amount)
{
    uint32_t counter = campus_meet(CAMPUS_USAGE_POS);
    const uint32_t s3[] = {counter + 1, amount, CARD_ID};
    assert_int_equal(send_numbers(0x28, &amount, 1), 0x9000);
    return send_signature(0x42, s3, 3);
}

static uint32_t campus_balance(void)
{
    const struct apdu_command command = {.ins = 0x54, .le = 4};
    assert_int_equal(card_harness_clear(&h, &command), 0x9000);
    struct reader r = reader_of(h.answer, h.answer_bytes);
    return reader_u32(&r);
}

/* ---- the purse ---- */

static uint16_t purse_pay(uint32_t amount, uint32_t terminal_number)
{
    uint8_t sale[SALE_BYTES];
    card_harness_power_cycle(&h);
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    card_harness_pay_data(amount, terminal_number, sale);
    return card_harness_command(&h, COMMAND_PAY, sale, sizeof sale);
}

/* A blank card as the factory makes it with this flag. */
static void card_make(uint8_t has_campus)
{
    card_harness_blank(&h);
    h.factory.has_campus = has_campus;
    stiver_card_power_off(&h.card);
    assert_int_equal(stiver_card_manufacture(&h.port, &h.factory), STIVER_CARD_OK);
    card_harness_power_cycle(&h);
}

/* Both personalised and issued, with money in both: made once. */
static int both_make(void **state)
{
    (void)state;
    assert_int_equal(crypto_start(), CRYPTO_OK);
    assert_int_equal(rsa_generate(back_end.der, &back_end.bytes, back_end.modulus), CRYPTO_OK);
    assert_int_equal(rsa_generate(machine.der, &machine.bytes, machine.modulus), CRYPTO_OK);
    card_make(1);
    campus_personalise();
    campus_load_amount(LOADED);
    assert_int_equal(card_harness_select(&h), 0x9000);
    card_harness_personalise(&h);
    card_harness_issue(&h);
    card_harness_load(&h, 1, 1000, 1);
    picture = h;
    return 0;
}

static void both_again(void)
{
    h = picture;
}

/* ---- tests ---- */

static void campus_is_there_only_if_the_factory_said_so(void **state)
{
    (void)state;
    card_make(0);
    assert_int_equal(campus_select(), 0x6A82);
    assert_int_equal(card_harness_select(&h), 0x9000);
    card_make(2); /* no flag of ours */
    assert_int_equal(campus_select(), 0x6A82);
    card_make(1);
    assert_int_equal(campus_select(), 0x9000);
    assert_int_equal(h.answer_bytes, 0);
    card_harness_power_cycle(&h);
    assert_int_equal(campus_select(), 0x9000);
}

static void each_keeps_its_own_money(void **state)
{
    (void)state;
    both_again();
    assert_int_equal(purse_pay(100, 1), 0x9000);
    assert_int_equal(campus_pay_amount(50), 0x9000);
    assert_int_equal(campus_balance(), LOADED - 50);
    assert_int_equal(purse_pay(901, 2), status_word(STATUS_BALANCE, true));
    assert_int_equal(purse_pay(900, 3), 0x9000);
    assert_int_equal(campus_pay_amount(LOADED - 50 + 1), 0x6985);
    assert_int_equal(campus_pay_amount(LOADED - 50), 0x9000);
}

static void neither_takes_the_other_s_commands(void **state)
{
    (void)state;
    both_again();
    const uint32_t counter = campus_meet(CAMPUS_USAGE_POS);
    struct apdu_command command = card_harness_apdu(COMMAND_GET_STATE, NULL, 0);
    assert_int_equal(card_harness_clear(&h, &command), 0x6E00);
    command.cla = 0x84; /* a class that asks for the channel, which this application has not */
    assert_int_equal(card_harness_clear(&h, &command), 0x6E00);
    assert_int_equal(card_harness_select(&h), 0x9000);
    const uint32_t amount = 1, s3[] = {counter + 1, amount, CARD_ID};
    assert_int_equal(send_numbers(0x28, &amount, 1), 0x6E00);
    assert_int_equal(send_signature(0x42, s3, 3), 0x6E00);
    /* And the talk with the first goes on where it was. */
    assert_int_equal(campus_select(), 0x9000);
    assert_int_equal(send_numbers(0x28, &amount, 1), 0x9000);
    assert_int_equal(send_signature(0x42, s3, 3), 0x9000);
    assert_int_equal(campus_balance(), LOADED - 1);
}

static void selecting_the_other_closes_the_channel(void **state)
{
    (void)state;
    struct apdu_command status = card_harness_apdu(COMMAND_READ_STATUS, NULL, 0);
    both_again();
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    assert_int_equal(campus_select(), 0x9000);
    assert_int_equal(card_harness_select(&h), 0x9000);
    assert_int_equal(card_harness_secure(&h, &status), 0x6982);
    assert_int_equal(h.channel_status, CHANNEL_BARE);
}

static void one_blocked_the_other_works(void **state)
{
    (void)state;
    const struct apdu_command state_of = card_harness_apdu(COMMAND_GET_STATE, NULL, 0);
    both_again();
    const uint32_t block[] = {CARD_ID, campus_meet(CAMPUS_USAGE_POS) + 1};
    assert_int_equal(send_signature(0x50, block, 2), 0x9000);
    assert_int_equal(send_numbers(0x20, block, 2), 0x6986);
    assert_int_equal(purse_pay(100, 1), 0x9000);
    both_again();
    card_harness_block(&h);
    assert_int_equal(card_harness_select(&h), 0x9000);
    assert_int_equal(card_harness_clear(&h, &state_of), 0x9000);
    assert_int_equal(h.answer[0], PURSE_BLOCKED);
    assert_int_equal(campus_pay_amount(20), 0x9000);
}

/* A log full of receipts leaves the campus purse its room, and the other way round. */
static void both_may_be_full(void **state)
{
    (void)state;
    both_again();
    for (uint32_t counter = 2; counter <= LOG_SLOTS; counter++)
        card_harness_load(&h, (uint8_t)counter, 1, counter);
    assert_int_equal(purse_pay(1, 2), status_word(STATUS_LOG_FULL, true));
    for (unsigned i = 0; i < CAMPUS_LOG_ENTRIES + 2; i++)
        assert_int_equal(campus_pay_amount(1), 0x9000);
    campus_load_amount(7);
    assert_int_equal(campus_balance(), LOADED - CAMPUS_LOG_ENTRIES - 2 + 7);
    assert_int_equal(purse_pay(1, 2), status_word(STATUS_LOG_FULL, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(campus_is_there_only_if_the_factory_said_so),
        cmocka_unit_test(each_keeps_its_own_money),
        cmocka_unit_test(neither_takes_the_other_s_commands),
        cmocka_unit_test(selecting_the_other_closes_the_channel),
        cmocka_unit_test(one_blocked_the_other_works),
        cmocka_unit_test(both_may_be_full),
    };
    return cmocka_run_group_tests(tests, both_make, NULL);
}
