/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery: what became of business that broke off. The card is asked for the receipt of each open
 * number: a receipt finishes it, "not there" said inside the channel abandons it for good, and
 * anything else leaves it open. Nothing is ever repeated blindly.
 */
#include <string.h>

#include "terminal/journal.h"

static terminal_status ask_receipt(struct stiver_terminal_session *session, uint32_t number,
                                   struct reply *reply)
{
    uint8_t data[TERMINAL_NUMBER_BYTES + 4];
    struct writer w = writer_of(data, sizeof data);
    writer_bytes(&w, session->terminal->identity.number, TERMINAL_NUMBER_BYTES);
    writer_u32(&w, number);
    return request_secure(session, COMMAND_READ_RECEIPT, 0, data, w.used, reply);
}

/* A number given up meanwhile keeps that end. */
static terminal_status settled(terminal_status status)
{
    return status == STIVER_TERMINAL_UNKNOWN_NUMBER ? STIVER_TERMINAL_OK : status;
}

static terminal_status stays_open(struct stiver_terminal_session *session,
                                  const struct intent *intent)
{
    session->open_number = intent->number;
    return STIVER_TERMINAL_OK;
}

static terminal_status settle(struct stiver_terminal_session *session, const struct intent *intent)
{
    struct reply reply;
    uint8_t document[RECEIPT_BYTES];
    terminal_status status = ask_receipt(session, intent->number, &reply);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (reply.is_known && reply.status == STATUS_NOT_THERE)
        return settled(journal_abandon(session->terminal->journal, intent->number, true));
    /* It stays open, and nothing like it is begun with this card: it may be done already. */
    if (!reply.is_known || reply.status != STATUS_OK || reply.bytes != RECEIPT_BYTES)
        return stays_open(session, intent);
    memcpy(document, reply.data, sizeof document);
    if (!intent_matches(session, intent, document, false))
        return stays_open(session, intent); /* not the receipt of this business */
    return settled(intent_finish(session, intent, document, true));
}

terminal_status recover_card(struct stiver_terminal_session *session)
{
    struct intent intent;
    bool found = true;
    uint32_t above = 0;
    terminal_status status = STIVER_TERMINAL_OK;
    while (status == STIVER_TERMINAL_OK && found) {
        status =
            journal_next_open(session->terminal->journal, session->card, above, &intent, &found);
        if (status == STIVER_TERMINAL_OK && found) {
            above = intent.number;
            status = settle(session, &intent);
        }
    }
    return status;
}

terminal_status stiver_terminal_recovered(struct stiver_terminal *terminal,
                                          stiver_terminal_entry_visit *visit, void *context)
{
    return journal_entries(terminal->journal, terminal->identity.anchors.scheme, 0, true, false,
                           visit, context);
}

terminal_status stiver_terminal_entries(struct stiver_terminal *terminal, uint32_t first,
                                        stiver_terminal_entry_visit *visit, void *context)
{
    return journal_entries(terminal->journal, terminal->identity.anchors.scheme, first, false,
                           false, visit, context);
}

terminal_status stiver_terminal_recover(struct stiver_terminal *terminal,
                                        struct card_reader *reader,
                                        stiver_terminal_entry_visit *visit, void *context,
                                        struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    terminal_status status = stiver_terminal_begin(terminal, reader, &session, result);
    if (status == STIVER_TERMINAL_OK)
        stiver_terminal_end(session);
    /* Whoever hears it here has heard it: the next payment is a new one. */
    terminal_status told = journal_entries(terminal->journal, terminal->identity.anchors.scheme, 0,
                                           true, true, visit, context);
    return result_end(result, status == STIVER_TERMINAL_OK ? told : status);
}

terminal_status stiver_terminal_give_up(struct stiver_terminal *terminal, uint32_t number)
{
    return journal_abandon(terminal->journal, number, false);
}
