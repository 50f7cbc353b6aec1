/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolling, certifying and listing terminals. */
#include "bank/terminal.h"

#include <stdlib.h>
#include <string.h>

#include "bank/list.h"
#include "base/date.h"

#define ENROL_VERSION 1u

size_t bank_anchors(const struct stiver_bank *bank, uint8_t out[ANCHORS_BYTES_MAX])
{
    const struct key_record *authority = &bank->keys.current[STIVER_BANK_KEY_TERMINAL_AUTHORITY];
    struct anchors anchors = {
        .scheme = bank->settings.scheme,
        .currency = bank->settings.currency,
        .root_version = 1,
        .authority_version = (uint8_t)authority->generation,
        .authority_certificate = authority->certificate,
        .authority_certificate_bytes = authority->certificate_bytes,
    };
    memcpy(anchors.root_key, bank->settings.root_key, sizeof anchors.root_key);
    return anchors_encode(&anchors, out, ANCHORS_BYTES_MAX);
}

struct authority_signer {
    struct stiver_bank *bank;
    enum stiver_bank_key key;
};

static enum stiver_bank_status sign_by_authority(void *context, const uint8_t hash[SHA256_BYTES],
                                                 uint8_t signature[SIGNATURE_BYTES])
{
    struct authority_signer *signer = context;
    return keyring_sign(&signer->bank->keys, signer->key, bank_now(signer->bank), hash, signature);
}

enum stiver_bank_status terminal_certify(struct stiver_bank *bank,
                                         const struct terminal_record *terminal, unsigned days,
                                         struct terminal_certificate_record *made)
{
    const struct key_record *authority = &bank->keys.current[STIVER_BANK_KEY_TERMINAL_AUTHORITY];
    uint32_t now = bank_now(bank), day = now - now % DAY_SECONDS;
    struct certificate c = {
        .type = CERTIFICATE_TERMINAL,
        .scheme = bank->settings.scheme,
        .authority = authority->id,
        .start = day,
        .end = day + days * DAY_SECONDS - 1,
        .role = terminal->role,
        .classes = terminal->classes,
        .merchant = terminal->merchant,
        .limit = {terminal->limit, bank->settings.currency},
        .generation = authority->generation,
    };
    memcpy(c.subject, terminal->terminal, sizeof terminal->terminal);
    memcpy(c.key, terminal->key, sizeof c.key);
    enum store_status stored = STORE(bank, sequence_next, SEQUENCE_SERIAL, &c.serial);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    *made = (struct terminal_certificate_record){
        .start = c.start, .end = c.end, .merchant = c.merchant, .limit = terminal->limit};
    memcpy(made->terminal, terminal->terminal, sizeof made->terminal);
    struct authority_signer signer = {bank, STIVER_BANK_KEY_TERMINAL_AUTHORITY};
    enum stiver_bank_status status = certificate_make(&c, sign_by_authority, &signer,
                                                      made->certificate, &made->certificate_bytes);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_document(certificate_host_id(
            &bank_primitives, made->certificate, made->certificate_bytes, made->fingerprint));
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(STORE(bank, terminal_certificate_add, made));
    if (status == STIVER_BANK_OK)
        status = bank_keep(bank, RECORD_CERTIFICATE, NULL, made->certificate,
                           made->certificate_bytes, NULL);
    return status;
}

/* ---- the package ---- */

struct enrolment {
    struct terminal_record terminal;
    unsigned days;
    bool is_new;
    struct terminal_certificate_record certificate;
};

static size_t package_bytes(const struct stiver_bank *bank, size_t list_bytes)
{
    return 192 + SIGNATURE_BYTES + bank->keys.card_authority_count * (CERTIFICATE_BYTES_MAX + 4) +
           CERTIFICATE_BYTES_MAX + ANCHORS_BYTES_MAX + list_bytes;
}

static enum stiver_bank_status sign_package(struct stiver_bank *bank, struct writer *w)
{
    uint8_t hash[SHA256_BYTES];
    size_t covered = w->used;
    uint8_t *signature = writer_reserve(w, SIGNATURE_BYTES);
    if (!signature)
        return STIVER_BANK_INTERNAL;
    if (document_hash(&bank_primitives, w->start, covered, hash) != DOCUMENT_OK)
        return STIVER_BANK_CRYPTO;
    return keyring_sign(&bank->keys, STIVER_BANK_KEY_TERMINAL_AUTHORITY, bank_now(bank), hash,
                        signature);
}

static enum stiver_bank_status write_package(struct stiver_bank *bank,
                                             const struct enrolment *enrolment,
                                             const struct store_blob *list,
                                             struct stiver_bank_bytes *package)
{
    uint8_t anchors[ANCHORS_BYTES_MAX];
    size_t anchors_bytes = bank_anchors(bank, anchors);
    size_t capacity = package_bytes(bank, list->bytes);
    uint8_t *memory = malloc(capacity);
    if (!memory)
        return STIVER_BANK_MEMORY;
    struct writer w = writer_of(memory, capacity);
    document_header(&w, DOCUMENT_PACKAGE, bank->settings.scheme);
    writer_bytes(&w, enrolment->terminal.terminal, TERMINAL_NUMBER_BYTES);
    writer_bytes(&w, bank->settings.link_key, PUBLIC_KEY_BYTES);
    writer_u8(&w, (uint8_t)bank->keys.card_authority_count);
    for (size_t i = 0; i < bank->keys.card_authority_count; i++) {
        const struct key_record *authority = &bank->keys.card_authorities[i];
        link_field(&w, authority->certificate, authority->certificate_bytes);
    }
    link_field(&w, enrolment->certificate.certificate, enrolment->certificate.certificate_bytes);
    link_field(&w, anchors, anchors_bytes);
    link_field(&w, list->data, list->bytes);
    enum stiver_bank_status status =
        w.failed || !anchors_bytes ? STIVER_BANK_INTERNAL : sign_package(bank, &w);
    if (status != STIVER_BANK_OK) {
        free(memory);
        return status;
    }
    *package = (struct stiver_bank_bytes){memory, w.used};
    return STIVER_BANK_OK;
}

static enum stiver_bank_status hand_over_package(struct stiver_bank *bank,
                                                 const struct enrolment *enrolment,
                                                 struct stiver_bank_bytes *package)
{
    struct list_record record;
    struct store_blob list = {0};
    enum stiver_bank_status status = list_newest(bank, &record, &list);
    if (status == STIVER_BANK_OK)
        status = write_package(bank, enrolment, &list, package);
    free(list.data);
    return status == STIVER_BANK_OK ? status : bank_say(bank, status, NULL);
}

static enum stiver_bank_status enrol_work(struct stiver_bank *bank, void *context)
{
    struct enrolment *enrolment = context;
    if (enrolment->is_new) {
        enum store_status stored = STORE(bank, terminal_add, &enrolment->terminal);
        if (stored == STORE_DUPLICATE)
            return bank_say(bank, STIVER_BANK_CONFLICT, "a terminal with this key is enrolled");
        if (stored != STORE_OK)
            return bank_status_of_store(stored);
    }
    if (enrolment->terminal.listed)
        return bank_say(bank, STIVER_BANK_LISTED, "the terminal is listed");
    enum stiver_bank_status status =
        terminal_certify(bank, &enrolment->terminal, enrolment->days, &enrolment->certificate);
    return status == STIVER_BANK_OK ? list_refresh(bank) : status;
}

static bool enrolment_is_fit(const struct stiver_bank_enrolment *e)
{
    if (e->role < ROLE_POINT_OF_SALE || e->role > ROLE_LAST || e->days < 1 ||
        e->days > CERTIFICATE_DAYS_TERMINAL)
        return false;
    return (e->classes & ~role_classes((enum terminal_role)e->role)) == 0;
}

static bool is_point(const uint8_t key[PUBLIC_KEY_BYTES])
{
    EVP_PKEY *pair = evp_key_public(key);
    EVP_PKEY_free(pair);
    return pair != NULL;
}

enum stiver_bank_status stiver_bank_enrol(struct stiver_bank *bank, const uint8_t *request,
                                          size_t request_bytes,
                                          const struct stiver_bank_enrolment *wanted,
                                          uint8_t terminal[8], struct stiver_bank_bytes *package)
{
    if (!enrolment_is_fit(wanted))
        return bank_say(bank, STIVER_BANK_ARGUMENT,
                        "a terminal has a known role, its role's classes, and 1 to 7 days");
    struct enrolment enrolment = {
        .terminal = {.role = (enum terminal_role)wanted->role,
                     .classes = wanted->classes ? wanted->classes
                                                : role_classes((enum terminal_role)wanted->role),
                     .merchant = wanted->merchant,
                     .limit = wanted->limit,
                     .credit = wanted->credit},
        .days = wanted->days,
        .is_new = true,
    };
    struct reader r = reader_of(request, request_bytes);
    uint8_t version = reader_u8(&r);
    reader_bytes(&r, enrolment.terminal.key, PUBLIC_KEY_BYTES);
    if (!reader_done(&r) || version != ENROL_VERSION || !is_point(enrolment.terminal.key))
        return bank_say(bank, STIVER_BANK_MALFORMED, "this is no enrolment request");
    if (!evp_random(enrolment.terminal.terminal, TERMINAL_NUMBER_BYTES))
        return bank_say(bank, STIVER_BANK_CRYPTO, NULL);
    enum stiver_bank_status status = bank_transact(bank, enrol_work, &enrolment);
    if (status != STIVER_BANK_OK)
        return status;
    memcpy(terminal, enrolment.terminal.terminal, TERMINAL_NUMBER_BYTES);
    return hand_over_package(bank, &enrolment, package);
}

enum stiver_bank_status stiver_bank_recertify(struct stiver_bank *bank, const uint8_t terminal[8],
                                              unsigned days, struct stiver_bank_bytes *package)
{
    struct enrolment enrolment = {.days = days};
    if (days < 1 || days > CERTIFICATE_DAYS_TERMINAL)
        return bank_say(bank, STIVER_BANK_ARGUMENT, "a terminal's certificate has 1 to 7 days");
    enum store_status stored = STORE(bank, terminal_find, terminal, &enrolment.terminal);
    if (stored != STORE_OK)
        return bank_say(bank,
                        stored == STORE_NONE ? STIVER_BANK_UNKNOWN_TERMINAL
                                             : bank_status_of_store(stored),
                        NULL);
    enum stiver_bank_status status = bank_transact(bank, enrol_work, &enrolment);
    return status == STIVER_BANK_OK ? hand_over_package(bank, &enrolment, package) : status;
}

/* ---- listing and looking ---- */

static enum stiver_bank_status list_terminal_work(struct stiver_bank *bank, void *context)
{
    struct terminal_record record;
    enum store_status stored = STORE(bank, terminal_find, context, &record);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_UNKNOWN_TERMINAL : bank_status_of_store(stored);
    if (record.listed)
        return STIVER_BANK_ALREADY;
    record.listed = bank_now(bank);
    enum stiver_bank_status status =
        bank_keep(bank, RECORD_TERMINAL_LISTED, record.terminal, NULL, 0, NULL);
    return status == STIVER_BANK_OK ? bank_status_of_store(STORE(bank, terminal_update, &record))
                                    : status;
}

enum stiver_bank_status stiver_bank_list_terminal(struct stiver_bank *bank,
                                                  const uint8_t terminal[8])
{
    uint8_t number[TERMINAL_NUMBER_BYTES];
    memcpy(number, terminal, sizeof number);
    return bank_transact(bank, list_terminal_work, number);
}

struct terminal_tour {
    struct stiver_bank *bank;
    stiver_bank_terminal_visit *visit;
    void *context;
};

static enum store_status show_terminal(void *context, const struct terminal_record *record)
{
    struct terminal_tour *tour = context;
    struct terminal_certificate_record newest = {0};
    struct stiver_bank_terminal shown = {
        .role = (uint8_t)record->role,
        .classes = record->classes,
        .merchant = record->merchant,
        .limit = record->limit,
        .credit = record->credit,
        .counter = record->counter,
        .is_listed = record->listed != 0,
    };
    memcpy(shown.terminal, record->terminal, sizeof shown.terminal);
    enum store_status status =
        STORE(tour->bank, terminal_certificate_newest, record->terminal, &newest);
    if (status != STORE_OK)
        return status;
    shown.end = newest.end;
    tour->visit(tour->context, &shown);
    return STORE_OK;
}

enum stiver_bank_status stiver_bank_terminals(struct stiver_bank *bank,
                                              stiver_bank_terminal_visit *visit, void *context)
{
    struct terminal_tour tour = {bank, visit, context};
    enum store_status status = STORE(bank, terminals, show_terminal, &tour);
    return status == STORE_OK ? STIVER_BANK_OK : bank_say(bank, bank_status_of_store(status), NULL);
}
