/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/strict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool decodes_copy(strict_decoder decodes, const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length + (length == 0));
    assert_non_null(copy);
    if (length != 0)
        memcpy(copy, bytes, length);
    bool taken = decodes(copy, length);
    free(copy);
    return taken;
}

void assert_exact_length(strict_decoder decodes, const uint8_t *bytes, size_t length)
{
    assert_true(decodes_copy(decodes, bytes, length));
    for (size_t shorter = 0; shorter < length; shorter++)
        if (decodes_copy(decodes, bytes, shorter))
            fail_msg("the first %zu of %zu bytes were taken", shorter, length);
    uint8_t *longer = malloc(length + 1);
    assert_non_null(longer);
    memcpy(longer, bytes, length);
    for (unsigned last = 0; last < 256; last++) {
        longer[length] = (uint8_t)last;
        if (decodes_copy(decodes, longer, length + 1))
            fail_msg("%zu bytes and a trailing %02X were taken", length, last);
    }
    free(longer);
}
