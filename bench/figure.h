/* SPDX-License-Identifier: Apache-2.0 */
/* What the measuring programs share: the clock, medians, and the line that script/bench reads. */
#ifndef BENCH_FIGURE_H
#define BENCH_FIGURE_H

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of the wall's clock, for what waits: the disk, another process. */
uint64_t figure_now(void);
/* Nanoseconds of the processor that this process had. For what never waits it is the same on an
 * idle machine, and stays so on a busy one. */
uint64_t figure_processor(void);

/* Sorts values (count above 0) and gives the middle one. */
double figure_median(double *values, size_t count);

/* {"name": ..., "value": ..., "unit": ...} on standard output. */
void figure_print(const char *name, double value, const char *unit);

/* Ends the program with a sentence if what a measurement stands on does not hold. */
void figure_need(int holds, const char *what);

#endif
