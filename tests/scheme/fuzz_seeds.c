/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_seeds DIR: writes the seeds of the scheme's fuzz targets into DIR/fuzz_<name>/. The folders
 * must be there. Keys are new each time, so the seeds are too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/apdu.h"
#include "scheme/command.h"
#include "scheme/fixtures.h"
#include "scheme/link.h"
#include "scheme/online.h"
#include "scheme/receipt.h"
#include "scheme/statement.h"

static const char *directory;
static struct fixture_scheme world;
static struct fixture_certificate terminal, card;
static struct fixture_pair receipt_keys;

static void save(const char *target, const char *seed, const uint8_t *bytes, size_t length)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/fuzz_%s/%s", directory, target, seed);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) {
        (void)fprintf(stderr, "%s could not be written.\n", path);
        exit(1);
    }
}

static void save_certificates(void)
{
    save("certificate", "card", card.bytes, card.length);
    save("certificate", "terminal", terminal.bytes, terminal.length);
    save("certificate", "authority", world.card_authority.bytes, world.card_authority.length);
    save("certificate", "working-key", world.orders.bytes, world.orders.length);
}

static void save_receipts(void)
{
    uint8_t document[RECEIPT_BYTES], answer[PAY_ANSWER_BYTES];
    struct receipt receipt = {.kind = DOCUMENT_PAYMENT_RECEIPT,
                              .scheme = FIXTURE_SCHEME,
                              .card_counter = 1,
                              .terminal_counter = 1,
                              .merchant = FIXTURE_MERCHANT,
                              .amount = {250, FIXTURE_CURRENCY},
                              .balance_after = 1750,
                              .time = FIXTURE_NOW};
    receipt_encode(&receipt, document);
    fixture_sign(document, sizeof document - SIGNATURE_BYTES, &receipt_keys);
    save("receipt", "payment", document, sizeof document);
    receipt_to_pay_answer(document, answer);
    save("receipt", "pay-answer", answer, sizeof answer);
    receipt.kind = DOCUMENT_LOAD_RECEIPT;
    receipt.order_number = receipt.order_counter = 1;
    receipt_encode(&receipt, document);
    fixture_sign(document, sizeof document - SIGNATURE_BYTES, &receipt_keys);
    save("receipt", "load", document, sizeof document);
    receipt.kind = DOCUMENT_BLOCK_RECEIPT;
    receipt.amount.minor = receipt.order_counter = 0;
    receipt_encode(&receipt, document);
    fixture_sign(document, sizeof document - SIGNATURE_BYTES, &receipt_keys);
    save("receipt", "block", document, sizeof document);
}

static void save_orders(void)
{
    static const struct {
        const char *seed;
        enum document_kind kind;
    } seeds[] = {{"load", DOCUMENT_LOAD_ORDER},     {"refund", DOCUMENT_REFUND_ORDER},
                 {"policy", DOCUMENT_POLICY_ORDER}, {"acknowledgement", DOCUMENT_ACKNOWLEDGEMENT},
                 {"time", DOCUMENT_TIME_ORDER},     {"floor", DOCUMENT_FLOOR_ORDER}};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        uint8_t message[ORDER_MESSAGE_BYTES_MAX];
        struct order order = fixture_order_fields(seeds[i].kind, card.fields.subject);
        size_t length = fixture_order(&world, &order, message, sizeof message);
        save("order", seeds[i].seed, message, length);
    }
}

static void save_online(void)
{
    uint8_t document[REQUEST_BYTES], message[ANSWER_BYTES + CERTIFICATE_BYTES_MAX];
    struct request request = {
        .scheme = FIXTURE_SCHEME, .card_counter = 1, .amount = {250, FIXTURE_CURRENCY}};
    request_encode(&request, document);
    fixture_sign(document, sizeof document - SIGNATURE_BYTES, &receipt_keys);
    save("online", "request", document, sizeof document);
    struct answer answer = {.scheme = FIXTURE_SCHEME,
                            .start = FIXTURE_NOW,
                            .end = FIXTURE_NOW + 60,
                            .decision = DECISION_APPROVED};
    answer_encode(&answer, message);
    fixture_sign(message, ANSWER_BYTES - SIGNATURE_BYTES, &world.answers.keys);
    memcpy(message + ANSWER_BYTES, world.answers.bytes, world.answers.length);
    save("online", "answer", message, ANSWER_BYTES);
    save("online", "answer-message", message, ANSWER_BYTES + world.answers.length);
}

static void save_statements(void)
{
    uint8_t document[STATEMENT_BYTES], anchors[ANCHORS_BYTES_MAX];
    struct statement statement = {
        .scheme = FIXTURE_SCHEME, .firmware = 0x01000000, .card_class = CARD_VIRTUAL};
    statement_encode(&statement, document);
    fixture_sign(document, sizeof document - SIGNATURE_BYTES, &receipt_keys);
    save("statement", "statement", document, sizeof document);
    save("statement", "anchors", anchors, fixture_anchors(&world, anchors, sizeof anchors));
}

static void save_lists(void)
{
    uint8_t file[LIST_HEAD_BYTES + CERTIFICATE_BYTES_MAX + 5 * CARD_NUMBER_BYTES];
    uint8_t numbers[5 * CARD_NUMBER_BYTES] = {0};
    for (size_t i = 0; i < 5; i++)
        numbers[i * CARD_NUMBER_BYTES] = (uint8_t)(i + 1);
    size_t length = fixture_list(&world, 1, numbers, 5, file, sizeof file);
    save("list", "head", file, LIST_HEAD_BYTES);
    save("list", "message", file, length);
    memcpy(file + length, numbers, sizeof numbers);
    save("list", "file", file, length + sizeof numbers);
    save("list", "numbers", numbers, sizeof numbers);
}

static void save_links(void)
{
    uint8_t message[512];
    struct link_header header = {.type = LINK_STOCK, .scheme = FIXTURE_SCHEME};
    for (int is_answer = 0; is_answer < 2; is_answer++) {
        struct writer w = writer_of(message, sizeof message);
        link_header_encode(&header, is_answer != 0, &w);
        link_field(&w, card.bytes, card.length);
        link_field(&w, NULL, 0);
        save("link", is_answer != 0 ? "answer" : "request", message, w.used);
    }
}

static void save_commands(void)
{
    static const struct {
        const char *seed;
        size_t lc;
        uint32_t le;
        bool extended;
    } seeds[] = {{"case-1", 0, 0, false},          {"case-2-short", 0, 256, false},
                 {"case-3-short", 23, 0, false},   {"case-4-short", 23, 256, false},
                 {"case-2-extended", 0, 1, true},  {"case-3-extended", 300, 0, true},
                 {"case-4-extended", 300, 9, true}};
    const uint8_t data[300] = {0};
    uint8_t bytes[512];
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        const struct apdu_command command = {.cla = 0x84,
                                             .ins = 0x40,
                                             .data = data,
                                             .lc = seeds[i].lc,
                                             .le = seeds[i].le,
                                             .extended = seeds[i].extended};
        save("apdu", seeds[i].seed, bytes, apdu_encode(&command, bytes, sizeof bytes));
    }
    struct purse_status status = {.state = PURSE_ISSUED, .balance = {1750, FIXTURE_CURRENCY}};
    purse_status_encode(&status, bytes);
    save("apdu", "purse-status", bytes, PURSE_STATUS_BYTES);
    struct card_state state = {.state = PURSE_ISSUED, .scheme = FIXTURE_SCHEME};
    card_state_encode(&state, bytes);
    save("apdu", "card-state", bytes, CARD_STATE_BYTES);
    struct writer w = writer_of(bytes, sizeof bytes);
    sale_encode(&(struct sale){.amount = {250, FIXTURE_CURRENCY}}, &w);
    save("apdu", "sale", bytes, w.used);
    save("apdu", "tlv", terminal.bytes, terminal.length);
}

int main(int count, char **arguments)
{
    if (count != 2) {
        (void)fprintf(stderr, "usage: fuzz_seeds DIR\n");
        return 2;
    }
    directory = arguments[1];
    fixture_scheme_make(&world);
    fixture_terminal_make(&world, ROLE_POINT_OF_SALE, 7, &terminal);
    fixture_card_make(&world, 9, &card, &receipt_keys);
    save_certificates();
    save_receipts();
    save_orders();
    save_online();
    save_statements();
    save_lists();
    save_links();
    save_commands();
    return 0;
}
