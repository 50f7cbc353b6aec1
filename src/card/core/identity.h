/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the core: who this card is. What applications may call is in card.h. */
#ifndef CARD_CORE_IDENTITY_H
#define CARD_CORE_IDENTITY_H

#include "card/core/card.h"

#define LOCK_RECORD_BYTES 2u
/* scheme 4 | currency 2 | root KVN 1 | root id 4 | root key 64 | authority KVN 1 | authority id 4 |
 * its start 4 | end 4 | key 64 */
#define ANCHORS_RECORD_BYTES 152u

/* Loads *card's identity at power-up. *is_card is false if nobody manufactured a card here. */
enum status identity_load(struct card *card, bool *is_card) SCHEME_CHECKED;

/* Signs under a receipt key that the caller holds in its hand. */
enum status identity_sign_with(const uint8_t private_key[PRIVATE_KEY_BYTES],
                               const uint8_t *unsigned_bytes, size_t bytes,
                               uint8_t signature[SIGNATURE_BYTES]) SCHEME_CHECKED;

void anchors_record_encode(const struct card_identity *identity,
                           uint8_t record[ANCHORS_RECORD_BYTES]);
void anchors_record_decode(const uint8_t record[ANCHORS_RECORD_BYTES],
                           struct card_identity *identity);

#endif
