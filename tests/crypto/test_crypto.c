/* SPDX-License-Identifier: Apache-2.0 */
/* The PSA glue against published vectors, and its refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "vectors.h"

static const char file[] = "crypto.txt";

static void cmac_matches_sp800_38b(void **state)
{
    (void)state;
    static const size_t lengths[4] = {0, 16, 40, 64};
    static const char *const names[4] = {"cmac.0", "cmac.16", "cmac.40", "cmac.64"};
    struct vector key = vector_read(file, "cmac.key"), message = vector_read(file, "cmac.message");
    for (size_t i = 0; i < 4; i++) {
        uint8_t mac[CMAC_BYTES];
        struct vector expected = vector_read(file, names[i]);
        size_t half = lengths[i] / 2;
        const struct piece pieces[2] = {{message.data, half},
                                        {message.data + half, lengths[i] - half}};
        assert_int_equal(crypto_cmac(key.data, pieces, 2, mac), CRYPTO_OK);
        assert_memory_equal(mac, expected.data, CMAC_BYTES);
    }
}

static void signing_is_rfc_6979(void **state)
{
    (void)state;
    uint8_t signature[SIGNATURE_BYTES];
    struct vector key = vector_read(file, "ecdsa.private");
    struct vector hash = vector_read(file, "ecdsa.sample.hash");
    struct vector expected = vector_read(file, "ecdsa.sample.signature");
    assert_int_equal(crypto_sign(key.data, hash.data, signature), CRYPTO_OK);
    assert_memory_equal(signature, expected.data, SIGNATURE_BYTES);
}

static void verification_refuses_every_flipped_bit_of_a_byte(void **state)
{
    (void)state;
    struct vector key = vector_read(file, "ecdsa.public");
    struct vector hash = vector_read(file, "ecdsa.sample.hash");
    struct vector signature = vector_read(file, "ecdsa.sample.signature");
    assert_int_equal(crypto_verify(key.data, hash.data, signature.data), CRYPTO_OK);
    for (size_t i = 0; i < SIGNATURE_BYTES; i++) {
        signature.data[i] ^= 1;
        assert_int_equal(crypto_verify(key.data, hash.data, signature.data), CRYPTO_INVALID);
        signature.data[i] ^= 1;
    }
    hash.data[31] ^= 0x80;
    assert_int_equal(crypto_verify(key.data, hash.data, signature.data), CRYPTO_INVALID);
    hash.data[31] ^= 0x80;
    memset(signature.data, 0, SIGNATURE_BYTES);
    assert_int_equal(crypto_verify(key.data, hash.data, signature.data), CRYPTO_INVALID);
}

static void kdf_matches_cavs(void **state)
{
    (void)state;
    uint8_t key[16], longer[80], again[80];
    struct vector secret = vector_read(file, "kdf.secret"), expected = vector_read(file, "kdf.key");
    assert_int_equal(crypto_kdf_x963(secret.data, secret.bytes, NULL, 0, key, sizeof key),
                     CRYPTO_OK);
    assert_memory_equal(key, expected.data, sizeof key);
    assert_int_equal(crypto_kdf_x963(secret.data, secret.bytes, NULL, 0, longer, 80), CRYPTO_OK);
    assert_int_equal(crypto_kdf_x963(secret.data, secret.bytes, NULL, 0, again, 33), CRYPTO_OK);
    assert_memory_equal(longer, again, 33); /* a longer key starts with the shorter one */
}

static void agreement_is_the_same_from_both_ends(void **state)
{
    (void)state;
    uint8_t a[PRIVATE_KEY_BYTES], b[PRIVATE_KEY_BYTES], at_a[SHARED_SECRET_BYTES],
        at_b[SHARED_SECRET_BYTES], point_a[PUBLIC_KEY_BYTES], point_b[PUBLIC_KEY_BYTES];
    assert_int_equal(crypto_generate(a, point_a), CRYPTO_OK);
    assert_int_equal(crypto_generate(b, point_b), CRYPTO_OK);
    assert_int_equal(crypto_agree(a, point_b, at_a), CRYPTO_OK);
    assert_int_equal(crypto_agree(b, point_a, at_b), CRYPTO_OK);
    assert_memory_equal(at_a, at_b, SHARED_SECRET_BYTES);
}

static void bad_points_are_refused_and_leave_nothing(void **state)
{
    (void)state;
    static const uint8_t zeros[PUBLIC_KEY_BYTES];
    uint8_t key[PRIVATE_KEY_BYTES], point[PUBLIC_KEY_BYTES], secret[SHARED_SECRET_BYTES];
    assert_int_equal(crypto_generate(key, point), CRYPTO_OK);
    memset(secret, 0xAA, sizeof secret);
    assert_int_equal(crypto_agree(key, zeros, secret), CRYPTO_INVALID);
    assert_true(bytes_are_zero(secret, sizeof secret));
    point[63] ^= 1;
    assert_int_equal(crypto_agree(key, point, secret), CRYPTO_INVALID);
    memset(point, 0xFF, sizeof point); /* beyond the field */
    assert_int_equal(crypto_agree(key, point, secret), CRYPTO_INVALID);
}

static void cbc_goes_there_and_back_in_place(void **state)
{
    (void)state;
    static const uint8_t key[AES_KEY_BYTES] = {1}, iv[16] = {2};
    uint8_t data[48], plain[48];
    for (size_t i = 0; i < sizeof data; i++)
        plain[i] = data[i] = (uint8_t)i;
    assert_int_equal(crypto_cbc_encrypt(key, iv, data, sizeof data, data), CRYPTO_OK);
    assert_memory_not_equal(data, plain, sizeof data);
    assert_int_equal(crypto_cbc_decrypt(key, iv, data, sizeof data, data), CRYPTO_OK);
    assert_memory_equal(data, plain, sizeof data);
}

static void no_key_slot_is_left_behind(void **state)
{
    (void)state;
    /* Mbed TLS has 32 slots: more rounds than that, failing ones among them, would run out. */
    uint8_t key[PRIVATE_KEY_BYTES], point[PUBLIC_KEY_BYTES], secret[SHARED_SECRET_BYTES];
    static const uint8_t zeros[PUBLIC_KEY_BYTES];
    for (int i = 0; i < 40; i++) {
        assert_int_equal(crypto_generate(key, point), CRYPTO_OK);
        assert_int_equal(crypto_agree(key, zeros, secret), CRYPTO_INVALID);
        assert_int_equal(crypto_verify(zeros, secret, point), CRYPTO_INVALID);
    }
}

static int start(void **state)
{
    (void)state;
    return crypto_start() == CRYPTO_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cmac_matches_sp800_38b),
        cmocka_unit_test(signing_is_rfc_6979),
        cmocka_unit_test(verification_refuses_every_flipped_bit_of_a_byte),
        cmocka_unit_test(kdf_matches_cavs),
        cmocka_unit_test(agreement_is_the_same_from_both_ends),
        cmocka_unit_test(bad_points_are_refused_and_leave_nothing),
        cmocka_unit_test(cbc_goes_there_and_back_in_place),
        cmocka_unit_test(no_key_slot_is_left_behind),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
