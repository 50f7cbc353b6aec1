/* SPDX-License-Identifier: Apache-2.0 */
/* A flash in memory, of a card image's geometry, that counts its changes. */
#ifndef TESTS_PORT_RAM_FLASH_H
#define TESTS_PORT_RAM_FLASH_H

#include <string.h>

#include <stiver/port.h>

#define RAM_FLASH_PAGE 4096u
#define RAM_FLASH_PAGES 4u

struct ram_flash {
    unsigned changes;
    uint8_t bytes[RAM_FLASH_PAGE * RAM_FLASH_PAGES];
};

static enum stiver_flash_status ram_flash_read(void *context, uint32_t address, uint8_t *out,
                                               size_t bytes)
{
    const struct ram_flash *flash = context;
    memcpy(out, flash->bytes + address, bytes);
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status ram_flash_program(void *context, uint32_t address,
                                                  const uint8_t *data, size_t bytes)
{
    struct ram_flash *flash = context;
    memcpy(flash->bytes + address, data, bytes);
    flash->changes++;
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status ram_flash_erase(void *context, uint32_t page)
{
    struct ram_flash *flash = context;
    memset(flash->bytes + page * RAM_FLASH_PAGE, 0xFF, RAM_FLASH_PAGE);
    flash->changes++;
    return STIVER_FLASH_OK;
}

static struct stiver_flash ram_flash_new(struct ram_flash *flash)
{
    memset(flash->bytes, 0xFF, sizeof flash->bytes);
    flash->changes = 0;
    return (struct stiver_flash){flash,          RAM_FLASH_PAGE,    RAM_FLASH_PAGES, 16,
                                 ram_flash_read, ram_flash_program, ram_flash_erase};
}

#endif
