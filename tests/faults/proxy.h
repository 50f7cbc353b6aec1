/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link that misbehaves: it stands between a terminal and its card, or between a terminal and its
 * bank, counts the messages that pass, and does one thing to one of them.
 */
#ifndef TESTS_FAULTS_PROXY_H
#define TESTS_FAULTS_PROXY_H

#include <stiver/terminal.h>

#include "reader/reader.h"

/* A command and its answer are one message here: what goes there and
 * what comes back. */
#define FAULTS(X)                                                                             \
    X(NONE)                                                                                   \
    X(COMMAND_LOST)    /* never arrives */                                                    \
    X(ANSWER_LOST)     /* the command was carried out, its answer never arrives */            \
    X(DOUBLED)         /* arrives twice; the first answer comes back */                       \
    X(DOUBLED_SECOND)  /* arrives twice; the second answer comes back */                      \
    X(COMMAND_OLD)     /* the command of this place in an older session arrives instead */    \
    X(ANSWER_OLD)      /* the answer of this place in an older session comes back instead */  \
    X(COMMAND_SWAPPED) /* a forged 9000 comes back; the command arrives after the next one */ \
    X(ANSWER_SWAPPED)  /* the answer before this one comes back once more instead */          \
    X(COMMAND_CUT)     /* only so many bytes of it arrive */                                  \
    X(ANSWER_CUT)                                                                             \
    X(COMMAND_BIT) /* this bit arrives turned round */                                        \
    X(ANSWER_BIT)                                                                             \
    X(FORGED)       /* this status word comes back, and the command never arrives */          \
    X(FORGED_AFTER) /* this status word comes back instead of the answer */

enum fault {
#define X(name) FAULT_##name,
    FAULTS(X)
#undef X
        FAULT_COUNT
};
const char *fault_name(enum fault fault);

struct fault_plan {
    enum fault fault;
    unsigned at;        /* which message, 0 the first */
    uint32_t parameter; /* bytes, bit or status word */
};

#define FAULT_MESSAGES_MAX 32u
#define FAULT_BYTES_MAX 16384u

/* One session as it went. */
struct fault_record {
    unsigned count;
    uint8_t command[FAULT_MESSAGES_MAX][FAULT_BYTES_MAX];
    uint8_t answer[FAULT_MESSAGES_MAX][FAULT_BYTES_MAX];
    size_t command_bytes[FAULT_MESSAGES_MAX], answer_bytes[FAULT_MESSAGES_MAX];
};

/* Hands a command on; false: nothing came back. */
typedef bool fault_deliver(void *context, const uint8_t *command, size_t bytes,
                           uint8_t answer[FAULT_BYTES_MAX], size_t *answer_bytes);

struct fault_proxy {
    fault_deliver *deliver;
    void *context;
    struct fault_plan plan;
    const struct fault_record *older; /* borrowed */
    struct fault_record *record;      /* what passes undisturbed is written here; may be NULL */
    unsigned count;                   /* messages so far */
    bool has_struck;
    uint8_t held[FAULT_BYTES_MAX], last[FAULT_BYTES_MAX];
    size_t held_bytes, last_bytes;
};

/* Forgets the session before, and what it held. */
void fault_proxy_plan(struct fault_proxy *proxy, const struct fault_plan *plan);
bool fault_carry(struct fault_proxy *proxy, const uint8_t *command, size_t bytes,
                 uint8_t answer[FAULT_BYTES_MAX], size_t *answer_bytes);

/* The proxy as a reader before another reader; both are borrowed. */
struct fault_reader {
    struct fault_proxy proxy;
    struct card_reader *inner;
    struct card_reader reader;
};
void fault_reader_open(struct fault_reader *reader, struct card_reader *inner);

/* The proxy as a link before another link. */
struct fault_link {
    struct fault_proxy proxy;
    const struct stiver_terminal_link *inner;
    struct stiver_terminal_link link;
};
void fault_link_open(struct fault_link *link, const struct stiver_terminal_link *inner);

/* Calls visit for each case that the recorded session offers, bits spread over each message: every
 * byte of one of 16 or no longer than bits, else so many bytes, the first and the last among them.
 * words: with forged status words. */
typedef void fault_visit(void *context, const struct fault_plan *plan);
void fault_each(const struct fault_record *record, unsigned bits, bool words, fault_visit *visit,
                void *context);

#endif
