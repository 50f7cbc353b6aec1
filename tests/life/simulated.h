/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulation's files share: the people's cards with what they must hold, the machines, and
 * every receipt of money that was made.
 */
#ifndef TESTS_LIFE_SIMULATED_H
#define TESTS_LIFE_SIMULATED_H

#include "expected.h"
#include "world.h"

#define SEATS 4u /* people with a card */
#define THIEVES 2u
#define HALVES 48u
#define SELLERS 3u
#define MACHINES (SELLERS + 1u) /* machine 0 is the kiosk */
#define MADE_MAX 4096u

/* One card, or one of the two that a cloned card became. */
struct half {
    struct world_card card;
    bool is_cloned;
    unsigned of; /* the half that it is a copy of, or itself */
    int64_t balance;
    uint32_t counter, moved; /* moved: receipts of money since it was cloned, or ever */
    /* Business that is not finished: the card did it or did not. */
    int64_t change;
    unsigned change_at, change_step;
    bool change_may_lack;
};

/* A receipt of money that a card made, by its own word. */
struct made {
    unsigned half, machine, step;
    uint32_t counter, number; /* number: 0 if it was found out later */
    int64_t change;
    uint32_t balance_after;
    bool is_home, may_lack;
};

struct machine {
    struct member *member;
    uint32_t online_at; /* offline until then */
    bool has_copy;
    unsigned copied_at; /* step */
    uint32_t copied_number;
};

/* Of one seed, or of all. */
struct totals {
    uint64_t seeds, transactions, payments, loads, tears, pulls, lost, doubled, restored, unsaid;
    uint64_t noticed, given_up, cloned, found, conflicts, twice, cards;
};

struct simulation {
    struct world world;
    struct member *station;
    struct half halves[HALVES];
    unsigned half_count, seats[SEATS + THIEVES]; /* whose card lies where; HALVES: none */
    struct machine machines[MACHINES];
    struct made made[MADE_MAX];
    unsigned made_count, step;
    bool is_exact;    /* nothing happens that keeps receipts from home */
    bool had_trouble; /* what may ring */
    bool may_repeat;  /* a terminal may give a number again, and does not know it */
    struct totals own;
};
extern struct simulation sim;

/* ---- simulated_cards.c ---- */

/* A receipt came to the bank: a card made it. */
void came_home(const struct receipt *receipt);
/* A card touches machine at, to load (change above 0), pay (below) or only to be read; what is said
 * of it, and what the card says of itself, must be so. */
enum stiver_terminal_status contact(unsigned at, struct half *half, int64_t change, bool in_danger);
/* A sale that this machine ended without its receipt: whoever made one, but this half, keeps it. */
void may_stay(unsigned at, const uint8_t card[8], const struct half *but);
/* The operator's part, for a terminal that was away for so long that the bank waits for a person.
 */
void recertify(struct member *member);
/* A new card; its place among the halves. */
unsigned new_card(void);
/* A blocked card stays in its drawer until the end; its holder gets another one. */
void after(unsigned seat, enum stiver_terminal_status status);
/* Somebody's card is copied, and a thief goes about with the copy. */
void clone_card(void);

/* ---- simulated_machines.c ---- */

enum stiver_terminal_status synchronise(struct machine *machine);
void copy_journal(struct machine *machine);
/* The copy is put back. With the operator's word the terminal knows; without it, it finds out by
 * its mark; and if that was put back as well, it cannot know, and gives numbers again. */
void restore_journal(struct machine *machine, bool is_said, bool with_mark);
/* The first sale that is open anywhere. Its receipt, if there is one, stays on the card. */
void give_up(void);

#endif
