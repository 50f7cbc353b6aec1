/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a campus purse comes to be somebody's: SET KEY, SET IDENTITY, SET CERTIFICATE, in this order.
 * Whoever holds the blank card may do it, as published; but the card ends it only with a
 * certificate that the back end named in SET KEY signed over what the card holds, so that nobody
 * can lock it by mistake or in bad faith.
 */
#include <string.h>

#include "card/campus/internal.h"

/* Makes the card's key and puts it, in two records, because not every flash page takes one so long,
 * into a transaction that also has room for the public keys and the ledger. */
static enum status make_key(struct card *card, uint8_t modulus[RSA_BYTES])
{
    uint8_t der[RSA_PRIVATE_BYTES_MAX];
    const size_t part = RSA_PRIVATE_BYTES_MAX / 2;
    size_t bytes = 0;
    enum status status = STATUS_OK;
    if (rsa_generate(der, &bytes, modulus) != CRYPTO_OK || bytes <= part)
        status = STATUS_FAILED;
    if (status == STATUS_OK)
        status = card_begin(card, bytes + CAMPUS_PUBLIC_BYTES + CAMPUS_LEDGER_BYTES, 4);
    if (status == STATUS_OK)
        status = campus_put(card, CAMPUS_RECORD_PRIVATE, der, part);
    if (status == STATUS_OK)
        status = campus_put(card, CAMPUS_RECORD_PRIVATE_END, der + part, bytes - part);
    bytes_wipe(der, sizeof der);
    return status;
}

/* Gives the card a back end, and begins again with what followed. */
static enum status set_back_end(struct card *card, const uint8_t keys[CAMPUS_PUBLIC_BYTES])
{
    const struct campus_ledger next = {.stage = CAMPUS_KEYED,
                                       .balance = money_of(0, CAMPUS_CURRENCY)};
    enum status status = campus_put(card, CAMPUS_RECORD_PUBLIC, keys, CAMPUS_PUBLIC_BYTES);
    return status == STATUS_OK ? campus_commit(card, &next) : status;
}

/* Repeated, it answers the key that was made first: a personalisation may be begun anew as often as
 * it takes, and makes neither a second key nor, for the same back end, a change. */
enum status campus_set_key(struct card *card, const struct apdu_command *command,
                           struct writer *answer)
{
    uint8_t keys[CAMPUS_PUBLIC_BYTES], back_end[RSA_BYTES];
    uint8_t *own = keys + RSA_BYTES;
    bool is_fresh = campus_view(card)->ledger.stage == CAMPUS_FRESH;
    campus_value(command, back_end);
    if (!rsa_is_modulus(back_end))
        return STATUS_DATA;
    enum status status =
        is_fresh ? make_key(card, own) : campus_read(card, CAMPUS_RECORD_PUBLIC, keys, sizeof keys);
    bool is_same = !is_fresh && status == STATUS_OK && bytes_equal(keys, back_end, RSA_BYTES);
    memcpy(keys, back_end, RSA_BYTES);
    if (status == STATUS_OK && !is_fresh && !is_same)
        status = card_begin(card, CAMPUS_PUBLIC_BYTES + CAMPUS_LEDGER_BYTES, 2);
    if (status == STATUS_OK && !is_same)
        status = set_back_end(card, keys);
    if (status == STATUS_OK)
        writer_bytes(answer, own, RSA_BYTES);
    return status;
}

enum status campus_set_identity(struct card *card, const struct apdu_command *command,
                                struct writer *answer)
{
    struct campus_ledger next = campus_view(card)->ledger;
    struct reader r = reader_of(command->data, command->lc);
    (void)answer;
    next.id = reader_u32(&r);
    next.end = reader_u32(&r);
    next.stage = CAMPUS_NAMED;
    return reader_done(&r) ? campus_ledger_commit(card, &next) : STATUS_LENGTH;
}

enum status campus_set_certificate(struct card *card, const struct apdu_command *command,
                                   struct writer *answer)
{
    uint8_t keys[CAMPUS_PUBLIC_BYTES], signature[RSA_BYTES];
    struct campus_ledger next = campus_view(card)->ledger;
    (void)answer;
    campus_value(command, signature);
    enum status status = campus_read(card, CAMPUS_RECORD_PUBLIC, keys, sizeof keys);
    if (status == STATUS_OK)
        status = campus_verify_certificate(keys, next.id, next.end, keys + RSA_BYTES,
                                           CAMPUS_USAGE_CARD, signature);
    if (status == STATUS_OK)
        status = card_begin(card, RSA_BYTES + CAMPUS_LEDGER_BYTES, 2);
    if (status == STATUS_OK)
        status = campus_put(card, CAMPUS_RECORD_CERTIFICATE, signature, RSA_BYTES);
    next.stage = CAMPUS_INIT;
    return status == STATUS_OK ? campus_commit(card, &next) : status;
}
