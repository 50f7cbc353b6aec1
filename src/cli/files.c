/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the program reads and writes, and secrets that it asks for. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"

static bool refuse_errno(struct cli *cli, const char *what, const char *path)
{
    (void)cli_refuse(cli, "FILE", NULL, "%s %s: %s", path, what, strerror(errno));
    return false;
}

/* Reads to the end or to the limit; the memory grows by doubling. */
static bool read_all(struct cli *cli, int fd, const char *path, uint8_t **data, size_t *bytes)
{
    size_t capacity = 4096, used = 0;
    uint8_t *memory = malloc(capacity);
    while (memory != NULL) {
        ssize_t got = read(fd, memory + used, capacity - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(memory);
            return refuse_errno(cli, "cannot be read", path);
        }
        if (got == 0) {
            *data = memory;
            *bytes = used;
            return true;
        }
        used += (size_t)got;
        if (used > CLI_FILE_BYTES_MAX) {
            free(memory);
            (void)cli_refuse(cli, "FILE", NULL, "%s is too long for anything of the scheme", path);
            return false;
        }
        if (used == capacity) {
            uint8_t *larger = realloc(memory, capacity *= 2);
            if (larger == NULL)
                free(memory);
            memory = larger;
        }
    }
    (void)cli_refuse(cli, "MEMORY", NULL, "out of memory");
    return false;
}

bool cli_read_file(struct cli *cli, const char *path, uint8_t **data, size_t *bytes)
{
    if (strcmp(path, "-") == 0)
        return read_all(cli, STDIN_FILENO, "standard input", data, bytes);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse_errno(cli, "cannot be opened", path);
    bool done = read_all(cli, fd, path, data, bytes);
    (void)close(fd);
    return done;
}

static bool write_all(int fd, const uint8_t *data, size_t bytes)
{
    while (bytes != 0) {
        ssize_t put = write(fd, data, bytes);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        bytes -= (size_t)put;
    }
    return true;
}

/* Nothing is at path, or an ordinary file that is empty or starts like data. */
static bool may_replace(const char *path, const uint8_t *data, size_t alike)
{
    uint8_t start[64];
    struct stat there;
    if (lstat(path, &there) != 0)
        return true; /* what is wrong there, writing will say */
    int fd =
        S_ISREG(there.st_mode) && alike <= sizeof start ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t got = fd < 0 ? -1 : read(fd, start, alike);
    if (fd >= 0)
        (void)close(fd);
    return got == 0 || (got == (ssize_t)alike && memcmp(start, data, alike) == 0);
}

/* The new content stands whole beside the old one before it takes its name. */
static bool write_beside(const char *path, const char *beside, const uint8_t *data, size_t bytes,
                         mode_t mode, bool replace)
{
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return false;
    bool written = write_all(fd, data, bytes) && fsync(fd) == 0;
    written = close(fd) == 0 && written;
    if (written && replace)
        written = rename(beside, path) == 0;
    else if (written) /* link never replaces */
        written = link(beside, path) == 0;
    int reason = errno;
    if (!written || !replace)
        (void)unlink(beside);
    errno = reason;
    return written;
}

bool cli_write_file(struct cli *cli, const char *path, const uint8_t *data, size_t bytes,
                    bool secret, size_t alike)
{
    char beside[4096];
    bool replace = alike != 0 && alike <= bytes;
    if (strcmp(path, "-") == 0) {
        if (fwrite(data, 1, bytes, cli->out) == bytes)
            return true;
        return refuse_errno(cli, "cannot be written", "standard output");
    }
    int length = snprintf(beside, sizeof beside, "%s.%ld.new", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof beside) {
        errno = ENAMETOOLONG;
        return refuse_errno(cli, "cannot be written", path);
    }
    if (replace && !may_replace(path, data, alike))
        errno = EEXIST;
    else if (write_beside(path, beside, data, bytes, secret ? 0600 : 0644, replace))
        return true;
    if (errno != EEXIST)
        return refuse_errno(cli, "cannot be written", path);
    (void)cli_refuse(cli, "EXISTS", NULL,
                     replace ? "%s is there already and is something else: take another name"
                             : "%s is there already: take another name or move it away",
                     path);
    return false;
}

/* One line from fd, without its end; false if it is empty or too long. */
static bool read_line(int fd, uint8_t secret[CLI_SECRET_BYTES_MAX], size_t *bytes)
{
    *bytes = 0;
    for (;;) {
        uint8_t byte = 0;
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || byte == '\n')
            return *bytes != 0;
        if (*bytes == CLI_SECRET_BYTES_MAX)
            return false;
        secret[(*bytes)++] = byte;
    }
}

static bool ask(const char *prompt, uint8_t secret[CLI_SECRET_BYTES_MAX], size_t *bytes)
{
    struct termios shown, hidden;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool changed = tcgetattr(fd, &shown) == 0;
    hidden = shown;
    hidden.c_lflag &= (tcflag_t)~ECHO;
    changed = changed && tcsetattr(fd, TCSAFLUSH, &hidden) == 0;
    bool done = changed && write_all(fd, (const uint8_t *)prompt, strlen(prompt)) &&
                read_line(fd, secret, bytes);
    if (changed) {
        (void)tcsetattr(fd, TCSAFLUSH, &shown);
        (void)write_all(fd, (const uint8_t *)"\n", 1);
    }
    (void)close(fd);
    return done;
}

static bool ask_twice(struct cli *cli, const uint8_t *secret, size_t bytes)
{
    uint8_t again[CLI_SECRET_BYTES_MAX];
    size_t again_bytes = 0;
    bool same = ask("The same again: ", again, &again_bytes) && again_bytes == bytes &&
                bytes_equal_ct(secret, again, bytes);
    bytes_wipe(again, sizeof again);
    if (!same)
        (void)cli_refuse(cli, "PASSPHRASE", NULL, "the two passphrases are not the same");
    return same;
}

bool cli_passphrase(struct cli *cli, const char *prompt, bool confirm,
                    uint8_t secret[CLI_SECRET_BYTES_MAX], size_t *bytes)
{
    const char *descriptor = cli_value(cli, "passphrase-fd");
    uint32_t fd = 0;
    if (descriptor != NULL) {
        if (!cli_number(cli, "--passphrase-fd", descriptor, 0, 65535, &fd))
            return false;
        if (read_line((int)fd, secret, bytes))
            return true;
        (void)cli_refuse(cli, "PASSPHRASE", NULL,
                         "file descriptor %s gives no passphrase (one line, at most %u bytes)",
                         descriptor, CLI_SECRET_BYTES_MAX);
        return false;
    }
    if (ask(prompt, secret, bytes))
        return !confirm || ask_twice(cli, secret, *bytes);
    (void)cli_refuse(cli, "PASSPHRASE", NULL,
                     "no passphrase was given: type one, or use --passphrase-fd");
    return false;
}
