/* SPDX-License-Identifier: Apache-2.0 */
/* Cards pulled out at the wrong moment: what was begun is found out at the next touch. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "town.h"

static struct town town;
static struct town_card card;
static struct town_terminal kiosk, shop;

static int set_up(void **state)
{
    (void)state;
    town_found(&town);
    town_terminal(&town, ROLE_KIOSK, 1, NULL, &kiosk);
    town_terminal(&town, ROLE_POINT_OF_SALE, 2, NULL, &shop);
    town_card_issue(&town, &card, 1);
    town_load(&kiosk, &card, 2000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    town_card_remove(&card);
    town_terminal_close(&kiosk);
    town_terminal_close(&shop);
    return 0;
}

static void check_money(void)
{
    struct town_terminal *all[] = {&kiosk, &shop};
    town_check_money(&town, &card, all, 2);
}

static void begin(struct town_terminal *t, struct stiver_terminal_session **session)
{
    struct stiver_terminal_result result;
    assert_int_equal(stiver_terminal_begin(t->terminal, &card.reader, session, &result),
                     STIVER_TERMINAL_OK);
}

static enum stiver_terminal_status pay_torn(uint32_t minor, enum pull at,
                                            struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(minor)};
    town_card_touch(&card, at, COMMAND_PAY);
    begin(&shop, &session);
    enum stiver_terminal_status status = stiver_terminal_pay(session, &sale, result);
    stiver_terminal_end(session);
    return status;
}

static enum stiver_terminal_status load_torn(uint32_t minor, enum pull at, bool in,
                                             struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session;
    if (in)
        town_card_insert(&card);
    else
        town_card_touch(&card, at, COMMAND_LOAD);
    begin(&kiosk, &session);
    enum stiver_terminal_status status =
        stiver_terminal_load(session, TOWN_EUR(minor), &kiosk.link, result);
    stiver_terminal_end(session);
    return status;
}

struct seen {
    unsigned count;
    struct stiver_terminal_entry last;
};

static bool see(void *context, const struct stiver_terminal_entry *entry)
{
    struct seen *seen = context;
    seen->count++;
    seen->last = *entry;
    return true;
}

static uint32_t open_intents(struct town_terminal *t)
{
    struct stiver_terminal_info info;
    assert_int_equal(stiver_terminal_info(t->terminal, &info), STIVER_TERMINAL_OK);
    return info.open_intents;
}

/* ---- payments ---- */

static void a_payment_torn_after_the_commit_is_that_sale_at_the_next_touch(void **state)
{
    struct stiver_terminal_result result;
    char text[256];
    (void)state;
    assert_int_equal(pay_torn(250, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    uint32_t number = result.number;
    assert_int_not_equal(number, 0);
    assert_false(result.has_receipt);
    assert_int_equal(result.reader, READER_CARD_REMOVED);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "Not finished: touch the same card again to finish number 1.");
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    assert_int_equal(result.number, number);
    assert_int_equal(result.balance.minor, 1750);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "The payment of 2.50 EUR is done; it was begun earlier.");
    /* Once: the next is a payment of its own. */
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_OK);
    check_money();
    assert_int_equal(town.paid, 500);
}

static void a_payment_torn_before_the_commit_is_abandoned_and_paid_anew(void **state)
{
    struct stiver_terminal_result result;
    struct seen seen = {0};
    (void)state;
    assert_int_equal(pay_torn(250, PULL_BEFORE_COMMIT, &result), STIVER_TERMINAL_UNFINISHED);
    uint32_t number = result.number;
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_OK);
    assert_true(result.number > number);
    assert_int_equal(stiver_terminal_recovered(shop.terminal, see, &seen), STIVER_TERMINAL_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.number, number);
    assert_int_equal(seen.last.state, STIVER_TERMINAL_ABANDONED);
    check_money();
    assert_int_equal(town.paid, 250);
    assert_int_equal(town.abandoned_count, 1);
}

static bool see_one(void *context, const struct stiver_terminal_entry *entry)
{
    return see(context, entry) && false;
}

/* What a person was not shown was not told. */
static void who_stops_hearing_early_hears_the_rest_later(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    struct seen seen = {0};
    (void)state;
    assert_int_equal(pay_torn(250, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(pay_torn(300, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(pay_torn(350, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    town_card_insert(&card);
    begin(&shop, &session);
    stiver_terminal_end(session);
    assert_int_equal(stiver_terminal_recovered(shop.terminal, see_one, &seen), STIVER_TERMINAL_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.amount.minor, 250);
    town_card_insert(&card);
    assert_int_equal(stiver_terminal_recover(shop.terminal, &card.reader, see_one, &seen, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.last.amount.minor, 300);
    /* The last one was neither told nor claimed. */
    assert_int_equal(town_pay(&shop, &card, 300, &result), STIVER_TERMINAL_OK);
    assert_int_equal(town_pay(&shop, &card, 350, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    check_money();
    assert_int_equal(town.paid, 250 + 300 + 350 + 300);
}

static void a_new_payment_can_be_asked_for_although_an_earlier_one_was_found(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(250), .is_new = true};
    (void)state;
    assert_int_equal(pay_torn(250, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    town_card_insert(&card);
    begin(&shop, &session);
    assert_int_equal(stiver_terminal_pay(session, &sale, &result), STIVER_TERMINAL_OK);
    stiver_terminal_end(session);
    check_money();
    assert_int_equal(town.paid, 500);
}

static void another_amount_or_a_later_hour_is_another_sale(void **state)
{
    struct stiver_terminal_result result;
    (void)state;
    assert_int_equal(pay_torn(250, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(town_pay(&shop, &card, 300, &result), STIVER_TERMINAL_OK);
    town.now += 901;
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_OK);
    check_money();
    assert_int_equal(town.paid, 800);
}

static void recovery_alone_finishes_and_tells_once(void **state)
{
    struct stiver_terminal_result result;
    struct seen seen = {0};
    (void)state;
    assert_int_equal(pay_torn(250, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    town_card_insert(&card);
    assert_int_equal(stiver_terminal_recover(shop.terminal, &card.reader, see, &seen, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.state, STIVER_TERMINAL_FINISHED);
    assert_true(seen.last.has_receipt);
    assert_int_equal(seen.last.receipt.amount.minor, 250);
    town_card_insert(&card);
    assert_int_equal(stiver_terminal_recover(shop.terminal, &card.reader, see, &seen, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(seen.count, 1);
    /* The cashier has heard of it: the next one is new. */
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_OK);
    check_money();
    assert_int_equal(town.paid, 500);
}

static void a_card_torn_in_recovery_too_is_recovered_later(void **state)
{
    struct stiver_terminal_result result;
    struct stiver_terminal_session *session = NULL;
    (void)state;
    assert_int_equal(pay_torn(250, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    town_card_touch(&card, PULL_BEFORE_ANSWER, COMMAND_READ_RECEIPT);
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_READER);
    assert_null(session);
    assert_int_equal(open_intents(&shop), 1);
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    check_money();
    assert_int_equal(town.paid, 250);
}

static void open_business_never_stops_another_card(void **state)
{
    static struct town_card other;
    struct stiver_terminal_result result;
    (void)state;
    town_card_issue(&town, &other, 2);
    town_load(&kiosk, &other, 1000);
    assert_int_equal(pay_torn(250, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(town_pay(&shop, &other, 250, &result), STIVER_TERMINAL_OK);
    assert_int_equal(open_intents(&shop), 1);
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    assert_int_equal(town_balance(&shop, &other) + town_balance(&shop, &card), 2500);
    town_card_remove(&other);
}

static void what_was_given_up_stays_given_up_though_the_card_paid(void **state)
{
    struct stiver_terminal_result result;
    struct stiver_terminal_sync sync;
    struct seen seen = {0};
    (void)state;
    assert_int_equal(pay_torn(250, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(stiver_terminal_give_up(shop.terminal, result.number), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_give_up(shop.terminal, result.number),
                     STIVER_TERMINAL_UNKNOWN_NUMBER);
    assert_int_equal(town_balance(&shop, &card), 1750);
    assert_int_equal(stiver_terminal_entries(shop.terminal, 0, see, &seen), STIVER_TERMINAL_OK);
    assert_int_equal(seen.last.state, STIVER_TERMINAL_ABANDONED);
    assert_false(seen.last.has_receipt);
    assert_int_equal(stiver_terminal_synchronise(shop.terminal, &shop.link, &sync, NULL),
                     STIVER_TERMINAL_OK);
    assert_int_equal(town.abandoned_count, 1);
    assert_int_equal(town.paid, 0);
    /* The next payment is a new one. */
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_OK);
}

/* ---- loads ---- */

static void a_load_torn_after_the_commit_is_done_at_the_next_touch(void **state)
{
    struct stiver_terminal_result result;
    char text[256];
    (void)state;
    assert_int_equal(load_torn(500, PULL_BEFORE_ANSWER, false, &result),
                     STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(load_torn(500, PULL_NEVER, true, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    assert_int_equal(result.balance.minor, 2500);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "The load of 5.00 EUR is done; it was begun earlier.");
    check_money();
    assert_int_equal(town.loaded, 2500);
    assert_int_equal(town.orders_count, 2);
}

static void a_load_torn_before_the_commit_takes_the_same_order_later(void **state)
{
    struct stiver_terminal_result result;
    (void)state;
    assert_int_equal(load_torn(500, PULL_BEFORE_COMMIT, false, &result),
                     STIVER_TERMINAL_UNFINISHED);
    assert_int_equal(load_torn(500, PULL_NEVER, true, &result), STIVER_TERMINAL_OK);
    assert_int_equal(result.balance.minor, 2500);
    check_money();
    assert_int_equal(town.loaded, 2500);
    assert_int_equal(town.orders_count, 2);
}

static void without_the_bank_there_is_no_load_and_no_number(void **state)
{
    struct stiver_terminal_result result;
    char text[256];
    (void)state;
    town.mood = BANK_IS_DOWN;
    assert_int_equal(load_torn(500, PULL_NEVER, true, &result), STIVER_TERMINAL_NO_LINK);
    town.mood = BANK_FORGES;
    assert_int_equal(load_torn(500, PULL_NEVER, true, &result), STIVER_TERMINAL_BANK_FORGED);
    town.mood = BANK_REFUSES;
    assert_int_equal(load_torn(600, PULL_NEVER, true, &result), STIVER_TERMINAL_BANK_REFUSED);
    assert_int_equal(result.number, 0);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "The bank refuses: not today");
    town.mood = BANK_ANSWERS;
    assert_int_equal(load_torn(500, PULL_NEVER, true, &result), STIVER_TERMINAL_OK);
    check_money();
    assert_int_equal(town.loaded, 2500);
}

/* ---- forged answers on the link to the card ---- */

struct meddler {
    struct card_reader *behind;
    uint8_t ins;
    uint16_t word; /* what is answered instead; 0: the answer's last data byte is flipped */
    bool reaches_the_card;
};

static enum reader_status meddle(void *context, const uint8_t *command, size_t command_bytes,
                                 uint8_t *response, size_t capacity, size_t *response_bytes)
{
    struct meddler *m = context;
    bool is_it = command[1] == m->ins;
    if (!is_it || m->reaches_the_card) {
        enum reader_status status = card_reader_transmit(m->behind, command, command_bytes,
                                                         response, capacity, response_bytes);
        if (!is_it || status != READER_OK)
            return status;
    }
    if (m->word == 0) {
        response[*response_bytes - 3] ^= 1;
        return READER_OK;
    }
    response[0] = (uint8_t)(m->word >> 8);
    response[1] = (uint8_t)m->word;
    *response_bytes = 2;
    return READER_OK;
}

static void forged_words_prove_nothing_whether_the_card_paid_or_not(void **state)
{
    static const uint16_t words[] = {0, 0x9000, 0x6201, 0x620E, 0x6985, 0x6982, 0x63C3, 0x6F00};
    static const struct card_reader_ops ops = {.transmit = meddle};
    uint32_t paid = 0;
    (void)state;
    for (size_t i = 0; i < 2 * sizeof words / sizeof words[0]; i++) {
        struct stiver_terminal_session *session;
        struct stiver_terminal_result result;
        struct meddler m = {&card.reader, command_rows[COMMAND_PAY].ins, words[i / 2], i % 2 == 0};
        struct card_reader between = {.ops = &ops, .context = &m};
        const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(10 + (uint32_t)i)};
        if (m.word == 0 && !m.reaches_the_card)
            continue;
        town_card_insert(&card);
        assert_int_equal(stiver_terminal_begin(shop.terminal, &between, &session, &result),
                         STIVER_TERMINAL_OK);
        assert_int_equal(stiver_terminal_pay(session, &sale, &result), STIVER_TERMINAL_UNFINISHED);
        stiver_terminal_end(session);
        assert_int_equal(open_intents(&shop), 1);
        paid += m.reaches_the_card ? sale.amount.minor : 0;
        assert_int_equal(town_balance(&shop, &card), 2000 - paid);
        assert_int_equal(open_intents(&shop), 0);
    }
    check_money();
    assert_int_equal(town.paid, paid);
}

static void a_forged_not_there_does_not_end_a_sale(void **state)
{
    static const uint16_t words[] = {0, 0x620E, 0x6A88, 0x9000};
    static const struct card_reader_ops ops = {.transmit = meddle};
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    (void)state;
    assert_int_equal(pay_torn(250, PULL_BEFORE_ANSWER, &result), STIVER_TERMINAL_UNFINISHED);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct meddler m = {&card.reader, command_rows[COMMAND_READ_RECEIPT].ins, words[i], true};
        struct card_reader between = {.ops = &ops, .context = &m};
        town_card_insert(&card);
        assert_int_equal(stiver_terminal_begin(shop.terminal, &between, &session, &result),
                         STIVER_TERMINAL_LINK_BROKEN);
        assert_int_equal(open_intents(&shop), 1);
    }
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    check_money();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_payment_torn_after_the_commit_is_that_sale_at_the_next_touch),
        TEST(a_payment_torn_before_the_commit_is_abandoned_and_paid_anew),
        TEST(who_stops_hearing_early_hears_the_rest_later),
        TEST(a_new_payment_can_be_asked_for_although_an_earlier_one_was_found),
        TEST(another_amount_or_a_later_hour_is_another_sale),
        TEST(recovery_alone_finishes_and_tells_once),
        TEST(a_card_torn_in_recovery_too_is_recovered_later),
        TEST(open_business_never_stops_another_card),
        TEST(what_was_given_up_stays_given_up_though_the_card_paid),
        TEST(a_load_torn_after_the_commit_is_done_at_the_next_touch),
        TEST(a_load_torn_before_the_commit_takes_the_same_order_later),
        TEST(without_the_bank_there_is_no_load_and_no_number),
        TEST(forged_words_prove_nothing_whether_the_card_paid_or_not),
        TEST(a_forged_not_there_does_not_end_a_sale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
