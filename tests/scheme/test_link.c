/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scheme/link.h"

static struct link_header header_of(enum link_type type)
{
    return (struct link_header){.type = type,
                                .scheme = 0x01020304,
                                .terminal = {0x11, [7] = 0x18},
                                .id = {0x21, [15] = 0x2F}};
}

static void headers_survive_encoding_both_ways(void **state)
{
    (void)state;
    for (unsigned type = LINK_LOAD_ORDER; type <= LINK_CERTIFY; type++)
        for (int is_answer = 0; is_answer < 2; is_answer++) {
            struct link_header wanted = header_of((enum link_type)type), header;
            uint8_t bytes[LINK_HEADER_BYTES];
            struct writer w = writer_of(bytes, sizeof bytes);
            link_header_encode(&wanted, is_answer != 0, &w);
            assert_false(w.failed);
            assert_int_equal(w.used, LINK_HEADER_BYTES);
            assert_int_equal(bytes[1], type + (is_answer != 0 ? 0x80 : 0));
            struct reader r = reader_of(bytes, sizeof bytes);
            assert_true(link_header_decode(&r, is_answer != 0, &header));
            assert_true(reader_done(&r));
            assert_int_equal(header.type, wanted.type);
            assert_int_equal(header.scheme, wanted.scheme);
            assert_memory_equal(header.terminal, wanted.terminal, TERMINAL_NUMBER_BYTES);
            assert_memory_equal(header.id, wanted.id, LINK_ID_BYTES);
            r = reader_of(bytes, sizeof bytes); /* a request is no answer, nor the other way */
            assert_false(link_header_decode(&r, is_answer == 0, &header));
            for (size_t shorter = 0; shorter < sizeof bytes; shorter++) {
                r = reader_of(bytes, shorter);
                assert_false(link_header_decode(&r, is_answer != 0, &header));
            }
        }
}

static void unknown_versions_and_types_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[LINK_HEADER_BYTES];
    struct link_header wanted = header_of(LINK_STOCK), header;
    for (unsigned value = 0; value < 256; value++) {
        struct writer w = writer_of(bytes, sizeof bytes);
        link_header_encode(&wanted, false, &w);
        bytes[0] = (uint8_t)value;
        struct reader r = reader_of(bytes, sizeof bytes);
        assert_int_equal(link_header_decode(&r, false, &header), value == LINK_VERSION);
        bytes[0] = LINK_VERSION;
        bytes[1] = (uint8_t)value;
        r = reader_of(bytes, sizeof bytes);
        assert_int_equal(link_header_decode(&r, false, &header), value >= 1 && value <= 4);
        r = reader_of(bytes, sizeof bytes);
        assert_int_equal(link_header_decode(&r, true, &header), value >= 0x81 && value <= 0x84);
    }
}

static void fields_carry_their_length(void **state)
{
    (void)state;
    uint8_t bytes[16];
    struct writer w = writer_of(bytes, sizeof bytes);
    link_field(&w, (const uint8_t *)"abc", 3);
    link_field(&w, NULL, 0);
    assert_false(w.failed);
    static const uint8_t wanted[] = {0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0};
    assert_int_equal(w.used, sizeof wanted);
    assert_memory_equal(bytes, wanted, sizeof wanted);
    struct reader r = reader_of(bytes, w.used);
    struct reader first = link_field_read(&r), second = link_field_read(&r);
    assert_true(reader_done(&r) && !first.failed && !second.failed);
    assert_int_equal(first.left, 3);
    assert_memory_equal(first.at, "abc", 3);
    assert_int_equal(second.left, 0);
    for (size_t shorter = 0; shorter < 7; shorter++) {
        r = reader_of(bytes, shorter);
        first = link_field_read(&r);
        assert_true(r.failed && first.failed && first.left == 0);
    }
    memset(bytes, 0xFF, sizeof bytes); /* a length beyond all memory */
    r = reader_of(bytes, sizeof bytes);
    first = link_field_read(&r);
    assert_true(r.failed && first.failed);
    w = writer_of(bytes, 6);
    link_field(&w, (const uint8_t *)"abc", 3);
    assert_true(w.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_survive_encoding_both_ways),
        cmocka_unit_test(unknown_versions_and_types_are_refused),
        cmocka_unit_test(fields_carry_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
