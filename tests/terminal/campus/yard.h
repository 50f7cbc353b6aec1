/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A campus in one process, for the tests of its terminals: a back end with a TEST key, terminals in
 * directories of their own, our real card, a played published card, and somebody between card and
 * terminal who can lose, change and replace what passes.
 */
#ifndef TESTS_TERMINAL_CAMPUS_YARD_H
#define TESTS_TERMINAL_CAMPUS_YARD_H

#include <stiver/campus_terminal.h>

#include "crypto/rsa.h"
#include "port/host/inprocess_reader.h"
#include "scheme/campus_link.h"

/* TEST KEYS, see test_keys.c */
extern const char test_key_back_end[], test_key_pos[], test_key_reload[], test_key_station[],
    test_key_card[], test_key_stranger[];

#define YARD_NOW 0x64980000u /* June 2023 */
#define YARD_END 0x649F6C80u /* of terminals, as published */
#define CARD_END 0x77F48B80u /* as published: October 2033 */
#define POS_ID 2345u
#define RELOAD_ID 12345u
#define STATION_ID 77u
#define CARD_ID 123u            /* the published card's */
#define OWN_CARD_ID 0x80000005u /* our card's */

struct yard_key {
    uint8_t der[RSA_PRIVATE_BYTES_MAX];
    size_t bytes;
    uint8_t modulus[RSA_BYTES];
};
struct yard_key yard_key(const char *hex);
void yard_sign1(const struct yard_key *key, const uint8_t *text, size_t bytes, uint8_t out[256]);
/* Numbers in a row, 4 bytes each. */
void yard_sign_numbers(const struct yard_key *key, const uint32_t *numbers, size_t count,
                       uint8_t out[256]);
void yard_certify(const struct yard_key *back_end, struct campus_certificate *certificate);

/* ---- the published card, played from the protocol's description, with its faults ---- */

struct published_card {
    struct yard_key key;
    uint8_t back_end[256], certificate[256];
    uint32_t id, end, counter, balance;
    bool is_initialised, is_blocked;
    unsigned keys_made;
    /* RAM */
    uint8_t state, type;
    uint32_t terminal, terminal_end, terminal_counter, time, amount;
    uint8_t terminal_key[256];
    struct card_reader reader;
};
void published_blank(struct published_card *card);
void published_make(struct published_card *card, uint32_t balance);

/* ---- our card ---- */

#define OWN_PAGE_BYTES 4096u
#define OWN_PAGES 24u
struct own_card {
    uint8_t flash[OWN_PAGES * OWN_PAGE_BYTES];
    struct stiver_flash port;
    struct card_slot slot;
    struct card_reader reader;
};
/* From the factory, with the campus purse. */
void own_blank(struct own_card *card, bool has_campus);
/* Personalised; its key is made once a program. Balance 0. */
void own_make(struct own_card *card);

/* ---- between them ---- */

struct between {
    struct card_reader reader; /* give this one to the terminal */
    struct card_reader *card;
    int tear_ins; /* -1: none. Out of reach from then on, until put back. */
    bool loses_answer, is_out;
    /* May change the command, or answer in the card's place (true). */
    bool (*on_command)(struct between *, uint8_t *command, size_t *bytes, uint8_t *answer,
                       size_t *answer_bytes);
    void (*on_answer)(struct between *, const uint8_t *command, uint8_t *answer, size_t *bytes);
    void *context;
    unsigned sent[256];     /* commands of each INS */
    uint8_t last[256][262]; /* the last command of each INS */
};
void between_put(struct between *between, struct card_reader *card);
void between_tear(struct between *between, struct card_reader *card, int ins, bool loses_answer);

/* ---- the yard ---- */

struct yard {
    struct yard_key back_end;
    uint32_t now;
    char root[64];
    uint8_t list[2048];
    size_t list_bytes;
    unsigned ids_given;
    uint64_t list_end_ms;
};
extern struct yard yard;
int yard_open(void **state);
int yard_close(void **state);
void yard_path(char path[256], const char *directory, const char *file);
/* Signs a list until end_ms. */
void yard_list(uint64_t end_ms, const uint32_t *ids, uint32_t count);
size_t yard_package(enum campus_role role, uint32_t id, uint32_t end,
                    const uint8_t request[STIVER_CAMPUS_REQUEST_BYTES], uint8_t *out,
                    size_t capacity);
/* A fresh directory, its terminal enrolled and open. */
struct stiver_campus_terminal *yard_terminal(enum stiver_campus_role role, const char *directory);
/* Closes and opens again. */
void yard_again(struct stiver_campus_terminal **terminal, const char *directory);
enum stiver_terminal_status yard_try_open(const char *directory,
                                          struct stiver_campus_terminal **terminal);
void yard_remove(const char *directory);
void yard_write(const char *directory, const char *file, const void *data, size_t bytes);
size_t yard_read(const char *directory, const char *file, uint8_t *out, size_t capacity);

/* The bank's side of the link. */
enum yard_mood { BANK_ANSWERS, BANK_DOWN, BANK_LOSES, BANK_FORGES, BANK_REFUSES };
struct yard_bank {
    enum yard_mood mood;
    bool gives_list, certifies_wrongly;
    uint32_t gives_end; /* of a new certificate, if not 0 */
    struct campus_upload uploads[16];
    size_t count;
    unsigned requests;
    uint32_t certified_id;
    uint8_t certified[256]; /* the modulus */
    uint8_t last_request[2048], last_answer[8192];
    size_t last_request_bytes, last_answer_bytes;
};
extern struct yard_bank yard_bank;
extern const struct stiver_terminal_link yard_link;

/* The entry of this number; fails the test if there is none. */
struct stiver_campus_entry yard_entry(struct stiver_campus_terminal *terminal, uint32_t number);
/* The newest. */
struct stiver_campus_entry yard_last(struct stiver_campus_terminal *terminal);
unsigned yard_count(struct stiver_campus_terminal *terminal);

#endif
