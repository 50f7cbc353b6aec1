/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/tlv.h"

static uint8_t memory[0x10100];

static void tags_and_lengths_survive_encoding(void **state)
{
    (void)state;
    static const uint16_t tags[] = {0x53, 0x93, 0x7F49, 0x5F20};
    static const size_t lengths[] = {0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF};
    for (size_t t = 0; t < sizeof tags / sizeof tags[0]; t++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            struct writer w = writer_of(memory, sizeof memory);
            tlv_header(&w, tags[t], lengths[i]);
            assert_false(w.failed);
            assert_int_equal(w.used, tlv_header_bytes(tags[t], lengths[i]));
            (void)writer_reserve(&w, lengths[i]);
            struct reader r = reader_of(memory, w.used);
            uint16_t tag = 0;
            assert_true(tlv_is_next(&r, tags[t]));
            assert_false(tlv_is_next(&r, 0x42));
            struct reader value = tlv_next(&r, &tag);
            assert_int_equal(tag, tags[t]);
            assert_int_equal(value.left, lengths[i]);
            assert_true(reader_done(&r) && !value.failed);
            r = reader_of(memory, w.used - 1); /* the last byte is missing */
            value = tlv_next(&r, &tag);
            assert_true(r.failed && value.failed && value.left == 0);
        }
    struct writer w = writer_of(memory, sizeof memory);
    tlv_header(&w, 0x53, 0x10000);
    assert_true(w.failed);
}

static void encodings_are_those_of_the_standard(void **state)
{
    (void)state;
    struct writer w = writer_of(memory, sizeof memory);
    tlv_bytes(&w, 0x5F20, (const uint8_t *)"ab", 2);
    tlv_header(&w, 0x7F21, 0xE1);
    tlv_header(&w, 0x53, 0x1234);
    static const uint8_t wanted[] = {0x5F, 0x20, 0x02, 'a',  'b',  0x7F, 0x21,
                                     0x81, 0xE1, 0x53, 0x82, 0x12, 0x34};
    assert_int_equal(w.used, sizeof wanted);
    assert_memory_equal(memory, wanted, sizeof wanted);
}

static void anything_but_the_shortest_form_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t length;
    } bad[] = {
        {{0x53, 0x80, 0x00, 0x00}, 4},             /* indefinite length */
        {{0x53, 0x81, 0x01, 0xAA}, 4},             /* one byte would have done */
        {{0x53, 0x82, 0x00, 0x01, 0xAA}, 5},       /* likewise */
        {{0x53, 0x83, 0x00, 0x00, 0x01, 0xAA}, 6}, /* three bytes of length */
        {{0x53, 0x84, 0x00, 0x00, 0x00, 0x00}, 6},
        {{0x53, 0xFF}, 2},
        {{0x5F, 0x1E, 0x00}, 3},       /* the tag fits one byte */
        {{0x5F, 0x81, 0x20, 0x00}, 4}, /* a tag of three bytes */
        {{0x5F}, 1},
        {{0x53}, 1},
        {{0x53, 0x81}, 2},
        {{0x53, 0x82, 0x01}, 3},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct reader r = reader_of(bad[i].bytes, bad[i].length);
        uint16_t tag;
        struct reader value = tlv_next(&r, &tag);
        assert_true(r.failed && value.failed && value.left == 0);
    }
}

static void another_tag_fails_both_readers(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x53, 0x01, 0xAA};
    struct reader r = reader_of(bytes, sizeof bytes);
    struct reader value = tlv_expect(&r, 0x42);
    assert_true(r.failed && value.failed && value.left == 0);
    r = reader_of(bytes, sizeof bytes);
    value = tlv_expect(&r, 0x53);
    assert_int_equal(reader_u8(&value), 0xAA);
    assert_true(reader_done(&r) && reader_done(&value));
}

static void looking_ahead_takes_nothing(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x7F, 0x49, 0x00};
    struct reader r = reader_of(bytes, sizeof bytes);
    assert_true(tlv_is_next(&r, 0x7F49));
    assert_int_equal(r.left, sizeof bytes);
    r = reader_of(bytes, 0);
    assert_false(tlv_is_next(&r, 0x7F49));
    assert_false(r.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_and_lengths_survive_encoding),
        cmocka_unit_test(encodings_are_those_of_the_standard),
        cmocka_unit_test(anything_but_the_shortest_form_is_refused),
        cmocka_unit_test(another_tag_fails_both_readers),
        cmocka_unit_test(looking_ahead_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
