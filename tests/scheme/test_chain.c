/* SPDX-License-Identifier: Apache-2.0 */
/* Who is believed: signatures, authorities, and the days in which they answer for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "scheme/fixtures.h"

static struct fixture_scheme world;
static struct fixture_certificate terminal;
static struct certificate_authority authority;

static int make_world(void **state)
{
    (void)state;
    fixture_scheme_make(&world);
    fixture_terminal_make(&world, ROLE_POINT_OF_SALE, 7, &terminal);
    struct certificate c;
    if (certificate_decode(world.terminal_authority.bytes, world.terminal_authority.length, &c) !=
        DOCUMENT_OK)
        return -1;
    authority = certificate_as_authority(&c);
    return 0;
}

static enum document_status check(const struct fixture_certificate *c)
{
    struct certificate decoded;
    return certificate_check(&crypto_primitives, c->bytes, c->length, CERTIFICATE_TERMINAL,
                             FIXTURE_SCHEME, &authority, &decoded);
}

static void a_chain_under_the_root_is_taken(void **state)
{
    (void)state;
    struct certificate c;
    assert_int_equal(certificate_check(&crypto_primitives, world.terminal_authority.bytes,
                                       world.terminal_authority.length,
                                       CERTIFICATE_TERMINAL_AUTHORITY, FIXTURE_SCHEME, &world.root,
                                       &c),
                     DOCUMENT_OK);
    assert_int_equal(check(&terminal), DOCUMENT_OK);
}

static void every_flipped_bit_of_the_signed_part_is_seen(void **state)
{
    (void)state;
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    size_t header = 4; /* 7F21 81 xx */
    size_t body_end = terminal.length - 67;
    for (size_t bit = header * 8; bit < body_end * 8; bit++) {
        memcpy(bytes, terminal.bytes, terminal.length);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            certificate_verify(&crypto_primitives, bytes, terminal.length, authority.key),
            DOCUMENT_FORGED);
    }
}

static void a_flipped_bit_in_each_byte_of_the_signature_is_seen(void **state)
{
    (void)state;
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    for (size_t bit = (terminal.length - 64) * 8; bit < terminal.length * 8; bit += 9) {
        memcpy(bytes, terminal.bytes, terminal.length);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            certificate_verify(&crypto_primitives, bytes, terminal.length, authority.key),
            DOCUMENT_FORGED);
    }
}

static void cut_and_extended_certificates_do_not_verify(void **state)
{
    (void)state;
    uint8_t bytes[CERTIFICATE_BYTES_MAX + 1] = {0};
    memcpy(bytes, terminal.bytes, terminal.length);
    for (size_t length = 0; length <= terminal.length + 1; length++)
        assert_int_equal(certificate_verify(&crypto_primitives, bytes, length, authority.key),
                         length == terminal.length ? DOCUMENT_OK : DOCUMENT_MALFORMED);
}

static void another_authority_is_refused(void **state)
{
    (void)state;
    struct fixture_certificate c = terminal;
    c.fields.authority = world.card_authority.fields.id;
    fixture_certificate_seal(&c, &world.terminal_authority.keys);
    assert_int_equal(check(&c), DOCUMENT_FORGED); /* right key, wrong name */
    c.fields.authority = terminal.fields.authority;
    fixture_certificate_seal(&c, &world.card_authority.keys);
    assert_int_equal(check(&c), DOCUMENT_FORGED); /* right name, wrong key */
}

static void another_scheme_and_another_type_are_refused(void **state)
{
    (void)state;
    struct fixture_certificate c = terminal;
    c.fields.scheme++;
    fixture_certificate_seal(&c, &world.terminal_authority.keys);
    assert_int_equal(check(&c), DOCUMENT_OTHER_SCHEME);
    struct fixture_pair receipt_keys;
    fixture_card_make(&world, 1, &c, &receipt_keys);
    c.fields.authority = terminal.fields.authority;
    fixture_certificate_seal(&c, &world.terminal_authority.keys);
    assert_int_equal(check(&c), DOCUMENT_OTHER_KIND);
}

/* Chain model: the start counts, the end may lie beyond the authority's. */
static void a_certificate_starts_within_its_authority_s_days(void **state)
{
    (void)state;
    struct fixture_certificate c = terminal;
    c.fields.start = authority.start - 1;
    c.fields.end = authority.start;
    fixture_certificate_seal(&c, &world.terminal_authority.keys);
    assert_int_equal(check(&c), DOCUMENT_FORGED);
    c.fields.start = authority.start;
    fixture_certificate_seal(&c, &world.terminal_authority.keys);
    assert_int_equal(check(&c), DOCUMENT_OK);
    c.fields.start = authority.end;
    c.fields.end = authority.end + 6 * FIXTURE_DAY;
    fixture_certificate_seal(&c, &world.terminal_authority.keys);
    assert_int_equal(check(&c), DOCUMENT_OK);
    c.fields.start = authority.end + 1;
    fixture_certificate_seal(&c, &world.terminal_authority.keys);
    assert_int_equal(check(&c), DOCUMENT_FORGED);
}

static bool failing_sha256(const struct piece *pieces, size_t count, uint8_t hash[SHA256_BYTES])
{
    (void)pieces;
    (void)count;
    memset(hash, 0, SHA256_BYTES);
    return false;
}

static void a_failing_library_is_no_verdict(void **state)
{
    (void)state;
    struct primitives broken = crypto_primitives;
    broken.sha256 = failing_sha256;
    uint8_t host_id[HOST_ID_BYTES];
    assert_int_equal(certificate_verify(&broken, terminal.bytes, terminal.length, authority.key),
                     DOCUMENT_FAILED);
    assert_int_equal(certificate_host_id(&broken, terminal.bytes, terminal.length, host_id),
                     DOCUMENT_FAILED);
}

static void the_host_id_is_the_hash_of_the_whole_certificate(void **state)
{
    (void)state;
    const struct piece piece = {terminal.bytes, terminal.length};
    uint8_t hash[SHA256_BYTES], host_id[HOST_ID_BYTES];
    assert_int_equal(crypto_sha256(&piece, 1, hash), CRYPTO_OK);
    assert_int_equal(
        certificate_host_id(&crypto_primitives, terminal.bytes, terminal.length, host_id),
        DOCUMENT_OK);
    assert_memory_equal(host_id, hash, HOST_ID_BYTES);
}

static void roles_are_permitted_what_the_scheme_says(void **state)
{
    (void)state;
    assert_int_equal(role_classes(ROLE_POINT_OF_SALE), CLASS_PAY | CLASS_CARRY | CLASS_PIN);
    assert_int_equal(role_classes(ROLE_KIOSK), CLASS_LOAD | CLASS_CARRY | CLASS_PIN);
    assert_int_equal(role_classes(ROLE_DESK), CLASS_LOAD | CLASS_REFUND | CLASS_UNLOAD | CLASS_LOG |
                                                  CLASS_CARRY | CLASS_PIN);
    assert_int_equal(role_classes(ROLE_STATION), CLASS_PERSONALISE | CLASS_CARRY);
    assert_int_equal(role_classes(ROLE_VENDING), CLASS_PAY | CLASS_CARRY | CLASS_PIN);
    assert_int_equal(role_classes(ROLE_BANK), CLASS_LOG | CLASS_CARRY);
    assert_int_equal(role_classes((enum terminal_role)0), 0);
    assert_int_equal(role_classes((enum terminal_role)(ROLE_LAST + 1)), 0);
    assert_string_equal(role_name(ROLE_POINT_OF_SALE), "point of sale");
    assert_string_equal(role_name((enum terminal_role)0), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_under_the_root_is_taken),
        cmocka_unit_test(every_flipped_bit_of_the_signed_part_is_seen),
        cmocka_unit_test(a_flipped_bit_in_each_byte_of_the_signature_is_seen),
        cmocka_unit_test(cut_and_extended_certificates_do_not_verify),
        cmocka_unit_test(another_authority_is_refused),
        cmocka_unit_test(another_scheme_and_another_type_are_refused),
        cmocka_unit_test(a_certificate_starts_within_its_authority_s_days),
        cmocka_unit_test(a_failing_library_is_no_verdict),
        cmocka_unit_test(the_host_id_is_the_hash_of_the_whole_certificate),
        cmocka_unit_test(roles_are_permitted_what_the_scheme_says),
    };
    return cmocka_run_group_tests(tests, make_world, NULL);
}
