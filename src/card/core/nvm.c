/* SPDX-License-Identifier: Apache-2.0 */
#include "card/core/nvm.h"

#include <string.h>

#include "base/crc32.h"
#include "card/core/nvm_log.h"

/* What a page with no copies surely has for the records of one transaction: beside them, two
 * markers and at most three units are lost to padding and fences. */
#define TRANSACTION_OVERHEAD (2u * NVM_MARKER_BYTES + 3u * STIVER_FLASH_UNIT_MAX)

/* The page with the highest sequence is left alone until the new store's first page stands after it
 * and counts: a tear on the way never leaves a half erased page that may pass for a head. */
static enum nvm_status others_erase(struct nvm *nvm, uint32_t newest, uint32_t first)
{
    enum nvm_status status = NVM_OK;
    for (uint32_t page = 0; status == NVM_OK && page < nvm->flash->pages; page++) {
        if (page != newest && page != first) {
            status = nvm_flash_erase(nvm, page);
        }
    }
    return status;
}

enum nvm_status nvm_format(const struct stiver_flash *flash, const uint8_t salt[NVM_SALT_BYTES])
{
    struct nvm nvm;
    struct nvm_header header;
    bool stood;
    memset(&nvm, 0, sizeof nvm);
    nvm.flash = flash;
    memcpy(nvm.salt, salt, NVM_SALT_BYTES);
    if (!nvm_geometry_is_valid(flash)) {
        return NVM_GEOMETRY;
    }
    uint32_t newest = flash->pages - 1;
    enum nvm_status status = nvm_newest_find(&nvm, &newest, &header);
    if (status == NVM_OK) {
        nvm.sequence = header.sequence;
        nvm.erases = header.erases;
    } else if (status != NVM_BLANK && status != NVM_GEOMETRY) {
        return status;
    }
    uint32_t first = nvm_page_after(&nvm, newest);
    status = others_erase(&nvm, newest, first);
    if (status == NVM_OK) {
        status = nvm_page_found(&nvm, first);
    }
    if (status == NVM_OK) {
        status = nvm_log_end_transaction(&nvm, NVM_MARKER_VOID, &stood);
    }
    return status == NVM_OK ? nvm_flash_erase(&nvm, newest) : status;
}

void nvm_limit(struct nvm *nvm, const struct nvm_quota *quotas, size_t rows)
{
    nvm->quotas = quotas;
    nvm->quota_rows = (uint8_t)(rows < UINT8_MAX ? rows : UINT8_MAX);
}

/* --- reading --- */

static enum nvm_status read_status(const struct nvm *nvm)
{
    if (nvm->state == NVM_STATE_POWER_LOST) {
        return NVM_POWER_LOST;
    }
    return nvm->state == NVM_STATE_UNMOUNTED ? NVM_MISUSE : NVM_OK;
}

static enum nvm_status record_find(const struct nvm *nvm, uint8_t owner, uint8_t id,
                                   struct nvm_record *record, uint32_t *page, uint32_t *offset)
{
    uint8_t header[NVM_RECORD_HEADER_BYTES];
    enum nvm_status status = read_status(nvm);
    if (status != NVM_OK) {
        return status;
    }
    uint32_t i = 0;
    while (i < nvm->records && (nvm->entries[i].id != id || nvm->entries[i].owner != owner)) {
        i++;
    }
    if (i == nvm->records) {
        return NVM_ABSENT;
    }
    *page = nvm->entries[i].page;
    *offset = nvm->entries[i].offset + NVM_RECORD_HEADER_BYTES;
    status = nvm_flash_read(nvm, *page, nvm->entries[i].offset, header, sizeof header);
    if (status != NVM_OK) {
        return status;
    }
    bool fits = nvm_record_decode(header, record) && record->owner == owner && record->id == id &&
                *offset + record->bytes <= nvm->flash->page_bytes;
    return fits ? NVM_OK : NVM_DAMAGED;
}

enum nvm_status nvm_size(const struct nvm *nvm, uint8_t owner, uint8_t id, size_t *bytes)
{
    struct nvm_record record;
    uint32_t page;
    uint32_t offset;
    enum nvm_status status = record_find(nvm, owner, id, &record, &page, &offset);
    *bytes = status == NVM_OK ? record.bytes : 0;
    return status;
}

/* A length that went bad must not pass for a caller's mistake. */
static enum nvm_status record_verify(const struct nvm *nvm, const struct nvm_record *record,
                                     uint32_t page, uint32_t offset)
{
    uint32_t crc = nvm_record_seed(record);
    enum nvm_status status = nvm_flash_crc(nvm, page, offset, record->bytes, &crc);
    return status == NVM_OK && crc32_end(crc) != record->crc ? NVM_DAMAGED : status;
}

enum nvm_status nvm_read(const struct nvm *nvm, uint8_t owner, uint8_t id, uint8_t *version,
                         uint8_t *out, size_t capacity, size_t *bytes)
{
    struct nvm_record record;
    uint32_t page;
    uint32_t offset;
    *bytes = 0;
    enum nvm_status status = record_find(nvm, owner, id, &record, &page, &offset);
    if (status != NVM_OK) {
        return status;
    }
    if (record.bytes > capacity) {
        return record_verify(nvm, &record, page, offset) == NVM_DAMAGED ? NVM_DAMAGED : NVM_MISUSE;
    }
    status = nvm_flash_read(nvm, page, offset, out, record.bytes);
    if (status == NVM_OK &&
        crc32_end(crc32_update(nvm_record_seed(&record), out, record.bytes)) != record.crc) {
        status = NVM_DAMAGED;
    }
    if (status != NVM_OK) {
        memset(out, 0, record.bytes);
        return status;
    }
    if (version != NULL) {
        *version = record.version;
    }
    *bytes = record.bytes;
    return NVM_OK;
}

static bool is_searched(const struct nvm_entry *entry, uint8_t owner, uint8_t first, uint8_t last,
                        size_t end)
{
    return entry->owner == owner && entry->id >= first && entry->id <= last &&
           end <= entry->granules * NVM_GRANULE_BYTES;
}

enum nvm_status nvm_search(const struct nvm *nvm, uint8_t owner, uint8_t first, uint8_t last,
                           size_t offset, const uint8_t *data, size_t bytes)
{
    uint8_t shown[NVM_SEARCH_MAX];
    enum nvm_status status = read_status(nvm);
    if (status != NVM_OK || bytes > sizeof shown || offset > NVM_DATA_MAX) {
        return status == NVM_OK ? NVM_MISUSE : status;
    }
    offset += NVM_RECORD_HEADER_BYTES;
    for (uint32_t i = 0; i < nvm->records; i++) {
        const struct nvm_entry *entry = &nvm->entries[i];
        if (!is_searched(entry, owner, first, last, offset + bytes)) {
            continue;
        }
        status = nvm_flash_read(nvm, entry->page, entry->offset + (uint32_t)offset, shown, bytes);
        if (status != NVM_OK) {
            return status;
        }
        if (memcmp(shown, data, bytes) == 0) {
            return NVM_OK;
        }
    }
    return NVM_ABSENT;
}

/* --- room --- */

static enum nvm_status change_status(const struct nvm *nvm)
{
    return nvm->state == NVM_STATE_READ_ONLY ? NVM_WORN : read_status(nvm);
}

/*
 * Whether so many more bytes of records leave the store able to turn its pages for ever. Turning
 * with fill packs records into pages next-fit: each page but the last is full up to less than the
 * longest record, and two neighbours together hold more than one page's worth. Two pages are needed
 * beside the packed ones: the page to open and the one that it frees. Beyond half of the flash,
 * turning would cost more than it gains.
 */
static bool space_suffices(const struct nvm *nvm, uint32_t more, uint32_t longest)
{
    uint32_t room = nvm_copy_bytes_max(nvm->flash);
    uint32_t pages = nvm->flash->pages;
    uint32_t live = more;
    for (uint32_t i = 0; i < nvm->records; i++) {
        uint32_t bytes = nvm->entries[i].granules * NVM_GRANULE_BYTES;
        live += bytes;
        longest = bytes > longest ? bytes : longest;
    }
    uint32_t packed = longest < room ? (pages - 2) * (room - longest) : 0;
    uint32_t paired = (pages - 3) * (room / 2);
    uint32_t half = pages * (nvm->flash->page_bytes / 2);
    uint32_t most = packed > paired ? packed : paired;
    return live <= (most < half ? most : half);
}

static bool head_has_room(const struct nvm *nvm, uint32_t record_bytes)
{
    uint32_t need = (nvm->is_fenced ? 0 : nvm->flash->unit_bytes) +
                    nvm_align(nvm->flash, record_bytes) + 2 * NVM_MARKER_BYTES;
    return !nvm->is_closed && nvm->tail + need <= nvm->limit;
}

/* One turn is the rule: it copies only what it must. Only where that leaves too little room, the
 * next ones pack. A round of packing is enough, so the end of the loop is out of reach. */
static enum nvm_status room_make(struct nvm *nvm, uint32_t record_bytes)
{
    uint32_t pages = nvm->flash->pages;
    for (uint32_t turns = 0; turns < pages && !head_has_room(nvm, record_bytes); turns++) {
        /* Pages written by this packing are not packed again. */
        enum nvm_status status = nvm_page_turn(nvm, turns == 0 ? 0 : pages - 1 - turns);
        if (status != NVM_OK) {
            return status;
        }
    }
    return head_has_room(nvm, record_bytes) ? NVM_OK : NVM_FULL;
}

enum nvm_status nvm_begin(struct nvm *nvm, size_t reserve_bytes, size_t records)
{
    enum nvm_status status = change_status(nvm);
    if (status != NVM_OK) {
        return status;
    }
    if (nvm->is_in_transaction) {
        return NVM_MISUSE;
    }
    if (records > NVM_TRANSACTION_RECORDS_MAX || reserve_bytes > nvm_copy_bytes_max(nvm->flash)) {
        return NVM_FULL;
    }
    uint32_t bytes = (uint32_t)(reserve_bytes + records * NVM_RECORD_HEADER_BYTES);
    uint32_t longest = NVM_OCCUPIED((uint32_t)reserve_bytes);
    if (bytes + TRANSACTION_OVERHEAD > nvm_copy_bytes_max(nvm->flash) ||
        (reserve_bytes > 0 &&
         !space_suffices(nvm, bytes + (uint32_t)records * (NVM_GRANULE_BYTES - 1), longest))) {
        return NVM_FULL;
    }
    status = nvm_page_seal(nvm);
    if (status == NVM_OK) {
        status = room_make(nvm, bytes);
    }
    if (status != NVM_OK) {
        return status;
    }
    nvm->is_in_transaction = true;
    nvm->reserved = (uint32_t)reserve_bytes;
    nvm->puts_left = (uint8_t)records;
    nvm->pending_count = 0;
    return NVM_OK;
}

/* --- changing --- */

static struct nvm_pending *pending_find(struct nvm *nvm, uint8_t owner, uint8_t id)
{
    for (struct nvm_pending *p = nvm->pending; p < nvm->pending + nvm->pending_count; p++) {
        if (p->id == id && p->owner == owner) {
            return p;
        }
    }
    return NULL;
}

/* What will be live if the open transaction commits, but for the record (owner, id). */
struct holding {
    uint32_t records;
    uint32_t owner_records;
    uint32_t owner_granules;
};

static void holding_add(struct holding *sum, bool is_owners, uint32_t granules)
{
    sum->records += granules > 0;
    sum->owner_records += is_owners && granules > 0;
    sum->owner_granules += is_owners ? granules : 0;
}

static struct holding holding_after(struct nvm *nvm, uint8_t owner, uint8_t id)
{
    struct holding sum = {0, 0, 0};
    for (uint32_t i = 0; i < nvm->records; i++) {
        const struct nvm_entry *e = &nvm->entries[i];
        if ((e->owner != owner || e->id != id) && pending_find(nvm, e->owner, e->id) == NULL) {
            holding_add(&sum, e->owner == owner, e->granules);
        }
    }
    for (uint32_t i = 0; i < nvm->pending_count; i++) {
        const struct nvm_pending *p = &nvm->pending[i];
        if (p->owner != owner || p->id != id) {
            holding_add(&sum, p->owner == owner, p->granules);
        }
    }
    return sum;
}

static bool quota_allows(struct nvm *nvm, uint8_t owner, uint8_t id, uint32_t granules)
{
    struct holding sum = holding_after(nvm, owner, id);
    holding_add(&sum, true, granules);
    if (granules == 0) {
        return true;
    }
    if (sum.records > NVM_RECORDS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < nvm->quota_rows; i++) {
        if (nvm->quotas[i].owner == owner) {
            return sum.owner_records <= nvm->quotas[i].records &&
                   sum.owner_granules * NVM_GRANULE_BYTES <= nvm->quotas[i].bytes;
        }
    }
    return nvm->quota_rows == 0;
}

static enum nvm_status record_write(struct nvm *nvm, const struct nvm_record *record,
                                    const uint8_t *data)
{
    uint8_t header[NVM_RECORD_HEADER_BYTES];
    nvm_record_encode(record, data, header);
    enum nvm_status status = nvm_log_fence(nvm);
    if (status == NVM_OK) {
        status = nvm_log_write(nvm, header, sizeof header);
    }
    if (status == NVM_OK) {
        status = nvm_log_write(nvm, data, record->bytes);
    }
    return status;
}

static void pending_set(struct nvm *nvm, uint8_t owner, uint8_t id, uint8_t granules)
{
    struct nvm_pending *pending = pending_find(nvm, owner, id);
    if (pending == NULL) {
        pending = &nvm->pending[nvm->pending_count++];
    }
    *pending = (struct nvm_pending){.owner = owner, .id = id, .granules = granules};
}

enum nvm_status nvm_put(struct nvm *nvm, uint8_t owner, uint8_t id, uint8_t version,
                        const uint8_t *data, size_t bytes)
{
    enum nvm_status status = change_status(nvm);
    if (status != NVM_OK) {
        return status;
    }
    if (!nvm->is_in_transaction || nvm->puts_left == 0 || bytes > nvm->reserved ||
        bytes > NVM_DATA_MAX) {
        return NVM_MISUSE;
    }
    uint32_t granules = bytes == 0 ? 0 : NVM_OCCUPIED((uint32_t)bytes) / NVM_GRANULE_BYTES;
    if (!quota_allows(nvm, owner, id, granules)) {
        return NVM_FULL;
    }
    struct nvm_record record = {
        .bytes = (uint16_t)bytes,
        .owner = owner,
        .id = id,
        .version = version,
    };
    status = record_write(nvm, &record, data);
    if (status == NVM_OK) {
        pending_set(nvm, owner, id, (uint8_t)granules);
        nvm->reserved -= (uint32_t)bytes;
        nvm->puts_left--;
    }
    return status;
}

/* Whether the transaction stands is not known here, or not by the index: nothing is said any more,
 * as after a power loss, until a mount has looked. */
static enum nvm_status commit_in_doubt(struct nvm *nvm)
{
    nvm->state = NVM_STATE_POWER_LOST;
    return NVM_POWER_LOST;
}

/* The flash refused the first marker, and what it shows of it may change. It must not count. */
static enum nvm_status commit_undo(struct nvm *nvm)
{
    return nvm_log_decide_void(nvm) == NVM_OK ? NVM_WORN : commit_in_doubt(nvm);
}

enum nvm_status nvm_commit(struct nvm *nvm)
{
    bool stood;
    enum nvm_status status = change_status(nvm);
    if (status != NVM_OK) {
        return status;
    }
    if (!nvm->is_in_transaction) {
        return NVM_MISUSE;
    }
    if (nvm->pending_count == 0) {
        nvm_abort(nvm);
        return NVM_OK;
    }
    nvm->is_in_transaction = false;
    status = nvm_log_end_transaction(nvm, NVM_MARKER_COMMIT, &stood);
    if (status == NVM_POWER_LOST) {
        return status;
    }
    if (!stood) {
        return commit_undo(nvm);
    }
    /* A second marker that was refused for wear changes nothing: the first one stands. */
    nvm->number++;
    return nvm_log_apply(nvm, nvm->start, nvm->length) == NVM_OK ? NVM_OK : commit_in_doubt(nvm);
}

void nvm_abort(struct nvm *nvm)
{
    bool stood;
    bool was_open = nvm->is_in_transaction;
    nvm->is_in_transaction = false;
    nvm->pending_count = 0;
    if (was_open && nvm->is_fenced && nvm->state == NVM_STATE_READY) {
        /* If this fails, the next mount does it; and the state remembers why. */
        (void)!nvm_log_end_transaction(nvm, NVM_MARKER_VOID, &stood);
    }
}

/* --- figures --- */

enum nvm_status nvm_wear(const struct nvm *nvm, uint32_t page, uint32_t *erases)
{
    uint8_t bytes[NVM_HEADER_BYTES];
    struct nvm_header header;
    *erases = 0;
    enum nvm_status status = read_status(nvm);
    if (status != NVM_OK || page >= nvm->flash->pages) {
        return status != NVM_OK ? status : NVM_MISUSE;
    }
    status = nvm_flash_read(nvm, page, 0, bytes, sizeof bytes);
    if (status == NVM_OK && nvm_header_decode(nvm->flash, bytes, &header) == NVM_OK) {
        *erases = header.erases;
    }
    return status;
}

uint32_t nvm_free_pages(const struct nvm *nvm)
{
    uint32_t count = 0;
    for (uint32_t page = 0; page < nvm->flash->pages; page++) {
        bool is_free = page != nvm->head;
        for (uint32_t i = 0; i < nvm->records && is_free; i++) {
            is_free = nvm->entries[i].page != page;
        }
        count += is_free;
    }
    return count;
}

uint32_t nvm_programmed(const struct nvm *nvm)
{
    return nvm->programmed;
}
