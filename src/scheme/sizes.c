/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/sizes.h"

const uint8_t purse_aid[PURSE_AID_BYTES] = {0xF0, 'S', 'T', 'I', 'V', 'E', 'R', 0x01};
