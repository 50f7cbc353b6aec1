/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The campus purse: a second application with a balance of its own, which speaks a published
 * protocol of RSA signatures to the byte, so that terminals made for it work with this card
 * (docs/campus.md). What was weak in it is closed here as far as honest terminals do not notice.
 */
#ifndef CARD_CAMPUS_CAMPUS_H
#define CARD_CAMPUS_CAMPUS_H

#include "card/core/card.h"

extern const struct application campus_application;

/* What it keeps in the memory when full, for the table of quotas: keys and certificate of RSA, a
 * ledger, the last receipt, ten log entries. */
#define CAMPUS_RECORDS 7u
#define CAMPUS_RECORD_BYTES 2600u

#endif
