/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time is unsigned 32-bit seconds since 1970-01-01T00:00:00Z (it ends in 2106). Certificates carry
 * days as four BCD bytes YYYYMMDD (GlobalPlatform, tags 5F25 and 5F24); a day runs from 00:00:00 to
 * 23:59:59 UTC.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#define DAY_SECONDS 86400u
/* "2026-11-21T18:09:00Z" and its terminating 0. */
#define DATE_TEXT_BYTES 21

struct civil_date {
    uint16_t year; /* 1970 to 2106 */
    uint8_t month, day;
};

struct civil_date date_of_time(uint32_t seconds);
/* First second of a day; false for a day that does not exist or lies outside 32 bits. */
bool date_to_time(struct civil_date date, uint32_t *seconds) __attribute__((warn_unused_result));

void date_to_bcd(struct civil_date date, uint8_t bcd[4]);
/* False for anything but eight decimal digits that name an existing day. */
bool date_from_bcd(const uint8_t bcd[4], struct civil_date *date)
    __attribute__((warn_unused_result));

/* RFC 3339, UTC, seconds. */
void date_format(uint32_t seconds, char text[DATE_TEXT_BYTES]);

#endif
