/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole system on a virtual clock, by chance from a seed: cards, terminals and one bank; tears,
 * pulls, lost and doubled messages, terminals offline for days, clocks that jump, journals put back
 * with and without a word, cloned cards, sales given up. Each card is asked at each contact what it
 * holds, each receipt that comes to the bank must be one that a card made, and after each step each
 * account is held to the cent against what must be on it (expected.h).
 *
 *     test_simulation                               a few seeds
 *     test_simulation hunt SHARD SHARDS [FIRST]     many, for HUNT_SECONDS; 0: to the last
 *     test_simulation seed SEED [TRANSACTIONS]      one again, exactly
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "chance.h"
#include "memory_bank.h"
#include "simulated.h"
#include "stand_in.h"

#define SHORT_SEEDS 20u
#define SHORT_TRANSACTIONS 200u

/* What the hunt does, with real public-key operations and with the stand-in. */
static const struct {
    unsigned seeds, transactions;
} hunts[2] = {{1000, 200}, {10000, 1000}};

static struct totals *totals; /* of all seeds, shared with the forks */

struct simulation sim;

/* ---- what must hold after each step ---- */

/* Cards, what is on its way, and books: what each card holds by its own word is its share of the
 * float and what its receipts that did not come yet will make of it; and what was paid in is all
 * there (the books' own equation, in expected_check). */
static void check_sums(void)
{
    static int64_t travelling[HALVES];
    expected_check();
    memset(travelling, 0, sizeof travelling);
    for (unsigned i = 0; i < sim.made_count; i++)
        if (!sim.made[i].is_home)
            travelling[sim.made[i].half] += sim.made[i].change;
    for (unsigned i = 0; i < sim.half_count; i++)
        if (!sim.halves[i].is_cloned)
            CHECK_EQUAL(sim.halves[i].balance,
                        expected_float(sim.halves[i].card.number) + travelling[i]);
    if (!sim.had_trouble)
        CHECK_EQUAL(expected_alarms(), 0);
    if (sim.step % 128 == 0) {
        struct world_sums sums;
        world_books(&sim.world, &sums);
        CHECK_EQUAL(sums.card_float, expected_sum(ACCOUNT_FLOAT));
        CHECK_EQUAL(sums.merchants, expected_sum(ACCOUNT_MERCHANT));
        CHECK_EQUAL(sums.tills, expected_sum(ACCOUNT_TILL));
        CHECK_EQUAL(sums.in_flight, expected_sum(ACCOUNT_IN_FLIGHT));
        CHECK_EQUAL(sums.loss, expected_sum(ACCOUNT_LOSS));
        CHECK_EQUAL(sums.suspense, expected_sum(ACCOUNT_SUSPENSE));
        CHECK_EQUAL(sums.owed, expected_sum(ACCOUNT_OWED));
    }
}

static void let_clock_jump(struct member *member)
{
    static const int32_t jumps[] = {3600, -7200, 5 * 86400, -5 * 86400, 400 * 86400, -700 * 86400};
    member->clock_off = chance_percent(85) ? 0 : jumps[chance_below(6)];
}

/* ---- a run ---- */

static void open_sim(uint64_t seed)
{
    static const struct stiver_bank_policy policy = {.payment_limit = 5000,
                                                     .balance_limit = 1000000,
                                                     .pin_above = UINT32_MAX,
                                                     .online_above = UINT32_MAX};
    struct stiver_bank_settings settings;
    memset(&sim, 0, sizeof sim);
    sim.is_exact = seed % 2 == 1;
    chance_seed(seed);
    stand_in_secret(seed);
    memory_bank_new();
    world_engine = &witness_engine;
    world_open(&sim.world, &policy);
    CHECK_EQUAL(stiver_bank_settings(sim.world.bank, &settings), STIVER_BANK_OK);
    expected_open(settings.scheme, came_home);
    sim.station = world_join(&sim.world, ROLE_STATION, 1, 0, true);
    sim.machines[0].member = world_join(&sim.world, ROLE_KIOSK, 2, 0, false);
    for (unsigned i = 1; i < MACHINES; i++)
        sim.machines[i].member =
            world_join(&sim.world, ROLE_POINT_OF_SALE, 6 + i, i == 1 ? 500 : 1000000000, false);
    for (unsigned i = 0; i < MACHINES; i++)
        expected_terminal(sim.machines[i].member->number, i == 0 ? 2 : 6 + i);
    for (unsigned i = 0; i < SEATS + THIEVES; i++)
        sim.seats[i] = i < SEATS ? new_card() : HALVES;
}

static void touch(unsigned at)
{
    unsigned seat;
    do
        seat = chance_below(SEATS + THIEVES);
    while (sim.seats[seat] == HALVES);
    struct half *half = &sim.halves[sim.seats[seat]];
    int64_t change = at == 0 ? 1 + (int64_t)chance_below(20000) : -(int64_t)(1 + chance_below(900));
    after(seat, contact(at, half, change, true));
}

static void disturb(uint32_t dice, struct machine *machine)
{
    if (dice < 10)
        machine->online_at = sim.world.now + chance_below(6) * WORLD_DAY;
    else if (dice < 35)
        let_clock_jump(machine->member);
    else if (dice < 45)
        clone_card();
    else if (dice < 65)
        copy_journal(machine);
    else if (!sim.is_exact && dice < 85)
        restore_journal(machine, dice < 72, dice >= 78);
    else if (!sim.is_exact && dice < 100)
        give_up();
    else
        (void)synchronise(machine);
}

static void live(void)
{
    unsigned at = chance_percent(15) ? 0 : chance_below(MACHINES);
    struct machine *machine = &sim.machines[at];
    uint32_t dice = chance_below(1000);
    sim.world.now += 60 + chance_below(2 * 3600);
    sim.world.weather = (struct weather){10, 10, 15};
    machine->member->is_offline = sim.world.now < machine->online_at;
    if (dice < 250)
        disturb(dice, machine);
    else
        touch(at);
    check_sums();
}

/* ---- the end ---- */

/* Everybody online with the right time, each card to each machine, twice; everything home. */
static void bring_home(void)
{
    sim.world.weather = (struct weather){0, 0, 0};
    for (unsigned i = 0; i < MACHINES; i++) {
        sim.machines[i].member->is_offline = false;
        sim.machines[i].member->clock_off = 0;
        CHECK_EQUAL(synchronise(&sim.machines[i]), STIVER_TERMINAL_OK);
    }
    for (unsigned i = 0; i < MACHINES; i++)
        for (unsigned k = 0; k < sim.half_count; k++)
            (void)contact(i, &sim.halves[k], 0, false);
    for (unsigned i = 0; i < 2 * MACHINES; i++)
        CHECK_EQUAL(synchronise(&sim.machines[i % MACHINES]), STIVER_TERMINAL_OK);
    check_sums();
}

static void check_made(void)
{
    for (unsigned i = 0; i < sim.made_count; i++)
        if (!sim.made[i].is_home && !sim.made[i].may_lack) {
            printf("# of step %u, half %u, machine %u: %lld\n", sim.made[i].step, sim.made[i].half,
                   sim.made[i].machine, (long long)sim.made[i].change);
            world_fail(__FILE__, __LINE__, "a receipt that nothing kept away did not come home");
        }
}

static bool is_all_home(const struct half *half)
{
    for (unsigned i = 0; i < sim.made_count; i++)
        if (&sim.halves[sim.made[i].half] == half && !sim.made[i].is_home)
            return false;
    return true;
}

static void check_card(void *context, const struct stiver_bank_card *card)
{
    (void)context;
    for (unsigned i = 0; i < sim.half_count; i++) {
        const struct half *half = &sim.halves[i], *clone = NULL;
        if (memcmp(half->card.number, card->card, sizeof card->card) != 0 || half->of != i)
            continue;
        for (unsigned k = i + 1; k < sim.half_count; k++)
            clone = sim.halves[k].of == i ? &sim.halves[k] : clone;
        CHECK_EQUAL(card->shadow_minor, expected_float(card->card));
        if (clone == NULL) {
            CHECK_EQUAL(card->reason, 0);
            if (is_all_home(half)) {
                CHECK_EQUAL(card->shadow_minor, half->balance);
                CHECK(sim.had_trouble || !sim.is_exact || card->missing == 0);
            }
        } else if (half->moved > 0 && clone->moved > 0 && is_all_home(half) && is_all_home(clone)) {
            CHECK_EQUAL(card->reason, STIVER_BANK_CLONE);
            sim.own.found++;
        }
    }
}

static void add_totals(unsigned transactions)
{
    uint64_t *to = (uint64_t *)totals;
    const uint64_t *from = (const uint64_t *)&sim.own;
    sim.own.seeds = 1;
    sim.own.transactions = transactions;
    sim.own.lost = sim.world.lost;
    sim.own.doubled = sim.world.doubled;
    sim.own.conflicts = expected_conflicts();
    sim.own.twice = expected_twice();
    for (unsigned i = 0; i < sizeof sim.own / sizeof *to; i++)
        to[i] += from[i];
}

static void run_seed(uint64_t seed, unsigned transactions)
{
    snprintf(world_story, sizeof world_story, "test_simulation%s seed %llu %u", stand_in_name,
             (unsigned long long)seed, transactions);
    open_sim(seed);
    for (sim.step = 1; sim.step <= transactions; sim.step++) {
        snprintf(world_story, sizeof world_story, "step %u: test_simulation%s seed %llu %u",
                 sim.step, stand_in_name, (unsigned long long)seed, transactions);
        live();
    }
    bring_home();
    check_made();
    CHECK_EQUAL(stiver_bank_cards(sim.world.bank, check_card, NULL), STIVER_BANK_OK);
    world_audit(&sim.world);
    add_totals(transactions);
    for (unsigned i = 0; i < sim.half_count; i++)
        world_card_free(&sim.halves[i].card);
    world_close(&sim.world);
}

static void print_totals(void)
{
#define COUNT(name) (unsigned long long)totals->name
    printf("# %llu seeds, %llu transactions: %llu payments and %llu loads on %llu cards; %llu"
           " tears, %llu pulls, %llu messages lost, %llu doubled, %llu journals put back with and"
           " %llu without a word (%llu noticed), %llu numbers used twice and all rung, %llu sales"
           " given up, %llu clones, %llu used by both and found, %llu conflicts\n",
           COUNT(seeds), COUNT(transactions), COUNT(payments), COUNT(loads), COUNT(cards),
           COUNT(tears), COUNT(pulls), COUNT(lost), COUNT(doubled), COUNT(restored), COUNT(unsaid),
           COUNT(noticed), COUNT(twice), COUNT(given_up), COUNT(cloned), COUNT(found),
           COUNT(conflicts));
#undef COUNT
    fflush(stdout);
}

static void open_totals(void)
{
    totals = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (totals == MAP_FAILED)
        exit(1);
}

/* In a process of its own; true if it went well. */
static bool fork_seed(uint64_t seed, unsigned transactions)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        world_is_child = true;
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        run_seed(seed, transactions);
        fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    if (status != 0)
        printf("# failed: test_simulation%s seed %llu %u\n", stand_in_name,
               (unsigned long long)seed, transactions);
    return status == 0;
}

static void some_runs_lose_and_make_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SHORT_SEEDS; seed++)
        assert_true(fork_seed(seed, SHORT_TRANSACTIONS));
    print_totals();
}

static int hunt(char **arguments, int count)
{
    unsigned kind = stand_in_name[0] != 0, transactions = hunts[kind].transactions;
    unsigned long shard = strtoul(arguments[0], NULL, 10), shards = strtoul(arguments[1], NULL, 10);
    const char *given = getenv("HUNT_SECONDS");
    uint64_t first = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    long seconds = given == NULL ? 60 : strtol(given, NULL, 10);
    time_t deadline = time(NULL) + seconds;
    bool is_well = true;
    if (shards == 0 || shard >= shards)
        return 2;
    for (uint64_t seed = first + shard; seed < first + hunts[kind].seeds; seed += shards) {
        if (seconds != 0 && time(NULL) >= deadline)
            break;
        is_well &= fork_seed(seed, transactions);
        if (totals->seeds % 100 == 0)
            print_totals(); /* so far, for whoever looks */
    }
    print_totals();
    return is_well && totals->seeds > 0 ? 0 : 1;
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(some_runs_lose_and_make_nothing)};
    open_totals();
    if (count >= 4 && strcmp(arguments[1], "hunt") == 0)
        return hunt(arguments + 2, count - 2);
    if (count >= 3 && strcmp(arguments[1], "seed") == 0) {
        bool is_well = fork_seed(strtoull(arguments[2], NULL, 10),
                                 count > 3 ? (unsigned)strtoul(arguments[3], NULL, 10)
                                           : hunts[stand_in_name[0] != 0].transactions);
        print_totals();
        return is_well ? 0 : 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
