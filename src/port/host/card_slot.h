/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slot that a card sits in: it gives power, hands commands over, and can pull the card at the
 * two moments that matter, for demonstrations and tests.
 *
 * PULL_BEFORE_COMMIT: the first change that the command makes to the flash does not happen, nor
 * anything after it. PULL_BEFORE_ANSWER: the command is carried out whole, and its answer is never
 * heard. A command is named by its INS, which secure messaging leaves in the clear.
 */
#ifndef PORT_HOST_CARD_SLOT_H
#define PORT_HOST_CARD_SLOT_H

#include <stdbool.h>

#include <stiver/card.h>

enum pull {
    PULL_NEVER = 0,
    PULL_BEFORE_COMMIT,
    PULL_BEFORE_ANSWER,
};

#define PULL_ANY_INS (-1)

struct pull_plan {
    enum pull at;
    int ins;      /* 0 to 255, or PULL_ANY_INS */
    unsigned nth; /* which command of that INS, 1 the first (0 means 1). One that changes nothing
                     cannot be pulled before its commit: then the next that does. */
};

struct card_slot_options {
    struct stiver_flash flash; /* its context borrowed */
    /* Called before an answer leaves; false: what was programmed is not durable, the card is dead.
     * May be NULL. card_image_settle fits. */
    bool (*settle)(void *context);
    void *settle_context; /* borrowed */
    struct pull_plan pull;
};

/* Must not move in memory while it is in use. */
struct card_slot {
    struct stiver_card card;
    struct card_slot_options options;
    enum stiver_card_status status; /* of the last power-up */
    unsigned seen;                  /* commands of the plan's INS so far */
    bool is_powered;
    bool is_cutting; /* the next change to the flash is the moment of the pull */
    bool is_pulled;  /* the plan was carried out: no power until card_slot_init */
};

enum card_slot_end {
    CARD_SLOT_ANSWERED,
    CARD_SLOT_PULLED,
    CARD_SLOT_DEAD, /* the card does not start, or its memory failed */
};

/* A card put into the slot, without power. options is copied. */
void card_slot_init(struct card_slot *slot, const struct card_slot_options *options);

/* Power-up, or reset if there was power. Cleared of everything in RAM the card starts anew. */
enum stiver_card_status card_slot_power_on(struct card_slot *slot);
void card_slot_power_off(struct card_slot *slot);

/* One command; a card without power gets it first. *response_bytes is 0 unless ANSWERED. */
enum card_slot_end card_slot_transmit(struct card_slot *slot, const uint8_t *command,
                                      size_t command_bytes, uint8_t response[STIVER_APDU_MAX],
                                      size_t *response_bytes) __attribute__((warn_unused_result));

#endif
