/* SPDX-License-Identifier: Apache-2.0 */
/* The campus purse's commands, decoded: values of 256 bytes come with their first byte in P1. */
#include "base/apdu.h"
#include "cli/trace.h"

#include <string.h>

#define FIELDS_MAX 6

struct field {
    const char *name;
    size_t bytes;
};

static const struct layout {
    const char *command;
    struct field asked[FIELDS_MAX], answered[FIELDS_MAX];
} layouts[] = {
    {"SET KEY", {{"back end's modulus", 256}}, {{"card's modulus", 256}}},
    {"SET IDENTITY", {{"card", 4}, {"end", 4}}, {{NULL, 0}}},
    {"SET CERTIFICATE", {{"certificate", 256}}, {{NULL, 0}}},
    {"EXCHANGE METADATA",
     {{"terminal", 4}, {"end", 4}, {"terminal's counter", 4}, {"time", 4}},
     {{"card", 4}, {"end", 4}, {"card's counter", 4}}},
    {"EXCHANGE KEYS", {{"terminal's modulus", 256}}, {{"card's modulus", 256}}},
    {"EXCHANGE CERTIFICATES", {{"certificate", 256}}, {{"certificate", 256}}},
    {"AUTHENTICATE", {{"S1", 256}}, {{"S2", 256}}},
    {"AMOUNT", {{"amount", 4}}, {{NULL, 0}}},
    {"LOAD", {{"S3", 256}}, {{"S4", 256}}},
    {"FINISH LOAD", {{"S5", 256}}, {{NULL, 0}}},
    {"PAY", {{"S3", 256}}, {{"S4", 256}}},
    {"BLOCK", {{"order", 256}}, {{"proof", 256}}},
    {"READ BALANCE", {{NULL, 0}}, {{"balance", 4}}},
};

static const struct layout *find_layout(const char *name)
{
    static const struct layout none = {.command = ""};
    for (size_t i = 0; name != NULL && i < sizeof layouts / sizeof layouts[0]; i++)
        if (strcmp(layouts[i].command, name) == 0)
            return &layouts[i];
    return &none;
}

static const char *word_text(uint16_t word)
{
    static const struct {
        uint16_t word;
        const char *text;
    } words[] = {
        {0x9000, "done"},
        {0x6985, "not now, or a certificate that ended, or not this amount"},
        {0x6982, "a signature does not verify"},
        {0x6986, "the campus purse is blocked"},
        {0x6D00, "no such command"},
        {0x6A82, "no such application"},
        {0x6A88, "there is none yet"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].word == word)
            return words[i].text;
    return "";
}

static void print_hex(FILE *out, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        (void)fprintf(out, "%02X", data[i]);
}

static void print_field(FILE *out, const char *name, const uint8_t *data, size_t bytes)
{
    (void)fprintf(out, "      %-20s ", name);
    print_hex(out, data, bytes);
    (void)fputc('\n', out);
}

static void print_fields(FILE *out, const struct field *fields, const uint8_t *data, size_t bytes)
{
    size_t at = 0;
    for (size_t i = 0; i < FIELDS_MAX && fields[i].name != NULL && at < bytes; i++) {
        const size_t left = bytes - at;
        const size_t length = fields[i].bytes < left ? fields[i].bytes : left;
        print_field(out, fields[i].name, data + at, length);
        at += length;
    }
    if (at < bytes)
        print_field(out, "data", data + at, bytes - at);
}

static void print_command(FILE *out, const struct stiver_terminal_exchange *exchange,
                          const struct layout *layout)
{
    struct apdu_command command;
    uint8_t value[256];
    (void)fprintf(out, "  > %s\n    ", exchange->command == NULL ? "?" : exchange->command);
    print_hex(out, exchange->sent_command, exchange->sent_command_bytes);
    (void)fputc('\n', out);
    if (!apdu_parse(exchange->sent_command, exchange->sent_command_bytes, &command))
        return;
    if (command.lc == sizeof value - 1) {
        value[0] = command.p1;
        memcpy(value + 1, command.data, command.lc);
        print_fields(out, layout->asked, value, sizeof value);
    } else {
        print_fields(out, layout->asked, command.data, command.lc);
    }
}

static void print_response(FILE *out, const struct stiver_terminal_exchange *exchange,
                           const struct layout *layout)
{
    const size_t bytes = exchange->received_response_bytes;
    if (bytes < 2) {
        (void)fprintf(out, "  < nothing came\n");
        return;
    }
    const uint8_t *end = exchange->received_response + bytes;
    const uint16_t word = (uint16_t)(end[-2] << 8 | end[-1]);
    (void)fprintf(out, "  < %04X %s\n    ", word, word_text(word));
    print_hex(out, exchange->received_response, bytes);
    (void)fputc('\n', out);
    print_fields(out, layout->answered, exchange->received_response, bytes - 2);
}

void trace_campus_exchange(void *context, const struct stiver_terminal_exchange *exchange)
{
    struct trace_campus *trace = context;
    const struct layout *layout = find_layout(exchange->command);
    trace->apdus++;
    trace->bytes += exchange->sent_command_bytes + exchange->received_response_bytes;
    print_command(trace->out, exchange, layout);
    print_response(trace->out, exchange, layout);
}
