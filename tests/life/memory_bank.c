/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank's database in memory, whatever file it names: with -Wl,--wrap=sqlite3_open_v2 a fork of
 * the process has a bank of its own, and what happens in one life is unknown in another. With
 * -Wl,--wrap=key_file_make its key files cost next to nothing to open.
 */
#include "memory_bank.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "bank/key_file.h"

static unsigned bank_number;
static sqlite3 *anchor; /* a database in memory ends with its last connection */

int __real_sqlite3_open_v2(const char *path, sqlite3 **handle, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **handle, int flags, const char *vfs);

void memory_bank_new(void)
{
    sqlite3_close(anchor);
    anchor = NULL;
    bank_number++;
}

int __wrap_sqlite3_open_v2(const char *path, sqlite3 **handle, int flags, const char *vfs)
{
    static const char name[] = "/bank.db";
    char uri[48];
    size_t length = strlen(path);
    if (length < sizeof name || strcmp(path + length - (sizeof name - 1), name) != 0)
        return __real_sqlite3_open_v2(path, handle, flags, vfs);
    snprintf(uri, sizeof uri, "file:/bank-%u?vfs=memdb", bank_number);
    flags |= SQLITE_OPEN_URI | SQLITE_OPEN_CREATE;
    if (anchor == NULL) {
        int code = __real_sqlite3_open_v2(uri, &anchor, flags, vfs);
        if (code != SQLITE_OK)
            return code;
    }
    return __real_sqlite3_open_v2(uri, handle, flags, vfs);
}

/* The least that scrypt takes: nobody guesses this passphrase. */
enum stiver_bank_status __real_key_file_make(const char *directory, const char *name,
                                             struct stiver_bank_secret passphrase, unsigned cost,
                                             uint8_t public_key[PUBLIC_KEY_BYTES]);
enum stiver_bank_status __wrap_key_file_make(const char *directory, const char *name,
                                             struct stiver_bank_secret passphrase, unsigned cost,
                                             uint8_t public_key[PUBLIC_KEY_BYTES]);
enum stiver_bank_status __wrap_key_file_make(const char *directory, const char *name,
                                             struct stiver_bank_secret passphrase, unsigned cost,
                                             uint8_t public_key[PUBLIC_KEY_BYTES])
{
    (void)cost;
    return __real_key_file_make(directory, name, passphrase, 1, public_key);
}
