/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the subcommand, parses its line, shows help. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#ifndef STIVER_VERSION
#error "the build says which version this is"
#endif

static const struct group {
    const char *title;
    const struct cli_command *commands;
} groups[] = {
    {"Cards (virtual ones, kept in a file)", cli_card_commands},
    {"Readers", cli_reader_commands},
    {"Bank: founding and keys", cli_bank_commands},
    {"Bank: cards and terminals", cli_register_commands},
    {"Bank: settlement, books, audit", cli_books_commands},
    {"Terminals", cli_terminal_commands},
    {"At a card", cli_sale_commands},
    {"Campus purse: the bank", cli_campus_bank_commands},
    {"Campus purse: settlement", cli_campus_books_commands},
    {"Campus purse: terminals", cli_campus_terminal_commands},
    {"Campus purse: at a card", cli_campus_sale_commands},
};

#define GROUPS (sizeof groups / sizeof groups[0])

static const struct cli_option global_options[] = {
    {"json", NULL, "say everything as JSON, one object a line", false},
    {"trace", NULL, "show every APDU, decoded, on standard error", false},
    {"help", NULL, "show this help", false},
    CLI_OPTION_END,
};

static void show_options(FILE *out, const struct cli_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        char left[64];
        (void)snprintf(left, sizeof left, "--%s%s%s", options->name,
                       options->value == NULL ? "" : " ",
                       options->value == NULL ? "" : options->value);
        (void)fprintf(out, "  %-22s %s%s\n", left, options->help,
                      options->required ? " (required)" : "");
    }
}

static void show_usage_line(FILE *out, const struct cli_command *command)
{
    (void)fprintf(out, "usage: stiver %s", command->name);
    for (const struct cli_option *o = command->options; o != NULL && o->name != NULL; o++)
        if (o->required)
            (void)fprintf(out, " --%s %s", o->name, o->value);
    for (const struct cli_argument *a = command->arguments; a != NULL && a->name != NULL; a++)
        (void)fprintf(out, a->optional ? " [%s]" : " %s", a->name);
    (void)fprintf(out, " [options]\n");
}

static void show_command_help(FILE *out, const struct cli_command *command)
{
    show_usage_line(out, command);
    (void)fprintf(out, "\n%s.\n", command->summary);
    if (command->detail != NULL)
        (void)fprintf(out, "%s\n", command->detail);
    (void)fprintf(out, "\n");
    for (const struct cli_argument *a = command->arguments; a != NULL && a->name != NULL; a++)
        (void)fprintf(out, "  %-22s %s\n", a->name, a->help);
    show_options(out, command->options);
    show_options(out, global_options);
}

static void show_help(FILE *out)
{
    (void)fprintf(out,
                  "usage: stiver COMMAND [options]\n\n"
                  "Stiver, an open electronic purse: cards that hold money, the machines that\n"
                  "take it, and the bank behind them. A first walk, in this order:\n\n"
                  "  stiver bank found      the bank, its keys and its books\n"
                  "  stiver card create     a blank virtual card, stock for the bank\n"
                  "  stiver terminal create and enrol a station, a kiosk, a point of sale\n"
                  "  stiver personalise     makes the blank card somebody's purse\n"
                  "  stiver load, pay       money onto the card, money off it\n"
                  "  stiver bank books      and every cent is accounted for\n");
    for (size_t g = 0; g < GROUPS; g++) {
        (void)fprintf(out, "\n%s\n", groups[g].title);
        for (const struct cli_command *c = groups[g].commands; c->name != NULL; c++)
            (void)fprintf(out, "  %-22s %s\n", c->name, c->summary);
    }
    (void)fprintf(out,
                  "\nEvery command has --help. Exit codes: 0 done, 1 refused or failed, 2 wrong\n"
                  "usage, 3 begun and not known to be finished, 4 findings.\n");
}

/* The command that the first one or two words name; *words is how many it took. */
static const struct cli_command *find_command(int count, char **words, int *taken)
{
    for (size_t g = 0; g < GROUPS; g++) {
        for (const struct cli_command *c = groups[g].commands; c->name != NULL; c++) {
            char joined[64];
            (void)snprintf(joined, sizeof joined, "%s %s", words[0], count > 1 ? words[1] : "");
            if (strcmp(c->name, words[0]) == 0)
                *taken = 1;
            else if (strcmp(c->name, joined) == 0)
                *taken = 2;
            else
                continue;
            return c;
        }
    }
    return NULL;
}

static bool starts_a_group(const char *word)
{
    size_t length = strlen(word);
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct cli_command *c = groups[g].commands; c->name != NULL; c++)
            if (strncmp(c->name, word, length) == 0 && c->name[length] == ' ')
                return true;
    return false;
}

static enum cli_exit unknown_command(struct cli *cli, int count, char **words)
{
    if (!starts_a_group(words[0]))
        return cli_misuse(cli, "there is no command %s: stiver --help shows them all", words[0]);
    if (count > 1 && words[1][0] != '-')
        (void)cli_misuse(cli, "there is no command %s %s; these start with %s:", words[0], words[1],
                         words[0]);
    size_t length = strlen(words[0]);
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct cli_command *c = groups[g].commands; c->name != NULL; c++)
            if (strncmp(c->name, words[0], length) == 0 && c->name[length] == ' ')
                (void)fprintf(cli->err, "  %-22s %s\n", c->name, c->summary);
    return CLI_USAGE;
}

static int find_option(const struct cli_option *options, const char *name, size_t length)
{
    for (int i = 0; options != NULL && options[i].name != NULL; i++)
        if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
            return i;
    return -1;
}

/* One word that starts with dashes; *at moves on if it takes the next word as its value. */
static enum cli_exit take_option(struct cli *cli, int count, char **words, int *at, bool *help)
{
    const char *name = words[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals == NULL ? strlen(name) : (size_t)(equals - name);
    int global = find_option(global_options, name, length);
    if (global >= 0 && equals == NULL) {
        cli->json = cli->json || global == 0;
        cli->trace = cli->trace || global == 1;
        *help = *help || global == 2;
        return CLI_DONE;
    }
    int i = find_option(cli->command->options, name, length);
    if (i < 0)
        return cli_misuse(cli, "%s has no option --%.*s: stiver %s --help shows them",
                          cli->command->name, (int)length, name, cli->command->name);
    if (cli->given[i])
        return cli_misuse(cli, "--%.*s was given twice", (int)length, name);
    cli->given[i] = true;
    if (cli->command->options[i].value == NULL)
        return equals == NULL ? CLI_DONE
                              : cli_misuse(cli, "--%.*s takes no value", (int)length, name);
    if (equals == NULL && *at + 1 >= count)
        return cli_misuse(cli, "--%s needs a value: %s", name, cli->command->options[i].value);
    cli->values[i] = equals == NULL ? words[++*at] : equals + 1;
    return CLI_DONE;
}

static enum cli_exit check_complete(struct cli *cli, int arguments)
{
    const struct cli_command *command = cli->command;
    for (int i = 0; command->options != NULL && command->options[i].name != NULL; i++)
        if (command->options[i].required && !cli->given[i])
            return cli_misuse(cli, "%s needs --%s %s, %s", command->name, command->options[i].name,
                              command->options[i].value, command->options[i].help);
    for (int i = 0; command->arguments != NULL && command->arguments[i].name != NULL; i++)
        if (!command->arguments[i].optional && i >= arguments)
            return cli_misuse(cli, "%s needs %s, %s", command->name, command->arguments[i].name,
                              command->arguments[i].help);
    return CLI_DONE;
}

static int most_arguments(const struct cli_command *command)
{
    int most = 0;
    while (command->arguments != NULL && command->arguments[most].name != NULL)
        most++;
    return most;
}

/* A negative number is an argument ("pay -1"), not an option. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] == '-' && word[2] != '\0';
}

static enum cli_exit parse(struct cli *cli, int count, char **words, bool *help)
{
    int arguments = 0;
    bool options_end = false;
    for (int at = 0; at < count; at++) {
        if (!options_end && strcmp(words[at], "--") == 0) {
            options_end = true;
        } else if (!options_end && is_option(words[at])) {
            enum cli_exit taken = take_option(cli, count, words, &at, help);
            if (taken != CLI_DONE)
                return taken;
        } else if (arguments >= most_arguments(cli->command)) {
            return cli_misuse(cli, "%s does not take %s: stiver %s --help shows what it takes",
                              cli->command->name, words[at], cli->command->name);
        } else {
            cli->arguments[arguments++] = words[at];
        }
    }
    return *help ? CLI_DONE : check_complete(cli, arguments);
}

static enum cli_exit run_words(struct cli *cli, int count, char **words)
{
    int taken = 0;
    bool help = false;
    cli->command = find_command(count, words, &taken);
    if (cli->command == NULL)
        return unknown_command(cli, count, words);
    enum cli_exit parsed = parse(cli, count - taken, words + taken, &help);
    if (parsed != CLI_DONE)
        return parsed;
    if (help) {
        show_command_help(cli->out, cli->command);
        return CLI_DONE;
    }
    return cli->command->run(cli);
}

static enum cli_exit run(struct cli *cli, int count, char **words)
{
    if (count == 0) {
        show_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0 ||
        strcmp(words[0], "help") == 0) {
        show_help(stdout);
        return CLI_DONE;
    }
    if (strcmp(words[0], "--version") == 0) {
        (void)printf("stiver %s\n", STIVER_VERSION);
        return CLI_DONE;
    }
    return run_words(cli, count, words);
}

int main(int argc, char **argv)
{
    struct cli cli = {.out = stdout, .err = stderr};
    enum cli_exit result = run(&cli, argc - 1, argv + 1);
    /* A value may turn out wrong far inside a command. */
    if (cli.is_misused)
        result = CLI_USAGE;
    /* A full disk or a closed pipe behind standard output must not look like success. */
    if (fflush(stdout) != 0) {
        (void)fprintf(stderr, "stiver: standard output cannot be written: is the disk full?\n");
        result = result == CLI_DONE ? CLI_REFUSED : result;
    }
    return (int)result;
}
