/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers in the files of the campus purse: 32 bits, printed as the signed decimals that Java
 * prints (2147483648 is "-2147483648"), without sign or zero before them that need not be.
 */
#ifndef SCHEME_CAMPUS_NUMBER_H
#define SCHEME_CAMPUS_NUMBER_H

#include "base/bytes.h"
#include "scheme/document.h"

void campus_number_write(struct writer *w, uint32_t value);
/* Reads as many digits as there are; false (and r->failed) if there is no such number. */
bool campus_number_read(struct reader *r, uint32_t *value) SCHEME_CHECKED;
/* Exactly this sign next; r->failed if not. */
void campus_sign_read(struct reader *r, char sign);

#endif
