/* SPDX-License-Identifier: Apache-2.0 */
/* The campus purse's records: how they are written, and the few transactions that there are. */
#include <string.h>

#include "card/campus/internal.h"

_Static_assert(NVM_OCCUPIED(CAMPUS_LEDGER_BYTES) + NVM_OCCUPIED(CAMPUS_PUBLIC_BYTES) +
                       2 * NVM_OCCUPIED(RSA_PRIVATE_BYTES_MAX / 2) + 2 * NVM_OCCUPIED(RSA_BYTES) +
                       NVM_OCCUPIED(CAMPUS_LOG_BYTES) <=
                   CAMPUS_RECORD_BYTES,
               "the quota holds a full card");

/* ---- encoding ---- */

void campus_ledger_encode(const struct campus_ledger *ledger, uint8_t out[CAMPUS_LEDGER_BYTES])
{
    struct writer w = writer_of(out, CAMPUS_LEDGER_BYTES);
    writer_u8(&w, (uint8_t)ledger->stage);
    writer_u8(&w, ledger->is_blocked ? 1 : 0);
    writer_u32(&w, ledger->id);
    writer_u32(&w, ledger->end);
    writer_u32(&w, ledger->counter);
    writer_u32(&w, ledger->balance.minor);
    writer_u32(&w, ledger->last_seen);
}

bool campus_ledger_decode(const uint8_t *bytes, size_t length, struct campus_ledger *ledger)
{
    struct reader r = reader_of(bytes, length);
    uint8_t stage = reader_u8(&r);
    uint8_t blocked = reader_u8(&r);
    ledger->stage = (enum campus_state)stage;
    ledger->is_blocked = blocked == 1;
    ledger->id = reader_u32(&r);
    ledger->end = reader_u32(&r);
    ledger->counter = reader_u32(&r);
    ledger->balance = money_of(reader_u32(&r), CAMPUS_CURRENCY);
    ledger->last_seen = reader_u32(&r);
    return reader_done(&r) && stage <= CAMPUS_INIT && blocked <= 1 &&
           ledger->counter <= CAMPUS_COUNTER_MAX;
}

/* ---- records ---- */

enum status campus_read(struct card *card, enum campus_record record, uint8_t *out, size_t bytes)
{
    uint8_t version = 0;
    size_t found = 0;
    enum nvm_status status =
        nvm_read(&card->nvm, OWNER_CAMPUS, (uint8_t)record, &version, out, bytes, &found);
    if (status == NVM_OK && version == CAMPUS_RECORD_VERSION && found == bytes)
        return STATUS_OK;
    bytes_wipe(out, bytes);
    if (status == NVM_ABSENT)
        return STATUS_NOT_THERE;
    return status == NVM_OK ? STATUS_MEMORY : card_memory_status(card, status);
}

enum status campus_put(struct card *card, enum campus_record record, const uint8_t *data,
                       size_t bytes)
{
    return card_put(card, OWNER_CAMPUS, (uint8_t)record, CAMPUS_RECORD_VERSION, data, bytes);
}

enum status campus_log_read(struct card *card, uint8_t out[CAMPUS_LOG_BYTES], size_t *bytes)
{
    uint8_t version = 0;
    enum nvm_status status = nvm_read(&card->nvm, OWNER_CAMPUS, CAMPUS_RECORD_LOG, &version, out,
                                      CAMPUS_LOG_BYTES, bytes);
    if (status == NVM_ABSENT)
        return STATUS_OK; /* *bytes is 0 */
    if (status == NVM_OK &&
        (version != CAMPUS_RECORD_VERSION || *bytes % CAMPUS_ENTRY_BYTES != 0 || *bytes == 0))
        return STATUS_MEMORY;
    return card_memory_status(card, status);
}

/* Puts the log with a new newest entry: before all others, the oldest of ten falls out; or in place
 * of the newest. */
static enum status log_put(struct card *card, const struct campus_entry *entry, bool in_place)
{
    uint8_t log[CAMPUS_ENTRY_BYTES + CAMPUS_LOG_BYTES];
    size_t bytes = 0;
    /* The old entries are read behind the new one's place, or from that place on. */
    enum status status = campus_log_read(card, log + (in_place ? 0 : CAMPUS_ENTRY_BYTES), &bytes);
    if (status != STATUS_OK)
        return status;
    if (!in_place)
        bytes += CAMPUS_ENTRY_BYTES;
    campus_entry_encode(entry, log);
    return campus_put(card, CAMPUS_RECORD_LOG, log,
                      bytes < CAMPUS_LOG_BYTES ? bytes : CAMPUS_LOG_BYTES);
}

/* ---- transactions ---- */

enum status campus_commit(struct card *card, const struct campus_ledger *next)
{
    uint8_t record[CAMPUS_LEDGER_BYTES];
    campus_ledger_encode(next, record);
    enum status status = campus_put(card, CAMPUS_RECORD_LEDGER, record, sizeof record);
    if (status == STATUS_OK)
        status = card_commit(card, false);
    if (status == STATUS_OK)
        campus_of(card)->ledger = *next;
    return status;
}

enum status campus_ledger_commit(struct card *card, const struct campus_ledger *next)
{
    enum status status = card_begin(card, CAMPUS_LEDGER_BYTES, 1);
    return status == STATUS_OK ? campus_commit(card, next) : status;
}

enum status campus_receipt_commit(struct card *card, const struct campus_ledger *next,
                                  const struct campus_entry *entry,
                                  const uint8_t signature[RSA_BYTES])
{
    enum status status = card_begin(card, CAMPUS_LEDGER_BYTES + CAMPUS_LOG_BYTES + RSA_BYTES, 3);
    if (status == STATUS_OK)
        status = campus_put(card, CAMPUS_RECORD_RECEIPT, signature, RSA_BYTES);
    if (status == STATUS_OK)
        status = log_put(card, entry, false);
    return status == STATUS_OK ? campus_commit(card, next) : status;
}

enum status campus_entry_commit(struct card *card, const struct campus_ledger *next,
                                const struct campus_entry *entry)
{
    enum status status = card_begin(card, CAMPUS_LEDGER_BYTES + CAMPUS_LOG_BYTES, 2);
    if (status == STATUS_OK)
        status = log_put(card, entry, true);
    return status == STATUS_OK ? campus_commit(card, next) : status;
}

enum status campus_end(struct card *card)
{
    struct campus_ledger next = campus_of(card)->ledger;
    next.is_blocked = true;
    enum status status = campus_ledger_commit(card, &next);
    return status == STATUS_OK ? STATUS_STATE : status;
}
