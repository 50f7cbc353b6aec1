/* SPDX-License-Identifier: Apache-2.0 */
/* What honest stations and terminals do with the campus purse, byte by byte, and the numbers at
 * their ends. */
#include "campus_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_card_is_personalised_and_then_no_longer_knows_how(void **state)
{
    (void)state;
    uint8_t data[8] = {0};
    campus_issue(CARD_ID, CARD_END);
    assert_refused(0x6D00, campus_value_to(0x02, 0, campus_back_end.modulus, 0));
    assert_refused(0x6D00, campus_send(0x04, 0, 0, data, 8, NO_LE));
    assert_refused(0x6D00, campus_value_to(0x06, 0, campus_back_end.modulus, NO_LE));
    campus_reset();
    assert_refused(0x6D00, campus_value_to(0x02, 0, campus_back_end.modulus, 0));
    campus_meet(&campus_pos, NOW);
    assert_int_equal(campus.card_id, CARD_ID);
    assert_int_equal(campus.card_end, CARD_END);
    assert_int_equal(campus.base, 1); /* the first talk of a fresh card */
    assert_int_equal(campus_balance(), 0);
}

static void a_payment_takes_7_commands_and_2135_bytes(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    assert_int_equal(campus_select(), 0x9000);
    campus_meet(&campus_pos, NOW);
    assert_int_equal(campus_amount_step(250), 0x9000);
    assert_int_equal(campus_pay_step(), 0x9000);
    assert_int_equal(campus.apdus, 7);
    assert_int_equal(campus.wire_bytes, 2135);
    assert_int_equal(campus_balance(), FUNDS - 250);
    assert_int_equal(campus_ledger_now().counter, 2);
}

static void a_load_takes_8_commands_and_2397_bytes(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    assert_int_equal(campus_select(), 0x9000);
    campus_meet(&campus_reload, NOW);
    assert_int_equal(campus_amount_step(5000), 0x9000);
    assert_int_equal(campus_load_step(), 0x9000);
    assert_int_equal(campus_balance(), FUNDS); /* credited only after the second signature */
    assert_int_equal(campus_finish_step(), 0x9000);
    assert_int_equal(campus.apdus, 9); /* READ BALANCE is ours */
    assert_int_equal(campus.wire_bytes, 2397 + 5 + 6);
    assert_int_equal(campus_balance(), FUNDS + 5000);
    /* Its line in the log keeps the counter that is in the signature. */
    assert_int_equal(campus_send(0x52, 0, 0, NULL, 0, 0), 0x9000);
    struct reader r = reader_of(campus.answer, campus.answer_bytes);
    assert_int_equal(reader_u16(&r), 0x0301);
    assert_int_equal(reader_u32(&r), RELOAD_ID);
    assert_int_equal(reader_u32(&r), campus.base + 1);
    assert_int_equal(reader_u32(&r), 5000);
    assert_int_equal(reader_u32(&r), NOW);
    assert_int_equal(reader_u32(&r), FUNDS + 5000);
    assert_true(reader_done(&r));
    assert_int_equal(campus_ledger_now().counter, 3);
}

static void talks_follow_each_other(void **state)
{
    (void)state;
    uint32_t balance = FUNDS;
    campus_at(STAGE_INIT);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(campus_load_all(300 + i, NOW + i), 0x9000);
        assert_int_equal(campus_pay_all(100 + i, NOW + i), 0x9000);
        balance += 200;
        assert_int_equal(campus.base, 5 * i + 4);
        assert_int_equal(campus_balance(), balance);
    }
}

static void a_blocked_card_answers_nothing_but_select(void **state)
{
    (void)state;
    campus_at(STAGE_AUTHENTICATED_RELOAD);
    assert_int_equal(campus_block_step(), 0x9000);
    for (int i = 0; i < 2; i++) {
        for (unsigned ins = 0; ins <= 0xFF; ins++)
            if (ins != 0xA4)
                assert_refused(0x6986, campus_send((uint8_t)ins, 0, 0, NULL, 0, NO_LE));
        assert_int_equal(campus_select(), 0x9000);
        campus_reset();
    }
    struct campus_ledger ledger = campus_ledger_now();
    assert_true(ledger.is_blocked);
    assert_int_equal(ledger.counter, 2);
    assert_int_equal(ledger.balance.minor, FUNDS);
}

static void metadata_are_answered_with_and_without_le(void **state)
{
    (void)state;
    uint8_t data[16] = {0, 0, 0, 1, 0x64, 0x9F, 0x6C, 0x80, 0, 0, 0, 1, 0x64, 0x98, 0, 0};
    static const uint8_t expected[] = {0, 0, 0, 0x7B, 0x77, 0xF4, 0x8B, 0x80, 0, 0, 0, 1};
    static const int les[] = {NO_LE, 0, 12, 255};
    for (size_t i = 0; i < sizeof les / sizeof les[0]; i++) {
        campus_at(STAGE_INIT);
        assert_int_equal(campus_send(0x20, 0, 0, data, 16, les[i]), 0x9000);
        assert_int_equal(campus.answer_bytes, sizeof expected);
        assert_memory_equal(campus.answer, expected, sizeof expected);
    }
    campus_at(STAGE_INIT);
    assert_refused(0x6700, campus_send(0x20, 0, 0, data, 16, 11));
    assert_int_equal(campus_send(0x20, 0, 0, data, 16, NO_LE), 0x9000);
}

static void select_changes_no_state_and_a_reset_does(void **state)
{
    (void)state;
    static const uint8_t purse[] = {0x00, 0xA4, 0x04, 0x00, 0x08, 0xF0, 'S',
                                    'T',  'I',  'V',  'E',  'R',  0x01};
    campus_at(STAGE_INIT);
    assert_int_equal(campus_metadata_step(&campus_pos, NOW), 0x9000);
    assert_int_equal(campus_select(), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_int_equal(campus_raw(purse, sizeof purse), 0x9000); /* the other application */
    assert_int_equal(campus_select(), 0x9000);
    assert_int_equal(campus_certificates_step(), 0x9000);
    assert_int_equal(campus_select(), 0x9000);
    assert_int_equal(campus_authenticate_step(), 0x9000);
    assert_int_equal(campus_amount_step(1), 0x9000);
    assert_int_equal(campus_pay_step(), 0x9000);
    assert_int_equal(campus_select(), 0x9000);
    assert_refused(0x6985, campus_metadata_step(&campus_pos, NOW)); /* one a power-up */
    campus_reset();
    assert_int_equal(campus_metadata_step(&campus_pos, NOW), 0x9000);
}

static void a_step_that_failed_may_be_repeated(void **state)
{
    (void)state;
    static const uint8_t wrong[256] = {1};
    campus_at(STAGE_INIT);
    assert_int_equal(campus_metadata_step(&campus_reload, NOW), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_refused(0x6982, campus_value_to(0x24, 3, wrong, 0));
    assert_int_equal(campus_certificates_step(), 0x9000);
    assert_refused(0x6982, campus_value_to(0x26, 0, wrong, 0));
    assert_int_equal(campus_authenticate_step(), 0x9000);
    assert_refused(0x6982, campus_value_to(0x50, 0, wrong, 0));
    assert_int_equal(campus_amount_step(70), 0x9000);
    assert_refused(0x6982, campus_value_to(0x30, 0, wrong, 0));
    assert_int_equal(campus_load_step(), 0x9000);
    assert_refused(0x6982, campus_value_to(0x32, 0, wrong, NO_LE));
    assert_int_equal(campus_finish_step(), 0x9000);
    campus_at(STAGE_PAY_AMOUNT);
    assert_refused(0x6982, campus_value_to(0x42, 0, wrong, 0));
    assert_int_equal(campus_pay_step(), 0x9000);
}

/* All bits of all signatures count, and of what they sign. */
static void a_signature_over_anything_else_is_6982(void **state)
{
    (void)state;
    uint8_t signature[256];
    uint32_t asked[] = {CARD_ID, CARD_END, 1};
    campus_at(STAGE_CERTIFIED);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned bit = 0; bit < 32; bit += 5) {
            asked[i] ^= 1u << bit;
            campus_signature(&campus_pos, asked, 3, signature);
            assert_refused(0x6982, campus_value_to(0x26, 0, signature, 0));
            asked[i] ^= 1u << bit;
        }
    }
    campus_signature(&campus_pos, asked, 3, signature);
    for (unsigned byte = 0; byte < 256; byte++) {
        signature[byte] ^= (uint8_t)(1u << (byte & 7));
        assert_refused(0x6982, campus_value_to(0x26, 0, signature, 0));
        signature[byte] ^= (uint8_t)(1u << (byte & 7));
    }
    campus_signature(&campus_reload, asked, 3, signature); /* right words, another's key */
    assert_refused(0x6982, campus_value_to(0x26, 0, signature, 0));
    memset(signature, 0xFF, sizeof signature); /* above any modulus */
    assert_refused(0x6982, campus_value_to(0x26, 0, signature, 0));
    assert_int_equal(campus_authenticate_step(), 0x9000);
}

/* ---- numbers ---- */

static void amounts_of_zero_and_from_2_31_on_are_refused(void **state)
{
    (void)state;
    static const uint32_t refused[] = {0, 0x80000000u, 0x80000001u, 0xFFFFFFFFu};
    campus_issue(0x8000007Bu, CARD_END);
    campus_change(ledger_balance, 0xFFFFFFFFu);
    campus_meet(&campus_pos, NOW);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_refused(0x6985, campus_amount_step(refused[i]));
    assert_int_equal(campus_amount_step(0x7FFFFFFFu), 0x9000);
    assert_int_equal(campus_pay_step(), 0x9000);
    assert_int_equal(campus_balance(), 0x80000000u);
}

static void more_than_the_balance_is_refused_after_the_signature(void **state)
{
    (void)state;
    static const uint8_t wrong[256] = {1};
    campus_at(STAGE_AUTHENTICATED_POS);
    assert_int_equal(campus_amount_step(FUNDS + 1), 0x9000);
    assert_refused(0x6982, campus_value_to(0x42, 0, wrong, 0));
    assert_refused(0x6985, campus_pay_step());
    assert_int_equal(campus_balance(), FUNDS);
    campus_at(STAGE_AUTHENTICATED_POS);
    assert_int_equal(campus_amount_step(FUNDS), 0x9000);
    assert_int_equal(campus_pay_step(), 0x9000);
    assert_int_equal(campus_balance(), 0);
}

/* Java holds these as signed; the card never did. */
static void dates_beyond_2038_are_later_than_dates_before(void **state)
{
    (void)state;
    struct campus_peer late = campus_pos;
    late.end = 0xF0000000u;
    campus_certify(&late);
    campus_issue(CARD_ID, 0x90000000u);
    assert_int_equal(campus_metadata_step(&late, 0x8FFFFFFFu), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_int_equal(campus_certificates_step(), 0x9000);
    assert_int_equal(campus_authenticate_step(), 0x9000);
    campus_reset();
    assert_refused(0x6985, campus_metadata_step(&late, 0xF0000001u));
    /* A terminal whose certificate ended in 2023 does not pass for one of 2097. */
    assert_refused(0x6985, campus_metadata_step(&campus_pos, NOW));
    campus_meet(&late, 0x90000000u); /* to the second */
    campus_reset();
    assert_int_equal(campus_metadata_step(&late, 0x90000001u), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_int_equal(campus_certificates_step(), 0x9000);
    assert_int_equal(campus_authenticate_step(), 0x6985);
    assert_refused(0x6986, campus_metadata_step(&late, NOW));
}

static void an_expired_card_blocks_itself(void **state)
{
    (void)state;
    campus_issue(CARD_ID, NOW - 1);
    assert_int_equal(campus_metadata_step(&campus_pos, NOW), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_int_equal(campus_certificates_step(), 0x9000);
    assert_int_equal(campus_authenticate_step(), 0x6985);
    assert_int_equal(campus.answer_bytes, 0);
    assert_refused(0x6986, campus_authenticate_step());
    campus_reset();
    assert_refused(0x6986, campus_metadata_step(&campus_pos, NOW));
}

static void an_expired_terminal_is_refused_at_once(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    assert_refused(0x6985, campus_metadata_step(&campus_pos, TERMINAL_END + 1));
    campus_meet(&campus_pos, TERMINAL_END);
}

/* The last talk that fits is held; the next one ends the card. */
static void the_card_s_counter_ends_below_2_30(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    campus_change(ledger_counter, 0x3FFFFFFCu);
    assert_int_equal(campus_load_all(10, NOW), 0x9000);
    assert_int_equal(campus_balance(), FUNDS + 10);
    assert_int_equal(campus_ledger_now().counter, 0x3FFFFFFFu);
    assert_int_equal(campus_metadata_step(&campus_pos, NOW), 0x6985);
    assert_int_equal(campus.answer_bytes, 0);
    assert_refused(0x6986, campus_metadata_step(&campus_pos, NOW));
    campus_reset();
    assert_refused(0x6986, campus_metadata_step(&campus_pos, NOW));
}

/* A load needs two counters after AUTHENTICATE: without them it is refused while nothing was given
 * away. */
static void a_load_that_could_not_be_finished_is_not_begun(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    campus_change(ledger_counter, 0x3FFFFFFDu);
    assert_int_equal(campus_load_all(10, NOW), 0x6985);
    assert_int_equal(campus.answer_bytes, 0);
    struct campus_ledger ledger = campus_ledger_now();
    assert_true(ledger.is_blocked);
    assert_int_equal(ledger.balance.minor, FUNDS);
    campus_at(STAGE_INIT);
    campus_change(ledger_counter, 0x3FFFFFFDu);
    assert_int_equal(campus_pay_all(10, NOW), 0x9000);
    assert_int_equal(campus_ledger_now().counter, 0x3FFFFFFFu);
}

static void a_payment_or_a_block_without_a_counter_ends_the_card(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    campus_change(ledger_counter, 0x3FFFFFFEu);
    assert_int_equal(campus_pay_all(10, NOW), 0x6985);
    assert_refused(0x6986, campus_pay_step());
    assert_int_equal(campus_ledger_now().balance.minor, FUNDS);
    campus_at(STAGE_INIT);
    campus_change(ledger_counter, 0x3FFFFFFEu);
    campus_meet(&campus_pos, NOW);
    assert_int_equal(campus_block_step(), 0x6985);
    assert_refused(0x6986, campus_block_step());
}

/* What would end the card is looked at only once the terminal has signed: whoever can not sign can
 * not end it. */
static void a_wrong_signature_ends_no_card(void **state)
{
    static const uint8_t wrong[256] = {0x01};
    (void)state;
    campus_at(STAGE_INIT);
    campus_change(ledger_counter, 0x3FFFFFFEu);
    campus_meet(&campus_pos, NOW);
    assert_refused(0x6982, campus_value_to(0x50, 0, wrong, 0));
    assert_int_equal(campus_amount_step(10), 0x9000);
    assert_refused(0x6982, campus_value_to(0x42, 0, wrong, 0));
    campus_at(STAGE_INIT);
    campus_change(ledger_counter, 0x3FFFFFFDu);
    campus_meet(&campus_reload, NOW);
    assert_int_equal(campus_amount_step(10), 0x9000);
    assert_refused(0x6982, campus_value_to(0x30, 0, wrong, 0));
    campus_issue(CARD_ID, NOW);
    campus_reset();
    assert_int_equal(campus_metadata_step(&campus_pos, NOW + 1), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_int_equal(campus_certificates_step(), 0x9000);
    assert_refused(0x6982, campus_value_to(0x26, 0, wrong, 0));
    assert_false(campus_ledger_now().is_blocked);
}

/* ---- what the card tells a terminal that it knows ---- */

static void the_log_keeps_ten_lines_newest_first(void **state)
{
    (void)state;
    campus_at(STAGE_AUTHENTICATED_POS);
    assert_int_equal(campus_send(0x56, 0, 0, NULL, 0, 0), 0x9000);
    assert_int_equal(campus.answer_bytes, 0);
    assert_refused(0x6A88, campus_send(0x52, 0, 0, NULL, 0, 0));
    assert_refused(0x6A88, campus_send(0x52, 1, 0, NULL, 0, 0));
    campus_at(STAGE_INIT);
    for (uint32_t i = 1; i <= 12; i++)
        assert_int_equal(i % 3 == 0 ? campus_load_all(i, NOW + i) : campus_pay_all(i, NOW + i),
                         0x9000);
    assert_int_equal(campus_send(0x56, 0, 0, NULL, 0, 0), 0x9000);
    assert_int_equal(campus.answer_bytes, 220);
    struct reader r = reader_of(campus.answer, 220);
    uint32_t later = UINT32_MAX;
    for (uint32_t i = 12; i > 2; i--) {
        const bool is_load = i % 3 == 0;
        assert_int_equal(reader_u8(&r), is_load ? 3 : 2);
        assert_int_equal(reader_u8(&r), 1);
        assert_int_equal(reader_u32(&r), is_load ? RELOAD_ID : POS_ID);
        uint32_t counter = reader_u32(&r);
        assert_true(counter < later);
        later = counter;
        assert_int_equal(reader_u32(&r), i);
        assert_int_equal(reader_u32(&r), NOW + i);
        (void)reader_u32(&r);
    }
    assert_refused(0x6700, campus_send(0x56, 0, 0, NULL, 0, 219));
    assert_refused(0x6700, campus_send(0x54, 0, 0, NULL, 0, 3));
    assert_refused(0x6700, campus_send(0x52, 1, 0, NULL, 0, 255));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_personalised_and_then_no_longer_knows_how),
        cmocka_unit_test(a_payment_takes_7_commands_and_2135_bytes),
        cmocka_unit_test(a_load_takes_8_commands_and_2397_bytes),
        cmocka_unit_test(talks_follow_each_other),
        cmocka_unit_test(a_blocked_card_answers_nothing_but_select),
        cmocka_unit_test(metadata_are_answered_with_and_without_le),
        cmocka_unit_test(select_changes_no_state_and_a_reset_does),
        cmocka_unit_test(a_step_that_failed_may_be_repeated),
        cmocka_unit_test(a_signature_over_anything_else_is_6982),
        cmocka_unit_test(amounts_of_zero_and_from_2_31_on_are_refused),
        cmocka_unit_test(more_than_the_balance_is_refused_after_the_signature),
        cmocka_unit_test(dates_beyond_2038_are_later_than_dates_before),
        cmocka_unit_test(an_expired_card_blocks_itself),
        cmocka_unit_test(an_expired_terminal_is_refused_at_once),
        cmocka_unit_test(the_card_s_counter_ends_below_2_30),
        cmocka_unit_test(a_load_that_could_not_be_finished_is_not_begun),
        cmocka_unit_test(a_payment_or_a_block_without_a_counter_ends_the_card),
        cmocka_unit_test(a_wrong_signature_ends_no_card),
        cmocka_unit_test(the_log_keeps_ten_lines_newest_first),
    };
    return cmocka_run_group_tests(tests, campus_open, campus_close);
}
