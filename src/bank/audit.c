/* SPDX-License-Identifier: Apache-2.0 */
/* Compares what the documents ask for (replay.h) with what the books and the registers say. */
#include <stdlib.h>
#include <string.h>

#include "bank/inside.h"
#include "bank/replay.h"
#include "base/hex.h"

struct postings {
    struct posting_record *data; /* owned */
    size_t count, capacity;
};

struct inspection {
    struct stiver_bank *bank;
    struct replay replay;
    struct postings held;
    size_t receipts; /* rows seen */
};

static enum store_status hold(void *context, const struct posting_record *posting)
{
    struct postings *held = &((struct inspection *)context)->held;
    if (held->count == held->capacity) {
        size_t capacity = held->capacity ? 2 * held->capacity : 256;
        struct posting_record *grown = realloc(held->data, capacity * sizeof *grown);
        if (!grown)
            return STORE_MEMORY;
        held->data = grown;
        held->capacity = capacity;
    }
    held->data[held->count++] = *posting;
    return STORE_OK;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_accounts(struct account a, struct account b)
{
    int order = compare_numbers(a.kind, b.kind);
    return order ? order : compare_numbers(a.owner, b.owner);
}

/* By everything that the documents decide; ids and times are the booking's own. */
static int compare_postings(const void *left, const void *right)
{
    const struct posting_record *a = left, *b = right;
    int order = compare_numbers((uint64_t)a->document, (uint64_t)b->document);
    if (!order)
        order = compare_accounts(a->from, b->from);
    if (!order)
        order = compare_accounts(a->to, b->to);
    if (!order)
        order = memcmp(a->card, b->card, sizeof a->card);
    return order ? order : compare_numbers((uint64_t)a->amount, (uint64_t)b->amount);
}

static void name_posting(struct inspection *i, const struct posting_record *p, bool is_held)
{
    char from[ACCOUNT_NAME_BYTES], to[ACCOUNT_NAME_BYTES];
    account_name(&p->from, from);
    account_name(&p->to, to);
    if (is_held)
        replay_find(&i->replay,
                    "posting %lld moves %lld minor units from %s to %s because of document %lld, "
                    "which does not say so",
                    (long long)p->id, (long long)p->amount, from, to, (long long)p->document);
    else
        replay_find(&i->replay,
                    "document %lld moves %lld minor units from %s to %s, but no posting says so",
                    (long long)p->document, (long long)p->amount, from, to);
}

static void compare_books(struct inspection *i)
{
    struct postings *held = &i->held;
    struct replay *r = &i->replay;
    if (held->count)
        qsort(held->data, held->count, sizeof *held->data, compare_postings);
    if (r->expected_count)
        qsort(r->expected, r->expected_count, sizeof *r->expected, compare_postings);
    size_t h = 0, e = 0;
    while (h < held->count || e < r->expected_count) {
        int order = h == held->count         ? 1
                    : e == r->expected_count ? -1
                                             : compare_postings(&held->data[h], &r->expected[e]);
        if (order == 0) {
            r->audit->postings++;
            h++;
            e++;
        } else if (order < 0)
            name_posting(i, &held->data[h++], true);
        else
            name_posting(i, &r->expected[e++], false);
    }
}

static enum store_status compare_card(void *context, const struct card_record *card)
{
    struct inspection *i = context;
    char number[2 * CARD_NUMBER_BYTES + 1];
    hex_encode(card->card, sizeof card->card, number);
    const struct replay_card *replayed = table_find(&i->replay.cards, card->card);
    if (!replayed) {
        replay_find(&i->replay, "card %s is in the register, but no certificate names it", number);
        return STORE_OK;
    }
    if (!bytes_equal(card->receipt_key, replayed->receipt_key, PUBLIC_KEY_BYTES))
        replay_find(&i->replay, "card %s has another receipt key than its certificate", number);
    if (card->balance != replayed->balance)
        replay_find(&i->replay,
                    "card %s has a shadow balance of %lld minor units, its receipts say %lld",
                    number, (long long)card->balance, (long long)replayed->balance);
    if (card->received != replayed->received || card->counter != replayed->highest)
        replay_find(
            &i->replay,
            "card %s has %u receipts up to %u in the register, its documents say %u up to %u",
            number, card->received, card->counter, replayed->received, replayed->highest);
    if ((card->listed == 0) != (replayed->listed == 0))
        replay_find(&i->replay, "card %s is %s, but its documents say otherwise", number,
                    card->listed ? "listed" : "not listed");
    return STORE_OK;
}

static enum store_status compare_receipt(void *context, const struct receipt_record *receipt)
{
    struct inspection *i = context;
    char number[2 * CARD_NUMBER_BYTES + 1];
    hex_encode(receipt->card, sizeof receipt->card, number);
    struct replay_number_key key = replay_key(receipt->counter, receipt->card);
    const struct replay_receipt *replayed = table_find(&i->replay.receipts, &key);
    i->receipts++;
    if (!replayed)
        replay_find(&i->replay,
                    "receipt %u of card %s is in the register, but not in the documents",
                    receipt->counter, number);
    else if (replayed->state != receipt->state || replayed->amount != receipt->amount ||
             !bytes_equal(replayed->hash, receipt->hash, SHA256_BYTES))
        replay_find(&i->replay,
                    "receipt %u of card %s is in the register otherwise than its "
                    "documents say",
                    receipt->counter, number);
    return STORE_OK;
}

static enum stiver_bank_status inspect(struct stiver_bank *bank, void *context)
{
    struct inspection *i = context;
    enum store_status status = STORE(bank, documents, replay_document, &i->replay);
    if (status == STORE_OK)
        status = STORE(bank, postings, hold, i);
    if (status == STORE_OK)
        status = STORE(bank, cards, compare_card, i);
    if (status == STORE_OK)
        status = STORE(bank, receipts, compare_receipt, i);
    if (status == STORE_OK)
        status = bank_campus_replay_compare(&i->replay, bank->store);
    if (status != STORE_OK)
        return bank_status_of_store(status);
    if (i->receipts < i->replay.receipts.count)
        replay_find(&i->replay, "%zu receipts are in the documents, but not in the register",
                    i->replay.receipts.count - i->receipts);
    compare_books(i);
    return STIVER_BANK_OK;
}

enum stiver_bank_status stiver_bank_audit(struct stiver_bank *bank,
                                          stiver_bank_finding_visit *visit, void *context,
                                          struct stiver_bank_audit *audit)
{
    struct inspection inspection = {
        .bank = bank,
        .replay = {.scheme = bank->settings.scheme,
                   .currency = bank->settings.currency,
                   .root = bank_root(bank),
                   .audit = audit,
                   .visit = visit,
                   .context = context},
    };
    *audit = (struct stiver_bank_audit){0};
    replay_init(&inspection.replay);
    enum store_status checked = bank->store->verbs->check(bank->store);
    enum stiver_bank_status status = checked == STORE_OK
                                         ? bank_transact(bank, inspect, &inspection)
                                         : bank_say(bank, bank_status_of_store(checked), NULL);
    replay_free(&inspection.replay);
    free(inspection.held.data);
    return status;
}
