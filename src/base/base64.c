/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic in place of tables: private keys pass through here, and what they are must choose no
 * address and no branch.
 */
#include "base/base64.h"

#define NO_SIGN 0xFFu

/* All ones if first <= value <= last, else zero; all below 2^31. */
static uint32_t within(uint32_t value, uint32_t first, uint32_t last)
{
    return 0u - (((first - 1u - value) & (value - last - 1u)) >> 31);
}

static uint8_t value_of(uint8_t sign)
{
    static const struct {
        uint8_t first, last, value;
    } runs[] = {{'A', 'Z', 0}, {'a', 'z', 26}, {'0', '9', 52}, {'+', '+', 62}, {'/', '/', 63}};
    uint32_t value = NO_SIGN;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        uint32_t found = (uint32_t)sign - runs[i].first + runs[i].value;
        value ^= (value ^ found) & within(sign, runs[i].first, runs[i].last);
    }
    return (uint8_t)value;
}

static uint8_t sign_of(uint32_t value)
{
    uint32_t sign = 'A' + value;
    sign += within(value, 26, 63) & ('a' - 'A' - 26u);
    sign -= within(value, 52, 63) & ('a' - '0' + 26u);
    sign -= within(value, 62, 63) & ('0' - '+' + 10u);
    sign += within(value, 63, 63) & ('/' - '+' - 1u);
    return (uint8_t)sign;
}

void base64_encode(struct writer *w, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 3) {
        const size_t here = bytes - i < 3 ? bytes - i : 3;
        uint32_t group = (uint32_t)data[i] << 16;
        if (here > 1)
            group |= (uint32_t)data[i + 1] << 8;
        if (here > 2)
            group |= data[i + 2];
        for (size_t k = 0; k < 4; k++)
            writer_u8(w, k <= here ? sign_of(group >> (18 - 6 * k) & 0x3Fu) : '=');
    }
}

/* ---- reading ---- */

/* A group of four signs becomes three bytes, less one for each that is padding. */
static void end_group(struct base64_text *text, struct writer *w)
{
    static const uint32_t surplus[] = {0, 0xFF, 0xFFFF};
    if ((text->group & surplus[text->pads]) != 0)
        text->failed = true;
    for (unsigned i = 0; !text->failed && i < 3u - text->pads; i++)
        writer_u8(w, (uint8_t)(text->group >> (16 - 8 * i)));
    text->is_over = text->pads != 0;
    text->group = 0;
    text->signs = 0;
    text->pads = 0;
}

void base64_sign(struct base64_text *text, uint8_t sign, struct writer *w)
{
    uint8_t value = value_of(sign);
    if (sign == '=') {
        value = 0;
        if (text->signs < 2)
            text->failed = true;
        text->pads++;
    } else if (value == NO_SIGN || text->pads != 0) {
        text->failed = true;
    }
    if (text->is_over || text->failed) {
        text->failed = true;
        return;
    }
    text->group = text->group << 6 | value;
    if (++text->signs == 4)
        end_group(text, w);
}

bool base64_end(const struct base64_text *text, const struct writer *w)
{
    return !text->failed && text->signs == 0 && !w->failed;
}

bool base64_decode(const uint8_t *text, size_t chars, struct writer *w)
{
    struct base64_text state = {0};
    for (size_t i = 0; i < chars && !state.failed; i++)
        base64_sign(&state, text[i], w);
    bool is_whole = base64_end(&state, w);
    bytes_wipe(&state, sizeof state);
    return is_whole;
}
