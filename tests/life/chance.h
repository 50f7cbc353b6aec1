/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chance from a seed, so that a run repeats exactly. Linked with
 *
 *     -Wl,--wrap=psa_generate_random,--wrap=psa_generate_key,--wrap=evp_random
 *
 * every random number of cards, terminals and bank comes from one stream; the bank's own keys and
 * signatures stay OpenSSL's, and no course depends on them.
 */
#ifndef TESTS_LIFE_CHANCE_H
#define TESTS_LIFE_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void chance_seed(uint64_t seed);
uint32_t chance_below(uint32_t end);
/* True in so many of 100 cases. */
int chance_percent(uint32_t percent);

#endif
