/* SPDX-License-Identifier: Apache-2.0 */
#include "nvm_life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECORDS_MAX 5u

uint32_t life_hunt(void)
{
    const char *text = getenv("STIVER_HUNT");
    long times = text == NULL ? 0 : strtol(text, NULL, 10);
    /* script/hunt runs a million payments. */
    if (text == NULL && getenv("HUNT_SECONDS") != NULL)
        return 10;
    return times <= 0 ? 1 : (uint32_t)times * 20;
}

void life_data(uint32_t seed, uint8_t *out, size_t bytes)
{
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    uint32_t kind = random_below(&state, 8);
    if (kind < 2) {
        memset(out, kind == 0 ? 0xFF : 0x00, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i++) {
        out[i] = kind == 2 ? (uint8_t)("CRV\0\0\xFF"[random_below(&state, 6)])
                           : (uint8_t)(random_next(&state) >> 32);
    }
}

static void salt_next(struct life *life, uint8_t salt[NVM_SALT_BYTES])
{
    uint64_t number = random_next(&life->salt);
    memcpy(salt, &number, NVM_SALT_BYTES);
}

void life_open(struct life *life, uint32_t page_bytes, uint32_t pages, uint32_t unit_bytes,
               uint32_t bytes_max, uint64_t seed)
{
    uint8_t salt[NVM_SALT_BYTES];
    memset(life, 0, sizeof *life);
    flash_emulator_open(&life->emulator, page_bytes, pages, unit_bytes, seed + 1);
    life->seed = seed;
    life->salt = seed * 2 + 1;
    life->bytes_max = bytes_max;
    salt_next(life, salt);
    assert_int_equal(nvm_format(&life->emulator.flash, salt), NVM_OK);
    life_remount(life);
}

void life_close(struct life *life)
{
    flash_emulator_close(&life->emulator);
}

void life_copy(struct life *to, const struct life *from)
{
    struct flash_emulator emulator = to->emulator;
    flash_emulator_copy(&emulator, &from->emulator);
    *to = *from;
    to->emulator = emulator;
    to->emulator.flash.context = &to->emulator;
    to->nvm.flash = &to->emulator.flash;
}

static bool record_matches(const struct nvm *nvm, uint8_t owner, uint8_t id,
                           const struct life_record *record)
{
    uint8_t is[NVM_DATA_MAX];
    uint8_t should[NVM_DATA_MAX];
    uint8_t version = 0;
    size_t bytes;
    size_t size;
    enum nvm_status status = nvm_read(nvm, owner, id, &version, is, sizeof is, &bytes);
    enum nvm_status size_status = nvm_size(nvm, owner, id, &size);
    if (status != size_status || size != bytes) {
        fail_msg("nvm_read: %d, %zu bytes; nvm_size: %d, %zu", status, bytes, size_status, size);
    }
    if (record->bytes == 0) {
        return status == NVM_ABSENT;
    }
    life_data(record->seed, should, record->bytes);
    return status == NVM_OK && bytes == record->bytes && version == record->version &&
           memcmp(is, should, bytes) == 0;
}

bool life_matches(const struct life *life, const struct life_model *model)
{
    for (uint8_t owner = 0; owner < LIFE_OWNERS; owner++) {
        for (uint8_t id = 0; id < LIFE_IDS; id++) {
            if (!record_matches(&life->nvm, owner, id, &model->records[owner][id])) {
                return false;
            }
        }
    }
    return true;
}

static enum nvm_status power_up(struct life *life)
{
    uint8_t salt[NVM_SALT_BYTES];
    salt_next(life, salt);
    flash_emulator_power_up(&life->emulator);
    life->mounts++;
    return nvm_mount(&life->nvm, &life->emulator.flash, salt);
}

void life_remount(struct life *life)
{
    enum nvm_status status = power_up(life);
    if (status != NVM_OK) {
        fail_msg("mount answers %d", status);
    }
    if (!life_matches(life, &life->model)) {
        fail_msg("the store is not what was committed");
    }
}

static void cut_arm(struct life *life)
{
    if (life->next_cut < life->cut_count) {
        flash_emulator_cut(&life->emulator, life->cuts[life->next_cut].in,
                           life->cuts[life->next_cut].kind);
        life->next_cut++;
    }
}

/* After a tear: which of the two states is it, and does it stay so? */
static void recover(struct life *life, const struct life_model *after)
{
    enum nvm_status status;
    size_t bytes;
    do {
        life->tears++;
        assert_int_equal(nvm_size(&life->nvm, 0, 0, &bytes), NVM_POWER_LOST);
        assert_int_equal(nvm_begin(&life->nvm, 0, 0), NVM_POWER_LOST);
        flash_emulator_cut(&life->emulator, 0, TEAR_BEFORE);
        cut_arm(life);
        status = power_up(life);
    } while (status == NVM_POWER_LOST);
    if (status != NVM_OK) {
        fail_msg("mount after a tear answers %d", status);
    }
    if (!life_matches(life, &life->model)) {
        if (!life_matches(life, after)) {
            fail_msg("the store is neither as before nor as after the torn transaction");
        }
        life->model = *after;
    }
    /* Nothing is left to decide: two further looks tell the same. */
    uint32_t cut_at = life->emulator.cut_at;
    uint32_t left = cut_at - life->emulator.operations;
    life->emulator.cut_at = 0;
    life_remount(life);
    life_remount(life);
    flash_emulator_cut(&life->emulator, cut_at == 0 ? 0 : left, life->emulator.cut_kind);
}

struct step {
    struct {
        uint8_t owner;
        uint8_t id;
        struct life_record record;
    } puts[RECORDS_MAX];
    uint32_t count;
    uint32_t bytes;
    bool is_aborted;
    bool is_power_up;
};

/* The same step gives the same changes, whatever happened before. */
static void step_draw(const struct life *life, uint32_t number, struct step *step)
{
    uint64_t state = (life->seed * 1000003 + number + 1) * UINT64_C(0x9E3779B97F4A7C15) | 1;
    (void)random_next(&state);
    memset(step, 0, sizeof *step);
    step->count = 1 + random_below(&state, RECORDS_MAX);
    step->is_aborted = random_below(&state, 8) == 0;
    step->is_power_up = random_below(&state, 4) == 0;
    bool is_long = random_below(&state, 10) == 0;
    if (is_long) {
        step->count = 1;
    }
    for (uint32_t i = 0; i < step->count; i++) {
        uint32_t most = is_long ? life->bytes_max : life->bytes_max / 6 + 1;
        step->puts[i].owner = (uint8_t)random_below(&state, LIFE_OWNERS);
        step->puts[i].id = (uint8_t)random_below(&state, is_long ? 2 : LIFE_IDS);
        step->puts[i].record.seed = (uint32_t)random_next(&state);
        step->puts[i].record.version = (uint8_t)random_next(&state);
        step->puts[i].record.bytes =
            (uint16_t)(random_below(&state, 8) == 0 ? 0 : 1 + random_below(&state, most));
        step->bytes += step->puts[i].record.bytes;
    }
}

static enum nvm_status step_play(struct life *life, const struct step *step)
{
    uint8_t data[NVM_DATA_MAX];
    enum nvm_status status = nvm_begin(&life->nvm, step->bytes, step->count);
    for (uint32_t i = 0; status == NVM_OK && i < step->count; i++) {
        life_data(step->puts[i].record.seed, data, step->puts[i].record.bytes);
        status = nvm_put(&life->nvm, step->puts[i].owner, step->puts[i].id,
                         step->puts[i].record.version, data, step->puts[i].record.bytes);
    }
    if (status == NVM_OK && step->is_aborted) {
        nvm_abort(&life->nvm);
        return life->emulator.is_powered ? NVM_OK : NVM_POWER_LOST;
    }
    return status == NVM_OK ? nvm_commit(&life->nvm) : status;
}

void life_step(struct life *life, uint32_t number)
{
    struct life_model after = life->model;
    struct step step;
    step_draw(life, number, &step);
    for (uint32_t i = 0; i < step.count && !step.is_aborted; i++) {
        after.records[step.puts[i].owner][step.puts[i].id] = step.puts[i].record;
    }
    if (life->emulator.cut_at == 0) {
        cut_arm(life);
    }
    enum nvm_status status = step_play(life, &step);
    if (status == NVM_POWER_LOST) {
        recover(life, &after);
        return;
    }
    if (status == NVM_FULL) {
        life->fulls++;
        nvm_abort(&life->nvm);
        assert_true(life_matches(life, &life->model));
        return;
    }
    if (status != NVM_OK) {
        fail_msg("step %u answers %d", number, status);
    }
    life->model = after;
    life->commits += !step.is_aborted;
    if (step.is_power_up && life->emulator.cut_at == 0) {
        life_remount(life);
    }
}
