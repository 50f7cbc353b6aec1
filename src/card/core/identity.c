/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this card is: what the factory wrote, what personalisation made (personalise.c), its
 * signature and its certificate.
 */
#include "card/core/identity.h"

#include <string.h>

#include "base/tlv.h"
#include "card/core/records.h"

#define TAG_CARD_NUMBER 0x5F20u

/* ---- records ---- */

void anchors_record_encode(const struct card_identity *identity,
                           uint8_t record[ANCHORS_RECORD_BYTES])
{
    struct writer w = writer_of(record, ANCHORS_RECORD_BYTES);
    writer_u32(&w, identity->scheme);
    writer_u16(&w, identity->currency);
    writer_u8(&w, identity->root_version);
    writer_u32(&w, identity->root.id);
    writer_bytes(&w, identity->root.key, PUBLIC_KEY_BYTES);
    writer_u8(&w, identity->authority_version);
    writer_u32(&w, identity->terminal_authority.id);
    writer_u32(&w, identity->terminal_authority.start);
    writer_u32(&w, identity->terminal_authority.end);
    writer_bytes(&w, identity->terminal_authority.key, PUBLIC_KEY_BYTES);
}

void anchors_record_decode(const uint8_t record[ANCHORS_RECORD_BYTES],
                           struct card_identity *identity)
{
    struct reader r = reader_of(record, ANCHORS_RECORD_BYTES);
    identity->scheme = reader_u32(&r);
    identity->currency = reader_u16(&r);
    identity->root_version = reader_u8(&r);
    identity->root.id = reader_u32(&r);
    identity->root.start = 0;
    identity->root.end = UINT32_MAX; /* the root has no term */
    reader_bytes(&r, identity->root.key, PUBLIC_KEY_BYTES);
    identity->authority_version = reader_u8(&r);
    identity->terminal_authority.id = reader_u32(&r);
    identity->terminal_authority.start = reader_u32(&r);
    identity->terminal_authority.end = reader_u32(&r);
    reader_bytes(&r, identity->terminal_authority.key, PUBLIC_KEY_BYTES);
}

static enum status load_factory(struct card *card, bool *is_card)
{
    uint8_t record[FACTORY_RECORD_BYTES];
    enum status status = record_read_optional(card, RECORD_FACTORY, record, sizeof record, is_card);
    memcpy(card->identity.serial, record, SERIAL_BYTES);
    card->identity.factory_class = record[SERIAL_BYTES] == 1 ? CARD_HARDWARE : CARD_VIRTUAL;
    return status;
}

static enum status load_offered(struct card *card)
{
    bool is_there;
    return record_read_optional(card, RECORD_OFFERED, &card->identity.offered, 1, &is_there);
}

static enum status load_anchors(struct card *card)
{
    uint8_t record[ANCHORS_RECORD_BYTES];
    bool is_there;
    enum status status =
        record_read_optional(card, RECORD_ANCHORS, record, sizeof record, &is_there);
    if (status == STATUS_OK && is_there) {
        anchors_record_decode(record, &card->identity);
        card->identity.has_anchors = true;
    }
    return status;
}

static enum status load_lock(struct card *card)
{
    uint8_t record[LOCK_RECORD_BYTES];
    bool is_there;
    enum status status = record_read_optional(card, RECORD_LOCK, record, sizeof record, &is_there);
    if (status == STATUS_OK && is_there) {
        card->identity.card_class = (enum card_class)record[0];
        card->identity.is_test_scheme = (record[1] & AUTHORITY_FLAG_TEST_SCHEME) != 0;
        card->identity.is_locked = true;
    }
    return status;
}

enum status identity_load(struct card *card, bool *is_card)
{
    card->identity = (struct card_identity){0};
    enum status status = load_factory(card, is_card);
    if (status == STATUS_OK)
        status = load_offered(card);
    if (status == STATUS_OK)
        status = record_read_optional(card, RECORD_NUMBER, card->identity.number, CARD_NUMBER_BYTES,
                                      &card->identity.has_keys);
    if (status == STATUS_OK)
        status = load_anchors(card);
    if (status == STATUS_OK)
        status = load_lock(card);
    return status;
}

/* ---- signature and certificate ---- */

enum status identity_sign_with(const uint8_t private_key[PRIVATE_KEY_BYTES],
                               const uint8_t *unsigned_bytes, size_t bytes,
                               uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t hash[SHA256_BYTES];
    if (document_hash(&crypto_primitives, unsigned_bytes, bytes, hash) != DOCUMENT_OK ||
        crypto_sign(private_key, hash, signature) != CRYPTO_OK)
        return STATUS_FAILED;
    return STATUS_OK;
}

enum status card_sign(struct card *card, const uint8_t *unsigned_bytes, size_t bytes,
                      uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t private_key[PRIVATE_KEY_BYTES];
    enum status status = record_read(card, RECORD_RECEIPT_PRIVATE, private_key, sizeof private_key);
    if (status == STATUS_OK)
        status = identity_sign_with(private_key, unsigned_bytes, bytes, signature);
    bytes_wipe(private_key, sizeof private_key);
    return status;
}

enum status card_certificate(struct card *card, struct writer *answer)
{
    size_t bytes = 0;
    enum status status =
        card_memory_status(card, nvm_size(&card->nvm, OWNER_CORE, RECORD_CERTIFICATE, &bytes));
    uint8_t *out = status == STATUS_OK ? writer_reserve(answer, bytes) : NULL;
    if (status == STATUS_OK && out == NULL)
        return STATUS_FAILED;
    if (status == STATUS_OK)
        status = card_memory_status(
            card, nvm_read(&card->nvm, OWNER_CORE, RECORD_CERTIFICATE, NULL, out, bytes, &bytes));
    return status;
}

/* A card tells its certificate, which names it, only to who knows its number already, to a terminal
 * that showed a certificate, or to anybody once it is blocked: then its finder should know. */
static enum status may_tell(const struct card *card, const struct apdu_command *command)
{
    if (command->lc == 0) {
        unsigned state = card->selected->state(card);
        bool is_closed = state == PURSE_BLOCKED || state == PURSE_ENDED;
        return is_closed || card->peer_state != PEER_NONE ? STATUS_OK : STATUS_STATE;
    }
    struct reader r = reader_of(command->data, command->lc);
    struct reader number = tlv_expect(&r, TAG_CARD_NUMBER);
    const uint8_t *bytes = reader_take(&number, CARD_NUMBER_BYTES);
    if (!reader_done(&r) || !reader_done(&number))
        return STATUS_DATA;
    return bytes_equal(bytes, card->identity.number, CARD_NUMBER_BYTES) ? STATUS_OK
                                                                        : STATUS_REFERENCE;
}

enum status card_get_certificate(struct card *card, const struct apdu_command *command,
                                 struct writer *answer)
{
    enum status status = may_tell(card, command);
    return status == STATUS_OK ? card_certificate(card, answer) : status;
}
