/* SPDX-License-Identifier: Apache-2.0 */
#include "base/apdu.h"

#include <string.h>

#include "base/bytes.h"

#define LE_SHORT_MAX 256u
#define LE_EXTENDED_MAX 65536u

static uint32_t le_of(uint32_t coded, uint32_t when_zero)
{
    return coded == 0 ? when_zero : coded;
}

/* What follows the header when the body is longer than one byte and does not start with 00. */
static void parse_short(struct reader *r, struct apdu_command *command)
{
    command->lc = reader_u8(r);
    command->data = reader_take(r, command->lc);
    if (!r->failed && r->left != 0)
        command->le = le_of(reader_u8(r), LE_SHORT_MAX);
}

/* What follows the header and the 00 that announces the extended form. */
static void parse_extended(struct reader *r, struct apdu_command *command)
{
    command->extended = true;
    uint16_t first = reader_u16(r);
    if (!r->failed && r->left == 0) {
        command->le = le_of(first, LE_EXTENDED_MAX);
        return;
    }
    command->lc = first;
    command->data = reader_take(r, command->lc);
    if (!r->failed && r->left != 0)
        command->le = le_of(reader_u16(r), LE_EXTENDED_MAX);
    if (first == 0)
        r->failed = true;
}

bool apdu_parse(const uint8_t *bytes, size_t length, struct apdu_command *command)
{
    struct reader r = reader_of(bytes, length);
    *command = (struct apdu_command){0};
    command->cla = reader_u8(&r);
    command->ins = reader_u8(&r);
    command->p1 = reader_u8(&r);
    command->p2 = reader_u8(&r);
    if (r.failed)
        return false;
    if (r.left == 1) {
        command->le = le_of(reader_u8(&r), LE_SHORT_MAX);
    } else if (r.left > 1 && r.at[0] != 0) {
        parse_short(&r, command);
    } else if (r.left > 1) {
        (void)reader_u8(&r);
        parse_extended(&r, command);
    }
    return reader_done(&r);
}

static bool is_extended(const struct apdu_command *command)
{
    return command->extended || command->lc > 255 || command->le > LE_SHORT_MAX;
}

size_t apdu_data_offset(const struct apdu_command *command)
{
    return APDU_HEADER_BYTES + (is_extended(command) ? 3u : 1u);
}

size_t apdu_encode(const struct apdu_command *command, uint8_t *out, size_t capacity)
{
    struct writer w = writer_of(out, capacity);
    bool extended = is_extended(command);
    if (command->lc > 0xFFFF || command->le > LE_EXTENDED_MAX)
        return 0;
    writer_u8(&w, command->cla);
    writer_u8(&w, command->ins);
    writer_u8(&w, command->p1);
    writer_u8(&w, command->p2);
    if (extended && (command->lc != 0 || command->le != 0))
        writer_u8(&w, 0);
    if (command->lc != 0) {
        if (extended)
            writer_u16(&w, (uint16_t)command->lc);
        else
            writer_u8(&w, (uint8_t)command->lc);
        uint8_t *data = writer_reserve(&w, command->lc);
        if (data != NULL && command->data != NULL)
            memcpy(data, command->data, command->lc);
    }
    if (command->le != 0) { /* 256 and 65536 are coded as zeros */
        if (extended)
            writer_u16(&w, (uint16_t)command->le);
        else
            writer_u8(&w, (uint8_t)command->le);
    }
    return w.failed ? 0 : w.used;
}

uint8_t apdu_channel(uint8_t cla)
{
    return (cla & 0x40) != 0 ? (uint8_t)((cla & 0x0F) + 4) : (uint8_t)(cla & 0x03);
}

bool apdu_is_secure(uint8_t cla)
{
    return (cla & 0x40) != 0 ? (cla & 0x20) != 0 : (cla & 0x0C) != 0;
}

uint8_t apdu_plain_class(uint8_t cla)
{
    return cla & 0x80;
}
