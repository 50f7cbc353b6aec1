/* SPDX-License-Identifier: Apache-2.0 */
#include "base/money.h"

#include <string.h>

/* ISO 4217; a currency that an operator misses is one line here. */
static const struct currency {
    uint16_t code;
    char letters[4];
    uint8_t exponent;
} currencies[] = {
    {36, "AUD", 2},  {124, "CAD", 2}, {756, "CHF", 2}, {203, "CZK", 2}, {208, "DKK", 2},
    {978, "EUR", 2}, {826, "GBP", 2}, {348, "HUF", 2}, {352, "ISK", 0}, {392, "JPY", 0},
    {410, "KRW", 0}, {414, "KWD", 3}, {578, "NOK", 2}, {985, "PLN", 2}, {946, "RON", 2},
    {752, "SEK", 2}, {788, "TND", 3}, {949, "TRY", 2}, {840, "USD", 2}, {710, "ZAR", 2},
};

#define CURRENCIES (sizeof currencies / sizeof currencies[0])

struct money money_of(uint32_t minor, uint16_t currency)
{
    return (struct money){.minor = minor, .currency = currency};
}

bool money_add(struct money a, struct money b, struct money *sum)
{
    if (a.currency != b.currency || b.minor > UINT32_MAX - a.minor)
        return false;
    *sum = money_of(a.minor + b.minor, a.currency);
    return true;
}

bool money_subtract(struct money a, struct money b, struct money *difference)
{
    if (a.currency != b.currency || b.minor > a.minor)
        return false;
    *difference = money_of(a.minor - b.minor, a.currency);
    return true;
}

bool money_at_most(struct money a, struct money b)
{
    return a.currency == b.currency && a.minor <= b.minor;
}

static const struct currency *find_code(uint16_t code)
{
    for (size_t i = 0; i < CURRENCIES; i++)
        if (currencies[i].code == code)
            return &currencies[i];
    return NULL;
}

const char *currency_letters(uint16_t currency)
{
    const struct currency *found = find_code(currency);
    return found == NULL ? NULL : found->letters;
}

uint16_t currency_code(const char *letters)
{
    for (size_t i = 0; i < CURRENCIES; i++)
        if (strcmp(currencies[i].letters, letters) == 0)
            return currencies[i].code;
    return 0;
}

unsigned currency_exponent(uint16_t currency)
{
    const struct currency *found = find_code(currency);
    return found == NULL ? 0 : found->exponent;
}

/* Digits of value, at least least_digits of them, into out; returns how many. */
static size_t put_digits(char *out, uint32_t value, size_t least_digits)
{
    char backward[10];
    size_t count = 0;
    while (value != 0 || count < least_digits) {
        backward[count++] = (char)('0' + value % 10);
        value /= 10;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = backward[count - 1 - i];
    return count;
}

static uint32_t power_of_ten(unsigned exponent)
{
    uint32_t scale = 1;
    for (unsigned i = 0; i < exponent; i++)
        scale *= 10;
    return scale;
}

void money_format(struct money amount, char text[MONEY_TEXT_BYTES])
{
    const struct currency *known = find_code(amount.currency);
    unsigned exponent = known == NULL ? 0 : known->exponent;
    uint32_t scale = power_of_ten(exponent);
    size_t used = put_digits(text, amount.minor / scale, 1);
    if (exponent != 0) {
        text[used++] = '.';
        used += put_digits(text + used, amount.minor % scale, exponent);
    }
    text[used++] = ' ';
    if (known != NULL) {
        memcpy(text + used, known->letters, 4);
        return;
    }
    text[used++] = '(';
    used += put_digits(text + used, amount.currency, 1);
    text[used++] = ')';
    text[used] = '\0';
}

/* Appends one decimal digit to *value; false if it would not fit. */
static bool append_digit(uint32_t *value, char digit)
{
    uint64_t next = (uint64_t)*value * 10 + (uint64_t)(digit - '0');
    *value = (uint32_t)next;
    return next <= UINT32_MAX;
}

enum money_parse money_parse(const char *text, uint16_t currency, struct money *amount)
{
    uint32_t minor = 0;
    unsigned places = 0, digits = 0;
    bool after_point = false, fits = true;
    if (text[0] == '-')
        return MONEY_PARSE_NEGATIVE;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '.' && !after_point && digits > 0) {
            after_point = true;
            continue;
        }
        if (*c < '0' || *c > '9')
            return MONEY_PARSE_SYNTAX;
        if (after_point && ++places > currency_exponent(currency))
            return MONEY_PARSE_PRECISION;
        digits++;
        fits = fits && append_digit(&minor, *c);
    }
    if (digits == 0 || (after_point && places == 0))
        return MONEY_PARSE_SYNTAX;
    for (; places < currency_exponent(currency); places++)
        fits = fits && append_digit(&minor, '0');
    if (!fits)
        return MONEY_PARSE_RANGE;
    *amount = money_of(minor, currency);
    return MONEY_PARSE_OK;
}
