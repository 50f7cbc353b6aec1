/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the purse's tests have in common: one issued card, terminals that talk to it, the orders of
 * its bank, and its books. Every receipt that comes back is verified and booked here, so that each
 * test ends on purse_books(): what was loaded less what was paid is what the card says it holds.
 *
 * A status here is what the card answered inside the channel; a broken channel fails the test.
 */
#ifndef TESTS_CARD_PURSE_TEST_H
#define TESTS_CARD_PURSE_TEST_H

#include "card/purse/internal.h"
#include "harness.h"
#include "scheme/receipt.h"

/* The card of the test that runs. */
extern struct card_harness purse_card;
extern uint8_t purse_pin[PIN_BYTES]; /* as the station read it */
extern struct receipt purse_receipt; /* the last one that came */

/* The purse's RAM, for states that no command leads to in a test's time. */
struct purse *purse_inside(void);

/* cmocka set-up: an issued hardware card without money, no terminal connected. */
int purse_fresh(void **state);
/* The same of another kind of card, in another kind of scheme. */
void purse_fresh_as(bool is_hardware, uint8_t authority_flags);

/* Connects a terminal of this role and number (merchant 7000 + number); each number has one key. */
void purse_at(enum terminal_role role, uint8_t number);
/* Takes the card out and in again, and connects the same terminal. */
void purse_tap(void);

/* One command inside the channel; data of the answer in purse_card.answer. */
enum status purse_send(enum command command, const uint8_t *data, size_t bytes);
struct purse_status purse_status_now(void);
/* The plain bytes of READ STATUS. */
void purse_status_raw(uint8_t out[PURSE_STATUS_BYTES]);

/* A sale of the next terminal number, at noon, in the purse's currency, with a new reference. */
struct sale purse_sale(uint32_t amount);
/* PAY; a receipt is checked against the sale, and booked. */
enum status purse_pay_sale(const struct sale *sale);
enum status purse_pay_amount(uint32_t amount);

/* An order of this kind for the card with the next order number, of counter and amount (load and
 * refund). */
struct order purse_order(enum document_kind kind, uint32_t counter, uint32_t amount);
/* LOAD or REFUND, by the order's kind; a receipt is checked and booked. */
enum status purse_carry(const struct sale *sale, const struct order *order);
/* The next load of this amount, at a kiosk or desk; asserts that it is taken. */
void purse_load_amount(uint32_t amount);
/* APPLY ORDER. */
enum status purse_apply(const struct order *order);
/* The policy that forbids nothing, to be changed by the caller. */
struct order purse_policy(void);
struct order purse_acknowledgement(uint32_t up_to, uint64_t map);

/* READ RECEIPT, READ LOG; a receipt is checked and lands in purse_receipt. */
enum status purse_read_terminal(const uint8_t terminal[TERMINAL_NUMBER_BYTES], uint32_t counter);
enum status purse_read_counter(uint32_t card_counter);

/* Signed by this card, and of this scheme; books it if it is new. */
void purse_take_document(const uint8_t *document, size_t bytes);
/* Sum of loads and refunds less sum of payments is the balance. Needs a channel and a live purse.
 */
void purse_books(void);
/* The same sum by itself. */
uint32_t purse_expected_balance(void);
/* The next receipt has the card counter above this one (a test moved the card's). */
void purse_books_from(uint32_t card_counter);

/* A list that names count cards, this one among them at index unless index is count: then it is
 * not listed. Its head is signed; the caller may change fields and sign again. */
struct purse_list {
    struct list_head head;
    uint32_t index;
    uint8_t message[LIST_HEAD_BYTES + CERTIFICATE_BYTES_MAX]; /* head | certificate */
    size_t message_bytes;
    uint8_t siblings[LIST_DEPTH_MAX][SHA256_BYTES];
    unsigned depth;
};
#define PURSE_LIST_MOST 1000u
void purse_list_make(struct purse_list *list, uint32_t count, uint32_t index, uint32_t sequence);
void purse_list_sign(struct purse_list *list);
/* BLOCK's first part with the first so many siblings, at noon, of the next terminal number. */
enum status purse_block_first(const struct purse_list *list, unsigned siblings);
/* A further part with siblings from to end. */
enum status purse_block_more(const struct purse_list *list, unsigned from, unsigned end);
/* The whole path in one part, of a list that names this card alone. */
enum status purse_block_alone(uint32_t sequence);

/* The expression is refused so, and READ STATUS tells no difference. */
#define assert_refused(expected, expression)                             \
    do {                                                                 \
        uint8_t before_[PURSE_STATUS_BYTES], after_[PURSE_STATUS_BYTES]; \
        purse_status_raw(before_);                                       \
        assert_int_equal((expression), (expected));                      \
        purse_status_raw(after_);                                        \
        assert_memory_equal(before_, after_, sizeof before_);            \
    } while (0)

#endif
