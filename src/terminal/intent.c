/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Business from its number to its end. The intent is on the disk before the command leaves, its end
 * before anybody hears "done"; in between only the card knows, and what it says counts only if it
 * is the signed receipt of exactly this intent, or a refusal that came through the channel.
 */
#include <string.h>

#include "terminal/journal.h"

#define EARLIER_SECONDS 900u

terminal_status intent_begin(struct stiver_terminal_session *session, enum document_kind kind,
                             struct money amount, struct intent *intent)
{
    const struct stiver_terminal *terminal = session->terminal;
    intent->kind = kind;
    intent->amount = amount;
    intent->time = terminal_now(terminal);
    intent->merchant = session->merchant;
    memcpy(intent->card, session->card, CARD_NUMBER_BYTES);
    memcpy(intent->host_id, session->host_id, HOST_ID_BYTES);
    if (crypto_random(intent->reference, sizeof intent->reference) != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    terminal_status status = journal_begin(terminal->journal, intent);
    if (status != STIVER_TERMINAL_OK)
        return status;
    session->result->number = intent->number;
    /* Without its mark nothing leaves; the intent hears "not there" at the next contact. */
    return mark_put(terminal->mark_file, intent->number);
}

struct sale intent_sale(const struct intent *intent)
{
    struct sale sale = {
        .amount = intent->amount,
        .terminal_counter = intent->number,
        .time = intent->time,
    };
    memcpy(sale.reference, intent->reference, sizeof sale.reference);
    return sale;
}

struct receipt intent_receipt(const struct stiver_terminal *terminal, const struct intent *intent)
{
    struct receipt receipt = {
        .kind = intent->kind,
        .scheme = terminal->identity.anchors.scheme,
        .terminal_counter = intent->number,
        .merchant = intent->merchant,
        .amount = intent->amount,
        .time = intent->time,
        .order_number = intent->order_number,
        .order_counter = intent->order_counter,
    };
    memcpy(receipt.card, intent->card, sizeof receipt.card);
    memcpy(receipt.terminal, terminal->identity.number, sizeof receipt.terminal);
    memcpy(receipt.terminal_certificate, intent->host_id, sizeof receipt.terminal_certificate);
    memcpy(receipt.reference, intent->reference, sizeof receipt.reference);
    return receipt;
}

/* Puts what only the card knows into the receipt that we expect, and compares the bytes: so no
 * field can be forgotten. */
bool intent_matches(const struct stiver_terminal_session *session, const struct intent *intent,
                    const uint8_t document[RECEIPT_BYTES], bool exact)
{
    const size_t unsigned_bytes = RECEIPT_BYTES - SIGNATURE_BYTES;
    struct receipt receipt, expected = intent_receipt(session->terminal, intent);
    uint8_t rebuilt[RECEIPT_BYTES - SIGNATURE_BYTES];
    if (receipt_decode(document, RECEIPT_BYTES, expected.scheme, &receipt) != DOCUMENT_OK)
        return false;
    expected.card_counter = receipt.card_counter;
    expected.balance_after = receipt.balance_after;
    expected.points_change = receipt.points_change;
    expected.points_after = receipt.points_after;
    expected.flags = exact ? intent->flags : receipt.flags & RECEIPT_PIN;
    memcpy(expected.random, receipt.random, sizeof expected.random);
    receipt_encode(&expected, rebuilt);
    return bytes_equal(rebuilt, document, unsigned_bytes) &&
           document_verify(&crypto_primitives, document, RECEIPT_BYTES,
                           session->certificate.receipt_key) == DOCUMENT_OK;
}

bool intent_tell(uint32_t scheme, const uint8_t document[RECEIPT_BYTES],
                 struct stiver_terminal_receipt *receipt)
{
    struct receipt r;
    if (receipt_decode(document, RECEIPT_BYTES, scheme, &r) != DOCUMENT_OK)
        return false;
    receipt->kind = (enum stiver_terminal_kind)r.kind;
    memcpy(receipt->card, r.card, sizeof receipt->card);
    receipt->card_counter = r.card_counter;
    receipt->number = r.terminal_counter;
    receipt->amount = (struct stiver_terminal_money){r.amount.minor, r.amount.currency};
    receipt->balance_after = (struct stiver_terminal_money){r.balance_after, r.amount.currency};
    receipt->points_change = r.points_change;
    receipt->points_after = r.points_after;
    receipt->time = r.time;
    receipt->with_pin = (r.flags & RECEIPT_PIN) != 0;
    memcpy(receipt->document, document, RECEIPT_BYTES);
    return true;
}

static void tell_result(struct stiver_terminal_session *session,
                        const uint8_t document[RECEIPT_BYTES])
{
    struct stiver_terminal_result *result = session->result;
    result->has_receipt =
        intent_tell(session->terminal->identity.anchors.scheme, document, &result->receipt);
    result->number = result->receipt.number;
    result->amount = result->receipt.amount;
    result->has_balance = result->has_receipt;
    result->balance = result->receipt.balance_after;
}

terminal_status intent_finish(struct stiver_terminal_session *session, const struct intent *intent,
                              const uint8_t document[RECEIPT_BYTES], bool is_recovered)
{
    struct piece certificate = {session->certificate_bytes, session->certificate_length};
    if (!session->is_stranger) /* it came out of the journal */
        certificate = (struct piece){NULL, 0};
    /* The commit that made the receipt made the card remember us, a block receipt's apart. */
    bool is_to_remember = session->is_stranger && intent->kind != DOCUMENT_BLOCK_RECEIPT;
    terminal_status status =
        journal_finish(session->terminal->journal, intent->number, document, is_recovered,
                       session->card, certificate, is_to_remember ? session->handle : NULL);
    if (status == STIVER_TERMINAL_OK && !is_recovered)
        tell_result(session, document);
    return status;
}

/* 62xx inside the channel: nothing was changed (scheme/status.def). */
static bool is_proven_refusal(const struct reply *reply)
{
    return reply->word >> 8 == 0x62;
}

terminal_status intent_refused(struct stiver_terminal_session *session, const struct intent *intent,
                               terminal_status talk, const struct reply *reply)
{
    if (talk != STIVER_TERMINAL_OK || !is_proven_refusal(reply))
        return STIVER_TERMINAL_UNFINISHED;
    /* If this does not reach the disk, the next contact hears "not there". */
    terminal_status status = journal_reject(session->terminal->journal, intent->number);
    (void)status;
    return request_refusal(session, reply);
}

terminal_status intent_claim(struct stiver_terminal_session *session, enum document_kind kind,
                             struct money amount, uint32_t seconds)
{
    uint8_t document[RECEIPT_BYTES];
    uint32_t now = terminal_now(session->terminal);
    uint32_t span = seconds == 0 ? EARLIER_SECONDS : seconds;
    bool found = false;
    terminal_status status = journal_claim(session->terminal->journal, kind, session->card, amount,
                                           now > span ? now - span : 0, document, &found);
    if (status != STIVER_TERMINAL_OK || !found)
        return status;
    tell_result(session, document);
    return STIVER_TERMINAL_FINISHED_EARLIER;
}
