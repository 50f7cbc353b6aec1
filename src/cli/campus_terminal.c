/* SPDX-License-Identifier: Apache-2.0 */
/* stiver campus create, adopt, show, export, …: a campus terminal's own directory and its talk with
 * the bank. */
#include "cli/campus_open.h"

#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/hex.h"
#include "scheme/link.h"

/* ---- create, request, adopt, take up ---- */

static enum cli_exit run_create(struct cli *cli)
{
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES];
    enum stiver_campus_role role = STIVER_CAMPUS_POS;
    const char *directory = cli->arguments[0], *path = cli_value(cli, "request");
    if (!campus_role_asked(cli, &role))
        return CLI_USAGE;
    enum stiver_terminal_status status = stiver_campus_terminal_create(directory, role, request);
    if (status == STIVER_TERMINAL_EXISTS)
        return cli_refuse(cli, stiver_terminal_status_name(status), NULL,
                          "%s holds a terminal already: take another directory, or write its "
                          "request once more (stiver campus request)",
                          directory);
    if (status == STIVER_TERMINAL_MISSING)
        return cli_refuse(cli, stiver_terminal_status_name(status), NULL,
                          "%s cannot be made: make the directory first in which it is to be",
                          directory);
    if (status != STIVER_TERMINAL_OK)
        return campus_status(cli, status, NULL);
    if (!cli_write_file(cli, path, request, sizeof request, false, CLI_DOCUMENT_ALIKE))
        return CLI_REFUSED;
    cli_say(cli, "campus.created",
            json_pack("{s:s,s:s,s:s}", "directory", directory, "role", campus_role_name(role),
                      "request", path),
            "A new campus terminal is in %s; take %s to the bank (stiver campus enrol).", directory,
            path);
    return CLI_DONE;
}

static enum cli_exit run_request(struct cli *cli)
{
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES];
    struct campus_contact contact;
    if (!campus_contact_open(&contact, cli))
        return CLI_REFUSED;
    stiver_campus_terminal_request(contact.terminal, request);
    campus_contact_close(&contact);
    if (!cli_write_file(cli, cli->arguments[0], request, sizeof request, false, CLI_DOCUMENT_ALIKE))
        return CLI_REFUSED;
    cli_say(cli, "campus.request", json_pack("{s:s}", "request", cli->arguments[0]),
            "The terminal's request is in %s; take it to the bank (stiver campus enrol).",
            cli->arguments[0]);
    return CLI_DONE;
}

static void say_adopted(struct cli *cli, struct stiver_campus_terminal *terminal, const char *event)
{
    struct stiver_campus_info info;
    char end[DATE_TEXT_BYTES], back_end[2 * 32 + 1];
    if (stiver_campus_terminal_info(terminal, &info) != STIVER_TERMINAL_OK)
        return;
    hex_encode(info.fingerprint, sizeof info.fingerprint, back_end);
    date_format(info.certificate_end, end);
    const char *role = campus_role_name(info.role);
    json_t *fields = json_pack("{s:I,s:s,s:s,s:s}", "terminal", (json_int_t)info.id, "role", role,
                               "end", end, "back_end", back_end);
    if (info.role == STIVER_CAMPUS_STATION) /* it has no certificate that could end */
        cli_say(cli, event, fields, "This is campus terminal %lu now, a station.",
                (unsigned long)info.id);
    else
        cli_say(cli, event, fields, "This is campus terminal %lu now, role %s, good until %s.",
                (unsigned long)info.id, role, end);
}

static enum cli_exit run_adopt(struct cli *cli)
{
    uint8_t fingerprint[32], *package = NULL;
    size_t bytes = 0;
    struct campus_contact contact;
    const char *expected = cli_value(cli, "back-end");
    if (expected != NULL && !cli_hex(cli, "a back end's fingerprint", expected, fingerprint, 32))
        return CLI_USAGE;
    if (!cli_read_file(cli, cli->arguments[0], &package, &bytes))
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    if (campus_contact_open(&contact, cli)) {
        result = campus_file_status(
            cli,
            stiver_campus_terminal_adopt(contact.terminal, package, bytes,
                                         expected == NULL ? NULL : fingerprint),
            cli->arguments[0], "a package for this terminal: give the file of stiver campus enrol");
        if (result == CLI_DONE)
            say_adopted(cli, contact.terminal, "campus.adopted");
        campus_contact_close(&contact);
    }
    free(package);
    return result;
}

static enum cli_exit take_up_status(struct cli *cli, enum stiver_terminal_status status,
                                    const char *directory, const char *role)
{
    if (status == STIVER_TERMINAL_KEY_DAMAGED)
        return cli_refuse(cli, stiver_terminal_status_name(status), NULL,
                          "%s: its key and its certificate do not fit each other, this role, this "
                          "ID and this end: give those that they were made for",
                          directory);
    if (status == STIVER_TERMINAL_MISSING)
        return cli_refuse(cli, stiver_terminal_status_name(status), NULL,
                          "%s is not whole: it needs %s_private.pem, %s_public.pem, %s_signature "
                          "and backend_public.pem",
                          directory, role, role, role);
    return campus_status(cli, status, NULL);
}

static enum cli_exit run_take_up(struct cli *cli)
{
    uint32_t id = 0, end = 0;
    enum stiver_campus_role role = STIVER_CAMPUS_POS;
    struct campus_contact contact;
    const char *directory = cli_value(cli, "terminal");
    if (!campus_role_asked(cli, &role) || !campus_number(cli, "--id", cli_value(cli, "id"), &id) ||
        !campus_time(cli, "--end", cli_value(cli, "end"), &end))
        return CLI_USAGE;
    if (role == STIVER_CAMPUS_STATION)
        return cli_misuse(cli, "a station of the source has no files to take up: make a new one");
    enum stiver_terminal_status status = stiver_campus_terminal_take_up(directory, role, id, end);
    if (take_up_status(cli, status, directory, campus_role_name(role)) != CLI_DONE ||
        !campus_contact_open(&contact, cli))
        return CLI_REFUSED;
    say_adopted(cli, contact.terminal, "campus.taken_up");
    campus_contact_close(&contact);
    return CLI_DONE;
}

static enum cli_exit list_status(struct cli *cli, enum stiver_terminal_status status)
{
    if (status == STIVER_TERMINAL_LIST_OLD)
        return cli_refuse(cli, stiver_terminal_status_name(status), NULL,
                          "%s is over, or older than the list that the terminal has: nothing was "
                          "taken",
                          cli->arguments[0]);
    if (status == STIVER_TERMINAL_LIST_FORGED)
        return cli_refuse(cli, stiver_terminal_status_name(status), NULL,
                          "%s does not verify as a list of this terminal's back end: nothing was "
                          "taken",
                          cli->arguments[0]);
    return campus_status(cli, status, NULL);
}

static enum cli_exit run_take_list(struct cli *cli)
{
    uint8_t *file = NULL;
    size_t bytes = 0;
    struct campus_contact contact;
    struct stiver_campus_info info;
    char end[DATE_TEXT_BYTES];
    if (!cli_read_file(cli, cli->arguments[0], &file, &bytes))
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    if (campus_contact_open(&contact, cli)) {
        result = list_status(cli, stiver_campus_terminal_take_list(contact.terminal, file, bytes));
        if (result == CLI_DONE &&
            stiver_campus_terminal_info(contact.terminal, &info) == STIVER_TERMINAL_OK) {
            date_format((uint32_t)(info.list_end_ms / 1000), end);
            cli_say(cli, "campus.list_taken",
                    json_pack("{s:s,s:I}", "end", end, "cards", (json_int_t)info.list_count),
                    "The terminal has the list with %lu cards, good until %s.",
                    (unsigned long)info.list_count, end);
        }
        campus_contact_close(&contact);
    }
    free(file);
    return result;
}

/* ---- show, journal ---- */

static enum cli_exit show(struct cli *cli, struct stiver_campus_terminal *terminal)
{
    struct stiver_campus_info info;
    char end[DATE_TEXT_BYTES], list[DATE_TEXT_BYTES] = "", held[80] = "no list";
    char back_end[2 * 32 + 1];
    enum stiver_terminal_status status = stiver_campus_terminal_info(terminal, &info);
    if (status == STIVER_TERMINAL_OK && !info.is_enrolled)
        status = STIVER_TERMINAL_NOT_ENROLLED;
    if (status != STIVER_TERMINAL_OK)
        return campus_status(cli, status, NULL);
    date_format(info.certificate_end, end);
    if (info.list_end_ms != 0) {
        date_format((uint32_t)(info.list_end_ms / 1000), list);
        (void)snprintf(held, sizeof held, "list of %lu cards until %s",
                       (unsigned long)info.list_count, list);
    }
    hex_encode(info.fingerprint, sizeof info.fingerprint, back_end);
    const char *role = campus_role_name(info.role);
    json_t *fields =
        json_pack("{s:I,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I}", "terminal", (json_int_t)info.id, "role",
                  role, "end", end, "back_end", back_end, "list_end", list, "list_cards",
                  (json_int_t)info.list_count, "counter", (json_int_t)info.counter, "open",
                  (json_int_t)info.open, "to_upload", (json_int_t)info.to_upload);
    cli_say(cli, "campus.terminal", fields,
            "Campus terminal %lu, role %s, %s%s: last counter %lu, %lu open, %lu to bring to the "
            "bank, %s.",
            (unsigned long)info.id, role,
            info.role == STIVER_CAMPUS_STATION ? "without end" : "good until ",
            info.role == STIVER_CAMPUS_STATION ? "" : end, (unsigned long)info.counter,
            (unsigned long)info.open, (unsigned long)info.to_upload, held);
    return CLI_DONE;
}

static enum cli_exit run_show(struct cli *cli)
{
    struct campus_contact contact;
    if (!campus_contact_open(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result = show(cli, contact.terminal);
    campus_contact_close(&contact);
    return result;
}

static const char *upload_name(uint8_t upload_result)
{
    static const char *const names[] = {"booked", "booked before", "in suspense", "rejected"};
    return upload_result <= UPLOAD_REJECTED ? names[upload_result] : "?";
}

static bool visit_entry(void *context, const struct stiver_campus_entry *entry)
{
    static const char *const states[] = {"open", "finished", "refused", "given up"};
    struct cli *cli = context;
    char time[DATE_TEXT_BYTES], amount[CAMPUS_MONEY_BYTES];
    const char *kind = entry->is_block ? "block" : entry->is_load ? "load" : "payment";
    const char *bank = entry->is_uploaded ? upload_name(entry->upload_result) : "";
    date_format(entry->time, time);
    campus_format(entry->amount, amount);
    cli_say(cli, "campus.entry",
            json_pack("{s:I,s:s,s:s,s:I,s:I,s:I,s:s,s:b,s:b,s:b,s:s}", "number",
                      (json_int_t)entry->number, "kind", kind, "state", states[entry->state],
                      "card", (json_int_t)entry->card, "card_counter", (json_int_t)entry->counter,
                      "cents", (json_int_t)entry->amount, "time", time, "recovered",
                      entry->is_recovered, "lost", entry->is_lost, "uploaded", entry->is_uploaded,
                      "bank", bank),
            "%10lu  %s  card %10lu  %-8s %10s  %s%s%s%s%s", (unsigned long)entry->number, time,
            (unsigned long)entry->card, kind, entry->is_block ? "" : amount, states[entry->state],
            entry->is_recovered ? " at a later contact" : "",
            entry->is_lost ? ", its receipt is lost" : "",
            entry->is_uploaded ? ", the bank says: " : "", bank);
    return true;
}

static enum cli_exit run_journal(struct cli *cli)
{
    struct campus_contact contact;
    if (!campus_contact_open(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result =
        campus_status(cli, stiver_campus_entries(contact.terminal, visit_entry, cli), NULL);
    campus_contact_close(&contact);
    return result;
}

static enum cli_exit run_give_up(struct cli *cli)
{
    uint32_t number = 0;
    struct campus_contact contact;
    if (!campus_number(cli, "NUMBER", cli->arguments[0], &number))
        return CLI_USAGE;
    if (!campus_contact_open(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result =
        campus_status(cli, stiver_campus_give_up(contact.terminal, number), NULL);
    if (result == CLI_DONE)
        cli_say(cli, "campus.given_up", json_pack("{s:I}", "number", (json_int_t)number),
                "Number %lu is given up for good: a payment as not paid, a load as not known.",
                (unsigned long)number);
    campus_contact_close(&contact);
    return result;
}

/* ---- synchronisation ---- */

static void say_sync(struct cli *cli, const struct stiver_terminal_sync *sync)
{
    json_t *fields =
        json_pack("{s:I,s:I,s:I,s:I,s:b,s:b,s:I}", "booked", (json_int_t)sync->booked, "already",
                  (json_int_t)sync->already, "suspense", (json_int_t)sync->suspense, "rejected",
                  (json_int_t)sync->rejected, "new_list", sync->new_list, "new_certificate",
                  sync->new_certificate, "left", (json_int_t)sync->left);
    char more[80] = "";
    if (sync->suspense + sync->rejected != 0)
        (void)snprintf(more, sizeof more, "; in suspense: %u; rejected: %u", sync->suspense,
                       sync->rejected);
    cli_say(cli, "campus.synchronised", fields, "The bank took %u of the terminal%s%s%s%s.",
            sync->booked + sync->already, more, sync->new_list ? "; a new list came" : "",
            sync->new_certificate ? "; a new certificate came" : "",
            sync->left != 0 ? "; more is to be exported" : "");
}

static enum cli_exit run_export(struct cli *cli)
{
    struct stiver_terminal_bytes request = {NULL, 0};
    struct campus_contact contact;
    if (!campus_contact_open(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result =
        campus_status(cli, stiver_campus_upload_make(contact.terminal, &request), NULL);
    if (result == CLI_DONE && !cli_write_file(cli, cli->arguments[0], request.data, request.length,
                                              false, CAMPUS_DOCUMENT_ALIKE))
        result = CLI_REFUSED;
    if (result == CLI_DONE)
        cli_say(cli, "campus.exported", json_pack("{s:s}", "request", cli->arguments[0]),
                "What the bank must know is in %s; take it there (stiver campus answer).",
                cli->arguments[0]);
    stiver_terminal_bytes_free(&request);
    campus_contact_close(&contact);
    return result;
}

static enum cli_exit run_import(struct cli *cli)
{
    uint8_t *answer = NULL;
    size_t bytes = 0;
    struct stiver_terminal_sync sync = {.rounds = 0};
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    struct campus_contact contact;
    if (!cli_read_file(cli, cli->arguments[0], &answer, &bytes))
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    if (campus_contact_open(&contact, cli)) {
        result = campus_status(
            cli, stiver_campus_upload_take(contact.terminal, answer, bytes, &sync, detail), detail);
        campus_contact_close(&contact);
    }
    if (result == CLI_DONE)
        say_sync(cli, &sync);
    free(answer);
    return result;
}

static enum cli_exit run_sync(struct cli *cli)
{
    struct near_campus near;
    struct stiver_terminal_sync sync = {.rounds = 0};
    struct campus_contact contact;
    if (!campus_contact_open(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    if (near_campus_open(cli, &near)) {
        contact.result.status =
            stiver_campus_synchronise(contact.terminal, &near.link, &sync, contact.result.detail);
        result = near_campus_result(&near, &contact.result);
        near_bank_close(&near.bank);
    }
    if (result == CLI_DONE)
        say_sync(cli, &sync);
    campus_contact_close(&contact);
    return result;
}

/* ---- table ---- */

#define ROLE_OPTION                                    \
    {                                                  \
        "role", "ROLE", "station, pos or reload", true \
    }

static const struct cli_option create_options[] = {
    ROLE_OPTION,
    {"request", "FILE", "where the request for the bank goes", true},
    CLI_OPTION_END,
};

static const struct cli_option adopt_options[] = {
    CLI_OPTION_TERMINAL,
    {"back-end", "HEX",
     "the expected back end's fingerprint, 64 digits (default: trust the package)", false},
    CLI_OPTION_END,
};

static const struct cli_option take_up_options[] = {
    CLI_OPTION_TERMINAL,
    {"role", "ROLE", "pos or reload", true},
    {"id", "ID", "the terminal's ID, which stands in no file there", true},
    {"end", "TIME", "the end of its certificate", true},
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
    {"PACKAGE", "the file that stiver campus enrol wrote", false}, {NULL, NULL, false}};
static const struct cli_argument file_argument[] = {{"FILE", "where it goes, or comes from", false},
                                                    {NULL, NULL, false}};
static const struct cli_argument list_argument[] = {
    {"CRL", "the file that stiver campus list-file wrote", false}, {NULL, NULL, false}};
static const struct cli_argument number_argument[] = {
    {"NUMBER", "number of an open business, as stiver campus journal says it", false},
    {NULL, NULL, false}};

const struct cli_command cli_campus_terminal_commands[] = {
    {"campus create", "make a new campus terminal and its request", NULL, create_options,
     directory_argument, run_create},
    {"campus request", "write the terminal's request once more", NULL, plain_options, file_argument,
     run_request},
    {"campus adopt", "take the bank's package: ID, certificate, list",
     "Also takes a renewed package of stiver campus recertify.", adopt_options, package_argument,
     run_adopt},
    {"campus take-up", "go on with a directory of the source's own programs",
     "Its key, its certificate, the back end's key and the CRL stay the files that they are; a\n"
     "journal is put beside them.",
     take_up_options, NULL, run_take_up},
    {"campus take-list", "take a CRL file", NULL, plain_options, list_argument, run_take_list},
    {"campus show", "say what the terminal is and what it has to do", NULL, plain_options, NULL,
     run_show},
    {"campus journal", "show every business of the terminal", NULL, plain_options, NULL,
     run_journal},
    {"campus export", "write what the bank must know into a file", NULL, plain_options,
     file_argument, run_export},
    {"campus import", "take the bank's answer to an export", NULL, plain_options, file_argument,
     run_import},
    {"campus sync", "export and import at once, with the bank at hand", NULL, sync_options, NULL,
     run_sync},
    {"campus give-up", "end an open business without its receipt, for good", NULL, plain_options,
     number_argument, run_give_up},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
