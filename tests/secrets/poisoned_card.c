/* SPDX-License-Identifier: Apache-2.0 */
/* A whole life of a card all of whose secrets are poisoned: the keys and the PIN in its flash and
 * wherever they are made, the PIN inside commands, and everything that is computed from them. */
#include "life.h"
#include "poison.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void life_of_a_poisoned_card(void **state)
{
    (void)state;
    assert_true(poison_works());
    poison_stand_in();
    life_run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(life_of_a_poisoned_card)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
