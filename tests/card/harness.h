/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card in memory and the machines around it: what the tests of the card's core and of its
 * applications have in common.
 *
 *     card_harness_blank(&h);          a manufactured card, powered, purse selected
 *     card_harness_personalise(&h);    its keys, statement and certificates: state personalised
 *     card_harness_issue(&h);          a station's ISSUE: state issued; power-cycled, selected
 *     card_harness_connect(&h, ROLE_POINT_OF_SALE);             a stranger's long way in
 *     sw = card_harness_command(&h, COMMAND_PAY, data, bytes);  then h.answer, h.answer_bytes
 *
 * The steps assert that they succeed. struct card_harness is large: keep it static.
 */
#ifndef TESTS_CARD_HARNESS_H
#define TESTS_CARD_HARNESS_H

#include <stiver/card.h>

#include "channel/scp11.h"
#include "issuer.h"
#include "scheme/command.h"
#include "scheme/status.h"

#define HARNESS_PAGE_BYTES 4096u
#define HARNESS_PAGES 24u
#define HARNESS_UNIT_BYTES 8u

/* Flash in RAM; refuses what real flash would not do. */
struct harness_flash {
    uint8_t memory[HARNESS_PAGES * HARNESS_PAGE_BYTES];
    bool is_programmed[HARNESS_PAGES * HARNESS_PAGE_BYTES / HARNESS_UNIT_BYTES];
    /* Programs and erases that still happen before the power is lost; negative: never lost. */
    int32_t changes_left;
    bool is_worn;     /* no change takes any more */
    uint32_t changes; /* that happened */
};

struct card_harness {
    struct harness_flash flash;
    struct stiver_flash port;
    struct stiver_card card;
    struct issuer issuer;
    struct stiver_card_factory factory;

    /* What personalisation learned. */
    struct statement statement;
    uint8_t anchors_hash[SHA256_BYTES];
    struct signed_certificate certificate; /* the card's */

    /* The terminal of the open channel, and the terminal's end of it. */
    struct test_terminal terminal;
    struct secure_channel channel;
    uint8_t handle[HANDLE_BYTES];

    /* The last response: its data (plain inside the channel) and its bytes on the link. */
    uint8_t answer[STIVER_APDU_MAX];
    size_t answer_bytes;
    enum channel_status channel_status;
    uint8_t response[STIVER_APDU_MAX];
    size_t response_bytes;
};

/* flags of the card authority; is_hardware of the factory. */
void card_harness_blank_as(struct card_harness *h, bool is_hardware, uint8_t flags);
/* A hardware card of an ordinary scheme. */
void card_harness_blank(struct card_harness *h);
void card_harness_personalise(struct card_harness *h);
void card_harness_issue(struct card_harness *h);

/* Power off and on, purse selected, terminal's channel forgotten. */
void card_harness_power_cycle(struct card_harness *h);
/* SELECT of the purse; its status word. */
uint16_t card_harness_select(struct card_harness *h);

/* Raw bytes to the card: the status word, 0 if the card said nothing. */
uint16_t card_harness_raw(struct card_harness *h, const uint8_t *bytes, size_t length);
/* In the clear; the status word. */
uint16_t card_harness_clear(struct card_harness *h, const struct apdu_command *command);
/* Inside the channel, by hand; the status word, protected or bare (h->channel_status tells). */
uint16_t card_harness_secure(struct card_harness *h, const struct apdu_command *command);
/* A command as its row wants it: class, P1-P2 (key versions of the issuer, first part), Le and
 * protection. */
uint16_t card_harness_command(struct card_harness *h, enum command command, const uint8_t *data,
                              size_t bytes);
/* The header and Le that a row wants, for tests that spoil them. */
struct apdu_command card_harness_apdu(enum command command, const uint8_t *data, size_t bytes);

/* A new terminal of this role, the long way: VERIFY CERTIFICATE, GET CERTIFICATE, MUTUAL
 * AUTHENTICATE. The channel is open afterwards. */
void card_harness_connect(struct card_harness *h, enum terminal_role role);
/* The same with a terminal that is in h->terminal already. */
void card_harness_connect_again(struct card_harness *h);
/* MUTUAL AUTHENTICATE alone by h->terminal; opens the channel on 9000. */
uint16_t card_harness_authenticate(struct card_harness *h);
/* VERIFY CERTIFICATE of h->terminal. */
uint16_t card_harness_verify(struct card_harness *h);

/* INITIALIZE with a nonce and these anchors; on 9000 the answer was checked as the bank would:
 * lengths, signature, tag, MAC; h->statement holds it. */
uint16_t card_harness_initialize(struct card_harness *h, const uint8_t *anchors, size_t bytes);
/* STORE CERTIFICATES of the card authority's certificate and one made of these fields. */
uint16_t card_harness_store_certificates(struct card_harness *h, const struct certificate *fields);

/* A LOAD order for the next counter and the command data that carry it; returns their bytes. */
size_t card_harness_load_data(const struct card_harness *h, uint32_t amount, uint32_t counter,
                              uint32_t terminal_counter, uint8_t *out, size_t capacity);
/* BLOCK's data with a list of this card alone; returns their bytes. */
size_t card_harness_block_data(const struct card_harness *h, uint32_t terminal_counter,
                               uint8_t *out, size_t capacity);
/* Connects as a point of sale and blocks the card. */
void card_harness_block(struct card_harness *h);
/* Connects a kiosk of this number and loads; counter is the card's next load counter. */
void card_harness_load(struct card_harness *h, uint8_t number, uint32_t amount, uint32_t counter);
/* PAY's data at today's noon. */
void card_harness_pay_data(uint32_t amount, uint32_t terminal_counter, uint8_t out[SALE_BYTES]);

#endif
