/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed, the log, and key files, against OpenSSL's reading of the same keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "base/hex.h"
#include "scheme/campus.h"
#include "scheme/strict.h"

static void is_hex(const uint8_t *bytes, size_t count, const char *expected)
{
    char text[1100];
    hex_encode(bytes, count, text);
    assert_string_equal(text, expected);
}

static void what_is_signed_is_numbers_in_a_row(void **state)
{
    (void)state;
    uint8_t text[CAMPUS_TEXT_BYTES], block[CAMPUS_BLOCK_TEXT_BYTES],
        receipt_text[CAMPUS_RECEIPT_TEXT_BYTES];
    const struct campus_receipt receipt = {
        .terminal = 0x929, .counter = 2, .amount = 0x80000001u, .card = 123, .time = 0x64980000u};
    campus_text(0x7B, 0x77F48B80u, 1, text);
    is_hex(text, sizeof text, "0000007B77F48B8000000001");
    campus_block_text(0x8000007Bu, 2, block);
    is_hex(block, sizeof block, "8000007B00000002");
    campus_receipt_text(&receipt, receipt_text);
    is_hex(receipt_text, sizeof receipt_text, "0000092900000002800000010000007B64980000");
}

static void a_certificate_signs_265_bytes(void **state)
{
    (void)state;
    struct campus_certificate c = {.id = 0x929, .end = 0x649F6C80u, .usage = CAMPUS_USAGE_POS};
    uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES];
    memset(c.modulus, 0xC3, sizeof c.modulus);
    campus_certificate_text(&c, text);
    is_hex(text, 10, "00000929649F6C80C3C3");
    is_hex(text + 262, 3, "C3C302");
}

/* ---- entries of a card's log ---- */

static const struct campus_entry paid = {.kind = CAMPUS_USAGE_POS,
                                         .is_done = true,
                                         .terminal = 0x929,
                                         .counter = 7,
                                         .amount = 250,
                                         .time = 0x64980000u,
                                         .balance = 1750};

static void entries_go_both_ways(void **state)
{
    (void)state;
    struct campus_entry back, load = paid;
    uint8_t bytes[CAMPUS_ENTRY_BYTES];
    campus_entry_encode(&paid, bytes);
    is_hex(bytes, sizeof bytes, "02010000092900000007000000FA64980000000006D6");
    assert_true(campus_entry_decode(bytes, &back));
    assert_int_equal(back.kind, CAMPUS_USAGE_POS);
    assert_true(back.is_done);
    assert_int_equal(back.terminal, 0x929);
    assert_int_equal(back.counter, 7);
    assert_int_equal(back.amount, 250);
    assert_int_equal(back.time, 0x64980000u);
    assert_int_equal(back.balance, 1750);
    load.kind = CAMPUS_USAGE_RELOAD;
    load.is_done = false;
    campus_entry_encode(&load, bytes);
    assert_true(campus_entry_decode(bytes, &back));
    assert_false(back.is_done);
}

static void a_changed_bit_is_another_entry_or_refused(void **state)
{
    (void)state;
    uint8_t bytes[CAMPUS_ENTRY_BYTES], again[CAMPUS_ENTRY_BYTES];
    struct campus_entry back;
    unsigned refused = 0;
    campus_entry_encode(&paid, bytes);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (campus_entry_decode(bytes, &back)) {
            campus_entry_encode(&back, again);
            assert_memory_equal(again, bytes, sizeof bytes);
        } else {
            refused++;
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* 7 kinds (3 stays one), 8 of done, two bits of the counter, one of the amount. */
    assert_int_equal(refused, 7 + 8 + 2 + 1);
}

/* ---- keys ---- */

static EVP_PKEY *key;
static uint8_t modulus[CAMPUS_RSA_BYTES];

static int make_key(void **state)
{
    (void)state;
    BIGNUM *n = NULL;
    key = EVP_RSA_gen(2048);
    assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &n), 1);
    assert_int_equal(BN_bn2binpad(n, modulus, sizeof modulus), (int)sizeof modulus);
    BN_free(n);
    return 0;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static bool takes_public(const uint8_t *bytes, size_t length)
{
    uint8_t n[CAMPUS_RSA_BYTES];
    return campus_public_der_read(bytes, length, n);
}

static void a_public_key_is_openssl_s_subject_public_key_info(void **state)
{
    (void)state;
    uint8_t der[CAMPUS_PUBLIC_DER_BYTES], *theirs = NULL, n[CAMPUS_RSA_BYTES];
    assert_int_equal(i2d_PUBKEY(key, &theirs), (int)sizeof der);
    campus_public_der(modulus, der);
    assert_memory_equal(der, theirs, sizeof der);
    OPENSSL_free(theirs);
    assert_true(campus_public_der_read(der, sizeof der, n));
    assert_memory_equal(n, modulus, sizeof n);
    assert_exact_length(takes_public, der, sizeof der);
    for (size_t bit = 0; bit < sizeof der * 8; bit++) {
        bool is_modulus = bit > 33 * 8 + 7 && bit < (33 + 256) * 8;
        bool is_first = bit / 8 == 33;
        der[bit / 8] ^= (uint8_t)(1u << bit % 8);
        /* The modulus may be another, if it still has 2,048 bits. */
        bool expected = is_modulus || (is_first && bit % 8 != 7);
        assert_int_equal(campus_public_der_read(der, sizeof der, n), expected);
        der[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static bool takes_private(const uint8_t *bytes, size_t length)
{
    const uint8_t *inside = NULL;
    size_t inside_bytes = 0;
    return campus_private_der_read(bytes, length, &inside, &inside_bytes);
}

static void a_private_key_is_openssl_s_private_key_info(void **state)
{
    (void)state;
    uint8_t *theirs = NULL, *rsa = NULL, der[CAMPUS_PRIVATE_DER_BYTES_MAX];
    const uint8_t *inside = NULL;
    size_t inside_bytes = 0;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    int theirs_bytes = i2d_PKCS8_PRIV_KEY_INFO(info, &theirs);
    int rsa_bytes = i2d_PrivateKey(key, &rsa);
    struct writer w = writer_of(der, sizeof der);
    campus_private_der(&w, rsa, (size_t)rsa_bytes);
    assert_false(w.failed);
    assert_int_equal(w.used, theirs_bytes);
    assert_memory_equal(der, theirs, w.used);
    assert_true(campus_private_der_read(der, w.used, &inside, &inside_bytes));
    assert_int_equal(inside_bytes, rsa_bytes);
    assert_memory_equal(inside, rsa, inside_bytes);
    assert_exact_length(takes_private, der, w.used);
    for (size_t bit = 0; bit < 30 * 8; bit++) { /* all headers */
        der[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(takes_private(der, w.used));
        der[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    OPENSSL_free(theirs);
    OPENSSL_free(rsa);
}

/* ---- PEM ---- */

static bool pem_is(const char *text, const uint8_t *expected, size_t bytes)
{
    uint8_t der[64];
    struct writer w = writer_of(der, sizeof der);
    if (!campus_pem_read((const uint8_t *)text, strlen(text), &w))
        return false;
    assert_int_equal(w.used, bytes);
    assert_memory_equal(der, expected, bytes);
    return true;
}

static void a_pem_file_is_read_whatever_its_label_and_breaks(void **state)
{
    (void)state;
    static const char *const files[] = {
        "-----BEGIN RSA PUBLIC KEY-----\nZm9vYmFy\n-----END RSA PUBLIC KEY-----\n",
        "-----BEGIN RSA PUBLIC KEY-----\nZm9vYmFy\n-----END RSA PUBLIC KEY-----",
        "-----BEGIN X-----\r\nZm9v\r\nYmFy\r\n-----END Y-----\r\n",
        "-----BEGIN X-----\nZ\nm9v\n\nYmF\ny\n-----END X-----\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_true(pem_is(files[i], (const uint8_t *)"foobar", 6));
}

static void what_is_no_pem_file_is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {
        "",
        "Zm9vYmFy",
        "-----BEGIN X-----\nZm9vYmFy\n",
        "Zm9vYmFy\n-----END X-----\n",
        "-----BEGIN X-----\n-----END X-----\n",
        "-----BEGIN X-----\nZm9vYmF\n-----END X-----\n",
        "-----BEGIN X-----\nZm9v YmFy\n-----END X-----\n",
        "-----BEGIN X-----\nZm9vYmFy\n-----END X-----\n\n",
        "-----BEGIN X-----\nZm9vYmFy\n-----END X-----\nZm9v",
        "-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nZm9vYmFy\n-----END X-----\n",
        "----------\nZm9vYmFy\n----------\n",
        "\n-----BEGIN X-----\nZm9vYmFy\n-----END X-----\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (pem_is(files[i], (const uint8_t *)"foobar", 6))
            fail_msg("file %zu was taken", i);
}

static void a_pem_file_of_ours_is_read_back(void **state)
{
    (void)state;
    uint8_t file[CAMPUS_PEM_BYTES_MAX], der[CAMPUS_PUBLIC_DER_BYTES], back[400];
    struct writer w = writer_of(file, sizeof file), b = writer_of(back, sizeof back);
    campus_public_der(modulus, der);
    campus_pem_write(&w, false, der, sizeof der);
    assert_false(w.failed);
    assert_memory_equal(file, "-----BEGIN RSA PUBLIC KEY-----\n", 31);
    assert_true(campus_pem_read(file, w.used, &b));
    assert_int_equal(b.used, sizeof der);
    assert_memory_equal(back, der, sizeof der);
    /* The longest private key fits, and says that it is private. */
    uint8_t longest[CAMPUS_PRIVATE_DER_BYTES_MAX] = {0x30};
    w = writer_of(file, sizeof file);
    campus_pem_write(&w, true, longest, sizeof longest);
    assert_false(w.failed);
    assert_memory_equal(file, "-----BEGIN RSA PRIVATE KEY-----\n", 32);
}

/* ---- the log ---- */

static size_t log_make(uint8_t *out, size_t capacity, const struct campus_log_line *line)
{
    struct writer w = writer_of(out, capacity);
    writer_bytes(&w, (const uint8_t *)campus_log_header, strlen(campus_log_header));
    campus_log_line_write(&w, line);
    assert_false(w.failed);
    assert_true(w.used - strlen(campus_log_header) <= CAMPUS_LOG_LINE_BYTES_MAX);
    return w.used;
}

static struct campus_log_line line_of(enum campus_usage usage)
{
    struct campus_log_line line = {
        .time = 0x80000000u, .card = 0xFFFFFFFFu, .counter = 7, .amount = 0x7FFFFFFFu};
    line.terminal_usage = usage;
    memcpy(line.card_modulus, modulus, sizeof modulus);
    memset(line.card_certificate, 0x11, CAMPUS_RSA_BYTES);
    memset(line.receipt, 0x22, CAMPUS_RSA_BYTES);
    return line;
}

static bool takes_log(const uint8_t *bytes, size_t length)
{
    struct reader r = reader_of(bytes, length);
    struct campus_log_line line;
    return campus_log_open(&r) && campus_log_line_read(&r, &line) && reader_done(&r);
}

static void a_line_is_what_the_published_programs_print(void **state)
{
    (void)state;
    uint8_t out[1600];
    const struct campus_log_line line = line_of(CAMPUS_USAGE_RELOAD);
    size_t bytes = log_make(out, sizeof out, &line);
    static const char start[] = "timestamp,cardID,cardCounter,amount,terminalType,cardPubKey,"
                                "cardBackendSignature,transactionSignature\n"
                                "-2147483648,-1,7,2147483647,Reload,MIIBIjANBgkqhkiG9w0BAQE";
    assert_memory_equal(out, start, strlen(start));
    assert_int_equal(out[bytes - 1], '\n');
    assert_exact_length(takes_log, out, bytes);
}

static void lines_go_both_ways(void **state)
{
    (void)state;
    static const enum campus_usage usages[] = {CAMPUS_USAGE_POS, CAMPUS_USAGE_RELOAD};
    for (size_t i = 0; i < 2; i++) {
        uint8_t out[1600];
        const struct campus_log_line line = line_of(usages[i]);
        struct campus_log_line back;
        struct reader r = reader_of(out, log_make(out, sizeof out, &line));
        assert_true(campus_log_open(&r));
        assert_true(campus_log_line_read(&r, &back));
        assert_int_equal(back.time, line.time);
        assert_int_equal(back.card, line.card);
        assert_int_equal(back.counter, 7);
        assert_int_equal(back.amount, line.amount);
        assert_int_equal(back.terminal_usage, usages[i]);
        assert_memory_equal(back.card_modulus, modulus, CAMPUS_RSA_BYTES);
        assert_memory_equal(back.card_certificate, line.card_certificate, CAMPUS_RSA_BYTES);
        assert_memory_equal(back.receipt, line.receipt, CAMPUS_RSA_BYTES);
        assert_false(campus_log_line_read(&r, &back));
        assert_true(reader_done(&r)); /* an end, and no fault */
    }
}

static void a_changed_bit_is_another_log_or_refused(void **state)
{
    (void)state;
    uint8_t out[1600], again[1600];
    struct campus_log_line line = line_of(CAMPUS_USAGE_POS);
    line.time = 1234567890u;
    size_t bytes = log_make(out, sizeof out, &line);
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct reader r = reader_of(out, bytes);
        if (campus_log_open(&r) && campus_log_line_read(&r, &line) && reader_done(&r)) {
            assert_int_equal(log_make(again, sizeof again, &line), bytes);
            assert_memory_equal(again, out, bytes);
        }
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_is_numbers_in_a_row),
        cmocka_unit_test(a_certificate_signs_265_bytes),
        cmocka_unit_test(entries_go_both_ways),
        cmocka_unit_test(a_changed_bit_is_another_entry_or_refused),
        cmocka_unit_test(a_public_key_is_openssl_s_subject_public_key_info),
        cmocka_unit_test(a_private_key_is_openssl_s_private_key_info),
        cmocka_unit_test(a_pem_file_is_read_whatever_its_label_and_breaks),
        cmocka_unit_test(what_is_no_pem_file_is_refused),
        cmocka_unit_test(a_pem_file_of_ours_is_read_back),
        cmocka_unit_test(a_line_is_what_the_published_programs_print),
        cmocka_unit_test(lines_go_both_ways),
        cmocka_unit_test(a_changed_bit_is_another_log_or_refused),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
