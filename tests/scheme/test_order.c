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
#include "scheme/strict.h"

static const uint8_t card[CARD_NUMBER_BYTES] = {'C', 'A', 'R', 'D', 0, 0, 0, 9};
static struct fixture_scheme world;

static const struct {
    enum document_kind kind;
    size_t bytes;
    uint16_t working_kind;
} kinds[] = {{DOCUMENT_LOAD_ORDER, 100, WORKING_LOAD},
             {DOCUMENT_REFUND_ORDER, 112, WORKING_REFUND},
             {DOCUMENT_POLICY_ORDER, 120, WORKING_POLICY},
             {DOCUMENT_ACKNOWLEDGEMENT, 102, WORKING_ACKNOWLEDGEMENT},
             {DOCUMENT_TIME_ORDER, 94, 0},
             {DOCUMENT_FLOOR_ORDER, 94, 0}};
#define KINDS (sizeof kinds / sizeof kinds[0])

static int make_world(void **state)
{
    (void)state;
    fixture_scheme_make(&world);
    return 0;
}

/* Every field of the kind another value. */
static struct order order_of(enum document_kind kind)
{
    struct order order = fixture_order_fields(kind, card);
    order.number = 0x01020304;
    if (kind == DOCUMENT_LOAD_ORDER || kind == DOCUMENT_REFUND_ORDER)
        order.counter = 0x11121314;
    if (kind == DOCUMENT_REFUND_ORDER) {
        order.original_counter = 0x21222324;
        order.refunded_before = 0x31323334;
        order.points_taken = 0x41424344;
    }
    if (kind == DOCUMENT_POLICY_ORDER)
        order.policy = (struct policy){978, 1, 2, 3, 4, 5, UINT32_MAX, 7};
    if (kind == DOCUMENT_ACKNOWLEDGEMENT)
        order.acknowledgement = (struct acknowledgement){0x51525354, 0x6162636465666768};
    return order;
}

static size_t encode(const struct order *order, uint8_t out[ORDER_BYTES_MAX])
{
    size_t bytes = order_encode(order, out, ORDER_BYTES_MAX - SIGNATURE_BYTES);
    assert_int_not_equal(bytes, 0);
    memset(out + bytes, 0x5A, SIGNATURE_BYTES);
    return bytes + SIGNATURE_BYTES;
}

static enum document_status recode(const struct order *order)
{
    uint8_t bytes[ORDER_BYTES_MAX];
    struct order decoded;
    size_t length = encode(order, bytes);
    return order_decode(bytes, length, FIXTURE_SCHEME, &decoded);
}

static void every_kind_survives_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct order order = order_of(kinds[i].kind), decoded;
        uint8_t bytes[ORDER_BYTES_MAX], again[ORDER_BYTES_MAX];
        size_t length = encode(&order, bytes);
        assert_int_equal(length, kinds[i].bytes);
        assert_int_equal(order_bytes((uint8_t)kinds[i].kind), length);
        assert_int_equal(order_decode(bytes, length, FIXTURE_SCHEME, &decoded), DOCUMENT_OK);
        assert_int_equal(decoded.kind, order.kind);
        assert_memory_equal(decoded.card, order.card, CARD_NUMBER_BYTES);
        assert_int_equal(decoded.start, order.start);
        assert_int_equal(decoded.end, order.end);
        assert_int_equal(decoded.number, order.number);
        assert_int_equal(decoded.counter, order.counter);
        assert_int_equal(decoded.amount.minor, order.amount.minor);
        assert_int_equal(decoded.original_counter, order.original_counter);
        assert_int_equal(decoded.refunded_before, order.refunded_before);
        assert_int_equal(decoded.points_taken, order.points_taken);
        assert_memory_equal(&decoded.policy, &order.policy, sizeof order.policy);
        assert_int_equal(decoded.acknowledgement.up_to, order.acknowledgement.up_to);
        assert_true(decoded.acknowledgement.map == order.acknowledgement.map);
        assert_int_equal(decoded.new_time, order.new_time);
        assert_int_equal(decoded.generation_floor, order.generation_floor);
        assert_int_equal(encode(&decoded, again), length);
        assert_memory_equal(again, bytes, length);
    }
}

static bool decodes(const uint8_t *bytes, size_t length)
{
    struct order order;
    return order_decode(bytes, length, FIXTURE_SCHEME, &order) == DOCUMENT_OK;
}

static void cut_and_extended_orders_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct order order = order_of(kinds[i].kind);
        uint8_t bytes[ORDER_BYTES_MAX];
        assert_exact_length(decodes, bytes, encode(&order, bytes));
    }
}

static void other_kinds_are_none_of_an_order(void **state)
{
    (void)state;
    uint8_t bytes[ORDER_BYTES_MAX];
    struct order order = order_of(DOCUMENT_LOAD_ORDER), decoded;
    size_t length = encode(&order, bytes);
    for (unsigned kind = 0; kind < 256; kind++) {
        if (kind >= DOCUMENT_LOAD_ORDER && kind <= DOCUMENT_FLOOR_ORDER)
            continue;
        bytes[0] = (uint8_t)kind;
        assert_int_equal(order_bytes((uint8_t)kind), 0);
        assert_int_equal(order_decode(bytes, length, FIXTURE_SCHEME, &decoded),
                         DOCUMENT_OTHER_KIND);
        order.kind = (enum document_kind)kind;
        assert_int_equal(order_encode(&order, bytes, sizeof bytes), 0);
    }
    for (size_t i = 0; i < KINDS; i++)
        assert_int_equal(order_working_kind(kinds[i].kind), kinds[i].working_kind);
    assert_int_equal(order_working_kind(DOCUMENT_ANSWER), WORKING_ANSWER);
    assert_int_equal(order_working_kind(DOCUMENT_LIST), WORKING_LIST);
    assert_int_equal(order_working_kind(DOCUMENT_PAYMENT_RECEIPT), 0);
}

static void fields_out_of_range_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct order order = order_of(kinds[i].kind);
        order.end = order.start;
        assert_int_equal(recode(&order), DOCUMENT_OK);
        order.end = order.start - 1;
        assert_int_equal(recode(&order), DOCUMENT_MALFORMED);
        order = order_of(kinds[i].kind);
        memset(order.card, 0, sizeof order.card); /* only a floor is for any card */
        assert_int_equal(recode(&order),
                         order.kind == DOCUMENT_FLOOR_ORDER ? DOCUMENT_OK : DOCUMENT_MALFORMED);
        order = order_of(kinds[i].kind);
        order.scheme++;
        assert_int_equal(recode(&order), DOCUMENT_OTHER_SCHEME);
    }
    struct order order = order_of(DOCUMENT_LOAD_ORDER);
    order.amount = money_of(0, FIXTURE_CURRENCY); /* undoes */
    assert_int_equal(recode(&order), DOCUMENT_OK);
    order.amount = money_of(1, 0);
    assert_int_equal(recode(&order), DOCUMENT_MALFORMED);
    order = order_of(DOCUMENT_REFUND_ORDER);
    order.amount.currency = 0;
    assert_int_equal(recode(&order), DOCUMENT_MALFORMED);
    order = order_of(DOCUMENT_POLICY_ORDER);
    order.policy.currency = 0;
    assert_int_equal(recode(&order), DOCUMENT_MALFORMED);
}

static void orders_do_not_fit_into_too_little(void **state)
{
    (void)state;
    uint8_t bytes[ORDER_BYTES_MAX];
    struct order order = order_of(DOCUMENT_POLICY_ORDER);
    for (size_t capacity = 0; capacity < 56; capacity++)
        assert_int_equal(order_encode(&order, bytes, capacity), 0);
    assert_int_equal(order_encode(&order, bytes, 56), 56);
}

/* ---- messages ---- */

static enum document_status check(const uint8_t *message, size_t length)
{
    struct order order;
    struct certificate working;
    return order_check(&crypto_primitives, message, length, FIXTURE_SCHEME, &world.root, &order,
                       &working);
}

/* Signs the order with any working key, permitted or not. */
static enum document_status check_signed(const struct order *order,
                                         const struct fixture_certificate *key)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    size_t bytes = encode(order, message);
    fixture_sign(message, bytes - SIGNATURE_BYTES, &key->keys);
    memcpy(message + bytes, key->bytes, key->length);
    return check(message, bytes + key->length);
}

static bool message_is_taken(const uint8_t *bytes, size_t length)
{
    return check(bytes, length) == DOCUMENT_OK;
}

static void messages_of_working_keys_are_taken_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].working_kind == 0)
            continue;
        struct order order = order_of(kinds[i].kind);
        uint8_t message[ORDER_MESSAGE_BYTES_MAX];
        size_t length = fixture_order(&world, &order, message, sizeof message);
        assert_exact_length(message_is_taken, message, length);
    }
}

static void every_byte_of_a_message_is_under_a_signature(void **state)
{
    (void)state;
    struct order order = order_of(DOCUMENT_LOAD_ORDER);
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    size_t length = fixture_order(&world, &order, message, sizeof message);
    for (size_t i = 0; i < length; i++) {
        message[i] ^= 0x01;
        assert_int_not_equal(check(message, length), DOCUMENT_OK);
        message[i] ^= 0x01;
    }
    assert_int_equal(check(message, length), DOCUMENT_OK);
}

static void a_key_signs_its_own_kinds_alone(void **state)
{
    (void)state;
    const struct fixture_certificate *const keys[] = {&world.orders, &world.policies,
                                                      &world.answers, &world.lists};
    for (size_t i = 0; i < KINDS; i++)
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            struct order order = order_of(kinds[i].kind);
            bool permitted = (keys[k]->fields.kinds & kinds[i].working_kind) != 0;
            enum document_status wanted = permitted ? DOCUMENT_OK : DOCUMENT_FORGED;
            if (kinds[i].working_kind == 0)
                wanted = DOCUMENT_OTHER_KIND;
            assert_int_equal(check_signed(&order, keys[k]), wanted);
        }
}

static void a_key_signs_up_to_its_largest_amount(void **state)
{
    (void)state;
    static const enum document_kind moving[] = {DOCUMENT_LOAD_ORDER, DOCUMENT_REFUND_ORDER};
    for (size_t i = 0; i < 2; i++) {
        struct order order = order_of(moving[i]);
        order.amount = world.orders.fields.limit;
        assert_int_equal(check_signed(&order, &world.orders), DOCUMENT_OK);
        order.amount.minor++;
        assert_int_equal(check_signed(&order, &world.orders), DOCUMENT_FORGED);
        order.amount = money_of(1, 840);
        assert_int_equal(check_signed(&order, &world.orders), DOCUMENT_FORGED);
        order.amount = money_of(0, FIXTURE_CURRENCY);
        assert_int_equal(check_signed(&order, &world.orders), DOCUMENT_OK);
    }
}

static void an_order_starts_within_its_key_s_days(void **state)
{
    (void)state;
    struct certificate key;
    assert_int_equal(certificate_decode(world.orders.bytes, world.orders.length, &key),
                     DOCUMENT_OK);
    struct order order = order_of(DOCUMENT_LOAD_ORDER);
    order.end = UINT32_MAX;
    order.start = key.start;
    assert_int_equal(check_signed(&order, &world.orders), DOCUMENT_OK);
    order.start = key.start - 1;
    assert_int_equal(check_signed(&order, &world.orders), DOCUMENT_FORGED);
    order.start = key.end;
    assert_int_equal(check_signed(&order, &world.orders), DOCUMENT_OK);
    order.start = key.end + 1;
    assert_int_equal(check_signed(&order, &world.orders), DOCUMENT_FORGED);
}

static void a_key_that_the_root_did_not_certify_signs_nothing(void **state)
{
    (void)state;
    struct order order = order_of(DOCUMENT_LOAD_ORDER);
    struct fixture_certificate key = world.orders;
    fixture_certificate_seal(&key, &world.terminal_authority.keys);
    assert_int_equal(check_signed(&order, &key), DOCUMENT_FORGED);
    assert_int_equal(check_signed(&order, &world.card_authority), DOCUMENT_OTHER_KIND);
    key = world.orders;
    key.fields.scheme++;
    fixture_certificate_seal(&key, &world.root_keys);
    assert_int_equal(check_signed(&order, &key), DOCUMENT_OTHER_SCHEME);
    key = world.orders;
    key.keys = fixture_pair_make(); /* the certificate of one key, the signature of another */
    assert_int_equal(check_signed(&order, &key), DOCUMENT_FORGED);
}

static void the_root_signs_time_and_floor_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct order order = order_of(kinds[i].kind), decoded;
        uint8_t document[ORDER_BYTES_MAX];
        size_t bytes = encode(&order, document);
        fixture_sign(document, bytes - SIGNATURE_BYTES, &world.root_keys);
        assert_int_equal(root_order_check(&crypto_primitives, document, bytes, FIXTURE_SCHEME,
                                          world.root.key, &decoded),
                         kinds[i].working_kind == 0 ? DOCUMENT_OK : DOCUMENT_OTHER_KIND);
        assert_int_not_equal(root_order_check(&crypto_primitives, document, bytes - 1,
                                              FIXTURE_SCHEME, world.root.key, &decoded),
                             DOCUMENT_OK);
        fixture_sign(document, bytes - SIGNATURE_BYTES, &world.orders.keys);
        assert_int_not_equal(root_order_check(&crypto_primitives, document, bytes, FIXTURE_SCHEME,
                                              world.root.key, &decoded),
                             DOCUMENT_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_survives_encoding),
        cmocka_unit_test(cut_and_extended_orders_are_refused),
        cmocka_unit_test(other_kinds_are_none_of_an_order),
        cmocka_unit_test(fields_out_of_range_are_refused),
        cmocka_unit_test(orders_do_not_fit_into_too_little),
        cmocka_unit_test(messages_of_working_keys_are_taken_whole),
        cmocka_unit_test(every_byte_of_a_message_is_under_a_signature),
        cmocka_unit_test(a_key_signs_its_own_kinds_alone),
        cmocka_unit_test(a_key_signs_up_to_its_largest_amount),
        cmocka_unit_test(an_order_starts_within_its_key_s_days),
        cmocka_unit_test(a_key_that_the_root_did_not_certify_signs_nothing),
        cmocka_unit_test(the_root_signs_time_and_floor_alone),
    };
    return cmocka_run_group_tests(tests, make_world, NULL);
}
