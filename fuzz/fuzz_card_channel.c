/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's commands after authentication. The session keys are known here, so that each mutated
 * plain command is protected well and reaches the table and its handler. Input: a byte for the role
 * at the other end, then commands: INS, P1, P2, flags, two bytes of length, data. Each is answered
 * inside the channel or closes it with 6982; and without a key of the bank no balance grows.
 */
#include "card.h"
#include "card/purse/internal.h"
#include "channel/secure_messaging.h"

#define BALANCE 100000u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct ram_flash issued;

static struct card *inside(struct stiver_card *card)
{
    return (struct card *)(void *)card->memory;
}

/* As MUTUAL AUTHENTICATE leaves both ends. */
static void open_channel(struct stiver_card *memory, enum terminal_role role,
                         struct secure_channel *host)
{
    struct card *card = inside(memory);
    *host =
        (struct secure_channel){.enc = {1}, .mac = {2}, .rmac = {3}, .chain = {4}, .open = true};
    card->channel = *host;
    card->peer = (struct terminal_peer){.host_id = {(uint8_t)role, 1},
                                        .number = {(uint8_t)role, 2},
                                        .merchant = 7,
                                        .role = role,
                                        .classes = 0xFF,
                                        .limit = money_of(5000, 978),
                                        .start = 1772409600u,
                                        .end = 1772409600u + 7u * 86400u - 1u,
                                        .generation = 1,
                                        .fixed_secret = {9}};
    card->peer_state = PEER_AUTHENTICATED;
}

/* The status word, or 0 if the channel is closed now. */
static uint16_t secure(struct stiver_card *card, struct secure_channel *host,
                       const struct apdu_command *plain)
{
    uint8_t apdu[STIVER_APDU_MAX], response[STIVER_APDU_MAX], answer[STIVER_APDU_MAX];
    size_t bytes = 0, answered = 0;
    uint16_t word = 0;
    if (secure_wrap_command(host, plain, apdu, sizeof apdu, &bytes) != CHANNEL_OK)
        return 0;
    bytes = stiver_card_transmit(card, apdu, bytes, response);
    require(bytes >= 2 && bytes <= sizeof response);
    enum channel_status status =
        secure_unwrap_response(host, response, bytes, answer, sizeof answer, &answered, &word);
    require(status == CHANNEL_OK || status == CHANNEL_BARE);
    require(status == CHANNEL_OK || word >> 8 == 0x69 || word >> 8 == 0x68 || word >> 8 == 0x6E);
    return status == CHANNEL_OK ? word : 0;
}

static void issue(struct stiver_card *card)
{
    const struct apdu_command command = {.cla = 0x80, .ins = 0xD8};
    struct secure_channel host;
    uint8_t response[STIVER_APDU_MAX];
    send(card, 0xA4, NULL, 0, response);
    open_channel(card, ROLE_STATION, &host);
    require(secure(card, &host, &command) == 0x9000);
    struct ledger next = purse_view(inside(card))->ledger;
    next.balance.minor = BALANCE;
    require(ledger_commit(inside(card), &next) == STATUS_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct stiver_card card;
    const struct stiver_card_factory factory = {.serial = "fuzzcard", .is_hardware = 1};
    (void)argc;
    (void)argv;
    require(crypto_start() == CRYPTO_OK);
    blank.changes_left = UINT32_MAX;
    struct stiver_flash port = port_of(&blank);
    require(stiver_card_manufacture(&port, &factory) == STIVER_CARD_OK);
    require(stiver_card_power_on(&card, &port) == STIVER_CARD_OK);
    personalise(&card);
    personalised = issued = blank;
    port = port_of(&issued);
    require(stiver_card_power_on(&card, &port) == STIVER_CARD_OK);
    issue(&card);
    stiver_card_power_off(&card);
    return 0;
}

static struct apdu_command next_command(struct reader *r)
{
    struct apdu_command plain = {.cla = 0x80};
    plain.ins = reader_u8(r);
    plain.p1 = reader_u8(r);
    plain.p2 = reader_u8(r);
    uint8_t flags = reader_u8(r);
    size_t length = reader_u16(r);
    plain.le = (flags & 1) != 0 ? 65536 : 0;
    plain.extended = (flags & 1) != 0;
    plain.lc = length < r->left ? length : r->left;
    plain.data = reader_take(r, plain.lc);
    return plain;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct ram_flash flash;
    static struct stiver_card card;
    struct secure_channel host;
    uint8_t response[STIVER_APDU_MAX];
    struct reader r = reader_of(data, bytes);
    uint8_t choice = reader_u8(&r);
    flash = choice % 8 == ROLE_STATION ? personalised : issued;
    struct stiver_flash port = port_of(&flash);
    require(stiver_card_power_on(&card, &port) == STIVER_CARD_OK);
    send(&card, 0xA4, NULL, 0, response);
    const uint32_t before = purse_view(inside(&card))->ledger.balance.minor;
    open_channel(&card, (enum terminal_role)(1 + (choice + 7) % 8 % ROLE_LAST), &host);
    while (r.left > 6) {
        struct apdu_command plain = next_command(&r);
        if (secure(&card, &host, &plain) == 0)
            break;
    }
    const struct ledger *ledger = &purse_view(inside(&card))->ledger;
    require(ledger->balance.minor <= before);
    require(ledger->state == PURSE_ISSUED || before == 0);
    stiver_card_power_off(&card);
    return 0;
}
