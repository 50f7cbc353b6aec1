/* SPDX-License-Identifier: Apache-2.0 */
/* What must be reported: code that leaks a secret through its branches and its addresses. */
#include "poison.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BYTES 16u

static bool leaky_equal(const uint8_t *a, const uint8_t *b)
{
    for (size_t i = 0; i < BYTES; i++)
        if (a[i] != b[i]) /* leaks */
            return false;
    return true;
}

static uint8_t leaky_look_up(const uint8_t *table, const uint8_t *secret)
{
    return table[secret[3]]; /* leaks */
}

int main(int argc, char **argv)
{
    static volatile uint8_t zero;
    static uint8_t table[256];
    uint8_t given[BYTES], secret[BYTES];
    memset(given, zero, sizeof given);
    memset(secret, zero, sizeof secret);
    if (argc != 2 || !poison_works())
        return 2;
    poison(secret, sizeof secret);
    uint8_t result = strcmp(argv[1], "branch") == 0 ? (uint8_t)leaky_equal(given, secret)
                                                    : leaky_look_up(table, secret);
    publish(&result, sizeof result);
    printf("%u\n", result);
    return 0;
}
