/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank's part in the campus purse (docs/campus.md): its back end. It certifies cards and
 * terminals, verifies their receipts and books them, keeps the list, and is audited, in the same
 * directory and the same books as the purse, with accounts of its own ("campus float", "campus
 * till:2345", "campus merchant:7"), off until stiver_campus_found.
 *
 * The protocol names no currency: its cents are minor units of the bank's. Times are seconds UTC,
 * IDs unsigned 32-bit numbers. Everything else as in stiver/bank.h. While it is off, each call
 * but stiver_campus_found and stiver_campus_settings answers REFUSED.
 */
#ifndef STIVER_CAMPUS_BANK_H
#define STIVER_CAMPUS_BANK_H

#include <stiver/bank.h>

/* Turns it on: a new RSA-2048 key, encrypted under the bank's passphrase like its other keys. pem:
 * the source's backend_private.pem, to go on with its key; or NULL. ALREADY if it is on with this
 * key (or any, pem NULL), CONFLICT with another, MALFORMED if pem holds no RSA-2048 key.
 * fingerprint, 32 bytes, may be NULL: SHA-256 over the modulus. */
enum stiver_bank_status stiver_campus_found(struct stiver_bank *bank, const uint8_t *pem,
                                            size_t pem_bytes,
                                            uint8_t *fingerprint) STIVER_BANK_CHECKED;

struct stiver_campus_settings {
    bool is_on;
    uint8_t modulus[256], fingerprint[32];
    uint64_t list_end_ms;
    uint32_t list_count;
};
enum stiver_bank_status stiver_campus_settings(
    struct stiver_bank *bank, struct stiver_campus_settings *settings) STIVER_BANK_CHECKED;

/* ---- terminals ---- */

struct stiver_campus_enrolment {
    uint32_t id;       /* 0: the bank draws one below 2^30; else below 2^31, and ALREADY (without a
                        * package) or CONFLICT as it is known */
    uint32_t merchant; /* point of sale */
    uint32_t credit;   /* reload terminal: how far its till may go below zero, minor units; loads
                        * beyond are booked all the same (the card has them), and ring an alarm */
    unsigned days;     /* 1 to 7; to the second of that day's end */
};
/* Takes a terminal's request (258 bytes: its role and modulus), gives the package. */
enum stiver_bank_status stiver_campus_enrol(struct stiver_bank *bank, const uint8_t *request,
                                            size_t request_bytes,
                                            const struct stiver_campus_enrolment *enrolment,
                                            uint32_t *id,
                                            struct stiver_bank_bytes *package) STIVER_BANK_CHECKED;
/* Registers a terminal of the source as it stands: its public key file, ID, end and certificate
 * signature. FORGED if that does not verify. role: 2 point of sale, 3 reload. */
enum stiver_bank_status stiver_campus_register(struct stiver_bank *bank, uint8_t role,
                                               const struct stiver_campus_enrolment *enrolment,
                                               uint32_t end, const uint8_t *public_pem,
                                               size_t public_pem_bytes,
                                               const uint8_t signature[256]) STIVER_BANK_CHECKED;
/* The package again, with a new certificate for the same key. */
enum stiver_bank_status stiver_campus_recertify(struct stiver_bank *bank, uint32_t id,
                                                unsigned days, struct stiver_bank_bytes *package)
    STIVER_BANK_CHECKED;
/* At once: its receipts that come from now on go to suspense. */
enum stiver_bank_status stiver_campus_list_terminal(struct stiver_bank *bank,
                                                    uint32_t id) STIVER_BANK_CHECKED;

struct stiver_campus_bank_terminal {
    uint32_t id, end, merchant, credit;
    uint8_t role; /* 1 station, 2 point of sale, 3 reload terminal */
    bool is_listed;
};
typedef void stiver_campus_terminal_visit(void *context,
                                          const struct stiver_campus_bank_terminal *terminal);
enum stiver_bank_status stiver_campus_terminals(struct stiver_bank *bank,
                                                stiver_campus_terminal_visit *visit,
                                                void *context) STIVER_BANK_CHECKED;

/* ---- cards ---- */

/* Registers a card that the source's station made: its public key, ID, end and certificate. */
enum stiver_bank_status stiver_campus_register_card(
    struct stiver_bank *bank, uint32_t id, uint32_t end, const uint8_t modulus[256],
    const uint8_t signature[256]) STIVER_BANK_CHECKED;
/* Puts a card on the list and signs a new one at once (receipts with a later time go to
 * suspense). ALREADY if it is on it. */
enum stiver_bank_status stiver_campus_list_card(struct stiver_bank *bank,
                                                uint32_t id) STIVER_BANK_CHECKED;
/* The file CRL, signed again if half of its ten days are over. */
enum stiver_bank_status stiver_campus_list_file(struct stiver_bank *bank,
                                                struct stiver_bank_bytes *file) STIVER_BANK_CHECKED;

struct stiver_campus_card {
    uint32_t id, end;
    uint32_t counter;     /* highest in a receipt that came */
    int64_t shadow_minor; /* what its booked receipts added and took; below 0: an alarm rang */
    bool is_listed, is_blocked;
};
typedef void stiver_campus_card_visit(void *context, const struct stiver_campus_card *card);
enum stiver_bank_status stiver_campus_cards(struct stiver_bank *bank,
                                            stiver_campus_card_visit *visit,
                                            void *context) STIVER_BANK_CHECKED;

/* ---- settlement ---- */

/* One request of a terminal (scheme/campus_link.h), one answer; as stiver_bank_link. */
enum stiver_bank_status stiver_campus_link(struct stiver_bank *bank, const uint8_t *request,
                                           size_t request_bytes,
                                           struct stiver_bank_bytes *answer) STIVER_BANK_CHECKED;

/* A payment_log.csv or reload_log.csv of a terminal of the source. The file names neither the
 * terminal nor whether a load was finished: the caller says which terminal, and every load counts
 * as finished, as the source has it, unless the terminal itself has told of it already. Each line
 * is verified; a line that does not verify is counted as rejected and told, the others are booked,
 * each once. MALFORMED: no such file, nothing is booked. */
struct stiver_campus_import {
    unsigned booked, already, suspense, rejected;
};
typedef void stiver_campus_rejected_visit(void *context, unsigned line, const char *why);
enum stiver_bank_status stiver_campus_import_log(
    struct stiver_bank *bank, uint32_t terminal, const uint8_t *file, size_t bytes,
    stiver_campus_rejected_visit *visit, void *context,
    struct stiver_campus_import *import) STIVER_BANK_CHECKED;

/* Resolves a load that its terminal gave up as unknown: credited (the float gets it) or not (it is
 * owed to the holder). Also says that a load was credited which its terminal called not done: its
 * till, or what was owed, pays. Final: ALREADY, or CONFLICT with what was settled; UNKNOWN_RECEIPT
 * also for a payment. */
enum stiver_bank_status stiver_campus_decide(struct stiver_bank *bank, uint32_t card,
                                             uint32_t counter,
                                             bool was_credited) STIVER_BANK_CHECKED;

/* Cash that a reload terminal's operator brought; as stiver_bank_fund. */
enum stiver_bank_status stiver_campus_fund(struct stiver_bank *bank, uint32_t terminal,
                                           struct stiver_bank_money amount,
                                           const char *reference) STIVER_BANK_CHECKED;

#endif
