/* SPDX-License-Identifier: Apache-2.0 */
/* The register of stock, and how a blank card becomes a certified one (scheme/statement.h). */
#include "bank/stock.h"

#include <string.h>

#include "bank/order.h"
#include "bank/terminal.h"
#include "base/date.h"

#define CARD_DAYS (5u * 365u)
#define PURPOSE_TRANSPORT 'T'
#define PURPOSE_EPHEMERAL 'E'
#define PURPOSE_BYTES (SERIAL_BYTES + 1u)

/* A sealed secret belongs to one serial and one use. */
static void purpose_of(char use, const uint8_t serial[SERIAL_BYTES], uint8_t purpose[PURPOSE_BYTES])
{
    purpose[0] = (uint8_t)use;
    memcpy(purpose + 1, serial, SERIAL_BYTES);
}

struct addition {
    struct stock_record record;
    const uint8_t *transport_key;
};

/* The same card again is no conflict. */
static enum stiver_bank_status compare_stock(struct stiver_bank *bank,
                                             const struct addition *addition)
{
    struct stock_record held;
    uint8_t purpose[PURPOSE_BYTES], key[AES_KEY_BYTES];
    enum store_status stored = STORE(bank, stock_find, addition->record.serial, &held);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    purpose_of(PURPOSE_TRANSPORT, held.serial, purpose);
    if (!seal_open(bank->storage_key, purpose, sizeof purpose, held.sealed_key, key, sizeof key))
        return STIVER_BANK_DAMAGED;
    bool same = bytes_equal_ct(key, addition->transport_key, sizeof key) &&
                held.card_class == addition->record.card_class;
    bytes_wipe(key, sizeof key);
    return same ? STIVER_BANK_ALREADY
                : bank_say(bank, STIVER_BANK_CONFLICT, "this serial is in stock with another key");
}

static enum stiver_bank_status stock_work(struct stiver_bank *bank, void *context)
{
    const struct addition *addition = context;
    enum store_status stored = STORE(bank, stock_add, &addition->record);
    return stored == STORE_DUPLICATE ? compare_stock(bank, addition) : bank_status_of_store(stored);
}

enum stiver_bank_status stiver_bank_stock(struct stiver_bank *bank, const uint8_t serial[8],
                                          const uint8_t transport_key[16], uint8_t card_class)
{
    uint8_t purpose[PURPOSE_BYTES];
    if (card_class != CARD_HARDWARE && card_class != CARD_VIRTUAL)
        return bank_say(bank, STIVER_BANK_ARGUMENT, "a card is hardware or virtual");
    struct addition addition = {.record = {.card_class = (enum card_class)card_class},
                                .transport_key = transport_key};
    memcpy(addition.record.serial, serial, SERIAL_BYTES);
    purpose_of(PURPOSE_TRANSPORT, serial, purpose);
    if (!seal_close(bank->storage_key, purpose, sizeof purpose, transport_key, AES_KEY_BYTES,
                    addition.record.sealed_key))
        return bank_say(bank, STIVER_BANK_CRYPTO, NULL);
    return bank_transact(bank, stock_work, &addition);
}

/* ---- challenge ---- */

static enum stiver_bank_status draw_challenge(struct stiver_bank *bank, struct stock_record *stock)
{
    uint8_t purpose[PURPOSE_BYTES], scalar[PRIVATE_KEY_BYTES];
    purpose_of(PURPOSE_EPHEMERAL, stock->serial, purpose);
    EVP_PKEY *pair = evp_key_generate();
    bool done = pair && evp_random(stock->nonce, sizeof stock->nonce) &&
                evp_public_of(pair, stock->ephemeral_key) && evp_scalar_of(pair, scalar) &&
                seal_close(bank->storage_key, purpose, sizeof purpose, scalar, sizeof scalar,
                           stock->sealed_ephemeral);
    bytes_wipe(scalar, sizeof scalar);
    EVP_PKEY_free(pair);
    stock->is_pending = true;
    return done ? STIVER_BANK_OK : STIVER_BANK_CRYPTO;
}

enum stiver_bank_status stock_challenge(struct stiver_bank *bank,
                                        const uint8_t serial[SERIAL_BYTES], struct writer *answer)
{
    struct stock_record stock;
    uint8_t anchors[ANCHORS_BYTES_MAX];
    enum store_status stored = STORE(bank, stock_find, serial, &stock);
    if (stored == STORE_NONE)
        return bank_say(bank, STIVER_BANK_UNKNOWN_CARD, "this serial is not in stock");
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    size_t bytes = bank_anchors(bank, anchors);
    if (!bytes || !evp_sha256(anchors, bytes, stock.anchors_hash))
        return STIVER_BANK_CRYPTO;
    enum stiver_bank_status status = draw_challenge(bank, &stock);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(STORE(bank, stock_update, &stock));
    writer_bytes(answer, stock.nonce, sizeof stock.nonce);
    writer_bytes(answer, stock.ephemeral_key, sizeof stock.ephemeral_key);
    writer_bytes(answer, anchors, bytes);
    return status;
}

/* ---- proof ---- */

static enum verdict verdict_of(bool is_known, bool holds)
{
    if (!is_known)
        return VERDICT_UNKNOWN;
    return holds ? VERDICT_VALID : VERDICT_FORGED;
}

/* MAC under the transport key: this is the card from stock. */
static enum verdict mac_holds(const struct stiver_bank *bank, const struct stock_record *stock,
                              const uint8_t *answer)
{
    uint8_t purpose[PURPOSE_BYTES], key[AES_KEY_BYTES], mac[CMAC_BYTES];
    const size_t covered = STATEMENT_ANSWER_BYTES - CMAC_BYTES;
    purpose_of(PURPOSE_TRANSPORT, stock->serial, purpose);
    bool is_known =
        seal_open(bank->storage_key, purpose, sizeof purpose, stock->sealed_key, key, sizeof key) &&
        evp_cmac(key, answer, covered, mac);
    bool holds = is_known && bytes_equal_ct(mac, answer + covered, sizeof mac);
    bytes_wipe(key, sizeof key);
    return verdict_of(is_known, holds);
}

/* Tag through the ephemeral pair: the card holds the private part of its channel key. */
static enum verdict tag_holds(const struct stiver_bank *bank, const struct stock_record *stock,
                              const uint8_t channel_key[PUBLIC_KEY_BYTES], const uint8_t *answer)
{
    uint8_t purpose[PURPOSE_BYTES], scalar[PRIVATE_KEY_BYTES], secret[SHARED_SECRET_BYTES];
    uint8_t key[AES_KEY_BYTES], tag[CMAC_BYTES];
    EVP_PKEY *pair = NULL;
    enum verdict point = evp_point(channel_key);
    if (point != VERDICT_VALID)
        return point;
    purpose_of(PURPOSE_EPHEMERAL, stock->serial, purpose);
    if (seal_open(bank->storage_key, purpose, sizeof purpose, stock->sealed_ephemeral, scalar,
                  sizeof scalar))
        pair = evp_key_private(scalar, stock->ephemeral_key);
    bool is_known = pair && evp_agree(pair, channel_key, secret) &&
                    evp_derive(secret, KEY_PROOF_INFO, key) &&
                    evp_cmac(key, answer, STATEMENT_BYTES, tag);
    bool holds = is_known && bytes_equal_ct(tag, answer + STATEMENT_BYTES, sizeof tag);
    EVP_PKEY_free(pair);
    bytes_wipe(scalar, sizeof scalar);
    bytes_wipe(secret, sizeof secret);
    bytes_wipe(key, sizeof key);
    return verdict_of(is_known, holds);
}

/* That the card is the one from stock, and has both private keys. */
static enum stiver_bank_status check_proofs(struct stiver_bank *bank, const uint8_t *answer,
                                            const struct statement *s,
                                            const struct stock_record *stock)
{
    enum verdict mac = mac_holds(bank, stock, answer);
    if (mac == VERDICT_FORGED)
        return bank_say(bank, STIVER_BANK_FORGED,
                        "this is not the card from stock: the MAC under "
                        "its transport key does not hold");
    enum document_status signature =
        document_verify(&bank_primitives, answer, STATEMENT_BYTES, s->receipt_key);
    enum verdict tag = tag_holds(bank, stock, s->channel_key, answer);
    if (mac == VERDICT_UNKNOWN || signature == DOCUMENT_FAILED || tag == VERDICT_UNKNOWN)
        return STIVER_BANK_CRYPTO;
    if (signature != DOCUMENT_OK || tag != VERDICT_VALID)
        return bank_say(bank, STIVER_BANK_FORGED,
                        "the card does not prove that its keys are its own");
    return STIVER_BANK_OK;
}

static enum stiver_bank_status check_statement(struct stiver_bank *bank, const uint8_t *answer,
                                               struct statement *s, struct stock_record *stock)
{
    enum document_status decoded =
        statement_decode(answer, STATEMENT_BYTES, bank->settings.scheme, s);
    if (decoded != DOCUMENT_OK)
        return bank_status_of_document(decoded);
    enum store_status stored = STORE(bank, stock_find, s->serial, stock);
    if (stored == STORE_NONE)
        return bank_say(bank, STIVER_BANK_UNKNOWN_CARD, "this serial is not in stock");
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    if (!stock->is_pending)
        return bank_say(bank, STIVER_BANK_REFUSED,
                        "no station asked for a challenge for this card");
    enum stiver_bank_status status = check_proofs(bank, answer, s, stock);
    if (status != STIVER_BANK_OK)
        return status;
    if (!bytes_equal(s->nonce, stock->nonce, NONCE_BYTES) ||
        !bytes_equal(s->anchors_hash, stock->anchors_hash, SHA256_BYTES))
        return bank_say(bank, STIVER_BANK_REFUSED,
                        "the card answered another challenge, or holds other anchors");
    if (s->card_class < stock->card_class) /* hardware is 1, virtual 2 */
        return bank_say(bank, STIVER_BANK_REFUSED,
                        "the card claims a better class than its stock's");
    return bytes_are_zero(s->card, CARD_NUMBER_BYTES) ? STIVER_BANK_MALFORMED : STIVER_BANK_OK;
}

/* ---- certificate ---- */

static enum stiver_bank_status sign_as_card_authority(void *context,
                                                      const uint8_t hash[SHA256_BYTES],
                                                      uint8_t signature[SIGNATURE_BYTES])
{
    struct stiver_bank *bank = context;
    return keyring_sign(&bank->keys, STIVER_BANK_KEY_CARD_AUTHORITY, bank_now(bank), hash,
                        signature);
}

static enum stiver_bank_status certify_card(struct stiver_bank *bank, const struct statement *s,
                                            struct card_record *card)
{
    uint32_t now = bank_now(bank), day = now - now % DAY_SECONDS;
    struct certificate c = {
        .type = CERTIFICATE_CARD,
        .scheme = bank->settings.scheme,
        .authority = bank->keys.current[STIVER_BANK_KEY_CARD_AUTHORITY].id,
        .start = day,
        .end = day + CARD_DAYS * DAY_SECONDS - 1,
        .card_class = s->card_class,
    };
    memcpy(c.subject, s->card, sizeof s->card);
    memcpy(c.key, s->channel_key, sizeof c.key);
    memcpy(c.receipt_key, s->receipt_key, sizeof c.receipt_key);
    *card = (struct card_record){.card_class = s->card_class, .certified = now, .end = c.end};
    memcpy(card->card, s->card, sizeof card->card);
    memcpy(card->serial, s->serial, sizeof card->serial);
    memcpy(card->channel_key, s->channel_key, sizeof card->channel_key);
    memcpy(card->receipt_key, s->receipt_key, sizeof card->receipt_key);
    enum store_status stored = STORE(bank, sequence_next, SEQUENCE_SERIAL, &c.serial);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    return certificate_make(&c, sign_as_card_authority, bank, card->certificate,
                            &card->certificate_bytes);
}

static enum stiver_bank_status enter_card(struct stiver_bank *bank, const uint8_t *answer,
                                          const struct statement *s, struct card_record *card)
{
    struct card_record other;
    enum store_status stored = STORE(bank, card_find, s->card, &other);
    if (stored == STORE_OK) {
        bank_ring_after(bank, s->card, NULL, "two serials claim one card number");
        return bank_say(bank, STIVER_BANK_CONFLICT, "another card has this number");
    }
    if (stored != STORE_NONE)
        return bank_status_of_store(stored);
    enum stiver_bank_status status = certify_card(bank, s, card);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(STORE(bank, card_add, card));
    if (status == STIVER_BANK_OK)
        status = bank_keep(bank, RECORD_STATEMENT, NULL, answer, STATEMENT_BYTES, NULL);
    if (status == STIVER_BANK_OK)
        status = bank_keep(bank, RECORD_CERTIFICATE, NULL, card->certificate,
                           card->certificate_bytes, NULL);
    return status;
}

static bool is_same_card(const struct card_record *card, const struct statement *s)
{
    return bytes_equal(card->card, s->card, sizeof card->card) &&
           bytes_equal(card->channel_key, s->channel_key, sizeof card->channel_key) &&
           bytes_equal(card->receipt_key, s->receipt_key, sizeof card->receipt_key);
}

/* The authority that signed this card's certificate: not always the current one. */
static const struct key_record *authority_of(const struct stiver_bank *bank,
                                             const struct card_record *card)
{
    struct certificate c;
    if (certificate_decode(card->certificate, card->certificate_bytes, &c) != DOCUMENT_OK)
        return NULL;
    for (size_t i = 0; i < bank->keys.card_authority_count; i++)
        if (bank->keys.card_authorities[i].id == c.authority)
            return &bank->keys.card_authorities[i];
    return NULL;
}

enum stiver_bank_status stock_certify(struct stiver_bank *bank,
                                      const uint8_t statement[STATEMENT_ANSWER_BYTES],
                                      struct writer *answer)
{
    struct statement s;
    struct stock_record stock;
    struct card_record card;
    struct order_message policy;
    enum stiver_bank_status status = check_statement(bank, statement, &s, &stock);
    if (status != STIVER_BANK_OK)
        return status;
    enum store_status stored = STORE(bank, card_of_serial, s.serial, &card);
    if (stored == STORE_OK && !is_same_card(&card, &s)) {
        bank_ring_after(bank, s.card, NULL, "a serial came again with other keys");
        return bank_say(bank, STIVER_BANK_CONFLICT, "this serial was certified with other keys");
    }
    if (stored != STORE_OK && stored != STORE_NONE)
        return bank_status_of_store(stored);
    if (stored == STORE_NONE)
        status = enter_card(bank, statement, &s, &card);
    if (status == STIVER_BANK_OK)
        status = order_policy(bank, &card, &policy);
    const struct key_record *authority = authority_of(bank, &card);
    if (status != STIVER_BANK_OK)
        return status;
    if (!authority)
        return STIVER_BANK_DAMAGED;
    writer_u32(answer, (uint32_t)(authority->certificate_bytes + card.certificate_bytes));
    writer_bytes(answer, authority->certificate, authority->certificate_bytes);
    writer_bytes(answer, card.certificate, card.certificate_bytes);
    link_field(answer, policy.bytes, policy.length);
    return STIVER_BANK_OK;
}
