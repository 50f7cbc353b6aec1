/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card is made: its key, its number and end from the bank, the bank's signature over all of it.
 * A published card makes a new key at each SET KEY, ours only once; so a number that was certified
 * is found again by the card's key, and one that was not goes to whichever card comes next.
 */
#include <stdio.h>
#include <string.h>

#include "terminal/campus/journal.h"

struct making {
    struct campus_talk talk;
    const struct stiver_terminal_link *link;
    struct campus_journal_card card;
};

static terminal_status set_key(struct making *making)
{
    struct campus_talk *talk = &making->talk;
    uint16_t word = 0;
    terminal_status status =
        campus_request_value(talk, "SET KEY", 0x02, 0, talk->terminal->back_end, true, &word);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (word == WORD_NO_COMMAND)
        return STIVER_TERMINAL_CARD_ISSUED;
    if (word == WORD_BLOCKED)
        return STIVER_TERMINAL_CARD_BLOCKED;
    if (word != WORD_OK)
        return STIVER_TERMINAL_CARD_FAILED;
    if (talk->answer_bytes != RSA_BYTES || !rsa_is_modulus(talk->answer))
        return STIVER_TERMINAL_CARD_ANSWER;
    memcpy(talk->card.modulus, talk->answer, RSA_BYTES);
    return STIVER_TERMINAL_OK;
}

/* ---- the bank ---- */

static terminal_status ask_number(struct making *making)
{
    struct campus_talk *talk = &making->talk;
    struct stiver_terminal_bytes answer;
    struct reader body;
    terminal_status status = campus_link_ask(talk->terminal, making->link, CAMPUS_LINK_CARD, NULL,
                                             0, &answer, &body, talk->result->detail);
    if (status == STIVER_TERMINAL_OK) {
        making->card.id = reader_u32(&body);
        making->card.end = reader_u32(&body);
        making->card.has_signature = false;
        /* An end below this would look like a counter (W3). */
        if (!reader_done(&body) || making->card.end <= CAMPUS_COUNTER_MAX)
            status = STIVER_TERMINAL_BANK_ANSWER;
    }
    if (status == STIVER_TERMINAL_OK)
        status =
            campus_journal_new_card(talk->terminal->journal, making->card.id, making->card.end);
    stiver_terminal_bytes_free(&answer);
    return status;
}

static terminal_status take_signature(struct making *making, struct reader *body)
{
    struct campus_talk *talk = &making->talk;
    reader_bytes(body, talk->card.signature, RSA_BYTES);
    if (!reader_done(body) || !campus_certificate_holds(talk->terminal->back_end, &talk->card))
        return STIVER_TERMINAL_BANK_ANSWER; /* it would lock the card for ever */
    return campus_journal_certified(talk->terminal->journal, talk->card.id, talk->card.signature);
}

static terminal_status ask_certificate(struct making *making)
{
    struct campus_talk *talk = &making->talk;
    uint8_t request[8 + RSA_BYTES];
    struct stiver_terminal_bytes answer;
    struct reader body;
    struct writer w = writer_of(request, sizeof request);
    writer_u32(&w, talk->card.id);
    writer_u32(&w, talk->card.end);
    writer_bytes(&w, talk->card.modulus, RSA_BYTES);
    /* The number is this card's before the bank certifies it so. */
    terminal_status status =
        campus_journal_give_card(talk->terminal->journal, talk->card.id, talk->card.modulus);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = campus_link_ask(talk->terminal, making->link, CAMPUS_LINK_CERTIFY, request, w.used,
                             &answer, &body, talk->result->detail);
    if (status == STIVER_TERMINAL_OK)
        status = take_signature(making, &body);
    stiver_terminal_bytes_free(&answer);
    return status;
}

static terminal_status certify(struct making *making)
{
    struct campus_talk *talk = &making->talk;
    terminal_status status =
        campus_journal_find_card(talk->terminal->journal, talk->card.modulus, &making->card);
    if (status == STIVER_TERMINAL_UNKNOWN_NUMBER)
        status = ask_number(making);
    if (status != STIVER_TERMINAL_OK)
        return status;
    talk->card.id = making->card.id;
    talk->card.end = making->card.end;
    talk->card.usage = CAMPUS_USAGE_CARD;
    if (!making->card.has_signature)
        return ask_certificate(making);
    memcpy(talk->card.signature, making->card.signature, RSA_BYTES);
    return campus_certificate_holds(talk->terminal->back_end, &talk->card)
               ? STIVER_TERMINAL_OK
               : STIVER_TERMINAL_JOURNAL_DAMAGED;
}

/* ---- the card ---- */

static terminal_status finish(struct making *making)
{
    struct campus_talk *talk = &making->talk;
    uint8_t identity[8];
    uint16_t word = 0;
    struct writer w = writer_of(identity, sizeof identity);
    writer_u32(&w, talk->card.id);
    writer_u32(&w, talk->card.end);
    terminal_status status = campus_request(talk, "SET IDENTITY", 0x04, 0, 0,
                                            (struct piece){identity, w.used}, false, &word);
    if (status == STIVER_TERMINAL_OK && word != WORD_OK)
        return STIVER_TERMINAL_CARD_FAILED;
    if (status == STIVER_TERMINAL_OK)
        status = campus_request_value(talk, "SET CERTIFICATE", 0x06, 0, talk->card.signature, false,
                                      &word);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (word != WORD_OK)
        return STIVER_TERMINAL_CARD_FAILED;
    talk->result->has_card = true;
    talk->result->card = talk->card.id;
    return campus_journal_card_done(talk->terminal->journal, talk->card.id);
}

enum stiver_terminal_status stiver_campus_personalise(struct stiver_campus_terminal *terminal,
                                                      struct card_reader *reader,
                                                      const struct stiver_terminal_link *link,
                                                      struct stiver_campus_result *result)
{
    struct making making;
    memset(result, 0, sizeof *result);
    memset(&making, 0, sizeof making);
    making.talk.terminal = terminal;
    making.talk.reader = reader;
    making.talk.result = result;
    making.link = link;
    terminal_status status = STIVER_TERMINAL_OK;
    if (!terminal->is_enrolled)
        status = STIVER_TERMINAL_NOT_ENROLLED;
    else if (terminal->role != CAMPUS_ROLE_STATION)
        status = STIVER_TERMINAL_ROLE;
    if (status == STIVER_TERMINAL_OK)
        status = campus_request_select(&making.talk);
    if (status == STIVER_TERMINAL_OK)
        status = set_key(&making);
    if (status == STIVER_TERMINAL_OK)
        status = certify(&making);
    if (status == STIVER_TERMINAL_OK)
        status = finish(&making);
    return campus_talk_end(&making.talk, status);
}
