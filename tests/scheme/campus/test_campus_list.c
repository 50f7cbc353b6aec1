/* SPDX-License-Identifier: Apache-2.0 */
/* The file CRL: as the published programs write it, as ours do, and all that is neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "scheme/campus.h"
#include "scheme/strict.h"

#define SIGNATURE_CHARS 344u

static uint8_t file[4096];
static size_t file_bytes;

/* Before the last LF what is given, behind it a signature of all A5. */
static void make(const char *text)
{
    uint8_t signature[CAMPUS_RSA_BYTES];
    struct writer w = writer_of(file, sizeof file);
    memset(signature, 0xA5, sizeof signature);
    writer_bytes(&w, (const uint8_t *)text, strlen(text));
    campus_list_sign(&w, signature);
    assert_false(w.failed);
    file_bytes = w.used;
}

static bool reads(const char *text, struct campus_list *list)
{
    make(text);
    return campus_list_read(file, file_bytes, list);
}

static uint64_t end_of(const char *date)
{
    struct campus_list list;
    if (!reads(date, &list))
        return UINT64_MAX;
    assert_int_equal(list.count, 0);
    return list.end_ms;
}

/* ---- dates ---- */

#define DAY_MS 86400000u
/* 2026-12-01 is 20,788 days after 1970-01-01. */
#define DECEMBER (20788ull * DAY_MS)
#define AT(hour, minute, second) (((hour)*3600ull + (minute)*60ull + (second)) * 1000ull)

static void dates_are_read_as_java_prints_them(void **state)
{
    (void)state;
    const uint64_t minute = DECEMBER + AT(10, 20, 0), second = minute + 30000;
    assert_int_equal(end_of("2026-12-01T10:20Z"), minute);
    assert_int_equal(end_of("2026-12-01T10:20:30Z"), second);
    assert_int_equal(end_of("2026-12-01T10:20:30.123Z"), second + 123);
    assert_int_equal(end_of("2026-12-01T10:20:30.123456Z"), second + 123);
    assert_int_equal(end_of("2026-12-01T10:20:30.123456789Z"), second + 123);
    assert_int_equal(end_of("2026-12-01T12:20+02:00"), minute);
    assert_int_equal(end_of("2026-12-01T12:20:30.999+02:00"), second + 999);
    assert_int_equal(end_of("2026-12-01T04:50-05:30"), minute);
    assert_int_equal(end_of("2026-12-02T04:20+18:00"), minute);
    assert_int_equal(end_of("2026-12-01T10:20:10+00:00:10"), minute);
    assert_int_equal(end_of("1970-01-01T00:00Z"), 0);
    assert_int_equal(end_of("2024-02-29T23:59:59.999Z"), 19783ull * DAY_MS - 1);
}

static void dates_beyond_2038_are_read_up_to_2106(void **state)
{
    (void)state;
    assert_int_equal(end_of("2038-01-19T03:14:07Z"), 0x7FFFFFFFull * 1000);
    assert_int_equal(end_of("2038-01-19T03:14:08Z"), 0x80000000ull * 1000);
    assert_int_equal(end_of("2105-12-31T23:59:59.999Z"), 49673ull * DAY_MS - 1);
    assert_int_equal(end_of("2106-02-06T23:59:59Z"), 49710ull * DAY_MS - 1000);
    assert_int_equal(end_of("2107-01-01T00:00Z"), UINT64_MAX);
    assert_int_equal(end_of("+10000-01-01T00:00Z"), UINT64_MAX);
}

static void what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const char *const dates[] = {
        "",
        "2026-12-01",
        "2026-12-01T10:20",
        "2026-12-01T10Z",
        "2026-12-01T10:20:Z",
        "2026-12-01T10:20:30.Z",
        "2026-12-01T10:20:30.1Z",
        "2026-12-01T10:20:30.12Z",
        "2026-12-01T10:20:30.1234Z",
        "2026-12-01T10:20:30.1234567890Z",
        "2026-12-01T10:20:30.123456789123Z",
        "2026-12-01T10:20.123Z",
        "2026-12-01 10:20Z",
        "2026-12-01t10:20Z",
        "2026-12-01T10:20z",
        "2026-12-01T24:00Z",
        "2026-12-01T10:60Z",
        "2026-12-01T10:20:60Z",
        "2026-13-01T10:20Z",
        "2026-00-01T10:20Z",
        "2026-12-00T10:20Z",
        "2026-11-31T10:20Z",
        "2026-02-29T10:20Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00+00:01",
        "2026-12-01T10:20+18:01",
        "2026-12-01T10:20+00:00",
        "2026-12-01T10:20-00:00",
        "2026-12-01T10:20+2:00",
        "2026-12-01T10:20+0200",
        "2026-12-01T10:20+02",
        "2026-12-01T10:20+02:60",
        "2026-12-01T10:20ZZ",
        "2026-12-01T10:20Z ",
        " 2026-12-01T10:20Z",
        "2026-12-01T10:20Z\r",
        "-026-12-01T10:20Z",
    };
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
        if (end_of(dates[i]) != UINT64_MAX)
            fail_msg("\"%s\" was taken", dates[i]);
}

/* ---- numbers ---- */

#define DATE "2026-12-01T10:20Z"

static void numbers_are_the_signed_decimals_of_32_bits(void **state)
{
    (void)state;
    struct campus_list list;
    assert_true(reads(DATE "\n123\n-2147483648\n2147483647\n-1\n0\n123", &list));
    assert_int_equal(list.count, 6);
    static const uint32_t in[] = {123, 0x80000000u, 0x7FFFFFFFu, 0xFFFFFFFFu, 0};
    static const uint32_t out[] = {1, 12, 23, 3, 124, 0x80000001u, 0xFFFFFF85u};
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
        assert_true(campus_list_has(&list, in[i]));
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++)
        assert_false(campus_list_has(&list, out[i]));
}

static void what_is_no_number_of_32_bits_is_refused(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "",    "-",          "+1",          "01",         "-0",          "00",
        "1 ",  " 1",         "1\r",         "0x1",        "1,2",         "1a",
        "a",   "2147483648", "-2147483649", "4294967295", "99999999999", "10000000000000000000000",
        "--1", "1.0",
    };
    struct campus_list list;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char text[64] = DATE "\n";
        strcat(text, ids[i]);
        if (reads(text, &list))
            fail_msg("the number \"%s\" was taken", ids[i]);
        strcat(text, "\n5");
        assert_false(reads(text, &list));
    }
}

static void a_list_without_numbers_lists_nobody(void **state)
{
    (void)state;
    struct campus_list list;
    assert_true(reads(DATE, &list));
    assert_int_equal(list.count, 0);
    assert_false(campus_list_has(&list, 0));
    assert_false(campus_list_has(&list, 2026));
}

/* ---- the file ---- */

static bool takes(const uint8_t *bytes, size_t length)
{
    struct campus_list list;
    return campus_list_read(bytes, length, &list);
}

static void what_is_signed_is_all_before_the_last_line(void **state)
{
    (void)state;
    struct campus_list list;
    uint8_t signature[CAMPUS_RSA_BYTES];
    memset(signature, 0xA5, sizeof signature);
    assert_true(reads(DATE "\n7", &list));
    assert_int_equal(file_bytes, strlen(DATE "\n7") + 1 + SIGNATURE_CHARS);
    assert_ptr_equal(list.text, file);
    assert_int_equal(list.text_bytes, file_bytes - 345);
    assert_memory_equal(list.signature, signature, sizeof signature);
}

static void cut_and_lengthened_files_are_refused(void **state)
{
    (void)state;
    make("2026-12-01T10:20:30.123Z\n123\n-5");
    assert_exact_length(takes, file, file_bytes);
    make(DATE);
    assert_exact_length(takes, file, file_bytes);
}

/* Each bit of a file of ours: what is still taken is what we would write. */
static void a_changed_bit_is_refused_or_another_list(void **state)
{
    (void)state;
    make("2026-12-01T10:20:30.123Z\n123\n-5\n2000000000");
    for (size_t bit = 0; bit < file_bytes * 8; bit++) {
        struct campus_list list;
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (campus_list_read(file, file_bytes, &list)) {
            uint32_t ids[8], count = 0;
            uint8_t again[1024];
            struct writer w = writer_of(again, sizeof again);
            for (const uint8_t *at = list.ids; at < list.ids + list.ids_bytes; at++)
                if (*at == '\n')
                    ids[count++] = (uint32_t)strtol((const char *)at + 1, NULL, 10);
            assert_int_equal(count, list.count);
            campus_list_write(&w, list.end_ms, ids, count);
            campus_list_sign(&w, list.signature);
            assert_int_equal(w.used, file_bytes);
            assert_memory_equal(again, file, file_bytes);
        }
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void a_list_of_ours_has_a_date_of_24_characters(void **state)
{
    (void)state;
    static const uint32_t ids[] = {0x80000001u, 123};
    static const char expected[] = "2026-12-01T10:20:30.007Z\n-2147483647\n123";
    uint8_t out[600];
    struct writer w = writer_of(out, sizeof out);
    struct campus_list list;
    uint8_t signature[CAMPUS_RSA_BYTES] = {1, 2, 3};
    campus_list_write(&w, DECEMBER + AT(10, 20, 30) + 7, ids, 2);
    assert_int_equal(w.used, strlen(expected));
    assert_memory_equal(out, expected, w.used);
    campus_list_sign(&w, signature);
    assert_false(w.failed);
    assert_true(w.used <= campus_list_bytes_max(2));
    assert_true(campus_list_read(out, w.used, &list));
    assert_int_equal(list.end_ms, DECEMBER + AT(10, 20, 30) + 7);
    assert_true(campus_list_has(&list, ids[0]));
    assert_true(campus_list_has(&list, ids[1]));
    w = writer_of(out, sizeof out);
    campus_list_write(&w, DECEMBER, NULL, 0);
    assert_memory_equal(out, "2026-12-01T00:00:00.000Z", 24);
    w = writer_of(out, sizeof out);
    campus_list_write(&w, (UINT32_MAX + 1ull) * 1000, NULL, 0);
    assert_true(w.failed);
}

static void the_longest_list_fits_and_a_longer_one_is_refused(void **state)
{
    (void)state;
    const size_t capacity = campus_list_bytes_max(CAMPUS_LIST_IDS_MAX + 1);
    uint8_t *bytes = malloc(capacity), signature[CAMPUS_RSA_BYTES] = {9};
    uint32_t *ids = malloc((CAMPUS_LIST_IDS_MAX + 1) * sizeof *ids);
    struct campus_list list;
    assert_non_null(bytes);
    assert_non_null(ids);
    for (uint32_t i = 0; i <= CAMPUS_LIST_IDS_MAX; i++)
        ids[i] = 0x80000000u + i; /* eleven signs each */
    struct writer w = writer_of(bytes, campus_list_bytes_max(CAMPUS_LIST_IDS_MAX));
    campus_list_write(&w, DECEMBER, ids, CAMPUS_LIST_IDS_MAX);
    campus_list_sign(&w, signature);
    assert_false(w.failed);
    assert_true(campus_list_read(bytes, w.used, &list));
    assert_int_equal(list.count, CAMPUS_LIST_IDS_MAX);
    assert_true(campus_list_has(&list, ids[CAMPUS_LIST_IDS_MAX - 1]));
    /* One more, put together by hand: the writer refuses it. */
    w = writer_of(bytes, capacity);
    campus_list_write(&w, DECEMBER, ids, CAMPUS_LIST_IDS_MAX);
    writer_bytes(&w, (const uint8_t *)"\n1", 2);
    campus_list_sign(&w, signature);
    assert_false(w.failed);
    assert_false(campus_list_read(bytes, w.used, &list));
    w = writer_of(bytes, capacity);
    campus_list_write(&w, DECEMBER, ids, CAMPUS_LIST_IDS_MAX + 1);
    assert_true(w.failed);
    free(ids);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read_as_java_prints_them),
        cmocka_unit_test(dates_beyond_2038_are_read_up_to_2106),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(numbers_are_the_signed_decimals_of_32_bits),
        cmocka_unit_test(what_is_no_number_of_32_bits_is_refused),
        cmocka_unit_test(a_list_without_numbers_lists_nobody),
        cmocka_unit_test(what_is_signed_is_all_before_the_last_line),
        cmocka_unit_test(cut_and_lengthened_files_are_refused),
        cmocka_unit_test(a_changed_bit_is_refused_or_another_list),
        cmocka_unit_test(a_list_of_ours_has_a_date_of_24_characters),
        cmocka_unit_test(the_longest_list_fits_and_a_longer_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
