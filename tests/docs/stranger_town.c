/* SPDX-License-Identifier: Apache-2.0 */
#include "stranger_town.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "town.h"

static struct town town;
static struct town_terminal kiosk;
static struct town_card card;

void stranger_town_found(void)
{
    town_found(&town);
    town_terminal(&town, ROLE_KIOSK, 1, NULL, &kiosk);
    town_card_issue(&town, &card, 1);
    town_load(&kiosk, &card, STRANGER_LOADED);
    town_card_insert(&card);
}

void stranger_town_close(void)
{
    town_card_remove(&card);
    town_terminal_close(&kiosk);
}

uint32_t stranger_town_now(void)
{
    return town.now;
}

size_t stranger_town_enrol(const uint8_t *request, uint8_t *package, size_t capacity)
{
    struct fixture_certificate certificate;
    return town_package(&town, ROLE_POINT_OF_SALE, 2, request, &certificate, package, capacity);
}

void stranger_town_insert(void)
{
    town_card_insert(&card);
}

size_t stranger_town_send(const uint8_t *command, size_t bytes, uint8_t response[1024])
{
    size_t answered = 0;
    assert_int_equal(card_reader_transmit(&card.reader, command, bytes, response, 1024, &answered),
                     READER_OK);
    return answered;
}
