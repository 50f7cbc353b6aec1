/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual card as a process of its own, of the stand-in card (echo_card.h): what a user starts,
 * without the command line. It ends with the test that started it.
 */
#ifndef TESTS_PORT_CARD_PROCESS_H
#define TESTS_PORT_CARD_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "port/host/virtual_card.h"

struct card_process {
    const char *path; /* of its image; NULL: a flash in memory, gone with the process */
    uint16_t port;
    unsigned connect_ms, reconnect_ms;
    struct pull_plan pull;
    bool is_t0, is_senseless; /* echo_card.h */
    pid_t pid;                /* filled in by start */
};

/* Forks it. It reacts to SIGTERM as to being taken out. */
void card_process_start(struct card_process *process);
/* Waits for its end, at most ten seconds, and returns its enum virtual_card_end; 100 and above: it
 * was killed by that signal; -1: it is still running, and is killed. */
int card_process_wait(struct card_process *process);
/* SIGTERM, then wait. */
int card_process_stop(struct card_process *process);

#endif
