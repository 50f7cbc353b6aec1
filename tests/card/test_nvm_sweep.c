/* SPDX-License-Identifier: Apache-2.0 */
/* The store on every shape of flash, torn at random, and filled to the brim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nvm_life.h"

#define LIFE_STEPS 80u
#define BRIM_STEPS 400u

static const uint32_t PAGE_BYTES[] = {2048, 4096, 8192};
static const uint32_t PAGES[] = {4, 5, 8, 16, 32};
static const uint32_t UNIT_BYTES[] = {1, 2, 4, 8, 16};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A cut, on average, every third step. */
static void torn_life(uint32_t page_bytes, uint32_t pages, uint32_t unit_bytes, uint64_t seed,
                      uint64_t totals[3])
{
    static struct life life;
    uint64_t random = seed * 31 + 7;
    life_open(&life, page_bytes, pages, unit_bytes, page_bytes / 5, seed);
    for (uint32_t step = 0; step < LIFE_STEPS; step++) {
        if (random_below(&random, 3) == 0) {
            life.next_cut = 0;
            life.cut_count = 1 + random_below(&random, 2);
            for (uint32_t i = 0; i < life.cut_count; i++) {
                life.cuts[i].in = 1 + random_below(&random, i == 0 ? 30 : 10);
                life.cuts[i].kind = (enum tear)(TEAR_BEFORE + random_below(&random, TEAR_KINDS));
            }
        }
        life_step(&life, step);
    }
    flash_emulator_cut(&life.emulator, 0, TEAR_BEFORE);
    life_remount(&life);
    assert_true(life.commits > 0);
    totals[0] += life.commits;
    totals[1] += life.tears;
    totals[2] += life.fulls;
    life_close(&life);
}

static void every_geometry_survives_tears(void **state)
{
    (void)state;
    uint64_t totals[3] = {0, 0, 0};
    for (uint32_t round = 0; round < 3 * life_hunt(); round++) {
        for (size_t b = 0; b < COUNT(PAGE_BYTES); b++) {
            for (size_t p = 0; p < COUNT(PAGES); p++) {
                for (size_t u = 0; u < COUNT(UNIT_BYTES); u++) {
                    torn_life(PAGE_BYTES[b], PAGES[p], UNIT_BYTES[u],
                              1 + round * 1000 + b * 100 + p * 10 + u, totals);
                }
            }
        }
    }
    printf("# %zu geometries: %llu commits, %llu tears, %llu refused as full\n",
           COUNT(PAGE_BYTES) * COUNT(PAGES) * COUNT(UNIT_BYTES), (unsigned long long)totals[0],
           (unsigned long long)totals[1], (unsigned long long)totals[2]);
    assert_true(totals[1] > 0);
}

struct brim {
    struct flash_emulator emulator;
    struct nvm nvm;
    uint32_t seeds[NVM_RECORDS_MAX];
    uint16_t bytes[NVM_RECORDS_MAX];
    uint64_t random;
    uint32_t commits;
    uint32_t fulls;
    uint32_t live_most;
};

static void brim_check(struct brim *b)
{
    static const uint8_t SALT[NVM_SALT_BYTES] = {9};
    uint8_t is[NVM_DATA_MAX];
    uint8_t should[NVM_DATA_MAX];
    uint32_t live = 0;
    size_t bytes;
    flash_emulator_power_up(&b->emulator);
    assert_int_equal(nvm_mount(&b->nvm, &b->emulator.flash, SALT), NVM_OK);
    for (uint8_t id = 0; id < NVM_RECORDS_MAX; id++) {
        enum nvm_status status = nvm_read(&b->nvm, 1, id, NULL, is, sizeof is, &bytes);
        assert_int_equal(status, b->bytes[id] == 0 ? NVM_ABSENT : NVM_OK);
        assert_int_equal(bytes, b->bytes[id]);
        life_data(b->seeds[id], should, bytes);
        assert_memory_equal(is, should, bytes);
        live += b->bytes[id] == 0 ? 0 : NVM_OCCUPIED(b->bytes[id]);
    }
    b->live_most = live > b->live_most ? live : b->live_most;
}

/* Puts one record; NVM_FULL must come from nvm_begin, before anything changed for good. */
static void brim_put(struct brim *b, uint8_t id, uint16_t bytes)
{
    uint8_t data[NVM_DATA_MAX];
    uint32_t seed = (uint32_t)random_next(&b->random);
    enum nvm_status status = nvm_begin(&b->nvm, bytes, 1);
    if (status == NVM_FULL && bytes > 0) {
        b->fulls++;
        return;
    }
    assert_int_equal(status, NVM_OK);
    life_data(seed, data, bytes);
    assert_int_equal(nvm_put(&b->nvm, 1, id, 1, data, bytes), NVM_OK);
    assert_int_equal(nvm_commit(&b->nvm), NVM_OK);
    b->commits++;
    b->bytes[id] = bytes;
    b->seeds[id] = seed;
}

static void brim_run(uint32_t page_bytes, uint32_t pages, uint32_t unit_bytes, uint32_t bytes_max)
{
    static const uint8_t SALT[NVM_SALT_BYTES] = {8};
    static struct brim b;
    memset(&b, 0, sizeof b);
    b.random = page_bytes + pages * 3 + unit_bytes * 7 + bytes_max;
    flash_emulator_open(&b.emulator, page_bytes, pages, unit_bytes, 1);
    assert_int_equal(nvm_format(&b.emulator.flash, SALT), NVM_OK);
    brim_check(&b);
    for (uint32_t step = 0; step < BRIM_STEPS; step++) {
        uint8_t id = (uint8_t)random_below(&b.random, NVM_RECORDS_MAX);
        uint32_t operations = b.emulator.operations;
        uint32_t fulls = b.fulls;
        brim_put(&b, id, (uint16_t)(1 + random_below(&b.random, bytes_max)));
        if (b.fulls > fulls && step % 2 == 0) {
            brim_put(&b, id, 0);
        }
        /* Making room ends: at most a round of pages, each programmed in calls of a unit or more.
         */
        assert_true(b.emulator.operations - operations < 2 * pages * page_bytes);
        if (step % 16 == 0) {
            brim_check(&b);
        }
    }
    brim_check(&b);
    /* However full, clearing works, and what was cleared can be used again. */
    uint32_t commits = b.commits;
    for (uint8_t id = 0; id < NVM_RECORDS_MAX; id++) {
        brim_put(&b, id, 0);
    }
    assert_int_equal(b.commits, commits + NVM_RECORDS_MAX);
    brim_check(&b);
    assert_true(b.commits > 0 && b.fulls > 0);
    brim_put(&b, 1, (uint16_t)bytes_max);
    assert_int_equal(b.bytes[1], bytes_max);
    brim_check(&b);
    printf(
        "# %u pages of %u, units of %u, records to %u: %u commits, %u refused, up to %u%% live\n",
        pages, page_bytes, unit_bytes, bytes_max, b.commits, b.fulls,
        b.live_most * 100 / (pages * page_bytes));
    flash_emulator_close(&b.emulator);
}

static void a_full_store_refuses_but_never_sticks(void **state)
{
    (void)state;
    for (size_t u = 0; u < COUNT(UNIT_BYTES); u++) {
        brim_run(2048, 4, UNIT_BYTES[u], 100);
        brim_run(2048, 4, UNIT_BYTES[u], 700);
        brim_run(2048, 8, UNIT_BYTES[u], 400);
        brim_run(2048, 8, UNIT_BYTES[u], NVM_DATA_SMALL_PAGE);
        brim_run(4096, 6, UNIT_BYTES[u], 1200);
        brim_run(4096, 16, UNIT_BYTES[u], 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_geometry_survives_tears),
        cmocka_unit_test(a_full_store_refuses_but_never_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
