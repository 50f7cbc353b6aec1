/* SPDX-License-Identifier: Apache-2.0 */
#include "bank/inside.h"
#include "prepare.h"
#include "store/sqlite/inside.h"

/* Binding prepares; a statement without a parameter refuses the value, which the reset forgets. */
void prepare_bank(struct stiver_bank *bank)
{
    for (size_t i = 0; i < SQL_COUNT; i++) {
        db_bind_null(db_of(bank->store), i, 1);
        db_reset(db_of(bank->store), i);
    }
}
