/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command is a transaction: what its handler puts commits as a whole, together with what the core
 * has pending (the time, a terminal to remember), or not at all.
 */
#include "card/core/clock.h"
#include "card/core/peer.h"
#include "card/core/records.h"

enum status card_memory_status(struct card *card, enum nvm_status status)
{
    if (status == NVM_POWER_LOST)
        card->lost_power = true;
    return status == NVM_OK ? STATUS_OK : STATUS_MEMORY;
}

enum status card_begin(struct card *card, size_t room_bytes, size_t records)
{
    size_t core_bytes = CLOCK_RECORD_BYTES, core_records = 1;
    if (peer_is_new(card)) {
        core_bytes += PEER_RECORD_BYTES + PEER_NEXT_RECORD_BYTES;
        core_records += 2;
    }
    enum status status = card_memory_status(
        card, nvm_begin(&card->nvm, room_bytes + core_bytes, records + core_records));
    card->in_transaction = status == STATUS_OK;
    return status;
}

enum status card_put(struct card *card, enum card_owner owner, uint8_t id, uint8_t version,
                     const uint8_t *data, size_t bytes)
{
    return card_memory_status(card, nvm_put(&card->nvm, (uint8_t)owner, id, version, data, bytes));
}

enum status card_commit(struct card *card, bool remember_peer)
{
    bool remembers = remember_peer && peer_is_new(card);
    enum status status = clock_put_pending(card);
    if (status == STATUS_OK && remembers)
        status = peer_put(card);
    if (status == STATUS_OK)
        status = card_memory_status(card, nvm_commit(&card->nvm));
    if (status != STATUS_OK) {
        card_abort(card);
        return status;
    }
    card->in_transaction = false;
    clock_committed(card);
    if (remembers)
        card->peer_is_remembered = true;
    if (card->identity.is_locking)
        card->identity.is_locked = true;
    card->identity.is_locking = false;
    return STATUS_OK;
}

void card_abort(struct card *card)
{
    if (card->in_transaction)
        nvm_abort(&card->nvm);
    card->in_transaction = false;
    card->identity.is_locking = false;
}

/* ---- the core's own records ---- */

enum status record_read_optional(struct card *card, enum core_record id, uint8_t *out, size_t bytes,
                                 bool *is_there)
{
    uint8_t version = 0;
    size_t found = 0;
    enum nvm_status status =
        nvm_read(&card->nvm, OWNER_CORE, (uint8_t)id, &version, out, bytes, &found);
    *is_there = status == NVM_OK;
    if (status == NVM_OK && version == CORE_RECORD_VERSION && found == bytes)
        return STATUS_OK;
    bytes_wipe(out, bytes);
    *is_there = false;
    if (status == NVM_ABSENT)
        return STATUS_OK;
    return status == NVM_OK ? STATUS_MEMORY : card_memory_status(card, status);
}

enum status record_read(struct card *card, enum core_record id, uint8_t *out, size_t bytes)
{
    bool is_there;
    enum status status = record_read_optional(card, id, out, bytes, &is_there);
    return status == STATUS_OK && !is_there ? STATUS_MEMORY : status;
}

enum status record_put(struct card *card, enum core_record id, const uint8_t *data, size_t bytes)
{
    return card_put(card, OWNER_CORE, (uint8_t)id, CORE_RECORD_VERSION, data, bytes);
}
