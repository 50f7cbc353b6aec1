/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

#include <stdio.h>
#include <string.h>

#include "chance.h"
#include "scheme/command.h"

#define PAGE_BYTES 2048u
#define PAGES 16u
#define PIN_ABOVE 1000u
#define PIN_TRIES 5u

const char *const deed_names[DEEDS] = {
    [DEED_PERSONALISE] = "personalise",
    [DEED_LOAD] = "load",
    [DEED_PAY] = "pay",
    [DEED_WRONG_PIN] = "wrong PIN",
    [DEED_PIN] = "pay with PIN",
    [DEED_CHANGE_PIN] = "change PIN",
    [DEED_READ] = "read again",
    [DEED_POLICY] = "policy",
    [DEED_SYNCHRONISE] = "synchronise",
    [DEED_LIST] = "list",
    [DEED_BLOCK] = "block",
};

/* ---- the cast ---- */

static void open_story(struct story *story, uint64_t seed)
{
    static const struct stiver_bank_policy policy = {.payment_limit = 5000,
                                                     .balance_limit = 100000,
                                                     .pin_above = PIN_ABOVE,
                                                     .online_above = UINT32_MAX};
    memset(story, 0, sizeof *story);
    chance_seed(seed);
    story->seed = seed;
    world_open(&story->world, &policy);
    struct world *world = &story->world;
    story->at[AT_STATION] = world_join(world, ROLE_STATION, 1, 0, true);
    story->at[AT_KIOSK] = world_join(world, ROLE_KIOSK, 2, 0, true);
    story->at[AT_SHOP] = world_join(world, ROLE_POINT_OF_SALE, 7, 1000000, true);
    story->at[AT_BUFFET] = world_join(world, ROLE_POINT_OF_SALE, 8, 1000000, true);
    story->at[AT_DESK] = world_join(world, ROLE_DESK, 1, 1000000, true);
    world_prepare(world);
    world_card_make(world, &story->card, PAGE_BYTES, PAGES, seed + 1);
    story->tries_most = story->tries_least = PIN_TRIES;
}

static void add_step(struct story *story, enum deed deed, enum place place, uint32_t minor)
{
    CHECK(story->count < STORY_STEPS_MAX);
    story->steps[story->count++] = (struct step){deed, place, minor};
}

void story_open_whole(struct story *story)
{
    static const struct step steps[] = {
        {DEED_PERSONALISE, AT_STATION, 0}, {DEED_LOAD, AT_KIOSK, 6000},
        {DEED_PAY, AT_SHOP, 250},          {DEED_PAY, AT_SHOP, 300},
        {DEED_READ, AT_SHOP, 0},           {DEED_WRONG_PIN, AT_SHOP, 1500},
        {DEED_PIN, AT_SHOP, 1500},         {DEED_SYNCHRONISE, AT_SHOP, 0},
        {DEED_PAY, AT_SHOP, 100},          {DEED_LOAD, AT_KIOSK, 700},
        {DEED_CHANGE_PIN, AT_DESK, 0},     {DEED_POLICY, AT_BUFFET, 0},
        {DEED_PIN, AT_BUFFET, 1200},       {DEED_SYNCHRONISE, AT_KIOSK, 0},
        {DEED_READ, AT_KIOSK, 0},          {DEED_LIST, AT_SHOP, 0},
        {DEED_BLOCK, AT_SHOP, 0},          {DEED_BLOCK, AT_BUFFET, 0},
    };
    open_story(story, 0);
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++)
        add_step(story, steps[i].deed, steps[i].place, steps[i].minor);
}

/* One step that the balance allows. */
static void add_random(struct story *story, uint32_t *balance)
{
    enum place shop = chance_percent(60) ? AT_SHOP : AT_BUFFET;
    uint32_t small = 1 + chance_below(PIN_ABOVE), large = PIN_ABOVE + 1 + chance_below(1000);
    uint32_t dice = chance_below(100);
    if (dice < 25 && *balance < 50000) {
        /* The bank orders no load while the receipt of the one before lies at another machine. */
        uint32_t minor = 1 + chance_below(9000);
        enum place place = chance_percent(70) ? AT_KIOSK : AT_DESK;
        add_step(story, DEED_SYNCHRONISE, place == AT_KIOSK ? AT_DESK : AT_KIOSK, 0);
        add_step(story, DEED_LOAD, place, minor);
        *balance += minor;
    } else if (dice < 60 && *balance >= small) {
        add_step(story, DEED_PAY, shop, small);
        *balance -= small;
    } else if (dice < 72 && *balance >= large) {
        if (chance_percent(40))
            add_step(story, DEED_WRONG_PIN, shop, large);
        add_step(story, DEED_PIN, shop, large);
        *balance -= large;
    } else if (dice < 78) {
        add_step(story, DEED_CHANGE_PIN, AT_DESK, 0);
    } else if (dice < 82) {
        add_step(story, DEED_POLICY, chance_percent(50) ? AT_KIOSK : shop, 0);
    } else if (dice < 90) {
        add_step(story, DEED_READ, (enum place)(AT_KIOSK + chance_below(PLACES - 1)), 0);
    } else {
        add_step(story, DEED_SYNCHRONISE, (enum place)(AT_KIOSK + chance_below(PLACES - 1)), 0);
    }
}

void story_open_random(struct story *story, uint64_t seed)
{
    uint32_t balance = 0;
    open_story(story, seed);
    add_step(story, DEED_PERSONALISE, AT_STATION, 0);
    add_step(story, DEED_LOAD, AT_KIOSK, balance = 2000 + chance_below(4000));
    unsigned end = 8 + chance_below(12);
    while (story->count < end)
        add_random(story, &balance);
    if (chance_percent(70)) {
        add_step(story, DEED_LIST, AT_SHOP, 0);
        add_step(story, DEED_BLOCK, AT_SHOP, 0);
        add_step(story, DEED_BLOCK, AT_BUFFET, 0);
    }
}

void story_close(struct story *story)
{
    world_card_free(&story->card);
    world_close(&story->world);
}

/* ---- what the card says ---- */

/* Nothing falls back: no counter, no time, no try; and the balance is the one before the step, or
 * the one after it. */
static void look(struct story *story, const struct stiver_terminal_purse *purse)
{
    const struct stiver_terminal_purse *seen = &story->seen;
    int64_t before = story->balance, is = purse->balance.minor;
    if (is != before && is != before + story->change)
        world_equal(__FILE__, __LINE__, "balance", is, before);
    CHECK(purse->pin_tries <= story->tries_most);
    CHECK(purse->pin_tries >= story->tries_least);
    if (story->has_seen) {
        CHECK(purse->card_counter >= seen->card_counter);
        CHECK(purse->load_counter >= seen->load_counter);
        CHECK(purse->refund_counter >= seen->refund_counter);
        CHECK(purse->highest_time >= seen->highest_time);
        CHECK(purse->state >= seen->state);
    }
    story->tries_most = purse->pin_tries;
    story->seen = *purse;
    story->has_seen = true;
}

static bool give_pin(void *context, unsigned tries, char digits[9])
{
    struct story *story = context;
    (void)tries;
    memcpy(digits, story->pin, sizeof story->pin);
    return true;
}

/* A try is spent before it is looked at, whatever follows. */
static void spend_try(struct story *story, bool is_right)
{
    if (story->tries_least > 0)
        story->tries_least--;
    if (is_right)
        story->tries_most = PIN_TRIES;
}

/* ---- deeds ---- */

static enum stiver_terminal_status pay(struct story *story, const struct step *step,
                                       struct stiver_terminal_session *session,
                                       struct stiver_terminal_result *result)
{
    struct stiver_terminal_sale sale = {.amount = WORLD_EUR(step->minor)};
    memcpy(story->pin, story->card.pin, sizeof story->pin);
    if (step->deed != DEED_PAY) {
        sale.ask_pin = give_pin;
        sale.pin_context = story;
        if (step->deed == DEED_WRONG_PIN)
            story->pin[0] = (char)(story->pin[0] == '9' ? '0' : story->pin[0] + 1);
        spend_try(story, step->deed == DEED_PIN);
    }
    return stiver_terminal_pay(session, &sale, result);
}

static enum stiver_terminal_status change_pin(struct story *story,
                                              struct stiver_terminal_session *session,
                                              struct stiver_terminal_result *result)
{
    /* To the same digits: whichever of the two the card holds after a tear, it is known. */
    spend_try(story, true);
    return stiver_terminal_change_pin(session, story->card.pin, story->card.pin, result);
}

static enum stiver_terminal_status apply_policy(struct story *story,
                                                struct stiver_terminal_session *session,
                                                struct stiver_terminal_result *result)
{
    struct stiver_bank_bytes order;
    CHECK_EQUAL(stiver_bank_policy_order(story->world.bank, story->card.number, &order),
                STIVER_BANK_OK);
    enum stiver_terminal_status status =
        stiver_terminal_apply(session, order.data, order.length, result);
    stiver_bank_bytes_free(&order);
    return status;
}

static enum stiver_terminal_status act(struct story *story, const struct step *step,
                                       struct stiver_terminal_session *session,
                                       struct stiver_terminal_result *result)
{
    struct stiver_terminal_purse purse;
    enum stiver_terminal_status status = stiver_terminal_read(session, &purse, result);
    if (status != STIVER_TERMINAL_OK)
        return status;
    look(story, &purse);
    switch ((unsigned)step->deed) {
    case DEED_LOAD:
        return stiver_terminal_load(session, WORLD_EUR(step->minor), &story->at[step->place]->link,
                                    result);
    case DEED_PAY:
    case DEED_WRONG_PIN:
    case DEED_PIN:
        return pay(story, step, session, result);
    case DEED_CHANGE_PIN:
        return change_pin(story, session, result);
    case DEED_POLICY:
        return apply_policy(story, session, result);
    default:
        return status;
    }
}

static enum stiver_terminal_status touch(struct story *story, const struct step *step,
                                         struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    memset(result, 0, sizeof *result);
    if (!world_card_insert(&story->card, NULL))
        return STIVER_TERMINAL_READER;
    if (step->deed == DEED_PERSONALISE)
        return world_personalise(story->at[step->place], &story->card, result);
    enum stiver_terminal_status status = stiver_terminal_begin(
        story->at[step->place]->terminal, &story->card.reader, &session, result);
    if (status == STIVER_TERMINAL_OK)
        status = act(story, step, session, result);
    stiver_terminal_end(session);
    return status;
}

static bool synchronise(struct member *member)
{
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    CHECK_EQUAL(stiver_terminal_synchronise(member->terminal, &member->link, &sync, detail),
                STIVER_TERMINAL_OK);
    CHECK_EQUAL(sync.rejected, 0);
    CHECK_EQUAL(sync.suspense, 0);
    CHECK_EQUAL(sync.left, 0);
    return true;
}

static bool list(struct story *story)
{
    CHECK_EQUAL(stiver_bank_list_card(story->world.bank, story->card.number, STIVER_BANK_LOST),
                STIVER_BANK_OK);
    for (unsigned i = AT_KIOSK; i < PLACES; i++)
        (void)synchronise(story->at[i]);
    return true;
}

static bool is_done(struct story *story, const struct step *step,
                    enum stiver_terminal_status status)
{
    switch ((unsigned)step->deed) {
    case DEED_PERSONALISE:
        return status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_CARD_ISSUED;
    case DEED_WRONG_PIN:
        CHECK(status != STIVER_TERMINAL_OK && status != STIVER_TERMINAL_FINISHED_EARLIER);
        return status == STIVER_TERMINAL_PIN_WRONG;
    case DEED_BLOCK: {
        struct stiver_terminal_info info;
        CHECK(status != STIVER_TERMINAL_OK);
        CHECK_EQUAL(stiver_terminal_info(story->at[step->place]->terminal, &info),
                    STIVER_TERMINAL_OK);
        return status == STIVER_TERMINAL_CARD_BLOCKED && info.open_intents == 0;
    }
    default:
        return status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_FINISHED_EARLIER;
    }
}

static int64_t change_of(const struct step *step)
{
    switch ((unsigned)step->deed) {
    case DEED_LOAD:
        return step->minor;
    case DEED_PAY:
    case DEED_PIN:
        return -(int64_t)step->minor;
    default:
        return 0;
    }
}

/* What the person may hear when the card was pulled: nothing that says yes or no. */
static bool is_told_to_touch_again(enum stiver_terminal_status status)
{
    return status == STIVER_TERMINAL_UNFINISHED || status == STIVER_TERMINAL_READER ||
           status == STIVER_TERMINAL_LINK_BROKEN || status == STIVER_TERMINAL_CARD_BLOCKED;
}

/* Each try draws from a stream of its own: a life that was torn goes on like one that was not. */
static void draw_anew(struct story *story, const struct step *step)
{
    unsigned index = (unsigned)(step - story->steps);
    if (step->deed == DEED_PERSONALISE)
        story->tries = 0; /* the same keys, if none were made yet */
    chance_seed(story->seed * 1000003u + index * 16u + story->tries++ % 16u + 1);
}

bool story_try(struct story *story, const struct step *step)
{
    struct stiver_terminal_result result;
    draw_anew(story, step);
    if (step->deed == DEED_SYNCHRONISE)
        return synchronise(story->at[step->place]);
    if (step->deed == DEED_LIST)
        return list(story);
    story->change = change_of(step);
    enum stiver_terminal_status status = touch(story, step, &result);
    if (!is_done(story, step, status)) {
        if (!is_told_to_touch_again(status))
            printf("# %s: %s, word %04X after %s\n", deed_names[step->deed],
                   stiver_terminal_status_name(status), result.word,
                   result.command == NULL ? "nothing" : result.command);
        CHECK(is_told_to_touch_again(status));
        return false;
    }
    if (story->change != 0) {
        CHECK(result.has_balance);
        CHECK_EQUAL(result.balance.minor, story->balance + story->change);
        CHECK_EQUAL(result.amount.minor, step->minor);
    }
    story->balance = (uint32_t)((int64_t)story->balance + story->change);
    if (step->deed == DEED_PAY || step->deed == DEED_PIN)
        story->paid += step->minor;
    if (step->deed == DEED_PIN || step->deed == DEED_CHANGE_PIN)
        story->tries_most = PIN_TRIES;
    if (step->deed == DEED_WRONG_PIN) {
        CHECK(result.tries < story->tries_most);
        story->tries_most = result.tries;
    }
    story->change = 0;
    story->tries = 0;
    return true;
}

void story_step(struct story *story, unsigned step, unsigned tries_most)
{
    for (unsigned tries = 0; tries < tries_most; tries++)
        if (story_try(story, &story->steps[step]))
            return;
    world_fail(__FILE__, __LINE__, "not done after touching again");
}

/* ---- the end ---- */

void story_settle(struct story *story)
{
    struct world_sums sums;
    struct stiver_terminal_info info;
    for (unsigned i = AT_STATION; i < PLACES; i++)
        (void)synchronise(story->at[i]);
    for (unsigned i = AT_STATION; i < PLACES; i++) {
        CHECK_EQUAL(stiver_terminal_info(story->at[i]->terminal, &info), STIVER_TERMINAL_OK);
        CHECK_EQUAL(info.open_intents, 0);
        CHECK_EQUAL(info.to_upload, 0);
    }
    world_books(&story->world, &sums);
    CHECK_EQUAL(sums.card_float, story->balance);
    CHECK_EQUAL(sums.merchants, story->paid);
    CHECK_EQUAL(sums.in_flight, 0);
    CHECK_EQUAL(sums.loss, 0);
    CHECK_EQUAL(sums.suspense, 0);
    CHECK_EQUAL(sums.owed, 0);
    CHECK_EQUAL(world_alarms(&story->world, true), 0);
    world_audit(&story->world);
}
