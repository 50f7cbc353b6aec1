/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A witness beside the bank's records: the SQLite engine, with its verbs passing by here first.
 * What the bank kept, posted, rang and wrote on its cards is handed on, in order, once the
 * transaction that held it was committed, and only then. So what the books say is known after each
 * step without reading them all.
 */
#ifndef TESTS_LIFE_WITNESS_H
#define TESTS_LIFE_WITNESS_H

#include "bank/store.h"

#define WITNESS_BYTES 512u /* of a document; longer ones are cut */

enum event_kind { EVENT_DOCUMENT, EVENT_POSTING, EVENT_ALARM, EVENT_CARD };

struct event {
    enum event_kind kind;
    union {
        struct {
            enum document_type type;
            uint8_t terminal[TERMINAL_NUMBER_BYTES];
            uint8_t bytes[WITNESS_BYTES];
            size_t length;
        } document;
        struct posting_record posting;
        struct alarm_record alarm;
        struct card_record card;
    };
};

/* To open a bank with, one at a time; forgets what an earlier one said. */
extern const struct stiver_store_engine witness_engine;
/* Hands on, oldest first, what was committed since it was asked last. */
void witness_tell(void (*visit)(void *context, const struct event *event), void *context);

#endif
