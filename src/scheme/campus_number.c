/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/campus_number.h"

#define DIGITS_MAX 10u
#define MAGNITUDE_MAX 0x80000000u /* of a negative one */

void campus_number_write(struct writer *w, uint32_t value)
{
    uint8_t digits[DIGITS_MAX];
    size_t count = 0;
    uint32_t rest = value;
    if (value >= MAGNITUDE_MAX) {
        writer_u8(w, '-');
        rest = 0u - value;
    }
    do
        digits[count++] = (uint8_t)('0' + rest % 10);
    while ((rest /= 10) != 0);
    while (count > 0)
        writer_u8(w, digits[--count]);
}

static bool is_digit(const struct reader *r)
{
    return r->left > 0 && *r->at >= '0' && *r->at <= '9';
}

/* One form a number: no "-0", no "+1", no "01". */
bool campus_number_read(struct reader *r, uint32_t *value)
{
    const bool is_negative = r->left > 0 && *r->at == '-';
    uint64_t magnitude = 0;
    size_t digits = 0;
    if (is_negative)
        (void)reader_u8(r);
    const bool is_zero = r->left > 0 && *r->at == '0';
    for (; is_digit(r) && digits <= DIGITS_MAX; digits++)
        magnitude = magnitude * 10 + (reader_u8(r) - (unsigned)'0');
    if (digits == 0 || digits > DIGITS_MAX || (is_zero && (digits > 1 || is_negative)) ||
        magnitude > MAGNITUDE_MAX - (is_negative ? 0u : 1u))
        r->failed = true;
    *value = is_negative ? (uint32_t)(0u - magnitude) : (uint32_t)magnitude;
    return !r->failed;
}

void campus_sign_read(struct reader *r, char sign)
{
    if (reader_u8(r) != (uint8_t)sign)
        r->failed = true;
}
