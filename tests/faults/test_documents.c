/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Malformed certificates, receipts, orders, lists, key statements, link messages and enrolment
 * packages: an error that is one of the list's, and nothing is other than it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "mutate.h"
#include "terminal/internal.h"
#include "world.h"

static struct world world;
static struct fixture_scheme scheme;
static uint8_t bytes[4096], changed[8192];

/* ---- documents: whoever takes one takes nothing but the very bytes ---- */

typedef enum document_status take_bytes(const uint8_t *data, size_t length);

static void each(const char *what, const uint8_t *valid, size_t length, take_bytes *take)
{
    unsigned same = 0;
    /* Exactly as long as it is, so that a sanitizer sees a byte read behind it. */
    assert_int_equal(take(valid, length), DOCUMENT_OK);
    for (unsigned i = 0; i < MUTATE_CASES; i++) {
        size_t given = mutate(valid, length, changed, sizeof changed);
        uint8_t *exact = malloc(given + 1);
        assert_non_null(exact);
        memcpy(exact, changed, given);
        enum document_status status = take(exact, given);
        free(exact);
        assert_in_range(status, DOCUMENT_OK, DOCUMENT_FORGED);
        if (status == DOCUMENT_OK) {
            assert_int_equal(given, length);
            assert_memory_equal(changed, valid, length);
            same++;
        }
    }
    print_message("# %s: %u malformed refused, %u left as they were\n", what, MUTATE_CASES - same,
                  same);
    assert_true(same < MUTATE_CASES / 10);
}

static enum document_status take_terminal(const uint8_t *data, size_t length)
{
    struct certificate c;
    struct certificate_authority authority =
        certificate_as_authority(&scheme.terminal_authority.fields);
    return certificate_check(&crypto_primitives, data, length, CERTIFICATE_TERMINAL, FIXTURE_SCHEME,
                             &authority, &c);
}

static enum document_status take_card(const uint8_t *data, size_t length)
{
    struct certificate c;
    struct certificate_authority authority =
        certificate_as_authority(&scheme.card_authority.fields);
    return certificate_check(&crypto_primitives, data, length, CERTIFICATE_CARD, FIXTURE_SCHEME,
                             &authority, &c);
}

static struct fixture_pair receipt_keys;

static enum document_status take_receipt(const uint8_t *data, size_t length)
{
    struct receipt receipt;
    enum document_status status = receipt_decode(data, length, FIXTURE_SCHEME, &receipt);
    return status == DOCUMENT_OK
               ? document_verify(&crypto_primitives, data, length, receipt_keys.public_key)
               : status;
}

static enum document_status take_order(const uint8_t *data, size_t length)
{
    struct order order;
    struct certificate working;
    return order_check(&crypto_primitives, data, length, FIXTURE_SCHEME, &scheme.root, &order,
                       &working);
}

static enum document_status take_root_order(const uint8_t *data, size_t length)
{
    struct order order;
    return root_order_check(&crypto_primitives, data, length, FIXTURE_SCHEME,
                            scheme.root_keys.public_key, &order);
}

static enum document_status take_list(const uint8_t *data, size_t length)
{
    struct list_head head;
    struct certificate working;
    return list_check(&crypto_primitives, data, length, FIXTURE_SCHEME, &scheme.root, &head,
                      &working);
}

static enum document_status take_statement(const uint8_t *data, size_t length)
{
    struct statement statement;
    enum document_status status = statement_decode(data, length, FIXTURE_SCHEME, &statement);
    return status == DOCUMENT_OK
               ? document_verify(&crypto_primitives, data, length, receipt_keys.public_key)
               : status;
}

static void malformed_certificates_are_refused(void **state)
{
    struct fixture_certificate certificate;
    (void)state;
    fixture_terminal_make(&scheme, ROLE_DESK, 1, &certificate);
    each("terminal certificates", certificate.bytes, certificate.length, take_terminal);
    fixture_card_make(&scheme, 1, &certificate, &receipt_keys);
    each("card certificates", certificate.bytes, certificate.length, take_card);
}

static void malformed_receipts_are_refused(void **state)
{
    struct receipt receipt = {.kind = DOCUMENT_PAYMENT_RECEIPT,
                              .scheme = FIXTURE_SCHEME,
                              .card_counter = 1,
                              .terminal_counter = 1,
                              .amount = {250, FIXTURE_CURRENCY},
                              .time = FIXTURE_NOW};
    (void)state;
    receipt_keys = fixture_pair_make();
    receipt_encode(&receipt, bytes);
    fixture_sign(bytes, RECEIPT_BYTES - SIGNATURE_BYTES, &receipt_keys);
    each("receipts", bytes, RECEIPT_BYTES, take_receipt);
}

static void malformed_orders_are_refused(void **state)
{
    static const enum document_kind kinds[] = {DOCUMENT_LOAD_ORDER, DOCUMENT_POLICY_ORDER,
                                               DOCUMENT_ACKNOWLEDGEMENT, DOCUMENT_TIME_ORDER};
    const uint8_t card[CARD_NUMBER_BYTES] = {1};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct order order = fixture_order_fields(kinds[i], card);
        size_t length = fixture_order(&scheme, &order, bytes, sizeof bytes);
        each("orders", bytes, length,
             kinds[i] == DOCUMENT_TIME_ORDER ? take_root_order : take_order);
    }
}

static void malformed_lists_are_refused(void **state)
{
    uint8_t numbers[5 * CARD_NUMBER_BYTES] = {0};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        numbers[i * CARD_NUMBER_BYTES] = (uint8_t)(i + 1);
    each("lists", bytes, fixture_list(&scheme, 1, numbers, 5, bytes, sizeof bytes), take_list);
}

static void malformed_statements_are_refused(void **state)
{
    struct statement statement = {
        .scheme = FIXTURE_SCHEME, .firmware = 0x01000000, .card_class = CARD_VIRTUAL};
    (void)state;
    receipt_keys = fixture_pair_make();
    statement_encode(&statement, bytes);
    fixture_sign(bytes, STATEMENT_BYTES - SIGNATURE_BYTES, &receipt_keys);
    each("key statements", bytes, STATEMENT_BYTES, take_statement);
}

/* ---- the bank's end of the link ---- */

static void malformed_requests_leave_the_bank_as_it_was(void **state)
{
    struct stiver_terminal_bytes request;
    struct stiver_bank_bytes answer;
    struct member *shop = &world.shops[0];
    const uint64_t receipts = world_receipts(&world);
    unsigned refused = 0;
    (void)state;
    assert_int_equal(stiver_terminal_upload_make(shop->terminal, &request), STIVER_TERMINAL_OK);
    for (unsigned i = 0; i < MUTATE_CASES; i++) {
        size_t length = mutate(request.data, request.length, changed, sizeof changed);
        enum stiver_bank_status status = stiver_bank_link(world.bank, changed, length, &answer);
        if (status == STIVER_BANK_OK) {
            assert_int_equal(length, request.length);
            assert_memory_equal(changed, request.data, length);
            stiver_bank_bytes_free(&answer);
            continue;
        }
        refused++;
        assert_true(status == STIVER_BANK_MALFORMED || status == STIVER_BANK_OTHER_SCHEME ||
                    status == STIVER_BANK_UNKNOWN_TERMINAL || status == STIVER_BANK_FORGED);
    }
    stiver_terminal_bytes_free(&request);
    print_message("# link requests: %u malformed refused\n", refused);
    assert_int_equal(world_receipts(&world), receipts);
    world_audit(&world, 0);
}

/* An upload of one receipt that nobody signed. */
static size_t upload_body(uint8_t *out, size_t capacity)
{
    struct writer w = writer_of(out, capacity);
    struct fixture_certificate card;
    uint8_t document[RECEIPT_BYTES] = {0};
    fixture_card_make(&scheme, 1, &card, &receipt_keys);
    writer_u32(&w, 0);
    writer_u32(&w, 1);
    writer_u8(&w, UPLOAD_RECEIPT);
    link_field(&w, document, sizeof document);
    link_field(&w, card.bytes, card.length);
    return w.used;
}

/* With a tag that holds, as a terminal gone mad would send them. */
/* Each is answered and remembered on the disk: fewer of them. */
#define BODIES 1000u

static void malformed_bodies_under_a_good_tag_book_nothing(void **state)
{
    static const enum link_type types[] = {LINK_UPLOAD, LINK_LOAD_ORDER, LINK_STOCK, LINK_CERTIFY};
    struct stiver_terminal_bytes request;
    struct stiver_bank_bytes answer;
    uint8_t body[1024];
    unsigned refused = 0;
    const uint64_t receipts = world_receipts(&world);
    const size_t length = upload_body(body, sizeof body);
    (void)state;
    for (unsigned i = 0; i < BODIES; i++) {
        uint8_t id[LINK_ID_BYTES] = {(uint8_t)(i >> 8), (uint8_t)i, 0x99};
        size_t given = mutate(body, length, changed, 1024);
        assert_int_equal(link_request_make(world.shops[1].terminal, types[mutate_below(4)], id,
                                           changed, given, &request),
                         STIVER_TERMINAL_OK);
        enum stiver_bank_status status =
            stiver_bank_link(world.bank, request.data, request.length, &answer);
        stiver_terminal_bytes_free(&request);
        assert_true(status == STIVER_BANK_OK || status == STIVER_BANK_MALFORMED);
        if (status == STIVER_BANK_OK) {
            refused += answer.data[LINK_HEADER_BYTES] != LINK_OK;
            stiver_bank_bytes_free(&answer);
        }
    }
    print_message("# link bodies: %u malformed, %u refused whole, the others entry by entry\n",
                  BODIES, refused);
    assert_int_equal(world_receipts(&world), receipts);
    world_audit(&world, 0);
}

/* ---- the terminal's end ---- */

static void look(struct stiver_terminal *terminal, struct stiver_terminal_info *info)
{
    memset(info, 0, sizeof *info);
    assert_int_equal(stiver_terminal_info(terminal, info), STIVER_TERMINAL_OK);
}

static void malformed_answers_leave_the_terminal_as_it_was(void **state)
{
    struct stiver_terminal_bytes request;
    struct stiver_bank_bytes answer;
    struct stiver_terminal_info was, is;
    struct stiver_terminal_sync sync = {0};
    struct stiver_terminal *terminal = world.shops[2].terminal;
    char detail[STIVER_TERMINAL_DETAIL_BYTES];
    unsigned refused = 0;
    (void)state;
    assert_int_equal(stiver_terminal_upload_make(terminal, &request), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_bank_link(world.bank, request.data, request.length, &answer),
                     STIVER_BANK_OK);
    look(terminal, &was);
    for (unsigned i = 0; i < MUTATE_CASES; i++) {
        size_t length = mutate(answer.data, answer.length, changed, sizeof changed);
        if (length == answer.length && memcmp(changed, answer.data, length) == 0)
            continue;
        enum stiver_terminal_status status =
            stiver_terminal_upload_take(terminal, changed, length, &sync, detail);
        assert_true(status == STIVER_TERMINAL_BANK_FORGED ||
                    status == STIVER_TERMINAL_BANK_ANSWER ||
                    status == STIVER_TERMINAL_OTHER_REQUEST);
        look(terminal, &is);
        assert_memory_equal(&was, &is, sizeof is);
        refused++;
    }
    print_message("# link answers: %u malformed refused\n", refused);
    assert_int_equal(stiver_terminal_upload_take(terminal, answer.data, answer.length, &sync, NULL),
                     STIVER_TERMINAL_OK);
    stiver_terminal_bytes_free(&request);
    stiver_bank_bytes_free(&answer);
}

static void malformed_packages_leave_the_terminal_as_it_was(void **state)
{
    struct stiver_bank_bytes package;
    struct stiver_terminal_info was, is;
    struct member *shop = &world.shops[3];
    unsigned refused = 0;
    (void)state;
    assert_int_equal(stiver_bank_recertify(world.bank, shop->number, 7, &package), STIVER_BANK_OK);
    look(shop->terminal, &was);
    for (unsigned i = 0; i < MUTATE_CASES; i++) {
        size_t length = mutate(package.data, package.length, changed, sizeof changed);
        if (length == package.length && memcmp(changed, package.data, length) == 0)
            continue;
        /* Signed as a whole: not one other byte is taken, the link key's among them. */
        enum stiver_terminal_status status =
            stiver_terminal_adopt(shop->terminal, changed, length, was.root_fingerprint);
        assert_true(status == STIVER_TERMINAL_PACKAGE || status == STIVER_TERMINAL_ROOT_DIFFERS ||
                    status == STIVER_TERMINAL_LIST_FORGED);
        look(shop->terminal, &is);
        assert_memory_equal(&was, &is, sizeof is);
        refused++;
    }
    print_message("# packages: %u malformed refused\n", refused);
    assert_true(refused > MUTATE_CASES - MUTATE_CASES / 10);
    assert_int_equal(
        stiver_terminal_adopt(shop->terminal, package.data, package.length, was.root_fingerprint),
        STIVER_TERMINAL_OK);
    stiver_bank_bytes_free(&package);
}

static int set_up(void **state)
{
    (void)state;
    mutate_seed();
    if (crypto_start() != CRYPTO_OK)
        return -1;
    fixture_scheme_make(&scheme);
    world_found(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_certificates_are_refused),
        cmocka_unit_test(malformed_receipts_are_refused),
        cmocka_unit_test(malformed_orders_are_refused),
        cmocka_unit_test(malformed_lists_are_refused),
        cmocka_unit_test(malformed_statements_are_refused),
        cmocka_unit_test(malformed_requests_leave_the_bank_as_it_was),
        cmocka_unit_test(malformed_bodies_under_a_good_tag_book_nothing),
        cmocka_unit_test(malformed_answers_leave_the_terminal_as_it_was),
        cmocka_unit_test(malformed_packages_leave_the_terminal_as_it_was),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
