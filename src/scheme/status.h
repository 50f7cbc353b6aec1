/* SPDX-License-Identifier: Apache-2.0 */
/* The purse's answers by name, and the two status words of each (status.def). */
#ifndef SCHEME_STATUS_H
#define SCHEME_STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum status {
#define X(name, clear, channel, sentence) STATUS_##name,
#include "scheme/status.def"
#undef X
    STATUS_COUNT,
    /* Wrong PIN with 0 to 15 tries left: add the tries. 63C0 to 63CF either way. */
    STATUS_PIN_WRONG = 0x100,
};

/* The word that says status, in the clear or inside a channel. */
uint16_t status_word(enum status status, bool in_channel);
/* The status that a word says; false for a word of no row (leaves *status untouched). Inside a
 * channel each word says one status. In the clear many share one; it then says the general one:
 * 6985 STATE, 6A80 DATA, 6982 SECURITY, 6A88 REFERENCE. */
bool status_of_word(uint16_t word, bool in_channel, enum status *status);
/* "BALANCE", "PIN_WRONG". */
const char *status_name(enum status status);
/* For logs; a person's sentence is the terminal's business. */
const char *status_sentence(enum status status);

#endif
