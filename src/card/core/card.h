/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of struct stiver_card: what the core keeps while the card has power, and what it
 * offers to applications. An application is a row in card/applications.c: its AID, its table of
 * commands, its state, its handlers. The core selects it, refuses what its table does not allow,
 * keeps the channel, and makes each command one transaction.
 */
#ifndef CARD_CORE_CARD_H
#define CARD_CORE_CARD_H

#include <stiver/card.h>

#include "card/core/nvm.h"
#include "channel/scp11.h"
#include "scheme/command.h"
#include "scheme/status.h"

/* Owners of records in the tear-safe memory. */
enum card_owner { OWNER_CORE = 1, OWNER_PURSE = 2, OWNER_CAMPUS = 3, OWNER_VENDING = 4 };

/* What key statements and GET STATE say: major 1 | minor 1 | patch 2, of this project's version. */
#define CARD_FIRMWARE 0x00010000u

/* RAM of the purse; an application beside it has STIVER_SECOND_BYTES. Each has its own, from
 * power-up to power-off, whether it is selected or not. */
#define APPLICATION_MEMORY_BYTES 256u

/* Who is at the other end, as its verified certificate says. */
struct terminal_peer {
    uint8_t host_id[HOST_ID_BYTES]; /* of its certificate */
    uint8_t number[TERMINAL_NUMBER_BYTES];
    uint32_t merchant;
    enum terminal_role role;
    uint16_t classes;
    struct money limit; /* offline limit a card */
    uint32_t start, end;
    uint32_t generation;
    uint8_t fixed_secret[SHARED_SECRET_BYTES]; /* ShSss of its key and the card's channel key */
    uint8_t key[PUBLIC_KEY_BYTES]; /* zero if only remembered, not verified in this power-up */
};

/* A channel that closes leaves a peer VERIFIED if its certificate was verified in this power-up,
 * else NONE; the secret is wiped either way. */
enum peer_state {
    PEER_NONE,
    PEER_VERIFIED,      /* its certificate was verified in this power-up; no open channel */
    PEER_AUTHENTICATED, /* the channel is open */
};

/* A function whose large locals must be off the stack again before its caller goes on to the
 * memory: inlined, they would stay below the deepest chain of calls that the card has. */
#define OWN_FRAME __attribute__((noinline))

struct card;
struct application;

/* A handler acts on a command that the table let pass: data are plain, answer takes the response
 * data and lies elsewhere than the command. Its room is what the command leaves of an APDU, so a
 * row that answers limits its own length to that. It returns what to say; with anything but OK its
 * data are dropped, and the memory is as it was. Two refusals change something: PIN_WRONG, and the
 * one with which the campus purse ends. */
typedef enum status (*card_handler)(struct card *card, const struct apdu_command *command,
                                    struct writer *answer);

struct application {
    enum card_owner owner;
    bool is_optional;   /* there only if the factory said so (identity.offered) */
    const uint8_t *aid; /* aid_bytes of it */
    size_t aid_bytes;
    const struct command_row *rows;
    const card_handler *handlers; /* one a row */
    size_t commands;
    /* Loads what the application keeps in RAM; called at power-up, before any command. */
    enum nvm_status (*power_up)(struct card *card);
    /* Which bit of a row's states speaks now, 0 to 15: for the purse, enum purse_state. */
    unsigned (*state)(const struct card *card);
    /* What the application says to a command before its table is asked; OK lets it pass. May be
     * NULL. */
    enum status (*admit)(const struct card *card, const struct apdu_command *command);
    /* Called whenever an open channel closes, whatever closed it: forgets what belonged to that
     * channel alone (a verified PIN, a command in several parts). May be NULL. */
    void (*channel_closed)(struct card *card);
    bool has_channel; /* without one, a class byte that asks for protection is not known */
};

/* What the core knows of its owner; loaded at power-up, no secrets. */
struct card_identity {
    uint8_t serial[SERIAL_BYTES];
    enum card_class factory_class;
    uint8_t offered;  /* optional applications: bit 1 << owner */
    bool has_keys;    /* made, statement given */
    bool has_anchors; /* given; replaced until locked */
    bool is_locked;   /* certificates stored, for ever */
    bool is_locking;  /* in the open transaction */
    /* Both say something only once is_locked: as the card's certificate and its authority's say. */
    enum card_class card_class;
    bool is_test_scheme; /* a virtual card may pay offline */
    uint8_t number[CARD_NUMBER_BYTES];
    uint32_t scheme;
    uint16_t currency;
    uint8_t root_version, authority_version;
    struct certificate_authority root, terminal_authority;
};

/* Time and generation floor; highest_pending commits with the next command that commits. */
struct card_clock {
    uint32_t highest, highest_pending;
    uint32_t generation_floor;
    uint32_t root_order_number;
    bool is_changed; /* something here is not in the memory yet */
};

struct card {
    bool is_on;
    bool lost_power; /* the port said so; nothing is answered any more */
    const struct application *selected;
    struct stiver_flash flash; /* the port's, copied; nvm borrows it */
    struct nvm nvm;
    struct card_identity identity;
    struct card_clock clock;
    struct secure_channel channel;
    struct terminal_peer peer;
    enum peer_state peer_state;
    bool peer_is_remembered; /* its entry is in the memory already */
    bool in_transaction;
    alignas(8) uint8_t application_memory[APPLICATION_MEMORY_BYTES];
#if STIVER_SECOND_BYTES != 0
    alignas(8) uint8_t second_memory[STIVER_SECOND_BYTES];
#endif
};

_Static_assert(sizeof(struct card) <= STIVER_CARD_BYTES, "struct stiver_card is too small");

/* The applications of this build (card/applications.c). */
extern const struct application *const card_applications[];
extern const size_t card_applications_count;
/* What each owner may hold in the memory, in the same file. */
extern const struct nvm_quota card_quotas[];
extern const size_t card_quotas_count;

/* ---- transactions: the core adds what is pending (time, remembered peer) to each ---- */

/* A handler that returns without a commit has changed nothing: dispatch aborts what it left open.
 * room: payload bytes in that many records that the application will put. */
enum status card_begin(struct card *card, size_t room_bytes, size_t records) SCHEME_CHECKED;
enum status card_put(struct card *card, enum card_owner owner, uint8_t id, uint8_t version,
                     const uint8_t *data, size_t bytes) SCHEME_CHECKED;
/* remember_peer: true in the commit of a successful money command. */
enum status card_commit(struct card *card, bool remember_peer) SCHEME_CHECKED;
void card_abort(struct card *card);
/* What a memory status means to a terminal: MEMORY, or OK. Notes lost power. */
enum status card_memory_status(struct card *card, enum nvm_status status) SCHEME_CHECKED;

/* ---- identity (identity.c) ---- */

/* Signs an encoded document (without signature) with the receipt key; appends nothing. */
enum status card_sign(struct card *card, const uint8_t *unsigned_bytes, size_t bytes,
                      uint8_t signature[SIGNATURE_BYTES]) SCHEME_CHECKED;
/* The card's certificate into answer. */
enum status card_certificate(struct card *card, struct writer *answer) SCHEME_CHECKED;

/* ---- time (clock.c) ---- */

/* A bank-signed document started then, under an authority that ends then. Kept pending. */
void card_clock_saw(struct card *card, uint32_t start, uint32_t authority_end);
/* The later of the committed and the pending time. */
uint32_t card_clock_now(const struct card *card);
/* False for a document whose end is earlier than the card's time: the rule for all of them. */
bool card_clock_permits(const struct card *card, uint32_t end);

/* ---- handlers that belong to the core; an application lists them in its table ---- */
enum status card_get_certificate(struct card *, const struct apdu_command *, struct writer *);
enum status card_initialize(struct card *, const struct apdu_command *, struct writer *);
/* Verifies, but does not store: the application commits its own records with the lock. On OK the
 * transaction is begun with own_bytes in own_records to spare; the application puts its records and
 * commits. */
enum status card_lock(struct card *card, const uint8_t *certificates, size_t bytes,
                      size_t own_bytes, size_t own_records) SCHEME_CHECKED;
enum status card_root_order(struct card *, const struct apdu_command *, struct writer *);
enum status card_verify_certificate(struct card *, const struct apdu_command *, struct writer *);
enum status card_mutual_authenticate(struct card *, const struct apdu_command *, struct writer *);

#endif
