/* SPDX-License-Identifier: Apache-2.0 */
/* Personalisation, for those who run inside a transaction already. */
#ifndef BANK_STOCK_H
#define BANK_STOCK_H

#include "bank/inside.h"

/* nonce | ephemeral key | anchors */
#define STOCK_ANSWER_BYTES_MAX (NONCE_BYTES + PUBLIC_KEY_BYTES + ANCHORS_BYTES_MAX)
/* n1 | card authority's and card's certificates | n2 | policy order message */
#define CERTIFY_ANSWER_BYTES_MAX (8u + 2u * CERTIFICATE_BYTES_MAX + ORDER_MESSAGE_BYTES_MAX)

/* A fresh challenge for a blank card from stock. UNKNOWN_CARD. */
enum stiver_bank_status stock_challenge(struct stiver_bank *bank,
                                        const uint8_t serial[SERIAL_BYTES],
                                        struct writer *answer) BANK_CHECKED;
/* Verifies what the card answered to INITIALIZE and certifies it. FORGED, REFUSED; CONFLICT, with
 * an alarm, for other keys than the serial was certified with. */
enum stiver_bank_status stock_certify(struct stiver_bank *bank,
                                      const uint8_t statement[STATEMENT_ANSWER_BYTES],
                                      struct writer *answer) BANK_CHECKED;

#endif
