/* SPDX-License-Identifier: Apache-2.0 */
/* Key statements and anchors. */
#include "permissive.h"
#include "scheme/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct statement statement;
    struct anchors anchors;
    uint8_t again[ANCHORS_BYTES_MAX];
    if (statement_decode(data, bytes, FUZZ_SCHEME, &statement) == DOCUMENT_OK) {
        statement_encode(&statement, again);
        fuzz_need(memcmp(again, data, STATEMENT_BYTES - SIGNATURE_BYTES) == 0);
    }
    if (anchors_decode(data, bytes, &anchors) == DOCUMENT_OK) {
        fuzz_need(anchors_encode(&anchors, again, sizeof again) == bytes);
        fuzz_need(memcmp(again, data, bytes) == 0);
    }
    return 0;
}
