/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static const uint8_t counting[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void numbers_are_big_endian(void **state)
{
    (void)state;
    struct reader r = reader_of(counting, 15);
    assert_int_equal(reader_u8(&r), 0x01);
    assert_int_equal(reader_u16(&r), 0x0203);
    assert_int_equal(reader_u32(&r), 0x04050607);
    assert_true(reader_u64(&r) == 0x08090A0B0C0D0E0F);
    assert_true(reader_done(&r));
    uint8_t out[15];
    struct writer w = writer_of(out, sizeof out);
    writer_u8(&w, 0x01);
    writer_u16(&w, 0x0203);
    writer_u32(&w, 0x04050607);
    writer_u64(&w, 0x08090A0B0C0D0E0F);
    assert_false(w.failed);
    assert_memory_equal(out, counting, sizeof out);
}

static void a_failed_reader_reads_zeros_for_ever(void **state)
{
    (void)state;
    uint8_t out[3] = {9, 9, 9};
    struct reader r = reader_of(counting, 3);
    assert_int_equal(reader_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(reader_u8(&r), 0); /* though bytes are there */
    reader_bytes(&r, out, sizeof out);
    assert_true(bytes_are_zero(out, sizeof out));
    assert_null(reader_take(&r, 1));
    assert_null(reader_take(&r, 0));
    struct reader sub = reader_sub(&r, 1);
    assert_true(sub.failed && sub.left == 0);
    assert_false(reader_done(&r));
}

static void a_reader_is_done_at_its_end_alone(void **state)
{
    (void)state;
    struct reader r = reader_of(counting, 2);
    assert_false(reader_done(&r));
    (void)reader_u8(&r);
    assert_false(reader_done(&r));
    (void)reader_u8(&r);
    assert_true(reader_done(&r));
    (void)reader_u8(&r);
    assert_false(reader_done(&r));
    struct reader nothing = reader_of(NULL, 0);
    reader_bytes(&nothing, NULL, 0);
    assert_true(reader_done(&nothing));
    assert_int_equal(reader_u8(&nothing), 0);
    assert_true(nothing.failed);
}

static void no_length_wraps_around(void **state)
{
    (void)state;
    struct reader r = reader_of(counting, sizeof counting);
    (void)reader_u8(&r);
    assert_null(reader_take(&r, SIZE_MAX));
    assert_true(r.failed);
    uint8_t out[4];
    struct writer w = writer_of(out, sizeof out);
    writer_u8(&w, 1);
    assert_null(writer_reserve(&w, SIZE_MAX));
    assert_true(w.failed);
}

static void a_sub_reader_keeps_to_its_part(void **state)
{
    (void)state;
    struct reader r = reader_of(counting, sizeof counting);
    struct reader sub = reader_sub(&r, 2);
    assert_int_equal(reader_u16(&sub), 0x0102);
    assert_int_equal(reader_u8(&sub), 0);
    assert_true(sub.failed);
    assert_false(r.failed);
    assert_int_equal(reader_u8(&r), 3);
}

static void a_full_writer_writes_nothing_more(void **state)
{
    (void)state;
    uint8_t out[4] = {0xEE, 0xEE, 0xEE, 0xEE};
    struct writer w = writer_of(out, 3);
    writer_u16(&w, 0x0102);
    writer_u16(&w, 0x0304); /* one byte too many: not even half of it */
    assert_true(w.failed);
    writer_u8(&w, 5);
    writer_bytes(&w, counting, 1);
    assert_int_equal(w.used, 2);
    assert_int_equal(out[2], 0xEE);
    assert_int_equal(out[3], 0xEE);
}

static void comparisons_see_every_bit(void **state)
{
    (void)state;
    uint8_t other[sizeof counting];
    memcpy(other, counting, sizeof other);
    assert_true(bytes_equal_ct(counting, other, sizeof other));
    assert_true(bytes_equal(counting, other, sizeof other));
    assert_true(bytes_equal_ct(counting, other, 0));
    assert_true(bytes_equal(NULL, NULL, 0));
    for (size_t bit = 0; bit < sizeof other * 8; bit++) {
        other[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(bytes_equal_ct(counting, other, sizeof other));
        assert_false(bytes_equal(counting, other, sizeof other));
        other[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void zeros_are_seen_and_made(void **state)
{
    (void)state;
    uint8_t secret[16];
    for (size_t i = 0; i < sizeof secret; i++) {
        memset(secret, 0, sizeof secret);
        assert_true(bytes_are_zero(secret, sizeof secret));
        secret[i] = 0x80;
        assert_false(bytes_are_zero(secret, sizeof secret));
    }
    memset(secret, 0x5A, sizeof secret);
    bytes_wipe(secret, 15);
    assert_true(bytes_are_zero(secret, 15));
    assert_int_equal(secret[15], 0x5A);
    bytes_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(a_failed_reader_reads_zeros_for_ever),
        cmocka_unit_test(a_reader_is_done_at_its_end_alone),
        cmocka_unit_test(no_length_wraps_around),
        cmocka_unit_test(a_sub_reader_keeps_to_its_part),
        cmocka_unit_test(a_full_writer_writes_nothing_more),
        cmocka_unit_test(comparisons_see_every_bit),
        cmocka_unit_test(zeros_are_seen_and_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
