/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank: issues cards and orders, certifies terminals, settles receipts, keeps the books and
 * the list, and audits itself. It speaks to terminals in encoded bytes alone (stiver_bank_link).
 *
 *     struct stiver_bank_environment with = {.engine = &stiver_store_sqlite};
 *     struct stiver_bank *bank;
 *     enum stiver_bank_status status = stiver_bank_open("campus", passphrase, &with, &bank);
 *     status = stiver_bank_link(bank, request, request_bytes, &answer);
 *     stiver_bank_bytes_free(&answer);
 *     stiver_bank_close(bank);
 *
 * A bank directory holds bank.db, keys/ (0700; encrypted PKCS#8, 0600) and certificates/. Amounts
 * are unsigned minor units with their currency, sums in the books are signed 64 bits, times are
 * seconds UTC. One handle serves one thread; several processes may open one directory.
 */
#ifndef STIVER_BANK_H
#define STIVER_BANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STIVER_BANK_CHECKED __attribute__((warn_unused_result))

/* Every way a call can end; OK is 0. X(name, sentence) */
#define STIVER_BANK_STATUSES(X)                                                          \
    X(OK, "done")                                                                        \
    X(ALREADY, "this was done before: nothing changed")                                  \
    X(RETRY, "another program is using the bank: try again in a moment")                 \
    X(REFUSED, "the bank refuses this")                                                  \
    X(CONFLICT, "something else was agreed before")                                      \
    X(PASSPHRASE, "the passphrase is wrong")                                             \
    X(NOT_A_BANK, "the directory holds no bank: found one first")                        \
    X(EXISTS, "the directory is there already: a bank is founded in a new one")          \
    X(NEWER, "the bank was written by a newer version of this program")                  \
    X(DAMAGED, "the bank's records or keys are damaged: restore them from a copy")       \
    X(DISK_FULL, "the disk is full: nothing of this step was kept")                      \
    X(PERMISSION, "no permission to read or write the bank's directory")                 \
    X(IO, "the disk reports an error")                                                   \
    X(MEMORY, "out of memory")                                                           \
    X(ROOT_OFFLINE, "the root key is not there: bring keys/root.pem back for this step") \
    X(KEY_MISSING, "a key of the bank is not there: bring its file in keys/ back")       \
    X(KEY_EXPIRED, "the certificate of the bank's own key has ended: renew it")          \
    X(CRYPTO, "the crypto library failed")                                               \
    X(UNKNOWN_CARD, "the bank knows no such card")                                       \
    X(UNKNOWN_TERMINAL, "the bank knows no such terminal")                               \
    X(UNKNOWN_RECEIPT, "the bank has no such receipt")                                   \
    X(LISTED, "it is on the list: nothing is issued to it any more")                     \
    X(CREDIT, "the till's credit does not cover this")                                   \
    X(LIMIT, "the amount is above what the bank's key may sign")                         \
    X(CURRENCY, "the bank keeps another currency")                                       \
    X(ARGUMENT, "a value is outside what the scheme permits")                            \
    X(MALFORMED, "this is no document of the scheme")                                    \
    X(OTHER_SCHEME, "this comes from another scheme")                                    \
    X(FORGED, "a signature or a tag does not verify")                                    \
    X(INTERNAL, "the program used the bank wrongly")

enum stiver_bank_status {
#define X(name, sentence) STIVER_BANK_##name,
    STIVER_BANK_STATUSES(X)
#undef X
        STIVER_BANK_STATUS_COUNT
};

const char *stiver_bank_status_name(enum stiver_bank_status status);
const char *stiver_bank_status_sentence(enum stiver_bank_status status);

/* ---- what everything is given ---- */

struct stiver_bank_money {
    uint32_t minor;
    uint16_t currency; /* ISO 4217 numeric */
};

/* Not terminated, may hold any bytes; borrowed for the call, copies are wiped. */
struct stiver_bank_secret {
    const uint8_t *bytes;
    size_t length;
};

/* What the bank hands over; free it with stiver_bank_bytes_free. */
struct stiver_bank_bytes {
    uint8_t *data;
    size_t length;
};
void stiver_bank_bytes_free(struct stiver_bank_bytes *bytes);

/* An engine that keeps the records (src/bank/store.h); the program links the one it names. */
struct stiver_store_engine;
extern const struct stiver_store_engine stiver_store_sqlite;

struct stiver_bank_environment {
    const struct stiver_store_engine *engine; /* borrowed, for the life of the bank */
    uint32_t (*now)(void *context);           /* NULL: the system's clock */
    void *clock_context;
    /* Cost of the passphrase for keys made in this session: scrypt with N = 2^key_cost, r = 8,
     * p = 1. 10 to 14; 0: 14. Keys made before keep theirs. */
    unsigned key_cost;
};

/* The rules that a purse keeps, as its policy order states them; minor units of the currency. */
struct stiver_bank_policy {
    uint32_t payment_limit, balance_limit;
    uint32_t pin_above;            /* UINT32_MAX: never */
    uint32_t pin_count, pin_total; /* 0: no such rule */
    uint32_t online_above;         /* UINT32_MAX: never */
    uint32_t points_per;           /* 0: no points */
};

/* ---- founding, opening, keys ---- */

#define STIVER_BANK_NAME_BYTES 64u /* with the terminating 0 */

struct stiver_bank_founding {
    const char *name; /* of the scheme, for people */
    uint16_t currency;
    bool is_test;     /* a test scheme: virtual cards pay offline */
    uint32_t scheme;  /* 0: 4 random bytes */
    uint32_t largest; /* largest amount of one load or refund order, minor units */
    struct stiver_bank_policy policy;
    struct stiver_bank_secret passphrase;
    struct stiver_bank_secret root_passphrase; /* .bytes NULL: the same */
};

/* Makes the directory, whole or not at all: root, card authority, terminal authority, working keys
 * and link key with their certificates, empty books. EXISTS, ARGUMENT (name, currency, policy,
 * passphrase empty), PERMISSION, DISK_FULL, IO, CRYPTO. */
enum stiver_bank_status stiver_bank_found(
    const char *directory, const struct stiver_bank_founding *founding,
    const struct stiver_bank_environment *environment) STIVER_BANK_CHECKED;

struct stiver_bank;

/* *bank is set only on OK. NOT_A_BANK, PASSPHRASE, NEWER, DAMAGED, RETRY, PERMISSION, IO. The
 * passphrase is copied and wiped at closing; the environment is copied. */
enum stiver_bank_status stiver_bank_open(const char *directory,
                                         struct stiver_bank_secret passphrase,
                                         const struct stiver_bank_environment *environment,
                                         struct stiver_bank **bank) STIVER_BANK_CHECKED;
void stiver_bank_close(struct stiver_bank *bank);

/* A person's sentence about the last call that did not answer OK: the status's own, or a closer one
 * ("an order for that counter is out"). Borrowed until the next call. */
const char *stiver_bank_message(const struct stiver_bank *bank);

struct stiver_bank_settings {
    char name[STIVER_BANK_NAME_BYTES];
    uint32_t scheme;
    uint16_t currency;
    bool is_test;
    uint8_t root_key[64];
    uint8_t link_key[64];
    struct stiver_bank_policy policy;
    uint32_t policy_number;
};
enum stiver_bank_status stiver_bank_settings(
    struct stiver_bank *bank, struct stiver_bank_settings *settings) STIVER_BANK_CHECKED;

enum stiver_bank_key {
    STIVER_BANK_KEY_ROOT = 1, /* never renewed */
    STIVER_BANK_KEY_CARD_AUTHORITY,
    STIVER_BANK_KEY_TERMINAL_AUTHORITY,
    STIVER_BANK_KEY_ORDERS,
    STIVER_BANK_KEY_POLICY,
    STIVER_BANK_KEY_ANSWERS,
    STIVER_BANK_KEY_LISTS,
    STIVER_BANK_KEY_LINK, /* not certified, never renewed */
};
const char *stiver_bank_key_name(enum stiver_bank_key key); /* "card authority" */

/* A new key and its certificate under the root; the old one stays for verification. Needs the root:
 * ROOT_OFFLINE, PASSPHRASE; ARGUMENT for root and link. */
enum stiver_bank_status stiver_bank_renew(struct stiver_bank *bank, enum stiver_bank_key key,
                                          struct stiver_bank_secret root_passphrase)
    STIVER_BANK_CHECKED;

struct stiver_bank_key_state {
    enum stiver_bank_key key;
    uint32_t start, end; /* of the newest certificate; root and link: 0, UINT32_MAX */
    uint32_t generation; /* how often it was made: 1 after founding */
    bool is_file_there;
};
typedef void stiver_bank_key_visit(void *context, const struct stiver_bank_key_state *state);
enum stiver_bank_status stiver_bank_keys(struct stiver_bank *bank, stiver_bank_key_visit *visit,
                                         void *context) STIVER_BANK_CHECKED;

/* Rules for cards personalised from now on, and for those that are brought a
 * stiver_bank_policy_order (a new policy number). */
enum stiver_bank_status stiver_bank_set_policy(
    struct stiver_bank *bank, const struct stiver_bank_policy *policy) STIVER_BANK_CHECKED;

/* ---- cards ---- */

/* Puts a blank card into the register of stock. card_class: 1 hardware, 2 virtual. ALREADY if the
 * same serial is there with the same key and class, CONFLICT with others. */
enum stiver_bank_status stiver_bank_stock(struct stiver_bank *bank, const uint8_t serial[8],
                                          const uint8_t transport_key[16],
                                          uint8_t card_class) STIVER_BANK_CHECKED;

enum stiver_bank_reason {
    STIVER_BANK_LOST = 1, /* pruned once the card's block receipt came */
    STIVER_BANK_STOLEN,   /* likewise */
    STIVER_BANK_CLONE,    /* stays until the card's certificate ends */
};

/* Lists a card and signs a new list at once. ALREADY if it is listed for this or a graver reason.
 */
enum stiver_bank_status stiver_bank_list_card(struct stiver_bank *bank, const uint8_t card[8],
                                              enum stiver_bank_reason reason) STIVER_BANK_CHECKED;

/* The newest list file, signed again if half of its term is over. */
enum stiver_bank_status stiver_bank_list_file(struct stiver_bank *bank,
                                              struct stiver_bank_bytes *file) STIVER_BANK_CHECKED;

struct stiver_bank_card {
    uint8_t card[8], serial[8];
    uint8_t card_class;
    uint32_t certified, end;        /* times */
    uint32_t counter;               /* of the highest receipt that came */
    uint32_t balance;               /* shadow, minor units; 0 if below */
    int64_t shadow_minor;           /* what its booked receipts added and took; below 0 while
                                     * load receipts are missing */
    uint32_t missing;               /* counters below that one that have not come */
    enum stiver_bank_reason reason; /* it was reported for this; 0: it was not */
    bool is_listed;                 /* on the list now: a lost card leaves it once it has blocked */
    bool is_blocked;                /* its block receipt came */
    bool loads_stopped;             /* a load receipt came that nobody ordered */
};
typedef void stiver_bank_card_visit(void *context, const struct stiver_bank_card *card);
enum stiver_bank_status stiver_bank_cards(struct stiver_bank *bank, stiver_bank_card_visit *visit,
                                          void *context) STIVER_BANK_CHECKED;

/* ---- terminals ---- */

struct stiver_bank_enrolment {
    uint8_t role;     /* scheme/certificate.h, terminal_role */
    uint16_t classes; /* command_class bits; 0: all that the role may have */
    uint32_t merchant;
    uint32_t limit;  /* offline limit a card, minor units */
    uint32_t credit; /* how far its till may go below zero, minor units */
    unsigned days;   /* 1 to 7 */
};

/* Takes an ENROL request (scheme/link.h), draws a terminal number, gives the package. A key that is
 * enrolled already is a CONFLICT. */
enum stiver_bank_status stiver_bank_enrol(struct stiver_bank *bank, const uint8_t *request,
                                          size_t request_bytes,
                                          const struct stiver_bank_enrolment *enrolment,
                                          uint8_t terminal[8],
                                          struct stiver_bank_bytes *package) STIVER_BANK_CHECKED;

/* The package again, with a new certificate for the same key. */
enum stiver_bank_status stiver_bank_recertify(struct stiver_bank *bank, const uint8_t terminal[8],
                                              unsigned days, struct stiver_bank_bytes *package)
    STIVER_BANK_CHECKED;

/* At once: it gets no orders any more, and its receipts that come from now on go to suspense. */
enum stiver_bank_status stiver_bank_list_terminal(struct stiver_bank *bank,
                                                  const uint8_t terminal[8]) STIVER_BANK_CHECKED;

struct stiver_bank_terminal {
    uint8_t terminal[8];
    uint8_t role;
    uint16_t classes;
    uint32_t merchant, limit, credit;
    uint32_t end;     /* of its newest certificate */
    uint32_t counter; /* highest terminal counter seen */
    bool is_listed;
};
typedef void stiver_bank_terminal_visit(void *context, const struct stiver_bank_terminal *terminal);
enum stiver_bank_status stiver_bank_terminals(struct stiver_bank *bank,
                                              stiver_bank_terminal_visit *visit,
                                              void *context) STIVER_BANK_CHECKED;

/* ---- orders ---- */

/* Each gives a message for one card: order document and working key's certificate. */

/* A refund of an earlier payment, booked against its merchant before it is signed. counter: the
 * card's next refund counter. UNKNOWN_RECEIPT; REFUSED beyond the payment; CONFLICT while another
 * order for that counter is out. The same counter, payment and amount again: the same order. */
enum stiver_bank_status stiver_bank_refund(struct stiver_bank *bank, const uint8_t card[8],
                                           uint32_t counter, uint32_t payment_counter,
                                           struct stiver_bank_money amount,
                                           struct stiver_bank_bytes *order) STIVER_BANK_CHECKED;
/* A zero-amount order for the counter of an order that is out. Which of the two the card took is
 * known, and booked, when its receipt comes. refund: of a refund order, else of a load order. */
enum stiver_bank_status stiver_bank_undo(struct stiver_bank *bank, const uint8_t card[8],
                                         bool refund, uint32_t counter,
                                         struct stiver_bank_bytes *order) STIVER_BANK_CHECKED;
enum stiver_bank_status stiver_bank_policy_order(struct stiver_bank *bank, const uint8_t card[8],
                                                 struct stiver_bank_bytes *order)
    STIVER_BANK_CHECKED;
/* What the bank has of this card's receipts. */
enum stiver_bank_status stiver_bank_acknowledgement(struct stiver_bank *bank, const uint8_t card[8],
                                                    struct stiver_bank_bytes *order)
    STIVER_BANK_CHECKED;
/* Signed by the root, documents without a certificate. */
enum stiver_bank_status stiver_bank_time_order(struct stiver_bank *bank, const uint8_t card[8],
                                               uint32_t new_time,
                                               struct stiver_bank_secret root_passphrase,
                                               struct stiver_bank_bytes *order) STIVER_BANK_CHECKED;
/* card NULL: any card. */
enum stiver_bank_status stiver_bank_floor_order(
    struct stiver_bank *bank, const uint8_t *card, uint32_t generation_floor,
    struct stiver_bank_secret root_passphrase, struct stiver_bank_bytes *order) STIVER_BANK_CHECKED;

/* ---- the link ---- */

/* One request of a terminal, one answer (scheme/link.h). OK: *answer is there, be it a refusal in
 * the protocol's own words. MALFORMED, OTHER_SCHEME, UNKNOWN_TERMINAL, FORGED: the request proves
 * no terminal, so there is no answer; likewise MEMORY. Anything said to be booked is on the disk.
 */
enum stiver_bank_status stiver_bank_link(struct stiver_bank *bank, const uint8_t *request,
                                         size_t request_bytes,
                                         struct stiver_bank_bytes *answer) STIVER_BANK_CHECKED;

/* ---- books ---- */

/* Credits a terminal's till with money that its operator brought. reference (up to 63 bytes) makes
 * it idempotent: the same reference again is ALREADY, with another amount or till CONFLICT. */
enum stiver_bank_status stiver_bank_fund(struct stiver_bank *bank, const uint8_t terminal[8],
                                         struct stiver_bank_money amount,
                                         const char *reference) STIVER_BANK_CHECKED;

/* A balance above zero is owed by the bank (to cards, merchants, tills, holders); below zero, owed
 * to it or held by it: "cash" is what was brought, a till below zero is cash in its kiosk. */
struct stiver_bank_account {
    const char *name; /* "float", "in flight", "merchant:7", "till:0011223344556677", ... */
    int64_t balance_minor;
    uint16_t currency;
};
typedef void stiver_bank_account_visit(void *context, const struct stiver_bank_account *account);

struct stiver_bank_books {
    int64_t sum_minor;    /* of all accounts: 0, or the books are wrong */
    int64_t float_minor;  /* the account */
    int64_t shadow_minor; /* what the booked receipts say that cards hold: equal, or see alarms */
    uint64_t receipts, postings, alarms;
    bool balanced; /* sum is 0, and each float equals its shadow */
    /* The same of the campus purse (stiver/campus_bank.h), whose accounts are in the sum too. */
    int64_t campus_float_minor, campus_shadow_minor;
    uint64_t campus_receipts;
};
/* visit may be NULL. */
enum stiver_bank_status stiver_bank_books(struct stiver_bank *bank,
                                          stiver_bank_account_visit *visit, void *context,
                                          struct stiver_bank_books *books) STIVER_BANK_CHECKED;

/* What the bank noticed and a person must see; text is a sentence, borrowed for the call. */
struct stiver_bank_alarm {
    uint32_t time;
    uint8_t card[8], terminal[8]; /* zeros where none is concerned */
    const char *text;
};
typedef void stiver_bank_alarm_visit(void *context, const struct stiver_bank_alarm *alarm);
enum stiver_bank_status stiver_bank_alarms(struct stiver_bank *bank, stiver_bank_alarm_visit *visit,
                                           void *context) STIVER_BANK_CHECKED;

/* ---- audit ---- */

struct stiver_bank_audit {
    uint64_t certificates, orders, receipts, others; /* documents read and verified */
    uint64_t postings;                               /* recomputed and found */
    uint64_t findings;
};
/* One sentence a wrong, missing or extra row. */
typedef void stiver_bank_finding_visit(void *context, const char *text);

/* Reads the signed documents a second time, verifies every signature, computes what the books must
 * hold and compares. OK also with findings: look at audit->findings. Needs no key but the root's
 * public one. */
enum stiver_bank_status stiver_bank_audit(struct stiver_bank *bank,
                                          stiver_bank_finding_visit *visit, void *context,
                                          struct stiver_bank_audit *audit) STIVER_BANK_CHECKED;

#endif
