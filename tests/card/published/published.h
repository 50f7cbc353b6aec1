/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the campus purse's published programs said to each other, as it stands in
 * tests/vectors/campus_published.txt: talks, each a row of commands and answers.
 */
#ifndef TESTS_CARD_PUBLISHED_H
#define TESTS_CARD_PUBLISHED_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/rsa.h"
#include "scheme/campus.h"
#include "vectors.h"

#define PUBLISHED_TALKS 7u
#define PUBLISHED_FILES VECTORS_DIRECTORY "/campus-files/"

enum published_party { PUBLISHED_STATION, PUBLISHED_RELOAD, PUBLISHED_POS };

struct published_talk {
    const char *name; /* in the vectors' names */
    enum published_party party;
    unsigned commands;
    size_t wire_bytes; /* both ways */
};
/* In the order in which they were had, each with a power-up of its own. */
extern const struct published_talk published_talks[PUBLISHED_TALKS];

/* number counts from 1. */
struct vector published_command(const struct published_talk *talk, unsigned number);
struct vector published_answer(const struct published_talk *talk, unsigned number);
/* The command's number in the talk; fails if the talk has none of this INS. */
unsigned published_find(const struct published_talk *talk, uint8_t ins);
/* The 256 bytes that the command of this INS sends in P1 and data, and that its answer holds. */
void published_value(const struct published_talk *talk, uint8_t ins, uint8_t value[RSA_BYTES]);
void published_answered(const struct published_talk *talk, uint8_t ins, uint8_t value[RSA_BYTES]);

/* All that the two said of themselves, and of money. */
struct published_facts {
    uint32_t terminal, terminal_end, terminal_counter, time;
    uint32_t card, card_end, counter;
    uint32_t amount; /* 0 in a talk without one */
};
struct published_facts published_facts(const struct published_talk *talk);

/* Reads a whole file of tests/vectors/campus-files. Returns its bytes. */
size_t published_file(const char *name, uint8_t *out, size_t capacity);
/* The modulus in a public key file; the RSAPrivateKey in a private one. */
void published_public(const char *name, uint8_t modulus[RSA_BYTES]);
size_t published_private(const char *name, uint8_t der[RSA_PRIVATE_BYTES_MAX]);

#endif
