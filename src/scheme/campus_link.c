/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/campus_link.h"

#include <string.h>

#define ANSWER_BIT 0x80u
#define TAG_BYTES (sizeof CAMPUS_LINK_TAG - 1)
#define ENROL_VERSION 1u

_Static_assert(CAMPUS_LINK_HEADER_BYTES == TAG_BYTES + 2 + 4 + LINK_ID_BYTES, "header");

/* ---- envelope ---- */

static void write_tag(struct writer *w, unsigned type)
{
    writer_bytes(w, (const uint8_t *)CAMPUS_LINK_TAG, TAG_BYTES);
    writer_u8(w, CAMPUS_LINK_VERSION);
    writer_u8(w, (uint8_t)type);
}

/* The type behind the tag; 0, which no message has, if there is no such tag. */
static unsigned read_tag(struct reader *r)
{
    uint8_t tag[TAG_BYTES];
    reader_bytes(r, tag, sizeof tag);
    uint8_t version = reader_u8(r), type = reader_u8(r);
    bool is_ours = !r->failed && version == CAMPUS_LINK_VERSION &&
                   memcmp(tag, CAMPUS_LINK_TAG, sizeof tag) == 0;
    return is_ours ? type : 0;
}

void campus_link_header_encode(const struct campus_link_header *header, bool is_answer,
                               struct writer *w)
{
    write_tag(w, (unsigned)header->type | (is_answer ? ANSWER_BIT : 0));
    writer_u32(w, header->terminal);
    writer_bytes(w, header->id, LINK_ID_BYTES);
}

bool campus_link_header_decode(struct reader *r, bool is_answer, struct campus_link_header *header)
{
    unsigned type = read_tag(r) ^ (is_answer ? ANSWER_BIT : 0);
    header->terminal = reader_u32(r);
    reader_bytes(r, header->id, LINK_ID_BYTES);
    header->type = (enum campus_link_type)type;
    return !r->failed && type >= CAMPUS_LINK_CARD && type <= CAMPUS_LINK_UPLOAD;
}

/* ---- uploads ---- */

static void write_card(struct writer *w, const struct campus_certificate *card)
{
    writer_u32(w, card->id);
    writer_u32(w, card->end);
    writer_bytes(w, card->modulus, CAMPUS_RSA_BYTES);
    writer_bytes(w, card->signature, CAMPUS_RSA_BYTES);
}

static void read_card(struct reader *r, struct campus_certificate *card)
{
    card->usage = CAMPUS_USAGE_CARD;
    card->id = reader_u32(r);
    card->end = reader_u32(r);
    reader_bytes(r, card->modulus, CAMPUS_RSA_BYTES);
    reader_bytes(r, card->signature, CAMPUS_RSA_BYTES);
}

static void write_receipt(struct writer *w, const struct campus_upload_receipt *upload)
{
    writer_u8(w, (uint8_t)upload->outcome);
    writer_u32(w, upload->receipt.counter);
    writer_u32(w, upload->receipt.amount);
    writer_u32(w, upload->receipt.time);
    writer_bytes(w, upload->receipt.signature, CAMPUS_RSA_BYTES);
    write_card(w, &upload->card);
}

static bool read_outcome(struct reader *r, enum campus_outcome *outcome)
{
    unsigned value = reader_u8(r);
    *outcome = (enum campus_outcome)value;
    return value <= CAMPUS_OUTCOME_UNKNOWN;
}

/* The receipt names its card once: by the certificate that comes with it. */
static bool read_receipt(struct reader *r, uint32_t terminal, struct campus_upload_receipt *upload)
{
    bool is_known = read_outcome(r, &upload->outcome);
    upload->receipt.terminal = terminal;
    upload->receipt.counter = reader_u32(r);
    upload->receipt.amount = reader_u32(r);
    upload->receipt.time = reader_u32(r);
    reader_bytes(r, upload->receipt.signature, CAMPUS_RSA_BYTES);
    read_card(r, &upload->card);
    upload->receipt.card = upload->card.id;
    return is_known;
}

static void write_block(struct writer *w, const struct campus_upload_block *upload)
{
    writer_u32(w, upload->terminal_counter);
    writer_u32(w, upload->terminal_end);
    writer_bytes(w, upload->proof, CAMPUS_RSA_BYTES);
    write_card(w, &upload->card);
}

static void read_block(struct reader *r, struct campus_upload_block *upload)
{
    upload->terminal_counter = reader_u32(r);
    upload->terminal_end = reader_u32(r);
    reader_bytes(r, upload->proof, CAMPUS_RSA_BYTES);
    read_card(r, &upload->card);
}

void campus_upload_write(struct writer *w, const struct campus_upload *upload)
{
    writer_u8(w, (uint8_t)upload->kind);
    switch (upload->kind) {
    case CAMPUS_UPLOAD_RECEIPT:
        write_receipt(w, &upload->is.receipt);
        break;
    case CAMPUS_UPLOAD_OUTCOME:
        writer_u32(w, upload->is.outcome.card);
        writer_u32(w, upload->is.outcome.counter);
        writer_u8(w, (uint8_t)upload->is.outcome.outcome);
        break;
    case CAMPUS_UPLOAD_BLOCK:
        write_block(w, &upload->is.block);
        break;
    default:
        w->failed = true;
    }
}

bool campus_upload_read(struct reader *r, uint32_t terminal, struct campus_upload *upload)
{
    bool is_known = true;
    memset(upload, 0, sizeof *upload);
    upload->kind = (enum campus_upload_kind)reader_u8(r);
    switch (upload->kind) {
    case CAMPUS_UPLOAD_RECEIPT:
        is_known = read_receipt(r, terminal, &upload->is.receipt);
        break;
    case CAMPUS_UPLOAD_OUTCOME:
        upload->is.outcome.card = reader_u32(r);
        upload->is.outcome.counter = reader_u32(r);
        is_known = read_outcome(r, &upload->is.outcome.outcome);
        break;
    case CAMPUS_UPLOAD_BLOCK:
        read_block(r, &upload->is.block);
        break;
    default:
        is_known = false;
    }
    return is_known && !r->failed;
}

/* ---- enrolment ---- */

static bool is_role(unsigned role)
{
    return role >= CAMPUS_ROLE_STATION && role <= CAMPUS_ROLE_RELOAD;
}

void campus_enrol_encode(const struct campus_enrol *enrol, uint8_t out[CAMPUS_ENROL_BYTES])
{
    struct writer w = writer_of(out, CAMPUS_ENROL_BYTES);
    writer_u8(&w, ENROL_VERSION);
    writer_u8(&w, (uint8_t)enrol->role);
    writer_bytes(&w, enrol->modulus, CAMPUS_RSA_BYTES);
}

bool campus_enrol_decode(const uint8_t *bytes, size_t length, struct campus_enrol *enrol)
{
    struct reader r = reader_of(bytes, length);
    uint8_t version = reader_u8(&r), role = reader_u8(&r);
    enrol->role = (enum campus_role)role;
    reader_bytes(&r, enrol->modulus, CAMPUS_RSA_BYTES);
    return reader_done(&r) && version == ENROL_VERSION && is_role(role);
}

void campus_package_encode(const struct campus_package *package, struct writer *w)
{
    const struct campus_certificate *terminal = &package->terminal;
    write_tag(w, CAMPUS_LINK_ENROL);
    writer_u32(w, terminal->id);
    writer_u32(w, terminal->end);
    writer_u8(w, (uint8_t)package->role);
    writer_bytes(w, terminal->modulus, CAMPUS_RSA_BYTES);
    writer_bytes(w, package->back_end, CAMPUS_RSA_BYTES);
    writer_bytes(w, terminal->signature, CAMPUS_RSA_BYTES);
    link_field(w, package->list, package->list_bytes);
}

bool campus_package_decode(const uint8_t *bytes, size_t length, struct campus_package *package)
{
    struct reader r = reader_of(bytes, length);
    struct campus_certificate *terminal = &package->terminal;
    bool is_ours = read_tag(&r) == CAMPUS_LINK_ENROL;
    terminal->id = reader_u32(&r);
    terminal->end = reader_u32(&r);
    uint8_t role = reader_u8(&r);
    package->role = (enum campus_role)role;
    terminal->usage = (enum campus_usage)role;
    reader_bytes(&r, terminal->modulus, CAMPUS_RSA_BYTES);
    reader_bytes(&r, package->back_end, CAMPUS_RSA_BYTES);
    reader_bytes(&r, terminal->signature, CAMPUS_RSA_BYTES);
    struct reader list = link_field_read(&r);
    package->list = list.at;
    package->list_bytes = list.left;
    return is_ours && reader_done(&r) && is_role(role);
}
