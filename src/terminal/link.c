/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the bank and its answers, each under a tag that only the two can make. */
#include <stdlib.h>
#include <string.h>

#include "terminal/internal.h"

static terminal_status make_tag(const struct stiver_terminal *terminal, const char *info,
                                const uint8_t *bytes, size_t length, uint8_t tag[CMAC_BYTES])
{
    uint8_t secret[SHARED_SECRET_BYTES], key[AES_KEY_BYTES];
    const struct piece piece = {bytes, length};
    enum crypto_status status =
        crypto_agree(terminal->key.private_key, terminal->identity.link_key, secret);
    if (status == CRYPTO_OK)
        status = crypto_kdf_x963(secret, sizeof secret, (const uint8_t *)info, strlen(info), key,
                                 sizeof key);
    if (status == CRYPTO_OK)
        status = crypto_cmac(key, &piece, 1, tag);
    bytes_wipe(secret, sizeof secret);
    bytes_wipe(key, sizeof key);
    return status == CRYPTO_OK ? STIVER_TERMINAL_OK : STIVER_TERMINAL_CRYPTO;
}

static struct link_header header_of(const struct stiver_terminal *terminal, enum link_type type,
                                    const uint8_t id[LINK_ID_BYTES])
{
    struct link_header header = {.type = type, .scheme = terminal->identity.anchors.scheme};
    memcpy(header.terminal, terminal->identity.number, sizeof header.terminal);
    memcpy(header.id, id, sizeof header.id);
    return header;
}

terminal_status link_request_make(const struct stiver_terminal *terminal, enum link_type type,
                                  const uint8_t id[LINK_ID_BYTES], const uint8_t *body,
                                  size_t bytes, struct stiver_terminal_bytes *request)
{
    const size_t total = LINK_HEADER_BYTES + bytes + CMAC_BYTES;
    const struct link_header header = header_of(terminal, type, id);
    if (total > LINK_BYTES_MAX)
        return STIVER_TERMINAL_INTERNAL;
    request->data = malloc(total);
    if (request->data == NULL)
        return STIVER_TERMINAL_MEMORY;
    struct writer w = writer_of(request->data, total);
    link_header_encode(&header, false, &w);
    writer_bytes(&w, body, bytes);
    request->length = total;
    terminal_status status =
        make_tag(terminal, LINK_INFO_REQUEST, request->data, w.used, request->data + w.used);
    if (status != STIVER_TERMINAL_OK)
        stiver_terminal_bytes_free(request);
    return status;
}

/* ---- answers ---- */

static terminal_status check_tag(const struct stiver_terminal *terminal, const uint8_t *answer,
                                 size_t bytes)
{
    uint8_t tag[CMAC_BYTES];
    if (bytes < LINK_HEADER_BYTES + 1 + CMAC_BYTES || bytes > LINK_BYTES_MAX)
        return STIVER_TERMINAL_BANK_FORGED;
    terminal_status status = make_tag(terminal, LINK_INFO_ANSWER, answer, bytes - CMAC_BYTES, tag);
    if (status == STIVER_TERMINAL_OK &&
        !bytes_equal_ct(tag, answer + bytes - CMAC_BYTES, CMAC_BYTES))
        status = STIVER_TERMINAL_BANK_FORGED;
    return status;
}

/* The bank's sentence, cut to what fits, without control characters. */
static void take_sentence(const struct reader *r, char *detail)
{
    size_t bytes =
        r->left < STIVER_TERMINAL_DETAIL_BYTES - 1 ? r->left : STIVER_TERMINAL_DETAIL_BYTES - 1;
    if (detail == NULL)
        return;
    while (bytes < r->left && bytes > 0 && (r->at[bytes] & 0xC0) == 0x80)
        bytes--; /* no half of a UTF-8 character */
    for (size_t i = 0; i < bytes; i++)
        detail[i] = r->at[i] < 0x20 || r->at[i] == 0x7F ? ' ' : (char)r->at[i];
    detail[bytes] = '\0';
}

static terminal_status take_result(struct reader *r, char *detail)
{
    switch ((enum link_result)reader_u8(r)) {
    case LINK_OK:
        return STIVER_TERMINAL_OK;
    case LINK_REFUSED:
    case LINK_CONFLICT:
        take_sentence(r, detail);
        return STIVER_TERMINAL_BANK_REFUSED;
    case LINK_RETRY:
        take_sentence(r, detail);
        return STIVER_TERMINAL_BANK_RETRY;
    }
    return STIVER_TERMINAL_BANK_ANSWER;
}

terminal_status link_answer_open(const struct stiver_terminal *terminal, enum link_type type,
                                 const uint8_t id[LINK_ID_BYTES], const uint8_t *answer,
                                 size_t bytes, struct reader *body, char *detail)
{
    struct link_header header;
    const struct link_header expected = header_of(terminal, type, id);
    terminal_status status = check_tag(terminal, answer, bytes);
    if (status != STIVER_TERMINAL_OK)
        return status;
    struct reader r = reader_of(answer, bytes - CMAC_BYTES);
    if (!link_header_decode(&r, true, &header) || header.scheme != expected.scheme ||
        !bytes_equal(header.terminal, expected.terminal, sizeof header.terminal))
        return STIVER_TERMINAL_BANK_ANSWER;
    if (header.type != expected.type || !bytes_equal(header.id, expected.id, sizeof header.id))
        return STIVER_TERMINAL_OTHER_REQUEST;
    status = take_result(&r, detail);
    *body = r;
    return status;
}

/* ---- both over a link ---- */

/* The link's own memory is copied, so that there is one way to free an answer. */
static terminal_status carry(const struct stiver_terminal_link *link,
                             const struct stiver_terminal_bytes *request,
                             struct stiver_terminal_bytes *answer)
{
    uint8_t *lent = NULL;
    size_t bytes = 0;
    if (link == NULL || !link->answer(link->context, request->data, request->length, &lent, &bytes))
        return STIVER_TERMINAL_NO_LINK;
    terminal_status status = STIVER_TERMINAL_BANK_FORGED;
    if (lent != NULL && bytes > 0 && bytes <= LINK_BYTES_MAX) {
        answer->data = malloc(bytes);
        status = answer->data == NULL ? STIVER_TERMINAL_MEMORY : STIVER_TERMINAL_OK;
    }
    if (answer->data != NULL) {
        memcpy(answer->data, lent, bytes);
        answer->length = bytes;
    }
    if (link->release != NULL)
        link->release(link->context, lent);
    return status;
}

terminal_status link_ask(const struct stiver_terminal *terminal,
                         const struct stiver_terminal_link *link, enum link_type type,
                         const uint8_t *body, size_t bytes, struct stiver_terminal_bytes *answer,
                         struct reader *opened, char *detail)
{
    uint8_t id[LINK_ID_BYTES];
    struct stiver_terminal_bytes request = {NULL, 0};
    *answer = (struct stiver_terminal_bytes){NULL, 0};
    if (crypto_random(id, sizeof id) != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    terminal_status status = link_request_make(terminal, type, id, body, bytes, &request);
    if (status == STIVER_TERMINAL_OK)
        status = carry(link, &request, answer);
    stiver_terminal_bytes_free(&request);
    if (status == STIVER_TERMINAL_OK)
        status = link_answer_open(terminal, type, id, answer->data, answer->length, opened, detail);
    if (status != STIVER_TERMINAL_OK)
        stiver_terminal_bytes_free(answer);
    return status;
}

terminal_status link_carry(const struct stiver_terminal_link *link,
                           const struct stiver_terminal_bytes *request,
                           struct stiver_terminal_bytes *answer)
{
    *answer = (struct stiver_terminal_bytes){NULL, 0};
    return carry(link, request, answer);
}
