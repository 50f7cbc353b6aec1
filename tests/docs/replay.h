/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Randomness that is the same in every run, for examples: psa_generate_random and psa_generate_key
 * are wrapped at link time and draw from SHA-256 over a counter. Keys made so are TEST keys:
 * anybody can make them.
 */
#ifndef TESTS_DOCS_REPLAY_H
#define TESTS_DOCS_REPLAY_H

#include <stdint.h>

/* The private key, 32 bytes, of a pair that was made in this run; NULL if it was not. */
const uint8_t *replay_private_of(const uint8_t public_key[64]);

#endif
