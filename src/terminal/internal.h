/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the terminal share: the terminal, its identity, a session and its talk. */
#ifndef TERMINAL_INTERNAL_H
#define TERMINAL_INTERNAL_H

#include <stiver/terminal.h>

#include "base/apdu.h"
#include "channel/scp11.h"
#include "crypto/crypto.h"
#include "reader/reader.h"
#include "scheme/command.h"
#include "scheme/link.h"
#include "scheme/list.h"
#include "scheme/order.h"
#include "scheme/receipt.h"
#include "scheme/status.h"
#include "sqlite/db.h"

typedef enum stiver_terminal_status terminal_status;
#define TERMINAL_CHECKED __attribute__((warn_unused_result))
#define CARD_AUTHORITIES_MAX 16u

/* ---- key.c: the terminal's agreement key, in its file ---- */

struct terminal_key {
    uint8_t private_key[PRIVATE_KEY_BYTES];
    uint8_t public_key[PUBLIC_KEY_BYTES];
};
/* Makes a key and its file (0600, never over another); a file that is there is read instead. */
terminal_status key_create(const char *path, struct terminal_key *key) TERMINAL_CHECKED;
/* Opens the file and keeps it locked for this process until *file is closed. */
terminal_status key_open(const char *path, struct terminal_key *key, int *file) TERMINAL_CHECKED;

/* ---- mark.c: what the journal must know ---- */

#define MARK_UNKNOWN UINT32_MAX
/* Opens the mark beside a journal whose highest number is counter, or makes it. *number above
 * counter: the journal was put back from a copy; MARK_UNKNOWN: the mark is gone or spoilt. *file is
 * open also after an error, unless it is -1. */
terminal_status mark_open(const char *path, uint32_t counter, int *file,
                          uint32_t *number) TERMINAL_CHECKED;
/* Durable before a command with this number leaves. file -1: there is no mark. */
terminal_status mark_put(int file, uint32_t number) TERMINAL_CHECKED;

/* ---- identity.c: what the bank gave ---- */

struct card_authority {
    struct certificate_authority authority;
    bool is_test;
};

struct held_list {
    uint8_t *file; /* owned; NULL: none */
    size_t bytes, message_bytes;
    const uint8_t *numbers; /* into file, head.count of them */
    struct list_head head;
};

/* Places for hashes of card certificates, each in the one that its first bytes name. */
#define VERIFIED_CARDS 1024u

/* Verified, all of it, each time it is built. */
struct identity {
    uint8_t number[TERMINAL_NUMBER_BYTES];
    uint8_t link_key[PUBLIC_KEY_BYTES];
    struct anchors anchors; /* its certificate points nowhere */
    struct certificate_authority root, terminal_authority;
    struct card_authority card_authorities[CARD_AUTHORITIES_MAX];
    size_t card_authorities_count;
    /* Card certificates that verified under these authorities since this was built: a card that
     * comes again is spared the signature, which is a sixth of a payment's time. They are in this
     * process's memory alone, so that nobody who writes to the journal can add one. */
    uint8_t verified[VERIFIED_CARDS][SHA256_BYTES];
    uint8_t certificate_bytes[CERTIFICATE_BYTES_MAX];
    size_t certificate_length;
    struct certificate certificate;
    uint8_t host_id[HOST_ID_BYTES];
    struct held_list list;
};

/* A package as the first version wrote it. Nothing signed it: believed is only whose it was. */
bool identity_is_of_earlier_format(const uint8_t *package, size_t package_bytes,
                                   uint8_t number[TERMINAL_NUMBER_BYTES]) TERMINAL_CHECKED;
/* Builds an identity from a package, with certificate and list in place of the package's if they
 * are not empty. On an error *identity is empty; with PACKAGE_OLDER it has the number alone. */
terminal_status identity_build(const uint8_t *package, size_t package_bytes,
                               struct piece certificate, struct piece list,
                               const uint8_t own_key[PUBLIC_KEY_BYTES],
                               struct identity *identity) TERMINAL_CHECKED;
void identity_free(struct identity *identity);
/* Our own certificate under the terminal authority; PACKAGE if it is none. */
terminal_status identity_check_certificate(const struct identity *identity, struct piece bytes,
                                           const uint8_t own_key[PUBLIC_KEY_BYTES],
                                           struct certificate *certificate) TERMINAL_CHECKED;
/* Verifies a list file and copies it into *list, which must be empty. LIST_FORGED, MEMORY. */
terminal_status identity_check_list(const struct identity *identity, struct piece file,
                                    struct held_list *list) TERMINAL_CHECKED;
/* A card's certificate; *is_test: of a test scheme's authority. Its end is the caller's to look at.
 * OTHER_SCHEME, CARD_UNPROVEN. */
terminal_status identity_check_card(struct identity *identity, const uint8_t *bytes, size_t length,
                                    struct certificate *certificate,
                                    bool *is_test) TERMINAL_CHECKED;

/* ---- the terminal ---- */

struct terminal_count {
    unsigned apdus;
    size_t bytes;
};

struct stiver_terminal {
    struct stiver_terminal_environment environment;
    struct terminal_key key;
    int key_file;  /* locked, -1 without a directory */
    int mark_file; /* -1 without a directory */
    struct db *journal;
    bool is_enrolled;
    bool is_of_earlier_format; /* its package: not enrolled, but identity.number is its own */
    bool is_in_doubt;
    struct identity identity;
    struct terminal_count last_count;
};

uint32_t terminal_now(const struct stiver_terminal *terminal);
/* Reads the identity again from the journal. */
terminal_status terminal_load_identity(struct stiver_terminal *terminal) TERMINAL_CHECKED;
/* OK, NOT_ENROLLED or PACKAGE_OLDER. */
terminal_status terminal_is_enrolled(const struct stiver_terminal *terminal) TERMINAL_CHECKED;
/* Enrolled, and the own certificate holds now. */
terminal_status terminal_may_talk(const struct stiver_terminal *terminal,
                                  struct stiver_terminal_result *result) TERMINAL_CHECKED;
/* May do commands of this class, and its numbers can be trusted. */
terminal_status terminal_may_act(const struct stiver_terminal *terminal,
                                 uint16_t command_class) TERMINAL_CHECKED;
/* Enters the status into the result and gives it back. */
terminal_status result_end(struct stiver_terminal_result *result, terminal_status status);

/* ---- a session ---- */

struct stiver_terminal_session {
    struct stiver_terminal *terminal;
    struct card_reader *reader;            /* borrowed */
    struct stiver_terminal_result *result; /* of the call that runs */
    struct secure_channel channel;
    uint8_t card[CARD_NUMBER_BYTES];
    uint8_t certificate_bytes[CERTIFICATE_BYTES_MAX];
    size_t certificate_length;
    struct certificate certificate;
    bool is_test; /* the card's authority is of a test scheme */
    uint8_t handle[HANDLE_BYTES];
    /* Our own certificate as the card met it: synchronising meanwhile may bring a new one. */
    uint8_t host_id[HOST_ID_BYTES];
    uint32_t merchant;
    uint32_t open_number; /* business of this card that could not be settled now; 0: none */
    bool is_stranger;     /* came the long way: worth remembering once it took part in a payment */
    struct terminal_count count;
    uint8_t response[APDU_BYTES_MAX]; /* of the last command; plain */
};

/* What the card said: data lie in session->response until the next command. */
struct reply {
    const uint8_t *data;
    size_t bytes;
    uint16_t word;
    bool is_known; /* status says what the word means */
    enum status status;
};

/* ---- request.c: one command and its answer ---- */

/* In the clear. READER, or LINK_BROKEN. */
terminal_status request_select(struct stiver_terminal_session *session,
                               struct reply *reply) TERMINAL_CHECKED;
terminal_status request_clear(struct stiver_terminal_session *session, enum command command,
                              uint8_t p1, const uint8_t *data, size_t bytes,
                              struct reply *reply) TERMINAL_CHECKED;
/* In the channel. OK: the answer is the card's own. Anything else proves nothing about what the
 * card did, and the channel is closed. */
terminal_status request_secure(struct stiver_terminal_session *session, enum command command,
                               uint8_t p1, const uint8_t *data, size_t bytes,
                               struct reply *reply) TERMINAL_CHECKED;
/* What a refusal means to a person; fills tries. Never OK. */
terminal_status request_refusal(struct stiver_terminal_session *session, const struct reply *reply);

/* ---- session.c ---- */

/* Selects and authenticates, no more. */
terminal_status session_authenticate(struct stiver_terminal_session *session) TERMINAL_CHECKED;
/* Ends the channel and asks the card in the clear why it refuses: CARD_BLOCKED (its block receipt
 * is in the journal then), CARD_ENDED, CARD_BLANK, CARD_NOT_ISSUED; otherwise what was given. */
terminal_status session_explain(struct stiver_terminal_session *session, terminal_status otherwise);
/* In the clear, after session_explain said CARD_BLOCKED: the block receipt, verified under the
 * certificate of the card that was met. CARD_ANSWER. */
terminal_status session_block_receipt(struct stiver_terminal_session *session,
                                      uint8_t document[RECEIPT_BYTES],
                                      struct receipt *receipt) TERMINAL_CHECKED;
terminal_status session_state(struct stiver_terminal_session *session,
                              struct card_state *state) TERMINAL_CHECKED;
/* READ STATUS. */
terminal_status session_status(struct stiver_terminal_session *session,
                               struct purse_status *status) TERMINAL_CHECKED;

/* ---- intent.c: business with its number ---- */

struct intent {
    uint32_t number;
    enum document_kind kind;
    uint8_t card[CARD_NUMBER_BYTES];
    struct money amount;
    uint32_t time;
    uint8_t reference[REFERENCE_BYTES];
    uint8_t host_id[HOST_ID_BYTES]; /* of the terminal's certificate */
    uint32_t merchant;
    uint32_t order_number, order_counter;
    uint8_t flags; /* that the receipt must have; read again later, PIN may be either */
};

/* Draws a number and a reference and makes the intent durable. */
terminal_status intent_begin(struct stiver_terminal_session *session, enum document_kind kind,
                             struct money amount, struct intent *intent) TERMINAL_CHECKED;
struct sale intent_sale(const struct intent *intent);
/* The receipt that the intent expects; the card's own fields are zero. */
struct receipt intent_receipt(const struct stiver_terminal *terminal, const struct intent *intent);
/* True if the document is the verified receipt of this intent. exact: flags as well. */
bool intent_matches(const struct stiver_terminal_session *session, const struct intent *intent,
                    const uint8_t document[RECEIPT_BYTES], bool exact) TERMINAL_CHECKED;
/* Makes the receipt durable, and with it what a stranger is remembered by, and tells the result. */
terminal_status intent_finish(struct stiver_terminal_session *session, const struct intent *intent,
                              const uint8_t document[RECEIPT_BYTES],
                              bool is_recovered) TERMINAL_CHECKED;
/* The answer to a money command that gives no receipt: a proven refusal ends the intent, anything
 * else leaves it open (UNFINISHED). */
terminal_status intent_refused(struct stiver_terminal_session *session, const struct intent *intent,
                               terminal_status talk, const struct reply *reply);
bool intent_tell(uint32_t scheme, const uint8_t document[RECEIPT_BYTES],
                 struct stiver_terminal_receipt *receipt);
/* If earlier business of this card, kind and amount was found finished and not yet told to anybody
 * as such: FINISHED_EARLIER with its receipt, once. Otherwise OK. */
terminal_status intent_claim(struct stiver_terminal_session *session, enum document_kind kind,
                             struct money amount, uint32_t seconds) TERMINAL_CHECKED;

/* ---- recover.c, block.c, carry.c ---- */

terminal_status recover_card(struct stiver_terminal_session *session) TERMINAL_CHECKED;
/* CARD_BLOCKED if the card is listed (and, where the terminal may, has now blocked itself). */
terminal_status block_if_listed(struct stiver_terminal_session *session) TERMINAL_CHECKED;
/* Hands over the acknowledgement that waits for this card. Whatever happens, nothing is spoilt. */
void carry_to_card(struct stiver_terminal_session *session);

/* ---- link.c: the tagged messages ---- */

/* A request of this type: header, body, tag, in fresh memory. */
terminal_status link_request_make(const struct stiver_terminal *terminal, enum link_type type,
                                  const uint8_t id[LINK_ID_BYTES], const uint8_t *body,
                                  size_t bytes,
                                  struct stiver_terminal_bytes *request) TERMINAL_CHECKED;
/* Verifies an answer; *body is what follows result LINK_OK. detail gets the bank's sentence. */
terminal_status link_answer_open(const struct stiver_terminal *terminal, enum link_type type,
                                 const uint8_t id[LINK_ID_BYTES], const uint8_t *answer,
                                 size_t bytes, struct reader *body, char *detail) TERMINAL_CHECKED;
/* Both over a link; *answer is owned by the caller, *body points into it. */
terminal_status link_ask(const struct stiver_terminal *terminal,
                         const struct stiver_terminal_link *link, enum link_type type,
                         const uint8_t *body, size_t bytes, struct stiver_terminal_bytes *answer,
                         struct reader *opened, char *detail) TERMINAL_CHECKED;
/* A request that was made before; *answer is owned by the caller. */
terminal_status link_carry(const struct stiver_terminal_link *link,
                           const struct stiver_terminal_bytes *request,
                           struct stiver_terminal_bytes *answer) TERMINAL_CHECKED;

#endif
