/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The campus purse's whole command table. Input: a byte that chooses the card (fresh, with keys, or
 * personalised and met by a terminal of either kind up to some state), then steps: an instruction
 * with a 256-byte value that the terminal or the back end really signed, made beforehand, or with
 * bytes as they stand in the input. Every command is answered. Money comes onto the card by FINISH
 * LOAD at a reload terminal alone, goes off by PAY at a point of sale alone, and neither without a
 * signature; no counter and no time falls back.
 */
#include "card.h"
#include "card/campus/internal.h"

#define ID 0x8000007Bu
#define END 0x77F48B80u
#define TERMINAL 0x929u
#define TERMINAL_END 0x649F6C80u
#define TERMINAL_COUNTER 7u
#define TIME 0x64980000u
#define AMOUNT 1234u
#define FUNDS 5000u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* What was signed: certificates of both kinds; then for the first counters after the start what
 * AUTHENTICATE asks, what money asks for two amounts, what BLOCK asks. */
#define COUNTERS 4u
enum value {
    VALUE_TERMINAL_KEY,
    VALUE_CERTIFICATE_POS,
    VALUE_CERTIFICATE_RELOAD,
    VALUE_OF_COUNTER,
    VALUES = VALUE_OF_COUNTER + 4 * COUNTERS,
};
static uint8_t values[VALUES][RSA_BYTES];
static struct ram_flash fresh, keyed, ready;

/* ---- keys ---- */

struct rsa_pair {
    uint8_t der[RSA_PRIVATE_BYTES_MAX], modulus[RSA_BYTES];
    size_t bytes;
};

static void sign_bytes(const struct rsa_pair *key, const uint8_t *text, size_t bytes, uint8_t *out)
{
    const struct piece piece = {text, bytes};
    require(rsa_sign_sha1(key->der, key->bytes, &piece, 1, out) == CRYPTO_OK);
}

static void sign_numbers(const struct rsa_pair *key, const uint32_t *numbers, size_t count,
                         uint8_t *out)
{
    uint8_t text[20];
    struct writer w = writer_of(text, sizeof text);
    for (size_t i = 0; i < count; i++)
        writer_u32(&w, numbers[i]);
    sign_bytes(key, text, w.used, out);
}

static void certify_modulus(const struct rsa_pair *back_end, uint32_t id, uint32_t end,
                            const uint8_t modulus[RSA_BYTES], uint8_t usage, uint8_t *out)
{
    uint8_t text[8 + RSA_BYTES + 1];
    struct writer w = writer_of(text, sizeof text);
    writer_u32(&w, id);
    writer_u32(&w, end);
    writer_bytes(&w, modulus, RSA_BYTES);
    writer_u8(&w, usage);
    sign_bytes(back_end, text, w.used, out);
}

static void sign_counters(const struct rsa_pair *terminal)
{
    for (uint32_t i = 0; i < COUNTERS; i++) {
        const uint32_t counter = 1 + i;
        const uint32_t authenticate[] = {ID, END, counter}, block[] = {ID, counter};
        const uint32_t money[] = {counter, AMOUNT, ID}, more[] = {counter, FUNDS + 1, ID};
        uint8_t(*of)[RSA_BYTES] = values + VALUE_OF_COUNTER + (size_t)4 * i;
        sign_numbers(terminal, authenticate, 3, of[0]);
        sign_numbers(terminal, money, 3, of[1]);
        sign_numbers(terminal, more, 3, of[2]);
        sign_numbers(terminal, block, 2, of[3]);
    }
}

/* ---- cards ---- */

static uint16_t command(struct stiver_card *card, uint8_t ins, uint8_t p1, uint8_t p2,
                        const uint8_t *data, size_t lc, uint32_t le, uint8_t *response)
{
    uint8_t apdu[STIVER_APDU_MAX];
    const struct apdu_command c = {
        .ins = ins, .p1 = p1, .p2 = p2, .data = data, .lc = lc, .le = le, .extended = lc > 255};
    size_t length = apdu_encode(&c, apdu, sizeof apdu);
    if (length == 0)
        return 0;
    size_t answered = stiver_card_transmit(card, apdu, length, response);
    require(answered >= 2 && answered <= STIVER_APDU_MAX);
    return (uint16_t)(response[answered - 2] << 8 | response[answered - 1]);
}

static uint16_t value_to(struct stiver_card *card, uint8_t ins, uint8_t p2,
                         const uint8_t value[RSA_BYTES], uint32_t le, uint8_t *response)
{
    return command(card, ins, value[0], p2, value + 1, RSA_BYTES - 1, le, response);
}

static void power_on(struct stiver_card *card, struct ram_flash *flash)
{
    static const uint8_t aid[] = {0x2D, 0x54, 0x45, 0x53, 0x54, 0x70};
    uint8_t response[STIVER_APDU_MAX];
    struct stiver_flash port = port_of(flash);
    require(stiver_card_power_on(card, &port) == STIVER_CARD_OK);
    require(command(card, 0xA4, 4, 0, aid, sizeof aid, 0, response) == 0x9000);
}

static struct card *inside(struct stiver_card *card)
{
    return (struct card *)(void *)card->memory;
}

static void make_key(struct stiver_card *card, const struct rsa_pair *back_end,
                     uint8_t modulus[RSA_BYTES])
{
    uint8_t response[STIVER_APDU_MAX];
    require(value_to(card, 0x02, 0, back_end->modulus, 256, response) == 0x9000);
    memcpy(modulus, response, RSA_BYTES);
}

static void personalise_campus(struct stiver_card *card, const struct rsa_pair *back_end,
                               const uint8_t modulus[RSA_BYTES])
{
    uint8_t response[STIVER_APDU_MAX], data[8], signature[RSA_BYTES];
    struct writer w = writer_of(data, sizeof data);
    writer_u32(&w, ID);
    writer_u32(&w, END);
    require(command(card, 0x04, 0, 0, data, sizeof data, 0, response) == 0x9000);
    certify_modulus(back_end, ID, END, modulus, CAMPUS_USAGE_CARD, signature);
    require(value_to(card, 0x06, 0, signature, 0, response) == 0x9000);
    struct campus_ledger next = campus_view(inside(card))->ledger;
    next.balance.minor = FUNDS;
    require(campus_ledger_commit(inside(card), &next) == STATUS_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct rsa_pair back_end, terminal;
    static struct stiver_card card;
    const struct stiver_card_factory factory = {
        .serial = "fuzzcard", .is_hardware = 1, .has_campus = 1};
    uint8_t modulus[RSA_BYTES];
    (void)argc;
    (void)argv;
    require(crypto_start() == CRYPTO_OK);
    require(rsa_generate(back_end.der, &back_end.bytes, back_end.modulus) == CRYPTO_OK);
    require(rsa_generate(terminal.der, &terminal.bytes, terminal.modulus) == CRYPTO_OK);
    memcpy(values[VALUE_TERMINAL_KEY], terminal.modulus, RSA_BYTES);
    certify_modulus(&back_end, TERMINAL, TERMINAL_END, terminal.modulus, CAMPUS_USAGE_POS,
                    values[VALUE_CERTIFICATE_POS]);
    certify_modulus(&back_end, TERMINAL, TERMINAL_END, terminal.modulus, CAMPUS_USAGE_RELOAD,
                    values[VALUE_CERTIFICATE_RELOAD]);
    sign_counters(&terminal);
    fresh.changes_left = UINT32_MAX;
    struct stiver_flash port = port_of(&fresh);
    require(stiver_card_manufacture(&port, &factory) == STIVER_CARD_OK);
    keyed = fresh;
    power_on(&card, &keyed);
    make_key(&card, &back_end, modulus);
    stiver_card_power_off(&card);
    ready = keyed;
    power_on(&card, &ready);
    personalise_campus(&card, &back_end, modulus);
    stiver_card_power_off(&card);
    return 0;
}

/* ---- an input ---- */

/* As a terminal of this kind leaves the card in this state; the counter that AUTHENTICATE took is
 * not committed, so that the same signatures serve again. */
static void put_state(struct stiver_card *card, unsigned choice)
{
    struct campus *campus = campus_of(inside(card));
    campus->state = (enum campus_state)(CAMPUS_INIT + choice % (CAMPUS_STATES - CAMPUS_INIT));
    campus->kind = (choice & 0x40) != 0 ? CAMPUS_USAGE_RELOAD : CAMPUS_USAGE_POS;
    campus->terminal = TERMINAL;
    campus->terminal_end = TERMINAL_END;
    campus->terminal_counter = TERMINAL_COUNTER;
    campus->time = TIME;
    campus->amount = (choice & 0x20) != 0 ? FUNDS + 1 : AMOUNT;
    memcpy(campus->terminal_key, values[VALUE_TERMINAL_KEY], RSA_BYTES);
}

static void check_step(const struct campus *was, const struct campus *is, uint8_t ins,
                       uint16_t word, bool is_signed)
{
    const struct campus_ledger *before = &was->ledger, *after = &is->ledger;
    require(after->counter >= before->counter && after->counter <= before->counter + 1);
    require(after->last_seen >= before->last_seen);
    require(!before->is_blocked || after->is_blocked);
    require(before->stage <= after->stage || after->stage == CAMPUS_KEYED);
    if (after->balance.minor > before->balance.minor)
        require(ins == 0x32 && word == 0x9000 && was->kind == CAMPUS_USAGE_RELOAD &&
                was->state == CAMPUS_LOAD_SIGNED &&
                after->balance.minor - before->balance.minor == was->amount);
    if (after->balance.minor < before->balance.minor)
        require(ins == 0x42 && word == 0x9000 && was->kind == CAMPUS_USAGE_POS &&
                was->state == CAMPUS_PAY_AMOUNT &&
                before->balance.minor - after->balance.minor == was->amount);
    if (!is_signed)
        require(after->balance.minor == before->balance.minor && after->counter == before->counter);
}

static void step(struct stiver_card *card, struct reader *r)
{
    uint8_t response[STIVER_APDU_MAX];
    const uint8_t ins = reader_u8(r), p1 = reader_u8(r), p2 = reader_u8(r), which = reader_u8(r);
    const struct campus was = *campus_view(inside(card));
    const bool is_signed = which < VALUES;
    uint16_t word;
    /* The making of an RSA key takes a second. */
    if (was.ledger.stage == CAMPUS_FRESH && ins == 0x02)
        return;
    if (is_signed) {
        word = value_to(card, ins, p2, values[which], 256, response);
    } else {
        size_t length = reader_u16(r) % 300;
        length = length < r->left ? length : r->left;
        const uint8_t *data = reader_take(r, length);
        word = command(card, ins, p1, p2, data, length, (which & 1) != 0 ? 256 : 0, response);
    }
    check_step(&was, campus_view(inside(card)), ins, word, is_signed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct ram_flash flash;
    static struct stiver_card card;
    struct reader r = reader_of(data, bytes);
    const uint8_t choice = reader_u8(&r);
    flash = (choice & 0x80) == 0 ? ready : (choice & 0x40) == 0 ? keyed : fresh;
    power_on(&card, &flash);
    if ((choice & 0x80) == 0)
        put_state(&card, choice & 0x7Fu);
    while (r.left >= 4)
        step(&card, &r);
    uint8_t last[CAMPUS_LEDGER_BYTES], again[CAMPUS_LEDGER_BYTES];
    campus_ledger_encode(&campus_view(inside(&card))->ledger, last);
    stiver_card_power_off(&card);
    power_on(&card, &flash);
    campus_ledger_encode(&campus_view(inside(&card))->ledger, again);
    require(memcmp(last, again, sizeof last) == 0);
    stiver_card_power_off(&card);
    return 0;
}
