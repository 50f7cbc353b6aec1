/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "echo_card.h"
#include "port/host/inprocess_reader.h"
#include "ram_flash.h"

static struct ram_flash memory;
static struct card_slot slot;
static struct card_reader reader_under_test;

/* Puts the card into the slot (again) with a plan, keeping its memory, and opens the reader. */
static void insert(struct pull_plan plan)
{
    struct stiver_flash flash = slot.options.flash;
    const struct card_slot_options options = {.flash = flash, .pull = plan};
    card_slot_init(&slot, &options);
    assert_int_equal(inprocess_reader_open(&slot, &reader_under_test), READER_OK);
}

static int fresh_card(void **state)
{
    (void)state;
    memset(&slot, 0, sizeof slot);
    memset(&reader_under_test, 0, sizeof reader_under_test);
    slot.options.flash = ram_flash_new(&memory);
    return 0;
}

static int closed_reader(void **state)
{
    (void)state;
    card_reader_close(&reader_under_test);
    return 0;
}

static enum reader_status send_ins(int ins, uint8_t *response, size_t *bytes)
{
    const uint8_t command[] = {0x80, (uint8_t)ins, 0, 0};
    return card_reader_transmit(&reader_under_test, command, sizeof command, response,
                                STIVER_APDU_MAX, bytes);
}

/* Sends a command that answers a number, and returns it. */
static uint32_t number_of(int ins)
{
    uint8_t response[STIVER_APDU_MAX];
    size_t bytes = 0;
    assert_int_equal(send_ins(ins, response, &bytes), READER_OK);
    struct reader r = reader_of(response, bytes);
    uint32_t number = reader_u32(&r);
    assert_false(r.failed);
    return number;
}

static void expect_removed(int ins)
{
    uint8_t response[STIVER_APDU_MAX];
    size_t bytes = 7;
    assert_int_equal(send_ins(ins, response, &bytes), READER_CARD_REMOVED);
    assert_int_equal(bytes, 0);
}

static void without_a_plan_nothing_is_pulled(void **state)
{
    (void)state;
    insert((struct pull_plan){0});
    for (uint32_t i = 1; i <= 20; i++)
        assert_int_equal(number_of(ECHO_INS_WRITE), i);
    assert_int_equal(memory.changes, 20);
}

static void pulled_before_commit_the_command_did_not_happen(void **state)
{
    (void)state;
    insert((struct pull_plan){PULL_BEFORE_COMMIT, ECHO_INS_WRITE, 1});
    assert_int_equal(number_of(ECHO_INS_READ), 0);
    expect_removed(ECHO_INS_WRITE);
    expect_removed(ECHO_INS_READ);
    assert_int_equal(card_reader_reset(&reader_under_test), READER_CARD_REMOVED);
    assert_int_equal(memory.changes, 0);
    insert((struct pull_plan){0});
    assert_int_equal(number_of(ECHO_INS_READ), 0);
    assert_int_equal(number_of(ECHO_INS_WRITE), 1);
}

static void pulled_before_answer_the_command_did_happen(void **state)
{
    (void)state;
    insert((struct pull_plan){PULL_BEFORE_ANSWER, ECHO_INS_WRITE, 1});
    expect_removed(ECHO_INS_WRITE);
    expect_removed(ECHO_INS_READ);
    assert_int_equal(memory.changes, 1);
    insert((struct pull_plan){0});
    assert_int_equal(number_of(ECHO_INS_READ), 1);
}

static void the_nth_command_of_the_name_is_pulled(void **state)
{
    (void)state;
    insert((struct pull_plan){PULL_BEFORE_ANSWER, ECHO_INS_WRITE, 3});
    assert_int_equal(number_of(ECHO_INS_WRITE), 1);
    assert_int_equal(number_of(ECHO_INS_READ), 1);
    assert_int_equal(number_of(ECHO_INS_WRITE), 2);
    assert_int_equal(number_of(ECHO_INS_READ), 2);
    expect_removed(ECHO_INS_WRITE);
    assert_int_equal(memory.changes, 3);
}

static void any_command_can_be_named(void **state)
{
    (void)state;
    insert((struct pull_plan){PULL_BEFORE_ANSWER, PULL_ANY_INS, 2});
    assert_int_equal(number_of(ECHO_INS_READ), 0);
    expect_removed(ECHO_INS_WRITE);
    assert_int_equal(memory.changes, 1);
}

static void a_command_without_a_commit_waits_for_one_that_commits(void **state)
{
    (void)state;
    insert((struct pull_plan){PULL_BEFORE_COMMIT, PULL_ANY_INS, 2});
    assert_int_equal(number_of(ECHO_INS_WRITE), 1);
    assert_int_equal(number_of(ECHO_INS_READ), 1);
    assert_int_equal(number_of(ECHO_INS_READ), 1);
    expect_removed(ECHO_INS_WRITE);
    assert_int_equal(memory.changes, 1);
}

static bool settle_result;
static unsigned settle_calls;

static bool settle_counted(void *context)
{
    (void)context;
    settle_calls++;
    return settle_result;
}

static void no_answer_leaves_that_is_not_durable(void **state)
{
    (void)state;
    uint8_t response[STIVER_APDU_MAX];
    size_t bytes = 7;
    const struct card_slot_options options = {.flash = slot.options.flash,
                                              .settle = settle_counted};
    card_slot_init(&slot, &options);
    assert_int_equal(inprocess_reader_open(&slot, &reader_under_test), READER_OK);
    settle_result = true;
    settle_calls = 0;
    assert_int_equal(number_of(ECHO_INS_WRITE), 1);
    assert_int_equal(settle_calls, 1);
    settle_result = false;
    assert_int_equal(send_ins(ECHO_INS_WRITE, response, &bytes), READER_CARD_MUTE);
    assert_int_equal(bytes, 0);
}

static void a_reset_forgets_what_lived_in_ram(void **state)
{
    (void)state;
    insert((struct pull_plan){0});
    assert_int_equal(number_of(ECHO_INS_COUNT), 1);
    assert_int_equal(number_of(ECHO_INS_COUNT), 2);
    assert_int_equal(card_reader_reset(&reader_under_test), READER_OK);
    assert_int_equal(number_of(ECHO_INS_COUNT), 1);
}

static void a_card_that_dies_is_mute(void **state)
{
    (void)state;
    uint8_t response[STIVER_APDU_MAX];
    size_t bytes = 7;
    insert((struct pull_plan){0});
    assert_int_equal(send_ins(ECHO_INS_DIE, response, &bytes), READER_CARD_MUTE);
    assert_int_equal(bytes, 0);
}

static void a_small_buffer_takes_a_small_answer_and_no_larger(void **state)
{
    (void)state;
    uint8_t response[8];
    const uint8_t short_one[] = {0x80, ECHO_INS_LONG, 0, 6};
    const uint8_t long_one[] = {0x80, ECHO_INS_LONG, 0, 7};
    size_t bytes = 0;
    insert((struct pull_plan){0});
    assert_int_equal(card_reader_transmit(&reader_under_test, short_one, sizeof short_one, response,
                                          sizeof response, &bytes),
                     READER_OK);
    assert_int_equal(bytes, 8);
    assert_int_equal(card_reader_transmit(&reader_under_test, long_one, sizeof long_one, response,
                                          sizeof response, &bytes),
                     READER_PROTOCOL);
    assert_int_equal(bytes, 0);
}

struct traced {
    unsigned calls;
    enum reader_status status;
    size_t command_bytes, response_bytes;
};

static void trace_counted(void *context, enum reader_status status, const uint8_t *command,
                          size_t command_bytes, const uint8_t *response, size_t response_bytes,
                          uint64_t microseconds)
{
    struct traced *traced = context;
    assert_non_null(command);
    assert_non_null(response);
    assert_true(microseconds < 10000000);
    *traced = (struct traced){traced->calls + 1, status, command_bytes, response_bytes};
}

static void the_trace_sees_every_exchange(void **state)
{
    (void)state;
    struct traced traced = {0};
    insert((struct pull_plan){PULL_BEFORE_ANSWER, ECHO_INS_READ, 1});
    reader_under_test.trace = trace_counted;
    reader_under_test.trace_context = &traced;
    assert_int_equal(number_of(ECHO_INS_COUNT), 1);
    assert_int_equal(traced.calls, 1);
    assert_int_equal(traced.status, READER_OK);
    assert_int_equal(traced.command_bytes, 4);
    assert_int_equal(traced.response_bytes, 6);
    expect_removed(ECHO_INS_READ);
    assert_int_equal(traced.calls, 2);
    assert_int_equal(traced.status, READER_CARD_REMOVED);
    assert_int_equal(traced.response_bytes, 0);
}

static void a_closed_reader_refuses(void **state)
{
    (void)state;
    uint8_t response[STIVER_APDU_MAX];
    size_t bytes = 7;
    insert((struct pull_plan){0});
    card_reader_close(&reader_under_test);
    assert_false(slot.is_powered);
    assert_int_equal(send_ins(ECHO_INS_READ, response, &bytes), READER_INTERNAL);
    assert_int_equal(card_reader_reset(&reader_under_test), READER_INTERNAL);
    card_reader_close(&reader_under_test);
}

static void every_status_has_its_sentence(void **state)
{
    (void)state;
    for (int status = READER_OK; status <= READER_INTERNAL; status++) {
        const char *text = reader_status_text((enum reader_status)status);
        assert_true(strlen(text) > 4 && text[strlen(text) - 1] == '.');
        assert_memory_equal(reader_status_name((enum reader_status)status), "READER_", 7);
    }
    assert_string_equal(reader_status_name((enum reader_status)9999), "READER_INTERNAL");
}

#define SLOT_TEST(name) cmocka_unit_test_setup_teardown(name, fresh_card, closed_reader)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SLOT_TEST(without_a_plan_nothing_is_pulled),
        SLOT_TEST(pulled_before_commit_the_command_did_not_happen),
        SLOT_TEST(pulled_before_answer_the_command_did_happen),
        SLOT_TEST(the_nth_command_of_the_name_is_pulled),
        SLOT_TEST(any_command_can_be_named),
        SLOT_TEST(a_command_without_a_commit_waits_for_one_that_commits),
        SLOT_TEST(no_answer_leaves_that_is_not_durable),
        SLOT_TEST(a_reset_forgets_what_lived_in_ram),
        SLOT_TEST(a_card_that_dies_is_mute),
        SLOT_TEST(a_small_buffer_takes_a_small_answer_and_no_larger),
        SLOT_TEST(the_trace_sees_every_exchange),
        SLOT_TEST(a_closed_reader_refuses),
        SLOT_TEST(every_status_has_its_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
