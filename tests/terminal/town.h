/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small town for the terminal's tests: a bank that keeps to scheme/link.h, terminals whose
 * journals lie in memory, and real cards in a reader in one process. The bank verifies what it
 * takes and adds up what it booked, so that each test can ask at its end whether a cent is missing.
 */
#ifndef TESTS_TERMINAL_TOWN_H
#define TESTS_TERMINAL_TOWN_H

#include <stiver/terminal.h>

#include "port/host/inprocess_reader.h"
#include "scheme/command.h"
#include "scheme/fixtures.h"
#include "scheme/link.h"
#include "scheme/receipt.h"

#define TOWN_PAGE_BYTES 4096u
#define TOWN_PAGES 32u
#define TOWN_EUR(minor) ((struct stiver_terminal_money){(minor), FIXTURE_CURRENCY})

struct town_card {
    uint8_t flash[TOWN_PAGES * TOWN_PAGE_BYTES];
    struct stiver_flash port;
    struct card_slot slot;
    struct card_reader reader;
    uint8_t serial[SERIAL_BYTES];
    uint8_t number[CARD_NUMBER_BYTES]; /* once certified */
};

/* What the bank does with the next request, after it was carried out. */
enum town_mood { BANK_ANSWERS, BANK_IS_DOWN, BANK_LOSES_ANSWER, BANK_FORGES, BANK_REFUSES };

struct town_order {
    uint8_t card[CARD_NUMBER_BYTES];
    uint32_t counter, minor;
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    size_t bytes;
};

#define TOWN_RECEIPTS_MAX 256u
#define TOWN_ORDERS_MAX 64u
#define TOWN_ANSWER_BYTES (64u * 1024u)

struct town_terminal {
    struct town *town;
    struct stiver_terminal *terminal;
    struct fixture_certificate certificate;
    struct stiver_terminal_link link;
    uint32_t highest; /* terminal number that the bank saw */
    /* Commands of this name that the terminal sent, and the longest of them on the link. */
    const char *watched;
    unsigned watched_count;
    size_t watched_longest;
};

struct town {
    struct fixture_scheme scheme;
    struct fixture_pair link_keys;
    uint32_t now;
    enum town_mood mood;
    uint32_t policy_pin_above;

    uint8_t list[64u * 1024u];
    size_t list_bytes;

    struct town_order orders[TOWN_ORDERS_MAX];
    size_t orders_count;
    uint8_t receipts[TOWN_RECEIPTS_MAX][RECEIPT_BYTES];
    size_t receipts_count, abandoned_count, uploads;
    int64_t loaded, paid; /* minor units, by the receipts that were booked */
    uint32_t acknowledge; /* if not 0: the next upload's answer acknowledges up to here */
    uint8_t acknowledge_card[CARD_NUMBER_BYTES];
    bool give_list; /* the next upload's answer brings the list */
    const struct fixture_certificate *give_certificate;
    uint32_t highest_claimed; /* if not 0: what the answer names as highest number */

    uint8_t last_id[LINK_ID_BYTES], last_answer[TOWN_ANSWER_BYTES];
    size_t last_answer_bytes;
};

/* A scheme, its bank, an empty list. struct town is large: keep it static. */
void town_found(struct town *town);
/* Replaces the list; numbers ascending, 8 bytes each, at most 1000. */
void town_list(struct town *town, uint32_t sequence, const uint8_t *numbers, uint32_t count);
/* The package for a terminal of this role that made this request. */
size_t town_package(struct town *town, enum terminal_role role, uint32_t number,
                    const uint8_t request[STIVER_TERMINAL_REQUEST_BYTES],
                    struct fixture_certificate *certificate, uint8_t *out, size_t capacity);
/* A terminal enrolled in it, its journal in memory, or in the directory if that is not NULL. */
void town_terminal(struct town *town, enum terminal_role role, uint32_t number,
                   const char *directory, struct town_terminal *t);
void town_terminal_close(struct town_terminal *t);

/* A blank card from the factory, its reader open. */
void town_card_blank(struct town_card *card, uint8_t number);
/* Personalised and issued by a station of the town. */
void town_card_issue(struct town *town, struct town_card *card, uint8_t number);
/* Out of the reader and in again, with a plan for the next pull. */
void town_card_touch(struct town_card *card, enum pull at, enum command command);
/* The same with no plan. */
void town_card_insert(struct town_card *card);
void town_card_remove(struct town_card *card);

/* One whole touch: insert, begin, pay, end. */
enum stiver_terminal_status town_pay(struct town_terminal *t, struct town_card *card,
                                     uint32_t minor, struct stiver_terminal_result *result);
/* Loads at a kiosk until it is done; the test fails if it is not. */
void town_load(struct town_terminal *kiosk, struct town_card *card, uint32_t minor);
/* The card's balance, as it says itself. */
uint32_t town_balance(struct town_terminal *t, struct town_card *card);
/* Brings everything home and compares: card's balance = loaded - paid, by the bank's receipts. */
void town_check_money(struct town *town, struct town_card *card, struct town_terminal **terminals,
                      size_t count);

#endif
