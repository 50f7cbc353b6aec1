/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money: an unsigned number of minor units (cents) and an ISO 4217 numeric currency. Never a float,
 * never a bare integer; sums that would overflow, go below zero or mix currencies are refused.
 */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct money {
    uint32_t minor;    /* minor units */
    uint16_t currency; /* ISO 4217 numeric code, 978 for EUR */
};

/* Longest text of money_format, its terminating 0 included. */
#define MONEY_TEXT_BYTES 24

struct money money_of(uint32_t minor, uint16_t currency);
/* *sum = a + b; false (and *sum untouched) on overflow or different currencies. */
bool money_add(struct money a, struct money b, struct money *sum)
    __attribute__((warn_unused_result));
/* *difference = a - b; false if it would be negative or the currencies differ. */
bool money_subtract(struct money a, struct money b, struct money *difference)
    __attribute__((warn_unused_result));
/* True if both have one currency and a is not more than b. */
bool money_at_most(struct money a, struct money b) __attribute__((warn_unused_result));

/* The three letters of a numeric code, or NULL if the table does not know it. */
const char *currency_letters(uint16_t currency);
/* The numeric code of three letters, or 0. */
uint16_t currency_code(const char *letters);
/* Decimal places of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD; 0 for a code not known. */
unsigned currency_exponent(uint16_t currency);

/* "2.50 EUR"; a currency not known prints its minor units and its number: "250 (999)". */
void money_format(struct money amount, char text[MONEY_TEXT_BYTES]);

enum money_parse {
    MONEY_PARSE_OK = 0,
    MONEY_PARSE_SYNTAX,    /* not a plain decimal number */
    MONEY_PARSE_NEGATIVE,  /* a minus sign */
    MONEY_PARSE_PRECISION, /* more decimal places than the currency has: 1.005 */
    MONEY_PARSE_RANGE,     /* more than 4,294,967,295 minor units */
};
/* Reads "2", "2.5" or "2.50" in the given currency. Zero is read; who takes the money refuses it.
 */
enum money_parse money_parse(const char *text, uint16_t currency, struct money *amount)
    __attribute__((warn_unused_result));

#endif
