/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tlv.h"

static uint16_t read_tag(struct reader *r)
{
    uint16_t tag = reader_u8(r);
    if ((tag & 0x1F) == 0x1F) {
        uint8_t second = reader_u8(r);
        if ((second & 0x80) != 0 || second < 0x1F) /* three bytes, or one would have done */
            r->failed = true;
        tag = (uint16_t)(tag << 8 | second);
    }
    return tag;
}

static size_t read_length(struct reader *r)
{
    uint8_t first = reader_u8(r);
    if (first < 0x80)
        return first;
    size_t length = 0;
    if (first == 0x81)
        length = reader_u8(r);
    else if (first == 0x82)
        length = reader_u16(r);
    else
        r->failed = true;
    if (length < 0x80 || (first == 0x82 && length < 0x100)) /* not the shortest form */
        r->failed = true;
    return length;
}

struct reader tlv_next(struct reader *r, uint16_t *tag)
{
    *tag = read_tag(r);
    size_t length = read_length(r);
    return reader_sub(r, length);
}

struct reader tlv_expect(struct reader *r, uint16_t tag)
{
    uint16_t found = 0;
    struct reader value = tlv_next(r, &found);
    if (found != tag) {
        r->failed = true;
        value.failed = true;
        value.left = 0;
    }
    return value;
}

bool tlv_is_next(const struct reader *r, uint16_t tag)
{
    struct reader look = *r;
    uint16_t found = read_tag(&look);
    return !look.failed && found == tag;
}

size_t tlv_header_bytes(uint16_t tag, size_t length)
{
    size_t tag_bytes = tag > 0xFF ? 2 : 1;
    return tag_bytes + (length < 0x80 ? 1u : length < 0x100 ? 2u : 3u);
}

void tlv_header(struct writer *w, uint16_t tag, size_t length)
{
    if (tag > 0xFF)
        writer_u8(w, (uint8_t)(tag >> 8));
    writer_u8(w, (uint8_t)tag);
    if (length > 0xFFFF) {
        w->failed = true;
    } else if (length >= 0x100) {
        writer_u8(w, 0x82);
        writer_u16(w, (uint16_t)length);
    } else {
        if (length >= 0x80)
            writer_u8(w, 0x81);
        writer_u8(w, (uint8_t)length);
    }
}

void tlv_bytes(struct writer *w, uint16_t tag, const uint8_t *value, size_t bytes)
{
    tlv_header(w, tag, bytes);
    writer_bytes(w, value, bytes);
}
