/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A paying terminal written from docs/protocol.md alone, on another crypto library, with not a line
 * of the project in it: if the page lacks something, or says it wrong, a real card refuses it.
 * Numbers in brackets are the page's sections.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "stranger_crypto.h"
#include "stranger_town.h"

struct bytes {
    const uint8_t *at;
    size_t left;
};

struct certificate {
    const uint8_t *authority, *subject, *start, *end, *content, *key; /* 42, 5F20, 5F25, 5F24, 53 */
    size_t subject_bytes, content_bytes;
};

/* ---- taking bytes apart (1) ---- */

static const uint8_t *take(struct bytes *b, size_t count)
{
    const uint8_t *taken = b->at;
    assert_true(b->left >= count);
    b->at += count;
    b->left -= count;
    return taken;
}

static uint32_t number(const uint8_t *at, size_t count)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | at[i];
    return value;
}

static uint32_t take_number(struct bytes *b, size_t count)
{
    return number(take(b, count), count);
}

/* A field with 4 bytes of length in front (16). */
static struct bytes take_field(struct bytes *b)
{
    struct bytes field = {NULL, take_number(b, 4)};
    field.at = take(b, field.left);
    return field;
}

/* A TLV of one- or two-byte tag, its length in the shortest form. */
static struct bytes take_tlv(struct bytes *b, uint32_t tag)
{
    struct bytes value = {NULL, 0};
    assert_int_equal(take_number(b, tag > 0xFF ? 2 : 1), tag);
    value.left = take_number(b, 1);
    if (value.left == 0x81) {
        value.left = take_number(b, 1);
        assert_true(value.left >= 0x80);
    } else if (value.left == 0x82) {
        value.left = take_number(b, 2);
        assert_true(value.left > 0xFF);
    } else {
        assert_true(value.left < 0x80);
    }
    value.at = take(b, value.left);
    return value;
}

static const uint8_t *take_fixed_tlv(struct bytes *b, uint32_t tag, size_t count)
{
    struct bytes value = take_tlv(b, tag);
    assert_int_equal(value.left, count);
    return value.at;
}

/* ---- certificates (4) ---- */

/* Days since 1970-01-01 of BCD YYYYMMDD, by counting. */
static uint32_t days_of(const uint8_t bcd[4])
{
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t digits[4], days = 0;
    for (int i = 0; i < 4; i++)
        digits[i] = (uint32_t)(bcd[i] >> 4) * 10 + (bcd[i] & 15);
    uint32_t year = digits[0] * 100 + digits[1];
    for (uint32_t y = 1970; y < year; y++)
        days += y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 366 : 365;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    for (uint32_t m = 1; m < digits[2]; m++)
        days += lengths[m - 1] + (m == 2 && is_leap ? 1u : 0u);
    return days + digits[3] - 1;
}

static struct certificate read_certificate(struct bytes *b, const uint8_t authority_key[64])
{
    struct certificate c;
    struct bytes inside = take_tlv(b, 0x7F21), value;
    const uint8_t *covered = inside.at;
    (void)take_fixed_tlv(&inside, 0x93, 4);
    c.authority = take_fixed_tlv(&inside, 0x42, 4);
    value = take_tlv(&inside, 0x5F20);
    c.subject = value.at;
    c.subject_bytes = value.left;
    (void)take_tlv(&inside, 0x95);
    c.start = take_fixed_tlv(&inside, 0x5F25, 4);
    c.end = take_fixed_tlv(&inside, 0x5F24, 4);
    value = take_tlv(&inside, 0x53);
    c.content = value.at;
    c.content_bytes = value.left;
    value = take_tlv(&inside, 0x7F49);
    c.key = take_fixed_tlv(&value, 0xB0, 65) + 1;
    assert_int_equal(c.key[-1], 0x04);
    assert_int_equal(*take_fixed_tlv(&value, 0xF0, 1), 0);
    size_t covered_bytes = (size_t)(inside.at - covered);
    assert_true(stranger_verify(authority_key, covered, covered_bytes,
                                take_fixed_tlv(&inside, 0x5F37, 64)));
    assert_int_equal(inside.left + value.left, 0);
    return c;
}

static bool holds(const struct certificate *c, uint32_t time)
{
    return days_of(c->start) <= time / 86400 && time / 86400 <= days_of(c->end);
}

/* ---- enrolment (16, 9, 8) ---- */

struct terminal {
    EVP_PKEY *pair;
    uint8_t key[64], package[8192], host_id[16];
    uint8_t number[8];
    struct bytes certificate;
    uint32_t scheme, package_scheme, merchant, currency, authority_version, counter;
    const uint8_t *root_key;
    uint8_t authority_key[64];
    struct certificate card_authority;
    const uint8_t *listed;
    uint32_t listed_count, list_end;
    uint8_t card_certificate[512], handle[8]; /* of the card it met */
    size_t card_certificate_bytes;
    unsigned apdus;
};

static struct terminal me;

static void read_anchors(struct bytes anchors)
{
    me.scheme = take_number(&anchors, 4);
    assert_int_equal(me.scheme, me.package_scheme);
    me.currency = take_number(&anchors, 2);
    assert_int_equal(take_number(&anchors, 1), 1);
    me.root_key = take(&anchors, 64);
    me.authority_version = take_number(&anchors, 1);
    struct certificate authority = read_certificate(&anchors, me.root_key);
    assert_int_equal(anchors.left, 0);
    memcpy(me.authority_key, authority.key, sizeof me.authority_key);
    struct bytes own = me.certificate;
    struct certificate c = read_certificate(&own, authority.key);
    assert_int_equal(own.left, 0);
    assert_memory_equal(c.key, me.key, 64);
    assert_memory_equal(c.subject, me.number, 8);
    assert_memory_equal(c.authority, authority.subject, 4);
    assert_true(holds(&c, stranger_town_now()));
    assert_int_equal(c.content[0], 0x04);
    me.merchant = number(c.content + 8, 4);
}

static bool verify_document(const uint8_t *document, size_t unsigned_bytes, const uint8_t key[64])
{
    uint8_t covered[8192] = "stiver";
    assert_true(unsigned_bytes <= sizeof covered - 7);
    memcpy(covered + 7, document, unsigned_bytes);
    return stranger_verify(key, covered, 7 + unsigned_bytes, document + unsigned_bytes);
}

static void read_list(struct bytes file)
{
    const uint8_t *head = take(&file, 118);
    struct certificate working = read_certificate(&file, me.root_key);
    assert_int_equal(head[0], 0x30);
    assert_int_equal(number(working.content + 5, 2) & 0x0020, 0x0020);
    assert_true(verify_document(head, 54, working.key));
    me.list_end = number(head + 6 + 8, 4);
    me.listed_count = number(head + 6 + 12, 4);
    me.listed = take(&file, (size_t)me.listed_count * 8);
    assert_int_equal(file.left, 0);
}

static void enrol(void)
{
    uint8_t request[65] = {1};
    memset(&me, 0, sizeof me);
    me.pair = stranger_pair(me.key);
    memcpy(request + 1, me.key, 64);
    struct bytes b = {me.package, stranger_town_enrol(request, me.package, sizeof me.package)};
    size_t package_bytes = b.left;
    assert_int_equal(take_number(&b, 2), 0x3101);
    me.package_scheme = take_number(&b, 4);
    memcpy(me.number, take(&b, 8), 8);
    (void)take(&b, 64); /* the bank's link key */
    assert_int_equal(take_number(&b, 1), 1);
    struct bytes authority = take_field(&b);
    me.certificate = take_field(&b);
    read_anchors(take_field(&b));
    read_list(take_field(&b));
    me.card_authority = read_certificate(&authority, me.root_key);
    assert_int_equal(authority.left, 0);
    (void)take(&b, 64);
    assert_int_equal(b.left, 0);
    assert_true(verify_document(me.package, package_bytes - 64, me.authority_key));
    uint8_t hash[32];
    stranger_sha256(me.certificate.at, me.certificate.left, hash);
    memcpy(me.host_id, hash, sizeof me.host_id);
}

/* ---- commands in the clear (10, 12) ---- */

static uint8_t response[1024];

/* Header, data, Le 00. Gives the data's length and the status word. */
static uint16_t send(const uint8_t header[4], const uint8_t *data, size_t bytes, size_t *answered)
{
    uint8_t command[300];
    assert_true(bytes > 0 && bytes < 256);
    memcpy(command, header, 4);
    command[4] = (uint8_t)bytes;
    memcpy(command + 5, data, bytes);
    command[5 + bytes] = 0x00;
    size_t got = stranger_town_send(command, 6 + bytes, response);
    me.apdus++;
    assert_true(got >= 2);
    *answered = got - 2;
    return (uint16_t)number(response + got - 2, 2);
}

static void select_purse(void)
{
    static const uint8_t header[4] = {0x00, 0xA4, 0x04, 0x00};
    static const uint8_t name[8] = {0xF0, 0x53, 0x54, 0x49, 0x56, 0x45, 0x52, 0x01};
    size_t bytes = 0;
    assert_int_equal(send(header, name, sizeof name, &bytes), 0x9000);
    struct bytes b = {response, bytes};
    struct bytes fci = take_tlv(&b, 0x6F);
    assert_memory_equal(take_fixed_tlv(&fci, 0x84, 8), name, 8);
}

static void show_certificate(void)
{
    const uint8_t header[4] = {0x80, 0x2A, (uint8_t)me.authority_version, 0x10};
    size_t bytes = 0;
    assert_int_equal(send(header, me.certificate.at, me.certificate.left, &bytes), 0x9000);
    assert_int_equal(bytes, 0);
}

/* Checks what section 15 asks of a card's certificate and keeps it. */
static struct certificate check_card(const uint8_t *bytes, size_t length)
{
    struct bytes b = {bytes, length};
    struct certificate c = read_certificate(&b, me.card_authority.key);
    assert_int_equal(b.left, 0);
    assert_memory_equal(c.authority, me.card_authority.subject, 4);
    assert_int_equal(c.content[0], 0x03);
    assert_int_equal(number(c.content + 1, 4), me.scheme);
    assert_true(holds(&c, stranger_town_now()));
    /* A virtual card pays offline in a test scheme only. */
    assert_true(c.content[5] == 1 || (me.card_authority.content[5] & 1) != 0);
    assert_true(stranger_town_now() <= me.list_end);
    for (uint32_t i = 0; i < me.listed_count; i++)
        assert_memory_not_equal(me.listed + 8 * i, c.subject, 8);
    return c;
}

static void ask_certificate(void)
{
    static const uint8_t command[7] = {0x80, 0xCA, 0x7F, 0x21, 0, 0, 0}; /* extended Le */
    size_t got = stranger_town_send(command, sizeof command, response);
    me.apdus++;
    assert_true(got > 2 && got - 2 <= sizeof me.card_certificate);
    assert_int_equal(number(response + got - 2, 2), 0x9000);
    me.card_certificate_bytes = got - 2;
    memcpy(me.card_certificate, response, got - 2);
}

/* ---- the channel (11) ---- */

struct channel {
    uint8_t enc[16], mac[16], rmac[16], chain[16];
    uint32_t counter;
    struct certificate card;
};

/* The command's data; the ephemeral pair is the caller's to free. */
static EVP_PKEY *offer(uint8_t data[101])
{
    static const uint8_t control[17] = {0xA6, 0x1F, 0x90, 0x02, 0x11, 0x05, 0x95, 0x01, 0x3C,
                                        0x80, 0x01, 0x88, 0x81, 0x01, 0x10, 0x84, 0x10};
    static const uint8_t point[4] = {0x5F, 0x49, 0x41, 0x04};
    memcpy(data, control, sizeof control);
    memcpy(data + 17, me.host_id, 16);
    memcpy(data + 33, point, sizeof point);
    return stranger_pair(data + 37);
}

static void derive(struct channel *c, EVP_PKEY *ephemeral, const uint8_t data[101])
{
    uint8_t secrets[64], info[3 + 17 + 5 + 9] = {0x3C, 0x88, 0x10, 0x10}, keys[80];
    uint8_t transcript[101 + 68];
    struct bytes b = {response, 68 + 18 + 10};
    const uint8_t *card_point = take_fixed_tlv(&b, 0x5F49, 65);
    assert_int_equal(card_point[0], 0x04);
    stranger_agree(ephemeral, card_point + 1, secrets);
    stranger_agree(me.pair, c->card.key, secrets + 32);
    memcpy(info + 4, me.host_id, 16);
    info[20] = 4;
    memcpy(info + 21, me.card_authority.content + 1, 4);
    info[25] = 8;
    memcpy(info + 26, c->card.subject, 8);
    stranger_kdf(secrets, sizeof secrets, info, sizeof info, keys, sizeof keys);
    memcpy(transcript, data, 101);
    memcpy(transcript + 101, response, 68);
    stranger_cmac(keys, transcript, sizeof transcript, c->chain);
    assert_memory_equal(take_fixed_tlv(&b, 0x86, 16), c->chain, 16);
    memcpy(me.handle, take_fixed_tlv(&b, 0xC0, 8), 8);
    memcpy(c->enc, keys + 16, 16);
    memcpy(c->mac, keys + 32, 16);
    memcpy(c->rmac, keys + 48, 16);
}

static uint16_t authenticate(struct channel *c)
{
    static const uint8_t header[4] = {0x80, 0x82, 0x01, 0x11};
    uint8_t data[101];
    size_t bytes = 0;
    EVP_PKEY *ephemeral = offer(data);
    uint16_t word = send(header, data, sizeof data, &bytes);
    if (word == 0x9000) {
        assert_int_equal(bytes, 68 + 18 + 10);
        memset(c, 0, sizeof *c);
        c->card = check_card(me.card_certificate, me.card_certificate_bytes);
        derive(c, ephemeral, data);
    }
    EVP_PKEY_free(ephemeral);
    return word;
}

static void initial_vector(const struct channel *c, uint8_t first, uint8_t iv[16])
{
    uint8_t block[16] = {first};
    block[15] = (uint8_t)c->counter;
    stranger_block(c->enc, block, iv);
}

/* Verifies and decrypts what is in response; gives the plain length. */
static size_t open_answer(struct channel *c, size_t bytes, uint16_t word, uint8_t plain[256])
{
    uint8_t input[16 + 256 + 2], mac[16], iv[16];
    assert_true(bytes >= 8 && (bytes - 8) % 16 == 0 && bytes <= 264);
    size_t sealed = bytes - 8;
    memcpy(input, c->chain, 16);
    memcpy(input + 16, response, sealed);
    input[16 + sealed] = (uint8_t)(word >> 8);
    input[16 + sealed + 1] = (uint8_t)word;
    stranger_cmac(c->rmac, input, 16 + sealed + 2, mac);
    assert_memory_equal(mac, response + sealed, 8);
    if (sealed == 0)
        return 0;
    initial_vector(c, 0x80, iv);
    stranger_cbc(false, c->enc, iv, response, sealed, plain);
    while (sealed > 0 && plain[sealed - 1] == 0)
        sealed--;
    assert_true(sealed > 0 && plain[sealed - 1] == 0x80);
    return sealed - 1;
}

/* One protected command without key data in P1 P2; its protected answer is left in response. */
static uint16_t send_secure(struct channel *c, uint8_t ins, const uint8_t *data, size_t bytes,
                            size_t *answered)
{
    const uint8_t header[4] = {0x84, ins, 0x00, 0x00};
    uint8_t input[16 + 5 + 64] = {0}, iv[16], padded[64] = {0}, mac[16];
    size_t sealed = (bytes / 16 + 1) * 16;
    assert_true(sealed <= 48);
    memcpy(padded, data, bytes);
    padded[bytes] = 0x80;
    c->counter++;
    initial_vector(c, 0x00, iv);
    memcpy(input, c->chain, 16);
    memcpy(input + 16, header, 4);
    input[20] = (uint8_t)(sealed + 8);
    stranger_cbc(true, c->enc, iv, padded, sealed, input + 21);
    stranger_cmac(c->mac, input, 21 + sealed, mac);
    memcpy(c->chain, mac, 16);
    memcpy(input + 21 + sealed, mac, 8);
    return send(header, input + 21, sealed + 8, answered);
}

/* The long way, from SELECT. */
static void meet(struct channel *c)
{
    select_purse();
    assert_int_equal(authenticate(c), 0x6A88);
    show_certificate();
    ask_certificate();
    assert_int_equal(authenticate(c), 0x9000);
}

/* ---- paying (12, 5) ---- */

static void write_number(uint8_t *at, uint32_t value, size_t count)
{
    for (size_t i = count; i-- > 0; value >>= 8)
        at[i] = (uint8_t)value;
}

/* amount 4 | currency 2 | terminal counter 4 | time 4 | reference 8 | flags 1 */
static void make_sale(uint32_t amount, uint8_t sale[23])
{
    write_number(sale, amount, 4);
    write_number(sale + 4, me.currency, 2);
    write_number(sale + 6, ++me.counter, 4);
    write_number(sale + 10, stranger_town_now(), 4);
    stranger_random(sale + 14, 8);
    sale[22] = 0;
}

/* The receipt from our own sale and the card's answer (89 bytes). */
static void make_receipt(const struct channel *c, const uint8_t sale[23], const uint8_t answer[89],
                         uint8_t receipt[161])
{
    memset(receipt, 0, 161);
    receipt[0] = 0x01;
    receipt[1] = 0x01;
    write_number(receipt + 2, me.scheme, 4);
    memcpy(receipt + 6, c->card.subject, 8);
    memcpy(receipt + 14, answer, 4); /* card counter */
    memcpy(receipt + 18, me.number, 8);
    memcpy(receipt + 26, sale + 6, 4); /* terminal counter */
    memcpy(receipt + 30, me.host_id, 16);
    write_number(receipt + 46, me.merchant, 4);
    memcpy(receipt + 50, sale, 6);        /* amount, currency */
    memcpy(receipt + 56, answer + 4, 12); /* balance, points change, points after */
    memcpy(receipt + 68, sale + 10, 12);  /* time, reference */
    receipt[88] = answer[24];             /* flags, behind both order fields */
    memcpy(receipt + 89, answer + 16, 8); /* random */
    memcpy(receipt + 97, answer + 25, 64);
}

static bool receipt_verifies(const struct channel *c, const uint8_t receipt[161])
{
    return verify_document(receipt, 97, c->card.content + 6);
}

static void pay(struct channel *c, uint32_t amount, uint32_t balance_after)
{
    uint8_t sale[23], plain[256], receipt[161];
    size_t bytes = 0;
    make_sale(amount, sale);
    uint16_t word = send_secure(c, 0x40, sale, sizeof sale, &bytes);
    assert_int_equal(word, 0x9000);
    assert_int_equal(open_answer(c, bytes, word, plain), 89);
    make_receipt(c, sale, plain, receipt);
    assert_true(receipt_verifies(c, receipt));
    assert_int_equal(number(receipt + 56, 4), balance_after);
    receipt[53] ^= 1; /* another amount */
    assert_false(receipt_verifies(c, receipt));
}

/* ---- tests ---- */

static int set_up(void **state)
{
    (void)state;
    stranger_town_found();
    enrol();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    EVP_PKEY_free(me.pair);
    stranger_town_close();
    return 0;
}

static void a_terminal_written_from_the_page_is_paid_and_holds_the_receipt(void **state)
{
    struct channel channel;
    (void)state;
    meet(&channel);
    pay(&channel, 250, STRANGER_LOADED - 250);
    assert_int_equal(me.apdus, 6);
}

static void the_second_time_they_know_each_other(void **state)
{
    struct channel channel;
    uint8_t handle[8];
    (void)state;
    meet(&channel);
    pay(&channel, 250, STRANGER_LOADED - 250);
    memcpy(handle, me.handle, sizeof handle);
    stranger_town_insert();
    me.apdus = 0;
    select_purse();
    assert_int_equal(authenticate(&channel), 0x9000);
    assert_memory_equal(me.handle, handle, sizeof handle);
    pay(&channel, 100, STRANGER_LOADED - 350);
    assert_int_equal(me.apdus, 3);
}

static void a_refusal_is_proven_and_takes_nothing(void **state)
{
    struct channel channel;
    uint8_t sale[23], plain[256];
    size_t bytes = 0;
    (void)state;
    meet(&channel);
    make_sale(STRANGER_LOADED + 1, sale);
    uint16_t word = send_secure(&channel, 0x40, sale, sizeof sale, &bytes);
    assert_int_equal(word, 0x6201);
    assert_int_equal(open_answer(&channel, bytes, word, plain), 0);
    pay(&channel, STRANGER_LOADED, 0);
}

static void a_lost_answer_is_read_again(void **state)
{
    struct channel channel;
    uint8_t sale[23], plain[256], question[12];
    size_t bytes = 0;
    (void)state;
    meet(&channel);
    make_sale(250, sale);
    (void)send_secure(&channel, 0x40, sale, sizeof sale, &bytes);
    memset(response, 0, sizeof response); /* lost */
    stranger_town_insert();
    select_purse();
    assert_int_equal(authenticate(&channel), 0x9000);
    memcpy(question, me.number, 8);
    memcpy(question + 8, sale + 6, 4);
    uint16_t word = send_secure(&channel, 0x48, question, sizeof question, &bytes);
    assert_int_equal(word, 0x9000);
    assert_int_equal(open_answer(&channel, bytes, word, plain), 161);
    assert_memory_equal(plain + 50, sale, 6);
    assert_memory_equal(plain + 68, sale + 10, 12);
    assert_true(receipt_verifies(&channel, plain));
    write_number(question + 8, me.counter + 1, 4);
    word = send_secure(&channel, 0x48, question, sizeof question, &bytes);
    assert_int_equal(word, 0x620E);
    assert_int_equal(open_answer(&channel, bytes, word, plain), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_terminal_written_from_the_page_is_paid_and_holds_the_receipt),
        TEST(the_second_time_they_know_each_other),
        TEST(a_refusal_is_proven_and_takes_nothing),
        TEST(a_lost_answer_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
