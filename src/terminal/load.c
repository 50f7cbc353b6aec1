/* SPDX-License-Identifier: Apache-2.0 */
/* LOAD: the bank signs an order for the card's next counter, the card takes it. */
#include <string.h>

#include "terminal/journal.h"

/* ---- the order ---- */

static terminal_status check_order(const struct stiver_terminal_session *session,
                                   const struct reader *message, uint32_t counter,
                                   struct money amount, struct order *order)
{
    const struct identity *identity = &session->terminal->identity;
    struct certificate working;
    if (message->left > ORDER_MESSAGE_BYTES_MAX)
        return STIVER_TERMINAL_BANK_ANSWER;
    enum document_status status =
        order_check(&crypto_primitives, message->at, message->left, identity->anchors.scheme,
                    &identity->root, order, &working);
    if (status == DOCUMENT_FAILED)
        return STIVER_TERMINAL_CRYPTO;
    bool is_ours = status == DOCUMENT_OK && order->kind == DOCUMENT_LOAD_ORDER &&
                   bytes_equal(order->card, session->card, CARD_NUMBER_BYTES) &&
                   order->counter == counter && order->amount.minor == amount.minor &&
                   order->amount.currency == amount.currency;
    return is_ours ? STIVER_TERMINAL_OK : STIVER_TERMINAL_BANK_ANSWER;
}

static terminal_status ask_order(struct stiver_terminal_session *session, uint32_t counter,
                                 struct money amount, const struct stiver_terminal_link *link,
                                 struct order *order, struct writer *message)
{
    uint8_t body[CARD_NUMBER_BYTES + 4 + 4 + 2];
    struct writer w = writer_of(body, sizeof body);
    struct stiver_terminal_bytes answer;
    struct reader r;
    writer_bytes(&w, session->card, CARD_NUMBER_BYTES);
    writer_u32(&w, counter);
    writer_u32(&w, amount.minor);
    writer_u16(&w, amount.currency);
    terminal_status status = link_ask(session->terminal, link, LINK_LOAD_ORDER, body, w.used,
                                      &answer, &r, session->result->detail);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = check_order(session, &r, counter, amount, order);
    if (status == STIVER_TERMINAL_OK)
        writer_bytes(message, r.at, r.left);
    stiver_terminal_bytes_free(&answer);
    return status;
}

/* ---- LOAD ---- */

static terminal_status load_order(struct stiver_terminal_session *session,
                                  const struct order *order, const struct writer *message)
{
    struct intent intent = {.order_number = order->number, .order_counter = order->counter};
    uint8_t data[SALE_BYTES + ORDER_MESSAGE_BYTES_MAX], document[RECEIPT_BYTES] = {0};
    struct writer w = writer_of(data, sizeof data);
    struct reply reply;
    terminal_status status = intent_begin(session, DOCUMENT_LOAD_RECEIPT, order->amount, &intent);
    if (status != STIVER_TERMINAL_OK)
        return status;
    struct sale sale = intent_sale(&intent);
    sale_encode(&sale, &w);
    writer_bytes(&w, message->start, message->used);
    status = request_secure(session, COMMAND_LOAD, 0, data, w.used, &reply);
    if (status != STIVER_TERMINAL_OK || !reply.is_known || reply.status != STATUS_OK)
        return intent_refused(session, &intent, status, &reply);
    if (reply.bytes == sizeof document)
        memcpy(document, reply.data, sizeof document);
    if (!intent_matches(session, &intent, document, true) ||
        intent_finish(session, &intent, document, false) != STIVER_TERMINAL_OK)
        return STIVER_TERMINAL_UNFINISHED;
    return STIVER_TERMINAL_OK;
}

static terminal_status may_load(const struct stiver_terminal_session *session, struct money amount)
{
    const struct stiver_terminal *terminal = session->terminal;
    terminal_status status = terminal_may_act(terminal, CLASS_LOAD);
    if (status == STIVER_TERMINAL_OK)
        status = terminal_may_talk(terminal, session->result);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (amount.currency != terminal->identity.certificate.limit.currency)
        return STIVER_TERMINAL_AMOUNT_CURRENCY;
    return amount.minor == 0 ? STIVER_TERMINAL_AMOUNT_ZERO : STIVER_TERMINAL_OK;
}

/* The bank signs no order while the receipt of the one before is missing. */
static terminal_status bring_last_receipt(const struct stiver_terminal_session *session,
                                          const struct stiver_terminal_link *link)
{
    struct stiver_terminal_sync sync;
    bool has_load = false;
    terminal_status status = journal_has_load(session->terminal->journal, session->card, &has_load);
    if (status != STIVER_TERMINAL_OK || !has_load)
        return status;
    return stiver_terminal_synchronise(session->terminal, link, &sync, session->result->detail);
}

/* Asks for one order and has the card take it. */
static terminal_status ask_and_load(struct stiver_terminal_session *session, uint32_t counter,
                                    struct money amount, const struct stiver_terminal_link *link)
{
    uint8_t memory[ORDER_MESSAGE_BYTES_MAX];
    struct writer message = writer_of(memory, sizeof memory);
    struct order order;
    terminal_status status = ask_order(session, counter, amount, link, &order, &message);
    return status == STIVER_TERMINAL_OK ? load_order(session, &order, &message) : status;
}

/* An order that the card did not take would keep every other one back. The bank signs a zero order
 * for the same counter; which of the two the card took stands in its receipt, so that this is safe
 * whatever happened before. True if the card took the zero order now. What the caller knows of the
 * sale stays in the session's result. */
static bool take_back(struct stiver_terminal_session *session, uint32_t counter, uint16_t currency,
                      const struct stiver_terminal_link *link)
{
    struct stiver_terminal_result *result = session->result, aside = *result;
    session->result = &aside;
    bool is_back =
        ask_and_load(session, counter, money_of(0, currency), link) == STIVER_TERMINAL_OK;
    session->result = result;
    return is_back;
}

/* The order for the card's next counter. If one for another amount is out (a load that broke off
 * before the card took it), that one is taken back first. */
static terminal_status load_next(struct stiver_terminal_session *session, uint32_t counter,
                                 struct money amount, const struct stiver_terminal_link *link)
{
    terminal_status status = ask_and_load(session, counter, amount, link);
    if (status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_UNFINISHED ||
        !take_back(session, counter, amount.currency, link))
        return status;
    if (status != STIVER_TERMINAL_BANK_REFUSED)
        return status; /* the card refused: its reason stands, and nothing keeps the next load back
                        */
    status = bring_last_receipt(session, link);
    return status == STIVER_TERMINAL_OK ? ask_and_load(session, counter + 1, amount, link) : status;
}

static terminal_status load(struct stiver_terminal_session *session, struct money amount,
                            const struct stiver_terminal_link *link)
{
    struct purse_status purse;
    terminal_status status = session_status(session, &purse);
    if (status == STIVER_TERMINAL_OK && purse.load_counter >= COUNTER_MAX)
        status = STIVER_TERMINAL_EXHAUSTED;
    if (status == STIVER_TERMINAL_OK && purse.state != PURSE_ISSUED)
        status = STIVER_TERMINAL_CARD_NOT_ISSUED;
    if (status == STIVER_TERMINAL_OK)
        status = bring_last_receipt(session, link);
    if (status == STIVER_TERMINAL_OK)
        status = load_next(session, purse.load_counter + 1, amount, link);
    if (status == STIVER_TERMINAL_CARD_NOT_ISSUED)
        status = session_explain(session, status);
    if (status == STIVER_TERMINAL_OK)
        carry_to_card(session);
    return status;
}

terminal_status stiver_terminal_load(struct stiver_terminal_session *session,
                                     struct stiver_terminal_money minor,
                                     const struct stiver_terminal_link *link,
                                     struct stiver_terminal_result *result)
{
    struct money amount = money_of(minor.minor, minor.currency);
    memset(result, 0, sizeof *result);
    session->result = result;
    result->amount = minor;
    result->has_card = true;
    memcpy(result->card, session->card, CARD_NUMBER_BYTES);
    terminal_status status = may_load(session, amount);
    if (status == STIVER_TERMINAL_OK)
        status = intent_claim(session, DOCUMENT_LOAD_RECEIPT, amount, 0);
    if (status == STIVER_TERMINAL_OK && session->open_number != 0) {
        result->number = session->open_number; /* may be this load, and done */
        status = STIVER_TERMINAL_UNFINISHED;
    }
    if (status == STIVER_TERMINAL_OK)
        status = load(session, amount, link);
    return result_end(result, status);
}
