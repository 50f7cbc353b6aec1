/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No key, PIN or passphrase stands in a file that bank and terminals keep: after each step of a
 * life every file but the card's image, which is the chip's own memory, is searched for all secrets
 * caught so far (tests/secrets/catch.c), as bytes, in hexadecimal and in base64. Readers are held
 * open beside the databases, so that their write-ahead logs stay and are searched too.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "bank/evp.h"
#include "bank/seal.h"
#include "crypto/crypto.h"
#include "life.h"
#include "secrets/catch.h"

/* ---- the bank's secrets, which do not pass through PSA ---- */

EVP_PKEY *__real_evp_key_generate(void);
EVP_PKEY *__wrap_evp_key_generate(void);
EVP_PKEY *__wrap_evp_key_generate(void)
{
    uint8_t scalar[PRIVATE_KEY_BYTES];
    EVP_PKEY *pair = __real_evp_key_generate();
    if (pair != NULL && evp_scalar_of(pair, scalar))
        catch_add("bank's private key", scalar, sizeof scalar);
    return pair;
}

bool __real_evp_derive(const uint8_t secret[32], const char *info, uint8_t key[16]);
bool __wrap_evp_derive(const uint8_t secret[32], const char *info, uint8_t key[16]);
bool __wrap_evp_derive(const uint8_t secret[32], const char *info, uint8_t key[16])
{
    bool done = __real_evp_derive(secret, info, key);
    catch_add("link's shared secret", secret, 32);
    catch_add("link key", key, 16);
    return done;
}

enum stiver_bank_status __real_storage_key_load(const char *directory,
                                                struct stiver_bank_secret passphrase,
                                                uint8_t key[STORAGE_KEY_BYTES]);
enum stiver_bank_status __wrap_storage_key_load(const char *directory,
                                                struct stiver_bank_secret passphrase,
                                                uint8_t key[STORAGE_KEY_BYTES]);
enum stiver_bank_status __wrap_storage_key_load(const char *directory,
                                                struct stiver_bank_secret passphrase,
                                                uint8_t key[STORAGE_KEY_BYTES])
{
    enum stiver_bank_status status = __real_storage_key_load(directory, passphrase, key);
    if (status == STIVER_BANK_OK)
        catch_add("storage key", key, STORAGE_KEY_BYTES);
    catch_add("passphrase", passphrase.bytes, passphrase.length);
    return status;
}

/* ---- searching ---- */

static unsigned finds, files, allowed;
static char first_find[256];

static int digit(char c, unsigned base)
{
    static const char hex[] = "0123456789abcdef";
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (base == 16 && c >= 'A' && c <= 'F')
        c = (char)(c - 'A' + 'a');
    const char *alphabet = base == 16 ? hex : base64;
    const char *at = c == 0 ? NULL : strchr(alphabet, c);
    return at == NULL ? -1 : (int)(at - alphabet);
}

static const char *search(const uint8_t *data, size_t bytes)
{
    size_t offset;
    return catch_find(data, bytes, &offset);
}

/* Text of that base from each of its possible beginnings; line ends belong to no digit. */
static const char *search_text(const uint8_t *data, size_t bytes, unsigned base, uint8_t *out)
{
    const unsigned bits = base == 16 ? 4 : 6, starts = base == 16 ? 2 : 4;
    for (unsigned start = 0; start < starts; start++) {
        uint32_t held = 0;
        unsigned count = 0, skip = start;
        size_t used = 0;
        for (size_t i = 0; i < bytes; i++) {
            int value = digit((char)data[i], base);
            if (value < 0 && data[i] != '\n')
                count = 0, skip = start;
            if (value < 0)
                continue;
            if (skip > 0) {
                skip--;
                continue;
            }
            held = held << bits | (uint32_t)value;
            count += bits;
            if (count >= 8) {
                count -= 8;
                out[used++] = (uint8_t)(held >> count);
            }
        }
        const char *kind = search(out, used);
        if (kind != NULL)
            return kind;
    }
    return NULL;
}

/* What may stand there: a terminal's key file is its private key, for its owner alone (0600). */
static bool is_allowed(const char *path, const char *kind, const struct stat *about)
{
    const char *name = strrchr(path, '/');
    return name != NULL && strcmp(name, "/terminal.key") == 0 && strcmp(kind, "private key") == 0 &&
           (about->st_mode & 077) == 0;
}

static int search_file(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)walk;
    const char *name = strrchr(path, '/');
    if (type != FTW_F || (name != NULL && strcmp(name, "/card") == 0))
        return 0;
    size_t bytes = (size_t)about->st_size;
    uint8_t *data = malloc(2 * bytes + 2);
    FILE *in = fopen(path, "rb");
    assert_non_null(data);
    assert_non_null(in);
    bytes = fread(data, 1, bytes, in);
    fclose(in);
    const char *kinds[] = {search(data, bytes), search_text(data, bytes, 16, data + bytes + 1),
                           search_text(data, bytes, 64, data + bytes + 1)};
    for (unsigned i = 0; i < 3; i++) {
        if (kinds[i] == NULL)
            continue;
        if (is_allowed(path, kinds[i], about)) {
            allowed++;
            continue;
        }
        if (finds++ == 0)
            snprintf(first_find, sizeof first_find, "%s in %s", kinds[i], path);
    }
    files++;
    free(data);
    return 0;
}

static void search_place(void)
{
    assert_int_equal(nftw(life.place, search_file, 8, FTW_PHYS), 0);
}

/* ---- the life ---- */

static sqlite3 *holders[8];
static unsigned held;

/* Keeps a database's log from being put away. */
static int hold(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    static char seen[8][160];
    (void)about;
    (void)walk;
    size_t length = strlen(path);
    if (type != FTW_F || length < 3 || strcmp(path + length - 3, ".db") != 0)
        return 0;
    for (unsigned i = 0; i < held; i++)
        if (strcmp(seen[i], path) == 0)
            return 0;
    assert_true(held < 8);
    snprintf(seen[held], sizeof seen[held], "%s", path);
    assert_int_equal(sqlite3_open_v2(path, &holders[held], SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(holders[held], "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL),
        SQLITE_OK);
    held++;
    return 0;
}

static void no_file_holds_a_secret(void **state)
{
    (void)state;
    catch_start();
    life_open();
    for (unsigned i = 0; i < life_steps_count; i++) {
        const struct life_step *step = &life_steps[i];
        life.now += 60;
        assert_int_equal(step->run(step), LIFE_DONE);
        life_note(step);
        if (life.pin[0] != 0)
            catch_add_pin((const uint8_t *)life.pin);
        assert_int_equal(nftw(life.place, hold, 8, FTW_PHYS), 0);
        search_place();
    }
    print_message("# %u files searched for %zu secrets\n", files, catch_count());
    while (held > 0)
        sqlite3_close(holders[--held]);
    life_close();
    if (finds > 0)
        fail_msg("%u finds; the first: %s", finds, first_find);
    assert_true(catch_count() > 100);
    assert_true(files > 300);
    assert_true(allowed > 0); /* the search sees the keys where they may stand */
}

/* ---- the search itself must be able to find ---- */

static void planted_secrets_are_found(void **state)
{
    static const uint8_t key[] = {0x3C, 0x91, 0x07, 0xEE, 0x5A, 0xB0, 0x42, 0xD8, 0x66, 0x1F};
    static const char *const forms[] = {"say 3c9107ee5ab042d8661f", "say 3C9107EE5AB042D8661F",
                                        "PJEH7lqwQthmHw==", "APJEH7lqwQthmHw"};
    uint8_t out[64], raw[32] = {0};
    (void)state;
    catch_start();
    catch_add("planted key", key, sizeof key);
    memcpy(raw + 5, key, sizeof key);
    assert_string_equal(search(raw, sizeof raw), "planted key");
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *text = (const uint8_t *)forms[i];
        assert_string_equal(search_text(text, strlen(forms[i]), i < 2 ? 16 : 64, out),
                            "planted key");
    }
    life_open();
    char path[96];
    snprintf(path, sizeof path, "%s/journal.new", life.place);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(raw, 1, sizeof raw, file), sizeof raw);
    fclose(file);
    search_place();
    life_close();
    assert_int_equal(finds, 1);
    finds = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_secrets_are_found),
        cmocka_unit_test(no_file_holds_a_secret),
    };
    if (crypto_start() != CRYPTO_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
