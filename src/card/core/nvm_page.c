/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening pages. A page is erased, whatever it seems to hold, and programmed with a header, a
 * snapshot of the index, copies of every record that lives in the page after it, a marker over all
 * of this, and the fence of its first transaction. Up to the fence the page counts for nothing, and
 * nothing that counts was touched; so a torn opening is simply done again.
 */
#include <string.h>

#include "base/bytes.h"
#include "card/core/nvm_log.h"

#define COPY_BYTES 64u

/* Which records of the index the page being opened takes as copies, in the index's order. Where
 * each will lie follows from the lengths of those before it, and is worked out anew whenever it is
 * needed: a list of places would be the longest thing on the card's stack. */
struct plan {
    uint8_t copied[(NVM_RECORDS_MAX + 7) / 8];
    uint32_t start; /* of the copies in the page */
    uint32_t end;
};

static bool is_copied(const struct plan *plan, uint32_t i)
{
    return (plan->copied[i / 8] & 1u << i % 8) != 0;
}

/* Bytes of a live record with its header, as it stands in flash. */
static enum nvm_status entry_bytes(const struct nvm *nvm, const struct nvm_entry *entry,
                                   uint32_t *bytes)
{
    uint8_t header[NVM_RECORD_HEADER_BYTES];
    struct nvm_record record;
    enum nvm_status status = nvm_flash_read(nvm, entry->page, entry->offset, header, sizeof header);
    if (status != NVM_OK) {
        return status;
    }
    if (!nvm_record_decode(header, &record) || record.owner != entry->owner ||
        record.id != entry->id) {
        return NVM_DAMAGED;
    }
    *bytes = NVM_RECORD_HEADER_BYTES + record.bytes;
    return NVM_OK;
}

static enum nvm_status plan_make(const struct nvm *nvm, uint32_t page, uint32_t fill_pages,
                                 struct plan *plan)
{
    uint32_t source = nvm_page_after(nvm, page);
    memset(plan, 0, sizeof *plan);
    plan->start = NVM_HEADER_BYTES + NVM_SNAPSHOT_ENTRY_BYTES * nvm->records;
    plan->end = plan->start;
    for (uint32_t distance = 0; distance <= fill_pages; distance++) {
        for (uint32_t i = 0; i < nvm->records; i++) {
            uint32_t bytes;
            if (nvm->entries[i].page != source) {
                continue;
            }
            enum nvm_status status = entry_bytes(nvm, &nvm->entries[i], &bytes);
            if (status != NVM_OK) {
                return status;
            }
            if (plan->end - plan->start + bytes > nvm_copy_bytes_max(nvm->flash)) {
                return distance == 0 ? NVM_DAMAGED : NVM_OK;
            }
            plan->copied[i / 8] |= (uint8_t)(1u << i % 8);
            plan->end += bytes;
        }
        source = nvm_page_after(nvm, source);
    }
    return NVM_OK;
}

/* Entry i as it will be; *place is where the next copy lies. */
static enum nvm_status entry_move(const struct nvm *nvm, uint32_t page, const struct plan *plan,
                                  uint32_t i, uint32_t *place, struct nvm_entry *entry)
{
    uint32_t bytes;
    *entry = nvm->entries[i];
    if (!is_copied(plan, i)) {
        return NVM_OK;
    }
    enum nvm_status status = entry_bytes(nvm, entry, &bytes);
    if (status == NVM_OK) {
        entry->page = (uint8_t)page;
        entry->offset = (uint16_t)*place;
        *place += bytes;
    }
    return status;
}

/* Streams to the page being opened through nvm->tail and nvm->crc, which belong to the log again
 * once the page is the head. */
static enum nvm_status snapshot_write(struct nvm *nvm, uint32_t page, const struct plan *plan)
{
    uint32_t place = plan->start;
    for (uint32_t i = 0; i < nvm->records; i++) {
        uint8_t bytes[NVM_SNAPSHOT_ENTRY_BYTES];
        struct nvm_entry entry;
        enum nvm_status status = entry_move(nvm, page, plan, i, &place, &entry);
        if (status == NVM_OK) {
            nvm_entry_encode(&entry, bytes);
            status = nvm_stream_write(nvm, page, bytes, sizeof bytes);
        }
        if (status != NVM_OK) {
            return status;
        }
    }
    return NVM_OK;
}

/* Raw, with the record's own CRC: a record that went bad is found by whoever reads it. */
static enum nvm_status copy_write(struct nvm *nvm, uint32_t page, const struct nvm_entry *entry)
{
    uint8_t chunk[COPY_BYTES];
    uint32_t bytes;
    uint32_t offset = entry->offset;
    enum nvm_status status = entry_bytes(nvm, entry, &bytes);
    while (status == NVM_OK && bytes > 0) {
        uint32_t part = bytes < sizeof chunk ? bytes : (uint32_t)sizeof chunk;
        status = nvm_flash_read(nvm, entry->page, offset, chunk, part);
        if (status == NVM_OK) {
            status = nvm_stream_write(nvm, page, chunk, part);
        }
        offset += part;
        bytes -= part;
    }
    bytes_wipe(chunk, sizeof chunk); /* keys are records too */
    return status;
}

static enum nvm_status copies_write(struct nvm *nvm, uint32_t page, const struct plan *plan)
{
    for (uint32_t i = 0; i < nvm->records; i++) {
        enum nvm_status status =
            is_copied(plan, i) ? copy_write(nvm, page, &nvm->entries[i]) : NVM_OK;
        if (status != NVM_OK) {
            return status;
        }
    }
    /* Lengths that changed between two looks would make a snapshot of other places. */
    return nvm->length == plan->end ? NVM_OK : NVM_DAMAGED;
}

/* The page's own count, or the head's: in a ring they are alike. */
static enum nvm_status erases_of(const struct nvm *nvm, uint32_t page, uint32_t *erases)
{
    uint8_t bytes[NVM_HEADER_BYTES];
    struct nvm_header header;
    enum nvm_status status = nvm_flash_read(nvm, page, 0, bytes, sizeof bytes);
    if (status != NVM_OK) {
        return status;
    }
    if (nvm_header_decode(nvm->flash, bytes, &header) == NVM_OK) {
        *erases = header.erases;
    } else {
        *erases = nvm->erases - (page != 0 && nvm->erases > 0);
    }
    return NVM_OK;
}

static enum nvm_status page_write(struct nvm *nvm, uint32_t page, const struct nvm_header *header,
                                  const struct plan *plan)
{
    uint8_t bytes[NVM_HEADER_BYTES];
    enum nvm_status status = nvm_flash_erase(nvm, page);
    if (status != NVM_OK) {
        return status;
    }
    nvm_header_encode(nvm->flash, header, bytes);
    nvm_stream_start(nvm, 0, nvm_header_seed(header));
    status = nvm_stream_write(nvm, page, bytes, sizeof bytes);
    if (status == NVM_OK) {
        status = snapshot_write(nvm, page, plan);
    }
    if (status == NVM_OK) {
        status = copies_write(nvm, page, plan);
    }
    if (status == NVM_OK) {
        status = nvm_stream_open(nvm, page, nvm_header_seed(header), header->base);
    }
    return status;
}

/* The opening stands already. If its index cannot be had, nothing is said any more, as after a
 * power loss, until a mount has looked. */
static enum nvm_status index_move(struct nvm *nvm, uint32_t page, const struct plan *plan)
{
    uint32_t place = plan->start;
    for (uint32_t i = 0; i < nvm->records; i++) {
        struct nvm_entry entry;
        if (entry_move(nvm, page, plan, i, &place, &entry) != NVM_OK) {
            nvm->state = NVM_STATE_POWER_LOST;
            return NVM_POWER_LOST;
        }
        nvm->entries[i] = entry;
    }
    return NVM_OK;
}

static enum nvm_status page_open(struct nvm *nvm, uint32_t page, uint32_t attempt,
                                 uint32_t fill_pages)
{
    struct plan plan;
    uint32_t erases;
    enum nvm_status status = plan_make(nvm, page, fill_pages, &plan);
    if (status == NVM_OK) {
        status = erases_of(nvm, page, &erases);
    }
    if (status != NVM_OK) {
        return status;
    }
    struct nvm_header header = {
        .sequence = nvm->sequence + 1,
        .erases = erases + 1,
        .base = nvm->number,
        .opening = (uint16_t)plan.end,
        .entries = nvm->records,
        .attempt = (uint8_t)attempt,
    };
    memcpy(header.salt, nvm->salt, NVM_SALT_BYTES);
    status = page_write(nvm, page, &header, &plan);
    if (status == NVM_OK) {
        status = index_move(nvm, page, &plan);
    }
    if (status != NVM_OK) {
        return status;
    }
    nvm->head = (uint8_t)page;
    nvm_head_set(nvm, &header);
    return nvm_log_fence(nvm);
}

/* Before the page after the head is erased although it may yet pass for an opened one, the head
 * says so in a unit of its own: an erase that is torn cannot bring the dead opening back. */
static enum nvm_status reopening_announce(struct nvm *nvm, uint32_t *attempt)
{
    enum nvm_status status = nvm_reopenings(nvm, nvm->head, attempt);
    if (status != NVM_OK || !nvm->is_reopening || *attempt == NVM_REOPENINGS) {
        return status;
    }
    return nvm_fence_program(nvm, nvm->head, nvm_reopening_offset(nvm->flash, (*attempt)++));
}

enum nvm_status nvm_page_turn(struct nvm *nvm, uint32_t fill_pages)
{
    uint32_t page = nvm_page_after(nvm, nvm->head);
    uint32_t attempt;
    for (uint32_t i = 0; i < nvm->records; i++) {
        if (nvm->entries[i].page == page) {
            return NVM_DAMAGED;
        }
    }
    if (nvm->sequence == UINT32_MAX || nvm->number == UINT32_MAX) {
        return NVM_WORN;
    }
    enum nvm_status status = reopening_announce(nvm, &attempt);
    if (status == NVM_OK) {
        status = page_open(nvm, page, attempt, fill_pages);
    }
    if (status != NVM_OK) {
        return status;
    }
    nvm->is_sealed = false;
    return nvm_page_seal(nvm);
}

enum nvm_status nvm_page_found(struct nvm *nvm, uint32_t page)
{
    nvm->is_sealed = true;
    return page_open(nvm, page, NVM_ATTEMPT_FOUNDS, 0);
}

enum nvm_status nvm_page_seal(struct nvm *nvm)
{
    if (nvm->is_sealed) {
        return NVM_OK;
    }
    uint8_t state = nvm->state;
    uint32_t page = nvm_page_before(nvm, nvm->head);
    enum nvm_status status = nvm_fence_program(nvm, page, nvm_seal_offset(nvm->flash));
    nvm->is_sealed = true;
    if (status == NVM_WORN) {
        /* The seal is a second guard for a page whose life is over: no reason to stop. */
        nvm->state = state;
        status = NVM_OK;
    }
    return status;
}
