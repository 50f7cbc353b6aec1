/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between terminals of the campus purse and the bank: what goes in comes out, every
 * shorter beginning is refused, and every bit that is turned is refused or means something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scheme/campus_link.h"
#include "scheme/strict.h"

#define TERMINAL 0x00000929u
#define PACKAGE_BYTES_MAX 900u

static void fill(uint8_t *out, size_t bytes, uint8_t seed)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(seed + 7 * i);
}

static struct campus_certificate card_of(uint8_t seed)
{
    struct campus_certificate card = {
        .id = 0x80000001u + seed, .end = 0xF0000000u, .usage = CAMPUS_USAGE_CARD};
    fill(card.modulus, sizeof card.modulus, seed);
    fill(card.signature, sizeof card.signature, (uint8_t)(seed + 1));
    return card;
}

static struct campus_upload upload_of(enum campus_upload_kind kind)
{
    struct campus_upload upload = {.kind = kind};
    if (kind == CAMPUS_UPLOAD_RECEIPT) {
        struct campus_upload_receipt *receipt = &upload.is.receipt;
        receipt->outcome = CAMPUS_OUTCOME_UNKNOWN;
        receipt->card = card_of(3);
        receipt->receipt = (struct campus_receipt){.terminal = TERMINAL,
                                                   .counter = 7,
                                                   .amount = CAMPUS_AMOUNT_MAX,
                                                   .card = receipt->card.id,
                                                   .time = 0xFFFFFFFFu};
        fill(receipt->receipt.signature, CAMPUS_RSA_BYTES, 9);
    } else if (kind == CAMPUS_UPLOAD_OUTCOME) {
        upload.is.outcome.card = 0x80000007u;
        upload.is.outcome.counter = 8;
        upload.is.outcome.outcome = CAMPUS_OUTCOME_NOT_DONE;
    } else {
        upload.is.block.card = card_of(5);
        upload.is.block.terminal_counter = 11;
        upload.is.block.terminal_end = 0x70000000u;
        fill(upload.is.block.proof, CAMPUS_RSA_BYTES, 13);
    }
    return upload;
}

static size_t encode_upload(const struct campus_upload *upload, uint8_t *out)
{
    struct writer w = writer_of(out, CAMPUS_UPLOAD_BYTES_MAX);
    campus_upload_write(&w, upload);
    assert_false(w.failed);
    return w.used;
}

static bool reads_upload(const uint8_t *bytes, size_t length)
{
    struct campus_upload upload;
    struct reader r = reader_of(bytes, length);
    return campus_upload_read(&r, TERMINAL, &upload) && reader_done(&r);
}

/* Whatever is taken is taken as it stands: writing it again gives the same bytes. */
typedef size_t again(const uint8_t *bytes, size_t length, uint8_t *out);

static size_t upload_again(const uint8_t *bytes, size_t length, uint8_t *out)
{
    struct campus_upload upload;
    struct reader r = reader_of(bytes, length);
    return campus_upload_read(&r, TERMINAL, &upload) && reader_done(&r)
               ? encode_upload(&upload, out)
               : 0;
}

static void assert_every_bit_matters(again *write_again, uint8_t *bytes, size_t length)
{
    uint8_t out[PACKAGE_BYTES_MAX];
    assert_int_equal(write_again(bytes, length, out), length);
    assert_memory_equal(out, bytes, length);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        size_t written = write_again(bytes, length, out);
        if (written != 0 && (written != length || memcmp(out, bytes, length) != 0))
            fail_msg("bit %zu was turned and not noticed", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void uploads_survive_encoding(void **state)
{
    static const size_t sizes[] = {[CAMPUS_UPLOAD_RECEIPT] = CAMPUS_UPLOAD_BYTES_MAX,
                                   [CAMPUS_UPLOAD_OUTCOME] = 10,
                                   [CAMPUS_UPLOAD_BLOCK] = 785};
    (void)state;
    for (unsigned kind = CAMPUS_UPLOAD_RECEIPT; kind <= CAMPUS_UPLOAD_BLOCK; kind++) {
        struct campus_upload wanted = upload_of((enum campus_upload_kind)kind), found;
        uint8_t bytes[CAMPUS_UPLOAD_BYTES_MAX];
        size_t length = encode_upload(&wanted, bytes);
        assert_int_equal(length, sizes[kind]);
        struct reader r = reader_of(bytes, length);
        assert_true(campus_upload_read(&r, TERMINAL, &found));
        assert_memory_equal(&found, &wanted, sizeof wanted);
        assert_exact_length(reads_upload, bytes, length);
        assert_every_bit_matters(upload_again, bytes, length);
    }
}

static void unknown_kinds_and_outcomes_are_refused(void **state)
{
    (void)state;
    struct campus_upload receipt = upload_of(CAMPUS_UPLOAD_RECEIPT);
    struct campus_upload outcome = upload_of(CAMPUS_UPLOAD_OUTCOME);
    uint8_t bytes[CAMPUS_UPLOAD_BYTES_MAX];
    for (unsigned value = 0; value < 256; value++) {
        size_t length = encode_upload(&receipt, bytes);
        bytes[1] = (uint8_t)value;
        assert_int_equal(reads_upload(bytes, length), value <= CAMPUS_OUTCOME_UNKNOWN);
        bytes[1] = CAMPUS_OUTCOME_DONE;
        bytes[0] = (uint8_t)value;
        assert_int_equal(reads_upload(bytes, length), value == CAMPUS_UPLOAD_RECEIPT);
        length = encode_upload(&outcome, bytes);
        bytes[9] = (uint8_t)value;
        assert_int_equal(reads_upload(bytes, length), value <= CAMPUS_OUTCOME_UNKNOWN);
    }
    struct campus_upload none = {0};
    struct writer w = writer_of(bytes, sizeof bytes);
    campus_upload_write(&w, &none);
    assert_true(w.failed);
}

/* ---- header ---- */

static struct campus_link_header header_of(enum campus_link_type type)
{
    return (struct campus_link_header){
        .type = type, .terminal = TERMINAL, .id = {0x21, [15] = 0x2F}};
}

static void headers_survive_encoding_both_ways(void **state)
{
    (void)state;
    for (unsigned type = CAMPUS_LINK_CARD; type <= CAMPUS_LINK_UPLOAD; type++)
        for (int is_answer = 0; is_answer < 2; is_answer++) {
            struct campus_link_header wanted = header_of((enum campus_link_type)type), found;
            uint8_t bytes[CAMPUS_LINK_HEADER_BYTES];
            struct writer w = writer_of(bytes, sizeof bytes);
            campus_link_header_encode(&wanted, is_answer != 0, &w);
            assert_false(w.failed);
            assert_int_equal(w.used, sizeof bytes);
            assert_memory_equal(bytes, CAMPUS_LINK_TAG, 13);
            assert_int_equal(bytes[14], type + (is_answer != 0 ? 0x80 : 0));
            struct reader r = reader_of(bytes, sizeof bytes);
            assert_true(campus_link_header_decode(&r, is_answer != 0, &found));
            assert_true(reader_done(&r));
            assert_int_equal(found.type, wanted.type);
            assert_int_equal(found.terminal, wanted.terminal);
            assert_memory_equal(found.id, wanted.id, LINK_ID_BYTES);
            r = reader_of(bytes, sizeof bytes); /* a request is no answer, nor the other way */
            assert_false(campus_link_header_decode(&r, is_answer == 0, &found));
            for (size_t shorter = 0; shorter < sizeof bytes; shorter++) {
                r = reader_of(bytes, shorter);
                assert_false(campus_link_header_decode(&r, is_answer != 0, &found));
            }
        }
}

static size_t header_again(const uint8_t *bytes, size_t length, uint8_t *out)
{
    struct campus_link_header header;
    struct reader r = reader_of(bytes, length);
    struct writer w = writer_of(out, CAMPUS_LINK_HEADER_BYTES);
    if (!campus_link_header_decode(&r, false, &header))
        return 0;
    campus_link_header_encode(&header, false, &w);
    return w.used;
}

static void every_bit_of_a_header_matters(void **state)
{
    (void)state;
    struct campus_link_header header = header_of(CAMPUS_LINK_CERTIFY), found;
    uint8_t bytes[CAMPUS_LINK_HEADER_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);
    campus_link_header_encode(&header, false, &w);
    assert_every_bit_matters(header_again, bytes, sizeof bytes);
    for (unsigned type = 0; type < 256; type++) { /* a package is no message either */
        bytes[14] = (uint8_t)type;
        struct reader r = reader_of(bytes, sizeof bytes);
        assert_int_equal(campus_link_header_decode(&r, false, &found), type >= 1 && type <= 3);
        r = reader_of(bytes, sizeof bytes);
        assert_int_equal(campus_link_header_decode(&r, true, &found), type >= 0x81 && type <= 0x83);
    }
}

/* ---- enrolment ---- */

static bool reads_enrol(const uint8_t *bytes, size_t length)
{
    struct campus_enrol enrol;
    return campus_enrol_decode(bytes, length, &enrol);
}

static size_t enrol_again(const uint8_t *bytes, size_t length, uint8_t *out)
{
    struct campus_enrol enrol;
    if (!campus_enrol_decode(bytes, length, &enrol))
        return 0;
    campus_enrol_encode(&enrol, out);
    return CAMPUS_ENROL_BYTES;
}

static void enrolment_requests_survive_encoding(void **state)
{
    (void)state;
    for (unsigned role = 0; role < 256; role++) {
        struct campus_enrol wanted = {.role = (enum campus_role)role}, found;
        uint8_t bytes[CAMPUS_ENROL_BYTES];
        fill(wanted.modulus, sizeof wanted.modulus, 3);
        campus_enrol_encode(&wanted, bytes);
        bool is_known = role >= CAMPUS_ROLE_STATION && role <= CAMPUS_ROLE_RELOAD;
        assert_int_equal(campus_enrol_decode(bytes, sizeof bytes, &found), is_known);
        if (!is_known)
            continue;
        assert_int_equal(found.role, role);
        assert_memory_equal(found.modulus, wanted.modulus, CAMPUS_RSA_BYTES);
        assert_exact_length(reads_enrol, bytes, sizeof bytes);
        assert_every_bit_matters(enrol_again, bytes, sizeof bytes);
    }
}

static size_t encode_package(const struct campus_package *package, uint8_t *out)
{
    struct writer w = writer_of(out, PACKAGE_BYTES_MAX);
    campus_package_encode(package, &w);
    assert_false(w.failed);
    return w.used;
}

static bool reads_package(const uint8_t *bytes, size_t length)
{
    struct campus_package package;
    return campus_package_decode(bytes, length, &package);
}

static size_t package_again(const uint8_t *bytes, size_t length, uint8_t *out)
{
    struct campus_package package;
    return campus_package_decode(bytes, length, &package) ? encode_package(&package, out) : 0;
}

static void packages_survive_encoding(void **state)
{
    (void)state;
    for (unsigned role = CAMPUS_ROLE_STATION; role <= CAMPUS_ROLE_RELOAD; role++)
        for (size_t list_bytes = 0; list_bytes <= 3; list_bytes += 3) {
            struct campus_package wanted = {.terminal = card_of(1),
                                            .role = (enum campus_role)role,
                                            .list = (const uint8_t *)"CRL",
                                            .list_bytes = list_bytes},
                                  found;
            uint8_t bytes[PACKAGE_BYTES_MAX];
            fill(wanted.back_end, sizeof wanted.back_end, 77);
            size_t length = encode_package(&wanted, bytes);
            assert_int_equal(length, 15 + 4 + 4 + 1 + 3 * 256 + 4 + list_bytes);
            assert_true(campus_package_decode(bytes, length, &found));
            assert_int_equal(found.role, role);
            assert_int_equal(found.terminal.usage, role);
            assert_int_equal(found.terminal.id, wanted.terminal.id);
            assert_int_equal(found.terminal.end, wanted.terminal.end);
            assert_memory_equal(found.terminal.modulus, wanted.terminal.modulus, 256);
            assert_memory_equal(found.terminal.signature, wanted.terminal.signature, 256);
            assert_memory_equal(found.back_end, wanted.back_end, 256);
            assert_int_equal(found.list_bytes, list_bytes);
            assert_memory_equal(found.list, "CRL", list_bytes);
            assert_exact_length(reads_package, bytes, length);
            assert_every_bit_matters(package_again, bytes, length);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uploads_survive_encoding),
        cmocka_unit_test(unknown_kinds_and_outcomes_are_refused),
        cmocka_unit_test(headers_survive_encoding_both_ways),
        cmocka_unit_test(every_bit_of_a_header_matters),
        cmocka_unit_test(enrolment_requests_survive_encoding),
        cmocka_unit_test(packages_survive_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
