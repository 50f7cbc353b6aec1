/* SPDX-License-Identifier: Apache-2.0 */
/* Payments that go well, and everything that is refused before or by the card. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "town.h"

static struct town town;
static struct town_card card;
static struct town_terminal kiosk, shop;

static void set_up_with_pin(uint32_t pin_above)
{
    town_found(&town);
    town.policy_pin_above = pin_above;
    town_terminal(&town, ROLE_KIOSK, 1, NULL, &kiosk);
    town_terminal(&town, ROLE_POINT_OF_SALE, 2, NULL, &shop);
    town_card_issue(&town, &card, 1);
    town_load(&kiosk, &card, 2000);
}

static int set_up(void **state)
{
    (void)state;
    set_up_with_pin(UINT32_MAX);
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

static void begin(struct stiver_terminal_session **session, struct stiver_terminal_result *result)
{
    town_card_insert(&card);
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, session, result),
                     STIVER_TERMINAL_OK);
}

static void strangers_pay_in_6_apdus_and_1000_bytes_and_acquaintances_in_3_and_400(void **state)
{
    struct stiver_terminal_result result;
    unsigned apdus;
    size_t bytes;
    (void)state;
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_OK);
    stiver_terminal_last_count(shop.terminal, &apdus, &bytes);
    print_message("# strangers: %u APDUs, %zu bytes\n", apdus, bytes);
    assert_int_equal(apdus, 6);
    assert_true(bytes <= 1000);
    assert_true(result.has_receipt);
    assert_int_equal(result.receipt.amount.minor, 250);
    assert_int_equal(result.balance.minor, 1750);
    assert_memory_equal(result.card, card.number, sizeof card.number);

    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_OK);
    stiver_terminal_last_count(shop.terminal, &apdus, &bytes);
    print_message("# known to each other: %u APDUs, %zu bytes\n", apdus, bytes);
    assert_int_equal(apdus, 3);
    assert_true(bytes <= 400);
    assert_int_equal(result.balance.minor, 1650);
    check_money();
    assert_int_equal(town.paid, 350);
}

static void what_the_terminal_refuses_never_reaches_the_card(void **state)
{
    static const struct {
        struct stiver_terminal_money amount;
        enum stiver_terminal_status status;
    } refusals[] = {
        {{0, 978}, STIVER_TERMINAL_AMOUNT_ZERO},
        {{100, 840}, STIVER_TERMINAL_AMOUNT_CURRENCY},
        {{5001, 978}, STIVER_TERMINAL_AMOUNT_LIMIT},
        {{UINT32_MAX, 978}, STIVER_TERMINAL_AMOUNT_LIMIT},
    };
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    unsigned before, after;
    size_t bytes;
    (void)state;
    begin(&session, &result);
    stiver_terminal_count(session, &before, &bytes);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct stiver_terminal_sale sale = {.amount = refusals[i].amount};
        assert_int_equal(stiver_terminal_pay(session, &sale, &result), refusals[i].status);
        assert_int_equal(result.number, 0);
    }
    stiver_terminal_count(session, &after, &bytes);
    assert_int_equal(before, after);
    stiver_terminal_end(session);
    check_money();
}

static void too_little_money_says_how_much_is_left(void **state)
{
    struct stiver_terminal_result result;
    char text[256];
    (void)state;
    assert_int_equal(town_pay(&shop, &card, 2001, &result), STIVER_TERMINAL_BALANCE);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "Not enough money: 20.00 EUR left.");
    assert_int_equal(result.word, 0x6201);
    assert_string_equal(result.command, "PAY");
    check_money();
}

static void a_card_pays_once_a_touch(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(100)};
    (void)state;
    begin(&session, &result);
    assert_int_equal(stiver_terminal_pay(session, &sale, &result), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_pay(session, &sale, &result), STIVER_TERMINAL_ONCE);
    stiver_terminal_end(session);
    check_money();
    assert_int_equal(town.paid, 100);
}

static void the_offline_limit_of_a_card_is_kept_from_the_journal(void **state)
{
    struct stiver_terminal_result result;
    char text[256];
    (void)state;
    town_load(&kiosk, &card, 5000);
    assert_int_equal(town_pay(&shop, &card, 3000, &result), STIVER_TERMINAL_OK);
    assert_int_equal(town_pay(&shop, &card, 2000, &result), STIVER_TERMINAL_OK);
    assert_int_equal(town_pay(&shop, &card, 1, &result), STIVER_TERMINAL_OFFLINE_LIMIT);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "This card may pay 50.00 EUR here until the next synchronisation.");
    check_money();
}

static void an_expired_certificate_is_refused_before_the_card_is_touched(void **state)
{
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    struct stiver_terminal_info info;
    unsigned apdus;
    size_t bytes;
    char text[256];
    (void)state;
    assert_int_equal(stiver_terminal_info(shop.terminal, &info), STIVER_TERMINAL_OK);
    town.now = info.certificate_end + 1;
    town_card_insert(&card);
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_EXPIRED);
    assert_null(session);
    stiver_terminal_last_count(shop.terminal, &apdus, &bytes);
    assert_int_equal(apdus, 0);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "This terminal's certificate ended on 2026-11-26: synchronise it.");
    town.now = info.certificate_start - 1;
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_NOT_YET_VALID);
    town.now = FIXTURE_NOW;
    check_money();
}

static void kiosks_do_not_take_payments_and_shops_do_not_load(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    (void)state;
    assert_int_equal(town_pay(&kiosk, &card, 100, &result), STIVER_TERMINAL_ROLE);
    begin(&session, &result);
    assert_int_equal(stiver_terminal_load(session, TOWN_EUR(100), &shop.link, &result),
                     STIVER_TERMINAL_ROLE);
    stiver_terminal_end(session);
}

static void a_card_that_forgot_the_terminal_is_met_the_long_way(void **state)
{
    struct stiver_terminal_result result;
    struct town_terminal others[9];
    unsigned apdus;
    size_t bytes;
    (void)state;
    assert_int_equal(town_pay(&shop, &card, 1, &result), STIVER_TERMINAL_OK);
    for (uint32_t i = 0; i < 9; i++) {
        town_terminal(&town, ROLE_POINT_OF_SALE, 100 + i, NULL, &others[i]);
        assert_int_equal(town_pay(&others[i], &card, 1, &result), STIVER_TERMINAL_OK);
    }
    assert_int_equal(town_pay(&shop, &card, 1, &result), STIVER_TERMINAL_OK);
    stiver_terminal_last_count(shop.terminal, &apdus, &bytes);
    assert_int_equal(apdus, 6);
    struct town_terminal *all[] = {&kiosk,     &shop,      &others[0], &others[1],
                                   &others[2], &others[3], &others[4], &others[5],
                                   &others[6], &others[7], &others[8]};
    town_check_money(&town, &card, all, 11);
    for (size_t i = 0; i < 9; i++)
        town_terminal_close(&others[i]);
}

/* ---- PIN ---- */

struct asked {
    const char *digits;
    unsigned times;
};

static bool ask(void *context, unsigned tries, char digits[9])
{
    struct asked *asked = context;
    (void)tries;
    asked->times++;
    if (asked->digits == NULL)
        return false;
    strcpy(digits, asked->digits);
    return true;
}

static char letter[9];

static bool print_letter(void *context, const uint8_t number[8], const char *pin)
{
    (void)context;
    (void)number;
    strcpy(letter, pin);
    return true;
}

static int set_up_pin(void **state)
{
    struct town_terminal station;
    struct stiver_terminal_result result;
    (void)state;
    town_found(&town);
    town.policy_pin_above = 500;
    town_terminal(&town, ROLE_KIOSK, 1, NULL, &kiosk);
    town_terminal(&town, ROLE_POINT_OF_SALE, 2, NULL, &shop);
    town_terminal(&town, ROLE_STATION, 3, NULL, &station);
    town_card_blank(&card, 1);
    const struct stiver_terminal_personalisation with = {.link = &station.link,
                                                         .pin_letter = print_letter};
    assert_int_equal(stiver_terminal_personalise(station.terminal, &card.reader, &with, &result),
                     STIVER_TERMINAL_OK);
    town_terminal_close(&station);
    town_load(&kiosk, &card, 5000);
    return 0;
}

static enum stiver_terminal_status pay_with(const char *digits, struct asked *asked,
                                            struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session;
    const struct stiver_terminal_sale sale = {
        .amount = TOWN_EUR(600), .ask_pin = ask, .pin_context = asked};
    asked->digits = digits;
    begin(&session, result);
    enum stiver_terminal_status status = stiver_terminal_pay(session, &sale, result);
    stiver_terminal_end(session);
    return status;
}

static void above_the_policys_limit_the_pin_is_asked_and_stands_in_the_receipt(void **state)
{
    struct stiver_terminal_result result;
    struct asked asked = {NULL, 0};
    (void)state;
    assert_int_equal(town_pay(&shop, &card, 500, &result), STIVER_TERMINAL_OK);
    assert_false(result.receipt.with_pin);
    assert_int_equal(town_pay(&shop, &card, 501, &result), STIVER_TERMINAL_PIN_REQUIRED);
    assert_int_equal(pay_with(NULL, &asked, &result), STIVER_TERMINAL_STOPPED);
    assert_int_equal(pay_with("12", &asked, &result), STIVER_TERMINAL_PIN_FORM);
    assert_int_equal(pay_with(letter, &asked, &result), STIVER_TERMINAL_OK);
    assert_true(result.receipt.with_pin);
    assert_int_equal(asked.times, 3);
    check_money();
    assert_int_equal(town.paid, 1100);
}

static void five_wrong_pins_block_it_and_each_says_what_is_left(void **state)
{
    struct stiver_terminal_result result;
    struct asked asked = {NULL, 0};
    char wrong[5], text[256];
    (void)state;
    strcpy(wrong, letter);
    wrong[0] = wrong[0] == '9' ? '0' : (char)(wrong[0] + 1);
    for (unsigned left = 4; left > 0; left--) {
        assert_int_equal(pay_with(wrong, &asked, &result), STIVER_TERMINAL_PIN_WRONG);
        assert_int_equal(result.tries, left);
    }
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "The PIN is wrong: 1 try left.");
    assert_int_equal(pay_with(wrong, &asked, &result), STIVER_TERMINAL_PIN_BLOCKED);
    assert_int_equal(pay_with(letter, &asked, &result), STIVER_TERMINAL_PIN_BLOCKED);
    check_money();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_PIN(name) cmocka_unit_test_setup_teardown(name, set_up_pin, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(strangers_pay_in_6_apdus_and_1000_bytes_and_acquaintances_in_3_and_400),
        TEST(what_the_terminal_refuses_never_reaches_the_card),
        TEST(too_little_money_says_how_much_is_left),
        TEST(a_card_pays_once_a_touch),
        TEST(the_offline_limit_of_a_card_is_kept_from_the_journal),
        TEST(an_expired_certificate_is_refused_before_the_card_is_touched),
        TEST(kiosks_do_not_take_payments_and_shops_do_not_load),
        TEST(a_card_that_forgot_the_terminal_is_met_the_long_way),
        TEST_PIN(above_the_policys_limit_the_pin_is_asked_and_stands_in_the_receipt),
        TEST_PIN(five_wrong_pins_block_it_and_each_says_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
