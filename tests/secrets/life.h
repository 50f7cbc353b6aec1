/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole life of one card, from the factory to the block: every kind of command that touches a
 * secret, each with its refusals. The runs that look for secrets watch it from outside.
 */
#ifndef TESTS_SECRETS_LIFE_H
#define TESTS_SECRETS_LIFE_H

/* Asserts that each step ends as it must. */
void life_run(void);
/* Then as many changes of its memory as move every record to another page. The card is blocked at
 * the end of life_run; this runs on one of its own. */
void life_turn_pages(void);
/* Power lost at each change of the memory that a payment, a PIN and a change of the PIN make. */
void life_torn(void);

#endif
