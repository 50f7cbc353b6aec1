/* SPDX-License-Identifier: Apache-2.0 */
/* A sale found finished is claimed once, whoever else opened the journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "terminal/journal.h"
#include "town.h"

static struct town town;
static struct town_card card;
static struct town_terminal kiosk, shop;
static char place[64], journal[96];

/* Between looking and claiming, another program asks for the same. */
static bool is_armed;
static int other_answer;

enum db_status __real_db_run(struct db *db, size_t statement);
enum db_status __wrap_db_run(struct db *db, size_t statement);

enum db_status __wrap_db_run(struct db *db, size_t statement)
{
    if (is_armed && statement == JOURNAL_CLAIM) {
        sqlite3 *other;
        is_armed = false;
        assert_int_equal(sqlite3_open(journal, &other), SQLITE_OK);
        other_answer =
            sqlite3_exec(other, "UPDATE entry SET claimed = 1 WHERE recovered = 1 AND claimed = 0",
                         NULL, NULL, NULL);
        sqlite3_close(other);
    }
    return __real_db_run(db, statement);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(place, "/tmp/stiver-claim-XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(journal, sizeof journal, "%s/journal.db", place);
    assert_int_equal(rmdir(place), 0);
    town_found(&town);
    town_terminal(&town, ROLE_KIOSK, 1, NULL, &kiosk);
    town_terminal(&town, ROLE_POINT_OF_SALE, 2, place, &shop);
    town_card_issue(&town, &card, 1);
    town_load(&kiosk, &card, 2000);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    town_card_remove(&card);
    town_terminal_close(&kiosk);
    town_terminal_close(&shop);
    snprintf(command, sizeof command, "rm -rf '%s'", place);
    return system(command);
}

static void a_finished_sale_is_claimed_by_one_program_alone(void **state)
{
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(250)};
    (void)state;
    town_card_touch(&card, PULL_BEFORE_ANSWER, COMMAND_PAY);
    assert_int_equal(stiver_terminal_begin(shop.terminal, &card.reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_pay(session, &sale, &result), STIVER_TERMINAL_UNFINISHED);
    stiver_terminal_end(session);
    is_armed = true;
    other_answer = SQLITE_OK;
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_FINISHED_EARLIER);
    assert_false(is_armed);
    assert_int_equal(other_answer, SQLITE_BUSY);
    assert_int_equal(town_pay(&shop, &card, 250, &result), STIVER_TERMINAL_OK);
    struct town_terminal *all[] = {&kiosk, &shop};
    town_check_money(&town, &card, all, 2);
    assert_int_equal(town.paid, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_finished_sale_is_claimed_by_one_program_alone, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
