/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scheme/fixtures.h"
#include "scheme/statement.h"
#include "scheme/strict.h"

static struct fixture_scheme world;

static int make_world(void **state)
{
    (void)state;
    fixture_scheme_make(&world);
    return 0;
}

static struct statement statement_of(void)
{
    struct statement s = {.scheme = FIXTURE_SCHEME,
                          .serial = {0x11, [7] = 0x18},
                          .card = {0x21, [7] = 0x28},
                          .firmware = 0x01020003,
                          .card_class = CARD_VIRTUAL};
    memset(s.channel_key, 0x31, sizeof s.channel_key);
    memset(s.receipt_key, 0x41, sizeof s.receipt_key);
    memset(s.anchors_hash, 0x51, sizeof s.anchors_hash);
    memset(s.nonce, 0x61, sizeof s.nonce);
    return s;
}

static enum document_status recode(const struct statement *s, uint8_t bytes[STATEMENT_BYTES],
                                   struct statement *decoded)
{
    statement_encode(s, bytes);
    memset(bytes + STATEMENT_BYTES - SIGNATURE_BYTES, 0x5A, SIGNATURE_BYTES);
    return statement_decode(bytes, STATEMENT_BYTES, FIXTURE_SCHEME, decoded);
}

static void a_statement_survives_encoding(void **state)
{
    (void)state;
    struct statement wanted = statement_of(), s;
    uint8_t bytes[STATEMENT_BYTES];
    assert_int_equal(STATEMENT_BYTES, 267);
    assert_int_equal(recode(&wanted, bytes, &s), DOCUMENT_OK);
    assert_memory_equal(s.serial, wanted.serial, SERIAL_BYTES);
    assert_memory_equal(s.card, wanted.card, CARD_NUMBER_BYTES);
    assert_memory_equal(s.channel_key, wanted.channel_key, PUBLIC_KEY_BYTES);
    assert_memory_equal(s.receipt_key, wanted.receipt_key, PUBLIC_KEY_BYTES);
    assert_memory_equal(s.anchors_hash, wanted.anchors_hash, SHA256_BYTES);
    assert_int_equal(s.firmware, wanted.firmware);
    assert_int_equal(s.card_class, wanted.card_class);
    assert_memory_equal(s.nonce, wanted.nonce, NONCE_BYTES);
}

static bool statement_is_taken(const uint8_t *bytes, size_t length)
{
    struct statement s;
    return statement_decode(bytes, length, FIXTURE_SCHEME, &s) == DOCUMENT_OK;
}

static void statements_out_of_range_are_refused(void **state)
{
    (void)state;
    struct statement s = statement_of(), decoded;
    uint8_t bytes[STATEMENT_BYTES];
    assert_int_equal(recode(&s, bytes, &decoded), DOCUMENT_OK);
    assert_exact_length(statement_is_taken, bytes, sizeof bytes);
    for (unsigned class_byte = 0; class_byte < 256; class_byte++) {
        s.card_class = (enum card_class)class_byte;
        bool known = class_byte == CARD_HARDWARE || class_byte == CARD_VIRTUAL;
        assert_int_equal(recode(&s, bytes, &decoded), known ? DOCUMENT_OK : DOCUMENT_MALFORMED);
    }
    s = statement_of();
    s.scheme++;
    assert_int_equal(recode(&s, bytes, &decoded), DOCUMENT_OTHER_SCHEME);
    s = statement_of();
    assert_int_equal(recode(&s, bytes, &decoded), DOCUMENT_OK);
    bytes[0] = DOCUMENT_REQUEST;
    assert_int_equal(statement_decode(bytes, sizeof bytes, FIXTURE_SCHEME, &decoded),
                     DOCUMENT_OTHER_KIND);
}

/* ---- anchors ---- */

static struct anchors anchors_of(void)
{
    struct anchors a = {.scheme = FIXTURE_SCHEME,
                        .currency = 978,
                        .root_version = 0x01,
                        .authority_version = 0x7F,
                        .authority_certificate = world.terminal_authority.bytes,
                        .authority_certificate_bytes = world.terminal_authority.length};
    memcpy(a.root_key, world.root.key, PUBLIC_KEY_BYTES);
    return a;
}

static bool anchors_are_taken(const uint8_t *bytes, size_t length)
{
    struct anchors a;
    return anchors_decode(bytes, length, &a) == DOCUMENT_OK;
}

static void anchors_survive_encoding(void **state)
{
    (void)state;
    struct anchors wanted = anchors_of(), a;
    uint8_t bytes[ANCHORS_BYTES_MAX];
    size_t length = anchors_encode(&wanted, bytes, sizeof bytes);
    assert_int_equal(length, 72 + world.terminal_authority.length);
    assert_exact_length(anchors_are_taken, bytes, length);
    assert_int_equal(anchors_decode(bytes, length, &a), DOCUMENT_OK);
    assert_int_equal(a.scheme, wanted.scheme);
    assert_int_equal(a.currency, wanted.currency);
    assert_int_equal(a.root_version, 0x01);
    assert_memory_equal(a.root_key, wanted.root_key, PUBLIC_KEY_BYTES);
    assert_int_equal(a.authority_version, 0x7F);
    assert_int_equal(a.authority_certificate_bytes, world.terminal_authority.length);
    assert_ptr_equal(a.authority_certificate, bytes + 72);
    for (size_t capacity = 0; capacity < length; capacity++)
        assert_int_equal(anchors_encode(&wanted, bytes, capacity), 0);
}

static void anchors_out_of_range_are_refused(void **state)
{
    (void)state;
    struct anchors a = anchors_of();
    uint8_t bytes[ANCHORS_BYTES_MAX], bad[ANCHORS_BYTES_MAX];
    size_t length = anchors_encode(&a, bytes, sizeof bytes);
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{6, 0x00}, {6, 0x80}, {71, 0x00}, {71, 0x80}, {72, 0x30}, {75, 0x00}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        memcpy(bad, bytes, length);
        bad[changes[i].at] = changes[i].value;
        assert_false(anchors_are_taken(bad, length));
    }
    memcpy(bad, bytes, length);
    bad[4] = bad[5] = 0; /* no currency */
    assert_false(anchors_are_taken(bad, length));
    a.authority_certificate_bytes--;
    assert_int_equal(anchors_encode(&a, bad, sizeof bad), 0);
    a = anchors_of();
    a.root_version = 0;
    assert_int_equal(anchors_encode(&a, bad, sizeof bad), 0);
}

/* The card's buffer is ANCHORS_BYTES_MAX: a longer certificate must not reach it. */
static void an_overlong_authority_certificate_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[ANCHORS_BYTES_MAX + 16] = {0};
    struct anchors a = anchors_of();
    assert_int_not_equal(anchors_encode(&a, bytes, sizeof bytes), 0);
    const uint8_t header[] = {0x7F, 0x21, 0x82, 0x01, 0x00}; /* 261 bytes */
    memcpy(bytes + 72, header, sizeof header);
    assert_false(anchors_are_taken(bytes, 72 + 261));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_survives_encoding),
        cmocka_unit_test(statements_out_of_range_are_refused),
        cmocka_unit_test(anchors_survive_encoding),
        cmocka_unit_test(anchors_out_of_range_are_refused),
        cmocka_unit_test(an_overlong_authority_certificate_is_refused),
    };
    return cmocka_run_group_tests(tests, make_world, NULL);
}
