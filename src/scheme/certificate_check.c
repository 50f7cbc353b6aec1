/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a certificate believed: its signature, its authority, its place in the chain. */
#include <string.h>

#include "base/tlv.h"
#include "scheme/certificate.h"

#define TAG_CERTIFICATE 0x7F21u
#define TAG_SIGNATURE 0x5F37u

enum document_status certificate_verify(const struct primitives *p, const uint8_t *bytes,
                                        size_t length, const uint8_t key[PUBLIC_KEY_BYTES])
{
    const size_t signature_bytes =
        tlv_header_bytes(TAG_SIGNATURE, SIGNATURE_BYTES) + SIGNATURE_BYTES;
    struct reader whole = reader_of(bytes, length);
    struct reader r = tlv_expect(&whole, TAG_CERTIFICATE);
    size_t body_bytes = r.left < signature_bytes ? 0 : r.left - signature_bytes;
    const uint8_t *body = reader_take(&r, body_bytes);
    struct reader signature = tlv_expect(&r, TAG_SIGNATURE);
    if (body_bytes == 0 || signature.left != SIGNATURE_BYTES || !reader_done(&r) ||
        !reader_done(&whole))
        return DOCUMENT_MALFORMED;
    const struct piece piece = {body, body_bytes};
    uint8_t hash[SHA256_BYTES];
    if (!p->sha256(&piece, 1, hash))
        return DOCUMENT_FAILED;
    return document_of_verdict(p->verify(key, hash, signature.at));
}

/* Chain model: an authority answers for what it signed while it was in office, even after that. */
static bool is_of_authority(const struct certificate *c,
                            const struct certificate_authority *authority)
{
    return c->authority == authority->id && c->start >= authority->start &&
           c->start <= authority->end;
}

enum document_status certificate_check(const struct primitives *p, const uint8_t *bytes,
                                       size_t length, enum certificate_type type, uint32_t scheme,
                                       const struct certificate_authority *authority,
                                       struct certificate *c)
{
    enum document_status status = certificate_decode(bytes, length, c);
    if (status != DOCUMENT_OK)
        return status;
    if (c->type != type)
        return DOCUMENT_OTHER_KIND;
    if (c->scheme != scheme)
        return DOCUMENT_OTHER_SCHEME;
    if (!is_of_authority(c, authority)) /* spares the dear verification */
        return DOCUMENT_FORGED;
    return certificate_verify(p, bytes, length, authority->key);
}

struct certificate_authority certificate_as_authority(const struct certificate *c)
{
    struct certificate_authority authority = {.id = c->id, .start = c->start, .end = c->end};
    memcpy(authority.key, c->key, PUBLIC_KEY_BYTES);
    return authority;
}

enum document_status certificate_host_id(const struct primitives *p, const uint8_t *bytes,
                                         size_t length, uint8_t host_id[HOST_ID_BYTES])
{
    const struct piece piece = {bytes, length};
    uint8_t hash[SHA256_BYTES];
    if (!p->sha256(&piece, 1, hash))
        return DOCUMENT_FAILED;
    memcpy(host_id, hash, HOST_ID_BYTES);
    return DOCUMENT_OK;
}

static const uint16_t classes_of_role[] = {
    [ROLE_POINT_OF_SALE] = CLASS_PAY | CLASS_CARRY | CLASS_PIN,
    [ROLE_KIOSK] = CLASS_LOAD | CLASS_CARRY | CLASS_PIN,
    [ROLE_DESK] = CLASS_LOAD | CLASS_REFUND | CLASS_UNLOAD | CLASS_LOG | CLASS_CARRY | CLASS_PIN,
    [ROLE_STATION] = CLASS_PERSONALISE | CLASS_CARRY,
    [ROLE_VENDING] = CLASS_PAY | CLASS_CARRY | CLASS_PIN,
    [ROLE_BANK] = CLASS_LOG | CLASS_CARRY,
};

/* Apart from the classes: a card needs no names, and its linker drops them. */
static const char *const names_of_role[] = {
    [ROLE_POINT_OF_SALE] = "point of sale",
    [ROLE_KIOSK] = "kiosk",
    [ROLE_DESK] = "desk",
    [ROLE_STATION] = "station",
    [ROLE_VENDING] = "vending",
    [ROLE_BANK] = "bank",
};

static bool role_is_known(enum terminal_role role)
{
    return (unsigned)role >= ROLE_POINT_OF_SALE && (unsigned)role <= ROLE_LAST;
}

uint16_t role_classes(enum terminal_role role)
{
    return role_is_known(role) ? classes_of_role[role] : 0;
}

const char *role_name(enum terminal_role role)
{
    return role_is_known(role) ? names_of_role[role] : "unknown";
}
