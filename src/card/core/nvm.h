/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's tear-safe memory: small records in flash, changed by transactions that happen as a
 * whole or not at all, whatever instant the power is lost at.
 *
 *     nvm_mount(&nvm, &flash, salt);
 *     nvm_begin(&nvm, payload_bytes, records);
 *     nvm_put(&nvm, OWNER, ID, version, data, bytes);      as often as announced
 *     nvm_commit(&nvm);                                     now, and only now, it has happened
 *
 * A record belongs to an owner (an application) and has an id, a version of its owner's choosing
 * and up to NVM_DATA_MAX bytes, less where pages are small. A record put with no data is gone
 * (NVM_ABSENT). Reads see committed values only, also between nvm_put and nvm_commit.
 *
 * Once a value was read, or nvm_commit answered NVM_OK, no later power loss takes it back; a torn
 * transaction is decided once, durably, by nvm_mount. The format is in docs/nvm.md, the reasons in
 * docs/adr/0001-tear-safe-memory.md.
 *
 * No function recurses or allocates; struct nvm is the caller's and holds everything. All pointers
 * are borrowed: flash for as long as the store is mounted, others for the call.
 */
#ifndef STIVER_CARD_CORE_NVM_H
#define STIVER_CARD_CORE_NVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stiver/port.h>

#define NVM_SALT_BYTES 8u
/* Most live records of a store, and most records of one transaction. */
#define NVM_RECORDS_MAX 96u
#define NVM_TRANSACTION_RECORDS_MAX 16u
/* What a record takes in flash beside its data, and the step in which room is accounted. */
#define NVM_RECORD_HEADER_BYTES 10u
#define NVM_GRANULE_BYTES 8u
/* Longest record; a page of 2,048 bytes with units of 16 still takes NVM_DATA_SMALL_PAGE. */
#define NVM_DATA_MAX 2030u
#define NVM_DATA_SMALL_PAGE 1024u

/* Most bytes that nvm_search looks for. */
#define NVM_SEARCH_MAX 16u

/* Flash that a record of so many data bytes occupies, as quotas count it. */
#define NVM_OCCUPIED(data_bytes)                                                             \
    (((data_bytes) + NVM_RECORD_HEADER_BYTES + NVM_GRANULE_BYTES - 1u) / NVM_GRANULE_BYTES * \
     NVM_GRANULE_BYTES)

enum nvm_status {
    NVM_OK = 0,
    NVM_ABSENT,     /* no such record */
    NVM_BLANK,      /* the flash holds no store of this format */
    NVM_DAMAGED,    /* what should be whole is not: nothing may be believed */
    NVM_WORN,       /* the flash no longer takes changes; what was committed can still be read */
    NVM_POWER_LOST, /* nothing works until the next nvm_mount */
    NVM_FULL,       /* quota, number of records or space; nothing was written */
    NVM_GEOMETRY,   /* the flash is not of a shape that port.h allows, or the store of another */
    NVM_MISUSE,     /* wrong order of calls, or a length beyond what was announced or has room */
};

/* What one owner may hold. Tables are borrowed; an owner without a row may hold nothing. */
struct nvm_quota {
    uint8_t owner;
    uint8_t records; /* live records at most */
    uint32_t bytes;  /* the sum of NVM_OCCUPIED over them at most */
};

/* Private from here: sizes are public so that the caller can allocate. */
struct nvm_entry {
    uint8_t owner;
    uint8_t id;
    uint8_t page;
    uint8_t granules; /* NVM_OCCUPIED / NVM_GRANULE_BYTES */
    uint16_t offset;  /* of the record's header in its page */
};

struct nvm_pending {
    uint8_t owner;
    uint8_t id;
    uint8_t granules; /* 0: a record to be gone */
};

struct nvm {
    const struct stiver_flash *flash;
    const struct nvm_quota *quotas;
    uint32_t sequence;   /* of the head page */
    uint32_t erases;     /* of the head page */
    uint32_t number;     /* of the last committed transaction */
    uint32_t seed;       /* running CRC of what the head page seeds its markers with */
    uint32_t crc;        /* running CRC of the bytes being written */
    uint32_t programmed; /* bytes programmed since the mount */
    uint32_t reserved;   /* bytes that the open transaction may still write */
    uint16_t first;      /* where the head page's first transaction begins */
    uint16_t limit;      /* where its last one must end */
    uint16_t tail;       /* where the next byte is programmed */
    uint16_t start;      /* where the open transaction's records begin */
    uint16_t length;     /* and how many bytes of them were written */
    uint8_t head;
    uint8_t state;         /* enum nvm_state in nvm_log.h */
    uint8_t quota_rows;    /* 0: no quotas */
    uint8_t records;       /* entries in use */
    uint8_t pending_count; /* records put in the open transaction */
    uint8_t puts_left;
    uint8_t slot;         /* next unused decision slot of the head page */
    uint8_t staged_bytes; /* bytes waiting for their unit to fill */
    bool is_closed;       /* the head page takes no further transaction */
    bool is_fenced;       /* the next transaction's fence is in place */
    bool is_sealed;       /* the page before the head says that it has a successor */
    bool is_reopening;    /* the page after the head holds a torn opening */
    bool is_in_transaction;
    uint8_t staged[STIVER_FLASH_UNIT_MAX];
    uint8_t salt[NVM_SALT_BYTES];
    struct nvm_pending pending[NVM_TRANSACTION_RECORDS_MAX];
    struct nvm_entry entries[NVM_RECORDS_MAX];
};

/* Erases every page, whatever it held, and makes an empty store. salt: 8 fresh random bytes. After
 * a tear the next mount finds the empty store; or what is left of the store before, if there was
 * one: its last values, or NVM_DAMAGED; or NVM_BLANK. Formatting again is always right.
 * NVM_GEOMETRY, NVM_WORN, NVM_POWER_LOST. */
enum nvm_status nvm_format(const struct stiver_flash *flash, const uint8_t salt[NVM_SALT_BYTES])
    __attribute__((warn_unused_result));

/* Finds the store and decides, durably, what a tear left open. salt: 8 fresh random bytes, for
 * pages opened during this power-up. On any answer but NVM_OK nothing can be read. NVM_BLANK,
 * NVM_DAMAGED, NVM_GEOMETRY, NVM_POWER_LOST; NVM_WORN if a tear cannot be decided. */
enum nvm_status nvm_mount(struct nvm *nvm, const struct stiver_flash *flash,
                          const uint8_t salt[NVM_SALT_BYTES]) __attribute__((warn_unused_result));

/* Holds owners to a table of at most 255 rows from now on, which must outlive the mount; without
 * this call, or with no rows, anything goes that fits. */
void nvm_limit(struct nvm *nvm, const struct nvm_quota *quotas, size_t rows);

/* Data bytes of a record. NVM_ABSENT, NVM_POWER_LOST, NVM_DAMAGED, NVM_MISUSE. */
enum nvm_status nvm_size(const struct nvm *nvm, uint8_t owner, uint8_t id, size_t *bytes)
    __attribute__((warn_unused_result));

/* Reads a record whole and checks its CRC. version may be NULL. On anything but NVM_OK, *bytes is 0
 * and out holds nothing of the record. NVM_ABSENT, NVM_POWER_LOST, NVM_DAMAGED; NVM_MISUSE if it is
 * longer than capacity. */
enum nvm_status nvm_read(const struct nvm *nvm, uint8_t owner, uint8_t id, uint8_t *version,
                         uint8_t *out, size_t capacity, size_t *bytes)
    __attribute__((warn_unused_result));

/* Looks for bytes at offset in the data of this owner's records from first to last, all of one
 * layout, at a fraction of what reading them costs, because no CRC is checked: what went bad may be
 * missed, or shown. NVM_OK: one shows them, and nvm_read tells for certain; NVM_ABSENT: none does,
 * on which nothing may rest that must be certain. bytes: at most NVM_SEARCH_MAX.
 * NVM_DAMAGED, NVM_POWER_LOST, NVM_MISUSE. */
enum nvm_status nvm_search(const struct nvm *nvm, uint8_t owner, uint8_t first, uint8_t last,
                           size_t offset, const uint8_t *data, size_t bytes)
    __attribute__((warn_unused_result));

/* Opens a transaction of at most reserve_bytes of data in at most records records, and makes room
 * for it, turning pages as needed. The room must be free beside what the transaction replaces; one
 * that reserves no bytes (it only clears) always finds room.
 * NVM_FULL, NVM_WORN, NVM_POWER_LOST, NVM_DAMAGED; NVM_MISUSE if one is open. */
enum nvm_status nvm_begin(struct nvm *nvm, size_t reserve_bytes, size_t records)
    __attribute__((warn_unused_result));

/* Writes a record's new value, seen by readers after nvm_commit. Put twice, the later one counts.
 * bytes 0 clears the record. NVM_FULL (nothing was written, the transaction is still open),
 * NVM_WORN, NVM_POWER_LOST; NVM_MISUSE beyond what was reserved or outside a transaction. */
enum nvm_status nvm_put(struct nvm *nvm, uint8_t owner, uint8_t id, uint8_t version,
                        const uint8_t *data, size_t bytes) __attribute__((warn_unused_result));

/* Makes the open transaction happen. NVM_OK: it has, for good. NVM_POWER_LOST: the next mount
 * decides, also where the flash gave up so that nobody can tell now. NVM_WORN: it has not.
 * NVM_MISUSE outside a transaction. */
enum nvm_status nvm_commit(struct nvm *nvm) __attribute__((warn_unused_result));

/* Drops the open transaction, if there is one. */
void nvm_abort(struct nvm *nvm);

/* How often a page was erased, as far as its header tells; 0 for a page not used since the format.
 * NVM_MISUSE, NVM_POWER_LOST. */
enum nvm_status nvm_wear(const struct nvm *nvm, uint32_t page, uint32_t *erases)
    __attribute__((warn_unused_result));

/* Pages that hold no live record and are not the head. */
uint32_t nvm_free_pages(const struct nvm *nvm);

/* Bytes programmed since the mount, of data and of everything around it. */
uint32_t nvm_programmed(const struct nvm *nvm);

#endif
