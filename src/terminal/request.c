/* SPDX-License-Identifier: Apache-2.0 */
/* One command to the card and its answer, in the clear or inside the channel. */
#include <stdio.h>
#include <string.h>

#include "base/tlv.h"
#include "terminal/internal.h"

#define INS_SELECT 0xA4u
#define SELECT_BY_AID 0x04u
#define TAG_FCI 0x6Fu
#define TAG_AID 0x84u
#define TAG_PROPRIETARY 0xA5u
#define LE_SHORT 256u
#define LE_EXTENDED 0x10000u

struct sent {
    const char *name;
    bool is_secret; /* a PIN is in it: the trace sees zeros */
    const struct apdu_command *plain;
    uint8_t command[APDU_BYTES_MAX];
    size_t command_bytes;
    uint8_t response[APDU_BYTES_MAX];
    size_t response_bytes;
};

/* ---- trace ---- */

static size_t traced_command(const struct sent *sent, uint8_t out[APDU_BYTES_MAX])
{
    static const uint8_t zeros[APDU_BYTES_MAX];
    struct apdu_command shown = *sent->plain;
    if (sent->is_secret)
        shown.data = zeros;
    return apdu_encode(&shown, out, APDU_BYTES_MAX);
}

static void trace(const struct stiver_terminal *terminal, const struct sent *sent,
                  const struct reply *reply, bool is_protected)
{
    uint8_t command[APDU_BYTES_MAX], response[APDU_BYTES_MAX + APDU_SW_BYTES];
    if (terminal->environment.trace == NULL)
        return;
    struct writer w = writer_of(response, sizeof response);
    if (sent->response_bytes != 0) {
        writer_bytes(&w, reply->data, reply->bytes);
        if (sent->is_secret)
            memset(response, 0, reply->bytes);
        writer_u16(&w, reply->word);
    }
    const struct stiver_terminal_exchange exchange = {
        .command = sent->name,
        .plain_command = command,
        .plain_command_bytes = traced_command(sent, command),
        .sent_command = sent->command,
        .sent_command_bytes = sent->command_bytes,
        .plain_response = response,
        .plain_response_bytes = w.used,
        .received_response = sent->response,
        .received_response_bytes = sent->response_bytes,
        .is_protected = is_protected,
    };
    terminal->environment.trace(terminal->environment.trace_context, &exchange);
}

/* ---- exchange ---- */

static terminal_status reader_failed(struct stiver_terminal_result *result,
                                     enum reader_status status)
{
    result->reader = (int)status;
    snprintf(result->detail, sizeof result->detail, "%s", reader_status_text(status));
    return STIVER_TERMINAL_READER;
}

static terminal_status exchange(struct stiver_terminal_session *session, struct sent *sent)
{
    struct stiver_terminal_result *result = session->result;
    result->command = sent->name;
    result->word = 0;
    result->word_is_proven = false;
    session->count.apdus++;
    enum reader_status status =
        card_reader_transmit(session->reader, sent->command, sent->command_bytes, sent->response,
                             sizeof sent->response, &sent->response_bytes);
    session->count.bytes += sent->command_bytes + sent->response_bytes;
    session->terminal->last_count = session->count;
    return status == READER_OK ? STIVER_TERMINAL_OK : reader_failed(result, status);
}

static uint16_t last_word(const uint8_t *response, size_t bytes)
{
    struct reader r = reader_of(response + bytes - APDU_SW_BYTES, APDU_SW_BYTES);
    return reader_u16(&r);
}

static void understand(struct stiver_terminal_session *session, struct reply *reply,
                       bool in_channel)
{
    reply->status = STATUS_FAILED;
    reply->is_known = status_of_word(reply->word, in_channel, &reply->status);
    session->result->word = reply->word;
    session->result->word_is_proven = in_channel;
}

/* ---- in the clear ---- */

static terminal_status send_clear(struct stiver_terminal_session *session, struct sent *sent,
                                  struct reply *reply)
{
    memset(reply, 0, sizeof *reply);
    sent->command_bytes = apdu_encode(sent->plain, sent->command, sizeof sent->command);
    if (sent->command_bytes == 0)
        return STIVER_TERMINAL_INTERNAL;
    terminal_status status = exchange(session, sent);
    if (status == STIVER_TERMINAL_OK) {
        reply->bytes = sent->response_bytes - APDU_SW_BYTES;
        memcpy(session->response, sent->response, reply->bytes);
        reply->data = session->response;
        reply->word = last_word(sent->response, sent->response_bytes);
        understand(session, reply, false);
    }
    trace(session->terminal, sent, reply, false);
    return status;
}

/* 6F { 84 AID A5 ... }: other cards answer 9000 to a name that they do not know. */
static bool is_purse(const struct reply *reply)
{
    struct reader r = reader_of(reply->data, reply->bytes);
    struct reader fci = tlv_expect(&r, TAG_FCI);
    struct reader aid = tlv_expect(&fci, TAG_AID);
    return reader_done(&r) && !fci.failed && aid.left == PURSE_AID_BYTES &&
           bytes_equal(aid.at, purse_aid, PURSE_AID_BYTES);
}

terminal_status request_select(struct stiver_terminal_session *session, struct reply *reply)
{
    const struct apdu_command plain = {.ins = INS_SELECT,
                                       .p1 = SELECT_BY_AID,
                                       .data = purse_aid,
                                       .lc = PURSE_AID_BYTES,
                                       .le = LE_SHORT};
    struct sent sent = {.name = "SELECT", .plain = &plain};
    secure_close(&session->channel);
    terminal_status status = send_clear(session, &sent, reply);
    if (status != STIVER_TERMINAL_OK)
        return status;
    bool is_there = reply->is_known && reply->status == STATUS_OK && is_purse(reply);
    return is_there ? STIVER_TERMINAL_OK : STIVER_TERMINAL_NOT_THIS_KIND;
}

/* Longer than a short Le can ask for: a certificate, a key statement. */
static uint32_t expected(enum command command)
{
    if (!command_rows[command].answers)
        return 0;
    return command == COMMAND_GET_CERTIFICATE || command == COMMAND_INITIALIZE ? LE_EXTENDED
                                                                               : LE_SHORT;
}

static struct apdu_command plain_command(enum command command, uint8_t p1, const uint8_t *data,
                                         size_t bytes)
{
    const struct command_row *row = &command_rows[command];
    return (struct apdu_command){
        .cla = row->cla,
        .ins = row->ins,
        .p1 = row->rule == P1P2_EXACT ? row->p1 : p1,
        .p2 = row->p2,
        .data = data,
        .lc = bytes,
    };
}

terminal_status request_clear(struct stiver_terminal_session *session, enum command command,
                              uint8_t p1, const uint8_t *data, size_t bytes, struct reply *reply)
{
    struct apdu_command plain = plain_command(command, p1, data, bytes);
    struct sent sent = {.name = command_rows[command].name, .plain = &plain};
    plain.le = expected(command);
    return send_clear(session, &sent, reply);
}

/* ---- in the channel ---- */

static terminal_status of_channel(enum channel_status status)
{
    switch (status) {
    case CHANNEL_OK:
        return STIVER_TERMINAL_OK;
    case CHANNEL_FAILED:
        return STIVER_TERMINAL_CRYPTO;
    case CHANNEL_SIZE:
    case CHANNEL_CLOSED:
    case CHANNEL_REJECTED:
    case CHANNEL_BARE:
    case CHANNEL_MALFORMED:
        break;
    }
    return STIVER_TERMINAL_LINK_BROKEN;
}

static terminal_status receive(struct stiver_terminal_session *session, struct sent *sent,
                               struct reply *reply)
{
    uint16_t word = 0;
    terminal_status status = of_channel(
        secure_unwrap_response(&session->channel, sent->response, sent->response_bytes,
                               session->response, sizeof session->response, &reply->bytes, &word));
    reply->word = word;
    if (status == STIVER_TERMINAL_OK) {
        reply->data = session->response;
        understand(session, reply, true);
    } else {
        /* Whatever the word is, nobody vouches for it. */
        reply->bytes = 0;
        reply->word = last_word(sent->response, sent->response_bytes);
        session->result->word = reply->word;
    }
    return status;
}

static bool has_secret(enum command command)
{
    return command == COMMAND_VERIFY_PIN || command == COMMAND_CHANGE_PIN ||
           command == COMMAND_READ_PIN;
}

terminal_status request_secure(struct stiver_terminal_session *session, enum command command,
                               uint8_t p1, const uint8_t *data, size_t bytes, struct reply *reply)
{
    struct apdu_command plain = plain_command(command, p1, data, bytes);
    struct sent sent = {
        .name = command_rows[command].name, .plain = &plain, .is_secret = has_secret(command)};
    memset(reply, 0, sizeof *reply);
    plain.le = LE_SHORT;
    terminal_status status = of_channel(secure_wrap_command(
        &session->channel, &plain, sent.command, sizeof sent.command, &sent.command_bytes));
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = exchange(session, &sent);
    if (status == STIVER_TERMINAL_OK)
        status = receive(session, &sent, reply);
    if (status != STIVER_TERMINAL_OK)
        secure_close(&session->channel);
    trace(session->terminal, &sent, reply, true);
    return status;
}

/* ---- refusals ---- */

terminal_status request_refusal(struct stiver_terminal_session *session, const struct reply *reply)
{
    static const terminal_status of[STATUS_COUNT] = {
        [STATUS_BALANCE] = STIVER_TERMINAL_BALANCE,
        [STATUS_AMOUNT] = STIVER_TERMINAL_ORDER,
        [STATUS_LIMIT] = STIVER_TERMINAL_AMOUNT_LIMIT,
        [STATUS_CURRENCY] = STIVER_TERMINAL_CARD_CURRENCY,
        [STATUS_ROLE] = STIVER_TERMINAL_ROLE,
        [STATUS_STATE] = STIVER_TERMINAL_CARD_NOT_ISSUED,
        [STATUS_PIN_REQUIRED] = STIVER_TERMINAL_PIN_REQUIRED,
        [STATUS_PIN_BLOCKED] = STIVER_TERMINAL_PIN_BLOCKED,
        [STATUS_ONLINE_REQUIRED] = STIVER_TERMINAL_ONLINE_REQUIRED,
        [STATUS_LOG_FULL] = STIVER_TERMINAL_LOG_FULL,
        [STATUS_TIME] = STIVER_TERMINAL_CLOCK,
        [STATUS_NUMBER_USED] = STIVER_TERMINAL_NUMBER_USED,
        [STATUS_ONCE] = STIVER_TERMINAL_ONCE,
        [STATUS_OTHER_CARD] = STIVER_TERMINAL_ORDER,
        [STATUS_COUNTER] = STIVER_TERMINAL_ORDER,
        [STATUS_FORGED] = STIVER_TERMINAL_ORDER,
        [STATUS_EXPIRED] = STIVER_TERMINAL_ORDER,
        [STATUS_OLD] = STIVER_TERMINAL_ORDER,
        /* Ours are right when they leave: the Le, which no MAC covers, was lost on the way. */
        [STATUS_LENGTH] = STIVER_TERMINAL_LINK_BROKEN,
        [STATUS_BALANCE_LIMIT] = STIVER_TERMINAL_BALANCE_LIMIT,
        [STATUS_EXHAUSTED] = STIVER_TERMINAL_EXHAUSTED,
    };
    if (reply->is_known && (unsigned)reply->status >= STATUS_PIN_WRONG) {
        session->result->tries = (unsigned)reply->status - STATUS_PIN_WRONG;
        return session->result->tries == 0 ? STIVER_TERMINAL_PIN_BLOCKED
                                           : STIVER_TERMINAL_PIN_WRONG;
    }
    if (reply->is_known && (unsigned)reply->status < STATUS_COUNT &&
        of[reply->status] != STIVER_TERMINAL_OK)
        return of[reply->status];
    return STIVER_TERMINAL_CARD_FAILED;
}
