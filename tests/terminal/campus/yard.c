/* SPDX-License-Identifier: Apache-2.0 */
#include "yard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hex.h"

struct yard yard;
struct yard_bank yard_bank;

/* ---- keys ---- */

struct yard_key yard_key(const char *hex)
{
    struct yard_key key;
    key.bytes = strlen(hex) / 2;
    assert_true(key.bytes <= sizeof key.der);
    assert_true(hex_decode(hex, key.der, key.bytes));
    memcpy(key.modulus, key.der + 12, sizeof key.modulus);
    return key;
}

void yard_sign1(const struct yard_key *key, const uint8_t *text, size_t bytes, uint8_t out[256])
{
    const struct piece piece = {text, bytes};
    assert_int_equal(rsa_sign_sha1(key->der, key->bytes, &piece, 1, out), CRYPTO_OK);
}

void yard_sign_numbers(const struct yard_key *key, const uint32_t *numbers, size_t count,
                       uint8_t out[256])
{
    uint8_t text[20];
    struct writer w = writer_of(text, sizeof text);
    for (size_t i = 0; i < count; i++)
        writer_u32(&w, numbers[i]);
    assert_false(w.failed);
    yard_sign1(key, text, w.used, out);
}

void yard_certify(const struct yard_key *back_end, struct campus_certificate *certificate)
{
    uint8_t text[CAMPUS_CERTIFICATE_TEXT_BYTES];
    campus_certificate_text(certificate, text);
    yard_sign1(back_end, text, sizeof text, certificate->signature);
}

static void seal(uint8_t *bytes, size_t unsigned_bytes)
{
    const struct piece piece = {bytes, unsigned_bytes};
    assert_int_equal(
        rsa_sign_sha256(yard.back_end.der, yard.back_end.bytes, &piece, 1, bytes + unsigned_bytes),
        CRYPTO_OK);
}

/* ---- the yard ---- */

static uint32_t yard_clock(void *context)
{
    (void)context;
    return yard.now;
}

int yard_open(void **state)
{
    (void)state;
    assert_int_equal(crypto_start(), CRYPTO_OK);
    yard.back_end = yard_key(test_key_back_end);
    yard.now = YARD_NOW;
    /* In memory where there is such a place: many small files are synchronised. */
    snprintf(yard.root, sizeof yard.root, "%s/campus-yard-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(yard.root));
    yard_list((YARD_NOW + 864000ull) * 1000, NULL, 0);
    return 0;
}

static int run(const char *what, const char *path)
{
    char command[512];
    snprintf(command, sizeof command, "%s '%s'", what, path);
    return system(command);
}

int yard_close(void **state)
{
    (void)state;
    return run("rm -rf", yard.root);
}

void yard_path(char path[256], const char *directory, const char *file)
{
    snprintf(path, 256, "%s/%s%s%s", yard.root, directory, file[0] == '\0' ? "" : "/", file);
}

void yard_remove(const char *directory)
{
    char path[256];
    yard_path(path, directory, "");
    assert_int_equal(run("rm -rf", path), 0);
}

void yard_write(const char *directory, const char *file, const void *data, size_t bytes)
{
    char path[256];
    yard_path(path, directory, file);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

size_t yard_read(const char *directory, const char *file, uint8_t *out, size_t capacity)
{
    char path[256];
    yard_path(path, directory, file);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return 0;
    size_t bytes = fread(out, 1, capacity, f);
    fclose(f);
    return bytes;
}

void yard_list(uint64_t end_ms, const uint32_t *ids, uint32_t count)
{
    uint8_t signature[256];
    struct writer w = writer_of(yard.list, sizeof yard.list);
    campus_list_write(&w, end_ms, ids, count);
    yard_sign1(&yard.back_end, yard.list, w.used, signature);
    campus_list_sign(&w, signature);
    assert_false(w.failed);
    yard.list_bytes = w.used;
    yard.list_end_ms = end_ms;
}

size_t yard_package(enum campus_role role, uint32_t id, uint32_t end,
                    const uint8_t request[STIVER_CAMPUS_REQUEST_BYTES], uint8_t *out,
                    size_t capacity)
{
    struct campus_package package = {
        .terminal = {.id = id, .end = end, .usage = (enum campus_usage)role},
        .role = role,
        .list = yard.list,
        .list_bytes = yard.list_bytes,
    };
    struct writer w = writer_of(out, capacity - 256);
    memcpy(package.terminal.modulus, request + 2, 256);
    if (role != CAMPUS_ROLE_STATION)
        yard_certify(&yard.back_end, &package.terminal);
    memcpy(package.back_end, yard.back_end.modulus, 256);
    campus_package_encode(&package, &w);
    assert_false(w.failed);
    seal(out, w.used);
    return w.used + 256;
}

enum stiver_terminal_status yard_try_open(const char *directory,
                                          struct stiver_campus_terminal **terminal)
{
    const struct stiver_terminal_environment environment = {.now = yard_clock};
    char path[256];
    yard_path(path, directory, "");
    return stiver_campus_terminal_open(path, &environment, terminal);
}

/* The key's file lies there already: it is taken up. */
static void put_key(enum stiver_campus_role role, const char *directory)
{
    static const char *const hex[] = {NULL, test_key_station, test_key_pos, test_key_reload};
    static const char *const names[] = {NULL, "station_private.pem", "pos_private.pem",
                                        "reload_private.pem"};
    uint8_t der[CAMPUS_PRIVATE_DER_BYTES_MAX], pem[CAMPUS_PEM_BYTES_MAX];
    const struct yard_key key = yard_key(hex[role]);
    struct writer d = writer_of(der, sizeof der), p = writer_of(pem, sizeof pem);
    char path[256];
    campus_private_der(&d, key.der, key.bytes);
    campus_pem_write(&p, true, der, d.used);
    assert_false(d.failed || p.failed);
    yard_path(path, directory, "");
    assert_int_equal(run("mkdir -m 700", path), 0);
    yard_write(directory, names[role], pem, p.used);
}

struct stiver_campus_terminal *yard_terminal(enum stiver_campus_role role, const char *directory)
{
    static const uint32_t ids[] = {0, STATION_ID, POS_ID, RELOAD_ID};
    struct stiver_campus_terminal *terminal = NULL;
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES], package[4096];
    char path[256];
    yard_remove(directory);
    put_key(role, directory);
    yard_path(path, directory, "");
    assert_int_equal(stiver_campus_terminal_create(path, role, request), STIVER_TERMINAL_OK);
    assert_int_equal(yard_try_open(directory, &terminal), STIVER_TERMINAL_OK);
    size_t bytes =
        yard_package((enum campus_role)role, ids[role], YARD_END, request, package, sizeof package);
    assert_int_equal(stiver_campus_terminal_adopt(terminal, package, bytes, NULL),
                     STIVER_TERMINAL_OK);
    return terminal;
}

void yard_again(struct stiver_campus_terminal **terminal, const char *directory)
{
    stiver_campus_terminal_close(*terminal);
    *terminal = NULL;
    assert_int_equal(yard_try_open(directory, terminal), STIVER_TERMINAL_OK);
}

/* ---- the bank ---- */

static void answer_upload(struct reader *r, uint32_t terminal, struct writer *w)
{
    (void)reader_u64(r);
    (void)reader_u32(r);
    const uint32_t count = reader_u32(r);
    yard_bank.count = 0;
    writer_u32(w, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(campus_upload_read(r, terminal, &yard_bank.uploads[yard_bank.count++]));
        writer_u8(w, UPLOAD_BOOKED);
    }
    assert_true(reader_done(r));
    writer_u32(w, yard_bank.gives_list ? (uint32_t)yard.list_bytes : 0);
    if (yard_bank.gives_list)
        writer_bytes(w, yard.list, yard.list_bytes);
    writer_u32(w, yard_bank.gives_end);
    if (yard_bank.gives_end == 0)
        return;
    struct campus_certificate own = {
        .id = terminal, .end = yard_bank.gives_end, .usage = CAMPUS_USAGE_POS};
    memcpy(own.modulus, yard_key(test_key_pos).modulus, 256);
    yard_certify(&yard.back_end, &own);
    writer_bytes(w, own.signature, 256);
}

static void answer_certify(struct reader *r, struct writer *w)
{
    struct campus_certificate card = {.usage = CAMPUS_USAGE_CARD};
    card.id = reader_u32(r);
    card.end = reader_u32(r);
    reader_bytes(r, card.modulus, 256);
    assert_true(reader_done(r));
    yard_certify(&yard.back_end, &card);
    yard_bank.certified_id = card.id;
    memcpy(yard_bank.certified, card.modulus, 256);
    if (yard_bank.certifies_wrongly)
        card.signature[255] ^= 1;
    writer_bytes(w, card.signature, 256);
}

static void answer_body(const struct campus_link_header *header, struct reader *r, struct writer *w)
{
    writer_u8(w, yard_bank.mood == BANK_REFUSES ? LINK_REFUSED : LINK_OK);
    if (yard_bank.mood == BANK_REFUSES) {
        writer_bytes(w, (const uint8_t *)"no", 2);
    } else if (header->type == CAMPUS_LINK_UPLOAD) {
        answer_upload(r, header->terminal, w);
    } else if (header->type == CAMPUS_LINK_CARD) {
        writer_u32(w, 0x80000100u + yard.ids_given++);
        writer_u32(w, CARD_END);
    } else {
        answer_certify(r, w);
    }
}

static bool link_answer(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                        size_t *answer_bytes)
{
    struct campus_link_header header;
    struct reader r = reader_of(request, bytes - 256);
    const struct piece whole = {request, bytes}, unsigned_part = {request, bytes - 256};
    uint8_t hash[32];
    (void)context;
    yard_bank.requests++;
    if (yard_bank.mood == BANK_DOWN)
        return false;
    assert_true(campus_link_header_decode(&r, false, &header));
    static const char *const keys[] = {test_key_station, test_key_pos, test_key_reload};
    const size_t who = header.terminal == STATION_ID ? 0 : header.terminal == POS_ID ? 1 : 2;
    assert_int_equal(
        rsa_verify_sha256(yard_key(keys[who]).modulus, &unsigned_part, 1, request + bytes - 256),
        CRYPTO_OK);
    assert_int_equal(crypto_sha256(&whole, 1, hash), CRYPTO_OK);
    struct writer w = writer_of(yard_bank.last_answer, sizeof yard_bank.last_answer - 256);
    campus_link_header_encode(&header, true, &w);
    writer_bytes(&w, hash, sizeof hash);
    answer_body(&header, &r, &w);
    assert_false(w.failed);
    seal(yard_bank.last_answer, w.used);
    yard_bank.last_answer_bytes = w.used + 256;
    if (yard_bank.mood == BANK_FORGES)
        yard_bank.last_answer[w.used + 100] ^= 1;
    if (yard_bank.mood == BANK_LOSES)
        return false;
    *answer = malloc(yard_bank.last_answer_bytes);
    assert_non_null(*answer);
    memcpy(*answer, yard_bank.last_answer, yard_bank.last_answer_bytes);
    *answer_bytes = yard_bank.last_answer_bytes;
    return true;
}

static void link_release(void *context, uint8_t *answer)
{
    (void)context;
    free(answer);
}

const struct stiver_terminal_link yard_link = {NULL, link_answer, link_release};

/* ---- the journal ---- */

struct search {
    uint32_t number;
    bool is_found;
    unsigned count;
    struct stiver_campus_entry entry;
};

static bool find(void *context, const struct stiver_campus_entry *entry)
{
    struct search *search = context;
    search->count++;
    if (search->number == 0 || entry->number == search->number) {
        search->is_found = true;
        search->entry = *entry;
    }
    return true;
}

static struct search search_for(struct stiver_campus_terminal *terminal, uint32_t number)
{
    struct search search = {.number = number};
    assert_int_equal(stiver_campus_entries(terminal, find, &search), STIVER_TERMINAL_OK);
    return search;
}

struct stiver_campus_entry yard_entry(struct stiver_campus_terminal *terminal, uint32_t number)
{
    struct search search = search_for(terminal, number);
    assert_true(search.is_found);
    return search.entry;
}

struct stiver_campus_entry yard_last(struct stiver_campus_terminal *terminal)
{
    return yard_entry(terminal, 0);
}

unsigned yard_count(struct stiver_campus_terminal *terminal)
{
    return search_for(terminal, 0).count;
}
