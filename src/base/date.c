/* SPDX-License-Identifier: Apache-2.0 */
#include "base/date.h"

#define YEAR_FIRST 1970u
#define YEAR_LAST 2106u
#define DAYS_LAST (UINT32_MAX / DAY_SECONDS)

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t month_days(uint32_t year, uint32_t month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* Days from 1970-01-01 to January 1st of year. */
static uint32_t days_before_year(uint32_t year)
{
    uint32_t past = year - 1;
    uint32_t leap_days =
        (past / 4 - past / 100 + past / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
    return (year - YEAR_FIRST) * 365 + leap_days;
}

struct civil_date date_of_time(uint32_t seconds)
{
    uint32_t days = seconds / DAY_SECONDS;
    uint32_t year = YEAR_FIRST + days / 366; /* never too late, at most one too early */
    while (days_before_year(year + 1) <= days)
        year++;
    days -= days_before_year(year);
    uint32_t month = 1;
    for (; days >= month_days(year, month); month++)
        days -= month_days(year, month);
    return (struct civil_date){(uint16_t)year, (uint8_t)month, (uint8_t)(days + 1)};
}

bool date_to_time(struct civil_date date, uint32_t *seconds)
{
    if (date.year < YEAR_FIRST || date.year > YEAR_LAST || date.month < 1 || date.month > 12 ||
        date.day < 1 || date.day > month_days(date.year, date.month))
        return false;
    uint32_t days = days_before_year(date.year);
    for (uint32_t month = 1; month < date.month; month++)
        days += month_days(date.year, month);
    days += date.day - 1u;
    if (days >= DAYS_LAST) /* the last, cut day is left out */
        return false;
    *seconds = days * DAY_SECONDS;
    return true;
}

static uint8_t to_bcd(uint32_t value)
{
    return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static bool from_bcd(uint8_t bcd, uint32_t *value)
{
    *value = (uint32_t)(bcd >> 4) * 10 + (bcd & 0x0Fu);
    return bcd >> 4 < 10 && (bcd & 0x0F) < 10;
}

void date_to_bcd(struct civil_date date, uint8_t bcd[4])
{
    bcd[0] = to_bcd(date.year / 100u);
    bcd[1] = to_bcd(date.year % 100u);
    bcd[2] = to_bcd(date.month);
    bcd[3] = to_bcd(date.day);
}

bool date_from_bcd(const uint8_t bcd[4], struct civil_date *date)
{
    uint32_t century = 0, year = 0, month = 0, day = 0, seconds = 0;
    if (!from_bcd(bcd[0], &century) || !from_bcd(bcd[1], &year) || !from_bcd(bcd[2], &month) ||
        !from_bcd(bcd[3], &day))
        return false;
    *date = (struct civil_date){(uint16_t)(century * 100 + year), (uint8_t)month, (uint8_t)day};
    return date_to_time(*date, &seconds);
}

static char *put_two(char *at, uint32_t value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
    return at + 2;
}

void date_format(uint32_t seconds, char text[DATE_TEXT_BYTES])
{
    struct civil_date date = date_of_time(seconds);
    uint32_t second = seconds % DAY_SECONDS;
    char *at = put_two(text, date.year / 100u);
    at = put_two(at, date.year % 100u);
    *at++ = '-';
    at = put_two(at, date.month);
    *at++ = '-';
    at = put_two(at, date.day);
    *at++ = 'T';
    at = put_two(at, second / 3600);
    *at++ = ':';
    at = put_two(at, second / 60 % 60);
    *at++ = ':';
    at = put_two(at, second % 60);
    *at++ = 'Z';
    *at = '\0';
}
