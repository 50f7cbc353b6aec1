/* SPDX-License-Identifier: Apache-2.0 */
#include "field.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"

#define REQUEST_BYTES_MAX 4096u

/* ---- keys ---- */

static EVP_PKEY *pair_of(enum test_key key)
{
    BIO *memory = BIO_new_mem_buf(test_keys[key], -1);
    EVP_PKEY *pair = PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL);
    BIO_free(memory);
    assert_non_null(pair);
    return pair;
}

struct party party_of(enum test_key key)
{
    struct party party = {.pair = pair_of(key)};
    assert_true(evp_rsa_modulus_of(party.pair, party.modulus));
    return party;
}

void party_sign(const struct party *by, enum rsa_hash hash, const uint8_t *text, size_t bytes,
                uint8_t signature[CAMPUS_RSA_BYTES])
{
    uint8_t digest[RSA_DIGEST_BYTES_MAX];
    assert_true(evp_rsa_digest(hash, text, bytes, digest));
    assert_true(evp_rsa_sign(by->pair, hash, digest, signature));
}

void party_certify(const struct party *back_end, struct party *party, uint32_t usage)
{
    struct campus_certificate c = {
        .id = party->id, .end = party->end, .usage = (enum campus_usage)usage};
    uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES];
    memcpy(c.modulus, party->modulus, sizeof c.modulus);
    campus_certificate_text(&c, text);
    party_sign(back_end, RSA_SHA1, text, sizeof text, party->certificate);
}

size_t field_pem(enum test_key key, uint8_t out[CAMPUS_PEM_BYTES_MAX])
{
    uint8_t der[CAMPUS_PRIVATE_DER_BYTES_MAX], inside[CAMPUS_PRIVATE_DER_BYTES_MAX];
    unsigned char *at = inside;
    EVP_PKEY *pair = pair_of(key);
    int inside_bytes = i2d_PrivateKey(pair, &at);
    struct writer w = writer_of(der, sizeof der), pem = writer_of(out, CAMPUS_PEM_BYTES_MAX);
    EVP_PKEY_free(pair);
    assert_true(inside_bytes > 0);
    campus_private_der(&w, inside, (size_t)inside_bytes);
    campus_pem_write(&pem, true, der, w.used);
    assert_false(w.failed || pem.failed);
    return pem.used;
}

size_t field_public_pem(const struct party *party, uint8_t out[CAMPUS_PEM_BYTES_MAX])
{
    uint8_t der[CAMPUS_PUBLIC_DER_BYTES];
    struct writer pem = writer_of(out, CAMPUS_PEM_BYTES_MAX);
    campus_public_der(party->modulus, der);
    campus_pem_write(&pem, false, der, sizeof der);
    assert_false(pem.failed);
    return pem.used;
}

/* ---- the bank ---- */

void field_enrol(struct field *f, struct party *party, enum campus_role role)
{
    struct campus_enrol enrol = {.role = role};
    struct stiver_campus_enrolment wanted = {.id = party->id, .days = 7};
    uint8_t request[CAMPUS_ENROL_BYTES];
    struct stiver_bank_bytes package;
    struct campus_package found;
    wanted.merchant = role == CAMPUS_ROLE_POS ? FIELD_MERCHANT : 0;
    wanted.credit = role == CAMPUS_ROLE_RELOAD ? FIELD_CREDIT : 0;
    memcpy(enrol.modulus, party->modulus, sizeof enrol.modulus);
    campus_enrol_encode(&enrol, request);
    assert_int_equal(
        stiver_campus_enrol(f->w.bank, request, sizeof request, &wanted, &party->id, &package),
        STIVER_BANK_OK);
    size_t covered = package.length - CAMPUS_RSA_BYTES;
    assert_int_equal(evp_rsa_verify(f->back_end.modulus, RSA_SHA256, package.data, covered,
                                    package.data + covered),
                     VERDICT_VALID);
    assert_true(campus_package_decode(package.data, covered, &found));
    assert_int_equal(found.terminal.id, party->id);
    assert_int_equal(found.role, role);
    party->end = found.terminal.end;
    memcpy(party->certificate, found.terminal.signature, CAMPUS_RSA_BYTES);
    stiver_bank_bytes_free(&package);
}

void field_open(struct field *f)
{
    uint8_t pem[CAMPUS_PEM_BYTES_MAX];
    memset(f, 0, sizeof *f);
    world_open(&f->w);
    size_t bytes = field_pem(TEST_KEY_BACK_END, pem);
    assert_int_equal(stiver_campus_found(f->w.bank, pem, bytes, NULL), STIVER_BANK_OK);
    f->back_end = party_of(TEST_KEY_BACK_END);
    f->station = party_of(TEST_KEY_STATION);
    f->pos = party_of(TEST_KEY_POS);
    f->reload = party_of(TEST_KEY_RELOAD);
    f->card = party_of(TEST_KEY_CARD);
    field_enrol(f, &f->station, CAMPUS_ROLE_STATION);
    field_enrol(f, &f->pos, CAMPUS_ROLE_POS);
    field_enrol(f, &f->reload, CAMPUS_ROLE_RELOAD);
    field_personalise(f, &f->card);
}

static void free_parties(struct field *f)
{
    EVP_PKEY_free(f->back_end.pair);
    EVP_PKEY_free(f->station.pair);
    EVP_PKEY_free(f->pos.pair);
    EVP_PKEY_free(f->reload.pair);
    EVP_PKEY_free(f->card.pair);
}

void field_close(struct field *f)
{
    struct stiver_bank_books books;
    assert_int_equal(stiver_bank_books(f->w.bank, NULL, NULL, &books), STIVER_BANK_OK);
    assert_true(books.campus_float_minor == books.campus_shadow_minor);
    free_parties(f);
    world_close(&f->w);
}

void field_remove(struct field *f)
{
    free_parties(f);
    world_remove(&f->w);
}

/* ---- the link ---- */

uint8_t *field_request(const struct party *terminal, enum campus_link_type type,
                       const uint8_t *body, size_t body_bytes, const uint8_t *id, size_t *bytes)
{
    struct campus_link_header header = {.type = type, .terminal = terminal->id};
    size_t capacity = CAMPUS_LINK_HEADER_BYTES + body_bytes + CAMPUS_RSA_BYTES;
    uint8_t *request = malloc(capacity), signature[CAMPUS_RSA_BYTES];
    assert_non_null(request);
    assert_true(evp_random(header.id, sizeof header.id));
    if (id)
        memcpy(header.id, id, sizeof header.id);
    struct writer w = writer_of(request, capacity);
    campus_link_header_encode(&header, false, &w);
    writer_bytes(&w, body, body_bytes);
    party_sign(terminal, RSA_SHA256, request, w.used, signature);
    writer_bytes(&w, signature, sizeof signature);
    assert_false(w.failed);
    *bytes = w.used;
    return request;
}

static void check_reply(const struct field *f, const struct party *terminal,
                        enum campus_link_type type, const uint8_t request_hash[SHA256_BYTES],
                        struct reply *reply)
{
    struct campus_link_header header;
    size_t covered = reply->whole.length - CAMPUS_RSA_BYTES;
    assert_int_equal(evp_rsa_verify(f->back_end.modulus, RSA_SHA256, reply->whole.data, covered,
                                    reply->whole.data + covered),
                     VERDICT_VALID);
    reply->body = reader_of(reply->whole.data, covered);
    assert_true(campus_link_header_decode(&reply->body, true, &header));
    assert_int_equal(header.type, type);
    assert_int_equal(header.terminal, terminal->id);
    assert_memory_equal(reader_take(&reply->body, SHA256_BYTES), request_hash, SHA256_BYTES);
    reply->result = (enum link_result)reader_u8(&reply->body);
}

struct reply field_call(struct field *f, const struct party *terminal, enum campus_link_type type,
                        const uint8_t *body, size_t bytes, const uint8_t *id)
{
    struct reply reply = {0};
    uint8_t hash[SHA256_BYTES];
    size_t request_bytes;
    uint8_t *request = field_request(terminal, type, body, bytes, id, &request_bytes);
    reply.status = stiver_campus_link(f->w.bank, request, request_bytes, &reply.whole);
    assert_true(evp_sha256(request, request_bytes, hash));
    free(request);
    if (reply.status == STIVER_BANK_OK)
        check_reply(f, terminal, type, hash, &reply);
    return reply;
}

void field_personalise(struct field *f, struct party *card)
{
    uint8_t body[8 + CAMPUS_RSA_BYTES];
    struct writer w = writer_of(body, sizeof body);
    struct reply reply = field_call(f, &f->station, CAMPUS_LINK_CARD, NULL, 0, NULL);
    assert_int_equal(reply.status, STIVER_BANK_OK);
    assert_int_equal(reply.result, LINK_OK);
    card->id = reader_u32(&reply.body);
    card->end = reader_u32(&reply.body);
    assert_true(reader_done(&reply.body));
    reply_free(&reply);
    writer_u32(&w, card->id);
    writer_u32(&w, card->end);
    writer_bytes(&w, card->modulus, CAMPUS_RSA_BYTES);
    reply = field_call(f, &f->station, CAMPUS_LINK_CERTIFY, body, sizeof body, NULL);
    assert_int_equal(reply.result, LINK_OK);
    reader_bytes(&reply.body, card->certificate, CAMPUS_RSA_BYTES);
    assert_true(reader_done(&reply.body));
    reply_free(&reply);
}

/* ---- receipts ---- */

void field_sign(const struct party *card, struct campus_upload *upload)
{
    uint8_t text[CAMPUS_RECEIPT_TEXT_BYTES];
    campus_receipt_text(&upload->is.receipt.receipt, text);
    party_sign(card, RSA_SHA1, text, sizeof text, upload->is.receipt.receipt.signature);
}

struct campus_upload field_receipt(struct field *f, struct party *card,
                                   const struct party *terminal, uint32_t amount, uint32_t time,
                                   enum campus_outcome outcome)
{
    struct campus_upload upload = {.kind = CAMPUS_UPLOAD_RECEIPT};
    struct campus_upload_receipt *receipt = &upload.is.receipt;
    receipt->outcome = outcome;
    receipt->receipt = (struct campus_receipt){.terminal = terminal->id,
                                               .counter = ++card->counter,
                                               .amount = amount,
                                               .card = card->id,
                                               .time = time ? time : f->w.now};
    receipt->card =
        (struct campus_certificate){.id = card->id, .end = card->end, .usage = CAMPUS_USAGE_CARD};
    memcpy(receipt->card.modulus, card->modulus, CAMPUS_RSA_BYTES);
    memcpy(receipt->card.signature, card->certificate, CAMPUS_RSA_BYTES);
    field_sign(card, &upload);
    return upload;
}

enum upload_result field_upload(struct field *f, const struct party *terminal,
                                const struct campus_upload *upload)
{
    uint8_t body[REQUEST_BYTES_MAX];
    struct writer w = writer_of(body, sizeof body);
    writer_u64(&w, UINT64_MAX); /* no list wanted */
    writer_u32(&w, UINT32_MAX);
    writer_u32(&w, 1);
    campus_upload_write(&w, upload);
    assert_false(w.failed);
    struct reply reply = field_call(f, terminal, CAMPUS_LINK_UPLOAD, body, w.used, NULL);
    assert_int_equal(reply.status, STIVER_BANK_OK);
    assert_int_equal(reply.result, LINK_OK);
    assert_int_equal(reader_u32(&reply.body), 1);
    uint8_t result = reader_u8(&reply.body);
    assert_int_equal(reader_u32(&reply.body), 0);
    assert_int_equal(reader_u32(&reply.body), 0);
    assert_true(reader_done(&reply.body));
    reply_free(&reply);
    return (enum upload_result)result;
}

enum upload_result field_outcome(struct field *f, const struct party *terminal, uint32_t card,
                                 uint32_t counter, enum campus_outcome outcome)
{
    struct campus_upload upload = {.kind = CAMPUS_UPLOAD_OUTCOME};
    upload.is.outcome.card = card;
    upload.is.outcome.counter = counter;
    upload.is.outcome.outcome = outcome;
    return field_upload(f, terminal, &upload);
}

void field_load(struct field *f, struct party *card, uint32_t amount)
{
    struct campus_upload upload =
        field_receipt(f, card, &f->reload, amount, 0, CAMPUS_OUTCOME_DONE);
    assert_int_equal(field_upload(f, &f->reload, &upload), UPLOAD_BOOKED);
}

struct pick {
    uint32_t id;
    struct stiver_campus_card found;
};

static void pick_card(void *context, const struct stiver_campus_card *card)
{
    struct pick *pick = context;
    if (card->id == pick->id)
        pick->found = *card;
}

struct stiver_campus_card field_card(struct field *f, uint32_t id)
{
    struct pick pick = {.id = id};
    assert_int_equal(stiver_campus_cards(f->w.bank, pick_card, &pick), STIVER_BANK_OK);
    assert_int_equal(pick.found.id, id);
    return pick.found;
}
