/* SPDX-License-Identifier: Apache-2.0 */
/* What a card tells: its purse, its log, and in the clear its state. */
#include <string.h>

#include "terminal/internal.h"

static terminal_status answered(struct stiver_terminal_session *session, terminal_status status,
                                const struct reply *reply)
{
    if (status != STIVER_TERMINAL_OK)
        return status;
    return reply->is_known && reply->status == STATUS_OK ? STIVER_TERMINAL_OK
                                                         : request_refusal(session, reply);
}

terminal_status session_status(struct stiver_terminal_session *session, struct purse_status *status)
{
    struct reply reply;
    terminal_status said =
        answered(session, request_secure(session, COMMAND_READ_STATUS, 0, NULL, 0, &reply), &reply);
    if (said != STIVER_TERMINAL_OK)
        return said;
    return purse_status_decode(reply.data, reply.bytes, status) ? STIVER_TERMINAL_OK
                                                                : STIVER_TERMINAL_CARD_ANSWER;
}

static void start(struct stiver_terminal_session *session, struct stiver_terminal_result *result)
{
    memset(result, 0, sizeof *result);
    session->result = result;
    result->has_card = true;
    memcpy(result->card, session->card, CARD_NUMBER_BYTES);
}

static void tell_purse(const struct purse_status *status, struct stiver_terminal_purse *purse)
{
    purse->balance =
        (struct stiver_terminal_money){status->balance.minor, status->balance.currency};
    purse->points = status->points;
    purse->card_counter = status->card_counter;
    purse->load_counter = status->load_counter;
    purse->refund_counter = status->refund_counter;
    purse->highest_time = status->highest_time;
    purse->pin_tries = status->pin_tries;
    purse->free_slots = status->free_slots;
    purse->state = (uint8_t)status->state;
}

terminal_status stiver_terminal_read(struct stiver_terminal_session *session,
                                     struct stiver_terminal_purse *purse,
                                     struct stiver_terminal_result *result)
{
    struct purse_status status;
    start(session, result);
    memset(purse, 0, sizeof *purse);
    terminal_status said = session_status(session, &status);
    if (said == STIVER_TERMINAL_OK) {
        tell_purse(&status, purse);
        result->has_balance = true;
        result->balance = purse->balance;
        carry_to_card(session);
    }
    if (said == STIVER_TERMINAL_CARD_NOT_ISSUED)
        said = session_explain(session, said);
    return result_end(result, said);
}

/* ---- log ---- */

static bool verified(const struct stiver_terminal_session *session, const struct reply *reply,
                     uint32_t card_counter, struct stiver_terminal_receipt *receipt)
{
    return reply->bytes == RECEIPT_BYTES &&
           document_verify(&crypto_primitives, reply->data, reply->bytes,
                           session->certificate.receipt_key) == DOCUMENT_OK &&
           intent_tell(session->terminal->identity.anchors.scheme, reply->data, receipt) &&
           receipt->card_counter == card_counter &&
           bytes_equal(receipt->card, session->card, CARD_NUMBER_BYTES);
}

static terminal_status read_log(struct stiver_terminal_session *session, uint32_t card_counter,
                                struct reply *reply)
{
    uint8_t data[4];
    struct writer w = writer_of(data, sizeof data);
    writer_u32(&w, card_counter);
    return request_secure(session, COMMAND_READ_LOG, 0, data, w.used, reply);
}

static terminal_status walk_log(struct stiver_terminal_session *session, uint32_t newest,
                                unsigned most, stiver_terminal_receipt_visit *visit, void *context)
{
    struct stiver_terminal_receipt receipt;
    struct reply reply;
    for (uint32_t counter = newest; counter > 0 && newest - counter < most; counter--) {
        terminal_status status = read_log(session, counter, &reply);
        if (status != STIVER_TERMINAL_OK)
            return status;
        if (reply.is_known && reply.status == STATUS_NOT_THERE)
            return STIVER_TERMINAL_OK; /* its slot was used again */
        if (!reply.is_known || reply.status != STATUS_OK)
            return request_refusal(session, &reply);
        if (!verified(session, &reply, counter, &receipt))
            return STIVER_TERMINAL_CARD_ANSWER;
        if (!visit(context, &receipt))
            return STIVER_TERMINAL_OK;
    }
    return STIVER_TERMINAL_OK;
}

/* READ STATUS is not for a blocked card: its block receipt, said in the clear, has the last
 * counter. The log itself is then read in a new channel, by the bank alone. */
static terminal_status newest_of_blocked(struct stiver_terminal_session *session, uint32_t *newest)
{
    uint8_t document[RECEIPT_BYTES];
    struct receipt receipt;
    terminal_status why = session_explain(session, STIVER_TERMINAL_CARD_NOT_ISSUED);
    if (why != STIVER_TERMINAL_CARD_BLOCKED ||
        session->terminal->identity.certificate.role != ROLE_BANK)
        return why;
    terminal_status status = session_block_receipt(session, document, &receipt);
    if (status != STIVER_TERMINAL_OK)
        return status;
    *newest = receipt.card_counter;
    return session_authenticate(session);
}

static terminal_status newest_of(struct stiver_terminal_session *session, uint32_t *newest)
{
    struct purse_status purse;
    terminal_status status = session_status(session, &purse);
    if (status == STIVER_TERMINAL_OK)
        *newest = purse.card_counter;
    return status == STIVER_TERMINAL_CARD_NOT_ISSUED ? newest_of_blocked(session, newest) : status;
}

terminal_status stiver_terminal_log(struct stiver_terminal_session *session, unsigned most,
                                    stiver_terminal_receipt_visit *visit, void *context,
                                    struct stiver_terminal_result *result)
{
    uint32_t newest = 0;
    start(session, result);
    terminal_status status = terminal_may_act(session->terminal, CLASS_LOG);
    if (status == STIVER_TERMINAL_IN_DOUBT)
        status = STIVER_TERMINAL_OK; /* reading takes no number */
    if (status == STIVER_TERMINAL_OK)
        status = newest_of(session, &newest);
    if (status == STIVER_TERMINAL_OK)
        status = walk_log(session, newest, most, visit, context);
    if (status == STIVER_TERMINAL_CARD_NOT_ISSUED)
        status = session_explain(session, status);
    return result_end(result, status);
}

/* ---- in the clear ---- */

terminal_status stiver_terminal_card_state(struct stiver_terminal *terminal,
                                           struct card_reader *reader,
                                           struct stiver_terminal_card_state *state,
                                           struct stiver_terminal_result *result)
{
    struct stiver_terminal_session session = {
        .terminal = terminal, .reader = reader, .result = result};
    struct card_state said;
    struct reply reply;
    memset(result, 0, sizeof *result);
    memset(state, 0, sizeof *state);
    terminal_status status = request_select(&session, &reply);
    if (status == STIVER_TERMINAL_OK)
        status = session_state(&session, &said);
    if (status == STIVER_TERMINAL_OK) {
        state->state = (uint8_t)said.state;
        state->protocol_version = said.protocol_version;
        state->firmware = said.firmware;
        state->scheme = said.scheme;
        memcpy(state->serial, said.serial, sizeof state->serial);
    }
    return result_end(result, status);
}
