/* SPDX-License-Identifier: Apache-2.0 */
/* The files that the published programs wrote are read, mean what the captured talks said, and are
 * written by us as they are. */
#include "published.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static uint8_t back_end[RSA_BYTES], card_key[RSA_BYTES];

static int read_keys(void **state)
{
    (void)state;
    published_public("backend_public.pem", back_end);
    published_answered(&published_talks[0], 0x02, card_key);
    return crypto_start() == CRYPTO_OK ? 0 : -1;
}

static void assert_written_alike(const char *name, bool is_private)
{
    uint8_t theirs[CAMPUS_PEM_BYTES_MAX], der[CAMPUS_PRIVATE_DER_BYTES_MAX];
    uint8_t ours[CAMPUS_PEM_BYTES_MAX], again[CAMPUS_PRIVATE_DER_BYTES_MAX];
    size_t bytes = published_file(name, theirs, sizeof theirs);
    struct writer body = writer_of(der, sizeof der), w = writer_of(ours, sizeof ours);
    struct writer made = writer_of(again, sizeof again);
    assert_true(campus_pem_read(theirs, bytes, &body));
    if (is_private) {
        uint8_t key[RSA_PRIVATE_BYTES_MAX];
        campus_private_der(&made, key, published_private(name, key));
    } else {
        uint8_t modulus[RSA_BYTES];
        published_public(name, modulus);
        campus_public_der(modulus, writer_reserve(&made, CAMPUS_PUBLIC_DER_BYTES));
    }
    assert_false(made.failed);
    assert_int_equal(made.used, body.used);
    assert_memory_equal(again, der, body.used);
    campus_pem_write(&w, is_private, again, made.used);
    assert_false(w.failed);
    assert_int_equal(w.used, bytes);
    assert_memory_equal(ours, theirs, bytes);
}

static void key_files_are_written_to_the_byte(void **state)
{
    static const char *const public_files[] = {"backend_public.pem", "pos_public.pem",
                                               "reload_public.pem"};
    static const char *const private_files[] = {
        "test-keys/backend_private.pem", "test-keys/pos_private.pem",
        "test-keys/reload_private.pem", "test-keys/card_private.pem"};
    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_written_alike(public_files[i], false);
    for (size_t i = 0; i < 4; i++)
        assert_written_alike(private_files[i], true);
}

/* The private keys are those of the public ones: what one signs, the other verifies. */
static void pairs_are_pairs(void **state)
{
    static const char *const files[][2] = {{"test-keys/backend_private.pem", "backend_public.pem"},
                                           {"test-keys/pos_private.pem", "pos_public.pem"},
                                           {"test-keys/reload_private.pem", "reload_public.pem"}};
    static const uint8_t text[] = {1, 2, 3};
    const struct piece piece = {text, sizeof text};
    uint8_t der[RSA_PRIVATE_BYTES_MAX], modulus[RSA_BYTES], signature[RSA_BYTES];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t bytes = published_private(files[i][0], der);
        published_public(files[i][1], modulus);
        assert_int_equal(rsa_sign_sha1(der, bytes, &piece, 1, signature), CRYPTO_OK);
        assert_int_equal(rsa_verify_sha1(modulus, &piece, 1, signature), CRYPTO_OK);
    }
    size_t bytes = published_private("test-keys/card_private.pem", der);
    assert_int_equal(rsa_sign_sha1(der, bytes, &piece, 1, signature), CRYPTO_OK);
    assert_int_equal(rsa_verify_sha1(card_key, &piece, 1, signature), CRYPTO_OK);
}

static void certificate_files_are_what_the_terminals_sent(void **state)
{
    uint8_t file[RSA_BYTES], sent[RSA_BYTES];
    (void)state;
    assert_int_equal(published_file("reload_signature", file, sizeof file), RSA_BYTES);
    published_value(&published_talks[1], 0x24, sent);
    assert_memory_equal(file, sent, RSA_BYTES);
    assert_int_equal(published_file("pos_signature", file, sizeof file), RSA_BYTES);
    published_value(&published_talks[3], 0x24, sent);
    assert_memory_equal(file, sent, RSA_BYTES);
}

static void assert_list(const char *name, uint32_t count, const char *day)
{
    uint8_t file[1024];
    struct campus_list list;
    size_t bytes = published_file(name, file, sizeof file);
    assert_true(campus_list_read(file, bytes, &list));
    assert_int_equal(list.count, count);
    assert_int_equal(campus_list_has(&list, 123), count != 0);
    assert_false(campus_list_has(&list, 12));
    assert_memory_equal(list.text, day, strlen(day));
    assert_in_range(list.end_ms, 1688126400000u, 1688126460000u); /* 30 June 2023, 12:00 */
    const struct piece piece = {list.text, list.text_bytes};
    assert_int_equal(rsa_verify_sha1(back_end, &piece, 1, list.signature), CRYPTO_OK);
}

static void lists_are_read_and_verified(void **state)
{
    (void)state;
    assert_list("CRL-empty", 0, "2023-06-30T12:00:0");
    assert_list("CRL", 1, "2023-06-30T12:00:0");
}

static void assert_line(const struct campus_log_line *line, const struct published_talk *talk)
{
    const struct published_facts facts = published_facts(talk);
    uint8_t certificate[RSA_BYTES], receipt[RSA_BYTES];
    const bool is_pos = talk->party == PUBLISHED_POS;
    assert_int_equal(line->time, facts.time);
    assert_int_equal(line->card, facts.card);
    assert_int_equal(line->counter, facts.counter + 1);
    assert_int_equal(line->amount, facts.amount);
    assert_int_equal(line->terminal_usage, is_pos ? CAMPUS_USAGE_POS : CAMPUS_USAGE_RELOAD);
    assert_memory_equal(line->card_modulus, card_key, RSA_BYTES);
    published_answered(talk, 0x24, certificate);
    assert_memory_equal(line->card_certificate, certificate, RSA_BYTES);
    published_answered(talk, is_pos ? 0x42 : 0x30, receipt);
    assert_memory_equal(line->receipt, receipt, RSA_BYTES);
}

static void assert_log(const char *name, unsigned first)
{
    uint8_t file[4096], ours[4096];
    size_t bytes = published_file(name, file, sizeof file);
    struct reader r = reader_of(file, bytes);
    struct writer w = writer_of(ours, sizeof ours);
    writer_bytes(&w, (const uint8_t *)campus_log_header, strlen(campus_log_header));
    assert_true(campus_log_open(&r));
    for (unsigned i = first; i < first + 2; i++) {
        struct campus_log_line line;
        assert_true(campus_log_line_read(&r, &line));
        assert_line(&line, &published_talks[i]);
        campus_log_line_write(&w, &line);
    }
    assert_true(reader_done(&r));
    assert_false(w.failed);
    assert_int_equal(w.used, bytes);
    assert_memory_equal(ours, file, bytes);
}

static void logs_say_what_the_talks_said(void **state)
{
    (void)state;
    assert_log("reload_log.csv", 1);
    assert_log("payment_log.csv", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_files_are_written_to_the_byte),
        cmocka_unit_test(pairs_are_pairs),
        cmocka_unit_test(certificate_files_are_what_the_terminals_sent),
        cmocka_unit_test(lists_are_read_and_verified),
        cmocka_unit_test(logs_say_what_the_talks_said),
    };
    return cmocka_run_group_tests(tests, read_keys, NULL);
}
