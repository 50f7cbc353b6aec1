/* SPDX-License-Identifier: Apache-2.0 */
/* stiver bank stock, cards, enrol, …: the bank's register of cards and terminals. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/date.h"
#include "base/hex.h"
#include "cli/bank_open.h"
#include "cli/stock_record.h"
#include "scheme/certificate.h"

#define NUMBER_TEXT_BYTES (2 * CARD_NUMBER_BYTES + 1)

/* ---- cards ---- */

static enum cli_exit run_stock(struct cli *cli)
{
    struct stiver_card_factory factory;
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    char serial[2 * STIVER_SERIAL_BYTES + 1];
    if (!stock_record_read(cli, cli->arguments[0], &factory) ||
        !bank_open_asked(cli, &bank, &settings)) {
        bytes_wipe(&factory, sizeof factory);
        return CLI_REFUSED;
    }
    uint8_t card_class = factory.is_hardware != 0 ? CARD_HARDWARE : CARD_VIRTUAL;
    enum stiver_bank_status status =
        stiver_bank_stock(bank, factory.serial, factory.transport_key, card_class);
    enum cli_exit result = bank_result(cli, bank, status);
    hex_encode(factory.serial, STIVER_SERIAL_BYTES, serial);
    bytes_wipe(&factory, sizeof factory);
    if (result == CLI_DONE)
        cli_say(cli, "bank.stocked", json_pack("{s:s}", "serial", serial),
                "Card %s is in stock. The stock record is not needed any more: destroy it.",
                serial);
    stiver_bank_close(bank);
    return result;
}

static const char *reason_name(enum stiver_bank_reason reason)
{
    switch (reason) {
    case STIVER_BANK_LOST:
        return "lost";
    case STIVER_BANK_STOLEN:
        return "stolen";
    case STIVER_BANK_CLONE:
        return "clone";
    default:
        return "no";
    }
}

struct visit {
    struct cli *cli;
    uint16_t currency;
};

static void visit_card(void *context, const struct stiver_bank_card *card)
{
    const struct visit *visit = context;
    char number[NUMBER_TEXT_BYTES], balance[MONEY_TEXT_BYTES];
    struct money held = money_of(card->balance, visit->currency);
    hex_encode(card->card, CARD_NUMBER_BYTES, number);
    money_format(held, balance);
    cli_say(visit->cli, "bank.card",
            json_pack("{s:s,s:o,s:I,s:I,s:s,s:b,s:b,s:b}", "card", number, "balance",
                      cli_json_money(held), "counter", (json_int_t)card->counter, "missing",
                      (json_int_t)card->missing, "reported", reason_name(card->reason), "listed",
                      card->is_listed, "blocked", card->is_blocked, "loads_stopped",
                      card->loads_stopped),
            "%s  %12s after receipt %lu%s%s%s%s%s%s", number, balance, (unsigned long)card->counter,
            card->missing != 0 ? ", receipts are missing" : "",
            card->reason != 0 ? ", reported " : "",
            card->reason != 0 ? reason_name(card->reason) : "",
            card->is_listed ? ", on the list" : "", card->is_blocked ? ", has blocked itself" : "",
            card->loads_stopped ? ", loads are stopped" : "");
}

static enum cli_exit run_cards(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    struct visit visit = {cli, settings.currency};
    enum cli_exit result = bank_result(cli, bank, stiver_bank_cards(bank, visit_card, &visit));
    stiver_bank_close(bank);
    return result;
}

static bool read_reason(struct cli *cli, enum stiver_bank_reason *reason)
{
    const char *text = cli_value(cli, "reason");
    *reason = STIVER_BANK_LOST;
    if (text == NULL || strcmp(text, "lost") == 0)
        return true;
    if (strcmp(text, "stolen") == 0)
        *reason = STIVER_BANK_STOLEN;
    else if (strcmp(text, "clone") == 0)
        *reason = STIVER_BANK_CLONE;
    else
        (void)cli_misuse(cli, "--reason takes lost, stolen or clone, not %s", text);
    return *reason != STIVER_BANK_LOST;
}

static enum cli_exit run_list_card(struct cli *cli)
{
    uint8_t number[CARD_NUMBER_BYTES];
    enum stiver_bank_reason reason = STIVER_BANK_LOST;
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!cli_hex(cli, "a card number", cli->arguments[0], number, sizeof number) ||
        !read_reason(cli, &reason))
        return CLI_USAGE;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = bank_result(cli, bank, stiver_bank_list_card(bank, number, reason));
    if (result == CLI_DONE)
        cli_say(cli, "bank.listed",
                json_pack("{s:s,s:s}", "card", cli->arguments[0], "reason", reason_name(reason)),
                "Card %s is on the list (%s): the next terminal that has the new list blocks it.",
                cli->arguments[0], reason_name(reason));
    stiver_bank_close(bank);
    return result;
}

/* ---- terminals ---- */

static bool read_role(struct cli *cli, uint8_t *role)
{
    static const char *const names[] = {"", "pos", "kiosk", "desk", "station", "vending", "bank"};
    const char *text = cli_value(cli, "role");
    for (uint8_t r = 1; r <= ROLE_LAST; r++) {
        if (strcmp(text, names[r]) == 0) {
            *role = r;
            return true;
        }
    }
    (void)cli_misuse(cli, "--role takes pos, kiosk, desk, station, vending or bank, not %s", text);
    return false;
}

static bool read_days(struct cli *cli, unsigned *days)
{
    const char *text = cli_value(cli, "days");
    uint32_t number = CERTIFICATE_DAYS_TERMINAL;
    bool valid =
        text == NULL || cli_number(cli, "--days", text, 1, CERTIFICATE_DAYS_TERMINAL, &number);
    *days = number;
    return valid;
}

static bool read_enrolment(struct cli *cli, uint16_t currency,
                           struct stiver_bank_enrolment *enrolment)
{
    const char *merchant = cli_value(cli, "merchant");
    struct money limit = money_of(0, currency), credit = money_of(0, currency);
    bool valid = read_role(cli, &enrolment->role) && read_days(cli, &enrolment->days) &&
                 (merchant == NULL ||
                  cli_number(cli, "--merchant", merchant, 0, UINT32_MAX, &enrolment->merchant)) &&
                 (cli_value(cli, "limit") == NULL ||
                  cli_money(cli, cli_value(cli, "limit"), currency, &limit)) &&
                 (cli_value(cli, "credit") == NULL ||
                  cli_money(cli, cli_value(cli, "credit"), currency, &credit));
    enrolment->limit = limit.minor;
    enrolment->credit = credit.minor;
    return valid;
}

static enum cli_exit write_package(struct cli *cli, const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                   struct stiver_bank_bytes *package)
{
    char number[NUMBER_TEXT_BYTES];
    const char *path = cli_value(cli, "out");
    hex_encode(terminal, TERMINAL_NUMBER_BYTES, number);
    if (!cli_write_file(cli, path, package->data, package->length, false, CLI_DOCUMENT_ALIKE))
        return CLI_REFUSED;
    cli_say(cli, "bank.enrolled", json_pack("{s:s,s:s}", "terminal", number, "package", path),
            "Terminal %s is enrolled; take %s to it (stiver terminal adopt).", number, path);
    return CLI_DONE;
}

static enum cli_exit enrol(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    struct stiver_bank_enrolment enrolment = {.classes = 0};
    struct stiver_bank_bytes package = {NULL, 0};
    uint8_t terminal[TERMINAL_NUMBER_BYTES], *request = NULL;
    size_t bytes = 0;
    if (!read_enrolment(cli, currency, &enrolment))
        return CLI_USAGE;
    if (!cli_read_file(cli, cli->arguments[0], &request, &bytes))
        return CLI_REFUSED;
    enum cli_exit result = bank_file_result(
        cli, bank, stiver_bank_enrol(bank, request, bytes, &enrolment, terminal, &package),
        cli->arguments[0], "a terminal's request: give the file of stiver terminal create");
    if (result == CLI_DONE)
        result = write_package(cli, terminal, &package);
    stiver_bank_bytes_free(&package);
    free(request);
    return result;
}

static enum cli_exit run_enrol(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = enrol(cli, bank, settings.currency);
    stiver_bank_close(bank);
    return result;
}

static enum cli_exit run_recertify(struct cli *cli)
{
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    unsigned days = 0;
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    struct stiver_bank_bytes package = {NULL, 0};
    if (!cli_hex(cli, "a terminal number", cli->arguments[0], terminal, sizeof terminal) ||
        !read_days(cli, &days))
        return CLI_USAGE;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result =
        bank_result(cli, bank, stiver_bank_recertify(bank, terminal, days, &package));
    if (result == CLI_DONE)
        result = write_package(cli, terminal, &package);
    stiver_bank_bytes_free(&package);
    stiver_bank_close(bank);
    return result;
}

static void visit_terminal(void *context, const struct stiver_bank_terminal *terminal)
{
    const struct visit *visit = context;
    char number[NUMBER_TEXT_BYTES], limit[MONEY_TEXT_BYTES], end[DATE_TEXT_BYTES];
    struct money most = money_of(terminal->limit, visit->currency);
    const char *role = role_name((enum terminal_role)terminal->role);
    hex_encode(terminal->terminal, TERMINAL_NUMBER_BYTES, number);
    money_format(most, limit);
    date_format(terminal->end, end);
    cli_say(visit->cli, "bank.terminal",
            json_pack("{s:s,s:s,s:I,s:o,s:s,s:I,s:b}", "terminal", number, "role", role, "merchant",
                      (json_int_t)terminal->merchant, "limit", cli_json_money(most), "end", end,
                      "counter", (json_int_t)terminal->counter, "listed", terminal->is_listed),
            "%s  %-13s merchant %lu, limit %s, good until %s, last number %lu%s", number, role,
            (unsigned long)terminal->merchant, limit, end, (unsigned long)terminal->counter,
            terminal->is_listed ? ", listed" : "");
}

static enum cli_exit run_terminals(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    struct visit visit = {cli, settings.currency};
    enum cli_exit result =
        bank_result(cli, bank, stiver_bank_terminals(bank, visit_terminal, &visit));
    stiver_bank_close(bank);
    return result;
}

static enum cli_exit run_list_terminal(struct cli *cli)
{
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!cli_hex(cli, "a terminal number", cli->arguments[0], terminal, sizeof terminal))
        return CLI_USAGE;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = bank_result(cli, bank, stiver_bank_list_terminal(bank, terminal));
    if (result == CLI_DONE)
        cli_say(cli, "bank.terminal_listed", json_pack("{s:s}", "terminal", cli->arguments[0]),
                "Terminal %s is listed: its requests are refused, its receipts go to suspense.",
                cli->arguments[0]);
    stiver_bank_close(bank);
    return result;
}

/* ---- table ---- */

static const struct cli_option reason_options[] = {
    CLI_OPTION_BANK,
    {"reason", "WHY", "lost (default), stolen or clone", false},
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_option enrol_options[] = {
    CLI_OPTION_BANK,
    {"role", "ROLE", "pos, kiosk, desk, station, vending or bank", true},
    {"out", "FILE", "where the package for the terminal goes", true},
    {"merchant", "N", "who is paid there (default: 0, nobody)", false},
    {"limit", "AMOUNT", "most that it takes offline from one card (default: 0)", false},
    {"credit", "AMOUNT", "most cash that its till may owe (kiosk, desk; default: 0)", false},
    {"days", "N", "how long its certificate is good, 1 to 7 (default: 7)", false},
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_option recertify_options[] = {
    CLI_OPTION_BANK,
    {"out", "FILE", "where the package for the terminal goes", true},
    {"days", "N", "1 to 7 (default: 7)", false},
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_argument record_argument[] = {
    {"RECORD", "the stock record that stiver card create wrote", false}, {NULL, NULL, false}};
static const struct cli_argument card_argument[] = {{"CARD", "card number, 16 digits", false},
                                                    {NULL, NULL, false}};
static const struct cli_argument terminal_argument[] = {
    {"TERMINAL", "terminal number, 16 digits", false}, {NULL, NULL, false}};
static const struct cli_argument request_argument[] = {
    {"REQUEST", "the file that stiver terminal create wrote", false}, {NULL, NULL, false}};

const struct cli_command cli_register_commands[] = {
    {"bank stock", "put a blank card into the register of stock", NULL, bank_options,
     record_argument, run_stock},
    {"bank cards", "show every card", NULL, bank_options, NULL, run_cards},
    {"bank list-card", "put a card on the revocation list", NULL, reason_options, card_argument,
     run_list_card},
    {"bank enrol", "give a new terminal its number and certificate", NULL, enrol_options,
     request_argument, run_enrol},
    {"bank recertify", "give an enrolled terminal a new certificate", NULL, recertify_options,
     terminal_argument, run_recertify},
    {"bank terminals", "show every terminal", NULL, bank_options, NULL, run_terminals},
    {"bank list-terminal", "refuse a terminal from now on", NULL, bank_options, terminal_argument,
     run_list_terminal},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
