/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual card in a reader that the test plays, over a loopback socket: each call that the card's
 * process makes fails in turn, alone and with all behind it. It ends by itself with a sentence, or
 * serves on; an answer is whole or does not come; nothing is held at the end, and the image is to
 * the byte what it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "failing.h"
#include "port/host/card_image.h"
#include "port/host/virtual_card.h"
#include <stiver/card.h>

#define CALLS_MAX 200u
#define SECONDS 20

/* How the card's process ended, above the ends of virtual_card.h. */
enum { END_NO_IMAGE = 20, END_HOLDS = 30, END_NOT_MET = 100 };

static int listener = -1;
static uint16_t port;
static char place[48], path[64];
static uint8_t *whole;
static size_t whole_bytes;

/* ---- the image ---- */

static size_t image_read(uint8_t **bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *bytes = malloc(1u << 20);
    assert_non_null(*bytes);
    size_t count = fread(*bytes, 1, 1u << 20, file);
    fclose(file);
    return count;
}

static void image_is_whole(void)
{
    uint8_t *now;
    size_t count = image_read(&now);
    assert_int_equal(count, whole_bytes);
    assert_memory_equal(now, whole, count);
    free(now);
}

static int make_card(void **state)
{
    const struct stiver_card_factory factory = {.serial = {7}, .transport_key = {1, 2, 3}};
    struct card_image *image = NULL;
    (void)state;
    assert_int_equal(crypto_start(), CRYPTO_OK);
    strcpy(place, "/tmp/stiver-wire-XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(path, sizeof path, "%s/card", place);
    assert_int_equal(card_image_create(path, &image), CARD_IMAGE_OK);
    struct stiver_flash flash = card_image_flash(image);
    assert_int_equal(stiver_card_manufacture(&flash, &factory), STIVER_CARD_OK);
    assert_int_equal(card_image_sync(image), CARD_IMAGE_OK);
    card_image_close(image);
    whole_bytes = image_read(&whole);
    return 0;
}

static int remove_card(void **state)
{
    (void)state;
    free(whole);
    remove(path);
    return rmdir(place);
}

/* ---- the reader ---- */

static void reader_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &bytes), 0);
    port = ntohs(address.sin_port);
}

/* A message of the card's, to its end; -1: the connection ended, or the message did within. */
static int take(int wire, uint8_t *bytes, size_t capacity)
{
    uint8_t length[2];
    if (recv(wire, length, 2, MSG_WAITALL) != 2)
        return -1;
    size_t count = (size_t)(length[0] << 8 | length[1]);
    assert_true(count <= capacity);
    return recv(wire, bytes, count, MSG_WAITALL) == (ssize_t)count ? (int)count : -1;
}

static bool give(int wire, const void *bytes, size_t count)
{
    return send(wire, bytes, count, MSG_NOSIGNAL) == (ssize_t)count;
}

/* Power, ATR, a command the card refuses, reset, a file that is not there, power off. */
static bool talk(int wire)
{
    static const uint8_t atr[] = {0, 1, 4}, on[] = {0, 1, 1}, reset[] = {0, 1, 2},
                         off[] = {0, 1, 0}, command[] = {0, 4, 0x00, 0x00, 0x00, 0x00},
                         select[] = {0, 10, 0x00, 0xA4, 0x04, 0x00, 5, 1, 2, 3, 4, 5};
    uint8_t answer[2048];
    if (!give(wire, atr, sizeof atr) || take(wire, answer, sizeof answer) < 0)
        return false;
    assert_int_equal(answer[0], 0x3B);
    if (!give(wire, on, sizeof on) || !give(wire, command, sizeof command))
        return false;
    int count = take(wire, answer, sizeof answer);
    if (count < 0)
        return false;
    assert_true(count == 2 && (answer[0] & 0xF0) == 0x60);
    if (!give(wire, reset, sizeof reset) || !give(wire, select, sizeof select))
        return false;
    count = take(wire, answer, sizeof answer);
    if (count < 0)
        return false;
    assert_memory_equal(answer + count - 2, "\x6A\x82", 2);
    return give(wire, off, sizeof off);
}

/* True if a whole talk was had. A card that starts anew may knock twice. */
static bool serve(pid_t card, int *end)
{
    bool was_whole = false;
    for (unsigned rounds = 0; rounds < SECONDS * 20; rounds++) {
        const struct timeval patience = {.tv_usec = 50000}, answer = {.tv_sec = SECONDS};
        setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        int wire = accept(listener, NULL, NULL);
        if (wire >= 0) {
            setsockopt(wire, SOL_SOCKET, SO_RCVTIMEO, &answer, sizeof answer);
            was_whole |= talk(wire);
            close(wire);
        }
        int status = 0;
        if (waitpid(card, &status, WNOHANG) == card) {
            assert_true(WIFEXITED(status));
            *end = WEXITSTATUS(status);
            return was_whole;
        }
    }
    fail_msg("the card's process does not end");
    return false;
}

/* ---- the card ---- */

static int serve_card(void)
{
    static struct card_slot slot;
    struct card_image *image = NULL;
    enum card_image_status opened = card_image_open(path, &image);
    if (opened != CARD_IMAGE_OK)
        return strlen(card_image_status_text(opened)) > 4 ? END_NO_IMAGE : END_HOLDS;
    const struct card_slot_options options = {
        .flash = card_image_flash(image), .settle = card_image_settle, .settle_context = image};
    const struct virtual_card_options where = {.port = port, .connect_ms = 200, .stop_fd = -1};
    card_slot_init(&slot, &options);
    enum virtual_card_end end = virtual_card_run(&slot, &where);
    card_image_close(image);
    return strlen(virtual_card_end_text(end)) > 4 ? (int)end : END_HOLDS;
}

/* In the fork. The number of calls goes to the pipe. */
static void card_process(enum failing_kind kind, uint32_t at, bool stays, int calls)
{
    struct failing_held before, after;
    close(listener);
    failing_held(&before);
    failing_start(kind, at, stays);
    int end = serve_card();
    bool was_met = failing_stop();
    failing_held(&after);
    uint32_t count = failing_count(kind);
    if (memcmp(&before, &after, sizeof before) != 0) {
        printf("# %s: something is held\n", failing_met());
        end = END_HOLDS;
    } else if (at != 0 && !was_met)
        end = END_NOT_MET;
    if (write(calls, &count, sizeof count) != (ssize_t)sizeof count)
        end = END_HOLDS;
    fflush(stdout);
    _exit(end);
}

static int one(enum failing_kind kind, uint32_t at, bool stays, bool *was_whole, uint32_t *count)
{
    int ends[2], end = -1;
    reader_listen();
    fflush(NULL);
    assert_int_equal(pipe(ends), 0);
    pid_t card = fork();
    assert_true(card >= 0);
    if (card == 0) {
        close(ends[0]);
        card_process(kind, at, stays, ends[1]);
    }
    close(ends[1]);
    *was_whole = serve(card, &end);
    assert_int_equal(read(ends[0], count, sizeof *count), sizeof *count);
    close(ends[0]);
    close(listener);
    image_is_whole();
    return end;
}

static void every_call_of(enum failing_kind kind, unsigned at_least)
{
    bool was_whole = false;
    uint32_t calls = 0, ignored = 0, told = 0, cases = 0;
    assert_int_equal(one(kind, 0, false, &was_whole, &calls), VIRTUAL_CARD_READER_GONE);
    assert_true(was_whole && calls >= at_least && calls < CALLS_MAX);
    for (uint32_t at = 1; at <= calls; at++)
        for (unsigned stays = 0; stays < 2; stays++) {
            int end = one(kind, at, stays != 0, &was_whole, &ignored);
            /* How often it reads and waits is the kernel's affair. */
            if (end == END_NOT_MET)
                continue;
            assert_true(end <= (int)VIRTUAL_CARD_SYSTEM || end == END_NO_IMAGE);
            cases++;
            told += end != (int)VIRTUAL_CARD_READER_GONE;
            /* Neither stopped nor pulled: nobody did. Dead would be a word about the card. */
            assert_true(end != (int)VIRTUAL_CARD_STOPPED && end != (int)VIRTUAL_CARD_PULLED &&
                        (end != (int)VIRTUAL_CARD_DEAD || kind == FAILING_PSA));
        }
    printf("# %s: %u cases, %u of them told as another end than the reader's\n",
           failing_names[kind], cases, told);
    assert_true(cases >= at_least && told > 0);
}

static void every_socket_call_of_a_card_in_a_reader_may_fail(void **state)
{
    (void)state;
    every_call_of(FAILING_SOCKET, 15);
}

static void every_file_call_of_a_card_in_a_reader_may_fail(void **state)
{
    (void)state;
    every_call_of(FAILING_FILE, 4);
}

static void every_allocation_of_a_card_in_a_reader_may_fail(void **state)
{
    (void)state;
    every_call_of(FAILING_ALLOC, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_socket_call_of_a_card_in_a_reader_may_fail),
        cmocka_unit_test(every_file_call_of_a_card_in_a_reader_may_fail),
        cmocka_unit_test(every_allocation_of_a_card_in_a_reader_may_fail),
    };
    failing_prepare();
    return cmocka_run_group_tests(tests, make_card, remove_card);
}
