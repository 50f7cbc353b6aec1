/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole life of one card with a person who does as people do: touches, and when the terminal says
 * that it is not finished, touches again and wants the same. What the card must then hold is known
 * beforehand, wherever the power went meanwhile.
 */
#ifndef TESTS_LIFE_STORY_H
#define TESTS_LIFE_STORY_H

#include "world.h"

enum deed {
    DEED_PERSONALISE,
    DEED_LOAD,
    DEED_PAY,
    DEED_WRONG_PIN, /* a payment that needs the PIN, given a wrong one */
    DEED_PIN,       /* the same, given the right one */
    DEED_CHANGE_PIN,
    DEED_READ,   /* a contact that only reads; brings what the terminal carries */
    DEED_POLICY, /* the bank's policy order, handed over */
    DEED_SYNCHRONISE,
    DEED_LIST, /* the holder has lost it: the bank lists it, everybody hears */
    DEED_BLOCK,
    DEEDS,
};
extern const char *const deed_names[DEEDS];

enum place { AT_STATION, AT_KIOSK, AT_SHOP, AT_BUFFET, AT_DESK, PLACES };

struct step {
    enum deed deed;
    enum place place;
    uint32_t minor;
};

#define STORY_STEPS_MAX 40u

struct story {
    struct world world;
    struct world_card card;
    struct member *at[PLACES];
    uint64_t seed;
    unsigned tries; /* of the step that is going on */
    struct step steps[STORY_STEPS_MAX];
    unsigned count;
    /* What must be so. */
    uint32_t balance; /* before the step that is going on */
    int64_t change;   /* that it makes, once */
    int64_t paid;
    unsigned tries_most, tries_least;
    struct stiver_terminal_purse seen; /* the last that the card said */
    bool has_seen;
    char pin[9];
};

/* The life that is swept whole: each deed once at least. */
void story_open_whole(struct story *story);
/* Another life for each seed. */
void story_open_random(struct story *story, uint64_t seed);
void story_close(struct story *story);

/* One try of a step; true once it is done. Fails where a person would be told something untrue. */
bool story_try(struct story *story, const struct step *step);
/* Tries again until it is done, at most so often. */
void story_step(struct story *story, unsigned step, unsigned tries_most);
/* Everything goes home; books, audit, card and terminals agree. */
void story_settle(struct story *story);

#endif
