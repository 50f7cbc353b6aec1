/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes what the host libraries lean on fail, from outside: every call of calls.def is wrapped at
 * link time, SQLite's own memory and file calls are handed to it, and its syncs are interposed.
 *
 *     failing_start(FAILING_FILE, 7, false);   // the seventh file call from here on fails
 *     ... the step under test ...
 *     bool was_met = failing_stop();
 *
 * With at 0 nothing fails and failing_count says how many calls there were. One thread.
 */
#ifndef TESTS_FAILURES_FAILING_H
#define TESTS_FAILURES_FAILING_H

#include <stdbool.h>
#include <stdint.h>

enum failing_kind {
    FAILING_ALLOC,
    FAILING_PSA,
    FAILING_OPENSSL,
    FAILING_SQLITE,
    FAILING_SQLITE_MEMORY, /* what SQLite itself allocates */
    FAILING_SQLITE_FILE,   /* the file calls that SQLite itself makes */
    FAILING_FILE,
    FAILING_SOCKET, /* and the clock that waits are measured by */
    FAILING_DISK,   /* what writes, ours and SQLite's: a full disk */
    FAILING_KINDS,
};
extern const char *const failing_names[FAILING_KINDS];

/* Once a process, before SQLite is used. */
void failing_prepare(void);
/* stays: the calls behind that one fail too, until failing_stop. */
void failing_start(enum failing_kind kind, uint32_t at, bool stays);
/* The at-th call of that name, alone. */
void failing_start_call(const char *name, uint32_t at);
/* True if the call was reached. */
bool failing_stop(void);
uint32_t failing_count(enum failing_kind kind);
/* Name of the call that failed first, or "". */
const char *failing_met(void);

/* What is held now: blocks of our own allocations, PSA's keys, open descriptors. */
struct failing_held {
    long blocks, keys, files;
};
void failing_held(struct failing_held *held);

#endif
