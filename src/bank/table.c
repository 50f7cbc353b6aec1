/* SPDX-License-Identifier: Apache-2.0 */
#include "bank/table.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64u
#define WORD 8u

static size_t padded(size_t bytes)
{
    return (bytes + WORD - 1) / WORD * WORD;
}

static size_t slot_bytes(const struct table *table)
{
    return WORD + padded(table->key_bytes) + padded(table->value_bytes);
}

struct table table_of(size_t key_bytes, size_t value_bytes)
{
    return (struct table){.key_bytes = key_bytes, .value_bytes = value_bytes};
}

void table_free(struct table *table)
{
    free(table->slots);
    table->slots = NULL;
    table->count = table->capacity = 0;
}

/* FNV-1a, 64 bits. */
static size_t hash_of(const uint8_t *key, size_t bytes)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ key[i]) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

/* The slot that holds the key, or the free one where it belongs. The table is never full. */
static uint8_t *slot_of(const struct table *table, const void *key)
{
    size_t index = hash_of(key, table->key_bytes) & (table->capacity - 1);
    for (;; index = (index + 1) & (table->capacity - 1)) {
        uint8_t *slot = table->slots + index * slot_bytes(table);
        if (!slot[0] || memcmp(slot + WORD, key, table->key_bytes) == 0)
            return slot;
    }
}

void *table_find(const struct table *table, const void *key)
{
    if (table->capacity == 0)
        return NULL;
    uint8_t *slot = slot_of(table, key);
    return slot[0] ? slot + WORD + padded(table->key_bytes) : NULL;
}

static bool grow(struct table *table)
{
    struct table larger = *table;
    larger.capacity = table->capacity ? 2 * table->capacity : FIRST_CAPACITY;
    larger.slots = calloc(larger.capacity, slot_bytes(table));
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < table->capacity; i++) {
        const uint8_t *slot = table->slots + i * slot_bytes(table);
        if (slot[0])
            memcpy(slot_of(&larger, slot + WORD), slot, slot_bytes(table));
    }
    free(table->slots);
    *table = larger;
    return true;
}

void *table_add(struct table *table, const void *key)
{
    if (2 * (table->count + 1) > table->capacity && !grow(table))
        return NULL;
    uint8_t *slot = slot_of(table, key);
    if (!slot[0]) {
        slot[0] = 1;
        memcpy(slot + WORD, key, table->key_bytes);
        table->count++;
    }
    return slot + WORD + padded(table->key_bytes);
}
