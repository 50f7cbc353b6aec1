/* SPDX-License-Identifier: Apache-2.0 */
/* stiver bank found, keys, renew, policy: what the operator does once, or a few times a year. */
#include <string.h>

#include "bank/evp.h"
#include "base/bytes.h"
#include "base/date.h"
#include "base/hex.h"
#include "cli/bank_open.h"

/* ---- policy ---- */

#define POLICY_OPTIONS                                                                            \
    {"payment-limit", "AMOUNT", "largest single payment (default: 150)", false},                  \
        {"balance-limit", "AMOUNT", "largest balance on a card (default: 250)", false},           \
        {"pin-above", "AMOUNT", "payments above this need the PIN (default: never)", false},      \
        {"pin-count", "N", "so many payments in a row without PIN (default: no such rule)",       \
         false},                                                                                  \
        {"pin-total", "AMOUNT", "their sum (default: no such rule)", false},                      \
        {"online-above", "AMOUNT", "payments above this need the bank's answer (default: never)", \
         false},                                                                                  \
    {                                                                                             \
        "points-per", "AMOUNT", "one point for each of these paid (default: no points)", false    \
    }

/* Reads an amount option over a default in minor units. */
static bool amount_option(struct cli *cli, const char *option, uint16_t currency, uint32_t *minor)
{
    struct money amount;
    const char *text = cli_value(cli, option);
    if (text == NULL)
        return true;
    if (!cli_money(cli, text, currency, &amount))
        return false;
    *minor = amount.minor;
    return true;
}

static uint32_t whole_units(uint32_t units, uint16_t currency)
{
    for (unsigned i = 0; i < currency_exponent(currency); i++)
        units *= 10;
    return units;
}

static struct stiver_bank_policy default_policy(uint16_t currency)
{
    return (struct stiver_bank_policy){.payment_limit = whole_units(150, currency),
                                       .balance_limit = whole_units(250, currency),
                                       .pin_above = UINT32_MAX,
                                       .online_above = UINT32_MAX};
}

static bool read_policy(struct cli *cli, uint16_t currency, struct stiver_bank_policy *policy)
{
    const char *count = cli_value(cli, "pin-count");
    return amount_option(cli, "payment-limit", currency, &policy->payment_limit) &&
           amount_option(cli, "balance-limit", currency, &policy->balance_limit) &&
           amount_option(cli, "pin-above", currency, &policy->pin_above) &&
           amount_option(cli, "pin-total", currency, &policy->pin_total) &&
           amount_option(cli, "online-above", currency, &policy->online_above) &&
           amount_option(cli, "points-per", currency, &policy->points_per) &&
           (count == NULL ||
            cli_number(cli, "--pin-count", count, 0, UINT32_MAX, &policy->pin_count));
}

static enum cli_exit run_policy(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = CLI_USAGE;
    if (read_policy(cli, settings.currency, &settings.policy)) {
        result = bank_result(cli, bank, stiver_bank_set_policy(bank, &settings.policy));
        if (result == CLI_DONE)
            cli_say(cli, "bank.policy", NULL,
                    "Cards personalised from now on keep these rules; the others keep theirs.");
    }
    stiver_bank_close(bank);
    return result;
}

/* ---- found ---- */

static bool read_founding(struct cli *cli, struct stiver_bank_founding *founding)
{
    const char *letters = cli_value(cli, "currency"), *scheme = cli_value(cli, "scheme");
    uint8_t number[4];
    founding->name = cli_value(cli, "name");
    founding->currency = currency_code(letters);
    founding->is_test = cli_flag(cli, "test-scheme");
    if (founding->name[0] == '\0' || strlen(founding->name) >= STIVER_BANK_NAME_BYTES) {
        (void)cli_misuse(cli, "--name takes a name of 1 to %u bytes", STIVER_BANK_NAME_BYTES - 1);
        return false;
    }
    if (founding->currency == 0) {
        (void)cli_misuse(cli,
                         "%s is not a currency that this program knows: give its ISO 4217 "
                         "letters, such as EUR",
                         letters);
        return false;
    }
    if (scheme != NULL) {
        if (!cli_hex(cli, "a scheme", scheme, number, sizeof number))
            return false;
        struct reader r = reader_of(number, sizeof number);
        founding->scheme = reader_u32(&r);
    }
    founding->largest = whole_units(250, founding->currency);
    founding->policy = default_policy(founding->currency);
    return amount_option(cli, "largest", founding->currency, &founding->largest) &&
           read_policy(cli, founding->currency, &founding->policy);
}

static void say_founded(struct cli *cli, const char *directory,
                        const struct stiver_bank_settings *settings)
{
    uint8_t fingerprint[SHA256_BYTES];
    char root[2 * SHA256_BYTES + 1] = "";
    if (evp_sha256(settings->root_key, sizeof settings->root_key, fingerprint))
        hex_encode(fingerprint, sizeof fingerprint, root);
    json_t *fields = json_pack("{s:s,s:s,s:s,s:b}", "directory", directory, "name", settings->name,
                               "root", root, "test", settings->is_test);
    cli_say(cli, "bank.founded", fields,
            "The bank %s is founded in %s; keep %s/keys/root.pem offline, only renewals need it. "
            "Fingerprint of its root, for stiver terminal adopt --root: %s",
            settings->name, directory, directory, root);
}

static enum cli_exit run_found(struct cli *cli)
{
    uint8_t secret[CLI_SECRET_BYTES_MAX];
    size_t bytes = 0;
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    struct stiver_bank_founding founding = {.scheme = 0};
    const char *directory = cli->arguments[0];
    if (!read_founding(cli, &founding))
        return CLI_USAGE;
    if (!cli_passphrase(cli, "Passphrase for the bank's keys: ", true, secret, &bytes))
        return CLI_REFUSED;
    founding.passphrase = (struct stiver_bank_secret){secret, bytes};
    enum stiver_bank_status status = stiver_bank_found(directory, &founding, &bank_environment);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_open(directory, founding.passphrase, &bank_environment, &bank);
    bytes_wipe(secret, sizeof secret);
    if (status == STIVER_BANK_OK)
        status = stiver_bank_settings(bank, &settings);
    if (status == STIVER_BANK_OK)
        say_founded(cli, directory, &settings);
    else
        (void)cli_refuse(cli, stiver_bank_status_name(status), NULL, "%s: %s", directory,
                         status == STIVER_BANK_ARGUMENT
                             ? "no bank can be founded there: does the directory above it exist, "
                               "and are all limits above zero?"
                             : stiver_bank_status_sentence(status));
    stiver_bank_close(bank);
    return status == STIVER_BANK_OK ? CLI_DONE : CLI_REFUSED;
}

/* ---- keys ---- */

static void visit_key(void *context, const struct stiver_bank_key_state *state)
{
    struct cli *cli = context;
    char end[DATE_TEXT_BYTES];
    date_format(state->end, end);
    const char *name = stiver_bank_key_name(state->key);
    bool has_end = state->end != UINT32_MAX;
    cli_say(cli, "bank.key",
            json_pack("{s:s,s:i,s:s,s:b}", "key", name, "generation", (int)state->generation, "end",
                      end, "file", state->is_file_there),
            "%-20s generation %u, %s%s%s", name, (unsigned)state->generation,
            has_end ? "good until " : "without end", has_end ? end : "",
            state->is_file_there ? "" : "; its file is not here");
}

static enum cli_exit run_keys(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = bank_result(cli, bank, stiver_bank_keys(bank, visit_key, cli));
    stiver_bank_close(bank);
    return result;
}

static bool find_key(struct cli *cli, const char *name, enum stiver_bank_key *key)
{
    for (int k = STIVER_BANK_KEY_CARD_AUTHORITY; k < STIVER_BANK_KEY_LINK; k++) {
        if (strcmp(stiver_bank_key_name((enum stiver_bank_key)k), name) == 0) {
            *key = (enum stiver_bank_key)k;
            return true;
        }
    }
    (void)cli_misuse(cli, "%s is not a key that can be renewed: stiver bank keys names them", name);
    return false;
}

static enum cli_exit run_renew(struct cli *cli)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    enum stiver_bank_key key = STIVER_BANK_KEY_ORDERS;
    uint8_t secret[CLI_SECRET_BYTES_MAX];
    size_t bytes = 0;
    if (!find_key(cli, cli->arguments[0], &key))
        return CLI_USAGE;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    if (cli_passphrase(cli, "Passphrase of the root key: ", false, secret, &bytes)) {
        const struct stiver_bank_secret root = {secret, bytes};
        result = bank_result(cli, bank, stiver_bank_renew(bank, key, root));
        bytes_wipe(secret, sizeof secret);
    }
    if (result == CLI_DONE)
        cli_say(cli, "bank.renewed", json_pack("{s:s}", "key", cli->arguments[0]),
                "There is a new key: %s. The old one stays for what it signed.", cli->arguments[0]);
    stiver_bank_close(bank);
    return result;
}

/* ---- table ---- */

static const struct cli_option found_options[] = {
    {"name", "TEXT", "name of the scheme, for people", true},
    {"currency", "LETTERS", "ISO 4217, such as EUR", true},
    {"test-scheme", NULL, "virtual cards pay offline: for demonstrations, never for money", false},
    {"scheme", "HEX", "8 digits (default: random)", false},
    {"largest", "AMOUNT", "largest load or refund (default: 250)", false},
    POLICY_OPTIONS,
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_option policy_options[] = {
    CLI_OPTION_BANK,
    POLICY_OPTIONS,
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_argument directory_argument[] = {
    {"DIR", "a directory that is not there yet", false},
    {NULL, NULL, false},
};

static const struct cli_argument key_argument[] = {
    {"KEY", "its name, as stiver bank keys says it", false},
    {NULL, NULL, false},
};

const struct cli_command cli_bank_commands[] = {
    {"bank found", "found a bank: root, authorities, keys, empty books", NULL, found_options,
     directory_argument, run_found},
    {"bank keys", "name the bank's keys and when their certificates end", NULL, bank_options, NULL,
     run_keys},
    {"bank renew", "replace an authority's or a working key",
     "Needs keys/root.pem. Two passphrases are asked for, the bank's and then the "
     "root's;\n--passphrase-fd reads a line for each.",
     bank_options, key_argument, run_renew},
    {"bank policy", "change the rules of new cards; what is not given stays", NULL, policy_options,
     NULL, run_policy},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
