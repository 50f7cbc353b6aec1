/* SPDX-License-Identifier: Apache-2.0 */
#include "echo_card.h"

#include <string.h>

#include <stiver/card.h>

#include "base/bytes.h"

#define UNIT 16u
#define NUMBERS_IN_UNIT 4u

bool echo_card_is_t0;
bool echo_card_is_senseless;

struct echo {
    struct stiver_flash flash;
    uint32_t next_address; /* first unit that is free; all before it are taken */
    uint32_t last, half_written, commands;
    uint8_t waiting[256]; /* T=0: data for GET RESPONSE */
    size_t waiting_bytes;
    bool is_powered;
};

_Static_assert(sizeof(struct echo) <= STIVER_CARD_BYTES, "the stand-in fits into a card");

/* Copies the state out of the card and back: no pointer of another type into its memory. */
static struct echo echo_load(const struct stiver_card *card)
{
    struct echo echo;
    memcpy(&echo, card->memory, sizeof echo);
    return echo;
}

static void echo_store(struct stiver_card *card, const struct echo *echo)
{
    memcpy(card->memory, echo, sizeof *echo);
}

static uint32_t echo_flash_bytes(const struct stiver_flash *flash)
{
    return flash->page_bytes * flash->pages;
}

/* Whole: the same number four times. Free: every bit 1. Anything else is half written. */
static bool echo_scan(struct echo *echo)
{
    uint8_t unit[UNIT], blank[UNIT];
    memset(blank, 0xFF, sizeof blank);
    for (uint32_t at = 0; at < echo_flash_bytes(&echo->flash); at += UNIT) {
        if (echo->flash.read(echo->flash.context, at, unit, UNIT) != STIVER_FLASH_OK)
            return false;
        if (memcmp(unit, blank, UNIT) == 0)
            continue;
        struct reader r = reader_of(unit, UNIT);
        uint32_t number = reader_u32(&r);
        bool is_whole = true;
        for (unsigned i = 1; i < NUMBERS_IN_UNIT; i++)
            is_whole = reader_u32(&r) == number && is_whole;
        if (is_whole && number > echo->last)
            echo->last = number;
        if (!is_whole)
            echo->half_written++;
        echo->next_address = at + UNIT;
    }
    return true;
}

enum stiver_card_status stiver_card_manufacture(const struct stiver_flash *flash,
                                                const struct stiver_card_factory *factory)
{
    (void)factory;
    for (uint32_t page = 0; page < flash->pages; page++)
        if (flash->erase(flash->context, page) != STIVER_FLASH_OK)
            return STIVER_CARD_POWER_LOST;
    return STIVER_CARD_OK;
}

enum stiver_card_status stiver_card_power_on(struct stiver_card *card,
                                             const struct stiver_flash *flash)
{
    struct echo echo = {.flash = *flash, .is_powered = true};
    memset(card, 0, sizeof *card);
    if (!echo_scan(&echo))
        return STIVER_CARD_POWER_LOST;
    echo_store(card, &echo);
    return STIVER_CARD_OK;
}

void stiver_card_power_off(struct stiver_card *card)
{
    memset(card, 0, sizeof *card);
}

static bool echo_write(struct echo *echo)
{
    uint8_t unit[UNIT];
    struct writer w = writer_of(unit, sizeof unit);
    for (unsigned i = 0; i < NUMBERS_IN_UNIT; i++)
        writer_u32(&w, echo->last + 1);
    if (echo->flash.program(echo->flash.context, echo->next_address, unit, UNIT) != STIVER_FLASH_OK)
        return false;
    echo->last++;
    echo->next_address += UNIT;
    return true;
}

/* The data of a command with Lc, short or extended. */
static struct reader command_data(const uint8_t *command, size_t bytes)
{
    struct reader r = reader_of(command, bytes);
    reader_take(&r, 4);
    size_t data_bytes = reader_u8(&r);
    if (data_bytes == 0 && r.left >= 2)
        data_bytes = reader_u16(&r);
    return reader_sub(&r, data_bytes);
}

static void status_word(struct writer *w, unsigned word)
{
    writer_u16(w, (uint16_t)word);
}

/* False: no power any more. */
static bool echo_answer(struct echo *echo, const uint8_t *command, size_t bytes, struct writer *w)
{
    struct reader data = {0};
    size_t count = 0;
    switch (command[1]) {
    case ECHO_INS_ECHO:
        data = command_data(command, bytes);
        writer_bytes(w, data.at, data.left);
        break;
    case ECHO_INS_WRITE:
        if (!echo_write(echo))
            return false;
        writer_u32(w, echo->last);
        break;
    case ECHO_INS_READ:
        writer_u32(w, echo->last);
        writer_u32(w, echo->half_written);
        break;
    case ECHO_INS_COUNT:
        writer_u32(w, echo->commands);
        break;
    case ECHO_INS_LONG:
        count = (size_t)(command[2] << 8 | command[3]);
        for (size_t i = 0; i < count; i++)
            writer_u8(w, (uint8_t)i);
        break;
    case ECHO_INS_DIE:
        return false;
    case 0xA4:
        status_word(w, 0x6A82);
        return true;
    default:
        status_word(w, 0x6D00);
        return true;
    }
    status_word(w, 0x9000);
    return true;
}

/* T=0 on the way out: data waits for GET RESPONSE, in pieces of at most 100 bytes here. */
static size_t t0_offer(struct echo *echo, uint8_t *response, size_t bytes)
{
    if (bytes <= 2 || bytes - 2 > sizeof echo->waiting)
        return bytes;
    echo->waiting_bytes = bytes - 2;
    memcpy(echo->waiting, response, echo->waiting_bytes);
    response[0] = 0x61;
    response[1] = (uint8_t)(echo->waiting_bytes < 100 ? echo->waiting_bytes : 100);
    return 2;
}

static size_t t0_get_response(struct echo *echo, uint8_t asked, uint8_t *response)
{
    size_t piece = echo->waiting_bytes < 100 ? echo->waiting_bytes : 100;
    if (asked != piece) {
        response[0] = 0x6C;
        response[1] = (uint8_t)piece;
        return 2;
    }
    memcpy(response, echo->waiting, piece);
    echo->waiting_bytes -= piece;
    memmove(echo->waiting, echo->waiting + piece, echo->waiting_bytes);
    response[piece] = echo->waiting_bytes ? 0x61 : 0x90;
    response[piece + 1] = (uint8_t)(echo->waiting_bytes < 100 ? echo->waiting_bytes : 100);
    return piece + 2;
}

size_t stiver_card_transmit(struct stiver_card *card, const uint8_t *command, size_t command_bytes,
                            uint8_t response[STIVER_APDU_MAX])
{
    struct echo echo = echo_load(card);
    struct writer w = writer_of(response, STIVER_APDU_MAX);
    if (!echo.is_powered)
        return 0;
    echo.commands++;
    size_t bytes;
    if (command_bytes < 4 || command_bytes > STIVER_APDU_MAX) {
        status_word(&w, 0x6700);
        bytes = w.used;
    } else if (echo_card_is_t0 && command[1] == 0xC0) {
        bytes = t0_get_response(&echo, command_bytes > 4 ? command[4] : 0, response);
    } else {
        echo.is_powered = echo_answer(&echo, command, command_bytes, &w);
        bytes = echo.is_powered && !w.failed ? w.used : 0;
        if (echo_card_is_t0)
            bytes = t0_offer(&echo, response, bytes);
    }
    echo_store(card, &echo);
    return bytes;
}

const uint8_t *stiver_card_atr(size_t *bytes)
{
    static const uint8_t atr_t1[] = {0x3B, 0x80, 0x01, 0x81};
    static const uint8_t atr_t0[] = {0x3B, 0x00};
    static const uint8_t garbage[] = {0x55, 0x55, 0x55};
    if (echo_card_is_senseless) {
        *bytes = sizeof garbage;
        return garbage;
    }
    *bytes = echo_card_is_t0 ? sizeof atr_t0 : sizeof atr_t1;
    return echo_card_is_t0 ? atr_t0 : atr_t1;
}
