/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A contact with a card: select, authenticate, settle what is open, look at the list. A terminal
 * tries the short way first (both remember each other); whatever goes wrong there leads to the long
 * way, once.
 */
#include <stdlib.h>
#include <string.h>

#include "terminal/journal.h"

/* ---- the clear ---- */

terminal_status session_state(struct stiver_terminal_session *session, struct card_state *state)
{
    struct reply reply;
    terminal_status status = request_clear(session, COMMAND_GET_STATE, 0, NULL, 0, &reply);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (reply.word != status_word(STATUS_OK, false) ||
        !card_state_decode(reply.data, reply.bytes, state))
        return STIVER_TERMINAL_CARD_ANSWER;
    return STIVER_TERMINAL_OK;
}

terminal_status session_block_receipt(struct stiver_terminal_session *session,
                                      uint8_t document[RECEIPT_BYTES], struct receipt *receipt)
{
    struct reply reply;
    uint32_t scheme = session->terminal->identity.anchors.scheme;
    terminal_status status = request_clear(session, COMMAND_GET_BLOCK_RECEIPT, 0, NULL, 0, &reply);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (reply.bytes != RECEIPT_BYTES ||
        receipt_decode(reply.data, reply.bytes, scheme, receipt) != DOCUMENT_OK ||
        receipt->kind != DOCUMENT_BLOCK_RECEIPT ||
        !bytes_equal(receipt->card, session->card, CARD_NUMBER_BYTES) ||
        document_verify(&crypto_primitives, reply.data, reply.bytes,
                        session->certificate.receipt_key) != DOCUMENT_OK)
        return STIVER_TERMINAL_CARD_ANSWER;
    memcpy(document, reply.data, RECEIPT_BYTES);
    return STIVER_TERMINAL_OK;
}

/* Keeps the block receipt, if it verifies under the certificate of the card that was met. */
static terminal_status keep_block_receipt(struct stiver_terminal_session *session)
{
    uint8_t document[RECEIPT_BYTES];
    struct receipt receipt;
    bool is_kept = false;
    terminal_status status =
        journal_is_blocked(session->terminal->journal, session->card, &is_kept);
    if (status != STIVER_TERMINAL_OK || is_kept || session->certificate_length == 0)
        return status;
    status = session_block_receipt(session, document, &receipt);
    if (status != STIVER_TERMINAL_OK)
        return status;
    return journal_keep_foreign(
        session->terminal->journal, session->card, receipt.card_counter, document,
        (struct piece){session->certificate_bytes, session->certificate_length});
}

terminal_status session_explain(struct stiver_terminal_session *session, terminal_status otherwise)
{
    struct reply reply;
    struct card_state state;
    if (request_select(session, &reply) != STIVER_TERMINAL_OK ||
        session_state(session, &state) != STIVER_TERMINAL_OK)
        return otherwise;
    switch (state.state) {
    case PURSE_BLANK:
        return STIVER_TERMINAL_CARD_BLANK;
    case PURSE_PERSONALISED:
        return STIVER_TERMINAL_CARD_NOT_ISSUED;
    case PURSE_BLOCKED:
        /* Without its receipt it is blocked all the same. */
        return keep_block_receipt(session) == STIVER_TERMINAL_MEMORY ? STIVER_TERMINAL_MEMORY
                                                                     : STIVER_TERMINAL_CARD_BLOCKED;
    case PURSE_ENDED:
        return STIVER_TERMINAL_CARD_ENDED;
    case PURSE_ISSUED:
        break;
    }
    return state.scheme != session->terminal->identity.anchors.scheme ? STIVER_TERMINAL_OTHER_SCHEME
                                                                      : otherwise;
}

/* ---- whom we met ---- */

static terminal_status meet(struct stiver_terminal_session *session, const uint8_t *certificate,
                            size_t bytes)
{
    terminal_status status = identity_check_card(&session->terminal->identity, certificate, bytes,
                                                 &session->certificate, &session->is_test);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (certificate != session->certificate_bytes)
        memcpy(session->certificate_bytes, certificate, bytes);
    session->certificate_length = bytes;
    memcpy(session->card, session->certificate.subject, CARD_NUMBER_BYTES);
    return STIVER_TERMINAL_OK;
}

/* A card is named to the caller only when it has proven itself. */
static terminal_status proven(struct stiver_terminal_session *session)
{
    session->result->has_card = true;
    memcpy(session->result->card, session->card, CARD_NUMBER_BYTES);
    if (terminal_now(session->terminal) <= session->certificate.end)
        return STIVER_TERMINAL_OK;
    session->result->time = session->certificate.end;
    return STIVER_TERMINAL_CARD_EXPIRED;
}

/* ---- MUTUAL AUTHENTICATE ---- */

static terminal_status begin_host(struct stiver_terminal_session *session, struct scp11_host *host)
{
    return scp11_host_begin(host, session->host_id) == CHANNEL_OK ? STIVER_TERMINAL_OK
                                                                  : STIVER_TERMINAL_CRYPTO;
}

static terminal_status send_host(struct stiver_terminal_session *session,
                                 const struct scp11_host *host, struct reply *reply)
{
    return request_clear(session, COMMAND_MUTUAL_AUTHENTICATE, KVN_CARD_AGREEMENT, host->request,
                         host->request_bytes, reply);
}

/* Opens the channel with the card whose certificate is in the session. */
static terminal_status finish_host(struct stiver_terminal_session *session, struct scp11_host *host,
                                   const struct reply *reply)
{
    struct scp11_ids ids = {.scheme = session->terminal->identity.anchors.scheme};
    memcpy(ids.host_id, session->host_id, HOST_ID_BYTES);
    memcpy(ids.card, session->card, CARD_NUMBER_BYTES);
    if (scp11_host_handle(reply->data, reply->bytes, session->handle) != CHANNEL_OK)
        return STIVER_TERMINAL_CARD_ANSWER;
    enum channel_status status =
        scp11_host_finish(host, &session->channel, &ids, session->terminal->key.private_key,
                          session->certificate.key, reply->data, reply->bytes);
    if (status == CHANNEL_FAILED)
        return STIVER_TERMINAL_CRYPTO;
    return status == CHANNEL_OK ? STIVER_TERMINAL_OK : STIVER_TERMINAL_CARD_UNPROVEN;
}

/* ---- the short way ---- */

enum way { WAY_DONE, WAY_LONG };

/* The certificate that the card's handle leads to, if it still holds. */
static terminal_status recall(struct stiver_terminal_session *session, const struct reply *reply,
                              bool *found)
{
    uint8_t handle[HANDLE_BYTES];
    size_t bytes = 0;
    *found = false;
    if (scp11_host_handle(reply->data, reply->bytes, handle) != CHANNEL_OK)
        return STIVER_TERMINAL_OK;
    terminal_status status =
        journal_find_handle(session->terminal->journal, handle, session->certificate_bytes, &bytes);
    if (status != STIVER_TERMINAL_OK || bytes == 0)
        return status;
    *found = meet(session, session->certificate_bytes, bytes) == STIVER_TERMINAL_OK;
    return STIVER_TERMINAL_OK;
}

static terminal_status finish_short(struct stiver_terminal_session *session,
                                    struct scp11_host *host, const struct reply *reply,
                                    enum way *way)
{
    bool found = false;
    terminal_status status = recall(session, reply, &found);
    *way = WAY_LONG;
    if (status != STIVER_TERMINAL_OK || !found)
        return status;
    status = finish_host(session, host, reply);
    if (status == STIVER_TERMINAL_OK)
        *way = WAY_DONE;
    return status == STIVER_TERMINAL_CARD_UNPROVEN ? STIVER_TERMINAL_OK : status;
}

static terminal_status go_short(struct stiver_terminal_session *session, enum way *way)
{
    struct scp11_host host;
    struct reply reply;
    *way = WAY_LONG;
    terminal_status status = begin_host(session, &host);
    if (status == STIVER_TERMINAL_OK)
        status = send_host(session, &host, &reply);
    if (status == STIVER_TERMINAL_OK) {
        if (reply.word == status_word(STATUS_OK, false)) {
            status = finish_short(session, &host, &reply, way);
            /* The card has opened a channel that we cannot use: SELECT closes it. */
            if (status == STIVER_TERMINAL_OK && *way == WAY_LONG)
                status = request_select(session, &reply);
        } else if (reply.word != status_word(STATUS_REFERENCE, false)) {
            status = session_explain(session, STIVER_TERMINAL_CARD_ANSWER);
        }
    }
    scp11_host_end(&host);
    return status;
}

/* ---- the long way ---- */

static terminal_status show_certificate(struct stiver_terminal_session *session)
{
    const struct identity *identity = &session->terminal->identity;
    struct reply reply;
    terminal_status status =
        request_clear(session, COMMAND_VERIFY_CERTIFICATE, identity->anchors.authority_version,
                      identity->certificate_bytes, identity->certificate_length, &reply);
    if (status != STIVER_TERMINAL_OK || reply.word == status_word(STATUS_OK, false))
        return status;
    return session_explain(session, STIVER_TERMINAL_TERMINAL_REFUSED);
}

static terminal_status ask_certificate(struct stiver_terminal_session *session)
{
    struct reply reply;
    terminal_status status = request_clear(session, COMMAND_GET_CERTIFICATE, 0, NULL, 0, &reply);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (reply.word != status_word(STATUS_OK, false))
        return session_explain(session, STIVER_TERMINAL_CARD_ANSWER);
    return meet(session, reply.data, reply.bytes);
}

static terminal_status authenticate_stranger(struct stiver_terminal_session *session)
{
    struct scp11_host host;
    struct reply reply;
    terminal_status status = begin_host(session, &host);
    if (status == STIVER_TERMINAL_OK)
        status = send_host(session, &host, &reply);
    if (status == STIVER_TERMINAL_OK) {
        if (reply.word == status_word(STATUS_OK, false))
            status = finish_host(session, &host, &reply);
        else
            status = session_explain(session, STIVER_TERMINAL_TERMINAL_REFUSED);
    }
    scp11_host_end(&host);
    return status;
}

static terminal_status go_long(struct stiver_terminal_session *session)
{
    session->is_stranger = true;
    terminal_status status = show_certificate(session);
    if (status == STIVER_TERMINAL_OK)
        status = ask_certificate(session);
    if (status == STIVER_TERMINAL_OK)
        status = authenticate_stranger(session);
    return status;
}

terminal_status session_authenticate(struct stiver_terminal_session *session)
{
    struct reply reply;
    enum way way = WAY_LONG;
    const struct identity *own = &session->terminal->identity;
    session->certificate_length = 0;
    session->is_stranger = false;
    session->merchant = own->certificate.merchant;
    memcpy(session->host_id, own->host_id, HOST_ID_BYTES);
    terminal_status status = request_select(session, &reply);
    if (status == STIVER_TERMINAL_OK)
        status = go_short(session, &way);
    if (status == STIVER_TERMINAL_OK && way == WAY_LONG)
        status = go_long(session);
    return status == STIVER_TERMINAL_OK ? proven(session) : status;
}

/* ---- begin and end ---- */

static terminal_status begin(struct stiver_terminal_session *session)
{
    terminal_status status = session_authenticate(session);
    if (status == STIVER_TERMINAL_OK)
        status = recover_card(session);
    if (status == STIVER_TERMINAL_OK)
        status = block_if_listed(session);
    /* The bank still reads the log of a card that it blocks. */
    if (status == STIVER_TERMINAL_CARD_BLOCKED && session->certificate_length != 0 &&
        session->terminal->identity.certificate.role == ROLE_BANK)
        status = session_authenticate(session);
    return status;
}

terminal_status stiver_terminal_begin(struct stiver_terminal *terminal, struct card_reader *reader,
                                      struct stiver_terminal_session **session,
                                      struct stiver_terminal_result *result)
{
    memset(result, 0, sizeof *result);
    terminal->last_count = (struct terminal_count){0, 0};
    terminal_status status = terminal_may_talk(terminal, result);
    if (status != STIVER_TERMINAL_OK)
        return result_end(result, status);
    struct stiver_terminal_session *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return result_end(result, STIVER_TERMINAL_MEMORY);
    opened->terminal = terminal;
    opened->reader = reader;
    opened->result = result;
    status = begin(opened);
    if (status != STIVER_TERMINAL_OK)
        stiver_terminal_end(opened);
    else
        *session = opened;
    return result_end(result, status);
}

void stiver_terminal_end(struct stiver_terminal_session *session)
{
    if (session == NULL)
        return;
    secure_close(&session->channel);
    bytes_wipe(session, sizeof *session);
    free(session);
}

void stiver_terminal_count(const struct stiver_terminal_session *session, unsigned *apdus,
                           size_t *bytes)
{
    *apdus = session->count.apdus;
    *bytes = session->count.bytes;
}
