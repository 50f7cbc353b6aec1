/* SPDX-License-Identifier: Apache-2.0 */
#include "prepare.h"
#include "terminal/journal.h"

/* Binding prepares; a statement without a parameter refuses the value, which the reset forgets. */
void prepare_terminal(struct stiver_terminal *terminal)
{
    for (size_t i = 0; i < JOURNAL_STATEMENT_COUNT; i++) {
        db_bind_null(terminal->journal, i, 1);
        db_reset(terminal->journal, i);
    }
}
