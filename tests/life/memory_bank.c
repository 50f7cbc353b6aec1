/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank's database in memory, whatever file it names: with -Wl,--wrap=sqlite3_open_v2 a fork of
 * the process has a bank of its own, and what happens in one life is unknown in another.
 */
#include "memory_bank.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

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
