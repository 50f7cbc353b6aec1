/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal's keys and certificate, its back end's key, the list: files of the source's form. */
#include <stdlib.h>
#include <string.h>

#include "terminal/campus/journal.h"

#define PEM_FILE_BYTES 8192u
#define LIST_FILE "CRL"
#define BACK_END_FILE "backend_public.pem"

/* ---- keys ---- */

/* RSAPrivateKey begins: SEQUENCE, version 0, INTEGER 00 and the modulus. */
static bool private_modulus(const uint8_t *der, size_t bytes, uint8_t modulus[RSA_BYTES])
{
    static const uint8_t head[] = {0x02, 0x01, 0x00, 0x02, 0x82, 0x01, 0x01, 0x00};
    struct reader r = reader_of(der, bytes);
    (void)reader_take(&r, 4); /* SEQUENCE, its length: campus_private_der_read saw to it */
    const uint8_t *found = reader_take(&r, sizeof head);
    reader_bytes(&r, modulus, RSA_BYTES);
    return !r.failed && bytes_equal(found, head, sizeof head) && rsa_is_modulus(modulus);
}

/* What it signs must verify under its modulus: a bit that fell in the file is seen here. */
static terminal_status key_try(const struct campus_key *key)
{
    static const uint8_t text[] = "is this key whole?";
    const struct piece piece = {text, sizeof text};
    uint8_t signature[RSA_BYTES];
    if (rsa_sign_sha256(key->der, key->bytes, &piece, 1, signature) != CRYPTO_OK ||
        rsa_verify_sha256(key->modulus, &piece, 1, signature) != CRYPTO_OK)
        return STIVER_TERMINAL_KEY_DAMAGED;
    return STIVER_TERMINAL_OK;
}

static terminal_status key_parse(const struct stiver_terminal_bytes *file, struct campus_key *key)
{
    uint8_t der[CAMPUS_PRIVATE_DER_BYTES_MAX];
    struct writer w = writer_of(der, sizeof der);
    const uint8_t *inside = NULL;
    size_t bytes = 0;
    bool is_key = campus_pem_read(file->data, file->length, &w) &&
                  campus_private_der_read(der, w.used, &inside, &bytes) &&
                  bytes <= sizeof key->der && private_modulus(inside, bytes, key->modulus);
    if (is_key) {
        memcpy(key->der, inside, bytes);
        key->bytes = bytes;
    }
    bytes_wipe(der, sizeof der);
    return is_key ? key_try(key) : STIVER_TERMINAL_KEY_DAMAGED;
}

terminal_status campus_key_read(const char *directory, enum campus_role role,
                                struct campus_key *key)
{
    struct stiver_terminal_bytes file;
    char name[32];
    terminal_status status = campus_file_read(
        directory, campus_file_name(role, "private.pem", name), PEM_FILE_BYTES, &file);
    if (status == STIVER_TERMINAL_JOURNAL_IO)
        return STIVER_TERMINAL_KEY_DAMAGED;
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = key_parse(&file, key);
    bytes_wipe(file.data, file.length);
    stiver_terminal_bytes_free(&file);
    if (status != STIVER_TERMINAL_OK)
        bytes_wipe(key, sizeof *key);
    return status;
}

static terminal_status key_write(const char *directory, enum campus_role role,
                                 const struct campus_key *key)
{
    uint8_t der[CAMPUS_PRIVATE_DER_BYTES_MAX], pem[CAMPUS_PEM_BYTES_MAX];
    char name[32];
    struct writer d = writer_of(der, sizeof der), p = writer_of(pem, sizeof pem);
    campus_private_der(&d, key->der, key->bytes);
    campus_pem_write(&p, true, der, d.used);
    terminal_status status = STIVER_TERMINAL_INTERNAL;
    if (!d.failed && !p.failed)
        status =
            campus_file_write(directory, campus_file_name(role, "private.pem", name), pem, p.used);
    bytes_wipe(der, sizeof der);
    bytes_wipe(pem, sizeof pem);
    return status;
}

terminal_status campus_key_make(const char *directory, enum campus_role role,
                                struct campus_key *key)
{
    char name[32];
    terminal_status status = campus_key_read(directory, role, key);
    if (status == STIVER_TERMINAL_MISSING) {
        if (rsa_generate(key->der, &key->bytes, key->modulus) != CRYPTO_OK)
            return STIVER_TERMINAL_CRYPTO;
        status = key_write(directory, role, key);
    }
    if (status == STIVER_TERMINAL_OK)
        status = campus_public_write(directory, campus_file_name(role, "public.pem", name),
                                     key->modulus);
    if (status != STIVER_TERMINAL_OK)
        bytes_wipe(key, sizeof *key);
    return status;
}

terminal_status campus_public_write(const char *directory, const char *name,
                                    const uint8_t modulus[RSA_BYTES])
{
    uint8_t der[CAMPUS_PUBLIC_DER_BYTES], pem[CAMPUS_PEM_BYTES_MAX];
    struct writer w = writer_of(pem, sizeof pem);
    campus_public_der(modulus, der);
    campus_pem_write(&w, false, der, sizeof der);
    return w.failed ? STIVER_TERMINAL_INTERNAL : campus_file_write(directory, name, pem, w.used);
}

terminal_status campus_public_read(const char *directory, const char *name,
                                   uint8_t modulus[RSA_BYTES])
{
    struct stiver_terminal_bytes file;
    uint8_t der[CAMPUS_PUBLIC_DER_BYTES];
    struct writer w = writer_of(der, sizeof der);
    terminal_status status = campus_file_read(directory, name, PEM_FILE_BYTES, &file);
    if (status == STIVER_TERMINAL_JOURNAL_IO)
        return STIVER_TERMINAL_KEY_DAMAGED;
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (!campus_pem_read(file.data, file.length, &w) ||
        !campus_public_der_read(der, w.used, modulus) || !rsa_is_modulus(modulus))
        status = STIVER_TERMINAL_KEY_DAMAGED;
    stiver_terminal_bytes_free(&file);
    return status;
}

bool campus_certificate_holds(const uint8_t back_end[RSA_BYTES],
                              const struct campus_certificate *certificate)
{
    uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES];
    const struct piece piece = {text, sizeof text};
    campus_certificate_text(certificate, text);
    return rsa_is_modulus(certificate->modulus) &&
           rsa_verify_sha1(back_end, &piece, 1, certificate->signature) == CRYPTO_OK;
}

/* ---- the list ---- */

terminal_status campus_list_check(const uint8_t back_end[RSA_BYTES], const uint8_t *file,
                                  size_t bytes, struct campus_list *list)
{
    if (!campus_list_read(file, bytes, list))
        return STIVER_TERMINAL_LIST_FORGED;
    const struct piece piece = {list->text, list->text_bytes};
    return rsa_verify_sha1(back_end, &piece, 1, list->signature) == CRYPTO_OK
               ? STIVER_TERMINAL_OK
               : STIVER_TERMINAL_LIST_FORGED;
}

terminal_status campus_list_load(const struct stiver_campus_terminal *terminal,
                                 struct stiver_terminal_bytes *file, struct campus_list *list)
{
    terminal_status status = campus_file_read(
        terminal->directory, LIST_FILE, campus_list_bytes_max(CAMPUS_LIST_IDS_MAX) + 64, file);
    if (status != STIVER_TERMINAL_OK)
        return status == STIVER_TERMINAL_JOURNAL_IO ? STIVER_TERMINAL_LIST_FORGED : status;
    status = campus_list_check(terminal->back_end, file->data, file->length, list);
    if (status != STIVER_TERMINAL_OK)
        stiver_terminal_bytes_free(file);
    return status;
}

/* The file first: a floor above the file that is there would stop the terminal. */
terminal_status campus_list_take(struct stiver_campus_terminal *terminal, const uint8_t *file,
                                 size_t bytes)
{
    struct campus_list list;
    terminal_status status = campus_list_check(terminal->back_end, file, bytes, &list);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (list.end_ms / 1000 < campus_terminal_now(terminal) || list.end_ms < terminal->list_floor_ms)
        return STIVER_TERMINAL_LIST_OLD;
    status = campus_file_write(terminal->directory, LIST_FILE, file, bytes);
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_list(terminal->journal, list.end_ms);
    if (status == STIVER_TERMINAL_OK)
        terminal->list_floor_ms = list.end_ms;
    return status;
}

/* ---- the files together ---- */

static terminal_status complete_public(const struct stiver_campus_terminal *terminal,
                                       const char *name, const uint8_t modulus[RSA_BYTES])
{
    uint8_t found[RSA_BYTES];
    terminal_status status = campus_public_read(terminal->directory, name, found);
    if (status == STIVER_TERMINAL_MISSING)
        return campus_public_write(terminal->directory, name, modulus);
    if (status == STIVER_TERMINAL_OK && !bytes_equal(found, modulus, RSA_BYTES))
        return STIVER_TERMINAL_KEY_DAMAGED;
    return status;
}

/* A renewal enters the journal first: a file that says otherwise is the old one, or spoilt. */
static terminal_status complete_signature(const struct stiver_campus_terminal *terminal)
{
    struct stiver_terminal_bytes file;
    char name[32];
    const uint8_t *own = terminal->certificate.signature;
    (void)campus_file_name(terminal->role, "signature", name);
    terminal_status status = campus_file_read(terminal->directory, name, RSA_BYTES, &file);
    bool is_same = status == STIVER_TERMINAL_OK && file.length == RSA_BYTES &&
                   bytes_equal(file.data, own, RSA_BYTES);
    stiver_terminal_bytes_free(&file);
    if (is_same)
        return STIVER_TERMINAL_OK;
    return campus_file_write(terminal->directory, name, own, RSA_BYTES);
}

terminal_status campus_files_complete(struct stiver_campus_terminal *terminal)
{
    char name[32];
    (void)campus_file_name(terminal->role, "public.pem", name);
    terminal_status status = complete_public(terminal, name, terminal->modulus);
    if (status != STIVER_TERMINAL_OK || !terminal->is_enrolled)
        return status;
    status = complete_public(terminal, BACK_END_FILE, terminal->back_end);
    if (status == STIVER_TERMINAL_OK && terminal->role != CAMPUS_ROLE_STATION)
        status = complete_signature(terminal);
    return status;
}
