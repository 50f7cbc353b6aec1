/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the core: what a memory status means to the port. */
#ifndef CARD_CORE_POWER_H
#define CARD_CORE_POWER_H

#include "card/core/card.h"

enum stiver_card_status power_status(enum nvm_status status);

#endif
