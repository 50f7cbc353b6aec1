/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's entry points: power, and the first look at a command (its form, its class byte,
 * SELECT) before dispatch.c gives it to an application.
 */
#include "card/core/card.h"

#include <string.h>

#include "base/tlv.h"
#include "card/core/clock.h"
#include "card/core/dispatch.h"
#include "card/core/identity.h"
#include "card/core/peer.h"
#include "card/core/power.h"

#define CLA_INVALID 0xFFu
/* 001xxxxx is reserved (ISO/IEC 7816-4, 5.4.1), 101xxxxx is none of GlobalPlatform's (Card
 * Specification 2.3.1, 11.1.4). */
#define CLA_RESERVED_MASK 0x60u
#define CLA_RESERVED 0x20u
#define CLA_CHAINING 0x10u

#define INS_SELECT 0xA4u
#define SELECT_BY_AID 0x04u

#define TAG_FCI 0x6Fu
#define TAG_AID 0x84u
#define TAG_PROPRIETARY 0xA5u
#define TAG_MAXIMUM_COMMAND 0x9F65u

/* Words that only the transport of commands has; all others are in scheme/status.def. */
#define SW_CHAINING_NOT_SUPPORTED 0x6884u

static struct card *card_of(struct stiver_card *memory)
{
    _Static_assert(_Alignof(struct card) <= 8, "struct stiver_card is aligned for it");
    return (struct card *)(void *)memory->memory;
}

/* ---- power ---- */

static enum stiver_card_status mount(struct card *card, const struct stiver_flash *flash)
{
    uint8_t salt[NVM_SALT_BYTES];
    memset(card, 0, sizeof *card);
    card->flash = *flash;
    /* Without random numbers nothing of a card is safe. */
    if (crypto_random(salt, sizeof salt) != CRYPTO_OK)
        return STIVER_CARD_DAMAGED;
    enum nvm_status status = nvm_mount(&card->nvm, &card->flash, salt);
    if (status == NVM_OK)
        nvm_limit(&card->nvm, card_quotas, card_quotas_count);
    return power_status(status);
}

static enum stiver_card_status load(struct card *card)
{
    bool is_card = false;
    enum status status = identity_load(card, &is_card);
    if (status == STATUS_OK && !is_card)
        return STIVER_CARD_BLANK_FLASH;
    if (status == STATUS_OK)
        status = clock_load(card);
    for (size_t i = 0; status == STATUS_OK && i < card_applications_count; i++)
        status = card_memory_status(card, card_applications[i]->power_up(card));
    if (card->lost_power)
        return STIVER_CARD_POWER_LOST;
    return status == STATUS_OK ? STIVER_CARD_OK : STIVER_CARD_DAMAGED;
}

enum stiver_card_status stiver_card_power_on(struct stiver_card *memory,
                                             const struct stiver_flash *flash)
{
    struct card *card = card_of(memory);
    enum stiver_card_status status = mount(card, flash);
    if (status == STIVER_CARD_OK)
        status = load(card);
    if (status == STIVER_CARD_OK)
        card->is_on = true;
    else
        stiver_card_power_off(memory);
    return status;
}

void stiver_card_power_off(struct stiver_card *memory)
{
    bytes_wipe(memory, sizeof *memory);
}

/* ---- commands ---- */

static size_t respond_word(uint8_t *response, uint16_t word)
{
    struct writer w = writer_of(response, APDU_SW_BYTES);
    writer_u16(&w, word);
    return w.used;
}

static bool is_offered(const struct card *card, const struct application *application)
{
    return !application->is_optional || (card->identity.offered & 1u << application->owner) != 0;
}

static const struct application *find_application(const struct card *card, const uint8_t *aid,
                                                  size_t bytes)
{
    for (size_t i = 0; i < card_applications_count; i++) {
        const struct application *application = card_applications[i];
        if (application->aid_bytes == bytes && bytes_equal(application->aid, aid, bytes) &&
            is_offered(card, application))
            return application;
    }
    return NULL;
}

/* File control information (ISO/IEC 7816-4, 7.4.1): the AID, and how long a command may be. */
static void write_fci(struct writer *w, const struct application *application)
{
    const size_t maximum = tlv_header_bytes(TAG_MAXIMUM_COMMAND, 2) + 2;
    const size_t aid = tlv_header_bytes(TAG_AID, application->aid_bytes) + application->aid_bytes;
    tlv_header(w, TAG_FCI, aid + tlv_header_bytes(TAG_PROPRIETARY, maximum) + maximum);
    tlv_bytes(w, TAG_AID, application->aid, application->aid_bytes);
    tlv_header(w, TAG_PROPRIETARY, maximum);
    tlv_header(w, TAG_MAXIMUM_COMMAND, 2);
    writer_u16(w, STIVER_APDU_MAX);
}

static bool is_select(const struct apdu_command *command)
{
    return command->cla == 0 && command->ins == INS_SELECT;
}

/* By the whole AID only. Names no card: everybody who holds a reader may ask. Without Le there is
 * no answer but the word. */
static size_t select_application(struct card *card, const struct apdu_command *command,
                                 uint8_t response[STIVER_APDU_MAX])
{
    struct writer w = writer_of(response, STIVER_APDU_MAX);
    peer_leave(card);
    if (command->p1 != SELECT_BY_AID || command->p2 != 0)
        return respond_word(response, status_word(STATUS_P1P2, false));
    const struct application *found = find_application(card, command->data, command->lc);
    if (found == NULL)
        return respond_word(response, status_word(STATUS_NOT_FOUND, false));
    card->selected = found;
    if (command->le != 0)
        write_fci(&w, found);
    if (w.used > command->le)
        return respond_word(response, status_word(STATUS_LENGTH, false));
    writer_u16(&w, status_word(STATUS_OK, false));
    return w.used;
}

/* Why a command does not even reach dispatch, 0 if it does. */
static uint16_t refuse_form(const struct card *card, const struct apdu_command *command)
{
    if (command->cla == CLA_INVALID || (command->cla & CLA_RESERVED_MASK) == CLA_RESERVED)
        return status_word(STATUS_CLASS, false);
    if (apdu_channel(command->cla) != 0)
        return status_word(STATUS_LOGICAL_CHANNEL, false);
    if ((command->cla & CLA_CHAINING) != 0)
        return SW_CHAINING_NOT_SUPPORTED;
    /* Nothing is selected at power-up, so there is no table to ask. */
    if (card->selected == NULL && !is_select(command))
        return status_word(apdu_is_secure(command->cla) ? STATUS_SECURITY : STATUS_INSTRUCTION,
                           false);
    return 0;
}

/* The command stands at the start of response. */
static size_t answer(struct card *card, size_t command_bytes, uint8_t response[STIVER_APDU_MAX])
{
    struct apdu_command command;
    uint16_t refused = status_word(STATUS_LENGTH, false);
    if (apdu_parse(response, command_bytes, &command))
        refused = refuse_form(card, &command);
    if (refused != 0) {
        /* Not a command of the open channel, so it ends it, as any other in the clear does. */
        peer_leave(card);
        return respond_word(response, refused);
    }
    if (is_select(&command))
        return select_application(card, &command, response);
    return dispatch(card, &command, command_bytes, response);
}

size_t stiver_card_transmit(struct stiver_card *memory, const uint8_t *command,
                            size_t command_bytes, uint8_t response[STIVER_APDU_MAX])
{
    struct card *card = card_of(memory);
    if (!card->is_on)
        return 0;
    size_t bytes = 0;
    if (command_bytes > STIVER_APDU_MAX) {
        peer_leave(card);
        bytes = respond_word(response, status_word(STATUS_LENGTH, false));
    } else {
        if (command_bytes != 0) /* command may be NULL then */
            memmove(response, command, command_bytes);
        bytes = answer(card, command_bytes, response);
    }
    if (card->lost_power)
        bytes = 0;
    bytes_wipe(response + bytes, STIVER_APDU_MAX - bytes); /* a PIN may have stood there */
    if (card->lost_power)
        stiver_card_power_off(memory);
    return bytes;
}

/*
 * Answer to reset (ISO/IEC 7816-3, 8; historical bytes ISO/IEC 7816-4, 12.1.1):
 *
 *     3B  TS: direct convention
 *     8C  T0: TD1 follows; 12 historical bytes
 *     80  TD1: TD2 follows; T=0 named first, as PC/SC writes it
 *     01  TD2: T=1 is what the card speaks
 *     80  category: compact TLV
 *     73  card capabilities: 80 selection by full DF name | 01 data units of one byte |
 *         40 extended lengths, one logical channel
 *     56  card issuer's data: "STIVER"
 *     TCK exclusive or of T0 to the end gives 0
 */
const uint8_t *stiver_card_atr(size_t *bytes)
{
    static const uint8_t atr[] = {0x3B, 0x8C, 0x80, 0x01, 0x80, 0x73, 0x80, 0x01, 0x40,
                                  0x56, 'S',  'T',  'I',  'V',  'E',  'R',  0x66};
    *bytes = sizeof atr;
    return atr;
}
