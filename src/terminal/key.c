/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal's agreement key in its file, mode 0600:
 *
 *     "stiver terminal key 1" 0A | private key 32 | public key 64 | SHA-256 of all before it 32
 *
 * The file is also the lock of the directory: who has the terminal open holds a record lock on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "terminal/internal.h"

static const char key_title[] = "stiver terminal key 1\n";
#define KEY_TITLE_BYTES (sizeof key_title - 1)
#define KEY_CHECKED_BYTES (KEY_TITLE_BYTES + PRIVATE_KEY_BYTES + PUBLIC_KEY_BYTES)
#define KEY_FILE_BYTES (KEY_CHECKED_BYTES + SHA256_BYTES)

static terminal_status file_error(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
        return STIVER_TERMINAL_PERMISSION;
    case ENOENT:
    case ENOTDIR:
        return STIVER_TERMINAL_MISSING;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STIVER_TERMINAL_JOURNAL_FULL;
    default:
        return STIVER_TERMINAL_JOURNAL_IO;
    }
}

static terminal_status checksum(const uint8_t *bytes, uint8_t hash[SHA256_BYTES])
{
    const struct piece piece = {bytes, KEY_CHECKED_BYTES};
    return crypto_sha256(&piece, 1, hash) == CRYPTO_OK ? STIVER_TERMINAL_OK
                                                       : STIVER_TERMINAL_CRYPTO;
}

/* ---- reading ---- */

/* One byte more is asked for, so that a longer file is seen. */
static terminal_status read_all(int file, uint8_t bytes[KEY_FILE_BYTES + 1])
{
    size_t used = 0;
    while (used < KEY_FILE_BYTES + 1) {
        ssize_t got = read(file, bytes + used, KEY_FILE_BYTES + 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_error(errno);
        if (got == 0)
            break;
        used += (size_t)got;
    }
    return used == KEY_FILE_BYTES ? STIVER_TERMINAL_OK : STIVER_TERMINAL_KEY_DAMAGED;
}

static terminal_status key_parse(const uint8_t bytes[KEY_FILE_BYTES], struct terminal_key *key)
{
    uint8_t hash[SHA256_BYTES];
    struct reader r = reader_of(bytes, KEY_FILE_BYTES);
    const uint8_t *title = reader_take(&r, KEY_TITLE_BYTES);
    terminal_status status = checksum(bytes, hash);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (!bytes_equal(title, (const uint8_t *)key_title, KEY_TITLE_BYTES) ||
        !bytes_equal(bytes + KEY_CHECKED_BYTES, hash, sizeof hash))
        return STIVER_TERMINAL_KEY_DAMAGED;
    reader_bytes(&r, key->private_key, sizeof key->private_key);
    reader_bytes(&r, key->public_key, sizeof key->public_key);
    return STIVER_TERMINAL_OK;
}

/* A later format may have any length: its number is looked at before all else. */
static bool is_newer(const uint8_t bytes[KEY_FILE_BYTES + 1])
{
    const size_t name_bytes = KEY_TITLE_BYTES - sizeof "1";
    return bytes_equal(bytes, (const uint8_t *)key_title, name_bytes) && bytes[name_bytes] > '1' &&
           bytes[name_bytes] <= '9';
}

static terminal_status key_read(int file, struct terminal_key *key)
{
    uint8_t bytes[KEY_FILE_BYTES + 1] = {0};
    terminal_status status = read_all(file, bytes);
    if (status == STIVER_TERMINAL_OK)
        status = key_parse(bytes, key);
    if (status == STIVER_TERMINAL_KEY_DAMAGED && is_newer(bytes))
        status = STIVER_TERMINAL_JOURNAL_NEWER;
    bytes_wipe(bytes, sizeof bytes);
    return status;
}

static terminal_status lock(int file)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_SETLK, &whole) == 0)
        return STIVER_TERMINAL_OK;
    return errno == EACCES || errno == EAGAIN ? STIVER_TERMINAL_JOURNAL_BUSY : file_error(errno);
}

terminal_status key_open(const char *path, struct terminal_key *key, int *file)
{
    int opened = open(path, O_RDWR | O_CLOEXEC);
    if (opened < 0)
        return file_error(errno);
    terminal_status status = lock(opened);
    if (status == STIVER_TERMINAL_OK)
        status = key_read(opened, key);
    if (status != STIVER_TERMINAL_OK) {
        close(opened);
        return status;
    }
    *file = opened;
    return STIVER_TERMINAL_OK;
}

/* ---- making ---- */

static terminal_status key_format(const struct terminal_key *key, uint8_t bytes[KEY_FILE_BYTES])
{
    struct writer w = writer_of(bytes, KEY_FILE_BYTES);
    writer_bytes(&w, (const uint8_t *)key_title, KEY_TITLE_BYTES);
    writer_bytes(&w, key->private_key, sizeof key->private_key);
    writer_bytes(&w, key->public_key, sizeof key->public_key);
    return checksum(bytes, bytes + KEY_CHECKED_BYTES);
}

static terminal_status write_all(int file, const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        ssize_t put = write(file, bytes, count);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return file_error(put < 0 ? errno : EIO);
        bytes += put;
        count -= (size_t)put;
    }
    return fsync(file) == 0 ? STIVER_TERMINAL_OK : file_error(errno);
}

static terminal_status key_write(const char *path, const struct terminal_key *key)
{
    uint8_t bytes[KEY_FILE_BYTES];
    terminal_status status = key_format(key, bytes);
    if (status == STIVER_TERMINAL_OK) {
        int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (file < 0)
            status = file_error(errno);
        else
            status = write_all(file, bytes, sizeof bytes);
        if (file >= 0 && close(file) != 0 && status == STIVER_TERMINAL_OK)
            status = file_error(errno);
        if (file >= 0 && status != STIVER_TERMINAL_OK)
            unlink(path);
    }
    bytes_wipe(bytes, sizeof bytes);
    return status;
}

terminal_status key_create(const char *path, struct terminal_key *key)
{
    int file = -1;
    terminal_status status = key_open(path, key, &file);
    if (file >= 0)
        close(file);
    if (status != STIVER_TERMINAL_MISSING)
        return status;
    if (crypto_generate(key->private_key, key->public_key) != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    return key_write(path, key);
}
