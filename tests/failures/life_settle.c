/* SPDX-License-Identifier: Apache-2.0 */
/* Whether everything comes home and adds up: alike in every life, but for who says what. */
#include "life_inside.h"

#include <stdio.h>

void life_see_finding(void *context, const char *text)
{
    (void)context;
    printf("# audit: %s\n", text);
}

static const char *settle_bank(struct stiver_bank *bank)
{
    struct stiver_bank_books books;
    struct stiver_bank_audit audit;
    struct life_sums sums = {0, 0, 0};
    if (stiver_bank_books(bank, life_sum, &sums, &books) != STIVER_BANK_OK ||
        stiver_bank_audit(bank, life_see_finding, NULL, &audit) != STIVER_BANK_OK)
        return "the bank does not tell its books";
    return !books.balanced || books.sum_minor != 0 ? "the books do not balance"
           : audit.findings != 0                   ? "the audit finds something"
           : books.alarms != 0                     ? "an alarm rang"
           : sums.card_float != life.balance       ? "the float is not what the card holds"
           : sums.merchants != life.paid           ? "the merchant is not paid exactly once"
           : sums.others != 0                      ? "money is in flight, suspense, loss or owed"
                                                   : NULL;
}

/* In the order of enrolment: the campus purse's kiosk comes before its shop, for what is paid was
 * loaded. */
const char *life_settle(void)
{
    struct stiver_bank *bank = NULL;
    if (!life.has_bank)
        return NULL;
    for (unsigned i = 0; i < life.enrolled; i++) {
        const char *wrong = life_settle_terminal(i, false);
        if (wrong != NULL)
            return wrong;
    }
    if (life_open_bank(&bank) != STIVER_BANK_OK)
        return "the bank does not open";
    const char *wrong = settle_bank(bank);
    stiver_bank_close(bank);
    return wrong;
}
