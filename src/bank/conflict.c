/* SPDX-License-Identifier: Apache-2.0 */
/* When things disagree: two receipts of one card counter, and sales that were given up. */
#include <string.h>

#include "bank/list.h"
#include "bank/settle.h"

/* What a merchant gets for a clone's receipt: once a terminal certificate, up to its offline limit,
 * if it could not know yet. */
static enum stiver_bank_status share_of(struct stiver_bank *bank, const struct batch *batch,
                                        const struct card_record *card,
                                        const struct receipt *receipt, uint32_t *share)
{
    struct terminal_certificate_record certificate;
    uint8_t given_up[CARD_NUMBER_BYTES];
    bool was_paid = false;
    *share = 0;
    if (receipt->kind != DOCUMENT_PAYMENT_RECEIPT ||
        receipt->amount.currency != bank->settings.currency ||
        !bytes_equal(batch->uploader->terminal, receipt->terminal, TERMINAL_NUMBER_BYTES))
        return STIVER_BANK_OK;
    enum store_status stored = settle_certificate(bank, receipt, &certificate);
    if (stored == STORE_OK)
        stored = STORE(bank, conflict_paid, certificate.fingerprint, &was_paid);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
    stored = STORE(bank, abandoned_find, receipt->terminal, receipt->terminal_counter, given_up);
    if (stored != STORE_NONE)
        return bank_status_of_store(stored);
    if (was_paid || (card->listed != 0 && certificate.start >= card->listed))
        return STIVER_BANK_OK;
    *share = receipt->amount.minor < certificate.limit ? receipt->amount.minor : certificate.limit;
    return STIVER_BANK_OK;
}

/* The same one again. If another hand brought it first, its own terminal may still have a share in
 * it; whoever it was, nobody gets one twice. */
static enum stiver_bank_status conflict_again(struct stiver_bank *bank, const struct batch *batch,
                                              const struct card_record *card,
                                              struct conflict_record *record, struct entry *entry)
{
    const struct receipt *receipt = &entry->receipt;
    entry->result = UPLOAD_ALREADY;
    if (record->paid != 0)
        return STIVER_BANK_OK;
    enum stiver_bank_status status = share_of(bank, batch, card, receipt, &record->paid);
    if (status != STIVER_BANK_OK || record->paid == 0)
        return status;
    int64_t document;
    status = bank_keep(bank, RECORD_KEPT, batch->uploader->terminal, record->hash,
                       sizeof record->hash, &document);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(STORE(bank, conflict_update, record));
    if (status == STIVER_BANK_OK)
        status = bank_post(bank, document, account_of(ACCOUNT_LOSS),
                           account_merchant(receipt->merchant), receipt->card, record->paid);
    entry->result = UPLOAD_BOOKED;
    return status;
}

enum stiver_bank_status conflict_settle(struct stiver_bank *bank, struct batch *batch,
                                        struct card_record *card, struct entry *entry)
{
    const struct receipt *receipt = &entry->receipt;
    struct conflict_record record = {.counter = receipt->card_counter};
    enum store_status stored = STORE(bank, conflict_find, entry->content, &record);
    if (stored == STORE_OK)
        return conflict_again(bank, batch, card, &record, entry);
    if (stored != STORE_NONE)
        return bank_status_of_store(stored);
    memcpy(record.hash, entry->content, sizeof record.hash);
    memcpy(record.card, receipt->card, sizeof record.card);
    memcpy(record.fingerprint, receipt->terminal_certificate, sizeof record.fingerprint);
    enum stiver_bank_status status = share_of(bank, batch, card, receipt, &record.paid);
    if (status == STIVER_BANK_OK)
        status = bank_keep(bank, RECORD_RECEIPT, batch->uploader->terminal, entry->bytes,
                           entry->length, &record.document);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(STORE(bank, conflict_add, &record));
    if (status == STIVER_BANK_OK)
        status = bank_post(bank, record.document, account_of(ACCOUNT_LOSS),
                           account_merchant(receipt->merchant), receipt->card, record.paid);
    if (status == STIVER_BANK_OK)
        status = bank_ring(bank, receipt->card, receipt->terminal,
                           "two receipts of one card have the same counter: it was cloned");
    batch->has_listed = true;
    entry->result = record.paid ? UPLOAD_BOOKED : UPLOAD_SUSPENSE;
    return status == STIVER_BANK_OK ? list_enter(bank, card, STIVER_BANK_CLONE) : status;
}

/* ---- given up ---- */

/* The receipt came before its terminal said that it gave the sale up. */
static enum stiver_bank_status give_back(struct stiver_bank *bank, struct receipt_record *held,
                                         int64_t document, struct entry *entry)
{
    if (held->kind != DOCUMENT_PAYMENT_RECEIPT && held->kind != DOCUMENT_UNLOAD_RECEIPT)
        return STIVER_BANK_OK; /* a credit stands: its order decides */
    if (held->state == RECEIPT_BOOKED) {
        entry->result = UPLOAD_SUSPENSE;
        return bank_ring(bank, held->card, held->terminal,
                         "a terminal gave up a sale whose receipt it was paid for");
    }
    if (held->state != RECEIPT_FOREIGN && held->state != RECEIPT_SUSPENSE)
        return STIVER_BANK_OK;
    held->state = RECEIPT_OWED;
    enum stiver_bank_status status = bank_post(bank, document, account_of(ACCOUNT_SUSPENSE),
                                               account_of(ACCOUNT_OWED), held->card, held->amount);
    return status == STIVER_BANK_OK ? bank_status_of_store(STORE(bank, receipt_update, held))
                                    : status;
}

enum stiver_bank_status abandoned_settle(struct stiver_bank *bank, struct batch *batch,
                                         struct entry *entry)
{
    const uint8_t *terminal = batch->uploader->terminal;
    uint8_t card[CARD_NUMBER_BYTES];
    enum store_status stored = STORE(bank, abandoned_find, terminal, entry->terminal_counter, card);
    if (stored == STORE_OK) {
        bool same = bytes_equal(card, entry->card, CARD_NUMBER_BYTES);
        entry->result = same ? UPLOAD_ALREADY : UPLOAD_REJECTED;
        return same ? STIVER_BANK_OK
                    : bank_ring(bank, entry->card, terminal,
                                "a terminal gave up one number for two cards");
    }
    if (stored != STORE_NONE)
        return bank_status_of_store(stored);
    uint8_t record[CARD_NUMBER_BYTES + 5];
    struct writer w = writer_of(record, sizeof record);
    writer_bytes(&w, entry->card, CARD_NUMBER_BYTES);
    writer_u32(&w, entry->terminal_counter);
    writer_u8(&w, entry->document_kind);
    int64_t document;
    enum stiver_bank_status status =
        bank_keep(bank, RECORD_ABANDONED, terminal, record, sizeof record, &document);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(
            STORE(bank, abandoned_add, terminal, entry->terminal_counter, entry->card));
    if (status != STIVER_BANK_OK)
        return status;
    if (entry->terminal_counter > batch->uploader->counter)
        batch->uploader->counter = entry->terminal_counter;
    entry->result = UPLOAD_BOOKED;
    struct receipt_record held;
    stored = STORE(bank, receipt_of_terminal, terminal, entry->terminal_counter, &held);
    if (stored == STORE_NONE ||
        (stored == STORE_OK && !bytes_equal(held.card, entry->card, CARD_NUMBER_BYTES)))
        return STIVER_BANK_OK;
    return stored == STORE_OK ? give_back(bank, &held, document, entry)
                              : bank_status_of_store(stored);
}
