/* SPDX-License-Identifier: Apache-2.0 */
/* A card built without the campus purse, whose factory asked for it all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

static struct card_harness h;

static void the_purse_works_and_the_other_is_not_found(void **state)
{
    (void)state;
    static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00, 0x06, 0x2D,
                                     0x54, 0x45, 0x53, 0x54, 0x70};
    card_harness_blank(&h);
    h.factory.has_campus = 1;
    stiver_card_power_off(&h.card);
    assert_int_equal(stiver_card_manufacture(&h.port, &h.factory), STIVER_CARD_OK);
    card_harness_power_cycle(&h);
    assert_int_equal(card_harness_raw(&h, select, sizeof select), 0x6A82);
    assert_int_equal(card_harness_select(&h), 0x9000);
    card_harness_personalise(&h);
    card_harness_issue(&h);
    card_harness_load(&h, 1, 100, 1);
    assert_int_equal(card_harness_raw(&h, select, sizeof select), 0x6A82);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_purse_works_and_the_other_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
