/* SPDX-License-Identifier: Apache-2.0 */
#include "campus_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#define PAGE_BYTES 4096u
#define PAGES 10u
#define UNIT_BYTES 8u

struct campus_world campus;
struct campus_peer campus_back_end, campus_pos, campus_reload;

/* A picture holds the card's RAM too: restored to the same place, its pointers still hold. */
static struct {
    bool is_taken;
    struct flash_emulator flash;
    struct campus_world world;
} pictures[STAGES];

/* ---- keys ---- */

void campus_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static size_t numbers_encode(const uint32_t *numbers, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        campus_u32(out + 4 * i, numbers[i]);
    return 4 * count;
}

static void key_sign(void *key, const uint8_t *text, size_t bytes, uint8_t signature[256])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t length = 256;
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha1(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &length, text, bytes), 1);
    assert_int_equal(length, 256);
    EVP_MD_CTX_free(context);
}

void campus_signature(const struct campus_peer *peer, const uint32_t *numbers, size_t count,
                      uint8_t signature[256])
{
    uint8_t text[20];
    key_sign(peer->key, text, numbers_encode(numbers, count, text), signature);
}

static EVP_PKEY *key_of(const uint8_t modulus[256])
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus, 256, NULL);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_ulong(build, OSSL_PKEY_PARAM_RSA_E, 65537), 1);
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    EVP_PKEY_CTX_free(context);
    return key;
}

static bool key_signed(const uint8_t modulus[256], const uint8_t *text, size_t bytes,
                       const uint8_t signature[256])
{
    EVP_PKEY *key = key_of(modulus);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha1(), NULL, key), 1);
    bool is_good = EVP_DigestVerify(context, signature, 256, text, bytes) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return is_good;
}

bool campus_card_signed(const uint32_t *numbers, size_t count, const uint8_t signature[256])
{
    uint8_t text[20];
    return key_signed(campus.card_key, text, numbers_encode(numbers, count, text), signature);
}

/* ID 4 | end 4 | modulus 256 | usage 1 */
static void certificate_text(uint32_t id, uint32_t end, const uint8_t modulus[256], uint8_t usage,
                             uint8_t text[265])
{
    campus_u32(text, id);
    campus_u32(text + 4, end);
    memcpy(text + 8, modulus, 256);
    text[264] = usage;
}

void campus_certify(struct campus_peer *peer)
{
    uint8_t text[265];
    certificate_text(peer->id, peer->end, peer->modulus, peer->kind, text);
    key_sign(campus_back_end.key, text, sizeof text, peer->certificate);
}

void campus_peer_make(struct campus_peer *peer, uint32_t id, uint32_t end, uint8_t kind)
{
    BIGNUM *n = NULL;
    *peer = (struct campus_peer){
        .key = EVP_RSA_gen(2048), .id = id, .end = end, .kind = kind, .counter = 0};
    assert_non_null(peer->key);
    assert_int_equal(EVP_PKEY_get_bn_param(peer->key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    assert_int_equal(BN_bn2binpad(n, peer->modulus, 256), 256);
    BN_free(n);
    if (campus_back_end.key != NULL && peer != &campus_back_end)
        campus_certify(peer);
}

/* ---- bytes ---- */

uint16_t campus_raw(const uint8_t *bytes, size_t length)
{
    uint8_t response[STIVER_APDU_MAX];
    size_t answered = stiver_card_transmit(&campus.card, bytes, length, response);
    campus.answer_bytes = 0;
    if (answered == 0)
        return 0;
    campus.wire_bytes += length + answered;
    campus.apdus++;
    campus.answer_bytes = answered - 2;
    memcpy(campus.answer, response, campus.answer_bytes);
    return (uint16_t)(response[answered - 2] << 8 | response[answered - 1]);
}

uint16_t campus_send(uint8_t ins, uint8_t p1, uint8_t p2, const uint8_t *data, size_t lc, int le)
{
    uint8_t bytes[262] = {0x00, ins, p1, p2};
    size_t length = 4;
    assert_in_range(lc, 0, 255);
    if (lc != 0) {
        bytes[length++] = (uint8_t)lc;
        memcpy(bytes + length, data, lc);
        length += lc;
    }
    if (le != NO_LE)
        bytes[length++] = (uint8_t)le;
    return campus_raw(bytes, length);
}

uint16_t campus_value_to(uint8_t ins, uint8_t p2, const uint8_t value[256], int le)
{
    return campus_send(ins, value[0], p2, value + 1, 255, le);
}

/* ---- the card ---- */

uint16_t campus_select(void)
{
    static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00, 0x06, 0x2D,
                                     0x54, 0x45, 0x53, 0x54, 0x70};
    campus.wire_bytes = 0;
    campus.apdus = 0;
    uint16_t word = campus_raw(select, sizeof select);
    assert_int_equal(campus.answer_bytes, 0);
    return word;
}

void campus_reset(void)
{
    stiver_card_power_off(&campus.card);
    flash_emulator_power_up(&campus.flash);
    assert_int_equal(stiver_card_power_on(&campus.card, &campus.flash.flash), STIVER_CARD_OK);
    assert_int_equal(campus_select(), 0x9000);
}

void campus_keep(enum stage stage)
{
    if (!pictures[stage].is_taken)
        flash_emulator_open(&pictures[stage].flash, PAGE_BYTES, PAGES, UNIT_BYTES, 1);
    pictures[stage].is_taken = true;
    flash_emulator_copy(&pictures[stage].flash, &campus.flash);
    pictures[stage].world = campus;
}

void campus_at(enum stage stage)
{
    struct flash_emulator flash = campus.flash; /* owns its memory */
    assert_true(pictures[stage].is_taken);
    campus = pictures[stage].world;
    campus.flash = flash;
    flash_emulator_copy(&campus.flash, &pictures[stage].flash);
}

/* The store under the card, opened with the card off. */
static void store_open(struct nvm *nvm)
{
    static const uint8_t salt[NVM_SALT_BYTES] = {7};
    stiver_card_power_off(&campus.card);
    flash_emulator_power_up(&campus.flash);
    assert_int_equal(nvm_mount(nvm, &campus.flash.flash, salt), NVM_OK);
}

static struct campus_ledger store_ledger(struct nvm *nvm)
{
    uint8_t record[CAMPUS_LEDGER_BYTES];
    struct campus_ledger ledger;
    size_t bytes = 0;
    assert_int_equal(
        nvm_read(nvm, OWNER_CAMPUS, CAMPUS_RECORD_LEDGER, NULL, record, sizeof record, &bytes),
        NVM_OK);
    assert_true(campus_ledger_decode(record, bytes, &ledger));
    return ledger;
}

struct campus_ledger campus_ledger_now(void)
{
    struct nvm nvm;
    store_open(&nvm);
    struct campus_ledger ledger = store_ledger(&nvm);
    campus_reset();
    return ledger;
}

void campus_change(void (*change)(struct campus_ledger *ledger, uint32_t value), uint32_t value)
{
    uint8_t record[CAMPUS_LEDGER_BYTES];
    struct nvm nvm;
    store_open(&nvm);
    struct campus_ledger ledger = store_ledger(&nvm);
    change(&ledger, value);
    campus_ledger_encode(&ledger, record);
    assert_int_equal(nvm_begin(&nvm, sizeof record, 1), NVM_OK);
    assert_int_equal(nvm_put(&nvm, OWNER_CAMPUS, CAMPUS_RECORD_LEDGER, CAMPUS_RECORD_VERSION,
                             record, sizeof record),
                     NVM_OK);
    assert_int_equal(nvm_commit(&nvm), NVM_OK);
    campus_reset();
}

void ledger_balance(struct campus_ledger *ledger, uint32_t value)
{
    ledger->balance.minor = value;
}

void ledger_counter(struct campus_ledger *ledger, uint32_t value)
{
    ledger->counter = value;
}

/* SET IDENTITY and SET CERTIFICATE, as the published station sends them. */
void campus_issue(uint32_t id, uint32_t end)
{
    uint8_t data[8], text[265], signature[256];
    campus_at(STAGE_KEYED);
    campus_u32(data, id);
    campus_u32(data + 4, end);
    assert_int_equal(campus_send(0x04, 0, 0, data, 8, NO_LE), 0x9000);
    certificate_text(id, end, campus.card_key, 1, text);
    key_sign(campus_back_end.key, text, sizeof text, signature);
    assert_int_equal(campus_value_to(0x06, 0, signature, NO_LE), 0x9000);
    campus.card_id = id;
    campus.card_end = end;
}

/* ---- steps ---- */

uint16_t campus_metadata_step(struct campus_peer *peer, uint32_t time)
{
    uint8_t data[16];
    campus.peer = peer;
    campus.time = time;
    campus_u32(data, peer->id);
    campus_u32(data + 4, peer->end);
    campus.terminal_counter = ++peer->counter;
    campus_u32(data + 8, campus.terminal_counter);
    campus_u32(data + 12, time);
    uint16_t word = campus_send(0x20, 0, 0, data, sizeof data, NO_LE);
    if (word != 0x9000)
        return word;
    assert_int_equal(campus.answer_bytes, 12);
    struct reader r = reader_of(campus.answer, 12);
    campus.card_id = reader_u32(&r);
    campus.card_end = reader_u32(&r);
    campus.base = reader_u32(&r);
    return word;
}

uint16_t campus_keys_step(void)
{
    uint16_t word = campus_value_to(0x22, 0, campus.peer->modulus, 0);
    if (word == 0x9000) {
        assert_int_equal(campus.answer_bytes, 256);
        memcpy(campus.card_key, campus.answer, 256);
    }
    return word;
}

uint16_t campus_certificates_step(void)
{
    uint8_t text[265];
    uint16_t word = campus_value_to(0x24, campus.peer->kind, campus.peer->certificate, 0);
    if (word == 0x9000) {
        assert_int_equal(campus.answer_bytes, 256);
        certificate_text(campus.card_id, campus.card_end, campus.card_key, 1, text);
        assert_true(key_signed(campus_back_end.modulus, text, sizeof text, campus.answer));
    }
    return word;
}

uint16_t campus_authenticate_step(void)
{
    uint8_t s1[256];
    const uint32_t asked[] = {campus.card_id, campus.card_end, campus.base};
    const uint32_t said[] = {campus.peer->id, campus.peer->end, campus.terminal_counter};
    campus_signature(campus.peer, asked, 3, s1);
    uint16_t word = campus_value_to(0x26, 0, s1, 0);
    if (word == 0x9000) {
        assert_int_equal(campus.answer_bytes, 256);
        memcpy(campus.s2, campus.answer, 256);
        assert_true(campus_card_signed(said, 3, campus.s2));
    }
    return word;
}

uint16_t campus_amount_step(uint32_t amount)
{
    uint8_t data[4];
    campus.amount = amount;
    campus_u32(data, amount);
    return campus_send(0x28, 0, 0, data, sizeof data, NO_LE);
}

/* S3, over the counter after base; S4 must say the same, and who and when. */
static uint16_t amount_signature_step(uint8_t ins)
{
    uint8_t s3[256];
    const uint32_t asked[] = {campus.base + 1, campus.amount, campus.card_id};
    const uint32_t said[] = {campus.peer->id, campus.base + 1, campus.amount, campus.card_id,
                             campus.time};
    campus_signature(campus.peer, asked, 3, s3);
    uint16_t word = campus_value_to(ins, 0, s3, 0);
    if (word == 0x9000) {
        assert_int_equal(campus.answer_bytes, 256);
        memcpy(campus.s4, campus.answer, 256);
        assert_true(campus_card_signed(said, 5, campus.s4));
    }
    return word;
}

uint16_t campus_load_step(void)
{
    return amount_signature_step(0x30);
}

uint16_t campus_pay_step(void)
{
    return amount_signature_step(0x42);
}

uint16_t campus_finish_step(void)
{
    uint8_t s5[256];
    const uint32_t asked[] = {campus.base + 2, campus.amount, campus.card_id};
    campus_signature(campus.peer, asked, 3, s5);
    uint16_t word = campus_value_to(0x32, 0, s5, NO_LE);
    assert_int_equal(campus.answer_bytes, 0);
    return word;
}

uint16_t campus_block_step(void)
{
    uint8_t command[256];
    const uint32_t asked[] = {campus.card_id, campus.base + 1};
    const uint32_t said[] = {campus.peer->id, campus.terminal_counter, campus.peer->end};
    campus_signature(campus.peer, asked, 2, command);
    uint16_t word = campus_value_to(0x50, 0, command, 0);
    if (word == 0x9000) {
        assert_int_equal(campus.answer_bytes, 256);
        assert_true(campus_card_signed(said, 3, campus.answer));
    }
    return word;
}

void campus_meet(struct campus_peer *peer, uint32_t time)
{
    assert_int_equal(campus_metadata_step(peer, time), 0x9000);
    assert_int_equal(campus_keys_step(), 0x9000);
    assert_int_equal(campus_certificates_step(), 0x9000);
    assert_int_equal(campus_authenticate_step(), 0x9000);
}

uint16_t campus_load_all(uint32_t amount, uint32_t time)
{
    campus_reset();
    campus_meet(&campus_reload, time);
    uint16_t word = campus_amount_step(amount);
    if (word == 0x9000)
        word = campus_load_step();
    return word == 0x9000 ? campus_finish_step() : word;
}

uint16_t campus_pay_all(uint32_t amount, uint32_t time)
{
    campus_reset();
    campus_meet(&campus_pos, time);
    uint16_t word = campus_amount_step(amount);
    return word == 0x9000 ? campus_pay_step() : word;
}

uint32_t campus_balance(void)
{
    assert_int_equal(campus_send(0x54, 0, 0, NULL, 0, 0), 0x9000);
    assert_int_equal(campus.answer_bytes, 4);
    struct reader r = reader_of(campus.answer, 4);
    return reader_u32(&r);
}

/* ---- a world ---- */

static void make_card(void)
{
    const struct stiver_card_factory factory = {
        .serial = "campus..", .is_hardware = 1, .has_campus = 1};
    flash_emulator_open(&campus.flash, PAGE_BYTES, PAGES, UNIT_BYTES, 42);
    flash_emulator_power_up(&campus.flash);
    assert_int_equal(stiver_card_manufacture(&campus.flash.flash, &factory), STIVER_CARD_OK);
    campus_reset();
    campus_keep(STAGE_FRESH);
    assert_int_equal(campus_value_to(0x02, 0, campus_back_end.modulus, 0), 0x9000);
    assert_int_equal(campus.answer_bytes, 256);
    memcpy(campus.card_key, campus.answer, 256);
    campus_keep(STAGE_KEYED);
}

static void make_stages_of(struct campus_peer *peer)
{
    const bool is_pos = peer == &campus_pos;
    campus_at(STAGE_INIT);
    assert_int_equal(campus_metadata_step(peer, NOW), 0x9000);
    campus_keep(STAGE_MET);
    assert_int_equal(campus_keys_step(), 0x9000);
    campus_keep(STAGE_KEYS_KNOWN);
    assert_int_equal(campus_certificates_step(), 0x9000);
    campus_keep(STAGE_CERTIFIED);
    assert_int_equal(campus_authenticate_step(), 0x9000);
    campus_keep(is_pos ? STAGE_AUTHENTICATED_POS : STAGE_AUTHENTICATED_RELOAD);
    assert_int_equal(campus_amount_step(1234), 0x9000);
    campus_keep(is_pos ? STAGE_PAY_AMOUNT : STAGE_LOAD_AMOUNT);
    if (is_pos) {
        assert_int_equal(campus_pay_step(), 0x9000);
        campus_keep(STAGE_PAID);
        return;
    }
    assert_int_equal(campus_load_step(), 0x9000);
    campus_keep(STAGE_LOAD_SIGNED);
    assert_int_equal(campus_finish_step(), 0x9000);
    campus_keep(STAGE_LOADED);
}

int campus_open(void **state)
{
    uint8_t data[8];
    (void)state;
    assert_int_equal(crypto_start(), CRYPTO_OK);
    campus_peer_make(&campus_back_end, 0, 0, 0);
    campus_peer_make(&campus_pos, POS_ID, TERMINAL_END, 2);
    campus_peer_make(&campus_reload, RELOAD_ID, TERMINAL_END, 3);
    make_card();
    campus_u32(data, CARD_ID);
    campus_u32(data + 4, CARD_END);
    assert_int_equal(campus_send(0x04, 0, 0, data, 8, NO_LE), 0x9000);
    campus_keep(STAGE_NAMED);
    campus_issue(CARD_ID, CARD_END);
    campus_change(ledger_balance, FUNDS);
    campus_keep(STAGE_INIT);
    make_stages_of(&campus_reload);
    make_stages_of(&campus_pos); /* MET to CERTIFIED are a point of sale's */
    campus_at(STAGE_AUTHENTICATED_POS);
    assert_int_equal(campus_block_step(), 0x9000);
    campus_keep(STAGE_BLOCKED);
    return 0;
}

int campus_close(void **state)
{
    (void)state;
    for (int i = 0; i < STAGES; i++)
        if (pictures[i].is_taken)
            flash_emulator_close(&pictures[i].flash);
    flash_emulator_close(&campus.flash);
    EVP_PKEY_free(campus_back_end.key);
    EVP_PKEY_free(campus_pos.key);
    EVP_PKEY_free(campus_reload.key);
    return 0;
}
