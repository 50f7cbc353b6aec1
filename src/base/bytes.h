/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that touches wire bytes: a reader and a writer over borrowed memory.
 *
 * Both remember their first error and turn every later call into a harmless one (zeros are read,
 * nothing is written), so that a message is decoded or encoded straight through and checked once at
 * its end. Numbers are unsigned and big-endian, as in every document of the scheme.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const uint8_t *at; /* borrowed */
    size_t left;
    bool failed;
};

struct reader reader_of(const uint8_t *data, size_t bytes);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
/* Copies bytes out; zeros if they are not there. */
void reader_bytes(struct reader *r, uint8_t *out, size_t bytes);
/* Points at the next bytes inside the borrowed memory, or returns NULL and fails. */
const uint8_t *reader_take(struct reader *r, size_t bytes);
/* A reader over the next bytes; failed if they are not there. */
struct reader reader_sub(struct reader *r, size_t bytes);
/* True if nothing failed and no byte is left: a message is accepted only then. */
bool reader_done(const struct reader *r) __attribute__((warn_unused_result));

struct writer {
    uint8_t *start; /* borrowed */
    size_t used, capacity;
    bool failed;
};

struct writer writer_of(uint8_t *memory, size_t capacity);
void writer_u8(struct writer *w, uint8_t value);
void writer_u16(struct writer *w, uint16_t value);
void writer_u32(struct writer *w, uint32_t value);
void writer_u64(struct writer *w, uint64_t value);
void writer_bytes(struct writer *w, const uint8_t *data, size_t bytes);
/* Reserves bytes and points at them (for an output that another function fills), or returns NULL.
 */
uint8_t *writer_reserve(struct writer *w, size_t bytes);

/* Constant-time comparison of secrets: time depends on bytes alone. */
bool bytes_equal_ct(const uint8_t *a, const uint8_t *b, size_t bytes)
    __attribute__((warn_unused_result));
/* Comparison of public values. */
bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t bytes)
    __attribute__((warn_unused_result));
bool bytes_are_zero(const uint8_t *a, size_t bytes) __attribute__((warn_unused_result));
/* Overwrites a secret; the compiler may not drop it. */
void bytes_wipe(void *memory, size_t bytes);

#endif
