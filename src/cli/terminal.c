/* SPDX-License-Identifier: Apache-2.0 */
/* stiver terminal …: a terminal's own directory and its talk with the bank. */
#include "cli/terminal_open.h"

#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/hex.h"
#include "scheme/sizes.h"

#define NUMBER_TEXT_BYTES (2 * TERMINAL_NUMBER_BYTES + 1)

/* ---- create, adopt ---- */

static enum cli_exit run_create(struct cli *cli)
{
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    const char *directory = cli->arguments[0], *path = cli_value(cli, "request");
    enum stiver_terminal_status status = stiver_terminal_create(directory, request);
    if (status == STIVER_TERMINAL_EXISTS)
        return cli_refuse(cli, stiver_terminal_status_name(status), NULL,
                          "%s holds a terminal already: take another directory, or write its "
                          "request once more (stiver terminal request)",
                          directory);
    if (status != STIVER_TERMINAL_OK)
        return terminal_status(cli, status, NULL);
    if (!cli_write_file(cli, path, request, sizeof request, false, CLI_DOCUMENT_ALIKE))
        return CLI_REFUSED;
    cli_say(cli, "terminal.created",
            json_pack("{s:s,s:s}", "directory", directory, "request", path),
            "A new terminal is in %s; take %s to the bank (stiver bank enrol).", directory, path);
    return CLI_DONE;
}

static enum cli_exit run_request(struct cli *cli)
{
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    struct stiver_terminal *terminal = terminal_open_asked(cli);
    if (terminal == NULL)
        return CLI_REFUSED;
    stiver_terminal_request(terminal, request);
    stiver_terminal_close(terminal);
    if (!cli_write_file(cli, cli->arguments[0], request, sizeof request, false, CLI_DOCUMENT_ALIKE))
        return CLI_REFUSED;
    cli_say(cli, "terminal.request", json_pack("{s:s}", "request", cli->arguments[0]),
            "The terminal's request is in %s; take it to the bank (stiver bank enrol).",
            cli->arguments[0]);
    return CLI_DONE;
}

static void say_adopted(struct cli *cli, struct stiver_terminal *terminal)
{
    struct stiver_terminal_info info;
    char number[NUMBER_TEXT_BYTES], end[DATE_TEXT_BYTES], root[2 * 32 + 1];
    if (stiver_terminal_info(terminal, &info) != STIVER_TERMINAL_OK)
        return;
    hex_encode(info.terminal, TERMINAL_NUMBER_BYTES, number);
    hex_encode(info.root_fingerprint, 32, root);
    date_format(info.certificate_end, end);
    cli_say(cli, "terminal.adopted",
            json_pack("{s:s,s:s,s:s,s:s}", "terminal", number, "role", info.role_name, "end", end,
                      "root", root),
            "This is terminal %s now, a %s, good until %s.", number, info.role_name, end);
}

static enum cli_exit run_adopt(struct cli *cli)
{
    uint8_t fingerprint[32], *package = NULL;
    size_t bytes = 0;
    const char *expected = cli_value(cli, "root");
    if (expected != NULL && !cli_hex(cli, "a root's fingerprint", expected, fingerprint, 32))
        return CLI_USAGE;
    if (!cli_read_file(cli, cli->arguments[0], &package, &bytes))
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    struct stiver_terminal *terminal = terminal_open_asked(cli);
    if (terminal != NULL) {
        result = terminal_status(
            cli,
            stiver_terminal_adopt(terminal, package, bytes, expected == NULL ? NULL : fingerprint),
            NULL);
        if (result == CLI_DONE)
            say_adopted(cli, terminal);
    }
    stiver_terminal_close(terminal);
    free(package);
    return result;
}

/* ---- show, journal ---- */

static enum cli_exit show(struct cli *cli, struct stiver_terminal *terminal)
{
    struct stiver_terminal_info info;
    char number[NUMBER_TEXT_BYTES], end[DATE_TEXT_BYTES], limit[MONEY_TEXT_BYTES];
    enum stiver_terminal_status status = stiver_terminal_info(terminal, &info);
    if (status != STIVER_TERMINAL_OK)
        return terminal_status(cli, status, NULL);
    if (!info.is_enrolled)
        return terminal_status(cli,
                               info.is_of_earlier_format ? STIVER_TERMINAL_PACKAGE_OLDER
                                                         : STIVER_TERMINAL_NOT_ENROLLED,
                               NULL);
    struct money most = money_of(info.limit.minor, info.limit.currency);
    hex_encode(info.terminal, TERMINAL_NUMBER_BYTES, number);
    date_format(info.certificate_end, end);
    money_format(most, limit);
    json_t *fields =
        json_pack("{s:s,s:s,s:I,s:o,s:s,s:I,s:I,s:I,s:I,s:b}", "terminal", number, "role",
                  info.role_name, "merchant", (json_int_t)info.merchant, "limit",
                  cli_json_money(most), "end", end, "counter", (json_int_t)info.counter, "open",
                  (json_int_t)info.open_intents, "to_upload", (json_int_t)info.to_upload, "list",
                  (json_int_t)info.list_sequence, "in_doubt", info.is_in_doubt);
    cli_say(cli, "terminal", fields,
            "Terminal %s, %s, merchant %lu, limit %s, good until %s: last number %lu, %lu open, "
            "%lu to bring to the bank, list %lu with %lu cards%s.",
            number, info.role_name, (unsigned long)info.merchant, limit, end,
            (unsigned long)info.counter, (unsigned long)info.open_intents,
            (unsigned long)info.to_upload, (unsigned long)info.list_sequence,
            (unsigned long)info.list_count, info.is_in_doubt ? "; IN DOUBT: synchronise it" : "");
    return CLI_DONE;
}

static enum cli_exit run_show(struct cli *cli)
{
    struct stiver_terminal *terminal = terminal_open_asked(cli);
    if (terminal == NULL)
        return CLI_REFUSED;
    enum cli_exit result = show(cli, terminal);
    stiver_terminal_close(terminal);
    return result;
}

static const char *kind_name(enum stiver_terminal_kind kind)
{
    static const char *const names[] = {"?", "payment", "load", "refund", "unload", "block"};
    return kind >= STIVER_TERMINAL_PAYMENT && kind <= STIVER_TERMINAL_BLOCK ? names[kind]
                                                                            : names[0];
}

static bool visit_entry(void *context, const struct stiver_terminal_entry *entry)
{
    static const char *const states[] = {"open", "finished", "refused", "abandoned"};
    struct cli *cli = context;
    char card[NUMBER_TEXT_BYTES], time[DATE_TEXT_BYTES], amount[MONEY_TEXT_BYTES];
    struct money moved = money_of(entry->amount.minor, entry->amount.currency);
    hex_encode(entry->card, CARD_NUMBER_BYTES, card);
    date_format(entry->time, time);
    money_format(moved, amount);
    cli_say(cli, "terminal.entry",
            json_pack("{s:I,s:s,s:s,s:s,s:o,s:s,s:b,s:b}", "number", (json_int_t)entry->number,
                      "kind", kind_name(entry->kind), "state", states[entry->state], "card", card,
                      "amount", cli_json_money(moved), "time", time, "recovered",
                      entry->is_recovered, "uploaded", entry->is_uploaded),
            "%6lu  %s  %s  %-8s %12s  %s%s%s", (unsigned long)entry->number, time, card,
            kind_name(entry->kind), amount, states[entry->state],
            entry->is_recovered ? " at a later contact" : "",
            entry->is_uploaded ? ", with the bank" : "");
    return true;
}

static enum cli_exit run_journal(struct cli *cli)
{
    struct stiver_terminal *terminal = terminal_open_asked(cli);
    if (terminal == NULL)
        return CLI_REFUSED;
    enum cli_exit result =
        terminal_status(cli, stiver_terminal_entries(terminal, 1, visit_entry, cli), NULL);
    stiver_terminal_close(terminal);
    return result;
}

/* ---- give up, doubt ---- */

static enum cli_exit run_give_up(struct cli *cli)
{
    uint32_t number = 0;
    if (!cli_number(cli, "NUMBER", cli->arguments[0], 1, UINT32_MAX, &number))
        return CLI_USAGE;
    struct stiver_terminal *terminal = terminal_open_asked(cli);
    if (terminal == NULL)
        return CLI_REFUSED;
    enum cli_exit result = terminal_status(cli, stiver_terminal_give_up(terminal, number), NULL);
    if (result == CLI_DONE)
        cli_say(
            cli, "terminal.abandoned", json_pack("{s:I}", "number", (json_int_t)number),
            "Number %lu is given up for good: if the card did pay, the bank credits the holder.",
            (unsigned long)number);
    stiver_terminal_close(terminal);
    return result;
}

static enum cli_exit run_doubt(struct cli *cli)
{
    struct stiver_terminal *terminal = terminal_open_asked(cli);
    if (terminal == NULL)
        return CLI_REFUSED;
    enum cli_exit result = terminal_status(cli, stiver_terminal_doubt(terminal), NULL);
    if (result == CLI_DONE)
        cli_say(cli, "terminal.doubt", NULL,
                "The terminal moves no money until the bank has answered its next upload.");
    stiver_terminal_close(terminal);
    return result;
}

/* ---- synchronisation ---- */

/* Adds "; in suspense: 2" where there is something to say. */
static void add_count(char *text, size_t capacity, const char *what, unsigned count)
{
    size_t used = strlen(text);
    if (count != 0)
        (void)snprintf(text + used, capacity - used, "; %s: %u", what, count);
}

static void say_sync(struct cli *cli, const struct stiver_terminal_sync *sync)
{
    char more[256] = "";
    add_count(more, sizeof more, "in suspense", sync->suspense);
    add_count(more, sizeof more, "rejected", sync->rejected);
    add_count(more, sizeof more, "acknowledgements to carry to cards", sync->acknowledgements);
    json_t *fields =
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:b,s:b,s:I}", "booked", (json_int_t)sync->booked,
                  "already", (json_int_t)sync->already, "suspense", (json_int_t)sync->suspense,
                  "rejected", (json_int_t)sync->rejected, "acknowledgements",
                  (json_int_t)sync->acknowledgements, "new_list", sync->new_list, "new_certificate",
                  sync->new_certificate, "left", (json_int_t)sync->left);
    cli_say(cli, "terminal.synchronised", fields, "The bank booked %u receipt%s%s%s%s%s.",
            sync->booked, sync->booked == 1 ? "" : "s", more,
            sync->new_list ? "; a new list came" : "",
            sync->new_certificate ? "; a new certificate came" : "",
            sync->left != 0 ? "; more is to be exported" : "");
}

static enum cli_exit run_export(struct cli *cli)
{
    struct stiver_terminal_bytes request = {NULL, 0};
    struct stiver_terminal *terminal = terminal_open_asked(cli);
    if (terminal == NULL)
        return CLI_REFUSED;
    enum cli_exit result =
        terminal_status(cli, stiver_terminal_upload_make(terminal, &request), NULL);
    if (result == CLI_DONE && !cli_write_file(cli, cli->arguments[0], request.data, request.length,
                                              false, CLI_DOCUMENT_ALIKE))
        result = CLI_REFUSED;
    if (result == CLI_DONE)
        cli_say(cli, "terminal.exported", json_pack("{s:s}", "request", cli->arguments[0]),
                "What the bank must know is in %s; take it there (stiver bank answer).",
                cli->arguments[0]);
    stiver_terminal_bytes_free(&request);
    stiver_terminal_close(terminal);
    return result;
}

static enum cli_exit run_import(struct cli *cli)
{
    uint8_t *answer = NULL;
    size_t bytes = 0;
    struct stiver_terminal_sync sync = {.rounds = 0};
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    if (!cli_read_file(cli, cli->arguments[0], &answer, &bytes))
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    struct stiver_terminal *terminal = terminal_open_asked(cli);
    if (terminal != NULL)
        result = terminal_status(
            cli, stiver_terminal_upload_take(terminal, answer, bytes, &sync, detail), detail);
    if (result == CLI_DONE)
        say_sync(cli, &sync);
    stiver_terminal_close(terminal);
    free(answer);
    return result;
}

static enum cli_exit run_sync(struct cli *cli)
{
    struct near_bank near;
    struct stiver_terminal_sync sync = {.rounds = 0};
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    struct stiver_terminal *terminal = terminal_open_asked(cli);
    if (terminal == NULL)
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    if (near_bank_open(cli, &near)) {
        result = terminal_status(
            cli, stiver_terminal_synchronise(terminal, &near.link, &sync, detail), detail);
        near_bank_close(&near);
    }
    if (result == CLI_DONE)
        say_sync(cli, &sync);
    stiver_terminal_close(terminal);
    return result;
}

/* ---- table ---- */

static const struct cli_option create_options[] = {
    {"request", "FILE", "where the request for the bank goes", true},
    CLI_OPTION_END,
};

static const struct cli_option adopt_options[] = {
    CLI_OPTION_TERMINAL,
    {"root", "HEX", "the expected root's fingerprint, 64 digits (default: trust the package)",
     false},
    CLI_OPTION_END,
};

static const struct cli_option plain_options[] = {
    CLI_OPTION_TERMINAL,
    CLI_OPTION_END,
};

static const struct cli_option sync_options[] = {
    CLI_OPTION_TERMINAL,
    CLI_OPTION_BANK,
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_argument directory_argument[] = {
    {"DIR", "a directory that holds no terminal yet", false}, {NULL, NULL, false}};
static const struct cli_argument package_argument[] = {
    {"PACKAGE", "the file that the bank wrote", false}, {NULL, NULL, false}};
static const struct cli_argument file_argument[] = {{"FILE", "where it goes, or comes from", false},
                                                    {NULL, NULL, false}};
static const struct cli_argument number_argument[] = {
    {"NUMBER", "terminal number of an open business", false}, {NULL, NULL, false}};

const struct cli_command cli_terminal_commands[] = {
    {"terminal create", "make a new terminal and its request", NULL, create_options,
     directory_argument, run_create},
    {"terminal request", "write the terminal's request once more", NULL, plain_options,
     file_argument, run_request},
    {"terminal adopt", "take the bank's package: number, certificates, list",
     "Also takes a renewed package of stiver bank recertify.", adopt_options, package_argument,
     run_adopt},
    {"terminal show", "say what the terminal is and what it has to do", NULL, plain_options, NULL,
     run_show},
    {"terminal journal", "show every business of the terminal", NULL, plain_options, NULL,
     run_journal},
    {"terminal export", "write what the bank must know into a file", NULL, plain_options,
     file_argument, run_export},
    {"terminal import", "take the bank's answer to an export", NULL, plain_options, file_argument,
     run_import},
    {"terminal sync", "export and import at once, with the bank at hand", NULL, sync_options, NULL,
     run_sync},
    {"terminal give-up", "end an open business without its receipt, for good", NULL, plain_options,
     number_argument, run_give_up},
    {"terminal doubt", "close the terminal until the bank has answered",
     "For a journal that was restored from a copy, or may have been.", plain_options, NULL,
     run_doubt},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
