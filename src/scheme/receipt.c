/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/receipt.h"

bool receipt_is_kind(uint8_t kind)
{
    return kind >= DOCUMENT_PAYMENT_RECEIPT && kind <= DOCUMENT_BLOCK_RECEIPT;
}

void receipt_encode(const struct receipt *receipt, uint8_t out[RECEIPT_BYTES - SIGNATURE_BYTES])
{
    struct writer w = writer_of(out, RECEIPT_BYTES - SIGNATURE_BYTES);
    document_header(&w, receipt->kind, receipt->scheme);
    writer_bytes(&w, receipt->card, CARD_NUMBER_BYTES);
    writer_u32(&w, receipt->card_counter);
    writer_bytes(&w, receipt->terminal, TERMINAL_NUMBER_BYTES);
    writer_u32(&w, receipt->terminal_counter);
    writer_bytes(&w, receipt->terminal_certificate, HOST_ID_BYTES);
    writer_u32(&w, receipt->merchant);
    writer_u32(&w, receipt->amount.minor);
    writer_u16(&w, receipt->amount.currency);
    writer_u32(&w, receipt->balance_after);
    writer_u32(&w, receipt->points_change);
    writer_u32(&w, receipt->points_after);
    writer_u32(&w, receipt->time);
    writer_bytes(&w, receipt->reference, REFERENCE_BYTES);
    writer_u32(&w, receipt->order_number);
    writer_u32(&w, receipt->order_counter);
    writer_u8(&w, receipt->flags);
    writer_bytes(&w, receipt->random, RANDOM_BYTES);
}

static void read_body(struct reader *r, struct receipt *receipt)
{
    reader_bytes(r, receipt->card, CARD_NUMBER_BYTES);
    receipt->card_counter = reader_u32(r);
    reader_bytes(r, receipt->terminal, TERMINAL_NUMBER_BYTES);
    receipt->terminal_counter = reader_u32(r);
    reader_bytes(r, receipt->terminal_certificate, HOST_ID_BYTES);
    receipt->merchant = reader_u32(r);
    receipt->amount.minor = reader_u32(r);
    receipt->amount.currency = reader_u16(r);
    receipt->balance_after = reader_u32(r);
    receipt->points_change = reader_u32(r);
    receipt->points_after = reader_u32(r);
    receipt->time = reader_u32(r);
    reader_bytes(r, receipt->reference, REFERENCE_BYTES);
    receipt->order_number = reader_u32(r);
    receipt->order_counter = reader_u32(r);
    receipt->flags = reader_u8(r);
    reader_bytes(r, receipt->random, RANDOM_BYTES);
}

static bool receipt_is_sound(const struct receipt *receipt)
{
    if ((receipt->flags & ~RECEIPT_FLAGS_KNOWN) != 0 || receipt->amount.currency == 0)
        return false;
    if (receipt->kind == DOCUMENT_PAYMENT_RECEIPT)
        return receipt->amount.minor != 0 && receipt->order_number == 0 &&
               receipt->order_counter == 0;
    if (receipt->kind == DOCUMENT_BLOCK_RECEIPT)
        return receipt->amount.minor == 0 && receipt->order_counter == 0;
    return receipt_is_kind((uint8_t)receipt->kind);
}

enum document_status receipt_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                    struct receipt *receipt)
{
    *receipt = (struct receipt){0};
    struct reader r = reader_of(bytes, length);
    struct reader first = r;
    uint8_t kind = reader_u8(&first);
    if (length != RECEIPT_BYTES)
        return DOCUMENT_MALFORMED;
    if (!receipt_is_kind(kind))
        return DOCUMENT_OTHER_KIND;
    receipt->kind = (enum document_kind)kind;
    receipt->scheme = scheme;
    enum document_status status = document_open(&r, receipt->kind, scheme);
    if (status != DOCUMENT_OK)
        return status;
    read_body(&r, receipt);
    (void)reader_take(&r, SIGNATURE_BYTES);
    return reader_done(&r) && receipt_is_sound(receipt) ? DOCUMENT_OK : DOCUMENT_MALFORMED;
}

/* Copies the next bytes of r into w. */
static void copy(struct reader *r, struct writer *w, size_t bytes)
{
    const uint8_t *at = reader_take(r, bytes);
    if (at != NULL)
        writer_bytes(w, at, bytes);
}

void receipt_to_pay_answer(const uint8_t document[RECEIPT_BYTES], uint8_t answer[PAY_ANSWER_BYTES])
{
    struct reader r = reader_of(document, RECEIPT_BYTES);
    struct writer w = writer_of(answer, PAY_ANSWER_BYTES);
    (void)reader_take(&r, DOCUMENT_HEADER_BYTES + CARD_NUMBER_BYTES);
    copy(&r, &w, 4); /* card counter */
    /* terminal and its counter, its certificate, merchant, amount, currency */
    (void)reader_take(&r, TERMINAL_NUMBER_BYTES + 4 + HOST_ID_BYTES + 4 + 4 + 2);
    copy(&r, &w, 4 + 4 + 4); /* balance after, points change, points after */
    /* time, reference, order's number and counter */
    (void)reader_take(&r, 4 + REFERENCE_BYTES + 4 + 4);
    struct reader flags = reader_sub(&r, 1);
    copy(&r, &w, RANDOM_BYTES);
    copy(&flags, &w, 1);
    copy(&r, &w, SIGNATURE_BYTES);
}

bool receipt_from_pay_answer(const uint8_t *answer, size_t bytes, struct receipt *receipt,
                             uint8_t document[RECEIPT_BYTES])
{
    struct reader r = reader_of(answer, bytes);
    receipt->card_counter = reader_u32(&r);
    receipt->balance_after = reader_u32(&r);
    receipt->points_change = reader_u32(&r);
    receipt->points_after = reader_u32(&r);
    reader_bytes(&r, receipt->random, RANDOM_BYTES);
    receipt->flags = reader_u8(&r);
    struct writer w = writer_of(document, RECEIPT_BYTES);
    uint8_t *unsigned_bytes = writer_reserve(&w, RECEIPT_BYTES - SIGNATURE_BYTES);
    receipt_encode(receipt, unsigned_bytes);
    copy(&r, &w, SIGNATURE_BYTES);
    return reader_done(&r) && receipt_is_sound(receipt);
}
