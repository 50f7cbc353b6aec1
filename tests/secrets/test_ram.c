/* SPDX-License-Identifier: Apache-2.0 */
/* No secret is left in RAM when a command has ended: neither in the card's struct, nor in the
 * response buffer, nor on the stack below. */
#include "catch.h"
#include "life.h"
#include "watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "card/core/card.h"
#include "harness.h"
#include "purse_test.h"

static void nothing_is_left(void (*life)(void))
{
    watch_start(true);
    life();
    const struct watch_report *report = watch_report();
    print_message("# %zu calls of the card, %zu secrets, %zu bytes of stack at most\n",
                  report->calls, catch_count(), report->deepest);
    if (report->finds != 0)
        fail_msg("%zu finds; the first: %s", report->finds, report->first);
    assert_true(report->calls > 30);
    assert_true(catch_count() > 20);
    assert_true(report->with_open_channel >
                10); /* the search knows a session key when it sees it */
}

static void whole_life_leaves_no_secret(void **state)
{
    (void)state;
    nothing_is_left(life_run);
}

static void turning_pages_leaves_no_secret(void **state)
{
    (void)state;
    nothing_is_left(life_turn_pages);
}

static void lost_power_leaves_no_secret(void **state)
{
    (void)state;
    nothing_is_left(life_torn);
}

/* ---- the search itself must be able to find ---- */

static uint8_t planted[AES_KEY_BYTES];

/* What a careless function does: a copy, used and not wiped; deep enough that the way back out of
 * the call does not cover it. */
static void leave_a_copy(void *argument)
{
    uint8_t copy[1024];
    memcpy(copy, planted, sizeof planted);
    __asm__ volatile("" : : "r"(copy) : "memory"); /* used, as far as the compiler knows */
    *(uint8_t *)argument = copy[3];
}

static void plant(void)
{
    watch_start(true);
    assert_int_equal(crypto_start(), CRYPTO_OK);
    assert_int_equal(crypto_random(planted, sizeof planted), CRYPTO_OK);
    catch_add("planted key", planted, sizeof planted);
}

static void secret_left_on_the_stack_is_found(void **state)
{
    (void)state;
    uint8_t used = 0;
    plant();
    watch_call("a leak", leave_a_copy, &used);
    assert_int_equal(watch_report()->finds, 1);
    assert_non_null(strstr(watch_report()->first, "planted key in the stack"));
}

/* Half a key that a command leaves in a corner of the struct, and a channel's keys after its end.
 */
static void secret_left_in_the_card_is_found(void **state)
{
    (void)state;
    card_harness_blank(&purse_card);
    plant();
    struct card *card = (struct card *)(void *)purse_card.card.memory;
    memcpy(card->nvm.staged, planted + 4, CATCH_FRAGMENT_BYTES);
    assert_int_equal(card_harness_select(&purse_card), 0x9000);
    assert_int_equal(watch_report()->finds, 1);
    memset(card->nvm.staged, 0, sizeof card->nvm.staged);
    memcpy(card->channel.enc, planted, AES_KEY_BYTES); /* of a channel that is not open */
    __asm__ volatile("" : : : "memory");
    card->selected = NULL;
    assert_int_equal(card_harness_raw(&purse_card, (const uint8_t[]){0x80, 0xCA, 0, 0}, 4), 0x6D00);
    assert_int_equal(watch_report()->finds, 1); /* the core closes it with the refusal */
    memcpy(card->application_memory, planted + 9, CATCH_FRAGMENT_BYTES);
    assert_int_equal(card_harness_select(&purse_card), 0x9000);
    assert_int_equal(watch_report()->finds, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_left_on_the_stack_is_found),
        cmocka_unit_test(secret_left_in_the_card_is_found),
        cmocka_unit_test(whole_life_leaves_no_secret),
        cmocka_unit_test(turning_pages_leaves_no_secret),
        cmocka_unit_test(lost_power_leaves_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
