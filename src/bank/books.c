/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books: transfers between accounts, each of which is a double entry in one row. A balance
 * above zero is the bank's debt.
 */
#include <stdio.h>
#include <string.h>

#include "bank/inside.h"

struct account account_merchant(uint32_t merchant)
{
    return (struct account){ACCOUNT_MERCHANT, merchant};
}

struct account account_till(const uint8_t terminal[TERMINAL_NUMBER_BYTES])
{
    struct reader r = reader_of(terminal, TERMINAL_NUMBER_BYTES);
    return (struct account){ACCOUNT_TILL, reader_u64(&r)};
}

enum stiver_bank_status bank_post(struct stiver_bank *bank, int64_t document, struct account from,
                                  struct account to, const uint8_t card[CARD_NUMBER_BYTES],
                                  uint32_t amount)
{
    struct posting_record posting = {
        .document = document, .from = from, .to = to, .amount = amount, .time = bank_now(bank)};
    if (amount == 0)
        return STIVER_BANK_OK;
    if (card)
        memcpy(posting.card, card, sizeof posting.card);
    return bank_status_of_store(STORE(bank, posting_add, &posting));
}

/* ---- funding ---- */

#define REFERENCE_TEXT_BYTES 64u

struct funding {
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    struct money amount;
    const char *reference;
};

static enum stiver_bank_status known_reference(struct stiver_bank *bank,
                                               const struct funding *funding)
{
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint32_t amount;
    enum store_status stored = STORE(bank, fund_find, funding->reference, terminal, &amount);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
    bool same = amount == funding->amount.minor &&
                bytes_equal(terminal, funding->terminal, sizeof terminal);
    return same ? STIVER_BANK_ALREADY
                : bank_say(bank, STIVER_BANK_CONFLICT, "this reference was used for other money");
}

static enum stiver_bank_status fund_work(struct stiver_bank *bank, void *context)
{
    const struct funding *funding = context;
    struct terminal_record terminal;
    enum store_status stored = STORE(bank, terminal_find, funding->terminal, &terminal);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_UNKNOWN_TERMINAL : bank_status_of_store(stored);
    enum stiver_bank_status status = known_reference(bank, funding);
    if (status != STIVER_BANK_OK)
        return status;
    uint8_t record[6 + REFERENCE_TEXT_BYTES];
    struct writer w = writer_of(record, sizeof record);
    writer_u32(&w, funding->amount.minor);
    writer_u16(&w, funding->amount.currency);
    writer_bytes(&w, (const uint8_t *)funding->reference, strlen(funding->reference));
    int64_t document;
    status = bank_keep(bank, RECORD_FUND, funding->terminal, record, w.used, &document);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(
            STORE(bank, fund_add, funding->reference, funding->terminal, funding->amount.minor));
    if (status != STIVER_BANK_OK)
        return status;
    return bank_post(bank, document, account_of(ACCOUNT_CASH), account_till(funding->terminal),
                     NULL, funding->amount.minor);
}

enum stiver_bank_status stiver_bank_fund(struct stiver_bank *bank, const uint8_t terminal[8],
                                         struct stiver_bank_money amount, const char *reference)
{
    if (amount.currency != bank->settings.currency)
        return bank_say(bank, STIVER_BANK_CURRENCY, NULL);
    if (amount.minor == 0 || !reference || !*reference || strlen(reference) >= REFERENCE_TEXT_BYTES)
        return bank_say(bank, STIVER_BANK_ARGUMENT,
                        "funding needs an amount and a reference of up to 63 bytes");
    struct funding funding = {.amount = {amount.minor, amount.currency}, .reference = reference};
    memcpy(funding.terminal, terminal, sizeof funding.terminal);
    return bank_transact(bank, fund_work, &funding);
}

/* ---- report ---- */

void account_name(const struct account *account, char name[ACCOUNT_NAME_BYTES])
{
    static const char *const names[] = {
        [ACCOUNT_FLOAT] = "float",
        [ACCOUNT_IN_FLIGHT] = "in flight",
        [ACCOUNT_MERCHANT] = "merchant",
        [ACCOUNT_TILL] = "till",
        [ACCOUNT_FEES] = "fees",
        [ACCOUNT_LOSS] = "loss",
        [ACCOUNT_SUSPENSE] = "suspense",
        [ACCOUNT_OWED] = "owed to holders",
        [ACCOUNT_CASH] = "cash",
        [ACCOUNT_CAMPUS_FLOAT] = "campus float",
        [ACCOUNT_CAMPUS_IN_FLIGHT] = "campus in flight",
        [ACCOUNT_CAMPUS_MERCHANT] = "campus merchant",
        [ACCOUNT_CAMPUS_TILL] = "campus till",
        [ACCOUNT_CAMPUS_SUSPENSE] = "campus suspense",
        [ACCOUNT_CAMPUS_OWED] = "campus owed to holders",
        [ACCOUNT_CAMPUS_CASH] = "campus cash",
    };
    unsigned kind = account->kind;
    const char *noun = kind < sizeof names / sizeof names[0] && names[kind] ? names[kind] : "?";
    if (kind == ACCOUNT_MERCHANT || kind == ACCOUNT_CAMPUS_MERCHANT || kind == ACCOUNT_CAMPUS_TILL)
        snprintf(name, ACCOUNT_NAME_BYTES, "%s:%llu", noun, (unsigned long long)account->owner);
    else if (kind == ACCOUNT_TILL)
        snprintf(name, ACCOUNT_NAME_BYTES, "%s:%016llX", noun, (unsigned long long)account->owner);
    else
        snprintf(name, ACCOUNT_NAME_BYTES, "%s", noun);
}

struct report {
    struct stiver_bank *bank;
    stiver_bank_account_visit *visit;
    void *context;
    struct stiver_bank_books *books;
};

static enum store_status report_account(void *context, const struct account *account,
                                        int64_t balance)
{
    struct report *report = context;
    char name[ACCOUNT_NAME_BYTES];
    account_name(account, name);
    report->books->sum_minor += balance;
    if (account->kind == ACCOUNT_FLOAT)
        report->books->float_minor = balance;
    if (account->kind == ACCOUNT_CAMPUS_FLOAT)
        report->books->campus_float_minor = balance;
    struct stiver_bank_account shown = {name, balance, report->bank->settings.currency};
    if (report->visit)
        report->visit(report->context, &shown);
    return STORE_OK;
}

static enum store_status report_card(void *context, const struct card_record *card)
{
    struct report *report = context;
    report->books->shadow_minor += card->balance;
    return STORE_OK;
}

static enum store_status report_campus_card(void *context, const struct campus_card_record *card)
{
    struct stiver_bank_books *books = ((struct report *)context)->books;
    bool is_beyond = __builtin_add_overflow(books->campus_shadow_minor, card->shadow,
                                            &books->campus_shadow_minor);
    return is_beyond ? STORE_DAMAGED : STORE_OK;
}

static enum store_status report_campus_receipt(void *context,
                                               const struct campus_receipt_record *receipt)
{
    (void)receipt;
    ((struct report *)context)->books->campus_receipts++;
    return STORE_OK;
}

static enum store_status report_receipt(void *context, const struct receipt_record *receipt)
{
    (void)receipt;
    ((struct report *)context)->books->receipts++;
    return STORE_OK;
}

static enum store_status report_posting(void *context, const struct posting_record *posting)
{
    (void)posting;
    ((struct report *)context)->books->postings++;
    return STORE_OK;
}

static enum store_status report_alarm(void *context, const struct alarm_record *alarm)
{
    (void)alarm;
    ((struct report *)context)->books->alarms++;
    return STORE_OK;
}

/* One transaction, so that all figures are of one moment. */
static enum stiver_bank_status report_work(struct stiver_bank *bank, void *context)
{
    struct report *report = context;
    *report->books = (struct stiver_bank_books){0};
    enum store_status status = STORE(bank, accounts, report_account, report);
    if (status == STORE_OK)
        status = STORE(bank, cards, report_card, report);
    if (status == STORE_OK)
        status = STORE(bank, receipts, report_receipt, report);
    if (status == STORE_OK)
        status = CAMPUS(bank, cards, report_campus_card, report);
    if (status == STORE_OK)
        status = CAMPUS(bank, receipts, report_campus_receipt, report);
    if (status == STORE_OK)
        status = STORE(bank, postings, report_posting, report);
    if (status == STORE_OK)
        status = STORE(bank, alarms, report_alarm, report);
    return bank_status_of_store(status);
}

enum stiver_bank_status stiver_bank_books(struct stiver_bank *bank,
                                          stiver_bank_account_visit *visit, void *context,
                                          struct stiver_bank_books *books)
{
    struct report report = {bank, visit, context, books};
    enum stiver_bank_status status = bank_transact(bank, report_work, &report);
    books->balanced = books->sum_minor == 0 && books->float_minor == books->shadow_minor &&
                      books->campus_float_minor == books->campus_shadow_minor;
    return status;
}
