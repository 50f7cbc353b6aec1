/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the directory: read in one go, written whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "terminal/campus/internal.h"

terminal_status campus_file_error(void)
{
    switch (errno) {
    case EACCES:
    case EPERM:
    case EROFS:
        return STIVER_TERMINAL_PERMISSION;
    case ENOENT:
    case ENOTDIR:
        return STIVER_TERMINAL_MISSING;
    case ENOSPC:
    case EDQUOT:
        return STIVER_TERMINAL_JOURNAL_FULL;
    case ENOMEM:
        return STIVER_TERMINAL_MEMORY;
    default:
        return STIVER_TERMINAL_JOURNAL_IO;
    }
}

terminal_status campus_file_path(const char *directory, const char *name,
                                 char path[CAMPUS_PATH_BYTES])
{
    int length = snprintf(path, CAMPUS_PATH_BYTES, "%s/%s", directory, name);
    return length > 0 && (size_t)length < CAMPUS_PATH_BYTES ? STIVER_TERMINAL_OK
                                                            : STIVER_TERMINAL_MISSING;
}

const char *campus_file_name(enum campus_role role, const char *what, char name[32])
{
    const char *who = role == CAMPUS_ROLE_POS      ? "pos"
                      : role == CAMPUS_ROLE_RELOAD ? "reload"
                                                   : "station";
    snprintf(name, 32, "%s_%s", who, what);
    return name;
}

static terminal_status read_open(int file, size_t most, struct stiver_terminal_bytes *bytes)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return campus_file_error();
    if (!S_ISREG(about.st_mode) || about.st_size < 0 || (uint64_t)about.st_size > most)
        return STIVER_TERMINAL_JOURNAL_IO;
    bytes->data = malloc((size_t)about.st_size + 1);
    if (bytes->data == NULL)
        return STIVER_TERMINAL_MEMORY;
    while (bytes->length < (size_t)about.st_size) {
        ssize_t got =
            read(file, bytes->data + bytes->length, (size_t)about.st_size - bytes->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? campus_file_error() : STIVER_TERMINAL_JOURNAL_IO;
        bytes->length += (size_t)got;
    }
    return STIVER_TERMINAL_OK;
}

terminal_status campus_file_read(const char *directory, const char *name, size_t most,
                                 struct stiver_terminal_bytes *bytes)
{
    char path[CAMPUS_PATH_BYTES];
    *bytes = (struct stiver_terminal_bytes){NULL, 0};
    terminal_status status = campus_file_path(directory, name, path);
    if (status != STIVER_TERMINAL_OK)
        return status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return campus_file_error();
    status = read_open(file, most, bytes);
    close(file);
    if (status != STIVER_TERMINAL_OK)
        stiver_terminal_bytes_free(bytes);
    return status;
}

static terminal_status write_open(int file, const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t put = write(file, data, bytes);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? campus_file_error() : STIVER_TERMINAL_JOURNAL_IO;
        data += put;
        bytes -= (size_t)put;
    }
    return fsync(file) == 0 ? STIVER_TERMINAL_OK : campus_file_error();
}

/* The new name is on the disk only when the directory is. */
static terminal_status sync_directory(const char *directory)
{
    int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return campus_file_error();
    terminal_status status = fsync(file) == 0 ? STIVER_TERMINAL_OK : campus_file_error();
    close(file);
    return status;
}

terminal_status campus_file_write(const char *directory, const char *name, const uint8_t *data,
                                  size_t bytes)
{
    char path[CAMPUS_PATH_BYTES], fresh[CAMPUS_PATH_BYTES], fresh_name[64];
    snprintf(fresh_name, sizeof fresh_name, "%s.new", name);
    terminal_status status = campus_file_path(directory, name, path);
    if (status == STIVER_TERMINAL_OK)
        status = campus_file_path(directory, fresh_name, fresh);
    if (status != STIVER_TERMINAL_OK)
        return status;
    /* What a crash left there goes; never into a file that somebody else may have open. */
    (void)unlink(fresh);
    int file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0)
        return campus_file_error();
    status = write_open(file, data, bytes);
    if (close(file) != 0 && status == STIVER_TERMINAL_OK)
        status = campus_file_error();
    if (status == STIVER_TERMINAL_OK && rename(fresh, path) != 0)
        status = campus_file_error();
    if (status != STIVER_TERMINAL_OK) {
        (void)unlink(fresh);
        return status;
    }
    return sync_directory(directory);
}
