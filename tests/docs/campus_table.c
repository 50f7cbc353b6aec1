/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the table of commands of docs/campus.md from the card's. script/update-docs puts it into
 * the page, or checks that it is there. */
#include <stdio.h>
#include <string.h>

#include "card/campus/internal.h"

static void print_states(uint16_t states)
{
    static const struct {
        uint16_t bits;
        const char *text;
    } words[] = {
        {C_OPEN, "not personalised"},
        {C_KEYED | C_NAMED, "after SET KEY"},
        {C_NAMED, "after SET IDENTITY"},
        {C_KNOWN, "4 to 7"},
        {C_INIT, "0"},
        {C_MET, "1"},
        {C_KEYS_KNOWN, "2"},
        {C_CERTIFIED, "3"},
        {C_AUTHENTICATED, "4"},
        {C_LOAD_AMOUNT, "5, reload"},
        {C_PAY_AMOUNT, "5, point of sale"},
        {C_LOAD_SIGNED, "6"},
        {C_FINISHED, "7"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].bits == states) {
            (void)printf("%s", words[i].text);
            return;
        }
    }
    (void)printf("%04X", states);
}

static void print_row(size_t i, uint16_t answer)
{
    const struct command_row *row = &campus_application.rows[i];
    (void)printf("| %02X | %s | ", row->ins, row->name);
    if (row->rule == P1P2_EXACT)
        (void)printf("%02X | %02X", row->p1, row->p2);
    else
        (void)printf("first byte | %s", row->rule == P1P2_VALUE ? "00" : "02 or 03");
    if (row->lc_least == 0)
        (void)printf(" | –");
    else
        (void)printf(" | %u", (unsigned)row->lc_least);
    (void)printf(" | %s | ", row->answers ? "yes" : answer == 0 ? "no" : "no matter");
    if (answer == CAMPUS_LOG_BYTES)
        (void)printf("0 to %u", (unsigned)answer);
    else if (answer == 0)
        (void)printf("–");
    else
        (void)printf("%u", (unsigned)answer);
    (void)printf(" | ");
    print_states(row->states);
    (void)printf(" |\n");
}

int main(void)
{
    static const uint16_t answers[] = {
#define X(name, handler, text, ins, rule, p1, lc, answer, states) answer,
#include "card/campus/commands.def"
#undef X
    };
    (void)printf("| INS | name | P1 | P2 | Lc | Le | answer | in state "
                 "|\n|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < campus_application.commands; i++)
        print_row(i, answers[i]);
    return fflush(stdout) == 0 ? 0 : 1;
}
