/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32 as in ISO/IEC 3309 and IEEE 802.3 (reflected, polynomial 0x04C11DB7): finds damage, guards
 * against nobody. The check value of "123456789" is 0xCBF43926.
 *
 *     uint32_t crc = crc32_begin();
 *     crc = crc32_update(crc, first, first_bytes);
 *     crc = crc32_update(crc, second, second_bytes);
 *     uint32_t check = crc32_end(crc);
 */
#ifndef STIVER_BASE_CRC32_H
#define STIVER_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The running value of no bytes at all. */
uint32_t crc32_begin(void) __attribute__((warn_unused_result));

/* The running value after bytes more; data is borrowed and may be NULL if bytes is 0. */
uint32_t crc32_update(uint32_t crc, const uint8_t *data, size_t bytes)
    __attribute__((warn_unused_result));

/* The check value that a running value stands for. */
uint32_t crc32_end(uint32_t crc) __attribute__((warn_unused_result));

#endif
