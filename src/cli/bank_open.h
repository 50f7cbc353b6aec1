/* SPDX-License-Identifier: Apache-2.0 */
/* What every `stiver bank …` has in common: opening with a passphrase, refusing in the bank's
 * words. */
#ifndef CLI_BANK_OPEN_H
#define CLI_BANK_OPEN_H

#include <stiver/bank.h>

#include "cli/cli.h"

/* The options of a command that takes the bank alone. */
extern const struct cli_option bank_options[];

/* The bank in --bank with its settings, its passphrase asked for; false after a sentence. */
bool bank_open_asked(struct cli *cli, struct stiver_bank **bank,
                     struct stiver_bank_settings *settings);
/* The bank's own message, or the status's sentence where bank is NULL. */
enum cli_exit bank_refuse(struct cli *cli, const struct stiver_bank *bank,
                          enum stiver_bank_status status);
/* CLI_DONE for OK and ALREADY, else a refusal. */
enum cli_exit bank_result(struct cli *cli, const struct stiver_bank *bank,
                          enum stiver_bank_status status);
/* The same for a step that was given a file: names it where the file is what is wrong; what says
 * which file is wanted. */
enum cli_exit bank_file_result(struct cli *cli, const struct stiver_bank *bank,
                               enum stiver_bank_status status, const char *path, const char *what);
/* The environment of every bank here: SQLite, the system's clock. */
extern const struct stiver_bank_environment bank_environment;

#endif
