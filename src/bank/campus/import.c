/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a terminal of the source: payment_log.csv or reload_log.csv. It says neither which
 * terminal wrote it nor when a card's certificate ends: the caller says the one, the register the
 * other. What it says of itself (a load, a payment) is compared with the register, never believed.
 */
#include <stdlib.h>
#include <string.h>

#include "bank/campus/inside.h"

/* Booked in one transaction; a import that breaks off goes on where it was. */
#define LINES_AT_ONCE 512u

struct import {
    struct stiver_bank *bank;
    struct campus_batch batch;
    unsigned lines[LINES_AT_ONCE];
    stiver_campus_rejected_visit *visit;
    void *context;
    struct stiver_campus_import *count;
};

static void reject(struct import *import, unsigned line, const char *why)
{
    import->count->rejected++;
    if (import->visit)
        import->visit(import->context, line, why);
}

/* The next line and its LF; the rest, if there is none. */
static struct reader next_line(struct reader *file)
{
    const uint8_t *end = memchr(file->at, '\n', file->left);
    return reader_sub(file, end ? (size_t)(end - file->at) + 1 : file->left);
}

static struct campus_upload upload_of(uint32_t terminal, const struct campus_log_line *line,
                                      uint32_t end)
{
    struct campus_upload upload = {.kind = CAMPUS_UPLOAD_RECEIPT};
    struct campus_upload_receipt *receipt = &upload.is.receipt;
    receipt->receipt = (struct campus_receipt){.terminal = terminal,
                                               .counter = line->counter,
                                               .amount = line->amount,
                                               .card = line->card,
                                               .time = line->time};
    memcpy(receipt->receipt.signature, line->receipt, CAMPUS_RSA_BYTES);
    receipt->card =
        (struct campus_certificate){.id = line->card, .end = end, .usage = CAMPUS_USAGE_CARD};
    memcpy(receipt->card.modulus, line->card_modulus, CAMPUS_RSA_BYTES);
    memcpy(receipt->card.signature, line->card_certificate, CAMPUS_RSA_BYTES);
    return upload;
}

/* Takes a line into the batch if it verifies. */
static enum stiver_bank_status take_line(struct import *import, struct reader text, unsigned number)
{
    struct campus_log_line line;
    struct campus_card_record card;
    const struct campus_terminal_record *terminal = &import->batch.terminal;
    if (!campus_log_line_read(&text, &line) || !reader_done(&text)) {
        reject(import, number, "is no line of such a log");
        return STIVER_BANK_OK;
    }
    if ((unsigned)line.terminal_usage != (unsigned)terminal->role) {
        reject(import, number, "names another kind of terminal");
        return STIVER_BANK_OK;
    }
    enum store_status stored =
        import->bank->store->campus->card_find(import->bank->store, line.card, &card);
    if (stored == STORE_NONE || (stored == STORE_OK && !card.is_certified)) {
        reject(import, number, "names a card that the bank does not know");
        return STIVER_BANK_OK;
    }
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    struct campus_item *item = &import->batch.items[import->batch.count];
    *item = (struct campus_item){.upload = upload_of(terminal->id, &line, card.end),
                                 .is_of_file = true};
    enum stiver_bank_status status = bank_campus_item_verify(import->bank, terminal->id, item);
    if (status == STIVER_BANK_OK && item->why)
        reject(import, number, item->why);
    else if (status == STIVER_BANK_OK)
        import->lines[import->batch.count++] = number;
    return status;
}

static enum stiver_bank_status book_work(struct stiver_bank *bank, void *context)
{
    struct campus_batch *batch = context;
    batch->has_listed = false;
    enum stiver_bank_status status =
        bank_status_of_store(CAMPUS(bank, terminal_find, batch->terminal.id, &batch->terminal));
    for (size_t i = 0; status == STIVER_BANK_OK && i < batch->count; i++)
        status = bank_campus_item_settle(bank, batch, &batch->items[i]);
    return status == STIVER_BANK_OK ? bank_campus_batch_end(bank, batch) : status;
}

static enum stiver_bank_status book_lines(struct import *import)
{
    struct stiver_campus_import *count = import->count;
    enum stiver_bank_status status = bank_transact(import->bank, book_work, &import->batch);
    for (size_t i = 0; status == STIVER_BANK_OK && i < import->batch.count; i++)
        switch (import->batch.items[i].result) {
        case UPLOAD_BOOKED:
            count->booked++;
            break;
        case UPLOAD_ALREADY:
            count->already++;
            break;
        case UPLOAD_SUSPENSE:
            count->suspense++;
            break;
        case UPLOAD_REJECTED:
            reject(import, import->lines[i], "was not taken");
        }
    import->batch.count = 0;
    return status;
}

static enum stiver_bank_status import_lines(struct import *import, struct reader file)
{
    enum stiver_bank_status status = STIVER_BANK_OK;
    for (unsigned number = 2; status == STIVER_BANK_OK && file.left > 0; number++) {
        status = take_line(import, next_line(&file), number);
        if (status == STIVER_BANK_OK && import->batch.count == LINES_AT_ONCE)
            status = book_lines(import);
    }
    if (status == STIVER_BANK_OK && import->batch.count)
        status = book_lines(import);
    return status;
}

enum stiver_bank_status stiver_campus_import_log(struct stiver_bank *bank, uint32_t terminal,
                                                 const uint8_t *file, size_t bytes,
                                                 stiver_campus_rejected_visit *visit, void *context,
                                                 struct stiver_campus_import *count)
{
    struct import import = {.bank = bank, .visit = visit, .context = context, .count = count};
    struct reader r = reader_of(file, bytes);
    *count = (struct stiver_campus_import){0};
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status != STIVER_BANK_OK)
        return status;
    enum store_status stored = CAMPUS(bank, terminal_find, terminal, &import.batch.terminal);
    if (stored != STORE_OK)
        return bank_say(bank,
                        stored == STORE_NONE ? STIVER_BANK_UNKNOWN_TERMINAL
                                             : bank_status_of_store(stored),
                        NULL);
    if (import.batch.terminal.role == CAMPUS_ROLE_STATION || !campus_log_open(&r))
        return bank_say(bank, STIVER_BANK_MALFORMED,
                        "this is no log of a point of sale or a reload terminal");
    import.batch.items = calloc(LINES_AT_ONCE, sizeof *import.batch.items);
    status = import.batch.items ? import_lines(&import, r) : STIVER_BANK_MEMORY;
    free(import.batch.items);
    return status == STIVER_BANK_OK || bank->message[0] ? status : bank_say(bank, status, NULL);
}
