/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every secret of a run, caught where it passes by: the calls of PSA, the key derivation and the
 * drawing of the PIN are wrapped at link time (catch_wraps in meson.build). Terminals', bank's and
 * card's secrets alike: private keys, AES keys, shared secrets, all that is derived from them, and
 * PINs.
 *
 * Each wrapped call runs on a stack of its own, so that what the crypto library leaves there is not
 * taken for ours.
 */
#ifndef TESTS_SECRETS_CATCH_H
#define TESTS_SECRETS_CATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many bytes in a row of any secret are a find; of PINs, the digits. */
#define CATCH_FRAGMENT_BYTES 7u
#define CATCH_PIN_DIGITS 4u

/* Forgets all secrets. */
void catch_start(void);
void catch_add(const char *kind, const uint8_t *secret, size_t bytes);
void catch_add_pin(const uint8_t pin[8]);
/* How many are known. */
size_t catch_count(void);
/* What kind of secret stands in memory, and where its first fragment begins; NULL for none. */
const char *catch_find(const uint8_t *memory, size_t bytes, size_t *offset);

/* Runs a job on the library's stack. */
void catch_aside(void (*job)(void *), void *argument);

#endif
