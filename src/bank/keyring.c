/* SPDX-License-Identifier: Apache-2.0 */
#include "bank/keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bank/evp.h"
#include "bank/inside.h"
#include "bank/key_file.h"
#include "base/bytes.h"
#include "base/date.h"

#define ROOT_ID 1u

/* What each kind of key is. */
static const struct {
    const char *name, *file;
    enum certificate_type type; /* 0: not certified */
    unsigned days;
    uint16_t kinds;
} rows[KEY_KINDS] = {
    [STIVER_BANK_KEY_ROOT] = {"root", "root", 0, 0, 0},
    [STIVER_BANK_KEY_CARD_AUTHORITY] = {"card authority", "card-authority",
                                        CERTIFICATE_CARD_AUTHORITY, CERTIFICATE_DAYS_AUTHORITY, 0},
    [STIVER_BANK_KEY_TERMINAL_AUTHORITY] = {"terminal authority", "terminal-authority",
                                            CERTIFICATE_TERMINAL_AUTHORITY,
                                            CERTIFICATE_DAYS_AUTHORITY, 0},
    [STIVER_BANK_KEY_ORDERS] = {"orders", "orders", CERTIFICATE_WORKING_KEY,
                                CERTIFICATE_DAYS_WORKING, WORKING_LOAD | WORKING_REFUND},
    [STIVER_BANK_KEY_POLICY] = {"policy", "policy", CERTIFICATE_WORKING_KEY,
                                CERTIFICATE_DAYS_WORKING, WORKING_POLICY | WORKING_ACKNOWLEDGEMENT},
    [STIVER_BANK_KEY_ANSWERS] = {"answers", "answers", CERTIFICATE_WORKING_KEY,
                                 CERTIFICATE_DAYS_WORKING, WORKING_ANSWER},
    [STIVER_BANK_KEY_LISTS] = {"lists", "lists", CERTIFICATE_WORKING_KEY, CERTIFICATE_DAYS_WORKING,
                               WORKING_LIST},
    [STIVER_BANK_KEY_LINK] = {"link", "link", 0, 0, 0},
};

const char *stiver_bank_key_name(enum stiver_bank_key key)
{
    return (unsigned)key < KEY_KINDS && rows[key].name ? rows[key].name : "unknown key";
}

void key_file_name(enum stiver_bank_key key, uint32_t generation, char name[KEY_FILE_NAME_BYTES])
{
    if (key == STIVER_BANK_KEY_ROOT)
        snprintf(name, KEY_FILE_NAME_BYTES, "keys/root.pem");
    else
        snprintf(name, KEY_FILE_NAME_BYTES, "keys/%s-%u.pem", rows[key].file, generation);
}

enum stiver_bank_status keyring_init(struct keyring *keys, const char *directory,
                                     struct stiver_bank_secret passphrase, unsigned cost)
{
    *keys = (struct keyring){.cost = cost ? cost : KEY_COST_USUAL};
    if (keys->cost < KEY_COST_LEAST || keys->cost > KEY_COST_MOST)
        return STIVER_BANK_ARGUMENT;
    size_t length = strlen(directory) + 1;
    uint8_t *secret = malloc(passphrase.length + 1);
    keys->directory = malloc(length);
    if (!secret || !keys->directory) {
        free(secret);
        return STIVER_BANK_MEMORY;
    }
    memcpy(keys->directory, directory, length);
    if (passphrase.length)
        memcpy(secret, passphrase.bytes, passphrase.length);
    keys->passphrase = (struct stiver_bank_secret){secret, passphrase.length};
    return STIVER_BANK_OK;
}

void keyring_close(struct keyring *keys)
{
    for (unsigned i = 0; i < KEY_KINDS; i++)
        signer_close(&keys->signers[i]);
    evp_rsa_close(&keys->campus.signer);
    if (keys->passphrase.bytes) {
        uint8_t *secret = (uint8_t *)(uintptr_t)keys->passphrase.bytes;
        bytes_wipe(secret, keys->passphrase.length);
        free(secret);
    }
    free(keys->directory);
    *keys = (struct keyring){0};
}

static enum store_status read_key(void *context, const struct key_record *record)
{
    struct keyring *keys = context;
    if (record->key < STIVER_BANK_KEY_ROOT || (unsigned)record->key >= KEY_KINDS)
        return STORE_DAMAGED;
    struct key_record *current = &keys->current[record->key];
    if (record->generation > current->generation) {
        signer_close(&keys->signers[record->key]);
        *current = *record;
    }
    if (record->key == STIVER_BANK_KEY_CARD_AUTHORITY) {
        if (keys->card_authority_count == CARD_AUTHORITIES_MAX)
            return STORE_INTERNAL;
        keys->card_authorities[keys->card_authority_count++] = *record;
    }
    return STORE_OK;
}

enum stiver_bank_status keyring_read(struct keyring *keys, struct store *store)
{
    keys->card_authority_count = 0;
    enum store_status status = store->verbs->keys(store, read_key, keys);
    if (status != STORE_OK)
        return bank_status_of_store(status);
    for (unsigned i = STIVER_BANK_KEY_ROOT; i < KEY_KINDS; i++)
        if (keys->current[i].generation == 0)
            return STIVER_BANK_DAMAGED;
    return STIVER_BANK_OK;
}

static enum stiver_bank_status open_signer(struct keyring *keys, enum stiver_bank_key key)
{
    if (keys->signers[key].context)
        return STIVER_BANK_OK;
    char name[KEY_FILE_NAME_BYTES];
    const struct key_record *record = &keys->current[key];
    key_file_name(key, record->generation, name);
    return key_file_open(keys->directory, name, keys->passphrase, record->public_key,
                         &keys->signers[key]);
}

enum stiver_bank_status keyring_sign(struct keyring *keys, enum stiver_bank_key key, uint32_t now,
                                     const uint8_t hash[SHA256_BYTES],
                                     uint8_t signature[SIGNATURE_BYTES])
{
    if (now > keys->current[key].end || now < keys->current[key].start)
        return STIVER_BANK_KEY_EXPIRED;
    enum stiver_bank_status status = open_signer(keys, key);
    if (status != STIVER_BANK_OK)
        return status;
    const struct signer *signer = &keys->signers[key];
    return signer->sign(signer->context, hash, signature) ? STIVER_BANK_OK : STIVER_BANK_CRYPTO;
}

enum stiver_bank_status keyring_agree(struct keyring *keys, const uint8_t peer[PUBLIC_KEY_BYTES],
                                      uint8_t secret[SHARED_SECRET_BYTES])
{
    enum stiver_bank_status status = open_signer(keys, STIVER_BANK_KEY_LINK);
    if (status != STIVER_BANK_OK)
        return status;
    const struct signer *signer = &keys->signers[STIVER_BANK_KEY_LINK];
    return signer->agree(signer->context, peer, secret) ? STIVER_BANK_OK : STIVER_BANK_CRYPTO;
}

enum stiver_bank_status keyring_open_root(const struct keyring *keys,
                                          struct stiver_bank_secret passphrase, struct signer *root)
{
    char name[KEY_FILE_NAME_BYTES];
    key_file_name(STIVER_BANK_KEY_ROOT, 1, name);
    enum stiver_bank_status status =
        key_file_open(keys->directory, name, passphrase.bytes ? passphrase : keys->passphrase,
                      keys->current[STIVER_BANK_KEY_ROOT].public_key, root);
    return status == STIVER_BANK_KEY_MISSING ? STIVER_BANK_ROOT_OFFLINE : status;
}

enum stiver_bank_status certificate_make(const struct certificate *c, certificate_signer *sign,
                                         void *context, uint8_t *bytes, size_t *length)
{
    uint8_t body[CERTIFICATE_BYTES_MAX], hash[SHA256_BYTES], signature[SIGNATURE_BYTES];
    size_t body_bytes = certificate_body(c, body, sizeof body);
    if (!body_bytes)
        return STIVER_BANK_ARGUMENT;
    if (!evp_sha256(body, body_bytes, hash))
        return STIVER_BANK_CRYPTO;
    enum stiver_bank_status status = sign(context, hash, signature);
    if (status != STIVER_BANK_OK)
        return status;
    *length = certificate_seal(body, body_bytes, signature, bytes, CERTIFICATE_BYTES_MAX);
    return *length ? STIVER_BANK_OK : STIVER_BANK_INTERNAL;
}

static enum stiver_bank_status sign_by_root(void *context, const uint8_t hash[SHA256_BYTES],
                                            uint8_t signature[SIGNATURE_BYTES])
{
    const struct signer *root = context;
    return root->sign(root->context, hash, signature) ? STIVER_BANK_OK : STIVER_BANK_CRYPTO;
}

static enum stiver_bank_status certify_key(const struct signer *root, const struct key_order *order,
                                           struct key_record *record)
{
    const struct settings_record *settings = order->settings;
    uint32_t day = order->now - order->now % DAY_SECONDS;
    struct certificate c = {
        .type = rows[order->key].type,
        .scheme = settings->scheme,
        .serial = order->serial,
        .authority = ROOT_ID,
        .id = order->id,
        .start = day,
        .end = day + rows[order->key].days * DAY_SECONDS - 1,
        .kinds = rows[order->key].kinds,
        .limit = {settings->largest, settings->currency},
        .generation = order->generation,
    };
    if (order->key == STIVER_BANK_KEY_CARD_AUTHORITY && settings->is_test)
        c.authority_flags = AUTHORITY_FLAG_TEST_SCHEME;
    memcpy(c.key, record->public_key, sizeof c.key);
    record->start = c.start;
    record->end = c.end;
    struct signer copy = *root;
    return certificate_make(&c, sign_by_root, &copy, record->certificate,
                            &record->certificate_bytes);
}

enum stiver_bank_status keyring_make(const struct keyring *keys, const struct signer *root,
                                     const struct key_order *order, struct key_record *record)
{
    char name[KEY_FILE_NAME_BYTES];
    key_file_name(order->key, order->generation, name);
    *record = (struct key_record){.key = order->key,
                                  .generation = order->generation,
                                  .id = order->id,
                                  .start = 0,
                                  .end = UINT32_MAX};
    enum stiver_bank_status status =
        key_file_make(keys->directory, name, keys->passphrase, keys->cost, record->public_key);
    if (status == STIVER_BANK_OK && rows[order->key].type)
        status = certify_key(root, order, record);
    if (status == STIVER_BANK_OK && record->certificate_bytes) {
        char path[KEY_FILE_NAME_BYTES];
        snprintf(path, sizeof path, "certificates/%s-%u.cvc", rows[order->key].file,
                 order->generation);
        status = file_write(keys->directory, path, record->certificate, record->certificate_bytes);
    }
    return status;
}
