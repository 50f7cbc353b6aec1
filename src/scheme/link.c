/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/link.h"

#define ANSWER_BIT 0x80u

void link_header_encode(const struct link_header *header, bool is_answer, struct writer *w)
{
    writer_u8(w, LINK_VERSION);
    writer_u8(w, (uint8_t)((unsigned)header->type | (is_answer ? ANSWER_BIT : 0)));
    writer_u32(w, header->scheme);
    writer_bytes(w, header->terminal, TERMINAL_NUMBER_BYTES);
    writer_bytes(w, header->id, LINK_ID_BYTES);
}

bool link_header_decode(struct reader *r, bool is_answer, struct link_header *header)
{
    uint8_t version = reader_u8(r);
    unsigned type = reader_u8(r) ^ (is_answer ? ANSWER_BIT : 0);
    header->scheme = reader_u32(r);
    reader_bytes(r, header->terminal, TERMINAL_NUMBER_BYTES);
    reader_bytes(r, header->id, LINK_ID_BYTES);
    header->type = (enum link_type)type;
    return !r->failed && version == LINK_VERSION && type >= LINK_LOAD_ORDER && type <= LINK_CERTIFY;
}

void link_field(struct writer *w, const uint8_t *data, size_t bytes)
{
    if (bytes > UINT32_MAX)
        w->failed = true;
    writer_u32(w, (uint32_t)bytes);
    writer_bytes(w, data, bytes);
}

struct reader link_field_read(struct reader *r)
{
    uint32_t bytes = reader_u32(r);
    return reader_sub(r, bytes);
}
