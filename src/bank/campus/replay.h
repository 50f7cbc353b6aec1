/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit's own reading of the campus purse's documents: part of bank/replay.h, and like it
 * without code or records of settlement.
 */
#ifndef BANK_CAMPUS_REPLAY_H
#define BANK_CAMPUS_REPLAY_H

#include "bank/campus_store.h"
#include "bank/table.h"

struct campus_replay_terminal {
    enum campus_role role;
    uint32_t merchant, credit;
    uint8_t modulus[CAMPUS_RSA_BYTES];
    uint32_t terms; /* how many certificates */
    bool is_listed;
};

struct campus_replay_card {
    uint8_t modulus[CAMPUS_RSA_BYTES];
    uint32_t end, counter, listed, blocked;
    int64_t shadow;
};

struct campus_replay_receipt {
    uint32_t terminal, amount, time;
    bool is_load, is_suspect, is_decided;
    enum campus_receipt_state state;
};

/* A key of two numbers, and what one of a terminal's certificates covers. */
struct campus_pair {
    uint32_t first, second;
};

struct campus_replay {
    bool is_on;
    uint8_t modulus[CAMPUS_RSA_BYTES];
    struct table terminals; /* ID 4 */
    struct table terms;     /* terminal 4 | which 4: start, end */
    struct table cards;     /* ID 4 */
    struct table receipts;  /* card 4 | counter 4 */
    struct table seconds;   /* hash 32: 1 */
    uint32_t *listed;       /* cards' IDs; owned */
    size_t listed_count, listed_capacity;
    uint64_t list_end_ms;
    uint8_t list_hash[SHA256_BYTES];
};

struct replay;
void bank_campus_replay_init(struct campus_replay *campus);
void bank_campus_replay_free(struct campus_replay *campus);
/* One document of a type from RECORD_CAMPUS_KEY on. */
enum store_status bank_campus_replay_document(struct replay *replay,
                                              const struct document_record *document);
/* Compares the registers with what the documents said. */
enum store_status bank_campus_replay_compare(struct replay *replay, struct store *store);

#endif
