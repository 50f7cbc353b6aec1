/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "scheme/fixtures.h"
#include "scheme/receipt.h"
#include "scheme/strict.h"

static const enum document_kind kinds[] = {DOCUMENT_PAYMENT_RECEIPT, DOCUMENT_LOAD_RECEIPT,
                                           DOCUMENT_REFUND_RECEIPT, DOCUMENT_UNLOAD_RECEIPT,
                                           DOCUMENT_BLOCK_RECEIPT};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* Sound in its kind, every field another value. */
static struct receipt receipt_of(enum document_kind kind)
{
    struct receipt r = {.kind = kind,
                        .scheme = FIXTURE_SCHEME,
                        .card = {1, 2, 3, 4, 5, 6, 7, 8},
                        .card_counter = 0x11121314,
                        .terminal = {21, 22, 23, 24, 25, 26, 27, 28},
                        .terminal_counter = 0x31323334,
                        .terminal_certificate = {0x41, [15] = 0x4F},
                        .merchant = 0x51525354,
                        .amount = {0x61626364, 978},
                        .balance_after = 0x71727374,
                        .points_change = 0x81828384,
                        .points_after = 0x91929394,
                        .time = 0xA1A2A3A4,
                        .reference = {0xB1, [7] = 0xB8},
                        .order_number = 0xC1C2C3C4,
                        .order_counter = 0xD1D2D3D4,
                        .flags = RECEIPT_ONLINE,
                        .random = {0xE1, [7] = 0xE8}};
    if (kind == DOCUMENT_BLOCK_RECEIPT)
        r.amount.minor = 0;
    if (kind == DOCUMENT_PAYMENT_RECEIPT)
        r.order_number = 0;
    if (kind == DOCUMENT_PAYMENT_RECEIPT || kind == DOCUMENT_BLOCK_RECEIPT)
        r.order_counter = 0;
    return r;
}

static void encode(const struct receipt *r, uint8_t out[RECEIPT_BYTES])
{
    receipt_encode(r, out);
    memset(out + RECEIPT_BYTES - SIGNATURE_BYTES, 0x5A, SIGNATURE_BYTES);
}

static enum document_status recode(const struct receipt *r)
{
    uint8_t bytes[RECEIPT_BYTES];
    struct receipt decoded;
    encode(r, bytes);
    return receipt_decode(bytes, sizeof bytes, FIXTURE_SCHEME, &decoded);
}

static void assert_same(const struct receipt *a, const struct receipt *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->scheme, b->scheme);
    assert_memory_equal(a->card, b->card, CARD_NUMBER_BYTES);
    assert_int_equal(a->card_counter, b->card_counter);
    assert_memory_equal(a->terminal, b->terminal, TERMINAL_NUMBER_BYTES);
    assert_int_equal(a->terminal_counter, b->terminal_counter);
    assert_memory_equal(a->terminal_certificate, b->terminal_certificate, HOST_ID_BYTES);
    assert_int_equal(a->merchant, b->merchant);
    assert_int_equal(a->amount.minor, b->amount.minor);
    assert_int_equal(a->amount.currency, b->amount.currency);
    assert_int_equal(a->balance_after, b->balance_after);
    assert_int_equal(a->points_change, b->points_change);
    assert_int_equal(a->points_after, b->points_after);
    assert_int_equal(a->time, b->time);
    assert_memory_equal(a->reference, b->reference, REFERENCE_BYTES);
    assert_int_equal(a->order_number, b->order_number);
    assert_int_equal(a->order_counter, b->order_counter);
    assert_int_equal(a->flags, b->flags);
    assert_memory_equal(a->random, b->random, RANDOM_BYTES);
}

static void every_kind_survives_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct receipt r = receipt_of(kinds[i]), decoded;
        uint8_t bytes[RECEIPT_BYTES];
        encode(&r, bytes);
        assert_int_equal(receipt_decode(bytes, sizeof bytes, FIXTURE_SCHEME, &decoded),
                         DOCUMENT_OK);
        assert_same(&r, &decoded);
    }
}

/* docs/protocol.md's order of fields, by hand. */
static void fields_stand_where_the_protocol_says(void **state)
{
    (void)state;
    struct receipt r = receipt_of(DOCUMENT_LOAD_RECEIPT);
    uint8_t bytes[RECEIPT_BYTES];
    encode(&r, bytes);
    static const struct {
        size_t at;
        uint8_t value;
    } places[] = {{0, 0x02},  {1, 0x01},  {2, 'T'},   {6, 1},     {14, 0x11},
                  {18, 21},   {26, 0x31}, {30, 0x41}, {46, 0x51}, {50, 0x61},
                  {54, 0x03}, {55, 0xD2}, {56, 0x71}, {60, 0x81}, {64, 0x91},
                  {68, 0xA1}, {72, 0xB1}, {80, 0xC1}, {84, 0xD1}, {88, RECEIPT_ONLINE},
                  {89, 0xE1}, {96, 0xE8}, {97, 0x5A}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        assert_int_equal(bytes[places[i].at], places[i].value);
}

static bool decodes(const uint8_t *bytes, size_t length)
{
    struct receipt r;
    return receipt_decode(bytes, length, FIXTURE_SCHEME, &r) == DOCUMENT_OK;
}

static void cut_and_extended_receipts_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct receipt r = receipt_of(kinds[i]);
        uint8_t bytes[RECEIPT_BYTES];
        encode(&r, bytes);
        assert_exact_length(decodes, bytes, sizeof bytes);
    }
}

static void other_kinds_versions_and_schemes_are_refused(void **state)
{
    (void)state;
    struct receipt r = receipt_of(DOCUMENT_UNLOAD_RECEIPT), decoded;
    uint8_t bytes[RECEIPT_BYTES];
    encode(&r, bytes);
    assert_int_equal(receipt_decode(bytes, sizeof bytes, FIXTURE_SCHEME + 1, &decoded),
                     DOCUMENT_OTHER_SCHEME);
    for (unsigned kind = 0; kind < 256; kind++) {
        bytes[0] = (uint8_t)kind;
        bool is_receipt = kind >= 1 && kind <= 5;
        assert_int_equal(receipt_is_kind((uint8_t)kind), is_receipt);
        if (!is_receipt)
            assert_int_equal(receipt_decode(bytes, sizeof bytes, FIXTURE_SCHEME, &decoded),
                             DOCUMENT_OTHER_KIND);
    }
    for (unsigned version = 0; version < 256; version++) {
        bytes[0] = DOCUMENT_LOAD_RECEIPT;
        bytes[1] = (uint8_t)version;
        assert_int_equal(receipt_decode(bytes, sizeof bytes, FIXTURE_SCHEME, &decoded),
                         version == DOCUMENT_VERSION ? DOCUMENT_OK : DOCUMENT_MALFORMED);
    }
}

static void fields_out_of_range_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct receipt r = receipt_of(kinds[i]);
        for (unsigned flags = 0; flags < 256; flags++) {
            r.flags = (uint8_t)flags;
            assert_int_equal(recode(&r), flags <= 3 ? DOCUMENT_OK : DOCUMENT_MALFORMED);
        }
        r = receipt_of(kinds[i]);
        r.amount.currency = 0;
        assert_int_equal(recode(&r), DOCUMENT_MALFORMED);
    }
}

static void a_payment_names_an_amount_and_no_order(void **state)
{
    (void)state;
    struct receipt r = receipt_of(DOCUMENT_PAYMENT_RECEIPT);
    r.amount.minor = 0;
    assert_int_equal(recode(&r), DOCUMENT_MALFORMED);
    r = receipt_of(DOCUMENT_PAYMENT_RECEIPT);
    r.order_number = 1;
    assert_int_equal(recode(&r), DOCUMENT_MALFORMED);
    r = receipt_of(DOCUMENT_PAYMENT_RECEIPT);
    r.order_counter = 1;
    assert_int_equal(recode(&r), DOCUMENT_MALFORMED);
    r = receipt_of(DOCUMENT_LOAD_RECEIPT); /* an order was undone */
    r.amount.minor = 0;
    assert_int_equal(recode(&r), DOCUMENT_OK);
}

static void a_block_moves_no_money(void **state)
{
    (void)state;
    struct receipt r = receipt_of(DOCUMENT_BLOCK_RECEIPT);
    r.amount.minor = 1;
    assert_int_equal(recode(&r), DOCUMENT_MALFORMED);
    r = receipt_of(DOCUMENT_BLOCK_RECEIPT);
    r.order_counter = 1;
    assert_int_equal(recode(&r), DOCUMENT_MALFORMED);
}

static void pay_s_answer_gives_the_whole_receipt_back(void **state)
{
    (void)state;
    struct receipt r = receipt_of(DOCUMENT_PAYMENT_RECEIPT);
    uint8_t bytes[RECEIPT_BYTES], again[RECEIPT_BYTES], answer[PAY_ANSWER_BYTES + 1] = {0};
    encode(&r, bytes);
    for (size_t i = 0; i < SIGNATURE_BYTES; i++)
        bytes[RECEIPT_BYTES - SIGNATURE_BYTES + i] = (uint8_t)i;
    receipt_to_pay_answer(bytes, answer);
    struct receipt known = r; /* what the terminal knows */
    known.card_counter = known.balance_after = known.points_change = known.points_after = 0;
    known.flags = 0;
    memset(known.random, 0, RANDOM_BYTES);
    struct receipt filled = known;
    assert_true(receipt_from_pay_answer(answer, PAY_ANSWER_BYTES, &filled, again));
    assert_same(&filled, &r);
    assert_memory_equal(again, bytes, RECEIPT_BYTES);
    for (size_t length = 0; length <= PAY_ANSWER_BYTES + 1; length++) {
        filled = known;
        assert_int_equal(receipt_from_pay_answer(answer, length, &filled, again),
                         length == PAY_ANSWER_BYTES);
    }
    answer[24] = 0x04; /* a flag that nobody knows */
    filled = known;
    assert_false(receipt_from_pay_answer(answer, PAY_ANSWER_BYTES, &filled, again));
}

/* One kind, one scheme: the signature of one document serves for no other. */
static void kind_version_scheme_and_body_are_under_the_signature(void **state)
{
    (void)state;
    struct fixture_pair keys = fixture_pair_make();
    struct receipt r = receipt_of(DOCUMENT_UNLOAD_RECEIPT);
    uint8_t bytes[RECEIPT_BYTES];
    receipt_encode(&r, bytes);
    fixture_sign(bytes, RECEIPT_BYTES - SIGNATURE_BYTES, &keys);
    assert_int_equal(document_verify(&crypto_primitives, bytes, sizeof bytes, keys.public_key),
                     DOCUMENT_OK);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 0x01;
        assert_int_equal(document_verify(&crypto_primitives, bytes, sizeof bytes, keys.public_key),
                         DOCUMENT_FORGED);
        bytes[i] ^= 0x01;
    }
    for (size_t length = 0; length < DOCUMENT_HEADER_BYTES + SIGNATURE_BYTES; length++)
        assert_int_equal(document_verify(&crypto_primitives, bytes, length, keys.public_key),
                         DOCUMENT_MALFORMED);
}

static void the_signed_hash_starts_with_the_scheme_s_name(void **state)
{
    (void)state;
    const struct piece piece = {(const uint8_t *)"stiver\0body", 11};
    uint8_t wanted[SHA256_BYTES], hash[SHA256_BYTES];
    assert_int_equal(crypto_sha256(&piece, 1, wanted), CRYPTO_OK);
    assert_int_equal(document_hash(&crypto_primitives, (const uint8_t *)"body", 4, hash),
                     DOCUMENT_OK);
    assert_memory_equal(hash, wanted, SHA256_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_survives_encoding),
        cmocka_unit_test(fields_stand_where_the_protocol_says),
        cmocka_unit_test(cut_and_extended_receipts_are_refused),
        cmocka_unit_test(other_kinds_versions_and_schemes_are_refused),
        cmocka_unit_test(fields_out_of_range_are_refused),
        cmocka_unit_test(a_payment_names_an_amount_and_no_order),
        cmocka_unit_test(a_block_moves_no_money),
        cmocka_unit_test(pay_s_answer_gives_the_whole_receipt_back),
        cmocka_unit_test(kind_version_scheme_and_body_are_under_the_signature),
        cmocka_unit_test(the_signed_hash_starts_with_the_scheme_s_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
