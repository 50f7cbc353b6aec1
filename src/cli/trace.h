/* SPDX-License-Identifier: Apache-2.0 */
/* --trace: every exchange with a card on standard error, decoded. */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include <stdio.h>

#include <stiver/terminal.h>

/* A stiver_terminal_trace; context is a FILE. */
void trace_exchange(void *context, const struct stiver_terminal_exchange *exchange);

/* The same of the campus purse (docs/campus.md); context is this, which also counts. */
struct trace_campus {
    FILE *out;
    unsigned apdus;
    size_t bytes;
};
void trace_campus_exchange(void *context, const struct stiver_terminal_exchange *exchange);

#endif
