/* SPDX-License-Identifier: Apache-2.0 */
/* What long use, the end of the flash's life, and damage do to the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "card/core/nvm.h"
#include "flash_emulator.h"
#include "nvm_life.h"

#define PAGE_BYTES 4096u
#define PAGES 16u
#define UNIT_BYTES 8u
#define IDS 64u
#define PAYMENT_RECORDS 4u
#define RECORD_MIN 60u
#define RECORD_MAX 180u
#define POWER_UP_EVERY 50u

/* A store that lives on payment-like transactions: a few records of a fixed set. */
struct purse {
    struct flash_emulator emulator;
    struct nvm nvm;
    uint64_t random;
    uint32_t seeds[IDS];
    uint16_t bytes[IDS];
};

static const uint8_t SALT[NVM_SALT_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static enum nvm_status purse_mount(struct purse *p)
{
    uint8_t salt[NVM_SALT_BYTES];
    uint64_t number = random_next(&p->random);
    memcpy(salt, &number, sizeof salt);
    flash_emulator_power_up(&p->emulator);
    return nvm_mount(&p->nvm, &p->emulator.flash, salt);
}

static void purse_open(struct purse *p, uint64_t seed)
{
    memset(p, 0, sizeof *p);
    p->random = seed;
    flash_emulator_open(&p->emulator, PAGE_BYTES, PAGES, UNIT_BYTES, seed);
    assert_int_equal(nvm_format(&p->emulator.flash, SALT), NVM_OK);
    assert_int_equal(purse_mount(p), NVM_OK);
}

static enum nvm_status purse_pay(struct purse *p)
{
    uint8_t data[RECORD_MAX];
    uint8_t ids[PAYMENT_RECORDS];
    uint16_t bytes[PAYMENT_RECORDS];
    uint32_t seeds[PAYMENT_RECORDS];
    size_t sum = 0;
    for (uint32_t i = 0; i < PAYMENT_RECORDS; i++) {
        ids[i] = (uint8_t)(random_below(&p->random, IDS / PAYMENT_RECORDS) * PAYMENT_RECORDS + i);
        bytes[i] = (uint16_t)(RECORD_MIN + random_below(&p->random, RECORD_MAX - RECORD_MIN + 1));
        seeds[i] = (uint32_t)random_next(&p->random);
        sum += bytes[i];
    }
    enum nvm_status status = nvm_begin(&p->nvm, sum, PAYMENT_RECORDS);
    for (uint32_t i = 0; status == NVM_OK && i < PAYMENT_RECORDS; i++) {
        life_data(seeds[i], data, bytes[i]);
        status = nvm_put(&p->nvm, 1, ids[i], 1, data, bytes[i]);
    }
    status = status == NVM_OK ? nvm_commit(&p->nvm) : status;
    for (uint32_t i = 0; status == NVM_OK && i < PAYMENT_RECORDS; i++) {
        p->bytes[ids[i]] = bytes[i];
        p->seeds[ids[i]] = seeds[i];
    }
    return status;
}

/* Reads everything; how many records refuse to be read. Fails on any other than the last value. */
static uint32_t purse_check(struct purse *p)
{
    uint8_t is[RECORD_MAX];
    uint8_t should[RECORD_MAX];
    uint32_t damaged = 0;
    size_t bytes;
    for (uint8_t id = 0; id < IDS; id++) {
        enum nvm_status status = nvm_read(&p->nvm, 1, id, NULL, is, sizeof is, &bytes);
        if (status == NVM_DAMAGED) {
            damaged++;
            continue;
        }
        assert_int_equal(status, p->bytes[id] == 0 ? NVM_ABSENT : NVM_OK);
        assert_int_equal(bytes, p->bytes[id]);
        life_data(p->seeds[id], should, bytes);
        assert_memory_equal(is, should, bytes);
    }
    return damaged;
}

static void many_payments_wear_all_pages_alike(void **state)
{
    (void)state;
    static struct purse p;
    uint32_t payments = 100000 * life_hunt();
    uint64_t programmed = 0;
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    uint32_t total = 0;
    purse_open(&p, 1);
    for (uint32_t i = 0; i < payments; i++) {
        assert_int_equal(purse_pay(&p), NVM_OK);
        if (i % POWER_UP_EVERY == 0) {
            programmed += nvm_programmed(&p.nvm);
            assert_int_equal(purse_mount(&p), NVM_OK);
            assert_int_equal(purse_check(&p), 0);
        }
    }
    programmed += nvm_programmed(&p.nvm);
    for (uint32_t page = 0; page < PAGES; page++) {
        uint32_t erases;
        assert_int_equal(nvm_wear(&p.nvm, page, &erases), NVM_OK);
        /* The store's own count misses the erase by nvm_format of all pages but the first. */
        assert_int_equal(erases, p.emulator.erases[page] - (page != 0));
        least = erases < least ? erases : least;
        most = erases > most ? erases : most;
        total += erases;
    }
    printf("# %u payments: %llu bytes programmed each, %u.%02u a page erase; "
           "each page erased %u to %u times\n",
           payments, (unsigned long long)(programmed / payments), payments / total,
           payments % total * 100 / total, least, most);
    assert_true(most - least <= 2);
    flash_emulator_close(&p.emulator);
}

static void a_flash_at_its_end_is_read_only_and_loses_nothing(void **state)
{
    (void)state;
    static struct purse p;
    uint32_t payments = 0;
    uint32_t operations = 0;
    purse_open(&p, 2);
    p.emulator.erases_max = 20;
    enum nvm_status status = NVM_OK;
    for (; status == NVM_OK; payments++) {
        status = purse_pay(&p);
    }
    assert_int_equal(status, NVM_WORN);
    assert_int_equal(purse_check(&p), 0);
    assert_int_equal(nvm_begin(&p.nvm, 0, 0), NVM_WORN);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(purse_mount(&p), NVM_OK);
        assert_int_equal(purse_check(&p), 0);
        operations = p.emulator.operations;
        do {
            status = purse_pay(&p);
        } while (status == NVM_OK);
        assert_int_equal(status, NVM_WORN);
        assert_int_equal(purse_check(&p), 0);
    }
    assert_true(p.emulator.operations > operations);
    printf("# worn out after %u payments, %u erases a page\n", payments, p.emulator.erases_max);
    flash_emulator_close(&p.emulator);
}

/* The page stops taking programs in the middle of whatever it was at. */
static void a_page_that_refuses_programs_takes_nothing_back(void **state)
{
    (void)state;
    static struct purse p;
    uint32_t cases = 0;
    for (uint32_t page = 0; page < 4; page++) {
        for (uint32_t wait = 0; wait < 12; wait++) {
            purse_open(&p, 100 + page * 20 + wait);
            for (uint32_t i = 0; i < 10 + wait; i++) {
                assert_int_equal(purse_pay(&p), NVM_OK);
            }
            p.emulator.worn_page = page;
            enum nvm_status status = NVM_OK;
            while (status == NVM_OK) {
                status = purse_pay(&p);
            }
            assert_int_equal(status, NVM_WORN);
            assert_int_equal(nvm_begin(&p.nvm, 1, 1), NVM_WORN);
            assert_int_equal(purse_check(&p), 0);
            /* The page may still take what a mount has to say; if not, the mount says so. */
            p.emulator.worn_page = UINT32_MAX;
            assert_int_equal(purse_mount(&p), NVM_OK);
            assert_int_equal(purse_check(&p), 0);
            cases++;
            flash_emulator_close(&p.emulator);
        }
    }
    printf("# %u pages refused a program\n", cases);
}

static void damage_is_found_and_never_an_older_value_read(void **state)
{
    (void)state;
    static struct purse p;
    static struct purse whole;
    uint32_t found = 0;
    uint32_t records = 0;
    uint32_t harmless = 0;
    uint32_t stride = life_hunt() > 1 ? 1 : 7;
    purse_open(&whole, 3);
    purse_open(&p, 3);
    for (uint32_t i = 0; i < 220; i++) {
        assert_int_equal(purse_pay(&whole), NVM_OK);
    }
    for (uint32_t at = 0; at < PAGE_BYTES * PAGES; at += stride) {
        struct flash_emulator kept = p.emulator;
        p = whole;
        p.emulator = kept;
        flash_emulator_copy(&p.emulator, &whole.emulator);
        p.emulator.now[at] ^= (uint8_t)(1u << random_below(&whole.random, 8));
        enum nvm_status status = purse_mount(&p);
        if (status == NVM_OK) {
            uint32_t damaged = purse_check(&p);
            records += damaged > 0;
            harmless += damaged == 0;
        } else {
            assert_int_equal(status, NVM_DAMAGED);
            found++;
        }
    }
    printf("# %u flipped bits: %u stop the store, %u one record, %u hit nothing that lives\n",
           found + records + harmless, found, records, harmless);
    assert_true(found > 0 && records > 0 && harmless > 0);
    flash_emulator_close(&p.emulator);
    flash_emulator_close(&whole.emulator);
}

static void foreign_content_is_no_store(void **state)
{
    (void)state;
    static struct purse p;
    struct nvm nvm;
    uint32_t cases = 0;
    uint64_t random = 99;
    purse_open(&p, 4);
    for (uint32_t round = 0; round < 200 * life_hunt(); round++, cases++) {
        for (uint32_t i = 0; i < PAGE_BYTES * PAGES; i++) {
            p.emulator.now[i] = round == 0   ? 0x00
                                : round == 1 ? 0xFF
                                             : (uint8_t)(random_next(&random) >> 40);
        }
        uint32_t operations = p.emulator.operations;
        assert_int_equal(nvm_mount(&nvm, &p.emulator.flash, SALT), NVM_BLANK);
        assert_int_equal(p.emulator.operations, operations);
    }
    flash_emulator_close(&p.emulator);
    printf("# %u foreign contents refused\n", cases);
}

static void a_torn_format_leaves_an_empty_store_or_none(void **state)
{
    (void)state;
    static struct purse p;
    uint32_t cases = 0;
    uint32_t stores = 0;
    uint32_t kept = 0;
    for (uint32_t in = 1; in < 40; in++) {
        for (uint32_t kind = 0; kind < TEAR_KINDS; kind++) {
            size_t bytes;
            purse_open(&p, 1 + in * 16 + kind);
            for (uint32_t i = 0; i < 300; i++) {
                assert_int_equal(purse_pay(&p), NVM_OK);
            }
            flash_emulator_cut(&p.emulator, in, (enum tear)kind);
            if (nvm_format(&p.emulator.flash, SALT) == NVM_OK) {
                flash_emulator_close(&p.emulator);
                continue;
            }
            cases++;
            enum nvm_status status = purse_mount(&p);
            if (status == NVM_OK && nvm_size(&p.nvm, 1, 0, &bytes) == NVM_OK) {
                kept++;
                assert_int_equal(purse_check(&p), 0); /* nothing of it was touched yet */
            } else if (status == NVM_OK) {
                stores++;
                assert_int_equal(nvm_free_pages(&p.nvm), PAGES - 1);
            } else {
                assert_true(status == NVM_BLANK || status == NVM_DAMAGED);
            }
            assert_int_equal(nvm_format(&p.emulator.flash, SALT), NVM_OK);
            assert_int_equal(purse_mount(&p), NVM_OK);
            flash_emulator_close(&p.emulator);
        }
    }
    printf("# %u torn formats: %u left an empty store, %u the old one whole\n", cases, stores,
           kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_payments_wear_all_pages_alike),
        cmocka_unit_test(a_flash_at_its_end_is_read_only_and_loses_nothing),
        cmocka_unit_test(a_page_that_refuses_programs_takes_nothing_back),
        cmocka_unit_test(damage_is_found_and_never_an_older_value_read),
        cmocka_unit_test(foreign_content_is_no_store),
        cmocka_unit_test(a_torn_format_leaves_an_empty_store_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
