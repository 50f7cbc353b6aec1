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
/* A link to a bank that is opened for one request; the request goes to serve. */
typedef enum stiver_bank_status life_serve(struct stiver_bank *bank, const uint8_t *request,
                                           size_t bytes, struct stiver_bank_bytes *answer);
bool life_ask_bank(life_serve *serve, const uint8_t *request, size_t bytes, uint8_t **answer,
                   size_t *answer_bytes);
void life_release(void *context, uint8_t *answer);

const char *life_path(const char *name, char path[LIFE_PATH_BYTES]);
enum stiver_bank_status life_open_bank(struct stiver_bank **bank);
enum stiver_terminal_status life_open_terminal(unsigned member, struct stiver_terminal **terminal);
/* Note what was said, and what it means. */
enum life_end life_bank_said(enum stiver_bank_status status);
enum life_end life_terminal_said(enum stiver_terminal_status status);
enum life_end life_said(const char *text);

/* What settling needs of a life (life_settle.c): an account goes into the sums; a terminal brings
 * everything home (NULL, or what is wrong). */
struct life_sums {
    int64_t card_float, merchants, others;
};
void life_sum(void *context, const struct stiver_bank_account *account);
const char *life_settle_terminal(unsigned member, bool was_touched);
void life_see_finding(void *context, const char *text);

/* Steps with a card (life_card.c), at the bank and its terminals (life_bank.c), and looking at
 * everything (life_end.c). */
enum life_end step_found(const struct life_step *step);
enum life_end step_enrol(const struct life_step *step);
enum life_end step_stock(const struct life_step *step);
enum life_end step_personalise(const struct life_step *step);
enum life_end step_load(const struct life_step *step);
enum life_end step_pay(const struct life_step *step);
enum life_end step_torn(const struct life_step *step);
enum life_end step_torn_load(const struct life_step *step);
enum life_end step_recover(const struct life_step *step);
enum life_end step_synchronise(const struct life_step *step);
enum life_end step_change_pin(const struct life_step *step);
enum life_end step_look(const struct life_step *step);
enum life_end step_policy(const struct life_step *step);
enum life_end step_fund(const struct life_step *step);
enum life_end step_renew(const struct life_step *step);
enum life_end step_books(const struct life_step *step);
enum life_end step_list(const struct life_step *step);
enum life_end step_block(const struct life_step *step);
enum life_end step_touch(const struct life_step *step);

#endif
