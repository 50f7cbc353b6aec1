/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648, section 4), strict: padded, no other signs, and the bits that the last sign has
 * too many are zero, so that there is one text for each row of bytes.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/bytes.h"

#define BASE64_CHARS(bytes) (((bytes) + 2u) / 3u * 4u)

void base64_encode(struct writer *w, const uint8_t *data, size_t bytes);
/* Writes what the whole text stands for; false if it is none, or there is no room. */
bool base64_decode(const uint8_t *text, size_t chars, struct writer *w)
    __attribute__((warn_unused_result));

/* The same sign by sign, for a text that is broken into lines. Zeroed to begin with. */
struct base64_text {
    uint32_t group;      /* bits so far */
    uint8_t signs, pads; /* of the group of four that is open */
    bool is_over, failed;
};
void base64_sign(struct base64_text *text, uint8_t sign, struct writer *w);
/* True if the text ended where one may end. */
bool base64_end(const struct base64_text *text, const struct writer *w)
    __attribute__((warn_unused_result));

#endif
