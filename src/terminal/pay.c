/* SPDX-License-Identifier: Apache-2.0 */
/* PAY: one command, and everything that is looked at before the card is asked. */
#include <string.h>

#include "terminal/journal.h"

/* ---- before the card is asked ---- */

static terminal_status check_amount(const struct stiver_terminal *terminal, struct money amount,
                                    struct stiver_terminal_result *result)
{
    struct money limit = terminal->identity.certificate.limit;
    result->limit = (struct stiver_terminal_money){limit.minor, limit.currency};
    if (amount.currency != limit.currency)
        return STIVER_TERMINAL_AMOUNT_CURRENCY;
    if (amount.minor == 0)
        return STIVER_TERMINAL_AMOUNT_ZERO;
    return money_at_most(amount, limit) ? STIVER_TERMINAL_OK : STIVER_TERMINAL_AMOUNT_LIMIT;
}

static terminal_status check_list(const struct stiver_terminal *terminal,
                                  struct stiver_terminal_result *result)
{
    uint32_t end = terminal->identity.list.head.end;
    if (terminal_now(terminal) <= end)
        return STIVER_TERMINAL_OK;
    result->time = end;
    return STIVER_TERMINAL_LIST_OLD;
}

/* What one stolen terminal, or one extracted card, can cost before the bank is asked again. */
static terminal_status check_offline(const struct stiver_terminal_session *session,
                                     struct money amount)
{
    const struct identity *identity = &session->terminal->identity;
    uint64_t paid = 0;
    terminal_status status =
        journal_paid(session->terminal->journal, session->card, session->host_id, &paid);
    if (status != STIVER_TERMINAL_OK)
        return status;
    return paid + amount.minor <= identity->certificate.limit.minor ? STIVER_TERMINAL_OK
                                                                    : STIVER_TERMINAL_OFFLINE_LIMIT;
}

static terminal_status may_pay(struct stiver_terminal_session *session, struct money amount)
{
    const struct stiver_terminal *terminal = session->terminal;
    terminal_status status = terminal_may_act(terminal, CLASS_PAY);
    if (status == STIVER_TERMINAL_OK)
        status = terminal_may_talk(terminal, session->result);
    if (status == STIVER_TERMINAL_OK)
        status = check_amount(terminal, amount, session->result);
    if (status == STIVER_TERMINAL_OK)
        status = check_list(terminal, session->result);
    /* A file can be put back and its money spent again. */
    if (status == STIVER_TERMINAL_OK && session->certificate.card_class == CARD_VIRTUAL &&
        !session->is_test)
        status = STIVER_TERMINAL_CARD_VIRTUAL;
    return status == STIVER_TERMINAL_OK ? check_offline(session, amount) : status;
}

/* ---- PAY ---- */

/* The answer holds what we lack; the document is put together from our own intent. */
static bool receipt_of_answer(const struct stiver_terminal_session *session,
                              const struct intent *intent, const struct reply *reply,
                              uint8_t document[RECEIPT_BYTES])
{
    struct receipt receipt = intent_receipt(session->terminal, intent);
    return receipt_from_pay_answer(reply->data, reply->bytes, &receipt, document) &&
           intent_matches(session, intent, document, true);
}

static terminal_status pay_once(struct stiver_terminal_session *session, struct money amount,
                                bool with_pin, struct reply *reply)
{
    struct intent intent = {.flags = with_pin ? RECEIPT_PIN : 0};
    uint8_t data[SALE_BYTES], document[RECEIPT_BYTES];
    struct writer w = writer_of(data, sizeof data);
    terminal_status status = intent_begin(session, DOCUMENT_PAYMENT_RECEIPT, amount, &intent);
    if (status != STIVER_TERMINAL_OK)
        return status;
    struct sale sale = intent_sale(&intent);
    sale_encode(&sale, &w);
    status = request_secure(session, COMMAND_PAY, 0, data, w.used, reply);
    if (status != STIVER_TERMINAL_OK || !reply->is_known || reply->status != STATUS_OK)
        return intent_refused(session, &intent, status, reply);
    if (!receipt_of_answer(session, &intent, reply, document))
        return STIVER_TERMINAL_UNFINISHED;
    /* Paid, but not written down: the next contact reads it again. */
    if (intent_finish(session, &intent, document, false) != STIVER_TERMINAL_OK)
        return STIVER_TERMINAL_UNFINISHED;
    return STIVER_TERMINAL_OK;
}

/* ---- PIN ---- */

static bool pin_block(const char *digits, uint8_t block[PIN_BYTES])
{
    size_t length = strlen(digits);
    memset(block, 0xFF, PIN_BYTES);
    if (length < 4 || length > PIN_BYTES)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        block[i] = (uint8_t)digits[i];
    }
    return true;
}

static terminal_status verify_pin(struct stiver_terminal_session *session, const uint8_t *block)
{
    struct reply reply;
    terminal_status status =
        request_secure(session, COMMAND_VERIFY_PIN, 0, block, PIN_BYTES, &reply);
    if (status != STIVER_TERMINAL_OK)
        return status;
    return reply.is_known && reply.status == STATUS_OK ? STIVER_TERMINAL_OK
                                                       : request_refusal(session, &reply);
}

static terminal_status ask_pin(struct stiver_terminal_session *session,
                               const struct stiver_terminal_sale *sale)
{
    char digits[PIN_BYTES + 1] = "";
    uint8_t block[PIN_BYTES];
    terminal_status status = STIVER_TERMINAL_PIN_REQUIRED;
    if (sale->ask_pin == NULL)
        return status;
    if (sale->ask_pin(sale->pin_context, 0, digits)) {
        digits[PIN_BYTES] = '\0';
        if (pin_block(digits, block))
            status = verify_pin(session, block);
        else
            status = STIVER_TERMINAL_PIN_FORM;
    } else {
        status = STIVER_TERMINAL_STOPPED;
    }
    bytes_wipe(digits, sizeof digits);
    bytes_wipe(block, sizeof block);
    return status;
}

/* ---- all of it ---- */

static void tell_balance(struct stiver_terminal_session *session)
{
    struct stiver_terminal_result seen = *session->result;
    struct purse_status purse;
    if (session_status(session, &purse) == STIVER_TERMINAL_OK) {
        seen.has_balance = true;
        seen.balance = (struct stiver_terminal_money){purse.balance.minor, purse.balance.currency};
    }
    *session->result = seen; /* with the word that refused, not the one that read */
}

static terminal_status pay(struct stiver_terminal_session *session,
                           const struct stiver_terminal_sale *sale, struct money amount)
{
    struct reply reply;
    terminal_status status = pay_once(session, amount, false, &reply);
    if (status == STIVER_TERMINAL_PIN_REQUIRED) {
        status = ask_pin(session, sale);
        if (status == STIVER_TERMINAL_OK)
            status = pay_once(session, amount, true, &reply);
    }
    if (status == STIVER_TERMINAL_BALANCE)
        tell_balance(session);
    if (status == STIVER_TERMINAL_CARD_NOT_ISSUED)
        status = session_explain(session, status);
    if (status == STIVER_TERMINAL_OK)
        carry_to_card(session);
    return status;
}

terminal_status stiver_terminal_pay(struct stiver_terminal_session *session,
                                    const struct stiver_terminal_sale *sale,
                                    struct stiver_terminal_result *result)
{
    struct money amount = money_of(sale->amount.minor, sale->amount.currency);
    memset(result, 0, sizeof *result);
    session->result = result;
    result->amount = sale->amount;
    result->has_card = true;
    memcpy(result->card, session->card, CARD_NUMBER_BYTES);
    terminal_status status = may_pay(session, amount);
    /* A sale that turned out paid counts whatever the limit says now. */
    if ((status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_OFFLINE_LIMIT) &&
        !sale->is_new) {
        terminal_status earlier =
            intent_claim(session, DOCUMENT_PAYMENT_RECEIPT, amount, sale->earlier_seconds);
        if (earlier != STIVER_TERMINAL_OK)
            return result_end(result, earlier);
        /* What could not be settled at this contact may be this very sale, and paid. */
        if (status == STIVER_TERMINAL_OK && session->open_number != 0) {
            result->number = session->open_number;
            return result_end(result, STIVER_TERMINAL_UNFINISHED);
        }
    }
    return result_end(result, status == STIVER_TERMINAL_OK ? pay(session, sale, amount) : status);
}

terminal_status stiver_terminal_change_pin(struct stiver_terminal_session *session,
                                           const char *old_digits, const char *new_digits,
                                           struct stiver_terminal_result *result)
{
    uint8_t blocks[2 * PIN_BYTES];
    struct reply reply;
    memset(result, 0, sizeof *result);
    session->result = result;
    terminal_status status = terminal_may_act(session->terminal, CLASS_PIN);
    if (status == STIVER_TERMINAL_OK &&
        (!pin_block(old_digits, blocks) || !pin_block(new_digits, blocks + PIN_BYTES)))
        status = STIVER_TERMINAL_PIN_FORM;
    if (status == STIVER_TERMINAL_OK)
        status = request_secure(session, COMMAND_CHANGE_PIN, 0, blocks, sizeof blocks, &reply);
    bytes_wipe(blocks, sizeof blocks);
    if (status == STIVER_TERMINAL_OK && (!reply.is_known || reply.status != STATUS_OK))
        status = request_refusal(session, &reply);
    return result_end(result, status);
}
