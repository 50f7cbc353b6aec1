/* SPDX-License-Identifier: Apache-2.0 */
/* The files that the published programs wrote (tests/vectors/campus-files) are read, say what they
 * should, and are written by us the same to the byte where ours has the same form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/rsa.h"
#include "scheme/campus.h"

#define CARD_ID 123u
#define POS_ID 2345u
#define RELOAD_ID 12345u
#define TERMINAL_END 0x649F6C80u
#define CARD_END 0x77F48B80u

static uint8_t file[16384];

static size_t file_read(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", CAMPUS_FILES, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s is missing", path);
    size_t bytes = fread(file, 1, sizeof file, f);
    fclose(f);
    return bytes;
}

static void public_key(const char *name, uint8_t modulus[CAMPUS_RSA_BYTES])
{
    uint8_t der[CAMPUS_PUBLIC_DER_BYTES], again[CAMPUS_PEM_BYTES_MAX];
    struct writer d = writer_of(der, sizeof der), p = writer_of(again, sizeof again);
    size_t bytes = file_read(name);
    assert_true(campus_pem_read(file, bytes, &d));
    assert_true(campus_public_der_read(der, d.used, modulus));
    campus_pem_write(&p, false, der, d.used);
    assert_int_equal(p.used, bytes);
    assert_memory_equal(again, file, bytes);
}

static bool is_signed(const uint8_t modulus[CAMPUS_RSA_BYTES], const uint8_t *text, size_t bytes,
                      const uint8_t signature[CAMPUS_RSA_BYTES])
{
    const struct piece piece = {text, bytes};
    return rsa_verify_sha1(modulus, &piece, 1, signature) == CRYPTO_OK;
}

static void public_keys_are_read_and_written_to_the_byte(void **state)
{
    (void)state;
    static const char *const names[] = {"backend_public.pem", "pos_public.pem",
                                        "reload_public.pem"};
    uint8_t modulus[CAMPUS_RSA_BYTES];
    for (size_t i = 0; i < 3; i++)
        public_key(names[i], modulus);
}

static void private_keys_are_read_and_written_to_the_byte(void **state)
{
    (void)state;
    static const char *const names[] = {"test-keys/backend_private.pem",
                                        "test-keys/pos_private.pem",
                                        "test-keys/reload_private.pem"};
    for (size_t i = 0; i < 3; i++) {
        uint8_t der[CAMPUS_PRIVATE_DER_BYTES_MAX], again_der[CAMPUS_PRIVATE_DER_BYTES_MAX];
        uint8_t again[CAMPUS_PEM_BYTES_MAX];
        struct writer d = writer_of(der, sizeof der), e = writer_of(again_der, sizeof again_der),
                      p = writer_of(again, sizeof again);
        const uint8_t *inside = NULL;
        size_t inside_bytes = 0, bytes = file_read(names[i]);
        assert_true(campus_pem_read(file, bytes, &d));
        assert_true(campus_private_der_read(der, d.used, &inside, &inside_bytes));
        campus_private_der(&e, inside, inside_bytes);
        campus_pem_write(&p, true, again_der, e.used);
        assert_int_equal(p.used, bytes);
        assert_memory_equal(again, file, bytes);
    }
}

static void terminal_certificates_verify(void **state)
{
    (void)state;
    static const struct {
        const char *key, *signature;
        uint32_t id;
        enum campus_usage usage;
    } of[] = {{"pos_public.pem", "pos_signature", POS_ID, CAMPUS_USAGE_POS},
              {"reload_public.pem", "reload_signature", RELOAD_ID, CAMPUS_USAGE_RELOAD}};
    uint8_t back_end[CAMPUS_RSA_BYTES], text[CAMPUS_CERTIFICATE_TEXT_BYTES];
    public_key("backend_public.pem", back_end);
    for (size_t i = 0; i < 2; i++) {
        struct campus_certificate c = {.id = of[i].id, .end = TERMINAL_END, .usage = of[i].usage};
        public_key(of[i].key, c.modulus);
        assert_int_equal(file_read(of[i].signature), CAMPUS_RSA_BYTES);
        campus_certificate_text(&c, text);
        assert_true(is_signed(back_end, text, sizeof text, file));
        text[CAMPUS_CERTIFICATE_TEXT_BYTES - 1] = 1;
        assert_false(is_signed(back_end, text, sizeof text, file));
    }
}

static void lists_verify_and_name_whom_they_should(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t count;
    } of[] = {{"CRL-empty", 0}, {"CRL", 1}};
    uint8_t back_end[CAMPUS_RSA_BYTES];
    public_key("backend_public.pem", back_end);
    for (size_t i = 0; i < 2; i++) {
        struct campus_list list;
        size_t bytes = file_read(of[i].name);
        assert_true(campus_list_read(file, bytes, &list));
        assert_true(is_signed(back_end, list.text, list.text_bytes, list.signature));
        assert_int_equal(list.count, of[i].count);
        assert_int_equal(campus_list_has(&list, CARD_ID), of[i].count == 1);
        assert_in_range(list.end_ms / 1000, 1687910400u, 1688256000u); /* end of June 2023 */
    }
}

static void the_logs_lines_verify(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t terminal;
        enum campus_usage usage;
    } of[] = {{"payment_log.csv", POS_ID, CAMPUS_USAGE_POS},
              {"reload_log.csv", RELOAD_ID, CAMPUS_USAGE_RELOAD}};
    uint8_t back_end[CAMPUS_RSA_BYTES];
    public_key("backend_public.pem", back_end);
    for (size_t i = 0; i < 2; i++) {
        struct campus_log_line line;
        struct reader r = reader_of(file, file_read(of[i].name));
        unsigned count = 0;
        assert_true(campus_log_open(&r));
        for (; campus_log_line_read(&r, &line); count++) {
            struct campus_certificate card = {
                .id = line.card, .end = CARD_END, .usage = CAMPUS_USAGE_CARD};
            const struct campus_receipt receipt = {.terminal = of[i].terminal,
                                                   .counter = line.counter,
                                                   .amount = line.amount,
                                                   .card = line.card,
                                                   .time = line.time};
            uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES], said[CAMPUS_RECEIPT_TEXT_BYTES];
            memcpy(card.modulus, line.card_modulus, CAMPUS_RSA_BYTES);
            campus_certificate_text(&card, text);
            campus_receipt_text(&receipt, said);
            assert_int_equal(line.terminal_usage, of[i].usage);
            assert_true(is_signed(back_end, text, sizeof text, line.card_certificate));
            assert_true(is_signed(line.card_modulus, said, sizeof said, line.receipt));
        }
        assert_true(reader_done(&r));
        assert_int_not_equal(count, 0);
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
        cmocka_unit_test(public_keys_are_read_and_written_to_the_byte),
        cmocka_unit_test(private_keys_are_read_and_written_to_the_byte),
        cmocka_unit_test(terminal_certificates_verify),
        cmocka_unit_test(lists_verify_and_name_whom_they_should),
        cmocka_unit_test(the_logs_lines_verify),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
