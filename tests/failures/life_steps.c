/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the purse: its steps in their order. */
#include "life_inside.h"

const struct life_step life_steps[] = {
    {.name = "found a bank", .run = step_found},
    {.name = "enrol the station", .run = step_enrol, .member = LIFE_STATION},
    {.name = "enrol the kiosk", .run = step_enrol, .member = LIFE_KIOSK},
    {.name = "enrol the shop", .run = step_enrol, .member = LIFE_SHOP},
    {.name = "enrol the desk", .run = step_enrol, .member = LIFE_DESK},
    {.name = "make a card", .run = step_stock},
    {.name = "personalise", .run = step_personalise, .member = LIFE_STATION},
    {.name = "load",
     .run = step_load,
     .member = LIFE_KIOSK,
     .minor = 6000,
     .change = 6000,
     .has_two_commands = true},
    {.name = "pay, strangers",
     .run = step_pay,
     .member = LIFE_SHOP,
     .minor = 250,
     .change = -250,
     .is_paid = true},
    {.name = "pay, known",
     .run = step_pay,
     .member = LIFE_SHOP,
     .minor = 125,
     .change = -125,
     .is_paid = true},
    {.name = "pay with PIN",
     .has_two_commands = true,
     .run = step_pay,
     .member = LIFE_SHOP,
     .minor = 1500,
     .change = -1500,
     .is_paid = true},
    {.name = "torn payment",
     .has_two_commands = true,
     .run = step_torn,
     .member = LIFE_SHOP,
     .minor = 130,
     .change = -130,
     .is_paid = true},
    {.name = "recovered payment",
     .has_two_commands = true,
     .run = step_recover,
     .member = LIFE_SHOP,
     .minor = 45,
     .change = -45,
     .is_paid = true},
    {.name = "synchronise the shop", .run = step_synchronise, .member = LIFE_SHOP},
    {.name = "change the PIN", .run = step_change_pin, .member = LIFE_DESK},
    {.name = "read the log", .run = step_look, .member = LIFE_DESK},
    {.name = "load again",
     .run = step_load,
     .member = LIFE_KIOSK,
     .minor = 700,
     .change = 700,
     .has_two_commands = true},
    {.name = "torn load",
     .has_two_commands = true,
     .run = step_torn_load,
     .member = LIFE_KIOSK,
     .minor = 300,
     .change = 300},
    {.name = "fund the till", .run = step_fund, .member = LIFE_KIOSK, .minor = 5000},
    {.name = "renew", .run = step_renew, .member = LIFE_SHOP},
    {.name = "apply the policy", .run = step_policy, .member = LIFE_DESK},
    {.name = "pay after all that",
     .run = step_pay,
     .member = LIFE_SHOP,
     .minor = 90,
     .change = -90,
     .is_paid = true},
    {.name = "look at everything", .run = step_books, .member = LIFE_SHOP},
    {.name = "list the card", .run = step_list},
    {.name = "synchronise again", .run = step_synchronise, .member = LIFE_SHOP},
    {.name = "block", .run = step_block, .member = LIFE_SHOP},
    {.name = "bring the block home", .run = step_synchronise, .member = LIFE_SHOP},
};
const unsigned life_steps_count = sizeof life_steps / sizeof life_steps[0];

void life_note(const struct life_step *step)
{
    life.balance += step->change;
    if (step->is_paid)
        life.paid += step->minor;
    life.has_bank |= step->run == step_found;
    if (step->run == step_enrol)
        life.enrolled = step->member + 1;
    life.is_issued |= step->run == step_personalise;
}
