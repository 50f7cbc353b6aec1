/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a certificate, both ways, and what holds for its fields without any key. */
#include "scheme/certificate.h"

#include <string.h>

#include "base/date.h"
#include "base/tlv.h"

/* GlobalPlatform Card Specification, table of certificate TLVs (Amendment F, 6.1). */
enum certificate_tag {
    TAG_CERTIFICATE = 0x7F21,
    TAG_SERIAL = 0x93,
    TAG_AUTHORITY = 0x42,
    TAG_SUBJECT = 0x5F20,
    TAG_USAGE = 0x95,
    TAG_START = 0x5F25,
    TAG_END = 0x5F24,
    TAG_DISCRETIONARY = 0x53,
    TAG_KEY = 0x7F49,
    TAG_POINT = 0xB0,
    TAG_CURVE = 0xF0,
    TAG_SIGNATURE = 0x5F37,
};

#define POINT_UNCOMPRESSED 0x04u /* SEC 1, 2.3.3 */
#define CURVE_P256 0x00u
#define POINT_BYTES (1u + PUBLIC_KEY_BYTES)
#define KEY_BYTES 70u /* B0 41 04 X Y | F0 01 00 */
#define ID_BYTES 4u
#define DAYS_UNLIMITED UINT32_MAX

/* Usage: signature verification 82, key agreement 0080. */
static const uint8_t usage_verify[] = {0x82};
static const uint8_t usage_agree[] = {0x00, 0x80};

struct type_rule {
    bool signs; /* its key verifies signatures: its subject is an id, not a number */
    uint32_t days_most;
    size_t discretionary_bytes;
};

static const struct type_rule rules[] = {
    [CERTIFICATE_CARD_AUTHORITY] = {true, CERTIFICATE_DAYS_AUTHORITY, 6},
    [CERTIFICATE_TERMINAL_AUTHORITY] = {true, CERTIFICATE_DAYS_AUTHORITY, 6},
    [CERTIFICATE_CARD] = {false, DAYS_UNLIMITED, 70},
    [CERTIFICATE_TERMINAL] = {false, CERTIFICATE_DAYS_TERMINAL, 22},
    [CERTIFICATE_WORKING_KEY] = {true, CERTIFICATE_DAYS_WORKING, 17},
};

static const struct type_rule *rule_of(enum certificate_type type)
{
    unsigned index = (unsigned)type;
    return index == 0 || index >= sizeof rules / sizeof rules[0] ? NULL : &rules[index];
}

/* ---- what must hold for the fields ---- */

/* Who moves no money may leave the currency out, but then the amount as well. */
static bool money_is_sound(struct money amount, bool moves_money)
{
    return amount.currency != 0 || (amount.minor == 0 && !moves_money);
}

static bool terminal_is_sound(const struct certificate *c)
{
    const uint16_t moving = CLASS_PAY | CLASS_LOAD | CLASS_REFUND | CLASS_UNLOAD;
    return c->role >= ROLE_POINT_OF_SALE && c->role <= ROLE_LAST &&
           (c->classes & ~role_classes(c->role)) == 0 &&
           money_is_sound(c->limit, (c->classes & moving) != 0);
}

static bool working_key_is_sound(const struct certificate *c)
{
    return c->kinds != 0 && (c->kinds & ~WORKING_KNOWN) == 0 &&
           money_is_sound(c->limit, (c->kinds & (WORKING_LOAD | WORKING_REFUND)) != 0);
}

static bool type_is_sound(const struct certificate *c)
{
    switch (c->type) {
    case CERTIFICATE_CARD_AUTHORITY:
        return (c->authority_flags & ~AUTHORITY_FLAG_TEST_SCHEME) == 0;
    case CERTIFICATE_TERMINAL_AUTHORITY:
        return c->authority_flags == 0;
    case CERTIFICATE_CARD:
        return c->card_class == CARD_HARDWARE || c->card_class == CARD_VIRTUAL;
    case CERTIFICATE_TERMINAL:
        return terminal_is_sound(c);
    case CERTIFICATE_WORKING_KEY:
        return working_key_is_sound(c);
    default:
        return false;
    }
}

/* start and end stand on the first and the last second of their days. */
static bool certificate_is_sound(const struct certificate *c)
{
    const struct type_rule *rule = rule_of(c->type);
    if (rule == NULL || c->start > c->end)
        return false;
    uint32_t days = (c->end - c->start) / DAY_SECONDS + 1;
    return days <= rule->days_most && type_is_sound(c);
}

/* ---- encode ---- */

static void write_u32(struct writer *w, uint16_t tag, uint32_t value)
{
    tlv_header(w, tag, ID_BYTES);
    writer_u32(w, value);
}

static void write_day(struct writer *w, uint16_t tag, uint32_t seconds)
{
    uint8_t bcd[4];
    date_to_bcd(date_of_time(seconds), bcd);
    tlv_bytes(w, tag, bcd, sizeof bcd);
}

static void write_money(struct writer *w, struct money amount)
{
    writer_u32(w, amount.minor);
    writer_u16(w, amount.currency);
}

static void write_terminal(const struct certificate *c, struct writer *w)
{
    writer_u8(w, (uint8_t)c->role);
    writer_u16(w, c->classes);
    writer_u32(w, c->merchant);
    write_money(w, c->limit);
    writer_u32(w, c->generation);
}

static void write_working_key(const struct certificate *c, struct writer *w)
{
    writer_u16(w, c->kinds);
    write_money(w, c->limit);
    writer_u32(w, c->generation);
}

static void write_discretionary(const struct certificate *c, struct writer *w)
{
    writer_u8(w, (uint8_t)c->type);
    writer_u32(w, c->scheme);
    switch (c->type) {
    case CERTIFICATE_CARD_AUTHORITY:
    case CERTIFICATE_TERMINAL_AUTHORITY:
        writer_u8(w, c->authority_flags);
        break;
    case CERTIFICATE_CARD:
        writer_u8(w, (uint8_t)c->card_class);
        writer_bytes(w, c->receipt_key, PUBLIC_KEY_BYTES);
        break;
    case CERTIFICATE_TERMINAL:
        write_terminal(c, w);
        break;
    case CERTIFICATE_WORKING_KEY:
        write_working_key(c, w);
        break;
    default:
        w->failed = true;
    }
}

static void write_key(const uint8_t key[PUBLIC_KEY_BYTES], struct writer *w)
{
    tlv_header(w, TAG_KEY, KEY_BYTES);
    tlv_header(w, TAG_POINT, POINT_BYTES);
    writer_u8(w, POINT_UNCOMPRESSED);
    writer_bytes(w, key, PUBLIC_KEY_BYTES);
    tlv_header(w, TAG_CURVE, 1);
    writer_u8(w, CURVE_P256);
}

static void write_body(const struct certificate *c, const struct type_rule *rule, struct writer *w)
{
    write_u32(w, TAG_SERIAL, c->serial);
    write_u32(w, TAG_AUTHORITY, c->authority);
    if (rule->signs) {
        write_u32(w, TAG_SUBJECT, c->id);
        tlv_bytes(w, TAG_USAGE, usage_verify, sizeof usage_verify);
    } else {
        tlv_bytes(w, TAG_SUBJECT, c->subject, SUBJECT_BYTES_MAX);
        tlv_bytes(w, TAG_USAGE, usage_agree, sizeof usage_agree);
    }
    write_day(w, TAG_START, c->start);
    write_day(w, TAG_END, c->end);
    tlv_header(w, TAG_DISCRETIONARY, rule->discretionary_bytes);
    write_discretionary(c, w);
    write_key(c->key, w);
}

size_t certificate_body(const struct certificate *c, uint8_t *out, size_t capacity)
{
    if (c->end / DAY_SECONDS >= UINT32_MAX / DAY_SECONDS) /* that day has no last second */
        return 0;
    struct certificate whole_days = *c;
    whole_days.start = c->start / DAY_SECONDS * DAY_SECONDS;
    whole_days.end = c->end / DAY_SECONDS * DAY_SECONDS + (DAY_SECONDS - 1);
    if (!certificate_is_sound(&whole_days))
        return 0;
    struct writer w = writer_of(out, capacity);
    write_body(&whole_days, rule_of(c->type), &w);
    return w.failed ? 0 : w.used;
}

size_t certificate_seal(const uint8_t *body, size_t body_bytes,
                        const uint8_t signature[SIGNATURE_BYTES], uint8_t *out, size_t capacity)
{
    struct writer w = writer_of(out, capacity);
    tlv_header(&w, TAG_CERTIFICATE,
               body_bytes + tlv_header_bytes(TAG_SIGNATURE, SIGNATURE_BYTES) + SIGNATURE_BYTES);
    writer_bytes(&w, body, body_bytes);
    tlv_bytes(&w, TAG_SIGNATURE, signature, SIGNATURE_BYTES);
    return w.failed ? 0 : w.used;
}

/* ---- decode ---- */

/* A value that was not read to its end fails what it stands in. */
static void close_value(struct reader *r, const struct reader *value)
{
    if (!reader_done(value))
        r->failed = true;
}

static uint32_t read_u32(struct reader *r, uint16_t tag)
{
    struct reader value = tlv_expect(r, tag);
    uint32_t number = reader_u32(&value);
    close_value(r, &value);
    return number;
}

/* First second of a day. */
static uint32_t read_day(struct reader *r, uint16_t tag)
{
    struct reader value = tlv_expect(r, tag);
    uint8_t bcd[4];
    reader_bytes(&value, bcd, sizeof bcd);
    close_value(r, &value);
    struct civil_date date;
    uint32_t seconds = 0;
    if (!date_from_bcd(bcd, &date) || !date_to_time(date, &seconds))
        r->failed = true;
    return seconds;
}

static bool value_is(const struct reader *value, const uint8_t *wanted, size_t bytes)
{
    return !value->failed && value->left == bytes && bytes_equal(value->at, wanted, bytes);
}

static struct money read_money(struct reader *r)
{
    uint32_t minor = reader_u32(r);
    return money_of(minor, reader_u16(r));
}

static void read_terminal(struct reader *r, struct certificate *c)
{
    c->role = (enum terminal_role)reader_u8(r);
    c->classes = reader_u16(r);
    c->merchant = reader_u32(r);
    c->limit = read_money(r);
    c->generation = reader_u32(r);
}

static void read_working_key(struct reader *r, struct certificate *c)
{
    c->kinds = reader_u16(r);
    c->limit = read_money(r);
    c->generation = reader_u32(r);
}

static void read_discretionary(struct reader *r, struct certificate *c)
{
    struct reader value = tlv_expect(r, TAG_DISCRETIONARY);
    c->type = (enum certificate_type)reader_u8(&value);
    c->scheme = reader_u32(&value);
    switch (c->type) {
    case CERTIFICATE_CARD_AUTHORITY:
    case CERTIFICATE_TERMINAL_AUTHORITY:
        c->authority_flags = reader_u8(&value);
        break;
    case CERTIFICATE_CARD:
        c->card_class = (enum card_class)reader_u8(&value);
        reader_bytes(&value, c->receipt_key, PUBLIC_KEY_BYTES);
        break;
    case CERTIFICATE_TERMINAL:
        read_terminal(&value, c);
        break;
    case CERTIFICATE_WORKING_KEY:
        read_working_key(&value, c);
        break;
    default:
        r->failed = true;
    }
    close_value(r, &value);
}

static void read_key(struct reader *r, uint8_t key[PUBLIC_KEY_BYTES])
{
    struct reader value = tlv_expect(r, TAG_KEY);
    struct reader point = tlv_expect(&value, TAG_POINT);
    if (reader_u8(&point) != POINT_UNCOMPRESSED)
        r->failed = true;
    reader_bytes(&point, key, PUBLIC_KEY_BYTES);
    close_value(r, &point);
    struct reader curve = tlv_expect(&value, TAG_CURVE);
    if (reader_u8(&curve) != CURVE_P256)
        r->failed = true;
    close_value(r, &curve);
    close_value(r, &value);
}

/* Subject and usage wait for the type, which stands behind them. */
static void settle_subject(struct reader *r, struct reader *subject, const struct reader *usage,
                           struct certificate *c)
{
    const struct type_rule *rule = rule_of(c->type);
    if (r->failed || rule == NULL) {
        r->failed = true;
        return;
    }
    bool usage_fits = rule->signs ? value_is(usage, usage_verify, sizeof usage_verify)
                                  : value_is(usage, usage_agree, sizeof usage_agree);
    if (!usage_fits)
        r->failed = true;
    if (rule->signs)
        c->id = reader_u32(subject);
    else
        reader_bytes(subject, c->subject, SUBJECT_BYTES_MAX);
    close_value(r, subject);
}

enum document_status certificate_decode(const uint8_t *bytes, size_t length, struct certificate *c)
{
    memset(c, 0, sizeof *c);
    struct reader whole = reader_of(bytes, length);
    struct reader r = tlv_expect(&whole, TAG_CERTIFICATE);
    c->serial = read_u32(&r, TAG_SERIAL);
    c->authority = read_u32(&r, TAG_AUTHORITY);
    struct reader subject = tlv_expect(&r, TAG_SUBJECT);
    struct reader usage = tlv_expect(&r, TAG_USAGE);
    c->start = read_day(&r, TAG_START);
    c->end = read_day(&r, TAG_END) + (DAY_SECONDS - 1);
    read_discretionary(&r, c);
    read_key(&r, c->key);
    struct reader signature = tlv_expect(&r, TAG_SIGNATURE);
    if (signature.left != SIGNATURE_BYTES)
        r.failed = true;
    settle_subject(&r, &subject, &usage, c);
    bool sound = reader_done(&r) && reader_done(&whole) && certificate_is_sound(c);
    return sound ? DOCUMENT_OK : DOCUMENT_MALFORMED;
}

size_t certificate_length(const uint8_t *bytes, size_t length)
{
    struct reader r = reader_of(bytes, length);
    (void)tlv_expect(&r, TAG_CERTIFICATE);
    return r.failed ? 0 : length - r.left;
}
