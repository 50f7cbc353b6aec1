/* SPDX-License-Identifier: Apache-2.0 */
/* Orders, for those who run inside a transaction already. */
#ifndef BANK_ORDER_H
#define BANK_ORDER_H

#include "bank/inside.h"

struct order_message {
    uint8_t bytes[ORDER_MESSAGE_BYTES_MAX];
    size_t length;
};

/* A load order for a card, paid for by this terminal's till; amount 0 undoes the order that is out
 * for the counter. The same wish from the same till gets the same order again. */
enum stiver_bank_status order_load(struct stiver_bank *bank, const struct terminal_record *terminal,
                                   const uint8_t card[CARD_NUMBER_BYTES], uint32_t counter,
                                   struct money amount, struct order_message *message) BANK_CHECKED;
/* The scheme's rules for this card, under a new number. */
enum stiver_bank_status order_policy(struct stiver_bank *bank, struct card_record *card,
                                     struct order_message *message) BANK_CHECKED;
/* What the bank has of the card's receipts, as the card's record and the receipts say. */
enum stiver_bank_status order_acknowledge(struct stiver_bank *bank, struct card_record *card,
                                          struct order_message *message) BANK_CHECKED;

#endif
