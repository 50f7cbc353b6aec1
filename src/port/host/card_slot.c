/* SPDX-License-Identifier: Apache-2.0 */
#include "port/host/card_slot.h"

#include <string.h>

#define INS_OFFSET 1u

static enum stiver_flash_status gate_read(void *context, uint32_t address, uint8_t *out,
                                          size_t bytes)
{
    const struct card_slot *slot = context;
    if (slot->is_pulled)
        return STIVER_FLASH_POWER_LOST;
    return slot->options.flash.read(slot->options.flash.context, address, out, bytes);
}

/* True if the flash may be changed; the change that the plan names is the one that pulls. */
static bool gate_opens(struct card_slot *slot)
{
    if (slot->is_cutting)
        slot->is_pulled = true;
    return !slot->is_pulled;
}

static enum stiver_flash_status gate_program(void *context, uint32_t address, const uint8_t *data,
                                             size_t bytes)
{
    struct card_slot *slot = context;
    if (!gate_opens(slot))
        return STIVER_FLASH_POWER_LOST;
    return slot->options.flash.program(slot->options.flash.context, address, data, bytes);
}

static enum stiver_flash_status gate_erase(void *context, uint32_t page)
{
    struct card_slot *slot = context;
    if (!gate_opens(slot))
        return STIVER_FLASH_POWER_LOST;
    return slot->options.flash.erase(slot->options.flash.context, page);
}

void card_slot_init(struct card_slot *slot, const struct card_slot_options *options)
{
    memset(slot, 0, sizeof *slot);
    slot->options = *options;
    if (slot->options.pull.nth == 0)
        slot->options.pull.nth = 1;
}

static bool card_is_alive(enum stiver_card_status status)
{
    return status == STIVER_CARD_OK || status == STIVER_CARD_WORN;
}

static bool slot_settles(struct card_slot *slot)
{
    return !slot->options.settle || slot->options.settle(slot->options.settle_context);
}

enum stiver_card_status card_slot_power_on(struct card_slot *slot)
{
    struct stiver_flash gate = slot->options.flash;
    gate.context = slot;
    gate.read = gate_read;
    gate.program = gate_program;
    gate.erase = gate_erase;
    card_slot_power_off(slot);
    slot->status =
        slot->is_pulled ? STIVER_CARD_POWER_LOST : stiver_card_power_on(&slot->card, &gate);
    slot->is_powered = card_is_alive(slot->status);
    return slot->status;
}

void card_slot_power_off(struct card_slot *slot)
{
    if (slot->is_powered)
        stiver_card_power_off(&slot->card);
    slot->is_powered = false;
}

static bool plan_names(struct card_slot *slot, const uint8_t *command, size_t command_bytes)
{
    const struct pull_plan *plan = &slot->options.pull;
    if (plan->at == PULL_NEVER || command_bytes <= INS_OFFSET)
        return false;
    if (plan->ins != PULL_ANY_INS && plan->ins != command[INS_OFFSET])
        return false;
    if (slot->seen < plan->nth)
        slot->seen++;
    return slot->seen == plan->nth;
}

enum card_slot_end card_slot_transmit(struct card_slot *slot, const uint8_t *command,
                                      size_t command_bytes, uint8_t response[STIVER_APDU_MAX],
                                      size_t *response_bytes)
{
    *response_bytes = 0;
    if (!slot->is_powered && !card_is_alive(card_slot_power_on(slot)))
        return slot->is_pulled ? CARD_SLOT_PULLED : CARD_SLOT_DEAD;
    bool is_named = plan_names(slot, command, command_bytes);
    slot->is_cutting = is_named && slot->options.pull.at == PULL_BEFORE_COMMIT;
    size_t bytes = stiver_card_transmit(&slot->card, command, command_bytes, response);
    slot->is_cutting = false;
    bool is_settled = slot_settles(slot);
    if (is_named && slot->options.pull.at == PULL_BEFORE_ANSWER)
        slot->is_pulled = true;
    if (slot->is_pulled || bytes == 0 || bytes > STIVER_APDU_MAX || !is_settled) {
        card_slot_power_off(slot);
        return slot->is_pulled ? CARD_SLOT_PULLED : CARD_SLOT_DEAD;
    }
    *response_bytes = bytes;
    return CARD_SLOT_ANSWERED;
}
