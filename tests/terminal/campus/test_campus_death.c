/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal whose process dies, without another word to its journal, before any command leaves and
 * after any command was carried out: started again, it moves the money once. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "yard.h"

#define DIED 7
#define AMOUNT 400u

typedef enum stiver_terminal_status move(struct stiver_campus_terminal *, struct card_reader *,
                                         uint32_t, struct stiver_campus_result *);

static struct own_card *own; /* the process that dies has the same card in hand */
static struct between between;
static struct stiver_campus_result result;
static uint8_t deadly;

static int fresh(void **state)
{
    (void)state;
    yard.now = YARD_NOW;
    own = mmap(NULL, sizeof *own, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (own == MAP_FAILED)
        return -1;
    own_make(own);
    stiver_campus_terminal_close(yard_terminal(STIVER_CAMPUS_POS, "pos"));
    stiver_campus_terminal_close(yard_terminal(STIVER_CAMPUS_RELOAD, "reload"));
    return 0;
}

static int over(void **state)
{
    (void)state;
    return munmap(own, sizeof *own);
}

static bool die_before(struct between *b, uint8_t *command, size_t *bytes, uint8_t *answer,
                       size_t *answer_bytes)
{
    (void)b;
    (void)bytes;
    (void)answer;
    (void)answer_bytes;
    if (command[1] == deadly)
        _exit(DIED);
    return false;
}

static void die_after(struct between *b, const uint8_t *command, uint8_t *answer, size_t *bytes)
{
    (void)b;
    (void)answer;
    (void)bytes;
    if (command[1] == deadly)
        _exit(DIED);
}

static void die(const char *directory, move *moves, bool is_after)
{
    int ended = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct stiver_campus_terminal *terminal = NULL;
        between_put(&between, &own->reader);
        between.on_command = is_after ? NULL : die_before;
        between.on_answer = is_after ? die_after : NULL;
        if (yard_try_open(directory, &terminal) == STIVER_TERMINAL_OK)
            (void)moves(terminal, &between.reader, AMOUNT, &result);
        _exit(1); /* it lived */
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == DIED);
}

/* The same once more, with the terminal started again. */
static enum stiver_terminal_status again(const char *directory, move *moves)
{
    struct stiver_campus_terminal *terminal = NULL;
    struct stiver_campus_info info;
    between_put(&between, &own->reader);
    between.on_command = NULL;
    between.on_answer = NULL;
    assert_int_equal(yard_try_open(directory, &terminal), STIVER_TERMINAL_OK);
    enum stiver_terminal_status status = moves(terminal, &between.reader, AMOUNT, &result);
    assert_int_equal(stiver_campus_terminal_info(terminal, &info), STIVER_TERMINAL_OK);
    assert_int_equal(info.open, 0);
    stiver_campus_terminal_close(terminal);
    return status;
}

static uint32_t balance(void)
{
    struct stiver_campus_terminal *terminal = NULL;
    struct stiver_campus_purse purse;
    between_put(&between, &own->reader);
    assert_int_equal(yard_try_open("reload", &terminal), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_campus_read(terminal, &between.reader, &purse, &result),
                     STIVER_TERMINAL_OK);
    stiver_campus_terminal_close(terminal);
    return purse.balance;
}

static void a_terminal_that_dies_anywhere_in_a_load_loads_once(void **state)
{
    (void)state;
    static const uint8_t ins[] = {0xA4, 0x20, 0x22, 0x24, 0x26, 0x28, 0x30, 0x32};
    uint32_t held = 0;
    for (size_t i = 0; i < sizeof ins; i++)
        for (int is_after = 0; is_after <= 1; is_after++) {
            deadly = ins[i];
            die("reload", stiver_campus_load, is_after == 1);
            const bool was_done = deadly == 0x32 && is_after == 1;
            assert_int_equal(again("reload", stiver_campus_load),
                             was_done ? STIVER_TERMINAL_FINISHED_EARLIER : STIVER_TERMINAL_OK);
            held += AMOUNT;
            assert_int_equal(balance(), held);
        }
}

static void a_terminal_that_dies_anywhere_in_a_payment_pays_once(void **state)
{
    (void)state;
    static const uint8_t ins[] = {0xA4, 0x20, 0x22, 0x24, 0x26, 0x28, 0x42};
    for (size_t i = 0; i < 2 * sizeof ins; i++)
        assert_int_equal(again("reload", stiver_campus_load), STIVER_TERMINAL_OK);
    uint32_t held = balance();
    for (size_t i = 0; i < sizeof ins; i++)
        for (int is_after = 0; is_after <= 1; is_after++) {
            deadly = ins[i];
            die("pos", stiver_campus_pay, is_after == 1);
            const bool was_done = deadly == 0x42 && is_after == 1;
            assert_int_equal(again("pos", stiver_campus_pay),
                             was_done ? STIVER_TERMINAL_FINISHED_EARLIER : STIVER_TERMINAL_OK);
            assert_true(result.has_receipt);
            held -= AMOUNT;
            assert_int_equal(balance(), held);
        }
    assert_int_equal(held, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, over)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_terminal_that_dies_anywhere_in_a_load_loads_once),
        TEST(a_terminal_that_dies_anywhere_in_a_payment_pays_once),
    };
    return cmocka_run_group_tests(tests, yard_open, yard_close);
}
