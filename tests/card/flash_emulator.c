/* SPDX-License-Identifier: Apache-2.0 */
#include "flash_emulator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum unit_state {
    UNIT_ERASED,
    UNIT_PROGRAMMED,
    UNIT_TORN,      /* reads the same each time, whatever it is */
    UNIT_WEAK_BITS, /* these three read as `before` or as `now` */
    UNIT_WEAK_UNIT,
    UNIT_WEAK_SPELL,
    UNIT_STATES,
    /* Added: the torn call was a program with zeros of an erased unit. */
    UNIT_ZERO_FLAG = 0x80,
};

uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

uint32_t random_below(uint64_t *state, uint32_t end)
{
    return (uint32_t)((random_next(state) >> 32) % end);
}

static uint32_t unit_of(const struct flash_emulator *e, uint32_t address)
{
    return address / e->flash.unit_bytes;
}

static bool is_weak(uint8_t state)
{
    uint8_t plain = state & (uint8_t)~UNIT_ZERO_FLAG;
    return plain >= UNIT_WEAK_BITS;
}

static void state_set(struct flash_emulator *e, uint32_t unit, uint8_t state)
{
    uint32_t page = unit * e->flash.unit_bytes / e->flash.page_bytes;
    e->weak_units[page] -= is_weak(e->states[unit]);
    e->weak_units[page] += is_weak(state);
    e->states[unit] = state;
}

/* A number for this power-up alone. */
static bool spell_says_old(const struct flash_emulator *e, uint8_t leaning)
{
    uint64_t state = (e->spell + 1) * UINT64_C(0x9E3779B97F4A7C15) ^ leaning;
    (void)random_next(&state);
    return random_below(&state, 8) < (leaning & 7u) + 1u;
}

static void unit_read(struct flash_emulator *e, uint32_t unit, uint8_t *out)
{
    uint32_t bytes = e->flash.unit_bytes;
    const uint8_t *now = e->now + unit * bytes;
    const uint8_t *before = e->before + unit * bytes;
    bool old = false;
    switch (e->states[unit] & (uint8_t)~UNIT_ZERO_FLAG) {
    case UNIT_WEAK_BITS:
        for (uint32_t i = 0; i < bytes; i++) {
            uint8_t mask = (uint8_t)random_next(&e->random);
            out[i] = (uint8_t)((now[i] & mask) | (before[i] & ~mask));
        }
        return;
    case UNIT_WEAK_UNIT:
        old = random_below(&e->random, 8) < e->leanings[unit];
        break;
    case UNIT_WEAK_SPELL:
        old = spell_says_old(e, e->leanings[unit]);
        break;
    default:
        break;
    }
    memcpy(out, old ? before : now, bytes);
}

static enum stiver_flash_status emulator_read(void *context, uint32_t address, uint8_t *out,
                                              size_t bytes)
{
    struct flash_emulator *e = context;
    uint32_t total = e->flash.page_bytes * e->flash.pages;
    if (bytes > total || address > total - bytes) {
        fail_msg("read outside the flash: %u + %zu", address, bytes);
    }
    if (!e->is_powered) {
        return STIVER_FLASH_POWER_LOST;
    }
    if (bytes == 0) {
        return STIVER_FLASH_OK;
    }
    memcpy(out, e->now + address, bytes);
    uint32_t last = address + (uint32_t)bytes - 1;
    if (e->weak_units[address / e->flash.page_bytes] == 0 &&
        e->weak_units[last / e->flash.page_bytes] == 0) {
        return STIVER_FLASH_OK;
    }
    for (uint32_t unit = unit_of(e, address); unit <= unit_of(e, last); unit++) {
        uint8_t content[STIVER_FLASH_UNIT_MAX];
        if (!is_weak(e->states[unit])) {
            continue;
        }
        unit_read(e, unit, content);
        for (uint32_t i = 0; i < e->flash.unit_bytes; i++) {
            uint32_t at = unit * e->flash.unit_bytes + i;
            if (at >= address && at <= last) {
                out[at - address] = content[i];
            }
        }
    }
    return STIVER_FLASH_OK;
}

static bool is_zero(const uint8_t *data, size_t bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes; i++) {
        any |= data[i];
    }
    return any == 0;
}

static void program_check(const struct flash_emulator *e, uint32_t address, const uint8_t *data,
                          size_t bytes)
{
    uint32_t page_bytes = e->flash.page_bytes;
    uint32_t unit_bytes = e->flash.unit_bytes;
    if (bytes == 0 || address % unit_bytes != 0 || bytes % unit_bytes != 0 ||
        address / page_bytes >= e->flash.pages ||
        address / page_bytes != (address + bytes - 1) / page_bytes) {
        fail_msg("program outside the rules: %u + %zu", address, bytes);
    }
    if (e->is_half_erased[address / page_bytes]) {
        fail_msg("program of a half erased page: %u", address);
    }
    for (size_t i = 0; i < bytes; i += unit_bytes) {
        uint8_t state = e->states[unit_of(e, address + (uint32_t)i)];
        bool zero_again = (state & UNIT_ZERO_FLAG) != 0 && is_zero(data + i, unit_bytes);
        if (state != UNIT_ERASED && !zero_again) {
            fail_msg("unit programmed twice: %zu in page %zu, state %u", (address + i) % page_bytes,
                     (address + i) / page_bytes, state);
        }
    }
}

/* Counts an operation; true if power goes in it. */
static bool operation_cuts(struct flash_emulator *e)
{
    e->operations++;
    if (e->cut_at == 0 || e->operations != e->cut_at) {
        return false;
    }
    e->cut_at = 0;
    e->is_powered = false;
    return true;
}

static void unit_tear(struct flash_emulator *e, uint32_t unit, const uint8_t *aim, uint8_t leaning,
                      enum unit_state state, bool is_zeros)
{
    uint32_t bytes = e->flash.unit_bytes;
    uint8_t *now = e->now + unit * bytes;
    uint8_t *before = e->before + unit * bytes;
    for (uint32_t i = 0; i < bytes; i++) {
        uint8_t was = now[i];
        if (is_weak(e->states[unit])) {
            was = before[i];
        }
        before[i] = was;
        now[i] = aim[i];
        if (state == UNIT_TORN) {
            uint8_t mask = (uint8_t)random_next(&e->random);
            mask &= leaning < 3 ? (uint8_t)random_next(&e->random) : 0xFF;
            now[i] = (uint8_t)((aim[i] & mask) | (was & ~mask));
        }
    }
    e->leanings[unit] = leaning;
    state_set(e, unit, (uint8_t)((unsigned)state | (is_zeros ? UNIT_ZERO_FLAG : 0u)));
}

static void unit_program(struct flash_emulator *e, uint32_t unit, const uint8_t *data)
{
    memcpy(e->now + unit * e->flash.unit_bytes, data, e->flash.unit_bytes);
    state_set(e, unit, UNIT_PROGRAMMED);
}

static void program_torn(struct flash_emulator *e, uint32_t unit, const uint8_t *data,
                         uint32_t units)
{
    uint32_t bytes = e->flash.unit_bytes;
    uint32_t done = e->cut_kind == TEAR_AFTER    ? units
                    : e->cut_kind == TEAR_BEFORE ? 0
                                                 : random_below(&e->random, units);
    /* For a spell one leaning, so that all its units are of one mind. */
    uint8_t leaning = (uint8_t)(1 + random_below(&e->random, 7));
    enum unit_state state = e->cut_kind == TEAR_BITS         ? UNIT_TORN
                            : e->cut_kind == TEAR_WEAK_BITS  ? UNIT_WEAK_BITS
                            : e->cut_kind == TEAR_WEAK_UNITS ? UNIT_WEAK_UNIT
                                                             : UNIT_WEAK_SPELL;
    if (e->cut_kind == TEAR_BITS) {
        done = 0;
    }
    for (uint32_t i = 0; i < units; i++) {
        if (i < done) {
            unit_program(e, unit + i, data + i * bytes);
        } else if (e->cut_kind != TEAR_BEFORE && e->cut_kind != TEAR_PREFIX) {
            unit_tear(e, unit + i, data + i * bytes, leaning, state,
                      is_zero(data + i * bytes, bytes));
        }
    }
}

static enum stiver_flash_status emulator_program(void *context, uint32_t address,
                                                 const uint8_t *data, size_t bytes)
{
    struct flash_emulator *e = context;
    uint32_t units = (uint32_t)bytes / e->flash.unit_bytes;
    program_check(e, address, data, bytes);
    if (!e->is_powered) {
        return STIVER_FLASH_POWER_LOST;
    }
    e->bytes += bytes;
    if (operation_cuts(e)) {
        program_torn(e, unit_of(e, address), data, units);
        return STIVER_FLASH_POWER_LOST;
    }
    if (address / e->flash.page_bytes == e->worn_page) {
        enum tear kind = e->cut_kind;
        e->cut_kind = (enum tear)(TEAR_BEFORE + random_below(&e->random, TEAR_AFTER));
        program_torn(e, unit_of(e, address), data, units);
        e->cut_kind = kind;
        return STIVER_FLASH_WORN;
    }
    for (uint32_t i = 0; i < units; i++) {
        unit_program(e, unit_of(e, address) + i, data + i * e->flash.unit_bytes);
    }
    return STIVER_FLASH_OK;
}

static void unit_erase(struct flash_emulator *e, uint32_t unit)
{
    memset(e->now + unit * e->flash.unit_bytes, 0xFF, e->flash.unit_bytes);
    state_set(e, unit, UNIT_ERASED);
}

/* The erase of [from, to) of the page's units fails half way. */
static void erase_torn(struct flash_emulator *e, uint32_t page)
{
    static const uint8_t ERASED[STIVER_FLASH_UNIT_MAX] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                                          0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                                          0xFF, 0xFF, 0xFF, 0xFF};
    uint32_t units = e->flash.page_bytes / e->flash.unit_bytes;
    uint32_t from = random_below(&e->random, 2) * random_below(&e->random, units);
    uint32_t to = units - random_below(&e->random, 2) * random_below(&e->random, units - from);
    uint8_t leaning = (uint8_t)(1 + random_below(&e->random, 7));
    if (e->cut_kind == TEAR_BEFORE) {
        return;
    }
    e->is_half_erased[page] = true;
    for (uint32_t i = from; i < to; i++) {
        uint32_t unit = page * units + i;
        if (e->cut_kind == TEAR_PREFIX) {
            unit_erase(e, unit);
        } else if (e->states[unit] != UNIT_ERASED) {
            unit_tear(e, unit, ERASED, leaning,
                      e->cut_kind == TEAR_BITS         ? UNIT_TORN
                      : e->cut_kind == TEAR_WEAK_BITS  ? UNIT_WEAK_BITS
                      : e->cut_kind == TEAR_WEAK_UNITS ? UNIT_WEAK_UNIT
                                                       : UNIT_WEAK_SPELL,
                      false);
        }
    }
}

static enum stiver_flash_status emulator_erase(void *context, uint32_t page)
{
    struct flash_emulator *e = context;
    uint32_t units = e->flash.page_bytes / e->flash.unit_bytes;
    if (page >= e->flash.pages) {
        fail_msg("erase outside the flash: %u", page);
    }
    if (!e->is_powered) {
        return STIVER_FLASH_POWER_LOST;
    }
    bool cut = operation_cuts(e);
    if (cut && e->cut_kind != TEAR_AFTER) {
        erase_torn(e, page);
        return STIVER_FLASH_POWER_LOST;
    }
    if (e->erases_max != 0 && e->erases[page] >= e->erases_max) {
        enum tear kind = e->cut_kind;
        e->cut_kind = TEAR_WEAK_BITS;
        erase_torn(e, page);
        e->cut_kind = kind;
        return STIVER_FLASH_WORN;
    }
    e->erases[page]++;
    for (uint32_t i = 0; i < units; i++) {
        unit_erase(e, page * units + i);
    }
    e->is_half_erased[page] = false;
    return cut ? STIVER_FLASH_POWER_LOST : STIVER_FLASH_OK;
}

static void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

void flash_emulator_open(struct flash_emulator *e, uint32_t page_bytes, uint32_t pages,
                         uint32_t unit_bytes, uint64_t seed)
{
    size_t total = (size_t)page_bytes * pages;
    memset(e, 0, sizeof *e);
    e->flash = (struct stiver_flash){
        .context = e,
        .page_bytes = page_bytes,
        .pages = pages,
        .unit_bytes = unit_bytes,
        .read = emulator_read,
        .program = emulator_program,
        .erase = emulator_erase,
    };
    e->now = zeros(total, 1);
    e->before = zeros(total, 1);
    e->states = zeros(total / unit_bytes, 1);
    e->leanings = zeros(total / unit_bytes, 1);
    e->is_half_erased = zeros(pages, sizeof *e->is_half_erased);
    e->weak_units = zeros(pages, sizeof *e->weak_units);
    e->erases = zeros(pages, sizeof *e->erases);
    memset(e->now, 0xFF, total);
    e->random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    e->worn_page = UINT32_MAX;
    e->is_powered = true;
}

void flash_emulator_close(struct flash_emulator *e)
{
    free(e->now);
    free(e->before);
    free(e->states);
    free(e->leanings);
    free(e->is_half_erased);
    free(e->weak_units);
    free(e->erases);
}

void flash_emulator_copy(struct flash_emulator *to, const struct flash_emulator *from)
{
    size_t total = (size_t)from->flash.page_bytes * from->flash.pages;
    size_t units = total / from->flash.unit_bytes;
    struct flash_emulator kept = *to;
    memcpy(to->now, from->now, total);
    memcpy(to->before, from->before, total);
    memcpy(to->states, from->states, units);
    memcpy(to->leanings, from->leanings, units);
    memcpy(to->is_half_erased, from->is_half_erased,
           from->flash.pages * sizeof *from->is_half_erased);
    memcpy(to->weak_units, from->weak_units, from->flash.pages * sizeof *from->weak_units);
    memcpy(to->erases, from->erases, from->flash.pages * sizeof *from->erases);
    *to = *from;
    to->flash.context = to;
    to->now = kept.now;
    to->before = kept.before;
    to->states = kept.states;
    to->leanings = kept.leanings;
    to->is_half_erased = kept.is_half_erased;
    to->weak_units = kept.weak_units;
    to->erases = kept.erases;
}

void flash_emulator_cut(struct flash_emulator *e, uint32_t in, enum tear kind)
{
    e->cut_at = in == 0 ? 0 : e->operations + in;
    e->cut_kind = kind;
}

void flash_emulator_power_up(struct flash_emulator *e)
{
    e->is_powered = true;
    e->spell++;
}
