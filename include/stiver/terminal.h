/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal: takes payments, carries loads, makes cards, and brings everything home to its bank.
 * It lives in a directory of its own (terminal.key, made there and never leaving; journal.db) and
 * meets the bank over a link of encoded bytes alone.
 *
 *     struct stiver_terminal *terminal;
 *     struct stiver_terminal_session *session;
 *     struct stiver_terminal_result result;
 *     status = stiver_terminal_open("kiosk", NULL, &terminal);
 *     status = stiver_terminal_begin(terminal, &reader, &session, &result);
 *     if (status == STIVER_TERMINAL_OK) {
 *         struct stiver_terminal_sale sale = {.amount = {250, 978}};
 *         status = stiver_terminal_pay(session, &sale, &result);
 *         stiver_terminal_end(session);
 *     }
 *     stiver_terminal_sentence(&result, text, sizeof text);
 *     stiver_terminal_close(terminal);
 *
 * Every call answers a status; calls that meet a card also fill a result, from which the sentence
 * for a person is made. Amounts are unsigned minor units with their ISO 4217 numeric currency,
 * times are seconds UTC, card and terminal numbers 8 bytes. One handle serves one thread, and one
 * thread a process may use this library (the crypto library's limit).
 */
#ifndef STIVER_TERMINAL_H
#define STIVER_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STIVER_TERMINAL_CHECKED __attribute__((warn_unused_result))

struct card_reader; /* reader/reader.h: one card in one reader, opened by the caller */

/* Every way a call can end; OK is 0. X(name, sentence). {amount}, {balance}, {limit}, {date},
 * {tries}, {number}, {kind} and {detail} are filled in by stiver_terminal_sentence. */
#define STIVER_TERMINAL_STATUSES(X)                                                             \
    X(OK, "Done.")                                                                              \
    X(FINISHED_EARLIER, "The {kind} of {amount} is done; it was begun earlier.")                \
    X(UNFINISHED, "Not finished: touch the same card again to finish number {number}.")         \
    X(READER, "{detail}")                                                                       \
    X(NOT_THIS_KIND, "This is a card of another kind: nothing was done to it, take it out.")    \
    X(CARD_BLANK, "This card is blank: have it personalised first.")                            \
    X(CARD_NOT_ISSUED, "This card is not issued yet: bring it to the personalisation station.") \
    X(OTHER_STATION, "Another station began this card: finish it there.")                       \
    X(CARD_ISSUED, "This card is personalised already.")                                        \
    X(CARD_BLOCKED, "This card is blocked: ask its issuer for a new one.")                      \
    X(CARD_ENDED, "This card has ended its life: ask for a new one.")                           \
    X(OTHER_SCHEME, "The card belongs to another scheme: take one of this scheme.")             \
    X(CARD_UNPROVEN, "The card could not prove itself: nothing was done.")                      \
    X(CARD_EXPIRED, "This card has ended on {date}: ask for a new one.")                        \
    X(CARD_VIRTUAL, "This card is not a secure element and pays only online.")                  \
    X(CARD_FAILED, "The card reports a fault of its own: use another card.")                    \
    X(CARD_ANSWER, "The card gave an answer that cannot be right: nothing was done.")           \
    X(LINK_BROKEN, "The talk with the card broke off: touch it again.")                         \
    X(TERMINAL_REFUSED, "The card does not accept this terminal: synchronise it.")              \
    X(BALANCE, "Not enough money: {balance} left.")                                             \
    X(AMOUNT_ZERO, "The amount must be more than zero.")                                        \
    X(AMOUNT_LIMIT, "The amount is above what may be paid at once here: pay less.")             \
    X(AMOUNT_CURRENCY, "This terminal takes another currency.")                                 \
    X(CARD_CURRENCY, "The card keeps another currency: it cannot be used here.")                \
    X(OFFLINE_LIMIT, "This card may pay {limit} here until the next synchronisation.")          \
    X(BALANCE_LIMIT, "The card would hold more than it may: nothing was loaded.")               \
    X(ROLE, "This terminal is not permitted to do that: use one enrolled for it.")              \
    X(PIN_REQUIRED, "This needs the PIN.")                                                      \
    X(PIN_WRONG, "The PIN is wrong: {tries} left.")                                             \
    X(PIN_FORM, "A PIN has four to eight digits: give it again.")                               \
    X(PIN_BLOCKED, "The PIN is blocked after too many wrong tries: ask for a new card.")        \
    X(ONLINE_REQUIRED,                                                                          \
      "This payment needs the bank's answer, and this terminal cannot ask: pay less.")          \
    X(LOG_FULL, "The card is full of receipts: synchronise, then touch it again.")              \
    X(CLOCK, "The terminal's clock is wrong, or its certificate is over: set it, synchronise.") \
    X(ONCE, "The card was not taken away since its last payment: take it out and back in.")     \
    X(NUMBER_USED, "The card knows this number for another payment: synchronise the terminal.") \
    X(EXHAUSTED, "The card has reached the end of its counting: ask for a new one.")            \
    X(ORDER, "The card does not take this order: synchronise, then try again.")                 \
    X(NOT_ENROLLED, "This terminal is not enrolled: give its request to the bank.")             \
    X(PACKAGE_OLDER,                                                                            \
      "The bank's package is of an earlier format: let the bank recertify, and adopt that.")    \
    X(ENROLLED, "This terminal is enrolled already.")                                           \
    X(EXPIRED, "This terminal's certificate ended on {date}: synchronise it.")                  \
    X(NOT_YET_VALID, "This terminal's certificate starts later: is the clock right?")           \
    X(LIST_OLD, "The revocation list ended on {date}: synchronise the terminal.")               \
    X(IN_DOUBT, "This terminal's journal is in doubt: synchronise it before it goes on.")       \
    X(NUMBERS_USED_UP, "This terminal has used up its numbers: enrol a new one.")               \
    X(NO_LINK, "The bank cannot be reached: try again when it can.")                            \
    X(BANK_REFUSED, "The bank refuses: {detail}")                                               \
    X(BANK_RETRY, "The bank cannot answer now: {detail}")                                       \
    X(BANK_FORGED, "The answer does not come from this terminal's bank: nothing was taken.")    \
    X(BANK_ANSWER, "The bank's answer cannot be right: nothing was taken.")                     \
    X(OTHER_REQUEST, "The answer belongs to another request: nothing was taken.")               \
    X(ROOT_DIFFERS, "The package's root is not the expected one: nothing was taken.")           \
    X(PACKAGE, "This is not a package for this terminal: nothing was taken.")                   \
    X(LIST_FORGED, "The revocation list does not verify: nothing was taken.")                   \
    X(UNKNOWN_NUMBER, "This terminal has no open business of that number.")                     \
    X(EXISTS, "There is a terminal in that directory already.")                                 \
    X(MISSING, "There is no terminal in that directory.")                                       \
    X(KEY_DAMAGED, "The terminal's key file is damaged or not its own: enrol a new terminal.")  \
    X(JOURNAL_FOREIGN, "The journal belongs to another program: nothing was changed.")          \
    X(JOURNAL_NEWER, "The terminal is of a newer version of this program: update it.")          \
    X(JOURNAL_DAMAGED, "The journal is damaged: restore it and synchronise.")                   \
    X(JOURNAL_BUSY, "Another program is using this terminal: try again in a moment.")           \
    X(JOURNAL_FULL, "The terminal's disk is full: nothing was begun.")                          \
    X(JOURNAL_IO, "The terminal's disk reports an error: nothing was begun.")                   \
    X(PERMISSION, "This user may not read and write the terminal's directory.")                 \
    X(MEMORY, "There is not enough memory.")                                                    \
    X(CRYPTO, "The crypto library failed.")                                                     \
    X(STOPPED, "Stopped as asked.")                                                             \
    X(INTERNAL, "The program used the terminal wrongly.")

enum stiver_terminal_status {
#define X(name, sentence) STIVER_TERMINAL_##name,
    STIVER_TERMINAL_STATUSES(X)
#undef X
        STIVER_TERMINAL_STATUS_COUNT
};

/* "BALANCE"; for logs and --json. */
const char *stiver_terminal_status_name(enum stiver_terminal_status status);

struct stiver_terminal_money {
    uint32_t minor;
    uint16_t currency;
};

/* ---- what a call tells ---- */

enum stiver_terminal_kind {
    STIVER_TERMINAL_PAYMENT = 0x01, /* the document kinds of scheme/document.h */
    STIVER_TERMINAL_LOAD = 0x02,
    STIVER_TERMINAL_REFUND = 0x03,
    STIVER_TERMINAL_UNLOAD = 0x04,
    STIVER_TERMINAL_BLOCK = 0x05,
};

#define STIVER_TERMINAL_RECEIPT_BYTES 161u

/* A verified receipt. */
struct stiver_terminal_receipt {
    enum stiver_terminal_kind kind;
    uint8_t card[8];
    uint32_t card_counter;
    uint32_t number; /* the terminal's own */
    struct stiver_terminal_money amount, balance_after;
    uint32_t points_change, points_after;
    uint32_t time;
    bool with_pin;
    uint8_t document[STIVER_TERMINAL_RECEIPT_BYTES];
};

#define STIVER_TERMINAL_DETAIL_BYTES 200u

struct stiver_terminal_result {
    enum stiver_terminal_status status;
    uint16_t word;       /* the card's last status word, 0: none; for logs, never for people */
    bool word_is_proven; /* it came authenticated, inside the channel */
    const char *command; /* the command that it answered ("PAY"), or NULL; static */
    int reader;          /* enum reader_status, when status is READER or UNFINISHED; else 0 */
    bool has_card;
    uint8_t card[8];
    uint32_t number; /* terminal number of the business, 0: none was used */
    struct stiver_terminal_money amount;
    bool has_balance;
    struct stiver_terminal_money balance, limit;
    unsigned tries; /* PIN tries left */
    uint32_t time;  /* that {date} speaks of */
    bool has_receipt;
    struct stiver_terminal_receipt receipt;
    char detail[STIVER_TERMINAL_DETAIL_BYTES]; /* the bank's or the reader's sentence */
};

/* The sentence for a person, complete and terminated; capacity 256 holds each. Never a status word.
 */
void stiver_terminal_sentence(const struct stiver_terminal_result *result, char *text,
                              size_t capacity);

/* What the library hands over; free it with stiver_terminal_bytes_free. */
struct stiver_terminal_bytes {
    uint8_t *data;
    size_t length;
};
void stiver_terminal_bytes_free(struct stiver_terminal_bytes *bytes);

/* ---- what everything is given ---- */

/* One exchange of the terminal with a card, after it ended. Plain texts are borrowed for the call;
 * a PIN in them stands as zeros. Where nothing was protected, plain and sent are the same. */
struct stiver_terminal_exchange {
    const char *command; /* "SELECT", "PAY" */
    const uint8_t *plain_command, *sent_command;
    size_t plain_command_bytes, sent_command_bytes;
    const uint8_t *plain_response, *received_response; /* with status word; 0 bytes: none came */
    size_t plain_response_bytes, received_response_bytes;
    bool is_protected;
};
typedef void stiver_terminal_trace(void *context, const struct stiver_terminal_exchange *exchange);

struct stiver_terminal_environment {
    uint32_t (*now)(void *context); /* NULL: the system's clock */
    void *clock_context;
    stiver_terminal_trace *trace; /* may be NULL */
    void *trace_context;
    bool journal_in_memory; /* the journal starts empty and dies with the handle: bench and tests */
};

/* ---- the directory ---- */

struct stiver_terminal;

#define STIVER_TERMINAL_REQUEST_BYTES 65u

/* Makes the directory (0700) if it is not there, the key (0600) and an empty journal in it, and
 * gives the ENROL request for the bank. EXISTS leaves what is there; PERMISSION, JOURNAL_FULL,
 * JOURNAL_IO, CRYPTO. */
enum stiver_terminal_status stiver_terminal_create(
    const char *directory, uint8_t request[STIVER_TERMINAL_REQUEST_BYTES]) STIVER_TERMINAL_CHECKED;

/* environment may be NULL, and is copied. *terminal is set only on OK. A terminal that is not
 * enrolled opens too. MISSING, KEY_DAMAGED, JOURNAL_*, PERMISSION: nothing is changed. directory
 * NULL with journal_in_memory: a new key as well, for bench and tests. */
enum stiver_terminal_status stiver_terminal_open(
    const char *directory, const struct stiver_terminal_environment *environment,
    struct stiver_terminal **terminal) STIVER_TERMINAL_CHECKED;
void stiver_terminal_close(struct stiver_terminal *terminal);

/* The ENROL request once more. */
void stiver_terminal_request(const struct stiver_terminal *terminal,
                             uint8_t request[STIVER_TERMINAL_REQUEST_BYTES]);

/* Takes the bank's package: terminal authority under the root, own certificate under it with our
 * key, card authorities under the root, list; stored whole or not at all. root_fingerprint:
 * SHA-256 over the expected root's key (X, Y), 32 bytes, or NULL to trust the package's, which is
 * then shown by stiver_terminal_info. A later package renews the certificate; it must be of the
 * same number and root. PACKAGE, PACKAGE_OLDER, ROOT_DIFFERS, LIST_FORGED. */
enum stiver_terminal_status stiver_terminal_adopt(
    struct stiver_terminal *terminal, const uint8_t *package, size_t package_bytes,
    const uint8_t *root_fingerprint) STIVER_TERMINAL_CHECKED;

struct stiver_terminal_info {
    bool is_of_earlier_format; /* its package: a new one must be adopted; then not enrolled */
    bool is_enrolled;          /* if not, all below but the counts is zero */
    bool is_in_doubt;
    uint8_t terminal[8];
    uint32_t scheme;
    uint8_t role; /* scheme/certificate.h, terminal_role */
    const char *role_name;
    uint16_t classes;
    uint32_t merchant;
    struct stiver_terminal_money limit; /* offline, a card */
    uint32_t certificate_start, certificate_end;
    uint8_t root_fingerprint[32];
    uint32_t list_sequence, list_start, list_end, list_count;
    uint32_t counter;          /* last terminal number used */
    uint32_t open_intents;     /* business not known to be finished */
    uint32_t to_upload;        /* entries that the bank has not answered */
    uint32_t known_cards;      /* cards that can be met the short way */
    uint32_t acknowledgements; /* carried for cards that may come by */
};
enum stiver_terminal_status stiver_terminal_info(
    struct stiver_terminal *terminal, struct stiver_terminal_info *info) STIVER_TERMINAL_CHECKED;

/* ---- a contact with a card ---- */

struct stiver_terminal_session;

/* Selects the purse, authenticates both ways (the short way if the two know each other), settles
 * this card's open business, and blocks the card if it is listed: CARD_BLOCKED, but for role bank,
 * which may still read the card's log. reader is borrowed until end. On anything but OK there is no
 * session, and nothing to end; the card may be taken away. Settled business is in the journal and,
 * until told, comes out of stiver_terminal_recovered. */
enum stiver_terminal_status stiver_terminal_begin(
    struct stiver_terminal *terminal, struct card_reader *reader,
    struct stiver_terminal_session **session,
    struct stiver_terminal_result *result) STIVER_TERMINAL_CHECKED;
/* NULL is allowed. The reader stays open. */
void stiver_terminal_end(struct stiver_terminal_session *session);

/* Commands sent so far, and bytes both ways. */
void stiver_terminal_count(const struct stiver_terminal_session *session, unsigned *apdus,
                           size_t *bytes);
/* The same of the terminal's last contact, also one that failed or ended. */
void stiver_terminal_last_count(const struct stiver_terminal *terminal, unsigned *apdus,
                                size_t *bytes);

/* Asks the person: digits (4 to 8) terminated, false to stop. tries: how many are left, 0 if that
 * is not known. digits is wiped by the library. */
typedef bool stiver_terminal_ask_pin(void *context, unsigned tries, char digits[9]);

struct stiver_terminal_sale {
    struct stiver_terminal_money amount;
    stiver_terminal_ask_pin *ask_pin; /* may be NULL: PIN_REQUIRED is then the answer */
    void *pin_context;
    /* A payment of this card and amount that broke off at most this long ago and turned out paid
     * is this sale (FINISHED_EARLIER, with its receipt, once). 0: 900 seconds. */
    uint32_t earlier_seconds;
    bool is_new; /* a new payment whatever was found */
};

/* Debits the card. OK: the receipt is verified and durable. UNFINISHED: it may or may not be paid;
 * the next contact with the card finds out. Anything else: not paid. After one of these the session
 * is good for reading only: a card makes one payment a power-up. */
enum stiver_terminal_status stiver_terminal_pay(
    struct stiver_terminal_session *session, const struct stiver_terminal_sale *sale,
    struct stiver_terminal_result *result) STIVER_TERMINAL_CHECKED;

/* How the terminal reaches its bank. answer gives fresh memory that release takes back, and returns
 * false if the bank could not be reached (then *answer is not set). */
struct stiver_terminal_link {
    void *context;
    bool (*answer)(void *context, const uint8_t *request, size_t request_bytes, uint8_t **answer,
                   size_t *answer_bytes);
    void (*release)(void *context, uint8_t *answer);
};

/* Credits the card with an order that the bank signs for it now. result->balance is the new one.
 * If an order for the card's next counter is out, the bank gives that one again. A load receipt of
 * this card that the bank does not have yet is brought home first: synchronise. */
enum stiver_terminal_status stiver_terminal_load(
    struct stiver_terminal_session *session, struct stiver_terminal_money amount,
    const struct stiver_terminal_link *link,
    struct stiver_terminal_result *result) STIVER_TERMINAL_CHECKED;

/* An order message of the bank for this card that moves no money (policy, acknowledgement). */
enum stiver_terminal_status stiver_terminal_apply(
    struct stiver_terminal_session *session, const uint8_t *order, size_t order_bytes,
    struct stiver_terminal_result *result) STIVER_TERMINAL_CHECKED;

struct stiver_terminal_purse {
    struct stiver_terminal_money balance;
    uint32_t points;
    uint32_t card_counter, load_counter, refund_counter;
    uint32_t highest_time;
    unsigned pin_tries, free_slots;
    uint8_t state; /* scheme/command.h, purse_state */
};
enum stiver_terminal_status stiver_terminal_read(
    struct stiver_terminal_session *session, struct stiver_terminal_purse *purse,
    struct stiver_terminal_result *result) STIVER_TERMINAL_CHECKED;

/* The card's own log, newest first, at most most entries; roles desk and bank; of a blocked card
 * role bank alone, others hear CARD_BLOCKED. Receipts are verified under the card's key. visit
 * returns false to stop. */
typedef bool stiver_terminal_receipt_visit(void *context,
                                           const struct stiver_terminal_receipt *receipt);
enum stiver_terminal_status stiver_terminal_log(
    struct stiver_terminal_session *session, unsigned most, stiver_terminal_receipt_visit *visit,
    void *context, struct stiver_terminal_result *result) STIVER_TERMINAL_CHECKED;

enum stiver_terminal_status stiver_terminal_change_pin(
    struct stiver_terminal_session *session, const char *old_digits, const char *new_digits,
    struct stiver_terminal_result *result) STIVER_TERMINAL_CHECKED;

/* What the card says in the clear, whatever card it is; needs no enrolment. state: purse_state;
 * NOT_THIS_KIND leaves the card alone. serial: zeros unless blank. */
struct stiver_terminal_card_state {
    uint8_t state, protocol_version;
    uint32_t firmware, scheme;
    uint8_t serial[8];
};
enum stiver_terminal_status stiver_terminal_card_state(
    struct stiver_terminal *terminal, struct card_reader *reader,
    struct stiver_terminal_card_state *state,
    struct stiver_terminal_result *result) STIVER_TERMINAL_CHECKED;

/* ---- personalisation (role station) ---- */

struct stiver_terminal_personalisation {
    const struct stiver_terminal_link *link;
    /* Given the PIN, terminated, for the PIN letter, before the card is issued; called again if
     * the step is repeated. false: stop here (STOPPED); the card can be taken up again later. */
    bool (*pin_letter)(void *context, const uint8_t card[8], const char *pin);
    void *pin_context;
    /* May be NULL: told each step done ("keys made", "certified", "policy", "PIN read", "issued").
     */
    void (*step)(void *context, const char *step);
    void *step_context;
};

/* Takes a card from wherever it stands (blank, or personalised and not issued) to issued. After a
 * tear the same call goes on. CARD_ISSUED if there is nothing to do. result->card is its number. */
enum stiver_terminal_status stiver_terminal_personalise(
    struct stiver_terminal *terminal, struct card_reader *reader,
    const struct stiver_terminal_personalisation *with,
    struct stiver_terminal_result *result) STIVER_TERMINAL_CHECKED;

/* ---- the journal ---- */

enum stiver_terminal_entry_state {
    STIVER_TERMINAL_OPEN = 0,
    STIVER_TERMINAL_FINISHED = 1,  /* there is a receipt */
    STIVER_TERMINAL_REJECTED = 2,  /* the card refused, provably */
    STIVER_TERMINAL_ABANDONED = 3, /* ended without receipt, for good */
};

struct stiver_terminal_entry {
    uint32_t number;
    enum stiver_terminal_kind kind;
    enum stiver_terminal_entry_state state;
    uint8_t card[8];
    struct stiver_terminal_money amount;
    uint32_t time;
    bool is_recovered;     /* its end was found at a later contact */
    bool is_uploaded;      /* the bank answered */
    uint8_t upload_result; /* scheme/link.h, upload_result */
    bool has_receipt;
    struct stiver_terminal_receipt receipt;
};
typedef bool stiver_terminal_entry_visit(void *context, const struct stiver_terminal_entry *entry);

/* All entries by number, from first on. visit returns false to stop, and must not use terminal. */
enum stiver_terminal_status stiver_terminal_entries(struct stiver_terminal *terminal,
                                                    uint32_t first,
                                                    stiver_terminal_entry_visit *visit,
                                                    void *context) STIVER_TERMINAL_CHECKED;

/* Business that contacts settled since this was asked last; each is told once. */
enum stiver_terminal_status stiver_terminal_recovered(struct stiver_terminal *terminal,
                                                      stiver_terminal_entry_visit *visit,
                                                      void *context) STIVER_TERMINAL_CHECKED;

/* A contact for recovery alone: begin, and end. visit as stiver_terminal_recovered. */
enum stiver_terminal_status stiver_terminal_recover(
    struct stiver_terminal *terminal, struct card_reader *reader,
    stiver_terminal_entry_visit *visit, void *context,
    struct stiver_terminal_result *result) STIVER_TERMINAL_CHECKED;

/* Ends an open business without its receipt, for good: a receipt found later is not kept, the
 * holder is credited by the bank. UNKNOWN_NUMBER. */
enum stiver_terminal_status stiver_terminal_give_up(struct stiver_terminal *terminal,
                                                    uint32_t number) STIVER_TERMINAL_CHECKED;

/* The journal was restored from a copy, or may have been: no money moves until the bank has named
 * the highest number that it saw. */
enum stiver_terminal_status stiver_terminal_doubt(struct stiver_terminal *terminal)
    STIVER_TERMINAL_CHECKED;

/* ---- synchronisation ---- */

struct stiver_terminal_sync {
    unsigned rounds;                              /* uploads answered */
    unsigned booked, already, suspense, rejected; /* entries, by the bank's word */
    unsigned acknowledgements;                    /* taken, to be carried to cards */
    /* A certificate under an authority that this terminal does not know is left out: after the
     * bank renewed its terminal authority, a package has to be adopted. */
    bool new_list, new_certificate;
    uint32_t left; /* entries still to upload */
};

/* The request for the bank: the same one until its answer was taken. It is made also when there is
 * nothing to bring, for list, certificate and acknowledgements. */
enum stiver_terminal_status stiver_terminal_upload_make(struct stiver_terminal *terminal,
                                                        struct stiver_terminal_bytes *request)
    STIVER_TERMINAL_CHECKED;
/* Verifies and takes the answer, whole or not at all; adds to *sync. An answer taken before is OK
 * and changes nothing. detail (STIVER_TERMINAL_DETAIL_BYTES, may be NULL) gets the bank's words on
 * BANK_REFUSED and BANK_RETRY. */
enum stiver_terminal_status stiver_terminal_upload_take(struct stiver_terminal *terminal,
                                                        const uint8_t *answer, size_t answer_bytes,
                                                        struct stiver_terminal_sync *sync,
                                                        char *detail) STIVER_TERMINAL_CHECKED;
/* Uploads over a link until nothing is left. *sync is zeroed first. */
enum stiver_terminal_status stiver_terminal_synchronise(struct stiver_terminal *terminal,
                                                        const struct stiver_terminal_link *link,
                                                        struct stiver_terminal_sync *sync,
                                                        char *detail) STIVER_TERMINAL_CHECKED;

#endif
