/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole system on a virtual clock, by chance from a seed: cards, terminals and one bank; tears,
 * pulls, lost and doubled messages, terminals offline for days, clocks that jump, restored
 * journals, cloned cards, sales given up. Each card is asked at each contact what it holds.
 *
 *     test_simulation                               a few seeds
 *     test_simulation hunt SHARD SHARDS [FIRST]     200 transactions a seed, for HUNT_SECONDS
 *     test_simulation seed SEED [TRANSACTIONS]      one again, exactly
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "chance.h"
#include "memory_bank.h"
#include "scheme/command.h"
#include "world.h"

#define CARDS 4u
#define CLONES 2u
#define HALVES (CARDS + CLONES)
#define SELLERS 3u
#define MACHINES (SELLERS + 1u) /* machine 0 is the kiosk */
#define SHORT_SEEDS 3u
#define SHORT_TRANSACTIONS 100u
#define LONG_TRANSACTIONS 200u
#define HUNT_SEEDS 1000u

/* One card, or one of the two that a cloned card became. */
struct half {
    struct world_card card;
    bool exists, is_cloned, may_lack; /* receipts may never come home */
    unsigned of;                      /* which card it is or was copied from */
    int64_t balance, change;          /* change: of business that is not finished */
    uint32_t counter, moved;          /* moved: money commands since it was cloned */
};

struct machine {
    struct member *member;
    uint32_t online_at; /* offline until then */
    bool has_copy;
    unsigned met; /* which cards, a bit each, since the copy */
};

static struct {
    struct world world;
    struct half halves[HALVES];
    struct machine machines[MACHINES];
    bool is_exact;        /* nothing happens that keeps receipts from home */
    int64_t loaded, paid; /* by the cards' own word */
    unsigned tears, pulls, restored, cloned, given_up, found;
} sim;

/* ---- what must hold after each step ---- */

/* No cent was made: the books hold no more payments and loads than cards made. What a card has
 * begun and not been asked about yet may have happened. */
static void check_sums(void)
{
    struct world_sums sums;
    int64_t open_paid = 0, open_loaded = 0;
    world_books(&sim.world, &sums);
    for (unsigned i = 0; i < HALVES; i++) {
        const struct half *half = &sim.halves[i];
        open_paid -= half->exists && half->change < 0 ? half->change : 0;
        open_loaded += half->exists && half->change > 0 ? half->change : 0;
    }
    int64_t booked = sums.merchants + sums.owed + sums.suspense + sums.loss;
    CHECK(booked <= sim.paid + open_paid);
    CHECK(sums.card_float + booked <= sim.loaded + open_loaded);
    CHECK(sums.in_flight >= 0);
    CHECK_EQUAL(-sums.tills, sums.card_float + sums.in_flight + booked);
}

/* The card's own word: as before, or as after what was begun. */
static void look(struct half *half, const struct stiver_terminal_purse *purse)
{
    int64_t is = purse->balance.minor;
    CHECK(purse->card_counter >= half->counter);
    if (is != half->balance) {
        CHECK_EQUAL(is, half->balance + half->change);
        sim.loaded += half->change > 0 ? half->change : 0;
        sim.paid -= half->change < 0 ? half->change : 0;
        half->moved++;
    }
    half->balance = is;
    half->change = 0;
    half->counter = purse->card_counter;
}

/* ---- a contact ---- */

static bool insert(struct half *half, bool in_danger, enum command command)
{
    struct pull_plan plan = {0};
    uint32_t dice = in_danger ? chance_below(100) : 99;
    flash_emulator_cut(&half->card.emulator, 0, TEAR_BEFORE);
    if (dice < 18) {
        sim.tears++;
        flash_emulator_cut(&half->card.emulator, 1 + chance_below(40),
                           (enum tear)chance_below(TEAR_KINDS));
    } else if (dice < 30) {
        sim.pulls++;
        plan = (struct pull_plan){.at = dice < 24 ? PULL_BEFORE_COMMIT : PULL_BEFORE_ANSWER,
                                  .ins = command_rows[command].ins,
                                  .nth = 1};
    }
    return world_card_insert(&half->card, &plan);
}

/* What is said of business that moves money must be so: only UNFINISHED leaves it open. */
static void note(struct half *half, int64_t change, const struct stiver_terminal_result *result,
                 enum stiver_terminal_status status)
{
    if (status == STIVER_TERMINAL_OK) {
        half->balance += change;
        sim.loaded += change > 0 ? change : 0;
        sim.paid -= change < 0 ? change : 0;
        half->moved++;
        CHECK(result->has_balance);
        CHECK_EQUAL(result->balance.minor, half->balance);
    } else if (status == STIVER_TERMINAL_UNFINISHED) {
        half->change = change;
    }
}

static void contact(struct machine *machine, struct half *half, int64_t change, bool in_danger)
{
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    struct stiver_terminal_purse purse;
    const struct stiver_terminal_sale sale = {.amount = WORLD_EUR((uint32_t)(-change))};
    struct stiver_terminal *terminal = machine->member->terminal;
    machine->met |= 1u << half->of;
    if (!insert(half, in_danger, change > 0 ? COMMAND_LOAD : COMMAND_PAY))
        return;
    enum stiver_terminal_status status =
        stiver_terminal_begin(terminal, &half->card.reader, &session, &result);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_read(session, &purse, &result);
    if (status == STIVER_TERMINAL_OK) {
        look(half, &purse);
        if (change != 0) {
            status = change > 0 ? stiver_terminal_load(session, WORLD_EUR((uint32_t)change),
                                                       &machine->member->link, &result)
                                : stiver_terminal_pay(session, &sale, &result);
            note(half, change, &result, status);
        }
    }
    stiver_terminal_end(session);
    world_card_remove(&half->card);
    flash_emulator_cut(&half->card.emulator, 0, TEAR_BEFORE);
}

/* ---- what else happens ---- */

static enum stiver_terminal_status synchronise(struct machine *machine)
{
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    enum stiver_terminal_status status = stiver_terminal_synchronise(
        machine->member->terminal, &machine->member->link, &sync, detail);
    CHECK(status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_NO_LINK);
    return status;
}

static void copy_file(const char *directory, const char *from, const char *to)
{
    char path[160], other[160];
    uint8_t block[4096];
    size_t bytes;
    snprintf(path, sizeof path, "%s/%s", directory, from);
    snprintf(other, sizeof other, "%s/%s", directory, to);
    FILE *in = fopen(path, "rb"), *out = fopen(other, "wb");
    CHECK(in != NULL && out != NULL);
    while ((bytes = fread(block, 1, sizeof block, in)) > 0)
        CHECK_EQUAL(fwrite(block, 1, bytes, out), bytes);
    fclose(in);
    CHECK_EQUAL(fclose(out), 0);
}

static void copy_journal(struct machine *machine)
{
    struct member *member = machine->member;
    stiver_terminal_close(member->terminal);
    member->terminal = NULL;
    copy_file(member->directory, "journal.db", "journal.copy");
    world_reopen(member);
    machine->has_copy = true;
    machine->met = 0;
}

/* The operator puts the copy back, and says so. */
static void restore_journal(struct machine *machine)
{
    struct member *member = machine->member;
    if (!machine->has_copy)
        return;
    stiver_terminal_close(member->terminal);
    member->terminal = NULL;
    copy_file(member->directory, "journal.copy", "journal.db");
    world_reopen(member);
    CHECK_EQUAL(stiver_terminal_doubt(member->terminal), STIVER_TERMINAL_OK);
    for (unsigned i = 0; i < HALVES; i++)
        if (sim.halves[i].exists && (machine->met >> sim.halves[i].of & 1u) != 0)
            sim.halves[i].may_lack = true;
    sim.restored++;
}

struct open_business {
    uint32_t number;
    uint8_t card[8];
};

static bool find_open(void *context, const struct stiver_terminal_entry *entry)
{
    struct open_business *found = context;
    if (entry->state != STIVER_TERMINAL_OPEN)
        return true;
    found->number = entry->number;
    memcpy(found->card, entry->card, sizeof found->card);
    return false;
}

/* The first sale that is open anywhere. */
static void give_up(void)
{
    struct open_business open = {0};
    struct machine *machine = NULL;
    for (unsigned i = 0; i < MACHINES && open.number == 0; i++) {
        machine = &sim.machines[i];
        CHECK_EQUAL(stiver_terminal_entries(machine->member->terminal, 0, find_open, &open),
                    STIVER_TERMINAL_OK);
    }
    if (open.number == 0)
        return;
    CHECK_EQUAL(stiver_terminal_give_up(machine->member->terminal, open.number),
                STIVER_TERMINAL_OK);
    for (unsigned i = 0; i < HALVES; i++)
        if (memcmp(sim.halves[i].card.number, open.card, sizeof open.card) == 0)
            sim.halves[i].may_lack = true;
    sim.given_up++;
}

static void clone_card(void)
{
    struct half *half = &sim.halves[chance_below(CARDS)];
    struct half *clone = &sim.halves[CARDS + chance_below(CLONES)];
    if (clone->exists || half->is_cloned || half->change != 0 || half->balance < 1000)
        return;
    const struct flash_emulator *from = &half->card.emulator;
    *clone = *half;
    clone->card.is_in = false;
    flash_emulator_open(&clone->card.emulator, from->flash.page_bytes, from->flash.pages,
                        from->flash.unit_bytes, 1);
    flash_emulator_copy(&clone->card.emulator, from);
    clone->is_cloned = half->is_cloned = true;
    clone->moved = half->moved = 0;
    sim.cloned++;
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
    struct stiver_terminal_result result;
    memset(&sim, 0, sizeof sim);
    sim.is_exact = seed % 2 == 1;
    chance_seed(seed);
    memory_bank_new();
    world_open(&sim.world, &policy);
    struct member *station = world_join(&sim.world, ROLE_STATION, 1, 0, true);
    sim.machines[0].member = world_join(&sim.world, ROLE_KIOSK, 2, 0, false);
    for (unsigned i = 1; i < MACHINES; i++)
        sim.machines[i].member =
            world_join(&sim.world, ROLE_POINT_OF_SALE, 6 + i, 1000000000, false);
    for (unsigned i = 0; i < CARDS; i++) {
        struct half *half = &sim.halves[i];
        world_card_make(&sim.world, &half->card, 2048, 16, seed * 100 + i + 1);
        CHECK(world_card_insert(&half->card, NULL));
        CHECK_EQUAL(world_personalise(station, &half->card, &result), STIVER_TERMINAL_OK);
        half->exists = true;
        half->of = i;
    }
}

static struct half *some_half(void)
{
    struct half *half;
    do
        half = &sim.halves[chance_below(HALVES)];
    while (!half->exists);
    return half;
}

static void live(void)
{
    struct machine *machine = &sim.machines[chance_percent(15) ? 0 : chance_below(MACHINES)];
    uint32_t dice = chance_below(1000);
    sim.world.now += 60 + chance_below(3 * 3600);
    sim.world.weather = (struct weather){15, 15, 15};
    machine->member->is_offline = sim.world.now < machine->online_at;
    if (dice < 10)
        machine->online_at = sim.world.now + chance_below(6) * WORLD_DAY;
    else if (dice < 40)
        let_clock_jump(machine->member);
    else if (sim.is_exact && dice < (sim.cloned == 0 ? 80 : 45))
        clone_card();
    else if (dice < 65)
        copy_journal(machine);
    else if (!sim.is_exact && dice < 80)
        restore_journal(machine);
    else if (!sim.is_exact && dice < 110)
        give_up();
    else if (dice < 125)
        clone_card();
    else if (dice < 270)
        (void)synchronise(machine);
    else if (machine == &sim.machines[0])
        contact(machine, some_half(), 1 + chance_below(20000), true);
    else
        contact(machine, some_half(), -(int64_t)(1 + chance_below(900)), true);
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
        for (unsigned k = 0; k < HALVES; k++)
            if (sim.halves[k].exists)
                contact(&sim.machines[i], &sim.halves[k], 0, false);
    for (unsigned i = 0; i < 2 * MACHINES; i++)
        CHECK_EQUAL(synchronise(&sim.machines[i % MACHINES]), STIVER_TERMINAL_OK);
    check_sums();
}

static void check_card(void *context, const struct stiver_bank_card *card)
{
    (void)context;
    for (unsigned i = 0; i < CARDS; i++) {
        const struct half *half = &sim.halves[i], *clone = NULL;
        if (memcmp(half->card.number, card->card, sizeof card->card) != 0)
            continue;
        for (unsigned k = CARDS; k < HALVES; k++)
            if (sim.halves[k].exists && sim.halves[k].of == i)
                clone = &sim.halves[k];
        if (clone == NULL && !half->may_lack) {
            CHECK_EQUAL(card->shadow_minor, half->balance);
            CHECK_EQUAL(card->missing, 0);
            CHECK_EQUAL(card->reason, 0);
        }
        if (clone != NULL && half->moved > 0 && clone->moved > 0 && !half->may_lack &&
            !clone->may_lack) {
            CHECK_EQUAL(card->reason, STIVER_BANK_CLONE);
            sim.found++;
        }
    }
}

static void run_seed(uint64_t seed, unsigned transactions)
{
    open_sim(seed);
    for (unsigned i = 0; i < transactions; i++) {
        snprintf(world_story, sizeof world_story, "step %u: test_simulation seed %llu %u", i,
                 (unsigned long long)seed, transactions);
        live();
    }
    bring_home();
    CHECK_EQUAL(stiver_bank_cards(sim.world.bank, check_card, NULL), STIVER_BANK_OK);
    world_audit(&sim.world);
    printf("# seed %llu: %lld in, %lld paid; %u tears, %u pulls, %llu messages lost, %llu doubled,"
           " %u journals restored, %u sales given up, %u clones (%u used by both, all found)\n",
           (unsigned long long)seed, (long long)sim.loaded, (long long)sim.paid, sim.tears,
           sim.pulls, (unsigned long long)sim.world.lost, (unsigned long long)sim.world.doubled,
           sim.restored, sim.given_up, sim.cloned, sim.found);
    for (unsigned i = 0; i < HALVES; i++)
        if (sim.halves[i].exists)
            world_card_free(&sim.halves[i].card);
    world_close(&sim.world);
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
        printf("# failed: test_simulation seed %llu %u\n", (unsigned long long)seed, transactions);
    return status == 0;
}

static void a_few_runs_lose_and_make_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SHORT_SEEDS; seed++)
        assert_true(fork_seed(seed, SHORT_TRANSACTIONS));
    printf("# %u seeds of %u transactions\n", SHORT_SEEDS, SHORT_TRANSACTIONS);
}

static int hunt(char **arguments, int count)
{
    unsigned long shard = strtoul(arguments[0], NULL, 10), shards = strtoul(arguments[1], NULL, 10);
    const char *seconds = getenv("HUNT_SECONDS");
    uint64_t first = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    time_t deadline = time(NULL) + (seconds == NULL ? 60 : strtol(seconds, NULL, 10));
    unsigned seeds = 0;
    if (shards == 0 || shard >= shards)
        return 2;
    for (uint64_t seed = first + shard; seed < first + HUNT_SEEDS && time(NULL) < deadline;
         seed += shards, seeds++)
        if (!fork_seed(seed, LONG_TRANSACTIONS))
            return 1;
    printf("# %u seeds of %u transactions\n", seeds, LONG_TRANSACTIONS);
    return seeds > 0 ? 0 : 1;
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_few_runs_lose_and_make_nothing)};
    if (count >= 4 && strcmp(arguments[1], "hunt") == 0)
        return hunt(arguments + 2, count - 2);
    if (count >= 3 && strcmp(arguments[1], "seed") == 0)
        return fork_seed(strtoull(arguments[2], NULL, 10),
                         count > 3 ? (unsigned)strtoul(arguments[3], NULL, 10) : LONG_TRANSACTIONS)
                   ? 0
                   : 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
