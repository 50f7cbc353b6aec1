/* SPDX-License-Identifier: Apache-2.0 */
/* The file CRL: a date, numbers, a signature, in lines of text. */
#include "base/base64.h"
#include "base/date.h"
#include "scheme/campus.h"
#include "scheme/campus_number.h"

#define SIGNATURE_CHARS BASE64_CHARS(CAMPUS_RSA_BYTES)
#define DATE_CHARS 24u
#define NUMBER_LINE_MAX 12u /* LF, sign, ten digits */
#define OFFSET_SECONDS_MAX (18u * 3600u)

/* ---- the date ---- */

/* Exactly count digits, at most most. */
static uint32_t digits_read(struct reader *r, unsigned count, uint32_t most)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        uint8_t sign = reader_u8(r);
        if (sign < '0' || sign > '9')
            r->failed = true;
        value = value * 10 + (sign - (uint32_t)'0');
    }
    if (value > most)
        r->failed = true;
    return r->failed ? 0 : value;
}

static bool is_next(const struct reader *r, char sign)
{
    return !r->failed && r->left > 0 && *r->at == (uint8_t)sign;
}

/* Three, six or nine digits, as Java prints them; what is finer than a millisecond is cut off. */
static uint32_t fraction_read(struct reader *r)
{
    campus_sign_read(r, '.');
    uint32_t ms = digits_read(r, 3, 999);
    for (int i = 0; i < 2 && r->left > 0 && *r->at >= '0' && *r->at <= '9'; i++)
        (void)digits_read(r, 3, 999);
    return ms;
}

/* Seconds that local time is ahead. */
static int64_t offset_read(struct reader *r)
{
    if (is_next(r, 'Z')) {
        (void)reader_u8(r);
        return 0;
    }
    const bool is_behind = is_next(r, '-');
    campus_sign_read(r, is_behind ? '-' : '+');
    uint32_t seconds = digits_read(r, 2, 18) * 3600;
    campus_sign_read(r, ':');
    seconds += digits_read(r, 2, 59) * 60;
    if (is_next(r, ':')) {
        (void)reader_u8(r);
        seconds += digits_read(r, 2, 59);
    }
    if (seconds > OFFSET_SECONDS_MAX || seconds == 0) /* Java prints no offset as Z */
        r->failed = true;
    return is_behind ? -(int64_t)seconds : (int64_t)seconds;
}

static uint32_t day_read(struct reader *r)
{
    struct civil_date date;
    uint32_t start = 0;
    date.year = (uint16_t)digits_read(r, 4, 9999);
    campus_sign_read(r, '-');
    date.month = (uint8_t)digits_read(r, 2, 12);
    campus_sign_read(r, '-');
    date.day = (uint8_t)digits_read(r, 2, 31);
    if (!date_to_time(date, &start))
        r->failed = true;
    return start;
}

static uint64_t date_read(struct reader *r)
{
    uint32_t ms = 0;
    int64_t seconds = day_read(r);
    campus_sign_read(r, 'T');
    seconds += (int64_t)digits_read(r, 2, 23) * 3600;
    campus_sign_read(r, ':');
    seconds += (int64_t)digits_read(r, 2, 59) * 60;
    if (is_next(r, ':')) {
        (void)reader_u8(r);
        seconds += digits_read(r, 2, 59);
        if (is_next(r, '.'))
            ms = fraction_read(r);
    }
    seconds -= offset_read(r);
    if (seconds < 0 || seconds > (int64_t)UINT32_MAX)
        r->failed = true;
    return r->failed ? 0 : (uint64_t)seconds * 1000 + ms;
}

static void date_write(struct writer *w, uint64_t end_ms)
{
    char text[DATE_TEXT_BYTES];
    const uint32_t ms = (uint32_t)(end_ms % 1000);
    if (end_ms / 1000 > UINT32_MAX) {
        w->failed = true;
        return;
    }
    date_format((uint32_t)(end_ms / 1000), text);
    writer_bytes(w, (const uint8_t *)text, DATE_TEXT_BYTES - 2); /* without Z and 0 */
    writer_u8(w, '.');
    writer_u8(w, (uint8_t)('0' + ms / 100));
    writer_u8(w, (uint8_t)('0' + ms / 10 % 10));
    writer_u8(w, (uint8_t)('0' + ms % 10));
    writer_u8(w, 'Z');
}

/* ---- reading ---- */

static bool next_id(struct reader *r, uint32_t *id)
{
    campus_sign_read(r, '\n');
    return campus_number_read(r, id);
}

static bool ids_read(struct reader *r, struct campus_list *list)
{
    uint32_t id = 0;
    list->ids = r->at;
    list->ids_bytes = r->left;
    while (r->left > 0) {
        if (!next_id(r, &id) || list->count == CAMPUS_LIST_IDS_MAX)
            return false;
        list->count++;
    }
    return !r->failed;
}

bool campus_list_read(const uint8_t *file, size_t bytes, struct campus_list *list)
{
    struct writer signature = writer_of(list->signature, CAMPUS_RSA_BYTES);
    if (bytes < SIGNATURE_CHARS + 1 || bytes > campus_list_bytes_max(CAMPUS_LIST_IDS_MAX) + 64)
        return false;
    list->text = file;
    list->text_bytes = bytes - SIGNATURE_CHARS - 1;
    list->count = 0;
    if (file[list->text_bytes] != '\n' ||
        !base64_decode(file + list->text_bytes + 1, SIGNATURE_CHARS, &signature) ||
        signature.used != CAMPUS_RSA_BYTES)
        return false;
    struct reader r = reader_of(list->text, list->text_bytes);
    list->end_ms = date_read(&r);
    return !r.failed && ids_read(&r, list);
}

bool campus_list_has(const struct campus_list *list, uint32_t card)
{
    struct reader r = reader_of(list->ids, list->ids_bytes);
    uint32_t id = 0;
    while (r.left > 0) {
        if (!next_id(&r, &id))
            return true; /* read before without a fault: these are not the bytes any more */
        if (id == card)
            return true;
    }
    return false;
}

/* ---- writing ---- */

void campus_list_write(struct writer *w, uint64_t end_ms, const uint32_t *ids, uint32_t count)
{
    if (count > CAMPUS_LIST_IDS_MAX)
        w->failed = true;
    date_write(w, end_ms);
    for (uint32_t i = 0; i < count && !w->failed; i++) {
        writer_u8(w, '\n');
        campus_number_write(w, ids[i]);
    }
}

void campus_list_sign(struct writer *w, const uint8_t signature[CAMPUS_RSA_BYTES])
{
    writer_u8(w, '\n');
    base64_encode(w, signature, CAMPUS_RSA_BYTES);
}

size_t campus_list_bytes_max(uint32_t count)
{
    return DATE_CHARS + (size_t)count * NUMBER_LINE_MAX + 1 + SIGNATURE_CHARS;
}
