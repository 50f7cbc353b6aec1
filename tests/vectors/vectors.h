/* SPDX-License-Identifier: Apache-2.0 */
/* Test vectors in data files: one "name hex" a line, # for remarks. A test that asks for a name
 * that is not there fails. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#define VECTOR_BYTES_MAX 1024u

struct vector {
    uint8_t data[VECTOR_BYTES_MAX];
    size_t bytes;
};

/* file: its name inside tests/vectors. */
struct vector vector_read(const char *file, const char *name);

#endif
