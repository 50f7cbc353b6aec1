/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trace.h"

#include <stdio.h>
#include <string.h>

#include "base/apdu.h"
#include "base/hex.h"
#include "scheme/command.h"
#include "scheme/status.h"

#define REST 0 /* the field takes what is left */

struct field {
    const char *name;
    size_t bytes;
};

#define FIELDS_MAX 20

/* Commands and answers of fixed layout, as docs/protocol.md section 12 names their fields. */
static const struct layout {
    enum command command;
    struct field asked[FIELDS_MAX], answered[FIELDS_MAX];
} layouts[] = {
    {COMMAND_GET_STATE,
     {{NULL, 0}},
     {{"state", 1},
      {"protocol version", 1},
      {"firmware", 4},
      {"longest APDU", 2},
      {"scheme", 4},
      {"root KVN", 1},
      {"authority KVN", 1},
      {"serial", 8}}},
    {COMMAND_INITIALIZE,
     {{"nonce", 16}, {"ephemeral key", 64}, {"anchors", REST}},
     {{"key statement", 267}, {"tag", 16}, {"MAC", 16}}},
    {COMMAND_VERIFY_CERTIFICATE, {{"terminal certificate", REST}}, {{NULL, 0}}},
    {COMMAND_GET_CERTIFICATE, {{"card number TLV", REST}}, {{"card certificate", REST}}},
    {COMMAND_MUTUAL_AUTHENTICATE,
     {{"control reference", 33}, {"ephemeral key TLV", 68}},
     {{"ephemeral key TLV", 68}, {"receipt TLV", 18}, {"handle TLV", 10}}},
    {COMMAND_PAY,
     {{"amount", 4},
      {"currency", 2},
      {"terminal counter", 4},
      {"time", 4},
      {"reference", 8},
      {"flags", 1}},
     {{"card counter", 4},
      {"balance after", 4},
      {"points change", 4},
      {"points after", 4},
      {"random", 8},
      {"flags", 1},
      {"signature", 64}}},
    {COMMAND_LOAD,
     {{"amount", 4},
      {"currency", 2},
      {"terminal counter", 4},
      {"time", 4},
      {"reference", 8},
      {"flags", 1},
      {"order message", REST}},
     {{"receipt", REST}}},
    {COMMAND_READ_RECEIPT, {{"terminal", 8}, {"terminal counter", 4}}, {{"receipt", REST}}},
    {COMMAND_READ_LOG, {{"card counter", 4}}, {{"receipt", REST}}},
    {COMMAND_APPLY_ORDER, {{"order message", REST}}, {{NULL, 0}}},
    {COMMAND_READ_PIN, {{NULL, 0}}, {{"PIN block", 8}}},
    {COMMAND_READ_STATUS,
     {{NULL, 0}},
     {{"state", 1},
      {"currency", 2},
      {"balance", 4},
      {"points", 4},
      {"card counter", 4},
      {"load counter", 4},
      {"refund counter", 4},
      {"acknowledged up to", 4},
      {"acknowledged map", 8},
      {"policy generation", 4},
      {"policy number", 4},
      {"highest time", 4},
      {"generation floor", 4},
      {"PIN tries", 1},
      {"free slots", 1}}},
};

static const struct layout *find_layout(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof layouts / sizeof layouts[0]; i++)
        if (strcmp(command_rows[layouts[i].command].name, name) == 0)
            return &layouts[i];
    return NULL;
}

static void print_hex(FILE *out, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        (void)fprintf(out, "%02X", data[i]);
}

static void print_fields(FILE *out, const struct field *fields, const uint8_t *data, size_t bytes)
{
    size_t at = 0;
    for (size_t i = 0; i < FIELDS_MAX && fields[i].name != NULL && at < bytes; i++) {
        size_t left = bytes - at;
        size_t length = fields[i].bytes == REST || fields[i].bytes > left ? left : fields[i].bytes;
        (void)fprintf(out, "      %-20s ", fields[i].name);
        print_hex(out, data + at, length);
        (void)fputc('\n', out);
        at += length;
    }
    if (at < bytes) {
        (void)fprintf(out, "      %-20s ", "data");
        print_hex(out, data + at, bytes - at);
        (void)fputc('\n', out);
    }
}

static void print_command(FILE *out, const struct stiver_terminal_exchange *exchange,
                          const struct layout *layout)
{
    static const struct field none[FIELDS_MAX];
    struct apdu_command command;
    (void)fprintf(out, "  > %s%s\n    ", exchange->command == NULL ? "?" : exchange->command,
                  exchange->is_protected ? ", protected" : "");
    print_hex(out, exchange->sent_command, exchange->sent_command_bytes);
    (void)fputc('\n', out);
    if (!apdu_parse(exchange->plain_command, exchange->plain_command_bytes, &command))
        return;
    (void)fprintf(out, "      CLA %02X INS %02X P1 %02X P2 %02X Lc %zu Le %lu\n", command.cla,
                  command.ins, command.p1, command.p2, command.lc, (unsigned long)command.le);
    print_fields(out, layout == NULL ? none : layout->asked, command.data, command.lc);
}

static void print_response(FILE *out, const struct stiver_terminal_exchange *exchange,
                           const struct layout *layout)
{
    static const struct field none[FIELDS_MAX];
    enum status status = STATUS_OK;
    if (exchange->received_response_bytes < 2) {
        (void)fprintf(out, "  < nothing came\n");
        return;
    }
    const uint8_t *end = exchange->received_response + exchange->received_response_bytes;
    uint16_t word = (uint16_t)(end[-2] << 8 | end[-1]);
    bool known = status_of_word(word, exchange->is_protected, &status);
    (void)fprintf(out, "  < %04X %s\n    ", word, known ? status_sentence(status) : "");
    print_hex(out, exchange->received_response, exchange->received_response_bytes);
    (void)fputc('\n', out);
    if (exchange->plain_response_bytes > 2)
        print_fields(out, layout == NULL ? none : layout->answered, exchange->plain_response,
                     exchange->plain_response_bytes - 2);
}

void trace_exchange(void *context, const struct stiver_terminal_exchange *exchange)
{
    FILE *out = context;
    const struct layout *layout = find_layout(exchange->command);
    print_command(out, exchange, layout);
    print_response(out, exchange, layout);
}
