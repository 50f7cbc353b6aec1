/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The campus purse's signatures. What is signed is a row of numbers without a tag, and two kinds of
 * message may have the same shape; the bounds in internal.h keep them apart.
 */
#include <string.h>

#include "card/campus/internal.h"

#define NUMBERS_MAX 5u
#define PRIVATE_PART (RSA_PRIVATE_BYTES_MAX / 2u)

void campus_value(const struct apdu_command *command, uint8_t value[RSA_BYTES])
{
    /* The table saw to the length. */
    value[0] = command->p1;
    memcpy(value + 1, command->data, RSA_BYTES - 1);
}

static size_t encode_numbers(const uint32_t *numbers, size_t count, uint8_t out[4 * NUMBERS_MAX])
{
    struct writer w = writer_of(out, 4 * NUMBERS_MAX);
    for (size_t i = 0; i < count; i++)
        writer_u32(&w, numbers[i]);
    return w.used;
}

static enum status signature_status(enum crypto_status status)
{
    if (status == CRYPTO_OK)
        return STATUS_OK;
    return status == CRYPTO_INVALID ? STATUS_SECURITY : STATUS_FAILED;
}

/* The second record is shorter than the first by as much as the key falls short of the longest. */
static enum status read_private(struct card *card, uint8_t der[RSA_PRIVATE_BYTES_MAX],
                                size_t *bytes)
{
    size_t rest = 0;
    enum status status = campus_read(card, CAMPUS_RECORD_PRIVATE, der, PRIVATE_PART);
    if (status == STATUS_OK)
        status =
            card_memory_status(card, nvm_read(&card->nvm, OWNER_CAMPUS, CAMPUS_RECORD_PRIVATE_END,
                                              NULL, der + PRIVATE_PART, PRIVATE_PART, &rest));
    *bytes = PRIVATE_PART + rest;
    return status;
}

enum status campus_sign(struct card *card, const uint32_t *numbers, size_t count,
                        uint8_t signature[RSA_BYTES])
{
    uint8_t der[RSA_PRIVATE_BYTES_MAX], text[4 * NUMBERS_MAX];
    const struct piece piece = {text, encode_numbers(numbers, count, text)};
    size_t bytes = 0;
    enum status status = read_private(card, der, &bytes);
    if (status == STATUS_OK && rsa_sign_sha1(der, bytes, &piece, 1, signature) != CRYPTO_OK)
        status = STATUS_FAILED;
    bytes_wipe(der, sizeof der);
    return status;
}

enum status campus_verify(const struct campus *campus, const uint32_t *numbers, size_t count,
                          const struct apdu_command *command)
{
    uint8_t text[4 * NUMBERS_MAX], signature[RSA_BYTES];
    const struct piece piece = {text, encode_numbers(numbers, count, text)};
    campus_value(command, signature);
    return signature_status(rsa_verify_sha1(campus->terminal_key, &piece, 1, signature));
}

enum status campus_verify_certificate(const uint8_t back_end[RSA_BYTES], uint32_t id, uint32_t end,
                                      const uint8_t key[RSA_BYTES], uint8_t usage,
                                      const uint8_t signature[RSA_BYTES])
{
    const uint32_t head[] = {id, end};
    uint8_t text[4 * NUMBERS_MAX];
    const struct piece pieces[] = {
        {text, encode_numbers(head, 2, text)}, {key, RSA_BYTES}, {&usage, 1}};
    return signature_status(rsa_verify_sha1(back_end, pieces, 3, signature));
}

uint32_t campus_now(const struct campus *campus)
{
    return campus->time > campus->ledger.last_seen ? campus->time : campus->ledger.last_seen;
}
