/* SPDX-License-Identifier: Apache-2.0 */
#include "card/core/nvm_layout.h"

#include <string.h>

#include "base/crc32.h"

static const uint8_t MAGIC[4] = {'S', 't', 'v', 'r'};
#define FORMAT_VERSION 1u
#define RECORD_TAG 'R'
/* The part of a record header and of a marker that stands before its CRC. */
#define RECORD_FIELDS_BYTES 6u
#define MARKER_FIELDS_BYTES 12u
#define HEADER_FIELDS_BYTES 32u
#define PAGE_BYTES_MAX 32768u

static void u16_store(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

static void u32_store(uint8_t *out, uint32_t value)
{
    u16_store(out, value);
    u16_store(out + 2, value >> 16);
}

static uint16_t u16_load(const uint8_t *in)
{
    return (uint16_t)(in[0] | in[1] << 8);
}

static uint32_t u32_load(const uint8_t *in)
{
    return u16_load(in) | (uint32_t)u16_load(in + 2) << 16;
}

static bool is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

bool nvm_geometry_is_valid(const struct stiver_flash *flash)
{
    return is_power_of_two(flash->page_bytes) && flash->page_bytes >= STIVER_FLASH_PAGE_MIN &&
           flash->page_bytes <= PAGE_BYTES_MAX && flash->pages >= STIVER_FLASH_PAGES_MIN &&
           flash->pages <= STIVER_FLASH_PAGES_MAX && is_power_of_two(flash->unit_bytes) &&
           flash->unit_bytes <= STIVER_FLASH_UNIT_MAX;
}

uint32_t nvm_align(const struct stiver_flash *flash, uint32_t offset)
{
    return (offset + flash->unit_bytes - 1) & ~(flash->unit_bytes - 1);
}

uint32_t nvm_slot_bytes(const struct stiver_flash *flash)
{
    return flash->unit_bytes + 2 * NVM_MARKER_BYTES;
}

uint32_t nvm_slot_offset(const struct stiver_flash *flash, uint32_t slot)
{
    return nvm_log_end(flash) + slot * nvm_slot_bytes(flash);
}

uint32_t nvm_reopening_offset(const struct stiver_flash *flash, uint32_t reopening)
{
    return nvm_slot_offset(flash, NVM_SLOTS) + reopening * flash->unit_bytes;
}

uint32_t nvm_seal_offset(const struct stiver_flash *flash)
{
    return flash->page_bytes - flash->unit_bytes;
}

uint32_t nvm_log_end(const struct stiver_flash *flash)
{
    return nvm_seal_offset(flash) - NVM_REOPENINGS * flash->unit_bytes -
           NVM_SLOTS * nvm_slot_bytes(flash);
}

/* A page with fewer snapshot entries has more room than one with all of them. It must not use it
 * for records, or they might not fit into the next page once more records exist. One unit's worth
 * of padding before the opening marker can be lost on the way. */
uint32_t nvm_log_limit(const struct stiver_flash *flash, uint32_t entries)
{
    return nvm_log_end(flash) -
           NVM_SNAPSHOT_ENTRY_BYTES * (NVM_RECORDS_MAX - entries) / flash->unit_bytes *
               flash->unit_bytes -
           2 * flash->unit_bytes;
}

uint32_t nvm_copy_bytes_max(const struct stiver_flash *flash)
{
    return nvm_log_end(flash) - NVM_HEADER_BYTES - NVM_SNAPSHOT_ENTRY_BYTES * NVM_RECORDS_MAX -
           2 * flash->unit_bytes - NVM_MARKER_BYTES;
}

void nvm_header_encode(const struct stiver_flash *flash, const struct nvm_header *header,
                       uint8_t out[NVM_HEADER_BYTES])
{
    memcpy(out, MAGIC, sizeof MAGIC);
    out[4] = FORMAT_VERSION;
    out[5] = (uint8_t)flash->unit_bytes;
    out[6] = (uint8_t)flash->pages;
    out[7] = header->entries;
    u32_store(out + 8, header->sequence);
    u32_store(out + 12, header->erases);
    u32_store(out + 16, header->base);
    u16_store(out + 20, header->opening);
    out[22] = (uint8_t)(flash->page_bytes / STIVER_FLASH_PAGE_MIN);
    out[23] = header->attempt;
    memcpy(out + 24, header->salt, NVM_SALT_BYTES);
    u32_store(out + HEADER_FIELDS_BYTES,
              crc32_end(crc32_update(crc32_begin(), out, HEADER_FIELDS_BYTES)));
}

uint32_t nvm_header_sequence(const uint8_t in[NVM_HEADER_BYTES])
{
    return u32_load(in + 8);
}

enum nvm_status nvm_header_decode(const struct stiver_flash *flash,
                                  const uint8_t in[NVM_HEADER_BYTES], struct nvm_header *header)
{
    if (memcmp(in, MAGIC, sizeof MAGIC) != 0 || in[4] != FORMAT_VERSION ||
        u32_load(in + HEADER_FIELDS_BYTES) !=
            crc32_end(crc32_update(crc32_begin(), in, HEADER_FIELDS_BYTES))) {
        return NVM_BLANK;
    }
    header->entries = in[7];
    header->sequence = nvm_header_sequence(in);
    header->erases = u32_load(in + 12);
    header->base = u32_load(in + 16);
    header->opening = u16_load(in + 20);
    header->attempt = in[23];
    memcpy(header->salt, in + 24, NVM_SALT_BYTES);
    if (in[5] != flash->unit_bytes || in[6] != flash->pages ||
        in[22] != flash->page_bytes / STIVER_FLASH_PAGE_MIN) {
        return NVM_GEOMETRY;
    }
    return NVM_OK;
}

uint32_t nvm_header_seed(const struct nvm_header *header)
{
    uint8_t sequence[4];
    u32_store(sequence, header->sequence);
    uint32_t crc = crc32_update(crc32_begin(), header->salt, NVM_SALT_BYTES);
    return crc32_update(crc, sequence, sizeof sequence);
}

void nvm_entry_encode(const struct nvm_entry *entry, uint8_t out[NVM_SNAPSHOT_ENTRY_BYTES])
{
    out[0] = entry->owner;
    out[1] = entry->id;
    out[2] = entry->page;
    u16_store(out + 3, entry->offset);
}

void nvm_entry_decode(const uint8_t in[NVM_SNAPSHOT_ENTRY_BYTES], struct nvm_entry *entry)
{
    entry->owner = in[0];
    entry->id = in[1];
    entry->page = in[2];
    entry->granules = 0;
    entry->offset = u16_load(in + 3);
}

/* 24 bits over the fields alone, so that a marker is known for one even when what it covers has
 * gone bad since. */
static void marker_check_store(const uint8_t in[NVM_MARKER_BYTES], uint32_t seed, uint8_t check[3])
{
    uint32_t crc = crc32_update(seed, in, 1);
    crc = crc32_end(crc32_update(crc, in + 2, MARKER_FIELDS_BYTES - 4));
    check[0] = (uint8_t)(crc >> 16);
    u16_store(check + 1, crc);
}

void nvm_marker_encode(const struct nvm_marker *marker, uint32_t seed, uint32_t crc,
                       uint8_t out[NVM_MARKER_BYTES])
{
    uint8_t check[3];
    out[0] = marker->kind;
    u16_store(out + 2, marker->start);
    u16_store(out + 4, marker->length);
    u32_store(out + 6, marker->number);
    marker_check_store(out, seed, check);
    out[1] = check[0];
    memcpy(out + 10, check + 1, 2);
    u32_store(out + MARKER_FIELDS_BYTES, crc32_end(crc32_update(crc, out, MARKER_FIELDS_BYTES)));
}

bool nvm_marker_decode(const uint8_t in[NVM_MARKER_BYTES], uint32_t seed, struct nvm_marker *marker)
{
    uint8_t check[3];
    if (in[0] != NVM_MARKER_OPENING && in[0] != NVM_MARKER_COMMIT && in[0] != NVM_MARKER_VOID) {
        return false;
    }
    marker->kind = in[0];
    marker->start = u16_load(in + 2);
    marker->length = u16_load(in + 4);
    marker->number = u32_load(in + 6);
    marker_check_store(in, seed, check);
    return in[1] == check[0] && memcmp(in + 10, check + 1, 2) == 0;
}

bool nvm_marker_matches(const uint8_t in[NVM_MARKER_BYTES], uint32_t crc)
{
    return u32_load(in + MARKER_FIELDS_BYTES) ==
           crc32_end(crc32_update(crc, in, MARKER_FIELDS_BYTES));
}

static void record_fields(const struct nvm_record *record, uint8_t out[RECORD_FIELDS_BYTES])
{
    out[0] = RECORD_TAG;
    out[1] = record->owner;
    out[2] = record->id;
    out[3] = record->version;
    u16_store(out + 4, record->bytes);
}

uint32_t nvm_record_seed(const struct nvm_record *record)
{
    uint8_t fields[RECORD_FIELDS_BYTES];
    record_fields(record, fields);
    return crc32_update(crc32_begin(), fields, sizeof fields);
}

void nvm_record_encode(const struct nvm_record *record, const uint8_t *data,
                       uint8_t out[NVM_RECORD_HEADER_BYTES])
{
    record_fields(record, out);
    uint32_t crc = crc32_update(nvm_record_seed(record), data, record->bytes);
    u32_store(out + RECORD_FIELDS_BYTES, crc32_end(crc));
}

bool nvm_record_decode(const uint8_t in[NVM_RECORD_HEADER_BYTES], struct nvm_record *record)
{
    record->owner = in[1];
    record->id = in[2];
    record->version = in[3];
    record->bytes = u16_load(in + 4);
    record->crc = u32_load(in + RECORD_FIELDS_BYTES);
    return in[0] == RECORD_TAG && record->bytes <= NVM_DATA_MAX;
}
