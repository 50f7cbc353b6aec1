/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BER-TLV as smart cards use it (ISO/IEC 7816-4, 5.2.2): tags of one or two bytes, definite lengths
 * in their shortest form, up to 65,535. Anything else fails the reader.
 */
#ifndef BASE_TLV_H
#define BASE_TLV_H

#include "base/bytes.h"

/* Reads one TLV: its tag (0x53, 0x7F49, ...) into *tag, its value as a reader. */
struct reader tlv_next(struct reader *r, uint16_t *tag);
/* Reads the TLV that must come next and must have this tag. */
struct reader tlv_expect(struct reader *r, uint16_t tag);
/* True if the next TLV has this tag; consumes nothing and never fails the reader. */
bool tlv_is_next(const struct reader *r, uint16_t tag);

/* Writes tag and length; the caller writes length bytes of value after it. */
void tlv_header(struct writer *w, uint16_t tag, size_t length);
void tlv_bytes(struct writer *w, uint16_t tag, const uint8_t *value, size_t bytes);
/* Bytes that tag and length take in front of a value of length bytes. */
size_t tlv_header_bytes(uint16_t tag, size_t length);

#endif
