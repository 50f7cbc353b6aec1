/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolling, certifying and listing terminals of the campus purse.
 *
 * Their IDs stay below 2^30 where the bank draws them, and below 2^31 where they are given: no
 * number is a card's and a terminal's at once, the published programs print none as negative, and
 * nothing that is signed takes one for a date.
 */
#include <stdlib.h>
#include <string.h>

#include "bank/campus/inside.h"

#define DAYS_MAX 7u
#define PACKAGE_HEAD_BYTES 1100u
#define DRAWS 64

struct enrolment {
    struct campus_terminal_record terminal;
    unsigned days; /* 0: the certificate is given */
    struct campus_term_record term;
    struct store_blob list; /* owned */
};

static struct campus_certificate certificate_of(const struct campus_terminal_record *terminal,
                                                uint32_t end)
{
    struct campus_certificate c = {
        .id = terminal->id, .end = end, .usage = (enum campus_usage)terminal->role};
    memcpy(c.modulus, terminal->modulus, sizeof c.modulus);
    return c;
}

/* ---- terms ---- */

static enum stiver_bank_status add_term(struct stiver_bank *bank,
                                        struct campus_terminal_record *terminal,
                                        const struct campus_term_record *term)
{
    struct campus_certificate c = certificate_of(terminal, term->end);
    memcpy(c.signature, term->signature, sizeof c.signature);
    enum stiver_bank_status status = bank_status_of_store(CAMPUS(bank, term_add, term));
    if (status == STIVER_BANK_OK && terminal->role != CAMPUS_ROLE_STATION)
        status = bank_campus_keep_certificate(bank, terminal->id, term->start, &c);
    if (status != STIVER_BANK_OK || term->end <= terminal->end)
        return status;
    terminal->end = term->end;
    return bank_status_of_store(CAMPUS(bank, terminal_update, terminal));
}

enum stiver_bank_status bank_campus_terminal_certify(struct stiver_bank *bank,
                                                     struct campus_terminal_record *terminal,
                                                     unsigned days, struct campus_term_record *term)
{
    uint32_t now = bank_now(bank), end = bank_campus_end_after(now, days);
    if (end == 0)
        return bank_say(bank, STIVER_BANK_ARGUMENT, "the bank's clock is beyond all certificates");
    /* On the same day the same certificate comes out: it is kept once. */
    enum store_status stored = CAMPUS(bank, term_of_end, terminal->id, end, term);
    if (stored != STORE_NONE)
        return bank_status_of_store(stored);
    struct campus_certificate c = certificate_of(terminal, end);
    *term = (struct campus_term_record){.terminal = terminal->id, .start = now, .end = end};
    if (terminal->role != CAMPUS_ROLE_STATION) {
        enum stiver_bank_status status = bank_campus_certify(bank, &c);
        if (status != STIVER_BANK_OK)
            return status;
        memcpy(term->signature, c.signature, sizeof term->signature);
    }
    return add_term(bank, terminal, term);
}

/* ---- registering ---- */

static enum stiver_bank_status draw_id(struct stiver_bank *bank, uint32_t *id)
{
    for (int i = 0; i < DRAWS; i++) {
        struct campus_terminal_record taken;
        uint8_t random[4];
        if (!evp_random(random, sizeof random))
            return STIVER_BANK_CRYPTO;
        struct reader r = reader_of(random, sizeof random);
        *id = reader_u32(&r) & CAMPUS_COUNTER_MAX;
        enum store_status stored = CAMPUS(bank, terminal_find, *id, &taken);
        if (stored == STORE_NONE && *id != 0)
            return STIVER_BANK_OK;
        if (stored != STORE_OK && stored != STORE_NONE)
            return bank_status_of_store(stored);
    }
    return STIVER_BANK_INTERNAL;
}

/* OK: nobody has this ID. */
static enum stiver_bank_status known_terminal(struct stiver_bank *bank,
                                              const struct campus_terminal_record *wanted)
{
    struct campus_terminal_record held;
    enum store_status stored = CAMPUS(bank, terminal_find, wanted->id, &held);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_OK : bank_status_of_store(stored);
    bool same = held.role == wanted->role && held.merchant == wanted->merchant &&
                held.credit == wanted->credit &&
                bytes_equal(held.modulus, wanted->modulus, sizeof held.modulus);
    return same ? STIVER_BANK_ALREADY
                : bank_say(bank, STIVER_BANK_CONFLICT, "another terminal has this ID");
}

static enum stiver_bank_status add_terminal(struct stiver_bank *bank,
                                            const struct campus_terminal_record *terminal)
{
    struct campus_card_record card;
    uint8_t record[9 + CAMPUS_RSA_BYTES];
    struct writer w = writer_of(record, sizeof record);
    enum store_status stored = CAMPUS(bank, card_of_modulus, terminal->modulus, &card);
    if (stored == STORE_OK)
        return bank_say(bank, STIVER_BANK_CONFLICT, "this is the key of a card");
    if (stored == STORE_NONE)
        stored = CAMPUS(bank, terminal_add, terminal);
    if (stored == STORE_DUPLICATE)
        return bank_say(bank, STIVER_BANK_CONFLICT,
                        "a terminal with this key is enrolled: recertify it for a new package");
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    writer_u8(&w, (uint8_t)terminal->role);
    writer_u32(&w, terminal->merchant);
    writer_u32(&w, terminal->credit);
    writer_bytes(&w, terminal->modulus, CAMPUS_RSA_BYTES);
    return bank_campus_keep(bank, RECORD_CAMPUS_TERMINAL, terminal->id, record, sizeof record,
                            NULL);
}

static enum stiver_bank_status newest_list(struct stiver_bank *bank, struct store_blob *list)
{
    struct campus_list_record record;
    free(list->data);
    *list = (struct store_blob){0};
    enum stiver_bank_status status = bank_campus_refresh(bank);
    return status == STIVER_BANK_OK ? bank_status_of_store(CAMPUS(bank, list_newest, &record, list))
                                    : status;
}

static enum stiver_bank_status enrol_work(struct stiver_bank *bank, void *context)
{
    struct enrolment *enrolment = context;
    struct campus_terminal_record terminal = enrolment->terminal;
    enum stiver_bank_status status =
        terminal.id ? known_terminal(bank, &terminal) : draw_id(bank, &terminal.id);
    if (status == STIVER_BANK_OK)
        status = add_terminal(bank, &terminal);
    if (status == STIVER_BANK_OK && enrolment->days)
        status = bank_campus_terminal_certify(bank, &terminal, enrolment->days, &enrolment->term);
    else if (status == STIVER_BANK_OK) {
        enrolment->term.terminal = terminal.id;
        status = add_term(bank, &terminal, &enrolment->term);
    }
    if (status == STIVER_BANK_OK)
        status = newest_list(bank, &enrolment->list);
    if (status == STIVER_BANK_OK)
        enrolment->term.terminal = terminal.id;
    return status;
}

static bool enrolment_is_fit(const struct stiver_campus_enrolment *e)
{
    return e->days >= 1 && e->days <= DAYS_MAX && e->id < CAMPUS_CARD_BIT;
}

/* ---- the package ---- */

static enum stiver_bank_status write_package(struct stiver_bank *bank,
                                             const struct enrolment *enrolment, struct writer *w)
{
    struct campus_package package = {.role = enrolment->terminal.role,
                                     .list = enrolment->list.data,
                                     .list_bytes = enrolment->list.bytes};
    uint8_t signature[CAMPUS_RSA_BYTES];
    package.terminal = certificate_of(&enrolment->terminal, enrolment->term.end);
    package.terminal.id = enrolment->term.terminal;
    memcpy(package.terminal.signature, enrolment->term.signature, CAMPUS_RSA_BYTES);
    memcpy(package.back_end, bank->keys.campus.modulus, CAMPUS_RSA_BYTES);
    campus_package_encode(&package, w);
    if (w->failed)
        return STIVER_BANK_INTERNAL;
    enum stiver_bank_status status =
        bank_campus_sign(bank, RSA_SHA256, w->start, w->used, signature);
    writer_bytes(w, signature, sizeof signature);
    return status == STIVER_BANK_OK && w->failed ? STIVER_BANK_INTERNAL : status;
}

static enum stiver_bank_status hand_over_package(struct stiver_bank *bank,
                                                 const struct enrolment *enrolment,
                                                 struct stiver_bank_bytes *package)
{
    size_t capacity = PACKAGE_HEAD_BYTES + enrolment->list.bytes;
    uint8_t *memory = malloc(capacity);
    struct writer w = writer_of(memory, capacity);
    enum stiver_bank_status status =
        memory ? write_package(bank, enrolment, &w) : STIVER_BANK_MEMORY;
    if (status != STIVER_BANK_OK) {
        free(memory);
        return bank_say(bank, status, NULL);
    }
    *package = (struct stiver_bank_bytes){memory, w.used};
    return STIVER_BANK_OK;
}

enum stiver_bank_status stiver_campus_enrol(struct stiver_bank *bank, const uint8_t *request,
                                            size_t request_bytes,
                                            const struct stiver_campus_enrolment *wanted,
                                            uint32_t *id, struct stiver_bank_bytes *package)
{
    struct campus_enrol enrol;
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status != STIVER_BANK_OK)
        return status;
    if (!enrolment_is_fit(wanted))
        return bank_say(bank, STIVER_BANK_ARGUMENT,
                        "a terminal has an ID below 2147483648, and 1 to 7 days");
    if (!campus_enrol_decode(request, request_bytes, &enrol) || !evp_rsa_is_modulus(enrol.modulus))
        return bank_say(bank, STIVER_BANK_MALFORMED, "this is no enrolment request");
    struct enrolment enrolment = {.terminal = {.id = wanted->id,
                                               .role = enrol.role,
                                               .merchant = wanted->merchant,
                                               .credit = wanted->credit},
                                  .days = wanted->days};
    memcpy(enrolment.terminal.modulus, enrol.modulus, sizeof enrol.modulus);
    status = bank_transact(bank, enrol_work, &enrolment);
    if (status == STIVER_BANK_OK) {
        *id = enrolment.term.terminal;
        status = hand_over_package(bank, &enrolment, package);
    }
    free(enrolment.list.data);
    return status;
}

enum stiver_bank_status stiver_campus_register(struct stiver_bank *bank, uint8_t role,
                                               const struct stiver_campus_enrolment *wanted,
                                               uint32_t end, const uint8_t *public_pem,
                                               size_t public_pem_bytes,
                                               const uint8_t signature[256])
{
    uint8_t der[CAMPUS_PUBLIC_DER_BYTES];
    struct writer w = writer_of(der, sizeof der);
    struct enrolment enrolment = {.terminal = {.id = wanted->id,
                                               .role = (enum campus_role)role,
                                               .merchant = wanted->merchant,
                                               .credit = wanted->credit},
                                  .term = {.end = end}};
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status != STIVER_BANK_OK)
        return status;
    if ((role != CAMPUS_ROLE_POS && role != CAMPUS_ROLE_RELOAD) || wanted->id == 0 ||
        wanted->id >= CAMPUS_CARD_BIT || end < CAMPUS_END_MIN)
        return bank_say(bank, STIVER_BANK_ARGUMENT,
                        "a terminal has an ID below 2147483648, a role, and an end after 2004");
    if (!campus_pem_read(public_pem, public_pem_bytes, &w) || w.failed ||
        !campus_public_der_read(der, w.used, enrolment.terminal.modulus) ||
        !evp_rsa_is_modulus(enrolment.terminal.modulus))
        return bank_say(bank, STIVER_BANK_MALFORMED, "this file holds no public RSA key");
    struct campus_certificate c = certificate_of(&enrolment.terminal, end);
    memcpy(c.signature, signature, sizeof c.signature);
    memcpy(enrolment.term.signature, signature, sizeof enrolment.term.signature);
    enum verdict verdict = bank_campus_is_ours(bank, &c);
    if (verdict != VERDICT_VALID)
        return verdict == VERDICT_UNKNOWN
                   ? bank_say(bank, STIVER_BANK_CRYPTO, NULL)
                   : bank_say(bank, STIVER_BANK_FORGED,
                              "the certificate does not verify for this key, ID, end and role");
    status = bank_transact(bank, enrol_work, &enrolment);
    free(enrolment.list.data);
    return status;
}

static enum stiver_bank_status recertify_work(struct stiver_bank *bank, void *context)
{
    struct enrolment *enrolment = context;
    struct campus_terminal_record *terminal = &enrolment->terminal;
    enum store_status stored = CAMPUS(bank, terminal_find, enrolment->term.terminal, terminal);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_UNKNOWN_TERMINAL : bank_status_of_store(stored);
    if (terminal->listed)
        return bank_say(bank, STIVER_BANK_LISTED, "the terminal is listed");
    enum stiver_bank_status status =
        bank_campus_terminal_certify(bank, terminal, enrolment->days, &enrolment->term);
    return status == STIVER_BANK_OK ? newest_list(bank, &enrolment->list) : status;
}

enum stiver_bank_status stiver_campus_recertify(struct stiver_bank *bank, uint32_t id,
                                                unsigned days, struct stiver_bank_bytes *package)
{
    struct enrolment enrolment = {.days = days, .term = {.terminal = id}};
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status != STIVER_BANK_OK)
        return status;
    if (days < 1 || days > DAYS_MAX)
        return bank_say(bank, STIVER_BANK_ARGUMENT, "a terminal's certificate has 1 to 7 days");
    status = bank_transact(bank, recertify_work, &enrolment);
    if (status == STIVER_BANK_OK)
        status = hand_over_package(bank, &enrolment, package);
    free(enrolment.list.data);
    return status;
}

/* ---- listing and looking ---- */

static enum stiver_bank_status list_work(struct stiver_bank *bank, void *context)
{
    struct campus_terminal_record terminal;
    enum store_status stored = CAMPUS(bank, terminal_find, *(const uint32_t *)context, &terminal);
    if (stored != STORE_OK)
        return stored == STORE_NONE ? STIVER_BANK_UNKNOWN_TERMINAL : bank_status_of_store(stored);
    if (terminal.listed)
        return STIVER_BANK_ALREADY;
    terminal.listed = bank_now(bank);
    enum stiver_bank_status status = bank_status_of_store(CAMPUS(bank, terminal_update, &terminal));
    return status == STIVER_BANK_OK
               ? bank_campus_keep(bank, RECORD_CAMPUS_TERMINAL_LISTED, terminal.id, NULL, 0, NULL)
               : status;
}

enum stiver_bank_status stiver_campus_list_terminal(struct stiver_bank *bank, uint32_t id)
{
    enum stiver_bank_status status = bank_campus_open(bank);
    return status == STIVER_BANK_OK ? bank_transact(bank, list_work, &id) : status;
}

struct tour {
    stiver_campus_terminal_visit *visit;
    void *context;
};

static enum store_status show(void *context, const struct campus_terminal_record *record)
{
    const struct tour *tour = context;
    struct stiver_campus_bank_terminal shown = {.id = record->id,
                                                .end = record->end,
                                                .merchant = record->merchant,
                                                .credit = record->credit,
                                                .role = (uint8_t)record->role,
                                                .is_listed = record->listed != 0};
    tour->visit(tour->context, &shown);
    return STORE_OK;
}

enum stiver_bank_status stiver_campus_terminals(struct stiver_bank *bank,
                                                stiver_campus_terminal_visit *visit, void *context)
{
    struct tour tour = {visit, context};
    enum stiver_bank_status status = bank_campus_open(bank);
    if (status != STIVER_BANK_OK)
        return status;
    status = bank_status_of_store(CAMPUS(bank, terminals, show, &tour));
    return status == STIVER_BANK_OK ? status : bank_say(bank, status, NULL);
}
