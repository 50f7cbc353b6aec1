/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate's layout: what is encoded is decoded, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/tlv.h"
#include "scheme/fixtures.h"
#include "scheme/strict.h"

#define SEGMENTS 9 /* TLVs of a certificate: 93 42 5F20 95 5F25 5F24 53 7F49 5F37 */
enum {
    AT_SERIAL,
    AT_AUTHORITY,
    AT_SUBJECT,
    AT_USAGE,
    AT_START,
    AT_END,
    AT_CONTENT,
    AT_KEY,
    AT_SIGN
};
static const uint16_t tags[SEGMENTS] = {0x93,   0x42, 0x5F20, 0x95,  0x5F25,
                                        0x5F24, 0x53, 0x7F49, 0x5F37};

/* A certificate taken to pieces, to be put together again otherwise. */
struct segment {
    uint16_t tag;
    uint8_t value[128];
    size_t bytes;
};

static struct fixture_scheme world;
static struct fixture_certificate terminal, card;
static struct fixture_pair receipt_keys;
static const struct fixture_certificate *const all[] = {
    &world.card_authority, &world.terminal_authority, &card, &terminal, &world.orders,
    &world.lists};
#define ALL_COUNT (sizeof all / sizeof all[0])

static int make_world(void **state)
{
    (void)state;
    fixture_scheme_make(&world);
    fixture_terminal_make(&world, ROLE_POINT_OF_SALE, 7, &terminal);
    fixture_card_make(&world, 9, &card, &receipt_keys);
    return 0;
}

static void split(const struct fixture_certificate *c, struct segment segments[SEGMENTS])
{
    struct reader whole = reader_of(c->bytes, c->length);
    struct reader r = tlv_expect(&whole, 0x7F21);
    for (size_t i = 0; i < SEGMENTS; i++) {
        struct reader value = tlv_next(&r, &segments[i].tag);
        assert_true(segments[i].tag == tags[i] && value.left <= sizeof segments[i].value);
        segments[i].bytes = value.left;
        memcpy(segments[i].value, value.at, value.left);
    }
    assert_true(reader_done(&r));
}

static enum document_status decode_joined(const struct segment *segments, size_t count,
                                          struct certificate *c)
{
    uint8_t inside[1024], outside[1024];
    struct writer w = writer_of(inside, sizeof inside);
    for (size_t i = 0; i < count; i++)
        tlv_bytes(&w, segments[i].tag, segments[i].value, segments[i].bytes);
    struct writer whole = writer_of(outside, sizeof outside);
    tlv_bytes(&whole, 0x7F21, inside, w.used);
    assert_false(w.failed || whole.failed);
    return certificate_decode(outside, whole.used, c);
}

static void assert_refused(const struct segment *segments, size_t count)
{
    struct certificate c;
    assert_int_equal(decode_joined(segments, count, &c), DOCUMENT_MALFORMED);
}

/* The certificate with one byte of one value set otherwise. */
static enum document_status decode_changed(const struct fixture_certificate *c, size_t segment,
                                           size_t at, uint8_t value)
{
    struct segment segments[SEGMENTS];
    struct certificate decoded;
    split(c, segments);
    assert_true(at < segments[segment].bytes && segments[segment].value[at] != value);
    segments[segment].value[at] = value;
    return decode_joined(segments, SEGMENTS, &decoded);
}

static void every_field_survives_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_COUNT; i++) {
        struct certificate c;
        assert_int_equal(certificate_decode(all[i]->bytes, all[i]->length, &c), DOCUMENT_OK);
        const struct certificate *wanted = &all[i]->fields;
        assert_int_equal(c.type, wanted->type);
        assert_int_equal(c.scheme, wanted->scheme);
        assert_int_equal(c.serial, wanted->serial);
        assert_int_equal(c.authority, wanted->authority);
        assert_memory_equal(c.subject, wanted->subject, SUBJECT_BYTES_MAX);
        assert_int_equal(c.id, wanted->id);
        assert_int_equal(c.start, wanted->start / FIXTURE_DAY * FIXTURE_DAY);
        assert_int_equal(c.end, wanted->end / FIXTURE_DAY * FIXTURE_DAY + FIXTURE_DAY - 1);
        assert_memory_equal(c.key, wanted->key, PUBLIC_KEY_BYTES);
        assert_int_equal(c.authority_flags, wanted->authority_flags);
        assert_int_equal(c.card_class, wanted->card_class);
        assert_memory_equal(c.receipt_key, wanted->receipt_key, PUBLIC_KEY_BYTES);
        assert_int_equal(c.role, wanted->role);
        assert_int_equal(c.classes, wanted->classes);
        assert_int_equal(c.merchant, wanted->merchant);
        assert_int_equal(c.limit.minor, wanted->limit.minor);
        assert_int_equal(c.limit.currency, wanted->limit.currency);
        assert_int_equal(c.kinds, wanted->kinds);
        assert_int_equal(c.generation, wanted->generation);
    }
}

static void the_longest_certificate_is_a_card_s(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_COUNT; i++)
        assert_true(all[i]->length <= card.length);
    assert_int_equal(card.length, CERTIFICATE_BYTES_MAX);
}

static bool decodes(const uint8_t *bytes, size_t length)
{
    struct certificate c;
    return certificate_decode(bytes, length, &c) == DOCUMENT_OK;
}

static void cut_and_extended_certificates_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_COUNT; i++)
        assert_exact_length(decodes, all[i]->bytes, all[i]->length);
}

static void missing_doubled_and_swapped_tags_are_refused(void **state)
{
    (void)state;
    struct segment good[SEGMENTS], bad[SEGMENTS + 1];
    struct certificate c;
    split(&terminal, good);
    assert_int_equal(decode_joined(good, SEGMENTS, &c), DOCUMENT_OK);
    for (size_t i = 0; i < SEGMENTS; i++) {
        memcpy(bad, good, i * sizeof *good);
        memcpy(bad + i, good + i + 1, (SEGMENTS - i - 1) * sizeof *good);
        assert_refused(bad, SEGMENTS - 1);
        memcpy(bad, good, (i + 1) * sizeof *good);
        memcpy(bad + i + 1, good + i, (SEGMENTS - i) * sizeof *good);
        assert_refused(bad, SEGMENTS + 1);
        for (size_t j = i + 1; j < SEGMENTS; j++) {
            memcpy(bad, good, sizeof good);
            bad[i] = good[j];
            bad[j] = good[i];
            assert_refused(bad, SEGMENTS);
        }
    }
}

static void values_of_another_length_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_COUNT; i++) {
        for (size_t segment = 0; segment < SEGMENTS; segment++) {
            struct segment segments[SEGMENTS];
            split(all[i], segments);
            size_t bytes = segments[segment].bytes;
            for (size_t wrong = 0; wrong <= bytes + 4; wrong++) {
                segments[segment].bytes = wrong;
                if (wrong != bytes)
                    assert_refused(segments, SEGMENTS);
            }
        }
    }
}

static void usage_and_subject_follow_the_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_COUNT; i++) {
        struct segment segments[SEGMENTS];
        split(all[i], segments);
        bool agrees =
            all[i]->fields.type == CERTIFICATE_CARD || all[i]->fields.type == CERTIFICATE_TERMINAL;
        assert_int_equal(segments[AT_SUBJECT].bytes, agrees ? 8 : 4);
        assert_int_equal(segments[AT_USAGE].bytes, agrees ? 2 : 1);
        const uint8_t verify[] = {0x82}, agree[] = {0x00, 0x80};
        segments[AT_USAGE].bytes = agrees ? sizeof verify : sizeof agree;
        memcpy(segments[AT_USAGE].value, agrees ? verify : agree, segments[AT_USAGE].bytes);
        assert_refused(segments, SEGMENTS);
    }
    assert_int_equal(decode_changed(&terminal, AT_USAGE, 1, 0x82), DOCUMENT_MALFORMED);
    assert_int_equal(decode_changed(&world.orders, AT_USAGE, 0, 0x80), DOCUMENT_MALFORMED);
}

static void a_type_never_passes_for_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_COUNT; i++)
        for (unsigned type = 0; type < 256; type++) {
            bool is_authority = all[i]->fields.type <= CERTIFICATE_TERMINAL_AUTHORITY;
            if (type == (unsigned)all[i]->fields.type || (is_authority && type >= 1 && type <= 2))
                continue;
            assert_int_equal(decode_changed(all[i], AT_CONTENT, 0, (uint8_t)type),
                             DOCUMENT_MALFORMED);
        }
}

static void the_test_flag_is_a_card_authority_s_alone(void **state)
{
    (void)state;
    for (unsigned flags = 1; flags < 256; flags++) {
        assert_int_equal(decode_changed(&world.terminal_authority, AT_CONTENT, 5, (uint8_t)flags),
                         DOCUMENT_MALFORMED);
        if (flags != AUTHORITY_FLAG_TEST_SCHEME)
            assert_int_equal(decode_changed(&world.card_authority, AT_CONTENT, 5, (uint8_t)flags),
                             DOCUMENT_MALFORMED);
    }
    assert_int_equal(decode_changed(&world.card_authority, AT_CONTENT, 5, 0), DOCUMENT_OK);
}

static void unknown_card_classes_are_refused(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 256; which++)
        if (which != CARD_VIRTUAL)
            assert_int_equal(decode_changed(&card, AT_CONTENT, 5, (uint8_t)which),
                             which == CARD_HARDWARE ? DOCUMENT_OK : DOCUMENT_MALFORMED);
}

/* Every role with every 16 bits of classes: taken only within the role's. */
static void a_role_permits_its_own_classes_alone(void **state)
{
    (void)state;
    struct segment segments[SEGMENTS];
    split(&terminal, segments);
    for (unsigned role = 0; role < 256; role++)
        for (unsigned bit = 0; bit < 16; bit++) {
            unsigned classes = 1u << bit;
            segments[AT_CONTENT].value[5] = (uint8_t)role;
            segments[AT_CONTENT].value[6] = (uint8_t)(classes >> 8);
            segments[AT_CONTENT].value[7] = (uint8_t)classes;
            struct certificate c;
            bool permitted = (role_classes((enum terminal_role)role) & classes) != 0;
            assert_int_equal(decode_joined(segments, SEGMENTS, &c),
                             permitted ? DOCUMENT_OK : DOCUMENT_MALFORMED);
        }
}

static void working_kinds_are_known_and_not_none(void **state)
{
    (void)state;
    struct segment segments[SEGMENTS];
    split(&world.orders, segments);
    for (unsigned kinds = 0; kinds < 0x200; kinds++) {
        segments[AT_CONTENT].value[5] = (uint8_t)(kinds >> 8);
        segments[AT_CONTENT].value[6] = (uint8_t)kinds;
        struct certificate c;
        bool sound = kinds != 0 && (kinds & ~WORKING_KNOWN) == 0;
        assert_int_equal(decode_joined(segments, SEGMENTS, &c),
                         sound ? DOCUMENT_OK : DOCUMENT_MALFORMED);
    }
}

static void money_has_a_currency(void **state)
{
    (void)state;
    struct certificate c = terminal.fields;
    uint8_t out[CERTIFICATE_BYTES_MAX];
    c.limit = money_of(0, 0);
    assert_int_equal(certificate_body(&c, out, sizeof out), 0);
    c.classes = CLASS_CARRY;
    assert_int_not_equal(certificate_body(&c, out, sizeof out), 0);
    c.limit = money_of(1, 0);
    assert_int_equal(certificate_body(&c, out, sizeof out), 0);
    c = world.orders.fields;
    c.limit = money_of(0, 0);
    assert_int_equal(certificate_body(&c, out, sizeof out), 0);
    c.kinds = WORKING_LIST;
    assert_int_not_equal(certificate_body(&c, out, sizeof out), 0);
}

static void terms_end_where_their_type_says(void **state)
{
    (void)state;
    static const struct {
        const struct fixture_certificate *c;
        uint32_t days;
    } terms[] = {{&terminal, 7},
                 {&world.orders, 90},
                 {&world.card_authority, 366},
                 {&world.terminal_authority, 366}};
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        struct certificate c = terms[i].c->fields;
        uint8_t out[CERTIFICATE_BYTES_MAX];
        c.start = FIXTURE_NOW / FIXTURE_DAY * FIXTURE_DAY;
        c.end = c.start + terms[i].days * FIXTURE_DAY - 1;
        assert_int_not_equal(certificate_body(&c, out, sizeof out), 0);
        c.end += 1;
        assert_int_equal(certificate_body(&c, out, sizeof out), 0);
        c.end = c.start; /* one day */
        assert_int_not_equal(certificate_body(&c, out, sizeof out), 0);
        c.end = c.start - 1;
        assert_int_equal(certificate_body(&c, out, sizeof out), 0);
    }
    /* The decoder refuses it too: a terminal's last day, 2026-11-26, one day later. */
    assert_int_equal(decode_changed(&terminal, AT_END, 3, 0x27), DOCUMENT_MALFORMED);
    assert_int_equal(decode_changed(&terminal, AT_END, 3, 0x25), DOCUMENT_OK);
    assert_int_equal(decode_changed(&terminal, AT_END, 3, 0x19), DOCUMENT_MALFORMED);
}

static void days_are_digits_that_exist(void **state)
{
    (void)state;
    assert_int_equal(decode_changed(&terminal, AT_END, 3, 0x2A), DOCUMENT_MALFORMED);
    assert_int_equal(decode_changed(&terminal, AT_END, 3, 0x31), DOCUMENT_MALFORMED);
    assert_int_equal(decode_changed(&terminal, AT_START, 2, 0x13), DOCUMENT_MALFORMED);
    struct certificate c = card.fields;
    uint8_t out[CERTIFICATE_BYTES_MAX];
    c.end = UINT32_MAX; /* on the day that is cut short by 32 bits */
    assert_int_equal(certificate_body(&c, out, sizeof out), 0);
    c.end = UINT32_MAX / FIXTURE_DAY * FIXTURE_DAY - 1;
    assert_int_not_equal(certificate_body(&c, out, sizeof out), 0);
}

static void keys_are_uncompressed_points_of_p256(void **state)
{
    (void)state;
    static const size_t fixed[] = {0, 1, 2, 67, 68, 69}; /* B0 41 04 ... F0 01 00 */
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        assert_int_equal(decode_changed(&card, AT_KEY, fixed[i], 0x02), DOCUMENT_MALFORMED);
    assert_int_equal(decode_changed(&card, AT_KEY, 67, 0xF1), DOCUMENT_MALFORMED);
}

static void fields_out_of_range_are_not_encoded(void **state)
{
    (void)state;
    uint8_t out[CERTIFICATE_BYTES_MAX];
    struct certificate c = terminal.fields;
    c.type = (enum certificate_type)0;
    assert_int_equal(certificate_body(&c, out, sizeof out), 0);
    c.type = (enum certificate_type)6;
    assert_int_equal(certificate_body(&c, out, sizeof out), 0);
    c = terminal.fields;
    c.classes |= CLASS_REFUND;
    assert_int_equal(certificate_body(&c, out, sizeof out), 0);
    c = world.terminal_authority.fields;
    c.authority_flags = AUTHORITY_FLAG_TEST_SCHEME;
    assert_int_equal(certificate_body(&c, out, sizeof out), 0);
    for (size_t capacity = 0; capacity < card.length - 71; capacity++)
        assert_int_equal(certificate_body(&card.fields, out, capacity), 0);
    assert_int_equal(certificate_body(&card.fields, out, card.length - 71), card.length - 71);
}

static void the_first_certificate_of_a_row_is_delimited(void **state)
{
    (void)state;
    uint8_t row[2 * CERTIFICATE_BYTES_MAX];
    memcpy(row, card.bytes, card.length);
    memcpy(row + card.length, terminal.bytes, terminal.length);
    size_t length = card.length + terminal.length;
    assert_int_equal(certificate_length(row, length), card.length);
    assert_int_equal(certificate_length(row, card.length), card.length);
    for (size_t shorter = 0; shorter < card.length; shorter++)
        assert_int_equal(certificate_length(row, shorter), 0);
    assert_int_equal(certificate_length(row + 4, length - 4), 0);
}

/* OCE certificate of samsung/OpenSCP-Java's Scp11TestData: 20-byte ids, no start, DER signature. */
static void a_foreign_layout_is_refused(void **state)
{
    (void)state;
    static const char text[] =
        "7F2181E193146DBC19AFE3782C7C0053F19E86DF2F0F00B559EA4214851A6F60A6B45534647260877A357F36"
        "76C356865F2014E225C62F5E33CA02D23D9D83D0685B4EB2FEBC11950200805F2404141C0C1F7F4946B04104"
        "B5C2598092609EFEFBA7A2FBED2F6E9142CA3882E7DE69D47D29476E7F0CE85077480CAC6AD5C156CE459F25"
        "92DA0EECDCB0DE2E8F112C9E49C4655A11C59620F001005F3747304502210085941BB4C425EC62AFAFEC6C47"
        "BDF5481744F76D76D1BB71FF9353DCA2ED381E0220572584095E48FFC54589A88923CC9FB24F6380388C9BC6"
        "BE004A7E7368244DCB";
    uint8_t bytes[(sizeof text - 1) / 2];
    struct certificate c;
    assert_true(hex_decode(text, bytes, sizeof bytes));
    assert_int_equal(certificate_length(bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(certificate_decode(bytes, sizeof bytes, &c), DOCUMENT_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_survives_encoding),
        cmocka_unit_test(the_longest_certificate_is_a_card_s),
        cmocka_unit_test(cut_and_extended_certificates_are_refused),
        cmocka_unit_test(missing_doubled_and_swapped_tags_are_refused),
        cmocka_unit_test(values_of_another_length_are_refused),
        cmocka_unit_test(usage_and_subject_follow_the_type),
        cmocka_unit_test(a_type_never_passes_for_another),
        cmocka_unit_test(the_test_flag_is_a_card_authority_s_alone),
        cmocka_unit_test(unknown_card_classes_are_refused),
        cmocka_unit_test(a_role_permits_its_own_classes_alone),
        cmocka_unit_test(working_kinds_are_known_and_not_none),
        cmocka_unit_test(money_has_a_currency),
        cmocka_unit_test(terms_end_where_their_type_says),
        cmocka_unit_test(days_are_digits_that_exist),
        cmocka_unit_test(keys_are_uncompressed_points_of_p256),
        cmocka_unit_test(fields_out_of_range_are_not_encoded),
        cmocka_unit_test(the_first_certificate_of_a_row_is_delimited),
        cmocka_unit_test(a_foreign_layout_is_refused),
    };
    return cmocka_run_group_tests(tests, make_world, NULL);
}
