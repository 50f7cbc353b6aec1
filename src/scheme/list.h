/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The revocation list: a signed head over a Merkle tree of sorted card numbers.
 *
 *   head body = sequence 4 | start 4 | end 4 | count 4 | root 32                            (48)
 *   message   = head document | working key's certificate
 *   file      = message | count card numbers of 8 bytes, ascending, none twice
 *
 * leaf = SHA-256(00 | scheme 4 | number 8), node = SHA-256(01 | left | right); the odd last node of
 * a level moves up unchanged; the root of an empty list is 32 zero bytes. A card checks its own
 * path alone: index and count say which siblings there are, bottom up.
 */
#ifndef SCHEME_LIST_H
#define SCHEME_LIST_H

#include "scheme/certificate.h"

#define LIST_HEAD_BYTES (DOCUMENT_HEADER_BYTES + 48u + SIGNATURE_BYTES) /* 118 */
#define LIST_DEPTH_MAX 32u

struct list_head {
    uint32_t scheme;
    uint32_t sequence;
    uint32_t start, end;
    uint32_t count;
    uint8_t root[SHA256_BYTES];
};

void list_head_encode(const struct list_head *head, uint8_t out[LIST_HEAD_BYTES - SIGNATURE_BYTES]);
enum document_status list_head_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                      struct list_head *head) SCHEME_CHECKED;
/* Message (head | certificate) under the root's key, as order_check does. */
enum document_status list_check(const struct primitives *p, const uint8_t *message, size_t length,
                                uint32_t scheme, const struct certificate_authority *root,
                                struct list_head *head, struct certificate *working) SCHEME_CHECKED;

/* A card's walk up the tree, fed sibling by sibling; freestanding, constant memory. */
struct list_path {
    uint8_t node[SHA256_BYTES];
    uint32_t index, width; /* of the level that node stands on; width 1: node is the root */
};
enum document_status list_path_begin(const struct primitives *p, struct list_path *path,
                                     uint32_t scheme, const uint8_t card[CARD_NUMBER_BYTES],
                                     uint32_t index, uint32_t count) SCHEME_CHECKED;
/* Siblings still wanted, 0 when node is the root. */
unsigned list_path_missing(const struct list_path *path);
enum document_status list_path_step(const struct primitives *p, struct list_path *path,
                                    const uint8_t sibling[SHA256_BYTES]) SCHEME_CHECKED;

/* Whole trees, for the bank that makes them and the terminal that cuts paths out of them. numbers:
 * count card numbers in a row, ascending. scratch: 32 * count bytes, lent by the caller. */
enum document_status list_root(const struct primitives *p, uint32_t scheme, const uint8_t *numbers,
                               uint32_t count, uint8_t *scratch,
                               uint8_t root[SHA256_BYTES]) SCHEME_CHECKED;
/* The siblings of one leaf, bottom up, at most LIST_DEPTH_MAX. */
enum document_status list_siblings(const struct primitives *p, uint32_t scheme,
                                   const uint8_t *numbers, uint32_t count, uint32_t index,
                                   uint8_t *scratch, uint8_t siblings[LIST_DEPTH_MAX][SHA256_BYTES],
                                   unsigned *depth) SCHEME_CHECKED;
/* Binary search; false if the number is not listed. */
bool list_find(const uint8_t *numbers, uint32_t count, const uint8_t card[CARD_NUMBER_BYTES],
               uint32_t *index) SCHEME_CHECKED;

#endif
