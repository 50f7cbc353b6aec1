/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/campus_open.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/date.h"
#include "scheme/campus.h"

/* ---- values ---- */

/* All of text in this base, at most most; false for anything else, an empty text too. */
static bool read_digits(const char *text, unsigned base, uint64_t most, uint64_t *number)
{
    static const char digits[] = "0123456789abcdef";
    *number = 0;
    for (const char *c = text; *c != '\0'; c++) {
        const char lower = *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c;
        const char *at = memchr(digits, lower, base);
        if (at == NULL)
            return false;
        *number = *number * base + (uint64_t)(at - digits);
        if (*number > most)
            return false;
    }
    return text[0] != '\0';
}

static bool read_number(const char *text, uint32_t *number)
{
    uint64_t value = 0;
    bool valid = false;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        valid = read_digits(text + 2, 16, UINT32_MAX, &value);
    else if (text[0] == '-') /* as Java prints the upper half of 32 bits */
        valid = read_digits(text + 1, 10, (uint64_t)1 << 31, &value);
    else
        valid = read_digits(text, 10, UINT32_MAX, &value);
    *number = text[0] == '-' ? (uint32_t)0 - (uint32_t)value : (uint32_t)value;
    return valid;
}

bool campus_number(struct cli *cli, const char *what, const char *text, uint32_t *number)
{
    if (read_number(text, number))
        return true;
    (void)cli_misuse(cli,
                     "%s is a whole number of 32 bits, such as 2147483648, 0x80000000 or "
                     "-2147483648, not %s",
                     what, text);
    return false;
}

/* count digits at *text, which moves on behind them and behind the character that must follow. */
static bool read_part(const char **text, size_t count, char follows, unsigned *value)
{
    char part[8] = "";
    uint64_t number = 0;
    memcpy(part, *text, strnlen(*text, count));
    if (strlen(part) != count || !read_digits(part, 10, 9999, &number) || (*text)[count] != follows)
        return false;
    *value = (unsigned)number;
    *text += count + (follows == '\0' ? 0 : 1);
    return true;
}

/* The time of day behind a date: "10:20Z" or "10:20:30Z". */
static bool read_clock(const char *text, unsigned *seconds)
{
    unsigned hour = 0, minute = 0, second = 0;
    const bool with_seconds = strlen(text) > strlen("10:20Z");
    if (!read_part(&text, 2, ':', &hour) ||
        !read_part(&text, 2, with_seconds ? ':' : 'Z', &minute) ||
        (with_seconds && !read_part(&text, 2, 'Z', &second)) || *text != '\0')
        return false;
    *seconds = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

static bool read_time(const char *text, uint32_t *seconds)
{
    unsigned year = 0, month = 0, day = 0, clock = 0;
    const bool with_clock = strchr(text, 'T') != NULL;
    if (!read_part(&text, 4, '-', &year) || !read_part(&text, 2, '-', &month) ||
        !read_part(&text, 2, with_clock ? 'T' : '\0', &day) ||
        (with_clock && !read_clock(text, &clock)))
        return false;
    const struct civil_date date = {(uint16_t)year, (uint8_t)month, (uint8_t)day};
    if (!date_to_time(date, seconds) || *seconds > UINT32_MAX - clock)
        return false;
    *seconds += clock;
    return true;
}

bool campus_time(struct cli *cli, const char *what, const char *text, uint32_t *seconds)
{
    if (read_time(text, seconds) || read_number(text, seconds))
        return true;
    (void)cli_misuse(cli,
                     "%s is a time such as 2026-12-31, 2026-12-31T10:20:30Z, or its seconds since "
                     "1970, not %s",
                     what, text);
    return false;
}

bool campus_cents(struct cli *cli, const char *text, uint32_t *cents)
{
    static const uint16_t two_places = 978;
    struct money amount = money_of(0, two_places);
    switch (money_parse(text, two_places, &amount)) {
    case MONEY_PARSE_OK:
        break;
    case MONEY_PARSE_NEGATIVE:
        (void)cli_misuse(cli, "%s is below zero: give an amount above zero", text);
        return false;
    case MONEY_PARSE_PRECISION:
        (void)cli_misuse(cli, "%s has more than two decimal places: give whole cents", text);
        return false;
    case MONEY_PARSE_RANGE:
        amount.minor = UINT32_MAX;
        break;
    case MONEY_PARSE_SYNTAX:
    default:
        (void)cli_misuse(cli, "\"%s\" is not an amount: write it like 2.50", text);
        return false;
    }
    *cents = amount.minor;
    if (*cents == 0)
        (void)cli_misuse(cli, "%s moves nothing: give an amount above zero", text);
    else if (*cents > CAMPUS_AMOUNT_MAX)
        (void)cli_misuse(cli, "%s is more than a card takes at once: give less", text);
    return *cents != 0 && *cents <= CAMPUS_AMOUNT_MAX;
}

void campus_format(uint32_t cents, char text[CAMPUS_MONEY_BYTES])
{
    (void)snprintf(text, CAMPUS_MONEY_BYTES, "%lu.%02lu", (unsigned long)(cents / 100),
                   (unsigned long)(cents % 100));
}

static const char *const role_names[] = {"?", "station", "pos", "reload"};
#define ROLES (sizeof role_names / sizeof role_names[0])

const char *campus_role_name(enum stiver_campus_role role)
{
    return (size_t)role < ROLES ? role_names[role] : role_names[0];
}

bool campus_role_asked(struct cli *cli, enum stiver_campus_role *role)
{
    const char *text = cli_value(cli, "role");
    for (size_t i = 1; i < ROLES; i++) {
        if (strcmp(text, role_names[i]) == 0) {
            *role = (enum stiver_campus_role)i;
            return true;
        }
    }
    (void)cli_misuse(cli, "--role takes station, pos or reload, not %s", text);
    return false;
}

bool campus_read_exactly(struct cli *cli, const char *path, const char *what, uint8_t *out,
                         size_t bytes)
{
    uint8_t *data = NULL;
    size_t length = 0;
    if (!cli_read_file(cli, path, &data, &length))
        return false;
    const bool fits = length == bytes;
    if (fits)
        memcpy(out, data, bytes);
    else
        (void)cli_refuse(cli, "MALFORMED", NULL, "%s is not %s of %zu bytes", path, what, bytes);
    free(data);
    return fits;
}

/* ---- a terminal, and a card at it ---- */

bool campus_contact_open(struct campus_contact *contact, struct cli *cli)
{
    const char *directory = cli_value(cli, "terminal");
    struct stiver_terminal_environment environment = {.now = NULL};
    *contact = (struct campus_contact){.cli = cli, .trace = {.out = cli->err}};
    if (cli->trace) {
        environment.trace = trace_campus_exchange;
        environment.trace_context = &contact->trace;
    }
    enum stiver_terminal_status status =
        stiver_campus_terminal_open(directory, &environment, &contact->terminal);
    if (status == STIVER_TERMINAL_OK)
        return true;
    char text[256];
    const struct stiver_campus_result result = {.status = status};
    stiver_campus_sentence(&result, text, sizeof text);
    (void)cli_refuse(cli, stiver_terminal_status_name(status), NULL, "%s: %s", directory, text);
    contact->terminal = NULL;
    return false;
}

bool campus_contact_card(struct campus_contact *contact)
{
    struct stiver_campus_info info;
    enum stiver_terminal_status status = stiver_campus_terminal_info(contact->terminal, &info);
    if (status == STIVER_TERMINAL_OK && !info.is_enrolled)
        status = STIVER_TERMINAL_NOT_ENROLLED;
    if (status == STIVER_TERMINAL_OK)
        return card_open_asked(contact->cli, &contact->reader);
    (void)campus_status(contact->cli, status, NULL);
    return false;
}

void campus_contact_close(struct campus_contact *contact)
{
    if (contact->trace.apdus != 0)
        (void)fprintf(contact->cli->err, "  %u APDUs, %zu bytes both ways\n", contact->trace.apdus,
                      contact->trace.bytes);
    if (contact->reader.ops != NULL)
        card_reader_close(&contact->reader);
    stiver_campus_terminal_close(contact->terminal);
}

json_t *campus_json(const struct stiver_campus_result *result)
{
    json_t *fields = json_object();
    if (result->has_card)
        (void)json_object_set_new(fields, "card", json_integer((json_int_t)result->card));
    if (result->counter != 0)
        (void)json_object_set_new(fields, "card_counter",
                                  json_integer((json_int_t)result->counter));
    if (result->amount != 0)
        (void)json_object_set_new(fields, "cents", json_integer((json_int_t)result->amount));
    if (result->has_balance)
        (void)json_object_set_new(fields, "balance_cents",
                                  json_integer((json_int_t)result->balance));
    if (result->has_receipt) {
        (void)json_object_set_new(fields, "time", cli_json_time(result->time));
        (void)json_object_set_new(fields, "receipt",
                                  cli_json_hex(result->receipt, sizeof result->receipt));
    }
    if (result->word != 0) {
        char word[5];
        (void)snprintf(word, sizeof word, "%04X", result->word);
        (void)json_object_set_new(fields, "status_word", json_string(word));
    }
    return fields;
}

enum cli_exit campus_result(struct cli *cli, const struct stiver_campus_result *result)
{
    char text[256];
    if (result->status == STIVER_TERMINAL_OK)
        return CLI_DONE;
    stiver_campus_sentence(result, text, sizeof text);
    (void)cli_refuse(cli, stiver_terminal_status_name(result->status), campus_json(result), "%s",
                     text);
    return result->status == STIVER_TERMINAL_UNFINISHED ? CLI_UNFINISHED : CLI_REFUSED;
}

enum cli_exit campus_status(struct cli *cli, enum stiver_terminal_status status, const char *detail)
{
    struct stiver_campus_result result = {.status = status};
    if (detail != NULL)
        (void)snprintf(result.detail, sizeof result.detail, "%s", detail);
    return campus_result(cli, &result);
}

enum cli_exit campus_file_status(struct cli *cli, enum stiver_terminal_status status,
                                 const char *path, const char *what)
{
    if (status == STIVER_TERMINAL_PACKAGE || status == STIVER_TERMINAL_BANK_ANSWER)
        return cli_refuse(cli, stiver_terminal_status_name(status), NULL, "%s is not %s", path,
                          what);
    return campus_status(cli, status, NULL);
}

/* ---- the bank in this process ---- */

enum cli_exit campus_with_bank(struct cli *cli, campus_bank_act *act)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_settings settings;
    if (!bank_open_asked(cli, &bank, &settings))
        return CLI_REFUSED;
    enum cli_exit result = act(cli, bank, settings.currency);
    stiver_bank_close(bank);
    return result;
}

static bool near_answer(void *context, const uint8_t *request, size_t request_bytes,
                        uint8_t **answer, size_t *answer_bytes)
{
    struct near_campus *near = context;
    struct stiver_bank_bytes bytes = {NULL, 0};
    enum stiver_bank_status status =
        stiver_campus_link(near->bank.bank, request, request_bytes, &bytes);
    if (status != STIVER_BANK_OK) {
        near->is_told = true;
        (void)bank_refuse(near->bank.cli, near->bank.bank, status);
        return false;
    }
    *answer = bytes.data;
    *answer_bytes = bytes.length;
    return true;
}

static void near_release(void *context, uint8_t *answer)
{
    (void)context;
    struct stiver_bank_bytes bytes = {answer, 0};
    stiver_bank_bytes_free(&bytes);
}

bool near_campus_open(struct cli *cli, struct near_campus *near)
{
    *near = (struct near_campus){.link = {near, near_answer, near_release}};
    return near_bank_open(cli, &near->bank);
}

enum cli_exit near_campus_result(const struct near_campus *near,
                                 const struct stiver_campus_result *result)
{
    if (near->is_told && result->status == STIVER_TERMINAL_NO_LINK)
        return CLI_REFUSED;
    return campus_result(near->bank.cli, result);
}
