/* SPDX-License-Identifier: Apache-2.0 */
/* The table refuses: every row is walked with each thing that it forbids. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

/* Longest plain data that fit into a protected command. */
#define CHANNEL_LC_MAX 991u

static struct card_harness h;

/* Zeros to send where only the length matters. */
static const uint8_t zeros[STIVER_APDU_MAX];

enum stage { STAGE_BLANK, STAGE_PERSONALISED, STAGE_ISSUED, STAGE_BLOCKED };

static void bring_to(enum stage stage)
{
    card_harness_blank(&h);
    if (stage >= STAGE_PERSONALISED)
        card_harness_personalise(&h);
    if (stage >= STAGE_ISSUED)
        card_harness_issue(&h);
    if (stage >= STAGE_BLOCKED)
        card_harness_block(&h);
}

static uint8_t state_of(enum stage stage)
{
    static const enum purse_state states[] = {PURSE_BLANK, PURSE_PERSONALISED, PURSE_ISSUED,
                                              PURSE_BLOCKED};
    return (uint8_t)(1u << states[stage]);
}

static bool is_channel(enum command command)
{
    return command_rows[command].protection == PROTECTION_CHANNEL;
}

/* A command that its row permits as far as lengths go. */
static struct apdu_command least_apdu(enum command command)
{
    return card_harness_apdu(command, zeros, command_rows[command].lc_least);
}

/* Rows that a channel row needs to be reached: a role that has it, and a state. */
static enum terminal_role first_role(const struct command_row *row)
{
    enum terminal_role role = ROLE_POINT_OF_SALE;
    while ((row->roles & 1u << role) == 0)
        role = (enum terminal_role)(role + 1);
    return role;
}

static enum stage first_stage(const struct command_row *row)
{
    enum stage stage = STAGE_BLANK;
    while ((row->states & state_of(stage)) == 0)
        stage = (enum stage)(stage + 1);
    return stage;
}

static bool shares_instruction(enum command command)
{
    size_t count = 0;
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        count += command_rows[i].ins == command_rows[command].ins;
    return count > 1;
}

static void another_class_is_6E00(void **state)
{
    (void)state;
    bring_to(STAGE_BLANK);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        struct apdu_command apdu = least_apdu((enum command)i);
        apdu.cla = 0x00;
        assert_int_equal(card_harness_clear(&h, &apdu), 0x6E00);
    }
}

static void another_instruction_is_6D00(void **state)
{
    (void)state;
    bring_to(STAGE_BLANK);
    for (unsigned ins = 0; ins <= 0xFF; ins++) {
        bool is_known = false;
        for (unsigned i = 0; i < COMMAND_COUNT; i++)
            is_known |= command_rows[i].ins == ins;
        struct apdu_command apdu = {.cla = 0x80, .ins = (uint8_t)ins, .le = 256};
        if (!is_known)
            assert_int_equal(card_harness_clear(&h, &apdu), 0x6D00);
    }
}

static void other_parameters_are_6A86_and_unknown_objects_6A88(void **state)
{
    (void)state;
    bring_to(STAGE_BLANK);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        struct apdu_command apdu = least_apdu((enum command)i);
        apdu.p2 ^= 0x40;
        uint16_t expected = shares_instruction((enum command)i) ? 0x6A88 : 0x6A86;
        assert_int_equal(card_harness_clear(&h, &apdu), expected);
        if (command_rows[i].rule == P1P2_KEY)
            continue; /* another key version is the handler's to refuse */
        apdu = least_apdu((enum command)i);
        apdu.p1 ^= 0x20;
        assert_int_equal(card_harness_clear(&h, &apdu), expected);
    }
}

static void other_parameters_in_the_channel_are_refused_with_a_mac(void **state)
{
    (void)state;
    bring_to(STAGE_ISSUED);
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        struct apdu_command apdu = least_apdu((enum command)i);
        apdu.p2 ^= 0x40;
        enum status expected = shares_instruction((enum command)i) ? STATUS_REFERENCE : STATUS_P1P2;
        assert_int_equal(card_harness_secure(&h, &apdu), status_word(expected, true));
        assert_int_equal(h.channel_status, CHANNEL_OK);
    }
    struct apdu_command apdu = {.cla = 0x80, .ins = 0xFE, .le = 256};
    assert_int_equal(card_harness_secure(&h, &apdu), status_word(STATUS_INSTRUCTION, true));
    assert_int_equal(h.channel_status, CHANNEL_OK);
}

/* Each length from nothing to the longest, those of the row left out. */
static void walk_lengths(enum command command)
{
    const struct command_row *row = &command_rows[command];
    struct apdu_command apdu = least_apdu(command);
    size_t most = is_channel(command) ? CHANNEL_LC_MAX : STIVER_APDU_MAX - 9;
    for (size_t lc = 0; lc <= most; lc++) {
        if (lc >= row->lc_least && lc <= row->lc_most)
            continue;
        apdu.lc = lc;
        apdu.data = lc == 0 ? NULL : zeros;
        if (is_channel(command)) {
            assert_int_equal(card_harness_secure(&h, &apdu), status_word(STATUS_LENGTH, true));
            assert_int_equal(h.channel_status, CHANNEL_OK);
        } else {
            assert_int_equal(card_harness_clear(&h, &apdu), 0x6700);
        }
    }
}

static void every_length_outside_the_range_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        bring_to(first_stage(&command_rows[i]));
        if (is_channel((enum command)i))
            card_harness_connect(&h, first_role(&command_rows[i]));
        walk_lengths((enum command)i);
    }
}

static void an_answer_without_le_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        struct apdu_command apdu = least_apdu((enum command)i);
        apdu.le = 0;
        if (!command_rows[i].answers)
            continue;
        bring_to(first_stage(&command_rows[i]));
        if (!is_channel((enum command)i)) {
            assert_int_equal(card_harness_clear(&h, &apdu), 0x6700);
            continue;
        }
        card_harness_connect(&h, first_role(&command_rows[i]));
        assert_int_equal(card_harness_secure(&h, &apdu), status_word(STATUS_LENGTH, true));
        assert_int_equal(h.channel_status, CHANNEL_OK);
    }
}

static void another_state_is_refused(void **state)
{
    (void)state;
    for (unsigned stage = STAGE_BLANK; stage <= STAGE_BLOCKED; stage++) {
        bring_to((enum stage)stage);
        for (unsigned i = 0; i < COMMAND_COUNT; i++) {
            struct apdu_command apdu = least_apdu((enum command)i);
            if ((command_rows[i].states & state_of((enum stage)stage)) != 0)
                continue;
            if (!is_channel((enum command)i)) {
                assert_int_equal(card_harness_clear(&h, &apdu), 0x6985);
            } else if (stage != STAGE_BLANK) {
                card_harness_connect(&h, first_role(&command_rows[i]));
                assert_int_equal(card_harness_secure(&h, &apdu), status_word(STATUS_STATE, true));
                assert_int_equal(h.channel_status, CHANNEL_OK);
                assert_int_equal(card_harness_select(&h), 0x9000);
            }
        }
    }
}

static void a_channel_row_in_the_clear_is_6982(void **state)
{
    (void)state;
    bring_to(STAGE_ISSUED);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        struct apdu_command apdu = least_apdu((enum command)i);
        if (is_channel((enum command)i))
            assert_int_equal(card_harness_clear(&h, &apdu), 0x6982);
    }
}

static void a_clear_row_in_the_channel_is_refused_with_a_mac(void **state)
{
    (void)state;
    bring_to(STAGE_ISSUED);
    card_harness_connect(&h, ROLE_DESK);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        struct apdu_command apdu = least_apdu((enum command)i);
        if (is_channel((enum command)i))
            continue;
        assert_int_equal(card_harness_secure(&h, &apdu), status_word(STATUS_CLASS, true));
        assert_int_equal(h.channel_status, CHANNEL_OK);
    }
}

/* Whatever arrives in the clear while a channel is open: bare 6982, and the channel is gone. */
static void any_clear_command_closes_the_channel(void **state)
{
    (void)state;
    bring_to(STAGE_ISSUED);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        struct apdu_command apdu = least_apdu((enum command)i);
        struct apdu_command status = least_apdu(COMMAND_READ_STATUS);
        card_harness_connect(&h, ROLE_POINT_OF_SALE);
        assert_int_equal(card_harness_clear(&h, &apdu), 0x6982);
        assert_int_equal(h.response_bytes, 2);
        assert_int_equal(card_harness_secure(&h, &status), 0x6982);
        assert_int_equal(h.channel_status, CHANNEL_BARE);
    }
}

static void a_role_without_the_command_is_refused(void **state)
{
    (void)state;
    for (unsigned stage = STAGE_PERSONALISED; stage <= STAGE_BLOCKED; stage++) {
        bring_to((enum stage)stage);
        for (unsigned role = 1; role <= ROLE_LAST; role++) {
            card_harness_connect(&h, (enum terminal_role)role);
            for (unsigned i = 0; i < COMMAND_COUNT; i++) {
                const struct command_row *row = &command_rows[i];
                struct apdu_command apdu = least_apdu((enum command)i);
                if (!is_channel((enum command)i) ||
                    (row->states & state_of((enum stage)stage)) == 0 ||
                    (row->roles & 1u << role) != 0)
                    continue;
                assert_int_equal(card_harness_secure(&h, &apdu), status_word(STATUS_ROLE, true));
                assert_int_equal(h.channel_status, CHANNEL_OK);
            }
            assert_int_equal(card_harness_select(&h), 0x9000);
        }
    }
}

static void a_certificate_without_the_class_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        const struct command_row *row = &command_rows[i];
        if (row->command_class == 0)
            continue;
        bring_to(first_stage(row));
        for (unsigned role = 1; role <= ROLE_LAST; role++) {
            if ((row->roles & 1u << role) == 0)
                continue;
            struct certificate fields = issuer_terminal_fields((enum terminal_role)role, 0x33);
            fields.classes = (uint16_t)(fields.classes & ~row->command_class);
            issuer_terminal(&h.issuer, &fields, &h.terminal);
            card_harness_connect_again(&h);
            struct apdu_command apdu = least_apdu((enum command)i);
            assert_int_equal(card_harness_secure(&h, &apdu), status_word(STATUS_ROLE, true));
            assert_int_equal(h.channel_status, CHANNEL_OK);
        }
    }
}

/* ---- what comes before the table ---- */

static void select_wants_the_whole_aid(void **state)
{
    (void)state;
    static const uint8_t fci[] = {0x6F, 0x11, 0x84, 0x08, 0xF0, 'S',  'T',  'I',  'V', 'E',
                                  'R',  0x01, 0xA5, 0x05, 0x9F, 0x65, 0x02, 0x04, 0x00};
    uint8_t aid[PURSE_AID_BYTES + 1] = {0};
    bring_to(STAGE_BLANK);
    assert_int_equal(h.answer_bytes, sizeof fci);
    assert_memory_equal(h.answer, fci, sizeof fci);
    memcpy(aid, purse_aid, PURSE_AID_BYTES);
    for (size_t bytes = 0; bytes <= sizeof aid; bytes++) {
        struct apdu_command select = {
            .ins = 0xA4, .p1 = 0x04, .data = bytes == 0 ? NULL : aid, .lc = bytes, .le = 256};
        assert_int_equal(card_harness_clear(&h, &select),
                         bytes == PURSE_AID_BYTES ? 0x9000 : 0x6A82);
    }
    aid[0] ^= 1;
    struct apdu_command select = {
        .ins = 0xA4, .p1 = 0x04, .data = aid, .lc = PURSE_AID_BYTES, .le = 256};
    assert_int_equal(card_harness_clear(&h, &select), 0x6A82);
    select.p2 = 0x02;
    assert_int_equal(card_harness_clear(&h, &select), 0x6A86);
    select.p1 = 0x00;
    select.p2 = 0x00;
    assert_int_equal(card_harness_clear(&h, &select), 0x6A86);
}

static void select_without_le_answers_the_word_alone(void **state)
{
    (void)state;
    bring_to(STAGE_BLANK);
    struct apdu_command select = {
        .ins = 0xA4, .p1 = 0x04, .data = purse_aid, .lc = PURSE_AID_BYTES};
    assert_int_equal(card_harness_clear(&h, &select), 0x9000);
    assert_int_equal(h.answer_bytes, 0);
    select.le = 18;
    assert_int_equal(card_harness_clear(&h, &select), 0x6700);
}

static void nothing_works_before_select(void **state)
{
    (void)state;
    bring_to(STAGE_BLANK);
    stiver_card_power_off(&h.card);
    assert_int_equal(stiver_card_power_on(&h.card, &h.port), STIVER_CARD_OK);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        struct apdu_command apdu = least_apdu((enum command)i);
        assert_int_equal(card_harness_clear(&h, &apdu), 0x6D00);
        apdu.cla = 0x84;
        assert_int_equal(card_harness_clear(&h, &apdu), 0x6982);
    }
}

static void select_closes_the_channel_and_tells_no_secret_word(void **state)
{
    (void)state;
    struct apdu_command status = least_apdu(COMMAND_READ_STATUS);
    bring_to(STAGE_ISSUED);
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    assert_int_equal(card_harness_select(&h), 0x9000);
    assert_int_equal(card_harness_secure(&h, &status), 0x6982);
    assert_int_equal(h.channel_status, CHANNEL_BARE);
}

static void only_the_basic_logical_channel_is_open(void **state)
{
    (void)state;
    bring_to(STAGE_BLANK);
    for (unsigned cla = 0; cla <= 0xFF; cla++) {
        struct apdu_command apdu = {
            .cla = (uint8_t)cla, .ins = 0xCA, .p1 = 0xDF, .p2 = 1, .le = 256};
        uint16_t expected = 0x6E00; /* classes of ISO/IEC 7816-4 without a row */
        if (cla == 0xFF || (cla & 0x60) == 0x20)
            expected = 0x6E00;
        else if (apdu_channel((uint8_t)cla) != 0)
            expected = 0x6881;
        else if ((cla & 0x10) != 0)
            expected = 0x6884;
        else if (apdu_is_secure((uint8_t)cla))
            expected = 0x6982;
        else if (cla == 0x80)
            expected = 0x9000;
        assert_int_equal(card_harness_clear(&h, &apdu), expected);
    }
}

static void a_command_of_another_logical_channel_ends_the_secure_channel(void **state)
{
    (void)state;
    static const uint8_t others[] = {0x81, 0x90, 0xC0, 0xFF, 0x85};
    struct apdu_command status = least_apdu(COMMAND_READ_STATUS);
    bring_to(STAGE_ISSUED);
    for (size_t i = 0; i < sizeof others; i++) {
        struct apdu_command apdu = least_apdu(COMMAND_GET_STATE);
        apdu.cla = others[i];
        card_harness_connect(&h, ROLE_POINT_OF_SALE);
        uint16_t word = card_harness_clear(&h, &apdu);
        assert_true(word == 0x6881 || word == 0x6884 || word == 0x6E00);
        assert_int_equal(card_harness_secure(&h, &status), 0x6982);
    }
}

static void commands_end_at_1024_bytes(void **state)
{
    (void)state;
    uint8_t bytes[STIVER_APDU_MAX + 1] = {0x80, 0xD2, 0, 0, 0};
    bring_to(STAGE_BLANK);
    /* The longest that is read reaches the table, which knows a shorter limit. */
    bytes[5] = (STIVER_APDU_MAX - 7) >> 8;
    bytes[6] = (STIVER_APDU_MAX - 7) & 0xFF;
    bytes[3] = 0x01;
    assert_int_equal(card_harness_raw(&h, bytes, STIVER_APDU_MAX), 0x6A86);
    bytes[5] = (STIVER_APDU_MAX - 6) >> 8;
    bytes[6] = (STIVER_APDU_MAX - 6) & 0xFF;
    assert_int_equal(card_harness_raw(&h, bytes, STIVER_APDU_MAX + 1), 0x6700);
    static uint8_t longest[65544];
    longest[0] = 0x80;
    assert_int_equal(card_harness_raw(&h, longest, sizeof longest), 0x6700);
    assert_int_equal(card_harness_select(&h), 0x9000);
}

static void a_command_too_long_ends_the_secure_channel(void **state)
{
    (void)state;
    static uint8_t longest[STIVER_APDU_MAX + 1] = {0x84};
    struct apdu_command status = least_apdu(COMMAND_READ_STATUS);
    bring_to(STAGE_ISSUED);
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    assert_int_equal(card_harness_raw(&h, longest, sizeof longest), 0x6700);
    assert_int_equal(card_harness_secure(&h, &status), 0x6982);
}

static void lengths_that_contradict_each_other_are_6700(void **state)
{
    (void)state;
    static const uint8_t malformed[][8] = {
        {0x80}, {0x80, 0xCA}, {0x80, 0xCA, 0xDF}, {0x80, 0xCA, 0xDF, 0x01, 0x05, 1, 2, 3}};
    static const size_t lengths[] = {1, 2, 3, 8};
    bring_to(STAGE_BLANK);
    assert_int_equal(card_harness_raw(&h, NULL, 0), 0x6700);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        assert_int_equal(card_harness_raw(&h, malformed[i], lengths[i]), 0x6700);
}

static void an_answer_longer_than_le_is_refused_whole(void **state)
{
    (void)state;
    bring_to(STAGE_BLANK);
    struct apdu_command apdu = least_apdu(COMMAND_GET_STATE);
    apdu.le = CARD_STATE_BYTES - 1;
    assert_int_equal(card_harness_clear(&h, &apdu), 0x6700);
    assert_int_equal(h.response_bytes, 2);
    apdu.le = CARD_STATE_BYTES;
    assert_int_equal(card_harness_clear(&h, &apdu), 0x9000);
    assert_int_equal(h.answer_bytes, CARD_STATE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_class_is_6E00),
        cmocka_unit_test(another_instruction_is_6D00),
        cmocka_unit_test(other_parameters_are_6A86_and_unknown_objects_6A88),
        cmocka_unit_test(other_parameters_in_the_channel_are_refused_with_a_mac),
        cmocka_unit_test(every_length_outside_the_range_is_refused),
        cmocka_unit_test(an_answer_without_le_is_refused),
        cmocka_unit_test(another_state_is_refused),
        cmocka_unit_test(a_channel_row_in_the_clear_is_6982),
        cmocka_unit_test(a_clear_row_in_the_channel_is_refused_with_a_mac),
        cmocka_unit_test(any_clear_command_closes_the_channel),
        cmocka_unit_test(a_role_without_the_command_is_refused),
        cmocka_unit_test(a_certificate_without_the_class_is_refused),
        cmocka_unit_test(select_wants_the_whole_aid),
        cmocka_unit_test(select_without_le_answers_the_word_alone),
        cmocka_unit_test(nothing_works_before_select),
        cmocka_unit_test(select_closes_the_channel_and_tells_no_secret_word),
        cmocka_unit_test(only_the_basic_logical_channel_is_open),
        cmocka_unit_test(a_command_of_another_logical_channel_ends_the_secure_channel),
        cmocka_unit_test(commands_end_at_1024_bytes),
        cmocka_unit_test(a_command_too_long_ends_the_secure_channel),
        cmocka_unit_test(lengths_that_contradict_each_other_are_6700),
        cmocka_unit_test(an_answer_longer_than_le_is_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
