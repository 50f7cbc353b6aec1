/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bank gave the terminal. It is verified from the root down when it arrives and again each
 * time the journal is opened: nothing is believed because it lies in our own file.
 */
#include <stdlib.h>
#include <string.h>

#include "terminal/internal.h"

/* ---- the package, taken apart (scheme/link.h) ---- */

struct package {
    struct piece whole;
    uint32_t scheme;
    const uint8_t *number, *link_key;
    struct piece card_authorities[CARD_AUTHORITIES_MAX];
    size_t card_authorities_count;
    struct piece certificate, anchors, list;
};

static struct piece field(struct reader *r)
{
    struct reader inner = link_field_read(r);
    return (struct piece){inner.at, inner.left};
}

static bool package_body_parse(struct reader *r, struct package *package)
{
    package->number = reader_take(r, TERMINAL_NUMBER_BYTES);
    package->link_key = reader_take(r, PUBLIC_KEY_BYTES);
    package->card_authorities_count = reader_u8(r);
    if (package->card_authorities_count > CARD_AUTHORITIES_MAX)
        return false;
    for (size_t i = 0; i < package->card_authorities_count; i++)
        package->card_authorities[i] = field(r);
    package->certificate = field(r);
    package->anchors = field(r);
    package->list = field(r);
    return true;
}

static bool package_parse(const uint8_t *bytes, size_t length, struct package *package)
{
    struct reader r = reader_of(bytes, length);
    package->whole = (struct piece){bytes, length};
    if (reader_u8(&r) != DOCUMENT_PACKAGE || reader_u8(&r) != DOCUMENT_VERSION)
        return false;
    package->scheme = reader_u32(&r);
    return package_body_parse(&r, package) && reader_take(&r, SIGNATURE_BYTES) != NULL &&
           reader_done(&r);
}

/* The first format had the same body behind a single byte, and nobody's signature. */
#define UNSIGNED_PACKAGE 0x01u

bool identity_is_of_earlier_format(const uint8_t *package, size_t package_bytes,
                                   uint8_t number[TERMINAL_NUMBER_BYTES])
{
    struct package parts;
    struct reader r = reader_of(package, package_bytes);
    if (reader_u8(&r) != UNSIGNED_PACKAGE || !package_body_parse(&r, &parts) || !reader_done(&r))
        return false;
    memcpy(number, parts.number, TERMINAL_NUMBER_BYTES);
    return true;
}

/* ---- verification ---- */

static terminal_status of_document(enum document_status status, terminal_status otherwise)
{
    if (status == DOCUMENT_OK)
        return STIVER_TERMINAL_OK;
    return status == DOCUMENT_FAILED ? STIVER_TERMINAL_CRYPTO : otherwise;
}

/* The root has no certificate: its id is what the terminal authority's certificate names. */
static terminal_status take_anchors(struct piece bytes, struct identity *identity)
{
    struct certificate c;
    struct anchors *anchors = &identity->anchors;
    if (anchors_decode(bytes.data, bytes.bytes, anchors) != DOCUMENT_OK ||
        certificate_decode(anchors->authority_certificate, anchors->authority_certificate_bytes,
                           &c) != DOCUMENT_OK)
        return STIVER_TERMINAL_PACKAGE;
    identity->root = (struct certificate_authority){.id = c.authority, .end = UINT32_MAX};
    memcpy(identity->root.key, anchors->root_key, PUBLIC_KEY_BYTES);
    enum document_status status = certificate_check(
        &crypto_primitives, anchors->authority_certificate, anchors->authority_certificate_bytes,
        CERTIFICATE_TERMINAL_AUTHORITY, anchors->scheme, &identity->root, &c);
    identity->terminal_authority = certificate_as_authority(&c);
    anchors->authority_certificate = NULL;
    anchors->authority_certificate_bytes = 0;
    return of_document(status, STIVER_TERMINAL_PACKAGE);
}

static terminal_status take_card_authority(struct piece bytes, struct identity *identity)
{
    struct certificate c;
    struct card_authority *taken = &identity->card_authorities[identity->card_authorities_count];
    terminal_status status = of_document(
        certificate_check(&crypto_primitives, bytes.data, bytes.bytes, CERTIFICATE_CARD_AUTHORITY,
                          identity->anchors.scheme, &identity->root, &c),
        STIVER_TERMINAL_PACKAGE);
    if (status != STIVER_TERMINAL_OK)
        return status;
    taken->authority = certificate_as_authority(&c);
    taken->is_test = (c.authority_flags & AUTHORITY_FLAG_TEST_SCHEME) != 0;
    identity->card_authorities_count++;
    return STIVER_TERMINAL_OK;
}

terminal_status identity_check_certificate(const struct identity *identity, struct piece bytes,
                                           const uint8_t own_key[PUBLIC_KEY_BYTES],
                                           struct certificate *certificate)
{
    terminal_status status = of_document(
        certificate_check(&crypto_primitives, bytes.data, bytes.bytes, CERTIFICATE_TERMINAL,
                          identity->anchors.scheme, &identity->terminal_authority, certificate),
        STIVER_TERMINAL_PACKAGE);
    if (status != STIVER_TERMINAL_OK)
        return status;
    bool is_ours = bytes_equal(certificate->key, own_key, PUBLIC_KEY_BYTES) &&
                   bytes_equal(certificate->subject, identity->number, TERMINAL_NUMBER_BYTES);
    return is_ours ? STIVER_TERMINAL_OK : STIVER_TERMINAL_PACKAGE;
}

static terminal_status take_certificate(struct piece bytes, const uint8_t *own_key,
                                        struct identity *identity)
{
    terminal_status status =
        identity_check_certificate(identity, bytes, own_key, &identity->certificate);
    if (status != STIVER_TERMINAL_OK)
        return status;
    memcpy(identity->certificate_bytes, bytes.data, bytes.bytes);
    identity->certificate_length = bytes.bytes;
    return of_document(
        certificate_host_id(&crypto_primitives, bytes.data, bytes.bytes, identity->host_id),
        STIVER_TERMINAL_PACKAGE);
}

/* ---- the list ---- */

/* Where the numbers stand, and that they are what the head's root was made of. */
static terminal_status list_numbers(struct held_list *list, uint32_t scheme)
{
    uint8_t root[SHA256_BYTES];
    size_t numbers_bytes = list->bytes - list->message_bytes;
    if (numbers_bytes / CARD_NUMBER_BYTES != list->head.count ||
        numbers_bytes % CARD_NUMBER_BYTES != 0)
        return STIVER_TERMINAL_LIST_FORGED;
    list->numbers = list->file + list->message_bytes;
    uint8_t *scratch = malloc((size_t)SHA256_BYTES * (list->head.count + 1u));
    if (scratch == NULL)
        return STIVER_TERMINAL_MEMORY;
    enum document_status status =
        list_root(&crypto_primitives, scheme, list->numbers, list->head.count, scratch, root);
    free(scratch);
    if (status == DOCUMENT_OK && !bytes_equal(root, list->head.root, sizeof root))
        status = DOCUMENT_FORGED;
    return of_document(status, STIVER_TERMINAL_LIST_FORGED);
}

static terminal_status list_verify(const struct identity *identity, struct held_list *list)
{
    struct certificate working;
    if (list->bytes < LIST_HEAD_BYTES)
        return STIVER_TERMINAL_LIST_FORGED;
    size_t certificate_bytes =
        certificate_length(list->file + LIST_HEAD_BYTES, list->bytes - LIST_HEAD_BYTES);
    list->message_bytes = LIST_HEAD_BYTES + certificate_bytes;
    terminal_status status =
        of_document(list_check(&crypto_primitives, list->file, list->message_bytes,
                               identity->anchors.scheme, &identity->root, &list->head, &working),
                    STIVER_TERMINAL_LIST_FORGED);
    return status == STIVER_TERMINAL_OK ? list_numbers(list, identity->anchors.scheme) : status;
}

terminal_status identity_check_list(const struct identity *identity, struct piece file,
                                    struct held_list *list)
{
    list->file = malloc(file.bytes == 0 ? 1 : file.bytes);
    if (list->file == NULL)
        return STIVER_TERMINAL_MEMORY;
    if (file.bytes != 0)
        memcpy(list->file, file.data, file.bytes);
    list->bytes = file.bytes;
    terminal_status status = list_verify(identity, list);
    if (status != STIVER_TERMINAL_OK) {
        free(list->file);
        memset(list, 0, sizeof *list);
    }
    return status;
}

/* ---- all of it ---- */

/* Certificates and list have signatures of their own; the link key and the key versions of the
 * anchors have this one alone. */
static terminal_status check_signature(const struct package *package,
                                       const struct identity *identity)
{
    return of_document(document_verify(&crypto_primitives, package->whole.data,
                                       package->whole.bytes, identity->terminal_authority.key),
                       STIVER_TERMINAL_PACKAGE);
}

static terminal_status build(const struct package *package, struct piece certificate,
                             struct piece list, const uint8_t *own_key, struct identity *identity)
{
    memcpy(identity->number, package->number, TERMINAL_NUMBER_BYTES);
    memcpy(identity->link_key, package->link_key, PUBLIC_KEY_BYTES);
    terminal_status status = take_anchors(package->anchors, identity);
    for (size_t i = 0; status == STIVER_TERMINAL_OK && i < package->card_authorities_count; i++)
        status = take_card_authority(package->card_authorities[i], identity);
    if (status == STIVER_TERMINAL_OK)
        status = take_certificate(certificate.bytes != 0 ? certificate : package->certificate,
                                  own_key, identity);
    /* Cards refuse a terminal of another currency than their anchors'. */
    if (status == STIVER_TERMINAL_OK &&
        (package->scheme != identity->anchors.scheme ||
         identity->anchors.currency != identity->certificate.limit.currency))
        status = STIVER_TERMINAL_PACKAGE;
    if (status == STIVER_TERMINAL_OK)
        status = check_signature(package, identity);
    if (status == STIVER_TERMINAL_OK)
        status =
            identity_check_list(identity, list.bytes != 0 ? list : package->list, &identity->list);
    return status;
}

terminal_status identity_build(const uint8_t *package, size_t package_bytes,
                               struct piece certificate, struct piece list,
                               const uint8_t own_key[PUBLIC_KEY_BYTES], struct identity *identity)
{
    struct package parts;
    memset(identity, 0, sizeof *identity);
    if (!package_parse(package, package_bytes, &parts))
        return identity_is_of_earlier_format(package, package_bytes, identity->number)
                   ? STIVER_TERMINAL_PACKAGE_OLDER
                   : STIVER_TERMINAL_PACKAGE;
    terminal_status status = build(&parts, certificate, list, own_key, identity);
    if (status != STIVER_TERMINAL_OK)
        identity_free(identity);
    return status;
}

void identity_free(struct identity *identity)
{
    free(identity->list.file);
    memset(identity, 0, sizeof *identity);
}

/* ---- cards ---- */

static const struct card_authority *authority_of(const struct identity *identity,
                                                 const struct certificate *certificate)
{
    for (size_t i = 0; i < identity->card_authorities_count; i++)
        if (identity->card_authorities[i].authority.id == certificate->authority)
            return &identity->card_authorities[i];
    return NULL;
}

/* The place where these very bytes, signature and all, are remembered if they verified before. */
static bool remembered(struct identity *identity, const uint8_t *bytes, size_t length,
                       uint8_t hash[SHA256_BYTES], uint8_t **place)
{
    const struct piece piece = {bytes, length};
    if (crypto_sha256(&piece, 1, hash) != CRYPTO_OK)
        return false;
    *place = identity->verified[((unsigned)hash[0] << 8 | hash[1]) % VERIFIED_CARDS];
    return bytes_equal(*place, hash, SHA256_BYTES);
}

terminal_status identity_check_card(struct identity *identity, const uint8_t *bytes, size_t length,
                                    struct certificate *certificate, bool *is_test)
{
    uint8_t hash[SHA256_BYTES], *place = NULL;
    if (certificate_decode(bytes, length, certificate) != DOCUMENT_OK)
        return STIVER_TERMINAL_CARD_UNPROVEN;
    if (certificate->scheme != identity->anchors.scheme)
        return STIVER_TERMINAL_OTHER_SCHEME;
    const struct card_authority *held = authority_of(identity, certificate);
    if (held == NULL)
        return STIVER_TERMINAL_CARD_UNPROVEN;
    *is_test = held->is_test;
    /* Nothing that certificate_check looks at changes while this identity lives. */
    if (remembered(identity, bytes, length, hash, &place))
        return STIVER_TERMINAL_OK;
    terminal_status status =
        of_document(certificate_check(&crypto_primitives, bytes, length, CERTIFICATE_CARD,
                                      identity->anchors.scheme, &held->authority, certificate),
                    STIVER_TERMINAL_CARD_UNPROVEN);
    if (status == STIVER_TERMINAL_OK && place != NULL)
        memcpy(place, hash, sizeof hash);
    return status;
}
