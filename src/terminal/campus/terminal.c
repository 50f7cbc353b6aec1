/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a campus terminal: made, taken up, opened, closed, enrolled. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "terminal/campus/journal.h"

#define JOURNAL_FILE "campus.db"
#define MARK_FILE "campus.mark"
#define START_MASK 0x1FFFFFFFu /* counters begin below 2^29 */
#define LEAP 0x00100000u       /* over what a lost mark may hide */

static uint32_t system_clock(void *context)
{
    (void)context;
    time_t now = time(NULL);
    return now < 0 || (uint64_t)now > UINT32_MAX ? 0 : (uint32_t)now;
}

uint32_t campus_terminal_now(const struct stiver_campus_terminal *terminal)
{
    return terminal->environment.now(terminal->environment.clock_context);
}

/* ---- making ---- */

static terminal_status make_directory(const char *directory)
{
    if (mkdir(directory, S_IRWXU) == 0 || (errno == EEXIST && chmod(directory, S_IRWXU) == 0))
        return STIVER_TERMINAL_OK;
    return campus_file_error();
}

/* A journal that says whose it is makes the terminal whole; without one, what is there is the rest
 * of a creation that was cut off, or a directory of the source. */
static terminal_status find_none(const char *path)
{
    struct stiver_campus_terminal found = {.mark_file = -1};
    uint32_t counter = 0;
    terminal_status status = campus_journal_open(path, false, &found.journal);
    if (status == STIVER_TERMINAL_MISSING)
        return STIVER_TERMINAL_OK;
    if (status == STIVER_TERMINAL_JOURNAL_FOREIGN) /* or empty: cut before it was anybody's */
        status = campus_journal_open(path, true, &found.journal);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = campus_journal_terminal(&found, &counter);
    db_close(found.journal);
    return status == STIVER_TERMINAL_MISSING ? STIVER_TERMINAL_OK : STIVER_TERMINAL_EXISTS;
}

/* The first counter is one that no earlier journal of this key is likely to have reached. */
static terminal_status random_start(uint32_t *counter)
{
    uint8_t bytes[4];
    if (crypto_random(bytes, sizeof bytes) != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    struct reader r = reader_of(bytes, sizeof bytes);
    *counter = (reader_u32(&r) & START_MASK) | 1u;
    return STIVER_TERMINAL_OK;
}

static terminal_status make_mark(const char *directory, uint32_t counter)
{
    char path[CAMPUS_PATH_BYTES];
    uint32_t number = 0;
    int file = -1;
    terminal_status status = campus_file_path(directory, MARK_FILE, path);
    if (status == STIVER_TERMINAL_OK)
        status = mark_open(path, counter, &file, &number);
    if (status == STIVER_TERMINAL_OK)
        status = mark_put(file, counter);
    if (file >= 0)
        close(file);
    return status;
}

/* The mark comes first: whoever finds the journal finds it too. */
static terminal_status make_journal(const char *directory, enum campus_role role,
                                    const uint8_t modulus[RSA_BYTES],
                                    const struct campus_certificate *certificate,
                                    const uint8_t *back_end)
{
    char path[CAMPUS_PATH_BYTES];
    struct db *journal = NULL;
    uint32_t counter = 0;
    terminal_status status = random_start(&counter);
    if (status == STIVER_TERMINAL_OK)
        status = make_mark(directory, counter);
    if (status == STIVER_TERMINAL_OK)
        status = campus_file_path(directory, JOURNAL_FILE, path);
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_open(path, true, &journal);
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_make(journal, role, modulus, counter, certificate, back_end);
    db_close(journal);
    return status;
}

static terminal_status begin_making(const char *directory)
{
    char path[CAMPUS_PATH_BYTES];
    terminal_status status = campus_file_path(directory, JOURNAL_FILE, path);
    if (status == STIVER_TERMINAL_OK && crypto_start() != CRYPTO_OK)
        status = STIVER_TERMINAL_CRYPTO;
    return status == STIVER_TERMINAL_OK ? find_none(path) : status;
}

static void encode_request(enum campus_role role, const uint8_t modulus[RSA_BYTES],
                           uint8_t request[STIVER_CAMPUS_REQUEST_BYTES])
{
    struct campus_enrol enrol = {.role = role};
    memcpy(enrol.modulus, modulus, RSA_BYTES);
    campus_enrol_encode(&enrol, request);
}

enum stiver_terminal_status stiver_campus_terminal_create(
    const char *directory, enum stiver_campus_role role,
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES])
{
    struct campus_key key;
    if ((unsigned)role < CAMPUS_ROLE_STATION || (unsigned)role > CAMPUS_ROLE_RELOAD)
        return STIVER_TERMINAL_INTERNAL;
    terminal_status status = make_directory(directory);
    if (status == STIVER_TERMINAL_OK)
        status = begin_making(directory);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = campus_key_make(directory, (enum campus_role)role, &key);
    if (status == STIVER_TERMINAL_OK)
        status = make_journal(directory, (enum campus_role)role, key.modulus, NULL, NULL);
    if (status == STIVER_TERMINAL_OK)
        encode_request((enum campus_role)role, key.modulus, request);
    bytes_wipe(&key, sizeof key);
    return status;
}

/* ---- taking up ---- */

static terminal_status read_signature(const char *directory, enum campus_role role,
                                      struct campus_certificate *certificate)
{
    struct stiver_terminal_bytes file;
    char name[32];
    terminal_status status = campus_file_read(directory, campus_file_name(role, "signature", name),
                                              2 * RSA_BYTES, &file);
    if (status != STIVER_TERMINAL_OK)
        return status == STIVER_TERMINAL_JOURNAL_IO ? STIVER_TERMINAL_KEY_DAMAGED : status;
    if (file.length == RSA_BYTES)
        memcpy(certificate->signature, file.data, RSA_BYTES);
    else
        status = STIVER_TERMINAL_KEY_DAMAGED;
    stiver_terminal_bytes_free(&file);
    return status;
}

/* Private key, public key, certificate and the back end's key must say the same. */
static terminal_status read_source(const char *directory, enum campus_role role,
                                   struct campus_certificate *certificate,
                                   uint8_t back_end[RSA_BYTES])
{
    char name[32];
    uint8_t public_modulus[RSA_BYTES];
    terminal_status status =
        campus_public_read(directory, campus_file_name(role, "public.pem", name), public_modulus);
    if (status == STIVER_TERMINAL_OK)
        status = campus_public_read(directory, "backend_public.pem", back_end);
    if (status == STIVER_TERMINAL_OK)
        status = read_signature(directory, role, certificate);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (!bytes_equal(public_modulus, certificate->modulus, RSA_BYTES) ||
        !campus_certificate_holds(back_end, certificate))
        return STIVER_TERMINAL_KEY_DAMAGED;
    return STIVER_TERMINAL_OK;
}

static terminal_status check_list(const char *directory, const uint8_t back_end[RSA_BYTES])
{
    struct stiver_campus_terminal reader = {.mark_file = -1};
    struct stiver_terminal_bytes file;
    struct campus_list list;
    memcpy(reader.directory, directory, strlen(directory) + 1);
    memcpy(reader.back_end, back_end, RSA_BYTES);
    terminal_status status = campus_list_load(&reader, &file, &list);
    if (status == STIVER_TERMINAL_OK)
        stiver_terminal_bytes_free(&file);
    return status == STIVER_TERMINAL_MISSING ? STIVER_TERMINAL_OK : status;
}

static terminal_status keep_private(const char *directory, enum campus_role role)
{
    char path[CAMPUS_PATH_BYTES], name[32];
    terminal_status status =
        campus_file_path(directory, campus_file_name(role, "private.pem", name), path);
    if (status != STIVER_TERMINAL_OK)
        return status;
    return chmod(path, S_IRUSR | S_IWUSR) == 0 && chmod(directory, S_IRWXU) == 0
               ? STIVER_TERMINAL_OK
               : campus_file_error();
}

enum stiver_terminal_status stiver_campus_terminal_take_up(const char *directory,
                                                           enum stiver_campus_role role,
                                                           uint32_t id, uint32_t end)
{
    const enum campus_role own = (enum campus_role)role;
    struct campus_certificate certificate = {
        .id = id, .end = end, .usage = (enum campus_usage)role};
    struct campus_key key;
    uint8_t back_end[RSA_BYTES];
    if (own != CAMPUS_ROLE_POS && own != CAMPUS_ROLE_RELOAD)
        return STIVER_TERMINAL_ROLE;
    terminal_status status = begin_making(directory);
    if (status == STIVER_TERMINAL_OK)
        status = campus_key_read(directory, own, &key);
    if (status != STIVER_TERMINAL_OK)
        return status;
    memcpy(certificate.modulus, key.modulus, RSA_BYTES);
    bytes_wipe(&key, sizeof key);
    status = read_source(directory, own, &certificate, back_end);
    if (status == STIVER_TERMINAL_OK)
        status = check_list(directory, back_end);
    if (status == STIVER_TERMINAL_OK)
        status = keep_private(directory, own);
    if (status == STIVER_TERMINAL_OK)
        status = make_journal(directory, own, certificate.modulus, &certificate, back_end);
    return status;
}

/* ---- opening ---- */

static terminal_status lock(int file)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_SETLK, &whole) == 0)
        return STIVER_TERMINAL_OK;
    return errno == EACCES || errno == EAGAIN ? STIVER_TERMINAL_JOURNAL_BUSY : campus_file_error();
}

/* A journal that knows less than its mark was put back from a copy: the counters between are used.
 * Where the mark is gone too, nobody knows how many, and a leap goes over them. */
static terminal_status go_on_above(struct stiver_campus_terminal *terminal, uint32_t counter,
                                   uint32_t mark)
{
    if (mark == MARK_UNKNOWN)
        mark = counter < CAMPUS_COUNTER_MAX - LEAP ? counter + LEAP : CAMPUS_COUNTER_MAX;
    if (mark <= counter)
        return STIVER_TERMINAL_OK;
    terminal_status status = campus_journal_raise(
        terminal->journal, mark < CAMPUS_COUNTER_MAX ? mark : CAMPUS_COUNTER_MAX);
    return status == STIVER_TERMINAL_OK ? mark_put(terminal->mark_file, mark) : status;
}

static terminal_status open_key(struct stiver_campus_terminal *terminal)
{
    struct campus_key key;
    terminal_status status = campus_key_read(terminal->directory, terminal->role, &key);
    if (status == STIVER_TERMINAL_MISSING)
        return STIVER_TERMINAL_KEY_DAMAGED; /* there is a terminal, and its key is gone */
    if (status != STIVER_TERMINAL_OK)
        return status;
    memcpy(terminal->key, key.der, key.bytes);
    terminal->key_bytes = key.bytes;
    bool is_own = bytes_equal(key.modulus, terminal->modulus, RSA_BYTES);
    bytes_wipe(&key, sizeof key);
    return is_own ? STIVER_TERMINAL_OK : STIVER_TERMINAL_KEY_DAMAGED;
}

/* A list that was put there by hand and is later than the one held raises the floor. */
static terminal_status open_list(struct stiver_campus_terminal *terminal)
{
    struct stiver_terminal_bytes file;
    struct campus_list list;
    terminal_status status = campus_list_load(terminal, &file, &list);
    if (status == STIVER_TERMINAL_MISSING)
        return STIVER_TERMINAL_OK;
    if (status != STIVER_TERMINAL_OK)
        return status;
    stiver_terminal_bytes_free(&file);
    if (list.end_ms <= terminal->list_floor_ms)
        return STIVER_TERMINAL_OK;
    terminal->list_floor_ms = list.end_ms;
    return campus_journal_list(terminal->journal, list.end_ms);
}

static terminal_status open_files(struct stiver_campus_terminal *terminal)
{
    terminal_status status = open_key(terminal);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (terminal->is_enrolled && terminal->role != CAMPUS_ROLE_STATION &&
        !campus_certificate_holds(terminal->back_end, &terminal->certificate))
        return STIVER_TERMINAL_JOURNAL_DAMAGED;
    status = campus_files_complete(terminal);
    if (status == STIVER_TERMINAL_OK && terminal->is_enrolled)
        status = open_list(terminal);
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_end_unsigned(terminal->journal);
    if (status == STIVER_TERMINAL_OK && terminal->role != CAMPUS_ROLE_STATION)
        status = campus_csv_repair(terminal);
    return status;
}

/* A mark that cannot be opened for lack of the directory says that there is no terminal. */
static terminal_status open_journal(struct stiver_campus_terminal *terminal)
{
    char path[CAMPUS_PATH_BYTES];
    uint32_t counter = 0, mark = 0;
    terminal_status status = campus_file_path(terminal->directory, JOURNAL_FILE, path);
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_open(path, false, &terminal->journal);
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_terminal(terminal, &counter);
    if (status == STIVER_TERMINAL_OK)
        status = campus_file_path(terminal->directory, MARK_FILE, path);
    if (status == STIVER_TERMINAL_OK)
        status = mark_open(path, counter, &terminal->mark_file, &mark);
    if (status == STIVER_TERMINAL_OK)
        status = lock(terminal->mark_file);
    /* Read again: between the first look and the lock another program may have used some. */
    if (status == STIVER_TERMINAL_OK)
        status = campus_journal_terminal(terminal, &counter);
    return status == STIVER_TERMINAL_OK ? go_on_above(terminal, counter, mark) : status;
}

enum stiver_terminal_status stiver_campus_terminal_open(
    const char *directory, const struct stiver_terminal_environment *environment,
    struct stiver_campus_terminal **terminal)
{
    if (strlen(directory) >= CAMPUS_PATH_BYTES)
        return STIVER_TERMINAL_MISSING;
    if (crypto_start() != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    struct stiver_campus_terminal *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return STIVER_TERMINAL_MEMORY;
    opened->mark_file = -1;
    memcpy(opened->directory, directory, strlen(directory) + 1);
    if (environment != NULL)
        opened->environment = *environment;
    if (opened->environment.now == NULL)
        opened->environment.now = system_clock;
    terminal_status status = open_journal(opened);
    if (status == STIVER_TERMINAL_OK)
        status = open_files(opened);
    if (status != STIVER_TERMINAL_OK)
        stiver_campus_terminal_close(opened);
    else
        *terminal = opened;
    return status;
}

void stiver_campus_terminal_close(struct stiver_campus_terminal *terminal)
{
    if (terminal == NULL)
        return;
    db_close(terminal->journal);
    if (terminal->mark_file >= 0)
        close(terminal->mark_file);
    bytes_wipe(terminal, sizeof *terminal);
    free(terminal);
}

void stiver_campus_terminal_request(const struct stiver_campus_terminal *terminal,
                                    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES])
{
    encode_request(terminal->role, terminal->modulus, request);
}
