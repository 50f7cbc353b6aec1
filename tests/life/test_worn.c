/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card whose flash comes to its end, in a whole system: it says so, a person hears a sentence, it
 * still answers who asks, and no cent is lost. The flash ends in two ways: its pages have been
 * erased as often as they bear, or a page takes no program any more; then a card may also start no
 * more, and what it held is what the bank knows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chance.h"
#include "memory_bank.h"
#include "scheme/status.h"
#include "stand_in.h"
#include "world.h"

#define PAGES 16u
#define LOADED 100000u
#define LOADS_MORE 700u
#define PAYMENTS_MAX 2000u
#define BETWEEN_SYNCHRONISATIONS 10u

static struct {
    struct world world;
    struct member *station, *kiosk, *shop;
    struct world_card card;
    int64_t balance, paid, change; /* change: of a payment that is not finished */
    unsigned payments, refusals, unfinished;
    bool is_worn; /* it said so */
    bool is_mute; /* it starts no more: the flash does not even take what became of its last commit
                   */
} town;

static void open_town(uint64_t seed)
{
    static const struct stiver_bank_policy policy = {.payment_limit = 5000,
                                                     .balance_limit = 2 * LOADED,
                                                     .pin_above = UINT32_MAX,
                                                     .online_above = UINT32_MAX};
    struct stiver_terminal_result result;
    memset(&town, 0, sizeof town);
    chance_seed(seed);
    stand_in_secret(seed);
    memory_bank_new();
    world_open(&town.world, &policy);
    town.station = world_join(&town.world, ROLE_STATION, 1, 0, true);
    town.kiosk = world_join(&town.world, ROLE_KIOSK, 2, 0, true);
    town.shop = world_join(&town.world, ROLE_POINT_OF_SALE, 7, 1000000, true);
    world_card_make(&town.world, &town.card, 2048, PAGES, seed);
    CHECK(world_card_insert(&town.card, NULL));
    CHECK_EQUAL(world_personalise(town.station, &town.card, &result), STIVER_TERMINAL_OK);
}

static void close_town(void)
{
    world_card_free(&town.card);
    world_close(&town.world);
}

static void synchronise(struct member *member)
{
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    CHECK_EQUAL(stiver_terminal_synchronise(member->terminal, &member->link, &sync, detail),
                STIVER_TERMINAL_OK);
    CHECK_EQUAL(sync.rejected + sync.suspense, 0);
}

/* What the card says of itself, worn or not. */
static void look(const struct stiver_terminal_purse *purse)
{
    int64_t is = purse->balance.minor;
    if (is != town.balance) {
        CHECK_EQUAL(is, town.balance + town.change);
        town.paid -= town.change;
    }
    town.balance = is;
    town.change = 0;
}

static enum stiver_terminal_status touch(struct member *at, int64_t change,
                                         struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_purse purse;
    const struct stiver_terminal_sale sale = {.amount = WORLD_EUR((uint32_t)-change)};
    CHECK(world_card_insert(&town.card, NULL));
    enum stiver_terminal_status status =
        stiver_terminal_begin(at->terminal, &town.card.reader, &session, result);
    if (status == STIVER_TERMINAL_READER)
        town.is_mute = town.is_worn = true;
    if (town.is_mute)
        return STIVER_TERMINAL_READER;
    CHECK_EQUAL(status, STIVER_TERMINAL_OK);
    CHECK_EQUAL(stiver_terminal_read(session, &purse, result), STIVER_TERMINAL_OK);
    look(&purse);
    if (change > 0)
        status = stiver_terminal_load(session, WORLD_EUR((uint32_t)change), &at->link, result);
    else if (change < 0)
        status = stiver_terminal_pay(session, &sale, result);
    stiver_terminal_end(session);
    return status;
}

static void hear(enum stiver_terminal_status status, const struct stiver_terminal_result *result)
{
    char sentence[160];
    if (status == STIVER_TERMINAL_UNFINISHED) {
        town.unfinished++;
        return;
    }
    CHECK_EQUAL(status, STIVER_TERMINAL_CARD_FAILED);
    CHECK_EQUAL(result->word, status_word(STATUS_MEMORY, true));
    stiver_terminal_sentence(result, sentence, sizeof sentence);
    CHECK_EQUAL(strcmp(sentence, "The card reports a fault of its own: use another card."), 0);
    town.refusals++;
    town.is_worn = true;
}

static void pay(void)
{
    struct stiver_terminal_result result;
    int64_t minor = 1 + chance_below(9);
    town.world.now += 600;
    enum stiver_terminal_status status = touch(town.shop, -minor, &result);
    if (status == STIVER_TERMINAL_OK) {
        town.balance -= minor;
        town.paid += minor;
        town.payments++;
        CHECK_EQUAL(result.balance.minor, town.balance);
    } else if (town.is_mute) {
        char sentence[160];
        stiver_terminal_sentence(&result, sentence, sizeof sentence);
        CHECK(strlen(sentence) > 10);
    } else if (status == STIVER_TERMINAL_LOG_FULL) {
        town.is_worn = true; /* it took no acknowledgement either */
    } else {
        town.change = status == STIVER_TERMINAL_UNFINISHED ? -minor : 0;
        hear(status, &result);
    }
    if (town.payments % BETWEEN_SYNCHRONISATIONS == 0)
        synchronise(town.shop);
}

static void load(int64_t minor)
{
    struct stiver_terminal_result result;
    CHECK_EQUAL(touch(town.kiosk, minor, &result), STIVER_TERMINAL_OK);
    town.balance += minor;
    synchronise(town.kiosk);
}

/* The kiosk takes cash for a card that takes no load: the order stays out, the money in flight. */
static int64_t try_load(void)
{
    struct stiver_terminal_result result;
    enum stiver_terminal_status status = touch(town.kiosk, LOADS_MORE, &result);
    if (town.is_mute)
        return 0;
    if (status == STIVER_TERMINAL_OK) {
        town.balance += LOADS_MORE;
        return 0;
    }
    CHECK_EQUAL(status, STIVER_TERMINAL_CARD_FAILED);
    return LOADS_MORE;
}

static void settle(int64_t in_flight)
{
    struct stiver_terminal_result result;
    struct world_sums sums;
    struct stiver_terminal_info info;
    (void)touch(town.shop, 0, &result);
    (void)touch(town.kiosk, 0, &result);
    CHECK_EQUAL(stiver_terminal_info(town.shop->terminal, &info), STIVER_TERMINAL_OK);
    CHECK_EQUAL(info.open_intents, town.change != 0 ? 1 : 0);
    synchronise(town.shop);
    synchronise(town.kiosk);
    world_books(&town.world, &sums);
    CHECK_EQUAL(sums.card_float, town.balance);
    CHECK_EQUAL(sums.merchants, town.paid);
    CHECK_EQUAL(sums.in_flight, in_flight);
    CHECK_EQUAL(-sums.tills, town.balance + town.paid + in_flight);
    CHECK_EQUAL(sums.suspense + sums.loss + sums.owed, 0);
    CHECK_EQUAL(world_alarms(&town.world, true), 0);
    world_audit(&town.world);
}

/* Until the card says that it is worn, and then some more, as people do. */
static void wear_out(void)
{
    while (!town.is_worn && town.payments < PAYMENTS_MAX)
        pay();
    CHECK(town.is_worn);
    for (unsigned i = 0; i < 5; i++)
        pay();
}

static void pages_that_were_erased_too_often_end_a_card_and_lose_nothing(void **state)
{
    (void)state;
    for (uint32_t most = 1; most <= 4; most++) {
        open_town(most);
        load(LOADED);
        town.card.emulator.erases_max = most;
        wear_out();
        int64_t in_flight = try_load();
        settle(in_flight);
        CHECK(town.refusals > 0 && !town.is_mute);
        CHECK_EQUAL(in_flight, LOADS_MORE);
        printf("# %u erases a page: %u payments, %u refused, %u in doubt until read\n", most,
               town.payments, town.refusals, town.unfinished);
        close_town();
    }
}

static void a_page_that_takes_no_program_ends_a_card_and_loses_nothing(void **state)
{
    unsigned refusals = 0, unfinished = 0, mute = 0;
    (void)state;
    for (uint32_t page = 0; page < PAGES; page++) {
        open_town(100 + page);
        load(LOADED);
        for (uint32_t i = 0; i < page % 5; i++)
            pay();
        town.card.emulator.worn_page = page;
        wear_out();
        int64_t in_flight = try_load();
        settle(in_flight);
        refusals += town.refusals;
        unfinished += town.unfinished;
        mute += town.is_mute;
        close_town();
    }
    CHECK(refusals > 0);
    printf("# %u pages: %u refused, %u in doubt, %u cards mute from then on\n", PAGES, refusals,
           unfinished, mute);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_that_were_erased_too_often_end_a_card_and_lose_nothing),
        cmocka_unit_test(a_page_that_takes_no_program_ends_a_card_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
