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
#include "expected.h"
#include "memory_bank.h"
#include "scheme/command.h"
#include "stand_in.h"
#include "world.h"

#define SEATS 4u /* people with a card */
#define THIEVES 2u
#define HALVES 48u
#define SELLERS 3u
#define MACHINES (SELLERS + 1u) /* machine 0 is the kiosk */
#define MADE_MAX 4096u
#define SHORT_SEEDS 20u
#define SHORT_TRANSACTIONS 200u

/* What the hunt does, with real public-key operations and with the stand-in. */
static const struct {
    unsigned seeds, transactions;
} hunts[2] = {{1000, 200}, {10000, 1000}};

/* One card, or one of the two that a cloned card became. */
struct half {
    struct world_card card;
    bool is_cloned;
    unsigned of; /* the half that it is a copy of, or itself */
    int64_t balance;
    uint32_t counter, moved; /* moved: receipts of money since it was cloned, or ever */
    /* Business that is not finished: the card did it or did not. */
    int64_t change;
    unsigned change_at, change_step;
    bool change_may_lack;
};

/* A receipt of money that a card made, by its own word. */
struct made {
    unsigned half, machine, step;
    uint32_t counter, number; /* number: 0 if it was found out later */
    int64_t change;
    uint32_t balance_after;
    bool is_home, may_lack;
};

struct machine {
    struct member *member;
    uint32_t online_at;         /* offline until then */
    bool has_copy, is_put_back; /* put back: journal and mark, and nobody knows */
    unsigned copied_at;         /* step */
    uint32_t copied_number;
};

/* Of all seeds, shared with the forks. */
struct totals {
    uint64_t seeds, transactions, payments, loads, tears, pulls, lost, doubled, restored, unsaid;
    uint64_t noticed, given_up, cloned, found, conflicts, twice, cards;
};
static struct totals *totals;

static struct {
    struct world world;
    struct member *station;
    struct half halves[HALVES];
    unsigned half_count, seats[SEATS + THIEVES]; /* whose card lies where; HALVES: none */
    struct machine machines[MACHINES];
    struct made made[MADE_MAX];
    unsigned made_count, step;
    bool is_exact;    /* nothing happens that keeps receipts from home */
    bool had_trouble; /* what may ring */
    struct totals own;
} sim;

/* ---- what cards did ---- */

static void moved(struct half *half, int64_t change, unsigned machine, unsigned step,
                  uint32_t counter, uint32_t number)
{
    CHECK(sim.made_count < MADE_MAX);
    half->balance += change;
    half->moved++;
    sim.made[sim.made_count++] = (struct made){
        .half = (unsigned)(half - sim.halves),
        .machine = machine,
        .step = step,
        .counter = counter,
        .number = number,
        .change = change,
        .balance_after = (uint32_t)half->balance,
        .may_lack = half->change != 0 && half->change_may_lack,
    };
    *(change > 0 ? &sim.own.loads : &sim.own.payments) += 1;
}

/* What was left open was done after all. */
static void did_it(struct half *half, uint32_t counter)
{
    moved(half, half->change, half->change_at, half->change_step, counter, 0);
    half->change = 0;
}

static bool is_of(const struct half *half, unsigned machine, const struct receipt *receipt)
{
    return memcmp(half->card.number, receipt->card, sizeof receipt->card) == 0 &&
           memcmp(sim.machines[machine].member->number, receipt->terminal,
                  sizeof receipt->terminal) == 0;
}

static void came_home(const struct receipt *receipt)
{
    int64_t change = receipt->kind == DOCUMENT_LOAD_RECEIPT ? (int64_t)receipt->amount.minor
                                                            : -(int64_t)receipt->amount.minor;
    if (receipt->kind == DOCUMENT_BLOCK_RECEIPT || change == 0)
        return;
    for (unsigned i = 0; i < sim.made_count; i++) {
        struct made *made = &sim.made[i];
        if (made->is_home || made->counter != receipt->card_counter || made->change != change ||
            made->balance_after != receipt->balance_after ||
            !is_of(&sim.halves[made->half], made->machine, receipt))
            continue;
        CHECK(made->number == 0 || made->number == receipt->terminal_counter);
        made->is_home = true;
        return;
    }
    for (unsigned i = 0; i < sim.half_count; i++) { /* the card was not asked since */
        struct half *half = &sim.halves[i];
        if (half->change != change || receipt->balance_after != half->balance + change ||
            !is_of(half, half->change_at, receipt))
            continue;
        did_it(half, receipt->card_counter);
        sim.made[sim.made_count - 1].is_home = true;
        return;
    }
    world_fail(__FILE__, __LINE__, "a receipt came that no card made");
}

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

/* The card's own word: as before, or as after what was begun. */
static void look(struct half *half, const struct stiver_terminal_purse *purse)
{
    int64_t is = purse->balance.minor;
    CHECK(purse->card_counter >= half->counter);
    if (is != half->balance) {
        CHECK_EQUAL(is, half->balance + half->change);
        did_it(half, purse->card_counter);
    }
    half->change = 0;
    half->counter = purse->card_counter;
}

/* A sale that this machine ended without its receipt: whoever made one keeps it. */
static void may_stay(unsigned at, const uint8_t card[8], const struct half *but)
{
    for (unsigned i = 0; i < sim.half_count; i++) {
        struct half *half = &sim.halves[i];
        if (half != but && half->change_at == at && memcmp(half->card.number, card, 8) == 0)
            half->change_may_lack = true;
    }
    for (unsigned i = 0; i < sim.made_count; i++) {
        struct made *made = &sim.made[i];
        const struct half *half = &sim.halves[made->half];
        if (half != but && made->machine == at && made->number == 0 &&
            memcmp(half->card.number, card, 8) == 0)
            made->may_lack = true;
    }
}

/* ---- a contact ---- */

static bool insert(struct half *half, bool in_danger, enum command command)
{
    struct pull_plan plan = {0};
    uint32_t dice = in_danger ? chance_below(100) : 99;
    flash_emulator_cut(&half->card.emulator, 0, TEAR_BEFORE);
    if (dice < 12) {
        sim.own.tears++;
        flash_emulator_cut(&half->card.emulator, 1 + chance_below(40),
                           (enum tear)chance_below(TEAR_KINDS));
    } else if (dice < 20) {
        sim.own.pulls++;
        plan = (struct pull_plan){.at = dice < 16 ? PULL_BEFORE_COMMIT : PULL_BEFORE_ANSWER,
                                  .ins = command_rows[command].ins,
                                  .nth = 1};
    }
    return world_card_insert(&half->card, &plan);
}

/* What is said of business that moves money must be so: only UNFINISHED leaves it open. */
static void note(struct half *half, unsigned machine, int64_t change,
                 const struct stiver_terminal_result *result, enum stiver_terminal_status status)
{
    if (status == STIVER_TERMINAL_OK) {
        CHECK(result->has_receipt && result->has_balance);
        moved(half, change, machine, sim.step, result->receipt.card_counter,
              result->receipt.number);
        CHECK_EQUAL(result->balance.minor, half->balance);
    } else if (status == STIVER_TERMINAL_UNFINISHED) {
        half->change = change;
        half->change_at = machine;
        half->change_step = sim.step;
        half->change_may_lack = false;
    }
}

static enum stiver_terminal_status contact(unsigned at, struct half *half, int64_t change,
                                           bool in_danger)
{
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    struct stiver_terminal_purse purse;
    struct stiver_terminal_info info;
    const struct stiver_terminal_sale sale = {.amount = WORLD_EUR((uint32_t)(-change))};
    struct member *member = sim.machines[at].member;
    if (!insert(half, in_danger, change > 0 ? COMMAND_LOAD : COMMAND_PAY))
        return STIVER_TERMINAL_READER;
    CHECK_EQUAL(stiver_terminal_info(member->terminal, &info), STIVER_TERMINAL_OK);
    if (half->is_cloned) /* it may truly say that it has no receipt for what its twin began */
        may_stay(at, half->card.number, half);
    enum stiver_terminal_status status =
        stiver_terminal_begin(member->terminal, &half->card.reader, &session, &result);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_read(session, &purse, &result);
    if (status == STIVER_TERMINAL_OK) {
        look(half, &purse);
        if (change != 0) {
            status = change > 0 ? stiver_terminal_load(session, WORLD_EUR((uint32_t)change),
                                                       &member->link, &result)
                                : stiver_terminal_pay(session, &sale, &result);
            CHECK(!info.is_in_doubt || status == STIVER_TERMINAL_IN_DOUBT);
            note(half, at, change, &result, status);
        }
    }
    CHECK(half->is_cloned || status != STIVER_TERMINAL_CARD_BLOCKED);
    stiver_terminal_end(session);
    world_card_remove(&half->card);
    flash_emulator_cut(&half->card.emulator, 0, TEAR_BEFORE);
    return status;
}

/* The operator's part, for a terminal that was away for so long that the bank waits for a person.
 */
static void recertify(struct member *member)
{
    struct stiver_bank_bytes package;
    CHECK_EQUAL(stiver_bank_recertify(sim.world.bank, member->number, 7, &package), STIVER_BANK_OK);
    CHECK_EQUAL(stiver_terminal_adopt(member->terminal, package.data, package.length, NULL),
                STIVER_TERMINAL_OK);
    stiver_bank_bytes_free(&package);
}

/* ---- people and their cards ---- */

static unsigned new_card(void)
{
    struct stiver_terminal_result result;
    CHECK(sim.half_count < HALVES);
    struct half *half = &sim.halves[sim.half_count];
    const struct weather weather = sim.world.weather;
    sim.world.weather = (struct weather){0, 0, 0}; /* a trusted room */
    recertify(sim.station);
    world_card_make(&sim.world, &half->card, 2048, 16, chance_below(UINT32_MAX));
    CHECK(world_card_insert(&half->card, NULL));
    CHECK_EQUAL(world_personalise(sim.station, &half->card, &result), STIVER_TERMINAL_OK);
    world_card_remove(&half->card);
    sim.world.weather = weather;
    half->of = sim.half_count;
    sim.own.cards++;
    return sim.half_count++;
}

/* A blocked card stays in its drawer until the end; its holder gets another one. */
static void after(unsigned seat, enum stiver_terminal_status status)
{
    if (status != STIVER_TERMINAL_CARD_BLOCKED || sim.half_count + THIEVES + 1 >= HALVES)
        return;
    sim.seats[seat] = seat < SEATS ? new_card() : HALVES;
}

static void clone_card(void)
{
    struct half *half = &sim.halves[sim.seats[chance_below(SEATS)]];
    unsigned seat = SEATS + chance_below(THIEVES);
    if (sim.seats[seat] != HALVES || half->is_cloned || half->change != 0 || half->balance < 1000 ||
        sim.half_count + 2 >= HALVES)
        return;
    const struct flash_emulator *from = &half->card.emulator;
    struct half *clone = &sim.halves[sim.half_count];
    *clone = *half;
    flash_emulator_open(&clone->card.emulator, from->flash.page_bytes, from->flash.pages,
                        from->flash.unit_bytes, 1);
    flash_emulator_copy(&clone->card.emulator, from);
    clone->is_cloned = half->is_cloned = true;
    clone->moved = half->moved = 0;
    clone->of = half->of;
    sim.seats[seat] = sim.half_count++;
    sim.had_trouble = true;
    sim.own.cloned++;
}

/* ---- machines ---- */

static enum stiver_terminal_status synchronise(struct machine *machine)
{
    struct stiver_terminal_sync sync;
    struct stiver_terminal_info info;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    enum stiver_terminal_status status = stiver_terminal_synchronise(
        machine->member->terminal, &machine->member->link, &sync, detail);
    CHECK(status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_NO_LINK);
    CHECK_EQUAL(sync.rejected, 0);
    CHECK_EQUAL(stiver_terminal_info(machine->member->terminal, &info), STIVER_TERMINAL_OK);
    if (status == STIVER_TERMINAL_OK && info.certificate_end < sim.world.now)
        recertify(machine->member);
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

static uint32_t read_mark(const char *directory)
{
    char path[160];
    unsigned long number = 0;
    snprintf(path, sizeof path, "%s/journal.mark", directory);
    FILE *in = fopen(path, "rb");
    CHECK(in != NULL);
    if (fscanf(in, "%lu", &number) != 1) /* empty: no number was given yet */
        number = 0;
    fclose(in);
    return (uint32_t)number;
}

static void copy_journal(struct machine *machine)
{
    struct member *member = machine->member;
    struct stiver_terminal_info info;
    CHECK_EQUAL(stiver_terminal_info(member->terminal, &info), STIVER_TERMINAL_OK);
    stiver_terminal_close(member->terminal);
    member->terminal = NULL;
    copy_file(member->directory, "journal.db", "journal.copy");
    copy_file(member->directory, "journal.mark", "mark.copy");
    world_reopen(member);
    machine->has_copy = true;
    machine->copied_at = sim.step;
    machine->copied_number = info.counter;
}

/* What this machine did since the copy may be known to nobody but the cards. */
static void forget_since(const struct machine *machine)
{
    unsigned at = (unsigned)(machine - sim.machines);
    for (unsigned i = 0; i < sim.made_count; i++)
        if (sim.made[i].machine == at && sim.made[i].step >= machine->copied_at)
            sim.made[i].may_lack = true;
    for (unsigned i = 0; i < sim.half_count; i++)
        if (sim.halves[i].change_at == at && sim.halves[i].change_step >= machine->copied_at)
            sim.halves[i].change_may_lack = true;
}

/* The copy is put back. With the operator's word the terminal knows; without it, it finds out by
 * its mark; and if that was put back as well, it cannot know, and gives numbers again. */
static void restore_journal(struct machine *machine, bool is_said, bool with_mark)
{
    struct member *member = machine->member;
    struct stiver_terminal_info info;
    if (!machine->has_copy)
        return;
    stiver_terminal_close(member->terminal);
    member->terminal = NULL;
    copy_file(member->directory, "journal.copy", "journal.db");
    if (with_mark)
        copy_file(member->directory, "mark.copy", "journal.mark");
    bool is_behind = read_mark(member->directory) > machine->copied_number;
    world_reopen(member);
    CHECK_EQUAL(stiver_terminal_info(member->terminal, &info), STIVER_TERMINAL_OK);
    if (is_behind) {
        CHECK(info.is_in_doubt);
        sim.own.noticed++;
    }
    if (is_said)
        CHECK_EQUAL(stiver_terminal_doubt(member->terminal), STIVER_TERMINAL_OK);
    forget_since(machine);
    sim.had_trouble = true;
    *(is_said ? &sim.own.restored : &sim.own.unsaid) += 1;
}

struct open_business {
    uint32_t number;
    uint8_t card[8];
    int64_t change;
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

/* The first sale that is open anywhere. Its receipt, if there is one, stays on the card. */
static void give_up(void)
{
    struct open_business open = {0};
    unsigned at = 0;
    for (; at < MACHINES; at++) {
        CHECK_EQUAL(stiver_terminal_entries(sim.machines[at].member->terminal, 0, find_open, &open),
                    STIVER_TERMINAL_OK);
        if (open.number != 0)
            break;
    }
    if (open.number == 0)
        return;
    CHECK_EQUAL(stiver_terminal_give_up(sim.machines[at].member->terminal, open.number),
                STIVER_TERMINAL_OK);
    may_stay(at, open.card, NULL);
    sim.own.given_up++;
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
