/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HOUR 3600u

/* ---- flash ---- */

static enum stiver_flash_status flash_read(void *context, uint32_t address, uint8_t *out,
                                           size_t bytes)
{
    struct harness_flash *flash = context;
    if (flash->changes_left == 0)
        return STIVER_FLASH_POWER_LOST;
    if (address > sizeof flash->memory || bytes > sizeof flash->memory - address)
        return STIVER_FLASH_RANGE;
    memcpy(out, flash->memory + address, bytes);
    return STIVER_FLASH_OK;
}

/* Counts a change; anything but OK means that it does not happen. */
static enum stiver_flash_status flash_change(struct harness_flash *flash)
{
    if (flash->changes_left == 0)
        return STIVER_FLASH_POWER_LOST;
    if (flash->is_worn)
        return STIVER_FLASH_WORN;
    if (flash->changes_left > 0 && --flash->changes_left == 0)
        return STIVER_FLASH_POWER_LOST;
    flash->changes++;
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status flash_program(void *context, uint32_t address, const uint8_t *data,
                                              size_t bytes)
{
    struct harness_flash *flash = context;
    if (address % HARNESS_UNIT_BYTES != 0 || bytes % HARNESS_UNIT_BYTES != 0 || bytes == 0 ||
        address > sizeof flash->memory || bytes > sizeof flash->memory - address ||
        address / HARNESS_PAGE_BYTES != (address + bytes - 1) / HARNESS_PAGE_BYTES)
        return STIVER_FLASH_RANGE;
    enum stiver_flash_status status = flash_change(flash);
    if (status != STIVER_FLASH_OK)
        return status;
    for (size_t unit = address / HARNESS_UNIT_BYTES; unit < (address + bytes) / HARNESS_UNIT_BYTES;
         unit++) {
        assert_false(flash->is_programmed[unit]);
        flash->is_programmed[unit] = true;
    }
    memcpy(flash->memory + address, data, bytes);
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status flash_erase(void *context, uint32_t page)
{
    struct harness_flash *flash = context;
    const size_t units = HARNESS_PAGE_BYTES / HARNESS_UNIT_BYTES;
    if (page >= HARNESS_PAGES)
        return STIVER_FLASH_RANGE;
    enum stiver_flash_status status = flash_change(flash);
    if (status != STIVER_FLASH_OK)
        return status;
    memset(flash->memory + page * HARNESS_PAGE_BYTES, 0xFF, HARNESS_PAGE_BYTES);
    memset(flash->is_programmed + page * units, 0, units * sizeof flash->is_programmed[0]);
    return STIVER_FLASH_OK;
}

/* ---- the card and its power ---- */

void card_harness_blank_as(struct card_harness *h, bool is_hardware, uint8_t flags)
{
    memset(h, 0, sizeof *h);
    h->flash.changes_left = -1;
    h->port = (struct stiver_flash){
        .context = &h->flash,
        .page_bytes = HARNESS_PAGE_BYTES,
        .pages = HARNESS_PAGES,
        .unit_bytes = HARNESS_UNIT_BYTES,
        .read = flash_read,
        .program = flash_program,
        .erase = flash_erase,
    };
    issuer_found(&h->issuer, flags);
    h->factory.is_hardware = is_hardware;
    assert_int_equal(crypto_random(h->factory.serial, sizeof h->factory.serial), CRYPTO_OK);
    assert_int_equal(crypto_random(h->factory.transport_key, sizeof h->factory.transport_key),
                     CRYPTO_OK);
    assert_int_equal(stiver_card_manufacture(&h->port, &h->factory), STIVER_CARD_OK);
    card_harness_power_cycle(h);
}

void card_harness_blank(struct card_harness *h)
{
    card_harness_blank_as(h, true, 0);
}

void card_harness_power_cycle(struct card_harness *h)
{
    stiver_card_power_off(&h->card);
    secure_close(&h->channel);
    assert_int_equal(stiver_card_power_on(&h->card, &h->port), STIVER_CARD_OK);
    assert_int_equal(card_harness_select(h), 0x9000);
}

/* ---- commands ---- */

uint16_t card_harness_raw(struct card_harness *h, const uint8_t *bytes, size_t length)
{
    h->answer_bytes = 0;
    memset(h->response, 0xA5, sizeof h->response);
    /* A port may have one buffer for both: every other command goes that way. */
    if (length % 2 != 0 && length <= sizeof h->response)
        bytes = memcpy(h->response, bytes, length);
    h->response_bytes = stiver_card_transmit(&h->card, bytes, length, h->response);
    if (h->response_bytes == 0)
        return 0;
    assert_in_range(h->response_bytes, APDU_SW_BYTES, STIVER_APDU_MAX);
    assert_true(
        bytes_are_zero(h->response + h->response_bytes, sizeof h->response - h->response_bytes));
    h->answer_bytes = h->response_bytes - APDU_SW_BYTES;
    memcpy(h->answer, h->response, h->answer_bytes);
    return (uint16_t)(h->response[h->answer_bytes] << 8 | h->response[h->answer_bytes + 1]);
}

uint16_t card_harness_clear(struct card_harness *h, const struct apdu_command *command)
{
    uint8_t bytes[2 * STIVER_APDU_MAX];
    size_t length = apdu_encode(command, bytes, sizeof bytes);
    assert_int_not_equal(length, 0);
    return card_harness_raw(h, bytes, length);
}

uint16_t card_harness_secure(struct card_harness *h, const struct apdu_command *command)
{
    uint8_t bytes[STIVER_APDU_MAX];
    size_t length = 0, data_bytes = 0;
    uint16_t word = 0;
    assert_int_equal(secure_wrap_command(&h->channel, command, bytes, sizeof bytes, &length),
                     CHANNEL_OK);
    if (card_harness_raw(h, bytes, length) == 0)
        return 0;
    h->channel_status = secure_unwrap_response(&h->channel, h->response, h->response_bytes,
                                               h->answer, sizeof h->answer, &data_bytes, &word);
    h->answer_bytes = data_bytes;
    return word;
}

struct apdu_command card_harness_apdu(enum command command, const uint8_t *data, size_t bytes)
{
    const struct command_row *row = &command_rows[command];
    struct apdu_command apdu = {.cla = row->cla,
                                .ins = row->ins,
                                .p1 = row->p1,
                                .p2 = row->p2,
                                .data = data,
                                .lc = bytes,
                                .le = row->answers ? 65536 : 0,
                                .extended = row->answers};
    if (row->rule == P1P2_KEY)
        apdu.p1 =
            command == COMMAND_MUTUAL_AUTHENTICATE ? KVN_CARD_AGREEMENT : ISSUER_AUTHORITY_VERSION;
    if (row->rule == P1P2_MORE)
        apdu.p1 = 0;
    return apdu;
}

uint16_t card_harness_command(struct card_harness *h, enum command command, const uint8_t *data,
                              size_t bytes)
{
    struct apdu_command apdu = card_harness_apdu(command, data, bytes);
    if (command_rows[command].protection == PROTECTION_CHANNEL)
        return card_harness_secure(h, &apdu);
    return card_harness_clear(h, &apdu);
}

uint16_t card_harness_select(struct card_harness *h)
{
    struct apdu_command select = {
        .ins = 0xA4, .p1 = 0x04, .data = purse_aid, .lc = PURSE_AID_BYTES, .le = 256};
    return card_harness_clear(h, &select);
}

/* ---- personalisation ---- */

/* Tag and MAC of INITIALIZE's answer, as the bank checks them. */
static void check_statement_macs(struct card_harness *h, const struct key_pair *ephemeral)
{
    static const uint8_t info[] = {KEY_PROOF_INFO};
    uint8_t secret[SHARED_SECRET_BYTES], key[AES_KEY_BYTES], mac[CMAC_BYTES];
    struct piece piece = {h->answer, STATEMENT_BYTES};
    assert_int_equal(crypto_agree(ephemeral->private_key, h->statement.channel_key, secret),
                     CRYPTO_OK);
    assert_int_equal(crypto_kdf_x963(secret, sizeof secret, info, sizeof info - 1, key, sizeof key),
                     CRYPTO_OK);
    assert_int_equal(crypto_cmac(key, &piece, 1, mac), CRYPTO_OK);
    assert_memory_equal(h->answer + STATEMENT_BYTES, mac, CMAC_BYTES);
    piece.bytes += CMAC_BYTES;
    assert_int_equal(crypto_cmac(h->factory.transport_key, &piece, 1, mac), CRYPTO_OK);
    assert_memory_equal(h->answer + STATEMENT_BYTES + CMAC_BYTES, mac, CMAC_BYTES);
}

static void check_statement(struct card_harness *h, const uint8_t *nonce)
{
    assert_int_equal(h->answer_bytes, STATEMENT_ANSWER_BYTES);
    assert_int_equal(statement_decode(h->answer, STATEMENT_BYTES, ISSUER_SCHEME, &h->statement),
                     DOCUMENT_OK);
    assert_int_equal(
        document_verify(&crypto_primitives, h->answer, STATEMENT_BYTES, h->statement.receipt_key),
        DOCUMENT_OK);
    assert_memory_equal(h->statement.nonce, nonce, NONCE_BYTES);
    assert_memory_equal(h->statement.serial, h->factory.serial, SERIAL_BYTES);
    assert_memory_equal(h->statement.anchors_hash, h->anchors_hash, SHA256_BYTES);
    assert_int_equal(h->statement.card_class,
                     h->factory.is_hardware ? CARD_HARDWARE : CARD_VIRTUAL);
}

uint16_t card_harness_initialize(struct card_harness *h, const uint8_t *anchors, size_t bytes)
{
    uint8_t data[STIVER_APDU_MAX];
    struct key_pair ephemeral;
    const struct piece piece = {anchors, bytes};
    assert_int_equal(crypto_sha256(&piece, 1, h->anchors_hash), CRYPTO_OK);
    key_pair_make(&ephemeral);
    assert_int_equal(crypto_random(data, NONCE_BYTES), CRYPTO_OK);
    memcpy(data + NONCE_BYTES, ephemeral.public_key, PUBLIC_KEY_BYTES);
    memcpy(data + NONCE_BYTES + PUBLIC_KEY_BYTES, anchors, bytes);
    uint16_t word =
        card_harness_command(h, COMMAND_INITIALIZE, data, NONCE_BYTES + PUBLIC_KEY_BYTES + bytes);
    if (word == 0x9000) {
        check_statement(h, data);
        check_statement_macs(h, &ephemeral);
    }
    return word;
}

uint16_t card_harness_store_certificates(struct card_harness *h, const struct certificate *fields)
{
    uint8_t data[2 * CERTIFICATE_BYTES_MAX];
    const struct signed_certificate *authority = &h->issuer.card_authority_certificate;
    issuer_certify(fields, &h->issuer.card_authority, &h->certificate);
    memcpy(data, authority->bytes, authority->length);
    memcpy(data + authority->length, h->certificate.bytes, h->certificate.length);
    return card_harness_command(h, COMMAND_STORE_CERTIFICATES, data,
                                authority->length + h->certificate.length);
}

void card_harness_personalise(struct card_harness *h)
{
    assert_int_equal(card_harness_initialize(h, h->issuer.anchors, h->issuer.anchors_bytes),
                     0x9000);
    struct certificate fields = issuer_card_fields(&h->statement);
    assert_int_equal(card_harness_store_certificates(h, &fields), 0x9000);
}

void card_harness_issue(struct card_harness *h)
{
    card_harness_connect(h, ROLE_STATION);
    assert_int_equal(card_harness_command(h, COMMAND_ISSUE, NULL, 0), 0x9000);
    card_harness_power_cycle(h);
}

/* ---- channel ---- */

uint16_t card_harness_verify(struct card_harness *h)
{
    return card_harness_command(h, COMMAND_VERIFY_CERTIFICATE, h->terminal.certificate.bytes,
                                h->terminal.certificate.length);
}

uint16_t card_harness_authenticate(struct card_harness *h)
{
    struct scp11_host host;
    struct scp11_ids ids = {.scheme = ISSUER_SCHEME};
    memcpy(ids.host_id, h->terminal.host_id, HOST_ID_BYTES);
    memcpy(ids.card, h->statement.card, CARD_NUMBER_BYTES);
    assert_int_equal(scp11_host_begin(&host, h->terminal.host_id), CHANNEL_OK);
    uint16_t word =
        card_harness_command(h, COMMAND_MUTUAL_AUTHENTICATE, host.request, sizeof host.request);
    if (word == 0x9000) {
        assert_int_equal(h->answer_bytes, SCP11_ANSWER_BYTES);
        assert_int_equal(scp11_host_handle(h->answer, h->answer_bytes, h->handle), CHANNEL_OK);
        assert_int_equal(scp11_host_finish(&host, &h->channel, &ids, h->terminal.key.private_key,
                                           h->statement.channel_key, h->answer, h->answer_bytes),
                         CHANNEL_OK);
    }
    scp11_host_end(&host);
    return word;
}

void card_harness_connect_again(struct card_harness *h)
{
    secure_close(&h->channel);
    assert_int_equal(card_harness_select(h), 0x9000);
    assert_int_equal(card_harness_verify(h), 0x9000);
    assert_int_equal(card_harness_command(h, COMMAND_GET_CERTIFICATE, NULL, 0), 0x9000);
    assert_int_equal(h->answer_bytes, h->certificate.length);
    assert_memory_equal(h->answer, h->certificate.bytes, h->certificate.length);
    assert_int_equal(card_harness_authenticate(h), 0x9000);
}

void card_harness_connect(struct card_harness *h, enum terminal_role role)
{
    struct certificate fields = issuer_terminal_fields(role, (uint8_t)(0x10 + role));
    issuer_terminal(&h->issuer, &fields, &h->terminal);
    card_harness_connect_again(h);
}

/* ---- money commands ---- */

static void write_sale(uint32_t amount, uint32_t terminal_counter, struct writer *w)
{
    struct sale sale = {.amount = money_of(amount, ISSUER_CURRENCY),
                        .terminal_counter = terminal_counter,
                        .time = ISSUER_TODAY + 12 * HOUR};
    /* The reference follows from the number: the same sale asks for the same bytes. */
    memset(sale.reference, (uint8_t)terminal_counter, sizeof sale.reference);
    sale_encode(&sale, w);
}

void card_harness_pay_data(uint32_t amount, uint32_t terminal_counter, uint8_t out[SALE_BYTES])
{
    struct writer w = writer_of(out, SALE_BYTES);
    write_sale(amount, terminal_counter, &w);
    assert_int_equal(w.used, SALE_BYTES);
}

size_t card_harness_load_data(const struct card_harness *h, uint32_t amount, uint32_t counter,
                              uint32_t terminal_counter, uint8_t *out, size_t capacity)
{
    uint8_t message[ORDER_MESSAGE_BYTES_MAX];
    struct order order = issuer_order_fields(DOCUMENT_LOAD_ORDER, h->statement.card, counter);
    order.counter = counter;
    order.amount = money_of(amount, ISSUER_CURRENCY);
    size_t bytes = issuer_order(&h->issuer, &order, message);
    struct writer w = writer_of(out, capacity);
    write_sale(amount, terminal_counter, &w);
    writer_bytes(&w, message, bytes);
    assert_false(w.failed);
    return w.used;
}

void card_harness_load(struct card_harness *h, uint8_t number, uint32_t amount, uint32_t counter)
{
    uint8_t data[STIVER_APDU_MAX];
    struct certificate fields = issuer_terminal_fields(ROLE_KIOSK, number);
    issuer_terminal(&h->issuer, &fields, &h->terminal);
    card_harness_connect_again(h);
    size_t bytes = card_harness_load_data(h, amount, counter, 1, data, sizeof data);
    assert_int_equal(card_harness_command(h, COMMAND_LOAD, data, bytes), 0x9000);
}

size_t card_harness_block_data(const struct card_harness *h, uint32_t terminal_counter,
                               uint8_t *out, size_t capacity)
{
    uint8_t document[LIST_HEAD_BYTES], scratch[SHA256_BYTES];
    struct list_head head = {.scheme = ISSUER_SCHEME,
                             .sequence = 1,
                             .start = ISSUER_TODAY,
                             .end = ISSUER_TODAY + 24 * HOUR,
                             .count = 1};
    assert_int_equal(
        list_root(&crypto_primitives, ISSUER_SCHEME, h->statement.card, 1, scratch, head.root),
        DOCUMENT_OK);
    list_head_encode(&head, document);
    assert_int_equal(issuer_sign(&h->issuer.working, document, LIST_HEAD_BYTES - SIGNATURE_BYTES),
                     LIST_HEAD_BYTES);
    struct writer w = writer_of(out, capacity);
    writer_u32(&w, terminal_counter);
    writer_u32(&w, ISSUER_TODAY + 12 * HOUR);
    writer_bytes(&w, (const uint8_t[REFERENCE_BYTES]){0x42}, REFERENCE_BYTES);
    writer_u32(&w, 0);
    writer_bytes(&w, document, sizeof document);
    writer_bytes(&w, h->issuer.working_certificate.bytes, h->issuer.working_certificate.length);
    assert_false(w.failed);
    return w.used;
}

void card_harness_block(struct card_harness *h)
{
    uint8_t data[STIVER_APDU_MAX];
    card_harness_connect(h, ROLE_POINT_OF_SALE);
    size_t bytes = card_harness_block_data(h, 1, data, sizeof data);
    assert_int_equal(card_harness_command(h, COMMAND_BLOCK, data, bytes), 0x9000);
    card_harness_power_cycle(h);
}
