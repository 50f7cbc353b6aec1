/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the core: from a command's bytes to its response. */
#ifndef CARD_CORE_DISPATCH_H
#define CARD_CORE_DISPATCH_H

#include "card/core/card.h"

/* Handles a well-formed command of the basic logical channel, other than SELECT, for the selected
 * application. It stands in the first command_bytes of response, and so do its data. Returns the
 * bytes of the response, which then stand there. */
size_t dispatch(struct card *card, struct apdu_command *command, size_t command_bytes,
                uint8_t response[STIVER_APDU_MAX]);

#endif
