/* SPDX-License-Identifier: Apache-2.0 */
/* stiver campus found, enrol, register, cards, …: the bank as the campus purse's back end. */
#include "cli/campus_open.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/date.h"
#include "base/hex.h"
#include "scheme/campus.h"

#define DAYS_MOST 7u

/* ---- found ---- */

static enum cli_exit found(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    uint8_t fingerprint[32] = {0}, *pem = NULL;
    size_t bytes = 0;
    char text[2 * 32 + 1];
    const char *path = cli_value(cli, "key");
    (void)currency;
    if (path != NULL && !cli_read_file(cli, path, &pem, &bytes))
        return CLI_REFUSED;
    enum stiver_bank_status status = stiver_campus_found(bank, pem, bytes, fingerprint);
    if (pem != NULL)
        bytes_wipe(pem, bytes);
    free(pem);
    enum cli_exit result =
        path == NULL
            ? bank_result(cli, bank, status)
            : bank_file_result(cli, bank, status, path,
                               "a private RSA key of 2,048 bits: give backend_private.pem");
    if (result != CLI_DONE)
        return result;
    hex_encode(fingerprint, sizeof fingerprint, text);
    cli_say(cli, "campus.founded",
            json_pack("{s:s,s:b}", "back_end", text, "new", status == STIVER_BANK_OK),
            "%s. Fingerprint of its back end, for stiver campus adopt --back-end: %s",
            status == STIVER_BANK_OK ? "The bank keeps the campus purse from now on"
                                     : "The bank keeps the campus purse already",
            text);
    return CLI_DONE;
}

static enum cli_exit run_found(struct cli *cli)
{
    return campus_with_bank(cli, found);
}

/* ---- terminals ---- */

/* What --id, --merchant, --credit and --days say; those that the command has. */
static bool read_enrolment(struct cli *cli, uint16_t currency,
                           struct stiver_campus_enrolment *enrolment)
{
    const char *id = cli_value(cli, "id"), *merchant = cli_value(cli, "merchant");
    const char *credit = cli_value(cli, "credit");
    struct money most = money_of(0, currency);
    *enrolment = (struct stiver_campus_enrolment){.days = DAYS_MOST};
    if (id != NULL && !campus_number(cli, "--id", id, &enrolment->id))
        return false;
    if (id != NULL && enrolment->id == 0) { /* to the bank that would mean: draw one */
        (void)cli_misuse(cli,
                         "--id 0 is no terminal's: give another, or none and the bank draws one");
        return false;
    }
    if (merchant != NULL &&
        !cli_number(cli, "--merchant", merchant, 0, UINT32_MAX, &enrolment->merchant))
        return false;
    if (credit != NULL && !cli_money(cli, credit, currency, &most))
        return false;
    enrolment->credit = most.minor;
    return true;
}

static bool read_days(struct cli *cli, unsigned *days)
{
    const char *text = cli_value(cli, "days");
    uint32_t number = DAYS_MOST;
    const bool valid = text == NULL || cli_number(cli, "--days", text, 1, DAYS_MOST, &number);
    *days = number;
    return valid;
}

static enum cli_exit write_package(struct cli *cli, uint32_t terminal,
                                   const struct stiver_bank_bytes *package)
{
    const char *path = cli_value(cli, "out");
    if (!cli_write_file(cli, path, package->data, package->length, false, CAMPUS_DOCUMENT_ALIKE))
        return CLI_REFUSED;
    cli_say(cli, "campus.enrolled",
            json_pack("{s:I,s:s}", "terminal", (json_int_t)terminal, "package", path),
            "Campus terminal %lu is enrolled; take %s to it (stiver campus adopt).",
            (unsigned long)terminal, path);
    return CLI_DONE;
}

static enum cli_exit enrol(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    struct stiver_campus_enrolment enrolment;
    struct stiver_bank_bytes package = {NULL, 0};
    uint8_t *request = NULL;
    size_t bytes = 0;
    uint32_t terminal = 0;
    if (!read_enrolment(cli, currency, &enrolment) || !read_days(cli, &enrolment.days))
        return CLI_USAGE;
    if (!cli_read_file(cli, cli->arguments[0], &request, &bytes))
        return CLI_REFUSED;
    enum stiver_bank_status status =
        stiver_campus_enrol(bank, request, bytes, &enrolment, &terminal, &package);
    if (status == STIVER_BANK_ALREADY) { /* asked once more: its package may have been lost */
        terminal = enrolment.id;
        status = stiver_campus_recertify(bank, terminal, enrolment.days, &package);
    }
    enum cli_exit result =
        bank_file_result(cli, bank, status, cli->arguments[0],
                         "a campus terminal's request: give the file of stiver campus create");
    if (result == CLI_DONE)
        result = write_package(cli, terminal, &package);
    stiver_bank_bytes_free(&package);
    free(request);
    return result;
}

static enum cli_exit run_enrol(struct cli *cli)
{
    return campus_with_bank(cli, enrol);
}

static enum cli_exit register_terminal(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    struct stiver_campus_enrolment enrolment;
    enum stiver_campus_role role = STIVER_CAMPUS_POS;
    uint8_t *pem = NULL, signature[CAMPUS_RSA_BYTES];
    size_t bytes = 0;
    uint32_t end = 0;
    if (!read_enrolment(cli, currency, &enrolment) || !campus_role_asked(cli, &role) ||
        !campus_time(cli, "--end", cli_value(cli, "end"), &end))
        return CLI_USAGE;
    if (role == STIVER_CAMPUS_STATION)
        return cli_misuse(cli, "a station of the source has no certificate to register");
    if (!campus_read_exactly(cli, cli_value(cli, "signature"), "a certificate's signature",
                             signature, sizeof signature) ||
        !cli_read_file(cli, cli->arguments[0], &pem, &bytes))
        return CLI_REFUSED;
    enum stiver_bank_status status =
        stiver_campus_register(bank, (uint8_t)role, &enrolment, end, pem, bytes, signature);
    free(pem);
    enum cli_exit result =
        bank_file_result(cli, bank, status, cli->arguments[0],
                         "a public RSA key of 2,048 bits: give pos_public.pem or "
                         "reload_public.pem");
    if (result == CLI_DONE)
        cli_say(cli, "campus.registered",
                json_pack("{s:I,s:s}", "terminal", (json_int_t)enrolment.id, "role",
                          campus_role_name(role)),
                "Campus terminal %lu of the source is registered, role %s.",
                (unsigned long)enrolment.id, campus_role_name(role));
    return result;
}

static enum cli_exit run_register(struct cli *cli)
{
    return campus_with_bank(cli, register_terminal);
}

static enum cli_exit recertify(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    struct stiver_bank_bytes package = {NULL, 0};
    uint32_t terminal = 0;
    unsigned days = 0;
    (void)currency;
    if (!campus_number(cli, "TERMINAL", cli->arguments[0], &terminal) || !read_days(cli, &days))
        return CLI_USAGE;
    enum cli_exit result =
        bank_result(cli, bank, stiver_campus_recertify(bank, terminal, days, &package));
    if (result == CLI_DONE)
        result = write_package(cli, terminal, &package);
    stiver_bank_bytes_free(&package);
    return result;
}

static enum cli_exit run_recertify(struct cli *cli)
{
    return campus_with_bank(cli, recertify);
}

struct visit {
    struct cli *cli;
    uint16_t currency;
};

static void visit_terminal(void *context, const struct stiver_campus_bank_terminal *terminal)
{
    const struct visit *visit = context;
    char end[DATE_TEXT_BYTES], credit[MONEY_TEXT_BYTES];
    const struct money most = money_of(terminal->credit, visit->currency);
    const enum stiver_campus_role role = (enum stiver_campus_role)terminal->role;
    date_format(terminal->end, end);
    money_format(most, credit);
    cli_say(visit->cli, "campus.bank_terminal",
            json_pack("{s:I,s:s,s:s,s:I,s:o,s:b}", "terminal", (json_int_t)terminal->id, "role",
                      campus_role_name(role), "end", end, "merchant",
                      (json_int_t)terminal->merchant, "credit", cli_json_money(most), "listed",
                      terminal->is_listed),
            "%10lu  %-7s merchant %lu, credit %s, good until %s%s", (unsigned long)terminal->id,
            campus_role_name(role), (unsigned long)terminal->merchant, credit, end,
            terminal->is_listed ? ", listed" : "");
}

static enum cli_exit terminals(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    struct visit visit = {cli, currency};
    return bank_result(cli, bank, stiver_campus_terminals(bank, visit_terminal, &visit));
}

static enum cli_exit run_terminals(struct cli *cli)
{
    return campus_with_bank(cli, terminals);
}

static enum cli_exit list_terminal(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    uint32_t terminal = 0;
    (void)currency;
    if (!campus_number(cli, "TERMINAL", cli->arguments[0], &terminal))
        return CLI_USAGE;
    enum cli_exit result = bank_result(cli, bank, stiver_campus_list_terminal(bank, terminal));
    if (result == CLI_DONE)
        cli_say(cli, "campus.terminal_listed", json_pack("{s:I}", "terminal", (json_int_t)terminal),
                "Campus terminal %lu is listed: its receipts go to suspense from now on.",
                (unsigned long)terminal);
    return result;
}

static enum cli_exit run_list_terminal(struct cli *cli)
{
    return campus_with_bank(cli, list_terminal);
}

/* ---- cards ---- */

/* The card's modulus from a public key file. */
static bool read_modulus(struct cli *cli, const char *path, uint8_t modulus[CAMPUS_RSA_BYTES])
{
    uint8_t *pem = NULL, der[CAMPUS_PRIVATE_DER_BYTES_MAX];
    size_t bytes = 0;
    if (!cli_read_file(cli, path, &pem, &bytes))
        return false;
    struct writer w = writer_of(der, sizeof der);
    const bool valid = campus_pem_read(pem, bytes, &w) && !w.failed &&
                       campus_public_der_read(der, w.used, modulus);
    free(pem);
    if (!valid)
        (void)cli_refuse(cli, "MALFORMED", NULL, "%s is not a public RSA key of 2,048 bits", path);
    return valid;
}

static enum cli_exit register_card(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    uint8_t modulus[CAMPUS_RSA_BYTES], signature[CAMPUS_RSA_BYTES];
    uint32_t card = 0, end = 0;
    (void)currency;
    if (!campus_number(cli, "--id", cli_value(cli, "id"), &card) ||
        !campus_time(cli, "--end", cli_value(cli, "end"), &end))
        return CLI_USAGE;
    if (!read_modulus(cli, cli->arguments[0], modulus) ||
        !campus_read_exactly(cli, cli_value(cli, "signature"), "a certificate's signature",
                             signature, sizeof signature))
        return CLI_REFUSED;
    enum cli_exit result =
        bank_result(cli, bank, stiver_campus_register_card(bank, card, end, modulus, signature));
    if (result == CLI_DONE)
        cli_say(cli, "campus.card_registered", json_pack("{s:I}", "card", (json_int_t)card),
                "Campus card %lu is registered.", (unsigned long)card);
    return result;
}

static enum cli_exit run_register_card(struct cli *cli)
{
    return campus_with_bank(cli, register_card);
}

/* A signed sum of minor units in the bank's currency. */
static void format_sum(int64_t minor, uint16_t currency, char text[MONEY_TEXT_BYTES + 1])
{
    const uint64_t size = minor < 0 ? (uint64_t)0 - (uint64_t)minor : (uint64_t)minor;
    text[0] = '-';
    money_format(money_of(size > UINT32_MAX ? UINT32_MAX : (uint32_t)size, currency),
                 text + (minor < 0 ? 1 : 0));
}

static void visit_card(void *context, const struct stiver_campus_card *card)
{
    const struct visit *visit = context;
    const char *letters = currency_letters(visit->currency);
    char end[DATE_TEXT_BYTES], held[MONEY_TEXT_BYTES + 1];
    date_format(card->end, end);
    format_sum(card->shadow_minor, visit->currency, held);
    cli_say(visit->cli, "campus.card",
            json_pack("{s:I,s:s,s:I,s:I,s:s,s:b,s:b}", "card", (json_int_t)card->id, "end", end,
                      "counter", (json_int_t)card->counter, "minor", (json_int_t)card->shadow_minor,
                      "currency", letters == NULL ? "" : letters, "listed", card->is_listed,
                      "blocked", card->is_blocked),
            "%10lu  %12s by its receipts, last counter %lu, good until %s%s%s",
            (unsigned long)card->id, held, (unsigned long)card->counter, end,
            card->is_listed ? ", on the list" : "", card->is_blocked ? ", has blocked itself" : "");
}

static enum cli_exit cards(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    struct visit visit = {cli, currency};
    return bank_result(cli, bank, stiver_campus_cards(bank, visit_card, &visit));
}

static enum cli_exit run_cards(struct cli *cli)
{
    return campus_with_bank(cli, cards);
}

static enum cli_exit list_card(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    uint32_t card = 0;
    (void)currency;
    if (!campus_number(cli, "CARD", cli->arguments[0], &card))
        return CLI_USAGE;
    enum cli_exit result = bank_result(cli, bank, stiver_campus_list_card(bank, card));
    if (result == CLI_DONE)
        cli_say(cli, "campus.listed", json_pack("{s:I}", "card", (json_int_t)card),
                "Campus card %lu is on the list: the next terminal that has the new list blocks "
                "it.",
                (unsigned long)card);
    return result;
}

static enum cli_exit run_list_card(struct cli *cli)
{
    return campus_with_bank(cli, list_card);
}

static enum cli_exit list_file(struct cli *cli, struct stiver_bank *bank, uint16_t currency)
{
    static const size_t century = 2; /* a list starts with its date */
    struct stiver_bank_bytes file = {NULL, 0};
    const char *path = cli->arguments[0];
    (void)currency;
    enum cli_exit result = bank_result(cli, bank, stiver_campus_list_file(bank, &file));
    if (result == CLI_DONE && !cli_write_file(cli, path, file.data, file.length, false, century))
        result = CLI_REFUSED;
    if (result == CLI_DONE)
        cli_say(cli, "campus.list_file", json_pack("{s:s}", "file", path),
                "The list is in %s; take it to a terminal (stiver campus take-list).", path);
    stiver_bank_bytes_free(&file);
    return result;
}

static enum cli_exit run_list_file(struct cli *cli)
{
    return campus_with_bank(cli, list_file);
}

/* ---- table ---- */

#define OUT_OPTION                                                     \
    {                                                                  \
        "out", "FILE", "where the package for the terminal goes", true \
    }
#define MERCHANT_OPTION                                                  \
    {                                                                    \
        "merchant", "N", "who is paid there (default: 0, nobody)", false \
    }
#define CREDIT_OPTION                                                                      \
    {                                                                                      \
        "credit", "AMOUNT", "how far a reload terminal's till may owe (default: 0)", false \
    }
#define DAYS_OPTION                                                                 \
    {                                                                               \
        "days", "N", "how long its certificate is good, 1 to 7 (default: 7)", false \
    }
#define SIGNATURE_OPTION                                                    \
    {                                                                       \
        "signature", "FILE", "its certificate's signature, 256 bytes", true \
    }

static const struct cli_option found_options[] = {
    CLI_OPTION_BANK,
    {"key", "FILE", "the source's backend_private.pem (default: a new key)", false},
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_option enrol_options[] = {
    CLI_OPTION_BANK,
    OUT_OPTION,
    {"id", "ID", "the terminal's ID (default: the bank draws one)", false},
    MERCHANT_OPTION,
    CREDIT_OPTION,
    DAYS_OPTION,
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_option register_options[] = {
    CLI_OPTION_BANK,
    {"role", "ROLE", "pos or reload", true},
    {"id", "ID", "its ID", true},
    {"end", "TIME", "the end of its certificate", true},
    SIGNATURE_OPTION,
    MERCHANT_OPTION,
    CREDIT_OPTION,
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_option recertify_options[] = {
    CLI_OPTION_BANK, OUT_OPTION, DAYS_OPTION, CLI_OPTION_PASSPHRASE_FD, CLI_OPTION_END,
};

static const struct cli_option register_card_options[] = {
    CLI_OPTION_BANK,
    {"id", "ID", "its ID", true},
    {"end", "TIME", "the end of its certificate", true},
    SIGNATURE_OPTION,
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_argument request_argument[] = {
    {"REQUEST", "the file that stiver campus create wrote", false}, {NULL, NULL, false}};
static const struct cli_argument key_argument[] = {{"KEY", "its public key, a PEM file", false},
                                                   {NULL, NULL, false}};
static const struct cli_argument terminal_argument[] = {{"TERMINAL", "the terminal's ID", false},
                                                        {NULL, NULL, false}};
static const struct cli_argument card_argument[] = {{"CARD", "the card's ID", false},
                                                    {NULL, NULL, false}};
static const struct cli_argument file_argument[] = {{"FILE", "where the list goes", false},
                                                    {NULL, NULL, false}};

const struct cli_command cli_campus_bank_commands[] = {
    {"campus found", "have the bank keep the campus purse as well",
     "New schemes should use the purse: docs/campus-compared.md says why.", found_options, NULL,
     run_found},
    {"campus enrol", "give a new campus terminal its ID and certificate", NULL, enrol_options,
     request_argument, run_enrol},
    {"campus register", "register a terminal of the source as it stands", NULL, register_options,
     key_argument, run_register},
    {"campus recertify", "give a terminal a new certificate for its key", NULL, recertify_options,
     terminal_argument, run_recertify},
    {"campus terminals", "show every campus terminal", NULL, bank_options, NULL, run_terminals},
    {"campus list-terminal", "take nothing of a terminal from now on", NULL, bank_options,
     terminal_argument, run_list_terminal},
    {"campus register-card", "register a card that the source's station made", NULL,
     register_card_options, key_argument, run_register_card},
    {"campus cards", "show every campus card", NULL, bank_options, NULL, run_cards},
    {"campus list-card", "put a card on the list, to be blocked", NULL, bank_options, card_argument,
     run_list_card},
    {"campus list-file", "write the list as the source's file CRL", NULL, bank_options,
     file_argument, run_list_file},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
