/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the books must hold, to the cent: the scheme's rules a third time (the bank has them for
 * receipts as they come, its audit for its documents), written here for what the simulation can do
 * and fed with the documents in the order in which they came to the bank.
 *
 *     order            till -> in flight
 *     load receipt     the first of its counter that took an order: in flight -> float; that took
 *                      its undoing: in flight -> till; any other: nothing
 *     payment receipt  the first of its counter: float -> merchant, or owed if its own terminal
 *                      had given it up; another one of that counter, a clone's: loss -> merchant up
 *                      to the limit, once a terminal certificate, if that started before the card
 *                      was listed; else nothing
 *     given up         a receipt that waits in suspense: -> owed
 */
#ifndef TESTS_LIFE_EXPECTED_H
#define TESTS_LIFE_EXPECTED_H

#include "scheme/receipt.h"
#include "witness.h"

#define EXPECTED_CARDS 64u
#define EXPECTED_TERMINALS 8u
#define EXPECTED_COUNTERS 2048u /* of a card, of its orders, of a terminal's numbers */

/* A receipt that came, whatever it booked. The simulation must know a card that made it. */
typedef void expected_receipt(const struct receipt *receipt);

void expected_open(uint32_t scheme, expected_receipt *came);
/* From now on documents may name it. */
void expected_terminal(const uint8_t terminal[8], uint32_t merchant);
/* Takes what the witness has to tell, and holds every account against it, and each card's shadow.
 */
void expected_check(void);
/* The card's share of the float; 0 for a card that never paid or loaded. */
int64_t expected_float(const uint8_t card[8]);
/* All of it, by kind of account. */
int64_t expected_sum(enum account_kind kind);
/* Alarms so far; one number twice is held against the receipts that came. */
unsigned expected_alarms(void);
/* Receipts that used a number again, and receipts that met a counter that was taken. */
unsigned expected_twice(void);
unsigned expected_conflicts(void);

#endif
