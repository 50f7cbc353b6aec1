/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"

static uint32_t world_now(void *context)
{
    return ((struct world *)context)->now;
}

struct stiver_bank_environment world_environment(struct world *w)
{
    return (struct stiver_bank_environment){
        .engine = &stiver_store_sqlite, .now = world_now, .clock_context = w, .key_cost = 10};
}

struct stiver_bank_secret world_passphrase(void)
{
    return (struct stiver_bank_secret){(const uint8_t *)"correct horse", 13};
}

struct stiver_bank_founding world_founding(void)
{
    return (struct stiver_bank_founding){
        .name = "Test campus",
        .currency = WORLD_EUR,
        .is_test = true,
        .scheme = WORLD_SCHEME,
        .largest = 10000,
        .policy = {.payment_limit = 5000,
                   .balance_limit = 20000,
                   .pin_above = UINT32_MAX,
                   .online_above = UINT32_MAX},
        .passphrase = world_passphrase(),
    };
}

void world_open(struct world *w)
{
    *w = (struct world){.now = WORLD_NOW, .parent = "/tmp/stiver-bank-test-XXXXXX"};
    assert_non_null(mkdtemp(w->parent));
    snprintf(w->directory, sizeof w->directory, "%s/bank", w->parent);
    struct stiver_bank_environment environment = world_environment(w);
    struct stiver_bank_founding founding = world_founding();
    assert_int_equal(stiver_bank_found(w->directory, &founding, &environment), STIVER_BANK_OK);
    assert_int_equal(stiver_bank_open(w->directory, world_passphrase(), &environment, &w->bank),
                     STIVER_BANK_OK);
}

void world_reopen(struct world *w)
{
    struct stiver_bank_environment environment = world_environment(w);
    stiver_bank_close(w->bank);
    w->bank = NULL;
    assert_int_equal(stiver_bank_open(w->directory, world_passphrase(), &environment, &w->bank),
                     STIVER_BANK_OK);
}

/* Two levels are all there is. */
static void remove_folder(const char *path, int depth)
{
    DIR *folder = opendir(path);
    for (struct dirent *e = folder ? readdir(folder) : NULL; e; e = readdir(folder)) {
        char name[512];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (unlink(name) != 0 && depth > 0)
            remove_folder(name, depth - 1);
    }
    if (folder)
        closedir(folder);
    rmdir(path);
}

void world_remove(struct world *w)
{
    stiver_bank_close(w->bank);
    remove_folder(w->parent, 3);
}

static void show_finding(void *context, const char *text)
{
    (void)context;
    print_message("# audit: %s\n", text);
}

void world_close(struct world *w)
{
    struct stiver_bank_books books;
    struct stiver_bank_audit audit;
    assert_int_equal(stiver_bank_books(w->bank, NULL, NULL, &books), STIVER_BANK_OK);
    assert_int_equal(books.sum_minor, 0);
    assert_int_equal(books.float_minor, books.shadow_minor);
    assert_true(books.balanced);
    assert_int_equal(stiver_bank_audit(w->bank, show_finding, NULL, &audit), STIVER_BANK_OK);
    assert_int_equal(audit.findings, 0);
    assert_int_equal(audit.postings, books.postings);
    world_remove(w);
}

void world_sql(struct world *w, const char *sql)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/bank.db", w->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

struct wanted {
    const char *name;
    int64_t balance;
};

static void pick_account(void *context, const struct stiver_bank_account *account)
{
    struct wanted *wanted = context;
    if (strcmp(account->name, wanted->name) == 0)
        wanted->balance = account->balance_minor;
}

int64_t world_balance(struct world *w, const char *account)
{
    struct wanted wanted = {account, 0};
    struct stiver_bank_books books;
    assert_int_equal(stiver_bank_books(w->bank, pick_account, &wanted, &books), STIVER_BANK_OK);
    return wanted.balance;
}

uint64_t world_alarms(struct world *w)
{
    struct stiver_bank_books books;
    assert_int_equal(stiver_bank_books(w->bank, NULL, NULL, &books), STIVER_BANK_OK);
    return books.alarms;
}

struct card_pick {
    const struct card *card;
    struct stiver_bank_card found;
};

static void pick_card(void *context, const struct stiver_bank_card *card)
{
    struct card_pick *pick = context;
    if (memcmp(card->card, pick->card->number, 8) == 0)
        pick->found = *card;
}

struct stiver_bank_card world_card(struct world *w, const struct card *card)
{
    struct card_pick pick = {.card = card};
    assert_int_equal(stiver_bank_cards(w->bank, pick_card, &pick), STIVER_BANK_OK);
    assert_memory_equal(pick.found.card, card->number, 8);
    return pick.found;
}

/* ---- terminals ---- */

void terminal_enrol(struct world *w, struct terminal *t, enum terminal_role role, uint32_t merchant,
                    uint32_t credit)
{
    uint8_t request[ENROL_REQUEST_BYTES] = {1};
    struct stiver_bank_enrolment enrolment = {
        .role = (uint8_t)role, .merchant = merchant, .limit = 2000, .credit = credit, .days = 7};
    struct stiver_bank_bytes package;
    *t = (struct terminal){.pair = evp_key_generate(), .merchant = merchant};
    assert_non_null(t->pair);
    assert_true(evp_public_of(t->pair, request + 1));
    assert_int_equal(
        stiver_bank_enrol(w->bank, request, sizeof request, &enrolment, t->number, &package),
        STIVER_BANK_OK);
    struct reader r = reader_of(package.data, package.length);
    uint8_t number[8];
    assert_int_equal(document_open(&r, DOCUMENT_PACKAGE, WORLD_SCHEME), DOCUMENT_OK);
    reader_bytes(&r, number, 8);
    assert_memory_equal(number, t->number, 8);
    reader_bytes(&r, t->link_key, 64);
    for (unsigned n = reader_u8(&r); n > 0; n--)
        (void)link_field_read(&r);
    struct reader certificate = link_field_read(&r);
    t->certificate_bytes = certificate.left;
    reader_bytes(&certificate, t->certificate, certificate.left);
    struct reader anchors = link_field_read(&r), list = link_field_read(&r);
    assert_true(anchors.left > 0 && list.left >= LIST_HEAD_BYTES);
    assert_non_null(reader_take(&r, SIGNATURE_BYTES));
    assert_true(reader_done(&r));
    assert_int_equal(
        certificate_host_id(&bank_primitives, t->certificate, t->certificate_bytes, t->fingerprint),
        DOCUMENT_OK);
    stiver_bank_bytes_free(&package);
}

void terminal_free(struct terminal *t)
{
    EVP_PKEY_free(t->pair);
}

static void check_reply(const struct terminal *t, const uint8_t key[16], enum link_type type,
                        struct reply *reply)
{
    struct link_header header;
    uint8_t tag[16];
    size_t covered = reply->whole.length - 16;
    assert_true(evp_cmac(key, reply->whole.data, covered, tag));
    assert_memory_equal(tag, reply->whole.data + covered, 16);
    reply->body = reader_of(reply->whole.data, covered);
    assert_true(link_header_decode(&reply->body, true, &header));
    assert_int_equal(header.type, type);
    assert_memory_equal(header.terminal, t->number, 8);
    reply->result = (enum link_result)reader_u8(&reply->body);
}

struct reply link_call(struct world *w, const struct terminal *t, enum link_type type,
                       const uint8_t *body, size_t bytes, const uint8_t *id)
{
    struct link_header header = {.type = type, .scheme = WORLD_SCHEME};
    uint8_t secret[32], key[16], answer_key[16];
    struct reply reply = {0};
    memcpy(header.terminal, t->number, 8);
    assert_true(evp_random(header.id, sizeof header.id));
    if (id)
        memcpy(header.id, id, sizeof header.id);
    assert_true(evp_agree(t->pair, t->link_key, secret) &&
                evp_derive(secret, LINK_INFO_REQUEST, key) &&
                evp_derive(secret, LINK_INFO_ANSWER, answer_key));
    uint8_t *request = malloc(LINK_HEADER_BYTES + bytes + 16);
    assert_non_null(request);
    struct writer writer = writer_of(request, LINK_HEADER_BYTES + bytes + 16);
    link_header_encode(&header, false, &writer);
    writer_bytes(&writer, body, bytes);
    assert_true(evp_cmac(key, request, writer.used, request + writer.used));
    reply.status = stiver_bank_link(w->bank, request, writer.used + 16, &reply.whole);
    free(request);
    if (reply.status == STIVER_BANK_OK)
        check_reply(t, answer_key, type, &reply);
    return reply;
}

void reply_free(struct reply *r)
{
    stiver_bank_bytes_free(&r->whole);
}

/* ---- cards ---- */

void card_state_keys(const struct card *card, struct reader stock_reply,
                     uint8_t out[STATEMENT_ANSWER_BYTES])
{
    struct statement s = {
        .scheme = WORLD_SCHEME, .firmware = 0x00010000, .card_class = CARD_VIRTUAL};
    uint8_t ephemeral[64], secret[32], key[16], hash[32];
    reader_bytes(&stock_reply, s.nonce, sizeof s.nonce);
    reader_bytes(&stock_reply, ephemeral, sizeof ephemeral);
    memcpy(s.serial, card->serial, 8);
    memcpy(s.card, card->number, 8);
    assert_true(evp_public_of(card->channel, s.channel_key));
    assert_true(evp_public_of(card->receipt, s.receipt_key));
    assert_true(evp_sha256(stock_reply.at, stock_reply.left, s.anchors_hash));
    statement_encode(&s, out);
    size_t body = STATEMENT_BYTES - SIGNATURE_BYTES;
    assert_int_equal(document_hash(&bank_primitives, out, body, hash), DOCUMENT_OK);
    assert_true(evp_sign(card->receipt, hash, out + body));
    assert_true(evp_agree(card->channel, ephemeral, secret) &&
                evp_derive(secret, KEY_PROOF_INFO, key));
    assert_true(evp_cmac(key, out, STATEMENT_BYTES, out + STATEMENT_BYTES));
    assert_true(
        evp_cmac(card->transport_key, out, STATEMENT_BYTES + 16, out + STATEMENT_BYTES + 16));
}

void card_make(struct world *w, struct terminal *station, struct card *card)
{
    uint8_t statement[STATEMENT_ANSWER_BYTES];
    *card = (struct card){.channel = evp_key_generate(), .receipt = evp_key_generate()};
    assert_true(evp_random(card->serial, 8) && evp_random(card->number, 8) &&
                evp_random(card->transport_key, 16));
    assert_int_equal(stiver_bank_stock(w->bank, card->serial, card->transport_key, CARD_VIRTUAL),
                     STIVER_BANK_OK);
    struct reply challenge = link_call(w, station, LINK_STOCK, card->serial, 8, NULL);
    assert_int_equal(challenge.status, STIVER_BANK_OK);
    assert_int_equal(challenge.result, LINK_OK);
    card_state_keys(card, challenge.body, statement);
    reply_free(&challenge);
    struct reply certified = link_call(w, station, LINK_CERTIFY, statement, sizeof statement, NULL);
    assert_int_equal(certified.result, LINK_OK);
    struct reader both = link_field_read(&certified.body);
    struct reader policy = link_field_read(&certified.body);
    assert_true(reader_done(&certified.body) && policy.left > 0);
    size_t authority = certificate_length(both.at, both.left);
    assert_true(authority > 0 && authority < both.left);
    card->certificate_bytes = both.left - authority;
    memcpy(card->certificate, both.at + authority, card->certificate_bytes);
    reply_free(&certified);
}

void card_free(struct card *card)
{
    EVP_PKEY_free(card->channel);
    EVP_PKEY_free(card->receipt);
}

struct receipt card_receipt(struct card *card, struct terminal *t, enum document_kind kind,
                            uint32_t amount)
{
    bool adds = kind == DOCUMENT_LOAD_RECEIPT || kind == DOCUMENT_REFUND_RECEIPT;
    card->balance = adds ? card->balance + amount : card->balance - amount;
    struct receipt r = {
        .kind = kind,
        .scheme = WORLD_SCHEME,
        .card_counter = ++card->counter,
        .terminal_counter = ++t->counter,
        .merchant = t->merchant,
        .amount = {amount, WORLD_EUR},
        .balance_after = card->balance,
        .time = WORLD_NOW,
    };
    memcpy(r.card, card->number, 8);
    memcpy(r.terminal, t->number, 8);
    memcpy(r.terminal_certificate, t->fingerprint, 16);
    assert_true(evp_random(r.random, sizeof r.random));
    return r;
}

void card_sign(const struct card *card, const struct receipt *receipt, uint8_t out[RECEIPT_BYTES])
{
    uint8_t hash[32];
    size_t body = RECEIPT_BYTES - SIGNATURE_BYTES;
    receipt_encode(receipt, out);
    assert_int_equal(document_hash(&bank_primitives, out, body, hash), DOCUMENT_OK);
    assert_true(evp_sign(card->receipt, hash, out + body));
}

void card_pay(struct card *card, struct terminal *t, uint32_t amount, uint8_t out[RECEIPT_BYTES])
{
    struct receipt r = card_receipt(card, t, DOCUMENT_PAYMENT_RECEIPT, amount);
    card_sign(card, &r, out);
}

struct reply ask_load(struct world *w, const struct terminal *kiosk, const struct card *card,
                      uint32_t counter, uint32_t amount)
{
    uint8_t body[18];
    struct writer writer = writer_of(body, sizeof body);
    writer_bytes(&writer, card->number, 8);
    writer_u32(&writer, counter);
    writer_u32(&writer, amount);
    writer_u16(&writer, WORLD_EUR);
    return link_call(w, kiosk, LINK_LOAD_ORDER, body, sizeof body, NULL);
}

void card_take(struct card *card, struct terminal *t, const uint8_t *message, size_t bytes,
               uint8_t out[RECEIPT_BYTES])
{
    struct order order;
    size_t document = order_bytes(message[0]);
    assert_true(document > 0 && document < bytes);
    assert_int_equal(order_decode(message, document, WORLD_SCHEME, &order), DOCUMENT_OK);
    bool is_load = order.kind == DOCUMENT_LOAD_ORDER;
    struct receipt r = card_receipt(
        card, t, is_load ? DOCUMENT_LOAD_RECEIPT : DOCUMENT_REFUND_RECEIPT, order.amount.minor);
    r.order_number = order.number;
    r.order_counter = order.counter;
    if (is_load)
        card->load_counter = order.counter;
    else
        card->refund_counter = order.counter;
    card_sign(card, &r, out);
}

void card_load(struct world *w, struct terminal *kiosk, struct card *card, uint32_t amount)
{
    uint8_t receipt[RECEIPT_BYTES];
    struct reply order = ask_load(w, kiosk, card, card->load_counter + 1, amount);
    assert_int_equal(order.result, LINK_OK);
    card_take(card, kiosk, order.body.at, order.body.left, receipt);
    reply_free(&order);
    assert_int_equal(upload_one(w, kiosk, receipt, card), UPLOAD_BOOKED);
}

/* ---- uploads ---- */

static struct writer parcel_room(struct parcel *p, size_t bytes)
{
    if (p->used + bytes > p->capacity) {
        p->capacity = 2 * (p->used + bytes);
        p->bytes = realloc(p->bytes, p->capacity);
        assert_non_null(p->bytes);
    }
    p->count++;
    return writer_of(p->bytes + p->used, p->capacity - p->used);
}

void parcel_receipt(struct parcel *p, const uint8_t receipt[RECEIPT_BYTES], const struct card *card)
{
    struct writer w = parcel_room(p, 9 + RECEIPT_BYTES + CERTIFICATE_BYTES_MAX);
    writer_u8(&w, UPLOAD_RECEIPT);
    link_field(&w, receipt, RECEIPT_BYTES);
    link_field(&w, card->certificate, card->certificate_bytes);
    p->used += w.used;
}

void parcel_abandoned(struct parcel *p, const struct card *card, uint32_t terminal_counter)
{
    struct writer w = parcel_room(p, 14);
    writer_u8(&w, UPLOAD_ABANDONED);
    writer_bytes(&w, card->number, 8);
    writer_u32(&w, terminal_counter);
    writer_u8(&w, DOCUMENT_PAYMENT_RECEIPT);
    p->used += w.used;
}

struct reply parcel_upload(struct world *w, const struct terminal *t, struct parcel *p,
                           uint8_t *results, struct reader *rest)
{
    uint8_t *body = malloc(8 + p->used);
    assert_non_null(body);
    struct writer writer = writer_of(body, 8 + p->used);
    writer_u32(&writer, 0);
    writer_u32(&writer, p->count);
    writer_bytes(&writer, p->bytes, p->used);
    struct reply reply = link_call(w, t, LINK_UPLOAD, body, writer.used, NULL);
    free(body);
    assert_int_equal(reply.status, STIVER_BANK_OK);
    assert_int_equal(reply.result, LINK_OK);
    struct reader r = reply.body;
    (void)reader_u32(&r);
    assert_int_equal(reader_u32(&r), p->count);
    reader_bytes(&r, results, p->count);
    assert_false(r.failed);
    if (rest)
        *rest = r;
    free(p->bytes);
    *p = (struct parcel){0};
    return reply;
}

enum upload_result upload_one(struct world *w, const struct terminal *t,
                              const uint8_t receipt[RECEIPT_BYTES], const struct card *card)
{
    struct parcel p = {0};
    uint8_t result = 0xFF;
    parcel_receipt(&p, receipt, card);
    struct reply reply = parcel_upload(w, t, &p, &result, NULL);
    reply_free(&reply);
    return (enum upload_result)result;
}
