/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bank asks of its storage for the campus purse: a table of verbs beside bank/store.h's,
 * with the same rules. Documents, postings and alarms are those of the whole bank.
 */
#ifndef BANK_CAMPUS_STORE_H
#define BANK_CAMPUS_STORE_H

#include "bank/store.h"
#include "scheme/campus_link.h"

struct campus_terminal_record {
    uint32_t id;
    enum campus_role role;
    uint8_t modulus[CAMPUS_RSA_BYTES];
    uint32_t merchant, credit;
    uint32_t end;    /* of its newest certificate; a station's enrolment */
    uint32_t listed; /* when; 0: it is not */
};

/* From when to when a terminal was certified. */
struct campus_term_record {
    uint32_t terminal, start, end;
    uint8_t signature[CAMPUS_RSA_BYTES]; /* of the certificate; a station's: zeros */
};

struct campus_card_record {
    uint32_t id, end;
    uint32_t station;  /* that it was drawn for; 0: it was registered as it stood */
    bool is_certified; /* false: the ID alone is given away; what follows is zero */
    uint8_t modulus[CAMPUS_RSA_BYTES];
    uint8_t signature[CAMPUS_RSA_BYTES];
    uint32_t counter;         /* highest in a receipt that came */
    int64_t shadow;           /* what booked receipts added and took, minor units */
    uint32_t listed, blocked; /* when; 0: never */
};

enum campus_receipt_state {
    CAMPUS_RECEIPT_BOOKED = 1, /* the merchant, or the float, has it */
    CAMPUS_RECEIPT_OPEN,       /* a load that nobody knows of yet: in flight */
    CAMPUS_RECEIPT_NOT_DONE,   /* a load that never came: no money moved */
    CAMPUS_RECEIPT_OWED,       /* to the holder */
    CAMPUS_RECEIPT_SUSPENSE,   /* a payment that a person has to look at */
};

/* The first receipt that came with its card counter. */
struct campus_receipt_record {
    uint32_t card, counter, terminal, amount, time;
    bool is_load;
    bool is_suspect; /* its circumstances are wrong: its other side is suspense */
    bool is_decided; /* by a person */
    enum campus_receipt_state state;
    int64_t document;
};

struct campus_list_record {
    uint64_t end_ms;
    uint32_t time; /* when it was signed */
    uint32_t count;
};

STORE_VISIT(campus_terminal);
STORE_VISIT(campus_card);
STORE_VISIT(campus_receipt);

struct campus_verbs {
    /* The back end's modulus; STORE_NONE: the campus purse is off. */
    enum store_status (*key_add)(struct store *, const uint8_t modulus[CAMPUS_RSA_BYTES]);
    enum store_status (*key_get)(struct store *, uint8_t modulus[CAMPUS_RSA_BYTES]);

    enum store_status (*terminal_add)(struct store *, const struct campus_terminal_record *);
    /* End and listing; nothing else changes. */
    enum store_status (*terminal_update)(struct store *, const struct campus_terminal_record *);
    enum store_status (*terminal_find)(struct store *, uint32_t id,
                                       struct campus_terminal_record *);
    enum store_status (*terminals)(struct store *, campus_terminal_visit *, void *);
    enum store_status (*term_add)(struct store *, const struct campus_term_record *);
    /* One that holds a moment: start at most from, end at least to. */
    enum store_status (*term_find)(struct store *, uint32_t terminal, uint32_t from, uint32_t to,
                                   struct campus_term_record *);
    /* The one with this end. */
    enum store_status (*term_of_end)(struct store *, uint32_t terminal, uint32_t end,
                                     struct campus_term_record *);

    enum store_status (*card_add)(struct store *, const struct campus_card_record *);
    enum store_status (*card_update)(struct store *, const struct campus_card_record *);
    enum store_status (*card_find)(struct store *, uint32_t id, struct campus_card_record *);
    enum store_status (*card_of_modulus)(struct store *, const uint8_t modulus[CAMPUS_RSA_BYTES],
                                         struct campus_card_record *);
    enum store_status (*cards)(struct store *, campus_card_visit *, void *);

    enum store_status (*receipt_add)(struct store *, const struct campus_receipt_record *);
    /* State and is_decided. */
    enum store_status (*receipt_update)(struct store *, const struct campus_receipt_record *);
    enum store_status (*receipt_find)(struct store *, uint32_t card, uint32_t counter,
                                      struct campus_receipt_record *);
    enum store_status (*receipts)(struct store *, campus_receipt_visit *, void *);

    enum store_status (*fund_add)(struct store *, const char *reference, uint32_t terminal,
                                  uint32_t amount);
    enum store_status (*fund_find)(struct store *, const char *reference, uint32_t *terminal,
                                   uint32_t *amount);
    enum store_status (*answer_add)(struct store *, uint32_t terminal,
                                    const uint8_t id[LINK_ID_BYTES],
                                    const uint8_t request_hash[SHA256_BYTES], uint32_t time,
                                    const uint8_t *answer, size_t bytes);
    enum store_status (*answer_find)(struct store *, uint32_t terminal,
                                     const uint8_t id[LINK_ID_BYTES],
                                     uint8_t request_hash[SHA256_BYTES], struct store_blob *answer);
    enum store_status (*list_add)(struct store *, const struct campus_list_record *,
                                  const uint8_t *file, size_t bytes);
    enum store_status (*list_newest)(struct store *, struct campus_list_record *,
                                     struct store_blob *file);
};

#endif
