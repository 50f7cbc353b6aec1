/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/t0.h"

#include <string.h>

#define HEADER_BYTES 4u
#define SHORT_COMMAND_MAX 261u
#define SHORT_RESPONSE_MAX 258u
#define STATUS_WORD_BYTES 2u
#define SW1_MORE_DATA 0x61u
#define SW1_WRONG_LENGTH 0x6Cu
#define INS_GET_RESPONSE 0xC0u

struct t0_link {
    t0_exchange *exchange;
    void *context;
    uint8_t answer[SHORT_RESPONSE_MAX];
    size_t answer_bytes;
};

/* The bytes that T=0 sends of a short command: all but the Le of a command with data both ways.
 * 0 if the command is not a short one. */
static size_t bytes_to_send(const uint8_t *command, size_t command_bytes)
{
    if (command_bytes <= HEADER_BYTES + 1)
        return command_bytes;
    size_t data_bytes = command[HEADER_BYTES];
    size_t without_le = HEADER_BYTES + 1 + data_bytes;
    if (data_bytes == 0 || command_bytes < without_le || command_bytes > without_le + 1)
        return 0;
    return without_le;
}

/* The class byte of a GET RESPONSE: the command's logical channel, no chaining, no protection. */
static uint8_t channel_of(uint8_t class_byte)
{
    return (uint8_t)(class_byte & ((class_byte & 0x40u) ? 0x4Fu : 0x03u));
}

static enum reader_status link_ask(struct t0_link *link, const uint8_t *command,
                                   size_t command_bytes)
{
    link->answer_bytes = 0;
    enum reader_status status = link->exchange(link->context, command, command_bytes, link->answer,
                                               sizeof link->answer, &link->answer_bytes);
    if (status == READER_OK &&
        (link->answer_bytes < STATUS_WORD_BYTES || link->answer_bytes > sizeof link->answer))
        return READER_PROTOCOL;
    return status;
}

static uint8_t link_sw1(const struct t0_link *link)
{
    return link->answer[link->answer_bytes - 2];
}

static uint8_t link_sw2(const struct t0_link *link)
{
    return link->answer[link->answer_bytes - 1];
}

/* Sends a command, and once more with the length that the card asks for. Only a command without
 * data is repeated: the card has not carried it out. */
static enum reader_status link_send(struct t0_link *link, const uint8_t *command,
                                    size_t command_bytes)
{
    enum reader_status status = link_ask(link, command, command_bytes);
    if (status != READER_OK || link_sw1(link) != SW1_WRONG_LENGTH ||
        command_bytes != HEADER_BYTES + 1)
        return status;
    uint8_t again[HEADER_BYTES + 1];
    memcpy(again, command, HEADER_BYTES);
    again[HEADER_BYTES] = link_sw2(link);
    return link_ask(link, again, sizeof again);
}

enum reader_status t0_transmit(t0_exchange *exchange, void *context, const uint8_t *command,
                               size_t command_bytes, uint8_t *response, size_t capacity,
                               size_t *response_bytes)
{
    struct t0_link link = {.exchange = exchange, .context = context};
    size_t sent_bytes = bytes_to_send(command, command_bytes);
    size_t used = 0;
    bool is_fetching = false;
    *response_bytes = 0;
    if (sent_bytes < HEADER_BYTES || sent_bytes > SHORT_COMMAND_MAX)
        return READER_PROTOCOL;
    enum reader_status status = link_send(&link, command, sent_bytes);
    while (status == READER_OK) {
        size_t data_bytes = link.answer_bytes - STATUS_WORD_BYTES;
        if (used + link.answer_bytes > capacity)
            return READER_PROTOCOL;
        memcpy(response + used, link.answer, link.answer_bytes);
        used += data_bytes;
        if (link_sw1(&link) != SW1_MORE_DATA) {
            *response_bytes = used + STATUS_WORD_BYTES;
            return READER_OK;
        }
        /* Each further round must bring data, else a card could keep a terminal here for ever. */
        if (data_bytes == 0 && is_fetching)
            return READER_PROTOCOL;
        is_fetching = true;
        const uint8_t more[] = {channel_of(command[0]), INS_GET_RESPONSE, 0, 0, link_sw2(&link)};
        status = link_send(&link, more, sizeof more);
    }
    return status;
}
