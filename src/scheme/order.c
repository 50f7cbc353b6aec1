/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/order.h"

#include "scheme/working_key.h"

/* One row a kind: the bytes of its body and the working key's bit; 0: signed by the root. */
static const struct order_row {
    enum document_kind kind;
    uint8_t body_bytes;
    uint16_t working_kind;
} rows[] = {
    {DOCUMENT_LOAD_ORDER, 30, WORKING_LOAD},
    {DOCUMENT_REFUND_ORDER, 42, WORKING_REFUND},
    {DOCUMENT_POLICY_ORDER, 50, WORKING_POLICY},
    {DOCUMENT_ACKNOWLEDGEMENT, 32, WORKING_ACKNOWLEDGEMENT},
    {DOCUMENT_TIME_ORDER, 24, 0},
    {DOCUMENT_FLOOR_ORDER, 24, 0},
};

static const struct order_row *row_of(unsigned kind)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((unsigned)rows[i].kind == kind)
            return &rows[i];
    return NULL;
}

size_t order_bytes(uint8_t kind)
{
    const struct order_row *row = row_of(kind);
    return row == NULL ? 0 : DOCUMENT_HEADER_BYTES + row->body_bytes + SIGNATURE_BYTES;
}

uint16_t order_working_kind(enum document_kind kind)
{
    if (kind == DOCUMENT_ANSWER)
        return WORKING_ANSWER;
    if (kind == DOCUMENT_LIST)
        return WORKING_LIST;
    const struct order_row *row = row_of((unsigned)kind);
    return row == NULL ? 0 : row->working_kind;
}

static bool moves_money(enum document_kind kind)
{
    return kind == DOCUMENT_LOAD_ORDER || kind == DOCUMENT_REFUND_ORDER;
}

/* ---- encode ---- */

void policy_encode(const struct policy *policy, struct writer *w)
{
    writer_u16(w, policy->currency);
    writer_u32(w, policy->payment_limit);
    writer_u32(w, policy->balance_limit);
    writer_u32(w, policy->pin_above);
    writer_u32(w, policy->pin_count);
    writer_u32(w, policy->pin_total);
    writer_u32(w, policy->online_above);
    writer_u32(w, policy->points_per);
}

static void write_rest(const struct order *order, struct writer *w)
{
    if (moves_money(order->kind)) {
        writer_u32(w, order->counter);
        writer_u32(w, order->amount.minor);
        writer_u16(w, order->amount.currency);
    }
    if (order->kind == DOCUMENT_REFUND_ORDER) {
        writer_u32(w, order->original_counter);
        writer_u32(w, order->refunded_before);
        writer_u32(w, order->points_taken);
    } else if (order->kind == DOCUMENT_POLICY_ORDER) {
        policy_encode(&order->policy, w);
    } else if (order->kind == DOCUMENT_ACKNOWLEDGEMENT) {
        writer_u32(w, order->acknowledgement.up_to);
        writer_u64(w, order->acknowledgement.map);
    } else if (order->kind == DOCUMENT_TIME_ORDER) {
        writer_u32(w, order->new_time);
    } else if (order->kind == DOCUMENT_FLOOR_ORDER) {
        writer_u32(w, order->generation_floor);
    }
}

size_t order_encode(const struct order *order, uint8_t *out, size_t capacity)
{
    if (row_of((unsigned)order->kind) == NULL)
        return 0;
    struct writer w = writer_of(out, capacity);
    document_header(&w, order->kind, order->scheme);
    writer_bytes(&w, order->card, CARD_NUMBER_BYTES);
    writer_u32(&w, order->start);
    writer_u32(&w, order->end);
    writer_u32(&w, order->number);
    write_rest(order, &w);
    return w.failed ? 0 : w.used;
}

/* ---- decode ---- */

void policy_decode(struct reader *r, struct policy *policy)
{
    policy->currency = reader_u16(r);
    policy->payment_limit = reader_u32(r);
    policy->balance_limit = reader_u32(r);
    policy->pin_above = reader_u32(r);
    policy->pin_count = reader_u32(r);
    policy->pin_total = reader_u32(r);
    policy->online_above = reader_u32(r);
    policy->points_per = reader_u32(r);
}

static void read_rest(struct reader *r, struct order *order)
{
    if (moves_money(order->kind)) {
        order->counter = reader_u32(r);
        order->amount.minor = reader_u32(r);
        order->amount.currency = reader_u16(r);
    }
    if (order->kind == DOCUMENT_REFUND_ORDER) {
        order->original_counter = reader_u32(r);
        order->refunded_before = reader_u32(r);
        order->points_taken = reader_u32(r);
    } else if (order->kind == DOCUMENT_POLICY_ORDER) {
        policy_decode(r, &order->policy);
    } else if (order->kind == DOCUMENT_ACKNOWLEDGEMENT) {
        order->acknowledgement.up_to = reader_u32(r);
        order->acknowledgement.map = reader_u64(r);
    } else if (order->kind == DOCUMENT_TIME_ORDER) {
        order->new_time = reader_u32(r);
    } else if (order->kind == DOCUMENT_FLOOR_ORDER) {
        order->generation_floor = reader_u32(r);
    }
}

static bool order_is_sound(const struct order *order)
{
    if (order->start > order->end)
        return false;
    if (moves_money(order->kind) && order->amount.currency == 0)
        return false;
    if (order->kind == DOCUMENT_POLICY_ORDER && order->policy.currency == 0)
        return false;
    return order->kind == DOCUMENT_FLOOR_ORDER || !bytes_are_zero(order->card, CARD_NUMBER_BYTES);
}

enum document_status order_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                  struct order *order)
{
    *order = (struct order){0};
    struct reader r = reader_of(bytes, length);
    struct reader first = r;
    uint8_t kind = reader_u8(&first);
    if (length < DOCUMENT_HEADER_BYTES)
        return DOCUMENT_MALFORMED;
    if (row_of(kind) == NULL)
        return DOCUMENT_OTHER_KIND;
    order->kind = (enum document_kind)kind;
    order->scheme = scheme;
    enum document_status status = document_open(&r, order->kind, scheme);
    if (status != DOCUMENT_OK)
        return status;
    reader_bytes(&r, order->card, CARD_NUMBER_BYTES);
    order->start = reader_u32(&r);
    order->end = reader_u32(&r);
    order->number = reader_u32(&r);
    read_rest(&r, order);
    (void)reader_take(&r, SIGNATURE_BYTES);
    return reader_done(&r) && order_is_sound(order) ? DOCUMENT_OK : DOCUMENT_MALFORMED;
}

/* ---- check ---- */

enum document_status order_check(const struct primitives *p, const uint8_t *message, size_t length,
                                 uint32_t scheme, const struct certificate_authority *root,
                                 struct order *order, struct certificate *working)
{
    struct reader first = reader_of(message, length);
    uint8_t kind = reader_u8(&first);
    size_t document_bytes = order_bytes(kind);
    if (length == 0 || (document_bytes != 0 && length < document_bytes))
        return DOCUMENT_MALFORMED;
    if (document_bytes == 0 || order_working_kind((enum document_kind)kind) == 0)
        return DOCUMENT_OTHER_KIND;
    enum document_status status = order_decode(message, document_bytes, scheme, order);
    if (status != DOCUMENT_OK)
        return status;
    const struct working_claim claim = {.document_bytes = document_bytes,
                                        .scheme = scheme,
                                        .start = order->start,
                                        .kind = order_working_kind(order->kind),
                                        .moves_money = moves_money(order->kind),
                                        .amount = order->amount};
    return working_key_check(p, message, length, &claim, root, working);
}

enum document_status root_order_check(const struct primitives *p, const uint8_t *document,
                                      size_t length, uint32_t scheme,
                                      const uint8_t root_key[PUBLIC_KEY_BYTES], struct order *order)
{
    enum document_status status = order_decode(document, length, scheme, order);
    if (status != DOCUMENT_OK)
        return status;
    if (order_working_kind(order->kind) != 0)
        return DOCUMENT_OTHER_KIND;
    return document_verify(p, document, length, root_key);
}
