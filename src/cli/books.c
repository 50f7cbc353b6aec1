/* SPDX-License-Identifier: Apache-2.0 */
/* stiver bank answer, fund, books, alarms, audit: settlement and the books. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/date.h"
#include "base/hex.h"
#include "cli/bank_open.h"
#include "scheme/sizes.h"

/* ---- answer ---- */

static enum cli_exit answer_request(struct cli *cli, struct stiver_bank *bank)
{
    uint8_t *request = NULL;
    size_t bytes = 0;
    struct stiver_bank_bytes answer = {NULL, 0};
    if (!cli_read_file(cli, cli->arguments[0], &request, &bytes))
        return CLI_REFUSED;
    enum cli_exit result =
        bank_file_result(cli, bank, stiver_bank_link(bank, request, bytes, &answer),
                         cli->arguments[0], "a request: give the file of stiver terminal export");
    if (result == CLI_DONE && !cli_write_file(cli, cli->arguments[1], answer.data, answer.length,
                                              false, CLI_DOCUMENT_ALIKE))
        result = CLI_REFUSED;
    if (result == CLI_DONE)
        cli_say(cli, "bank.answered",
                json_pack("{s:s,s:s}", "request", cli->arguments[0], "answer", cli->arguments[1]),
                "%s is answered in %s; take it back to the terminal (stiver terminal import).",
                cli->arguments[0], cli->arguments[1]);
    stiver_bank_bytes_free(&answer);
    free(request);
    return result;
}

static enum cli_exit run_answer(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = answer_request(cli, bank);
    stiver_bank_close(bank);
    return result;
}

/* ---- fund ---- */

static enum cli_exit fund(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    struct money amount;
    char text[MONEY_TEXT_BYTES];
    if (!cli_hex(cli, "a terminal number", cli->arguments[0], terminal, sizeof terminal) ||
        !cli_money(cli, cli->arguments[1], currency, &amount))
        return CLI_USAGE;
    const struct stiver_bank_money given = {amount.minor, amount.currency};
    enum cli_exit result = bank_result(
        cli, bank, stiver_bank_fund(bank, terminal, given, cli_value(cli, "reference")));
    money_format(amount, text);
    if (result == CLI_DONE)
        cli_say(
            cli, "bank.funded",
            json_pack("{s:s,s:o}", "terminal", cli->arguments[0], "amount", cli_json_money(amount)),
            "Deposit %s credits the till of terminal %s with %s, once.",
            cli_value(cli, "reference"), cli->arguments[0], text);
    return result;
}

static enum cli_exit run_fund(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = fund(cli, bank, settings.currency);
    stiver_bank_close(bank);
    return result;
}

/* ---- books ---- */

/* A signed sum as "-20.00 EUR"; sums beyond 32 bits of minor units are split into units first. */
static void format_sum(int64_t minor, uint16_t currency, char text[48])
{
    const char *letters = currency_letters(currency);
    uint64_t size = minor < 0 ? (uint64_t)0 - (uint64_t)minor : (uint64_t)minor, scale = 1;
    unsigned places = currency_exponent(currency);
    for (unsigned i = 0; i < places; i++)
        scale *= 10;
    if (places == 0)
        (void)snprintf(text, 48, "%s%" PRIu64 " %s", minor < 0 ? "-" : "", size,
                       letters == NULL ? "" : letters);
    else
        (void)snprintf(text, 48, "%s%" PRIu64 ".%0*" PRIu64 " %s", minor < 0 ? "-" : "",
                       size / scale, (int)places, size % scale, letters == NULL ? "" : letters);
}

static void visit_account(void *context, const struct stiver_bank_account *account)
{
    struct cli *cli = context;
    const char *letters = currency_letters(account->currency);
    char text[48];
    format_sum(account->balance_minor, account->currency, text);
    cli_say(cli, "bank.account",
            json_pack("{s:s,s:I,s:s}", "account", account->name, "minor",
                      (json_int_t)account->balance_minor, "currency",
                      letters == NULL ? "" : letters),
            "%-28s %16s", account->name, text);
}

/* What the campus purse adds, where there is any. */
static void say_campus(const struct stiver_bank_books *books, uint16_t currency, char *text,
                       size_t capacity)
{
    char held[48], shadow[48];
    if (books->campus_receipts == 0 && books->campus_float_minor == 0 &&
        books->campus_shadow_minor == 0)
        return;
    format_sum(books->campus_float_minor, currency, held);
    format_sum(books->campus_shadow_minor, currency, shadow);
    (void)snprintf(text, capacity,
                   "campus float %s, campus cards hold %s; %" PRIu64 " campus receipts, ", held,
                   shadow, books->campus_receipts);
}

static enum cli_exit show_books(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    struct stiver_bank_books books;
    char held[48], shadow[48], campus[160] = "";
    enum cli_exit result =
        bank_result(cli, bank, stiver_bank_books(bank, visit_account, cli, &books));
    if (result != CLI_DONE)
        return result;
    format_sum(books.float_minor, currency, held);
    format_sum(books.shadow_minor, currency, shadow);
    say_campus(&books, currency, campus, sizeof campus);
    json_t *fields = json_pack(
        "{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "balanced", books.balanced, "sum_minor",
        (json_int_t)books.sum_minor, "float_minor", (json_int_t)books.float_minor, "shadow_minor",
        (json_int_t)books.shadow_minor, "receipts", (json_int_t)books.receipts, "postings",
        (json_int_t)books.postings, "alarms", (json_int_t)books.alarms, "campus_float_minor",
        (json_int_t)books.campus_float_minor, "campus_shadow_minor",
        (json_int_t)books.campus_shadow_minor, "campus_receipts",
        (json_int_t)books.campus_receipts);
    cli_say(cli, "bank.books", fields,
            "%s: float %s, cards hold %s by their receipts; %s%" PRIu64 " receipts, %" PRIu64
            " postings, %" PRIu64 " alarms.",
            books.balanced ? "The books balance" : "THE BOOKS DO NOT BALANCE", held, shadow, campus,
            books.receipts, books.postings, books.alarms);
    return books.balanced ? CLI_DONE : CLI_FINDINGS;
}

static enum cli_exit run_books(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = show_books(cli, bank, settings.currency);
    stiver_bank_close(bank);
    return result;
}

/* ---- alarms ---- */

struct alarms {
    struct cli *cli;
    unsigned long count;
};

static void visit_alarm(void *context, const struct stiver_bank_alarm *alarm)
{
    struct alarms *alarms = context;
    struct cli *cli = alarms->cli;
    char time[DATE_TEXT_BYTES];
    alarms->count++;
    date_format(alarm->time, time);
    cli_say(cli, "bank.alarm",
            json_pack("{s:s,s:o,s:o}", "time", time, "card",
                      cli_json_hex(alarm->card, CARD_NUMBER_BYTES), "terminal",
                      cli_json_hex(alarm->terminal, TERMINAL_NUMBER_BYTES)),
            "%s  %s", time, alarm->text);
}

static enum cli_exit run_alarms(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    struct alarms alarms = {.cli = cli};
    enum cli_exit result = bank_result(cli, bank, stiver_bank_alarms(bank, visit_alarm, &alarms));
    if (result == CLI_DONE)
        cli_say(cli, "bank.alarms", json_pack("{s:I}", "alarms", (json_int_t)alarms.count),
                alarms.count == 1 ? "%lu alarm." : "%lu alarms.", alarms.count);
    stiver_bank_close(bank);
    return result;
}

/* ---- audit ---- */

static void visit_finding(void *context, const char *text)
{
    cli_say(context, "bank.finding", NULL, "%s", text);
}

static enum cli_exit show_audit(struct cli *cli, struct stiver_bank *bank)
{
    struct stiver_bank_audit audit;
    enum cli_exit result =
        bank_result(cli, bank, stiver_bank_audit(bank, visit_finding, cli, &audit));
    if (result != CLI_DONE)
        return result;
    uint64_t documents = audit.certificates + audit.orders + audit.receipts + audit.others;
    json_t *fields =
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "certificates", (json_int_t)audit.certificates,
                  "orders", (json_int_t)audit.orders, "receipts", (json_int_t)audit.receipts,
                  "others", (json_int_t)audit.others, "postings", (json_int_t)audit.postings,
                  "findings", (json_int_t)audit.findings);
    cli_say(cli, "bank.audit", fields,
            "%s: %" PRIu64 " signed documents read again (%" PRIu64 " receipts, %" PRIu64
            " orders), %" PRIu64 " postings recomputed, %" PRIu64 " findings.",
            audit.findings == 0 ? "The audit agrees with the books" : "THE AUDIT DISAGREES",
            documents, audit.receipts, audit.orders, audit.postings, audit.findings);
    return audit.findings == 0 ? CLI_DONE : CLI_FINDINGS;
}

static enum cli_exit run_audit(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = show_audit(cli, bank);
    stiver_bank_close(bank);
    return result;
}

/* ---- table ---- */

static const struct cli_option fund_options[] = {
    CLI_OPTION_BANK,
    {"reference", "TEXT", "names this deposit, so that it counts once", true},
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_argument answer_arguments[] = {
    {"REQUEST", "the file that stiver terminal export wrote", false},
    {"ANSWER", "where the bank's answer goes", false},
    {NULL, NULL, false},
};

static const struct cli_argument fund_arguments[] = {
    {"TERMINAL", "terminal number, 16 digits", false},
    {"AMOUNT", "what was brought", false},
    {NULL, NULL, false},
};

const struct cli_command cli_books_commands[] = {
    {"bank answer", "settle what a terminal exported, and answer it",
     "Receipts are verified and booked exactly once; the answer carries acknowledgements and the\n"
     "list. The same request again gets the same answer.",
     bank_options, answer_arguments, run_answer},
    {"bank fund", "credit a kiosk's till with money that was brought", NULL, fund_options,
     fund_arguments, run_fund},
    {"bank books", "show every account and whether the books balance", NULL, bank_options, NULL,
     run_books},
    {"bank alarms", "show what a person must look at", NULL, bank_options, NULL, run_alarms},
    {"bank audit", "read the signed documents again and compare the books", NULL, bank_options,
     NULL, run_audit},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
