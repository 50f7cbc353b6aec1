/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application that keeps money: one balance in one currency, the counters and the log that
 * prove each change of it, the PIN, and the rules of the bank's policy (docs/protocol.md).
 *
 * All money moves in one way: a receipt is signed over the state to come, and state and receipt are
 * committed together before the answer leaves.
 */
#ifndef CARD_PURSE_PURSE_H
#define CARD_PURSE_PURSE_H

#include "card/core/card.h"

extern const struct application purse_application;

#endif
