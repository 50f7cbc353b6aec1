/* SPDX-License-Identifier: Apache-2.0 */
/* Link messages: the header both ways, then fields with their lengths to the end. */
#include "permissive.h"
#include "scheme/link.h"

static void message(const uint8_t *data, size_t bytes, bool is_answer)
{
    struct link_header header;
    struct reader r = reader_of(data, bytes);
    uint8_t again[4096];
    if (!link_header_decode(&r, is_answer, &header))
        return;
    struct writer w = writer_of(again, sizeof again);
    link_header_encode(&header, is_answer, &w);
    while (!r.failed && r.left != 0) {
        struct reader field = link_field_read(&r);
        if (!field.failed)
            link_field(&w, field.at, field.left);
    }
    if (!w.failed)
        fuzz_need(w.used <= bytes && memcmp(again, data, w.used) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    message(data, bytes, false);
    message(data, bytes, true);
    return 0;
}
