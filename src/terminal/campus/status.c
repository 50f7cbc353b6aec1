/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentence for a person. Those of the purse's terminal where they are true here too; our own
 * where cents have no currency, or where a word of the published protocol has several meanings.
 */
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "terminal/campus/internal.h"

#define MONEY "%lu.%02lu"
#define CENTS(amount) (unsigned long)((amount) / 100), (unsigned long)((amount) % 100)

static void date_text(uint32_t seconds, char day[DATE_TEXT_BYTES])
{
    date_format(seconds, day);
    day[10] = '\0';
}

/* True if there is a sentence of our own. */
static bool own_sentence(const struct stiver_campus_result *r, char *text, size_t capacity)
{
    char day[DATE_TEXT_BYTES];
    date_text(r->date, day);
    switch ((unsigned)r->status) {
    case STIVER_TERMINAL_OK:
        return snprintf(text, capacity, r->detail[0] == '\0' ? "Done." : "Done. %s", r->detail) > 0;
    case STIVER_TERMINAL_FINISHED_EARLIER:
        return snprintf(text, capacity, MONEY " is done; it was begun earlier.", CENTS(r->amount)) >
               0;
    case STIVER_TERMINAL_UNFINISHED:
        return snprintf(text, capacity, "Not finished: touch the same card again.") > 0;
    case STIVER_TERMINAL_TERMINAL_REFUSED:
        return snprintf(text, capacity,
                        "The card does not talk to this terminal: it is not personalised, or of "
                        "another back end, or finds the terminal's certificate over.") > 0;
    case STIVER_TERMINAL_BALANCE:
        return r->has_balance
                   ? snprintf(text, capacity, "The card refuses: not enough money, " MONEY " left.",
                              CENTS(r->balance)) > 0
                   : snprintf(text, capacity,
                              "The card refuses this payment: not enough money, or it "
                              "has come to its end. Nothing was paid.") > 0;
    case STIVER_TERMINAL_BALANCE_LIMIT:
        return snprintf(text, capacity,
                        "The card refuses: it would hold more than it may, or has come to its end. "
                        "Nothing was loaded.") > 0;
    case STIVER_TERMINAL_AMOUNT_LIMIT:
        return snprintf(text, capacity, "This card does not take such an amount: take less.") > 0;
    case STIVER_TERMINAL_LIST_OLD:
        return r->date == 0
                   ? snprintf(text, capacity,
                              "There is no list of blocked cards: synchronise the terminal.") > 0
                   : snprintf(text, capacity,
                              "The list of blocked cards (until %s) is over, or older than the one "
                              "held before: synchronise the terminal.",
                              day) > 0;
    case STIVER_TERMINAL_LIST_FORGED:
        return snprintf(
                   text, capacity,
                   "The list of blocked cards does not verify, so nothing is done: replace the "
                   "file CRL, or move it away and synchronise the terminal.") > 0;
    case STIVER_TERMINAL_ROOT_DIFFERS:
        return snprintf(text, capacity,
                        "The package's back end is not the expected one: nothing was taken.") > 0;
    case STIVER_TERMINAL_JOURNAL_FOREIGN:
        return snprintf(text, capacity,
                        "The journal or the log in that directory is another program's: nothing "
                        "was changed, move it away.") > 0;
    default:
        return false;
    }
}

void stiver_campus_sentence(const struct stiver_campus_result *result, char *text, size_t capacity)
{
    struct stiver_terminal_result other = {.status = result->status, .time = result->date};
    if (capacity == 0 || own_sentence(result, text, capacity))
        return;
    memcpy(other.detail, result->detail, sizeof other.detail);
    stiver_terminal_sentence(&other, text, capacity);
}
