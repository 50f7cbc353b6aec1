/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Malformed commands to a blank, a personalised, an issued and an authenticated card: each gets a
 * word of the table, and a refusal leaves the memory as it was, but for the tries of the PIN.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "card/purse/internal.h"
#include "harness.h"
#include "mutate.h"

#define SEEDS_MAX 40u

/* A command that the card may take as it is. */
struct seed {
    enum command command;
    uint8_t data[STIVER_APDU_MAX];
    size_t bytes;
};

static struct card_harness h, start;
static struct seed seeds[SEEDS_MAX];
static size_t seeds_count;
static unsigned refused, taken;

static void add(enum command command, const uint8_t *data, size_t bytes)
{
    assert_true(seeds_count < SEEDS_MAX);
    struct seed *seed = &seeds[seeds_count++];
    seed->command = command;
    seed->bytes = bytes;
    if (bytes != 0)
        memcpy(seed->data, data, bytes);
}

static void add_order(enum command command, enum document_kind kind)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    struct order order = issuer_order_fields(kind, h.statement.card, 1);
    add(command, message, issuer_order(&h.issuer, &order, message));
}

/* One of each row, with the data that it is made for. */
static void make_seeds(void)
{
    uint8_t data[STIVER_APDU_MAX] = {0};
    struct scp11_host host;
    struct certificate fields = issuer_terminal_fields(ROLE_DESK, 9);
    struct test_terminal terminal;
    seeds_count = 0;
    for (unsigned command = 0; command < COMMAND_COUNT; command++)
        add((enum command)command, data, command_rows[command].lc_least);
    memcpy(data + NONCE_BYTES, h.issuer.root.public_key, PUBLIC_KEY_BYTES);
    memcpy(data + NONCE_BYTES + PUBLIC_KEY_BYTES, h.issuer.anchors, h.issuer.anchors_bytes);
    add(COMMAND_INITIALIZE, data, NONCE_BYTES + PUBLIC_KEY_BYTES + h.issuer.anchors_bytes);
    add(COMMAND_STORE_CERTIFICATES, h.issuer.card_authority_certificate.bytes,
        h.issuer.card_authority_certificate.length);
    add_order(COMMAND_ROOT_ORDER, DOCUMENT_TIME_ORDER);
    add_order(COMMAND_ROOT_ORDER, DOCUMENT_FLOOR_ORDER);
    issuer_terminal(&h.issuer, &fields, &terminal);
    add(COMMAND_VERIFY_CERTIFICATE, terminal.certificate.bytes, terminal.certificate.length);
    assert_int_equal(scp11_host_begin(&host, terminal.host_id), CHANNEL_OK);
    add(COMMAND_MUTUAL_AUTHENTICATE, host.request, host.request_bytes);
    card_harness_pay_data(1, 7, data);
    add(COMMAND_PAY, data, SALE_BYTES);
    add(COMMAND_LOAD, data, card_harness_load_data(&h, 100, 2, 9, data, sizeof data));
    add_order(COMMAND_APPLY_ORDER, DOCUMENT_ACKNOWLEDGEMENT);
    add_order(COMMAND_APPLY_ORDER, DOCUMENT_POLICY_ORDER);
    add(COMMAND_BLOCK, data, card_harness_block_data(&h, 8, data, sizeof data));
}

/* ---- what must hold ---- */

static bool is_known(uint16_t word)
{
    enum status status;
    return status_of_word(word, false, &status) || status_of_word(word, true, &status) ||
           word == 0x6884 || /* the core's own: no command chaining */
           (word >= 0x63C0 && word <= 0x63C0 + PIN_TRIES);
}

static bool is_pin(uint8_t ins)
{
    return ins == command_rows[COMMAND_VERIFY_PIN].ins ||
           ins == command_rows[COMMAND_CHANGE_PIN].ins;
}

static void ledger_of(struct card_harness *harness, uint8_t out[LEDGER_BYTES])
{
    ledger_encode(&purse_view((const struct card *)(const void *)harness->card.memory)->ledger,
                  out);
}

static void check(uint16_t word, uint8_t ins)
{
    uint8_t was[LEDGER_BYTES], is[LEDGER_BYTES];
    if (!is_known(word))
        fail_msg("%04X is no word of the card, after %02X", word, ins);
    if (word == 0x9000) {
        taken++;
        return;
    }
    refused++;
    ledger_of(&start, was);
    ledger_of(&h, is);
    assert_memory_equal(was, is, sizeof is);
    if (is_pin(ins) && word >= 0x63C0 && word <= 0x63C0 + PIN_TRIES)
        return; /* a try was spent, and nothing but a try */
    if (h.flash.changes != start.flash.changes)
        fail_msg("%04X after %02X, and the memory has changed", word, ins);
}

/* The card as it was before the case: its RAM, and its flash if that changed. */
static void put_back(void)
{
    h.card = start.card;
    h.channel = start.channel;
    if (h.flash.changes != start.flash.changes)
        h.flash = start.flash;
}

/* ---- in the clear ---- */

static size_t encode(const struct seed *seed, uint8_t *out, size_t capacity)
{
    struct apdu_command apdu = card_harness_apdu(seed->command, seed->data, seed->bytes);
    return apdu_encode(&apdu, out, capacity);
}

static void in_the_clear(const char *what)
{
    uint8_t valid[2 * STIVER_APDU_MAX], bytes[2 * STIVER_APDU_MAX];
    start = h;
    refused = taken = 0;
    for (unsigned i = 0; i < MUTATE_CASES; i++) {
        const struct seed *seed = &seeds[mutate_below((uint32_t)seeds_count)];
        size_t length = mutate(valid, encode(seed, valid, sizeof valid), bytes, sizeof bytes);
        uint16_t word = card_harness_raw(&h, bytes, length);
        check(word, length > 1 ? bytes[1] : 0);
        /* What a blank card takes from anybody is the making of its keys; what any card takes is a
         * root order that stayed whole. */
        if (h.flash.changes != start.flash.changes)
            assert_true(word == 0x9000 && (seed->command == COMMAND_INITIALIZE ||
                                           seed->command == COMMAND_ROOT_ORDER));
        put_back();
    }
    print_message("# %s card: %u malformed commands refused, %u taken as valid\n", what, refused,
                  taken);
    assert_true(refused > MUTATE_CASES / 2);
}

static void a_blank_card_survives(void **state)
{
    (void)state;
    card_harness_blank(&h);
    make_seeds();
    in_the_clear("blank");
}

static void a_personalised_card_survives(void **state)
{
    (void)state;
    card_harness_blank(&h);
    card_harness_personalise(&h);
    card_harness_power_cycle(&h);
    make_seeds();
    in_the_clear("personalised");
}

static void an_issued_card_survives(void **state)
{
    (void)state;
    card_harness_blank(&h);
    card_harness_personalise(&h);
    card_harness_issue(&h);
    make_seeds();
    in_the_clear("issued");
}

/* ---- inside the channel ---- */

/* Malformed before it is protected: the MAC holds, and the handlers see it. */
static uint16_t malformed_inside(const struct seed *seed, uint8_t *ins)
{
    uint8_t data[STIVER_APDU_MAX - 64];
    size_t bytes = mutate(seed->data, seed->bytes, data, mutate_below(4) == 0 ? sizeof data : 420);
    struct apdu_command apdu = card_harness_apdu(seed->command, data, bytes);
    apdu.cla = 0x80;
    if (mutate_below(8) == 0)
        apdu.ins = (uint8_t)mutate_below(256);
    if (mutate_below(8) == 0)
        apdu.p1 = (uint8_t)mutate_below(256);
    if (mutate_below(8) == 0)
        apdu.p2 = (uint8_t)mutate_below(256);
    *ins = apdu.ins;
    return card_harness_secure(&h, &apdu);
}

/* Malformed after it was protected: one bare word, and the channel is closed. */
static uint16_t malformed_outside(const struct seed *seed, uint8_t *ins)
{
    uint8_t sent[2 * STIVER_APDU_MAX], bytes[STIVER_APDU_MAX];
    size_t length = 0;
    struct apdu_command apdu = card_harness_apdu(seed->command, seed->data, seed->bytes);
    apdu.cla = 0x80;
    assert_int_equal(secure_wrap_command(&h.channel, &apdu, bytes, sizeof bytes, &length),
                     CHANNEL_OK);
    length = mutate(bytes, length, sent, sizeof sent);
    *ins = length > 1 ? sent[1] : 0;
    return card_harness_raw(&h, sent, length);
}

static void inside(const char *what, unsigned cases)
{
    start = h;
    refused = taken = 0;
    for (unsigned i = 0; i < cases; i++) {
        const struct seed *seed = &seeds[mutate_below((uint32_t)seeds_count)];
        uint8_t ins = 0;
        uint16_t word = i % 4 == 0 ? malformed_outside(seed, &ins) : malformed_inside(seed, &ins);
        check(word, ins);
        put_back();
    }
    print_message("# %s: %u malformed commands refused, %u taken as valid\n", what, refused, taken);
}

static void an_authenticated_card_survives(void **state)
{
    static const struct {
        enum terminal_role role;
        const char *name;
    } roles[] = {{ROLE_POINT_OF_SALE, "authenticated card, point of sale"},
                 {ROLE_KIOSK, "authenticated card, kiosk"},
                 {ROLE_DESK, "authenticated card, desk"},
                 {ROLE_BANK, "authenticated card, bank"}};
    (void)state;
    card_harness_blank(&h);
    card_harness_personalise(&h);
    card_harness_connect(&h, ROLE_STATION);
    make_seeds();
    inside("authenticated card, station", MUTATE_CASES);
    card_harness_issue(&h);
    card_harness_load(&h, 77, 1000, 1);
    make_seeds();
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        card_harness_power_cycle(&h);
        card_harness_connect(&h, roles[i].role);
        inside(roles[i].name, MUTATE_CASES);
    }
}

static int set_up(void **state)
{
    (void)state;
    mutate_seed();
    return crypto_start() == CRYPTO_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blank_card_survives),
        cmocka_unit_test(a_personalised_card_survives),
        cmocka_unit_test(an_issued_card_survives),
        cmocka_unit_test(an_authenticated_card_survives),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
