/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payment.pcsc_ratio: a payment over real PC/SC (a pcscd of its own, the virtual reader, the card a
 * process of its own) against what it should take: the same payment in one process, and for each
 * APDU the way of an empty one through the same reader. The three are taken in turn, and the ratio
 * is the median of the rounds. Power-up is in neither: it is the reader's business.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "fair.h"
#include "figure.h"
#include "port/host/inprocess_reader.h"
#include "port/host/private_pcscd.h"
#include "port/host/virtual_card.h"
#include "reader/pcsc.h"

#define ROUNDS 200u
#define EMPTY_A_ROUND 12u
#define WAIT_MS 10000u

enum { NEAR = 1, FAR = 2 }; /* the card here, the card behind PC/SC */

static struct fair_flash flash;
static struct card_slot slot;
static struct card_reader near, far;
static struct fair fair;
static struct private_pcscd pcscd;

/* In a process of its own: a blank card until the reader goes away. */
static int card_run(uint16_t port)
{
    const struct virtual_card_options where = {.port = port, .connect_ms = WAIT_MS, .stop_fd = -1};
    struct card_slot_options options = {0};
    figure_need(crypto_start() == CRYPTO_OK, "the card's crypto library does not start");
    options.flash = fair_card_make(&flash, FAR);
    card_slot_init(&slot, &options);
    return (int)virtual_card_run(&slot, &where);
}

/* Before anything here draws random numbers: two processes must not share a generator's state. */
static pid_t card_start(uint16_t port)
{
    pid_t parent = getpid(), pid = fork();
    figure_need(pid >= 0, "no process for the card");
    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    _exit(card_run(port));
}

static double pay(struct card_reader *reader)
{
    struct stiver_terminal_result result;
    fair_touch(reader);
    uint64_t begun = figure_now();
    fair_pay(&fair, reader, &result);
    return (double)(figure_now() - begun) / 1000;
}

/* Microseconds of a command that the card refuses at its class byte. */
static double empty(struct card_reader *reader)
{
    static const uint8_t command[4] = {0xFF, 0, 0, 0};
    double times[EMPTY_A_ROUND];
    uint8_t response[STIVER_APDU_MAX];
    size_t bytes = 0;
    for (unsigned i = 0; i < EMPTY_A_ROUND; i++) {
        uint64_t begun = figure_now();
        figure_need(card_reader_transmit(reader, command, sizeof command, response, sizeof response,
                                         &bytes) == READER_OK &&
                        bytes == 2,
                    "the empty command was not answered");
        times[i] = (double)(figure_now() - begun) / 1000;
    }
    return figure_median(times, EMPTY_A_ROUND);
}

static void measure(void)
{
    static double ratios[ROUNDS], over[ROUNDS], here[ROUNDS], empties[ROUNDS];
    unsigned apdus = 0;
    size_t bytes = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (i % (FAIR_RECEIPTS_MOST - 1) == 0) {
            fair_settle(&fair, &near);
            fair_settle(&fair, &far);
        }
        here[i] = pay(&near);
        over[i] = pay(&far);
        stiver_terminal_last_count(fair.shop, &apdus, &bytes);
        empties[i] = empty(&far);
        ratios[i] = over[i] / (here[i] + apdus * empties[i]);
    }
    (void)fprintf(stderr, "Over PC/SC %.0f us, in one process %.0f us, an empty APDU %.0f us.\n",
                  figure_median(over, ROUNDS), figure_median(here, ROUNDS),
                  figure_median(empties, ROUNDS));
    figure_print("payment.pcsc_ratio", figure_median(ratios, ROUNDS), "ratio");
}

static void prepare(struct card_reader *reader, uint8_t number)
{
    fair_issue(&fair, reader, number);
    (void)pay(reader); /* they know each other now */
}

int main(void)
{
    const struct private_pcscd_options options = {0};
    struct card_slot_options slot_options = {0};
    enum private_pcscd_status started = private_pcscd_start(&options, &pcscd);
    figure_need(started == PRIVATE_PCSCD_OK, private_pcscd_status_text(started));
    pid_t card = card_start(pcscd.port);
    figure_need(crypto_start() == CRYPTO_OK, "the crypto library does not start");
    fair_open(&fair, false);
    slot_options.flash = fair_card_make(&flash, NEAR);
    card_slot_init(&slot, &slot_options);
    figure_need(inprocess_reader_open(&slot, &near) == READER_OK, "the card does not start");
    enum reader_status opened = pcsc_open(NULL, WAIT_MS, &far);
    figure_need(opened == READER_OK, reader_status_text(opened));
    prepare(&near, NEAR);
    prepare(&far, FAR);
    measure();
    card_reader_close(&far);
    card_reader_close(&near);
    fair_close(&fair);
    (void)kill(card, SIGKILL);
    (void)waitpid(card, NULL, 0);
    private_pcscd_stop(&pcscd);
    return 0;
}
