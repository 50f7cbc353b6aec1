/* SPDX-License-Identifier: Apache-2.0 */
/* W14 of docs/campus.md: without a whole, true and timely list no card is met. And the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "yard.h"

static struct stiver_campus_terminal *pos;
static struct published_card published;
static struct between between;
static struct stiver_campus_result result;

static int fresh(void **state)
{
    (void)state;
    yard.now = YARD_NOW;
    yard_list((YARD_NOW + 864000ull) * 1000, NULL, 0);
    pos = yard_terminal(STIVER_CAMPUS_POS, "pos");
    published_make(&published, 100000);
    return 0;
}

static int over(void **state)
{
    (void)state;
    stiver_campus_terminal_close(pos);
    return 0;
}

static enum stiver_terminal_status pay(uint32_t amount)
{
    return stiver_campus_pay(pos, &between.reader, amount, &result);
}

static void list_card(uint32_t id)
{
    yard_list(yard.list_end_ms + 1000, &id, 1);
    assert_int_equal(stiver_campus_terminal_take_list(pos, yard.list, yard.list_bytes),
                     STIVER_TERMINAL_OK);
}

/* ---- W14: the list ---- */

static void assert_no_card(enum stiver_terminal_status expected)
{
    between_put(&between, &published.reader);
    assert_int_equal(pay(100), expected);
    assert_int_equal(between.sent[0xA4], 0); /* no card is met */
    assert_int_equal(published.balance, 100000);
}

static void w14_a_list_that_is_damaged_in_any_way_stops_the_terminal(void **state)
{
    (void)state;
    uint8_t good[2048], bad[2048];
    const uint32_t ids[] = {7, CARD_ID};
    yard_list(yard.list_end_ms + 1000, ids, 2);
    size_t bytes = yard.list_bytes;
    memcpy(good, yard.list, bytes);
    for (size_t cut = 0; cut < bytes; cut += cut < 40 ? 1 : 29) {
        yard_write("pos", "CRL", good, cut);
        assert_no_card(STIVER_TERMINAL_LIST_FORGED);
    }
    for (size_t at = 0; at < bytes; at += at < 40 ? 1 : 29) {
        memcpy(bad, good, bytes);
        bad[at] ^= 1;
        yard_write("pos", "CRL", bad, bytes);
        assert_no_card(STIVER_TERMINAL_LIST_FORGED);
        assert_int_equal(stiver_campus_terminal_take_list(pos, bad, bytes),
                         STIVER_TERMINAL_LIST_FORGED);
    }
    /* The published updater's fault: a longer date written over a shorter one, and signed. */
    static const char overwritten[] = "2023-06-29T00:00:00.123Z23";
    uint8_t signature[256];
    struct writer w = writer_of(bad, sizeof bad);
    writer_bytes(&w, (const uint8_t *)overwritten, strlen(overwritten));
    yard_sign1(&yard.back_end, bad, w.used, signature);
    campus_list_sign(&w, signature);
    yard_write("pos", "CRL", bad, w.used);
    assert_no_card(STIVER_TERMINAL_LIST_FORGED);
    yard_write("pos", "CRL", good, bytes);
    between_put(&between, &published.reader);
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_BLOCKED);
}

static void w14_a_list_that_is_missing_over_or_of_another_stops_the_terminal(void **state)
{
    (void)state;
    char path[256], text[256];
    const struct yard_key real = yard.back_end;
    yard_path(path, "pos", "CRL");
    yard_write("pos", "CRL", "", 0);
    assert_no_card(STIVER_TERMINAL_LIST_FORGED);
    assert_int_equal(remove(path), 0);
    assert_no_card(STIVER_TERMINAL_LIST_OLD);
    stiver_campus_sentence(&result, text, sizeof text);
    assert_non_null(strstr(text, "There is no list"));
    yard.back_end = yard_key(test_key_stranger);
    yard_list(yard.list_end_ms + 1000, NULL, 0);
    yard.back_end = real;
    yard_write("pos", "CRL", yard.list, yard.list_bytes);
    assert_no_card(STIVER_TERMINAL_LIST_FORGED);
    yard_list((YARD_NOW + 864000ull) * 1000, NULL, 0);
    yard_write("pos", "CRL", yard.list, yard.list_bytes);
    yard.now = YARD_NOW + 864001; /* the terminal's certificate is over before: renew it */
    assert_no_card(STIVER_TERMINAL_EXPIRED);
    yard.now = YARD_NOW;
    yard_list((YARD_NOW - 1ull) * 1000, NULL, 0);
    yard_write("pos", "CRL", yard.list, yard.list_bytes);
    assert_no_card(STIVER_TERMINAL_LIST_OLD);
    assert_int_equal(result.date, YARD_NOW - 1);
    assert_int_equal(stiver_campus_terminal_take_list(pos, yard.list, yard.list_bytes),
                     STIVER_TERMINAL_LIST_OLD);
}

static void w14_an_older_list_than_the_one_held_is_never_taken_again(void **state)
{
    (void)state;
    uint8_t old[2048];
    size_t old_bytes = yard.list_bytes;
    memcpy(old, yard.list, old_bytes);
    list_card(CARD_ID);
    assert_int_equal(stiver_campus_terminal_take_list(pos, old, old_bytes),
                     STIVER_TERMINAL_LIST_OLD);
    yard_write("pos", "CRL", old, old_bytes); /* by hand */
    assert_no_card(STIVER_TERMINAL_LIST_OLD);
    yard_again(&pos, "pos");
    assert_no_card(STIVER_TERMINAL_LIST_OLD);
    /* One put there by hand and later than all counts at once, and from then on. */
    yard_list(yard.list_end_ms + 1000, NULL, 0);
    yard_write("pos", "CRL", yard.list, yard.list_bytes);
    between_put(&between, &published.reader);
    assert_int_equal(pay(100), STIVER_TERMINAL_OK);
    published_make(&published, 100000);
    list_card(7);
    yard_write("pos", "CRL", old, old_bytes);
    assert_no_card(STIVER_TERMINAL_LIST_OLD);
}

/* ---- the clock ---- */

static void a_wrong_clock_stops_the_terminal(void **state)
{
    (void)state;
    yard.now = 0;
    assert_no_card(STIVER_TERMINAL_CLOCK);
    yard.now = CAMPUS_COUNTER_MAX;
    assert_no_card(STIVER_TERMINAL_CLOCK);
    yard.now = YARD_END + 1;
    assert_no_card(STIVER_TERMINAL_EXPIRED);
    assert_int_equal(result.date, YARD_END);
    yard.now = UINT32_MAX;
    assert_no_card(STIVER_TERMINAL_EXPIRED);
    yard.now = YARD_END; /* good to the second */
    between_put(&between, &published.reader);
    assert_int_equal(pay(100), STIVER_TERMINAL_OK);
}

static void dates_beyond_2038_are_dates(void **state)
{
    (void)state;
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES], package[4096];
    yard_list(0xF0000000ull * 1000, NULL, 0);
    stiver_campus_terminal_request(pos, request);
    size_t bytes =
        yard_package(CAMPUS_ROLE_POS, POS_ID, 0xF0000000u, request, package, sizeof package);
    assert_int_equal(stiver_campus_terminal_adopt(pos, package, bytes, NULL), STIVER_TERMINAL_OK);
    yard.now = 0x80000001u;
    struct campus_certificate c = {.id = CARD_ID, .end = 0x90000000u, .usage = CAMPUS_USAGE_CARD};
    memcpy(c.modulus, published.key.modulus, 256);
    yard_certify(&yard.back_end, &c);
    memcpy(published.certificate, c.signature, 256);
    published.end = c.end;
    between_put(&between, &published.reader);
    assert_int_equal(pay(100), STIVER_TERMINAL_OK);
    assert_int_equal(result.time, 0x80000001u);
    yard.now = 0x90000001u;
    assert_int_equal(pay(100), STIVER_TERMINAL_CARD_EXPIRED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, over)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(w14_a_list_that_is_damaged_in_any_way_stops_the_terminal),
        TEST(w14_a_list_that_is_missing_over_or_of_another_stops_the_terminal),
        TEST(w14_an_older_list_than_the_one_held_is_never_taken_again),
        TEST(a_wrong_clock_stops_the_terminal),
        TEST(dates_beyond_2038_are_dates),
    };
    return cmocka_run_group_tests(tests, yard_open, yard_close);
}
