/* SPDX-License-Identifier: Apache-2.0 */
/* RSA-2048 with SHA-1 against OpenSSL, an implementation that shares no line with ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "crypto/rsa.h"

static uint8_t der[RSA_PRIVATE_BYTES_MAX], modulus[RSA_BYTES];
static size_t der_bytes;
static EVP_PKEY *theirs; /* the same key */
static const uint8_t text[] = "ID expiry counter 1234";

static int generate(void **state)
{
    (void)state;
    assert_int_equal(crypto_start(), CRYPTO_OK);
    assert_int_equal(rsa_generate(der, &der_bytes, modulus), CRYPTO_OK);
    const uint8_t *at = der;
    theirs = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)der_bytes);
    assert_non_null(theirs);
    assert_ptr_equal(at, der + der_bytes);
    return 0;
}

static int release(void **state)
{
    (void)state;
    EVP_PKEY_free(theirs);
    return 0;
}

static const struct piece whole = {text, sizeof text};

static void a_new_key_has_2048_bits_and_exponent_65537(void **state)
{
    (void)state;
    BIGNUM *n = NULL, *e = NULL;
    uint8_t theirs_n[RSA_BYTES];
    assert_int_equal(EVP_PKEY_get_bits(theirs), 2048);
    assert_int_equal(EVP_PKEY_get_bn_param(theirs, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(theirs, OSSL_PKEY_PARAM_RSA_E, &e), 1);
    assert_int_equal(BN_bn2binpad(n, theirs_n, RSA_BYTES), RSA_BYTES);
    assert_memory_equal(modulus, theirs_n, RSA_BYTES);
    assert_true(BN_is_word(e, 65537));
    assert_true(rsa_is_modulus(modulus));
    BN_free(n);
    BN_free(e);
}

/* PKCS #1 v1.5 is deterministic: both make the same signature, however the text is cut. */
static void signatures_are_openssl_s(void **state)
{
    (void)state;
    uint8_t ours[RSA_BYTES], expected[RSA_BYTES];
    size_t bytes = sizeof expected;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha1(), NULL, theirs), 1);
    assert_int_equal(EVP_DigestSign(context, expected, &bytes, text, sizeof text), 1);
    EVP_MD_CTX_free(context);
    for (size_t cut = 0; cut <= sizeof text; cut++) {
        const struct piece pieces[] = {{text, cut}, {text + cut, sizeof text - cut}};
        assert_int_equal(rsa_sign_sha1(der, der_bytes, pieces, 2, ours), CRYPTO_OK);
        assert_memory_equal(ours, expected, RSA_BYTES);
        assert_int_equal(rsa_verify_sha1(modulus, pieces, 2, expected), CRYPTO_OK);
    }
}

/* With SHA-256 too; and what is signed with one hash is nothing with the other. */
static void signatures_with_sha256_are_openssl_s_and_of_their_own_kind(void **state)
{
    (void)state;
    uint8_t ours[RSA_BYTES], expected[RSA_BYTES], sha1[RSA_BYTES];
    size_t bytes = sizeof expected;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, theirs), 1);
    assert_int_equal(EVP_DigestSign(context, expected, &bytes, text, sizeof text), 1);
    EVP_MD_CTX_free(context);
    const struct piece pieces[] = {{text, 5}, {text + 5, sizeof text - 5}};
    assert_int_equal(rsa_sign_sha256(der, der_bytes, pieces, 2, ours), CRYPTO_OK);
    assert_memory_equal(ours, expected, RSA_BYTES);
    assert_int_equal(rsa_verify_sha256(modulus, pieces, 2, expected), CRYPTO_OK);
    assert_int_equal(rsa_sign_sha1(der, der_bytes, pieces, 2, sha1), CRYPTO_OK);
    assert_int_equal(rsa_verify_sha1(modulus, pieces, 2, ours), CRYPTO_INVALID);
    assert_int_equal(rsa_verify_sha256(modulus, pieces, 2, sha1), CRYPTO_INVALID);
    for (size_t i = 0; i < RSA_BYTES; i++) {
        ours[i] ^= 0x10;
        assert_int_equal(rsa_verify_sha256(modulus, pieces, 2, ours), CRYPTO_INVALID);
        ours[i] ^= 0x10;
    }
    const struct piece shorter = {text, sizeof text - 1};
    assert_int_equal(rsa_verify_sha256(modulus, &shorter, 1, ours), CRYPTO_INVALID);
    memset(ours, 0xA5, sizeof ours);
    assert_int_not_equal(rsa_sign_sha256(der, der_bytes - 1, pieces, 2, ours), CRYPTO_OK);
    assert_true(bytes_are_zero(ours, sizeof ours));
}

static void any_other_signature_text_or_key_is_refused(void **state)
{
    (void)state;
    uint8_t signature[RSA_BYTES], key[RSA_BYTES], other[sizeof text];
    assert_int_equal(rsa_sign_sha1(der, der_bytes, &whole, 1, signature), CRYPTO_OK);
    for (size_t i = 0; i < RSA_BYTES; i++) {
        signature[i] ^= 0x10;
        assert_int_equal(rsa_verify_sha1(modulus, &whole, 1, signature), CRYPTO_INVALID);
        signature[i] ^= 0x10;
        memcpy(key, modulus, RSA_BYTES);
        key[i] ^= 0x04;
        assert_int_equal(rsa_verify_sha1(key, &whole, 1, signature), CRYPTO_INVALID);
    }
    for (size_t i = 0; i < sizeof text; i++) {
        const struct piece piece = {other, sizeof other};
        memcpy(other, text, sizeof text);
        other[i] ^= 1;
        assert_int_equal(rsa_verify_sha1(modulus, &piece, 1, signature), CRYPTO_INVALID);
    }
    const struct piece shorter = {text, sizeof text - 1};
    assert_int_equal(rsa_verify_sha1(modulus, &shorter, 1, signature), CRYPTO_INVALID);
}

/* Zero, one, the modulus itself and all ones are no signatures, of anything. */
static void numbers_that_are_no_signatures_are_refused(void **state)
{
    (void)state;
    uint8_t signature[RSA_BYTES] = {0};
    assert_int_equal(rsa_verify_sha1(modulus, &whole, 1, signature), CRYPTO_INVALID);
    signature[RSA_BYTES - 1] = 1;
    assert_int_equal(rsa_verify_sha1(modulus, &whole, 1, signature), CRYPTO_INVALID);
    assert_int_equal(rsa_verify_sha1(modulus, &whole, 1, modulus), CRYPTO_INVALID);
    memset(signature, 0xFF, sizeof signature);
    assert_int_equal(rsa_verify_sha1(modulus, &whole, 1, signature), CRYPTO_INVALID);
}

static void numbers_that_are_no_keys_are_refused(void **state)
{
    (void)state;
    uint8_t signature[RSA_BYTES] = {0}, key[RSA_BYTES] = {0};
    assert_int_equal(rsa_sign_sha1(der, der_bytes, &whole, 1, signature), CRYPTO_OK);
    assert_int_equal(rsa_verify_sha1(key, &whole, 1, signature), CRYPTO_INVALID);
    memcpy(key, modulus, RSA_BYTES);
    key[0] &= 0x7F; /* 2047 bits or fewer */
    assert_false(rsa_is_modulus(key));
    assert_int_equal(rsa_verify_sha1(key, &whole, 1, signature), CRYPTO_INVALID);
    memcpy(key, modulus, RSA_BYTES);
    key[RSA_BYTES - 1] &= 0xFE; /* even */
    assert_false(rsa_is_modulus(key));
    assert_int_equal(rsa_verify_sha1(key, &whole, 1, signature), CRYPTO_INVALID);
}

static void a_cut_private_key_signs_nothing(void **state)
{
    (void)state;
    uint8_t signature[RSA_BYTES];
    for (size_t bytes = 0; bytes < der_bytes; bytes += 37) {
        memset(signature, 0xA5, sizeof signature);
        assert_int_not_equal(rsa_sign_sha1(der, bytes, &whole, 1, signature), CRYPTO_OK);
        assert_true(bytes_are_zero(signature, sizeof signature));
    }
}

/* The library has 32 places for keys: each call gives its own back, also after a refusal. */
static void no_key_is_left_in_the_library(void **state)
{
    (void)state;
    uint8_t signature[RSA_BYTES], wrong[RSA_BYTES] = {1};
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rsa_sign_sha1(der, der_bytes, &whole, 1, signature), CRYPTO_OK);
        assert_int_equal(rsa_verify_sha1(modulus, &whole, 1, signature), CRYPTO_OK);
        assert_int_equal(rsa_verify_sha1(modulus, &whole, 1, wrong), CRYPTO_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_has_2048_bits_and_exponent_65537),
        cmocka_unit_test(signatures_are_openssl_s),
        cmocka_unit_test(signatures_with_sha256_are_openssl_s_and_of_their_own_kind),
        cmocka_unit_test(any_other_signature_text_or_key_is_refused),
        cmocka_unit_test(numbers_that_are_no_signatures_are_refused),
        cmocka_unit_test(numbers_that_are_no_keys_are_refused),
        cmocka_unit_test(a_cut_private_key_signs_nothing),
        cmocka_unit_test(no_key_is_left_in_the_library),
    };
    return cmocka_run_group_tests(tests, generate, release);
}
