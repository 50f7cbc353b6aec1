/* SPDX-License-Identifier: Apache-2.0 */
/* What crosses between a terminal and a card in a whole life shows no key and no PIN of anybody. */
#include "catch.h"
#include "life.h"
#include "watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "purse_test.h"

static void link_shows_no_secret(void **state)
{
    (void)state;
    size_t bytes, offset;
    watch_start(false);
    life_run();
    const uint8_t *link = watch_link(&bytes);
    print_message("# %zu bytes in %zu calls searched for %zu secrets\n", bytes,
                  watch_report()->calls, catch_count());
    assert_true(bytes > 10000);
    assert_true(catch_count() > 20);
    assert_null(catch_find(link, bytes, &offset));
}

/* The same PIN sent without a channel is refused, and seen by the search. */
static void secret_sent_in_the_clear_is_found(void **state)
{
    (void)state;
    size_t bytes, offset;
    watch_start(false);
    assert_int_equal(purse_fresh(NULL), 0);
    const uint8_t *link = watch_link(&bytes);
    assert_null(catch_find(link, bytes, &offset));
    struct apdu_command apdu = card_harness_apdu(COMMAND_VERIFY_PIN, purse_pin, PIN_BYTES);
    assert_int_equal(card_harness_clear(&purse_card, &apdu), 0x6982);
    link = watch_link(&bytes);
    assert_string_equal(catch_find(link, bytes, &offset), "PIN");
    size_t behind = bytes;
    (void)card_harness_raw(&purse_card, purse_card.terminal.key.private_key + 5, 24);
    link = watch_link(&bytes);
    assert_string_equal(catch_find(link + behind, bytes - behind, &offset), "private key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_sent_in_the_clear_is_found),
        cmocka_unit_test(link_shows_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
