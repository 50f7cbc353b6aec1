/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's format, byte by byte (docs/nvm.md): what a page header, a snapshot entry, a record
 * header and a marker look like, and where things lie in a page. Nothing here touches the flash.
 */
#ifndef STIVER_CARD_CORE_NVM_LAYOUT_H
#define STIVER_CARD_CORE_NVM_LAYOUT_H

#include "card/core/nvm.h"

#define NVM_HEADER_BYTES 36u
#define NVM_SNAPSHOT_ENTRY_BYTES 5u
#define NVM_MARKER_BYTES 16u
#define NVM_SLOTS 3u      /* decision slots of a page */
#define NVM_REOPENINGS 4u /* reopening units of a page */

/* The attempt of a store's first page: what is in the page before it does not matter. */
#define NVM_ATTEMPT_FOUNDS 255u

/* The fixed part of a page header. */
struct nvm_header {
    uint32_t sequence; /* one more for each page opened, from 1 */
    uint32_t erases;   /* of this page so far */
    uint32_t base;     /* number of the last transaction before this page */
    uint16_t opening;  /* bytes that the opening marker covers: header, snapshot, copies */
    uint8_t entries;   /* of the snapshot, which follows */
    uint8_t attempt;   /* which try at opening the page this is, or NVM_ATTEMPT_FOUNDS */
    uint8_t salt[NVM_SALT_BYTES];
};

enum nvm_marker_kind {
    NVM_MARKER_OPENING = 'O', /* the page is whole */
    NVM_MARKER_COMMIT = 'C',  /* the transaction has happened */
    NVM_MARKER_VOID = 'V',    /* what stands there never happens */
};

struct nvm_marker {
    uint32_t number; /* of the last committed transaction once this marker counts */
    uint16_t start;  /* of the range it covers */
    uint16_t length;
    uint8_t kind;
};

struct nvm_record {
    uint32_t crc; /* over the fields before and the data */
    uint16_t bytes;
    uint8_t owner;
    uint8_t id;
    uint8_t version;
};

bool nvm_geometry_is_valid(const struct stiver_flash *flash);

/* The lengths and places below are in bytes from the start of a page. */
uint32_t nvm_align(const struct stiver_flash *flash, uint32_t offset);
uint32_t nvm_slot_bytes(const struct stiver_flash *flash);
uint32_t nvm_slot_offset(const struct stiver_flash *flash, uint32_t slot);
uint32_t nvm_reopening_offset(const struct stiver_flash *flash, uint32_t reopening);
uint32_t nvm_seal_offset(const struct stiver_flash *flash);
/* Where transactions must end, whatever the page holds: the first decision slot. */
uint32_t nvm_log_end(const struct stiver_flash *flash);
/* Where they must end in a page opened with so many snapshot entries, so that what it holds can be
 * copied into a page with a full snapshot. */
uint32_t nvm_log_limit(const struct stiver_flash *flash, uint32_t entries);
/* Most bytes of records that one page can take as copies. */
uint32_t nvm_copy_bytes_max(const struct stiver_flash *flash);

void nvm_header_encode(const struct stiver_flash *flash, const struct nvm_header *header,
                       uint8_t out[NVM_HEADER_BYTES]);
/* NVM_BLANK: no header of this format. NVM_GEOMETRY: one for another flash. */
enum nvm_status nvm_header_decode(const struct stiver_flash *flash,
                                  const uint8_t in[NVM_HEADER_BYTES], struct nvm_header *header);
/* What it says of its sequence, if it is a header. */
uint32_t nvm_header_sequence(const uint8_t in[NVM_HEADER_BYTES]);
/* The running CRC that a page's markers start from, so that bytes written without knowing the
 * page's salt cannot pose as a marker. */
uint32_t nvm_header_seed(const struct nvm_header *header);

void nvm_entry_encode(const struct nvm_entry *entry, uint8_t out[NVM_SNAPSHOT_ENTRY_BYTES]);
void nvm_entry_decode(const uint8_t in[NVM_SNAPSHOT_ENTRY_BYTES], struct nvm_entry *entry);

/* seed: the page's. crc: the running CRC of seed and range. */
void nvm_marker_encode(const struct nvm_marker *marker, uint32_t seed, uint32_t crc,
                       uint8_t out[NVM_MARKER_BYTES]);
/* False if these bytes are no marker of this page at all. */
bool nvm_marker_decode(const uint8_t in[NVM_MARKER_BYTES], uint32_t seed,
                       struct nvm_marker *marker);
/* Whether a marker's range is what it was; crc as above. */
bool nvm_marker_matches(const uint8_t in[NVM_MARKER_BYTES], uint32_t crc);

void nvm_record_encode(const struct nvm_record *record, const uint8_t *data,
                       uint8_t out[NVM_RECORD_HEADER_BYTES]);
bool nvm_record_decode(const uint8_t in[NVM_RECORD_HEADER_BYTES], struct nvm_record *record);
/* The running CRC of a record's fields, to be carried over its data. */
uint32_t nvm_record_seed(const struct nvm_record *record);

#endif
