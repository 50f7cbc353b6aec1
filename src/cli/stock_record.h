/* SPDX-License-Identifier: Apache-2.0 */
/* The stock record: a JSON object that goes from whoever makes a blank card to the bank's register.
 * It holds the card's transport key: mode 0600, and destroyed once the bank has it. */
#ifndef CLI_STOCK_RECORD_H
#define CLI_STOCK_RECORD_H

#include <stiver/card.h>

#include "cli/cli.h"

enum cli_exit stock_record_write(struct cli *cli, const char *path,
                                 const struct stiver_card_factory *factory);
/* False after a sentence. */
bool stock_record_read(struct cli *cli, const char *path, struct stiver_card_factory *factory);

#endif
