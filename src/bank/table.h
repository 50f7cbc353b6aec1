/* SPDX-License-Identifier: Apache-2.0 */
/* A growing hash table of fixed-size keys and values, for what the audit remembers. */
#ifndef BANK_TABLE_H
#define BANK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    size_t key_bytes, value_bytes;
    size_t count, capacity;
    uint8_t *slots; /* owned: used 1, padded to 8 | key, padded to 8 | value */
};

struct table table_of(size_t key_bytes, size_t value_bytes);
void table_free(struct table *table);
/* The value under a key, NULL if there is none; borrowed until the next table_add. */
void *table_find(const struct table *table, const void *key);
/* The value under a key, made of zeros if there was none; NULL without memory. */
void *table_add(struct table *table, const void *key) __attribute__((warn_unused_result));

#endif
