/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message of every exchange of a life lost, doubled, replayed, swapped, cut, with bits turned
 * round, and answered by a forger; after each case the life goes on undisturbed and the books of
 * the real bank are compared with the card's memory. What the terminal said at the time must be
 * true: "done" means a receipt that verifies and a balance that moved once, "not done" means a
 * balance that did not move, "not finished" is found out at the next contact.
 */
#include "exchange.h"

#define PAY_MINOR 3u

/* ---- payments ---- */

static void run_pay(const struct fault_plan *plan)
{
    set_up_plan(shop(), plan);
    (void)!pay(shop(), PAY_MINOR, NULL, &said);
}

static void settle_pay(void)
{
    check_truth(PAY_MINOR, -(int32_t)PAY_MINOR, 0);
    go_on(shop());
    check_ending(shop(), said.number, PAY_MINOR, after.balance != before.balance);
}

static void settle_pay_and_turn(void)
{
    settle_pay();
    turn++;
}

/* ---- recovery ---- */

static struct held torn;
static uint32_t torn_number;

static void tear_payment(enum pull at)
{
    struct stiver_terminal_result result;
    world_look(&world, &torn);
    town_card_touch(&world.card, at, COMMAND_PAY);
    fault_reader_open(&world.reader, &world.card.reader);
    fault_proxy_plan(&world.reader.proxy, NULL);
    assert_int_equal(pay(shop(), PAY_MINOR, NULL, &result), STIVER_TERMINAL_UNFINISHED);
    torn_number = result.number;
}

static void prepare_paid(void)
{
    tear_payment(PULL_BEFORE_ANSWER);
}

static void prepare_unpaid(void)
{
    tear_payment(PULL_BEFORE_COMMIT);
}

static void run_recover(const struct fault_plan *plan)
{
    struct stiver_terminal_session *session = NULL;
    set_up_plan(shop(), plan);
    if (stiver_terminal_begin(shop()->terminal, &world.reader.reader, &session, &said) ==
        STIVER_TERMINAL_OK)
        stiver_terminal_end(session);
}

/* A recovery that was disturbed moves nothing, and says of the number nothing but the truth. */
static void settle_recover(void)
{
    struct ending ending = {.number = torn_number};
    bool is_paid = before.balance != torn.balance;
    check_sentence();
    MUST(after.balance == before.balance && after.counter == before.counter);
    MUST(stiver_terminal_entries(shop()->terminal, torn_number, see_ending, &ending) ==
         STIVER_TERMINAL_OK);
    MUST(ending.was_seen);
    MUST(ending.entry.state == STIVER_TERMINAL_OPEN ||
         (ending.entry.state == STIVER_TERMINAL_FINISHED) == is_paid);
    go_on(shop());
    check_ending(shop(), torn_number, PAY_MINOR, is_paid);
}

/* ---- synchronisation ---- */

static uint64_t receipts;

static void prepare_upload(void)
{
    struct stiver_terminal_result result;
    receipts = world_receipts(&world);
    world_touch(&world, NULL);
    assert_int_equal(pay(shop(), PAY_MINOR, NULL, &result), STIVER_TERMINAL_OK);
}

static void run_upload(const struct fault_plan *plan)
{
    struct stiver_terminal_sync sync;
    set_up_plan(shop(), plan);
    memset(&said, 0, sizeof said);
    said.status =
        stiver_terminal_synchronise(shop()->terminal, &world.link.link, &sync, said.detail);
    if (said.status == STIVER_TERMINAL_OK)
        MUST(sync.booked + sync.already == 1 && sync.left == 0);
}

static void settle_upload(void)
{
    uint64_t booked = world_receipts(&world) - receipts;
    check_sentence();
    MUST(booked <= 1 && (said.status != STIVER_TERMINAL_OK || booked == 1));
    world_bring_home(shop());
    MUST(world_receipts(&world) - receipts == 1);
    world_check_books(&world, after.balance);
}

/* ---- blocking ---- */

static void prepare_block(void)
{
    world_card_issue(&world);
    assert_int_equal(stiver_bank_list_card(world.bank, world.card.number, STIVER_BANK_LOST),
                     STIVER_BANK_OK);
    world_bring_home(shop());
}

static void settle_block(void)
{
    struct stiver_terminal_result result;
    struct stiver_terminal_session *session = NULL;
    check_sentence();
    MUST(said.status != STIVER_TERMINAL_OK);
    MUST(after.state == PURSE_ISSUED || after.state == PURSE_BLOCKED);
    MUST(after.counter == before.counter + (after.state == PURSE_BLOCKED));
    world_touch(&world, NULL);
    MUST(stiver_terminal_begin(shop()->terminal, &world.reader.reader, &session, &result) ==
         STIVER_TERMINAL_CARD_BLOCKED);
    world_look(&world, &after);
    MUST(after.state == PURSE_BLOCKED && after.counter == before.counter + 1);
    uint64_t booked = world_receipts(&world);
    world_bring_home(shop());
    MUST(world_receipts(&world) == booked + 1);
    world_check_books(&world, others);
}

/* ---- personalising ---- */

static char letter[9];

static bool write_letter(void *context, const uint8_t card[8], const char *pin)
{
    (void)context;
    (void)card;
    snprintf(letter, sizeof letter, "%s", pin);
    return true;
}

static void run_personalise(const struct fault_plan *plan)
{
    const struct stiver_terminal_personalisation with = {.link = &world.link.link,
                                                         .pin_letter = write_letter};
    set_up_plan(&world.station, plan);
    letter[0] = '\0';
    (void)!stiver_terminal_personalise(world.station.terminal, &world.reader.reader, &with, &said);
}

/* A letter that left the station holds the card's PIN, whatever happened on the way. */
static void check_letter(void)
{
    struct held held;
    world_look(&world, &held);
    if (letter[0] != '\0')
        MUST(memcmp(letter, held.pin, strlen(letter)) == 0 && held.pin[strlen(letter)] == 0xFF);
}

static void settle_personalise(void)
{
    struct stiver_terminal_result result;
    const struct stiver_terminal_personalisation with = {.link = &world.station.link,
                                                         .pin_letter = write_letter};
    check_sentence();
    check_letter();
    MUST(!is_done() || (after.state == PURSE_ISSUED && letter[0] != '\0'));
    MUST(after.balance == 0 && after.counter == 0);
    /* Issued, and the last answer was lost: then its letter is written already. */
    bool is_issued = after.state == PURSE_ISSUED;
    MUST(!is_issued || letter[0] != '\0');
    world_touch(&world, NULL);
    enum stiver_terminal_status status =
        stiver_terminal_personalise(world.station.terminal, &world.reader.reader, &with, &result);
    MUST(status == (is_issued ? STIVER_TERMINAL_CARD_ISSUED : STIVER_TERMINAL_OK));
    check_letter();
    world_look(&world, &after);
    MUST(after.state == PURSE_ISSUED);
    world_check_books(&world, others);
}

/* ---- the driver ---- */

static void blank_card(void)
{
    world_card_blank(&world);
}

/* ---- the life, in its order; each part goes on where the one before it ended ---- */

PART(loads_move_once_whatever_the_card_link_does, "load", prepare_nothing, run_load, settle_load,
     12, false, true)
PART(loads_move_once_whatever_the_bank_link_does, "load, bank", prepare_nothing, run_load,
     settle_load, 24, true, true)
PART(a_known_terminal_is_paid_once, "pay, known", prepare_nothing, run_pay, settle_pay, 16, false,
     true)
PART(recovery_of_a_paid_sale_finds_it_paid, "recover, paid", prepare_paid, run_recover,
     settle_recover, 8, false, true)
PART(recovery_of_an_unpaid_sale_finds_it_unpaid, "recover, unpaid", prepare_unpaid, run_recover,
     settle_recover, 8, false, true)
PART(a_stranger_is_paid_once, "pay, strangers", prepare_nothing, run_pay, settle_pay_and_turn, 8,
     false, false)
PART(what_is_brought_to_the_bank_is_booked_once, "synchronise", prepare_upload, run_upload,
     settle_upload, 64, true, true)

static void the_audit_finds_nothing(void **state)
{
    (void)state;
    world_look(&world, &after);
    others = after.balance;
    world_audit(&world, others);
}

PART(a_card_is_personalised_whole_whatever_its_link_does, "personalise", blank_card,
     run_personalise, settle_personalise, 2, false, true)
PART(a_card_is_personalised_whole_whatever_the_bank_link_does, "personalise, bank", blank_card,
     run_personalise, settle_personalise, 12, true, true)
PART(a_listed_card_blocks_once, "block", prepare_block, run_recover, settle_block, 4, false, true)

static void the_audit_still_finds_nothing(void **state)
{
    (void)state;
    world_audit(&world, others);
    print_message("# link: %u cases\n", all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_load),
        cmocka_unit_test(loads_move_once_whatever_the_card_link_does),
        cmocka_unit_test(loads_move_once_whatever_the_bank_link_does),
        cmocka_unit_test(a_known_terminal_is_paid_once),
        cmocka_unit_test(recovery_of_a_paid_sale_finds_it_paid),
        cmocka_unit_test(recovery_of_an_unpaid_sale_finds_it_unpaid),
        cmocka_unit_test(a_stranger_is_paid_once),
        cmocka_unit_test(what_is_brought_to_the_bank_is_booked_once),
        cmocka_unit_test(the_audit_finds_nothing),
        cmocka_unit_test(a_card_is_personalised_whole_whatever_its_link_does),
        cmocka_unit_test(a_card_is_personalised_whole_whatever_the_bank_link_does),
        cmocka_unit_test(a_listed_card_blocks_once),
        cmocka_unit_test(the_audit_still_finds_nothing),
    };
    return cmocka_run_group_tests(tests, exchange_set_up, exchange_tear_down);
}
