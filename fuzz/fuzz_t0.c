/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader's T=0 rounds. Input: two bytes of the caller's room, one of the command's length, the
 * command, then what a card answers to each round behind its length. Whatever it answers, the
 * rounds end, each is a short command, and the response fits the room.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "reader/t0.h"

#define ROOM_MOST 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Longer than the caller's room is what a broken driver would say. */
static enum reader_status answer(void *context, const uint8_t *command, size_t command_bytes,
                                 uint8_t *response, size_t capacity, size_t *response_bytes)
{
    struct reader *r = context;
    require(command_bytes >= 4 && command_bytes <= 261);
    require(command_bytes <= 5 || command_bytes == 5u + command[4]);
    size_t length = reader_u16(r) % 300;
    if (r->failed)
        return READER_CARD_REMOVED;
    length = length < r->left ? length : r->left;
    const uint8_t *given = reader_take(r, length);
    if (length != 0)
        memcpy(response, given, length < capacity ? length : capacity);
    *response_bytes = length;
    return READER_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static uint8_t command[255 + 1], response[ROOM_MOST + 1];
    struct reader r = reader_of(data, bytes);
    size_t room = reader_u16(&r) % (ROOM_MOST + 1), length = reader_u8(&r), got = SIZE_MAX;
    length = length < r.left ? length : r.left;
    const uint8_t *given = reader_take(&r, length);
    if (length != 0)
        memcpy(command, given, length);
    response[room] = 0xA5;
    enum reader_status status = t0_transmit(answer, &r, command, length, response, room, &got);
    require(response[room] == 0xA5);
    require(status == READER_OK ? got >= 2 && got <= room : got == 0);
    return 0;
}
