/* SPDX-License-Identifier: Apache-2.0 */
#include "port/host/vpcd_frame.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

static enum vpcd_kind kind_of_control(uint8_t code)
{
    static const struct {
        uint8_t code;
        enum vpcd_kind kind;
    } rows[] = {
        {0x00, VPCD_POWER_OFF},
        {0x01, VPCD_POWER_ON},
        {0x02, VPCD_RESET},
        {0x04, VPCD_ATR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return rows[i].kind;
    return VPCD_NOTHING;
}

static enum vpcd_kind kind_of(const uint8_t *bytes, size_t count)
{
    if (count == 0)
        return VPCD_NOTHING;
    return count == 1 ? kind_of_control(bytes[0]) : VPCD_COMMAND;
}

bool vpcd_decoder_next(struct vpcd_decoder *decoder, struct vpcd_message *message)
{
    struct reader r = reader_of(decoder->bytes + decoder->start, decoder->end - decoder->start);
    size_t count = reader_u16(&r);
    const uint8_t *bytes = reader_take(&r, count);
    if (r.failed)
        return false;
    *message = (struct vpcd_message){kind_of(bytes, count), bytes, count};
    decoder->start += VPCD_LENGTH_BYTES + count;
    return true;
}

uint8_t *vpcd_decoder_room(struct vpcd_decoder *decoder, size_t *capacity)
{
    /* What is left is less than one message, so that moved to the front it leaves room. */
    size_t left = decoder->end - decoder->start;
    memmove(decoder->bytes, decoder->bytes + decoder->start, left);
    decoder->start = 0;
    decoder->end = left;
    *capacity = sizeof decoder->bytes - left;
    assert(*capacity > 0);
    return decoder->bytes + left;
}

void vpcd_decoder_arrived(struct vpcd_decoder *decoder, size_t bytes)
{
    assert(bytes <= sizeof decoder->bytes - decoder->end);
    decoder->end += bytes;
}

void vpcd_frame_length(uint8_t length[VPCD_LENGTH_BYTES], size_t count)
{
    assert(count <= VPCD_MESSAGE_MAX);
    struct writer w = writer_of(length, VPCD_LENGTH_BYTES);
    writer_u16(&w, (uint16_t)count);
}
