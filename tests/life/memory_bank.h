/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIFE_MEMORY_BANK_H
#define TESTS_LIFE_MEMORY_BANK_H

/* The next bank is another one; the one before is forgotten once it is closed. */
void memory_bank_new(void);

#endif
