/* SPDX-License-Identifier: Apache-2.0 */
#include "bank/replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bank/inside.h"
#include "base/date.h"
#include "scheme/list.h"

_Static_assert(sizeof(struct replay_order_key) == 16, "no padding in a key");
_Static_assert(sizeof(struct replay_number_key) == 12, "no padding in a key");

void replay_init(struct replay *r)
{
    r->authorities = table_of(sizeof(uint32_t), sizeof(struct replay_authority));
    r->cards = table_of(CARD_NUMBER_BYTES, sizeof(struct replay_card));
    r->fingerprints = table_of(HOST_ID_BYTES, sizeof(struct replay_terminal_certificate));
    r->listed = table_of(TERMINAL_NUMBER_BYTES, sizeof(uint32_t));
    r->orders = table_of(sizeof(struct replay_order_key), sizeof(struct replay_order));
    r->receipts = table_of(sizeof(struct replay_number_key), sizeof(struct replay_receipt));
    r->by_hash = table_of(SHA256_BYTES, sizeof(struct replay_number_key));
    r->by_number = table_of(sizeof(struct replay_number_key), sizeof(struct replay_number_key));
    r->conflicts = table_of(SHA256_BYTES, sizeof(struct replay_conflict));
    r->abandoned = table_of(sizeof(struct replay_number_key), CARD_NUMBER_BYTES);
    bank_campus_replay_init(&r->campus);
}

void replay_free(struct replay *r)
{
    struct table *tables[] = {&r->authorities, &r->cards,    &r->fingerprints, &r->listed,
                              &r->orders,      &r->receipts, &r->by_hash,      &r->by_number,
                              &r->conflicts,   &r->abandoned};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        table_free(tables[i]);
    bank_campus_replay_free(&r->campus);
    free(r->expected);
}

void replay_find(struct replay *r, const char *format, ...)
{
    char text[256];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    r->audit->findings++;
    if (r->visit)
        r->visit(r->context, text);
}

struct replay_number_key replay_key(uint32_t counter, const uint8_t owner[8])
{
    struct replay_number_key key = {.counter = counter};
    memcpy(key.owner, owner, sizeof key.owner);
    return key;
}

enum store_status replay_expect(struct replay *r, int64_t document, struct account from,
                                struct account to, const uint8_t *card, uint32_t amount)
{
    if (amount == 0)
        return STORE_OK;
    if (r->expected_count == r->expected_capacity) {
        size_t capacity = r->expected_capacity ? 2 * r->expected_capacity : 256;
        struct posting_record *grown = realloc(r->expected, capacity * sizeof *grown);
        if (!grown)
            return STORE_MEMORY;
        r->expected = grown;
        r->expected_capacity = capacity;
    }
    struct posting_record *posting = &r->expected[r->expected_count++];
    *posting = (struct posting_record){
        .document = document, .from = from, .to = to, .amount = (int64_t)amount};
    if (card)
        memcpy(posting->card, card, sizeof posting->card);
    return STORE_OK;
}

enum store_status replay_bad(struct replay *r, const struct document_record *d, const char *why)
{
    replay_find(r, "document %lld %s", (long long)d->id, why);
    return STORE_OK;
}

/* A document that does not verify is a finding; one that could not be verified ends the audit. */
static enum store_status unverified(struct replay *r, const struct document_record *d,
                                    enum document_status status, const char *why)
{
    return status == DOCUMENT_FAILED ? STORE_INTERNAL : replay_bad(r, d, why);
}

/* ---- certificates ---- */

static enum store_status enter_certificate(struct replay *r, const struct document_record *d,
                                           const struct certificate *c)
{
    if (c->type == CERTIFICATE_CARD) {
        struct replay_card *card = table_add(&r->cards, c->subject);
        if (!card)
            return STORE_MEMORY;
        memcpy(card->receipt_key, c->receipt_key, sizeof card->receipt_key);
    } else if (c->type == CERTIFICATE_TERMINAL) {
        uint8_t fingerprint[HOST_ID_BYTES];
        if (certificate_host_id(&bank_primitives, d->bytes, d->length, fingerprint) != DOCUMENT_OK)
            return STORE_INTERNAL;
        struct replay_terminal_certificate *t = table_add(&r->fingerprints, fingerprint);
        if (!t)
            return STORE_MEMORY;
        *t = (struct replay_terminal_certificate){
            .merchant = c->merchant, .limit = c->limit.minor, .start = c->start, .end = c->end};
        memcpy(t->terminal, c->subject, sizeof t->terminal);
    } else {
        struct replay_authority *a = table_add(&r->authorities, &c->id);
        if (!a)
            return STORE_MEMORY;
        *a = (struct replay_authority){c->type, certificate_as_authority(c)};
    }
    return STORE_OK;
}

static enum store_status replay_certificate(struct replay *r, const struct document_record *d)
{
    struct certificate c;
    if (certificate_decode(d->bytes, d->length, &c) != DOCUMENT_OK)
        return replay_bad(r, d, "is no certificate");
    const struct certificate_authority *signer = &r->root;
    if (c.type == CERTIFICATE_CARD || c.type == CERTIFICATE_TERMINAL) {
        enum certificate_type wanted = c.type == CERTIFICATE_CARD ? CERTIFICATE_CARD_AUTHORITY
                                                                  : CERTIFICATE_TERMINAL_AUTHORITY;
        const struct replay_authority *a = table_find(&r->authorities, &c.authority);
        if (!a || a->type != wanted)
            return replay_bad(r, d, "is a certificate of an authority that no document names");
        signer = &a->authority;
    }
    enum certificate_type type = c.type;
    enum document_status status =
        certificate_check(&bank_primitives, d->bytes, d->length, type, r->scheme, signer, &c);
    if (status != DOCUMENT_OK)
        return unverified(r, d, status, "is a certificate whose signature does not verify");
    r->audit->certificates++;
    return enter_certificate(r, d, &c);
}

/* ---- orders ---- */

static enum store_status replay_money_order(struct replay *r, const struct document_record *d,
                                            const struct order *o)
{
    struct replay_order_key key = {.kind = o->kind, .counter = o->counter};
    memcpy(key.card, o->card, sizeof key.card);
    struct replay_order *held = table_find(&r->orders, &key);
    if (held && o->amount.minor == 0) {
        held->undo_number = o->number;
        return STORE_OK;
    }
    if (held && o->number == held->number && o->amount.minor == held->amount)
        return STORE_OK; /* signed anew after its end: the same order, no second money */
    if (held || o->amount.minor == 0)
        return replay_bad(r, d, held ? "is a second order for one counter" : "undoes no order");
    struct account source = account_till(d->terminal);
    if (o->kind == DOCUMENT_REFUND_ORDER) {
        struct replay_number_key payment = replay_key(o->original_counter, o->card);
        const struct replay_receipt *paid = table_find(&r->receipts, &payment);
        if (!paid)
            return replay_bad(r, d, "refunds a payment that no receipt shows");
        source = account_merchant(paid->merchant);
    }
    held = table_add(&r->orders, &key);
    if (!held)
        return STORE_MEMORY;
    *held = (struct replay_order){
        .number = o->number, .amount = o->amount.minor, .source = source, .state = ORDER_OPEN};
    return replay_expect(r, d->id, source, account_of(ACCOUNT_IN_FLIGHT), o->card, o->amount.minor);
}

static enum store_status replay_order(struct replay *r, const struct document_record *d)
{
    struct order o;
    struct certificate working;
    enum document_status status;
    unsigned kind = d->length ? d->bytes[0] : 0;
    if (kind == DOCUMENT_TIME_ORDER || kind == DOCUMENT_FLOOR_ORDER) {
        status =
            root_order_check(&bank_primitives, d->bytes, d->length, r->scheme, r->root.key, &o);
        if (status != DOCUMENT_OK)
            return unverified(r, d, status, "is an order that the root did not sign");
        r->audit->orders++;
        return STORE_OK;
    }
    status = order_check(&bank_primitives, d->bytes, d->length, r->scheme, &r->root, &o, &working);
    if (status != DOCUMENT_OK)
        return unverified(r, d, status, "is an order whose signature does not verify");
    r->audit->orders++;
    return kind == DOCUMENT_LOAD_ORDER || kind == DOCUMENT_REFUND_ORDER
               ? replay_money_order(r, d, &o)
               : STORE_OK;
}

/* ---- receipts ---- */

static bool is_in_order(const struct replay *r, const struct receipt *receipt)
{
    const struct replay_terminal_certificate *t =
        table_find(&r->fingerprints, receipt->terminal_certificate);
    if (!t || memcmp(t->terminal, receipt->terminal, sizeof t->terminal) != 0 ||
        t->merchant != receipt->merchant || table_find(&r->listed, receipt->terminal))
        return false;
    int64_t time = (int64_t)receipt->time, day = DAY_SECONDS;
    return time >= (int64_t)t->start - day && time <= (int64_t)t->end + day;
}

static bool was_given_up(const struct replay *r, const struct receipt *receipt)
{
    struct replay_number_key key = replay_key(receipt->terminal_counter, receipt->terminal);
    const uint8_t *card = table_find(&r->abandoned, &key);
    return card && memcmp(card, receipt->card, CARD_NUMBER_BYTES) == 0;
}

static struct account payee(enum document_kind kind, uint32_t merchant, const uint8_t *terminal)
{
    return kind == DOCUMENT_UNLOAD_RECEIPT ? account_till(terminal) : account_merchant(merchant);
}

static enum store_status replay_debit(struct replay *r, const struct document_record *d,
                                      const struct receipt *receipt, struct replay_receipt *held,
                                      struct replay_card *card)
{
    struct account to = account_of(ACCOUNT_SUSPENSE);
    bool own = memcmp(d->terminal, receipt->terminal, TERMINAL_NUMBER_BYTES) == 0;
    held->state = own ? RECEIPT_BOOKED : RECEIPT_FOREIGN;
    if (!is_in_order(r, receipt))
        held->state = RECEIPT_SUSPENSE;
    if (was_given_up(r, receipt))
        held->state = RECEIPT_OWED;
    if (held->state == RECEIPT_BOOKED)
        to = payee(receipt->kind, receipt->merchant, receipt->terminal);
    else if (held->state == RECEIPT_OWED)
        to = account_of(ACCOUNT_OWED);
    card->balance -= (int64_t)receipt->amount.minor;
    return replay_expect(r, d->id, account_of(ACCOUNT_FLOAT), to, receipt->card,
                         receipt->amount.minor);
}

static enum store_status replay_credit(struct replay *r, const struct document_record *d,
                                       const struct receipt *receipt, struct replay_receipt *held,
                                       struct replay_card *card)
{
    struct replay_order_key key = {.kind = receipt->kind == DOCUMENT_LOAD_RECEIPT
                                               ? DOCUMENT_LOAD_ORDER
                                               : DOCUMENT_REFUND_ORDER,
                                   .counter = receipt->order_counter};
    memcpy(key.card, receipt->card, sizeof key.card);
    struct replay_order *order = table_find(&r->orders, &key);
    held->state = RECEIPT_UNBOOKED;
    if (!order || order->state != ORDER_OPEN)
        return STORE_OK;
    if (order->number == receipt->order_number && order->amount == receipt->amount.minor) {
        order->state = ORDER_TAKEN;
        card->balance += (int64_t)order->amount;
    } else if (order->undo_number && order->undo_number == receipt->order_number &&
               receipt->amount.minor == 0)
        order->state = ORDER_UNDONE;
    else
        return STORE_OK;
    held->state = RECEIPT_BOOKED;
    return replay_expect(r, d->id, account_of(ACCOUNT_IN_FLIGHT),
                         order->state == ORDER_TAKEN ? account_of(ACCOUNT_FLOAT) : order->source,
                         receipt->card, order->amount);
}

/* What the loss account pays for it, if this terminal brings it because of this document. */
static enum store_status replay_share(struct replay *r, const struct document_record *d,
                                      struct replay_conflict *conflict)
{
    const struct receipt *receipt = &conflict->receipt;
    const struct replay_card *card = table_find(&r->cards, receipt->card);
    struct replay_terminal_certificate *t =
        table_find(&r->fingerprints, receipt->terminal_certificate);
    bool own = memcmp(d->terminal, receipt->terminal, TERMINAL_NUMBER_BYTES) == 0;
    struct replay_number_key key = replay_key(receipt->terminal_counter, receipt->terminal);
    if (receipt->kind != DOCUMENT_PAYMENT_RECEIPT || receipt->amount.currency != r->currency ||
        !own || !is_in_order(r, receipt) || t->paid_conflict || table_find(&r->abandoned, &key) ||
        (card->listed && t->start >= card->listed))
        return STORE_OK;
    uint32_t share = receipt->amount.minor > t->limit ? t->limit : receipt->amount.minor;
    conflict->was_paid = t->paid_conflict = share > 0;
    return replay_expect(r, d->id, account_of(ACCOUNT_LOSS), account_merchant(receipt->merchant),
                         receipt->card, share);
}

static enum store_status replay_conflict(struct replay *r, const struct document_record *d,
                                         const struct receipt *receipt)
{
    uint8_t content[SHA256_BYTES];
    if (document_hash(&bank_primitives, d->bytes, d->length - SIGNATURE_BYTES, content) !=
        DOCUMENT_OK)
        return STORE_INTERNAL;
    if (table_find(&r->conflicts, content))
        return replay_bad(r, d, "is a receipt that was kept before");
    struct replay_conflict *conflict = table_add(&r->conflicts, content);
    if (!conflict)
        return STORE_MEMORY;
    conflict->receipt = *receipt;
    return replay_share(r, d, conflict);
}

static enum store_status replay_first(struct replay *r, const struct document_record *d,
                                      const struct receipt *receipt, struct replay_card *card)
{
    struct replay_number_key key = replay_key(receipt->card_counter, receipt->card);
    struct replay_number_key number = replay_key(receipt->terminal_counter, receipt->terminal);
    bool is_first_of_number = table_find(&r->by_number, &number) == NULL;
    struct replay_number_key *by_hash = table_add(&r->by_hash, d->hash);
    struct replay_number_key *by_number = table_add(&r->by_number, &number);
    struct replay_receipt *held = table_add(&r->receipts, &key);
    if (!by_hash || !by_number || !held)
        return STORE_MEMORY;
    *by_hash = key;
    if (is_first_of_number)
        *by_number = key;
    held->kind = receipt->kind;
    held->amount = receipt->amount.minor;
    held->merchant = receipt->merchant;
    held->terminal_counter = receipt->terminal_counter;
    memcpy(held->hash, d->hash, sizeof held->hash);
    memcpy(held->card, receipt->card, sizeof held->card);
    memcpy(held->terminal, receipt->terminal, sizeof held->terminal);
    held->state = RECEIPT_BOOKED;
    card->received++;
    if (receipt->card_counter > card->highest)
        card->highest = receipt->card_counter;
    if (receipt->amount.currency != r->currency) {
        held->state = RECEIPT_UNBOOKED;
        return STORE_OK;
    }
    if (receipt->kind == DOCUMENT_BLOCK_RECEIPT)
        return STORE_OK;
    return receipt->kind == DOCUMENT_LOAD_RECEIPT || receipt->kind == DOCUMENT_REFUND_RECEIPT
               ? replay_credit(r, d, receipt, held, card)
               : replay_debit(r, d, receipt, held, card);
}

static enum store_status replay_receipt(struct replay *r, const struct document_record *d)
{
    struct receipt receipt;
    if (receipt_decode(d->bytes, d->length, r->scheme, &receipt) != DOCUMENT_OK)
        return replay_bad(r, d, "is no receipt");
    struct replay_card *card = table_find(&r->cards, receipt.card);
    if (!card)
        return replay_bad(r, d, "is a receipt of a card that no certificate names");
    enum document_status status =
        document_verify(&bank_primitives, d->bytes, d->length, card->receipt_key);
    if (status != DOCUMENT_OK)
        return unverified(r, d, status, "is a receipt whose signature does not verify");
    r->audit->receipts++;
    struct replay_number_key key = replay_key(receipt.card_counter, receipt.card);
    return table_find(&r->receipts, &key) ? replay_conflict(r, d, &receipt)
                                          : replay_first(r, d, &receipt, card);
}

/* ---- what nobody signed ---- */

static enum store_status replay_kept_conflict(struct replay *r, const struct document_record *d,
                                              struct replay_conflict *conflict)
{
    bool was_paid = conflict->was_paid;
    enum store_status status = replay_share(r, d, conflict);
    if (status != STORE_OK || (!was_paid && conflict->was_paid))
        return status;
    return replay_bad(r, d, "keeps a receipt that nothing is due for");
}

static enum store_status replay_kept(struct replay *r, const struct document_record *d)
{
    struct replay_conflict *conflict =
        d->length == SHA256_BYTES ? table_find(&r->conflicts, d->bytes) : NULL;
    if (conflict)
        return replay_kept_conflict(r, d, conflict);
    const struct replay_number_key *key =
        d->length == SHA256_BYTES ? table_find(&r->by_hash, d->bytes) : NULL;
    struct replay_receipt *held = key ? table_find(&r->receipts, key) : NULL;
    if (!held || held->state != RECEIPT_FOREIGN ||
        memcmp(held->terminal, d->terminal, TERMINAL_NUMBER_BYTES) != 0)
        return replay_bad(r, d, "keeps a receipt that did not wait for it");
    held->state = RECEIPT_BOOKED;
    return replay_expect(r, d->id, account_of(ACCOUNT_SUSPENSE),
                         payee(held->kind, held->merchant, held->terminal), held->card,
                         held->amount);
}

static enum store_status replay_abandoned(struct replay *r, const struct document_record *d)
{
    struct reader reader = reader_of(d->bytes, d->length);
    uint8_t card[CARD_NUMBER_BYTES];
    reader_bytes(&reader, card, sizeof card);
    struct replay_number_key key = replay_key(reader_u32(&reader), d->terminal);
    (void)reader_u8(&reader);
    uint8_t *given_up = reader_done(&reader) ? table_add(&r->abandoned, &key) : NULL;
    if (!given_up)
        return replay_bad(r, d, "is no record of a sale that was given up");
    memcpy(given_up, card, sizeof card);
    const struct replay_number_key *number = table_find(&r->by_number, &key);
    struct replay_receipt *held = number ? table_find(&r->receipts, number) : NULL;
    if (!held || memcmp(held->card, card, sizeof card) != 0 ||
        (held->kind != DOCUMENT_PAYMENT_RECEIPT && held->kind != DOCUMENT_UNLOAD_RECEIPT) ||
        (held->state != RECEIPT_FOREIGN && held->state != RECEIPT_SUSPENSE))
        return STORE_OK;
    held->state = RECEIPT_OWED;
    return replay_expect(r, d->id, account_of(ACCOUNT_SUSPENSE), account_of(ACCOUNT_OWED),
                         held->card, held->amount);
}

static enum store_status replay_fund(struct replay *r, const struct document_record *d)
{
    struct reader reader = reader_of(d->bytes, d->length);
    uint32_t amount = reader_u32(&reader);
    uint16_t currency = reader_u16(&reader);
    if (reader.failed || currency != r->currency)
        return replay_bad(r, d, "is no record of funding");
    return replay_expect(r, d->id, account_of(ACCOUNT_CASH), account_till(d->terminal), NULL,
                         amount);
}

static enum store_status replay_listed_card(struct replay *r, const struct document_record *d)
{
    struct replay_card *card =
        d->length == CARD_NUMBER_BYTES + 1 ? table_find(&r->cards, d->bytes) : NULL;
    if (!card)
        return replay_bad(r, d, "lists a card that no certificate names");
    if (card->listed == 0)
        card->listed = d->time;
    return STORE_OK;
}

static enum store_status replay_listed_terminal(struct replay *r, const struct document_record *d)
{
    uint32_t *time = table_add(&r->listed, d->terminal);
    if (!time)
        return STORE_MEMORY;
    *time = d->time;
    return STORE_OK;
}

static enum store_status replay_list(struct replay *r, const struct document_record *d)
{
    struct list_head head;
    struct certificate working;
    enum document_status status =
        list_check(&bank_primitives, d->bytes, d->length, r->scheme, &r->root, &head, &working);
    if (status != DOCUMENT_OK)
        return unverified(r, d, status, "is a list whose signature does not verify");
    return STORE_OK;
}

static enum store_status replay_statement(struct replay *r, const struct document_record *d)
{
    struct statement s;
    enum document_status status = statement_decode(d->bytes, d->length, r->scheme, &s);
    if (status == DOCUMENT_OK)
        status = document_verify(&bank_primitives, d->bytes, d->length, s.receipt_key);
    if (status != DOCUMENT_OK)
        return unverified(r, d, status, "is a key statement whose signature does not verify");
    return STORE_OK;
}

enum store_status replay_document(void *context, const struct document_record *d)
{
    static enum store_status (*const readers[])(struct replay *, const struct document_record *) = {
        [RECORD_CERTIFICATE] = replay_certificate,
        [RECORD_ORDER] = replay_order,
        [RECORD_RECEIPT] = replay_receipt,
        [RECORD_STATEMENT] = replay_statement,
        [RECORD_LIST] = replay_list,
        [RECORD_KEPT] = replay_kept,
        [RECORD_ABANDONED] = replay_abandoned,
        [RECORD_FUND] = replay_fund,
        [RECORD_CARD_LISTED] = replay_listed_card,
        [RECORD_TERMINAL_LISTED] = replay_listed_terminal,
    };
    struct replay *r = context;
    uint8_t hash[SHA256_BYTES];
    unsigned type = d->type;
    if (!evp_sha256(d->bytes, d->length, hash))
        return STORE_INTERNAL;
    if (!bytes_equal(hash, d->hash, sizeof hash))
        return replay_bad(r, d, "was changed: its bytes are not those of its hash");
    if (type >= RECORD_CAMPUS_KEY && type <= RECORD_CAMPUS_TERMINAL_LISTED)
        return bank_campus_replay_document(r, d);
    if (type >= sizeof readers / sizeof readers[0] || !readers[type])
        return replay_bad(r, d, "is of no known type");
    if (type > RECORD_RECEIPT)
        r->audit->others++;
    return readers[type](r, d);
}
