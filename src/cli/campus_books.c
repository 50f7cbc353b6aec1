/* SPDX-License-Identifier: Apache-2.0 */
/* stiver campus answer, import-log, decide, fund: the campus purse's settlement. Its books are the
 * bank's: stiver bank books, alarms, audit. */
#include "cli/campus_open.h"

#include <stdlib.h>
#include <string.h>

/* ---- answer ---- */

static enum cli_exit answer(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    uint8_t *request = NULL;
    size_t bytes = 0;
    struct stiver_bank_bytes given = {NULL, 0};
    (void)currency;
    if (!cli_read_file(cli, cli->arguments[0], &request, &bytes))
        return CLI_REFUSED;
    enum cli_exit result =
        bank_file_result(cli, bank, stiver_campus_link(bank, request, bytes, &given),
                         cli->arguments[0], "a request: give the file of stiver campus export");
    if (result == CLI_DONE && !cli_write_file(cli, cli->arguments[1], given.data, given.length,
                                              false, CAMPUS_DOCUMENT_ALIKE))
        result = CLI_REFUSED;
    if (result == CLI_DONE)
        cli_say(cli, "campus.answered",
                json_pack("{s:s,s:s}", "request", cli->arguments[0], "answer", cli->arguments[1]),
                "%s is answered in %s; take it back to the terminal (stiver campus import).",
                cli->arguments[0], cli->arguments[1]);
    stiver_bank_bytes_free(&given);
    free(request);
    return result;
}

static enum cli_exit run_answer(struct cli *cli)
{
    return campus_with_bank(cli, answer);
}

/* ---- import-log ---- */

static void visit_rejected(void *context, unsigned line, const char *why)
{
    cli_say(context, "campus.rejected", json_pack("{s:I}", "line", (json_int_t)line),
            "Line %u is not booked: %s", line, why);
}

static enum cli_exit import_log(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    uint8_t *file = NULL;
    size_t bytes = 0;
    uint32_t terminal = 0;
    struct stiver_campus_import import = {.booked = 0};
    (void)currency;
    if (!campus_number(cli, "--id", cli_value(cli, "id"), &terminal))
        return CLI_USAGE;
    if (!cli_read_file(cli, cli->arguments[0], &file, &bytes))
        return CLI_REFUSED;
    enum stiver_bank_status status =
        stiver_campus_import_log(bank, terminal, file, bytes, visit_rejected, cli, &import);
    free(file);
    enum cli_exit result = bank_file_result(cli, bank, status, cli->arguments[0],
                                            "a log: give payment_log.csv or reload_log.csv");
    if (result != CLI_DONE)
        return result;
    cli_say(cli, "campus.imported",
            json_pack("{s:I,s:I,s:I,s:I}", "booked", (json_int_t)import.booked, "already",
                      (json_int_t)import.already, "suspense", (json_int_t)import.suspense,
                      "rejected", (json_int_t)import.rejected),
            "%s: %u booked, %u booked before, %u in suspense, %u rejected.", cli->arguments[0],
            import.booked, import.already, import.suspense, import.rejected);
    return import.rejected == 0 ? CLI_DONE : CLI_FINDINGS;
}

static enum cli_exit run_import_log(struct cli *cli)
{
    return campus_with_bank(cli, import_log);
}

/* ---- decide ---- */

static enum cli_exit decide(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    uint32_t card = 0, counter = 0;
    (void)currency;
    if (!campus_number(cli, "CARD", cli->arguments[0], &card) ||
        !campus_number(cli, "COUNTER", cli->arguments[1], &counter))
        return CLI_USAGE;
    const bool credited = strcmp(cli->arguments[2], "credited") == 0;
    if (!credited && strcmp(cli->arguments[2], "not-credited") != 0)
        return cli_misuse(cli, "OUTCOME is credited or not-credited, not %s", cli->arguments[2]);
    enum cli_exit result =
        bank_result(cli, bank, stiver_campus_decide(bank, card, counter, credited));
    if (result == CLI_DONE)
        cli_say(cli, "campus.decided",
                json_pack("{s:I,s:I,s:b}", "card", (json_int_t)card, "card_counter",
                          (json_int_t)counter, "credited", credited),
                credited ? "The load of card %lu, counter %lu, counts as credited."
                         : "The load of card %lu, counter %lu, was not credited: it is owed to the "
                           "holder.",
                (unsigned long)card, (unsigned long)counter);
    return result;
}

static enum cli_exit run_decide(struct cli *cli)
{
    return campus_with_bank(cli, decide);
}

/* ---- fund ---- */

static enum cli_exit fund(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    uint32_t terminal = 0;
    struct money amount;
    char text[MONEY_TEXT_BYTES];
    const char *reference = cli_value(cli, "reference");
    if (!campus_number(cli, "TERMINAL", cli->arguments[0], &terminal) ||
        !cli_amount(cli, cli->arguments[1], currency, &amount))
        return CLI_USAGE;
    const struct stiver_bank_money given = {amount.minor, amount.currency};
    enum cli_exit result =
        bank_result(cli, bank, stiver_campus_fund(bank, terminal, given, reference));
    money_format(amount, text);
    if (result == CLI_DONE)
        cli_say(cli, "campus.funded",
                json_pack("{s:I,s:o}", "terminal", (json_int_t)terminal, "amount",
                          cli_json_money(amount)),
                "Deposit %s credits the till of campus terminal %lu with %s, once.", reference,
                (unsigned long)terminal, text);
    return result;
}

static enum cli_exit run_fund(struct cli *cli)
{
    return campus_with_bank(cli, fund);
}

/* ---- table ---- */

static const struct cli_option import_options[] = {
    CLI_OPTION_BANK,
    {"id", "ID", "the terminal whose log it is, which the file does not say", true},
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_option fund_options[] = {
    CLI_OPTION_BANK,
    {"reference", "TEXT", "names this deposit, so that it counts once", true},
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_argument answer_arguments[] = {
    {"REQUEST", "the file that stiver campus export wrote", false},
    {"ANSWER", "where the bank's answer goes", false},
    {NULL, NULL, false},
};

static const struct cli_argument log_argument[] = {
    {"LOG", "payment_log.csv or reload_log.csv", false}, {NULL, NULL, false}};

static const struct cli_argument decide_arguments[] = {
    {"CARD", "the card's ID", false},
    {"COUNTER", "the card's counter in the load's receipt", false},
    {"OUTCOME", "credited or not-credited", false},
    {NULL, NULL, false},
};

static const struct cli_argument fund_arguments[] = {
    {"TERMINAL", "the reload terminal's ID", false},
    {"AMOUNT", "what was brought", false},
    {NULL, NULL, false},
};

const struct cli_command cli_campus_books_commands[] = {
    {"campus answer", "settle what a campus terminal exported, and answer it",
     "Receipts are verified and booked exactly once. The same request again gets the same answer.",
     bank_options, answer_arguments, run_answer},
    {"campus import-log", "book the log of a terminal of the source",
     "Each line is verified and booked once. Exit status 4 if a line is not booked.",
     import_options, log_argument, run_import_log},
    {"campus decide", "say what became of a load that was given up", NULL, bank_options,
     decide_arguments, run_decide},
    {"campus fund", "credit a reload terminal's till with money that was brought", NULL,
     fund_options, fund_arguments, run_fund},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
