/* SPDX-License-Identifier: Apache-2.0 */
/* List messages and files, and the paths of the cards in them. */
#include "permissive.h"
#include "scheme/list.h"

#define COUNT_MOST 512u

static uint8_t scratch[COUNT_MOST * SHA256_BYTES];

/* One card's path, cut out of the tree, leads to the tree's root. */
static void walk(const uint8_t *numbers, uint32_t count, uint32_t index,
                 const uint8_t root[SHA256_BYTES])
{
    uint8_t siblings[LIST_DEPTH_MAX][SHA256_BYTES];
    struct list_path path;
    unsigned depth = 0;
    uint32_t found = COUNT_MOST;
    const uint8_t *card = numbers + (size_t)index * CARD_NUMBER_BYTES;
    fuzz_need(list_siblings(&permissive, FUZZ_SCHEME, numbers, count, index, scratch, siblings,
                            &depth) == DOCUMENT_OK);
    fuzz_need(list_path_begin(&permissive, &path, FUZZ_SCHEME, card, index, count) == DOCUMENT_OK);
    fuzz_need(list_path_missing(&path) == depth);
    for (unsigned i = 0; i < depth; i++)
        fuzz_need(list_path_step(&permissive, &path, siblings[i]) == DOCUMENT_OK);
    fuzz_need(memcmp(path.node, root, SHA256_BYTES) == 0);
    fuzz_need(list_find(numbers, count, card, &found) && found == index);
}

static void tree(const uint8_t *numbers, size_t bytes)
{
    uint32_t count = (uint32_t)(bytes / CARD_NUMBER_BYTES);
    uint8_t root[SHA256_BYTES];
    if (count > COUNT_MOST)
        count = COUNT_MOST;
    if (list_root(&permissive, FUZZ_SCHEME, numbers, count, scratch, root) != DOCUMENT_OK)
        return;
    for (uint32_t index = 0; index < count; index += 1 + count / 8)
        walk(numbers, count, index, root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct list_head head;
    struct certificate working;
    uint8_t again[LIST_HEAD_BYTES];
    const struct certificate_authority root = fuzz_root();
    if (list_head_decode(data, bytes, FUZZ_SCHEME, &head) == DOCUMENT_OK) {
        list_head_encode(&head, again);
        fuzz_need(memcmp(again, data, LIST_HEAD_BYTES - SIGNATURE_BYTES) == 0);
    }
    if (list_check(&permissive, data, bytes, FUZZ_SCHEME, &root, &head, &working) == DOCUMENT_OK)
        fuzz_need((working.kinds & WORKING_LIST) != 0);
    if (bytes > LIST_HEAD_BYTES) { /* a file: numbers behind the message */
        size_t message =
            LIST_HEAD_BYTES + certificate_length(data + LIST_HEAD_BYTES, bytes - LIST_HEAD_BYTES);
        tree(data + message, bytes - message);
    }
    tree(data, bytes);
    return 0;
}
