/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small life of everybody, in steps. Before and after each step everything is closed: the bank is
 * a directory, each terminal is one, the card is an image, and so a step can be lived again from
 * the same files. Bank, terminals and card image are the real ones.
 */
#ifndef TESTS_FAILURES_LIFE_H
#define TESTS_FAILURES_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIFE_START 1795262400u /* 2026-11-21T12:00:00Z */

enum life_end {
    LIFE_DONE,     /* it said that it is done */
    LIFE_NOT_DONE, /* it said that it is not */
    LIFE_OPEN,     /* "not finished: touch the card again" */
};

struct life_step {
    const char *name;
    enum life_end (*run)(const struct life_step *step);
    unsigned member; /* whose terminal */
    uint32_t minor;
    int32_t change;        /* of the card's balance, when done */
    bool is_paid;          /* to the merchant */
    bool has_two_commands; /* more than one money command, by its nature */
};
extern const struct life_step life_steps[];
extern const unsigned life_steps_count;

enum life_member { LIFE_STATION, LIFE_KIOSK, LIFE_SHOP, LIFE_DESK, LIFE_MEMBERS };

struct life {
    char place[48];
    uint32_t now;
    uint8_t serial[8], card[8];
    char pin[9];
    uint8_t numbers[LIFE_MEMBERS][8];
    /* Of the step that ran last. */
    char said[80];           /* which status */
    unsigned money_commands; /* PAY and LOAD that reached the card */
    bool says_nothing_begun; /* the sentence of the status says so */
    /* What must be so. */
    int64_t balance, paid;
    unsigned enrolled;
    bool has_bank, has_card, is_issued;
};
extern struct life life;

void life_open(void); /* an empty place */
void life_close(void);
/* What the card's memory says; -1 if there is no card, or it is not issued. */
int64_t life_card_balance(void);
/* Notes that a step is done. */
void life_note(const struct life_step *step);
/* Everything goes home; what is wrong then, or NULL. */
const char *life_settle(void);

/* Every file of the place, to be put back as it was, in place. */
struct life_files;
struct life_files *life_keep(void);
void life_put_back(const struct life_files *files);
void life_forget(struct life_files *files);

#endif
