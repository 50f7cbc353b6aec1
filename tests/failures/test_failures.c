/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that bank, terminals and card images lean on, made to fail call by call.
 *
 *     test_failures                             some calls of each kind in each step of a life
 *     test_failures hunt SHARD SHARDS           all of them, for HUNT_SECONDS if that is set
 *     test_failures case STEP KIND CALL STAYS   one of them again
 *     test_failures call STEP NAME CALL         the CALL-th of that function
 *     test_failures count                       how many calls each step makes
 *
 * test_failures_campus is the same with the life of the campus purse.
 *
 * The life is lived once. Before each step the process is forked for each case: in the fork one
 * call fails, or all from that one on, the step says how it ended, and everything is closed.
 * Nothing may be held then, and what was said must be so on the card. Then nothing fails any more:
 * the step is tried again until it is done, everything goes home, the books balance, each
 * party has exactly its money and the audit finds nothing. The files are put back as they were.
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <psa/crypto.h>

#include "crypto/crypto.h"
#include "failing.h"
#include "life.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define HAS_LSAN
#endif
#endif

/* Of each kind in each step, in the short run; under the sanitizers in one step of three. With RSA
 * each case takes three times as long: one step of four, and of six. */
#define AT_MOST 1u
#ifndef STEPS_APART
#define STEPS_APART 1u
#endif
#ifdef HAS_LSAN
#define STEPS_TAKEN (STEPS_APART > 1 ? 6u : 3u)
#else
#define STEPS_TAKEN STEPS_APART
#endif
#define TRIES 3u
#define BLOBS_MOST 6u
#define BLOBS_APART (STEPS_APART > 1 ? 8u : 4u) /* of the steps */

/* No number that a sanitizer ends a process with. */
enum case_end { CASE_REFUSED = 40, CASE_FAILED, CASE_TOLERATED, CASE_NOT_MET };

struct single {
    unsigned step;
    enum failing_kind kind;
    uint32_t at;
    bool stays;
    const char *name; /* NULL: any of the kind */
};

static struct {
    uint64_t cases[FAILING_KINDS][2], tolerated[FAILING_KINDS];
    uint64_t failed;
    unsigned most; /* cases of a kind in a step; 0: all */
    unsigned shard, shards;
    time_t deadline;
} run;

static const bool may_stay[FAILING_KINDS] = {
    [FAILING_ALLOC] = true,         [FAILING_DISK] = true,        [FAILING_PSA] = true,
    [FAILING_SQLITE_MEMORY] = true, [FAILING_SQLITE_FILE] = true,
};

/* ---- one case, in its fork ---- */

static bool is_wrong(const struct single *c, const char *what)
{
    printf("# %s; %s fails %s%s, said \"%s\": %s\n", life_steps[c->step].name, failing_met(),
           failing_names[c->kind], c->stays ? " from there on" : "", life.said, what);
    if (c->name != NULL)
        printf("#   %s call %u %s %u\n", program_invocation_short_name, c->step, c->name, c->at);
    else
        printf("#   %s case %u %d %u %d\n", program_invocation_short_name, c->step, (int)c->kind,
               c->at, c->stays);
    return false;
}

static bool holds_nothing(const struct single *c, const struct failing_held *before)
{
    struct failing_held after;
    failing_held(&after);
    if (after.blocks != before->blocks)
        return is_wrong(c, "memory or a database is still held");
    if (after.keys != before->keys)
        return is_wrong(c, "a key is still held");
    if (after.files != before->files)
        return is_wrong(c, "a file is still open");
#ifdef HAS_LSAN
    if (__lsan_do_recoverable_leak_check() != 0)
        return is_wrong(c, "memory leaked");
#endif
    return true;
}

/* What was said against what the card holds. */
static bool is_true(const struct single *c, enum life_end end, int64_t before)
{
    const struct life_step *step = &life_steps[c->step];
    int64_t after = life_card_balance();
    if (!life.is_issued)
        return true;
    if (end == LIFE_DONE && after != before + step->change)
        return is_wrong(c, "done was said, and the card does not say so");
    if (end == LIFE_NOT_DONE && after != before)
        return is_wrong(c, "not done was said, and the card's balance moved");
    if (end == LIFE_OPEN && after != before && after != before + step->change)
        return is_wrong(c, "the card's balance is neither the old nor the new one");
    /* A PIN is asked for by a first, refused PAY; an order that was not taken is taken back. */
    if (life.says_nothing_begun && life.money_commands != 0 && !step->has_two_commands)
        return is_wrong(c, "nothing was begun was said, and a money command reached the card");
    return true;
}

static bool is_finished(const struct single *c, enum life_end end)
{
    const struct life_step *step = &life_steps[c->step];
    char first[sizeof life.said];
    memcpy(first, life.said, sizeof first);
    for (unsigned i = 0; end != LIFE_DONE && i < TRIES; i++)
        end = step->run(step);
    if (end != LIFE_DONE)
        return is_wrong(c, "it cannot be finished, though nothing fails any more");
    memcpy(life.said, first, sizeof first);
    life_note(step);
    if (life.is_issued && life_card_balance() != life.balance)
        return is_wrong(c, "when it was finished the card's balance was wrong");
    return true;
}

static bool is_settled(const struct single *c)
{
    char first[sizeof life.said];
    memcpy(first, life.said, sizeof first);
    const char *wrong = life_settle();
    /* One in four lives on for a step. */
    if (wrong == NULL && c->at % 4 == 0 && c->step + 1 < life_steps_count) {
        const struct life_step *next = &life_steps[c->step + 1];
        if (next->run(next) != LIFE_DONE)
            wrong = "the next step cannot be done";
        else {
            life_note(next);
            wrong = life_settle();
        }
    }
    if (wrong == NULL)
        return true;
    printf("# (at the end: \"%s\")\n", life.said);
    memcpy(life.said, first, sizeof first);
    return is_wrong(c, wrong);
}

static enum case_end live(const struct single *c)
{
    const struct life_step *step = &life_steps[c->step];
    struct failing_held before;
    int64_t balance = life_card_balance();
    life.money_commands = 0;
    life.says_nothing_begun = false;
    failing_held(&before);
    if (c->name != NULL)
        failing_start_call(c->name, c->at);
    else
        failing_start(c->kind, c->at, c->stays);
    enum life_end end = step->run(step);
    if (!failing_stop())
        return CASE_NOT_MET;
    if (!holds_nothing(c, &before) || !is_true(c, end, balance) || !is_finished(c, end) ||
        !is_settled(c))
        return CASE_FAILED;
    return end == LIFE_DONE ? CASE_TOLERATED : CASE_REFUSED;
}

static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
#define DEADLY (sizeof deadly / sizeof deadly[0])
static struct sigaction at_start[DEADLY];

/* What a deadly signal does before cmocka takes it: the sanitizers tell where it was. */
static void keep_signals(void)
{
    for (unsigned i = 0; i < DEADLY; i++)
        if (sigaction(deadly[i], NULL, &at_start[i]) != 0)
            abort();
}

static enum case_end in_fork(const struct single *c)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* A crash ends the fork, not its test; what waits for ever is a finding too. */
        for (unsigned i = 0; i < DEADLY; i++)
            (void)sigaction(deadly[i], &at_start[i], NULL);
        alarm(120);
        enum case_end end = live(c);
        fflush(stdout);
        _exit((int)end);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) >= (int)CASE_REFUSED)
        return (enum case_end)WEXITSTATUS(status);
    if (WIFEXITED(status))
        printf("# ended by a sanitizer, exit %d\n", WEXITSTATUS(status));
    else
        printf("# ended by signal %d\n", WTERMSIG(status));
    is_wrong(c, "it crashed");
    return CASE_FAILED;
}

/* ---- all cases of a step ---- */

static bool is_over(void)
{
    return run.deadline != 0 && time(NULL) >= run.deadline;
}

static enum case_end take_case(const struct single *c, const struct life_files *files)
{
    enum case_end end = in_fork(c);
    life_put_back(files);
    if (end == CASE_NOT_MET)
        return end;
    if (end != CASE_REFUSED && end != CASE_TOLERATED) {
        run.failed++;
        return end;
    }
    run.cases[c->kind][c->stays]++;
    run.tolerated[c->kind] += end == CASE_TOLERATED;
    return end;
}

/* A blob that could not be shown was once taken for an empty one: it is never left to chance. */
static void take_blobs(unsigned step, const struct life_files *files)
{
    struct single c = {step, FAILING_SQLITE, 0, false, "sqlite3_column_blob"};
    enum case_end end;
    do {
        c.at++;
        end = take_case(&c, files);
    } while ((end == CASE_REFUSED || end == CASE_TOLERATED) && c.at < BLOBS_MOST);
}

static void take_kind(unsigned step, enum failing_kind kind, uint32_t calls,
                      const struct life_files *files)
{
    uint32_t cases = run.most == 0 || calls < run.most ? calls : run.most;
    for (uint32_t i = 0; i < cases && !is_over(); i++) {
        /* Spread over the calls, and not on the same place in each step. */
        uint32_t at =
            (uint32_t)(1 +
                       ((uint64_t)i * calls + (step * 37u + (unsigned)kind * 11u) % calls) / cases);
        struct single c = {step, kind, at, false, NULL};
        if (at % run.shards != run.shard)
            continue;
        (void)take_case(&c, files);
        c.stays = true;
        if (may_stay[kind] && (run.most == 0 || i == 0))
            (void)take_case(&c, files);
    }
}

/* The calls of the step, counted in a fork that nothing fails in. */
static void count_calls(unsigned step, uint32_t calls[FAILING_KINDS],
                        const struct life_files *files)
{
    int ends[2], status = 0;
    fflush(NULL);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        failing_start(FAILING_KINDS, 0, false);
        bool is_done = life_steps[step].run(&life_steps[step]) == LIFE_DONE;
        (void)failing_stop();
        for (unsigned kind = 0; kind < FAILING_KINDS; kind++)
            calls[kind] = failing_count((enum failing_kind)kind);
        bool is_told = write(ends[1], calls, FAILING_KINDS * sizeof *calls) > 0;
        if (!is_done)
            printf("# %s: %s\n", life_steps[step].name, life.said);
        fflush(stdout);
        _exit(is_done && is_told ? 0 : 1);
    }
    close(ends[1]);
    bool is_told = read(ends[0], calls, FAILING_KINDS * sizeof *calls) ==
                   (ssize_t)(FAILING_KINDS * sizeof *calls);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(is_told);
    assert_int_equal(status, 0);
    life_put_back(files);
}

static void live_all(bool only_count)
{
    assert_int_equal(crypto_start(), CRYPTO_OK);
    life_open();
    for (unsigned i = 0; i < life_steps_count && !is_over(); i++) {
        const struct life_step *step = &life_steps[i];
        uint32_t calls[FAILING_KINDS];
        life.now += 60;
        struct life_files *files = life_keep();
        count_calls(i, calls, files);
        if (only_count)
            printf("# %2u %-24s", i, step->name);
        for (unsigned kind = 0; kind < FAILING_KINDS; kind++) {
            if (only_count)
                printf(" %6u", calls[kind]);
            else if (calls[kind] > 0 && (run.most == 0 || (i + kind) % STEPS_TAKEN == 0))
                take_kind(i, (enum failing_kind)kind, calls[kind], files);
        }
        if (only_count)
            printf("\n");
        else if (run.most != 0 && i % BLOBS_APART == 1)
            take_blobs(i, files);
        life_forget(files);
        assert_int_equal(step->run(step), LIFE_DONE);
        life_note(step);
    }
    const char *wrong = is_over() ? NULL : life_settle();
    if (wrong != NULL)
        fail_msg("%s", wrong);
    life_close();
}

static uint64_t print_cases(void)
{
    uint64_t all = 0;
    for (unsigned kind = 0; kind < FAILING_KINDS; kind++) {
        uint64_t alone = run.cases[kind][0], staying = run.cases[kind][1];
        if (alone + staying > 0)
            printf("# %s: %llu calls failed alone, %llu with all behind them; done all the same "
                   "%llu times\n",
                   failing_names[kind], (unsigned long long)alone, (unsigned long long)staying,
                   (unsigned long long)run.tolerated[kind]);
        all += alone + staying;
    }
    printf("# %llu cases in all, %llu of them went wrong\n", (unsigned long long)(all + run.failed),
           (unsigned long long)run.failed);
    return all;
}

static void what_fails_is_told_and_nothing_is_lost(void **state)
{
    (void)state;
    run.most = AT_MOST;
    run.shards = 1;
    live_all(false);
    assert_true(print_cases() > 50);
    assert_int_equal(run.failed, 0);
}

/* ---- the measure itself ---- */

static void *volatile lost;

static void lose_nothing(void)
{
}

static void lose_a_block(void)
{
    lost = malloc(100);
    lost = NULL;
}

static void lose_a_file(void)
{
    (void)!dup(1);
}

static void lose_a_key(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&attributes, 128);
    if (psa_generate_key(&attributes, &key) != PSA_SUCCESS)
        abort();
}

/* What no wrap counts: only the sanitizer sees it. */
static void lose_a_librarys_block(void)
{
    for (unsigned i = 0; i < 8; i++)
        lost = EVP_MD_CTX_new();
    lost = NULL;
}

static bool is_noticed(void (*lose)(void))
{
    const struct single c = {0};
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct failing_held before;
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        failing_held(&before);
        lose();
        _exit(holds_nothing(&c, &before) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    return WEXITSTATUS(status) == 1;
}

static void what_is_held_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(crypto_start(), CRYPTO_OK);
    assert_false(is_noticed(lose_nothing));
    assert_true(is_noticed(lose_a_block));
    assert_true(is_noticed(lose_a_file));
    assert_true(is_noticed(lose_a_key));
#ifdef HAS_LSAN
    assert_true(is_noticed(lose_a_librarys_block));
#else
    assert_false(is_noticed(lose_a_librarys_block));
#endif
}

static int hunt(char **arguments)
{
    const char *seconds = getenv("HUNT_SECONDS");
    run.shard = (unsigned)strtoul(arguments[0], NULL, 10);
    run.shards = (unsigned)strtoul(arguments[1], NULL, 10);
    if (run.shards == 0 || run.shard >= run.shards)
        return 2;
    if (seconds != NULL)
        run.deadline = time(NULL) + strtol(seconds, NULL, 10);
    live_all(false);
    print_cases();
    return run.failed == 0 ? 0 : 1;
}

static int one_case(char **a, bool is_named)
{
    const struct single c = {.step = (unsigned)strtoul(a[0], NULL, 10),
                             .kind = is_named ? FAILING_SQLITE
                                              : (enum failing_kind)strtoul(a[1], NULL, 10),
                             .at = (uint32_t)strtoul(a[2], NULL, 10),
                             .stays = !is_named && strtoul(a[3], NULL, 10) != 0,
                             .name = is_named ? a[1] : NULL};
    if (c.step >= life_steps_count || c.kind >= FAILING_KINDS || crypto_start() != CRYPTO_OK)
        return 2;
    life_open();
    for (unsigned i = 0; i <= c.step; i++) {
        life.now += 60;
        if (i == c.step)
            break;
        if (life_steps[i].run(&life_steps[i]) != LIFE_DONE)
            return 2;
        life_note(&life_steps[i]);
    }
    enum case_end end = live(&c);
    printf("# %s: %s, said \"%s\"\n", failing_met(),
           end == CASE_NOT_MET     ? "no such call"
           : end == CASE_REFUSED   ? "told, and finished later"
           : end == CASE_TOLERATED ? "done all the same"
                                   : "went wrong",
           life.said);
    life_close();
    return end == CASE_FAILED;
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_held_is_noticed),
                                       cmocka_unit_test(what_fails_is_told_and_nothing_is_lost)};
    keep_signals();
    failing_prepare();
    if (count == 4 && strcmp(arguments[1], "hunt") == 0)
        return hunt(arguments + 2);
    if (count == 6 && strcmp(arguments[1], "case") == 0)
        return one_case(arguments + 2, false);
    if (count == 5 && strcmp(arguments[1], "call") == 0)
        return one_case(arguments + 2, true);
    if (count == 2 && strcmp(arguments[1], "count") == 0) {
        run.shards = 1;
        live_all(true);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
