/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private key as the bank's code sees it: something that signs a hash or agrees with a peer.
 * Files stand behind it today, a PKCS#11 token may; nothing else in the bank ever holds a private
 * key.
 */
#ifndef BANK_SIGNER_H
#define BANK_SIGNER_H

#include "base/primitives.h"

struct signer {
    void *context; /* owned; NULL: the signer is not open */
    bool (*sign)(void *context, const uint8_t hash[SHA256_BYTES],
                 uint8_t signature[SIGNATURE_BYTES]);
    bool (*agree)(void *context, const uint8_t peer[PUBLIC_KEY_BYTES],
                  uint8_t secret[SHARED_SECRET_BYTES]);
    void (*close)(void *context);
};

/* Harmless on one that is not open. */
void signer_close(struct signer *signer);

#endif
