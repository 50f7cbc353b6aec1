/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <string.h>

struct reader reader_of(const uint8_t *data, size_t bytes)
{
    return (struct reader){.at = data, .left = bytes, .failed = false};
}

const uint8_t *reader_take(struct reader *r, size_t bytes)
{
    if (r->failed || bytes > r->left) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    if (bytes != 0) { /* an empty reader may stand on NULL */
        r->at += bytes;
        r->left -= bytes;
    }
    return at;
}

static uint64_t read_number(struct reader *r, size_t bytes)
{
    const uint8_t *at = reader_take(r, bytes);
    uint64_t value = 0;
    for (size_t i = 0; !r->failed && i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)read_number(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)read_number(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)read_number(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return read_number(r, 8);
}

void reader_bytes(struct reader *r, uint8_t *out, size_t bytes)
{
    const uint8_t *at = reader_take(r, bytes);
    if (bytes == 0)
        return;
    if (r->failed)
        memset(out, 0, bytes);
    else
        memcpy(out, at, bytes);
}

struct reader reader_sub(struct reader *r, size_t bytes)
{
    const uint8_t *at = reader_take(r, bytes);
    return (struct reader){.at = at, .left = r->failed ? 0 : bytes, .failed = r->failed};
}

bool reader_done(const struct reader *r)
{
    return !r->failed && r->left == 0;
}

struct writer writer_of(uint8_t *memory, size_t capacity)
{
    return (struct writer){.start = memory, .used = 0, .capacity = capacity, .failed = false};
}

uint8_t *writer_reserve(struct writer *w, size_t bytes)
{
    if (w->failed || bytes > w->capacity - w->used) {
        w->failed = true;
        return NULL;
    }
    uint8_t *at = w->start + w->used;
    w->used += bytes;
    return at;
}

static void write_number(struct writer *w, uint64_t value, size_t bytes)
{
    uint8_t *at = writer_reserve(w, bytes);
    for (size_t i = bytes; at != NULL && i-- > 0; value >>= 8)
        at[i] = (uint8_t)value;
}

void writer_u8(struct writer *w, uint8_t value)
{
    write_number(w, value, 1);
}

void writer_u16(struct writer *w, uint16_t value)
{
    write_number(w, value, 2);
}

void writer_u32(struct writer *w, uint32_t value)
{
    write_number(w, value, 4);
}

void writer_u64(struct writer *w, uint64_t value)
{
    write_number(w, value, 8);
}

void writer_bytes(struct writer *w, const uint8_t *data, size_t bytes)
{
    if (bytes == 0)
        return;
    uint8_t *at = writer_reserve(w, bytes);
    if (at != NULL)
        memcpy(at, data, bytes);
}

bool bytes_equal_ct(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    uint32_t difference = 0;
    for (size_t i = 0; i < bytes; i++)
        difference |= (uint32_t)(a[i] ^ b[i]);
    /* The compiler may not learn anything about the sum before all of it is there. */
    __asm__ volatile("" : "+r"(difference));
    return (((difference - 1) >> 31) & 1) != 0;
}

bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    return bytes == 0 || memcmp(a, b, bytes) == 0;
}

bool bytes_are_zero(const uint8_t *a, size_t bytes)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum | a[i]);
    return sum == 0;
}

void bytes_wipe(void *memory, size_t bytes)
{
    if (bytes == 0)
        return;
    memset(memory, 0, bytes);
    __asm__ volatile("" : : "r"(memory) : "memory");
}
