/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a terminal written from docs/protocol.md alone meets: somebody who enrols it, and a real
 * card in a reader, issued and loaded. Bytes in, bytes out; no type of the project crosses this
 * header.
 */
#ifndef TESTS_DOCS_STRANGER_TOWN_H
#define TESTS_DOCS_STRANGER_TOWN_H

#include <stddef.h>
#include <stdint.h>

#define STRANGER_LOADED 2000u /* minor units on the card */

/* Founds a TEST scheme anew and puts a card with STRANGER_LOADED into the reader. */
void stranger_town_found(void);
void stranger_town_close(void);
/* The clock on the wall, seconds UTC. */
uint32_t stranger_town_now(void);

/* Enrolment (section 16): a point of sale's request, 65 bytes, gives its package. */
size_t stranger_town_enrol(const uint8_t *request, uint8_t *package, size_t capacity);
/* The card is taken out and put in again. */
void stranger_town_insert(void);
/* One command, one response of up to 1,024 bytes. */
size_t stranger_town_send(const uint8_t *command, size_t bytes, uint8_t response[1024]);

#endif
