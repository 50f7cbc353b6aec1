/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank's end of the campus link (scheme/campus_link.h): who asks, did they sign it, was it
 * answered before; then the one handler of the type, in one transaction with the answer that is
 * kept for repeats. A refused request undoes what its handler did.
 */
#include <stdlib.h>
#include <string.h>

#include "bank/campus/inside.h"

#define ANSWER_HEAD_BYTES (CAMPUS_LINK_HEADER_BYTES + SHA256_BYTES + 1u)

struct session {
    struct campus_link_header header;
    struct campus_terminal_record terminal;
    uint8_t request_hash[SHA256_BYTES];
    struct reader body;
    struct campus_request upload; /* of an upload */
    enum link_result result;
    struct store_blob reply;  /* the handler's body, owned */
    struct store_blob answer; /* the whole answer, owned */
};

/* ---- handlers: each fills session->reply ---- */

static enum stiver_bank_status draw_card(struct stiver_bank *bank, struct session *session)
{
    struct campus_card_record card;
    uint8_t answer[8];
    struct writer w = writer_of(answer, sizeof answer);
    if (session->body.left != 0)
        return STIVER_BANK_MALFORMED;
    enum stiver_bank_status status = bank_campus_card_draw(bank, session->terminal.id, &card);
    writer_u32(&w, card.id);
    writer_u32(&w, card.end);
    return status == STIVER_BANK_OK ? bank_blob_set(&session->reply, answer, sizeof answer)
                                    : status;
}

static enum stiver_bank_status certify_card(struct stiver_bank *bank, struct session *session)
{
    struct reader body = session->body;
    struct campus_certificate c = {.id = reader_u32(&body), .usage = CAMPUS_USAGE_CARD};
    uint8_t signature[CAMPUS_RSA_BYTES];
    c.end = reader_u32(&body);
    reader_bytes(&body, c.modulus, sizeof c.modulus);
    if (!reader_done(&body))
        return STIVER_BANK_MALFORMED;
    enum stiver_bank_status status =
        bank_campus_card_certify(bank, session->terminal.id, &c, signature);
    return status == STIVER_BANK_OK ? bank_blob_set(&session->reply, signature, sizeof signature)
                                    : status;
}

static enum stiver_bank_status upload(struct stiver_bank *bank, struct session *session)
{
    free(session->reply.data);
    session->reply = (struct store_blob){0};
    return bank_campus_upload_book(bank, &session->upload, &session->reply);
}

static const struct {
    enum stiver_bank_status (*handle)(struct stiver_bank *, struct session *);
    bool is_station_s; /* else anybody's; receipts come home even late, and from the listed */
} handlers[] = {
    [CAMPUS_LINK_CARD] = {draw_card, true},
    [CAMPUS_LINK_CERTIFY] = {certify_card, true},
    [CAMPUS_LINK_UPLOAD] = {upload, false},
};

static enum stiver_bank_status dispatch(struct stiver_bank *bank, struct session *session)
{
    struct campus_terminal_record *terminal = &session->terminal;
    enum stiver_bank_status status =
        bank_status_of_store(CAMPUS(bank, terminal_find, session->header.terminal, terminal));
    if (status != STIVER_BANK_OK)
        return status;
    if (!handlers[session->header.type].is_station_s)
        return handlers[session->header.type].handle(bank, session);
    if (terminal->role != CAMPUS_ROLE_STATION)
        return bank_say(bank, STIVER_BANK_REFUSED, "this terminal's role does not permit this");
    if (terminal->listed)
        return bank_say(bank, STIVER_BANK_LISTED, "this terminal is listed");
    if (terminal->end < bank_now(bank))
        return bank_say(bank, STIVER_BANK_REFUSED, "this terminal's term has ended: recertify it");
    return handlers[session->header.type].handle(bank, session);
}

/* ---- envelope ---- */

static enum stiver_bank_status write_answer(struct stiver_bank *bank, struct session *session)
{
    size_t capacity = ANSWER_HEAD_BYTES + session->reply.bytes + CAMPUS_RSA_BYTES;
    uint8_t signature[CAMPUS_RSA_BYTES];
    free(session->answer.data);
    session->answer = (struct store_blob){malloc(capacity), capacity};
    if (!session->answer.data)
        return STIVER_BANK_MEMORY;
    struct writer w = writer_of(session->answer.data, capacity);
    campus_link_header_encode(&session->header, true, &w);
    writer_bytes(&w, session->request_hash, SHA256_BYTES);
    writer_u8(&w, (uint8_t)session->result);
    if (session->reply.bytes)
        writer_bytes(&w, session->reply.data, session->reply.bytes);
    enum stiver_bank_status status =
        bank_campus_sign(bank, RSA_SHA256, session->answer.data, w.used, signature);
    writer_bytes(&w, signature, sizeof signature);
    return status == STIVER_BANK_OK && w.failed ? STIVER_BANK_INTERNAL : status;
}

static enum stiver_bank_status keep_answer(struct stiver_bank *bank, void *context)
{
    struct session *session = context;
    enum stiver_bank_status status = write_answer(bank, session);
    if (status != STIVER_BANK_OK)
        return status;
    return bank_status_of_store(CAMPUS(bank, answer_add, session->header.terminal,
                                       session->header.id, session->request_hash, bank_now(bank),
                                       session->answer.data, session->answer.bytes));
}

/* The answer that this request got before. OK: session->answer is it; ALREADY: there is none. */
static enum stiver_bank_status earlier_answer(struct stiver_bank *bank, struct session *session)
{
    uint8_t hash[SHA256_BYTES];
    free(session->answer.data);
    session->answer = (struct store_blob){0};
    enum store_status stored = CAMPUS(bank, answer_find, session->header.terminal,
                                      session->header.id, hash, &session->answer);
    if (stored == STORE_NONE)
        return STIVER_BANK_ALREADY;
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    return bytes_equal(hash, session->request_hash, sizeof hash)
               ? STIVER_BANK_OK
               : bank_say(bank, STIVER_BANK_CONFLICT,
                          "this request id was used for another request");
}

static enum stiver_bank_status answer_work(struct stiver_bank *bank, void *context)
{
    struct session *session = context;
    enum stiver_bank_status status = earlier_answer(bank, session);
    if (status != STIVER_BANK_ALREADY)
        return status;
    session->result = LINK_OK;
    status = dispatch(bank, session);
    return status == STIVER_BANK_OK ? keep_answer(bank, session) : status;
}

/* Final refusals are kept under the request id; those that may pass are not. */
static enum link_result result_of(enum stiver_bank_status status)
{
    switch ((unsigned)status) {
    case STIVER_BANK_CONFLICT:
        return LINK_CONFLICT;
    case STIVER_BANK_REFUSED:
    case STIVER_BANK_LISTED:
    case STIVER_BANK_MALFORMED:
        return LINK_REFUSED;
    default:
        return LINK_RETRY;
    }
}

static enum stiver_bank_status refuse(struct stiver_bank *bank, struct session *session,
                                      enum stiver_bank_status why)
{
    /* The id of an answered request keeps its answer, so a conflict is not kept. */
    bool is_kept = result_of(why) == LINK_REFUSED;
    char sentence[MESSAGE_BYTES];
    memcpy(sentence, bank->message, sizeof sentence);
    session->result = result_of(why);
    enum stiver_bank_status status =
        bank_blob_set(&session->reply, (const uint8_t *)sentence, strlen(sentence));
    if (status != STIVER_BANK_OK)
        return status;
    if (is_kept && bank_transact(bank, keep_answer, session) == STIVER_BANK_OK)
        return STIVER_BANK_OK;
    status = write_answer(bank, session);
    return status == STIVER_BANK_OK ? status : bank_say(bank, status, NULL);
}

/* Who asks, and that it is they. */
static enum stiver_bank_status authenticate(struct stiver_bank *bank, const uint8_t *request,
                                            size_t bytes, struct session *session)
{
    struct reader r = reader_of(request, bytes);
    if (bytes > CAMPUS_LINK_BYTES_MAX || bytes < CAMPUS_LINK_HEADER_BYTES + CAMPUS_RSA_BYTES ||
        !campus_link_header_decode(&r, false, &session->header))
        return STIVER_BANK_MALFORMED;
    enum store_status stored =
        CAMPUS(bank, terminal_find, session->header.terminal, &session->terminal);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_UNKNOWN_TERMINAL : bank_status_of_store(stored);
    size_t covered = bytes - CAMPUS_RSA_BYTES;
    if (!evp_sha256(request, bytes, session->request_hash))
        return STIVER_BANK_CRYPTO;
    enum verdict verdict =
        evp_rsa_verify(session->terminal.modulus, RSA_SHA256, request, covered, request + covered);
    if (verdict != VERDICT_VALID)
        return verdict == VERDICT_UNKNOWN ? STIVER_BANK_CRYPTO : STIVER_BANK_FORGED;
    session->body = reader_sub(&r, r.left - CAMPUS_RSA_BYTES);
    return STIVER_BANK_OK;
}

static enum stiver_bank_status serve(struct stiver_bank *bank, struct session *session)
{
    enum stiver_bank_status status = STIVER_BANK_OK;
    if (session->header.type == CAMPUS_LINK_UPLOAD) {
        struct reader body = session->body;
        status = bank_campus_upload_open(bank, session->terminal.id, &body, &session->upload);
        if (status != STIVER_BANK_OK)
            (void)bank_say(bank, status, NULL);
    }
    if (status == STIVER_BANK_OK)
        status = bank_transact(bank, answer_work, session);
    return status == STIVER_BANK_OK ? status : refuse(bank, session, status);
}

enum stiver_bank_status stiver_campus_link(struct stiver_bank *bank, const uint8_t *request,
                                           size_t request_bytes, struct stiver_bank_bytes *answer)
{
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status != STIVER_BANK_OK)
        return status;
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return bank_say(bank, STIVER_BANK_MEMORY, NULL);
    status = authenticate(bank, request, request_bytes, session);
    if (status == STIVER_BANK_OK)
        status = serve(bank, session);
    else
        (void)bank_say(bank, status, NULL);
    if (status == STIVER_BANK_OK) {
        *answer = (struct stiver_bank_bytes){session->answer.data, session->answer.bytes};
        session->answer.data = NULL;
    }
    bank_campus_upload_free(&session->upload);
    free(session->reply.data);
    free(session->answer.data);
    free(session);
    return status;
}
