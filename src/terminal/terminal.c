/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal's directory: made, opened, closed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "terminal/journal.h"

#define PATH_BYTES 4096u
#define KEY_NAME "terminal.key"
#define JOURNAL_NAME "journal.db"
#define MARK_NAME "journal.mark"

static terminal_status path_of(const char *directory, const char *name, char path[PATH_BYTES])
{
    int length = snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    return length > 0 && (size_t)length < PATH_BYTES ? STIVER_TERMINAL_OK : STIVER_TERMINAL_MISSING;
}

static terminal_status paths_of(const char *directory, char key[PATH_BYTES],
                                char journal[PATH_BYTES])
{
    terminal_status status = path_of(directory, KEY_NAME, key);
    return status == STIVER_TERMINAL_OK ? path_of(directory, JOURNAL_NAME, journal) : status;
}

/* ---- making ---- */

static terminal_status make_directory(const char *directory)
{
    if (mkdir(directory, S_IRWXU) == 0 || errno == EEXIST)
        return STIVER_TERMINAL_OK;
    if (errno == EACCES || errno == EPERM || errno == EROFS)
        return STIVER_TERMINAL_PERMISSION;
    if (errno == ENOSPC || errno == EDQUOT)
        return STIVER_TERMINAL_JOURNAL_FULL;
    return errno == ENOENT || errno == ENOTDIR ? STIVER_TERMINAL_MISSING
                                               : STIVER_TERMINAL_JOURNAL_IO;
}

/* A journal says that the terminal is whole, unless it is what a creation left that was cut: then
 * it is nobody's yet, and opens as one to be made. Whatever else it is stays as it is. */
static terminal_status finish_creation(const char *key_path, const char *journal_path)
{
    struct terminal_key key;
    struct db *journal = NULL;
    int file = -1;
    terminal_status status = key_open(key_path, &key, &file);
    if (file >= 0)
        close(file);
    if (status == STIVER_TERMINAL_OK)
        status = journal_open(journal_path, false, key.public_key, &journal);
    if (status == STIVER_TERMINAL_JOURNAL_FOREIGN)
        status = journal_open(journal_path, true, key.public_key, &journal);
    else
        status = STIVER_TERMINAL_EXISTS;
    db_close(journal);
    bytes_wipe(&key, sizeof key);
    return status == STIVER_TERMINAL_JOURNAL_FOREIGN ? STIVER_TERMINAL_EXISTS : status;
}

/* A key alone is what a creation left that was cut even earlier. */
terminal_status stiver_terminal_create(const char *directory,
                                       uint8_t request[STIVER_TERMINAL_REQUEST_BYTES])
{
    char key_path[PATH_BYTES], journal_path[PATH_BYTES];
    struct stiver_terminal terminal = {.key_file = -1};
    terminal_status status = paths_of(directory, key_path, journal_path);
    if (status == STIVER_TERMINAL_OK && crypto_start() != CRYPTO_OK)
        status = STIVER_TERMINAL_CRYPTO;
    if (status == STIVER_TERMINAL_OK)
        status = make_directory(directory);
    if (status == STIVER_TERMINAL_OK && access(journal_path, F_OK) == 0)
        status = finish_creation(key_path, journal_path);
    if (status == STIVER_TERMINAL_OK)
        status = key_create(key_path, &terminal.key);
    if (status == STIVER_TERMINAL_OK)
        status = journal_open(journal_path, true, terminal.key.public_key, &terminal.journal);
    if (status == STIVER_TERMINAL_OK) {
        db_close(terminal.journal);
        stiver_terminal_request(&terminal, request);
    }
    bytes_wipe(&terminal.key, sizeof terminal.key);
    return status;
}

/* ---- opening ---- */

static uint32_t system_clock(void *context)
{
    (void)context;
    time_t now = time(NULL);
    return now < 0 || (uint64_t)now > UINT32_MAX ? 0 : (uint32_t)now;
}

uint32_t terminal_now(const struct stiver_terminal *terminal)
{
    return terminal->environment.now(terminal->environment.clock_context);
}

terminal_status terminal_load_identity(struct stiver_terminal *terminal)
{
    struct journal_identity held;
    struct identity identity;
    terminal_status status = journal_identity(terminal->journal, &held);
    if (status != STIVER_TERMINAL_OK)
        return status;
    terminal->is_in_doubt = held.is_in_doubt;
    bool is_enrolled = held.package.bytes != 0;
    if (is_enrolled)
        status = identity_build(held.package.data, held.package.bytes, held.certificate, held.list,
                                terminal->key.public_key, &identity);
    journal_identity_done(terminal->journal);
    /* It opens, so that a new package can be adopted; nothing else is done with it. */
    if (status == STIVER_TERMINAL_PACKAGE_OLDER) {
        terminal->is_of_earlier_format = true;
        memcpy(terminal->identity.number, identity.number, TERMINAL_NUMBER_BYTES);
        return STIVER_TERMINAL_OK;
    }
    if (status == STIVER_TERMINAL_PACKAGE || status == STIVER_TERMINAL_LIST_FORGED)
        return STIVER_TERMINAL_JOURNAL_DAMAGED;
    if (status != STIVER_TERMINAL_OK || !is_enrolled)
        return status;
    identity_free(&terminal->identity);
    terminal->identity = identity;
    terminal->is_enrolled = true;
    return STIVER_TERMINAL_OK;
}

static terminal_status open_key(const char *directory, const char *path,
                                struct stiver_terminal *terminal)
{
    if (directory != NULL)
        return key_open(path, &terminal->key, &terminal->key_file);
    if (!terminal->environment.journal_in_memory)
        return STIVER_TERMINAL_MISSING;
    return crypto_generate(terminal->key.private_key, terminal->key.public_key) == CRYPTO_OK
               ? STIVER_TERMINAL_OK
               : STIVER_TERMINAL_CRYPTO;
}

/* A journal that was put back takes no business until the bank has named its highest number. */
static terminal_status open_mark(const char *directory, struct stiver_terminal *terminal)
{
    char path[PATH_BYTES];
    struct stiver_terminal_info info = {0};
    uint32_t number = 0;
    if (directory == NULL || terminal->environment.journal_in_memory)
        return STIVER_TERMINAL_OK;
    terminal_status status = path_of(directory, MARK_NAME, path);
    if (status == STIVER_TERMINAL_OK)
        status = journal_counts(terminal->journal, &info);
    if (status == STIVER_TERMINAL_OK)
        status = mark_open(path, info.counter, &terminal->mark_file, &number);
    if (status != STIVER_TERMINAL_OK || number <= info.counter)
        return status;
    uint32_t counter = number == MARK_UNKNOWN ? info.counter : number;
    status = journal_put_back(terminal->journal, counter);
    return status == STIVER_TERMINAL_OK ? mark_put(terminal->mark_file, counter) : status;
}

static terminal_status open_parts(const char *directory, struct stiver_terminal *terminal)
{
    char key_path[PATH_BYTES] = "", journal_path[PATH_BYTES] = "";
    terminal_status status = STIVER_TERMINAL_OK;
    if (crypto_start() != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    if (directory != NULL)
        status = paths_of(directory, key_path, journal_path);
    if (status == STIVER_TERMINAL_OK)
        status = open_key(directory, key_path, terminal);
    if (status == STIVER_TERMINAL_OK)
        status = journal_open(terminal->environment.journal_in_memory ? NULL : journal_path, false,
                              terminal->key.public_key, &terminal->journal);
    if (status == STIVER_TERMINAL_OK)
        status = open_mark(directory, terminal);
    return status == STIVER_TERMINAL_OK ? terminal_load_identity(terminal) : status;
}

terminal_status stiver_terminal_open(const char *directory,
                                     const struct stiver_terminal_environment *environment,
                                     struct stiver_terminal **terminal)
{
    struct stiver_terminal *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return STIVER_TERMINAL_MEMORY;
    if (environment != NULL)
        opened->environment = *environment;
    if (opened->environment.now == NULL)
        opened->environment.now = system_clock;
    opened->key_file = -1;
    opened->mark_file = -1;
    terminal_status status = open_parts(directory, opened);
    if (status != STIVER_TERMINAL_OK)
        stiver_terminal_close(opened);
    else
        *terminal = opened;
    return status;
}

void stiver_terminal_close(struct stiver_terminal *terminal)
{
    if (terminal == NULL)
        return;
    db_close(terminal->journal);
    if (terminal->mark_file >= 0)
        close(terminal->mark_file);
    if (terminal->key_file >= 0)
        close(terminal->key_file);
    identity_free(&terminal->identity);
    bytes_wipe(&terminal->key, sizeof terminal->key);
    free(terminal);
}

/* ---- what it may do ---- */

terminal_status terminal_is_enrolled(const struct stiver_terminal *terminal)
{
    return terminal->is_enrolled            ? STIVER_TERMINAL_OK
           : terminal->is_of_earlier_format ? STIVER_TERMINAL_PACKAGE_OLDER
                                            : STIVER_TERMINAL_NOT_ENROLLED;
}

terminal_status terminal_may_talk(const struct stiver_terminal *terminal,
                                  struct stiver_terminal_result *result)
{
    const struct certificate *own = &terminal->identity.certificate;
    uint32_t now = terminal_now(terminal);
    terminal_status status = terminal_is_enrolled(terminal);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (now > own->end) {
        result->time = own->end;
        return STIVER_TERMINAL_EXPIRED;
    }
    if (now < own->start) {
        result->time = own->start;
        return STIVER_TERMINAL_NOT_YET_VALID;
    }
    return STIVER_TERMINAL_OK;
}

terminal_status terminal_may_act(const struct stiver_terminal *terminal, uint16_t command_class)
{
    if ((terminal->identity.certificate.classes & command_class) != command_class)
        return STIVER_TERMINAL_ROLE;
    return terminal->is_in_doubt ? STIVER_TERMINAL_IN_DOUBT : STIVER_TERMINAL_OK;
}

terminal_status stiver_terminal_doubt(struct stiver_terminal *terminal)
{
    terminal_status status = journal_set_doubt(terminal->journal);
    if (status == STIVER_TERMINAL_OK)
        terminal->is_in_doubt = true;
    return status;
}

void stiver_terminal_last_count(const struct stiver_terminal *terminal, unsigned *apdus,
                                size_t *bytes)
{
    *apdus = terminal->last_count.apdus;
    *bytes = terminal->last_count.bytes;
}
