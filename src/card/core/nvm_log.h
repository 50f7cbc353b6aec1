/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing side of the store: the log in the head page, decisions beside it, and the turn to the
 * next page. Shared by the store's own files only.
 */
#ifndef STIVER_CARD_CORE_NVM_LOG_H
#define STIVER_CARD_CORE_NVM_LOG_H

#include "card/core/nvm_layout.h"

enum nvm_state {
    NVM_STATE_UNMOUNTED = 0,
    NVM_STATE_READY,
    NVM_STATE_READ_ONLY,
    NVM_STATE_POWER_LOST,
};

/* What a unit that is only ever programmed with zeros says. */
enum nvm_fence {
    NVM_FENCE_NONE,  /* erased, as far as one can see */
    NVM_FENCE_TORN,  /* half programmed: nothing after it was begun */
    NVM_FENCE_WHOLE, /* zeros */
};

enum nvm_status nvm_flash_read(const struct nvm *nvm, uint32_t page, uint32_t offset, uint8_t *out,
                               size_t bytes) __attribute__((warn_unused_result));

/* True in *erased if all of [from, to) reads as erased. */
enum nvm_status nvm_flash_erased(const struct nvm *nvm, uint32_t page, uint32_t from, uint32_t to,
                                 bool *erased) __attribute__((warn_unused_result));

/* The running CRC crc carried over [from, from + bytes) of a page. */
enum nvm_status nvm_flash_crc(const struct nvm *nvm, uint32_t page, uint32_t from, size_t bytes,
                              uint32_t *crc) __attribute__((warn_unused_result));

enum nvm_status nvm_flash_erase(struct nvm *nvm, uint32_t page) __attribute__((warn_unused_result));

/* Programs a fence. It may stand over what a torn fence left: zeros over zeros. That is the only
 * content of which this is true, and so the only one ever programmed where a tear may have gone
 * unseen. */
enum nvm_status nvm_fence_program(struct nvm *nvm, uint32_t page, uint32_t offset)
    __attribute__((warn_unused_result));
enum nvm_fence nvm_fence_judge(const struct nvm *nvm, const uint8_t *unit);
enum nvm_status nvm_fence_read(const struct nvm *nvm, uint32_t page, uint32_t offset,
                               enum nvm_fence *fence) __attribute__((warn_unused_result));

/* Number of the highest reopening unit of a page that shows anything, plus one; 0 if none. */
enum nvm_status nvm_reopenings(const struct nvm *nvm, uint32_t page, uint32_t *count)
    __attribute__((warn_unused_result));

/* The page before and after another in the ring. */
uint32_t nvm_page_before(const struct nvm *nvm, uint32_t page);
uint32_t nvm_page_after(const struct nvm *nvm, uint32_t page);

struct nvm_entry *nvm_entry_find(struct nvm *nvm, uint8_t owner, uint8_t id);

/* Puts the records of [start, start + length) of the head page into the index. */
enum nvm_status nvm_log_apply(struct nvm *nvm, uint32_t start, uint32_t length)
    __attribute__((warn_unused_result));

/* The fence of a transaction, if it is not in place yet. */
enum nvm_status nvm_log_fence(struct nvm *nvm) __attribute__((warn_unused_result));
/* Bytes of records, after the fence. */
enum nvm_status nvm_log_write(struct nvm *nvm, const uint8_t *data, size_t bytes)
    __attribute__((warn_unused_result));
/* Ends a transaction by two markers of this kind. first_stood tells whether the first of them was
 * programmed to its end: then the transaction is decided, even if the second was not. */
enum nvm_status nvm_log_end_transaction(struct nvm *nvm, enum nvm_marker_kind kind,
                                        bool *first_stood) __attribute__((warn_unused_result));

/* Writes a decision about the head page into its next slot that takes it, and closes the page.
 * NVM_FULL: no slot is left. */
enum nvm_status nvm_log_decide(struct nvm *nvm, const uint8_t marker[NVM_MARKER_BYTES])
    __attribute__((warn_unused_result));
/* The same: nothing after the last committed transaction happened. */
enum nvm_status nvm_log_decide_void(struct nvm *nvm) __attribute__((warn_unused_result));

/* For opening a page: a stream of bytes into any page, from a running CRC, and the marker that ends
 * it; then the page as the head, its log empty. */
void nvm_stream_start(struct nvm *nvm, uint32_t offset, uint32_t crc);
enum nvm_status nvm_stream_write(struct nvm *nvm, uint32_t page, const uint8_t *data, size_t bytes)
    __attribute__((warn_unused_result));
enum nvm_status nvm_stream_open(struct nvm *nvm, uint32_t page, uint32_t seed, uint32_t number)
    __attribute__((warn_unused_result));
void nvm_head_set(struct nvm *nvm, const struct nvm_header *header);

/* Opens the page after the head, with copies of what lives in the page after that; fill_pages: how
 * many further pages' records may be taken along. */
enum nvm_status nvm_page_turn(struct nvm *nvm, uint32_t fill_pages)
    __attribute__((warn_unused_result));
/* Opens a page as the first of an empty store. */
enum nvm_status nvm_page_found(struct nvm *nvm, uint32_t page) __attribute__((warn_unused_result));
/* The page with the highest sequence, whatever else is true of it. NVM_BLANK: none has a header;
 * NVM_GEOMETRY: none of this geometry. */
enum nvm_status nvm_newest_find(const struct nvm *nvm, uint32_t *newest, struct nvm_header *header)
    __attribute__((warn_unused_result));
/* Says in the page before the head that the head is there for good. */
enum nvm_status nvm_page_seal(struct nvm *nvm) __attribute__((warn_unused_result));

#endif
