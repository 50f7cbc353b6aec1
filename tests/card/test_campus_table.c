/* SPDX-License-Identifier: Apache-2.0 */
/* Every command of the campus purse in every state and with every length; and what surrounds the
 * table: class bytes, parameters, unknown instructions. */
#include "campus_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The protocol's table once more, written by hand. */
static const struct line {
    uint8_t ins, lc;
    bool is_value;   /* P1 is the first byte of the data */
    bool has_answer; /* wants an Le */
    uint16_t answer;
    uint32_t stages; /* in which the command comes next, bit 1 << stage */
} lines[] = {
#define ON(stage) 1u << STAGE_##stage
#define KNOWN                                                                              \
    (ON(AUTHENTICATED_POS) | ON(AUTHENTICATED_RELOAD) | ON(LOAD_AMOUNT) | ON(PAY_AMOUNT) | \
     ON(LOAD_SIGNED) | ON(PAID) | ON(LOADED))
    {0x02, 255, true, true, 256, ON(FRESH) | ON(KEYED) | ON(NAMED)},
    {0x04, 8, false, false, 0, ON(KEYED) | ON(NAMED)},
    {0x06, 255, true, false, 0, ON(NAMED)},
    {0x20, 16, false, false, 12, ON(INIT)},
    {0x22, 255, true, true, 256, ON(MET)},
    {0x24, 255, true, true, 256, ON(KEYS_KNOWN)},
    {0x26, 255, true, true, 256, ON(CERTIFIED)},
    {0x28, 4, false, false, 0, ON(AUTHENTICATED_POS) | ON(AUTHENTICATED_RELOAD)},
    {0x30, 255, true, true, 256, ON(LOAD_AMOUNT)},
    {0x32, 255, true, false, 0, ON(LOAD_SIGNED)},
    {0x42, 255, true, true, 256, ON(PAY_AMOUNT)},
    {0x50, 255, true, true, 256, ON(AUTHENTICATED_POS) | ON(AUTHENTICATED_RELOAD)},
    {0x52, 0, false, true, 22, KNOWN},
    {0x54, 0, false, true, 4, KNOWN},
    {0x56, 0, false, true, 220, KNOWN},
#undef KNOWN
#undef ON
};
#define LINES (sizeof lines / sizeof lines[0])

static const uint8_t filler[255] = {0x5A, 0x64, 0x9F, 0x6C, 0x80};

static int le_of(const struct line *line)
{
    return line->has_answer ? 0 : NO_LE;
}

static uint8_t p2_of(const struct line *line)
{
    return line->ins == 0x24 ? 2 : 0;
}

static bool is_personalised(int stage)
{
    return stage >= STAGE_INIT;
}

static enum stage first_stage(const struct line *line)
{
    int stage = 0;
    while ((line->stages & 1u << stage) == 0)
        stage++;
    return (enum stage)stage;
}

/* The purse is refused in every other state, and stays where it was. */
static void every_command_in_every_other_state_is_refused(void **state)
{
    (void)state;
    for (int stage = 0; stage < STAGES; stage++) {
        for (size_t i = 0; i < LINES; i++) {
            const struct line *line = &lines[i];
            uint16_t expected = 0x6985;
            if ((line->stages & 1u << stage) != 0)
                continue;
            if (stage == STAGE_BLOCKED)
                expected = 0x6986;
            else if (is_personalised(stage) && line->ins < 0x20)
                expected = 0x6D00;
            campus_at((enum stage)stage);
            assert_refused(expected,
                           campus_send(line->ins, 0, p2_of(line), filler, line->lc, le_of(line)));
            const struct campus *purse =
                campus_view((const struct card *)(const void *)campus.card.memory);
            if (stage == STAGE_LOAD_SIGNED) {
                assert_int_equal(purse->state, CAMPUS_LOAD_SIGNED);
                assert_int_equal(campus_finish_step(), 0x9000);
            }
        }
    }
}

/* The same with what would be right in the state in which each comes: no state is left out because
 * its signature happened to be wrong. */
static void a_right_command_is_taken_in_its_states_alone(void **state)
{
    (void)state;
    for (int stage = STAGE_INIT; stage < STAGE_BLOCKED; stage++) {
        uint16_t (*const steps[])(void) = {campus_keys_step,         campus_certificates_step,
                                           campus_authenticate_step, campus_load_step,
                                           campus_finish_step,       campus_pay_step,
                                           campus_block_step};
        static const uint8_t instructions[] = {0x22, 0x24, 0x26, 0x30, 0x32, 0x42, 0x50};
        for (size_t i = 0; i < sizeof instructions; i++) {
            size_t line = 0;
            while (lines[line].ins != instructions[i])
                line++;
            campus_at((enum stage)stage);
            if (campus.peer == NULL)
                campus.peer = &campus_pos;
            uint16_t expected = (lines[line].stages & 1u << stage) != 0 ? 0x9000 : 0x6985;
            assert_int_equal(steps[i](), expected);
        }
    }
}

/* Lc from none to 255, with Le and without; extended lengths beyond. */
static void every_other_length_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LINES; i++) {
        const struct line *line = &lines[i];
        campus_at(first_stage(line));
        for (size_t lc = 0; lc <= 255; lc++) {
            if (lc == line->lc)
                continue;
            assert_refused(0x6700, campus_send(line->ins, 0, p2_of(line), filler, lc, le_of(line)));
            assert_refused(0x6700, campus_send(line->ins, 0, p2_of(line), filler, lc,
                                               line->has_answer ? NO_LE : 0));
        }
        uint8_t extended[7 + 600] = {0x00, line->ins, 0, p2_of(line), 0, 0, 0};
        for (size_t lc = 256; lc <= 600; lc += 43) {
            extended[5] = (uint8_t)(lc >> 8);
            extended[6] = (uint8_t)lc;
            assert_refused(0x6700, campus_raw(extended, 7 + lc));
        }
    }
}

/* The same in every state: a wrong length is told before a wrong state, and the talk stays where it
 * was. */
static void every_other_length_is_refused_in_every_state(void **state)
{
    (void)state;
    for (int stage = 0; stage < STAGES; stage++) {
        campus_at((enum stage)stage);
        const struct campus *purse =
            campus_view((const struct card *)(const void *)campus.card.memory);
        const enum campus_state before = purse->state;
        for (size_t i = 0; i < LINES; i++) {
            const struct line *line = &lines[i];
            uint16_t expected = 0x6700;
            if (stage == STAGE_BLOCKED)
                expected = 0x6986;
            else if (is_personalised(stage) && line->ins < 0x20)
                expected = 0x6D00;
            for (size_t lc = 0; lc <= 255; lc++) {
                if (lc == line->lc)
                    continue;
                assert_refused(expected, campus_send(line->ins, 0, p2_of(line), filler, lc, NO_LE));
                assert_refused(expected, campus_send(line->ins, 0, p2_of(line), filler, lc, 0));
            }
        }
        assert_int_equal(purse->state, before);
    }
}

/* Money must not move and then have nowhere to put its receipt. */
static void an_answer_without_room_is_refused_before_anything_happens(void **state)
{
    (void)state;
    campus_at(STAGE_PAY_AMOUNT);
    uint8_t s3[256];
    const uint32_t asked[] = {campus.base + 1, campus.amount, campus.card_id};
    campus_signature(&campus_pos, asked, 3, s3);
    assert_refused(0x6700, campus_value_to(0x42, 0, s3, NO_LE));
    for (int le = 1; le <= 255; le++)
        assert_refused(0x6700, campus_value_to(0x42, 0, s3, le));
    assert_int_equal(campus_balance(), FUNDS);
    assert_int_equal(campus_pay_step(), 0x9000);
    for (size_t i = 0; i < LINES; i++) {
        if (!lines[i].has_answer)
            continue;
        campus_at(lines[i].ins >= 0x52 ? STAGE_PAID : first_stage(&lines[i]));
        assert_refused(0x6700,
                       campus_send(lines[i].ins, 0, p2_of(&lines[i]), filler, lines[i].lc, NO_LE));
        assert_refused(0x6700,
                       campus_send(lines[i].ins, 0, p2_of(&lines[i]), filler, lines[i].lc, 1));
    }
}

static void every_other_class_is_refused(void **state)
{
    (void)state;
    for (unsigned cla = 1; cla <= 0xFF; cla++) {
        for (size_t i = 0; i < LINES; i++) {
            uint8_t bytes[261] = {(uint8_t)cla, lines[i].ins, 0, p2_of(&lines[i]), lines[i].lc};
            size_t length = lines[i].lc == 0 ? 4 : 5u + lines[i].lc;
            campus_at(first_stage(&lines[i]));
            if (lines[i].has_answer)
                bytes[length++] = 0;
            uint16_t word = campus_raw(bytes, length);
            /* Other logical channels and chaining have words of their own. */
            assert_true(word == 0x6E00 || word == 0x6881 || word == 0x6884);
            if ((cla & 0xF3) == 0x00 || cla == 0x80 || cla == 0x84)
                assert_int_equal(word, 0x6E00);
            assert_int_equal(campus.answer_bytes, 0);
        }
    }
}

static void every_other_instruction_is_refused(void **state)
{
    (void)state;
    for (int stage = 0; stage < STAGE_BLOCKED; stage++) {
        campus_at((enum stage)stage);
        for (unsigned ins = 0; ins <= 0xFF; ins++) {
            bool is_known = ins == 0xA4;
            for (size_t i = 0; i < LINES; i++)
                is_known = is_known || lines[i].ins == ins;
            if (!is_known)
                assert_refused(0x6D00, campus_send((uint8_t)ins, 0, 0, filler, 4, 0));
        }
    }
}

static void p1_is_free_for_values_alone_and_p2_for_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < LINES; i++) {
        const struct line *line = &lines[i];
        const uint16_t refused = line->ins == 0x52 ? 0x6A88 : 0x6A86;
        campus_at(first_stage(line));
        for (unsigned p = 1; p <= 0xFF; p++) {
            if (!line->is_value && !(line->ins == 0x52 && p == 1))
                assert_refused(
                    refused, campus_send(line->ins, (uint8_t)p, 0, filler, line->lc, le_of(line)));
            if (line->ins == 0x24 && (p == 2 || p == 3))
                continue;
            assert_refused(refused,
                           campus_send(line->ins, 0, (uint8_t)p, filler, line->lc, le_of(line)));
        }
    }
}

static void garbage_is_refused_in_every_state(void **state)
{
    (void)state;
    uint64_t random = 20230926;
    for (int stage = 0; stage < STAGES; stage++) {
        campus_at((enum stage)stage);
        uint32_t operations = campus.flash.operations;
        for (int i = 0; i < 3000; i++) {
            uint8_t bytes[300];
            size_t length = random_below(&random, 40) == 0 ? 261 : random_below(&random, 24);
            for (size_t k = 0; k < length; k++)
                bytes[k] = (uint8_t)random_next(&random);
            if (length > 1) {
                bytes[0] = random_below(&random, 8) == 0 ? bytes[0] : 0;
                bytes[1] = lines[random_below(&random, LINES)].ins;
            }
            uint16_t word = campus_raw(bytes, length);
            assert_true(word >> 12 == 6 || word == 0x9000);
        }
        /* Nothing is written but by SET KEY and SET IDENTITY, which a fresh card takes of anybody.
         */
        if (is_personalised(stage))
            assert_int_equal(campus.flash.operations, operations);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_in_every_other_state_is_refused),
        cmocka_unit_test(a_right_command_is_taken_in_its_states_alone),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(every_other_length_is_refused_in_every_state),
        cmocka_unit_test(an_answer_without_room_is_refused_before_anything_happens),
        cmocka_unit_test(every_other_class_is_refused),
        cmocka_unit_test(every_other_instruction_is_refused),
        cmocka_unit_test(p1_is_free_for_values_alone_and_p2_for_nothing),
        cmocka_unit_test(garbage_is_refused_in_every_state),
    };
    return cmocka_run_group_tests(tests, campus_open, campus_close);
}
