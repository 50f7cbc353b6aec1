/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual card's end of the wire, against a reader that the test plays itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "card_process.h"
#include "echo_card.h"
#include "port/host/card_image.h"

static int listener = -1, card = -1;
static uint16_t port;
static char image_path[64];
static struct card_process process;

/* A listening socket as vpcd's: the port is kept when it is opened again. */
static void reader_listen(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof address;
    const int on = 1;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(listener >= 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &bytes), 0);
    port = ntohs(address.sin_port);
}

static void reader_accept(void)
{
    const struct timeval limit = {.tv_sec = 5};
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    card = accept(listener, NULL, NULL);
    assert_true(card >= 0);
    setsockopt(card, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static void insert_card(struct card_process options)
{
    process = options;
    process.port = port;
    card_process_start(&process);
    reader_accept();
}

static int fresh_reader(void **state)
{
    (void)state;
    alarm(60);
    port = 0;
    process = (struct card_process){0};
    strcpy(image_path, "/tmp/stiver-virtual-XXXXXX");
    close(mkstemp(image_path));
    remove(image_path);
    reader_listen();
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    if (card >= 0)
        close(card);
    if (listener >= 0)
        close(listener);
    card = listener = -1;
    if (process.pid > 0) {
        kill(process.pid, SIGKILL);
        card_process_wait(&process);
    }
    remove(image_path);
    return 0;
}

static void put(const void *bytes, size_t count)
{
    assert_int_equal(send(card, bytes, count, MSG_NOSIGNAL), (ssize_t)count);
}

static void put_message(const uint8_t *bytes, size_t count)
{
    const uint8_t length[] = {(uint8_t)(count >> 8), (uint8_t)count};
    put(length, 2);
    put(bytes, count);
}

static void put_control(uint8_t code)
{
    put_message(&code, 1);
}

/* Reads one whole message; returns its length, or -1 at the end of the connection. */
static int get_message(uint8_t *bytes, size_t capacity)
{
    uint8_t length[2];
    if (recv(card, length, 2, MSG_WAITALL) != 2)
        return -1;
    size_t count = (size_t)(length[0] << 8 | length[1]);
    assert_true(count <= capacity);
    assert_int_equal(recv(card, bytes, count, MSG_WAITALL), (ssize_t)count);
    return (int)count;
}

static void expect_atr(void)
{
    static const uint8_t atr[] = {0x3B, 0x80, 0x01, 0x81};
    uint8_t found[64];
    assert_int_equal(get_message(found, sizeof found), sizeof atr);
    assert_memory_equal(found, atr, sizeof atr);
}

static uint32_t number_of(uint8_t ins)
{
    const uint8_t command[] = {0x80, ins, 0, 0};
    uint8_t response[64];
    put_message(command, sizeof command);
    int bytes = get_message(response, sizeof response);
    assert_true(bytes >= 6);
    struct reader r = reader_of(response, (size_t)bytes);
    return reader_u32(&r);
}

static void the_atr_is_given_at_any_time(void **state)
{
    (void)state;
    insert_card((struct card_process){0});
    put_control(4);
    expect_atr();
    put_control(1);
    put_control(4);
    expect_atr();
    assert_int_equal(number_of(ECHO_INS_COUNT), 1);
    put_control(4);
    expect_atr();
    assert_int_equal(number_of(ECHO_INS_COUNT), 2);
    put_control(0);
    put_control(4);
    expect_atr();
    assert_int_equal(card_process_stop(&process), VIRTUAL_CARD_STOPPED);
}

static void power_and_reset_start_the_card_anew(void **state)
{
    (void)state;
    insert_card((struct card_process){0});
    put_control(1);
    assert_int_equal(number_of(ECHO_INS_COUNT), 1);
    assert_int_equal(number_of(ECHO_INS_COUNT), 2);
    put_control(2);
    assert_int_equal(number_of(ECHO_INS_COUNT), 1);
    put_control(0);
    put_control(1);
    assert_int_equal(number_of(ECHO_INS_COUNT), 1);
}

static void unknown_controls_and_empty_messages_get_no_answer(void **state)
{
    (void)state;
    insert_card((struct card_process){0});
    put_control(1);
    put_control(3);
    put_control(0x77);
    put("\0\0", 2);
    assert_int_equal(number_of(ECHO_INS_COUNT), 1);
}

static void a_command_may_arrive_byte_by_byte(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 8, 0x80, ECHO_INS_ECHO, 0, 0, 3, 'a', 'b', 'c'};
    const struct timespec pause = {.tv_nsec = 2000000};
    uint8_t response[16];
    insert_card((struct card_process){0});
    for (size_t i = 0; i < sizeof bytes; i++) {
        put(bytes + i, 1);
        nanosleep(&pause, NULL);
    }
    assert_int_equal(get_message(response, sizeof response), 5);
    assert_memory_equal(response, "abc\x90\x00", 5);
}

static void several_messages_may_arrive_at_once(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 1, 1, 0, 1, 4, 0, 4, 0x80, ECHO_INS_COUNT, 0, 0, 0, 1, 4};
    uint8_t response[16];
    insert_card((struct card_process){0});
    put(bytes, sizeof bytes);
    expect_atr();
    assert_int_equal(get_message(response, sizeof response), 6);
    expect_atr();
}

static void commands_longer_than_a_card_takes_get_6700(void **state)
{
    (void)state;
    static uint8_t command[65535];
    static const size_t lengths[] = {STIVER_APDU_MAX + 1, 2000, 65535};
    uint8_t response[16];
    insert_card((struct card_process){0});
    memset(command, 0x80, sizeof command);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        put_message(command, lengths[i]);
        assert_int_equal(get_message(response, sizeof response), 2);
        assert_memory_equal(response, "\x67\x00", 2);
    }
}

static void the_longest_answer_arrives_whole(void **state)
{
    (void)state;
    static const uint8_t command[] = {0x80, ECHO_INS_LONG, 0x03, 0xFE};
    uint8_t response[2000];
    insert_card((struct card_process){0});
    put_message(command, sizeof command);
    assert_int_equal(get_message(response, sizeof response), STIVER_APDU_MAX);
    for (size_t i = 0; i < STIVER_APDU_MAX - 2; i++)
        assert_int_equal(response[i], (uint8_t)i);
}

static void the_end_of_the_connection_is_the_end_of_the_reader(void **state)
{
    (void)state;
    insert_card((struct card_process){0});
    put_control(1);
    put("\0", 1);
    close(card);
    card = -1;
    assert_int_equal(card_process_wait(&process), VIRTUAL_CARD_READER_GONE);
}

static void a_card_comes_back_when_the_reader_does(void **state)
{
    (void)state;
    insert_card((struct card_process){.reconnect_ms = 5000});
    assert_int_equal(number_of(ECHO_INS_WRITE), 1);
    put("\0\7half", 6);
    close(card);
    close(listener);
    usleep(150000);
    reader_listen();
    reader_accept();
    put_control(1);
    assert_int_equal(number_of(ECHO_INS_COUNT), 1);
    assert_int_equal(number_of(ECHO_INS_READ), 1);
}

static void a_reader_that_stays_away_ends_the_wait(void **state)
{
    (void)state;
    insert_card((struct card_process){.reconnect_ms = 200});
    close(card);
    close(listener);
    card = listener = -1;
    assert_int_equal(card_process_wait(&process), VIRTUAL_CARD_NO_READER);
}

static void without_a_reader_the_card_says_so(void **state)
{
    (void)state;
    close(listener);
    listener = -1;
    process = (struct card_process){.port = port};
    card_process_start(&process);
    assert_int_equal(card_process_wait(&process), VIRTUAL_CARD_NO_READER);
}

static void a_card_waits_for_its_reader_as_long_as_it_was_told(void **state)
{
    (void)state;
    close(listener);
    process = (struct card_process){.port = port, .connect_ms = 5000};
    card_process_start(&process);
    usleep(150000);
    reader_listen();
    reader_accept();
    put_control(4);
    expect_atr();
}

static void a_wait_for_the_reader_can_be_stopped(void **state)
{
    (void)state;
    close(listener);
    listener = -1;
    process = (struct card_process){.port = port, .connect_ms = 30000};
    card_process_start(&process);
    usleep(100000);
    assert_int_equal(card_process_stop(&process), VIRTUAL_CARD_STOPPED);
}

static void a_reader_that_never_asks_has_another_card(void **state)
{
    (void)state;
    insert_card((struct card_process){0});
    assert_int_equal(card_process_wait(&process), VIRTUAL_CARD_SLOT_TAKEN);
}

static void pulled_before_answer_nothing_is_sent(void **state)
{
    (void)state;
    static const uint8_t command[] = {0x80, ECHO_INS_WRITE, 0, 0};
    uint8_t byte;
    insert_card((struct card_process){.pull = {PULL_BEFORE_ANSWER, ECHO_INS_WRITE, 2}});
    assert_int_equal(number_of(ECHO_INS_WRITE), 1);
    put_message(command, sizeof command);
    assert_int_equal(recv(card, &byte, 1, 0), 0);
    assert_int_equal(card_process_wait(&process), VIRTUAL_CARD_PULLED);
}

static void a_card_that_dies_leaves_the_reader(void **state)
{
    (void)state;
    static const uint8_t command[] = {0x80, ECHO_INS_DIE, 0, 0};
    uint8_t byte;
    insert_card((struct card_process){0});
    put_message(command, sizeof command);
    assert_int_equal(recv(card, &byte, 1, 0), 0);
    assert_int_equal(card_process_wait(&process), VIRTUAL_CARD_DEAD);
}

/* kill -9 at a random moment of many writes: every answered one is there, and nothing half. */
static void a_killed_card_keeps_what_it_answered(void **state)
{
    (void)state;
    enum { KILLS = 40 };
    static const uint8_t write_command[] = {0, 4, 0x80, ECHO_INS_WRITE, 0, 0};
    struct card_image *image = NULL;
    uint32_t answered = 0;
    assert_int_equal(card_image_create(image_path, &image), CARD_IMAGE_OK);
    card_image_close(image);
    srand(7);
    for (int i = 0; i < KILLS; i++) {
        insert_card((struct card_process){.path = image_path});
        assert_true(number_of(ECHO_INS_READ) >= answered);
        /* Many commands on the way at once, so that the kill meets the card at work. */
        for (int j = 0; j < 50; j++)
            put(write_command, sizeof write_command);
        usleep((useconds_t)(rand() % 4000));
        kill(process.pid, SIGKILL);
        assert_int_equal(card_process_wait(&process), 100 + SIGKILL);
        uint8_t response[6];
        while (get_message(response, sizeof response) == 6) {
            struct reader r = reader_of(response, 4);
            answered = reader_u32(&r);
        }
        close(card);
        card = -1;
    }
    insert_card((struct card_process){.path = image_path});
    const uint8_t command[] = {0x80, ECHO_INS_READ, 0, 0};
    uint8_t response[16];
    put_message(command, sizeof command);
    assert_int_equal(get_message(response, sizeof response), 10);
    struct reader r = reader_of(response, 8);
    assert_true(reader_u32(&r) >= answered);
    assert_int_equal(reader_u32(&r), 0);
    assert_true(answered > KILLS / 2);
}

static void every_end_has_its_sentence(void **state)
{
    (void)state;
    for (int end = VIRTUAL_CARD_STOPPED; end <= VIRTUAL_CARD_SYSTEM; end++) {
        const char *text = virtual_card_end_text((enum virtual_card_end)end);
        assert_true(strlen(text) > 4);
        assert_memory_equal(virtual_card_end_name((enum virtual_card_end)end), "VIRTUAL_", 8);
    }
}

#define WIRE_TEST(name) cmocka_unit_test_setup_teardown(name, fresh_reader, clean_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WIRE_TEST(the_atr_is_given_at_any_time),
        WIRE_TEST(power_and_reset_start_the_card_anew),
        WIRE_TEST(unknown_controls_and_empty_messages_get_no_answer),
        WIRE_TEST(a_command_may_arrive_byte_by_byte),
        WIRE_TEST(several_messages_may_arrive_at_once),
        WIRE_TEST(commands_longer_than_a_card_takes_get_6700),
        WIRE_TEST(the_longest_answer_arrives_whole),
        WIRE_TEST(the_end_of_the_connection_is_the_end_of_the_reader),
        WIRE_TEST(a_card_comes_back_when_the_reader_does),
        WIRE_TEST(a_reader_that_stays_away_ends_the_wait),
        WIRE_TEST(without_a_reader_the_card_says_so),
        WIRE_TEST(a_card_waits_for_its_reader_as_long_as_it_was_told),
        WIRE_TEST(a_wait_for_the_reader_can_be_stopped),
        WIRE_TEST(a_reader_that_never_asks_has_another_card),
        WIRE_TEST(pulled_before_answer_nothing_is_sent),
        WIRE_TEST(a_card_that_dies_leaves_the_reader),
        WIRE_TEST(a_killed_card_keeps_what_it_answered),
        WIRE_TEST(every_end_has_its_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
