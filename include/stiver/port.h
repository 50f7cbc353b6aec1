/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a card asks of its hardware.
 *
 * A port supplies memory that keeps its content without power. Everything else a card needs (random
 * numbers, public-key operations) it takes from the PSA Crypto API of its platform.
 *
 * The memory is flash as microcontrollers have it: pages are erased whole (every bit becomes 1) and
 * programmed in units; a unit is programmed at most once between two erases of its page. Power may
 * fail inside any program or erase: some units may then be whole, some half written, and a half
 * written unit may read differently each time. The card's tear-safe memory (src/card/core/nvm.h)
 * copes with all of that; a port only has to report honestly whether a call came to its end.
 */
#ifndef STIVER_PORT_H
#define STIVER_PORT_H

#include <stddef.h>
#include <stdint.h>

enum stiver_flash_status {
    STIVER_FLASH_OK = 0,
    /* Power was lost: this call may have had any partial effect, no later call has one. An emulated
     * flash says so; real hardware simply stops. */
    STIVER_FLASH_POWER_LOST,
    /* The page did not take the program or the erase: it has reached the end of its life. */
    STIVER_FLASH_WORN,
    /* Address, length or alignment outside the geometry: a mistake of the caller. */
    STIVER_FLASH_RANGE,
};

#define STIVER_FLASH_UNIT_MAX 16u
#define STIVER_FLASH_PAGE_MIN 2048u
#define STIVER_FLASH_PAGES_MIN 4u
#define STIVER_FLASH_PAGES_MAX 255u

/* A port's flash. Filled in by the port, borrowed by the card for as long as it is powered. */
struct stiver_flash {
    void *context;       /* handed to each call */
    uint32_t page_bytes; /* a power of two, at least STIVER_FLASH_PAGE_MIN, at most 32768 */
    uint32_t pages;      /* STIVER_FLASH_PAGES_MIN to STIVER_FLASH_PAGES_MAX */
    uint32_t unit_bytes; /* 1, 2, 4, 8 or 16 */

    /* Reads bytes at address (from 0, page after page). */
    enum stiver_flash_status (*read)(void *context, uint32_t address, uint8_t *out, size_t bytes);
    /* Programs whole units, aligned, inside one page, none of them programmed since its erase. One
     * exception: a unit whose program with zeros was cut off by a loss of power may be programmed
     * with zeros once more, whatever of it can be seen. */
    enum stiver_flash_status (*program)(void *context, uint32_t address, const uint8_t *data,
                                        size_t bytes);
    /* Erases one page to 0xFF. */
    enum stiver_flash_status (*erase)(void *context, uint32_t page);
};

#endif
