/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the bank, signed by the terminal; answers, signed by the back end. */
#include <stdlib.h>
#include <string.h>

#include "terminal/campus/internal.h"

terminal_status campus_link_make(const struct stiver_campus_terminal *terminal,
                                 enum campus_link_type type, const uint8_t id[LINK_ID_BYTES],
                                 const uint8_t *body, size_t bytes,
                                 struct stiver_terminal_bytes *request)
{
    const size_t total = CAMPUS_LINK_HEADER_BYTES + bytes + RSA_BYTES;
    struct campus_link_header header = {.type = type, .terminal = terminal->certificate.id};
    memcpy(header.id, id, LINK_ID_BYTES);
    if (total > CAMPUS_LINK_BYTES_MAX)
        return STIVER_TERMINAL_INTERNAL;
    request->data = malloc(total);
    if (request->data == NULL)
        return STIVER_TERMINAL_MEMORY;
    request->length = total;
    struct writer w = writer_of(request->data, total);
    campus_link_header_encode(&header, false, &w);
    writer_bytes(&w, body, bytes);
    const struct piece piece = {request->data, w.used};
    if (rsa_sign_sha256(terminal->key, terminal->key_bytes, &piece, 1, request->data + w.used) ==
        CRYPTO_OK)
        return STIVER_TERMINAL_OK;
    stiver_terminal_bytes_free(request);
    return STIVER_TERMINAL_CRYPTO;
}

/* ---- answers ---- */

static terminal_status check_signature(const struct stiver_campus_terminal *terminal,
                                       const uint8_t *answer, size_t bytes)
{
    if (bytes < CAMPUS_LINK_HEADER_BYTES + SHA256_BYTES + 1 + RSA_BYTES ||
        bytes > CAMPUS_LINK_BYTES_MAX)
        return STIVER_TERMINAL_BANK_FORGED;
    const struct piece piece = {answer, bytes - RSA_BYTES};
    return rsa_verify_sha256(terminal->back_end, &piece, 1, answer + piece.bytes) == CRYPTO_OK
               ? STIVER_TERMINAL_OK
               : STIVER_TERMINAL_BANK_FORGED;
}

/* The answer must be to this very request. */
static terminal_status check_header(enum campus_link_type type,
                                    const struct stiver_terminal_bytes *request, struct reader *r)
{
    struct campus_link_header asked, said;
    struct reader own = reader_of(request->data, request->length);
    const struct piece piece = {request->data, request->length};
    uint8_t hash[SHA256_BYTES];
    if (crypto_sha256(&piece, 1, hash) != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    if (!campus_link_header_decode(&own, false, &asked))
        return STIVER_TERMINAL_INTERNAL;
    if (!campus_link_header_decode(r, true, &said))
        return STIVER_TERMINAL_BANK_ANSWER;
    const uint8_t *of = reader_take(r, SHA256_BYTES);
    bool is_ours = of != NULL && said.type == type && said.terminal == asked.terminal &&
                   bytes_equal(said.id, asked.id, LINK_ID_BYTES) &&
                   bytes_equal(of, hash, sizeof hash);
    return is_ours ? STIVER_TERMINAL_OK : STIVER_TERMINAL_OTHER_REQUEST;
}

/* The bank's sentence, cut to what fits, without control characters. */
static void take_sentence(const struct reader *r, char *detail)
{
    size_t bytes =
        r->left < STIVER_TERMINAL_DETAIL_BYTES - 1 ? r->left : STIVER_TERMINAL_DETAIL_BYTES - 1;
    if (detail == NULL)
        return;
    for (size_t i = 0; i < bytes; i++)
        detail[i] = r->at[i] < 0x20 || r->at[i] == 0x7F ? ' ' : (char)r->at[i];
    detail[bytes] = '\0';
}

terminal_status campus_link_open(const struct stiver_campus_terminal *terminal,
                                 enum campus_link_type type,
                                 const struct stiver_terminal_bytes *request, const uint8_t *answer,
                                 size_t bytes, struct reader *body, char *detail)
{
    terminal_status status = check_signature(terminal, answer, bytes);
    if (status != STIVER_TERMINAL_OK)
        return status;
    *body = reader_of(answer, bytes - RSA_BYTES);
    status = check_header(type, request, body);
    if (status != STIVER_TERMINAL_OK)
        return status;
    switch (reader_u8(body)) {
    case LINK_OK:
        return STIVER_TERMINAL_OK;
    case LINK_REFUSED:
    case LINK_CONFLICT:
        take_sentence(body, detail);
        return STIVER_TERMINAL_BANK_REFUSED;
    case LINK_RETRY:
        take_sentence(body, detail);
        return STIVER_TERMINAL_BANK_RETRY;
    default:
        return STIVER_TERMINAL_BANK_ANSWER;
    }
}

terminal_status campus_link_ask(const struct stiver_campus_terminal *terminal,
                                const struct stiver_terminal_link *link, enum campus_link_type type,
                                const uint8_t *body, size_t bytes,
                                struct stiver_terminal_bytes *answer, struct reader *opened,
                                char *detail)
{
    struct stiver_terminal_bytes request = {NULL, 0};
    uint8_t id[LINK_ID_BYTES];
    *answer = (struct stiver_terminal_bytes){NULL, 0};
    if (crypto_random(id, sizeof id) != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    terminal_status status = campus_link_make(terminal, type, id, body, bytes, &request);
    if (status == STIVER_TERMINAL_OK)
        status = link_carry(link, &request, answer);
    if (status == STIVER_TERMINAL_OK)
        status = campus_link_open(terminal, type, &request, answer->data, answer->length, opened,
                                  detail);
    stiver_terminal_bytes_free(&request);
    return status;
}
