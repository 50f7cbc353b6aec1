/* SPDX-License-Identifier: Apache-2.0 */
/* The purse as the core sees it: its table, its power-up, its state, and what it says of itself. */
#include "card/purse/internal.h"

#include <string.h>

#define PROTOCOL_VERSION 1u

/* ---- memory ---- */

struct purse *purse_of(struct card *card)
{
    return (struct purse *)(void *)card->application_memory;
}

const struct purse *purse_view(const struct card *card)
{
    return (const struct purse *)(const void *)card->application_memory;
}

/* A card without a ledger is blank: all zero says so. */
static enum nvm_status purse_power_up(struct card *card)
{
    uint8_t record[LEDGER_BYTES];
    uint8_t version = 0;
    size_t bytes = 0;
    struct purse *purse = purse_of(card);
    memset(purse, 0, sizeof *purse);
    enum nvm_status status = nvm_read(&card->nvm, OWNER_PURSE, PURSE_RECORD_LEDGER, &version,
                                      record, sizeof record, &bytes);
    if (status == NVM_ABSENT)
        return NVM_OK;
    if (status != NVM_OK)
        return status;
    if (version != PURSE_RECORD_VERSION || !ledger_decode(record, bytes, &purse->ledger))
        return NVM_DAMAGED;
    return NVM_OK;
}

static void purse_channel_closed(struct card *card)
{
    purse_of(card)->is_pin_verified = false;
    purse_of(card)->block.is_running = false;
}

static unsigned purse_state(const struct card *card)
{
    return purse_view(card)->ledger.state;
}

/* ---- what it says of itself ---- */

enum status purse_get_state(struct card *card, const struct apdu_command *command,
                            struct writer *answer)
{
    const struct card_identity *identity = &card->identity;
    struct card_state state = {
        .state = purse_view(card)->ledger.state,
        .protocol_version = PROTOCOL_VERSION,
        .firmware = CARD_FIRMWARE,
        .apdu_bytes_max = STIVER_APDU_MAX,
    };
    (void)command;
    /* The serial leads to the card's number in the bank's register: it is shown until the card is
     * somebody's. */
    if (state.state == PURSE_BLANK) {
        memcpy(state.serial, identity->serial, SERIAL_BYTES);
    } else {
        state.scheme = identity->scheme;
        state.root_version = identity->root_version;
        state.authority_version = identity->authority_version;
    }
    uint8_t *out = writer_reserve(answer, CARD_STATE_BYTES);
    if (out == NULL)
        return STATUS_FAILED;
    card_state_encode(&state, out);
    return STATUS_OK;
}

enum status purse_read_status(struct card *card, const struct apdu_command *command,
                              struct writer *answer)
{
    const struct ledger *ledger = &purse_view(card)->ledger;
    struct purse_status status = {
        .state = ledger->state,
        .balance = ledger->balance,
        .points = ledger->points,
        .card_counter = ledger->card_counter,
        .load_counter = ledger->load.counter,
        .refund_counter = ledger->refund.counter,
        .acknowledged_up_to = ledger->acknowledged.up_to,
        .acknowledged_map = ledger->acknowledged.map,
        .policy_generation = ledger->policy_generation,
        .policy_number = ledger->policy_number,
        .highest_time = card_clock_now(card),
        .generation_floor = card->clock.generation_floor,
        .free_slots = log_free_slots(ledger),
    };
    (void)command;
    enum status read = pin_tries(card, &status.pin_tries);
    uint8_t *out = writer_reserve(answer, PURSE_STATUS_BYTES);
    if (read != STATUS_OK)
        return read;
    if (out == NULL)
        return STATUS_FAILED;
    purse_status_encode(&status, out);
    return STATUS_OK;
}

/* ---- table ---- */

/* Rows that the core serves for every application with a channel. */
#define purse_get_certificate card_get_certificate
#define purse_initialize card_initialize
#define purse_root_order card_root_order
#define purse_verify_certificate card_verify_certificate
#define purse_mutual_authenticate card_mutual_authenticate

static const card_handler purse_handlers[COMMAND_COUNT] = {
#define X(name, handler, cla, ins, p1p2, lc_least, lc_most, answers, states, roles, command_class, \
          protection)                                                                              \
    [COMMAND_##name] = purse_##handler,
#include "scheme/commands.def"
#undef X
};

const struct application purse_application = {
    .owner = OWNER_PURSE,
    .aid = purse_aid,
    .aid_bytes = PURSE_AID_BYTES,
    .rows = command_rows,
    .handlers = purse_handlers,
    .commands = COMMAND_COUNT,
    .power_up = purse_power_up,
    .state = purse_state,
    .channel_closed = purse_channel_closed,
    .has_channel = true,
};
