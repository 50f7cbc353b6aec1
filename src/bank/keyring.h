/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank's keys: which there are, which is current, and signing with it. A key's file is opened
 * when it is first used. The root is opened for one call and closed again.
 */
#ifndef BANK_KEYRING_H
#define BANK_KEYRING_H

#include "bank/evp_rsa.h"
#include "bank/signer.h"
#include "bank/store.h"

#define KEY_KINDS ((unsigned)STIVER_BANK_KEY_LINK + 1u)
/* Authorities whose certificates have not all ended; a year each, so this is decades. */
#define CARD_AUTHORITIES_MAX 64u

struct keyring {
    char *directory;                      /* owned */
    struct stiver_bank_secret passphrase; /* owned, wiped */
    unsigned cost;
    struct key_record current[KEY_KINDS]; /* by stiver_bank_key; generation 0: none */
    struct signer signers[KEY_KINDS];
    struct key_record card_authorities[CARD_AUTHORITIES_MAX]; /* all of them, oldest first */
    size_t card_authority_count;
    /* The campus purse's back end; off until it is founded, and then the same for ever. */
    struct {
        bool is_on;
        uint8_t modulus[CAMPUS_RSA_BYTES];
        struct rsa_signer signer;
    } campus;
};

/* Copies directory and passphrase. */
enum stiver_bank_status keyring_init(struct keyring *keys, const char *directory,
                                     struct stiver_bank_secret passphrase, unsigned cost);
/* Reads the records; also after a renewal. */
enum stiver_bank_status keyring_read(struct keyring *keys, struct store *store);
void keyring_close(struct keyring *keys);

/* Signs a hash with the current key. KEY_MISSING, KEY_EXPIRED (its certificate ended before now),
 * PASSPHRASE, DAMAGED, CRYPTO. Not for the root. */
enum stiver_bank_status keyring_sign(struct keyring *keys, enum stiver_bank_key key, uint32_t now,
                                     const uint8_t hash[SHA256_BYTES],
                                     uint8_t signature[SIGNATURE_BYTES]);
/* With the link key. */
enum stiver_bank_status keyring_agree(struct keyring *keys, const uint8_t peer[PUBLIC_KEY_BYTES],
                                      uint8_t secret[SHARED_SECRET_BYTES]);

/* ROOT_OFFLINE, PASSPHRASE. The caller closes the signer. passphrase.bytes NULL: the bank's. */
enum stiver_bank_status keyring_open_root(const struct keyring *keys,
                                          struct stiver_bank_secret passphrase,
                                          struct signer *root);

/* "keys/orders-1.pem", "keys/root.pem" */
#define KEY_FILE_NAME_BYTES 64u
void key_file_name(enum stiver_bank_key key, uint32_t generation, char name[KEY_FILE_NAME_BYTES]);

/* Makes a new pair of this kind with its file, and its certificate under the root: the record is
 * ready to be added to the store. ids come from the caller. */
struct key_order {
    enum stiver_bank_key key;
    uint32_t generation;
    uint32_t id, serial;
    uint32_t now;
    const struct settings_record *settings;
};
enum stiver_bank_status keyring_make(const struct keyring *keys, const struct signer *root,
                                     const struct key_order *order, struct key_record *record);

/* Signs the TLVs of a certificate: fills bytes (CERTIFICATE_BYTES_MAX) and their count. */
typedef enum stiver_bank_status certificate_signer(void *context, const uint8_t hash[SHA256_BYTES],
                                                   uint8_t signature[SIGNATURE_BYTES]);
enum stiver_bank_status certificate_make(const struct certificate *c, certificate_signer *sign,
                                         void *context, uint8_t *bytes, size_t *length);

#endif
