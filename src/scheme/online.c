/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/online.h"

#include "scheme/receipt.h"
#include "scheme/working_key.h"

void request_encode(const struct request *request, uint8_t out[REQUEST_BYTES - SIGNATURE_BYTES])
{
    struct writer w = writer_of(out, REQUEST_BYTES - SIGNATURE_BYTES);
    document_header(&w, DOCUMENT_REQUEST, request->scheme);
    writer_bytes(&w, request->card, CARD_NUMBER_BYTES);
    writer_u32(&w, request->card_counter);
    writer_bytes(&w, request->terminal, TERMINAL_NUMBER_BYTES);
    writer_u32(&w, request->terminal_counter);
    writer_bytes(&w, request->terminal_certificate, HOST_ID_BYTES);
    writer_u32(&w, request->merchant);
    writer_u32(&w, request->amount.minor);
    writer_u16(&w, request->amount.currency);
    writer_u32(&w, request->balance);
    writer_u32(&w, request->time);
    writer_bytes(&w, request->reference, REFERENCE_BYTES);
    writer_u8(&w, request->flags);
    writer_bytes(&w, request->nonce, RANDOM_BYTES);
}

/* A request for nothing is none. */
static bool request_is_sound(const struct request *request)
{
    return (request->flags & ~RECEIPT_FLAGS_KNOWN) == 0 && request->amount.minor != 0 &&
           request->amount.currency != 0;
}

enum document_status request_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                    struct request *request)
{
    *request = (struct request){.scheme = scheme};
    struct reader r = reader_of(bytes, length);
    enum document_status status = document_open(&r, DOCUMENT_REQUEST, scheme);
    if (status != DOCUMENT_OK)
        return status;
    reader_bytes(&r, request->card, CARD_NUMBER_BYTES);
    request->card_counter = reader_u32(&r);
    reader_bytes(&r, request->terminal, TERMINAL_NUMBER_BYTES);
    request->terminal_counter = reader_u32(&r);
    reader_bytes(&r, request->terminal_certificate, HOST_ID_BYTES);
    request->merchant = reader_u32(&r);
    request->amount.minor = reader_u32(&r);
    request->amount.currency = reader_u16(&r);
    request->balance = reader_u32(&r);
    request->time = reader_u32(&r);
    reader_bytes(&r, request->reference, REFERENCE_BYTES);
    request->flags = reader_u8(&r);
    reader_bytes(&r, request->nonce, RANDOM_BYTES);
    (void)reader_take(&r, SIGNATURE_BYTES);
    return reader_done(&r) && request_is_sound(request) ? DOCUMENT_OK : DOCUMENT_MALFORMED;
}

void answer_encode(const struct answer *answer, uint8_t out[ANSWER_BYTES - SIGNATURE_BYTES])
{
    struct writer w = writer_of(out, ANSWER_BYTES - SIGNATURE_BYTES);
    document_header(&w, DOCUMENT_ANSWER, answer->scheme);
    writer_bytes(&w, answer->request_hash, SHA256_BYTES);
    writer_u32(&w, answer->start);
    writer_u32(&w, answer->end);
    writer_u8(&w, (uint8_t)answer->decision);
    writer_u8(&w, answer->reason);
}

static bool answer_is_sound(const struct answer *answer)
{
    if (answer->start > answer->end)
        return false;
    return answer->decision == DECISION_REFUSED ||
           (answer->decision == DECISION_APPROVED && answer->reason == 0);
}

enum document_status answer_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                   struct answer *answer)
{
    *answer = (struct answer){.scheme = scheme};
    struct reader r = reader_of(bytes, length);
    enum document_status status = document_open(&r, DOCUMENT_ANSWER, scheme);
    if (status != DOCUMENT_OK)
        return status;
    reader_bytes(&r, answer->request_hash, SHA256_BYTES);
    answer->start = reader_u32(&r);
    answer->end = reader_u32(&r);
    answer->decision = (enum decision)reader_u8(&r);
    answer->reason = reader_u8(&r);
    (void)reader_take(&r, SIGNATURE_BYTES);
    return reader_done(&r) && answer_is_sound(answer) ? DOCUMENT_OK : DOCUMENT_MALFORMED;
}

/* The whole request, its signature included: the answer is for these bytes alone. */
static enum document_status answers_request(const struct primitives *p, const struct answer *answer,
                                            const uint8_t request[REQUEST_BYTES])
{
    const struct piece piece = {request, REQUEST_BYTES};
    uint8_t hash[SHA256_BYTES];
    if (!p->sha256(&piece, 1, hash))
        return DOCUMENT_FAILED;
    return bytes_equal(hash, answer->request_hash, SHA256_BYTES) ? DOCUMENT_OK : DOCUMENT_FORGED;
}

enum document_status answer_check(const struct primitives *p, const uint8_t *message, size_t length,
                                  uint32_t scheme, const struct certificate_authority *root,
                                  const uint8_t request[REQUEST_BYTES], struct answer *answer)
{
    if (length < ANSWER_BYTES)
        return DOCUMENT_MALFORMED;
    enum document_status status = answer_decode(message, ANSWER_BYTES, scheme, answer);
    if (status == DOCUMENT_OK)
        status = answers_request(p, answer, request);
    if (status != DOCUMENT_OK)
        return status;
    const struct working_claim claim = {.document_bytes = ANSWER_BYTES,
                                        .scheme = scheme,
                                        .start = answer->start,
                                        .kind = WORKING_ANSWER};
    struct certificate working;
    return working_key_check(p, message, length, &claim, root, &working);
}
