/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card has no clock: it knows the highest start date that it verified under a bank signature,
 * and refuses what ended before. Only a root-signed order lowers that time or raises the generation
 * floor, below which keys count as withdrawn.
 */
#include "card/core/clock.h"

#include "card/core/records.h"
#include "scheme/order.h"

/* A root order raises the floor by no more: one slip does not lock out every key there will be. */
#define FLOOR_STEP_MAX 16u

enum status clock_load(struct card *card)
{
    uint8_t record[CLOCK_RECORD_BYTES];
    bool is_there;
    enum status status = record_read_optional(card, RECORD_CLOCK, record, sizeof record, &is_there);
    struct reader r = reader_of(record, sizeof record);
    card->clock = (struct card_clock){0};
    card->clock.highest = reader_u32(&r);
    card->clock.highest_pending = card->clock.highest;
    card->clock.generation_floor = reader_u32(&r);
    card->clock.root_order_number = reader_u32(&r);
    return status;
}

enum status clock_put_pending(struct card *card)
{
    uint8_t record[CLOCK_RECORD_BYTES];
    struct writer w = writer_of(record, sizeof record);
    if (!card->clock.is_changed)
        return STATUS_OK;
    writer_u32(&w, card->clock.highest_pending);
    writer_u32(&w, card->clock.generation_floor);
    writer_u32(&w, card->clock.root_order_number);
    return record_put(card, RECORD_CLOCK, record, sizeof record);
}

void clock_committed(struct card *card)
{
    card->clock.highest = card->clock.highest_pending;
    card->clock.is_changed = false;
}

void card_clock_saw(struct card *card, uint32_t start, uint32_t authority_end)
{
    /* An authority cannot push the time beyond its own days. */
    uint32_t seen = start < authority_end ? start : authority_end;
    if (seen > card->clock.highest_pending) {
        card->clock.highest_pending = seen;
        card->clock.is_changed = true;
    }
}

uint32_t card_clock_now(const struct card *card)
{
    return card->clock.highest_pending;
}

bool card_clock_permits(const struct card *card, uint32_t end)
{
    return end >= card_clock_now(card);
}

static enum status check_order(const struct card *card, const struct order *order)
{
    bool is_ours = bytes_equal(order->card, card->identity.number, CARD_NUMBER_BYTES);
    bool is_for_any = bytes_are_zero(order->card, CARD_NUMBER_BYTES);
    if (!is_ours && !(is_for_any && order->kind == DOCUMENT_FLOOR_ORDER))
        return STATUS_OTHER_CARD;
    if (order->number <= card->clock.root_order_number)
        return STATUS_OLD;
    return order->number > COUNTER_MAX ? STATUS_EXHAUSTED : STATUS_OK;
}

/* May lower the time, which is why no end rule holds for it. */
static enum status apply_time(struct card_clock *clock, const struct order *order)
{
    clock->highest_pending = order->new_time;
    return STATUS_OK;
}

static enum status apply_floor(struct card_clock *clock, const struct order *order)
{
    if (order->end < clock->highest_pending)
        return STATUS_EXPIRED;
    if (order->generation_floor <= clock->generation_floor)
        return STATUS_OLD;
    if (order->generation_floor - clock->generation_floor > FLOOR_STEP_MAX)
        return STATUS_LIMIT;
    clock->generation_floor = order->generation_floor;
    return STATUS_OK;
}

static enum status store_clock(struct card *card, const struct card_clock *changed)
{
    struct card_clock before = card->clock;
    enum status status = card_begin(card, 0, 0);
    if (status != STATUS_OK)
        return status;
    card->clock = *changed;
    card->clock.is_changed = true;
    status = card_commit(card, false);
    if (status != STATUS_OK)
        card->clock = before;
    return status;
}

static enum status order_status(enum document_status status)
{
    switch (status) {
    case DOCUMENT_OK:
        return STATUS_OK;
    case DOCUMENT_FORGED:
        return STATUS_FORGED;
    case DOCUMENT_FAILED:
        return STATUS_FAILED;
    case DOCUMENT_MALFORMED:
    case DOCUMENT_OTHER_KIND:
    case DOCUMENT_OTHER_SCHEME:
        break;
    }
    return STATUS_DATA;
}

enum status card_root_order(struct card *card, const struct apdu_command *command,
                            struct writer *answer)
{
    struct order order;
    struct card_clock changed = card->clock;
    (void)answer;
    enum status status =
        order_status(root_order_check(&crypto_primitives, command->data, command->lc,
                                      card->identity.scheme, card->identity.root.key, &order));
    if (status == STATUS_OK)
        status = check_order(card, &order);
    if (status != STATUS_OK)
        return status;
    status = order.kind == DOCUMENT_TIME_ORDER ? apply_time(&changed, &order)
                                               : apply_floor(&changed, &order);
    if (status != STATUS_OK)
        return status;
    changed.root_order_number = order.number;
    return store_clock(card, &changed);
}
