/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader and a card in one process: reader/reader.h straight onto a card slot, for tests and
 * measurements. The same terminal code runs here and over PC/SC.
 */
#ifndef PORT_HOST_INPROCESS_READER_H
#define PORT_HOST_INPROCESS_READER_H

#include "port/host/card_slot.h"
#include "reader/reader.h"

/* Powers the card up and opens a reader on it. The slot is borrowed until close, and powered off by
 * it. READER_CARD_MUTE: the card does not start (slot->status says why). Once the slot pulled the
 * card, every call is READER_CARD_REMOVED; card_slot_init puts it in again, for the next open.
 * reader's trace is left alone. */
enum reader_status inprocess_reader_open(struct card_slot *slot, struct card_reader *reader)
    __attribute__((warn_unused_result));

#endif
