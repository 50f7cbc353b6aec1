/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the worked payment of docs/protocol.md: a real terminal and a real card that have never
 * met, under TEST keys, a clock that stands still and randomness that is the same in every run.
 * What the page shows of the inside of the channel is computed here a second time, step by step,
 * and compared with what went over the wire; if anything differs nothing is printed to its end and
 * the exit status is 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "base/tlv.h"
#include "crypto/crypto.h"
#include "replay.h"
#include "town.h"

#define LINE_BYTES 32u
#define EXCHANGES_MOST 8u
#define KEYS_BYTES (5u * AES_KEY_BYTES)
#define MAC_BYTES 8u
#define EPHEMERAL_TLV_BYTES 68u
#define CONTROL_BYTES 33u /* A6 with its header */

struct exchange {
    char name[24];
    uint8_t plain_command[APDU_BYTES_MAX], command[APDU_BYTES_MAX];
    uint8_t plain_response[APDU_BYTES_MAX], response[APDU_BYTES_MAX];
    size_t plain_command_bytes, command_bytes, plain_response_bytes, response_bytes;
};

struct session {
    uint8_t enc[AES_KEY_BYTES], mac[AES_KEY_BYTES], rmac[AES_KEY_BYTES], chain[CMAC_BYTES];
};

static struct town town;
static struct town_terminal kiosk, shop;
static struct town_card card;
static struct exchange exchanges[EXCHANGES_MOST];
static size_t exchanges_count;

/* ---- printing ---- */

static void need(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "The worked payment is not what the page says: %s.\n", what);
    exit(1);
}

static void show(const char *label, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i == 0 || i < bytes; i += LINE_BYTES) {
        (void)printf("    %-20s ", i == 0 ? label : "");
        for (size_t k = i; k < bytes && k < i + LINE_BYTES; k++)
            (void)printf("%02X", data[k]);
        (void)printf("\n");
    }
}

static void show_pair(const char *name, const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    const uint8_t *private_key = replay_private_of(public_key);
    need(private_key != NULL, "a key was not made in this run");
    show(name, private_key, PRIVATE_KEY_BYTES);
    show("  X", public_key, PUBLIC_KEY_BYTES / 2);
    show("  Y", public_key + PUBLIC_KEY_BYTES / 2, PUBLIC_KEY_BYTES / 2);
}

static void show_certificate(const char *name, const uint8_t *bytes, size_t length)
{
    struct reader r = reader_of(bytes, length);
    struct reader content = tlv_expect(&r, 0x7F21);
    const char *label = name;
    uint16_t tag = 0;
    show(label, bytes, (size_t)(content.at - bytes));
    while (!content.failed && content.left > 0) {
        const uint8_t *start = content.at;
        (void)tlv_next(&content, &tag);
        show("", start, (size_t)(content.at - start));
    }
    need(reader_done(&r) && reader_done(&content), "a certificate");
}

/* ---- the payment ---- */

static void record(void *context, const struct stiver_terminal_exchange *e)
{
    struct exchange *to = &exchanges[exchanges_count];
    (void)context;
    need(exchanges_count++ < EXCHANGES_MOST, "so many commands");
    (void)snprintf(to->name, sizeof to->name, "%s", e->command);
    memcpy(to->plain_command, e->plain_command, to->plain_command_bytes = e->plain_command_bytes);
    memcpy(to->command, e->sent_command, to->command_bytes = e->sent_command_bytes);
    memcpy(to->plain_response, e->plain_response,
           to->plain_response_bytes = e->plain_response_bytes);
    memcpy(to->response, e->received_response, to->response_bytes = e->received_response_bytes);
}

static uint32_t clock_of_town(void *context)
{
    return ((const struct town *)context)->now;
}

/* As town_terminal, and traced. */
static void open_shop(void)
{
    static uint8_t package[64u * 1024u];
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    const struct stiver_terminal_environment environment = {
        .now = clock_of_town, .clock_context = &town, .trace = record, .journal_in_memory = true};
    need(stiver_terminal_open(NULL, &environment, &shop.terminal) == STIVER_TERMINAL_OK, "a shop");
    stiver_terminal_request(shop.terminal, request);
    size_t bytes = town_package(&town, ROLE_POINT_OF_SALE, 2, request, &shop.certificate, package,
                                sizeof package);
    need(stiver_terminal_adopt(shop.terminal, package, bytes, NULL) == STIVER_TERMINAL_OK,
         "its enrolment");
}

static struct stiver_terminal_receipt pay(void)
{
    struct stiver_terminal_result result;
    town_found(&town);
    town_terminal(&town, ROLE_KIOSK, 1, NULL, &kiosk);
    open_shop();
    town_card_issue(&town, &card, 1);
    town_load(&kiosk, &card, 2000);
    need(town_pay(&shop, &card, 250, &result) == STIVER_TERMINAL_OK, "the payment");
    need(exchanges_count == 6, "its six commands");
    return result.receipt;
}

/* ---- keys and certificates ---- */

static struct certificate card_certificate(void)
{
    struct certificate certificate;
    const struct exchange *e = &exchanges[3];
    struct certificate_authority authority =
        certificate_as_authority(&town.scheme.card_authority.fields);
    need(certificate_check(&crypto_primitives, e->response, e->response_bytes - 2, CERTIFICATE_CARD,
                           FIXTURE_SCHEME, &authority, &certificate) == DOCUMENT_OK,
         "the card's certificate");
    return certificate;
}

static void show_keys(const struct certificate *of_card)
{
    (void)printf("### Keys\n\nPrivate key, X, Y of each pair.\n\n");
    show_pair("root", town.scheme.root_keys.public_key);
    show_pair("card authority", town.scheme.card_authority.fields.key);
    show_pair("terminal authority", town.scheme.terminal_authority.fields.key);
    show_pair("terminal", shop.certificate.fields.key);
    show_pair("card's channel key", of_card->key);
    show_pair("card's receipt key", of_card->receipt_key);
    (void)printf("\n### Certificates\n\nA TLV a line. The root is number 1 (KVN 01), the terminal "
                 "authority's KVN is 01. HostID is that of the terminal.\n\n");
    show_certificate("card authority", town.scheme.card_authority.bytes,
                     town.scheme.card_authority.length);
    show_certificate("terminal authority", town.scheme.terminal_authority.bytes,
                     town.scheme.terminal_authority.length);
    show_certificate("terminal", shop.certificate.bytes, shop.certificate.length);
    show_certificate("card", exchanges[3].response, exchanges[3].response_bytes - 2);
}

static void hash(const uint8_t *data, size_t bytes, uint8_t out[SHA256_BYTES])
{
    const struct piece piece = {data, bytes};
    need(crypto_sha256(&piece, 1, out) == CRYPTO_OK, "hashing");
}

static void cmac(const uint8_t *key, const struct writer *input, uint8_t out[CMAC_BYTES])
{
    const struct piece piece = {input->start, input->used};
    need(!input->failed && crypto_cmac(key, &piece, 1, out) == CRYPTO_OK, "a MAC");
}

/* ---- the channel, a second time ---- */

static void agree(const char *name, const uint8_t *own_public, const uint8_t *other, uint8_t *out)
{
    const uint8_t *private_key = replay_private_of(own_public);
    need(private_key != NULL && crypto_agree(private_key, other, out) == CRYPTO_OK, name);
    show(name, out, SHARED_SECRET_BYTES);
}

/* SharedInfo = 3C 88 10 | 10 HostID | 04 scheme | 08 card number */
static struct writer shared_info(uint8_t memory[64], const uint8_t host_id[HOST_ID_BYTES],
                                 const uint8_t card_number[CARD_NUMBER_BYTES])
{
    struct writer w = writer_of(memory, 64);
    writer_bytes(&w, (const uint8_t[]){0x3C, 0x88, 0x10, 0x10}, 4);
    writer_bytes(&w, host_id, HOST_ID_BYTES);
    writer_u8(&w, 4);
    writer_u32(&w, FIXTURE_SCHEME);
    writer_u8(&w, CARD_NUMBER_BYTES);
    writer_bytes(&w, card_number, CARD_NUMBER_BYTES);
    return w;
}

static void show_session(const struct exchange *e, const struct certificate *of_card,
                         struct session *s)
{
    static const char *const names[] = {"receipt key", "S-ENC", "S-MAC", "S-RMAC", "S-DEK"};
    uint8_t secrets[2 * SHARED_SECRET_BYTES], info[64], keys[KEYS_BYTES], transcript[256];
    uint8_t host_id[HOST_ID_BYTES];
    const uint8_t *data = e->command + 5;
    const size_t data_bytes = CONTROL_BYTES + EPHEMERAL_TLV_BYTES;
    const uint8_t *host_ephemeral = data + CONTROL_BYTES + 4, *card_ephemeral = e->response + 4;
    memcpy(host_id, data + CONTROL_BYTES - HOST_ID_BYTES, sizeof host_id);
    (void)printf(
        "\nThe terminal's ephemeral key, then the card's, and what follows from them:\n\n");
    show_pair("ephemeral, terminal", host_ephemeral);
    show_pair("ephemeral, card", card_ephemeral);
    agree("ShSee", host_ephemeral, card_ephemeral, secrets);
    agree("ShSss", shop.certificate.fields.key, of_card->key, secrets + SHARED_SECRET_BYTES);
    struct writer w = shared_info(info, host_id, of_card->subject);
    show("SharedInfo", info, w.used);
    need(crypto_kdf_x963(secrets, sizeof secrets, info, w.used, keys, sizeof keys) == CRYPTO_OK,
         "the key derivation");
    for (size_t i = 0; i < 5; i++)
        show(names[i], keys + i * AES_KEY_BYTES, AES_KEY_BYTES);
    w = writer_of(transcript, sizeof transcript);
    writer_bytes(&w, data, data_bytes);
    writer_bytes(&w, e->response, EPHEMERAL_TLV_BYTES);
    show("MAC input", transcript, w.used);
    cmac(keys, &w, s->chain);
    show("receipt", s->chain, CMAC_BYTES);
    need(bytes_equal(s->chain, e->response + EPHEMERAL_TLV_BYTES + 2, CMAC_BYTES), "the receipt");
    memcpy(s->enc, keys + AES_KEY_BYTES, AES_KEY_BYTES);
    memcpy(s->mac, keys + 2 * AES_KEY_BYTES, AES_KEY_BYTES);
    memcpy(s->rmac, keys + 3 * AES_KEY_BYTES, AES_KEY_BYTES);
}

/* ---- secure messaging, a second time ---- */

/* AES alone: CBC is done here by hand. */
static void encrypt_block(const uint8_t key[AES_KEY_BYTES], const uint8_t in[16], uint8_t out[16])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;
    size_t bytes = 0;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECB_NO_PADDING);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT);
    need(psa_import_key(&attributes, key, AES_KEY_BYTES, &id) == PSA_SUCCESS &&
             psa_cipher_encrypt(id, PSA_ALG_ECB_NO_PADDING, in, 16, out, 16, &bytes) ==
                 PSA_SUCCESS &&
             bytes == 16 && psa_destroy_key(id) == PSA_SUCCESS,
         "a block of AES");
}

static void encrypt_cbc(const uint8_t key[AES_KEY_BYTES], const uint8_t iv[16],
                        const uint8_t *plain, size_t bytes, uint8_t *sealed)
{
    uint8_t block[16];
    memcpy(block, iv, sizeof block);
    for (size_t i = 0; i < bytes; i += sizeof block) {
        for (size_t k = 0; k < sizeof block; k++)
            block[k] ^= plain[i + k];
        encrypt_block(key, block, block);
        memcpy(sealed + i, block, sizeof block);
    }
}

/* Pads, encrypts and shows; the sealed bytes are appended to *input. */
static void seal(const struct session *s, uint8_t first, const uint8_t *plain, size_t bytes,
                 struct writer *input)
{
    uint8_t counter[16] = {first, [15] = 1}, iv[16], padded[128] = {0};
    size_t padded_bytes = (bytes / 16 + 1) * 16;
    need(padded_bytes <= sizeof padded, "room");
    encrypt_block(s->enc, counter, iv);
    memcpy(padded, plain, bytes);
    padded[bytes] = 0x80;
    uint8_t *sealed = writer_reserve(input, padded_bytes);
    need(sealed != NULL, "room");
    encrypt_cbc(s->enc, iv, padded, padded_bytes, sealed);
    show("plain data", plain, bytes);
    show("padded", padded, padded_bytes);
    show("counter block", counter, sizeof counter);
    show("initial vector", iv, sizeof iv);
    show("encrypted", sealed, padded_bytes);
}

static void show_pay(const struct exchange *e, struct session *s)
{
    uint8_t memory[256], mac[CMAC_BYTES];
    struct writer input = writer_of(memory, sizeof memory);
    (void)printf("\nThe command: header of the MAC input with CLA 84 and Lc 28 (32 + 8).\n\n");
    writer_bytes(&input, s->chain, CMAC_BYTES);
    writer_bytes(&input, (const uint8_t[]){0x84, 0x40, 0x00, 0x00, 0x28}, 5);
    seal(s, 0x00, e->plain_command + 5, SALE_BYTES, &input);
    cmac(s->mac, &input, mac);
    show("MAC input", memory, input.used);
    show("MAC", mac, sizeof mac);
    need(bytes_equal(memory + CMAC_BYTES, e->command, input.used - CMAC_BYTES) &&
             bytes_equal(mac, e->command + input.used - CMAC_BYTES, MAC_BYTES),
         "the protected command");
    memcpy(s->chain, mac, CMAC_BYTES);
    (void)printf("\nThe answer:\n\n");
    input = writer_of(memory, sizeof memory);
    writer_bytes(&input, s->chain, CMAC_BYTES);
    seal(s, 0x80, e->plain_response, PAY_ANSWER_BYTES, &input);
    need(bytes_equal(memory + CMAC_BYTES, e->response, input.used - CMAC_BYTES), "the answer");
    size_t sealed_bytes = input.used - CMAC_BYTES;
    writer_u16(&input, 0x9000);
    cmac(s->rmac, &input, mac);
    show("MAC input", memory, input.used);
    show("MAC", mac, sizeof mac);
    need(bytes_equal(mac, e->response + sealed_bytes, MAC_BYTES), "the answer's MAC");
}

static void show_exchange(unsigned number, const struct exchange *e)
{
    (void)printf("\n### %u %s\n\n", number, e->name);
    show("to the card", e->command, e->command_bytes);
    show("from the card", e->response, e->response_bytes);
}

/* ---- the receipt ---- */

static void show_receipt(const struct stiver_terminal_receipt *receipt,
                         const struct certificate *of_card)
{
    const size_t unsigned_bytes = RECEIPT_BYTES - SIGNATURE_BYTES;
    uint8_t covered[7 + RECEIPT_BYTES] = "stiver", digest[SHA256_BYTES];
    memcpy(covered + 7, receipt->document, unsigned_bytes);
    hash(covered, 7 + unsigned_bytes, digest);
    need(crypto_verify(of_card->receipt_key, digest, receipt->document + unsigned_bytes) ==
             CRYPTO_OK,
         "the receipt's signature");
    (void)printf(
        "\n### The receipt\n\nPut together from the terminal's own sale and certificate and "
        "the card's answer: the signed bytes, their hash, the signature; then the "
        "document.\n\n");
    show("signed bytes", covered, 7 + unsigned_bytes);
    show("SHA-256", digest, sizeof digest);
    show("r", receipt->document + unsigned_bytes, SIGNATURE_BYTES / 2);
    show("s", receipt->document + unsigned_bytes + SIGNATURE_BYTES / 2, SIGNATURE_BYTES / 2);
    show("document", receipt->document, RECEIPT_BYTES);
}

int main(void)
{
    static struct session session;
    struct stiver_terminal_receipt receipt = pay();
    struct certificate of_card = card_certificate();
    uint8_t digest[SHA256_BYTES];
    show_keys(&of_card);
    hash(shop.certificate.bytes, shop.certificate.length, digest);
    show("HostID", digest, HOST_ID_BYTES);
    for (unsigned i = 0; i < 6; i++) {
        show_exchange(i + 1, &exchanges[i]);
        if (i == 4)
            show_session(&exchanges[i], &of_card, &session);
        if (i == 5)
            show_pay(&exchanges[i], &session);
    }
    show_receipt(&receipt, &of_card);
    town_card_remove(&card);
    town_terminal_close(&shop);
    town_terminal_close(&kiosk);
    return 0;
}
