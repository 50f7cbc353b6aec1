/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/command.h"

#include "scheme/receipt.h"

/* Names as people read them. A row of commands.def without one does not compile. */
#define TEXT_GET_STATE "GET STATE"
#define TEXT_GET_CERTIFICATE "GET CERTIFICATE"
#define TEXT_GET_BLOCK_RECEIPT "GET BLOCK RECEIPT"
#define TEXT_INITIALIZE "INITIALIZE"
#define TEXT_STORE_CERTIFICATES "STORE CERTIFICATES"
#define TEXT_ROOT_ORDER "ROOT ORDER"
#define TEXT_VERIFY_CERTIFICATE "VERIFY CERTIFICATE"
#define TEXT_MUTUAL_AUTHENTICATE "MUTUAL AUTHENTICATE"
#define TEXT_READ_PIN "READ PIN"
#define TEXT_ISSUE "ISSUE"
#define TEXT_PAY "PAY"
#define TEXT_LOAD "LOAD"
#define TEXT_REFUND "REFUND"
#define TEXT_READ_RECEIPT "READ RECEIPT"
#define TEXT_APPLY_ORDER "APPLY ORDER"
#define TEXT_BLOCK "BLOCK"
#define TEXT_READ_LOG "READ LOG"
#define TEXT_READ_STATUS "READ STATUS"
#define TEXT_VERIFY_PIN "VERIFY PIN"
#define TEXT_CHANGE_PIN "CHANGE PIN"

#define P(first, second) .p1 = (first), .p2 = (second), .rule = P1P2_EXACT
#define P_KEY(second) .p1 = 0, .p2 = (second), .rule = P1P2_KEY
#define P_MORE .p1 = 0, .p2 = 0, .rule = P1P2_MORE
#define X(name_, handler_, cla_, ins_, p1p2_, least_, most_, answers_, states_, roles_, class_, \
          protection_)                                                                          \
    [COMMAND_##name_] = {.name = TEXT_##name_,                                                  \
                         .cla = (cla_),                                                         \
                         .ins = (ins_),                                                         \
                         p1p2_,                                                                 \
                         .lc_least = (least_),                                                  \
                         .lc_most = (most_),                                                    \
                         .answers = (answers_),                                                 \
                         .states = (states_),                                                   \
                         .roles = (roles_),                                                     \
                         .command_class = (class_),                                             \
                         .protection = PROTECTION_##protection_},
const struct command_row command_rows[COMMAND_COUNT] = {
#include "scheme/commands.def"
};
#undef X
#undef P
#undef P_KEY
#undef P_MORE

static bool p1p2_match(const struct command_row *row, uint8_t p1, uint8_t p2)
{
    if (row->rule == P1P2_VALUE_AND_KIND)
        return true;
    if (p2 != row->p2)
        return false;
    switch (row->rule) {
    case P1P2_EXACT:
        return p1 == row->p1;
    case P1P2_KEY: /* b8 would say that more blocks follow; no document of the scheme needs it */
        return (p1 & 0x80) == 0;
    case P1P2_MORE:
        return p1 <= 1;
    case P1P2_VALUE:
    case P1P2_VALUE_AND_KIND:
        return true;
    default:
        return false;
    }
}

bool command_matches(const struct command_row *row, uint8_t cla, uint8_t ins, uint8_t p1,
                     uint8_t p2)
{
    return apdu_plain_class(cla) == row->cla && ins == row->ins && p1p2_match(row, p1, p2);
}

enum command command_find(uint8_t cla, uint8_t ins, uint8_t p1, uint8_t p2)
{
    unsigned i = 0;
    while (i < COMMAND_COUNT && !command_matches(&command_rows[i], cla, ins, p1, p2))
        i++;
    return (enum command)i;
}

/* ---- command data ---- */

void sale_encode(const struct sale *sale, struct writer *w)
{
    writer_u32(w, sale->amount.minor);
    writer_u16(w, sale->amount.currency);
    writer_u32(w, sale->terminal_counter);
    writer_u32(w, sale->time);
    writer_bytes(w, sale->reference, REFERENCE_BYTES);
    writer_u8(w, sale->flags);
}

bool sale_decode(struct reader *r, struct sale *sale)
{
    sale->amount.minor = reader_u32(r);
    sale->amount.currency = reader_u16(r);
    sale->terminal_counter = reader_u32(r);
    sale->time = reader_u32(r);
    reader_bytes(r, sale->reference, REFERENCE_BYTES);
    sale->flags = reader_u8(r);
    return !r->failed && sale->amount.currency != 0 && (sale->flags & ~RECEIPT_ONLINE) == 0;
}

void purse_status_encode(const struct purse_status *status, uint8_t out[PURSE_STATUS_BYTES])
{
    struct writer w = writer_of(out, PURSE_STATUS_BYTES);
    writer_u8(&w, (uint8_t)status->state);
    writer_u16(&w, status->balance.currency);
    writer_u32(&w, status->balance.minor);
    writer_u32(&w, status->points);
    writer_u32(&w, status->card_counter);
    writer_u32(&w, status->load_counter);
    writer_u32(&w, status->refund_counter);
    writer_u32(&w, status->acknowledged_up_to);
    writer_u64(&w, status->acknowledged_map);
    writer_u32(&w, status->policy_generation);
    writer_u32(&w, status->policy_number);
    writer_u32(&w, status->highest_time);
    writer_u32(&w, status->generation_floor);
    writer_u8(&w, status->pin_tries);
    writer_u8(&w, status->free_slots);
}

bool purse_status_decode(const uint8_t *bytes, size_t length, struct purse_status *status)
{
    struct reader r = reader_of(bytes, length);
    status->state = (enum purse_state)reader_u8(&r);
    status->balance.currency = reader_u16(&r);
    status->balance.minor = reader_u32(&r);
    status->points = reader_u32(&r);
    status->card_counter = reader_u32(&r);
    status->load_counter = reader_u32(&r);
    status->refund_counter = reader_u32(&r);
    status->acknowledged_up_to = reader_u32(&r);
    status->acknowledged_map = reader_u64(&r);
    status->policy_generation = reader_u32(&r);
    status->policy_number = reader_u32(&r);
    status->highest_time = reader_u32(&r);
    status->generation_floor = reader_u32(&r);
    status->pin_tries = reader_u8(&r);
    status->free_slots = reader_u8(&r);
    return reader_done(&r) && status->state <= PURSE_ENDED && status->balance.currency != 0 &&
           status->free_slots <= LOG_SLOTS;
}

void card_state_encode(const struct card_state *state, uint8_t out[CARD_STATE_BYTES])
{
    struct writer w = writer_of(out, CARD_STATE_BYTES);
    writer_u8(&w, (uint8_t)state->state);
    writer_u8(&w, state->protocol_version);
    writer_u32(&w, state->firmware);
    writer_u16(&w, state->apdu_bytes_max);
    writer_u32(&w, state->scheme);
    writer_u8(&w, state->root_version);
    writer_u8(&w, state->authority_version);
    writer_bytes(&w, state->serial, SERIAL_BYTES);
}

bool card_state_decode(const uint8_t *bytes, size_t length, struct card_state *state)
{
    struct reader r = reader_of(bytes, length);
    state->state = (enum purse_state)reader_u8(&r);
    state->protocol_version = reader_u8(&r);
    state->firmware = reader_u32(&r);
    state->apdu_bytes_max = reader_u16(&r);
    state->scheme = reader_u32(&r);
    state->root_version = reader_u8(&r);
    state->authority_version = reader_u8(&r);
    reader_bytes(&r, state->serial, SERIAL_BYTES);
    if (!reader_done(&r) || state->state > PURSE_ENDED)
        return false;
    /* Only a blank card names itself, and only one that is none knows a scheme. */
    return state->state == PURSE_BLANK ? state->scheme == 0
                                       : bytes_are_zero(state->serial, SERIAL_BYTES);
}
