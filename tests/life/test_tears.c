/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole lives, cut at each program and each erase of the card's flash with each kind of fault.
 *
 *     test_tears                              every point and kind of one whole life
 *     test_tears short                        one point in four of it
 *     test_tears hunt SHARD SHARDS [SEED]     other lives, for HUNT_SECONDS
 *     test_tears pairs SHARD SHARDS [SEED]    the same, with a second cut during recovery
 *     test_tears count [SEED]                 a life without a cut, and its operations
 *     test_tears case SEED STEP OPERATION KIND [OPERATION KIND]     one of them again
 *
 * A life is lived once; before each step the process is forked for each cut of that step, so that
 * terminals, bank (memory_bank.h) and card are all as they were. The fork lives on to the end of
 * its life, settles, and says by its exit status how it went.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "chance.h"
#include "memory_bank.h"
#include "stand_in.h"
#include "story.h"

#define AT_ONCE_MAX 4u
#define OPERATIONS_MAX 400u
#define WHOLE_LIFE UINT64_MAX /* its seed */

struct cut {
    uint32_t in; /* which operation from the power-up on; 0: none */
    enum tear kind;
};

struct single {
    uint64_t seed;
    unsigned step;
    struct cut first, second;
};

enum end { CASE_OK = 0, CASE_FAILED = 1, CASE_NO_CUT = 2, CASE_ONE_CUT = 3 };

static struct story story;
static struct {
    uint64_t cases, pairs, lives, of_kind[TEAR_KINDS];
    time_t deadline;
    bool failed, is_short; /* short: one operation in 4 */
} run;

static void open_life(uint64_t seed)
{
    memory_bank_new();
    stand_in_secret(seed);
    if (seed == WHOLE_LIFE)
        story_open_whole(&story);
    else
        story_open_random(&story, seed);
}

/* ---- one case ---- */

static void tell(const struct single *c)
{
    snprintf(world_story, sizeof world_story, "%s: test_tears%s case %llu %u %u %d %u %d",
             deed_names[story.steps[c->step].deed], stand_in_name, (unsigned long long)c->seed,
             c->step, c->first.in, (int)c->first.kind, c->second.in, (int)c->second.kind);
}

static bool try_cut(const struct single *c, const struct cut *cut, bool *is_done)
{
    flash_emulator_cut(&story.card.emulator, cut->in, cut->kind);
    *is_done = story_try(&story, &story.steps[c->step]);
    bool was_cut = cut->in != 0 && story.card.emulator.cut_at == 0;
    flash_emulator_cut(&story.card.emulator, 0, TEAR_BEFORE);
    return was_cut;
}

/* The life from the cut step on. */
static enum end live_on(const struct single *c)
{
    bool is_done = false, was_twice = false;
    tell(c);
    story.card.emulator.random ^=
        UINT64_C(0x9E3779B97F4A7C15) * (c->step * 100000u + c->first.in * 16u +
                                        (uint32_t)c->first.kind + c->second.in * 7919u + 1u);
    if (!try_cut(c, &c->first, &is_done))
        return CASE_NO_CUT;
    if (!is_done && c->second.in != 0)
        was_twice = try_cut(c, &c->second, &is_done);
    if (!is_done)
        story_step(&story, c->step, 2);
    for (unsigned step = c->step + 1; step < story.count; step++)
        story_step(&story, step, 1);
    story_settle(&story);
    return c->second.in == 0 || was_twice ? CASE_OK : CASE_ONE_CUT;
}

static pid_t start(const struct single *c)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child != 0)
        return child;
    world_is_child = true;
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a broken rule of the flash ends the fork alone */
    enum end end = live_on(c);
    fflush(stdout);
    _exit((int)end);
}

static enum end wait_for(pid_t child, const struct single *c)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    enum end end = WIFEXITED(status) ? (enum end)WEXITSTATUS(status) : CASE_FAILED;
    if (!WIFEXITED(status)) {
        tell(c);
        printf("# ended by signal %d: %s\n", WTERMSIG(status), world_story);
    }
    if (end == CASE_NO_CUT)
        return end;
    if (end != CASE_OK && end != CASE_ONE_CUT) {
        run.failed = true;
        return CASE_FAILED;
    }
    run.cases++;
    run.of_kind[c->first.kind]++;
    run.pairs += c->second.in != 0 && end == CASE_OK;
    return end;
}

/* ---- all cuts of a step ---- */

static unsigned at_once(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : processors > (long)AT_ONCE_MAX ? AT_ONCE_MAX : (unsigned)processors;
}

/* False if the step has no such operation. */
static bool cut_operation(uint64_t seed, unsigned step, uint32_t in, bool with_second)
{
    struct single cases[TEAR_KINDS];
    pid_t children[TEAR_KINDS];
    unsigned wide = at_once(), done = 0;
    bool was_there = false;
    for (unsigned kind = 0; kind < TEAR_KINDS + wide; kind++) {
        if (kind >= wide && done < TEAR_KINDS) {
            was_there |= wait_for(children[done], &cases[done]) != CASE_NO_CUT;
            done++;
        }
        if (kind >= TEAR_KINDS)
            continue;
        cases[kind] = (struct single){.seed = seed, .step = step, .first = {in, (enum tear)kind}};
        if (with_second)
            cases[kind].second = (struct cut){1 + chance_below(1 + chance_below(12)),
                                              (enum tear)chance_below(TEAR_KINDS)};
        children[kind] = start(&cases[kind]);
    }
    return was_there;
}

static bool is_over(void)
{
    return run.failed || (run.deadline != 0 && time(NULL) >= run.deadline);
}

static bool has_card(const struct step *step)
{
    return step->deed != DEED_SYNCHRONISE && step->deed != DEED_LIST;
}

/* Returns how many programs and erases the step has. */
static uint32_t cut_step(uint64_t seed, unsigned step, bool with_second)
{
    for (uint32_t in = 1; in < OPERATIONS_MAX; in++) {
        if (is_over())
            return in - 1;
        if (run.is_short && in % 4 != 1)
            continue;
        if (!cut_operation(seed, step, in, with_second))
            return in - 1;
    }
    fail_msg("a step without end");
    return 0;
}

static uint32_t erases(void)
{
    uint32_t sum = 0;
    for (uint32_t page = 0; page < story.card.emulator.flash.pages; page++)
        sum += story.card.emulator.erases[page];
    return sum;
}

static void cut_life(uint64_t seed, bool with_second, bool show)
{
    open_life(seed);
    for (unsigned step = 0; step < story.count && !is_over(); step++) {
        uint32_t before = erases(), operations = 0;
        if (has_card(&story.steps[step]))
            operations = cut_step(seed, step, with_second);
        if (run.failed)
            break;
        story_step(&story, step, 1);
        if (show && operations > 0)
            printf("# %s: %u operations, %u of them erases\n", deed_names[story.steps[step].deed],
                   operations, erases() - before);
    }
    if (!is_over())
        story_settle(&story);
    run.lives++;
    story_close(&story);
}

static void print_cases(void)
{
    printf("# %llu cuts (%llu of them with a second one) in %llu lives; by kind:",
           (unsigned long long)run.cases, (unsigned long long)run.pairs,
           (unsigned long long)run.lives);
    for (unsigned kind = 0; kind < TEAR_KINDS; kind++)
        printf(" %llu", (unsigned long long)run.of_kind[kind]);
    printf("\n");
}

static void every_cut_of_a_whole_life_ends_well(void **state)
{
    (void)state;
    cut_life(WHOLE_LIFE, false, !run.is_short);
    print_cases();
    assert_false(run.failed);
    for (unsigned kind = 0; kind < TEAR_KINDS; kind++)
        assert_int_equal(run.of_kind[kind], run.of_kind[TEAR_BEFORE]);
    assert_true(run.cases > (run.is_short ? 500u : 2000u));
}

/* The same life without a cut. */
static void live_once(uint64_t seed)
{
    open_life(seed);
    for (unsigned step = 0; step < story.count; step++) {
        uint32_t before = story.card.emulator.operations, erased = erases();
        story_step(&story, step, 1);
        printf("# %s: %u operations, %u of them erases\n", deed_names[story.steps[step].deed],
               story.card.emulator.operations - before, erases() - erased);
    }
    story_settle(&story);
    story_close(&story);
}

/* ---- hunting ---- */

static int hunt(bool with_second, char **arguments, int count)
{
    unsigned long shard = strtoul(arguments[0], NULL, 10), shards = strtoul(arguments[1], NULL, 10);
    const char *seconds = getenv("HUNT_SECONDS");
    uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : (uint64_t)time(NULL);
    if (shards == 0 || shard >= shards)
        return 2;
    run.deadline = time(NULL) + (seconds == NULL ? 60 : strtol(seconds, NULL, 10));
    printf("# seed %llu, shard %lu of %lu\n", (unsigned long long)seed, shard, shards);
    for (uint64_t life = seed * 1000000u + shard; !is_over(); life += shards) {
        cut_life(life, with_second, false);
        print_cases(); /* so far, for whoever looks */
        fflush(stdout);
    }
    return run.failed ? 1 : 0;
}

static int one_case(char **a, int count)
{
    struct single c = {
        .seed = strtoull(a[0], NULL, 10),
        .step = (unsigned)strtoul(a[1], NULL, 10),
        .first = {(uint32_t)strtoul(a[2], NULL, 10), (enum tear)strtoul(a[3], NULL, 10)}};
    if (count > 5)
        c.second =
            (struct cut){(uint32_t)strtoul(a[4], NULL, 10), (enum tear)strtoul(a[5], NULL, 10)};
    open_life(c.seed);
    for (unsigned step = 0; step < c.step; step++)
        story_step(&story, step, 1);
    world_is_child = true;
    enum end end = live_on(&c);
    printf("# %s\n", end == CASE_NO_CUT ? "no such operation" : "went well");
    story_close(&story);
    return 0;
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_cut_of_a_whole_life_ends_well)};
    run.is_short = count >= 2 && strcmp(arguments[1], "short") == 0;
    if (count >= 4 && strcmp(arguments[1], "hunt") == 0)
        return hunt(false, arguments + 2, count - 2);
    if (count >= 4 && strcmp(arguments[1], "pairs") == 0)
        return hunt(true, arguments + 2, count - 2);
    if (count >= 2 && strcmp(arguments[1], "count") == 0) {
        live_once(count > 2 ? strtoull(arguments[2], NULL, 10) : WHOLE_LIFE);
        return 0;
    }
    if (count >= 6 && strcmp(arguments[1], "case") == 0)
        return one_case(arguments + 2, count - 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
