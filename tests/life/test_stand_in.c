/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in behaves as the curve does, as far as anybody can see who has not its secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bank/evp.h"
#include "chance.h"
#include "crypto/crypto.h"
#include "stand_in.h"

static const uint8_t hash[SHA256_BYTES] = {1, 2, 3};

struct cast {
    uint8_t own[PRIVATE_KEY_BYTES], card[PUBLIC_KEY_BYTES], bank[PUBLIC_KEY_BYTES];
    EVP_PKEY *pair;
};
static struct cast cast;

static int open_cast(void **state)
{
    (void)state;
    chance_seed(7);
    stand_in_secret(7);
    assert_int_equal(crypto_start(), CRYPTO_OK);
    assert_int_equal(crypto_generate(cast.own, cast.card), CRYPTO_OK);
    cast.pair = evp_key_generate();
    assert_non_null(cast.pair);
    assert_true(evp_public_of(cast.pair, cast.bank));
    return 0;
}

static int close_cast(void **state)
{
    (void)state;
    EVP_PKEY_free(cast.pair);
    return 0;
}

static void both_sides_verify_each_other_and_no_changed_bit(void **state)
{
    uint8_t signature[2][SIGNATURE_BYTES], other[SHA256_BYTES];
    const uint8_t *keys[2] = {cast.card, cast.bank};
    (void)state;
    assert_int_equal(crypto_sign(cast.own, hash, signature[0]), CRYPTO_OK);
    assert_true(evp_sign(cast.pair, hash, signature[1]));
    for (unsigned who = 0; who < 2; who++) {
        assert_int_equal(crypto_verify(keys[who], hash, signature[who]), CRYPTO_OK);
        assert_int_equal(bank_primitives.verify(keys[who], hash, signature[who]), VERDICT_VALID);
        assert_int_equal(crypto_verify(keys[!who], hash, signature[who]), CRYPTO_INVALID);
        assert_int_equal(bank_primitives.verify(keys[!who], hash, signature[who]), VERDICT_FORGED);
        for (unsigned bit = 0; bit < 8 * SIGNATURE_BYTES; bit++) {
            signature[who][bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(crypto_verify(keys[who], hash, signature[who]), CRYPTO_INVALID);
            assert_int_equal(bank_primitives.verify(keys[who], hash, signature[who]),
                             VERDICT_FORGED);
            signature[who][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (unsigned bit = 0; bit < 8 * SHA256_BYTES; bit++) {
            memcpy(other, hash, sizeof other);
            other[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(crypto_verify(keys[who], other, signature[who]), CRYPTO_INVALID);
        }
    }
}

static void both_sides_agree_and_nobody_else(void **state)
{
    uint8_t one[SHARED_SECRET_BYTES], two[SHARED_SECRET_BYTES], third[PRIVATE_KEY_BYTES];
    uint8_t stranger[PUBLIC_KEY_BYTES];
    (void)state;
    assert_int_equal(crypto_agree(cast.own, cast.bank, one), CRYPTO_OK);
    assert_true(evp_agree(cast.pair, cast.card, two));
    assert_memory_equal(one, two, sizeof one);
    assert_int_equal(crypto_generate(third, stranger), CRYPTO_OK);
    assert_int_equal(crypto_agree(third, cast.bank, two), CRYPTO_OK);
    assert_memory_not_equal(one, two, sizeof one);
}

static void a_point_that_nobody_made_is_refused(void **state)
{
    uint8_t point[PUBLIC_KEY_BYTES], secret[SHARED_SECRET_BYTES];
    uint8_t signature[SIGNATURE_BYTES] = {1};
    (void)state;
    for (unsigned bit = 0; bit < 8 * PUBLIC_KEY_BYTES; bit++) {
        memcpy(point, cast.card, sizeof point);
        point[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(crypto_agree(cast.own, point, secret), CRYPTO_INVALID);
        assert_int_equal(crypto_verify(point, hash, signature), CRYPTO_INVALID);
        assert_false(evp_agree(cast.pair, point, secret));
        assert_int_equal(evp_point(point), VERDICT_FORGED);
        assert_null(evp_key_public(point));
    }
}

static void a_scalar_outside_the_curve_s_order_is_refused(void **state)
{
    uint8_t scalar[PRIVATE_KEY_BYTES] = {0}, out[SIGNATURE_BYTES];
    (void)state;
    assert_int_not_equal(crypto_sign(scalar, hash, out), CRYPTO_OK);
    memset(scalar, 0xFF, sizeof scalar);
    assert_int_not_equal(crypto_sign(scalar, hash, out), CRYPTO_OK);
    assert_null(evp_key_private(cast.own, cast.bank));
}

static void the_bank_s_pair_survives_as_scalar_and_key(void **state)
{
    uint8_t scalar[PRIVATE_KEY_BYTES], key[PUBLIC_KEY_BYTES], one[SHARED_SECRET_BYTES];
    uint8_t two[SHARED_SECRET_BYTES];
    (void)state;
    assert_true(evp_scalar_of(cast.pair, scalar));
    EVP_PKEY *again = evp_key_private(scalar, cast.bank);
    assert_non_null(again);
    assert_true(evp_public_of(again, key));
    assert_memory_equal(key, cast.bank, sizeof key);
    assert_true(evp_agree(again, cast.card, one) && evp_agree(cast.pair, cast.card, two));
    assert_memory_equal(one, two, sizeof one);
    EVP_PKEY_free(again);
}

static void another_run_knows_nothing_of_this_one(void **state)
{
    uint8_t signature[SIGNATURE_BYTES];
    (void)state;
    assert_int_equal(crypto_sign(cast.own, hash, signature), CRYPTO_OK);
    stand_in_secret(8);
    assert_int_equal(crypto_verify(cast.card, hash, signature), CRYPTO_INVALID);
    stand_in_secret(7);
    assert_int_equal(crypto_verify(cast.card, hash, signature), CRYPTO_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_verify_each_other_and_no_changed_bit),
        cmocka_unit_test(both_sides_agree_and_nobody_else),
        cmocka_unit_test(a_point_that_nobody_made_is_refused),
        cmocka_unit_test(a_scalar_outside_the_curve_s_order_is_refused),
        cmocka_unit_test(the_bank_s_pair_survives_as_scalar_and_key),
        cmocka_unit_test(another_run_knows_nothing_of_this_one),
    };
    return cmocka_run_group_tests(tests, open_cast, close_cast);
}
