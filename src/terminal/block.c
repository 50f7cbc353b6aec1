/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listed card is shown the way from its number to the list's root, in as many parts as that
 * takes, and blocks itself. To the person it is blocked whatever came of that.
 */
#include <stdlib.h>
#include <string.h>

#include "terminal/journal.h"

#define PART_BYTES_MAX 800u /* BLOCK's longest data (scheme/commands.def) */
#define PART_FIRST 0x00u
#define PART_NEXT 0x01u

struct path {
    uint8_t siblings[LIST_DEPTH_MAX][SHA256_BYTES];
    unsigned depth, sent;
};

static terminal_status find_path(const struct identity *identity, uint32_t index, struct path *path)
{
    const struct held_list *list = &identity->list;
    uint8_t *scratch = malloc((size_t)SHA256_BYTES * list->head.count);
    if (scratch == NULL)
        return STIVER_TERMINAL_MEMORY;
    enum document_status status =
        list_siblings(&crypto_primitives, identity->anchors.scheme, list->numbers, list->head.count,
                      index, scratch, path->siblings, &path->depth);
    free(scratch);
    path->sent = 0;
    return status == DOCUMENT_OK ? STIVER_TERMINAL_OK : STIVER_TERMINAL_CRYPTO;
}

static void fill(struct path *path, struct writer *w)
{
    while (path->sent < path->depth && w->used + SHA256_BYTES <= w->capacity)
        writer_bytes(w, path->siblings[path->sent++], SHA256_BYTES);
}

static void first_part(const struct identity *identity, const struct intent *intent, uint32_t index,
                       struct path *path, struct writer *w)
{
    writer_u32(w, intent->number);
    writer_u32(w, intent->time);
    writer_bytes(w, intent->reference, sizeof intent->reference);
    writer_u32(w, index);
    writer_bytes(w, identity->list.file, identity->list.message_bytes);
    fill(path, w);
}

/* All parts; the answer to the last one is the receipt. */
static terminal_status send_path(struct stiver_terminal_session *session,
                                 const struct intent *intent, uint32_t index, struct path *path,
                                 struct reply *reply)
{
    uint8_t data[PART_BYTES_MAX];
    struct writer w = writer_of(data, sizeof data);
    uint8_t part = PART_FIRST;
    first_part(&session->terminal->identity, intent, index, path, &w);
    for (;;) {
        terminal_status status = request_secure(session, COMMAND_BLOCK, part, data, w.used, reply);
        if (status != STIVER_TERMINAL_OK || !reply->is_known || reply->status != STATUS_OK ||
            path->sent == path->depth)
            return status;
        part = PART_NEXT;
        w = writer_of(data, sizeof data);
        fill(path, &w);
    }
}

/* The reserve of a block receipt's amount is the currency alone. */
static terminal_status block(struct stiver_terminal_session *session, uint32_t index)
{
    const struct identity *identity = &session->terminal->identity;
    struct intent intent = {.order_number = identity->list.head.sequence};
    uint8_t document[RECEIPT_BYTES];
    struct path path;
    struct reply reply;
    terminal_status status = find_path(identity, index, &path);
    if (status == STIVER_TERMINAL_OK)
        status = intent_begin(session, DOCUMENT_BLOCK_RECEIPT,
                              money_of(0, identity->anchors.currency), &intent);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = send_path(session, &intent, index, &path, &reply);
    if (status != STIVER_TERMINAL_OK || !reply.is_known || reply.status != STATUS_OK)
        return intent_refused(session, &intent, status, &reply);
    memset(document, 0, sizeof document);
    if (reply.bytes == sizeof document)
        memcpy(document, reply.data, sizeof document);
    if (!intent_matches(session, &intent, document, true))
        return STIVER_TERMINAL_UNFINISHED;
    return intent_finish(session, &intent, document, false);
}

terminal_status block_if_listed(struct stiver_terminal_session *session)
{
    const struct stiver_terminal *terminal = session->terminal;
    const struct held_list *list = &terminal->identity.list;
    uint32_t index = 0;
    bool is_blocked = false;
    if (!list_find(list->numbers, list->head.count, session->card, &index))
        return STIVER_TERMINAL_OK;
    terminal_status status = journal_is_blocked(terminal->journal, session->card, &is_blocked);
    if (status != STIVER_TERMINAL_OK || is_blocked ||
        terminal_may_act(terminal, CLASS_CARRY) != STIVER_TERMINAL_OK)
        return STIVER_TERMINAL_CARD_BLOCKED;
    status = block(session, index);
    /* Blocked elsewhere before: its receipt is wanted all the same. */
    if (status == STIVER_TERMINAL_CARD_NOT_ISSUED)
        status = session_explain(session, status);
    (void)status;
    return STIVER_TERMINAL_CARD_BLOCKED;
}
