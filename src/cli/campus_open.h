/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of the campus purse (docs/campus.md) have in common. Its cards and terminals
 * have numbers of 32 bits, its money is cents without a currency, its bank is the bank.
 */
#ifndef CLI_CAMPUS_OPEN_H
#define CLI_CAMPUS_OPEN_H

#include <stiver/campus_bank.h>
#include <stiver/campus_terminal.h>

#include "cli/cli.h"
#include "cli/terminal_open.h"
#include "cli/trace.h"

/* ---- values ---- */

/* A number of a card or a terminal, a counter: unsigned ("2147483648"), hexadecimal ("0x80000000"),
 * or negative as the source's programs print those of its upper half ("-2147483648"). False after a
 * sentence; what names the value in it. */
bool campus_number(struct cli *cli, const char *what, const char *text, uint32_t *number);
/* A time: "2026-12-31", "2026-12-31T10:20Z", "2026-12-31T10:20:30Z", or its seconds since 1970 as
 * campus_number reads them. */
bool campus_time(struct cli *cli, const char *what, const char *text, uint32_t *seconds);
/* An amount that moves, in cents: "2.50". */
bool campus_cents(struct cli *cli, const char *text, uint32_t *cents);
#define CAMPUS_MONEY_BYTES 16
void campus_format(uint32_t cents, char text[CAMPUS_MONEY_BYTES]);

/* "station", "pos" or "reload"; "?" for anything else. */
const char *campus_role_name(enum stiver_campus_role role);
/* What --role says. */
bool campus_role_asked(struct cli *cli, enum stiver_campus_role *role);

/* A file that must have exactly so many bytes. */
bool campus_read_exactly(struct cli *cli, const char *path, const char *what, uint8_t *out,
                         size_t bytes);

/* Messages between terminals and bank start with their name: a file of another kind that is there
 * is not replaced. */
#define CAMPUS_DOCUMENT_ALIKE 14u

/* ---- a terminal, and a card at it ---- */

struct campus_contact {
    struct cli *cli;
    struct stiver_campus_terminal *terminal; /* NULL: not open */
    struct card_reader reader;
    struct stiver_campus_result result;
    struct trace_campus trace;
};
/* The terminal in --terminal, tracing if asked; false after a sentence. */
bool campus_contact_open(struct campus_contact *contact, struct cli *cli);
/* The card at it, in --reader; false after a sentence, also if the terminal is not enrolled. */
bool campus_contact_card(struct campus_contact *contact);
void campus_contact_close(struct campus_contact *contact);

/* The terminal's status as an exit code, and if it is not OK its sentence. */
enum cli_exit campus_status(struct cli *cli, enum stiver_terminal_status status,
                            const char *detail);
enum cli_exit campus_result(struct cli *cli, const struct stiver_campus_result *result);
/* The same for a step that was given a file: what says which file is wanted. */
enum cli_exit campus_file_status(struct cli *cli, enum stiver_terminal_status status,
                                 const char *path, const char *what);
/* Card, counter, amount, balance, receipt, status word, for --json. */
json_t *campus_json(const struct stiver_campus_result *result);

/* Opens the bank in --bank, acts, closes it. currency is the bank's. */
typedef enum cli_exit campus_bank_act(struct cli *cli, struct stiver_bank *bank, uint16_t currency);
enum cli_exit campus_with_bank(struct cli *cli, campus_bank_act *act);

/* The bank in --bank as a campus terminal's link; close it with near_bank_close(&near->bank). Must
 * not move in memory. */
struct near_campus {
    struct near_bank bank;
    struct stiver_terminal_link link;
    bool is_told; /* why the bank did not answer was said already */
};
bool near_campus_open(struct cli *cli, struct near_campus *near);
/* As campus_result, but says nothing a second time. */
enum cli_exit near_campus_result(const struct near_campus *near,
                                 const struct stiver_campus_result *result);

#endif
