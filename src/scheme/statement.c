/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/statement.h"

/* GlobalPlatform Card Specification 11.1.8: key versions are 01 to 7F. */
#define KEY_VERSION_LAST 0x7Fu

static bool is_key_version(uint8_t version)
{
    return version != 0 && version <= KEY_VERSION_LAST;
}

static bool anchors_are_sound(const struct anchors *anchors)
{
    size_t bytes = anchors->authority_certificate_bytes;
    return anchors->currency != 0 && is_key_version(anchors->root_version) &&
           is_key_version(anchors->authority_version) && bytes != 0 &&
           bytes <= CERTIFICATE_BYTES_MAX &&
           certificate_length(anchors->authority_certificate, bytes) == bytes;
}

size_t anchors_encode(const struct anchors *anchors, uint8_t *out, size_t capacity)
{
    if (!anchors_are_sound(anchors))
        return 0;
    struct writer w = writer_of(out, capacity);
    writer_u32(&w, anchors->scheme);
    writer_u16(&w, anchors->currency);
    writer_u8(&w, anchors->root_version);
    writer_bytes(&w, anchors->root_key, PUBLIC_KEY_BYTES);
    writer_u8(&w, anchors->authority_version);
    writer_bytes(&w, anchors->authority_certificate, anchors->authority_certificate_bytes);
    return w.failed ? 0 : w.used;
}

enum document_status anchors_decode(const uint8_t *bytes, size_t length, struct anchors *anchors)
{
    *anchors = (struct anchors){0};
    struct reader r = reader_of(bytes, length);
    anchors->scheme = reader_u32(&r);
    anchors->currency = reader_u16(&r);
    anchors->root_version = reader_u8(&r);
    reader_bytes(&r, anchors->root_key, PUBLIC_KEY_BYTES);
    anchors->authority_version = reader_u8(&r);
    anchors->authority_certificate_bytes = r.left;
    anchors->authority_certificate = reader_take(&r, r.left);
    return reader_done(&r) && anchors_are_sound(anchors) ? DOCUMENT_OK : DOCUMENT_MALFORMED;
}

void statement_encode(const struct statement *statement,
                      uint8_t out[STATEMENT_BYTES - SIGNATURE_BYTES])
{
    struct writer w = writer_of(out, STATEMENT_BYTES - SIGNATURE_BYTES);
    document_header(&w, DOCUMENT_KEY_STATEMENT, statement->scheme);
    writer_bytes(&w, statement->serial, SERIAL_BYTES);
    writer_bytes(&w, statement->card, CARD_NUMBER_BYTES);
    writer_bytes(&w, statement->channel_key, PUBLIC_KEY_BYTES);
    writer_bytes(&w, statement->receipt_key, PUBLIC_KEY_BYTES);
    writer_bytes(&w, statement->anchors_hash, SHA256_BYTES);
    writer_u32(&w, statement->firmware);
    writer_u8(&w, (uint8_t)statement->card_class);
    writer_bytes(&w, statement->nonce, NONCE_BYTES);
}

enum document_status statement_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                      struct statement *statement)
{
    *statement = (struct statement){.scheme = scheme};
    struct reader r = reader_of(bytes, length);
    enum document_status status = document_open(&r, DOCUMENT_KEY_STATEMENT, scheme);
    if (status != DOCUMENT_OK)
        return status;
    reader_bytes(&r, statement->serial, SERIAL_BYTES);
    reader_bytes(&r, statement->card, CARD_NUMBER_BYTES);
    reader_bytes(&r, statement->channel_key, PUBLIC_KEY_BYTES);
    reader_bytes(&r, statement->receipt_key, PUBLIC_KEY_BYTES);
    reader_bytes(&r, statement->anchors_hash, SHA256_BYTES);
    statement->firmware = reader_u32(&r);
    statement->card_class = (enum card_class)reader_u8(&r);
    reader_bytes(&r, statement->nonce, NONCE_BYTES);
    (void)reader_take(&r, SIGNATURE_BYTES);
    bool known_class =
        statement->card_class == CARD_HARDWARE || statement->card_class == CARD_VIRTUAL;
    return reader_done(&r) && known_class ? DOCUMENT_OK : DOCUMENT_MALFORMED;
}
