/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card in a virtual reader: connects to vpcd (vsmartcard) at a TCP port of this machine and
 * carries commands to the card in a slot until it is taken out, pulled, or the reader goes away.
 *
 * vpcd listens on every network address of the machine: whoever reaches the port can pose as the
 * card in that reader (never as the reader of this card: the card connects to this machine only).
 */
#ifndef PORT_HOST_VIRTUAL_CARD_H
#define PORT_HOST_VIRTUAL_CARD_H

#include "port/host/card_slot.h"

#define VIRTUAL_CARD_PORT 35963u /* where the packaged vpcd listens: slot n at this plus n */

#define VIRTUAL_CARD_END_TABLE(X)                                                                 \
    X(VIRTUAL_CARD_STOPPED, "The card was taken out of the reader.")                              \
    X(VIRTUAL_CARD_PULLED, "The card was pulled out of the reader.")                              \
    X(VIRTUAL_CARD_NO_READER, "There is no virtual reader at that port: start it and try again.") \
    X(VIRTUAL_CARD_SLOT_TAKEN, "The virtual reader does not ask for the card: is another in it?") \
    X(VIRTUAL_CARD_READER_GONE, "The virtual reader was shut down.")                              \
    X(VIRTUAL_CARD_DEAD, "The card does not start: its memory is blank, damaged or failing.")     \
    X(VIRTUAL_CARD_MEMORY, "There is not enough memory.")                                         \
    X(VIRTUAL_CARD_SYSTEM, "The operating system refused a connection.")

enum virtual_card_end {
#define VIRTUAL_CARD_END_NAME(name, text) name,
    VIRTUAL_CARD_END_TABLE(VIRTUAL_CARD_END_NAME)
#undef VIRTUAL_CARD_END_NAME
};

/* The sentence, and the enumerator's name. Never NULL. */
const char *virtual_card_end_text(enum virtual_card_end end);
const char *virtual_card_end_name(enum virtual_card_end end);

struct virtual_card_options {
    uint16_t port;         /* TCP port of the reader's slot */
    unsigned connect_ms;   /* how long to look for the reader; 0: once */
    unsigned reconnect_ms; /* the same after the reader went away; 0: end then */
    int stop_fd; /* when it becomes readable the card is taken out; -1: never. Borrowed. */
    /* Called each time the reader has taken notice of the card. May be NULL. */
    void (*inserted)(void *context);
    void *inserted_context; /* borrowed */
};

/* Runs until one of the ends above. The card has no power afterwards. DEAD: slot->status says more,
 * and its memory's own error. */
enum virtual_card_end virtual_card_run(struct card_slot *slot,
                                       const struct virtual_card_options *options)
    __attribute__((warn_unused_result));

#endif
