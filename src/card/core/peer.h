/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the core: who is at the other end. The commands are in card.h. */
#ifndef CARD_CORE_PEER_H
#define CARD_CORE_PEER_H

#include "card/core/card.h"

#define PEER_RECORD_BYTES 82u
#define PEER_NEXT_RECORD_BYTES 1u

/* Closes the channel, if one is open, and wipes its keys and the shared secret. */
void peer_leave(struct card *card);
/* Forgets whose certificate was verified as well. */
void peer_forget(struct card *card);
/* True if the peer in the open channel is not in the memory yet. */
bool peer_is_new(const struct card *card);
/* Puts its entry into the open transaction, in the place of the oldest. */
enum status peer_put(struct card *card) SCHEME_CHECKED;

#endif
