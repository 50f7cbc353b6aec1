/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal text, upper case out, both cases in, no separators. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2 * bytes digits and a terminating 0: text holds 2 * bytes + 1. */
void hex_encode(const uint8_t *data, size_t bytes, char *text);
/* Reads exactly 2 * bytes digits and the end of the text; false leaves out undefined. */
bool hex_decode(const char *text, uint8_t *out, size_t bytes) __attribute__((warn_unused_result));

#endif
