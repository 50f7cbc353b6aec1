/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/list.h"

#include <string.h>

#include "scheme/working_key.h"

/* ---- head ---- */

void list_head_encode(const struct list_head *head, uint8_t out[LIST_HEAD_BYTES - SIGNATURE_BYTES])
{
    struct writer w = writer_of(out, LIST_HEAD_BYTES - SIGNATURE_BYTES);
    document_header(&w, DOCUMENT_LIST, head->scheme);
    writer_u32(&w, head->sequence);
    writer_u32(&w, head->start);
    writer_u32(&w, head->end);
    writer_u32(&w, head->count);
    writer_bytes(&w, head->root, SHA256_BYTES);
}

enum document_status list_head_decode(const uint8_t *bytes, size_t length, uint32_t scheme,
                                      struct list_head *head)
{
    *head = (struct list_head){.scheme = scheme};
    struct reader r = reader_of(bytes, length);
    enum document_status status = document_open(&r, DOCUMENT_LIST, scheme);
    if (status != DOCUMENT_OK)
        return status;
    head->sequence = reader_u32(&r);
    head->start = reader_u32(&r);
    head->end = reader_u32(&r);
    head->count = reader_u32(&r);
    reader_bytes(&r, head->root, SHA256_BYTES);
    (void)reader_take(&r, SIGNATURE_BYTES);
    bool empty = bytes_are_zero(head->root, SHA256_BYTES);
    bool sound = head->start <= head->end && empty == (head->count == 0);
    return reader_done(&r) && sound ? DOCUMENT_OK : DOCUMENT_MALFORMED;
}

enum document_status list_check(const struct primitives *p, const uint8_t *message, size_t length,
                                uint32_t scheme, const struct certificate_authority *root,
                                struct list_head *head, struct certificate *working)
{
    if (length < LIST_HEAD_BYTES)
        return DOCUMENT_MALFORMED;
    enum document_status status = list_head_decode(message, LIST_HEAD_BYTES, scheme, head);
    if (status != DOCUMENT_OK)
        return status;
    const struct working_claim claim = {.document_bytes = LIST_HEAD_BYTES,
                                        .scheme = scheme,
                                        .start = head->start,
                                        .kind = WORKING_LIST};
    return working_key_check(p, message, length, &claim, root, working);
}

/* ---- hashes: leaves and nodes start differently, so that none passes for the other ---- */

static enum document_status hash_leaf(const struct primitives *p, uint32_t scheme,
                                      const uint8_t number[CARD_NUMBER_BYTES],
                                      uint8_t hash[SHA256_BYTES])
{
    uint8_t leaf[5 + CARD_NUMBER_BYTES];
    struct writer w = writer_of(leaf, sizeof leaf);
    writer_u8(&w, 0x00);
    writer_u32(&w, scheme);
    writer_bytes(&w, number, CARD_NUMBER_BYTES);
    const struct piece piece = {leaf, sizeof leaf};
    return p->sha256(&piece, 1, hash) ? DOCUMENT_OK : DOCUMENT_FAILED;
}

/* out may be one of the inputs. */
static enum document_status hash_node(const struct primitives *p, const uint8_t left[SHA256_BYTES],
                                      const uint8_t right[SHA256_BYTES], uint8_t out[SHA256_BYTES])
{
    static const uint8_t prefix = 0x01;
    const struct piece pieces[] = {{&prefix, 1}, {left, SHA256_BYTES}, {right, SHA256_BYTES}};
    uint8_t hash[SHA256_BYTES];
    if (!p->sha256(pieces, 3, hash))
        return DOCUMENT_FAILED;
    memcpy(out, hash, SHA256_BYTES);
    return DOCUMENT_OK;
}

static uint32_t width_above(uint32_t width)
{
    return width / 2 + width % 2; /* width + 1 could overflow */
}

static bool has_sibling(uint32_t index, uint32_t width)
{
    return (index ^ 1u) < width;
}

/* ---- a card's walk ---- */

/* Moves up to the next level where the node has a sibling, or to the root. */
static void climb_alone(uint32_t *index, uint32_t *width)
{
    while (*width > 1 && !has_sibling(*index, *width)) {
        *index /= 2;
        *width = width_above(*width);
    }
}

enum document_status list_path_begin(const struct primitives *p, struct list_path *path,
                                     uint32_t scheme, const uint8_t card[CARD_NUMBER_BYTES],
                                     uint32_t index, uint32_t count)
{
    *path = (struct list_path){0};
    if (index >= count)
        return DOCUMENT_MALFORMED;
    path->index = index;
    path->width = count;
    climb_alone(&path->index, &path->width);
    return hash_leaf(p, scheme, card, path->node);
}

unsigned list_path_missing(const struct list_path *path)
{
    uint32_t index = path->index;
    uint32_t width = path->width;
    unsigned missing = 0;
    while (width > 1) {
        missing++;
        index /= 2;
        width = width_above(width);
        climb_alone(&index, &width);
    }
    return missing;
}

enum document_status list_path_step(const struct primitives *p, struct list_path *path,
                                    const uint8_t sibling[SHA256_BYTES])
{
    if (path->width <= 1)
        return DOCUMENT_MALFORMED;
    bool is_right = path->index % 2 == 1;
    enum document_status status =
        hash_node(p, is_right ? sibling : path->node, is_right ? path->node : sibling, path->node);
    if (status != DOCUMENT_OK)
        return status;
    path->index /= 2;
    path->width = width_above(path->width);
    climb_alone(&path->index, &path->width);
    return DOCUMENT_OK;
}

/* ---- whole trees ---- */

static const uint8_t *number_at(const uint8_t *numbers, uint32_t index)
{
    return numbers + (size_t)index * CARD_NUMBER_BYTES;
}

static uint8_t *node_at(uint8_t *scratch, uint32_t index)
{
    return scratch + (size_t)index * SHA256_BYTES;
}

/* Big-endian numbers stand in the order of their bytes. */
static bool is_ascending(const uint8_t *numbers, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (memcmp(number_at(numbers, i - 1), number_at(numbers, i), CARD_NUMBER_BYTES) >= 0)
            return false;
    return true;
}

static enum document_status hash_leaves(const struct primitives *p, uint32_t scheme,
                                        const uint8_t *numbers, uint32_t count, uint8_t *scratch)
{
    if (!is_ascending(numbers, count))
        return DOCUMENT_MALFORMED;
    for (uint32_t i = 0; i < count; i++)
        if (hash_leaf(p, scheme, number_at(numbers, i), node_at(scratch, i)) != DOCUMENT_OK)
            return DOCUMENT_FAILED;
    return DOCUMENT_OK;
}

/* Turns the level of width nodes in scratch into the one above it, in place. */
static enum document_status raise_level(const struct primitives *p, uint8_t *scratch,
                                        uint32_t width)
{
    for (uint32_t i = 0; i < width / 2; i++)
        if (hash_node(p, node_at(scratch, 2 * i), node_at(scratch, 2 * i + 1),
                      node_at(scratch, i)) != DOCUMENT_OK)
            return DOCUMENT_FAILED;
    if (width % 2 == 1 && width > 1)
        memcpy(node_at(scratch, width / 2), node_at(scratch, width - 1), SHA256_BYTES);
    return DOCUMENT_OK;
}

enum document_status list_root(const struct primitives *p, uint32_t scheme, const uint8_t *numbers,
                               uint32_t count, uint8_t *scratch, uint8_t root[SHA256_BYTES])
{
    memset(root, 0, SHA256_BYTES);
    if (count == 0)
        return DOCUMENT_OK;
    enum document_status status = hash_leaves(p, scheme, numbers, count, scratch);
    for (uint32_t width = count; status == DOCUMENT_OK && width > 1; width = width_above(width))
        status = raise_level(p, scratch, width);
    if (status == DOCUMENT_OK)
        memcpy(root, scratch, SHA256_BYTES);
    return status;
}

enum document_status list_siblings(const struct primitives *p, uint32_t scheme,
                                   const uint8_t *numbers, uint32_t count, uint32_t index,
                                   uint8_t *scratch, uint8_t siblings[LIST_DEPTH_MAX][SHA256_BYTES],
                                   unsigned *depth)
{
    *depth = 0;
    if (index >= count)
        return DOCUMENT_MALFORMED;
    enum document_status status = hash_leaves(p, scheme, numbers, count, scratch);
    for (uint32_t width = count; status == DOCUMENT_OK && width > 1; width = width_above(width)) {
        if (has_sibling(index, width))
            memcpy(siblings[(*depth)++], node_at(scratch, index ^ 1u), SHA256_BYTES);
        index /= 2;
        status = raise_level(p, scratch, width);
    }
    return status;
}

bool list_find(const uint8_t *numbers, uint32_t count, const uint8_t card[CARD_NUMBER_BYTES],
               uint32_t *index)
{
    uint32_t from = 0;
    uint32_t to = count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order = memcmp(card, number_at(numbers, middle), CARD_NUMBER_BYTES);
        if (order == 0) {
            *index = middle;
            return true;
        }
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return false;
}
