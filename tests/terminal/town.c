/* SPDX-License-Identifier: Apache-2.0 */
#include "town.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "scheme/statement.h"

/* ---- the bank ---- */

void town_found(struct town *town)
{
    memset(town, 0, sizeof *town);
    assert_int_equal(crypto_start(), CRYPTO_OK);
    fixture_scheme_make(&town->scheme);
    town->link_keys = fixture_pair_make();
    town->now = FIXTURE_NOW;
    town->policy_pin_above = UINT32_MAX;
    town_list(town, 1, NULL, 0);
}

void town_list(struct town *town, uint32_t sequence, const uint8_t *numbers, uint32_t count)
{
    struct writer w = writer_of(town->list, sizeof town->list);
    size_t message =
        fixture_list(&town->scheme, sequence, numbers, count, town->list, sizeof town->list);
    (void)writer_reserve(&w, message);
    writer_bytes(&w, numbers, (size_t)count * CARD_NUMBER_BYTES);
    assert_false(w.failed);
    town->list_bytes = w.used;
}

static void tag(const struct town *town, const uint8_t *terminal_key, const char *info,
                const uint8_t *bytes, size_t length, uint8_t out[CMAC_BYTES])
{
    uint8_t secret[SHARED_SECRET_BYTES], key[AES_KEY_BYTES];
    const struct piece piece = {bytes, length};
    assert_int_equal(crypto_agree(town->link_keys.private_key, terminal_key, secret), CRYPTO_OK);
    assert_int_equal(crypto_kdf_x963(secret, sizeof secret, (const uint8_t *)info, strlen(info),
                                     key, sizeof key),
                     CRYPTO_OK);
    assert_int_equal(crypto_cmac(key, &piece, 1, out), CRYPTO_OK);
}

static void answer_stock(struct town *town, struct writer *w)
{
    uint8_t nonce[NONCE_BYTES], anchors[ANCHORS_BYTES_MAX];
    struct fixture_pair ephemeral = fixture_pair_make();
    assert_int_equal(crypto_random(nonce, sizeof nonce), CRYPTO_OK);
    size_t bytes = fixture_anchors(&town->scheme, anchors, sizeof anchors);
    writer_bytes(w, nonce, sizeof nonce);
    writer_bytes(w, ephemeral.public_key, PUBLIC_KEY_BYTES);
    writer_bytes(w, anchors, bytes);
}

static void answer_certify(struct town *town, struct reader *r, struct writer *w)
{
    struct statement statement;
    struct fixture_certificate card;
    struct fixture_pair receipt_keys;
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    const uint8_t *answer = reader_take(r, STATEMENT_ANSWER_BYTES);
    assert_non_null(answer);
    assert_int_equal(statement_decode(answer, STATEMENT_BYTES, FIXTURE_SCHEME, &statement),
                     DOCUMENT_OK);
    assert_int_equal(
        document_verify(&crypto_primitives, answer, STATEMENT_BYTES, statement.receipt_key),
        DOCUMENT_OK);
    fixture_card_make(&town->scheme, 1, &card, &receipt_keys);
    memcpy(card.fields.subject, statement.card, CARD_NUMBER_BYTES);
    memcpy(card.fields.key, statement.channel_key, PUBLIC_KEY_BYTES);
    memcpy(card.fields.receipt_key, statement.receipt_key, PUBLIC_KEY_BYTES);
    fixture_certificate_seal(&card, &town->scheme.card_authority.keys);
    writer_u32(w, (uint32_t)(town->scheme.card_authority.length + card.length));
    writer_bytes(w, town->scheme.card_authority.bytes, town->scheme.card_authority.length);
    writer_bytes(w, card.bytes, card.length);
    struct order order = fixture_order_fields(DOCUMENT_POLICY_ORDER, statement.card);
    order.policy.pin_above = town->policy_pin_above;
    link_field(w, message, fixture_order(&town->scheme, &order, message, sizeof message));
}

/* The same order for one card and counter, as long as it was not taken. */
static enum link_result answer_order(struct town *town, struct reader *r, struct writer *w)
{
    struct town_order *order = &town->orders[town->orders_count];
    uint8_t card[CARD_NUMBER_BYTES];
    reader_bytes(r, card, sizeof card);
    uint32_t counter = reader_u32(r), minor = reader_u32(r);
    assert_int_equal(reader_u16(r), FIXTURE_CURRENCY);
    for (size_t i = 0; i < town->orders_count; i++) {
        struct town_order *held = &town->orders[i];
        if (held->counter != counter || memcmp(held->card, card, sizeof card) != 0)
            continue;
        if (held->minor != minor)
            return LINK_CONFLICT;
        writer_bytes(w, held->message, held->bytes);
        return LINK_OK;
    }
    assert_true(town->orders_count < TOWN_ORDERS_MAX);
    memcpy(order->card, card, sizeof card);
    order->counter = counter;
    order->minor = minor;
    struct order fields = fixture_order_fields(DOCUMENT_LOAD_ORDER, card);
    fields.counter = counter;
    fields.number = (uint32_t)town->orders_count + 1;
    fields.amount.minor = minor;
    order->bytes = fixture_order(&town->scheme, &fields, order->message, sizeof order->message);
    writer_bytes(w, order->message, order->bytes);
    town->orders_count++;
    return LINK_OK;
}

/* ---- uploads ---- */

static bool is_booked(const struct town *town, const uint8_t document[RECEIPT_BYTES])
{
    for (size_t i = 0; i < town->receipts_count; i++)
        if (memcmp(town->receipts[i], document, RECEIPT_BYTES) == 0)
            return true;
    return false;
}

static enum upload_result book(struct town_terminal *t, struct reader document,
                               struct reader certificate)
{
    struct town *town = t->town;
    struct certificate card;
    struct receipt receipt;
    struct certificate_authority authority =
        certificate_as_authority(&town->scheme.card_authority.fields);
    if (certificate_check(&crypto_primitives, certificate.at, certificate.left, CERTIFICATE_CARD,
                          FIXTURE_SCHEME, &authority, &card) != DOCUMENT_OK ||
        receipt_decode(document.at, document.left, FIXTURE_SCHEME, &receipt) != DOCUMENT_OK ||
        document_verify(&crypto_primitives, document.at, document.left, card.receipt_key) !=
            DOCUMENT_OK)
        return UPLOAD_REJECTED;
    if (is_booked(town, document.at))
        return UPLOAD_ALREADY;
    assert_true(town->receipts_count < TOWN_RECEIPTS_MAX);
    memcpy(town->receipts[town->receipts_count++], document.at, RECEIPT_BYTES);
    if (receipt.kind == DOCUMENT_PAYMENT_RECEIPT)
        town->paid += receipt.amount.minor;
    if (receipt.kind == DOCUMENT_LOAD_RECEIPT)
        town->loaded += receipt.amount.minor;
    if (receipt.terminal_counter > t->highest)
        t->highest = receipt.terminal_counter;
    return UPLOAD_BOOKED;
}

static enum upload_result take_entry(struct town_terminal *t, struct reader *r)
{
    struct reader document, certificate;
    switch ((enum upload_kind)reader_u8(r)) {
    case UPLOAD_RECEIPT:
        document = link_field_read(r);
        certificate = link_field_read(r);
        return book(t, document, certificate);
    case UPLOAD_ABANDONED:
        (void)reader_take(r, CARD_NUMBER_BYTES);
        uint32_t number = reader_u32(r);
        (void)reader_u8(r);
        t->highest = number > t->highest ? number : t->highest;
        t->town->abandoned_count++;
        return UPLOAD_BOOKED;
    case UPLOAD_CERTIFICATE:
        (void)link_field_read(r);
        return UPLOAD_BOOKED;
    }
    return UPLOAD_REJECTED;
}

static void answer_acknowledgements(struct town *town, struct writer *w)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    writer_u32(w, town->acknowledge == 0 ? 0 : 1);
    if (town->acknowledge == 0)
        return;
    struct order order = fixture_order_fields(DOCUMENT_ACKNOWLEDGEMENT, town->acknowledge_card);
    order.acknowledgement.up_to = town->acknowledge;
    writer_bytes(w, town->acknowledge_card, CARD_NUMBER_BYTES);
    link_field(w, message, fixture_order(&town->scheme, &order, message, sizeof message));
    town->acknowledge = 0;
}

static void answer_upload(struct town_terminal *t, struct reader *r, struct writer *w)
{
    struct town *town = t->town;
    uint8_t results[LINK_UPLOAD_MAX];
    (void)reader_u32(r);
    uint32_t count = reader_u32(r);
    assert_true(count <= LINK_UPLOAD_MAX);
    for (uint32_t i = 0; i < count; i++)
        results[i] = (uint8_t)take_entry(t, r);
    assert_true(reader_done(r));
    town->uploads++;
    writer_u32(w, town->highest_claimed != 0 ? town->highest_claimed : t->highest);
    writer_u32(w, count);
    writer_bytes(w, results, count);
    answer_acknowledgements(town, w);
    link_field(w, town->list, town->give_list ? town->list_bytes : 0);
    town->give_list = false;
    if (town->give_certificate != NULL)
        link_field(w, town->give_certificate->bytes, town->give_certificate->length);
    else
        writer_u32(w, 0);
    town->give_certificate = NULL;
}

/* ---- the link ---- */

static void answer_body(struct town_terminal *t, enum link_type type, struct reader *r,
                        struct writer *w)
{
    uint8_t *result = writer_reserve(w, 1);
    assert_non_null(result);
    *result = LINK_OK;
    if (t->town->mood == BANK_REFUSES) {
        *result = LINK_REFUSED;
        writer_bytes(w, (const uint8_t *)"not today", 9);
        return;
    }
    switch (type) {
    case LINK_LOAD_ORDER:
        *result = (uint8_t)answer_order(t->town, r, w);
        return;
    case LINK_UPLOAD:
        answer_upload(t, r, w);
        return;
    case LINK_STOCK:
        answer_stock(t->town, w);
        return;
    case LINK_CERTIFY:
        answer_certify(t->town, r, w);
        return;
    }
}

static void answer_new(struct town_terminal *t, const uint8_t *request, size_t bytes)
{
    struct town *town = t->town;
    struct link_header header;
    struct writer w = writer_of(town->last_answer, sizeof town->last_answer);
    struct reader r = reader_of(request, bytes - CMAC_BYTES);
    assert_true(link_header_decode(&r, false, &header));
    assert_memory_equal(header.terminal, t->certificate.fields.subject, TERMINAL_NUMBER_BYTES);
    link_header_encode(&header, true, &w);
    answer_body(t, header.type, &r, &w);
    size_t body = w.used;
    uint8_t *mac = writer_reserve(&w, CMAC_BYTES);
    assert_non_null(mac);
    tag(town, t->certificate.fields.key, LINK_INFO_ANSWER, town->last_answer, body, mac);
    memcpy(town->last_id, header.id, sizeof town->last_id);
    town->last_answer_bytes = w.used;
}

static bool link_answer(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                        size_t *answer_bytes)
{
    struct town_terminal *t = context;
    struct town *town = t->town;
    uint8_t mac[CMAC_BYTES];
    if (town->mood == BANK_IS_DOWN)
        return false;
    assert_true(bytes > LINK_HEADER_BYTES + CMAC_BYTES);
    tag(town, t->certificate.fields.key, LINK_INFO_REQUEST, request, bytes - CMAC_BYTES, mac);
    assert_memory_equal(mac, request + bytes - CMAC_BYTES, CMAC_BYTES);
    /* The same id gets the same answer. */
    if (memcmp(request + LINK_HEADER_BYTES - LINK_ID_BYTES, town->last_id, LINK_ID_BYTES) != 0)
        answer_new(t, request, bytes);
    if (town->mood == BANK_LOSES_ANSWER)
        return false;
    *answer = malloc(town->last_answer_bytes);
    assert_non_null(*answer);
    memcpy(*answer, town->last_answer, town->last_answer_bytes);
    if (town->mood == BANK_FORGES)
        (*answer)[LINK_HEADER_BYTES + 1] ^= 1;
    *answer_bytes = town->last_answer_bytes;
    return true;
}

static void link_release(void *context, uint8_t *answer)
{
    (void)context;
    free(answer);
}

/* ---- terminals ---- */

static uint32_t town_clock(void *context)
{
    return ((const struct town *)context)->now;
}

static void watch(void *context, const struct stiver_terminal_exchange *exchange)
{
    struct town_terminal *t = context;
    if (t->watched == NULL || strcmp(exchange->command, t->watched) != 0)
        return;
    t->watched_count++;
    if (exchange->sent_command_bytes > t->watched_longest)
        t->watched_longest = exchange->sent_command_bytes;
}

size_t town_package(struct town *town, enum terminal_role role, uint32_t number,
                    const uint8_t request[STIVER_TERMINAL_REQUEST_BYTES],
                    struct fixture_certificate *certificate, uint8_t *out, size_t capacity)
{
    uint8_t anchors[ANCHORS_BYTES_MAX];
    struct writer w = writer_of(out, capacity);
    fixture_terminal_make(&town->scheme, role, number, certificate);
    memcpy(certificate->fields.key, request + 1, PUBLIC_KEY_BYTES);
    fixture_certificate_seal(certificate, &town->scheme.terminal_authority.keys);
    document_header(&w, DOCUMENT_PACKAGE, FIXTURE_SCHEME);
    writer_bytes(&w, certificate->fields.subject, TERMINAL_NUMBER_BYTES);
    writer_bytes(&w, town->link_keys.public_key, PUBLIC_KEY_BYTES);
    writer_u8(&w, 1);
    link_field(&w, town->scheme.card_authority.bytes, town->scheme.card_authority.length);
    link_field(&w, certificate->bytes, certificate->length);
    link_field(&w, anchors, fixture_anchors(&town->scheme, anchors, sizeof anchors));
    link_field(&w, town->list, town->list_bytes);
    size_t unsigned_bytes = w.used;
    assert_non_null(writer_reserve(&w, SIGNATURE_BYTES));
    assert_false(w.failed);
    fixture_sign(out, unsigned_bytes, &town->scheme.terminal_authority.keys);
    return w.used;
}

void town_terminal(struct town *town, enum terminal_role role, uint32_t number,
                   const char *directory, struct town_terminal *t)
{
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    static uint8_t package[128u * 1024u];
    const struct stiver_terminal_environment environment = {.now = town_clock,
                                                            .clock_context = town,
                                                            .trace = watch,
                                                            .trace_context = t,
                                                            .journal_in_memory = directory == NULL};
    memset(t, 0, sizeof *t);
    t->town = town;
    t->link = (struct stiver_terminal_link){t, link_answer, link_release};
    if (directory != NULL)
        assert_int_equal(stiver_terminal_create(directory, request), STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_open(directory, &environment, &t->terminal),
                     STIVER_TERMINAL_OK);
    stiver_terminal_request(t->terminal, request);
    size_t bytes =
        town_package(town, role, number, request, &t->certificate, package, sizeof package);
    assert_int_equal(stiver_terminal_adopt(t->terminal, package, bytes, NULL), STIVER_TERMINAL_OK);
}

void town_terminal_close(struct town_terminal *t)
{
    stiver_terminal_close(t->terminal);
    t->terminal = NULL;
}

/* ---- cards ---- */

static enum stiver_flash_status flash_read(void *context, uint32_t address, uint8_t *out,
                                           size_t bytes)
{
    memcpy(out, (const uint8_t *)context + address, bytes);
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status flash_program(void *context, uint32_t address, const uint8_t *data,
                                              size_t bytes)
{
    uint8_t *flash = context;
    for (size_t i = 0; i < bytes; i++)
        flash[address + i] &= data[i];
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status flash_erase(void *context, uint32_t page)
{
    memset((uint8_t *)context + (size_t)page * TOWN_PAGE_BYTES, 0xFF, TOWN_PAGE_BYTES);
    return STIVER_FLASH_OK;
}

void town_card_blank(struct town_card *card, uint8_t number)
{
    struct stiver_card_factory factory = {.transport_key = {0x55}};
    memset(card, 0, sizeof *card);
    memset(card->flash, 0xFF, sizeof card->flash);
    memset(card->serial, number, sizeof card->serial);
    memcpy(factory.serial, card->serial, sizeof factory.serial);
    card->port = (struct stiver_flash){.context = card->flash,
                                       .page_bytes = TOWN_PAGE_BYTES,
                                       .pages = TOWN_PAGES,
                                       .unit_bytes = 8,
                                       .read = flash_read,
                                       .program = flash_program,
                                       .erase = flash_erase};
    assert_int_equal(stiver_card_manufacture(&card->port, &factory), STIVER_CARD_OK);
    town_card_insert(card);
}

void town_card_touch(struct town_card *card, enum pull at, enum command command)
{
    struct card_slot_options options = {.flash = card->port};
    card_reader_close(&card->reader);
    if (at != PULL_NEVER)
        options.pull = (struct pull_plan){.at = at, .ins = command_rows[command].ins, .nth = 1};
    card_slot_init(&card->slot, &options);
    assert_int_equal(inprocess_reader_open(&card->slot, &card->reader), READER_OK);
}

void town_card_insert(struct town_card *card)
{
    town_card_touch(card, PULL_NEVER, COMMAND_PAY);
}

void town_card_remove(struct town_card *card)
{
    card_reader_close(&card->reader);
}

void town_card_issue(struct town *town, struct town_card *card, uint8_t number)
{
    struct town_terminal station;
    struct stiver_terminal_result result;
    town_card_blank(card, number);
    town_terminal(town, ROLE_STATION, 0xA0u + number, NULL, &station);
    const struct stiver_terminal_personalisation with = {.link = &station.link};
    assert_int_equal(stiver_terminal_personalise(station.terminal, &card->reader, &with, &result),
                     STIVER_TERMINAL_OK);
    memcpy(card->number, result.card, sizeof card->number);
    town_terminal_close(&station);
}

/* ---- whole touches ---- */

enum stiver_terminal_status town_pay(struct town_terminal *t, struct town_card *card,
                                     uint32_t minor, struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(minor)};
    town_card_insert(card);
    enum stiver_terminal_status status =
        stiver_terminal_begin(t->terminal, &card->reader, &session, result);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_pay(session, &sale, result);
    stiver_terminal_end(session);
    return status;
}

void town_load(struct town_terminal *kiosk, struct town_card *card, uint32_t minor)
{
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    town_card_insert(card);
    assert_int_equal(stiver_terminal_begin(kiosk->terminal, &card->reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_load(session, TOWN_EUR(minor), &kiosk->link, &result),
                     STIVER_TERMINAL_OK);
    stiver_terminal_end(session);
}

uint32_t town_balance(struct town_terminal *t, struct town_card *card)
{
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    struct stiver_terminal_purse purse;
    town_card_insert(card);
    assert_int_equal(stiver_terminal_begin(t->terminal, &card->reader, &session, &result),
                     STIVER_TERMINAL_OK);
    assert_int_equal(stiver_terminal_read(session, &purse, &result), STIVER_TERMINAL_OK);
    stiver_terminal_end(session);
    return purse.balance.minor;
}

void town_check_money(struct town *town, struct town_card *card, struct town_terminal **terminals,
                      size_t count)
{
    struct stiver_terminal_info info;
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES];
    uint32_t balance = 0;
    for (size_t i = 0; i < count; i++)
        balance = town_balance(terminals[i], card);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            stiver_terminal_synchronise(terminals[i]->terminal, &terminals[i]->link, &sync, detail),
            STIVER_TERMINAL_OK);
        assert_int_equal(sync.rejected, 0);
        assert_int_equal(stiver_terminal_info(terminals[i]->terminal, &info), STIVER_TERMINAL_OK);
        assert_int_equal(info.open_intents, 0);
        assert_int_equal(info.to_upload, 0);
    }
    assert_int_equal(town->loaded - town->paid, balance);
}
