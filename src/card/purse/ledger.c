/* SPDX-License-Identifier: Apache-2.0 */
#include "card/purse/internal.h"

/*
 * state 1 | currency 2 | balance 4 | points 4 | card counter 4 |
 * load: counter 4, number 4, card counter 4 | refund: the same 12 | acknowledged up to 4 | map 8 |
 * policy 30 | its generation 4 | its number 4 | payments without PIN 4 | their sum 4 |
 * list sequence 4
 */
_Static_assert(LEDGER_BYTES == 1 + 2 + 4 + 4 + 4 + 12 + 12 + 12 + POLICY_BYTES + 8 + 8 + 4,
               "the ledger's record is as long as its fields");

static void track_encode(const struct order_track *track, struct writer *w)
{
    writer_u32(w, track->counter);
    writer_u32(w, track->number);
    writer_u32(w, track->card_counter);
}

static void track_decode(struct reader *r, struct order_track *track)
{
    track->counter = reader_u32(r);
    track->number = reader_u32(r);
    track->card_counter = reader_u32(r);
}

void ledger_encode(const struct ledger *ledger, uint8_t out[LEDGER_BYTES])
{
    struct writer w = writer_of(out, LEDGER_BYTES);
    writer_u8(&w, (uint8_t)ledger->state);
    writer_u16(&w, ledger->balance.currency);
    writer_u32(&w, ledger->balance.minor);
    writer_u32(&w, ledger->points);
    writer_u32(&w, ledger->card_counter);
    track_encode(&ledger->load, &w);
    track_encode(&ledger->refund, &w);
    writer_u32(&w, ledger->acknowledged.up_to);
    writer_u64(&w, ledger->acknowledged.map);
    policy_encode(&ledger->policy, &w);
    writer_u32(&w, ledger->policy_generation);
    writer_u32(&w, ledger->policy_number);
    writer_u32(&w, ledger->pinless_count);
    writer_u32(&w, ledger->pinless_total);
    writer_u32(&w, ledger->list_sequence);
}

bool ledger_decode(const uint8_t *bytes, size_t length, struct ledger *ledger)
{
    struct reader r = reader_of(bytes, length);
    uint8_t state = reader_u8(&r);
    ledger->state = (enum purse_state)state;
    ledger->balance.currency = reader_u16(&r);
    ledger->balance.minor = reader_u32(&r);
    ledger->points = reader_u32(&r);
    ledger->card_counter = reader_u32(&r);
    track_decode(&r, &ledger->load);
    track_decode(&r, &ledger->refund);
    ledger->acknowledged.up_to = reader_u32(&r);
    ledger->acknowledged.map = reader_u64(&r);
    policy_decode(&r, &ledger->policy);
    ledger->policy_generation = reader_u32(&r);
    ledger->policy_number = reader_u32(&r);
    ledger->pinless_count = reader_u32(&r);
    ledger->pinless_total = reader_u32(&r);
    ledger->list_sequence = reader_u32(&r);
    return reader_done(&r) && state >= PURSE_PERSONALISED && state <= PURSE_ENDED;
}

enum status purse_read(struct card *card, uint8_t record, uint8_t *out, size_t bytes)
{
    uint8_t version = 0;
    size_t found = 0;
    enum nvm_status status =
        nvm_read(&card->nvm, OWNER_PURSE, record, &version, out, bytes, &found);
    if (status == NVM_ABSENT)
        return STATUS_NOT_THERE;
    if (status == NVM_OK && (version != PURSE_RECORD_VERSION || found != bytes))
        return STATUS_MEMORY;
    return card_memory_status(card, status);
}

enum status ledger_put(struct card *card, const struct ledger *next)
{
    uint8_t record[LEDGER_BYTES];
    ledger_encode(next, record);
    return card_put(card, OWNER_PURSE, PURSE_RECORD_LEDGER, PURSE_RECORD_VERSION, record,
                    sizeof record);
}

enum status ledger_commit(struct card *card, const struct ledger *next)
{
    enum status status = card_begin(card, LEDGER_BYTES, 1);
    if (status == STATUS_OK)
        status = ledger_put(card, next);
    if (status == STATUS_OK)
        status = card_commit(card, false);
    if (status == STATUS_OK)
        purse_of(card)->ledger = *next;
    return status;
}
