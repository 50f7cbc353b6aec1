/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a certificate: cards that prove their stock and their keys, terminals for a week. */
#include "harness.h"

#include <string.h>

struct town {
    struct world w;
    struct terminal station, shop;
};

static void town_open(struct town *t)
{
    world_open(&t->w);
    terminal_enrol(&t->w, &t->station, ROLE_STATION, 0, 0);
    terminal_enrol(&t->w, &t->shop, ROLE_POINT_OF_SALE, 7, 0);
}

static void town_close(struct town *t)
{
    world_close(&t->w);
    terminal_free(&t->station);
    terminal_free(&t->shop);
}

static enum link_result certify(struct town *t, const uint8_t statement[STATEMENT_ANSWER_BYTES])
{
    struct reply reply =
        link_call(&t->w, &t->station, LINK_CERTIFY, statement, STATEMENT_ANSWER_BYTES, NULL);
    assert_int_equal(reply.status, STIVER_BANK_OK);
    enum link_result result = reply.result;
    reply_free(&reply);
    return result;
}

static void challenge(struct town *t, const struct card *card,
                      uint8_t statement[STATEMENT_ANSWER_BYTES])
{
    struct reply reply = link_call(&t->w, &t->station, LINK_STOCK, card->serial, 8, NULL);
    assert_int_equal(reply.result, LINK_OK);
    card_state_keys(card, reply.body, statement);
    reply_free(&reply);
}

static void same_serial_with_another_key_is_a_conflict(void **state)
{
    (void)state;
    struct town t;
    const uint8_t serial[8] = {1}, key[16] = {2}, other[16] = {3};
    town_open(&t);
    assert_int_equal(stiver_bank_stock(t.w.bank, serial, key, 2), STIVER_BANK_OK);
    assert_int_equal(stiver_bank_stock(t.w.bank, serial, key, 2), STIVER_BANK_ALREADY);
    assert_int_equal(stiver_bank_stock(t.w.bank, serial, other, 2), STIVER_BANK_CONFLICT);
    assert_int_equal(stiver_bank_stock(t.w.bank, serial, key, 1), STIVER_BANK_CONFLICT);
    assert_int_equal(stiver_bank_stock(t.w.bank, serial, key, 3), STIVER_BANK_ARGUMENT);
    town_close(&t);
}

static void repeated_statement_gets_the_same_certificate(void **state)
{
    (void)state;
    struct town t;
    struct card card;
    uint8_t statement[STATEMENT_ANSWER_BYTES];
    town_open(&t);
    card_make(&t.w, &t.station, &card);
    challenge(&t, &card, statement);
    struct reply reply =
        link_call(&t.w, &t.station, LINK_CERTIFY, statement, sizeof statement, NULL);
    assert_int_equal(reply.result, LINK_OK);
    struct reader both = link_field_read(&reply.body);
    assert_true(both.left > card.certificate_bytes);
    assert_memory_equal(both.at + both.left - card.certificate_bytes, card.certificate,
                        card.certificate_bytes);
    reply_free(&reply);
    card_free(&card);
    town_close(&t);
}

static void other_keys_for_a_serial_ring(void **state)
{
    (void)state;
    struct town t;
    struct card card;
    uint8_t statement[STATEMENT_ANSWER_BYTES];
    town_open(&t);
    card_make(&t.w, &t.station, &card);
    EVP_PKEY_free(card.receipt);
    card.receipt = evp_key_generate();
    challenge(&t, &card, statement);
    assert_int_equal(certify(&t, statement), LINK_CONFLICT);
    assert_int_equal(world_alarms(&t.w), 1);
    card_free(&card);
    town_close(&t);
}

static void one_number_for_two_serials_rings(void **state)
{
    (void)state;
    struct town t;
    struct card card, second;
    uint8_t statement[STATEMENT_ANSWER_BYTES];
    town_open(&t);
    card_make(&t.w, &t.station, &card);
    second = card;
    second.serial[0] ^= 0xFF;
    second.transport_key[0] ^= 1;
    assert_int_equal(stiver_bank_stock(t.w.bank, second.serial, second.transport_key, CARD_VIRTUAL),
                     STIVER_BANK_OK);
    challenge(&t, &second, statement);
    assert_int_equal(certify(&t, statement), LINK_CONFLICT);
    assert_int_equal(world_alarms(&t.w), 1);
    card_free(&card);
    town_close(&t);
}

static void changed_statement_is_refused(void **state)
{
    (void)state;
    struct town t;
    struct card card = {.serial = {5}, .number = {6}, .transport_key = {7}};
    uint8_t statement[STATEMENT_ANSWER_BYTES];
    town_open(&t);
    card.channel = evp_key_generate();
    card.receipt = evp_key_generate();
    assert_int_equal(stiver_bank_stock(t.w.bank, card.serial, card.transport_key, CARD_VIRTUAL),
                     STIVER_BANK_OK);
    challenge(&t, &card, statement);
    for (size_t i = 0; i < sizeof statement; i += 13) {
        statement[i] ^= 1;
        assert_int_equal(certify(&t, statement), LINK_REFUSED);
        statement[i] ^= 1;
    }
    struct card thief = card; /* knows serial and number, not the transport key */
    thief.transport_key[0] ^= 1;
    challenge(&t, &thief, statement);
    assert_int_equal(certify(&t, statement), LINK_REFUSED);
    uint8_t old[STATEMENT_ANSWER_BYTES];
    challenge(&t, &card, old);
    challenge(&t, &card, statement); /* a fresh nonce: the old statement is of no use */
    assert_int_equal(certify(&t, old), LINK_REFUSED);
    assert_int_equal(certify(&t, statement), LINK_OK);
    card_free(&card);
    town_close(&t);
}

static void hardware_class_needs_hardware_stock(void **state)
{
    (void)state;
    struct town t;
    struct card card;
    town_open(&t);
    card_make(&t.w, &t.station, &card);
    struct certificate c;
    assert_int_equal(certificate_decode(card.certificate, card.certificate_bytes, &c), DOCUMENT_OK);
    assert_int_equal(c.card_class, CARD_VIRTUAL);
    assert_int_equal(world_card(&t.w, &card).card_class, CARD_VIRTUAL);
    assert_true(c.end > WORLD_NOW + 4 * 365 * WORLD_DAY);
    card_free(&card);
    town_close(&t);
}

static void only_stations_personalise(void **state)
{
    (void)state;
    struct town t;
    const uint8_t serial[8] = {1};
    town_open(&t);
    struct reply reply = link_call(&t.w, &t.shop, LINK_STOCK, serial, 8, NULL);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    reply = link_call(&t.w, &t.station, LINK_STOCK, serial, 8, NULL); /* not in stock */
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    town_close(&t);
}

static void requests_of_strangers_get_no_answer(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    struct terminal thief = t.shop;
    thief.pair = evp_key_generate(); /* the number without the key */
    struct reply reply = link_call(&t.w, &thief, LINK_UPLOAD, NULL, 0, NULL);
    assert_int_equal(reply.status, STIVER_BANK_FORGED);
    thief.number[0] ^= 1;
    reply = link_call(&t.w, &thief, LINK_UPLOAD, NULL, 0, NULL);
    assert_int_equal(reply.status, STIVER_BANK_UNKNOWN_TERMINAL);
    EVP_PKEY_free(thief.pair);
    struct stiver_bank_bytes answer;
    uint8_t noise[64] = {0};
    for (size_t n = 0; n <= sizeof noise; n++)
        assert_int_not_equal(stiver_bank_link(t.w.bank, noise, n, &answer), STIVER_BANK_OK);
    town_close(&t);
}

static void malformed_bodies_are_refused(void **state)
{
    (void)state;
    struct town t;
    uint8_t body[64] = {0};
    town_open(&t);
    body[7] = 200; /* more entries than bytes */
    struct reply reply = link_call(&t.w, &t.shop, LINK_UPLOAD, body, 40, NULL);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    body[7] = 1;
    body[8] = 9; /* no such kind */
    reply = link_call(&t.w, &t.shop, LINK_UPLOAD, body, 40, NULL);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    reply = link_call(&t.w, &t.station, LINK_CERTIFY, body, 40, NULL);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    town_close(&t);
}

static void terminals_are_certified_for_a_week_at_most(void **state)
{
    (void)state;
    struct town t;
    struct stiver_bank_bytes package;
    uint8_t request[ENROL_REQUEST_BYTES] = {1}, number[8];
    struct stiver_bank_enrolment e = {.role = ROLE_POINT_OF_SALE, .days = 8};
    town_open(&t);
    assert_true(evp_public_of(t.shop.pair, request + 1));
    assert_int_equal(stiver_bank_enrol(t.w.bank, request, sizeof request, &e, number, &package),
                     STIVER_BANK_ARGUMENT);
    e.days = 7;
    e.classes = CLASS_LOAD; /* not of this role */
    assert_int_equal(stiver_bank_enrol(t.w.bank, request, sizeof request, &e, number, &package),
                     STIVER_BANK_ARGUMENT);
    e.classes = 0; /* this key has a terminal already */
    assert_int_equal(stiver_bank_enrol(t.w.bank, request, sizeof request, &e, number, &package),
                     STIVER_BANK_CONFLICT);
    memset(request + 1, 0x55, 64); /* no point of the curve */
    assert_int_equal(stiver_bank_enrol(t.w.bank, request, sizeof request, &e, number, &package),
                     STIVER_BANK_MALFORMED);
    struct certificate c;
    assert_int_equal(certificate_decode(t.shop.certificate, t.shop.certificate_bytes, &c),
                     DOCUMENT_OK);
    assert_int_equal(c.end - c.start, 7 * WORLD_DAY - 1);
    assert_int_equal(c.merchant, 7);
    assert_int_equal(c.limit.minor, 2000);
    assert_int_equal(stiver_bank_recertify(t.w.bank, number, 7, &package),
                     STIVER_BANK_UNKNOWN_TERMINAL);
    town_close(&t);
}

static void terminal_near_its_end_is_renewed_by_its_upload(void **state)
{
    (void)state;
    struct town t;
    struct parcel p = {0};
    struct reader rest;
    uint8_t none[1];
    town_open(&t);
    struct reply reply = parcel_upload(&t.w, &t.shop, &p, none, &rest);
    assert_int_equal(reader_u32(&rest), 0);
    assert_true(link_field_read(&rest).left > 0); /* the list: it said that it holds none */
    assert_int_equal(link_field_read(&rest).left, 0);
    assert_true(reader_done(&rest));
    reply_free(&reply);
    t.w.now += 5 * WORLD_DAY;
    reply = parcel_upload(&t.w, &t.shop, &p, none, &rest);
    (void)reader_u32(&rest);
    (void)link_field_read(&rest);
    struct reader renewed = link_field_read(&rest);
    struct certificate c;
    assert_int_equal(certificate_decode(renewed.at, renewed.left, &c), DOCUMENT_OK);
    assert_memory_equal(c.subject, t.shop.number, 8);
    assert_true(c.end > t.w.now + 6 * WORLD_DAY);
    reply_free(&reply);
    town_close(&t);
}

/* Whether an upload brings this terminal a certificate. */
static bool is_renewed(struct town *t)
{
    struct parcel p = {0};
    struct reader rest;
    uint8_t none[1];
    struct reply reply = parcel_upload(&t->w, &t->shop, &p, none, &rest);
    (void)reader_u32(&rest);
    (void)link_field_read(&rest);
    bool is_there = link_field_read(&rest).left > 0;
    assert_true(reader_done(&rest));
    reply_free(&reply);
    return is_there;
}

/* A terminal that was stolen out of a drawer must not certify itself; one that was off over the
 * holidays may. */
static void terminal_long_past_its_end_is_not_renewed_by_its_upload(void **state)
{
    (void)state;
    struct town t;
    struct stiver_bank_bytes package;
    town_open(&t);
    struct certificate c;
    assert_int_equal(certificate_decode(t.shop.certificate, t.shop.certificate_bytes, &c),
                     DOCUMENT_OK);
    t.w.now = c.end + 7 * WORLD_DAY + 1;
    assert_false(is_renewed(&t));
    t.w.now = c.end + 7 * WORLD_DAY;
    assert_true(is_renewed(&t));
    t.w.now += 30 * WORLD_DAY;
    assert_false(is_renewed(&t));
    assert_int_equal(stiver_bank_recertify(t.w.bank, t.shop.number, 1, &package), STIVER_BANK_OK);
    stiver_bank_bytes_free(&package);
    assert_true(is_renewed(&t)); /* less than two days are left of the new one */
    town_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_serial_with_another_key_is_a_conflict),
        cmocka_unit_test(repeated_statement_gets_the_same_certificate),
        cmocka_unit_test(other_keys_for_a_serial_ring),
        cmocka_unit_test(one_number_for_two_serials_rings),
        cmocka_unit_test(changed_statement_is_refused),
        cmocka_unit_test(hardware_class_needs_hardware_stock),
        cmocka_unit_test(only_stations_personalise),
        cmocka_unit_test(requests_of_strangers_get_no_answer),
        cmocka_unit_test(malformed_bodies_are_refused),
        cmocka_unit_test(terminals_are_certified_for_a_week_at_most),
        cmocka_unit_test(terminal_near_its_end_is_renewed_by_its_upload),
        cmocka_unit_test(terminal_long_past_its_end_is_not_renewed_by_its_upload),
    };
    return cmocka_run_group_tests_name("register", tests, NULL, NULL);
}
