/* SPDX-License-Identifier: Apache-2.0 */
/* Compares what the campus purse's documents say (campus/replay.h) with its registers. */
#include <stdlib.h>
#include <string.h>

#include "bank/evp.h"
#include "bank/replay.h"

struct comparison {
    struct replay *replay;
    size_t terminals, cards, receipts; /* rows seen */
};

static enum store_status compare_terminal(void *context, const struct campus_terminal_record *row)
{
    struct comparison *c = context;
    const struct campus_replay_terminal *said = table_find(&c->replay->campus.terminals, &row->id);
    c->terminals++;
    if (!said)
        replay_find(c->replay, "campus terminal %u is in the register, but no document names it",
                    row->id);
    else if (said->role != row->role || said->merchant != row->merchant ||
             said->credit != row->credit || said->is_listed != (row->listed != 0) ||
             memcmp(said->modulus, row->modulus, sizeof row->modulus) != 0)
        replay_find(c->replay,
                    "campus terminal %u is in the register otherwise than its documents say",
                    row->id);
    return STORE_OK;
}

static enum store_status compare_card(void *context, const struct campus_card_record *row)
{
    struct comparison *c = context;
    struct replay *r = c->replay;
    const struct campus_replay_card *said = table_find(&r->campus.cards, &row->id);
    if (!row->is_certified)
        return STORE_OK; /* an ID alone */
    c->cards++;
    if (!said) {
        replay_find(r, "campus card %u is in the register, but no certificate names it", row->id);
        return STORE_OK;
    }
    if (said->end != row->end || memcmp(said->modulus, row->modulus, sizeof row->modulus) != 0)
        replay_find(r, "campus card %u is in the register otherwise than in its certificate",
                    row->id);
    if (said->shadow != row->shadow)
        replay_find(r,
                    "campus card %u has a shadow balance of %lld minor units, its receipts say "
                    "%lld",
                    row->id, (long long)row->shadow, (long long)said->shadow);
    if (said->counter != row->counter)
        replay_find(r, "campus card %u has counter %u in the register, its receipts say %u",
                    row->id, row->counter, said->counter);
    if (said->listed != row->listed || said->blocked != row->blocked)
        replay_find(r, "campus card %u is listed or blocked otherwise than its documents say",
                    row->id);
    return STORE_OK;
}

static enum store_status compare_receipt(void *context, const struct campus_receipt_record *row)
{
    struct comparison *c = context;
    struct campus_pair key = {row->card, row->counter};
    const struct campus_replay_receipt *said = table_find(&c->replay->campus.receipts, &key);
    c->receipts++;
    if (!said)
        replay_find(c->replay,
                    "receipt %u of campus card %u is in the register, but not in the documents",
                    row->counter, row->card);
    else if (said->state != row->state || said->terminal != row->terminal ||
             said->amount != row->amount || said->time != row->time ||
             said->is_load != row->is_load || said->is_suspect != row->is_suspect ||
             said->is_decided != row->is_decided)
        replay_find(c->replay,
                    "receipt %u of campus card %u is in the register otherwise than its documents "
                    "say",
                    row->counter, row->card);
    return STORE_OK;
}

static void name_missing(struct replay *r, size_t said, size_t seen, const char *what)
{
    if (seen < said)
        replay_find(r, "%zu campus %s are in the documents, but not in the register", said - seen,
                    what);
}

/* The list that terminals get, and the key, are the documents'. */
static enum store_status compare_list(struct replay *r, struct store *store)
{
    struct campus_list_record row;
    struct store_blob file = {0};
    uint8_t hash[SHA256_BYTES], modulus[CAMPUS_RSA_BYTES];
    enum store_status status = store->campus->key_get(store, modulus);
    if (status == STORE_NONE && !r->campus.is_on)
        return STORE_OK;
    if (status == STORE_NONE || !r->campus.is_on ||
        (status == STORE_OK && memcmp(modulus, r->campus.modulus, sizeof modulus) != 0))
        replay_find(r, "the campus purse's key is not the one in the documents");
    if (status != STORE_OK && status != STORE_NONE)
        return status;
    status = store->campus->list_newest(store, &row, &file);
    bool is_same = status == STORE_OK && evp_sha256(file.data, file.bytes, hash) &&
                   memcmp(hash, r->campus.list_hash, sizeof hash) == 0 &&
                   row.end_ms == r->campus.list_end_ms;
    free(file.data);
    if (status != STORE_OK && status != STORE_NONE)
        return status;
    if (!is_same)
        replay_find(r, "the newest list of campus cards is not the one in the documents");
    return STORE_OK;
}

enum store_status bank_campus_replay_compare(struct replay *r, struct store *store)
{
    struct comparison c = {.replay = r};
    enum store_status status = store->campus->terminals(store, compare_terminal, &c);
    if (status == STORE_OK)
        status = store->campus->cards(store, compare_card, &c);
    if (status == STORE_OK)
        status = store->campus->receipts(store, compare_receipt, &c);
    if (status != STORE_OK)
        return status;
    name_missing(r, r->campus.terminals.count, c.terminals, "terminals");
    name_missing(r, r->campus.cards.count, c.cards, "cards");
    name_missing(r, r->campus.receipts.count, c.receipts, "receipts");
    return compare_list(r, store);
}
