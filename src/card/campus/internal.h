/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the campus purse share: its states, its records, and its signatures. */
#ifndef CARD_CAMPUS_INTERNAL_H
#define CARD_CAMPUS_INTERNAL_H

#include "card/campus/campus.h"
#include "crypto/rsa.h"
#include "scheme/campus.h"

_Static_assert(RSA_BYTES == CAMPUS_RSA_BYTES, "one size of keys");

/* The protocol counts cents and names no currency. */
#define CAMPUS_CURRENCY 0u

/* What CAMPUS_COUNTER_MAX is for counters, for amounts: a date after January 2004 is above this. */
#define CAMPUS_PLAIN_MAX CAMPUS_COUNTER_MAX

/* ---- states ---- */

/* The first three last; from INIT on they live until power-off (SELECT changes nothing), as
 * published, with two differences: a received amount remembers whether it is to be loaded or paid,
 * so that the table alone keeps a terminal of one kind from the commands of the other; and before
 * personalisation has ended the others are not there. */
enum campus_state {
    CAMPUS_FRESH = 0,     /* no keys */
    CAMPUS_KEYED,         /* keys made, back end's key known */
    CAMPUS_NAMED,         /* number and expiry known */
    CAMPUS_INIT,          /* as published: 0 */
    CAMPUS_MET,           /* 1 */
    CAMPUS_KEYS_KNOWN,    /* 2 */
    CAMPUS_CERTIFIED,     /* 3 */
    CAMPUS_AUTHENTICATED, /* 4 */
    CAMPUS_LOAD_AMOUNT,   /* 5, at a reload terminal */
    CAMPUS_PAY_AMOUNT,    /* 5, at a point of sale */
    CAMPUS_LOAD_SIGNED,   /* 6 */
    CAMPUS_FINISHED,      /* 7 */
    CAMPUS_STATES,
};

enum campus_states {
    C_FRESH = 1 << CAMPUS_FRESH,
    C_KEYED = 1 << CAMPUS_KEYED,
    C_NAMED = 1 << CAMPUS_NAMED,
    C_OPEN = C_FRESH | C_KEYED | C_NAMED,
    C_INIT = 1 << CAMPUS_INIT,
    C_MET = 1 << CAMPUS_MET,
    C_KEYS_KNOWN = 1 << CAMPUS_KEYS_KNOWN,
    C_CERTIFIED = 1 << CAMPUS_CERTIFIED,
    C_AUTHENTICATED = 1 << CAMPUS_AUTHENTICATED,
    C_LOAD_AMOUNT = 1 << CAMPUS_LOAD_AMOUNT,
    C_PAY_AMOUNT = 1 << CAMPUS_PAY_AMOUNT,
    C_LOAD_SIGNED = 1 << CAMPUS_LOAD_SIGNED,
    C_FINISHED = 1 << CAMPUS_FINISHED,
    C_KNOWN = C_AUTHENTICATED | C_LOAD_AMOUNT | C_PAY_AMOUNT | C_LOAD_SIGNED | C_FINISHED,
};

/* ---- records of OWNER_CAMPUS in the tear-safe memory ---- */

enum campus_record {
    CAMPUS_RECORD_LEDGER = 0x01,
    CAMPUS_RECORD_PUBLIC = 0x02,      /* back end's modulus 256 | the card's 256 */
    CAMPUS_RECORD_PRIVATE = 0x03,     /* the card's key in DER, its first half */
    CAMPUS_RECORD_PRIVATE_END = 0x04, /* and the rest of it */
    CAMPUS_RECORD_CERTIFICATE = 0x05, /* the back end's signature 256 */
    CAMPUS_RECORD_RECEIPT = 0x06,     /* signature of the newest log entry 256 */
    CAMPUS_RECORD_LOG = 0x07,         /* entries, newest first */
};
#define CAMPUS_RECORD_VERSION 1u
#define CAMPUS_PUBLIC_BYTES (2u * RSA_BYTES)

/* All that the campus purse must not forget, keys and log apart. */
struct campus_ledger {
    enum campus_state stage; /* FRESH, KEYED, NAMED; INIT once personalised, for ever */
    bool is_blocked;
    uint32_t id, end; /* of the card's certificate */
    uint32_t counter; /* the last one used */
    struct money balance;
    uint32_t last_seen; /* the latest time that an authenticated terminal named */
};
/* stage 1 | is blocked 1 | id 4 | end 4 | counter 4 | balance 4 | last seen 4 */
#define CAMPUS_LEDGER_BYTES 22u

#define CAMPUS_LOG_BYTES (CAMPUS_LOG_ENTRIES * CAMPUS_ENTRY_BYTES)

/* The committed ledger, and what lives no longer than the power. */
struct campus {
    struct campus_ledger ledger;
    enum campus_state state; /* INIT to FINISHED */
    uint8_t kind;            /* of the terminal, once its certificate was verified */
    uint32_t terminal, terminal_end, terminal_counter, time;
    uint32_t amount;
    uint8_t terminal_key[RSA_BYTES];
};

_Static_assert(sizeof(struct campus) <= STIVER_SECOND_BYTES, "struct campus is too large");

struct campus *campus_of(struct card *card);
const struct campus *campus_view(const struct card *card);

/* ---- ledger.c ---- */

void campus_ledger_encode(const struct campus_ledger *ledger, uint8_t out[CAMPUS_LEDGER_BYTES]);
bool campus_ledger_decode(const uint8_t *bytes, size_t length,
                          struct campus_ledger *ledger) SCHEME_CHECKED;
/* Reads a record of exactly bytes. NOT_THERE, or MEMORY (also for another length). */
enum status campus_read(struct card *card, enum campus_record record, uint8_t *out,
                        size_t bytes) SCHEME_CHECKED;
enum status campus_put(struct card *card, enum campus_record record, const uint8_t *data,
                       size_t bytes) SCHEME_CHECKED;
/* The log's entries as they are; *bytes is 0 before the first. MEMORY. */
enum status campus_log_read(struct card *card, uint8_t out[CAMPUS_LOG_BYTES],
                            size_t *bytes) SCHEME_CHECKED;
/* Puts the ledger into the open transaction and commits it; afterwards it is what the card holds.
 */
enum status campus_commit(struct card *card, const struct campus_ledger *next) SCHEME_CHECKED;
/* One transaction of the ledger alone. */
enum status campus_ledger_commit(struct card *card,
                                 const struct campus_ledger *next) SCHEME_CHECKED;
/* One transaction of the ledger, a new newest entry and its signature. */
enum status campus_receipt_commit(struct card *card, const struct campus_ledger *next,
                                  const struct campus_entry *entry,
                                  const uint8_t signature[RSA_BYTES]) SCHEME_CHECKED;
/* One transaction of the ledger and the newest entry, which changes. */
enum status campus_entry_commit(struct card *card, const struct campus_ledger *next,
                                const struct campus_entry *entry) SCHEME_CHECKED;
/* Blocks the campus purse for ever, with this counter. STATE once that is committed, so that the
 * command is refused; else MEMORY. */
enum status campus_end(struct card *card) SCHEME_CHECKED;

/* ---- sign.c ---- */

/* P1 and the data: the 256 bytes that a VALUE row sends. */
void campus_value(const struct apdu_command *command, uint8_t value[RSA_BYTES]);
/* Signs numbers in a row, 4 bytes each, with the card's key. */
enum status campus_sign(struct card *card, const uint32_t *numbers, size_t count,
                        uint8_t signature[RSA_BYTES]) SCHEME_CHECKED;
/* OK if the command's value signs these numbers with the terminal's key, SECURITY if not. */
enum status campus_verify(const struct campus *campus, const uint32_t *numbers, size_t count,
                          const struct apdu_command *command) SCHEME_CHECKED;
/* OK if signature is the back end's over a certificate of these fields, SECURITY if not. */
enum status campus_verify_certificate(const uint8_t back_end[RSA_BYTES], uint32_t id, uint32_t end,
                                      const uint8_t key[RSA_BYTES], uint8_t usage,
                                      const uint8_t signature[RSA_BYTES]) SCHEME_CHECKED;
/* The time by which documents are judged: the terminal's, unless the card has seen a later one. */
uint32_t campus_now(const struct campus *campus);

/* ---- handlers, and the table (commands.def) ---- */

enum campus_command {
#define X(name, handler, text, ins, rule, p1, lc, answer_bytes, states) CAMPUS_##name,
#include "card/campus/commands.def"
#undef X
    CAMPUS_COMMANDS
};

#define X(name, handler, text, ins, rule, p1, lc, answer_bytes, states) \
    enum status campus_##handler(struct card *, const struct apdu_command *, struct writer *);
#include "card/campus/commands.def"
#undef X

#endif
