/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the core: the clock's record. What everyone may call is in card.h. */
#ifndef CARD_CORE_CLOCK_H
#define CARD_CORE_CLOCK_H

#include "card/core/card.h"

#define CLOCK_RECORD_BYTES 12u

/* At power-up; a card that never stored a time begins at 0. */
enum status clock_load(struct card *card) SCHEME_CHECKED;
/* Puts the clock into the open transaction if something of it is not in the memory yet. */
enum status clock_put_pending(struct card *card) SCHEME_CHECKED;
/* The transaction is in the memory. */
void clock_committed(struct card *card);

#endif
