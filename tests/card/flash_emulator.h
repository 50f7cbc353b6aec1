/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flash in RAM that keeps the rules of <stiver/port.h>, loses power when told to, and remembers
 * what a torn call left: units that are half programmed, pages that are half erased, cells that
 * read differently each time.
 *
 * A broken rule fails the running test: a unit programmed twice between erases, a page programmed
 * after an erase that did not end, an address outside the geometry. The one exception is the one of
 * port.h: a unit whose program with zeros was torn may be programmed with zeros again.
 *
 * Everything random comes from a seed, so each run repeats exactly.
 */
#ifndef TESTS_CARD_FLASH_EMULATOR_H
#define TESTS_CARD_FLASH_EMULATOR_H

#include <stdbool.h>
#include <stdint.h>

#include <stiver/port.h>

/* What the call during which power fails leaves behind. */
enum tear {
    TEAR_BEFORE,     /* nothing happened yet */
    TEAR_PREFIX,     /* some first units (bytes of the page, for an erase) are done, the rest not */
    TEAR_BITS,       /* a random subset of the bits has changed, and stays so */
    TEAR_WEAK_BITS,  /* after some good units, each bit reads old or new, anew at each read */
    TEAR_WEAK_UNITS, /* the same, unit by unit, with a leaning to one side */
    TEAR_WEAK_SPELLS, /* the whole rest reads old or new, anew at each power-up */
    TEAR_AFTER,       /* everything happened, but nobody was told */
    TEAR_KINDS,
};

struct flash_emulator {
    struct stiver_flash flash; /* the port: its context is this struct */
    uint8_t *now;              /* what was programmed last, or what a torn call aimed at */
    uint8_t *before;           /* what a weak unit may read as instead */
    uint8_t *states;           /* of each unit */
    uint8_t *leanings;         /* of each weak unit: how many of 8 reads give the old content */
    bool *is_half_erased;      /* of each page */
    uint32_t *weak_units;      /* of each page */
    uint32_t *erases;          /* of each page */
    uint64_t random;
    uint64_t spell;      /* power-ups so far */
    uint32_t operations; /* programs and erases so far */
    uint64_t bytes;      /* programmed so far */
    uint32_t cut_at;     /* the operation that loses power; 0: none */
    enum tear cut_kind;
    uint32_t erases_max; /* of each page, before it answers WORN; 0: no end */
    uint32_t worn_page;  /* a page that takes no program any more; UINT32_MAX: none */
    bool is_powered;
};

/* Blank flash: what the factory gives. Released by flash_emulator_close. */
void flash_emulator_open(struct flash_emulator *emulator, uint32_t page_bytes, uint32_t pages,
                         uint32_t unit_bytes, uint64_t seed);
void flash_emulator_close(struct flash_emulator *emulator);
/* Makes to, of the same geometry, equal to from. */
void flash_emulator_copy(struct flash_emulator *to, const struct flash_emulator *from);

/* Power goes at the in-th program or erase from now on (1: the next). */
void flash_emulator_cut(struct flash_emulator *emulator, uint32_t in, enum tear kind);
void flash_emulator_power_up(struct flash_emulator *emulator);

/* The next number of a generator (xorshift64*, Vigna 2014) whose state must not be 0. */
uint64_t random_next(uint64_t *state);
uint32_t random_below(uint64_t *state, uint32_t end);

#endif
