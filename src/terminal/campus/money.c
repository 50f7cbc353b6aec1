/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payment and load. The intent is on the disk before the command that moves money leaves; what the
 * card then answers ends it or leaves it open. A word of refusal is signed by nobody: a payment
 * that was refused is looked at again when the card comes back, and once FINISH LOAD has left,
 * nothing but 9000 ends a load.
 */
#include <string.h>

#include "terminal/campus/journal.h"

#define LOAD_TALKS 4u

static struct campus_receipt receipt_of(const struct campus_talk *talk, uint32_t amount)
{
    return (struct campus_receipt){
        .terminal = talk->terminal->certificate.id,
        .counter = talk->counter + 1,
        .amount = amount,
        .card = talk->card.id,
        .time = talk->time,
    };
}

/* True if the answer is S4 over exactly what this talk is about. */
static bool is_receipt(const struct campus_talk *talk, uint32_t amount)
{
    const struct campus_receipt receipt = receipt_of(talk, amount);
    uint8_t text[CAMPUS_RECEIPT_TEXT_BYTES];
    campus_receipt_text(&receipt, text);
    return campus_talk_signed(talk, text, sizeof text);
}

static terminal_status begin_intent(const struct campus_talk *talk, uint32_t amount)
{
    const struct campus_journal_entry entry = {
        .number = talk->number,
        .kind = (uint8_t)talk->terminal->role,
        .counter = talk->counter + 1,
        .amount = amount,
        .time = talk->time,
    };
    return campus_journal_begin(talk->terminal->journal, &entry, talk->held);
}

static void tell_receipt(struct stiver_campus_result *result, uint32_t counter, uint32_t time,
                         const uint8_t receipt[RSA_BYTES])
{
    result->counter = counter;
    result->time = time;
    result->has_receipt = true;
    memcpy(result->receipt, receipt, RSA_BYTES);
}

static terminal_status send_amount(struct campus_talk *talk, uint32_t amount)
{
    uint8_t data[4];
    uint16_t word = 0;
    struct writer w = writer_of(data, sizeof data);
    writer_u32(&w, amount);
    terminal_status status =
        campus_request(talk, "AMOUNT", 0x28, 0, 0, (struct piece){data, sizeof data}, false, &word);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (word == WORD_OK)
        return talk->answer_bytes == 0 ? STIVER_TERMINAL_OK : STIVER_TERMINAL_CARD_ANSWER;
    if (word == WORD_BLOCKED)
        return STIVER_TERMINAL_CARD_BLOCKED;
    return word == WORD_STATE ? STIVER_TERMINAL_AMOUNT_LIMIT : STIVER_TERMINAL_CARD_FAILED;
}

/* After a refusal: what our cards say of their balance makes the sentence true. */
static terminal_status explain(struct campus_talk *talk, uint16_t word, uint32_t amount)
{
    const bool is_load = talk->terminal->role == CAMPUS_ROLE_RELOAD;
    bool has = false;
    uint32_t balance = 0;
    if (word == WORD_BLOCKED)
        return STIVER_TERMINAL_CARD_BLOCKED;
    if (word != WORD_STATE)
        return STIVER_TERMINAL_CARD_FAILED;
    struct stiver_campus_result *result = talk->result;
    const char *command = result->command;
    if (campus_talk_balance(talk, &has, &balance) == STIVER_TERMINAL_OK && has) {
        result->has_balance = true;
        result->balance = balance;
    } else if (result->word == WORD_BLOCKED) {
        return STIVER_TERMINAL_CARD_ENDED; /* it has come to its last counter, and ended itself */
    }
    result->command = command;
    result->word = word;
    result->reader = 0;
    result->detail[0] = '\0';
    bool is_enough = is_load ? balance <= UINT32_MAX - amount : balance >= amount;
    if (has && is_enough)
        return STIVER_TERMINAL_CARD_FAILED;
    return is_load ? STIVER_TERMINAL_BALANCE_LIMIT : STIVER_TERMINAL_BALANCE;
}

/* What broke off, is tried again, and turns out done, is not done twice. */
static terminal_status claim(struct campus_talk *talk, uint32_t amount)
{
    struct campus_journal_entry entry;
    uint8_t receipt[RSA_BYTES];
    const uint32_t since = talk->time - CAMPUS_EARLIER_SECONDS;
    terminal_status status = campus_journal_claim(
        talk->terminal->journal, talk->held, talk->terminal->role, amount, since, &entry, receipt);
    if (status == STIVER_TERMINAL_UNKNOWN_NUMBER)
        return STIVER_TERMINAL_OK;
    if (status != STIVER_TERMINAL_OK)
        return status;
    tell_receipt(talk->result, entry.counter, entry.time, receipt);
    return STIVER_TERMINAL_FINISHED_EARLIER;
}

/* ---- payment ---- */

static terminal_status finish_payment(struct campus_talk *talk)
{
    const struct campus_journal_end end = {.number = talk->number,
                                           .state = STIVER_TERMINAL_FINISHED,
                                           .outcome = CAMPUS_OUTCOME_DONE,
                                           .receipt = talk->answer,
                                           .is_settled = true};
    terminal_status status = campus_journal_end(talk->terminal->journal, &end);
    if (status != STIVER_TERMINAL_OK)
        return STIVER_TERMINAL_UNFINISHED; /* the card has paid, and can say so again */
    tell_receipt(talk->result, talk->counter + 1, talk->time, talk->answer);
    campus_csv_append(talk->terminal);
    return status;
}

static terminal_status reject(struct campus_talk *talk, uint16_t word, uint32_t amount,
                              bool is_settled)
{
    const struct campus_journal_end end = {.number = talk->number,
                                           .state = STIVER_TERMINAL_REJECTED,
                                           .outcome = CAMPUS_NO_OUTCOME,
                                           .is_settled = is_settled};
    /* If it cannot be written it stays open, and the next talk ends it. */
    (void)!campus_journal_end(talk->terminal->journal, &end);
    return explain(talk, word, amount);
}

static terminal_status send_payment(struct campus_talk *talk, uint32_t amount)
{
    uint8_t signature[RSA_BYTES];
    uint16_t word = 0;
    terminal_status status =
        campus_talk_sign(talk, talk->counter + 1, amount, talk->card.id, signature);
    if (status == STIVER_TERMINAL_OK)
        status = begin_intent(talk, amount);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = campus_request_value(talk, "PAY", 0x42, 0, signature, true, &word);
    if (status == STIVER_TERMINAL_OK && word == WORD_OK && is_receipt(talk, amount))
        return finish_payment(talk);
    if (status == STIVER_TERMINAL_OK && campus_word_refuses(word))
        return reject(talk, word, amount, false);
    return STIVER_TERMINAL_UNFINISHED;
}

enum stiver_terminal_status stiver_campus_pay(struct stiver_campus_terminal *terminal,
                                              struct card_reader *reader, uint32_t amount,
                                              struct stiver_campus_result *result)
{
    struct campus_talk talk;
    terminal_status status =
        campus_talk_begin(&talk, terminal, reader, CAMPUS_USAGE_POS, amount, result);
    if (status == STIVER_TERMINAL_OK)
        status = claim(&talk, amount);
    if (status == STIVER_TERMINAL_OK)
        status = send_amount(&talk, amount);
    if (status == STIVER_TERMINAL_OK)
        status = send_payment(&talk, amount);
    return campus_talk_end(&talk, status);
}

/* ---- load ---- */

static terminal_status drop_load(struct campus_talk *talk, terminal_status status)
{
    const struct campus_journal_end end = {.number = talk->number,
                                           .state = STIVER_TERMINAL_ABANDONED,
                                           .outcome = CAMPUS_NO_OUTCOME,
                                           .is_settled = true};
    (void)!campus_journal_end(talk->terminal->journal, &end); /* or at the next opening */
    return status;
}

static terminal_status finish_load(struct campus_talk *talk, uint32_t amount)
{
    uint8_t signature[RSA_BYTES], receipt[RSA_BYTES];
    uint16_t word = 0;
    memcpy(receipt, talk->answer, RSA_BYTES);
    terminal_status status =
        campus_talk_sign(talk, talk->counter + 2, amount, talk->card.id, signature);
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_signed(talk->terminal->journal, talk->number, receipt);
    if (status != STIVER_TERMINAL_OK)
        return drop_load(talk, status); /* S5 has not left: nothing is credited */
    campus_csv_append(talk->terminal);
    tell_receipt(talk->result, talk->counter + 1, talk->time, receipt);
    status = campus_request_value(talk, "FINISH LOAD", 0x32, 0, signature, false, &word);
    if (status != STIVER_TERMINAL_OK || word != WORD_OK || talk->answer_bytes != 0)
        return STIVER_TERMINAL_UNFINISHED;
    const struct campus_journal_end end = {.number = talk->number,
                                           .state = STIVER_TERMINAL_FINISHED,
                                           .outcome = CAMPUS_OUTCOME_DONE,
                                           .is_settled = true};
    return campus_journal_end(talk->terminal->journal, &end) == STIVER_TERMINAL_OK
               ? STIVER_TERMINAL_OK
               : STIVER_TERMINAL_UNFINISHED;
}

/* Until S5 leaves nothing can be credited, whatever the card answers. */
static terminal_status send_load(struct campus_talk *talk, uint32_t amount)
{
    uint8_t signature[RSA_BYTES];
    uint16_t word = 0;
    terminal_status status =
        campus_talk_sign(talk, talk->counter + 1, amount, talk->card.id, signature);
    if (status == STIVER_TERMINAL_OK)
        status = begin_intent(talk, amount);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = campus_request_value(talk, "LOAD", 0x30, 0, signature, true, &word);
    if (status != STIVER_TERMINAL_OK)
        return drop_load(talk, status);
    if (word != WORD_OK)
        return reject(talk, word, amount, true);
    return is_receipt(talk, amount) ? finish_load(talk, amount)
                                    : drop_load(talk, STIVER_TERMINAL_CARD_UNPROVEN);
}

/* S3 and S5 are alike but for the counter (W3). Who names counters that the card does not have yet,
 * and has two loads given back, must not have gathered the S3 and the S5 of one: no two S3 of one
 * amount that no receipt answered stand under counters side by side. An honest card whose LOAD was
 * torn comes to such a counter too, and in the next talk to the one after it. */
static terminal_status begin_load(struct campus_talk *talk, struct stiver_campus_terminal *terminal,
                                  struct card_reader *reader, uint32_t amount,
                                  struct stiver_campus_result *result)
{
    char note[STIVER_TERMINAL_DETAIL_BYTES] = "";
    bool has_neighbour = false;
    for (unsigned i = 0; i < LOAD_TALKS; i++) {
        terminal_status status =
            campus_talk_begin(talk, terminal, reader, CAMPUS_USAGE_RELOAD, amount, result);
        if (talk->note[0] == '\0')
            memcpy(talk->note, note, sizeof note);
        memcpy(note, talk->note, sizeof note);
        if (status == STIVER_TERMINAL_OK)
            status = claim(talk, amount);
        if (status == STIVER_TERMINAL_OK)
            status = campus_journal_neighbour(terminal->journal, talk->held, talk->counter + 1,
                                              amount, &has_neighbour);
        if (status != STIVER_TERMINAL_OK || !has_neighbour)
            return status;
        (void)campus_talk_end(talk, status);
    }
    return STIVER_TERMINAL_CARD_FAILED;
}

enum stiver_terminal_status stiver_campus_load(struct stiver_campus_terminal *terminal,
                                               struct card_reader *reader, uint32_t amount,
                                               struct stiver_campus_result *result)
{
    struct campus_talk talk;
    terminal_status status = begin_load(&talk, terminal, reader, amount, result);
    if (status == STIVER_TERMINAL_OK)
        status = send_amount(&talk, amount);
    if (status == STIVER_TERMINAL_OK)
        status = send_load(&talk, amount);
    return campus_talk_end(&talk, status);
}

/* ---- reading ---- */

static void tell_log(const struct campus_entry *entries, unsigned count,
                     struct stiver_campus_purse *purse)
{
    purse->count = count;
    for (unsigned i = 0; i < count; i++) {
        purse->log[i].is_load = entries[i].kind == CAMPUS_USAGE_RELOAD;
        purse->log[i].is_done = entries[i].is_done;
        purse->log[i].terminal = entries[i].terminal;
        purse->log[i].counter = entries[i].counter;
        purse->log[i].amount = entries[i].amount;
        purse->log[i].time = entries[i].time;
        purse->log[i].balance = entries[i].balance;
    }
}

enum stiver_terminal_status stiver_campus_read(struct stiver_campus_terminal *terminal,
                                               struct card_reader *reader,
                                               struct stiver_campus_purse *purse,
                                               struct stiver_campus_result *result)
{
    struct campus_talk talk;
    struct campus_entry entries[CAMPUS_LOG_ENTRIES];
    unsigned count = 0;
    bool has_log = false;
    memset(purse, 0, sizeof *purse);
    terminal_status status = campus_talk_begin(&talk, terminal, reader, 0, 0, result);
    if (status == STIVER_TERMINAL_OK)
        status = campus_talk_balance(&talk, &purse->has_balance, &purse->balance);
    if (status == STIVER_TERMINAL_OK)
        status = campus_talk_log(&talk, &has_log, entries, &count);
    /* Whoever hears it here has heard it: the next payment or load is a new one. */
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_heard(terminal->journal, talk.held);
    if (status == STIVER_TERMINAL_OK) {
        purse->card = talk.card.id;
        purse->card_end = talk.card.end;
        purse->counter = talk.counter;
        tell_log(entries, count, purse);
        result->has_balance = purse->has_balance;
        result->balance = purse->balance;
    }
    return campus_talk_end(&talk, status);
}
