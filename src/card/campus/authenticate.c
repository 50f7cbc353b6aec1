/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card and terminal make each other's acquaintance, in four commands, and what may follow at once:
 * BLOCK. Nothing is written before the terminal has signed the card's counter, so that nobody but a
 * certified terminal wears the memory or uses up the counter.
 */
#include "card/campus/internal.h"

/* The card names the next counter, and takes it in AUTHENTICATE: a talk that ends before is as if
 * it had not been. */
enum status campus_metadata(struct card *card, const struct apdu_command *command,
                            struct writer *answer)
{
    struct campus *campus = campus_of(card);
    struct campus met = {.ledger = campus->ledger};
    struct reader r = reader_of(command->data, command->lc);
    met.terminal = reader_u32(&r);
    met.terminal_end = reader_u32(&r);
    met.terminal_counter = reader_u32(&r);
    met.time = reader_u32(&r);
    if (!reader_done(&r))
        return STATUS_LENGTH;
    if (met.ledger.counter >= CAMPUS_COUNTER_MAX)
        return campus_end(card);
    if (met.terminal_counter > CAMPUS_COUNTER_MAX)
        return STATUS_COUNTER;
    /* Judged here, where it saves everybody the rest; the certificate will prove terminal_end. */
    if (campus_now(&met) > met.terminal_end)
        return STATUS_TIME;
    met.state = CAMPUS_MET;
    *campus = met;
    writer_u32(answer, met.ledger.id);
    writer_u32(answer, met.ledger.end);
    writer_u32(answer, met.ledger.counter + 1);
    return STATUS_OK;
}

enum status campus_keys(struct card *card, const struct apdu_command *command,
                        struct writer *answer)
{
    struct campus *campus = campus_of(card);
    uint8_t keys[CAMPUS_PUBLIC_BYTES];
    enum status status = campus_read(card, CAMPUS_RECORD_PUBLIC, keys, sizeof keys);
    if (status != STATUS_OK)
        return status;
    campus_value(command, campus->terminal_key);
    campus->state = CAMPUS_KEYS_KNOWN;
    writer_bytes(answer, keys + RSA_BYTES, RSA_BYTES);
    return STATUS_OK;
}

/* P2 is the certificate's last byte. A card's certificate is none of a terminal. */
enum status campus_certificates(struct card *card, const struct apdu_command *command,
                                struct writer *answer)
{
    struct campus *campus = campus_of(card);
    uint8_t keys[CAMPUS_PUBLIC_BYTES], signature[RSA_BYTES];
    if (command->p2 != CAMPUS_USAGE_POS && command->p2 != CAMPUS_USAGE_RELOAD)
        return STATUS_P1P2;
    campus_value(command, signature);
    enum status status = campus_read(card, CAMPUS_RECORD_PUBLIC, keys, sizeof keys);
    if (status == STATUS_OK)
        status = campus_verify_certificate(keys, campus->terminal, campus->terminal_end,
                                           campus->terminal_key, command->p2, signature);
    uint8_t *out = writer_reserve(answer, RSA_BYTES);
    if (status == STATUS_OK)
        status = out == NULL ? STATUS_FAILED
                             : campus_read(card, CAMPUS_RECORD_CERTIFICATE, out, RSA_BYTES);
    if (status != STATUS_OK)
        return status;
    campus->kind = command->p2;
    campus->state = CAMPUS_CERTIFIED;
    return STATUS_OK;
}

/* The terminal's time becomes the card's if it is later: no terminal whose certificate ended before
 * it gets as far as this again, and the time can be no later than this terminal's own end. */
enum status campus_authenticate(struct card *card, const struct apdu_command *command,
                                struct writer *answer)
{
    struct campus *campus = campus_of(card);
    struct campus_ledger next = campus->ledger;
    uint8_t *out = writer_reserve(answer, RSA_BYTES);
    next.counter++;
    const uint32_t asked[] = {next.id, next.end, next.counter};
    const uint32_t said[] = {campus->terminal, campus->terminal_end, campus->terminal_counter};
    enum status status = campus_verify(campus, asked, 3, command);
    if (status != STATUS_OK)
        return status;
    if (campus_now(campus) > next.end)
        return campus_end(card);
    next.last_seen = campus_now(campus);
    status = out == NULL ? STATUS_FAILED : campus_sign(card, said, 3, out);
    if (status == STATUS_OK)
        status = campus_ledger_commit(card, &next);
    if (status == STATUS_OK)
        campus->state = CAMPUS_AUTHENTICATED;
    return status;
}

/* The proof says what the terminal said of itself, in another order than in AUTHENTICATE. */
enum status campus_block(struct card *card, const struct apdu_command *command,
                         struct writer *answer)
{
    struct campus *campus = campus_of(card);
    struct campus_ledger next = campus->ledger;
    uint8_t *out = writer_reserve(answer, RSA_BYTES);
    next.counter++;
    next.is_blocked = true;
    const uint32_t asked[] = {next.id, next.counter};
    const uint32_t said[] = {campus->terminal, campus->terminal_counter, campus->terminal_end};
    enum status status = campus_verify(campus, asked, 2, command);
    if (status != STATUS_OK)
        return status;
    if (next.counter > CAMPUS_COUNTER_MAX)
        return campus_end(card);
    status = out == NULL ? STATUS_FAILED : campus_sign(card, said, 3, out);
    return status == STATUS_OK ? campus_ledger_commit(card, &next) : status;
}
