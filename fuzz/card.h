/* SPDX-License-Identifier: Apache-2.0 */
/* The cards that fuzz targets start from: flash in RAM, a blank card, a personalised one. */
#ifndef FUZZ_CARD_H
#define FUZZ_CARD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <stiver/card.h>

#include "base/apdu.h"
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "scheme/statement.h"

#define PAGE_BYTES 4096u
#define PAGES 16u

/* Flash in RAM, as forgiving as RAM: the memory's own tests are stricter. */
struct ram_flash {
    uint8_t memory[PAGES * PAGE_BYTES];
    uint32_t changes_left; /* before the power is lost; UINT32_MAX: never */
};

static enum stiver_flash_status ram_read(void *context, uint32_t address, uint8_t *out,
                                         size_t bytes)
{
    struct ram_flash *flash = context;
    if (flash->changes_left == 0)
        return STIVER_FLASH_POWER_LOST;
    if (address > sizeof flash->memory || bytes > sizeof flash->memory - address)
        abort();
    memcpy(out, flash->memory + address, bytes);
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status ram_change(struct ram_flash *flash)
{
    if (flash->changes_left != UINT32_MAX && flash->changes_left != 0)
        flash->changes_left--;
    return flash->changes_left == 0 ? STIVER_FLASH_POWER_LOST : STIVER_FLASH_OK;
}

static enum stiver_flash_status ram_program(void *context, uint32_t address, const uint8_t *data,
                                            size_t bytes)
{
    struct ram_flash *flash = context;
    if (address > sizeof flash->memory || bytes > sizeof flash->memory - address)
        abort();
    enum stiver_flash_status status = ram_change(flash);
    if (status == STIVER_FLASH_OK)
        memcpy(flash->memory + address, data, bytes);
    return status;
}

static enum stiver_flash_status ram_erase(void *context, uint32_t page)
{
    struct ram_flash *flash = context;
    if (page >= PAGES)
        abort();
    enum stiver_flash_status status = ram_change(flash);
    if (status == STIVER_FLASH_OK)
        memset(flash->memory + page * PAGE_BYTES, 0xFF, PAGE_BYTES);
    return status;
}

static struct stiver_flash port_of(struct ram_flash *flash)
{
    return (struct stiver_flash){.context = flash,
                                 .page_bytes = PAGE_BYTES,
                                 .pages = PAGES,
                                 .unit_bytes = 4,
                                 .read = ram_read,
                                 .program = ram_program,
                                 .erase = ram_erase};
}

static void require(int holds)
{
    if (!holds)
        abort();
}

/* ---- the two cards that every input starts from: made once ---- */

static __attribute__((unused)) struct ram_flash blank, personalised;

struct pair {
    uint8_t private_key[PRIVATE_KEY_BYTES], public_key[PUBLIC_KEY_BYTES];
};

static inline size_t certify(const struct certificate *c, const struct pair *authority,
                             uint8_t *out)
{
    uint8_t body[CERTIFICATE_BYTES_MAX], hash[SHA256_BYTES], signature[SIGNATURE_BYTES];
    size_t bytes = certificate_body(c, body, sizeof body);
    const struct piece piece = {body, bytes};
    require(bytes != 0 && crypto_sha256(&piece, 1, hash) == CRYPTO_OK);
    require(crypto_sign(authority->private_key, hash, signature) == CRYPTO_OK);
    return certificate_seal(body, bytes, signature, out, CERTIFICATE_BYTES_MAX);
}

static inline struct certificate authority_fields(enum certificate_type type,
                                                  const struct pair *key)
{
    struct certificate c = {.type = type,
                            .scheme = 1,
                            .serial = (uint32_t)type,
                            .authority = 9,
                            .id = (uint32_t)type,
                            .start = 1772409600u,
                            .end = 1772409600u + 300u * 86400u - 1u};
    memcpy(c.key, key->public_key, PUBLIC_KEY_BYTES);
    return c;
}

static inline size_t send(struct stiver_card *card, uint8_t ins, const uint8_t *data, size_t bytes,
                          uint8_t response[STIVER_APDU_MAX])
{
    uint8_t apdu[STIVER_APDU_MAX];
    struct apdu_command command = {
        .cla = 0x80, .ins = ins, .data = data, .lc = bytes, .le = 65536, .extended = true};
    if (ins == 0xA4)
        command = (struct apdu_command){
            .ins = ins, .p1 = 0x04, .data = purse_aid, .lc = PURSE_AID_BYTES, .le = 256};
    size_t length = apdu_encode(&command, apdu, sizeof apdu);
    size_t answered = stiver_card_transmit(card, apdu, length, response);
    require(answered >= 2 && response[answered - 2] == 0x90);
    return answered - 2;
}

static inline void personalise(struct stiver_card *card)
{
    struct pair root, terminals, cards, bank;
    struct statement statement;
    uint8_t data[STIVER_APDU_MAX] = {0}, certificate[CERTIFICATE_BYTES_MAX];
    uint8_t response[STIVER_APDU_MAX];
    struct pair *all[] = {&root, &terminals, &cards, &bank};
    for (size_t i = 0; i < 4; i++)
        require(crypto_generate(all[i]->private_key, all[i]->public_key) == CRYPTO_OK);
    struct certificate c = authority_fields(CERTIFICATE_TERMINAL_AUTHORITY, &terminals);
    struct anchors anchors = {.scheme = 1,
                              .currency = 978,
                              .root_version = 1,
                              .authority_version = 1,
                              .authority_certificate = certificate,
                              .authority_certificate_bytes = certify(&c, &root, certificate)};
    memcpy(anchors.root_key, root.public_key, PUBLIC_KEY_BYTES);
    memcpy(data + NONCE_BYTES, bank.public_key, PUBLIC_KEY_BYTES);
    const size_t head = NONCE_BYTES + PUBLIC_KEY_BYTES;
    size_t bytes = anchors_encode(&anchors, data + head, sizeof data - head);
    send(card, 0xA4, NULL, 0, response);
    send(card, 0xD0, data, head + bytes, response);
    require(statement_decode(response, STATEMENT_BYTES, 1, &statement) == DOCUMENT_OK);
    c = authority_fields(CERTIFICATE_CARD_AUTHORITY, &cards);
    bytes = certify(&c, &root, data);
    c = authority_fields(CERTIFICATE_CARD, &cards);
    c.authority = CERTIFICATE_CARD_AUTHORITY;
    c.card_class = CARD_HARDWARE;
    memcpy(c.subject, statement.card, CARD_NUMBER_BYTES);
    memcpy(c.key, statement.channel_key, PUBLIC_KEY_BYTES);
    memcpy(c.receipt_key, statement.receipt_key, PUBLIC_KEY_BYTES);
    bytes += certify(&c, &cards, data + bytes);
    send(card, 0xD2, data, bytes, response);
}

#endif
