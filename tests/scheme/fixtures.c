/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/fixtures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "scheme/statement.h"

#define LIST_MOST 1000u

static void need(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "The test scheme could not be made: %s failed.\n", what);
    abort();
}

struct fixture_pair fixture_pair_make(void)
{
    struct fixture_pair pair;
    need(crypto_start() == CRYPTO_OK, "starting the crypto library");
    need(crypto_generate(pair.private_key, pair.public_key) == CRYPTO_OK, "making a key pair");
    return pair;
}

static void sign_hash(const uint8_t hash[SHA256_BYTES], const struct fixture_pair *signer,
                      uint8_t signature[SIGNATURE_BYTES])
{
    need(crypto_sign(signer->private_key, hash, signature) == CRYPTO_OK, "signing");
}

void fixture_sign(uint8_t *document, size_t unsigned_bytes, const struct fixture_pair *signer)
{
    uint8_t hash[SHA256_BYTES];
    need(document_hash(&crypto_primitives, document, unsigned_bytes, hash) == DOCUMENT_OK,
         "hashing a document");
    sign_hash(hash, signer, document + unsigned_bytes);
}

void fixture_certificate_seal(struct fixture_certificate *c, const struct fixture_pair *issuer)
{
    uint8_t body[CERTIFICATE_BYTES_MAX];
    size_t bytes = certificate_body(&c->fields, body, sizeof body);
    need(bytes != 0, "encoding a certificate");
    const struct piece piece = {body, bytes};
    uint8_t hash[SHA256_BYTES];
    need(crypto_sha256(&piece, 1, hash) == CRYPTO_OK, "hashing a certificate");
    uint8_t signature[SIGNATURE_BYTES];
    sign_hash(hash, issuer, signature);
    c->length = certificate_seal(body, bytes, signature, c->bytes, sizeof c->bytes);
    need(c->length != 0, "sealing a certificate");
}

/* Keys, and what certificates of every type have. */
static void begin(struct fixture_certificate *c, enum certificate_type type, uint32_t serial,
                  uint32_t authority)
{
    *c = (struct fixture_certificate){.keys = fixture_pair_make()};
    c->fields.type = type;
    c->fields.scheme = FIXTURE_SCHEME;
    c->fields.serial = serial;
    c->fields.authority = authority;
    memcpy(c->fields.key, c->keys.public_key, PUBLIC_KEY_BYTES);
}

static void make_authority(struct fixture_scheme *s, struct fixture_certificate *c,
                           enum certificate_type type, uint32_t id, uint8_t flags)
{
    begin(c, type, id, s->root.id);
    c->fields.id = id;
    c->fields.start = FIXTURE_NOW - 30 * FIXTURE_DAY;
    c->fields.end = FIXTURE_NOW + 300 * FIXTURE_DAY;
    c->fields.authority_flags = flags;
    fixture_certificate_seal(c, &s->root_keys);
}

static void make_working_key(struct fixture_scheme *s, struct fixture_certificate *c, uint32_t id,
                             uint16_t kinds, uint32_t largest_minor)
{
    begin(c, CERTIFICATE_WORKING_KEY, id, s->root.id);
    c->fields.id = id;
    c->fields.start = FIXTURE_NOW - 10 * FIXTURE_DAY;
    c->fields.end = FIXTURE_NOW + 70 * FIXTURE_DAY;
    c->fields.kinds = kinds;
    c->fields.limit = money_of(largest_minor, FIXTURE_CURRENCY);
    c->fields.generation = 1;
    fixture_certificate_seal(c, &s->root_keys);
}

void fixture_scheme_make(struct fixture_scheme *s)
{
    *s = (struct fixture_scheme){.root_keys = fixture_pair_make()};
    s->root = (struct certificate_authority){.id = FIXTURE_ROOT_ID, .start = 0, .end = UINT32_MAX};
    memcpy(s->root.key, s->root_keys.public_key, PUBLIC_KEY_BYTES);
    make_authority(s, &s->card_authority, CERTIFICATE_CARD_AUTHORITY, 0x10,
                   AUTHORITY_FLAG_TEST_SCHEME);
    make_authority(s, &s->terminal_authority, CERTIFICATE_TERMINAL_AUTHORITY, 0x11, 0);
    make_working_key(s, &s->orders, 0x20, WORKING_LOAD | WORKING_REFUND, 10000);
    make_working_key(s, &s->policies, 0x21, WORKING_POLICY | WORKING_ACKNOWLEDGEMENT, 0);
    make_working_key(s, &s->answers, 0x22, WORKING_ANSWER, 0);
    make_working_key(s, &s->lists, 0x23, WORKING_LIST, 0);
}

static void set_subject(struct certificate *c, const char prefix[4], uint32_t number)
{
    struct writer w = writer_of(c->subject, sizeof c->subject);
    writer_bytes(&w, (const uint8_t *)prefix, 4);
    writer_u32(&w, number);
}

void fixture_terminal_make(const struct fixture_scheme *s, enum terminal_role role, uint32_t number,
                           struct fixture_certificate *terminal)
{
    begin(terminal, CERTIFICATE_TERMINAL, number, s->terminal_authority.fields.id);
    set_subject(&terminal->fields, "TERM", number);
    terminal->fields.start = FIXTURE_NOW - FIXTURE_DAY;
    terminal->fields.end = FIXTURE_NOW + 5 * FIXTURE_DAY;
    terminal->fields.role = role;
    terminal->fields.classes = role_classes(role);
    terminal->fields.merchant = FIXTURE_MERCHANT;
    terminal->fields.limit = money_of(5000, FIXTURE_CURRENCY);
    terminal->fields.generation = 1;
    fixture_certificate_seal(terminal, &s->terminal_authority.keys);
}

void fixture_card_make(const struct fixture_scheme *s, uint32_t number,
                       struct fixture_certificate *card, struct fixture_pair *receipt_keys)
{
    *receipt_keys = fixture_pair_make();
    begin(card, CERTIFICATE_CARD, number, s->card_authority.fields.id);
    set_subject(&card->fields, "CARD", number);
    card->fields.start = FIXTURE_NOW - 10 * FIXTURE_DAY;
    card->fields.end = FIXTURE_NOW + 5 * 365 * FIXTURE_DAY;
    card->fields.card_class = CARD_VIRTUAL;
    memcpy(card->fields.receipt_key, receipt_keys->public_key, PUBLIC_KEY_BYTES);
    fixture_certificate_seal(card, &s->card_authority.keys);
}

struct order fixture_order_fields(enum document_kind kind, const uint8_t card[CARD_NUMBER_BYTES])
{
    struct order order = {.kind = kind,
                          .scheme = FIXTURE_SCHEME,
                          .start = FIXTURE_NOW,
                          .end = FIXTURE_NOW + FIXTURE_DAY,
                          .number = 1};
    memcpy(order.card, card, CARD_NUMBER_BYTES);
    if (kind == DOCUMENT_LOAD_ORDER || kind == DOCUMENT_REFUND_ORDER) {
        order.counter = 1;
        order.amount = money_of(2000, FIXTURE_CURRENCY);
    }
    if (kind == DOCUMENT_REFUND_ORDER)
        order.original_counter = 1;
    if (kind == DOCUMENT_POLICY_ORDER)
        order.policy = (struct policy){.currency = FIXTURE_CURRENCY,
                                       .payment_limit = 5000,
                                       .balance_limit = 20000,
                                       .pin_above = 2500,
                                       .online_above = UINT32_MAX,
                                       .points_per = 100};
    if (kind == DOCUMENT_TIME_ORDER)
        order.new_time = FIXTURE_NOW;
    if (kind == DOCUMENT_FLOOR_ORDER)
        order.generation_floor = 1;
    return order;
}

/* Signs the document in out and puts its key's certificate behind it. */
static size_t finish_message(const struct fixture_certificate *working, size_t unsigned_bytes,
                             uint8_t *out, size_t capacity)
{
    struct writer w = writer_of(out, capacity);
    (void)writer_reserve(&w, unsigned_bytes + SIGNATURE_BYTES);
    writer_bytes(&w, working->bytes, working->length);
    need(!w.failed, "a message in so little memory");
    fixture_sign(out, unsigned_bytes, &working->keys);
    return w.used;
}

size_t fixture_order(const struct fixture_scheme *s, const struct order *order, uint8_t *out,
                     size_t capacity)
{
    size_t bytes = order_encode(order, out, capacity);
    need(bytes != 0 && capacity - bytes >= SIGNATURE_BYTES, "encoding an order");
    switch (order_working_kind(order->kind)) {
    case WORKING_LOAD:
    case WORKING_REFUND:
        return finish_message(&s->orders, bytes, out, capacity);
    case WORKING_POLICY:
    case WORKING_ACKNOWLEDGEMENT:
        return finish_message(&s->policies, bytes, out, capacity);
    default:
        fixture_sign(out, bytes, &s->root_keys);
        return bytes + SIGNATURE_BYTES;
    }
}

size_t fixture_list(const struct fixture_scheme *s, uint32_t sequence, const uint8_t *numbers,
                    uint32_t count, uint8_t *out, size_t capacity)
{
    uint8_t scratch[LIST_MOST * SHA256_BYTES];
    need(count <= LIST_MOST && capacity >= LIST_HEAD_BYTES, "so long a list");
    struct list_head head = {.scheme = FIXTURE_SCHEME,
                             .sequence = sequence,
                             .start = FIXTURE_NOW,
                             .end = FIXTURE_NOW + 30 * FIXTURE_DAY,
                             .count = count};
    need(list_root(&crypto_primitives, FIXTURE_SCHEME, numbers, count, scratch, head.root) ==
             DOCUMENT_OK,
         "the list's tree");
    list_head_encode(&head, out);
    return finish_message(&s->lists, LIST_HEAD_BYTES - SIGNATURE_BYTES, out, capacity);
}

size_t fixture_anchors(const struct fixture_scheme *s, uint8_t *out, size_t capacity)
{
    struct anchors anchors = {.scheme = FIXTURE_SCHEME,
                              .currency = FIXTURE_CURRENCY,
                              .root_version = 1,
                              .authority_version = 1,
                              .authority_certificate = s->terminal_authority.bytes,
                              .authority_certificate_bytes = s->terminal_authority.length};
    memcpy(anchors.root_key, s->root.key, PUBLIC_KEY_BYTES);
    size_t bytes = anchors_encode(&anchors, out, capacity);
    need(bytes != 0, "encoding the anchors");
    return bytes;
}
