/* SPDX-License-Identifier: Apache-2.0 */
/* Command APDUs, what the purse's commands carry, and the TLVs inside of them. */
#include "base/tlv.h"
#include "permissive.h"
#include "scheme/command.h"

static uint8_t again[4096 + 16];

static void command(const uint8_t *data, size_t bytes)
{
    struct apdu_command c;
    if (!apdu_parse(data, bytes, &c))
        return;
    fuzz_need(apdu_encode(&c, again, sizeof again) == bytes || bytes > sizeof again);
    if (bytes <= sizeof again)
        fuzz_need(memcmp(again, data, bytes) == 0);
    enum command found = command_find(c.cla, c.ins, c.p1, c.p2);
    if (found != COMMAND_COUNT)
        fuzz_need(command_matches(&command_rows[found], c.cla, c.ins, c.p1, c.p2));
}

static void tlvs(const uint8_t *data, size_t bytes)
{
    struct reader r = reader_of(data, bytes);
    struct writer w = writer_of(again, sizeof again);
    while (!r.failed && r.left != 0) {
        uint16_t tag;
        struct reader value = tlv_next(&r, &tag);
        if (!value.failed)
            tlv_bytes(&w, tag, value.at, value.left);
    }
    if (!w.failed)
        fuzz_need(w.used <= bytes && memcmp(again, data, w.used) == 0);
}

static void command_data(const uint8_t *data, size_t bytes)
{
    struct sale sale;
    struct purse_status status;
    struct card_state state;
    struct reader r = reader_of(data, bytes);
    struct writer w = writer_of(again, sizeof again);
    if (sale_decode(&r, &sale)) {
        sale_encode(&sale, &w);
        fuzz_need(w.used == SALE_BYTES && memcmp(again, data, SALE_BYTES) == 0);
    }
    if (purse_status_decode(data, bytes, &status)) {
        purse_status_encode(&status, again);
        fuzz_need(memcmp(again, data, PURSE_STATUS_BYTES) == 0);
    }
    if (card_state_decode(data, bytes, &state)) {
        card_state_encode(&state, again);
        fuzz_need(memcmp(again, data, CARD_STATE_BYTES) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    command(data, bytes);
    tlvs(data, bytes);
    command_data(data, bytes);
    return 0;
}
