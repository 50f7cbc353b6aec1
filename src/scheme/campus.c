/* SPDX-License-Identifier: Apache-2.0 */
/* What the parties of the campus purse sign, and the lines of a card's own log. */
#include "scheme/campus.h"

void campus_certificate_text(const struct campus_certificate *certificate,
                             uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES])
{
    struct writer w = writer_of(text, CAMPUS_CERTIFICATE_TEXT_BYTES);
    writer_u32(&w, certificate->id);
    writer_u32(&w, certificate->end);
    writer_bytes(&w, certificate->modulus, CAMPUS_RSA_BYTES);
    writer_u8(&w, (uint8_t)certificate->usage);
}

void campus_text(uint32_t first, uint32_t second, uint32_t third, uint8_t text[CAMPUS_TEXT_BYTES])
{
    struct writer w = writer_of(text, CAMPUS_TEXT_BYTES);
    writer_u32(&w, first);
    writer_u32(&w, second);
    writer_u32(&w, third);
}

void campus_block_text(uint32_t card, uint32_t counter, uint8_t text[CAMPUS_BLOCK_TEXT_BYTES])
{
    struct writer w = writer_of(text, CAMPUS_BLOCK_TEXT_BYTES);
    writer_u32(&w, card);
    writer_u32(&w, counter);
}

void campus_receipt_text(const struct campus_receipt *receipt,
                         uint8_t text[CAMPUS_RECEIPT_TEXT_BYTES])
{
    struct writer w = writer_of(text, CAMPUS_RECEIPT_TEXT_BYTES);
    writer_u32(&w, receipt->terminal);
    writer_u32(&w, receipt->counter);
    writer_u32(&w, receipt->amount);
    writer_u32(&w, receipt->card);
    writer_u32(&w, receipt->time);
}

/* ---- a card's log ---- */

void campus_entry_encode(const struct campus_entry *entry, uint8_t out[CAMPUS_ENTRY_BYTES])
{
    struct writer w = writer_of(out, CAMPUS_ENTRY_BYTES);
    writer_u8(&w, entry->kind);
    writer_u8(&w, entry->is_done ? 1 : 0);
    writer_u32(&w, entry->terminal);
    writer_u32(&w, entry->counter);
    writer_u32(&w, entry->amount);
    writer_u32(&w, entry->time);
    writer_u32(&w, entry->balance);
}

/* A payment that is not done is none: the card debits before it answers. */
bool campus_entry_decode(const uint8_t bytes[CAMPUS_ENTRY_BYTES], struct campus_entry *entry)
{
    struct reader r = reader_of(bytes, CAMPUS_ENTRY_BYTES);
    entry->kind = reader_u8(&r);
    uint8_t done = reader_u8(&r);
    entry->is_done = done == 1;
    entry->terminal = reader_u32(&r);
    entry->counter = reader_u32(&r);
    entry->amount = reader_u32(&r);
    entry->time = reader_u32(&r);
    entry->balance = reader_u32(&r);
    bool is_kind = (entry->kind == CAMPUS_USAGE_POS && done == 1) ||
                   (entry->kind == CAMPUS_USAGE_RELOAD && done <= 1);
    return reader_done(&r) && is_kind && entry->counter <= CAMPUS_COUNTER_MAX &&
           entry->amount <= CAMPUS_AMOUNT_MAX;
}
