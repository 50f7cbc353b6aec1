/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to terminals and to their journals. */
#include <stdio.h>
#include <string.h>

#include "simulated.h"

enum stiver_terminal_status synchronise(struct machine *machine)
{
    struct stiver_terminal_sync sync;
    struct stiver_terminal_info info;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    enum stiver_terminal_status status = stiver_terminal_synchronise(
        machine->member->terminal, &machine->member->link, &sync, detail);
    CHECK(status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_NO_LINK);
    /* Given up for two cards under one number: that rings, and is not kept. */
    CHECK(sync.rejected == 0 || sim.may_repeat);
    CHECK_EQUAL(stiver_terminal_info(machine->member->terminal, &info), STIVER_TERMINAL_OK);
    if (status == STIVER_TERMINAL_OK && info.certificate_end < sim.world.now)
        recertify(machine->member);
    return status;
}

static void copy_file(const char *directory, const char *from, const char *to)
{
    char path[160], other[160];
    uint8_t block[4096];
    size_t bytes;
    snprintf(path, sizeof path, "%s/%s", directory, from);
    snprintf(other, sizeof other, "%s/%s", directory, to);
    FILE *in = fopen(path, "rb"), *out = fopen(other, "wb");
    CHECK(in != NULL && out != NULL);
    while ((bytes = fread(block, 1, sizeof block, in)) > 0)
        CHECK_EQUAL(fwrite(block, 1, bytes, out), bytes);
    fclose(in);
    CHECK_EQUAL(fclose(out), 0);
}

static uint32_t read_mark(const char *directory)
{
    char path[160];
    unsigned long number = 0;
    snprintf(path, sizeof path, "%s/journal.mark", directory);
    FILE *in = fopen(path, "rb");
    CHECK(in != NULL);
    if (fscanf(in, "%lu", &number) != 1) /* empty: no number was given yet */
        number = 0;
    fclose(in);
    return (uint32_t)number;
}

void copy_journal(struct machine *machine)
{
    struct member *member = machine->member;
    struct stiver_terminal_info info;
    CHECK_EQUAL(stiver_terminal_info(member->terminal, &info), STIVER_TERMINAL_OK);
    stiver_terminal_close(member->terminal);
    member->terminal = NULL;
    copy_file(member->directory, "journal.db", "journal.copy");
    copy_file(member->directory, "journal.mark", "mark.copy");
    world_reopen(member);
    machine->has_copy = true;
    machine->copied_at = sim.step;
    machine->copied_number = info.counter;
}

/* What this machine did since the copy may be known to nobody but the cards. */
static void forget_since(const struct machine *machine)
{
    unsigned at = (unsigned)(machine - sim.machines);
    for (unsigned i = 0; i < sim.made_count; i++)
        if (sim.made[i].machine == at && sim.made[i].step >= machine->copied_at)
            sim.made[i].may_lack = true;
    for (unsigned i = 0; i < sim.half_count; i++)
        if (sim.halves[i].change_at == at && sim.halves[i].change_step >= machine->copied_at)
            sim.halves[i].change_may_lack = true;
}

void restore_journal(struct machine *machine, bool is_said, bool with_mark)
{
    struct member *member = machine->member;
    struct stiver_terminal_info info;
    if (!machine->has_copy)
        return;
    stiver_terminal_close(member->terminal);
    member->terminal = NULL;
    copy_file(member->directory, "journal.copy", "journal.db");
    if (with_mark) {
        sim.may_repeat = true;
        copy_file(member->directory, "mark.copy", "journal.mark");
        machine->online_at = sim.world.now + WORLD_DAY; /* the bank does not tell it either */
    }
    bool is_behind = read_mark(member->directory) > machine->copied_number;
    world_reopen(member);
    CHECK_EQUAL(stiver_terminal_info(member->terminal, &info), STIVER_TERMINAL_OK);
    if (is_behind) {
        CHECK(info.is_in_doubt);
        sim.own.noticed++;
    }
    if (is_said)
        CHECK_EQUAL(stiver_terminal_doubt(member->terminal), STIVER_TERMINAL_OK);
    forget_since(machine);
    sim.had_trouble = true;
    *(is_said ? &sim.own.restored : &sim.own.unsaid) += 1;
}

struct open_business {
    uint32_t number;
    uint8_t card[8];
    int64_t change;
};

static bool find_open(void *context, const struct stiver_terminal_entry *entry)
{
    struct open_business *found = context;
    if (entry->state != STIVER_TERMINAL_OPEN)
        return true;
    found->number = entry->number;
    memcpy(found->card, entry->card, sizeof found->card);
    return false;
}

void give_up(void)
{
    struct open_business open = {0};
    unsigned at = 0;
    for (; at < MACHINES; at++) {
        CHECK_EQUAL(stiver_terminal_entries(sim.machines[at].member->terminal, 0, find_open, &open),
                    STIVER_TERMINAL_OK);
        if (open.number != 0)
            break;
    }
    if (open.number == 0)
        return;
    CHECK_EQUAL(stiver_terminal_give_up(sim.machines[at].member->terminal, open.number),
                STIVER_TERMINAL_OK);
    may_stay(at, open.card, NULL);
    sim.own.given_up++;
}
