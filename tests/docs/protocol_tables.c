/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the tables of docs/protocol.md from the tables of the code: "protocol_tables commands" and
 * "protocol_tables statuses". script/update-docs puts them into the page, or checks that they are
 * there. */
#include <stdio.h>
#include <string.h>

#include "scheme/command.h"
#include "scheme/status.h"

struct word {
    unsigned bits;
    const char *text;
};

static void print_bits(unsigned value, const struct word *words)
{
    const char *between = "";
    for (; words->text != NULL; words++) {
        if ((value & words->bits) != words->bits)
            continue;
        (void)printf("%s%s", between, words->text);
        between = ", ";
        value &= ~words->bits;
    }
    if (*between == '\0')
        (void)printf("–");
}

static void print_states(const struct command_row *row)
{
    static const struct word words[] = {{S_ANY, "any"},
                                        {S_OWNED, "all but blank"},
                                        {1u << PURSE_BLANK, "blank"},
                                        {1u << PURSE_PERSONALISED, "personalised"},
                                        {1u << PURSE_ISSUED, "issued"},
                                        {1u << PURSE_BLOCKED, "blocked"},
                                        {1u << PURSE_ENDED, "ended"},
                                        {0, NULL}};
    print_bits(row->states, words);
}

static void print_roles(const struct command_row *row)
{
    static const struct word words[] = {{R_ANY, "any"},
                                        {1u << ROLE_POINT_OF_SALE, "point of sale"},
                                        {1u << ROLE_KIOSK, "kiosk"},
                                        {1u << ROLE_DESK, "desk"},
                                        {1u << ROLE_STATION, "station"},
                                        {1u << ROLE_VENDING, "vending"},
                                        {1u << ROLE_BANK, "bank"},
                                        {0, NULL}};
    print_bits(row->roles, words);
}

static void print_p1p2(const struct command_row *row)
{
    if (row->rule == P1P2_KEY)
        (void)printf("KVN %02X", row->p2);
    else if (row->rule == P1P2_MORE)
        (void)printf("00 or 01, %02X", row->p2);
    else
        (void)printf("%02X %02X", row->p1, row->p2);
}

static void print_commands(void)
{
    (void)printf(
        "| command | CLA | INS | P1 P2 | Lc | answers data | states | roles | class bit |\n"
        "|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command_row *row = &command_rows[i];
        bool in_channel = row->protection == PROTECTION_CHANNEL;
        (void)printf("| %s | %02X | %02X | ", row->name, in_channel ? 0x84 : row->cla, row->ins);
        print_p1p2(row);
        if (row->lc_least == row->lc_most)
            (void)printf(" | %u | ", row->lc_least);
        else
            (void)printf(" | %u to %u | ", row->lc_least, row->lc_most);
        (void)printf("%s | ", row->answers ? "yes" : "no");
        print_states(row);
        (void)printf(" | ");
        print_roles(row);
        if (row->command_class != 0)
            (void)printf(" | %04X |\n", row->command_class);
        else
            (void)printf(" | – |\n");
    }
}

static void print_statuses(void)
{
    (void)printf("| name | in the clear | in the channel | meaning |\n|---|---|---|---|\n");
    for (int i = 0; i < STATUS_COUNT; i++) {
        enum status status = (enum status)i;
        (void)printf("| %s | %04X | %04X | %s |\n", status_name(status), status_word(status, false),
                     status_word(status, true), status_sentence(status));
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "commands") == 0)
        print_commands();
    else if (argc == 2 && strcmp(argv[1], "statuses") == 0)
        print_statuses();
    else
        return 2;
    return 0;
}
