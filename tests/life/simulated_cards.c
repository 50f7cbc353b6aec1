/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "chance.h"
#include "scheme/command.h"
#include "simulated.h"

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

void came_home(const struct receipt *receipt)
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

void may_stay(unsigned at, const uint8_t card[8], const struct half *but)
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

enum stiver_terminal_status contact(unsigned at, struct half *half, int64_t change, bool in_danger)
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

void recertify(struct member *member)
{
    struct stiver_bank_bytes package;
    CHECK_EQUAL(stiver_bank_recertify(sim.world.bank, member->number, 7, &package), STIVER_BANK_OK);
    CHECK_EQUAL(stiver_terminal_adopt(member->terminal, package.data, package.length, NULL),
                STIVER_TERMINAL_OK);
    stiver_bank_bytes_free(&package);
}

/* ---- people and their cards ---- */

unsigned new_card(void)
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

void after(unsigned seat, enum stiver_terminal_status status)
{
    if (status != STIVER_TERMINAL_CARD_BLOCKED || sim.half_count + THIEVES + 1 >= HALVES)
        return;
    sim.seats[seat] = seat < SEATS ? new_card() : HALVES;
}

void clone_card(void)
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
