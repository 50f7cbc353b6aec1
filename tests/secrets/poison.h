/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets marked as undefined memory, so that valgrind's memcheck reports every branch and every
 * address that depends on one (after Adam Langley's ctgrind). What is told to the world anyway is
 * published: from there on nothing depends on a secret any more.
 *
 * Published at link time, by wrapping (poison_wraps in test-poisoned): the yes or no of
 * bytes_equal_ct and bytes_are_zero, signatures, public keys, what a decrypted command says unless
 * it is a PIN, and the card's responses. Decisions inside a file cannot be wrapped; they are listed
 * in decisions.txt.
 */
#ifndef TESTS_SECRETS_POISON_H
#define TESTS_SECRETS_POISON_H

#include <stdbool.h>
#include <stddef.h>

void poison(const void *secret, size_t bytes);
void publish(const void *known, size_t bytes);
/* True under memcheck; anywhere else a run proves nothing. */
bool poison_works(void);
/* Whether what the wrapped functions make and take is secret from now on. */
void poison_from_here(bool is_on);

/* The arithmetic on curves is a stand-in from now on: under memcheck it takes a minute a life, and
 * what goes in is published before, what comes out poisoned after. */
void poison_stand_in(void);

/* Poisons a secret whenever it is read from the flash that holds it. */
void poison_in_flash(const void *secret, size_t bytes);

#endif
