/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real bank, real terminals and real cards in one process, with a faulty link before each, and
 * a look into a card's memory that needs no link at all.
 */
#ifndef TESTS_FAULTS_WORLD_H
#define TESTS_FAULTS_WORLD_H

#include <stiver/bank.h>

#include "proxy.h"
#include "terminal/town.h"

/* More shops than a card remembers: each comes to it as a stranger when its turn is there again. */
#define WORLD_SHOPS 10u

struct member {
    struct stiver_terminal *terminal;
    struct stiver_terminal_link link; /* straight to the bank */
    uint8_t number[8];
};

struct world {
    char place[64];
    struct stiver_bank *bank;
    struct member station, kiosk, desk, bank_desk, shops[WORLD_SHOPS];
    struct town_card card; /* in the reader now */
    struct fault_reader reader;
    struct fault_link link;
    unsigned cards;
};

/* What a card's memory holds, read from a copy of it. */
struct held {
    uint8_t state; /* enum purse_state */
    uint32_t balance, counter, refund_counter;
    uint8_t receipt_key[PUBLIC_KEY_BYTES];
    uint8_t pin[PIN_BYTES]; /* digits, padded with FF */
    uint8_t tries;
    uint32_t policy_number, acknowledged; /* the latter up to this counter */
};

/* struct world is large: keep it static. The calls end the test on anything unexpected. */
void world_found(struct world *world);
void world_end(struct world *world);
/* A new blank card in the bank's stock, in the reader. */
void world_card_blank(struct world *world);
/* The same, personalised and issued. */
void world_card_issue(struct world *world);
/* Power off and on, behind the fault proxy with this plan (NULL: none). */
void world_touch(struct world *world, const struct fault_plan *plan);
void world_look(const struct world *world, struct held *held);
/* Brings home what the member holds; nothing may be refused or left. */
void world_bring_home(struct member *member);
/* The books balance, and all cards together hold float_minor. */
void world_check_books(struct world *world, uint32_t float_minor);
/* The same, and the audit of every signed document finds nothing. */
void world_audit(struct world *world, uint32_t float_minor);
uint64_t world_receipts(struct world *world);

#endif
