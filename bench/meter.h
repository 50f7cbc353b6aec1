/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts and times the public-key operations of this program, from outside: the PSA calls are
 * wrapped at link time (meson.build), and so are the two entries of the card, which tell its
 * operations from the terminal's.
 */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>

enum meter_operation {
    METER_GENERATE,
    METER_EXPORT, /* the public half of a pair just made: on a PC an operation of its own */
    METER_AGREE,
    METER_SIGN,
    METER_VERIFY,
    METER_OPERATIONS,
};

enum meter_side { METER_TERMINAL, METER_CARD, METER_SIDES };

struct meter {
    unsigned count[METER_SIDES][METER_OPERATIONS];
    uint64_t nanoseconds; /* of all of them */
};

/* By which clock: figure_now (also at first) or figure_processor. */
typedef uint64_t meter_clock(void);
void meter_use(meter_clock *clock);

/* What ran since the last call, which also starts the next round. */
struct meter meter_take(void);

#endif
