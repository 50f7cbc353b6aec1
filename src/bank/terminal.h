/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals, for those who run inside a transaction already. */
#ifndef BANK_TERMINAL_H
#define BANK_TERMINAL_H

#include "bank/inside.h"

/* A new certificate for a terminal, kept as a document and among its certificates. */
enum stiver_bank_status terminal_certify(struct stiver_bank *bank,
                                         const struct terminal_record *terminal, unsigned days,
                                         struct terminal_certificate_record *made) BANK_CHECKED;
/* What blank cards are given. */
size_t bank_anchors(const struct stiver_bank *bank, uint8_t out[ANCHORS_BYTES_MAX]);

#endif
