/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a receipt of the campus purse means for the books. A receipt of a load and one of a payment
 * look alike (W3): the role under which its terminal is registered says which it is, nothing that
 * was uploaded does. The first valid receipt of a card's counter counts; the same again changes
 * nothing, another one is evidence of a clone.
 */
#include <stdlib.h>
#include <string.h>

#include "bank/campus/inside.h"

#define CLONE_SENTENCE "two receipts of one card have the same counter: it was cloned"

/* ---- verifying ---- */

static bool is_registered(const struct campus_card_record *card, const struct campus_certificate *c)
{
    /* A signature of this kind is the only one of its text: equal to the one that we gave, or
     * verified when we took the card up, it needs no second look. */
    return card->is_certified && card->end == c->end &&
           bytes_equal(card->modulus, c->modulus, sizeof card->modulus) &&
           bytes_equal(card->signature, c->signature, sizeof card->signature);
}

static enum stiver_bank_status verify_card(struct stiver_bank *bank,
                                           const struct campus_certificate *c,
                                           struct campus_item *item)
{
    struct campus_card_record card;
    enum store_status stored = CAMPUS(bank, card_find, c->id, &card);
    if (stored != STORE_OK && stored != STORE_NONE)
        return bank_status_of_store(stored);
    if (stored == STORE_OK && is_registered(&card, c))
        return STIVER_BANK_OK;
    enum verdict verdict = bank_campus_is_ours(bank, c);
    item->is_stranger = verdict == VERDICT_VALID;
    item->why = item->is_stranger ? "names a card that the bank did not register"
                                  : "has a certificate that is not this card's";
    return verdict == VERDICT_UNKNOWN ? STIVER_BANK_CRYPTO : STIVER_BANK_OK;
}

static enum verdict receipt_verdict(const struct campus_upload_receipt *upload)
{
    uint8_t text[CAMPUS_RECEIPT_TEXT_BYTES];
    campus_receipt_text(&upload->receipt, text);
    return evp_rsa_verify(upload->card.modulus, RSA_SHA1, text, sizeof text,
                          upload->receipt.signature);
}

/* The bounds keep a card's proof of its block and its answer to an authentication apart: these have
 * counter and end the other way round. */
static enum verdict proof_verdict(uint32_t terminal, const struct campus_upload_block *upload)
{
    uint8_t text[CAMPUS_TEXT_BYTES];
    campus_text(terminal, upload->terminal_counter, upload->terminal_end, text);
    if (upload->terminal_counter > CAMPUS_COUNTER_MAX || upload->terminal_end < CAMPUS_END_MIN)
        return VERDICT_FORGED;
    return evp_rsa_verify(upload->card.modulus, RSA_SHA1, text, sizeof text, upload->proof);
}

enum stiver_bank_status bank_campus_item_verify(struct stiver_bank *bank, uint32_t terminal,
                                                struct campus_item *item)
{
    const struct campus_upload *upload = &item->upload;
    if (upload->kind == CAMPUS_UPLOAD_OUTCOME)
        return STIVER_BANK_OK;
    bool is_receipt = upload->kind == CAMPUS_UPLOAD_RECEIPT;
    enum stiver_bank_status status =
        verify_card(bank, is_receipt ? &upload->is.receipt.card : &upload->is.block.card, item);
    if (status != STIVER_BANK_OK || (item->why && !item->is_stranger))
        return status;
    enum verdict verdict = is_receipt ? receipt_verdict(&upload->is.receipt)
                                      : proof_verdict(terminal, &upload->is.block);
    if (verdict == VERDICT_FORGED) {
        item->is_stranger = false;
        item->why = "has a signature that does not verify";
    }
    return verdict == VERDICT_UNKNOWN ? STIVER_BANK_CRYPTO : STIVER_BANK_OK;
}

/* ---- circumstances ---- */

static enum stiver_bank_status has_term(struct stiver_bank *bank, uint32_t terminal, uint32_t time,
                                        bool *has)
{
    struct campus_term_record term;
    uint32_t from = time > UINT32_MAX - CAMPUS_TOLERANCE ? UINT32_MAX : time + CAMPUS_TOLERANCE;
    enum store_status stored = CAMPUS(bank, term_find, terminal, from, time, &term);
    *has = stored == STORE_OK;
    return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
}

/* Whether the receipt could come about as it should have; if not, a person has to look. */
static enum stiver_bank_status judge(struct stiver_bank *bank, const struct campus_batch *batch,
                                     const struct campus_card_record *card,
                                     const struct campus_receipt *receipt, bool *is_suspect)
{
    bool has;
    enum stiver_bank_status status = has_term(bank, batch->terminal.id, receipt->time, &has);
    bool is_late = (card->listed && receipt->time > card->listed) ||
                   (card->blocked && receipt->time > card->blocked) || receipt->time > card->end;
    *is_suspect = !has || is_late || batch->terminal.listed ||
                  receipt->counter > CAMPUS_COUNTER_MAX || receipt->amount > CAMPUS_AMOUNT_MAX;
    return status;
}

/* ---- booking ---- */

static enum stiver_bank_status keep_receipt(struct stiver_bank *bank,
                                            const struct campus_upload_receipt *upload,
                                            int64_t *document)
{
    uint8_t record[1 + CAMPUS_RECEIPT_TEXT_BYTES + CAMPUS_RSA_BYTES];
    struct writer w = writer_of(record, sizeof record);
    writer_u8(&w, (uint8_t)upload->outcome);
    campus_receipt_text(&upload->receipt, writer_reserve(&w, CAMPUS_RECEIPT_TEXT_BYTES));
    writer_bytes(&w, upload->receipt.signature, CAMPUS_RSA_BYTES);
    return bank_campus_keep(bank, RECORD_CAMPUS_RECEIPT, upload->receipt.terminal, record,
                            sizeof record, document);
}

static enum stiver_bank_status book_payment(struct stiver_bank *bank,
                                            const struct campus_batch *batch,
                                            struct campus_card_record *card,
                                            enum campus_outcome outcome,
                                            struct campus_receipt_record *record)
{
    struct account to = {ACCOUNT_CAMPUS_MERCHANT, batch->terminal.merchant};
    record->state = CAMPUS_RECEIPT_BOOKED;
    if (record->is_suspect) {
        record->state = CAMPUS_RECEIPT_SUSPENSE;
        to = account_of(ACCOUNT_CAMPUS_SUSPENSE);
    } else if (outcome == CAMPUS_OUTCOME_NOT_DONE) {
        record->state = CAMPUS_RECEIPT_OWED;
        to = account_of(ACCOUNT_CAMPUS_OWED);
    }
    enum stiver_bank_status status = bank_campus_post(
        bank, record->document, account_of(ACCOUNT_CAMPUS_FLOAT), to, card->id, record->amount);
    return status == STIVER_BANK_OK
               ? bank_campus_shade(bank, card, record->terminal, -(int64_t)record->amount)
               : status;
}

/* The till may be overdrawn up to its credit; beyond, the load is booked all the same, because the
 * card has it. */
static enum stiver_bank_status check_credit(struct stiver_bank *bank,
                                            const struct campus_terminal_record *terminal,
                                            const struct campus_receipt_record *record)
{
    struct account till = bank_campus_till(terminal->id);
    int64_t sum;
    enum store_status stored = STORE(bank, balance, &till, &sum);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    int64_t floor = -(int64_t)terminal->credit;
    if (record->is_suspect || sum >= floor || sum + (int64_t)record->amount < floor)
        return STIVER_BANK_OK; /* not now, or said before */
    return bank_campus_ring(bank, record->card, terminal->id,
                            "a reload terminal loaded more than its till's credit covers");
}

static enum stiver_bank_status book_load(struct stiver_bank *bank, const struct campus_batch *batch,
                                         struct campus_card_record *card,
                                         enum campus_outcome outcome,
                                         struct campus_receipt_record *record)
{
    struct account from = record->is_suspect ? account_of(ACCOUNT_CAMPUS_SUSPENSE)
                                             : bank_campus_till(record->terminal);
    bool is_open = outcome == CAMPUS_OUTCOME_UNKNOWN;
    enum stiver_bank_status status = STIVER_BANK_OK;
    if (record->is_suspect)
        status = bank_campus_ring(bank, card->id, record->terminal,
                                  "a load came that should not have been made: it is in suspense");
    record->state = CAMPUS_RECEIPT_NOT_DONE;
    if (status != STIVER_BANK_OK || outcome == CAMPUS_OUTCOME_NOT_DONE)
        return status;
    record->state = is_open ? CAMPUS_RECEIPT_OPEN : CAMPUS_RECEIPT_BOOKED;
    status = bank_campus_post(bank, record->document, from,
                              account_of(is_open ? ACCOUNT_CAMPUS_IN_FLIGHT : ACCOUNT_CAMPUS_FLOAT),
                              card->id, record->amount);
    if (status == STIVER_BANK_OK && !is_open)
        status = bank_campus_shade(bank, card, record->terminal, (int64_t)record->amount);
    return status == STIVER_BANK_OK ? check_credit(bank, &batch->terminal, record) : status;
}

static enum stiver_bank_status clone(struct stiver_bank *bank, struct campus_batch *batch,
                                     struct campus_card_record *card, const char *why)
{
    enum stiver_bank_status status = bank_campus_ring(bank, card->id, batch->terminal.id, why);
    if (status != STIVER_BANK_OK || card->listed)
        return status;
    batch->has_listed = true;
    return bank_campus_list_enter(bank, card);
}

static enum stiver_bank_status book(struct stiver_bank *bank, struct campus_batch *batch,
                                    struct campus_card_record *card,
                                    const struct campus_upload_receipt *upload,
                                    enum upload_result *result)
{
    const struct campus_receipt *receipt = &upload->receipt;
    struct campus_receipt_record record = {
        .card = card->id,
        .counter = receipt->counter,
        .terminal = receipt->terminal,
        .amount = receipt->amount,
        .time = receipt->time,
        .is_load = batch->terminal.role == CAMPUS_ROLE_RELOAD,
    };
    bool went_on = card->blocked && receipt->time > card->blocked;
    enum stiver_bank_status status = judge(bank, batch, card, receipt, &record.is_suspect);
    if (status == STIVER_BANK_OK)
        status = keep_receipt(bank, upload, &record.document);
    if (receipt->counter > card->counter)
        card->counter = receipt->counter;
    if (status == STIVER_BANK_OK)
        status = record.is_load ? book_load(bank, batch, card, upload->outcome, &record)
                                : book_payment(bank, batch, card, upload->outcome, &record);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(CAMPUS(bank, receipt_add, &record));
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(CAMPUS(bank, card_update, card));
    if (status == STIVER_BANK_OK && went_on)
        status = clone(bank, batch, card, "a card went on after it had blocked itself");
    *result = record.is_suspect ? UPLOAD_SUSPENSE : UPLOAD_BOOKED;
    return status;
}

/* ---- a counter that is taken ---- */

static enum stiver_bank_status conflict(struct stiver_bank *bank, struct campus_batch *batch,
                                        struct campus_card_record *card,
                                        const struct campus_receipt *receipt,
                                        enum upload_result *result)
{
    uint8_t record[CAMPUS_RECEIPT_TEXT_BYTES + CAMPUS_RSA_BYTES], hash[SHA256_BYTES];
    struct store_blob held = {0};
    int64_t document;
    campus_receipt_text(receipt, record);
    memcpy(record + CAMPUS_RECEIPT_TEXT_BYTES, receipt->signature, CAMPUS_RSA_BYTES);
    if (!evp_sha256(record, sizeof record, hash))
        return STIVER_BANK_CRYPTO;
    enum store_status stored =
        STORE(bank, document_find, RECORD_CAMPUS_SECOND, hash, &document, &held);
    free(held.data);
    *result = stored == STORE_OK ? UPLOAD_ALREADY : UPLOAD_SUSPENSE;
    if (stored != STORE_NONE)
        return bank_status_of_store(stored);
    enum stiver_bank_status status = bank_campus_keep(bank, RECORD_CAMPUS_SECOND, receipt->terminal,
                                                      record, sizeof record, NULL);
    return status == STIVER_BANK_OK ? clone(bank, batch, card, CLONE_SENTENCE) : status;
}

/* ---- an item ---- */

static enum stiver_bank_status settle_receipt(struct stiver_bank *bank, struct campus_batch *batch,
                                              const struct campus_item *item,
                                              enum upload_result *result)
{
    const struct campus_upload_receipt *upload = &item->upload.is.receipt;
    const struct campus_receipt *receipt = &upload->receipt;
    struct campus_receipt_record held;
    struct campus_card_record card;
    bool is_load = batch->terminal.role == CAMPUS_ROLE_RELOAD;
    if ((!is_load && batch->terminal.role != CAMPUS_ROLE_POS) ||
        (!is_load && upload->outcome == CAMPUS_OUTCOME_UNKNOWN))
        return STIVER_BANK_OK; /* rejected */
    enum stiver_bank_status status =
        bank_status_of_store(CAMPUS(bank, card_find, receipt->card, &card));
    if (status != STIVER_BANK_OK)
        return status;
    enum store_status stored = CAMPUS(bank, receipt_find, receipt->card, receipt->counter, &held);
    if (stored == STORE_NONE)
        return book(bank, batch, &card, upload, result);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    bool is_same = held.terminal == receipt->terminal && held.amount == receipt->amount &&
                   held.time == receipt->time;
    if (!is_same)
        return conflict(bank, batch, &card, receipt, result);
    if (!item->is_of_file)
        return bank_campus_say_again(bank, &held, upload->outcome, result);
    *result = UPLOAD_ALREADY; /* what its terminal signed for, or a person decided, stays */
    return STIVER_BANK_OK;
}

static enum stiver_bank_status settle_outcome(struct stiver_bank *bank,
                                              const struct campus_batch *batch,
                                              const struct campus_upload *upload,
                                              enum upload_result *result)
{
    struct campus_receipt_record held;
    uint32_t card = upload->is.outcome.card;
    enum store_status stored = CAMPUS(bank, receipt_find, card, upload->is.outcome.counter, &held);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
    if (held.terminal != batch->terminal.id)
        return bank_campus_ring(bank, card, batch->terminal.id,
                                "a terminal speaks for another one's receipt");
    return bank_campus_say_again(bank, &held, upload->is.outcome.outcome, result);
}

static enum stiver_bank_status settle_block(struct stiver_bank *bank, struct campus_batch *batch,
                                            const struct campus_upload_block *upload,
                                            enum upload_result *result)
{
    struct campus_card_record card;
    struct campus_term_record term;
    uint8_t record[16 + CAMPUS_RSA_BYTES];
    struct writer w = writer_of(record, sizeof record);
    uint32_t now = bank_now(bank);
    enum store_status stored =
        CAMPUS(bank, term_of_end, batch->terminal.id, upload->terminal_end, &term);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
    enum stiver_bank_status status =
        bank_status_of_store(CAMPUS(bank, card_find, upload->card.id, &card));
    if (status != STIVER_BANK_OK)
        return status;
    *result = card.blocked ? UPLOAD_ALREADY : UPLOAD_BOOKED;
    if (card.blocked)
        return STIVER_BANK_OK;
    writer_u32(&w, card.id);
    writer_u32(&w, upload->terminal_counter);
    writer_u32(&w, upload->terminal_end);
    writer_u32(&w, now);
    writer_bytes(&w, upload->proof, CAMPUS_RSA_BYTES);
    card.blocked = now;
    status = bank_campus_keep(bank, RECORD_CAMPUS_BLOCK, batch->terminal.id, record, sizeof record,
                              NULL);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(CAMPUS(bank, card_update, &card));
    return status == STIVER_BANK_OK && !card.listed
               ? clone(bank, batch, &card, "a terminal blocked a card that nobody had listed")
               : status;
}

enum stiver_bank_status bank_campus_item_settle(struct stiver_bank *bank,
                                                struct campus_batch *batch,
                                                struct campus_item *item)
{
    const struct campus_upload *upload = &item->upload;
    item->result = UPLOAD_REJECTED;
    if (item->is_stranger)
        return bank_campus_ring(bank,
                                upload->kind == CAMPUS_UPLOAD_RECEIPT ? upload->is.receipt.card.id
                                                                      : upload->is.block.card.id,
                                batch->terminal.id,
                                "a card came that has our certificate and is in no register");
    if (item->why)
        return STIVER_BANK_OK;
    if (upload->kind == CAMPUS_UPLOAD_RECEIPT)
        return settle_receipt(bank, batch, item, &item->result);
    return upload->kind == CAMPUS_UPLOAD_OUTCOME
               ? settle_outcome(bank, batch, upload, &item->result)
               : settle_block(bank, batch, &upload->is.block, &item->result);
}

enum stiver_bank_status bank_campus_batch_end(struct stiver_bank *bank,
                                              const struct campus_batch *batch)
{
    return batch->has_listed ? bank_campus_publish(bank) : bank_campus_refresh(bank);
}
