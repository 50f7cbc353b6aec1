/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power lost at every operation of a whole life of the store, in every way, alone and again during
 * the recovery.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "nvm_life.h"

#define PAGE_BYTES 2048u
#define PAGES 6u
#define RECORD_BYTES 400u
#define LIFE_STEPS 40u
/* Steps after a tear, so that damage it left shows: a round of the ring and more. */
#define STEPS_AFTER 8u
#define SECOND_CUT_MAX 40u

/* Operations that the step after this life takes. */
static uint32_t step_operations(struct life *scratch, const struct life *life, uint32_t step)
{
    life_copy(scratch, life);
    uint32_t before = scratch->emulator.operations;
    life_step(scratch, step);
    return scratch->emulator.operations - before;
}

struct hunt {
    struct life life;    /* as far as it got without a cut */
    struct life scratch; /* with one */
    uint64_t random;
    uint64_t cases;
    uint64_t tears;
};

static void cut_set(struct life *life, uint32_t which, uint32_t in, enum tear kind)
{
    life->cuts[which].in = in;
    life->cuts[which].kind = kind;
    life->cut_count = which + 1;
}

static void case_play(struct hunt *hunt, uint32_t step)
{
    for (uint32_t i = 0; i < STEPS_AFTER; i++) {
        life_step(&hunt->scratch, step + i);
    }
    flash_emulator_cut(&hunt->scratch.emulator, 0, TEAR_BEFORE);
    life_remount(&hunt->scratch);
    hunt->cases++;
    hunt->tears += hunt->scratch.tears;
}

/* Plays one case with so many cuts, from the life as it is. Later cuts often fall into the mount.
 */
static void case_cut(struct hunt *hunt, uint32_t step, uint32_t cuts, uint32_t in, enum tear kind)
{
    life_copy(&hunt->scratch, &hunt->life);
    hunt->scratch.emulator.random ^= random_next(&hunt->random) | 1;
    hunt->scratch.emulator.random |= hunt->scratch.emulator.random == 0;
    cut_set(&hunt->scratch, 0, in, kind);
    for (uint32_t i = 1; i < cuts; i++) {
        uint32_t later = 1 + random_below(&hunt->random, SECOND_CUT_MAX);
        if (cuts > 3 || random_below(&hunt->random, 2) == 0) {
            later = 1 + later % 4;
        }
        cut_set(&hunt->scratch, i, later,
                (enum tear)(TEAR_BEFORE + random_below(&hunt->random, TEAR_KINDS)));
    }
    case_play(hunt, step);
}

static void hunt_run(uint32_t unit_bytes, uint64_t seed, uint32_t cuts, uint32_t times)
{
    static struct hunt hunt;
    hunt.cases = 0;
    hunt.tears = 0;
    hunt.random = seed * 77 + cuts;
    life_open(&hunt.life, PAGE_BYTES, PAGES, unit_bytes, RECORD_BYTES, seed);
    life_open(&hunt.scratch, PAGE_BYTES, PAGES, unit_bytes, RECORD_BYTES, seed);
    for (uint32_t step = 0; step < LIFE_STEPS; step++) {
        uint32_t operations = step_operations(&hunt.scratch, &hunt.life, step);
        for (uint32_t in = 1; in <= operations; in++) {
            for (uint32_t kind = TEAR_BEFORE; kind < TEAR_KINDS; kind++) {
                for (uint32_t time = 0; time < times; time++) {
                    case_cut(&hunt, step, cuts, in, (enum tear)kind);
                }
            }
        }
        life_step(&hunt.life, step);
    }
    printf("# units of %u, %u cuts each: %llu cases, %llu tears, %u operations in the life\n",
           unit_bytes, cuts, (unsigned long long)hunt.cases, (unsigned long long)hunt.tears,
           hunt.life.emulator.operations);
    assert_int_equal(hunt.life.fulls, 0);
    assert_true(hunt.cases > 0 && hunt.tears >= hunt.cases);
    life_close(&hunt.life);
    life_close(&hunt.scratch);
}

static void every_operation_torn_in_every_way_is_before_or_after(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < life_hunt(); round++) {
        hunt_run(8, 1 + round, 1, 1);
        hunt_run(16, 101 + round, 1, 1);
        hunt_run(1, 201 + round, 1, 1);
    }
}

static void a_recovery_torn_in_any_way_is_before_or_after(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < life_hunt(); round++) {
        hunt_run(8, 301 + round, 2, 1);
        hunt_run(4, 401 + round, 2, 1);
    }
}

static void three_tears_in_a_row_are_before_or_after(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < life_hunt(); round++) {
        hunt_run(8, 501 + round, 3, 1);
        hunt_run(16, 601 + round, 3, 1);
    }
}

static void a_field_that_keeps_failing_loses_nothing(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < life_hunt(); round++) {
        hunt_run(8, 701 + round, LIFE_CUTS, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_torn_in_every_way_is_before_or_after),
        cmocka_unit_test(a_recovery_torn_in_any_way_is_before_or_after),
        cmocka_unit_test(three_tears_in_a_row_are_before_or_after),
        cmocka_unit_test(a_field_that_keeps_failing_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
