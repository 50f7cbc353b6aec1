/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The factory: an empty memory, a serial, a transport key, whether this is a secure element, and
 * what it offers beside the purse.
 * Torn, it leaves no card; done again, it leaves another one.
 */
#include "card/core/power.h"
#include "card/core/records.h"

_Static_assert(STIVER_SERIAL_BYTES == SERIAL_BYTES && STIVER_TRANSPORT_KEY_BYTES == AES_KEY_BYTES,
               "the public header repeats these sizes");

enum stiver_card_status power_status(enum nvm_status status)
{
    switch (status) {
    case NVM_OK:
        return STIVER_CARD_OK;
    case NVM_BLANK:
        return STIVER_CARD_BLANK_FLASH;
    case NVM_WORN:
        return STIVER_CARD_WORN;
    case NVM_POWER_LOST:
        return STIVER_CARD_POWER_LOST;
    case NVM_GEOMETRY:
        return STIVER_CARD_GEOMETRY;
    case NVM_ABSENT:
    case NVM_DAMAGED:
    case NVM_FULL:
    case NVM_MISUSE:
        break;
    }
    return STIVER_CARD_DAMAGED;
}

/* Not in the caller's frame: formatting has such a struct of its own. */
OWN_FRAME static enum nvm_status store_factory(const struct stiver_flash *flash,
                                               const uint8_t salt[NVM_SALT_BYTES],
                                               const struct stiver_card_factory *factory)
{
    struct nvm nvm;
    uint8_t record[FACTORY_RECORD_BYTES];
    struct writer w = writer_of(record, sizeof record);
    writer_bytes(&w, factory->serial, SERIAL_BYTES);
    writer_u8(&w, factory->is_hardware == 1 ? 1 : 0);
    const uint8_t offered = factory->has_campus == 1 ? 1u << OWNER_CAMPUS : 0;
    enum nvm_status status = nvm_mount(&nvm, flash, salt);
    if (status == NVM_OK)
        status = nvm_begin(&nvm, sizeof record + sizeof offered + AES_KEY_BYTES, 3);
    if (status == NVM_OK)
        status = nvm_put(&nvm, OWNER_CORE, RECORD_OFFERED, CORE_RECORD_VERSION, &offered,
                         sizeof offered);
    if (status == NVM_OK)
        status =
            nvm_put(&nvm, OWNER_CORE, RECORD_FACTORY, CORE_RECORD_VERSION, record, sizeof record);
    if (status == NVM_OK)
        status = nvm_put(&nvm, OWNER_CORE, RECORD_TRANSPORT_KEY, CORE_RECORD_VERSION,
                         factory->transport_key, AES_KEY_BYTES);
    if (status == NVM_OK)
        status = nvm_commit(&nvm);
    bytes_wipe(&nvm, sizeof nvm); /* what waited for its unit to fill */
    return status;
}

enum stiver_card_status stiver_card_manufacture(const struct stiver_flash *flash,
                                                const struct stiver_card_factory *factory)
{
    uint8_t salts[2 * NVM_SALT_BYTES];
    if (crypto_random(salts, sizeof salts) != CRYPTO_OK)
        return STIVER_CARD_DAMAGED;
    enum nvm_status status = nvm_format(flash, salts);
    if (status == NVM_OK)
        status = store_factory(flash, salts + NVM_SALT_BYTES, factory);
    return power_status(status);
}
