/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attacks on the published campus purse, each under its number in docs/campus.md, played
 * against this card. What they must not reach is asserted, and that an honest terminal still gets
 * through afterwards.
 */
#include "campus_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The terminal's signature over the next amount, as S3 or S5. */
static void sign_amount(const struct campus_peer *peer, uint32_t counter, uint32_t amount,
                        uint8_t signature[256])
{
    const uint32_t asked[] = {counter, amount, campus.card_id};
    campus_signature(peer, asked, 3, signature);
}

/* ---- W1: the wrong operator ---- */

static void w1_a_payment_turned_into_a_load_gives_no_receipt(void **state)
{
    (void)state;
    uint8_t s3[256];
    campus_at(STAGE_PAY_AMOUNT);
    sign_amount(&campus_pos, campus.base + 1, campus.amount, s3);
    assert_refused(0x6985, campus_value_to(0x30, 0, s3, 0));
    assert_int_equal(campus_pay_step(), 0x9000); /* the counter was not used up either */
    assert_int_equal(campus_balance(), FUNDS - campus.amount);
}

static void w1_a_point_of_sale_s_key_loads_nothing(void **state)
{
    (void)state;
    uint8_t s3[256], s5[256];
    static const enum stage stages[] = {STAGE_AUTHENTICATED_POS, STAGE_PAY_AMOUNT, STAGE_PAID};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        campus_at(stages[i]);
        for (uint32_t counter = 1; counter < 5; counter++) {
            sign_amount(&campus_pos, counter, 1234, s3);
            sign_amount(&campus_pos, counter + 1, 1234, s5);
            assert_refused(0x6985, campus_value_to(0x30, 0, s3, 0));
            assert_refused(0x6985, campus_value_to(0x32, 0, s5, NO_LE));
        }
        assert_true(campus_balance() <= FUNDS);
    }
}

static void w1_nothing_is_loaded_before_authentication(void **state)
{
    (void)state;
    uint8_t s3[256];
    campus_at(STAGE_INIT);
    assert_int_equal(campus_metadata_step(&campus_reload, NOW), 0x9000);
    assert_refused(0x6985, campus_value_to(0x30, 0, campus_reload.modulus, 0));
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_int_equal(campus_certificates_step(), 0x9000);
    /* Where the amount would be taken from the first bytes of the terminal's key. */
    struct reader r = reader_of(campus_reload.modulus, 4);
    uint32_t amount = reader_u32(&r);
    sign_amount(&campus_reload, campus.base + 1, amount, s3);
    assert_refused(0x6985, campus_value_to(0x30, 0, s3, 0));
    assert_refused(0x6985, campus_value_to(0x42, 0, s3, 0));
    assert_int_equal(campus_authenticate_step(), 0x9000);
}

static void w1_a_finished_talk_moves_nothing_more(void **state)
{
    (void)state;
    static const enum stage stages[] = {STAGE_PAID, STAGE_LOADED};
    static const uint8_t instructions[] = {0x30, 0x32, 0x42, 0x50};
    uint8_t s3[256];
    for (size_t s = 0; s < 2; s++) {
        campus_at(stages[s]);
        uint32_t balance = campus_balance();
        for (uint32_t counter = 1; counter < 6; counter++) {
            sign_amount(campus.peer, counter, campus.amount, s3);
            for (size_t i = 0; i < sizeof instructions; i++)
                assert_refused(0x6985, campus_value_to(instructions[i], 0, s3,
                                                       instructions[i] == 0x32 ? NO_LE : 0));
        }
        assert_refused(0x6985, campus_amount_step(1));
        assert_int_equal(campus_balance(), balance);
    }
}

static void w1_a_load_turned_into_a_payment_debits_nobody(void **state)
{
    (void)state;
    uint8_t s3[256];
    campus_at(STAGE_LOAD_AMOUNT);
    sign_amount(&campus_reload, campus.base + 1, campus.amount, s3);
    assert_refused(0x6985, campus_value_to(0x42, 0, s3, 0));
    assert_int_equal(campus_load_step(), 0x9000);
    assert_int_equal(campus_finish_step(), 0x9000);
    assert_int_equal(campus_balance(), FUNDS + campus.amount);
}

/* ---- W3: one shape, two meanings ---- */

/* What a reload terminal signed to authenticate itself to card 2, which expires in 2033 and whose
 * counter is our card's number, would authorise a load of twenty million at our card. */
static void w3_an_expiry_date_does_not_pass_for_an_amount(void **state)
{
    (void)state;
    uint8_t s1[256];
    const uint32_t other_card[] = {2, CARD_END, CARD_ID};
    campus_at(STAGE_AUTHENTICATED_RELOAD);
    assert_int_equal(campus.base + 1, other_card[0]);
    campus_signature(&campus_reload, other_card, 3, s1);
    assert_refused(0x6985, campus_amount_step(CARD_END));
    assert_refused(0x6985, campus_value_to(0x30, 0, s1, 0));
    /* No amount that could be a date after January 2004, at a number that could be a counter. */
    assert_refused(0x6985, campus_amount_step(0x40000000u));
    assert_int_equal(campus_amount_step(0x3FFFFFFFu), 0x9000);
    assert_int_equal(campus_load_step(), 0x9000);
}

/* A card whose number has its top bit set needs no such bound: no counter is ever its number. */
static void w3_a_number_with_its_top_bit_set_is_no_counter(void **state)
{
    (void)state;
    campus_issue(0x8000007Bu, CARD_END);
    campus_reset();
    campus_meet(&campus_reload, NOW);
    assert_int_equal(campus_amount_step(0x40000000u), 0x9000);
    assert_int_equal(campus_load_step(), 0x9000);
    campus_issue(0x3FFFFFFFu, CARD_END);
    campus_reset();
    campus_meet(&campus_reload, NOW);
    assert_refused(0x6985, campus_amount_step(0x40000000u));
}

/* A terminal that calls its certificate's end its counter would hold, in the card's answer to
 * authentication, the proof that the card is blocked. */
static void w3_a_terminal_counter_that_could_be_a_date_is_refused(void **state)
{
    (void)state;
    static const uint32_t refused[] = {0x40000000u, TERMINAL_END, 0x7FFFFFFFu, 0x80000000u,
                                       0xFFFFFFFFu};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        campus_at(STAGE_INIT);
        campus_pos.counter = refused[i] - 1;
        assert_refused(0x6985, campus_metadata_step(&campus_pos, NOW));
    }
    campus_pos.counter = 0x3FFFFFFEu;
    campus_meet(&campus_pos, NOW);
    campus_pos.counter = 100;
}

/* ---- W4: a card's certificate at the terminal's place ---- */

static void w4_an_extracted_card_key_is_no_terminal(void **state)
{
    (void)state;
    struct campus_peer card = campus_pos; /* a key pair whose certificate says: card */
    card.id = 77;
    card.end = CARD_END;
    card.kind = 1;
    campus_certify(&card);
    campus_at(STAGE_INIT);
    assert_int_equal(campus_metadata_step(&card, NOW), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    for (unsigned kind = 0; kind <= 0xFF; kind++) {
        uint16_t expected = kind == 2 || kind == 3 ? 0x6982 : 0x6A86;
        assert_refused(expected, campus_value_to(0x24, (uint8_t)kind, card.certificate, 0));
    }
    assert_refused(0x6985, campus_authenticate_step());
}

/* A certificate counts as what it was signed to be. */
static void w4_a_point_of_sale_does_not_become_a_reload_terminal(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    assert_int_equal(campus_metadata_step(&campus_pos, NOW), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_refused(0x6982, campus_value_to(0x24, 3, campus_pos.certificate, 0));
    assert_int_equal(campus_certificates_step(), 0x9000);
}

/* ---- W6, W7: arithmetic ---- */

static void w6_sums_are_right_around_each_16_bit_boundary(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {1,          0x7FFF,     0x8000,    0x8001,
                                       0xFFFF,     0x10000,    0x18001,   0x7FFF8000,
                                       0x80000000, 0x80008000, 0xFFFF8000};
    const size_t count = sizeof numbers / sizeof numbers[0];
    campus_issue(0x8000007Bu, CARD_END);
    campus_keep(STAGE_INIT);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count && numbers[k] < 0x80000000u; k++) {
            uint32_t balance = numbers[i], amount = numbers[k];
            campus_at(STAGE_INIT);
            campus_change(ledger_balance, balance);
            if (amount <= balance) {
                assert_int_equal(campus_pay_all(amount, NOW), 0x9000);
                assert_int_equal(campus_balance(), balance - amount);
                balance -= amount;
            }
            if (amount <= UINT32_MAX - balance) {
                assert_int_equal(campus_load_all(amount, NOW), 0x9000);
                assert_int_equal(campus_balance(), balance + amount);
            }
        }
    }
}

static void w6_counters_are_right_around_each_16_bit_boundary(void **state)
{
    (void)state;
    static const uint32_t counters[] = {0x7FFD, 0x7FFF, 0x8000, 0xFFFD, 0xFFFE, 0xFFFF, 0x17FFF};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        campus_at(STAGE_INIT);
        campus_change(ledger_counter, counters[i]);
        assert_int_equal(campus_load_all(1, NOW), 0x9000); /* its signatures name base + 1, + 2 */
        assert_int_equal(campus.base, counters[i] + 1);
        assert_int_equal(campus_ledger_now().counter, counters[i] + 3);
    }
}

static void w7_a_load_beyond_the_end_is_refused_before_its_receipt(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    campus_change(ledger_balance, 0xFFFFFF00u);
    campus_meet(&campus_reload, NOW);
    assert_int_equal(campus_amount_step(0x100), 0x9000);
    assert_refused(0x6985, campus_load_step());
    assert_int_equal(campus_balance(), 0xFFFFFF00u);
    assert_int_equal(campus_load_all(0xFF, NOW), 0x9000);
    assert_int_equal(campus_balance(), 0xFFFFFFFFu);
    assert_int_equal(campus_load_all(1, NOW), 0x6985);
    assert_int_equal(campus_pay_all(0x7FFF, NOW), 0x9000);
    assert_int_equal(campus_balance(), 0xFFFF8000u);
}

/* ---- W9: an answer that was lost ---- */

static void w9_the_last_receipt_is_read_again_in_a_later_talk(void **state)
{
    (void)state;
    uint8_t s4[256], entry[22];
    struct reader r;
    campus_at(STAGE_INIT);
    assert_int_equal(campus_pay_all(777, NOW), 0x9000);
    memcpy(s4, campus.s4, sizeof s4); /* suppose that it was lost */
    const uint32_t counter = campus.base + 1;
    const uint32_t said[] = {POS_ID, counter, 777, CARD_ID, NOW};
    campus_reset();
    campus_meet(&campus_reload, NOW + 60);
    assert_int_equal(campus_send(0x52, 0, 0, NULL, 0, 0), 0x9000);
    assert_int_equal(campus.answer_bytes, sizeof entry);
    memcpy(entry, campus.answer, sizeof entry);
    r = reader_of(entry, sizeof entry);
    assert_int_equal(reader_u8(&r), 2);
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_u32(&r), POS_ID);
    assert_int_equal(reader_u32(&r), counter);
    assert_int_equal(reader_u32(&r), 777);
    assert_int_equal(reader_u32(&r), NOW);
    assert_int_equal(reader_u32(&r), FUNDS - 777);
    assert_int_equal(campus_send(0x52, 1, 0, NULL, 0, 0), 0x9000);
    assert_int_equal(campus.answer_bytes, 256);
    assert_memory_equal(campus.answer, s4, sizeof s4);
    assert_true(campus_card_signed(said, 5, campus.answer));
}

/* The terminal logged a load, and its last word never came: the card says so. */
static void w9_a_load_that_was_not_finished_says_so_for_ever(void **state)
{
    (void)state;
    uint8_t s5[256];
    campus_at(STAGE_LOAD_SIGNED);
    sign_amount(&campus_reload, campus.base + 2, campus.amount, s5);
    campus_reset();
    campus_meet(&campus_reload, NOW);
    assert_int_equal(campus_send(0x52, 0, 0, NULL, 0, 0), 0x9000);
    assert_int_equal(campus.answer[0], 3);
    assert_int_equal(campus.answer[1], 0);
    assert_int_equal(campus_send(0x52, 1, 0, NULL, 0, 0), 0x9000);
    assert_memory_equal(campus.answer, campus.s4, 256);
    assert_refused(0x6985, campus_value_to(0x32, 0, s5, NO_LE)); /* too late */
    assert_int_equal(campus_amount_step(campus.amount), 0x9000);
    assert_refused(0x6985, campus_value_to(0x32, 0, s5, NO_LE));
    assert_refused(0x6982, campus_value_to(0x30, 0, s5, 0));
    assert_int_equal(campus_balance(), FUNDS);
}

/* ---- W11: time ---- */

static void w11_an_old_time_revives_no_expired_terminal(void **state)
{
    (void)state;
    struct campus_peer renewed = campus_pos;
    renewed.end = TERMINAL_END + 7 * 86400;
    campus_certify(&renewed);
    campus_at(STAGE_INIT);
    campus_meet(&renewed, TERMINAL_END); /* the old one may still come */
    campus_reset();
    campus_meet(&campus_pos, NOW);
    campus_reset();
    campus_meet(&renewed, TERMINAL_END + 1);
    for (uint32_t back = 0; back < 40; back += 3) { /* a stolen terminal turns its clock back */
        campus_reset();
        assert_refused(0x6985, campus_metadata_step(&campus_pos, TERMINAL_END - back * 86400));
    }
    campus_reset();
    campus_meet(&renewed, NOW); /* a slow clock is no crime */
    assert_int_equal(campus_ledger_now().last_seen, TERMINAL_END + 1);
}

static void w11_an_old_time_revives_no_expired_card(void **state)
{
    (void)state;
    campus_issue(CARD_ID, NOW);
    campus_reset();
    campus_meet(&campus_pos, NOW);
    campus_reset();
    assert_int_equal(campus_metadata_step(&campus_pos, NOW + 1), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_int_equal(campus_certificates_step(), 0x9000);
    assert_int_equal(campus_authenticate_step(), 0x6985);
    campus_reset();
    assert_refused(0x6986, campus_metadata_step(&campus_pos, NOW - 1));
}

/* Whoever is not certified moves the card's time as little as its counter. */
static void w11_a_stranger_s_time_is_forgotten(void **state)
{
    (void)state;
    struct campus_peer stranger = campus_pos;
    stranger.end = UINT32_MAX;
    campus_at(STAGE_INIT);
    assert_int_equal(campus_metadata_step(&stranger, UINT32_MAX), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_refused(0x6982, campus_certificates_step());
    campus_reset();
    campus_meet(&campus_pos, NOW);
    assert_int_equal(campus_ledger_now().last_seen, NOW);
}

/* ---- W12: wear, and the end of the counter, without a key ---- */

static void w12_nobody_uses_up_a_counter_before_authentication(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    campus_reset();
    uint32_t operations = campus.flash.operations;
    for (int i = 0; i < 200; i++) {
        campus_reset();
        assert_int_equal(campus_metadata_step(&campus_pos, NOW), 0x9000);
        assert_int_equal(campus.base, 1);
        assert_int_equal(campus_keys_step(), 0x9000);
        if (i % 10 == 0)
            assert_int_equal(campus_certificates_step(), 0x9000);
    }
    assert_int_equal(campus.flash.operations, operations);
    campus_reset();
    campus_meet(&campus_pos, NOW);
    assert_int_equal(campus.base, 1);
}

static void w12_wrong_signatures_use_up_no_counter(void **state)
{
    (void)state;
    static const struct {
        enum stage stage;
        uint8_t ins;
        uint16_t (*right)(void);
    } cases[] = {
        {STAGE_LOAD_AMOUNT, 0x30, campus_load_step},
        {STAGE_LOAD_SIGNED, 0x32, campus_finish_step},
        {STAGE_PAY_AMOUNT, 0x42, campus_pay_step},
        {STAGE_AUTHENTICATED_POS, 0x50, campus_block_step},
    };
    uint8_t wrong[256] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        campus_at(cases[i].stage);
        for (unsigned k = 0; k < 100; k++) {
            wrong[k] = (uint8_t)(k + 1);
            assert_refused(
                0x6982, campus_value_to(cases[i].ins, 0, wrong, cases[i].ins == 0x32 ? NO_LE : 0));
        }
        assert_int_equal(cases[i].right(), 0x9000);
    }
}

/* ---- W15: personalisation ---- */

static void w15_the_order_is_kept(void **state)
{
    (void)state;
    uint8_t data[8] = {0, 0, 0, 1, 0x77, 0xF4, 0x8B, 0x80};
    campus_at(STAGE_FRESH);
    assert_refused(0x6985, campus_send(0x04, 0, 0, data, 8, NO_LE));
    assert_refused(0x6985, campus_value_to(0x06, 0, campus_pos.modulus, NO_LE));
    assert_refused(0x6985, campus_metadata_step(&campus_pos, NOW));
    assert_refused(0x6985, campus_value_to(0x22, 0, campus_pos.modulus, 0));
    campus_at(STAGE_KEYED);
    assert_refused(0x6985, campus_value_to(0x06, 0, campus_pos.modulus, NO_LE));
    assert_refused(0x6985, campus_metadata_step(&campus_pos, NOW));
    campus_at(STAGE_NAMED);
    assert_refused(0x6985, campus_metadata_step(&campus_pos, NOW));
}

static void w15_any_256_bytes_do_not_lock_the_card(void **state)
{
    (void)state;
    uint8_t wrong[256] = {0x12};
    struct campus_peer card = {.key = NULL, .id = CARD_ID, .end = CARD_END, .kind = 1};
    campus_at(STAGE_NAMED);
    memcpy(card.modulus, campus.card_key, 256);
    assert_refused(0x6982, campus_value_to(0x06, 0, wrong, NO_LE));
    for (int spoilt = 0; spoilt < 4; spoilt++) {
        struct campus_peer other = card;
        other.id += spoilt == 0;
        other.end += spoilt == 1;
        other.kind = (uint8_t)(other.kind + (spoilt == 2));
        other.modulus[200] ^= spoilt == 3;
        campus_certify(&other);
        assert_refused(0x6982, campus_value_to(0x06, 0, other.certificate, NO_LE));
    }
    campus_certify(&card);
    assert_int_equal(campus_value_to(0x06, 0, card.certificate, NO_LE), 0x9000);
    campus_meet(&campus_pos, NOW);
}

/* Begun anew, it is the same card: no second key, and for another back end everything again. */
static void w15_personalisation_may_begin_anew(void **state)
{
    (void)state;
    campus_at(STAGE_NAMED);
    for (int i = 0; i < 3; i++) {
        uint32_t operations = campus.flash.operations;
        assert_int_equal(campus_value_to(0x02, 0, campus_back_end.modulus, 0), 0x9000);
        assert_memory_equal(campus.answer, campus.card_key, 256);
        assert_int_equal(campus.flash.operations, operations);
    }
    assert_int_equal(campus_value_to(0x02, 0, campus_pos.modulus, 0), 0x9000);
    assert_memory_equal(campus.answer, campus.card_key, 256);
    assert_refused(0x6985, campus_value_to(0x06, 0, campus_pos.modulus, NO_LE));
    uint8_t even[256], small[256];
    memcpy(even, campus_back_end.modulus, 256);
    memcpy(small, campus_back_end.modulus, 256);
    even[255] &= 0xFE;
    small[0] &= 0x7F;
    assert_refused(0x6A80, campus_value_to(0x02, 0, even, 0));
    assert_refused(0x6A80, campus_value_to(0x02, 0, small, 0));
}

/* ---- W16: memory ---- */

static void w16_terminal_keys_leave_nothing_behind(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    campus_reset();
    uint32_t operations = campus.flash.operations;
    for (int i = 0; i < 300; i++) { /* the crypto library has 32 places for keys */
        struct campus_peer *peer = i % 2 == 0 ? &campus_pos : &campus_reload;
        campus_reset();
        assert_int_equal(campus_metadata_step(peer, NOW), 0x9000);
        assert_int_equal(campus_keys_step(), 0x9000);
        assert_int_equal(campus_value_to(0x24, peer->kind, peer->certificate, 0), 0x9000);
    }
    assert_int_equal(campus.flash.operations, operations);
    assert_int_equal(campus_authenticate_step(), 0x9000);
}

/* ---- W17: bytes of an earlier command ---- */

static void w17_a_short_command_is_not_completed_by_an_earlier_one(void **state)
{
    (void)state;
    uint8_t s1[256];
    campus_at(STAGE_CERTIFIED);
    const uint32_t asked[] = {campus.card_id, campus.card_end, campus.base};
    campus_signature(&campus_pos, asked, 3, s1);
    assert_refused(0x6700, campus_value_to(0x26, 0, s1, NO_LE)); /* leaves it in the buffer */
    for (size_t lc = 0; lc < 255; lc++)
        assert_refused(0x6700, campus_send(0x26, s1[0], 0, s1 + 1, lc, 0));
    assert_refused(0x6A86, campus_value_to(0x26, 1, s1, 0));
    assert_int_equal(campus_value_to(0x26, 0, s1, 0), 0x9000);
    for (size_t lc = 0; lc < 4; lc++)
        assert_refused(0x6700, campus_send(0x28, 0, 0, s1, lc, NO_LE));
}

/* ---- replays ---- */

/* All that was ever sent to the card, sent to it again in a later talk. */
static void a_recorded_talk_replays_to_nothing(void **state)
{
    (void)state;
    uint8_t s1[256], s3[256], s5[256], block[256];
    campus_at(STAGE_INIT);
    assert_int_equal(campus_load_all(1234, NOW), 0x9000);
    const uint32_t asked[] = {campus.card_id, campus.card_end, campus.base};
    const uint32_t blocked[] = {campus.card_id, campus.base + 1};
    campus_signature(&campus_reload, asked, 3, s1);
    sign_amount(&campus_reload, campus.base + 1, 1234, s3);
    sign_amount(&campus_reload, campus.base + 2, 1234, s5);
    campus_signature(&campus_reload, blocked, 2, block);
    for (int talks = 0; talks < 3; talks++) {
        campus_reset();
        assert_int_equal(campus_metadata_step(&campus_reload, NOW), 0x9000);
        assert_int_equal(campus_keys_step(), 0x9000);
        assert_int_equal(campus_certificates_step(), 0x9000);
        assert_refused(0x6982, campus_value_to(0x26, 0, s1, 0));
        assert_int_equal(campus_authenticate_step(), 0x9000);
        assert_refused(0x6982, campus_value_to(0x50, 0, block, 0));
        assert_int_equal(campus_amount_step(1234), 0x9000);
        assert_refused(0x6982, campus_value_to(0x30, 0, s3, 0));
        assert_refused(0x6982, campus_value_to(0x30, 0, s5, 0));
        assert_int_equal(campus_load_step(), 0x9000);
        assert_refused(0x6982, campus_value_to(0x32, 0, s3, NO_LE));
        assert_refused(0x6982, campus_value_to(0x32, 0, s5, NO_LE));
    }
    assert_int_equal(campus_balance(), FUNDS + 1234);
}

/* What a point of sale signed buys nothing a second time, and what it signed to block the card in
 * that talk, and then kept, blocks nothing later. */
static void a_recorded_payment_replays_to_nothing(void **state)
{
    (void)state;
    uint8_t s1[256], s3[256], block[256];
    campus_at(STAGE_INIT);
    assert_int_equal(campus_pay_all(1234, NOW), 0x9000);
    const uint32_t asked[] = {campus.card_id, campus.card_end, campus.base};
    const uint32_t blocked[] = {campus.card_id, campus.base + 1};
    campus_signature(&campus_pos, asked, 3, s1);
    campus_signature(&campus_pos, blocked, 2, block);
    sign_amount(&campus_pos, campus.base + 1, 1234, s3);
    for (int talks = 1; talks <= 3; talks++) {
        campus_reset();
        assert_int_equal(campus_metadata_step(&campus_pos, NOW), 0x9000);
        assert_int_equal(campus_keys_step(), 0x9000);
        assert_int_equal(campus_certificates_step(), 0x9000);
        assert_refused(0x6982, campus_value_to(0x26, 0, s1, 0));
        assert_int_equal(campus_authenticate_step(), 0x9000);
        assert_refused(0x6982, campus_value_to(0x50, 0, block, 0));
        assert_int_equal(campus_amount_step(1234), 0x9000);
        assert_refused(0x6982, campus_value_to(0x42, 0, s3, 0));
        assert_int_equal(campus_balance(), FUNDS - 1234);
    }
    assert_int_equal(campus_pay_step(), 0x9000); /* with a signature of today */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w1_a_payment_turned_into_a_load_gives_no_receipt),
        cmocka_unit_test(w1_a_point_of_sale_s_key_loads_nothing),
        cmocka_unit_test(w1_nothing_is_loaded_before_authentication),
        cmocka_unit_test(w1_a_finished_talk_moves_nothing_more),
        cmocka_unit_test(w1_a_load_turned_into_a_payment_debits_nobody),
        cmocka_unit_test(w3_an_expiry_date_does_not_pass_for_an_amount),
        cmocka_unit_test(w3_a_number_with_its_top_bit_set_is_no_counter),
        cmocka_unit_test(w3_a_terminal_counter_that_could_be_a_date_is_refused),
        cmocka_unit_test(w4_an_extracted_card_key_is_no_terminal),
        cmocka_unit_test(w4_a_point_of_sale_does_not_become_a_reload_terminal),
        cmocka_unit_test(w6_counters_are_right_around_each_16_bit_boundary),
        cmocka_unit_test(w7_a_load_beyond_the_end_is_refused_before_its_receipt),
        cmocka_unit_test(w9_the_last_receipt_is_read_again_in_a_later_talk),
        cmocka_unit_test(w9_a_load_that_was_not_finished_says_so_for_ever),
        cmocka_unit_test(w11_an_old_time_revives_no_expired_terminal),
        cmocka_unit_test(w11_an_old_time_revives_no_expired_card),
        cmocka_unit_test(w11_a_stranger_s_time_is_forgotten),
        cmocka_unit_test(w12_nobody_uses_up_a_counter_before_authentication),
        cmocka_unit_test(w12_wrong_signatures_use_up_no_counter),
        cmocka_unit_test(w15_the_order_is_kept),
        cmocka_unit_test(w15_any_256_bytes_do_not_lock_the_card),
        cmocka_unit_test(w15_personalisation_may_begin_anew),
        cmocka_unit_test(w16_terminal_keys_leave_nothing_behind),
        cmocka_unit_test(w17_a_short_command_is_not_completed_by_an_earlier_one),
        cmocka_unit_test(a_recorded_talk_replays_to_nothing),
        cmocka_unit_test(a_recorded_payment_replays_to_nothing),
        /* Last: it takes another card for its own. */
        cmocka_unit_test(w6_sums_are_right_around_each_16_bit_boundary),
    };
    return cmocka_run_group_tests(tests, campus_open, campus_close);
}
