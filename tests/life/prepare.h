/* SPDX-License-Identifier: Apache-2.0 */
/* Prepares every SQL statement of a bank or a terminal. */
#ifndef TESTS_LIFE_PREPARE_H
#define TESTS_LIFE_PREPARE_H

struct stiver_bank;
struct stiver_terminal;
void prepare_bank(struct stiver_bank *bank);
void prepare_terminal(struct stiver_terminal *terminal);

#endif
