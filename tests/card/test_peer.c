/* SPDX-License-Identifier: Apache-2.0 */
/* Strangers and remembered terminals, and everybody who only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/date.h"
#include "harness.h"

static struct card_harness h;

static void issued_card(void)
{
    card_harness_blank(&h);
    card_harness_personalise(&h);
    card_harness_issue(&h);
}

static uint16_t read_status(void)
{
    return card_harness_command(&h, COMMAND_READ_STATUS, NULL, 0);
}

static void expect_closed(void)
{
    assert_int_equal(read_status(), 0x6982);
    assert_int_equal(h.channel_status, CHANNEL_BARE);
    secure_close(&h.channel);
}

/* ---- VERIFY CERTIFICATE ---- */

/* A certificate that must be refused: nothing may be open or readable afterwards. */
static void refuse(const struct certificate *fields)
{
    issuer_terminal(&h.issuer, fields, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x6600);
    assert_int_equal(card_harness_command(&h, COMMAND_GET_CERTIFICATE, NULL, 0), 0x6985);
    assert_int_equal(card_harness_authenticate(&h), 0x6A88);
}

static void terminals_outside_scheme_currency_or_authority_are_refused(void **state)
{
    (void)state;
    issued_card();
    const struct certificate good = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x21);
    struct certificate fields = good;
    fields.scheme ^= 1;
    refuse(&fields);
    fields = good;
    fields.limit.currency = 840;
    refuse(&fields);
    fields = good;
    fields.authority ^= 1;
    refuse(&fields);
    fields = good;
    fields.start = ISSUER_START - 7 * DAY_SECONDS; /* before its authority's first day */
    fields.end = fields.start + 7 * DAY_SECONDS - 1;
    refuse(&fields);
    issuer_terminal(&h.issuer, &good, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x9000);
}

static void other_certificates_are_no_terminals(void **state)
{
    (void)state;
    issued_card();
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    assert_int_equal(card_harness_select(&h), 0x9000);
    const struct signed_certificate others[] = {h.issuer.terminal_authority_certificate,
                                                h.issuer.card_authority_certificate,
                                                h.issuer.working_certificate, h.certificate};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        h.terminal.certificate = others[i];
        assert_int_equal(card_harness_verify(&h), 0x6600);
    }
    h.terminal.certificate.length = 0;
    h.terminal.certificate.bytes[h.terminal.certificate.length++] = 0x7F;
    assert_int_equal(card_harness_verify(&h), 0x6600);
}

/* One bit after the other, all of them: none is outside the signature or the encoding. */
static void a_certificate_with_one_bit_changed_is_refused(void **state)
{
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x22);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    struct signed_certificate *certificate = &h.terminal.certificate;
    for (size_t i = 0; i < certificate->length; i++) {
        certificate->bytes[i] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(card_harness_verify(&h), 0x6600);
        certificate->bytes[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(card_harness_verify(&h), 0x9000);
}

static void a_key_of_another_authority_signs_nothing(void **state)
{
    struct key_pair forger;
    (void)state;
    issued_card();
    key_pair_make(&forger);
    struct certificate fields = issuer_terminal_fields(ROLE_BANK, 0x23);
    memcpy(fields.key, forger.public_key, PUBLIC_KEY_BYTES);
    issuer_certify(&fields, &forger, &h.terminal.certificate);
    assert_int_equal(card_harness_verify(&h), 0x6600);
    issuer_certify(&fields, &h.issuer.card_authority, &h.terminal.certificate);
    assert_int_equal(card_harness_verify(&h), 0x6600);
    issuer_certify(&fields, &h.issuer.root, &h.terminal.certificate);
    assert_int_equal(card_harness_verify(&h), 0x6600);
}

static void another_key_version_is_6A88_and_forgets_nobody(void **state)
{
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x24);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    for (unsigned version = 0; version < 0x80; version++) {
        struct apdu_command apdu =
            card_harness_apdu(COMMAND_VERIFY_CERTIFICATE, h.terminal.certificate.bytes,
                              h.terminal.certificate.length);
        apdu.p1 = (uint8_t)version;
        if (version != ISSUER_AUTHORITY_VERSION)
            assert_int_equal(card_harness_clear(&h, &apdu), 0x6A88);
    }
    assert_int_equal(card_harness_authenticate(&h), 0x9000);
}

static void a_wrong_certificate_forgets_the_one_before(void **state)
{
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x25);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    h.terminal.certificate.bytes[h.terminal.certificate.length - 1] ^= 1;
    assert_int_equal(card_harness_verify(&h), 0x6600);
    assert_int_equal(card_harness_authenticate(&h), 0x6A88);
    assert_int_equal(card_harness_command(&h, COMMAND_GET_CERTIFICATE, NULL, 0), 0x6985);
}

/* ---- MUTUAL AUTHENTICATE ---- */

static void a_stranger_is_let_in_by_its_certificate(void **state)
{
    (void)state;
    issued_card();
    for (unsigned role = 1; role <= ROLE_LAST; role++) {
        card_harness_connect(&h, (enum terminal_role)role);
        assert_int_equal(read_status(), 0x9000);
        assert_int_equal(h.channel_status, CHANNEL_OK);
        assert_int_equal(h.answer_bytes, PURSE_STATUS_BYTES);
    }
}

static void nobody_is_let_in_without_a_certificate(void **state)
{
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x26);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    assert_int_equal(card_harness_authenticate(&h), 0x6A88);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    card_harness_power_cycle(&h);
    assert_int_equal(card_harness_authenticate(&h), 0x6A88);
}

static void the_host_id_must_be_the_verified_certificates(void **state)
{
    struct scp11_host host;
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x27);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    for (size_t i = 0; i < HOST_ID_BYTES; i++) {
        uint8_t other[HOST_ID_BYTES];
        memcpy(other, h.terminal.host_id, sizeof other);
        other[i] ^= 1;
        assert_int_equal(scp11_host_begin(&host, other), CHANNEL_OK);
        assert_int_equal(card_harness_command(&h, COMMAND_MUTUAL_AUTHENTICATE, host.request,
                                              sizeof host.request),
                         0x6A88);
        assert_int_equal(h.response_bytes, 2);
    }
    assert_int_equal(card_harness_authenticate(&h), 0x9000);
}

/* The certificate alone, overheard, is of no use without its private key. */
static void a_stolen_certificate_opens_nothing(void **state)
{
    struct scp11_host host;
    struct scp11_ids ids = {.scheme = ISSUER_SCHEME};
    struct key_pair thief;
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x28);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    key_pair_make(&thief);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    memcpy(ids.host_id, h.terminal.host_id, HOST_ID_BYTES);
    memcpy(ids.card, h.statement.card, CARD_NUMBER_BYTES);
    assert_int_equal(scp11_host_begin(&host, h.terminal.host_id), CHANNEL_OK);
    assert_int_equal(
        card_harness_command(&h, COMMAND_MUTUAL_AUTHENTICATE, host.request, sizeof host.request),
        0x9000);
    /* He cannot even verify the receipt; forced on, his first command is the end. */
    assert_int_equal(scp11_host_finish(&host, &h.channel, &ids, thief.private_key,
                                       h.statement.channel_key, h.answer, h.answer_bytes),
                     CHANNEL_REJECTED);
    memset(&h.channel, 0x5A, sizeof h.channel);
    h.channel.counter = 0;
    h.channel.open = true;
    expect_closed();
}

static void parameters_other_than_the_schemes_are_6A80(void **state)
{
    struct scp11_host host;
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x29);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    assert_int_equal(scp11_host_begin(&host, h.terminal.host_id), CHANNEL_OK);
    for (size_t i = 0; i < sizeof host.request; i++) {
        bool is_host_id = i >= 17 && i < 17 + HOST_ID_BYTES;
        host.request[i] ^= 0x04;
        uint16_t word = card_harness_command(&h, COMMAND_MUTUAL_AUTHENTICATE, host.request,
                                             sizeof host.request);
        host.request[i] ^= 0x04;
        /* A bit of the point's coordinates takes it off the curve. */
        assert_int_equal(word, is_host_id ? 0x6A88 : 0x6A80);
    }
    assert_int_equal(card_harness_command(&h, COMMAND_MUTUAL_AUTHENTICATE, host.request,
                                          sizeof host.request - 1),
                     0x6A80);
    assert_int_equal(card_harness_authenticate(&h), 0x9000);
}

static void points_that_are_none_are_6A80(void **state)
{
    struct scp11_host host;
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x2A);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    assert_int_equal(scp11_host_begin(&host, h.terminal.host_id), CHANNEL_OK);
    uint8_t *point = host.request + sizeof host.request - PUBLIC_KEY_BYTES;
    static const uint8_t fills[] = {0x00, 0x01, 0xFF};
    for (size_t i = 0; i < sizeof fills; i++) {
        memset(point, fills[i], PUBLIC_KEY_BYTES);
        assert_int_equal(card_harness_command(&h, COMMAND_MUTUAL_AUTHENTICATE, host.request,
                                              sizeof host.request),
                         0x6A80);
        assert_int_equal(h.response_bytes, 2);
    }
    assert_int_equal(card_harness_authenticate(&h), 0x9000);
}

static void another_version_of_the_cards_key_is_6A88(void **state)
{
    struct scp11_host host;
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x2B);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    assert_int_equal(scp11_host_begin(&host, h.terminal.host_id), CHANNEL_OK);
    struct apdu_command apdu =
        card_harness_apdu(COMMAND_MUTUAL_AUTHENTICATE, host.request, sizeof host.request);
    for (unsigned version = 0; version < 0x80; version++) {
        apdu.p1 = (uint8_t)version;
        if (version != KVN_CARD_AGREEMENT)
            assert_int_equal(card_harness_clear(&h, &apdu), 0x6A88);
    }
}

/* ---- remembered terminals ---- */

/* True if h.terminal gets in without its certificate. */
static bool is_known(void)
{
    card_harness_power_cycle(&h);
    uint16_t word = card_harness_authenticate(&h);
    assert_true(word == 0x9000 || word == 0x6A88);
    if (word == 0x9000)
        assert_int_equal(read_status(), 0x9000);
    return word == 0x9000;
}

static void a_money_command_makes_a_terminal_known(void **state)
{
    uint8_t handle[HANDLE_BYTES];
    (void)state;
    issued_card();
    card_harness_load(&h, 0x30, 1000, 1);
    memcpy(handle, h.handle, HANDLE_BYTES);
    assert_true(is_known());
    assert_memory_equal(h.handle, handle, HANDLE_BYTES);
    /* It stays known, and the money commands work. */
    uint8_t data[STIVER_APDU_MAX];
    size_t bytes = card_harness_load_data(&h, 500, 2, 2, data, sizeof data);
    assert_int_equal(card_harness_command(&h, COMMAND_LOAD, data, bytes), 0x9000);
    assert_true(is_known());
}

static void authentication_alone_makes_nobody_known(void **state)
{
    (void)state;
    issued_card();
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    assert_int_equal(read_status(), 0x9000);
    assert_false(is_known());
}

static void a_known_terminals_rights_are_remembered_too(void **state)
{
    uint8_t pay[SALE_BYTES];
    (void)state;
    issued_card();
    card_harness_load(&h, 0x31, 1000, 1);
    assert_true(is_known());
    card_harness_pay_data(100, 7, pay);
    assert_int_equal(card_harness_command(&h, COMMAND_PAY, pay, sizeof pay),
                     status_word(STATUS_ROLE, true));
    assert_int_equal(h.channel_status, CHANNEL_OK);
}

static void every_terminal_has_a_handle_of_its_own(void **state)
{
    uint8_t first[HANDLE_BYTES];
    (void)state;
    issued_card();
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    memcpy(first, h.handle, HANDLE_BYTES);
    card_harness_connect(&h, ROLE_POINT_OF_SALE);
    assert_int_not_equal(memcmp(first, h.handle, HANDLE_BYTES), 0);
}

static void eight_are_remembered_and_the_oldest_makes_room(void **state)
{
    static struct test_terminal terminals[9];
    (void)state;
    issued_card();
    for (uint8_t i = 0; i < 9; i++) {
        card_harness_load(&h, (uint8_t)(0x40 + i), 100, i + 1u);
        terminals[i] = h.terminal;
        card_harness_power_cycle(&h);
        for (uint8_t known = 0; i == 7 && known < 8; known++) {
            h.terminal = terminals[known];
            assert_true(is_known());
        }
    }
    h.terminal = terminals[0];
    assert_false(is_known());
    for (uint8_t i = 1; i < 9; i++) {
        h.terminal = terminals[i];
        assert_true(is_known());
    }
}

/* One and the same terminal, contact after contact, does not push out the others. */
static void a_known_terminal_takes_one_place(void **state)
{
    static struct test_terminal first;
    uint8_t data[STIVER_APDU_MAX];
    (void)state;
    issued_card();
    card_harness_load(&h, 0x50, 100, 1);
    first = h.terminal;
    card_harness_load(&h, 0x51, 100, 2);
    for (uint32_t i = 0; i < 9; i++) {
        assert_true(is_known());
        size_t bytes = card_harness_load_data(&h, 100, 3 + i, 2 + i, data, sizeof data);
        assert_int_equal(card_harness_command(&h, COMMAND_LOAD, data, bytes), 0x9000);
        if (i % 2 == 0) { /* by its certificate too */
            card_harness_power_cycle(&h);
            card_harness_connect_again(&h);
        }
    }
    h.terminal = first;
    assert_true(is_known());
}

static void a_known_terminal_is_forgotten_at_its_end(void **state)
{
    static struct test_terminal old;
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_KIOSK, 0x52);
    uint8_t data[STIVER_APDU_MAX];
    fields.end = ISSUER_TODAY + DAY_SECONDS - 1;
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    card_harness_connect_again(&h);
    size_t bytes = card_harness_load_data(&h, 100, 1, 1, data, sizeof data);
    assert_int_equal(card_harness_command(&h, COMMAND_LOAD, data, bytes), 0x9000);
    old = h.terminal;
    assert_true(is_known());
    /* A certificate that starts the next day tells the card that the day has come. */
    card_harness_power_cycle(&h);
    fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x53);
    fields.start = ISSUER_TODAY + DAY_SECONDS;
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    h.terminal = old;
    assert_int_equal(card_harness_authenticate(&h), 0x6A88);
    assert_int_equal(card_harness_verify(&h), 0x6600);
}

static void a_known_terminal_is_forgotten_below_the_generation_floor(void **state)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    (void)state;
    issued_card();
    card_harness_load(&h, 0x54, 100, 1);
    assert_true(is_known());
    card_harness_power_cycle(&h);
    struct order order = issuer_order_fields(DOCUMENT_FLOOR_ORDER, NULL, 1);
    order.generation_floor = ISSUER_GENERATION;
    size_t bytes = issuer_order(&h.issuer, &order, message);
    assert_int_equal(card_harness_command(&h, COMMAND_ROOT_ORDER, message, bytes), 0x9000);
    assert_true(is_known());
    card_harness_power_cycle(&h);
    order.number = 2;
    order.generation_floor = ISSUER_GENERATION + 1;
    bytes = issuer_order(&h.issuer, &order, message);
    assert_int_equal(card_harness_command(&h, COMMAND_ROOT_ORDER, message, bytes), 0x9000);
    assert_false(is_known());
    assert_int_equal(card_harness_verify(&h), 0x6600);
}

/* Between VERIFY CERTIFICATE and MUTUAL AUTHENTICATE the rules may change. */
static void a_verified_terminal_is_checked_again_when_it_authenticates(void **state)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    (void)state;
    issued_card();
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x55);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    struct order order = issuer_order_fields(DOCUMENT_FLOOR_ORDER, NULL, 1);
    order.generation_floor = ISSUER_GENERATION + 1;
    size_t bytes = issuer_order(&h.issuer, &order, message);
    assert_int_equal(card_harness_command(&h, COMMAND_ROOT_ORDER, message, bytes), 0x9000);
    assert_int_equal(card_harness_authenticate(&h), 0x6A88);
}

/* A remembered terminal that comes with a bad point, while another was verified: nobody is left
 * half known. */
static void a_known_terminal_that_fails_leaves_nobody_behind(void **state)
{
    struct scp11_host host;
    struct test_terminal known;
    (void)state;
    issued_card();
    card_harness_load(&h, 0x56, 100, 1);
    known = h.terminal;
    card_harness_power_cycle(&h);
    struct certificate fields = issuer_terminal_fields(ROLE_POINT_OF_SALE, 0x57);
    issuer_terminal(&h.issuer, &fields, &h.terminal);
    assert_int_equal(card_harness_verify(&h), 0x9000);
    assert_int_equal(scp11_host_begin(&host, known.host_id), CHANNEL_OK);
    memset(host.request + sizeof host.request - PUBLIC_KEY_BYTES, 1, PUBLIC_KEY_BYTES);
    assert_int_equal(
        card_harness_command(&h, COMMAND_MUTUAL_AUTHENTICATE, host.request, sizeof host.request),
        0x6A80);
    assert_int_equal(card_harness_command(&h, COMMAND_GET_CERTIFICATE, NULL, 0), 0x6985);
    assert_int_equal(card_harness_authenticate(&h), 0x6A88);
    h.terminal = known;
    assert_int_equal(card_harness_authenticate(&h), 0x9000);
    assert_int_equal(read_status(), 0x9000);
}

static void a_blocked_card_still_authenticates(void **state)
{
    (void)state;
    issued_card();
    card_harness_block(&h);
    assert_int_equal(card_harness_command(&h, COMMAND_GET_CERTIFICATE, NULL, 0), 0x9000);
    card_harness_connect(&h, ROLE_BANK);
    assert_int_equal(read_status(), status_word(STATUS_STATE, true));
    assert_int_equal(h.channel_status, CHANNEL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terminals_outside_scheme_currency_or_authority_are_refused),
        cmocka_unit_test(other_certificates_are_no_terminals),
        cmocka_unit_test(a_certificate_with_one_bit_changed_is_refused),
        cmocka_unit_test(a_key_of_another_authority_signs_nothing),
        cmocka_unit_test(another_key_version_is_6A88_and_forgets_nobody),
        cmocka_unit_test(a_wrong_certificate_forgets_the_one_before),
        cmocka_unit_test(a_stranger_is_let_in_by_its_certificate),
        cmocka_unit_test(nobody_is_let_in_without_a_certificate),
        cmocka_unit_test(the_host_id_must_be_the_verified_certificates),
        cmocka_unit_test(a_stolen_certificate_opens_nothing),
        cmocka_unit_test(parameters_other_than_the_schemes_are_6A80),
        cmocka_unit_test(points_that_are_none_are_6A80),
        cmocka_unit_test(another_version_of_the_cards_key_is_6A88),
        cmocka_unit_test(a_money_command_makes_a_terminal_known),
        cmocka_unit_test(authentication_alone_makes_nobody_known),
        cmocka_unit_test(a_known_terminals_rights_are_remembered_too),
        cmocka_unit_test(every_terminal_has_a_handle_of_its_own),
        cmocka_unit_test(eight_are_remembered_and_the_oldest_makes_room),
        cmocka_unit_test(a_known_terminal_takes_one_place),
        cmocka_unit_test(a_known_terminal_is_forgotten_at_its_end),
        cmocka_unit_test(a_known_terminal_is_forgotten_below_the_generation_floor),
        cmocka_unit_test(a_verified_terminal_is_checked_again_when_it_authenticates),
        cmocka_unit_test(a_known_terminal_that_fails_leaves_nobody_behind),
        cmocka_unit_test(a_blocked_card_still_authenticates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
