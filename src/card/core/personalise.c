/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation: INITIALIZE gives a blank card its anchors and has it make its keys and state
 * them; the certificates that answer lock it for ever (scheme/statement.h). In a trusted room this
 * happens in the clear: nothing secret leaves the card, and the transport key's MAC tells the bank
 * that the statement is the card's own.
 */
#include <string.h>

#include "card/core/identity.h"
#include "card/core/records.h"
#include "scheme/statement.h"

/* Key versions that GlobalPlatform allows (Card Specification 2.3.1, 11.1.9). */
#define KVN_LEAST 0x01u
#define KVN_MOST 0x7Fu

/* Everything that is made once, in the order in which it is stored. */
struct card_keys {
    uint8_t channel_private[PRIVATE_KEY_BYTES];
    uint8_t receipt_private[PRIVATE_KEY_BYTES];
    uint8_t public_keys[2 * PUBLIC_KEY_BYTES]; /* channel, receipt */
    uint8_t handle_secret[AES_KEY_BYTES];
    uint8_t number[CARD_NUMBER_BYTES];
};
#define KEYS_RECORDS 5u

/* What INITIALIZE brings. */
struct initialization {
    const uint8_t *nonce, *ephemeral; /* borrowed: NONCE_BYTES, PUBLIC_KEY_BYTES */
    uint8_t anchors_hash[SHA256_BYTES];
    struct card_identity identity; /* the card's, with the anchors that were given */
};

static bool is_key_version(uint8_t version)
{
    return version >= KVN_LEAST && version <= KVN_MOST;
}

static enum status certificate_status(enum document_status status)
{
    if (status == DOCUMENT_OK)
        return STATUS_OK;
    return status == DOCUMENT_FAILED ? STATUS_FAILED : STATUS_CERTIFICATE;
}

/* ---- anchors ---- */

/* Verifies the terminal authority's certificate under the root that was given with it. The root's
 * own id is what that certificate says: nothing else names it. */
OWN_FRAME static enum status check_authority(const struct anchors *anchors,
                                             struct card_identity *identity)
{
    struct certificate c;
    const uint8_t *bytes = anchors->authority_certificate;
    size_t length = anchors->authority_certificate_bytes;
    enum document_status status = certificate_decode(bytes, length, &c);
    if (status == DOCUMENT_OK) {
        identity->root.id = c.authority;
        status =
            certificate_check(&crypto_primitives, bytes, length, CERTIFICATE_TERMINAL_AUTHORITY,
                              anchors->scheme, &identity->root, &c);
    }
    if (status == DOCUMENT_OK)
        identity->terminal_authority = certificate_as_authority(&c);
    return certificate_status(status);
}

static enum status read_anchors(const uint8_t *bytes, size_t length, struct card_identity *identity)
{
    struct anchors anchors;
    if (anchors_decode(bytes, length, &anchors) != DOCUMENT_OK || anchors.scheme == 0 ||
        !is_key_version(anchors.root_version) || !is_key_version(anchors.authority_version))
        return STATUS_DATA;
    identity->scheme = anchors.scheme;
    identity->currency = anchors.currency;
    identity->root_version = anchors.root_version;
    identity->authority_version = anchors.authority_version;
    identity->root = (struct certificate_authority){.start = 0, .end = UINT32_MAX};
    memcpy(identity->root.key, anchors.root_key, PUBLIC_KEY_BYTES);
    return check_authority(&anchors, identity);
}

OWN_FRAME static enum status read_initialization(const struct card *card,
                                                 const struct apdu_command *command,
                                                 struct initialization *given)
{
    struct reader r = reader_of(command->data, command->lc);
    given->nonce = reader_take(&r, NONCE_BYTES);
    given->ephemeral = reader_take(&r, PUBLIC_KEY_BYTES);
    given->identity = card->identity;
    if (r.failed)
        return STATUS_DATA;
    const struct piece piece = {r.at, r.left};
    if (crypto_sha256(&piece, 1, given->anchors_hash) != CRYPTO_OK)
        return STATUS_FAILED;
    return read_anchors(r.at, r.left, &given->identity);
}

/* Keys belong to the root under which they were stated first, because that statement may have been
 * certified since. Under another root they would make two cards of one: valid for the first root's
 * terminals, and obeying the orders of the second. */
static bool is_root_kept(const struct card_identity *held, const struct card_identity *given)
{
    return !held->has_keys ||
           (held->scheme == given->scheme && held->currency == given->currency &&
            held->root_version == given->root_version && held->root.id == given->root.id &&
            bytes_equal(held->root.key, given->root.key, PUBLIC_KEY_BYTES));
}

/* ---- keys: made once, whatever terminal authority comes later ---- */

static enum status make_keys(struct card_keys *keys)
{
    if (crypto_generate(keys->channel_private, keys->public_keys) != CRYPTO_OK ||
        crypto_generate(keys->receipt_private, keys->public_keys + PUBLIC_KEY_BYTES) != CRYPTO_OK ||
        crypto_random(keys->handle_secret, sizeof keys->handle_secret) != CRYPTO_OK ||
        crypto_random(keys->number, sizeof keys->number) != CRYPTO_OK)
        return STATUS_FAILED;
    /* Number zero means "any card" in root orders. */
    return bytes_are_zero(keys->number, sizeof keys->number) ? STATUS_FAILED : STATUS_OK;
}

static enum status read_keys(struct card *card, struct card_keys *keys)
{
    memcpy(keys->number, card->identity.number, CARD_NUMBER_BYTES);
    enum status status = record_read(card, RECORD_CHANNEL_PRIVATE, keys->channel_private,
                                     sizeof keys->channel_private);
    if (status == STATUS_OK)
        status = record_read(card, RECORD_RECEIPT_PRIVATE, keys->receipt_private,
                             sizeof keys->receipt_private);
    if (status == STATUS_OK)
        status = record_read(card, RECORD_PUBLIC_KEYS, keys->public_keys, sizeof keys->public_keys);
    return status;
}

static enum status put_keys(struct card *card, const struct card_keys *keys)
{
    enum status status = record_put(card, RECORD_CHANNEL_PRIVATE, keys->channel_private,
                                    sizeof keys->channel_private);
    if (status == STATUS_OK)
        status = record_put(card, RECORD_RECEIPT_PRIVATE, keys->receipt_private,
                            sizeof keys->receipt_private);
    if (status == STATUS_OK)
        status = record_put(card, RECORD_PUBLIC_KEYS, keys->public_keys, sizeof keys->public_keys);
    if (status == STATUS_OK)
        status =
            record_put(card, RECORD_HANDLE_SECRET, keys->handle_secret, sizeof keys->handle_secret);
    if (status == STATUS_OK)
        status = record_put(card, RECORD_NUMBER, keys->number, sizeof keys->number);
    return status;
}

/* ---- key statement ---- */

OWN_FRAME static enum status write_statement(const struct initialization *given,
                                             const struct card_keys *keys,
                                             uint8_t out[STATEMENT_BYTES])
{
    struct statement statement = {
        .scheme = given->identity.scheme,
        .firmware = CARD_FIRMWARE,
        .card_class = given->identity.factory_class,
    };
    memcpy(statement.serial, given->identity.serial, SERIAL_BYTES);
    memcpy(statement.card, keys->number, CARD_NUMBER_BYTES);
    memcpy(statement.channel_key, keys->public_keys, PUBLIC_KEY_BYTES);
    memcpy(statement.receipt_key, keys->public_keys + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES);
    memcpy(statement.anchors_hash, given->anchors_hash, SHA256_BYTES);
    memcpy(statement.nonce, given->nonce, NONCE_BYTES);
    statement_encode(&statement, out);
    return identity_sign_with(keys->receipt_private, out, STATEMENT_BYTES - SIGNATURE_BYTES,
                              out + STATEMENT_BYTES - SIGNATURE_BYTES);
}

/* Proves that the card holds the channel key: only who has it, or the bank's ephemeral key, can
 * make this tag. */
static enum status write_tag(const struct initialization *given, const struct card_keys *keys,
                             const uint8_t statement[STATEMENT_BYTES], uint8_t tag[CMAC_BYTES])
{
    static const uint8_t info[] = {KEY_PROOF_INFO};
    uint8_t secret[SHARED_SECRET_BYTES], key[AES_KEY_BYTES];
    const struct piece piece = {statement, STATEMENT_BYTES};
    enum crypto_status status = crypto_agree(keys->channel_private, given->ephemeral, secret);
    if (status == CRYPTO_OK)
        status = crypto_kdf_x963(secret, sizeof secret, info, sizeof info - 1, key, sizeof key);
    if (status == CRYPTO_OK)
        status = crypto_cmac(key, &piece, 1, tag);
    bytes_wipe(secret, sizeof secret);
    bytes_wipe(key, sizeof key);
    if (status == CRYPTO_INVALID)
        return STATUS_DATA; /* the ephemeral key is no point of the curve */
    return status == CRYPTO_OK ? STATUS_OK : STATUS_FAILED;
}

static enum status write_transport_mac(struct card *card, const uint8_t *text, size_t bytes,
                                       uint8_t mac[CMAC_BYTES])
{
    uint8_t key[AES_KEY_BYTES];
    const struct piece piece = {text, bytes};
    enum status status = record_read(card, RECORD_TRANSPORT_KEY, key, sizeof key);
    if (status == STATUS_OK && crypto_cmac(key, &piece, 1, mac) != CRYPTO_OK)
        status = STATUS_FAILED;
    bytes_wipe(key, sizeof key);
    return status;
}

static enum status state_keys(struct card *card, const struct initialization *given,
                              const struct card_keys *keys, struct writer *answer)
{
    uint8_t *statement = writer_reserve(answer, STATEMENT_ANSWER_BYTES);
    if (statement == NULL)
        return STATUS_FAILED;
    uint8_t *tag = statement + STATEMENT_BYTES;
    enum status status = write_statement(given, keys, statement);
    if (status == STATUS_OK)
        status = write_tag(given, keys, statement, tag);
    if (status == STATUS_OK)
        status =
            write_transport_mac(card, statement, STATEMENT_BYTES + CMAC_BYTES, tag + CMAC_BYTES);
    return status;
}

/* ---- INITIALIZE ---- */

/* Makes or reads the keys and states them; new ones go into the open transaction. */
OWN_FRAME static enum status use_keys(struct card *card, struct initialization *given,
                                      struct writer *answer)
{
    struct card_keys keys;
    bool are_new = !card->identity.has_keys;
    enum status status = are_new ? make_keys(&keys) : read_keys(card, &keys);
    if (status == STATUS_OK)
        status = state_keys(card, given, &keys, answer);
    if (status == STATUS_OK && are_new)
        status = put_keys(card, &keys);
    memcpy(given->identity.number, keys.number, CARD_NUMBER_BYTES);
    bytes_wipe(&keys, sizeof keys);
    return status;
}

OWN_FRAME static enum status put_anchors(struct card *card, const struct card_identity *identity)
{
    uint8_t record[ANCHORS_RECORD_BYTES];
    anchors_record_encode(identity, record);
    return record_put(card, RECORD_ANCHORS, record, sizeof record);
}

enum status card_initialize(struct card *card, const struct apdu_command *command,
                            struct writer *answer)
{
    struct initialization given;
    if (card->identity.is_locked)
        return STATUS_STATE;
    enum status status = read_initialization(card, command, &given);
    if (status == STATUS_OK && !is_root_kept(&card->identity, &given.identity))
        status = STATUS_STATE;
    /* Room is made before there are secrets on the stack: that goes deepest of all. */
    if (status == STATUS_OK)
        status =
            card_begin(card, ANCHORS_RECORD_BYTES + sizeof(struct card_keys), 1 + KEYS_RECORDS);
    if (status == STATUS_OK)
        status = use_keys(card, &given, answer);
    if (status == STATUS_OK)
        status = put_anchors(card, &given.identity);
    if (status == STATUS_OK)
        status = card_commit(card, false);
    if (status != STATUS_OK)
        return status;
    card->identity = given.identity;
    card->identity.has_keys = true;
    card->identity.has_anchors = true;
    return STATUS_OK;
}

/* ---- lock ---- */

/* The card's certificate must speak of this card and of no other key than its own. */
static enum status check_own(struct card *card, const struct certificate *c)
{
    uint8_t keys[2 * PUBLIC_KEY_BYTES];
    enum status status = record_read(card, RECORD_PUBLIC_KEYS, keys, sizeof keys);
    if (status != STATUS_OK)
        return status;
    if (!bytes_equal(c->subject, card->identity.number, CARD_NUMBER_BYTES))
        return STATUS_OTHER_CARD;
    if (!bytes_equal(c->key, keys, PUBLIC_KEY_BYTES) ||
        !bytes_equal(c->receipt_key, keys + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES))
        return STATUS_CERTIFICATE;
    /* A file can be copied and put back; no certificate makes it a secure element. */
    if (c->card_class == CARD_HARDWARE && card->identity.factory_class != CARD_HARDWARE)
        return STATUS_CERTIFICATE;
    return STATUS_OK;
}

/* Checks both certificates; first is the length of the card authority's. */
OWN_FRAME static enum status check_chain(struct card *card, const uint8_t *bytes, size_t first,
                                         size_t length, uint8_t lock[LOCK_RECORD_BYTES])
{
    struct card_identity *identity = &card->identity;
    struct certificate c;
    enum status status = certificate_status(
        certificate_check(&crypto_primitives, bytes, first, CERTIFICATE_CARD_AUTHORITY,
                          identity->scheme, &identity->root, &c));
    if (status != STATUS_OK)
        return status;
    lock[1] = c.authority_flags;
    struct certificate_authority authority = certificate_as_authority(&c);
    status =
        certificate_status(certificate_check(&crypto_primitives, bytes + first, length - first,
                                             CERTIFICATE_CARD, identity->scheme, &authority, &c));
    lock[0] = (uint8_t)c.card_class;
    return status == STATUS_OK ? check_own(card, &c) : status;
}

enum status card_lock(struct card *card, const uint8_t *certificates, size_t bytes,
                      size_t own_bytes, size_t own_records)
{
    uint8_t lock[LOCK_RECORD_BYTES];
    if (!card->identity.has_keys || !card->identity.has_anchors || card->identity.is_locked)
        return STATUS_STATE;
    size_t first = certificate_length(certificates, bytes);
    if (first == 0 || first >= bytes)
        return STATUS_DATA;
    enum status status = check_chain(card, certificates, first, bytes, lock);
    if (status == STATUS_OK)
        status = card_begin(card, own_bytes + sizeof lock + (bytes - first), own_records + 2);
    if (status == STATUS_OK)
        status = record_put(card, RECORD_CERTIFICATE, certificates + first, bytes - first);
    if (status == STATUS_OK)
        status = record_put(card, RECORD_LOCK, lock, sizeof lock);
    if (status != STATUS_OK)
        return status;
    card->identity.card_class = (enum card_class)lock[0];
    card->identity.is_test_scheme = (lock[1] & AUTHORITY_FLAG_TEST_SCHEME) != 0;
    card->identity.is_locking = true;
    return STATUS_OK;
}
