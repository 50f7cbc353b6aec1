/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/status.h"

#include <stddef.h>

#define TRIES_WORD 0x63C0u /* ISO/IEC 7816-4, 5.6: a counter in the last digit */
#define TRIES_MASK 0x0Fu

/* Words and texts apart: a card needs the words alone, and its linker drops the rest. */
static const struct words {
    uint16_t clear, channel;
} rows[STATUS_COUNT] = {
#define X(name, clear, channel, sentence) [STATUS_##name] = {clear, channel},
#include "scheme/status.def"
#undef X
};

static const struct texts {
    const char *name, *sentence;
} texts[STATUS_COUNT] = {
#define X(name, clear, channel, sentence) [STATUS_##name] = {#name, sentence},
#include "scheme/status.def"
#undef X
};

/* In the clear many statuses share one word of the standard; that word then says the general one.
 */
static const enum status general[] = {STATUS_STATE, STATUS_DATA, STATUS_SECURITY, STATUS_REFERENCE};

static bool is_pin_wrong(enum status status)
{
    return ((unsigned)status & ~TRIES_MASK) == STATUS_PIN_WRONG;
}

static bool has_row(enum status status)
{
    return (unsigned)status < STATUS_COUNT;
}

uint16_t status_word(enum status status, bool in_channel)
{
    if (is_pin_wrong(status))
        return (uint16_t)(TRIES_WORD | ((unsigned)status & TRIES_MASK));
    const struct words *row = &rows[has_row(status) ? status : STATUS_FAILED];
    return in_channel ? row->channel : row->clear;
}

bool status_of_word(uint16_t word, bool in_channel, enum status *status)
{
    if ((word & ~TRIES_MASK) == TRIES_WORD) {
        *status = (enum status)(STATUS_PIN_WRONG + (word & TRIES_MASK));
        return true;
    }
    for (size_t i = 0; !in_channel && i < sizeof general / sizeof general[0]; i++) {
        if (rows[general[i]].clear == word) {
            *status = general[i];
            return true;
        }
    }
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        if ((in_channel ? rows[i].channel : rows[i].clear) == word) {
            *status = (enum status)i;
            return true;
        }
    }
    return false;
}

const char *status_name(enum status status)
{
    if (is_pin_wrong(status))
        return "PIN_WRONG";
    return has_row(status) ? texts[status].name : "UNKNOWN";
}

const char *status_sentence(enum status status)
{
    if (is_pin_wrong(status))
        return "the PIN is wrong";
    return has_row(status) ? texts[status].sentence : "the card answered something unknown";
}
