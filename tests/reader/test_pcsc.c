/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards over PC/SC as users have them: a real pcscd with the real virtual reader, in a private
 * directory, and card programs that connect to it. Only the card in the programs is a stand-in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

#include "base/bytes.h"
#include "card_process.h"
#include "echo_card.h"
#include "port/host/private_pcscd.h"
#include "reader/pcsc.h"

#define SLOT_0 "Virtual PCD 00 00"
#define SLOT_1 "Virtual PCD 00 01"
#define WAIT_MS 5000

static struct private_pcscd pcscd;
static struct card_process cards[2];
static struct card_reader readers[2];

static uint64_t microseconds_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static int start_pcscd(void **state)
{
    (void)state;
    const struct private_pcscd_options options = {0};
    alarm(110);
    return private_pcscd_start(&options, &pcscd) == PRIVATE_PCSCD_OK ? 0 : -1;
}

static int stop_pcscd(void **state)
{
    (void)state;
    private_pcscd_stop(&pcscd);
    return 0;
}

static int take_cards_out(void **state)
{
    (void)state;
    for (int slot = 0; slot < 2; slot++) {
        card_reader_close(&readers[slot]);
        memset(&readers[slot], 0, sizeof readers[slot]);
        if (cards[slot].pid > 0)
            card_process_stop(&cards[slot]);
    }
    /* pcscd sees within its 400 ms that the slots are empty, or within 5 s if a card went away
     * shortly before its connection was closed. */
    struct pcsc_list list;
    const struct timespec step = {.tv_nsec = 20000000};
    for (int i = 0; i < 400; i++) {
        if (pcsc_list(&list) != READER_OK ||
            (!list.entries[0].has_card && !list.entries[1].has_card))
            return 0;
        nanosleep(&step, NULL);
    }
    return -1;
}

static void insert(int slot, struct card_process options)
{
    cards[slot] = options;
    cards[slot].port = (uint16_t)(pcscd.port + slot);
    cards[slot].connect_ms = 2000;
    card_process_start(&cards[slot]);
}

static void open_slot(int slot)
{
    assert_int_equal(pcsc_open(slot ? SLOT_1 : SLOT_0, WAIT_MS, &readers[slot]), READER_OK);
}

static enum reader_status send_ins(int slot, int ins, uint8_t *response, size_t *bytes)
{
    const uint8_t command[] = {0x80, (uint8_t)ins, 0, 0};
    return card_reader_transmit(&readers[slot], command, sizeof command, response, 1024, bytes);
}

static uint32_t number_of(int slot, int ins)
{
    uint8_t response[1024];
    size_t bytes = 0;
    assert_int_equal(send_ins(slot, ins, response, &bytes), READER_OK);
    struct reader r = reader_of(response, bytes);
    uint32_t number = reader_u32(&r);
    assert_false(r.failed);
    return number;
}

static void empty_slots_are_listed_and_waiting_for_a_card_ends(void **state)
{
    (void)state;
    struct pcsc_list list;
    assert_int_equal(pcsc_list(&list), READER_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.entries[0].name, SLOT_0);
    assert_string_equal(list.entries[1].name, SLOT_1);
    assert_false(list.entries[0].has_card || list.entries[1].has_card);
    assert_int_equal(pcsc_open(NULL, 0, &readers[0]), READER_NO_CARD);
    assert_int_equal(pcsc_open("No such reader", 5000, &readers[0]), READER_UNKNOWN);
    assert_int_equal(pcsc_open("virtual", 5000, &readers[0]), READER_AMBIGUOUS);
    uint64_t start = microseconds_now();
    assert_int_equal(pcsc_open("00 01", 700, &readers[0]), READER_NO_CARD);
    assert_in_range(microseconds_now() - start, 690000, 5000000);
}

static void a_card_that_comes_is_waited_for_and_listed(void **state)
{
    (void)state;
    struct pcsc_list list;
    insert(1, (struct card_process){0});
    assert_int_equal(pcsc_open(NULL, WAIT_MS, &readers[1]), READER_OK);
    assert_string_equal(pcsc_name(&readers[1]), SLOT_1);
    assert_int_equal(pcsc_list(&list), READER_OK);
    assert_false(list.entries[0].has_card);
    assert_true(list.entries[1].has_card);
    assert_true(list.entries[1].is_in_use);
    assert_false(list.entries[1].is_mute);
}

/* Commands and responses of every length around the limits of short APDUs, and the longest. */
static void short_and_extended_apdus_arrive_whole(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 127, 128, 253, 254, 255, 256, 257, 500, 1000, 1015};
    uint8_t command[1024], response[1024];
    size_t bytes = 0;
    insert(0, (struct card_process){0});
    open_slot(0);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t count = lengths[i];
        struct writer w = writer_of(command, sizeof command);
        writer_u32(&w, 0x80100000);
        if (count > 255) {
            writer_u8(&w, 0);
            writer_u16(&w, (uint16_t)count);
        } else {
            writer_u8(&w, (uint8_t)count);
        }
        for (size_t j = 0; j < count; j++)
            writer_u8(&w, (uint8_t)(j * 3 + count));
        if (count > 255)
            writer_u16(&w, 0);
        else
            writer_u8(&w, 0);
        assert_false(w.failed);
        assert_int_equal(
            card_reader_transmit(&readers[0], command, w.used, response, sizeof response, &bytes),
            READER_OK);
        assert_int_equal(bytes, count + 2);
        assert_memory_equal(response, command + (count > 255 ? 7 : 5), count);
        assert_memory_equal(response + count, "\x90\x00", 2);
    }
    const uint8_t longest[] = {0x80, ECHO_INS_LONG, 1022 >> 8, 1022 & 0xFF, 0, 0, 0};
    assert_int_equal(card_reader_transmit(&readers[0], longest, sizeof longest, response,
                                          sizeof response, &bytes),
                     READER_OK);
    assert_int_equal(bytes, 1024);
    assert_int_equal(
        card_reader_transmit(&readers[0], longest, sizeof longest, response, 1023, &bytes),
        READER_PROTOCOL);
}

static void two_cards_in_two_slots_do_not_meet(void **state)
{
    (void)state;
    insert(0, (struct card_process){0});
    insert(1, (struct card_process){0});
    open_slot(0);
    open_slot(1);
    for (uint32_t i = 1; i <= 10; i++) {
        assert_int_equal(number_of(0, ECHO_INS_WRITE), i);
        assert_int_equal(number_of(1, ECHO_INS_WRITE), 2 * i - 1);
        assert_int_equal(number_of(1, ECHO_INS_WRITE), 2 * i);
    }
}

static void reset_and_close_take_the_power_away(void **state)
{
    (void)state;
    insert(0, (struct card_process){0});
    open_slot(0);
    assert_int_equal(number_of(0, ECHO_INS_COUNT), 1);
    assert_int_equal(number_of(0, ECHO_INS_COUNT), 2);
    assert_int_equal(card_reader_reset(&readers[0]), READER_OK);
    assert_int_equal(number_of(0, ECHO_INS_COUNT), 1);
    card_reader_close(&readers[0]);
    open_slot(0);
    assert_int_equal(number_of(0, ECHO_INS_COUNT), 1);
}

static void a_card_removed_between_commands_is_named(void **state)
{
    (void)state;
    uint8_t response[1024];
    size_t bytes = 7;
    insert(0, (struct card_process){0});
    open_slot(0);
    assert_int_equal(number_of(0, ECHO_INS_COUNT), 1);
    assert_int_equal(card_process_stop(&cards[0]), VIRTUAL_CARD_STOPPED);
    assert_int_equal(send_ins(0, ECHO_INS_COUNT, response, &bytes), READER_CARD_REMOVED);
    assert_int_equal(bytes, 0);
    assert_int_equal(send_ins(0, ECHO_INS_COUNT, response, &bytes), READER_CARD_REMOVED);
    assert_int_equal(card_reader_reset(&readers[0]), READER_CARD_REMOVED);
}

static void a_card_pulled_during_a_command_is_named(void **state)
{
    (void)state;
    uint8_t response[1024];
    size_t bytes = 7;
    insert(0, (struct card_process){.pull = {PULL_BEFORE_ANSWER, ECHO_INS_WRITE, 1}});
    open_slot(0);
    assert_int_equal(send_ins(0, ECHO_INS_WRITE, response, &bytes), READER_CARD_REMOVED);
    assert_int_equal(bytes, 0);
    assert_int_equal(card_process_wait(&cards[0]), VIRTUAL_CARD_PULLED);
    card_reader_close(&readers[0]);
    insert(0, (struct card_process){0});
    open_slot(0);
    assert_int_equal(number_of(0, ECHO_INS_COUNT), 1);
}

/* Another program: this one again, with what it shall try. */
static int other_program(const char *what)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "test_pcsc", what, (char *)NULL);
        _exit(99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* 0: it got at the card and reset it. 1: it was kept out. */
static int other_program_resets(void)
{
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol = 0;
    const DWORD any = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1;
    static const DWORD shares[] = {SCARD_SHARE_SHARED, SCARD_SHARE_EXCLUSIVE, SCARD_SHARE_DIRECT};
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
        return 2;
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        LONG code = SCardConnect(context, SLOT_0, shares[i], any, &card, &protocol);
        if (code == SCARD_S_SUCCESS)
            return (int)SCardDisconnect(card, SCARD_RESET_CARD);
        if (code != SCARD_E_SHARING_VIOLATION)
            return 3;
    }
    return 1;
}

static int other_program_opens(void)
{
    struct card_reader reader = {0};
    enum reader_status status = pcsc_open(SLOT_0, 300, &reader);
    if (status == READER_OK)
        card_reader_close(&reader);
    return (int)status;
}

static void no_other_program_breaks_into_a_session(void **state)
{
    (void)state;
    insert(0, (struct card_process){0});
    open_slot(0);
    assert_int_equal(number_of(0, ECHO_INS_COUNT), 1);
    assert_int_equal(other_program("reset"), 1);
    assert_int_equal(other_program("open"), READER_IN_USE);
    assert_int_equal(number_of(0, ECHO_INS_COUNT), 2);
    card_reader_close(&readers[0]);
    assert_int_equal(other_program("open"), READER_OK);
    assert_int_equal(other_program("reset"), 0);
}

static void a_card_with_a_senseless_answer_to_reset_is_refused(void **state)
{
    (void)state;
    insert(0, (struct card_process){.is_senseless = true});
    assert_int_equal(pcsc_open(SLOT_0, WAIT_MS, &readers[0]), READER_PROTOCOL);
    assert_int_equal(pcsc_open(NULL, 0, &readers[0]), READER_PROTOCOL);
}

/* A card that speaks T=0 and knows none of our applications: understood, and left as it was. */
static void an_ordinary_card_of_another_kind_answers_and_is_left_alone(void **state)
{
    (void)state;
    static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00, 0x05, 0xF0, 1, 2, 3, 4, 0x00};
    static const uint8_t echo[] = {0x80, ECHO_INS_ECHO, 0, 0, 3, 'a', 'b', 'c', 0};
    static const uint8_t longer[] = {0x80, ECHO_INS_LONG, 0, 250, 0};
    uint8_t response[1024];
    size_t bytes = 0;
    insert(0, (struct card_process){.is_t0 = true});
    open_slot(0);
    assert_int_equal(
        card_reader_transmit(&readers[0], select, sizeof select, response, sizeof response, &bytes),
        READER_OK);
    assert_int_equal(bytes, 2);
    assert_memory_equal(response, "\x6A\x82", 2);
    assert_int_equal(
        card_reader_transmit(&readers[0], echo, sizeof echo, response, sizeof response, &bytes),
        READER_OK);
    assert_int_equal(bytes, 5);
    assert_memory_equal(response, "abc\x90\x00", 5);
    assert_int_equal(
        card_reader_transmit(&readers[0], longer, sizeof longer, response, sizeof response, &bytes),
        READER_OK);
    assert_int_equal(bytes, 252);
    for (size_t i = 0; i < 250; i++)
        assert_int_equal(response[i], (uint8_t)i);
    card_reader_close(&readers[0]);
    assert_int_equal(card_process_stop(&cards[0]), VIRTUAL_CARD_STOPPED);
}

static int compare_times(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* A delayed acknowledgement would cost 40 ms an exchange. The figure goes into the log. */
static void an_exchange_is_not_held_up_by_the_network(void **state)
{
    (void)state;
    enum { EXCHANGES = 1001 };
    static uint32_t times[EXCHANGES];
    uint8_t response[1024];
    size_t bytes = 0;
    insert(0, (struct card_process){0});
    open_slot(0);
    for (int i = 0; i < EXCHANGES; i++) {
        uint64_t start = microseconds_now();
        assert_int_equal(send_ins(0, ECHO_INS_COUNT, response, &bytes), READER_OK);
        times[i] = (uint32_t)(microseconds_now() - start);
    }
    qsort(times, EXCHANGES, sizeof times[0], compare_times);
    printf("# an empty APDU over PC/SC: median %u us, 99 of 100 below %u us\n",
           (unsigned)times[EXCHANGES / 2], (unsigned)times[EXCHANGES * 99 / 100]);
    assert_in_range(times[EXCHANGES / 2], 1, 10000);
}

/* Last, since it ends pcscd. */
static void a_service_that_ends_is_named_and_holds_nobody(void **state)
{
    (void)state;
    struct pcsc_list list;
    uint8_t response[1024];
    size_t bytes = 7;
    insert(0, (struct card_process){0});
    open_slot(0);
    kill(pcscd.pid, SIGKILL);
    waitpid(pcscd.pid, NULL, 0);
    pcscd.pid = 0;
    uint64_t start = microseconds_now();
    assert_int_equal(send_ins(0, ECHO_INS_COUNT, response, &bytes), READER_NO_SERVICE);
    assert_int_equal(bytes, 0);
    assert_int_equal(card_reader_reset(&readers[0]), READER_NO_SERVICE);
    card_reader_close(&readers[0]);
    assert_int_equal(card_process_wait(&cards[0]), VIRTUAL_CARD_READER_GONE);
    assert_int_equal(pcsc_list(&list), READER_NO_SERVICE);
    assert_int_equal(list.count, 0);
    assert_int_equal(pcsc_open(NULL, 3000, &readers[0]), READER_NO_SERVICE);
    assert_in_range(microseconds_now() - start, 0, 5000000);
}

#define CARD_TEST(name) cmocka_unit_test_teardown(name, take_cards_out)

int main(int count, char **arguments)
{
    if (count > 1)
        return strcmp(arguments[1], "reset") == 0 ? other_program_resets() : other_program_opens();
    const struct CMUnitTest tests[] = {
        CARD_TEST(empty_slots_are_listed_and_waiting_for_a_card_ends),
        CARD_TEST(a_card_that_comes_is_waited_for_and_listed),
        CARD_TEST(short_and_extended_apdus_arrive_whole),
        CARD_TEST(two_cards_in_two_slots_do_not_meet),
        CARD_TEST(reset_and_close_take_the_power_away),
        CARD_TEST(a_card_removed_between_commands_is_named),
        CARD_TEST(a_card_pulled_during_a_command_is_named),
        CARD_TEST(no_other_program_breaks_into_a_session),
        CARD_TEST(a_card_with_a_senseless_answer_to_reset_is_refused),
        CARD_TEST(an_ordinary_card_of_another_kind_answers_and_is_left_alone),
        CARD_TEST(an_exchange_is_not_held_up_by_the_network),
        cmocka_unit_test(a_service_that_ends_is_named_and_holds_nobody),
    };
    return cmocka_run_group_tests(tests, start_pcscd, stop_pcscd);
}
