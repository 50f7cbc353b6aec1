/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campus.*: the campus purse (docs/campus.md) and the purse on one card, behind a pcscd of its own
 * and the virtual reader, the card in a process of its own. What a payment and a load of the campus
 * purse take is counted at the reader. Then both pay in turn: campus.pay.ms_ratio is the median,
 * over the rounds, of a purse payment of two that know each other over a campus payment of the same
 * round; campus.pay.first_ms_ratio the same with a purse payment of strangers, for which each round
 * has a new terminal. Wall clock, from before the card's power-up to the durable receipt; every
 * journal is on the disk. Keys are made before anything is timed, and timed apart.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "campus_fair.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "figure.h"
#include "port/host/private_pcscd.h"
#include "port/host/virtual_card.h"
#include "reader/pcsc.h"

#define ROUNDS 60u
#define ROUNDS_OF_STRANGERS 20u
#define KEYS 9u
#define WAIT_MS 10000u
#define CARD 1u

static struct fair_flash flash;
static struct card_slot slot;
static struct card_reader reader;
static struct fair fair;
static struct campus_fair campus;
static struct private_pcscd pcscd;
static struct traffic traffic;

/* In a process of its own: a blank card until the reader goes away. */
static int card_run(uint16_t port)
{
    const struct virtual_card_options where = {.port = port, .connect_ms = WAIT_MS, .stop_fd = -1};
    struct card_slot_options options = {0};
    figure_need(crypto_start() == CRYPTO_OK, "the card's crypto library does not start");
    options.flash = campus_fair_card_make(&flash, CARD);
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

/* ---- one of each, in milliseconds ---- */

static double milliseconds_since(uint64_t begun)
{
    return (double)(figure_now() - begun) / 1000000;
}

/* A campus terminal resets the card itself. */
static double pay_campus(void)
{
    uint64_t begun = figure_now();
    campus_fair_pay(&campus, &reader);
    return milliseconds_since(begun);
}

static double pay_purse(void)
{
    struct stiver_terminal_result result;
    uint64_t begun = figure_now();
    fair_touch(&reader);
    fair_pay(&fair, &reader, &result);
    return milliseconds_since(begun);
}

/* ---- counts ---- */

static void print_traffic(const char *apdus_name, const char *bytes_name)
{
    const struct traffic taken = traffic_take(&traffic);
    figure_print(apdus_name, taken.apdus, "APDUs");
    figure_print(bytes_name, (double)taken.bytes, "bytes");
}

static void count(void)
{
    traffic_watch(&traffic, &reader);
    (void)campus_fair_personalise(&campus, &reader);
    (void)traffic_take(&traffic);
    campus_fair_load(&campus, &reader);
    print_traffic("campus.load.apdus", "campus.load.bytes");
    campus_fair_pay(&campus, &reader);
    print_traffic("campus.pay.apdus", "campus.pay.bytes");
}

/* ---- times ---- */

static void measure_known(void)
{
    static double ratios[ROUNDS], campuses[ROUNDS], purses[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (i % (FAIR_RECEIPTS_MOST - 1) == 0)
            fair_settle(&fair, &reader);
        campuses[i] = pay_campus();
        purses[i] = pay_purse();
        ratios[i] = purses[i] / campuses[i];
    }
    figure_print("campus.pay.ms", figure_median(campuses, ROUNDS), "ms");
    figure_print("campus.pay.purse_ms", figure_median(purses, ROUNDS), "ms");
    figure_print("campus.pay.ms_ratio", figure_median(ratios, ROUNDS), "ratio");
}

static void measure_strangers(void)
{
    static double ratios[ROUNDS_OF_STRANGERS], purses[ROUNDS_OF_STRANGERS];
    fair_settle(&fair, &reader);
    for (unsigned i = 0; i < ROUNDS_OF_STRANGERS; i++) {
        fair_renew_shop(&fair, i);
        const double there = pay_campus();
        purses[i] = pay_purse();
        ratios[i] = purses[i] / there;
    }
    figure_print("campus.pay.purse_first_ms", figure_median(purses, ROUNDS_OF_STRANGERS), "ms");
    figure_print("campus.pay.first_ms_ratio", figure_median(ratios, ROUNDS_OF_STRANGERS), "ratio");
}

static void measure_keys(void)
{
    static double times[KEYS];
    uint8_t der[RSA_PRIVATE_BYTES_MAX], modulus[RSA_BYTES];
    size_t bytes = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        uint64_t begun = figure_processor();
        figure_need(rsa_generate(der, &bytes, modulus) == CRYPTO_OK, "no key could be made");
        times[i] = (double)(figure_processor() - begun) / 1000000;
    }
    figure_print("campus.key_ms", figure_median(times, KEYS), "ms");
}

int main(void)
{
    const struct private_pcscd_options options = {0};
    enum private_pcscd_status started = private_pcscd_start(&options, &pcscd);
    figure_need(started == PRIVATE_PCSCD_OK, private_pcscd_status_text(started));
    pid_t card = card_start(pcscd.port);
    figure_need(crypto_start() == CRYPTO_OK, "the crypto library does not start");
    fair_open(&fair, true);
    campus_fair_open(&campus, &fair);
    enum reader_status opened = pcsc_open(NULL, WAIT_MS, &reader);
    figure_need(opened == READER_OK, reader_status_text(opened));
    count();
    fair_touch(&reader);
    fair_issue(&fair, &reader, CARD);
    (void)pay_purse(); /* they know each other now */
    measure_known();
    measure_strangers();
    measure_keys();
    card_reader_close(&reader);
    campus_fair_close(&campus);
    fair_close(&fair);
    (void)kill(card, SIGKILL);
    (void)waitpid(card, NULL, 0);
    private_pcscd_stop(&pcscd);
    return 0;
}
