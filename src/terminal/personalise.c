/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation at a station: the blank card makes and states its keys, the bank certifies them,
 * the card takes the certificates, then over the channel the policy, and after its PIN was read it
 * is issued. Each step can be cut; the card's state says where to go on.
 */
#include <stdlib.h>
#include <string.h>

#include "terminal/journal.h"

#define STORE_BYTES_MAX 600u

struct work {
    struct stiver_terminal_session session;
    const struct stiver_terminal_personalisation *with;
};

static void told(const struct work *work, const char *step)
{
    if (work->with->step != NULL)
        work->with->step(work->with->step_context, step);
}

/* A refusal in the clear is only somebody's word; nothing depends on it but how we go on. */
static terminal_status clear_step(struct work *work, enum command command, const uint8_t *data,
                                  size_t bytes, struct reply *reply)
{
    terminal_status status = request_clear(&work->session, command, 0, data, bytes, reply);
    if (status != STIVER_TERMINAL_OK || reply->word == status_word(STATUS_OK, false))
        return status;
    return STIVER_TERMINAL_CARD_FAILED;
}

/* ---- blank: keys and certificates ---- */

/* The bank must give the card the anchors that we trust ourselves. */
static terminal_status check_stock(struct identity *identity, struct reader r)
{
    struct anchors anchors;
    (void)reader_take(&r, NONCE_BYTES + PUBLIC_KEY_BYTES);
    if (r.failed || anchors_decode(r.at, r.left, &anchors) != DOCUMENT_OK ||
        anchors.scheme != identity->anchors.scheme ||
        !bytes_equal(anchors.root_key, identity->anchors.root_key, PUBLIC_KEY_BYTES))
        return STIVER_TERMINAL_BANK_ANSWER;
    return STIVER_TERMINAL_OK;
}

static terminal_status initialise(struct work *work, const uint8_t serial[SERIAL_BYTES],
                                  uint8_t statement[STATEMENT_ANSWER_BYTES])
{
    struct stiver_terminal *terminal = work->session.terminal;
    struct stiver_terminal_bytes answer;
    struct reader stock;
    struct reply reply;
    terminal_status status = link_ask(terminal, work->with->link, LINK_STOCK, serial, SERIAL_BYTES,
                                      &answer, &stock, work->session.result->detail);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = check_stock(&terminal->identity, stock);
    if (status == STIVER_TERMINAL_OK)
        status = clear_step(work, COMMAND_INITIALIZE, stock.at, stock.left, &reply);
    stiver_terminal_bytes_free(&answer);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (reply.bytes != STATEMENT_ANSWER_BYTES)
        return STIVER_TERMINAL_CARD_ANSWER;
    memcpy(statement, reply.data, STATEMENT_ANSWER_BYTES);
    told(work, "keys made");
    return STIVER_TERMINAL_OK;
}

struct certified {
    struct reader certificates;
    struct reader policy;
    uint8_t card[CARD_NUMBER_BYTES];
};

/* n1 | card authority's and card's certificates | n2 | policy order message */
static terminal_status check_certified(struct identity *identity, struct reader r,
                                       struct certified *certified)
{
    struct certificate c, working;
    struct order order;
    certified->certificates = link_field_read(&r);
    certified->policy = link_field_read(&r);
    struct reader pair = certified->certificates;
    size_t first = certificate_length(pair.at, pair.left);
    bool is_test = false;
    if (!reader_done(&r) || pair.left > STORE_BYTES_MAX || first == 0 || first >= pair.left ||
        certified->policy.left > ORDER_MESSAGE_BYTES_MAX)
        return STIVER_TERMINAL_BANK_ANSWER;
    if (identity_check_card(identity, pair.at + first, pair.left - first, &c, &is_test) !=
            STIVER_TERMINAL_OK ||
        order_check(&crypto_primitives, certified->policy.at, certified->policy.left,
                    identity->anchors.scheme, &identity->root, &order, &working) != DOCUMENT_OK ||
        order.kind != DOCUMENT_POLICY_ORDER ||
        !bytes_equal(order.card, c.subject, CARD_NUMBER_BYTES))
        return STIVER_TERMINAL_BANK_ANSWER;
    memcpy(certified->card, c.subject, CARD_NUMBER_BYTES);
    return STIVER_TERMINAL_OK;
}

/* The policy is kept before the card leaves its blank state: after a tear nobody else has it. */
static terminal_status store(struct work *work, const struct certified *certified)
{
    struct reply reply;
    terminal_status status =
        journal_carry(work->session.terminal->journal, certified->card, DOCUMENT_POLICY_ORDER,
                      (struct piece){certified->policy.at, certified->policy.left});
    if (status == STIVER_TERMINAL_OK)
        status = clear_step(work, COMMAND_STORE_CERTIFICATES, certified->certificates.at,
                            certified->certificates.left, &reply);
    if (status == STIVER_TERMINAL_OK)
        told(work, "certified");
    return status;
}

static terminal_status certify(struct work *work, const uint8_t serial[SERIAL_BYTES])
{
    struct stiver_terminal *terminal = work->session.terminal;
    uint8_t statement[STATEMENT_ANSWER_BYTES];
    struct stiver_terminal_bytes answer;
    struct certified certified;
    struct reader body;
    terminal_status status = initialise(work, serial, statement);
    if (status == STIVER_TERMINAL_OK)
        status = link_ask(terminal, work->with->link, LINK_CERTIFY, statement, sizeof statement,
                          &answer, &body, work->session.result->detail);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = check_certified(&terminal->identity, body, &certified);
    if (status == STIVER_TERMINAL_OK)
        status = store(work, &certified);
    stiver_terminal_bytes_free(&answer);
    return status;
}

/* ---- personalised: policy, PIN, issue ---- */

static terminal_status secure_step(struct work *work, enum command command, const uint8_t *data,
                                   size_t bytes, struct reply *reply)
{
    terminal_status status = request_secure(&work->session, command, 0, data, bytes, reply);
    if (status != STIVER_TERMINAL_OK || (reply->is_known && reply->status == STATUS_OK))
        return status;
    return request_refusal(&work->session, reply);
}

static terminal_status apply_policy(struct work *work)
{
    struct stiver_terminal_session *session = &work->session;
    struct db *journal = session->terminal->journal;
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    struct purse_status purse;
    struct reply reply;
    size_t bytes = 0;
    terminal_status status = session_status(session, &purse);
    if (status != STIVER_TERMINAL_OK || purse.policy_number != 0)
        return status;
    status = journal_carried(journal, session->card, DOCUMENT_POLICY_ORDER, message, &bytes);
    if (status == STIVER_TERMINAL_OK && bytes == 0)
        status = STIVER_TERMINAL_OTHER_STATION;
    if (status == STIVER_TERMINAL_OK)
        status = secure_step(work, COMMAND_APPLY_ORDER, message, bytes, &reply);
    if (status == STIVER_TERMINAL_OK)
        told(work, "policy");
    return status;
}

static terminal_status print_pin(struct work *work)
{
    char digits[PIN_BYTES + 1] = "";
    struct reply reply;
    terminal_status status = secure_step(work, COMMAND_READ_PIN, NULL, 0, &reply);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (reply.bytes != PIN_BYTES)
        return STIVER_TERMINAL_CARD_ANSWER;
    for (size_t i = 0; i < PIN_BYTES && reply.data[i] != 0xFF; i++)
        digits[i] = (char)reply.data[i];
    bytes_wipe(work->session.response, PIN_BYTES);
    told(work, "PIN read");
    bool is_printed = work->with->pin_letter == NULL ||
                      work->with->pin_letter(work->with->pin_context, work->session.card, digits);
    bytes_wipe(digits, sizeof digits);
    return is_printed ? STIVER_TERMINAL_OK : STIVER_TERMINAL_STOPPED;
}

static terminal_status issue(struct work *work)
{
    struct reply reply;
    terminal_status status = session_authenticate(&work->session);
    if (status == STIVER_TERMINAL_OK)
        status = apply_policy(work);
    if (status == STIVER_TERMINAL_OK)
        status = print_pin(work);
    if (status == STIVER_TERMINAL_OK)
        status = secure_step(work, COMMAND_ISSUE, NULL, 0, &reply);
    if (status != STIVER_TERMINAL_OK)
        return status;
    told(work, "issued");
    /* Left behind it does no harm. */
    status = journal_carried_done(work->session.terminal->journal, work->session.card,
                                  DOCUMENT_POLICY_ORDER);
    (void)status;
    return STIVER_TERMINAL_OK;
}

/* ---- all of it ---- */

static terminal_status from_state(struct work *work, const struct card_state *state)
{
    terminal_status status = STIVER_TERMINAL_OK;
    switch (state->state) {
    case PURSE_BLANK:
        status = certify(work, state->serial);
        return status == STIVER_TERMINAL_OK ? issue(work) : status;
    case PURSE_PERSONALISED:
        return issue(work);
    case PURSE_ISSUED:
        return STIVER_TERMINAL_CARD_ISSUED;
    case PURSE_BLOCKED:
        return STIVER_TERMINAL_CARD_BLOCKED;
    case PURSE_ENDED:
        break;
    }
    return STIVER_TERMINAL_CARD_ENDED;
}

static terminal_status personalise(struct work *work)
{
    struct card_state state;
    struct reply reply;
    terminal_status status = terminal_may_talk(work->session.terminal, work->session.result);
    if (status == STIVER_TERMINAL_OK)
        status = terminal_may_act(work->session.terminal, CLASS_PERSONALISE);
    if (status == STIVER_TERMINAL_OK)
        status = request_select(&work->session, &reply);
    if (status == STIVER_TERMINAL_OK)
        status = session_state(&work->session, &state);
    return status == STIVER_TERMINAL_OK ? from_state(work, &state) : status;
}

terminal_status stiver_terminal_personalise(struct stiver_terminal *terminal,
                                            struct card_reader *reader,
                                            const struct stiver_terminal_personalisation *with,
                                            struct stiver_terminal_result *result)
{
    memset(result, 0, sizeof *result);
    terminal->last_count = (struct terminal_count){0, 0};
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL)
        return result_end(result, STIVER_TERMINAL_MEMORY);
    work->with = with;
    work->session.terminal = terminal;
    work->session.reader = reader;
    work->session.result = result;
    terminal_status status = personalise(work);
    secure_close(&work->session.channel);
    bytes_wipe(work, sizeof *work);
    free(work);
    return result_end(result, status);
}
