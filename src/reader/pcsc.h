/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card in a PC/SC reader, through pcscd (libpcsclite).
 *
 * The connection is exclusive: no other program can reach the card between pcsc_open and close, so
 * none can put its commands into a session. Which pcscd is asked follows libpcsclite's environment
 * variable PCSCLITE_CSOCK_NAME.
 *
 * Waiting ends at the time given. A pcscd that dies ends each call with an error. What cannot be
 * bounded from here: a card, or a driver, that holds a command for ever (PC/SC knows no time limit
 * for an exchange; ordinary drivers have one of their own, the virtual reader's has none).
 */
#ifndef READER_PCSC_H
#define READER_PCSC_H

#include "reader/reader.h"

/* Longest reader name, its terminating 0 included. */
#define PCSC_NAME_BYTES 129u
/* More readers than this are not listed. */
#define PCSC_READERS_MAX 16u

struct pcsc_entry {
    char name[PCSC_NAME_BYTES];
    bool has_card;
    bool is_mute;   /* a card is in it, but does not answer */
    bool is_in_use; /* another program holds it */
};

struct pcsc_list {
    struct pcsc_entry entries[PCSC_READERS_MAX];
    size_t count;
};

/* Every reader, in pcscd's order. READER_NO_SERVICE, READER_NO_READER, ... leave count at 0. */
enum reader_status pcsc_list(struct pcsc_list *list) __attribute__((warn_unused_result));

/* Opens the card in the reader called name: exactly that name, else the only one with name in it
 * (letter case aside); with NULL, the first reader with a card in it. Waits up to timeout_ms for a
 * card (0: looks once), and up to a second of it for another program to let go, or for a card to
 * answer that did not at once. *reader is filled
 * in only on READER_OK, its trace left alone; end with card_reader_close. */
enum reader_status pcsc_open(const char *name, unsigned timeout_ms, struct card_reader *reader)
    __attribute__((warn_unused_result));

/* The name of the reader that was opened; borrowed until close. */
const char *pcsc_name(const struct card_reader *reader);

#endif
