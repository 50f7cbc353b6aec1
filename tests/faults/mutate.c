/* SPDX-License-Identifier: Apache-2.0 */
#include "mutate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t state;

void mutate_seed(void)
{
    const char *given = getenv("STIVER_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20261121u;
    print_message("# STIVER_SEED=%llu\n", (unsigned long long)seed);
    state = seed * 2654435769u + 88172645463325252u;
}

/* xorshift64* */
static uint32_t draw(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 2685821657736338717u) >> 32);
}

uint32_t mutate_below(uint32_t bound)
{
    return draw() % bound;
}

static size_t at_random(uint8_t *out, size_t capacity)
{
    size_t bytes = mutate_below((uint32_t)(capacity < 600 ? capacity : 600) + 1);
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)draw();
    return bytes;
}

/* Moves what stands at from to to, as far as it fits; what lay between stays or goes. */
static size_t shift(uint8_t *out, size_t bytes, size_t capacity, size_t from, size_t to)
{
    size_t tail = bytes - from;
    if (to + tail > capacity)
        tail = capacity - to;
    memmove(out + to, out + from, tail);
    return to + tail;
}

static size_t change(uint8_t *out, size_t bytes, size_t capacity)
{
    static const uint8_t extremes[] = {0x00, 0x01, 0x7F, 0x80, 0x81, 0x82, 0xFE, 0xFF};
    if (bytes == 0)
        return at_random(out, capacity);
    size_t at = mutate_below((uint32_t)bytes);
    size_t length = 1 + mutate_below(16);
    length = length < bytes - at ? length : bytes - at;
    switch (mutate_below(8)) {
    case 0:
    case 1:
        out[at] ^= (uint8_t)(1u << mutate_below(8));
        return bytes;
    case 2:
        out[at] = (uint8_t)draw();
        return bytes;
    case 3:
        out[at] = extremes[mutate_below(sizeof extremes)];
        return bytes;
    case 4:
        return shift(out, bytes, capacity, at + length, at);
    case 5:
        return shift(out, bytes, capacity, at, at + length);
    case 6:
        return at;
    default:
        length = 1 + mutate_below(32);
        while (length-- > 0 && bytes < capacity)
            out[bytes++] = (uint8_t)draw();
        return bytes;
    }
}

size_t mutate(const uint8_t *from, size_t bytes, uint8_t *out, size_t capacity)
{
    if (mutate_below(5) == 0)
        return at_random(out, capacity);
    bytes = bytes < capacity ? bytes : capacity;
    memcpy(out, from, bytes);
    for (uint32_t changes = 1 + mutate_below(4); changes > 0; changes--)
        bytes = change(out, bytes, capacity);
    return bytes;
}
