/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scheme/command.h"
#include "scheme/receipt.h"
#include "scheme/strict.h"

static const char *const identifiers[COMMAND_COUNT] = {
#define X(name, handler, cla, ins, p1p2, lc_least, lc_most, answers, states, roles, cls, \
          protection)                                                                    \
#name,
#include "scheme/commands.def"
#undef X
};

static void names_are_those_of_the_table_with_spaces(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *name = command_rows[i].name;
        assert_int_equal(strlen(name), strlen(identifiers[i]));
        for (size_t k = 0; name[k] != '\0'; k++)
            assert_int_equal(name[k], identifiers[i][k] == '_' ? ' ' : identifiers[i][k]);
    }
}

static void every_row_is_found_by_its_header(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        const struct command_row *row = &command_rows[i];
        assert_int_equal(command_find(row->cla, row->ins, row->p1, row->p2), i);
        assert_int_equal(command_find(row->cla | 0x04, row->ins, row->p1, row->p2), i);
        assert_int_equal(command_find(row->cla ^ 0x80, row->ins, row->p1, row->p2), COMMAND_COUNT);
        assert_int_equal(command_find(row->cla, row->ins, row->p1, row->p2 ^ 0x40), COMMAND_COUNT);
    }
    assert_int_equal(command_find(0x00, 0xA4, 0x04, 0x00), COMMAND_COUNT);
}

/* No header may lead to two handlers. */
static void a_header_matches_one_row_at_most(void **state)
{
    (void)state;
    for (unsigned ins = 0; ins < 256; ins++)
        for (unsigned p = 0; p < 0x10000; p++) {
            unsigned matches = 0;
            for (size_t i = 0; i < COMMAND_COUNT; i++)
                matches += command_rows[i].ins == ins &&
                           command_matches(&command_rows[i], 0x80, (uint8_t)ins, (uint8_t)(p >> 8),
                                           (uint8_t)p);
            assert_true(matches <= 1);
        }
}

static void p1_follows_the_row_s_rule(void **state)
{
    (void)state;
    for (unsigned p1 = 0; p1 < 256; p1++) {
        uint8_t byte = (uint8_t)p1;
        assert_int_equal(command_matches(&command_rows[COMMAND_PAY], 0x84, 0x40, byte, 0), p1 == 0);
        assert_int_equal(command_matches(&command_rows[COMMAND_BLOCK], 0x84, 0x4C, byte, 0),
                         p1 <= 1);
        assert_int_equal(
            command_matches(&command_rows[COMMAND_VERIFY_CERTIFICATE], 0x80, 0x2A, byte, 0x10),
            p1 < 0x80);
        assert_int_equal(
            command_matches(&command_rows[COMMAND_MUTUAL_AUTHENTICATE], 0x80, 0x82, byte, 0x11),
            p1 < 0x80);
    }
}

static void rows_agree_with_themselves_and_with_the_roles(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command_row *row = &command_rows[i];
        assert_true(row->lc_least <= row->lc_most && row->lc_most < APDU_BYTES_MAX);
        assert_true(row->states != 0 && (row->states & ~S_ANY) == 0);
        assert_true((row->roles & ~R_ANY) == 0);
        assert_int_equal(row->roles != 0, row->protection == PROTECTION_CHANNEL);
        if (row->protection == PROTECTION_CLEAR)
            assert_int_equal(row->command_class, 0);
        /* A role that the row lets in may also be certified for the row's class. */
        for (unsigned role = 1; role <= ROLE_LAST; role++)
            if (row->command_class != 0 && (row->roles & 1u << role) != 0)
                assert_int_not_equal(role_classes((enum terminal_role)role) & row->command_class,
                                     0);
    }
    assert_int_equal(command_rows[COMMAND_PAY].lc_most, SALE_BYTES);
}

/* ---- command data ---- */

static bool sale_is_taken(const uint8_t *bytes, size_t length)
{
    struct sale sale;
    struct reader r = reader_of(bytes, length);
    return sale_decode(&r, &sale) && reader_done(&r);
}

static void a_sale_survives_encoding(void **state)
{
    (void)state;
    struct sale wanted = {.amount = {0x01020304, 978},
                          .terminal_counter = 0x11121314,
                          .time = 0x21222324,
                          .reference = {0x31, [7] = 0x38},
                          .flags = RECEIPT_ONLINE},
                sale;
    uint8_t bytes[SALE_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);
    sale_encode(&wanted, &w);
    assert_true(!w.failed && w.used == SALE_BYTES);
    assert_exact_length(sale_is_taken, bytes, sizeof bytes);
    struct reader r = reader_of(bytes, sizeof bytes);
    assert_true(sale_decode(&r, &sale));
    assert_int_equal(sale.amount.minor, wanted.amount.minor);
    assert_int_equal(sale.amount.currency, wanted.amount.currency);
    assert_int_equal(sale.terminal_counter, wanted.terminal_counter);
    assert_int_equal(sale.time, wanted.time);
    assert_memory_equal(sale.reference, wanted.reference, REFERENCE_BYTES);
    assert_int_equal(sale.flags, RECEIPT_ONLINE);
    for (unsigned flags = 0; flags < 256; flags++) { /* the card alone says that a PIN was given */
        bytes[22] = (uint8_t)flags;
        assert_int_equal(sale_is_taken(bytes, sizeof bytes), flags == 0 || flags == RECEIPT_ONLINE);
    }
    bytes[22] = 0;
    bytes[4] = bytes[5] = 0;
    assert_false(sale_is_taken(bytes, sizeof bytes));
}

static bool status_is_taken(const uint8_t *bytes, size_t length)
{
    struct purse_status status;
    return purse_status_decode(bytes, length, &status);
}

static void a_purse_s_status_survives_encoding(void **state)
{
    (void)state;
    struct purse_status wanted = {.state = PURSE_ISSUED,
                                  .balance = {0x01020304, 978},
                                  .points = 2,
                                  .card_counter = 3,
                                  .load_counter = 4,
                                  .refund_counter = 5,
                                  .acknowledged_up_to = 6,
                                  .acknowledged_map = 0x8000000000000001u,
                                  .policy_generation = 7,
                                  .policy_number = 8,
                                  .highest_time = 9,
                                  .generation_floor = 10,
                                  .pin_tries = 5,
                                  .free_slots = 64},
                        s;
    uint8_t bytes[PURSE_STATUS_BYTES], again[PURSE_STATUS_BYTES];
    purse_status_encode(&wanted, bytes);
    assert_exact_length(status_is_taken, bytes, sizeof bytes);
    assert_true(purse_status_decode(bytes, sizeof bytes, &s));
    assert_int_equal(s.balance.minor, 0x01020304);
    assert_int_equal(s.balance.currency, 978);
    assert_int_equal(s.points, 2);
    assert_int_equal(s.card_counter, 3);
    assert_int_equal(s.load_counter, 4);
    assert_int_equal(s.refund_counter, 5);
    assert_int_equal(s.acknowledged_up_to, 6);
    assert_true(s.acknowledged_map == 0x8000000000000001u);
    assert_int_equal(s.policy_generation, 7);
    assert_int_equal(s.policy_number, 8);
    assert_int_equal(s.highest_time, 9);
    assert_int_equal(s.generation_floor, 10);
    assert_int_equal(s.pin_tries, 5);
    assert_int_equal(s.free_slots, 64);
    purse_status_encode(&s, again);
    assert_memory_equal(again, bytes, sizeof bytes);
    for (unsigned value = 0; value < 256; value++) {
        bytes[0] = (uint8_t)value;
        assert_int_equal(status_is_taken(bytes, sizeof bytes), value <= PURSE_ENDED);
        bytes[0] = PURSE_ISSUED;
        bytes[52] = (uint8_t)value;
        assert_int_equal(status_is_taken(bytes, sizeof bytes), value <= LOG_SLOTS);
        bytes[52] = 0;
    }
    bytes[1] = bytes[2] = 0;
    assert_false(status_is_taken(bytes, sizeof bytes));
}

static bool state_is_taken(const uint8_t *bytes, size_t length)
{
    struct card_state state;
    return card_state_decode(bytes, length, &state);
}

static void a_card_s_state_survives_encoding(void **state)
{
    (void)state;
    struct card_state wanted = {.state = PURSE_ISSUED,
                                .protocol_version = 1,
                                .firmware = 0x01020003,
                                .apdu_bytes_max = 1024,
                                .scheme = 0x11121314,
                                .root_version = 1,
                                .authority_version = 2},
                      s;
    uint8_t bytes[CARD_STATE_BYTES];
    card_state_encode(&wanted, bytes);
    assert_exact_length(state_is_taken, bytes, sizeof bytes);
    assert_true(card_state_decode(bytes, sizeof bytes, &s));
    assert_int_equal(s.state, PURSE_ISSUED);
    assert_int_equal(s.protocol_version, 1);
    assert_int_equal(s.firmware, 0x01020003);
    assert_int_equal(s.apdu_bytes_max, 1024);
    assert_int_equal(s.scheme, 0x11121314);
    assert_int_equal(s.root_version, 1);
    assert_int_equal(s.authority_version, 2);
    assert_true(bytes_are_zero(s.serial, SERIAL_BYTES));
    wanted.serial[7] = 1; /* a card of a scheme names itself to nobody */
    card_state_encode(&wanted, bytes);
    assert_false(state_is_taken(bytes, sizeof bytes));
    wanted.state = PURSE_BLANK;
    card_state_encode(&wanted, bytes);
    assert_false(state_is_taken(bytes, sizeof bytes)); /* blank, yet of a scheme */
    wanted.scheme = 0;
    card_state_encode(&wanted, bytes);
    assert_true(state_is_taken(bytes, sizeof bytes));
    bytes[0] = PURSE_ENDED + 1;
    assert_false(state_is_taken(bytes, sizeof bytes));
}

static void the_purse_s_aid_is_proprietary_stiver_1(void **state)
{
    (void)state;
    assert_memory_equal(purse_aid, "\xF0STIVER\x01", PURSE_AID_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_table_with_spaces),
        cmocka_unit_test(every_row_is_found_by_its_header),
        cmocka_unit_test(a_header_matches_one_row_at_most),
        cmocka_unit_test(p1_follows_the_row_s_rule),
        cmocka_unit_test(rows_agree_with_themselves_and_with_the_roles),
        cmocka_unit_test(a_sale_survives_encoding),
        cmocka_unit_test(a_purse_s_status_survives_encoding),
        cmocka_unit_test(a_card_s_state_survives_encoding),
        cmocka_unit_test(the_purse_s_aid_is_proprietary_stiver_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
