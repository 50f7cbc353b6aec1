/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a load whose receipt alone does not say it: by its terminal, or by a person. Cash
 * that was brought. */
#include <string.h>

#include "bank/campus/inside.h"

#define REFERENCE_TEXT_BYTES 64u

enum stiver_bank_status bank_campus_shade(struct stiver_bank *bank, struct campus_card_record *card,
                                          uint32_t terminal, int64_t change)
{
    int64_t before = card->shadow;
    if (__builtin_add_overflow(before, change, &card->shadow))
        return STIVER_BANK_INTERNAL;
    enum stiver_bank_status status = bank_status_of_store(CAMPUS(bank, card_update, card));
    if (status != STIVER_BANK_OK || before < 0 || card->shadow >= 0)
        return status;
    return bank_campus_ring(bank, card->id, terminal,
                            "a card spent more than was ever loaded onto it");
}

/* Moves what a load left somewhere to its end: onto the card, or to the holder. */
static enum stiver_bank_status end_load(struct stiver_bank *bank,
                                        struct campus_receipt_record *held, struct account from,
                                        bool was_credited, int64_t document)
{
    struct campus_card_record card;
    held->state = was_credited ? CAMPUS_RECEIPT_BOOKED : CAMPUS_RECEIPT_OWED;
    enum stiver_bank_status status = bank_campus_post(
        bank, document, from, account_of(was_credited ? ACCOUNT_CAMPUS_FLOAT : ACCOUNT_CAMPUS_OWED),
        held->card, held->amount);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(CAMPUS(bank, receipt_update, held));
    if (status != STIVER_BANK_OK || !was_credited)
        return status;
    status = bank_status_of_store(CAMPUS(bank, card_find, held->card, &card));
    return status == STIVER_BANK_OK
               ? bank_campus_shade(bank, &card, held->terminal, (int64_t)held->amount)
               : status;
}

static enum stiver_bank_status keep_word(struct stiver_bank *bank, enum document_type type,
                                         uint32_t terminal,
                                         const struct campus_receipt_record *held, unsigned word,
                                         int64_t *document)
{
    uint8_t record[9];
    struct writer w = writer_of(record, sizeof record);
    writer_u32(&w, held->card);
    writer_u32(&w, held->counter);
    writer_u8(&w, (uint8_t)word);
    return bank_campus_keep(bank, type, terminal, record, sizeof record, document);
}

/* ---- the terminal's word ---- */

static bool agrees(const struct campus_receipt_record *held, enum campus_outcome outcome)
{
    if (held->is_decided || held->state == CAMPUS_RECEIPT_SUSPENSE)
        return true; /* what a person has decided, or will, no word of a terminal changes */
    if (outcome == CAMPUS_OUTCOME_UNKNOWN)
        return held->is_load; /* what it knew earlier */
    return (held->state == CAMPUS_RECEIPT_BOOKED) == (outcome == CAMPUS_OUTCOME_DONE);
}

enum stiver_bank_status bank_campus_say_again(struct stiver_bank *bank,
                                              struct campus_receipt_record *held,
                                              enum campus_outcome outcome,
                                              enum upload_result *result)
{
    bool is_open = held->state == CAMPUS_RECEIPT_OPEN;
    if (!is_open || outcome == CAMPUS_OUTCOME_UNKNOWN) {
        bool same = is_open || agrees(held, outcome);
        *result = same ? UPLOAD_ALREADY : UPLOAD_SUSPENSE;
        return same ? STIVER_BANK_OK
                    : bank_campus_ring(bank, held->card, held->terminal,
                                       "a terminal takes back what it said of a receipt");
    }
    int64_t document;
    enum stiver_bank_status status =
        keep_word(bank, RECORD_CAMPUS_OUTCOME, held->terminal, held, outcome, &document);
    *result = UPLOAD_BOOKED;
    return status == STIVER_BANK_OK ? end_load(bank, held, account_of(ACCOUNT_CAMPUS_IN_FLIGHT),
                                               outcome == CAMPUS_OUTCOME_DONE, document)
                                    : status;
}

/* ---- a person's ---- */

struct decision {
    uint32_t card, counter;
    bool was_credited;
};

/* Where the money of a load is that this decision moves; false: the decision moves none. */
static bool decision_moves(const struct campus_receipt_record *held, bool was_credited,
                           struct account *from)
{
    if (held->state == CAMPUS_RECEIPT_OPEN)
        *from = account_of(ACCOUNT_CAMPUS_IN_FLIGHT);
    else if (was_credited && !held->is_decided && held->state == CAMPUS_RECEIPT_OWED)
        *from = account_of(ACCOUNT_CAMPUS_OWED);
    else if (was_credited && held->state == CAMPUS_RECEIPT_NOT_DONE)
        *from = held->is_suspect ? account_of(ACCOUNT_CAMPUS_SUSPENSE)
                                 : bank_campus_till(held->terminal);
    else
        return false;
    return true;
}

static enum stiver_bank_status decide_work(struct stiver_bank *bank, void *context)
{
    const struct decision *decision = context;
    struct campus_receipt_record held;
    struct account from;
    int64_t document;
    enum store_status stored = CAMPUS(bank, receipt_find, decision->card, decision->counter, &held);
    if (stored == STORE_NONE || (stored == STORE_OK && !held.is_load))
        return bank_say(bank, STIVER_BANK_UNKNOWN_RECEIPT,
                        "the bank has no receipt of such a load");
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    if (!decision_moves(&held, decision->was_credited, &from)) {
        bool same = (held.state == CAMPUS_RECEIPT_BOOKED) == decision->was_credited;
        return same ? STIVER_BANK_ALREADY
                    : bank_say(bank, STIVER_BANK_CONFLICT, "this load was settled otherwise");
    }
    enum stiver_bank_status status =
        keep_word(bank, RECORD_CAMPUS_DECISION, 0, &held, decision->was_credited, &document);
    held.is_decided = true;
    return status == STIVER_BANK_OK ? end_load(bank, &held, from, decision->was_credited, document)
                                    : status;
}

enum stiver_bank_status stiver_campus_decide(struct stiver_bank *bank, uint32_t card,
                                             uint32_t counter, bool was_credited)
{
    struct decision decision = {card, counter, was_credited};
    enum stiver_bank_status status = bank_campus_open(bank);
    return status == STIVER_BANK_OK ? bank_transact(bank, decide_work, &decision) : status;
}

/* ---- funding ---- */

struct funding {
    uint32_t terminal;
    struct money amount;
    const char *reference;
};

static enum stiver_bank_status known_reference(struct stiver_bank *bank,
                                               const struct funding *funding)
{
    uint32_t terminal, amount;
    enum store_status stored = CAMPUS(bank, fund_find, funding->reference, &terminal, &amount);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
    return terminal == funding->terminal && amount == funding->amount.minor
               ? STIVER_BANK_ALREADY
               : bank_say(bank, STIVER_BANK_CONFLICT, "this reference was used for other money");
}

static enum stiver_bank_status fund_work(struct stiver_bank *bank, void *context)
{
    const struct funding *funding = context;
    struct campus_terminal_record terminal;
    enum store_status stored = CAMPUS(bank, terminal_find, funding->terminal, &terminal);
    if (stored == STORE_NONE || (stored == STORE_OK && terminal.role != CAMPUS_ROLE_RELOAD))
        return bank_say(bank, STIVER_BANK_UNKNOWN_TERMINAL,
                        "the bank knows no such reload terminal");
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    enum stiver_bank_status status = known_reference(bank, funding);
    if (status != STIVER_BANK_OK)
        return status;
    uint8_t record[6 + REFERENCE_TEXT_BYTES];
    struct writer w = writer_of(record, sizeof record);
    int64_t document;
    writer_u32(&w, funding->amount.minor);
    writer_u16(&w, funding->amount.currency);
    writer_bytes(&w, (const uint8_t *)funding->reference, strlen(funding->reference));
    status =
        bank_campus_keep(bank, RECORD_CAMPUS_FUND, funding->terminal, record, w.used, &document);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(
            CAMPUS(bank, fund_add, funding->reference, funding->terminal, funding->amount.minor));
    return status == STIVER_BANK_OK
               ? bank_campus_post(bank, document, account_of(ACCOUNT_CAMPUS_CASH),
                                  bank_campus_till(funding->terminal), 0, funding->amount.minor)
               : status;
}

enum stiver_bank_status stiver_campus_fund(struct stiver_bank *bank, uint32_t terminal,
                                           struct stiver_bank_money amount, const char *reference)
{
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status != STIVER_BANK_OK)
        return status;
    if (amount.currency != bank->settings.currency)
        return bank_say(bank, STIVER_BANK_CURRENCY, NULL);
    if (amount.minor == 0 || !reference || !*reference || strlen(reference) >= REFERENCE_TEXT_BYTES)
        return bank_say(bank, STIVER_BANK_ARGUMENT,
                        "funding needs an amount and a reference of up to 63 bytes");
    struct funding funding = {terminal, money_of(amount.minor, amount.currency), reference};
    return bank_transact(bank, fund_work, &funding);
}
