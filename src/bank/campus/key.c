/* SPDX-License-Identifier: Apache-2.0 */
/* The back end's key: founding, signing, and what the other files share. */
#include <stdlib.h>
#include <string.h>

#include "bank/campus/inside.h"
#include "bank/key_file.h"

#define KEY_FILE "keys/campus.pem"
#define OFF_SENTENCE "the campus purse is off: found it first"

/* ---- founding ---- */

struct founding {
    EVP_PKEY *pair;
    uint8_t modulus[CAMPUS_RSA_BYTES];
    bool is_given; /* the pair was brought, not drawn */
};

static enum stiver_bank_status known_key(struct stiver_bank *bank, struct founding *founding)
{
    uint8_t held[CAMPUS_RSA_BYTES];
    enum store_status stored = CAMPUS(bank, key_get, held);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
    if (founding->is_given && !bytes_equal(held, founding->modulus, sizeof held))
        return bank_say(bank, STIVER_BANK_CONFLICT,
                        "the campus purse was founded with another key");
    memcpy(founding->modulus, held, sizeof held);
    return STIVER_BANK_ALREADY;
}

/* The file is written under the storage's lock, so that of two who found at once one comes second
 * and leaves the first one's file alone. A file without a record is written over. */
static enum stiver_bank_status found_work(struct stiver_bank *bank, void *context)
{
    struct founding *founding = context;
    enum stiver_bank_status status = known_key(bank, founding);
    if (status == STIVER_BANK_OK)
        status = key_file_put(bank->keys.directory, KEY_FILE, bank->keys.passphrase,
                              bank->keys.cost, founding->pair);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(CAMPUS(bank, key_add, founding->modulus));
    if (status == STIVER_BANK_OK)
        status = bank_campus_keep(bank, RECORD_CAMPUS_KEY, 0, founding->modulus,
                                  sizeof founding->modulus, NULL);
    if (status != STIVER_BANK_OK)
        return status;
    /* An earlier try of this work may have opened a file that is not this one. */
    evp_rsa_close(&bank->keys.campus.signer);
    memcpy(bank->keys.campus.modulus, founding->modulus, sizeof founding->modulus);
    return bank_campus_publish(bank);
}

static EVP_PKEY *pair_of_file(const uint8_t *pem, size_t bytes)
{
    uint8_t der[CAMPUS_PRIVATE_DER_BYTES_MAX];
    struct writer w = writer_of(der, sizeof der);
    const uint8_t *inside;
    size_t inside_bytes;
    EVP_PKEY *pair = NULL;
    if (campus_pem_read(pem, bytes, &w) && !w.failed &&
        campus_private_der_read(der, w.used, &inside, &inside_bytes))
        pair = evp_rsa_private(inside, inside_bytes);
    bytes_wipe(der, sizeof der);
    return pair;
}

enum stiver_bank_status stiver_campus_found(struct stiver_bank *bank, const uint8_t *pem,
                                            size_t pem_bytes, uint8_t *fingerprint)
{
    struct founding founding = {.is_given = pem != NULL};
    bank->message[0] = 0;
    enum stiver_bank_status status = known_key(bank, &founding);
    if (status == STIVER_BANK_OK || pem) { /* a key takes seconds to draw: not for nothing */
        founding.pair = pem ? pair_of_file(pem, pem_bytes) : evp_rsa_generate();
        if (!founding.pair)
            return bank_say(bank, pem ? STIVER_BANK_MALFORMED : STIVER_BANK_CRYPTO,
                            pem ? "this file holds no RSA key of 2,048 bits" : NULL);
        status = evp_rsa_modulus_of(founding.pair, founding.modulus)
                     ? bank_transact(bank, found_work, &founding)
                     : bank_say(bank, STIVER_BANK_CRYPTO, NULL);
        EVP_PKEY_free(founding.pair);
    }
    bool is_on = status == STIVER_BANK_OK || status == STIVER_BANK_ALREADY;
    if (is_on && fingerprint && !evp_sha256(founding.modulus, CAMPUS_RSA_BYTES, fingerprint))
        return bank_say(bank, STIVER_BANK_CRYPTO, NULL);
    return status == STIVER_BANK_OK || bank->message[0] ? status : bank_say(bank, status, NULL);
}

enum stiver_bank_status bank_campus_open(struct stiver_bank *bank)
{
    bank->message[0] = 0;
    if (bank->keys.campus.is_on)
        return STIVER_BANK_OK;
    enum store_status stored = CAMPUS(bank, key_get, bank->keys.campus.modulus);
    if (stored == STORE_NONE)
        return bank_say(bank, STIVER_BANK_REFUSED, OFF_SENTENCE);
    if (stored != STORE_OK)
        return bank_say(bank, bank_status_of_store(stored), NULL);
    /* A founding that failed may have opened a file that another one has replaced. */
    evp_rsa_close(&bank->keys.campus.signer);
    bank->keys.campus.is_on = true;
    return STIVER_BANK_OK;
}

enum stiver_bank_status stiver_campus_settings(struct stiver_bank *bank,
                                               struct stiver_campus_settings *settings)
{
    struct campus_list_record list;
    struct store_blob file = {0};
    *settings = (struct stiver_campus_settings){0};
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status != STIVER_BANK_OK)
        return status == STIVER_BANK_REFUSED ? STIVER_BANK_OK : status;
    status = bank_status_of_store(CAMPUS(bank, list_newest, &list, &file));
    free(file.data);
    if (status != STIVER_BANK_OK)
        return bank_say(bank, status, NULL);
    settings->is_on = true;
    settings->list_end_ms = list.end_ms;
    settings->list_count = list.count;
    memcpy(settings->modulus, bank->keys.campus.modulus, sizeof settings->modulus);
    return evp_sha256(settings->modulus, sizeof settings->modulus, settings->fingerprint)
               ? STIVER_BANK_OK
               : bank_say(bank, STIVER_BANK_CRYPTO, NULL);
}

/* ---- signing ---- */

enum stiver_bank_status bank_campus_sign(struct stiver_bank *bank, enum rsa_hash hash,
                                         const uint8_t *data, size_t bytes,
                                         uint8_t signature[CAMPUS_RSA_BYTES])
{
    struct keyring *keys = &bank->keys;
    struct rsa_signer *signer = &keys->campus.signer;
    uint8_t digest[RSA_DIGEST_BYTES_MAX];
    if (!signer->context) {
        enum stiver_bank_status status = evp_rsa_file_open(
            keys->directory, KEY_FILE, keys->passphrase, keys->campus.modulus, signer);
        if (status != STIVER_BANK_OK)
            return status;
    }
    return evp_rsa_digest(hash, data, bytes, digest) &&
                   signer->sign(signer->context, hash, digest, signature)
               ? STIVER_BANK_OK
               : STIVER_BANK_CRYPTO;
}

enum stiver_bank_status bank_campus_certify(struct stiver_bank *bank,
                                            struct campus_certificate *certificate)
{
    uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES];
    campus_certificate_text(certificate, text);
    return bank_campus_sign(bank, RSA_SHA1, text, sizeof text, certificate->signature);
}

enum verdict bank_campus_is_ours(const struct stiver_bank *bank,
                                 const struct campus_certificate *certificate)
{
    uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES];
    campus_certificate_text(certificate, text);
    return evp_rsa_verify(bank->keys.campus.modulus, RSA_SHA1, text, sizeof text,
                          certificate->signature);
}

/* ---- records of the whole bank ---- */

struct campus_number bank_campus_number(uint32_t id)
{
    struct campus_number number = {{0}};
    struct writer w = writer_of(number.bytes, sizeof number.bytes);
    writer_u64(&w, id);
    return number;
}

enum stiver_bank_status bank_campus_ring(struct stiver_bank *bank, uint32_t card, uint32_t terminal,
                                         const char *text)
{
    struct campus_number of_card = bank_campus_number(card),
                         of_terminal = bank_campus_number(terminal);
    return bank_ring(bank, of_card.bytes, of_terminal.bytes, text);
}

enum stiver_bank_status bank_campus_keep(struct stiver_bank *bank, enum document_type type,
                                         uint32_t terminal, const uint8_t *bytes, size_t length,
                                         int64_t *id)
{
    struct campus_number number = bank_campus_number(terminal);
    return bank_keep(bank, type, number.bytes, bytes, length, id);
}

enum stiver_bank_status bank_campus_keep_certificate(struct stiver_bank *bank, uint32_t terminal,
                                                     uint32_t start,
                                                     const struct campus_certificate *certificate)
{
    uint8_t record[4 + CAMPUS_CERTIFICATE_TEXT_BYTES + CAMPUS_RSA_BYTES];
    struct writer w = writer_of(record, sizeof record);
    writer_u32(&w, start);
    campus_certificate_text(certificate, writer_reserve(&w, CAMPUS_CERTIFICATE_TEXT_BYTES));
    writer_bytes(&w, certificate->signature, CAMPUS_RSA_BYTES);
    return bank_campus_keep(bank, RECORD_CAMPUS_CERTIFICATE, terminal, record, sizeof record, NULL);
}

enum stiver_bank_status bank_campus_post(struct stiver_bank *bank, int64_t document,
                                         struct account from, struct account to, uint32_t card,
                                         uint32_t amount)
{
    struct campus_number number = bank_campus_number(card);
    return bank_post(bank, document, from, to, number.bytes, amount);
}

uint32_t bank_campus_end_after(uint32_t now, unsigned days)
{
    uint64_t end = (uint64_t)(now - now % DAY_SECONDS) + (uint64_t)days * DAY_SECONDS - 1;
    return end > UINT32_MAX || end < CAMPUS_END_MIN ? 0 : (uint32_t)end;
}
