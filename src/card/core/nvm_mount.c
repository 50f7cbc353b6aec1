/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the truth after power-up. The newest page that counts is the head. Its snapshot is the
 * index as of its opening; its transactions follow each other, each a fence, records, two equal
 * markers; decision slots at its end say how a torn one ended. Each unit is read once for each
 * decision, because a unit that was torn may read differently the next time.
 */
#include <string.h>

#include "base/crc32.h"
#include "card/core/nvm_log.h"

/* What a page that passes for the head showed. */
struct finding {
    uint8_t candidate[NVM_MARKER_BYTES]; /* a marker that stands alone at the very end */
    uint8_t decision[NVM_MARKER_BYTES];  /* the last readable one of the slots */
    uint32_t end;                        /* of what surely happened: where the next fence goes */
    uint32_t looked_at; /* where a marker was looked for after that, and not found */
    bool has_candidate;
    bool has_decision;
    bool has_markers; /* any at all beside the opening's */
    bool is_doubtful; /* something else stands after end */
    bool is_decided;  /* the last slot in use is whole */
    bool has_slots;   /* any slot shows anything */
};

/* --- the opening of a page --- */

static bool header_fits(const struct nvm *nvm, const struct nvm_header *header)
{
    return header->entries <= NVM_RECORDS_MAX &&
           header->opening >= NVM_HEADER_BYTES + NVM_SNAPSHOT_ENTRY_BYTES * header->entries &&
           nvm_align(nvm->flash, header->opening) + NVM_MARKER_BYTES + nvm->flash->unit_bytes <=
               nvm_log_end(nvm->flash);
}

/* The header of a page, made the head, and its running CRC. NVM_BLANK: none that can be right. */
static enum nvm_status header_load(struct nvm *nvm, uint32_t page, struct nvm_header *header,
                                   uint32_t *crc)
{
    uint8_t bytes[NVM_HEADER_BYTES];
    enum nvm_status status = nvm_flash_read(nvm, page, 0, bytes, sizeof bytes);
    if (status != NVM_OK) {
        return status;
    }
    if (nvm_header_decode(nvm->flash, bytes, header) != NVM_OK || !header_fits(nvm, header)) {
        return NVM_BLANK;
    }
    nvm->head = (uint8_t)page;
    nvm_head_set(nvm, header);
    nvm->records = header->entries;
    *crc = crc32_update(nvm->seed, bytes, sizeof bytes);
    return NVM_OK;
}

static enum nvm_status snapshot_load(struct nvm *nvm, uint32_t *crc)
{
    for (uint32_t i = 0; i < nvm->records; i++) {
        uint8_t bytes[NVM_SNAPSHOT_ENTRY_BYTES];
        uint32_t offset = NVM_HEADER_BYTES + i * NVM_SNAPSHOT_ENTRY_BYTES;
        enum nvm_status status = nvm_flash_read(nvm, nvm->head, offset, bytes, sizeof bytes);
        if (status != NVM_OK) {
            return status;
        }
        *crc = crc32_update(*crc, bytes, sizeof bytes);
        nvm_entry_decode(bytes, &nvm->entries[i]);
    }
    return NVM_OK;
}

/* Whether the opening marker holds for what was read: nothing is read twice, because a page whose
 * erase was torn may show a whole opening once and something else the next time. */
static enum nvm_status opening_check(const struct nvm *nvm, const struct nvm_header *header,
                                     uint32_t crc)
{
    uint8_t bytes[NVM_MARKER_BYTES];
    struct nvm_marker marker;
    uint32_t copies = NVM_HEADER_BYTES + nvm->records * NVM_SNAPSHOT_ENTRY_BYTES;
    uint32_t offset = nvm_align(nvm->flash, header->opening);
    enum nvm_status status = nvm_flash_read(nvm, nvm->head, offset, bytes, sizeof bytes);
    if (status == NVM_OK) {
        status = nvm_flash_crc(nvm, nvm->head, copies, header->opening - copies, &crc);
    }
    if (status != NVM_OK) {
        return status;
    }
    bool holds = nvm_marker_decode(bytes, nvm->seed, &marker) &&
                 marker.kind == NVM_MARKER_OPENING && marker.start == 0 &&
                 marker.length == header->opening && marker.number == header->base &&
                 nvm_marker_matches(bytes, crc);
    return holds ? NVM_OK : NVM_BLANK;
}

/* NVM_BLANK: not an opening that came to its marker. */
static enum nvm_status opening_load(struct nvm *nvm, uint32_t page, struct nvm_header *header)
{
    uint32_t crc;
    enum nvm_status status = header_load(nvm, page, header, &crc);
    if (status == NVM_OK) {
        status = snapshot_load(nvm, &crc);
    }
    return status == NVM_OK ? opening_check(nvm, header, crc) : status;
}

/* --- its transactions --- */

/* True in *valid if a marker that says so covers these bytes of the head page. */
static enum nvm_status marker_check(const struct nvm *nvm, const uint8_t bytes[NVM_MARKER_BYTES],
                                    struct nvm_marker *marker, bool *valid)
{
    uint32_t crc = nvm->seed;
    *valid = false;
    if (!nvm_marker_decode(bytes, crc, marker) || marker->kind == NVM_MARKER_OPENING ||
        marker->start < nvm->first ||
        marker->start + (uint32_t)marker->length > nvm_log_end(nvm->flash)) {
        return NVM_OK;
    }
    enum nvm_status status = nvm_flash_crc(nvm, nvm->head, marker->start, marker->length, &crc);
    if (status == NVM_OK) {
        *valid = nvm_marker_matches(bytes, crc);
    }
    return status;
}

/* Where the records end that begin at start. */
static enum nvm_status records_end(const struct nvm *nvm, uint32_t start, uint32_t *end)
{
    uint32_t limit = nvm_log_end(nvm->flash) - 2 * NVM_MARKER_BYTES;
    struct nvm_record record;
    for (*end = start; *end + NVM_RECORD_HEADER_BYTES <= limit;
         *end += NVM_RECORD_HEADER_BYTES + record.bytes) {
        uint8_t header[NVM_RECORD_HEADER_BYTES];
        enum nvm_status status = nvm_flash_read(nvm, nvm->head, *end, header, sizeof header);
        if (status != NVM_OK) {
            return status;
        }
        if (!nvm_record_decode(header, &record) ||
            *end + NVM_RECORD_HEADER_BYTES + record.bytes > limit) {
            return NVM_OK;
        }
    }
    return NVM_OK;
}

static bool marker_is_next(const struct nvm *nvm, const struct nvm_marker *marker, uint32_t start,
                           uint32_t end)
{
    return marker->start == start && marker->start + (uint32_t)marker->length == end &&
           ((marker->kind == NVM_MARKER_COMMIT && end > start &&
             marker->number == nvm->number + 1) ||
            (marker->kind == NVM_MARKER_VOID && marker->number == nvm->number));
}

/* The two markers after the records of [start, end). NVM_OK with *good: the transaction surely
 * ended as *marker says. A lone marker becomes the candidate: either it is weak, or it is whole and
 * the second one was torn. NVM_DAMAGED: both are there, alike, and do not match what they cover. */
static enum nvm_status pair_judge(const struct nvm *nvm, uint32_t start, uint32_t end,
                                  struct finding *found, struct nvm_marker *marker, bool *good)
{
    uint8_t pair[2][NVM_MARKER_BYTES];
    bool valid[2] = {false, false};
    uint32_t offset = nvm_align(nvm->flash, end);
    *good = false;
    found->looked_at = offset;
    enum nvm_status status = nvm_flash_read(nvm, nvm->head, offset, pair[0], sizeof pair);
    if (status != NVM_OK) {
        return status;
    }
    bool alike = memcmp(pair[0], pair[1], NVM_MARKER_BYTES) == 0;
    for (int i = 1; i >= 0; i--) {
        struct nvm_marker read;
        if (i == 0 && alike) {
            valid[0] = valid[1];
            continue;
        }
        status = marker_check(nvm, pair[i], &read, &valid[i]);
        if (status != NVM_OK) {
            return status;
        }
        valid[i] = valid[i] && marker_is_next(nvm, &read, start, end);
        *marker = valid[i] ? read : *marker;
    }
    if (valid[0] && valid[1]) {
        *good = true;
        return NVM_OK;
    }
    if (alike && nvm_marker_decode(pair[0], nvm->seed, marker)) {
        return NVM_DAMAGED;
    }
    if (valid[0] || valid[1]) {
        bool erased;
        memcpy(found->candidate, pair[valid[0] ? 0 : 1], NVM_MARKER_BYTES);
        status = nvm_flash_erased(nvm, nvm->head, offset + sizeof pair, nvm_log_end(nvm->flash),
                                  &erased);
        /* What follows was begun when both could be read: the first was whole. */
        *good = status == NVM_OK && !erased;
        found->has_candidate = !*good;
    }
    return status;
}

/* One transaction at found->end. *more: there may be another after it. */
static enum nvm_status transaction_walk(struct nvm *nvm, struct finding *found, bool *more)
{
    uint32_t log_end = nvm_log_end(nvm->flash);
    uint32_t start = found->end + nvm->flash->unit_bytes;
    uint32_t end;
    enum nvm_fence fence;
    struct nvm_marker marker = {0};
    bool erased;
    bool good;
    *more = false;
    if (start > log_end) {
        return NVM_OK;
    }
    enum nvm_status status = nvm_fence_read(nvm, nvm->head, found->end, &fence);
    if (status != NVM_OK) {
        return status;
    }
    if (fence != NVM_FENCE_WHOLE) {
        status = nvm_flash_erased(nvm, nvm->head, start, log_end, &erased);
        found->is_doubtful = !erased;
        return status;
    }
    found->is_doubtful = true;
    status = records_end(nvm, start, &end);
    if (status != NVM_OK || nvm_align(nvm->flash, end) + 2 * NVM_MARKER_BYTES > log_end) {
        return status;
    }
    status = pair_judge(nvm, start, end, found, &marker, &good);
    found->has_markers = found->has_markers || good || found->has_candidate;
    if (status != NVM_OK || !good) {
        return status;
    }
    if (marker.kind == NVM_MARKER_COMMIT) {
        status = nvm_log_apply(nvm, start, end - start);
    }
    nvm->number = marker.number;
    found->is_doubtful = false;
    found->end = nvm_align(nvm->flash, end) + 2 * NVM_MARKER_BYTES;
    *more = true;
    return status;
}

static enum nvm_status log_walk(struct nvm *nvm, struct finding *found)
{
    bool more = true;
    found->end = nvm->first;
    while (more) {
        enum nvm_status status = transaction_walk(nvm, found, &more);
        if (status != NVM_OK) {
            return status;
        }
    }
    return NVM_OK;
}

/* --- its decision slots --- */

static enum nvm_status slot_read(struct nvm *nvm, uint32_t slot, struct finding *found)
{
    uint8_t bytes[STIVER_FLASH_UNIT_MAX + 2 * NVM_MARKER_BYTES];
    uint32_t unit = nvm->flash->unit_bytes;
    struct nvm_marker marker;
    bool valid[2] = {false, false};
    enum nvm_status status = nvm_flash_read(nvm, nvm->head, nvm_slot_offset(nvm->flash, slot),
                                            bytes, nvm_slot_bytes(nvm->flash));
    if (status != NVM_OK) {
        return status;
    }
    bool begun = nvm_fence_judge(nvm, bytes) == NVM_FENCE_WHOLE;
    for (uint32_t i = 0; i < 2 * NVM_MARKER_BYTES; i++) {
        begun = begun || bytes[unit + i] != 0xFF;
    }
    found->has_slots = found->has_slots || begun;
    if (!begun) {
        return NVM_OK;
    }
    nvm->slot = (uint8_t)(slot + 1);
    for (uint32_t i = 0; i < 2; i++) {
        const uint8_t *half = bytes + unit + i * NVM_MARKER_BYTES;
        status = marker_check(nvm, half, &marker, &valid[i]);
        if (status != NVM_OK) {
            return status;
        }
        if (valid[i]) {
            memcpy(found->decision, half, NVM_MARKER_BYTES);
            found->has_decision = true;
        }
    }
    found->is_decided = valid[0] && valid[1];
    return NVM_OK;
}

static enum nvm_status slots_read(struct nvm *nvm, struct finding *found)
{
    bool erased;
    enum nvm_status status = nvm_flash_erased(nvm, nvm->head, nvm_slot_offset(nvm->flash, 0),
                                              nvm_slot_offset(nvm->flash, NVM_SLOTS), &erased);
    for (uint32_t slot = 0; status == NVM_OK && !erased && slot < NVM_SLOTS; slot++) {
        status = slot_read(nvm, slot, found);
    }
    found->has_markers = found->has_markers || found->has_decision;
    return status;
}

/* --- the truth --- */

/* What a torn transaction cannot leave where the walk did not understand it: a marker that holds,
 * or a pair of them. They mean that something before them went bad. Only where the walk looked may
 * a lone marker be: if it is weak, it may well show at the second look. */
static enum nvm_status stray_check(const struct nvm *nvm, const struct finding *found, uint32_t at)
{
    uint8_t pair[2][NVM_MARKER_BYTES];
    struct nvm_marker marker;
    bool valid;
    enum nvm_status status = nvm_flash_read(nvm, nvm->head, at, pair[0], sizeof pair);
    if (status != NVM_OK || !nvm_marker_decode(pair[0], nvm->seed, &marker)) {
        return status;
    }
    if (memcmp(pair[0], pair[1], NVM_MARKER_BYTES) == 0) {
        return NVM_DAMAGED;
    }
    status = marker_check(nvm, pair[0], &marker, &valid);
    return status == NVM_OK && valid && at != found->looked_at ? NVM_DAMAGED : status;
}

/* Better no answer than an old one. */
static enum nvm_status strays_refuse(const struct nvm *nvm, const struct finding *found)
{
    uint32_t unit = nvm->flash->unit_bytes;
    uint32_t last = nvm_log_end(nvm->flash) - 2 * NVM_MARKER_BYTES;
    enum nvm_status status = NVM_OK;
    for (uint32_t at = found->end + unit; status == NVM_OK && at <= last; at += unit) {
        status = stray_check(nvm, found, at);
    }
    return status;
}

static enum nvm_status decision_apply(struct nvm *nvm, const struct finding *found,
                                      const uint8_t bytes[NVM_MARKER_BYTES])
{
    struct nvm_marker marker;
    if (!nvm_marker_decode(bytes, nvm->seed, &marker)) {
        return NVM_DAMAGED;
    }
    if (marker.number == nvm->number) {
        return NVM_OK;
    }
    if (marker.kind == NVM_MARKER_VOID && found->has_candidate) {
        /* Whoever decided this read the candidate's twin as well, which is weak: it is a commit. */
        (void)nvm_marker_decode(found->candidate, nvm->seed, &marker);
    }
    if (marker.kind != NVM_MARKER_COMMIT || marker.number != nvm->number + 1 ||
        marker.start != found->end + nvm->flash->unit_bytes || marker.length == 0) {
        return NVM_DAMAGED;
    }
    nvm->number = marker.number;
    return nvm_log_apply(nvm, marker.start, marker.length);
}

/* Makes what is read here true for ever, before anybody is told. */
static enum nvm_status doubt_end(struct nvm *nvm, const struct finding *found)
{
    const uint8_t *decision = found->has_decision    ? found->decision
                              : found->has_candidate ? found->candidate
                                                     : NULL;
    enum nvm_status status = NVM_OK;
    if (decision != NULL) {
        status = decision_apply(nvm, found, decision);
    } else if (found->is_doubtful) {
        status = strays_refuse(nvm, found);
    }
    nvm->tail = (uint16_t)found->end;
    nvm->is_closed = found->is_doubtful || found->has_slots;
    if (status != NVM_OK || found->is_decided || !nvm->is_closed) {
        return status;
    }
    status = decision != NULL ? nvm_log_decide(nvm, decision) : nvm_log_decide_void(nvm);
    if (status == NVM_OK || status == NVM_POWER_LOST) {
        return status;
    }
    /* No slot took it. A page opened on top of it says the same; until its fence stands, nothing
     * was said. What is announced as for a reopening makes sure that this page still counts when
     * the page after it is erased. */
    nvm->is_reopening = true;
    return nvm_page_turn(nvm, 0);
}

/* Whether a page that was opened to its marker, but shows no other marker, counts. Its fence may be
 * torn, so it may show now and be gone later; but nothing was believed of it then. It counts for
 * good once it was left for the page after it, or the page before it was sealed; and it is dead
 * once the page before it announced another opening. */
static enum nvm_status fresh_judge(const struct nvm *nvm, const struct nvm_header *header,
                                   const struct finding *found, bool *counts)
{
    uint32_t before = nvm_page_before(nvm, nvm->head);
    uint32_t left;
    uint32_t reopenings;
    enum nvm_fence seal;
    enum nvm_status status = nvm_reopenings(nvm, nvm->head, &left);
    if (status == NVM_OK) {
        status = nvm_reopenings(nvm, before, &reopenings);
    }
    if (status == NVM_OK) {
        status = nvm_fence_read(nvm, before, nvm_seal_offset(nvm->flash), &seal);
    }
    if (status != NVM_OK) {
        return status;
    }
    bool shows = found->is_doubtful || found->has_slots;
    bool is_wanted = header->attempt == NVM_ATTEMPT_FOUNDS || seal != NVM_FENCE_NONE ||
                     reopenings <= header->attempt;
    *counts = left > 0 || (shows && is_wanted);
    return NVM_OK;
}

/* Takes a page as the head if it counts; NVM_BLANK if it does not. */
static enum nvm_status page_take(struct nvm *nvm, uint32_t page, struct nvm_header *header,
                                 struct finding *found)
{
    bool counts = true;
    memset(found, 0, sizeof *found);
    enum nvm_status status = opening_load(nvm, page, header);
    if (status == NVM_OK) {
        status = log_walk(nvm, found);
    }
    if (status == NVM_OK) {
        status = slots_read(nvm, found);
    }
    if (status == NVM_OK && !found->has_markers) {
        status = fresh_judge(nvm, header, found, &counts);
    }
    return status == NVM_OK && !counts ? NVM_BLANK : status;
}

enum nvm_status nvm_newest_find(const struct nvm *nvm, uint32_t *newest, struct nvm_header *header)
{
    enum nvm_status result = NVM_BLANK;
    /* Downwards, because sequences grow upwards: most pages are older than one seen before, and
     * then their CRC does not matter. */
    for (uint32_t page = nvm->flash->pages; page-- > 0;) {
        uint8_t bytes[NVM_HEADER_BYTES];
        struct nvm_header read;
        enum nvm_status status = nvm_flash_read(nvm, page, 0, bytes, sizeof bytes);
        if (status != NVM_OK) {
            return status;
        }
        if (result == NVM_OK && nvm_header_sequence(bytes) <= header->sequence) {
            continue;
        }
        status = nvm_header_decode(nvm->flash, bytes, &read);
        if (status == NVM_OK) {
            *newest = page;
            *header = read;
            result = NVM_OK;
        } else if (status == NVM_GEOMETRY && result == NVM_BLANK) {
            result = NVM_GEOMETRY;
        }
    }
    return result;
}

static enum nvm_status head_find(struct nvm *nvm, struct nvm_header *header, struct finding *found)
{
    uint32_t page = 0;
    enum nvm_status status = nvm_newest_find(nvm, &page, header);
    if (status != NVM_OK) {
        return status;
    }
    uint32_t sequence = header->sequence;
    bool founds = header->attempt == NVM_ATTEMPT_FOUNDS;
    status = page_take(nvm, page, header, found);
    if (status != NVM_BLANK) {
        return status;
    }
    status = page_take(nvm, nvm_page_before(nvm, page), header, found);
    if (status == NVM_OK && header->sequence != sequence - 1) {
        return NVM_DAMAGED;
    }
    nvm->is_reopening = true;
    /* The torn first page of a store, alone, is none. */
    return status == NVM_BLANK && !founds ? NVM_DAMAGED : status;
}

/* Each entry must lead to its record; how much room they take is not in the snapshot. */
static enum nvm_status entries_check(struct nvm *nvm)
{
    for (uint32_t i = 0; i < nvm->records; i++) {
        struct nvm_entry *entry = &nvm->entries[i];
        uint8_t bytes[NVM_RECORD_HEADER_BYTES];
        struct nvm_record record;
        if (entry->page >= nvm->flash->pages ||
            entry->offset + NVM_RECORD_HEADER_BYTES > nvm_log_end(nvm->flash)) {
            return NVM_DAMAGED;
        }
        enum nvm_status status =
            nvm_flash_read(nvm, entry->page, entry->offset, bytes, sizeof bytes);
        if (status != NVM_OK) {
            return status;
        }
        if (!nvm_record_decode(bytes, &record) || record.owner != entry->owner ||
            record.id != entry->id ||
            entry->offset + NVM_RECORD_HEADER_BYTES + record.bytes > nvm_log_end(nvm->flash)) {
            return NVM_DAMAGED;
        }
        entry->granules = (uint8_t)(NVM_OCCUPIED(record.bytes) / NVM_GRANULE_BYTES);
    }
    return NVM_OK;
}

/* The head must have no successor; and whether the page before it knows of it. */
static enum nvm_status seals_check(struct nvm *nvm, const struct nvm_header *header)
{
    enum nvm_fence seal;
    uint32_t offset = nvm_seal_offset(nvm->flash);
    enum nvm_status status = nvm_fence_read(nvm, nvm->head, offset, &seal);
    if (status == NVM_OK && seal != NVM_FENCE_NONE) {
        status = NVM_DAMAGED;
    }
    nvm->is_sealed = header->attempt == NVM_ATTEMPT_FOUNDS;
    if (status == NVM_OK && !nvm->is_sealed) {
        status = nvm_fence_read(nvm, nvm_page_before(nvm, nvm->head), offset, &seal);
        nvm->is_sealed = seal != NVM_FENCE_NONE;
    }
    return status;
}

enum nvm_status nvm_mount(struct nvm *nvm, const struct stiver_flash *flash,
                          const uint8_t salt[NVM_SALT_BYTES])
{
    struct nvm_header header;
    struct finding found;
    memset(nvm, 0, sizeof *nvm);
    nvm->flash = flash;
    memcpy(nvm->salt, salt, NVM_SALT_BYTES);
    if (!nvm_geometry_is_valid(flash)) {
        return NVM_GEOMETRY;
    }
    enum nvm_status status = head_find(nvm, &header, &found);
    if (status == NVM_OK) {
        status = seals_check(nvm, &header);
    }
    if (status == NVM_OK) {
        status = entries_check(nvm);
    }
    if (status == NVM_OK) {
        status = doubt_end(nvm, &found);
    }
    if (status != NVM_OK) {
        nvm->state = status == NVM_POWER_LOST ? NVM_STATE_POWER_LOST : NVM_STATE_UNMOUNTED;
        return status;
    }
    nvm->is_closed = nvm->is_closed || nvm->is_reopening;
    nvm->state = NVM_STATE_READY;
    nvm->programmed = 0;
    return NVM_OK;
}
