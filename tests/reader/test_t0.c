/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reader/t0.h"

/* What the card must be sent, and what it answers then: a script played line by line. */
struct line {
    const char *command;
    size_t command_bytes;
    const char *answer;
    size_t answer_bytes;
    enum reader_status status;
};

struct script {
    const struct line *lines;
    size_t count, played;
};

#define LINE(command, answer)                                               \
    {                                                                       \
        command, sizeof(command) - 1, answer, sizeof(answer) - 1, READER_OK \
    }

static enum reader_status play(void *context, const uint8_t *command, size_t command_bytes,
                               uint8_t *response, size_t capacity, size_t *response_bytes)
{
    struct script *script = context;
    assert_true(script->played < script->count);
    const struct line *line = &script->lines[script->played++];
    assert_int_equal(command_bytes, line->command_bytes);
    assert_memory_equal(command, line->command, command_bytes);
    assert_true(line->answer_bytes <= capacity);
    memcpy(response, line->answer, line->answer_bytes);
    *response_bytes = line->answer_bytes;
    return line->status;
}

static uint8_t response[600];
static size_t response_bytes;

static enum reader_status run(struct script *script, const char *command, size_t command_bytes,
                              size_t capacity)
{
    uint8_t copy[300];
    memcpy(copy, command, command_bytes);
    response_bytes = 999;
    enum reader_status status =
        t0_transmit(play, script, copy, command_bytes, response, capacity, &response_bytes);
    assert_int_equal(script->played, script->count);
    if (status != READER_OK)
        assert_int_equal(response_bytes, 0);
    return status;
}

#define RUN(lines, command, capacity)                                          \
    run(&(struct script){lines, sizeof(lines) / sizeof(lines)[0], 0}, command, \
        sizeof(command) - 1, capacity)

static void expect_response(const char *bytes, size_t count)
{
    assert_int_equal(response_bytes, count);
    assert_memory_equal(response, bytes, count);
}

static void commands_without_data_both_ways_go_as_they_are(void **state)
{
    (void)state;
    static const struct line case_1[] = {LINE("\x00\x10\x00\x00", "\x90\x00")};
    static const struct line case_2[] = {LINE("\x00\xB0\x00\x00\x02", "ab\x90\x00")};
    static const struct line case_3[] = {LINE("\x00\xD6\x00\x00\x02xy", "\x90\x00")};
    assert_int_equal(RUN(case_1, "\x00\x10\x00\x00", 600), READER_OK);
    expect_response("\x90\x00", 2);
    assert_int_equal(RUN(case_2, "\x00\xB0\x00\x00\x02", 600), READER_OK);
    expect_response("ab\x90\x00", 4);
    assert_int_equal(RUN(case_3, "\x00\xD6\x00\x00\x02xy", 600), READER_OK);
    expect_response("\x90\x00", 2);
}

static void le_of_a_command_with_data_stays_behind(void **state)
{
    (void)state;
    static const struct line lines[] = {LINE("\x00\xA4\x04\x00\x02xy", "\x6A\x82")};
    assert_int_equal(RUN(lines, "\x00\xA4\x04\x00\x02xy\x00", 600), READER_OK);
    expect_response("\x6A\x82", 2);
}

static void announced_data_is_fetched_piece_by_piece(void **state)
{
    (void)state;
    static const struct line lines[] = {
        LINE("\x00\xA4\x04\x00\x02xy", "\x61\x03"),
        LINE("\x00\xC0\x00\x00\x03", "abc\x61\x02"),
        LINE("\x00\xC0\x00\x00\x02", "de\x90\x00"),
    };
    assert_int_equal(RUN(lines, "\x00\xA4\x04\x00\x02xy\x00", 600), READER_OK);
    expect_response("abcde\x90\x00", 7);
}

static void get_response_stays_on_the_logical_channel(void **state)
{
    (void)state;
    static const struct line basic[] = {
        LINE("\x9D\xCA\x00\x00\x00", "\x61\x01"),
        LINE("\x01\xC0\x00\x00\x01", "a\x90\x00"),
    };
    static const struct line further[] = {
        LINE("\xC5\xCA\x00\x00\x00", "\x61\x01"),
        LINE("\x45\xC0\x00\x00\x01", "a\x90\x00"),
    };
    assert_int_equal(RUN(basic, "\x9D\xCA\x00\x00\x00", 600), READER_OK);
    assert_int_equal(RUN(further, "\xC5\xCA\x00\x00\x00", 600), READER_OK);
}

static void a_wrong_length_is_asked_for_again_once(void **state)
{
    (void)state;
    static const struct line lines[] = {
        LINE("\x00\xB0\x00\x00\x00", "\x6C\x02"),
        LINE("\x00\xB0\x00\x00\x02", "ab\x90\x00"),
    };
    static const struct line stubborn[] = {
        LINE("\x00\xB0\x00\x00\x00", "\x6C\x02"),
        LINE("\x00\xB0\x00\x00\x02", "\x6C\x03"),
    };
    assert_int_equal(RUN(lines, "\x00\xB0\x00\x00\x00", 600), READER_OK);
    expect_response("ab\x90\x00", 4);
    assert_int_equal(RUN(stubborn, "\x00\xB0\x00\x00\x00", 600), READER_OK);
    expect_response("\x6C\x03", 2);
}

static void a_command_with_data_is_never_sent_twice(void **state)
{
    (void)state;
    static const struct line lines[] = {LINE("\x00\xD6\x00\x00\x01x", "\x6C\x02")};
    assert_int_equal(RUN(lines, "\x00\xD6\x00\x00\x01x", 600), READER_OK);
    expect_response("\x6C\x02", 2);
}

static void data_announced_without_end_is_refused(void **state)
{
    (void)state;
    static const struct line empty[] = {
        LINE("\x00\xB0\x00\x00\x00", "\x61\x01"),
        LINE("\x00\xC0\x00\x00\x01", "\x61\x01"),
    };
    static const struct line full[] = {
        LINE("\x00\xB0\x00\x00\x00", "\x61\x02"),
        LINE("\x00\xC0\x00\x00\x02", "ab\x61\x02"),
        LINE("\x00\xC0\x00\x00\x02", "cd\x61\x02"),
        LINE("\x00\xC0\x00\x00\x02", "ef\x61\x02"),
    };
    assert_int_equal(RUN(empty, "\x00\xB0\x00\x00\x00", 600), READER_PROTOCOL);
    assert_int_equal(RUN(full, "\x00\xB0\x00\x00\x00", 7), READER_PROTOCOL);
}

static void extended_commands_never_reach_the_card(void **state)
{
    (void)state;
    static const struct line none[1];
    struct script script = {none, 0, 0};
    static const uint8_t extended[] = {0, 0xD6, 0, 0, 0, 0, 1, 'x'};
    static const uint8_t extended_le[] = {0, 0xB0, 0, 0, 0, 1, 0};
    static const uint8_t short_of_data[] = {0, 0xD6, 0, 0, 3, 'x'};
    assert_int_equal(
        t0_transmit(play, &script, extended, sizeof extended, response, 600, &response_bytes),
        READER_PROTOCOL);
    assert_int_equal(
        t0_transmit(play, &script, extended_le, sizeof extended_le, response, 600, &response_bytes),
        READER_PROTOCOL);
    assert_int_equal(t0_transmit(play, &script, short_of_data, sizeof short_of_data, response, 600,
                                 &response_bytes),
                     READER_PROTOCOL);
    assert_int_equal(script.played, 0);
}

static void an_error_on_the_way_is_handed_on(void **state)
{
    (void)state;
    static const struct line lines[] = {
        LINE("\x00\xB0\x00\x00\x00", "\x61\x02"),
        {"\x00\xC0\x00\x00\x02", 5, "", 0, READER_CARD_REMOVED},
    };
    static const struct line short_answer[] = {LINE("\x00\xB0\x00\x00\x00", "\x90")};
    assert_int_equal(RUN(lines, "\x00\xB0\x00\x00\x00", 600), READER_CARD_REMOVED);
    assert_int_equal(RUN(short_answer, "\x00\xB0\x00\x00\x00", 600), READER_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_without_data_both_ways_go_as_they_are),
        cmocka_unit_test(le_of_a_command_with_data_stays_behind),
        cmocka_unit_test(announced_data_is_fetched_piece_by_piece),
        cmocka_unit_test(get_response_stays_on_the_logical_channel),
        cmocka_unit_test(a_wrong_length_is_asked_for_again_once),
        cmocka_unit_test(a_command_with_data_is_never_sent_twice),
        cmocka_unit_test(data_announced_without_end_is_refused),
        cmocka_unit_test(extended_commands_never_reach_the_card),
        cmocka_unit_test(an_error_on_the_way_is_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
