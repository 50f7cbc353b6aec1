/* SPDX-License-Identifier: Apache-2.0 */
/* Cards that the terminal can meet the short way, and orders that wait for their card. */
#include <string.h>

#include "terminal/journal.h"

/* Copies the blob of a statement's only row; *bytes 0 without a row. */
static terminal_status only_blob(struct db *db, size_t statement, uint8_t *out, size_t capacity,
                                 size_t *bytes)
{
    enum db_status status = db_step(db, statement);
    *bytes = 0;
    if (status != DB_ROW)
        return journal_status(status);
    size_t length = 0;
    const uint8_t *blob = NULL;
    bool is_given = db_column_blob(db, statement, 0, &blob, &length);
    bool fits = is_given && blob != NULL && length <= capacity;
    if (fits) {
        memcpy(out, blob, length);
        *bytes = length;
    }
    db_reset(db, statement);
    return !is_given ? STIVER_TERMINAL_MEMORY
           : fits    ? STIVER_TERMINAL_OK
                     : STIVER_TERMINAL_JOURNAL_DAMAGED;
}

terminal_status journal_find_handle(struct db *journal, const uint8_t handle[HANDLE_BYTES],
                                    uint8_t certificate[CERTIFICATE_BYTES_MAX], size_t *bytes)
{
    db_bind_blob(journal, JOURNAL_HANDLE_FIND, 1, handle, HANDLE_BYTES);
    return only_blob(journal, JOURNAL_HANDLE_FIND, certificate, CERTIFICATE_BYTES_MAX, bytes);
}

terminal_status journal_forget_handle(struct db *journal, const uint8_t handle[HANDLE_BYTES])
{
    db_bind_blob(journal, JOURNAL_HANDLE_FORGET, 1, handle, HANDLE_BYTES);
    return journal_status(db_run(journal, JOURNAL_HANDLE_FORGET));
}

terminal_status journal_carried(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                enum document_kind kind, uint8_t message[ORDER_MESSAGE_BYTES_MAX],
                                size_t *bytes)
{
    db_bind_blob(journal, JOURNAL_CARRIED, 1, card, CARD_NUMBER_BYTES);
    db_bind_int(journal, JOURNAL_CARRIED, 2, kind);
    return only_blob(journal, JOURNAL_CARRIED, message, ORDER_MESSAGE_BYTES_MAX, bytes);
}

terminal_status journal_carry(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                              enum document_kind kind, struct piece message)
{
    db_bind_blob(journal, JOURNAL_CARRY, 1, card, CARD_NUMBER_BYTES);
    db_bind_int(journal, JOURNAL_CARRY, 2, kind);
    db_bind_blob(journal, JOURNAL_CARRY, 3, message.data, message.bytes);
    return journal_status(db_run(journal, JOURNAL_CARRY));
}

terminal_status journal_carried_done(struct db *journal, const uint8_t card[CARD_NUMBER_BYTES],
                                     enum document_kind kind)
{
    db_bind_blob(journal, JOURNAL_CARRIED_DONE, 1, card, CARD_NUMBER_BYTES);
    db_bind_int(journal, JOURNAL_CARRIED_DONE, 2, kind);
    return journal_status(db_run(journal, JOURNAL_CARRIED_DONE));
}
