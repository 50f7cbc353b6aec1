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
#include "scheme/online.h"
#include "scheme/strict.h"

#define MESSAGE_MOST (ANSWER_BYTES + CERTIFICATE_BYTES_MAX)

static struct fixture_scheme world;
static uint8_t request_document[REQUEST_BYTES];

static struct request request_of(void)
{
    return (struct request){.scheme = FIXTURE_SCHEME,
                            .card = {1, 2, 3, 4, 5, 6, 7, 8},
                            .card_counter = 0x11121314,
                            .terminal = {21, 22, 23, 24, 25, 26, 27, 28},
                            .terminal_counter = 0x31323334,
                            .terminal_certificate = {0x41, [15] = 0x4F},
                            .merchant = 0x51525354,
                            .amount = {0x61626364, 978},
                            .balance = 0x71727374,
                            .time = 0x81828384,
                            .reference = {0x91, [7] = 0x98},
                            .flags = 0x03,
                            .nonce = {0xA1, [7] = 0xA8}};
}

static enum document_status recode_request(const struct request *request, uint8_t *bytes)
{
    struct request decoded;
    request_encode(request, bytes);
    memset(bytes + REQUEST_BYTES - SIGNATURE_BYTES, 0x5A, SIGNATURE_BYTES);
    return request_decode(bytes, REQUEST_BYTES, FIXTURE_SCHEME, &decoded);
}

static int make_world(void **state)
{
    (void)state;
    fixture_scheme_make(&world);
    struct request request = request_of();
    return recode_request(&request, request_document) == DOCUMENT_OK ? 0 : -1;
}

static void a_request_survives_encoding(void **state)
{
    (void)state;
    struct request wanted = request_of(), r;
    uint8_t bytes[REQUEST_BYTES];
    assert_int_equal(recode_request(&wanted, bytes), DOCUMENT_OK);
    assert_int_equal(request_decode(bytes, sizeof bytes, FIXTURE_SCHEME, &r), DOCUMENT_OK);
    assert_memory_equal(r.card, wanted.card, CARD_NUMBER_BYTES);
    assert_int_equal(r.card_counter, wanted.card_counter);
    assert_memory_equal(r.terminal, wanted.terminal, TERMINAL_NUMBER_BYTES);
    assert_int_equal(r.terminal_counter, wanted.terminal_counter);
    assert_memory_equal(r.terminal_certificate, wanted.terminal_certificate, HOST_ID_BYTES);
    assert_int_equal(r.merchant, wanted.merchant);
    assert_int_equal(r.amount.minor, wanted.amount.minor);
    assert_int_equal(r.amount.currency, wanted.amount.currency);
    assert_int_equal(r.balance, wanted.balance);
    assert_int_equal(r.time, wanted.time);
    assert_memory_equal(r.reference, wanted.reference, REFERENCE_BYTES);
    assert_int_equal(r.flags, wanted.flags);
    assert_memory_equal(r.nonce, wanted.nonce, RANDOM_BYTES);
}

static bool request_is_taken(const uint8_t *bytes, size_t length)
{
    struct request r;
    return request_decode(bytes, length, FIXTURE_SCHEME, &r) == DOCUMENT_OK;
}

static bool answer_is_taken(const uint8_t *bytes, size_t length)
{
    struct answer a;
    return answer_decode(bytes, length, FIXTURE_SCHEME, &a) == DOCUMENT_OK;
}

static void requests_out_of_range_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[REQUEST_BYTES];
    assert_exact_length(request_is_taken, request_document, REQUEST_BYTES);
    for (unsigned flags = 0; flags < 256; flags++) {
        struct request r = request_of();
        r.flags = (uint8_t)flags;
        assert_int_equal(recode_request(&r, bytes), flags <= 3 ? DOCUMENT_OK : DOCUMENT_MALFORMED);
    }
    struct request r = request_of();
    r.amount.minor = 0;
    assert_int_equal(recode_request(&r, bytes), DOCUMENT_MALFORMED);
    r = request_of();
    r.amount.currency = 0;
    assert_int_equal(recode_request(&r, bytes), DOCUMENT_MALFORMED);
    r = request_of();
    r.scheme++;
    assert_int_equal(recode_request(&r, bytes), DOCUMENT_OTHER_SCHEME);
    memcpy(bytes, request_document, sizeof bytes);
    bytes[0] = DOCUMENT_ANSWER;
    assert_int_equal(request_decode(bytes, sizeof bytes, FIXTURE_SCHEME, &r), DOCUMENT_OTHER_KIND);
}

/* ---- answers ---- */

static struct answer answer_of(void)
{
    struct answer answer = {.scheme = FIXTURE_SCHEME,
                            .start = FIXTURE_NOW,
                            .end = FIXTURE_NOW + 60,
                            .decision = DECISION_APPROVED};
    const struct piece piece = {request_document, REQUEST_BYTES};
    assert_int_equal(crypto_sha256(&piece, 1, answer.request_hash), CRYPTO_OK);
    return answer;
}

static size_t answer_message(const struct answer *answer, const struct fixture_certificate *key,
                             uint8_t message[MESSAGE_MOST])
{
    answer_encode(answer, message);
    fixture_sign(message, ANSWER_BYTES - SIGNATURE_BYTES, &key->keys);
    memcpy(message + ANSWER_BYTES, key->bytes, key->length);
    return ANSWER_BYTES + key->length;
}

static enum document_status check_message(const uint8_t *message, size_t length)
{
    struct answer answer;
    return answer_check(&crypto_primitives, message, length, FIXTURE_SCHEME, &world.root,
                        request_document, &answer);
}

static enum document_status check(const struct answer *answer,
                                  const struct fixture_certificate *key)
{
    uint8_t message[MESSAGE_MOST];
    size_t length = answer_message(answer, key, message);
    return check_message(message, length);
}

static bool message_is_taken(const uint8_t *bytes, size_t length)
{
    return check_message(bytes, length) == DOCUMENT_OK;
}

static void an_answer_to_this_request_is_taken(void **state)
{
    (void)state;
    struct answer answer = answer_of(), decoded;
    uint8_t message[MESSAGE_MOST];
    size_t length = answer_message(&answer, &world.answers, message);
    assert_exact_length(message_is_taken, message, length);
    assert_exact_length(answer_is_taken, message, ANSWER_BYTES);
    assert_int_equal(answer_decode(message, ANSWER_BYTES, FIXTURE_SCHEME, &decoded), DOCUMENT_OK);
    assert_memory_equal(decoded.request_hash, answer.request_hash, SHA256_BYTES);
    assert_int_equal(decoded.start, answer.start);
    assert_int_equal(decoded.end, answer.end);
    assert_int_equal(decoded.decision, DECISION_APPROVED);
    for (size_t i = 0; i < length; i++) {
        message[i] ^= 0x01;
        assert_int_not_equal(check_message(message, length), DOCUMENT_OK);
        message[i] ^= 0x01;
    }
}

static void an_answer_to_another_request_is_refused(void **state)
{
    (void)state;
    struct answer answer = answer_of(), decoded;
    uint8_t message[MESSAGE_MOST], other[REQUEST_BYTES];
    size_t length = answer_message(&answer, &world.answers, message);
    for (size_t i = 0; i < REQUEST_BYTES; i++) {
        memcpy(other, request_document, sizeof other);
        other[i] ^= 0x80;
        assert_int_equal(answer_check(&crypto_primitives, message, length, FIXTURE_SCHEME,
                                      &world.root, other, &decoded),
                         DOCUMENT_FORGED);
    }
}

static void answers_out_of_range_are_refused(void **state)
{
    (void)state;
    struct answer answer = answer_of();
    for (unsigned decision = 0; decision < 256; decision++)
        for (unsigned reason = 0; reason < 3; reason++) {
            answer.decision = (enum decision)decision;
            answer.reason = (uint8_t)reason;
            bool sound =
                decision == DECISION_REFUSED || (decision == DECISION_APPROVED && reason == 0);
            uint8_t bytes[ANSWER_BYTES] = {0};
            answer_encode(&answer, bytes);
            assert_int_equal(answer_is_taken(bytes, sizeof bytes), sound);
        }
    answer = answer_of();
    answer.end = answer.start - 1;
    assert_int_equal(check(&answer, &world.answers), DOCUMENT_MALFORMED);
    answer = answer_of();
    answer.scheme++;
    assert_int_equal(check(&answer, &world.answers), DOCUMENT_OTHER_SCHEME);
}

static void only_the_answers_key_answers(void **state)
{
    (void)state;
    struct answer answer = answer_of();
    assert_int_equal(check(&answer, &world.orders), DOCUMENT_FORGED);
    assert_int_equal(check(&answer, &world.lists), DOCUMENT_FORGED);
    answer.start = world.answers.fields.start - FIXTURE_DAY; /* before the key was in office */
    assert_int_equal(check(&answer, &world.answers), DOCUMENT_FORGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_survives_encoding),
        cmocka_unit_test(requests_out_of_range_are_refused),
        cmocka_unit_test(an_answer_to_this_request_is_taken),
        cmocka_unit_test(an_answer_to_another_request_is_refused),
        cmocka_unit_test(answers_out_of_range_are_refused),
        cmocka_unit_test(only_the_answers_key_answers),
    };
    return cmocka_run_group_tests(tests, make_world, NULL);
}
