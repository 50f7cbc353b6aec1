/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power lost at every operation of the memory, in every way, in every command of the campus purse
 * that changes something: afterwards all of its records are those from before or those from after,
 * never a mixture (W8: balance and counter were written in halves, one after the other).
 *
 * The key that the card makes is made once; each later time it makes the same.
 */
#include "campus_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <psa/crypto.h>

psa_status_t __real_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id);
psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id);

static uint8_t made_key[RSA_PRIVATE_BYTES_MAX];
static size_t made_bytes;

psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *id)
{
    if (psa_get_key_type(attributes) != PSA_KEY_TYPE_RSA_KEY_PAIR)
        return __real_psa_generate_key(attributes, id);
    if (made_bytes != 0)
        return psa_import_key(attributes, made_key, made_bytes, id);
    psa_status_t status = __real_psa_generate_key(attributes, id);
    if (status == PSA_SUCCESS)
        status = psa_export_key(*id, made_key, sizeof made_key, &made_bytes);
    return status;
}

/* ---- all that the campus purse keeps ---- */

struct records {
    uint8_t bytes[CAMPUS_RECORD_BYTES];
    size_t used;
};

/* Leaves the card off. */
static struct records records_now(void)
{
    static const uint8_t salt[NVM_SALT_BYTES] = {3};
    struct records all = {.used = 0};
    struct nvm nvm;
    stiver_card_power_off(&campus.card);
    flash_emulator_power_up(&campus.flash);
    assert_int_equal(nvm_mount(&nvm, &campus.flash.flash, salt), NVM_OK);
    for (unsigned id = 0; id <= 0xFF; id++) {
        size_t bytes = 0;
        uint8_t *at = all.bytes + all.used;
        if (nvm_size(&nvm, OWNER_CAMPUS, (uint8_t)id, &bytes) == NVM_ABSENT)
            continue;
        assert_true(all.used + 1 + bytes <= sizeof all.bytes);
        at[0] = (uint8_t)id;
        assert_int_equal(nvm_read(&nvm, OWNER_CAMPUS, (uint8_t)id, NULL, at + 1, bytes, &bytes),
                         NVM_OK);
        all.used += 1 + bytes;
    }
    return all;
}

static bool records_equal(const struct records *a, const struct records *b)
{
    return a->used == b->used && memcmp(a->bytes, b->bytes, a->used) == 0;
}

/* ---- commands ---- */

static uint16_t set_key(void)
{
    return campus_value_to(0x02, 0, campus_back_end.modulus, 0);
}

static uint16_t set_other_key(void)
{
    return campus_value_to(0x02, 0, campus_pos.modulus, 0);
}

static uint16_t set_identity(void)
{
    uint8_t data[8];
    campus_u32(data, campus.card_id);
    campus_u32(data + 4, CARD_END);
    return campus_send(0x04, 0, 0, data, sizeof data, NO_LE);
}

static uint16_t set_certificate(void)
{
    struct campus_peer card = {.id = CARD_ID, .end = CARD_END, .kind = 1};
    memcpy(card.modulus, campus.card_key, 256);
    campus_certify(&card);
    return campus_value_to(0x06, 0, card.certificate, NO_LE);
}

static uint16_t metadata(void)
{
    return campus_metadata_step(&campus_pos, NOW);
}

/* The same command with the counter, or the card, at its end: the card blocks itself. */
static void at_last_counter(void)
{
    campus_change(ledger_counter, 0x3FFFFFFFu);
}

static void before_last_load(void)
{
    campus_change(ledger_counter, 0x3FFFFFFDu);
    campus_meet(&campus_reload, NOW);
    assert_int_equal(campus_amount_step(5), 0x9000);
}

static void after_last_talk(void)
{
    campus_change(ledger_counter, 0x3FFFFFFEu);
    campus_meet(&campus_pos, NOW);
}

static void before_last_payment(void)
{
    after_last_talk();
    assert_int_equal(campus_amount_step(5), 0x9000);
}

static void change_end(struct campus_ledger *ledger, uint32_t value)
{
    ledger->end = value;
}

static void on_expired_card(void)
{
    /* Its certificate is no longer right: nothing here looks at it. */
    campus_change(change_end, NOW - 1);
    assert_int_equal(campus_metadata_step(&campus_pos, NOW), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_int_equal(campus_value_to(0x24, 2, campus_pos.certificate, 0), 0x9000);
}

/* Comes to a command during which the memory turns a page: begin and command in turn, until one
 * takes as much more than the first as copying a page does; then back to before it. */
static void come_to_page_turn(void (*begin)(uint32_t time), uint16_t (*command)(void))
{
    uint32_t usual = 0;
    for (uint32_t i = 0; i < 500; i++) {
        begin(i);
        campus_keep(STAGE_LOADED);
        uint32_t operations = campus.flash.operations;
        assert_int_equal(command(), 0x9000);
        operations = campus.flash.operations - operations;
        usual = i == 0 ? operations : usual;
        if (operations > usual + 6) {
            campus_at(STAGE_LOADED);
            return;
        }
    }
    fail_msg("no page was turned");
}

static void begin_identity(uint32_t time)
{
    campus.card_id = CARD_ID + time;
}

static void begin_payment(uint32_t time)
{
    campus_reset();
    campus_meet(&campus_pos, NOW + time);
    assert_int_equal(campus_amount_step(1), 0x9000);
}

static void begin_finish(uint32_t time)
{
    campus_reset();
    campus_meet(&campus_reload, NOW + time);
    assert_int_equal(campus_amount_step(1), 0x9000);
    assert_int_equal(campus_load_step(), 0x9000);
}

static void turning_in_identity(void)
{
    come_to_page_turn(begin_identity, set_identity);
}

static void turning_in_payment(void)
{
    come_to_page_turn(begin_payment, campus_pay_step);
}

static void turning_in_finish(void)
{
    come_to_page_turn(begin_finish, campus_finish_step);
}

static const struct torn {
    const char *name;
    enum stage stage;
    void (*prepare)(void); /* or NULL */
    uint16_t (*command)(void);
    uint16_t word; /* without a tear */
} cases[] = {
    {"SET KEY", STAGE_FRESH, NULL, set_key, 0x9000},
    {"SET KEY of another back end", STAGE_NAMED, NULL, set_other_key, 0x9000},
    {"SET IDENTITY", STAGE_KEYED, NULL, set_identity, 0x9000},
    {"SET IDENTITY, turning a page", STAGE_KEYED, turning_in_identity, set_identity, 0x9000},
    {"SET CERTIFICATE", STAGE_NAMED, NULL, set_certificate, 0x9000},
    {"EXCHANGE METADATA, no counter left", STAGE_INIT, at_last_counter, metadata, 0x6985},
    {"AUTHENTICATE", STAGE_CERTIFIED, NULL, campus_authenticate_step, 0x9000},
    {"AUTHENTICATE, expired", STAGE_INIT, on_expired_card, campus_authenticate_step, 0x6985},
    {"LOAD", STAGE_LOAD_AMOUNT, NULL, campus_load_step, 0x9000},
    {"LOAD, no counter left", STAGE_INIT, before_last_load, campus_load_step, 0x6985},
    {"FINISH LOAD", STAGE_LOAD_SIGNED, NULL, campus_finish_step, 0x9000},
    {"FINISH LOAD, turning a page", STAGE_INIT, turning_in_finish, campus_finish_step, 0x9000},
    {"PAY", STAGE_PAY_AMOUNT, NULL, campus_pay_step, 0x9000},
    {"PAY, turning a page", STAGE_INIT, turning_in_payment, campus_pay_step, 0x9000},
    {"PAY, no counter left", STAGE_INIT, before_last_payment, campus_pay_step, 0x6985},
    {"BLOCK", STAGE_AUTHENTICATED_POS, NULL, campus_block_step, 0x9000},
    {"BLOCK, no counter left", STAGE_INIT, after_last_talk, campus_block_step, 0x6985},
};
#define CASES (sizeof cases / sizeof cases[0])
/* Where the prepared card of a case is kept: a stage that no case begins at, like LOADED. */
#define STAGE_PREPARED STAGE_PAID

/* What the card may do after the tear, when its records are those of before or of after. */
static void go_on(const struct torn *torn, bool happened)
{
    campus_reset();
    if (torn->stage < STAGE_INIT && torn->command != set_certificate) {
        if (torn->command != set_other_key)
            assert_int_equal(set_key(), 0x9000);
    } else if (torn->command == set_certificate && !happened) {
        assert_int_equal(set_certificate(), 0x9000);
    } else if (torn->word == 0x9000 && torn->command != campus_block_step) {
        assert_int_equal(campus_load_all(1, NOW), 0x9000);
    } else if (happened) {
        assert_int_equal(metadata(), 0x6986);
    }
}

static void tear_everywhere(const struct torn *torn)
{
    campus_at(torn->stage);
    if (torn->prepare != NULL)
        torn->prepare();
    campus_keep(STAGE_PREPARED);
    struct records before = records_now();
    campus_at(STAGE_PREPARED);
    uint32_t operations = campus.flash.operations;
    assert_int_equal(torn->command(), torn->word);
    operations = campus.flash.operations - operations;
    assert_int_not_equal(operations, 0);
    struct records after = records_now();
    assert_false(records_equal(&before, &after));
    unsigned happened = 0, tears = 0;
    for (uint32_t cut = 1; cut <= operations; cut++) {
        for (int kind = 0; kind < TEAR_KINDS; kind++, tears++) {
            campus_at(STAGE_PREPARED);
            flash_emulator_cut(&campus.flash, cut, (enum tear)kind);
            assert_int_equal(torn->command(), 0); /* a card without power says nothing */
            struct records now = records_now();
            bool is_after = records_equal(&now, &after);
            assert_true(is_after || records_equal(&now, &before));
            happened += is_after;
            if (tears % 16 == 0)
                go_on(torn, is_after);
        }
    }
    assert_true(happened > 0 && happened < tears); /* both sides of the commit were met */
    print_message("# %s: %u operations, %u tears, %u after the commit\n", torn->name,
                  (unsigned)operations, tears, happened);
}

static void w8_a_torn_personalisation_is_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++)
        tear_everywhere(&cases[i]);
}

static void w8_a_torn_authentication_is_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 5; i < 8; i++)
        tear_everywhere(&cases[i]);
}

static void w8_torn_money_has_moved_or_not(void **state)
{
    (void)state;
    for (size_t i = 8; i < 15; i++)
        tear_everywhere(&cases[i]);
}

static void w8_a_torn_block_is_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 15; i < CASES; i++)
        tear_everywhere(&cases[i]);
}

/* The other commands write nothing that could be torn. */
static void the_other_commands_write_nothing(void **state)
{
    (void)state;
    campus_at(STAGE_INIT);
    uint32_t operations = campus.flash.operations;
    assert_int_equal(metadata(), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_int_equal(campus_certificates_step(), 0x9000);
    assert_int_equal(campus.flash.operations, operations);
    assert_int_equal(campus_authenticate_step(), 0x9000);
    operations = campus.flash.operations;
    assert_int_equal(campus_amount_step(1), 0x9000);
    assert_int_equal(campus_balance(), FUNDS);
    assert_int_equal(campus_send(0x56, 0, 0, NULL, 0, 0), 0x9000);
    assert_int_equal(campus.flash.operations, operations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_other_commands_write_nothing),
        cmocka_unit_test(w8_a_torn_personalisation_is_whole_or_not_at_all),
        cmocka_unit_test(w8_a_torn_authentication_is_whole_or_not_at_all),
        cmocka_unit_test(w8_torn_money_has_moved_or_not),
        cmocka_unit_test(w8_a_torn_block_is_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, campus_open, campus_close);
}
