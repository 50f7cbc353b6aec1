/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts, outcomes and proofs of blocks go up, signed by the terminal; results, the list and a
 * new certificate come down. */
#include <stdlib.h>
#include <string.h>

#include "terminal/campus/journal.h"

/* ---- up ---- */

static uint64_t list_end(const struct stiver_campus_terminal *terminal)
{
    struct stiver_terminal_bytes file;
    struct campus_list list;
    if (campus_list_load(terminal, &file, &list) != STIVER_TERMINAL_OK)
        return 0; /* the bank then gives one */
    stiver_terminal_bytes_free(&file);
    return list.end_ms < terminal->list_floor_ms ? 0 : list.end_ms;
}

static terminal_status make_request(const struct stiver_campus_terminal *terminal,
                                    const uint8_t *entries, size_t bytes, uint32_t count,
                                    struct stiver_terminal_bytes *request)
{
    uint8_t id[LINK_ID_BYTES];
    const size_t capacity = 16 + bytes;
    uint8_t *body = malloc(capacity);
    if (body == NULL)
        return STIVER_TERMINAL_MEMORY;
    struct writer w = writer_of(body, capacity);
    writer_u64(&w, list_end(terminal));
    writer_u32(&w, terminal->certificate.end);
    writer_u32(&w, count);
    writer_bytes(&w, entries, bytes);
    terminal_status status = STIVER_TERMINAL_CRYPTO;
    if (crypto_random(id, sizeof id) == CRYPTO_OK)
        status = campus_link_make(terminal, CAMPUS_LINK_UPLOAD, id, body, w.used, request);
    free(body);
    return status;
}

enum stiver_terminal_status stiver_campus_upload_make(struct stiver_campus_terminal *terminal,
                                                      struct stiver_terminal_bytes *request)
{
    uint8_t *entries = NULL;
    size_t bytes = 0;
    uint32_t count = 0;
    *request = (struct stiver_terminal_bytes){NULL, 0};
    if (!terminal->is_enrolled)
        return STIVER_TERMINAL_NOT_ENROLLED;
    terminal_status status = campus_journal_pending(terminal->journal, &count, request);
    if (status != STIVER_TERMINAL_OK || request->data != NULL)
        return status;
    status = campus_journal_collect(terminal->journal, &entries, &bytes, &count);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = make_request(terminal, entries, bytes, count, request);
    free(entries);
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_keep(terminal->journal, count, request);
    else
        db_rollback(terminal->journal);
    if (status != STIVER_TERMINAL_OK)
        stiver_terminal_bytes_free(request);
    return status;
}

/* ---- down ---- */

struct taken {
    const uint8_t *results;
    struct reader list;
    bool has_certificate;
    struct campus_certificate certificate;
};

/* Of our key and ID, later than ours, and it verifies; a station has an end alone. */
static terminal_status read_certificate(const struct stiver_campus_terminal *terminal,
                                        struct reader *r, struct taken *taken)
{
    const uint32_t end = reader_u32(r);
    taken->certificate = terminal->certificate;
    if (r->failed || end == 0)
        return r->failed ? STIVER_TERMINAL_BANK_ANSWER : STIVER_TERMINAL_OK;
    taken->certificate.end = end;
    reader_bytes(r, taken->certificate.signature, RSA_BYTES);
    if (r->failed || end <= CAMPUS_COUNTER_MAX)
        return STIVER_TERMINAL_BANK_ANSWER;
    if (terminal->role != CAMPUS_ROLE_STATION &&
        !campus_certificate_holds(terminal->back_end, &taken->certificate))
        return STIVER_TERMINAL_BANK_ANSWER;
    taken->has_certificate = end > terminal->certificate.end;
    return STIVER_TERMINAL_OK;
}

static terminal_status read_answer(const struct stiver_campus_terminal *terminal, struct reader *r,
                                   uint32_t count, struct taken *taken)
{
    struct campus_list list;
    if (reader_u32(r) != count)
        return STIVER_TERMINAL_BANK_ANSWER;
    taken->results = reader_take(r, count);
    taken->list = link_field_read(r);
    if (r->failed)
        return STIVER_TERMINAL_BANK_ANSWER;
    terminal_status status = read_certificate(terminal, r, taken);
    if (status == STIVER_TERMINAL_OK && !reader_done(r))
        status = STIVER_TERMINAL_BANK_ANSWER;
    if (status == STIVER_TERMINAL_OK && taken->list.left != 0)
        status = campus_list_check(terminal->back_end, taken->list.at, taken->list.left, &list);
    return status;
}

/* The list's file before the answer is over: if it cannot be written, the same answer comes again.
 * A list that is not later than ours is left out; it is no reason to refuse the rest. */
static terminal_status store(struct stiver_campus_terminal *terminal, const struct taken *taken,
                             uint32_t count, struct stiver_terminal_sync *sync)
{
    terminal_status status = STIVER_TERMINAL_OK;
    bool is_new = false;
    if (taken->list.left != 0) {
        status = campus_list_take(terminal, taken->list.at, taken->list.left);
        is_new = status == STIVER_TERMINAL_OK;
        if (status == STIVER_TERMINAL_LIST_OLD)
            status = STIVER_TERMINAL_OK;
    }
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_take(terminal->journal, taken->results, count,
                                     taken->has_certificate ? &taken->certificate : NULL);
    if (status != STIVER_TERMINAL_OK)
        return status;
    sync->new_list |= is_new;
    if (!taken->has_certificate)
        return STIVER_TERMINAL_OK;
    sync->new_certificate = true;
    terminal->certificate = taken->certificate;
    return campus_files_complete(terminal);
}

static void tell(const uint8_t *results, uint32_t count, struct stiver_terminal_sync *sync)
{
    unsigned *of[] = {&sync->booked, &sync->already, &sync->suspense, &sync->rejected};
    sync->rounds++;
    for (uint32_t i = 0; i < count; i++)
        if (results[i] < sizeof of / sizeof of[0])
            ++*of[results[i]];
}

static terminal_status take(struct stiver_campus_terminal *terminal,
                            const struct stiver_terminal_bytes *request, uint32_t count,
                            const uint8_t *answer, size_t bytes, struct stiver_terminal_sync *sync,
                            char *detail)
{
    struct stiver_campus_info info = {.is_enrolled = true};
    struct taken taken;
    struct reader body;
    memset(&taken, 0, sizeof taken);
    terminal_status status =
        campus_link_open(terminal, CAMPUS_LINK_UPLOAD, request, answer, bytes, &body, detail);
    if (status == STIVER_TERMINAL_OK)
        status = read_answer(terminal, &body, count, &taken);
    if (status == STIVER_TERMINAL_OK)
        status = store(terminal, &taken, count, sync);
    if (status != STIVER_TERMINAL_OK)
        return status;
    tell(taken.results, count, sync);
    status = campus_journal_counts(terminal->journal, &info);
    sync->left = info.to_upload;
    return status;
}

enum stiver_terminal_status stiver_campus_upload_take(struct stiver_campus_terminal *terminal,
                                                      const uint8_t *answer, size_t answer_bytes,
                                                      struct stiver_terminal_sync *sync,
                                                      char *detail)
{
    struct stiver_terminal_bytes request;
    uint32_t count = 0;
    if (!terminal->is_enrolled)
        return STIVER_TERMINAL_NOT_ENROLLED;
    terminal_status status = campus_journal_pending(terminal->journal, &count, &request);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (request.data == NULL)
        return STIVER_TERMINAL_OTHER_REQUEST;
    status = take(terminal, &request, count, answer, answer_bytes, sync, detail);
    stiver_terminal_bytes_free(&request);
    return status;
}

enum stiver_terminal_status stiver_campus_synchronise(struct stiver_campus_terminal *terminal,
                                                      const struct stiver_terminal_link *link,
                                                      struct stiver_terminal_sync *sync,
                                                      char *detail)
{
    terminal_status status;
    memset(sync, 0, sizeof *sync);
    do {
        struct stiver_terminal_bytes request, answer;
        status = stiver_campus_upload_make(terminal, &request);
        if (status != STIVER_TERMINAL_OK)
            return status;
        status = link_carry(link, &request, &answer);
        stiver_terminal_bytes_free(&request);
        if (status == STIVER_TERMINAL_OK)
            status = stiver_campus_upload_take(terminal, answer.data, answer.length, sync, detail);
        stiver_terminal_bytes_free(&answer);
    } while (status == STIVER_TERMINAL_OK && sync->left > 0);
    return status;
}
