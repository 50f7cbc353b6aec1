/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of business that broke off, found out at the next talk with its card.
 *
 * First by the counter, which every card of this kind tells: it verified S1 over the counter that
 * it named, and it counts PAY and FINISH LOAD before it answers them. So where the counter has not
 * moved, the command never came. Where it has, our own cards read out their newest receipt and
 * their log; published ones answer 6D00, which leaves their state alone. What neither tells stays
 * open, and a person is told.
 *
 * A log line is not signed. That a payment was not made, or a load was, is believed on the log's
 * word: who could falsify it would harm himself. That a load was not made, so that cash goes back,
 * is believed on the counter's word alone; and that only if no higher counter was ever signed for
 * this card, for who has such an S1 can make a lower one of it. That a payment was made, and its
 * receipt is gone, is told as what it is: a card's word.
 */
#include <stdio.h>
#include <string.h>

#include "terminal/campus/journal.h"

struct finding {
    bool was_asked, can_tell; /* the card knows the reading commands */
    bool has_newest;
    struct campus_entry newest;
    uint8_t signature[RSA_BYTES]; /* of newest */
    struct campus_entry log[CAMPUS_LOG_ENTRIES];
    unsigned count;
};

/* ---- what the card reads out ---- */

static terminal_status read_signature(struct campus_talk *talk, struct finding *finding)
{
    uint16_t word = 0;
    terminal_status status =
        campus_request(talk, "READ RECEIPT", 0x52, 1, 0, (struct piece){NULL, 0}, true, &word);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (word != WORD_OK || talk->answer_bytes != RSA_BYTES)
        return STIVER_TERMINAL_CARD_ANSWER;
    memcpy(finding->signature, talk->answer, RSA_BYTES);
    finding->has_newest = true;
    return campus_talk_log(talk, &finding->can_tell, finding->log, &finding->count);
}

static terminal_status ask(struct campus_talk *talk, struct finding *finding)
{
    uint16_t word = 0;
    if (finding->was_asked)
        return STIVER_TERMINAL_OK;
    finding->was_asked = true;
    terminal_status status =
        campus_request(talk, "READ RECEIPT", 0x52, 0, 0, (struct piece){NULL, 0}, true, &word);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (word == WORD_NOT_THERE) {
        finding->can_tell = true; /* an empty log says that it holds nothing */
        return STIVER_TERMINAL_OK;
    }
    if (word != WORD_OK)
        return STIVER_TERMINAL_OK; /* a published card */
    if (talk->answer_bytes != CAMPUS_ENTRY_BYTES ||
        !campus_entry_decode(talk->answer, &finding->newest))
        return STIVER_TERMINAL_CARD_ANSWER;
    return read_signature(talk, finding);
}

static bool is_of(const struct campus_talk *talk, const struct campus_journal_entry *entry,
                  const struct campus_entry *line)
{
    return line->kind == entry->kind && line->terminal == talk->terminal->certificate.id &&
           line->counter == entry->counter && line->amount == entry->amount &&
           line->time == entry->time;
}

static const struct campus_entry *find_line(const struct campus_talk *talk,
                                            const struct campus_journal_entry *entry,
                                            const struct finding *finding)
{
    for (unsigned i = 0; i < finding->count; i++)
        if (is_of(talk, entry, &finding->log[i]))
            return &finding->log[i];
    return NULL;
}

/* A full log whose every line is newer says nothing of what was before. */
static bool would_show(const struct campus_journal_entry *entry, const struct finding *finding)
{
    return finding->count < CAMPUS_LOG_ENTRIES ||
           finding->log[finding->count - 1].counter <= entry->counter;
}

static bool is_signed(const struct campus_talk *talk, const struct campus_journal_entry *entry,
                      const uint8_t signature[RSA_BYTES])
{
    const struct campus_receipt receipt = {.terminal = talk->terminal->certificate.id,
                                           .counter = entry->counter,
                                           .amount = entry->amount,
                                           .card = talk->card.id,
                                           .time = entry->time};
    uint8_t text[CAMPUS_RECEIPT_TEXT_BYTES];
    const struct piece piece = {text, sizeof text};
    campus_receipt_text(&receipt, text);
    return rsa_verify_sha1(talk->card.modulus, &piece, 1, signature) == CRYPTO_OK;
}

/* ---- what is told ---- */

static void note(struct campus_talk *talk, const struct campus_journal_entry *entry,
                 const char *what)
{
    snprintf(talk->note, sizeof talk->note, "An earlier %s of %lu.%02lu (number %lu) %s",
             entry->kind == CAMPUS_USAGE_RELOAD ? "load" : "payment",
             (unsigned long)(entry->amount / 100), (unsigned long)(entry->amount % 100),
             (unsigned long)entry->number, what);
}

static terminal_status end(struct campus_talk *talk, const struct campus_journal_entry *entry,
                           enum stiver_terminal_entry_state state, int outcome,
                           const uint8_t *receipt, bool is_lost)
{
    const struct campus_journal_end ended = {
        .number = entry->number,
        .state = entry->state == STIVER_TERMINAL_OPEN ? state : entry->state,
        .outcome = outcome,
        .receipt = receipt,
        .is_recovered = entry->state == STIVER_TERMINAL_OPEN,
        .is_lost = is_lost,
        .is_settled = true,
    };
    return campus_journal_end(talk->terminal->journal, &ended);
}

/* ---- payments ---- */

/* The receipt of a sale that was refused or given up belongs to the holder: outcome NOT_DONE. */
static terminal_status keep_payment(struct campus_talk *talk,
                                    const struct campus_journal_entry *entry,
                                    const struct finding *finding)
{
    const bool is_open = entry->state == STIVER_TERMINAL_OPEN;
    terminal_status status =
        end(talk, entry, STIVER_TERMINAL_FINISHED,
            is_open ? CAMPUS_OUTCOME_DONE : CAMPUS_OUTCOME_NOT_DONE, finding->signature, false);
    if (status != STIVER_TERMINAL_OK)
        return status;
    note(talk, entry, is_open ? "turned out paid." : "was paid all the same: it is owed back.");
    campus_csv_append(talk->terminal);
    return status;
}

static terminal_status settle_payment(struct campus_talk *talk,
                                      const struct campus_journal_entry *entry,
                                      struct finding *finding)
{
    const enum stiver_terminal_entry_state gone = STIVER_TERMINAL_ABANDONED;
    if (talk->counter <= entry->counter) /* PAY never came */
        return end(talk, entry, gone, CAMPUS_NO_OUTCOME, NULL, false);
    terminal_status status = ask(talk, finding);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (finding->has_newest && is_of(talk, entry, &finding->newest) &&
        is_signed(talk, entry, finding->signature))
        return keep_payment(talk, entry, finding);
    if (find_line(talk, entry, finding) != NULL) {
        note(talk, entry, "was paid, the card says, but its receipt is gone. Decide.");
        return end(talk, entry, gone, CAMPUS_NO_OUTCOME, NULL, true);
    }
    if (finding->can_tell && would_show(entry, finding))
        return end(talk, entry, gone, CAMPUS_NO_OUTCOME, NULL, false);
    if (entry->state != STIVER_TERMINAL_OPEN) /* ended by word; there is no more to learn */
        return end(talk, entry, gone, CAMPUS_NO_OUTCOME, NULL, false);
    note(talk, entry, "may have been paid; this card cannot tell. Decide, and give it up.");
    return STIVER_TERMINAL_OK;
}

/* ---- loads ---- */

static terminal_status settle_load(struct campus_talk *talk,
                                   const struct campus_journal_entry *entry,
                                   struct finding *finding)
{
    const enum stiver_terminal_entry_state gone = STIVER_TERMINAL_ABANDONED;
    if (!entry->has_receipt) /* S5 never left */
        return end(talk, entry, gone, CAMPUS_NO_OUTCOME, NULL, false);
    if (talk->counter <= entry->counter + 1 && talk->asked <= talk->counter) {
        /* FINISH LOAD never came. Where the bank was told of it, it owes what the till gave. */
        note(talk, entry,
             entry->is_told ? "was not credited: the bank owes it to the holder, not the till."
                            : "was not credited: the cash is the holder's.");
        return end(talk, entry, gone, CAMPUS_OUTCOME_NOT_DONE, NULL, false);
    }
    terminal_status status = ask(talk, finding);
    if (status != STIVER_TERMINAL_OK)
        return status;
    const struct campus_entry *line = find_line(talk, entry, finding);
    if (line != NULL && line->is_done) {
        note(talk, entry, "turned out credited.");
        return end(talk, entry, STIVER_TERMINAL_FINISHED, CAMPUS_OUTCOME_DONE, NULL, false);
    }
    note(talk, entry,
         line != NULL
             ? "was not credited, the card says, but proves it not. Decide, and give it up."
             : "may have been credited; this card cannot tell. Decide, and give it up.");
    return STIVER_TERMINAL_OK;
}

/* ---- all of them ---- */

terminal_status campus_recover(struct campus_talk *talk)
{
    struct campus_journal_entry entry = {.number = 0};
    struct finding finding;
    terminal_status status;
    memset(&finding, 0, sizeof finding);
    while ((status = campus_journal_unsettled(talk->terminal->journal, talk->held, entry.number,
                                              &entry)) == STIVER_TERMINAL_OK) {
        status = entry.kind == CAMPUS_USAGE_RELOAD ? settle_load(talk, &entry, &finding)
                                                   : settle_payment(talk, &entry, &finding);
        if (status != STIVER_TERMINAL_OK)
            return status;
    }
    return status == STIVER_TERMINAL_UNKNOWN_NUMBER ? STIVER_TERMINAL_OK : status;
}
