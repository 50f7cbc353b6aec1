/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card that is in the list is blocked, and its proof kept with its certificate: the proof itself
 * says nothing of the card, so that without the key that it verifies under it proves nothing.
 */
#include "terminal/campus/journal.h"

static terminal_status keep_proof(struct campus_talk *talk)
{
    const struct campus_certificate *own = &talk->terminal->certificate;
    uint8_t text[CAMPUS_TEXT_BYTES];
    campus_text(own->id, talk->number, own->end, text);
    if (!campus_talk_signed(talk, text, sizeof text))
        return STIVER_TERMINAL_CARD_UNPROVEN;
    return campus_journal_block(talk->terminal->journal, talk->number, talk->held,
                                talk->counter + 1, talk->time, own->end, talk->answer);
}

terminal_status campus_block_listed(struct campus_talk *talk)
{
    uint8_t text[CAMPUS_BLOCK_TEXT_BYTES], signature[RSA_BYTES];
    const struct piece piece = {text, sizeof text};
    uint16_t word = 0;
    if (!campus_list_has(&talk->list, talk->card.id))
        return STIVER_TERMINAL_OK;
    campus_block_text(talk->card.id, talk->counter + 1, text);
    if (rsa_sign_sha1(talk->terminal->key, talk->terminal->key_bytes, &piece, 1, signature) !=
        CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    terminal_status status = campus_request_value(talk, "BLOCK", 0x50, 0, signature, true, &word);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (word == WORD_OK)
        status = keep_proof(talk);
    else if (word != WORD_BLOCKED && word != WORD_STATE)
        status = STIVER_TERMINAL_CARD_UNPROVEN;
    return status == STIVER_TERMINAL_OK ? STIVER_TERMINAL_CARD_BLOCKED : status;
}
