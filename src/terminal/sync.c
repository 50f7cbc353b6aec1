/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synchronisation: entries go up, each at least once, in a request that stays the same until its
 * answer was taken; answers, acknowledgements, list and certificate come down.
 */
#include <stdlib.h>
#include <string.h>

#include "terminal/journal.h"

/* ---- up ---- */

/* list sequence held 4 | count 4 | entries */
static terminal_status make_body(const struct stiver_terminal *terminal, struct writer *w,
                                 const uint8_t *entries, size_t bytes, uint32_t count)
{
    writer_u32(w, terminal->identity.list.head.sequence);
    writer_u32(w, count);
    writer_bytes(w, entries, bytes);
    return w->failed ? STIVER_TERMINAL_INTERNAL : STIVER_TERMINAL_OK;
}

static terminal_status make_request(struct stiver_terminal *terminal,
                                    const struct journal_upload *upload, const uint8_t *entries,
                                    size_t bytes, struct stiver_terminal_bytes *request)
{
    uint8_t *body = malloc(8 + bytes);
    if (body == NULL)
        return STIVER_TERMINAL_MEMORY;
    struct writer w = writer_of(body, 8 + bytes);
    terminal_status status = make_body(terminal, &w, entries, bytes, upload->count);
    if (status == STIVER_TERMINAL_OK)
        status = link_request_make(terminal, LINK_UPLOAD, upload->id, body, w.used, request);
    free(body);
    return status;
}

static terminal_status make_upload(struct stiver_terminal *terminal,
                                   struct stiver_terminal_bytes *request)
{
    struct journal_upload upload;
    uint8_t *entries = NULL;
    size_t bytes = 0;
    if (crypto_random(upload.id, sizeof upload.id) != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    terminal_status status =
        journal_upload_collect(terminal->journal, &entries, &bytes, &upload.count);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = make_request(terminal, &upload, entries, bytes, request);
    free(entries);
    if (status == STIVER_TERMINAL_OK)
        status = journal_upload_keep(terminal->journal, &upload, request);
    else
        db_rollback(terminal->journal);
    if (status != STIVER_TERMINAL_OK)
        stiver_terminal_bytes_free(request);
    return status;
}

terminal_status stiver_terminal_upload_make(struct stiver_terminal *terminal,
                                            struct stiver_terminal_bytes *request)
{
    struct journal_upload upload;
    *request = (struct stiver_terminal_bytes){NULL, 0};
    terminal_status status = terminal_is_enrolled(terminal);
    if (status == STIVER_TERMINAL_OK)
        status = journal_upload_pending(terminal->journal, &upload, request);
    if (status != STIVER_TERMINAL_OK || request->data != NULL)
        return status;
    return make_upload(terminal, request);
}

/* ---- down ---- */

/* What the terminal will be once the answer is in the journal. */
struct taken {
    struct journal_answer answer;
    struct held_list list;
    struct certificate certificate;
    uint8_t host_id[HOST_ID_BYTES];
};

/* Only that it is one, for that card: the answer's tag is the bank's, and the card looks at the
 * signature itself. */
static terminal_status check_acknowledgement(const struct identity *identity, const uint8_t *card,
                                             const struct reader *message)
{
    struct order order;
    size_t document_bytes = order_bytes(DOCUMENT_ACKNOWLEDGEMENT);
    bool is_one = message->left > document_bytes && message->left <= ORDER_MESSAGE_BYTES_MAX &&
                  order_decode(message->at, document_bytes, identity->anchors.scheme, &order) ==
                      DOCUMENT_OK &&
                  order.kind == DOCUMENT_ACKNOWLEDGEMENT &&
                  bytes_equal(order.card, card, CARD_NUMBER_BYTES);
    return is_one ? STIVER_TERMINAL_OK : STIVER_TERMINAL_BANK_ANSWER;
}

static terminal_status read_acknowledgements(const struct identity *identity, struct reader *r,
                                             struct journal_answer *answer)
{
    terminal_status status = STIVER_TERMINAL_OK;
    answer->acknowledgements_count = reader_u32(r);
    answer->acknowledgements = *r;
    for (uint32_t i = 0; status == STIVER_TERMINAL_OK && i < answer->acknowledgements_count; i++) {
        const uint8_t *card = reader_take(r, CARD_NUMBER_BYTES);
        struct reader message = link_field_read(r);
        if (r->failed)
            return STIVER_TERMINAL_BANK_ANSWER;
        status = check_acknowledgement(identity, card, &message);
    }
    return status;
}

/* A list that is not newer than ours is left out; it is no reason to refuse the rest. */
static terminal_status read_list(const struct identity *identity, const struct reader *field,
                                 struct taken *taken)
{
    if (field->left == 0)
        return STIVER_TERMINAL_OK;
    terminal_status status =
        identity_check_list(identity, (struct piece){field->at, field->left}, &taken->list);
    if (status != STIVER_TERMINAL_OK)
        return status;
    const struct list_head *old = &identity->list.head, *new = &taken->list.head;
    if (new->sequence < old->sequence || new->end < old->end) {
        free(taken->list.file);
        memset(&taken->list, 0, sizeof taken->list);
        return STIVER_TERMINAL_OK;
    }
    taken->answer.list = (struct piece){taken->list.file, taken->list.bytes};
    return STIVER_TERMINAL_OK;
}

/* One that does not verify here is left out too: it may be under an authority that a package will
 * bring, and the answer's tag says that the rest is the bank's. */
static terminal_status read_certificate(const struct stiver_terminal *terminal,
                                        const struct reader *field, struct taken *taken)
{
    const struct identity *identity = &terminal->identity;
    const struct piece bytes = {field->at, field->left};
    if (field->left == 0 || (bytes.bytes == identity->certificate_length &&
                             bytes_equal(bytes.data, identity->certificate_bytes, bytes.bytes)))
        return STIVER_TERMINAL_OK;
    terminal_status status =
        identity_check_certificate(identity, bytes, terminal->key.public_key, &taken->certificate);
    if (status == STIVER_TERMINAL_PACKAGE)
        return STIVER_TERMINAL_OK;
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (taken->certificate.end < identity->certificate.end)
        return STIVER_TERMINAL_OK;
    if (certificate_host_id(&crypto_primitives, bytes.data, bytes.bytes, taken->host_id) !=
        DOCUMENT_OK)
        return STIVER_TERMINAL_CRYPTO;
    taken->answer.certificate = bytes;
    taken->answer.host_id = taken->host_id;
    return STIVER_TERMINAL_OK;
}

static terminal_status read_answer(const struct stiver_terminal *terminal, struct reader *r,
                                   uint32_t count, struct taken *taken)
{
    taken->answer.highest = reader_u32(r);
    if (reader_u32(r) != count)
        return STIVER_TERMINAL_BANK_ANSWER;
    taken->answer.results = reader_take(r, count);
    if (r->failed || taken->answer.highest > COUNTER_MAX)
        return STIVER_TERMINAL_BANK_ANSWER;
    terminal_status status = read_acknowledgements(&terminal->identity, r, &taken->answer);
    struct reader list = link_field_read(r);
    struct reader certificate = link_field_read(r);
    if (status == STIVER_TERMINAL_OK && !reader_done(r))
        status = STIVER_TERMINAL_BANK_ANSWER;
    if (status == STIVER_TERMINAL_OK)
        status = read_certificate(terminal, &certificate, taken);
    return status == STIVER_TERMINAL_OK ? read_list(&terminal->identity, &list, taken) : status;
}

static void tell(const struct journal_answer *answer, uint32_t count,
                 struct stiver_terminal_sync *sync)
{
    unsigned *of[] = {&sync->booked, &sync->already, &sync->suspense, &sync->rejected};
    sync->rounds++;
    for (uint32_t i = 0; i < count; i++)
        if (answer->results[i] < sizeof of / sizeof of[0])
            ++*of[answer->results[i]];
    sync->acknowledgements += answer->acknowledgements_count;
    sync->new_list |= answer->list.bytes != 0;
    sync->new_certificate |= answer->certificate.bytes != 0;
}

/* Into the handle what is in the journal by now. */
static void become(struct stiver_terminal *terminal, struct taken *taken)
{
    struct identity *identity = &terminal->identity;
    terminal->is_in_doubt = false;
    if (taken->answer.certificate.bytes != 0) {
        memcpy(identity->certificate_bytes, taken->answer.certificate.data,
               taken->answer.certificate.bytes);
        identity->certificate_length = taken->answer.certificate.bytes;
        identity->certificate = taken->certificate;
        memcpy(identity->host_id, taken->host_id, HOST_ID_BYTES);
    }
    if (taken->list.file != NULL) {
        free(identity->list.file);
        identity->list = taken->list;
        taken->list.file = NULL;
    }
}

static terminal_status take(struct stiver_terminal *terminal, const struct journal_upload *upload,
                            struct reader *body, struct stiver_terminal_sync *sync)
{
    struct taken taken;
    memset(&taken, 0, sizeof taken);
    terminal_status status = read_answer(terminal, body, upload->count, &taken);
    if (status == STIVER_TERMINAL_OK)
        status = journal_upload_take(terminal->journal, upload, &taken.answer);
    if (status == STIVER_TERMINAL_OK) {
        tell(&taken.answer, upload->count, sync);
        become(terminal, &taken);
    }
    free(taken.list.file);
    return status;
}

static terminal_status count_left(struct stiver_terminal *terminal,
                                  struct stiver_terminal_sync *sync)
{
    struct stiver_terminal_info info;
    memset(&info, 0, sizeof info);
    terminal_status status = journal_counts(terminal->journal, &info);
    sync->left = info.to_upload;
    return status;
}

terminal_status stiver_terminal_upload_take(struct stiver_terminal *terminal, const uint8_t *answer,
                                            size_t answer_bytes, struct stiver_terminal_sync *sync,
                                            char *detail)
{
    struct journal_upload upload;
    struct stiver_terminal_bytes request;
    struct reader body;
    terminal_status status = terminal_is_enrolled(terminal);
    if (status == STIVER_TERMINAL_OK)
        status = journal_upload_pending(terminal->journal, &upload, &request);
    if (status != STIVER_TERMINAL_OK)
        return status;
    bool is_waiting = request.data != NULL;
    stiver_terminal_bytes_free(&request);
    if (!is_waiting)
        return STIVER_TERMINAL_OTHER_REQUEST;
    status =
        link_answer_open(terminal, LINK_UPLOAD, upload.id, answer, answer_bytes, &body, detail);
    if (status == STIVER_TERMINAL_OK)
        status = take(terminal, &upload, &body, sync);
    return status == STIVER_TERMINAL_OK ? count_left(terminal, sync) : status;
}

terminal_status stiver_terminal_synchronise(struct stiver_terminal *terminal,
                                            const struct stiver_terminal_link *link,
                                            struct stiver_terminal_sync *sync, char *detail)
{
    terminal_status status;
    memset(sync, 0, sizeof *sync);
    do {
        struct stiver_terminal_bytes request, answer;
        status = stiver_terminal_upload_make(terminal, &request);
        if (status != STIVER_TERMINAL_OK)
            return status;
        status = link_carry(link, &request, &answer);
        stiver_terminal_bytes_free(&request);
        if (status == STIVER_TERMINAL_OK)
            status =
                stiver_terminal_upload_take(terminal, answer.data, answer.length, sync, detail);
        stiver_terminal_bytes_free(&answer);
    } while (status == STIVER_TERMINAL_OK && sync->left > 0);
    return status;
}
