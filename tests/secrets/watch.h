/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches a card from outside: each call of it (manufacture, power-up, a command, power-off) runs
 * on a painted stack of its own, and afterwards everything that a call may leave behind is searched
 * for the caught secrets: the stack, the whole struct stiver_card, the response buffer. Both ends'
 * bytes are kept.
 */
#ifndef TESTS_SECRETS_WATCH_H
#define TESTS_SECRETS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch_report {
    size_t calls;             /* of the card */
    size_t with_open_channel; /* after which session keys stood where they may */
    size_t finds;             /* secrets where they may not be */
    size_t deepest;           /* bytes of stack that a call used */
    char first[160];          /* what the first find was */
};

/* Starts over, with no secrets known. is_searched: memory is searched after each call. */
void watch_start(bool is_searched);
const struct watch_report *watch_report(void);
/* Every byte that crossed between host and card. */
const uint8_t *watch_link(size_t *bytes);

/* Runs any job as a call of the card is run; its stack is searched. */
void watch_call(const char *name, void (*job)(void *), void *argument);

#endif
