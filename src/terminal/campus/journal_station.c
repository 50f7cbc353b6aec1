/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards being made. A number that the bank gave is kept until its card is finished: with the card's
 * key once it was certified for that key, and free for the next card before.
 */
#include "terminal/campus/journal.h"

terminal_status campus_journal_find_card(struct db *journal, const uint8_t modulus[RSA_BYTES],
                                         struct campus_journal_card *card)
{
    const size_t s = CAMPUS_DB_FIND_CARD;
    db_bind_blob(journal, s, 1, modulus, RSA_BYTES);
    enum db_status status = db_step(journal, s);
    if (status != DB_ROW)
        return status == DB_OK ? STIVER_TERMINAL_UNKNOWN_NUMBER : journal_status(status);
    card->id = (uint32_t)db_column_int(journal, s, 0);
    card->end = (uint32_t)db_column_int(journal, s, 1);
    card->has_signature = db_column_fixed(journal, s, 2, card->signature, RSA_BYTES);
    db_reset(journal, s);
    return STIVER_TERMINAL_OK;
}

terminal_status campus_journal_new_card(struct db *journal, uint32_t id, uint32_t end)
{
    db_bind_int(journal, CAMPUS_DB_NEW_CARD, 1, id);
    db_bind_int(journal, CAMPUS_DB_NEW_CARD, 2, end);
    return campus_journal_run(journal, CAMPUS_DB_NEW_CARD);
}

terminal_status campus_journal_give_card(struct db *journal, uint32_t id,
                                         const uint8_t modulus[RSA_BYTES])
{
    db_bind_int(journal, CAMPUS_DB_GIVE_CARD, 1, id);
    db_bind_blob(journal, CAMPUS_DB_GIVE_CARD, 2, modulus, RSA_BYTES);
    return campus_journal_run(journal, CAMPUS_DB_GIVE_CARD);
}

terminal_status campus_journal_certified(struct db *journal, uint32_t id,
                                         const uint8_t signature[RSA_BYTES])
{
    db_bind_int(journal, CAMPUS_DB_CERTIFIED, 1, id);
    db_bind_blob(journal, CAMPUS_DB_CERTIFIED, 2, signature, RSA_BYTES);
    return campus_journal_run(journal, CAMPUS_DB_CERTIFIED);
}

terminal_status campus_journal_card_done(struct db *journal, uint32_t id)
{
    db_bind_int(journal, CAMPUS_DB_CARD_DONE, 1, id);
    return campus_journal_run(journal, CAMPUS_DB_CARD_DONE);
}
