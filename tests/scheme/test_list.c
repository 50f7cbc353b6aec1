/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "scheme/fixtures.h"
#include "scheme/strict.h"

#define COUNT_MOST 1000u

static struct fixture_scheme world;
static uint8_t numbers[COUNT_MOST * CARD_NUMBER_BYTES];
static uint8_t scratch[COUNT_MOST * SHA256_BYTES];

/* Numbers 3, 10, 17, ... : ascending, with gaps to look for what is not listed. */
static uint32_t number_of(uint32_t index)
{
    return 3 + 7 * index;
}

static void put_number(uint32_t number, uint8_t out[CARD_NUMBER_BYTES])
{
    struct writer w = writer_of(out, CARD_NUMBER_BYTES);
    writer_u64(&w, number * 0x0000000100000001u);
}

static int make_world(void **state)
{
    (void)state;
    fixture_scheme_make(&world);
    for (uint32_t i = 0; i < COUNT_MOST; i++)
        put_number(number_of(i), numbers + i * CARD_NUMBER_BYTES);
    return 0;
}

static void sha256(const uint8_t *data, size_t bytes, uint8_t hash[SHA256_BYTES])
{
    const struct piece piece = {data, bytes};
    assert_int_equal(crypto_sha256(&piece, 1, hash), CRYPTO_OK);
}

/* The tree as its definition says, straight: the subtree over the leaves from first on, at a height
 * (recursion is for the test alone). False if the subtree is empty. */
static bool naive_node(uint32_t count, unsigned height, uint32_t first, uint8_t hash[SHA256_BYTES])
{
    if (first >= count)
        return false;
    if (height == 0) {
        uint8_t leaf[13] = {0x00, 'T', 'E', 'S', 'T'};
        memcpy(leaf + 5, numbers + first * CARD_NUMBER_BYTES, CARD_NUMBER_BYTES);
        sha256(leaf, sizeof leaf, hash);
        return true;
    }
    uint8_t node[65] = {0x01};
    (void)naive_node(count, height - 1, first, node + 1);
    if (naive_node(count, height - 1, first + (1u << (height - 1)), node + 33))
        sha256(node, sizeof node, hash);
    else
        memcpy(hash, node + 1, SHA256_BYTES);
    return true;
}

static void naive_root(uint32_t count, uint8_t root[SHA256_BYTES])
{
    memset(root, 0, SHA256_BYTES);
    unsigned height = 0;
    while ((1u << height) < count)
        height++;
    (void)naive_node(count, height, 0, root);
}

static enum document_status walk(uint32_t count, uint32_t index, uint32_t number,
                                 uint8_t siblings[][SHA256_BYTES], unsigned depth,
                                 uint8_t root[SHA256_BYTES])
{
    struct list_path path;
    uint8_t card[CARD_NUMBER_BYTES];
    put_number(number, card);
    enum document_status status =
        list_path_begin(&crypto_primitives, &path, FIXTURE_SCHEME, card, index, count);
    for (unsigned i = 0; status == DOCUMENT_OK && i < depth; i++) {
        assert_int_equal(list_path_missing(&path), depth - i);
        status = list_path_step(&crypto_primitives, &path, siblings[i]);
    }
    if (status == DOCUMENT_OK) {
        assert_int_equal(list_path_missing(&path), 0);
        assert_int_equal(list_path_step(&crypto_primitives, &path, root), DOCUMENT_MALFORMED);
    }
    memcpy(root, path.node, SHA256_BYTES);
    return status;
}

static void check_list(uint32_t count, uint32_t step)
{
    uint8_t wanted[SHA256_BYTES], root[SHA256_BYTES];
    uint8_t siblings[LIST_DEPTH_MAX][SHA256_BYTES];
    naive_root(count, wanted);
    assert_int_equal(list_root(&crypto_primitives, FIXTURE_SCHEME, numbers, count, scratch, root),
                     DOCUMENT_OK);
    assert_memory_equal(root, wanted, SHA256_BYTES);
    for (uint32_t index = 0; index < count; index += step) {
        unsigned depth = 99;
        assert_int_equal(list_siblings(&crypto_primitives, FIXTURE_SCHEME, numbers, count, index,
                                       scratch, siblings, &depth),
                         DOCUMENT_OK);
        assert_true(depth <= 10);
        assert_int_equal(walk(count, index, number_of(index), siblings, depth, root), DOCUMENT_OK);
        assert_memory_equal(root, wanted, SHA256_BYTES);
        assert_int_equal(walk(count, index, number_of(index) + 1, siblings, depth, root),
                         DOCUMENT_OK);
        assert_memory_not_equal(root, wanted, SHA256_BYTES);
    }
}

static void small_trees_are_those_of_the_definition(void **state)
{
    (void)state;
    for (uint32_t count = 0; count <= 70; count++)
        check_list(count, 1);
}

static void larger_trees_are_those_of_the_definition(void **state)
{
    (void)state;
    srand(20261121); /* a fixed seed: a failure comes again */
    for (unsigned i = 0; i < 12; i++)
        check_list(71 + (uint32_t)rand() % (COUNT_MOST - 71), 97);
    check_list(COUNT_MOST, 37);
}

static void a_card_beyond_the_list_has_no_path(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 2, 3, 5, 8, 1000};
    uint8_t siblings[LIST_DEPTH_MAX][SHA256_BYTES];
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct list_path path;
        unsigned depth = 99;
        for (uint32_t beyond = 0; beyond < 3; beyond++) {
            assert_int_equal(list_path_begin(&crypto_primitives, &path, FIXTURE_SCHEME, numbers,
                                             counts[i] + beyond, counts[i]),
                             DOCUMENT_MALFORMED);
            assert_int_equal(list_path_missing(&path), 0);
            assert_int_equal(list_path_step(&crypto_primitives, &path, siblings[0]),
                             DOCUMENT_MALFORMED);
            assert_int_equal(list_siblings(&crypto_primitives, FIXTURE_SCHEME, numbers, counts[i],
                                           counts[i] + beyond, scratch, siblings, &depth),
                             DOCUMENT_MALFORMED);
        }
        assert_int_equal(list_path_begin(&crypto_primitives, &path, FIXTURE_SCHEME, numbers,
                                         UINT32_MAX, counts[i]),
                         DOCUMENT_MALFORMED);
    }
}

static void the_longest_path_has_32_siblings(void **state)
{
    (void)state;
    struct list_path path;
    assert_int_equal(
        list_path_begin(&crypto_primitives, &path, FIXTURE_SCHEME, numbers, 0, UINT32_MAX),
        DOCUMENT_OK);
    assert_int_equal(list_path_missing(&path), LIST_DEPTH_MAX);
    for (unsigned i = 0; i < LIST_DEPTH_MAX; i++)
        assert_int_equal(list_path_step(&crypto_primitives, &path, path.node), DOCUMENT_OK);
    assert_int_equal(list_path_missing(&path), 0);
    /* The last of 2^31 + 1 moves up alone to the top: one sibling. */
    assert_int_equal(list_path_begin(&crypto_primitives, &path, FIXTURE_SCHEME, numbers,
                                     0x80000000u, 0x80000001u),
                     DOCUMENT_OK);
    assert_int_equal(list_path_missing(&path), 1);
}

static void another_scheme_has_another_tree(void **state)
{
    (void)state;
    uint8_t a[SHA256_BYTES], b[SHA256_BYTES];
    assert_int_equal(list_root(&crypto_primitives, FIXTURE_SCHEME, numbers, 1, scratch, a),
                     DOCUMENT_OK);
    assert_int_equal(list_root(&crypto_primitives, FIXTURE_SCHEME + 1, numbers, 1, scratch, b),
                     DOCUMENT_OK);
    assert_memory_not_equal(a, b, SHA256_BYTES);
}

static void doubled_and_unsorted_numbers_are_refused(void **state)
{
    (void)state;
    uint8_t bad[3 * CARD_NUMBER_BYTES], root[SHA256_BYTES];
    uint8_t siblings[LIST_DEPTH_MAX][SHA256_BYTES];
    static const uint32_t rows[][3] = {{1, 1, 2}, {1, 2, 2}, {2, 1, 3}, {1, 3, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < 3; k++)
            put_number(rows[i][k], bad + k * CARD_NUMBER_BYTES);
        unsigned depth;
        assert_int_equal(list_root(&crypto_primitives, FIXTURE_SCHEME, bad, 3, scratch, root),
                         DOCUMENT_MALFORMED);
        assert_int_equal(
            list_siblings(&crypto_primitives, FIXTURE_SCHEME, bad, 3, 0, scratch, siblings, &depth),
            DOCUMENT_MALFORMED);
    }
}

static void listed_cards_are_found_and_no_others(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 2, 3, 5, 8, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (uint32_t number = 0; number <= number_of(counts[i]); number++) {
            uint8_t card[CARD_NUMBER_BYTES];
            uint32_t index = 0xABCDEF;
            put_number(number, card);
            bool listed = number >= 3 && (number - 3) % 7 == 0 && (number - 3) / 7 < counts[i];
            assert_int_equal(list_find(numbers, counts[i], card, &index), listed);
            if (listed)
                assert_int_equal(index, (number - 3) / 7);
        }
}

/* ---- the signed head ---- */

static bool head_is_taken(const uint8_t *bytes, size_t length)
{
    struct list_head head;
    return list_head_decode(bytes, length, FIXTURE_SCHEME, &head) == DOCUMENT_OK;
}

static bool message_is_taken(const uint8_t *bytes, size_t length)
{
    struct list_head head;
    struct certificate working;
    return list_check(&crypto_primitives, bytes, length, FIXTURE_SCHEME, &world.root, &head,
                      &working) == DOCUMENT_OK;
}

static void a_signed_head_is_taken_whole(void **state)
{
    (void)state;
    uint8_t message[LIST_HEAD_BYTES + CERTIFICATE_BYTES_MAX], root[SHA256_BYTES];
    struct list_head head;
    size_t length = fixture_list(&world, 0x01020304, numbers, 5, message, sizeof message);
    assert_int_equal(LIST_HEAD_BYTES, 118);
    assert_exact_length(head_is_taken, message, LIST_HEAD_BYTES);
    assert_exact_length(message_is_taken, message, length);
    assert_int_equal(list_head_decode(message, LIST_HEAD_BYTES, FIXTURE_SCHEME, &head),
                     DOCUMENT_OK);
    assert_int_equal(head.sequence, 0x01020304);
    assert_int_equal(head.start, FIXTURE_NOW);
    assert_int_equal(head.end, FIXTURE_NOW + 30 * FIXTURE_DAY);
    assert_int_equal(head.count, 5);
    naive_root(5, root);
    assert_memory_equal(head.root, root, SHA256_BYTES);
    for (size_t i = 0; i < length; i++) {
        message[i] ^= 0x01;
        assert_false(message_is_taken(message, length));
        message[i] ^= 0x01;
    }
}

static void heads_out_of_range_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[LIST_HEAD_BYTES] = {0};
    struct list_head good = {
        .scheme = FIXTURE_SCHEME, .start = 5, .end = 5, .count = 1, .root = {1}};
    list_head_encode(&good, bytes);
    assert_true(head_is_taken(bytes, sizeof bytes));
    struct list_head bad = good;
    bad.end = 4;
    list_head_encode(&bad, bytes);
    assert_false(head_is_taken(bytes, sizeof bytes));
    bad = good;
    bad.count = 0; /* a root over nothing */
    list_head_encode(&bad, bytes);
    assert_false(head_is_taken(bytes, sizeof bytes));
    bad = good;
    memset(bad.root, 0, sizeof bad.root); /* cards without a root */
    list_head_encode(&bad, bytes);
    assert_false(head_is_taken(bytes, sizeof bytes));
    bad.count = 0;
    list_head_encode(&bad, bytes);
    assert_true(head_is_taken(bytes, sizeof bytes));
}

static void only_the_lists_key_lists(void **state)
{
    (void)state;
    uint8_t message[LIST_HEAD_BYTES + CERTIFICATE_BYTES_MAX];
    (void)fixture_list(&world, 1, numbers, 5, message, sizeof message);
    fixture_sign(message, LIST_HEAD_BYTES - SIGNATURE_BYTES, &world.orders.keys);
    memcpy(message + LIST_HEAD_BYTES, world.orders.bytes, world.orders.length);
    struct list_head head;
    struct certificate working;
    assert_int_equal(list_check(&crypto_primitives, message, LIST_HEAD_BYTES + world.orders.length,
                                FIXTURE_SCHEME, &world.root, &head, &working),
                     DOCUMENT_FORGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_trees_are_those_of_the_definition),
        cmocka_unit_test(larger_trees_are_those_of_the_definition),
        cmocka_unit_test(a_card_beyond_the_list_has_no_path),
        cmocka_unit_test(the_longest_path_has_32_siblings),
        cmocka_unit_test(another_scheme_has_another_tree),
        cmocka_unit_test(doubled_and_unsorted_numbers_are_refused),
        cmocka_unit_test(listed_cards_are_found_and_no_others),
        cmocka_unit_test(a_signed_head_is_taken_whole),
        cmocka_unit_test(heads_out_of_range_are_refused),
        cmocka_unit_test(only_the_lists_key_lists),
    };
    return cmocka_run_group_tests(tests, make_world, NULL);
}
