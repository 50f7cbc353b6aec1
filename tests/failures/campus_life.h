/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the campus purse: a second list of steps behind life.h, for the same driver. The
 * members are the station, the kiosk (reload terminal) and the shop (point of sale).
 */
#ifndef TESTS_FAILURES_CAMPUS_LIFE_H
#define TESTS_FAILURES_CAMPUS_LIFE_H

#include <stiver/campus_bank.h>
#include <stiver/campus_terminal.h>

#include "life_inside.h"
#include "scheme/campus.h"

#define CAMPUS_MEMBERS 3u

extern const struct stiver_terminal_link campus_to_bank;
extern const uint32_t campus_ids[CAMPUS_MEMBERS];

enum stiver_terminal_status campus_open_terminal(unsigned member,
                                                 struct stiver_campus_terminal **terminal);
/* The back end's private key as a file of the published programs; its length. */
size_t campus_back_end_pem(uint8_t pem[CAMPUS_PEM_BYTES_MAX]);
/* Whose keys psa_generate_key makes next: a member's, or CAMPUS_MEMBERS for the card's. */
void campus_keys_of(unsigned who);

/* At the bank and its terminals (campus_bank.c), with the card (campus_card.c), looking
 * (campus_end.c). */
enum life_end step_campus_turn_on(const struct life_step *step);
enum life_end step_campus_enrol(const struct life_step *step);
enum life_end step_campus_make_card(const struct life_step *step);
enum life_end step_campus_personalise(const struct life_step *step);
enum life_end step_campus_load(const struct life_step *step);
enum life_end step_campus_pay(const struct life_step *step);
enum life_end step_campus_torn(const struct life_step *step);
enum life_end step_campus_torn_load(const struct life_step *step);
enum life_end step_campus_recover(const struct life_step *step);
enum life_end step_campus_read(const struct life_step *step);
enum life_end step_campus_synchronise(const struct life_step *step);
enum life_end step_campus_import(const struct life_step *step);
enum life_end step_campus_recertify(const struct life_step *step);
enum life_end step_campus_fund(const struct life_step *step);
enum life_end step_campus_look(const struct life_step *step);
enum life_end step_campus_list(const struct life_step *step);
enum life_end step_campus_take_list(const struct life_step *step);
enum life_end step_campus_block(const struct life_step *step);
enum life_end step_campus_touch(const struct life_step *step);

#endif
