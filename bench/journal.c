/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.commit_us: what one durable step of a terminal's journal takes. The two of a payment (the
 * intent, the receipt) are timed where they happen, by wrapping them at link time.
 */
#include "terminal/journal.h"
#include "crypto/crypto.h"
#include "fair.h"
#include "figure.h"
#include "port/host/inprocess_reader.h"

#define PAYMENTS 200u

static struct fair_flash flash;
static struct card_slot slot;
static struct card_reader reader;
static struct fair fair;

static double steps[2 * PAYMENTS];
static size_t steps_count;

static terminal_status timed(uint64_t begun, terminal_status status)
{
    if (steps_count < sizeof steps / sizeof steps[0])
        steps[steps_count++] = (double)(figure_now() - begun) / 1000;
    return status;
}

terminal_status __real_journal_begin(struct db *journal, struct intent *intent);
terminal_status __wrap_journal_begin(struct db *journal, struct intent *intent);
terminal_status __wrap_journal_begin(struct db *journal, struct intent *intent)
{
    uint64_t begun = figure_now();
    return timed(begun, __real_journal_begin(journal, intent));
}

terminal_status __real_journal_finish(struct db *journal, uint32_t number,
                                      const uint8_t document[RECEIPT_BYTES], bool is_recovered,
                                      const uint8_t card[CARD_NUMBER_BYTES],
                                      struct piece certificate, const uint8_t *handle);
terminal_status __wrap_journal_finish(struct db *journal, uint32_t number,
                                      const uint8_t document[RECEIPT_BYTES], bool is_recovered,
                                      const uint8_t card[CARD_NUMBER_BYTES],
                                      struct piece certificate, const uint8_t *handle);
terminal_status __wrap_journal_finish(struct db *journal, uint32_t number,
                                      const uint8_t document[RECEIPT_BYTES], bool is_recovered,
                                      const uint8_t card[CARD_NUMBER_BYTES],
                                      struct piece certificate, const uint8_t *handle)
{
    uint64_t begun = figure_now();
    return timed(begun, __real_journal_finish(journal, number, document, is_recovered, card,
                                              certificate, handle));
}

int main(void)
{
    struct card_slot_options options = {0};
    struct stiver_terminal_result result;
    figure_need(crypto_start() == CRYPTO_OK, "the crypto library does not start");
    fair_open(&fair, true);
    options.flash = fair_card_make(&flash, 1);
    card_slot_init(&slot, &options);
    figure_need(inprocess_reader_open(&slot, &reader) == READER_OK, "the card does not start");
    fair_issue(&fair, &reader, 1);
    steps_count = 0; /* the load's are not of this journal */
    for (unsigned i = 0; i < PAYMENTS; i++) {
        if (i % FAIR_RECEIPTS_MOST == 0)
            fair_settle(&fair, &reader);
        fair_touch(&reader);
        fair_pay(&fair, &reader, &result);
    }
    figure_need(steps_count == 2 * PAYMENTS, "a payment is not two steps of the journal");
    figure_print("journal.commit_us", figure_median(steps, steps_count), "us");
    card_reader_close(&reader);
    fair_close(&fair);
    return 0;
}
