/* SPDX-License-Identifier: Apache-2.0 */
#include "bank/replay.h"

#include <stdlib.h>
#include <string.h>

#include "bank/evp_rsa.h"
#include "base/date.h"

_Static_assert(sizeof(struct campus_pair) == 8, "no padding in a key");

void bank_campus_replay_init(struct campus_replay *c)
{
    c->terminals = table_of(sizeof(uint32_t), sizeof(struct campus_replay_terminal));
    c->terms = table_of(sizeof(struct campus_pair), sizeof(struct campus_pair));
    c->cards = table_of(sizeof(uint32_t), sizeof(struct campus_replay_card));
    c->receipts = table_of(sizeof(struct campus_pair), sizeof(struct campus_replay_receipt));
    c->seconds = table_of(SHA256_BYTES, 1);
}

void bank_campus_replay_free(struct campus_replay *c)
{
    struct table *tables[] = {&c->terminals, &c->terms, &c->cards, &c->receipts, &c->seconds};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        table_free(tables[i]);
    free(c->listed);
}

static struct account plain(enum account_kind kind)
{
    return (struct account){kind, 0};
}

static uint32_t id_of(const struct document_record *d)
{
    struct reader r = reader_of(d->terminal, sizeof d->terminal);
    (void)reader_u32(&r);
    return reader_u32(&r);
}

static enum verdict verdict_on(const uint8_t *modulus, const uint8_t *text, size_t bytes,
                               const uint8_t *signature)
{
    return evp_rsa_verify(modulus, RSA_SHA1, text, bytes, signature);
}

/* A document that does not verify is a finding; one that could not be verified ends the audit. */
static enum store_status unverified(struct replay *r, const struct document_record *d,
                                    enum verdict verdict, const char *why)
{
    return verdict == VERDICT_UNKNOWN ? STORE_INTERNAL : replay_bad(r, d, why);
}

/* A posting that concerns a card of the campus purse. */
static enum store_status moves(struct replay *r, const struct document_record *d,
                               struct account from, struct account to, uint32_t card,
                               uint32_t amount)
{
    uint8_t number[CARD_NUMBER_BYTES];
    struct writer w = writer_of(number, sizeof number);
    writer_u64(&w, card);
    return replay_expect(r, d->id, from, to, number, amount);
}

/* ---- keys and certificates ---- */

static enum store_status replay_key_of_back_end(struct replay *r, const struct document_record *d)
{
    if (r->campus.is_on || d->length != CAMPUS_RSA_BYTES)
        return replay_bad(r, d, "is no key of the campus purse, or a second one");
    memcpy(r->campus.modulus, d->bytes, CAMPUS_RSA_BYTES);
    r->campus.is_on = true;
    return STORE_OK;
}

static enum store_status replay_terminal(struct replay *r, const struct document_record *d)
{
    struct reader reader = reader_of(d->bytes, d->length);
    struct campus_replay_terminal t = {.role = (enum campus_role)reader_u8(&reader)};
    uint32_t id = id_of(d);
    t.merchant = reader_u32(&reader);
    t.credit = reader_u32(&reader);
    reader_bytes(&reader, t.modulus, sizeof t.modulus);
    if (!reader_done(&reader) || table_find(&r->campus.terminals, &id))
        return replay_bad(r, d, "registers no terminal, or one a second time");
    struct campus_replay_terminal *held = table_add(&r->campus.terminals, &id);
    if (!held)
        return STORE_MEMORY;
    *held = t;
    return STORE_OK;
}

static enum store_status enter_term(struct replay *r, const struct document_record *d,
                                    uint32_t start, uint32_t end, const uint8_t *modulus,
                                    unsigned usage)
{
    uint32_t id = id_of(d);
    struct campus_replay_terminal *terminal = table_find(&r->campus.terminals, &id);
    if (!terminal || (unsigned)terminal->role != usage ||
        memcmp(terminal->modulus, modulus, CAMPUS_RSA_BYTES) != 0)
        return replay_bad(r, d, "certifies a terminal otherwise than it is registered");
    struct campus_pair key = {id, terminal->terms};
    struct campus_pair *term = table_add(&r->campus.terms, &key);
    if (!term)
        return STORE_MEMORY;
    *term = (struct campus_pair){start, end};
    terminal->terms++;
    return STORE_OK;
}

static enum store_status enter_card(struct replay *r, const struct document_record *d, uint32_t id,
                                    uint32_t end, const uint8_t *modulus)
{
    if (table_find(&r->campus.cards, &id))
        return replay_bad(r, d, "is a second certificate of a card");
    struct campus_replay_card *card = table_add(&r->campus.cards, &id);
    if (!card)
        return STORE_MEMORY;
    card->end = end;
    memcpy(card->modulus, modulus, sizeof card->modulus);
    return STORE_OK;
}

static enum store_status replay_certificate(struct replay *r, const struct document_record *d)
{
    if (d->length != 4 + CAMPUS_CERTIFICATE_TEXT_BYTES + CAMPUS_RSA_BYTES)
        return replay_bad(r, d, "is no certificate");
    const uint8_t *text = d->bytes + 4;
    enum verdict verdict = verdict_on(r->campus.modulus, text, CAMPUS_CERTIFICATE_TEXT_BYTES,
                                      text + CAMPUS_CERTIFICATE_TEXT_BYTES);
    if (verdict != VERDICT_VALID)
        return unverified(r, d, verdict, "is a certificate whose signature does not verify");
    r->audit->certificates++;
    struct reader reader = reader_of(d->bytes, d->length);
    uint32_t start = reader_u32(&reader), id = reader_u32(&reader), end = reader_u32(&reader);
    const uint8_t *modulus = reader_take(&reader, CAMPUS_RSA_BYTES);
    unsigned usage = reader_u8(&reader);
    if (usage == CAMPUS_USAGE_CARD)
        return enter_card(r, d, id, end, modulus);
    if (id != id_of(d))
        return replay_bad(r, d, "is a certificate of another terminal");
    return enter_term(r, d, start, end, modulus, usage);
}

/* ---- receipts ---- */

static bool has_term(const struct replay *r, uint32_t id, uint32_t terms, uint32_t time)
{
    for (uint32_t i = 0; i < terms; i++) {
        struct campus_pair key = {id, i};
        const struct campus_pair *term = table_find(&r->campus.terms, &key);
        if (term && (uint64_t)time + DAY_SECONDS >= term->first && time <= term->second)
            return true;
    }
    return false;
}

static bool is_suspect(const struct replay *r, uint32_t id,
                       const struct campus_replay_terminal *terminal,
                       const struct campus_replay_card *card, uint32_t counter,
                       const struct campus_replay_receipt *receipt)
{
    uint32_t time = receipt->time;
    return terminal->is_listed || !has_term(r, id, terminal->terms, time) || time > card->end ||
           (card->listed != 0 && time > card->listed) ||
           (card->blocked != 0 && time > card->blocked) || counter > CAMPUS_COUNTER_MAX ||
           receipt->amount > CAMPUS_AMOUNT_MAX;
}

static enum store_status credit(struct replay *r, const struct document_record *d,
                                struct campus_replay_receipt *held, struct account from,
                                uint32_t id)
{
    struct campus_replay_card *card = table_find(&r->campus.cards, &id);
    held->state = CAMPUS_RECEIPT_BOOKED;
    card->shadow += (int64_t)held->amount;
    return moves(r, d, from, plain(ACCOUNT_CAMPUS_FLOAT), id, held->amount);
}

static enum store_status replay_load(struct replay *r, const struct document_record *d,
                                     struct campus_replay_receipt *held, uint32_t card,
                                     unsigned outcome)
{
    struct account from = held->is_suspect ? plain(ACCOUNT_CAMPUS_SUSPENSE)
                                           : (struct account){ACCOUNT_CAMPUS_TILL, held->terminal};
    if (outcome == CAMPUS_OUTCOME_DONE)
        return credit(r, d, held, from, card);
    held->state = outcome == CAMPUS_OUTCOME_UNKNOWN ? CAMPUS_RECEIPT_OPEN : CAMPUS_RECEIPT_NOT_DONE;
    return outcome == CAMPUS_OUTCOME_UNKNOWN
               ? moves(r, d, from, plain(ACCOUNT_CAMPUS_IN_FLIGHT), card, held->amount)
               : STORE_OK;
}

static enum store_status replay_payment(struct replay *r, const struct document_record *d,
                                        struct campus_replay_receipt *held, uint32_t id,
                                        unsigned outcome, uint32_t merchant)
{
    struct campus_replay_card *card = table_find(&r->campus.cards, &id);
    struct account to = {ACCOUNT_CAMPUS_MERCHANT, merchant};
    held->state = CAMPUS_RECEIPT_BOOKED;
    if (outcome == CAMPUS_OUTCOME_NOT_DONE) {
        held->state = CAMPUS_RECEIPT_OWED;
        to = plain(ACCOUNT_CAMPUS_OWED);
    }
    if (held->is_suspect) {
        held->state = CAMPUS_RECEIPT_SUSPENSE;
        to = plain(ACCOUNT_CAMPUS_SUSPENSE);
    }
    card->shadow -= (int64_t)held->amount;
    return moves(r, d, plain(ACCOUNT_CAMPUS_FLOAT), to, id, held->amount);
}

/* S4 as it stands in a document: its fields, and whether its card signed it. */
struct s4 {
    uint32_t terminal, card;
    struct campus_pair key;
    struct campus_replay_receipt receipt;
    struct campus_replay_card *signer;
};

static enum verdict read_s4(struct replay *r, const uint8_t *text, size_t bytes, struct s4 *s4)
{
    struct reader reader = reader_of(text, bytes);
    s4->terminal = reader_u32(&reader);
    uint32_t counter = reader_u32(&reader), amount = reader_u32(&reader);
    s4->card = reader_u32(&reader);
    uint32_t time = reader_u32(&reader);
    s4->key = (struct campus_pair){s4->card, counter};
    s4->receipt =
        (struct campus_replay_receipt){.terminal = s4->terminal, .amount = amount, .time = time};
    s4->signer = table_find(&r->campus.cards, &s4->card);
    if (bytes != CAMPUS_RECEIPT_TEXT_BYTES + CAMPUS_RSA_BYTES || !s4->signer)
        return VERDICT_FORGED;
    return verdict_on(s4->signer->modulus, text, CAMPUS_RECEIPT_TEXT_BYTES,
                      text + CAMPUS_RECEIPT_TEXT_BYTES);
}

static enum store_status replay_receipt(struct replay *r, const struct document_record *d)
{
    struct s4 s4;
    enum verdict verdict =
        d->length < 1 ? VERDICT_FORGED : read_s4(r, d->bytes + 1, d->length - 1, &s4);
    if (verdict != VERDICT_VALID)
        return unverified(r, d, verdict, "is a receipt whose signature does not verify");
    r->audit->receipts++;
    const struct campus_replay_terminal *terminal = table_find(&r->campus.terminals, &s4.terminal);
    unsigned outcome = d->bytes[0];
    s4.receipt.is_load = terminal && terminal->role == CAMPUS_ROLE_RELOAD;
    if (!terminal || terminal->role == CAMPUS_ROLE_STATION || id_of(d) != s4.terminal ||
        outcome > (s4.receipt.is_load ? CAMPUS_OUTCOME_UNKNOWN : CAMPUS_OUTCOME_NOT_DONE) ||
        table_find(&r->campus.receipts, &s4.key))
        return replay_bad(r, d, "is a receipt that should not have been booked");
    s4.receipt.is_suspect =
        is_suspect(r, s4.terminal, terminal, s4.signer, s4.key.second, &s4.receipt);
    struct campus_replay_receipt *held = table_add(&r->campus.receipts, &s4.key);
    if (!held)
        return STORE_MEMORY;
    *held = s4.receipt;
    if (s4.key.second > s4.signer->counter)
        s4.signer->counter = s4.key.second;
    return held->is_load ? replay_load(r, d, held, s4.card, outcome)
                         : replay_payment(r, d, held, s4.card, outcome, terminal->merchant);
}

static enum store_status replay_second(struct replay *r, const struct document_record *d)
{
    struct s4 s4;
    enum verdict verdict = read_s4(r, d->bytes, d->length, &s4);
    if (verdict != VERDICT_VALID)
        return unverified(r, d, verdict, "is a receipt whose signature does not verify");
    r->audit->receipts++;
    const struct campus_replay_receipt *first = table_find(&r->campus.receipts, &s4.key);
    if (!first || table_find(&r->campus.seconds, d->hash) ||
        (first->terminal == s4.terminal && first->amount == s4.receipt.amount &&
         first->time == s4.receipt.time))
        return replay_bad(r, d, "is no second receipt of a card's counter");
    return table_add(&r->campus.seconds, d->hash) ? STORE_OK : STORE_MEMORY;
}

/* ---- what became of loads ---- */

static struct campus_replay_receipt *load_of(struct replay *r, const struct document_record *d,
                                             uint32_t *card, unsigned *word)
{
    struct reader reader = reader_of(d->bytes, d->length);
    struct campus_pair key = {.first = reader_u32(&reader)};
    key.second = reader_u32(&reader);
    *word = reader_u8(&reader);
    *card = key.first;
    struct campus_replay_receipt *held =
        reader_done(&reader) ? table_find(&r->campus.receipts, &key) : NULL;
    return held && held->is_load ? held : NULL;
}

static enum store_status replay_outcome(struct replay *r, const struct document_record *d)
{
    uint32_t card;
    unsigned outcome;
    struct campus_replay_receipt *held = load_of(r, d, &card, &outcome);
    if (!held || held->state != CAMPUS_RECEIPT_OPEN || held->terminal != id_of(d) ||
        outcome >= CAMPUS_OUTCOME_UNKNOWN)
        return replay_bad(r, d, "ends a load that did not wait for it");
    if (outcome == CAMPUS_OUTCOME_DONE)
        return credit(r, d, held, plain(ACCOUNT_CAMPUS_IN_FLIGHT), card);
    held->state = CAMPUS_RECEIPT_OWED;
    return moves(r, d, plain(ACCOUNT_CAMPUS_IN_FLIGHT), plain(ACCOUNT_CAMPUS_OWED), card,
                 held->amount);
}

static enum store_status replay_decision(struct replay *r, const struct document_record *d)
{
    uint32_t card;
    unsigned was_credited;
    struct campus_replay_receipt *held = load_of(r, d, &card, &was_credited);
    if (!held || held->is_decided || was_credited > 1 || held->state == CAMPUS_RECEIPT_BOOKED ||
        (held->state != CAMPUS_RECEIPT_OPEN && !was_credited))
        return replay_bad(r, d, "decides on a load that did not wait for it");
    struct account from = plain(ACCOUNT_CAMPUS_IN_FLIGHT);
    if (held->state == CAMPUS_RECEIPT_OWED)
        from = plain(ACCOUNT_CAMPUS_OWED);
    else if (held->state == CAMPUS_RECEIPT_NOT_DONE)
        from = held->is_suspect ? plain(ACCOUNT_CAMPUS_SUSPENSE)
                                : (struct account){ACCOUNT_CAMPUS_TILL, held->terminal};
    held->is_decided = true;
    if (was_credited)
        return credit(r, d, held, from, card);
    held->state = CAMPUS_RECEIPT_OWED;
    return moves(r, d, from, plain(ACCOUNT_CAMPUS_OWED), card, held->amount);
}

static enum store_status replay_fund(struct replay *r, const struct document_record *d)
{
    struct reader reader = reader_of(d->bytes, d->length);
    uint32_t amount = reader_u32(&reader), id = id_of(d);
    uint16_t currency = reader_u16(&reader);
    const struct campus_replay_terminal *terminal = table_find(&r->campus.terminals, &id);
    if (reader.failed || currency != r->currency || !terminal ||
        terminal->role != CAMPUS_ROLE_RELOAD)
        return replay_bad(r, d, "is no record of funding");
    return moves(r, d, plain(ACCOUNT_CAMPUS_CASH), (struct account){ACCOUNT_CAMPUS_TILL, id}, 0,
                 amount);
}

/* ---- lists and blocks ---- */

static enum store_status remember_listed(struct campus_replay *c, uint32_t card)
{
    if (c->listed_count == c->listed_capacity) {
        size_t capacity = c->listed_capacity ? 2 * c->listed_capacity : 64;
        uint32_t *grown = realloc(c->listed, capacity * sizeof *grown);
        if (!grown)
            return STORE_MEMORY;
        c->listed = grown;
        c->listed_capacity = capacity;
    }
    c->listed[c->listed_count++] = card;
    return STORE_OK;
}

static enum store_status replay_card_listed(struct replay *r, const struct document_record *d)
{
    struct reader reader = reader_of(d->bytes, d->length);
    uint32_t id = reader_u32(&reader), time = reader_u32(&reader);
    struct campus_replay_card *card = table_find(&r->campus.cards, &id);
    if (!reader_done(&reader) || !card || card->listed)
        return replay_bad(r, d, "lists a card that no certificate names, or one a second time");
    card->listed = time;
    return remember_listed(&r->campus, id);
}

static enum store_status replay_terminal_listed(struct replay *r, const struct document_record *d)
{
    uint32_t id = id_of(d);
    struct campus_replay_terminal *terminal = table_find(&r->campus.terminals, &id);
    if (!terminal || d->length != 0)
        return replay_bad(r, d, "lists a terminal that nothing registers");
    terminal->is_listed = true;
    return STORE_OK;
}

static enum store_status replay_block(struct replay *r, const struct document_record *d)
{
    struct reader reader = reader_of(d->bytes, d->length);
    uint8_t text[CAMPUS_TEXT_BYTES];
    uint32_t id = reader_u32(&reader), counter = reader_u32(&reader), end = reader_u32(&reader);
    uint32_t time = reader_u32(&reader);
    const uint8_t *proof = reader_take(&reader, CAMPUS_RSA_BYTES);
    struct campus_replay_card *card = table_find(&r->campus.cards, &id);
    campus_text(id_of(d), counter, end, text);
    bool is_proof = reader_done(&reader) && card && !card->blocked &&
                    counter <= CAMPUS_COUNTER_MAX && end > CAMPUS_COUNTER_MAX;
    enum verdict verdict =
        is_proof ? verdict_on(card->modulus, text, sizeof text, proof) : VERDICT_FORGED;
    if (verdict != VERDICT_VALID)
        return unverified(r, d, verdict, "is no proof that a card blocked itself");
    card->blocked = time;
    return STORE_OK;
}

/* The list may have been made up to a day before or after a card's end: the clock of either. */
static enum store_status replay_list(struct replay *r, const struct document_record *d)
{
    struct campus_replay *c = &r->campus;
    struct campus_list list;
    enum verdict verdict = campus_list_read(d->bytes, d->length, &list)
                               ? verdict_on(c->modulus, list.text, list.text_bytes, list.signature)
                               : VERDICT_FORGED;
    if (verdict != VERDICT_VALID)
        return unverified(r, d, verdict, "is a list whose signature does not verify");
    size_t least = 0, most = 0;
    for (size_t i = 0; i < c->listed_count; i++) {
        const struct campus_replay_card *card = table_find(&c->cards, &c->listed[i]);
        least += card->end > (uint64_t)d->time + DAY_SECONDS;
        most += (uint64_t)card->end + DAY_SECONDS >= d->time;
    }
    if (list.count < least || list.count > most)
        replay_find(r, "document %lld lists %u cards, %zu are to be on it", (long long)d->id,
                    list.count, most);
    if (list.end_ms <= c->list_end_ms)
        return replay_bad(r, d, "is a list that does not end later than the one before");
    c->list_end_ms = list.end_ms;
    memcpy(c->list_hash, d->hash, sizeof c->list_hash);
    return STORE_OK;
}

enum store_status bank_campus_replay_document(struct replay *r, const struct document_record *d)
{
    static enum store_status (*const readers[])(struct replay *, const struct document_record *) = {
        [RECORD_CAMPUS_KEY] = replay_key_of_back_end,
        [RECORD_CAMPUS_TERMINAL] = replay_terminal,
        [RECORD_CAMPUS_CERTIFICATE] = replay_certificate,
        [RECORD_CAMPUS_RECEIPT] = replay_receipt,
        [RECORD_CAMPUS_SECOND] = replay_second,
        [RECORD_CAMPUS_BLOCK] = replay_block,
        [RECORD_CAMPUS_LIST] = replay_list,
        [RECORD_CAMPUS_OUTCOME] = replay_outcome,
        [RECORD_CAMPUS_DECISION] = replay_decision,
        [RECORD_CAMPUS_FUND] = replay_fund,
        [RECORD_CAMPUS_CARD_LISTED] = replay_card_listed,
        [RECORD_CAMPUS_TERMINAL_LISTED] = replay_terminal_listed,
    };
    bool is_counted = d->type == RECORD_CAMPUS_CERTIFICATE || d->type == RECORD_CAMPUS_RECEIPT ||
                      d->type == RECORD_CAMPUS_SECOND;
    if (!r->campus.is_on && d->type != RECORD_CAMPUS_KEY)
        return replay_bad(r, d, "came before the campus purse had a key");
    r->audit->others += !is_counted;
    return readers[d->type](r, d);
}
