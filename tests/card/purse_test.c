/* SPDX-License-Identifier: Apache-2.0 */
#include "purse_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TERMINALS 16u
#define NOON (ISSUER_TODAY + 43200u)

struct card_harness purse_card;
uint8_t purse_pin[PIN_BYTES];
struct receipt purse_receipt;

static struct test_terminal terminals[TERMINALS];
static uint32_t terminal_number, order_number;
static uint32_t booked_counter; /* highest card counter booked */
static int64_t booked;

/* ---- card and terminals ---- */

void purse_fresh_as(bool is_hardware, uint8_t authority_flags)
{
    memset(terminals, 0, sizeof terminals);
    terminal_number = order_number = booked_counter = 0;
    booked = 0;
    card_harness_blank_as(&purse_card, is_hardware, authority_flags);
    card_harness_personalise(&purse_card);
    purse_at(ROLE_STATION, 1);
    assert_int_equal(purse_send(COMMAND_READ_PIN, NULL, 0), STATUS_OK);
    assert_int_equal(purse_card.answer_bytes, PIN_BYTES);
    memcpy(purse_pin, purse_card.answer, PIN_BYTES);
    assert_int_equal(purse_send(COMMAND_ISSUE, NULL, 0), STATUS_OK);
    card_harness_power_cycle(&purse_card);
}

int purse_fresh(void **state)
{
    (void)state;
    purse_fresh_as(true, 0);
    return 0;
}

struct purse *purse_inside(void)
{
    return purse_of((struct card *)(void *)purse_card.card.memory);
}

void purse_at(enum terminal_role role, uint8_t number)
{
    assert_true(number < TERMINALS);
    struct test_terminal *terminal = &terminals[number];
    if (terminal->certificate.length == 0) {
        struct certificate fields = issuer_terminal_fields(role, number);
        issuer_terminal(&purse_card.issuer, &fields, terminal);
    }
    assert_int_equal(card_harness_select(&purse_card), 0x9000);
    purse_card.terminal = *terminal;
    card_harness_connect_again(&purse_card);
}

void purse_tap(void)
{
    card_harness_power_cycle(&purse_card);
    card_harness_connect_again(&purse_card);
}

/* ---- commands ---- */

static enum status status_of(uint16_t word)
{
    enum status status = STATUS_COUNT;
    assert_int_equal(purse_card.channel_status, CHANNEL_OK);
    if ((word & 0xFFF0) == 0x63C0)
        return (enum status)(STATUS_PIN_WRONG + (word & 0x0F));
    assert_true(status_of_word(word, true, &status));
    if (status != STATUS_OK) /* a refusal carries no data */
        assert_int_equal(purse_card.answer_bytes, 0);
    return status;
}

enum status purse_send(enum command command, const uint8_t *data, size_t bytes)
{
    return status_of(card_harness_command(&purse_card, command, data, bytes));
}

void purse_status_raw(uint8_t out[PURSE_STATUS_BYTES])
{
    assert_int_equal(purse_send(COMMAND_READ_STATUS, NULL, 0), STATUS_OK);
    assert_int_equal(purse_card.answer_bytes, PURSE_STATUS_BYTES);
    memcpy(out, purse_card.answer, PURSE_STATUS_BYTES);
}

struct purse_status purse_status_now(void)
{
    uint8_t raw[PURSE_STATUS_BYTES];
    struct purse_status status;
    purse_status_raw(raw);
    assert_true(purse_status_decode(raw, sizeof raw, &status));
    return status;
}

/* ---- books ---- */

static void book(const struct receipt *receipt)
{
    if (receipt->card_counter <= booked_counter)
        return;
    assert_int_equal(receipt->card_counter, booked_counter + 1);
    booked_counter = receipt->card_counter;
    if (receipt->kind == DOCUMENT_PAYMENT_RECEIPT)
        booked -= receipt->amount.minor;
    else
        booked += receipt->amount.minor;
    assert_int_equal(receipt->balance_after, booked);
}

void purse_take_document(const uint8_t *document, size_t bytes)
{
    assert_int_equal(bytes, RECEIPT_BYTES);
    assert_int_equal(receipt_decode(document, bytes, ISSUER_SCHEME, &purse_receipt), DOCUMENT_OK);
    assert_int_equal(
        document_verify(&crypto_primitives, document, bytes, purse_card.statement.receipt_key),
        DOCUMENT_OK);
    assert_memory_equal(purse_receipt.card, purse_card.statement.card, CARD_NUMBER_BYTES);
    assert_false(bytes_are_zero(purse_receipt.random, RANDOM_BYTES));
    book(&purse_receipt);
}

uint32_t purse_expected_balance(void)
{
    return (uint32_t)booked;
}

void purse_books(void)
{
    struct purse_status status = purse_status_now();
    assert_int_equal(status.balance.minor, booked);
    assert_int_equal(status.balance.currency, ISSUER_CURRENCY);
    assert_int_equal(status.card_counter, booked_counter);
}

void purse_books_from(uint32_t card_counter)
{
    booked_counter = card_counter;
}

/* ---- payments ---- */

struct sale purse_sale(uint32_t amount)
{
    struct sale sale = {
        .amount = money_of(amount, ISSUER_CURRENCY),
        .terminal_counter = ++terminal_number,
        .time = NOON,
    };
    assert_int_equal(crypto_random(sale.reference, sizeof sale.reference), CRYPTO_OK);
    return sale;
}

/* The receipt's fields that a terminal knows by itself. */
static void known_fields(const struct sale *sale, struct receipt *receipt)
{
    memset(receipt, 0, sizeof *receipt);
    receipt->kind = DOCUMENT_PAYMENT_RECEIPT;
    receipt->scheme = ISSUER_SCHEME;
    memcpy(receipt->card, purse_card.statement.card, CARD_NUMBER_BYTES);
    memcpy(receipt->terminal, purse_card.terminal.number, TERMINAL_NUMBER_BYTES);
    receipt->terminal_counter = sale->terminal_counter;
    memcpy(receipt->terminal_certificate, purse_card.terminal.host_id, HOST_ID_BYTES);
    receipt->merchant = 7000u + purse_card.terminal.number[0];
    receipt->amount = sale->amount;
    receipt->time = sale->time;
    memcpy(receipt->reference, sale->reference, REFERENCE_BYTES);
}

enum status purse_pay_sale(const struct sale *sale)
{
    uint8_t data[SALE_BYTES], document[RECEIPT_BYTES];
    struct writer w = writer_of(data, sizeof data);
    struct receipt receipt;
    sale_encode(sale, &w);
    enum status status = purse_send(COMMAND_PAY, data, sizeof data);
    if (status != STATUS_OK)
        return status;
    known_fields(sale, &receipt);
    assert_true(
        receipt_from_pay_answer(purse_card.answer, purse_card.answer_bytes, &receipt, document));
    purse_take_document(document, sizeof document);
    return status;
}

enum status purse_pay_amount(uint32_t amount)
{
    struct sale sale = purse_sale(amount);
    return purse_pay_sale(&sale);
}

/* ---- orders ---- */

struct order purse_order(enum document_kind kind, uint32_t counter, uint32_t amount)
{
    struct order order = issuer_order_fields(kind, purse_card.statement.card, ++order_number);
    order.counter = counter;
    order.amount = money_of(amount, ISSUER_CURRENCY);
    return order;
}

static void check_order_receipt(const struct order *order)
{
    bool is_load = order->kind == DOCUMENT_LOAD_ORDER;
    assert_int_equal(purse_receipt.kind, is_load ? DOCUMENT_LOAD_RECEIPT : DOCUMENT_REFUND_RECEIPT);
    assert_int_equal(purse_receipt.order_number, order->number);
    assert_int_equal(purse_receipt.order_counter, order->counter);
    assert_int_equal(purse_receipt.amount.minor, order->amount.minor);
}

enum status purse_carry(const struct sale *sale, const struct order *order)
{
    uint8_t data[SALE_BYTES + ORDER_MESSAGE_BYTES_MAX];
    struct writer w = writer_of(data, sizeof data);
    bool is_refund = order->kind == DOCUMENT_REFUND_ORDER;
    sale_encode(sale, &w);
    size_t bytes = SALE_BYTES + issuer_order(&purse_card.issuer, order, data + SALE_BYTES);
    enum status status = purse_send(is_refund ? COMMAND_REFUND : COMMAND_LOAD, data, bytes);
    if (status != STATUS_OK)
        return status;
    purse_take_document(purse_card.answer, purse_card.answer_bytes);
    check_order_receipt(order);
    return status;
}

void purse_load_amount(uint32_t amount)
{
    struct sale sale = purse_sale(amount);
    struct order order =
        purse_order(DOCUMENT_LOAD_ORDER, purse_status_now().load_counter + 1, amount);
    assert_int_equal(purse_carry(&sale, &order), STATUS_OK);
}

enum status purse_apply(const struct order *order)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    size_t bytes = issuer_order(&purse_card.issuer, order, message);
    return purse_send(COMMAND_APPLY_ORDER, message, bytes);
}

struct order purse_policy(void)
{
    struct order order = purse_order(DOCUMENT_POLICY_ORDER, 0, 0);
    order.policy = (struct policy){
        .currency = ISSUER_CURRENCY,
        .payment_limit = UINT32_MAX,
        .balance_limit = UINT32_MAX,
        .pin_above = UINT32_MAX,
        .online_above = UINT32_MAX,
    };
    return order;
}

struct order purse_acknowledgement(uint32_t up_to, uint64_t map)
{
    struct order order = purse_order(DOCUMENT_ACKNOWLEDGEMENT, 0, 0);
    order.acknowledgement.up_to = up_to;
    order.acknowledgement.map = map;
    return order;
}

/* ---- reading ---- */

enum status purse_read_terminal(const uint8_t terminal[TERMINAL_NUMBER_BYTES], uint32_t counter)
{
    uint8_t data[TERMINAL_NUMBER_BYTES + 4];
    struct writer w = writer_of(data, sizeof data);
    writer_bytes(&w, terminal, TERMINAL_NUMBER_BYTES);
    writer_u32(&w, counter);
    enum status status = purse_send(COMMAND_READ_RECEIPT, data, sizeof data);
    if (status == STATUS_OK)
        purse_take_document(purse_card.answer, purse_card.answer_bytes);
    return status;
}

enum status purse_read_counter(uint32_t card_counter)
{
    uint8_t data[4];
    struct writer w = writer_of(data, sizeof data);
    writer_u32(&w, card_counter);
    enum status status = purse_send(COMMAND_READ_LOG, data, sizeof data);
    if (status == STATUS_OK)
        purse_take_document(purse_card.answer, purse_card.answer_bytes);
    return status;
}

/* ---- list ---- */

/* Numbers around the card's own, ascending, so that it stands at index. */
static void list_numbers(uint8_t numbers[], uint32_t count, uint32_t index)
{
    struct reader own = reader_of(purse_card.statement.card, CARD_NUMBER_BYTES);
    uint64_t number = reader_u64(&own) - index;
    for (uint32_t i = 0; i < count; i++) {
        struct writer w = writer_of(numbers + (size_t)CARD_NUMBER_BYTES * i, CARD_NUMBER_BYTES);
        writer_u64(&w, number + i);
    }
}

void purse_list_sign(struct purse_list *list)
{
    const struct signed_certificate *working = &purse_card.issuer.working_certificate;
    list_head_encode(&list->head, list->message);
    size_t bytes =
        issuer_sign(&purse_card.issuer.working, list->message, LIST_HEAD_BYTES - SIGNATURE_BYTES);
    memcpy(list->message + bytes, working->bytes, working->length);
    list->message_bytes = bytes + working->length;
}

void purse_list_make(struct purse_list *list, uint32_t count, uint32_t index, uint32_t sequence)
{
    static uint8_t numbers[CARD_NUMBER_BYTES * PURSE_LIST_MOST];
    static uint8_t scratch[SHA256_BYTES * PURSE_LIST_MOST];
    assert_true(count <= PURSE_LIST_MOST);
    memset(list, 0, sizeof *list);
    list->head = (struct list_head){.scheme = ISSUER_SCHEME,
                                    .sequence = sequence,
                                    .start = ISSUER_TODAY,
                                    .end = ISSUER_TODAY + 7 * 86400u,
                                    .count = count};
    list->index = index < count ? index : 0;
    list_numbers(numbers, count, index);
    assert_int_equal(
        list_root(&crypto_primitives, ISSUER_SCHEME, numbers, count, scratch, list->head.root),
        DOCUMENT_OK);
    if (count > 0)
        assert_int_equal(list_siblings(&crypto_primitives, ISSUER_SCHEME, numbers, count,
                                       list->index, scratch, list->siblings, &list->depth),
                         DOCUMENT_OK);
    purse_list_sign(list);
}

static void write_siblings(const struct purse_list *list, unsigned from, unsigned end,
                           struct writer *w)
{
    for (unsigned i = from; i < end; i++)
        writer_bytes(w, list->siblings[i], SHA256_BYTES);
}

/* A whole path answers the block receipt, an unfinished one nothing. */
static enum status block_part(uint8_t p1, const struct writer *data)
{
    struct apdu_command apdu = card_harness_apdu(COMMAND_BLOCK, data->start, data->used);
    assert_false(data->failed);
    apdu.p1 = p1;
    enum status status = status_of(card_harness_secure(&purse_card, &apdu));
    if (status == STATUS_OK && purse_card.answer_bytes != 0) {
        purse_take_document(purse_card.answer, purse_card.answer_bytes);
        assert_int_equal(purse_receipt.kind, DOCUMENT_BLOCK_RECEIPT);
    }
    return status;
}

enum status purse_block_first(const struct purse_list *list, unsigned siblings)
{
    uint8_t data[STIVER_APDU_MAX];
    struct writer w = writer_of(data, sizeof data);
    struct sale sale = purse_sale(0);
    writer_u32(&w, sale.terminal_counter);
    writer_u32(&w, sale.time);
    writer_bytes(&w, sale.reference, sizeof sale.reference);
    writer_u32(&w, list->index);
    writer_bytes(&w, list->message, list->message_bytes);
    write_siblings(list, 0, siblings, &w);
    return block_part(0, &w);
}

enum status purse_block_more(const struct purse_list *list, unsigned from, unsigned end)
{
    uint8_t data[STIVER_APDU_MAX];
    struct writer w = writer_of(data, sizeof data);
    write_siblings(list, from, end, &w);
    return block_part(1, &w);
}

enum status purse_block_alone(uint32_t sequence)
{
    struct purse_list list;
    purse_list_make(&list, 1, 0, sequence);
    return purse_block_first(&list, list.depth);
}
