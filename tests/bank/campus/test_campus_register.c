/* SPDX-License-Identifier: Apache-2.0 */
/* Turning the campus purse on, registering terminals and cards, the link, the list. */
#include "field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"

static void a_bank_without_it_refuses_and_shows_nothing(void **state)
{
    (void)state;
    struct world w;
    struct stiver_campus_settings settings;
    struct stiver_bank_bytes answer;
    const uint8_t request[400] = {0};
    world_open(&w);
    assert_int_equal(stiver_campus_settings(w.bank, &settings), STIVER_BANK_OK);
    assert_false(settings.is_on);
    assert_int_equal(stiver_campus_link(w.bank, request, sizeof request, &answer),
                     STIVER_BANK_REFUSED);
    assert_non_null(strstr(stiver_bank_message(w.bank), "off"));
    assert_int_equal(stiver_campus_list_card(w.bank, 5), STIVER_BANK_REFUSED);
    assert_int_equal(stiver_campus_list_file(w.bank, &answer), STIVER_BANK_REFUSED);
    world_close(&w);
}

static void a_drawn_key_lies_encrypted_and_signs_after_reopening(void **state)
{
    (void)state;
    struct world w;
    struct stiver_campus_settings settings;
    struct stiver_bank_bytes file;
    struct campus_list list;
    uint8_t first[32], again[32], pem[CAMPUS_PEM_BYTES_MAX];
    char path[128], head[64];
    struct stat seen;
    world_open(&w);
    assert_int_equal(stiver_campus_found(w.bank, NULL, 0, first), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_found(w.bank, NULL, 0, again), STIVER_BANK_ALREADY);
    assert_memory_equal(first, again, sizeof first);
    size_t bytes = field_pem(TEST_KEY_OTHER_BACK_END, pem);
    assert_int_equal(stiver_campus_found(w.bank, pem, bytes, NULL), STIVER_BANK_CONFLICT);
    snprintf(path, sizeof path, "%s/keys/campus.pem", w.directory);
    assert_int_equal(stat(path, &seen), 0);
    assert_int_equal(seen.st_mode & 0777, 0600);
    FILE *key = fopen(path, "r");
    assert_non_null(key);
    assert_non_null(fgets(head, sizeof head, key));
    fclose(key);
    assert_string_equal(head, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
    world_reopen(&w);
    w.now += 6 * WORLD_DAY;
    assert_int_equal(stiver_campus_list_file(w.bank, &file), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_settings(w.bank, &settings), STIVER_BANK_OK);
    assert_true(settings.is_on);
    assert_memory_equal(settings.fingerprint, first, sizeof first);
    assert_true(campus_list_read(file.data, file.length, &list));
    assert_int_equal(
        evp_rsa_verify(settings.modulus, RSA_SHA1, list.text, list.text_bytes, list.signature),
        VERDICT_VALID);
    stiver_bank_bytes_free(&file);
    world_close(&w);
}

static void the_source_s_key_is_taken_over_whole_or_not_at_all(void **state)
{
    (void)state;
    struct world w;
    struct stiver_campus_settings settings;
    struct party back_end = party_of(TEST_KEY_BACK_END);
    uint8_t pem[CAMPUS_PEM_BYTES_MAX];
    world_open(&w);
    size_t bytes = field_pem(TEST_KEY_BACK_END, pem);
    assert_int_equal(stiver_campus_found(w.bank, pem, bytes / 2, NULL), STIVER_BANK_MALFORMED);
    pem[700] = pem[700] == 'A' ? 'B' : 'A'; /* inside the key: its parts do not fit any more */
    assert_int_equal(stiver_campus_found(w.bank, pem, bytes, NULL), STIVER_BANK_MALFORMED);
    bytes = field_public_pem(&back_end, pem);
    assert_int_equal(stiver_campus_found(w.bank, pem, bytes, NULL), STIVER_BANK_MALFORMED);
    assert_int_equal(stiver_campus_settings(w.bank, &settings), STIVER_BANK_OK);
    assert_false(settings.is_on);
    bytes = field_pem(TEST_KEY_BACK_END, pem);
    assert_int_equal(stiver_campus_found(w.bank, pem, bytes, NULL), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_found(w.bank, pem, bytes, NULL), STIVER_BANK_ALREADY);
    assert_int_equal(stiver_campus_settings(w.bank, &settings), STIVER_BANK_OK);
    assert_memory_equal(settings.modulus, back_end.modulus, sizeof settings.modulus);
    EVP_PKEY_free(back_end.pair);
    world_close(&w);
}

static void a_missing_or_exchanged_key_file_signs_nothing(void **state)
{
    (void)state;
    struct field f;
    struct stiver_bank_bytes package;
    char path[128], other[128];
    field_open(&f);
    snprintf(path, sizeof path, "%s/keys/campus.pem", f.w.directory);
    snprintf(other, sizeof other, "%s/keys/away.pem", f.w.directory);
    assert_int_equal(rename(path, other), 0);
    world_reopen(&f.w);
    assert_int_equal(stiver_campus_recertify(f.w.bank, f.pos.id, 3, &package),
                     STIVER_BANK_KEY_MISSING);
    char orders[128];
    snprintf(orders, sizeof orders, "%s/keys/orders-1.pem", f.w.directory);
    assert_int_equal(link(orders, path), 0);
    assert_int_equal(stiver_campus_recertify(f.w.bank, f.pos.id, 3, &package), STIVER_BANK_DAMAGED);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(stiver_campus_recertify(f.w.bank, f.pos.id, 3, &package), STIVER_BANK_OK);
    stiver_bank_bytes_free(&package);
    field_close(&f);
}

static void an_old_bank_is_upgraded_and_goes_on(void **state)
{
    (void)state;
    struct world w;
    struct stiver_campus_settings settings;
    uint8_t pem[CAMPUS_PEM_BYTES_MAX];
    world_open(&w);
    stiver_bank_close(w.bank);
    w.bank = NULL;
    world_sql(&w, "DROP TABLE campus_key; DROP TABLE campus_receipts; DROP TABLE campus_terms;"
                  "DROP TABLE campus_terminals; DROP TABLE campus_cards; DROP TABLE campus_funds;"
                  "DROP TABLE campus_answers; DROP TABLE campus_lists; PRAGMA user_version = 2");
    world_reopen(&w);
    assert_int_equal(stiver_campus_settings(w.bank, &settings), STIVER_BANK_OK);
    assert_false(settings.is_on);
    size_t bytes = field_pem(TEST_KEY_BACK_END, pem);
    assert_int_equal(stiver_campus_found(w.bank, pem, bytes, NULL), STIVER_BANK_OK);
    world_close(&w);
}

/* ---- terminals ---- */

struct shown {
    uint32_t id;
    struct stiver_campus_bank_terminal found;
};

static void note(void *context, const struct stiver_campus_bank_terminal *terminal)
{
    struct shown *shown = context;
    if (terminal->id == shown->id)
        shown->found = *terminal;
}

static struct stiver_campus_bank_terminal terminal_of(struct field *f, uint32_t id)
{
    struct shown shown = {.id = id};
    assert_int_equal(stiver_campus_terminals(f->w.bank, note, &shown), STIVER_BANK_OK);
    return shown.found;
}

static void drawn_terminals_are_certified_to_the_end_of_a_day(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    assert_true(f.pos.id != 0 && f.pos.id <= CAMPUS_COUNTER_MAX);
    assert_int_equal(f.pos.end, f.w.now - f.w.now % DAY_SECONDS + 7 * DAY_SECONDS - 1);
    uint8_t held[CAMPUS_RSA_BYTES];
    memcpy(held, f.pos.certificate, sizeof held);
    party_certify(&f.back_end, &f.pos, CAMPUS_USAGE_POS);
    assert_memory_equal(f.pos.certificate, held, sizeof held);
    assert_true(bytes_are_zero(f.station.certificate, CAMPUS_RSA_BYTES));
    assert_int_equal(terminal_of(&f, f.pos.id).merchant, FIELD_MERCHANT);
    assert_int_equal(terminal_of(&f, f.reload.id).credit, FIELD_CREDIT);
    field_close(&f);
}

static void enrolment_refuses_what_is_unfit_or_taken(void **state)
{
    (void)state;
    struct field f;
    struct stiver_bank_bytes package;
    struct campus_enrol enrol = {.role = CAMPUS_ROLE_POS};
    uint8_t request[CAMPUS_ENROL_BYTES];
    uint32_t id;
    field_open(&f);
    memcpy(enrol.modulus, f.pos.modulus, sizeof enrol.modulus);
    campus_enrol_encode(&enrol, request);
    struct stiver_campus_enrolment e = {.merchant = FIELD_MERCHANT, .days = 7};
    struct stiver_bank *bank = f.w.bank;
    assert_int_equal(stiver_campus_enrol(bank, request, sizeof request, &e, &id, &package),
                     STIVER_BANK_CONFLICT); /* the key has an ID */
    e.id = f.pos.id;
    assert_int_equal(stiver_campus_enrol(bank, request, sizeof request, &e, &id, &package),
                     STIVER_BANK_ALREADY);
    e.merchant++;
    assert_int_equal(stiver_campus_enrol(bank, request, sizeof request, &e, &id, &package),
                     STIVER_BANK_CONFLICT);
    e.id = 0x80000000u; /* a card's */
    assert_int_equal(stiver_campus_enrol(bank, request, sizeof request, &e, &id, &package),
                     STIVER_BANK_ARGUMENT);
    e.id = 5;
    e.days = 8;
    assert_int_equal(stiver_campus_enrol(bank, request, sizeof request, &e, &id, &package),
                     STIVER_BANK_ARGUMENT);
    e.days = 1;
    assert_int_equal(stiver_campus_enrol(bank, request, sizeof request - 1, &e, &id, &package),
                     STIVER_BANK_MALFORMED);
    memcpy(enrol.modulus, f.card.modulus, sizeof enrol.modulus); /* W4: a card is no terminal */
    campus_enrol_encode(&enrol, request);
    assert_int_equal(stiver_campus_enrol(bank, request, sizeof request, &e, &id, &package),
                     STIVER_BANK_CONFLICT);
    enrol.modulus[255] &= 0xFE;
    campus_enrol_encode(&enrol, request);
    assert_int_equal(stiver_campus_enrol(bank, request, sizeof request, &e, &id, &package),
                     STIVER_BANK_MALFORMED);
    assert_int_equal(stiver_campus_recertify(bank, 99, 7, &package), STIVER_BANK_UNKNOWN_TERMINAL);
    assert_int_equal(stiver_campus_list_terminal(bank, f.pos.id), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_recertify(bank, f.pos.id, 7, &package), STIVER_BANK_LISTED);
    field_close(&f);
}

static void the_source_s_terminals_are_registered_as_they_stand(void **state)
{
    (void)state;
    struct field f;
    uint8_t pem[CAMPUS_PEM_BYTES_MAX];
    field_open(&f);
    struct party old = party_of(TEST_KEY_THIRD_CARD);
    old.id = 2345;
    old.end = 0x649F6C80; /* 2023: long over */
    party_certify(&f.back_end, &old, CAMPUS_USAGE_POS);
    size_t bytes = field_public_pem(&old, pem);
    struct stiver_campus_enrolment e = {.id = old.id, .merchant = 9};
    assert_int_equal(stiver_campus_register(f.w.bank, CAMPUS_ROLE_RELOAD, &e, old.end, pem, bytes,
                                            old.certificate),
                     STIVER_BANK_FORGED); /* W1, W3: the role is under the signature */
    assert_int_equal(stiver_campus_register(f.w.bank, CAMPUS_ROLE_POS, &e, old.end + 1, pem, bytes,
                                            old.certificate),
                     STIVER_BANK_FORGED);
    assert_int_equal(
        stiver_campus_register(f.w.bank, CAMPUS_ROLE_POS, &e, old.end, pem, bytes, old.certificate),
        STIVER_BANK_OK);
    assert_int_equal(
        stiver_campus_register(f.w.bank, CAMPUS_ROLE_POS, &e, old.end, pem, bytes, old.certificate),
        STIVER_BANK_ALREADY);
    /* Its old receipts are good: nobody knows since when it was certified. */
    struct campus_upload paid =
        field_receipt(&f, &f.card, &old, 5, old.end - 1000000, CAMPUS_OUTCOME_DONE);
    assert_int_equal(field_upload(&f, &old, &paid), UPLOAD_BOOKED);
    assert_int_equal(world_balance(&f.w, "campus merchant:9"), 5);
    EVP_PKEY_free(old.pair);
    field_close(&f);
}

static void w4_a_card_s_certificate_makes_no_terminal(void **state)
{
    (void)state;
    struct field f;
    uint8_t pem[CAMPUS_PEM_BYTES_MAX];
    field_open(&f);
    size_t bytes = field_public_pem(&f.card, pem);
    struct stiver_campus_enrolment e = {.id = f.card.id};
    assert_int_equal(stiver_campus_register(f.w.bank, CAMPUS_ROLE_RELOAD, &e, f.card.end, pem,
                                            bytes, f.card.certificate),
                     STIVER_BANK_ARGUMENT);
    e.id = 77;
    assert_int_equal(stiver_campus_register(f.w.bank, CAMPUS_ROLE_RELOAD, &e, f.card.end, pem,
                                            bytes, f.card.certificate),
                     STIVER_BANK_FORGED);
    struct reply reply = field_call(&f, &f.card, CAMPUS_LINK_UPLOAD, NULL, 0, NULL);
    assert_int_equal(reply.status, STIVER_BANK_UNKNOWN_TERMINAL);
    struct party as_pos = f.card;
    as_pos.id = f.pos.id;
    reply = field_call(&f, &as_pos, CAMPUS_LINK_UPLOAD, NULL, 0, NULL);
    assert_int_equal(reply.status, STIVER_BANK_FORGED);
    field_close(&f);
}

/* ---- the link ---- */

static struct reply upload_nothing(struct field *f, const struct party *terminal,
                                   uint64_t list_end_ms, uint32_t own_end)
{
    uint8_t body[16];
    struct writer w = writer_of(body, sizeof body);
    writer_u64(&w, list_end_ms);
    writer_u32(&w, own_end);
    writer_u32(&w, 0);
    struct reply reply = field_call(f, terminal, CAMPUS_LINK_UPLOAD, body, sizeof body, NULL);
    assert_int_equal(reply.result, LINK_OK);
    assert_int_equal(reader_u32(&reply.body), 0);
    return reply;
}

static void an_upload_brings_list_and_certificate_when_they_are_due(void **state)
{
    (void)state;
    struct field f;
    struct campus_list list;
    field_open(&f);
    struct reply reply = upload_nothing(&f, &f.pos, 0, f.pos.end);
    struct reader file = link_field_read(&reply.body);
    assert_true(campus_list_read(file.at, file.left, &list));
    assert_int_equal(list.count, 0);
    assert_int_equal(reader_u32(&reply.body), 0);
    assert_true(reader_done(&reply.body));
    uint64_t end_ms = list.end_ms;
    reply_free(&reply);
    f.w.now = f.pos.end - DAY_SECONDS; /* both are due */
    reply = upload_nothing(&f, &f.pos, end_ms, f.pos.end);
    file = link_field_read(&reply.body);
    assert_true(campus_list_read(file.at, file.left, &list));
    assert_true(list.end_ms > end_ms);
    uint32_t end = reader_u32(&reply.body);
    assert_true(end > f.pos.end);
    struct party renewed = f.pos;
    renewed.end = end;
    party_certify(&f.back_end, &renewed, CAMPUS_USAGE_POS);
    assert_memory_equal(reader_take(&reply.body, 256), renewed.certificate, 256);
    assert_true(reader_done(&reply.body));
    reply_free(&reply);
    reply = upload_nothing(&f, &f.pos, UINT64_MAX, f.pos.end); /* it was lost: again */
    assert_int_equal(reader_u32(&reply.body), 0);
    assert_int_equal(reader_u32(&reply.body), end);
    reply_free(&reply);
    f.w.now = end + 7 * DAY_SECONDS + 1; /* out of a drawer: a person decides */
    reply = upload_nothing(&f, &f.pos, UINT64_MAX, end);
    assert_int_equal(reader_u32(&reply.body), 0);
    assert_int_equal(reader_u32(&reply.body), 0);
    reply_free(&reply);
    field_close(&f);
}

static void only_a_station_gets_certificates_for_cards(void **state)
{
    (void)state;
    struct field f;
    uint8_t body[8 + CAMPUS_RSA_BYTES] = {0};
    field_open(&f);
    const struct party *others[] = {&f.pos, &f.reload};
    for (int i = 0; i < 2; i++) {
        struct reply reply = field_call(&f, others[i], CAMPUS_LINK_CARD, NULL, 0, NULL);
        assert_int_equal(reply.result, LINK_REFUSED);
        reply_free(&reply);
        reply = field_call(&f, others[i], CAMPUS_LINK_CERTIFY, body, sizeof body, NULL);
        assert_int_equal(reply.result, LINK_REFUSED);
        reply_free(&reply);
    }
    f.w.now = f.station.end + 1;
    struct reply reply = field_call(&f, &f.station, CAMPUS_LINK_CARD, NULL, 0, NULL);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    f.w.now = f.station.end;
    assert_int_equal(stiver_campus_list_terminal(f.w.bank, f.station.id), STIVER_BANK_OK);
    reply = field_call(&f, &f.station, CAMPUS_LINK_CARD, NULL, 0, NULL);
    assert_int_equal(reply.result, LINK_REFUSED);
    reply_free(&reply);
    field_close(&f);
}

static enum link_result certify(struct field *f, const struct party *station, uint32_t id,
                                uint32_t end, const uint8_t modulus[256], uint8_t signature[256])
{
    uint8_t body[8 + CAMPUS_RSA_BYTES];
    struct writer w = writer_of(body, sizeof body);
    writer_u32(&w, id);
    writer_u32(&w, end);
    writer_bytes(&w, modulus, CAMPUS_RSA_BYTES);
    struct reply reply = field_call(f, station, CAMPUS_LINK_CERTIFY, body, sizeof body, NULL);
    enum link_result result = reply.result;
    assert_int_equal(reply.status, STIVER_BANK_OK);
    if (result == LINK_OK)
        reader_bytes(&reply.body, signature, 256);
    reply_free(&reply);
    return result;
}

static void w18_no_two_cards_have_one_id(void **state)
{
    (void)state;
    struct field f;
    uint8_t signature[256];
    field_open(&f);
    struct party second = party_of(TEST_KEY_SECOND_CARD), third = party_of(TEST_KEY_THIRD_CARD);
    assert_true(f.card.id >= 0x80000000u); /* W3 */
    assert_true(f.card.end > CAMPUS_COUNTER_MAX);
    const struct party *station = &f.station;
    assert_int_equal(certify(&f, station, f.card.id, f.card.end, f.card.modulus, signature),
                     LINK_OK);
    assert_memory_equal(signature, f.card.certificate, sizeof signature);
    assert_int_equal(certify(&f, station, f.card.id, f.card.end, second.modulus, signature),
                     LINK_CONFLICT);
    assert_int_equal(certify(&f, station, f.card.id, f.card.end + 1, second.modulus, signature),
                     LINK_REFUSED);
    assert_int_equal(certify(&f, station, 0x80000005u, f.card.end, second.modulus, signature),
                     LINK_REFUSED); /* never drawn */
    field_personalise(&f, &second);
    assert_true(second.id != f.card.id);
    /* One key has one ID. */
    struct reply reply = field_call(&f, station, CAMPUS_LINK_CARD, NULL, 0, NULL);
    uint32_t id = reader_u32(&reply.body), end = reader_u32(&reply.body);
    reply_free(&reply);
    assert_int_equal(certify(&f, station, id, end, second.modulus, signature), LINK_CONFLICT);
    third.id = 123; /* what the source's station offers to each card */
    third.end = 0x77F48B80;
    party_certify(&f.back_end, &third, CAMPUS_USAGE_CARD);
    struct stiver_bank *bank = f.w.bank;
    assert_int_equal(
        stiver_campus_register_card(bank, 123, third.end + 1, third.modulus, third.certificate),
        STIVER_BANK_FORGED);
    assert_int_equal(
        stiver_campus_register_card(bank, 123, third.end, third.modulus, third.certificate),
        STIVER_BANK_OK);
    assert_int_equal(
        stiver_campus_register_card(bank, 123, third.end, third.modulus, third.certificate),
        STIVER_BANK_ALREADY);
    struct party twin = party_of(TEST_KEY_OTHER_BACK_END);
    twin.id = 123;
    twin.end = third.end;
    party_certify(&f.back_end, &twin, CAMPUS_USAGE_CARD);
    assert_int_equal(
        stiver_campus_register_card(bank, 123, twin.end, twin.modulus, twin.certificate),
        STIVER_BANK_CONFLICT);
    /* Its receipts are nobody's: they are rejected, and somebody is told. */
    struct campus_upload paid = field_receipt(&f, &twin, &f.pos, 5, 0, CAMPUS_OUTCOME_DONE);
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_REJECTED);
    assert_int_equal(world_alarms(&f.w), 1);
    EVP_PKEY_free(second.pair);
    EVP_PKEY_free(third.pair);
    EVP_PKEY_free(twin.pair);
    field_close(&f);
}

static void the_same_request_gets_the_same_answer(void **state)
{
    (void)state;
    struct field f;
    const uint8_t id[LINK_ID_BYTES] = {7};
    field_open(&f);
    struct reply first = field_call(&f, &f.station, CAMPUS_LINK_CARD, NULL, 0, id);
    world_reopen(&f.w);
    f.w.now += 100;
    struct reply again = field_call(&f, &f.station, CAMPUS_LINK_CARD, NULL, 0, id);
    assert_int_equal(first.whole.length, again.whole.length);
    assert_memory_equal(first.whole.data, again.whole.data, first.whole.length);
    struct reply other = field_call(&f, &f.station, CAMPUS_LINK_CERTIFY, id, 5, id);
    assert_int_equal(other.result, LINK_CONFLICT);
    reply_free(&first);
    reply_free(&again);
    reply_free(&other);
    field_close(&f);
}

/* ---- the list ---- */

static void lists_end_ever_later_and_keep_cards_until_their_end(void **state)
{
    (void)state;
    struct field f;
    struct stiver_campus_settings before, after;
    struct stiver_bank_bytes file;
    struct campus_list list;
    field_open(&f);
    struct stiver_bank *bank = f.w.bank;
    assert_int_equal(stiver_campus_settings(bank, &before), STIVER_BANK_OK);
    assert_true(before.list_end_ms == ((uint64_t)f.w.now + 10 * WORLD_DAY) * 1000);
    assert_int_equal(stiver_campus_list_card(bank, 5), STIVER_BANK_UNKNOWN_CARD);
    f.w.now -= 3 * WORLD_DAY; /* a clock that was set back */
    assert_int_equal(stiver_campus_list_card(bank, f.card.id), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_settings(bank, &after), STIVER_BANK_OK);
    assert_true(after.list_end_ms > before.list_end_ms);
    assert_int_equal(stiver_campus_list_file(bank, &file), STIVER_BANK_OK);
    assert_true(campus_list_read(file.data, file.length, &list));
    assert_true(campus_list_has(&list, f.card.id));
    assert_int_equal(list.count, 1);
    assert_int_equal(
        evp_rsa_verify(f.back_end.modulus, RSA_SHA1, list.text, list.text_bytes, list.signature),
        VERDICT_VALID);
    stiver_bank_bytes_free(&file);
    f.w.now = f.card.end;
    assert_int_equal(stiver_campus_list_file(bank, &file), STIVER_BANK_OK);
    assert_true(campus_list_read(file.data, file.length, &list));
    assert_int_equal(list.count, 1);
    stiver_bank_bytes_free(&file);
    f.w.now = f.card.end + 6 * WORLD_DAY;
    assert_int_equal(stiver_campus_list_file(bank, &file), STIVER_BANK_OK);
    assert_true(campus_list_read(file.data, file.length, &list));
    assert_int_equal(list.count, 0);
    stiver_bank_bytes_free(&file);
    field_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bank_without_it_refuses_and_shows_nothing),
        cmocka_unit_test(a_drawn_key_lies_encrypted_and_signs_after_reopening),
        cmocka_unit_test(the_source_s_key_is_taken_over_whole_or_not_at_all),
        cmocka_unit_test(a_missing_or_exchanged_key_file_signs_nothing),
        cmocka_unit_test(an_old_bank_is_upgraded_and_goes_on),
        cmocka_unit_test(drawn_terminals_are_certified_to_the_end_of_a_day),
        cmocka_unit_test(enrolment_refuses_what_is_unfit_or_taken),
        cmocka_unit_test(the_source_s_terminals_are_registered_as_they_stand),
        cmocka_unit_test(w4_a_card_s_certificate_makes_no_terminal),
        cmocka_unit_test(an_upload_brings_list_and_certificate_when_they_are_due),
        cmocka_unit_test(only_a_station_gets_certificates_for_cards),
        cmocka_unit_test(w18_no_two_cards_have_one_id),
        cmocka_unit_test(the_same_request_gets_the_same_answer),
        cmocka_unit_test(lists_end_ever_later_and_keep_cards_until_their_end),
    };
    return cmocka_run_group_tests_name("campus register", tests, NULL, NULL);
}
