/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange after the other under every fault: what a test of the link says of an exchange, and
 * the driver that runs it once a case in the one world of the program. What the terminal said and
 * what the card's memory held before and after stand in variables that the checks read.
 */
#ifndef TESTS_FAULTS_EXCHANGE_H
#define TESTS_FAULTS_EXCHANGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "world.h"

#define NEXT_MINOR 1u

extern struct world world;
extern struct held before, after;
extern struct stiver_terminal_result said;
extern unsigned all, turn;
extern uint32_t others; /* what the cards hold that are not in the reader */

/* One exchange: what goes before it, it, and what must hold after it. */
struct exchange {
    const char *name;
    void (*prepare)(void);
    void (*run)(const struct fault_plan *plan);
    void (*settle)(void);
    unsigned bits;   /* of each command and answer */
    bool is_of_bank; /* the link to the bank is disturbed, not the one to the card */
    bool is_short;   /* in step after one round */
};

extern const struct exchange *running;

/* Said of this case, so that a failure can be repeated. */
#define MUST(holds)                 \
    do {                            \
        if (!(holds)) {             \
            exchange_tell();        \
            fail_msg("%s", #holds); \
        }                           \
    } while (0)

void exchange_tell(void);

/* A touch, and a link to that member's bank, one of the two disturbed by plan. */
void set_up_plan(const struct member *member, const struct fault_plan *plan);
/* Whose turn it is. */
struct member *shop(void);
/* A whole contact each; digits NULL: nobody knows the PIN. */
enum stiver_terminal_status pay(struct member *member, uint32_t minor, const char *digits,
                                struct stiver_terminal_result *result);
enum stiver_terminal_status load(const struct stiver_terminal_link *link, uint32_t minor,
                                 struct stiver_terminal_result *result);
#define LOAD_MINOR 10u
/* A load of LOAD_MINOR at the kiosk, and what must hold after it. */
void run_load(const struct fault_plan *plan);
void settle_load(void);
/* The next contact, undisturbed: it finds out, and pays; the member brings home. */
void go_on(struct member *member);

bool is_done(void);
/* There is a sentence, and no fault of ours behind it. */
void check_sentence(void);
/* The receipt that a terminal shows is the card's, of this amount, and leaves this balance. */
void check_receipt(const struct stiver_terminal_receipt *shown, uint32_t minor, uint32_t balance);
/* moved: what the balance does if the business is done. zeros: receipts of no amount that the card
 * may have given besides. */
void check_truth(uint32_t minor, int32_t moved, uint32_t zeros);

struct ending {
    uint32_t number;
    bool was_seen;
    struct stiver_terminal_entry entry;
};

/* For stiver_terminal_entries, to find the entry of ending->number. */
bool see_ending(void *context, const struct stiver_terminal_entry *entry);
/* After the next contact the journal says of that number what the card's memory says. */
void check_ending(struct member *member, uint32_t number, uint32_t minor, bool is_paid);

void prepare_nothing(void);
/* Every case of it. */
void all_cases(const struct exchange *exchange);
/* For cmocka's group. */
int exchange_set_up(void **state);
int exchange_tear_down(void **state);
/* A card with money, known to the kiosk, and the books agree. */
void first_load(void **state);

#define PART(name, ...)                                        \
    static void name(void **state)                             \
    {                                                          \
        static const struct exchange exchange = {__VA_ARGS__}; \
        (void)state;                                           \
        all_cases(&exchange);                                  \
    }

#endif
