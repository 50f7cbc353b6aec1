/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands at a terminal have in common: its directory, its reader, the bank behind it. */
#ifndef CLI_TERMINAL_OPEN_H
#define CLI_TERMINAL_OPEN_H

#include <stiver/terminal.h>

#include "cli/bank_open.h"
#include "reader/reader.h"

/* The terminal in --terminal, tracing if asked; NULL after a sentence. */
struct stiver_terminal *terminal_open_asked(struct cli *cli);
/* The card in --reader (waits up to --wait seconds, 10 by default); false after a sentence. */
bool card_open_asked(struct cli *cli, struct card_reader *reader);
/* CLI_DONE for OK, CLI_UNFINISHED for UNFINISHED, else a refusal in the terminal's words. */
enum cli_exit terminal_result(struct cli *cli, const struct stiver_terminal_result *result);
/* The same for calls without a card. detail may be NULL. */
enum cli_exit terminal_status(struct cli *cli, enum stiver_terminal_status status,
                              const char *detail);
/* Card, number, amount, balance, status word of a result, for --json. */
json_t *terminal_json(const struct stiver_terminal_result *result);

/* The bank in --bank as this terminal's link, in this process. */
struct near_bank {
    struct cli *cli;
    struct stiver_bank *bank;
    struct stiver_bank_settings settings;
    struct stiver_terminal_link link;
};
bool near_bank_open(struct cli *cli, struct near_bank *near);
void near_bank_close(struct near_bank *near);

#define CLI_OPTION_WAIT                                                       \
    {                                                                         \
        "wait", "SECONDS", "how long to wait for a card (default: 10)", false \
    }

#endif
