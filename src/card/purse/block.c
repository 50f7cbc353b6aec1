/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BLOCK: the card walks from its own number up to the root of the bank's list, in as many parts as
 * the path needs, and ends its own life when it arrives. Nobody can block a card that is not
 * listed, and no list is stored.
 */
#include "card/purse/internal.h"

#include <string.h>

OWN_FRAME static enum status signed_head(const struct card *card, struct reader *r,
                                         struct block_run *run, struct list_head *head)
{
    struct certificate working;
    if (r->left < LIST_HEAD_BYTES)
        return STATUS_DATA;
    size_t certificate_bytes =
        certificate_length(r->at + LIST_HEAD_BYTES, r->left - LIST_HEAD_BYTES);
    const uint8_t *message = reader_take(r, LIST_HEAD_BYTES + certificate_bytes);
    if (certificate_bytes == 0 || message == NULL)
        return STATUS_DATA;
    enum status status = purse_document_status(
        list_check(&crypto_primitives, message, LIST_HEAD_BYTES + certificate_bytes,
                   card->identity.scheme, &card->identity.root, head, &working));
    if (status != STATUS_OK)
        return status;
    memcpy(run->root, head->root, sizeof run->root);
    run->sequence = head->sequence;
    run->start = head->start;
    run->end = head->end;
    run->signer.end = working.end;
    run->signer.generation = working.generation;
    return STATUS_OK;
}

OWN_FRAME static enum status block_begin(struct card *card, struct reader *r)
{
    struct block_run *run = &purse_of(card)->block;
    struct list_head head;
    run->terminal_counter = reader_u32(r);
    run->time = reader_u32(r);
    reader_bytes(r, run->reference, sizeof run->reference);
    uint32_t index = reader_u32(r);
    if (r->failed)
        return STATUS_DATA;
    enum status status = signed_head(card, r, run, &head);
    if (status != STATUS_OK)
        return status;
    if (index >= head.count)
        return STATUS_NOT_LISTED;
    status = purse_document_status(list_path_begin(&crypto_primitives, &run->path, head.scheme,
                                                   card->identity.number, index, head.count));
    run->is_running = status == STATUS_OK;
    return status;
}

static enum status block_walk(struct block_run *run, struct reader *r)
{
    if (r->left % SHA256_BYTES != 0)
        return STATUS_DATA;
    while (r->left > 0) {
        const uint8_t *sibling = reader_take(r, SHA256_BYTES);
        if (sibling == NULL || list_path_missing(&run->path) == 0)
            return STATUS_NOT_LISTED;
        enum status status =
            purse_document_status(list_path_step(&crypto_primitives, &run->path, sibling));
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status may_block(const struct card *card, const struct block_run *run,
                             const struct ledger *ledger)
{
    if (!bytes_equal(run->path.node, run->root, sizeof run->root))
        return STATUS_NOT_LISTED;
    if (run->sequence < ledger->list_sequence)
        return STATUS_OLD;
    return document_is_current(card, run->end, &run->signer);
}

static enum status block_finish(struct card *card, uint8_t document[RECEIPT_BYTES])
{
    const struct block_run *run = &purse_of(card)->block;
    struct ledger next = purse_of(card)->ledger;
    struct receipt receipt;
    struct sale sale = {
        .amount = money_of(0, next.balance.currency),
        .terminal_counter = run->terminal_counter,
        .time = run->time,
    };
    enum status status = may_block(card, run, &next);
    if (status != STATUS_OK)
        return status;
    card_clock_saw(card, run->start, run->signer.end);
    memcpy(sale.reference, run->reference, sizeof sale.reference);
    receipt_begin(card, DOCUMENT_BLOCK_RECEIPT, &sale, &receipt);
    receipt.order_number = run->sequence;
    next.state = PURSE_BLOCKED;
    next.list_sequence = run->sequence;
    return receipt_commit(card, &receipt, &next, NULL, document);
}

static enum status block_part(struct card *card, const struct apdu_command *command,
                              struct writer *answer)
{
    struct block_run *run = &purse_of(card)->block;
    struct reader r = reader_of(command->data, command->lc);
    enum status status = STATUS_OK;
    if (command->p1 == 0)
        status = block_begin(card, &r);
    else if (!run->is_running)
        status = STATUS_REFERENCE;
    if (status == STATUS_OK)
        status = block_walk(run, &r);
    if (status != STATUS_OK || list_path_missing(&run->path) != 0)
        return status;
    uint8_t *document = writer_reserve(answer, RECEIPT_BYTES);
    status = document == NULL ? STATUS_FAILED : block_finish(card, document);
    run->is_running = false;
    return status;
}

enum status purse_block(struct card *card, const struct apdu_command *command,
                        struct writer *answer)
{
    struct block_run *run = &purse_of(card)->block;
    if (command->p1 == 0)
        run->is_running = false;
    enum status status = block_part(card, command, answer);
    /* A path that went wrong anywhere starts again at its leaf. */
    if (status != STATUS_OK)
        run->is_running = false;
    return status;
}

enum status purse_get_block_receipt(struct card *card, const struct apdu_command *command,
                                    struct writer *answer)
{
    (void)command;
    uint8_t *document = writer_reserve(answer, RECEIPT_BYTES);
    if (document == NULL)
        return STATUS_FAILED;
    return purse_read(card, PURSE_RECORD_BLOCK_RECEIPT, document, RECEIPT_BYTES);
}
