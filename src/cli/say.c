/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says, to a person or as JSON lines, and how it reads values. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/hex.h"

#define SENTENCE_BYTES 1024

static int option_index(const struct cli *cli, const char *name)
{
    const struct cli_option *options = cli->command->options;
    for (int i = 0; options != NULL && options[i].name != NULL; i++)
        if (strcmp(options[i].name, name) == 0)
            return i;
    (void)fprintf(cli->err, "stiver: internal error: %s has no option --%s\n", cli->command->name,
                  name);
    abort();
}

const char *cli_value(const struct cli *cli, const char *option)
{
    return cli->values[option_index(cli, option)];
}

bool cli_flag(const struct cli *cli, const char *option)
{
    return cli->given[option_index(cli, option)];
}

bool cli_number(struct cli *cli, const char *what, const char *text, uint32_t least, uint32_t most,
                uint32_t *value)
{
    uint64_t number = 0;
    bool valid = text[0] != '\0' && strlen(text) <= 10;
    for (const char *c = text; valid && *c != '\0'; c++) {
        valid = *c >= '0' && *c <= '9';
        number = number * 10 + (uint64_t)(*c - '0');
    }
    if (!valid || number < least || number > most) {
        (void)cli_misuse(cli, "%s takes a whole number from %lu to %lu, not %s", what,
                         (unsigned long)least, (unsigned long)most, text);
        return false;
    }
    *value = (uint32_t)number;
    return true;
}

bool cli_hex(struct cli *cli, const char *what, const char *text, uint8_t *out, size_t bytes)
{
    if (strlen(text) == 2 * bytes && hex_decode(text, out, bytes))
        return true;
    (void)cli_misuse(cli, "%s is %zu hexadecimal digits, not %s", what, 2 * bytes, text);
    return false;
}

bool cli_money(struct cli *cli, const char *text, uint16_t currency, struct money *amount)
{
    const char *letters = currency_letters(currency);
    char number[32];
    size_t length = strcspn(text, " ");
    if (length == 0) {
        (void)cli_misuse(cli, "\"%s\" is not an amount: write it like 2.50", text);
        return false;
    }
    if (length >= sizeof number)
        length = sizeof number - 1;
    memcpy(number, text, length);
    number[length] = '\0';
    if (text[length] == ' ' && (letters == NULL || strcmp(text + length + 1, letters) != 0)) {
        (void)cli_misuse(cli, "%s is not in %s, the only currency here: write it like 2.50", text,
                         letters == NULL ? "the scheme's currency" : letters);
        return false;
    }
    switch (money_parse(number, currency, amount)) {
    case MONEY_PARSE_OK:
        return true;
    case MONEY_PARSE_NEGATIVE:
        (void)cli_misuse(cli, "%s is below zero: give an amount above zero", text);
        break;
    case MONEY_PARSE_PRECISION:
        (void)cli_misuse(cli, "%s has more decimal places than %s has: give at most %u", text,
                         letters == NULL ? "the currency" : letters, currency_exponent(currency));
        break;
    case MONEY_PARSE_RANGE:
        (void)cli_misuse(cli, "%s is more than a card can hold", text);
        break;
    case MONEY_PARSE_SYNTAX:
    default:
        (void)cli_misuse(cli, "%s is not an amount: write it like 2.50", text);
        break;
    }
    return false;
}

bool cli_amount(struct cli *cli, const char *text, uint16_t currency, struct money *amount)
{
    if (!cli_money(cli, text, currency, amount))
        return false;
    if (amount->minor != 0)
        return true;
    (void)cli_misuse(cli, "%s moves nothing: give an amount above zero", text);
    return false;
}

static void say_json(FILE *out, const char *key, const char *name, json_t *fields,
                     const char *sentence)
{
    json_t *line = fields == NULL ? json_object() : fields;
    (void)json_object_set_new(line, key, json_string(name));
    (void)json_object_set_new(line, "message", json_string(sentence));
    (void)json_dumpf(line, out, JSON_COMPACT | JSON_PRESERVE_ORDER);
    (void)fputc('\n', out);
    json_decref(line);
}

void cli_say(struct cli *cli, const char *event, json_t *fields, const char *sentence, ...)
{
    char text[SENTENCE_BYTES];
    va_list values;
    va_start(values, sentence);
    (void)vsnprintf(text, sizeof text, sentence, values);
    va_end(values);
    if (cli->json) {
        say_json(cli->out, "event", event, fields, text);
        return;
    }
    (void)fprintf(cli->out, "%s\n", text);
    json_decref(fields);
}

enum cli_exit cli_refuse(struct cli *cli, const char *name, json_t *fields, const char *sentence,
                         ...)
{
    char text[SENTENCE_BYTES];
    va_list values;
    va_start(values, sentence);
    (void)vsnprintf(text, sizeof text, sentence, values);
    va_end(values);
    if (cli->json) {
        say_json(cli->out, "error", name, fields, text);
        return CLI_REFUSED;
    }
    (void)fprintf(cli->err, "stiver: %s\n", text);
    json_decref(fields);
    return CLI_REFUSED;
}

enum cli_exit cli_misuse(struct cli *cli, const char *sentence, ...)
{
    char text[SENTENCE_BYTES];
    va_list values;
    va_start(values, sentence);
    (void)vsnprintf(text, sizeof text, sentence, values);
    va_end(values);
    cli->is_misused = true;
    if (cli->json)
        say_json(cli->out, "error", "USAGE", NULL, text);
    else
        (void)fprintf(cli->err, "stiver: %s\n", text);
    return CLI_USAGE;
}

json_t *cli_json_money(struct money amount)
{
    const char *letters = currency_letters(amount.currency);
    json_t *currency = letters == NULL ? json_integer(amount.currency) : json_string(letters);
    return json_pack("{s:I,s:o}", "minor", (json_int_t)amount.minor, "currency", currency);
}

json_t *cli_json_hex(const uint8_t *data, size_t bytes)
{
    char text[2 * 256 + 1];
    if (bytes > 256)
        bytes = 256;
    hex_encode(data, bytes, text);
    return json_string(text);
}

json_t *cli_json_time(uint32_t seconds)
{
    char text[DATE_TEXT_BYTES];
    date_format(seconds, text);
    return json_string(text);
}
