/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The campus purse at the fair (fair.h): the fair's bank is its back end too, and it has three
 * terminals of its own, in directories. Also counts what goes over a reader.
 */
#ifndef BENCH_CAMPUS_FAIR_H
#define BENCH_CAMPUS_FAIR_H

#include <stiver/campus_bank.h>
#include <stiver/campus_terminal.h>

#include "fair.h"

#define CAMPUS_FAIR_LOADED 100000u /* cents on a card that was issued */

struct campus_fair {
    struct fair *fair; /* borrowed */
    struct stiver_terminal_link link;
    struct stiver_campus_terminal *station, *reload, *pos;
};
/* Must not move in memory. */
void campus_fair_open(struct campus_fair *campus, struct fair *fair);
void campus_fair_close(struct campus_fair *campus);

/* As fair_card_make; the card offers both purses. */
struct stiver_flash campus_fair_card_make(struct fair_flash *flash, uint8_t number);

/* Each ends the program if it does not succeed, and gives the card's number. */
uint32_t campus_fair_personalise(struct campus_fair *campus, struct card_reader *reader);
void campus_fair_load(struct campus_fair *campus, struct card_reader *reader);
/* One cent. */
void campus_fair_pay(struct campus_fair *campus, struct card_reader *reader);
/* Lists the card at the bank, and has the point of sale fetch the list. */
void campus_fair_list(struct campus_fair *campus, uint32_t card);
/* Meets a listed card, which then is blocked. */
void campus_fair_block(struct campus_fair *campus, struct card_reader *reader);

/* ---- what goes over a reader ---- */

struct traffic {
    unsigned apdus;
    size_t bytes; /* commands and responses, status words included */
};
/* Counts what this reader transmits from now on. */
void traffic_watch(struct traffic *traffic, struct card_reader *reader);
/* What it was since the last call. */
struct traffic traffic_take(struct traffic *traffic);

#endif
