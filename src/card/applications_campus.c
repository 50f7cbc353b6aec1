/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The applications of a card that carries the campus purse beside the purse: linked instead of
 * applications.c. It is offered by the cards alone whose factory record says so.
 *
 * The memory has places for so many records: the core's single ones, its peers, the purse's log and
 * four more leave seven, which is what the campus purse needs.
 */
#include "card/campus/campus.h"
#include "card/core/peer.h"
#include "card/core/records.h"
#include "card/purse/purse.h"
#include "scheme/receipt.h"

const struct application *const card_applications[] = {
    &purse_application,
    &campus_application,
};
const size_t card_applications_count = sizeof card_applications / sizeof card_applications[0];

#define CORE_RECORDS (13u + PEER_SLOTS)
#define CORE_BYTES (1200u + PEER_SLOTS * NVM_OCCUPIED(PEER_RECORD_BYTES))
#define PURSE_RECORDS (4u + LOG_SLOTS)
#define PURSE_BYTES (512u + LOG_SLOTS * NVM_OCCUPIED(RECEIPT_BYTES))

_Static_assert((unsigned)RECORD_OFFERED <= CORE_RECORDS - PEER_SLOTS, "each record has a place");
_Static_assert(CORE_RECORDS + PURSE_RECORDS + CAMPUS_RECORDS <= NVM_RECORDS_MAX,
               "the memory has so many records");

const struct nvm_quota card_quotas[] = {
    {OWNER_CORE, CORE_RECORDS, CORE_BYTES},
    {OWNER_PURSE, PURSE_RECORDS, PURSE_BYTES},
    {OWNER_CAMPUS, CAMPUS_RECORDS, CAMPUS_RECORD_BYTES},
};
const size_t card_quotas_count = sizeof card_quotas / sizeof card_quotas[0];
