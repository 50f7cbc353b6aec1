/* SPDX-License-Identifier: Apache-2.0 */
/* The applications of this build, and how much of the memory each owner may fill. */
#include "card/core/peer.h"
#include "card/core/records.h"
#include "card/purse/purse.h"
#include "scheme/receipt.h"

const struct application *const card_applications[] = {
    &purse_application,
};
const size_t card_applications_count = sizeof card_applications / sizeof card_applications[0];

/* The core: its single records, generously, and its remembered peers. The purse: a full log, and
 * beside it ledger, PIN, tries and block receipt. */
#define CORE_RECORDS (16u + PEER_SLOTS)
#define CORE_BYTES (1200u + PEER_SLOTS * NVM_OCCUPIED(PEER_RECORD_BYTES))
#define PURSE_RECORDS (8u + LOG_SLOTS)
#define PURSE_BYTES (512u + LOG_SLOTS * NVM_OCCUPIED(RECEIPT_BYTES))

_Static_assert(CORE_RECORDS + PURSE_RECORDS <= NVM_RECORDS_MAX, "the memory has so many records");

const struct nvm_quota card_quotas[] = {
    {OWNER_CORE, CORE_RECORDS, CORE_BYTES},
    {OWNER_PURSE, PURSE_RECORDS, PURSE_BYTES},
};
const size_t card_quotas_count = sizeof card_quotas / sizeof card_quotas[0];
