/* SPDX-License-Identifier: Apache-2.0 */
/* From a blank card to one that is locked on its certificates, and everything that must not work on
 * that way. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

static struct card_harness h;

static struct card_state get_state(void)
{
    struct card_state card;
    assert_int_equal(card_harness_command(&h, COMMAND_GET_STATE, NULL, 0), 0x9000);
    assert_true(card_state_decode(h.answer, h.answer_bytes, &card));
    return card;
}

static uint16_t initialize(void)
{
    return card_harness_initialize(&h, h.issuer.anchors, h.issuer.anchors_bytes);
}

/* Anchors of the issuer with something about them changed by the caller. */
static struct anchors issuer_anchors(const struct issuer *issuer)
{
    struct anchors anchors;
    assert_int_equal(anchors_decode(issuer->anchors, issuer->anchors_bytes, &anchors), DOCUMENT_OK);
    return anchors;
}

static uint16_t initialize_with(const struct anchors *anchors)
{
    uint8_t bytes[ANCHORS_BYTES_MAX];
    size_t length = anchors_encode(anchors, bytes, sizeof bytes);
    assert_int_not_equal(length, 0);
    return card_harness_initialize(&h, bytes, length);
}

static uint16_t store(const struct signed_certificate *authority,
                      const struct signed_certificate *card, size_t more)
{
    uint8_t data[2 * CERTIFICATE_BYTES_MAX + 1] = {0};
    memcpy(data, authority->bytes, authority->length);
    memcpy(data + authority->length, card->bytes, card->length);
    return card_harness_command(&h, COMMAND_STORE_CERTIFICATES, data,
                                authority->length + card->length + more);
}

static void a_blank_card_shows_its_serial_and_nothing_else(void **state)
{
    (void)state;
    card_harness_blank(&h);
    struct card_state card = get_state();
    assert_int_equal(card.state, PURSE_BLANK);
    assert_int_equal(card.scheme, 0);
    assert_memory_equal(card.serial, h.factory.serial, SERIAL_BYTES);
    assert_int_equal(card.apdu_bytes_max, STIVER_APDU_MAX);
}

static void a_personalised_card_hides_its_serial(void **state)
{
    (void)state;
    card_harness_blank(&h);
    card_harness_personalise(&h);
    struct card_state card = get_state();
    assert_int_equal(card.state, PURSE_PERSONALISED);
    assert_int_equal(card.scheme, ISSUER_SCHEME);
    assert_int_equal(card.root_version, ISSUER_ROOT_VERSION);
    assert_int_equal(card.authority_version, ISSUER_AUTHORITY_VERSION);
    assert_true(bytes_are_zero(card.serial, SERIAL_BYTES));
}

static void keys_are_made_once_and_stated_again(void **state)
{
    (void)state;
    card_harness_blank(&h);
    assert_int_equal(initialize(), 0x9000);
    struct statement first = h.statement;
    assert_false(bytes_are_zero(first.card, CARD_NUMBER_BYTES));
    assert_int_not_equal(memcmp(first.channel_key, first.receipt_key, PUBLIC_KEY_BYTES), 0);
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            card_harness_power_cycle(&h);
        assert_int_equal(initialize(), 0x9000);
        assert_memory_equal(h.statement.card, first.card, CARD_NUMBER_BYTES);
        assert_memory_equal(h.statement.channel_key, first.channel_key, PUBLIC_KEY_BYTES);
        assert_memory_equal(h.statement.receipt_key, first.receipt_key, PUBLIC_KEY_BYTES);
        assert_int_not_equal(memcmp(h.statement.nonce, first.nonce, NONCE_BYTES), 0);
    }
}

static void two_cards_share_no_key_and_no_number(void **state)
{
    (void)state;
    card_harness_blank(&h);
    assert_int_equal(initialize(), 0x9000);
    struct statement first = h.statement;
    card_harness_blank(&h);
    assert_int_equal(initialize(), 0x9000);
    assert_int_not_equal(memcmp(h.statement.card, first.card, CARD_NUMBER_BYTES), 0);
    assert_int_not_equal(memcmp(h.statement.channel_key, first.channel_key, PUBLIC_KEY_BYTES), 0);
    assert_int_not_equal(memcmp(h.statement.receipt_key, first.receipt_key, PUBLIC_KEY_BYTES), 0);
}

/* A terminal authority of the same root may follow until the lock, as after a rollover. */
static void another_terminal_authority_may_follow_until_the_lock(void **state)
{
    struct signed_certificate later;
    struct certificate c;
    (void)state;
    card_harness_blank(&h);
    assert_int_equal(initialize(), 0x9000);
    struct statement first = h.statement;
    struct anchors anchors = issuer_anchors(&h.issuer);
    assert_int_equal(
        certificate_decode(anchors.authority_certificate, anchors.authority_certificate_bytes, &c),
        DOCUMENT_OK);
    c.id++;
    issuer_certify(&c, &h.issuer.root, &later);
    anchors.authority_certificate = later.bytes;
    anchors.authority_certificate_bytes = later.length;
    anchors.authority_version++;
    assert_int_equal(initialize_with(&anchors), 0x9000);
    assert_memory_equal(h.statement.channel_key, first.channel_key, PUBLIC_KEY_BYTES);
    assert_int_not_equal(memcmp(h.statement.anchors_hash, first.anchors_hash, SHA256_BYTES), 0);
    struct certificate fields = issuer_card_fields(&h.statement);
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x9000);
    assert_int_equal(get_state().authority_version, anchors.authority_version);
    assert_int_equal(initialize_with(&anchors), 0x6985);
    assert_int_equal(initialize(), 0x6985);
}

/* A station has the bank certify the card's keys, and then puts a root of its own under them, with
 * the bank's terminal authority certified by it: that card would pay the bank's terminals with
 * money that the station makes. */
static void another_root_never_gets_keys_that_were_stated(void **state)
{
    static struct issuer cheat;
    struct certificate c;
    (void)state;
    card_harness_blank(&h);
    assert_int_equal(initialize(), 0x9000);
    issuer_found(&cheat, 0);
    struct anchors anchors = issuer_anchors(&h.issuer);
    assert_int_equal(
        certificate_decode(anchors.authority_certificate, anchors.authority_certificate_bytes, &c),
        DOCUMENT_OK);
    struct signed_certificate again;
    issuer_certify(&c, &cheat.root, &again);
    memcpy(anchors.root_key, cheat.root.public_key, PUBLIC_KEY_BYTES);
    anchors.authority_certificate = again.bytes;
    anchors.authority_certificate_bytes = again.length;
    const struct statement certified = h.statement;
    for (int i = 0; i < 2; i++) {
        uint32_t changes = h.flash.changes;
        assert_int_equal(initialize_with(&anchors), 0x6985);
        assert_int_equal(h.response_bytes, 2);
        assert_int_equal(h.flash.changes, changes);
        card_harness_power_cycle(&h);
    }
    struct signed_certificate own;
    struct certificate fields = issuer_card_fields(&certified);
    issuer_certify(&fields, &cheat.card_authority, &own);
    assert_int_equal(store(&cheat.card_authority_certificate, &own, 0), 0x6600);
    assert_int_equal(initialize(), 0x9000);
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x9000);
}

static void anchors_that_do_not_hold_together_are_refused(void **state)
{
    static struct issuer other;
    (void)state;
    card_harness_blank(&h);
    issuer_found(&other, 0);
    uint32_t changes = h.flash.changes;
    struct anchors anchors = issuer_anchors(&h.issuer);
    memcpy(anchors.root_key, other.root.public_key, PUBLIC_KEY_BYTES);
    assert_int_equal(initialize_with(&anchors), 0x6600);
    anchors = issuer_anchors(&h.issuer);
    anchors.scheme ^= 1;
    assert_int_equal(initialize_with(&anchors), 0x6600);
    anchors = issuer_anchors(&h.issuer);
    anchors.authority_certificate = h.issuer.card_authority_certificate.bytes;
    anchors.authority_certificate_bytes = h.issuer.card_authority_certificate.length;
    assert_int_equal(initialize_with(&anchors), 0x6600);
    anchors = issuer_anchors(&h.issuer);
    memset(anchors.root_key, 0, PUBLIC_KEY_BYTES);
    assert_int_equal(initialize_with(&anchors), 0x6600);
    assert_int_equal(h.flash.changes, changes);
    assert_int_equal(get_state().scheme, 0);
}

/* Written by hand: the encoder itself may refuse some of them. */
static void malformed_anchors_are_refused(void **state)
{
    uint8_t bytes[ANCHORS_BYTES_MAX + 1];
    (void)state;
    card_harness_blank(&h);
    uint32_t changes = h.flash.changes;
    const size_t length = h.issuer.anchors_bytes;
    memcpy(bytes, h.issuer.anchors, length);
    bytes[length] = 0;
    assert_int_equal(card_harness_initialize(&h, bytes, length + 1), 0x6A80);
    assert_int_equal(card_harness_initialize(&h, bytes, length - 1), 0x6A80);
    memset(bytes, 0, 4); /* no scheme */
    assert_int_equal(card_harness_initialize(&h, bytes, length), 0x6A80);
    memcpy(bytes, h.issuer.anchors, length);
    bytes[6] = 0; /* no root version */
    assert_int_equal(card_harness_initialize(&h, bytes, length), 0x6A80);
    memcpy(bytes, h.issuer.anchors, length);
    bytes[71] = 0x80; /* no terminal authority version */
    assert_int_equal(card_harness_initialize(&h, bytes, length), 0x6A80);
    assert_int_equal(h.flash.changes, changes);
}

static void an_ephemeral_key_off_the_curve_changes_nothing(void **state)
{
    uint8_t data[STIVER_APDU_MAX] = {0};
    (void)state;
    card_harness_blank(&h);
    memset(data + NONCE_BYTES, 0x11, PUBLIC_KEY_BYTES);
    memcpy(data + NONCE_BYTES + PUBLIC_KEY_BYTES, h.issuer.anchors, h.issuer.anchors_bytes);
    uint32_t changes = h.flash.changes;
    assert_int_equal(card_harness_command(&h, COMMAND_INITIALIZE, data,
                                          NONCE_BYTES + PUBLIC_KEY_BYTES + h.issuer.anchors_bytes),
                     0x6A80);
    assert_int_equal(h.response_bytes, 2);
    assert_int_equal(h.flash.changes, changes);
    assert_int_equal(get_state().scheme, 0);
}

static void certificates_before_keys_are_refused(void **state)
{
    struct key_pair channel, receipt;
    (void)state;
    card_harness_blank(&h);
    key_pair_make(&channel);
    key_pair_make(&receipt);
    struct statement made_up = {.card_class = CARD_HARDWARE};
    memset(made_up.card, 0x77, CARD_NUMBER_BYTES);
    memcpy(made_up.channel_key, channel.public_key, PUBLIC_KEY_BYTES);
    memcpy(made_up.receipt_key, receipt.public_key, PUBLIC_KEY_BYTES);
    struct certificate fields = issuer_card_fields(&made_up);
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x6985);
}

static void a_certificate_of_another_card_does_not_lock(void **state)
{
    struct key_pair pair;
    (void)state;
    card_harness_blank(&h);
    assert_int_equal(initialize(), 0x9000);
    key_pair_make(&pair);
    const struct certificate good = issuer_card_fields(&h.statement);
    struct certificate fields = good;
    fields.subject[7] ^= 1;
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x6A80);
    fields = good;
    memcpy(fields.key, pair.public_key, PUBLIC_KEY_BYTES);
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x6600);
    fields = good;
    memcpy(fields.receipt_key, pair.public_key, PUBLIC_KEY_BYTES);
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x6600);
    fields = good;
    memcpy(fields.key, good.receipt_key, PUBLIC_KEY_BYTES);
    memcpy(fields.receipt_key, good.key, PUBLIC_KEY_BYTES);
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x6600);
    fields = good;
    fields.scheme ^= 1;
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x6600);
    fields = good;
    fields.authority ^= 1;
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x6600);
    assert_int_equal(get_state().state, PURSE_BLANK);
    assert_int_equal(card_harness_store_certificates(&h, &good), 0x9000);
}

static void only_the_card_authority_under_the_root_certifies(void **state)
{
    static struct issuer other;
    struct signed_certificate card;
    (void)state;
    card_harness_blank(&h);
    issuer_found(&other, 0);
    assert_int_equal(initialize(), 0x9000);
    struct certificate fields = issuer_card_fields(&h.statement);
    issuer_certify(&fields, &other.card_authority, &card);
    /* Another root's authority, with a genuine signature of its own; then under the right one. */
    assert_int_equal(store(&other.card_authority_certificate, &card, 0), 0x6600);
    assert_int_equal(store(&h.issuer.card_authority_certificate, &card, 0), 0x6600);
    /* The terminal authority is no card authority. */
    fields.authority = ISSUER_TERMINAL_AUTHORITY_ID;
    issuer_certify(&fields, &h.issuer.terminal_authority, &card);
    assert_int_equal(store(&h.issuer.terminal_authority_certificate, &card, 0), 0x6600);
    /* Nor does the authority's own certificate stand for the card's. */
    assert_int_equal(
        store(&h.issuer.card_authority_certificate, &h.issuer.card_authority_certificate, 0),
        0x6600);
    assert_int_equal(get_state().state, PURSE_BLANK);
}

static void certificates_fill_the_command_exactly(void **state)
{
    struct signed_certificate card;
    (void)state;
    card_harness_blank(&h);
    assert_int_equal(initialize(), 0x9000);
    struct certificate fields = issuer_card_fields(&h.statement);
    const struct signed_certificate *authority = &h.issuer.card_authority_certificate;
    issuer_certify(&fields, &h.issuer.card_authority, &card);
    assert_int_equal(
        card_harness_command(&h, COMMAND_STORE_CERTIFICATES, authority->bytes, authority->length),
        0x6A80);
    assert_int_equal(store(authority, &card, 1), 0x6600);
    card.bytes[card.length - 1] ^= 1;
    assert_int_equal(store(authority, &card, 0), 0x6600);
    uint8_t garbage[] = {0x30, 0x82, 0xFF};
    assert_int_equal(card_harness_command(&h, COMMAND_STORE_CERTIFICATES, garbage, sizeof garbage),
                     0x6A80);
    assert_int_equal(get_state().state, PURSE_BLANK);
}

static void a_file_is_never_certified_as_hardware(void **state)
{
    (void)state;
    card_harness_blank_as(&h, false, 0);
    assert_int_equal(initialize(), 0x9000);
    struct certificate fields = issuer_card_fields(&h.statement);
    assert_int_equal(fields.card_class, CARD_VIRTUAL);
    fields.card_class = CARD_HARDWARE;
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x6600);
    fields.card_class = CARD_VIRTUAL;
    assert_int_equal(card_harness_store_certificates(&h, &fields), 0x9000);
}

static void the_lock_holds_for_ever(void **state)
{
    (void)state;
    card_harness_blank(&h);
    card_harness_personalise(&h);
    struct certificate fields = issuer_card_fields(&h.statement);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(card_harness_store_certificates(&h, &fields), 0x6985);
        assert_int_equal(initialize(), 0x6985);
        card_harness_power_cycle(&h);
    }
    assert_int_equal(get_state().state, PURSE_PERSONALISED);
}

static void the_certificate_follows_the_number_or_a_verified_terminal(void **state)
{
    uint8_t data[11] = {0x5F, 0x20, CARD_NUMBER_BYTES};
    (void)state;
    card_harness_blank(&h);
    card_harness_personalise(&h);
    assert_int_equal(card_harness_command(&h, COMMAND_GET_CERTIFICATE, NULL, 0), 0x6985);
    memcpy(data + 3, h.statement.card, CARD_NUMBER_BYTES);
    assert_int_equal(card_harness_command(&h, COMMAND_GET_CERTIFICATE, data, sizeof data), 0x9000);
    assert_int_equal(h.answer_bytes, h.certificate.length);
    assert_memory_equal(h.answer, h.certificate.bytes, h.certificate.length);
    for (size_t i = 3; i < sizeof data; i++) {
        data[i] ^= 0x80;
        assert_int_equal(card_harness_command(&h, COMMAND_GET_CERTIFICATE, data, sizeof data),
                         0x6A88);
        assert_int_equal(h.answer_bytes, 0);
        data[i] ^= 0x80;
    }
    data[2]--;
    assert_int_equal(card_harness_command(&h, COMMAND_GET_CERTIFICATE, data, sizeof data), 0x6A80);
    assert_int_equal(card_harness_command(&h, COMMAND_GET_CERTIFICATE, data, sizeof data - 1),
                     0x6A80);
    card_harness_connect(&h, ROLE_POINT_OF_SALE); /* asks for it without the number */
    card_harness_power_cycle(&h);
    assert_int_equal(card_harness_command(&h, COMMAND_GET_CERTIFICATE, NULL, 0), 0x6985);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blank_card_shows_its_serial_and_nothing_else),
        cmocka_unit_test(a_personalised_card_hides_its_serial),
        cmocka_unit_test(keys_are_made_once_and_stated_again),
        cmocka_unit_test(two_cards_share_no_key_and_no_number),
        cmocka_unit_test(another_terminal_authority_may_follow_until_the_lock),
        cmocka_unit_test(another_root_never_gets_keys_that_were_stated),
        cmocka_unit_test(anchors_that_do_not_hold_together_are_refused),
        cmocka_unit_test(malformed_anchors_are_refused),
        cmocka_unit_test(an_ephemeral_key_off_the_curve_changes_nothing),
        cmocka_unit_test(certificates_before_keys_are_refused),
        cmocka_unit_test(a_certificate_of_another_card_does_not_lock),
        cmocka_unit_test(only_the_card_authority_under_the_root_certifies),
        cmocka_unit_test(certificates_fill_the_command_exactly),
        cmocka_unit_test(a_file_is_never_certified_as_hardware),
        cmocka_unit_test(the_lock_holds_for_ever),
        cmocka_unit_test(the_certificate_follows_the_number_or_a_verified_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
