/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/reader.h"

#include <time.h>

#define COMMAND_BYTES_MIN 4u
#define RESPONSE_BYTES_MIN 2u

struct status_row {
    const char *name, *text;
};

static const struct status_row status_rows[] = {
#define READER_STATUS_ROW(name, text) [name] = {#name, text},
    READER_STATUS_TABLE(READER_STATUS_ROW)
#undef READER_STATUS_ROW
};

static const struct status_row *status_row(enum reader_status status)
{
    size_t rows = sizeof status_rows / sizeof status_rows[0];
    return &status_rows[(size_t)status < rows ? status : READER_INTERNAL];
}

const char *reader_status_text(enum reader_status status)
{
    return status_row(status)->text;
}

const char *reader_status_name(enum reader_status status)
{
    return status_row(status)->name;
}

static uint64_t microseconds_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

enum reader_status card_reader_transmit(struct card_reader *reader, const uint8_t *command,
                                        size_t command_bytes, uint8_t *response, size_t capacity,
                                        size_t *response_bytes)
{
    *response_bytes = 0;
    if (!reader->ops || command_bytes < COMMAND_BYTES_MIN || capacity < RESPONSE_BYTES_MIN)
        return READER_INTERNAL;
    uint64_t start = reader->trace ? microseconds_now() : 0;
    size_t got = 0;
    enum reader_status status =
        reader->ops->transmit(reader->context, command, command_bytes, response, capacity, &got);
    if (status == READER_OK && (got < RESPONSE_BYTES_MIN || got > capacity))
        status = READER_PROTOCOL;
    if (status == READER_OK)
        *response_bytes = got;
    if (reader->trace)
        reader->trace(reader->trace_context, status, command, command_bytes, response,
                      *response_bytes, microseconds_now() - start);
    return status;
}

enum reader_status card_reader_reset(struct card_reader *reader)
{
    return reader->ops ? reader->ops->reset(reader->context) : READER_INTERNAL;
}

void card_reader_close(struct card_reader *reader)
{
    if (reader->ops)
        reader->ops->close(reader->context);
    reader->ops = NULL;
    reader->context = NULL;
}
