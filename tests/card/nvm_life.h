/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a store: transactions, aborts, clears and power-ups in a random order given by a
 * seed, beside a model of what the store must then hold. Power may go at any operation; whatever
 * was torn, the store must be as before or as after the torn transaction, say the same at each
 * later mount, and live on.
 */
#ifndef TESTS_CARD_NVM_LIFE_H
#define TESTS_CARD_NVM_LIFE_H

#include "card/core/nvm.h"
#include "flash_emulator.h"

#define LIFE_OWNERS 2u
#define LIFE_IDS 24u
#define LIFE_CUTS 12u

struct life_record {
    uint32_t seed;  /* of its data */
    uint16_t bytes; /* 0: absent */
    uint8_t version;
};

struct life_model {
    struct life_record records[LIFE_OWNERS][LIFE_IDS];
};

struct life {
    struct flash_emulator emulator;
    struct nvm nvm;
    struct life_model model;
    uint64_t seed;      /* of its steps */
    uint64_t salt;      /* of the salts */
    uint32_t bytes_max; /* of a record */
    uint32_t mounts;    /* so far */
    uint32_t tears;     /* so far */
    uint32_t commits;   /* so far */
    uint32_t fulls;     /* steps that were refused so far */
    /* Still to come: in how many operations after the last power-up, and what kind. */
    struct {
        uint32_t in;
        enum tear kind;
    } cuts[LIFE_CUTS];
    uint32_t cut_count;
    uint32_t next_cut;
};

void life_open(struct life *life, uint32_t page_bytes, uint32_t pages, uint32_t unit_bytes,
               uint32_t bytes_max, uint64_t seed);
void life_close(struct life *life);
/* to must be open with the same geometry. */
void life_copy(struct life *to, const struct life *from);

/* The step-th step; ends with the store mounted and equal to the model. */
void life_step(struct life *life, uint32_t step);
/* A power-up without cuts: the store must hold what the model says. */
void life_remount(struct life *life);
/* The store, as mounted, must hold exactly what a model says. */
bool life_matches(const struct life *life, const struct life_model *model);

/* Data of a record, from its seed: noise, or worst cases (all 0xFF, all zeros, likeness of
 * markers). */
void life_data(uint32_t seed, uint8_t *out, size_t bytes);

/* How many times more a long run tries: 1; 10 if script/hunt runs it; or 20 times STIVER_HUNT. */
uint32_t life_hunt(void);

#endif
