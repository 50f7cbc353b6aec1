/* SPDX-License-Identifier: Apache-2.0 */
/* Orders that move no money: handed over, or carried until their card comes by. */
#include <string.h>

#include "terminal/journal.h"

static terminal_status apply(struct stiver_terminal_session *session, const uint8_t *message,
                             size_t bytes)
{
    struct reply reply;
    terminal_status status =
        request_secure(session, COMMAND_APPLY_ORDER, 0, message, bytes, &reply);
    if (status != STIVER_TERMINAL_OK)
        return status;
    return reply.is_known && reply.status == STATUS_OK ? STIVER_TERMINAL_OK
                                                       : request_refusal(session, &reply);
}

/* Taken or refused for good, it need not be carried any further. */
static bool is_answered(terminal_status status)
{
    return status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_ORDER;
}

void carry_to_card(struct stiver_terminal_session *session)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    size_t bytes = 0;
    struct db *journal = session->terminal->journal;
    struct stiver_terminal_result *said = session->result;
    struct stiver_terminal_result scratch = {0};
    if (terminal_may_act(session->terminal, CLASS_CARRY) != STIVER_TERMINAL_OK ||
        journal_carried(journal, session->card, DOCUMENT_ACKNOWLEDGEMENT, message, &bytes) !=
            STIVER_TERMINAL_OK ||
        bytes == 0)
        return;
    session->result = &scratch;
    terminal_status status = apply(session, message, bytes);
    session->result = said;
    /* What is not crossed out is only tried again. */
    if (is_answered(status))
        status = journal_carried_done(journal, session->card, DOCUMENT_ACKNOWLEDGEMENT);
    (void)status;
}

terminal_status stiver_terminal_apply(struct stiver_terminal_session *session, const uint8_t *order,
                                      size_t order_bytes, struct stiver_terminal_result *result)
{
    memset(result, 0, sizeof *result);
    session->result = result;
    result->has_card = true;
    memcpy(result->card, session->card, CARD_NUMBER_BYTES);
    terminal_status status = terminal_may_act(session->terminal, CLASS_CARRY);
    if (status == STIVER_TERMINAL_OK && order_bytes > command_rows[COMMAND_APPLY_ORDER].lc_most)
        status = STIVER_TERMINAL_ORDER;
    if (status == STIVER_TERMINAL_OK)
        status = apply(session, order, order_bytes);
    if (status == STIVER_TERMINAL_CARD_NOT_ISSUED)
        status = session_explain(session, status);
    return result_end(result, status);
}
