/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "failing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <poll.h>
#include <psa/crypto.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

const char *const failing_names[FAILING_KINDS] = {
    [FAILING_ALLOC] = "allocation",
    [FAILING_PSA] = "PSA",
    [FAILING_OPENSSL] = "OpenSSL",
    [FAILING_SQLITE] = "SQLite",
    [FAILING_SQLITE_MEMORY] = "SQLite's memory",
    [FAILING_SQLITE_FILE] = "SQLite's files",
    [FAILING_FILE] = "file",
    [FAILING_SOCKET] = "socket",
    [FAILING_DISK] = "full disk",
};

static struct {
    bool is_on;
    enum failing_kind kind;
    uint32_t at;
    bool stays, was_met;
    const char *met;
    const char *name; /* of the only call that fails; NULL: any of the kind */
    uint32_t named;
    uint32_t counts[FAILING_KINDS];
    bool is_memory_short; /* a column could not be given: errcode says so */
} now;
static long blocks, keys;

static bool fails_as(enum failing_kind kind, const char *name)
{
    uint32_t n = ++now.counts[kind];
    if (now.name != NULL) {
        now.named += strcmp(name, now.name) == 0;
        n = strcmp(name, now.name) == 0 ? now.named : 0;
    }
    if (now.at == 0 || (now.name == NULL && now.kind != kind) ||
        (now.stays ? n < now.at : n != now.at))
        return false;
    if (!now.was_met)
        now.met = name;
    now.was_met = true;
    return true;
}

static bool fails(enum failing_kind kind, const char *name)
{
    return now.is_on && fails_as(kind, name);
}

/* Counted as a call of its kind and as one that writes. */
static bool write_fails(enum failing_kind kind, const char *name)
{
    if (!now.is_on)
        return false;
    bool is_full = fails_as(FAILING_DISK, name);
    return fails_as(kind, name) || is_full;
}

void failing_start(enum failing_kind kind, uint32_t at, bool stays)
{
    memset(&now, 0, sizeof now);
    now.kind = kind;
    now.at = at;
    now.stays = stays;
    now.met = "";
    now.is_on = true;
}

void failing_start_call(const char *name, uint32_t at)
{
    failing_start(FAILING_KINDS, at, false);
    now.name = name;
}

bool failing_stop(void)
{
    now.is_on = false;
    now.is_memory_short = false;
    return now.was_met;
}

uint32_t failing_count(enum failing_kind kind)
{
    return now.counts[kind];
}

const char *failing_met(void)
{
    return now.met;
}

void failing_held(struct failing_held *held)
{
    *held = (struct failing_held){blocks, keys, 0};
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL)
        held->files++;
    if (folder != NULL)
        closedir(folder);
}

/* Not every failure has the same code: they are taken in turn. */
static int failing_sqlite_code(void)
{
    static const int codes[] = {SQLITE_FULL, SQLITE_IOERR, SQLITE_NOMEM};
    return codes[now.at % (sizeof codes / sizeof codes[0])];
}

/* ---- the rows of calls.def ---- */

#define DECLARE(type, name, parameters) \
    type __real_##name parameters;      \
    type __wrap_##name parameters;
#define CALL(kind, type, name, parameters, arguments, failure) \
    DECLARE(type, name, parameters)                            \
    type __wrap_##name parameters                              \
    {                                                          \
        if (fails(FAILING_##kind, #name))                      \
            return failure;                                    \
        return __real_##name arguments;                        \
    }
#define LAST(kind, type, name, parameters, arguments, failure) \
    DECLARE(type, name, parameters)                            \
    type __wrap_##name parameters                              \
    {                                                          \
        bool is_failing = fails(FAILING_##kind, #name);        \
        type done = __real_##name arguments;                   \
        return is_failing ? failure : done;                    \
    }
#define WRITE(type, name, parameters, arguments) \
    DECLARE(type, name, parameters)              \
    type __wrap_##name parameters                \
    {                                            \
        if (write_fails(FAILING_FILE, #name)) {  \
            errno = ENOSPC;                      \
            return -1;                           \
        }                                        \
        return __real_##name arguments;          \
    }
/* swift_psa.c uses OpenSSL, which is not what is asked of PSA. */
#define CURVE(name, parameters, arguments, failure)   \
    psa_status_t swift_##name parameters;             \
    psa_status_t __wrap_##name parameters;            \
    psa_status_t __wrap_##name parameters             \
    {                                                 \
        if (fails(FAILING_PSA, #name))                \
            return failure;                           \
        bool was_on = now.is_on;                      \
        now.is_on = false;                            \
        psa_status_t status = swift_##name arguments; \
        now.is_on = was_on;                           \
        count_##name(status);                         \
        return status;                                \
    }
#define HAND(name)
#define NEVER(name)
#define ELSEWHERE(name)

static void count_psa_import_key(psa_status_t status)
{
    keys += status == PSA_SUCCESS;
}
static void count_psa_generate_key(psa_status_t status)
{
    keys += status == PSA_SUCCESS;
}
#define count_psa_export_key(status) (void)0
#define count_psa_export_public_key(status) (void)0
#define count_psa_sign_hash(status) (void)0
#define count_psa_verify_hash(status) (void)0
#define count_psa_raw_key_agreement(status) (void)0

#include "calls.def"

psa_status_t swift_psa_destroy_key(psa_key_id_t id);
psa_status_t __wrap_psa_destroy_key(psa_key_id_t id);
psa_status_t __wrap_psa_destroy_key(psa_key_id_t id)
{
    bool is_failing = fails(FAILING_PSA, "psa_destroy_key");
    psa_status_t status = swift_psa_destroy_key(id);
    keys -= status == PSA_SUCCESS;
    return is_failing ? PSA_ERROR_STORAGE_FAILURE : status;
}

/* ---- memory ---- */

DECLARE(void *, malloc, (size_t bytes))
DECLARE(void *, calloc, (size_t count, size_t bytes))
DECLARE(void *, realloc, (void *old, size_t bytes))
DECLARE(char *, strdup, (const char *text))
DECLARE(char *, strndup, (const char *text, size_t bytes))
DECLARE(void, free, (void *block))

static void *counted(void *block)
{
    blocks += block != NULL;
    return block;
}

void *__wrap_malloc(size_t bytes)
{
    return fails(FAILING_ALLOC, "malloc") ? NULL : counted(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails(FAILING_ALLOC, "calloc") ? NULL : counted(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *old, size_t bytes)
{
    if (fails(FAILING_ALLOC, "realloc"))
        return NULL;
    bool is_new = old == NULL;
    void *block = __real_realloc(old, bytes);
    return is_new ? counted(block) : block;
}

char *__wrap_strdup(const char *text)
{
    return fails(FAILING_ALLOC, "strdup") ? NULL : counted(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t bytes)
{
    return fails(FAILING_ALLOC, "strndup") ? NULL : counted(__real_strndup(text, bytes));
}

void __wrap_free(void *block)
{
    blocks -= block != NULL;
    __real_free(block);
}

/* ---- files ---- */

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_fcntl64(int file, int command, ...);
int __wrap_fcntl64(int file, int command, ...);

int __wrap_open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    bool makes = (flags & O_CREAT) != 0;
    if (makes) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    if (makes ? write_fails(FAILING_FILE, "open") : fails(FAILING_FILE, "open")) {
        errno = makes ? ENOSPC : EMFILE;
        return -1;
    }
    return __real_open64(path, flags, mode);
}

int __wrap_fcntl64(int file, int command, ...)
{
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (fails(FAILING_FILE, "fcntl")) {
        errno = ENOLCK;
        return -1;
    }
    return __real_fcntl64(file, command, argument);
}

static int sync_file(int file, long call, enum failing_kind kind, const char *name)
{
    if (write_fails(kind, name)) {
        errno = kind == FAILING_FILE ? ENOSPC : EIO;
        return -1;
    }
    return (int)syscall(call, file);
}

int __wrap_fsync(int file);
int __wrap_fdatasync(int file);
int __wrap_fsync(int file)
{
    return sync_file(file, SYS_fsync, FAILING_FILE, "fsync");
}
int __wrap_fdatasync(int file)
{
    return sync_file(file, SYS_fdatasync, FAILING_FILE, "fdatasync");
}
/* The shared libraries find these first; of them SQLite alone syncs. */
int fsync(int file)
{
    return sync_file(file, SYS_fsync, FAILING_SQLITE_FILE, "SQLite's fsync");
}
int fdatasync(int file)
{
    return sync_file(file, SYS_fdatasync, FAILING_SQLITE_FILE, "SQLite's fdatasync");
}

/* What SQLite waits for is not what is under test. */
int usleep(useconds_t microseconds);
int usleep(useconds_t microseconds)
{
    const struct timespec time = {.tv_sec = microseconds / 1000000,
                                  .tv_nsec = (long)(microseconds % 1000000) * 1000};
    return now.is_on ? 0 : nanosleep(&time, NULL);
}

/* ---- SQLite ---- */

DECLARE(const void *, sqlite3_column_blob, (sqlite3_stmt * statement, int column))
DECLARE(const unsigned char *, sqlite3_column_text, (sqlite3_stmt * statement, int column))
DECLARE(int, sqlite3_errcode, (sqlite3 * handle))
DECLARE(int, sqlite3_close, (sqlite3 * handle))

const void *__wrap_sqlite3_column_blob(sqlite3_stmt *statement, int column)
{
    if (!fails(FAILING_SQLITE, "sqlite3_column_blob"))
        return __real_sqlite3_column_blob(statement, column);
    now.is_memory_short = true;
    return NULL;
}

const unsigned char *__wrap_sqlite3_column_text(sqlite3_stmt *statement, int column)
{
    if (!fails(FAILING_SQLITE, "sqlite3_column_text"))
        return __real_sqlite3_column_text(statement, column);
    now.is_memory_short = true;
    return NULL;
}

int __wrap_sqlite3_errcode(sqlite3 *handle)
{
    bool was_short = now.is_memory_short;
    now.is_memory_short = false;
    return was_short ? SQLITE_NOMEM : __real_sqlite3_errcode(handle);
}

/* A handle with statements left cannot be closed: that is a leak. */
int __wrap_sqlite3_close(sqlite3 *handle)
{
    int code = __real_sqlite3_close(handle);
    if (code != SQLITE_OK)
        blocks += 1000;
    return code;
}

static sqlite3_mem_methods memory;

static void *sqlite_malloc(int bytes)
{
    return fails(FAILING_SQLITE_MEMORY, "SQLite's malloc") ? NULL : memory.xMalloc(bytes);
}

static void *sqlite_realloc(void *old, int bytes)
{
    return fails(FAILING_SQLITE_MEMORY, "SQLite's realloc") ? NULL : memory.xRealloc(old, bytes);
}

/* Its file calls, by the names of the table that it lets us change. */
static struct {
    int (*open)(const char *, int, int);
    ssize_t (*pread)(int, void *, size_t, off_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    int (*ftruncate)(int, off_t);
    int (*fstat)(int, struct stat *);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*unlink)(const char *);
    int (*fcntl)(int, int, void *);
} own;

static int sqlite_open(const char *path, int flags, int mode)
{
    if (fails(FAILING_SQLITE_FILE, "SQLite's open"))
        return errno = EMFILE, -1;
    return own.open(path, flags, mode);
}

static ssize_t sqlite_pread(int file, void *out, size_t bytes, off_t at)
{
    if (fails(FAILING_SQLITE_FILE, "SQLite's pread"))
        return errno = EIO, -1;
    return own.pread(file, out, bytes, at);
}

static ssize_t sqlite_pwrite(int file, const void *data, size_t bytes, off_t at)
{
    if (write_fails(FAILING_SQLITE_FILE, "SQLite's pwrite"))
        return errno = ENOSPC, -1;
    return own.pwrite(file, data, bytes, at);
}

static int sqlite_ftruncate(int file, off_t bytes)
{
    if (write_fails(FAILING_SQLITE_FILE, "SQLite's ftruncate"))
        return errno = ENOSPC, -1;
    return own.ftruncate(file, bytes);
}

static int sqlite_fstat(int file, struct stat *about)
{
    if (fails(FAILING_SQLITE_FILE, "SQLite's fstat"))
        return errno = EIO, -1;
    return own.fstat(file, about);
}

static void *sqlite_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset)
{
    if (fails(FAILING_SQLITE_FILE, "SQLite's mmap"))
        return errno = ENOMEM, MAP_FAILED;
    return own.mmap(at, bytes, protection, flags, file, offset);
}

static int sqlite_unlink(const char *path)
{
    if (fails(FAILING_SQLITE_FILE, "SQLite's unlink"))
        return errno = EIO, -1;
    return own.unlink(path);
}

static int sqlite_fcntl(int file, int command, void *argument)
{
    if (fails(FAILING_SQLITE_FILE, "SQLite's fcntl"))
        return errno = ENOLCK, -1;
    return own.fcntl(file, command, argument);
}

#define TAKE(vfs, name, member, with)                                                 \
    do {                                                                              \
        sqlite3_syscall_ptr call = (vfs)->xGetSystemCall(vfs, name);                  \
        if (call == NULL)                                                             \
            abort();                                                                  \
        memcpy(&own.member, &call, sizeof call);                                      \
        if ((vfs)->xSetSystemCall(vfs, name, (sqlite3_syscall_ptr)with) != SQLITE_OK) \
            abort();                                                                  \
    } while (0)

void failing_prepare(void)
{
    sqlite3_mem_methods methods;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory) != SQLITE_OK)
        abort();
    methods = memory;
    methods.xMalloc = sqlite_malloc;
    methods.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
        sqlite3_initialize() != SQLITE_OK)
        abort();
    sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
    if (vfs == NULL)
        abort();
    TAKE(vfs, "open", open, sqlite_open);
    TAKE(vfs, "pread64", pread, sqlite_pread);
    TAKE(vfs, "pwrite64", pwrite, sqlite_pwrite);
    TAKE(vfs, "ftruncate", ftruncate, sqlite_ftruncate);
    TAKE(vfs, "fstat", fstat, sqlite_fstat);
    TAKE(vfs, "mmap", mmap, sqlite_mmap);
    TAKE(vfs, "unlink", unlink, sqlite_unlink);
    TAKE(vfs, "fcntl", fcntl, sqlite_fcntl);
}

/* ---- OpenSSL's with unusual shapes ---- */

EVP_PKEY *__real_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *context, const char *queue, const char *type, ...);
EVP_PKEY *__wrap_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *context, const char *queue, const char *type, ...);
EVP_PKEY *__wrap_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *context, const char *queue, const char *type, ...)
{
    va_list rest;
    va_start(rest, type);
    char *curve = va_arg(rest, char *);
    va_end(rest);
    if (fails(FAILING_OPENSSL, "EVP_PKEY_Q_keygen"))
        return NULL;
    return __real_EVP_PKEY_Q_keygen(context, queue, type, curve);
}

/* A failure that is not the passphrase's leaves another reason in OpenSSL's queue. */
DECLARE(PKCS8_PRIV_KEY_INFO *, PKCS8_decrypt,
        (const X509_SIG *sealed, const char *secret, int bytes))
PKCS8_PRIV_KEY_INFO *__wrap_PKCS8_decrypt(const X509_SIG *sealed, const char *secret, int bytes)
{
    if (fails(FAILING_OPENSSL, "PKCS8_decrypt")) {
        ERR_raise(ERR_LIB_PKCS12, ERR_R_MALLOC_FAILURE);
        return NULL;
    }
    return __real_PKCS8_decrypt(sealed, secret, bytes);
}
