/* SPDX-License-Identifier: Apache-2.0 */
/* Malformed bytes out of a seed: valid ones with a few changes, or bytes at random. */
#ifndef TESTS_FAULTS_MUTATE_H
#define TESTS_FAULTS_MUTATE_H

#include <stddef.h>
#include <stdint.h>

#define MUTATE_CASES 10000u

/* Out of STIVER_SEED, or a fixed one; prints it. */
void mutate_seed(void);
/* Uniform below bound, at least 1. */
uint32_t mutate_below(uint32_t bound);
/* One in five at random, else from with one to four changes: a bit, a byte, a length's extreme, a
 * piece taken out, put in or repeated, the end cut or grown. Returns the bytes in out. */
size_t mutate(const uint8_t *from, size_t bytes, uint8_t *out, size_t capacity);

#endif
