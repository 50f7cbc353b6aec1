/* SPDX-License-Identifier: Apache-2.0 */
#include "expected.h"

#include <string.h>

#include "bank/evp.h"
#include "scheme/order.h"
#include "world.h"

#define CERTIFICATES 256u

struct counter_order {
    uint32_t number, amount, undo_number;
    unsigned till;
    bool is_open;
};

struct holder {
    uint8_t card[CARD_NUMBER_BYTES];
    int64_t balance, shadow; /* shadow: what the bank wrote on the card's record */
    uint32_t listed;         /* as the bank says */
    bool came[EXPECTED_COUNTERS];
    struct counter_order orders[EXPECTED_COUNTERS];
};

struct till {
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint32_t merchant;
    int64_t balance, merchant_balance;
    struct {
        bool is_used, is_given_up;
        uint8_t card[CARD_NUMBER_BYTES]; /* of the sale that was given up */
    } numbers[EXPECTED_COUNTERS];
};

struct known_certificate {
    uint8_t fingerprint[HOST_ID_BYTES];
    uint32_t start, limit;
    bool was_paid; /* from the loss account, under it */
};

static struct {
    uint32_t scheme;
    expected_receipt *came;
    struct holder holders[EXPECTED_CARDS];
    struct till tills[EXPECTED_TERMINALS];
    struct known_certificate certificates[CERTIFICATES];
    unsigned holder_count, till_count, certificate_count;
    int64_t in_flight, owed, suspense, loss;
    int64_t is[ACCOUNT_CASH + 1]; /* by the postings that were made */
    int64_t till_is[EXPECTED_TERMINALS], merchant_is[EXPECTED_TERMINALS];
    unsigned alarms, rung_twice, twice, conflicts;
} books;

void expected_open(uint32_t scheme, expected_receipt *came)
{
    memset(&books, 0, sizeof books);
    books.scheme = scheme;
    books.came = came;
}

void expected_terminal(const uint8_t terminal[8], uint32_t merchant)
{
    CHECK(books.till_count < EXPECTED_TERMINALS);
    struct till *till = &books.tills[books.till_count++];
    memcpy(till->terminal, terminal, sizeof till->terminal);
    till->merchant = merchant;
}

static struct holder *holder_of(const uint8_t *card)
{
    for (unsigned i = 0; i < books.holder_count; i++)
        if (memcmp(books.holders[i].card, card, CARD_NUMBER_BYTES) == 0)
            return &books.holders[i];
    CHECK(books.holder_count < EXPECTED_CARDS);
    struct holder *holder = &books.holders[books.holder_count++];
    memcpy(holder->card, card, CARD_NUMBER_BYTES);
    return holder;
}

static struct till *till_of(const uint8_t *terminal)
{
    for (unsigned i = 0; i < books.till_count; i++)
        if (memcmp(books.tills[i].terminal, terminal, TERMINAL_NUMBER_BYTES) == 0)
            return &books.tills[i];
    world_fail(__FILE__, __LINE__, "a document of a terminal that is none of ours");
}

/* ---- documents ---- */

static void take_certificate(const uint8_t *bytes, size_t length)
{
    struct certificate certificate;
    if (certificate_decode(bytes, length, &certificate) != DOCUMENT_OK ||
        certificate.type != CERTIFICATE_TERMINAL)
        return;
    CHECK(books.certificate_count < CERTIFICATES);
    struct known_certificate *known = &books.certificates[books.certificate_count++];
    CHECK_EQUAL(certificate_host_id(&bank_primitives, bytes, length, known->fingerprint),
                DOCUMENT_OK);
    known->start = certificate.start;
    known->limit = certificate.limit.minor;
}

static void take_order(const uint8_t *terminal, const uint8_t *bytes, size_t length)
{
    static const uint8_t nobody[TERMINAL_NUMBER_BYTES];
    struct order order;
    size_t document = order_bytes(bytes[0]);
    if (document == 0 || document > length ||
        order_decode(bytes, document, books.scheme, &order) != DOCUMENT_OK ||
        order.kind != DOCUMENT_LOAD_ORDER)
        return;
    CHECK(order.counter < EXPECTED_COUNTERS);
    struct counter_order *held = &holder_of(order.card)->orders[order.counter];
    if (order.amount.minor == 0) {
        held->undo_number = order.number;
    } else if (held->number == 0) {
        CHECK(memcmp(terminal, nobody, sizeof nobody) != 0);
        *held = (struct counter_order){.number = order.number,
                                       .amount = order.amount.minor,
                                       .till = (unsigned)(till_of(terminal) - books.tills),
                                       .is_open = true};
        books.tills[held->till].balance -= order.amount.minor;
        books.in_flight += order.amount.minor;
    } else { /* the same one, with later dates */
        CHECK_EQUAL(held->number, order.number);
        CHECK_EQUAL(held->amount, order.amount.minor);
    }
}

static void take_load(struct holder *holder, const struct receipt *receipt)
{
    CHECK(receipt->order_counter < EXPECTED_COUNTERS);
    struct counter_order *order = &holder->orders[receipt->order_counter];
    bool took = order->is_open && receipt->order_number == order->number &&
                receipt->amount.minor == order->amount;
    bool undid = order->is_open && order->undo_number != 0 &&
                 receipt->order_number == order->undo_number && receipt->amount.minor == 0;
    if (!took && !undid)
        return;
    order->is_open = false;
    books.in_flight -= order->amount;
    if (took)
        holder->balance += order->amount;
    else
        books.tills[order->till].balance += order->amount;
}

static void take_payment(struct holder *holder, const struct receipt *receipt)
{
    struct till *till = till_of(receipt->terminal);
    bool is_given_up = till->numbers[receipt->terminal_counter].is_given_up &&
                       memcmp(till->numbers[receipt->terminal_counter].card, receipt->card,
                              CARD_NUMBER_BYTES) == 0;
    holder->balance -= receipt->amount.minor;
    if (is_given_up)
        books.owed += receipt->amount.minor;
    else
        till->merchant_balance += receipt->amount.minor;
}

static struct known_certificate *certificate_of(const struct receipt *receipt)
{
    for (unsigned i = 0; i < books.certificate_count; i++)
        if (memcmp(books.certificates[i].fingerprint, receipt->terminal_certificate,
                   HOST_ID_BYTES) == 0)
            return &books.certificates[i];
    world_fail(__FILE__, __LINE__, "a receipt under a certificate that the bank never gave");
}

/* Another receipt of a counter that is taken. */
static void take_conflict(const struct holder *holder, const struct receipt *receipt)
{
    struct till *till = till_of(receipt->terminal);
    struct known_certificate *certificate = certificate_of(receipt);
    books.conflicts++;
    if (receipt->kind != DOCUMENT_PAYMENT_RECEIPT || certificate->was_paid ||
        till->numbers[receipt->terminal_counter].is_given_up ||
        (holder->listed != 0 && certificate->start >= holder->listed))
        return;
    uint32_t share =
        receipt->amount.minor < certificate->limit ? receipt->amount.minor : certificate->limit;
    certificate->was_paid = true;
    books.loss -= share;
    till->merchant_balance += share;
}

static void take_receipt(const uint8_t *uploader, const uint8_t *bytes, size_t length)
{
    struct receipt receipt;
    CHECK_EQUAL(receipt_decode(bytes, length, books.scheme, &receipt), DOCUMENT_OK);
    struct holder *holder = holder_of(receipt.card);
    struct till *till = till_of(receipt.terminal);
    CHECK(receipt.card_counter < EXPECTED_COUNTERS && receipt.terminal_counter < EXPECTED_COUNTERS);
    if (receipt.kind != DOCUMENT_BLOCK_RECEIPT)
        CHECK(memcmp(uploader, receipt.terminal, TERMINAL_NUMBER_BYTES) == 0);
    books.came(&receipt);
    if (holder->came[receipt.card_counter]) {
        take_conflict(holder, &receipt);
        return;
    }
    holder->came[receipt.card_counter] = true;
    books.twice += till->numbers[receipt.terminal_counter].is_used;
    till->numbers[receipt.terminal_counter].is_used = true;
    if (receipt.kind == DOCUMENT_LOAD_RECEIPT)
        take_load(holder, &receipt);
    else if (receipt.kind == DOCUMENT_PAYMENT_RECEIPT)
        take_payment(holder, &receipt);
    else
        CHECK_EQUAL(receipt.kind, DOCUMENT_BLOCK_RECEIPT);
}

static void take_given_up(const uint8_t *terminal, const uint8_t *bytes, size_t length)
{
    struct reader r = reader_of(bytes, length);
    struct till *till = till_of(terminal);
    const uint8_t *card = reader_take(&r, CARD_NUMBER_BYTES);
    uint32_t number = reader_u32(&r);
    CHECK(!r.failed && number < EXPECTED_COUNTERS);
    till->numbers[number].is_given_up = true;
    memcpy(till->numbers[number].card, card, CARD_NUMBER_BYTES);
}

static void take_document(const struct event *event)
{
    const uint8_t *bytes = event->document.bytes, *terminal = event->document.terminal;
    size_t length = event->document.length;
    switch ((unsigned)event->document.type) {
    case RECORD_CERTIFICATE:
        take_certificate(bytes, length);
        break;
    case RECORD_ORDER:
        take_order(terminal, bytes, length);
        break;
    case RECORD_RECEIPT:
        take_receipt(terminal, bytes, length);
        break;
    case RECORD_ABANDONED:
        take_given_up(terminal, bytes, length);
        break;
    case RECORD_KEPT:
        world_fail(__FILE__, __LINE__, "no receipt of money is brought by another hand here");
    default:
        break;
    }
}

/* ---- what was posted ---- */

static void post(const struct account *account, int64_t amount)
{
    CHECK(account->kind <= ACCOUNT_CASH);
    books.is[account->kind] += amount;
    for (unsigned i = 0; i < books.till_count; i++) {
        struct reader r = reader_of(books.tills[i].terminal, TERMINAL_NUMBER_BYTES);
        if (account->kind == ACCOUNT_TILL && account->owner == reader_u64(&r))
            books.till_is[i] += amount;
        if (account->kind == ACCOUNT_MERCHANT && account->owner == books.tills[i].merchant)
            books.merchant_is[i] += amount;
    }
}

static void take(void *context, const struct event *event)
{
    (void)context;
    switch (event->kind) {
    case EVENT_DOCUMENT:
        take_document(event);
        break;
    case EVENT_POSTING:
        post(&event->posting.from, -event->posting.amount);
        post(&event->posting.to, event->posting.amount);
        break;
    case EVENT_ALARM:
        books.alarms++;
        books.rung_twice += strstr(event->alarm.text, "one number for two receipts") != NULL;
        break;
    case EVENT_CARD:
        holder_of(event->card.card)->shadow = event->card.balance;
        holder_of(event->card.card)->listed = event->card.listed;
        break;
    }
}

/* ---- held against each other ---- */

int64_t expected_sum(enum account_kind kind)
{
    int64_t sum = 0;
    switch ((unsigned)kind) {
    case ACCOUNT_FLOAT:
        for (unsigned i = 0; i < books.holder_count; i++)
            sum += books.holders[i].balance;
        return sum;
    case ACCOUNT_MERCHANT:
        for (unsigned i = 0; i < books.till_count; i++)
            sum += books.tills[i].merchant_balance;
        return sum;
    case ACCOUNT_TILL:
        for (unsigned i = 0; i < books.till_count; i++)
            sum += books.tills[i].balance;
        return sum;
    case ACCOUNT_IN_FLIGHT:
        return books.in_flight;
    case ACCOUNT_LOSS:
        return books.loss;
    case ACCOUNT_SUSPENSE:
        return books.suspense;
    case ACCOUNT_OWED:
        return books.owed;
    default:
        return 0;
    }
}

void expected_check(void)
{
    int64_t all = 0;
    witness_tell(take, NULL);
    for (unsigned kind = ACCOUNT_FLOAT; kind <= ACCOUNT_CASH; kind++) {
        CHECK_EQUAL(books.is[kind], expected_sum((enum account_kind)kind));
        all += books.is[kind];
    }
    CHECK_EQUAL(all, 0);
    for (unsigned i = 0; i < books.till_count; i++) {
        CHECK_EQUAL(books.till_is[i], books.tills[i].balance);
        CHECK_EQUAL(books.merchant_is[i], books.tills[i].merchant_balance);
    }
    for (unsigned i = 0; i < books.holder_count; i++)
        CHECK_EQUAL(books.holders[i].shadow, books.holders[i].balance);
    CHECK_EQUAL(books.rung_twice, books.twice);
}

int64_t expected_float(const uint8_t card[8])
{
    return holder_of(card)->balance;
}

unsigned expected_alarms(void)
{
    return books.alarms;
}

unsigned expected_twice(void)
{
    return books.twice;
}

unsigned expected_conflicts(void)
{
    return books.conflicts;
}
