/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fair to measure at: a real bank in a directory of its own, three terminals certified by it, and
 * cards in any reader. Nothing is a stand-in but the clock, which stands still. Whatever does not
 * work ends the program with a sentence (figure_need).
 */
#ifndef BENCH_FAIR_H
#define BENCH_FAIR_H

#include <stiver/bank.h>
#include <stiver/card.h>
#include <stiver/terminal.h>

#include "reader/reader.h"

#define FAIR_CURRENCY 978u
#define FAIR_NOW 1795262400u /* 2026-11-21T12:00:00Z */
#define FAIR_PAGE_BYTES 4096u
#define FAIR_PAGES 32u
#define FAIR_TRANSPORT_KEY_BYTE 0x42 /* all bytes of every card's transport key */
/* Receipts that may wait in a card before fair_settle must come. */
#define FAIR_RECEIPTS_MOST 50u

/* A flash in memory, of a card image's geometry, that counts. */
struct fair_flash {
    uint8_t bytes[FAIR_PAGE_BYTES * FAIR_PAGES];
    uint64_t programmed, erases;
};

struct fair {
    char directory[64];
    struct stiver_bank *bank;
    struct stiver_terminal_link link;
    struct stiver_terminal *station, *kiosk, *shop;
};

/* Founds it below the working directory. shop_is_durable: the point of sale's journal is on the
 * disk; the others' are in memory. */
void fair_open(struct fair *fair, bool shop_is_durable);
void fair_close(struct fair *fair);
/* A new point of sale, its journal on the disk, in the place of the old one: no card knows it.
 * number is one that was not given before. */
void fair_renew_shop(struct fair *fair, unsigned number);

/* A blank card of serial number `number` in this flash; the same number belongs to fair_issue. */
struct stiver_flash fair_card_make(struct fair_flash *flash, uint8_t number);
/* Stocks, personalises and loads the blank card behind the reader. */
void fair_issue(struct fair *fair, struct card_reader *reader, uint8_t number);
/* One cent. The card has just got its power: fair_touch, or card_reader_reset. */
void fair_pay(struct fair *fair, struct card_reader *reader, struct stiver_terminal_result *result);
/* Brings the receipts home and the bank's acknowledgement to the card. */
void fair_settle(struct fair *fair, struct card_reader *reader);
/* Takes the card's power away and gives it back. */
void fair_touch(struct card_reader *reader);

#endif
