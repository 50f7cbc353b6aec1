/* SPDX-License-Identifier: Apache-2.0 */
/* What the bank's files share: the handle, its time, its words, its transactions. */
#ifndef BANK_INSIDE_H
#define BANK_INSIDE_H

#include <stiver/bank.h>

#include "bank/campus_store.h"
#include "bank/evp.h"
#include "bank/keyring.h"
#include "bank/seal.h"
#include "bank/store.h"

#define MESSAGE_BYTES 200u

struct stiver_bank {
    struct store *store;
    struct keyring keys;
    struct settings_record settings; /* as of opening, or of the last change made here */
    uint8_t storage_key[STORAGE_KEY_BYTES];
    uint32_t (*now)(void *context);
    void *clock_context;
    char message[MESSAGE_BYTES];
    /* Set by work that is refused and must be noticed all the same; rung after it was undone. */
    struct alarm_record alarm;
};

#define BANK_CHECKED __attribute__((warn_unused_result))

uint32_t bank_system_clock(void *context);
uint32_t bank_now(const struct stiver_bank *bank);

/* Sets the message (NULL: the status's own sentence) and returns status. */
enum stiver_bank_status bank_say(struct stiver_bank *bank, enum stiver_bank_status status,
                                 const char *sentence);
/* The bank's word for what storage answered. STORE_NONE and STORE_DUPLICATE, where the caller did
 * not expect them, mean damaged records. */
enum stiver_bank_status bank_status_of_store(enum store_status status);
enum stiver_bank_status bank_status_of_document(enum document_status status);

/* Runs work in one transaction; OK commits, anything else undoes. work may run more than once.
 * An alarm that refused work has set is rung in a transaction of its own. */
typedef enum stiver_bank_status bank_work(struct stiver_bank *bank, void *context);
enum stiver_bank_status bank_transact(struct stiver_bank *bank, bank_work *work,
                                      void *context) BANK_CHECKED;

/* Notes an alarm inside a transaction. card and terminal may be NULL. */
enum stiver_bank_status bank_ring(struct stiver_bank *bank, const uint8_t *card,
                                  const uint8_t *terminal, const char *text) BANK_CHECKED;
/* For refused work: the alarm is kept although the work is undone. */
void bank_ring_after(struct stiver_bank *bank, const uint8_t *card, const uint8_t *terminal,
                     const char *text);

/* Keeps a document; *id is its number. terminal may be NULL. */
enum stiver_bank_status bank_keep(struct stiver_bank *bank, enum document_type type,
                                  const uint8_t *terminal, const uint8_t *bytes, size_t length,
                                  int64_t *id) BANK_CHECKED;

/* The root as scheme's functions want it. */
struct certificate_authority bank_root(const struct stiver_bank *bank);

/* The blob holds a copy of these bytes instead of what it held; MEMORY leaves it empty. */
enum stiver_bank_status bank_blob_set(struct store_blob *blob, const uint8_t *data,
                                      size_t length) BANK_CHECKED;

/* Copies into a buffer that the caller of the library frees. */
enum stiver_bank_status bank_hand_over(struct stiver_bank_bytes *out, const uint8_t *data,
                                       size_t length) BANK_CHECKED;

static inline struct account account_of(enum account_kind kind)
{
    return (struct account){kind, 0};
}
#define ACCOUNT_NAME_BYTES 40u
/* "merchant:7", "in flight" */
void account_name(const struct account *account, char name[ACCOUNT_NAME_BYTES]);
struct account account_merchant(uint32_t merchant);
struct account account_till(const uint8_t terminal[TERMINAL_NUMBER_BYTES]);
/* Moves amount (0: nothing happens) from one account to another because of a document. */
enum stiver_bank_status bank_post(struct stiver_bank *bank, int64_t document, struct account from,
                                  struct account to, const uint8_t card[CARD_NUMBER_BYTES],
                                  uint32_t amount) BANK_CHECKED;

/* Shorthand: bank->store's verb, its answer in the bank's words. */
#define STORE(bank, verb, ...) ((bank)->store->verbs->verb((bank)->store, __VA_ARGS__))
#define CAMPUS(bank, verb, ...) ((bank)->store->campus->verb((bank)->store, __VA_ARGS__))

#endif
