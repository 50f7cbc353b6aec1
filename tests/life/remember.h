/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIFE_REMEMBER_H
#define TESTS_LIFE_REMEMBER_H

#include <stdbool.h>

/* What this process does from now on, its forks will know, and so will those of its parent that
 * shares nothing itself: for one process at a time. */
void remember_for_all(bool is_on);

#endif
