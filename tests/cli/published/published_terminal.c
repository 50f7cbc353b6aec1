/* SPDX-License-Identifier: Apache-2.0 */
/*
 * published_terminal TALK: a terminal of the campus purse as it was published, at a real reader. It
 * sends what the published one sent in that talk (tests/vectors/campus_published.txt), the byte
 * strings as they are: no Le where that one sent none. It wants answers of the same lengths and
 * words, and signatures that verify; where an assertion of cmocka's fails outside a test, the
 * program ends with a failure.
 *
 * The card has a key of its own, so the station certifies that one, and leaves it in card.modulus
 * for the terminals of later talks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <winscard.h>

#include "base/bytes.h"
#include "published.h"

#define WAIT_MS 10000u
#define INS_CERTIFY 0x06

struct terminal {
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    const struct published_talk *talk;
    uint8_t card_key[RSA_BYTES];
};

/* ---- the reader ---- */

static void wait_for_card(SCARDCONTEXT context, const char *reader)
{
    SCARD_READERSTATE state = {.szReader = reader, .dwCurrentState = SCARD_STATE_UNAWARE};
    do {
        assert_int_equal(SCardGetStatusChange(context, WAIT_MS, &state, 1), SCARD_S_SUCCESS);
        state.dwCurrentState = state.dwEventState;
    } while ((state.dwEventState & SCARD_STATE_PRESENT) == 0);
}

/* The first reader that there is, any protocol, as the published terminals do. */
static void open_reader(struct terminal *terminal)
{
    char readers[1024];
    DWORD bytes = sizeof readers;
    assert_int_equal(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &terminal->context),
                     SCARD_S_SUCCESS);
    assert_int_equal(SCardListReaders(terminal->context, NULL, readers, &bytes), SCARD_S_SUCCESS);
    wait_for_card(terminal->context, readers);
    assert_int_equal(SCardConnect(terminal->context, readers, SCARD_SHARE_SHARED,
                                  SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &terminal->card,
                                  &terminal->protocol),
                     SCARD_S_SUCCESS);
}

static void close_reader(const struct terminal *terminal)
{
    assert_int_equal(SCardDisconnect(terminal->card, SCARD_LEAVE_CARD), SCARD_S_SUCCESS);
    assert_int_equal(SCardReleaseContext(terminal->context), SCARD_S_SUCCESS);
}

/* ---- what is sent ---- */

/* INS 06 for this card's key: the captured command has the signature for the applet's. */
static struct vector certify(const struct terminal *terminal)
{
    uint8_t der[RSA_PRIVATE_BYTES_MAX], text[CAMPUS_CERTIFICATE_TEXT_BYTES], signature[RSA_BYTES];
    struct vector identity =
        published_command(terminal->talk, published_find(terminal->talk, 0x04));
    struct vector command =
        published_command(terminal->talk, published_find(terminal->talk, INS_CERTIFY));
    struct reader r = reader_of(identity.data + 5, identity.bytes - 5);
    struct campus_certificate certificate = {.usage = CAMPUS_USAGE_CARD};
    const struct piece piece = {text, sizeof text};
    certificate.id = reader_u32(&r);
    certificate.end = reader_u32(&r);
    memcpy(certificate.modulus, terminal->card_key, RSA_BYTES);
    campus_certificate_text(&certificate, text);
    size_t bytes = published_private("test-keys/backend_private.pem", der);
    assert_int_equal(rsa_sign_sha1(der, bytes, &piece, 1, signature), CRYPTO_OK);
    command.data[2] = signature[0];
    memcpy(command.data + 5, signature + 1, RSA_BYTES - 1);
    return command;
}

/* ---- what is answered ---- */

static void assert_signed(const uint8_t modulus[RSA_BYTES], const uint8_t *text, size_t bytes,
                          const uint8_t signature[RSA_BYTES])
{
    const struct piece piece = {text, bytes};
    assert_int_equal(rsa_verify_sha1(modulus, &piece, 1, signature), CRYPTO_OK);
}

static void check_certificate(const struct terminal *terminal, const uint8_t signature[RSA_BYTES])
{
    const struct published_facts facts = published_facts(terminal->talk);
    struct campus_certificate certificate = {
        .id = facts.card, .end = facts.card_end, .usage = CAMPUS_USAGE_CARD};
    uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES], back_end[RSA_BYTES];
    memcpy(certificate.modulus, terminal->card_key, RSA_BYTES);
    campus_certificate_text(&certificate, text);
    published_public("backend_public.pem", back_end);
    assert_signed(back_end, text, sizeof text, signature);
}

static void check_receipt(const struct terminal *terminal, const uint8_t signature[RSA_BYTES])
{
    const struct published_facts facts = published_facts(terminal->talk);
    const struct campus_receipt receipt = {.terminal = facts.terminal,
                                           .counter = facts.counter + 1,
                                           .amount = facts.amount,
                                           .card = facts.card,
                                           .time = facts.time};
    uint8_t text[CAMPUS_RECEIPT_TEXT_BYTES];
    campus_receipt_text(&receipt, text);
    assert_signed(terminal->card_key, text, sizeof text, signature);
}

/* S2, or the proof of a block: the terminal's own numbers in one order or the other. */
static void check_numbers(const struct terminal *terminal, bool is_proof,
                          const uint8_t signature[RSA_BYTES])
{
    const struct published_facts facts = published_facts(terminal->talk);
    uint8_t text[CAMPUS_TEXT_BYTES];
    if (is_proof)
        campus_text(facts.terminal, facts.terminal_counter, facts.terminal_end, text);
    else
        campus_text(facts.terminal, facts.terminal_end, facts.terminal_counter, text);
    assert_signed(terminal->card_key, text, sizeof text, signature);
}

static void check_answer(struct terminal *terminal, uint8_t ins, const uint8_t *data,
                         const struct vector *captured)
{
    switch (ins) {
    case 0x02:
        memcpy(terminal->card_key, data, RSA_BYTES);
        break;
    case 0x20: /* no signature yet: the very bytes */
        assert_memory_equal(data, captured->data, captured->bytes);
        break;
    case 0x22:
        assert_memory_equal(data, terminal->card_key, RSA_BYTES);
        break;
    case 0x24:
        check_certificate(terminal, data);
        break;
    case 0x26:
    case 0x50:
        check_numbers(terminal, ins == 0x50, data);
        break;
    case 0x30:
    case 0x42:
        check_receipt(terminal, data);
        break;
    default:
        break;
    }
}

static void exchange(struct terminal *terminal, unsigned number)
{
    uint8_t response[1024];
    DWORD bytes = sizeof response;
    struct vector command = published_command(terminal->talk, number);
    struct vector captured = published_answer(terminal->talk, number);
    if (command.data[1] == INS_CERTIFY)
        command = certify(terminal);
    const SCARD_IO_REQUEST *pci =
        terminal->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    assert_int_equal(
        SCardTransmit(terminal->card, pci, command.data, command.bytes, NULL, response, &bytes),
        SCARD_S_SUCCESS);
    printf("%02X: %zu bytes, answered by %lu, %02X%02X\n", command.data[1], command.bytes,
           (unsigned long)bytes, response[bytes - 2], response[bytes - 1]);
    assert_int_equal(bytes, captured.bytes);
    assert_memory_equal(response + bytes - 2, captured.data + captured.bytes - 2, 2);
    check_answer(terminal, command.data[1], response, &captured);
}

/* ---- the card's key, from the station to the terminals ---- */

static void key_file(struct terminal *terminal)
{
    const bool is_station = terminal->talk->party == PUBLISHED_STATION;
    FILE *file = fopen("card.modulus", is_station ? "wb" : "rb");
    assert_non_null(file);
    size_t bytes = is_station ? fwrite(terminal->card_key, 1, RSA_BYTES, file)
                              : fread(terminal->card_key, 1, RSA_BYTES, file);
    assert_int_equal(bytes, RSA_BYTES);
    assert_int_equal(fclose(file), 0);
}

int main(int argc, char **argv)
{
    struct terminal terminal = {0};
    for (unsigned i = 0; argc == 2 && i < PUBLISHED_TALKS; i++)
        if (strcmp(argv[1], published_talks[i].name) == 0)
            terminal.talk = &published_talks[i];
    if (terminal.talk == NULL || crypto_start() != CRYPTO_OK) {
        (void)fprintf(stderr, "usage: published_terminal TALK\n");
        return 2;
    }
    if (terminal.talk->party != PUBLISHED_STATION)
        key_file(&terminal);
    open_reader(&terminal);
    for (unsigned number = 1; number <= terminal.talk->commands; number++)
        exchange(&terminal, number);
    close_reader(&terminal);
    if (terminal.talk->party == PUBLISHED_STATION)
        key_file(&terminal);
    return 0;
}
