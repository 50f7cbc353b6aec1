/* SPDX-License-Identifier: Apache-2.0 */
#include "card/core/nvm_log.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32.h"

/* Longest single program call: what one tear can leave half done. */
#define CALL_BYTES_MAX 64u
/* Bytes read at a time, on the stack. */
#define CHUNK_BYTES 128u

static const uint8_t ZEROS[STIVER_FLASH_UNIT_MAX];

static enum nvm_status flash_status(enum stiver_flash_status status)
{
    switch (status) {
    case STIVER_FLASH_OK:
        return NVM_OK;
    case STIVER_FLASH_POWER_LOST:
        return NVM_POWER_LOST;
    case STIVER_FLASH_WORN:
        return NVM_WORN;
    case STIVER_FLASH_RANGE:
    default:
        return NVM_DAMAGED;
    }
}

/* Remembers what a change of the flash answered: after that, less or nothing is possible. */
static enum nvm_status change_status(struct nvm *nvm, enum stiver_flash_status answer)
{
    enum nvm_status status = flash_status(answer);
    if (status == NVM_POWER_LOST) {
        nvm->state = NVM_STATE_POWER_LOST;
    } else if (status != NVM_OK) {
        nvm->state = NVM_STATE_READ_ONLY;
    }
    return status;
}

static enum nvm_status flash_program(struct nvm *nvm, uint32_t page, uint32_t offset,
                                     const uint8_t *data, size_t bytes)
{
    nvm->programmed += (uint32_t)bytes;
    return change_status(nvm,
                         nvm->flash->program(nvm->flash->context,
                                             page * nvm->flash->page_bytes + offset, data, bytes));
}

enum nvm_status nvm_flash_read(const struct nvm *nvm, uint32_t page, uint32_t offset, uint8_t *out,
                               size_t bytes)
{
    return flash_status(
        nvm->flash->read(nvm->flash->context, page * nvm->flash->page_bytes + offset, out, bytes));
}

enum nvm_status nvm_flash_erase(struct nvm *nvm, uint32_t page)
{
    return change_status(nvm, nvm->flash->erase(nvm->flash->context, page));
}

/* The first byte is, and each is like the one before it. */
static bool is_erased(const uint8_t *data, size_t bytes)
{
    return data[0] == 0xFF && memcmp(data, data + 1, bytes - 1) == 0;
}

enum nvm_status nvm_flash_erased(const struct nvm *nvm, uint32_t page, uint32_t from, uint32_t to,
                                 bool *erased)
{
    uint8_t chunk[CHUNK_BYTES];
    enum nvm_status status = NVM_OK;
    *erased = true;
    while (status == NVM_OK && from < to && *erased) {
        size_t bytes = to - from < sizeof chunk ? to - from : sizeof chunk;
        status = nvm_flash_read(nvm, page, from, chunk, bytes);
        *erased = status == NVM_OK && is_erased(chunk, bytes);
        from += (uint32_t)bytes;
    }
    bytes_wipe(chunk, sizeof chunk); /* keys stand among the records */
    return status;
}

enum nvm_status nvm_flash_crc(const struct nvm *nvm, uint32_t page, uint32_t from, size_t bytes,
                              uint32_t *crc)
{
    uint8_t chunk[CHUNK_BYTES];
    enum nvm_status status = NVM_OK;
    while (status == NVM_OK && bytes > 0) {
        size_t part = bytes < sizeof chunk ? bytes : sizeof chunk;
        status = nvm_flash_read(nvm, page, from, chunk, part);
        if (status == NVM_OK) {
            *crc = crc32_update(*crc, chunk, part);
        }
        from += (uint32_t)part;
        bytes -= part;
    }
    bytes_wipe(chunk, sizeof chunk);
    return status;
}

enum nvm_fence nvm_fence_judge(const struct nvm *nvm, const uint8_t *unit)
{
    if (is_erased(unit, nvm->flash->unit_bytes)) {
        return NVM_FENCE_NONE;
    }
    return memcmp(unit, ZEROS, nvm->flash->unit_bytes) == 0 ? NVM_FENCE_WHOLE : NVM_FENCE_TORN;
}

enum nvm_status nvm_fence_read(const struct nvm *nvm, uint32_t page, uint32_t offset,
                               enum nvm_fence *fence)
{
    uint8_t unit[STIVER_FLASH_UNIT_MAX];
    enum nvm_status status = nvm_flash_read(nvm, page, offset, unit, nvm->flash->unit_bytes);
    *fence = status == NVM_OK ? nvm_fence_judge(nvm, unit) : NVM_FENCE_NONE;
    return status;
}

enum nvm_status nvm_fence_program(struct nvm *nvm, uint32_t page, uint32_t offset)
{
    return flash_program(nvm, page, offset, ZEROS, nvm->flash->unit_bytes);
}

enum nvm_status nvm_reopenings(const struct nvm *nvm, uint32_t page, uint32_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < NVM_REOPENINGS; i++) {
        enum nvm_fence fence;
        enum nvm_status status =
            nvm_fence_read(nvm, page, nvm_reopening_offset(nvm->flash, i), &fence);
        if (status != NVM_OK) {
            return status;
        }
        *count = fence == NVM_FENCE_NONE ? *count : i + 1;
    }
    return NVM_OK;
}

uint32_t nvm_page_before(const struct nvm *nvm, uint32_t page)
{
    return page == 0 ? nvm->flash->pages - 1 : page - 1;
}

uint32_t nvm_page_after(const struct nvm *nvm, uint32_t page)
{
    return page + 1 == nvm->flash->pages ? 0 : page + 1;
}

struct nvm_entry *nvm_entry_find(struct nvm *nvm, uint8_t owner, uint8_t id)
{
    for (struct nvm_entry *e = nvm->entries; e < nvm->entries + nvm->records; e++) {
        if (e->id == id && e->owner == owner) {
            return e;
        }
    }
    return NULL;
}

static enum nvm_status index_set(struct nvm *nvm, const struct nvm_record *record, uint32_t offset)
{
    struct nvm_entry *entry = nvm_entry_find(nvm, record->owner, record->id);
    if (record->bytes == 0) {
        if (entry != NULL) {
            *entry = nvm->entries[--nvm->records];
        }
        return NVM_OK;
    }
    if (entry == NULL) {
        if (nvm->records == NVM_RECORDS_MAX) {
            return NVM_DAMAGED;
        }
        entry = &nvm->entries[nvm->records++];
    }
    *entry = (struct nvm_entry){
        .owner = record->owner,
        .id = record->id,
        .page = nvm->head,
        .granules = (uint8_t)(NVM_OCCUPIED(record->bytes) / NVM_GRANULE_BYTES),
        .offset = (uint16_t)offset,
    };
    return NVM_OK;
}

enum nvm_status nvm_log_apply(struct nvm *nvm, uint32_t start, uint32_t length)
{
    uint32_t end = start + length;
    while (start < end) {
        uint8_t header[NVM_RECORD_HEADER_BYTES];
        struct nvm_record record;
        enum nvm_status status = nvm_flash_read(nvm, nvm->head, start, header, sizeof header);
        if (status != NVM_OK) {
            return status;
        }
        if (!nvm_record_decode(header, &record) ||
            NVM_RECORD_HEADER_BYTES + record.bytes > end - start) {
            return NVM_DAMAGED;
        }
        status = index_set(nvm, &record, start);
        if (status != NVM_OK) {
            return status;
        }
        start += NVM_RECORD_HEADER_BYTES + record.bytes;
    }
    return NVM_OK;
}

/* --- the stream of bytes, unit by unit --- */

static enum nvm_status stream_program(struct nvm *nvm, uint32_t page, const uint8_t *data,
                                      size_t bytes)
{
    enum nvm_status status = flash_program(nvm, page, nvm->tail, data, bytes);
    nvm->tail = (uint16_t)(nvm->tail + bytes);
    return status;
}

enum nvm_status nvm_stream_write(struct nvm *nvm, uint32_t page, const uint8_t *data, size_t bytes)
{
    size_t unit = nvm->flash->unit_bytes;
    nvm->crc = crc32_update(nvm->crc, data, bytes);
    nvm->length = (uint16_t)(nvm->length + bytes);
    while (bytes > 0) {
        size_t part;
        enum nvm_status status = NVM_OK;
        if (nvm->staged_bytes > 0 || bytes < unit) {
            part = unit - nvm->staged_bytes < bytes ? unit - nvm->staged_bytes : bytes;
            memcpy(nvm->staged + nvm->staged_bytes, data, part);
            nvm->staged_bytes = (uint8_t)(nvm->staged_bytes + part);
            if (nvm->staged_bytes == unit) {
                nvm->staged_bytes = 0;
                status = stream_program(nvm, page, nvm->staged, unit);
                bytes_wipe(nvm->staged, unit); /* the end of a key, perhaps */
            }
        } else {
            part = bytes < CALL_BYTES_MAX ? bytes & ~(unit - 1) : CALL_BYTES_MAX;
            status = stream_program(nvm, page, data, part);
        }
        if (status != NVM_OK) {
            return status;
        }
        data += part;
        bytes -= part;
    }
    return NVM_OK;
}

static enum nvm_status stream_flush(struct nvm *nvm, uint32_t page)
{
    if (nvm->staged_bytes == 0) {
        return NVM_OK;
    }
    memset(nvm->staged + nvm->staged_bytes, 0xFF, sizeof nvm->staged - nvm->staged_bytes);
    nvm->staged_bytes = 0;
    enum nvm_status status = stream_program(nvm, page, nvm->staged, nvm->flash->unit_bytes);
    bytes_wipe(nvm->staged, sizeof nvm->staged);
    return status;
}

void nvm_stream_start(struct nvm *nvm, uint32_t offset, uint32_t crc)
{
    nvm->tail = (uint16_t)offset;
    nvm->start = (uint16_t)offset;
    nvm->length = 0;
    nvm->staged_bytes = 0;
    nvm->crc = crc;
}

static void stream_marker(const struct nvm *nvm, enum nvm_marker_kind kind, uint32_t seed,
                          uint32_t number, uint8_t out[NVM_MARKER_BYTES])
{
    struct nvm_marker marker = {
        .number = number,
        .start = nvm->start,
        .length = nvm->length,
        .kind = (uint8_t)kind,
    };
    nvm_marker_encode(&marker, seed, nvm->crc, out);
}

enum nvm_status nvm_stream_open(struct nvm *nvm, uint32_t page, uint32_t seed, uint32_t number)
{
    uint8_t marker[NVM_MARKER_BYTES];
    enum nvm_status status = stream_flush(nvm, page);
    if (status != NVM_OK) {
        return status;
    }
    stream_marker(nvm, NVM_MARKER_OPENING, seed, number, marker);
    return stream_program(nvm, page, marker, sizeof marker);
}

void nvm_head_set(struct nvm *nvm, const struct nvm_header *header)
{
    uint32_t first = nvm_align(nvm->flash, header->opening) + NVM_MARKER_BYTES;
    nvm->sequence = header->sequence;
    nvm->erases = header->erases;
    nvm->number = header->base;
    nvm->seed = nvm_header_seed(header);
    nvm->first = (uint16_t)first;
    nvm->limit = (uint16_t)nvm_log_limit(nvm->flash, header->entries);
    nvm->tail = nvm->first;
    nvm->slot = 0;
    nvm->is_closed = false;
    nvm->is_fenced = false;
    nvm->is_reopening = false;
}

/* --- transactions and decisions --- */

enum nvm_status nvm_log_fence(struct nvm *nvm)
{
    if (nvm->is_fenced) {
        return NVM_OK;
    }
    enum nvm_status status = nvm_fence_program(nvm, nvm->head, nvm->tail);
    nvm_stream_start(nvm, nvm->tail + nvm->flash->unit_bytes, nvm->seed);
    nvm->is_fenced = status == NVM_OK;
    return status;
}

enum nvm_status nvm_log_write(struct nvm *nvm, const uint8_t *data, size_t bytes)
{
    return nvm_stream_write(nvm, nvm->head, data, bytes);
}

enum nvm_status nvm_log_end_transaction(struct nvm *nvm, enum nvm_marker_kind kind,
                                        bool *first_stood)
{
    uint8_t marker[NVM_MARKER_BYTES];
    *first_stood = false;
    enum nvm_status status = stream_flush(nvm, nvm->head);
    if (status != NVM_OK) {
        return status;
    }
    stream_marker(nvm, kind, nvm->seed, nvm->number + (kind == NVM_MARKER_COMMIT), marker);
    nvm->is_fenced = false;
    status = stream_program(nvm, nvm->head, marker, sizeof marker);
    if (status != NVM_OK) {
        return status;
    }
    *first_stood = true;
    return stream_program(nvm, nvm->head, marker, sizeof marker);
}

static enum nvm_status slot_write(struct nvm *nvm, uint32_t slot,
                                  const uint8_t marker[NVM_MARKER_BYTES])
{
    uint32_t offset = nvm_slot_offset(nvm->flash, slot);
    enum nvm_status status = nvm_fence_program(nvm, nvm->head, offset);
    offset += nvm->flash->unit_bytes;
    if (status == NVM_OK) {
        status = flash_program(nvm, nvm->head, offset, marker, NVM_MARKER_BYTES);
    }
    if (status == NVM_OK) {
        status = flash_program(nvm, nvm->head, offset + NVM_MARKER_BYTES, marker, NVM_MARKER_BYTES);
    }
    return status;
}

enum nvm_status nvm_log_decide(struct nvm *nvm, const uint8_t marker[NVM_MARKER_BYTES])
{
    enum nvm_status status = NVM_FULL;
    nvm->is_closed = true;
    while (nvm->slot < NVM_SLOTS && status != NVM_OK && status != NVM_POWER_LOST) {
        status = slot_write(nvm, nvm->slot++, marker);
    }
    return status;
}

enum nvm_status nvm_log_decide_void(struct nvm *nvm)
{
    uint8_t marker[NVM_MARKER_BYTES];
    nvm_stream_start(nvm, nvm->first, nvm->seed);
    stream_marker(nvm, NVM_MARKER_VOID, nvm->seed, nvm->number, marker);
    return nvm_log_decide(nvm, marker);
}
