/* SPDX-License-Identifier: Apache-2.0 */
#include "published.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define VECTORS "campus_published.txt"

const struct published_talk published_talks[PUBLISHED_TALKS] = {
    {"personalise", PUBLISHED_STATION, 4, 809}, {"load", PUBLISHED_RELOAD, 8, 2397},
    {"load-again", PUBLISHED_RELOAD, 8, 2397},  {"pay", PUBLISHED_POS, 7, 2135},
    {"pay-again", PUBLISHED_POS, 7, 2135},      {"block", PUBLISHED_POS, 6, 2124},
    {"blocked", PUBLISHED_POS, 2, 36},
};

static struct vector message(const struct published_talk *talk, unsigned number, const char *way)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s.%u.%s", talk->name, number, way);
    return vector_read(VECTORS, name);
}

struct vector published_command(const struct published_talk *talk, unsigned number)
{
    return message(talk, number, "command");
}

struct vector published_answer(const struct published_talk *talk, unsigned number)
{
    return message(talk, number, "answer");
}

unsigned published_find(const struct published_talk *talk, uint8_t ins)
{
    for (unsigned number = 1; number <= talk->commands; number++)
        if (published_command(talk, number).data[1] == ins)
            return number;
    fail_msg("the talk %s has no command %02X", talk->name, ins);
    return 0;
}

void published_value(const struct published_talk *talk, uint8_t ins, uint8_t value[RSA_BYTES])
{
    struct vector command = published_command(talk, published_find(talk, ins));
    assert_in_range(command.bytes, 260, 261);
    assert_int_equal(command.data[4], 255);
    value[0] = command.data[2];
    memcpy(value + 1, command.data + 5, RSA_BYTES - 1);
}

void published_answered(const struct published_talk *talk, uint8_t ins, uint8_t value[RSA_BYTES])
{
    struct vector answer = published_answer(talk, published_find(talk, ins));
    assert_int_equal(answer.bytes, RSA_BYTES + 2);
    memcpy(value, answer.data, RSA_BYTES);
}

struct published_facts published_facts(const struct published_talk *talk)
{
    unsigned number = published_find(talk, 0x20);
    struct vector command = published_command(talk, number);
    struct vector answer = published_answer(talk, number);
    struct published_facts facts = {0};
    struct reader r = reader_of(command.data + 5, command.bytes - 5);
    facts.terminal = reader_u32(&r);
    facts.terminal_end = reader_u32(&r);
    facts.terminal_counter = reader_u32(&r);
    facts.time = reader_u32(&r);
    assert_true(reader_done(&r));
    r = reader_of(answer.data, answer.bytes - 2);
    facts.card = reader_u32(&r);
    facts.card_end = reader_u32(&r);
    facts.counter = reader_u32(&r);
    assert_true(reader_done(&r));
    if (talk->commands < 7)
        return facts;
    command = published_command(talk, published_find(talk, 0x28));
    r = reader_of(command.data + 5, command.bytes - 5);
    facts.amount = reader_u32(&r);
    assert_true(reader_done(&r));
    return facts;
}

size_t published_file(const char *name, uint8_t *out, size_t capacity)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s%s", PUBLISHED_FILES, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    size_t bytes = fread(out, 1, capacity, file);
    assert_int_equal(fgetc(file), EOF); /* all of it */
    (void)fclose(file);
    return bytes;
}

static size_t key_file(const char *name, uint8_t *der, size_t capacity)
{
    uint8_t file[CAMPUS_PEM_BYTES_MAX];
    size_t bytes = published_file(name, file, sizeof file);
    struct writer w = writer_of(der, capacity);
    assert_true(campus_pem_read(file, bytes, &w));
    assert_false(w.failed);
    return w.used;
}

void published_public(const char *name, uint8_t modulus[RSA_BYTES])
{
    uint8_t der[CAMPUS_PUBLIC_DER_BYTES];
    size_t bytes = key_file(name, der, sizeof der);
    assert_true(campus_public_der_read(der, bytes, modulus));
}

size_t published_private(const char *name, uint8_t der[RSA_PRIVATE_BYTES_MAX])
{
    uint8_t outside[CAMPUS_PRIVATE_DER_BYTES_MAX];
    const uint8_t *inside = NULL;
    size_t inside_bytes = 0, bytes = key_file(name, outside, sizeof outside);
    assert_true(campus_private_der_read(outside, bytes, &inside, &inside_bytes));
    assert_in_range(inside_bytes, 1, RSA_PRIVATE_BYTES_MAX);
    memcpy(der, inside, inside_bytes);
    return inside_bytes;
}
