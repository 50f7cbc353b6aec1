/* SPDX-License-Identifier: Apache-2.0 */
/* An upload over the campus link: its items, and the answer to them. */
#include <stdlib.h>
#include <string.h>

#include "bank/campus/inside.h"

/* As the purse has it: a terminal gets its next certificate when less than this is left of the one
 * it has, also when it was off for up to a week; later a person decides (recertify). */
#define RENEW_SECONDS (2u * DAY_SECONDS)
#define RENEW_LATE_SECONDS (7u * DAY_SECONDS)
#define RENEW_DAYS 7u

enum stiver_bank_status bank_campus_upload_open(struct stiver_bank *bank, uint32_t terminal,
                                                struct reader *body, struct campus_request *request)
{
    *request = (struct campus_request){.list_end_ms = reader_u64(body)};
    request->own_end = reader_u32(body);
    uint32_t count = reader_u32(body);
    if (body->failed || count > CAMPUS_UPLOAD_MAX || count > body->left)
        return STIVER_BANK_MALFORMED;
    struct campus_item *items = calloc(count + 1u, sizeof *items);
    if (!items)
        return STIVER_BANK_MEMORY;
    request->batch.items = items;
    request->batch.count = count;
    request->batch.terminal.id = terminal;
    for (uint32_t i = 0; i < count; i++)
        if (!campus_upload_read(body, terminal, &items[i].upload))
            return STIVER_BANK_MALFORMED;
    if (!reader_done(body))
        return STIVER_BANK_MALFORMED;
    enum stiver_bank_status status = STIVER_BANK_OK;
    for (uint32_t i = 0; status == STIVER_BANK_OK && i < count; i++)
        status = bank_campus_item_verify(bank, terminal, &items[i]);
    return status;
}

void bank_campus_upload_free(struct campus_request *request)
{
    free(request->batch.items);
    request->batch = (struct campus_batch){0};
}

/* ---- the answer ---- */

/* The terminal's newest certificate if it does not have it, or a new one when its end is near. */
static enum stiver_bank_status write_term(struct stiver_bank *bank,
                                          const struct campus_request *request, struct writer *w)
{
    struct campus_terminal_record terminal = request->batch.terminal;
    struct campus_term_record term = {0};
    uint32_t now = bank_now(bank);
    bool is_near_end = (uint64_t)terminal.end <= (uint64_t)now + RENEW_SECONDS;
    bool is_forgotten = terminal.end < now && now - terminal.end > RENEW_LATE_SECONDS;
    enum stiver_bank_status status = STIVER_BANK_OK;
    if (!terminal.listed && is_near_end && !is_forgotten)
        status = bank_campus_terminal_certify(bank, &terminal, RENEW_DAYS, &term);
    else if (!terminal.listed && terminal.end > request->own_end)
        status = bank_status_of_store(CAMPUS(bank, term_of_end, terminal.id, terminal.end, &term));
    if (status != STIVER_BANK_OK)
        return status;
    bool is_newer = term.end > request->own_end;
    writer_u32(w, is_newer ? term.end : 0);
    if (is_newer)
        writer_bytes(w, term.signature, sizeof term.signature);
    return STIVER_BANK_OK;
}

static enum stiver_bank_status write_answer(struct stiver_bank *bank,
                                            const struct campus_request *request,
                                            const struct campus_list_record *list,
                                            const struct store_blob *file, struct writer *w)
{
    const struct campus_batch *batch = &request->batch;
    bool is_later = list->end_ms > request->list_end_ms;
    writer_u32(w, (uint32_t)batch->count);
    for (size_t i = 0; i < batch->count; i++)
        writer_u8(w, (uint8_t)batch->items[i].result);
    link_field(w, is_later ? file->data : NULL, is_later ? file->bytes : 0);
    enum stiver_bank_status status = write_term(bank, request, w);
    return status == STIVER_BANK_OK && w->failed ? STIVER_BANK_INTERNAL : status;
}

static enum stiver_bank_status answer_of(struct stiver_bank *bank,
                                         const struct campus_request *request,
                                         struct store_blob *answer)
{
    struct campus_list_record list;
    struct store_blob file = {0};
    enum stiver_bank_status status = bank_status_of_store(CAMPUS(bank, list_newest, &list, &file));
    if (status != STIVER_BANK_OK)
        return status;
    size_t capacity = 16 + request->batch.count + file.bytes + CAMPUS_RSA_BYTES;
    uint8_t *memory = malloc(capacity);
    struct writer w = writer_of(memory, capacity);
    status = memory ? write_answer(bank, request, &list, &file, &w) : STIVER_BANK_MEMORY;
    free(file.data);
    if (status != STIVER_BANK_OK) {
        free(memory);
        return status;
    }
    *answer = (struct store_blob){memory, w.used};
    return STIVER_BANK_OK;
}

enum stiver_bank_status bank_campus_upload_book(struct stiver_bank *bank,
                                                struct campus_request *request,
                                                struct store_blob *answer)
{
    struct campus_batch *batch = &request->batch;
    batch->has_listed = false;
    /* Read again: the transaction may run a second time. */
    enum stiver_bank_status status =
        bank_status_of_store(CAMPUS(bank, terminal_find, batch->terminal.id, &batch->terminal));
    for (size_t i = 0; status == STIVER_BANK_OK && i < batch->count; i++)
        status = bank_campus_item_settle(bank, batch, &batch->items[i]);
    if (status == STIVER_BANK_OK)
        status = bank_campus_batch_end(bank, batch);
    return status == STIVER_BANK_OK ? answer_of(bank, request, answer) : status;
}
