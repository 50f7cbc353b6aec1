/* SPDX-License-Identifier: Apache-2.0 */
/* Listing cards, for those who run inside a transaction already. */
#ifndef BANK_LIST_H
#define BANK_LIST_H

#include "bank/inside.h"

/* Lists a card for this reason unless a graver one holds, writes its record and says so in the
 * documents. The list itself is signed by list_publish. */
enum stiver_bank_status list_enter(struct stiver_bank *bank, struct card_record *card,
                                   enum stiver_bank_reason reason) BANK_CHECKED;
/* Lost and stolen cards leave the list once they have blocked themselves, clones never do. */
bool list_holds(const struct card_record *card, uint32_t now);
/* Signs a new list if the newest one names other cards, if half of its term is over, or if there is
 * none. */
enum stiver_bank_status list_publish(struct stiver_bank *bank) BANK_CHECKED;
/* The same, where nothing was listed: looks only at the newest one's dates. */
enum stiver_bank_status list_refresh(struct stiver_bank *bank) BANK_CHECKED;
/* The newest list file; free() it. */
enum stiver_bank_status list_newest(struct stiver_bank *bank, struct list_record *record,
                                    struct store_blob *file) BANK_CHECKED;

#endif
