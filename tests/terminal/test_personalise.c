/* SPDX-License-Identifier: Apache-2.0 */
/* From a blank card to an issued one, also when it is pulled at any step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "town.h"

static struct town town;
static struct town_card card;
static struct town_terminal station;

struct letters {
    unsigned count;
    bool is_printer_out;
    char pin[9];
};
static struct letters letters;
static char steps[256];

static bool print_letter(void *context, const uint8_t number[8], const char *pin)
{
    struct letters *l = context;
    (void)number;
    if (l->is_printer_out)
        return false;
    /* Repeated, it is the same PIN. */
    if (l->count++ > 0)
        assert_string_equal(l->pin, pin);
    strcpy(l->pin, pin);
    return true;
}

static void note_step(void *context, const char *step)
{
    (void)context;
    assert_true(strlen(steps) + strlen(step) + 2 <= sizeof steps);
    strcat(strcat(steps, step), ".");
}

static int set_up(void **state)
{
    (void)state;
    memset(&letters, 0, sizeof letters);
    steps[0] = '\0';
    town_found(&town);
    town_terminal(&town, ROLE_STATION, 1, NULL, &station);
    town_card_blank(&card, 7);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    town_card_remove(&card);
    town_terminal_close(&station);
    return 0;
}

static enum stiver_terminal_status personalise(struct town_terminal *t,
                                               struct stiver_terminal_result *result)
{
    const struct stiver_terminal_personalisation with = {
        .link = &t->link, .pin_letter = print_letter, .pin_context = &letters, .step = note_step};
    return stiver_terminal_personalise(t->terminal, &card.reader, &with, result);
}

static void check_issued(void)
{
    struct town_terminal kiosk, shop;
    struct stiver_terminal_result result;
    town_terminal(&town, ROLE_KIOSK, 11, NULL, &kiosk);
    town_terminal(&town, ROLE_POINT_OF_SALE, 12, NULL, &shop);
    town_load(&kiosk, &card, 2000);
    assert_int_equal(town_pay(&shop, &card, 700, &result), STIVER_TERMINAL_OK);
    assert_int_equal(result.receipt.points_change, 7); /* the policy is in force */
    struct town_terminal *all[] = {&kiosk, &shop};
    town_check_money(&town, &card, all, 2);
    town_terminal_close(&kiosk);
    town_terminal_close(&shop);
}

static void a_blank_card_becomes_an_issued_one_step_by_step(void **state)
{
    struct stiver_terminal_result result;
    struct stiver_terminal_card_state said;
    (void)state;
    assert_int_equal(stiver_terminal_card_state(station.terminal, &card.reader, &said, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(said.state, PURSE_BLANK);
    assert_memory_equal(said.serial, card.serial, sizeof card.serial);
    assert_int_equal(personalise(&station, &result), STIVER_TERMINAL_OK);
    assert_string_equal(steps, "keys made.certified.policy.PIN read.issued.");
    assert_int_equal(letters.count, 1);
    assert_int_equal(strlen(letters.pin), 4);
    assert_int_equal(personalise(&station, &result), STIVER_TERMINAL_CARD_ISSUED);
    check_issued();
}

struct tear {
    enum command command;
    enum pull at;
};

static void pulled_and_taken_up_again(const struct tear *tear, uint8_t serial)
{
    struct stiver_terminal_result result;
    memset(&letters, 0, sizeof letters);
    steps[0] = '\0';
    town_card_remove(&card);
    town_card_blank(&card, serial);
    town_card_touch(&card, tear->at, tear->command);
    assert_int_equal(personalise(&station, &result), STIVER_TERMINAL_READER);
    assert_string_equal(result.command, command_rows[tear->command].name);
    town_card_insert(&card);
    bool was_issued = tear->command == COMMAND_ISSUE && tear->at == PULL_BEFORE_ANSWER;
    assert_int_equal(personalise(&station, &result),
                     was_issued ? STIVER_TERMINAL_CARD_ISSUED : STIVER_TERMINAL_OK);
    assert_true(letters.count >= 1);
    town.loaded = town.paid = 0;
    check_issued();
}

static void a_card_pulled_at_any_step_goes_on_where_it_stands(void **state)
{
    static const struct tear tears[] = {
        {COMMAND_GET_STATE, PULL_BEFORE_ANSWER},
        {COMMAND_INITIALIZE, PULL_BEFORE_COMMIT},
        {COMMAND_INITIALIZE, PULL_BEFORE_ANSWER},
        {COMMAND_STORE_CERTIFICATES, PULL_BEFORE_COMMIT},
        {COMMAND_STORE_CERTIFICATES, PULL_BEFORE_ANSWER},
        {COMMAND_VERIFY_CERTIFICATE, PULL_BEFORE_ANSWER},
        {COMMAND_MUTUAL_AUTHENTICATE, PULL_BEFORE_ANSWER},
        {COMMAND_READ_STATUS, PULL_BEFORE_ANSWER},
        {COMMAND_APPLY_ORDER, PULL_BEFORE_COMMIT},
        {COMMAND_APPLY_ORDER, PULL_BEFORE_ANSWER},
        {COMMAND_READ_PIN, PULL_BEFORE_ANSWER},
        {COMMAND_ISSUE, PULL_BEFORE_COMMIT},
        {COMMAND_ISSUE, PULL_BEFORE_ANSWER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof tears / sizeof tears[0]; i++)
        pulled_and_taken_up_again(&tears[i], (uint8_t)(20 + i));
}

static void a_card_is_not_issued_before_its_letter_is_printed(void **state)
{
    struct stiver_terminal_result result;
    struct town_terminal kiosk;
    struct stiver_terminal_session *session = NULL;
    (void)state;
    letters.is_printer_out = true;
    assert_int_equal(personalise(&station, &result), STIVER_TERMINAL_STOPPED);
    town_terminal(&town, ROLE_KIOSK, 11, NULL, &kiosk);
    town_card_insert(&card);
    assert_int_equal(stiver_terminal_begin(kiosk.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_load(session, TOWN_EUR(100), &kiosk.link, &result),
                     STIVER_TERMINAL_CARD_NOT_ISSUED);
    stiver_terminal_end(session);
    town_terminal_close(&kiosk);
    letters.is_printer_out = false;
    town_card_insert(&card);
    assert_int_equal(personalise(&station, &result), STIVER_TERMINAL_OK);
    check_issued();
}

static void the_station_that_began_a_card_must_finish_it(void **state)
{
    struct stiver_terminal_result result;
    struct town_terminal other;
    (void)state;
    town_card_touch(&card, PULL_BEFORE_ANSWER, COMMAND_STORE_CERTIFICATES);
    assert_int_equal(personalise(&station, &result), STIVER_TERMINAL_READER);
    town_terminal(&town, ROLE_STATION, 2, NULL, &other);
    town_card_insert(&card);
    assert_int_equal(personalise(&other, &result), STIVER_TERMINAL_OTHER_STATION);
    town_terminal_close(&other);
    town_card_insert(&card);
    assert_int_equal(personalise(&station, &result), STIVER_TERMINAL_OK);
    check_issued();
}

static void a_blank_card_takes_no_part_in_business_and_a_shop_makes_no_cards(void **state)
{
    struct stiver_terminal_result result;
    struct town_terminal shop;
    (void)state;
    town_terminal(&town, ROLE_POINT_OF_SALE, 12, NULL, &shop);
    assert_int_equal(town_pay(&shop, &card, 100, &result), STIVER_TERMINAL_CARD_BLANK);
    assert_int_equal(personalise(&shop, &result), STIVER_TERMINAL_ROLE);
    town_terminal_close(&shop);
}

static void a_bank_that_does_not_answer_leaves_the_card_blank(void **state)
{
    static const struct {
        enum town_mood mood;
        enum stiver_terminal_status status;
    } moods[] = {
        {BANK_IS_DOWN, STIVER_TERMINAL_NO_LINK},
        {BANK_LOSES_ANSWER, STIVER_TERMINAL_NO_LINK},
        {BANK_FORGES, STIVER_TERMINAL_BANK_FORGED},
        {BANK_REFUSES, STIVER_TERMINAL_BANK_REFUSED},
    };
    struct stiver_terminal_result result;
    struct stiver_terminal_card_state said;
    (void)state;
    for (size_t i = 0; i < sizeof moods / sizeof moods[0]; i++) {
        town.mood = moods[i].mood;
        assert_int_equal(personalise(&station, &result), moods[i].status);
        assert_int_equal(stiver_terminal_card_state(station.terminal, &card.reader, &said, &result),
                         STIVER_TERMINAL_OK);
        assert_int_equal(said.state, PURSE_BLANK);
    }
    town.mood = BANK_ANSWERS;
    assert_int_equal(personalise(&station, &result), STIVER_TERMINAL_OK);
    check_issued();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_blank_card_becomes_an_issued_one_step_by_step),
        TEST(a_card_pulled_at_any_step_goes_on_where_it_stands),
        TEST(a_card_is_not_issued_before_its_letter_is_printed),
        TEST(the_station_that_began_a_card_must_finish_it),
        TEST(a_blank_card_takes_no_part_in_business_and_a_shop_makes_no_cards),
        TEST(a_bank_that_does_not_answer_leaves_the_card_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
