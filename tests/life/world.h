/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole system in one process: the real bank, real terminals that meet it over nothing but the
 * link's bytes, and real cards on emulated flash. Time is a number that the test sets, and the link
 * loses and doubles what it is told to.
 *
 * A check that fails prints where and why, and ends the process if it is a child (world_is_child),
 * else the running test.
 */
#ifndef TESTS_LIFE_WORLD_H
#define TESTS_LIFE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <stiver/bank.h>
#include <stiver/terminal.h>

#include "flash_emulator.h"
#include "port/host/inprocess_reader.h"
#include "scheme/certificate.h"

#define WORLD_EUR(minor) ((struct stiver_terminal_money){(minor), 978})
#define WORLD_START 1795262400u /* 2026-11-21T12:00:00Z */
#define WORLD_DAY 86400u
#define WORLD_MEMBERS_MAX 8u

extern bool world_is_child;
/* What a failed check prints behind its own words: how to repeat it. */
extern char world_story[256];

/* The engine that the next bank keeps its records with; SQLite unless set. */
extern const struct stiver_store_engine *world_engine;

void world_fail(const char *file, int line, const char *what) __attribute__((noreturn));
#define CHECK(condition) ((condition) ? (void)0 : world_fail(__FILE__, __LINE__, #condition))
/* Two numbers, both shown. */
void world_equal(const char *file, int line, const char *what, int64_t is, int64_t should);
#define CHECK_EQUAL(is, should) \
    world_equal(__FILE__, __LINE__, #is " is " #should, (int64_t)(is), (int64_t)(should))

/* What the link does with the next requests, in percent of them. */
struct weather {
    unsigned loses_request, loses_answer, doubles;
};

struct member {
    struct world *world;
    struct stiver_terminal *terminal;
    struct stiver_terminal_link link;
    enum terminal_role role;
    uint8_t number[8];
    char directory[96]; /* empty: its journal is in memory */
    int32_t clock_off;  /* seconds that its clock is wrong by */
    bool is_offline;
};

struct world {
    char place[64], directory[80];
    struct stiver_bank *bank;
    uint32_t now;
    struct weather weather;
    struct stiver_bank_policy policy;
    struct member members[WORLD_MEMBERS_MAX];
    unsigned member_count;
    uint64_t lost, doubled; /* what the weather did */
};

struct world_card {
    struct flash_emulator emulator;
    struct card_slot slot;
    struct card_reader reader;
    bool is_in; /* the reader is open */
    uint8_t serial[8], number[8];
    char pin[9];
};

/* A bank with this policy. struct world and struct world_card must not move. */
void world_open(struct world *world, const struct stiver_bank_policy *policy);
void world_close(struct world *world);
struct member *world_join(struct world *world, enum terminal_role role, uint32_t merchant,
                          uint32_t limit, bool in_memory);
/* Closes and opens a terminal whose journal is a file. */
void world_reopen(struct member *member);
/* Prepares every statement of bank and terminals, so that no fork has to. */
void world_prepare(struct world *world);
/* A blank card, in the bank's stock. */
void world_card_make(struct world *world, struct world_card *card, uint32_t page_bytes,
                     uint32_t pages, uint64_t seed);
void world_card_free(struct world_card *card);
/* Out of the reader and in again, power up and with this plan; false if it does not start. */
bool world_card_insert(struct world_card *card, const struct pull_plan *plan);
void world_card_remove(struct world_card *card);
/* PIN letter and all. */
enum stiver_terminal_status world_personalise(struct member *station, struct world_card *card,
                                              struct stiver_terminal_result *result);

struct world_sums {
    int64_t card_float, in_flight, merchants, tills, loss, suspense, owed, cash;
    struct stiver_bank_books books;
};
void world_books(struct world *world, struct world_sums *sums);
/* The audit finds nothing; prints what it finds. */
void world_audit(struct world *world);
/* Alarms, printed if there are more than expected. */
uint64_t world_alarms(struct world *world, bool print);

#endif
