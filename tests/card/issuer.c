/* SPDX-License-Identifier: Apache-2.0 */
#include "issuer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DAY 86400u

void key_pair_make(struct key_pair *pair)
{
    assert_int_equal(crypto_generate(pair->private_key, pair->public_key), CRYPTO_OK);
}

void issuer_certify(const struct certificate *c, const struct key_pair *authority,
                    struct signed_certificate *out)
{
    uint8_t body[CERTIFICATE_BYTES_MAX], hash[SHA256_BYTES], signature[SIGNATURE_BYTES];
    size_t bytes = certificate_body(c, body, sizeof body);
    assert_int_not_equal(bytes, 0);
    const struct piece piece = {body, bytes};
    assert_int_equal(crypto_sha256(&piece, 1, hash), CRYPTO_OK);
    assert_int_equal(crypto_sign(authority->private_key, hash, signature), CRYPTO_OK);
    out->length = certificate_seal(body, bytes, signature, out->bytes, sizeof out->bytes);
    assert_int_not_equal(out->length, 0);
}

static struct certificate under_root(enum certificate_type type, uint32_t id, uint32_t days,
                                     const struct key_pair *key)
{
    struct certificate c = {.type = type,
                            .scheme = ISSUER_SCHEME,
                            .serial = id ^ 0xFFu,
                            .authority = ISSUER_ROOT_ID,
                            .id = id,
                            .start = ISSUER_START,
                            .end = ISSUER_START + days * DAY - 1};
    memcpy(c.key, key->public_key, PUBLIC_KEY_BYTES);
    return c;
}

static void found_anchors(struct issuer *issuer)
{
    struct anchors anchors = {
        .scheme = ISSUER_SCHEME,
        .currency = ISSUER_CURRENCY,
        .root_version = ISSUER_ROOT_VERSION,
        .authority_version = ISSUER_AUTHORITY_VERSION,
        .authority_certificate = issuer->terminal_authority_certificate.bytes,
        .authority_certificate_bytes = issuer->terminal_authority_certificate.length,
    };
    memcpy(anchors.root_key, issuer->root.public_key, PUBLIC_KEY_BYTES);
    issuer->anchors_bytes = anchors_encode(&anchors, issuer->anchors, sizeof issuer->anchors);
    assert_int_not_equal(issuer->anchors_bytes, 0);
}

void issuer_found(struct issuer *issuer, uint8_t flags)
{
    assert_int_equal(crypto_start(), CRYPTO_OK);
    key_pair_make(&issuer->root);
    key_pair_make(&issuer->card_authority);
    key_pair_make(&issuer->terminal_authority);
    key_pair_make(&issuer->working);
    struct certificate c = under_root(CERTIFICATE_CARD_AUTHORITY, ISSUER_CARD_AUTHORITY_ID, 365,
                                      &issuer->card_authority);
    c.authority_flags = flags;
    issuer_certify(&c, &issuer->root, &issuer->card_authority_certificate);
    c = under_root(CERTIFICATE_TERMINAL_AUTHORITY, ISSUER_TERMINAL_AUTHORITY_ID, 365,
                   &issuer->terminal_authority);
    issuer_certify(&c, &issuer->root, &issuer->terminal_authority_certificate);
    c = under_root(CERTIFICATE_WORKING_KEY, ISSUER_WORKING_ID, 90, &issuer->working);
    c.kinds = WORKING_KNOWN;
    c.limit = money_of(100000, ISSUER_CURRENCY);
    c.generation = ISSUER_GENERATION;
    issuer_certify(&c, &issuer->root, &issuer->working_certificate);
    found_anchors(issuer);
}

struct certificate issuer_terminal_fields(enum terminal_role role, uint8_t number)
{
    struct certificate c = {.type = CERTIFICATE_TERMINAL,
                            .scheme = ISSUER_SCHEME,
                            .serial = 0x01000000u + number,
                            .authority = ISSUER_TERMINAL_AUTHORITY_ID,
                            .start = ISSUER_TODAY - 2 * DAY,
                            .end = ISSUER_TODAY + 5 * DAY - 1,
                            .role = role,
                            .classes = role_classes(role),
                            .merchant = 7000u + number,
                            .limit = money_of(5000, ISSUER_CURRENCY),
                            .generation = ISSUER_GENERATION};
    memset(c.subject, number, TERMINAL_NUMBER_BYTES);
    return c;
}

void issuer_terminal(const struct issuer *issuer, const struct certificate *fields,
                     struct test_terminal *terminal)
{
    struct certificate c = *fields;
    key_pair_make(&terminal->key);
    memcpy(c.key, terminal->key.public_key, PUBLIC_KEY_BYTES);
    memcpy(terminal->number, c.subject, TERMINAL_NUMBER_BYTES);
    issuer_certify(&c, &issuer->terminal_authority, &terminal->certificate);
    assert_int_equal(certificate_host_id(&crypto_primitives, terminal->certificate.bytes,
                                         terminal->certificate.length, terminal->host_id),
                     DOCUMENT_OK);
}

struct certificate issuer_card_fields(const struct statement *statement)
{
    struct certificate c = {.type = CERTIFICATE_CARD,
                            .scheme = ISSUER_SCHEME,
                            .serial = 0x02000001u,
                            .authority = ISSUER_CARD_AUTHORITY_ID,
                            .start = ISSUER_TODAY,
                            .end = ISSUER_TODAY + 365 * DAY - 1,
                            .card_class = statement->card_class};
    memcpy(c.subject, statement->card, CARD_NUMBER_BYTES);
    memcpy(c.key, statement->channel_key, PUBLIC_KEY_BYTES);
    memcpy(c.receipt_key, statement->receipt_key, PUBLIC_KEY_BYTES);
    return c;
}

size_t issuer_sign(const struct key_pair *key, uint8_t *document, size_t unsigned_bytes)
{
    uint8_t hash[SHA256_BYTES];
    assert_int_equal(document_hash(&crypto_primitives, document, unsigned_bytes, hash),
                     DOCUMENT_OK);
    assert_int_equal(crypto_sign(key->private_key, hash, document + unsigned_bytes), CRYPTO_OK);
    return unsigned_bytes + SIGNATURE_BYTES;
}

size_t issuer_order(const struct issuer *issuer, const struct order *order,
                    uint8_t out[ORDER_MESSAGE_BYTES_MAX])
{
    bool is_root = order->kind == DOCUMENT_TIME_ORDER || order->kind == DOCUMENT_FLOOR_ORDER;
    size_t bytes = order_encode(order, out, ORDER_BYTES_MAX);
    assert_int_not_equal(bytes, 0);
    bytes = issuer_sign(is_root ? &issuer->root : &issuer->working, out, bytes);
    if (is_root)
        return bytes;
    memcpy(out + bytes, issuer->working_certificate.bytes, issuer->working_certificate.length);
    return bytes + issuer->working_certificate.length;
}

struct order issuer_order_fields(enum document_kind kind, const uint8_t *card, uint32_t number)
{
    struct order order = {.kind = kind,
                          .scheme = ISSUER_SCHEME,
                          .start = ISSUER_TODAY,
                          .end = ISSUER_TODAY + 10 * DAY,
                          .number = number};
    if (card != NULL)
        memcpy(order.card, card, CARD_NUMBER_BYTES);
    return order;
}
