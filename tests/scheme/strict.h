/* SPDX-License-Identifier: Apache-2.0 */
/* What every decoder of the scheme must refuse, whatever the document. */
#ifndef TESTS_SCHEME_STRICT_H
#define TESTS_SCHEME_STRICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One decoder with everything but the bytes bound. */
typedef bool (*strict_decoder)(const uint8_t *bytes, size_t length);

/* Asserts that decodes takes the bytes whole, and refuses each shorter beginning of them and each
 * extension by one byte. Each try stands in memory of exactly its length, so that a sanitizer sees
 * one byte read too many. */
void assert_exact_length(strict_decoder decodes, const uint8_t *bytes, size_t length);

#endif
