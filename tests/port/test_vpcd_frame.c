/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "port/host/vpcd_frame.h"

static struct vpcd_decoder decoder;
static uint8_t longest[VPCD_LENGTH_BYTES + VPCD_MESSAGE_MAX];

static int fresh_decoder(void **state)
{
    (void)state;
    memset(&decoder, 0, sizeof decoder);
    return 0;
}

/* Hands bytes over in arrivals of at most piece bytes. */
static void arrive(const uint8_t *bytes, size_t count, size_t piece)
{
    while (count > 0) {
        size_t capacity = 0;
        uint8_t *room = vpcd_decoder_room(&decoder, &capacity);
        size_t now = count < piece ? count : piece;
        if (now > capacity)
            now = capacity;
        memcpy(room, bytes, now);
        vpcd_decoder_arrived(&decoder, now);
        bytes += now;
        count -= now;
    }
}

static void expect_kind(enum vpcd_kind kind)
{
    struct vpcd_message message;
    assert_true(vpcd_decoder_next(&decoder, &message));
    assert_int_equal(message.kind, kind);
}

static void expect_nothing_more(void)
{
    struct vpcd_message message;
    assert_false(vpcd_decoder_next(&decoder, &message));
}

static void each_control_code_has_its_kind(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0, 1, 0x00, 0, 1, 0x01, 0, 1, 0x02, 0, 1, 0x04};
    arrive(bytes, sizeof bytes, sizeof bytes);
    expect_kind(VPCD_POWER_OFF);
    expect_kind(VPCD_POWER_ON);
    expect_kind(VPCD_RESET);
    expect_kind(VPCD_ATR);
    expect_nothing_more();
}

static void unknown_codes_and_empty_messages_are_nothing(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        if (code == 0 || code == 1 || code == 2 || code == 4)
            continue;
        const uint8_t bytes[] = {0, 1, (uint8_t)code};
        arrive(bytes, sizeof bytes, sizeof bytes);
        expect_kind(VPCD_NOTHING);
    }
    const uint8_t empty[] = {0, 0, 0, 1, 0x04};
    arrive(empty, sizeof empty, sizeof empty);
    expect_kind(VPCD_NOTHING);
    expect_kind(VPCD_ATR);
    expect_nothing_more();
}

static void the_longest_message_arrives_in_any_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 1000, 65536, 65537};
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = (uint8_t)(i * 7);
    longest[0] = longest[1] = 0xFF;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct vpcd_message message;
        arrive(longest, sizeof longest, pieces[i]);
        assert_true(vpcd_decoder_next(&decoder, &message));
        assert_int_equal(message.kind, VPCD_COMMAND);
        assert_int_equal(message.count, VPCD_MESSAGE_MAX);
        assert_memory_equal(message.bytes, longest + 2, VPCD_MESSAGE_MAX);
        expect_nothing_more();
    }
}

static void a_message_cut_short_is_none(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0, 5, 0x00, 0xA4, 0x04, 0x00, 0x00};
    for (size_t cut = 0; cut < sizeof bytes; cut++) {
        memset(&decoder, 0, sizeof decoder);
        arrive(bytes, cut, 1);
        expect_nothing_more();
        arrive(bytes + cut, sizeof bytes - cut, 1);
        expect_kind(VPCD_COMMAND);
    }
}

/* A stream of random messages cut at random places comes out as it went in. */
static void random_streams_in_random_pieces_come_out_whole(void **state)
{
    (void)state;
    enum { STREAMS = 200, MESSAGES = 20, LENGTH = 2000 };
    static uint8_t stream[MESSAGES * (LENGTH + 2)];
    srand(20261121);
    for (int run = 0; run < STREAMS; run++) {
        size_t counts[MESSAGES], used = 0, seen = 0, checked = 0;
        for (int i = 0; i < MESSAGES; i++) {
            counts[i] = (size_t)rand() % LENGTH;
            vpcd_frame_length(stream + used, counts[i]);
            used += 2;
            for (size_t j = 0; j < counts[i]; j++)
                stream[used++] = (uint8_t)rand();
        }
        memset(&decoder, 0, sizeof decoder);
        for (size_t at = 0; at < used;) {
            size_t piece = 1 + (size_t)rand() % 3000;
            if (piece > used - at)
                piece = used - at;
            arrive(stream + at, piece, piece);
            at += piece;
            struct vpcd_message message;
            while (vpcd_decoder_next(&decoder, &message)) {
                assert_int_equal(message.count, counts[seen]);
                assert_memory_equal(message.bytes, stream + checked + 2, message.count);
                checked += 2 + message.count;
                seen++;
            }
        }
        assert_int_equal(seen, MESSAGES);
    }
}

static void a_length_is_two_bytes_high_first(void **state)
{
    (void)state;
    uint8_t length[2];
    vpcd_frame_length(length, 0x1234);
    assert_int_equal(length[0], 0x12);
    assert_int_equal(length[1], 0x34);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_control_code_has_its_kind, fresh_decoder),
        cmocka_unit_test_setup(unknown_codes_and_empty_messages_are_nothing, fresh_decoder),
        cmocka_unit_test_setup(the_longest_message_arrives_in_any_pieces, fresh_decoder),
        cmocka_unit_test_setup(a_message_cut_short_is_none, fresh_decoder),
        cmocka_unit_test_setup(random_streams_in_random_pieces_come_out_whole, fresh_decoder),
        cmocka_unit_test_setup(a_length_is_two_bytes_high_first, fresh_decoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
