/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the life share. */
#ifndef TESTS_FAILURES_LIFE_INSIDE_H
#define TESTS_FAILURES_LIFE_INSIDE_H

#include <stiver/bank.h>
#include <stiver/terminal.h>

#include "life.h"

#define LIFE_CURRENCY 978
#define LIFE_PATH_BYTES 96

extern const struct stiver_bank_secret life_passphrase;
extern const struct stiver_bank_environment life_bank_environment;
extern const char *const life_member_names[LIFE_MEMBERS];
extern const struct stiver_terminal_link life_to_bank;

const char *life_path(const char *name, char path[LIFE_PATH_BYTES]);
enum stiver_bank_status life_open_bank(struct stiver_bank **bank);
enum stiver_terminal_status life_open_terminal(unsigned member, struct stiver_terminal **terminal);
/* Note what was said, and what it means. */
enum life_end life_bank_said(enum stiver_bank_status status);
enum life_end life_terminal_said(enum stiver_terminal_status status);
enum life_end life_said(const char *text);

/* Steps with a card (life_card.c), at the bank and its terminals (life_bank.c), and looking at
 * everything (life_end.c). */
#define LIFE_STEPS(X)                                                                          \
    X(found)                                                                                   \
    X(enrol)                                                                                   \
    X(stock)                                                                                   \
    X(personalise) X(load) X(pay) X(torn) X(torn_load) X(recover) X(synchronise) X(change_pin) \
        X(look) X(policy) X(fund) X(renew) X(books) X(list) X(block) X(touch)
#define X(name) enum life_end step_##name(const struct life_step *step);
LIFE_STEPS(X)
#undef X

#endif
