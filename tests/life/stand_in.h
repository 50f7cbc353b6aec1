/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fast stand-in for P-256, for volume: the same sizes, nothing of the mathematics. Whoever links
 * it with --wrap of the names in stand_in.c has cards, terminals (PSA) and bank (evp.h) sign,
 * verify and agree with keyed hashes under a secret that is in stand_in.c alone:
 *
 *     public key     X = H(secret, scalar), Y = H(secret, X): a point is one that was made here
 *     signature      H(secret, public key, hash), of a private key that was given
 *     shared secret  H(secret, both public keys), of a private key and a public one
 *
 * So within a run nobody signs or agrees without the private key, and what is no scalar of the
 * curve's, no uncompressed point, or a point that nobody made is refused as the curve would.
 */
#ifndef TESTS_LIFE_STAND_IN_H
#define TESTS_LIFE_STAND_IN_H

#include <stdint.h>

/* What programs that link it add to their names, "_volume"; "" with no_stand_in.c in its place. */
extern const char stand_in_name[];
/* The secret of a run; before every key. */
void stand_in_secret(uint64_t seed);

#endif
