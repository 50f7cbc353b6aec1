/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payment.*, nvm.*, tap.*: payments of a real terminal with a real card in one process, the journal
 * in memory, the bank behind them. One payment is measured from the card's power-up to the verified
 * and journalled receipt; the payment of two that know each other is the one that is measured
 * often.
 *
 * Nothing in it waits, so its processor time is its time on an idle machine: the ratio goes by that
 * clock, which stands still while others have the processor. Reading it is a system call, two of
 * them an operation, which the ratio does not feel and payment.other_us would. That one goes by the
 * wall's clock: a pause falls into a public-key operation, where nearly all the time is spent, and
 * so into both terms of the difference; the few that do not are on the far side of the median.
 */
#include <stdio.h>

#include "crypto/crypto.h"
#include "fair.h"
#include "figure.h"
#include "meter.h"
#include "port/host/inprocess_reader.h"

#define CARDS 8u
/* As many as a card makes at one terminal before the bank must have heard of them. */
#define PAYMENTS_A_CARD FAIR_RECEIPTS_MOST
#define PAYMENTS (CARDS * PAYMENTS_A_CARD)
#define MICROSECONDS_A_BYTE 85.0 /* a contactless link at 106 kbit/s, with its overhead */

struct sample {
    double ratio, other_us;
};

static struct fair_flash flash;
static struct card_slot slot;
static struct card_reader reader;
static struct fair fair;

/* ---- what one payment takes ---- */

static void print_size(const char *apdus_name, const char *bytes_name)
{
    unsigned apdus = 0;
    size_t bytes = 0;
    stiver_terminal_last_count(fair.shop, &apdus, &bytes);
    figure_print(apdus_name, apdus, "APDUs");
    figure_print(bytes_name, (double)bytes, "bytes");
}

/* From power-up to receipt, against the public-key operations of the same payment. */
static struct sample pay(meter_clock *clock, struct meter *meter)
{
    struct stiver_terminal_result result;
    meter_use(clock);
    (void)meter_take();
    uint64_t begun = clock();
    fair_touch(&reader);
    fair_pay(&fair, &reader, &result);
    double whole = (double)(clock() - begun);
    *meter = meter_take();
    double crypto = (double)meter->nanoseconds;
    return (struct sample){whole / crypto, (whole - crypto) / 1000};
}

/* ---- a tap, as a real card would take it ---- */

/* Milliseconds of one operation, published for two cards. The pair's public half comes with it. */
struct card_times {
    const char *name;
    double sign, verify, agree, generate;
};

static void print_tap(const struct card_times *card, const struct meter *meter, size_t bytes)
{
    const unsigned *count = meter->count[METER_CARD];
    double crypto = count[METER_SIGN] * card->sign + count[METER_VERIFY] * card->verify +
                    count[METER_AGREE] * card->agree + count[METER_GENERATE] * card->generate;
    figure_print(card->name, crypto + (double)bytes * MICROSECONDS_A_BYTE / 1000, "ms");
}

static void print_taps(const struct meter *meter)
{
    static const struct card_times fast = {"tap.fast_card_ms", 32, 30, 20, 20};
    static const struct card_times slow = {"tap.slow_card_ms", 57, 52, 56, 56};
    unsigned apdus = 0;
    size_t bytes = 0;
    stiver_terminal_last_count(fair.shop, &apdus, &bytes);
    print_tap(&fast, meter, bytes);
    print_tap(&slow, meter, bytes);
}

static void explain(const char *what, const struct meter *meter)
{
    static const char *const sides[METER_SIDES] = {"terminal", "card"};
    (void)fprintf(stderr, "%s: public-key operations %.0f us.\n", what,
                  (double)meter->nanoseconds / 1000);
    for (int side = 0; side < METER_SIDES; side++)
        (void)fprintf(stderr, "  %s: generate %u, export %u, agree %u, sign %u, verify %u\n",
                      sides[side], meter->count[side][METER_GENERATE],
                      meter->count[side][METER_EXPORT], meter->count[side][METER_AGREE],
                      meter->count[side][METER_SIGN], meter->count[side][METER_VERIFY]);
}

/* ---- many ---- */

/* A card that this terminal has met once. Takes the place of the last one. */
static void meet_card(uint8_t number, struct meter *meter)
{
    struct card_slot_options options = {.flash = fair_card_make(&flash, number)};
    card_reader_close(&reader);
    card_slot_init(&slot, &options);
    figure_need(inprocess_reader_open(&slot, &reader) == READER_OK, "the card does not start");
    fair_issue(&fair, &reader, number);
    (void)pay(figure_now, meter);
}

static void measure_many(void)
{
    static double ratios[PAYMENTS / 2], others[PAYMENTS / 2];
    struct meter meter = {0};
    uint64_t programmed = 0, erases = 0;
    for (unsigned i = 0; i < PAYMENTS; i++) {
        if (i % PAYMENTS_A_CARD == 0)
            meet_card((uint8_t)(2 + i / PAYMENTS_A_CARD), &meter);
        programmed -= flash.programmed;
        erases -= flash.erases;
        /* In turn by either clock, so that both see the same cards at the same ages. */
        struct sample sample = pay(i % 2 == 0 ? figure_processor : figure_now, &meter);
        programmed += flash.programmed;
        erases += flash.erases;
        if (i % 2 == 0)
            ratios[i / 2] = sample.ratio;
        else
            others[i / 2] = sample.other_us;
    }
    explain("A payment of two that know each other", &meter);
    figure_print("payment.crypto_ratio", figure_median(ratios, PAYMENTS / 2), "ratio");
    figure_print("payment.other_us", figure_median(others, PAYMENTS / 2), "us");
    figure_print("nvm.bytes_per_payment", (double)programmed / PAYMENTS, "bytes");
    figure_need(erases > 0, "no page was erased");
    figure_print("nvm.payments_per_page_erase", (double)PAYMENTS / (double)erases, "payments");
}

int main(void)
{
    struct meter meter;
    figure_need(crypto_start() == CRYPTO_OK, "the crypto library does not start");
    fair_open(&fair, false);
    meet_card(1, &meter);
    explain("A payment of strangers", &meter);
    print_size("payment.first.apdus", "payment.first.bytes");
    (void)pay(figure_now, &meter);
    print_size("payment.repeat.apdus", "payment.repeat.bytes");
    print_taps(&meter);
    measure_many();

    card_reader_close(&reader);
    fair_close(&fair);
    return 0;
}
