/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where money moves: AMOUNT, and then LOAD and FINISH LOAD at a reload terminal, or PAY at a point
 * of sale. Each checks the terminal's signature first, forms the ledger to come, signs, and commits
 * ledger, log and receipt together before the answer leaves.
 *
 * A payment is taken before its proof leaves the card; a load is credited only after the terminal
 * has shown, by a second signature, that it holds the proof. So whoever tears loses, and the log
 * says what happened.
 */
#include "card/campus/internal.h"

enum status campus_amount(struct card *card, const struct apdu_command *command,
                          struct writer *answer)
{
    struct campus *campus = campus_of(card);
    struct reader r = reader_of(command->data, command->lc);
    uint32_t amount = reader_u32(&r);
    (void)answer;
    if (!reader_done(&r))
        return STATUS_LENGTH;
    if (amount == 0 || amount > CAMPUS_AMOUNT_MAX)
        return STATUS_LIMIT;
    /* What signs an amount for a card with such a number may have been signed, in another talk, as
     * the expiry of a card whose counter was this number. */
    if (amount > CAMPUS_PLAIN_MAX && campus->ledger.id <= CAMPUS_COUNTER_MAX)
        return STATUS_LIMIT;
    campus->amount = amount;
    campus->state = campus->kind == CAMPUS_USAGE_RELOAD ? CAMPUS_LOAD_AMOUNT : CAMPUS_PAY_AMOUNT;
    return STATUS_OK;
}

/* What every command here begins with: the state again, because the table's word alone stands
 * between a point of sale and fresh money, and the terminal's signature over the next counter. On
 * OK *next is the ledger with that counter. */
static enum status authorise(const struct campus *campus, enum campus_state state, uint8_t kind,
                             const struct apdu_command *command, struct campus_ledger *next)
{
    if (campus->state != state || campus->kind != kind)
        return STATUS_STATE;
    *next = campus->ledger;
    next->counter++;
    const uint32_t numbers[] = {next->counter, campus->amount, next->id};
    return campus_verify(campus, numbers, 3, command);
}

static struct campus_entry entry_of(const struct campus *campus, const struct campus_ledger *next)
{
    return (struct campus_entry){
        .kind = campus->kind,
        .terminal = campus->terminal,
        .counter = next->counter,
        .amount = campus->amount,
        .time = campus->time,
        .balance = next->balance.minor,
    };
}

static enum status sign_entry(struct card *card, const struct campus_entry *entry, uint32_t id,
                              uint8_t *signature)
{
    const uint32_t numbers[] = {entry->terminal, entry->counter, entry->amount, id, entry->time};
    return signature == NULL ? STATUS_FAILED : campus_sign(card, numbers, 5, signature);
}

/* Refuses what FINISH LOAD could not do, a balance or a counter beyond its end, while the terminal
 * still holds no proof of it. */
enum status campus_load(struct card *card, const struct apdu_command *command,
                        struct writer *answer)
{
    struct campus *campus = campus_of(card);
    struct campus_ledger next;
    struct money sum;
    uint8_t *out = writer_reserve(answer, RSA_BYTES);
    enum status status = authorise(campus, CAMPUS_LOAD_AMOUNT, CAMPUS_USAGE_RELOAD, command, &next);
    if (status != STATUS_OK)
        return status;
    if (!money_add(next.balance, money_of(campus->amount, CAMPUS_CURRENCY), &sum))
        return STATUS_BALANCE_LIMIT;
    if (next.counter >= CAMPUS_COUNTER_MAX)
        return campus_end(card);
    const struct campus_entry entry = entry_of(campus, &next);
    status = sign_entry(card, &entry, next.id, out);
    if (status == STATUS_OK)
        status = campus_receipt_commit(card, &next, &entry, out);
    if (status == STATUS_OK)
        campus->state = CAMPUS_LOAD_SIGNED;
    return status;
}

enum status campus_finish_load(struct card *card, const struct apdu_command *command,
                               struct writer *answer)
{
    struct campus *campus = campus_of(card);
    struct campus_ledger next;
    (void)answer;
    enum status status = authorise(campus, CAMPUS_LOAD_SIGNED, CAMPUS_USAGE_RELOAD, command, &next);
    if (status != STATUS_OK)
        return status;
    if (!money_add(next.balance, money_of(campus->amount, CAMPUS_CURRENCY), &next.balance))
        return STATUS_BALANCE_LIMIT;
    struct campus_entry entry = entry_of(campus, &next);
    entry.counter--; /* the one of the receipt */
    entry.is_done = true;
    status = campus_entry_commit(card, &next, &entry);
    if (status == STATUS_OK)
        campus->state = CAMPUS_FINISHED;
    return status;
}

enum status campus_pay(struct card *card, const struct apdu_command *command, struct writer *answer)
{
    struct campus *campus = campus_of(card);
    struct campus_ledger next;
    uint8_t *out = writer_reserve(answer, RSA_BYTES);
    enum status status = authorise(campus, CAMPUS_PAY_AMOUNT, CAMPUS_USAGE_POS, command, &next);
    if (status != STATUS_OK)
        return status;
    if (next.counter > CAMPUS_COUNTER_MAX)
        return campus_end(card);
    if (!money_subtract(next.balance, money_of(campus->amount, CAMPUS_CURRENCY), &next.balance))
        return STATUS_BALANCE;
    struct campus_entry entry = entry_of(campus, &next);
    entry.is_done = true;
    status = sign_entry(card, &entry, next.id, out);
    if (status == STATUS_OK)
        status = campus_receipt_commit(card, &next, &entry, out);
    if (status == STATUS_OK)
        campus->state = CAMPUS_FINISHED;
    return status;
}
