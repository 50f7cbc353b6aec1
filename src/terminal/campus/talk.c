/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A talk with a card, up to the business. What the card sends is believed step by step: its
 * certificate before anything is signed for it, its own signature before it is named to anybody.
 *
 * S1 has the shape of what authorises money (S3, S5): three numbers. So nothing is signed for a
 * card whose counter could be a date, or whose date could be a counter.
 */
#include <string.h>

#include "terminal/campus/journal.h"

/* ---- what has to be right before a card is met ---- */

static terminal_status check_own(const struct stiver_campus_terminal *terminal, unsigned business,
                                 struct stiver_campus_result *result)
{
    const struct campus_certificate *own = &terminal->certificate;
    if (!terminal->is_enrolled)
        return STIVER_TERMINAL_NOT_ENROLLED;
    if (terminal->role == CAMPUS_ROLE_STATION ||
        (business != 0 && business != (unsigned)terminal->role))
        return STIVER_TERMINAL_ROLE;
    if (campus_terminal_now(terminal) <= CAMPUS_COUNTER_MAX || own->end <= CAMPUS_COUNTER_MAX)
        return STIVER_TERMINAL_CLOCK; /* a time before 2004 would pass for a counter */
    if (campus_terminal_now(terminal) > own->end) {
        result->date = own->end;
        return STIVER_TERMINAL_EXPIRED;
    }
    return STIVER_TERMINAL_OK;
}

static terminal_status check_list(struct campus_talk *talk)
{
    terminal_status status = campus_list_load(talk->terminal, &talk->list_file, &talk->list);
    if (status == STIVER_TERMINAL_MISSING)
        return STIVER_TERMINAL_LIST_OLD; /* date 0: there is none */
    if (status != STIVER_TERMINAL_OK)
        return status;
    uint64_t end = talk->list.end_ms;
    if (end < talk->terminal->list_floor_ms || end / 1000 < talk->time) {
        talk->result->date = (uint32_t)(end / 1000);
        return STIVER_TERMINAL_LIST_OLD;
    }
    if (end == talk->terminal->list_floor_ms)
        return STIVER_TERMINAL_OK;
    talk->terminal->list_floor_ms = end;
    return campus_journal_list(talk->terminal->journal, end);
}

/* Durable before the card sees it, in the journal and beside it. */
static terminal_status draw_number(struct campus_talk *talk)
{
    terminal_status status = campus_journal_number(talk->terminal->journal, &talk->number);
    if (status == STIVER_TERMINAL_OK)
        status = mark_put(talk->terminal->mark_file, talk->number);
    return status;
}

/* ---- signatures ---- */

terminal_status campus_talk_sign(const struct campus_talk *talk, uint32_t first, uint32_t second,
                                 uint32_t third, uint8_t signature[RSA_BYTES])
{
    uint8_t text[CAMPUS_TEXT_BYTES];
    const struct piece piece = {text, sizeof text};
    campus_text(first, second, third, text);
    return rsa_sign_sha1(talk->terminal->key, talk->terminal->key_bytes, &piece, 1, signature) ==
                   CRYPTO_OK
               ? STIVER_TERMINAL_OK
               : STIVER_TERMINAL_CRYPTO;
}

bool campus_talk_signed(const struct campus_talk *talk, const uint8_t *text, size_t bytes)
{
    const struct piece piece = {text, bytes};
    return talk->answer_bytes == RSA_BYTES &&
           rsa_verify_sha1(talk->card.modulus, &piece, 1, talk->answer) == CRYPTO_OK;
}

/* ---- the four commands ---- */

/* 6985 here: the card finds our certificate over, or was not reset, or is not personalised. */
static terminal_status refused(uint16_t word)
{
    if (word == WORD_BLOCKED)
        return STIVER_TERMINAL_CARD_BLOCKED;
    return campus_word_refuses(word) ? STIVER_TERMINAL_TERMINAL_REFUSED
                                     : STIVER_TERMINAL_CARD_FAILED;
}

static terminal_status exchange_metadata(struct campus_talk *talk)
{
    const struct campus_certificate *own = &talk->terminal->certificate;
    uint8_t data[16];
    uint16_t word = 0;
    struct writer w = writer_of(data, sizeof data);
    writer_u32(&w, own->id);
    writer_u32(&w, own->end);
    writer_u32(&w, talk->number);
    writer_u32(&w, talk->time);
    terminal_status status = campus_request(talk, "EXCHANGE METADATA", 0x20, 0, 0,
                                            (struct piece){data, w.used}, false, &word);
    if (status != STIVER_TERMINAL_OK || word != WORD_OK)
        return status == STIVER_TERMINAL_OK ? refused(word) : status;
    struct reader r = reader_of(talk->answer, talk->answer_bytes);
    talk->card.id = reader_u32(&r);
    talk->card.end = reader_u32(&r);
    talk->counter = reader_u32(&r);
    return reader_done(&r) ? STIVER_TERMINAL_OK : STIVER_TERMINAL_CARD_ANSWER;
}

/* W3 and W2: an S1 over these numbers must be nothing else. */
static terminal_status check_numbers(const struct campus_talk *talk, unsigned business,
                                     uint32_t amount)
{
    const uint32_t used = business == CAMPUS_USAGE_RELOAD ? 2 : 1;
    if (talk->counter == 0 || talk->card.end <= CAMPUS_COUNTER_MAX)
        return STIVER_TERMINAL_CARD_ANSWER;
    if (talk->counter > CAMPUS_COUNTER_MAX - used)
        return STIVER_TERMINAL_EXHAUSTED;
    if (amount > CAMPUS_COUNTER_MAX && talk->card.id <= CAMPUS_COUNTER_MAX)
        return STIVER_TERMINAL_AMOUNT_LIMIT;
    return STIVER_TERMINAL_OK;
}

static terminal_status exchange_keys(struct campus_talk *talk)
{
    uint16_t word = 0;
    terminal_status status =
        campus_request_value(talk, "EXCHANGE KEYS", 0x22, 0, talk->terminal->modulus, true, &word);
    if (status != STIVER_TERMINAL_OK || word != WORD_OK)
        return status == STIVER_TERMINAL_OK ? refused(word) : status;
    if (talk->answer_bytes != RSA_BYTES || !rsa_is_modulus(talk->answer))
        return STIVER_TERMINAL_CARD_ANSWER;
    memcpy(talk->card.modulus, talk->answer, RSA_BYTES);
    return STIVER_TERMINAL_OK;
}

/* The parts of the certificate came in three answers: only together are they worth anything. */
static terminal_status exchange_certificates(struct campus_talk *talk)
{
    uint16_t word = 0;
    terminal_status status =
        campus_request_value(talk, "EXCHANGE CERTIFICATES", 0x24, (uint8_t)talk->terminal->role,
                             talk->terminal->certificate.signature, true, &word);
    if (status != STIVER_TERMINAL_OK || word != WORD_OK)
        return status == STIVER_TERMINAL_OK ? refused(word) : status;
    if (talk->answer_bytes != RSA_BYTES)
        return STIVER_TERMINAL_CARD_ANSWER;
    memcpy(talk->card.signature, talk->answer, RSA_BYTES);
    talk->card.usage = CAMPUS_USAGE_CARD;
    if (!campus_certificate_holds(talk->terminal->back_end, &talk->card))
        return STIVER_TERMINAL_CARD_UNPROVEN;
    if (talk->time > talk->card.end) {
        talk->result->date = talk->card.end;
        return STIVER_TERMINAL_CARD_EXPIRED;
    }
    return STIVER_TERMINAL_OK;
}

/* A card's counter never falls back. Behind a receipt that it signed it is not the card's, and an
 * answer of that time would be believed again. What is signed for it now is written down before it
 * leaves: with an S1 over a counter that is still to come, one that is over passes for the present
 * one (campus_recover). */
static terminal_status recognise(struct campus_talk *talk)
{
    struct db *journal = talk->terminal->journal;
    struct campus_journal_held held;
    terminal_status status = campus_journal_card(journal, &talk->card, &held);
    if (status != STIVER_TERMINAL_OK)
        return status;
    talk->held = held.row;
    talk->asked = held.asked;
    if (talk->counter <= held.receipt)
        return STIVER_TERMINAL_CARD_UNPROVEN;
    return talk->counter > held.asked ? campus_journal_asked(journal, held.row, talk->counter)
                                      : STIVER_TERMINAL_OK;
}

static terminal_status authenticate(struct campus_talk *talk)
{
    const struct campus_certificate *own = &talk->terminal->certificate;
    uint8_t signature[RSA_BYTES], text[CAMPUS_TEXT_BYTES];
    uint16_t word = 0;
    terminal_status status =
        campus_talk_sign(talk, talk->card.id, talk->card.end, talk->counter, signature);
    if (status == STIVER_TERMINAL_OK)
        status = campus_request_value(talk, "AUTHENTICATE", 0x26, 0, signature, true, &word);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (word == WORD_STATE) /* by its own clock the card is over, and has ended itself */
        return STIVER_TERMINAL_CARD_ENDED;
    if (word != WORD_OK)
        return refused(word);
    campus_text(own->id, own->end, talk->number, text);
    if (!campus_talk_signed(talk, text, sizeof text))
        return STIVER_TERMINAL_CARD_UNPROVEN;
    talk->result->has_card = true;
    talk->result->card = talk->card.id;
    return STIVER_TERMINAL_OK;
}

/* ---- begin and end ---- */

static terminal_status meet(struct campus_talk *talk, unsigned business, uint32_t amount)
{
    terminal_status status = campus_request_select(talk);
    if (status == STIVER_TERMINAL_OK)
        status = exchange_metadata(talk);
    if (status == STIVER_TERMINAL_OK)
        status = check_numbers(talk, business, amount);
    if (status == STIVER_TERMINAL_OK)
        status = exchange_keys(talk);
    if (status == STIVER_TERMINAL_OK)
        status = exchange_certificates(talk);
    if (status == STIVER_TERMINAL_OK)
        status = recognise(talk);
    return status == STIVER_TERMINAL_OK ? authenticate(talk) : status;
}

terminal_status campus_talk_begin(struct campus_talk *talk, struct stiver_campus_terminal *terminal,
                                  struct card_reader *reader, unsigned business, uint32_t amount,
                                  struct stiver_campus_result *result)
{
    memset(result, 0, sizeof *result);
    memset(talk, 0, sizeof *talk);
    talk->terminal = terminal;
    talk->reader = reader;
    talk->result = result;
    result->amount = amount;
    terminal_status status = check_own(terminal, business, result);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (business != 0 && amount == 0)
        return STIVER_TERMINAL_AMOUNT_ZERO;
    if (amount > CAMPUS_AMOUNT_MAX)
        return STIVER_TERMINAL_AMOUNT_LIMIT;
    talk->time = campus_terminal_now(terminal);
    status = check_list(talk);
    if (status == STIVER_TERMINAL_OK)
        status = draw_number(talk);
    if (status == STIVER_TERMINAL_OK)
        status = meet(talk, business, amount);
    if (status == STIVER_TERMINAL_OK)
        status = campus_recover(talk);
    /* What the card still has to tell is asked first: a blocked card answers nothing more. */
    return status == STIVER_TERMINAL_OK ? campus_block_listed(talk) : status;
}

terminal_status campus_talk_end(struct campus_talk *talk, terminal_status status)
{
    struct stiver_campus_result *result = talk->result;
    stiver_terminal_bytes_free(&talk->list_file);
    if (result->detail[0] == '\0')
        memcpy(result->detail, talk->note, sizeof result->detail);
    result->status = status;
    return status;
}

/* ---- what only our cards answer ---- */

terminal_status campus_talk_balance(struct campus_talk *talk, bool *has, uint32_t *balance)
{
    uint16_t word = 0;
    *has = false;
    terminal_status status =
        campus_request(talk, "READ BALANCE", 0x54, 0, 0, (struct piece){NULL, 0}, true, &word);
    if (status != STIVER_TERMINAL_OK || word != WORD_OK)
        return status;
    struct reader r = reader_of(talk->answer, talk->answer_bytes);
    *balance = reader_u32(&r);
    *has = reader_done(&r);
    return *has ? STIVER_TERMINAL_OK : STIVER_TERMINAL_CARD_ANSWER;
}

terminal_status campus_talk_log(struct campus_talk *talk, bool *has,
                                struct campus_entry entries[CAMPUS_LOG_ENTRIES], unsigned *count)
{
    uint16_t word = 0;
    *has = false;
    *count = 0;
    terminal_status status =
        campus_request(talk, "READ LOG", 0x56, 0, 0, (struct piece){NULL, 0}, true, &word);
    if (status != STIVER_TERMINAL_OK || word != WORD_OK)
        return status;
    struct reader r = reader_of(talk->answer, talk->answer_bytes);
    while (r.left > 0 && !r.failed && *count < CAMPUS_LOG_ENTRIES) {
        const uint8_t *bytes = reader_take(&r, CAMPUS_ENTRY_BYTES);
        if (bytes == NULL || !campus_entry_decode(bytes, &entries[*count]))
            return STIVER_TERMINAL_CARD_ANSWER;
        (*count)++;
    }
    *has = reader_done(&r);
    return *has ? STIVER_TERMINAL_OK : STIVER_TERMINAL_CARD_ANSWER;
}
