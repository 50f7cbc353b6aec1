/* SPDX-License-Identifier: Apache-2.0 */
/* From a result to the sentence that a person reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "terminal/internal.h"

struct status_row {
    const char *name, *sentence;
};

static const struct status_row rows[STIVER_TERMINAL_STATUS_COUNT] = {
#define X(name, sentence) {#name, sentence},
    STIVER_TERMINAL_STATUSES(X)
#undef X
};

static const struct status_row *row_of(terminal_status status)
{
    return &rows[(unsigned)status < STIVER_TERMINAL_STATUS_COUNT ? status
                                                                 : STIVER_TERMINAL_INTERNAL];
}

const char *stiver_terminal_status_name(enum stiver_terminal_status status)
{
    return row_of(status)->name;
}

terminal_status result_end(struct stiver_terminal_result *result, terminal_status status)
{
    result->status = status;
    return status;
}

/* ---- sentences ---- */

#define VALUE_BYTES STIVER_TERMINAL_DETAIL_BYTES

static void write_money(struct stiver_terminal_money money, char value[VALUE_BYTES])
{
    char text[MONEY_TEXT_BYTES];
    money_format(money_of(money.minor, money.currency), text);
    snprintf(value, VALUE_BYTES, "%s", text);
}

static const char *kind_name(const struct stiver_terminal_result *result)
{
    switch (result->receipt.kind) {
    case STIVER_TERMINAL_PAYMENT:
        return "payment";
    case STIVER_TERMINAL_LOAD:
        return "load";
    case STIVER_TERMINAL_REFUND:
        return "refund";
    case STIVER_TERMINAL_UNLOAD:
        return "unload";
    case STIVER_TERMINAL_BLOCK:
        return "block";
    }
    return "business";
}

/* What stands for the placeholder; false for a name that is none. */
static bool write_value(const struct stiver_terminal_result *result, const char *name, size_t bytes,
                        char value[VALUE_BYTES])
{
    char date[DATE_TEXT_BYTES];
#define IS(text) (bytes == sizeof(text) - 1 && memcmp(name, text, bytes) == 0)
    if (IS("amount"))
        write_money(result->amount, value);
    else if (IS("balance"))
        write_money(result->balance, value);
    else if (IS("limit"))
        write_money(result->limit, value);
    else if (IS("kind"))
        snprintf(value, VALUE_BYTES, "%s", kind_name(result));
    else if (IS("number"))
        snprintf(value, VALUE_BYTES, "%lu", (unsigned long)result->number);
    else if (IS("tries"))
        snprintf(value, VALUE_BYTES, "%u %s", result->tries, result->tries == 1 ? "try" : "tries");
    else if (IS("detail"))
        snprintf(value, VALUE_BYTES, "%s", result->detail);
    else if (IS("date")) {
        date_format(result->time, date);
        snprintf(value, VALUE_BYTES, "%.10s", date); /* the day */
    } else {
        return false;
    }
#undef IS
    return true;
}

static void append(char *text, size_t capacity, size_t *used, const char *piece, size_t bytes)
{
    for (size_t i = 0; i < bytes && *used + 1 < capacity; i++)
        text[(*used)++] = piece[i];
    text[*used] = '\0';
}

/* A sentence about a value that is not known leaves it out. */
static const char *template_of(const struct stiver_terminal_result *result)
{
    if (result->status == STIVER_TERMINAL_BALANCE && !result->has_balance)
        return "Not enough money on the card.";
    if (result->status == STIVER_TERMINAL_UNFINISHED && result->number == 0)
        return "Not finished: touch the same card again.";
    if (result->status == STIVER_TERMINAL_READER && result->detail[0] == '\0')
        return "The card reader failed.";
    return row_of(result->status)->sentence;
}

void stiver_terminal_sentence(const struct stiver_terminal_result *result, char *text,
                              size_t capacity)
{
    const char *at = template_of(result);
    size_t used = 0;
    if (capacity == 0)
        return;
    text[0] = '\0';
    while (*at != '\0') {
        char value[VALUE_BYTES];
        const char *close = *at == '{' ? strchr(at, '}') : NULL;
        if (close != NULL && write_value(result, at + 1, (size_t)(close - at - 1), value)) {
            append(text, capacity, &used, value, strlen(value));
            at = close + 1;
        } else {
            append(text, capacity, &used, at++, 1);
        }
    }
}

void stiver_terminal_bytes_free(struct stiver_terminal_bytes *bytes)
{
    free(bytes->data);
    bytes->data = NULL;
    bytes->length = 0;
}
