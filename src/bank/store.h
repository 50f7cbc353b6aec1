/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bank asks of its storage, in business words. An engine (src/store) fills the table of
 * verbs; the bank never sees SQL, the engine never decides.
 *
 * Everything that changes something happens inside transact(), which owns begin, commit and retry;
 * reads may stand alone. find and newest answer STORE_NONE when there is nothing; add answers
 * STORE_DUPLICATE when the key is taken. Records are copied in and out. Visits go in the order of
 * their key, end at the first answer that is not STORE_OK, and must not start a visit of the same
 * kind. Documents and postings are never changed and never removed.
 */
#ifndef BANK_STORE_H
#define BANK_STORE_H

#include <stiver/bank.h>

#include "scheme/certificate.h"
#include "scheme/link.h"
#include "scheme/order.h"
#include "scheme/receipt.h"

enum store_status {
    STORE_OK = 0,
    STORE_NONE,
    STORE_DUPLICATE,
    STORE_RETRY,   /* another program is in the way; transact() has tried some times */
    STORE_ABORTED, /* the work itself asked for it; nothing was kept */
    STORE_FULL,
    STORE_DAMAGED,
    STORE_NOT_A_STORE,
    STORE_NEWER,
    STORE_PERMISSION,
    STORE_IO,
    STORE_MEMORY,
    STORE_INTERNAL,
};

#define STORE_CHECKED __attribute__((warn_unused_result))

#define SEAL_OVERHEAD_BYTES 28u /* AES-256-GCM: nonce 12, tag 16 */
#define SEALED_KEY_BYTES (AES_KEY_BYTES + SEAL_OVERHEAD_BYTES)
#define SEALED_SCALAR_BYTES (PRIVATE_KEY_BYTES + SEAL_OVERHEAD_BYTES)

/* Bytes of any length that a verb hands over; free() them. */
struct store_blob {
    uint8_t *data;
    size_t bytes;
};

struct settings_record {
    char name[STIVER_BANK_NAME_BYTES];
    uint32_t scheme;
    uint16_t currency;
    bool is_test;
    uint32_t largest; /* of one load or refund order, minor units */
    uint8_t root_key[PUBLIC_KEY_BYTES];
    uint8_t link_key[PUBLIC_KEY_BYTES];
    struct policy policy;
    uint32_t policy_number;
};

enum sequence {
    SEQUENCE_SERIAL = 1, /* of certificates */
    SEQUENCE_AUTHORITY,  /* ids of authorities and working keys; 1 is the root's */
    SEQUENCE_ROOT_ORDER,
    SEQUENCE_LIST,
};

struct key_record {
    enum stiver_bank_key key;
    uint32_t generation;
    uint32_t id;
    uint32_t start, end;
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint8_t certificate[CERTIFICATE_BYTES_MAX]; /* none for root and link */
    size_t certificate_bytes;
};

/* All that came or went and can mean money, in the order in which it did. Signed by whom:
 * the certificate's authority, the bank, the card, or (the last five) nobody. */
enum document_type {
    RECORD_CERTIFICATE = 1, /* 7F21, of any type */
    RECORD_ORDER,           /* message; terminal: whose till funds a load */
    RECORD_RECEIPT,         /* receipt document; terminal: who brought it */
    RECORD_STATEMENT,       /* a card's key statement */
    RECORD_LIST,            /* head message */
    RECORD_KEPT,            /* hash 32 of a receipt that its own terminal brought after another; of
                             * one that met another's card counter, the signature apart */
    RECORD_ABANDONED,       /* card 8 | terminal counter 4 | kind 1; terminal: who says so */
    RECORD_FUND,            /* amount 4 | currency 2 | reference; terminal: whose till */
    RECORD_CARD_LISTED,     /* card 8 | reason 1 */
    RECORD_TERMINAL_LISTED, /* empty; terminal: which */
    /* Of the campus purse (docs/campus.md); terminal: its ID in the last four bytes. The key, what
     * a terminal is registered as and the last five are signed by nobody. */
    RECORD_CAMPUS_KEY,         /* modulus 256: of the back end */
    RECORD_CAMPUS_TERMINAL,    /* role 1 | merchant 4 | credit 4 | modulus 256 */
    RECORD_CAMPUS_CERTIFICATE, /* start 4 | what it signs 265 | signature 256 */
    RECORD_CAMPUS_RECEIPT,     /* outcome 1 | S4's text 20 | signature 256 */
    RECORD_CAMPUS_SECOND,      /* S4's text 20 | signature 256, of a counter that was taken */
    RECORD_CAMPUS_BLOCK,       /* card 4 | terminal's counter 4 | its end 4 | time 4 | proof 256 */
    RECORD_CAMPUS_LIST,        /* the file */
    RECORD_CAMPUS_OUTCOME,     /* card 4 | counter 4 | outcome 1; terminal: who says so */
    RECORD_CAMPUS_DECISION,    /* card 4 | counter 4 | was credited 1 */
    RECORD_CAMPUS_FUND,        /* amount 4 | currency 2 | reference */
    RECORD_CAMPUS_CARD_LISTED, /* card 4 | time 4 */
    RECORD_CAMPUS_TERMINAL_LISTED, /* empty */
};

struct document_record {
    int64_t id;
    enum document_type type;
    uint8_t terminal[TERMINAL_NUMBER_BYTES]; /* zeros: none */
    uint32_t time;                           /* the bank's clock */
    uint8_t hash[SHA256_BYTES];
    const uint8_t *bytes; /* borrowed */
    size_t length;
};

struct stock_record {
    uint8_t serial[SERIAL_BYTES];
    enum card_class card_class;
    uint8_t sealed_key[SEALED_KEY_BYTES];
    bool is_pending; /* a station asked; what follows is set */
    uint8_t nonce[NONCE_BYTES];
    uint8_t ephemeral_key[PUBLIC_KEY_BYTES];
    uint8_t sealed_ephemeral[SEALED_SCALAR_BYTES];
    uint8_t anchors_hash[SHA256_BYTES];
};

struct card_record {
    uint8_t card[CARD_NUMBER_BYTES];
    uint8_t serial[SERIAL_BYTES];
    enum card_class card_class;
    uint8_t channel_key[PUBLIC_KEY_BYTES];
    uint8_t receipt_key[PUBLIC_KEY_BYTES];
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    size_t certificate_bytes;
    uint32_t certified, end;
    uint32_t counter;       /* highest that came */
    uint32_t received;      /* how many different ones came */
    uint32_t up_to;         /* all up to this one came */
    int64_t balance;        /* shadow: what booked receipts added and took, minor units */
    uint32_t reason;        /* stiver_bank_reason; 0: not listed */
    uint32_t listed;        /* when first; 0: never */
    uint32_t block_counter; /* of its block receipt; 0: none came */
    bool loads_stopped;
    uint32_t order_number; /* of its last order, of any kind */
};

struct terminal_record {
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint8_t key[PUBLIC_KEY_BYTES];
    enum terminal_role role;
    uint16_t classes;
    uint32_t merchant;
    uint32_t limit, credit; /* minor units */
    uint32_t counter;       /* highest of its numbers that came */
    uint32_t listed;        /* 0: no */
};

struct terminal_certificate_record {
    uint8_t fingerprint[HOST_ID_BYTES];
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint32_t start, end;
    uint32_t merchant, limit;
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    size_t certificate_bytes;
};

enum account_kind {
    ACCOUNT_FLOAT = 1,
    ACCOUNT_IN_FLIGHT,
    ACCOUNT_MERCHANT, /* owner: merchant number */
    ACCOUNT_TILL,     /* owner: terminal number */
    ACCOUNT_FEES,
    ACCOUNT_LOSS,
    ACCOUNT_SUSPENSE,
    ACCOUNT_OWED,
    ACCOUNT_CASH,
    ACCOUNT_CAMPUS_FLOAT,
    ACCOUNT_CAMPUS_IN_FLIGHT,
    ACCOUNT_CAMPUS_MERCHANT, /* owner: merchant number */
    ACCOUNT_CAMPUS_TILL,     /* owner: terminal's ID */
    ACCOUNT_CAMPUS_SUSPENSE,
    ACCOUNT_CAMPUS_OWED,
    ACCOUNT_CAMPUS_CASH,
};

struct account {
    enum account_kind kind;
    uint64_t owner; /* 0 where there is one account of the kind */
};

enum order_state {
    ORDER_OPEN = 1, /* out: its money is in flight */
    ORDER_TAKEN,
    ORDER_UNDONE,
};

/* A load or refund order and, if one was issued, the zero-amount order that undoes it. */
struct order_record {
    enum document_kind kind; /* DOCUMENT_LOAD_ORDER or DOCUMENT_REFUND_ORDER */
    uint8_t card[CARD_NUMBER_BYTES];
    uint32_t counter;
    uint32_t number;
    uint32_t amount; /* minor units */
    enum order_state state;
    struct account source;
    uint32_t payment_counter; /* refund */
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    size_t message_bytes;
    uint32_t undo_number; /* 0: none issued */
    uint8_t undo[ORDER_MESSAGE_BYTES_MAX];
    size_t undo_bytes;
};

enum receipt_state {
    RECEIPT_BOOKED = 1,
    RECEIPT_FOREIGN,  /* in suspense until its own terminal speaks */
    RECEIPT_SUSPENSE, /* in suspense until a person decides */
    RECEIPT_OWED,     /* given up by its terminal: owed to the holder */
    RECEIPT_UNBOOKED, /* evidence alone: a load that nobody ordered, an impossible receipt */
};

/* The first receipt that came with its card counter. */
struct receipt_record {
    uint8_t card[CARD_NUMBER_BYTES];
    uint32_t counter;
    enum document_kind kind;
    enum receipt_state state;
    uint8_t hash[SHA256_BYTES];
    int64_t document;
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint32_t terminal_counter;
    uint32_t merchant;
    uint32_t amount, balance_after; /* minor units */
};

/* A valid receipt whose card counter another one had taken before. */
struct conflict_record {
    uint8_t hash[SHA256_BYTES]; /* of what is signed, the signature apart */
    uint8_t card[CARD_NUMBER_BYTES];
    uint32_t counter;
    uint8_t fingerprint[HOST_ID_BYTES];
    int64_t document;
    uint32_t paid; /* from the loss account, minor units */
};

/* One transfer: the two sides of a double entry in one row, so that it cannot fail to balance. */
struct posting_record {
    int64_t id;
    int64_t document; /* why */
    struct account from, to;
    uint8_t card[CARD_NUMBER_BYTES]; /* zeros: none */
    int64_t amount;                  /* minor units, above 0 */
    uint32_t time;
};

struct alarm_record {
    uint32_t time;
    uint8_t card[CARD_NUMBER_BYTES], terminal[TERMINAL_NUMBER_BYTES]; /* zeros: none */
    char text[160];
};

struct answer_record {
    uint8_t terminal[TERMINAL_NUMBER_BYTES];
    uint8_t id[LINK_ID_BYTES];
    uint8_t request_hash[SHA256_BYTES];
    uint32_t time;
};

struct list_record {
    uint32_t sequence;
    uint32_t start, end;
    uint32_t count;
};

struct store;
typedef enum store_status store_work(void *context);
#define STORE_VISIT(noun) \
    typedef enum store_status noun##_visit(void *, const struct noun##_record *)
STORE_VISIT(key);
STORE_VISIT(document);
STORE_VISIT(card);
STORE_VISIT(terminal);
STORE_VISIT(receipt);
STORE_VISIT(posting);
STORE_VISIT(alarm);
typedef enum store_status account_visit(void *, const struct account *, int64_t balance);

/* The verbs. Every one but close answers a store_status. */
struct store_verbs {
    void (*close)(struct store *);
    /* Runs work in a transaction and commits it if it answers STORE_OK; again from its beginning
     * after STORE_RETRY, so work must not remember an earlier run. */
    enum store_status (*transact)(struct store *, store_work *work, void *context);
    /* The storage's own check of its structure. */
    enum store_status (*check)(struct store *);

    enum store_status (*settings_put)(struct store *, const struct settings_record *);
    enum store_status (*settings_get)(struct store *, struct settings_record *);
    enum store_status (*sequence_next)(struct store *, enum sequence, uint32_t *value);
    enum store_status (*key_add)(struct store *, const struct key_record *);
    enum store_status (*keys)(struct store *, key_visit *, void *);

    enum store_status (*document_add)(struct store *, struct document_record *); /* sets id */
    enum store_status (*documents)(struct store *, document_visit *, void *);
    /* The first document of this type with this hash. */
    enum store_status (*document_find)(struct store *, enum document_type,
                                       const uint8_t hash[SHA256_BYTES], int64_t *id,
                                       struct store_blob *);

    enum store_status (*stock_add)(struct store *, const struct stock_record *);
    enum store_status (*stock_update)(struct store *, const struct stock_record *);
    enum store_status (*stock_find)(struct store *, const uint8_t serial[SERIAL_BYTES],
                                    struct stock_record *);
    enum store_status (*card_add)(struct store *, const struct card_record *);
    enum store_status (*card_update)(struct store *, const struct card_record *);
    enum store_status (*card_find)(struct store *, const uint8_t card[CARD_NUMBER_BYTES],
                                   struct card_record *);
    enum store_status (*card_of_serial)(struct store *, const uint8_t serial[SERIAL_BYTES],
                                        struct card_record *);
    enum store_status (*cards)(struct store *, card_visit *, void *);

    enum store_status (*terminal_add)(struct store *, const struct terminal_record *);
    enum store_status (*terminal_update)(struct store *, const struct terminal_record *);
    enum store_status (*terminal_find)(struct store *,
                                       const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                       struct terminal_record *);
    enum store_status (*terminals)(struct store *, terminal_visit *, void *);
    enum store_status (*terminal_certificate_add)(struct store *,
                                                  const struct terminal_certificate_record *);
    enum store_status (*terminal_certificate_find)(struct store *,
                                                   const uint8_t fingerprint[HOST_ID_BYTES],
                                                   struct terminal_certificate_record *);
    /* The one that ends last. */
    enum store_status (*terminal_certificate_newest)(struct store *,
                                                     const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                                     struct terminal_certificate_record *);

    enum store_status (*order_add)(struct store *, const struct order_record *);
    enum store_status (*order_update)(struct store *, const struct order_record *);
    enum store_status (*order_find)(struct store *, enum document_kind,
                                    const uint8_t card[CARD_NUMBER_BYTES], uint32_t counter,
                                    struct order_record *);
    /* Orders of this kind that are open, counters above the given one included. */
    enum store_status (*order_open)(struct store *, enum document_kind,
                                    const uint8_t card[CARD_NUMBER_BYTES], struct order_record *);
    /* Sum of what refunds of one payment took from its merchant (undone ones left out). */
    enum store_status (*refunded)(struct store *, const uint8_t card[CARD_NUMBER_BYTES],
                                  uint32_t payment_counter, int64_t *sum);

    enum store_status (*receipt_add)(struct store *, const struct receipt_record *);
    enum store_status (*receipt_update)(struct store *, const struct receipt_record *);
    enum store_status (*receipt_find)(struct store *, const uint8_t card[CARD_NUMBER_BYTES],
                                      uint32_t counter, struct receipt_record *);
    /* A receipt that names this terminal and number; of several, the first that came. */
    enum store_status (*receipt_of_terminal)(struct store *,
                                             const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                             uint32_t terminal_counter, struct receipt_record *);
    /* A card's receipts with counters above the given one, ascending. */
    enum store_status (*receipts_above)(struct store *, const uint8_t card[CARD_NUMBER_BYTES],
                                        uint32_t counter, receipt_visit *, void *);
    enum store_status (*receipts)(struct store *, receipt_visit *, void *);
    enum store_status (*conflict_add)(struct store *, const struct conflict_record *);
    enum store_status (*conflict_find)(struct store *, const uint8_t hash[SHA256_BYTES],
                                       struct conflict_record *);
    /* What was paid. */
    enum store_status (*conflict_update)(struct store *, const struct conflict_record *);
    /* Whether a conflict under this terminal certificate was paid. */
    enum store_status (*conflict_paid)(struct store *, const uint8_t fingerprint[HOST_ID_BYTES],
                                       bool *paid);
    enum store_status (*abandoned_add)(struct store *,
                                       const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                       uint32_t terminal_counter,
                                       const uint8_t card[CARD_NUMBER_BYTES]);
    enum store_status (*abandoned_find)(struct store *,
                                        const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                        uint32_t terminal_counter, uint8_t card[CARD_NUMBER_BYTES]);

    enum store_status (*posting_add)(struct store *, const struct posting_record *);
    enum store_status (*postings)(struct store *, posting_visit *, void *);
    enum store_status (*balance)(struct store *, const struct account *, int64_t *sum);
    enum store_status (*accounts)(struct store *, account_visit *, void *);
    enum store_status (*fund_add)(struct store *, const char *reference,
                                  const uint8_t terminal[TERMINAL_NUMBER_BYTES], uint32_t amount);
    enum store_status (*fund_find)(struct store *, const char *reference,
                                   uint8_t terminal[TERMINAL_NUMBER_BYTES], uint32_t *amount);

    enum store_status (*alarm_add)(struct store *, const struct alarm_record *);
    enum store_status (*alarms)(struct store *, alarm_visit *, void *);
    enum store_status (*answer_add)(struct store *, const struct answer_record *,
                                    const uint8_t *answer, size_t bytes);
    enum store_status (*answer_find)(struct store *, const uint8_t terminal[TERMINAL_NUMBER_BYTES],
                                     const uint8_t id[LINK_ID_BYTES], struct answer_record *,
                                     struct store_blob *answer);
    enum store_status (*list_add)(struct store *, const struct list_record *, const uint8_t *file,
                                  size_t bytes);
    enum store_status (*list_newest)(struct store *, struct list_record *, struct store_blob *file);
};

struct campus_verbs; /* bank/campus_store.h */
struct store {
    const struct store_verbs *verbs;
    const struct campus_verbs *campus;
};

/* How an engine opens the records of a bank. */
struct stiver_store_engine {
    /* is_new: makes them in a directory that has none. *store is set only on STORE_OK; its owner
     * calls close. */
    enum store_status (*open)(const char *directory, bool is_new, struct store **store);
};

#endif
