/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `stiver`: a table of subcommands, each with its options and arguments in tables of
 * its own. main.c finds the command and parses; a command's file acts; what is said goes through
 * cli_say, cli_row and cli_refuse, so that --json is the same everywhere.
 *
 * Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 begun but not known to be finished
 * (touch the card again), 4 findings (audit, books).
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/money.h"

enum cli_exit {
    CLI_DONE = 0,
    CLI_REFUSED = 1,
    CLI_USAGE = 2,
    CLI_UNFINISHED = 3,
    CLI_FINDINGS = 4,
};

#define CLI_OPTIONS_MAX 24
#define CLI_ARGUMENTS_MAX 4

/* name without the dashes; value NULL for a flag. Ends with a row whose name is NULL. */
struct cli_option {
    const char *name;
    const char *value; /* what stands for it in the help: "FILE" */
    const char *help;
    bool required;
};

struct cli_argument {
    const char *name; /* "AMOUNT" */
    const char *help;
    bool optional;
};

struct cli;

struct cli_command {
    const char *name; /* "bank found": one or two words */
    const char *summary;
    const char *detail;                   /* a paragraph for its --help, may be NULL */
    const struct cli_option *options;     /* may be NULL */
    const struct cli_argument *arguments; /* may be NULL */
    enum cli_exit (*run)(struct cli *cli);
};

/* The tables of the commands' files, each ended by a row whose name is NULL. */
extern const struct cli_command cli_card_commands[], cli_reader_commands[], cli_bank_commands[],
    cli_register_commands[], cli_books_commands[], cli_terminal_commands[], cli_sale_commands[],
    cli_campus_bank_commands[], cli_campus_books_commands[], cli_campus_terminal_commands[],
    cli_campus_sale_commands[];

struct cli {
    const struct cli_command *command;
    const char *values[CLI_OPTIONS_MAX];
    bool given[CLI_OPTIONS_MAX];
    const char *arguments[CLI_ARGUMENTS_MAX];
    bool json, trace;
    bool is_misused; /* cli_misuse was called: the exit code is CLI_USAGE */
    FILE *out, *err;
};

/* What was given on the command line; NULL or false if it was not. Naming an option that is not in
 * the command's table is a mistake of ours and ends the program. */
const char *cli_value(const struct cli *cli, const char *option);
bool cli_flag(const struct cli *cli, const char *option);

/* Options that several tables share. */
#define CLI_OPTION_READER                                                                          \
    {                                                                                              \
        "reader", "NAME", "card reader, or part of its name (default: the first one with a card)", \
            false                                                                                  \
    }
#define CLI_OPTION_TERMINAL                                 \
    {                                                       \
        "terminal", "DIR", "the terminal's directory", true \
    }
#define CLI_OPTION_BANK                             \
    {                                               \
        "bank", "DIR", "the bank's directory", true \
    }
#define CLI_OPTION_PASSPHRASE_FD                                                         \
    {                                                                                    \
        "passphrase-fd", "N",                                                            \
            "read the bank's passphrase from this file descriptor (default: ask)", false \
    }
#define CLI_OPTION_END          \
    {                           \
        NULL, NULL, NULL, false \
    }

/* ---- parsing values; each says what is wrong and returns false ---- */

/* what names the value in the sentence: "--days", "NUMBER". */
bool cli_number(struct cli *cli, const char *what, const char *text, uint32_t least, uint32_t most,
                uint32_t *value);
bool cli_hex(struct cli *cli, const char *what, const char *text, uint8_t *out, size_t bytes);
bool cli_money(struct cli *cli, const char *text, uint16_t currency, struct money *amount);
/* The same for an amount that moves: zero is refused. */
bool cli_amount(struct cli *cli, const char *text, uint16_t currency, struct money *amount);

/* ---- saying ---- */

/* One step done: a sentence for a person; with --json an object: fields (taken over, may be NULL)
 * plus "event" and "message". */
void cli_say(struct cli *cli, const char *event, json_t *fields, const char *sentence, ...)
    __attribute__((format(printf, 4, 5)));
/* Why not: "stiver: sentence" on standard error, or an object with "error" and "message". Returns
 * CLI_REFUSED, or CLI_USAGE for cli_misuse. */
enum cli_exit cli_refuse(struct cli *cli, const char *name, json_t *fields, const char *sentence,
                         ...) __attribute__((format(printf, 4, 5)));
enum cli_exit cli_misuse(struct cli *cli, const char *sentence, ...)
    __attribute__((format(printf, 2, 3)));

/* JSON of money: {"minor": 250, "currency": "EUR"}. */
json_t *cli_json_money(struct money amount);
json_t *cli_json_hex(const uint8_t *data, size_t bytes);
json_t *cli_json_time(uint32_t seconds);

/* ---- files and secrets ---- */

#define CLI_FILE_BYTES_MAX (8u << 20)
/* Whole file into fresh memory (free it), or a sentence and false. "-" is standard input. */
bool cli_read_file(struct cli *cli, const char *path, uint8_t **data, size_t *bytes);
/* Every document that terminals and the bank exchange starts with one byte, its version. */
#define CLI_DOCUMENT_ALIKE 1u
/* Writes a new file beside path, syncs and renames it, mode 0600 if secret else 0644. "-" is
 * standard output. A file that is there already is replaced only if it starts with the same alike
 * bytes, so that a slip of the hand costs no journal, key or card; alike 0 replaces nothing. */
bool cli_write_file(struct cli *cli, const char *path, const uint8_t *data, size_t bytes,
                    bool secret, size_t alike);

#define CLI_SECRET_BYTES_MAX 256u
/* From the descriptor that --passphrase-fd names, else asked for on the terminal without echo;
 * twice and compared if confirm. Never empty. secret is wiped by the caller. */
bool cli_passphrase(struct cli *cli, const char *prompt, bool confirm,
                    uint8_t secret[CLI_SECRET_BYTES_MAX], size_t *bytes);

#endif
