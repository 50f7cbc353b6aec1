/* SPDX-License-Identifier: Apache-2.0 */
/* The purse's commands by name (commands.def): what the card's dispatch, the terminal's requests
 * and the trace have in common. */
#ifndef SCHEME_COMMAND_H
#define SCHEME_COMMAND_H

#include "base/apdu.h"
#include "scheme/certificate.h"

enum command {
#define X(name, handler, cla, ins, p1p2, lc_least, lc_most, answers, states, roles, cls, \
          protection)                                                                    \
    COMMAND_##name,
#include "scheme/commands.def"
#undef X
    COMMAND_COUNT
};

/* The purse's life cycle; it only goes forward. */
enum purse_state {
    PURSE_BLANK = 0,
    PURSE_PERSONALISED = 1,
    PURSE_ISSUED = 2,
    PURSE_BLOCKED = 3,
    PURSE_ENDED = 4,
};

enum command_state {
    S_BLANK = 1 << PURSE_BLANK,
    S_PERSONALISED = 1 << PURSE_PERSONALISED,
    S_ISSUED = 1 << PURSE_ISSUED,
    S_LIVE = S_PERSONALISED | S_ISSUED,
    S_CLOSED = 1 << PURSE_BLOCKED | 1 << PURSE_ENDED,
    S_USED = S_ISSUED | S_CLOSED,
    S_OWNED = S_LIVE | S_CLOSED,
    S_ANY = S_BLANK | S_OWNED,
};

enum command_role {
    R_STATION = 1 << ROLE_STATION,
    R_DESK = 1 << ROLE_DESK,
    R_SELLING = 1 << ROLE_POINT_OF_SALE | 1 << ROLE_VENDING,
    R_LOADING = 1 << ROLE_KIOSK | 1 << ROLE_DESK,
    R_LOG = 1 << ROLE_BANK | 1 << ROLE_DESK,
    R_PIN = 1 << ROLE_POINT_OF_SALE | 1 << ROLE_VENDING | 1 << ROLE_DESK | 1 << ROLE_KIOSK,
    R_ANY = 0x7E,
};

enum command_protection { PROTECTION_CLEAR, PROTECTION_CHANNEL };
/* The last two are the campus purse's: P1 is the first byte of the data; and P2, too, is the
 * handler's to judge, because it is part of what was signed. */
enum command_p1p2 { P1P2_EXACT, P1P2_KEY, P1P2_MORE, P1P2_VALUE, P1P2_VALUE_AND_KIND };

struct command_row {
    const char *name; /* as docs/protocol.md writes it: "READ RECEIPT" */
    uint8_t cla, ins, p1, p2;
    enum command_p1p2 rule;
    uint16_t lc_least, lc_most;
    bool answers; /* the response carries data, and needs an Le */
    uint16_t states;
    uint8_t roles;
    uint16_t command_class; /* 0: permitted to every terminal of the roles */
    enum command_protection protection;
};

extern const struct command_row command_rows[COMMAND_COUNT];

/* True if the header bytes match the row; the class byte is compared by apdu_plain_class. */
bool command_matches(const struct command_row *row, uint8_t cla, uint8_t ins, uint8_t p1,
                     uint8_t p2);
/* The row whose class, INS and P1-P2 match, COMMAND_COUNT if none. For the trace and the card. */
enum command command_find(uint8_t cla, uint8_t ins, uint8_t p1, uint8_t p2);

/* ---- command data of the money commands ---- */

/* PAY's data, and the first 23 bytes of LOAD's and REFUND's:
 * amount 4 | currency 2 | terminal counter 4 | time 4 | reference 8 | flags 1 */
#define SALE_BYTES 23u
struct sale {
    struct money amount;
    uint32_t terminal_counter;
    uint32_t time;
    uint8_t reference[REFERENCE_BYTES];
    uint8_t flags; /* RECEIPT_ONLINE asked for, or 0 */
};
void sale_encode(const struct sale *sale, struct writer *w);
bool sale_decode(struct reader *r, struct sale *sale) SCHEME_CHECKED;

/* READ STATUS answers:
 * state 1 | currency 2 | balance 4 | points 4 | card counter 4 | load counter 4 | refund counter 4
 * | acknowledged up to 4 | map 8 | policy generation 4 | policy number 4 | highest time 4 |
 * generation floor 4 | PIN tries left 1 | free log slots 1 */
#define PURSE_STATUS_BYTES 53u
struct purse_status {
    enum purse_state state;
    struct money balance;
    uint32_t points;
    uint32_t card_counter;                 /* of the last receipt; 0 before the first */
    uint32_t load_counter, refund_counter; /* of the last order taken */
    uint32_t acknowledged_up_to;
    uint64_t acknowledged_map;
    uint32_t policy_generation, policy_number;
    uint32_t highest_time, generation_floor;
    uint8_t pin_tries, free_slots;
};
void purse_status_encode(const struct purse_status *status, uint8_t out[PURSE_STATUS_BYTES]);
bool purse_status_decode(const uint8_t *bytes, size_t length,
                         struct purse_status *status) SCHEME_CHECKED;

/* GET STATE answers, in the clear, naming no card once it is personalised:
 * state 1 | protocol version 1 | firmware 4 | longest APDU 2 | scheme 4 | root KVN 1 |
 * terminal authority KVN 1 | serial 8 (zero unless blank) */
#define CARD_STATE_BYTES 22u
struct card_state {
    enum purse_state state;
    uint8_t protocol_version;
    uint32_t firmware;
    uint16_t apdu_bytes_max;
    uint32_t scheme; /* 0 while blank */
    uint8_t root_version, authority_version;
    uint8_t serial[SERIAL_BYTES];
};
void card_state_encode(const struct card_state *state, uint8_t out[CARD_STATE_BYTES]);
bool card_state_decode(const uint8_t *bytes, size_t length,
                       struct card_state *state) SCHEME_CHECKED;

/* BLOCK's first part (P1 00):
 * terminal counter 4 | time 4 | reference 8 | index 4 | head document 118 | certificate | siblings
 * 32 each; later parts (P1 01): siblings alone. */
#define BLOCK_FIXED_BYTES 20u

#endif
