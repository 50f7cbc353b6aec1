/* SPDX-License-Identifier: Apache-2.0 */
#include "yard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

/* ---- the published card ---- */

enum { INIT, MET, KEYS, CERTIFIED, AUTHENTICATED, AMOUNT, LOAD_SIGNED, FINISHED };

static bool terminal_signed(const struct published_card *card, const uint32_t *numbers,
                            size_t count, const uint8_t *value)
{
    uint8_t text[20];
    struct writer w = writer_of(text, sizeof text);
    for (size_t i = 0; i < count; i++)
        writer_u32(&w, numbers[i]);
    const struct piece piece = {text, w.used};
    return rsa_verify_sha1(card->terminal_key, &piece, 1, value) == CRYPTO_OK;
}

static uint16_t personalise(struct published_card *card, uint8_t ins, const uint8_t *value,
                            struct reader *r, struct writer *answer)
{
    if (card->is_initialised)
        return 0x6D00;
    if (ins == 0x02) {
        /* A new key each time: one of two. */
        card->key = yard_key(card->keys_made++ % 2 == 0 ? test_key_card : test_key_stranger);
        memcpy(card->back_end, value, 256);
        writer_bytes(answer, card->key.modulus, 256);
    } else if (ins == 0x04) {
        card->id = reader_u32(r);
        card->end = reader_u32(r);
    } else {
        memcpy(card->certificate, value, 256);
        card->is_initialised = true;
    }
    return 0x9000;
}

static uint16_t metadata(struct published_card *card, struct reader *r, struct writer *answer)
{
    if (card->state != INIT)
        return 0x6985;
    card->terminal = reader_u32(r);
    card->terminal_end = reader_u32(r);
    card->terminal_counter = reader_u32(r);
    card->time = reader_u32(r);
    card->counter++; /* before anything is checked */
    if (card->time > card->terminal_end)
        return 0x6985;
    card->state = MET;
    writer_u32(answer, card->id);
    writer_u32(answer, card->end);
    writer_u32(answer, card->counter);
    return 0x9000;
}

static uint16_t certificates(struct published_card *card, uint8_t type, const uint8_t *value,
                             struct writer *answer)
{
    uint8_t head[8];
    struct writer w = writer_of(head, sizeof head);
    const struct piece pieces[] = {{head, 8}, {card->terminal_key, 256}, {&type, 1}};
    if (card->state != KEYS)
        return 0x6985;
    writer_u32(&w, card->terminal);
    writer_u32(&w, card->terminal_end);
    card->type = type;
    if (rsa_verify_sha1(card->back_end, pieces, 3, value) != CRYPTO_OK)
        return 0x6982;
    card->state = CERTIFIED;
    writer_bytes(answer, card->certificate, 256);
    return 0x9000;
}

static void answer_signed(const struct published_card *card, const uint32_t *numbers, size_t count,
                          struct writer *answer)
{
    uint8_t signature[256];
    yard_sign_numbers(&card->key, numbers, count, signature);
    writer_bytes(answer, signature, sizeof signature);
}

static uint16_t authenticate(struct published_card *card, const uint8_t *value,
                             struct writer *answer)
{
    const uint32_t asked[] = {card->id, card->end, card->counter};
    const uint32_t said[] = {card->terminal, card->terminal_end, card->terminal_counter};
    if (card->state != CERTIFIED)
        return 0x6985;
    if (!terminal_signed(card, asked, 3, value))
        return 0x6982;
    if (card->time > card->end) {
        card->is_blocked = true;
        return 0x6985;
    }
    card->state = AUTHENTICATED;
    answer_signed(card, said, 3, answer);
    return 0x9000;
}

/* W1: "state is not 5 AND the type is mine", where OR was meant. */
static uint16_t money(struct published_card *card, uint8_t ins, const uint8_t *value,
                      struct writer *answer)
{
    const uint8_t mine = ins == 0x30 ? 3 : 2;
    if (card->state != AMOUNT && card->type == mine)
        return 0x6985;
    const uint32_t asked[] = {++card->counter, card->amount, card->id};
    if (!terminal_signed(card, asked, 3, value))
        return 0x6982;
    if (ins == 0x42) {
        if (card->amount > card->balance)
            return 0x6985;
        card->balance -= card->amount;
    }
    card->state = ins == 0x42 ? FINISHED : LOAD_SIGNED;
    const uint32_t said[] = {card->terminal, card->counter, card->amount, card->id, card->time};
    answer_signed(card, said, 5, answer);
    return 0x9000;
}

static uint16_t finish(struct published_card *card, const uint8_t *value)
{
    if (card->state != LOAD_SIGNED)
        return 0x6985;
    const uint32_t asked[] = {++card->counter, card->amount, card->id};
    if (!terminal_signed(card, asked, 3, value))
        return 0x6982;
    card->balance += card->amount;
    card->state = FINISHED;
    return 0x9000;
}

static uint16_t block(struct published_card *card, const uint8_t *value, struct writer *answer)
{
    if (card->state != AUTHENTICATED)
        return 0x6985;
    const uint32_t asked[] = {card->id, ++card->counter};
    const uint32_t said[] = {card->terminal, card->terminal_counter, card->terminal_end};
    if (!terminal_signed(card, asked, 2, value))
        return 0x6982;
    card->is_blocked = true;
    answer_signed(card, said, 3, answer);
    return 0x9000;
}

static uint16_t published_command(struct published_card *card, const uint8_t *c, size_t bytes,
                                  struct writer *answer)
{
    uint8_t value[256] = {0};
    value[0] = c[2];
    memcpy(value + 1, c + 5, bytes > 260 ? 255 : bytes - 5);
    struct reader r = reader_of(c + 5, bytes - 5);
    if (c[1] == 0xA4)
        return memcmp(c + 5, "\x2D\x54\x45\x53\x54\x70", 6) == 0 ? 0x9000 : 0x6A82;
    if (card->is_blocked)
        return 0x6986;
    switch (c[1]) {
    case 0x02:
    case 0x04:
    case 0x06:
        return personalise(card, c[1], value, &r, answer);
    case 0x20:
        return metadata(card, &r, answer);
    case 0x22:
        if (card->state != MET)
            return 0x6985;
        memcpy(card->terminal_key, value, 256);
        card->state = KEYS;
        writer_bytes(answer, card->key.modulus, 256);
        return 0x9000;
    case 0x24:
        return certificates(card, c[3], value, answer);
    case 0x26:
        return authenticate(card, value, answer);
    case 0x28:
        if (card->state != AUTHENTICATED || (c[5] & 0x80) != 0)
            return 0x6985;
        card->amount = reader_u32(&r); /* zero is fine */
        card->state = AMOUNT;
        return 0x9000;
    case 0x30:
    case 0x42:
        return money(card, c[1], value, answer);
    case 0x32:
        return finish(card, value);
    case 0x50:
        return block(card, value, answer);
    default:
        return 0x6D00;
    }
}

static enum reader_status published_transmit(void *context, const uint8_t *command, size_t bytes,
                                             uint8_t *response, size_t capacity, size_t *answered)
{
    uint8_t padded[600] = {0};
    struct writer answer = writer_of(response, capacity);
    memcpy(padded, command, bytes);
    uint16_t word = published_command(context, padded, bytes < 5 ? 5 : bytes, &answer);
    writer_u16(&answer, word);
    assert_false(answer.failed);
    *answered = answer.used;
    return READER_OK;
}

static enum reader_status published_reset(void *context)
{
    struct published_card *card = context;
    card->state = INIT;
    card->type = 0;
    return READER_OK;
}

static void published_close(void *context)
{
    (void)context;
}

static const struct card_reader_ops published_ops = {published_transmit, published_reset,
                                                     published_close};

void published_blank(struct published_card *card)
{
    memset(card, 0, sizeof *card);
    card->key = yard_key(test_key_card);
    card->reader.ops = &published_ops;
    card->reader.context = card;
}

void published_make(struct published_card *card, uint32_t balance)
{
    struct campus_certificate certificate = {
        .id = CARD_ID, .end = CARD_END, .usage = CAMPUS_USAGE_CARD};
    published_blank(card);
    memcpy(certificate.modulus, card->key.modulus, 256);
    yard_certify(&yard.back_end, &certificate);
    memcpy(card->certificate, certificate.signature, 256);
    memcpy(card->back_end, yard.back_end.modulus, 256);
    card->id = CARD_ID;
    card->end = CARD_END;
    card->balance = balance;
    card->is_initialised = true;
}

/* ---- our card ---- */

static enum stiver_flash_status flash_read(void *context, uint32_t address, uint8_t *out,
                                           size_t bytes)
{
    memcpy(out, (const uint8_t *)context + address, bytes);
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status flash_program(void *context, uint32_t address, const uint8_t *data,
                                              size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)context)[address + i] &= data[i];
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status flash_erase(void *context, uint32_t page)
{
    memset((uint8_t *)context + (size_t)page * OWN_PAGE_BYTES, 0xFF, OWN_PAGE_BYTES);
    return STIVER_FLASH_OK;
}

static void own_insert(struct own_card *card)
{
    struct card_slot_options options = {.flash = card->port};
    card_slot_init(&card->slot, &options);
    assert_int_equal(inprocess_reader_open(&card->slot, &card->reader), READER_OK);
}

static void own_flash(struct own_card *card)
{
    card->port = (struct stiver_flash){.context = card->flash,
                                       .page_bytes = OWN_PAGE_BYTES,
                                       .pages = OWN_PAGES,
                                       .unit_bytes = 8,
                                       .read = flash_read,
                                       .program = flash_program,
                                       .erase = flash_erase};
}

void own_blank(struct own_card *card, bool has_campus)
{
    const struct stiver_card_factory factory = {
        .serial = "campus..", .is_hardware = 1, .has_campus = has_campus};
    memset(card, 0, sizeof *card);
    memset(card->flash, 0xFF, sizeof card->flash);
    own_flash(card);
    assert_int_equal(stiver_card_manufacture(&card->port, &factory), STIVER_CARD_OK);
    own_insert(card);
}

static void send(struct own_card *card, uint8_t ins, const uint8_t *value, size_t lc,
                 uint8_t answer[300])
{
    uint8_t command[300] = {0x00, ins};
    size_t bytes = 0, answered = 0;
    const bool is_value = lc == 256;
    command[2] = is_value ? value[0] : 0;
    command[4] = is_value ? 255 : (uint8_t)lc;
    memcpy(command + 5, is_value ? value + 1 : value, command[4]);
    bytes = 5u + command[4];
    if (ins == 0x02)
        command[bytes++] = 0;
    assert_int_equal(card_reader_transmit(&card->reader, command, bytes, answer, 300, &answered),
                     READER_OK);
    assert_int_equal(answer[answered - 2] << 8 | answer[answered - 1], 0x9000);
}

/* The card makes its key in SET KEY, which takes long: once, and its memory is kept. */
void own_make(struct own_card *card)
{
    static uint8_t kept[OWN_PAGES * OWN_PAGE_BYTES];
    static bool is_kept;
    static const uint8_t select[] = {0x00, 0xA4, 4, 0, 6, 0x2D, 0x54, 0x45, 0x53, 0x54, 0x70};
    if (!is_kept) {
        struct campus_certificate certificate = {
            .id = OWN_CARD_ID, .end = CARD_END, .usage = CAMPUS_USAGE_CARD};
        uint8_t answer[300], identity[8];
        size_t answered = 0;
        struct writer w = writer_of(identity, sizeof identity);
        own_blank(card, true);
        assert_int_equal(card_reader_transmit(&card->reader, select, sizeof select, answer,
                                              sizeof answer, &answered),
                         READER_OK);
        send(card, 0x02, yard.back_end.modulus, 256, answer);
        memcpy(certificate.modulus, answer, 256);
        writer_u32(&w, OWN_CARD_ID);
        writer_u32(&w, CARD_END);
        send(card, 0x04, identity, 8, answer);
        yard_certify(&yard.back_end, &certificate);
        send(card, 0x06, certificate.signature, 256, answer);
        card_reader_close(&card->reader);
        memcpy(kept, card->flash, sizeof kept);
        is_kept = true;
    }
    memset(card, 0, sizeof *card);
    memcpy(card->flash, kept, sizeof kept);
    own_flash(card);
    own_insert(card);
}

/* ---- between ---- */

static enum reader_status between_transmit(void *context, const uint8_t *command, size_t bytes,
                                           uint8_t *response, size_t capacity, size_t *answered)
{
    struct between *b = context;
    uint8_t changed[300];
    if (b->is_out)
        return READER_CARD_REMOVED;
    memcpy(changed, command, bytes);
    b->sent[command[1]]++;
    memcpy(b->last[command[1]], command, bytes);
    const bool is_torn = b->tear_ins == command[1];
    if (is_torn && !b->loses_answer) {
        b->is_out = true;
        return READER_CARD_REMOVED;
    }
    if (b->on_command != NULL && b->on_command(b, changed, &bytes, response, answered))
        return READER_OK;
    enum reader_status status =
        card_reader_transmit(b->card, changed, bytes, response, capacity, answered);
    if (is_torn) {
        b->is_out = true;
        return READER_CARD_REMOVED;
    }
    if (status == READER_OK && b->on_answer != NULL)
        b->on_answer(b, changed, response, answered);
    return status;
}

static enum reader_status between_reset(void *context)
{
    struct between *b = context;
    return b->is_out ? READER_CARD_REMOVED : card_reader_reset(b->card);
}

static void between_close(void *context)
{
    (void)context;
}

static const struct card_reader_ops between_ops = {between_transmit, between_reset, between_close};

void between_put(struct between *b, struct card_reader *card)
{
    memset(b, 0, sizeof *b);
    b->card = card;
    b->tear_ins = -1;
    b->reader.ops = &between_ops;
    b->reader.context = b;
}

void between_tear(struct between *b, struct card_reader *card, int ins, bool loses_answer)
{
    between_put(b, card);
    b->tear_ins = ins;
    b->loses_answer = loses_answer;
}
