/* SPDX-License-Identifier: Apache-2.0 */
/* Cards of the campus purse: IDs that no counter ever equals, certificates, the register. */
#include <string.h>

#include "bank/campus/inside.h"

/* Five years. */
#define CARD_DAYS 1826u
#define DRAWS 64

enum stiver_bank_status bank_campus_card_draw(struct stiver_bank *bank, uint32_t station,
                                              struct campus_card_record *card)
{
    uint32_t end = bank_campus_end_after(bank_now(bank), CARD_DAYS);
    for (int i = 0; i < DRAWS; i++) {
        uint8_t random[4];
        if (!evp_random(random, sizeof random))
            return STIVER_BANK_CRYPTO;
        struct reader r = reader_of(random, sizeof random);
        *card = (struct campus_card_record){.id = reader_u32(&r) | CAMPUS_CARD_BIT,
                                            .end = end ? end : UINT32_MAX,
                                            .station = station};
        enum store_status stored = CAMPUS(bank, card_add, card);
        if (stored != STORE_DUPLICATE)
            return bank_status_of_store(stored);
    }
    return STIVER_BANK_INTERNAL;
}

static enum stiver_bank_status enter(struct stiver_bank *bank, struct campus_card_record *card,
                                     const struct campus_certificate *c, bool is_new)
{
    struct campus_card_record other;
    struct store *store = bank->store;
    enum store_status stored = CAMPUS(bank, card_of_modulus, c->modulus, &other);
    if (stored == STORE_OK)
        return bank_say(bank, STIVER_BANK_CONFLICT, "this card's key is known under another ID");
    if (stored != STORE_NONE)
        return bank_status_of_store(stored);
    card->is_certified = true;
    memcpy(card->modulus, c->modulus, sizeof card->modulus);
    memcpy(card->signature, c->signature, sizeof card->signature);
    stored =
        is_new ? store->campus->card_add(store, card) : store->campus->card_update(store, card);
    return stored == STORE_OK ? bank_campus_keep_certificate(bank, 0, 0, c)
                              : bank_status_of_store(stored);
}

enum stiver_bank_status bank_campus_card_certify(struct stiver_bank *bank, uint32_t station,
                                                 const struct campus_certificate *wanted,
                                                 uint8_t signature[CAMPUS_RSA_BYTES])
{
    struct campus_card_record card;
    struct campus_certificate c = *wanted;
    enum store_status stored = CAMPUS(bank, card_find, wanted->id, &card);
    if (stored != STORE_OK && stored != STORE_NONE)
        return bank_status_of_store(stored);
    if (stored == STORE_NONE || card.station != station || card.end != wanted->end)
        return bank_say(bank, STIVER_BANK_REFUSED, "this ID was not drawn for this station");
    if (card.is_certified) {
        memcpy(signature, card.signature, sizeof card.signature);
        return bytes_equal(card.modulus, c.modulus, sizeof card.modulus)
                   ? STIVER_BANK_OK
                   : bank_say(bank, STIVER_BANK_CONFLICT, "another card has this ID");
    }
    if (!evp_rsa_is_modulus(c.modulus))
        return bank_say(bank, STIVER_BANK_REFUSED, "this is no key of 2,048 bits");
    c.usage = CAMPUS_USAGE_CARD;
    enum stiver_bank_status status = bank_campus_certify(bank, &c);
    memcpy(signature, c.signature, sizeof c.signature);
    return status == STIVER_BANK_OK ? enter(bank, &card, &c, false) : status;
}

/* ---- cards of the source ---- */

static enum stiver_bank_status register_work(struct stiver_bank *bank, void *context)
{
    const struct campus_certificate *c = context;
    struct campus_card_record card = {.id = c->id, .end = c->end}, held;
    enum store_status stored = CAMPUS(bank, card_find, c->id, &held);
    if (stored == STORE_NONE)
        return enter(bank, &card, c, true);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    bool same = held.is_certified && held.end == c->end &&
                bytes_equal(held.modulus, c->modulus, sizeof held.modulus);
    return same ? STIVER_BANK_ALREADY
                : bank_say(bank, STIVER_BANK_CONFLICT, "another card has this ID");
}

enum stiver_bank_status stiver_campus_register_card(struct stiver_bank *bank, uint32_t id,
                                                    uint32_t end, const uint8_t modulus[256],
                                                    const uint8_t signature[256])
{
    struct campus_certificate c = {.id = id, .end = end, .usage = CAMPUS_USAGE_CARD};
    memcpy(c.modulus, modulus, sizeof c.modulus);
    memcpy(c.signature, signature, sizeof c.signature);
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status != STIVER_BANK_OK)
        return status;
    if (id == 0 || end < CAMPUS_END_MIN || !evp_rsa_is_modulus(modulus))
        return bank_say(bank, STIVER_BANK_ARGUMENT,
                        "a card has an ID, an end after 2004, and a key of 2,048 bits");
    enum verdict verdict = bank_campus_is_ours(bank, &c);
    if (verdict != VERDICT_VALID)
        return verdict == VERDICT_UNKNOWN
                   ? bank_say(bank, STIVER_BANK_CRYPTO, NULL)
                   : bank_say(bank, STIVER_BANK_FORGED,
                              "the certificate does not verify for this key, ID and end");
    return bank_transact(bank, register_work, &c);
}

/* ---- looking ---- */

struct tour {
    stiver_campus_card_visit *visit;
    void *context;
};

static enum store_status show(void *context, const struct campus_card_record *record)
{
    const struct tour *tour = context;
    struct stiver_campus_card shown = {.id = record->id,
                                       .end = record->end,
                                       .counter = record->counter,
                                       .shadow_minor = record->shadow,
                                       .is_listed = record->listed != 0,
                                       .is_blocked = record->blocked != 0};
    if (record->is_certified) /* an ID that was drawn and not used is no card */
        tour->visit(tour->context, &shown);
    return STORE_OK;
}

enum stiver_bank_status stiver_campus_cards(struct stiver_bank *bank,
                                            stiver_campus_card_visit *visit, void *context)
{
    struct tour tour = {visit, context};
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status != STIVER_BANK_OK)
        return status;
    status = bank_status_of_store(CAMPUS(bank, cards, show, &tour));
    return status == STIVER_BANK_OK ? status : bank_say(bank, status, NULL);
}
