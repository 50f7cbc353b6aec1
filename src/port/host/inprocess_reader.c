/* SPDX-License-Identifier: Apache-2.0 */
#include "port/host/inprocess_reader.h"

#include <string.h>

static enum reader_status inprocess_power_on(void *context)
{
    struct card_slot *slot = context;
    enum stiver_card_status status = card_slot_power_on(slot);
    if (slot->is_pulled)
        return READER_CARD_REMOVED;
    return status == STIVER_CARD_OK || status == STIVER_CARD_WORN ? READER_OK : READER_CARD_MUTE;
}

static enum reader_status inprocess_transmit(void *context, const uint8_t *command,
                                             size_t command_bytes, uint8_t *response,
                                             size_t capacity, size_t *response_bytes)
{
    struct card_slot *slot = context;
    uint8_t answer[STIVER_APDU_MAX];
    size_t answer_bytes = 0;
    if (slot->is_pulled)
        return READER_CARD_REMOVED;
    /* A large enough buffer takes the answer directly. */
    uint8_t *target = capacity >= sizeof answer ? response : answer;
    enum card_slot_end end =
        card_slot_transmit(slot, command, command_bytes, target, &answer_bytes);
    if (end != CARD_SLOT_ANSWERED)
        return end == CARD_SLOT_PULLED ? READER_CARD_REMOVED : READER_CARD_MUTE;
    if (answer_bytes > capacity)
        return READER_PROTOCOL;
    if (target == answer)
        memcpy(response, answer, answer_bytes);
    *response_bytes = answer_bytes;
    return READER_OK;
}

static void inprocess_close(void *context)
{
    card_slot_power_off(context);
}

static const struct card_reader_ops inprocess_ops = {
    .transmit = inprocess_transmit,
    .reset = inprocess_power_on,
    .close = inprocess_close,
};

enum reader_status inprocess_reader_open(struct card_slot *slot, struct card_reader *reader)
{
    enum reader_status status = inprocess_power_on(slot);
    if (status != READER_OK)
        return status;
    reader->ops = &inprocess_ops;
    reader->context = slot;
    return READER_OK;
}
