/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank's end of the link (scheme/link.h): who asks, is it really them, was it answered before;
 * then the one handler of the type, in one transaction with the answer that is kept for repeats. A
 * refused request undoes what its handler did; the refusal alone is kept.
 */
#include <stdlib.h>
#include <string.h>

#include "bank/inside.h"
#include "bank/order.h"
#include "bank/stock.h"
#include "bank/terminal.h"
#include "bank/upload.h"

#define ANSWER_HEAD_BYTES (LINK_HEADER_BYTES + 1u)

struct session {
    struct link_header header;
    struct terminal_record terminal;
    uint8_t request_hash[SHA256_BYTES];
    uint8_t answer_key[AES_KEY_BYTES];
    struct reader body;
    struct upload upload; /* of an upload */
    enum link_result result;
    struct store_blob reply;  /* the handler's body, owned */
    struct store_blob answer; /* the whole answer, owned */
};

/* ---- handlers: each fills session->reply ---- */

static enum stiver_bank_status load_order(struct stiver_bank *bank, struct session *session)
{
    struct reader body = session->body;
    uint8_t card[CARD_NUMBER_BYTES];
    reader_bytes(&body, card, sizeof card);
    uint32_t counter = reader_u32(&body), minor = reader_u32(&body);
    struct money amount = money_of(minor, reader_u16(&body));
    struct order_message message;
    if (!reader_done(&body))
        return STIVER_BANK_MALFORMED;
    enum stiver_bank_status status =
        order_load(bank, &session->terminal, card, counter, amount, &message);
    return status == STIVER_BANK_OK ? bank_blob_set(&session->reply, message.bytes, message.length)
                                    : status;
}

static enum stiver_bank_status stock(struct stiver_bank *bank, struct session *session)
{
    uint8_t answer[STOCK_ANSWER_BYTES_MAX];
    struct writer w = writer_of(answer, sizeof answer);
    if (session->body.left != SERIAL_BYTES)
        return STIVER_BANK_MALFORMED;
    enum stiver_bank_status status = stock_challenge(bank, session->body.at, &w);
    return status == STIVER_BANK_OK ? bank_blob_set(&session->reply, answer, w.used) : status;
}

static enum stiver_bank_status certify(struct stiver_bank *bank, struct session *session)
{
    uint8_t answer[CERTIFY_ANSWER_BYTES_MAX];
    struct writer w = writer_of(answer, sizeof answer);
    if (session->body.left != STATEMENT_ANSWER_BYTES)
        return STIVER_BANK_MALFORMED;
    enum stiver_bank_status status = stock_certify(bank, session->body.at, &w);
    if (status == STIVER_BANK_OK && w.failed)
        return STIVER_BANK_INTERNAL;
    return status == STIVER_BANK_OK ? bank_blob_set(&session->reply, answer, w.used) : status;
}

static enum stiver_bank_status upload(struct stiver_bank *bank, struct session *session)
{
    free(session->reply.data);
    session->reply = (struct store_blob){0};
    return upload_book(bank, &session->upload, &session->reply);
}

static const struct {
    enum stiver_bank_status (*handle)(struct stiver_bank *, struct session *);
    uint8_t roles;    /* bits of terminal_role */
    uint16_t classes; /* that the terminal must have; 0: none */
    bool if_listed;   /* a listed terminal may still do this */
} handlers[] = {
    [LINK_LOAD_ORDER] = {load_order, 1u << ROLE_KIOSK | 1u << ROLE_DESK, CLASS_LOAD, false},
    [LINK_UPLOAD] = {upload, 0x7E, 0, true},
    [LINK_STOCK] = {stock, 1u << ROLE_STATION, CLASS_PERSONALISE, false},
    [LINK_CERTIFY] = {certify, 1u << ROLE_STATION, CLASS_PERSONALISE, false},
};

static enum stiver_bank_status dispatch(struct stiver_bank *bank, struct session *session)
{
    enum link_type type = session->header.type;
    const struct terminal_record *terminal = &session->terminal;
    struct terminal_certificate_record newest;
    if (terminal->listed && !handlers[type].if_listed)
        return bank_say(bank, STIVER_BANK_LISTED, "this terminal is listed");
    if (!(handlers[type].roles >> terminal->role & 1u) ||
        (terminal->classes & handlers[type].classes) != handlers[type].classes)
        return bank_say(bank, STIVER_BANK_REFUSED, "this terminal's role does not permit this");
    enum stiver_bank_status status =
        bank_status_of_store(STORE(bank, terminal_certificate_newest, terminal->terminal, &newest));
    if (status != STIVER_BANK_OK)
        return status;
    /* Receipts come home even late; nothing else is for a terminal that was not renewed. */
    if (newest.end < bank_now(bank) && !handlers[type].if_listed)
        return bank_say(bank, STIVER_BANK_REFUSED,
                        "this terminal's certificate has ended: recertify it");
    return handlers[type].handle(bank, session);
}

/* ---- envelope ---- */

static enum stiver_bank_status write_answer(struct session *session)
{
    size_t capacity = ANSWER_HEAD_BYTES + session->reply.bytes + CMAC_BYTES;
    free(session->answer.data);
    session->answer = (struct store_blob){malloc(capacity), capacity};
    if (!session->answer.data)
        return STIVER_BANK_MEMORY;
    struct writer w = writer_of(session->answer.data, capacity);
    link_header_encode(&session->header, true, &w);
    writer_u8(&w, (uint8_t)session->result);
    if (session->reply.bytes)
        writer_bytes(&w, session->reply.data, session->reply.bytes);
    size_t covered = w.used;
    uint8_t *tag = writer_reserve(&w, CMAC_BYTES);
    if (!tag || !evp_cmac(session->answer_key, session->answer.data, covered, tag))
        return STIVER_BANK_CRYPTO;
    return STIVER_BANK_OK;
}

static enum stiver_bank_status keep_answer(struct stiver_bank *bank, struct session *session)
{
    struct answer_record record = {.time = bank_now(bank)};
    memcpy(record.terminal, session->header.terminal, sizeof record.terminal);
    memcpy(record.id, session->header.id, sizeof record.id);
    memcpy(record.request_hash, session->request_hash, sizeof record.request_hash);
    enum stiver_bank_status status = write_answer(session);
    if (status != STIVER_BANK_OK)
        return status;
    return bank_status_of_store(
        STORE(bank, answer_add, &record, session->answer.data, session->answer.bytes));
}

/* The answer that this request id got before. OK: session->answer is it; ALREADY: there is none. */
static enum stiver_bank_status earlier_answer(struct stiver_bank *bank, struct session *session)
{
    struct answer_record record;
    free(session->answer.data);
    session->answer = (struct store_blob){0};
    enum store_status stored = STORE(bank, answer_find, session->header.terminal,
                                     session->header.id, &record, &session->answer);
    if (stored == STORE_NONE)
        return STIVER_BANK_ALREADY;
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    if (bytes_equal(record.request_hash, session->request_hash, SHA256_BYTES))
        return STIVER_BANK_OK;
    return bank_say(bank, STIVER_BANK_CONFLICT, "this request id was used for another request");
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

static enum stiver_bank_status refusal_work(struct stiver_bank *bank, void *context)
{
    return keep_answer(bank, context);
}

/* Final refusals are kept under the request id; those that may pass are not. */
static enum link_result result_of(enum stiver_bank_status status)
{
    switch ((unsigned)status) {
    case STIVER_BANK_CONFLICT:
        return LINK_CONFLICT;
    case STIVER_BANK_RETRY:
    case STIVER_BANK_DAMAGED:
    case STIVER_BANK_DISK_FULL:
    case STIVER_BANK_PERMISSION:
    case STIVER_BANK_IO:
    case STIVER_BANK_MEMORY:
    case STIVER_BANK_KEY_MISSING:
    case STIVER_BANK_KEY_EXPIRED:
    case STIVER_BANK_PASSPHRASE:
    case STIVER_BANK_CRYPTO:
    case STIVER_BANK_INTERNAL:
        return LINK_RETRY;
    default:
        return LINK_REFUSED;
    }
}

static enum stiver_bank_status refuse(struct stiver_bank *bank, struct session *session,
                                      enum stiver_bank_status why)
{
    /* The id of an answered request keeps its answer, so this one is not kept. */
    bool is_kept = result_of(why) == LINK_REFUSED;
    char sentence[MESSAGE_BYTES];
    memcpy(sentence, bank->message, sizeof sentence);
    session->result = result_of(why);
    enum stiver_bank_status status =
        bank_blob_set(&session->reply, (const uint8_t *)sentence, strlen(sentence));
    if (status != STIVER_BANK_OK)
        return status;
    if (is_kept && bank_transact(bank, refusal_work, session) == STIVER_BANK_OK)
        return STIVER_BANK_OK;
    return write_answer(session);
}

/* Who asks, and that it is they. */
static enum stiver_bank_status authenticate(struct stiver_bank *bank, const uint8_t *request,
                                            size_t bytes, struct session *session)
{
    struct reader r = reader_of(request, bytes);
    uint8_t secret[SHARED_SECRET_BYTES], key[AES_KEY_BYTES], tag[CMAC_BYTES];
    if (bytes > LINK_BYTES_MAX || bytes < LINK_HEADER_BYTES + CMAC_BYTES ||
        !link_header_decode(&r, false, &session->header))
        return STIVER_BANK_MALFORMED;
    if (session->header.scheme != bank->settings.scheme)
        return STIVER_BANK_OTHER_SCHEME;
    enum store_status stored =
        STORE(bank, terminal_find, session->header.terminal, &session->terminal);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_UNKNOWN_TERMINAL : bank_status_of_store(stored);
    size_t covered = bytes - CMAC_BYTES;
    enum stiver_bank_status status = keyring_agree(&bank->keys, session->terminal.key, secret);
    if (status == STIVER_BANK_OK && !(evp_derive(secret, LINK_INFO_REQUEST, key) &&
                                      evp_derive(secret, LINK_INFO_ANSWER, session->answer_key) &&
                                      evp_cmac(key, request, covered, tag) &&
                                      evp_sha256(request, bytes, session->request_hash)))
        status = STIVER_BANK_CRYPTO;
    if (status == STIVER_BANK_OK && !bytes_equal_ct(tag, request + covered, CMAC_BYTES))
        status = STIVER_BANK_FORGED;
    bytes_wipe(secret, sizeof secret);
    bytes_wipe(key, sizeof key);
    session->body = reader_sub(&r, r.left - CMAC_BYTES);
    return status;
}

static enum stiver_bank_status serve(struct stiver_bank *bank, struct session *session)
{
    enum stiver_bank_status status = STIVER_BANK_OK;
    if (session->header.type == LINK_UPLOAD) {
        struct reader body = session->body;
        status = upload_open(bank, &session->terminal, &body, &session->upload);
        if (status != STIVER_BANK_OK)
            (void)bank_say(bank, status, NULL);
    }
    if (status == STIVER_BANK_OK)
        status = bank_transact(bank, answer_work, session);
    return status == STIVER_BANK_OK ? status : refuse(bank, session, status);
}

enum stiver_bank_status stiver_bank_link(struct stiver_bank *bank, const uint8_t *request,
                                         size_t request_bytes, struct stiver_bank_bytes *answer)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return bank_say(bank, STIVER_BANK_MEMORY, NULL);
    enum stiver_bank_status status = authenticate(bank, request, request_bytes, session);
    if (status == STIVER_BANK_OK)
        status = serve(bank, session);
    else
        (void)bank_say(bank, status, NULL);
    if (status == STIVER_BANK_OK) {
        *answer = (struct stiver_bank_bytes){session->answer.data, session->answer.bytes};
        session->answer.data = NULL;
    }
    upload_free(&session->upload);
    free(session->reply.data);
    free(session->answer.data);
    bytes_wipe(session->answer_key, sizeof session->answer_key);
    free(session);
    return status;
}
