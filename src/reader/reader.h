/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a terminal reaches a card: command APDU in, response APDU out, whatever stands between them.
 *
 * A struct card_reader is one card in one reader, powered and for this program alone, from open to
 * close. Who opens it decides what is behind it (reader/pcsc.h, port/host/inprocess_reader.h); who
 * uses it sees the calls below and nothing else. After any status but READER_OK the terminal knows
 * nothing about what the card did: a command that moves money may or may not have been carried out.
 */
#ifndef READER_READER_H
#define READER_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each way to fail, with the sentence a person reads. */
#define READER_STATUS_TABLE(X)                                                                    \
    X(READER_OK, "Done.")                                                                         \
    X(READER_NO_SERVICE, "The smart card service is not running: start pcscd and try again.")     \
    X(READER_NO_READER, "No card reader is connected: plug one in, or start the virtual reader.") \
    X(READER_UNKNOWN, "No card reader has that name: list the readers and choose one of them.")   \
    X(READER_AMBIGUOUS, "More than one card reader has that in its name: give more of the name.") \
    X(READER_NO_CARD, "There is no card in the reader: insert one and try again.")                \
    X(READER_CARD_REMOVED, "The card was removed: insert it again.")                              \
    X(READER_CARD_RESET, "Another program reset the card: start again.")                          \
    X(READER_CARD_MUTE,                                                                           \
      "The card does not answer: take it out and insert it the other way round.")                 \
    X(READER_IN_USE, "Another program is using the card: close it, or wait, and try again.")      \
    X(READER_TIMEOUT, "The card reader did not answer in time: try again.")                       \
    X(READER_PROTOCOL, "The card and the reader do not understand each other: try another card.") \
    X(READER_COMMUNICATION, "The reader lost touch with the card: insert the card again.")        \
    X(READER_REMOVED, "The card reader was disconnected: plug it in again.")                      \
    X(READER_REFUSED, "The smart card service does not let this user in: ask the administrator.") \
    X(READER_MEMORY, "There is not enough memory.")                                               \
    X(READER_INTERNAL, "The smart card service failed in an unexpected way.")

enum reader_status {
#define READER_STATUS_NAME(name, text) name,
    READER_STATUS_TABLE(READER_STATUS_NAME)
#undef READER_STATUS_NAME
};

/* The sentence, and the enumerator's name for logs and --json. Never NULL. */
const char *reader_status_text(enum reader_status status);
const char *reader_status_name(enum reader_status status);

/* Longest response that a reader hands on; a terminal's buffer may be smaller. */
#define READER_RESPONSE_MAX 65538u

struct card_reader_ops {
    /* As card_reader_transmit. */
    enum reader_status (*transmit)(void *context, const uint8_t *command, size_t command_bytes,
                                   uint8_t *response, size_t capacity, size_t *response_bytes);
    enum reader_status (*reset)(void *context);
    void (*close)(void *context);
};

/* Sees each exchange after it ended: both APDUs as they went over the reader's interface (borrowed
 * for the call) and the time it took. response_bytes is 0 when there was no response. */
typedef void card_reader_trace(void *context, enum reader_status status, const uint8_t *command,
                               size_t command_bytes, const uint8_t *response, size_t response_bytes,
                               uint64_t microseconds);

struct card_reader {
    const struct card_reader_ops *ops; /* NULL when closed */
    void *context;                     /* the implementation's own */
    card_reader_trace *trace;          /* may be NULL */
    void *trace_context;               /* borrowed */
};

/* One exchange. command: 4 bytes or more. *response_bytes: 2 (the status word) to capacity; a
 * longer response is READER_PROTOCOL. On any error *response_bytes is 0. */
enum reader_status card_reader_transmit(struct card_reader *reader, const uint8_t *command,
                                        size_t command_bytes, uint8_t *response, size_t capacity,
                                        size_t *response_bytes) __attribute__((warn_unused_result));

/* Takes the card's power away and gives it back: every session on the card is over. Also the way on
 * after READER_CARD_RESET. */
enum reader_status card_reader_reset(struct card_reader *reader)
    __attribute__((warn_unused_result));

/* Powers the card down and gives it free. Harmless on a closed or zeroed reader. */
void card_reader_close(struct card_reader *reader);

#endif
