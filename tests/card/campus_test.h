/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card with the campus purse, and the terminals that speak to it: written from the protocol's
 * description alone, with OpenSSL for their RSA, so that nothing here agrees with the card by
 * sharing its code.
 *
 *     campus_open();                        keys, a card, and a picture of it at every stage
 *     campus_at(STAGE_INIT);                the card as it was there, ready for its next command
 *     campus_meet(&campus_pos, NOW);        EXCHANGE METADATA to AUTHENTICATE
 *     sw = campus_amount(250); sw = campus_pay();
 *
 * Steps named here check what an honest terminal checks, and assert that it is right. One card a
 * program: the state of the talk is in campus.
 */
#ifndef TESTS_CARD_CAMPUS_TEST_H
#define TESTS_CARD_CAMPUS_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stiver/card.h>

#include "card/campus/internal.h"
#include "flash_emulator.h"

/* What the published programs have in their code. */
#define CARD_ID 0x0000007Bu
#define CARD_END 0x77F48B80u
#define POS_ID 0x00000929u
#define RELOAD_ID 0x00003039u
#define TERMINAL_END 0x649F6C80u
#define NOW 0x64980000u
#define FUNDS 100000u /* on the card from STAGE_INIT on */

#define NO_LE (-1)

/* Each with the card as it is when that command may come next. */
enum stage {
    STAGE_FRESH,
    STAGE_KEYED,
    STAGE_NAMED,
    STAGE_INIT,
    STAGE_MET,
    STAGE_KEYS_KNOWN,
    STAGE_CERTIFIED,
    STAGE_AUTHENTICATED_POS,
    STAGE_AUTHENTICATED_RELOAD,
    STAGE_LOAD_AMOUNT,
    STAGE_PAY_AMOUNT,
    STAGE_LOAD_SIGNED,
    STAGE_PAID,
    STAGE_LOADED,
    STAGE_BLOCKED,
    STAGES,
};

struct campus_peer {
    void *key; /* OpenSSL's */
    uint8_t modulus[256];
    uint32_t id, end, counter;
    uint8_t kind;
    uint8_t certificate[256]; /* the back end's signature */
};

struct campus_world {
    struct flash_emulator flash;
    struct stiver_card card;
    /* The last answer: its data. */
    uint8_t answer[STIVER_APDU_MAX];
    size_t answer_bytes;
    size_t wire_bytes; /* both ways, since the last campus_select */
    unsigned apdus;
    /* The talk. */
    struct campus_peer *peer;
    uint32_t card_id, card_end, base; /* base: the counter that EXCHANGE METADATA answered */
    uint32_t terminal_counter, time, amount;
    uint8_t card_key[256];
    uint8_t s2[256], s4[256];
};

extern struct campus_world campus;
extern struct campus_peer campus_back_end, campus_pos, campus_reload;

/* For cmocka's group setup and teardown. */
int campus_open(void **state);
int campus_close(void **state);

/* ---- the card ---- */

void campus_at(enum stage stage);
/* The card as it is now becomes that stage's picture. */
void campus_keep(enum stage stage);
/* Power off and on, SELECT. */
void campus_reset(void);
uint16_t campus_select(void);
/* Changes the committed ledger behind the card's back, power off and on, SELECT. */
void campus_change(void (*change)(struct campus_ledger *ledger, uint32_t value), uint32_t value);
/* From STAGE_KEYED: another number and end. */
void campus_issue(uint32_t id, uint32_t end);
/* The ledger as it is committed, read through the memory, with the card off; resets the card. */
struct campus_ledger campus_ledger_now(void);
void ledger_balance(struct campus_ledger *ledger, uint32_t value);
void ledger_counter(struct campus_ledger *ledger, uint32_t value);

/* ---- bytes ---- */

/* Status word; 0 if the card said nothing. */
uint16_t campus_raw(const uint8_t *bytes, size_t length);
uint16_t campus_send(uint8_t ins, uint8_t p1, uint8_t p2, const uint8_t *data, size_t lc, int le);
/* A 256-byte value: its first byte in P1. */
uint16_t campus_value_to(uint8_t ins, uint8_t p2, const uint8_t value[256], int le);
void campus_u32(uint8_t *out, uint32_t value);

/* ---- keys ---- */

void campus_peer_make(struct campus_peer *peer, uint32_t id, uint32_t end, uint8_t kind);
/* Has the back end sign the fields as they are. */
void campus_certify(struct campus_peer *peer);
void campus_signature(const struct campus_peer *peer, const uint32_t *numbers, size_t count,
                      uint8_t signature[256]);
bool campus_card_signed(const uint32_t *numbers, size_t count, const uint8_t signature[256]);

/* ---- the terminal's steps; each returns the status word, and checks the answer if it is 9000 ----
 */

uint16_t campus_metadata_step(struct campus_peer *peer, uint32_t time);
uint16_t campus_keys_step(void);
uint16_t campus_certificates_step(void);
uint16_t campus_authenticate_step(void);
uint16_t campus_amount_step(uint32_t amount);
uint16_t campus_load_step(void);
uint16_t campus_finish_step(void);
uint16_t campus_pay_step(void);
uint16_t campus_block_step(void);
/* All four of authentication, each 9000. */
void campus_meet(struct campus_peer *peer, uint32_t time);
/* Reset, and a whole load or payment; the word of the first step that was refused, or 9000. */
uint16_t campus_load_all(uint32_t amount, uint32_t time);
uint16_t campus_pay_all(uint32_t amount, uint32_t time);
/* READ BALANCE at the terminal of the talk. */
uint32_t campus_balance(void);

/* ---- refusals ---- */

/* Asserts that a command is refused with this word, answers nothing and changed no memory. */
#define assert_refused(word, expression)                        \
    do {                                                        \
        uint32_t operations_ = campus.flash.operations;         \
        assert_int_equal(expression, word);                     \
        assert_int_equal(campus.answer_bytes, 0);               \
        assert_int_equal(campus.flash.operations, operations_); \
    } while (0)

#endif
